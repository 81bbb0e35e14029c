"""What the writer says to SQLite, one statement per kind of row; the raw arm of the intake benchmark says the same."""

BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"

ADVANCE = "UPDATE meta SET seq = ?, chain = ? WHERE epoch = ? AND seq = ?"
"""Moves the end of the journal; changes no row where another writer took over or the end is not where this one left it."""
HOLD = "UPDATE meta SET epoch = epoch WHERE epoch = ?"
"""The same check for a transaction without journal rows."""
AUDITED = "UPDATE meta SET audit_seq = ?, audit_chain = ? WHERE audit_seq = ?"
"""Moves the end of the audit; changes no row where it is not where this writer left it."""

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

# A dispatch is written anew at each change; where it belongs (part, order, node, time of making) never changes.
DISPATCH = (
    "INSERT INTO dispatch (remote_id, part_id, order_id, node, connection, state, wish, remote, their_id, created_at, since, why)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (remote_id) DO UPDATE SET state = excluded.state,"
    " wish = excluded.wish, remote = excluded.remote, their_id = excluded.their_id, since = excluded.since, why = excluded.why"
    " WHERE part_id = excluded.part_id AND order_id = excluded.order_id AND node = excluded.node"
    " AND connection = excluded.connection AND created_at = excluded.created_at"
)
# A retry sends the bytes of the first try again, so they are written once; a person never takes over another's.
PAYLOAD = "INSERT INTO payload (remote_id, person_id, sealed) VALUES (?, ?, ?)"
HOUSEHOLD = "INSERT INTO household (household_id, person_id, blind) VALUES (?, ?, ?)"
ADDRESS = (
    "INSERT INTO address (order_id, person_id, sealed) VALUES (?, ?, ?) ON CONFLICT (order_id)"
    " DO UPDATE SET sealed = excluded.sealed WHERE person_id = excluded.person_id"
)

SKU_ALIAS = (
    "INSERT INTO sku_alias (alias, network, sku, epoch, state, since) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (alias)"
    " DO UPDATE SET state = excluded.state, since = excluded.since"
    " WHERE network = excluded.network AND sku = excluded.sku AND epoch = excluded.epoch"
)
AUDIT = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Two requests may bring the same new token: it is written once. Another value, or another token of a value, is refused.
GIVEN = (
    "INSERT INTO token (token, network, kind, scope, person_id, blind, sealed, key_id, created_at, expires_at, state)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (token, network) WHERE state <> 'gone'"
    " DO UPDATE SET token = excluded.token WHERE blind = excluded.blind AND sealed = excluded.sealed"
)
MASKING_KEY = (
    "INSERT INTO masking_key (key_id, network, kind, purpose, wrapped, kek_id, created_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (key_id) DO UPDATE SET wrapped = excluded.wrapped, kek_id = excluded.kek_id, state = excluded.state"
    " WHERE network = excluded.network AND kind = excluded.kind AND purpose = excluded.purpose AND state <> 'destroyed'"
)
EXPIRY = (  # a scope is an order's id, or the order's own token, which has none itself
    "UPDATE token SET expires_at = ?1 WHERE pos IN ("
    "SELECT pos FROM token WHERE scope = ?3 AND network = ?2 AND state = 'live' UNION ALL"  # each from its own index: OR reads the table
    " SELECT pos FROM token WHERE token = ?3 AND network = ?2 AND state <> 'gone' AND state = 'live')"
)
RESEALED = (
    "UPDATE token SET blind = ?, sealed = ?, key_id = ? WHERE network = ? AND token = ? AND key_id = ?"
    " AND state <> 'gone' AND state = 'live'"
)
EXPIRED = (
    "UPDATE token SET blind = zeroblob(length(blind)), sealed = zeroblob(length(sealed)), state = 'over'"
    " WHERE network = ? AND token = ? AND state <> 'gone' AND state = 'live'"
)
ERASED = (
    "UPDATE token SET token = printf('%.*c', length(token), '-'), person_id = printf('%.*c', length(person_id), '-'),"
    " scope = CASE scope WHEN '' THEN '' ELSE printf('%.*c', length(scope), '-') END,"
    " blind = zeroblob(length(blind)), sealed = zeroblob(length(sealed)), state = 'gone' WHERE person_id = ?"
)
KEY_DESTROYED = "UPDATE masking_key SET wrapped = zeroblob(length(wrapped)), state = 'destroyed' WHERE key_id = ? AND state <> 'destroyed'"

# SQLite checks a CHECK before it looks for the conflict, so units leave a shelf by UPDATE and arrive by upsert.
STOCK_IN = "INSERT INTO stock VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET qty = qty + excluded.qty"
STOCK_OUT = "UPDATE stock SET qty = qty + ?4 WHERE node = ?1 AND sku = ?2 AND bucket = ?3"

ORDER_STATUS = "UPDATE orders SET status = ? WHERE order_id = ?"
ORDER_TO = "UPDATE orders SET zip = ?, state = ?, country = ? WHERE order_id = ?"
PART_STATUS = "UPDATE part SET status = ? WHERE part_id = ?"
PART_LINES = "UPDATE part SET units = ?, lines = ? WHERE part_id = ?"
PARKED_LINES = "UPDATE parked SET units = ?, lines = ? WHERE park_id = ?"
UNPARK = "DELETE FROM parked WHERE park_id = ?"
SENT = "DELETE FROM outbox WHERE id = ?"
