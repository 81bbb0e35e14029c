"""The store's contract: what the single writer needs of a database, in about ten statements.

One shard (party) is one store. `commit` is one transaction: dedupe keys, journal rows, relational rows, outbox, people.
Rows are tuples in the column order given here, so that one database writes them with `executemany` and another with arrays.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from tranship.masking.rows import AuditRow as AuditRow  # noqa: PLC0414 - rows of this port, defined where masking may know them
from tranship.masking.rows import MaskingKeyRow as MaskingKeyRow  # noqa: PLC0414 - rows of this port, defined where masking may know them
from tranship.masking.rows import TokenRow as TokenRow  # noqa: PLC0414 - rows of this port, defined where masking may know them


class KeyRow(NamedTuple):
    """A command that was carried out: its idempotency key, a digest of its content, its first event and its first answer."""

    key: str
    fingerprint: bytes
    seq: int
    reply: bytes


class JournalRow(NamedTuple):
    """One event. `seq` has no gaps; `n` counts within its command; `chain` covers this row and all before it."""

    seq: int
    key: str
    n: int
    kind: str
    at: int
    payload: bytes
    chain: bytes


class OrderRow(NamedTuple):
    """An order as it was accepted; `placed_at` UTC microseconds, `person_id` empty for a guest."""

    order_id: str
    source: str
    number: str
    channel: str
    placed_at: int
    person_id: str
    zip: str
    state: str
    country: str
    lines: int
    units: int
    value_minor: int
    currency: str
    deliver_by: int  # day number
    status: str


class LineRow(NamedTuple):
    """A line of an order; `line` is its place in the order, `key` the channel's."""

    order_id: str
    line: int
    key: str
    sku: str
    qty: int
    unit_price_minor: int


class PartRow(NamedTuple):
    """A fulfillment order. `lines` is msgpack of [[line, qty], ...]; days are day numbers; cost is micros."""

    part_id: str
    order_id: str
    node: str
    network: str
    committed_at: int
    ship_day: int
    deliver_day: int
    late: int
    units: int
    cost: int
    status: str
    lines: bytes


class ParkedRow(NamedTuple):
    """A part that waits here, with its reason. `park_id` is never used twice."""

    park_id: str
    order_id: str
    reason: str
    since: int
    until_day: int
    units: int
    lines: bytes


class StockRow(NamedTuple):
    """A change of one account: `delta` units. The database adds it up and refuses a shelf below zero (pair assertion)."""

    node: str
    sku: str
    bucket: int
    delta: int


class OutboxRow(NamedTuple):
    """An effect that follows from an event; `id` is the event's seq and a counter."""

    id: str
    seq: int
    topic: str
    payload: bytes


class PersonRow(NamedTuple):
    """A person's data, sealed under the person's own key, that key wrapped by the key file; `blind` finds it again."""

    person_id: str
    blind: bytes
    wrapped_key: bytes
    sealed: bytes


class ExceptionRow(NamedTuple):
    """Something a person should look at. Never personal data."""

    seq: int
    at: int
    kind: str
    subject: str
    detail: str


class DocumentRow(NamedTuple):
    """A document that decisions name by hash: the network file, a price table."""

    sha256: str
    kind: str
    body: bytes


class DispatchRow(NamedTuple):
    """One attempt to hand a fulfillment order over, as it stands; written anew at each change (`remote_id` is its key)."""

    remote_id: str
    part_id: str
    order_id: str
    node: str
    connection: str
    state: str
    wish: str
    remote: str  # the network's last word
    their_id: str
    created_at: int
    since: int
    why: str


class PayloadRow(NamedTuple):
    """The bytes of a dispatch, sealed under the key of the person they name ("": nobody's, sealed under the key file's)."""

    remote_id: str
    person_id: str
    sealed: bytes


class AddressRow(NamedTuple):
    """Where one order goes, sealed under its person's key: written where it is not what the person's own row says."""

    order_id: str
    person_id: str
    sealed: bytes


class SkuAliasRow(NamedTuple):
    """What a network calls an article, in one epoch, and how far its registration is; written anew at each step (`alias` is its key)."""

    alias: str
    network: str
    sku: str
    epoch: int
    state: str
    since: int


class HouseholdRow(NamedTuple):
    """One person at one address: `blind` finds the address again, `household_id` is random and stands in the journal."""

    household_id: str
    person_id: str
    blind: bytes


@dataclass
class Batch:
    """Everything one transaction writes.

    New rows go in first, then changes of rows (which may have come in the same batch; the last one wins), then deletions. The
    store holds the shard's epoch and refuses the commit once another writer has taken the shard over.
    """

    keys: list[KeyRow] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    lines: list[LineRow] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    parked: list[ParkedRow] = field(default_factory=list)
    stock: dict[tuple[str, str, int], int] = field(default_factory=dict)  # (node, sku, bucket) -> delta
    outbox: list[OutboxRow] = field(default_factory=list)
    people: list[PersonRow] = field(default_factory=list)
    exceptions: list[ExceptionRow] = field(default_factory=list)
    documents: list[DocumentRow] = field(default_factory=list)
    dispatches: list[DispatchRow] = field(default_factory=list)  # new or changed; the last one of a remote_id wins
    payloads: list[PayloadRow] = field(default_factory=list)
    addresses: list[AddressRow] = field(default_factory=list)
    households: list[HouseholdRow] = field(default_factory=list)
    sku_aliases: list[SkuAliasRow] = field(default_factory=list)  # new, or a step further
    tokens: list[TokenRow] = field(default_factory=list)  # the same row twice is fine, another one is refused
    masking_keys: list[MaskingKeyRow] = field(default_factory=list)  # new ones, or wrapped anew, or in another state
    audits: list[AuditRow] = field(default_factory=list)
    token_expiry: list[tuple[int, str, str]] = field(
        default_factory=list
    )  # (expires_at, network, scope, or an order's token)
    resealed: list[tuple[bytes, bytes, str, str, str, str]] = field(
        default_factory=list
    )  # (blind, sealed, key_id, network, token, old key_id); passed over where the token was erased or expired meanwhile
    tokens_over: list[tuple[str, str]] = field(default_factory=list)  # (network, token): expired, value to be forgotten
    order_status: list[tuple[str, str]] = field(default_factory=list)  # (status, order_id)
    order_to: list[tuple[str, str, str, str]] = field(default_factory=list)  # (zip, state, country, order_id)
    part_status: list[tuple[str, str]] = field(default_factory=list)  # (status, part_id)
    unparked: list[tuple[str]] = field(default_factory=list)  # (park_id,)
    part_lines: list[tuple[int, bytes, str]] = field(
        default_factory=list
    )  # (units, lines, part_id) after a partial void
    parked_lines: list[tuple[int, bytes, str]] = field(
        default_factory=list
    )  # (units, lines, park_id) after a partial cancel


class Store(Protocol):
    """A durable home of one shard. All methods may raise UnavailableError; reading may raise DamageError naming the row."""

    @property
    def epoch(self) -> int:
        """The number under which this writer holds the shard, higher than that of any writer before it; 0 for a reader."""

    def still_mine(self) -> bool:
        """Whether no other writer has taken the shard over: asked of the database before bytes are sent. False for a reader."""

    def commit(self, batch: Batch) -> None:
        """Write the batch in one transaction and make it durable before returning; all of it or nothing."""

    def commit_now(self, batch: Batch) -> bool:
        """As `commit`, without waiting for another writer or a server; False where it is not certain that it came about."""

    def tidy(self) -> None:
        """Do a piece of what would hold up a commit later, beside the commits. For a thread; who never calls it loses nothing."""

    def find_key(self, key: str) -> KeyRow | None:
        """What was carried out under this key, if anything."""

    def find_keys(self, keys: Sequence[str]) -> dict[str, KeyRow]:
        """The same for many keys in one question: those that are known. What the writer asks before it decides a batch."""

    def last_seq(self) -> tuple[int, bytes]:
        """The newest journal row's `seq` and `chain`, kept apart from the journal; (0, b"") where nothing was committed."""

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows in order, after a seq. The chain is not checked here: `verify` does."""

    def document(self, sha256: str) -> bytes:
        """A document's body by hash (DamageError where absent or changed)."""

    def find_person(self, blind: bytes) -> str | None:
        """The person_id with this blind index, if known."""

    def person(self, person_id: str) -> PersonRow | None:
        """A person's sealed row; None once erased."""

    def erase(self, person_id: str) -> bool:
        """Delete a person's key, data and blind index so that no trace stays in any of the store's files; True if there was one."""

    def erase_many(self, person_ids: Sequence[str]) -> int:
        """As `erase`, for many people at the cost of one; returns how many there were."""

    def key_id(self) -> bytes:
        """Which key file seals this store's people (people.Vault.key_id); b"" where none has yet."""

    def bind_key(self, key_id: bytes) -> None:
        """Remember the key file's id; UnavailableError where another one sealed people here before."""

    def payload(self, remote_id: str) -> PayloadRow | None:
        """The sealed bytes of a dispatch; None where there are none, or the person was erased."""

    def address(self, order_id: str) -> AddressRow | None:
        """The order's own sealed address; None where its person's row is good, or the person was erased."""

    def households(self, blind: bytes) -> Sequence[HouseholdRow]:
        """The people at one address, by its keyed digest; erased ones left out."""

    def token(self, network: str, token: str) -> TokenRow | None:
        """A network's token; None where it is unknown, another network's, or its person was erased."""

    def tokens_of(self, network: str, scope: str) -> Sequence[TokenRow]:
        """The live tokens that a network got within a scope (an order)."""

    def find_token(self, network: str, kind: str, scope: str, blind: bytes) -> TokenRow | None:
        """The live token with this blind index; None where there is none."""

    def tokens(self, after: int, limit: int) -> Sequence[tuple[int, TokenRow]]:
        """Tokens with their place, in order of their place, after one: for sweeps and re-encryption, in bounded pieces."""

    def masking_keys(self) -> Sequence[MaskingKeyRow]:
        """All masking keys, destroyed ones too, oldest first."""

    def destroy_keys(self, key_ids: Sequence[str]) -> int:
        """Overwrite masking keys so that no trace stays in any of the store's files; how many there were (see `erase`)."""

    def audit(self, after: int = 0) -> Iterator[AuditRow]:
        """Audit rows in order, after a seq. Neither gaps nor the chain are looked at here: `masking.audit.verify` does."""

    def last_audit(self) -> tuple[int, bytes]:
        """The newest audit row's `seq` and `chain`, kept apart from the rows; (0, b"") where there is none."""

    def unsent(self, limit: int) -> Sequence[OutboxRow]:
        """Outbox rows not yet handed over, oldest first."""

    def sent(self, ids: Sequence[str]) -> None:
        """Mark outbox rows as handed over."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Read-only SQL for reports and `verify`, on a consistent snapshot."""

    def backup(self, target: Path) -> None:
        """Copy the whole store to `target` while it is in use; the copy opens as a store of its own."""

    def close(self) -> None:
        """Give the lock and the files back."""


class Moment(Protocol):
    """A store as it was at one moment, however much is written meanwhile."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of a read-only statement."""

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows after a seq; DamageError naming the first that is missing or unreadable."""

    def pages(self, *, full: bool = True) -> list[str]:
        """What the database finds wrong with its own pages; `full` looks at every index too."""


class TableStore(Store, Protocol):
    """A store with tables behind it, which reports and checks may ask."""

    @property
    def where(self) -> str:
        """The run's folder or address, without secrets."""

    def snapshot(self) -> AbstractContextManager[Moment]:
        """The run at one moment, for as many questions as needed."""
