import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rates.build import CLASSES, DOLLAR, FLAT, SPRING, network, one_card, sku
from tranship.rates.compile import compile_tables
from tranship.rates.cost import INFEASIBLE, cartons, part_cost
from tranship.rates.tables import RateTables

GOODS = (
    sku("CARD", 15, (200, 140, 5)),
    sku("MUG", 350, (110, 110, 100)),
    sku("LAMP", 900, (400, 300, 300)),
    sku("ANVIL", 20_000, (300, 150, 150)),
)
CARDS = ["mcf_us_standard", "3pl_pick_pack", "own_warehouse", "3pl_private_carrier", "usps_ground_advantage"]
ALL = compile_tables(network(CARDS, *GOODS), SPRING)

parts = st.dictionaries(st.integers(0, len(GOODS) - 1), st.integers(1, 60), min_size=1, max_size=4).map(
    lambda chosen: sorted(chosen.items())
)
zones = st.integers(1, 9)


@pytest.mark.parametrize(("units", "dollars"), [(1, 5), (2, 8), (3, 9), (4, 8), (5, 5), (6, 6), (60, 60)])
def test_per_unit_prices_follow_the_class_of_the_part(units: int, dollars: int):
    """Four units at 2 dollars cost more than five at 1: the card is not convex, and is taken as it is."""
    assert part_cost(one_card(CLASSES), 0, [(0, units)], 5, True) == dollars * DOLLAR


def test_lines_of_a_part_share_its_class():
    """Two lines of 2 and 3 units are five units, each at the price of five."""
    tables = one_card(CLASSES, sku("A"), sku("B"))
    assert part_cost(tables, 0, [(0, 2), (1, 3)], 5, True) == 5 * DOLLAR


def test_units_of_the_order_count_where_the_card_says_so():
    """The part's own units otherwise; the order can only lift the class."""
    per_order, per_part = one_card(CLASSES | {"units_counted": "order"}), one_card(CLASSES)
    assert part_cost(per_order, 0, [(0, 2)], 5, True, order_units=5) == 2 * DOLLAR
    assert part_cost(per_order, 0, [(0, 2)], 5, True) == 8 * DOLLAR
    assert part_cost(per_order, 0, [(0, 2)], 5, True, order_units=1) == 8 * DOLLAR
    assert part_cost(per_part, 0, [(0, 2)], 5, True, order_units=5) == 8 * DOLLAR


@pytest.mark.parametrize(
    ("quantity", "dollars"),
    [(1, 5), (2, 9), (10, 9), (11, 14), (12, 18), (20, 18), (21, 23)],
)
def test_a_heavy_part_is_full_cartons_and_a_rest(quantity: int, dollars: int):
    """Units of 453 g, cartons of 10 lb (4,535 g): full ones at 9 dollars, the rest at its own band."""
    assert part_cost(one_card(FLAT, sku("A", 453)), 0, [(0, quantity)], 5, True) == dollars * DOLLAR


def test_a_carton_may_be_smaller_than_the_list_allows():
    """Cartons of 2 lb at most: 907 g each."""
    tables = one_card(FLAT | {"max_carton_lb": 2}, sku("A", 907))
    assert part_cost(tables, 0, [(0, 3)], 5, True) == 27 * DOLLAR


def test_each_carton_to_a_residence_pays_for_it():
    """Three cartons, 5.95 each; a business pays none."""
    tables = one_card(FLAT | {"residential_fee": 5.95, "order_fee": 1, "unit_fee": 0.10}, sku("A", 4535))
    business, home = (part_cost(tables, 0, [(0, 3)], 5, residential) for residential in (False, True))
    assert business == 27 * DOLLAR + 1 * DOLLAR + 300_000
    assert home - business == 3 * 5_950_000


def test_dim_weight_bills_large_light_parts():
    """One unit of 28,316 cubic cm is not above a cubic foot; one more cubic cm makes it 10.41 lb at divisor 166."""
    usps = {"type": "parcel", "table": "usps_ground_advantage"}
    small, large = sku("A", 100, (283, 100, 1000)), sku("B", 100, (317, 300, 300))
    tables = one_card(usps, small, large)
    assert tables.volume_cm3.tolist() == [28_300, 28_530]
    assert cartons(tables, 0, [(0, 1)]).billed_g == 100
    assert cartons(tables, 0, [(1, 1)]).billed_g == 4758  # 28,530 cm3 = 1,741 in3; / 166 = 10.49 lb
    assert cartons(tables, 0, [(0, 2)]).billed_g > 200, "the part's volume counts, not the unit's"


def test_what_cannot_be_priced_has_no_cost():
    """Neither a SKU that does not fit nor a parcel without a zone; a per-unit card needs no zone."""
    assert part_cost(one_card(FLAT, sku("A", 5000)), 0, [(0, 1)], 5, True) == INFEASIBLE
    assert part_cost(one_card(FLAT), 0, [(0, 1)], 0, True) == INFEASIBLE
    assert part_cost(one_card(CLASSES), 0, [(0, 1)], 0, True) == 5 * DOLLAR


def test_nothing_costs_nothing():
    """An empty part pays no order fee."""
    assert part_cost(one_card(FLAT | {"order_fee": 3}), 0, [], 5, True) == 0


def by_hand(tables: RateTables, node: int, lines: list[tuple[int, int]], zone: int, residential: bool) -> int:
    """A parcel part's price written once more, carton by carton."""
    row = tables.parcel_row[node]
    actual = sum(q * int(tables.weight_g[s]) for s, q in lines)
    volume = sum(q * int(tables.volume_cm3[s]) for s, q in lines)
    dim = -(-volume * int(tables.dim_num[row]) // int(tables.dim_den[row]))
    left = max(actual, dim) if volume > tables.dim_over_cm3[row] else actual
    cost = int(tables.order_fee[node]) + sum(q for _, q in lines) * int(tables.unit_fee[node])
    while left > 0:
        carton = min(left, int(tables.max_carton_g[row]))
        cost += int(tables.parcel[row, zone, tables.band_of[row, carton]])
        cost += int(tables.residential_fee[row]) if residential else 0
        left -= carton
    return cost


@given(lines=parts, zone=zones, residential=st.booleans(), node=st.integers(1, len(CARDS) - 1))
def test_parcel_parts_are_priced_carton_by_carton(
    lines: list[tuple[int, int]], zone: int, residential: bool, node: int
):
    """The formula equals a loop over cartons, for any weights, sizes and quantities."""
    assert part_cost(ALL, node, lines, zone, residential) == by_hand(ALL, node, lines, zone, residential)


@given(lines=parts, zone=st.integers(1, 8), node=st.integers(1, len(CARDS) - 1))
def test_parcels_never_cost_less_for_more_units_distance_or_a_home(lines: list[tuple[int, int]], zone: int, node: int):
    """One more unit, one zone farther, a residence: each costs as much or more."""
    cost = part_cost(ALL, node, lines, zone, False)
    (sku_, quantity), *rest = lines
    assert part_cost(ALL, node, [(sku_, quantity + 1), *rest], zone, False) >= cost
    assert part_cost(ALL, node, lines, zone + 1, False) >= cost
    assert part_cost(ALL, node, lines, zone, True) >= cost


@given(lines=parts, zone=zones)
def test_above_four_units_a_per_unit_part_is_the_sum_of_its_units(lines: list[tuple[int, int]], zone: int):
    """From five units on the price is linear, and the zone never matters."""
    if sum(quantity for _, quantity in lines) >= 5:
        one_by_one = sum(quantity * int(ALL.unit_price[0, position, 4]) for position, quantity in lines)
        assert part_cost(ALL, 0, lines, zone, True) == one_by_one
    assert part_cost(ALL, 0, lines, zone, True) == part_cost(ALL, 0, lines, 10 - zone, False)
