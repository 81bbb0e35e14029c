"""Amazon-style size tiers: the first tier, smallest first, whose limits on weight, sides and girth hold a unit.

Sides are sorted by the rule itself: longest, median, shortest. Dim weight is volume over the tier's divisor, with
short sides counted as at least `min_side_in`. A unit with an unknown side cannot claim the flat envelope of the
smallest tier: it counts as a box of 10 x 7 x 2 inches without dim weight.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tranship.rates import data
from tranship.rates.measures import dim_fraction, edge_g, edge_mm

Ints = NDArray[np.int64]

NO_LIMIT = 2**62
UNKNOWN_SIDES_MM = (254, 178, 51)
"""Sides assumed of a unit whose dimensions the SKU file does not give."""


@dataclass(frozen=True)
class Tier:
    """Limits of one size tier; a limit that a tier does not have is `NO_LIMIT`."""

    name: str
    max_g: int
    longest_mm: int
    median_mm: int
    shortest_mm: int
    length_girth_mm: int
    by_unit_weight: bool  # the unit's own weight counts, never its dim weight
    dim: tuple[int, int]  # dim_fraction, or (0, 1)
    min_side_mm: int


@dataclass(frozen=True)
class Units:
    """What tiers need of S units: weights in g, sides `[S, 3]` in mm sorted descending, and which sides are known."""

    weight_g: Ints
    sides_mm: Ints
    known: NDArray[np.bool_]


def units(weight_g: Ints, sides_mm: Ints) -> Units:
    """Sort the sides and fill in those of units with an unknown side."""
    known: NDArray[np.bool_] = np.all(sides_mm > 0, axis=1)
    sides = -np.sort(-sides_mm, axis=1)
    return Units(weight_g, np.where(known[:, None], sides, np.array(UNKNOWN_SIDES_MM)), known)


@cache
def tiers(scheme: str) -> tuple[Tier, ...]:
    """The tiers of a packaged scheme (`amazon_us_2023`, `amazon_us_2026`), smallest first."""
    return tuple(_tier(row) for row in data.select("size_tiers", "size_tiers", scheme))


def _tier(row: data.Row) -> Tier:
    def mm(key: str) -> int:
        return edge_mm(row[key]) if row[key] else NO_LIMIT

    return Tier(
        name=row["tier"],
        max_g=edge_g(row["max_lb"], "lb") if row["max_lb"] else NO_LIMIT,
        longest_mm=mm("longest_in"),
        median_mm=mm("median_in"),
        shortest_mm=mm("shortest_in"),
        length_girth_mm=mm("length_girth_in"),
        by_unit_weight=row["weight"] == "unit",
        dim=dim_fraction(Decimal(row["dim_divisor"])) if row["dim_divisor"] else (0, 1),
        min_side_mm=edge_mm(row["min_side_in"]) if row["min_side_in"] else 0,
    )


def shipping_weight(tier: Tier, of: Units) -> Ints:
    """Grams that the tier bills: the unit's weight, or the larger of it and its dim weight."""
    if tier.by_unit_weight or tier.dim[0] == 0:
        return of.weight_g
    sides = np.maximum(of.sides_mm, np.array([0, tier.min_side_mm, tier.min_side_mm]))
    volume_cm3 = -(-sides.prod(axis=1) // 1000)
    dim_g = -(-volume_cm3 * tier.dim[0] // tier.dim[1])
    return np.where(of.known, np.maximum(of.weight_g, dim_g), of.weight_g)


def assign(scheme: tuple[Tier, ...], of: Units) -> tuple[Ints, Ints]:
    """`(tier, weight)` of S units: position of the first tier that holds each (-1: none does) and the grams it bills.

    >>> t, w = assign(tiers("amazon_us_2023"), units(np.array([100, 100]), np.array([[15, 300, 200], [254, 178, 51]])))
    >>> [tiers("amazon_us_2023")[i].name for i in t], w.tolist()
    (['small_standard', 'large_standard'], [100, 460])
    """
    tier_of = np.full(len(of.weight_g), -1, np.int64)
    weight = of.weight_g.astype(np.int64).copy()
    longest, median, shortest = of.sides_mm[:, 0], of.sides_mm[:, 1], of.sides_mm[:, 2]
    girth = longest + 2 * (median + shortest)
    for position, tier in enumerate(scheme):
        billed = shipping_weight(tier, of)
        fits = (tier_of < 0) & (billed <= tier.max_g) & (longest <= tier.longest_mm) & (median <= tier.median_mm)
        fits &= (shortest <= tier.shortest_mm) & (girth <= tier.length_girth_mm)
        tier_of[fits] = position
        weight[fits] = billed[fits]
    return tier_of, weight
