"""Whose a row of a report is: the order behind what stands in its key column, and what the tokens beside it stand for there."""

from collections.abc import Callable, Mapping
from typing import Protocol

from tranship.masking.policy.model import Policy
from tranship.masking.policy.types import TYPES
from tranship.masking.tokens import ANY, TOKEN, Tokens, kind_of
from tranship.masking.unmask import FREE

TEXT_MOST = 4_000
"""Characters of personal data that is taken in."""
Clear = Mapping[str, Callable[[object], str]]
"""Kinds that the policy lets leave as they are, and what each must look like when it comes back so."""


class RowError(Exception):
    """A row that is quarantined: which kind of token was wanted, and why this is none. Never a value."""

    def __init__(self, token_kind: str, why: str) -> None:
        self.token_kind, self.why = token_kind, why
        super().__init__(why)


class Order(Protocol):
    """An order of ours that a row is about. `order_id`: what the client calls it."""

    @property
    def order_id(self) -> str:
        """The client's own word for it."""

    def unmask(self, kind: str, text: str) -> str:
        """What a token stands for. RowError where it is none of ours, of another kind, of another order, or over."""

    def take_in(self, kind: str, text: str) -> str:
        """What stands for personal data that the network tells: its token; "" where none can be kept."""


class Book(Protocol):
    """Whose a row is."""

    def order(self, text: str) -> Order | None:
        """The order of a key column's text; None where it never went through here. RowError where it claims to have."""


class TokenOrder:
    """An order under its token: see Order. `scope` is what its tokens belong to."""

    def __init__(
        self, order_id: str, scope: str, tokens: Tokens, clear: Clear, told: frozenset[str] | None = None
    ) -> None:
        """`told`: kinds that go on as they came, where nothing can be kept; None: everything is kept."""
        self.order_id, self._scope, self._tokens, self._clear, self._told = order_id, scope, tokens, clear, told

    def __repr__(self) -> str:
        return "TokenOrder(***)"

    def unmask(self, kind: str, text: str) -> str:
        """See Order."""
        shown, clear = kind_of(text), self._clear.get(kind)
        if not shown and clear is not None and not ANY.search(text) and not clear(text):
            return text  # the policy lets these leave as they are, so they come back as they are
        if shown != kind:
            raise RowError(kind, "is a token of another kind" if shown else "is no token of ours")
        found = self._tokens.found(text)
        if found is None or found.kind != kind:
            raise RowError(kind, "is unknown, or another network's")
        if found.expired:
            raise RowError(kind, "is over")
        if kind not in FREE and found.scope != self._scope:
            raise RowError(kind, "belongs to another order")
        if kind == "order" and (found.scope or text) != self._scope:
            raise RowError(kind, "belongs to another order")
        return found.value

    def take_in(self, kind: str, text: str) -> str:
        """See Order."""
        if len(text) > TEXT_MOST:
            return ""
        if self._told is not None:
            return text if kind in self._told else ""
        return self._tokens.token(kind, "" if kind in FREE else self._scope, text)


class TokenBook:
    """Orders by the tokens of one network: see Book. `of` gives the tokens that an order's cells are looked up in."""

    def __init__(
        self, policy: Policy, tokens: Tokens, of: Callable[[str], Tokens | None] | None = None,
        told: frozenset[str] | None = None,
    ) -> None:  # fmt: skip
        """`of`: by the order's id in the client's words; None where it was forgotten meanwhile. `told`: see TokenOrder."""
        self._tokens, self._of, self._told = tokens, of, told
        self._clear = clear_of(policy)

    def order(self, text: str) -> TokenOrder | None:
        """See Book."""
        if not ANY.search(text):
            return None
        if kind_of(text) != "order":
            why = "is a token of another kind" if kind_of(text) else "is a damaged token"
            raise RowError("order", why if TOKEN.fullmatch(text) else "holds a token beside something else")
        found = self._tokens.found(text)
        if found is None or found.kind != "order" or found.scope:
            raise RowError("order", "is unknown, or another network's")
        if found.expired:
            raise RowError("order", "is over")
        tokens = self._tokens if self._of is None else self._of(found.value)
        if tokens is None:
            raise RowError("order", "is unknown, or another network's")
        return TokenOrder(found.value, text, tokens, self._clear, self._told)


def clear_of(policy: Policy) -> Clear:
    """The kinds that a policy lets leave as they are."""
    return {kind: TYPES[kind].objection for kind in ("name", "sku") if policy.passes(kind)}
