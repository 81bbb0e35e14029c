"""Parked parts: decided again when stock, clock, node or cap give a reason, in order of age, and given up at the promise."""

import msgspec
import pytest

from tests.engine.worlds import (
    AMZ,
    DAY,
    MONDAY,
    OWN,
    PL,
    TODAY,
    Run,
    cap,
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
from tranship.core.network import Policy
from tranship.core.order import Destination
from tranship.engine import commands as cmd


def parked(run: Run, number: object) -> list[tuple[str, int]]:
    """(reason, units) of what waits of an order."""
    return [(rest.reason, sum(rest.quantities)) for rest in run.held(number).rests.values()]


def test_a_receipt_frees_what_waits_for_it() -> None:
    """The units that came are placed at once, in the same transaction; the others wait on."""
    run = Run()
    run.place(1, ("MUG", 3), ("TEE", 1))
    events = run.stock(PL, MONDAY, MUG=2)
    assert kinds(events) == ["received", "routed"]
    (again,) = of_kind(events, "routed")
    assert (again.rest, where(again.decision), waits(again.decision)) == (1, [(PL, 2)], [("no_stock", 2)])
    assert parked(run, 1) == [("no_stock", 2)]


def test_a_receipt_of_something_else_decides_nothing() -> None:
    """Nothing is journaled for a part that stays where it is."""
    run = Run()
    run.place(1, ("MUG", 3))
    assert kinds(run.stock(PL, MONDAY, TEE=5)) == ["received"]
    assert parked(run, 1) == [("no_stock", 3)]


def test_a_receipt_of_a_bundles_part_frees_the_bundle() -> None:
    """The shirts were there; the mugs come."""
    run = Run()
    run.stock(PL, TEE=1, MUG=1)
    run.place(1, ("SET", 1))
    assert parked(run, 1) == [("no_stock", 1)]
    assert kinds(run.stock(PL, MONDAY, MUG=1)) == ["received", "routed"]
    assert run.shelf(PL, "MUG", Bucket.RESERVED) == 2


def test_who_has_waited_longest_is_served_first() -> None:
    """Three orders for two units each, four units: the first two get them."""
    run = Run()
    for n in range(3):
        run.place(n, ("MUG", 2), placed_at=MONDAY + n)
    events = run.stock(PL, MONDAY + 10, MUG=4)
    assert [event.order_id for event in of_kind(events, "routed")] == ["test:0", "test:1"]


def test_what_is_left_of_a_part_keeps_its_place_in_the_line() -> None:
    """Who got one of three units has not waited any less than those who came later."""
    run = Run()
    run.place(1, ("MUG", 3), placed_at=MONDAY)
    run.place(2, ("MUG", 3), placed_at=MONDAY + 1)
    run.stock(PL, MONDAY + 2, MUG=1)
    events = run.stock(PL, MONDAY + 3, MUG=2)
    assert [event.order_id for event in of_kind(events, "routed")] == ["test:1"]
    assert parked(run, 1) == [] and parked(run, 2) == [("no_stock", 3)]


def test_a_part_keeps_its_promise_when_it_is_decided_again() -> None:
    """What was promised on Monday counts on Friday: a node that is now late loses to one that is not."""
    slow = msgspec.structs.replace(Policy(), park_days=20)
    run = Run(network(policy=slow))
    run.place(1, ("MUG", 2))
    friday = MONDAY + 4 * DAY
    (event,) = of_kind(run.stock(PL, friday, MUG=1), "routed")
    assert event.decision.parts[0].deliver_day == TODAY + 8
    assert event.decision.parts[0].late
    assert event.decision.rests[0].until_day == TODAY + 20, "and waits as long as it was said at first"


def test_an_order_that_goes_elsewhere_frees_what_waits_for_room_under_the_cap() -> None:
    """The independent side ships again, so there is room: the part that waited for it goes in the same transaction."""
    run = Run(network(caps=cap()))
    run.stock(AMZ, MUG=5)
    run.stock(OWN, TEE=50)
    run.place(1, ("MUG", 1))
    assert parked(run, 1) == [("cap", 1)]
    assert kinds(run.tick(MONDAY + 1)) == ["ticked"]
    run.place(2, ("TEE", 1))
    assert parked(run, 1) == []
    assert run.state.caps[0].total.max_share_bp <= 6000


def test_stock_behind_a_shut_cap_waits_for_room_and_not_for_stock() -> None:
    """Units come in where the cap is shut: the part says so from now on, and goes as soon as there is room."""
    run = Run(network(caps=cap()))
    run.place(1, ("MUG", 1))
    assert parked(run, 1) == [("no_stock", 1)]
    run.stock(AMZ, MUG=5)
    assert parked(run, 1) == [("cap", 1)]
    run.stock(OWN, TEE=50)
    run.place(2, ("TEE", 1))
    assert parked(run, 1) == []


def test_a_tick_looks_at_nothing_that_waits_for_stock() -> None:
    """`no_stock` is freed by receipts only: ten thousand short lines cost the clock nothing."""
    run = Run()
    run.place(1, ("MUG", 1))
    assert run.state.rests_on_clock == {}
    assert kinds(run.tick(MONDAY + 1)) == ["ticked"]


def test_a_node_that_opens_frees_what_only_it_has() -> None:
    """Closed by hand, opened by hand; while it is closed its stock is no reason to wait for stock."""
    run = Run()
    run.stock(PL, MUG=5)
    assert kinds(run.switch("PL-1", True)) == ["node"]
    run.place(1, ("MUG", 2))
    assert parked(run, 1) == [("node_shut", 2)]
    assert kinds(run.switch("PL-1", False)) == ["node", "routed"]
    assert parked(run, 1) == []


def test_another_network_document_frees_what_it_allows() -> None:
    """A cap that is lifted, a node that may ship hazardous goods from now on."""
    run = Run(network(caps=cap(), nodes=node(OWN, hazmat=False)))
    run.stock(AMZ, MUG=5)
    run.stock(OWN, GAS=5)
    run.place(1, ("MUG", 1), ("GAS", 1))
    assert sorted(parked(run, 1)) == [("cap", 1), ("no_node", 1)]
    events = run.load(network())
    assert kinds(events) == ["network", "routed", "routed"]
    assert parked(run, 1) == []


def test_units_that_come_back_free_who_waits_for_them() -> None:
    """A void before the cut-off puts units on the shelf; the next in line gets them in the same transaction."""
    run = Run()
    run.stock(PL, MUG=2)
    run.place(1, ("MUG", 2))
    run.place(2, ("MUG", 2))
    events = run.take_back(1, 1, 2)
    assert kinds(events) == ["cancel", "voided", "routed"]
    assert of_kind(events, "routed")[0].order_id == "test:2"


def test_what_no_node_may_ship_is_looked_at_by_the_clock_again() -> None:
    """An unknown ZIP stays unknown: silence, until the promise is over."""
    run = Run()
    run.stock(PL, MUG=2)
    run.submit(placing(order(1, ("MUG", 1), to=Destination("", ""))))
    assert parked(run, 1) == [("no_node", 1)]
    assert kinds(run.tick(MONDAY + DAY)) == ["ticked"]
    assert kinds(run.tick(MONDAY + 9 * DAY)) == ["ticked", "reduced", "exception"]


def test_a_node_that_was_full_for_weeks_is_looked_at_by_the_clock_again() -> None:
    """Twelve days of work are booked; twelve more are beyond the horizon today, and within it when ten days have passed."""
    run = Run(network(nodes=node(PL, capacity_units=1), policy=Policy(park_days=60)))
    run.stock(PL, MUG=24)
    run.place(1, ("MUG", 12))
    run.place(2, ("MUG", 12))
    assert parked(run, 2) == [("node_shut", 12)]
    assert kinds(run.tick(MONDAY + DAY)) == ["ticked"]
    assert "routed" in kinds(run.tick(MONDAY + 14 * DAY))
    assert parked(run, 2) == []


def test_parts_beyond_the_policys_number_are_placed_by_the_clock() -> None:
    """Two fulfillment orders at once; what the third node has follows with the next tick."""
    run = Run(network(policy=Policy(max_parts=2)))
    run.stock(AMZ, MUG=3)
    run.stock(PL, TEE=2)
    run.stock(OWN, CAP=1)
    run.place(1, ("MUG", 3), ("TEE", 2), ("CAP", 1))
    assert parked(run, 1) == [("max_parts", 1)]
    assert kinds(run.tick(MONDAY + 1)) == ["ticked", "routed"]
    assert parked(run, 1) == []


@pytest.mark.parametrize(("limit", "served"), [(1, 1), (3, 3), (500, 5)])
def test_one_event_decides_at_most_so_many_parts_again(limit: int, served: int) -> None:
    """The policy's `retry_limit`: the oldest first, the others at the next event."""
    run = Run(network(policy=Policy(retry_limit=limit)))
    for n in range(5):
        run.place(n, ("MUG", 1), placed_at=MONDAY + n)
    events = run.stock(PL, MONDAY + 10, MUG=9)
    assert [event.order_id for event in of_kind(events, "routed")] == [f"test:{n}" for n in range(served)]
    events = run.stock(PL, MONDAY + 20, MUG=1)
    assert len(of_kind(events, "routed")) == min(5 - served, limit)


def test_a_part_is_given_up_when_its_promise_is_over_and_somebody_is_told() -> None:
    """Expired on the day after the promise, with an exception that says what and why."""
    run = Run()
    run.stock(PL, MUG=1)
    run.place(1, ("MUG", 3), ("TEE", 1))
    until = TODAY + 7
    assert [rest.until_day for rest in run.held(1).rests.values()] == [until]
    run.tick(MONDAY + 7 * DAY)
    assert parked(run, 1) == [("no_stock", 3)]
    events = run.tick(MONDAY + 8 * DAY)
    assert kinds(events)[-2:] == ["reduced", "exception"]
    (exception,) = of_kind(events, "exception")
    assert (exception.kind, exception.subject) == ("expired", "test:1")
    assert "3 units of 2 lines stayed parked (no_stock)" in exception.detail
    assert run.held(1).rests == {} and run.held(1).unplaced == 3
    assert run.state.rests_of_sku == {} and run.state.expiring == {}
    assert kinds(run.stock(PL, MONDAY + 8 * DAY, MUG=9)) == ["received"], "what was given up is not shipped later"


def test_a_backorder_waits_without_end() -> None:
    """No date, no exception; stock that comes after a month is its own."""
    run = Run(network(policy=Policy(after=("split", "backorder"))))
    run.place(1, ("MUG", 1))
    assert kinds(run.tick(MONDAY + 30 * DAY)) == ["ticked"]
    assert kinds(run.stock(PL, MONDAY + 30 * DAY, MUG=1)) == ["received", "routed"]


def test_nothing_is_left_in_the_indexes_of_what_waits() -> None:
    """After everything has shipped, expired or been cancelled, no list still names a part."""
    run = Run(network(caps=cap()))
    run.stock(AMZ, MUG=2)
    for n in range(4):
        run.place(n, ("MUG", 1), ("TEE", 1))
    run.take_back(3, 2, 1)
    run.stock(PL, MONDAY, TEE=1, MUG=1)
    run.tick(MONDAY + DAY)
    run.tick(MONDAY + 20 * DAY)
    state = run.state
    assert all(not held.rests for held in state.orders.values())
    assert (state.rests_of_sku, state.rests_on_clock, state.expiring, state.arriving) == ({}, {}, {}, {})
    assert state.due == [{}, {}, {}]


def test_a_part_may_wait_for_several_reasons_at_once() -> None:
    """One for the cap, one for stock, one for a node that may ship it: each with its own reason and number."""
    run = Run(network(caps=cap(), nodes=node(OWN, hazmat=False)))
    run.stock(AMZ, MUG=1)
    decision = run.place(1, ("MUG", 1), ("TEE", 1), ("GAS", 1))
    assert sorted(waits(decision)) == [("cap", 1), ("no_node", 1), ("no_stock", 1)]
    assert len({rest.number for rest in decision.rests}) == 3


def test_commands_about_what_is_not_there_are_notes_for_a_person() -> None:
    """An order nobody knows and a line that it does not have: exceptions, no errors, nothing else changes."""
    run = Run()
    run.place(1, ("MUG", 1))
    for command in (cmd.TakeBack("test:9", "1", 1, "C1", MONDAY), cmd.TakeBack("test:1", "9", 1, "C2", MONDAY)):
        (exception,) = run.do(command)
        assert exception.kind == "cancel_unknown"
        assert command.ref in exception.detail
