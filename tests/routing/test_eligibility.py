"""When a node could ship an order, and whether it may at all: cut-off, capacity, goods, destination."""

import pytest

from tests.engine.worlds import AMZ, CARDS, HOUR, MONDAY, OWN, PL, TODAY, cap, card, network, node, waits, where
from tests.routing.desk import EVERYWHERE, Desk, nodes_of, reason_of
from tranship.core.network import Sku
from tranship.routing.model import Reason


def test_after_the_cut_off_an_order_ships_on_the_next_working_day() -> None:
    """14:00 sharp is too late; on Friday afternoon and at the weekend it is Monday."""
    desk = Desk(stock=EVERYWHERE)
    four_hours = MONDAY + 4 * HOUR  # 14:00 in New York
    assert desk.decide(("MUG", 1), at=four_hours - 60_000_000).parts[0].ship_day == TODAY
    assert desk.decide(("MUG", 1), at=four_hours).parts[0].ship_day == TODAY + 1
    assert desk.decide(("MUG", 1), at=four_hours + 4 * 24 * HOUR).parts[0].ship_day == TODAY + 7
    assert desk.decide(("MUG", 1), at=MONDAY + 5 * 24 * HOUR).parts[0].ship_day == TODAY + 7


def test_handling_days_and_transit_days_are_working_days() -> None:
    """Ready on Wednesday with two handling days; three days on the road end on Monday."""
    document = network(nodes=node(AMZ, handling_days=2), cards={**CARDS, "amz": card(4, 3)})
    (part,) = Desk(document, {AMZ: {"MUG": 1}}).decide(("MUG", 1)).parts
    assert (part.ship_day, part.deliver_day) == (TODAY + 2, TODAY + 7)


def test_a_full_node_ships_on_the_next_working_day() -> None:
    """Ten units a day: what does not fit today is shipped when its last unit fits."""
    desk = Desk(network(nodes=node(PL, capacity_units=10)), {PL: {"MUG": 100}})
    assert desk.decide(("MUG", 10)).parts[0].ship_day == TODAY
    assert desk.decide(("MUG", 11)).parts[0].ship_day == TODAY + 1
    desk.used[PL] = {TODAY: 8, TODAY + 1: 10}
    assert desk.decide(("MUG", 2)).parts[0].ship_day == TODAY
    assert desk.decide(("MUG", 3)).parts[0].ship_day == TODAY + 2
    desk.used[PL] |= {TODAY + 2: 10, TODAY + 3: 10, TODAY + 4: 10}
    assert desk.decide(("MUG", 3)).parts[0].ship_day == TODAY + 7, "over the weekend"


def test_a_full_node_is_left_for_one_that_keeps_the_promise() -> None:
    """Capacity moves the ship day, the ship day the arrival, and a late arrival the choice."""
    desk = Desk(network(nodes=node(AMZ, capacity_units=1)), EVERYWHERE)
    desk.used[AMZ] = {TODAY + d: 1 for d in range(5)}
    assert nodes_of(desk.decide(("MUG", 1))) == [PL]


def test_a_node_without_capacity_for_weeks_is_no_candidate() -> None:
    """Beyond the horizon it counts as full."""
    desk = Desk(network(nodes=node(PL, capacity_units=1)), {PL: {"MUG": 100}})
    decision = desk.decide(("MUG", 50))
    assert not decision.parts
    assert reason_of(decision, PL) is Reason.FULL


def test_a_closed_node_ships_nothing() -> None:
    """Closed in the network file or switched off by hand."""
    in_file = Desk(network(nodes=node(AMZ, closed=True)), EVERYWHERE).decide(("MUG", 1))
    desk = Desk(stock=EVERYWHERE)
    desk.closed.add(AMZ)
    by_hand = desk.decide(("MUG", 1))
    for decision in (in_file, by_hand):
        assert nodes_of(decision) == [PL]
        assert reason_of(decision, AMZ) is Reason.CLOSED


def test_a_sensitive_sku_never_goes_to_a_competitor() -> None:
    """Not when it is cheaper, and not when nobody else has it."""
    decision = Desk(stock=EVERYWHERE).decide(("PLAN", 1))
    assert nodes_of(decision) == [PL]
    assert reason_of(decision, AMZ) is Reason.ITEM
    alone = Desk(network(caps=cap(on_conflict="breach")), {AMZ: {"PLAN": 5}}).decide(("PLAN", 1))
    assert not alone.parts
    assert waits(alone) == [("no_stock", 1)]


def test_a_sensitive_line_does_not_keep_the_others_from_the_competitor() -> None:
    """The order is split where that is what it takes."""
    stock = {AMZ: {"MUG": 1}, PL: {"PLAN": 1}}
    assert sorted(where(Desk(stock=stock).decide(("MUG", 1), ("PLAN", 1)))) == [(AMZ, 1), (PL, 1)]


@pytest.mark.parametrize(
    ("sku", "changes", "allowed"),
    [
        (Sku("X", 100, hazmat=True), {}, {OWN}),
        (Sku("X", 100, fragile=True), {"fragile": False}, {PL, OWN}),
        (Sku("X", 100, nodes=("PL-1",)), {}, {PL}),
        (Sku("X", 100_000), {}, set()),
    ],
    ids=["hazmat", "fragile", "own-nodes", "too-heavy"],
)
def test_goods_ship_only_from_nodes_that_may_ship_them(sku: Sku, changes: dict[str, object], allowed: set[int]) -> None:
    """Hazardous, fragile, bound to nodes, too heavy for the card: every node that may ship it does, no other one ever."""
    document = network(skus=(sku,), nodes=node(AMZ, **changes))
    for n in (AMZ, PL, OWN):
        decision = Desk(document, {n: {"X": 1}}).decide(("X", 1))
        assert bool(decision.parts) is (n in allowed)
        if n not in allowed:
            assert reason_of(decision, n) is Reason.ITEM
            assert waits(decision) == [("no_stock" if allowed else "no_node", 1)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zip3": -1}, Reason.LANE),
        ({"service": -1}, Reason.LANE),
        ({"country": "CA"}, Reason.COUNTRY),
    ],
)
def test_an_unknown_destination_or_service_waits_with_a_reason(changes: dict[str, object], reason: Reason) -> None:
    """No zone, no such service, no such country: parked for a person to look at, never guessed."""
    decision = Desk(stock=EVERYWHERE).decide(("MUG", 1), **changes)
    assert not decision.parts
    assert waits(decision) == [("no_node", 1)]
    assert {reason_of(decision, n) for n in (AMZ, PL, OWN)} == {reason}
