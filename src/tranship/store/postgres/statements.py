"""What the writer says to PostgreSQL: the statements of store/statements.py, each for all rows of a batch at once."""

from tranship.store import port
from tranship.store.postgres.arrays import Table, columns, table

BEGIN = "BEGIN"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"

ADVANCE = "UPDATE meta SET seq = %s, chain = %s, batch = %s, beat = clock_timestamp() WHERE epoch = %s AND seq = %s"
"""Moves the end of the journal; changes no row where another writer took over or the end is not where this one left it."""
HOLD = "UPDATE meta SET batch = %s, beat = clock_timestamp() WHERE epoch = %s"
"""The same check for a transaction without journal rows."""

KEY = table("command", port.KeyRow)
JOURNAL = table("journal", port.JournalRow)
ORDER = table("orders", port.OrderRow)
LINE = table("order_line", port.LineRow)
PART = table("part", port.PartRow)
PARKED = table("parked", port.ParkedRow)
OUTBOX = table("outbox", port.OutboxRow)
EXCEPTION = table("exception", port.ExceptionRow)
PAYLOAD = table("payload", port.PayloadRow)
AUDIT = table("audit", port.AuditRow)
AUDITED = "UPDATE meta SET audit_seq = %s, audit_chain = %s WHERE audit_seq = %s"
"""Moves the end of the audit; changes no row where it is not where this writer left it."""
DOCUMENT = table("document", port.DocumentRow)
DOCUMENT_NEW = f"{DOCUMENT.insert} ON CONFLICT (sha256) DO NOTHING"

PERSON = table("person", port.PersonRow)
PERSON_NEW = (
    f"{PERSON.insert} ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed"
    " WHERE person.wrapped_key = excluded.wrapped_key AND person.blind = excluded.blind"
)
HOUSEHOLD = table("household", port.HouseholdRow)
ADDRESS = table("address", port.AddressRow)
ADDRESS_NEW = (
    f"{ADDRESS.insert} ON CONFLICT (order_id) DO UPDATE SET sealed = excluded.sealed"
    " WHERE address.person_id = excluded.person_id"
)
DISPATCH = table("dispatch", port.DispatchRow)
_MAY_CHANGE = ("state", "wish", "remote", "their_id", "since", "why")
_STAYS = ("part_id", "order_id", "node", "connection", "created_at")
DISPATCH_NEW = (
    f"{DISPATCH.insert} ON CONFLICT (remote_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _MAY_CHANGE)}"
    f" WHERE {' AND '.join(f'dispatch.{name} = excluded.{name}' for name in _STAYS)}"
)

SKU_ALIAS = table("sku_alias", port.SkuAliasRow)
SKU_ALIAS_NEW = (
    f"{SKU_ALIAS.insert} ON CONFLICT (alias) DO UPDATE SET state = excluded.state, since = excluded.since"
    " WHERE sku_alias.network = excluded.network AND sku_alias.sku = excluded.sku AND sku_alias.epoch = excluded.epoch"
)
TOKEN = table("token", port.TokenRow)
TOKEN_NEW = (
    f"{TOKEN.insert} ON CONFLICT (token, network) WHERE state <> 'gone' DO UPDATE SET token = excluded.token"
    " WHERE token.blind = excluded.blind AND token.sealed = excluded.sealed"
)
MASKING_KEY = table("masking_key", port.MaskingKeyRow)
MASKING_KEY_NEW = (
    f"{MASKING_KEY.insert} ON CONFLICT (key_id) DO UPDATE SET wrapped = excluded.wrapped, kek_id = excluded.kek_id,"
    " state = excluded.state WHERE masking_key.network = excluded.network AND masking_key.kind = excluded.kind"
    " AND masking_key.purpose = excluded.purpose AND masking_key.state <> 'destroyed'"
)
_LIVE = "token.network = new.network AND token.state = 'live'"
TOKEN_EXPIRY = columns("token", expires_at=int, network=str, scope=str)
TOKEN_EXPIRES = (
    f"UPDATE token SET expires_at = new.expires_at FROM {TOKEN_EXPIRY.unnest}"  # noqa: S608 - names of this house
    f" WHERE {_LIVE} AND (token.scope = new.scope OR token.token = new.scope)"
)
RESEALED = columns("token", blind=bytes, sealed=bytes, key_id=str, network=str, token=str, old_key=str)
RESEAL = (
    f"UPDATE token SET blind = new.blind, sealed = new.sealed, key_id = new.key_id FROM {RESEALED.unnest}"  # noqa: S608 - names of this house
    f" WHERE {_LIVE} AND token.token = new.token AND token.key_id = new.old_key"
)
TOKENS_OVER = columns("token", network=str, token=str)
TOKEN_OVER = (
    f"UPDATE token SET blind = ''::bytea, sealed = ''::bytea, state = 'over' FROM {TOKENS_OVER.unnest}"  # noqa: S608 - names of this house
    f" WHERE {_LIVE} AND token.token = new.token"
)

# A CHECK is looked at before the conflict, here as in SQLite: units leave a shelf by UPDATE and arrive by upsert.
STOCK = columns("stock", node=str, sku=str, bucket=int, qty=int)
STOCK_IN = f"{STOCK.insert} ON CONFLICT (node, sku, bucket) DO UPDATE SET qty = stock.qty + excluded.qty"
STOCK_OUT = (
    f"UPDATE stock SET qty = stock.qty + new.qty FROM {STOCK.unnest}"  # noqa: S608 - names of this house
    " WHERE stock.node = new.node AND stock.sku = new.sku AND stock.bucket = new.bucket"
)


def _change(of: Table) -> str:
    """Sets all columns but the last, where the last is the row's key."""
    *changed, key = of.columns
    sets = ", ".join(f"{name} = new.{name}" for name in changed)
    return f"UPDATE {of.name} SET {sets} FROM {of.unnest} WHERE {of.name}.{key} = new.{key}"  # noqa: S608 - names of this house


_ORDER_STATUS = columns("orders", status=str, order_id=str)
_ORDER_TO = columns("orders", zip=str, state=str, country=str, order_id=str)
_PART_STATUS = columns("part", status=str, part_id=str)
_PART_LINES = columns("part", units=int, lines=bytes, part_id=str)
_PARKED_LINES = columns("parked", units=int, lines=bytes, park_id=str)
_UNPARK = columns("parked", park_id=str)
ORDER_STATUS = (_ORDER_STATUS, _change(_ORDER_STATUS))
ORDER_TO = (_ORDER_TO, _change(_ORDER_TO))
PART_STATUS = (_PART_STATUS, _change(_PART_STATUS))
PART_LINES = (_PART_LINES, _change(_PART_LINES))
PARKED_LINES = (_PARKED_LINES, _change(_PARKED_LINES))
UNPARK = (_UNPARK, f"DELETE FROM parked USING {_UNPARK.unnest} WHERE parked.park_id = new.park_id")  # noqa: S608 - names of this house

SENT = "DELETE FROM outbox WHERE id = ANY(%s::text[])"
