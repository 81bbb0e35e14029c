"""Sampled futures: whole orders drawn again from the brand's own history, as many as the weekdays to come may bring.

An order is drawn with everything that belongs together: its basket, its quantities, where it goes and through which channel. Newer
orders are drawn more often (half-life four weeks), and the number per day is Poisson around the recency-weighted mean of its weekday.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.routing.prices.snapshot import History

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MICROS_PER_DAY = 86_400_000_000
HALF_LIFE_DAYS = 28.0
LOOK_BACK_DAYS = 84
"""Days of history that say how many orders a weekday brings."""
MOST_LINES = 60_000
"""Lines of a future, about: above, only a share of the orders is drawn and each stands for several. A limit on time."""

FEW_LINES = 3
"""Lines an order, on average, up to which futures are that long. Of longer ones a quarter: each takes far more sets of nodes to try."""


class Rates(NamedTuple):
    """Expected orders."""

    weekday: Floats  # [7] a day, Monday first
    today: float  # share of today that is still to come
    days: int  # how many days futures reach
    share: float  # of the expected orders, how many are drawn; each stands for 1 / share
    weight: Floats  # [T] chance of each order of the history to be drawn


def rates_of(history: History, at: int, until_day: int) -> Rates:
    """What the history says about the days from `at` to `until_day`."""
    today = at // MICROS_PER_DAY
    age = (at - history.at) / MICROS_PER_DAY
    weight = np.exp2(-np.maximum(age, 0.0) / HALF_LIFE_DAYS)
    gone = 1.0 - (at % MICROS_PER_DAY) / MICROS_PER_DAY
    first = int(history.at.min()) // MICROS_PER_DAY
    days = np.arange(max(first, today - LOOK_BACK_DAYS), today)
    if not len(days):
        days = np.array([today - 1])
    since = history.at // MICROS_PER_DAY - days[0]
    counts = np.bincount(since[(since >= 0) & (since < len(days))], minlength=len(days))
    fresh = np.exp2(-(today - days) / HALF_LIFE_DAYS)
    overall = float((counts * fresh).sum() / fresh.sum())
    weekday = np.full(7, overall)
    for w in range(7):
        mine = _weekday(days) == w
        if mine.any():  # one weekday seen once is drawn towards the mean of all
            weekday[w] = ((counts * fresh)[mine].sum() + 0.5 * overall) / (fresh[mine].sum() + 0.5)
    lines = max(1.0, len(history.sku) / max(1, len(history)))
    reach = max(1, until_day - today + 1)
    ahead = float(weekday[_weekday(np.arange(today, today + reach))].sum())
    most = MOST_LINES if lines <= FEW_LINES else MOST_LINES // 4
    share = min(1.0, most / max(1.0, ahead * lines))
    return Rates(weekday, gone, reach, share, weight / weight.sum())


def expected(rates: Rates, today: int) -> Floats:
    """[days] orders expected on each day from today on."""
    found = rates.weekday[_weekday(np.arange(today, today + rates.days))].copy()
    found[0] *= rates.today
    return found


def draw(rates: Rates, today: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """One future: (day from today, position in the history) of each order, in the order they come."""
    counts = rng.poisson(expected(rates, today) * rates.share)
    day = np.repeat(np.arange(rates.days), counts)
    cumulated = np.cumsum(rates.weight)
    picked = np.minimum(np.searchsorted(cumulated, rng.uniform(0.0, cumulated[-1], len(day))), len(rates.weight) - 1)
    return day.astype(np.int64), picked.astype(np.int64)


def _weekday(day: Ints) -> Ints:
    return (day + 3) % 7  # day 0 was a Thursday
