"""Hand-over in the engine: what a dispatch makes of its fulfillment order, and what nothing may make of it."""

import pytest

from tests.engine.connected import AFTER_CUT_OFF, HOLDS, PLAIN, SECOND, Handed, connected
from tests.engine.worlds import AMZ, HOUR, MONDAY, OWN, PL, cap, kinds
from tranship.core.errors import ConflictError, InputError, InvariantError, UnavailableError
from tranship.core.ledger import Bucket
from tranship.dispatch.model import (
    ABANDONED,
    DOUBT_CREATE,
    DOUBT_RELEASE,
    GONE,
    HELD,
    LIVE,
    QUARANTINED,
    REJECTED,
    RELEASING,
    RESOLVING,
    SENDING,
    VOID,
    Parcel,
    Report,
)  # fmt: skip
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.due import to_hand_over

BOX = (Parcel("p1", "UPS", "1Z1", (("1", 2),), "SHIPPED", MONDAY),)


@pytest.fixture
def run() -> Handed:
    """A run with twenty mugs and tees at the first two nodes."""
    return Handed()


def test_an_order_goes_out_on_hold_is_released_and_ships(run: Handed):
    """Intent, answer, release, shipment: each its own fact; the books follow the network's word."""
    remote_id = run.held_there(release=True)
    assert run.one(remote_id).state == LIVE
    assert run.shelf(AMZ, "MUG", Bucket.RESERVED) == 2
    run.report(remote_id, "COMPLETE", BOX)
    part = run.held(1).parts[1]
    assert (run.one(remote_id).state, part.status, run.shelf(AMZ, "MUG", Bucket.IN_TRANSIT)) == (GONE, "SHIPPED", 2)
    run.report(remote_id, "COMPLETE", (Parcel("p1", "UPS", "1Z1", (("1", 2),), "DELIVERED", MONDAY),))
    assert part.status == "DELIVERED"
    run.sound()


def test_what_a_network_has_does_not_leave_with_the_clock(run: Handed):
    """At the cut-off only what no connection stands behind ships by itself."""
    remote_id = run.held_there(release=True)
    run.place("away", ("MUG", 1), channel="web")
    run.tick(AFTER_CUT_OFF)
    assert run.held(1).parts[1].status == "PROCESSING"
    assert run.one(remote_id).state == LIVE


def test_the_release_window_says_when_an_order_leaves_the_house(run: Handed):
    """Eight hours before the cut-off on hold, four hours before it to ship; earlier it is ours alone."""
    run.place(1, ("MUG", 1))
    close = MONDAY + 4 * HOUR
    assert to_hand_over(run.state, close - 8 * HOUR - 1, 9) == []
    assert to_hand_over(run.state, close - 8 * HOUR, 9)[0].wish == "hold"
    assert to_hand_over(run.state, close - 4 * HOUR, 9)[0].wish == "ship"


def test_the_clock_releases_what_is_on_hold(run: Handed):
    """Four hours before the cut-off the release is journaled, and then sent."""
    run.at = MONDAY - 2 * HOUR
    run.place(1, ("MUG", 1), placed_at=run.at)
    (remote_id,) = run.hand_over()
    run.hear(remote_id, "create", "ok", "HELD")
    assert run.one(remote_id).state == HELD
    run.tick(MONDAY)
    assert (run.one(remote_id).state, run.one(remote_id).op) == (RELEASING, "release")


def test_a_second_attempt_while_the_first_may_ship_is_no_fact(run: Handed):
    """I2: the journal would not take it, even if something decided it."""
    remote_id = run.held_there(release=True)
    rival = run.one(remote_id)
    from msgspec.structs import replace

    from tranship.engine.evolve import evolve

    with pytest.raises(InvariantError, match="I2"):
        evolve(run.state, ev.Dispatched(replace(rival, remote_id="R9", state=SENDING), "handover", "", run.at))
    with pytest.raises(InvariantError, match="I5"):
        evolve(run.state, ev.Dispatched(replace(rival, sha256="other"), "answer", "", run.at))


def test_a_release_after_it_was_wanted_back_is_no_fact(run: Handed):
    """I3."""
    from msgspec.structs import replace

    from tranship.engine.evolve import evolve

    remote_id = run.held_there()
    run.do(cmd.Recall("test:1", (), "wrong box", run.later()))
    with pytest.raises(InvariantError, match="I3"):
        evolve(run.state, ev.Dispatched(replace(run.one(remote_id), state=RELEASING), "answer", "", run.at))


def test_intents_for_what_moved_meanwhile_are_left_out(run: Handed):
    """Chosen, then cancelled or handed over twice: nothing goes out, and nobody is told of an error."""
    run.place(1, ("MUG", 1))
    run.take_back(1, 1, 1)
    events = run.do(cmd.HandOver((cmd.Intent("test:1", 1, "R1", "s", True, "hold"),), run.later()))
    assert kinds(events) == ["took"]
    run.place(2, ("MUG", 1))
    twice = tuple(cmd.Intent("test:2", 1, f"R{i}", "s", True, "hold") for i in (2, 3))
    assert len(run.do(cmd.HandOver(twice, run.later()))) == 2
    with pytest.raises(InputError, match="used before"):
        run.do(cmd.HandOver((cmd.Intent("test:2", 1, "R2", "s", True, "hold"),), run.later()))


@pytest.mark.parametrize("state", [SENDING, DOUBT_CREATE, HELD])
def test_what_waits_on_hold_is_free_at_once_when_its_network_fails(run: Handed, state: str):
    """It moves to another node in the same commit; its units there are not sold before the network has let them go."""
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over("hold")
    if state != SENDING:
        run.hear(remote_id, "create", "unknown" if state == DOUBT_CREATE else "ok", "")
    run.breaker()
    run.drain()
    assert (run.one(remote_id).state, run.one(remote_id).op) == (ABANDONED, "cancel")
    assert run.held(1).parts[2].node == PL
    assert (run.shelf(AMZ, "MUG"), run.shelf(AMZ, "MUG", Bucket.RESEARCHING)) == (18, 2)
    run.hear(remote_id, "cancel", "ok", accepted_only=True)
    run.hear(remote_id, "get", "ok", "CANCELLED")
    assert (run.one(remote_id).state, run.shelf(AMZ, "MUG")) == (VOID, 20)
    run.sound()


def test_what_may_ship_stays_where_it_is_until_there_is_proof(run: Handed):
    """A released order behind a dead interface is not sent elsewhere: it is still on its way to the customer, as far as anybody knows."""
    remote_id = run.held_there(release=True)
    run.breaker()
    run.drain()
    assert (run.one(remote_id).state, len(run.held(1).parts)) == (LIVE, 1)


def test_a_standing_node_gives_back_what_it_had_accepted(run: Handed):
    """Stalled: it is called back, and goes elsewhere once the network says that it is cancelled, not before."""
    remote_id = run.held_there(release=True)
    run.breaker(why="stalled: 9 of 10 accepted orders stand still")
    run.drain()
    assert run.one(remote_id).state == RESOLVING
    run.hear(remote_id, "cancel", "not_found")
    assert run.one(remote_id).op == "create"  # its id is burned: not found is no proof
    assert len(run.held(1).parts) == 1
    run.hear(remote_id, "create", "exists")
    run.hear(remote_id, "cancel", "ok", accepted_only=True)
    run.hear(remote_id, "get", "ok", "CANCELLED")
    assert run.one(remote_id).state == VOID
    assert run.held(1).parts[2].node == PL
    run.sound()


def test_a_late_shipment_of_what_was_given_up_raises_the_alarm_and_holds_the_rival_back(run: Handed):
    """The network lied or lagged: what can still be held back is."""
    remote_id = run.held_there()
    run.breaker()
    run.drain()
    assert run.held(1).parts[2].status == "PROCESSING"
    run.report(remote_id, "COMPLETE", BOX)
    assert "double_ship" in run.exceptions()
    assert run.held(1).parts[2].status == "CANCELLED"
    run.sound()


def test_what_finds_no_room_waits_with_the_limit_named():
    """The other side has no stock: parked, placed again when the network returns."""
    run = Handed(connected(), MUG=0)
    run.stock(AMZ, MUG=5)
    run.place(1, ("MUG", 2))
    run.breaker()
    run.drain()
    (rest,) = run.held(1).rests.values()
    assert rest.reason == "node_shut"
    run.breaker("closed", 10_000, "healthy")
    assert run.held(1).rests == {}
    assert [part.node for part in run.held(1).parts.values() if part.status == "PROCESSING"] == [AMZ]
    run.sound()


def test_a_drain_holds_the_cap():
    """The independent side fails: what the capped network has no room for waits, and says so."""
    document = connected(caps=cap(cap_bp=5000, window=4))
    run = Handed(document)
    from msgspec.structs import replace

    flipped = replace(
        document,
        nodes=(
            replace(document.nodes[0], connection=""),
            replace(document.nodes[1], connection="amz"),
            document.nodes[2],
        ),
    )
    run.load(flipped)
    for number in range(8):
        run.place(number, ("MUG", 1))
    run.breaker()
    run.drain()
    waiting = [rest.reason for held in run.state.orders.values() for rest in held.rests.values()]
    assert waiting and set(waiting) == {"cap"}
    assert run.exceptions() == ["breaker_opened", "cap_conflict"]
    assert all(capped.total.max_share_bp <= 5000 for capped in run.state.caps)
    run.sound()


def test_a_refused_order_goes_elsewhere_and_not_there_again(run: Handed):
    """A definite refusal of the first try: free at once."""
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over()
    run.hear(remote_id, "create", "refused", detail="InvalidInput: sku")
    assert run.one(remote_id).state == REJECTED
    assert [part.node for part in run.held(1).parts.values() if part.status == "PROCESSING"] == [PL]
    run.sound()


def test_a_refusal_after_a_doubt_is_not_taken_for_definite():
    """The first try may have arrived: without hold it has to be resolved."""
    run = Handed(connected(PLAIN))
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over()
    run.hear(remote_id, "create", "unknown")
    run.hear(remote_id, "create", "refused", detail="out of stock")
    assert run.one(remote_id).state == RESOLVING
    assert len(run.held(1).parts) == 1


def test_a_customer_who_cancels_is_heard_until_it_is_picked(run: Handed):
    """On hold the units are void at once; after the release they are asked back, and void when the network says so."""
    run.held_there()
    run.take_back(1, 1, 2)
    assert run.held(1).parts[1].status == "CANCELLED"
    remote_id = run.held_there(release=True)
    run.take_back(2, 1, 1)
    assert (run.one(remote_id).state, run.held(2).parts[1].status) == (RESOLVING, "PROCESSING")
    run.hear(remote_id, "cancel", "ok", accepted_only=True)
    run.hear(remote_id, "get", "ok", "CANCELLED")
    assert (run.held(2).parts[1].units(), run.held(2).parts[1].status) == (1, "PROCESSING")
    again = run.hand_over()[-1]
    assert run.one(again).number == 1  # what is left of it goes out again
    run.sound()


def test_a_cancellation_that_comes_too_late_is_told(run: Handed):
    """It left before it could be called back."""
    remote_id = run.held_there(release=True)
    run.take_back(1, 1, 2)
    run.hear(remote_id, "cancel", "refused", detail="in processing")
    run.report(remote_id, "COMPLETE", BOX)
    assert (run.held(1).parts[1].status, run.exceptions()) == ("SHIPPED", ["cancel_too_late"])
    run.sound()


def test_a_network_that_sends_less_leaves_the_rest_waiting_here(run: Handed):
    """Units it does not have are missing in the books, and the customer's order waits for others."""
    run.place(1, ("MUG", 3), ("TEE", 1))
    (remote_id,) = run.hand_over("ship")
    run.hear(remote_id, "create", "ok", "HELD")
    run.hear(remote_id, "release")
    run.report(remote_id, "COMPLETE_PARTIAL", (Parcel("p1", "UPS", "1Z1", (("1", 1),), "SHIPPED"),), short=(("1", 2),))
    assert run.shelf(AMZ, "MUG", Bucket.UNACCOUNTED) == 2
    units = sum(sum(rest.quantities) for rest in run.held(1).rests.values())
    again = sum(part.units() for n, part in run.held(1).parts.items() if n != 1)
    assert (run.held(1).parts[1].units(), units + again) == (2, 2)
    run.sound()


def test_silence_makes_it_careful_and_then_asks_a_person():
    """Doubt, call-back, quarantine: each limit is an hour, and none of them frees anything."""
    run = Handed(connected(PLAIN))
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over()
    run.hear(remote_id, "create", "unknown")
    run.tick(run.later(3601))
    assert run.one(remote_id).state == RESOLVING
    run.tick(run.later(3601))
    assert (run.one(remote_id).state, run.exceptions()[-1]) == (QUARANTINED, "quarantine")
    assert len(run.held(1).parts) == 1
    with pytest.raises(InputError, match="unknown"):
        run.do(cmd.Settle("R77", False, "?", run.later()))
    run.do(cmd.Settle(remote_id, False, "called them: they never got it", run.later()))
    assert run.one(remote_id).state == ABANDONED
    assert [part.node for part in run.held(1).parts.values() if part.status == "PROCESSING"] == [PL]
    run.sound()


def test_a_person_says_that_it_ships_from_there():
    """Then it stays, and is watched on."""
    run = Handed(connected(PLAIN))
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over()
    run.hear(remote_id, "create", "unknown")
    run.tick(run.later(3601))
    run.tick(run.later(3601))
    run.do(cmd.Settle(remote_id, True, "seen on the dock", run.later()))
    assert run.one(remote_id).state == LIVE
    run.sound()


def test_a_restart_turns_what_was_being_sent_into_a_doubt(run: Handed):
    """I4: the answer was lost with the engine; the same bytes go again under the same id."""
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over()
    run.do(cmd.Restart(run.later()))
    assert (run.one(remote_id).state, run.one(remote_id).op) == (DOUBT_CREATE, "create")
    run.hear(remote_id, "create", "exists")
    assert run.one(remote_id).state == RELEASING
    run.do(cmd.Restart(run.later()))
    assert run.one(remote_id).state == DOUBT_RELEASE
    run.sound()


def test_a_person_sends_an_order_to_a_node_of_their_choice(run: Handed):
    """With a reason, under the router's own rules; what a network has must be recalled first."""
    run.stock(OWN, MUG=2)
    run.place(1, ("MUG", 2))
    run.do(cmd.SendTo("test:1", 1, "OWN-1", "the customer is next door", run.later()))
    assert run.held(1).parts[2].node == OWN
    run.place(2, ("MUG", 1))
    with pytest.raises(InputError, match="cannot take"):
        run.do(cmd.SendTo("test:2", 1, "OWN-1", "there too", run.later()))
    (remote_id,) = run.hand_over("ship")
    with pytest.raises((ConflictError, UnavailableError), match="handed over"):
        run.do(cmd.SendTo("test:2", 1, "PL-1", "away", run.later()))
    run.do(cmd.Recall("test:2", (1,), "wrong label", run.later()))
    assert (run.one(remote_id).state, run.held(2).parts[2].node) == (ABANDONED, PL)
    run.sound()


def test_half_open_takes_its_share_of_new_orders(run: Handed):
    """A tenth of them go there, the same ones in every run; a full return takes all."""
    run.breaker("half_open", 1_000, "returning")
    run.stock(AMZ, TEE=500)
    run.stock(PL, TEE=500)
    there = sum(run.place(f"n{i}", ("TEE", 1)).parts[0].node == AMZ for i in range(300))
    assert 15 <= there <= 45
    run.breaker("closed", 10_000, "healthy")
    assert run.place("last", ("TEE", 1)).parts[0].node == AMZ
    run.sound()


def test_an_override_ends_by_itself(run: Handed):
    """A person closed it for an hour."""
    run.breaker("open", 0, "manual", until=run.at + 3600 * SECOND)
    assert run.place(1, ("MUG", 1)).parts[0].node == PL
    run.tick(run.later(3601))
    assert run.place(2, ("MUG", 1)).parts[0].node == AMZ
    run.sound()


def test_only_the_pilot_share_is_handed_over():
    """The others go the projected way: they ship at the cut-off, as they did before there was a connection."""
    run = Handed(connected(pilot_bp=3_000), TEE=300)
    for i in range(100):
        run.place(i, ("TEE", 1))
    handed = len(run.hand_over())
    assert 15 <= handed <= 45
    run.tick(AFTER_CUT_OFF)
    shipped = sum(held.parts[1].status == "SHIPPED" for held in run.state.orders.values())
    assert shipped == 100 - handed
    run.sound()


def test_what_nobody_sent_is_told_and_changes_nothing(run: Handed):
    """A foreign id, an answer nobody asked for, a shipment for something closed."""
    remote_id = run.held_there(release=True)
    run.report("NOT-OURS", "COMPLETE")
    run.hear("NOR-THIS", "create", "ok")
    assert run.exceptions() == ["foreign_id", "foreign_id"]
    run.report(remote_id, "COMPLETE", BOX)
    before = run.state.ledger.totals()
    run.report(remote_id, "COMPLETE", BOX)
    run.report(remote_id, "CANCELLED")
    assert (run.state.ledger.totals(), run.one(remote_id).state) == (before, GONE)
    run.sound()


def test_a_connection_without_hold_is_handed_over_to_ship():
    """One phase, released with the creation."""
    run = Handed(connected(PLAIN))
    run.place(1, ("MUG", 1))
    (remote_id,) = run.hand_over()
    run.hear(remote_id, "create", "ok", "PROCESSING")
    assert run.one(remote_id).state == LIVE
    assert HOLDS.hold_release and not PLAIN.hold_release


def test_an_order_that_waits_takes_its_old_place_under_the_cap_again():
    """Parked whole by a drain on the independent side, placed again when it returns: one entry, not two."""
    from msgspec.structs import replace

    document = connected(caps=cap(cap_bp=5000, window=4))
    document = replace(
        document,
        nodes=(
            replace(document.nodes[0], connection=""),
            replace(document.nodes[1], connection="amz"),
            document.nodes[2],
        ),
    )
    run = Handed(document)
    for number in range(8):
        run.place(number, ("MUG", 1))
    entries = len(run.state.caps[0].total)
    run.breaker()
    run.drain()
    waiting = sum(len(held.rests) for held in run.state.orders.values())
    run.breaker("closed", 10_000, "healthy")
    assert (waiting > 0, sum(len(held.rests) for held in run.state.orders.values())) == (True, 0)
    assert len(run.state.caps[0].total) == entries
    assert run.state.caps[0].total.max_share_bp <= 5000
    run.sound()


def test_one_busy_connection_does_not_starve_another():
    """Nine hundred due at one, five at the other: both get their turn in every plan."""
    run = Handed(connected(HOLDS, second=PLAIN), MUG=30, TEE=400)
    for number in range(300):
        run.place(number, ("TEE", 1))
    run.breaker("half_open", 0, "returning")
    for number in range(300, 305):
        run.place(number, ("TEE", 1))
    run.breaker("closed", 10_000, "healthy")
    due = to_hand_over(run.state, run.at, {"amz": 10, "pl": 10})
    assert (sum(each.node == AMZ for each in due), sum(each.node == PL for each in due)) == (10, 5)


def test_what_cannot_be_handed_over_steps_aside(run: Handed):
    """An order without an address is put before a person once, and the others go past it."""
    for number in range(3):
        run.place(number, ("MUG", 1))
    run.do(cmd.ReportException("dead_letter", "test:0/1", "cannot be handed over: no street", run.later()))
    assert [each.order_id for each in to_hand_over(run.state, run.at, 9)] == ["test:1", "test:2"]
    run.sound()


def test_a_connection_stays_while_orders_are_out_by_it(run: Handed):
    """Taken from under them, a held order would be booked as shipped by the clock, or be asked for at another account."""
    from msgspec.structs import replace

    run.held_there()
    bare = replace(run.document, nodes=tuple(replace(node, connection="") for node in run.document.nodes))
    with pytest.raises(InputError, match="it cannot change"):
        run.load(bare)
    run.do(cmd.Recall("test:1", (), "to change the account", run.later()))
    run.hear("R0", "get", "ok", "CANCELLED")
    run.load(bare)
    run.sound()


def test_an_order_free_of_a_silent_network_goes_elsewhere_at_once(run: Handed):
    """The node is open, but the attempt came to nothing: waiting for its end would be waiting for a day."""
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over()
    run.hear(remote_id, "create", "unknown")
    run.tick(run.later(3601))
    assert run.one(remote_id).state == ABANDONED
    assert [part.node for part in run.held(1).parts.values() if part.status == "PROCESSING"] == [PL]
    run.sound()


def test_what_passes_its_cut_off_unreleased_is_told_once(run: Handed):
    """Not a silence until the customer asks."""
    run.place(1, ("MUG", 2))
    run.place(2, ("MUG", 2))
    run.hand_over("hold")
    run.tick(AFTER_CUT_OFF)
    run.tick(AFTER_CUT_OFF + 60 * SECOND)
    assert run.exceptions() == ["overdue", "overdue"]
    run.sound()


def test_a_revoked_token_is_one_fact(run: Handed):
    """Twenty orders meet it: one exception, until a quarter of an hour has passed."""
    for number in range(5):
        run.place(number, ("MUG", 1))
    for remote_id in run.hand_over():
        run.hear(remote_id, "create", "unauthorized", detail="InvalidToken")
    assert run.exceptions() == ["unauthorized"]
    run.later(1000)
    run.hear("R0", "create", "unauthorized", detail="InvalidToken")
    assert run.exceptions() == ["unauthorized", "unauthorized"]
    run.sound()


@pytest.mark.parametrize(("why", "state"), [("by hand: strike until Monday", RESOLVING), ("by hand: slow", LIVE)])
def test_a_person_who_says_strike_wants_back_what_the_node_has(why: str, state: str):
    """What was accepted there will not leave either; where only the way to it is shut, it stays."""
    run = Handed()
    remote_id = run.held_there(release=True)
    run.breaker(why=why, until=run.at + HOUR)
    run.drain()
    assert run.one(remote_id).state == state
    run.sound()


def test_time_on_hold_is_no_standstill(run: Handed):
    """What was released this minute has had no time to move, however long it had waited for its release."""
    from tranship.engine.due import is_stalled

    run.at = MONDAY - 8 * HOUR
    run.place(1, ("MUG", 1), placed_at=run.at)
    remote_id = run.hand_over("hold")[0] if to_hand_over(run.state, run.at, 1) else ""
    if not remote_id:
        run.at = MONDAY - 4 * HOUR
        (remote_id,) = run.hand_over("hold")
    run.hear(remote_id, "create", "ok", "HELD")
    run.at = MONDAY + 12 * HOUR
    run.do(cmd.Tick(run.at))
    run.hear(remote_id, "release")
    assert run.one(remote_id).state == LIVE
    assert not is_stalled(run.state, run.one(remote_id), run.at + HOUR)
    assert is_stalled(run.state, run.one(remote_id), run.at + 13 * HOUR)


def test_a_trial_without_a_share_takes_nothing(run: Handed):
    """Probing: no new orders, no releases, and a relapse from it is the same outage, told once."""
    run.breaker("open", 0, "errors")
    run.breaker("half_open", 0, "probing")
    assert run.place(1, ("MUG", 1)).parts[0].node == PL
    run.breaker("open", 0, "errors")
    assert run.exceptions() == ["breaker_opened"]
    run.breaker("half_open", 10_000, "returning")
    assert run.place(2, ("MUG", 1)).parts[0].node == AMZ
    run.sound()


def test_a_network_has_no_say_in_what_another_one_has():
    """Signed by the 3PL, about Amazon's order: told, and nothing of it is used."""
    run = Handed(connected(HOLDS, second=PLAIN))
    remote_id = run.held_there(release=True)
    report = Report(remote_id, "COMPLETE", "stolen", BOX)
    run.do(cmd.Reported("pl", "hook", (report,), run.later()))
    assert (run.one(remote_id).state, run.one(remote_id).their_id, run.exceptions()) == (LIVE, "", ["foreign_id"])
    run.sound()


def test_a_dead_letter_goes_once_its_address_is_put_right(run: Handed):
    """The person corrected it: it is handed over; if that fails too, a person hears of it again."""
    from tranship.core.order import Destination

    run.place(1, ("MUG", 1))
    run.do(cmd.ReportException("dead_letter", "test:1/1", "cannot be handed over: no street", run.later()))
    assert to_hand_over(run.state, run.at, 9) == []
    run.do(cmd.ChangeAddress("test:1", Destination("60614", "IL"), "fix", run.later()))
    assert [each.order_id for each in to_hand_over(run.state, run.at, 9)] == ["test:1"]
    run.sound()
