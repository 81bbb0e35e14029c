"""Where a report waits: the same bytes come out, and what is on a disk meanwhile says nothing."""

import pytest

from tranship.masking.reports.spool import MEMORY_BYTES, PIECE_BYTES, Spool


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * MEMORY_BYTES + 17])
def test_the_same_bytes_come_out_as_often_as_wanted(size: int):
    """Whatever was written in whatever pieces."""
    raw, spool = (b"SHOP-1\tAda Byron\n" * (size // 17 + 1))[:size], Spool()
    for at in range(0, size, 9_973):
        spool.write(raw[at : at + 9_973])
    assert spool.size == size and b"".join(spool.read()) == raw and b"".join(spool.read()) == raw
    assert str(size) in repr(spool)
    spool.close()


def test_nothing_of_it_is_on_a_disk_in_clear():
    """The file holds sealed bytes; two equal pieces look different."""
    spool = Spool()
    spool.write(b"Ada Byron" * (MEMORY_BYTES // 4))
    spool._file.seek(0)
    held = spool._file.read()
    assert len(held) > MEMORY_BYTES and b"Ada" not in held and len({held[:64], held[PIECE_BYTES + 16 :][:64]}) == 2
    spool.close()
