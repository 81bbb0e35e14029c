"""Node health: whether a network's interface, or one node, may have new work, and how much. Pure; times are UTC microseconds.

`started`, `ended` and `aged` tell what happens, `verdict` says what follows. The breaker decides where *new* work goes; what was
handed over already is the hand-over protocol's (`dispatch.rules`). A call in flight counts with its age, so an interface that answers
nothing is found as fast as one that answers badly, and a probe that never comes back is a failed one: no state waits for an answer.
"""

from typing import Protocol, TypeVar

import msgspec

from tranship.core.health import Health
from tranship.dispatch.evidence import FAILED, GOOD, SECOND, Calls

CLOSED, HALF_OPEN, OPEN = "closed", "half_open", "open"
STATES = (CLOSED, HALF_OPEN, OPEN)
"""Healthy, on trial, sick; in this order of sickness."""
STEPS = (0, 1_000, 2_500, 5_000)
"""Basis points of new work while half-open: none (probes only), then the return in stages. Closed is 10,000."""
FULL = 10_000
WHY = ("healthy", "errors", "slow", "stalled", "probing", "returning", "planned", "manual")
_JUMP = 60 * SECOND
"""A clock that goes back further was set; below, times only arrive out of order."""


class Evidence(msgspec.Struct, frozen=True):
    """The numbers behind a verdict, to be shown and kept. Counts are of calls in the window."""

    calls: int = 0
    failed: int = 0
    slow: int = 0  # answered too late, or still unanswered for too long
    in_flight: int = 0
    oldest_ms: int = 0  # age of the oldest call in flight
    slow_ms: int = 0  # above which a call of the operation that was slowest lately is slow
    score: int = 0  # thousandths of a nat that speak for sickness ...
    limit: int = 0  # ... and how many open
    stalled: int = 0  # accepted orders without progress
    accepted: int = 0  # of so many
    openings: int = 0  # since it was last calm


class Verdict(msgspec.Struct, frozen=True):
    """What may be sent. `share_bp` of new work; `probe_at`: when the next probe is wanted at the earliest, 0 for none."""

    state: str
    share_bp: int
    why: str
    since: int  # in this state, or at this step of the return
    probe_at: int = 0
    evidence: Evidence = Evidence()


class Override(msgspec.Struct, frozen=True):
    """What a person said: this share of new work until then, whatever the calls say."""

    share_bp: int
    until: int
    reason: str = ""


class Watch:
    """The health of one subject. Its order of calls: times do not go back; where they do, the latest one is meant."""

    def __init__(self, settings: Health = Health(), at: int = 0) -> None:  # noqa: B008 - frozen
        self.settings = settings
        self.calls = Calls(settings)
        self.override: Override | None = None
        self.outages: tuple[tuple[int, int], ...] = ()
        self._state, self._why, self._since = CLOSED, "healthy", at
        self._step = 0  # of STEPS, while half-open
        self._good = 0  # good answers since the step began
        self._openings = 0
        self._from = 0  # calls that began earlier say nothing of the state we are in
        self._healthy_from = at
        self._now, self._offset = at, 0
        self._probe_at = 0
        self._stalled = self._accepted = 0
        self._score = 0
        self._out = False  # in a planned outage

    # -- what happens -------------------------------------------------------------------------------------------------

    def started(self, call_id: str, op: str, at: int, *, probe: bool = False) -> None:
        """A call begins. Told before the bytes leave, or an outage would stay unseen. `probe`: it was sent because of `probe_at`."""
        now = self._move(at)
        self.calls.start(call_id, op, now)
        if probe:
            gap = self.settings.probe_s * SECOND
            self._probe_at = now + (gap if self._state == HALF_OPEN else gap // 4)  # suspicion should not last

    def ended(self, call_id: str, at: int, outcome: str) -> None:
        """A call ended with one of dispatch.model.OUTCOMES. One that is not in flight (told twice, too late) changes nothing."""
        call = self.calls.end(call_id, self._move(at), outcome)
        if call is not None and call.kind == GOOD and call.began >= self._from:
            self._good += 1

    def aged(self, stalled: int, total: int, at: int) -> None:
        """Age in state: of `total` accepted orders, `stalled` show no progress for longer than the connection's limit."""
        self._move(at)
        self._stalled, self._accepted = stalled, max(total, stalled)

    # -- what a person says -------------------------------------------------------------------------------------------

    def set_override(self, share_bp: int, until: int, reason: str = "") -> None:
        """This share of new work until then; 0 closes the tap, 10,000 opens it. The breaker goes on watching underneath."""
        self.override = Override(min(FULL, max(0, share_bp)), until, reason)

    def clear_override(self) -> None:
        """The breaker decides again."""
        self.override = None

    def on_trial(self, at: int) -> None:
        """Begin half-open: it was sick when it was last looked at."""
        self._enter(HALF_OPEN, "probing", self._move(at))

    def plan(self, outages: tuple[tuple[int, int], ...]) -> None:
        """Planned outages as (from, until): no new work inside, nothing learned from it, and a staged return after."""
        self.outages = outages

    def relearn(self) -> None:
        """Its usual latency has changed for good: learn it anew."""
        self.calls.known_from = self._now
        for latency in self.calls.usual.values():
            latency.forget()

    # -- what follows -------------------------------------------------------------------------------------------------

    def verdict(self, at: int) -> Verdict:
        """What may be sent now. Asking twice changes nothing."""
        now = self._move(at)
        self._advance(now)
        since, probe = self._since - self._offset, self._probe_at and self._probe_at - self._offset
        if self.override is not None and at < self.override.until:
            share = self.override.share_bp
            state = OPEN if share == 0 else CLOSED if share == FULL else HALF_OPEN
            return Verdict(state, share, "manual", since, probe, self._evidence(now))
        if self._out:
            return Verdict(OPEN, 0, "planned", since, 0, self._evidence(now))
        share = FULL if self._state == CLOSED else STEPS[self._step] if self._state == HALF_OPEN else 0
        return Verdict(self._state, share, self._why, since, probe, self._evidence(now))

    def glance(self, at: int) -> tuple[str, int]:
        """State by calls alone, and when a probe is wanted: `verdict` without its numbers, for who asks very often."""
        self._advance(self._move(at))
        return self._state, self._probe_at and self._probe_at - self._offset

    def _evidence(self, now: int) -> Evidence:
        kinds = [kind for _, kind in self.calls.kinds(now, self._from)]
        pending = [call.began for call in self.calls.pending.values()]
        return Evidence(
            calls=len(kinds),
            failed=kinds.count(FAILED),
            slow=sum(kind > FAILED for kind in kinds),
            in_flight=len(pending),
            oldest_ms=(now - min(pending)) // 1000 if pending else 0,
            slow_ms=max((self.calls.slow_after(call.op) for call in self.calls.seen.values()), default=0) // 1000,
            score=self._score,
            limit=self._limit(),
            stalled=self._stalled,
            accepted=self._accepted,
            openings=self._openings,
        )

    # -- the states ---------------------------------------------------------------------------------------------------

    def _move(self, at: int) -> int:
        """Bring our time to `at`. What one instant brings is weighed when it is over, so its order makes no difference."""
        now = at + self._offset
        if now < self._now - _JUMP:  # set back: time goes on from where it was
            self._offset += self._now - now
        if now > self._now:
            self._advance(self._now)
            self._now = now
        return self._now

    def _advance(self, now: int) -> None:
        self._learn(now)
        self._outage(now)
        if self._out:
            return
        if self._state == OPEN:
            if now >= self._since + self._pause() and not self._is_stalled(clearly=False):
                self._enter(HALF_OPEN, "probing", now)
            return
        self._score = self.calls.score(now, self._from)
        if self._is_stalled(clearly=True):
            self._open("stalled", now)
        elif self._state == CLOSED:
            self._watch_closed(now)
        else:
            self._watch_half_open(now)

    def _watch_closed(self, now: int) -> None:
        if (
            self._score >= self._limit()
            and sum(1 for _ in self.calls.kinds(now, self._from)) >= self.settings.min_calls
        ):
            self._open(self._sickness(now), now)
        elif self._score:  # suspicion: a probe says sooner which it is
            self._probe_at = self._probe_at or now
        else:
            self._probe_at = 0
            if self._openings and now >= self._since + self.settings.calm_s * SECOND:
                self._openings = 0

    def _watch_half_open(self, now: int) -> None:
        if self._score >= self._limit():
            if self._step <= 1:
                self._open(self._sickness(now), now)
            else:  # one step back, and its evidence is used up
                self._enter(HALF_OPEN, "returning", now, self._step - 1)
        elif self._score == 0 and self._good >= self.settings.probes:
            if self._step == 0:
                self._enter(HALF_OPEN, "returning", now, 1)
            elif now >= self._since + self.settings.step_s * SECOND:
                if self._step + 1 < len(STEPS):
                    self._enter(HALF_OPEN, "returning", now, self._step + 1)
                else:
                    self._enter(CLOSED, "healthy", now)

    def _enter(self, state: str, why: str, now: int, step: int = 0) -> None:
        """Begin a state, or a step of one: what came before no longer speaks."""
        self._state, self._why, self._since, self._step = state, why, now, step
        self._from, self._good, self._score = now + 1, 0, 0
        self._probe_at = now if state == HALF_OPEN else 0
        self._healthy_from = now

    def _open(self, why: str, now: int) -> None:
        score = self._score
        self._openings += 1
        self._enter(OPEN, why, now)
        self._from, self._score = 0, score  # what opened it stays to be seen

    def _pause(self) -> int:
        doubled = self.settings.open_s << min(16, max(0, self._openings - 1))
        return min(self.settings.open_most_s, doubled) * SECOND

    def _limit(self) -> int:
        """Thousandths of a nat that open: on trial one bad answer is enough, for it was sick a moment ago."""
        full = self.settings.evidence_milli
        return full if self._state != HALF_OPEN else 1 if self._step == 0 else full // 2

    def _is_stalled(self, *, clearly: bool) -> bool:
        """Whether accepted orders stand still: beyond the limit to open, below half of it to be well again."""
        least, share = self.settings.stalled_min, self.settings.stalled_bp
        if not clearly:
            least, share = max(1, least // 2), share // 2
        return self._stalled >= least and self._stalled * 10_000 >= share * self._accepted

    def _sickness(self, now: int) -> str:
        kinds = [kind for _, kind in self.calls.kinds(now, self._from)]
        return "errors" if kinds.count(FAILED) > sum(kind > FAILED for kind in kinds) else "slow"

    def _outage(self, now: int) -> None:
        at = now - self._offset
        inside = any(first <= at < until for first, until in self.outages)
        if self._out and not inside:
            self._enter(HALF_OPEN, "probing", now)
        elif inside and not self._out:
            self._since = now
        self._out = inside

    def _learn(self, now: int) -> None:
        """Take in what leaves the window, where the whole time since it began was healthy."""
        calm = self._state == CLOSED and not self._out and 2 * self._score < self._limit()
        for call in self.calls.prune(now):
            if calm and call.began >= self._healthy_from:
                self.calls.learn(call)


class Judged(Protocol):
    """What has a state and a share of new work."""

    @property
    def state(self) -> str:
        """One of STATES."""

    @property
    def share_bp(self) -> int:
        """Of new work, basis points."""


J = TypeVar("J", bound=Judged)


def worse(one: J, other: J) -> J:
    """The stricter of two: that of a connection and of a node behind it. Equal: the first."""
    return other if (other.share_bp, -STATES.index(other.state)) < (one.share_bp, -STATES.index(one.state)) else one


def admitted(share_bp: int, count: int) -> bool:
    """Whether the `count`-th new piece of work (from 1) goes through at this share: evenly spread, exact over every 10,000.

    >>> sum(admitted(2_500, n) for n in range(1, 101))
    25
    """
    return count * share_bp // FULL > (count - 1) * share_bp // FULL
