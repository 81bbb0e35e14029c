"""A stream of orders under prices and a share cap, at additive costs: the rehearsal of prices, and the benchmark's policy."""

from dataclasses import dataclass

import numpy as np

from tranship.core.network import FULL_BP
from tranship.routing.prices.problem import PARTS, UNITS, VALUE, Bytes, Costs, Duals, Goods, Ints, Orders

TALLY = ("cost", "open", "refused", "tight", "packages", "capped", "waited", "lost", "late")
MOST_WAITING = 10_000
"""Lines that may wait for room under the cap; above, a line is counted as lost."""


@dataclass(frozen=True, slots=True)
class Control:
    """How one share cap is held at least cost: the settings of `core.network.ShareCap` and `routing.share.TokenBucket`, for ticks of 1."""

    cap_bp: int = 6_000
    window: int = 10_000
    reserve: int = 3
    rate_bp: int = -100  # refill of the bucket relative to the cap
    burst_bp: int = 200  # its size in basis points of the window
    price_micros: int = 4_000_000
    slowness: int = 400
    forgetting: int = 200  # 0: never forgets
    most: int = 8
    measure: int = UNITS  # what a tick is; value: `Orders.value` in whole ticks
    by_part: bool = False  # the price is per fulfillment order instead of per tick
    gated: bool = True  # False: no cap holds, it is only counted

    def ints(self) -> Ints:
        """As the compiled stream reads it."""
        burst = max(FULL_BP, self.window * self.burst_bp)
        return np.array(
            [max(0, self.cap_bp + self.rate_bp), burst, self.price_micros, self.slowness, self.forgetting, self.most,
             self.reserve, int(self.gated), int(self.by_part), MOST_WAITING, self.measure], np.int64,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tally:
    """What a stream came to. Ticks are units."""

    cost: float  # of what was placed, without prices
    open: int  # units not placed
    refused: int  # orders whose free choice the gate refused
    tight: int  # orders that the reserve sent elsewhere
    packages: int
    capped: int
    waited: int  # units held back by the gate
    lost: int  # of those, placed never
    max_share: float  # over all prefixes and full windows of ticks as they stand now
    breaches: int  # windows above the cap, counted afresh: 0
    late: int  # units that waited for room and found it only on a later day than their order's


class Stream:
    """One run over `orders`, in place: goods go down, ticks enter. Slices are decided in order; pending ones may be decided again."""

    def __init__(
        self, costs: Costs, goods: Goods, orders: Orders, side: Bytes, control: Control, start_price: int = 0
    ) -> None:
        self.costs, self.orders, self.side, self.control = costs, orders, side, control
        self.goods = Goods(goods.stock.copy(), goods.work.copy())
        sizes = orders.value.sum() if control.measure == VALUE else orders.qty.sum()
        ticks, self.nodes = int(sizes) + 1, len(side)
        ints = control.ints()
        rule = np.array([control.window, control.cap_bp])
        self._window = (np.zeros(ticks, np.int8), np.zeros(ticks, np.int64), np.zeros(1, np.int64), rule)
        self.bucket = np.array([ints[1], start_price], np.int64)
        waiting = np.zeros((MOST_WAITING, 2), np.int64)
        self._cap = (*self._window, side, self.bucket, ints, waiting, np.zeros(1, np.int64))
        self.node = np.full(len(orders.sku), self.nodes, np.int64)
        self.place = np.full(len(orders.sku), -1, np.int64)
        self._tally = np.zeros(len(TALLY))

    def run(self, begin: int, end: int, duals: Duals) -> None:
        """Decide orders `begin` to `end` under these prices; `duals.cap` is not read, the bucket has the cap's price."""
        from tranship.routing.prices import kernel_stream

        kernel_stream.run(
            *self.costs, *self.goods, *self.orders, *duals, *self._cap, self.node, self.place, self._tally, begin, end
        )

    def revise(
        self, begin: int, end: int, duals: Duals, *, penalty: float, least_gain: float, base: float, swing: float, aim: float
    ) -> int:  # fmt: skip
        """One pass over orders that are pending; how many moved. See `kernel_revise.revise`."""
        from tranship.routing.prices import kernel_revise

        assert self.control.measure != PARTS, "a part that is re-decided may become two: the engine does that, not this"
        return int(
            kernel_revise.revise(
                *self.costs, *self.goods, *self.orders, *duals, *self._cap, self.node, self.place, self._tally, begin, end,
                penalty, least_gain, base, swing, aim,
            )
        )  # fmt: skip

    @property
    def ticks(self) -> int:
        """Ticks entered."""
        return int(self._window[2][0])

    @property
    def inside(self) -> int:
        """Capped ticks in the window now."""
        return int(self._window[1][self.ticks - 1]) if self.ticks else 0

    def capped(self, begin: int, end: int) -> int:
        """Capped units that orders `begin` to `end` hold."""
        low, high = int(self.orders.start[begin]), int(self.orders.start[end])
        node, qty = self.node[low:high], self.orders.qty[low:high]
        held = node < self.nodes
        return int(qty[held][self.side[node[held]] == 1].sum())

    def held(self, begin: int, end: int) -> Goods:
        """Stock and work that orders `begin` to `end` hold."""
        low, high = int(self.orders.start[begin]), int(self.orders.start[end])
        node, qty, sku = self.node[low:high], self.orders.qty[low:high], self.orders.sku[low:high]
        day = np.repeat(self.orders.day[begin:end], np.diff(self.orders.start[begin : end + 1]))
        there = node < self.nodes
        stock, work = np.zeros_like(self.goods.stock), np.zeros_like(self.goods.work)
        np.add.at(stock, (sku[there], node[there]), qty[there])
        np.add.at(work, (day[there], node[there]), qty[there])
        return Goods(stock, work)

    def tally(self) -> Tally:
        """What it came to, with the window counted afresh from the ticks; a line that waited paid for a part of its own."""
        found = dict(zip(TALLY, self._tally.tolist(), strict=True))
        count, width, bp = self.ticks, self.control.window, self.control.cap_bp
        total = np.concatenate([[0], np.cumsum(self._window[0][:count], dtype=np.int64)])
        ends = np.arange(1, count + 1)
        inside = total[ends] - total[np.maximum(0, ends - width)]
        size = np.minimum(ends, width)
        share = float((inside / size).max()) if count else 0.0
        breaches = int((inside > bp * size // FULL_BP).sum())
        waiting = int(self._cap[8][0])
        waits = self._cap[7][:waiting]
        still = int(self.orders.qty[self.orders.start[waits[:, 0]] + waits[:, 1]].sum()) if waiting else 0
        return Tally(
            found["cost"], int(found["open"]), int(found["refused"]), int(found["tight"]), int(found["packages"]),
            int(found["capped"]), int(found["waited"]), int(found["lost"]) + still, share, breaches, int(found["late"]),
        )  # fmt: skip
