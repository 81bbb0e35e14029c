"""`--help` of every verb says what each of its parameters is."""

from collections.abc import Iterator

import pytest
from cyclopts import App

from tranship.cli.main import app


def verbs(group: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, App]]:
    """Every verb with its words, groups opened."""
    for name in group:
        if name.startswith("-"):
            continue
        one = group[name]
        if one.default_command is not None:
            yield " ".join((*path, name)), one
        yield from verbs(one, (*path, name))


VERBS = dict(verbs(app))


def test_there_are_verbs_to_look_at():
    """Groups and what is in them, too."""
    assert {"replay", "leak status", "vault rotate", "try", "unmask-report"} <= set(VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_says_what_it_does_and_what_each_parameter_is(verb: str):
    """A parameter without a sentence is a guess for whoever reads `--help`."""
    one = VERBS[verb]
    assert one.help and one.help.strip()
    silent = [
        argument.name
        for argument in one.assemble_argument_collection(parse_docstring=True)
        if not argument.parameter.help
    ]
    assert not silent
