"""JSON lines: one order a line, with the fields of the generic CSV and its lines in a list (docs/intake.md)."""

from collections.abc import Iterable

import msgspec

from tranship.connectors.files.build import Collector, Document
from tranship.connectors.files.generic_csv import ZONE, zone_note
from tranship.connectors.files.mapping import SourceMapping
from tranship.connectors.files.model import StagedLine
from tranship.connectors.files.order_fields import Flaw, PlaceCells, Places, customer_of, person_of
from tranship.connectors.files.reading import Lines
from tranship.connectors.files.takeback import Take
from tranship.connectors.files.values import QUANTITY_MAX, Numbers, Times, reference, unit_of_total
from tranship.core.order import Terms
from tranship.core.secret import Veiled


class JsonLine(msgspec.Struct):
    """A line of an order. `unit_price` or `line_total` in the currency's major unit, as a text or a number."""

    sku: str
    quantity: int
    line: str | int | None = None
    unit_price: str | int | float | None = None
    line_total: str | int | float | None = None


class JsonOrder(Veiled, msgspec.Struct):
    """An order, or with `cancel` (an order number) the units that are taken back from it. Other fields are passed over."""

    order: str | int
    placed_at: str
    lines: list[JsonLine]
    customer: str | int = ""
    currency: str = ""
    name: str = ""
    street: str = ""
    city: str = ""
    zip: str = ""
    state: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    channel: str = ""
    service: str = ""
    deliver_by: str = ""
    cancel: str | int = ""
    cod: bool = False
    pickup: bool = False
    b2b: bool = False


_ORDER = msgspec.json.Decoder(JsonOrder)


def read(lines: Lines | Iterable[str], mapping: SourceMapping, into: Collector) -> None:
    """Stage every order. A line that is no order is read and rejected as one line."""
    reader = _Reader(mapping, into)
    overlong = lines.overlong if isinstance(lines, Lines) else frozenset[int]()
    for at_line, text in enumerate(lines, 1):
        if at_line in overlong:
            into.bad_record(at_line, "line_too_long", "the line is above the limit of a line")
        elif text.strip():
            reader.order(at_line, text)
    zone_note(reader.times, mapping, into)


class _Reader:
    def __init__(self, mapping: SourceMapping, into: Collector) -> None:
        self.mapping, self.into = mapping, into
        self.numbers = Numbers()
        self.times = Times(mapping.zone or ZONE, mapping.time_format, mapping.date_only_at)
        self.places = Places(mapping)

    def order(self, at_line: int, text: str) -> None:
        """Stage one order or one cancelling document."""
        try:
            order = _ORDER.decode(text)
        except msgspec.ValidationError as error:  # names the path and the type, never the value
            self._refuse(at_line, "", _count(text), Flaw("bad_field", str(error)))
            return
        except (msgspec.DecodeError, RecursionError):
            self.into.bad_record(at_line, "bad_json", "the line is not one JSON object")
            return
        number = reference(str(order.order))
        document = self._open(number, order, at_line)
        if isinstance(document, Flaw):
            self._refuse(at_line, number or "", max(1, len(order.lines)), document)
            return
        self.into.read += max(1, len(order.lines))
        if not order.lines:
            self.into.reject(at_line, document.number, "no_lines", "the order has no lines")
        for line in order.lines:
            flaw = self._line(document, order, line, at_line)
            if flaw is not None:
                self.into.reject(at_line, document.number, flaw.reason, f"line {document.rows}: {flaw.detail}")

    def _refuse(self, at_line: int, number: str, lines: int, flaw: Flaw) -> None:
        self.into.read += lines
        for _ in range(lines):
            self.into.reject(at_line, number, *flaw)

    def _open(self, number: str | None, order: JsonOrder, at_line: int) -> Document | Flaw:
        if not number:
            return Flaw("no_document", "no usable order number")
        if number in self.into.documents:
            return Flaw("duplicate_order", "the file has an order of this number already")
        at = self.times(order.placed_at)
        if at is None:
            return Flaw("bad_time", "the time cannot be read")
        place = self.places.read(PlaceCells(*(getattr(order, name) for name in PlaceCells._fields)))
        if isinstance(place, Flaw):
            return place
        customer = customer_of(str(order.customer))
        if isinstance(customer, Flaw):
            return customer
        person = person_of(
            ref=customer, name=order.name, street=order.street, city=order.city, phone=order.phone, email=order.email
        )
        if isinstance(person, Flaw):
            return person
        document = self.into.documents[number] = Document(number, at, at_line, customer)
        document.place, document.person, document.keys = place, person, set()
        document.terms = Terms(cod=order.cod, pickup=order.pickup, b2b=order.b2b)
        return document

    def _line(self, document: Document, order: JsonOrder, line: JsonLine, at_line: int) -> Flaw | None:
        ordinal = document.next_key()
        key, sku, quantity = (
            reference(str(ordinal if line.line is None else line.line)),
            reference(line.sku),
            line.quantity,
        )
        assert document.keys is not None
        if not key:
            return Flaw("bad_line", "the line key is empty, too long or not printable")
        if key in document.keys:
            return Flaw("duplicate_line", "its order has a line with this key already")
        document.keys.add(key)
        if not sku:
            return Flaw("no_sku", "no usable SKU")
        if not -QUANTITY_MAX <= quantity <= QUANTITY_MAX:
            return Flaw("bad_quantity", f"above {QUANTITY_MAX:,} units")
        if order.cancel != "":
            return self._take(document, Take(document.at, at_line, document.number, key, "", sku, abs(quantity)), order)
        if quantity <= 0:
            return Flaw("adjustment", f"{quantity} units without a cancellation")
        price = self._price(line)
        if price is None:
            return Flaw("bad_price", "the price is not an amount")
        if price < 0:
            return Flaw("negative_price", "a price below zero")
        document.lines.append(StagedLine(key, sku, quantity, price, at_line))
        return None

    def _take(self, document: Document, take: Take, order: JsonOrder) -> Flaw | None:
        source = reference(str(order.cancel))
        if not source:
            return Flaw("bad_cancel", "the order to take back from is too long or not printable")
        if take.qty == 0:
            return Flaw("adjustment", "0 units")
        self.into.takes.append(take._replace(order=source, customer=document.customer))
        return None

    def _price(self, line: JsonLine) -> int | None:
        if line.unit_price is not None:
            return self.numbers.minor(str(line.unit_price))
        if line.line_total is None:
            return 0
        total = self.numbers.minor(str(line.line_total))
        return unit_of_total(total, line.quantity) if total is not None and total >= 0 else total


def _count(text: str) -> int:
    """Lines of an order that does not fit its type; one where they cannot be told."""
    try:
        order = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return 1
    lines = order.get("lines") if isinstance(order, dict) else None
    return max(1, len(lines)) if isinstance(lines, list) else 1
