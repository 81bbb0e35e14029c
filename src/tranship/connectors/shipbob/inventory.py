"""Stock, and what is on its way into it.

Only units that can be picked now are sellable: ShipBob's own "sellable" counts those on their way too, so it is never read.
"""

from typing import NamedTuple

from tranship.connectors.port import Count, Counted, Finding, Response
from tranship.connectors.shipbob.answers import failed
from tranship.connectors.shipbob.lists import next_of
from tranship.connectors.shipbob.views import Damaged, Level, Levels, Receiving, decoded, iso, micros
from tranship.dispatch.model import Result

WAITED_FOR = (
    "Awaiting", "Arrived", "PartiallyArrived", "Processing", "PartiallyArrivedAtHub", "ArrivedAtHub", "ProcessingAtHub",
    "InternalTransfer", "Incomplete",
)  # fmt: skip
"""States of a receiving order in which units of it are still to come onto the shelves."""
_OVER = frozenset({"Completed", "Cancelled"})


class Inbound(NamedTuple):
    """Units of one SKU on their way to one location: not buyable before they are stowed, whatever has been received."""

    receiving_id: str
    sku: str
    location: str
    expected: int
    received: int
    stowed: int
    expected_at: int = 0  # UTC microseconds; 0: not said

    @property
    def waiting(self) -> int:
        """Units that are still to be stowed."""
        return max(0, self.expected - self.stowed)


class Received(NamedTuple):
    """A page of receiving orders."""

    rows: tuple[Inbound, ...]
    more: str = ""
    findings: tuple[Finding, ...] = ()
    failed: Result | None = None


def levels(response: Response) -> Counted:
    """A page of inventory levels by location."""
    lost = failed(response, "stock")
    if lost is not None:
        return Counted((), failed=lost)
    try:
        page = decoded(response.body, Levels)
        more = next_of(page.next)
    except Damaged as damage:
        return Counted((), failed=Result("violation", detail=f"stock: {damage}"[:200]))
    counts: list[Count] = []
    findings: list[Finding] = []
    for level in page.items or ():
        if not level.sku:
            findings.append(
                Finding("foreign_id", f"inventory {level.inventory_id}", "an inventory item without a code")
            )
            continue
        counts += _counts(level, findings)
    return Counted(tuple(counts), more, tuple(findings[:100]))


def _counts(level: Level, findings: list[Finding]) -> list[Count]:
    found = []
    for place in level.locations or ():
        if place.fulfillable_quantity < 0:  # promised twice: nothing is free there
            findings.append(
                Finding("violation", level.sku or "", f"less than none are free at location {place.location_id}")
            )
        free = max(0, place.fulfillable_quantity)
        rest = max(0, place.on_hand_quantity - place.committed_quantity - free)
        inbound = place.awaiting_quantity + place.internal_transfer_quantity
        found.append(Count(level.sku or "", str(place.location_id), free, place.committed_quantity, inbound, rest))
    return found


def receiving(response: Response, page_size: int) -> Received:
    """A page of receiving orders that are not finished."""
    lost = failed(response, "receiving")
    if lost is not None:
        return Received((), failed=lost)
    try:
        orders = decoded(response.body, list[Receiving])
    except Damaged as damage:
        return Received((), failed=Result("violation", detail=f"receiving: {damage}"[:200]))
    rows: list[Inbound] = []
    findings: list[Finding] = []
    for order in orders:
        if order.status in _OVER:
            continue
        if order.status not in WAITED_FOR:  # unknown: its units count as still to come, so nothing is sold too early
            findings.append(
                Finding("unknown_state", f"receiving order {order.id}", "a state that the interface does not have")
            )
        rows += _rows(order)
    more = ""
    moments = [micros(order.insert_date) for order in orders]
    if len(orders) >= page_size and all(moments) and iso(max(moments)) > iso(min(moments)):
        more = iso(max(moments) - 1_000_000)
    return Received(tuple(rows), more, tuple(findings[:100]))


def _rows(order: Receiving) -> list[Inbound]:
    location = str(order.fulfillment_center.id) if order.fulfillment_center else ""
    at = micros(order.expected_arrival_date)
    return [
        Inbound(str(order.id), due.sku, location, due.expected_quantity, due.received_quantity, due.stowed_quantity, at)
        for due in order.inventory_quantities or ()
        if due.sku
    ]
