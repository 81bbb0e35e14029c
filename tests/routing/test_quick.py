"""The short way of deciding against the long one: where it answers at all, it answers the same, reasons and all."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.engine.worlds import AMZ, DAY, HOUR, MONDAY, NODES, OWN, PL, TODAY, cap, card, network
from tests.routing.desk import Desk
from tranship.core.network import Network, Policy, Promise, Transit
from tranship.routing import quick as short
from tranship.routing.decide import decide, decide_at_length
from tranship.routing.quick import quick
from tranship.routing.situation import Situation

CODES = ("MUG", "TEE", "CAP", "GAS", "PLAN", "SET")
OPEN = "..AA......"
ENOUGH = {n: {"MUG": 9, "TEE": 9, "CAP": 9} for n in (AMZ, PL, OWN)}
PLENTY = {n: dict.fromkeys(CODES[:5], 99) for n in (AMZ, PL, OWN)}

FREE = ("MUG", "TEE", "CAP")
often = st.dictionaries(st.sampled_from(FREE), st.integers(1, 3), min_size=1, max_size=3)
asks = st.one_of(  # most are of the kind that the short way takes, else the comparison compares little
    often,
    often,
    often,
    st.dictionaries(st.sampled_from(CODES), st.integers(1, 6), min_size=1, max_size=5),
)
shelves = st.dictionaries(
    st.integers(0, 2), st.dictionaries(st.sampled_from(CODES[:5]), st.sampled_from([0, 1, 3, 9, 99])), max_size=3
) | st.sampled_from([ENOUGH, PLENTY, PLENTY])
caps = st.builds(
    cap,
    cap_bp=st.sampled_from([0, 3000, 6000, 10_000]),
    measure=st.sampled_from(["fulfillment_orders", "fulfillment_orders", "units", "value"]),
    reserve=st.integers(0, 3),
    price_micros=st.sampled_from([0, 700_000, 4_000_000]),
    per_channel=st.booleans(),
    on_conflict=st.sampled_from(["park", "breach"]),
)
policies = st.builds(
    Policy,
    after=st.sampled_from([*[("split", "park")] * 6, ("park",), ("split", "cancel")]),
    prefer=st.sampled_from([*[()] * 8, ("independent",)]),
    must=st.sampled_from([(), (), ("avoid:PL",), ("only:AMZ@shop",)]),
    max_parts=st.integers(1, 3),
)
nodes = st.tuples(
    *[
        st.builds(
            lambda node, capacity, handling, closed: msgspec.structs.replace(
                node, capacity_units=capacity, handling_days=handling, closed=closed
            ),
            st.just(node),
            st.sampled_from([0, 0, 0, 0, 2, 4, 12]),
            st.sampled_from([0, 0, 2, 4]),
            st.sampled_from([*[False] * 7, True]),
        )
        for node in NODES
    ]
)
networks = st.builds(
    lambda units, lines: (
        Network("AMZ", competitor=True, max_units=units),
        Network("PL"),
        Network("OWN", max_lines=lines),
    ),
    st.sampled_from([0, 0, 0, 5]),
    st.sampled_from([0, 0, 2]),
)
rates = st.tuples(st.integers(3, 8), st.integers(3, 8), st.integers(3, 8), st.integers(1, 6), st.integers(1, 6)).map(
    lambda drawn: {"amz": card(drawn[0], drawn[3]), "pl": card(drawn[1], drawn[4]), "own": card(drawn[2])}
)
shipments = st.builds(
    Transit,
    node=st.sampled_from(["AMZ-1", "PL-1", "OWN-1"]),
    dest=st.sampled_from(["100", "300", "940", "NY", "TX"]),
    service=st.sampled_from(["", "ground"]),
    planned=st.integers(1, 6),
    actual=st.integers(0, 12),
    month=st.integers(24_300, 24_320),
    count=st.sampled_from([1, 20, 400]),
    on_the_road=st.booleans(),
)
promises = st.just(Promise()) | st.builds(
    Promise,
    level_bp=st.sampled_from([1, 5000, 8000, 9000, 9999]),
    late_minor=st.sampled_from([0, 0, 1, 60, 400, 10**7]),
    cautious=st.booleans(),
    observed=st.lists(shipments, max_size=6).map(tuple),
)
documents = st.builds(
    network, caps=caps, policy=policies, nodes=nodes, networks=networks, cards=rates, promise=promises
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "zip3": st.sampled_from([100, 300, 940, 100, 300, 940, -1]),
        "country": st.sampled_from([*["US"] * 7, "CA"]),
        "channel": st.sampled_from(["web", "shop", "amazon"]),
        "service": st.sampled_from([*[0] * 7, -1]),
        "at": st.integers(0, 6 * 24).map(lambda hour: MONDAY + hour * HOUR),
        "promise_day": st.integers(TODAY + 2, TODAY + 14),
        "first_part": st.integers(1, 4),
        "parts_left": st.sampled_from([0, 1, 1, 2, 2, 3, 3]),
        "residential": st.booleans(),
    },
)  # fmt: skip
stories = st.text("A.", max_size=14)
cents = st.sampled_from([0, 0, 10_000, 400_000, 2_000_000, 30_000_000, 1_000_000_000_000])
priced = st.fixed_dictionaries(
    {
        "stock": st.dictionaries(st.tuples(st.sampled_from(CODES[:5]), st.integers(0, 2)), cents, max_size=6),
        "days": st.dictionaries(st.tuples(st.integers(0, 2), st.integers(TODAY, TODAY + 5)), cents, max_size=5),
        "until_day": st.sampled_from([TODAY - 1, TODAY, TODAY + 30, TODAY + 30]),
        "version": st.integers(1, 3),
    }
)
rooms = st.sampled_from([0, 0, 3, 700, 250_000, 1_000_000, 6_000_000, 1 << 44])
"""What the bucket's price stands at: micros per one of the cap's measure."""


@given(documents, shelves, stories, st.lists(st.tuples(asks, changes), min_size=1, max_size=3), st.booleans())
@example(network(), ENOUGH, OPEN, [({"MUG": 1, "TEE": 2}, {})], True)
def test_the_short_way_gives_the_very_decision_of_the_long_way(document, stock, story, orders, counted):
    """Any network, shelf, window and order, several in a row on one set of facts: equal in every field, or not answered."""
    desk = Desk(document, stock).entered(story)
    now = Situation(desk.shelf, desk.caps, desk.used, desk.closed)
    for asked, changed in orders:
        ask = desk.ask(*asked.items(), **changed)
        before = desk.shelf.copy()
        found = quick(ask, desk.facts, now, counted=counted)
        long = decide_at_length(ask, desk.facts, now, counted=counted)
        assert found is None or found == long
        assert decide(ask, desk.facts, now, counted=counted) == long
        assert (desk.shelf == before).all()


@given(
    documents, shelves, stories, st.lists(st.tuples(asks, changes, st.none() | priced, rooms), min_size=1, max_size=4)
)
def test_the_short_way_charges_prices_as_the_long_way_does(document, stock, story, orders):
    """Any book, stale ones too, and any price of room in fulfillment orders, units or value: one decision, equal in every field."""
    desk = Desk(document, stock).entered(story)
    for asked, changed, prices, room in orders:
        if prices is not None:
            desk.priced(**prices)
        for held in desk.caps:
            held.bucket.base = room
        ask = desk.ask(*asked.items(), **changed)
        found, long = quick(ask, desk.facts, desk.now), decide_at_length(ask, desk.facts, desk.now)
        assert found is None or found == long


usual = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["web", "shop", "amazon"]),
        "at": st.sampled_from([MONDAY, MONDAY + HOUR, MONDAY + 6 * HOUR, MONDAY + DAY]),
        "residential": st.booleans(),
    },
)
usual_prices = st.fixed_dictionaries(
    {
        "stock": st.dictionaries(st.tuples(st.sampled_from(FREE), st.integers(0, 2)), cents, max_size=6),
        "days": st.dictionaries(st.tuples(st.integers(0, 2), st.integers(TODAY, TODAY + 1)), cents, max_size=4),
        "until_day": st.sampled_from([TODAY, TODAY + 30, TODAY + 30, TODAY + 30]),
        "version": st.integers(1, 3),
    }
)
usual_networks = st.builds(
    network,
    caps=st.lists(
        st.builds(
            cap,
            cap_bp=st.sampled_from([6000, 10_000]),
            measure=st.sampled_from(["fulfillment_orders", "units", "value"]),
            network=st.sampled_from(["AMZ", "PL"]),
            price_micros=st.sampled_from([0, 700_000]),
            window=st.sampled_from([10, 1_000_000]),
        ).map(lambda made: made[0]),
        max_size=2,
    ).map(tuple),
    cards=rates,
)


@given(
    usual_networks,
    st.sampled_from([ENOUGH, PLENTY]),
    st.lists(st.tuples(often, usual, usual_prices, rooms), min_size=9, max_size=9),
)
def test_the_short_way_charges_prices_of_usual_orders_as_the_long_way_does(document, stock, orders):
    """Covered orders under open caps, of which nearly all take the short way: prices of stock, days and room are charged alike."""
    desk = Desk(document, stock).entered("." * 40)
    for asked, changed, prices, room in orders:
        desk.priced(**prices)
        for held in desk.caps:
            held.bucket.base = room
        ask = desk.ask(*asked.items(), **changed)
        found = quick(ask, desk.facts, desk.now)
        assert found is None or found == decide_at_length(ask, desk.facts, desk.now)


@given(documents, shelves, st.integers(0, 2), st.integers(0, 9), asks)
def test_a_node_that_is_full_or_switched_off_is_left_to_the_long_way_or_seen(document, stock, node, used, asked):
    """Capacity in use and nodes that are off change what is decided; the two ways agree on it."""
    desk = Desk(document, stock).entered(OPEN)
    ask = desk.ask(*asked.items())
    for taken, closed in (({TODAY: used}, set()), ({}, {node})):
        desk.used[node], desk.closed = taken, closed
        now = Situation(desk.shelf, desk.caps, desk.used, desk.closed)
        assert decide(ask, desk.facts, now) == decide_at_length(ask, desk.facts, now)


@pytest.mark.parametrize(
    ("asked", "changed", "taken"),
    [
        ({"MUG": 1}, {}, True),
        ({"MUG": 1, "TEE": 2, "CAP": 3}, {}, True),
        ({"MUG": 1, "TEE": 2}, {"at": MONDAY + 5 * HOUR, "promise_day": TODAY + 7}, True),
        ({"MUG": 10}, {}, False),
        ({"SET": 1}, {}, False),
        ({"GAS": 1}, {}, False),
        ({"MUG": 1}, {"promise_day": TODAY}, False),
        ({"MUG": 1}, {"country": "CA"}, False),
    ],
    ids=["one", "three", "after cut-off", "short", "bundle", "restricted", "late", "abroad"],
)
def test_the_common_kind_takes_the_short_way_and_others_do_not(asked, changed, taken):
    """Small covered orders are answered at once; what needs a rule, a split or a promise broken is not."""
    desk = Desk(network(), ENOUGH).entered(OPEN)
    now = Situation(desk.shelf, desk.caps, desk.used, desk.closed)
    assert (quick(desk.ask(*asked.items(), **changed), desk.facts, now) is not None) is taken


def test_lanes_are_made_anew_when_the_day_moves_on():
    """What is remembered of a lane holds while the nodes' ship days do: the same question a day later has later days."""
    desk = Desk(network(), ENOUGH).entered(OPEN)
    now = Situation(desk.shelf, desk.caps, desk.used, desk.closed)
    asked = [desk.ask(("MUG", 1), at=MONDAY + later, promise_day=TODAY + 9) for later in (0, HOUR, DAY, 0)]
    days = [quick(ask, desk.facts, now).parts[0].ship_day for ask in asked]
    assert days == [TODAY, TODAY, TODAY + 1, TODAY]


def test_a_short_way_that_forgets_the_reserve_is_found_out(monkeypatch):
    """Planted: with every cap open to it, the short way sends to the capped node what the long way does not."""
    desk = Desk(network(caps=cap(reserve=3)), ENOUGH).entered("AAA" + "." * 4 + "AAA")
    now = Situation(desk.shelf, desk.caps, desk.used, desk.closed)
    ask = desk.ask(("MUG", 1))
    assert quick(ask, desk.facts, now) is None
    monkeypatch.setattr(short, "_open", lambda *_: True)
    assert quick(ask, desk.facts, now) != decide_at_length(ask, desk.facts, now)


@pytest.mark.parametrize("measure", ["fulfillment_orders", "units", "value"])
def test_charges_beyond_what_the_kernel_counts_with_are_left_to_the_long_way(measure):
    """Prices as high as a book may hold, on many units: the short way passes, the long way bounds them and still decides."""
    desk = Desk(network(caps=cap(measure=measure, window=1 << 40)), PLENTY).entered("." * 40)
    desk.priced({(code, n): 1_000_000_000_000 for code in FREE for n in range(3)})
    ask = desk.ask(("MUG", 90), ("TEE", 90))
    assert quick(ask, desk.facts, desk.now) is None
    assert (
        decide_at_length(ask, desk.facts, desk.now).parts[0].cost == desk.decide(("MUG", 90), ("TEE", 90)).parts[0].cost
    )
    desk.prices = None
    desk.caps[0].bucket.base = 1 << 42
    ask = desk.ask(("MUG", 9), prices=[[(9, 10_000_000)]])
    found, long = quick(ask, desk.facts, desk.now), decide_at_length(ask, desk.facts, desk.now)
    assert (found is None) == (measure != "fulfillment_orders")
    assert found is None or found == long
    assert 0 < long.parts[0].cost < 10_000_000
