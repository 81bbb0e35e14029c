"""Identifiers by keyed hash."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tranship.core.ids import keyed_id

texts = st.text(st.characters(blacklist_characters="\x1f", blacklist_categories=("Cs",)), max_size=12)


@given(st.binary(min_size=1, max_size=64), st.lists(texts, min_size=1, max_size=4), st.integers(1, 26))
def test_an_id_is_short_readable_and_stable(key: bytes, parts: list[str], size: int) -> None:
    """As many characters as asked for, none that people mix up, the same for the same parts."""
    found = keyed_id(key, *parts, size=size)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]+", found) and len(found) == size
    assert found == keyed_id(key, *parts, size=size)


@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=4))
def test_other_parts_or_another_key_give_another_id(one: list[str], two: list[str]) -> None:
    """("ab", "c") is not ("a", "bc"), and who lacks the key cannot guess an id."""
    if one != two:
        assert keyed_id(b"key", *one) != keyed_id(b"key", *two)
    assert keyed_id(b"key", *one) != keyed_id(b"other", *one)


def test_the_id_of_an_example_never_changes() -> None:
    """Ids are kept in journals: a release that makes others has broken them."""
    assert keyed_id(b"tranship", "order", "web", "1001") == "7DXRWWCH416NM9N2"
