"""Whose a row of a network's report is, by the tables of a run: remote ids are those of dispatches, lines and aliases are ours.

Only reads. The same run may mask for proxies: an order token in the key column is looked up as in a proxy's own folder.
"""

import re

from tranship.engine.preparing import ALPHABET, ID_LENGTH
from tranship.masking.policy import Policy
from tranship.masking.policy.grammar import name_objection
from tranship.masking.reports import Order, RowError, TokenBook, TokenOrder
from tranship.masking.reports.book import clear_of
from tranship.masking.tokens import ANY, Tokens
from tranship.store.port import Store

_REMOTE_ID = re.compile(rf"[{ALPHABET}]{{{ID_LENGTH}}}")
ID_MOST = 40
"""Characters of a remote id, whoever made it."""
_FOREIGN = "is unknown, or another network's"


class RunOrder(TokenOrder):
    """An order that a dispatch was of: lines and articles under the channel's own names, aliases by the vault."""

    def __init__(
        self, store: Store, network: str, order: tuple[str, str], tokens: Tokens, policy: Policy, told: frozenset[str]
    ) -> None:
        """`order`: its id, and its number at the channel."""
        order_id, number = order
        super().__init__(number, order_id, tokens, clear_of(policy), told)
        self._store, self._network, self._order_id = store, network, order_id

    def unmask(self, kind: str, text: str) -> str:
        """See Order."""
        if kind == "line":
            return self._line(text)
        if kind == "sku":
            sql = "SELECT sku FROM sku_alias WHERE alias = ? AND network = ?"
            rows = self._store.query(sql, (text, self._network))
            return str(rows[0][0]) if rows else super().unmask(kind, text)
        if kind == "name" and not ANY.search(text) and not name_objection(text):
            return text  # some labels have to say who it is for
        return super().unmask(kind, text)

    def _line(self, text: str) -> str:
        """The channel's key of a line; `2-1` is the first article of a bundle on the second one."""
        number, _, part = text.partition("-")
        if number.isdecimal() and len(number) < 7 and (part.isdecimal() or not part):
            rows = self._store.query(
                "SELECT key FROM order_line WHERE order_id = ? AND line = ?", (self._order_id, int(number) - 1)
            )
            if rows:
                return str(rows[0][0])
        raise RowError("line", "is no line of its order")


class RunBook:
    """Orders of a run by what one network calls them: see Book."""

    def __init__(self, store: Store, network: str, tokens: Tokens, policy: Policy, told: frozenset[str]) -> None:
        """`told`: kinds of what the network tells that go on as they came; everything else of people is left empty."""
        self._store, self._network, self._tokens, self._policy, self._told = store, network, tokens, policy, told
        self._others = TokenBook(policy, tokens, told=told)

    def order(self, text: str) -> Order | None:
        """See Book."""
        rows = (
            []
            if len(text) > ID_MOST
            else self._store.query(
                "SELECT d.order_id, o.number, p.network FROM dispatch d JOIN part p ON p.part_id = d.part_id"
                " JOIN orders o ON o.order_id = d.order_id WHERE d.remote_id = ?",
                (text,),
            )
        )
        if not rows:
            if _REMOTE_ID.fullmatch(text):
                raise RowError("order", _FOREIGN)
            return self._others.order(text)
        order_id, number, network = map(str, rows[0])
        if network != self._network:
            raise RowError("order", _FOREIGN)
        return RunOrder(self._store, network, (order_id, number), self._tokens, self._policy, self._told)


def networks_of(store: Store) -> list[str]:
    """The networks that a run's reports may be of: those that something was sent to, or that have tokens."""
    sent = store.query("SELECT DISTINCT p.network FROM dispatch d JOIN part p ON p.part_id = d.part_id")
    return sorted({str(row[0]) for row in sent} | {row.network for row in store.masking_keys()})
