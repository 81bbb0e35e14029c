"""`python -m tranship.cli`: the same verbs where the console script is not on the path."""

from tranship.cli.main import main

main()
