"""Reading a file of orders: gzip or plain, encoding, physical lines and CSV records, so that nothing of it can surprise later.

`scan` reads the whole file once and refuses what cannot be used (a truncated gzip, an empty file, UTF-16) before anything is
staged. `Lines` gives its physical lines and `records` the CSV records with their true line numbers; a bad record costs itself
and nothing after it.
"""

import codecs
import csv
import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tranship.core.errors import InputError

Progress = Callable[[float], None]

_CHUNK = 1 << 18
_GZIP = b"\x1f\x8b"
_BOM = codecs.BOM_UTF8
_FOREIGN = {
    b"PK\x03\x04": "is a zip archive or an Excel workbook. Save the sheet as CSV (UTF-8)",
    b"BZh": "is compressed with bzip2. Use gzip or plain text",
    b"\xfd7zXZ": "is compressed with xz. Use gzip or plain text",
    b"\x28\xb5\x2f\xfd": "is compressed with zstandard. Use gzip or plain text",
    codecs.BOM_UTF16_LE: "is UTF-16. Save it as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16. Save it as UTF-8",
}


@dataclass(frozen=True)
class Limits:
    """The most that intake takes in; beyond a file-wide limit the file is refused, beyond a line's the line is rejected.

    Sizes are bytes after decompression.
    """

    file_bytes: int = 8 << 30
    json_bytes: int = 512 << 20  # a JSON document is held in memory as a whole
    line_bytes: int = 1 << 20
    lines: int = 20_000_000


@dataclass(frozen=True)
class Scan:
    """What one pass over the whole file found: it reads, decompresses and decodes to its end."""

    path: Path
    size: int  # bytes on disk
    sha256: str  # of the bytes on disk
    gzip: bool
    encoding: str  # utf-8 | latin-1
    bom: bool
    lines: int  # line ends seen (the last line may have none)
    head: str  # the first 64 KiB, decoded, for telling formats apart

    @property
    def name(self) -> str:
        """File name without its folder."""
        return self.path.name


def scan(path: Path, limits: Limits, encoding: str = "auto", progress: Progress | None = None) -> Scan:
    """Read the whole file once. `encoding` is auto (UTF-8, else latin-1), utf-8 or latin-1.

    Raises InputError, naming how far it got, where the file is missing, empty, truncated, damaged, too large or not text.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None
    if path.suffix == ".gz" and size and not packed:
        raise InputError("is named .gz but does not begin as gzip does: truncated or not compressed", where=path.name)
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, head, total, lines = True, b"", 0, 0
    for chunk in _chunks(path, packed, digest.update, _share(progress, size, 0.0, 1.0)):
        if len(head) < 1 << 16:
            head = (head + chunk)[: 1 << 16]
        total += len(chunk)
        lines += chunk.count(b"\n")
        if total > limits.file_bytes or lines > limits.lines:
            hint = f"The limit is {limits.file_bytes:,} bytes and {limits.lines:,} lines; split the file."
            raise InputError(f"is too large: more than {lines:,} lines, {total:,} bytes", where=path.name, hint=hint)
        utf8 = utf8 and _decodes(decoder, chunk)
    utf8 = utf8 and _decodes(decoder, b"", final=True)
    _refuse_foreign(path, head)
    if encoding == "utf-8" and not utf8:
        raise InputError(
            "is not valid UTF-8, which its mapping says it is", where=path.name, hint="Use encoding = 'auto'."
        )
    used = "utf-8" if (utf8 and encoding != "latin-1") else "latin-1"
    text = head.removeprefix(_BOM).decode(used, errors="ignore")
    if not text.strip():
        raise InputError("is empty: it has no header and no line", where=path.name)
    return Scan(path, size, digest.hexdigest(), packed, used, head.startswith(_BOM), lines, text)


def read_all(found: Scan, limits: Limits) -> bytes:
    """The whole content as UTF-8 bytes without a byte order mark, for JSON documents."""
    parts: list[bytes] = []
    total = 0
    for chunk in _chunks(found.path, found.gzip, None, None):
        total += len(chunk)
        if total > limits.json_bytes:
            hint = "Write JSON lines (one order a line) instead: they are read as a stream."
            raise InputError(
                f"is a JSON document of more than {limits.json_bytes:,} bytes", where=found.name, hint=hint
            )
        parts.append(chunk)
    content = b"".join(parts).removeprefix(_BOM)
    return content if found.encoding == "utf-8" else content.decode("latin-1").encode()


class Lines:
    """Physical lines of a scanned file, decoded, ends kept. `overlong` has the numbers of lines above the limit.

    An overlong line comes as one NUL, so that it is counted and rejected in its place and never held in memory.
    """

    def __init__(self, found: Scan, limits: Limits, progress: Progress | None = None) -> None:
        self.overlong: set[int] = set()
        self._found, self._limits, self._progress = found, limits, progress

    def __iter__(self) -> Iterator[str]:
        found, number, carry, dropping = self._found, 0, b"", False
        most = self._limits.line_bytes
        for chunk in _chunks(found.path, found.gzip, None, _share(self._progress, found.size, 0.0, 1.0)):
            pieces = (carry + chunk).splitlines(keepends=True)
            # a last piece that ends with CR may still get its LF: it waits with the unfinished ones
            carry = b"" if pieces[-1].endswith(b"\n") else pieces.pop()
            for piece in pieces:
                number += 1
                if dropping or len(piece) > most:
                    self.overlong.add(number)
                    dropping = False
                    yield "\0\n"
                else:
                    yield self._text(piece, number)
            if len(carry) > most:
                dropping, carry = True, carry[-1:]
        if dropping:
            self.overlong.add(number + 1)
            yield "\0\n"
        elif carry:
            yield self._text(carry, number + 1)

    def _text(self, piece: bytes, number: int) -> str:
        if number == 1:
            piece = piece.removeprefix(_BOM)
        return piece.decode(self._found.encoding)


BadRecord = Callable[[int, str, str], None]
"""Told of a record that cannot be used: its first line in the file, reason, detail."""


def records(
    lines: Lines | Iterable[str],
    width: int,
    delimiter: str,
    bad: BadRecord,
    *,
    skip: int = 0,
    single_line: bool = False,
) -> Iterator[tuple[int, list[str]]]:
    """CSV records as (line in the file where the record begins, exactly `width` fields), without blank lines.

    `skip` physical lines (the header and what is before it) are passed over.

    What cannot be one is told to `bad` and passed over. A quote that is never closed as CSV closes it costs its own line only:
    reading goes on at the next physical line. With `single_line` a record may not span lines at all. More fields than `width`
    are allowed where the surplus is blank (spreadsheets leave it).
    """
    reader = _Records(lines, width, delimiter, bad, single_line=single_line)
    for _ in range(skip):
        next(reader.source, None)
        reader.done += 1
    return reader.read()


class _Records:
    def __init__(
        self, lines: Lines | Iterable[str], width: int, delimiter: str, bad: BadRecord, *, single_line: bool
    ) -> None:
        self.overlong = lines.overlong if isinstance(lines, Lines) else frozenset[int]()
        self.source = iter(lines)
        self.width, self.delimiter, self.bad, self.single_line = width, delimiter, bad, single_line
        self.again: deque[str] = deque()  # lines given back after a stray quote
        self.current: list[str] = []  # physical lines of the record being read
        self.done = 0  # physical lines of the records before it

    def _feed(self) -> Iterator[str]:
        current, again = self.current, self.again
        while again:
            current.append(again.popleft())
            yield current[-1]
        for line in self.source:
            current.append(line)
            yield line

    def read(self) -> Iterator[tuple[int, list[str]]]:
        width, current = self.width, self.current
        reader = csv.reader(self._feed(), delimiter=self.delimiter)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a field above csv.field_size_limit(), mostly behind a quote that is never closed
                row = None
            begin = self.done + 1
            if len(current) == 1:
                self.done = begin
                if row is not None and len(row) == width and "\0" not in current[0]:
                    yield begin, row
                elif (fixed := self._judge(begin, row)) is not None:
                    yield begin, fixed
            elif row is not None and self._whole(row):
                self.done += len(current)
                if (fixed := self._judge(begin, row)) is not None:
                    yield begin, fixed
            else:
                self.done = begin
                self.bad(begin, "bad_quote", "a quote that opens here is not closed as CSV closes it")
                self.again.extendleft(reversed(current[1:]))
                reader = csv.reader(self._feed(), delimiter=self.delimiter)
            current.clear()

    def _whole(self, row: list[str]) -> bool:
        """Whether a record of several lines is one by the strict rules of CSV and has the right number of fields."""
        if self.single_line or len(row) < self.width:
            return False
        try:
            return list(csv.reader(self.current, delimiter=self.delimiter, strict=True)) == [row]
        except csv.Error:
            return False

    def _judge(self, begin: int, row: list[str] | None) -> list[str] | None:
        """The row made good, or None after it was told to `bad` (or is blank)."""
        if row == []:
            return None
        if begin in self.overlong:
            self.bad(begin, "line_too_long", "the line is above the limit of a line")
        elif any("\0" in line for line in self.current):
            self.bad(begin, "nul_byte", "the line has a NUL byte")
        elif row is None:
            self.bad(begin, "field_too_large", f"a field is above {csv.field_size_limit():,} characters")
        elif len(row) < self.width or any(cell.strip() for cell in row[self.width :]):
            self.bad(begin, "fields", f"{len(row)} fields where the header has {self.width}")
        else:
            return row[: self.width]
        return None


def _chunks(
    path: Path, packed: bool, seen: Callable[[bytes], None] | None, at: Callable[[int], None] | None
) -> Iterator[bytes]:
    """Decompressed chunks of bounded size; `seen` gets the bytes as they are on disk, `at` the position there."""
    position = 0
    unpacker = _Unpacker(path.name) if packed else None
    with path.open("rb") as file:
        while raw := file.read(_CHUNK):
            position += len(raw)
            if seen is not None:
                seen(raw)
            if unpacker is None:
                yield raw
            else:
                yield from unpacker.feed(raw)
            if at is not None:
                at(position)
    if unpacker is not None:
        unpacker.close(position)


class _Unpacker:
    """Gzip, member after member, in chunks of bounded size (a small file may hold gigabytes of zeros)."""

    def __init__(self, name: str) -> None:
        self.name, self.lines, self.bytes = name, 0, 0
        self.member = zlib.decompressobj(wbits=31)
        self.begun = True

    def feed(self, raw: bytes) -> Iterator[bytes]:
        while True:
            if self.member.eof:
                raw = raw.lstrip(b"\0")  # padding after a member is allowed (readers of RFC 1952 take it)
                if not raw:
                    self.begun = False
                    return
                self.member, self.begun = zlib.decompressobj(wbits=31), True
            try:
                out = self.member.decompress(raw, _CHUNK)
            except zlib.error as error:
                raise InputError(f"is a damaged gzip file ({error}): {self._got()}", where=self.name) from None
            if out:
                self.lines += out.count(b"\n")
                self.bytes += len(out)
                yield out
            raw = self.member.unconsumed_tail or self.member.unused_data
            # all input may be consumed while a full chunk's worth of output is still inside: ask until a chunk is short
            if not raw and (self.member.eof or len(out) < _CHUNK):
                return

    def close(self, size: int) -> None:
        if self.begun and not self.member.eof:
            what = f"is a truncated gzip file: it ends after {size:,} bytes in the middle of its data; {self._got()}"
            raise InputError(what, where=self.name, hint="Get the whole file again.")

    def _got(self) -> str:
        return f"{self.lines:,} whole lines ({self.bytes:,} bytes) could be read, nothing was staged"


def _share(progress: Progress | None, size: int, low: float, high: float) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda position: progress(low + (high - low) * min(1.0, position / max(size, 1)))


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_foreign(path: Path, head: bytes) -> None:
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(what, where=path.name)
