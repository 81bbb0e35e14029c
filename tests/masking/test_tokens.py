"""Tokens: random, told apart by kind, and a wrong sign is noticed."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.masking.tokens import ALPHABET, KINDS, NAME_ALIAS, TOKEN, Found, kind_of, new_token, tokens_in
from tranship.masking.tokens_memory import MemoryTokens


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_says_its_kind(kind: str):
    """And fits what every network takes as an id; a name's reads like a name."""
    token = new_token(kind)
    assert kind_of(token) == kind and (NAME_ALIAS if kind == "name" else TOKEN).fullmatch(token)
    assert list(tokens_in(f"order {token}, and more")) == [token]


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_one_wrong_sign_is_noticed(kind, data):
    """Whichever it is, and whatever stands in its place."""
    token = new_token(kind)
    places = [at for at, sign in enumerate(token) if at > 1 and sign in ALPHABET]
    at = data.draw(st.sampled_from(places))
    sign = data.draw(st.sampled_from(ALPHABET.replace(token[at], "")))
    assert kind_of(token[:at] + sign + token[at + 1 :]) == ""


def test_signs_are_drawn_evenly():
    """32 signs, each as often as any other: 24,000 signs, none further than six standard deviations off."""
    counts = Counter("".join(new_token("order")[2:-1] for _ in range(2_000)))
    assert set(counts) == set(ALPHABET)
    assert all(abs(count - 750) < 6 * 27 for count in counts.values()), counts


def test_memory_keeps_what_it_gave_within_a_scope():
    """The same value within an order, another one in the next order; what it stands for is not printed."""
    tokens = MemoryTokens()
    first = tokens.token("name", "A", "Ada Byron")
    assert tokens.token("name", "A", "Ada Byron") == first != tokens.token("name", "B", "Ada Byron")
    assert tokens.found(first) == Found("name", "A", "Ada Byron") and tokens.found(new_token("name")) is None
    assert "Ada" not in repr(tokens.found(first)) and len(tokens) == 2
    tokens.expire("A")
    assert tokens.found(first).expired
