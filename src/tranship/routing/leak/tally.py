"""What the planner is told of a week: own orders as they were asked about, and what the network was shown, summed up per SKU."""

from collections.abc import Sequence

import numpy as np

from tranship.routing.leak.memory import BINS
from tranship.routing.leak.model import LeakVerdict
from tranship.routing.leak.planner import Week, bin_of


class Tally:
    """One network's running week. Every own order is `asked` once, on arrival; `shown` books what went to the network in the end."""

    def __init__(self, skus: int) -> None:
        self.lines, self.accepted, self.exposed = [0] * skus, [0] * skus, [0] * skus
        self.spread = [0] * BINS

    def asked(self, skus: Sequence[int], verdict: LeakVerdict | None) -> None:
        """An own order came in, with these SKUs; `verdict` None: the gate was not asked (a rule kept it off before)."""
        for i, sku in enumerate(skus):
            weight = verdict.accepted_ppm[i] if verdict is not None else 0
            self.lines[sku] += 1
            self.accepted[sku] += weight
            self.spread[bin_of(weight)] += 1

    def shown(self, skus: Sequence[int]) -> None:
        """The network got a part with these SKUs."""
        for sku in skus:
            self.exposed[sku] += 1

    def week(self, week: int) -> Week:
        """The sums as the planner takes them; this tally is not changed."""
        parts = (self.lines, self.accepted, self.exposed, self.spread)
        return Week(week, *(np.array(part, np.int64) for part in parts))

    @property
    def state(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """What a snapshot keeps: lines, accepted ppm and exposures per SKU, lines per bin of weight."""
        return self.lines, self.accepted, self.exposed, self.spread

    @classmethod
    def of(cls, state: tuple[Sequence[int], ...]) -> "Tally":
        """A tally from its `state`."""
        tally = cls(0)
        tally.lines, tally.accepted, tally.exposed, tally.spread = (list(part) for part in state)
        return tally
