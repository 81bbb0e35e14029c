"""Orders of the stand-in Amazon: one life for both versions of the interface. Only this module ships, so it is the ground truth."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.amazon.stock import Item, Stock
from tranship.sandbox.common.chance import draw, name
from tranship.sandbox.common.clock import DAY, FOREVER, Agenda
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.wire import Refusal

RECEIVED, PLANNING, PROCESSING = "RECEIVED", "PLANNING", "PROCESSING"
COMPLETE, PARTIAL = "COMPLETE", "COMPLETE_PARTIAL"
CANCELLED, UNFULFILLABLE, INVALID = "CANCELLED", "UNFULFILLABLE", "INVALID"
STATES = (RECEIVED, PLANNING, PROCESSING, COMPLETE, PARTIAL, CANCELLED, UNFULFILLABLE, INVALID)
CLOSED = frozenset({COMPLETE, PARTIAL, CANCELLED, UNFULFILLABLE, INVALID})
ID_LENGTH_MAX = 40
LINES_MAX, UNITS_MAX = 100, 250
"""Of one order; what a seller may ask of Multi-Channel Fulfillment at once."""


@dataclass(slots=True)
class Line:
    """One line: its id at the seller, SKU, units wanted, and what became of them."""

    id: str
    sku: str
    units: int
    declared: tuple[str, str] | None = None  # currency and amount of one unit
    extra: Mapping[str, object] = field(default_factory=dict)  # what is echoed and not understood
    reserved: int = 0
    cancelled: int = 0
    unfulfillable: int = 0
    shipped: int = 0


@dataclass(slots=True)
class Package:
    """One parcel."""

    number: int
    id: str
    carrier: str
    tracking: str
    status: str
    left_at: int
    arrives_at: int
    events: list[tuple[int, str, str]]  # time, event code, sentence
    note: Mapping[str, object] | None = None  # tracking as a sandbox call set it


@dataclass(slots=True)
class Shipment:
    """What one building sends: units by line, in one package."""

    id: str
    facility: str
    status: str  # PROCESSING | SHIPPED | CANCELLED
    leaves_at: int
    arrives_at: int
    units: dict[str, int]
    packages: list[Package]


@dataclass(slots=True)
class Back:
    """One return item."""

    id: str
    line: str
    shipment: str
    reason: str
    comment: str
    status: str  # New | Processed
    changed_at: int
    authorization: str


@dataclass(slots=True)
class Order:
    """One order. `seq` is its last place in the log of changes; `plan` tells appointments that were overtaken."""

    id: str
    version: str  # of the interface it came by
    document: Mapping[str, object]  # what is echoed, in neutral words
    hold: bool
    policy: str  # FILL_OR_KILL | FILL_ALL | FILL_ALL_AVAILABLE
    tier: str
    lines: list[Line]
    received_at: int
    updated_at: int
    state: str = RECEIVED
    shipments: list[Shipment] = field(default_factory=list)
    returns: list[Back] = field(default_factory=list)
    seq: int = 0
    plan: int = 0
    life: int = 1  # how often this id was used
    history: list[tuple[int, int, "Order"]] = field(default_factory=list, repr=False)

    def line(self, line_id: str) -> Line | None:
        """A line by its id."""
        return next((line for line in self.lines if line.id == line_id), None)


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that somebody wants, in neutral words."""

    id: str
    version: str
    document: Mapping[str, object]
    hold: bool
    policy: str
    tier: str
    lines: tuple[Line, ...]


class Orders:
    """All orders, their appointments, and what really left."""

    def __init__(self, settings: Settings, agenda: Agenda, stock: Stock, faults: Faults) -> None:
        self.settings, self.agenda, self.stock, self.faults = settings, agenda, stock, faults
        self.orders: dict[str, Order] = {}
        self.pending: dict[str, Draft] = {}  # accepted with 202, not carried out yet
        self.past: dict[str, list[Order]] = {}  # earlier lives of ids that were used again
        self.packages: dict[int, tuple[Order, Package]] = {}
        self.log: list[tuple[int, str]] = []  # every change: time and id; the place in it is the order's seq
        self.left: list[tuple[int, str, dict[str, int]]] = []  # ground truth: time, order, units by line
        self.listen: list[Callable[[Order, str, int], None]] = []
        self._backorders: dict[str, None] = {}
        self._package_number = 0
        stock.listen.append(self._restocked)

    # -- what callers do -----------------------------------------------------------------------------------------------

    def create(self, draft: Draft, now: int) -> Order:
        """Take an order. Refused: an id that was used, a SKU that nobody knows, more than fits."""
        self.check(draft, now)
        return self._take(draft, now)

    def accept(self, draft: Draft, now: int) -> None:
        """Take an order later: until then the id is used, and nothing can be read of it."""
        self.check(draft, now)
        self.pending[draft.id] = draft

        def carry_out(due: int) -> None:
            self.pending.pop(draft.id, None)
            self._take(draft, due)

        self.agenda.at(now + self.settings.us("async_s"), carry_out)

    def asynchronous(self, order_id: str) -> bool:
        """Whether this creation is answered with 202."""
        mode = self.settings.create
        return mode == "202" or (mode == "mixed" and draw(self.settings.seed, "create", order_id) < 0.5)

    def check(self, draft: Draft, now: int) -> None:
        """Refuse what cannot be taken."""
        old = self.orders.get(draft.id)
        free = self.settings.free_ids and old is not None and old.state == CANCELLED
        if draft.id in self.pending or (old is not None and not free):
            raise invalid(f"An order with the identifier {draft.id} already exists.")
        if not 0 < len(draft.id) <= ID_LENGTH_MAX:
            raise invalid(f"The order identifier has 1 to {ID_LENGTH_MAX} characters.")
        if not 0 < len(draft.lines) <= LINES_MAX:
            raise invalid(f"An order has 1 to {LINES_MAX} items.")
        if len({line.id for line in draft.lines}) < len(draft.lines):
            raise invalid("Item identifiers are unique in an order.")
        for line in draft.lines:
            if not 0 < line.units <= UNITS_MAX:
                raise invalid(f"The quantity for Item Id: {line.id} is invalid.")
            if self.stock.find(line.sku, now) is None:
                raise invalid(f"the SellerSKU for Item Id: {line.id} is invalid.")
        if sum(line.units for line in draft.lines) > UNITS_MAX:
            raise invalid(f"An order has at most {UNITS_MAX} units.")

    def release(self, order: Order, now: int) -> None:
        """Let a held order go; nothing where it no longer waits."""
        if order.state == RECEIVED and order.hold:
            order.hold = False
            self._changed(order, "Order", now)
            self._appoint(order, now + self.settings.us("planning_s"), self._planned)

    def cancel(self, order: Order, now: int) -> bool:
        """Cancel an order that nobody has begun to pick; False where it is too late."""
        if order.state not in {RECEIVED, PLANNING}:
            return False
        self._close(order, CANCELLED, now)
        return True

    def cancel_at(self, order: Order, due: int) -> None:
        """Cancel later, if it is not too late then; nobody is told."""

        def carry_out(at: int) -> None:
            self.cancel(order, at)

        self.agenda.at(due, carry_out)

    def force(self, order: Order, state: str, now: int) -> None:
        """Bring an order into a state, as the vendor's sandbox operations do; Refusal where no way leads there."""
        if order.state == state:
            return
        if order.state in CLOSED or STATES.index(state) < STATES.index(order.state):
            raise invalid(f"The order is {order.state}: it cannot become {state}.")
        order.plan += 1
        order.hold = False
        if state == PLANNING:
            self._planned(order, now)
        elif state == PROCESSING:
            self._fill(order, now)
            self._picking(order, now)
        elif state in {COMPLETE, PARTIAL}:
            self._fill(order, now)
            if order.state != PROCESSING:
                self._picking(order, now)
            self._gone(order, now, forced=True)
        elif order.state == PROCESSING and state == CANCELLED:
            raise invalid("The order is in process and can no longer be cancelled.")
        else:
            self._close(order, state, now)

    def add_return(self, order: Order, back: Back, now: int) -> None:
        """Units are to come back; they are processed after five days of the sandbox's clock."""
        order.returns.append(back)
        self._changed(order, "", now)

        def arrived(due: int) -> None:
            back.status, back.changed_at = "Processed", due
            line = order.line(back.line)
            item = self.stock.items.get(line.sku) if line else None
            if item:
                item.fulfillable += 1
                self.stock.changed(item, due)
            self._changed(order, "Return", due)

        self.agenda.at(now + 5 * DAY, arrived)

    def track(
        self, order: Order, package: Package, status: str, arrives_at: int | None, note: object, now: int
    ) -> None:
        """What the vendor's sandbox operation says of a package."""
        package.status = status
        package.arrives_at = package.arrives_at if arrives_at is None else arrives_at
        if isinstance(note, dict):
            package.note = note
        package.events.append((now, "EVENT_301" if status == "DELIVERED" else "EVENT_401", f"Package is {status}"))
        self._changed(order, "Shipment", now)

    # -- what is read --------------------------------------------------------------------------------------------------

    def read(self, order_id: str, seen_at: int, now: int) -> Order | None:
        """An order as it was at a time."""
        order = self.orders.get(order_id)
        if order is None or seen_at >= now:
            return order
        return self._version(order, seen_at)

    def changes(self, since: int, place: int, seen_at: int) -> Iterator[tuple[int, Order]]:
        """Orders that changed after a time, oldest change first, each once at its newest place; with that place."""
        place = max(place, bisect_right(self.log, since, key=lambda entry: entry[0]))
        while place < len(self.log) and self.log[place][0] <= seen_at:
            order = self.orders.get(self.log[place][1])
            version = self._version(order, seen_at) if order else None
            if version is not None and version.seq == place:
                yield place, version
            place += 1

    def truth(self) -> dict[str, object]:
        """Every id that was ever taken: units wanted and shipped, how often it left, its state."""
        found: dict[str, dict[str, object]] = {}
        for order in [*(old for lives in self.past.values() for old in lives), *self.orders.values()]:
            found[order.id] = {
                "state": order.state, "held": order.hold, "ordered": sum(line.units for line in order.lines),
                "wanted": {line.id: line.units for line in order.lines},
                "units": 0, "times": 0, "lines": {}, "lives": order.life,
            }  # fmt: skip
        for _, order_id, units in self.left:
            entry = found[order_id]
            lines = entry["lines"]
            assert isinstance(lines, dict)
            for line, count in units.items():
                lines[line] = lines.get(line, 0) + count
            entry["units"] = sum(lines.values())
            entry["times"] = int(str(entry["times"])) + 1
        double = [
            order_id for order_id, entry in found.items() if int(str(entry["units"])) > int(str(entry["ordered"]))
        ]
        return {
            "orders": found,
            "pending": sorted(self.pending),
            "units_shipped": sum(sum(units.values()) for _, _, units in self.left),
            "double_shipped": double,
        }

    # -- an order's life -----------------------------------------------------------------------------------------------

    def _take(self, draft: Draft, now: int) -> Order:
        old = self.orders.get(draft.id)
        if old is not None:
            self.past.setdefault(draft.id, []).append(old)
        order = Order(
            draft.id, draft.version, draft.document, draft.hold, draft.policy, draft.tier,
            [replace(line) for line in draft.lines], now, now, life=old.life + 1 if old else 1,
        )  # fmt: skip
        self.orders[draft.id] = order
        self._fill(order, now)
        self._changed(order, "Order", now)
        if order.hold:
            self._appoint(
                order, now + self.settings.hold_days * DAY, lambda held, due: self._close(held, CANCELLED, due)
            )
        else:
            self._appoint(order, now + self.settings.us("planning_s"), self._planned)
        return order

    def _appoint(self, order: Order, due: int, action: Callable[[Order, int], None]) -> None:
        """Do the next thing with an order, unless something else happens to it before."""
        order.plan += 1
        plan = order.plan

        def keep(at: int) -> None:
            if order.plan == plan:
                action(order, at)

        self.agenda.at(due, keep)

    def _planned(self, order: Order, now: int) -> None:
        self._fill(order, now)
        short = any(line.reserved < line.units for line in order.lines)
        none = not any(line.reserved for line in order.lines)
        if short and (order.policy == "FILL_OR_KILL" or (none and order.policy != "FILL_ALL")):
            self._close(order, UNFULFILLABLE, now)
            return
        order.state = PLANNING
        if short and order.policy == "FILL_ALL":
            self._backorders[order.id] = None
        elif short:
            for line in order.lines:
                line.unfulfillable = line.units - line.reserved
        self._changed(order, "Order", now)
        if order.id not in self._backorders:
            self._appoint(order, now + self.settings.us("processing_s"), self._begin)

    def _begin(self, order: Order, now: int) -> None:
        """Begin to pick, unless the order is frozen in planning; then when that ends."""
        fault = self.faults.standing("frozen", now, order.id)
        if fault is None:
            self._picking(order, now)
            return
        order.plan += 1
        plan = order.plan

        def go_on(due: int) -> None:
            if order.plan == plan:
                self._begin(order, due)

        self.faults.waiting.append(go_on)
        if fault.ends < FOREVER:
            self.agenda.at(fault.ends, go_on)

    def _picking(self, order: Order, now: int) -> None:
        self._backorders.pop(order.id, None)
        order.state = PROCESSING
        units = [(line.id, line.reserved) for line in order.lines if line.reserved]
        parts = [units[::2], units[1::2]] if self.settings.split else [units]
        for number, part in enumerate(filter(None, parts), 1):
            leaves = now + number * self.settings.us("shipping_s")
            code = name(self.settings.seed, "shipment", order.id, order.life, number)
            arrives = leaves + self.settings.us("delivery_s")
            order.shipments.append(Shipment(f"D{code}", f"SBX{number}", PROCESSING, leaves, arrives, dict(part), []))
        self._changed(order, "Order", now)
        self._appoint(order, now + self.settings.us("shipping_s"), self._gone)

    def _gone(self, order: Order, now: int, *, forced: bool = False) -> None:
        """What is due leaves: the only place where anything does."""
        waiting = [shipment for shipment in order.shipments if shipment.status == PROCESSING]
        for shipment in waiting:
            if shipment.leaves_at <= now or forced:
                shipment.status, shipment.leaves_at = "SHIPPED", now
                shipment.arrives_at = now + self.settings.us("delivery_s")
                self.left.append((now, order.id, dict(shipment.units)))
                for line_id, units in shipment.units.items():
                    line = order.line(line_id)
                    assert line is not None
                    line.reserved -= units
                    line.shipped += units
                    self.stock.leave(line.sku, units, now)
                shipment.packages.append(self._package(order, shipment, now))
        later = [shipment.leaves_at for shipment in waiting if shipment.status == PROCESSING]
        if later:
            self._changed(order, "Shipment", now)
            self._appoint(order, min(later), self._gone)
            return
        for line in order.lines:
            line.unfulfillable = line.units - line.shipped - line.cancelled
        shipped = sum(line.shipped for line in order.lines)
        whole = shipped == sum(line.units for line in order.lines)
        order.state = COMPLETE if whole else PARTIAL if shipped else UNFULFILLABLE
        order.plan += 1
        if order.shipments:
            self._changed(order, "Shipment", now)
        self._changed(order, "Order", now)

    def _package(self, order: Order, shipment: Shipment, now: int) -> Package:
        self._package_number += 1
        number = 10_000_000 + self._package_number
        code = name(self.settings.seed, "package", number, letters=10)
        package = Package(
            number, f"PKG-{code}", "UPS", f"1Z{code}", "IN_TRANSIT", now, shipment.arrives_at,
            [(now, "EVENT_201", "Departed from the fulfillment center")],
        )  # fmt: skip
        self.packages[number] = (order, package)

        def delivered(due: int) -> None:
            if package.status not in {"DELIVERED", "UNDELIVERABLE", "EXPIRED"}:
                self.track(order, package, "DELIVERED", due, None, due)

        self.agenda.at(shipment.arrives_at, delivered)
        return package

    def _close(self, order: Order, state: str, now: int) -> None:
        self._backorders.pop(order.id, None)
        for line in order.lines:
            self.stock.free(line.sku, line.reserved, now)
            line.reserved = 0
            line.cancelled = line.units if state == CANCELLED else 0
            line.unfulfillable = 0 if state == CANCELLED else line.units
        order.state = state
        order.plan += 1
        self._changed(order, "Order", now)

    def _fill(self, order: Order, now: int) -> None:
        for line in order.lines:
            line.reserved += self.stock.reserve(line.sku, line.units - line.reserved - line.unfulfillable, now)

    def _restocked(self, item: Item, now: int) -> None:
        """Orders that wait for stock look again when there is some."""
        if not self._backorders or item.fulfillable <= 0:
            return
        for order_id in list(self._backorders):
            order = self.orders[order_id]
            if item.fulfillable <= 0 or order_id not in self._backorders:
                continue
            if all(line.sku != item.sku or line.reserved >= line.units for line in order.lines):
                continue
            self._fill(order, now)
            if all(line.reserved >= line.units for line in order.lines):
                self._backorders.pop(order_id, None)
                self._appoint(order, now + self.settings.us("processing_s"), self._begin)

    def _changed(self, order: Order, what: str, now: int) -> None:
        order.updated_at = now = max(now, self.log[-1][0] if self.log else now)
        order.seq = len(self.log)
        self.log.append((now, order.id))
        order.history.append((now, order.seq, _copy(order)))
        for listener in self.listen:
            listener(order, what, now)

    @staticmethod
    def _version(order: Order, when: int) -> Order | None:
        if when >= order.updated_at:
            return order
        place = bisect_right(order.history, when, key=lambda entry: entry[0])
        return order.history[place - 1][2] if place else None


def _copy(order: Order) -> Order:
    """The order as it is now, for readers who see it later."""
    return replace(
        order,
        lines=[replace(line) for line in order.lines],
        shipments=[
            replace(
                shipment,
                units=dict(shipment.units),
                packages=[replace(package, events=list(package.events)) for package in shipment.packages],
            )
            for shipment in order.shipments
        ],
        returns=[replace(back) for back in order.returns],
        history=[],
    )


def invalid(message: str) -> Refusal:
    """The refusal of a request that Amazon understood and will not carry out."""
    return Refusal(400, "InvalidInput", message)
