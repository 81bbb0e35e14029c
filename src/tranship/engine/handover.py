"""Commands about what networks have and say: intents, answers, reports, recalls, breakers, drain. Decides, changes nothing.

Each generator yields one event at a time, and the caller applies it before it asks for the next (`decide.execute`).
"""

from collections.abc import Callable, Iterator
from typing import Any

from tranship.core.errors import InputError
from tranship.core.network import FULL_BP
from tranship.dispatch import rules
from tranship.dispatch.model import (
    ABANDONED,
    CLOSED,
    DEAD,
    DOUBT_CREATE,
    FREE,
    GONE,
    HELD,
    LIVE,
    QUARANTINED,
    SENDING,
    Dispatch,
)
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.aliases import set_aliases
from tranship.engine.asking import shut_for
from tranship.engine.counting import count_stock, switch_shelf
from tranship.engine.displace import displaced, elsewhere, moved
from tranship.engine.due import is_at_risk, is_handed_over, is_stalled, may_hand_over, terms_of, to_release
from tranship.engine.evolve_network import BY_HAND, CONNECTION, HAND, NODE, NOISY
from tranship.engine.rhythm import last_ship_day
from tranship.engine.sendto import send_to
from tranship.engine.state import CANCELLED, PROCESSING, SHIPPED, OrderState, PartState, State
from tranship.engine.unsendable import not_sendable
from tranship.routing.model import Decision, Rest, Why

QUIET = 15 * 60_000_000
"""Microseconds between two exceptions of the same noisy kind at one connection."""
BREAKERS = ("open", "half_open", "closed")
PLANNED = "planned"
"""Beginning of the reason of an outage that was announced: nobody is woken by it."""


def decide_network(state: State, command: cmd.NetworkCommand) -> Iterator[ev.Event]:
    """Events of one of these commands. InputError before the first event, or not at all."""
    return _DECIDERS[type(command)](state, command)


# -- handing over ------------------------------------------------------------------------------------------------------


def _hand_over(state: State, command: cmd.HandOver) -> Iterator[ev.Event]:
    ids = [intent.remote_id for intent in command.intents]
    if len(set(ids)) != len(ids) or any(remote_id in state.dispatches for remote_id in ids):
        raise InputError("a remote id was used before", where="hand-over")
    yield ev.Took(command, command.at)
    for intent in command.intents:
        order = state.orders.get(intent.order_id)
        part = order.parts.get(intent.number) if order is not None else None
        if part is None or not may_hand_over(state, part):
            continue  # moved, cancelled or handed over since it was chosen
        if order is None or intent.readdressed != order.readdressed or intent.units not in {-1, part.units()}:
            continue  # its bytes were made for another address, or before the customer took units of it back
        if part.node not in state.connected or part.node in state.closed:
            continue
        d = rules.intend(
            intent.remote_id, intent.order_id, intent.number, part.node, intent.sha256, command.at,
            hold=intent.hold, wish=intent.wish,
        )  # fmt: skip
        yield ev.Dispatched(d, "handover", "", command.at)


def _answered(state: State, command: cmd.Answered) -> Iterator[ev.Event]:
    yield ev.Took(command, command.at)
    d = state.dispatches.get(command.remote_id)
    if d is None:
        yield ev.Excepted(
            "foreign_id", command.remote_id, f"an answer to {command.op} that nobody asked for", command.at
        )
        return
    result = command.result
    step = rules.answered(d, command.op, result, command.sent_at, command.at, terms_of(state, d.node, d))
    evidence = f"{command.op}: {result.outcome}{' ' + result.remote if result.remote else ''}"
    yield from stepped(state, d, step, "answer", evidence, command.at)


def _reported(state: State, command: cmd.Reported) -> Iterator[ev.Event]:
    yield ev.Took(command, command.at)
    for report in command.reports:
        d = state.dispatches.get(report.remote_id)
        if d is None or not _is_theirs(state, d, command.connection):
            detail = f"{command.connection} ({command.source}) speaks of an order that nobody sent there"
            yield ev.Excepted("foreign_id", report.remote_id[:64], detail, command.at)
            continue
        if (
            report.detail and not report.remote and d.wish != "void"
        ):  # that it ends what was called back is as it should be
            yield ev.Excepted("violation", report.remote_id, f"{command.source}: {report.detail}", command.at)
        step = rules.reported(d, report, command.at, terms_of(state, d.node, d))
        yield from stepped(state, d, step, "report", f"{command.source}: {report.remote}", command.at)


def _is_theirs(state: State, d: Dispatch, connection: str) -> bool:
    """Whether a dispatch went out by this connection: nobody else has a say in it, whatever they have signed."""
    return d.node not in state.connected or state.connected[d.node].code == connection


def stepped(state: State, before: Dispatch, step: rules.Step, cause: str, evidence: str, at: int) -> Iterator[ev.Event]:
    """Journal what became of a dispatch, tell a person what they should know, and draw the consequences."""
    after = step.dispatch
    if after != before:
        yield ev.Dispatched(after, cause, evidence, at)
    for note in step.notes:
        if is_news(state, note.kind, after.node, at):
            yield ev.Excepted(note.kind, f"{after.order_id}/{after.number}", f"{note.detail} ({after.remote_id})", at)
    if after == before:
        return
    order = state.orders[after.order_id]
    part = order.parts[after.number]
    current = part.remote_id == after.remote_id and part.status == PROCESSING
    if after.state == GONE and before.state != GONE:
        yield from _gone(state, order, part, after, at) if current else _doubled(state, order, after, at)
    elif after.state in FREE and before.state not in FREE and current:
        yield from _freed(state, order, part, after, at)
    if part.status == SHIPPED and rules.has_arrived(after) and part.remote_id == after.remote_id:
        yield ev.PartsDelivered(((after.order_id, after.number),), at)


def is_news(state: State, kind: str, node: int, at: int) -> bool:
    """Whether a person should hear of it: a revoked token is one fact, however many orders meet it."""
    if kind not in NOISY or node not in state.connected:
        return True
    last = state.noted.get((kind, state.connected[node].code), 0)
    return at - last >= QUIET


def _gone(state: State, order: OrderState, part: PartState, d: Dispatch, at: int) -> Iterator[ev.Event]:
    """It left. What the network sends less than was asked for waits here again."""
    short = _short_lines(order, part, d)
    if short:
        lines, quantities = tuple(short), tuple(short.values())
        whole = sum(quantities) == part.units()
        yield ev.PartVoided(d.order_id, d.number, lines, quantities, whole, at)
        yield ev.OrderRouted(d.order_id, 0, _waiting(state, order, lines, quantities), at)
        detail = f"{sum(quantities)} units of {len(lines)} lines were not sent by the network"
        yield ev.Excepted("short", f"{d.order_id}/{d.number}", detail, at)
        if whole:
            return
    if part.recalled:
        yield ev.Excepted(
            "cancel_too_late", f"{d.order_id}/{d.number}", "left before the network could call it back", at
        )
    yield ev.PartsShipped(d.node, ((d.order_id, d.number),), at)


def _short_lines(order: OrderState, part: PartState, d: Dispatch) -> dict[int, int]:
    short: dict[int, int] = {}
    asked = dict(zip(part.lines, part.quantities, strict=True))
    missing = d.short
    if d.remote in DEAD and all(parcel.lines for parcel in d.parcels):  # ended after parcels left: what is in none
        gone: dict[str, int] = {}
        for parcel in d.parcels:
            for line_id, quantity in parcel.lines:
                gone[line_id] = gone.get(line_id, 0) + quantity
        missing = tuple((str(line + 1), units - gone.get(str(line + 1), 0)) for line, units in asked.items())
    for line_id, quantity in missing:
        line = int(line_id) - 1 if line_id.isdigit() else -1
        if line in asked and quantity > 0:
            short[line] = min(asked[line], short.get(line, 0) + quantity)
    return {line: units for line, units in short.items() if units}


def _waiting(state: State, order: OrderState, lines: tuple[int, ...], quantities: tuple[int, ...]) -> Decision:
    rest = Rest(order.next_rest, lines, quantities, "short", "park", order.promise_day)
    return Decision((), (rest,), Why("", 0, (), (), (), 0))


def _doubled(state: State, order: OrderState, d: Dispatch, at: int) -> Iterator[ev.Event]:
    """What had been given up left after all: hold back whatever else of the order can still be held back."""
    gone = order.parts[d.number].lines
    for number, part in list(order.parts.items()):
        if part.status != PROCESSING or not set(part.lines) & set(gone):
            continue
        held = state.dispatch_of(part)
        if held is not None and held.state not in CLOSED:
            step = rules.recalled(held, "another attempt left", at, terms_of(state, held.node))
            yield from stepped(state, held, step, "recall", d.remote_id, at)
        if state.is_free(part) and part.units() and part.status == PROCESSING:
            pairs = [(line, q) for line, q in zip(part.lines, part.quantities, strict=True) if q and line in gone]
            lines, quantities = tuple(line for line, _ in pairs), tuple(q for _, q in pairs)
            yield ev.PartVoided(d.order_id, number, lines, quantities, sum(quantities) == part.units(), at)


def _freed(state: State, order: OrderState, part: PartState, d: Dispatch, at: int) -> Iterator[ev.Event]:
    """No network may ship it any more: first what the customer took back, then the rest goes elsewhere where it cannot stay."""
    if part.recalled:
        asked = [
            (line, min(q, part.recalled.get(line, 0))) for line, q in zip(part.lines, part.quantities, strict=True)
        ]
        pairs = [(line, q) for line, q in asked if q]
        lines, quantities = tuple(line for line, _ in pairs), tuple(q for _, q in pairs)
        whole = sum(quantities) == part.units()
        yield ev.PartVoided(d.order_id, d.number, lines, quantities, whole, at)
        if whole:
            return
    if d.node in shut_for(state, d.order_id):
        yield from displaced(state, d.order_id, [d.number], at)
    elif d.state == ABANDONED:  # it may go at once, only not back to where an attempt still has to be ended
        decision = elsewhere(state, d.order_id, order, [d.number], at, without=d.node)
        if decision.parts and not decision.rests and not any(part.breach for part in decision.parts):
            yield ev.OrdersMoved((moved(d.order_id, order, [d.number], decision),), at)


# -- by hand -----------------------------------------------------------------------------------------------------------


def recall_parts(state: State, order_id: str, numbers: tuple[int, ...], why: str, at: int) -> Iterator[ev.Event]:
    """Want these back from whoever has them."""
    for number in numbers:
        part = state.orders[order_id].parts[number]
        d = state.dispatch_of(part)
        if d is not None and d.state not in CLOSED and part.status == PROCESSING:
            yield from stepped(state, d, rules.recalled(d, why, at, terms_of(state, d.node)), "recall", why, at)


def _recall(state: State, command: cmd.Recall) -> Iterator[ev.Event]:
    order = state.orders.get(command.order_id)
    if order is None:
        raise InputError(f"no order {command.order_id!r}", where="recall")
    numbers = command.numbers or tuple(number for number, part in order.parts.items() if part.remote_id)
    for number in numbers:
        part = order.parts.get(number)
        if part is None or part.status == CANCELLED:
            raise InputError(f"order {command.order_id} has no open fulfillment order {number}", where="recall")
        if not part.remote_id:
            raise InputError(f"{command.order_id}/{number} has not been handed over", where="recall")
    if not numbers:
        raise InputError(f"nothing of order {command.order_id} has been handed over", where="recall")
    yield ev.Took(command, command.at)
    yield from recall_parts(state, command.order_id, numbers, f"{BY_HAND}: {command.reason}", command.at)


def _settle(state: State, command: cmd.Settle) -> Iterator[ev.Event]:
    d = state.dispatches.get(command.remote_id)
    if d is None or d.state != QUARANTINED:
        now = "unknown" if d is None else d.state
        hint = "Only what is in quarantine needs a person's word."
        raise InputError(f"dispatch {command.remote_id} is {now}", where="settle", hint=hint)
    yield ev.Took(command, command.at)
    step = rules.settled(
        d, ships=command.ships, why=f"{BY_HAND}: {command.reason}", now=command.at, terms=terms_of(state, d.node)
    )
    yield from stepped(state, d, step, "settled", command.reason, command.at)


# -- breakers and drain ------------------------------------------------------------------------------------------------


def _set_breaker(state: State, command: cmd.SetBreaker) -> Iterator[ev.Event]:
    if command.state not in BREAKERS:
        raise InputError(f"state {command.state!r}", where="breaker", hint=f"Allowed: {', '.join(BREAKERS)}.")
    if not 0 <= command.share_bp <= FULL_BP:
        raise InputError(f"share of {command.share_bp} basis points", where="breaker", hint=f"0 to {FULL_BP}.")
    behind = {n for n, connection in state.connected.items() if connection.code == command.connection}
    unknown = [code for code in command.nodes if state.nodes.get(code) not in behind]
    if not behind or unknown:
        what = f"node {unknown[0]!r} is not behind" if unknown else "no node is behind"
        raise InputError(f"{what} connection {command.connection!r}", where="breaker")
    yield ev.Took(command, command.at)
    nodes = tuple(sorted(state.nodes[code] for code in command.nodes)) or tuple(sorted(behind))
    level = HAND if command.until or command.why.startswith(BY_HAND) else NODE if command.nodes else CONNECTION
    was = set(state.closed)
    yield ev.BreakerChanged(
        command.connection, nodes, command.state, command.share_bp, command.why, command.until, command.at, level
    )
    if command.state == "open" and not command.why.startswith(PLANNED) and state.closed - was:
        names = ", ".join(state.require_network().nodes[n].code for n in nodes)
        yield ev.Excepted("breaker_opened", command.connection, f"{names}: {command.why}", command.at)


def _drain(state: State, command: cmd.Drain) -> Iterator[ev.Event]:
    yield ev.Took(command, command.at)
    yield from drain(state, command.limit, command.at)


def drainable(state: State, at: int) -> Iterator[tuple[str, int]]:
    """Fulfillment orders at nodes that take no work that can move now, or can be wanted back, by promise risk."""
    keys = sorted(
        (state.orders[order_id].promise_day, day, order_id, number)
        for n in state.connected
        if n in state.closed
        for day, keys in state.due[n].items()
        for order_id, number in keys
    )
    for _, _, order_id, number in keys:
        part = state.orders[order_id].parts.get(number)
        if part is None or part.status != PROCESSING or not part.units():
            continue
        d = state.dispatch_of(part)
        if state.is_free(part) or (d is not None and _comes_back(state, d, at)):
            yield order_id, number


def drain(state: State, limit: int, at: int) -> Iterator[ev.Event]:
    """Move what can move away from nodes behind an open breaker, by promise risk; want back what they have and stands still."""
    looked = moved = parked = left = over_cap = 0
    for order_id, number in drainable(state, at):
        if looked >= limit:
            left += 1
            continue
        looked += 1
        if state.is_free(state.orders[order_id].parts[number]):
            events = displaced(state, order_id, [number], at)
        else:
            events = recall_parts(state, order_id, (number,), "drain", at)
        for event in events:
            if isinstance(event, ev.OrdersMoved):
                moved += bool(event.moves[0].decision.parts)
                rests = event.moves[0].decision.rests
                parked += bool(rests)
                over_cap += any(rest.reason in {"cap", "larger_than_window"} for rest in rests)
            yield event
    if looked:
        nodes = tuple(sorted(n for n in state.connected if n in state.closed))
        yield ev.Drained(nodes, looked, moved, parked, left, at)
        if over_cap:
            names = ", ".join(state.require_network().nodes[n].code for n in nodes)
            detail = (
                f"{over_cap} orders have a place over a share cap only: they wait for room, or for the node to return"
            )
            yield ev.Excepted("cap_conflict", names, detail, at)


def _comes_back(state: State, d: Dispatch, at: int) -> bool:
    """Whether it is to be called back now: free at once on hold, or at risk where it is."""
    if d.wish == "void":
        return False
    return (d.hold and d.state in {SENDING, DOUBT_CREATE, HELD}) or is_at_risk(state, d, at)


def tick_networks(state: State, at: int) -> Iterator[ev.Event]:
    """What the clock makes due: overrides that end, limits that pass, releases, and a drain that goes on."""
    for node, held in list(state.breakers.items()):
        if held.until and held.until <= at:
            connection = state.connected[node].code if node in state.connected else ""
            yield ev.BreakerChanged(connection, (node,), "closed", FULL_BP, "the override ended", 0, at, HAND)
    for remote_id in list(state.open_dispatches):
        d = state.dispatches[remote_id]
        terms = terms_of(state, d.node)
        limit = rules.deadline(d, terms)
        if limit and at >= limit:
            yield from stepped(state, d, rules.waited(d, at, terms), "deadline", "", at)
    yield from _overdue(state, at)
    for d in to_release(state, at):
        yield from stepped(state, d, rules.released(d, at), "release", "", at)
    if any(n in state.closed for n in state.connected):
        yield from drain(state, state.require_network().policy.redecide_limit, at)


def _overdue(state: State, at: int) -> Iterator[ev.Event]:
    """What has passed its cut-off without being released, or was accepted and stands still: a person hears of it, once."""
    nodes = state.require_network().nodes
    for n in state.connected:
        last = last_ship_day(nodes[n], at)
        for day in sorted(day for day in state.due[n] if day <= last):
            for order_id, number in list(state.due[n][day]):
                part = state.orders[order_id].parts[number]
                d = state.dispatch_of(part)
                if part.overdue or part.status != PROCESSING or (d is None and part.undeliverable):
                    continue
                subject = f"{order_id}/{number}"
                if d is not None and d.state == LIVE:
                    if is_stalled(state, d, at):
                        detail = f"accepted at {nodes[n].code}, and no progress since ({d.remote or 'no word'}; {d.remote_id})"
                        yield ev.Excepted("stalled", subject, detail, at)
                elif d is not None or is_handed_over(state.require_network(), state.connected[n], order_id):
                    now = "not handed over" if d is None else d.state.lower()
                    yield ev.Excepted("overdue", subject, f"past its cut-off at {nodes[n].code}, and {now}", at)


def _restart(state: State, command: cmd.Restart) -> Iterator[ev.Event]:
    """What was being sent may have arrived: a doubt, never a blank sheet."""
    yield ev.Took(command, command.at)
    for remote_id in list(state.open_dispatches):
        d = state.dispatches[remote_id]
        if d.op in {"create", "release"}:
            step = rules.restarted(d, command.at, terms_of(state, d.node))
            yield from stepped(state, d, step, "restart", "", command.at)


def _keep_masked(state: State, command: cmd.KeepMasked) -> Iterator[ev.Event]:
    """Books and orders stay as they are: what is kept comes with the command."""
    yield ev.Took(command, command.at)


_DECIDERS: dict[type, Callable[[State, Any], Iterator[ev.Event]]] = {
    cmd.HandOver: _hand_over,
    cmd.NotSendable: not_sendable,
    cmd.SetAliases: set_aliases,
    cmd.KeepMasked: _keep_masked,
    cmd.Answered: _answered,
    cmd.Reported: _reported,
    cmd.Recall: _recall,
    cmd.SendTo: send_to,
    cmd.Settle: _settle,
    cmd.SetBreaker: _set_breaker,
    cmd.Drain: _drain,
    cmd.CountStock: count_stock,
    cmd.SwitchShelf: switch_shelf,
    cmd.Restart: _restart,
}
