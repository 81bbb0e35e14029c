"""Random bytes of the operating system, asked for in larger pieces: a message needs ten small ones, and each question costs microseconds.

For tokens and nonces. Keys are asked for one by one, so that none lies about in a piece that was asked for earlier.
"""

import os
import threading

PIECE_BYTES = 4_096


class _Piece(threading.local):
    """What is left of a thread's last piece. A forked child begins anew: it must not draw what its parent will."""

    left = b""
    at = 0


_piece = _Piece()


def random_bytes(count: int) -> bytes:
    """So many bytes that nobody can foresee and that were given to nobody else (at most `PIECE_BYTES`)."""
    piece, at = _piece, _piece.at
    end = at + count
    if end > len(piece.left):
        assert count <= PIECE_BYTES, "more than a piece: ask the operating system"
        piece.left, at, end = os.urandom(PIECE_BYTES), 0, count
    piece.at = end
    return piece.left[at:end]


def _forget() -> None:
    _piece.left, _piece.at = b"", 0


os.register_at_fork(after_in_child=_forget)
