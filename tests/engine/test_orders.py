"""Orders through the engine: lines of one SKU, promises, statuses, breaches that are booked, and what each cap counts."""

import datetime as dt

import pytest

from tests.engine.audit import audit
from tests.engine.worlds import (
    AMZ,
    CARDS,
    DAY,
    HOUR,
    MONDAY,
    PL,
    TODAY,
    Run,
    cap,
    card,
    kinds,
    network,
    node,
    of_kind,
    order,
    placing,
    waits,
    where,
)
from tranship.core.ledger import Bucket
from tranship.core.network import Channel, Network, Policy
from tranship.core.order import Destination
from tranship.core.time import date_to_day


def test_two_lines_of_one_sku_are_placed_as_one_and_told_as_two() -> None:
    """Seven of nine are there: the first line gets its four, the second three; two of it wait."""
    run = Run()
    run.stock(PL, MUG=7)
    decision = run.place(1, ("MUG", 4), ("MUG", 5))
    (part,) = decision.parts
    assert (part.lines, part.quantities) == ((0, 1), (4, 3))
    assert part.cost == 5_000_000, "one carton, not two"
    assert [(rest.lines, rest.quantities) for rest in decision.rests] == [((1,), (2,))]


def test_two_lines_of_one_sku_may_be_split_over_nodes() -> None:
    """Units are given back to the lines in order, part by part."""
    run = Run()
    run.stock(AMZ, MUG=3)
    run.stock(PL, MUG=3)
    decision = run.place(1, ("MUG", 2), ("TEE", 1), ("MUG", 4))
    assert sorted((part.lines, part.quantities) for part in decision.parts) == [((0, 2), (2, 1)), ((2,), (3,))]
    assert [(rest.lines, rest.quantities) for rest in decision.rests] == [((1,), (1,))]


@pytest.mark.parametrize(("bundles", "single"), [(3, 0), (2, 2), (1, 4), (0, 6)])
def test_a_bundle_reserves_all_of_its_parts(bundles: int, single: int) -> None:
    """Six mugs and three shirts: sets and single mugs share them, and the books never see half a set."""
    run = Run()
    run.stock(PL, MUG=6, TEE=3)
    lines = [("SET", bundles)] if bundles else []
    run.place(1, *lines, *([("MUG", single)] if single else []))
    assert (run.shelf(PL, "MUG"), run.shelf(PL, "TEE")) == (6 - 2 * bundles - single, 3 - bundles)
    assert run.shelf(PL, "MUG", Bucket.RESERVED) == 2 * bundles + single
    assert run.shelf(PL, "SET") == run.shelf(PL, "SET", Bucket.RESERVED) == 0
    assert waits(run.place(2, ("SET", 4))) == [("no_stock", 4 - min((6 - 2 * bundles - single) // 2, 3 - bundles))]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, dt.date(2026, 3, 9)),
        ({"channel": "shop"}, dt.date(2026, 3, 4)),
        ({"deliver_by": "2026-03-20"}, dt.date(2026, 3, 20)),
        ({"placed_at": MONDAY + 5 * DAY}, dt.date(2026, 3, 16)),
        ({"placed_at": MONDAY + 13 * HOUR, "to": Destination("96910", "GU")}, dt.date(2026, 3, 10)),
    ],
    ids=["policy", "channel", "order", "weekend", "destination's-day"],
)
def test_a_promise_is_the_orders_the_channels_or_the_policys(changes: dict[str, object], expected: dt.date) -> None:
    """Working days from the destination's own date, where the source has no date."""
    run = Run(network(channels=(Channel("web"), Channel("shop", promise_working_days=2))))
    run.stock(PL, MUG=1)
    run.submit(placing(order(1, ("MUG", 1), **changes)))
    assert run.held(1).promise_day == date_to_day(expected)


def test_an_order_goes_through_its_states() -> None:
    """Parked, processing, complete; cancelled and unfulfillable at their ends."""
    run = Run()
    run.place(1, ("MUG", 2))
    assert run.held(1).status() == "PARKED"
    run.stock(PL, MONDAY, MUG=1)
    assert run.held(1).status() == "PROCESSING"
    run.tick(MONDAY + 5 * HOUR)
    assert run.held(1).status() == "PROCESSING", "one unit shipped, one still waits"
    run.tick(MONDAY + 10 * DAY)
    assert run.held(1).status() == "COMPLETE_PARTIAL"
    run.place(2, ("MUG", 1), placed_at=MONDAY + 10 * DAY)
    run.take_back(2, 1, 1, MONDAY + 10 * DAY)
    assert run.held(2).status() == "CANCELLED"
    run.place(3, ("MUG", 1), placed_at=MONDAY + 10 * DAY)
    run.tick(MONDAY + 30 * DAY)
    assert run.held(3).status() == "UNFULFILLABLE"
    run.stock(PL, MONDAY + 30 * DAY, MUG=1)
    run.place(4, ("MUG", 1), placed_at=MONDAY + 30 * DAY)
    run.tick(MONDAY + 40 * DAY)
    assert run.held(4).status() == "COMPLETE"


def test_each_breach_is_booked() -> None:
    """Beyond the cap, because the party said so: marked, counted, and put before a person."""
    run = Run(network(caps=cap(on_conflict="breach")))
    run.stock(AMZ, MUG=5)
    events = run.submit(placing(order(1, ("MUG", 1))))
    assert kinds(events) == ["accepted", "routed", "exception"]
    (exception,) = of_kind(events, "exception")
    assert (exception.kind, exception.subject) == ("cap_breach", "test:1")
    assert "AMZ-1" in exception.detail
    assert run.state.caps[0].breaches == 1
    run.stock(PL, MUG=5)
    assert kinds(run.submit(placing(order(2, ("TEE", 1))))) == ["accepted", "routed"]
    assert run.state.caps[0].breaches == 1


def test_a_breach_is_repaid_before_the_next_one_fits() -> None:
    """A breach is an entry like any other: the independent side has to catch up first."""
    run = Run(network(caps=cap(cap_bp=5000, window=4, on_conflict="breach")))
    run.stock(AMZ, MUG=50)
    for n in range(4):
        assert [part.breach for part in run.place(n, ("MUG", 1)).parts] == [True]
    run.stock(PL, MUG=50)
    chosen = [where(run.place(n, ("MUG", 1)))[0][0] for n in range(10, 18)]
    assert chosen == [PL, PL, AMZ, AMZ, PL, PL, AMZ, AMZ]


def test_the_share_is_counted_per_fulfillment_order_over_all_off_platform_channels() -> None:
    """A hundred orders that all like Amazon best: six of the last ten, in total and in each channel, after every one."""
    run = Run(network(caps=cap()))
    run.stock(AMZ, MUG=500)
    run.stock(PL, MUG=500)
    for n in range(100):
        channel = ("web", "shop", "amazon")[n % 3]
        (part,) = run.place(n, ("MUG", 1), channel=channel).parts
        assert channel != "amazon" or part.node == AMZ
    (state,) = run.state.caps
    assert audit(run.shard.store) == []
    assert state.total.max_share_bp == 6000
    assert state.total.entered == 67, "a third came by Amazon's own marketplace"
    assert {code: window.entered for code, window in state.channels.items()} == {"web": 34, "shop": 33}


@pytest.mark.parametrize("measure", ["units", "value"])
def test_caps_by_units_and_by_value_hold_as_well(measure: str) -> None:
    """Large and small orders in turn; each entry counts with its size."""
    run = Run(network(caps=cap(measure=measure, window=40 if measure == "units" else 40_000)))
    run.stock(AMZ, MUG=900)
    run.stock(PL, MUG=900)
    for n in range(60):
        run.place(n, ("MUG", 1 + n * 7 % 12, 1000), ("MUG", 1 + n % 3, 10))
    assert audit(run.shard.store) == []
    used = {part.node for held in run.state.orders.values() for part in held.parts.values()}
    assert used == {AMZ, PL}
    assert 5000 <= run.state.caps[0].total.max_share_bp <= 6000


def test_a_large_part_is_as_many_entries_as_it_has_fulfillment_orders() -> None:
    """Amazon takes two units an order here: five units are three entries."""
    networks = (Network("AMZ", max_units=2), Network("PL"), Network("OWN"))
    run = Run(network(networks=networks, caps=cap()))
    run.stock(PL, CAP=10)
    for n in range(10):
        run.place(n, ("CAP", 1))
    run.stock(AMZ, MUG=5)
    assert where(run.place("large", ("MUG", 5))) == [(AMZ, 2), (AMZ, 2), (AMZ, 1)]
    (state,) = run.state.caps
    assert (state.total.entered, state.total.inside_capped) == (13, 3)


def test_capacity_is_taken_and_the_next_order_waits_a_day() -> None:
    """Four units a day: three orders of three units ship on three days in turn."""
    run = Run(network(nodes=node(PL, capacity_units=4)))
    run.stock(PL, MUG=9)
    days = [run.place(n, ("MUG", 3)).parts[0].ship_day for n in range(3)]
    assert days == [TODAY, TODAY + 1, TODAY + 2]
    assert run.state.used[PL] == {TODAY: 4, TODAY + 1: 4, TODAY + 2: 1}


def test_prices_are_those_of_the_orders_day() -> None:
    """A card that changes on Tuesday: Monday's order pays the old price, Tuesday's the new one."""
    changing = {**card(5), "versions": [{"effective": "2026-03-03", "order_fee": 3}]}
    run = Run(network(cards={**CARDS, "pl": changing}))
    run.stock(PL, MUG=9)
    costs = [run.place(n, ("MUG", 1), placed_at=MONDAY + n * DAY).parts[0].cost for n in range(3)]
    assert costs == [5_000_000, 8_000_000, 8_000_000]


def test_after_cancel_gives_up_what_is_not_there() -> None:
    """No part waits: the units are told as unfulfillable at once."""
    run = Run(network(policy=Policy(after=("split", "cancel"))))
    run.stock(PL, MUG=2)
    decision = run.place(1, ("MUG", 5))
    assert where(decision) == [(PL, 2)]
    assert [(rest.action, sum(rest.quantities)) for rest in decision.rests] == [("cancel", 3)]
    assert run.held(1).rests == {} and run.held(1).unplaced == 3


def test_a_parcel_has_arrived_on_the_day_after_its_last_day_on_the_road() -> None:
    """Two working days: shipped on Monday, on the road all Wednesday, delivered when Thursday begins."""
    run = Run()
    run.stock(PL, MUG=1)
    (part,) = run.place(1, ("MUG", 1)).parts
    assert (part.ship_day, part.deliver_day) == (TODAY, TODAY + 2)
    assert kinds(run.tick(MONDAY + 4 * HOUR)) == ["ticked", "shipped"]
    assert kinds(run.tick(MONDAY + 2 * DAY)) == ["ticked"]
    assert kinds(run.tick(MONDAY + 3 * DAY)) == ["ticked", "delivered"]
    assert run.shelf(PL, "MUG", Bucket.DELIVERED) == 1
