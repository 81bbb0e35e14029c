"""What the network would like to know, from the brand's own books."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tranship.masking.leak.closed import by_week, slope
from tranship.masking.leak.model import Floats, Ints, World

BEST = 0.05
"""Part of the customers that counts as the best."""
REPEAT = 2
"""Orders from which a customer is a repeat customer."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Of one world; computed once and kept. Business customers are left out of what is said of customers: they show no household."""

    world: World

    @cached_property
    def growth(self) -> Floats:
        """Each SKU's growth a week: slope of its own log counts."""
        return slope(by_week(self.world, np.arange(len(self.world.at))))

    @cached_property
    def rows(self) -> Ints:
        """Rows of each SKU."""
        return np.bincount(self.world.sku, minlength=self.world.skus)

    @cached_property
    def orders(self) -> Floats:
        """Orders of each customer."""
        mine = self.world.orders
        private = ~mine.b2b & (mine.customer >= 0)
        return np.bincount(mine.customer[private], minlength=self.world.customers).astype(np.float64)

    @cached_property
    def worth(self) -> Floats:
        """Mean value of an order of each customer; NaN without one."""
        mine = self.world.orders
        private = ~mine.b2b & (mine.customer >= 0)
        total = np.bincount(mine.customer[private], mine.value[private], self.world.customers)
        with np.errstate(divide="ignore", invalid="ignore"):
            return total / self.orders

    @cached_property
    def pairs(self) -> float:
        """Pairs of orders of one customer."""
        return float((self.orders * (self.orders - 1) / 2).sum())

    @cached_property
    def margins(self) -> Floats:
        """Mean margin of an order in each region; NaN without one."""
        mine = self.world.orders
        known = mine.region >= 0
        region = mine.region[known]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.bincount(region, mine.margin[known], self.world.regions) / np.bincount(
                region, minlength=self.world.regions
            )
