"""Amazon's notifications: FULFILLMENT_ORDER_STATUS and FBA_INVENTORY_AVAILABILITY_CHANGES, bare or in EventBridge's envelope. Pure.

They carry no signature. Whoever delivers them (an EventBridge API destination, or a queue reader of yours) adds the connection's key as
`Authorization: Bearer KEY` or `x-api-key: KEY`; without a key that fits nothing is used: a false "cancelled" could ship twice.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from tranship.connectors.amazon_mcf.answers import Violation, count, decoded, ours, word
from tranship.connectors.port import Count, Finding, Message, Response
from tranship.core.secret import Secret, revealed
from tranship.dispatch.model import Parcel, Report

ORDER, STOCK = "FULFILLMENT_ORDER_STATUS", "FBA_INVENTORY_AVAILABILITY_CHANGES"
STATES = {
    # Whether an order waits on hold is not said, so these mean nothing more than "look".
    **dict.fromkeys(
        ("NEW", "RECEIVED", "PLANNING", "PROCESSING", "PROCESSED"), ""
    ),  # PROCESSED: the vendor's own example
    "COMPLETE": "COMPLETE",
    "COMPLETE_PARTIALLED": "COMPLETE_PARTIAL",
    "COMPLETE_PARTIAL": "COMPLETE_PARTIAL",
    "CANCELLED": "CANCELLED",
    "UNFULFILLABLE": "UNFULFILLABLE",
    "INVALID": "INVALID",
}
T = TypeVar("T")


class _Metadata(msgspec.Struct, rename="pascal"):
    notification_id: str


class _Notification(msgspec.Struct, rename="pascal"):
    notification_type: str
    payload: msgspec.Raw
    notification_metadata: _Metadata


class _Envelope(msgspec.Struct, rename="camel"):
    detail: msgspec.Raw


class _Package(msgspec.Struct, rename="pascal"):
    package_number: int
    carrier_code: str
    tracking_number: str = ""


class _Shipment(msgspec.Struct, rename="pascal"):
    fulfillment_shipment_status: str
    fulfillment_shipment_packages: list[_Package] = []


class _OrderStatus(msgspec.Struct, rename="pascal"):
    seller_fulfillment_order_id: str
    fulfillment_order_status: str
    fulfillment_shipment: _Shipment | None = None


class _OrderPayload(msgspec.Struct, rename="pascal"):
    fulfillment_order_status_notification: _OrderStatus


class _Inbound(msgspec.Struct, rename="pascal"):
    working: int
    shipped: int
    receiving: int


class _Reserved(msgspec.Struct, rename="pascal"):
    warehouse_processing: int
    warehouse_transfer: int
    pending_customer_order: int


class _Inventory(msgspec.Struct, rename="pascal"):
    inbound_quantity_breakdown: _Inbound
    fulfillable: int
    unfulfillable: int
    researching: int
    reserved_quantity_breakdown: _Reserved


class _Marketplace(msgspec.Struct, rename="pascal"):
    marketplace_id: str
    fulfillment_inventory: _Inventory


class _StockPayload(msgspec.Struct, rename="pascal"):
    sku: str = msgspec.field(name="SKU")
    fulfillment_inventory_by_marketplace: list[_Marketplace]


def message(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret | str], marketplace: str, *, packages: bool
) -> Message:
    """What a notification says. `packages`: its package numbers are those that the orders interface tells as well."""
    if not _known(headers, secrets):
        return Message(ok=False)
    key = ""
    try:
        told = _opened(body)
        key = told.notification_metadata.notification_id
        if told.notification_type == ORDER:
            status = _as(_OrderPayload, bytes(told.payload)).fulfillment_order_status_notification
            return _order(key, status, packages=packages)
        if told.notification_type == STOCK:
            return Message(ok=True, key=key, counts=_stock(_as(_StockPayload, bytes(told.payload)), marketplace))
    except Violation as error:
        kind = "unknown_state" if "unknown state" in str(error) else "violation"
        return Message(ok=True, key=key, findings=(Finding(kind, key or "notification", f"notification: {error}"),))
    return Message(
        ok=True, key=key, findings=(Finding("violation", key, "notification: of a type that was not asked for"),)
    )


def _known(headers: Mapping[str, str], secrets: Sequence[Secret | str]) -> bool:
    lower = {name.lower(): value for name, value in headers.items()}
    shown = lower.get("x-api-key", "") or lower.get("authorization", "").removeprefix("Bearer ")
    fits = [hmac.compare_digest(shown.encode(), revealed(secret).encode()) for secret in secrets if secret]
    return any(fits)


def _opened(body: bytes) -> _Notification:
    try:
        return _as(_Notification, body)
    except Violation as bare:
        try:
            inner = bytes(_as(_Envelope, body).detail)
        except Violation:
            raise bare from None
        return _as(_Notification, inner)


def _as(shape: type[T], body: bytes) -> T:
    return decoded(Response(200, {}, body), shape)


def _order(key: str, told: _OrderStatus, *, packages: bool) -> Message:
    remote_id = told.seller_fulfillment_order_id
    if not ours(remote_id):
        finding = Finding("foreign_id", key, "notification: an order id that Tranship never makes")
        return Message(ok=True, key=key, findings=(finding,))
    remote = word(STATES, told.fulfillment_order_status.upper(), "FulfillmentOrderStatus")
    shipment = told.fulfillment_shipment
    parcels: tuple[Parcel, ...] = ()
    if packages and shipment is not None and shipment.fulfillment_shipment_status.upper() == "SHIPPED":
        parcels = tuple(
            Parcel(str(package.package_number), package.carrier_code, package.tracking_number, status="SHIPPED")
            for package in shipment.fulfillment_shipment_packages
        )
    return Message(ok=True, key=key, reports=(Report(remote_id, remote, parcels=parcels),))


def _stock(told: _StockPayload, marketplace: str) -> tuple[Count, ...]:
    found = []
    for there in told.fulfillment_inventory_by_marketplace:
        if there.marketplace_id != marketplace:
            continue
        stock, reserved = there.fulfillment_inventory, there.fulfillment_inventory.reserved_quantity_breakdown
        inbound = stock.inbound_quantity_breakdown
        kept = (reserved.warehouse_processing, reserved.warehouse_transfer, reserved.pending_customer_order)
        coming = (inbound.working, inbound.shipped, inbound.receiving)
        found.append(
            Count(
                told.sku,
                "",
                sellable=count(stock.fulfillable, "Fulfillable"),
                reserved=sum(count(part, "ReservedQuantityBreakdown") for part in kept),
                inbound=sum(count(part, "InboundQuantityBreakdown") for part in coming),
                unsellable=count(stock.unfulfillable, "Unfulfillable") + count(stock.researching, "Researching"),
            )
        )
    return tuple(found)
