"""Events of orders that the stream kernel decided, and their effect on the state: what `evolve` does, for a whole run at once.

Everything is made column by column: a tenth of the time that one order after another takes goes into the interpreter.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple, TypeVar

import numpy as np

from tranship.core.ledger import Bucket
from tranship.core.order import Order
from tranship.engine import events as ev
from tranship.engine.state import PROCESSING, OrderState, PartState, State
from tranship.routing import kernel_layout as kernel
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.model import Alternative, Decision, Gate, Ints, Part, Why
from tranship.routing.stream import Asked, Counters, StreamTables

MICROS_PER_DAY = 86_400_000_000
POSITIONS = tuple(tuple(range(count)) for count in range(SUBSET_LINES + 1))
Spot = tuple[int, int, int, int]
"""Where orders that look alike go: lane, twice its row of zones (and 1 for a residence), number of the channel, promise day."""
T = TypeVar("T")


class Run(NamedTuple):
    """Orders that were decided, one entry each; `rows` is what the kernel wrote of them, `prices` the version of the book or 0."""

    orders: list[Order]
    ids: list[str]
    ats: list[int]
    promises: list[int]
    skus: list[list[int]]
    quantities: list[list[int]]
    asked: Asked
    begin: int
    rows: Ints
    prices: int


def apply_run(state: State, tables: StreamTables, counters: Counters, run: Run) -> list[list[ev.Event]]:
    """The two events of each order of a run, applied to the state."""
    rows, count = run.rows, len(run.ids)
    lanes = run.asked.orders[run.begin : run.begin + count, kernel.LANE]
    node = rows[:, kernel.NODE]
    nodes, costs = node.tolist(), rows[:, kernel.COST].tolist()
    ships, delivers = np.array(tables.earliest)[node].tolist(), tables.deliver[lanes, node].tolist()
    lates, sure = tables.late[lanes, node].tolist(), tables.on_time[lanes, node].tolist()
    positions = list(map(POSITIONS.__getitem__, map(len, run.skus)))
    parts = map(
        Part, repeat(1), nodes, positions, map(tuple, run.quantities), ships, delivers, lates, costs, ships, repeat(False), sure
    )  # fmt: skip
    stockless = rows[:, kernel.STOCKLESS].tolist()
    reasons = map(tables.reasons.__getitem__, zip(lanes.tolist(), stockless, strict=True))
    gates, prices = _gates(state, rows)
    days = [at // MICROS_PER_DAY for at in run.ats]
    why = map(
        Why, repeat(tables.facts.version), days, reasons, gates, _others(tables, rows), rows[:, kernel.PRICED].tolist(),
        repeat(run.prices),
    )  # fmt: skip
    decisions = map(Decision, zip(parts), repeat(()), why)
    routed = map(ev.OrderRouted, run.ids, repeat(0), decisions, run.ats)
    accepted = map(ev.OrderAccepted, run.ids, run.orders, run.promises, run.ats)
    made: list[list[ev.Event]] = list(map(list, zip(accepted, routed, strict=True)))
    held = list(
        map(
            PartState, nodes, positions, run.quantities, ships, delivers, ships, costs, lates, repeat(False),
            repeat(PROCESSING), repeat(False), _entries(counters, run),
        )
    )  # fmt: skip
    wants = [late or less != 0 for late, less in zip(lates, stockless, strict=True)]
    ones = [{1: part} for part in held]
    nothing: list[dict[int, object]] = [{} for _ in held]
    standing = map(
        OrderState, run.orders, run.skus, run.promises, ones, nothing, repeat(2), repeat(1), repeat(0), run.ats, prices, wants
    )  # fmt: skip
    state.orders.update(zip(run.ids, standing, strict=True))
    if True in wants:
        _wanting(state, run, wants)
    _settle(state, tables, run, node, held)
    counters.store(state.caps)
    return made


def _together(columns: Sequence[Sequence[T | None]], count: int) -> Iterable[tuple[T, ...]]:
    """One tuple an order of what the columns hold for it, without their gaps (None)."""
    if not columns:
        return repeat((), count)
    if not any(None in column for column in columns):
        return zip(*columns, strict=True)
    return [tuple([one for one in row if one is not None]) for row in zip(*columns, strict=True)]


def _gates(state: State, rows: Ints) -> tuple[Iterable[tuple[Gate, ...]], list[int]]:
    """The caps as they stood, and the sum of their prices, by order."""
    columns: list[list[Gate | None]] = []
    total = np.zeros(len(rows), np.int64)
    for k, cap in enumerate(state.caps):
        inside, capped, limit, price = rows[:, kernel.GATES + 4 * k : kernel.GATES + 4 * k + 4].T
        counted = inside >= 0
        total += np.where(counted, price, 0)
        column: list[Gate | None] = list(
            map(
                Gate, repeat(cap.network), inside.tolist(), capped.tolist(), limit.tolist(), price.tolist(), repeat(False)
            )
        )  # fmt: skip
        if not counted.all():
            column = [gate if ok else None for gate, ok in zip(column, counted.tolist(), strict=True)]
        columns.append(column)
    return _together(columns, len(rows)), total.tolist()


def _others(tables: StreamTables, rows: Ints) -> Iterable[tuple[Alternative, ...]]:
    """The dearer ways, by order."""
    sets, found = tables.sets, rows[:, kernel.FOUND]
    both = zip(
        *(
            map(Alternative, map(sets.__getitem__, rows[:, nodes].tolist()), rows[:, cost].tolist(), repeat("dearer"))
            for cost, nodes in ((kernel.ALT_COST, kernel.ALT_NODES), (kernel.ALT2_COST, kernel.ALT2_NODES))
        ),
        strict=True,
    )
    if (found == 3).all():
        return both
    return [pair[: many - 1] for pair, many in zip(both, found.tolist(), strict=True)]


def _entries(counters: Counters, run: Run) -> Iterable[list[tuple[object, int]]]:
    """Place of each order's part in each counter that counts it."""
    channels = run.asked.orders[run.begin : run.begin + len(run.ids), kernel.CHANNEL]
    columns: list[list[tuple[object, int] | None]] = []
    for k in range(len(counters.nodes)):
        own = counters.gates[channels, k]
        for w in (k, *sorted({w for w in own.tolist() if w >= 0})):
            window = counters.held[w]
            inside = own != kernel.NOT_COUNTED if w == k else own == w
            places = (len(window) - 1 + np.cumsum(inside)).tolist()
            if inside.all():
                columns.append(list(zip(repeat(window), places)))
            else:
                columns.append([(window, at) if ok else None for at, ok in zip(places, inside.tolist(), strict=True)])
    return map(list, _together(columns, len(run.ids)))


def _wanting(state: State, run: Run, wants: list[bool]) -> None:
    """Orders that more stock may serve better."""
    for order_id, skus, wanted in zip(run.ids, run.skus, wants, strict=True):
        if wanted:
            for sku in skus:
                state.wanting.setdefault(sku, {})[order_id] = None


def _settle(state: State, tables: StreamTables, run: Run, node: Ints, held: list[PartState]) -> None:
    """Move the run's units, enter its parts in the calendars, count its events, set the clock."""
    asked, facts = run.asked, tables.facts
    counts = asked.orders[run.begin : run.begin + len(run.ids), kernel.COUNT]
    first = int(asked.orders[run.begin, kernel.FIRST])
    lines, of_line = asked.lines[first : first + int(counts.sum())], np.repeat(node, counts)
    state.moves.clear()
    for n in sorted(set(node.tolist())):
        here, ship = np.flatnonzero(node == n).tolist(), tables.earliest[n]
        goods = lines[of_line == n]
        skus, quantities = goods[:, kernel.SKU].tolist(), goods[:, kernel.QTY].tolist()
        state.ledger.move(Bucket.FULFILLABLE, Bucket.RESERVED, n, skus, quantities)
        state.moves.append((Bucket.FULFILLABLE, Bucket.RESERVED, n, skus, quantities))
        state.due[n].setdefault(ship, {}).update([((run.ids[i], 1), None) for i in here])
        if facts.capacity[n]:
            for i in here:
                held[i].booked = {ship: held[i].units()}
            state.used[n][ship] = state.used[n].get(ship, 0) + sum(quantities)
    for kind in ("accepted", "routed"):
        state.counts[kind] = state.counts.get(kind, 0) + len(run.ids)
    for person in [order.person_id for order in run.orders if order.person_id]:
        if person[0] == "P" and person[1:].isdigit():
            state.people = max(state.people, int(person[1:]))
    state.last_at = run.ats[-1]
