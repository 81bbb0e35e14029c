"""The header of a CSV file: which delimiter it uses, which of the columns it needs it has."""

import csv
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tranship.connectors.files.reading import Scan
from tranship.core.errors import InputError

_DELIMITERS = (",", ";", "\t", "|")
_LINE_END = re.compile(r"\r\n|\n|\r")
_HEADER_MAX = 1 << 16


class Header:
    """Positions of fields by name. Column names are compared without case, outer blanks and underscores for blanks."""

    def __init__(self, cells: Sequence[str], columns: Mapping[str, Sequence[str]]) -> None:
        self.width = len(cells)
        where: dict[str, int] = {}
        for i, cell in enumerate(cells):
            where.setdefault(_folded(cell), i)
        self._at: dict[str, int] = {}
        for name, spellings in columns.items():
            found = next((where[_folded(one)] for one in spellings if _folded(one) in where), None)
            if found is not None:
                self._at[name] = found

    def at(self, name: str) -> int:
        """Position of a field that the file has."""
        return self._at[name]

    def has(self, name: str) -> bool:
        """Whether the file has the field."""
        return name in self._at

    def find(self, name: str) -> int:
        """Position of a field, -1 where the file has none."""
        return self._at.get(name, -1)

    def require(self, columns: Mapping[str, Sequence[str]], file: str, hint: str) -> None:
        """Raise InputError naming each missing column. What the file has instead is not repeated: it may be a person's line."""
        missing = [" or ".join(spellings) for name, spellings in columns.items() if name not in self._at]
        if missing:
            what = f"the header ({self.width} columns) is without {', '.join(missing)}"
            raise InputError(what, where=file, hint=hint)


class FirstLine(NamedTuple):
    """The header line of a CSV file."""

    cells: list[str]
    delimiter: str
    at_line: int  # its number in the file; blank lines may come before it


def first_line(found: Scan, delimiter: str = "") -> FirstLine:
    """The header's cells and the delimiter (the one that gives most columns, where none is said)."""
    pieces = _LINE_END.split(found.head)
    number = next(i for i, piece in enumerate(pieces) if piece.strip())  # scan() refused files without any
    if number == len(pieces) - 1 and len(found.head) >= _HEADER_MAX:
        raise InputError(f"its first {_HEADER_MAX:,} characters have no line end: this is no header", where=found.name)
    best, used = [""], delimiter or ","
    for sign in (delimiter,) if delimiter else _DELIMITERS:
        try:
            cells = next(csv.reader([pieces[number]], delimiter=sign), [])
        except csv.Error:
            continue
        if len(cells) > len(best):
            best, used = cells, sign
    return FirstLine([cell.strip() for cell in best], used, number + 1)


def _folded(text: str) -> str:
    return text.strip().casefold().replace("_", " ")
