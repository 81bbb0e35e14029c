"""Connections to PostgreSQL with the house's settings, its errors in our words, its schema in versions."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from tranship.core.errors import (
    ConflictError,
    DamageError,
    InputError,
    InvariantError,
    TranshipError,
    UnavailableError,
)
from tranship.store.location import Database

if TYPE_CHECKING:
    import psycopg

BUSY_MS = 5_000
"""How long a statement waits for another session's lock before it says so."""
CONNECT_S = 10
"""How long a connection may take to be made."""
SILENT_S = 15
"""After so long without an answer from the server's machine a connection counts as broken."""

_SETTINGS = (
    "synchronous_commit = 'on'",  # a commit returns after its log is on disk, whatever the server's default
    f"lock_timeout = {BUSY_MS}",
    "jit = off",  # compiling takes longer than any statement here
    "bytea_output = 'hex'",
    "timezone = 'UTC'",
)
_TEXTS = re.compile(r"('(?:[^']|'')*')")
_USED_BEFORE = frozenset({"command_pkey", "orders_pkey", "orders_number"})
_NO_ROOM = frozenset({"53100"})
_DAMAGED = frozenset({"XX001", "XX002"})  # data_corrupted, index_corrupted
_REFUSED = ("22", "23", "42")  # data, constraint, syntax or privilege


def driver() -> Any:
    """The module psycopg; InputError with what to install where it is missing."""
    try:
        import psycopg
    except ImportError as error:
        hint = "It is an extra: pip install 'tranship[postgres]'"
        raise InputError(
            f"psycopg, which speaks to PostgreSQL, is not there ({error})", where="store", hint=hint
        ) from error
    return psycopg


def schema_of(place: Database) -> str:
    """The PostgreSQL schema that holds a shard's tables."""
    return f"tranship_{place.shard}"


def migrations() -> list[str]:
    """The schema, one script per version, oldest first."""
    folder = resources.files("tranship.store.postgres") / "schema"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def connect(place: Database, *, read_only: bool = False) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection in which the shard's tables are the only ones in sight. UnavailableError where the server cannot be had."""
    with translated(place):
        db: psycopg.Connection[tuple[Any, ...]] = driver().connect(
            place.conninfo,
            autocommit=True,
            prepare_threshold=1,
            connect_timeout=CONNECT_S,
            application_name=f"tranship {place.shard}",
            keepalives_idle=SILENT_S // 3,
            keepalives_interval=SILENT_S // 3,
            keepalives_count=2,
            tcp_user_timeout=SILENT_S * 1000,
        )
        settings = [*_SETTINGS, f'search_path = "{schema_of(place)}"']
        if read_only:
            settings.append("default_transaction_read_only = on")
        db.execute("; ".join(f"SET {setting}" for setting in settings))
    return db


def check_durable(db: "psycopg.Connection[tuple[Any, ...]]", place: Database) -> None:
    """UnavailableError where the server was told not to keep what it acknowledges."""
    for name in ("fsync", "full_page_writes"):
        if rows(db, f"SHOW {name}") == [("off",)]:
            raise UnavailableError(
                f"{place.shown}: the server runs with {name} = off: a power cut would take acknowledged orders with it."
                f" Set {name} = on in its configuration"
            )


def translate(error: Exception, place: Database) -> TranshipError:
    """The house's error for one of psycopg's. The server's details are left out: they quote rows."""
    state = getattr(error, "sqlstate", None) or ""
    diag = getattr(error, "diag", None)
    text = f"{place.shown}: {(diag and diag.message_primary) or str(error).strip() or type(error).__name__}"
    if state.startswith("23"):
        used = diag is not None and diag.constraint_name in _USED_BEFORE
        return ConflictError(text) if used else InvariantError(text)
    if state in _DAMAGED:
        return DamageError(text)
    if state in _NO_ROOM:
        return UnavailableError(f"{text}: nothing of this was written; make room, then try again")
    if state == "42501":
        return UnavailableError(f"{text}: the database user needs the right to it")
    if state.startswith(_REFUSED) or type(error).__name__ in {"DataError", "ProgrammingError"}:
        return InvariantError(text)
    return UnavailableError(text)


@contextmanager
def translated(place: Database) -> Iterator[None]:
    """Turns psycopg's errors inside the block into the house's."""
    try:
        yield
    except driver().Error as error:
        raise translate(error, place) from error


@lru_cache(maxsize=1_024)
def dialect(sql: str) -> str:
    """A question with `?` as this driver wants it: texts in quotes stay as they are."""
    pieces = _TEXTS.split(sql.replace("%", "%%"))
    return "".join(piece if piece.startswith("'") else piece.replace("?", "%s") for piece in pieces)


def rows(db: "psycopg.Connection[tuple[Any, ...]]", sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of one statement, whose parameters are marked `?`."""
    cursor = db.execute(dialect(sql), tuple(parameters), binary=True)  # type: ignore[arg-type, unused-ignore]
    found = cursor.fetchall()
    # A sum of whole numbers is a `numeric` here; for everybody above the store it is a whole number.
    if any(column.type_code == _NUMERIC for column in cursor.description or ()):
        return [tuple(map(_whole, row)) for row in found]
    return found


_NUMERIC = 1700


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
