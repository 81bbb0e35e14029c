"""A store in memory: the same port, nothing durable. For tests of the engine that are not about disks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tranship.core.errors import DamageError, InvariantError, UnavailableError
from tranship.core.ledger import OUTSIDE
from tranship.store.port import Batch, JournalRow, KeyRow, OutboxRow, PersonRow


class MemoryStore:
    """Keeps what the engine reads back; `fail_next` makes the next commit fail as a full disk would."""

    def __init__(self) -> None:
        self.rows: list[JournalRow] = []
        self.keys: dict[str, KeyRow] = {}
        self.documents: dict[str, bytes] = {}
        self.people: dict[str, PersonRow] = {}
        self.stock: dict[tuple[str, str, int], int] = {}
        self.outbox: dict[str, OutboxRow] = {}
        self.sealed_by = b""
        self.batches = 0
        self.fail_next: Exception | None = None

    def commit(self, batch: Batch) -> None:
        if self.fail_next is not None:
            error, self.fail_next = self.fail_next, None
            raise error
        for key, delta in batch.stock.items():
            value = self.stock.get(key, 0) + delta
            if value < 0 and key[2] not in OUTSIDE:
                raise InvariantError(f"{key} would be {value}")
        for key, delta in batch.stock.items():
            self.stock[key] = self.stock.get(key, 0) + delta
        self.rows.extend(batch.journal)
        self.keys.update({row.key: row for row in batch.keys})
        self.documents.update({row.sha256: row.body for row in batch.documents})
        self.people.update({row.person_id: row for row in batch.people})
        self.outbox.update({row.id: row for row in batch.outbox})
        self.batches += 1

    def find_key(self, key: str) -> KeyRow | None:
        return self.keys.get(key)

    def find_keys(self, keys: Sequence[str]) -> dict[str, KeyRow]:
        return {key: self.keys[key] for key in keys if key in self.keys}

    def last_seq(self) -> tuple[int, bytes]:
        return (self.rows[-1].seq, self.rows[-1].chain) if self.rows else (0, b"")

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        return iter(self.rows[after:])

    def document(self, sha256: str) -> bytes:
        if sha256 not in self.documents:
            raise DamageError(f"document {sha256} is missing")
        return self.documents[sha256]

    def find_person(self, blind: bytes) -> str | None:
        return next((p.person_id for p in self.people.values() if blind and p.blind == blind), None)

    def person(self, person_id: str) -> PersonRow | None:
        return self.people.get(person_id)

    def erase(self, person_id: str) -> bool:
        return self.people.pop(person_id, None) is not None

    def erase_many(self, person_ids: Sequence[str]) -> int:
        return sum(self.erase(person_id) for person_id in person_ids)

    def key_id(self) -> bytes:
        return self.sealed_by

    def bind_key(self, key_id: bytes) -> None:
        if self.sealed_by not in (b"", key_id):
            raise UnavailableError("another key file sealed people here")
        self.sealed_by = key_id

    def unsent(self, limit: int) -> Sequence[OutboxRow]:
        return list(self.outbox.values())[:limit]

    def sent(self, ids: Sequence[str]) -> None:
        for one in ids:
            self.outbox.pop(one, None)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        raise UnavailableError("a store in memory has no tables to ask: use SqliteStore")

    def backup(self, target: Path) -> None:
        raise UnavailableError("a store in memory has no files to copy: use SqliteStore")

    def close(self) -> None:
        return None
