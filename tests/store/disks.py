"""Disks that fail: an APSW file system that refuses the n-th operation, and one that remembers what a power cut would leave."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


class FaultyDisk(apsw.VFS):
    """Passes everything through, but raises `error` at the `at`-th write, sync or truncation (counted from 1; 0: never).

    With `reads` reading counts as an operation too.
    """

    def __init__(self, name: str, *, reads: bool = False) -> None:
        super().__init__(name, "")
        self.name = name
        self.reads = reads
        self.arm(0)

    def arm(self, at: int, error: type[apsw.Error] = apsw.IOError, *, lasting: bool = False) -> None:
        """Start counting anew; `lasting` fails every operation from that one on."""
        self.at, self.error, self.lasting, self.count = at, error, lasting, 0

    def touch(self) -> None:
        """One operation that changes the disk."""
        self.count += 1
        if self.at and (self.count == self.at or (self.lasting and self.count > self.at)):
            raise self.error(f"planted at operation {self.count}")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _FaultyFile(self, name, flags)


class _FaultyFile(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if self._disk.reads:
            self._disk.touch()
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._disk.touch()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.touch()
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.touch()
        super().xTruncate(newsize)


@dataclass
class RecordingDisk(apsw.VFS):
    """Passes everything through and keeps a log, from which `cut` makes what a power cut at any moment could have left."""

    name: str
    log: list[tuple[str, str, int, bytes]] = field(default_factory=list)  # (file, operation, offset or size, data)

    def __post_init__(self) -> None:
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        file = _RecordingFile(self, name, flags)
        if not self.log and file.xFileSize():  # a new database is renamed into its place, whole and synced
            file._note("write", 0, file.xRead(file.xFileSize(), 0))
            file._note("sync", 0)
        return file

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.log.append((Path(filename).name, "delete", 0, b""))
        super().xDelete(filename, syncdir)

    def cut(self, moment: int, folder: Path, chance: random.Random) -> None:
        """Write into `folder` what the disk could hold after a power cut following operation `moment`.

        What was synced is there. Of the writes after a file's last sync each may be there, be missing, or be torn at a
        sector; the sectors of a torn write are kept or lost one by one.
        """
        log = self.log[:moment]
        synced = {file: k for k, (file, operation, _, _) in enumerate(log) if operation in {"sync", "delete"}}
        held: dict[str, bytearray] = {}
        for k, (file, operation, at, data) in enumerate(log):
            content = held.setdefault(file, bytearray())
            safe = k <= synced.get(file, -1)
            if operation == "delete":
                del held[file]
            elif operation == "truncate":
                if safe or chance.random() < 0.5:
                    del content[at:]
            elif operation == "write":
                _write(content, at, data, "all" if safe else chance.choice(("all", "none", "torn")), chance)
        for file, content in held.items():
            (folder / file).write_bytes(content)


def _write(content: bytearray, at: int, data: bytes, how: str, chance: random.Random) -> None:
    if how == "none":
        return
    if len(content) < at + len(data):
        content.extend(bytes(at + len(data) - len(content)))
    for k in range(0, len(data), SECTOR):
        if how == "all" or chance.random() < 0.5:
            content[at + k : at + k + SECTOR] = data[k : k + SECTOR]


class _RecordingFile(apsw.VFSFile):
    def __init__(self, disk: RecordingDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk, self._name = disk, Path(filename).name if filename else ""

    def _note(self, operation: str, at: int, data: bytes = b"") -> None:
        if self._name:
            self._disk.log.append((self._name, operation, at, data))

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._note("write", offset, bytes(data))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._note("sync", 0)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._note("truncate", newsize)
        super().xTruncate(newsize)


class NoNewFiles(apsw.VFS):
    """A disk on which nothing can be made: the database is there, its helper files cannot be."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.name = name
        self.refused = 0

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if flags[0] & apsw.SQLITE_OPEN_WAL:
            self.refused += 1
            raise apsw.CantOpenError("read-only disk")
        return apsw.VFSFile("", name, flags)
