"""What routing is asked and what it answers. A decision carries its reasons: never a bare node."""

from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from tranship.routing.share_change import Standing

Ints = NDArray[np.int64]


class Reason(IntEnum):
    """Why a node was not a candidate for an order (0: it was)."""

    OK = 0
    CLOSED = 1  # switched off, or closed in the network file
    COUNTRY = 2  # does not ship to the destination's country
    LANE = 3  # no zone, or the service is not offered on it
    RULE = 4  # a must-rule of the policy
    FULL = 5  # no capacity within the horizon
    ITEM = 6  # no line of the order may be shipped there (hazmat, fragile, sensitive, card limits)
    STOCK = 7  # may ship every line, has stock of none
    LATE = 8  # would arrive after the promise, and another node would not
    CAP = 9  # the share cap's window has no room
    TIER = 10  # a preferred tier could fill the order
    LEAK = 11  # the leak budget of its network keeps the order off


REASON_WORDS = {
    Reason.OK: "candidate",
    Reason.CLOSED: "closed",
    Reason.COUNTRY: "does not ship to this country",
    Reason.LANE: "service not offered to this destination",
    Reason.RULE: "ruled out by a must-rule",
    Reason.FULL: "no capacity within the horizon",
    Reason.ITEM: "may not ship these goods",
    Reason.STOCK: "no stock of these goods",
    Reason.LATE: "would arrive after the promise",
    Reason.CAP: "share cap has no room",
    Reason.TIER: "a preferred node could fill it",
    Reason.LEAK: "kept off by the leak budget",
}
"""Words that `explain` shows."""


class Gate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """State of one cap when the decision was taken: sizes in the cap's measure, price in micros per one of it."""

    network: str
    inside: int
    capped: int
    limit: int
    price: int
    closed: bool


class LeakGate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the leak budget of one network said of an order: once, at its first decision; every later one goes by it.

    The numbers are the brand's own: how often a household ordered, never who or where it is.
    """

    network: str
    plan: int  # version of the leak plan; 0: none was in force
    why: str  # a key of `routing.leak.model.WHY`, or of `routing.gate.MORE_WHY`
    limit: int  # ppm: drawn below this, it may go there
    draw: int  # ppm
    household: tuple[
        int, ...
    ]  # orders last year (-1: not known), this year before this one, shown there; empty: no household
    kept: tuple[int, ...]  # SKUs of the order that are kept off
    accepted: tuple[tuple[int, int], ...] = ()  # (SKU, ppm): weight that it had, for the next plan
    opened: str = ""  # it went there all the same: conflict | failure | cod


class Alternative(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Another way to ship the order: node of each part, cost in micros without prices, and what ruled it out."""

    nodes: tuple[int, ...]
    cost: int
    ruled_out: str  # dearer | cap | tier | reserve


class Why(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why this decision: enough to render the full story later from the tables that `rates` and `network` name."""

    rates: str  # version of the rate tables
    day: int  # price date (day number)
    nodes: tuple[int, ...]  # Reason per node
    gates: tuple[Gate, ...]
    alternatives: tuple[Alternative, ...]
    priced: int  # cost that was minimized, prices included (micros)
    prices: int = 0  # version of the price book that it was taken with; 0: none
    leaks: tuple[LeakGate, ...] = ()  # of the networks that have a leak budget


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fulfillment order: what one node is to ship. `lines` index the order's lines; cost is micros."""

    number: int
    node: int
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    ship_day: int
    deliver_day: int
    late: bool
    cost: int
    earliest: int  # first day its capacity is booked from
    breach: bool = False
    on_time_bp: int = 10_000  # probability of arriving by the promise, as it was known at the decision


class Rest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What could not be placed now, and why: parked (waits here), or cancelled by the policy's `after`."""

    number: int
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    reason: str  # no_stock | node_shut | no_node | leak | cap | larger_than_window | max_parts | no_split | bundle
    action: str  # park | backorder | cancel
    until_day: int


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything decided for one order (or for one parked part of it) at once."""

    parts: tuple[Part, ...]
    rests: tuple[Rest, ...]
    why: Why


class Ask(msgspec.Struct):
    """What is to be placed: lines with their SKU index and open quantity, and the destination as routing sees it."""

    lines: list[int]
    skus: list[int]
    quantities: list[int]
    prices: list[list[tuple[int, int]]]  # (units, minor units each) of each line, where a cap is by value; else empty
    zip3: int  # -1: unknown
    country: str
    state: str
    residential: bool
    service: int  # index into the rate tables' services; -1: unknown
    channel: str
    at: int
    promise_day: int
    first_part: int  # number of the next part
    first_rest: int
    parts_left: int
    standing: dict[int, list[Standing]]  # of an order decided again: cap index -> what it has in each of its counters
