"""Odds of a delay: what any table of them keeps to, what they are worth with few and with many shipments, and that they come true."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.core.time import add_working_days
from tranship.routing.odds import Lane, Odds, Seen, Settings

HERE = Lane("EAST", "NJ", "981", "WA", "ground", 5)
lanes = st.builds(
    Lane,
    origin=st.sampled_from(["EAST", "WEST"]),
    origin_state=st.sampled_from(["", "NJ", "NV"]),
    dest=st.sampled_from(["", "100", "981"]),
    dest_state=st.sampled_from(["", "NY", "WA"]),
    service=st.sampled_from(["", "ground", "air"]),
    planned=st.integers(0, 8),
)
shipments = st.lists(
    st.builds(Seen, lanes, st.integers(0, 60), st.integers(0, 30), st.sampled_from([1, 3, 1000]), st.booleans()),
    max_size=25,
)
rules = st.tuples(st.sampled_from([0, 1, 12]), st.booleans()).map(
    lambda drawn: Settings(half_life=drawn[0], cautious=drawn[1])
)
RAW = Settings((("all", 0), ("lane", 0)), half_life=0)
"""Nothing smoothed: shares as they were."""


@given(shipments, lanes, rules)
def test_odds_rise_with_the_days_and_stay_between_none_and_all(seen, lane, settings):
    """Basis points from 0 to 10,000, whole, never falling; whoever asks by day, by extra days or by table is told the same."""
    odds = Odds(seen, settings)
    row = odds.row(lane)
    assert len(row) == settings.early + settings.late + 1
    assert all(isinstance(points, int) for points in row)
    assert row[0] >= 0 and row[-1] <= 10_000 and list(row) == sorted(row)
    assert [odds.chance(lane, extra) for extra in range(-settings.early, settings.late + 1)] == list(row)
    assert odds.chance(lane, -settings.early - 1) == 0
    assert odds.chance(lane, settings.late + 99) == row[-1]
    table = odds.table([lane])
    assert table.dtype == np.uint16 and table[0].tolist() == list(row)


@given(shipments, lanes, rules, st.randoms(use_true_random=False))
def test_the_order_in_which_shipments_are_told_changes_nothing(seen, lane, settings, rng):
    """Nor does telling two of a kind as two, or as one row that counts two."""
    shuffled = [Seen(*one[:3], 1, one.on_the_road) for one in seen for _ in range(min(one.shipments, 3))]
    told = [Seen(*one[:3], min(one.shipments, 3), one.on_the_road) for one in seen]
    rng.shuffle(shuffled)
    assert Odds(told, settings).row(lane) == Odds(shuffled, settings).row(lane)


@given(shipments, lanes, st.integers(1, 9999))
def test_the_days_of_a_level_are_the_first_that_reach_it(seen, lane, level):
    """One day less is not enough; where no day is, one more than any that is told apart."""
    odds = Odds(seen)
    extra = odds.extra_days(lane, level)
    assert odds.chance(lane, extra - 1) < level
    assert odds.chance(lane, extra) >= level or extra == odds.settings.late + 1
    assert odds.quantile_days(lane, level) == max(0, lane.planned + extra)


@given(shipments, lanes, st.integers(0, 500))
def test_the_days_worth_promising_cost_least_and_grow_with_the_price_of_lateness(seen, lane, late_days):
    """No other promise has a smaller sum of days and expected lateness; a dearer lateness never shortens it."""
    odds = Odds(seen)
    days = odds.worth_days(lane, late_days)
    assert days <= odds.worth_days(lane, late_days + 40)
    cost = {d: 10_000 * d + (10_000 - odds.chance(lane, d - lane.planned)) * late_days for d in range(30)}
    if 0 < days < 30:
        assert cost[days] == min(cost[d] for d in cost if d >= lane.planned - odds.settings.early)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_unsmoothed_odds_are_the_shares_that_were_seen(days):
    """Without strength in any group, all that is left is counting."""
    odds = Odds([Seen(HERE, d) for d in days], RAW)
    for extra in range(-5, 26):
        share = sum(d - HERE.planned <= extra for d in days) / len(days)
        assert abs(odds.chance(HERE, extra) - 10_000 * share) <= 1


def test_a_lane_without_shipments_has_the_odds_of_its_wider_group():
    """Same planned days, other node: what is known of all, not of nobody."""
    odds = Odds([Seen(HERE, 6, shipments=500), Seen(HERE, 7, shipments=500)])
    other = Lane("WEST", "NV", "331", "FL", "ground", 5)
    assert 4800 <= odds.chance(other, 1) <= 5100
    assert odds.row(other) == odds.row(other._replace(origin="NORTH"))
    assert 4800 <= odds.chance(other._replace(service="one that nothing was seen of"), 1) <= 5100


def test_nothing_seen_is_nothing_known():
    """Any delay, and never certainty."""
    row = Odds([]).row(HERE)
    assert row[0] > 0 and row[-1] < 10_000


def test_a_planted_late_lane_is_found_and_its_neighbors_stay_clear():
    """One ZIP3 of many takes four days more: its odds say so after some dozens of shipments, the others' do not."""
    rng = random.Random(3)
    seen = [
        Seen(HERE._replace(dest=dest), 5 + rng.choice((0, 0, 0, 1)) + 4 * (dest == "985"))
        for dest in ("980", "981", "985")
        for _ in range(300)
    ]
    odds = Odds(seen)
    assert odds.chance(HERE._replace(dest="985"), 2) < 1500
    assert odds.chance(HERE._replace(dest="981"), 2) > 9000
    assert odds.quantile_days(HERE._replace(dest="985"), 9000) == 10
    assert odds.quantile_days(HERE._replace(dest="981"), 9000) == 6


def test_a_single_shipment_moves_a_lane_little_and_a_thousand_move_it_all():
    """Shrinkage: between its group and its own record, by how much there is of it."""
    group = [Seen(HERE._replace(origin=f"N{i}", dest="100", dest_state="NY"), 5, shipments=100) for i in range(10)]
    late = [Odds([*group, Seen(HERE, 9, shipments=n)]).chance(HERE, 0) for n in (0, 1, 30, 1000, 100_000)]
    assert late == sorted(late, reverse=True)
    assert late[0] > 9700 and late[1] > 9000 and late[-2] < 500 and late[-1] < 20


def test_caution_says_less_of_few_and_the_same_of_many():
    """The lower end is below the share, and closes in on it as shipments come."""
    gaps = []
    for n in (3, 300, 30_000):
        seen = [Seen(HERE, 5, shipments=9 * n), Seen(HERE, 8, shipments=n)]
        gaps.append(Odds(seen).chance(HERE, 0) - Odds(seen, Settings(cautious=True)).chance(HERE, 0))
    assert gaps[0] > gaps[1] > gaps[2] >= 0
    assert gaps[0] > 500 and gaps[2] < 50


def test_what_is_still_on_the_road_counts_as_slow():
    """Half arrived in five days and half have been gone for ten: leaving the second half out would promise too much."""
    arrived = [Seen(HERE, 5, shipments=500)]
    gone = [Seen(HERE, 10, shipments=500, on_the_road=True)]
    assert Odds(arrived).chance(HERE, 0) > 9900
    assert 4900 <= Odds(arrived + gone).chance(HERE, 0) <= 5100
    assert Odds([*arrived, Seen(HERE, 0, shipments=500, on_the_road=True)]).chance(HERE, 0) > 9900, (
        "just left: says nothing"
    )


def test_what_is_recent_weighs_more():
    """A lane that was slow a year ago and is fast now is thought fast; without a half-life it is both."""
    seen = [Seen(HERE, 9, 100, 500), Seen(HERE, 5, 124, 500)]
    fading, even = Odds(seen, Settings(half_life=6)), Odds(seen, Settings(half_life=0))
    assert fading.chance(HERE, 0) > 9000
    assert 4900 <= even.chance(HERE, 0) <= 5100
    undated = [Seen(HERE, 9, 0, 500), Seen(HERE, 5, 124, 500)]
    assert 4900 <= Odds(undated, Settings(half_life=6)).chance(HERE, 0) <= 5100, "no date: as new as the newest"


def test_days_between_plan_and_promise_are_working_days():
    """Planned for Thursday, promised for Monday: two extra days, and Saturday gives no third."""
    thursday = add_working_days(20_515, 0)  # 2026-03-05 is day 20,517
    odds = Odds([Seen(HERE, 5, shipments=600), Seen(HERE, 7, shipments=400)])
    planned = thursday + 2
    assert odds.p_on_time(HERE, planned, planned + 4) == odds.chance(HERE, 2)
    assert odds.p_on_time(HERE, planned, planned + 2) == odds.chance(HERE, 1)
    assert odds.p_on_time(HERE, planned, planned - 1) == odds.chance(HERE, -1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_stated_odds_come_true(seed):
    """Drawn lanes of different speed and few shipments each: in every decile, what is stated is within five points of what comes."""
    rng = np.random.default_rng(seed)
    nodes = {f"N{i}": rng.gamma(2, 0.5) for i in range(6)}
    places = [(f"{z:03d}", state) for state in ("NY", "WA", "TX", "FL") for z in rng.choice(1000, 12, replace=False)]
    slow = {dest: rng.gamma(1, 0.7) for dest, _ in places}

    def drawn(count: int) -> list[Seen]:
        out = []
        for _ in range(count):
            node = rng.choice(list(nodes))
            dest, state = places[rng.integers(len(places))]
            planned = int(rng.integers(2, 6))
            delay = int(rng.poisson(nodes[node] + slow[dest])) - 1
            out.append(Seen(Lane(str(node), "NJ", dest, state, "ground", planned), max(0, planned + delay)))
        return out

    odds = Odds(drawn(6000))
    said, came = [], []
    for one in drawn(6000):
        for extra in range(-1, 6):
            said.append(odds.chance(one.lane, extra))
            came.append(one.actual - one.lane.planned <= extra)
    stated, seen = np.array(said), np.array(came)
    for low in range(0, 10_000, 1000):
        inside = (stated >= low) & (stated < low + 1000)
        if inside.sum() > 500:
            assert abs(stated[inside].mean() / 100 - 100 * seen[inside].mean()) < 5
