"""Small networks and staged files for the tests of the derived world."""

import datetime as dt
from collections.abc import Iterable, Sequence

from tranship.connectors.files.model import Staged, StagedLine, StagedOrder
from tranship.core.network import Channel, Network, NetworkFile, Node, ShareCap, Sku
from tranship.core.time import to_micros

MONDAY = to_micros(dt.datetime(2009, 11, 30, 9, 30, tzinfo=dt.UTC))
"""A Monday at 09:30 UTC: before 06:00 in the United States."""
DAY = 86_400_000_000
WEEK = 7 * DAY


def network(skus: Sequence[Sku] = (), **changes: object) -> NetworkFile:
    """Two capped nodes, two of a 3PL and an own one; `changes` replace fields."""
    fields: dict[str, object] = {
        "party": "brand",
        "currency": "USD",
        "networks": (Network("amazon", competitor=True), Network("threepl"), Network("own")),
        "nodes": (
            Node("A1", "amazon", "08817", "America/New_York", "card", fragile=False),
            Node("A2", "amazon", "92408", "America/Los_Angeles", "card"),
            Node("B1", "threepl", "43004", "America/New_York", "card", capacity_units=3000),
            Node("B2", "threepl", "89101", "America/Los_Angeles", "card", capacity_units=2000),
            Node("O1", "own", "38118", "America/Chicago", "card", capacity_units=1000, hazmat=True),
        ),
        "channels": (Channel("shop"),),
        "caps": (ShareCap("amazon", 6000),),
        "skus": tuple(skus),
    }
    return NetworkFile(**(fields | changes))  # type: ignore[arg-type]


CAPPED, INDEPENDENT = (0, 1), (2, 3, 4)


def order(number: str, at: int, lines: Iterable[tuple[str, int, int]], customer: str = "", **more: str) -> StagedOrder:
    """An order of (SKU, units, price) lines."""
    staged = tuple(StagedLine(str(i), sku, qty, price, i) for i, (sku, qty, price) in enumerate(lines, 1))
    return StagedOrder(number, at, customer, staged, b"", **more)


def staged(orders: Iterable[StagedOrder], source: str = "csv") -> Staged:
    """A staged file of these orders."""
    return Staged(source, "orders.csv", "0" * 64, orders=list(orders))


def year(orders: int = 400, skus: int = 30) -> Staged:
    """A busy quarter: `orders` orders of one to three lines, no addresses, some guests."""
    made = []
    for n in range(orders):
        lines = [(f"S{(n * 7 + j * 11) % skus:02d}", 1 + (n * j) % 9, 100 + 10 * j) for j in range(1 + n % 3)]
        made.append(order(f"N{n:04d}", MONDAY + n * DAY // 5, lines, customer="" if n % 9 == 0 else f"C{n % 50}"))
    return staged(made)
