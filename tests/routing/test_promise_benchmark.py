"""The benchmark of promises knows nothing before it happened, and reads lengths and lateness off as a person would."""

import datetime as dt
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.promise import MODELS, Judged, Trip, learned
from tranship.core.time import date_to_day

START = date_to_day(dt.date(2018, 1, 1))
MONTH = "2018-03"
FIRST = date_to_day(dt.date(2018, 3, 1))


def trip(bought: int, days: int, promised: int = 20, seller: str = "s") -> Trip:
    """An order from Sao Paulo to Rio; `days` 0: it never arrived."""
    month = (dt.date(1970, 1, 1) + dt.timedelta(bought)).isoformat()[:7]
    return Trip(bought, month, bought + days if days else 0, bought + promised, seller, "SP", "RJ", "201", 430.0)


trips = st.lists(st.tuples(st.integers(0, 88), st.integers(0, 60)), min_size=1, max_size=30).map(
    lambda drawn: [trip(START + later, days) for later, days in sorted(drawn)]
)


@given(trips, st.integers(1, 90))
def test_odds_of_a_month_know_nothing_of_what_came_later(orders: list[Trip], other: int) -> None:
    """Arrivals from the month's first day on, and orders bought in it, may be anything: the odds stay the same."""
    changed = [replace(one, arrived=FIRST + other) if not 0 < one.arrived < FIRST else one for one in orders]
    kept = [one for one in changed if one.bought < FIRST]
    for model in MODELS.values():
        lane = orders[0].lane(model.plan(orders[0]))
        assert learned(orders, MONTH, model).row(lane) == learned(changed, MONTH, model).row(lane)
        assert learned(orders, MONTH, model).row(lane) == learned(kept, MONTH, model).row(lane)


def test_lateness_is_read_at_the_same_length_and_length_at_the_same_lateness() -> None:
    """Of five orders four take 5 days and one 30, and 25 were promised: one in five is late, and that is reached with fewer days."""
    orders = [trip(START + i, 30 if i % 5 == 0 else 5, 25) for i in range(90)]
    found, spread = Judged(orders, [MONTH], MODELS["lane_blind"]).figures("level")
    assert 15 <= found["olist_late_pct"] <= 25
    assert found["olist_length_days"] == 25
    assert found["shorter_days"] > 5
    low, high = spread["olist_late_pct"]
    assert low <= found["olist_late_pct"] <= high


def test_what_is_stated_for_a_day_is_the_share_of_the_odds() -> None:
    """Horizons count working days from the purchase, as the plan does."""
    orders = [trip(START + i, 7) for i in range(90)]
    judged = Judged(orders, [MONTH], MODELS["lanes"])
    stated = judged.stated()
    assert (np.diff(stated, axis=1) >= 0).all()
    assert stated[:, 0].max() < 0.2 and stated[:, 6].min() > 0.9
