"""Node health: sick networks are found fast, healthy ones are left alone, work returns in steps, and no state waits for ever."""

import copy
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.health import FAULTS, WARM, World, detect, false_trips, run, warmed
from tranship.core.health import Health
from tranship.dispatch.evidence import Calls
from tranship.dispatch.health import CLOSED, FULL, HALF_OPEN, OPEN, STATES, STEPS, Verdict, Watch, admitted, worse

S = 1_000_000
BAD = ("unknown", "violation", "unauthorized")


class Caller:
    """Calls a network twice a second and probes when asked to; time goes on with each call."""

    def __init__(self, watch: Watch, at: int = 0) -> None:
        self.watch, self.at, self.number = watch, at, 0

    def call(self, outcome: str = "ok", took: int = S // 5, gap: int = S // 2) -> Verdict:
        """One call after `gap`; `outcome` "" never comes."""
        self.at += gap
        self.number += 1
        wanted = self.watch.verdict(self.at).probe_at
        self.watch.started(f"{self.number}", "create", self.at, probe=0 < wanted <= self.at)
        if outcome:
            self.watch.ended(f"{self.number}", self.at + took, outcome)
        return self.watch.verdict(self.at + took)

    def until(self, state: str, outcome: str = "ok", most: int = 2_000) -> Verdict:
        """Calls until the state is reached."""
        for _ in range(most):
            verdict = self.call(outcome)
            if verdict.state == state:
                return verdict
        raise AssertionError(f"never {state}: {self.watch.verdict(self.at)}")


def healthy(calls: int = 600) -> Caller:
    """A network that was healthy so far."""
    caller = Caller(Watch())
    for _ in range(calls):
        assert caller.call().state == CLOSED
    return caller


@pytest.mark.parametrize("outcome", BAD)
def test_failing_calls_open_and_say_so(outcome: str) -> None:
    """A few failures in a row are enough; the verdict says why and shows its numbers."""
    caller = healthy()
    verdict = caller.until(OPEN, outcome, most=5)
    assert (verdict.share_bp, verdict.why) == (0, "errors")
    assert verdict.evidence.score >= Health().evidence_milli and verdict.evidence.openings == 1


@pytest.mark.parametrize("outcome", ["ok", "exists", "refused", "not_found", "throttled"])
def test_answers_are_answers(outcome: str) -> None:
    """A refusal, "not found" or "slow down" is the network at work: nothing opens."""
    caller = healthy(60)
    assert all(caller.call(outcome).state == CLOSED for _ in range(200))


def test_calls_in_flight_count_with_their_age() -> None:
    """Nothing ever ends, and still it is found: within a few seconds of being slow."""
    caller = healthy()
    began = caller.at
    verdict = caller.until(OPEN, "", most=20)
    assert verdict.why == "slow" and caller.at - began < 10 * S
    assert verdict.evidence.in_flight > 3 and verdict.evidence.oldest_ms > verdict.evidence.slow_ms


def test_a_single_failure_opens_nothing() -> None:
    """Two bad calls close together are no proof either."""
    caller = healthy()
    for outcome in ("unknown", "unknown", *["ok"] * 60, "violation", *["ok"] * 60):
        assert caller.call(outcome).state == CLOSED


def test_suspicion_asks_for_probes() -> None:
    """After one failure a probe is wanted at once, and soon again while the suspicion lasts."""
    caller = healthy()
    assert caller.watch.verdict(caller.at).probe_at == 0
    verdict = caller.call("unknown")
    assert 0 < verdict.probe_at <= caller.at + S
    for _ in range(60):
        verdict = caller.call()
    assert verdict.probe_at == 0


def test_a_quiet_network_that_fails_is_found_too() -> None:
    """One call a minute: three or four failures open, although a window of a minute never holds them."""
    caller = Caller(Watch())
    for _ in range(100):
        caller.call(gap=60 * S)
    assert OPEN in [caller.call("unknown", gap=60 * S).state for _ in range(4)]


def test_work_returns_in_steps() -> None:
    """Open, probes, then 10, 25, 50 and 100 % of new work, each for its time."""
    caller = healthy()
    caller.until(OPEN, "unknown")
    opened = caller.at
    seen: list[tuple[int, int]] = []
    while caller.call().state != CLOSED:
        verdict = caller.watch.verdict(caller.at + S // 5)
        if verdict.state == HALF_OPEN and (not seen or seen[-1][0] != verdict.share_bp):
            seen.append((verdict.share_bp, caller.at))
    assert [share for share, _ in seen] == list(STEPS)
    assert seen[0][1] - opened >= Health().open_s * S
    assert caller.at - seen[1][1] >= 3 * Health().step_s * S


def test_a_failed_probe_opens_again_for_longer() -> None:
    """Each relapse doubles the pause, up to its limit."""
    caller = healthy()
    pauses = []
    for _ in range(8):
        caller.until(OPEN, "unknown")
        opened = caller.at
        caller.until(HALF_OPEN)
        pauses.append((caller.at - opened) // S)
    assert pauses == sorted(pauses) and pauses[0] >= 20 and pauses[1] >= 40 and 300 <= pauses[-1] <= 305


def test_a_probe_that_never_returns_is_a_failed_one() -> None:
    """Half-open does not wait for an answer: the probe's age opens it again, and the next probe may end it."""
    caller = healthy()
    caller.until(OPEN, "unknown")
    caller.until(HALF_OPEN)
    verdict = caller.call("")
    for _ in range(20):
        caller.at += S
        verdict = caller.watch.verdict(caller.at)
        if verdict.state == OPEN:
            break
    assert verdict.state == OPEN
    assert caller.until(CLOSED, most=5_000).share_bp == FULL


def test_a_relapse_on_the_way_back_steps_back() -> None:
    """At 50 % two failures cost a step, not the whole way, and the way goes on from there."""
    caller = healthy()
    caller.until(OPEN, "unknown")
    while caller.call().share_bp != 5_000:
        pass
    shares = [caller.call("unknown").share_bp for _ in range(2)]
    assert shares[-1] == 2_500
    assert caller.until(CLOSED).share_bp == FULL


def test_orders_that_stand_still_open_although_calls_are_fine() -> None:
    """Accepted, then no progress: found from outside; well again only when clearly fewer stand still."""
    caller = healthy()
    caller.watch.aged(2, 3, caller.at)
    assert caller.call().state == CLOSED, "too few to tell"
    caller.watch.aged(40, 100, caller.at)
    assert caller.call().why == "stalled"
    caller.watch.aged(20, 100, caller.at)
    for _ in range(200):
        assert caller.call().state == OPEN, "below the limit, not yet well"
    caller.watch.aged(1, 100, caller.at)
    assert caller.until(CLOSED).share_bp == FULL


def test_a_person_decides_until_it_expires() -> None:
    """An override holds against the calls, both ways, and ends by itself; what was seen meanwhile counts then."""
    caller = healthy()
    caller.watch.set_override(0, caller.at + 60 * S, "maintenance by phone")
    verdict = caller.call()
    assert (verdict.state, verdict.share_bp, verdict.why) == (OPEN, 0, "manual")
    caller.at += 61 * S
    assert caller.call().state == CLOSED
    caller.watch.set_override(FULL, caller.at + 20 * S)
    assert all(caller.call("unknown").share_bp == FULL for _ in range(30))
    assert caller.until(OPEN, "unknown").why == "errors"
    caller.watch.set_override(FULL, caller.at + 60 * S)
    caller.watch.clear_override()
    assert caller.call().state == OPEN


def test_a_planned_outage_closes_the_tap_and_teaches_nothing() -> None:
    """No new work inside, failures are expected, and afterwards work returns in steps without a longer pause."""
    caller = healthy()
    first, until = caller.at + 10 * S, caller.at + 120 * S
    caller.watch.plan(((first, until),))
    assert caller.call().state == CLOSED
    caller.at = first
    while caller.at < until - S:
        verdict = caller.call("unknown")
        assert (verdict.state, verdict.why, verdict.share_bp) == (OPEN, "planned", 0)
    caller.at = until
    assert caller.call(gap=0).state == HALF_OPEN
    assert caller.until(CLOSED).evidence.openings == 0


def test_usual_latency_is_learned_when_healthy_and_never_when_sick() -> None:
    """A slower network becomes the usual one; an outage of an hour changes nothing of what is usual."""
    caller = healthy(3_000)
    caller.until(OPEN, "unknown")
    slow = caller.watch.calls.slow_after("create")
    assert slow < 1_200_000, "faster than the default: learned"
    for _ in range(2_000):
        caller.call("unknown", took=8 * S)
    assert caller.watch.calls.slow_after("create") == slow


def test_a_slow_network_is_not_sick_at_first_sight() -> None:
    """Cold start: far above the default latency, steadily. That is how it is, not an outage."""
    caller = Caller(Watch())
    rng = Random(1)
    assert all(caller.call(took=int(4 * S * rng.uniform(0.7, 1.4)), gap=5 * S).state == CLOSED for _ in range(200))
    assert caller.watch.calls.slow_after("create") > 8 * S


def test_relearning_begins_anew() -> None:
    """What is usual has changed for good: a person says so, and the slower answers are fine."""
    caller = healthy(3_000)
    caller.until(OPEN, "unknown")
    caller.watch.relearn()
    for _ in range(400):
        verdict = caller.call(took=3 * S, gap=4 * S)
    assert verdict.state == CLOSED


def test_a_clock_set_back_stops_nothing() -> None:
    """A day back: opened is opened, the pause passes, work returns."""
    caller = healthy()
    caller.until(OPEN, "unknown")
    caller.at -= 86_400 * S // 1000
    assert caller.until(CLOSED).share_bp == FULL


def test_memory_is_bounded() -> None:
    """Calls that nobody ever ends are forgotten with the window."""
    watch = Watch()
    for number in range(3_000):
        watch.started(f"{number}", "get", number * S // 10)
        watch.verdict(number * S // 10)
    assert len(watch.calls.seen) < 1_000 and len(watch.calls.pending) < 1_000


def test_an_end_without_a_beginning_changes_nothing() -> None:
    """Told twice, or for a call of before a restart."""
    caller = healthy(20)
    before = caller.watch.verdict(caller.at + S)
    for _ in range(100):
        caller.watch.ended("7", caller.at + S, "unknown")
    assert caller.watch.verdict(caller.at + S) == before


def test_shares_are_exact_and_even() -> None:
    """Of any run of new work, the share goes through to within one piece."""
    for share in (0, 1_000, 2_500, 5_000, FULL):
        through = 0
        for count in range(1, 2_001):
            through += admitted(share, count)
            assert through == count * share // FULL


def test_the_stricter_verdict_wins() -> None:
    """Connection and node: less share first, then the sicker state."""
    well, sick = Verdict(CLOSED, FULL, "healthy", 0), Verdict(OPEN, 0, "errors", 0)
    trial = Verdict(HALF_OPEN, 0, "probing", 0)
    assert worse(well, sick) == worse(sick, well) == sick
    assert worse(trial, sick) == worse(sick, trial) == sick
    assert worse(well, well) == well


# -- properties --------------------------------------------------------------------------------------------------------

LATENCY = st.integers(1_000, 900_000)


@settings(max_examples=40)
@given(st.lists(st.tuples(LATENCY, st.integers(0, 2 * S)), min_size=1, max_size=400), st.integers(20, 60))
def test_a_healthy_stream_never_trips(calls: list[tuple[int, int]], every: int) -> None:
    """Any latencies below the bound, any gaps, one failure in so many calls: closed all the time."""
    caller = Caller(Watch())
    for number, (took, gap) in enumerate(calls, 1):
        verdict = caller.call("unknown" if number % every == 0 else "ok", took, gap + took)
        assert verdict.state == CLOSED


RANKS = ("ok", "throttled", "unknown")
STREAM = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(1_000, 9 * S), st.integers(0, 4 * S)), max_size=40
)


@settings(max_examples=150)
@given(STREAM)
def test_worse_input_never_gives_a_healthier_verdict(stream: list[tuple[int, int, int, int]]) -> None:
    """Two networks with one past; the calls of one end as the other's or worse and later. It is never judged healthier."""
    better, worse_one = copy.deepcopy(WARMED), copy.deepcopy(WARMED)
    ends: list[tuple[int, Watch, str, str]] = []
    for number, (rank, more, took, later) in enumerate(stream):
        at = WARM + number * S // 2
        for watch, outcome, late in ((better, RANKS[rank], 0), (worse_one, RANKS[max(rank, more)], later)):
            watch.started(f"c{number}", "create", at)
            ends.append((at + took + late, watch, f"c{number}", outcome))
    ends.sort(key=lambda end: end[0])
    for at in range(WARM, WARM + (len(stream) // 2 + 1) * S, S // 4):
        while ends and ends[0][0] <= at:
            then, watch, call, outcome = ends.pop(0)
            watch.ended(call, then, outcome)
        one, other = better.verdict(at), worse_one.verdict(at)
        assert other.evidence.score >= one.evidence.score or other.state == OPEN
        assert STATES.index(other.state) >= STATES.index(one.state) and other.share_bp <= one.share_bp


@settings(max_examples=100)
@given(st.lists(st.sampled_from(("ok", "unknown", "throttled")), min_size=1, max_size=12), st.randoms())
def test_order_of_simultaneous_results_makes_no_difference(outcomes: list[str], random: Random) -> None:
    """Results of one instant, in any order: the same verdict, then and later."""
    calls = list(enumerate(outcomes))
    shuffled = calls[:]
    random.shuffle(shuffled)
    verdicts = []
    for order in (calls, shuffled):
        watch = copy.deepcopy(WARMED)
        for number, _ in calls:
            watch.started(f"c{number}", "create", WARM + number * S // 10)
        at = WARM + 2 * S
        for number, outcome in order:
            watch.ended(f"c{number}", at, outcome)
        verdicts.append([msgspec.to_builtins(watch.verdict(at + step * S)) for step in range(60)])
    assert verdicts[0] == verdicts[1]


KINDS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(("ok", "unknown", "throttled", "")), LATENCY), max_size=40
)


@settings(max_examples=150)
@given(KINDS)
def test_the_score_is_the_most_that_any_run_of_calls_says(stream: list[tuple[int, str, int]]) -> None:
    """The quick search from the newest call back finds what adding up every run of calls finds."""
    calls, at = Calls(Health()), 0
    for number, (gap, outcome, took) in enumerate(stream):
        at += gap * S
        calls.start(f"{number}", "get", at)
        if outcome:
            calls.end(f"{number}", at + took, outcome)
    kinds = list(calls.kinds(at))
    starts = {began for began, _ in kinds}
    sums = [sum(calls.weight(kind) for began, kind in kinds if began >= start) for start in starts]
    assert calls.score(at) == max([0, *sums])


# -- figures, the short version of benchmarks/health ---------------------------------------------------------------------

WARMED = warmed(World(), 0, WARM - 900 * S)


def test_faults_are_found_within_ten_seconds() -> None:
    """Latency x 10, hang, 5xx and a 30 % brownout at two calls a second, 40 seeds: at least 90 % in time (1,000 seeds: 95 %)."""
    found = detect(World(), 40, [WARMED])
    assert set(found) == set(FAULTS)
    for fault, figures in found.items():
        assert float(str(figures["within_10_s"])) >= 0.9, (fault, figures)


def test_an_ordinary_day_trips_nothing() -> None:
    """A tenth of a day of jitter and drift at 0.5 % errors (30 days: benchmarks/health)."""
    assert false_trips(World(errors=0.005), 0.1, 7) == 0


def test_an_outage_of_a_minute_is_over_in_time() -> None:
    """Blackout, then health: closed again within the pause, the probes and the steps; never a second opening."""
    watch, rng = copy.deepcopy(WARMED), Random(3)
    end = WARM + 60 * S
    assert list(run(watch, World(), rng, WARM, end, "hang"))
    for _ in run(watch, World(), rng, end, end + 400 * S):
        pass
    verdict = watch.verdict(end + 400 * S)
    assert verdict.state == CLOSED and verdict.evidence.openings <= 3
