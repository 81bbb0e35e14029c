"""Verbs of the command line, run in this process."""

from collections.abc import Callable

Verb = Callable[..., tuple[int, str, str]]
"""Arguments -> exit code, standard output, standard error."""
