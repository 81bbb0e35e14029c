"""The demo's stream: endless, the same for a seed, and shaped like published consumer orders."""

from collections import Counter
from itertools import islice, pairwise, takewhile

import numpy as np
import pytest

from tests.sim.world.cases import CAPPED, INDEPENDENT, MONDAY, WEEK, network
from tranship.connectors.files.model import StagedOrder
from tranship.core.time import local_day_minute
from tranship.sim.world.places import POPULATION, POPULATION_TOTAL
from tranship.sim.world.stream import CURVE_ZONE, catalog, opening, stream


@pytest.fixture(scope="module")
def orders() -> list[StagedOrder]:
    """Twenty thousand orders at five a second."""
    return list(islice(stream(1, MONDAY, 5.0), 20_000))


def test_a_seed_gives_the_same_stream_and_another_another(orders: list[StagedOrder]) -> None:
    """Order by order, to the microsecond."""
    assert list(islice(stream(1, MONDAY, 5.0), 1500)) == orders[:1500]
    assert list(islice(stream(2, MONDAY, 5.0), 10)) != orders[:10]


def test_rate_and_start_change_only_the_times(orders: list[StagedOrder]) -> None:
    """The n-th order has the same customer, lines and fingerprint."""
    fast = list(islice(stream(1, MONDAY + WEEK, 500.0, curve=False), 700))
    assert [(o.number, o.customer, o.lines, o.fingerprint) for o in fast] == [
        (o.number, o.customer, o.lines, o.fingerprint) for o in orders[:700]
    ]


def test_orders_come_in_time_order_with_unique_numbers(orders: list[StagedOrder]) -> None:
    """Ready for the engine as they are."""
    assert all(a.placed_at <= b.placed_at for a, b in pairwise(orders))
    assert orders[0].placed_at >= MONDAY
    assert len({found.number for found in orders}) == len(orders)


def test_lines_and_units_are_those_published(orders: list[StagedOrder]) -> None:
    """60 / 27 / 13 % of one, two, three distinct SKUs; 1.6 units an order."""
    counts = Counter(len(found.lines) for found in orders)
    for lines, percent in ((1, 60), (2, 27), (3, 13)):
        assert abs(counts[lines] / len(orders) - percent / 100) < 0.015
    assert all(len({line.sku for line in found.lines}) == len(found.lines) for found in orders)
    assert abs(sum(line.qty for found in orders for line in found.lines) / len(orders) - 1.6) < 0.03


def test_few_skus_sell_most(orders: list[StagedOrder]) -> None:
    """Popularity falls with rank as Zipf-Mandelbrot says: a fifth of the SKUs sells more than half, none is never sold."""
    goods = catalog(1)
    sold = Counter(line.sku for found in orders for line in found.lines)
    ranked = [count for _, count in sold.most_common()]
    assert len(sold) == 200
    assert 0.5 < sum(ranked[:40]) / sum(ranked) < 0.65
    best = goods.skus[int(np.argmax(goods.share_ppm()))].code
    assert sold[best] > 0.9 * ranked[0]


def test_destinations_follow_population_and_stay_with_the_customer(orders: list[StagedOrder]) -> None:
    """California about 12 %; a customer's second order goes to the first one's ZIP."""
    states = Counter(found.state for found in orders)
    assert abs(states["CA"] / len(orders) - POPULATION["CA"] / POPULATION_TOTAL) < 0.01
    homes: dict[str, set[str]] = {}
    for found in orders:
        homes.setdefault(found.customer, set()).add(found.zip)
    assert len(homes) < len(orders)
    assert all(len(zips) == 1 for zips in homes.values())


def test_people_plainly_do_not_exist(orders: list[StagedOrder]) -> None:
    """Numbered names, reserved mail domain and telephone numbers; and no name in a log."""
    for found in orders[:200]:
        assert found.person is not None
        assert found.person.name == f"Customer {found.customer}"
        assert found.person.email.endswith("@example.com")
        assert found.person.phone.startswith("+1 202 555 01")
        assert found.customer not in repr(found.person)


def test_a_week_has_the_asked_rate_and_the_curve() -> None:
    """Mean rate over the week within three standard deviations; busiest at four in the afternoon, Monday over Saturday."""
    week = list(takewhile(lambda found: found.placed_at < MONDAY + WEEK, stream(3, MONDAY, 0.05)))
    expected = 0.05 * 7 * 86_400
    assert abs(len(week) - expected) < 3 * expected**0.5
    local = [local_day_minute(found.placed_at, CURVE_ZONE) for found in week]
    hours = Counter(minute // 60 for _, minute in local)
    days = Counter((day + 3) % 7 for day, _ in local)
    assert sum(hours[h] for h in (15, 16)) > 4 * sum(hours[h] for h in (3, 4))
    assert days[0] + days[1] > 1.15 * (days[5] + days[6])


def test_without_the_curve_every_hour_is_alike() -> None:
    """A demo shown at night moves as fast as by day."""
    day = list(islice(stream(1, MONDAY, 0.5, curve=False), 43_200))
    assert abs((day[-1].placed_at - MONDAY) / 86_400_000_000 - 1) < 0.02
    hours = Counter(found.placed_at // 3_600_000_000 for found in day[:40_000])
    assert max(hours.values()) < 1.15 * min(hours[h] for h in list(hours)[1:-1])


def test_channels_come_by_weight() -> None:
    """On- and off-platform orders in one stream."""
    found = Counter(o.channel for o in islice(stream(1, MONDAY, 5.0, channels=[("shop", 3), ("market", 1)]), 4000))
    assert set(found) == {"shop", "market"}
    assert abs(found["shop"] / 4000 - 0.75) < 0.03


def test_the_catalog_has_what_rate_cards_need() -> None:
    """200 SKUs with weight, sides and value; light and heavy ones."""
    skus = catalog(1).skus
    assert len({sku.code for sku in skus}) == 200
    assert all(sku.length_mm >= sku.width_mm >= sku.height_mm > 0 and 799 <= sku.value_minor <= 7999 for sku in skus)
    assert min(sku.weight_g for sku in skus) < 60
    assert max(sku.weight_g for sku in skus) > 2000


def test_demo_stock_lies_on_both_sides() -> None:
    """About the units asked for, popular SKUs most, each at a capped and an independent node."""
    net = network(catalog(1).skus)
    total = np.zeros((200, 5), np.int64)
    for receipt in opening(net, 1, 100_000):
        total[receipt.skus, receipt.node] += receipt.quantities
    assert abs(total.sum() - 100_000) < 5_000
    assert (total[:, CAPPED].sum(axis=1) > 0).all()
    assert (total[:, INDEPENDENT].sum(axis=1) > 0).all()
    assert np.corrcoef(total.sum(axis=1), catalog(1).share_ppm())[0, 1] > 0.9


def test_nonsense_is_refused() -> None:
    """A rate of zero would wait for ever; stock for other goods would lie under wrong codes."""
    for rate in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(ValueError, match="rate_per_s"):
            next(stream(1, MONDAY, rate))
    with pytest.raises(ValueError, match="at least 3"):
        catalog(1, 2)
    with pytest.raises(ValueError, match="not the catalog's"):
        opening(network(catalog(2, 5).skus), 1, 100, catalog(1, 4))


@pytest.mark.parametrize("count", [3, 4])
def test_a_tiny_catalog_still_gives_distinct_lines(count: int) -> None:
    """Three lines of three SKUs are those three."""
    for found in islice(stream(1, MONDAY, 5.0, count=count), 3000):
        assert len({line.sku for line in found.lines}) == len(found.lines) <= 3
