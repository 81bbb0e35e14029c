"""A growth forecast from the brand's own past, where nobody gives a better one.

A budget without a forecast leaks more: a curve that its SKU cannot carry until the end of the year falls with the SKU, and that shows. The
past helps as far as growth lasts: what a filter reads from the weeks before, with an error that grows by how much growth changes.
"""

import numpy as np

from tranship.routing.leak.household import Floats
from tranship.routing.leak.model import Ints

LASTS_SD = 0.01
"""Standard deviation of what growth changes by from one year to the next, log per week. An assumption, no measurement: the network
file's own forecast replaces it."""
FEWEST_WEEKS = 8
"""Weeks of own orders below which nothing is said."""


def growth_of(lines: Ints) -> tuple[Floats, Floats] | None:
    """Forecast and its standard deviation, log growth a week, from own order lines [week, SKU], oldest first; None: too few weeks.

    Weighted least squares of log counts on time, each week relative to all SKUs (a season is common); counts weigh as Poisson says.
    """
    weeks, skus = lines.shape
    if weeks < FEWEST_WEEKS or not skus:
        return None
    total = np.maximum(lines.sum(axis=1, keepdims=True), 1)
    mean = np.maximum(lines.mean(axis=0), 0.3)
    part = np.log((lines + 0.5) / total)
    at = (np.arange(weeks) - (weeks - 1) / 2)[:, None]
    slope = (at * part).sum(axis=0) / float((at**2).sum())
    average = float((slope * mean).sum() / mean.sum())
    sd = np.sqrt(1 / (mean * float((at**2).sum())) + LASTS_SD**2)
    return slope - average, sd
