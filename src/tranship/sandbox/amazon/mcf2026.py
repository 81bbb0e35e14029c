"""Fulfillment Outbound 2026-07-04: the words of that version over the shared orders."""

from collections.abc import Mapping
from typing import Any

from tranship.sandbox.amazon import bodies
from tranship.sandbox.amazon.offers import days, fees, window
from tranship.sandbox.amazon.orders import (
    CANCELLED,
    CLOSED,
    COMPLETE,
    INVALID,
    PARTIAL,
    PROCESSING,
    UNFULFILLABLE,
    Draft,
    Line,
    Order,
    Orders,
    Package,
    Shipment,
    invalid,
)  # fmt: skip
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.common.chance import name
from tranship.sandbox.common.clock import HOUR, iso
from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

FILE = "sp-api/models/fulfillmentOutbound_2026-07-04.json"
ROOT = "/fulfillment/outbound/2026-07-04"
VERSION = "2026-07-04"
TIERS = {word: word for word in ("STANDARD", "EXPEDITED", "PRIORITY", "SCHEDULED")}
ACTIONS = {"SHIP": "SHIP", "HOLD": "HOLD"}
POLICIES = {word: word for word in ("FILL_OR_KILL", "FILL_ALL", "FILL_ALL_AVAILABLE")}
STATES = {word: word for word in (PROCESSING, COMPLETE, PARTIAL, CANCELLED, UNFULFILLABLE, INVALID)}
PACKAGE_STATES = {
    word: word
    for word in ("PROCESSING", "IN_TRANSIT", "DELAYED", "OUT_FOR_DELIVERY", "DELIVERED", "UNDELIVERABLE", "EXPIRED")
}
LOOK_BACK = 36 * HOUR
"""What a list covers where no time is given."""
_TWO, _FIVE = Limit(2000, 30), Limit(5000, 30)  # published 2026-07-04: 2/30, offers 5/30


class Mcf2026:
    """Handlers."""

    def __init__(self, orders: Orders, settings: Settings) -> None:
        self.orders, self.settings = orders, settings

    def operations(self) -> tuple[Operation, ...]:
        """Everything this version offers."""
        order = f"{ROOT}/orders/{{orderId}}"
        return (
            Operation("create", "createOrder", "POST", f"{ROOT}/orders", self.create, _TWO, FILE),
            Operation("list", "listOrders", "GET", f"{ROOT}/orders", self.list, _TWO, FILE),
            Operation("get", "getOrder", "GET", order, self.get, _TWO, FILE),
            Operation("release", "updateOrder", "PUT", order, self.update, _TWO, FILE),
            Operation("cancel", "cancelOrder", "PUT", f"{order}/cancel", self.cancel, _TWO, FILE),
            Operation("status", "updateOrderStatus", "PUT", f"{order}/status", self.status, Limit(), FILE),
            Operation(
                "package", "updatePackage", "PUT", f"{order}/packages/{{packageId}}", self.package, Limit(), FILE
            ),
            Operation("offer", "getOrderPreview", "POST", f"{ROOT}/previews", self.preview, _TWO, FILE),
            Operation("offers", "getOffers", "POST", f"{ROOT}/offers", self.offers, _FIVE, FILE),
        )

    def create(self, call: Call) -> Reply:
        """Take an order: 200 with all of it, or 202 and it is made later."""
        draft = _draft(bodies.table(call.body, "body"))
        if self.orders.asynchronous(draft.id):
            self.orders.accept(draft, call.now)
            return Reply(202, {"orderId": draft.id, "status": PROCESSING})
        return Reply(200, {"order": self._order(self.orders.create(draft, call.now))})

    def get(self, call: Call) -> Reply:
        """One order."""
        order = bodies.order_of(self.orders, call, "orderId", reading=True)
        return Reply(200, {"order": self._order(order, shipments=_with_shipments(call))})

    def list(self, call: Call) -> Reply:
        """Orders that changed, oldest change first."""
        after, shipments = call.one("updatedAfter"), _with_shipments(call)
        arguments = name(0, after, shipments)
        since = bodies.moment(after, "updatedAfter") if after else call.seen_at - LOOK_BACK
        token = call.one("pageToken")
        place = bodies.page_place(token, arguments) if token else 0
        found: list[dict[str, object]] = []
        more = ""
        for where, order in self.orders.changes(since, place, call.seen_at):
            if len(found) == self.settings.page_size:
                more = f"{where}.{arguments}"
                break
            found.append(self._order(order, shipments=shipments))
        return Reply(200, {"orders": found, "pagination": {"nextToken": more} if more else {}})

    def update(self, call: Call) -> Reply:
        """Accept the release of a held order; carried out later, and only if it still waits then."""
        order = bodies.order_of(self.orders, call, "orderId")
        body = bodies.table(call.body, "body")
        wish = body.get("fulfillmentConfiguration", {}).get("action")
        if wish is not None:
            bodies.one_of(wish, ACTIONS, "action")
        if order.state in CLOSED:
            raise invalid(f"The order is {order.state} and can no longer be updated.")
        if wish == "HOLD" and not order.hold:
            raise invalid("An order that ships cannot be put on hold.")
        if wish == "SHIP":
            self.orders.agenda.at(
                call.now + self.settings.us("async_s"), lambda due: self.orders.release(order, due)
            )  # fmt: skip
        return Reply(202, {})

    def cancel(self, call: Call) -> Reply:
        """Accept a cancellation; carried out later, and not at all where picking has begun by then: 202 proves nothing."""
        order = bodies.order_of(self.orders, call, "orderId")
        if order.state in CLOSED:
            raise invalid(f"The order is {order.state} and can no longer be cancelled.")
        self.orders.cancel_at(order, call.now + self.settings.us("async_s") + call.late)
        return Reply(202, {})

    def status(self, call: Call) -> Reply:
        """The vendor's sandbox operation: bring an order into a state."""
        order = bodies.order_of(self.orders, call, "orderId")
        body = bodies.table(call.body, "body")
        self.orders.force(order, bodies.one_of(bodies.text(body, "status"), STATES, "status"), call.now)
        return Reply(204)

    def package(self, call: Call) -> Reply:
        """The vendor's sandbox operation: say how a package is doing."""
        order = bodies.order_of(self.orders, call, "orderId")
        body = bodies.table(call.body, "body")
        wanted = call.path["packageId"]
        packages = (package for shipment in order.shipments for package in shipment.packages)
        package = next((found for found in packages if found.id == wanted), None)
        if package is None:
            raise Refusal(404, "NotFound", "The package was not found.")
        status = bodies.one_of(bodies.text(body, "status"), PACKAGE_STATES, "status")
        arrives = bodies.moment(body["deliveryTime"], "deliveryTime") if "deliveryTime" in body else None
        self.orders.track(order, package, status, arrives, body.get("tracking"), call.now)
        return Reply(204)

    def preview(self, call: Call) -> Reply:
        """What an order would cost and when it would arrive."""
        body = bodies.table(call.body, "body")
        bodies.address(bodies.table(body.get("destination"), "destination").get("deliveryAddress"))
        items, constraints = [], []
        for row in bodies.rows(body.get("lineItems"), "lineItems"):
            sku, units, _ = _product(row)
            item = self.orders.stock.find(sku, call.now)
            if item is None or item.fulfillable < units:
                constraints.append(_short(sku))
            else:
                items.append({"productIdentifier": {"amazonSku": sku}, "amount": _units(units)})
        tiers = _tiers(body)
        offers = [
            self._offer(tier, len(items), call.now, free=bool(body.get("excludeEstimatedFees"))) for tier in tiers
        ]
        planned = [{"items": items, "offers": offers}] if items else []
        return Reply(200, {"plannedShipments": planned, "constraints": constraints})

    def offers(self, call: Call) -> Reply:
        """When single items could arrive."""
        body = bodies.table(call.body, "body")
        bodies.text(bodies.table(body.get("origin"), "origin"), "countryCode")
        results = []
        for row in bodies.rows(body.get("items"), "items"):
            sku = bodies.text(bodies.table(row.get("productIdentifier"), "productIdentifier"), "amazonSku")
            item = self.orders.stock.find(sku, call.now)
            there = item is not None and item.fulfillable > 0
            offers = [
                {
                    "fulfillmentConfiguration": {
                        "serviceLevel": {"serviceTier": tier, "deliveryInterval": window(call.now, days(tier))}
                    },
                    "expiryTime": iso(call.now + HOUR),
                }
                for tier in _tiers(body)
            ]
            found: dict[str, object] = {
                "item": {"productIdentifier": {"amazonSku": sku}},
                "offers": offers if there else [],
            }
            results.append(found if there else {**found, "constraints": [_short(sku)]})
        return Reply(200, {"offerResults": results})

    def _offer(self, tier: str, lines: int, now: int, *, free: bool) -> dict[str, object]:
        found: dict[str, object] = {
            "fulfillmentConfiguration": {
                "serviceLevel": {
                    "serviceTier": tier,
                    "deliveryInterval": window(now, days(tier)),
                    "shipInterval": window(now, (0, 1)),
                }
            }
        }
        if not free:
            parts = fees(tier, lines)
            total = sum(cents for _, cents in parts)
            found["estimatedPrice"] = {
                "rollupPrices": [{"type": kind, "value": _money(cents)} for kind, cents in parts],
                "totalPrice": _money(total),
            }
        return found

    def _order(self, order: Order, *, shipments: bool = True) -> dict[str, object]:
        state = PROCESSING if order.state in {"RECEIVED", "PLANNING"} else order.state
        document = order.document
        found: dict[str, object] = {
            "orderId": order.id,
            "receiveTime": iso(order.received_at),
            "status": state,
            "statusUpdateTime": iso(order.updated_at),
            "fulfillmentConfiguration": _configuration(order),
            "destination": document["destination"],
            "lineItems": [_line(line) for line in order.lines],
        }
        for key in ("channel", "origin", "paymentInformation"):
            if key in document:
                found[key] = document[key]
        if shipments:
            found["shipments"] = [_shipment(order, shipment) for shipment in order.shipments]
        return found


def _draft(body: Mapping[str, Any]) -> Draft:
    """An order as this version asks for it."""
    configuration = body.get("fulfillmentConfiguration") or {}
    destination = bodies.table(body.get("destination"), "destination")
    bodies.address(destination.get("deliveryAddress"))
    lines = []
    for row in bodies.rows(body.get("lineItems"), "lineItems"):
        sku, units, declared = _product(row)
        extra = {key: row[key] for key in ("fulfillmentConfiguration",) if key in row}
        lines.append(Line(bodies.text(row, "lineItemId", longest=50), sku, units, declared, extra))
    tiers = _tiers(body)
    document = {key: body[key] for key in ("channel", "origin", "paymentInformation") if key in body}
    document |= {"destination": destination, "configuration": configuration}
    return Draft(
        bodies.text(body, "orderId", longest=40), VERSION, document,
        bodies.one_of(configuration.get("action", "SHIP"), ACTIONS, "action") == "HOLD",
        bodies.one_of(configuration.get("policy", "FILL_OR_KILL"), POLICIES, "policy"), tiers[0], tuple(lines),
    )  # fmt: skip


def _product(row: Mapping[str, Any]) -> tuple[str, int, tuple[str, str] | None]:
    product = bodies.table(row.get("product"), "product")
    sku = bodies.text(bodies.table(product.get("productIdentifier"), "productIdentifier"), "amazonSku", longest=50)
    amount = bodies.table(row.get("amount"), "amount")
    bodies.one_of(amount.get("unit", "EACHES"), {"EACHES": "EACHES"}, "unit")
    units = bodies.decimal(amount.get("value"), "amount")
    if not units:
        raise invalid("amount is at least one unit.")
    value = product.get("perUnitDeclaredValue")
    return sku, units, (str(value["currencyCode"]), str(value["amount"])) if isinstance(value, dict) else None


def _tiers(body: Mapping[str, Any]) -> list[str]:
    level = (body.get("fulfillmentConfiguration") or {}).get("serviceLevel") or {}
    return [bodies.one_of(str(tier), TIERS, "serviceTiers") for tier in level.get("serviceTiers") or ["STANDARD"]]


def _configuration(order: Order) -> dict[str, object]:
    given = order.document.get("configuration")
    return {
        "serviceLevel": {"serviceTiers": [order.tier]},
        **(given if isinstance(given, dict) else {}),
        "action": "HOLD" if order.hold else "SHIP",
        "policy": order.policy,
    }


def _line(line: Line) -> dict[str, object]:
    product: dict[str, object] = {"productIdentifier": {"amazonSku": line.sku}}
    if line.declared:
        product["perUnitDeclaredValue"] = {"currencyCode": line.declared[0], "amount": line.declared[1]}
    found: dict[str, object] = {"lineItemId": line.id, "product": product, "amount": _units(line.units)}
    if "fulfillmentConfiguration" in line.extra:
        found["fulfillmentConfiguration"] = line.extra["fulfillmentConfiguration"]
    if line.cancelled:
        found["cancelledAmount"] = _units(line.cancelled)
    if line.unfulfillable:
        found["unfulfillableAmount"] = _units(line.unfulfillable)
    return found


def _shipment(order: Order, shipment: Shipment) -> dict[str, object]:
    skus = {line.id: line.sku for line in order.lines}
    package = shipment.packages[0].id if shipment.packages else ""
    items = []
    for number, (line, units) in enumerate(shipment.units.items(), 1):
        item: dict[str, object] = {
            "shipmentItemId": f"{shipment.id}-{number}",
            "productIdentifier": {"amazonSku": skus[line]},
            "lineItemId": line,
            "amount": _units(units),
        }
        items.append({**item, "packageId": package} if package else item)
    return {
        "amazonShipmentId": shipment.id,
        "amazonFacility": {"facilityId": shipment.facility},
        "status": shipment.status,
        "shipTime": iso(shipment.leaves_at),
        "deliveryTime": iso(shipment.arrives_at),
        "items": items,
        "packages": [_package(found, items) for found in shipment.packages],
        "serviceLevel": {"serviceTier": order.tier},
    }


def _package(package: Package, items: list[dict[str, object]]) -> dict[str, object]:
    tracking = {
        "carrier": {"carrierCode": package.carrier, "trackingNumber": package.tracking},
        "amazon": {"trackingNumber": f"SBX{package.number}"},
    }
    return {
        "packageId": package.id,
        "status": package.status,
        "deliveryTime": iso(package.arrives_at),
        "shipmentItemIds": [item["shipmentItemId"] for item in items],
        "tracking": package.note or tracking,
    }


def _units(units: int) -> dict[str, str]:
    return {"unit": "EACHES", "value": f"{units}.0"}


def _money(cents: int) -> dict[str, str]:
    return {"currencyCode": "USD", "amount": f"{cents // 100}.{cents % 100:02d}"}


def _short(sku: str) -> dict[str, object]:
    return {
        "type": "INVENTORY",
        "code": "INSUFFICIENT_INVENTORY",
        "message": "There is not enough inventory.",
        "details": [{"type": "AMAZON_SKU", "value": sku}],
    }


def _with_shipments(call: Call) -> bool:
    return call.one("shipments", "INCLUDE") != "EXCLUDE"
