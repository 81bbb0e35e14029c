"""What customers take back: a void before the cut-off, a return after it, from what waits first; and what that does to the cap."""

import pytest

from tests.engine.audit import audit
from tests.engine.worlds import (
    AMZ,
    CUT_OFF,
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
    where,
)
from tranship.core.ledger import Bucket


@pytest.fixture
def run() -> Run:
    """Ten mugs at the 3PL."""
    made = Run()
    made.stock(PL, MUG=10)
    return made


def test_before_the_cut_off_units_go_back_to_the_shelf(run: Run) -> None:
    """Part of it: the fulfillment order is smaller. All of it: it is cancelled, and nothing ships."""
    run.place(1, ("MUG", 3))
    events = run.take_back(1, 1, 2)
    assert kinds(events) == ["cancel", "voided"]
    assert not of_kind(events, "voided")[0].whole
    assert (run.shelf(PL, "MUG"), run.shelf(PL, "MUG", Bucket.RESERVED)) == (9, 1)
    events = run.take_back(1, 1, 1)
    assert of_kind(events, "voided")[0].whole
    assert run.held(1).status() == "CANCELLED"
    assert kinds(run.tick(CUT_OFF)) == ["ticked"]
    assert run.shelf(PL, "MUG") == 10


def test_after_shipping_units_come_back_as_a_return(run: Run) -> None:
    """On the road or delivered: they lie in `returned`, not on the shelf, and the order stays complete."""
    run.place(1, ("MUG", 3))
    run.tick(CUT_OFF)
    assert run.shelf(PL, "MUG", Bucket.IN_TRANSIT) == 3
    assert kinds(run.take_back(1, 1, 1, CUT_OFF)) == ["cancel", "returned"]
    run.tick(MONDAY + 4 * DAY)
    assert run.shelf(PL, "MUG", Bucket.DELIVERED) == 2, "the one that turned back on the road never arrives"
    assert kinds(run.take_back(1, 1, 1, MONDAY + 5 * DAY)) == ["cancel", "returned"]
    assert (run.shelf(PL, "MUG", Bucket.RETURNED), run.shelf(PL, "MUG", Bucket.DELIVERED)) == (2, 1)
    assert run.held(1).status() == "COMPLETE"
    assert run.shelf(PL, "MUG") == 7
    assert audit(run.shard.store) == []


def test_what_waits_is_taken_back_first_then_what_has_not_shipped_then_what_has() -> None:
    """Six units of one line: two shipped, two at the node, two parked. Five come back, from the end."""
    run = Run()
    run.stock(PL, MUG=2)
    run.place(1, ("MUG", 6))
    run.tick(CUT_OFF)
    run.stock(OWN, CUT_OFF, MUG=2)
    assert [part.status for part in run.held(1).parts.values()] == ["SHIPPED", "PROCESSING"]
    events = run.take_back(1, 1, 5, CUT_OFF)
    assert kinds(events) == ["cancel", "reduced", "voided", "returned"]
    assert [event.quantities for event in events[1:]] == [(2,), (2,), (1,)]
    assert run.held(1).rests == {}


def test_more_than_there_is_comes_back_as_an_exception(run: Run) -> None:
    """What can be taken back is, the rest is told; and a third time there is nothing left."""
    run.place(1, ("MUG", 3))
    events = run.take_back(1, 1, 5)
    assert kinds(events) == ["cancel", "voided", "exception"]
    assert of_kind(events, "exception")[0].kind == "cancel_beyond"
    assert "2 of 5 units" in of_kind(events, "exception")[0].detail
    assert kinds(run.take_back(1, 1, 1)) == ["cancel", "exception"]
    assert run.shelf(PL, "MUG") == 10
    assert audit(run.shard.store) == []


def test_a_return_is_taken_once(run: Run) -> None:
    """Three units shipped: the fourth that somebody sends back is an exception."""
    run.place(1, ("MUG", 3))
    run.tick(CUT_OFF)
    run.take_back(1, 1, 2, CUT_OFF)
    assert kinds(run.take_back(1, 1, 2, CUT_OFF)) == ["cancel", "returned", "exception"]
    assert kinds(run.take_back(1, 1, 1, CUT_OFF)) == ["cancel", "exception"]
    assert run.shelf(PL, "MUG", Bucket.RETURNED) == 3


def test_a_bundle_comes_back_with_all_of_its_parts() -> None:
    """Void and return move two mugs and a shirt."""
    run = Run()
    run.stock(PL, MUG=6, TEE=3)
    run.place(1, ("SET", 3))
    run.take_back(1, 1, 1)
    assert (run.shelf(PL, "MUG"), run.shelf(PL, "TEE")) == (2, 1)
    run.tick(CUT_OFF)
    run.take_back(1, 1, 1, CUT_OFF)
    assert (run.shelf(PL, "MUG", Bucket.RETURNED), run.shelf(PL, "TEE", Bucket.RETURNED)) == (2, 1)


# -- the cap -------------------------------------------------------------------------------------------------------------


def capped_run() -> Run:
    """Two orders of the independent side, then two of Amazon: half of four, and no room for a third."""
    run = Run(network(caps=cap(cap_bp=5000, window=4)))
    run.stock(AMZ, MUG=9)
    run.stock(OWN, TEE=9)
    for n, sku in enumerate(("TEE", "TEE", "MUG", "MUG")):
        run.place(n, (sku, 2))
    return run


def test_a_void_on_the_capped_network_turns_its_entry_in_place() -> None:
    """The window keeps its four entries; one of them is not Amazon's any more, so there is room for another."""
    run = capped_run()
    run.place(9, ("MUG", 1))
    assert [rest.reason for rest in run.held(9).rests.values()] == ["cap"]
    events = run.take_back(3, 1, 2)
    assert kinds(events) == ["cancel", "voided", "routed"], "who waited for room is served at once"
    (state,) = run.state.caps
    assert (state.total.entered, state.total.inside_capped, state.total.voided) == (5, 2, 1)
    assert state.total.max_share_bp == 5000
    assert audit(run.shard.store) == []


def test_a_partial_void_leaves_the_entry_as_it_is() -> None:
    """A fulfillment order of one unit is one as well."""
    run = capped_run()
    run.take_back(3, 1, 1)
    (state,) = run.state.caps
    assert (state.total.inside_capped, state.total.voided) == (2, 0)


def test_a_void_on_an_independent_node_keeps_its_entry() -> None:
    """It was independent, it stays so: nothing leaves the window, no room is lost or made."""
    run = capped_run()
    before = run.state.caps[0].total.digest()
    run.take_back(1, 1, 2)
    assert run.held(1).status() == "CANCELLED"
    assert run.state.caps[0].total.digest() == before


def test_a_return_leaves_cap_and_decision_as_they_were() -> None:
    """Nine days later nobody's share of last week changes."""
    run = capped_run()
    run.tick(CUT_OFF)
    before = (run.state.caps[0].total.digest(), run.held(3).parts[1].node, run.held(3).parts[1].cost)
    run.take_back(3, 1, 2, MONDAY + 9 * DAY)
    assert (run.state.caps[0].total.digest(), run.held(3).parts[1].node, run.held(3).parts[1].cost) == before


@pytest.mark.parametrize(
    "caps",
    [
        (),
        cap(cap_bp=5000, window=7),
        (*cap(network="PL", cap_bp=5000, window=4), *cap(cap_bp=5000, window=4)),
        cap(cap_bp=5000, window=4, per_channel=False),
    ],
    ids=["gone", "another-window", "another-place", "without-channels"],
)
def test_a_void_finds_its_entry_after_the_caps_of_the_document_changed(caps: tuple[object, ...]) -> None:
    """The counter it was entered in is the one that is turned, wherever the document has it now."""
    run = capped_run()
    run.load(network(caps=caps))
    assert kinds(run.take_back(3, 1, 2)) == ["cancel", "voided"]
    for state in run.state.caps:
        if (state.cap.network, state.cap.window) == ("AMZ", 4):
            assert state.total.inside_capped == 1
    assert audit(run.shard.store) == []
    before = run.shard.hash()
    run.shard.rebuild()
    assert run.shard.hash() == before


# -- capacity ------------------------------------------------------------------------------------------------------------


def test_a_void_gives_back_the_capacity_that_it_took_and_no_more() -> None:
    """Ten units over three days and two more beside them: taking the ten back leaves the two where they are."""
    run = Run(network(nodes=node(PL, capacity_units=4)))
    run.stock(PL, MUG=30)
    run.place("large", ("MUG", 10))
    run.place("small", ("MUG", 2))
    assert run.state.used[PL] == {TODAY: 4, TODAY + 1: 4, TODAY + 2: 4}
    run.take_back("large", 1, 10)
    assert {day: units for day, units in run.state.used[PL].items() if units} == {TODAY + 2: 2}
    assert [where(run.place(n, ("MUG", 4))) for n in range(2)] == [[(PL, 4)]] * 2
    assert run.place("third", ("MUG", 4)).parts[0].ship_day == TODAY + 3, "two places are left on the third day"
    assert audit(run.shard.store) == []


def test_a_partial_void_gives_back_the_last_days_first() -> None:
    """What is left ships on the day that was said; the days before it stay as full as they are needed."""
    run = Run(network(nodes=node(PL, capacity_units=4)))
    run.stock(PL, MUG=30)
    run.place("large", ("MUG", 10))
    run.take_back("large", 1, 3)
    assert {day: units for day, units in run.state.used[PL].items() if units} == {TODAY: 4, TODAY + 1: 3}
