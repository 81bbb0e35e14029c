"""Batches as the engine writes them: orders of two lines, one part each, with everything that belongs to them."""

import hashlib
from pathlib import Path

from tranship.core.ledger import Bucket
from tranship.masking.rows import NEVER
from tranship.store.port import (
    AddressRow,
    AuditRow,
    Batch,
    DispatchRow,
    DocumentRow,
    ExceptionRow,
    HouseholdRow,
    JournalRow,
    KeyRow,
    LineRow,
    MaskingKeyRow,
    OrderRow,
    OutboxRow,
    ParkedRow,
    PartRow,
    PayloadRow,
    PersonRow,
    SkuAliasRow,
    Store,
    TokenRow,
)
from tranship.store.sqlite import SqliteStore

SKUS = 50
NODES = 4
EVENTS = 2  # per order
LINES = b"\x92\x92\x00\x01\x92\x01\x02"


def opening(units: int) -> Batch:
    """The first batch: opening balances of every SKU at every node, and the network file."""
    batch = Batch()
    for node in range(NODES):
        for sku in range(SKUS):
            batch.stock[f"N{node}", f"SKU{sku}", int(Bucket.OPENING)] = -units
            batch.stock[f"N{node}", f"SKU{sku}", int(Bucket.FULFILLABLE)] = units
    body = b'{"party":"demo"}'
    batch.documents.append(DocumentRow(hashlib.sha256(body).hexdigest(), "network", body))
    batch.journal.append(JournalRow(1, "open", 0, "opened", 0, b"payload", b"chain-1"))
    batch.keys.append(KeyRow("open", b"f", 1, b"ok"))
    return batch


def orders(first: int, count: int, *, seq: int) -> Batch:
    """Orders `first` to `first + count - 1`; `seq` is the store's newest journal row."""
    batch = Batch()
    for number in range(first, first + count):
        add_order(batch, number, seq + EVENTS * (number - first))
    return batch


def add_order(batch: Batch, number: int, seq: int) -> None:
    """One order: 2 lines, 1 part, 4 stock moves (two accounts, two SKUs), 1 outbox row, 2 events, 1 key."""
    order_id, node = f"{number:08d}ABCDEFGH", f"N{number % NODES}"
    skus = [f"SKU{number % SKUS}", f"SKU{(number + 1) % SKUS}"]
    batch.orders.append(
        OrderRow(
            order_id, "test", str(number), "web", number, "", "94110", "CA", "US", 2, 2, 4500, "USD", 20_000, "placed"
        )
    )
    for line, sku in enumerate(skus):
        batch.lines.append(LineRow(order_id, line, str(line), sku, 1, 1500))
        for bucket, delta in ((Bucket.FULFILLABLE, -1), (Bucket.RESERVED, 1)):
            account = (node, sku, int(bucket))
            batch.stock[account] = batch.stock.get(account, 0) + delta
    batch.parts.append(
        PartRow(order_id + "-1", order_id, node, "mcf", number, 20_000, 20_004, 0, 2, 8_450_000, "placed", LINES)
    )
    for n in range(EVENTS):
        seq += 1
        batch.journal.append(
            JournalRow(seq, f"test:{number}", n, "placed", number, b"x" * 150, f"chain-{seq}".encode())
        )
    batch.outbox.append(OutboxRow(f"{seq}-0", seq, "dispatch", b"y" * 40))
    batch.keys.append(KeyRow(f"test:{number}", b"f" * 16, seq, b"r" * 60))


def every_table(number: int, *, seq: int, audits: int = 0) -> Batch:
    """A batch that says every statement: three orders, one of them changed, one parked and one unparked again.

    `seq` and `audits`: the store's newest journal row and audit row.
    """
    batch = orders(number, 3, seq=seq)
    order_id = batch.orders[0].order_id
    batch.order_status.append(("shipped", order_id))
    batch.order_to.append(("60614", "IL", "US", order_id))
    batch.part_status.append(("shipped", order_id + "-1"))
    batch.part_lines.append((1, b"\x91\x92\x00\x01", order_id + "-1"))
    for k in (1, 2):
        batch.parked.append(ParkedRow(f"{order_id}-P{k}", order_id, "no_stock", number, 20_010, 1, LINES))
    batch.parked_lines.append((1, b"\x90", f"{order_id}-P1"))
    batch.unparked.append((f"{order_id}-P2",))
    batch.exceptions.append(ExceptionRow(seq + 1, number, "changed_order", order_id, "detail"))
    body = b"prices %d" % number
    batch.documents.append(DocumentRow(hashlib.sha256(body).hexdigest(), "prices", body))
    add_person(batch, f"P{number}", number)
    batch.dispatches.append(batch.dispatches[0]._replace(state="HELD", remote="HELD", since=number + 1))
    batch.addresses.append(AddressRow(order_id, f"P{number}", b"a" * 64))
    batch.households.append(HouseholdRow(f"H{number}", f"P{number}", b"h%031d" % number))
    batch.sku_aliases.append(SkuAliasRow(f"TS{number}", "mcf", "SKU1", 1, "active", number))
    batch.masking_keys.append(masking_key(number))
    batch.tokens += [token(number, k, f"P{number}") for k in range(4)]
    batch.token_expiry.append((number + 9, "mcf", order_id))
    batch.resealed.append((b"%016d" % -number, b"r" * 80, key_id(number), "mcf", batch.tokens[1].token, key_id(number)))
    batch.tokens_over.append(("mcf", batch.tokens[2].token))
    batch.audits += [audit(audits + k + 1, order_id) for k in range(2)]
    return batch


def key_id(number: int) -> str:
    """A masking key's id."""
    return f"{number:016x}"


def masking_key(number: int) -> MaskingKeyRow:
    """A masking key that writes."""
    return MaskingKeyRow(key_id(number), "mcf", "name", "seal", b"k%059d" % number, "local:1", number, "write")


def token(number: int, k: int, person_id: str = "") -> TokenRow:
    """The k-th token (of ten) of an order."""
    name, scope = f"TN{10 * number + k:014d}", f"{number:08d}ABCDEFGH"
    blind, sealed = b"B%015d" % (10 * number + k), b"S%079d" % (10 * number + k)
    return TokenRow(name, "mcf", "name", scope, person_id, blind, sealed, key_id(number), number, NEVER, "live")


def audit(seq: int, subject: str) -> AuditRow:
    """An audit row; rows follow one another by `seq`."""
    return AuditRow(
        seq, seq, "test", "create", "mcf", "/orders", "f" * 64, subject, "P1", b"\x90", "sent", b"a%031d" % seq
    )


def add_person(batch: Batch, person_id: str, number: int) -> None:
    """A person, a dispatch of the batch's first order and its bytes, sealed under that person's key."""
    order_id = batch.orders[0].order_id
    batch.people.append(PersonRow(person_id, b"%032d" % number, b"w%060d" % number, b"s%090d" % number))
    batch.dispatches.append(sending(f"TR-{number}", order_id))
    batch.payloads.append(PayloadRow(f"TR-{number}", person_id, b"p%01500d" % number))


def sending(remote_id: str, order_id: str) -> DispatchRow:
    """A dispatch whose bytes are about to be sent."""
    return DispatchRow(remote_id, order_id + "-1", order_id, "N0", "mcf", "SENDING", "hold", "", "", 7, 7, "")


def started(folder: Path, *, units: int = 1_000_000, vfs: str | None = None) -> SqliteStore:
    """A new store with opening balances."""
    store = SqliteStore.open(folder, create=True, party="demo", vfs=vfs)
    store.commit(opening(units))
    return store


TABLES = (
    "command",
    "journal",
    "orders",
    "order_line",
    "part",
    "parked",
    "stock",
    "outbox",
    "exception",
    "document",
    "person",
    "dispatch",
    "payload",
    "address",
    "household",
    "sku_alias",
    "token",
    "masking_key",
    "audit",
)


def content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    return {table: store.query(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in TABLES}
