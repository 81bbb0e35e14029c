"""Facts in the journal. The first event of a command carries all of the command, so that `verify --decide` can decide it again.

Nodes and SKUs are positions in the network document; positions never change meaning within a shard (see `merge`).
No event carries personal data: an order has a `person_id`, a ZIP and a state.
"""

from typing import get_args

import msgspec

from tranship.core.order import Destination, Order
from tranship.dispatch.model import Dispatch
from tranship.engine.network_commands import AliasStep, NetworkCommand
from tranship.routing.model import Decision


class NetworkLoaded(msgspec.Struct, frozen=True, array_like=True, tag="network"):
    """A network document came into force. Its body lies beside the journal under its hash."""

    version: int
    sha256: str
    at: int


class PricesSet(msgspec.Struct, frozen=True, array_like=True, tag="prices"):
    """A price book came into force. Its body lies beside the journal under its hash; `network` is the document it was made for."""

    version: int
    sha256: str
    network: str
    reason: str
    at: int


class LeakPlanSet(msgspec.Struct, frozen=True, array_like=True, tag="leak_plan"):
    """A leak plan came into force for one network. Its body lies beside the journal under its hash."""

    version: int  # counts per network
    sha256: str
    network: str
    week: int  # absolute
    terms: str  # of the budget that it was made for
    reason: str
    at: int


class StockReceived(msgspec.Struct, frozen=True, array_like=True, tag="received"):
    """Units came in at a node from an outside account (opening or supplier) and may be sold."""

    ref: str
    node: int
    source: int  # Bucket
    skus: tuple[int, ...]
    quantities: tuple[int, ...]
    at: int


class OrderAccepted(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="accepted"):
    """An order was taken. `at` is when the engine took it (the order's own time in a recorded run)."""

    order_id: str
    order: Order
    promise_day: int
    at: int


class OrderRouted(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="routed"):
    """One decision for an order: fulfillment orders, what could not be placed, and why. `rest` > 0: a parked part re-decided."""

    order_id: str
    rest: int  # number of the parked part that was decided again; 0: the order's first decision
    decision: Decision
    at: int


class Move(msgspec.Struct, frozen=True, array_like=True):
    """One order decided again before its release: the parts that it gives up whole, and the decision that takes their place."""

    order_id: str
    released: tuple[int, ...]  # numbers of fulfillment orders
    units: tuple[int, ...]  # of each of them
    joined: tuple[int, ...]  # numbers of parked parts that were decided along with them
    decision: Decision
    gain: int  # micros saved, prices included; below 0 where more is shipped, or more in time, or another order gains more


class OrdersMoved(msgspec.Struct, frozen=True, array_like=True, tag="moved"):
    """Orders changed place before their release, all in one step: one, or two that exchange places."""

    moves: tuple[Move, ...]
    at: int


class OrdersReviewed(msgspec.Struct, frozen=True, array_like=True, tag="reviewed"):
    """A look at orders that have not been released: how many were decided again, how many moved, micros saved."""

    looked: int
    moved: int
    gain: int
    complete: bool  # no order that should have been looked at was left for the next time
    at: int


class CancelTaken(msgspec.Struct, frozen=True, array_like=True, tag="cancel"):
    """A customer took units of a line back. What it became follows as its own events."""

    order_id: str
    line: int
    quantity: int
    ref: str
    at: int


class PartVoided(msgspec.Struct, frozen=True, array_like=True, tag="voided"):
    """Units of a fulfillment order that had not shipped went back to the shelf; `whole` when nothing of it is left."""

    order_id: str
    number: int
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    whole: bool
    at: int


class RestReduced(msgspec.Struct, frozen=True, array_like=True, tag="reduced"):
    """Units of a parked part are no longer wanted: cancelled by the customer, or its time is over (`reason`)."""

    order_id: str
    number: int
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    reason: str  # cancelled | expired
    at: int


class UnitsReturned(msgspec.Struct, frozen=True, array_like=True, tag="returned"):
    """Units of a shipped fulfillment order came back. Cap and decision stay as they were."""

    order_id: str
    number: int
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    at: int
    ref: str = ""  # the network's own number for the return, where a network told of it


class PartsShipped(msgspec.Struct, frozen=True, array_like=True, tag="shipped"):
    """Fulfillment orders of one node left with the carrier at its cut-off."""

    node: int
    parts: tuple[tuple[str, int], ...]
    at: int


class PartsDelivered(msgspec.Struct, frozen=True, array_like=True, tag="delivered"):
    """Fulfillment orders arrived, by projected transit days."""

    parts: tuple[tuple[str, int], ...]
    at: int


class Ticked(msgspec.Struct, frozen=True, array_like=True, tag="ticked"):
    """The clock, as a command: what is due by `at` happens now."""

    at: int


class NodeSwitched(msgspec.Struct, frozen=True, array_like=True, tag="node"):
    """A node was closed or opened by hand."""

    node: int
    closed: bool
    reason: str
    at: int


class PersonErased(msgspec.Struct, frozen=True, array_like=True, tag="erased"):
    """A person's key was destroyed. The books stay; `person_id` names nobody any more."""

    person_id: str
    at: int


class Excepted(msgspec.Struct, frozen=True, array_like=True, tag="exception"):
    """Something a person should look at; changes nothing else."""

    kind: str  # changed_order | cap_breach | late | cancel_beyond | expired | double_ship | quarantine | drift | dead_letter ...
    subject: str
    detail: str
    at: int


class Took(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="took"):
    """A command about what networks have and say came in; what it made of things follows as its own events."""

    command: NetworkCommand
    at: int


class Dispatched(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="dispatch"):
    """An attempt to hand a fulfillment order over, as it stands from now on, and what made it so."""

    dispatch: Dispatch
    cause: str  # handover | release | answer | report | recall | deadline | settled | restart
    evidence: str  # what was heard, never personal data
    at: int


class FoundUnsendable(msgspec.Struct, frozen=True, array_like=True, tag="unsendable"):
    """A fulfillment order may not, or cannot, be told to these nodes: the order keeps away from them. Nothing was sent."""

    order_id: str
    number: int
    nodes: tuple[int, ...]
    cause: str  # address | sku | policy | vault
    leaf: str  # which part of the message; never what is in it
    why: str
    at: int


class AliasesSet(msgspec.Struct, frozen=True, array_like=True, tag="aliases"):
    """Aliases of articles at a network came into these states."""

    network: str
    rows: tuple[AliasStep, ...]
    at: int


class CancelAsked(msgspec.Struct, frozen=True, array_like=True, tag="cancel_asked"):
    """A customer wants units back of a fulfillment order that a network has: they are void once it gives it back."""

    order_id: str
    number: int
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    ref: str
    at: int


class AddressChanged(msgspec.Struct, frozen=True, array_like=True, tag="readdressed"):
    """The order goes elsewhere from now on; bytes that were made before are not sent any more."""

    order_id: str
    to: Destination
    ref: str
    at: int


class BreakerChanged(msgspec.Struct, frozen=True, array_like=True, tag="breaker"):
    """Nodes behind one connection (or one of them) take no new work, part of it, or all of it again."""

    connection: str
    nodes: tuple[int, ...]
    state: str  # open | half_open | closed
    share_bp: int  # of new orders that may go there
    why: str
    until: int  # a manual override ends then; 0: none
    at: int
    level: str = "connection"  # whose verdict: the connection's, the node's own, or a person's (hand)


class Drained(msgspec.Struct, frozen=True, array_like=True, tag="drained"):
    """One step of a drain: orders looked at, moved, parked; `left` are still there."""

    nodes: tuple[int, ...]
    looked: int
    moved: int
    parked: int
    left: int
    at: int


class StockCounted(msgspec.Struct, frozen=True, array_like=True, tag="counted"):
    """A network counted: what was found beside what the books explain. `missing` left the shelf, `found` came back to it."""

    node: int
    skus: tuple[int, ...]
    counted: tuple[int, ...]  # units there, sellable and reserved
    inbound: tuple[int, ...]  # on their way or not buyable yet: never sold
    low: tuple[int, ...]  # what the books can explain: at least, at most
    high: tuple[int, ...]
    missing: tuple[int, ...]
    found: tuple[int, ...]
    at: int


class ShelfSwitched(msgspec.Struct, frozen=True, array_like=True, tag="shelf"):
    """One SKU at one node is not sold (its units are being researched), or is sold again."""

    node: int
    sku: int
    closed: bool
    units: int
    reason: str
    at: int


class FileTaken(msgspec.Struct, frozen=True, array_like=True, tag="file"):
    """A file of orders was read: its counts, why lines were rejected, and what had to be derived (`banner`)."""

    source: str
    file: str
    sha256: str
    read: int
    accepted: int
    rejected: int
    reasons: dict[str, int]
    banner: tuple[str, ...]
    notes: tuple[str, ...]
    at: int


Event = (
    FileTaken
    | NetworkLoaded
    | PricesSet
    | LeakPlanSet
    | StockReceived
    | OrderAccepted
    | OrderRouted
    | OrdersMoved
    | OrdersReviewed
    | CancelTaken
    | PartVoided
    | RestReduced
    | UnitsReturned
    | PartsShipped
    | PartsDelivered
    | Ticked
    | NodeSwitched
    | PersonErased
    | Excepted
    | Took
    | Dispatched
    | FoundUnsendable
    | AliasesSet
    | CancelAsked
    | AddressChanged
    | BreakerChanged
    | Drained
    | StockCounted
    | ShelfSwitched
)

_KINDS: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> bytes:
    """Journal bytes of an event; the same event gives the same bytes on every machine."""
    return _encoder.encode(event)


def decode(payload: bytes) -> Event:
    """Read one journal payload; raises msgspec.DecodeError on anything that no release wrote."""
    return _decoder.decode(payload)


def kind_of(event: Event) -> str:
    """The event's tag, as the journal's `kind` column shows it."""
    return _KINDS[type(event)]
