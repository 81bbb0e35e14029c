"""The figures of one policy's day, from the truth of the stand-ins, the journal and the books."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from tranship.core.time import local_day_minute, working_days_between
from tranship.dispatch.model import GONE, QUARANTINED
from tranship.engine import events as ev
from tranship.engine.state import CANCELLED, OrderState, PartState
from tranship.routing.promise import workdays
from tranship.sandbox.amazon.network import Amazon
from tranship.sim.drill.model import Arm, Limit, NetworkRisk, Series
from tranship.sim.drill.rehearsal import Rehearsal
from tranship.sim.handover.loop import SECOND


class Fate(NamedTuple):
    """What became of one order. `days`: working days after the planned one on which the last of it left."""

    state: str  # in_time | late | lost | waiting | given_up
    days: int
    double_units: int
    cost: int
    whole: bool  # all that was ordered left, or will
    value: int


class Played(msgspec.Struct):
    """An arm's figures, and each order's fate for comparing arms."""

    arm: Arm
    fates: dict[str, Fate]
    times: list[int]
    checks: dict[str, tuple[bool, bool]]  # orders of the outage: sent to the failing nodes first, safe in time


def measured(play: Rehearsal, seconds: float) -> Played:
    """All figures but those that need another arm."""
    policy, ground = play.policy, play.ground
    truth, moments = _truth(play)
    attempts: dict[str, list[str]] = {}
    for remote_id, d in play.shard.state.dispatches.items():
        attempts.setdefault(d.order_id, []).append(remote_id)
    fates = {
        order_id: _fate(play, order_id, held, attempts.get(order_id, []), truth, moments)
        for order_id, held in play.drilled().items()
    }
    arm = Arm(policy.key, policy.name, policy.words, orders=len(fates), seconds=round(seconds, 1))
    for name in ("in_time", "late", "lost", "waiting", "given_up"):
        setattr(arm, name, sum(fate.state == name for fate in fates.values()))
    arm.slipped = sum(fate.days > 0 for fate in fates.values())
    _doubles(play, arm, fates)
    _moves(play, arm)
    arm.cost = sum(fate.cost for fate in fates.values())
    arm.parked_orders = len(play.ever_parked)
    arm.limits = _limits(play)
    if play.opened_at:
        arm.detect_s = (play.opened_at - ground.starts_at) / SECOND
        arm.detected_by = play.opened_by
        arm.drain_s = (play.drained_at - play.opened_at) / SECOND if play.drained_at else -1.0
    arm.arrived = len(play.checks)
    arm.arrived_placed = sum(safe for _, safe in play.checks.values())
    arm.exposed = sum(exposed for exposed, _ in play.checks.values())
    arm.quarantined = sum(d.state == QUARANTINED for d in play.shard.state.dispatches.values())
    arm.calls, arm.unheard = play.calls, play.unheard
    _shares(play, arm)
    arm.series = Series(play.at_risk, play.parked, play.share_bp)
    arm.risks = _risks(play)
    arm.events = len(play.store.rows)
    arm.broken = sorted(set(play.refused))[:20]
    return Played(arm, fates, play.times, play.checks)


def _truth(play: Rehearsal) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """What left, by remote id and line; and when the last of it did."""
    left: dict[str, dict[str, int]] = {}
    moments: dict[str, int] = {}
    for side in play.sides.values():
        left |= side.inside.left()
        network = side.inside.network  # type: ignore[attr-defined]
        rows = network.orders.left
        for at, remote_id, _ in rows:
            moments[remote_id] = max(at, moments.get(remote_id, 0))
        assert isinstance(network, Amazon) == side.amazon, "a side is what it says"
    return left, moments


def _fate(
    play: Rehearsal, order_id: str, held: OrderState, attempts: list[str], truth: Mapping[str, dict[str, int]],
    moments: Mapping[str, int],
) -> Fate:  # fmt: skip
    left: dict[int, int] = {}
    for remote_id in attempts:
        for line_id, units in truth.get(remote_id, {}).items():
            line = int(line_id.partition("-")[0]) - 1
            left[line] = left.get(line, 0) + units
    values = play.values[order_id]
    value = sum(line.qty * values[i] for i, line in enumerate(held.order.lines))
    alone = [
        i for i, line in enumerate(held.order.lines) if play.shard.state.skus[line.sku] not in play.shard.state.bundles
    ]
    double = sum(max(0, left.get(i, 0) - held.order.lines[i].qty) for i in alone)
    parts = [part for part in held.parts.values() if part.status != CANCELLED and part.units()]
    days, late, gone = 0, False, True
    for part in parts:
        left_on = _left_on(play, part, moments)
        if left_on is None:
            gone = False
            continue
        days = max(days, working_days_between(play.first_days[order_id] or left_on, left_on))
        behind = max(0, working_days_between(part.ship_day, left_on))
        late = late or _arrival(play, part, behind) > held.promise_day
    waits = any(sum(rest.quantities) for rest in held.rests.values()) or any(
        _asks_a_person(play, part) for part in parts
    )
    state = (
        "given_up" if held.unplaced else "waiting" if waits else "lost" if not gone else "late" if late else "in_time"
    )
    placed = sum(part.units() for part in parts)
    whole = gone and placed == sum(line.qty for line in held.order.lines)
    return Fate(state, days, double, sum(part.cost for part in parts), whole, value)


def _asks_a_person(play: Rehearsal, part: PartState) -> bool:
    d = play.shard.state.dispatch_of(part)
    return d is not None and d.state == QUARANTINED


def _left_on(play: Rehearsal, part: PartState, moments: Mapping[str, int]) -> int | None:
    """Day on which a fulfillment order left its node; None: it has not.

    What reaches its node after the cut-off leaves on the next working day, whenever the stand-in has it ready.
    """
    d = play.shard.state.dispatch_of(part)
    if d is None or d.state != GONE or d.remote_id not in moments:
        return None
    node = play.document.nodes[part.node]
    side = play.sides[play.shard.state.connected[part.node].code]
    op = "release" if d.hold else "create"
    live_at = side.live_at.get(f"{op} {d.remote_id}", moments[d.remote_id])
    day, minute = local_day_minute(live_at, node.zone)
    calendar = workdays(node)
    by_rule = calendar.next(day) if minute < node.cutoff_min or calendar.next(day) != day else calendar.next(day + 1)
    by_truth = calendar.next(local_day_minute(moments[d.remote_id], node.zone)[0])
    return max(by_rule, by_truth)


def _arrival(play: Rehearsal, part: PartState, behind: int) -> int:
    return workdays(play.document.nodes[part.node]).add(part.deliver_day, behind) if behind else part.deliver_day


def _doubles(play: Rehearsal, arm: Arm, fates: Mapping[str, Fate]) -> None:
    for order_id, fate in fates.items():
        if fate.double_units:
            arm.double_orders += 1
            arm.double_units += fate.double_units
            lines = play.shard.state.orders[order_id].order.lines
            arm.double_value += fate.value * fate.double_units // max(1, sum(line.qty for line in lines))


def _moves(play: Rehearsal, arm: Arm) -> None:
    """What was taken off the failing nodes since the outage began, and what that cost; breakers that opened elsewhere."""
    state, ground = play.shard.state, play.ground
    codes = {state.connected[n].code for n in ground.hit}
    orders = set()
    for event in play.events():
        if event.at < ground.starts_at or not play.policy.outage:
            continue
        if isinstance(event, ev.OrdersMoved):
            for move in event.moves:
                held = state.orders[move.order_id].parts
                off = [number for number in move.released if held[number].node in play.hit]
                if off and event.at < ground.ends_at + 3_600 * SECOND:
                    arm.moved += len(off)
                    orders.add(move.order_id)
                    if move.decision.parts and not move.decision.rests:
                        before = sum(held[number].cost for number in move.released)
                        arm.moves_cost += sum(part.cost for part in move.decision.parts) - before
        elif isinstance(event, ev.BreakerChanged) and event.state == "open" and event.connection not in codes:
            arm.false_opened += 1
    arm.moved_orders = len(orders)


def _limits(play: Rehearsal) -> list[Limit]:
    found = {reason: Limit(reason, orders, units) for reason, (orders, units) in play.parked_by_reason.items()}
    for held in play.drilled().values():
        for rest in held.rests.values():
            found.setdefault(rest.reason, Limit(rest.reason)).orders_at_end += 1
    return sorted(found.values(), key=lambda limit: -limit.units)


def _shares(play: Rehearsal, arm: Arm) -> None:
    """Fulfillment orders of the capped network among those of orders that came before, during and after."""
    ground, state = play.ground, play.shard.state
    if not state.caps:
        return
    cap = state.caps[0]
    during = max(ground.ends_at, play.drained_at)
    counts = [[0, 0], [0, 0], [0, 0]]
    for held in play.drilled().values():
        if cap.cap.network in state.channels[held.order.channel].on_platform_for:
            continue
        at = held.order.placed_at
        when = 0 if at < ground.starts_at else 1 if at < during else 2
        for part in held.parts.values():
            if part.status != CANCELLED:
                counts[when][0] += 1
                counts[when][1] += part.node in cap.nodes
    shares = [10_000 * capped // total if total else 0 for total, capped in counts]
    arm.share_before_bp, arm.share_during_bp, arm.share_after_bp = shares
    arm.cap_bp = cap.cap.cap_bp
    arm.window_high_bp = max(
        (bp for at, bp in zip(play.times, play.share_bp, strict=True) if at >= ground.starts_at), default=0
    )


def _risks(play: Rehearsal) -> list[NetworkRisk]:
    ground = play.ground
    found = []
    for network in play.document.networks:
        rows = [row.get(network.code, 0) for row in play.open_by_network]
        before = [v for at, v in zip(play.times, rows, strict=True) if at < ground.starts_at]
        during = [v for at, v in zip(play.times, rows, strict=True) if ground.starts_at <= at < ground.ends_at]
        hit = network.code == ground.network
        most = max(play.at_risk, default=0) if hit else 0
        found.append(NetworkRisk(network.code, hit, before[-1] if before else 0, max(during, default=0), most))
    return found
