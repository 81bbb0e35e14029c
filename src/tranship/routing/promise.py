"""When a node would ship and a parcel would arrive: cut-off, working days, node capacity and transit days. Pure."""

from collections.abc import Mapping, Sequence

from tranship.core.network import Node
from tranship.core.time import add_working_days, local_day_minute, next_working_day

NOT_SERVED = 255
"""Transit days of a lane that the service does not offer."""
CAPACITY_HORIZON = 20
"""Working days that a full node is looked ahead before it counts as full."""


class Calendar:
    """Earliest ship days of all nodes. Caches by minute of day, because many orders share one."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._minute = -1
        self._earliest: list[int] = []

    def earliest_ship_days(self, at: int) -> list[int]:
        """First working day each node can still ship an order placed at `at`, were there no other work."""
        minute = at // 60_000_000
        if minute != self._minute:
            self._minute = minute
            found = [_earliest(node, at) for node in self._nodes]
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
        day, left = earliest, units
        for _ in range(CAPACITY_HORIZON):
            left -= max(0, capacity - used.get(day, 0))
            if left <= 0:
                return day
            day = next_working_day(day + 1)
        return -1


def book(capacity: int, earliest: int, units: int, used: dict[int, int], ship_day: int) -> dict[int, int]:
    """Take the capacity that `ship_day` found: days fill from `earliest` on, what is left is booked on the ship day itself.

    Returns what was taken: day -> units.
    """
    taken: dict[int, int] = {}
    day, left = earliest, units
    while left > 0 and day < ship_day:
        take = min(left, max(0, capacity - used.get(day, 0)))
        if take:
            taken[day] = take
            left -= take
        day = next_working_day(day + 1)
    if left > 0:
        taken[ship_day] = left
    for day, take in taken.items():
        used[day] = used.get(day, 0) + take
    return taken


def _earliest(node: Node, at: int) -> int:
    day, minute = local_day_minute(at, node.zone)
    ready = next_working_day(day)
    if ready == day and minute >= node.cutoff_min:
        ready = next_working_day(day + 1)
    return add_working_days(ready, node.handling_days)


def promise_day(at: int, zone: str, working_days: int) -> int:
    """Destination-local day by which an order placed at `at` is due."""
    day, _ = local_day_minute(at, zone)
    return add_working_days(day, working_days)
