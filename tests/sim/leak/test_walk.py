"""The simulated brand is the one that was agreed on, and its fast year is the gate's year."""

import importlib
import sys
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import boosting, shared
from tranship.routing.leak.forecast import growth_of
from tranship.routing.leak.policy import Settings, settings_for
from tranship.sim.leak.brand import Brand, Shape, brand_of
from tranship.sim.leak.walk import Budget, run, year_before

SMALL = Shape(skus=12, customers=1500, weeks=9, orders_a_week=150)
MIXED = SMALL._replace(b2b=0.2)


def test_a_seed_is_the_same_brand_as_in_the_research():
    """Every array of the world equals that of the prototype for the same seed, businesses included."""
    folder = shared("prototypes", "leak", "fw.py").parent
    boosting()  # the prototype imports it
    sys.path.insert(0, str(folder))
    try:
        prototype = importlib.import_module("fw")
    finally:
        sys.path.remove(str(folder))
    for seed, b2b in ((1, 0.0), (2, 0.2)):
        theirs, ours = prototype.world(seed, b2b=b2b), brand_of(seed, Shape(b2b=b2b))
        world = ours.world
        pairs = [
            (world.at, "t"), (world.sku, "sk"), (world.customer, "cu"), (world.household, "addr"), (world.quantity, "qty"),
            (world.value, "val"), (world.margin, "margin"), (world.b2b, "isb"), (world.price, "price"), (world.fee, "fee"),
            (world.home, "hh"), (ours.last_year, "hist"), (ours.forecast, "gh"), (ours.growth, "g"),
        ]  # fmt: skip
        for mine, name in pairs:
            assert np.array_equal(mine, theirs[name]), name
        assert np.allclose(ours.before / 6 + 0.3, theirs["pre"])


@pytest.fixture(scope="module")
def brands() -> dict[tuple[int, float], Brand]:
    """Small brands, made once."""
    return {(seed, shape.b2b): brand_of(seed, shape) for seed in range(3) for shape in (SMALL, MIXED)}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2),
    mixed=st.booleans(),
    networks=st.integers(1, 3),
    position=st.sampled_from([0, 10, 25, 40, 60, 80, 100]),
    pickup=st.sampled_from([0.0, 0.5]),
    priced=st.booleans(),
    drain=st.sampled_from([(), (3, 4)]),
)
def test_the_fast_year_is_the_gates_year(brands, seed, mixed, networks, position, pickup, priced, drain):
    """What is measured is what ships: the compiled walk sends every order where the gate itself sends it, under any settings."""
    brand = brands[seed, MIXED.b2b if mixed else 0.0]
    budget = Budget(settings_for(position, networks), networks, pickup, True, 300 if priced else None, drain, priced)
    fast, slow = run(brand, budget), run(brand, budget, slowly=True)
    assert np.array_equal(fast.went, slow.went)
    assert fast.figures == slow.figures


def test_the_dials_ends(brands):
    """At 0 a network gets nothing, at 100 everything; in between more budget never means less volume by much."""
    brand = brands[0, 0.0]
    shares = [run(brand, Budget(settings_for(position))).share for position in (0, 25, 60, 80, 100)]
    assert shares[0] == 0 and shares[-1] == 1
    assert all(one < other for one, other in pairwise(shares))


def test_no_household_is_shown_more_often_than_the_plan_allows(brands):
    """Whatever else happens, a network never gets more parcels of a household than there are thetas."""
    brand = brands[1, 0.0]
    budget = Budget(Settings(level=2, level_most=2, thetas=(1.0, 1.0), drifts=(0.0,)), 2)
    outcome = run(brand, budget)
    for network in (0, 1):
        rows = outcome.seen(network).rows
        assert np.bincount(brand.world.household[rows]).max() == 2


def test_two_networks_split_a_household(brands):
    """The second parcel of a household goes to the network that has not seen it yet."""
    brand = brands[2, 0.0]
    outcome = run(brand, Budget(Settings(level=2, level_most=2, thetas=(1.0, 1.0), drifts=(0.0,)), 2))
    home = brand.world.household
    counts = [np.bincount(home[outcome.went == n], minlength=brand.world.households) for n in (0, 1)]
    assert np.abs(counts[0] - counts[1]).max() <= 1 + (counts[0] + counts[1]).max() // 3


def test_a_drain_takes_everything_and_is_remembered(brands):
    """In the weeks of a drain all orders go to the network, and the households that it showed count afterwards."""
    brand = brands[0, 0.0]
    once = Settings(thetas=(1.0,), drifts=(0.0,))
    quiet, drained = (run(brand, Budget(once, drain=weeks)) for weeks in ((), (3, 4)))
    week = brand.world.week
    inside = (week == 3) | (week == 4)
    assert (drained.went[inside] == 0).all()
    assert (drained.went[week > 4] == 0).mean() < (quiet.went[week > 4] == 0).mean()


def test_brands_do_not_share_secrets(brands):
    """Attackers that learned on one brand know nothing of another's draws: keys differ."""
    from tranship.sim.leak.walk import planners_of

    keys = {planners_of(brands[seed, 0.0], Budget(Settings()))[0].plan().key for seed in range(3)}
    assert len(keys) == 3
    assert msgspec.structs.asdict(Settings())["thetas"]


def test_a_year_before_tells_as_much_of_growth_as_it_lasted():
    """Where growth lasts, what is read from the year before goes with it; where it is new, it does not."""
    brand = brand_of(3, Shape(skus=150, customers=3000))
    found = {}
    for lasted in (0.9, 0.0):
        read = growth_of(year_before(brand, lasted), np.full(150, 52))
        assert read is not None
        found[lasted] = float(np.corrcoef(read[0], brand.growth)[0, 1])
    assert found[0.9] > 0.75 and abs(found[0.0]) < 0.25
