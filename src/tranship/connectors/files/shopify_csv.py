"""The orders export of a Shopify admin: one row a line item, order fields on an order's first row only."""

from collections.abc import Iterator

from tranship.connectors.files import terms
from tranship.connectors.files.build import Collector, Document
from tranship.connectors.files.generic_csv import ZONE, zone_note
from tranship.connectors.files.header import Header
from tranship.connectors.files.mapping import SourceMapping
from tranship.connectors.files.model import StagedLine
from tranship.connectors.files.order_fields import Flaw, PlaceCells, Places, customer_of, person_of
from tranship.connectors.files.takeback import Take
from tranship.connectors.files.values import Numbers, Times, reference

REQUIRED = {
    "order": ("Name",),
    "created": ("Created at",),
    "quantity": ("Lineitem quantity",),
    "sku": ("Lineitem sku",),
}
"""Columns without which the file is refused."""

COLUMNS = {
    **REQUIRED,
    "price": ("Lineitem price",),
    "ships": ("Lineitem requires shipping",),
    "currency": ("Currency",),
    "canceled": ("Cancelled at", "Canceled at"),
    "email": ("Email",),
    "name": ("Shipping Name",),
    "street": ("Shipping Street",),
    "street1": ("Shipping Address1",),
    "street2": ("Shipping Address2",),
    "city": ("Shipping City",),
    "zip": ("Shipping Zip",),
    "state": ("Shipping Province",),
    "country": ("Shipping Country",),
    "phone": ("Shipping Phone",),
    "order_phone": ("Phone",),
    "channel": ("Source",),
    "service": ("Shipping Method",),
    "paid": ("Payment Method",),
    "tags": ("Tags",),
    "deliver_by": (),  # the export has no promise
}
"""Columns that are read; the others (totals, taxes, billing, notes) are not."""


def read(rows: Iterator[tuple[int, list[str]]], header: Header, mapping: SourceMapping, into: Collector) -> None:
    """Stage every row. A canceled order is staged with its lines and one cancellation for each of them."""
    reader = _Reader(header, mapping, into)
    for at_line, row in rows:
        into.read += 1
        reader.row(at_line, row)
    reader.close()


class _Reader:
    def __init__(self, header: Header, mapping: SourceMapping, into: Collector) -> None:
        self.into, self.mapping = into, mapping
        self.at = {name: header.find(name) for name in COLUMNS}
        self.numbers = Numbers(mapping.decimal, mapping.thousands)
        self.times = Times(mapping.zone or ZONE, mapping.time_format, mapping.date_only_at)
        self.places = Places(mapping, free=False)
        self.canceled: dict[str, int] = {}
        self.last = ""  # an editor may blank the order's name on its later rows

    def cell(self, row: list[str], name: str) -> str:
        at = self.at[name]
        return row[at] if at >= 0 else ""

    def row(self, at_line: int, row: list[str]) -> None:
        """Stage one row or reject it."""
        name = self.cell(row, "order")
        number = reference(name) if name.strip() else self.last
        self.last = number or ""
        if not number:
            self.into.reject(at_line, "", "no_document", "no usable order name")
            return
        document = self.into.documents.get(number) or self._open(number, at_line, row)
        flaw = document if isinstance(document, Flaw) else self._line(document, at_line, row)
        if flaw is not None:
            self.into.reject(at_line, number, *flaw)

    def _open(self, number: str, at_line: int, row: list[str]) -> Document | Flaw:
        at = self.times(self.cell(row, "created"))
        canceled = self.cell(row, "canceled")
        canceled_at = self.times(canceled) if canceled.strip() else None
        if at is None or (canceled.strip() and canceled_at is None):
            return Flaw("bad_time", "the time of the order or of its cancellation cannot be read")
        place = self.places.read(PlaceCells(*(self.cell(row, name) for name in PlaceCells._fields)))
        if isinstance(place, Flaw):
            return place
        customer = customer_of(self.cell(row, "email").casefold())
        if isinstance(customer, Flaw):
            return customer
        person = person_of(
            ref=customer,
            name=self.cell(row, "name"),
            street=self.cell(row, "street") or f"{self.cell(row, 'street1')} {self.cell(row, 'street2')}",
            city=self.cell(row, "city"),
            phone=self.cell(row, "phone") or self.cell(row, "order_phone"),
            email=self.cell(row, "email"),
        )
        if isinstance(person, Flaw):
            return person
        if not place.zip:
            self.into.remark("an order without a shipping address", at_line)
        document = self.into.documents[number] = Document(number, at, at_line, customer)
        document.place, document.person = place, person
        document.terms = terms.of_shopify(
            self.mapping,
            gateways=self.cell(row, "paid").split(" + "),
            ways=[self.cell(row, "service")],
            tags=self.cell(row, "tags").split(","),
        )
        if canceled_at is not None:
            self.canceled[number] = canceled_at
        return document

    def _line(self, document: Document, at_line: int, row: list[str]) -> Flaw | None:
        key = document.next_key()
        sku = reference(self.cell(row, "sku"))
        line = line_of(
            *(key, sku, self.numbers.quantity(self.cell(row, "quantity")), self._price(row)),
            ships=self.cell(row, "ships").strip().casefold() != "false",
            at_line=at_line,
        )
        if isinstance(line, Flaw):
            return line
        document.lines.append(line)
        if (canceled_at := self.canceled.get(document.number)) is not None:
            self.into.takes.append(whole_line_back(document, line, canceled_at))
        return None

    def _price(self, row: list[str]) -> int | None:
        text = self.cell(row, "price")
        return self.numbers.minor(text) if text.strip() else 0

    def close(self) -> None:
        """Say what a reader should know."""
        zone_note(self.times, self.mapping, self.into)
        if self.into.documents:
            self.into.notes.append("the CSV export has no lines of refunds: only whole canceled orders are taken back")


def line_of(
    key: str, sku: str | None, quantity: int | None, price: int | None, *, ships: bool, at_line: int
) -> StagedLine | Flaw:
    """A Shopify line item as a staged line, or why it is none."""
    if not ships:
        return Flaw("not_goods", "requires no shipping")
    if not sku:
        return Flaw("no_sku", "the line item has no usable SKU")
    if quantity is None:
        return Flaw("bad_quantity", "the quantity is not a whole number of units")
    if quantity <= 0:
        return Flaw("adjustment", f"{quantity} units")
    if price is None:
        return Flaw("bad_price", "the price is not an amount")
    if price < 0:
        return Flaw("negative_price", "a price below zero")
    return StagedLine(key, sku, quantity, price, at_line)


def whole_line_back(document: Document, line: StagedLine, at: int) -> Take:
    """A canceled order takes back what is left of each line; the file has no line of its own for that."""
    return Take(
        *(at, line.at_line, document.number, f"cancel-{line.key}", document.customer, line.sku, line.qty),
        order=document.number,
        line=line.key,
        derived=True,
    )
