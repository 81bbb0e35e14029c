"""The derived world as a whole: deterministic, complete, and silent about what the source already says."""

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.world.cases import CAPPED, DAY, INDEPENDENT, MONDAY, network, order, staged, year
from tests.support import ROOT, shared
from tranship.connectors.files.model import Staged
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile, Sku
from tranship.sim.world import World, WorldSettings, derive


def arrivals(world: World, nodes: int = 5) -> np.ndarray:
    """Units that ever come to a shelf, `[S, N]`."""
    total = np.zeros((len(world.skus), nodes), np.int64)
    for receipt in (*world.opening, *world.receipts):
        total[receipt.skus, receipt.node] += receipt.quantities
    return total


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_orders_does_not_matter(random: object) -> None:
    """A shuffled file has the same SKUs and stock, and each order its own destination."""
    file = year(60)
    world = derive(file, network())
    to = {found.number: place for found, place in zip(file.orders, world.destinations, strict=True)}
    shuffled = list(file.orders)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = derive(staged(shuffled), network())
    assert [to[found.number] for found in shuffled] == list(again.destinations)
    assert derive(staged(sorted(shuffled, key=lambda o: o.placed_at)), network()).digest() == world.digest()
    assert again.skus == world.skus
    assert (arrivals(again) == arrivals(world)).all()


def test_another_process_makes_the_same_world() -> None:
    """Whatever its hash seed; and another seed makes another one."""
    script = (
        "from tests.sim.world.cases import network, year\n"
        "from tranship.sim.world import derive\n"
        "print(derive(year(), network()).digest())"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "PYTHONHASHSEED": "12345"}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == derive(year(), network()).digest()
    assert found.stdout.strip() != derive(year(), network(world={"seed": 2})).digest()


def test_every_sku_that_sells_lies_on_both_sides_and_is_split_by_the_cap() -> None:
    """Of all units that come, the capped side has 60 % less at most one unit a SKU."""
    world = derive(year(), network())
    total = arrivals(world)
    capped, all_units = total[:, CAPPED].sum(axis=1), total.sum(axis=1)
    assert len(world.skus) == 30
    assert (all_units >= 2).all()
    assert (capped > 0).all()
    assert (total[:, INDEPENDENT].sum(axis=1) > 0).all()
    assert (capped == all_units * 6 // 10).all()


def test_known_skus_keep_their_data_and_come_first() -> None:
    """New ones follow by code, with the median unit price as their value."""
    known = (Sku("S07", 999, value_minor=5), Sku("ZZZ", 5))
    file = staged([order("1", MONDAY, [("S07", 1, 100), ("b", 1, 300), ("a", 1, 0), ("b", 1, 100), ("b", 1, 200)])])
    world = derive(file, network(known))
    assert world.skus[:2] == known
    assert [(sku.code, sku.value_minor) for sku in world.skus[2:]] == [("a", 100), ("b", 200)]
    assert all(45 <= sku.weight_g <= 227 for sku in world.skus[2:])
    assert sum("Weight and size of 2 of 3 SKUs" in line for line in world.banner) == 1


def test_real_zips_are_kept() -> None:
    """With their state where the order names none; a missing ZIP is drawn in the state the order names."""
    file = staged(
        [
            order("1", MONDAY, [("a", 1, 1)], zip="10118", country="US"),
            order("2", MONDAY, [("a", 1, 1)], zip="77095-1234", state="TX"),
            order("3", MONDAY, [("a", 1, 1)], zip="M5V 3L9", state="ON", country="CA"),
            order("4", MONDAY, [("a", 1, 1)], state="WY"),
        ]
    )
    world = derive(file, network())
    places = [(place.zip, place.state, place.country) for place in world.destinations]
    assert places[:3] == [("10118", "NY", "US"), ("77095-1234", "TX", "US"), ("M5V 3L9", "ON", "CA")]
    assert places[3][1:] == ("WY", "US")
    assert sum("Destinations of 1 of 4 orders" in line for line in world.banner) == 1


def test_a_file_that_says_everything_derives_nothing() -> None:
    """No banner, no receipts: a report on such a file has nothing to own up to."""
    file = staged([order("1", MONDAY, [("a", 1, 1)], zip="10118", state="NY")])
    world = derive(file, network([Sku("a", 10)]), stock_given=True)
    assert world.banner == []
    assert (world.opening, world.receipts, world.pool_fill) == ((), (), 1.0)
    assert not derive(file, network([Sku("a", 10)], world={"stock": "none"})).receipts


def test_customers_have_one_address_and_guests_one_an_invoice() -> None:
    """A repeat customer never moves."""
    file = staged(
        [order(str(n), MONDAY + n, [("a", 1, 1)], customer="C1" if n % 2 else "") for n in range(40)]
    )  # fmt: skip
    world = derive(file, network())
    homes = [place.zip for place in world.destinations]
    assert len({homes[n] for n in range(1, 40, 2)}) == 1
    assert len({homes[n] for n in range(0, 40, 2)}) > 15


def test_bundles_are_bought_as_their_parts() -> None:
    """A bundle has no shelf of its own; a part that nobody lists becomes a derived SKU."""
    bundle = Sku("set", 300, parts=(("cup", 2), ("saucer", 1)))
    file = staged([order(str(n), MONDAY + n * DAY, [("set", 5, 900)]) for n in range(28)])
    world = derive(file, network([bundle], world={"forecast_error": 0}))
    total = dict(zip((sku.code for sku in world.skus), arrivals(world).sum(axis=1).tolist(), strict=True))
    assert total["set"] == 0
    assert total["cup"] == 2 * total["saucer"] > 0
    assert world.units_demanded == 28 * 5 * 3


def test_skus_that_may_lie_nowhere_are_told() -> None:
    """They get no stock, and the pool's fill does not count them."""
    file = staged([order("1", MONDAY, [("a", 4, 1), ("b", 9, 1)])])
    world = derive(file, network([Sku("a", 10, nodes=("closed",))]))
    assert arrivals(world)[0].sum() == 0
    assert world.units_demanded == 9
    assert any(line.startswith("1 ordered SKUs may be stocked at no node") for line in world.banner)


def test_prices_are_converted_at_the_files_rate() -> None:
    """Exactly, rounded half up, and the banner says so; `order` gives the complete order in the party's currency."""
    net = network(sources={"csv": {"currency": "GBP", "rate": 1.55}})
    file = staged([order("1", MONDAY, [("a", 3, 85), ("b", 1, 295)], customer="C")])
    world = derive(file, net)
    made = world.order(file, 0, "shop", "P1")
    assert [line.unit_price_minor for line in made.lines] == [132, 457]
    assert made.value_minor == 3 * 132 + 457
    assert (made.currency, made.channel, made.person_id, made.to) == ("USD", "shop", "P1", world.destinations[0])
    assert [sku.value_minor for sku in world.skus] == [132, 457]
    assert any("GBP, converted to USD at 1.55" in line for line in world.banner)


@pytest.mark.parametrize(
    ("mapping", "currency", "named"),
    [
        ({"currency": "GBP"}, "", "rate is missing"),
        ({"currency": "GBP", "rate": 0}, "", "rate is 0"),
        ({"currency": "GBP", "rate": "much"}, "", "rate is 'much'"),
        ({"currency": "GBP", "rate": 1.5}, "EUR", "orders are in EUR, but the rate is for GBP"),
        ({}, "EUR", "rate is missing: prices are in EUR"),
    ],
)
def test_a_missing_rate_is_refused(mapping: dict[str, object], currency: str, named: str) -> None:
    """Money of two currencies is never added; the message names the table and what to write."""
    file = staged([order("1", MONDAY, [("a", 1, 1)], currency=currency)])
    with pytest.raises(InputError) as caught:
        derive(file, network(sources={"csv": mapping}))
    assert named in str(caught.value)
    assert "[source.csv]" in str(caught.value)


def test_an_empty_file_has_an_empty_world() -> None:
    """Every line rejected is a possible outcome of intake."""
    world = derive(staged([]), network())
    assert (world.skus, world.destinations, world.receipts, world.banner) == ((), (), (), [])


def uci() -> Staged:
    """The UCI year through the real intake."""
    path = shared("data", "uci_online_retail", "online_retail_2009_2010.csv.gz")
    intake = pytest.importorskip("tranship.connectors.files.intake", reason="file intake is not there")
    found = intake.stage(path, mapping={"currency": "GBP"}, format="uci", progress=None)
    assert isinstance(found, Staged)
    return found


@pytest.fixture(scope="module")
def uci_world() -> tuple[Staged, NetworkFile, World, float]:
    """The UCI year, its world and the processor seconds it took with a warm ZIP cache."""
    file, net = uci(), network(sources={"uci": {"currency": "GBP", "rate": 1.55}})
    derive(year(5), net)
    gc.collect()
    start = time.process_time()
    world = derive(file, net)
    return file, net, world, time.process_time() - start


def test_the_uci_year_is_derived_in_seconds(uci_world: tuple[Staged, NetworkFile, World, float]) -> None:
    """Half a million lines; 3 seconds is the promise, half a second is usual."""
    assert uci_world[3] < 3


def test_the_uci_pool_fills_about_four_fifths(uci_world: tuple[Staged, NetworkFile, World, float]) -> None:
    """Four weeks of history under a year of wholesale: the published 0.8 is the world."""
    _, _, world, _ = uci_world
    assert 0.75 < world.pool_fill < 0.83
    assert any(f"{100 * world.pool_fill:.1f} %" in line for line in world.banner)


def test_the_uci_year_has_every_order_addressed_and_every_sku_on_both_sides(
    uci_world: tuple[Staged, NetworkFile, World, float],
) -> None:
    """A destination for each order in 51 states; each SKU with 2 units or more at a capped and an independent node."""
    file, _, world, _ = uci_world
    assert len(world.destinations) == len(file.orders)
    assert len({place.state for place in world.destinations}) == 51
    total = arrivals(world)
    lies = total.sum(axis=1) >= 2
    assert lies.mean() > 0.9
    assert (total[lies][:, CAPPED].sum(axis=1) > 0).all()
    assert (total[total.sum(axis=1) > 0][:, INDEPENDENT].sum(axis=1) > 0).all()


def test_receipts_do_not_depend_on_caps_or_cards(uci_world: tuple[Staged, NetworkFile, World, float]) -> None:
    """Two policies over the same nodes see the same units arrive; only a cap's share moves them between nodes."""
    file, net, world, _ = uci_world
    free = derive(file, msgspec.structs.replace(net, caps=()), WorldSettings())
    assert (arrivals(free).sum(axis=1) == arrivals(world).sum(axis=1)).all()


def test_superstore_keeps_its_real_zips(tmp_path: Path) -> None:
    """Real ZIPs stay, so its banner has no word on destinations."""
    path = shared("data", "superstore", "orders.csv.gz")
    import csv
    import gzip

    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))[:2000]
    file = staged(
        order(f"{n}", MONDAY + n * DAY // 20, [(row["Product ID"], int(row["Quantity"]), 500)], zip=row["Postal Code"])
        for n, row in enumerate(rows)
    )
    world = derive(file, network(world={"goods": "superstore"}))
    assert [place.zip for place in world.destinations] == [row["Postal Code"] for row in rows]
    assert not any(line.startswith("Destinations") for line in world.banner)
    assert max(sku.weight_g for sku in world.skus) > 20_000
