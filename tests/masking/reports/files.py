"""Reports for tests, as Amazon writes them, of orders that were masked before; and what becomes of them."""

import gzip
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.masking.messages import masked, order
from tranship.masking.policy import Policy, load
from tranship.masking.reports import Counts, Reader, TokenBook
from tranship.masking.tokens import Tokens
from tranship.masking.tokens_memory import MemoryTokens

MCF = load("amazon_mcf_2020")
ALL_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
SHIPMENTS = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"
RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
TYPES = (ALL_ORDERS, "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL", SHIPMENTS, RETURNS)
PLAIN = {
    "count": "2", "decimal": "12.50", "currency": "USD", "moment": "2026-11-24T08:15:30+00:00", "city": "Seattle",
    "postal": "98101", "country": "US", "line": "12 Oak St", "tracking": "TBA123456789", "title": 'Lamp 24" x 3',
}  # fmt: skip
"""A good cell of each type; anything else is `Shipped`."""


class Sent(NamedTuple):
    """Tokens of an order that left: what the network writes into its reports."""

    order: str
    name: str
    line: str
    tokens: MemoryTokens


def sent(order_id: str = "SHOP-1", tokens: MemoryTokens | None = None, name: str = "Ada Byron") -> Sent:
    """An order that went through masking."""
    tokens = MemoryTokens() if tokens is None else tokens
    made = masked(order(sellerFulfillmentOrderId=order_id), tokens)
    return Sent(
        made.subject, tokens.token("name", made.subject, name), tokens.token("line", made.subject, "line 7"), tokens
    )


def cells(report_type: str, about: Sent, **change: str) -> dict[str, str]:
    """A row about an order: its tokens where they belong, a plain value everywhere else, nothing in personal columns."""
    found = {}
    for column, rule in MCF.report(report_type).columns.items():
        ours = {"order": about.order, "name": about.name, "line": about.line, "sku": "MUG-2"}
        if rule.action == "unmask":
            found[column] = ours[rule.kind]
        elif rule.action == "pass" and rule.type is not None:
            words = rule.type.name.removeprefix("enum:").split("|")
            found[column] = PLAIN.get(rule.type.name, words[0] if len(words) > 1 else "Shipped")
        else:
            found[column] = ""
    return {**found, **{name.replace("_", "-"): value for name, value in change.items()}}


def table(rows: Iterable[Mapping[str, str]], *, mark: str = "\t", end: str = "\r\n") -> bytes:
    """The file, without quotes."""
    told = list(rows)
    lines = [list(told[0]), *(list(row.values()) for row in told)]
    return "".join(mark.join(line) + end for line in lines).encode()


class Read(NamedTuple):
    """What a client gets, and what became of the rows."""

    out: bytes
    counts: Counts

    def rows(self) -> list[dict[str, str]]:
        """The rows of a table with tabs, by column."""
        head, *lines = self.out.decode("utf-8-sig").splitlines()
        return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def read(
    raw: bytes,
    report_type: str,
    tokens: Tokens,
    *,
    policy: Policy = MCF,
    pieces: Iterable[bytes] | None = None,
    **more: str,
) -> Read:
    """A document through the reader, in pieces or as one."""
    reader = Reader(policy, report_type, TokenBook(policy, tokens), **more)
    out = [made for piece in ([raw] if pieces is None else pieces) for made in reader.feed(piece)]
    return Read(b"".join([*out, *reader.close()]), reader.counts)


def zipped(raw: bytes) -> bytes:
    """The same, compressed."""
    return gzip.compress(raw, mtime=0)
