"""Attempts in each state, and networks of each kind: what the tests of the hand-over rules begin with."""

from msgspec.structs import replace

from tranship.core.capability import Capability
from tranship.dispatch import rules
from tranship.dispatch.model import HELD, LIVE, QUARANTINED, RELEASING, RESOLVING, Dispatch, Parcel, Report, Result
from tranship.dispatch.policy import HOUR, SECOND

T0 = 1_790_000_000 * SECOND
HOLD = Capability(True, True, True, "async", True, 60, 0)
BURN = Capability(False, True, True, "async", True, 60, 0)
FREE_IDS = Capability(True, True, False, "async", True, 60, 4_000)
WAIT = Capability(False, False, False, "sync", True, 60, 4_000)
NOTHING = Capability(False, False, False, "none", True, 60, 0)
KINDS = (HOLD, BURN, FREE_IDS, WAIT, NOTHING)
TTL = (4_000 + 60) * SECOND
OK, UNKNOWN, NOT_FOUND = Result("ok"), Result("unknown"), Result("not_found")
REFUSED = Result("refused", detail="not served")
PARCEL = Parcel("p1", "UPS", "1Z", (("1", 1),), "SHIPPED")


def terms(can: Capability) -> rules.Terms:
    """The usual patience with this network."""
    return rules.Terms(can)


def begun(can: Capability, wish: str = "ship") -> Dispatch:
    """A journaled intent."""
    hold = can.hold_release
    return rules.intend("R1", "o", 1, 0, "sha", T0, hold=hold, wish=wish if hold else "ship")


def held() -> Dispatch:
    """On hold at a network that holds."""
    return answer(begun(HOLD, "hold"), "create", Result("ok", "HELD"), HOLD)


def live(can: Capability = BURN) -> Dispatch:
    """Accepted, and on its way to be picked."""
    d = answer(begun(can), "create", OK, can)
    return answer(d, "release", OK, can) if d.state == RELEASING else d


def resolving(can: Capability = BURN) -> Dispatch:
    """Wanted back, with nothing proven."""
    d = rules.recalled(live(can), "drain", T0 + HOUR, terms(can)).dispatch
    assert d.state == RESOLVING
    return d


def quarantined(can: Capability = BURN) -> Dispatch:
    """Before a person."""
    d = resolving(can)
    d = rules.waited(d, d.since + 2 * HOUR, terms(can)).dispatch
    assert d.state == QUARANTINED
    return d


def answer(d: Dispatch, op: str, result: Result, can: Capability, now: int = T0 + SECOND, sent_at: int = 0) -> Dispatch:
    """After an answer."""
    return rules.answered(d, op, result, sent_at or now - SECOND, now, terms(can)).dispatch


def report(d: Dispatch, word: str, can: Capability, *parcels: Parcel, now: int = T0 + SECOND) -> rules.Step:
    """After a notification."""
    return rules.reported(d, Report(d.remote_id, word, parcels=parcels), now, terms(can))


def released() -> Dispatch:
    """Its release is journaled."""
    d = rules.released(held(), T0 + SECOND).dispatch
    assert d.state == RELEASING
    return d


def in_state(d: Dispatch, state: str) -> Dispatch:
    """The same in another state, for what no story leads to quickly."""
    return replace(d, state=state)


__all__ = ["HELD", "LIVE"]
