"""A document's bytes, compressed or not, in pieces of a bounded size, up to a limit in all."""

import zlib
from collections.abc import Iterator

PIECE_BYTES = 1 << 14
_GZIP = b"\x1f\x8b"


class TooLargeError(Exception):
    """There is more in it than the limit."""


class BrokenError(Exception):
    """It is compressed and cannot be opened, or ends too early."""


class Inflate:
    """Gzip is told by its first two bytes: no table begins with them, and senders do not always say what they send."""

    def __init__(self, most: int) -> None:
        """`most`: bytes after decompression."""
        self._left, self._begin = most, b""
        self._open = zlib.decompressobj(wbits=31)
        self._zipped: bool | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What is in a piece. TooLargeError, BrokenError."""
        if self._zipped is None:
            piece = self._begin + piece
            if len(piece) < len(_GZIP):
                self._begin = piece
                return
            self._zipped = piece.startswith(_GZIP)
        if self._zipped:
            yield from self._inflated(piece)
            return
        for at in range(0, len(piece), PIECE_BYTES):
            yield self._counted(piece[at : at + PIECE_BYTES])

    def close(self) -> Iterator[bytes]:
        """What was held back. BrokenError where the compressed document is not whole."""
        if self._zipped is None:
            yield self._counted(self._begin)
        elif self._zipped and not self._open.eof:
            raise BrokenError

    def _inflated(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._open.eof:  # a document may be several of them, one behind the other
                self._open = zlib.decompressobj(wbits=31)
            try:
                made = self._open.decompress(piece, PIECE_BYTES)
            except zlib.error:
                raise BrokenError from None
            piece = self._open.unconsumed_tail or (self._open.unused_data if self._open.eof else b"")
            if made:
                yield self._counted(made)

    def _counted(self, made: bytes) -> bytes:
        self._left -= len(made)
        if self._left < 0:
            raise TooLargeError
        return made
