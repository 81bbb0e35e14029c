"""Which call comes next: within published rates, the urgent before the routine, one call of a dispatch at a time."""

from msgspec.structs import replace

from tests.engine.connected import HOLDS, SECOND
from tranship.core.capability import Connection, Rate
from tranship.dispatch.model import HELD, LIVE, RESOLVING, VOID, Dispatch
from tranship.engine.desk import Desk

RATES = {op: Rate(2000, 30) for op in ("create", "get", "cancel", "release", "list")}
AMZ = Connection("amz", "amazon_mcf", replace(HOLDS, rates=RATES))
T = 1_790_000_000 * SECOND


def desk(**changes: object) -> Desk:
    """A desk with one connection at node 0."""
    made = Desk()
    made.connect({0: replace(AMZ, **changes)}, T)
    return made


def dispatch(n: int, op: str = "create", at: int = T, state: str = "SENDING") -> Dispatch:
    """The n-th of them, with a call due at a time."""
    return Dispatch(f"R{n}", f"o:{n}", 1, 0, True, state, "ship", T, T, op, at)


def test_calls_keep_to_the_published_rate():
    """Thirty at once, then two a second; what is over waits, nothing is forgotten."""
    made = desk(in_flight=1000)
    for n in range(100):
        made.changed(dispatch(n, "cancel", state=RESOLVING))
    sent, now = 0, T
    for _ in range(40):
        for call in made.take(now):
            made.done(call, now)
            made.changed(replace(dispatch(int(call.remote_id[1:])), state=VOID, op=""))
            sent += 1
        now += SECOND
    assert sent == 100
    first = desk(in_flight=1000)
    for n in range(100):
        first.changed(dispatch(n, "cancel", state=RESOLVING))
    assert len(first.take(T)) == 30 and len(first.take(T + SECOND)) == 2


def test_one_call_of_a_dispatch_is_in_flight():
    """However often it is told of."""
    made = desk()
    made.changed(dispatch(1))
    (call,) = made.take(T)
    made.changed(dispatch(1))
    made.changed(dispatch(1, at=T + 1))
    assert made.take(T + 5 * SECOND) == []
    made.done(call, T + 5 * SECOND)
    assert [again.op for again in made.take(T + 5 * SECOND)] == ["create"]


def test_a_call_in_between_is_not_lost_when_the_dispatch_moves_on():
    """The state changed while the call was due: the new call is made, the old one is not."""
    made = desk()
    made.changed(dispatch(1, "create", T + SECOND))
    made.changed(dispatch(1, "cancel", T, state=RESOLVING))
    assert [call.op for call in made.take(T)] == ["cancel"]


def test_routine_looks_hold_up_neither_hand_overs_nor_what_is_in_doubt():
    """Five thousand orders that go well, one that is wanted back: it is looked at first, and new ones have room."""
    made = desk(in_flight=4)
    for n in range(5_000):
        made.changed(dispatch(n, "get", state=LIVE if n % 2 else HELD))
    made.changed(dispatch(9_000, "get", state=RESOLVING), urgency=99_999)
    made.changed(dispatch(9_001, "create"))
    calls = made.take(T)
    assert calls[0].remote_id == "R9000"
    for call in calls:
        made.done(call, T)
        if call.remote_id == "R9000":
            made.changed(replace(dispatch(9_000), state=VOID, op=""))
    assert made.backlog("amz", "create") <= 1 < made.backlog("amz")


def test_what_a_network_throttles_waits_for_its_word():
    """429 with a time: nothing of that operation before it."""
    made = desk()
    for n in range(3):
        made.changed(dispatch(n))
    first, *others = made.take(T)
    for call in (first, *others):
        made.done(call, T, 10_000, throttled=True)
    assert made.take(T + 9 * SECOND) == []
    assert made.next_at(T + SECOND) >= T + 10 * SECOND
    assert made.take(T + 12 * SECOND)
