"""The hand-over protocol: what a network's answer makes of a dispatch, and which call comes next. Pure.

A dispatch is journaled before a byte is sent (SENDING) and keeps its id and bytes for good. What is wanted back is free for the next
attempt only when it cannot ship: it was held and never released, or there is proof that it is dead. Silence is no proof, "not found"
is no proof, and the clock proves nothing but what the network promises of late requests (`request_ttl_s`), and only together with the
answer to a call that was sent after that time. Evidence that nothing can undo (dead, left, a parcel) counts whenever it comes, however
late or often.

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

WANTED_BACK = frozenset({RESOLVING, QUARANTINED, ABANDONED})
"""Called back, and not yet closed. A quarantined one is looked after as a resolving one is, only more slowly."""
ENOUGH = 3
"""Answers in a row that do not find an order before that is believed to mean something."""
MOST_TRACES = 6
"""Looks for the parcels of what left; the last comes some five minutes after the first."""
ARRIVAL_LOOK_S = 12 * 3600
"""Between two looks at what should have arrived, and is not known to have."""
UNARRIVED_S = 30 * 86_400
"""How long after its planned arrival that goes on."""
UNSEEN_S = 600
"""How long an order that was accepted is waited for where a network does not say how far its answers lag, and creates it later."""
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
    arrives_at: int = 0  # when the fulfillment order should be with the customer; 0: not said


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
    if d.state in CLOSED or d.state in WANTED_BACK:
        return Step(d)
    return Step(_back(replace(d, why=why), now, "cancel" if terms.can.cancel != "none" else "get", now))


def _back(d: Dispatch, now: int, op: str, at: int) -> Dispatch:
    """Wanted back from now on. Where no release was ever journaled it cannot ship (invariant I2)."""
    free = d.hold and d.state in {SENDING, DOUBT_CREATE, HELD}
    d = replace(_doubted(d, now), wish="void", freed=d.freed or free)
    return _state(d, ABANDONED if free else RESOLVING, now, op, at)


def _doubted(d: Dispatch, now: int) -> Dispatch:
    """Bytes of the pending call may be on their way at this moment."""
    return replace(d, doubt_at=now) if d.op in {"create", "release"} else d


def restarted(d: Dispatch, now: int, terms: Terms) -> Step:
    """The engine came up again: what was about to be sent may have been (invariant I4)."""
    if d.op in {"create", "release"}:
        doubt = _unheard(d, d.op, now, terms)
        if (
            d.op_at > now and doubt.op == d.op
        ):  # not its turn yet: who comes up again and again must not put it off each time
            doubt = replace(doubt, op_at=d.op_at, tries=d.tries)
        return Step(doubt)
    return Step(d)


def settled(d: Dispatch, *, ships: bool, why: str, now: int, terms: Terms) -> Step:
    """A person has looked: it ships from there, or it never will. Only where the protocol asked for it.

    On "never" the order is free, and what may lie there is still being cancelled: a person can be wrong.
    """
    if d.state != QUARANTINED:
        return Step(d)
    if ships:
        return Step(_state(replace(d, wish="ship", why=why, absent=0), LIVE, now, "get", now))
    if terms.can.cancel == "none":
        return Step(_state(replace(d, why=why), VOID, now))
    return Step(_state(replace(d, why=why, absent=0), ABANDONED, now, "cancel", now))


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
        d = replace(d, burning=d.burning and d.op != "create")  # else its id may not be used up yet
        step = _state(d, QUARANTINED, now, "get", now + terms.patience.quarantine_look_s * SECOND)
        return Step(step, (Note("quarantine", detail),))
    return recalled(d, "no answer in time", now, terms)


# -- what the network says ---------------------------------------------------------------------------------------------


def answered(d: Dispatch, op: str, result: Result, sent_at: int, now: int, terms: Terms) -> Step:
    """What the answer to a call of ours means. Answers may be late, doubled or out of order."""
    if d.state == GONE and d.op == op:
        return Step(_traced(_told(replace(d, tries=d.tries + 1), result.parcels, ()), now, terms))
    notes: tuple[Note, ...] = ()
    if result.outcome in {"violation", "unauthorized"}:
        notes = (Note(result.outcome, f"{op}: {result.detail}"),)
    if result.their_id and not d.their_id:
        d = replace(d, their_id=result.their_id)
    if result.outcome in {"throttled", "unauthorized"}:
        wait = max(result.retry_after_ms * 1000, 0 if result.outcome == "throttled" else 30 * SECOND)
        return Step(_again(d, op, now, wait, terms), notes)
    if result.outcome in {"unknown", "violation"}:
        return Step(_unheard(d, op, now, terms), notes)
    if d.op == op and d.tries:
        d = replace(d, tries=0)
    step = _HEARD[op](d, result, sent_at, now, terms)
    return Step(step.dispatch, notes + step.notes) if notes else step


def reported(d: Dispatch, report: Report, now: int, terms: Terms) -> Step:
    """What the network says on its own account: a notification, a list. In any order, however often, of any age."""
    if report.their_id and not d.their_id:
        d = replace(d, their_id=report.their_id)
    return _said(d, report.remote, report, 0, now, terms)


def _said(d: Dispatch, word: str, told: Report | Result, sent_at: int, now: int, terms: Terms) -> Step:
    """A word that came by the way. A partial end that does not say which units stay behind is looked at before it closes."""
    d = _told(d, told.parcels, told.short)
    if word == "COMPLETE_PARTIAL" and not told.short and d.state not in CLOSED:
        return Step(_next(d if d.remote == word else replace(d, remote=word, moved_at=now), "get", now))
    return _word(d, word, sent_at, now, terms)


def _again(d: Dispatch, op: str, now: int, wait: int, terms: Terms) -> Dispatch:
    """The same call later; it was surely not carried out."""
    if d.op != op:
        return d
    return replace(d, tries=d.tries + 1, op_at=now + max(wait, terms.patience.wait(d.remote_id, d.tries)))


def _unheard(d: Dispatch, op: str, now: int, terms: Terms) -> Dispatch:
    """Nobody knows whether it was carried out, or will be."""
    if op in {"create", "release"} and d.state not in CLOSED:
        d = replace(d, doubt_at=max(d.doubt_at, now))  # its bytes may have left at any moment up to now
    if d.op != op:
        return d
    at = now + terms.patience.wait(d.remote_id, d.tries)
    tries = d.tries + 1
    if op == "create" and d.state in {SENDING, DOUBT_CREATE}:
        after = "create" if terms.can.client_id_unique else "get"
        return replace(_state(d, DOUBT_CREATE, now, after, at), tries=tries)
    if op == "release" and d.state in {RELEASING, DOUBT_RELEASE}:
        return replace(_state(d, DOUBT_RELEASE, now, "release", at), tries=tries)
    if d.state in {QUARANTINED, ABANDONED}:
        at = max(at, now + _pace(d, now, terms))
    return replace(d, tries=tries, op_at=at)


def _created(d: Dispatch, result: Result, sent_at: int, now: int, terms: Terms) -> Step:
    if d.state in CLOSED:
        return Step(d)
    if result.outcome in {"ok", "exists"}:
        if (
            terms.can.request_ttl_s
        ):  # a proxy may have sent it twice, or it was only accepted: the promise covers that too
            d = replace(d, doubt_at=max(d.doubt_at, sent_at))
        if d.state in WANTED_BACK and d.op == "create":  # its id is used up now: end what lies under it
            return Step(_next(replace(d, absent=0), "cancel", now))
        if d.state in {SENDING, DOUBT_CREATE}:
            return _there(replace(d, absent=0), result, sent_at, now, terms)
        return Step(d)
    if result.outcome == "not_found":  # a wrong address, not a word about the order
        return Step(_again(d, "create", now, 60 * SECOND, terms), (Note("violation", f"create: {result.detail}"),))
    if d.state == SENDING and not d.doubt_at:
        return Step(_state(replace(d, why=result.detail or "refused"), REJECTED, now))
    if d.state in {SENDING, DOUBT_CREATE}:  # an earlier try may have been carried out, or still will be
        return recalled(replace(d, op="get"), f"refused: {result.detail}", now, terms)
    if d.op == "create":
        return Step(_next(replace(d, burning=False), "get", now + _pace(d, now, terms)))
    return Step(d)


def _there(d: Dispatch, result: Result, sent_at: int, now: int, terms: Terms) -> Step:
    """The network has it. On hold it cannot ship, whatever else is true of it."""
    d = _told(d, result.parcels, result.short)
    if result.remote in DEAD | LEFT:
        return _word(d, result.remote, sent_at, now, terms)
    if not d.hold or result.remote == "PICKING" or d.parcels:
        return Step(_live(d, now, terms))
    if d.wish == "ship":
        later = terms.patience.look_s * SECOND if result.accepted_only else 0
        return Step(_state(d, RELEASING, now, "release", now + later))
    return Step(_state(d, HELD, now, "get", now + terms.patience.held_look_s * SECOND))


def _live(d: Dispatch, now: int, terms: Terms) -> Dispatch:
    return replace(_state(d, LIVE, now, "get", now + terms.patience.live_look_s * SECOND), absent=0)


def _released(d: Dispatch, result: Result, sent_at: int, now: int, terms: Terms) -> Step:
    if result.outcome in {"ok", "exists"} and terms.can.request_ttl_s and d.state not in CLOSED:
        d = replace(d, doubt_at=max(d.doubt_at, sent_at))
    if result.remote in DEAD | LEFT:
        return _said(d, result.remote, result, sent_at, now, terms)
    if d.state not in {RELEASING, DOUBT_RELEASE}:
        return Step(d)
    if result.outcome in {"ok", "exists"}:
        d = _live(d, now, terms)
        return Step(replace(d, op_at=now + terms.patience.look_s * 12 * SECOND) if result.accepted_only else d)
    d = replace(_state(d, DOUBT_RELEASE, now, "get", now + terms.patience.look_s * SECOND), why=result.detail)
    return Step(d)


def _cancelled(d: Dispatch, result: Result, sent_at: int, now: int, terms: Terms) -> Step:
    if d.state in CLOSED:
        return Step(d)
    word = result.remote or ("CANCELLED" if terms.can.cancel == "sync" and not result.accepted_only else "")
    if result.outcome in {"ok", "exists"} and word in DEAD | LEFT:
        return _said(d, word, result, sent_at, now, terms)
    if d.state not in WANTED_BACK:
        return Step(d)
    if result.outcome == "not_found":
        return _absent(d, sent_at, now, terms)
    return Step(_next(d, "get", now + terms.patience.look_s * SECOND))


def _looked(d: Dispatch, result: Result, sent_at: int, now: int, terms: Terms) -> Step:
    if result.outcome == "not_found":
        return _absent(d, sent_at, now, terms)
    if result.outcome not in {"ok", "exists"}:
        return Step(_next(d, "get", now + _pace(d, now, terms)) if d.op == "get" else d)
    d = _told(replace(d, absent=0) if d.absent else d, result.parcels, result.short)
    if result.remote or d.parcels or d.state in CLOSED:
        return _word(d, result.remote, sent_at, now, terms)
    return _alive(d, "PROCESSING" if d.state == LIVE else "HELD", sent_at, now, terms)  # it is there, more is not said


def _tracked(d: Dispatch, result: Result, _sent_at: int, now: int, terms: Terms) -> Step:
    """Where its parcels are. That there are none says nothing of the order."""
    if result.outcome not in {"ok", "exists"}:
        return Step(d)
    return _word(_told(d, result.parcels, result.short), result.remote, 0, now, terms)


_HEARD = {
    "create": _created,
    "release": _released,
    "cancel": _cancelled,
    "get": _looked,
    "tracking": _tracked,
}


# -- words -------------------------------------------------------------------------------------------------------------


def _word(d: Dispatch, word: str, sent_at: int, now: int, terms: Terms) -> Step:
    """The network's word on the order. Old news never undoes what is proven. `sent_at` is that of the call it answers; 0: none."""
    if d.state == GONE and d.op and has_arrived(d):
        d = replace(d, op="", op_at=0)
    news = bool(word) and word != d.remote and not _is_old(d, word, sent_at, terms)
    if news:
        d = replace(d, remote=word, moved_at=now)
    if word in LEFT or (d.parcels and (d.remote in DEAD or d.state in FREE)):
        return _left(d, now, terms)
    if d.state in CLOSED:
        late = news and word not in DEAD and d.state != GONE
        return Step(d, (Note("came_late", f"{d.state.lower()}, now {word} there"),) if late else ())
    if word in DEAD:
        return Step(_dead(d, word, sent_at, now, terms))
    if word or d.parcels:
        return _alive(d, word or "PROCESSING", sent_at, now, terms)
    return Step(d)


def _is_old(d: Dispatch, word: str, sent_at: int, terms: Terms) -> bool:
    """Whether an order that was ended cannot be what this word says. Where ids are free again, a late creation may have made it anew."""
    if word in DEAD | LEFT or d.remote not in DEAD | LEFT:
        return False
    again = not terms.can.id_burned_after_cancel and d.state not in CLOSED and (sent_at or word == "PICKING")
    return d.remote in LEFT or not again


def _left(d: Dispatch, now: int, terms: Terms) -> Step:
    """It is on its way to the customer: true whatever we thought. Where the next attempt may have begun, that is an alarm."""
    if d.state == GONE:
        return Step(d)
    notes: tuple[Note, ...] = ()
    if d.state in FREE or d.freed:
        notes = (Note("double_ship", f"left although it was {d.state.lower()}"),)
    return Step(_traced(_state(d, GONE, now), now, terms), notes)


def _traced(d: Dispatch, now: int, terms: Terms) -> Dispatch:
    """What left is looked at until its parcels are known, and from its planned arrival on until they have arrived.

    Notifications and lists may name no parcels, and some never tell that one has arrived.
    """
    if not any(parcel.tracking for parcel in d.parcels) and d.tries < MOST_TRACES:
        return _next(d, "get", now + (terms.patience.look_s * SECOND << min(d.tries, 8)))
    if not terms.arrives_at or has_arrived(d) or now >= terms.arrives_at + UNARRIVED_S * SECOND:
        return replace(d, op="", op_at=0)
    return _next(d, "get", terms.arrives_at if now < terms.arrives_at else now + ARRIVAL_LOOK_S * SECOND)


def has_arrived(d: Dispatch) -> bool:
    """Whether the network has told of parcels, and that all of them have arrived."""
    return bool(d.parcels) and all(parcel.status == "DELIVERED" for parcel in d.parcels)


def _dead(d: Dispatch, word: str, sent_at: int, now: int, terms: Terms) -> Dispatch:
    """It will not ship from there. A call that is still unheard of could bring it back where ids are free again after a cancellation."""
    d = _doubted(d, now)
    can, until = terms.can, _late_until(d, terms)
    if can.id_burned_after_cancel or not d.doubt_at or (until and sent_at >= until):
        return _state(replace(d, why=d.why or f"ended there: {word}"), VOID, now)
    if d.state not in WANTED_BACK:
        d = _back(replace(d, why=d.why or f"ended there: {word}"), now, "get", now)
    if d.state == ABANDONED and not until and now >= d.doubt_at + HOPELESS:
        return _state(d, VOID, now)
    return _next(d, "get", max(until, now + _pace(d, now, terms)))


def _late_until(d: Dispatch, terms: Terms) -> int:
    """Until when the last unheard call may still be carried out, and seen; 0 where the network does not say, or there is none."""
    ttl = terms.can.request_ttl_s
    return d.doubt_at + (ttl + terms.can.read_lag_s) * SECOND if ttl and d.doubt_at else 0


def _alive(d: Dispatch, word: str, sent_at: int, now: int, terms: Terms) -> Step:
    """It is there and not ended."""
    state, patience = d.state, terms.patience
    if d.absent:
        d = replace(d, absent=0)
    if state in {SENDING, DOUBT_CREATE}:
        held = d.hold and word == "HELD"
        return _there(d, Result("ok", "HELD"), sent_at, now, terms) if held else _may_ship(d, now, terms)
    if state == HELD:
        if word == "HELD":
            return Step(_next(d, "get", now + patience.held_look_s * SECOND))
        return _may_ship(d, now, terms)
    if state in {RELEASING, DOUBT_RELEASE}:
        if word != "HELD":
            return Step(_live(d, now, terms))
        return Step(_next(d, "release", now + patience.wait(d.remote_id, 0)) if sent_at or not d.op else d)
    if state == LIVE:
        if (
            word == "HELD" and d.hold and not d.freed and d.op == "get" and now >= d.op_at
        ):  # our release came to nothing
            return Step(_state(d, RELEASING, now, "release", now))
        return Step(_next(d, "get", now + patience.live_look_s * SECOND))
    if word == "PICKING" and state != ABANDONED:
        return Step(replace(_live(d, now, terms), wish="ship", why="too late to call it back"))
    if state == ABANDONED and word != "HELD":
        note = Note("double_ship_risk", f"abandoned on hold, now {word} there")
        return Step(_state(d, RESOLVING, now, "cancel" if terms.can.cancel != "none" else "get", now), (note,))
    if not sent_at and d.op != "create":
        return Step(d)  # of any age: our own next call goes on
    after = "cancel" if terms.can.cancel != "none" else "get"
    return Step(_next(d, after, now + _pace(d, now, terms)))


def _may_ship(d: Dispatch, now: int, terms: Terms) -> Step:
    notes: tuple[Note, ...] = ()
    if d.hold and d.wish == "hold":
        notes = (Note("released_by_itself", "handed over on hold, the network works on it"),)
    return Step(_live(replace(d, wish="ship"), now, terms), notes)


def _absent(d: Dispatch, sent_at: int, now: int, terms: Terms) -> Step:
    """The network does not find it: it lags, has lost it, or the order is still on its way there. Never a proof by itself."""
    if d.state in CLOSED:
        return Step(d)
    d = replace(d, absent=d.absent + 1)
    later = now + terms.patience.wait(d.remote_id, d.absent)
    if d.state in {SENDING, DOUBT_CREATE}:
        if terms.can.client_id_unique or d.state == SENDING:
            return Step(_next(d, "create", later))
        if _never_came(d, sent_at, terms):  # no late request can come any more: the same bytes may go again
            return Step(_state(replace(d, absent=0, doubt_at=0), SENDING, now, "create", now))
        return Step(_next(d, "get", max(later, _late_until(d, terms))))
    if d.state in {RESOLVING, QUARANTINED}:
        return Step(_burn(d, sent_at, now, terms))
    if d.state == ABANDONED:
        if d.absent >= ENOUGH and now >= (_late_until(d, terms) or d.doubt_at + HOPELESS):
            return Step(_state(d, VOID, now))
        return Step(_next(d, "get", now + _pace(d, now, terms)))
    if d.absent >= ENOUGH and now >= d.since + (terms.can.read_lag_s or UNSEEN_S) * SECOND:
        step = recalled(d, "vanished", now, terms)
        return Step(step.dispatch, (Note("vanished", f"{d.state}, but not found {d.absent} times"), *step.notes))
    if d.state in {HELD, LIVE}:
        later = max(later, now + terms.patience.quarantine_look_s * SECOND)
    return Step(_next(d, "get" if d.op != "release" else "release", later))


def _burn(d: Dispatch, sent_at: int, now: int, terms: Terms) -> Dispatch:
    """Wanted back and not found: use its id up, so that a late original finds it taken; else wait until none can come."""
    can = terms.can
    later = now + _pace(d, now, terms)
    if can.client_id_unique and can.id_burned_after_cancel and can.cancel != "none":
        if d.burning:  # it is used up, and what lies under it is not to be seen yet
            return _next(d, "cancel", later)
        return replace(_next(d, "create", now if d.absent == 1 else later), burning=True)
    if _never_came(d, sent_at, terms):
        return _state(d, VOID, now)
    return _next(d, "get", max(later, _late_until(d, terms)))


def _never_came(d: Dispatch, sent_at: int, terms: Terms) -> bool:
    """Nobody has ever seen it there, and this look was sent when no call could still be carried out."""
    until = _late_until(d, terms)
    return not (d.remote or d.their_id) and d.absent >= 2 and bool(until) and sent_at >= until


# -- small steps -------------------------------------------------------------------------------------------------------


def _state(d: Dispatch, state: str, now: int, op: str = "", at: int = 0) -> Dispatch:
    since = d.since if d.state == state else now
    return replace(d, state=state, since=since, op=op, op_at=at, tries=0)


def _next(d: Dispatch, op: str, at: int) -> Dispatch:
    return replace(d, op=op, op_at=at)


def _pace(d: Dispatch, now: int, terms: Terms) -> int:
    """Microseconds until the next look: the longer it stands like this, the longer."""
    patience, since = terms.patience, (now - d.since) // 2
    if d.state == LIVE:
        return patience.live_look_s * SECOND
    if d.state == HELD:
        return patience.held_look_s * SECOND
    if d.state in {QUARANTINED, ABANDONED}:
        return min(max(patience.quarantine_look_s * SECOND, since), patience.held_look_s * SECOND)
    return max(patience.look_s * SECOND, min(patience.most_retry_s * SECOND, since))


def _told(d: Dispatch, parcels: tuple[Parcel, ...], short: tuple[tuple[str, int], ...]) -> Dispatch:
    """Parcels and shortages of the newest word; a parcel once told is never forgotten, and never goes back from delivered."""
    if not parcels and not short:
        return d
    known = {parcel.package_id: parcel for parcel in d.parcels}
    for parcel in parcels:
        old = known.get(parcel.package_id)
        known[parcel.package_id] = parcel if old is None else _merged(old, parcel)
    kept = tuple(known[key] for key in sorted(known))
    missing = dict(d.short)
    for line, units in short:
        missing[line] = max(units, missing.get(line, 0))
    return replace(d, parcels=kept, short=tuple(sorted(missing.items())))


def _merged(old: Parcel, new: Parcel) -> Parcel:
    """Whatever either says, whichever came first: the same in any order."""
    rank = ("", "SHIPPED", "UNDELIVERABLE", "DELIVERED")
    first, second = sorted((old, new))
    status = max((old.status, new.status), key=lambda status: (rank.index(status) if status in rank else 0, status))
    return Parcel(
        old.package_id,
        max(first.carrier, second.carrier),
        max(first.tracking, second.tracking),
        max(first.lines, second.lines),
        status,
        max(first.shipped_at, second.shipped_at),
    )
