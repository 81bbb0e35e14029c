"""What left is looked at from its planned arrival on, slowly, until it has arrived: some networks tell of it only when asked."""

from itertools import pairwise

from tests.engine.connected import SECOND, Handed
from tests.engine.worlds import MONDAY
from tranship.core.capability import Capability
from tranship.dispatch import rules
from tranship.dispatch.model import GONE, Dispatch, Parcel, Result
from tranship.dispatch.policy import DEFAULT
from tranship.dispatch.rules import ARRIVAL_LOOK_S, UNARRIVED_S, Terms

DAY = 86_400 * SECOND
SENT = Parcel("p1", "UPS", "1Z1", (("1", 2),), "SHIPPED", MONDAY)
THERE = Parcel("p1", "UPS", "1Z1", (("1", 2),), "DELIVERED", MONDAY)
TERMS = Terms(Capability(), DEFAULT, 5 * DAY)


def left(at: int, *parcels: Parcel) -> Dispatch:
    """A dispatch that left."""
    d = rules.intend("R1", "o", 1, 0, "s", 0, hold=False, wish="ship")
    step = rules.answered(d, "create", Result("ok", "COMPLETE", parcels=parcels), at, at, TERMS)
    assert step.dispatch.state == GONE
    return step.dispatch


def looks(d: Dispatch, parcels: tuple[Parcel, ...], most: int = 1_000) -> list[int]:
    """When it is looked at, with this answer each time, until it is not looked at any more."""
    found = []
    while d.op and len(found) < most:
        assert d.op == "get"
        found.append(d.op_at)
        d = rules.answered(d, "get", Result("ok", "COMPLETE", parcels=parcels), d.op_at, d.op_at, TERMS).dispatch
    return found


def test_known_parcels_are_left_alone_until_they_should_have_arrived():
    """Then twice a day for thirty days at most: sixty-one calls, and no more."""
    found = looks(left(DAY, SENT), (SENT,))
    assert found[0] == TERMS.arrives_at
    assert {b - a for a, b in pairwise(found)} == {ARRIVAL_LOOK_S * SECOND}
    assert found[-1] <= TERMS.arrives_at + UNARRIVED_S * SECOND and len(found) == 61


def test_one_look_that_finds_it_delivered_is_the_last():
    """Few calls where things go well: one."""
    assert len(looks(left(DAY, SENT), (THERE,))) == 1


def test_unknown_parcels_are_looked_for_first():
    """Six looks within minutes, as ever; then those of the arrival."""
    found = looks(left(DAY), ())
    assert found[5] < DAY + 3600 * SECOND and found[6] == TERMS.arrives_at
    assert len(found) == 6 + 61


def test_news_of_the_delivery_ends_it_without_a_call():
    """By a notification, in whatever words; and where no day is known nothing is asked for."""
    for word in ("COMPLETE", ""):
        from tranship.dispatch.model import Report

        d = rules.reported(left(DAY, SENT), Report("R1", word, parcels=(THERE,)), 2 * DAY, TERMS).dispatch
        assert (d.op, d.state) == ("", GONE)
    plain = rules.answered(left(DAY), "get", Result("ok", "COMPLETE", parcels=(SENT,)), DAY, DAY, Terms(Capability()))
    assert plain.dispatch.op == ""


def test_an_answer_that_did_not_come_is_asked_for_at_the_same_pace():
    """Throttled or lost: half a day later, never at once."""
    d = left(DAY, SENT)
    for outcome in ("throttled", "unknown", "not_found", "violation"):
        now = d.op_at
        d = rules.answered(d, "get", Result(outcome), now, now, TERMS).dispatch
        assert (d.op, d.op_at - now) == ("get", ARRIVAL_LOOK_S * SECOND)


def test_the_engine_marks_it_delivered_and_forgets_to_look():
    """A network whose list names no parcels: the look is due at the end of the planned day, and its answer is the arrival."""
    run = Handed()
    remote_id = run.held_there(release=True)
    run.report(remote_id, "COMPLETE", (SENT,))
    part = run.held(1).parts[1]
    d = run.one(remote_id)
    assert (d.op, d.op_at, list(run.state.under_way)) == ("get", (part.deliver_day + 1) * DAY, [remote_id])
    run.at = d.op_at
    run.hear(remote_id, "get", "ok", "COMPLETE", parcels=(THERE,))
    assert (part.status, run.one(remote_id).op, list(run.state.under_way)) == ("DELIVERED", "", [])
    run.sound()
