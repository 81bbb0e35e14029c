"""Prices and bounds of a stream of orders by Lagrangian relaxation: the door to the compiled search."""

import numpy as np

from tranship.routing.prices.problem import Caps, Costs, Duals, Goods, Orders, no_duals

COLD = (1.5, 0.03)
"""First and last step of a search that starts from nothing, in money."""
WARM = (0.3, 0.03)
"""The same for a search that starts from prices that were right a while ago."""
TIGHT = (2.0, 0.005)
"""The same for a bound: many small steps at the end."""


def follow(
    costs: Costs, goods: Goods, orders: Orders, caps: Caps, start: Duals, *, penalty: float, passes: int,
    steps: tuple[float, float] = COLD, scale: float = 1.0,
) -> tuple[float, Duals]:  # fmt: skip
    """Search prices for `orders` from `start` (moved in place: start the next search from it); the bound and the averaged prices.

    The bound is below the cost of every way to ship these orders from `goods` within the caps' budgets, where an unfilled unit costs
    `penalty`, provided that costs are additive as given or lie above them (`linear.envelope`). It holds at any number of passes. Each
    order stands for `scale` orders of its kind: other than 1 it is an estimate, no bound.
    """
    from tranship.routing.prices import kernel_dual  # the compiler is loaded when prices are first made

    mean = no_duals(goods.stock.shape[0], goods.stock.shape[1], goods.work.shape[0], len(caps.budget))
    bound = kernel_dual.follow(*costs, *goods, *orders, *caps, *start, *mean, penalty, passes, *steps, scale)
    return float(bound), mean


def bound(
    costs: Costs, goods: Goods, orders: Orders, caps: Caps, *, penalty: float, passes: int = 900
) -> tuple[float, Duals]:
    """A lower bound on the cost in hindsight, and the prices of the end of the search (clairvoyant prices).

    Valid for additive costs (see `follow`), if all of `goods` is counted as there from the start and each cap holds over the whole period.
    """
    start = no_duals(goods.stock.shape[0], goods.stock.shape[1], goods.work.shape[0], len(caps.budget))
    return follow(costs, goods, orders, caps, start, penalty=penalty, passes=passes, steps=TIGHT)


def mean_of(duals: list[Duals]) -> Duals:
    """The average of prices of several futures."""
    return Duals(*(np.mean([d[i] for d in duals], axis=0) for i in range(3)))
