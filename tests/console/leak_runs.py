"""A run with enough orders to measure leaks on: half a year of a small brand, played through the real engine."""

import random
from pathlib import Path

from tests.console.runs import submit
from tests.engine import worlds
from tranship.core.network import NetworkFile, Sku
from tranship.core.order import Destination, Person
from tranship.engine.run import open_store
from tranship.store.port import Batch, DispatchRow

CODES = tuple(f"S{i:02d}" for i in range(24))
WEEKS = 26
PLACES = (("10001", "NY"), ("94103", "CA"), ("60601", "IL"), ("77002", "TX"), ("33101", "FL"))
CUSTOMERS = 90
SHARED = (7, 8)
"""Two customers who live at one address and write it in two ways."""


def play(folder: Path, orders: int = 1_300, *, seed: int = 5, elsewhere: int = 9_000, **changes: object) -> NetworkFile:
    """Play orders of 90 customers, some heavy; SKUs of higher number grow. Amazon takes at most six of ten; `elsewhere`: units a SKU."""
    draw = random.Random(seed)
    document = worlds.network(skus=tuple(Sku(code, 200) for code in CODES), caps=worlds.cap(), **changes)
    made = [worlds.loading(document)]
    for node in (worlds.AMZ, worlds.PL, worlds.OWN):
        units = 9_000 if node == worlds.AMZ else elsewhere
        made.append(worlds.receiving(document, f"opening-{node}", node, **dict.fromkeys(CODES, units)))
    rates = [draw.gammavariate(0.6, 1) + 0.02 for _ in range(CUSTOMERS)]
    for i in range(orders):
        at = worlds.MONDAY + i * WEEKS * 7 * worlds.DAY // max(1, orders)
        grown = [1 + 3 * n / len(CODES) * i / orders for n in range(len(CODES))]
        codes = {*draw.choices(CODES, grown, k=draw.choice((1, 1, 2)))}
        who = draw.choices(range(CUSTOMERS), rates)[0]
        zip_code, state = PLACES[who % len(PLACES)] if who not in SHARED else PLACES[0]
        street = f"{who} Elm Street" if who not in SHARED else ("9 Oak Ave.", "9 OAK AVE")[SHARED.index(who)]
        order = worlds.order(
            i, *[(code, draw.choice((1, 2))) for code in sorted(codes)], placed_at=at, to=Destination(zip_code, state)
        )
        made.append(worlds.placing(order, Person(f"c{who}", f"Name {who}", street, "Town")))
    shard = worlds.sqlite(folder)
    submit(shard, made)
    shard.store.close()
    return document


def send(folder: Path, network: str, parts: int) -> list[str]:
    """Write a dispatch for the first fulfillment orders of a network, as if it were connected; their orders."""
    store = open_store(folder)
    try:
        rows = store.query(
            "SELECT part_id, order_id, node FROM part WHERE network = ? ORDER BY part_id LIMIT ?", (network, parts)
        )
        made = [
            DispatchRow(f"R{i}", str(part), str(order), str(node), "conn", "LIVE", "", "", "", worlds.MONDAY, worlds.MONDAY, "")
            for i, (part, order, node) in enumerate(rows)
        ]  # fmt: skip
        store.commit(Batch(dispatches=made))
    finally:
        store.close()
    return sorted({row.order_id for row in made})
