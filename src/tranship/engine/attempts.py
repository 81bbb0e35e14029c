"""Attempts to hand fulfillment orders over, from the tables and the journal: lists, and the evidence of one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tranship.core.errors import InputError
from tranship.core.time import from_micros
from tranship.dispatch.model import CLOSED, STATES
from tranship.engine import events as ev
from tranship.engine.networks import SHORT, STATE_WORDS
from tranship.store.port import Store

MOST = 500
"""Attempts in one answer."""
_COLUMNS = "remote_id, part_id, order_id, node, connection, state, wish, remote, their_id, created_at, since, why"
GROUPS = {
    "open": tuple(state for state in STATES if state not in CLOSED),
    "doubt": ("DOUBT_CREATE", "DOUBT_RELEASE", "RESOLVING", "QUARANTINED"),
}
"""Words for several states."""


class DispatchNow(msgspec.Struct, frozen=True):
    """One attempt as it stands. `id` is ours in the network; `said` is the network's last word."""

    id: str
    order: str
    fulfillment_order: str
    node: str
    connection: str
    state: str
    words: str
    wish: str
    said: str
    their_id: str
    created_at: str
    since: str
    why: str
    policy: str = ""  # the first signs of the hash of the masking policy that its bytes were made under


class Listed(msgspec.Struct, frozen=True):
    """Some attempts, the newest first; `more` where the limit cut the list."""

    dispatches: tuple[DispatchNow, ...]
    more: bool


def listed(store: Store, state: str = "", order: str = "", limit: int = 100) -> Listed:
    """The newest attempts; `state` is one of dispatch.model.STATES, `open`, `doubt`, or empty for all. InputError for another."""
    sql, parameters = f"SELECT {_COLUMNS} FROM dispatch", list[object]()  # noqa: S608 - our own column names
    wanted = _states(state)
    conditions = []
    if wanted:
        conditions.append(f"state IN ({', '.join('?' * len(wanted))})")
        parameters += wanted
    if order:
        conditions.append("order_id = ?")
        parameters.append(order)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    limit = max(1, min(limit, MOST))
    rows = store.query(f"{sql}{where} ORDER BY pos DESC LIMIT ?", (*parameters, limit + 1))
    under = policies(store, [str(row[0]) for row in rows[:limit]])
    return Listed(tuple(_now(row, under) for row in rows[:limit]), len(rows) > limit)


def policies(store: Store, remote_ids: Sequence[str]) -> dict[str, str]:
    """The masking policy that the bytes of each of these were made under, by the first signs of its hash; from the audit."""
    found: dict[str, str] = {}
    for first in range(0, len(remote_ids), MOST):
        some = remote_ids[first : first + MOST]
        sql = "SELECT subject, policy FROM audit WHERE actor = 'engine' AND verdict = 'sent' AND subject IN"
        for subject, policy in store.query(f"{sql} ({', '.join('?' * len(some))})", list(some)):
            found[str(subject)] = str(policy)[:SHORT]
    return found


def found(store: Store, remote_id: str) -> DispatchNow:
    """One attempt; InputError where there is none."""
    rows = store.query(f"SELECT {_COLUMNS} FROM dispatch WHERE remote_id = ?", (remote_id,))  # noqa: S608
    if not rows:
        raise InputError(f"no dispatch {remote_id!r}", hint="`tranship dispatches` lists them.")
    return _now(rows[0], policies(store, [remote_id]))


class Heard(NamedTuple):
    """One step of an attempt: when, journal row, what it became, and what made it so."""

    at: int
    seq: int
    event: ev.Dispatched


def history(store: Store, order_id: str, remote_id: str) -> list[Heard]:
    """Every step of one attempt, oldest first."""
    rows = store.query(
        "SELECT seq, payload FROM journal WHERE kind = 'dispatch' AND seq >= (SELECT seq FROM command WHERE key = ?)"
        " AND instr(payload, ?) > 0 ORDER BY seq",
        (f"order/{order_id.replace(':', '/', 1)}", remote_id.encode()),
    )
    steps = [(int(str(seq)), ev.decode(bytes(payload))) for seq, payload in rows if isinstance(payload, bytes)]
    return [
        Heard(event.at, seq, event)
        for seq, event in steps
        if isinstance(event, ev.Dispatched) and event.dispatch.remote_id == remote_id
    ]


def evidence(steps: Iterable[Heard]) -> tuple[str, ...]:
    """What was heard, in words, one line a step; the same again and again is one line with a count."""
    lines: list[tuple[int, str, int, int]] = []  # first time, words, how often, last time
    for step in steps:
        words = told(step.event)
        if lines and lines[-1][1] == words:
            first, _, count, _ = lines[-1]
            lines[-1] = (first, words, count + 1, step.at)
        else:
            lines.append((step.at, words, 1, step.at))
    return tuple(
        f"{_clock(first)} {words}" + (f", {count} times until {_clock(last)[11:]}" if count > 1 else "")
        for first, words, count, last in lines
    )


CAUSES = {
    "handover": "handed over",
    "release": "released: it was time to ship",
    "recall": "called back",
    "deadline": "no answer in time",
    "restart": "the service came up again: what was being sent may have arrived",
    "settled": "settled by a person",
}


def told(event: ev.Dispatched) -> str:
    """One step in words."""
    d = event.dispatch
    made = CAUSES.get(event.cause, "")
    heard = event.evidence if event.cause in {"answer", "report", "settled"} else ""
    if event.cause == "recall" and event.evidence:
        made += f" ({event.evidence})"
    first = ": ".join(part for part in (made, heard) if part)
    words = f"{d.state} ({STATE_WORDS.get(d.state, d.state)})"
    return f"{first or event.cause} -> {words}" + (f", {d.why}" if d.why and d.state in CLOSED else "")


def _states(state: str) -> tuple[str, ...]:
    if not state:
        return ()
    known = {**{each: (each,) for each in STATES}, **GROUPS}
    wanted = known.get(state) or known.get(state.upper())
    if wanted is None:
        raise InputError("no such state", where="state", hint=f"There are {', '.join([*GROUPS, *STATES])}.")
    return wanted


def _now(row: tuple[object, ...], under: Mapping[str, str]) -> DispatchNow:
    remote_id, pid, order_id, node, connection, state, wish, remote, their_id, created_at, since, why = row
    return DispatchNow(
        str(remote_id), str(order_id), str(pid), str(node), str(connection), str(state),
        STATE_WORDS.get(str(state), str(state)), str(wish), str(remote), str(their_id),
        _time(int(str(created_at))), _time(int(str(since))), str(why), under.get(str(remote_id), ""),
    )  # fmt: skip


def _time(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%d %H:%M:%S UTC")
