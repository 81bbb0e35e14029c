"""Age in state of one node behind a healthy interface: a strike, a flood. Pure; times are UTC microseconds of the service's clock.

The interface answers, takes orders and takes them back: only that nothing leaves tells of it. So no probe can say that the node is well
again. Work returns in stages, and each stage waits until orders leave; where none are left there to leave, for as long as it takes to see
that they do not.
"""

from tranship.core.health import Health
from tranship.dispatch.evidence import SECOND
from tranship.dispatch.health import CLOSED, FULL, HALF_OPEN, OPEN, STEPS, Evidence, Verdict


class Standstill:
    """The health of one node by what becomes of its orders."""

    def __init__(self, settings: Health, trial_us: int, at: int = 0) -> None:
        """`trial_us`: how long accepted orders may stand before that counts, and so how long a trial without news takes."""
        self.settings, self.trial_us = settings, trial_us
        self._state, self._why, self._since, self._step = CLOSED, "healthy", at, 0
        self._stalled = self._accepted = self._left_at = 0
        self._openings = 0

    @property
    def stands(self) -> bool:
        """Whether it is given up, or on trial."""
        return self._state != CLOSED

    def resume(self, since: int) -> None:
        """It was given up when the engine went down: begin so, not with a clean sheet."""
        self._openings = max(1, self._openings)
        self._enter(OPEN, "stalled", since)

    def aged(self, stalled: int, accepted: int, left_at: int, at: int) -> None:
        """Of `accepted` orders there, `stalled` show no progress for too long; the last one that left did so at `left_at`."""
        self._stalled, self._accepted = stalled, max(accepted, stalled)
        self._left_at = max(self._left_at, left_at)
        self._advance(at)

    def verdict(self, at: int) -> Verdict:
        """What new work may go there. Asking twice changes nothing."""
        self._advance(at)
        share = FULL if self._state == CLOSED else STEPS[self._step] if self._state == HALF_OPEN else 0
        seen = Evidence(stalled=self._stalled, accepted=self._accepted, openings=self._openings)
        return Verdict(self._state, share, self._why, self._since, 0, seen)

    def _advance(self, now: int) -> None:
        settings = self.settings
        if self._state != OPEN and self._is_stalled(clearly=True):
            self._openings += 1
            self._enter(OPEN, "stalled", now)
        elif self._state == CLOSED:
            if self._openings and now >= self._since + settings.calm_s * SECOND:
                self._openings = 0
        elif self._is_stalled(clearly=False) or not self._moves(now):
            return
        elif self._state == OPEN:
            doubled = settings.open_s << min(16, max(0, self._openings - 1))
            if now >= self._since + min(settings.open_most_s, doubled) * SECOND:
                self._enter(HALF_OPEN, "returning", now, 1)
        elif now >= self._since + settings.step_s * SECOND:
            if self._step + 1 < len(STEPS):
                self._enter(HALF_OPEN, "returning", now, self._step + 1)
            else:
                self._enter(CLOSED, "healthy", now)

    def _moves(self, now: int) -> bool:
        """Whether something left since this state began, or it has lasted as long as a stall takes to see."""
        return self._left_at > self._since or now >= self._since + self.trial_us

    def _is_stalled(self, *, clearly: bool) -> bool:
        """Beyond the limit to give it up; below half of it to begin again."""
        least, share = self.settings.stalled_min, self.settings.stalled_bp
        if not clearly:
            least, share = max(1, least // 2), share // 2
        return self._stalled >= least and self._stalled * FULL >= share * self._accepted

    def _enter(self, state: str, why: str, now: int, step: int = 0) -> None:
        self._state, self._why, self._since, self._step = state, why, now, step
