"""When a node would ship and a parcel would arrive: cut-off, working days, node capacity and transit days. Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tranship.core.network import Node
from tranship.core.time import add_working_days, date_to_day, local_day_minute, next_working_day

NOT_SERVED = 255
"""Transit days of a lane that the service does not offer."""
CAPACITY_HORIZON = 20
"""Working days that a full node is looked ahead before it counts as full."""


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PLAIN = ("sat", "sun")


class Workdays:
    """The days on which a node ships: all but its weekend and its holidays."""

    def __init__(self, weekend: Sequence[str], holidays: Sequence[str]) -> None:
        self._off = frozenset(WEEKDAYS.index(name) for name in weekend)
        self._holidays = frozenset(date_to_day(dt.date.fromisoformat(text)) for text in holidays)
        self._plain = set(weekend) == set(_PLAIN) and not holidays
        assert len(self._off) < 7, "a node ships on one day of the week at least"

    def next(self, day: int) -> int:
        """The first day at or after `day` on which it ships."""
        if self._plain:
            return next_working_day(day)
        while (day + 3) % 7 in self._off or day in self._holidays:
            day += 1
        return day

    def add(self, day: int, count: int) -> int:
        """`count` of its days after `day`, or after the first of them where it does not ship that day."""
        if self._plain:
            return add_working_days(day, count)
        day = self.next(day)
        for _ in range(count):
            day = self.next(day + 1)
        return day


@lru_cache(maxsize=1024)
def _workdays(weekend: tuple[str, ...], holidays: tuple[str, ...]) -> Workdays:
    return Workdays(weekend, holidays)


def workdays(node: Node) -> Workdays:
    """The days on which this node ships."""
    return _workdays(node.weekend, node.holidays)


class Calendar:
    """Earliest ship days of all nodes. Caches by minute of day, because many orders share one."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._days = [workdays(node) for node in nodes]
        self._minute = -1
        self._earliest: list[int] = []

    def earliest_ship_days(self, at: int) -> list[int]:
        """First working day each node can still ship an order placed at `at`, were there no other work."""
        minute = at // 60_000_000
        if minute != self._minute:
            self._minute = minute
            found = [_earliest(node, days, at) for node, days in zip(self._nodes, self._days, strict=True)]
            if found != self._earliest:  # the same list while the days are the same: what is kept under it stays good
                self._earliest = found
        return self._earliest

    def ship_day(self, node: int, earliest: int, units: int, used: Mapping[int, int]) -> int:
        """First working day by which the node's free capacity has taken in `units`; -1 where that is beyond the horizon.

        Units fill the days from `earliest` on; the order ships when its last unit fits.
        """
        capacity = self._nodes[node].capacity_units
        if capacity <= 0:
            return earliest
        day, left, days = earliest, units, self._days[node]
        for _ in range(CAPACITY_HORIZON):
            left -= max(0, capacity - used.get(day, 0))
            if left <= 0:
                return day
            day = days.next(day + 1)
        return -1


def book(node: Node, earliest: int, units: int, used: dict[int, int], ship_day: int) -> dict[int, int]:
    """Take the capacity that `ship_day` found: days fill from `earliest` on, what is left is booked on the ship day itself.

    Returns what was taken: day -> units.
    """
    taken: dict[int, int] = {}
    day, left, capacity, days = earliest, units, node.capacity_units, workdays(node)
    while left > 0 and day < ship_day:
        take = min(left, max(0, capacity - used.get(day, 0)))
        if take:
            taken[day] = take
            left -= take
        day = days.next(day + 1)
    if left > 0:
        taken[ship_day] = left
    for day, take in taken.items():
        used[day] = used.get(day, 0) + take
    return taken


def _earliest(node: Node, days: Workdays, at: int) -> int:
    day, minute = local_day_minute(at, node.zone)
    ready = days.next(day)
    if ready == day and minute >= node.cutoff_min:
        ready = days.next(day + 1)
    return days.add(ready, node.handling_days)


def promise_day(at: int, zone: str, working_days: int) -> int:
    """Destination-local day by which an order placed at `at` is due."""
    day, _ = local_day_minute(at, zone)
    return add_working_days(day, working_days)
