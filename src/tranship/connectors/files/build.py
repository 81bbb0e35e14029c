"""From accepted rows to a Staged file: documents gathered by number, rejects, cancellations matched, everything counted."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from tranship.connectors.files.model import Reject, Staged, StagedLine, StagedOrder
from tranship.connectors.files.reading import Scan
from tranship.connectors.files.takeback import Prior, Take, match
from tranship.core.errors import InvariantError
from tranship.core.order import NO_TERMS, Person

_FINGERPRINT_BYTES = 16
_ORDINALS = tuple(str(i) for i in range(1024))


class Place(msgspec.Struct, frozen=True):
    """What an order says beside its lines that is not personal: destination, currency, channel, service, promise."""

    zip: str = ""
    state: str = ""
    country: str = ""
    currency: str = ""
    channel: str = ""
    service: str = ""
    deliver_by: str = ""  # ISO date, destination-local; empty: computed


class Document:
    """An order (or cancelling document) being gathered: its rows may lie anywhere in the file.

    `rows` counts all its rows, rejected ones too: a line's key is its ordinal, whatever happens to its neighbors.
    """

    __slots__ = ("at", "at_line", "customer", "keys", "lines", "number", "person", "place", "rows", "terms", "when")

    def __init__(self, number: str, at: int, at_line: int, customer: str = "", when: str = "") -> None:
        self.number, self.at, self.at_line, self.customer, self.when = number, at, at_line, customer, when
        self.rows = 0
        self.lines: list[StagedLine] = []
        self.place = Place()
        self.person: Person | None = None
        self.terms = NO_TERMS
        self.keys: set[str] | None = None  # used where the source has line keys of its own

    def next_key(self) -> str:
        """Count a row and give its ordinal as a key."""
        self.rows += 1
        return _ORDINALS[self.rows] if self.rows < len(_ORDINALS) else str(self.rows)


@dataclass
class Collector:
    """What one file's reader fills: rows read, documents, takes, rejects, remarks; `finish` turns it into Staged."""

    found: Scan
    source: str
    format: str
    read: int = 0
    documents: dict[str, Document] = field(default_factory=dict)
    takes: list[Take] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)  # note text -> lines it holds for
    first_seen: dict[str, int] = field(default_factory=dict)  # note text -> first line

    def reject(self, at_line: int, document: str, reason: str, detail: str = "") -> None:
        """Set one line aside. `detail` must not carry a cell that may be personal."""
        self.rejects.append(Reject(at_line, document, reason, detail))

    def bad_record(self, at_line: int, reason: str, detail: str) -> None:
        """A record the CSV reader could not use: read and rejected. Its cells are in doubt, so none of them is repeated."""
        self.read += 1
        self.rejects.append(Reject(at_line, "", reason, detail))

    def remark(self, text: str, at_line: int) -> None:
        """Count something worth a note that is no reason to reject."""
        self.remarks[text] += 1
        self.first_seen.setdefault(text, at_line)

    def finish(self, prior: Prior | None = None) -> Staged:
        """Build orders, match cancellations, count. Raises InvariantError if a line were lost or counted twice."""
        found = self.found
        orders = self._orders()
        cancels, unmatched, cancel_lines, over = match(self.takes, orders, prior)
        for take in unmatched:
            self.reject(take.at_line, take.number, "unmatched", _why_unmatched(take))
        self.rejects.sort(key=lambda reject: reject.at_line)
        staged = Staged(self.source, found.name, found.sha256, self.read, orders=orders, cancels=cancels)
        staged.accepted = sum(len(order.lines) for order in orders) + cancel_lines
        staged.rejects, staged.format, staged.encoding = self.rejects, self.format, found.encoding
        staged.reasons = dict(Counter(reject.reason for reject in self.rejects).most_common())
        staged.partly_unmatched_units = over
        staged.notes = [*self._file_notes(), *self.notes, *self._remark_notes()]
        if over:
            staged.notes.append(
                f"{over:,} units of matched cancellations had no line left to come back from (partly unmatched)"
            )
        if staged.read != staged.accepted + len(staged.rejects):
            raise InvariantError(
                f"{found.name}: {staged.read} lines read, {staged.accepted} accepted, {len(staged.rejects)} rejected"
            )
        return staged

    def _orders(self) -> list[StagedOrder]:
        orders = [
            StagedOrder(
                number=document.number,
                placed_at=document.at,
                customer=document.customer,
                lines=tuple(document.lines),
                fingerprint=fingerprint(document),
                channel=document.place.channel,
                zip=document.place.zip,
                state=document.place.state,
                country=document.place.country,
                currency=document.place.currency,
                service=document.place.service,
                deliver_by=document.place.deliver_by,
                person=document.person,
                terms=document.terms,
            )
            for document in self.documents.values()
            if document.lines
        ]
        self.documents = {}
        orders.sort(key=lambda order: order.placed_at)  # stable: file order among equals
        return orders

    def _file_notes(self) -> list[str]:
        notes = []
        if self.found.encoding == "latin-1":
            notes.append("the file is not valid UTF-8; all of it was read as latin-1")
        if self.found.bom:
            notes.append("a byte order mark at the beginning was passed over")
        return notes

    def _remark_notes(self) -> list[str]:
        return [
            f"{text} ({count:,} {'line' if count == 1 else 'lines'}, the first is line {self.first_seen[text]})"
            for text, count in self.remarks.items()
        ]


def fingerprint(document: Document) -> bytes:
    """Digest of an order's content without personal fields, customer reference and positions in the file.

    The same order in a later file has the same digest unless a line, price, time, destination, channel or currency changed.
    """
    lines = [(line.key, line.sku, line.qty, line.unit_price_minor) for line in document.lines]
    place = document.place
    content = (
        *("order/1", document.number, document.at),
        *(place.zip, place.state, place.country, place.currency, place.channel, place.service),
        *([place.deliver_by] if place.deliver_by else []),
        *([document.terms] if document.terms != NO_TERMS else []),
        lines,
    )
    return hashlib.blake2b(msgspec.msgpack.encode(content), digest_size=_FINGERPRINT_BYTES).digest()


def _why_unmatched(take: Take) -> str:
    if take.order:
        return "nothing left to take back of this SKU in the order it names"
    if not take.customer:
        return "a guest's cancellation names no order"
    return "no earlier line of this customer and SKU with units left"
