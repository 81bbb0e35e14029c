import hmac

from hypothesis import given
from hypothesis import strategies as some

from tranship.masking.vault import seal


@given(some.binary(max_size=64), some.lists(some.binary(max_size=300), max_size=4))
def test_codes_are_those_of_hmac(key: bytes, messages: list[bytes]) -> None:
    """A code is HMAC-SHA256 of RFC 2104, as the standard library has it, however many were asked for before."""
    mac = seal.Mac(key)
    assert [mac(message) for message in messages] == [hmac.digest(key, message, "sha256") for message in messages]


@given(
    some.lists(some.text(max_size=8), min_size=6, max_size=6), some.lists(some.text(max_size=8), min_size=6, max_size=6)
)
def test_no_two_rows_share_what_they_are_bound_to(one: list[str], other: list[str]) -> None:
    """Two rows that differ in any part are bound to different bytes, wherever the parts' borders lie."""
    assert (seal.associated(*one) == seal.associated(*other)) == (one == other)
    moved = ["".join(one), *[""] * 5]
    assert (seal.associated(*one) == seal.associated(*moved)) == (one == moved)
