"""The compiled stream written a second time, in plain Python on `routing.share`: the law that the compiled one must keep."""

import itertools

import numpy as np

from tranship.core.network import USUAL_VALUE_MINOR, ShareCap
from tranship.routing.prices.problem import PARTS, UNITS, VALUE, Costs, Duals, Goods, Orders
from tranship.routing.prices.stream import Control
from tranship.routing.share import ShareWindow, TokenBucket

MEASURES = {PARTS: "fulfillment_orders", UNITS: "units", VALUE: "value"}
FILL = 100_000.0
Plan = tuple[int, ...]


def bucket_of(control: Control) -> TokenBucket:
    """The engine's bucket of these settings."""
    price = control.price_micros * (USUAL_VALUE_MINOR if control.measure == VALUE else 1)
    return TokenBucket(
        ShareCap(
            "N", control.cap_bp, control.window, MEASURES[control.measure], bucket_rate_bp=control.rate_bp,
            bucket_burst_bp=control.burst_bp, price_micros=price,
        )
    )  # fmt: skip


class Twin:
    """One stream, order by order. `node[i]`: of each line, N: unfilled; `entries`: (size, capped) as they came."""

    def __init__(self, costs: Costs, goods: Goods, orders: Orders, side: np.ndarray, control: Control) -> None:
        self.costs, self.orders, self.side, self.control = costs, orders, side.tolist(), control
        self.stock, self.work, self.nodes = goods.stock.copy(), goods.work.copy(), len(side)
        self.window, self.bucket = ShareWindow(control.cap_bp, control.window), bucket_of(control)
        self.node = [self.nodes] * len(orders.sku)
        self.waiting: list[tuple[int, int]] = []
        self.cost, self.refused, self.tight, self.parts, self.waited, self.capped = 0.0, 0, 0, 0, 0, 0

    def decide(self, t: int, duals: Duals) -> None:
        """Order t, then whoever has waited longest."""
        lines, gated = range(int(self.orders.start[t]), int(self.orders.start[t + 1])), self.control.gated
        room = self.bucket.price / 1e6 if gated else 0.0
        plan, _ = self._best(lines, t, duals, room, set())
        if gated and not self._admitted(lines, plan):
            self.refused += 1
            free, plan = self._open(lines, plan), self._under_gate(lines, t, duals, room)
            if self._open(lines, plan) == 0:
                self.bucket.refused()
            if self._open(lines, plan) > free:
                for i, n in zip(lines, plan, strict=True):
                    if n == self.nodes and self._somewhere(lines, i, t):
                        self.waiting.append((t, i))
                        self.waited += int(self.orders.qty[i])
        elif gated and any(size for size, capped in self._entries(lines, plan) if capped) and self._is_tight():
            other, _ = self._best(lines, t, duals, room, self._capped_nodes())
            if self._open(lines, other) <= self._open(lines, plan):
                self.tight, plan = self.tight + 1, other
        self._book(lines, plan, t)
        if gated and self.waiting:
            self._admit(int(self.orders.day[t]), duals)

    def _capped_nodes(self) -> set[int]:
        return {n for n in range(self.nodes) if self.side[n]}

    def _is_tight(self) -> bool:
        w = self.window
        return w.entered >= w.window and w.limit(w.window) - w.inside_capped <= self.control.reserve

    def _units(self, lines: range) -> int:
        return int(self.orders.qty[list(lines)].sum())

    def _size(self, i: int) -> int:
        return int(self.orders.value[i]) if self.control.measure == VALUE else int(self.orders.qty[i])

    def _open(self, lines: range, plan: Plan) -> int:
        return sum(int(self.orders.qty[i]) for i, n in zip(lines, plan, strict=True) if n == self.nodes)

    def _somewhere(self, lines: range, i: int, t: int) -> bool:
        o = self.orders
        return any(
            self.stock[o.sku[i], n] >= o.qty[i] and self.work[o.day[t], n] >= self._units(lines)
            for n in range(self.nodes)
        )

    def _each(self, i: int, n: int, t: int, duals: Duals) -> float:
        """Priced cost of line i at node n, cap room apart."""
        o, c = self.orders, self.costs
        s, dest = o.sku[i], o.dest[t]
        unit = c.per_unit[s, n] + c.per_weight[dest, n] * c.weight[s] + duals.stock[s, n] + duals.work[o.day[t], n]
        return float(o.qty[i] * unit)

    def _best(self, lines: range, t: int, duals: Duals, room: float, shut: set[int]) -> tuple[Plan, float]:
        """The least of all assignments."""
        o, control = self.orders, self.control
        ways: list[list[tuple[int, float]]] = []
        for i in lines:
            own = [(self.nodes, FILL * float(o.qty[i]))]
            for n in set(range(self.nodes)) - shut:
                if self.stock[o.sku[i], n] < o.qty[i] or self.work[o.day[t], n] < self._units(lines):
                    continue
                ticks = o.value[i] if control.measure == VALUE else o.qty[i]
                charge = 0.0 if control.by_part or not self.side[n] else room * float(ticks)
                own.append((n, self._each(i, n, t, duals) + charge))
            ways.append(own)
        fixed = [
            float(self.costs.fixed[o.dest[t], n]) + (room if self.side[n] and control.by_part else 0.0)
            for n in range(self.nodes)
        ]
        best, cost = (), float("inf")
        for combined in itertools.product(*ways):
            plan = tuple(n for n, _ in combined)
            total = sum(money for _, money in combined) + sum(fixed[n] for n in set(plan) if n < self.nodes)
            if total < cost:
                best, cost = plan, total
        return best, cost

    def _entries(self, lines: range, plan: Plan) -> list[tuple[int, bool]]:
        """The parts as entries of the counter: independent ones first, then by node."""
        found = []
        for side, n in sorted((self.side[n], n) for n in set(plan) if n < self.nodes):
            sizes = [self._size(i) for i, at in zip(lines, plan, strict=True) if at == n]
            found.append((1 if self.control.measure == PARTS else sum(sizes), bool(side)))
        return found

    def _admitted(self, lines: range, plan: Plan) -> bool:
        entries = self._entries(lines, plan)
        return not any(capped for _, capped in entries) or self.window.admits(entries)

    def _under_gate(self, lines: range, t: int, duals: Duals, room: float) -> Plan:
        """Independent nodes only, or one capped node that has room beside them."""
        least, best, capped = None, (), self._capped_nodes()
        for only in [None, *sorted(capped, reverse=True)]:
            plan, cost = self._best(lines, t, duals, room, capped - {only} if only is not None else capped)
            key = (self._open(lines, plan), cost)
            if (only is None or self._admitted(lines, plan)) and (least is None or key < least):
                least, best = key, plan
        return best

    def _book(self, lines: range, plan: Plan, t: int) -> None:
        for i, n in zip(lines, plan, strict=True):
            self.node[i] = n
            if n < self.nodes:
                self._take(i, n, int(self.orders.day[t]), t)
        used = {n for n in plan if n < self.nodes}
        self.cost += sum(float(self.costs.fixed[self.orders.dest[t], n]) for n in used)
        self.parts += len(used)
        for size, capped in self._entries(lines, plan):
            self._enter(size, capped=capped)

    def _take(self, i: int, n: int, day: int, t: int) -> None:
        o, c = self.orders, self.costs
        self.stock[o.sku[i], n] -= o.qty[i]
        self.work[day, n] -= o.qty[i]
        self.cost += float(o.qty[i] * (c.per_unit[o.sku[i], n] + c.per_weight[o.dest[t], n] * c.weight[o.sku[i]]))

    def _enter(self, size: int, *, capped: bool) -> None:
        self.window.enter(size, capped)
        self.bucket.enter(size, capped)
        self.capped += size * capped

    def _admit(self, day: int, duals: Duals) -> None:
        """One line that waits: the oldest; if no node has it any more, it goes behind the others."""
        t, i = self.waiting[0]
        o, c, size = self.orders, self.costs, 1 if self.control.measure == PARTS else self._size(self.waiting[0][1])
        s, q = o.sku[i], o.qty[i]
        open_ = self.window.admits([(size, True)])
        at = [
            n for n in range(self.nodes)
            if self.stock[s, n] >= q and self.work[day, n] >= q and (open_ or not self.side[n])
        ]  # fmt: skip
        if not at:
            if not (self.stock[s] >= q).any():
                self.waiting.append(self.waiting.pop(0))
            return
        self.waiting.pop(0)
        money = [
            float(c.fixed[o.dest[t], n] + q * (c.per_unit[s, n] + c.per_weight[o.dest[t], n] * c.weight[s] + duals.stock[s, n]))
            for n in at
        ]  # fmt: skip
        n = at[int(np.argmin(money))]
        self.node[i] = n
        self._take(i, n, day, t)
        self.cost += float(c.fixed[o.dest[t], n])
        self.parts += 1
        self._enter(size, capped=bool(self.side[n]))
