"""Fulfillment Outbound 2020-07-01: the words of that version over the same orders. Its answers come in a `payload` wrapper."""

from collections.abc import Mapping, Sequence
from typing import Any

from tranship.sandbox.amazon import bodies, features, returns
from tranship.sandbox.amazon.offers import days, fees, span
from tranship.sandbox.amazon.orders import CLOSED, Draft, Line, Order, Orders, Package, Shipment, invalid
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.common.clock import DAY, HOUR, iso
from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

FILE = "sp-api/models/fulfillmentOutbound_2020-07-01.json"
ROOT = "/fba/outbound/2020-07-01"
VERSION = "2020-07-01"
TIERS = {"Standard": "STANDARD", "Expedited": "EXPEDITED", "Priority": "PRIORITY", "ScheduledDelivery": "SCHEDULED"}
ACTIONS = {"Ship": "SHIP", "Hold": "HOLD"}
POLICIES = {"FillOrKill": "FILL_OR_KILL", "FillAll": "FILL_ALL", "FillAllAvailable": "FILL_ALL_AVAILABLE"}
STATES = {
    "New": "RECEIVED", "Received": "RECEIVED", "Planning": "PLANNING", "Processing": "PROCESSING",
    "Cancelled": "CANCELLED", "Complete": "COMPLETE", "CompletePartialled": "COMPLETE_PARTIAL",
    "Unfulfillable": "UNFULFILLABLE", "Invalid": "INVALID",
}  # fmt: skip
LOOK_BACK = 36 * HOUR
"""What a list covers where no time is given (the file: the last 36 hours)."""
_WORDS = {value: key for table in (TIERS, POLICIES, STATES) for key, value in table.items()}
_SHIPMENT = {"PROCESSING": "PENDING", "SHIPPED": "SHIPPED", "CANCELLED": "CANCELLED_BY_SELLER"}
_TWO, _FIVE = Limit(2000, 30), Limit(5000, 30)  # published: 2/30, deliveryOffers 5/30
_KEPT = ("codSettings", "notificationEmails", "featureConstraints", "deliveryWindow")
_ECHO = ("displayableComment", "giftMessage", "fulfillmentNetworkSku", "perUnitPrice", "perUnitTax")


class Mcf2020:
    """Handlers."""

    def __init__(self, orders: Orders, settings: Settings) -> None:
        self.orders, self.settings = orders, settings

    def operations(self) -> tuple[Operation, ...]:
        """Everything this version offers."""
        root, order = f"{ROOT}/fulfillmentOrders", f"{ROOT}/fulfillmentOrders/{{sellerFulfillmentOrderId}}"
        back = returns.Returns(self.orders, self.settings)
        return (
            Operation("create", "createFulfillmentOrder", "POST", root, self.create, _TWO, FILE),
            Operation("list", "listAllFulfillmentOrders", "GET", root, self.list, _TWO, FILE),
            Operation("get", "getFulfillmentOrder", "GET", order, self.get, _TWO, FILE),
            Operation("release", "updateFulfillmentOrder", "PUT", order, self.update, _TWO, FILE),
            Operation("cancel", "cancelFulfillmentOrder", "PUT", f"{order}/cancel", self.cancel, _TWO, FILE),
            Operation(
                "status", "submitFulfillmentOrderStatusUpdate", "PUT", f"{order}/status", self.status, Limit(), FILE
            ),
            Operation("offer", "getFulfillmentPreview", "POST", f"{root}/preview", self.preview, _TWO, FILE),
            Operation("offers", "deliveryOffers", "POST", f"{ROOT}/deliveryOffers", self.offers, _FIVE, FILE),
            Operation("tracking", "getPackageTrackingDetails", "GET", f"{ROOT}/tracking", self.tracking, _TWO, FILE),
            Operation("returns", "createFulfillmentReturn", "PUT", f"{order}/return", back.create, _TWO, FILE),
            Operation("reasons", "listReturnReasonCodes", "GET", f"{ROOT}/returnReasonCodes", back.reasons, _TWO, FILE),
            *features.operations(ROOT, FILE, _TWO),
        )

    def create(self, call: Call) -> Reply:
        """Take an order. An answer without errors is an empty object."""
        self.orders.create(_draft(bodies.table(call.body, "body"), self.settings.marketplace_id), call.now)
        return Reply(200, {})

    def get(self, call: Call) -> Reply:
        """One order with items, shipments and returns."""
        order = bodies.order_of(self.orders, call, "sellerFulfillmentOrderId", reading=True)
        found: dict[str, object] = {
            "fulfillmentOrder": _order(order, self.settings.marketplace_id),
            "fulfillmentOrderItems": [_item(order, line) for line in order.lines],
            "fulfillmentShipments": [_shipment(order, shipment) for shipment in order.shipments],
            "returnItems": [returns.item(back) for back in order.returns],
            "returnAuthorizations": [returns.authorization(back) for back in order.returns],
        }
        if "payments2020" in order.document:
            found["paymentInformation"] = order.document["payments2020"]
        return Reply(200, {"payload": found})

    def list(self, call: Call) -> Reply:
        """Orders that changed, oldest change first. A token says all: with it the start date is passed over."""
        token, start = call.one("nextToken"), call.one("queryStartDate")
        since = bodies.moment(start, "queryStartDate") if start else call.seen_at - LOOK_BACK
        place = bodies.page_place(token, "all") if token else 0
        found: list[dict[str, object]] = []
        result: dict[str, object] = {"fulfillmentOrders": found}
        for where, order in self.orders.changes(-1 if token else since, place, call.seen_at):
            if len(found) == self.settings.page_size:
                result["nextToken"] = f"{where}.all"
                break
            found.append(_order(order, self.settings.marketplace_id))
        return Reply(200, {"payload": result})

    def update(self, call: Call) -> Reply:
        """Release a held order, at once. Nothing else can be changed here."""
        order = bodies.order_of(self.orders, call, "sellerFulfillmentOrderId")
        body = bodies.table(call.body, "body")
        if order.state in CLOSED or order.state == "PROCESSING":
            raise invalid(f"The order is {_WORDS[order.state]} and can no longer be updated.")
        if set(body) - {"fulfillmentAction", "marketplaceId"}:
            raise invalid("This sandbox updates the fulfillment action only.")
        wish = body.get("fulfillmentAction")
        if wish is not None and bodies.one_of(wish, ACTIONS, "fulfillmentAction") == "HOLD" and not order.hold:
            raise invalid("An order that ships cannot be put on hold.")
        if wish == "Ship":
            self.orders.release(order, call.now)
        return Reply(200, {})

    def cancel(self, call: Call) -> Reply:
        """Cancel at once, or refuse; under the fault `late_cancel` accept it and find out later."""
        order = bodies.order_of(self.orders, call, "sellerFulfillmentOrderId")
        if call.late:
            self.orders.cancel_at(order, call.now + call.late)
        elif not self.orders.cancel(order, call.now):
            raise invalid(f"The order is {_WORDS[order.state]} and can no longer be cancelled.")
        return Reply(200, {})

    def status(self, call: Call) -> Reply:
        """The vendor's sandbox operation: bring an order into a state."""
        order = bodies.order_of(self.orders, call, "sellerFulfillmentOrderId")
        wanted = bodies.text(bodies.table(call.body, "body"), "fulfillmentOrderStatus")
        self.orders.force(order, bodies.one_of(wanted, STATES, "fulfillmentOrderStatus"), call.now)
        return Reply(200, {})

    def tracking(self, call: Call) -> Reply:
        """Where a package is."""
        number = call.one("packageNumber")
        known = self.orders.packages.get(int(number)) if number.isdigit() and len(number) < 12 else None
        if known is None:
            raise Refusal(404, "NotFound", "The package was not found.")
        order, package = known
        seen = self.orders.read(order.id, call.seen_at, call.now)
        shipped = (found for shipment in (seen.shipments if seen else ()) for found in shipment.packages)
        then = next((found for found in shipped if found.number == package.number), None)
        if then is None:
            raise Refusal(404, "NotFound", "The package was not found.")
        return Reply(200, {"payload": _tracking(order, then)})

    def preview(self, call: Call) -> Reply:
        """What an order would cost and when it would arrive, by speed."""
        body = bodies.table(call.body, "body")
        bodies.address(body.get("address"))
        here, missing = [], []
        for row in bodies.rows(body.get("items"), "items"):
            found = {key: row.get(key) for key in ("sellerSku", "quantity", "sellerFulfillmentOrderItemId")}
            units = _quantity(row)
            item = self.orders.stock.find(bodies.text(row, "sellerSku", longest=50), call.now)
            if item is None or item.fulfillable < units:
                missing.append({**found, "itemUnfulfillableReasons": ["OUT_OF_STOCK"]})
            else:
                here.append(found)
        speeds = body.get("shippingSpeedCategories") or ["Standard", "Expedited", "Priority"]
        previews = [self._preview(speed, here, missing, call.now) for speed in speeds]
        return Reply(200, {"payload": {"fulfillmentPreviews": previews}})

    def offers(self, call: Call) -> Reply:
        """When one item could arrive."""
        product = bodies.table(bodies.table(call.body, "body").get("product"), "product")
        sku = bodies.text(bodies.table(product.get("productIdentifier"), "productIdentifier"), "merchantSku")
        item = self.orders.stock.find(sku, call.now)
        first, last = span(call.now, days("STANDARD"))
        offer = {"expiresAt": iso(call.now + HOUR), "dateRange": {"earliest": first, "latest": last}}
        there = item is not None and item.fulfillable > 0
        return Reply(200, {"payload": {"deliveryOffers": [offer] if there else []}})

    def _preview(self, speed: object, here: Sequence[object], missing: Sequence[object], now: int) -> dict[str, object]:
        tier = bodies.one_of(str(speed), TIERS, "shippingSpeedCategories")
        first, last = span(now, days(tier))
        found: dict[str, object] = {
            "shippingSpeedCategory": speed,
            "isFulfillable": bool(here) and not missing,
            "isCODCapable": False,
            "marketplaceId": self.settings.marketplace_id,
            "unfulfillablePreviewItems": missing,
        }
        if here:
            names = ("FBATransportationFee", "FBAPerUnitFulfillmentFee")
            charged = zip(names, fees(tier, len(here)), strict=True)
            found["estimatedFees"] = [{"name": title, "amount": _money(cents)} for title, (_, cents) in charged]
            found["fulfillmentPreviewShipments"] = [
                {
                    "earliestShipDate": iso(now),
                    "latestShipDate": iso(now + DAY),
                    "earliestArrivalDate": first,
                    "latestArrivalDate": last,
                    "fulfillmentPreviewItems": here,
                }
            ]
        return found


def _draft(body: Mapping[str, Any], marketplace: str) -> Draft:
    """An order as this version asks for it, its address in the words both versions share."""
    bodies.address(body.get("destinationAddress"))
    if body.get("marketplaceId", marketplace) != marketplace:
        raise invalid("marketplaceId is not the seller's.")
    lines = []
    for row in bodies.rows(body.get("items"), "items"):
        value = row.get("perUnitDeclaredValue")
        declared = (str(value["currencyCode"]), str(value["value"])) if isinstance(value, dict) else None
        extra = {key: row[key] for key in _ECHO if key in row}
        item = bodies.text(row, "sellerFulfillmentOrderItemId", longest=50)
        lines.append(Line(item, bodies.text(row, "sellerSku", longest=50), _quantity(row), declared, extra))
    document: dict[str, object] = {key: body[key] for key in _KEPT if key in body}
    document |= {
        "destination": {"deliveryAddress": body["destinationAddress"]},
        "displayableOrderId": bodies.text(body, "displayableOrderId", longest=40),
        "displayableOrderDate": iso(bodies.moment(bodies.text(body, "displayableOrderDate"), "displayableOrderDate")),
        "displayableOrderComment": bodies.text(body, "displayableOrderComment", longest=750),
    }
    if "paymentInformation" in body:  # the two versions write payments differently
        document["payments2020"] = body["paymentInformation"]
    return Draft(
        bodies.text(body, "sellerFulfillmentOrderId", longest=40), VERSION, document,
        bodies.one_of(body.get("fulfillmentAction", "Ship"), ACTIONS, "fulfillmentAction") == "HOLD",
        bodies.one_of(body.get("fulfillmentPolicy", "FillOrKill"), POLICIES, "fulfillmentPolicy"),
        bodies.one_of(bodies.text(body, "shippingSpeedCategory"), TIERS, "shippingSpeedCategory"), tuple(lines),
    )  # fmt: skip


def _quantity(row: Mapping[str, Any]) -> int:
    units = row.get("quantity")
    if isinstance(units, bool) or not isinstance(units, int) or not 0 < units < 1 << 31:
        raise invalid("quantity is a whole number of units, at least one.")
    return units


def _order(order: Order, marketplace: str) -> dict[str, object]:
    document = order.document
    destination = document["destination"]
    assert isinstance(destination, dict)
    found: dict[str, object] = {
        "sellerFulfillmentOrderId": order.id,
        "marketplaceId": marketplace,
        "displayableOrderId": document.get("displayableOrderId", order.id),
        "displayableOrderDate": document.get("displayableOrderDate", iso(order.received_at)),
        "displayableOrderComment": document.get("displayableOrderComment", ""),
        "shippingSpeedCategory": _WORDS[order.tier],
        "destinationAddress": {key: value for key, value in destination["deliveryAddress"].items() if key != "email"},
        "fulfillmentAction": "Hold" if order.hold else "Ship",
        "fulfillmentPolicy": _WORDS[order.policy],
        "receivedDate": iso(order.received_at),
        "fulfillmentOrderStatus": _WORDS[order.state],
        "statusUpdatedDate": iso(order.updated_at),
    }
    return found | {key: document[key] for key in _KEPT if key in document}


def _item(order: Order, line: Line) -> dict[str, object]:
    found: dict[str, object] = {
        "sellerSku": line.sku,
        "sellerFulfillmentOrderItemId": line.id,
        "quantity": line.units,
        "cancelledQuantity": line.cancelled,
        "unfulfillableQuantity": line.unfulfillable,
    }
    if order.shipments:
        found["estimatedShipDate"] = iso(order.shipments[0].leaves_at)
        found["estimatedArrivalDate"] = iso(order.shipments[0].arrives_at)
    if line.declared:
        found["perUnitDeclaredValue"] = {"currencyCode": line.declared[0], "value": line.declared[1]}
    return found | {key: line.extra[key] for key in _ECHO if key in line.extra}


def _shipment(order: Order, shipment: Shipment) -> dict[str, object]:
    skus = {line.id: line.sku for line in order.lines}
    number = shipment.packages[0].number if shipment.packages else 0
    items = []
    for line, units in shipment.units.items():
        item = {"sellerSku": skus[line], "sellerFulfillmentOrderItemId": line, "quantity": units}
        items.append({**item, "packageNumber": number} if number else item)
    found: dict[str, object] = {
        "amazonShipmentId": shipment.id,
        "fulfillmentCenterId": shipment.facility,
        "fulfillmentShipmentStatus": _SHIPMENT[shipment.status],
        "shippingDate": iso(shipment.leaves_at),
        "estimatedArrivalDate": iso(shipment.arrives_at),
        "fulfillmentShipmentItem": items,
    }
    if shipment.packages:
        found["fulfillmentShipmentPackage"] = [
            {
                "packageNumber": package.number,
                "carrierCode": package.carrier,
                "trackingNumber": package.tracking,
                "estimatedArrivalDate": iso(package.arrives_at),
            }
            for package in shipment.packages
        ]
    return found


def _tracking(order: Order, package: Package) -> dict[str, object]:
    destination: Any = order.document["destination"]
    address = destination["deliveryAddress"]
    place = {
        "city": str(address.get("city", "-"))[:150] or "-",
        "state": str(address.get("stateOrRegion", "-"))[:150] or "-",
        "country": str(address["countryCode"])[:6],
    }
    words = {"PROCESSING": "UNKNOWN", "EXPIRED": "UNKNOWN"}
    return {
        "packageNumber": package.number,
        "trackingNumber": package.tracking,
        "carrierCode": package.carrier,
        "shipDate": iso(package.left_at),
        "estimatedArrivalDate": iso(package.arrives_at),
        "shipToAddress": place,
        "currentStatus": words.get(package.status, package.status),
        "trackingEvents": [
            {"eventDate": iso(at), "eventAddress": place, "eventCode": code, "eventDescription": text}
            for at, code, text in package.events
        ],
    }


def _money(cents: int) -> dict[str, str]:
    return {"currencyCode": "USD", "value": f"{cents // 100}.{cents % 100:02d}"}
