"""Stock follows the buyer's rule to the unit, and no unit appears or disappears on its way to the nodes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.world.cases import DAY, MONDAY, WEEK, network
from tranship.core.network import Sku
from tranship.core.time import from_micros, local_day_minute
from tranship.sim.world import WorldSettings, keyed
from tranship.sim.world.placement import place
from tranship.sim.world.stock import Demand, Receipt, monday_of, receipts, simulate, week_of, weekly_demand

WEEKS = st.lists(st.integers(0, 60), min_size=9, max_size=9)


def demand_of(rows: list[list[int]]) -> Demand:
    """Demand by week; a SKU's first sale is on the Wednesday of its first week."""
    units = np.array(rows, np.int64)
    week = int(week_of(np.array([MONDAY]))[0])
    found = Demand(week, units, np.zeros(len(rows), np.int64))
    sold = units.any(axis=1)
    found.first_at[:] = np.where(sold, MONDAY + found.first_week * WEEK + 2 * DAY, -1)
    return found


def by_hand(row: list[int], code: str, week: int, settings: WorldSettings) -> tuple[list[int], int]:
    """The buyer's rule for one SKU in plain Python: what arrives in each week, and what could be sold."""
    span, lead = settings.forecast_weeks, settings.lead_weeks
    arrives, stock, filled = [0] * (len(row) + lead), 0, 0
    if not any(row):
        return arrives, 0
    first = next(t for t, units in enumerate(row) if units)
    start = keyed.words(settings.seed, "forecast", [code])
    for t in range(first, len(row)):
        draw = keyed.spread(start[0], np.array([week + t]))
        error = int(keyed.lognormal_ppm(draw, settings.forecast_error)[0])
        known = row[first : first + span] if t - first < span else row[t - span : t]
        level = Fraction(settings.cover_weeks * sum(known) * error, len(known) * keyed.PPM)
        target = int(level + Fraction(1, 2))
        if t == first:
            arrives[t] = target
        else:
            coming = sum(arrives[t : t + lead])
            arrives[t + lead] += max(target - stock - coming, 0)
        stock += arrives[t]
        sold = min(stock, row[t])
        stock, filled = stock - sold, filled + sold
    return arrives, filled


@pytest.mark.parametrize("changes", [{}, {"lead_weeks": 0}, {"lead_weeks": 3, "cover_weeks": 5}, {"forecast_weeks": 2}])
@given(rows=st.lists(WEEKS, min_size=1, max_size=5))
def test_supply_is_the_buyers_rule_to_the_unit(changes: dict[str, int], rows: list[list[int]]) -> None:
    """The vectorized weeks equal a plain simulation of each SKU."""
    settings = WorldSettings(**changes)  # type: ignore[arg-type]
    demand, codes = demand_of(rows), [f"S{s}" for s in range(len(rows))]
    supply = simulate(demand, codes, settings)
    expected = [by_hand(row, code, demand.week, settings) for row, code in zip(rows, codes, strict=True)]
    assert supply.units.tolist() == [arrives for arrives, _ in expected]
    assert supply.filled == sum(filled for _, filled in expected)
    assert supply.demanded == sum(map(sum, rows))


def test_a_steady_seller_without_forecast_error_is_always_there() -> None:
    """Ten a week: opens with 30, and ten arrive every week from the third on."""
    supply = simulate(demand_of([[10] * 9]), ["S"], WorldSettings(forecast_error=0))
    assert supply.units.tolist() == [[30, 0, *[10] * 8]]
    assert supply.fill == 1


def test_sales_that_quadruple_run_out() -> None:
    """Four weeks of history and a week of lead time are too slow for a peak: unmet demand is lost, not carried."""
    supply = simulate(demand_of([[10, 10, 10, 10, 10, 40, 40, 40, 40]]), ["S"], WorldSettings(forecast_error=0))
    assert 0.5 < supply.fill < 0.95


def test_nothing_is_bought_for_a_sku_that_never_sells() -> None:
    """Nor does it disturb the others."""
    supply = simulate(demand_of([[0] * 9, [1] * 9]), ["S", "T"], WorldSettings())
    assert supply.units[0].sum() == 0
    assert supply.units[1].sum() > 0


def test_weeks_start_on_monday() -> None:
    """Sunday 23:59 UTC belongs to the week before."""
    monday = MONDAY // DAY * DAY
    assert np.diff(week_of(np.array([monday - 1, monday, monday + WEEK - 1, monday + WEEK]))).tolist() == [1, 0, 1]
    week = int(week_of(np.array([monday]))[0])
    assert monday_of(week) == monday // DAY
    assert from_micros(monday).weekday() == 0


def test_demand_is_summed_by_week_and_first_sale_kept() -> None:
    """Lines may come in any order."""
    sku, at = np.array([0, 1, 0, 0]), np.array([MONDAY + WEEK, MONDAY + 3, MONDAY + 8 * DAY, MONDAY])
    demand = weekly_demand(sku, at, np.array([5, 2, 7, 1]), 3)
    assert demand.units.tolist() == [[1, 12], [2, 0], [0, 0]]
    assert demand.first_at.tolist() == [MONDAY, MONDAY + 3, -1]
    assert demand.first_week.tolist() == [0, 0, 2]


def spread_out(demand: Demand, settings: WorldSettings) -> tuple[list[Receipt], list[Receipt], np.ndarray]:
    """Opening, receipts and the pool's supply for three or more SKUs in the test network."""
    skus = [Sku(f"S{s}", 100) for s in range(len(demand.units))]
    supply = simulate(demand, [sku.code for sku in skus], settings)
    placement = place(network(), skus, demand.units.sum(axis=1), 1)
    opening, later = receipts(network(), demand, supply, placement, MONDAY - 1)
    return opening, later, supply.units


@given(rows=st.lists(WEEKS, min_size=3, max_size=6))
def test_what_arrives_at_the_nodes_is_what_was_ordered(rows: list[list[int]]) -> None:
    """Opening and receipts of all nodes sum to the pool's supply, SKU by SKU; every entry is a positive quantity."""
    opening, later, supply = spread_out(demand_of(rows), WorldSettings())
    total = np.zeros(len(rows), np.int64)
    for receipt in (*opening, *later):
        assert (receipt.quantities > 0).all()
        assert (np.diff(receipt.skus) > 0).all()
        total[receipt.skus] += receipt.quantities
    assert total.tolist() == supply.sum(axis=1).tolist()


def test_receipts_come_on_mondays_at_six_at_the_node() -> None:
    """In time order; daylight saving included, because each node's own zone is asked."""
    _, later, _ = spread_out(demand_of([[9] * 40, [0] * 20 + [5] * 20, [3] * 40]), WorldSettings())
    for receipt in later:
        day, minute = local_day_minute(receipt.at, network().nodes[receipt.node].zone)
        assert minute == 360
        assert (day + 3) % 7 == 0
    assert [(r.at, r.node) for r in later] == sorted((r.at, r.node) for r in later)
    assert len({receipt.at for receipt in later if receipt.node in (0, 1, 4)}) > 90, "three zones, forty weeks"


def test_a_new_sku_is_there_before_its_first_sale() -> None:
    """It is introduced on the last Monday before; one sold from the first week on opens with the books."""
    demand = demand_of([[0, 0, 0, 8, 8, 8], [8] * 6, [0, 0, 0, 0, 8, 8]])
    demand.first_at[2] = MONDAY + 4 * WEEK  # 09:30 UTC on a Monday: night in the United States
    opening, later, _ = spread_out(demand, WorldSettings(forecast_error=0))
    assert {s for receipt in opening for s in receipt.skus.tolist()} == {1}
    assert all(receipt.at == MONDAY - 1 for receipt in opening)
    for sku, week in ((0, 3), (2, 4)):
        first = [r.at for r in later if sku in r.skus]
        introduced = [at for at in first if at < demand.first_at[sku]]
        assert introduced
        assert all(demand.first_at[sku] - WEEK <= at for at in introduced)
        assert not [at for at in first if at < MONDAY + (week - 2) * WEEK]


def test_nothing_arrives_before_the_books_open() -> None:
    """A file that starts on a Thursday, a SKU first sold the Monday after, in the night: its Monday is before the books."""
    demand = demand_of([[5] * 6, [0, 5, 5, 5, 5, 5], [5] * 6])
    demand.first_at[1] = MONDAY // DAY * DAY + WEEK + DAY // 24
    skus = [Sku(f"S{s}", 100) for s in range(3)]
    supply = simulate(demand, [sku.code for sku in skus], WorldSettings(forecast_error=0))
    start = MONDAY + 3 * DAY
    opening, later = receipts(network(), demand, supply, place(network(), skus, demand.units.sum(axis=1), 1), start)
    assert 1 in {s for receipt in opening for s in receipt.skus.tolist()}
    assert min(receipt.at for receipt in later) > start
