"""A report under the rules of its type: each cell by its column's one rule, each row for its own order.

A row of an order that never went through here is taken out and counted: the account sells elsewhere too. A row that names one of our
tokens where it does not belong is quarantined: counted with column and reason, and left out. What cannot be read refuses the whole
report, with row and column and never a value; rows are counted from 1 behind the header. Memory is bounded by the longest row.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tranship.masking.policy.errors import ReportError
from tranship.masking.policy.model import Policy
from tranship.masking.policy.rules import Rule
from tranship.masking.policy.types import TYPES
from tranship.masking.reports.book import Book, Order, RowError
from tranship.masking.reports.flat import Flat, FlatError, Row
from tranship.masking.reports.inflate import BrokenError, Inflate, TooLargeError
from tranship.masking.tokens import kind_of, tokens_in

REPORT_BYTES_MOST = 1 << 30
"""Of a document after decompression, where whoever reads it says nothing else."""
SEEN_SIGNS, SEEN_MOST = 64, 1_000
"""Of texts that a column remembers as fine: how long, and how many."""
_TOKEN_LEAST = 13
Step = Callable[[str, Order], str]


class Counts(NamedTuple):
    """What became of the rows. `quarantined`: how many by (column, why); `emptied`: cells of personal data that could not be kept."""

    rows: int
    passed: int
    others: int
    quarantined: dict[tuple[str, str], int]
    emptied: int

    @property
    def held(self) -> int:
        """Rows that were quarantined."""
        return sum(self.quarantined.values())


class _TypeError(Exception):
    """A cell is not of its column's type. Says why, and not what stands there."""


class Reader:
    """One document. `feed` it in pieces, `close` it; nothing that came out counts before `close` has returned."""

    def __init__(
        self, policy: Policy, report_type: str, book: Book, *, charset: str = "", most: int = REPORT_BYTES_MOST
    ) -> None:
        """`charset`: what the sender says it is in. InputError where the policy cannot read this type, ReportError where it is unknown."""
        self._report, self._book, self._most = policy.report(report_type), book, most
        self._flat = _flat(report_type, charset)
        self._inflate = Inflate(most)
        self._columns: list[tuple[str, Step]] = []
        self._key = 0
        self._rows = self._passed = self._others = self._emptied = 0
        self._quarantined: Counter[tuple[str, str]] = Counter()
        self.columns: tuple[str, ...] = ()
        """The header's columns; known with the first row."""

    @property
    def counts(self) -> Counts:
        """What became of the rows so far."""
        return Counts(self._rows, self._passed, self._others, dict(self._quarantined), self._emptied)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What the client gets of a piece, row by row, and nothing for a row that is left out.

        ReportError where the report cannot be read: then nothing of it may be passed on.
        """
        return self._opened(self._inflate.feed(piece), self._flat.feed)

    def close(self) -> Iterator[bytes]:
        """What the client gets of the end. ReportError likewise."""
        yield from self._opened(self._inflate.close(), self._flat.feed)
        yield from self._opened(iter([b""]), lambda _: self._flat.close())

    def _opened(self, pieces: Iterator[bytes], rows: Callable[[bytes], Iterator[Row]]) -> Iterator[bytes]:
        place, why = "", ""
        try:
            for piece in pieces:
                for row in rows(piece):
                    yield self._row(row)
        except FlatError as error:
            place, why = _place(error.row), error.why
        except TooLargeError:
            place, why = "the document", f"is larger than {self._most:,} bytes"
        except BrokenError:
            place, why = "the document", "is compressed and not whole"
        if place:  # raised here, so that no error hangs on to a piece of the document
            raise ReportError(self._report.name, place, why)

    def _row(self, row: Row) -> bytes:
        if not self._columns:
            return self._header(row)
        if row.cells == [""] and len(self._columns) > 1:
            return b""  # an empty line at the end, as some programs leave it
        self._rows += 1
        if len(row.cells) != len(self._columns):
            self._refuse(
                row.number, "", f"has {len(row.cells)} cells, the header {len(self._columns)}: it is cut short, or torn"
            )
        try:
            order = self._book.order(row.cells[self._key]) if row.cells[self._key] else None
        except RowError as error:
            self._quarantined[self._columns[self._key][0], error.why] += 1
            return b""
        if order is None:
            self._others += 1
            return b""
        return self._told(row, order)

    def _told(self, row: Row, order: Order) -> bytes:
        out, column, why = [], "", ""
        emptied = self._emptied
        try:
            for (column, step), cell in zip(self._columns, row.cells, strict=True):  # noqa: B007 - named where it fails
                out.append(step(cell, order) if cell else "")
        except RowError as error:
            self._emptied = emptied
            self._quarantined[column, error.why] += 1
            return b""
        except _TypeError as error:
            why = str(error)
        if why:
            self._refuse(row.number, column, why)
        made = self._flat.written(out, row.marked, row.end or "\n")
        if made is None:
            self._quarantined[self._columns[self._key][0], "stands for a text that no cell can hold"] += 1
            return b""
        self._passed += 1
        return made

    def _refuse(self, row: int, column: str, why: str) -> None:
        raise ReportError(self._report.name, _place(row, column), why)

    # -- the header ----------------------------------------------------------------------------------------------------

    def _header(self, row: Row) -> bytes:
        """Every column has a rule, none is there twice, the order's is there. An unknown one is told by its place: it may be a value."""
        names = [cell.strip().lower() for cell in row.cells]
        for at, name in enumerate(names, 1):
            rule = self._report.columns.get(name)
            if rule is None:
                why = "has no rule: this policy does not know what it is"
                raise ReportError(self._report.name, f"the header, column {at} of {len(names)}", why)
            if names.index(name) != at - 1:
                raise ReportError(self._report.name, f"the header, column {name}", "is there twice")
            self._columns.append((name, self._step(rule)))
        if self._report.key not in names:
            raise ReportError(
                self._report.name, f"the header, column {self._report.key}", "is missing: it names the order"
            )
        self._key, self.columns = names.index(self._report.key), tuple(names)
        self._columns[self._key] = (self._report.key, lambda _text, order: order.order_id)
        return self._flat.begin + (self._flat.written(row.cells, row.marked, row.end or "\n") or b"")

    # -- cells ---------------------------------------------------------------------------------------------------------

    def _step(self, rule: Rule) -> Step:
        kind = rule.kind
        if rule.action == "pass":
            return _passing((rule.type or TYPES["word"]).objection)
        if rule.action == "unmask":
            return lambda text, order: order.unmask(kind, text)
        if rule.action == "token_in":
            return self._taking_in(kind)
        return lambda _text, _order: ""

    def _taking_in(self, kind: str) -> Step:
        def step(text: str, order: Order) -> str:
            shown = kind_of(text)
            if (
                shown
            ):  # the network repeats what it has in the place of a name or an address: this order's own, or none at all
                return order.unmask(shown, text)
            _no_token(text)
            made = order.take_in(kind, text)
            if not made:
                self._emptied += 1
            return made

        return step


def _passing(objection: Callable[[object], str]) -> Step:
    fine: set[str] = set()  # short texts that were looked at: states, cities and currencies come again and again

    def step(text: str, _order: Order) -> str:
        if text in fine:
            return text
        why = objection(text)
        if why:
            raise _TypeError(why)
        _no_token(text)
        if len(text) <= SEEN_SIGNS and len(fine) < SEEN_MOST:
            fine.add(text)
        return text

    return step


def _no_token(text: str) -> None:
    if len(text) >= _TOKEN_LEAST and any(kind_of(token) for token in tokens_in(text)):
        raise RowError("", "holds a token of ours where none belongs")


def _flat(report_type: str, charset: str) -> Flat:
    try:
        return Flat(charset)
    except FlatError as error:
        why = error.why
    raise ReportError(report_type, "the document", why)


def _place(row: int, column: str = "") -> str:
    where = f"row {row}" if row else "the header"
    return f"{where}, column {column}" if column else where
