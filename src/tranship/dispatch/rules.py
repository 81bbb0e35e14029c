"""The hand-over protocol: what a network's answer makes of a dispatch, and which call comes next. Pure.

A dispatch is journaled before a byte is sent (SENDING) and keeps its id and bytes for good. What is wanted back is free for the next
attempt only when it cannot ship: it was held and never released, or there is proof that it is dead. Silence is no proof, "not found"
is no proof, and the clock proves nothing but what the network promises of late requests (`request_ttl_s`), and only together with an
answer. Evidence that nothing can undo (dead, left) counts whenever it comes, however late or often.

Source of states and invariants: research on hand-over, sections 4 and 6; simulated by `tranship sim`.
"""

from typing import NamedTuple

from msgspec.structs import replace

from tranship.core.capability import Capability
from tranship.dispatch.model import (
    ABANDONED,
    CLOSED,
    DEAD,
    DOUBT_CREATE,
    DOUBT_RELEASE,
    FREE,
    GONE,
    HELD,
    LEFT,
    LIVE,
    QUARANTINED,
    REJECTED,
    RELEASING,
    RESOLVING,
    SENDING,
    VOID,
    Dispatch,
    Parcel,
    Report,
    Result,
)
from tranship.dispatch.policy import DEFAULT, HOUR, SECOND, Patience

ENOUGH = 3
"""Answers in a row that do not find an order before that is believed to mean something."""
HOPELESS = 24 * HOUR
"""How long an abandoned order that was never found is looked for where a network does not say how late requests are carried out."""


class Note(NamedTuple):
    """Something a person should see: its kind and what is known, never personal data."""

    kind: str  # double_ship | double_ship_risk | released_by_itself | vanished | quarantine | violation | unauthorized | came_late
    detail: str


class Step(NamedTuple):
    """What became of a dispatch, and what to tell."""

    dispatch: Dispatch
    notes: tuple[Note, ...] = ()


class Terms(NamedTuple):
    """What the rules go by: the network's capability and our patience."""

    can: Capability
    patience: Patience = DEFAULT


def intend(
    remote_id: str, order_id: str, number: int, node: int, sha256: str, now: int, *, hold: bool, wish: str
) -> Dispatch:
    """A new attempt, before a byte is sent. `wish`: hold (released later) or ship."""
    return Dispatch(
        remote_id, order_id, number, node, hold, SENDING, wish, now, now, "create", now, moved_at=now, sha256=sha256
    )


# -- what we want ------------------------------------------------------------------------------------------------------


def released(d: Dispatch, now: int) -> Step:
    """It is time to ship: journaled before the release is sent (invariant I3: never for what is wanted back)."""
    if d.wish != "hold":
        return Step(d)
    if d.state == HELD:
        return Step(_state(replace(d, wish="ship"), RELEASING, now, "release", now))
    return Step(replace(d, wish="ship"))


def recalled(d: Dispatch, why: str, now: int, terms: Terms) -> Step:
    """It is wanted back. What waits on hold is free at once; everything else only with proof."""
    if d.state in CLOSED or d.state in {ABANDONED, RESOLVING, QUARANTINED}:
        return Step(d)
    d = replace(d, wish="void", why=why)
    if d.hold and d.state in {SENDING, DOUBT_CREATE, HELD}:  # no release was ever journaled: it cannot ship
        return Step(_state(_doubted(d, now), ABANDONED, now, "cancel" if terms.can.cancel != "none" else "get", now))
    first = "cancel" if terms.can.cancel != "none" else "get"
    return Step(_state(_doubted(d, now), RESOLVING, now, first, now))


def _doubted(d: Dispatch, now: int) -> Dispatch:
    """Bytes of the pending call may be on their way at this moment."""
    return replace(d, doubt_at=now) if d.state in {SENDING, RELEASING} and d.op in {"create", "release"} else d


def settled(d: Dispatch, *, ships: bool, why: str, now: int) -> Step:
    """A person has looked: it ships from there, or it never will. Only where the protocol asked for it."""
    if d.state != QUARANTINED:
        return Step(d)
    if ships:
        return Step(_state(replace(d, wish="ship", why=why), LIVE, now, "get", now))
    return Step(_state(replace(d, why=why), VOID, now))


def deadline(d: Dispatch, terms: Terms) -> int:
    """When silence alone makes the protocol more careful; 0: never."""
    if d.state in {DOUBT_CREATE, RELEASING, DOUBT_RELEASE, RESOLVING} or (d.state == SENDING and d.tries):
        return d.since + terms.patience.resolve_limit_s * SECOND
    return 0


def waited(d: Dispatch, now: int, terms: Terms) -> Step:
    """The limit has passed: a doubt is called back, a call-back without proof goes to a person."""
    at = deadline(d, terms)
    if not at or now < at:
        return Step(d)
    if d.state == RESOLVING:
        detail = f"no proof after {terms.patience.resolve_limit_s} s; last word {d.remote or 'none'}, absent {d.absent} times"
        step = _state(d, QUARANTINED, now, "get", now + terms.patience.quarantine_look_s * SECOND)
        return Step(step, (Note("quarantine", detail),))
    return recalled(d, "no answer in time", now, terms)


# -- what the network says ---------------------------------------------------------------------------------------------


def answered(d: Dispatch, op: str, result: Result, sent_at: int, now: int, terms: Terms) -> Step:
    """What the answer to a call of ours means. Answers may be late, doubled or out of order."""
    notes: tuple[Note, ...] = ()
    if result.outcome in {"violation", "unauthorized"}:
        notes = (Note(result.outcome, f"{op}: {result.detail}"),)
    if result.their_id and not d.their_id:
        d = replace(d, their_id=result.their_id)
    if result.outcome in {"throttled", "unauthorized"}:
        wait = max(result.retry_after_ms * 1000, 0 if result.outcome == "throttled" else 30 * SECOND)
        return Step(_again(d, op, now, wait, terms), notes)
    if result.outcome in {"unknown", "violation"}:
        return Step(_unheard(d, op, sent_at, now, terms), notes)
    step = _HEARD[op](replace(d, tries=0) if d.op == op else d, result, now, terms)
    return Step(step.dispatch, notes + step.notes)


def reported(d: Dispatch, report: Report, now: int, terms: Terms) -> Step:
    """What the network says on its own account: a notification, a list. In any order, however often."""
    if report.their_id and not d.their_id:
        d = replace(d, their_id=report.their_id)
    return _word(_told(d, report.parcels, report.short), report.remote, now, terms)


def _again(d: Dispatch, op: str, now: int, wait: int, terms: Terms) -> Dispatch:
    """The same call later; it was surely not carried out."""
    if d.op != op:
        return d
    return replace(d, tries=d.tries + 1, op_at=now + max(wait, terms.patience.wait(d.remote_id, d.tries)))


def _unheard(d: Dispatch, op: str, sent_at: int, now: int, terms: Terms) -> Dispatch:
    """Nobody knows whether it was carried out, or will be."""
    if op in {"create", "release"} and d.state not in CLOSED:
        d = replace(d, doubt_at=max(d.doubt_at, sent_at))
    if d.op != op:
        return d
    at = now + terms.patience.wait(d.remote_id, d.tries)
    tries = d.tries + 1
    if op == "create" and d.state in {SENDING, DOUBT_CREATE}:
        after = "create" if terms.can.client_id_unique else "get"
        return replace(_state(d, DOUBT_CREATE, now, after, at), tries=tries)
    if op == "release" and d.state in {RELEASING, DOUBT_RELEASE}:
        return replace(_state(d, DOUBT_RELEASE, now, "release", at), tries=tries)
    return replace(d, tries=tries, op_at=at)


def _created(d: Dispatch, result: Result, now: int, terms: Terms) -> Step:
    if d.state in CLOSED:
        return Step(d)
    if result.outcome in {"ok", "exists"}:
        if d.state in {RESOLVING, ABANDONED} and d.op == "create":  # its id is used up now: end what lies under it
            return Step(_next(replace(d, absent=0), "cancel", now))
        if d.state in {SENDING, DOUBT_CREATE}:
            return _there(replace(d, absent=0), result, now, terms)
        return Step(d)
    if result.outcome == "not_found":  # a wrong address, not a word about the order
        return Step(_again(d, "create", now, 60 * SECOND, terms), (Note("violation", f"create: {result.detail}"),))
    if d.state == SENDING and not d.doubt_at:
        return Step(_state(replace(d, why=result.detail or "refused"), REJECTED, now))
    if d.state in {SENDING, DOUBT_CREATE}:  # an earlier try may have been carried out, or still will be
        return recalled(d, f"refused: {result.detail}", now, terms)
    return Step(_next(d, "get", now + terms.patience.wait(d.remote_id, d.tries)))


def _there(d: Dispatch, result: Result, now: int, terms: Terms) -> Step:
    """The network has it. On hold it cannot ship, whatever else is true of it."""
    if result.remote in DEAD | LEFT:
        return _word(_told(d, result.parcels, result.short), result.remote, now, terms)
    if not d.hold or result.remote == "PICKING":
        return Step(_live(d, now, terms))
    if d.wish == "ship":
        return Step(_state(d, RELEASING, now, "release", now))
    return Step(_state(d, HELD, now, "get", now + terms.patience.held_look_s * SECOND))


def _live(d: Dispatch, now: int, terms: Terms) -> Dispatch:
    return replace(_state(d, LIVE, now, "get", now + terms.patience.live_look_s * SECOND), absent=0)


def _released(d: Dispatch, result: Result, now: int, terms: Terms) -> Step:
    if d.state not in {RELEASING, DOUBT_RELEASE}:
        return Step(d)
    if result.outcome in {"ok", "exists"}:
        d = _live(d, now, terms)
        return Step(replace(d, op_at=now + terms.patience.look_s * 12 * SECOND) if result.accepted_only else d)
    return Step(replace(_state(d, DOUBT_RELEASE, now, "get", now + terms.patience.look_s * SECOND), why=result.detail))


def _cancelled(d: Dispatch, result: Result, now: int, terms: Terms) -> Step:
    if d.state in CLOSED:
        return Step(d)
    if result.outcome == "not_found":
        return _absent(d, now, terms)
    if result.outcome in {"ok", "exists"} and not result.accepted_only and terms.can.cancel == "sync":
        return _word(d, result.remote or "CANCELLED", now, terms)
    return Step(_next(d, "get", now + terms.patience.look_s * SECOND))


def _looked(d: Dispatch, result: Result, now: int, terms: Terms) -> Step:
    if result.outcome == "not_found":
        return _absent(d, now, terms)
    if result.outcome != "ok" or not result.remote:
        return Step(replace(d, op_at=now + terms.patience.wait(d.remote_id, d.tries)) if d.op == "get" else d)
    return _word(_told(replace(d, absent=0), result.parcels, result.short), result.remote, now, terms)


_HEARD = {
    "create": _created,
    "release": _released,
    "cancel": _cancelled,
    "get": _looked,
    "tracking": _looked,
}


# -- words -------------------------------------------------------------------------------------------------------------


def _word(d: Dispatch, word: str, now: int, terms: Terms) -> Step:
    """The network's word on the order. Old news never undoes what is proven."""
    if not word:
        return Step(d)
    if word != d.remote and not (d.remote in DEAD | LEFT and word not in DEAD | LEFT):
        d = replace(d, remote=word, moved_at=now)
    if word in LEFT:
        return _left(d, now)
    if d.state in CLOSED:
        return Step(d)
    if word in DEAD:
        return Step(_dead(d, word, now, terms))
    return _alive(d, word, now, terms)


def _left(d: Dispatch, now: int) -> Step:
    """It is on its way to the customer: true whatever we thought. Where the next attempt may have begun, that is an alarm."""
    if d.state == GONE:
        return Step(d)
    notes: tuple[Note, ...] = ()
    if d.state in FREE:
        notes = (Note("double_ship", f"left although it was {d.state.lower()}"),)
    return Step(_state(d, GONE, now), notes)


def _dead(d: Dispatch, word: str, now: int, terms: Terms) -> Dispatch:
    """It will not ship from there. A call that is still unheard of could bring it back where ids are free again after a cancellation."""
    if d.doubt_at and not terms.can.id_burned_after_cancel:
        until = _late_until(d, terms)
        if not until:
            if d.state == ABANDONED:
                return _next(d, "get", now + terms.patience.quarantine_look_s * SECOND)
            kept = d if d.state in {RESOLVING, QUARANTINED} else _state(replace(d, wish="void"), RESOLVING, now)
            return _next(kept, "get", now + terms.patience.look_s * SECOND)
        if now < until:
            kept = d if d.state in {RESOLVING, ABANDONED, QUARANTINED} else _state(replace(d, wish="void"), RESOLVING, now)
            return _next(kept, "get", until)
    return _state(replace(d, why=d.why or f"ended there: {word}"), VOID, now)


def _late_until(d: Dispatch, terms: Terms) -> int:
    """Until when the last unheard call may still be carried out, and seen; 0 where the network does not say."""
    ttl = terms.can.request_ttl_s
    return d.doubt_at + (ttl + terms.can.read_lag_s) * SECOND if ttl else 0


def _alive(d: Dispatch, word: str, now: int, terms: Terms) -> Step:
    """It is there and not ended."""
    state, patience = d.state, terms.patience
    if state in {SENDING, DOUBT_CREATE}:
        held = d.hold and word == "HELD"
        return _there(d, Result("ok", "HELD"), now, terms) if held else _may_ship(d, now, terms)
    if state == HELD:
        if word == "HELD":
            return Step(replace(d, op="get", op_at=now + patience.held_look_s * SECOND))
        return _may_ship(d, now, terms)
    if state in {RELEASING, DOUBT_RELEASE}:
        if word != "HELD":
            return Step(_live(d, now, terms))
        return Step(_next(d, "release", max(d.op_at, now)) if state == DOUBT_RELEASE else d)
    if state == LIVE:
        if word == "HELD" and d.hold and d.op == "get" and now >= d.op_at:  # our release came to nothing
            return Step(_state(d, RELEASING, now, "release", now))
        return Step(_next(d, "get", now + patience.live_look_s * SECOND))
    if word == "PICKING" and state in {RESOLVING, QUARANTINED}:
        return Step(replace(_live(d, now, terms), wish="ship", why="too late to call it back"))
    if state == ABANDONED and word != "HELD":
        note = Note("double_ship_risk", f"abandoned on hold, now {word} there")
        return Step(_state(d, RESOLVING, now, "cancel", now), (note,))
    if state == QUARANTINED:
        return Step(_next(d, "get", now + patience.quarantine_look_s * SECOND))
    after = "cancel" if terms.can.cancel != "none" else "get"
    return Step(replace(_next(d, after, now + patience.wait(d.remote_id, d.tries)), tries=d.tries + 1))


def _may_ship(d: Dispatch, now: int, terms: Terms) -> Step:
    notes: tuple[Note, ...] = ()
    if d.hold and d.wish == "hold":
        notes = (Note("released_by_itself", "handed over on hold, the network works on it"),)
    return Step(_live(replace(d, wish="ship"), now, terms), notes)


def _absent(d: Dispatch, now: int, terms: Terms) -> Step:
    """The network does not find it: it lags, has lost it, or the order is still on its way there. Never a proof by itself."""
    if d.state in CLOSED:
        return Step(d)
    d = replace(d, absent=d.absent + 1)
    later = now + terms.patience.wait(d.remote_id, d.absent)
    if d.state in {SENDING, DOUBT_CREATE}:
        if terms.can.client_id_unique:
            return Step(_next(d, "create", later))
        if _never_came(d, now, terms):  # no late request can come any more: the same bytes may go again
            return Step(_state(replace(d, absent=0, doubt_at=0), SENDING, now, "create", now))
        return Step(_next(d, "get", max(later, _late_until(d, terms))))
    if d.state == RESOLVING:
        return Step(_burn(d, now, later, terms))
    if d.state == ABANDONED:
        if d.absent >= ENOUGH and now >= (_late_until(d, terms) or d.doubt_at + HOPELESS):
            return Step(_state(d, VOID, now))
        return Step(_next(d, "get", now + terms.patience.quarantine_look_s * SECOND))
    notes = (Note("vanished", f"{d.state}, but not found {d.absent} times"),) if d.absent == ENOUGH else ()
    if d.state in {RELEASING, DOUBT_RELEASE} and d.absent >= ENOUGH:
        step = recalled(d, "vanished", now, terms)
        return Step(step.dispatch, notes + step.notes)
    return Step(_next(d, "get" if d.op != "release" else "release", later), notes)


def _burn(d: Dispatch, now: int, later: int, terms: Terms) -> Dispatch:
    """Wanted back and not found: use its id up, so that a late original finds it taken; else wait until none can come."""
    can = terms.can
    if can.client_id_unique and can.id_burned_after_cancel and can.cancel != "none":
        return replace(_next(d, "create", now if d.absent == 1 else later), burning=True)
    if _never_came(d, now, terms):
        return _state(d, VOID, now)
    return _next(d, "get", max(later, _late_until(d, terms)))


def _never_came(d: Dispatch, now: int, terms: Terms) -> bool:
    until = _late_until(d, terms)
    return d.absent >= 2 and bool(until) and now >= until


# -- small steps -------------------------------------------------------------------------------------------------------


def _state(d: Dispatch, state: str, now: int, op: str = "", at: int = 0) -> Dispatch:
    since = d.since if d.state == state else now
    return replace(d, state=state, since=since, op=op, op_at=at, tries=0)


def _next(d: Dispatch, op: str, at: int) -> Dispatch:
    return replace(d, op=op, op_at=at)


def _told(d: Dispatch, parcels: tuple[Parcel, ...], short: tuple[tuple[str, int], ...]) -> Dispatch:
    """Parcels and shortages of the newest word; a parcel once told is never forgotten, and never goes back from delivered."""
    if not parcels and not short:
        return d
    known = {parcel.package_id: parcel for parcel in d.parcels}
    for parcel in parcels:
        old = known.get(parcel.package_id)
        known[parcel.package_id] = parcel if old is None else _merged(old, parcel)
    kept = tuple(known[key] for key in sorted(known))
    return replace(d, parcels=kept, short=tuple(sorted({**dict(d.short), **dict(short)}.items())))


def _merged(old: Parcel, new: Parcel) -> Parcel:
    """Whatever either says, whichever came first: the same in any order."""
    rank = ("", "SHIPPED", "UNDELIVERABLE", "DELIVERED")
    first, second = sorted((old, new))
    status = max((old.status, new.status), key=lambda status: rank.index(status) if status in rank else 0)
    return Parcel(
        old.package_id,
        max(first.carrier, second.carrier),
        max(first.tracking, second.tracking),
        max(first.lines, second.lines),
        status,
        max(first.shipped_at, second.shipped_at),
    )
