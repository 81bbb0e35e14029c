"""What callers send: orders and receipts. What is personal is in `customer` and goes to the person table only."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from tranship.api.problems import check_keys, invalid, of_decoding
from tranship.core.network import NetworkFile
from tranship.core.order import NO_TERMS, Destination, Order, OrderLine, Person, Terms
from tranship.core.secret import Veiled
from tranship.core.time import to_micros
from tranship.engine.decide import MOST_LINES, MOST_QUANTITY

_END = r"$(?!\n)"  # Python's $ also stands before a last line break; JSON Schema's does not
Number = Annotated[str, Meta(pattern=r"^[A-Za-z0-9#][A-Za-z0-9#._-]{0,63}" + _END, max_length=64)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}" + _END, max_length=32)]
Code = Annotated[str, Meta(pattern=r"^[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,63}" + _END, max_length=64)]
RequestKey = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,255}" + _END, max_length=255)]
Personal = Annotated[str, Meta(max_length=200)]
Minor = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Quantity = Annotated[int, Meta(ge=1, le=MOST_QUANTITY)]
YEARS = (2000, 2100)


class LineIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line: SKU and quantity. `key` is unique in the order (its position where it is left out); price in minor units."""

    sku: Code
    qty: Quantity
    key: Annotated[str, Meta(pattern=r"^[A-Za-z0-9#._-]{0,64}" + _END, max_length=64)] = ""
    unit_price_minor: Minor = 0


class ToIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to, as far as routing needs to know. `state` is a state's two letters, `country` ISO 3166."""

    zip: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{0,11}" + _END, max_length=12)]
    state: Annotated[str, Meta(pattern=r"^[A-Z]{0,3}" + _END, max_length=3)] = ""
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}" + _END, max_length=2)] = "US"
    residential: bool = True


class CustomerIn(Veiled, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who it is for. Sealed under the person's own key; never in the journal, a log or an answer."""

    ref: Personal = ""
    name: Personal = ""
    street: Personal = ""
    city: Personal = ""
    phone: Personal = ""
    email: Personal = ""

    def __repr__(self) -> str:
        return "CustomerIn(***)"


class OrderIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order. `source` and `number` name it for good; everything else but `to` and `lines` has a default."""

    number: Number
    to: ToIn
    lines: Annotated[list[LineIn], Meta(min_length=1, max_length=MOST_LINES)]
    source: Name = "api"
    channel: Annotated[str, Meta(max_length=64)] = ""
    currency: Annotated[str, Meta(pattern=r"^([A-Z]{3})?" + _END, max_length=3)] = ""
    service: Annotated[str, Meta(max_length=32)] = ""
    placed_at: Annotated[dt.datetime, Meta(tz=True)] | None = None
    deliver_by: dt.date | None = None
    customer: CustomerIn | None = None
    id_check: bool = False
    cod: bool = False
    pickup: bool = False
    b2b: bool = False
    idempotency_key: RequestKey | None = None


class ReceiptIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that arrived at a node. `ref` names the receipt for good: the same one twice is booked once."""

    ref: Number
    node: Code
    lines: Annotated[list[LineIn], Meta(min_length=1, max_length=MOST_LINES)]


_order = msgspec.json.Decoder(OrderIn).decode
_receipt = msgspec.json.Decoder(ReceiptIn).decode
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read_order(body: bytes) -> OrderIn:
    """The order in a body; ProblemError naming the field where there is none."""
    try:
        found = _order(body)
    except _BROKEN as error:
        raise of_decoding(error) from None
    check_keys(body)
    return found


def read_receipt(body: bytes) -> ReceiptIn:
    """The receipt in a body; ProblemError naming the field where there is none."""
    try:
        found = _receipt(body)
    except _BROKEN as error:
        raise of_decoding(error) from None
    check_keys(body)
    return found


def to_order(given: OrderIn, network: NetworkFile, skus: dict[str, int]) -> Order:
    """The order as the engine takes it, without anything personal; ProblemError naming the field that cannot be."""
    codes = [channel.code for channel in network.channels]
    channel = given.channel or codes[0]
    if channel not in codes:
        raise invalid(f"no such channel; there are {', '.join(codes)}", "channel")
    currency = given.currency or network.currency
    if currency != network.currency:
        raise invalid(f"this network counts in {network.currency}: convert before placing", "currency")
    to = to_destination(given.to)
    lines = tuple(
        OrderLine(line.key or str(i + 1), line.sku, line.qty, line.unit_price_minor)
        for i, line in enumerate(given.lines)
    )
    seen: set[str] = set()
    for i, line in enumerate(lines):
        if line.sku not in skus:
            raise invalid("no such SKU in the network's SKU file", f"lines[{i}].sku")
        if line.key in seen:
            raise invalid("two lines have this key", f"lines[{i}].key")
        seen.add(line.key)
    return Order(
        source=given.source,
        number=given.number,
        channel=channel,
        placed_at=_moment(given.placed_at),
        to=to,
        lines=lines,
        currency=currency,
        service=given.service,
        deliver_by=_day(given.deliver_by),
        value_minor=sum(line.qty * line.unit_price_minor for line in lines),
        terms=_terms(given),
    )


def _terms(given: OrderIn) -> Terms | msgspec.UnsetType:
    """What is said beyond where it goes; nothing where nothing is, so that an order sent before stays the same order."""
    found = Terms(cod=given.cod, pickup=given.pickup, b2b=given.b2b, id_check=given.id_check)
    return found if found != NO_TERMS else msgspec.UNSET


def to_destination(given: ToIn) -> Destination:
    """Where to; ProblemError where a ZIP code is none."""
    if given.country == "US" and not _is_zip(given.zip):
        raise invalid("a ZIP code has five digits, or nine as in 12345-6789", "to.zip")
    return Destination(given.zip, given.state, given.country, given.residential)


def to_person(given: CustomerIn | None) -> Person | None:
    """Who an order is for; None for a guest of whom nothing was said."""
    if given is None:
        return None
    person = Person(given.ref, given.name, given.street, given.city, given.phone, given.email)
    return person if person != Person() else None


def _is_zip(text: str) -> bool:
    five, dash, four = text.partition("-")
    return text.isascii() and len(five) == 5 and five.isdigit() and (not dash or (len(four) == 4 and four.isdigit()))


def _moment(given: dt.datetime | None) -> int:
    if given is None:
        return 0
    if not YEARS[0] <= given.year < YEARS[1]:
        raise invalid(f"a year between {YEARS[0]} and {YEARS[1] - 1}", "placed_at")
    return to_micros(given)


def _day(given: dt.date | None) -> str:
    if given is None:
        return ""
    if not YEARS[0] <= given.year < YEARS[1]:
        raise invalid(f"a year between {YEARS[0]} and {YEARS[1] - 1}", "deliver_by")
    return given.isoformat()
