"""Commands about what networks have and say, and what people want. Each is journaled whole (`events.Took`), to be decided again."""

import msgspec

from tranship.core.order import Destination
from tranship.dispatch.model import Report, Result


class Intent(msgspec.Struct, frozen=True, array_like=True):
    """One fulfillment order to be handed over, under a remote id that was never used, with the hash of the bytes that will be sent."""

    order_id: str
    number: int
    remote_id: str
    sha256: str
    hold: bool
    wish: str  # hold | ship
    readdressed: int = 0  # how often the order had got a new address when the bytes were made
    units: int = -1  # that the bytes ask for; -1: not said


class HandOver(msgspec.Struct, frozen=True, array_like=True, tag="hand_over"):
    """Journal the intent to hand fulfillment orders over. What may no longer go is left out."""

    intents: tuple[Intent, ...]
    at: int


class Unsendable(msgspec.Struct, frozen=True, array_like=True):
    """A fulfillment order that cannot be written so that its network may have it: which leaf, and why. Never a value."""

    order_id: str
    number: int
    node: str
    cause: str  # address | sku | policy | vault
    leaf: str
    why: str
    readdressed: int = 0  # how often the order had got a new address by then


class NotSendable(msgspec.Struct, frozen=True, array_like=True, tag="not_sendable"):
    """These go back to routing: nothing was sent, and nothing will be as they are. What has moved meanwhile is left out."""

    found: tuple[Unsendable, ...]
    at: int


class AliasStep(msgspec.Struct, frozen=True, array_like=True):
    """An alias of an article at a network, in an epoch, and the state that it comes into (engine/aliases.py)."""

    alias: str
    sku: str
    epoch: int
    state: str  # new | requested | registered | active | retired


class SetAliases(msgspec.Struct, frozen=True, array_like=True, tag="set_aliases"):
    """Aliases of articles at one network are made, or come a step further. The same again changes nothing."""

    network: str
    rows: tuple[AliasStep, ...]
    at: int


class KeepMasked(msgspec.Struct, frozen=True, array_like=True, tag="keep_masked"):
    """What masking keeps of messages of software that speaks to a network itself: whose rows are new, and which sent bytes are kept.

    Ids and keyed digests only; tokens, bytes and audit rows come with it and are committed in the same transaction.
    """

    people: tuple[str, ...]  # person ids that are new
    payloads: tuple[tuple[str, str], ...]  # (name of the bytes, person id)
    at: int


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="answered"):
    """What became of a call that was sent at `sent_at`."""

    remote_id: str
    op: str
    result: Result
    sent_at: int
    at: int


class Reported(msgspec.Struct, frozen=True, array_like=True, tag="reported"):
    """What a network said on its own account, through a notification or a list (`source`)."""

    connection: str
    source: str
    reports: tuple[Report, ...]
    at: int


class Recall(msgspec.Struct, frozen=True, array_like=True, tag="recall"):
    """Fulfillment orders are wanted back from the network that has them (numbers; none: all of the order)."""

    order_id: str
    numbers: tuple[int, ...]
    reason: str
    at: int


class SendTo(msgspec.Struct, frozen=True, array_like=True, tag="send_to"):
    """A person sends a fulfillment order that no network works on to a node of their choice."""

    order_id: str
    number: int
    node: str
    reason: str
    at: int


class Settle(msgspec.Struct, frozen=True, array_like=True, tag="settle"):
    """A person's word on a dispatch in quarantine: it ships from there, or it never will."""

    remote_id: str
    ships: bool
    reason: str
    at: int


class SetBreaker(msgspec.Struct, frozen=True, array_like=True, tag="set_breaker"):
    """Nodes behind a connection take all new work, a share of it, or none; `until` ends a manual override (0: none)."""

    connection: str
    nodes: tuple[str, ...]  # none: all of the connection
    state: str  # open | half_open | closed
    share_bp: int
    why: str
    until: int
    at: int


class Drain(msgspec.Struct, frozen=True, array_like=True, tag="drain"):
    """Go on moving what can move away from nodes that take no work, at most `limit` orders."""

    limit: int
    at: int


class CountStock(msgspec.Struct, frozen=True, array_like=True, tag="count_stock"):
    """A network's count of units at a node: sellable and reserved together, and what is inbound."""

    ref: str
    node: int
    skus: tuple[int, ...]
    counted: tuple[int, ...]
    inbound: tuple[int, ...]
    at: int


class SwitchShelf(msgspec.Struct, frozen=True, array_like=True, tag="switch_shelf"):
    """A person closes or opens one SKU at one node."""

    node: str
    sku: str
    closed: bool
    reason: str
    at: int


class Restart(msgspec.Struct, frozen=True, array_like=True, tag="restart"):
    """The engine came up again: what was being sent when it went down may have arrived (invariant I4)."""

    at: int


class CancelUnits(msgspec.Struct, frozen=True, array_like=True, tag="cancel_units"):
    """The customer no longer wants (line key, units) of an order; no lines: all that can still be had back."""

    order_id: str
    lines: tuple[tuple[str, int], ...]
    ref: str
    at: int


class ChangeAddress(msgspec.Struct, frozen=True, array_like=True, tag="change_address"):
    """The order goes elsewhere. Name and street are not in here: they go to the address table in the same transaction."""

    order_id: str
    to: Destination
    ref: str
    at: int


class ReturnRow(msgspec.Struct, frozen=True, array_like=True):
    """Units that came back at a network so far, under the network's own number for that return (`ref`)."""

    ref: str
    remote_id: str
    line_id: str
    units: int
    disposition: str = ""


class Returned(msgspec.Struct, frozen=True, array_like=True, tag="returned_there"):
    """What a network's list of returns says. The same again changes nothing."""

    connection: str
    rows: tuple[ReturnRow, ...]
    at: int


NetworkCommand = (
    HandOver
    | NotSendable
    | SetAliases
    | KeepMasked
    | Answered
    | Reported
    | Recall
    | SendTo
    | Settle
    | SetBreaker
    | Drain
    | CountStock
    | SwitchShelf
    | Restart
    | CancelUnits
    | ChangeAddress
    | Returned
)
