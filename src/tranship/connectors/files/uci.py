"""The UCI "Online Retail II" export as it is: invoice lines of a gift wholesaler, with cancellations, fees and adjustments mixed in.

Outcomes are the table in docs/intake.md. The hot loop is written out: half a million lines are staged in a few seconds.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from tranship.connectors.files.build import Collector, Document, Place
from tranship.connectors.files.header import Header
from tranship.connectors.files.mapping import UCI_FEES, SourceMapping
from tranship.connectors.files.model import StagedLine
from tranship.connectors.files.takeback import Take
from tranship.connectors.files.values import Numbers, Times, reference

ZONE = "Europe/London"
"""Zone of the export's naive times where a mapping says nothing."""
CURRENCY = "GBP"
"""Currency of its prices (the source has no column for it)."""

COLUMNS = {
    "invoice": ("InvoiceNo", "Invoice"),
    "stock": ("StockCode",),
    "quantity": ("Quantity",),
    "date": ("InvoiceDate",),
    "price": ("UnitPrice", "Price"),
    "customer": ("CustomerID", "Customer ID"),
}
"""Columns that are read, under the names of the file's known editions."""

_OTHER_EDITIONS = (
    "%m/%d/%Y %H:%M",
)  # the edition most often passed on writes 12/1/2010 8:26 for the first of December


class _Reader:
    """What stays the same over all rows: where the cells are, what each text means, the documents so far.

    `goods`, `quantities` and `prices` hold the texts of plain order lines, each looked at once: the file repeats its few codes
    and prices all the time, and a row of known texts takes the short way in `read`.
    """

    def __init__(self, header: Header, mapping: SourceMapping, into: Collector) -> None:
        self.into = into
        self.column = {name: header.at(name) for name in COLUMNS}
        self.numbers = Numbers(mapping.decimal, mapping.thousands)
        formats = (mapping.time_format,) if mapping.time_format else ((), _OTHER_EDITIONS)
        self.times = [Times(mapping.zone or ZONE, one, mapping.date_only_at) for one in formats]
        self.fees = UCI_FEES if mapping.not_goods is None else mapping.not_goods
        self.place = Place(currency=mapping.currency or CURRENCY, channel=mapping.channel, service=mapping.service)
        self.goods: dict[str, str] = {}
        self.quantities: dict[str, int] = {}
        self.prices: dict[str, int] = {}
        self.restarts = 0
        self.other_times: set[str] = set()

    def open(self, at_line: int, row: list[str]) -> Document | None:
        """The document a row belongs to; None after the row was rejected because there can be none."""
        number = reference(row[self.column["invoice"]])
        if not number:
            self.into.reject(at_line, "", "no_document", "no usable invoice number")
            return None
        document = self.into.documents.get(number)
        if document is not None:
            self.restarts += 1
            return document
        when = row[self.column["date"]]
        at = self.at(when)
        if at is None:
            self.into.reject(at_line, number, "bad_time", "the time cannot be read")
            return None
        document = self.into.documents[number] = Document(number, at, at_line, when=when)
        document.place = self.place
        return document

    def at(self, text: str) -> int | None:
        """UTC microseconds of a time in any of the formats."""
        for times in self.times:
            if (at := times(text)) is not None:
                return at
        return None

    def agrees(self, document: Document, at_line: int, when: str, customer_text: str) -> bool:
        """Take a row's time and customer, which are not the texts of its invoice's first row. False: the row was rejected."""
        if when != document.when:
            if self.at(when) is None:
                self.into.reject(at_line, document.number, "bad_time", "the time cannot be read")
                return False
            self.other_times.add(document.number)
        customer = reference(customer_text, personal=True)
        if customer is None:
            self.into.reject(
                at_line, document.number, "bad_customer", "the customer reference is too long or not printable"
            )
            return False
        customer = customer.removesuffix(".0")  # spreadsheets write 13085.0
        if customer and not document.customer:
            document.customer = customer
        elif customer and customer != document.customer:
            self.into.remark("names another customer than its invoice's first: the first was kept", at_line)
        return True

    def line(self, document: Document, at_line: int, key: str, row: list[str]) -> None:
        """Stage a row that is no plain order line of known texts, or reject it."""
        reject, number = self.into.reject, document.number
        if number[0] in "Aa":
            return reject(at_line, number, "adjustment", "an A-invoice adjusts the books, it orders nothing")
        stock, quantity_text, price_text = (row[self.column[name]] for name in ("stock", "quantity", "price"))
        sku = reference(stock)
        if not sku:
            return reject(at_line, number, "no_sku", "no usable stock code")
        if any(fnmatchcase(sku, pattern) for pattern in self.fees):
            return reject(at_line, number, "not_goods", sku)
        quantity = self.numbers.quantity(quantity_text)
        if quantity is None:
            return reject(at_line, number, "bad_quantity", "the quantity is not a whole number of units")
        price = self.numbers.minor(price_text)
        if price is None:
            return reject(at_line, number, "bad_price", "the price is not an amount")
        if price < 0:
            return reject(at_line, number, "negative_price", "a price below zero")
        if number[0] in "Cc" and quantity > 0:
            return reject(at_line, number, "cancel_positive", f"a cancelling invoice with {quantity} units above zero")
        if number[0] in "Cc" and quantity < 0:
            self.into.takes.append(Take(document.at, at_line, number, key, "", sku, -quantity))
            return None
        if quantity <= 0:
            return reject(at_line, number, "adjustment", f"{quantity} units without a cancelling invoice")
        self.goods[stock], self.quantities[quantity_text], self.prices[price_text] = sku, quantity, price
        document.lines.append(StagedLine(key, sku, quantity, price, at_line))
        return None


def read(rows: Iterator[tuple[int, list[str]]], header: Header, mapping: SourceMapping, into: Collector) -> None:
    """Stage every row: an order's line, a cancellation, or a reject with its reason."""
    reader = _Reader(header, mapping, into)
    c_invoice, c_stock, c_quantity, c_date, c_price, c_customer = (reader.column[name] for name in COLUMNS)
    goods, quantities, prices = reader.goods, reader.quantities, reader.prices
    last, document, plain = "", None, False
    for at_line, row in rows:
        into.read += 1
        if document is None or row[c_invoice] != last:
            last, document = row[c_invoice], reader.open(at_line, row)
            if document is None:
                continue
            plain = document.number[0] not in "AaCc"
        key = document.next_key()
        when, customer = row[c_date], row[c_customer]
        if (when != document.when or customer != document.customer) and not reader.agrees(
            document, at_line, when, customer
        ):
            continue
        sku, quantity, price = goods.get(row[c_stock]), quantities.get(row[c_quantity]), prices.get(row[c_price])
        if plain and sku is not None and quantity is not None and price is not None:
            document.lines.append(StagedLine(key, sku, quantity, price, at_line))
        else:
            reader.line(document, at_line, key, row)
    into.takes = [take._replace(customer=into.documents[take.number].customer) for take in into.takes]
    _notes(into, reader)


def _notes(into: Collector, reader: _Reader) -> None:
    into.notes.append(f"naive times are read in {reader.times[0].zone}")
    currency = reader.place.currency
    into.notes.append(
        f"the export has no currency (prices are taken as {currency}), no postal codes, weights, dimensions and stock: they are derived"
    )
    if reader.restarts:
        into.notes.append(f"invoices restart {reader.restarts:,} times: their lines were gathered from the whole file")
    if reader.other_times:
        into.notes.append(
            f"{len(reader.other_times):,} invoices have lines with another time: the first line's was kept"
        )
