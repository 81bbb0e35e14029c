"""What the writer says to SQLite, one statement per kind of row; the raw arm of the intake benchmark says the same."""

BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"

ADVANCE = "UPDATE meta SET seq = ?, chain = ? WHERE epoch = ? AND seq = ?"
"""Moves the end of the journal; changes no row where another writer took over or the end is not where this one left it."""
HOLD = "UPDATE meta SET epoch = epoch WHERE epoch = ?"
"""The same check for a transaction without journal rows."""

KEY = "INSERT INTO command VALUES (?, ?, ?, ?)"
JOURNAL = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)"
DOCUMENT = "INSERT INTO document (sha256, kind, body) VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING"
ORDER = "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
LINE = "INSERT INTO order_line VALUES (?, ?, ?, ?, ?, ?)"
PART = "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
PARKED = "INSERT INTO parked VALUES (?, ?, ?, ?, ?, ?, ?)"
OUTBOX = "INSERT INTO outbox (id, seq, topic, payload) VALUES (?, ?, ?, ?)"
EXCEPTION = "INSERT INTO exception (seq, at, kind, subject, detail) VALUES (?, ?, ?, ?, ?)"

# A key is never replaced: the old one could survive in a page's slack and would open what the erasure thought gone.
PERSON = (
    "INSERT INTO person (person_id, blind, wrapped_key, sealed) VALUES (?, ?, ?, ?) ON CONFLICT (person_id)"
    " DO UPDATE SET sealed = excluded.sealed WHERE wrapped_key = excluded.wrapped_key AND blind = excluded.blind"
)

# SQLite checks a CHECK before it looks for the conflict, so units leave a shelf by UPDATE and arrive by upsert.
STOCK_IN = "INSERT INTO stock VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET qty = qty + excluded.qty"
STOCK_OUT = "UPDATE stock SET qty = qty + ?4 WHERE node = ?1 AND sku = ?2 AND bucket = ?3"

ORDER_STATUS = "UPDATE orders SET status = ? WHERE order_id = ?"
PART_STATUS = "UPDATE part SET status = ? WHERE part_id = ?"
PART_LINES = "UPDATE part SET units = ?, lines = ? WHERE part_id = ?"
PARKED_LINES = "UPDATE parked SET units = ?, lines = ? WHERE park_id = ?"
UNPARK = "DELETE FROM parked WHERE park_id = ?"
SENT = "DELETE FROM outbox WHERE id = ?"
