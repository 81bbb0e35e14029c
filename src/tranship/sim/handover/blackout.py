"""An hour in which one network is dark: how soon orders that arrive during it have a place elsewhere, with hold and without."""

from random import Random

import msgspec

from tranship.core.capability import Capability
from tranship.engine.state import CANCELLED, PROCESSING
from tranship.sim.handover.ground import BOB, MONDAY, OWN, Ground
from tranship.sim.handover.loop import HOUR, SECOND
from tranship.sim.handover.wire import LATEST_S, Faults
from tranship.sim.handover.world import AMAZON, MINUTE, Setting, World

START = MONDAY + 4 * HOUR
END = START + HOUR
WITHIN_S = 120
"""Within so many seconds of its arrival an order should have a place that is not dark."""
DETECTED_S = 10
"""Until the breaker opens: what the health of nodes is measured to take (docs/health.md)."""


class Blackout(msgspec.Struct, frozen=True):
    """Orders that arrived during the blackout, how many had a place elsewhere in time, and what was wrong in the end."""

    arrived: int
    in_time: int
    unnoticed: int  # of them, those that came before the breaker opened, and were handed to the dark network
    unnoticed_in_time: int
    slowest_s: int  # of those that got a place elsewhere
    double_shipped: int
    lost: int

    @property
    def share(self) -> float:
        """Of those that arrived."""
        return self.in_time / self.arrived if self.arrived else 1.0


class DarkWorld(World):
    """Steady orders, spare capacity everywhere, and the cheapest network dark for an hour. Late orders are handed over at once."""

    def __init__(self, seed: int, *, hold: bool, orders: int = 40) -> None:
        self.hold = hold
        self.arrivals: dict[str, int] = {}
        self.unnoticed: set[str] = set()
        self.placed_at: dict[str, int] = {}
        super().__init__(seed, Setting(orders=orders, level=0.05, crashes=0, cancels=0.0, lies=False))

    def _made(self, _rng: Random) -> Ground:
        amazon = Capability(self.hold, True, True, "async", True, 60, 0)
        bob = Capability(False, True, True, "sync", True, 0, LATEST_S)
        return Ground(amazon, bob, hold_min=480, release_min=60 if self.hold else 480, capped=False)

    def _faults(self, rng: Random) -> Faults:
        dark = ((START, END),) if not self.sides and not getattr(self, "_first", False) else ()
        self._first = True
        share = self.setting.level / 6
        return Faults(share, share, share, share, share, 0.0, 0.0, 0.1, 2, rng.choice((1, 60)), dark)

    def _units(self) -> tuple[int, ...]:
        return (1_000, 1_000, 1_000)

    def _schedule(self) -> None:
        count = self.setting.orders
        for number in range(count):
            if number % 4 == 0:  # before anybody has noticed
                at = START + number * DETECTED_S * SECOND // count
                self.unnoticed.add(f"sim:{number}")
            else:
                at = START - HOUR // 2 + number * 2 * HOUR // count
            self.loop.at(at, self._order, number)
            if START <= at < END:
                self.arrivals[f"sim:{number}"] = at
        for side in self.sides.values():
            self.loop.at(MONDAY + MINUTE, self._look, side)
        self.loop.at(START + DETECTED_S * SECOND, self._breaker, self.sides[AMAZON], "open")
        self.loop.at(END + MINUTE, self._breaker, self.sides[AMAZON], "closed")
        self.loop.at(MONDAY + MINUTE, self._tick)
        self.loop.at(START - HOUR, self._often)

    def _often(self) -> None:
        """The driver looks every few seconds at what is due, and where orders stand."""
        self._drive()
        self._watch()
        if self.loop.now < END + 2 * HOUR:
            self.loop.after(5 * SECOND, self._often)

    def _watch(self) -> None:
        """When an order first has all its units where it is light."""
        for order_id in self.arrivals:
            order = self.shard.state.orders.get(order_id)
            if order is None or order_id in self.placed_at or order.rests:
                continue
            parts = [part for part in order.parts.values() if part.status != CANCELLED]
            if parts and all(part.node in {BOB, OWN} or part.status != PROCESSING for part in parts):
                self.placed_at[order_id] = self.loop.now

    def measured(self) -> Blackout:
        """Play it and count."""
        found = self.run()
        waits = {order_id: (at - self.arrivals[order_id]) // SECOND for order_id, at in self.placed_at.items()}
        in_time = {order_id for order_id, wait in waits.items() if wait <= WITHIN_S}
        return Blackout(
            len(self.arrivals), len(in_time), len(self.unnoticed), len(in_time & self.unnoticed),
            max(waits.values(), default=0), found.double_shipped, found.lost,
        )  # fmt: skip


def blackout(seeds: range, *, hold: bool, orders: int = 40) -> Blackout:
    """Many such hours together."""
    all_of = [DarkWorld(seed, hold=hold, orders=orders).measured() for seed in seeds]
    return Blackout(
        sum(each.arrived for each in all_of), sum(each.in_time for each in all_of),
        sum(each.unnoticed for each in all_of), sum(each.unnoticed_in_time for each in all_of),
        max(each.slowest_s for each in all_of), sum(each.double_shipped for each in all_of), sum(each.lost for each in all_of),
    )  # fmt: skip
