"""Sealing one value of one token, and finding the token of a value again. Pure but for the nonce.

A value that belongs to a person is sealed under two keys mixed: the masking key of its network and kind, and the person's own.
Losing either forgets the value. The blind index is made of both keys likewise, so that after an erasure nobody can try values
against it.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tranship.core.errors import DamageError

VERSION = b"\x01"
NONCE_BYTES = 12
BLIND_BYTES = 16
OVERHEAD_BYTES = len(VERSION) + NONCE_BYTES + 16
"""By how much a sealed value is longer than the value in UTF-8."""


def mixed(key: bytes, person_key: bytes) -> bytes:
    """The key for one person's values: HKDF-Expand (RFC 5869, one block) of the masking key over the person's key."""
    return hmac.digest(key, b"tranship token seal 1\0" + person_key + b"\1", "sha256")


def associated(party: str, network: str, kind: str, token: str, scope: str, person_id: str) -> bytes:
    """What a sealed value is bound to; each part with its length, so that no two rows can share it."""
    parts = [part.encode() for part in (party, network, kind, token, scope, person_id)]
    return VERSION + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(cipher: AESGCM, value: str, bound_to: bytes) -> bytes:
    """The value, sealed."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return VERSION + nonce + cipher.encrypt(nonce, value.encode(), bound_to)


def unseal(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> str:
    """The value again. DamageError where the row was changed, or copied from another; its text tells nothing of either."""
    try:
        if sealed[:1] == VERSION:
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], bound_to).decode()
    except (InvalidTag, ValueError):
        pass  # the error below names neither
    raise DamageError("a token's sealed value was changed after it was sealed, or belongs to another row")


def blind(key: bytes, person_key: bytes, scope: str, value: str) -> bytes:
    """The index under which the token of a value is found again within a scope; tells nothing without both keys."""
    said = scope.encode()
    head = len(person_key).to_bytes(4, "big") + person_key + len(said).to_bytes(4, "big") + said
    return hmac.digest(key, head + value.encode(), "sha256")[:BLIND_BYTES]
