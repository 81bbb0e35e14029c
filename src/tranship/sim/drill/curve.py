"""How a Black Friday's orders are spread over its hours, and the times of a number of orders on that curve."""

from bisect import bisect_right
from itertools import accumulate
from random import Random

CURVE = (
    320, 227, 130, 110, 120, 160, 260, 380, 480, 560, 610, 633, 600, 560, 530, 500, 470, 440, 430, 480, 540, 530, 500, 430,
)  # fmt: skip
"""Basis points of a day's orders by local hour.

Seen: busiest from 11 to 12, 52 % above the mean hour (Hitwise, 500 shopping sites, Black Friday 2016, visits); 20 % from 20 to 24 (the
same, largest site); nights above those of other days. Assumed: that orders follow visits, and every hour between.
"""
SOURCE = (
    "Hours of a Black Friday: busiest from 11 to 12, 52 % above the mean hour, a fifth after 20:00 (Hitwise, visits to 500 shopping"
    " sites, 2016). That orders follow visits, and the hours between, are an ASSUMPTION."
)
FULL = 10_000
HOURS = 24
assert len(CURVE) == HOURS
assert sum(CURVE) == FULL
PEAK = max(range(HOURS), key=CURVE.__getitem__)
"""The busiest hour."""


def busiest(hours: int) -> int:
    """First hour of the `hours` in a row that have most of a day's orders.

    >>> busiest(1), busiest(24)
    (11, 0)
    """
    return max(range(HOURS - hours + 1), key=lambda first: (sum(CURVE[first : first + hours]), -first))


def times(count: int, first: int, hours: int, rng: Random) -> list[float]:
    """Hours since local midnight of `count` orders, in order, between hour `first` and `hours` later."""
    edges = [0, *accumulate(CURVE[first : first + hours])]
    found = []
    for _ in range(count):
        draw = rng.random() * edges[-1]
        hour = min(hours - 1, bisect_right(edges, draw) - 1)
        found.append(first + hour + (draw - edges[hour]) / (edges[hour + 1] - edges[hour]))
    return sorted(found)
