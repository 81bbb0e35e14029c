"""A run as the beginning of a rehearsal: its journal is read up to a point, what the rehearsal adds stays in memory."""

from collections.abc import Callable, Iterator

from tranship.core.errors import DamageError
from tranship.core.order import Person
from tranship.engine.digest import GENESIS
from tranship.engine.evolve import evolve
from tranship.engine.shard import checked, decoded
from tranship.engine.state import State
from tranship.sim.handover.store import SimStore
from tranship.store.people import Vault
from tranship.store.port import Batch, JournalRow, PersonRow, Store

VAULT = Vault(b"people of a rehearsal are made up")
NOBODY = Person("", "A Customer", "1 Main Street", "Anytown")
"""Who every order goes to: nothing of the run's people is read. Its ZIP code and state are the order's own."""


class RunStore(SimStore):
    """The run's journal up to row `last`, then what was committed here. Nothing is written to the run."""

    def __init__(self, run: Store, last: int) -> None:
        super().__init__()
        self.run, self.last = run, last
        self.chain = b""

    def commit(self, batch: Batch) -> None:
        """Keep what a rehearsal reads again; its books are the state's."""
        self.rows.extend(batch.journal)
        self.keys.update({row.key: row for row in batch.keys})
        self.documents.update({row.sha256: row.body for row in batch.documents})
        self.people.update({row.person_id: row for row in batch.people})
        self.payloads.update({row.remote_id: row for row in batch.payloads})

    def last_seq(self) -> tuple[int, bytes]:
        """See the port."""
        return super().last_seq() if self.rows else (self.last, self.chain)

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """See the port."""
        for row in self.run.journal(after):
            if row.seq > self.last:
                break
            self.chain = row.chain
            yield row
        yield from (row for row in self.rows if row.seq > after)

    def document(self, sha256: str) -> bytes:
        """See the port."""
        found = self.documents.get(sha256)
        return found if found is not None else self.run.document(sha256)

    def person(self, person_id: str) -> PersonRow | None:
        """A person of the rehearsal; one of the run is made up anew."""
        if person_id and person_id not in self.people:
            self.people[person_id] = VAULT.seal(person_id, "", NOBODY)
        return self.people.get(person_id)


def read_run(store: Store, until: int, tell: Callable[[int], None] | None = None) -> tuple[State, int]:
    """The state that the run had before `until` (UTC microseconds; 0: now), and the last journal row of it."""
    state = State(store.document)
    chain, last = GENESIS, 0
    for row in store.journal():
        if until and row.at >= until:
            break
        chain = checked(row, last, chain)
        last = row.seq
        try:
            evolve(state, decoded(row))
        except (KeyError, ValueError, AssertionError) as error:
            raise DamageError(f"journal row {row.seq} ({row.kind}) cannot be true: {error}") from error
        if tell and last % 2_000 == 0:
            tell(last)
    return state, last
