"""What a file of orders becomes before anything is committed: staged orders, cancellations and rejected lines, in time order."""

from dataclasses import dataclass, field

import msgspec

from tranship.core.order import NO_TERMS, Person, Terms
from tranship.core.secret import Veiled


class StagedLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted line. `key` is unique in its order (the ordinal of the line in its invoice); `at_line` is its line in the file."""

    key: str
    sku: str
    qty: int
    unit_price_minor: int
    at_line: int


class StagedOrder(Veiled, msgspec.Struct, frozen=True):
    """One order as the file has it. Destination fields are empty where the source has none (the world derives them).

    `fingerprint` is a keyed-free digest of everything but personal fields: the same key with another fingerprint is `changed_order`.
    """

    number: str
    placed_at: int  # UTC microseconds; its first line's time
    customer: str  # the source's customer reference; empty: guest
    lines: tuple[StagedLine, ...]
    fingerprint: bytes
    channel: str = ""  # empty: the mapping's default channel
    zip: str = ""
    state: str = ""
    country: str = ""
    currency: str = ""
    service: str = ""
    deliver_by: str = ""  # ISO date the source promised, destination-local; empty: computed
    person: Person | None = None
    terms: Terms = NO_TERMS


class StagedCancel(msgspec.Struct, frozen=True):
    """Units of one earlier line that its customer took back, at a time. The engine decides whether that is a void or a return."""

    number: str  # the cancelling document (C-invoice)
    key: str  # unique in the document
    at: int
    order: str  # number of the order it takes back from
    line: str  # key of the line in that order
    qty: int
    at_line: int


class Reject(msgspec.Struct, frozen=True, array_like=True):
    """One line that was not accepted: where, why (a documented word) and the detail, without personal data."""

    at_line: int
    document: str
    reason: str
    detail: str = ""


@dataclass
class Staged:
    """A whole file, validated. `read == accepted + len(rejects)`, always."""

    source: str  # name of the source (uci, csv, shopify, jsonl): part of every key
    file: str  # file name without its folder
    sha256: str
    read: int = 0
    accepted: int = 0
    orders: list[StagedOrder] = field(default_factory=list)  # by placed_at, then file order
    cancels: list[StagedCancel] = field(default_factory=list)  # by time, then file order
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what a reader of the report should know (encoding, derived fields)
    reasons: dict[str, int] = field(default_factory=dict)  # rejected lines per reason
    truncated_units: int = 0
    partly_unmatched_units: int = 0  # units of accepted cancellations that no earlier line could give back
    format: str = ""  # uci | csv | shopify_csv | shopify_json | jsonl
    encoding: str = "utf-8"  # what the whole file was read as
