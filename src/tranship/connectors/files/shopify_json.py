"""Shopify orders as JSON: `{"orders": [...]}`, `{"order": {...}}` or a bare array, as the Admin REST API and its webhooks give them."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from tranship.connectors.files.build import Collector, Document
from tranship.connectors.files.generic_csv import ZONE, zone_note
from tranship.connectors.files.mapping import SourceMapping
from tranship.connectors.files.order_fields import Flaw, PlaceCells, Places, customer_of, person_of
from tranship.connectors.files.shopify_csv import line_of, whole_line_back
from tranship.connectors.files.takeback import Take
from tranship.connectors.files.terms import of_shopify
from tranship.connectors.files.values import Numbers, Times, reference
from tranship.core.errors import InputError
from tranship.core.order import Terms
from tranship.core.secret import Veiled

Amount = str | int | float | None


class Address(Veiled, msgspec.Struct):
    """A shipping address."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    zip: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    phone: str | None = None


class Customer(Veiled, msgspec.Struct):
    """Who ordered."""

    id: int | str | None = None
    email: str | None = None


class LineItem(msgspec.Struct):
    """A line of an order."""

    quantity: int
    id: int | str | None = None
    sku: str | None = None
    price: Amount = None
    requires_shipping: bool | None = None


class RefundLine(msgspec.Struct):
    """Units of a line that were refunded. `restock_type`: cancel, return, legacy_restock or no_restock."""

    quantity: int
    line_item_id: int | str | None = None
    restock_type: str | None = None


class Refund(msgspec.Struct):
    """A refund of some lines."""

    id: int | str | None = None
    created_at: str | None = None
    refund_line_items: list[RefundLine] = []


class ShippingLine(msgspec.Struct):
    """A shipping method that the customer chose."""

    title: str | None = None
    delivery_category: Any = None


class ShopifyOrder(Veiled, msgspec.Struct):
    """The parts of a Shopify order that are read; the others are passed over."""

    created_at: str
    name: str | None = None
    id: int | str | None = None
    currency: str | None = None
    cancelled_at: str | None = None
    source_name: str | None = None
    test: bool | None = None
    email: str | None = None
    phone: str | None = None
    customer: Customer | None = None
    shipping_address: Address | None = None
    shipping_lines: list[ShippingLine] = []
    line_items: list[LineItem] = []
    refunds: list[Refund] = []
    payment_gateway_names: Any = None  # of these what is not as expected says nothing: no order is lost for it
    gateway: Any = None
    tags: Any = None
    company: Any = None


class _Envelope(msgspec.Struct):
    orders: list[msgspec.Raw] | None = None
    order: msgspec.Raw = msgspec.Raw()


_ORDER = msgspec.json.Decoder(ShopifyOrder)


def read(content: bytes, mapping: SourceMapping, into: Collector) -> None:
    """Stage every order of a JSON document (UTF-8). Raises InputError where it is not JSON or has no orders."""
    reader = _Reader(mapping, into)
    for at_line, raw in _orders(content, into.found.name):
        reader.order(at_line, raw)
    zone_note(reader.times, mapping, into)


def _orders(content: bytes, file: str) -> Iterator[tuple[int, bytes]]:
    """Each order's own bytes and the line of the file where it begins."""
    try:
        if content.lstrip()[:1] == b"[":
            raws: list[msgspec.Raw] | None = msgspec.json.decode(content, type=list[msgspec.Raw])
        else:
            envelope = msgspec.json.decode(content, type=_Envelope)
            raws = [envelope.order] if bytes(envelope.order) else envelope.orders
    except msgspec.DecodeError as error:
        raise InputError(
            f"is not the JSON of Shopify orders: {error}", where=file, hint="Expected: {'orders': [...]}."
        ) from None
    except RecursionError:
        raise InputError("is JSON nested too deeply", where=file) from None
    if raws is None:
        raise InputError("is JSON without 'orders'", where=file, hint="Expected: {'orders': [...]} or a bare array.")
    position, line = 0, 1
    for raw in raws:
        piece = bytes(raw)
        begin = content.find(piece, position)
        line += content.count(b"\n", position, begin)
        position = begin
        yield line, piece


def _count(raw: bytes) -> int:
    """Line items of an order that does not fit its type: each is a line read; an order without any counts as one."""
    try:
        order = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return 1
    items = order.get("line_items") if isinstance(order, dict) else None
    return max(1, len(cast("list[object]", items))) if isinstance(items, list) else 1


class _Reader:
    def __init__(self, mapping: SourceMapping, into: Collector) -> None:
        self.mapping, self.into = mapping, into
        self.numbers = Numbers()
        self.times = Times(mapping.zone or ZONE, mapping.time_format, mapping.date_only_at)
        self.places = Places(mapping, free=False)

    def order(self, at_line: int, raw: bytes) -> None:
        """Stage one order: its lines, its refunds, its cancellation."""
        try:
            order = _ORDER.decode(raw)
        except msgspec.DecodeError as error:  # names the path and the type, never the value
            self._refuse(at_line, "", _count(raw), Flaw("bad_field", str(error)))
            return
        except RecursionError:
            self._refuse(at_line, "", 1, Flaw("bad_field", "nested too deeply"))
            return
        number = reference(order.name or "") or reference(str(order.id or ""))
        read = max(1, len(order.line_items)) + sum(len(refund.refund_line_items) for refund in order.refunds)
        document = self._open(number, order, at_line)
        if isinstance(document, Flaw):
            self._refuse(at_line, number or "", read, document)
            return
        self.into.read += read
        keys = self._lines(document, order, at_line)
        for position, refund in enumerate(order.refunds, 1):
            self._refund(document, refund, keys, at_line, position)
        if order.cancelled_at:
            at = self.times(order.cancelled_at)
            for line in document.lines if at is not None else ():
                self.into.takes.append(whole_line_back(document, line, at or 0))

    def _refuse(self, at_line: int, number: str, lines: int, flaw: Flaw) -> None:
        """Every line of an order that cannot be used is read and rejected."""
        self.into.read += lines
        for _ in range(lines):
            self.into.reject(at_line, number, *flaw)

    def _open(self, number: str | None, order: ShopifyOrder, at_line: int) -> Document | Flaw:
        if not number:
            return Flaw("no_document", "the order has neither a usable name nor an id")
        if number in self.into.documents:
            return Flaw("duplicate_order", "the file has an order of this name already")
        if order.test and self.mapping.test_orders == "reject":
            return Flaw("test_order", "a test order is not to be shipped (test_orders = 'accept' takes it)")
        at = self.times(order.created_at)
        if at is None or (order.cancelled_at and self.times(order.cancelled_at) is None):
            return Flaw("bad_time", "the time of the order or of its cancellation cannot be read")
        to = order.shipping_address or Address()
        place = self.places.read(_place_cells(order, to))
        if isinstance(place, Flaw):
            return place
        who = order.customer or Customer()
        customer = customer_of(str(who.id) if who.id else (order.email or who.email or "").casefold())
        if isinstance(customer, Flaw):
            return customer
        person = person_of(
            ref=customer,
            name=to.name or f"{to.first_name or ''} {to.last_name or ''}",
            street=f"{to.address1 or ''} {to.address2 or ''}",
            city=to.city or "",
            phone=to.phone or order.phone or "",
            email=order.email or who.email or "",
        )
        if isinstance(person, Flaw):
            return person
        if not place.zip:
            self.into.remark("an order without a shipping address", at_line)
        document = self.into.documents[number] = Document(number, at, at_line, customer)
        document.place, document.person, document.terms = place, person, _terms(order, self.mapping)
        return document

    def _lines(self, document: Document, order: ShopifyOrder, at_line: int) -> dict[str, str]:
        """Stage the line items. Returns the key of each line item's id."""
        if not order.line_items:
            self.into.reject(at_line, document.number, "no_lines", "the order has no line items")
        keys = {}
        for item in order.line_items:
            key = document.next_key()
            keys[str(item.id)] = key
            price = self.numbers.minor(str(item.price)) if item.price is not None else 0
            quantity = self.numbers.quantity(str(item.quantity))
            sku = reference(item.sku or "")
            line = line_of(key, sku, quantity, price, ships=item.requires_shipping is not False, at_line=at_line)
            if isinstance(line, Flaw):
                self.into.reject(at_line, document.number, line.reason, f"line item {key}: {line.detail}")
            else:
                document.lines.append(line)
        return keys

    def _refund(self, document: Document, refund: Refund, keys: dict[str, str], at_line: int, position: int) -> None:
        """Stage the lines of a refund as cancellations of the lines they name."""
        number = f"{document.number}/refund-{refund.id or position}"
        at = self.times(refund.created_at or "")
        skus = {line.key: line.sku for line in document.lines}
        for ordinal, one in enumerate(refund.refund_line_items, 1):
            key = keys.get(str(one.line_item_id), "")
            if one.restock_type == "no_restock":
                self.into.reject(
                    at_line, number, "no_restock", f"refund line {ordinal}: money only, no units come back"
                )
            elif at is None:
                self.into.reject(at_line, number, "bad_time", f"refund line {ordinal}: the time cannot be read")
            elif key not in skus or one.quantity <= 0:
                self.into.reject(
                    at_line, number, "unmatched", f"refund line {ordinal}: no accepted line to take back from"
                )
            else:
                take = Take(at, at_line, number, str(ordinal), document.customer, skus[key], one.quantity)
                self.into.takes.append(take._replace(order=document.number, line=key))


def _terms(order: ShopifyOrder, mapping: SourceMapping) -> Terms:
    """A B2B order has a company; the category of a delivery is missing from many."""
    ways = [way for each in order.shipping_lines for way in (*_texts(each.title), *_texts(each.delivery_category))]
    company = order.company.get("id") if isinstance(order.company, dict) else None
    return of_shopify(
        mapping,
        gateways=[*_texts(order.payment_gateway_names), *_texts(order.gateway)],
        ways=ways,
        tags=[tag for text in _texts(order.tags) for tag in text.split(",")],
        company=bool(company),
    )


def _texts(value: Any) -> list[str]:
    """A text, or the texts of a list."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _place_cells(order: ShopifyOrder, to: Address) -> PlaceCells:
    return PlaceCells(
        zip=to.zip or "",
        state=to.province_code or to.province or "",
        country=to.country_code or to.country or "",
        currency=order.currency or "",
        channel=order.source_name or "",
        service=(order.shipping_lines[0].title or "") if order.shipping_lines else "",
    )
