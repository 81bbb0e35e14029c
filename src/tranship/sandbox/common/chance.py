"""Chance that can be repeated: every draw is a hash of the seed and of what is drawn for."""

from hashlib import blake2b

_SCALE = float(1 << 64)


def draw(seed: int, *what: object) -> float:
    """A number in [0, 1) that depends on nothing but the seed and the words.

    >>> draw(7, "latency", 1) == draw(7, "latency", 1) != draw(7, "latency", 2)
    True
    """
    return int.from_bytes(_digest(seed, what)) / _SCALE


def name(seed: int, *what: object, letters: int = 12) -> str:
    """An identifier of upper-case letters and digits, the same for the same words.

    >>> len(name(1, "shipment", 1))
    12
    """
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    number = int.from_bytes(blake2b(repr((seed, *what)).encode(), digest_size=32).digest())
    found = []
    for _ in range(letters):
        number, place = divmod(number, len(alphabet))
        found.append(alphabet[place])
    return "".join(found)


def _digest(seed: int, what: tuple[object, ...]) -> bytes:
    return blake2b(repr((seed, *what)).encode(), digest_size=8).digest()
