"""Simulated brands in the likeness of a real one: what attackers of its traffic are trained on, under the policy that it ran.

A brand's own orders are fitted by a few numbers: SKUs, lines and orders a week, how fast demand falls with rank, how much growth
spreads, how unevenly customers buy. Simulated brands have one line an order, so that a brand of larger orders is fitted twice: by its
lines, to learn what growth looks like, and by its orders, to learn what households look like.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.masking.leak.closed import by_week, slope
from tranship.masking.leak.model import Seen, World
from tranship.routing.leak.household import fitted
from tranship.routing.leak.policy import Settings
from tranship.sim.leak.brand import Brand, Shape, brand_of
from tranship.sim.leak.walk import Budget, run

Floats = NDArray[np.float64]
FIRST_SEED = 5_000
"""Seeds from here on are for training attackers of real traffic; no figure of the docs is measured on them."""
WANTED_SKUS = 6_000
"""SKUs to learn from, over all training brands."""
BRANDS_LEAST, BRANDS_MOST = 4, 40
SKUS_MOST = 3_000
HOUSEHOLD_BRANDS = 2
HALF_LASTS = 0.5
"""Correlation of a SKU's growth with that of the year before, where plans were made without a forecast. An assumption."""


class Likeness(NamedTuple):
    """A brand in numbers: `lines` is shaped after its order lines, `orders` after its orders."""

    lines: Shape
    orders: Shape


class Policy(NamedTuple):
    """How orders got to the network: under a leak budget with these settings among `networks` budgeted ones, or (None) by chance.

    By chance: `line_shares` are the shares of each SKU's lines that it got, SKUs in order of volume; `order_share` that of orders.
    """

    settings: Settings | None
    networks: int
    line_shares: Floats
    order_share: float
    given: bool = True  # growth was forecast by the brand; else its plans read it from the past, of which they are taken to keep half


def likeness_of(world: World, least_rows: int, guests: int = 0) -> Likeness | None:
    """The numbers of a brand; None where it has too few SKUs of at least so many lines, or too few customers, to have any.

    `guests`: customers of one order that are known by that order only; who they are nobody can say, so buying rates are fitted without.
    """
    lines = np.bincount(world.sku, minlength=world.skus)
    judged = np.flatnonzero(lines >= max(1, least_rows))
    mine = world.orders
    private = ~mine.b2b & (mine.customer >= 0)
    bought = np.bincount(mine.customer[private])
    bought = bought[bought > 0]
    if len(judged) < 2 or not len(bought):
        return None
    times = np.bincount(bought, minlength=2)
    times[1] = max(1, times[1] - guests)
    buying = fitted(times)
    customers = max(len(bought), round(float(bought.sum()) / buying.mean))
    volume = np.sort(lines[judged])[::-1].astype(np.float64)
    common = {
        "skus": min(len(judged), SKUS_MOST), "customers": customers, "weeks": world.weeks, "regions": max(1, world.regions),
        "b2b": round(1 - float(private.mean()), 3), "growth_sd": spread_of_growth(world, judged), "zipf": zipf_of(volume),
        "rate_shape": buying.shape,
    }  # fmt: skip
    kept = volume[:SKUS_MOST].sum()
    return Likeness(
        Shape(orders_a_week=max(1, round(kept / world.weeks)), **common),  # type: ignore[arg-type]
        Shape(orders_a_week=max(1, round(len(mine.at) / world.weeks)), **common),  # type: ignore[arg-type]
    )


def zipf_of(volume: Floats) -> float:
    """How fast volumes (descending, above 0) fall with rank: the slope of log over log, between 0.1 and 2.

    >>> round(zipf_of(1000 / np.arange(1, 200) ** 0.8), 3)
    0.8
    """
    rank = np.log(np.arange(1, len(volume) + 1))
    fall = -float(np.polyfit(rank, np.log(volume), 1)[0]) if len(volume) > 1 else 0.8
    return round(min(2.0, max(0.1, fall)), 3)


def spread_of_growth(world: World, judged: NDArray[np.int64]) -> float:
    """Standard deviation of true weekly growth over SKUs: of the slopes seen, less what counting alone would scatter."""
    counts = by_week(world, np.arange(len(world.at)))[:, judged]
    time = np.arange(world.weeks) - (world.weeks - 1) / 2
    slopes = slope(counts)
    middle = np.median(slopes)
    seen = 1.4826 * float(np.median(np.abs(slopes - middle)))  # robust: a few new SKUs have slopes without bounds
    chance = float(np.median(1 / ((counts.mean(0) + 0.5) * max((time**2).sum(), 1.0))))
    return round(min(0.1, max(0.002, math.sqrt(max(0.0, seen**2 - chance)))), 4)


def brands_for(shape: Shape) -> int:
    """How many training brands of this shape give enough SKUs to learn from."""
    return min(BRANDS_MOST, max(BRANDS_LEAST, math.ceil(WANTED_SKUS / shape.skus)))


def lines_pairs(likeness: Likeness, policy: Policy) -> Iterator[tuple[World, Seen]]:
    """Brands to learn growth from, and what the network saw of each."""
    for i in range(brands_for(likeness.lines)):
        brand = brand_of(FIRST_SEED + i, likeness.lines)
        yield brand.world, _seen(brand, policy, policy.line_shares)


def orders_pairs(likeness: Likeness, policy: Policy) -> Iterator[tuple[World, Seen]]:
    """Brands to learn households from."""
    for i in range(HOUSEHOLD_BRANDS):
        brand = brand_of(FIRST_SEED + 500 + i, likeness.orders)
        yield buyers_only(brand.world), _seen(brand, policy, np.full(1, policy.order_share))


def buyers_only(world: World) -> World:
    """The same orders without customers and households that have none: of a real brand nobody else is known."""
    bought = np.zeros(world.customers, np.bool_)
    bought[world.customer] = True
    number = np.cumsum(bought) - 1
    lived = np.zeros(world.households, np.bool_)
    lived[world.household], lived[world.home[bought]] = True, True
    place = np.cumsum(lived) - 1
    return replace(
        world, customer=number[world.customer], household=place[world.household], home=place[world.home[bought]],
        households=int(lived.sum()),
    )  # fmt: skip


def _seen(brand: Brand, policy: Policy, shares: Floats) -> Seen:
    if policy.settings is not None:
        budget = Budget(policy.settings, min(2, policy.networks), lasted=None if policy.given else HALF_LASTS)
        return run(brand, budget).seen(0)
    world = brand.world
    volume = np.bincount(world.sku, minlength=world.skus)
    rank = np.empty(world.skus, np.int64)
    rank[np.argsort(-volume, kind="stable")] = np.arange(world.skus)
    mine = shares[rank * len(shares) // world.skus]
    chance = np.random.default_rng([brand.seed, 77])
    return Seen.of(world, chance.random(len(world.at)) < mine[world.sku])
