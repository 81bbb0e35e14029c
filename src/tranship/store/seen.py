"""Which references a store may know, asked without the store: a reference that is new costs no read."""

import struct

from tranship.store.port import TableStore

BITS = 1 << 23
"""1 MiB: of a million references that are new one in 50 is asked for in vain, of five million two in three."""
PROBES = 4
PIECE_ROWS = 20_000


class Seen:
    """A Bloom filter over blind indexes, which are as good as random: their own bytes say which bits. For one thread.

    It may say yes for a reference that nobody knows, and never no for one that was added or is in the store.
    """

    def __init__(self, store: TableStore) -> None:
        """Reads the references of all people once. UnavailableError where the store cannot be asked."""
        self._bits = bytearray(BITS // 8)
        after, full = "", True
        while full:
            sql = "SELECT person_id, blind FROM person WHERE person_id > ? ORDER BY person_id LIMIT ?"
            rows = store.query(sql, (after, PIECE_ROWS))
            for _, blind in rows:
                assert isinstance(blind, bytes)
                if blind:  # a guest has none
                    self.add(blind)
            full, after = len(rows) == PIECE_ROWS, str(rows[-1][0]) if rows else after

    def add(self, blind: bytes) -> None:
        """A reference that is in the store, or is about to be."""
        for bit in _bits_of(blind):
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, blind: bytes) -> bool:
        return all(self._bits[bit >> 3] & 1 << (bit & 7) for bit in _bits_of(blind))


_four = struct.Struct(f">{PROBES}I").unpack_from


def _bits_of(blind: bytes) -> list[int]:
    return [word % BITS for word in _four(blind)]
