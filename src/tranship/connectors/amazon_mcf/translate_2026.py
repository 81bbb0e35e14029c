"""Version 2026-07-04: requests out, answers in. Pure. Paths and fields are those of fulfillmentOutbound_2026-07-04.json (2026-08)."""

from collections.abc import Mapping, Sequence

import msgspec

from tranship.connectors.amazon_mcf import inventory, notifications, translate_2020
from tranship.connectors.amazon_mcf import messages_2026 as m
from tranship.connectors.amazon_mcf.answers import (
    Violation,
    decoded,
    micros,
    no_errors,
    ours,
    read_or,
    same_id,
    same_order,
    strangers,
    timestamp,
    units,
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
from tranship.core.secret import Secret
from tranship.dispatch.model import DEAD, Parcel, Report, Result
from tranship.masking.model import MaskedOrder
from tranship.masking.policy import check

BASE = "/fulfillment/outbound/2026-07-04"
STATES = {
    "PROCESSING": "PROCESSING",
    "COMPLETE": "COMPLETE",
    "COMPLETE_PARTIAL": "COMPLETE_PARTIAL",
    "CANCELLED": "CANCELLED",
    "UNFULFILLABLE": "UNFULFILLABLE",
    "INVALID": "INVALID",
}
SHIPMENTS = {"PROCESSING": "", "SHIPPED": "SHIPPED", "CANCELLED": "CANCELLED"}
PACKAGES = {
    "": "",
    "PROCESSING": "",
    "IN_TRANSIT": "SHIPPED",
    "DELAYED": "SHIPPED",
    "OUT_FOR_DELIVERY": "SHIPPED",
    "DELIVERED": "DELIVERED",
    "UNDELIVERABLE": "UNDELIVERABLE",
    "EXPIRED": "UNDELIVERABLE",
}
FILL = {"or_kill": "FILL_OR_KILL", "all": "FILL_ALL", "all_available": "FILL_ALL_AVAILABLE"}


class Connector2026:
    """The connector for version 2026-07-04."""

    kind = "amazon_mcf"

    def __init__(self, settings: Settings, capability: Capability) -> None:
        self.settings, self.capability = settings, capability

    # -- requests ------------------------------------------------------------------------------------------------------

    def body(self, order: MaskedOrder, *, hold: bool) -> bytes:
        """The bytes of createOrder: no channel, no prices, no text of the customer's."""
        settings, to = self.settings, order.to
        address = {
            "name": to.name,
            "addressLine1": to.line1,
            **({"addressLine2": to.line2} if to.line2 else {}),
            "city": to.city,
            **({"stateOrRegion": to.state} if to.state else {}),
            "postalCode": to.postal_code,
            "countryCode": to.country,
        }
        config: dict[str, object] = {
            "action": "HOLD" if hold else "SHIP",
            "policy": FILL[settings.fill],
            "serviceLevel": {"serviceTiers": [settings.tier(order.service)]},
        }
        if settings.unbranded:
            config["services"] = {"packaging": {"packagingOption": "UNBRANDED"}}
        body = {
            "orderId": order.remote_id,
            "origin": {"countryCode": settings.country},
            "destination": {"deliveryAddress": address},
            "fulfillmentConfiguration": config,
            "lineItems": [
                {
                    "lineItemId": line.line_id,
                    "product": {"productIdentifier": {"amazonSku": line.sku}},
                    "amount": {"unit": "EACHES", "value": str(line.quantity)},
                }
                for line in order.lines
            ],
        }
        return check(self.kind, "create", msgspec.json.encode(body))

    def offer(self, order: MaskedOrder) -> Request:
        """getOffers: it needs articles, ZIP code and country, and no person."""
        body = {
            "origin": {"countryCode": self.settings.country},
            "destination": {"deliveryAddress": {"postalCode": order.to.postal_code, "countryCode": order.to.country}},
            "fulfillmentConfiguration": {"serviceLevel": {"serviceTiers": [self.settings.tier(order.service)]}},
            "items": [{"productIdentifier": {"amazonSku": line.sku}} for line in order.lines],
        }
        return Request("offer", "POST", f"{BASE}/offers", body=check(self.kind, "offer", msgspec.json.encode(body)))

    def create(self, order: Order, body: bytes) -> Request:
        """Send the stored bytes to createOrder."""
        return Request("create", "POST", f"{BASE}/orders", body=check(self.kind, "create", same_id(order, body)))

    def release(self, order: Order) -> Request:
        """From hold to ship, by updateOrder."""
        body = msgspec.json.encode({"fulfillmentConfiguration": {"action": "SHIP"}})
        return Request("release", "PUT", _path(order), body=check(self.kind, "release", body))

    def get(self, order: Order) -> Request:
        """getOrder, shipments included: a part that left is why it cannot be called back."""
        return Request("get", "GET", _path(order), (("shipments", "INCLUDE"),))

    def tracking(self, order: Order) -> Request:
        """The same: packages and where they are come with the order."""
        return self.get(order)._replace(op="tracking")

    def cancel(self, order: Order) -> Request:
        """cancelOrder; it has no body."""
        return Request("cancel", "PUT", _path(order) + "/cancel")

    def list(self, since: int, more: str = "") -> Request:
        """Orders updated after a time; the next page wants the same arguments."""
        query = (
            ("updatedAfter", timestamp(since)),
            ("shipments", "INCLUDE"),
            *((("pageToken", more),) if more else ()),
        )
        return Request("list", "GET", f"{BASE}/orders", query)

    def returns(self, since: int, more: str = "") -> Request:
        """This version tells no returns; the older one does, order by order."""
        return translate_2020.returns(since, more)

    def stock(self, since: int = 0, more: str = "") -> Request:  # noqa: ARG002 - always everything
        """Summaries of everything, whatever `since` is: a SKU that is not named is not there."""
        return inventory.request(self.settings.marketplace, more)

    # -- answers -------------------------------------------------------------------------------------------------------

    def read(self, op: str, order: Order, response: Response) -> Result:
        """What an answer means; a bad one is a `violation`."""
        return read_or(lambda failed: failed, op, response, lambda: _read(op, order, response))

    def read_offer(self, response: Response) -> Offered:
        """When the last article would arrive; this version names fees only for a full address."""
        return read_or(lambda failed: Offered(failed=failed), "offer", response, lambda: _offered(response))

    def read_list(self, response: Response) -> Listed:
        """A page of orders; one that cannot be read becomes a finding."""
        return read_or(lambda failed: Listed((), failed=failed), "list", response, lambda: _listed(response))

    def read_returns(self, response: Response) -> Returned:
        """Units that came back of one order."""
        return translate_2020.read_returns(response)

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
        """A notification; its states do not say whether an order waits on hold, so only ends count."""
        return notifications.message(headers, body, secrets, self.settings.marketplace, packages=False)


def _path(order: Order) -> str:
    assert ours(order.remote_id), "an id of ours needs no encoding"
    return f"{BASE}/orders/{order.remote_id}"


def _read(op: str, order: Order, response: Response) -> Result:
    if op in {"release", "cancel"}:
        no_errors(response)
        return Result("ok", accepted_only=True)
    if op == "create" and response.status == 202:
        accepted = decoded(response, m.Accepted)
        same_order(order.remote_id, accepted.order_id, "orderId")
        remote = word(STATES, accepted.status, "status")
        return Result("ok", "" if remote == "PROCESSING" else remote, accepted_only=True)
    told = decoded(response, m.OneOrder).order
    same_order(order.remote_id, told.order_id, "order.orderId")
    report = _report(told)
    return Result("ok", report.remote, parcels=report.parcels, short=report.short)


def _report(told: m.FulfillmentOrder) -> Report:
    remote = word(STATES, told.status, "order.status") if told.status else ""
    left = [
        shipment for shipment in told.shipments if word(SHIPMENTS, shipment.status, "shipments.status") == "SHIPPED"
    ]
    parcels = tuple(parcel for shipment in told.shipments for parcel in _parcels(shipment))
    if remote == "PROCESSING":
        if left:
            remote = "PICKING"  # a part is gone: it cannot be called back as a whole
        elif told.fulfillment_configuration.action == "HOLD":
            remote = "HELD"
    short = () if remote in DEAD else tuple(pair for line in told.line_items for pair in _short(line))
    return Report(told.order_id, remote, parcels=parcels, short=short)


def _short(line: m.LineItem) -> list[tuple[str, int]]:
    missing = (line.cancelled_amount, line.unfulfillable_amount)
    total = sum(units(amount.value, "lineItems.amount") for amount in missing if amount is not None)
    return [(line.line_item_id, total)] if total else []


def _parcels(shipment: m.Shipment) -> list[Parcel]:
    """Packages that left. Units that no package names are in the first one of their shipment."""
    state = word(SHIPMENTS, shipment.status, "shipments.status")
    at = micros(shipment.ship_time, "shipments.shipTime")
    packages = shipment.packages or [m.Package(shipment.amazon_shipment_id)]
    found = []
    for number, package in enumerate(packages):
        status = word(PACKAGES, package.status, "packages.status") or state
        if state == "CANCELLED" or not status:
            continue
        lines: dict[str, int] = {}
        for item in shipment.items:
            if _package_of(item, packages) == number:
                lines[item.line_item_id] = lines.get(item.line_item_id, 0) + units(item.amount.value, "items.amount")
        carrier, tracking = _tracking(package.tracking)
        found.append(Parcel(package.package_id, carrier, tracking, tuple(sorted(lines.items())), status, at))
    return found


def _package_of(item: m.ShipmentItem, packages: list[m.Package]) -> int:
    for number, package in enumerate(packages):
        if item.package_id == package.package_id or (
            item.shipment_item_id and item.shipment_item_id in package.shipment_item_ids
        ):
            return number
    return 0


def _tracking(told: m.Tracking | None) -> tuple[str, str]:
    if told is not None and told.carrier is not None and told.carrier.tracking_number:
        return told.carrier.carrier_code, told.carrier.tracking_number
    if told is not None and told.amazon is not None:
        return "AMAZON", told.amazon.tracking_number
    return (told.carrier.carrier_code, "") if told is not None and told.carrier is not None else ("", "")


def _listed(response: Response) -> Listed:
    page = decoded(response, m.Orders)
    reports, findings, others = [], [], 0
    for number, raw in enumerate(page.orders):
        remote_id = f"orders[{number}]"
        try:
            told = decoded(response._replace(body=bytes(raw)), m.FulfillmentOrder)
            if not ours(told.order_id):
                others += 1
                continue
            remote_id = told.order_id
            reports.append(_report(told))
        except Violation as error:
            kind = "unknown_state" if "unknown state" in str(error) else "violation"
            findings.append(Finding(kind, remote_id, f"list: {error}"))
    more = page.pagination.next_token if page.pagination else None
    return Listed(tuple(reports), more or "", (*findings, *strangers(others)))


def _offered(response: Response) -> Offered:
    arrives = ""
    for result in decoded(response, m.Offers).offer_results:
        ends = [end for offer in result.offers if (end := _end(offer))]
        if not ends:
            codes = sorted({constraint.code for constraint in result.constraints if constraint.code.isalnum()})
            return Offered(failed=Result("refused", detail=f"no offer {' '.join(codes[:5])}".strip()))
        arrives = max(arrives, min(ends))
    return Offered(arrives) if arrives else Offered(failed=Result("refused", detail="no offer"))


def _end(offer: m.Offer) -> str:
    config = offer.fulfillment_configuration
    level = config.service_level if config else None
    interval = level.delivery_interval if level else None
    return timestamp(micros(interval.end_time, "offers.endTime"))[:10] if interval else ""
