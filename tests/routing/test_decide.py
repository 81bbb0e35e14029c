"""The routing decision under its published precedence: oversell, share cap, promise, cost; then rules and limits one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.worlds import (
    AMZ,
    CARDS,
    OWN,
    PL,
    SKUS,
    TODAY,
    cap,
    card,
    network,
    waits,
    where,
)
from tests.routing.desk import CLOSED, DOLLAR, EVERYWHERE, OPEN, Desk, nodes_of, policy, reason_of
from tranship.core.network import FULL_BP, Network, Sku
from tranship.routing.model import Reason

# -- precedence ----------------------------------------------------------------------------------------------------------

codes = st.sampled_from([sku.code for sku in SKUS])
shelves = st.dictionaries(
    st.integers(0, 2),
    st.dictionaries(st.sampled_from(["MUG", "TEE", "CAP", "GAS", "PLAN"]), st.integers(0, 9)),
    max_size=3,
)
asks = st.dictionaries(codes, st.integers(1, 12), min_size=1, max_size=6)
afters = st.sampled_from([("split", "park"), ("park",), ("split", "backorder"), ("cancel",)])
stories = st.text("A.", max_size=14)


@given(shelves, asks, afters, stories, st.integers(1, 4), st.sampled_from([0, 3, 7]), st.booleans())
def test_no_decision_places_a_unit_that_is_not_there(
    stock: dict[int, dict[str, int]],
    asked: dict[str, int],
    after: tuple[str, ...],
    story: str,
    max_parts: int,
    max_units: int,
    breach: bool,
) -> None:
    """Any shelf, any order, bundles beside their own parts: what is placed is there, and every unit is placed or has a reason."""
    networks = (Network("AMZ", competitor=True, max_units=max_units), Network("PL"), Network("OWN", max_lines=2))
    conflict = "breach" if breach else "park"
    rules = policy(after=after, max_parts=max_parts)
    desk = Desk(network(networks=networks, caps=cap(on_conflict=conflict), policy=rules), stock).entered(story)
    decision = desk.decide(*asked.items())
    left = desk.shelf.copy()
    answered = dict.fromkeys(range(len(asked)), 0)
    for part in decision.parts:
        for line, units in zip(part.lines, part.quantities, strict=True):
            answered[line] += units
            assert units > 0
            sku = SKUS[desk.skus[list(asked)[line]]]
            for code, each in sku.parts or ((sku.code, 1),):
                left[desk.skus[code], part.node] -= each * units
    assert left.min() >= 0, "a unit was placed that is not there"
    for rest in decision.rests:
        assert rest.reason and rest.action
        for line, units in zip(rest.lines, rest.quantities, strict=True):
            answered[line] += units
    assert answered == dict(enumerate(asked.values()))
    assert len({part.node for part in decision.parts}) <= max_parts
    if after in {("park",), ("cancel",)}:
        assert len({part.node for part in decision.parts}) <= 1
    assert len({part.number for part in decision.parts}) == len(decision.parts)


def test_the_cheapest_node_is_chosen_where_nothing_speaks_against_it() -> None:
    """Amazon at 4 before the 3PL at 5 before one's own at 7; the next best are told with what they would cost."""
    decision = Desk(stock=EVERYWHERE).decide(("MUG", 1))
    assert where(decision) == [(AMZ, 1)]
    assert decision.parts[0].cost == 4 * DOLLAR
    assert [(other.nodes, other.cost, other.ruled_out) for other in decision.why.alternatives] == [
        ((PL,), 5 * DOLLAR, "dearer"),
        ((OWN,), 7 * DOLLAR, "dearer"),
    ]
    assert list(decision.why.nodes) == [Reason.OK] * 3


def test_the_cap_goes_before_the_cost() -> None:
    """With no room under the cap the dearer independent node ships, and the story says so."""
    decision = Desk(network(caps=cap()), EVERYWHERE).entered(CLOSED).decide(("MUG", 1))
    assert nodes_of(decision) == [PL]
    assert reason_of(decision, AMZ) is Reason.CAP
    assert decision.why.alternatives[0].ruled_out == "cap"
    assert decision.why.alternatives[0].cost == 4 * DOLLAR
    (gate,) = decision.why.gates
    assert (gate.network, gate.inside, gate.capped, gate.limit, gate.closed) == ("AMZ", 10, 6, 6, True)


def test_the_cap_goes_before_the_promise() -> None:
    """Only Amazon would be in time, but has no room: the order ships late rather than over the cap."""
    slow = {**CARDS, "pl": card(5, 9), "own": card(7, 9)}
    desk = Desk(network(caps=cap(), cards=slow), EVERYWHERE)
    assert nodes_of(desk.entered(OPEN).decide(("MUG", 1))) == [AMZ]
    (part,) = desk.entered(CLOSED).decide(("MUG", 1)).parts
    assert (part.node, part.late) == (PL, True)


def test_the_promise_goes_before_the_cost() -> None:
    """The dearest node ships where only it arrives in time; the others are told to be late."""
    slow = {**CARDS, "amz": card(4, 6), "pl": card(5, 6)}
    decision = Desk(network(cards=slow), EVERYWHERE).decide(("MUG", 1))
    assert nodes_of(decision) == [OWN]
    assert not decision.parts[0].late
    assert reason_of(decision, AMZ) is reason_of(decision, PL) is Reason.LATE


def test_what_nobody_can_deliver_in_time_ships_late_and_says_so() -> None:
    """A late order is better than none."""
    slow = {name: card(5, 8) for name in CARDS}
    (part,) = Desk(network(cards=slow), EVERYWHERE).decide(("MUG", 1)).parts
    assert part.late
    assert part.deliver_day > TODAY + 7


def test_filling_the_order_goes_before_the_promise() -> None:
    """A late node that has the units is used although another one could bring a part of them in time."""
    slow = {**CARDS, "pl": card(5, 8)}
    stock = {AMZ: {"MUG": 1}, PL: {"MUG": 2}}
    assert where(Desk(network(cards=slow), stock).decide(("MUG", 3))) in ([(AMZ, 1), (PL, 2)], [(PL, 2), (AMZ, 1)])


# -- the cap -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conflict", ["park", "breach"])
def test_what_only_the_capped_network_has_is_parked_or_a_marked_breach(conflict: str) -> None:
    """By default it waits for room; a party that prefers to ship gets a part that says so."""
    desk = Desk(network(caps=cap(on_conflict=conflict)), {AMZ: {"MUG": 5}}).entered(CLOSED)
    decision = desk.decide(("MUG", 2))
    if conflict == "park":
        assert waits(decision) == [("cap", 2)]
        assert not decision.parts
        assert reason_of(decision, AMZ) is Reason.CAP
    else:
        assert [(part.node, part.breach) for part in decision.parts] == [(AMZ, True)]
        assert not decision.rests


def test_a_breach_is_the_last_resort() -> None:
    """Where the independent side can fill the order, at whatever cost, the cap is not breached."""
    desk = Desk(network(caps=cap(on_conflict="breach")), {AMZ: {"MUG": 5}, OWN: {"MUG": 5}}).entered(CLOSED)
    assert [(part.node, part.breach) for part in desk.decide(("MUG", 2)).parts] == [(OWN, False)]


def test_within_the_cap_no_part_is_a_breach() -> None:
    """`on_conflict = "breach"` marks nothing while there is room."""
    desk = Desk(network(caps=cap(on_conflict="breach")), EVERYWHERE).entered(OPEN)
    assert [(part.node, part.breach) for part in desk.decide(("MUG", 1)).parts] == [(AMZ, False)]


def test_of_a_split_only_what_needs_the_capped_network_waits() -> None:
    """The line that the 3PL has ships; the one that only Amazon has is parked."""
    desk = Desk(network(caps=cap()), {AMZ: {"MUG": 5, "TEE": 5}, PL: {"TEE": 5}}).entered(CLOSED)
    decision = desk.decide(("MUG", 1), ("TEE", 1))
    assert where(decision) == [(PL, 1)]
    assert decision.parts[0].lines == (1,)
    assert waits(decision) == [("cap", 1)]


def test_a_splits_independent_part_makes_room_for_its_capped_one() -> None:
    """The very first order: alone Amazon's part would be one of one; entered second it is one of two."""
    desk = Desk(network(caps=cap()), {AMZ: {"MUG": 5}, PL: {"TEE": 5}})
    assert waits(desk.decide(("MUG", 1))) == [("cap", 1)]
    decision = desk.decide(("MUG", 1), ("TEE", 1))
    assert nodes_of(decision) == [PL, AMZ], "the independent part is entered first"


def test_of_two_caps_each_sees_its_own_independent_part_first() -> None:
    """The first order there is, split between Amazon and the 3PL: for each of them the other one's part comes before its own."""
    caps = (*cap(), *cap(network="PL", cap_bp=5000))
    desk = Desk(network(caps=caps), {AMZ: {"MUG": 5}, PL: {"TEE": 5}})
    assert sorted(where(desk.decide(("MUG", 1), ("TEE", 1)))) == [(AMZ, 1), (PL, 1)]


def test_a_split_is_not_made_to_make_room() -> None:
    """Two parts would fit under the cap and be no dearer to search for, but one node can ship it all."""
    decision = Desk(network(caps=cap()), EVERYWHERE).decide(("MUG", 1), ("TEE", 1))
    assert where(decision) == [(PL, 2)]


def test_orders_of_an_on_platform_channel_are_not_counted() -> None:
    """Amazon's own marketplace: no gate, no price, no room needed."""
    desk = Desk(network(caps=cap(price_micros=9 * DOLLAR)), EVERYWHERE).entered(CLOSED).entered("AAAA")
    decision = desk.decide(("MUG", 1), channel="amazon")
    assert nodes_of(decision) == [AMZ]
    assert decision.why.gates == ()


def test_each_channel_has_a_window_of_its_own() -> None:
    """The total has room, the shop's own window has none: its order goes independent, another channel's does not."""
    desk = Desk(network(caps=cap()), EVERYWHERE).entered("." * 8, "web").entered("..AAA", "shop")
    assert desk.caps[0].total.admits([(1, True)])
    assert nodes_of(desk.decide(("MUG", 1), channel="shop")) == [PL]
    assert nodes_of(desk.decide(("MUG", 1), channel="web")) == [AMZ]


def test_without_the_cap_the_same_order_goes_to_the_cheapest() -> None:
    """`counted = False` is what a report asks for "without a cap"."""
    desk = Desk(network(caps=cap()), EVERYWHERE).entered(CLOSED)
    assert nodes_of(desk.decide(("MUG", 1), counted=False)) == [AMZ]


def test_the_last_places_are_kept_for_orders_that_only_the_capped_network_can_fill() -> None:
    """With two places left and a reserve of three, an order that the 3PL can ship goes there; one that it cannot does not."""
    stock = {AMZ: {"MUG": 5, "TEE": 5}, PL: {"MUG": 5}}
    desk = Desk(network(caps=cap(reserve=3)), stock).entered("AAAA......")
    decision = desk.decide(("MUG", 1))
    assert nodes_of(decision) == [PL]
    assert decision.why.alternatives[0].ruled_out == "reserve"
    assert nodes_of(desk.decide(("TEE", 1))) == [AMZ]
    assert nodes_of(Desk(network(caps=cap(reserve=0)), stock).entered("AAAA......").decide(("MUG", 1))) == [AMZ]


def test_the_reserve_does_not_make_an_order_late() -> None:
    """An order that the independent side could only fill late counts as one that only the capped network can fill."""
    slow = {**CARDS, "pl": card(5, 9), "own": card(7, 9)}
    desk = Desk(network(caps=cap(reserve=3), cards=slow), EVERYWHERE).entered("AAAA......")
    assert nodes_of(desk.decide(("MUG", 1))) == [AMZ]


def test_the_reserve_of_one_network_does_not_break_the_cap_of_another() -> None:
    """Amazon would like to keep its last places, but the 3PL it would send the order to has no room under its own cap."""
    caps = (*cap(reserve=3), *cap(network="PL", cap_bp=3000))
    desk = Desk(network(caps=caps), {AMZ: {"MUG": 5}, PL: {"MUG": 5}})
    for amazon, other in zip("AAAA......", ".......PPP", strict=True):
        desk.caps[0].enter("web", 1, amazon == "A")
        desk.caps[1].enter("web", 1, other == "P")
    assert nodes_of(desk.decide(("MUG", 1))) == [AMZ]


def test_an_entry_larger_than_the_window_goes_independent_or_waits_with_that_reason() -> None:
    """Seven units never fit where six of the last ten may be capped, however long one waits."""
    by_units = network(caps=cap(measure="units"))
    both = Desk(by_units, EVERYWHERE).entered("." * 10)
    assert nodes_of(both.decide(("MUG", 6))) == [AMZ]
    assert nodes_of(both.decide(("MUG", 7))) == [PL]
    only = Desk(by_units, {AMZ: {"MUG": 50}}).entered("." * 10)
    assert waits(only.decide(("MUG", 7))) == [("larger_than_window", 7)]
    assert where(only.decide(("MUG", 6))) == [(AMZ, 6)]


@pytest.mark.parametrize(("price", "chosen"), [(0, AMZ), (900_000, AMZ), (4 * DOLLAR, PL)])
def test_room_under_the_cap_has_a_price(price: int, chosen: int) -> None:
    """Amazon saves one dollar here: it is worth its room while that costs less. The part's own cost has no price in it."""
    desk = Desk(network(caps=cap(window=1000, price_micros=price)), EVERYWHERE).entered("." * 40 + "A" * 40)
    (capped,) = desk.caps
    assert capped.bucket.price >= 0 if price == 0 else capped.bucket.price > price // 4
    decision = desk.decide(("MUG", 1))
    assert nodes_of(decision) == [chosen]
    assert decision.parts[0].cost == (4 if chosen == AMZ else 5) * DOLLAR
    assert decision.why.gates[0].price == capped.bucket.price


@given(
    st.text("A.", max_size=25), st.integers(1, 3), st.sampled_from(["fulfillment_orders", "units"]), st.integers(0, 4)
)
def test_what_is_decided_is_admitted(story: str, lines: int, measure: str, max_units: int) -> None:
    """Whatever came before: the entries of a decision, taken in order, keep the window within its limit."""
    networks = (Network("AMZ", max_units=max_units), Network("PL"), Network("OWN"))
    stock = {AMZ: {"MUG": 9, "TEE": 9, "CAP": 9}, PL: {"TEE": 9}}
    desk = Desk(network(caps=cap(measure=measure), networks=networks), stock).entered(story)
    decision = desk.decide(*[("MUG", 3), ("TEE", 2), ("CAP", 1)][:lines])
    (state,) = desk.caps
    for part in decision.parts:
        state.enter("web", sum(part.quantities) if measure == "units" else 1, part.node == AMZ)
        if part.node == AMZ:
            for window in state.windows("web"):
                assert window.inside_capped <= 6000 * min(window.entered, 10) // FULL_BP


# -- splits --------------------------------------------------------------------------------------------------------------


def test_an_order_is_split_by_line_where_no_node_has_all_of_it() -> None:
    """Each line ships whole from where it is."""
    decision = Desk(stock={PL: {"MUG": 3}, OWN: {"TEE": 3}}).decide(("MUG", 2), ("TEE", 3))
    assert [(part.node, part.lines, part.quantities) for part in decision.parts] == [
        (PL, (0,), (2,)),
        (OWN, (1,), (3,)),
    ]


def test_a_line_is_split_by_quantity_where_no_node_has_enough() -> None:
    """Ten units from two nodes with six each."""
    decision = Desk(stock={PL: {"MUG": 6}, OWN: {"MUG": 6}}).decide(("MUG", 10))
    assert sorted(where(decision)) == [(PL, 6), (OWN, 4)]
    assert not decision.rests


def test_of_a_short_line_what_is_there_ships_and_the_rest_is_a_part_of_its_own() -> None:
    """Three of ten ship, seven wait for stock."""
    decision = Desk(stock={PL: {"MUG": 3, "TEE": 1}}).decide(("MUG", 10), ("TEE", 1))
    assert where(decision) == [(PL, 4)]
    assert waits(decision) == [("no_stock", 7)]
    assert decision.rests[0].lines == (0,)


def test_a_split_is_not_made_where_one_parcel_is_cheaper() -> None:
    """The exact card decides: two lines at one node cost one carton."""
    decision = Desk(stock={AMZ: {"MUG": 5}, PL: {"MUG": 5, "TEE": 5}}).decide(("MUG", 1), ("TEE", 1))
    assert where(decision) == [(PL, 2)]
    assert decision.parts[0].cost == 5 * DOLLAR


def test_parts_beyond_the_policys_number_wait() -> None:
    """Of three nodes that would ship, the one with the most units does."""
    stock = {AMZ: {"MUG": 1}, PL: {"TEE": 5}, OWN: {"CAP": 2}}
    decision = Desk(network(policy=policy(max_parts=1)), stock).decide(("MUG", 1), ("TEE", 5), ("CAP", 2))
    assert where(decision) == [(PL, 5)]
    assert waits(decision) == [("max_parts", 3)]
    assert decision.parts[0].cost == 5 * DOLLAR, "the part is priced on its own"


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"max_lines": 2}, [(2, 5), (1, 1)]),
        ({"max_units": 4}, [(1, 4), (2, 2)]),
        ({"max_lines": 1, "max_units": 3}, [(1, 3), (1, 1), (1, 1), (1, 1)]),
        ({"max_units": 6}, [(3, 6)]),
    ],
)
def test_a_networks_own_limits_make_several_fulfillment_orders(
    limits: dict[str, int], expected: list[tuple[int, int]]
) -> None:
    """No fulfillment order has more lines or units than its network takes, and nothing is lost between them."""
    networks = (Network("AMZ", **limits), Network("PL"), Network("OWN"))
    decision = Desk(network(networks=networks), EVERYWHERE).decide(("MUG", 4), ("TEE", 1), ("CAP", 1))
    assert [(len(part.lines), sum(part.quantities)) for part in decision.parts] == expected
    assert nodes_of(decision) == [AMZ] * len(expected)
    assert [part.number for part in decision.parts] == list(range(1, len(expected) + 1))


def test_an_mcf_order_of_250_lines_becomes_three_entries() -> None:
    """At most 100 lines each, as Amazon takes them."""
    many = tuple(Sku(f"S{i:03d}", 10) for i in range(250))
    networks = (Network("AMZ", max_lines=100, max_units=250), Network("PL"), Network("OWN"))
    stock = {AMZ: {sku.code: 1 for sku in many}}
    decision = (
        Desk(network(networks=networks, skus=many, caps=cap()), stock)
        .entered("." * 10)
        .decide(*[(sku.code, 1) for sku in many])
    )
    assert [len(part.lines) for part in decision.parts] == [100, 100, 50]


def test_each_piece_of_a_large_part_needs_room_under_the_cap() -> None:
    """Three fulfillment orders of Amazon do not fit where there is room for two."""
    networks = (Network("AMZ", max_units=2), Network("PL"), Network("OWN"))
    tight = Desk(network(networks=networks, caps=cap()), EVERYWHERE).entered("....AAAA..")
    assert nodes_of(tight.decide(("MUG", 4))) == [AMZ, AMZ]
    assert nodes_of(tight.decide(("MUG", 6))) == [PL]


# -- bundles -------------------------------------------------------------------------------------------------------------


def test_a_bundle_takes_all_of_its_parts_from_one_node_or_none() -> None:
    """Two mugs here and the shirt there make no set."""
    assert where(Desk(stock={PL: {"MUG": 2, "TEE": 1}}).decide(("SET", 1))) == [(PL, 1)]
    apart = Desk(stock={PL: {"MUG": 2}, OWN: {"TEE": 1}}).decide(("SET", 1))
    assert not apart.parts
    assert waits(apart) == [("no_stock", 1)]
    assert not Desk(stock={PL: {"MUG": 1, "TEE": 5}}).decide(("SET", 1)).parts


def test_as_many_bundles_ship_as_the_scarcest_part_allows() -> None:
    """Seven mugs and nine shirts make three sets."""
    decision = Desk(stock={PL: {"MUG": 7, "TEE": 9}}).decide(("SET", 5))
    assert where(decision) == [(PL, 3)]
    assert waits(decision) == [("no_stock", 2)]


def test_a_bundle_and_its_own_part_share_one_shelf() -> None:
    """Three mugs cannot be one set and two mugs more."""
    decision = Desk(stock={PL: {"MUG": 3, "TEE": 1}}).decide(("SET", 1), ("MUG", 2))
    placed = {part.lines: part.quantities for part in decision.parts}
    assert placed == {(0, 1): (1, 1)}
    assert waits(decision) == [("bundle", 1)]
