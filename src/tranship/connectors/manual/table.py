"""Reading a table that people had in a spreadsheet: byte order marks, semicolons, tabs, line ends of any kind, columns under any name.

Every line that cannot be used is told with its number; the others are read. Nothing is lost in silence.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tranship.connectors.files.reading import records
from tranship.connectors.manual.model import LineError

BYTES_MAX = 50_000_000
ERRORS_MAX = 10_000
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DO = {
    "bad_quote": "Close the quotation mark, or remove it",
    "nul_byte": "Save the file anew as CSV UTF-8",
    "fields": "Give the line as many cells as the heading has, and put cells with the separator in them into quotation marks",
    "field_too_large": "Shorten the cell",
}


class Row(NamedTuple):
    """One line's cells by our names of the columns, tidied."""

    line: int
    cells: Mapping[str, str]

    def get(self, name: str) -> str:
        """A cell; empty where there is none."""
        return self.cells.get(name, "")


class Table:
    """A file, read once. `errors` grows while its rows are read; `has` names the columns found."""

    def __init__(self, source: Path | bytes, file: str, names: Mapping[str, tuple[str, ...]]) -> None:
        self.file = file or (source.name if isinstance(source, Path) else "file")
        self.errors: list[LineError] = []
        self.has: frozenset[str] = frozenset()
        self._names = {_key(alias): name for name, aliases in names.items() for alias in (name, *aliases)}
        self._text = self._decoded(source)

    def wrong(self, line: int, what: str, do: str, *, taken: bool = False) -> None:
        """Note a line that needs somebody."""
        if len(self.errors) < ERRORS_MAX:
            self.errors.append(LineError(self.file, line, what, do, taken))

    def rows(self, needed: tuple[str, ...]) -> Iterator[Row]:
        """The lines that can be read, where the columns needed are there."""
        if not self._text.strip():
            return self.wrong(1, "the file is empty", "Fill it in and send it again")
        lines = io.StringIO(self._text, newline=None).read().split("\n")
        start = next(number for number, line in enumerate(lines) if line.strip())
        delimiter, columns = self._heading(lines[start], start + 1)
        missing = [name for name in needed if name not in columns]
        if missing:
            heading = ", ".join(needed)
            return self.wrong(
                start + 1, f"there is no column {' and no column '.join(missing)}", f"Head the columns {heading}"
            )
        self.has = frozenset(column for column in columns if column)
        yield from self._read(lines, start, delimiter, columns)

    def _read(self, lines: list[str], start: int, delimiter: str, columns: list[str]) -> Iterator[Row]:
        told: Callable[[int, str, str], None] = lambda line, reason, detail: self.wrong(  # noqa: E731
            line, detail, _DO.get(reason, "Repair the line")
        )
        width = len(columns)
        for line, cells in records(
            (text + "\n" for text in lines), width, delimiter, told, skip=start + 1, single_line=True
        ):
            if not any(cell.strip() for cell in cells):
                continue
            yield Row(line, {name: tidy(cell) for name, cell in zip(columns, cells, strict=True) if name})

    def _decoded(self, source: Path | bytes) -> str:
        try:
            data = source if isinstance(source, bytes) else _bytes(source)
        except OSError as error:
            self.wrong(1, f"the file cannot be read ({error.strerror})", "Look whether it is there and may be read")
            return ""
        if len(data) > BYTES_MAX:
            self.wrong(1, f"the file is above {BYTES_MAX:,} bytes", "Send it in parts")
            return ""
        encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            return data.decode("cp1252", "replace")  # what a spreadsheet in the West saves as "CSV"

    def _heading(self, line: str, number: int) -> tuple[str, list[str]]:
        """The separator under which most columns are known, and our name of each column (empty: not ours, or a second one)."""
        best: tuple[str, list[str]] = (",", [])
        for delimiter in (",", ";", "\t", "|"):
            cells = next(csv.reader([line], delimiter=delimiter), [])
            found = [self._names.get(_key(cell), "") for cell in cells]
            if not best[1] or sum(map(bool, found)) > sum(map(bool, best[1])):
                best = (delimiter, found)
        delimiter, columns = best
        for place, name in enumerate(columns):
            if name and name in columns[:place]:
                self.wrong(number, f"there are two columns {name}", "Remove one; the first was read", taken=True)
                columns[place] = ""
        return delimiter, columns


def tidy(cell: str) -> str:
    """A cell without blanks at its ends and without the apostrophe that marks text.

    >>> tidy(" '=1 ")
    '=1'
    """
    return " ".join(cell.replace("\ufeff", "").split()).removeprefix("'")


def units(cell: str) -> int | None:
    """Whole units, also as a spreadsheet writes them; None where it is no such number.

    >>> units("3"), units("3.0"), units("1,5"), units("-2"), units("1e3")
    (3, 3, None, None, None)
    """
    whole, dot, rest = cell.partition(".")
    good = whole.isascii() and whole.isdecimal() and len(whole) <= 9 and (not dot or (rest and not rest.strip("0")))
    return int(whole) if good else None


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BYTES_MAX + 1)


def _key(heading: str) -> str:
    return "".join(c for c in heading.lower() if c.isalnum())
