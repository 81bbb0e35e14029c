"""The policies that are measured: the frozen baseline, the bare counter, and prices from sampled futures with pending orders re-decided."""

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from benchmarks.route.instance import Beliefs, Instance, sample
from tranship.core.network import bucket_burst_bp, bucket_margin_bp
from tranship.routing.prices.dual import COLD, WARM, follow, mean_of
from tranship.routing.prices.problem import Caps, Duals, Goods, Orders, joined, no_duals, part_of
from tranship.routing.prices.stream import Control, Stream, Tally

FROZEN = Control(by_part=True)
"""The cap control of the release before prices: a price per fulfillment order, whatever the measure. Never changed."""


def control_of(window: int, *, cap_bp: int = 6_000, gated: bool = True) -> Control:
    """The cap control of this release for a window in units: `core.network.ShareCap` without settings of its own."""
    return Control(cap_bp, window, rate_bp=-bucket_margin_bp(window), burst_bp=bucket_burst_bp(window), gated=gated)


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the policy with prices."""

    solves_a_day: int = 4  # times that prices are made anew, the last at the day's end
    futures: int = 4
    first_passes: int = 60
    passes: int = 20
    warm: float = WARM[0]
    believed: float = 16.0  # weight of the forecast against what was sold: 1 / 0.25^2, the forecast's variance
    redecide: bool = True  # orders are pending until their day ends
    hold: float = 1.0  # of a day's orders, how many are still pending at its end
    sweeps: int = 3  # passes over what is pending, at most
    least_gain: float = 0.02  # money a move must save
    swing: float = 2.0  # price of cap room around an order's own place, see kernel_revise
    aim: float = 0.05
    refill: float = 0.597  # of the units to come, those that futures may give the capped side
    learned: float = 0.5  # weight of a new cap price against the bucket's


@dataclass(slots=True)
class Outcome:
    """One policy on one instance."""

    tally: Tally
    total: float  # money, unfilled units at the penalty
    seconds: float  # deciding, re-decisions included
    solving: float = 0.0
    moved: int = 0
    decisions: int = 0  # orders decided, each re-decision counted
    stream: Stream | None = field(default=None, repr=False)


def baseline(instance: Instance, control: Control = FROZEN) -> Outcome:
    """Every order at its own least cost, under a cap control."""
    stream = Stream(instance.costs, instance.goods, instance.orders, instance.side, control)
    return _played(instance, stream, nothing(instance))


def fixed(instance: Instance, duals: Duals, control: Control) -> Outcome:
    """The whole stream at prices that never change: with those of the bound, what a clairvoyant would fix beforehand."""
    stream = Stream(instance.costs, instance.goods, instance.orders, instance.side, control, int(duals.cap[0] * 1e6))
    return _played(instance, stream, duals)


def _played(instance: Instance, stream: Stream, duals: Duals) -> Outcome:
    """The whole stream at the same prices; an outage happens on its day."""
    stream.run(0, 0, duals)
    began, count, at = time.perf_counter(), instance.orders.length, 0
    if instance.outage is not None:
        at = int(np.searchsorted(instance.orders.day, instance.outage[0]))
        stream.run(0, at, duals)
        _strike(instance, stream, at)
    stream.run(at, count, duals)
    return _outcome(instance, stream, time.perf_counter() - began, decisions=count)


def _strike(instance: Instance, stream: Stream, at: int) -> bool:
    """Let the outage happen if order `at` is the first of its day."""
    if instance.outage is None or at != int(np.searchsorted(instance.orders.day, instance.outage[0])):
        return False
    stream.goods.work[instance.outage[0] :, list(instance.outage[1])] = 0
    return True


def nothing(instance: Instance) -> Duals:
    """No prices."""
    return no_duals(instance.goods.stock.shape[0], instance.goods.stock.shape[1], instance.goods.work.shape[0], 1)


def _outcome(instance: Instance, stream: Stream, seconds: float, **rest: float) -> Outcome:
    tally = stream.tally()
    total = tally.cost + instance.penalty * (
        tally.open + tally.late
    )  # a bound knows no later days: late is charged as unfilled
    return Outcome(tally, total, seconds, stream=stream, **rest)  # type: ignore[arg-type]


class Priced:
    """Prices from sampled futures, made anew through the cycle; what is pending is decided again at each and at a day's end."""

    def __init__(self, instance: Instance, control: Control, settings: Settings, seed: int = 5) -> None:
        self.instance, self.control, self.settings, self.beliefs = instance, control, settings, instance.beliefs
        self.rng = np.random.default_rng(seed)
        self.stream = Stream(instance.costs, instance.goods, instance.orders, instance.side, control)
        self.duals = nothing(instance)
        self.last = [nothing(instance) for _ in range(settings.futures)]
        self.sold = np.zeros(instance.goods.stock.shape[0])
        self.solving = self.deciding = 0.0
        self.moved = self.decisions = 0
        self.cold = True

    def run(self) -> Outcome:
        """The whole cycle."""
        orders = self.instance.orders
        self.stream.run(0, 0, self.duals)
        self._solve(0, 0, 0.0)
        for opened, begin, end, since in self._slices():
            if begin == opened and _strike(self.instance, self.stream, begin):
                self._solve(begin, begin, float(orders.day[begin]))  # a shock: prices are made anew at once
            began = time.perf_counter()
            self.stream.run(begin, end, self.duals)
            self.deciding += time.perf_counter() - began
            self.decisions += end - begin
            first, last = orders.start[begin], orders.start[end]
            self.sold += np.bincount(orders.sku[first:last], orders.qty[first:last], len(self.sold))
            pending = self._pending(opened, end)
            self._solve(pending, end, since)  # at a day's end with all its orders known: then they leave
            self._again(pending, end)
        return _outcome(
            self.instance, self.stream, self.deciding, solving=self.solving, moved=self.moved, decisions=self.decisions
        )

    def _slices(self) -> Iterator[tuple[int, int, int, float]]:
        """(first order of the day, begin, end, day at the end) between two solves: each day in equal slices."""
        ends = np.searchsorted(self.instance.orders.day, np.arange(self.instance.days), "right")
        for day, (first, last) in enumerate(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)):
            slices = self.settings.solves_a_day
            stops = np.linspace(first, last, slices + 1).astype(int).tolist()
            for i in range(slices):
                yield first, stops[i], stops[i + 1], day + (i + 1) / slices

    def _pending(self, opened: int, now: int) -> int:
        """First order that has not left yet: those of today, or the newest of them."""
        if not self.settings.redecide:
            return now
        return max(opened, now - int(self.settings.hold * (now - opened)))

    def _futures(self, now: int, since: float) -> list[Orders]:
        """Orders that may come until the cycle ends: from the beliefs, else drawn from those that came so far."""
        if self.beliefs is not None:
            ends = np.concatenate([[0.0], np.cumsum(self.beliefs.days)])
            gone = float(np.interp(since, np.arange(self.instance.days + 1), ends))
            believed = self._mix(self.beliefs, gone)
            return [sample(believed, self.beliefs.orders, self.rng, max(since, 1e-9)) for _ in self.last]
        return [_drawn(self.instance.orders, now, since, self.instance.days, self.rng) for _ in self.last]

    def _mix(self, beliefs: Beliefs, gone: float) -> Beliefs:
        """The forecast, updated with what was sold so far (gamma-Poisson)."""
        weight = self.settings.believed
        expected = beliefs.mix * beliefs.orders * float((beliefs.lines * np.arange(1, 4)).sum())
        rate = expected * (weight + self.sold) / (weight + expected * gone)
        return Beliefs(
            rate / rate.sum(),
            beliefs.error,
            beliefs.regions,
            beliefs.taste,
            beliefs.days,
            beliefs.lines,
            beliefs.orders,
        )

    def _supply(self, pending: int, now: int, since: float) -> Goods:
        """What is there for what is pending and what is to come."""
        held = self.stream.held(pending, now)
        work = self.stream.goods.work + held.work
        work[: max(0, math.ceil(since) - 1)] = 0
        return Goods(self.stream.goods.stock + held.stock, work)

    def _solve(self, pending: int, now: int, since: float) -> None:
        """Prices from futures: the pending orders as they are, then orders sampled until the cycle ends."""
        began, s, stream = time.perf_counter(), self.settings, self.stream
        supply = self._supply(pending, now, since)
        known = part_of(self.instance.orders, pending, now)
        spent = stream.capped(pending, now)
        room = max(0.0, self.control.cap_bp / 10_000 * min(self.control.window, stream.ticks) - stream.inside)
        futures = self._futures(now, since)

        def solve(ahead: Orders, last: Duals) -> Duals:
            caps = self._caps(s.refill * float(ahead.qty.sum()) + spent + room)
            steps, passes = (COLD, s.first_passes) if self.cold else ((s.warm, WARM[1]), s.passes)
            return follow(
                self.instance.costs, supply, joined(known, ahead), caps, last, penalty=self.instance.penalty,
                passes=passes, steps=steps,
            )[1]  # fmt: skip

        with ThreadPoolExecutor(2) as threads:
            self.duals = mean_of(list(threads.map(solve, futures, self.last)))
        learned, bucket = int(self.duals.cap[0] * 1e6), stream.bucket
        bucket[1] = learned if self.cold else int((1 - s.learned) * bucket[1] + s.learned * learned)
        self.cold = False
        self.solving += time.perf_counter() - began

    def _caps(self, budget: float) -> Caps:
        return self.instance.caps(budget if self.control.gated else -1.0)

    def _again(self, pending: int, now: int) -> None:
        """Decide what is pending again, until nothing moves."""
        if pending >= now:
            return
        began, s = time.perf_counter(), self.settings
        for _ in range(s.sweeps):
            moved = self.stream.revise(
                pending, now, self.duals, penalty=self.instance.penalty, least_gain=s.least_gain,
                base=float(self.duals.cap[0]), swing=s.swing, aim=s.aim,
            )  # fmt: skip
            self.moved += moved
            self.decisions += now - pending
            if not moved:
                break
        self.deciding += time.perf_counter() - began


def _drawn(orders: Orders, now: int, since: float, days: int, rng: np.random.Generator) -> Orders:
    """Orders drawn again from the first `now`, as many a day as came so far; none where nothing came."""
    if not now or since >= days:
        return part_of(orders, 0, 0)
    count = int(rng.poisson(now / max(since, 1e-9) * (days - since)))
    picked = rng.integers(0, now, count)
    lines = np.diff(orders.start)[picked]
    start = np.concatenate([[0], np.cumsum(lines)]).astype(np.int64)
    rows = np.repeat(orders.start[picked] - start[:-1], lines) + np.arange(int(start[-1]))
    day = np.sort(np.minimum(since + rng.random(count) * (days - since), days - 1e-9).astype(np.int64))
    return Orders(
        day,
        orders.dest[picked],
        orders.population[picked],
        start,
        orders.sku[rows],
        orders.qty[rows],
        orders.value[rows],
    )
