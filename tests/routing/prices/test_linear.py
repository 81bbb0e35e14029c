"""Lines instead of cards: an envelope never exceeds a part's cost, a fit adds up to what was paid."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rates.build import CLASSES, DOLLAR, FLAT, SPRING, network, one_card, sku
from tranship.rates.compile import compile_tables
from tranship.rates.cost import part_cost
from tranship.rates.tables import PARCEL, RateTables
from tranship.routing.prices import linear
from tranship.routing.prices.linear import Linear, Samples, envelope, exceeds, fit

GOODS = (
    sku("CARD", 15, (200, 140, 5)),
    sku("MUG", 350, (110, 110, 100)),
    sku("LAMP", 900, (400, 300, 300)),
    sku("ANVIL", 20_000, (300, 150, 150)),
)
CARDS = {
    "mcf": {"base": "mcf_us_standard"},
    "pooled": {"base": "mcf_us_standard", "units_counted": "order", "order_fee": 1},
    "pick": {"base": "3pl_pick_pack"},
    "usps": {"base": "usps_ground_advantage", "order_fee": 2.5, "unit_fee": 0.3, "residential_fee": 1.25},
    "small": {"base": "usps_ground_advantage", "max_carton_lb": 5, "discount_pct": 20},
    "flat": FLAT | {"order_fee": 1},
    "odd": {"type": "parcel", "table": [{"max_lb": 1, "zones": [9] * 8}, {"max_lb": 50, "zones": [5] * 8}]},
}
ALL = compile_tables(network(CARDS, *GOODS), SPRING)

lots = st.dictionaries(st.integers(0, len(GOODS) - 1), st.integers(1, 60), min_size=1, max_size=4).map(
    lambda chosen: sorted(chosen.items())
)


def sampled(
    parts: list[list[tuple[int, int]]], zones: list[int] | None = None, homes: list[bool] | None = None
) -> Samples:
    """Parts as arrays."""
    total = np.zeros(len(GOODS), np.int64)
    for part in parts:
        for s, q in part:
            total[s] += q

    def each(of: np.ndarray) -> np.ndarray:
        return np.array([sum(q * int(of[s]) for s, q in part) for part in parts], np.int64)

    units = np.array([sum(q for _, q in part) for part in parts], np.int64)
    return Samples(
        each(ALL.weight_g), each(ALL.volume_cm3), units,
        None if zones is None else np.array(zones, np.int64), None if homes is None else np.array(homes, np.bool_), total,
    )  # fmt: skip


def weight(part: list[tuple[int, int]]) -> int:
    """Actual grams."""
    return sum(q * int(ALL.weight_g[s]) for s, q in part)


NOTHING = sampled([])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(lots, st.integers(1, 9), st.booleans()), max_size=12),
    lots, st.integers(1, 9), st.booleans(), st.integers(0, 80),
)  # fmt: skip
def test_an_envelope_never_exceeds_a_part(seen, part, zone, residential, more):
    """Whatever parts it was drawn close to: any part at any node and zone costs at least what the line says."""
    samples = sampled([x for x, _, _ in seen], [z for _, z, _ in seen], [h for _, _, h in seen])
    units = sum(q for _, q in part)
    for homes in (False, residential):
        line = envelope(ALL, samples, residential=homes)
        for n in range(len(ALL.kind)):
            cost = part_cost(ALL, n, part, zone, residential, order_units=units + more)
            if cost >= 0 and (residential or not homes):
                assert line.cost(n, zone, weight(part), part) <= cost


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(lots, st.integers(1, 9)), max_size=12))
def test_the_check_finds_an_envelope_sound_and_a_lifted_one_not(seen):
    """`exceeds` says nothing about an envelope, and names what was pushed up by 2 cents a part."""
    samples = sampled([x for x, _ in seen], [z for _, z in seen])
    line = envelope(ALL, samples)
    assert exceeds(line, ALL) == []
    assert (line.fixed >= 0).all()
    assert (line.per_gram >= 0).all()
    lifted = Linear(line.fixed + 20_000, line.per_gram, line.per_unit)
    assert len(exceeds(lifted, ALL)) >= len(ALL.kind) - 1


@settings(max_examples=200, deadline=None)
@given(lots, st.integers(1, 9), st.booleans(), st.integers(0, 3_000))
def test_an_envelope_of_light_parts_holds_for_them(part, zone, residential, more):
    """Up to a weight the line is higher; it still never exceeds a part of that weight or less, dim weight included."""
    most = weight(part) + more
    line = envelope(ALL, sampled([part]), residential=residential, most_g=most)
    assert exceeds(line, ALL, residential=residential, most_g=most) == []
    wide = envelope(ALL, sampled([part]), residential=residential)
    for n in range(len(ALL.kind)):
        cost = part_cost(ALL, n, part, zone, residential)
        if cost >= 0:
            assert line.cost(n, zone, weight(part), part) <= cost
            if n != 6:  # the odd card is cheaper above a pound: there the lighter line knows less
                assert line.cost(n, zone, weight(part), part) >= wide.cost(n, zone, weight(part), part) - weight(part)


def test_an_envelope_touches_a_card_of_one_band():
    """Where the card is a line, so is the envelope: nothing is given away."""
    line = envelope(one_card(FLAT), Samples(*(np.array([400]) for _ in range(3))))
    assert line.cost(0, 5, 453, [(0, 1)]) == 5 * DOLLAR


def test_an_envelope_follows_the_weight_of_the_parts():
    """Five dollars up to a pound, nine up to ten: light parts leave it flat, heavy parts make it steep."""
    tables = one_card(FLAT)
    light, heavy = (envelope(tables, Samples(*(np.array([g]) for _ in range(3)))) for g in (100, 4000))
    assert (light.fixed[0, 5], light.per_gram[0, 5]) == (5 * DOLLAR, 0)
    assert heavy.per_gram[0, 5] > 900
    for grams, dollars in ((453, 5), (4535, 9)):
        assert heavy.cost(0, 5, grams, [(0, 1)]) == pytest.approx(dollars * DOLLAR, abs=4535)


def test_units_of_a_per_unit_card_share_a_fixed_part():
    """Units at 5, 4, 3, 2, 1 dollars: five for 5 as one for 5, so all of it is fixed and a unit adds nothing."""
    line = envelope(one_card(CLASSES), Samples(*(np.array([1, 2, 5]) for _ in range(3))))
    assert (line.fixed[0, 5], line.per_unit[0, 0]) == (5 * DOLLAR, 0)


def test_the_lowest_of_two_price_lists_holds_for_both():
    """Prices rose within the period: the bound uses the lower line of each."""
    dear, cheap = (one_card(FLAT | {"order_fee": fee, "unit_fee": 0.5 / fee}) for fee in (2, 1))
    one = Samples(*(np.array([1000]) for _ in range(3)))
    line = linear.lowest([envelope(dear, one), envelope(cheap, one)])
    assert exceeds(line, dear) == exceeds(line, cheap) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(lots, st.booleans()), min_size=1, max_size=30), st.integers(1, 8))
def test_a_fit_adds_up_to_what_parcels_cost(seen, zone):
    """Least squares with a fixed part: the line's costs sum to the card's, to a micro a gram."""
    parts = [x for x, _ in seen]
    samples = sampled(parts, homes=[home for _, home in seen])
    line = fit(ALL, samples)
    for n in range(len(ALL.kind)):
        if ALL.kind[n] != PARCEL:
            continue
        exact = int(linear.carton_costs(ALL, n, zone, samples).sum()) + sum(
            int(ALL.order_fee[n]) + int(ALL.unit_fee[n]) * sum(q for _, q in part) for part in parts
        )
        drawn = sum(line.cost(n, zone, weight(part), part) for part in parts)
        assert abs(drawn - exact) <= len(parts) + exact // 10**9
        assert (line.fixed[n, zone], line.per_gram[n, zone]) >= (0, 0)


def test_a_fit_adds_up_on_a_per_unit_card():
    """Parts of one article, in all sizes: no cent is lost."""
    parts = [[(1, q)] for q in (1, 1, 1, 2, 2, 3, 4, 5, 9)]
    line = fit(ALL, sampled(parts))
    exact = sum(part_cost(ALL, 0, part, 5, True) for part in parts)
    assert sum(line.cost(0, 5, weight(part), part) for part in parts) == pytest.approx(exact, abs=30)
    assert line.fixed[0, 5] > 0


def test_carton_costs_are_the_cards():
    """The vectorized price of a fit is `part_cost`'s, home or not, cartons and dim weight included."""
    parts = [[(s, q)] for s in range(len(GOODS)) for q in (1, 2, 3, 7, 40)]
    for homes in (False, True):
        samples = sampled(parts, homes=[homes] * len(parts))
        for n in np.flatnonzero(ALL.kind == PARCEL).tolist():
            fees = int(ALL.order_fee[n]), int(ALL.unit_fee[n])
            found = linear.carton_costs(ALL, n, 4, samples).tolist()
            for (s, q), cartons in zip((part[0] for part in parts), found, strict=True):
                exact = part_cost(ALL, n, [(s, q)], 4, homes)
                assert exact in (-1, cartons + fees[0] + q * fees[1])


def test_without_parts_a_fit_is_what_can_be_said():
    """An empty period leaves the envelope, and SKUs no card can price stay out of it."""
    tables: RateTables = dataclasses.replace(
        ALL, fits=np.where(np.arange(4)[:, None] == 3, 0, ALL.fits).astype(np.uint8)
    )
    line = fit(tables, NOTHING)
    assert exceeds(line, tables, residential=True) == []
    assert (line.per_unit[:, 3] == np.where(tables.kind == PARCEL, tables.unit_fee, 0)).all()
