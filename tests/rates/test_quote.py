import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rates.build import CLASSES, DOLLAR, FLAT, SPRING, day, network, sku
from tests.rates.test_cost import CARDS, GOODS, parts, zones
from tranship.core.errors import InputError, InvariantError
from tranship.core.network import Sku
from tranship.rates.compile import compile_tables
from tranship.rates.cost import part_cost
from tranship.rates.quote import quote, quote_shipment

DAYS = {text: day(text) for text in ("2010-11-26", "2025-12-01", "2026-03-01", "2026-08-01")}
FILE = network([*CARDS, "fba_us_2026"], *GOODS)
TABLES = {text: compile_tables(FILE, at) for text, at in DAYS.items()}


@given(
    lines=parts,
    zone=zones,
    residential=st.booleans(),
    node=st.integers(0, len(CARDS)),
    when=st.sampled_from(sorted(DAYS)),
)
def test_the_parts_of_a_quote_add_up_to_what_the_router_counts(
    lines: list[tuple[int, int]], zone: int, residential: bool, node: int, when: str
):
    """To the cent, for any part, card, zone and day; no part is empty or a fraction of a cent."""
    tables = TABLES[when]
    told = quote(tables, FILE, node=node, lines=lines, zone=zone, residential=residential)
    assert told.micros == sum(part.micros for part in told.parts) == part_cost(tables, node, lines, zone, residential)
    assert all(part.micros > 0 and part.micros % 10_000 == 0 for part in told.parts)
    assert sum(part.minor for part in told.parts) == told.total.minor
    assert told.units == sum(quantity for _, quantity in lines)


def test_a_parcel_quote_reads_like_a_bill():
    """Order fee, units, postage with zone, carton, weight and band, carton fee."""
    told = quote_shipment(
        FILE, node_code="3PL_PICK_PACK", lines=[("ANVIL", 4), ("MUG", 1)], zip="60601", residential=True, day=SPRING
    )
    assert [(part.name, part.detail, part.minor) for part in told.parts] == [
        ("order fee", "once a fulfillment order", 250),
        ("pick and pack", "5 x 0.35", 175),
        ("postage", "zone 5, cartons 1 to 2 of 3: 70.0 lb each billed (actual), band up to 70 lb, 2 x 99.45", 19_890),
        ("carton", "cartons 1 to 2 of 3, 2 x 1.00", 200),
        ("postage", "zone 5, carton 3 of 3: 37.1 lb billed (actual), band up to 40 lb", 6932),
        ("carton", "carton 3 of 3", 100),
    ]
    assert str(told.total) == "275.47 USD"
    assert told.notes == (
        "usps_ground_advantage of 2025-10-05 (seen; zone 9 assumed equal to zone 8)",
        "card 3pl_pick_pack: assumed order_fee, unit_fee, discount_pct, carton_fee",
    )


def test_a_per_unit_quote_tells_the_size_row_and_the_class():
    """Five units in the part: each line at the price of five."""
    told = quote_shipment(FILE, node_code="MCF_US_STANDARD", lines=[("MUG", 3), ("CARD", 2)], zip="98109", day=SPRING)
    assert [part.detail for part in told.parts] == [
        "3 x MUG (large_standard_10_16oz) at 2.59; price for 5 or more units, the part has 5",
        "2 x CARD (small_standard_4oz) at 1.79; price for 5 or more units, the part has 5",
    ]
    assert told.total.minor == 1135


def test_dim_weight_is_named_where_it_bills():
    """A large light lamp."""
    told = quote_shipment(FILE, node_code="OWN_WAREHOUSE", lines=[("LAMP", 1)], zip="98109", day=SPRING)
    assert any("13.2 lb billed (dim)" in part.detail for part in told.parts)


def test_surcharges_and_residence_are_charges_of_their_own():
    """Fuel, additional handling and demand in the 2025 season, and the residential fee."""
    told = quote_shipment(
        FILE, node_code="3PL_PRIVATE_CARRIER", lines=[("ANVIL", 3)], zip="98109", day=day("2025-12-24")
    )
    names = [part.name for part in told.parts]
    assert names[2:8] == [
        "postage",
        "carton",
        "fuel 18 %",
        "additional handling (weight)",
        "demand surcharge on additional handling",
        "residential",
    ]
    assert names[8:] == names[2:8]  # the second carton, of 62 lb, pays the same kinds of charges


def test_an_old_day_is_priced_with_the_first_list_and_says_so():
    """Orders of 2010 under a list of 2025."""
    told = quote_shipment(FILE, node_code="OWN_WAREHOUSE", lines=[("MUG", 1)], zip="98109", day=day("2010-11-26"))
    assert re.search("used for 2010-11-26, which lies before it", told.notes[0])


def test_units_of_the_whole_order_lift_the_class_where_the_card_counts_them():
    """By unit row, as the router counts them."""
    file = network({"own": CLASSES | {"units_counted": "order"}})
    tables = compile_tables(file, SPRING)
    told = quote(tables, file, node=0, lines=[(0, 2)], zone=5, order_units={0: 5})
    assert told.micros == 2 * DOLLAR
    assert told.parts[0].detail.endswith("price for 5 or more units, the order has 5")


def test_lines_of_the_same_sku_are_one_line():
    """As the router sees them."""
    tables = TABLES["2026-03-01"]
    twice = quote(tables, FILE, node=0, lines=[(1, 2), (1, 3)], zone=5)
    assert twice == quote(tables, FILE, node=0, lines=[(1, 5)], zone=5)


def test_a_bundle_is_one_unit_that_weighs_its_parts():
    """A set of three mugs and a card is picked once: as the router counts it."""
    file = network(["own_warehouse"], *GOODS, Sku("SET", 0, parts=(("MUG", 3), ("CARD", 1))))
    told = quote_shipment(file, lines=[("SET", 2)], node_code="OWN_WAREHOUSE", zip="98109", day=SPRING)
    position = file.sku_index()["SET"]
    assert told.units == 2
    assert told.micros == part_cost(compile_tables(file, SPRING), 0, [(position, 2)], told.zone, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"node_code": "MOON"}, "node 'MOON' is not known. Known nodes: OWN"),
        ({"lines": [("MUGG", 1)]}, "SKU 'MUGG' is not in the network file"),
        ({"lines": [("MUG", 0)]}, "quantity of SKU MUG is 0"),
        ({"lines": []}, "at least one line"),
        ({"zip": "9810"}, None),
        ({"zip": "X"}, "destination ZIP is 'X'"),
        ({"zip": "00000"}, "no price to this destination (zone unknown)"),
        ({"zip": "96910"}, "no price to this destination (zone unknown)"),
        ({"lines": [("TANK", 1)]}, "cannot price SKU TANK: it weighs 11.0 lb, a carton holds 10.0 lb"),
        ({"lines": [("GHOST", 1)]}, "cannot price SKU GHOST: its weight is not known"),
    ],
)
def test_what_cannot_be_quoted_is_refused_with_the_reason(change: dict[str, object], message: str | None):
    """Unknown codes, places without a price, goods that do not fit; three digits of a ZIP are enough."""
    file = network({"own": FLAT}, sku("MUG"), sku("TANK", 5000), sku("GHOST", 0))
    ask = {"node_code": "OWN", "lines": [("MUG", 1)], "zip": "98109", "day": SPRING} | change
    if message is None:
        assert quote_shipment(file, **ask).total.minor == 500
        return
    with pytest.raises(InputError) as refused:
        quote_shipment(file, **ask)
    assert message in str(refused.value)


def test_goods_that_no_row_takes_are_named():
    """The expedited list ends at two pounds."""
    file = network(["mcf_us_expedited"], sku("TANK", 5000))
    with pytest.raises(InputError, match="SKU TANK: no row of the price list takes its size and weight"):
        quote_shipment(file, node_code="MCF_US_EXPEDITED", lines=[("TANK", 1)], zip="98109", day=SPRING)


def test_a_quote_that_does_not_add_up_is_never_given_out():
    """Layers that disagree with the prices raise the alarm instead of printing a bill."""
    file = network({"own": FLAT})
    tables = compile_tables(file, SPRING)
    wrong = dataclasses.replace(tables, parcel=tables.parcel + 10_000)
    with pytest.raises(InvariantError, match="do not add up"):
        quote(wrong, file, node=0, lines=[(0, 1)], zone=5)


def test_tables_without_explanations_can_still_be_quoted():
    """Hand-made tables: one charge a carton."""
    file = network({"own": FLAT | {"carton_fee": 1}})
    bare = dataclasses.replace(compile_tables(file, SPRING), explained=None)
    told = quote(bare, file, node=0, lines=[(0, 1)], zone=5)
    assert [(part.name, part.minor) for part in told.parts] == [("parcel", 600)]
