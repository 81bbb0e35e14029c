"""The leak meter: leaks that are there are seen, nothing is seen where nothing leaks, small data crash nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.masking.leak.brands import brand, chance, some
from tranship.masking.leak import Adversary, Seen, World, combine, metrics, score
from tranship.masking.leak.closed import linked, parcels
from tranship.masking.leak.truth import Truth


def everything(world: World) -> Seen:
    """All of it went to one network."""
    return Seen.of(world, np.ones(len(world.at), bool))


# ---- leaks that are there --------------------------------------------------------------------------------------------


def test_who_sees_everything_knows_everything():
    """Masked fields do not help where all orders go to one network: growth, customers and pairs are known."""
    world = brand()
    found = score(world, everything(world))
    assert found.volume_share == 1.0
    assert found["tau_growth"].value == pytest.approx(1.0) and found["top10"].value == pytest.approx(1.0)
    assert found["pairs"].value > 0.9 and found["vip"].value > 0.7 and found["freq20"].value > 0.9
    assert all(found[name].above for name in ("tau_growth", "top10", "vip", "pairs", "freq20", "aov20"))


def test_splitting_by_chance_hides_little():
    """60 % of the orders by the toss of a coin still rank growth far beyond guessing; who pairs orders keeps a third of the pairs."""
    found = score(brand(), chance(brand(), 0.6))
    assert found["tau_growth"].value > 0.6 > found["tau_growth"].high
    assert found["vip"].value > 5 * found["vip"].high
    assert found["pairs"].value == pytest.approx(0.36, abs=0.05)


def test_one_order_a_household_leaves_nothing_to_join():
    """Who is shown one order of every household cannot join any, and finds best customers no better than by chance."""
    world = brand()
    first = np.zeros(len(world.at), bool)
    first[np.unique(world.household, return_index=True)[1]] = True
    found = score(world, Seen.of(world, first))
    assert found["pairs"].value == 0.0
    assert found["vip"].value < 0.2 < score(world, everything(world))["vip"].value


def test_a_limit_that_binds_is_seen_in_the_timing():
    """Growers thinned to even gaps in the second half show in `timing`, though their volume is held down."""
    world = brand()
    growth = Truth(world).growth
    held = np.ones(len(world.at), bool)
    at = world.at.copy()
    for sku in np.argsort(-growth)[:30]:
        rows = np.flatnonzero((world.sku == sku) & (world.at >= world.weeks / 2))
        at[rows] = np.linspace(world.weeks / 2, world.weeks - 0.01, len(rows))
    order = np.argsort(at, kind="stable")
    evened = some(world, order, at[order])
    found = score(evened, Seen.of(evened, held))
    assert found["timing"].above and found["timing"].value > 0.3
    assert not score(world, chance(world, 0.5))["timing"].value > 0.3


def test_what_is_not_addressed_joins_nothing():
    """Pickup points and businesses show no household: nothing to count, nothing to join."""
    world = brand()
    every = np.ones(len(world.at), bool)
    hidden = Seen.of(world, every, hidden=every)
    assert not hidden.homes.size
    found = score(world, hidden)
    assert found["pairs"].value == 0.0 and found["freq20"].value == 0.0
    assert not found["vip"].above
    assert found["tau_growth"].value == pytest.approx(1.0)  # items are seen all the same
    business = replace(world, b2b=every)
    assert not Seen.of(business, every).homes.size
    assert not score(business, everything(business))["vip"].known


def test_the_carrier_sees_households_and_no_items():
    """Transit ranks no growth and knows no spending, but counts parcels; aliases that rotate give it a little."""
    world = brand()
    blind = score(world, everything(world), adversary=Adversary.TRANSIT)
    assert blind["tau_growth"].value == 0.0 and blind["tau_growth"].by == "none"
    assert blind["aov20"].value == 0.0 and not blind["timing"].known
    assert blind["vip"].value == score(world, everything(world))["vip"].value
    rotating = score(world, everything(world), adversary=Adversary.TRANSIT, alias_weeks=4)
    still = score(world, everything(world), adversary=Adversary.TRANSIT, alias_weeks=52)
    assert 0.1 < rotating["tau_growth"].value < 0.6 and set(rotating["tau_growth"].each) == {
        "alias chain", "alias level", "alias course",
    }  # fmt: skip
    assert still["tau_growth"].value == pytest.approx(1.0)  # an alias that never changes hides nothing


def test_lines_of_one_order_are_one_order():
    """An order of three lines is one parcel of a household and one order of a customer, of the sum of their worth."""
    lines = 3
    base = some(brand(), np.arange(2_000))
    rows = np.repeat(np.arange(len(base.at)), lines)
    wide = replace(some(base, rows), sku=np.tile(np.arange(lines), len(base.at)), order=rows)
    thin = score(base, everything(base), draws=0)
    found = score(wide, everything(wide), draws=0)
    assert found["pairs"] == thin["pairs"] and found["vip"].value == thin["vip"].value
    truth, narrow = Truth(wide), Truth(base)
    assert truth.orders.tolist() == narrow.orders.tolist()
    assert np.nan_to_num(truth.worth) == pytest.approx(lines * np.nan_to_num(narrow.worth))


def test_pairs_are_split_into_right_and_wrong_ones():
    """Two customers at one address: the address joins their orders too, and those pairs are wrong."""
    world = _orders([(0, 0), (0, 0), (1, 0), (2, 1)])
    assert linked(parcels(world, everything(world)), world.customers) == (1, 3)


# ---- nothing to see --------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_who_looks_at_another_truth_does_no_better_than_guessing(seed: int):
    """With shuffled growth, orders and margins every reading stays near its floor: the meter finds nothing where nothing is."""
    world = brand()
    draw = np.random.default_rng(seed)
    truth, seen = Truth(world), chance(world, 0.6)
    for name in ("growth", "orders", "margins"):
        truth.__dict__[name] = draw.permutation(getattr(truth, name))  # where cached_property keeps it
    floors = (40, np.random.default_rng(1))
    found = {one.name: one for one in metrics._growth(truth, seen, None, Adversary.NODE, 0, 0, floors)}
    found["tau_margin"] = metrics._margin(truth, seen, Adversary.NODE, floors)
    for name in ("tau_growth", "timing", "tau_margin"):
        assert abs(found[name].value - found[name].floor) < 4.5 * max(found[name].spread, 0.02), found[name]
    assert found["top10"].value <= 0.6
    vip = next(one for one in metrics._customers(truth, seen, None, Adversary.NODE) if one.name == "vip")
    assert abs(vip.value - vip.floor) < 5 * vip.spread


def test_who_sees_nothing_guesses():
    """No order seen: no reading above its floor, and no error."""
    world = brand()
    found = score(world, Seen.of(world, np.zeros(len(world.at), bool)))
    assert found.volume_share == 0.0
    assert not any(reading.above for reading in found.readings.values())
    assert found["tau_growth"].value == 0.0 and found["pairs"].value == 0.0


def _orders(rows: list[tuple[int, int]], skus: int = 1) -> World:
    """A tiny world: (customer, household) of each order, a week apart."""
    count = len(rows)
    customer, household = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
    customers, households = int(customer.max(initial=-1)) + 1, int(household.max(initial=-1)) + 1
    home = np.full(customers, -1, np.int64)
    home[customer] = household
    whole = np.zeros(count, np.int64)
    return World(
        at=np.arange(count, dtype=float), sku=whole, customer=customer, household=household, quantity=whole + 1,
        value=whole + 10.0, region=whole, margin=whole + 1.0, b2b=whole > 0, price=np.full(skus, 10.0), fee=np.ones(1),
        home=home, households=households, weeks=max(1, count),
    )  # fmt: skip


@pytest.mark.parametrize("rows", [[], [(0, 0)], [(0, 0), (0, 0)], [(i % 3, i % 2) for i in range(40)]])
@pytest.mark.parametrize("adversary", list(Adversary))
def test_too_few_orders_are_said_to_be_too_few(rows: list[tuple[int, int]], adversary: Adversary):
    """No order, one order, one SKU: nothing crashes, and no reading of growth or customers is made up."""
    world = _orders(rows, skus=1 if rows else 0)
    found = score(world, everything(world), adversary=adversary, alias_weeks=4)
    assert list(found.readings) == list(metrics.METRICS)
    for name in ("tau_growth", "top10", "timing", "vip", "freq20", "aov20", "tau_margin"):
        assert not found[name].known and math.isnan(found[name].value), name
    assert not any(reading.above for name, reading in found.readings.items() if name != "pairs")


def test_arrays_that_do_not_fit_are_refused():
    """Different lengths, time out of order, codes out of range, rows seen twice."""
    world = _orders([(0, 0), (1, 1)])
    for wrong in (
        {"sku": np.zeros(1, np.int64)},
        {"at": np.array([1.0, 0.0])},
        {"at": np.array([0.0, 2.0])},
        {"household": np.array([0, 2])},
        {"sku": np.array([0, -1])},
    ):
        with pytest.raises(ValueError, match="world"):
            replace(world, **wrong)
    with pytest.raises(ValueError, match="rows"):
        Seen(np.array([1, 0]), np.array([True, True]))


# ---- over several worlds ---------------------------------------------------------------------------------------------


def test_the_best_attacker_is_chosen_after_the_mean():
    """Luck in single worlds makes nobody the best: first the mean of each attacker, then the best."""
    worlds = [brand(seed) for seed in (1, 2, 3)]
    each = [score(world, chance(world, 0.3), draws=5) for world in worlds]
    found = combine(each)
    assert found.worlds == 3 and found.volume_share == pytest.approx(0.3, abs=0.02)
    top = found["top10"]
    assert top.value == max(top.each.values()) <= np.mean([one["top10"].value for one in each]) + 1e-12
    assert top.each["slope"] == pytest.approx(np.mean([one["top10"].each["slope"] for one in each]))


def test_the_same_world_gives_the_same_scores():
    """Floors are drawn from a fixed seed."""
    assert score(brand(), chance(brand(), 0.4)).readings == score(brand(), chance(brand(), 0.4)).readings
