"""While the vault or its keys cannot be asked, nothing leaves: tried again later and later, and a person hears of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tranship.connectors.port import Connector
from tranship.core.errors import DamageError, UnavailableError
from tranship.core.time import MICROS_PER_HOUR
from tranship.engine import commands as cmd
from tranship.engine.outward import Masker
from tranship.engine.preparing import Prepared, Wanted, prepare
from tranship.engine.shard import Submission
from tranship.store.people import People

FIRST_US = 1_000_000
"""Real microseconds until the first new try; each next one waits twice as long ..."""
MOST_US = 60_000_000
"""... up to this."""


class Made(NamedTuple):
    """What was prepared, one entry each; `down`: what the vault, or the key of a person, was missing for where some have to wait."""

    prepared: list[Prepared]
    down: UnavailableError | None


WAITS = Prepared(None, None)
"""Neither sent nor refused: it is asked for again."""
UNREAD = Prepared(None, None, "what is stored of the person cannot be read: restore a backup")
"""No network could be told of this order."""


def prepare_all(
    found: Sequence[Wanted], connectors: Mapping[str, Connector], people: People, masker: Callable[[], Masker], at: int
) -> Made:
    """Prepare these. What one person's damaged row stands against steps aside; what a missing key stands against waits."""
    prepared: list[Prepared] = []
    closed: list[int] = []  # people whose key does not open
    person_down: UnavailableError | None = None
    vault_down: UnavailableError | None = None
    opened = False
    for each in found:
        made = WAITS
        try:
            held = people.known(each.due.order_id, each.person_id) if each.person_id else None
        except DamageError:
            prepared.append(UNREAD)
            continue
        except UnavailableError as error:
            person_down = error
            closed.append(len(prepared))
            prepared.append(WAITS)
            continue
        opened = opened or held is not None
        address = held.address if held is not None else None
        try:
            made = prepare(each, connectors[each.connection], people, address, masker(), at, held=held)
        except UnavailableError as error:
            vault_down = error
        prepared.append(made)
    if opened and closed:  # the key file opens others: it is their own rows
        person_down = None
        for place in closed:
            prepared[place] = UNREAD
    return Made(prepared, vault_down or person_down)


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
