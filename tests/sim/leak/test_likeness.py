"""Simulated brands in the likeness of a real one: the numbers are found again, and orders reach the network as observed."""

import numpy as np
import pytest

from tranship.masking.leak import Seen, World
from tranship.routing.leak.policy import settings_for
from tranship.sim.leak.brand import Shape, brand_of
from tranship.sim.leak.likeness import (
    Policy,
    brands_for,
    buyers_only,
    likeness_of,
    lines_pairs,
    orders_pairs,
    spread_of_growth,
)

LIKE = Shape(skus=120, customers=9_000, orders_a_week=900, growth_sd=0.025, zipf=1.1, rate_shape=0.4, b2b=0.1)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_numbers_of_a_brand_are_found_again(seed: int):
    """What a brand was drawn with is what its orders are fitted by, within what chance leaves."""
    found = likeness_of(brand_of(seed, LIKE).world, 1)
    assert found is not None
    shape = found.lines
    assert shape.skus == pytest.approx(LIKE.skus, abs=3) and shape.weeks == LIKE.weeks
    assert shape.orders_a_week == pytest.approx(LIKE.orders_a_week, rel=0.25) == found.orders.orders_a_week
    assert shape.growth_sd == pytest.approx(LIKE.growth_sd, rel=0.3)
    assert shape.zipf == pytest.approx(LIKE.zipf, rel=0.25)
    assert shape.rate_shape == pytest.approx(LIKE.rate_shape, rel=0.35)
    assert shape.customers == pytest.approx(LIKE.customers, rel=0.35)
    assert shape.b2b == pytest.approx(LIKE.b2b, abs=0.02)


def test_counting_alone_is_no_growth():
    """A brand that does not grow is not taken for one that does because rare SKUs scatter."""
    world = brand_of(3, LIKE._replace(growth_sd=0.0)).world
    assert spread_of_growth(world, np.arange(LIKE.skus)) < 0.006


def test_orders_reach_the_network_as_observed():
    """Each SKU by its rank with the share it had, orders with theirs; never by who they are for."""
    world = brand_of(4, LIKE).world
    like = likeness_of(world, 1)
    assert like is not None
    policy = Policy(None, 1, np.where(np.arange(like.lines.skus) < 10, 0.9, 0.2), 0.5)
    other, seen = next(lines_pairs(like, policy))
    volume = np.bincount(other.sku, minlength=other.skus)
    got = np.bincount(other.sku[seen.rows], minlength=other.skus) / np.maximum(volume, 1)
    ranked = np.argsort(-volume, kind="stable")
    assert got[ranked[:10]].mean() == pytest.approx(0.9, abs=0.03)
    assert got[ranked[10:60]].mean() == pytest.approx(0.2, abs=0.04)
    other, seen = next(orders_pairs(like, policy))
    assert len(seen.rows) / len(other.at) == pytest.approx(0.5, abs=0.02)
    assert len(list(lines_pairs(like, policy))) == brands_for(like.lines)


def test_a_leak_budget_is_trained_under():
    """Where the network has a budget, the training brands are played under it: far less is seen than without."""
    like = likeness_of(brand_of(5, LIKE).world, 1)
    assert like is not None
    small = like._replace(orders=like.orders._replace(orders_a_week=300, skus=40))
    world, seen = next(orders_pairs(small, Policy(settings_for(40), 1, np.ones(1), 1.0)))
    assert isinstance(seen, Seen) and 0.05 < len(seen.rows) / len(world.at) < 0.6


def test_only_buyers_are_known():
    """Training brands of households hold nobody without an order; orders and homes stay whose they are."""
    world = brand_of(7, LIKE).world
    known = buyers_only(world)
    assert known.customers == len(np.unique(world.customer)) < world.customers
    assert set(np.bincount(known.customer, minlength=known.customers)) - {0} and np.bincount(known.customer).min() > 0
    for name in ("customer", "household"):
        before, after = getattr(world, name), getattr(known, name)
        pairs = {*zip(before.tolist(), after.tolist(), strict=True)}
        assert len(pairs) == len(set(before)) == len(set(after))  # a new number for each, and no two share one
    assert (known.home[known.customer] == known.household).mean() == (
        world.home[world.customer] == world.household
    ).mean()


def test_guests_do_not_make_buying_look_uneven():
    """A thousand customers known by one order only, told as guests, leave the fit where it was."""
    world = brand_of(8, LIKE).world
    one = likeness_of(world, 1)
    count, extra = len(world.at), 1_500
    rows = np.r_[np.arange(count), np.full(extra, count - 1)]
    guests = np.r_[world.customer, world.customers + np.arange(extra)]
    more = World(
        at=world.at[rows], sku=world.sku[rows], customer=guests, household=world.household[rows], quantity=world.quantity[rows],
        value=world.value[rows], region=world.region[rows], margin=world.margin[rows], b2b=np.zeros(len(rows), bool),
        price=world.price, fee=world.fee, home=np.r_[world.home, np.full(extra, -1)], households=world.households,
        weeks=world.weeks,
    )  # fmt: skip
    told, untold = likeness_of(more, 1, extra), likeness_of(more, 1)
    assert one and told and untold
    assert abs(told.orders.rate_shape - one.orders.rate_shape) < abs(untold.orders.rate_shape - one.orders.rate_shape)


def test_too_little_has_no_likeness():
    """One SKU, or no customer: nothing to fit."""
    assert likeness_of(brand_of(6, LIKE._replace(skus=1)).world, 1) is None
    assert likeness_of(brand_of(6, LIKE._replace(orders_a_week=0)).world, 1) is None
