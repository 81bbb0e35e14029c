"""Secrets and personal texts show as stars, and nothing writes them down."""

import copy
import io
import json
import logging
import pickle
import pprint
import traceback

import msgspec
import pytest

from tranship.core.secret import Hidden, Pii, Secret, revealed

WORD = "hunter2-Zoë-4711"


@pytest.fixture(params=[Secret, Pii])
def hidden(request: pytest.FixtureRequest) -> Hidden:
    """One of each kind."""
    made: Hidden = request.param(WORD)
    return made


def test_whatever_text_is_made_of_it_shows_stars(hidden: Hidden):
    """repr, str, format with any width, %, join through str, pprint, a list of it, a traceback with its value."""
    texts = [
        repr(hidden), str(hidden), f"{hidden}", f"{hidden!r:.40}", f"{hidden:>40}", f"{hidden:.3}",
        f"{hidden!s} {hidden!a}", pprint.pformat({"a": [hidden]}), str([hidden]), str({hidden: 1}), ascii(hidden),
    ]  # fmt: skip
    try:
        _fail(hidden)
    except ValueError as error:
        texts += [str(error), "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())]
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.getLogger("tests.core.secret")
    logger.addHandler(handler)
    logger.warning("of %s and %r", hidden, hidden)
    logger.removeHandler(handler)
    for text in [*texts, out.getvalue()]:
        assert "***" in text or "Secret" in text or "Pii" in text
        assert not any(WORD[i : i + 4] in text for i in range(len(WORD) - 3)), "not even a piece"


def _fail(hidden: Hidden) -> None:
    raise ValueError(hidden)


def test_nothing_writes_it_down(hidden: Hidden):
    """JSON, MessagePack, pickle and its attributes refuse; a copy is the same object."""
    for write in (json.dumps, msgspec.json.encode, msgspec.msgpack.encode, pickle.dumps, vars):
        with pytest.raises(TypeError) as raised:
            write(hidden)
        assert WORD not in str(raised.value)
    with pytest.raises(TypeError):
        _ = "x" + hidden  # type: ignore[operator]
    with pytest.raises(AttributeError):
        hidden._text = "other"  # type: ignore[misc]
    assert copy.copy(hidden) is hidden and copy.deepcopy(hidden) is hidden


def test_equal_among_its_own_kind_only():
    """A secret is no personal text, and neither is a plain one."""
    assert Secret(WORD) == Secret(WORD) and Secret(WORD) != Secret(WORD + "x")
    assert Secret(WORD) != Pii(WORD) and Secret(WORD) != WORD
    assert len({Secret(WORD), Secret(WORD), Pii(WORD)}) == 2
    assert not Secret("") and Secret("x") and revealed(Pii("x")) == revealed("x") == "x"


def test_personal_structs_show_stars_to_rich_as_well():
    """Left alone, msgspec would give rich every field."""
    from rich.pretty import pretty_repr

    from tranship.api.bodies import CustomerIn
    from tranship.api.settings import ApiSettings
    from tranship.connectors.alerts.mail import Server
    from tranship.connectors.files.jsonl import JsonOrder
    from tranship.connectors.files.model import StagedOrder
    from tranship.connectors.port import Request, Response
    from tranship.core.order import Person
    from tranship.masking.model import MaskedAddress
    from tranship.masking.tokens import Found

    for made in (
        Person("ref", WORD, WORD, WORD, WORD, WORD),
        MaskedAddress(WORD, WORD, WORD, "NY", "10001", "US", WORD),
        Server("host", 25, WORD, WORD, WORD),
        CustomerIn(WORD, WORD, WORD, WORD, WORD, WORD),
        JsonOrder("1", "", [], WORD, name=WORD, street=WORD),
        StagedOrder("1", 0, WORD, (), b""),
        ApiSettings(token="hunter2 4711 and more"),
        Request("create", "POST", "/orders", body=WORD.encode()),
        Response(200, {}, WORD.encode()),
        Found("name", "o", WORD),
    ):
        for text in (repr(made), str(made), f"{made}", pretty_repr(made), pretty_repr({"a": [made]})):
            assert "hunter2" not in text and "4711" not in text
