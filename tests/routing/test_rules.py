"""Rules of the party: what must be, what is preferred and what it costs, and what happens after nothing fits."""

import pytest

from tests.engine.worlds import AMZ, CARDS, OWN, PL, TODAY, cap, card, network, node, waits, where
from tests.routing.desk import CLOSED, DOLLAR, EVERYWHERE, OPEN, Desk, nodes_of, policy, reason_of
from tranship.routing.model import Reason


@pytest.mark.parametrize(
    ("must", "channel", "chosen"),
    [
        (("only:PL",), "web", PL),
        (("only:OWN-1",), "web", OWN),
        (("avoid:AMZ",), "web", PL),
        (("avoid:AMZ-1", "avoid:PL"), "web", OWN),
        (("avoid:AMZ@shop",), "shop", PL),
        (("avoid:AMZ@shop",), "web", AMZ),
    ],
)
def test_must_rules_leave_only_what_they_allow(must: tuple[str, ...], channel: str, chosen: int) -> None:
    """A node or a network, for all channels or for one."""
    decision = Desk(network(policy=policy(must=must)), EVERYWHERE).decide(("MUG", 1), channel=channel)
    assert nodes_of(decision) == [chosen]
    if chosen != AMZ:
        assert reason_of(decision, AMZ) is Reason.RULE


def test_a_must_rule_goes_before_filling_the_order() -> None:
    """What only a forbidden node has waits."""
    decision = Desk(network(policy=policy(must=("avoid:AMZ",))), {AMZ: {"MUG": 5}}).decide(("MUG", 1))
    assert not decision.parts
    assert waits(decision) == [("no_stock", 1)]


@pytest.mark.parametrize(
    ("prefer", "chosen"),
    [
        (("independent",), PL),
        (("node:OWN-1",), OWN),
        (("network:OWN", "network:PL"), OWN),
        (("OWN",), OWN),
        ((), AMZ),
        (("same_state",), OWN),
    ],
)
def test_a_preference_goes_before_cost_inside_a_tier_cost_decides(prefer: tuple[str, ...], chosen: int) -> None:
    """The first tier that can fill the order does; among several nodes of it the cheapest."""
    document = network(policy=policy(prefer=prefer), caps=cap(), nodes=node(OWN, state="NY"))
    desk = Desk(document, EVERYWHERE).entered(OPEN)
    assert nodes_of(desk.decide(("MUG", 1))) == [chosen]


def test_the_story_tells_what_a_preference_cost() -> None:
    """The way without the preference is the first alternative, with its cost."""
    decision = Desk(network(policy=policy(prefer=("OWN",))), EVERYWHERE).decide(("MUG", 1))
    other = decision.why.alternatives[0]
    assert (other.nodes, other.cost, other.ruled_out) == ((AMZ,), 4 * DOLLAR, "tier")
    assert decision.parts[0].cost - other.cost == 3 * DOLLAR
    assert reason_of(decision, AMZ) is Reason.TIER


def test_a_preference_never_leaves_units_behind() -> None:
    """A preferred node that has less than all of it waits for nothing: the next tier helps."""
    stock = {AMZ: {"MUG": 5}, OWN: {"MUG": 2}}
    assert where(Desk(network(policy=policy(prefer=("OWN",))), stock).decide(("MUG", 3))) == [(AMZ, 3)]


def test_a_preference_never_makes_an_order_late() -> None:
    """The promise goes before a preference: a preferred node that would be late is passed over."""
    slow = {**CARDS, "own": card(7, 9)}
    (part,) = Desk(network(policy=policy(prefer=("OWN",)), cards=slow), EVERYWHERE).decide(("MUG", 1)).parts
    assert not part.late


def test_a_preference_holds_under_the_cap_too() -> None:
    """Amazon first, then one's own: with no room at Amazon the second preference counts, not the cost."""
    document = network(policy=policy(prefer=("AMZ", "OWN")), caps=cap())
    desk = Desk(document, EVERYWHERE)
    assert nodes_of(desk.entered(OPEN).decide(("MUG", 1))) == [AMZ]
    assert nodes_of(desk.entered(CLOSED).decide(("MUG", 1))) == [OWN]


@pytest.mark.parametrize(
    ("after", "action", "until"),
    [
        (("split", "park"), "park", TODAY + 7),
        (("split", "backorder"), "backorder", 0),
        (("split", "cancel"), "cancel", 0),
        (("park",), "park", TODAY + 7),
    ],
)
def test_what_fits_nowhere_is_parked_backordered_or_cancelled(after: tuple[str, ...], action: str, until: int) -> None:
    """A parked part waits up to the promise, a backorder without end, a cancelled one not at all."""
    decision = Desk(network(policy=policy(after=after))).decide(("MUG", 2))
    (rest,) = decision.rests
    assert (rest.action, rest.until_day, rest.reason, rest.quantities) == (action, until, "no_stock", (2,))


def test_park_days_replace_the_promise() -> None:
    """Two calendar days, whatever was promised."""
    (rest,) = Desk(network(policy=policy(park_days=2))).decide(("MUG", 2)).rests
    assert rest.until_day == TODAY + 2


def test_without_split_an_order_ships_whole_or_not_at_all() -> None:
    """Two nodes that have it together are not enough; one that has it all is, dearer as it may be."""
    rules = network(policy=policy(after=("park",)))
    apart = {AMZ: {"MUG": 5}, PL: {"TEE": 5}}
    decision = Desk(rules, apart).decide(("MUG", 1), ("TEE", 1))
    assert not decision.parts
    assert waits(decision) == [("no_split", 2)]
    assert where(Desk(rules, apart | {OWN: {"MUG": 1, "TEE": 1}}).decide(("MUG", 1), ("TEE", 1))) == [(OWN, 2)]
    assert waits(Desk(rules, {PL: {"MUG": 2}}).decide(("MUG", 3))) == [("no_stock", 3)]
