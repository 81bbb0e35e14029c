"""The masking vault of a store: which key wraps its keys, and what has to be done to it in the long run.

`TRANSHIP_MASKING_KEY` says who wraps the masking keys: nothing (the run's key file), `file:PATH` (another key file), `env:NAME` (64
hexadecimal signs in a variable), `command:COMMAND` or `https://ADDRESS` (a key service). docs/vault.md has the questions it is asked.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tranship.core.errors import DamageError, InputError, UnavailableError
from tranship.masking.rows import LIVE, READ, SEAL, WRITE, TokenRow
from tranship.masking.vault.kek import TIMEOUT_S, CommandKek, HttpKek, Kek, LocalKek
from tranship.masking.vault.keys import blind_id
from tranship.masking.vault.session import KNOWN_MOST, MaskingVault
from tranship.store.keyfile import key_path, read_key
from tranship.store.people import People
from tranship.store.port import Batch, Store

KEY_VARIABLE = "TRANSHIP_MASKING_KEY"
TIMEOUT_VARIABLE = "TRANSHIP_MASKING_KEY_TIMEOUT_S"
TOKEN_VARIABLE = "TRANSHIP_MASKING_KEY_TOKEN"  # noqa: S105 - the name of one
PIECE_ROWS = 500
"""Tokens looked at in one piece of a sweep or a rotation: one commit, a few milliseconds."""
EPOCH_US = 3_600_000_000
"""How long a key that was rotated out is kept at least while requests run that began with it: an hour."""


def now_us() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000


def kek_of(where: Path, setting: str | None = None) -> Kek:
    """The key-encrypting key of the run at `where`, as `setting` or the environment says.

    UnavailableError where it cannot be had, InputError where the setting is none.
    """
    said = os.environ.get(KEY_VARIABLE, "") if setting is None else setting
    kind, _, rest = said.partition(":")
    if not said or kind == "file":
        path = Path(rest) if rest else key_path(where)
        return LocalKek(read_key(path), f"key file {path}")
    if kind == "env":
        return LocalKek(_from_variable(rest), f"variable {rest}")
    if kind == "command":
        return CommandKek(rest, _timeout())
    if kind in {"http", "https"}:
        return HttpKek(said, _timeout(), os.environ.get(TOKEN_VARIABLE, ""))
    hint = "Write file:PATH, env:NAME, command:COMMAND or https://ADDRESS"
    raise InputError("names no kind of key", where=KEY_VARIABLE, hint=hint)  # it may be the key itself: never repeated


def _from_variable(name: str) -> bytes:
    text = os.environ.get(name, "") if name else ""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UnavailableError(
            f"variable {name or '(no name)'} does not hold a key of 64 hexadecimal signs: nothing can be masked"
        )
    return key


def _timeout() -> float:
    text = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        return float(text) if text else TIMEOUT_S
    except ValueError:
        raise InputError("is no number of seconds", where=TIMEOUT_VARIABLE) from None


def open_vault(
    store: Store,
    people: People,
    kek: Kek,
    *,
    now: Callable[[], int] = now_us,
    party: str = "",
    known: int = KNOWN_MOST,
    person_key: Callable[[str], bytes | None] | None = None,
) -> MaskingVault:
    """The masking vault of a store that is open for writing; new masking keys are committed before they are used.

    `party`: what sealed values are bound to, beside the keys; by default what the store calls itself (only for stores without
    tables it has to be given). `person_key`: who else has people's own keys at hand. No key is opened yet: the first session does that.
    """
    bound_to = party or party_of(store)

    def from_store(person_id: str) -> bytes | None:
        row = store.person(person_id)
        return people.vault.person_key(row) if row is not None else None

    rows = list(store.masking_keys())
    return MaskingVault.open(
        bound_to,
        kek,
        rows,
        lambda keys: store.commit(Batch(masking_keys=list(keys))),
        store,
        person_key or from_store,
        now,
        known=known,
        retire=lambda network, token: store.commit(Batch(tokens_over=[(network, token)])),
    )


def party_of(store: Store) -> str:
    """What a store calls itself, the same for as long as it lives, also after a restore."""
    ((name, created),) = store.query("SELECT party, created FROM meta")
    return f"{name}:{created}"


class Piece(NamedTuple):
    """What a piece of work came to. `after`: where the next one begins; `done`: there is no next one."""

    after: int
    looked_at: int
    changed: int
    left: int  # rows that had to stay as they are: damaged ones
    done: bool


class Upkeep:
    """Rotation and expiry of one vault, in bounded pieces, beside a running service or alone."""

    def __init__(self, store: Store, vault: MaskingVault) -> None:
        self._store, self._vault = store, vault

    def rotate(self) -> int:
        """New keys for all networks and kinds, or for none; the old ones read until `reseal` is done. How many kinds there are."""
        kinds = self._vault.keys.rotate()
        self._vault.forget()
        return kinds

    def rewrap(self, kek: Kek) -> int:
        """Wrap all masking keys by another key-encrypting key, in one commit; how many there were."""
        return self._vault.keys.rewrap(kek)

    def reading(self) -> list[str]:
        """Ids of sealing keys that were rotated out and are not destroyed yet."""
        return [row.key_id for row in self._vault.keys.rows() if (row.state, row.purpose) == (READ, SEAL)]

    def reseal(self, after: int = 0, limit: int = PIECE_ROWS) -> Piece:
        """Seal a piece of the tokens anew under the keys that write, from the place `after` on."""
        old = set(self.reading())
        page = self._store.tokens(after, limit) if old else []
        batch, left = Batch(), 0
        for _, row in page:
            if row.state == LIVE and row.key_id in old:
                try:
                    fresh = self._anew(row)
                except DamageError:
                    left += 1
                    continue
                if fresh is not None:
                    batch.resealed.append((*fresh, row.network, row.token, row.key_id))
        if batch.resealed:
            self._store.commit(batch)
        return Piece(page[-1][0] if page else after, len(page), len(batch.resealed), left, len(page) < limit)

    def _anew(self, row: TokenRow) -> tuple[bytes, bytes, str] | None:
        """Blind index, sealed value and key id under the writing keys; None where the person was erased meanwhile."""
        vault = self._vault
        value = vault.opened(row)
        if value is None:
            return None
        try:
            person_key = vault.person_key(row.person_id) if row.person_id else b""
        except UnavailableError:
            return None
        pair = vault.keys.writing(row.network, row.kind)
        fresh = vault.sealed(row, value, person_key, pair)
        return fresh.blind, fresh.sealed, fresh.key_id

    def destroy(self, *, epoch_us: int = EPOCH_US, limit: int = PIECE_ROWS) -> int:
        """Destroy keys that were rotated out, if nothing is sealed under them any more; how many. Looks at all tokens.

        `epoch_us`: for how long the keys that replaced them have to have been writing; 0 where nobody else uses the vault.
        """
        rows, before = self._vault.keys.rows(), self._vault.now() - epoch_us
        since: dict[tuple[str, str], int] = {}
        for row in rows:
            if row.state == WRITE:
                since[row.network, row.kind] = row.created_at
        old = {
            row.key_id
            for row in rows
            if (row.state, row.purpose) == (READ, SEAL) and since.get((row.network, row.kind), before + 1) <= before
        }
        after, full = 0, True
        while old and full:
            page = self._store.tokens(after, limit)
            old -= {row.key_id for _, row in page if row.state == LIVE}
            full, after = len(page) == limit, page[-1][0] if page else after
        ids = [name for key_id in sorted(old) for name in (key_id, blind_id(key_id))]
        if ids:
            self._store.destroy_keys(ids)
            self._vault.keys.destroyed(ids)
        return len(old)

    def sweep(self, after: int = 0, limit: int = PIECE_ROWS) -> Piece:
        """Forget the values of a piece of the tokens that expired, from the place `after` on."""
        page, now = self._store.tokens(after, limit), self._vault.now()
        over = [(row.network, row.token) for _, row in page if row.state == LIVE and row.expires_at <= now]
        if over:
            self._store.commit(Batch(tokens_over=over))
            self._vault.forget()
        return Piece(page[-1][0] if page else after, len(page), len(over), 0, len(page) < limit)


def all_pieces(work: Callable[[int], Piece], tell: Callable[[int], None] = lambda _: None) -> Piece:
    """Piece after piece up to the end; the sum. `tell` hears how many tokens were looked at so far."""
    after = looked_at = changed = left = 0
    while True:
        piece = work(after)
        after, looked_at = piece.after, looked_at + piece.looked_at
        changed, left = changed + piece.changed, left + piece.left
        tell(looked_at)
        if piece.done:
            return Piece(after, looked_at, changed, left, done=True)
