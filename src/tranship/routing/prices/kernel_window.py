"""A share cap's window over a whole rehearsed stream, compiled: every unit of the measure is a tick with a side, kept for good.

The rule is `routing.share.ShareWindow`'s: after any tick the capped ones among the last `width` are at most floor(cap * min(n, width)).
Here a tick may change side later (an order that is decided again keeps its place), if every window that holds it still keeps the rule.
"""

# mypy: disable-error-code="no-any-return"

from typing import NamedTuple

from tranship.routing.kernel_cost import Array
from tranship.routing.kernel_jit import inlined, inner

FULL = 10_000


class Window(NamedTuple):
    """Ticks entered so far, each with its side and the capped ones in the window that ends with it."""

    side: Array  # [E] int8
    inside: Array  # [E] int64
    count: Array  # [1] int64 ticks so far
    rule: Array  # [2] int64 width, cap in basis points


@inlined
def limit(window: Window, ticks: int) -> int:
    """Capped ticks allowed in the window once so many have been entered."""
    return window.rule[1] * min(ticks, window.rule[0]) // FULL


@inner
def admits(window: Window, independent: int, capped: int) -> bool:
    """Whether so many independent ticks and then so many capped ones may enter."""
    count, width = window.count[0], window.rule[0]
    now = window.inside[count - 1] if count else 0
    for j in range(independent + capped):
        e, mine = count + j, 1 if j >= independent else 0
        gone = 0
        if e >= width:
            old = e - width
            if old < count:
                gone = window.side[old]
            elif old - count >= independent:
                gone = 1
        now += mine - gone
        if mine and now > limit(window, e + 1):
            return False
    return True


@inlined
def enter(window: Window, side: int) -> int:
    """Enter one tick; returns its place."""
    count, width = window.count[0], window.rule[0]
    before = window.inside[count - 1] if count else 0
    gone = window.side[count - width] if count >= width else 0
    window.side[count], window.inside[count] = side, before + side - gone
    window.count[0] = count + 1
    return count


@inner
def may_turn(window: Window, place: int) -> bool:
    """Whether an independent tick may become a capped one where it stands."""
    for e in range(place, min(window.count[0], place + window.rule[0])):  # noqa: SIM110 - compiled
        if window.inside[e] + 1 > limit(window, e + 1):
            return False
    return True


@inner
def turn(window: Window, place: int, side: int) -> None:
    """Change a tick's side where it stands."""
    change = side - window.side[place]
    if change == 0:
        return
    window.side[place] = side
    for e in range(place, min(window.count[0], place + window.rule[0])):
        window.inside[e] += change


@inner
def slacks(window: Window, first: int, out: Array, queue: Array) -> None:
    """Room around each tick from `first` on: the least room of all windows that hold it (`out[place - first]`)."""
    head = tail = 0
    for e in range(window.count[0] - 1, first - 1, -1):
        room = limit(window, e + 1) - window.inside[e]
        while tail > head and limit(window, queue[tail - 1] + 1) - window.inside[queue[tail - 1]] >= room:
            tail -= 1
        queue[tail] = e
        tail += 1
        while queue[head] >= e + window.rule[0]:
            head += 1
        out[e - first] = limit(window, queue[head] + 1) - window.inside[queue[head]]
