"""The promise as a probability in decisions: who is in time, who is likeliest where nobody is, what lateness costs, what to promise."""

import msgspec
import pytest

from tests.engine.worlds import AMZ, CARDS, HOUR, MONDAY, NODES, OWN, PL, TODAY, card, network, node
from tests.routing.desk import DOLLAR, EVERYWHERE, Desk, nodes_of, reason_of
from tranship.core.network import Policy, Promise, Transit
from tranship.core.time import add_working_days
from tranship.routing.computed import computed_promise
from tranship.routing.decide import decide_at_length
from tranship.routing.model import Reason
from tranship.routing.odds import Lane

IN_TWO = TODAY + 2
"""Wednesday: what every node plans for an order of Monday morning."""
CODES = tuple(one.code for one in NODES)


def sure(node: int, in_time: int, of: int = 1000, *, days: int = 3) -> tuple[Transit, ...]:
    """Shipments to New York that were planned for two days: so many in time, the others `days` late."""
    code = CODES[node]
    rows = (
        Transit(code, "100", "ground", 2, 2, 24_314, in_time),
        Transit(code, "100", "ground", 2, 2 + days, 24_314, of - in_time),
    )
    return tuple(row for row in rows if row.count)


def seen(*nodes: tuple[Transit, ...], **rules: int) -> Promise:
    """Promise rules over these shipments."""
    return Promise(observed=tuple(row for rows in nodes for row in rows), **rules)


ALL = (sure(AMZ, 600), sure(PL, 950), sure(OWN, 990))
"""Amazon is cheapest and keeps three promises of five; one's own keeps all and is dearest."""


def desk(promise: Promise, **changes: object) -> Desk:
    """A desk under these rules, with stock everywhere."""
    return Desk(network(promise=promise, **changes), EVERYWHERE)


def test_without_observations_planned_days_are_taken_at_their_word():
    """In time is certain, and late is certain: everything as it was without probabilities."""
    (part,) = desk(Promise()).decide(("MUG", 1), promise_day=IN_TWO).parts
    assert (part.node, part.late, part.on_time_bp) == (AMZ, False, 10_000)
    (part,) = desk(Promise()).decide(("MUG", 1), promise_day=TODAY + 1).parts
    assert (part.node, part.late, part.on_time_bp) == (AMZ, True, 0)


def test_a_node_that_is_not_sure_enough_gives_way_to_one_that_is():
    """Nine in ten are asked: the cheapest keeps six, the next one does."""
    decision = desk(seen(*ALL)).decide(("MUG", 1), promise_day=IN_TWO)
    assert nodes_of(decision) == [PL]
    assert reason_of(decision, AMZ) is Reason.LATE
    (part,) = decision.parts
    assert not part.late and 9300 <= part.on_time_bp <= 9600


@pytest.mark.parametrize(("level", "chosen"), [(5000, AMZ), (9000, PL), (9700, OWN)])
def test_the_level_decides_who_counts_as_in_time(level, chosen):
    """The surer it has to be, the dearer the node."""
    assert nodes_of(desk(seen(*ALL, level_bp=level)).decide(("MUG", 1), promise_day=IN_TWO)) == [chosen]


def test_where_nobody_is_sure_enough_the_likeliest_goes_before_the_cheapest():
    """It is late by the rule, and says how likely it is to arrive all the same."""
    (part,) = desk(seen(*ALL, level_bp=9990)).decide(("MUG", 1), promise_day=IN_TWO).parts
    assert part.node == OWN and part.late and part.on_time_bp > 9700


def test_the_likeliest_goes_first_line_by_line_for_pieces_and_for_whole_orders():
    """A line that only the worst node has comes from there; a short one takes the likeliest first; one node for all is the likeliest."""
    promise = seen(*ALL, level_bp=9990)
    split = Desk(network(promise=promise), {AMZ: {"MUG": 5, "TEE": 5}, OWN: {"TEE": 5}})
    assert nodes_of(split.decide(("MUG", 1), ("TEE", 1), promise_day=IN_TWO)) == [AMZ, OWN]
    short = Desk(network(promise=promise), {AMZ: {"MUG": 9}, PL: {"MUG": 3}, OWN: {"MUG": 2}})
    parts = short.decide(("MUG", 10), promise_day=IN_TWO).parts
    assert {part.node: part.quantities for part in parts} == {OWN: (2,), PL: (3,), AMZ: (5,)}
    whole = desk(promise, policy=Policy(after=("park",)))
    assert nodes_of(whole.decide(("MUG", 1), ("TEE", 1), promise_day=IN_TWO)) == [OWN]


def test_a_preference_does_not_go_before_a_likelier_arrival():
    """Promise before preference: a preferred node that is less likely is left."""
    preferring = desk(seen(*ALL, level_bp=9990), policy=Policy(prefer=("AMZ",)))
    assert nodes_of(preferring.decide(("MUG", 1), promise_day=IN_TWO)) == [OWN]


def test_a_day_more_makes_a_slow_node_sure():
    """Odds are read at the promise: what is three days late at worst is in time three working days later."""
    slow = desk(seen(*ALL))
    assert nodes_of(slow.decide(("MUG", 1), promise_day=IN_TWO)) == [PL]
    assert nodes_of(slow.decide(("MUG", 1), promise_day=add_working_days(IN_TWO, 3))) == [AMZ]


@pytest.mark.parametrize(
    ("late_minor", "chosen"), [(1, AMZ), (250, AMZ), (350, PL), (4000, PL), (10_000, OWN)]
)  # Amazon $4 at 40 % late, the 3PL $5 at 5 %, one's own $7 at 1 %
def test_lateness_as_a_price_weighs_against_cost(late_minor, chosen):
    """$1 more for 35 points less pays from about $2.90 on, $2 more for 4 points from $50 on."""
    found = desk(seen(*ALL, late_minor=late_minor)).decide(("MUG", 1), promise_day=IN_TWO)
    assert nodes_of(found) == [chosen]


def test_a_price_of_lateness_is_in_what_was_minimized_and_not_in_the_cost():
    """$4 on the card, four in ten of a dollar for lateness; per unit."""
    decision = desk(seen(sure(AMZ, 600), level_bp=9000, late_minor=100)).decide(("MUG", 3), promise_day=IN_TWO)
    (part,) = decision.parts
    assert part.node == AMZ and part.late, "not sure enough by the level, and chosen all the same"
    assert part.cost == 4 * DOLLAR
    assert decision.why.priced == 4 * DOLLAR + 3 * (10_000 - part.on_time_bp) * 100
    assert Reason.LATE not in [Reason(reason) for reason in decision.why.nodes]


def test_lateness_without_observations_costs_all_or_nothing():
    """A planned day after the promise is late for certain."""
    document = network(promise=Promise(late_minor=150), cards={**CARDS, "amz": card(4, 4)})
    late = Desk(document, EVERYWHERE)
    assert nodes_of(late.decide(("MUG", 1), promise_day=IN_TWO)) == [PL]
    dear = Desk(msgspec.structs.replace(document, promise=Promise(late_minor=90)), EVERYWHERE)
    assert nodes_of(dear.decide(("MUG", 1), promise_day=IN_TWO)) == [AMZ]


def test_the_long_way_weighs_lateness_too():
    """Three lines, decided at length: at $300 a late unit the surest node."""
    lines = [("MUG", 1), ("TEE", 2), ("CAP", 1)]
    pricing = desk(seen(*ALL, late_minor=30_000))
    ask = pricing.ask(*lines, promise_day=IN_TWO)
    assert nodes_of(decide_at_length(ask, pricing.facts, pricing.now)) == [OWN]


def test_observations_without_planned_days_are_held_against_the_nodes_own():
    """Two days are what the card says: five are three late."""
    rows = (Transit("AMZ-1", "100", "", -1, 5, 0, 500), Transit("PL-1", "999", "", -1, 2, 0, 500))
    facts = desk(Promise(observed=rows)).facts
    odds = facts.lateness.odds
    assert odds is not None
    lane = Lane("AMZ-1", "", "100", "NY", "ground", 2)
    assert odds.chance(lane, 2) < 600 and odds.chance(lane, 3) > 8800


def test_shipments_of_a_node_that_is_gone_are_left_out():
    """The file may be older than the network."""
    rows = (Transit("GONE", "100", "", 2, 9, 0, 10_000), *sure(AMZ, 1000))
    assert nodes_of(desk(Promise(observed=rows)).decide(("MUG", 1), promise_day=IN_TWO)) == [AMZ]


def test_a_computed_promise_is_the_level_of_the_node_it_would_go_to():
    """The cheapest keeps two days in six of ten cases and five days always: five are promised."""
    computing = desk(seen(*ALL))
    ask = computing.ask(("MUG", 1))
    assert computed_promise(ask, computing.facts, computing.now) == add_working_days(TODAY, 5)
    relaxed = desk(seen(*ALL, level_bp=5000))
    assert computed_promise(relaxed.ask(("MUG", 1)), relaxed.facts, relaxed.now) == IN_TWO
    assert ask.promise_day == computing.ask(("MUG", 1)).promise_day, "the ask is as it was"


def test_a_computed_promise_keeps_the_order_where_it_is_cheapest():
    """What was promised is in time at the node that it was computed from."""
    computing = desk(seen(*ALL))
    day = computed_promise(computing.ask(("MUG", 1)), computing.facts, computing.now)
    (part,) = computing.decide(("MUG", 1), promise_day=day).parts
    assert part.node == AMZ and not part.late and part.on_time_bp >= 9000


def test_a_computed_promise_is_that_of_the_slowest_part_and_none_where_nothing_is_there():
    """Two nodes, the later one counts; an empty shelf promises nothing."""
    both = Desk(network(promise=seen(*ALL)), {AMZ: {"MUG": 1}, OWN: {"TEE": 1}})
    assert computed_promise(both.ask(("MUG", 1), ("TEE", 1)), both.facts, both.now) == add_working_days(TODAY, 5)
    empty = Desk(network(promise=seen(*ALL)), {})
    assert computed_promise(empty.ask(("MUG", 1)), empty.facts, empty.now) == 0


def test_a_promise_may_be_longer_than_its_level_where_a_day_more_is_worth_it():
    """At a level of one half two days would do; where lateness is as bad as twenty days, three more are cheap."""
    patient = desk(seen(*ALL, level_bp=5000, late_days=20))
    assert computed_promise(patient.ask(("MUG", 1)), patient.facts, patient.now) == add_working_days(TODAY, 5)
    hasty = desk(seen(*ALL, level_bp=5000, late_days=5))
    assert computed_promise(hasty.ask(("MUG", 1)), hasty.facts, hasty.now) == IN_TWO


def test_a_full_node_is_late_with_the_odds_of_the_day_it_ships():
    """Capacity moves the ship day and with it what is stated."""
    full = Desk(network(promise=seen(sure(AMZ, 950)), nodes=node(AMZ, capacity_units=5)), {AMZ: {"MUG": 9}})
    on_time = []
    for used in (0, 5):
        full.used[AMZ] = {TODAY: used}
        on_time.append(full.decide(("MUG", 1), promise_day=IN_TWO).parts[0].on_time_bp)
    assert on_time[0] > 9300 and on_time[1] < 100


@pytest.mark.parametrize("taken", [0, 4, 5, 9])
def test_the_price_of_a_nodes_day_is_that_of_the_day_it_would_ship(taken):
    """Today's work at Amazon is dear: an order that ships today goes elsewhere, one that would ship tomorrow stays."""
    scarce = Desk(network(nodes=node(AMZ, capacity_units=5)), EVERYWHERE).priced(days={(AMZ, TODAY): 2 * DOLLAR})
    scarce.used[AMZ] = {TODAY: min(taken, 5), TODAY + 1: max(0, taken - 5)}
    (part,) = scarce.decide(("MUG", 1), promise_day=TODAY + 5).parts
    assert (part.node, part.ship_day) == ((PL, TODAY) if taken < 5 else (AMZ, TODAY + 1))


@pytest.mark.parametrize("later", range(8))
def test_every_ship_day_can_have_a_price(later):
    """Whatever day capacity or the clock leads to, its price is the one that counts."""
    days = {(AMZ, day): 2 * DOLLAR for day in (TODAY + 1, TODAY + 4, TODAY + 8)}
    busy = Desk(network(nodes=node(AMZ, capacity_units=5)), EVERYWHERE).priced(days=days)
    decision = busy.decide(("MUG", 1), at=MONDAY + later * 24 * HOUR, promise_day=TODAY + 20)
    ships = add_working_days(TODAY + later, 0)
    assert nodes_of(decision) == [PL if (AMZ, ships) in days else AMZ]


def test_a_dearer_node_today_leaves_the_scarce_one_for_orders_that_need_it():
    """Ten units of work a day, twelve orders, the last four of goods that only Amazon has: with the day's price none of them waits."""
    goods = {AMZ: {"MUG": 99, "TEE": 99}, PL: {"MUG": 99}}
    shipped = {}
    for price in (0, 2 * DOLLAR):
        peak = Desk(network(nodes=node(AMZ, capacity_units=10)), goods).priced(days={(AMZ, TODAY): price})
        late = 0
        for i in range(12):
            (part,) = peak.decide(("MUG", 1) if i < 8 else ("TEE", 1), promise_day=IN_TWO).parts
            peak.used[part.node][part.ship_day] = peak.used[part.node].get(part.ship_day, 0) + 1
            late += part.late
        shipped[price] = late
    assert shipped == {0: 2, 2 * DOLLAR: 0}
