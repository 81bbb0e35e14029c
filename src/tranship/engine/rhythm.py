"""When the clock makes the engine look at unreleased orders: once an hour, and shortly before a node's cut-off."""

from tranship.core.network import Node
from tranship.core.time import MICROS_PER_HOUR, local_day_minute
from tranship.engine.state import State

MINUTES_BEFORE = 10
"""A look comes at most so many minutes before a cut-off: late enough to know the day's orders, early enough to ship the same day."""
_MICROS_PER_MINUTE = MICROS_PER_HOUR // 60


def last_ship_day(node: Node, at: int) -> int:
    """The last day whose cut-off at the node has passed."""
    day, minute = local_day_minute(at, node.zone)
    return day if minute >= node.cutoff_min else day - 1


def is_time_to_look(state: State, at: int) -> bool:
    """Whether a clock tick at this time looks at unreleased orders. A rebuild answers as the run did: only events are read."""
    if not state.require_network().policy.redecide:
        return False
    since = at - state.looked_at
    if since >= MICROS_PER_HOUR:
        return True
    return since >= MINUTES_BEFORE * _MICROS_PER_MINUTE and any(
        _closes_soon(node, at) and any(day <= last_ship_day(node, at) + 1 for day in due)
        for node, due in zip(state.require_network().nodes, state.due, strict=False)
    )


def _closes_soon(node: Node, at: int) -> bool:
    _, minute = local_day_minute(at, node.zone)
    return 0 < node.cutoff_min - minute <= MINUTES_BEFORE
