"""One assignment problem: what the allowed nodes can fill, at least cost, in time before late."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.worlds import AMZ, CARDS, OWN, PL, card, network
from tests.routing.desk import Desk
from tranship.routing.place import Lanes, Placement, attempt, available

DOLLAR = 1_000_000
ALL = (True, True, True)


def attempted(
    desk: Desk,
    *lines: tuple[str, int],
    allowed: tuple[bool, ...] = ALL,
    late: tuple[bool, ...] = (False,) * 3,
    gamma: tuple[int, ...] = (0, 0, 0),
    whole: bool = False,
) -> Placement:
    """An attempt on lanes of which some are late."""
    ask = desk.ask(*lines)
    lanes = Lanes(np.ones(3, np.int64), [0] * 3, [0] * 3, [0] * 3, list(late))
    lanes.mask = [True] * 3
    stock = available(ask, desk.facts, desk.shelf)
    return attempt(ask, desk.facts, lanes, stock, allowed, np.array(gamma, np.int64), whole=whole)


shelf = st.dictionaries(
    st.integers(0, 2), st.dictionaries(st.sampled_from(["MUG", "TEE", "CAP"]), st.integers(0, 6)), max_size=3
)
wanted = st.dictionaries(st.sampled_from(["MUG", "TEE", "CAP"]), st.integers(1, 9), min_size=1)
flags = st.tuples(st.booleans(), st.booleans(), st.booleans())


@given(shelf, wanted, flags, flags)
def test_as_much_is_filled_as_the_allowed_nodes_have(
    stock: dict[int, dict[str, int]], asked: dict[str, int], allowed: tuple[bool, ...], late: tuple[bool, ...]
) -> None:
    """Per line the smaller of what is wanted and what lies at allowed nodes; never more from a node than it has."""
    placement = attempted(Desk(stock=stock), *asked.items(), allowed=allowed, late=late)
    for i, (code, quantity) in enumerate(asked.items()):
        there = {n: stock.get(n, {}).get(code, 0) for n in range(3) if allowed[n]}
        pieces = [(n, q) for position, q, n in placement.pieces if position == i]
        assert sum(q for _, q in pieces) == min(quantity, sum(there.values()))
        assert placement.open[i] == quantity - sum(q for _, q in pieces)
        assert all(0 < q <= there.get(n, 0) for n, q in pieces)
        assert len({n for n, _ in pieces}) == len(pieces)
    assert placement.late == 10_000 * sum(q for _, q, n in placement.pieces if late[n])


@given(shelf, wanted, flags)
def test_whole_means_one_node_or_nothing(
    stock: dict[int, dict[str, int]], asked: dict[str, int], allowed: tuple[bool, ...]
) -> None:
    """A node that has everything ships everything, the cheapest of them; else all stays open."""
    placement = attempted(Desk(stock=stock), *asked.items(), allowed=allowed, whole=True)
    able = [n for n in range(3) if allowed[n] and all(stock.get(n, {}).get(c, 0) >= q for c, q in asked.items())]
    if able:
        assert placement.used() == [able[0]], "Amazon, the 3PL and one's own are in the order of their prices"
        assert not any(placement.open)
    else:
        assert not placement.pieces and placement.open == list(asked.values())


def test_a_node_in_time_is_taken_before_a_cheaper_late_one_line_by_line() -> None:
    """The line that only the late node has comes late; the other one does not."""
    desk = Desk(stock={AMZ: {"MUG": 5, "TEE": 5}, OWN: {"TEE": 5}})
    placement = attempted(desk, ("MUG", 1), ("TEE", 1), late=(True, False, False))
    assert sorted(placement.pieces) == [(0, 1, AMZ), (1, 1, OWN)]
    assert placement.late == 10_000


def test_a_short_line_takes_nodes_in_time_first_then_the_fullest() -> None:
    """Fewer parcels where nothing is late, and nothing late that could be in time."""
    desk = Desk(stock={AMZ: {"MUG": 2}, PL: {"MUG": 6}, OWN: {"MUG": 4}})
    assert [(q, n) for _, q, n in attempted(desk, ("MUG", 9)).pieces] == [(6, PL), (3, OWN)]
    late = attempted(desk, ("MUG", 9), late=(False, True, False))
    assert [(q, n) for _, q, n in late.pieces] == [(4, OWN), (2, AMZ), (3, PL)]


def test_a_price_moves_the_choice_and_is_no_part_of_the_cost() -> None:
    """Amazon at 4 plus a price of 2 loses to the 3PL at 5; what is paid for room is not what the carrier charges."""
    stock = {AMZ: {"MUG": 5}, PL: {"MUG": 5}}
    free = attempted(Desk(stock=stock), ("MUG", 1), gamma=(DOLLAR // 2, 0, 0))
    assert (free.used(), free.cost, free.priced) == ([AMZ], 4 * DOLLAR, 4 * DOLLAR + DOLLAR // 2)
    priced = attempted(Desk(stock=stock), ("MUG", 1), gamma=(2 * DOLLAR, 0, 0))
    assert (priced.used(), priced.cost, priced.priced) == ([PL], 5 * DOLLAR, 5 * DOLLAR)


def test_placements_are_ranked_by_fill_then_promise_then_cost() -> None:
    """The published order, as a tuple."""
    cheap, late, short = Placement(), Placement(), Placement()
    cheap.open, cheap.priced = [0], 9
    late.open, late.late, late.priced = [0], 1, 1
    short.open, short.priced = [1], 0
    assert cheap.rank < late.rank < short.rank


@pytest.mark.parametrize(("units", "node", "dollars"), [(22, PL, 7), (23, AMZ, 12)])
def test_the_exact_card_decides_carton_by_carton(units: int, node: int, dollars: int) -> None:
    """Mugs of 400 g: 22 are two cartons of Amazon's 10 lb at 4 or one of the 3PL's 20 lb at 7, 23 are three or two."""
    cards = {**CARDS, "amz": {**card(4), "table": [{"max_lb": 10, "zones": [4] * 8}]}, "pl": card(7)}
    placement = attempted(Desk(network(cards=cards), {AMZ: {"MUG": 99}, PL: {"MUG": 99}}), ("MUG", units))
    assert (placement.used(), placement.cost) == ([node], dollars * DOLLAR)


def test_a_bundle_is_as_available_as_its_scarcest_part() -> None:
    """Units of a line per node; a bundle has no shelf of its own."""
    desk = Desk(stock={AMZ: {"MUG": 5, "TEE": 9}, PL: {"MUG": 9}, OWN: {"MUG": 1, "TEE": 1}})
    assert available(desk.ask(("SET", 1), ("MUG", 1)), desk.facts, desk.shelf) == [[2, 0, 0], [5, 9, 1]]
