"""Orders, shipments and stock in the words of ShipBob's description: only declared properties, every one of its declared type."""

from typing import Any

from tranship.sandbox.common.clock import iso
from tranship.sandbox.shipbob.orders import Line, Order, Shipment
from tranship.sandbox.shipbob.settings import Settings
from tranship.sandbox.shipbob.stock import Item, Place

Json = dict[str, Any]
_RECIPIENT = ("name", "email", "phone_number")


def order(found: Order, settings: Settings) -> Json:
    """An order with its shipments."""
    document = found.document
    return {
        "id": found.id,
        "created_date": iso(found.created_at),
        "purchase_date": document.get("purchase_date"),
        "reference_id": found.reference,
        "order_number": document.get("order_number") or found.reference,
        "status": found.status,
        "type": document["type"],
        "channel": {"id": settings.channel_id, "name": "Sandbox"},
        "shipping_method": document["shipping_method"],
        "recipient": _recipient(document["recipient"]),
        "products": [product(line) for line in found.lines],
        "tags": document.get("tags") or [],
        "shipments": [shipment(found, part) for part in found.shipments],
        "gift_message": document.get("gift_message"),
    }


def product(line: Line) -> Json:
    """A line of an order."""
    return {
        "id": line.product,
        "reference_id": line.reference,
        "sku": line.reference,
        "quantity": line.units,
        "quantity_unit_of_measure_code": "EA",
        "external_line_id": line.number,
        "unit_price": None,
        "gtin": None,
        "upc": None,
    }


def shipment(found: Order, part: Shipment) -> Json:
    """A shipment."""
    left = bool(part.left_at)
    return {
        "id": part.id,
        "order_id": found.id,
        "reference_id": found.reference,
        "created_date": iso(part.created_at),
        "last_update_at": iso(part.updated_at),
        "last_tracking_update_at": iso(part.left_at) if left else None,
        "status": part.status,
        "status_details": [_detail(*part.detail)] if part.detail else [],
        "location": {"id": part.place, "name": f"Center {part.place}"},
        "recipient": _receiver(found.document["recipient"]),
        "products": [_packed(line) for line in part.lines],
        "tracking": _tracking(part) if left else {},
        "ship_option": found.document["shipping_method"],
        "estimated_fulfillment_date": None,
        "actual_fulfillment_date": iso(part.left_at) if left else None,
        "delivery_date": iso(part.delivered_at) if part.delivered_at else None,
        "is_tracking_uploaded": False,
        "require_signature": False,
        "package_material_type": "Box" if left else "Undefined",
        "measurements": {"total_weight_oz": 0, "length_in": 0, "width_in": 0, "depth_in": 0},
        "invoice_amount": None,
        "insurance_value": None,
        "gift_message": None,
    }


def log(at: int, kind: int, name: str) -> Json:
    """An entry of a timeline."""
    return {"log_type_id": kind, "log_type_name": name, "log_type_text": name, "timestamp": iso(at), "metadata": {}}


def cancelled(found: Order, done: list[tuple[Shipment, bool]], settings: Settings) -> Json:
    """The answer to a cancellation."""
    good = sum(1 for _, ok in done if ok)
    return {
        "order": order(found, settings),
        "order_id": found.id,
        "status": "Success" if good == len(done) else "PartialSuccess" if good else "Failure",
        "canceled_shipment_results": [
            {"action": "Cancel", "shipment_id": part.id, "is_success": ok, "reason": None if ok else "Already picked"}
            for part, ok in done
        ],
    }


def by_center(item: Item, places: dict[int, Place], lie: int) -> Json:
    """Stock of a SKU by fulfillment center; `lie` is added to what is there."""
    return {
        "inventory_id": item.id,
        "name": item.sku,
        "sku": item.sku,
        "locations": [
            {
                "location_id": number,
                "name": f"Center {number}",
                "on_hand_quantity": max(0, place.on_hand + lie),
                "committed_quantity": place.committed,
                "fulfillable_quantity": max(0, place.fulfillable + lie),
                "awaiting_quantity": place.awaiting,
                "internal_transfer_quantity": place.internal_transfer,
            }
            for number, place in sorted(places.items())
        ],
    }


def totals(item: Item, places: dict[int, Place], lie: int) -> Json:
    """Stock of a SKU in all centers. As at the vendor, "sellable" counts what is still on its way."""
    found = list(places.values())
    free = sum(max(0, place.fulfillable + lie) for place in found)
    awaiting = sum(place.awaiting for place in found)
    return {
        "inventory_id": item.id,
        "name": item.sku,
        "sku": item.sku,
        "total_on_hand_quantity": sum(max(0, place.on_hand + lie) for place in found),
        "total_committed_quantity": sum(place.committed for place in found),
        "total_fulfillable_quantity": free,
        "total_sellable_quantity": free + awaiting,
        "total_awaiting_quantity": awaiting,
        "total_exception_quantity": sum(place.exception for place in found),
        "total_internal_transfer_quantity": sum(place.internal_transfer for place in found),
        "total_backordered_quantity": 0,
    }


def _packed(line: Line) -> Json:
    item = {"id": line.product + 1_000_000, "name": line.name, "quantity": line.units, "quantity_committed": line.units}
    return {
        "id": line.product, "reference_id": line.reference, "sku": line.reference, "name": line.name,
        "inventory_items": [item | {"lot": None, "expiration_date": None, "serial_numbers": [], "is_dangerous_goods": False}],
    }  # fmt: skip


def _tracking(part: Shipment) -> Json:
    return {
        "carrier": "USPS",
        "carrier_service": "GroundAdvantage",
        "tracking_number": part.tracking,
        "tracking_url": None,
        "shipping_date": iso(part.left_at),
    }


def _detail(number: int, name: str, text: str) -> Json:
    return {"id": number, "name": name, "description": text, "inventory_id": None}


def _recipient(found: Json) -> Json:
    return {key: found[key] for key in _RECIPIENT if found.get(key)} | {"address": found["address"]}


def _receiver(found: Json) -> Json:
    return {"full_name": found["name"], "name": found["name"], "address": found["address"]}
