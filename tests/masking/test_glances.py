"""What is seen at a glance, so that most addresses need no pattern: the answer is the one that the patterns give."""

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from tranship.core.order import Person
from tranship.engine.preparing import ALPHABET, ID_LENGTH, random_id
from tranship.masking import mask as room
from tranship.masking.own_name import without_name
from tranship.masking.policy import walk

WORDS = st.sampled_from(
    ["Ann", "Example", "ANN", "example", "EXAMPLE", "ann@x.example", "+1 312 555 0100", "12", "Oak", "St", ",", "\n", ";", " ", "c/o",
     "\u017ft", "\u0131", "\u212a", "\u00e9", "phone", "e-mail:", "@", "4-B", "\u2028", "\x07", "Straße"]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(WORDS, max_size=8).map(" ".join), st.lists(WORDS, max_size=8).map("".join), st.text(max_size=40)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b_c", "d.e", "", "f-1", "é"]), inner, max_size=3),
    max_leaves=20,
)  # fmt: skip


def parts_by_patterns(text: str, person: Person) -> list[str]:
    """Every pattern, on every text."""
    for contact in (person.phone.strip(), person.email.strip()):
        if len(contact) >= 3:
            text = re.sub(re.escape(contact), " ", text, flags=re.IGNORECASE)
    text = room._LABEL.sub(" ", room._PHONE.sub(" ", room._EMAIL.sub(" ", text)))
    printable = "".join(c if c.isprintable() or c in "\r\n" else " " for c in text)
    tidy = (" ".join(line.split()).strip(" ,;") for line in printable.splitlines())
    return [line for line in tidy if any(c.isalnum() for c in line)]


@given(TEXTS, TEXTS, TEXTS)
@example("12 \u017ftudio 7", "12 studio 7", "")
@example("mail ANN@X.EXAMPLE here", "", "ann@x.example")
def test_contacts_are_taken_out_as_the_patterns_do(text: str, phone: str, email: str):
    """Whatever the letters, also those that other letters are written for."""
    person = Person("c1", "Ann Example", text, "Chicago", phone, email)
    assert room._parts(text, person) == parts_by_patterns(text, person)


def street_by_pattern(street: str, name: str) -> str:
    """The pattern, on every street."""
    words = [re.escape(word) for word in name.split()]
    if len(words) < 2:
        return street
    either = "|".join(r"[\s,]+".join(each) for each in (words, [words[-1], *words[:-1]]))
    pattern = rf"(^|[,;\n])\s*(?:(?:c/o|attn|to)\b[:.]?\s*)?(?:{either})\s*(?=$|[,;\n\d])"
    left = re.sub(pattern, r"\1 ", street, flags=re.IGNORECASE | re.MULTILINE)
    return left if left == street else left.strip(" ,;\n")


@given(TEXTS, st.one_of(TEXTS, st.just("Ann Example"), st.just("EXAMPLE ann")))
@example("7 Oak\n\u017fam Example", "Sam Example")
@example("EXAMPLE, ANN 12 Oak St", "Ann Example")
def test_a_name_is_taken_out_of_a_street_as_the_pattern_does(street: str, name: str):
    """Whatever the letters, and in either order of the words."""
    assert without_name(street, name) == street_by_pattern(street, name)


def plain(value: object, path: str = "") -> list[tuple[str, object]]:
    """The leaves, as they are defined."""
    if isinstance(value, dict) and value:
        names = [
            (key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key), part) for key, part in value.items()
        ]
        return [leaf for name, part in names for leaf in plain(part, f"{path}.{name}" if path else name)]
    if isinstance(value, list) and value:
        return [leaf for part in value for leaf in plain(part, f"{path}[]")]
    return [(path, value)]


@given(JSON)
def test_every_leaf_is_walked_once_and_in_order(value: object):
    """Something empty is a leaf of its own; a name with a dot is told from two names."""
    assert list(walk(value)) == plain(value)


def test_remote_ids_are_of_their_signs():
    """Twenty signs of 32, each of them as likely."""
    found = [random_id() for _ in range(2_000)]
    assert len(set(found)) == 2_000 and {len(each) for each in found} == {ID_LENGTH}
    counts = {sign: "".join(found).count(sign) for sign in ALPHABET}
    assert sum(counts.values()) == 40_000 and min(counts.values()) > 1_000
