"""What one arm came to, order by order, as arrays: small enough to be sent from the process that carried it out."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tranship.engine.state import CANCELLED, OrderState
from tranship.routing.model import Why

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

WAITS, GIVEN_UP, TAKEN_BACK = 0, 1, 2
"""Places behind the nodes: parked at the end, expired or cancelled by policy, taken back before it shipped."""
PLACES = ("waiting", "given up", "taken back")


@dataclass
class CapOutcome:
    """A cap's counters over the period. Shares are basis points of its measure, rounded up."""

    network: str
    measure: str
    window: int
    cap_bp: int
    high_bp: int = 0  # over all prefixes and windows, total and channels, once the share was inside the limit
    full_bp: int = 0  # over full windows of the total
    end_bp: int = 0
    late_start: int = 0  # decisions before the share was inside a limit that became tighter
    entered: int = 0  # size of the period's entries
    breaches: int = 0


@dataclass
class Outcome:
    """Orders of the period in the order they came; O orders, N nodes, L lines of all orders."""

    name: str
    note: str = ""
    nodes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()  # of each node
    cards: tuple[str, ...] = ()  # of each node: what its card says, so that arms can be held against each other
    ids: list[str] = field(default_factory=list)
    at: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [O]
    line_of: Ints = field(default_factory=lambda: np.zeros(1, np.int64))  # [O + 1] first line of each order
    ordered: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [L] units
    placed: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))  # [entries, 3]: line, place, units
    cost: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [O] micros
    parts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [O]
    late: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [O] units
    units: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [O] placed
    unit_days: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [O] days to the door, summed over units
    parts_by_node: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [N]
    cost_by_node: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # [N]
    reasons: Bytes = field(default_factory=lambda: np.zeros((0, 0), np.uint8))  # [O, N] of the first decision
    room: Ints = field(
        default_factory=lambda: np.zeros((0, 0), np.int64)
    )  # [O, N] micros a part: price of cap room there
    had: Bytes = field(default_factory=lambda: np.zeros((0, 0), np.uint8))  # [L, ceil(N / 8)] bit: all units there then
    caps: list[CapOutcome] = field(default_factory=list)
    commands: int = 0
    parked_before: int = 0  # parked parts of older orders at the start of the period
    price_books: int = 0  # of the run that were in force
    checked: str = ""  # baseline: what was held against the journal
    differs: str = ""  # baseline: the first command that this version decides otherwise

    def line_order(self) -> Ints:
        """Order of each line."""
        return np.repeat(np.arange(len(self.ids)), np.diff(self.line_of))


class Notes:
    """What an arm remembers of each order while it is carried out."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._at, self._reasons, self._had = array("q"), bytearray(), bytearray()
        self._room: list[tuple[int, ...]] = []
        self._zeros: dict[int, tuple[int, ...]] = {}
        self.taken_back: dict[tuple[str, int], int] = {}

    def ask(
        self, fulfillable: Ints, skus: Sequence[int], quantities: Sequence[int], bundles: Mapping[int, object]
    ) -> None:
        """Before an order is decided: where each of its lines lies in full."""
        enough = fulfillable[list(skus)] >= np.array(quantities, np.int64)[:, None]
        if bundles:
            enough |= np.array([sku in bundles for sku in skus])[:, None]
        self._had += np.packbits(enough, axis=1).tobytes()

    def ask_nothing(self, lines: int, nodes: int) -> None:
        """In place of `ask`, where nobody will want to know."""
        self._had += bytes(lines * ((nodes + 7) // 8))

    def decided(self, order_id: str, at: int, why: Why, capped: Mapping[str, frozenset[int]]) -> None:
        """An order's first decision."""
        self.ids.append(order_id)
        self._at.append(at)
        self._reasons += bytes(why.nodes)
        nodes = len(why.nodes)
        room = self._zeros.setdefault(nodes, (0,) * nodes)
        priced = [gate for gate in why.gates if gate.price]
        if priced:
            room = tuple(sum(g.price for g in priced if n in capped.get(g.network, ())) for n in range(nodes))
        self._room.append(room)

    def took_back(self, order_id: str, lines: Sequence[int], quantities: Sequence[int]) -> None:
        """Units that a customer took back before they shipped."""
        for line, quantity in zip(lines, quantities, strict=True):
            self.taken_back[order_id, line] = self.taken_back.get((order_id, line), 0) + quantity

    def into(self, out: Outcome, orders: Mapping[str, OrderState]) -> None:
        """Everything as it stands at the end."""
        nodes, count = len(out.nodes), len(self.ids)
        out.ids, out.at = self.ids, np.array(self._at, np.int64)
        out.reasons = _padded(np.frombuffer(bytes(self._reasons), np.uint8), count, nodes)
        out.room = np.zeros((count, nodes), np.int64)
        for i, row in enumerate(self._room):
            if any(row):
                out.room[i, : len(row)] = row
        helds = [orders[order_id] for order_id in self.ids]
        out.line_of = np.cumsum([0, *(len(held.order.lines) for held in helds)])
        out.ordered = np.array([line.qty for held in helds for line in held.order.lines], np.int64)
        out.had = _padded(np.frombuffer(bytes(self._had), np.uint8), len(out.ordered), (nodes + 7) // 8)
        sums = np.zeros((5, count), np.int64)
        out.parts_by_node, out.cost_by_node = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
        entries = array("q")
        for i, held in enumerate(helds):
            self._order(out, i, held, sums, entries)
        out.cost, out.parts, out.late, out.units, out.unit_days = sums
        out.placed = np.array(entries, np.int64).reshape(-1, 3)

    def _order(self, out: Outcome, i: int, held: OrderState, sums: Ints, entries: "array[int]") -> None:
        first, nodes = int(out.line_of[i]), len(out.nodes)
        left = [line.qty for line in held.order.lines]
        day = int(out.at[i]) // 86_400_000_000
        cost = parts = late = placed = days = 0
        for part in held.parts.values():
            if part.status == CANCELLED:
                continue
            units = part.units()
            cost, parts, placed = cost + part.cost, parts + 1, placed + units
            late += units if part.late else 0
            days += units * (part.deliver_day - day)
            out.parts_by_node[part.node] += 1
            out.cost_by_node[part.node] += part.cost
            for line, quantity in zip(part.lines, part.quantities, strict=True):
                if quantity:
                    left[line] -= quantity
                    entries.extend((first + line, part.node, quantity))
        sums[:, i] = (cost, parts, late, placed, days)
        for rest in held.rests.values():
            for line, quantity in zip(rest.lines, rest.quantities, strict=True):
                if quantity:
                    left[line] -= quantity
                    entries.extend((first + line, nodes + WAITS, quantity))
        if any(left):
            for line, quantity in enumerate(left):
                back = min(quantity, self.taken_back.get((self.ids[i], line), 0)) if quantity else 0
                if back:
                    entries.extend((first + line, nodes + TAKEN_BACK, back))
                if quantity > back:
                    entries.extend((first + line, nodes + GIVEN_UP, quantity - back))


def _padded(flat: Bytes, rows: int, columns: int) -> Bytes:
    """One row each; zeros (nothing known) where the run gained nodes on its way, so that rows are not alike."""
    return flat.reshape(rows, columns) if flat.size == rows * columns else np.zeros((rows, columns), np.uint8)
