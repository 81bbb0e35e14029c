"""The search finds a canary in every shape, and nothing where there is none."""

import base64
import hashlib
import json
import random
import string
from urllib.parse import quote

import pytest

from tests.masking import canary
from tranship.masking.tokens import KINDS, new_token

ONE = {"name": canary.letters(7), "phone": canary.digits(7), "note": canary.word(7)}
SEARCH = canary.Search({**ONE, **{f"other {number}": canary.word(f"other {number}") for number in range(200)}})
SHAPES = {
    "as it is": lambda text: text.encode(),
    "upper case": lambda text: text.upper().encode(),
    "reversed": lambda text: text[::-1].encode(),
    "without spaces": lambda text: text.replace(" ", "").encode(),
    "url": lambda text: quote(text).encode(),
    "hex": lambda text: text.encode().hex().upper().encode(),
    "json": lambda text: json.dumps(text).encode(),
    "all escaped": lambda text: "".join(f"\\u{ord(sign):04X}" for sign in text).encode(),
    "first five": lambda text: text[:5].encode(),
    "last five": lambda text: text[-5:].encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 inside": lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
    "base64 further in": lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
    "md5": lambda text: hashlib.md5(text.encode()).hexdigest().encode(),
    "sha1": lambda text: hashlib.sha1(text.encode()).hexdigest().encode(),
    "sha256": lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ONE)
def test_every_shape_is_found_among_many_canaries(shape: str, name: str):
    """In the middle of a message, whatever the canary looks like."""
    text = b'{"comment":"' + SHAPES[shape](ONE[name]) + b'","quantity":2}'
    assert name in {found for found, _ in SEARCH.hits(text)}


def test_nothing_is_found_where_nothing_is():
    """Tokens, words and random text are not taken for canaries."""
    draw = random.Random(1)
    text = "".join(new_token(kind) for kind in KINDS for _ in range(500))
    text += "".join(draw.choice(string.ascii_uppercase + "23456789-") for _ in range(100_000))
    assert not SEARCH.hits(text) and len(SEARCH) > 5_000


def test_an_exception_is_searched_with_all_that_it_carries():
    """Also what it hides behind `from None`."""

    def hiding() -> None:
        try:
            json.loads(f'{{"a": "{ONE["note"]}", }}')
        except ValueError:
            raise KeyError("x") from None

    with pytest.raises(KeyError) as caught:
        hiding()
    assert SEARCH.hits(canary.told_by(caught.value))
