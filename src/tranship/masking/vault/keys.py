"""The masking keys of a shard: one pair for each network and kind, wrapped by the key-encrypting key, opened when first needed.

Of a network and kind one pair writes; pairs that were rotated out read until what they sealed is sealed anew, and are then destroyed.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tranship.core.errors import UnavailableError
from tranship.masking.rows import BLIND, DESTROYED, READ, SEAL, WRITE, MaskingKeyRow
from tranship.masking.tokens import KINDS
from tranship.masking.vault.kek import KEY_BYTES, Kek, Wrapped
from tranship.masking.vault.seal import Mac

Keep = Callable[[Sequence[MaskingKeyRow]], None]
"""Writes key rows; durable when it returns."""


class Pair(NamedTuple):
    """The keys of one network and kind. `key_id` is the sealing key's, and that of the blind key with `-`."""

    key_id: str
    seal: Mac
    blind: Mac
    cipher: AESGCM

    def __repr__(self) -> str:
        return f"Pair({self.key_id})"


class Keys:
    """All masking keys of one shard. Safe for use by several threads; a key that is not there yet is made and kept first."""

    def __init__(self, party: str, kek: Kek, rows: Sequence[MaskingKeyRow], keep: Keep, now: Callable[[], int]) -> None:
        """`rows` are the store's; `now` gives UTC microseconds."""
        self.kek = kek
        self._party, self._keep, self._now = party, keep, now
        self._rows = {row.key_id: row for row in rows}
        self._pairs: dict[str, Pair] = {}
        self._write: dict[tuple[str, str], Pair] = {}
        self._reading = any(row.state == READ for row in rows)
        self._proven = False  # that the key-encrypting key opens what stands
        self._mutex = threading.RLock()

    def rows(self) -> list[MaskingKeyRow]:
        """The keys as they stand, oldest first."""
        with self._mutex:
            return list(self._rows.values())

    def writing(self, network: str, kind: str) -> Pair:
        """The pair that seals new values. UnavailableError where the key-encrypting key cannot be had."""
        found = self._write.get((network, kind))
        if found is not None:
            return found
        with self._mutex:
            key_id = self._id_in(network, kind, WRITE)
            if not key_id:
                kinds = KINDS if kind in KINDS else (kind,)
                self._make(network, [each for each in kinds if not self._id_in(network, each, WRITE)])
                key_id = self._id_in(network, kind, WRITE)
            pair = self._write[network, kind] = self.pair(key_id)
            return pair

    def reading(self, network: str, kind: str) -> list[Pair]:
        """The pairs that were rotated out and still read, newest first."""
        if not self._reading:
            return []
        with self._mutex:
            ids = [row.key_id for row in self._rows.values() if _is(row, network, kind, READ)]
            return [self.pair(key_id) for key_id in reversed(ids)]

    def pair(self, key_id: str) -> Pair:
        """A pair by its sealing key's id. UnavailableError where it is unknown, destroyed or cannot be opened."""
        found = self._pairs.get(key_id)
        if found is not None:
            return found
        with self._mutex:
            seals, finds = self._rows.get(key_id), self._rows.get(blind_id(key_id))
            if seals is None or finds is None or DESTROYED in {seals.state, finds.state}:
                raise UnavailableError(f"masking key {key_id} is not there, or was destroyed: a backup may have it")
            pair = self._pairs[key_id] = self._paired(seals, finds)
            return pair

    def rotate(self) -> int:
        """New pairs for all networks and kinds that have one; the old ones read from now on. How many kinds there were.

        One commit has all of them: a rotation is begun or it is not. UnavailableError where a key cannot be had; nothing is changed then.
        """
        with self._mutex:
            self._prove_once()
            held = [row for row in self._rows.values() if row.state == WRITE]
        kinds = list(dict.fromkeys((row.network, row.kind) for row in held))
        # Wrapped and opened before anybody depends on them, and without the lock: nobody who masks waits for a key service meanwhile,
        # nor finds later that it wrapped what it cannot open.
        made = [self._fresh(network, kind) for network, kind in kinds]
        pairs = [self._paired(seals, finds) for seals, finds in made]
        fresh = [row for both in made for row in both]
        with self._mutex:
            rows = [*(row._replace(state=READ) for row in held), *fresh]
            if rows:
                self._keep(rows)
            self._rows.update({row.key_id: row for row in rows})
            self._pairs.update({pair.key_id: pair for pair in pairs})
            self._reading = self._reading or bool(rows)
            self._write.update(zip(kinds, pairs, strict=True))
        return len(kinds)

    def rewrap(self, kek: Kek) -> int:
        """Wrap all keys by another key-encrypting key, in one step; how many there were. The keys themselves stay."""
        with self._mutex:
            standing = [row for row in self._rows.values() if row.state != DESTROYED]
            anew = []
            for row in standing:
                wrapped = kek.wrap(self._opened(row), self._context(row))
                anew.append(row._replace(wrapped=wrapped.data, kek_id=wrapped.kek_id))
            if anew:
                self._keep(anew)
                self._rows.update({row.key_id: row for row in anew})
            self.kek = kek
            return len(anew)

    def prove(self) -> None:
        """Open one of the keys that stand, for each name under which they were wrapped. UnavailableError where one does not open."""
        with self._mutex:
            for row in {row.kek_id: row for row in self._rows.values() if row.state != DESTROYED}.values():
                self._opened(row)

    def destroyed(self, key_ids: Sequence[str]) -> None:
        """Forget keys that the store has destroyed (both ids of each pair)."""
        with self._mutex:
            for key_id in key_ids:
                self._pairs.pop(key_id, None)
                row = self._rows.get(key_id)
                if row is not None:
                    self._rows[key_id] = row._replace(wrapped=b"", state=DESTROYED)
            self._reading = any(row.state == READ for row in self._rows.values())

    def _id_in(self, network: str, kind: str, state: str) -> str:
        found = [row.key_id for row in self._rows.values() if _is(row, network, kind, state)]
        return found[-1] if found else ""

    def _make(self, network: str, kinds: Sequence[str]) -> None:
        """New pairs for all these kinds at once: one commit for a new network, not one a kind.

        UnavailableError where the key-encrypting key does not open those that stand: no one key would open old and new ones then.
        """
        self._prove_once()
        rows = [row for kind in kinds for row in self._fresh(network, kind)]
        self._keep(rows)
        self._rows.update({row.key_id: row for row in rows})

    def _prove_once(self) -> None:
        if not self._proven:
            self.prove()
            self._proven = True

    def _fresh(self, network: str, kind: str) -> tuple[MaskingKeyRow, MaskingKeyRow]:
        """The rows of a new pair: sealing key and blind key."""
        key_id = secrets.token_hex(8)
        seals, finds = (
            MaskingKeyRow(name, network, kind, purpose, b"", "", self._now(), WRITE)
            for purpose, name in ((SEAL, key_id), (BLIND, blind_id(key_id)))
        )
        return self._wrapped(seals), self._wrapped(finds)

    def _wrapped(self, row: MaskingKeyRow) -> MaskingKeyRow:
        wrapped = self.kek.wrap(secrets.token_bytes(KEY_BYTES), self._context(row))
        return row._replace(wrapped=wrapped.data, kek_id=wrapped.kek_id)

    def _paired(self, seals: MaskingKeyRow, finds: MaskingKeyRow) -> Pair:
        seal, blind = self._opened(seals), self._opened(finds)
        return Pair(seals.key_id, Mac(seal), Mac(blind), AESGCM(seal))

    def _opened(self, row: MaskingKeyRow) -> bytes:
        return self.kek.unwrap(Wrapped(row.wrapped, row.kek_id), self._context(row))

    def _context(self, row: MaskingKeyRow) -> str:
        return f"tranship|{self._party}|{row.network}|{row.kind}|{row.purpose}|{row.key_id}"


def blind_id(key_id: str) -> str:
    """The id of the blind key that belongs to a sealing key."""
    return key_id + "-b"


def _is(row: MaskingKeyRow, network: str, kind: str, state: str) -> bool:
    return (row.network, row.kind, row.state, row.purpose) == (network, kind, state, SEAL)
