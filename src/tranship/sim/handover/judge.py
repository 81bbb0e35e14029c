"""The judge: holds the engine's books against what really left the networks. Knows the truth, trusts no counter of the engine."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tranship.core.ledger import OUTSIDE, Bucket
from tranship.core.network import FULL_BP
from tranship.dispatch.model import CLOSED, LIVE, QUARANTINED, Dispatch
from tranship.engine import leaks
from tranship.engine.due import MICROS_PER_MINUTE, cut_off
from tranship.engine.state import CANCELLED, DELIVERED, PROCESSING, SHIPPED, OrderState, PartState
from tranship.routing.share import ShareWindow

if TYPE_CHECKING:
    from tranship.sim.handover.world import World


class Found(NamedTuple):
    """What became of a world. `broken` says in words what is wrong; empty: nothing."""

    orders: int
    double_shipped: int
    lost: int
    oversold: int
    cap_exceeded: int
    attempts: int
    quarantined: int
    standing: int  # accepted by a network that has no units for it, days later
    crashes: int
    calls: int
    events: int
    broken: tuple[str, ...]


def judge(world: "World") -> Found:
    """Every order, every shelf, every window."""
    state = world.shard.state
    broken = list(world.broken)
    truth: dict[str, dict[str, int]] = {}
    for side in world.sides.values():
        truth |= side.inside.left()
    double = lost = 0
    of_order: dict[str, list[str]] = {}
    for remote_id, d in state.dispatches.items():
        of_order.setdefault(d.order_id, []).append(remote_id)
    for order_id, order in state.orders.items():
        twice = _shipped_twice(order_id, order, of_order.get(order_id, []), truth)
        gone = _forgotten(world, order_id, order, truth)
        double, lost = double + bool(twice), lost + bool(gone)
        broken += twice + gone
    unknown = sorted({each for side in world.sides.values() for each in side.inside.known()} - set(state.dispatches))
    if unknown:
        double += sum(each in truth for each in unknown)
        broken.append(f"networks have {len(unknown)} orders of which no intent is in the journal (I4)")
    missing = [n for n in range(world.setting.orders) if f"sim:{n}" not in state.orders]
    if missing:
        lost += len(missing)
        broken.append(f"orders {missing} were never taken")
    shelves = _oversold(world)
    windows = _over_cap(world)
    broken += shelves + windows + _unbalanced(world) + list(leaks.problems(state))
    return Found(
        world.setting.orders, double, lost, len(shelves), len(windows), len(state.dispatches),
        sum(d.state == QUARANTINED for d in state.dispatches.values()),
        sum(_stands(world, d) for d in state.dispatches.values()), world.epoch,
        sum(side.wire.calls for side in world.sides.values()), world.loop.done, tuple(broken),
    )  # fmt: skip


def _shipped_twice(
    order_id: str, order: OrderState, remote_ids: list[str], truth: dict[str, dict[str, int]]
) -> list[str]:
    """Lines of which more left than was ordered."""
    left: dict[int, int] = {}
    for remote_id in remote_ids:
        for line_id, units in truth.get(remote_id, {}).items():
            line = int(line_id.partition("-")[0]) - 1
            left[line] = left.get(line, 0) + units
    for part in order.parts.values():
        if not part.remote_id and part.status in {SHIPPED, DELIVERED}:  # projected: what the books say happened
            for line, units in zip(part.lines, part.quantities, strict=True):
                left[line] = left.get(line, 0) + units
    lines = order.order.lines
    return [
        f"{order_id} line {line + 1}: {units} left of {lines[line].qty}"
        for line, units in left.items()
        if units > lines[line].qty
    ]


def _comes_later(world: "World", part: PartState) -> bool:
    """Whether its hand-over lies beyond the end of the world: its release window is not open yet."""
    state = world.shard.state
    connection = state.connected.get(part.node)
    if connection is None:
        return False
    lead = max(connection.hold_min, connection.release_min) * MICROS_PER_MINUTE
    return world.loop.now < cut_off(state.require_network().nodes[part.node], part.ship_day) - lead


def _forgotten(world: "World", order_id: str, order: OrderState, truth: dict[str, dict[str, int]]) -> list[str]:
    """Units that are neither gone for good, nor waiting here with a reason, nor before a person."""
    found = []
    for number, part in order.parts.items():
        if part.status == PROCESSING and part.units():
            d = world.shard.state.dispatch_of(part)
            if d is None and _comes_later(world, part):
                continue
            if d is None or not (d.state == QUARANTINED or _stands(world, d)):
                what = "never handed over" if d is None else f"{d.state} {d.op or 'with no next step'}"
                found.append(f"{order_id}/{number}: still open, {what}")
        elif part.status in {SHIPPED, DELIVERED} and part.remote_id:
            gone = truth.get(part.remote_id, {})
            for line, units in zip(part.lines, part.quantities, strict=True):
                if gone.get(str(line + 1), 0) < units:
                    found.append(f"{order_id}/{number}: {units} of line {line + 1} shipped in the books, {gone} left")
        elif part.status == CANCELLED and part.remote_id:
            d = world.shard.state.dispatches[part.remote_id]
            if d.state not in CLOSED:
                found.append(f"{order_id}/{number}: void, and its dispatch still {d.state}")
    for line, wanted in enumerate(order.order.lines):
        placed = sum(
            q
            for part in order.parts.values()
            for each, q in zip(part.lines, part.quantities, strict=True)
            if each == line and part.status != CANCELLED
        )
        waits = sum(
            q
            for rest in order.rests.values()
            for each, q in zip(rest.lines, rest.quantities, strict=True)
            if each == line
        )
        if placed + waits > wanted.qty:
            found.append(f"{order_id} line {line + 1}: {placed} placed and {waits} waiting of {wanted.qty}")
        if placed + waits < wanted.qty and not (order.unplaced or f"{order_id}" in world.taken_back):
            found.append(f"{order_id} line {line + 1}: only {placed} placed and {waits} waiting of {wanted.qty}")
    return found


def _stands(world: "World", d: Dispatch) -> bool:
    """Whether the network really sits on it, out of stock: it is looked at on, and counts as standing, not as forgotten."""
    inside = next(side.inside for side in world.sides.values() if side.node == d.node)
    return d.state == LIVE and d.op == "get" and inside.is_open(d.remote_id)


def _oversold(world: "World") -> list[str]:
    """Shelves of which more was promised than ever came."""
    balance = world.shard.state.ledger.balance
    found = []
    for (node, code), came in world.truth_received.items():
        sku = world.shard.state.skus[code]
        promised = sum(
            int(balance[bucket, sku, node])
            for bucket in (Bucket.RESERVED, Bucket.IN_TRANSIT, Bucket.DELIVERED, Bucket.PICKED, Bucket.PACKED)
        )
        if promised > came:
            found.append(f"oversold: {promised} of {code} promised at node #{node}, {came} ever came")
    return found


def _over_cap(world: "World") -> list[str]:
    """Windows and beginnings in which the capped network has more than its share."""
    found = []
    for cap in world.shard.state.caps:
        for channel in ("web", "shop"):
            for window in cap.windows(channel):
                found += _excess(window)
    return sorted(set(found))


def _excess(window: ShareWindow) -> list[str]:
    entries = [window.entry(i) for i in range(len(window))]
    entries = [(size, capped) for size, capped in entries if size]
    for last in range(len(entries)):
        left, capped, total = window.window, 0, sum(size for size, _ in entries[: last + 1])
        for size, is_capped in reversed(entries[: last + 1]):
            part = min(size, left)
            left, capped = left - part, capped + part * is_capped
            if not left:
                break
        if capped > window.cap_bp * min(window.window, total) // FULL_BP:
            return [f"cap: {capped} of the last {min(window.window, total)} at the capped network"]
    return []


def _unbalanced(world: "World") -> list[str]:
    """Units that came from nowhere or went there, and rows that say something else than the state."""
    balance = world.shard.state.ledger.balance
    found = []
    if balance.sum(axis=(0, 2)).any():
        found.append(f"ledger: units per SKU do not add up: {balance.sum(axis=(0, 2)).tolist()}")
    inside = [int(bucket) for bucket in Bucket if bucket not in OUTSIDE]
    if (balance[inside] < 0).any():
        found.append("ledger: an account below zero")
    rows = np.zeros_like(balance)
    nodes = world.shard.state.nodes
    for (node, sku, bucket), units in world.store.stock.items():
        rows[bucket, world.shard.state.skus[sku], nodes[node]] = units
    if (rows != balance).any():
        found.append("ledger: rows and state differ")
    return found
