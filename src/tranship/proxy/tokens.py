"""The vault's tokens as one message of the proxy sees them: each value sealed for the order that it belongs to."""

from tranship.core.errors import UnavailableError
from tranship.masking.rows import TokenRow
from tranship.masking.tokens import Found, new_token
from tranship.masking.vault.session import MaskingVault, Owner, Session
from tranship.proxy.orders import Known, Memo, Orders

ONCE = "once "
"""How the scope of a message without an order begins (masking/message.py)."""

MEMO_MOST = 500
"""Tokens of one order that are kept in memory beside it; a large order has a hundred lines."""


class OrderTokens:
    """`Tokens` of masking/tokens.py for one exchange. Answers may speak of other orders than the request: each has its own session.

    `tell`: kinds that the network tells us and that clients get in clear; they are kept all the same.
    """

    def __init__(
        self, vault: MaskingVault, network: str, orders: Orders, known: Known | None, tell: frozenset[str] = frozenset(),
        *, fresh: bool = False,
    ) -> None:  # fmt: skip
        """`known`: the order that the request names, None where it names none; `fresh`: it is not stored yet."""
        self._vault, self._network, self._orders, self._tell = vault, network, orders, tell
        self._own, self._fresh = known, fresh
        self._memo = known.memo if known is not None else Memo()
        self._new: dict[tuple[str, str, str, str], str] = {}  # tokens that may be not on disk yet
        self._sessions: dict[str, Session] = {}
        self._scopes: dict[str, Session] = {}  # token of an order -> its session
        self.once: dict[str, Found] = {}  # tokens of a message without an order: they live as long as this object

    def token(self, kind: str, scope: str, value: str) -> str:
        """See Tokens. LookupError for an article, and where a message names an order that never went through here."""
        if scope.startswith(ONCE):
            return self._for_once(kind, value)
        if kind == "sku":
            raise LookupError("a proxy keeps no aliases of articles")  # made up here, it would be registered nowhere
        asked = (self._network, kind, scope, value)
        token = self._memo.tokens.get(asked)
        if token is None:
            session = self._session_for(kind, scope, value)
            token = self._new[asked] = session.token(kind, scope, value)
            if kind == "order" and not scope:
                self._scopes[token] = session
        return value if kind in self._tell else token

    def found(self, token: str) -> Found | None:
        """See Tokens."""
        held = self.once.get(token) or self._memo.found.get((self._network, token))
        if held is not None:
            return held
        found = self._session.found(token)
        for session in self._sessions.values() if found is None else ():
            found = session.found(token)
            if found is not None:
                break
        if (
            found is not None
            and not found.expired
            and self._own is not None
            and not self.rows
            and len(self._memo.found) < MEMO_MOST
        ):
            self._memo.found[self._network, token] = found
        return found

    @property
    def rows(self) -> list[TokenRow]:
        """New tokens, to be committed before they are used."""
        return [row for session in self._sessions.values() for row in session.rows]

    def committed(self) -> None:
        """They are."""
        for session in self._sessions.values():
            session.committed()
        self._fresh = False
        if self._own is not None and len(self._memo.tokens) < MEMO_MOST:
            for asked, token in self._new.items():
                self._memo.tokens[asked] = token
                self._memo.found[self._network, token] = Found(*asked[1:])
        self._new.clear()

    @property
    def _session(self) -> Session:
        """The request's own: of the order that it names, or nobody's."""
        own = self._own
        return self._of(own.row.person_id, own.key) if own is not None else self._of("", b"")

    def _for_once(self, kind: str, value: str) -> str:
        said = Found(kind, "", value)
        held = next((token for token, found in self.once.items() if found == said), "")
        token = held or new_token(kind)
        self.once[token] = said
        return token

    def _session_for(self, kind: str, scope: str, value: str) -> Session:
        if kind == "order" and not scope:
            if self._own is not None and value == self._own.order_id:
                return self._session
            other = self._orders.find(value)
            if other is None or other.row.person_id in self._orders.gone:
                raise LookupError("an order that never went through here")
            return self._of(other.row.person_id, other.key)
        if not scope or (
            self._own is not None and scope == self._memo.tokens.get((self._network, "order", "", self._own.order_id))
        ):
            return self._session
        session = self._scopes.get(scope)
        if session is None:
            session = self._scopes[scope] = self._by_token(scope)
        return session

    def _by_token(self, scope: str) -> Session:
        row = self._vault.lookup.token(self._network, scope)
        if row is None or not row.person_id:
            return self._session
        if row.person_id in self._orders.gone:  # an erasure is under way: what is written behind it would stay
            raise UnavailableError(f"person {row.person_id} was erased: nothing can be sealed for them")
        return self._of(row.person_id, self._vault.person_key(row.person_id))

    def _of(self, person_id: str, key: bytes) -> Session:
        found = self._sessions.get(person_id)
        if found is None:
            fresh = self._fresh and self._own is not None and person_id == self._own.row.person_id
            found = self._sessions[person_id] = self._vault.session(self._network, Owner(person_id, key, fresh))
        return found
