"""A CSV file of order lines with the documented header (docs/intake.md), or with any header under a mapping."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from tranship.connectors.files import terms
from tranship.connectors.files.build import Collector, Document
from tranship.connectors.files.header import Header
from tranship.connectors.files.mapping import FIELDS, PRESETS, REQUIRED, SourceMapping, read_mapping
from tranship.connectors.files.model import StagedLine
from tranship.connectors.files.order_fields import Flaw, PlaceCells, Places, customer_of, person_of
from tranship.connectors.files.takeback import Take
from tranship.connectors.files.values import Numbers, Times, reference, unit_of_total
from tranship.core.errors import InputError

ZONE = "UTC"
"""Zone of times without an offset where a mapping says nothing."""

_NO = frozenset({"", "no", "false"})
_YES = frozenset({"yes", "true"})


def columns_of(mapping: SourceMapping) -> dict[str, tuple[str, ...]]:
    """Spellings of each field: the mapping's, else the documented name. A field mapped to nothing is not read."""
    return {name: mapping.columns.get(name, (name,)) for name in FIELDS}


def header_of(cells: list[str], mapping: SourceMapping, file: str) -> Header:
    """The header's positions. Raises InputError naming required and mapped columns that the file does not have."""
    columns = columns_of(mapping)
    header = Header(cells, columns)
    needed = {name: columns[name] or (name,) for name in FIELDS if name in REQUIRED or mapping.columns.get(name)}
    header.require(
        needed, file, f"A generic CSV has {', '.join(FIELDS)}; another header needs a mapping ([source.NAME.columns])."
    )
    return header


def preset_for(cells: list[str]) -> tuple[str, SourceMapping] | None:
    """The built-in mapping whose columns a header has, where the documented ones are not there."""
    for name, table in PRESETS.items():
        mapping = read_mapping(table, name)
        try:
            header_of(cells, mapping, name)
        except InputError:
            continue
        return name, mapping
    return None


def read(rows: Iterator[tuple[int, list[str]]], header: Header, mapping: SourceMapping, into: Collector) -> None:
    """Stage every row: an order's line, a cancellation, or a reject with its reason."""
    reader = _Reader(header, mapping, into)
    for at_line, row in rows:
        into.read += 1
        reader.row(at_line, row)
    reader.close()


class _Reader:
    """Reads rows into documents. Order fields count from an order's first usable row; later rows may leave them blank."""

    def __init__(self, header: Header, mapping: SourceMapping, into: Collector) -> None:
        self.into, self.mapping = into, mapping
        self.numbers = Numbers(mapping.decimal, mapping.thousands)
        self.times = Times(mapping.zone or ZONE, mapping.time_format, mapping.date_only_at)
        self.places = Places(mapping)
        self.at = {name: header.find(name) for name in FIELDS}
        compared = [at for name in ("customer", *PlaceCells._fields, *terms.NAMES) if (at := self.at[name]) >= 0]
        self.compared = tuple(compared)  # columns in which the rows of an order should agree
        self.first: dict[
            str, tuple[str, ...]
        ] = {}  # order -> order cells of its first row, to see what later rows change
        self.goods: dict[str, str] = {}  # cell -> SKU, of cells that are goods: looked at once

    def cell(self, row: list[str], name: str) -> str:
        at = self.at[name]
        return row[at] if at >= 0 else ""

    def row(self, at_line: int, row: list[str]) -> None:
        """Stage one row or reject it."""
        cell = self.cell(row, "order")
        document: Document | Flaw | None = self.into.documents.get(cell)
        number = cell if document is not None else reference(cell)
        if not number:
            self.into.reject(at_line, "", "no_document", "no usable order number")
            return
        document = document or self.into.documents.get(number) or self._open(number, at_line, row)
        flaw = document if isinstance(document, Flaw) else self._line(document, at_line, row)
        if flaw is not None:
            self.into.reject(at_line, number, *flaw)

    def _open(self, number: str, at_line: int, row: list[str]) -> Document | Flaw:
        at = self.times(self.cell(row, "placed_at"))
        if at is None:
            return Flaw("bad_time", "the time cannot be read")
        place = self.places.read(self._place_cells(row))
        if isinstance(place, Flaw):
            return place
        customer = customer_of(self.cell(row, "customer"))
        if isinstance(customer, Flaw):
            return customer
        person = person_of(
            ref=customer,
            name=self.cell(row, "name"),
            street=self.cell(row, "street"),
            city=self.cell(row, "city"),
            phone=self.cell(row, "phone"),
            email=self.cell(row, "email"),
        )
        if isinstance(person, Flaw):
            return person
        said = terms.of_cells({name: self.cell(row, name) for name in terms.NAMES}, self.mapping)
        if isinstance(said, Flaw):
            return said
        document = self.into.documents[number] = Document(number, at, at_line, customer)
        document.place, document.person, document.terms = place, person, said
        self.first[number] = self._order_cells(row)
        return document

    def _place_cells(self, row: list[str]) -> PlaceCells:
        return PlaceCells(*(self.cell(row, name) for name in PlaceCells._fields))

    def _order_cells(self, row: list[str]) -> tuple[str, ...]:
        return tuple([row[at] for at in self.compared])

    def _line(self, document: Document, at_line: int, row: list[str]) -> Flaw | None:
        ordinal = document.next_key()
        cancel = self.cell(row, "cancel").strip()
        is_order = cancel.casefold() in _NO
        if is_order:
            self._compare(document, at_line, row)
        when = self.cell(row, "placed_at")
        at = self.times(when) if when.strip() else document.at
        if at is None:
            return Flaw("bad_time", "the time cannot be read")
        sku = self._sku(self.cell(row, "sku"))
        if isinstance(sku, Flaw):
            return sku
        quantity = self.numbers.quantity(self.cell(row, "quantity"))
        if quantity is None:
            return Flaw("bad_quantity", "the quantity is not a whole number of units")
        key = self._key(document, ordinal, row)
        if isinstance(key, Flaw):
            return key
        if not is_order:
            return self._take(document, Take(at, at_line, document.number, key, "", sku, abs(quantity)), cancel, row)
        if quantity <= 0:
            return Flaw("adjustment", f"{quantity} units without a cancellation")
        price = self._price(row, quantity)
        if isinstance(price, Flaw):
            return price
        document.lines.append(StagedLine(key, sku, quantity, price, at_line))
        return None

    def _sku(self, cell: str) -> str | Flaw:
        known = self.goods.get(cell)
        if known is not None:
            return known
        sku = reference(cell)
        if not sku:
            return Flaw("no_sku", "no usable SKU")
        if any(fnmatchcase(sku, pattern) for pattern in self.mapping.not_goods or ()):
            return Flaw("not_goods", sku)
        self.goods[cell] = sku
        return sku

    def _key(self, document: Document, ordinal: str, row: list[str]) -> str | Flaw:
        if self.at["line"] < 0:
            return ordinal
        key = reference(self.cell(row, "line"))
        if key is None:
            return Flaw("bad_line", "the line key is too long or not printable")
        key = key or ordinal
        if document.keys is None:
            document.keys = set()
        if key in document.keys:
            return Flaw("duplicate_line", "its order has a line with this key already")
        document.keys.add(key)
        return key

    def _price(self, row: list[str], quantity: int) -> int | Flaw:
        unit, total = self.cell(row, "unit_price"), self.cell(row, "line_total")
        text = unit if unit.strip() else total
        minor = self.numbers.minor(text) if text.strip() else 0
        if minor is None:
            return Flaw("bad_price", "the price is not an amount")
        if minor < 0:
            return Flaw("negative_price", "a price below zero")
        return minor if unit.strip() else unit_of_total(minor, quantity)

    def _take(self, document: Document, take: Take, cancel: str, row: list[str]) -> Flaw | None:
        order = "" if cancel.casefold() in _YES else reference(cancel)
        customer = customer_of(self.cell(row, "customer"))
        if order is None:
            return Flaw("bad_cancel", "the order to take back from is too long or not printable")
        if isinstance(customer, Flaw):
            return customer
        if take.qty == 0:
            return Flaw("adjustment", "0 units")
        self.into.takes.append(take._replace(order=order, customer=customer or document.customer))
        return None

    def _compare(self, document: Document, at_line: int, row: list[str]) -> None:
        """Order fields of a later row that differ from the first's are not used, and said."""
        if document.at_line == at_line:
            return
        first, cells = self.first[document.number], self._order_cells(row)
        if cells != first and any(cell.strip() and cell != was for cell, was in zip(cells, first, strict=True)):
            self.into.remark(
                "names another customer or destination than its order's first line: the first was kept", at_line
            )

    def close(self) -> None:
        """Settle what only the whole file can: a bare `cancel = yes` in an order's own rows takes back from that order."""
        documents = self.into.documents
        self.into.takes = [
            take._replace(order=take.number) if not take.order and documents[take.number].lines else take
            for take in self.into.takes
        ]
        zone_note(self.times, self.mapping, self.into)


def zone_note(times: Times, mapping: SourceMapping, into: Collector) -> None:
    """Say in which zone times without an offset were read."""
    if times.naive:
        said = "" if mapping.zone else " (no zone in the mapping)"
        into.notes.append(f"times without an offset are read in {times.zone}{said}")


def unused(mapping: SourceMapping, kind: str, file: str) -> None:
    """Refuse settings that a format cannot honor, rather than pass over them in silence."""
    if mapping.columns and kind != "csv":
        raise InputError(
            f"columns are for format csv, this is {kind}", where=file, hint="Set format = 'csv' or drop columns."
        )
