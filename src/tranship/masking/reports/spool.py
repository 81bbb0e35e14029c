"""Where a report waits until all of it was read: nothing of it is passed on before, and nothing of it lies on a disk in clear."""

import secrets
import tempfile
from collections.abc import Iterator

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE_BYTES = 1 << 16
MEMORY_BYTES = 1 << 20
"""Up to here no file is made."""


class Spool:
    """Bytes in, the same bytes out. What does not fit into memory goes to a nameless file, sealed under a key that is nowhere else."""

    def __init__(self) -> None:
        self._cipher = AESGCM(secrets.token_bytes(32))
        self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self._held = bytearray()
        self._pieces = 0
        self.size = 0

    def __repr__(self) -> str:
        return f"Spool({self.size} bytes)"

    def write(self, data: bytes) -> None:
        """Put bytes behind those that are there. OSError where the disk is full."""
        self._held += data
        self.size += len(data)
        while len(self._held) >= PIECE_BYTES:
            self._seal(bytes(self._held[:PIECE_BYTES]))
            del self._held[:PIECE_BYTES]

    def read(self) -> Iterator[bytes]:
        """All of it, from the beginning."""
        self._file.seek(0)
        for number in range(self._pieces):
            sealed = self._file.read(PIECE_BYTES + 16)
            yield self._cipher.decrypt(number.to_bytes(12, "big"), sealed, None)
        yield bytes(self._held)

    def close(self) -> None:
        """Forget it."""
        self._file.close()
        self._held.clear()

    def _seal(self, piece: bytes) -> None:
        self._file.write(self._cipher.encrypt(self._pieces.to_bytes(12, "big"), piece, None))
        self._pieces += 1
