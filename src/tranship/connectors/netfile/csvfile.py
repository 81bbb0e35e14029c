"""A CSV file with a header, as spreadsheets write them: BOM, CRLF, latin-1, semicolons or tabs between columns."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tranship.connectors.netfile.finding import Findings, allowed

MOST_ROWS = 1_000_000
"""Rows of one file."""
MOST_BYTES = 512 * 1024 * 1024
"""Size of one file."""
_HOW = "commas between columns, double quotes around text"


@dataclass(frozen=True)
class Column:
    """One column of a file: its name, what it holds, whether the file must have it."""

    name: str
    meaning: str
    required: bool = False


class CsvFile:
    """An open file. `rows()` gives line number and cells by column name, blanks stripped; what is wrong becomes a finding."""

    def __init__(self, name: str, text: str, findings: Findings) -> None:
        self.name, self.findings = name, findings
        first = text.partition("\n")[0]
        self._lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
        self.header: list[str] = []

    def error(self, rule: str, line: int, column: str, what: str, hint: str = "") -> None:
        """Keep an error of one cell."""
        self.findings.error(rule, f"{self.name}:{line}: {column}", what, hint)

    def unknown(self, column: str, known: Sequence[str]) -> None:
        """Keep a warning: a column that nothing reads."""
        where = f"{self.name}:1: {column or 'a column without a name'}"
        self.findings.warning("unknown_column", where, "not a known column, so it is not read", allowed(column, known))

    def read_header(self, columns: Sequence[Column]) -> bool:
        """Read the first line; whether every required column is there, and each only once."""
        try:
            self.header = [name.strip().lower() for name in next(self._lines, [])]
        except csv.Error as error:
            self.error("not_csv", 1, "header", f"not CSV: {error}", _HOW)
            return False
        missing = [column.name for column in columns if column.required and column.name not in self.header]
        twice = {name for i, name in enumerate(self.header) if name and name in self.header[:i]}
        for name in missing:
            self.error("missing_column", 1, name, "no such column", allowed(name, self.header, "the file has"))
        for name in sorted(twice):
            self.error("duplicate", 1, name, "the column is there twice", "once is enough")
        return not missing and not twice

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Rows below the header. Empty lines are passed over; a row of another width is an error and is left out."""
        lines, count = self._lines, 0
        start = lines.line_num + 1
        try:
            for cells in lines:
                line, start = start, lines.line_num + 1
                count += 1
                if count > MOST_ROWS:
                    self.error("too_many", line, "rows", f"more than {MOST_ROWS:,} rows", "a smaller file")
                    return
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(self.header):
                    what = f"{len(cells)} cells under a header of {len(self.header)} columns"
                    self.error("not_csv", line, "row", what, "as many cells as columns; quotes around text with commas")
                    continue
                yield line, dict(zip(self.header, (cell.strip() for cell in cells), strict=True))
        except csv.Error as error:
            self.error("not_csv", start, "row", f"not CSV: {error}", _HOW)


def open_csv(file: Path, named: str, columns: Sequence[Column], findings: Findings) -> CsvFile | None:
    """Open a file; None, with findings, where it cannot be used at all. `named` is the place in the network file that names it."""
    try:
        if file.stat().st_size > MOST_BYTES:
            findings.error("too_many", file.name, f"more than {MOST_BYTES:,} bytes", "a smaller file")
            return None
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "it cannot be read"
        findings.error("no_file", named, f"{file.name}: {reason}", "a path relative to the network file")
        return None
    text = _decoded(data, file.name, findings)
    if text is None:
        return None
    opened = CsvFile(file.name, text, findings)
    return opened if opened.read_header(columns) else None


def _decoded(data: bytes, name: str, findings: Findings) -> str | None:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in data[:4096]:
        findings.error("not_csv", name, "not a text file, or UTF-16", "save it as CSV in UTF-8")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02X} is not UTF-8, so the file was read as latin-1"
        findings.add("note", "encoding", f"{name}:{line}", what)
        return data.decode("latin-1")
