"""Identifiers: readable, `[A-Z0-9-]`, derived by keyed hash in recorded runs and random when live."""

import hashlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U


def keyed_id(key: bytes, *parts: str, size: int = 16) -> str:
    """A stable id of `size` characters for these parts under `key` (5 bits a character)."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), key=key[:64], digest_size=20).digest()
    number = int.from_bytes(digest, "big")
    out = []
    for _ in range(size):
        number, digit = divmod(number, 32)
        out.append(_ALPHABET[digit])
    return "".join(out)
