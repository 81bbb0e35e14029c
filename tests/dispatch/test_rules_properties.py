"""What holds for the hand-over rules whatever happens: drawn by hypothesis, and in small worlds with every kind of network."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.dispatch.attempts import KINDS, T0, begun, live, terms
from tranship.core.capability import Capability
from tranship.dispatch import rules
from tranship.dispatch.model import (
    ABANDONED,
    CLOSED,
    DEAD,
    FREE,
    GONE,
    LEFT,
    OUTCOMES,
    REJECTED,
    REMOTE,
    VOID,
    Dispatch,
    Parcel,
    Report,
    Result,
)
from tranship.dispatch.policy import HOUR, SECOND
from tranship.sim.handover.protocol import KINDS as NAMED
from tranship.sim.handover.protocol import Setting, play

WORDS = ("", *REMOTE)
OPS = ("create", "release", "get", "cancel", "tracking")
LINES = st.tuples(st.sampled_from("12"), st.integers(1, 3))
PARCELS = st.builds(
    Parcel, st.sampled_from(["a", "b"]), st.sampled_from(["", "UPS"]), st.sampled_from(["", "1Z"]),
    st.lists(LINES, max_size=2).map(tuple), st.sampled_from(["", "SHIPPED", "DELIVERED", "LOST"]), st.integers(0, 3),
)  # fmt: skip
SOME = st.lists(PARCELS, max_size=2).map(tuple)
SHORT = st.lists(LINES, max_size=2).map(tuple)
RESULTS = st.builds(
    Result, st.sampled_from(OUTCOMES), st.sampled_from(WORDS), st.sampled_from(["", "T1"]),
    accepted_only=st.booleans(), parcels=SOME, short=SHORT,
)  # fmt: skip
REPORTS = st.builds(Report, st.just("R1"), st.sampled_from(WORDS), st.just(""), SOME, SHORT)


class AnyNews(RuleBasedStateMachine):
    """Everything that can happen to one attempt, in any order, as true or false as it may be."""

    @initialize(can=st.sampled_from(KINDS), wish=st.sampled_from(["hold", "ship"]))
    def begin(self, can: Capability, wish: str) -> None:
        """A new attempt."""
        self.can, self.now = can, T0
        self.d = begun(can, wish)
        self.proof = self.let_go = self.recalled = False

    def took(self, step: rules.Step, *, by_clock: bool = False) -> None:
        """What must hold of every step."""
        old, new = self.d, step.dispatch
        if new.state == "RELEASING":
            self.let_go = True
        if old.state in CLOSED:
            assert new.state in {old.state, GONE}, "closed states absorb (I8)"
        if old.freed:
            assert new.op != "release", "never released once it was free (I3)"
            assert new.freed
        if old.state in FREE | {"RESOLVING", "QUARANTINED"}:
            assert new.op != "release"
        if new.state in FREE and old.state not in FREE:
            held = old.hold and not self.let_go
            assert held or self.proof or new.state == REJECTED, f"{old.state} became {new.state} without proof (I2)"
            assert not by_clock or (new.state == ABANDONED and held), "the clock proves nothing (I9)"
            if new.state == REJECTED:
                assert old.state == "SENDING"
                assert not old.doubt_at
        assert new.op in {"", "get"} if new.state == GONE else (new.state in CLOSED) == (not new.op)
        assert (new.remote_id, new.sha256, new.hold) == (old.remote_id, old.sha256, old.hold), "I5"
        self.d = new

    def passed(self, seconds: int) -> int:
        """Time goes on."""
        self.now += seconds * SECOND
        return self.now

    @rule(op=st.sampled_from(OPS), result=RESULTS, took_s=st.integers(0, 60), seconds=st.integers(0, 5_000))
    def answer(self, op: str, result: Result, took_s: int, seconds: int) -> None:
        """An answer, of any age, to any call."""
        now = self.passed(seconds)
        terms_ = terms(self.can)
        said = result.remote in DEAD or (op == "cancel" and self.can.cancel == "sync")
        burnt = not self.can.id_burned_after_cancel
        waited = self.d.doubt_at and now - took_s * SECOND >= rules._late_until(self.d, terms_) > 0
        gone = result.outcome == "not_found" and op in {"get", "cancel"} and waited
        self.proof = (said and (not burnt or waited or not self.d.doubt_at)) or bool(gone) or self.d.remote in DEAD
        self.took(rules.answered(self.d, op, result, now - took_s * SECOND, now, terms_))

    @rule(report=REPORTS, seconds=st.integers(0, 5_000))
    def report(self, report: Report, seconds: int) -> None:
        """A notification or a line of a list."""
        self.proof = report.remote in DEAD or self.d.remote in DEAD
        self.took(rules.reported(self.d, report, self.passed(seconds), terms(self.can)))

    @rule()
    def release(self) -> None:
        """It is time to ship."""
        self.proof = False
        self.took(rules.released(self.d, self.now))

    @rule()
    def recall(self) -> None:
        """It is wanted back."""
        self.proof = False
        self.took(rules.recalled(self.d, "drain", self.now, terms(self.can)))

    @rule(seconds=st.integers(0, 8_000))
    def wait(self, seconds: int) -> None:
        """Silence."""
        self.proof = False
        self.took(rules.waited(self.d, self.passed(seconds), terms(self.can)), by_clock=True)

    @rule()
    def restart(self) -> None:
        """The engine went down and came up."""
        self.proof = False
        self.took(rules.restarted(self.d, self.now, terms(self.can)))

    @precondition(lambda self: self.d.state == "QUARANTINED")
    @rule(ships=st.booleans())
    def settle(self, ships: bool) -> None:
        """A person's word."""
        self.proof = True
        self.took(rules.settled(self.d, ships=ships, why="called", now=self.now, terms=terms(self.can)))

    @invariant()
    def has_a_next_step(self) -> None:
        """What is open has a call to make."""
        if hasattr(self, "d"):
            assert self.d.state in CLOSED or self.d.op in {"create", "release", "get", "cancel"}


TestAnyNews = AnyNews.TestCase
TestAnyNews.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


TRUTH = st.sampled_from(["CANCELLED", "COMPLETE", "COMPLETE_PARTIAL", "UNFULFILLABLE"])


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(KINDS),
    TRUTH,
    st.lists(st.sampled_from(["PROCESSING", "PICKING"]), max_size=3),
    SOME,
    SHORT,
    st.data(),
)
def test_evidence_commutes(
    can: Capability,
    end: str,
    before: list[str],
    parcels: tuple[Parcel, ...],
    short: tuple[tuple[str, int], ...],
    data: st.DataObject,
):
    """The same news in any order, doubled up to five times, then a last look: the same state, parcels and shortages."""
    left, short = parcels if end in LEFT else (), short if end == "COMPLETE_PARTIAL" else ()
    news = [Report("R1", word) for word in before] + [
        Report("R1", end, parcels=left[:1]),
        Report("R1", end, "", left, short),
    ]
    ends = []
    for _ in range(2):
        copies = [each for each in news for _ in range(data.draw(st.integers(0, 5)))]
        d = live(can)
        now = T0 + SECOND
        for report in data.draw(st.permutations(copies)):
            now += SECOND
            d = rules.reported(d, report, now, terms(can)).dispatch
        ends.append(closed_by_looks(d, Result("ok", end, "T1", parcels=left, short=short), can, now))
    assert ends[0] == ends[1]


def closed_by_looks(d: Dispatch, truth: Result, can: Capability, now: int) -> tuple[object, ...]:
    """Its end once looks answer truthfully."""
    for _ in range(50):
        if d.state in CLOSED:
            break
        now = max(now, d.op_at) + SECOND
        told = truth if d.op == "get" else Result("refused")
        d = rules.answered(d, d.op, told, now, now, terms(can)).dispatch
    d = rules.answered(d, "get", truth, now, now, terms(can)).dispatch
    return d.state, d.parcels, d.short


@pytest.mark.parametrize("kind", sorted(NAMED))
def test_nothing_gets_stuck_where_networks_tell_the_truth(kind: str):
    """With every kind of network alone: calls lost and late, engines that die; all orders end, none twice."""
    for seed in range(12):
        found = play(seed, Setting(kinds=(kind,), orders=10))
        assert not found.broken, f"seed {seed}: {found.broken}"


def test_patience_grows_and_stays_within_its_limits():
    """Waits double up to the limit, and are spread so that calls do not meet."""
    patience = terms(KINDS[0]).patience
    waits = [patience.wait("R1", tries) for tries in range(12)]
    assert all(0 < wait <= patience.most_retry_s * SECOND for wait in waits)
    assert waits[0] < waits[3] < waits[-1]
    assert len({patience.wait(f"R{i}", 5) for i in range(20)}) > 10


def test_only_a_limit_that_has_passed_does_anything():
    """Before its deadline, silence changes nothing; without one it never does."""
    d = begun(KINDS[1])
    assert rules.deadline(d, terms(KINDS[1])) == 0
    assert rules.waited(d, T0 + 100 * HOUR, terms(KINDS[1])).dispatch is d
    assert VOID in FREE
