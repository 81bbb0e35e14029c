"""How sure a transit time is: the odds of extra days on a lane, learned from shipments that arrived. Pure and deterministic.

A *delay* is what a shipment took beyond its planned days (negative: early). Its distribution on a lane is that of the lane's own
shipments as far as there are any, and otherwise that of wider groups: the node's shipments to that state, those from state to state,
those of the same planned days, all. Each group is a prior of the next one, worth `strengths` shipments; a lane with many shipments
leaves it behind. With whole observations that is Dirichlet smoothing of a histogram. Shipments still on the road say that they have
taken *at least* so long, and leaving them out would make every lane look fast; so hazards are smoothed instead of shares
(S. Walker, P. Muliere, "Beta-Stacy processes and a generalization of the Polya-urn scheme", Annals of Statistics 25, 1997), which is
the same thing where nothing is on the road.

Weights are integers and arithmetic is +, -, *, /, sqrt in one order, so the same observations, in any order, give the same numbers.
Probabilities leave this module as whole basis points, rounded down.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.core.network import FULL_BP
from tranship.core.time import working_days_between

Floats = NDArray[np.float64]
WHOLE = 1 << 20
"""Weight of one shipment of the newest month."""
MOST_ROWS = 200_000
"""Remembered lanes; above, all are forgotten (a limit on memory)."""


class Lane(NamedTuple):
    """What is known of a shipment before it leaves. `origin` is the node; `dest` its destination group, such as a ZIP3; "": unknown."""

    origin: str
    origin_state: str
    dest: str
    dest_state: str
    service: str
    planned: int


class Seen(NamedTuple):
    """`shipments` on a lane that took `actual` days; `on_the_road`: they have taken so many and have not arrived."""

    lane: Lane
    actual: int
    month: int = 0  # months since any fixed one, of the hand-over; 0: not known, it counts as the newest
    shipments: int = 1
    on_the_road: bool = False


Key = tuple[object, ...]
LEVELS: dict[str, Callable[[Lane], Key | None]] = {
    "all": lambda _: (),
    "planned": lambda lane: (lane.service, lane.planned),
    "states": lambda lane: _whole(lane.service, lane.origin_state, lane.dest_state),
    "origin": lambda lane: _whole(lane.service, lane.origin),
    "reach": lambda lane: _whole(lane.service, lane.origin, lane.dest_state),
    "lane": lambda lane: _whole(lane.service, lane.origin, lane.dest),
}
"""Groups of shipments by name: what shipments of one group share (None: not known of this lane)."""


class Settings(NamedTuple):
    """How odds are learned. Defaults are those of docs/promise.md, where they were tried."""

    levels: tuple[tuple[str, int], ...] = (
        ("all", 10),
        ("planned", 50),
        ("states", 100),
        ("origin", 50),
        ("reach", 50),
        ("lane", 50),
    )  # widest first: name of the group, and how many shipments the group before it is worth
    early: int = 10  # delays from -early ...
    late: int = 30  # ... to late are told apart
    half_life: int = 12  # months after which a shipment weighs half; 0: all weigh the same
    cautious: bool = False  # the lower end of what few shipments allow, instead of the expected share


class Odds:
    """Odds of a delay by lane. `chance` and `p_on_time` are basis points; a lane nobody shipped on has the odds of its wider groups."""

    def __init__(self, seen: Iterable[Seen], settings: Settings = Settings()) -> None:  # noqa: B008 - a frozen value
        self.settings = settings
        self._width = settings.early + settings.late + 1
        seen = list(seen)
        self._services = {one.lane.service for one in seen}
        self._groups = self._count(seen)
        self._rows: dict[Lane, tuple[int, ...]] = {}

    def _count(self, seen: Sequence[Seen]) -> dict[tuple[str, Key], "_Group"]:
        early, width = self.settings.early, self._width
        newest = max((one.month for one in seen), default=0)
        weigh = partial(_weight, half_life=self.settings.half_life)
        groups: dict[tuple[str, Key], _Group] = {}
        for one in seen:
            delay = one.actual - one.lane.planned + early
            place = min(max(delay, 0), width)
            if one.on_the_road and delay <= 0:
                continue  # not yet as long as the shortest delay that is told apart
            weight = one.shipments * weigh(newest - one.month if one.month else 0)
            for name, _ in self.settings.levels:
                key = LEVELS[name](one.lane)
                if key is not None:
                    group = groups.get((name, key))
                    if group is None:
                        group = groups[name, key] = _Group(width)
                    (group.gone if one.on_the_road else group.arrived)[place] += weight
        for group in groups.values():
            group.settle()
        return groups

    def row(self, lane: Lane) -> tuple[int, ...]:
        """Basis points of arriving with at most -early, ..., late extra days; never falling from one to the next."""
        if lane.service not in self._services:
            lane = lane._replace(service="")
        found = self._rows.get(lane)
        if found is None:
            if len(self._rows) >= MOST_ROWS:
                self._rows.clear()
            found = self._rows[lane] = self._row(lane)
        return found

    def _row(self, lane: Lane) -> tuple[int, ...]:
        width = self._width
        share = np.full(width, 1.0 / (width + 1))  # nothing known: any delay, or longer than all that are told apart
        left = 1.0 - np.arange(1, width + 1) / (width + 1)
        known = 0.0
        for name, strength in self.settings.levels:
            key = LEVELS[name](lane)
            group = self._groups.get((name, key)) if key is not None else None
            if group is None:
                continue
            before = np.concatenate(([1.0], left[:-1]))
            hazard = (group.arrived[:width] + WHOLE * strength * share) / np.maximum(
                group.risk + WHOLE * strength * before, 1.0
            )
            left = np.cumprod(1.0 - np.minimum(hazard, 1.0))
            share = np.concatenate(([1.0], left[:-1])) - left
            known = group.weight / WHOLE + min(known, float(strength))
        arrived = np.clip(1.0 - left, 0.0, 1.0)
        if self.settings.cautious:
            arrived = _lower_end(arrived, known)
        points = np.floor(arrived * FULL_BP + 1e-6).astype(
            np.int64
        )  # a whole number, up to the error of the sum, is one
        return tuple(np.maximum.accumulate(points).tolist())

    def chance(self, lane: Lane, extra: int) -> int:
        """Basis points of arriving with at most `extra` days beyond the planned ones (negative: earlier than planned)."""
        place = extra + self.settings.early
        return 0 if place < 0 else self.row(lane)[min(place, self._width - 1)]

    def p_on_time(self, lane: Lane, planned_day: int, promise_day: int) -> int:
        """Basis points of arriving by `promise_day`, planned for `planned_day` (day numbers; working days are counted between them)."""
        return self.chance(lane, working_days_between(planned_day, promise_day))

    def extra_days(self, lane: Lane, level_bp: int) -> int:
        """Fewest days beyond the planned ones within which it arrives with at least `level_bp`; `late + 1` where none are enough."""
        row = self.row(lane)
        place = next((i for i, points in enumerate(row) if points >= level_bp), len(row))
        return place - self.settings.early

    def quantile_days(self, lane: Lane, level_bp: int) -> int:
        """Days within which it arrives with at least `level_bp`: the planned ones and the extra ones, at least 0."""
        return max(0, lane.planned + self.extra_days(lane, level_bp))

    def worth_days(self, lane: Lane, late_days: int) -> int:
        """Days to promise where being late is as bad as a promise `late_days` longer: fewest of days + odds of being late x that.

        Promises of equal odds spend many days on lanes that are all tail; this one spends a day where it keeps the most promises.
        """
        row, early = self.row(lane), self.settings.early
        cost = [FULL_BP * place + (FULL_BP - points) * late_days for place, points in enumerate(row)]
        return max(0, lane.planned + cost.index(min(cost)) - early)

    def table(self, lanes: Sequence[Lane]) -> NDArray[np.uint16]:
        """Rows of many lanes: basis points `[lane, extra days + early]`."""
        return np.array([self.row(lane) for lane in lanes], np.uint16).reshape(len(lanes), self._width)


class _Group:
    """Weights of one group by delay: of what arrived, and of what was on the road for that long when last seen."""

    __slots__ = ("arrived", "gone", "risk", "weight")

    def __init__(self, width: int) -> None:
        self.arrived: NDArray[np.int64] = np.zeros(width + 1, np.int64)  # last place: later than all told apart
        self.gone: NDArray[np.int64] = np.zeros(width + 1, np.int64)  # [i]: known to be later than i - 1
        self.risk: NDArray[np.int64] = self.arrived
        self.weight = 0

    def settle(self) -> None:
        """Count who could still have arrived at each delay, when all are in."""
        arrived = np.cumsum(self.arrived[::-1])[::-1][:-1]
        waiting = np.cumsum(self.gone[::-1])[::-1][1:]  # known to be later than this very place
        self.risk = arrived + waiting
        self.weight = int(self.arrived.sum() + self.gone.sum())


def _whole(*names: str) -> Key | None:
    """The key, or None where a name behind the service is not known."""
    return names if "" not in names[1:] else None


def _weight(age: int, half_life: int) -> int:
    """Weight of a shipment by age in months: a straight line between halvings, because a power is not the same on every machine."""
    if half_life <= 0 or age <= 0:
        return WHOLE
    halvings, rest = divmod(age, half_life)
    return WHOLE * (2 * half_life - rest) // (2 * half_life) >> min(halvings, 20)


def _lower_end(share: Floats, known: float) -> Floats:
    """Lower end of the 80 % Wilson interval: nine times in ten the truth is above it (E. B. Wilson, JASA 22, 1927)."""
    z = 1.2815515655446004
    known = max(known, 1e-9)
    middle = share + z * z / (2 * known)
    spread = z * np.sqrt(share * (1.0 - share) / known + z * z / (4 * known * known))
    return np.clip((middle - spread) / (1.0 + z * z / known), 0.0, 1.0)


def spread_of(share: float, count: float) -> float:
    """Standard error of a share seen among `count`: what a calibration table shows beside it."""
    return sqrt(max(share * (1.0 - share), 0.0) / count) if count > 0 else 0.0
