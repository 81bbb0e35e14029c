"""Erasing people on PostgreSQL: the row goes, and the table is written anew so that no page of it keeps the key.

What a server keeps beside its tables (log segments until they are used again, archives, replicas) is its keeper's to let
expire: docs/erasure.md says what and where.
"""

from collections.abc import Sequence

from tranship.core.errors import UnavailableError
from tranship.store.location import Database
from tranship.store.postgres.arrays import texts
from tranship.store.postgres.connect import driver, rows
from tranship.store.postgres.reads import Connection

SEALED = ("payload", "address", "token", "household")
"""Tables whose rows are sealed under a person's key. A token's own text tells something without it: its table is written anew too."""

# `meta.scrub` is the transaction that deleted. A reader whose snapshot is older keeps the deleted rows alive, in a table that is
# written anew too.
_OLDER = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND age(backend_xmin) >= (SELECT age(scrub::text::xid8::xid) FROM meta)"
)


def delete(db: Connection, person_ids: Sequence[str]) -> int:
    """Inside a transaction: delete the people's rows and mark the erasure as unfinished; how many people there were."""
    ids = (texts("person", "person_id", person_ids),)
    gone = taken = len(rows(db, "DELETE FROM person WHERE person_id = ANY(?::text[]) RETURNING 1", ids))
    for table in SEALED:
        sql = f"DELETE FROM {table} WHERE person_id = ANY(?::text[]) AND person_id <> '' RETURNING 1"  # noqa: S608 - names from above
        taken += len(rows(db, sql, ids))
    if taken:
        rows(db, "UPDATE meta SET scrub = pg_current_xact_id()::text::bigint RETURNING 1")
    return gone


def destroy_keys(db: Connection, key_ids: Sequence[str]) -> int:
    """Inside a transaction: zeros over masking keys, the erasure marked as unfinished; how many keys there were."""
    sql = (
        "UPDATE masking_key SET wrapped = ''::bytea, state = 'destroyed'"
        " WHERE key_id = ANY(?::text[]) AND state <> 'destroyed' RETURNING 1"
    )
    gone = len(rows(db, sql, (texts("masking_key", "key_id", key_ids),)))
    if gone:
        rows(db, "UPDATE meta SET scrub = pg_current_xact_id()::text::bigint RETURNING 1")
    return gone


def finish(db: Connection, place: Database) -> None:
    """Write the tables of people, tokens and masking keys anew after an erasure. UnavailableError where a reader is in the way."""
    if rows(db, "SELECT scrub FROM meta") == [(0,)]:
        return
    busy = (
        f"{place.shown}: erased in the database; its table still has to be written anew, and someone is reading."
        " Close readers (reports, backups) and run the erasure again"
    )
    if rows(db, _OLDER) != [(0,)]:
        raise UnavailableError(busy)
    try:
        for table in ("person", "token", "household", "masking_key"):
            db.execute(f"VACUUM (FULL) {table}")
    except driver().errors.LockNotAvailable as error:
        raise UnavailableError(busy) from error
    db.execute("UPDATE meta SET scrub = 0")
