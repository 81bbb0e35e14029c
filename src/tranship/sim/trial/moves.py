"""Who moved from where to where, and why: two outcomes of the same orders held against each other, line by line."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.routing.model import Reason
from tranship.sim.trial.outcome import Outcome

Ints = NDArray[np.int64]

WHY = {
    "closed": "where it was is closed",
    "opened": "where it goes was closed",
    "cap": "no room under the cap any more",
    "cap_room": "room under the cap",
    "leak": "the leak budget keeps it off where it was",
    "leak_room": "the leak budget lets it go there",
    "stock": "no stock left where it was",
    "stock_left": "stock left where it goes",
    "capacity": "no capacity left where it was",
    "capacity_left": "capacity left where it goes",
    "promise": "it would be late from where it was",
    "in_time": "in time from where it goes",
    "rule": "another rule, limit or preference",
    "card": "other prices",
    "cap_price": "another price of cap room",
    "rest": "goes with the rest of its order",
    "timing": "it was decided at another time",
    "other": "another combination came out cheaper",
}
"""Every reason for a move, in words."""
_LEFT = {
    Reason.CLOSED: "closed", Reason.CAP: "cap", Reason.LEAK: "leak", Reason.STOCK: "stock", Reason.FULL: "capacity", Reason.LATE: "promise",
}  # fmt: skip
_CAME = {
    Reason.CLOSED: "opened", Reason.CAP: "cap_room", Reason.LEAK: "leak_room", Reason.STOCK: "stock_left", Reason.FULL: "capacity_left",
    Reason.LATE: "in_time",
}  # fmt: skip


class Move(NamedTuple):
    """Units of a line that are at `target` in the variation instead of `source`; places as in `outcome`."""

    order: int
    line: int
    source: int
    target: int
    units: int
    why: str


def moves(base: Outcome, other: Outcome) -> list[Move]:
    """Every move, by order and line."""
    found = list(_unexplained(base, other))
    explain = _Explainer(base, other)
    whys = [explain.why(*move) for move in found]
    told = {move[0] for move, why in zip(found, whys, strict=True) if why != "other"}
    return [
        Move(*move, "rest" if why == "other" and move[0] in told else why)
        for move, why in zip(found, whys, strict=True)
    ]


def _unexplained(base: Outcome, other: Outcome) -> Iterator[tuple[int, int, int, int, int]]:
    """(order, line, from, to, units): what left one place and came to another, the nearest places first."""
    line_order = base.line_order()
    for line, places, units in _differences(base, other):
        sources = [(place, -n) for place, n in zip(places, units, strict=True) if n < 0]
        targets = [[place, n] for place, n in zip(places, units, strict=True) if n > 0]
        for place, left in sources:
            for target in targets:
                take = min(left, target[1])
                if take:
                    target[1] -= take
                    left -= take
                    yield int(line_order[line]), line, place, target[0], take
            assert not left, "a line has as many units in both arms"


def _differences(base: Outcome, other: Outcome) -> Iterator[tuple[int, list[int], list[int]]]:
    """(line, places, units more in the variation) of each line that differs."""
    places = len(base.nodes) + 3
    keys = np.concatenate([arm.placed[:, 0] * places + arm.placed[:, 1] for arm in (base, other)])
    units = np.concatenate([-base.placed[:, 2], other.placed[:, 2]])
    cells, index = np.unique(keys, return_inverse=True)
    sums = np.bincount(index, weights=units, minlength=len(cells)).astype(np.int64)
    chosen = np.flatnonzero(sums)
    lines, at, more = cells[chosen] // places, cells[chosen] % places, sums[chosen]
    bounds = np.flatnonzero(np.diff(lines, prepend=-1, append=-1)).tolist() if len(lines) else []
    for first, last in pairwise(bounds):
        yield int(lines[first]), at[first:last].tolist(), more[first:last].tolist()


class _Explainer:
    """Looks up what both arms' first decisions of an order say of the two places."""

    def __init__(self, base: Outcome, other: Outcome) -> None:
        self.base, self.other, self.nodes = base, other, len(base.nodes)
        self.repriced = [a != b for a, b in zip(base.cards, other.cards, strict=True)]

    def why(self, order: int, line: int, source: int, target: int, _units: int) -> str:
        """The nearest reason: what shut the one place, what opened the other, then what made it dearer."""
        nodes, base, other = self.nodes, self.base, self.other
        if source < nodes:
            reason = int(other.reasons[order, source])
            if reason != Reason.OK and reason != base.reasons[order, source]:
                return _LEFT.get(Reason(reason), "rule")
            if not _had(other, line, source) and _had(base, line, source):
                return "stock"
        if target < nodes:
            reason = int(base.reasons[order, target])
            if reason != Reason.OK and reason != other.reasons[order, target]:
                return _CAME.get(Reason(reason), "rule")
            if not _had(base, line, target) and _had(other, line, target):
                return "stock_left"
        if source >= nodes or target >= nodes:
            return "timing"
        if self.repriced[source] or self.repriced[target]:
            return "card"
        gap = [int(arm.room[order, source]) - int(arm.room[order, target]) for arm in (base, other)]
        return "cap_price" if gap[0] != gap[1] else "other"


def _had(arm: Outcome, line: int, node: int) -> bool:
    return bool(arm.had[line, node >> 3] & (0x80 >> (node & 7)))
