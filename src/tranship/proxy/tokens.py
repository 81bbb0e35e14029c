"""The vault's tokens as one message of the proxy sees them: each value sealed for the order that it belongs to."""

from tranship.masking.rows import TokenRow
from tranship.masking.tokens import Found
from tranship.masking.vault.session import MaskingVault, Owner, Session
from tranship.proxy.orders import Known, Orders


class OrderTokens:
    """`Tokens` of masking/tokens.py for one exchange. Answers may speak of other orders than the request: each has its own session.

    `tell`: kinds that the network tells us and that clients get in clear; they are kept all the same.
    """

    def __init__(
        self, vault: MaskingVault, network: str, orders: Orders, known: Known | None, tell: frozenset[str] = frozenset()
    ) -> None:
        """`known`: the order that the request names, None where it names none."""
        self._vault, self._network, self._orders, self._tell = vault, network, orders, tell
        self._own = known
        owner = Owner(known.row.person_id, known.key) if known is not None else Owner()
        self._session = vault.session(network, owner)
        self._sessions: dict[str, Session] = {owner.person_id: self._session}
        self._scopes: dict[str, Session] = {}  # token of an order -> its session

    def token(self, kind: str, scope: str, value: str) -> str:
        """See Tokens. LookupError where a message names an order that never went through here."""
        session = self._session_for(kind, scope, value)
        token = session.token(kind, scope, value)
        if kind == "order" and not scope:
            self._scopes[token] = session
        return value if kind in self._tell else token

    def found(self, token: str) -> Found | None:
        """See Tokens."""
        for session in self._sessions.values():
            found = session.found(token)
            if found is not None:
                return found
        return None

    @property
    def rows(self) -> list[TokenRow]:
        """New tokens, to be committed before they are used."""
        return [row for session in self._sessions.values() for row in session.rows]

    def committed(self) -> None:
        """They are."""
        for session in self._sessions.values():
            session.committed()

    def _session_for(self, kind: str, scope: str, value: str) -> Session:
        if kind == "order" and not scope:
            if self._own is not None and value == self._own.order_id:
                return self._session
            other = self._orders.find(value)
            if other is None:
                raise LookupError("an order that never went through here")
            return self._of(other.row.person_id, other.key)
        if not scope or scope.startswith("once "):
            return self._session
        session = self._scopes.get(scope)
        if session is None:
            session = self._scopes[scope] = self._by_token(scope)
        return session

    def _by_token(self, scope: str) -> Session:
        row = self._vault.lookup.token(self._network, scope)
        if row is None or not row.person_id:
            return self._session
        return self._of(row.person_id, self._vault.person_key(row.person_id))

    def _of(self, person_id: str, key: bytes) -> Session:
        found = self._sessions.get(person_id)
        if found is None:
            found = self._sessions[person_id] = self._vault.session(self._network, Owner(person_id, key))
        return found
