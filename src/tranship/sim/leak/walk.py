"""A year of a brand's orders under a leak budget: the planner each week, the gate for each order, and what each network saw in the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tranship.masking.leak.model import Seen
from tranship.routing.leak.forecast import growth_of
from tranship.routing.leak.gate import admitted, draw_of
from tranship.routing.leak.household import Buying, Floats, fitted
from tranship.routing.leak.memory import BINS
from tranship.routing.leak.model import ONE, WEEKS, Household, LeakFigures, LeakPlan, LeakTables
from tranship.routing.leak.planner import Known, Place, Planner, Week, bin_of
from tranship.routing.leak.policy import Settings
from tranship.sim.leak.brand import BEFORE_WEEKS, Brand

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
NETWORKS = ("N0", "N1", "N2")
FIRST_WEEK = 54 * WEEKS
"""The simulated year starts with a leak year."""
PICKUP_ORDERS = 4
"""Orders last year from which on a household is offered a pickup point."""


class Budget(NamedTuple):
    """A policy to be judged."""

    settings: Settings
    networks: int = 1
    pickup: float = 0.0  # share of the households offered a pickup point that take it
    forecast: bool = True
    least_saving_bp: int | None = None  # cut-off of savings; None: not looked at
    drain: tuple[int, ...] = ()  # weeks in which the independent side is out and everything goes to the networks
    priced: bool = False  # orders have price gaps; the network is only taken where it saves something
    lasted: float | None = (
        None  # correlation of growth with the year before, which alone is known; None: a forecast is given
    )


@dataclass
class Outcome:
    """What happened: the network of each order (-1: independent), and which rows came without a household."""

    brand: Brand
    budget: Budget
    went: Ints
    hidden: Mask
    figures: list[LeakFigures] = field(default_factory=list)  # of the first network, week by week

    @property
    def share(self) -> float:
        """Part of the orders that went to any of the networks."""
        return float((self.went >= 0).mean())

    def seen(self, network: int) -> Seen:
        """What one network saw."""
        return Seen.of(self.brand.world, self.went == network, self.hidden)


def pickups(brand: Brand, share: float) -> Mask:
    """Rows that go to a pickup point: `share` of the households with enough orders last year take one."""
    chance = np.random.default_rng([brand.seed, 4])
    takes = (chance.random(brand.world.households) < share) & (brand.last_year >= PICKUP_ORDERS)
    return takes[brand.world.household]


def secret_of(brand: Brand) -> bytes:
    """The brand's secret; each brand has its own, so attackers that learned on others do not know it."""
    return f"simulated brand number {brand.seed:08d}".encode()


def planners_of(brand: Brand, budget: Budget) -> list[Planner]:
    """One planner for each network, at the first week."""
    size = brand.shape.skus
    forecast: Floats | None = brand.forecast if budget.forecast else None
    error: float | Floats = brand.shape.forecast_sd
    if budget.lasted is not None:
        read = growth_of(year_before(brand, budget.lasted), np.full(size, WEEKS))
        assert read is not None, "a year is long enough"
        forecast, error = read
    unsure = forecast is None or budget.lasted is not None
    known = Known(brand.before, np.full(size, BEFORE_WEEKS), forecast, error, buying=_buying(brand), unsure=unsure)
    names = NETWORKS[: budget.networks]
    return [
        Planner.begin(Place(name, names, "", secret_of(brand)), budget.settings, known, FIRST_WEEK) for name in names
    ]


def year_before(brand: Brand, lasted: float) -> Ints:
    """Order lines [week, SKU] of the year before, of SKUs whose growth then had this correlation with the growth now."""
    shape, chance = brand.shape, np.random.default_rng([brand.seed, 77])
    other = chance.normal(0, shape.growth_sd * np.sqrt(1 - lasted**2), shape.skus)
    growth = lasted * brand.growth + other
    weeks = np.arange(WEEKS)[:, None]
    season = 1 + 0.15 * np.sin(2 * np.pi * weeks / WEEKS)
    at_the_end = brand.before / brand.before.sum()
    lines: Ints = chance.poisson(shape.orders_a_week * season * at_the_end * np.exp(growth * (weeks - WEEKS)))
    return lines


@lru_cache(maxsize=80)
def _buying(brand: Brand) -> Buying:
    return fitted(np.bincount(brand.last_year[brand.last_year >= 0]))


Decide = Callable[["Ground", list[LeakPlan], int, int, bool], Ints]


class Ground:
    """The state of a year under way."""

    def __init__(self, brand: Brand, budget: Budget) -> None:
        world = brand.world
        self.brand, self.budget = brand, budget
        self.hidden = world.b2b | pickups(brand, budget.pickup)
        self.shows = ~self.hidden
        self.savings = brand.savings if budget.priced else np.zeros(len(world.at), np.int64)
        self.seen = np.zeros(world.households, np.int64)
        self.shown = np.zeros((world.households, budget.networks), np.int64)
        self.went = np.full(len(world.at), -1, np.int64)
        self.spread = np.zeros((budget.networks, BINS), np.int64)
        self.accepted = np.zeros((budget.networks, brand.shape.skus), np.int64)


def run(brand: Brand, budget: Budget, *, slowly: bool = False) -> Outcome:
    """A year. `slowly`: order by order through the gate that ships; else through its compiled twin, with the same outcome."""
    ground, planners = Ground(brand, budget), planners_of(brand, budget)
    decide: Decide = _slowly if slowly else _compiled
    world = brand.world
    edges = np.searchsorted(world.at, np.arange(brand.shape.weeks + 1))
    figures = []
    for week in range(brand.shape.weeks):
        plans = [_priced(planner.plan(), budget) for planner in planners]
        figures.append(plans[0].figures)
        start, end = int(edges[week]), int(edges[week + 1])
        ground.accepted[:] = 0
        ground.spread[:] = 0
        ground.went[start:end] = decide(ground, plans, start, end, week in budget.drain)
        sku, went = world.sku[start:end], ground.went[start:end]
        lines = np.bincount(sku, minlength=brand.shape.skus)
        for n, planner in enumerate(planners):
            exposed = np.bincount(sku[went == n], minlength=brand.shape.skus)
            planner.follow(Week(FIRST_WEEK + week, lines, ground.accepted[n].copy(), exposed, ground.spread[n].copy()))
    return Outcome(brand, budget, ground.went, ground.hidden, figures)


def _priced(plan: LeakPlan, budget: Budget) -> LeakPlan:
    return msgspec.structs.replace(plan, least_saving_bp=budget.least_saving_bp)


def _slowly(ground: Ground, plans: list[LeakPlan], start: int, end: int, everything: bool) -> Ints:
    """The gate itself, one order after another."""
    world, tables = ground.brand.world, [LeakTables(plan) for plan in plans]
    went = np.full(end - start, -1, np.int64)
    for row in range(start, end):
        sku, home = int(world.sku[row]), int(world.household[row])
        household = None
        if ground.shows[row]:
            shown = tuple(ground.shown[home].tolist())
            household = Household(int(ground.brand.last_year[home]), int(ground.seen[home]), shown)
        for n, table in enumerate(tables):
            verdict = admitted(table, ground.brand.ids[row], (sku,), household, plans[n].week, int(ground.savings[row]))
            ground.accepted[n, sku] += verdict.accepted_ppm[0]
            ground.spread[n, bin_of(verdict.accepted_ppm[0])] += 1
            if verdict.admitted or (everything and verdict.why != "turn"):
                went[row - start] = n
        if household is not None:
            ground.seen[home] += 1
            if went[row - start] >= 0:
                ground.shown[home, went[row - start]] += 1
    return went


def _compiled(ground: Ground, plans: list[LeakPlan], start: int, end: int, everything: bool) -> Ints:
    """The gate's compiled twin."""
    from tranship.sim.leak import kernel

    world, budget = ground.brand.world, ground.budget
    draws, coins = draws_of(ground.brand, budget.networks)
    shares = np.array([np.frombuffer(plan.shares, "<i4") for plan in plans], np.int64)
    weights = np.array(
        [np.frombuffer(plan.weights, "<i4").reshape(-1, plan.most_last + 2, plan.most_seen + 1) for plan in plans],
        np.int64,
    )
    least = plans[0].least_saving_bp
    cut = -(1 << 40) if least is None else least
    went = kernel.empty(end - start)
    kernel.walk(
        np.ascontiguousarray(world.sku[start:end]), np.ascontiguousarray(world.household[start:end]),
        ground.shows[start:end].astype(np.int8), np.ascontiguousarray(draws[:, start:end]), coins[start:end],
        ground.savings[start:end], shares, weights, cut, ground.shown, plans[0].open_ppm, end - start, everything,
        ground.brand.last_year, ground.seen, went, ground.accepted, ground.spread,
    )  # fmt: skip
    return went


@lru_cache(maxsize=80)
def draws_of(brand: Brand, networks: int) -> tuple[Ints, Ints]:
    """All draws of a brand's year, [network, order], and its coins; as the gate draws them."""
    names = NETWORKS[:networks]
    year = FIRST_WEEK // WEEKS
    places = [Place(name, names, "", secret_of(brand)) for name in names]
    draws = [[draw_of(place.key(place.network, year), one, place.network) for one in brand.ids] for place in places]
    coin = places[0].coin(year)
    coins = [draw_of(coin, one, "turn") for one in brand.ids] if networks > 1 else [0] * len(brand.ids)
    assert max(coins) < ONE
    return np.array(draws, np.int64), np.array(coins, np.int64)
