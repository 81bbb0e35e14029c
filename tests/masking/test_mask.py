"""What becomes of a person and an address on the way out."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.masking import making
from tranship.connectors.amazon_mcf.settings import Settings
from tranship.connectors.amazon_mcf.translate_2020 import Connector2020
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.core.capability import Capability
from tranship.core.errors import InputError
from tranship.core.order import Destination, Person
from tranship.masking.mask import mask
from tranship.masking.model import MaskedOrder

ADA = Person(
    ref="C-1", name="Ada Byron", street="12 Oak St", city="Seattle", phone="+1 415 555 2671", email="ada@post.example"
)
SEATTLE = Destination(zip="98101", state="WA")
SETTINGS = Settings(marketplace="ATVPDKIKX0DER")
CONNECTORS = (Connector2026(SETTINGS, Capability()), Connector2020(SETTINGS, Capability()))


def masked(person: Person = ADA, to: Destination = SEATTLE, **more: object) -> MaskedOrder:
    """An order of one line."""
    wanted = {"ship_by": "2026-11-24", "deliver_by": "2026-11-28", **more}
    return mask("TS-7Q2K", person, to, [("L1", "MUG-1", 2)], **wanted)  # type: ignore[arg-type]


def test_what_a_parcel_needs_gets_through():
    """Name, street, city, state, ZIP code and country leave as they are."""
    to = masked().to
    assert (to.name, to.line1, to.line2, to.city, to.state, to.postal_code, to.country) == (
        "Ada Byron", "12 Oak St", "", "Seattle", "WA", "98101", "US",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("person", "to", "missing"),
    [
        (Person(street="12 Oak St", city="Seattle"), SEATTLE, "name"),
        (Person(name="Ada Byron", city="Seattle"), SEATTLE, "street"),
        (Person(name="Ada Byron", street="12 Oak St"), SEATTLE, "city"),
        (Person(), SEATTLE, "name, no street, no city"),
        (Person(name=" \u200b ", street="--", city="\t"), SEATTLE, "name, no street, no city"),
        (Person(name="ada@post.example", street="12 Oak St", city="Seattle"), SEATTLE, "name"),
        (ADA, Destination(zip=""), "ZIP code"),
        (ADA, Destination(zip="98101", country=""), "country"),
    ],
)
def test_an_address_that_cannot_be_delivered_to_is_refused(person: Person, to: Destination, missing: str):
    """The refusal names what is missing, and nothing of the person."""
    with pytest.raises(InputError, match=f"has no {missing}") as caught:
        masked(person, to)
    assert "Oak" not in str(caught.value) and "Ada" not in str(caught.value)


@pytest.mark.parametrize("zip_code", ["981", "ABCDE", "98101-12", "98101 OR 1"])
def test_a_zip_code_that_is_none_is_refused(zip_code: str):
    """In the United States a ZIP code has five digits, or nine."""
    with pytest.raises(InputError, match="ZIP code"):
        masked(to=Destination(zip=zip_code))


@pytest.mark.parametrize(
    ("street", "line1", "line2"),
    [
        ("12 Oak St\nApt 5", "12 Oak St", "Apt 5"),
        ("12 Oak St, tel. 415-555-2671", "12 Oak St", ""),
        ("12 Oak St (415) 555-2671 Apt 5", "12 Oak St Apt 5", ""),
        ("12 Oak St ada@post.example", "12 Oak St", ""),
        ("12 Oak St, +1 415 555 2671", "12 Oak St", ""),
        ("1000 Winthrop Ave N 98103-1234", "1000 Winthrop Ave N 98103-1234", ""),
        (f"{'Long ' * 11}Road 12 Building of the Water Works", f"{'Long ' * 11}Road", "12 Building of the Water Works"),
    ],
)
def test_a_street_is_tidied_and_divided_between_words(street: str, line1: str, line2: str):
    """Contacts in the street are dropped, further lines and what is too long go to the second line."""
    to = masked(Person(name=ADA.name, street=street, city=ADA.city, phone="+1 415 555 2671")).to
    assert (to.line1, to.line2) == (line1, line2)


@pytest.mark.parametrize(
    "number",
    [
        "\uff13\uff11\uff12\uff0d\uff15\uff15\uff15\uff0d\uff10\uff11\uff19\uff19",  # full width
        "312 - 555 - 0199",
        "312_555_0199",
        "312\u2013555\u20130199",
        "\u00b3\u00b9\u00b2\u2075\u2075\u2075\u2070\u00b9\u2079\u2079",  # raised
        "".join(f"{digit}\ufe0f\u20e3" for digit in "3125550199"),  # keycaps
        "\u4e09\u4e00\u4e8c\u4e94\u4e94\u4e94\u3007\u4e00\u4e5d\u4e5d",
    ],
)
def test_a_phone_number_in_digits_of_another_shape_is_no_street(number: str):
    """Full width, raised, in keycaps, of Japan, or spread out: a person reads the same number."""
    with pytest.raises(InputError, match="may be a phone's"):
        masked(msgspec.structs.replace(ADA, street=f"12 Oak St {number}"))


@pytest.mark.parametrize(
    "street",
    [
        "\u4e09\u4e01\u76ee\uff11\uff0d\uff12\uff0d\uff13 \u795e\u7530\u30d3\u30eb\uff12\uff10\uff11",
        "Unit 1204, 12345 Main Street",
        "Calle 127 # 123-45",
        "123\u00bd Oak St",
    ],
)
def test_a_street_with_numbers_of_another_shape_is_one(street: str):
    """House numbers of Japan, unit and house number side by side, a half."""
    assert masked(msgspec.structs.replace(ADA, street=street)).to.line1 == street


def test_what_fits_nowhere_is_refused_rather_than_cut():
    """No part of an address is dropped because it is long."""
    for person in (
        Person(name="Ada", street="Oak " * 40, city="Seattle"),
        Person(name="A" * 51, street="12 Oak St", city="Seattle"),
        Person(name="Ada", street="12 Oak St", city="S" * 51),
    ):
        with pytest.raises(InputError, match="characters"):
            masked(person)
    with pytest.raises(InputError, match="state"):
        masked(to=Destination(zip="98101", state="W" * 51))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"remote_id": "ts-1"}, "remote id"),
        ({"remote_id": "T" * 41}, "remote id"),
        ({"lines": []}, "without lines"),
        ({"lines": [("L1", "A", 1), ("L1", "B", 1)]}, "same id"),
        ({"lines": [("L 1", "A", 1)]}, "line id"),
        ({"lines": [("L1", "", 1)]}, "SKU"),
        ({"lines": [("L1", "A" * 51, 1)]}, "SKU"),
        ({"lines": [("L1", "A", 0)]}, "no units"),
        ({"service": "yesterday"}, "service"),
        ({"ship_by": "24.11.2026"}, "ISO date"),
    ],
)
def test_an_order_that_no_network_takes_is_refused(wrong: dict[str, object], said: str):
    """Ids, lines and words are checked before anything is journaled."""
    good = {"remote_id": "T-1", "person": ADA, "destination": SEATTLE, "lines": [("L1", "A", 1)]}
    with pytest.raises(InputError, match=said):
        mask(**{**good, **wrong})  # type: ignore[arg-type]


def test_a_masked_order_does_not_print_the_person():
    """Logs and tracebacks show ids only."""
    assert "Ada" not in repr(masked()) and "Oak" not in repr(masked().to)


phones = st.from_regex(r"\+1 [2-9]\d\d [2-9]\d\d \d{4}", fullmatch=True)
emails = st.from_regex(r"mark[a-z]{2,6}@[a-z]{3,6}\.example", fullmatch=True)


@given(
    name=making.names,
    street=making.parts,
    city=making.parts,
    phone=phones,
    email=emails,
    spots=st.lists(st.sampled_from(["name", "street", "city", ""]), max_size=2),
    hold=st.booleans(),
    ref=st.just("REFMARKER"),
)
def test_no_phone_and_no_email_is_in_any_body(name, street, city, phone, email, spots, hold, ref):
    """Wherever a customer wrote them: no body of any kind has the phone's digits in a row, or the e-mail."""
    fields = {"name": name, "street": street, "city": city}
    for spot, contact in zip(spots, (phone, email), strict=False):
        if spot:
            fields[spot] += f" {contact}"
    order = masked(Person(ref=ref, phone=phone, email=email, **fields))
    for connector in CONNECTORS:
        for body in (connector.body(order, hold=hold), connector.offer(order).body):
            text = json.dumps(json.loads(body), ensure_ascii=False)
            assert email not in text and "@" not in text and "REFMARKER" not in text
            assert re.sub(r"\D", "", phone) not in re.sub(r"[ ()+.-]", "", text)


def test_an_offer_asks_without_the_person():
    """Name, street and city are not needed to ask for a day of arrival, so they are not told."""
    for connector in CONNECTORS:
        body = connector.offer(masked()).body.decode()
        assert "98101" in body and not [word for word in ("Ada", "Oak", "Seattle", "TS-7Q2K") if word in body]
