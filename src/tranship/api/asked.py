"""What people and programs ask of the hand-over: bodies, checked strictly."""

import datetime as dt
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from tranship.api.bodies import Code, CustomerIn, Number, Quantity, ToIn
from tranship.api.problems import check_keys, of_decoding
from tranship.engine.decide import MOST_LINES

KEPT = "No personal data: it stays in the journal word for word, also after an erasure."
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)", description=KEPT)]
PartNumber = Annotated[int, Meta(ge=1, le=1_000_000)]
T = TypeVar("T", bound=msgspec.Struct)


class RecallIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Call fulfillment orders of an order back; without numbers, all that were handed over."""

    reason: Reason
    numbers: Annotated[list[PartNumber], Meta(max_length=1_000)] = []


class SendIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send one fulfillment order to a node, under the same limits as the router."""

    number: PartNumber
    node: Code
    reason: Reason


class CancelLineIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a line, by its key."""

    line: Annotated[str, Meta(min_length=1, max_length=64)]
    qty: Quantity


class CancelIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that the customer no longer wants, line by line or `all`. `ref` names the request for good: the same one is done once."""

    ref: Number
    lines: Literal["all"] | Annotated[list[CancelLineIn], Meta(min_length=1, max_length=MOST_LINES)]


class AddressIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an order goes instead. What is left out of `customer` stays as it is; `ref` names the request for good."""

    ref: Number
    to: ToIn
    customer: CustomerIn | None = None


class SettleIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a dispatch in quarantine: it ships from there, or it never will."""

    ships: bool
    reason: Reason


class BreakerIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where new work may go until `until`: nowhere (open), everywhere (closed), or a share of it. `auto` ends what a person said."""

    why: Reason
    state: Literal["open", "closed", "auto"] | None = None
    share_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    until: Annotated[dt.datetime, Meta(tz=True)] | None = None
    nodes: Annotated[list[Code], Meta(max_length=1_000)] = []


class ShelfIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close or open one SKU at one node."""

    node: Code
    sku: Code
    closed: bool
    reason: Reason


class AliasIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alias of an article, of one's own making."""

    alias: Annotated[str, Meta(min_length=4, max_length=40)]
    sku: Code
    epoch: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    state: Literal["new", "requested", "registered", "active"] = "new"


class AliasesIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Aliases that a network is to call articles by."""

    network: Code
    aliases: Annotated[list[AliasIn], Meta(min_length=1, max_length=500)]


class AliasStepsIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Aliases that come a step further."""

    network: Code
    aliases: Annotated[list[Annotated[str, Meta(min_length=4, max_length=40)]], Meta(min_length=1, max_length=1_000)]
    state: Literal["requested", "registered", "active", "retired"]


class AliasPoolIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Articles (none: all) that get random aliases at a network; epoch 0: the newest there."""

    network: Code
    skus: Annotated[list[Code], Meta(max_length=5_000)] = []
    epoch: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class AdoptIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Book units that a count found beyond the books: at most what the last count showed. `ref` names it for good."""

    ref: Number
    node: Code
    sku: Code
    units: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    reason: Reason


def read(body: bytes, shape: type[T]) -> T:
    """The body as `shape`; ProblemError naming the field where it is none."""
    try:
        found = msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise of_decoding(error) from None
    check_keys(body)
    return found
