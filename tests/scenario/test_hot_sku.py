"""Everybody wants the same thing at the same moment: exactly the units that are there are reserved."""

from pathlib import Path

import pytest

from tests.engine.worlds import AMZ, OWN, PL, SKUS, cap, loading, network, order, placing, receiving, sqlite
from tranship.core.ledger import Bucket
from tranship.core.network import Policy
from tranship.engine.verify import verify


@pytest.mark.parametrize("orders", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("after", [("cancel",), ("split", "cancel")], ids=["whole", "split"])
def test_a_tenth_of_the_units_is_sold_to_the_last_one(tmp_path: Path, orders: int, after: tuple[str, ...]) -> None:
    """Ten times as many orders as units, on three nodes under a cap: all sold, none twice, the others told at once."""
    document = network(caps=cap(window=1000), policy=Policy(after=after))
    units = orders // 10
    shelves = {AMZ: units // 2, PL: units // 4, OWN: units - units // 2 - units // 4}
    shard = sqlite(tmp_path)
    shard.submit([loading(document), *(receiving(document, n, n, MUG=held) for n, held in shelves.items())])
    for first in range(0, orders, 500):
        batch = [placing(order(n, ("MUG", 1))) for n in range(first, min(first + 500, orders))]
        assert all(answer.error is None for answer in shard.submit(batch))
    ledger, sku = shard.state.ledger, [item.code for item in SKUS].index("MUG")
    assert ledger.balance[Bucket.RESERVED, sku].tolist() == list(shelves.values())
    assert ledger.fulfillable[sku].tolist() == [0, 0, 0]
    statuses = [held.status() for held in shard.state.orders.values()]
    assert (statuses.count("PROCESSING"), statuses.count("UNFULFILLABLE")) == (units, orders - units)
    assert shard.store.query("SELECT sum(qty) FROM stock WHERE bucket = ?", (int(Bucket.RESERVED),)) == [(units,)]
    assert shard.store.query("SELECT sum(units), count(*) FROM part") == [(units, units)]
    assert verify(shard.store).problems == []
    shard.store.close()


def test_orders_for_several_units_take_what_is_left(tmp_path: Path) -> None:
    """One to five units an order, split where it must be: the shelves are empty, and nobody got more than they asked for."""
    document = network(policy=Policy(after=("split", "cancel")))
    shard = sqlite(tmp_path)
    shard.submit([loading(document), receiving(document, "a", AMZ, MUG=101), receiving(document, "b", OWN, MUG=52)])
    shard.submit([placing(order(n, ("MUG", 1 + n % 5))) for n in range(500)])
    assert shard.state.ledger.fulfillable.sum() == 0
    placed = {key: sum(p.units() for p in held.parts.values()) for key, held in shard.state.orders.items()}
    assert sum(placed.values()) == 153
    for key, held in shard.state.orders.items():
        assert placed[key] + held.unplaced == held.order.lines[0].qty
    assert verify(shard.store, decide=True).problems == []
    shard.store.close()
