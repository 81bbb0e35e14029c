"""What customers change before the release: units they no longer want, and where the order goes."""

from pathlib import Path

import msgspec
import pytest

from tests.engine.audit import audit
from tests.engine.connected import PLAIN, Handed, connected
from tests.engine.worlds import AMZ, MONDAY, PL, Run, order, placing, sqlite
from tranship.core.errors import ConflictError, InputError
from tranship.core.ledger import Bucket
from tranship.core.order import Destination, Person
from tranship.dispatch.model import ABANDONED, HELD, LIVE, RESOLVING, SENDING, VOID, Parcel
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.explain import explain
from tranship.engine.live import readdressing
from tranship.engine.preparing import wanted
from tranship.engine.shard import Submission
from tranship.engine.verify import verify

ANN = Person(ref="ann", name="Ann Example", street="1 Old Road", city="Chicago")
FAR = Destination("96813", "HI")
HERE = order(0, ("MUG", 1)).to


@pytest.fixture
def run() -> Handed:
    """A run with twenty mugs and tees at the first two nodes, the first of them behind a connection with hold."""
    return Handed()


def cancel(run: Run, number: object, *lines: tuple[str, int], ref: str = "c1", at: int = MONDAY) -> dict[str, object]:
    """Cancel lines (none: all) and read the answer."""
    command = cmd.CancelUnits(f"test:{number}", lines, ref, at)
    answer = run.answer(Submission(f"cancel/test:{number}/{ref}", command, repr(lines).encode()))
    if answer.error is not None:
        raise answer.error
    found: dict[str, object] = msgspec.json.decode(answer.reply)
    return found


def row(answer: dict[str, object], line: str = "1") -> tuple[int, ...]:
    """(asked, void, asked back, too late, gone before) of a line of the answer."""
    (found,) = [each for each in answer["lines"] if each["line"] == line]  # type: ignore[attr-defined]
    return tuple(found[name] for name in ("asked", "void", "asked_back", "too_late", "gone_before"))


def to(run: Run, number: object, where: Destination, ref: str = "a1", at: int = MONDAY) -> list[ev.Event]:
    """A new ZIP and state."""
    return run.submit(Submission(f"address/test:{number}/{ref}", cmd.ChangeAddress(f"test:{number}", where, ref, at)))


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_what_is_ours_alone_is_void_at_once(run: Handed):
    """Parked or placed; the same ref again gives the first answer, and another content under it is refused."""
    run.place(1, ("MUG", 3), ("TEE", 1))
    assert row(cancel(run, 1, ("1", 2))) == (2, 2, 0, 0, 0)
    assert row(cancel(run, 1, ("1", 2))) == (2, 2, 0, 0, 0)
    assert run.held(1).parts[1].units() == 2
    with pytest.raises(ConflictError, match="used before"):
        cancel(run, 1, ("1", 1))
    answer = cancel(run, 1, ref="c2")
    assert (row(answer), row(answer, "2"), answer["status"]) == ((3, 1, 0, 0, 2), (1, 1, 0, 0, 0), "CANCELLED")
    run.sound()


def test_what_waits_on_hold_is_void_at_once_and_called_back(run: Handed):
    """It cannot ship: free with the word, and the network is told."""
    remote_id = run.held_there()
    assert row(cancel(run, 1, at=run.later())) == (2, 2, 0, 0, 0)
    assert (run.one(remote_id).state, run.one(remote_id).op) == (ABANDONED, "cancel")
    assert run.held(1).status() == "CANCELLED"
    run.sound()


def test_what_was_released_is_asked_back(run: Handed):
    """Void once the network gives it back; a second cancellation asks for no more than is left."""
    remote_id = run.held_there(release=True)
    assert row(cancel(run, 1, ("1", 1), at=run.later())) == (1, 0, 1, 0, 0)
    assert run.one(remote_id).state == RESOLVING
    assert row(cancel(run, 1, ref="c2", at=run.later())) == (2, 0, 1, 0, 1)
    run.hear(remote_id, "get", "ok", "CANCELLED")
    assert run.held(1).status() == "CANCELLED"
    run.sound()


def test_what_has_left_is_too_late_and_no_return(run: Handed):
    """The goods are with the customer: the answer says so, the books do not change."""
    remote_id = run.held_there(release=True)
    run.report(remote_id, "COMPLETE", (Parcel("p1", "UPS", "1Z1", (("1", 2),), "SHIPPED", MONDAY),))
    before = run.state.ledger.totals()
    assert row(cancel(run, 1, at=run.later())) == (2, 0, 0, 2, 0)
    assert run.state.ledger.totals() == before
    run.sound()


def test_a_cancellation_that_cannot_be_is_refused_whole(run: Handed):
    """An unknown order or line, a line twice, more than was ordered: nothing is taken."""
    run.place(1, ("MUG", 3))
    seq = run.shard.store.last_seq()
    for number, lines in ((9, ()), (1, (("7", 1),)), (1, (("1", 1), ("1", 1))), (1, (("1", 4),)), (1, (("1", 0),))):
        with pytest.raises(InputError):
            cancel(run, number, *lines)
    assert run.shard.store.last_seq() == seq


def test_units_that_a_network_gives_back_serve_what_waits(run: Handed):
    """The last tees: taken back while on hold, they are researched, and placed for the order that waits once it is proven."""
    run = Handed(connected(), TEE=1)
    run.place(1, ("TEE", 1))
    run.place(2, ("TEE", 1))
    run.place(3, ("TEE", 1))
    ids = run.hand_over("hold")
    run.hear(ids[0], "create", "ok", "HELD")
    cancel(run, 1, at=run.later())
    assert run.held(3).rests
    run.hear(ids[0], "get", "ok", "CANCELLED")
    assert run.one(ids[0]).state == VOID
    assert not run.held(3).rests and run.held(3).parts[1].node == AMZ
    run.sound()


# -- a new address -----------------------------------------------------------------------------------------------------


def test_an_order_that_is_ours_alone_is_decided_again_for_its_new_place(run: Handed):
    """No node ships to Canada: it waits with the reason; back home it is placed again; the promise stays."""
    run.place(1, ("MUG", 2))
    promise = run.held(1).promise_day
    events = to(run, 1, Destination("V5K 0A1", "BC", "CA"), at=run.later())
    assert [ev.kind_of(event) for event in events] == ["took", "readdressed", "moved"]
    held = run.held(1)
    assert (held.parts[1].status, [rest.reason for rest in held.rests.values()]) == ("CANCELLED", ["no_node"])
    to(run, 1, FAR, "a2", at=run.later())
    assert (held.order.to, held.promise_day, held.rests, held.parts[2].units()) == (FAR, promise, {}, 2)
    run.sound()


def test_the_same_place_moves_nothing(run: Handed):
    """Another street in the same ZIP: what is ours stays where it is."""
    run.place(1, ("MUG", 2))
    assert [ev.kind_of(event) for event in to(run, 1, HERE, at=run.later())] == ["took", "readdressed"]
    run.sound()


@pytest.mark.parametrize("state", [SENDING, HELD])
def test_what_is_on_hold_comes_back_and_goes_out_anew(run: Handed, state: str):
    """It cannot ship to the old address; no other node has one: the next attempt begins once the network has let the first one go."""
    run = Handed(connected(), TEE=1)
    run.place(1, ("TEE", 1))
    run.place(2, ("TEE", 1))
    (remote_id,) = run.hand_over("hold")
    if state == HELD:
        run.hear(remote_id, "create", "ok", "HELD")
    assert run.one(remote_id).state == state
    to(run, 1, HERE, at=run.later())
    assert run.one(remote_id).state == ABANDONED
    assert run.hand_over("hold") == [], "not before it is gone there"
    run.hear(remote_id, "get", "ok", "CANCELLED")
    (second,) = run.hand_over("hold")
    assert (second, run.held(1).parts[1].remote_id) != (remote_id, remote_id)
    run.sound()


def test_what_is_on_hold_goes_elsewhere_at_once_where_another_node_has_it(run: Handed):
    """One move, decided for the new place; the network is told to let the first attempt go."""
    remote_id = run.held_there()
    events = to(run, 1, FAR, at=run.later())
    assert [ev.kind_of(event) for event in events] == ["took", "readdressed", "dispatch", "moved"]
    assert (run.one(remote_id).op, run.held(1).parts[2].node) == ("cancel", PL)
    run.sound()


def test_bytes_made_for_the_old_address_are_not_sent(run: Handed):
    """Chosen and sealed, then the customer moves, or takes a unit back: the intent is left out."""
    run.place(1, ("MUG", 2))
    (before,) = wanted(run.state, run.at, 9)
    to(run, 1, HERE, at=run.later())
    intent = cmd.Intent("test:1", 1, "R1", "s", True, "hold", before.readdressed, before.units)
    assert [ev.kind_of(event) for event in run.do(cmd.HandOver((intent,), run.later()))] == ["took"]
    (after,) = wanted(run.state, run.at, 9)
    assert after.readdressed == 1
    cancel(run, 1, ("1", 1), at=run.later())
    late = cmd.Intent("test:1", 1, "R2", "s", True, "hold", after.readdressed, after.units)
    assert [ev.kind_of(event) for event in run.do(cmd.HandOver((late,), run.later()))] == ["took"]
    good = msgspec.structs.replace(late, remote_id="R3", units=1)
    assert [ev.kind_of(event) for event in run.do(cmd.HandOver((good,), run.later()))] == ["took", "dispatch"]
    run.sound()


def test_once_released_in_doubt_or_gone_the_address_stays(run: Handed):
    """Refused with the reason, nothing changes; an order of which nothing is left to send, too."""
    remote_id = run.held_there(release=True)
    assert run.one(remote_id).state == LIVE
    seq = run.shard.store.last_seq()
    with pytest.raises(ConflictError, match="was released to AMZ-1"):
        to(run, 1, FAR, at=run.later())
    assert run.shard.store.last_seq() == seq
    run.report(remote_id, "COMPLETE", (Parcel("p1", "UPS", "1Z1", (("1", 2),), "SHIPPED", MONDAY),))
    with pytest.raises(ConflictError, match="has left"):
        to(run, 1, FAR, at=run.later())
    run.place(2, ("MUG", 1))
    cancel(run, 2, at=run.later())
    with pytest.raises(ConflictError, match="nothing of it"):
        to(run, 2, FAR, at=run.later())
    with pytest.raises(InputError, match="no order"):
        to(run, 9, FAR, at=run.later())
    run.sound()


def test_without_hold_what_is_being_sent_keeps_its_address():
    """Its bytes may be on their way, and would ship."""
    run = Handed(connected(PLAIN))
    run.place(1, ("MUG", 1))
    run.hand_over()
    with pytest.raises(ConflictError, match="SENDING"):
        to(run, 1, FAR, at=run.later())


def test_the_last_unit_follows_once_its_network_lets_it_go(run: Handed):
    """Nowhere else is one: the order waits, and is placed for its new place when the network has cancelled."""
    run = Handed(connected(), TEE=1)
    run.place(1, ("TEE", 1))
    run.place(2, ("TEE", 1))
    ids = run.hand_over("hold")
    run.hear(ids[0], "create", "ok", "HELD")
    to(run, 1, FAR, at=run.later())
    assert run.held(1).rests and run.shelf(AMZ, "TEE", Bucket.RESEARCHING) == 1
    run.hear(ids[0], "get", "ok", "CANCELLED")
    assert not run.held(1).rests and run.held(1).parts[2].node == AMZ
    run.sound()


def test_street_and_name_go_to_the_address_table_and_are_erased_with_the_person(tmp_path: Path):
    """Sealed in the same transaction; what was not said stays; tables equal the journal; an erasure takes it along."""
    shard = sqlite(tmp_path)
    run = Run(connected(), shard=shard)
    run.stock(AMZ, MUG=5)
    run.stock(PL, MUG=5)
    run.submit(placing(order(1, ("MUG", 1)), ANN))
    run.submit(placing(order(2, ("MUG", 1)), ANN))
    person_id = run.held(1).order.person_id
    said = readdressing(
        shard.people, person_id, "test:1", FAR, Person(street="9 New Street", city="Portland"), "a1", MONDAY
    )
    run.submit(said)
    assert run.answer(said).repeated
    other = readdressing(shard.people, person_id, "test:1", FAR, Person(street="8 Other Street"), "a1", MONDAY)
    assert isinstance(run.answer(other).error, ConflictError)
    again = readdressing(shard.people, person_id, "test:1", FAR, Person(name="Bea Example"), "a2", MONDAY)
    run.submit(again)
    found = shard.people.address("test:1", person_id)
    assert found == msgspec.structs.replace(ANN, name="Bea Example", street="9 New Street", city="Portland")
    assert shard.people.address("test:2", person_id) == ANN
    assert shard.store.query("SELECT zip, state FROM orders WHERE number = '1'") == [("96813", "HI")]
    journal = b"".join(row.payload for row in shard.store.journal())
    assert not any(word in journal for word in (b"New Street", b"Portland", b"Bea"))
    story = explain(shard.store, "1")
    assert story.to == "HI 96813 US" and all(part.adds_up for each in story.decisions for part in each.parts)
    assert verify(shard.store, decide=True).problems == [] and audit(shard.store) == []
    shard.people.erase([person_id])
    run.do(cmd.ErasePerson(person_id, MONDAY))
    assert shard.store.address("test:1") is None and shard.people.address("test:1", person_id) is None
    with pytest.raises(InputError, match="erased"):
        readdressing(shard.people, person_id, "test:1", HERE, Person(street="7 Last Street"), "a3", MONDAY)
    late = cmd.ChangeAddress("test:1", HERE, "a3", MONDAY)
    assert isinstance(run.answer(Submission("late", late, person=Person(street="7 Last Street"))).error, InputError)
    assert verify(shard.store).problems == []
    shard.store.close()


def test_a_refused_address_leaves_nothing_behind(run: Handed):
    """No row in the address table for an order that has left, nor for one that nobody is named in."""
    run.submit(placing(order(1, ("MUG", 1)), ANN))
    run.submit(placing(order(2, ("MUG", 1))))
    run.hear(run.hand_over("ship")[0], "create", "ok", "PROCESSING")
    for number in (1, 2):
        command = cmd.ChangeAddress(f"test:{number}", FAR, "x", run.later())
        assert run.answer(Submission(f"x/{number}", command, person=ANN)).error is not None
    assert run.shard.store.address("test:1") is None and run.shard.store.address("test:2") is None
    run.sound()
