"""What can be asked of the engine. A command brings its own time and ids; deciding it twice gives the same events."""

import msgspec

from tranship.core.order import Order
from tranship.engine.events import FileTaken
from tranship.engine.network_commands import (
    AliasStep,
    Answered,
    CancelUnits,
    ChangeAddress,
    CountStock,
    Drain,
    HandOver,
    Intent,
    KeepMasked,
    NetworkCommand,
    NotSendable,
    Recall,
    Reported,
    Restart,
    Returned,
    ReturnRow,
    SendTo,
    SetAliases,
    SetBreaker,
    Settle,
    SwitchShelf,
    Unsendable,
)


class LoadNetwork(msgspec.Struct, frozen=True):
    """Bring a network document into force (already merged, so that positions keep their meaning)."""

    document: bytes
    sha256: str
    at: int


class ReceiveStock(msgspec.Struct, frozen=True):
    """Units arrive at a node from an outside account."""

    ref: str
    node: int
    source: int
    skus: tuple[int, ...]
    quantities: tuple[int, ...]
    at: int


class PlaceOrder(msgspec.Struct, frozen=True, gc=False):
    """Take an order and place it."""

    order: Order
    at: int


class TakeBack(msgspec.Struct, frozen=True):
    """A customer takes units of one line back: before the cut-off a void, later a return."""

    order_id: str
    line_key: str
    quantity: int
    ref: str
    at: int


class Tick(msgspec.Struct, frozen=True):
    """Let happen what is due by `at`: shipments at cut-off, deliveries, expiry, and parked parts decided again."""

    at: int


class SwitchNode(msgspec.Struct, frozen=True):
    """Close or open a node by hand."""

    node: str
    closed: bool
    reason: str
    at: int


class SetPrices(msgspec.Struct, frozen=True):
    """Bring a price book into force (`routing.prices.model`), made from the state of the network document in force."""

    document: bytes
    sha256: str
    reason: str
    at: int


class SetLeakPlan(msgspec.Struct, frozen=True):
    """Bring a leak plan into force (`routing.leak.model`) for the network that it names. `terms`: of the budget it was made for."""

    document: bytes
    sha256: str
    terms: str
    reason: str
    at: int


class ErasePerson(msgspec.Struct, frozen=True):
    """Book that a person's key is destroyed (the store destroys it in the same step)."""

    person_id: str
    at: int


class ReportException(msgspec.Struct, frozen=True):
    """Put something before a person: intake found it, nothing else changes."""

    kind: str
    subject: str
    detail: str
    at: int


class TakeFile(msgspec.Struct, frozen=True):
    """Book that a file was read, with its counts and what had to be derived."""

    taken: FileTaken

    @property
    def at(self) -> int:
        """Time of the command."""
        return self.taken.at


Command = (
    LoadNetwork
    | ReceiveStock
    | PlaceOrder
    | TakeBack
    | Tick
    | SwitchNode
    | SetPrices
    | SetLeakPlan
    | ErasePerson
    | ReportException
    | TakeFile
    | NetworkCommand
)

__all__ = [
    "AliasStep",
    "Answered",
    "CancelUnits",
    "ChangeAddress",
    "Command",
    "CountStock",
    "Drain",
    "ErasePerson",
    "HandOver",
    "Intent",
    "KeepMasked",
    "LoadNetwork",
    "NetworkCommand",
    "NotSendable",
    "PlaceOrder",
    "Recall",
    "ReceiveStock",
    "ReportException",
    "Reported",
    "Restart",
    "ReturnRow",
    "Returned",
    "SendTo",
    "SetAliases",
    "SetBreaker",
    "SetLeakPlan",
    "SetPrices",
    "Settle",
    "SwitchNode",
    "SwitchShelf",
    "TakeBack",
    "TakeFile",
    "Tick",
    "Unsendable",
]
