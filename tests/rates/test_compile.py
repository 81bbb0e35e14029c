import time

import msgspec
import numpy as np
import pytest

from tests.rates.build import CLASSES, DOLLAR, FLAT, SPRING, day, network, one_card, sku
from tranship.core.network import NetworkFile, Sku
from tranship.rates.compile import compile_tables, next_change
from tranship.rates.tables import RateTables

PACKAGED = [
    "mcf_us_standard",
    "mcf_us_expedited",
    "fba_us_2026",
    "3pl_pick_pack",
    "3pl_private_carrier",
    "own_warehouse",
]


def many(count: int) -> NetworkFile:
    """A network of all kinds of cards with this many SKUs of all sizes."""
    rng = np.random.default_rng(7)
    size = rng.integers(5, 500, (count, 3))
    weight = rng.integers(5, 5000, count)
    skus = [Sku(f"S{i}", int(weight[i]), *map(int, size[i]), value_minor=int(weight[i])) for i in range(count)]
    return network(PACKAGED, *skus)


@pytest.fixture(scope="module")
def tables() -> RateTables:
    """Tables of the network above with 500 SKUs."""
    return compile_tables(many(500), SPRING)


def test_shapes_and_types_are_as_the_tables_promise(tables: RateTables):
    """Axes, types and layout that the kernel relies on."""
    nodes, skus = len(PACKAGED), 500
    assert tables.unit_price.shape == (3, skus, 5)
    assert tables.parcel.shape[:2] == (3, 10)
    assert tables.fits.shape == (skus, nodes)
    assert tables.zone3.shape == (nodes, 1000)
    assert tables.transit_days.shape == (len(tables.services), nodes, 10)
    assert tables.band_of.shape == (3, int(tables.max_carton_g.max()) + 1)
    assert int(tables.band_of.max()) < tables.parcel.shape[2]
    for name in ("fits", "zone3", "transit_days", "band_of"):
        assert getattr(tables, name).dtype == np.uint8
    for name in ("kind", "unit_price", "unit_row", "parcel", "parcel_row", "order_fee", "dim_num", "weight_g"):
        assert getattr(tables, name).dtype == np.int64
    arrays = [value for value in vars(tables).values() if isinstance(value, np.ndarray)]
    assert all(array.flags.c_contiguous for array in arrays)


def test_every_price_is_whole_cents(tables: RateTables):
    """So that printed charges add up to the decision's cost."""
    for name in ("unit_price", "parcel", "order_fee", "unit_fee", "residential_fee"):
        assert not (getattr(tables, name) % 10_000).any(), name


def test_layers_add_up_to_the_prices(tables: RateTables):
    """What quotes tell is what the kernel counts."""
    assert tables.explained is not None
    for row, layers in enumerate(tables.explained.unit_layers):
        assert (sum(micros for _, micros in layers) == tables.unit_price[row]).all()
    for row, layers in enumerate(tables.explained.parcel_layers):
        total = sum(micros for _, micros in layers)
        assert (total == tables.parcel[row, :, : total.shape[1]]).all()


def test_more_units_never_cost_more_each_on_the_mcf_lists(tables: RateTables):
    """And a unit always costs something where it fits."""
    prices = tables.unit_price[:2]
    assert (np.diff(prices, axis=2) <= 0).all()
    assert (prices[0][tables.fits[:, 0] == 1] > 0).all()


def test_parcels_cost_more_by_weight_and_zone(tables: RateTables):
    """Monotone in both, for every packaged parcel card."""
    assert (np.diff(tables.parcel[:, 1:], axis=1) >= 0).all()
    assert (np.diff(tables.parcel, axis=2) >= 0).all()


def test_five_thousand_skus_compile_in_well_under_half_a_second():
    """The engine recompiles at every change of prices."""
    file = many(5000)
    compile_tables(file, SPRING)
    start = time.perf_counter()
    compile_tables(file, SPRING)
    assert time.perf_counter() - start < 0.5


def test_discount_fuel_and_surcharges_are_each_rounded_to_a_cent():
    """5.00 less 12.5 % is 4.38 (half up); 10.05 % fuel on it 0.44; 3 % peak on it 0.13; 1.00 carton."""
    tables = one_card(
        FLAT
        | {
            "discount_pct": 12.5,
            "fuel_pct": 10.05,
            "carton_fee": 1,
            "peak": [{"pct": 3, "from": "03-01", "to": "03-31"}],
        }
    )
    assert tables.explained is not None
    layers = {name: int(micros[1, 0]) // 10_000 for name, micros in tables.explained.parcel_layers[0]}
    assert layers == {"postage": 438, "carton": 100, "fuel 10.05 %": 44, "peak surcharge": 13}
    assert tables.parcel[0, 1, 0] == 595 * 10_000


def test_a_surcharge_may_hold_for_some_zones_and_weights_only():
    """Above 5 lb and in zone 8: a new band edge, and the other zones as before."""
    extra = {"per_carton": 2, "zones": [8], "over_lb": 5}
    tables = one_card(FLAT | {"surcharges": [extra]})
    band = tables.band_of[0]
    assert tables.parcel[0, 8, band[2267]] == 9 * DOLLAR
    assert tables.parcel[0, 8, band[2268]] == 11 * DOLLAR
    assert tables.parcel[0, 7, band[2268]] == 9 * DOLLAR


def test_the_packaged_demand_surcharge_follows_its_dates():
    """8.25, 10.80, 8.25 dollars above 50 lb in the 2025 season, nothing after it."""
    file = network(["3pl_private_carrier"])
    price = {}
    for text in ("2025-11-22", "2025-11-23", "2025-12-28", "2026-01-18"):
        tables = compile_tables(file, day(text))
        assert tables.explained is not None
        layers = dict(tables.explained.parcel_layers[0])
        top = tables.band_of[0, -1]
        price[text] = int(layers.get("demand surcharge on additional handling", np.zeros((10, 99)))[5, top]) // 10_000
    assert list(price.values()) == [825, 1080, 825, 0]


def test_the_fba_fuel_charge_begins_on_its_day():
    """3.5 % of 3.73 dollars is 13 cents from 2026-04-17 on; the version names another table then."""
    file = network(["fba_us_2026"], sku("A", 100, (100, 80, 50)))
    before, after = compile_tables(file, day("2026-04-16")), compile_tables(file, day("2026-04-17"))
    assert (before.unit_price[0, 0, 0], after.unit_price[0, 0, 0]) == (3_730_000, 3_860_000)
    assert before.version != after.version


def test_a_version_lasts_as_long_as_the_prices_do():
    """Same interval, same version; another SKU weight or node place, another version."""
    file = many(20)
    start = compile_tables(file, SPRING)
    change = next_change(file, SPRING)
    assert change is not None
    assert compile_tables(file, change - 1).version == start.version
    assert compile_tables(file, change).version != start.version
    heavier = msgspec.structs.replace(file.skus[3], weight_g=file.skus[3].weight_g + 1)
    other = msgspec.structs.replace(file, skus=(*file.skus[:3], heavier, *file.skus[4:]))
    assert compile_tables(other, SPRING).version != start.version


def test_what_a_card_cannot_price_does_not_fit():
    """Too heavy for a carton, too long, of unknown weight, too large for the expedited list."""
    skus = (
        sku("OK"),
        sku("HEAVY", 31_752),
        sku("FULL", 31_751),
        sku("LONG", 400, (2000, 400, 400)),
        sku("GHOST", 0),
        sku("BULKY", 3000),
    )
    tables = compile_tables(network(["usps_ground_advantage", "mcf_us_expedited", "mcf_us_standard"], *skus), SPRING)
    assert tables.fits.T.tolist() == [[1, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 1]]


def test_zones_that_a_card_has_no_price_for_are_not_served():
    """Eight prices: nothing to Guam from here, though the next node goes there."""
    tables = compile_tables(network({"own": FLAT, "usps": {"base": "usps_ground_advantage"}}), SPRING)
    assert tables.zone3[:, 969].tolist() == [0, 9]
    assert tables.zone3[0, 100] == tables.zone3[1, 100] > 0


def test_a_bundle_weighs_what_its_parts_weigh():
    """Where it has no weight of its own."""
    file = network({"own": FLAT}, sku("A", 100, (100, 100, 100)), Sku("SET", 0, parts=(("A", 3),)))
    tables = compile_tables(file, SPRING)
    assert (tables.weight_g.tolist(), tables.volume_cm3.tolist()) == ([100, 300], [1000, 3000])


def test_a_network_of_one_kind_still_has_both_tables():
    """The kernel indexes both; the unused one is a row of zeros."""
    only_units, only_parcels = one_card(CLASSES), one_card(FLAT)
    assert only_units.parcel.shape == (1, 10, 1)
    assert only_parcels.unit_price.shape == (1, 1, 5)
    assert (only_units.parcel_row[0], only_parcels.unit_row[0]) == (-1, -1)
