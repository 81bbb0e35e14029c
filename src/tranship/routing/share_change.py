"""Orders that move keep their place in a cap's population: what of a counter's entries changes, and whether that is admitted.

A fulfillment order that is decided again before it is released is not entered twice. Its entry stays where it is and changes sides; an
entry too many leaves, one more is entered at the end. That rewrites windows of the past, so it is admitted only where every prefix and
every full window that holds a changed entry is within the cap with the change: what was published about any window stays true.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.core.network import FULL_BP

Ints = NDArray[np.int64]
Entry = tuple[int, bool]
"""(size in the cap's measure, capped)."""


class Change(NamedTuple):
    """What changes in one counter: entries that turn in place, entries that leave, entries that come in at the end."""

    flips: list[tuple[int, bool]] = []  # (position, capped from now on)
    leaving: list[int] = []
    entering: list[Entry] = []

    def with_more(self, other: "Change") -> "Change":
        """Both changes as one."""
        return Change(self.flips + other.flips, self.leaving + other.leaving, self.entering + other.entering)


class Standing(NamedTuple):
    """What an order has in one counter while it is decided again."""

    own: list[tuple[int, int, bool]]  # (position, size, capped) of the parts that are given up
    spare: list[tuple[int, int, bool]] = []  # of parts that were voided on the independent side: their place is free
    also: Change = Change()  # what another order, moved in the same step, changes


def matched(standing: Standing, new: Sequence[Entry]) -> tuple[Change, list[int]]:
    """Give the new entries the places of the old ones of the same size; per new entry its place, -1: entered at the end, in order.

    Places of the same side first, so that as little as possible turns; then the other side's; then those of void parts.
    """
    places = [-1] * len(new)
    own, spare = list(standing.own), list(standing.spare)
    flips: list[tuple[int, bool]] = []
    for pool, same in ((own, True), (own, False), (spare, True), (spare, False)):
        for i, (size, capped) in enumerate(new):
            if places[i] >= 0:
                continue
            found = next((held for held in pool if held[1] == size and (held[2] == capped) is same), None)
            if found is not None:
                pool.remove(found)
                places[i] = found[0]
                if not same:
                    flips.append((found[0], capped))
    entering = [entry for entry, place in zip(new, places, strict=True) if place < 0]
    return Change(flips, [position for position, _, _ in own], entering), places


class Stretch:
    """A stretch of a counter's entries as they would be after a change, and the windows in it that hold something changed."""

    def __init__(self, window: int, sizes: Ints, capped: NDArray[np.bool_], changed: Sequence[int], first: int) -> None:
        """Look at every window that ends with entry `first` or later.

        `sizes`, `capped`: entries after the change, from at least `window` of the measure before entry `first` on, or from the beginning;
        `changed`: indexes into them, ascending, none before `first`.
        """
        total = np.cumsum(sizes)
        part = np.cumsum(np.where(capped, sizes, 0))
        ends = np.arange(first, len(sizes))
        begin = total[ends] - window  # where the window of each end begins, in the measure
        whole = np.searchsorted(total, begin, "right")  # entries wholly before it
        before = np.maximum(whole - 1, 0)
        gone = np.where(whole > 0, part[before], 0)
        inside_oldest = np.where(whole > 0, begin - total[before], begin)
        gone = gone + np.where((begin > 0) & capped[np.minimum(whole, len(sizes) - 1)], inside_oldest, 0)
        at = np.asarray(changed, np.int64)
        newest = np.searchsorted(at, ends, "right") - 1
        held = (newest >= 0) & (total[at[np.maximum(newest, 0)]] > begin) & (sizes[ends] > 0)
        self.capped: Ints = (part[ends] - np.where(begin > 0, gone, 0))[held]
        self.inside: Ints = np.minimum(total[ends], window)[held]

    def sound(self, cap_bp: int) -> bool:
        """Whether each of these windows is within the cap."""
        return bool((self.capped <= cap_bp * self.inside // FULL_BP).all())

    def highest_bp(self) -> int:
        """The highest share of these windows, rounded up to a basis point."""
        full = self.inside > 0
        return int((-(-self.capped[full] * FULL_BP // self.inside[full])).max(initial=0))


def lowers(change: Change, capped_of: Iterable[bool]) -> bool:
    """Whether a change can only lower shares: to the independent side, or out of the capped one (`capped_of` those that leave)."""
    return (
        not any(capped for _, capped in change.flips)
        and all(capped_of)
        and not any(capped for _, capped in change.entering)
    )
