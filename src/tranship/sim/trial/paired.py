"""Whether a difference is more than noise: the same orders in two arms, by blocks of days.

Orders of one day share shelves and the room under a cap, so they are not independent; days nearly are, weeks more so (stock arrives by the
week). Blocks of whole days, or weeks where there are enough, are drawn again with replacement (percentile bootstrap, fixed
seed): the interval is where the mean difference would lie in other days like these.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
DRAWS = 2_000
LEVEL = 0.95
LEAST_BLOCKS = 8
"""Blocks below which no interval is given."""
LEAST_WEEKS = 20
MICROS_PER_DAY = 86_400_000_000


class Paired(msgspec.Struct):
    """The mean difference of an order that both arms shipped alike in units; micros. `low` and `high`: 95 % interval."""

    orders: int = 0  # compared: the same units placed in both arms
    left_out: int = 0  # orders of which one arm placed more
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0
    relative: float = 0.0  # of the baseline's cost of the same orders
    blocks: int = 0
    block: str = ""  # day | week; empty: too few for an interval
    cheaper: int = 0  # orders
    dearer: int = 0

    @property
    def sure(self) -> bool:
        """Whether the interval excludes 0."""
        return bool(self.block) and (self.low > 0 or self.high < 0)


def paired(at: Ints, before: Ints, after: Ints, alike: NDArray[np.bool_]) -> Paired:
    """Hold the costs of orders placed at `at` against each other where `alike`."""
    difference = (after - before)[alike].astype(np.float64)
    out = Paired(orders=int(alike.sum()), left_out=int((~alike).sum()))
    if not out.orders:
        return out
    out.mean = float(difference.mean())
    total = float(before[alike].sum())
    out.relative = float(difference.sum()) / total if total else 0.0
    out.cheaper, out.dearer = int((difference < 0).sum()), int((difference > 0).sum())
    days = at[alike] // MICROS_PER_DAY
    block, name = days // 7, "week"
    if len(np.unique(block)) < LEAST_WEEKS:
        block, name = days, "day"
    _, index = np.unique(block, return_inverse=True)
    out.blocks = int(index.max()) + 1
    if out.blocks < LEAST_BLOCKS:
        return out
    out.block = name
    sums = np.bincount(index, weights=difference)
    counts = np.bincount(index).astype(np.float64)
    draw = np.random.default_rng(0).integers(0, out.blocks, (DRAWS, out.blocks))
    means = sums[draw].sum(axis=1) / counts[draw].sum(axis=1)
    out.low, out.high = (float(x) for x in np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)))
    return out
