"""Orders of the stand-in 3PL and their shipments. Only this module ships, so it is the ground truth."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tranship.sandbox.common.chance import name
from tranship.sandbox.common.clock import FOREVER, SECOND, Agenda
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.wire import Refusal
from tranship.sandbox.shipbob.settings import Settings
from tranship.sandbox.shipbob.stock import Item, Stock

PROCESSING, EXCEPTION, COMPLETED, CANCELLED = "Processing", "Exception", "Completed", "Cancelled"
PARTLY, FULFILLED = "PartiallyFulfilled", "Fulfilled"
PICKED = (202, "Picked", "All items have been picked")
OUT_OF_STOCK = (302, "MissingInventory", "There is not enough inventory for this shipment")
"""Numbers, names and descriptions of status details; the vendor's description has no list of them."""


@dataclass(slots=True)
class Line:
    """One product of an order."""

    reference: str
    name: str
    units: int
    number: int | None  # external_line_id
    product: int


@dataclass(slots=True)
class Shipment:
    """One parcel, or what will be one. `plan` tells appointments that were overtaken."""

    id: int
    place: int
    lines: list[Line]
    created_at: int
    updated_at: int
    status: str = PROCESSING
    picked: bool = False
    detail: tuple[int, str, str] | None = None
    left_at: int = 0
    delivered_at: int = 0
    tracking: str = ""
    plan: int = 0
    logs: list[tuple[int, int, str]] = field(default_factory=list)  # time, type, name


@dataclass(slots=True)
class Order:
    """One order. `document` is what was sent, and is echoed."""

    id: int
    reference: str
    document: Mapping[str, Any]
    lines: list[Line]
    created_at: int
    updated_at: int
    shipments: list[Shipment] = field(default_factory=list)
    history: list[tuple[int, "Order"]] = field(default_factory=list, repr=False)

    @property
    def status(self) -> str:
        """The order's own word, from its shipments."""
        alive = [shipment for shipment in self.shipments if shipment.status != CANCELLED]
        if not alive:
            return CANCELLED
        left = [shipment for shipment in alive if shipment.status == COMPLETED]
        if len(left) == len(alive):
            return FULFILLED if len(alive) == len(self.shipments) else PARTLY
        return PARTLY if left else EXCEPTION if any(s.status == EXCEPTION for s in alive) else PROCESSING

    @property
    def finished(self) -> bool:
        """Whether nothing of it can happen any more."""
        return all(shipment.status in {COMPLETED, CANCELLED} for shipment in self.shipments)


class Orders:
    """All orders, their appointments, and what really left. `listen` is told of topics of shipments."""

    def __init__(self, settings: Settings, agenda: Agenda, stock: Stock, faults: Faults) -> None:
        self.settings, self.agenda, self.stock, self.faults = settings, agenda, stock, faults
        self.orders: dict[int, Order] = {}
        self.shipments: dict[int, tuple[Order, Shipment]] = {}
        self.by_reference: dict[str, list[int]] = {}
        self.left: list[tuple[int, str, dict[str, int]]] = []  # ground truth: time, reference, units by line
        self.listen: list[Callable[[str, Order, Shipment, int], None]] = []
        self._waiting: dict[int, None] = {}
        stock.listen.append(self._restocked)

    # -- what callers do -----------------------------------------------------------------------------------------------

    def create(self, document: Mapping[str, Any], now: int) -> Order:
        """Take an order; Refusal where its reference is taken or it makes no sense."""
        reference = document["reference_id"]
        for number in self.by_reference.get(reference, []):
            if not (self.settings.free_ids and self.orders[number].status == CANCELLED):
                raise Refusal(422, "reference_id", "Order with this reference id already exists.")
        lines = [self._line(row, now) for row in document["products"]]
        if not reference or not lines:
            raise Refusal(400, "products" if reference else "reference_id", "The field is required.")
        place = document.get("location_id") or 0
        if place and place not in self.settings.places:
            raise Refusal(422, "location_id", "The location is not one of yours.")
        order = Order(300_000_001 + len(self.orders), reference, document, lines, now, now)
        self.orders[order.id] = order
        self.by_reference.setdefault(reference, []).append(order.id)
        for part in [[line] for line in lines] if self.settings.split else [lines]:
            self._shipment(order, part, place, now)
        self._changed(order, now)
        return order

    def cancel(self, order: Order, now: int) -> list[tuple[Shipment, bool]]:
        """Cancel what nobody has picked; each shipment with whether it is cancelled now."""
        done = []
        for shipment in order.shipments:
            if shipment.status in {PROCESSING, EXCEPTION} and not shipment.picked:
                self._close(order, shipment, now)
            done.append((shipment, shipment.status == CANCELLED))
        return done

    def ship(self, order: Order, shipment: Shipment, now: int) -> bool:
        """Let a shipment leave at once, as the vendor's simulation does; False where it cannot."""
        if shipment.status != PROCESSING:
            return False
        self._gone(order, shipment, now)
        return True

    def deliver(self, order: Order, shipment: Shipment, now: int) -> bool:
        """Let a shipment arrive, as the vendor's simulation does; False where it cannot."""
        if shipment.status != COMPLETED or shipment.delivered_at:
            return False
        shipment.delivered_at = now
        self._log(order, shipment, (606, "Delivered"), now)
        self._tell("order.shipment.delivered", order, shipment, now)
        return True

    # -- what is read --------------------------------------------------------------------------------------------------

    def seen(self, order: Order, when: int) -> Order | None:
        """An order as it was at a time; None before it was there."""
        if when >= order.updated_at:
            return order
        place = bisect_right(order.history, when, key=lambda entry: entry[0])
        return order.history[place - 1][1] if place else None

    def truth(self) -> dict[str, object]:
        """Every reference that was ever taken: units wanted and shipped, how often it left, its state."""
        found: dict[str, dict[str, Any]] = {}
        for reference, numbers in self.by_reference.items():
            lives = [self.orders[number] for number in numbers]
            found[reference] = {
                "state": lives[-1].status, "held": False, "ordered": sum(line.units for line in lives[-1].lines),
                "wanted": {str(line.number or line.reference): line.units for line in lives[-1].lines},
                "units": 0, "times": 0, "lines": {}, "lives": len(lives),
            }  # fmt: skip
        for _, reference, units in self.left:
            entry = found[reference]
            for line, count in units.items():
                entry["lines"][line] = entry["lines"].get(line, 0) + count
            entry["units"] = sum(entry["lines"].values())
            entry["times"] += 1
        double = [reference for reference, entry in found.items() if entry["units"] > entry["ordered"]]
        shipped = sum(sum(units.values()) for _, _, units in self.left)
        return {"orders": found, "pending": [], "units_shipped": shipped, "double_shipped": double}

    # -- a shipment's life ---------------------------------------------------------------------------------------------

    def _line(self, row: Mapping[str, Any], now: int) -> Line:
        by_product = {item.id - 1_000_000: item.sku for item in self.stock.items.values()}
        sku = row.get("reference_id") or by_product.get(row.get("id", 0), "")
        if not sku:
            raise Refusal(422, "products[0].id", "The product was not found.")
        if row["quantity"] < 1:
            raise Refusal(400, "products[0].quantity", "The quantity is at least 1.")
        item = self.stock.item(sku, now)
        return Line(sku, row.get("name") or sku, row["quantity"], row.get("external_line_id"), item.id - 1_000_000)

    def _shipment(self, order: Order, lines: list[Line], place: int, now: int) -> None:
        need: dict[str, int] = {}
        for line in lines:
            need[line.reference] = need.get(line.reference, 0) + line.units
        where = place or next((at for at in self.settings.places if self._fits(need, at, now)), self.settings.places[0])
        shipment = Shipment(400_000_001 + len(self.shipments), where, lines, now, now)
        self.shipments[shipment.id] = (order, shipment)
        order.shipments.append(shipment)
        self._log(order, shipment, (601, "OrderPlaced"), now)
        self._begin(order, shipment, now)

    def _fits(self, need: Mapping[str, int], place: int, now: int) -> bool:
        items = {sku: self.stock.item(sku, now).places.get(place) for sku in need}
        return all(found is not None and found.fulfillable >= need[sku] for sku, found in items.items())

    def _begin(self, order: Order, shipment: Shipment, now: int) -> None:
        """Commit stock and start, or wait for stock."""
        need: dict[str, int] = {}
        for line in shipment.lines:
            need[line.reference] = need.get(line.reference, 0) + line.units
        if self._fits(need, shipment.place, now):
            self._waiting.pop(shipment.id, None)
            shipment.status, shipment.detail = PROCESSING, None
            for sku, units in need.items():
                self.stock.commit(sku, shipment.place, units, now)
            self._log(order, shipment, (602, "InventoryAllocated"), now)
            self._appoint(order, shipment, now + self.settings.us("processing_s"), self._pick)
        elif shipment.id not in self._waiting:
            self._waiting[shipment.id] = None
            shipment.status, shipment.detail = EXCEPTION, OUT_OF_STOCK
            self._log(order, shipment, (610, "OutOfStock"), now)
            self._tell("order.shipment.exception", order, shipment, now)

    def _restocked(self, item: Item, place: int, now: int) -> None:
        for number in list(self._waiting):
            order, shipment = self.shipments[number]
            if (
                number in self._waiting
                and shipment.place == place
                and any(line.reference == item.sku for line in shipment.lines)
            ):
                self._begin(order, shipment, now)

    def _appoint(
        self, order: Order, shipment: Shipment, due: int, action: Callable[[Order, Shipment, int], None]
    ) -> None:
        """Do the next thing with a shipment, unless something else happens to it before."""
        shipment.plan += 1
        plan = shipment.plan

        def keep(at: int) -> None:
            if shipment.plan == plan:
                action(order, shipment, at)

        self.agenda.at(due, keep)

    def _pick(self, order: Order, shipment: Shipment, now: int) -> None:
        """Pick it, unless the order is frozen; then when that ends."""
        fault = self.faults.standing("frozen", now, order.reference)
        if fault is not None:
            shipment.plan += 1
            plan = shipment.plan

            def go_on(due: int) -> None:
                if shipment.plan == plan:
                    self._pick(order, shipment, due)

            self.faults.waiting.append(go_on)
            if fault.ends < FOREVER:
                self.agenda.at(fault.ends, go_on)
            return
        shipment.picked, shipment.detail = True, PICKED
        self._log(order, shipment, (603, "Picked"), now)
        self._appoint(order, shipment, now + self.settings.us("shipping_s"), self._gone)

    def _gone(self, order: Order, shipment: Shipment, now: int) -> None:
        """It leaves: the only place where anything does."""
        shipment.plan += 1
        shipment.picked, shipment.detail, shipment.status = True, None, COMPLETED
        shipment.left_at = now
        shipment.tracking = f"9261{name(self.settings.seed, 'tracking', shipment.id, letters=18)}"
        units: dict[str, int] = {}
        for line in shipment.lines:
            key = str(line.number or line.reference)
            units[key] = units.get(key, 0) + line.units
            self.stock.leave(line.reference, shipment.place, line.units, now)
        self.left.append((now, order.reference, units))
        self._log(order, shipment, (604, "LabelGenerated"), now)
        self._log(order, shipment, (605, "OrderShipped"), now)
        self._tell("order.shipped", order, shipment, now)
        self.agenda.at(now + self.settings.us("delivery_s"), lambda due: self._arrive(order, shipment, due))

    def _arrive(self, order: Order, shipment: Shipment, now: int) -> None:
        self.deliver(order, shipment, now)

    def _close(self, order: Order, shipment: Shipment, now: int) -> None:
        if shipment.status == PROCESSING:
            for line in shipment.lines:
                self.stock.free(line.reference, shipment.place, line.units, now)
        self._waiting.pop(shipment.id, None)
        shipment.plan += 1
        shipment.status, shipment.detail = CANCELLED, None
        self._log(order, shipment, (607, "OrderCancelled"), now)
        self._tell("order.shipment.cancelled", order, shipment, now)

    def _log(self, order: Order, shipment: Shipment, entry: tuple[int, str], now: int) -> None:
        shipment.logs.append((now, *entry))
        shipment.updated_at = now
        self._changed(order, now)

    def _tell(self, topic: str, order: Order, shipment: Shipment, now: int) -> None:
        for listener in self.listen:
            listener(topic, order, shipment, now)

    @staticmethod
    def _changed(order: Order, now: int) -> None:
        order.updated_at = now
        copies = [replace(shipment, logs=list(shipment.logs)) for shipment in order.shipments]
        order.history.append((now, replace(order, shipments=copies, history=[])))


MINUTE = 60 * SECOND
