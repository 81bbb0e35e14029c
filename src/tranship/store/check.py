"""Is the store whole? What a database can tell about itself; whether the journal says the same is `tranship verify`'s question."""

from collections.abc import Callable, Sequence

from tranship.core.errors import DamageError, UnavailableError
from tranship.store.port import Moment, TableStore

SHOWN = 5
"""Rows named per kind of problem."""

Ask = Callable[[str], list[tuple[object, ...]]]

# A row of dashes is somebody who was erased (store/erasure.py).
_SEALED_FOR_NOBODY = "person_id <> '' AND person_id NOT LIKE '-%' AND person_id NOT IN (SELECT person_id FROM person)"

# Text, and the rows that fill it. Buckets 0, 1 and 14 may be negative (core.ledger.OUTSIDE).
_CHECKS = (
    ("meta has {} rows, not 1: where the journal ends is not known", "SELECT count(*) FROM meta HAVING count(*) <> 1"),
    ("the journal begins with row {}, not 1", "SELECT min(seq) FROM journal HAVING min(seq) <> 1"),
    (
        "journal row {} is missing",
        "SELECT seq + 1 FROM journal WHERE seq + 1 NOT IN (SELECT seq FROM journal) AND seq < (SELECT max(seq) FROM journal)",
    ),
    (
        "the journal was left at row {} and now ends at row {}: rows are missing at its end, or were added",
        "SELECT seq, newest FROM meta CROSS JOIN (SELECT coalesce(max(seq), 0) AS newest FROM journal) AS j WHERE seq <> newest",
    ),
    (
        "journal row {} has another chain value than the one it was left with",
        "SELECT journal.seq FROM meta JOIN journal ON journal.seq = meta.seq WHERE journal.chain <> meta.chain",
    ),
    (
        "command {} names journal row {}, which is not there",
        "SELECT key, seq FROM command WHERE seq > 0 AND seq NOT IN (SELECT seq FROM journal)",
    ),
    (
        "outbox row {} follows from journal row {}, which is not there",
        "SELECT id, seq FROM outbox WHERE seq > 0 AND seq NOT IN (SELECT seq FROM journal)",
    ),
    (
        "order {} has no lines",
        "SELECT order_id FROM orders WHERE lines > 0 AND order_id NOT IN (SELECT order_id FROM order_line)",
    ),
    (
        "line {} of order {} has no order",
        "SELECT line, order_id FROM order_line WHERE order_id NOT IN (SELECT order_id FROM orders)",
    ),
    (
        "part {} belongs to order {}, which is not there",
        "SELECT part_id, order_id FROM part WHERE order_id NOT IN (SELECT order_id FROM orders)",
    ),
    (
        "parked part {} belongs to order {}, which is not there",
        "SELECT park_id, order_id FROM parked WHERE order_id NOT IN (SELECT order_id FROM orders)",
    ),
    (
        "dispatch {} hands over part {}, which is not there",
        "SELECT remote_id, part_id FROM dispatch WHERE part_id NOT IN (SELECT part_id FROM part)",
    ),
    (
        "payload {} belongs to no dispatch",
        # With a slash: what software sent through the proxy, named by person and digest.
        "SELECT remote_id FROM payload WHERE remote_id NOT LIKE '%/%' AND remote_id NOT IN (SELECT remote_id FROM dispatch)",
    ),
    (
        "payload {} is sealed under the key of person {}, who is not there",
        f"SELECT remote_id, person_id FROM payload WHERE {_SEALED_FOR_NOBODY}",  # noqa: S608 - from above
    ),
    (
        "address of order {}, which is not there",
        "SELECT order_id FROM address WHERE order_id NOT IN (SELECT order_id FROM orders)",
    ),
    (
        "address of order {} is sealed under the key of person {}, who is not there",
        f"SELECT order_id, person_id FROM address WHERE {_SEALED_FOR_NOBODY}",  # noqa: S608 - from above
    ),
    (
        "household {} names person {}, who is not there",
        f"SELECT household_id, person_id FROM household WHERE {_SEALED_FOR_NOBODY}",  # noqa: S608 - from above
    ),
    (
        "token of {} is sealed for person {}, who is not there",
        f"SELECT network, person_id FROM token WHERE {_SEALED_FOR_NOBODY}",  # noqa: S608 - from above
    ),
    (
        "token of {} is sealed under masking key {}, which is not there",
        (
            "SELECT network, key_id FROM token WHERE state = 'live' AND key_id NOT IN"
            " (SELECT key_id FROM masking_key WHERE state <> 'destroyed')"
        ),
    ),
    (
        "the audit was left at row {} and now ends at row {}: rows are missing at its end, or were added",
        (
            "SELECT audit_seq, newest FROM meta CROSS JOIN (SELECT coalesce(max(seq), 0) AS newest FROM audit) AS j"
            " WHERE audit_seq <> newest"
        ),
    ),
    (
        "the audit has {} rows up to row {}: some are missing",
        "SELECT count(*), max(seq) FROM audit HAVING count(*) <> max(seq)",
    ),
    (
        "stock of {} at {} in bucket {} is {}",
        "SELECT sku, node, bucket, qty FROM stock WHERE qty < 0 AND bucket NOT IN (0, 1, 14)",
    ),
    (
        "accounts of {} at {} sum to {}, not 0",
        "SELECT sku, node, sum(qty) FROM stock GROUP BY sku, node HAVING sum(qty) <> 0",
    ),
    ("an erasure is unfinished{}: close readers and run it again", "SELECT '' FROM meta WHERE scrub <> 0"),
)


def integrity(store: TableStore, *, full: bool = True) -> list[str]:
    """What is wrong with the store, in words; empty where nothing is. Reads everything, on one snapshot.

    `full` also compares every index with its table, on SQLite: about twice the time.
    """
    try:
        with store.snapshot() as snapshot:
            return problems(snapshot, full=full)
    except (DamageError, UnavailableError) as error:
        return [str(error)]


def problems(snapshot: Moment, *, full: bool = True) -> list[str]:
    """As `integrity`, on a snapshot that is open already."""
    found = snapshot.pages(full=full)
    for text, sql in _CHECKS:
        found += [text.format(*row) for row in _asked(snapshot.query, f"{sql} LIMIT {SHOWN}")]
    return found


def _asked(ask: Ask, sql: str) -> Sequence[tuple[object, ...]]:
    """The answer, or the reason why there is none as if it were one: one damaged page must not hide the rest."""
    try:
        return ask(sql)
    except DamageError as error:
        return [(str(error),) * 4]
