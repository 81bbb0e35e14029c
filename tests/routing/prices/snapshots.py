"""Snapshots for tests of the price solver: a node in the east, one in the west, and orders from both coasts."""

from dataclasses import replace

import numpy as np

from tests.rates.build import SPRING, sku
from tranship.core.network import Channel, Network, NetworkFile, Node
from tranship.rates.compile import compile_tables
from tranship.rates.tables import RateTables
from tranship.routing.prices.snapshot import CapRoom, History, Snapshot

DAY = 86_400_000_000
EAST, WEST = 70, 900
"""First three digits of ZIPs beside each node."""
MONDAY = SPRING + 1  # SPRING is a Sunday
NOON = MONDAY * DAY + DAY // 2
DEAR = {"type": "parcel", "table": [{"max_lb": 50, "zones": [4, 5, 6, 8, 10, 12, 15, 18]}]}
CHEAP = {"type": "parcel", "table": [{"max_lb": 50, "zones": [2, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5]}]}
GOODS = tuple(sku(code, 300) for code in "ABCD")


def tables(*nodes: tuple[str, dict]) -> RateTables:
    """Rate tables of nodes at a ZIP, each with a card."""
    made = tuple(Node(f"N{i}", f"NET{i}", zip5, "America/New_York", f"c{i}") for i, (zip5, _) in enumerate(nodes))
    cards = {f"c{i}": card for i, (_, card) in enumerate(nodes)}
    networks = tuple(Network(node.network) for node in made)
    return compile_tables(
        NetworkFile("brand", "USD", networks, made, (Channel("web"),), skus=GOODS, cards=cards), SPRING
    )


COASTS = tables(("07001", DEAR), ("90001", CHEAP))
"""Node 0 in the east, node 1 in the west, which is cheaper for everybody: by a little in the east, by far in the west."""


def history(days: list[int], *, zip3: list[int], sku: int | list[int] = 0, qty: int | list[int] = 1) -> History:
    """Orders of one line, one for each entry of `days` (day numbers), newest first; the other lists are repeated along."""
    count = len(days)
    at = np.sort(np.array(days, np.int64))[::-1] * DAY + DAY // 3

    def along(values: int | list[int]) -> np.ndarray:
        return np.resize(np.array(values, np.int64), count)

    return History(
        at.copy(), along(zip3), np.zeros(count, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64),
        np.arange(count + 1), along(sku), along(qty), np.full(count, 2_500, np.int64),
    )  # fmt: skip


def every_day(first: int, last: int, a_day: int) -> list[int]:
    """Day numbers, each so many times."""
    return np.repeat(np.arange(first, last), a_day).tolist()


def snapshot(orders: History, stock: list[list[int]], *, rates: RateTables = COASTS, **other: object) -> Snapshot:
    """A snapshot of Monday noon that looks a week ahead; stock as [SKU][node], SKUs not named have none."""
    nodes = len(rates.kind)
    held = np.zeros((len(GOODS), nodes), np.int64)
    held[: len(stock)] = np.reshape(stock, (len(stock), nodes))
    made = Snapshot(
        network_sha="n" * 64, at=NOON, until_day=MONDAY + 7, tables=replace(rates, explained=None), stock=held,
        allowed=np.ones_like(held, np.uint8), capacity=np.zeros(nodes, np.int64), used=[{} for _ in range(nodes)], caps=[],
        history=orders, futures=3, seed=11, reason="schedule", channels=("web",), services=(0,), promise_days=(30,),
        may_serve=np.ones((1, nodes), np.uint8),
    )  # fmt: skip
    return replace(made, **other)


def room(node: int, cap_bp: int, measure: str = "units", left: int = 0) -> CapRoom:
    """A cap on one node."""
    return CapRoom(f"NET{node}", (node,), cap_bp, measure, 1_000, left, ("web",))


BOTH = [EAST, WEST]
MONTH = every_day(MONDAY - 28, MONDAY, 20)
