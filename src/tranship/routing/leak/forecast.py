"""A growth forecast from the brand's own past: the engine has no other.

A budget without a forecast leaks more: a curve that its SKU cannot carry until the end of the year falls with the SKU, and that shows. The
past helps as far as growth lasts: what a filter reads from the weeks before, with an error that grows by how much growth changes.
"""

import numpy as np

from tranship.routing.leak.household import Floats
from tranship.routing.leak.model import Ints

LASTS_SD = 0.01
"""Standard deviation of what growth changes by from one year to the next, log per week. An assumption, no measurement."""
FEWEST_WEEKS = 8
"""Weeks of own orders below which nothing is said."""


UNKNOWN_SD = 0.05
"""Standard deviation said of a SKU that is too new: wide, so that it hardly moves what is assumed without a forecast."""


def growth_of(lines: Ints, weeks: Ints) -> tuple[Floats, Floats] | None:
    """Forecast and its standard deviation per SKU, log growth a week; None where nothing can be said at all.

    Args:
        lines: own order lines [week, SKU], oldest first.
        weeks: how many of the last rows each SKU is known for; what lies before is not looked at.

    Least squares of log counts on time, each week relative to all SKUs, because a season is common to them.
    """
    count, skus = lines.shape
    if count < FEWEST_WEEKS or not skus or int(weeks.max()) < FEWEST_WEEKS:
        return None
    used = np.arange(count)[:, None] >= count - weeks[None, :]
    size = np.maximum(used.sum(axis=0), 1)
    part = np.log((lines + 0.5) / np.maximum(lines.sum(axis=1, keepdims=True), 1))
    at = np.arange(count)[:, None] - (used * np.arange(count)[:, None]).sum(axis=0) / size
    at = at * used
    square = np.maximum((at**2).sum(axis=0), 1e-9)
    mean = np.maximum((lines * used).sum(axis=0) / size, 0.3)
    slope = (at * part).sum(axis=0) / square
    enough = weeks >= FEWEST_WEEKS
    average = float((slope * mean)[enough].sum() / mean[enough].sum())
    sd = np.sqrt(1 / (mean * square) + LASTS_SD**2)
    return np.where(enough, slope - average, 0.0), np.where(enough, sd, UNKNOWN_SD)
