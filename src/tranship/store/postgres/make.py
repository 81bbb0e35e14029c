"""Making a shard's schema and bringing it up to date, in one transaction each."""

import time

from tranship.core.errors import InputError
from tranship.store.location import Database
from tranship.store.postgres.connect import driver, migrations, rows, schema_of, translated
from tranship.store.postgres.reads import Connection

_META = (
    "INSERT INTO meta (one, party, created, epoch, seq, chain, key_id, scrub, version, batch, owner, session, beat, lease_ms)"
    " VALUES (1, %s, %s, 0, 0, '', '', 0, 0, '', '', '', clock_timestamp(), 0)"
)


def there(db: Connection, place: Database) -> bool:
    """Whether the database has this shard."""
    sql = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = ? AND tablename = 'meta'"
    return bool(rows(db, sql, (schema_of(place),)))


def version(db: Connection, place: Database) -> int:
    """The schema's version. InputError where there is no shard, or it is newer than this program."""
    with translated(place):
        if not there(db, place):
            hint = "`tranship replay` or `serve` starts one"
            raise InputError("there is no run here", where=place.shown, hint=hint)
        found = int(rows(db, "SELECT version FROM meta")[0][0])
    known = len(migrations())
    if found > known:
        raise InputError(
            f"has schema version {found}, this program knows versions up to {known}",
            where=place.shown,
            hint="It was written by a newer Tranship: use that one, or a newer one",
        )
    return found


def prepare(db: Connection, place: Database, party: str, *, create: bool) -> None:
    """The shard's tables as this program knows them; made where there are none and `create` says so. All or nothing."""
    if not create:
        version(db, place)
    with translated(place), db.transaction():
        # One after another: two programs that start at once on a new database must not both make it.
        rows(db, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0)) IS NULL", (schema_of(place),))
        scripts = migrations()
        at = version(db, place) if there(db, place) else 0
        if not at:
            sql = driver().sql
            db.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema_of(place))))
        for script in scripts[at:]:
            db.execute(script)
        if not at:
            db.execute(_META, (party, time.time_ns() // 1000))
        if at < len(scripts):
            db.execute("UPDATE meta SET version = %s", (len(scripts),))
