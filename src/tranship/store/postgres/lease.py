"""Who writes a shard: a lease in its `meta` row, with an epoch that every commit checks.

A lease is held while its owner's session is alive and has said so within `lease_ms`. Whoever takes it raises the epoch, and
from that moment no commit of the old owner goes through, whether it was paused, cut off or only slow: each one changes the
`meta` row under its own epoch or not at all. All times are the server's.
"""

import os
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from tranship.core.errors import InputError, UnavailableError
from tranship.store.location import Database
from tranship.store.postgres.connect import rows, translated

if TYPE_CHECKING:
    import psycopg

LEASE_MS = 15_000
"""How long a writer may be silent before another may take its shard. It says something at least every third of that."""

_LOOK = (
    "SELECT epoch, owner, session, lease_ms, extract(epoch FROM clock_timestamp() - beat)::float8 * 1000 AS silent_ms,"
    # Who may not see other users' sessions sees no backend_start: then the process number alone has to do.
    " EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid::text = split_part(session, ' ', 1)"
    " AND (backend_start IS NULL OR pid || ' ' || backend_start = session)) AS there FROM meta"
)
_SESSION = "SELECT pid || ' ' || backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_TAKE = (
    "UPDATE meta SET epoch = epoch + 1, owner = ?, session = ?, lease_ms = ?, beat = clock_timestamp() WHERE epoch = ?"
    " RETURNING epoch"
)


class Held(NamedTuple):
    """The lease as it stands. `there`: the owner's session is connected to the server."""

    epoch: int
    owner: str
    session: str
    lease_ms: int
    silent_ms: float
    there: bool

    @property
    def free(self) -> bool:
        """Whether it may be taken: given back, expired, or its owner's session has ended."""
        return not self.owner or not self.there or self.silent_ms > self.lease_ms


def look(db: "psycopg.Connection[tuple[Any, ...]]") -> Held:
    """The lease, without waiting for anybody."""
    return Held._make(rows(db, _LOOK)[0])


def take(db: "psycopg.Connection[tuple[Any, ...]]", place: Database, lease_ms: int, *, force: bool) -> tuple[int, str]:
    """Become the owner: the new epoch and the owner's name. UnavailableError naming the owner where the shard is held.

    `force` takes a lease that is held. The old owner's session is ended first: paused in the middle of a commit it would keep
    the row locked for as long as it sleeps, and what it had not committed is undone.
    """
    if lease_ms < 100:
        raise InputError(f"a lease of {lease_ms} ms", where="store", hint="100 is the least, some seconds are usual")
    with translated(place):
        held = look(db)
        if not held.free and not force:
            left = max(0.0, held.lease_ms - held.silent_ms) / 1000
            raise UnavailableError(
                f"{place.shown} is being written by {held.owner} (epoch {held.epoch}, lease for another {left:.0f} s):"
                " one shard has one writer; stop that one first, or open it read-only"
            )
        if held.there and held.session:
            # pg_terminate_backend waits until the session's locks are free (5 s at most).
            end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid || ' ' || backend_start = ?"
            rows(db, end, (held.session,))
        owner = f"process {os.getpid()} on {socket.gethostname()}"
        taken = rows(db, _TAKE, (owner, rows(db, _SESSION)[0][0], lease_ms, held.epoch))
    if not taken:
        now = look(db)
        raise UnavailableError(f"{place.shown}: {now.owner} was faster and writes it now (epoch {now.epoch})")
    return int(taken[0][0]), owner


def resume(db: "psycopg.Connection[tuple[Any, ...]]", epoch: int) -> bool:
    """After a new connection was made: put its session into the lease; False where another writer has it by now."""
    sql = "UPDATE meta SET session = ?, beat = clock_timestamp() WHERE epoch = ? RETURNING 1"
    return bool(rows(db, sql, (rows(db, _SESSION)[0][0], epoch)))


def beat(db: "psycopg.Connection[tuple[Any, ...]]", epoch: int) -> bool:
    """Say that the owner lives; False where another writer has the shard by now."""
    return bool(rows(db, "UPDATE meta SET beat = clock_timestamp() WHERE epoch = ? RETURNING 1", (epoch,)))


def give_back(db: "psycopg.Connection[tuple[Any, ...]]", epoch: int) -> None:
    """The next writer need not wait."""
    rows(db, "UPDATE meta SET owner = '', session = '' WHERE epoch = ? RETURNING 1", (epoch,))
