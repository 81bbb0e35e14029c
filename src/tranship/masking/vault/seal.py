"""Sealing one value of one token, and finding the token of a value again. Pure but for the nonce.

A value that belongs to a person is sealed under two keys mixed: the masking key of its network and kind, and the person's own.
Losing either forgets the value. The blind index is made of both keys likewise, so that after an erasure nobody can try values
against it.
"""

import struct
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from tranship.core.errors import DamageError
from tranship.masking.chance import random_bytes

VERSION = b"\x01"
NONCE_BYTES = 12
BLIND_BYTES = 16
OVERHEAD_BYTES = len(VERSION) + NONCE_BYTES + 16
"""By how much a sealed value is longer than the value in UTF-8."""


class Mac:
    """HMAC-SHA256 under one key, for many messages: the key is digested once."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = HMAC(key, SHA256())

    def __call__(self, message: bytes) -> bytes:
        """The code of a message."""
        mac = self._keyed.copy()
        mac.update(message)
        return mac.finalize()


def mixed(key: Mac, person_key: bytes) -> bytes:
    """The key for one person's values: HKDF-Expand (RFC 5869, one block) of the masking key over the person's key."""
    return key(b"tranship token seal 1\0" + person_key + b"\1")


def associated(party: str, network: str, kind: str, token: str, scope: str, person_id: str) -> bytes:
    """What a sealed value is bound to; each part with its length, so that no two rows can share it."""
    said, where, whose = token.encode(), scope.encode(), person_id.encode()
    return b"".join(
        (_bound_head(party, network, kind), _size(len(said)), said, _size(len(where)), where, _size(len(whose)), whose)
    )


_size = struct.Struct(">I").pack


def _part(text: str) -> bytes:
    said = text.encode()
    return _size(len(said)) + said


@lru_cache(maxsize=1_024)
def _bound_head(party: str, network: str, kind: str) -> bytes:
    return VERSION + _part(party) + _part(network) + _part(kind)


def seal(cipher: AESGCM, value: str, bound_to: bytes) -> bytes:
    """The value, sealed."""
    nonce = random_bytes(NONCE_BYTES)
    return VERSION + nonce + cipher.encrypt(nonce, value.encode(), bound_to)


def unseal(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> str:
    """The value again. DamageError where the row was changed, or copied from another; its text tells nothing of either."""
    try:
        if sealed[:1] == VERSION:
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], bound_to).decode()
    except (InvalidTag, ValueError):
        pass  # the error below names neither
    raise DamageError("a token's sealed value was changed after it was sealed, or belongs to another row")


def blind(key: Mac, person_key: bytes, scope: str, value: str) -> bytes:
    """The index under which the token of a value is found again within a scope; tells nothing without both keys."""
    said = scope.encode()
    return key(b"".join((_size(len(person_key)), person_key, _size(len(said)), said, value.encode())))[:BLIND_BYTES]
