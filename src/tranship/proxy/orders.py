"""Whose order is it: each order that went through the proxy has a person row of its own, under the client's order id.

Everything sealed for an order hangs on that row's key: its tokens' values, the bytes that were sent. Erasing the row forgets them all;
`tranship erase ORDER --run FOLDER --source proxy` names it by the order id.
"""

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tranship.core.order import Person
from tranship.masking.chance import random_bytes
from tranship.masking.rows import TokenRow
from tranship.masking.tokens import Found
from tranship.masking.unmask import Unmasked
from tranship.masking.vault.seal import Mac
from tranship.masking.vault.session import MaskingVault, Owner
from tranship.store.people import People
from tranship.store.port import PayloadRow, PersonRow
from tranship.store.seen import Seen

SENT_MOST = 2
SENT_BYTES_MOST = 4_096
"""Masked requests of one order that are kept in memory beside it, and their largest body."""
ANSWERS_MOST = 2
ANSWER_BYTES_MOST = 2_048
"""Answers about one order that are kept in memory beside it, and their largest body."""
SOURCE = "proxy"
"""The source under which order ids are found again: what `tranship erase --source` wants."""


class Memo:
    """What is known of an order's tokens without asking the vault: only what is on disk. Goes with the order's place in memory.

    Whoever erases, or sweeps what expired, has the vault forget; then nothing of this is used any more (`Orders.find`).
    """

    __slots__ = ("answers", "ends", "found", "marks", "sent", "tokens")

    def __init__(self) -> None:
        self.tokens: dict[tuple[str, str, str, str], str] = {}  # network, kind, scope, value -> token
        self.found: dict[tuple[str, str], Found] = {}  # network, token -> what it stands for
        self.marks: dict[tuple[str, str], bytes] = {}  # leaf, token -> the audit's fingerprint
        self.sent: dict[str, Sent] = {}  # name -> a masked request as it left (`Orders.stored`)
        self.answers: dict[str, Answered] = {}  # operation -> the newest answer, and what became of it
        self.ends: dict[str, tuple[int, str]] = {}  # network -> until when its tokens are kept, and the order's own


class Answered(NamedTuple):
    """An answer about one order as it came, and as it was passed on: who asks again mostly hears the same, and it is unmasked once."""

    status: int
    body: bytes
    subject: str
    found: Unmasked

    def is_of(self, status: int, body: bytes, subject: str, policy: str) -> bool:
        """Whether an answer under this policy would be unmasked to the same."""
        return (self.status, self.subject, self.found.policy) == (status, subject, policy) and self.body == body

    def __repr__(self) -> str:
        return f"Answered({len(self.body)} bytes)"


class Known(NamedTuple):
    """An order: its person row, and that person's own key."""

    order_id: str
    row: PersonRow
    key: bytes
    mac: Mac  # under that key, for the audit's fingerprints and the names of requests
    memo: Memo

    def __repr__(self) -> str:
        return f"Known({self.row.person_id})"


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """A masked request as it left: what a retry sends again, byte for byte."""

    path: str  # encoded
    query: str  # encoded
    headers: tuple[tuple[str, str], ...]
    body: bytes
    subject: str  # the order's token
    policy: str = ""  # the hash of the one that masked it; empty where an older release kept it

    def __repr__(self) -> str:
        return f"Sent({len(self.body)} bytes)"


_RETRY = b"tranship proxy retry 2\0"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Sent).decode


class Orders:
    """The orders of one shard, with the newest in memory. For one event loop."""

    def __init__(
        self, people: People, cached: int, forgot: Callable[[], int] = lambda: 0, seen: Seen | None = None
    ) -> None:
        """`cached`: orders kept in memory; `forgot`: how often the vault had to forget what it remembers.

        `seen`: what the store may know, where nobody else writes to it.
        """
        self._people, self._most, self.forgot, self._seen = people, cached, forgot, seen
        self._forgot = 0
        self._asked = ("", b"")  # the newest reference that was not there, with its blind index
        self.gone: set[str] = set()  # people that were erased while this process runs
        self._held: dict[str, Known] = {}
        self._keys: dict[str, bytes] = {}  # person id -> own key, of those held
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    def lock(self, order_id: str) -> asyncio.Lock:
        """One message of an order at a time is masked: two at once would both make tokens for it."""
        held = self._locks.get(order_id)
        if held is None:
            held = self._locks[order_id] = asyncio.Lock()
        return held

    def find(self, order_id: str) -> Known | None:
        """An order that went through here before; None where none did, or it was erased."""
        if self._forgot != self.forgot():
            self._forgot = self.forgot()
            self.forget()
        held = self._held.pop(order_id, None)
        if held is not None:
            self._held[order_id] = held
            return held
        blind = self._people.vault.blind(SOURCE, order_id)
        if self._seen is not None and blind not in self._seen:
            self._asked = (order_id, blind)
            return None
        person_id = self._people.store.find_person(blind)
        row = self._people.store.person(person_id) if person_id else None
        if row is None:
            return None
        return self.remember(_known(order_id, row, self._people.vault.person_key(row)))

    def new(self, order_id: str) -> Known:
        """A row for a new order; `remember` it once it is committed."""
        asked, self._asked = self._asked, ("", b"")
        blind = asked[1] if asked[0] == order_id else b""
        row, key = self._people.vault.seal_with_key(_person_id(), SOURCE, Person(ref=order_id), blind)
        if self._seen is not None:
            self._seen.add(row.blind)
        return _known(order_id, row, key)

    def remember(self, known: Known) -> Known:
        """Keep an order in memory."""
        if self._most:
            self._held[known.order_id] = known
            self._keys[known.row.person_id] = known.key
            if len(self._held) > self._most:
                gone = self._held.pop(next(iter(self._held)))
                self._keys.pop(gone.row.person_id, None)
        return known

    def token_of(self, vault: MaskingVault, network: str, known: Known) -> TokenRow | None:
        """The order's own token at a network, as it is stored; None where it has none."""
        token = known.memo.tokens.get((network, "order", "", known.order_id))
        if token is None:
            token = vault.session(network, Owner(known.row.person_id, known.key)).token("order", "", known.order_id)
        return vault.lookup.token(network, token)

    def forget(self) -> None:
        """Keep nothing in memory any more: after an erasure."""
        self._held.clear()
        self._keys.clear()

    def key(self, person_id: str) -> bytes | None:
        """A person's own key; None once erased. Safe for use by several threads."""
        held = self._keys.get(person_id)
        if held is not None:
            return held
        row = self._people.store.person(person_id)
        return self._people.vault.person_key(row) if row is not None else None

    # ---- what was sent -----------------------------------------------------------------------------------------------

    def stored_under(self, known: Known, said: bytes) -> str:
        """The name of what a request became: equal requests have the same, and nobody without the order's key can tell which."""
        return f"{known.row.person_id}/{known.mac(_RETRY + said)[:16].hex()}"

    def stored(self, known: Known, name: str) -> Sent | None:
        """The bytes that this request became when it came first."""
        held = known.memo.sent.get(name)
        if held is not None:
            return held
        row = self._people.store.payload(name)
        if row is None or row.person_id != known.row.person_id:
            return None
        return self.recall(known, name, _decode(self._people.vault.open_for(known.row, row.sealed, known.key)))

    def recall(self, known: Known, name: str, sent: Sent) -> Sent:
        """Keep in memory what is on disk: the newest requests of an order, small ones only."""
        held = known.memo.sent
        if len(sent.body) <= SENT_BYTES_MOST:
            if len(held) >= SENT_MOST:
                del held[next(iter(held))]
            held[name] = sent
        return sent

    def answered(self, known: Known, operation: str, answered: Answered) -> None:
        """Keep an answer in memory: the newest of an operation, small ones only."""
        held = known.memo.answers
        if len(answered.body) <= ANSWER_BYTES_MOST:
            if operation not in held and len(held) >= ANSWERS_MOST:
                del held[next(iter(held))]
            held[operation] = answered

    def to_store(self, known: Known, name: str, sent: Sent) -> PayloadRow:
        """The row of a request's masked bytes, sealed under the order's key."""
        return PayloadRow(name, known.row.person_id, self._people.vault.seal_for(known.row, _encode(sent), known.key))


def _person_id() -> str:
    """A new id that begins with its millisecond: rows that are made together lie together in every index, so that less is written."""
    return f"{time.time_ns() // 1_000_000:012x}{random_bytes(6).hex()}"


def _known(order_id: str, row: PersonRow, key: bytes) -> Known:
    return Known(order_id, row, key, Mac(key), Memo())
