"""Who will be a heavy household? Known from the brand's own orders only, and what an order of each household weighs.

Yearly orders of a household are Poisson at a rate that is gamma distributed over households (negative binomial counts). After last
year's orders and this year's so far, the rate has a gamma posterior, and what is still to come is negative binomial again:

    P(heavy) = P(this year's orders >= n), n the count that the heaviest `heavy_share` of households reach
    weight   = min(1, (theta[shown] / P(heavy)) ** steepness)

A network that also sees *when* parcels come finds heavy households under a bare yearly count: their first parcel comes early. A
rule on P(heavy) refuses just those, from the moment the brand itself can tell.
"""

from functools import lru_cache
from math import exp, lgamma, log, log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.routing.leak.model import ONE, WEEKS
from tranship.routing.leak.policy import Settings

MOST_LAST, MOST_SEEN = 30, 24
"""Orders last year and this year beyond which households are no longer told apart."""
SHAPES = tuple(round(0.1 * 1.15**i, 4) for i in range(26))  # 0.1 to 3.3
MEANS = tuple(round(0.1 * 1.08**i, 4) for i in range(70))  # 0.1 to 20 orders a year
FEWEST_HOUSEHOLDS = 200
"""Households of last year below which the buying rates are not fitted."""
Floats = NDArray[np.float64]


class Buying(NamedTuple):
    """How often households buy: yearly orders, over all households, those without an order counted."""

    mean: float = 2.0
    shape: float = 0.6  # of the gamma: small means few households make most orders


USUAL = Buying()
"""Taken before there is a year to fit."""


def fitted(counts: NDArray[np.int64]) -> Buying:
    """Maximum likelihood of the buying rates from last year's counts: `counts[n]` households had n orders; n = 0 is not looked at.

    Households without an order are not seen, so the fit is to counts of at least one. `USUAL` where there are too few.
    """
    seen = np.asarray(counts[1:], float)
    if seen.sum() < FEWEST_HOUSEHOLDS:
        return USUAL
    n = np.arange(1, len(seen) + 1)
    best, found = -np.inf, USUAL
    for shape in SHAPES:
        ways = np.array([lgamma(shape + k) - lgamma(shape) - lgamma(k + 1) for k in n])
        for mean in MEANS:
            stay = log(shape / (shape + mean))
            none = exp(shape * stay)
            likely = ways + shape * stay + n * log(mean / (shape + mean)) - log1p(-none)
            value = float(seen @ likely)
            if value > best:
                best, found = value, Buying(mean, shape)
    return found


def heavy_count(buying: Buying, heavy_share: float) -> int:
    """Orders a year that at least the heaviest `heavy_share` of the households with an order reach; 2 at least: one order is not heavy.

    >>> heavy_count(Buying(2.4, 0.6), 0.08)
    9
    """
    p_none = exp(buying.shape * log(buying.shape / (buying.shape + buying.mean)))
    left = heavy_share * (1 - p_none)
    n = 2
    while _at_least(n + 1, buying.shape, buying.shape / (buying.shape + buying.mean)) > left and n < 1000:
        n += 1
    return n


@lru_cache(maxsize=256)
def heavy_table(buying: Buying, heavy_share: float, week: int) -> Floats:
    """P(heavy) in a week of the leak year: `[last_year + 1][seen]`, row 0 for households not known last year; `seen` counts this order."""
    heavy = heavy_count(buying, heavy_share)
    gone = (week % WEEKS + 0.5) / WEEKS
    table = np.ones((MOST_LAST + 2, MOST_SEEN + 1))
    for last in range(-1, MOST_LAST + 1):
        for seen in range(1, min(heavy, MOST_SEEN + 1)):
            rate = buying.shape / buying.mean + (last >= 0) + gone
            shape = buying.shape + max(0, last) + seen
            table[last + 1, seen] = max(_at_least(heavy - seen, shape, rate / (rate + 1 - gone)), 1e-4)
    table[:, 0] = table[:, 1]
    table.setflags(write=False)
    return table


def weight_table(settings: Settings, buying: Buying, week: int) -> bytes:
    """`LeakPlan.weights` of a week: int32 `[shown][last_year + 1][seen]` in ppm."""
    heavy = heavy_table(buying, settings.heavy_share, week)
    gone = 2 * (week % WEEKS + 0.5) / WEEKS - 1
    rows = []
    for shown, theta in enumerate(settings.thetas):
        now = min(settings.theta_most, theta * exp(settings.drift(shown) * gone))
        rows.append(np.minimum(1.0, (now / heavy) ** settings.steepness))
    return np.round(np.stack(rows) * ONE).astype("<i4").tobytes()


def _at_least(n: int, shape: float, stay: float) -> float:
    """P(X >= n) of a negative binomial: `stay` = rate / (rate + time ahead)."""
    if n <= 0:
        return 1.0
    term = exp(shape * log(stay))
    below = term
    for k in range(1, n):
        term *= (shape + k - 1) / k * (1 - stay)
        below += term
    return max(0.0, 1.0 - below)
