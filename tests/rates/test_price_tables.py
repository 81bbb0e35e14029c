import csv
from itertools import pairwise

import pytest

from tests.rates.build import SPRING, day, one_card, sku
from tests.support import shared
from tranship.core.errors import InputError
from tranship.rates import data
from tranship.rates.price_tables import PriceTable, read_table
from tranship.rates.reading import Place

HERE = Place("own", "table")


def ground_advantage() -> PriceTable:
    """The packaged parcel list."""
    return read_table(HERE, "parcel", "usps_ground_advantage", "")


def test_15_999_oz_and_one_pound_are_one_band():
    """Edges are whole grams rounded down: the two rows of the list fall together."""
    labels = {band.upto_g: band.label for band in ground_advantage().versions[0].bands}
    assert labels[453] == "1 lb"
    assert len(labels) == len(data.rows("parcel_prices")) - 1


def test_the_parcel_list_says_what_the_published_one_says():
    """Three prices by hand: 4 oz to zone 1, 1 lb to zone 5, 70 lb to zone 8."""
    price = {band.label: band.cents for band in ground_advantage().on(SPRING).bands}
    assert (price["4 oz"][1], price["1 lb"][5], price["70 lb"][8]) == (720, 1065, 17_780)


def test_prices_rise_with_weight_and_zone():
    """No typing error bends the packaged parcel list."""
    bands = ground_advantage().versions[0].bands
    for band in bands:
        assert list(band.cents[1:]) == sorted(band.cents[1:]), band.label
    for light, heavy in pairwise(bands):
        assert all(a <= b for a, b in zip(light.cents, heavy.cents, strict=True)), heavy.label


@pytest.mark.parametrize(
    ("file", "table", "mine", "theirs", "price"),
    [
        ("usps_ground_advantage_retail_2025_10_05.csv", "parcel_prices", "zone_7", "zone_7", 24),
        ("mcf_us_undated_old.csv", "unit_prices", "per_unit_1", "per_unit_1", 16),
    ],
)
def test_the_packaged_numbers_are_those_of_the_collection(file: str, table: str, mine: str, theirs: str, price: int):
    """Typed-in columns agree with the collected fee files, where those are at hand."""
    with shared("data", "fees", file).open() as collected:
        wanted = [float(row[theirs]) for row in csv.DictReader(collected)]
    names = {"usps_ground_advantage", "mcf_us_standard", "mcf_us_expedited"}
    found = [float(row[mine]) for row in data.rows(table) if row["table"] in names]
    assert found == wanted


def test_the_version_in_force_is_the_last_that_has_begun():
    """Own rows with dates make versions; the day of change already has the new price."""
    rows = [
        {"max_lb": 1, "zones": [5] * 8, "effective": "2026-01-01"},
        {"max_lb": 1, "zones": [6] * 8, "effective": "2026-07-01"},
    ]
    table = read_table(HERE, "parcel", rows, "")
    cents = [table.on(day(text)).bands[0].cents[1] for text in ("2026-06-30", "2026-07-01", "2030-01-01")]
    assert cents == [500, 600, 600]


def test_a_day_before_the_first_version_uses_it_and_the_note_says_so():
    """An old year can be priced with today's list, but not silently."""
    table = ground_advantage()
    assert table.on(day("2010-11-26")) is table.versions[0]
    assert "used for 2010-11-26, which lies before it" in table.note(day("2010-11-26"))
    assert "before" not in table.note(SPRING)


@pytest.mark.parametrize(
    ("kind", "table", "allowed"),
    [
        ("parcel", "ups_ground", "usps_ground_advantage"),
        ("per_unit", "usps_ground_advantage", "mcf_us_standard"),
        ("parcel", None, "a list of rows"),
        ("parcel", [], "at least one row"),
        ("parcel", [{"zones": [5] * 8}], "one of max_oz and max_lb"),
        ("parcel", [{"max_lb": 1, "max_oz": 3, "zones": [5] * 8}], "one of max_oz and max_lb"),
        ("parcel", [{"max_lb": 1, "zones": [5] * 7}], "eight or nine prices"),
        ("parcel", [{"max_lb": 1, "zones": [5.005] * 8}], "whole cents"),
        ("parcel", [{"max_lb": 1, "zone": [5] * 8}], "known keys are"),
        ("parcel", [{"max_lb": 1, "zones": [5] * 8, "effective": "soon"}], "2026-01-15"),
        ("parcel", [{"max_lb": 1, "zones": [5] * 8}, {"max_oz": "15.999", "zones": [6] * 8}], "one price for a weight"),
        ("per_unit", [{"max_lb": 1, "price": [1] * 6}], "one to five prices"),
        ("per_unit", [{"max_lb": 1, "price": [-1]}], "from 0 to 100000"),
        ("per_unit", [{"max_lb": 1, "price": [1], "tier": "large"}], "only together with size_tiers"),
        ("parcel", [{"max_lb": 151, "zones": [5] * 8}], "from 0.1 to 150"),
        ("parcel", [{"max_oz": i, "zones": [5] * 8} for i in range(1, 202)], "at most 200"),
    ],
)
def test_a_price_list_that_cannot_be_used_is_refused_in_words(kind: str, table: object, allowed: str):
    """The error names the card, the key, what was found and what is allowed."""
    with pytest.raises(InputError, match=r"\[card\.own\] table") as refused:
        read_table(HERE, kind, table, "")
    assert allowed in str(refused.value)


def test_own_rows_may_use_the_packaged_size_tiers():
    """By name of the tier, in any order of weights; a unit that no row takes does not fit."""
    rows = [
        {"tier": "large_standard", "max_lb": 5, "price": [6]},
        {"tier": "large_standard", "max_lb": 1, "price": [4]},
        {"tier": "small_standard", "max_oz": 16, "price": [2]},
    ]
    flat, box, heavy = sku("FLAT", 100, (200, 100, 10)), sku("BOX", 100), sku("HEAVY", 2000)
    tables = one_card(
        {"type": "per_unit", "size_tiers": "amazon_us_2026", "table": rows},
        flat,
        box,
        heavy,
        sku("ROD", 100, (900, 9, 9)),
    )
    assert (tables.unit_price[0, :, 0] // 10_000).tolist() == [200, 400, 600, 0]
    assert tables.fits[:, 0].tolist() == [1, 1, 1, 0]


def test_own_rows_of_a_per_unit_card_may_add_a_price_a_pound():
    """Above two pounds each started pound costs 38 cents more."""
    rows = [{"max_lb": 20, "price": [5], "per_lb": 0.38, "above_lb": 2}]
    tables = one_card({"type": "per_unit", "table": rows}, sku("A", 907), sku("B", 908), sku("C", 1361))
    assert (tables.unit_price[0, :, 0] // 10_000).tolist() == [500, 538, 576]
