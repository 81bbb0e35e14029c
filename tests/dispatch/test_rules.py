"""The hand-over rules, state by state and answer by answer."""

import pytest
from msgspec.structs import replace

from tests.dispatch.attempts import (
    BURN,
    FREE_IDS,
    HOLD,
    KINDS,
    NOT_FOUND,
    NOTHING,
    OK,
    PARCEL,
    REFUSED,
    T0,
    TTL,
    UNKNOWN,
    WAIT,
    answer,
    begun,
    held,
    live,
    quarantined,
    released,
    report,
    resolving,
    terms,
)
from tranship.core.capability import Capability
from tranship.dispatch import rules
from tranship.dispatch.model import Report, Result
from tranship.dispatch.policy import DEFAULT, HOUR, SECOND

ASYNC = Result("ok", accepted_only=True)


# -- creation ----------------------------------------------------------------------------------------------------------


def test_an_accepted_order_on_hold_waits():
    """On hold it is looked at now and then, and nothing else is done."""
    d = held()
    assert (d.state, d.op, d.wish) == ("HELD", "get", "hold")
    assert d.op_at == T0 + SECOND + DEFAULT.held_look_s * SECOND


def test_a_hold_that_is_due_at_once_is_released_at_once():
    """Where a network holds and the time has come, release follows creation: two steps, so that nothing ships unheard."""
    d = answer(begun(HOLD, "ship"), "create", OK, HOLD)
    assert (d.state, d.op) == ("RELEASING", "release")


def test_without_hold_an_accepted_order_is_live():
    """A network without hold ships what it accepts."""
    assert live(BURN).state == "LIVE"


def test_a_refusal_closes_and_frees():
    """The first and only bytes were refused: the next attempt may begin."""
    d = answer(begun(BURN), "create", REFUSED, BURN)
    assert (d.state, d.why) == ("REJECTED", "not served")


def test_a_refusal_after_a_silence_proves_nothing():
    """The call before it may have been carried out, or will be."""
    d = answer(answer(begun(BURN), "create", UNKNOWN, BURN), "create", REFUSED, BURN)
    assert d.state == "RESOLVING"


def test_coming_up_again_and_again_does_not_put_a_call_off():
    """A service that is killed every few seconds still gets to it: only a call whose turn it was is counted as one more try."""
    d = rules.restarted(begun(BURN), T0 + SECOND, terms(BURN)).dispatch
    assert d.tries == 1
    for seconds in (1.1, 1.2, 1.3):
        again = rules.restarted(d, T0 + round(seconds * SECOND), terms(BURN)).dispatch
        assert (again.op_at, again.tries, again.state) == (d.op_at, d.tries, d.state)
        assert again.doubt_at >= d.doubt_at
        d = again


def test_a_refusal_after_a_restart_proves_nothing():
    """The engine went down while bytes may have been on their way (invariant I4)."""
    d = rules.restarted(begun(BURN), T0 + SECOND, terms(BURN)).dispatch
    assert d.state == "DOUBT_CREATE"
    assert answer(d, "create", REFUSED, BURN).state == "RESOLVING"


@pytest.mark.parametrize("can", KINDS)
def test_silence_is_a_doubt(can: Capability):
    """Unique ids make it safe to send the same bytes again; without them one looks first."""
    d = answer(begun(can), "create", UNKNOWN, can)
    assert d.state == "DOUBT_CREATE"
    assert d.op == ("create" if can.client_id_unique else "get")
    assert d.op_at > T0 + SECOND


def test_an_order_that_exists_already_is_ours():
    """The id was random and one for this dispatch: whoever has it has our order."""
    d = answer(answer(begun(HOLD, "hold"), "create", UNKNOWN, HOLD), "create", Result("exists"), HOLD)
    assert d.state == "HELD"


@pytest.mark.parametrize("outcome", ["throttled", "unauthorized"])
def test_what_was_not_carried_out_is_no_doubt(outcome: str):
    """A limit or a bad token: the same call later, and a refusal then is one."""
    d = answer(begun(BURN), "create", Result(outcome, retry_after_ms=90_000), BURN)
    assert (d.state, d.doubt_at) == ("SENDING", 0)
    assert d.op_at >= T0 + 91 * SECOND
    assert answer(d, "create", REFUSED, BURN).state == "REJECTED"


def test_without_unique_ids_bytes_go_again_only_when_none_can_be_under_way():
    """Not found twice is not enough: the second look must have been sent after the network's promise of late requests."""
    d = answer(begun(WAIT), "create", UNKNOWN, WAIT)
    d = answer(d, "get", NOT_FOUND, WAIT, T0 + 20 * SECOND)
    assert d.op_at >= T0 + TTL
    late = answer(d, "get", NOT_FOUND, WAIT, T0 + TTL + SECOND, sent_at=T0 + TTL - SECOND)
    assert (late.state, late.op) == ("DOUBT_CREATE", "get")
    sure = answer(late, "get", NOT_FOUND, WAIT, T0 + TTL + 9 * SECOND, sent_at=T0 + TTL + 5 * SECOND)
    assert (sure.state, sure.op) == ("SENDING", "create")


# -- release -----------------------------------------------------------------------------------------------------------


def test_a_release_is_journaled_before_it_is_sent():
    """RELEASING is a state of its own: from now on it may ship."""
    d = released()
    assert (d.state, d.op, d.wish) == ("RELEASING", "release", "ship")


def test_a_released_order_is_live():
    """Accepted now, done soon: where the answer only says that it was asked for, a look follows within a minute."""
    assert answer(released(), "release", OK, HOLD).state == "LIVE"
    d = answer(released(), "release", ASYNC, HOLD)
    assert d.op_at <= T0 + 62 * SECOND


def test_silence_to_a_release_is_a_doubt_and_the_release_goes_again():
    """Releasing twice does no harm."""
    d = answer(released(), "release", UNKNOWN, HOLD)
    assert (d.state, d.op) == ("DOUBT_RELEASE", "release")


def test_a_release_that_came_to_nothing_is_sent_again():
    """The network said yes, and the order still waits when one looks."""
    d = live(HOLD)
    d = answer(d, "get", Result("ok", "HELD"), HOLD, d.op_at + SECOND)
    assert (d.state, d.op) == ("RELEASING", "release")


def test_an_order_that_was_ever_free_is_never_released():
    """Its network works on it although it was given up: it may be called back, never let go (invariant I3)."""
    d = rules.recalled(held(), "drain", T0 + SECOND, terms(HOLD)).dispatch
    d = report(d, "PROCESSING", HOLD).dispatch
    d = report(d, "PICKING", HOLD).dispatch
    assert (d.state, d.freed) == ("LIVE", True)
    d = answer(d, "get", Result("ok", "HELD"), HOLD, d.op_at + SECOND)
    assert d.op == "get"


# -- recall ------------------------------------------------------------------------------------------------------------


def test_what_waits_on_hold_is_free_at_once():
    """No release was ever journaled, so it cannot ship: also while nobody knows whether it is there."""
    for d in (held(), begun(HOLD, "hold"), answer(begun(HOLD, "hold"), "create", UNKNOWN, HOLD)):
        freed = rules.recalled(d, "drain", T0 + SECOND, terms(HOLD)).dispatch
        assert (freed.state, freed.op, freed.freed) == ("ABANDONED", "cancel", True)


def test_what_may_ship_is_not_free():
    """Live, in doubt without hold, or with a release that may be under way: proof first."""
    doubt = answer(begun(BURN), "create", UNKNOWN, BURN)
    for d, can in ((live(BURN), BURN), (doubt, BURN), (released(), HOLD)):
        assert rules.recalled(d, "drain", T0 + SECOND, terms(can)).dispatch.state == "RESOLVING"


def test_an_accepted_cancellation_proves_nothing():
    """A look follows; what is still worked on is cancelled again, ever more slowly."""
    d = answer(resolving(), "cancel", ASYNC, BURN, T0 + HOUR + SECOND)
    assert (d.state, d.op) == ("RESOLVING", "get")
    first = answer(d, "get", Result("ok", "PROCESSING"), BURN, T0 + HOUR + 10 * SECOND)
    later = answer(d, "get", Result("ok", "PROCESSING"), BURN, T0 + HOUR + 100 * SECOND)
    assert first.op == later.op == "cancel"
    assert later.op_at - (T0 + HOUR + 100 * SECOND) > first.op_at - (T0 + HOUR + 10 * SECOND)


@pytest.mark.parametrize("word", ["CANCELLED", "UNFULFILLABLE", "INVALID"])
def test_the_networks_word_that_it_is_dead_frees(word: str):
    """Where ids stay used up, nothing can bring it back."""
    assert report(resolving(), word, BURN).dispatch.state == "VOID"


def test_too_late_to_call_back_stays_there():
    """What is being picked ships from there, and is no longer wanted back."""
    d = report(resolving(), "PICKING", BURN).dispatch
    assert (d.state, d.wish) == ("LIVE", "ship")


def test_what_is_not_found_has_its_id_used_up():
    """The same bytes once more, then a cancellation: a late original finds its id taken."""
    d = rules.recalled(answer(begun(BURN), "create", UNKNOWN, BURN), "drain", T0 + SECOND, terms(BURN)).dispatch
    d = answer(d, "cancel", NOT_FOUND, BURN)
    assert (d.state, d.op, d.burning) == ("RESOLVING", "create", True)
    d = answer(d, "create", Result("exists"), BURN)
    assert (d.state, d.op) == ("RESOLVING", "cancel")
    d = answer(answer(d, "cancel", ASYNC, BURN), "get", Result("ok", "CANCELLED"), BURN)
    assert d.state == "VOID"


def test_an_id_is_used_up_once_and_not_in_a_storm():
    """The network has taken the bytes and shows nothing yet: calling back goes on at its own pace, nothing is created again."""
    d = rules.recalled(answer(begun(BURN), "create", UNKNOWN, BURN), "drain", T0 + SECOND, terms(BURN)).dispatch
    d = answer(answer(d, "cancel", NOT_FOUND, BURN), "create", ASYNC, BURN)
    d = answer(d, "cancel", NOT_FOUND, BURN, T0 + 3 * SECOND)
    assert (d.op, d.op_at) == ("cancel", T0 + 8 * SECOND)


def test_a_creation_that_was_only_accepted_is_not_released_at_once():
    """202: it is made later, so a release sent now would find nothing."""
    d = answer(begun(HOLD, "ship"), "create", ASYNC, HOLD)
    assert (d.state, d.op_at) == ("RELEASING", T0 + 6 * SECOND)


def test_where_the_lag_is_not_known_nothing_vanishes_within_minutes():
    """0 is unknown, never at once: an order created a moment ago may be shown later."""
    can = replace(HOLD, read_lag_s=0)
    d = answer(released(), "release", UNKNOWN, can)
    for k in range(1, 20):
        d = answer(d, "get", NOT_FOUND, can, T0 + 20 * k * SECOND)
    assert d.state == "DOUBT_RELEASE"
    assert answer(d, "get", NOT_FOUND, can, T0 + HOUR).state == "RESOLVING"


def test_not_found_is_no_proof_for_an_order_that_was_seen():
    """Answers that lag do not find what is there: however often, however late."""
    d = live(WAIT)
    d = answer(d, "get", Result("ok", "PROCESSING", "T1"), WAIT)
    d = rules.recalled(d, "drain", T0 + HOUR, terms(WAIT)).dispatch
    for k in range(1, 9):
        d = answer(d, "get", NOT_FOUND, WAIT, T0 + HOUR * (k + 1))
    assert d.state == "RESOLVING"


def test_dead_is_not_enough_where_a_late_call_could_bring_it_back():
    """Ids that are free again after a cancellation: only a look sent after the promise of late requests frees it."""
    doubt = answer(begun(WAIT), "create", UNKNOWN, WAIT)
    d = rules.recalled(doubt, "drain", T0 + 9 * SECOND, terms(WAIT)).dispatch
    d = answer(d, "cancel", OK, WAIT, T0 + 12 * SECOND)
    assert d.state == "RESOLVING"
    assert report(d, "CANCELLED", WAIT, now=T0 + 2 * TTL).dispatch.state == "RESOLVING"  # of any age
    until = d.op_at
    stale = answer(d, "get", Result("ok", "CANCELLED"), WAIT, until + SECOND, sent_at=until - SECOND)
    assert stale.state == "RESOLVING"
    sure = answer(d, "get", Result("ok", "CANCELLED"), WAIT, until + SECOND, sent_at=until)
    assert sure.state == "VOID"


def test_an_order_that_a_late_call_made_anew_is_seen():
    """Cancelled, then there again where ids are free: the network's last word is the new one, and what leaves is no rest."""
    doubt = answer(begun(WAIT), "create", UNKNOWN, WAIT)
    d = rules.recalled(doubt, "drain", T0 + 9 * SECOND, terms(WAIT)).dispatch
    d = answer(d, "cancel", OK, WAIT, T0 + 12 * SECOND)
    assert d.remote == "CANCELLED"
    again = report(d, "PICKING", WAIT).dispatch
    assert (again.state, again.remote) == ("LIVE", "PICKING")
    assert answer(d, "get", Result("ok", "PROCESSING"), WAIT, T0 + HOUR).remote == "PROCESSING"
    assert report(d, "PROCESSING", WAIT).dispatch.remote == "CANCELLED"  # of any age


def test_without_any_fence_a_person_decides():
    """No cancellation, no unique ids, no promise: after the limit it is put before a person, and looked at on."""
    d = resolving(NOTHING)
    assert d.op == "get"
    step = rules.waited(d, d.since + HOUR, terms(NOTHING))
    assert step.dispatch.state == "QUARANTINED"
    assert [note.kind for note in step.notes] == ["quarantine"]


def test_quarantine_ends_by_itself_once_there_is_proof():
    """The network comes back: calling back goes on, slowly, and a proof is a proof."""
    d = answer(quarantined(), "get", Result("ok", "PROCESSING"), BURN, T0 + 4 * HOUR)
    assert (d.state, d.op) == ("QUARANTINED", "cancel")
    assert d.op_at >= T0 + 4 * HOUR + DEFAULT.quarantine_look_s * SECOND
    assert report(d, "CANCELLED", BURN).dispatch.state == "VOID"
    assert report(d, "COMPLETE", BURN).dispatch.state == "SHIPPED"


def test_a_person_settles_quarantine_and_nothing_else():
    """Ships from there, or never will; anywhere else a person's word changes nothing."""
    d = quarantined()
    can = rules.Terms(BURN)
    assert rules.settled(d, ships=True, why="called", now=T0, terms=can).dispatch.state == "LIVE"
    free = rules.settled(d, ships=False, why="called", now=T0, terms=can).dispatch
    assert (free.state, free.op) == ("ABANDONED", "cancel")  # people can be wrong: what may lie there is still ended
    nobody = rules.Terms(replace(BURN, cancel="none"))
    assert rules.settled(d, ships=False, why="called", now=T0, terms=nobody).dispatch.state == "VOID"
    assert rules.settled(live(), ships=False, why="called", now=T0, terms=can).dispatch == live()


def test_a_held_order_that_the_network_ends_is_free_though_a_call_is_in_doubt():
    """A late creation would be on hold again: it cannot ship."""
    d = answer(begun(FREE_IDS, "hold"), "create", UNKNOWN, FREE_IDS)
    d = report(d, "INVALID", FREE_IDS).dispatch
    assert d.state == "ABANDONED"


# -- news --------------------------------------------------------------------------------------------------------------


def test_a_parcel_is_proof_that_it_left():
    """A network that cancels the rest after a parcel left has shipped: the order is closed as gone, never as void."""
    d = report(live(), "PROCESSING", BURN, PARCEL).dispatch
    assert d.state == "LIVE"
    assert report(d, "CANCELLED", BURN).dispatch.state == "SHIPPED"
    first = report(live(), "CANCELLED", BURN).dispatch
    step = report(first, "", BURN, PARCEL)
    assert (first.state, step.dispatch.state) == ("VOID", "SHIPPED")
    assert [note.kind for note in step.notes] == ["double_ship"]


def test_what_leaves_after_it_was_free_raises_an_alarm():
    """The next attempt may have begun: the loudest alarm there is."""
    d = rules.recalled(held(), "drain", T0 + SECOND, terms(HOLD)).dispatch
    step = report(d, "COMPLETE", HOLD)
    assert (step.dispatch.state, step.notes[0].kind) == ("SHIPPED", "double_ship")


def test_a_partial_end_is_looked_at_before_it_closes():
    """A notification does not say which units stay behind: the look does."""
    d = report(live(), "COMPLETE_PARTIAL", BURN).dispatch
    assert (d.state, d.op, d.op_at) == ("LIVE", "get", T0 + SECOND)
    d = answer(d, "get", Result("ok", "COMPLETE_PARTIAL", short=(("2", 1),)), BURN)
    assert (d.state, d.short) == ("SHIPPED", (("2", 1),))


def test_a_cancellation_that_came_in_the_middle_is_looked_at_before_it_closes():
    """One shipment had left, the other was called back: which one is what the look says."""
    d = rules.recalled(live(WAIT), "drain", T0 + HOUR, terms(WAIT)).dispatch
    d = answer(d, "cancel", Result("ok", "COMPLETE_PARTIAL"), WAIT, T0 + HOUR)
    assert (d.state, d.op) == ("RESOLVING", "get")
    d = answer(d, "get", Result("ok", "COMPLETE_PARTIAL", parcels=(PARCEL,), short=(("2", 1),)), WAIT, T0 + HOUR)
    assert (d.state, d.short) == ("SHIPPED", (("2", 1),))


def test_a_held_order_that_the_network_works_on_is_told():
    """Hold is the one thing that only the network can break."""
    step = report(held(), "PROCESSING", HOLD)
    assert (step.dispatch.state, step.notes[0].kind) == ("LIVE", "released_by_itself")


def test_an_order_that_vanishes_is_called_back():
    """Accepted, and not found time and again: it is told, and resolved like anything in doubt."""
    d = held()
    for k in range(1, rules.ENOUGH + 1):
        step = rules.answered(d, "get", NOT_FOUND, T0 + k * HOUR, T0 + k * HOUR, terms(HOLD))
        d = step.dispatch
    assert d.state == "ABANDONED"
    assert step.notes[0].kind == "vanished"


def test_lagging_answers_do_not_make_an_order_vanish():
    """Within the network's read lag nothing follows from not being found."""
    d = answer(released(), "release", UNKNOWN, HOLD)
    for k in range(1, 9):
        d = answer(d, "get", NOT_FOUND, HOLD, T0 + (2 + k) * SECOND)
    assert d.state == "DOUBT_RELEASE"


def test_no_parcels_yet_says_nothing_of_the_order():
    """Tracking that is not found is not an order that is not found."""
    d = live()
    assert answer(d, "tracking", NOT_FOUND, BURN) == d


def test_a_refused_order_that_shows_up_is_told():
    """Closed stays closed, but somebody should know."""
    d = answer(begun(BURN), "create", REFUSED, BURN)
    step = report(d, "PROCESSING", BURN)
    assert (step.dispatch.state, step.notes[0].kind) == ("REJECTED", "came_late")
    assert not report(step.dispatch, "PROCESSING", BURN).notes


def test_a_look_that_says_nothing_comes_again_in_its_own_time():
    """An answer without a state does not make a network be asked every second."""
    now = T0 + HOUR
    assert answer(live(), "get", OK, BURN, now).op_at == now + DEFAULT.live_look_s * SECOND
    assert answer(held(), "get", OK, HOLD, now).op_at == now + DEFAULT.held_look_s * SECOND


def test_violations_are_told_and_count_as_silence():
    """An answer that breaks the network's own rules proves nothing."""
    step = rules.answered(begun(BURN), "create", Result("violation", detail="no JSON"), T0, T0 + SECOND, terms(BURN))
    assert (step.dispatch.state, step.notes[0].kind) == ("DOUBT_CREATE", "violation")


def test_parcels_and_shortages_only_grow():
    """A parcel once told is never forgotten and never goes back from delivered, in whatever order it is told."""
    d = report(live(), "PROCESSING", BURN, PARCEL).dispatch
    arrived = type(PARCEL)("p1", "", "", (), "DELIVERED")
    a = report(report(d, "", BURN, arrived).dispatch, "", BURN, PARCEL).dispatch
    assert a.parcels == (type(PARCEL)("p1", "UPS", "1Z", (("1", 1),), "DELIVERED"),)
    b = rules.reported(a, Report("R1", "", short=(("2", 1),)), T0, terms(BURN)).dispatch
    assert rules.reported(b, Report("R1", "", short=(("2", 3),)), T0, terms(BURN)).dispatch.short == (("2", 3),)
