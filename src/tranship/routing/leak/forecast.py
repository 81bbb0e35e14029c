"""How SKUs will grow: as the brand has forecast, else read from its own past.

A budget without a forecast leaks more: a curve that its SKU cannot carry until the end of the year falls with the SKU, and that shows. The
past helps as far as growth lasts: what a filter reads from the weeks before, with an error that grows by how much growth changes.
"""

import numpy as np
from numpy.typing import NDArray

from tranship.routing.leak.household import Floats
from tranship.routing.leak.model import Ints

LASTS_SD = 0.015
"""Standard deviation of what growth changes by from one year to the next, log per week: half of it lasts. An assumption, no measurement."""
FEWEST_WEEKS = 8
"""Weeks of own orders below which nothing is said."""


GIVEN_SD = 0.015
"""Standard deviation of a forecast's error where the brand does not say one: as noisy as growth itself usually is. An assumption."""
ENOUGH_GIVEN = 0.9
"""Part of the order lines for which the brand has to forecast growth, so that the whole forecast is one to rely on."""
UNKNOWN_SD = 0.05
"""Standard deviation said of a SKU that is too new: wide, so that it hardly moves what is assumed without a forecast."""


Read = tuple[Floats, Floats]
"""Growth per SKU, log a week, and the standard deviation of its error."""


def growth_of(lines: Ints, weeks: Ints) -> Read | None:
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


def merged(given: Read, read: Read | None) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Growth, its standard deviation, and which SKUs have it from `given` (NaN: not said; error 0: as usual); `read` serves the others."""
    said = ~np.isnan(given[0])
    error = np.where(given[1] > 0, given[1], GIVEN_SD)
    if read is None:
        return np.where(said, given[0], 0.0), np.where(said, error, UNKNOWN_SD), said
    return np.where(said, given[0], read[0]), np.where(said, error, read[1]), said
