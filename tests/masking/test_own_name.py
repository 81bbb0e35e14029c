"""The recipient's own name in another part of the address: taken out where it stands by itself, refused where it does not."""

import json
import re
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.masking.messages import DAY, address, masked, order, told
from tranship.core.errors import InputError
from tranship.masking.message import Message, mask
from tranship.masking.policy import MaskingError, load
from tranship.masking.tokens_memory import MemoryTokens

NAME = "Zebulon Quillfeather"
KINDS = ("amazon_mcf_2020", "amazon_mcf", "shipbob")
PLACES = {
    "first line": ("{name}", "4711 Marzipan Lane"),
    "second line": ("4711 Marzipan Lane", "{name}"),
    "before a comma": ("{name}, 4711 Marzipan Lane", None),
    "after a comma": ("4711 Marzipan Lane, {name}", "Apt 5"),
    "between commas": ("4711 Marzipan Lane, {name}, Apt 5", None),
    "before the number": ("{name} 4711 Marzipan Lane", None),
    "care of": ("c/o {name}", "4711 Marzipan Lane"),
    "care of, second": ("4711 Marzipan Lane", "c/o {name}"),
    "attention": ("4711 Marzipan Lane", "Attn: {name}"),
    "behind the street": ("4711 Marzipan Lane {name}", None),
    "as the street": ("4711 {name} Way", None),
}


def leaving(kind: str, name: str, lines: tuple[str | None, ...], **more: Any) -> dict[str, Any]:
    """The address that leaves for a network of this kind, without the alias."""
    if kind == "shipbob":
        to = {
            "address1": lines[0],
            "address2": lines[1],
            "city": "Seattle",
            "state": "WA",
            "zip_code": "98101",
            "country": "US",
        }
        to = {key: value for key, value in {**to, **more}.items() if value is not None}
        body: dict[str, Any] = {
            "reference_id": "SHOP-1", "order_number": "1", "shipping_method": "Standard", "recipient": {"name": name, "address": to},
            "products": [{"reference_id": "MUG-1", "quantity": 1}],
        }  # fmt: skip
        return told(made(kind, body))["recipient"]["address"]
    to = address(name=name, addressLine1=lines[0], addressLine2=lines[1], **more)
    if kind == "amazon_mcf_2020":
        out = told(masked(order(destinationAddress=to)))["destinationAddress"]
    else:
        body = {
            "orderId": "SHOP-1", "destination": {"deliveryAddress": to},
            "lineItems": [{"lineItemId": "1", "product": {"productIdentifier": {"amazonSku": "MUG-1"}}, "amount": {"value": "1"}}],
        }  # fmt: skip
        out = told(made(kind, body))["destination"]["deliveryAddress"]
    assert out.pop("name").startswith("R. ")
    return out


def made(kind: str, body: dict[str, Any]) -> Any:
    """A body through the policy of a kind."""
    return mask(Message(json.dumps(body).encode()), "create", load(kind), MemoryTokens(), now_day=DAY)


def lines_of(out: dict[str, Any]) -> list[str]:
    """The lines of the street that leave."""
    return [value for key, value in sorted(out.items()) if key.startswith("address")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cased", [str, str.upper, str.lower], ids=["as it is", "upper", "lower"])
@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("first line", ["4711 Marzipan Lane"]),
        ("second line", ["4711 Marzipan Lane"]),
        ("before a comma", ["4711 Marzipan Lane"]),
        ("after a comma", ["4711 Marzipan Lane", "Apt 5"]),
        ("between commas", ["4711 Marzipan Lane, Apt 5"]),
        ("before the number", ["4711 Marzipan Lane"]),
        ("care of", ["4711 Marzipan Lane"]),
        ("care of, second", ["4711 Marzipan Lane"]),
        ("attention", ["4711 Marzipan Lane"]),
    ],
)
def test_the_name_is_taken_out_of_the_lines(kind: str, cased: Any, place: str, left: list[str]):
    """Whatever its case; a line that was nothing else is gone, and the next moves up."""
    first, second = PLACES[place]
    lines = (first.format(name=cased(NAME)), second and second.format(name=cased(NAME)))
    assert lines_of(leaving(kind, NAME, lines)) == left


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "line"),
    [
        (NAME, "4711 Zebulon Quillfeather Way"),
        (NAME, "4711 Marzipan Lane ZebulonQuillfeather"),
        ("Zoë Müller", "12 Oak St Zoe Muller"),
        ("Zoe Muller", "12 Oak St ZOË MÜLLER"),
        ("山田太郎", "銀座1-2山田太郎"),
        ("Quillfeather", "4711 Marzipan Lane Quillfeather"),
    ],
)
def test_a_name_that_cannot_be_told_from_the_street_is_refused(kind: str, name: str, line: str):
    """The error names the part and the reason, and nothing of the value."""
    with pytest.raises(MaskingError, match="holds the recipient's name") as caught:
        leaving(kind, name, (line, None))
    assert caught.value.leaf.endswith(("ddressLine1", "address1")) and name not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_town_may_be_called_as_somebody_is(kind: str):
    """A city that is one word or more than the name stays; a city that is nothing but a name of two words is refused."""
    assert leaving(kind, "Madison", ("12 Oak St", None), city="Madison")["city"] == "Madison"
    assert leaving(kind, "Ana Maria", ("12 Oak St", None), city="Villa Ana Maria")["city"] == "Villa Ana Maria"
    with pytest.raises(MaskingError, match="holds the recipient's name"):
        leaving(kind, NAME, ("12 Oak St", None), city="zebulon  QUILLFEATHER")


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_district_that_is_the_name_is_gone(kind: str):
    """It is not needed to deliver; a district that holds the name among others is refused."""
    lines = ("4711 Marzipan Lane", None)
    assert "districtOrCounty" not in leaving(kind, NAME, lines, districtOrCounty="C/O Zebulon Quillfeather")
    assert leaving(kind, NAME, lines, districtOrCounty="King County")["districtOrCounty"] == "King County"
    with pytest.raises(MaskingError, match="holds the recipient's name"):
        leaving(kind, NAME, lines, districtOrCounty="Old Zebulon Quillfeather Ward")


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_that_is_nothing_but_the_name_is_refused(kind: str):
    """No parcel can be delivered to it."""
    with pytest.raises(MaskingError, match=r"has no address(Line)?1"):
        leaving(kind, NAME, (NAME, None))


@pytest.mark.parametrize(
    ("name", "line"),
    [("Al", "12 Al Wahda St"), ("Ann Lee", "12 Joann Leeds Rd"), ("Al Ex", "12 Alex St"), ("12", "12 Oak St"), ("Ada Byron", "12 Ada St")],
)  # fmt: skip
def test_what_is_no_name_stays(name: str, line: str):
    """Short names of one word inside a line, parts of longer words, one word of two, numbers."""
    assert lines_of(leaving("amazon_mcf_2020", name, (line, None))) == [line]


def test_a_name_of_one_word_goes_where_it_stands_by_itself():
    """As a line, with c/o before it, and between commas where it has four letters."""
    for lines in (("Al", "12 Oak St"), ("12 Oak St", "c/o Al")):
        assert lines_of(leaving("amazon_mcf_2020", "Al", lines)) == ["12 Oak St"]
    assert lines_of(leaving("amazon_mcf_2020", "Cherie", ("Cherie, 12 Oak St", None))) == ["12 Oak St"]


def test_spaces_and_ends_of_lines_hide_no_name():
    """However long they make a part or the name."""
    wide = NAME.replace(" ", " " * 90)
    for name, line in ((NAME, f"12 Oak St, {wide}"), (wide, f"12 Oak St, {NAME}"), (NAME, f"12 Oak St\n{NAME}")):
        assert lines_of(leaving("amazon_mcf_2020", name, (line, None))) == ["12 Oak St"]


def test_a_preview_that_hides_the_name_hides_it_in_the_lines_too():
    """Where a constant takes the place of the name, as where a token does."""
    policy = load("amazon_mcf")
    hiding = [one for one in policy.operations.values() for leaf, rule in one.rules.get("body", {}).items()
              if leaf == "destination.deliveryAddress.name" and rule.action == "constant"]  # fmt: skip
    assert hiding
    for operation in hiding:
        body = {"destination": {"deliveryAddress": address(name=NAME, addressLine2=NAME)}}
        out = mask(Message(json.dumps(body).encode()), operation.name, policy, MemoryTokens(), now_day=DAY)
        assert "quillfeather" not in out.body.decode().lower()


WORDS = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxyzäé\u0131ßøñABCDEFGHIJKLMNOPQRSTUVWXYZÄÉİ'-"), min_size=1, max_size=9
).filter(lambda word: word[0].isalpha() and word[-1].isalpha())
CASES = st.sampled_from([str, str.upper, str.lower, str.title, str.swapcase, lambda text: text.replace(" ", "  ")])


@given(
    kind=st.sampled_from(KINDS),
    name=st.lists(WORDS, min_size=2, max_size=4).map(" ".join),
    place=st.sampled_from([*PLACES, "district"]),
    cased=CASES,
)
@example("amazon_mcf", "İda Weiß", "behind the street", str.upper)
@example("amazon_mcf_2020", "a b", "second line", str)
@settings(deadline=None)
def test_no_name_of_two_words_leaves_in_any_part(kind: str, name: str, place: str, cased: Any):
    """What leaves does not hold the name as words, whatever the case; or nothing leaves."""
    assume(not _held(name, "4711 Marzipan Lane\n Apt 5\n Seattle WA US Way"))
    if place == "district":
        assume(kind != "shipbob")
        lines, more = ("4711 Marzipan Lane", "Apt 5"), {"districtOrCounty": cased(name)}
    else:
        lines, more = tuple(line and line.format(name=cased(name)) for line in PLACES[place]), {}
    try:
        out = leaving(kind, name, lines, **more)
    except InputError:
        return  # what is said then has its own tests
    assert not any(_held(form, value) for value in out.values() for form in (name, cased(name)))


def _held(name: str, text: str) -> bool:
    words, held = (" ".join(re.findall(r"[^\s,;:/]+", one.lower())) for one in (name, text))
    return f" {words} " in f" {held} "


@given(
    name=st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    other=st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
)
@settings(deadline=None)
def test_names_that_are_in_no_part_make_no_difference(name: str, other: str):
    """The same address leaves for both."""
    lines = ("47 Q", "9")
    outs = [leaving("amazon_mcf_2020", one, lines, city="Q7", stateOrRegion=None) for one in (name, other)]
    assert outs[0] == outs[1]
