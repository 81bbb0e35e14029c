"""Small brands and what networks see of them: what the meter's tests measure."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tranship.masking.leak.model import Seen, World
from tranship.sim.leak.brand import Shape, brand_of

SMALL = Shape(skus=60, customers=3_000, orders_a_week=300)


@lru_cache(maxsize=16)
def brand(seed: int = 1) -> World:
    """60 SKUs, 3,000 customers, 15,600 orders in a year."""
    return brand_of(seed, SMALL).world


def chance(world: World, share: float, seed: int = 7) -> Seen:
    """Each order by the toss of a coin: masked, and leak-blind."""
    return Seen.of(world, np.random.default_rng(seed).random(len(world.at)) < share)


def some(world: World, rows: NDArray[np.int64], at: NDArray[np.float64] | None = None) -> World:
    """The world of these rows only, in this order; `at`: their new times."""
    each = {
        name: getattr(world, name)[rows]
        for name in ("at", "sku", "customer", "household", "quantity", "value", "region", "margin", "b2b")
    }
    return replace(world, **(each if at is None else each | {"at": at}))
