"""A simulated brand: 150 SKUs that grow and shrink, 45,000 customers of whom few order often, a year of orders of one line each.

The draws come in a fixed order from two streams, so a seed stands for the same brand wherever it is used; seeds 0 to 9 are for tuning,
no other. What the brand itself knows is kept apart from what is true: six weeks of sales before the year, a growth forecast as
noisy as growth itself, and last year's orders of 55 % of the customers.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.masking.leak.model import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
BEFORE_WEEKS = 6
"""Weeks of sales that are known when the year starts."""
SHARED_ADDRESSES = 0.06
KNOWN_LAST_YEAR = 0.55
GROSS = 0.45
"""Margin of a price before the network's fee."""


class Shape(NamedTuple):
    """Size and kind of a brand."""

    skus: int = 150
    customers: int = 45_000
    weeks: int = 52
    orders_a_week: int = 2000
    regions: int = 10
    b2b: float = 0.0  # share of orders from businesses, which show no household
    growth_sd: float = 0.015  # log per week, over SKUs
    forecast_sd: float = 0.015  # of the forecast's error
    zipf: float = 0.8  # how fast demand falls with a SKU's rank
    rate_shape: float = 0.6  # of the gamma of customers' buying rates: small means few customers make most orders


@dataclass(frozen=True, eq=False)
class Brand:
    """One brand. Rows are orders in order of time."""

    seed: int
    shape: Shape
    world: World
    before: Ints  # order lines per SKU in the weeks before
    forecast: Floats  # of growth, log per week
    growth: Floats  # the true one that demand was drawn with
    last_year: Ints  # per household: orders in the year before, -1 where nobody there was known

    @cached_property
    def ids(self) -> list[str]:
        """An id for every order, as an engine would give."""
        return [f"S{self.seed}-{i}" for i in range(len(self.world.at))]

    @cached_property
    def savings(self) -> Ints:
        """What the capped network saves on each order where price gaps vary: normal around 10 %, standard deviation 10 %; basis points."""
        chance = np.random.default_rng([self.seed, 10])
        return np.round(chance.normal(1000, 1000, len(self.world.at))).astype(np.int64)


def brand_of(seed: int, shape: Shape = Shape()) -> Brand:  # noqa: B008 - a frozen value
    """The brand of a seed."""
    chance, later = np.random.default_rng(seed), np.random.default_rng(seed + 10**6)
    weeks, customers = shape.weeks, shape.customers
    week, sku, base, growth = _demand(chance, shape)
    count = len(week)
    rate = chance.gamma(shape.rate_shape, 1, customers)
    rate /= rate.sum()
    customer = chance.choice(customers, count, p=rate)
    shares = chance.random(customers) < SHARED_ADDRESSES
    home = np.where(shares, chance.integers(0, customers, customers), np.arange(customers))
    price: Floats = np.round(np.exp(chance.normal(3.4, 0.5, shape.skus)), 2).astype(np.float64)
    taste = chance.lognormal(0, 0.5, customers)
    quantity = 1 + chance.poisson(np.minimum(taste[customer] * 0.4, 3))
    region = chance.integers(0, shape.regions, customers)[home]
    index = 1 + chance.normal(0, 0.06, shape.regions)  # of a region's effective prices: secret
    fee = 4 + chance.normal(0, 0.4, shape.regions)
    value = price[sku] * quantity * index[region[customer]]
    margin = price[sku] * index[region[customer]] * GROSS * quantity - fee[region[customer]]

    at = week + later.random(count)
    rows = np.argsort(at)
    b2b = later.random(count) < shape.b2b
    before = later.poisson(BEFORE_WEEKS * shape.orders_a_week * base * np.exp(growth * (-3 - weeks / 2)))
    forecast = growth + later.normal(0, shape.forecast_sd, shape.skus)
    known = later.random(customers) < KNOWN_LAST_YEAR
    last = np.where(known, later.poisson(rate * count * (1 - shape.b2b)), -1)
    world = World(
        at=at[rows], sku=sku[rows], customer=customer[rows], household=home[customer][rows], quantity=quantity[rows],
        value=value[rows], region=region[customer][rows], margin=margin[rows], b2b=b2b[rows], price=price, fee=fee,
        home=home, households=customers, weeks=weeks, gross=GROSS,
    )  # fmt: skip
    return Brand(seed, shape, world, before, forecast, growth, _of_households(last, home))


def _demand(chance: np.random.Generator, shape: Shape) -> tuple[Ints, Ints, Floats, Floats]:
    """Week and SKU of each order, each SKU's share of demand and its growth."""
    base = 1 / np.arange(1, shape.skus + 1) ** shape.zipf
    chance.shuffle(base)
    base /= base.sum()
    growth = chance.normal(0, shape.growth_sd, shape.skus)
    weeks = np.arange(shape.weeks)
    season = 1 + 0.15 * np.sin(2 * np.pi * weeks / 52)
    grown = np.exp(growth[None, :] * (weeks[:, None] - shape.weeks / 2))
    count = chance.poisson(shape.orders_a_week * season[:, None] * base[None, :] * grown)
    week = np.repeat(np.repeat(weeks, shape.skus), count.ravel())
    sku = np.repeat(np.tile(np.arange(shape.skus), shape.weeks), count.ravel())
    return week, sku, base, growth


def _of_households(last: Ints, home: Ints) -> Ints:
    """Last year's orders of all customers of a household; -1 where none of them was known."""
    known = np.bincount(home, last >= 0, len(home)) > 0
    total = np.bincount(home, np.maximum(last, 0), len(home))
    return np.where(known, total, -1).astype(np.int64)
