"""Caps that no split can keep are refused, by channel and in total: orders would wait for ever, and no report would say why.

Two ways to get there. Where caps count every node that could ship a channel and sum below 100 %, part of its orders has nowhere to
go. Where they sum to more, the very first order has nowhere to go: a cap of 60 % allows floor(0.6 x 1) = 0 of the first one.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

from tranship.connectors.netfile.foreign import reachable
from tranship.connectors.netfile.ground import Ground, percent
from tranship.core.network import FULL_BP, Channel

MOST_CAPS = 12
"""Caps of one file: which of them bind together is found by trying all sets."""
_COUNTED = {
    "node": 'with counts = "node" its own nodes count, and it has none',
    "carrier": 'with counts = "carrier" nodes of networks whose carrier it is count: set carrier in [[network]]',
    "either": "it runs no node and carries for no network",
}


def cap_rules(ground: Ground) -> None:
    """Every rule about caps by themselves: what they count, the room of their windows, and whether a split can keep them."""
    if len(ground.file.caps) > MOST_CAPS:
        ground.error("too_many", "cap", f"{len(ground.file.caps)} caps", f"at most {MOST_CAPS}")
        return
    _windows(ground)
    told: set[tuple[int, ...]] = set()
    for i, channel in enumerate(ground.file.channels, 1):
        left = reachable(ground.file, channel.code)
        offering = [n for n in ground.open if channel.service in ground.node(n).services]
        able = [n for n in offering if left[n]]
        if able:
            _channel(ground, channel, able, told)
        elif offering:
            what = f"the must-rules leave no open node to {channel.code}"
            ground.error("no_node", "policy.must", what, f"at least one node for channel[{i}]")


def _windows(ground: Ground) -> None:
    for i, (cap, nodes) in enumerate(zip(ground.file.caps, ground.capped, strict=True), 1):
        if not nodes:
            what = f"no node counts against the cap on {cap.network}"
            ground.warn("cap_counts_nothing", f"cap[{i}].counts", what, _COUNTED[cap.counts])
        room = cap.cap_bp * cap.window // FULL_BP
        if cap.cap_bp and not room:
            what = f"{percent(cap.cap_bp)} of a window of {cap.window:,} is no room at all"
            ground.warn("no_room", f"cap[{i}].window", what, f"a window of at least {-(-FULL_BP // cap.cap_bp):,}")
        elif room and cap.reserve >= room:
            what = f"a reserve of {cap.reserve:,} takes all {room:,} places that the window has for {cap.network}"
            ground.warn(
                "no_room", f"cap[{i}].reserve", what, "the reserve serves only orders that nobody else can fill"
            )


def _channel(ground: Ground, channel: Channel, able: Sequence[int], told: set[tuple[int, ...]]) -> None:
    """Refuse the caps that bind this channel where they leave it no split."""
    binding = [
        c
        for c, cap in enumerate(ground.file.caps)
        if cap.network not in channel.on_platform_for and cap.cap_bp < FULL_BP
    ]
    if not binding or not _cover(ground, binding, able):
        return
    tight = next((chosen for chosen in _same_measure(ground, binding) if _short(ground, chosen, able)), None)
    if tight is None and any(ground.file.caps[c].on_conflict == "breach" for c in binding):
        return  # the first order breaches, and is repaid
    chosen = tight or tuple(binding)
    if chosen in told:
        return
    told.add(chosen)
    # caps on the total only may live from what other channels place: then this is no proof, and it is only told
    apart = all(ground.file.caps[c].per_channel for c in chosen)
    alike = all(set(other.on_platform_for) == set(channel.on_platform_for) for other in ground.file.channels)
    _tell(ground, ground.error if apart or alike else ground.warn, channel, chosen, short=tight is not None)


def _cover(ground: Ground, caps: Sequence[int], nodes: Sequence[int]) -> bool:
    return all(any(n in ground.capped[c] for c in caps) for n in nodes)


def _same_measure(ground: Ground, caps: Sequence[int]) -> list[tuple[int, ...]]:
    """Sets of caps whose shares add up: they measure the same. Small sets first."""
    return [
        chosen
        for size in range(1, len(caps) + 1)
        for chosen in combinations(caps, size)
        if len({ground.file.caps[c].measure for c in chosen}) == 1
    ]


def _short(ground: Ground, caps: Sequence[int], nodes: Sequence[int]) -> bool:
    return _cover(ground, caps, nodes) and sum(ground.file.caps[c].cap_bp for c in caps) < FULL_BP


def _tell(
    ground: Ground, tell: Callable[[str, str, str, str], None], channel: Channel, chosen: Sequence[int], *, short: bool
) -> None:
    caps = [ground.file.caps[c] for c in chosen]
    path = f"cap[{chosen[0] + 1}].share"
    named = " + ".join(f"{cap.network} {percent(cap.cap_bp)}" for cap in caps)
    if len(caps) == 1:
        what = f"no independent node could ship the other {percent(FULL_BP - caps[0].cap_bp)} of {channel.code}"
        every = f"every open node that may ship it with {channel.service} counts against the cap on {caps[0].network}"
        tell("no_feasible_split", path, what, f"{every}: add or open a node elsewhere")
    elif short:
        what = f"caps on every node that may ship {channel.code} sum to {percent(sum(cap.cap_bp for cap in caps))} ({named})"
        tell("no_feasible_split", path, what, "100 % or more over all networks, and one network without a cap")
    else:
        what = f"every node that may ship {channel.code} is capped ({named}), so its first order has nowhere to go"
        tell("no_feasible_split", path, what, "leave one network without a cap, or let one cap breach (on_conflict)")
