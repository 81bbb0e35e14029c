"""`explain`: the story of an order in words, and numbers that add up to what was decided."""

from pathlib import Path

import pytest

from tests.engine.worlds import AMZ, CARDS, CUT_OFF, DAY, MONDAY, OWN, PL, Run, cap, card, network, sqlite
from tests.sim.exports import network_file, save, uci_rows
from tranship.core.errors import InputError
from tranship.core.network import Policy
from tranship.engine.explain import Story, explain
from tranship.engine.run import open_store
from tranship.sim.replay import replay


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run on disk with Amazon capped, a preference for one's own node where it can, and little stock."""
    made = Run(network(caps=cap()), shard=sqlite(tmp_path))
    made.stock(AMZ, MUG=20)
    made.stock(PL, MUG=3, TEE=2)
    yield made  # type: ignore[misc]
    made.shard.store.close()


def told(run: Run, number: object) -> Story:
    """The story of an order."""
    return explain(run.shard.store, f"test:{number}")


def test_every_charge_of_a_replay_adds_up_to_what_was_decided(tmp_path: Path) -> None:
    """Each fulfillment order of each decision, quoted anew from the tables of its day: the sum is its cost, to the micro."""
    run = tmp_path / "run"
    replay(save(tmp_path, uci_rows()), network_file(tmp_path), run)
    store = open_store(run, read_only=True)
    numbers = [str(row[0]) for row in store.query("SELECT order_id FROM orders")]
    parts = [part for n in numbers for story in explain(store, n).decisions for part in story.parts]
    assert len(parts) >= 120
    for part in parts:
        assert part.adds_up, part
        assert sum(charge.micros for charge in part.charges) == part.cost
    store.close()


def test_a_decision_is_told_with_what_spoke_against_the_others(run: Run) -> None:
    """The cap closed Amazon: what it would have cost, how full the window is, and that the own node has none."""
    run.place(1, ("MUG", 1))
    (decision,) = told(run, 1).decisions
    assert [(part.node, part.cost) for part in decision.parts] == [("PL-1", 5_000_000)]
    verdicts = {node.node: node.verdict for node in decision.nodes}
    assert verdicts == {"AMZ-1": "share cap has no room", "PL-1": "ships", "OWN-1": "no stock of these goods"}
    assert decision.caps == ("AMZ: 0 of the last 0 counted, 0 allowed; no room for this order",)
    assert decision.alternatives[0].startswith("AMZ-1: 4.00 USD (-1.00), ruled out by the share cap")


def test_what_waits_is_told_with_its_reason_and_what_became_of_it(run: Run) -> None:
    """Parked, decided again on a receipt, shipped, partly returned, expired: one line each, in order."""
    run.place(1, ("TEE", 4))
    run.tick(CUT_OFF)
    run.stock(OWN, CUT_OFF, TEE=1)
    run.take_back(1, 1, 1, CUT_OFF)
    run.tick(MONDAY + 10 * DAY)
    story = told(run, 1)
    assert [decision.about for decision in story.decisions] == ["the order as it came", "parked part test:1/p1 again"]
    assert "no node that may ship them has them" in story.decisions[0].waits[0]
    words = " | ".join(story.later)
    assert "test:1/1 shipped" in words and "customer takes back 1 of TEE" in words
    assert story.later == tuple(sorted(story.later, key=lambda line: line[:16])), "in the order of time"


def test_an_order_is_found_by_its_number_and_near_ones_are_named(run: Run) -> None:
    """The id or the bare number; a wrong one gets a hint."""
    run.place("A-1", ("MUG", 1))
    run.place("A-2", ("MUG", 1))
    assert explain(run.shard.store, "A-1").order == "test:A-1"
    with pytest.raises(InputError, match=r"no order 'A-0'.*test:A-1"):
        explain(run.shard.store, "A-0")


def test_orders_whose_ids_begin_alike_are_not_mixed_up(run: Run) -> None:
    """Number 1 is in number 10 and 11; their stories are their own."""
    for n in (1, 10, 11):
        run.place(n, ("MUG", 1))
    run.tick(CUT_OFF)
    for n in (1, 10, 11):
        story = told(run, n)
        assert len(story.decisions) == 1
        assert [line.split(" UTC ")[1] for line in story.later] == [f"test:{n}/1 shipped"]


def test_a_preference_is_told_with_its_price(tmp_path: Path) -> None:
    """Three dollars more for the own warehouse, because the party prefers it."""
    run = Run(network(policy=Policy(prefer=("OWN",)), cards={**CARDS, "own": card(7)}), shard=sqlite(tmp_path))
    run.stock(AMZ, MUG=1)
    run.stock(OWN, MUG=1)
    run.place(1, ("MUG", 1))
    (decision,) = told(run, 1).decisions
    assert decision.parts[0].node == "OWN-1"
    assert decision.alternatives[0].startswith("AMZ-1: 4.00 USD (-3.00), ruled out by a preference")
    run.shard.store.close()
