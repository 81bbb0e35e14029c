"""Stock truth: a count never overwrites; what differs is posted, shown, and above a limit not sold."""

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.connected import Handed, connected
from tests.engine.worlds import AMZ, MONDAY, PL
from tranship.core.ledger import Bucket
from tranship.dispatch.model import Parcel
from tranship.engine import commands as cmd

MUG = 0


def count(run: Handed, units: int, inbound: int = 0, later: int = 120) -> None:
    """The first network counts mugs."""
    run.later(later)
    run.do(cmd.CountStock(f"c{run.at}", AMZ, (MUG,), (units,), (inbound,), run.at))


def test_a_count_that_agrees_changes_nothing():
    """Shelf and reserved together are what is there."""
    run = Handed(MUG=20)
    run.held_there()
    before = run.state.ledger.totals()
    count(run, 20)
    assert (run.state.ledger.totals(), run.state.drifts) == (before, {})


def test_units_that_may_have_left_unheard_are_no_drift():
    """A released order's units are there or gone: both are explained."""
    run = Handed(MUG=20)
    run.held_there(release=True)
    count(run, 18)
    assert run.state.drifts == {}
    count(run, 20)
    assert run.state.drifts == {}
    count(run, 17)
    assert run.state.drifts == {(MUG, AMZ): -1}


def test_missing_units_leave_the_shelf_at_once_and_are_shown():
    """Posted to unaccounted; the count itself is never taken over."""
    run = Handed(MUG=20)
    count(run, 17)
    assert (run.shelf(AMZ, "MUG"), run.shelf(AMZ, "MUG", Bucket.UNACCOUNTED)) == (17, 3)
    assert run.state.drifts == {(MUG, AMZ): -3}
    run.sound()


def test_missing_units_come_back_only_when_two_counts_say_so():
    """A count that lags looks just like a surplus."""
    run = Handed(MUG=20)
    count(run, 17)
    count(run, 20)
    assert run.shelf(AMZ, "MUG") == 17
    count(run, 20)
    assert (run.shelf(AMZ, "MUG"), run.shelf(AMZ, "MUG", Bucket.UNACCOUNTED)) == (20, 0)
    run.sound()


def test_a_count_from_before_a_shipment_is_no_surplus():
    """Between two counts something left: the first of them confirms nothing."""
    run = Handed(MUG=20)
    count(run, 18)
    remote_id = run.held_there(release=True)
    count(run, 20)
    run.report(remote_id, "COMPLETE", (Parcel("p1", "UPS", "1Z"),))
    count(run, 18)
    count(run, 18)
    assert run.shelf(AMZ, "MUG") <= 18


def test_a_surplus_that_the_books_never_missed_is_not_sold():
    """Somebody's receipt, or a lie: shown until a person books it."""
    run = Handed(MUG=20)
    count(run, 23)
    count(run, 23)
    assert (run.shelf(AMZ, "MUG"), run.state.drifts) == (20, {(MUG, AMZ): 3})


def test_what_is_inbound_is_not_sold():
    """On its way to a shelf is not on it."""
    run = Handed(MUG=20)
    count(run, 20, inbound=500)
    assert run.shelf(AMZ, "MUG") == 20


def test_a_count_far_off_closes_the_sku_there_until_one_agrees():
    """New orders go elsewhere; the units stay in the books."""
    run = Handed(connected(drift_limit=5), MUG=20)
    count(run, 10)
    assert (run.shelf(AMZ, "MUG"), run.shelf(AMZ, "MUG", Bucket.RESEARCHING)) == (0, 10)
    assert run.exceptions() == ["drift"]
    assert run.place(1, ("MUG", 1)).parts[0].node == PL
    run.stock(AMZ, at=run.later(), MUG=4)
    assert run.shelf(AMZ, "MUG") == 0
    count(run, 14)
    assert run.shelf(AMZ, "MUG") == 14
    run.sound()


def test_a_person_closes_and_opens_a_shelf():
    """Whatever is there, or comes in, is not sold in between."""
    run = Handed(MUG=20)
    run.do(cmd.SwitchShelf("AMZ-1", "MUG", True, "recalled lot", run.later()))
    assert run.place(1, ("MUG", 1)).parts[0].node == PL
    count(run, 20)
    assert run.shelf(AMZ, "MUG") == 0
    run.do(cmd.SwitchShelf("AMZ-1", "MUG", False, "cleared", run.later()))
    assert run.place(2, ("MUG", 1)).parts[0].node == AMZ
    run.sound()


@given(st.lists(st.tuples(st.sampled_from(["place", "count", "ship", "recall"]), st.integers(0, 12)), max_size=25))
def test_whatever_is_counted_nothing_is_sold_that_is_not_there(acts: list[tuple[str, int]]):
    """A truthful network that lags by one count: the shelf here never shows more than what is there unpromised."""
    run = Handed(MUG=10)
    there, before, shipped = 10, 10, set()
    for act, number in acts:
        open_ids = [r for r in run.state.open_dispatches if run.one(r).state == "LIVE"]
        if act == "place":
            run.place(f"x{len(run.state.orders)}", ("MUG", 1))
            for remote_id in run.hand_over("ship"):
                run.hear(remote_id, "create", "ok", "HELD")
                run.hear(remote_id, "release")
        elif act == "count":
            count(run, before if number % 3 else there)
            before = there
        elif act == "ship" and open_ids:
            remote_id = open_ids[number % len(open_ids)]
            d = run.one(remote_id)
            there -= run.state.orders[d.order_id].parts[d.number].units()
            shipped.add(remote_id)
            run.report(remote_id, "COMPLETE", (Parcel("p", "UPS", "1Z"),))
        elif act == "recall" and open_ids and open_ids[0] not in shipped:
            run.hear(open_ids[0], "get", "ok", "PROCESSING")
        assert run.shelf(AMZ, "MUG") + run.shelf(AMZ, "MUG", Bucket.RESERVED) <= there
    assert run.at >= MONDAY
