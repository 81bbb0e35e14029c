"""Orders in ShipBob's words and back. Pure.

An order there becomes one or more shipments; what may still ship is told by the shipments first and by the order's own word second,
and where the two disagree the more careful reading wins: nothing counts as dead while a shipment of it is not.
"""

from collections import defaultdict
from typing import NamedTuple

import msgspec

from tranship.connectors.shipbob.lines import LONGEST, name_of, number_of
from tranship.connectors.shipbob.settings import Settings
from tranship.connectors.shipbob.views import Damaged, OrderView, Packed, Product, Shipment, micros
from tranship.core.errors import InputError
from tranship.dispatch.model import Parcel
from tranship.masking.model import MaskedOrder

ORDER = {
    "Processing": "PROCESSING",
    "Exception": "PROCESSING",  # out of stock: it ships when stock comes
    "ImportReview": "PROCESSING",
    "PartiallyFulfilled": "PICKING",
    "Fulfilled": "COMPLETE",
    "Cancelled": "CANCELLED",
}
"""An order's own word (enumeration Orders.OrderStatus)."""
SHIPMENT = {
    "None": "open",
    "Processing": "open",
    "Exception": "open",
    "OnHold": "open",  # put on hold by them or in their web pages; whoever cures the cause lets it ship
    "ImportReview": "open",
    "CleanSweeped": "open",  # nobody outside knows what it means, so it may ship
    "LabeledCreated": "packed",
    "Completed": "left",
    "Cancelled": "dead",
}
"""A shipment's word (enumeration Orders.OrderStatusEnum). Picked, packed or labeled ones can no longer be cancelled."""


class UnknownState(Exception):  # noqa: N818 - becomes a finding, never leaves the connector
    """A state that the interface's own description does not have; the text names which thing has it."""


class Meaning(NamedTuple):
    """What an order's view says, in our words."""

    remote: str
    parcels: tuple[Parcel, ...]
    short: tuple[tuple[str, int], ...]
    detail: str


# -- out ---------------------------------------------------------------------------------------------------------------


def creation(order: MaskedOrder, settings: Settings) -> bytes:
    """The body of a creation: what the interface requires, the state and ZIP code, and line numbers of ours.

    Raises:
        InputError: a line id or location that ShipBob's numbers cannot hold.
    """
    to = order.to
    address = {"address1": to.line1, "city": to.city, "country": to.country}
    more = {"address2": to.line2, "state": to.state, "zip_code": to.postal_code}
    body: dict[str, object] = {
        "reference_id": order.remote_id,
        "type": "DTC",
        "shipping_method": _method(order, settings),
        "recipient": {"name": to.name, "address": address | {key: value for key, value in more.items() if value}},
        # The interface wants a product's name; the code says no more than the reference beside it.
        "products": [
            {"reference_id": line.sku, "name": line.sku, "quantity": line.quantity, "external_line_id": number}
            for line, number in zip(order.lines, _numbers(order), strict=True)
        ],
    }
    if order.location:
        body["location_id"] = location_of(order.location, order.remote_id)
    return msgspec.json.encode(body)


def question(order: MaskedOrder, settings: Settings) -> bytes:
    """The body of an estimate: what, and where to by ZIP code and country alone."""
    return msgspec.json.encode(
        {
            "address": {"country": order.to.country, "zip_code": order.to.postal_code},
            "products": [{"reference_id": line.sku, "quantity": line.quantity} for line in order.lines],
            "shipping_methods": [_method(order, settings)],
        }
    )


def location_of(location: str, remote_id: str = "") -> int:
    """The number of a fulfillment center; InputError where it is none."""
    if not (location.isascii() and location.isdecimal() and 0 < int(location) < 1 << 31):
        raise InputError(
            "The location is not the number of a fulfillment center",
            where=f"dispatch {remote_id}",
            hint="GET /2026-01/location lists them",
        )
    return int(location)


def _method(order: MaskedOrder, settings: Settings) -> str:
    if order.service not in settings.methods:
        raise InputError("There is no shipping method for this service", where=f"dispatch {order.remote_id}")
    return settings.methods[order.service]


def _numbers(order: MaskedOrder) -> list[int]:
    try:
        return [number_of(line.line_id) for line in order.lines]
    except ValueError:
        hint = f"1 to {LONGEST} letters, digits and -"
        raise InputError(
            "A line id does not fit into ShipBob's numbers", where=f"dispatch {order.remote_id}", hint=hint
        ) from None


# -- back --------------------------------------------------------------------------------------------------------------


def meaning(view: OrderView) -> Meaning:
    """What a view of an order says.

    Raises:
        UnknownState: it has a state that the interface's description does not have.
        Damaged: its shipments cannot be told apart.
    """
    shipments = sorted(view.shipments or (), key=lambda shipment: shipment.id)
    if len({shipment.id for shipment in shipments}) != len(shipments):
        raise Damaged("one shipment is in the order twice")
    own = _known(ORDER, view.status, f"order {view.id}")
    stages = [_known(SHIPMENT, shipment.status, f"shipment {shipment.id}") for shipment in shipments]
    units = _allotted(view, [s for s, stage in zip(shipments, stages, strict=True) if stage != "dead"])
    left = [s for s, stage in zip(shipments, stages, strict=True) if stage == "left"]
    short = _short(view, left, units)
    word = _word(own, stages, short=bool(short))
    parcels = tuple(sorted(parcel(shipment, units.get(shipment.id, ())) for shipment in left))
    return Meaning(word, parcels, short if word == "COMPLETE_PARTIAL" else (), _detail(shipments, stages))


def parcel(shipment: Shipment, lines: tuple[tuple[str, int], ...] = ()) -> Parcel:
    """A shipment that left, as a parcel; without lines where they cannot be told."""
    tracking = shipment.tracking
    return Parcel(
        str(shipment.id),
        (tracking.carrier if tracking else "") or "",
        (tracking.tracking_number if tracking else "") or "",
        lines,
        "DELIVERED" if micros(shipment.delivery_date) else "SHIPPED",
        micros(shipment.actual_fulfillment_date),
    )


def _known(words: dict[str, str], word: str, subject: str) -> str:
    if word not in words:
        raise UnknownState(f"{subject} is in a state that the interface's description does not have")
    return words[word]


def _word(own: str, stages: list[str], *, short: bool) -> str:
    """The order's word, with its shipments as witnesses."""
    if not stages:
        return own
    left, packed, waiting = (stages.count(stage) for stage in ("left", "packed", "open"))
    if left and not packed and not waiting:
        if own in {"COMPLETE", "CANCELLED"} or "dead" in stages:
            return "COMPLETE_PARTIAL" if short else "COMPLETE"
        return "PICKING" if short else "COMPLETE"  # the rest is in no shipment yet
    if left or packed:
        return "PICKING"
    if waiting:
        return "PICKING" if own == "COMPLETE" else "PROCESSING"
    return "CANCELLED" if own == "CANCELLED" else "PROCESSING"  # all shipments are dead, but the order is not


def _allotted(view: OrderView, shipments: list[Shipment]) -> dict[int, tuple[tuple[str, int], ...]]:
    """By shipment, the units of our lines in it. Lines of one code are filled in the order of their numbers."""
    left: dict[str, list[list[int]]] = defaultdict(list)
    for product in sorted(view.products or (), key=lambda product: product.external_line_id or 0):
        if product.external_line_id and _code(product):
            left[_code(product)].append([product.external_line_id, product.quantity])
    found: dict[int, tuple[tuple[str, int], ...]] = {}
    for shipment in shipments:
        lines: dict[str, int] = defaultdict(int)
        for packed in shipment.products or ():
            lots = left.get(_code(packed), [])
            units = _units(packed, sum(lot[1] for lot in lots), alone=len(shipments) == 1)
            for lot in lots:
                taken = min(units, lot[1])
                lot[1] -= taken
                units -= taken
                if taken and (name := name_of(lot[0])):
                    lines[name] += taken
        found[shipment.id] = tuple(sorted(lines.items()))
    return found


def _units(packed: Packed, ordered: int, *, alone: bool) -> int:
    """Units of a product in a shipment. They are told by inventory item; a bundle of several items cannot be counted so."""
    by_item: dict[int, int] = defaultdict(int)
    for item in packed.inventory_items or ():
        by_item[item.id] += item.quantity
    if len(by_item) == 1:
        return next(iter(by_item.values()))
    return ordered if alone else 0


def _short(
    view: OrderView, left: list[Shipment], units: dict[int, tuple[tuple[str, int], ...]]
) -> tuple[tuple[str, int], ...]:
    """Units of our lines that are in none of the shipments that left."""
    missing: dict[str, int] = defaultdict(int)
    for product in view.products or ():
        if product.external_line_id and (name := name_of(product.external_line_id)):
            missing[name] += product.quantity
    for shipment in left:
        for name, count in units.get(shipment.id, ()):
            missing[name] -= count
    return tuple(sorted((name, count) for name, count in missing.items() if count > 0))


def _code(thing: Product | Packed) -> str:
    return thing.reference_id or thing.sku or ""


def _detail(shipments: list[Shipment], stages: list[str]) -> str:
    """Which shipments wait for somebody, and the numbers of the reasons."""
    told = []
    for shipment, stage in zip(shipments, stages, strict=True):
        if stage == "open" and shipment.status not in {"None", "Processing"}:
            reasons = ", ".join(str(detail.id) for detail in shipment.status_details or ())
            told.append(f"shipment {shipment.id} {shipment.status}" + (f" (reason {reasons})" if reasons else ""))
    return "; ".join(told)[:200]
