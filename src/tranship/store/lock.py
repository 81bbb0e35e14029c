"""One writer per folder: a lock file whose holder's process id tells the next one whom to ask."""

import fcntl
import os
import socket
from pathlib import Path

from tranship.core.errors import UnavailableError

LOCK_NAME = "writer.lock"


class WriterLock:
    """Held from construction to `release` (or the end of the process, however it ends).

    Raises UnavailableError naming the holder where another writer, of this or another process, has the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # flock, not lockf: it belongs to this open file, so a second open in the same process is refused too.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 200).decode(errors="replace").strip() or "an unknown process"
            os.close(self._file)
            raise UnavailableError(
                f"{folder} is being written by {holder}: one run has one writer; stop that one first, or open it read-only"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder back. The file stays: removing it would let two processes lock two files of one name."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1
