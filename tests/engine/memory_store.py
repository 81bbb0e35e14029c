"""A store in memory: the same port, nothing durable. For tests of the engine that are not about disks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tranship.core.errors import ConflictError, InvariantError, UnavailableError
from tranship.core.ledger import OUTSIDE, Bucket
from tranship.sim.handover.store import SimStore
from tranship.store.port import (
    Batch,
    DispatchRow,
    JournalRow,
    OutboxRow,
)


class MemoryStore(SimStore):
    """The simulator's store, as strict as a database; `fail_next` makes the next commit fail as a full disk would."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox: dict[str, OutboxRow] = {}
        self.numbers: set[tuple[str, str]] = set()
        self.dispatches: dict[str, DispatchRow] = {}
        self.batches = 0
        self.fail_next: Exception | None = None  # type: ignore[assignment]

    def commit(self, batch: Batch) -> None:
        if self.fail_next is not None:
            error, self.fail_next = self.fail_next, None
            raise error
        self._check(batch)
        for key, delta in batch.stock.items():
            self.stock[key] = self.stock.get(key, 0) + delta
        self.rows.extend(batch.journal)
        self.keys.update({row.key: row for row in batch.keys})
        self.numbers.update((row.number, row.source) for row in batch.orders)
        self.documents.update({row.sha256: row.body for row in batch.documents})
        self.people.update({row.person_id: row for row in batch.people})
        self.dispatches.update({row.remote_id: row for row in batch.dispatches})
        self.payloads.update({row.remote_id: row for row in batch.payloads})
        self.addresses.update({row.order_id: row for row in batch.addresses})
        self.outbox.update({row.id: row for row in batch.outbox})
        self._keep_masking(batch)
        self.batches += 1

    def _check(self, batch: Batch) -> None:
        """Refuse what a database would, before anything changes."""
        seq = len(self.rows)
        if [row.seq for row in batch.journal] != list(range(seq + 1, seq + 1 + len(batch.journal))):
            raise InvariantError(f"journal rows do not follow row {seq} without a gap")
        for key in batch.keys:
            if key.key in self.keys:
                raise ConflictError(f"command {key.key!r} was carried out before")
        for order in batch.orders:
            if (order.number, order.source) in self.numbers:
                raise ConflictError(f"the number of order {order.order_id} was taken before")
        for line in batch.lines:
            if not isinstance(line.qty, int):
                raise InvariantError(f"qty of a line of order {line.order_id} is no number")
        for (node, sku, bucket), delta in batch.stock.items():
            held = self.stock.get((node, sku, bucket), 0)
            if held + delta < 0 and bucket not in OUTSIDE:
                raise InvariantError(f"{Bucket(bucket).name} of {sku} at {node} holds {held}, cannot give {-delta}")
        if any(row.id in self.outbox for row in batch.outbox):
            raise InvariantError("an outbox row was written before")
        if any(row.remote_id in self.payloads for row in batch.payloads):
            raise InvariantError("the bytes of a dispatch were written before")
        self._check_owners(batch)
        self._check_masking(batch)

    def _check_masking(self, batch: Batch) -> None:
        end = self.last_audit()[0]
        if [row.seq for row in batch.audits] != list(range(end + 1, end + 1 + len(batch.audits))):
            raise InvariantError(f"audit rows do not follow row {end} without a gap")
        held, blinds = dict(self.known), {row.blind: row.token for row in self.known.values() if row.state == "live"}
        for token in batch.tokens:
            old = held.setdefault((token.network, token.token), token)
            if (old.blind, old.sealed) != (token.blind, token.sealed):
                raise InvariantError("a token stands for something else")
            if blinds.setdefault(token.blind, token.token) != token.token:
                raise InvariantError("a value has another token")
        for key in batch.masking_keys:
            known = self.sealing.get(key.key_id, key)
            if known[:4] != key[:4] or known.state == "destroyed":
                raise InvariantError(f"masking key {key.key_id} is another one")

    def _check_owners(self, batch: Batch) -> None:
        blinds = {row.blind: row.person_id for row in self.people.values() if row.blind}
        for person in batch.people:
            old = self.people.get(person.person_id, person)
            if old[:3] != person[:3] or blinds.get(person.blind, person.person_id) != person.person_id:
                raise InvariantError(f"person {person.person_id} comes under another key")
        for dispatch in batch.dispatches:
            if self.dispatches.get(dispatch.remote_id, dispatch)[1:5] != dispatch[1:5]:
                raise InvariantError(f"dispatch {dispatch.remote_id} is one of another part")
        for address in batch.addresses:
            if self.addresses.get(address.order_id, address).person_id != address.person_id:
                raise InvariantError(f"order {address.order_id} has the address of another person")

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        while after < len(self.rows):
            yield self.rows[after]
            after += 1

    def erase(self, person_id: str) -> bool:
        if person_id:
            self.known = {key: row for key, row in self.known.items() if row.person_id != person_id}
        if self.people.pop(person_id, None) is None:
            return False
        self.payloads = {key: row for key, row in self.payloads.items() if row.person_id != person_id}
        self.addresses = {key: row for key, row in self.addresses.items() if row.person_id != person_id}
        self.homes = [row for row in self.homes if row.person_id != person_id]
        return True

    def bind_key(self, key_id: bytes) -> None:
        if self.sealed_by not in (b"", key_id):
            raise UnavailableError(f"key file {self.sealed_by.hex()} sealed people here")
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
