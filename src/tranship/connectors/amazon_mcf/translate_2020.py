"""Version 2020-07-01: requests out, answers in. Pure. Paths and fields are those of fulfillmentOutbound_2020-07-01.json (2026-08)."""

from collections.abc import Mapping, Sequence

import msgspec

from tranship.connectors.amazon_mcf import inventory, notifications
from tranship.connectors.amazon_mcf import messages_2020 as m
from tranship.connectors.amazon_mcf.answers import (
    Violation,
    count,
    decoded,
    micros,
    no_errors,
    ours,
    read_or,
    same_id,
    same_order,
    strangers,
    timestamp,
    word,
)
from tranship.connectors.amazon_mcf.settings import Settings
from tranship.connectors.port import (
    Counted,
    Finding,
    Listed,
    Message,
    Offered,
    Order,
    Request,
    Response,
    Returned,
)
from tranship.core.capability import Capability
from tranship.core.errors import InputError
from tranship.core.secret import Secret
from tranship.dispatch.model import DEAD, Parcel, Report, Result
from tranship.masking.model import MaskedOrder
from tranship.masking.policy import COMMENT, check

BASE = "/fba/outbound/2020-07-01"
WAITING = "WAITING"
"""Amazon has it and does not work on it yet: held where it was made so, else it can still be called back."""
STATES = {  # the file's enumeration has `CompletePartialled`, its own examples `COMPLETE`: read without case and underscores
    "new": WAITING,
    "received": WAITING,
    "planning": WAITING,
    "processing": "PICKING",  # cancellation is no longer taken
    "complete": "COMPLETE",
    "completepartialled": "COMPLETE_PARTIAL",
    "cancelled": "CANCELLED",
    "unfulfillable": "UNFULFILLABLE",
    "invalid": "INVALID",
}
SHIPMENTS = {
    "PENDING": "",
    "SHIPPED": "SHIPPED",
    "CANCELLED_BY_FULFILLER": "CANCELLED",
    "CANCELLED_BY_SELLER": "CANCELLED",
}
FILL = {"or_kill": "FillOrKill", "all": "FillAll", "all_available": "FillAllAvailable"}
SPEEDS = {"STANDARD": "Standard", "EXPEDITED": "Expedited", "PRIORITY": "Priority"}


class Connector2020:
    """The connector for version 2020-07-01."""

    kind = "amazon_mcf_2020"

    def __init__(self, settings: Settings, capability: Capability) -> None:
        self.settings, self.capability = settings, capability

    # -- requests ------------------------------------------------------------------------------------------------------

    def body(self, order: MaskedOrder, *, hold: bool) -> bytes:
        """The bytes of createFulfillmentOrder. The id and date that recipients see are the random id and the ship-by day."""
        settings = self.settings
        if not order.ship_by:
            raise InputError(
                "The order has no ship-by day, which this version must show", where=f"dispatch {order.remote_id}"
            )
        body = {
            "marketplaceId": settings.marketplace,
            "sellerFulfillmentOrderId": order.remote_id,
            "displayableOrderId": order.remote_id,
            "displayableOrderDate": f"{order.ship_by}T00:00:00Z",
            "displayableOrderComment": COMMENT,
            "shippingSpeedCategory": SPEEDS[settings.tier(order.service)],
            "destinationAddress": _address(order),
            "fulfillmentAction": "Hold" if hold else "Ship",
            "fulfillmentPolicy": FILL[settings.fill],
            "shipFromCountryCode": settings.country,
            "items": [
                {"sellerSku": line.sku, "sellerFulfillmentOrderItemId": line.line_id, "quantity": line.quantity}
                for line in order.lines
            ],
        }
        if settings.unbranded:
            body["featureConstraints"] = [{"featureName": "BLANK_BOX", "featureFulfillmentPolicy": "Required"}]
        return check(self.kind, "create", msgspec.json.encode(body))

    def offer(self, order: MaskedOrder) -> Request:
        """DeliveryOffers: it needs an article, ZIP code and country, and no person. It takes one article: the first line's."""
        body = {
            "product": {
                "productIdentifier": {"merchantSku": order.lines[0].sku},
                "amount": {"unitOfMeasure": "Eaches", "value": str(order.lines[0].quantity)},
            },
            "terms": {
                "origin": {"countryCode": self.settings.country},
                "destination": {
                    "deliveryAddress": {"postalCode": order.to.postal_code, "countryCode": order.to.country}
                },
            },
        }
        return Request(
            "offer", "POST", f"{BASE}/deliveryOffers", body=check(self.kind, "offer", msgspec.json.encode(body))
        )

    def create(self, order: Order, body: bytes) -> Request:
        """Send the stored bytes to createFulfillmentOrder."""
        return Request(
            "create", "POST", f"{BASE}/fulfillmentOrders", body=check(self.kind, "create", same_id(order, body))
        )

    def release(self, order: Order) -> Request:
        """From hold to ship, by updateFulfillmentOrder."""
        body = msgspec.json.encode({"fulfillmentAction": "Ship"})
        return Request("release", "PUT", _path(order), body=check(self.kind, "release", body))

    def get(self, order: Order) -> Request:
        """getFulfillmentOrder; shipments and packages come with it."""
        return Request("get", "GET", _path(order))

    def tracking(self, order: Order) -> Request:
        """The same: the tracking of a single package would need a call each."""
        return self.get(order)._replace(op="tracking")

    def cancel(self, order: Order) -> Request:
        """cancelFulfillmentOrder; it has no body."""
        return Request("cancel", "PUT", _path(order) + "/cancel")

    def list(self, since: int, more: str = "") -> Request:
        """Orders updated at or after a time."""
        return _list("list", since, more)

    def returns(self, since: int, more: str = "") -> Request:
        """Returns of the order that `more` names; without it, the orders that changed."""
        return returns(since, more)

    def stock(self, since: int = 0, more: str = "") -> Request:  # noqa: ARG002 - always everything
        """Summaries of everything, whatever `since` is: a SKU that is not named is not there."""
        return inventory.request(self.settings.marketplace, more)

    # -- answers -------------------------------------------------------------------------------------------------------

    def read(self, op: str, order: Order, response: Response) -> Result:
        """What an answer means; a bad one is a `violation`."""
        return read_or(lambda failed: failed, op, response, lambda: _read(op, order, response))

    def read_offer(self, response: Response) -> Offered:
        """When it would arrive."""
        return read_or(lambda failed: Offered(failed=failed), "offer", response, lambda: _offered(response))

    def read_list(self, response: Response) -> Listed:
        """A page of orders' states; this version lists no packages."""
        return read_or(lambda failed: Listed((), failed=failed), "list", response, lambda: _listed(response))

    def read_returns(self, response: Response) -> Returned:
        """Units that came back of one order."""
        return read_returns(response)

    def read_stock(self, response: Response) -> Counted:
        """A page of stock."""
        return inventory.read(response)

    def message(
        self,
        headers: Mapping[str, str],
        body: bytes,
        secrets: Sequence[Secret | str],
        now: int | None = None,  # noqa: ARG002
    ) -> Message:
        """A notification."""
        return notifications.message(headers, body, secrets, self.settings.marketplace, packages=True)


def returns(since: int, more: str) -> Request:
    """Returns are told order by order: `more` is the order's id."""
    if more:
        return Request("returns", "GET", _path(Order(more)))
    return _list("returns", since, "")


def read_returns(response: Response) -> Returned:
    """Units that came back, of an answer about one order; a list of orders tells none."""
    return read_or(lambda failed: Returned((), failed=failed), "returns", response, lambda: _returned(response))


def _list(op: str, since: int, more: str) -> Request:
    query = (("queryStartDate", timestamp(since)), *((("nextToken", more),) if more else ()))
    return Request(op, "GET", f"{BASE}/fulfillmentOrders", query)


def _path(order: Order) -> str:
    assert ours(order.remote_id), "an id of ours needs no encoding"
    return f"{BASE}/fulfillmentOrders/{order.remote_id}"


def _address(order: MaskedOrder) -> dict[str, str]:
    to = order.to
    return {
        "name": to.name,
        "addressLine1": to.line1,
        **({"addressLine2": to.line2} if to.line2 else {}),
        "city": to.city,
        **({"stateOrRegion": to.state} if to.state else {}),
        "postalCode": to.postal_code,
        "countryCode": to.country,
    }


def _read(op: str, order: Order, response: Response) -> Result:
    if op in {"create", "release"}:
        no_errors(response)
        return Result("ok")
    if op == "cancel":
        no_errors(response)
        return Result("ok", accepted_only=True)  # taken at once, but only a look at the order proves it
    payload = decoded(response, m.OneOrderAnswer).payload
    head = payload.fulfillment_order
    same_order(order.remote_id, head.seller_fulfillment_order_id, "fulfillmentOrder.sellerFulfillmentOrderId")
    remote = _remote(head)
    parcels = tuple(parcel for shipment in payload.fulfillment_shipments for parcel in _parcels(shipment))
    short = () if remote in DEAD else tuple(pair for item in payload.fulfillment_order_items for pair in _short(item))
    return Result(
        "ok", "PICKING" if parcels and remote in {"HELD", "PROCESSING"} else remote, parcels=parcels, short=short
    )


def _remote(head: m.FulfillmentOrder) -> str:
    told = head.fulfillment_order_status
    remote = word(STATES, told.lower().replace("_", ""), "fulfillmentOrder.fulfillmentOrderStatus")
    if remote == WAITING:
        return "HELD" if head.fulfillment_action.lower() == "hold" else "PROCESSING"
    return remote


def _short(item: m.OrderItem) -> list[tuple[str, int]]:
    total = count(item.cancelled_quantity, "cancelledQuantity") + count(
        item.unfulfillable_quantity, "unfulfillableQuantity"
    )
    return [(item.seller_fulfillment_order_item_id, total)] if total else []


def _parcels(shipment: m.Shipment) -> list[Parcel]:
    """Packages that left. Units that no package names are in the first one of their shipment."""
    state = word(SHIPMENTS, shipment.fulfillment_shipment_status, "fulfillmentShipmentStatus")
    at = micros(shipment.shipping_date, "shippingDate")
    if state != "SHIPPED":
        return []
    packages = shipment.fulfillment_shipment_package
    numbers = [package.package_number for package in packages]
    lines: list[dict[str, int]] = [{} for _ in packages] or [{}]
    for item in shipment.fulfillment_shipment_item:
        where = lines[numbers.index(item.package_number) if item.package_number in numbers else 0]
        line_id = item.seller_fulfillment_order_item_id
        where[line_id] = where.get(line_id, 0) + count(item.quantity, "fulfillmentShipmentItem.quantity")
    if not packages:
        return [Parcel(shipment.amazon_shipment_id, lines=tuple(sorted(lines[0].items())), status=state, shipped_at=at)]
    return [
        Parcel(
            str(package.package_number),
            package.carrier_code,
            package.tracking_number or package.amazon_fulfillment_tracking_number,
            tuple(sorted(held.items())),
            state if package.delivery_information is None else "DELIVERED",
            at,
        )
        for package, held in zip(packages, lines, strict=True)
    ]


def _listed(response: Response) -> Listed:
    page = decoded(response, m.OrdersAnswer).payload
    reports, findings, others = [], [], 0
    for number, raw in enumerate(page.fulfillment_orders):
        remote_id = f"fulfillmentOrders[{number}]"
        try:
            head = decoded(response._replace(body=bytes(raw)), m.FulfillmentOrder)
            if not ours(head.seller_fulfillment_order_id):
                others += 1
                continue
            remote_id = head.seller_fulfillment_order_id
            reports.append(Report(remote_id, _remote(head)))
        except Violation as error:
            kind = "unknown_state" if "unknown state" in str(error) else "violation"
            findings.append(Finding(kind, remote_id, f"list: {error}"))
    return Listed(tuple(reports), page.next_token or "", (*findings, *strangers(others)))


def _offered(response: Response) -> Offered:
    offers = decoded(response, m.OffersAnswer).payload.delivery_offers
    days = [timestamp(micros(offer.date_range.latest, "dateRange.latest"))[:10] for offer in offers if offer.date_range]
    return Offered(min(days)) if days else Offered(failed=Result("refused", detail="no offer"))


def _returned(response: Response) -> Returned:
    payload = decoded(response, m.ReturnsAnswer).payload
    if payload.fulfillment_order is None:
        return Returned(())
    remote_id = payload.fulfillment_order.seller_fulfillment_order_id
    if not ours(remote_id):
        raise Violation("fulfillmentOrder.sellerFulfillmentOrderId: an order id that Tranship never makes")
    back = [item for item in payload.return_items if item.status == "Processed"]
    rows = tuple((remote_id, item.seller_fulfillment_order_item_id, 1, item.return_received_condition) for item in back)
    return Returned(rows, refs=tuple(item.seller_return_item_id for item in back))
