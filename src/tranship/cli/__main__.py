"""`python -m tranship.cli`: the same verbs where the console script is not on the path."""

from tranship.cli.main import main

if __name__ == "__main__":  # a comparison's worker processes import this module again
    main()
