"""The price solver as the engine calls it: chance comes from the snapshot's seed, so that the same snapshot gives the same book."""

import numpy as np

from tranship.routing.prices import solve as prices
from tranship.routing.prices.model import PriceBook
from tranship.routing.prices.snapshot import Snapshot


def solve(snapshot: Snapshot) -> PriceBook:
    """Prices for the orders to come after this snapshot."""
    return prices.solve(snapshot, np.random.default_rng(snapshot.seed))
