"""What of the fulfillment orders is due for a call to a network: to be handed over, released, called back. Changes nothing."""

import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tranship.core.capability import Connection
from tranship.core.network import FULL_BP, NetworkFile, Node
from tranship.core.time import MICROS_PER_HOUR, at_local
from tranship.dispatch.model import ABANDONED, DOUBT_CREATE, DOUBT_RELEASE, HELD, LIVE, RELEASING, SENDING, Dispatch
from tranship.dispatch.policy import Patience
from tranship.dispatch.rules import Terms
from tranship.engine.evolve_network import BY_HAND
from tranship.engine.state import PROCESSING, PartState, State

MICROS_PER_MINUTE = MICROS_PER_HOUR // 60


class Due(NamedTuple):
    """A fulfillment order that its node should have now."""

    order_id: str
    number: int
    node: int
    hold: bool
    wish: str  # hold | ship


def terms_of(state: State, node: int, d: Dispatch | None = None) -> Terms:
    """What the hand-over rules go by at this node; for a dispatch, with the end of the day by which it should have arrived."""
    connection = state.connected.get(node, Connection("", ""))
    arrives_at = (
        (state.orders[d.order_id].parts[d.number].deliver_day + 1) * 24 * MICROS_PER_HOUR if d is not None else 0
    )
    return Terms(connection.capability, Patience(resolve_limit_s=connection.resolve_limit_min * 60), arrives_at)


def is_handed_over(network: NetworkFile, connection: Connection, order_id: str) -> bool:
    """Whether the order is among those that are really handed over; the others go the projected way, and so do all in a shadow."""
    return not network.shadow and is_piloted(connection, order_id)


def is_piloted(connection: Connection, order_id: str) -> bool:
    """Whether the order is in the share that the connection takes part with."""
    if connection.pilot_bp >= FULL_BP:
        return True
    return zlib.crc32(order_id.encode()) % FULL_BP < connection.pilot_bp


def cut_off(node: Node, day: int) -> int:
    """When the node closes its books for a ship day (UTC microseconds)."""
    return at_local(day, node.cutoff_min, node.zone)


def to_hand_over(state: State, at: int, limit: int | Mapping[str, int]) -> list[Due]:
    """Fulfillment orders whose release window is open, the soonest to ship first, at most `limit` (of each connection)."""
    found: dict[str, list[tuple[int, Due]]] = {}
    network = state.require_network()
    for n, connection in state.connected.items():
        most = limit if isinstance(limit, int) else limit.get(connection.code, 0)
        if n in state.closed or most <= 0:
            continue
        mine = found.setdefault(connection.code, [])
        first = len(mine)  # each node of a connection gets its turn: the soonest of all are kept
        node = network.nodes[n]
        hold = connection.capability.hold_release
        for day in sorted(state.due[n]):
            close = cut_off(node, day)
            lead = connection.hold_min if hold else connection.release_min
            if at < close - lead * MICROS_PER_MINUTE:
                break
            wish = "hold" if hold and at < close - connection.release_min * MICROS_PER_MINUTE else "ship"
            for order_id, number in state.due[n][day]:
                part = state.orders[order_id].parts[number]
                if may_hand_over(state, part) and is_handed_over(network, connection, order_id):
                    mine.append((close, Due(order_id, number, n, hold, wish)))
                    if len(mine) - first >= most:
                        break
            if len(mine) - first >= most:
                break
    kept: list[tuple[int, Due]] = []
    for code, mine in found.items():
        kept += sorted(mine, key=lambda pair: pair[0])[: limit if isinstance(limit, int) else limit[code]]
    kept.sort(key=lambda pair: pair[0])
    return [due for _, due in kept]


def may_hand_over(state: State, part: PartState) -> bool:
    """Whether a new attempt may begin: no network may ship it, and none is still being told to let it go."""
    if part.status != PROCESSING or part.recalled or part.undeliverable:
        return False
    held = state.dispatch_of(part)
    return held is None or (state.is_free(part) and held.state != ABANDONED)


def to_release(state: State, at: int) -> Iterator[Dispatch]:
    """Dispatches on hold whose time has come."""
    nodes = state.require_network().nodes
    closes: dict[tuple[int, int], int] = {}
    for remote_id in list(state.open_dispatches):
        d = state.dispatches[remote_id]
        if d.wish != "hold" or d.state not in {SENDING, DOUBT_CREATE, HELD} or d.node in state.closed:
            continue
        part = state.orders[d.order_id].parts[d.number]
        key = (d.node, part.ship_day)
        if key not in closes:
            closes[key] = cut_off(nodes[d.node], part.ship_day)
        connection = state.connected.get(d.node)
        lead = connection.release_min if connection is not None else 0
        if at >= closes[key] - lead * MICROS_PER_MINUTE:
            yield d


def is_stalled(state: State, d: Dispatch, at: int) -> bool:
    """Accepted, then no progress for longer than the connection's `stall_min`."""
    connection = state.connected.get(d.node)
    limit = connection.stall_min if connection is not None else 720
    since = max(d.moved_at, d.since)  # the time on hold, before it was released, is not its own
    return d.state == LIVE and d.remote != "PICKING" and at - since > limit * MICROS_PER_MINUTE


def is_at_risk(state: State, d: Dispatch, at: int) -> bool:
    """Whether what a network has should be called back while its nodes are given up: it stands still, or is late unreleased."""
    if d.state == LIVE:
        return is_stalled(state, d, at) or _node_stands(state, d.node)
    if d.state in {RELEASING, DOUBT_RELEASE, DOUBT_CREATE, SENDING}:
        part = state.orders[d.order_id].parts[d.number]
        close = cut_off(state.require_network().nodes[d.node], part.ship_day)
        return at >= close - MICROS_PER_HOUR or _node_stands(state, d.node)
    return False


def _node_stands(state: State, node: int) -> bool:
    """Whether the node itself does not work, not only the way to it: then what it has accepted will not leave either."""
    held = state.verdicts.get(node, {})
    reasons = [each.why.removeprefix(f"{BY_HAND}: ") for each in held.values()]
    return any(why.startswith(("strike", "stalled", "closed")) for why in reasons)
