"""A look that tells what is known is not journaled; whatever it tells anew is."""

import pytest

from tests.engine.connected import SECOND, Handed
from tranship.dispatch.model import Parcel, Result
from tranship.engine.desk import Call, Desk
from tranship.engine.driver.driver import _told_nothing

BOX = Parcel("p1", "UPS", "1Z1")


@pytest.fixture
def run() -> Handed:
    """One order on hold (R0), one released (R1), both looked at once."""
    made = Handed()
    made.held_there()
    made.held_there(release=True)
    made.hear("R0", "get", "ok", "HELD")
    made.hear("R1", "get", "ok", "PROCESSING")
    return made


def silent(run: Handed, remote_id: str, result: Result, op: str = "get") -> bool:
    """Whether this answer would be left out of the journal."""
    return _told_nothing(run.shard, Call("amz", op, remote_id, "", run.at), result)


def test_the_same_word_again_is_no_news(run: Handed):
    """On hold, still on hold; at work, still at work."""
    assert silent(run, "R0", Result("ok", "HELD")) and silent(run, "R1", Result("ok", "PROCESSING"))


@pytest.mark.parametrize(
    ("remote_id", "result"),
    [
        ("R0", Result("ok", "CANCELLED")),
        ("R0", Result("not_found")),
        ("R0", Result("unknown")),
        ("R1", Result("ok", "HELD")),
        ("R1", Result("ok", "PICKING")),
        ("R1", Result("ok", "PROCESSING", parcels=(BOX,))),
        ("R1", Result("ok", "PROCESSING", short=(("1", 1),))),
        ("R9", Result("ok", "PROCESSING")),
    ],
    ids=["ended", "gone", "unheard", "release came to nothing", "picked", "parcel", "short", "foreign"],
)
def test_anything_else_is_told(run: Handed, remote_id: str, result: Result):
    """Words, parcels, shortages, and answers that tell nothing of the order."""
    assert not silent(run, remote_id, result)


def test_what_is_wanted_back_is_always_told(run: Handed):
    """Each look at a call-back counts towards its proof and its pace."""
    run.breaker(why="stalled: it stands")
    run.drain()
    assert not silent(run, "R1", Result("ok", "PROCESSING"))


def test_the_desk_looks_again_later(run: Handed):
    """Not before the time that it was given, and then it does."""
    desk = Desk()
    desk.connect(run.state.connected, run.at)
    desk.changed(run.one("R1"))
    due = run.one("R1").op_at
    (call,) = desk.take(due)
    desk.postpone(call, due + 100 * SECOND)
    desk.done(call, due)
    assert desk.take(due + 99 * SECOND) == []
    assert [again.remote_id for again in desk.take(due + 100 * SECOND)] == ["R1"]
