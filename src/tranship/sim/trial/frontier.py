"""`tranship try --leak`: the same orders under one leak budget after another: what the network could learn, what it cost, what it got.

Each budget is an arm: commands of the run through the real engine, with leak plans made week by week from the arm's own orders. What the
network saw at the end is attacked in closed form (`masking.leak`); learned attackers are `tranship leak report`'s.
"""

import datetime as dt
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from tranship.core.errors import InputError
from tranship.core.network import LeakBudget, NetworkFile
from tranship.engine.leaks import household_of
from tranship.engine.run import open_store
from tranship.engine.state import OrderState, State
from tranship.masking.leak import Scores, Seen, World, score
from tranship.masking.leak.metrics import METRICS
from tranship.masking.leak.model import GROSS
from tranship.routing.gate import EXCESS
from tranship.sim.trial.figures import arm_figures
from tranship.sim.trial.paired import paired
from tranship.sim.trial.run import latest_network, period_of
from tranship.sim.trial.walk import Arm, Period, Variation, walked
from tranship.sim.workers import Tell, Work

MOST_POINTS = 11
NO_BUDGET = 100
WEEK = 7 * 86_400 * 1_000_000
LEAST_ROWS = 20
"""Order lines of a SKU from which its growth is ranked: below, the truth is mostly chance."""
DRAWS = 40
Progress = Callable[[str, float, float], None]


class LeakPoint(msgspec.Struct):
    """One budget. Shares and scores are fractions of one, money is micros; a score is None where there was too little to tell."""

    budget: int
    orders: int = 0
    orders_shown: int = 0
    lines: int = 0
    lines_shown: int = 0
    excess_orders: int = 0
    units_placed: int = 0
    units_parked: int = 0  # parked or given up at the end
    units_wanted: int = 0
    units_late: int = 0
    fulfillment_orders: int = 0
    cost: int = 0
    dearer: float = 0.0  # cost of the orders that ship the same units without a budget, against that, relative
    compared: int = 0  # how many those are
    scores: dict[str, float | None] = {}
    by: dict[str, str] = {}  # the attacker that reached it
    floors: dict[str, float | None] = {}  # knowing nothing, on average

    @property
    def share(self) -> float:
        """Orders of which the network was shown something."""
        return self.orders_shown / max(1, self.orders)

    @property
    def a_unit(self) -> float:
        """Micros a unit placed."""
        return self.cost / max(1, self.units_placed)

    @property
    def fill(self) -> float:
        """Units placed of those wanted."""
        return self.units_placed / max(1, self.units_wanted)


class Frontier(msgspec.Struct):
    """All points, the smallest budget first; the last one is without a budget."""

    run: str
    currency: str
    network: str
    on_conflict: str
    first_at: int
    last_at: int
    points: list[LeakPoint]
    notes: list[str] = []
    seconds: float = 0.0


@dataclass(frozen=True)
class Job:
    """One budget, as its process is told of it."""

    folder: str
    budget: LeakBudget
    others: tuple[LeakBudget, ...]
    period: Period


def frontier(
    folder: Path,
    budgets: Sequence[int],
    *,
    network: str = "",
    on_conflict: str = "",
    first: dt.date | None = None,
    until: dt.date | None = None,
    progress: Progress | None = None,
    processes: int = 2,
) -> Frontier:
    """Every budget in `budgets` (and none at all, to compare with) on the orders of a run; nothing is written to it.

    `network`: whose; the one that has a budget, or competes, where only one does. InputError where that is not clear.
    """
    begun = time.perf_counter()
    wanted = _checked(budgets)
    store = open_store(folder, read_only=True)
    try:
        period, document = period_of(store, first, until), latest_network(store)
    finally:
        store.close()
    base = _budget(document, network, on_conflict)
    others = tuple(each for each in document.leaks if each.network != base.network)
    jobs = [Job(str(folder), msgspec.structs.replace(base, budget=n), others, period) for n in wanted]
    hear = (lambda done: progress("carrying orders out again", 100 * done, 100)) if progress else None
    found: list[_Done] = Work(_carried_out).all(jobs, hear, processes=processes)
    points = [done.point for done in found]
    if not points[-1].orders:
        raise InputError("no order in this period", where=str(folder), hint="Choose other dates with --from and --to.")
    for done in found:
        point, base_arm = done.point, found[-1]
        same = done.units == base_arm.units
        held = paired(base_arm.at, base_arm.cost, done.cost, same)
        point.dearer, point.compared = held.relative, held.orders
    return Frontier(
        str(folder), document.currency, base.network, base.on_conflict, found[-1].first, found[-1].last, points, _notes(points),
        round(time.perf_counter() - begun, 2),
    )  # fmt: skip


def _checked(budgets: Sequence[int]) -> list[int]:
    wanted = sorted({*budgets, NO_BUDGET})
    if not budgets or wanted[0] < 0 or wanted[-1] > NO_BUDGET or len(wanted) > MOST_POINTS:
        hint = f"0 to 100, at most {MOST_POINTS}, as in 0,20,40,60,80,100."
        raise InputError(f"budgets {', '.join(map(str, budgets)) or '(none)'}", where="--leak", hint=hint)
    return wanted


def _budget(document: NetworkFile, network: str, on_conflict: str) -> LeakBudget:
    codes = [each.code for each in document.networks]
    if network and network not in codes:
        raise InputError(f"the run has no network {network!r}", where="--network", hint=f"Known: {', '.join(codes)}.")
    held = {each.network: each for each in document.leaks}
    likely = [network] if network else list(held) or [each.code for each in document.networks if each.competitor]
    if len(likely) != 1:
        hint = f"--network with one of {', '.join(likely or codes)}."
        raise InputError("it is not clear whose leak is meant", where="--leak", hint=hint)
    found = held.get(likely[0], LeakBudget(likely[0]))
    return msgspec.structs.replace(found, on_conflict=on_conflict) if on_conflict else found


def _notes(points: Sequence[LeakPoint]) -> list[str]:
    notes = [
        "Stock lies where it lay in the run: a budget can keep off a network only what others have.",
        "Attackers in closed form; tranship leak report trains some on top, and they find more.",
        "Keys of the draws are made up for this comparison: it is other orders that a real plan would let through.",
    ]
    beyond = [point for point in points if point.excess_orders]
    if beyond:
        notes.append(
            "Orders beyond the budget were shown because nobody else had the goods, or another network had failed."
        )
    return notes


# -- one arm ----------------------------------------------------------------------------------------------------------


@dataclass
class _Done:
    """An arm's point, and its orders one by one, so that arms can be held against each other."""

    point: LeakPoint
    first: int
    last: int
    at: np.ndarray
    cost: np.ndarray
    units: np.ndarray


def _carried_out(job: Job, tell: Tell) -> _Done:
    store = open_store(Path(job.folder), read_only=True)
    try:
        last = max(1, job.period.last)
        variation = Variation(f"leak budget {job.budget.budget}", leaks=(*job.others, job.budget))
        arm = walked(store, variation, job.period, lambda seq: tell(min(1.0, seq / last)))
    finally:
        store.close()
    out = arm.outcome()
    figures = arm_figures(out)
    found, orders = _scores(arm, job.budget.network)
    point = LeakPoint(
        job.budget.budget, figures.orders, orders.shown, orders.rows, orders.rows_shown,
        units_placed=figures.units_placed, units_parked=figures.units_parked + figures.units_given_up,
        units_wanted=figures.units_ordered - figures.units_taken_back, units_late=figures.units_late,
        fulfillment_orders=figures.fulfillment_orders, cost=figures.cost,
    )  # fmt: skip
    point.excess_orders = orders.beyond
    if found is not None:
        for name in METRICS:
            reading = found[name]
            point.scores[name], point.floors[name] = _told(reading.value), _told(reading.floor)
            point.by[name] = reading.by
    return _Done(point, orders.first, orders.last, out.at, out.cost, out.units)


def _told(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)


@dataclass
class _Orders:
    first: int = 0
    last: int = 0
    rows: int = 0
    rows_shown: int = 0
    shown: int = 0
    beyond: int = 0


def _scores(arm: Arm, network: str) -> tuple[Scores | None, _Orders]:
    """What the network could work out from what it was shown of the period's orders."""
    state, period = arm.state, arm.period
    held = [
        order
        for order in state.orders.values()
        if order.order.placed_at >= period.first and (not period.until or order.order.placed_at < period.until)
    ]
    held.sort(key=lambda order: (order.order.placed_at, order.order.number))
    if not held:
        return None, _Orders()
    table = _Rows(state, held, network)
    world, seen = table.world(), table.seen()
    told = _Orders(
        held[0].order.placed_at, held[-1].order.placed_at, len(world.at), len(seen.rows),
        len(np.unique(table.order[seen.rows])),
        sum(any(gate.network == network and gate.opened in EXCESS for gate in one.leaks) for one in held),
    )  # fmt: skip
    if world.weeks < 2 or not len(seen.rows):
        return None, told
    return score(world, seen, least_rows=LEAST_ROWS, draws=DRAWS), told


class _Rows:
    """Orders as rows of SKUs: codes by first appearance, as `masking.leak.model` wants them."""

    def __init__(self, state: State, held: Sequence[OrderState], network: str) -> None:
        self.state, self.held = state, held
        document = state.require_network()
        self.nodes = {n for n, node in enumerate(document.nodes) if node.network == network}
        rows: list[tuple[int, int, int, float, bool]] = []  # order, SKU, quantity, value, seen
        for i, one in enumerate(held):
            rows += self._rows_of(i, one)
        columns = list(zip(*rows, strict=True))
        self.order, self.raw_sku, self.quantity = (np.array(columns[k], np.int64) for k in range(3))
        self.value, self.shown = np.array(columns[3], float), np.array(columns[4], np.bool_)
        _, self.sku = np.unique(self.raw_sku, return_inverse=True)

    def _rows_of(self, i: int, one: OrderState) -> list[tuple[int, int, int, float, bool]]:
        seen = {
            one.skus[line]
            for part in one.parts.values()
            if part.node in self.nodes and (part.status != "CANCELLED" or part.remote_id)
            for line, q in zip(part.lines, part.quantities, strict=True)
            if q or part.remote_id
        }
        merged: dict[int, tuple[int, float]] = {}
        for sku, line in zip(one.skus, one.order.lines, strict=True):
            quantity, value = merged.get(sku, (0, 0.0))
            merged[sku] = quantity + line.qty, value + line.qty * line.unit_price_minor / 100
        return [(i, sku, quantity, value, sku in seen) for sku, (quantity, value) in merged.items()]

    def world(self) -> World:
        """The brand's own orders: the truth."""
        first, last = self.held[0].order.placed_at, self.held[-1].order.placed_at
        weeks = int((last - first) // WEEK) + 1
        at = np.array([(one.order.placed_at - first) / WEEK for one in self.held])
        customer = _codes([one.order.person_id or f"order {i}" for i, one in enumerate(self.held)])
        names = [household_of(one.order) or one.order.person_id for one in self.held]
        household = _codes([name or f"order {i}" for i, name in enumerate(names)])
        regions = [one.order.to.state or one.order.to.country for one in self.held]
        region, b2b = _codes(regions), np.array([one.order.said.b2b for one in self.held], np.bool_)
        heads = np.searchsorted(self.order, np.arange(len(self.held)))
        margin = GROSS * self.value
        margin[heads] -= np.array(
            [sum(p.cost for p in one.parts.values() if p.status != "CANCELLED") / 1e6 for one in self.held]
        )
        sums = np.bincount(self.sku, self.value), np.bincount(self.sku, self.quantity)
        home = np.zeros(int(customer.max()) + 1, np.int64)
        home[customer] = household  # where a customer's newest order goes
        return World(
            at=at[self.order], sku=self.sku, customer=customer[self.order], household=household[self.order],
            quantity=self.quantity, value=self.value, region=region[self.order], margin=margin, b2b=b2b[self.order],
            price=sums[0] / np.maximum(1, sums[1]), fee=self._fees(region), home=home,
            households=int(household.max()) + 1, weeks=weeks, order=self.order,
        )  # fmt: skip

    def _fees(self, region: np.ndarray) -> np.ndarray:
        """What the network charged an order on average, by region."""
        cost, orders = np.zeros(int(region.max()) + 1), np.zeros(int(region.max()) + 1)
        for i, one in enumerate(self.held):
            here = [part.cost for part in one.parts.values() if part.node in self.nodes and part.status != "CANCELLED"]
            if here:
                cost[region[i]] += sum(here) / 1e6
                orders[region[i]] += 1
        found: np.ndarray = np.divide(cost, orders, out=np.full(len(cost), np.nan), where=orders > 0)
        return found

    def seen(self) -> Seen:
        """What the network was shown of it."""
        hidden = np.array([one.order.said.pickup for one in self.held], np.bool_)[self.order]
        world = self.world()
        return Seen.of(world, self.shown, hidden)


def _codes(names: Sequence[str]) -> np.ndarray:
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)
