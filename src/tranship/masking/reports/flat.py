"""Flat files as networks write them: a header, then rows; tabs or commas, quoted or not, in the encodings that occur. Bytes in, rows out.

What stands between two delimiters never depends on where a piece of the file ended. Tables with tabs are not quoted: a quotation mark
is a sign like others there (inches in a title), unless the header itself is quoted. Tables with commas are quoted as RFC 4180 says,
and nothing else is guessed: a quotation mark anywhere else, or one that is never closed, refuses the file.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

UNSAID = ("utf-8", "cp1252")
ENCODINGS = {
    **dict.fromkeys(("", "utf-8", "utf8", "us-ascii"), UNSAID),
    **dict.fromkeys(("cp1252", "windows-1252", "iso-8859-1", "latin1"), ("cp1252",)),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "ms932", "cp932", "windows-31j"), ("cp932",)),
}
"""What senders say -> what is tried for each row. In all of them no byte of a letter looks like a tab, comma, quote or line break."""
_NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "cp932": "Windows-31J"}
ROW_BYTES_MOST = 1 << 16
COLUMNS_MOST = 300
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")
_CELLS = {mark: re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^"{mark}]*))({mark}|\Z)', re.DOTALL) for mark in ("\t", ",")}


class FlatError(Exception):
    """A file that cannot be read in one way only. `row`: counted from 1 behind the header, 0 for the header itself."""

    def __init__(self, row: int, why: str) -> None:
        self.row, self.why = row, why
        super().__init__(why)


class Row(NamedTuple):
    """One row. `marked`: which cells were quoted; `end`: its line break as it came."""

    number: int
    cells: list[str]
    marked: list[bool]
    end: str

    def __repr__(self) -> str:
        return f"Row({self.number}, {len(self.cells)} cells)"


class Flat:
    """A file, in pieces. The first row that comes out is the header."""

    def __init__(self, charset: str = "") -> None:
        """`charset`: what the sender says it is in; "" where it says nothing. FlatError where nobody here reads that."""
        found = ENCODINGS.get(charset.lower())
        if found is None:
            raise FlatError(0, "is in an encoding that is not read here")
        self._encodings = found
        self._rest = b""
        self._looked, self._odd = (
            0,
            False,
        )  # bytes of the rest that were looked at, and whether an odd number of quotes is among them
        self._count = -1
        self.mark = ""
        """What stands between cells; known with the header."""
        self.bom = self._quoted = False

    def feed(self, piece: bytes) -> Iterator[Row]:
        """The rows that are complete with this piece. FlatError where one cannot be read."""
        data = self._rest + piece
        begin, at, odd = 0, self._looked, self._odd
        while (found := data.find(b"\n", at)) >= 0:
            if not self.mark:
                self._look(data[begin : found + 1])
            odd ^= (
                self._quoted and data.count(b'"', at, found + 1) % 2 == 1
            )  # no byte is counted twice, however often cells break
            at = found + 1
            if odd:
                self._fits(at - begin)
                continue  # the line break stands inside a quoted cell
            line, begin = data[begin:at], at
            yield from self._row(line)
        self._rest, self._looked, self._odd = data[begin:], at - begin, odd
        self._fits(len(self._rest))

    def close(self) -> Iterator[Row]:
        """The last row, where no line break ended it. FlatError where it is not whole, or there was no header."""
        rest, self._rest = self._rest, b""
        if rest:
            if not self.mark:
                self._look(rest)
            if self._quoted and rest.count(b'"') % 2:
                raise FlatError(self._count + 1, "holds a quotation mark that is never closed")
            yield from self._row(rest)
        if self._count < 0:
            raise FlatError(0, "is not there: the file is empty")

    def _fits(self, size: int) -> None:
        if size > ROW_BYTES_MOST:
            raise FlatError(self._count + 1, f"is longer than {ROW_BYTES_MOST} bytes")

    def _look(self, line: bytes) -> None:
        """The delimiter, and whether cells may be quoted, from the first line of all."""
        self.mark = "\t" if b"\t" in line else ","
        self._quoted = self.mark == "," or line.removeprefix(_BOM).startswith(b'"')

    def _row(self, line: bytes) -> Iterator[Row]:
        self._fits(len(line))
        if self._count < 0:
            line = self._begun(line)
        self._count += 1
        text = self._decoded(line)
        body = text.rstrip("\n")
        body = body.removesuffix("\r") if len(body) < len(text) else body
        end = text[len(body) :]
        cells, marked = self._split(body)
        if len(cells) > COLUMNS_MOST:
            raise FlatError(self._count, f"has more than {COLUMNS_MOST} columns")
        yield Row(self._count, cells, marked, end)

    def _begun(self, line: bytes) -> bytes:
        if line.startswith(_OTHER_BOMS):
            raise FlatError(0, "is in UTF-16")
        self.bom = line.startswith(_BOM)
        return line.removeprefix(_BOM)

    def _decoded(self, line: bytes) -> str:
        for encoding in UNSAID if self.bom else self._encodings:
            try:
                return line.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise FlatError(self._count, f"is not {' or '.join(_NAMES[encoding] for encoding in self._encodings)}")

    def _split(self, body: str) -> tuple[list[str], list[bool]]:
        if not self._quoted or '"' not in body:
            if "\r" in body or "\x00" in body:
                raise FlatError(self._count, "holds a line break or a zero inside a cell")
            cells = body.split(self.mark)
            return cells, [False] * len(cells)
        cells, marked, at = [], [], 0
        match = _CELLS[self.mark].match
        while True:
            found = match(body, at)
            if found is None:
                raise FlatError(self._count, "is not quoted as a table is")
            inside, plain, mark = found.groups()
            cells.append(plain if inside is None else inside.replace('""', '"'))
            marked.append(inside is not None)
            at = found.end()
            if not mark:
                return cells, marked

    # -- out -----------------------------------------------------------------------------------------------------------

    def written(self, cells: list[str], marked: list[bool], end: str) -> bytes | None:
        """A row as the same table has it, in UTF-8; None where a cell cannot stand in one."""
        if not self._quoted:
            line = self.mark.join(cells)
            if line.count(self.mark) != len(cells) - 1 or "\n" in line or "\r" in line:
                return None
            return (line + end).encode("utf-8", "replace")
        told = [
            '"' + cell.replace('"', '""') + '"' if quote or _SPECIAL.search(cell) else cell
            for cell, quote in zip(cells, marked, strict=True)
        ]
        return (self.mark.join(told) + end).encode("utf-8", "replace")

    @property
    def begin(self) -> bytes:
        """What stands before the header."""
        return _BOM if self.bom else b""


_SPECIAL = re.compile('[",\t\r\n]')
