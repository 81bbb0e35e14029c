"""The vault of one shard, and its sessions: where tokens are made for values, and found again.

A session's new rows must be committed before a byte with their tokens leaves: `rows` holds them, `committed` says that they are there.
"""

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tranship.core.errors import UnavailableError
from tranship.masking.rows import LIVE, NEVER, MaskingKeyRow, TokenRow
from tranship.masking.tokens import Found, kind_of, new_token
from tranship.masking.vault import seal
from tranship.masking.vault.kek import Kek
from tranship.masking.vault.keys import Keep, Keys, Pair

KNOWN_MOST = 262_144
"""Tokens remembered by their blind index, without values: some 60 MB."""

NewToken = Callable[[str], str]
Retire = Callable[[str, str], None]


class Lookup(Protocol):
    """What the vault asks of a store (store/port.py)."""

    def token(self, network: str, token: str) -> TokenRow | None:
        """A network's token."""

    def find_token(self, network: str, kind: str, scope: str, blind: bytes) -> TokenRow | None:
        """The live token with this blind index."""

    def tokens_of(self, network: str, scope: str) -> Sequence[TokenRow]:
        """The tokens of a network within a scope."""


class Owner(NamedTuple):
    """Whose values a session seals: nobody's (`""`, `b""`), or a person's, with the person's own key."""

    person_id: str = ""
    key: bytes = b""
    fresh: bool = False  # the person is not stored yet: nothing of theirs can be

    def __repr__(self) -> str:
        return f"Owner({self.person_id})"


class _Draft:
    """A new token that is not committed yet; shared by sessions that want the token of the same value, and gone with them."""

    __slots__ = ("__weakref__", "row")

    def __init__(self, row: TokenRow) -> None:
        self.row = row


class MaskingVault:
    """Tokens of all networks of one shard. Safe for use by several threads.

    `person_key` gives a person's own key, None once erased; `now` UTC microseconds. Any UnavailableError, from a key or the store,
    is passed on: who gets one sends nothing.
    """

    def __init__(
        self,
        keys: Keys,
        lookup: Lookup,
        person_key: Callable[[str], bytes | None],
        now: Callable[[], int],
        *,
        party: str,
        known: int = KNOWN_MOST,
        new: NewToken = new_token,
        retire: Retire = lambda _network, _token: None,
    ) -> None:
        """`known` is how many tokens are remembered; `new` makes them; `retire` writes that one is over before it has a successor."""
        self.keys, self.lookup, self.party = keys, lookup, party
        self._person_key, self.now, self._new = person_key, now, new
        self._most, self.retire = known, retire
        self._known: dict[bytes, str] = {}  # blind index -> token, least recently used first
        self._drafts: weakref.WeakValueDictionary[bytes, _Draft] = weakref.WeakValueDictionary()
        self._mutex = threading.Lock()
        self.forgotten = 0
        """How often what is remembered had to be forgotten: who remembers more than the vault does the same."""

    @classmethod
    def open(
        cls,
        party: str,
        kek: Kek,
        rows: list[MaskingKeyRow],
        keep: Keep,
        lookup: Lookup,
        person_key: Callable[[str], bytes | None],
        now: Callable[[], int],
        *,
        known: int = KNOWN_MOST,
        retire: Retire = lambda _network, _token: None,
    ) -> "MaskingVault":
        """A vault over a store's key rows; `keep` writes new ones, durable when it returns (store/vaulting.py wires it to a store)."""
        keys = Keys(party, kek, rows, keep, now)
        return cls(keys, lookup, person_key, now, party=party, known=known, retire=retire)

    def session(self, network: str, owner: Owner | str = "") -> "Session":
        """A session for one message of one network. `owner`: whose values it makes tokens for, by id where the person is stored.

        UnavailableError where that person was erased.
        """
        if isinstance(owner, str):
            owner = Owner(owner, self.person_key(owner)) if owner else Owner()
        return Session(self, network, owner)

    def person_key(self, person_id: str) -> bytes:
        """A person's own key. UnavailableError where the person was erased or never was."""
        key = self._person_key(person_id)
        if key is None:
            raise UnavailableError(f"person {person_id} was erased: nothing can be sealed for them")
        return key

    def forget(self) -> None:
        """Remember nothing any more: after an erasure, a sweep or a rotation."""
        with self._mutex:
            self._known.clear()
            self.forgotten += 1

    # ---- what sessions ask ------------------------------------------------------------------------------------------

    def known(self, blind: bytes) -> str:
        """The committed token with this blind index; empty where none is remembered."""
        with self._mutex:
            token = self._known.pop(blind, "")
            if token:
                self._known[blind] = token
            return token

    def remember(self, blind: bytes, token: str) -> None:
        """A token that is in the store."""
        with self._mutex:
            self._known[blind] = token
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]

    def drafted(self, blind: bytes, make: Callable[[], TokenRow]) -> _Draft:
        """The draft with this blind index; another session's that is not committed yet, where there is one."""
        with self._mutex:
            held = self._drafts.get(blind)
            if held is None:
                held = self._drafts[blind] = _Draft(make())
            return held

    def new_row(
        self, network: str, kind: str, scope: str, value: str, owner: Owner, pair: Pair, blind: bytes
    ) -> TokenRow:
        """A new token and its row."""
        token = self._new(kind)
        bound = seal.associated(self.party, network, kind, token, scope, owner.person_id)
        sealed = seal.seal(_cipher(pair, owner.key), value, bound)
        return TokenRow(
            token, network, kind, scope, owner.person_id, blind, sealed, pair.key_id, self.now(), NEVER, LIVE
        )

    def sealed(self, row: TokenRow, value: str, person_key: bytes, pair: Pair, blind: bytes = b"") -> TokenRow:
        """The row with its value sealed, and found again, under a pair of keys and the person's own. `blind`: where it is known."""
        bound = seal.associated(self.party, row.network, row.kind, row.token, row.scope, row.person_id)
        return row._replace(
            blind=blind or seal.blind(pair.blind, person_key, row.scope, value),
            sealed=seal.seal(_cipher(pair, person_key), value, bound),
            key_id=pair.key_id,
        )

    def opened(self, row: TokenRow) -> str | None:
        """The value of a live row; None where its person was erased meanwhile."""
        person_key = b""
        if row.person_id:
            found = self._person_key(row.person_id)
            if found is None:
                return None
            person_key = found
        bound = seal.associated(self.party, row.network, row.kind, row.token, row.scope, row.person_id)
        return seal.unseal(_cipher(self.keys.pair(row.key_id), person_key), row.sealed, bound)


def _cipher(pair: Pair, person_key: bytes) -> AESGCM:
    """What seals one person's values, or nobody's."""
    return AESGCM(seal.mixed(pair.seal, person_key)) if person_key else pair.cipher


class Session:
    """The tokens of one network for one message (`Tokens` of masking/tokens.py). Not for several threads."""

    def __init__(self, vault: MaskingVault, network: str, owner: Owner) -> None:
        """Use `MaskingVault.session`."""
        self._vault, self.network, self._owner = vault, network, owner
        self._seen: dict[str, dict[bytes, TokenRow]] = {}  # scope -> blind index -> what is stored
        self._drafts: dict[bytes, _Draft] = {}
        self._given: dict[tuple[str, str, str], str] = {}

    def __repr__(self) -> str:
        return f"Session({self.network}, {len(self._drafts)} new)"

    def token(self, kind: str, scope: str, value: str) -> str:
        """The token of a value within a scope; a new one where it has none: then `rows` has to be committed before it is used."""
        given = self._given.get((kind, scope, value))
        if given is not None:
            return given
        pair = self._vault.keys.writing(self.network, kind)
        blind = seal.blind(pair.blind, self._owner.key, scope, value)
        owner = self._owner
        token = "" if owner.fresh else self._vault.known(blind) or self._stored(kind, scope, value, blind)
        if not token:

            def make() -> TokenRow:
                return self._vault.new_row(self.network, kind, scope, value, owner, pair, blind)

            # Of a person who is not stored yet nobody else can want a token.
            draft = _Draft(make()) if owner.fresh else self._vault.drafted(blind, make)
            self._drafts[blind], token = draft, draft.row.token
        self._given[kind, scope, value] = token
        return token

    def found(self, token: str) -> Found | None:
        """What a token of this network stands for; None where it is unknown, another network's, or its person was erased.

        An expired one comes without its value. UnavailableError where a key cannot be had, DamageError where the row was changed.
        """
        if not kind_of(token):
            return None
        row = self._vault.lookup.token(self.network, token)
        if row is None:
            row = next((draft.row for draft in self._drafts.values() if draft.row.token == token), None)
        if row is None or (row.network, row.token) != (self.network, token):
            return None
        if row.state != LIVE or row.expires_at <= self._vault.now():
            return Found(row.kind, row.scope, "", expired=True)
        value = self._vault.opened(row)
        return None if value is None else Found(row.kind, row.scope, value)

    @property
    def rows(self) -> list[TokenRow]:
        """Tokens that were given and are not known to be stored: to be committed before anything leaves."""
        return [draft.row for draft in self._drafts.values()]

    def committed(self) -> None:
        """`rows` is in the store: they are known from here on."""
        if not self._owner.fresh:  # who makes a new person's tokens remembers them beside that person
            for blind, draft in self._drafts.items():
                self._vault.remember(blind, draft.row.token)
        self._drafts.clear()

    def _stored(self, kind: str, scope: str, value: str, blind: bytes) -> str:
        """The stored token of a value, also one whose blind index is still that of a key that was rotated out."""
        row = self._find(kind, scope, blind)
        for pair in self._vault.keys.reading(self.network, kind) if row is None else ():
            row = row or self._find(kind, scope, seal.blind(pair.blind, self._owner.key, scope, value))
        if row is None:
            return ""
        if row.expires_at <= self._vault.now():  # not swept yet: its blind index has to be free for the new one
            self._vault.retire(self.network, row.token)
            return ""
        self._vault.remember(blind, row.token)
        return row.token

    def _find(self, kind: str, scope: str, blind: bytes) -> TokenRow | None:
        """A live row by its blind index. Of an order all rows are read at once: it has a few, and the next value asks again."""
        if not scope or not self._owner.person_id:
            return self._vault.lookup.find_token(self.network, kind, scope, blind)
        rows = self._seen.get(scope)
        if rows is None:
            stored = self._vault.lookup.tokens_of(self.network, scope)
            rows = self._seen[scope] = {row.blind: row for row in stored if row.state == LIVE}
        row = rows.get(blind)
        return row if row is not None and row.kind == kind else None
