"""Random bytes in pieces: none twice, not in a thread, not in a child."""

import os
import threading

from tranship.masking import chance
from tranship.masking.chance import PIECE_BYTES, random_bytes


def test_no_byte_is_given_twice(monkeypatch):
    """Over many pieces, what is given is what the system gave, in order and without overlap."""
    pieces = [bytes([n]) * PIECE_BYTES for n in range(1, 4)]
    given = iter(pieces)
    monkeypatch.setattr(chance.os, "urandom", lambda count: next(given)[:count])
    monkeypatch.setattr(chance, "_piece", chance._Piece())
    drawn = [random_bytes(1_200) for _ in range(8)]
    assert [set(each) for each in drawn] == [
        {1},
        {1},
        {1},
        {2},
        {2},
        {2},
        {3},
        {3},
    ]  # a rest that is too short is thrown away
    assert all(len(each) == 1_200 for each in drawn)


def test_threads_have_pieces_of_their_own():
    """Eight threads draw twelve bytes a thousand times each: all differ."""
    drawn: list[bytes] = []
    threads = [threading.Thread(target=lambda: drawn.extend(random_bytes(12) for _ in range(1000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 8000


def test_a_forked_child_draws_other_bytes():
    """A child does not go on with its parent's piece."""
    random_bytes(12)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bytes(16))
        os._exit(0)
    os.close(writing)
    theirs = os.read(reading, 16)
    os.close(reading)
    os.waitpid(child, 0)
    assert len(theirs) == 16 and theirs != random_bytes(16)
