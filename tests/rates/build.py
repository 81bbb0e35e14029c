"""Tiny networks for tests of rates: one node a card, SKUs by weight and sides."""

import datetime as dt
from collections.abc import Iterable

from tranship.core.network import Channel, Network, NetworkFile, Node, Sku
from tranship.core.time import date_to_day
from tranship.rates.compile import compile_tables
from tranship.rates.tables import RateTables

ORIGIN = "07001"  # Avenel, New Jersey


def day(text: str) -> int:
    """Day number of a date written as 2026-03-01."""
    return date_to_day(dt.date.fromisoformat(text))


SPRING = day("2026-03-01")
"""A day without peak surcharges, after every packaged price list began and before the FBA fuel charge."""


def sku(
    code: str = "MUG", weight_g: int = 400, sides_mm: tuple[int, int, int] = (100, 100, 100), value: int = 0
) -> Sku:
    """One SKU."""
    return Sku(code, weight_g, *sides_mm, value_minor=value)


def network(cards: dict[str, dict[str, object]] | Iterable[str], *skus: Sku, origin: str = ORIGIN) -> NetworkFile:
    """A network with one node for each card (own settings, or names of packaged cards), named after its card."""
    nodes = tuple(Node(name.upper(), "N", origin, "America/New_York", name) for name in cards)
    own = cards if isinstance(cards, dict) else {}
    return NetworkFile("brand", "USD", (Network("N"),), nodes, (Channel("web"),), skus=skus or (sku(),), cards=own)


def one_card(settings: dict[str, object], *skus: Sku, at: int = SPRING) -> RateTables:
    """Tables of a network with a single node and card."""
    return compile_tables(network({"own": settings}, *skus), at)


FLAT = {"type": "parcel", "table": [{"max_lb": 1, "zones": [5] * 8}, {"max_lb": 10, "zones": [9] * 8}]}
"""Five dollars up to a pound, nine up to ten pounds, in zones 1 to 8."""
CLASSES = {"type": "per_unit", "table": [{"max_lb": 20, "price": [5, 4, 3, 2, 1]}]}
"""A unit costs 5, 4, 3, 2 or 1 dollars where the shipment has 1, 2, 3, 4 or 5 and more."""
DOLLAR = 1_000_000
