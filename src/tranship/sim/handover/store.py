"""A store in memory that can lose power: before a commit is durable, or after it, when nobody hears of it any more."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tranship.core.errors import DamageError, InvariantError, UnavailableError
from tranship.core.ledger import OUTSIDE
from tranship.masking.rows import DESTROYED, LIVE, OVER
from tranship.store.port import (
    AddressRow,
    AuditRow,
    Batch,
    HouseholdRow,
    JournalRow,
    KeyRow,
    MaskingKeyRow,
    OutboxRow,
    PayloadRow,
    PersonRow,
    TokenRow,
)


class PowerCut(BaseException):
    """The engine is gone at this very moment. No `except Exception` may hold it."""


class SimStore:
    """What the engine reads back, and nothing else.

    `cut_next` ends the next commit of a command whose key begins with `cut_key`: "before" or "after" it is durable.
    """

    def __init__(self) -> None:
        self.rows: list[JournalRow] = []
        self.keys: dict[str, KeyRow] = {}
        self.documents: dict[str, bytes] = {}
        self.people: dict[str, PersonRow] = {}
        self.payloads: dict[str, PayloadRow] = {}
        self.addresses: dict[str, AddressRow] = {}
        self.homes: list[HouseholdRow] = []
        self.known: dict[tuple[str, str], TokenRow] = {}
        self.of_blind: dict[bytes, tuple[str, str]] = {}
        self.of_scope: dict[tuple[str, str], dict[str, None]] = {}
        self.sealing: dict[str, MaskingKeyRow] = {}
        self.audits: list[AuditRow] = []
        self.stock: dict[tuple[str, str, int], int] = {}
        self.sealed_by = b""
        self.epoch = 1
        self.cut_next = self.cut_key = ""
        self.fail_next = False

    def commit(self, batch: Batch) -> None:
        """All of it or nothing; then perhaps the power is gone."""
        if self.fail_next:
            self.fail_next = False
            raise UnavailableError("the disk is full")
        cut = self.cut_next if any(row.key.startswith(self.cut_key) for row in batch.keys) else ""
        if cut:
            self.cut_next = ""
        if cut == "before":
            raise PowerCut
        for key, delta in batch.stock.items():
            if self.stock.get(key, 0) + delta < 0 and key[2] not in OUTSIDE:
                raise InvariantError(f"{key} would be below zero")
        for key, delta in batch.stock.items():
            self.stock[key] = self.stock.get(key, 0) + delta
        self.rows.extend(batch.journal)
        self.keys.update({row.key: row for row in batch.keys})
        self.documents.update({row.sha256: row.body for row in batch.documents})
        self.people.update({row.person_id: row for row in batch.people})
        self.payloads.update({row.remote_id: row for row in batch.payloads})
        self.addresses.update({row.order_id: row for row in batch.addresses})
        self._keep_masking(batch)
        if cut == "after":
            raise PowerCut

    def households(self, blind: bytes) -> Sequence[HouseholdRow]:
        """See the port."""
        return [row for row in self.homes if row.blind == blind]

    def _keep_masking(self, batch: Batch) -> None:
        self.sealing.update({row.key_id: row for row in batch.masking_keys})
        self.known.update({(row.network, row.token): row for row in batch.tokens})
        for fresh in batch.tokens:
            self.of_blind[fresh.blind] = (fresh.network, fresh.token)
            self.of_scope.setdefault((fresh.network, fresh.scope), {})[fresh.token] = None
        for expires_at, network, scope in batch.token_expiry:
            own = self.known.get((network, scope))
            for row in [*self.tokens_of(network, scope), *([own] if own is not None else ())]:
                self.known[network, row.token] = row._replace(expires_at=expires_at) if row.state == LIVE else row
        for blind, sealed, key_id, network, token, old in batch.resealed:
            held = self.known.get((network, token))
            if held is not None and (held.key_id, held.state) == (old, LIVE):
                self.known[network, token] = held._replace(blind=blind, sealed=sealed, key_id=key_id)
                self.of_blind[blind] = (network, token)
        for network, token in batch.tokens_over:
            held = self.known.get((network, token))
            if held is not None:
                self.known[network, token] = held._replace(blind=b"", sealed=b"", state=OVER)
        self.audits.extend(batch.audits)
        self.homes.extend(batch.households)

    def find_key(self, key: str) -> KeyRow | None:
        """See the port."""
        return self.keys.get(key)

    def find_keys(self, keys: Sequence[str]) -> dict[str, KeyRow]:
        """See the port."""
        return {key: self.keys[key] for key in keys if key in self.keys}

    def last_seq(self) -> tuple[int, bytes]:
        """See the port."""
        return (self.rows[-1].seq, self.rows[-1].chain) if self.rows else (0, b"")

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """See the port."""
        return iter(self.rows[after:])

    def document(self, sha256: str) -> bytes:
        """See the port."""
        if sha256 not in self.documents:
            raise DamageError(f"document {sha256} is missing")
        return self.documents[sha256]

    def find_person(self, blind: bytes) -> str | None:
        """See the port."""
        return next((row.person_id for row in self.people.values() if blind and row.blind == blind), None)

    def person(self, person_id: str) -> PersonRow | None:
        """See the port."""
        return self.people.get(person_id)

    def erase(self, person_id: str) -> bool:
        """See the port."""
        self.known = {key: row for key, row in self.known.items() if not person_id or row.person_id != person_id}
        return self.people.pop(person_id, None) is not None

    def erase_many(self, person_ids: Sequence[str]) -> int:
        """See the port."""
        return sum(self.erase(person_id) for person_id in person_ids)

    def key_id(self) -> bytes:
        """See the port."""
        return self.sealed_by

    def bind_key(self, key_id: bytes) -> None:
        """See the port."""
        self.sealed_by = key_id

    def payload(self, remote_id: str) -> PayloadRow | None:
        """See the port."""
        return self.payloads.get(remote_id)

    def address(self, order_id: str) -> AddressRow | None:
        """See the port."""
        return self.addresses.get(order_id)

    def token(self, network: str, token: str) -> TokenRow | None:
        """See the port."""
        return self.known.get((network, token))

    def tokens_of(self, network: str, scope: str) -> Sequence[TokenRow]:
        """See the port."""
        names = self.of_scope.get((network, scope), {})
        found = (self.known.get((network, name)) for name in names)
        return [row for row in found if row is not None and row.state == LIVE]

    def find_token(self, network: str, kind: str, scope: str, blind: bytes) -> TokenRow | None:
        """See the port."""
        row = self.known.get(self.of_blind.get(blind, ("", "")))
        wanted = (network, kind, scope, blind, LIVE)
        return row if row is not None and (row.network, row.kind, row.scope, row.blind, row.state) == wanted else None

    def tokens(self, after: int, limit: int) -> Sequence[tuple[int, TokenRow]]:
        """See the port."""
        return list(enumerate(self.known.values(), 1))[after : after + limit]

    def masking_keys(self) -> Sequence[MaskingKeyRow]:
        """See the port."""
        return list(self.sealing.values())

    def destroy_keys(self, key_ids: Sequence[str]) -> int:
        """See the port."""
        gone = [key_id for key_id in key_ids if key_id in self.sealing and self.sealing[key_id].state != DESTROYED]
        for key_id in gone:
            self.sealing[key_id] = self.sealing[key_id]._replace(wrapped=b"", state=DESTROYED)
        return len(gone)

    def audit(self, after: int = 0) -> Iterator[AuditRow]:
        """See the port."""
        return iter(self.audits[after:])

    def last_audit(self) -> tuple[int, bytes]:
        """See the port."""
        return (self.audits[-1].seq, self.audits[-1].chain) if self.audits else (0, b"")

    def still_mine(self) -> bool:
        """See the port."""
        return True

    def unsent(self, limit: int) -> Sequence[OutboxRow]:  # noqa: ARG002 - the port's signature
        """See the port."""
        return ()

    def sent(self, ids: Sequence[str]) -> None:
        """See the port."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:  # noqa: ARG002
        """See the port."""
        raise UnavailableError("a store in memory has no tables to ask")

    def backup(self, target: Path) -> None:  # noqa: ARG002
        """See the port."""
        raise UnavailableError("a store in memory has no files to copy")

    def close(self) -> None:
        """See the port."""

    def commit_now(self, batch: Batch) -> bool:  # noqa: ARG002 - the port's
        """See the port."""
        return False

    def tidy(self) -> None:
        """See the port."""
