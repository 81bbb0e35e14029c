"""A batch as statements: what is sent, and how many rows each one must change."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tranship.core.errors import InvariantError
from tranship.core.ledger import OUTSIDE
from tranship.store.port import Batch
from tranship.store.postgres import statements as say
from tranship.store.postgres.arrays import Table

_MAY_BE_NEGATIVE = frozenset(int(bucket) for bucket in OUTSIDE)


class Step(NamedTuple):
    """One statement. `expected`: rows that it must change; -1 where any number is right. `what` names them if it does not."""

    sql: str
    parameters: Sequence[Any]
    expected: int = -1
    what: str = ""


def steps(batch: Batch) -> Iterator[Step]:
    """New rows, then changes of rows, then deletions. InvariantError where a value has a wrong type or two changes exclude each other."""
    if batch.audits:
        yield _end_of_audit(batch)
    for table, added in (
        (say.KEY, batch.keys),
        (say.JOURNAL, batch.journal),
        (say.ORDER, batch.orders),
        (say.LINE, batch.lines),
        (say.PART, batch.parts),
        (say.PARKED, batch.parked),
        (say.OUTBOX, batch.outbox),
        (say.EXCEPTION, batch.exceptions),
        (say.PAYLOAD, batch.payloads),
        (say.HOUSEHOLD, batch.households),
        (say.AUDIT, batch.audits),
    ):
        if added:
            yield Step(table.insert, table.packed(added))
    if batch.documents:
        yield Step(say.DOCUMENT_NEW, say.DOCUMENT.packed(batch.documents))
    if batch.stock:
        yield from _stock(batch.stock)
    for what, table, sql, upserted, fixed in (
        ("person under another key", say.PERSON, say.PERSON_NEW, batch.people, slice(0, 3)),
        ("address of another person", say.ADDRESS, say.ADDRESS_NEW, batch.addresses, slice(0, 2)),
        ("dispatch of another part", say.DISPATCH, say.DISPATCH_NEW, batch.dispatches, slice(0, 5)),
        ("alias of another article", say.SKU_ALIAS, say.SKU_ALIAS_NEW, batch.sku_aliases, slice(0, 4)),
        ("masking key that is another one", say.MASKING_KEY, say.MASKING_KEY_NEW, batch.masking_keys, slice(0, 4)),
        ("token that stands for something else", say.TOKEN, say.TOKEN_NEW, batch.tokens, slice(0, 11)),
    ):
        if upserted:
            last = _last(upserted, what, fixed)
            yield Step(sql, table.packed(last), len(last), what)
    for what, (table, sql), changes in (
        ("order", say.ORDER_STATUS, batch.order_status),
        ("order", say.ORDER_TO, batch.order_to),
        ("part", say.PART_STATUS, batch.part_status),
        ("part", say.PART_LINES, batch.part_lines),
        ("parked part", say.PARKED_LINES, batch.parked_lines),
    ):
        if changes:
            newest = list({change[-1]: change for change in changes}.values())
            yield Step(sql, table.packed(newest), len(newest), what)
    for table, sql, perhaps, key in (
        (say.TOKEN_EXPIRY, say.TOKEN_EXPIRES, batch.token_expiry, slice(1, 3)),
        (say.RESEALED, say.RESEAL, batch.resealed, slice(3, 5)),
        (say.TOKENS_OVER, say.TOKEN_OVER, batch.tokens_over, slice(0, 2)),
    ):
        if perhaps:
            yield Step(sql, table.packed(list({change[key]: change for change in perhaps}.values())))
    if batch.unparked:
        table, sql = say.UNPARK
        yield Step(sql, table.packed(batch.unparked), len(batch.unparked), "parked part")


def _last(rows: Sequence[tuple[Any, ...]], what: str, fixed: slice) -> list[tuple[Any, ...]]:
    """The last row of each key: one statement cannot change a row twice."""
    last: dict[Any, tuple[Any, ...]] = {}
    for row in rows:
        if last.setdefault(row[0], row)[fixed] != row[fixed]:
            raise InvariantError(f"two changes of one batch name {row[0]}, one of them a {what}")
        last[row[0]] = row
    return list(last.values())


def _end_of_audit(batch: Batch) -> Step:
    first, last = batch.audits[0].seq, batch.audits[-1]
    if [row[0] for row in batch.audits] != list(range(first, first + len(batch.audits))):
        raise InvariantError(f"audit rows {first} to {last.seq} do not follow one another without a gap")
    return Step(say.AUDITED, (last.seq, last.chain, first - 1), 1, "newest audit row")


def _stock(stock: dict[tuple[str, str, int], int]) -> Iterator[Step]:
    arriving: list[tuple[str, str, int, int]] = []
    leaving: list[tuple[str, str, int, int]] = []
    for (node, sku, bucket), delta in stock.items():
        down = delta < 0 and bucket not in _MAY_BE_NEGATIVE
        (leaving if down else arriving).append((node, sku, int(bucket), delta))
    table: Table = say.STOCK
    if arriving:
        yield Step(say.STOCK_IN, table.packed(arriving), len(arriving), "stock account")
    if leaving:
        yield Step(say.STOCK_OUT, table.packed(leaving), len(leaving), "stock account")
