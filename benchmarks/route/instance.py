"""Seeded instances: 30 nodes at US metros, 60 metro regions, S SKUs, orders of one to three single units, one cycle of 7 days.

The same draws in the same order as the instances whose bounds are staged (../shared/prototypes/routing/bounds.json), so that a seed means
the same instance; tests compare the two. Populations are millions and coordinates degrees, rounded; tariffs are plausible, not a carrier's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tranship.routing.prices.problem import UNITS, Caps, Costs, Goods, Orders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# name, latitude, longitude, population in millions (US Census Bureau metropolitan areas, rounded)
METROS = """
New York,40.7,-74.0,19.6|Los Angeles,34.05,-118.2,12.9|Chicago,41.9,-87.6,9.3|Dallas,32.8,-96.8,7.9|Houston,29.8,-95.4,7.3
Washington,38.9,-77.0,6.3|Philadelphia,39.95,-75.2,6.2|Atlanta,33.75,-84.4,6.2|Miami,25.8,-80.2,6.1|Phoenix,33.45,-112.1,5.0
Boston,42.4,-71.1,4.9|Riverside,33.95,-117.4,4.7|San Francisco,37.8,-122.4,4.6|Detroit,42.3,-83.0,4.3|Seattle,47.6,-122.3,4.0
Minneapolis,45.0,-93.3,3.7|San Diego,32.7,-117.2,3.3|Tampa,27.95,-82.5,3.3|Denver,39.7,-105.0,3.0|Baltimore,39.3,-76.6,2.8
St Louis,38.6,-90.2,2.8|Orlando,28.5,-81.4,2.8|Charlotte,35.2,-80.8,2.8|San Antonio,29.4,-98.5,2.7|Portland,45.5,-122.7,2.5
Austin,30.3,-97.7,2.4|Pittsburgh,40.4,-80.0,2.4|Sacramento,38.6,-121.5,2.4|Las Vegas,36.2,-115.1,2.3|Cincinnati,39.1,-84.5,2.3
Kansas City,39.1,-94.6,2.2|Columbus,40.0,-83.0,2.2|Cleveland,41.5,-81.7,2.2|Indianapolis,39.8,-86.2,2.1|Nashville,36.2,-86.8,2.1
San Jose,37.3,-121.9,1.9|Virginia Beach,36.85,-76.0,1.8|Jacksonville,30.3,-81.7,1.7|Providence,41.8,-71.4,1.7|Milwaukee,43.0,-87.9,1.6
Raleigh,35.8,-78.6,1.5|Oklahoma City,35.5,-97.5,1.5|Louisville,38.25,-85.8,1.4|Richmond,37.5,-77.4,1.3|Memphis,35.1,-90.0,1.3
Salt Lake City,40.8,-111.9,1.3|Birmingham,33.5,-86.8,1.2|Fresno,36.7,-119.8,1.2|Buffalo,42.9,-78.9,1.2|Grand Rapids,43.0,-85.7,1.2
Hartford,41.8,-72.7,1.2|Tucson,32.2,-110.9,1.1|Tulsa,36.15,-96.0,1.0|Omaha,41.3,-95.9,1.0|Albuquerque,35.1,-106.6,0.9
New Orleans,29.95,-90.1,1.0|El Paso,31.8,-106.4,0.9|Boise,43.6,-116.2,0.8|Spokane,47.7,-117.4,0.6|Des Moines,41.6,-93.6,0.7
"""
CAPPED = (
    "New York|Los Angeles|Chicago|Dallas|Houston|Philadelphia|Atlanta|Miami|Phoenix|Riverside|Boston|Seattle|Columbus"
    "|Charlotte|Denver|Kansas City"
)
INDEPENDENT = (
    "Baltimore|Sacramento|Indianapolis|San Antonio|Nashville|Orlando|Las Vegas|Salt Lake City|Minneapolis|Portland"
    "|Louisville|Pittsburgh|Memphis|Richmond"
)
ZONE_MILES = np.array([150, 300, 600, 1000, 1400, 1800, 1e9])
ZONE_FIXED = np.array([6.6, 7.0, 7.6, 8.5, 9.5, 10.4, 11.6])  # a package
ZONE_POUND = np.array([0.22, 0.27, 0.36, 0.52, 0.72, 0.92, 1.18])
HANDLING = 1.0  # a package: a split pays it again
PENALTY = 30.0  # a unit that cannot be shipped
DAYS = 7
DAY_WEIGHTS = np.array([1.15, 1.1, 1.0, 0.95, 0.9, 0.9, 1.0])
LINES = np.array([0.60, 0.27, 0.13])  # orders of one, two and three lines
SIZES = {"S": (250, 4_000), "M": (5_000, 100_000), "L": (50_000, 1_000_000)}


@dataclass(slots=True)
class Beliefs:
    """What a policy may know beforehand: all but the true SKU mix, of which it has a forecast with an error."""

    mix: Floats  # [S] forecast of the SKU mix, sums to 1
    error: float  # standard deviation of its logarithm
    regions: Floats  # [R]
    taste: Floats  # [S, R] how much more than usual a region buys a SKU
    days: Floats  # [D]
    lines: Floats  # [3]
    orders: int  # expected in the cycle


@dataclass(slots=True)
class Instance:
    """One cycle: costs, goods, the stream, the cap, and what a policy believes."""

    costs: Costs
    goods: Goods
    orders: Orders
    side: NDArray[np.uint8]  # [N] 1: counts against the cap
    cap_bp: int
    penalty: float
    beliefs: Beliefs | None
    name: str
    outage: tuple[int, tuple[int, ...]] | None = None  # from this day on these nodes ship nothing; nobody knows before

    @property
    def days(self) -> int:
        """Days of the cycle."""
        return len(self.goods.work)

    def in_hindsight(self) -> Goods:
        """What there is for who knows the outage."""
        if self.outage is None:
            return self.goods
        work = self.goods.work.copy()
        work[self.outage[0] :, list(self.outage[1])] = 0
        return Goods(self.goods.stock, work)

    @property
    def units(self) -> int:
        """Units ordered."""
        return int(self.orders.qty.sum())

    def caps(self, budget: float) -> Caps:
        """The cap with a budget of units."""
        return Caps(self.side[None].copy(), np.array([UNITS]), np.ones((1, 1), np.uint8), np.array([budget]))


@dataclass(slots=True)
class Recipe:
    """What makes one instance different from another; the defaults are the staged ones."""

    skus: int = 5_000
    orders: int = 100_000
    coverage: float = 1.4  # stock of a SKU in cycles of forecast demand
    capacity: float = 1.12  # a capped node's day, in units of its fair share of the busiest day
    capacity_independent: float = 1.45
    stocked: tuple[int, int] = (3, 14)  # nodes that hold a SKU
    forecast_error: float = 0.25
    independent_weight: float = 0.55  # how likely an independent node is to hold a SKU
    peak: float = 1.0  # the first day's demand is this times the usual
    near: bool = False  # each SKU at the nodes that serve it best, instead of at random ones


def make(seed: int, recipe: Recipe | None = None, name: str = "") -> Instance:
    """The instance of a seed. Deterministic: numpy's default generator, every draw in a fixed order."""
    recipe = recipe or Recipe()
    rng = np.random.default_rng(seed)
    miles, population, side = _map()
    nodes, regions = miles.shape
    zone = np.searchsorted(ZONE_MILES, miles)
    discount = np.where(side == 1, 0.90, 1.0)[:, None]
    fixed, pound = ZONE_FIXED[zone] * discount + HANDLING + miles * 0.0002, ZONE_POUND[zone] * discount
    pick = np.where(side == 1, 0.9, 1.1)
    weight = np.clip(rng.lognormal(0.3, 0.8, recipe.skus), 0.1, 20)
    mix = 1 / (np.arange(recipe.skus) + 20) ** 0.95
    mix /= mix.sum()
    where = population / population.sum()
    taste = rng.gamma(8, 1 / 8, (recipe.skus, regions))
    taste /= (taste * where).sum(1, keepdims=True)
    days = DAY_WEIGHTS.copy()
    days[0] *= recipe.peak
    days /= days.sum()
    units = recipe.orders * (LINES * np.arange(1, 4)).sum()
    error = recipe.forecast_error
    forecast = mix * units * np.exp(rng.normal(0, error, recipe.skus) - error**2 / 2)
    stock = _stock(rng, recipe, miles, side, where, taste, forecast)
    fair = stock.sum(0) / stock.sum()
    slack = np.where(side == 1, recipe.capacity, recipe.capacity_independent)
    usual = DAY_WEIGHTS / DAY_WEIGHTS.sum()
    a_day = np.ceil(slack * fair * units * usual.max() * rng.uniform(0.9, 1.15, nodes)).astype(np.int64)
    beliefs = Beliefs(forecast / forecast.sum(), error, where, taste, days, LINES, recipe.orders)
    truth = Beliefs(mix, 0.0, where, taste, days, LINES, recipe.orders)
    orders = sample(truth, recipe.orders, np.random.default_rng(seed + 1000))
    costs = Costs(
        np.ascontiguousarray(fixed.T), np.ascontiguousarray(pound.T),
        np.ascontiguousarray(np.broadcast_to(pick, (recipe.skus, nodes))), weight,
    )  # fmt: skip
    goods = Goods(stock.astype(np.int64), np.repeat(a_day[None], DAYS, 0))
    return Instance(costs, goods, orders, side, 6_000, PENALTY, beliefs, name or f"seed {seed}")


def sample(beliefs: Beliefs, expected: int, rng: np.random.Generator, since: float = 0.0) -> Orders:
    """Orders of the days from `since` (a fraction of a day counts) on, where the whole cycle has `expected`."""
    if since >= len(beliefs.days):
        count, day = 0, np.zeros(0, np.int64)
    elif since > 0:
        left = beliefs.days[int(since) :].copy()
        left[0] *= 1 - (since - int(since))
        count = int(rng.poisson(expected * left.sum()))
        day = np.sort(rng.choice(np.arange(int(since), len(beliefs.days)), count, p=left / left.sum()))
    else:
        count = expected
        day = np.sort(rng.choice(len(beliefs.days), count, p=beliefs.days))
    lines = rng.choice(3, count, p=beliefs.lines) + 1
    dest = rng.choice(len(beliefs.regions), count, p=beliefs.regions)
    cumulated, most = np.cumsum(beliefs.mix), beliefs.taste.max()
    sku = np.full((count, 3), -1, np.int64)
    for line in range(3):  # by rejection, so that P(sku | region) ~ mix * taste
        open_ = np.flatnonzero(lines > line)
        while len(open_):
            drawn = np.minimum(np.searchsorted(cumulated, rng.random(len(open_))), len(beliefs.mix) - 1)
            good = rng.random(len(open_)) * most < beliefs.taste[drawn, dest[open_]]
            for earlier in range(line):
                good &= sku[open_, earlier] != drawn
            sku[open_[good], line] = drawn[good]
            open_ = open_[~good]
    flat = sku[sku >= 0]
    start = np.concatenate([[0], np.cumsum(lines)]).astype(np.int64)
    ones = np.ones(len(flat), np.int64)
    return Orders(
        day.astype(np.int64), dest.astype(np.int64), np.zeros(count, np.int64), start, flat, ones, ones.astype(np.float64)
    )  # fmt: skip


def _map() -> tuple[Floats, Floats, NDArray[np.uint8]]:
    """Road miles [N, R], population of the regions, and which nodes are capped."""
    rows = [row.split(",") for row in METROS.strip().replace("\n", "|").split("|")]
    latitude, longitude, population = (np.array([float(row[i]) for row in rows]) for i in (1, 2, 3))
    at = {row[0]: i for i, row in enumerate(rows)}
    capped, independent = CAPPED.split("|"), INDEPENDENT.split("|")
    nodes = np.array([at[name] for name in capped + independent])
    a, b = np.radians(latitude[nodes])[:, None], np.radians(latitude)[None]
    across = np.radians(longitude[nodes][:, None] - longitude[None])
    arc = np.arcsin(np.sqrt(np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(across / 2) ** 2))
    side = np.array([1] * len(capped) + [0] * len(independent), np.uint8)
    return 3959 * 2 * arc * 1.17, population, side  # roads are 17 % longer than the great circle


def _stock(
    rng: np.random.Generator, recipe: Recipe, miles: Floats, side: NDArray[np.uint8], where: Floats, taste: Floats,
    forecast: Floats,
) -> Ints:  # fmt: skip
    """Units by SKU and node, planned from the forecast: slow sellers in few nodes, each SKU in at least one independent node."""
    nodes = len(side)
    stock = np.zeros((recipe.skus, nodes), np.int64)
    pull = np.exp(-miles / 500) @ where * np.where(side == 1, 1.0, recipe.independent_weight)
    pull /= pull.sum()
    for s in range(recipe.skus):
        k = int(np.clip(round(recipe.stocked[0] + 2.2 * np.log1p(forecast[s] / 6)), *recipe.stocked))
        at = _nearest(miles, side, where * taste[s], k) if recipe.near else rng.choice(nodes, k, replace=False, p=pull)
        if side[at].all():
            at[-1] = rng.choice(np.flatnonzero(side == 0))
        share = np.zeros(k)
        np.add.at(share, np.argmin(miles[at], 0), where * taste[s])
        share += 0.03
        share *= rng.gamma(10, 0.1, k)
        share /= share.sum()
        total = rng.poisson(max(recipe.coverage * forecast[s] + 1.0 * np.sqrt(forecast[s]) + 1, 1))
        stock[s, at] = rng.multinomial(total, share)
    return stock


def _nearest(miles: Floats, side: NDArray[np.uint8], demand: Floats, count: int) -> Ints:
    """Nodes that serve a SKU's demand best: greedy k-median on miles, at most six in ten of them capped."""
    best = np.full(miles.shape[1], 1e4)
    chosen: list[int] = []
    for _ in range(count):
        value = np.minimum(best, miles) @ demand
        value[chosen] = np.inf
        if side[chosen].sum() + 1 > 0.6 * count:
            value[side == 1] = np.inf
        chosen.append(int(value.argmin()))
        best = np.minimum(best, miles[chosen[-1]])
    return np.array(chosen)
