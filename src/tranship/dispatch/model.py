"""One attempt to hand a fulfillment order over, and what a network says of it. The words are Amazon's of 2026-07-04 where it has one."""

import msgspec

# -- what we know of it -----------------------------------------------------------------------------------------------
SENDING = "SENDING"  # the intent is journaled; bytes may be on their way
DOUBT_CREATE = "DOUBT_CREATE"  # nobody knows whether it is there
HELD = "HELD"  # there, and will not ship before it is released
RELEASING = "RELEASING"  # the release is journaled; bytes may be on their way
DOUBT_RELEASE = "DOUBT_RELEASE"  # nobody knows whether it was released
LIVE = "LIVE"  # there, and will ship
RESOLVING = "RESOLVING"  # wanted back; until there is proof it may ship
QUARANTINED = "QUARANTINED"  # no proof in time: a person decides
ABANDONED = "ABANDONED"  # it cannot ship; the network has not confirmed that it is gone
REJECTED = "REJECTED"  # closed: the network refused it
VOID = "VOID"  # closed: the network confirmed that it will not ship
GONE = "SHIPPED"  # closed: it left

STATES = (
    SENDING, DOUBT_CREATE, HELD, RELEASING, DOUBT_RELEASE, LIVE, RESOLVING, QUARANTINED, ABANDONED, REJECTED, VOID, GONE,
)  # fmt: skip
CLOSED = frozenset({REJECTED, VOID, GONE})
"""States that absorb whatever comes late."""
CANNOT_SHIP = frozenset({HELD, ABANDONED, REJECTED, VOID})
"""States in which nothing of it can leave (invariant I1 counts all others)."""
FREE = frozenset({ABANDONED, REJECTED, VOID})
"""States in which the next attempt may begin (invariant I2)."""

# -- what a network says ----------------------------------------------------------------------------------------------
REMOTE = ("HELD", "PROCESSING", "PICKING", "COMPLETE", "COMPLETE_PARTIAL", "CANCELLED", "UNFULFILLABLE", "INVALID")
"""An order's state in a network, in our words. PICKING: it can no longer be called back. HELD: known to wait for a release."""
DEAD = frozenset({"CANCELLED", "UNFULFILLABLE", "INVALID"})
"""It will not ship from there; none of these is ever left again."""
LEFT = frozenset({"COMPLETE", "COMPLETE_PARTIAL"})
OUTCOMES = ("ok", "exists", "refused", "not_found", "throttled", "unauthorized", "unknown", "violation")
"""What became of one call. `ok`, `exists`, `refused`, `not_found`: the network answered. `throttled`, `unauthorized`: it was not
carried out. `unknown`: it may have been, now or later. `violation`: an answer that breaks the network's own rules, so unknown too."""


class Parcel(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A package that left: its number there, carrier, tracking number, (our line id, units) in it, and where it is."""

    package_id: str
    carrier: str = ""
    tracking: str = ""
    lines: tuple[tuple[str, int], ...] = ()
    status: str = ""  # SHIPPED | DELIVERED | UNDELIVERABLE | ""
    shipped_at: int = 0  # UTC microseconds; 0: not said


class Result(msgspec.Struct, frozen=True):
    """What one call came to. `detail` never holds personal data; it names code and place of what was wrong."""

    outcome: str
    remote: str = ""  # one of REMOTE; "" where the answer does not say
    their_id: str = ""  # the network's own number for the order
    detail: str = ""
    retry_after_ms: int = 0
    accepted_only: bool = False  # it will be done, or refused, later: proves nothing yet
    parcels: tuple[Parcel, ...] = ()
    short: tuple[tuple[str, int], ...] = ()  # (our line id, units) that the network will not ship


class Report(msgspec.Struct, frozen=True):
    """What a network says of one order on its own account: a notification, or a line of a list."""

    remote_id: str
    remote: str = ""
    their_id: str = ""
    parcels: tuple[Parcel, ...] = ()
    short: tuple[tuple[str, int], ...] = ()
    detail: str = ""


class Dispatch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One attempt as it stands. Times are UTC microseconds; every change is a new one, in the journal whole."""

    remote_id: str
    order_id: str
    number: int  # of the fulfillment order
    node: int
    hold: bool  # it was created so that it waits for a release
    state: str
    wish: str  # hold | ship | void: what is wanted of it
    created_at: int
    since: int  # in this state
    op: str = ""  # the next call; "" none
    op_at: int = 0  # not before
    tries: int = 0  # of this call without an answer that says something
    remote: str = ""  # the network's last word
    moved_at: int = 0  # when that word last changed: age in state
    their_id: str = ""
    doubt_at: int = 0  # when the last creation or release that may still be carried out was sent; 0: none
    absent: int = 0  # answers in a row that did not find it
    burning: bool = False  # its id is being used up, so that a late original finds it taken
    sha256: str = ""  # of the bytes that were sent
    why: str = ""  # it is wanted back, or closed
    parcels: tuple[Parcel, ...] = ()
    short: tuple[tuple[str, int], ...] = ()
    freed: bool = False  # the next attempt may have begun at some time: never to be released again (invariant I3)
