"""How leak budgets stand, for people: plan in force, what was shown against its curve, households, what went beyond, and the own attack."""

import datetime as dt

import msgspec
import numpy as np

from tranship.core.errors import InputError
from tranship.core.network import LeakBudget
from tranship.engine.evolve import evolve
from tranship.engine.leak_plans import source_of, terms_of
from tranship.engine.leaks import Counts, LeakState, PlanNow, budgets_of
from tranship.engine.shard import decoded
from tranship.engine.state import State
from tranship.masking.leak.ranks import kendall
from tranship.routing.leak.memory import memory_of
from tranship.routing.leak.model import MICROS_PER_WEEK, ONE, STALE_WEEKS, WEEKS, week_of, year_of
from tranship.store.port import Store

LEAST_LINES = 20
"""Own lines of a SKU from which it counts in the own attack: below, its growth is mostly chance."""
LEAST_WEEKS = 8


class SkuNow(msgspec.Struct, frozen=True):
    """One SKU over the last weeks: own lines, lines shown, and what the plan's curve asks for in its own week."""

    sku: str
    lines: int
    shown: int
    excess: int
    share_ppm: int  # of its orders that the plan admits, before households are weighed
    curve: float  # lines a week


class HomesNow(msgspec.Struct, frozen=True):
    """Households that were shown so many orders this leak year, and their own orders in that time."""

    shown: int
    households: int
    orders: int


class ForecastNow(msgspec.Struct, frozen=True):
    """What the curves of this leak year were begun on. `waits`: the network file has another forecast, for the next leak year."""

    kind: str  # given | partly | read | none
    given: int = 0  # articles whose growth the network file forecasts,
    read: int = 0  # and those of which it was read from past orders
    waits: bool = False


class BudgetNow(msgspec.Struct, frozen=True):
    """One network's budget. `tau`: rank correlation of growth as shown with true growth, by the brand's own attack; None: too little."""

    network: str
    budget: int
    on_conflict: str
    state: str  # fresh | stale | none
    plan: int  # version; 0: none
    week: str  # first day of the plan's week
    expected_share: float
    settling: int
    tilt: float
    orders: int  # own, this leak year, as far as households are known
    lines: int  # own order lines of the weeks that are kept
    lines_shown: int
    excess_orders: int
    excess_lines: int
    excess_households: int
    tau: float | None
    tau_weeks: int
    skus: tuple[SkuNow, ...]  # most shown first
    excess: tuple[SkuNow, ...]  # most excess first
    households: tuple[HomesNow, ...]
    most_shown: tuple[tuple[str, int], ...]  # random household ids
    forecast: ForecastNow = ForecastNow("none")
    least_saving_bp: int = 0
    prices: bool = False  # prices that look ahead are on: they know of no budget

    @property
    def share(self) -> float:
        """Lines shown of all."""
        return self.lines_shown / self.lines if self.lines else 0.0


class LeakNow(msgspec.Struct, frozen=True):
    """All budgets of a run."""

    at: str
    year: int
    week_of_year: int
    budgets: tuple[BudgetNow, ...]


def leak_status(store: Store, top: int = 10) -> LeakNow:
    """Read from the journal of a run, which may be written meanwhile. InputError where its network file has no budget."""
    state = State(store.document)
    for row in store.journal():
        evolve(state, decoded(row))
    return status_of(state, top)


def status_of(state: State, top: int = 10) -> LeakNow:
    """The same of a state."""
    leaks = state.leaks
    if leaks is None:
        hint = "A [[leak]] table in the network file gives one: docs/leak-routing.md."
        raise InputError("no network has a leak budget in this run", where="leak", hint=hint)
    week = week_of(state.last_at)
    found = tuple(_budget(state, leaks, budget, week, top) for budget in budgets_of(state.require_network()))
    return LeakNow(_day(state.last_at), year_of(week), week % WEEKS + 1, found)


def _budget(state: State, leaks: LeakState, budget: LeakBudget, week: int, top: int) -> BudgetNow:
    name, plan = budget.network, leaks.plans.get(budget.network)
    exposed, excess = leaks.exposed.get(name, {}), leaks.excess.get(name, {})
    tau, weeks = own_tau(leaks, name, week)
    year = year_of(week)
    homes = [held for held in leaks.households.values() if held.year == year]
    groups: dict[int, list[int]] = {}
    for held in homes:
        groups.setdefault(held.shown.get(name, 0), []).append(held.seen)
    most = sorted(
        ((key, held.shown.get(name, 0)) for key, held in leaks.households.items() if held.year == year),
        key=lambda each: (-each[1], each[0]),
    )
    skus = _skus(state, leaks, name, plan)
    return BudgetNow(
        network=name,
        budget=budget.budget,
        on_conflict=budget.on_conflict,
        state=_freshness(budget, plan, week),
        plan=plan.version if plan else 0,
        week=_day(plan.plan.week * MICROS_PER_WEEK) if plan else "",
        expected_share=plan.plan.figures.expected_ppm / ONE if plan else 0.0,
        settling=plan.plan.figures.settling if plan else 0,
        tilt=plan.plan.figures.tilt_ppm / ONE if plan else 0.0,
        orders=sum(held.seen for held in homes),
        lines=_sum(leaks.lines),
        lines_shown=_sum(exposed),
        excess_orders=leaks.excess_orders.get(name, 0),
        excess_lines=_sum(excess),
        excess_households=len(leaks.excess_households.get(name, {})),
        tau=tau,
        tau_weeks=weeks,
        skus=tuple(sorted(skus, key=lambda one: (-one.shown, one.sku))[:top]),
        excess=tuple(sorted((one for one in skus if one.excess), key=lambda one: (-one.excess, one.sku))[:top]),
        households=tuple(HomesNow(n, len(group), sum(group)) for n, group in sorted(groups.items())),
        most_shown=tuple(each for each in most[:top] if each[1]),
        forecast=_forecast(budget, plan),
        least_saving_bp=budget.least_saving_bp,
        prices=state.require_network().policy.prices == "on",
    )


def _forecast(budget: LeakBudget, plan: PlanNow | None) -> ForecastNow:
    """Without a plan: what the first one will be begun on, as far as the file says."""
    if plan is None:
        return ForecastNow("given" if budget.forecast else "none", len(budget.forecast))
    made = plan.plan.figures
    kind = "given" if made.given and not made.unsure else "partly" if made.given else "read" if made.read else "none"
    return ForecastNow(kind, made.given, made.read, made.source != source_of(budget))


def _freshness(budget: LeakBudget, plan: PlanNow | None, week: int) -> str:
    if plan is None:
        return "none"
    late = week - plan.plan.week
    if late < -1:  # made by a clock that was ahead: the gate takes it for none
        return "none"
    return "fresh" if late <= 0 and plan.terms == terms_of(budget) else "stale" if late <= STALE_WEEKS else "none"


def _skus(state: State, leaks: LeakState, name: str, plan: PlanNow | None) -> list[SkuNow]:
    document, exposed, excess = state.require_network(), leaks.exposed.get(name, {}), leaks.excess.get(name, {})
    curve = np.zeros(len(document.skus))
    if plan is not None and plan.plan.memory:
        last = np.frombuffer(memory_of(plan.plan).arrays["last"], "<f8")
        curve[: len(last)] = last
    lines, shown, beyond = _by_sku(leaks.lines), _by_sku(exposed), _by_sku(excess)
    shares = plan.tables.shares if plan is not None else []
    return [
        SkuNow(
            document.skus[sku].code, count, shown.get(sku, 0), beyond.get(sku, 0), shares[sku] if sku < len(shares) else 0,
            round(float(curve[sku]), 3),
        )
        for sku, count in lines.items()
    ]  # fmt: skip


def own_tau(leaks: LeakState, network: str, week: int) -> tuple[float | None, int]:
    """The brand attacks itself: how well growth as the network saw it ranks SKUs as true growth does, over this leak year's whole weeks."""
    first = max(year_of(week) * WEEKS, min(leaks.lines, default=week))
    weeks = range(first, week)
    if len(weeks) < LEAST_WEEKS:
        return None, len(weeks)
    true, seen = _matrix(leaks.lines, weeks), _matrix(leaks.exposed.get(network, {}), weeks)
    skus = [sku for sku, row in true.items() if sum(row) >= LEAST_LINES and sku in seen]
    if len(skus) < 3:
        return None, len(weeks)
    at = np.arange(len(weeks)) - (len(weeks) - 1) / 2
    slopes = [at @ np.log(np.array([rows[sku] for sku in skus]).T + 0.5) / (at @ at) for rows in (true, seen)]
    tau = kendall(slopes[0], slopes[1])
    return (None if np.isnan(tau) else round(float(tau), 4)), len(weeks)


def _matrix(counts: Counts, weeks: range) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for i, week in enumerate(weeks):
        for sku, count in counts.get(week, {}).items():
            found.setdefault(sku, [0] * len(weeks))[i] = count
    return found


def _by_sku(counts: Counts) -> dict[int, int]:
    found: dict[int, int] = {}
    for row in counts.values():
        for sku, count in row.items():
            found[sku] = found.get(sku, 0) + count
    return found


def _sum(counts: Counts) -> int:
    return sum(sum(row.values()) for row in counts.values())


def _day(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1_000_000, dt.UTC).date().isoformat()
