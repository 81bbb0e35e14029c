"""While the vault or its keys cannot be asked, nothing leaves: tried again later and later, and a person hears of it."""

from tranship.core.errors import UnavailableError
from tranship.core.time import MICROS_PER_HOUR
from tranship.engine import commands as cmd
from tranship.engine.shard import Submission

FIRST_US = 1_000_000
"""Real microseconds until the first new try; each next one waits twice as long ..."""
MOST_US = 60_000_000
"""... up to this."""


class VaultWait:
    """When the vault may be asked again. Orders that wait for it keep their place: another network would need it as well."""

    def __init__(self) -> None:
        self._wait = self._until = 0

    def waits(self, now: int) -> bool:
        """Whether it is too early for another try; `now` is real UTC microseconds."""
        return now < self._until

    def answered(self) -> None:
        """It could be asked."""
        self._wait = self._until = 0

    def failed(self, error: UnavailableError, now: int, at: int) -> Submission:
        """It could not be asked; what puts that before a person, once in an hour of the clock (`at`)."""
        self._wait = min(MOST_US, 2 * self._wait or FIRST_US)
        self._until = now + self._wait
        detail = f"nothing can be masked ({type(error).__name__}): hand-overs wait, {self._wait // 1_000_000} s to the next try"
        report = cmd.ReportException("vault_down", "vault", detail, at)
        return Submission(f"vault/{at // MICROS_PER_HOUR}", report)
