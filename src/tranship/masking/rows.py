"""What the vault and the audit keep, row by row: the store writes these and knows no more about them."""

from typing import NamedTuple

NEVER = 1 << 62
"""`TokenRow.expires_at` of a token whose end is not set yet. As many bytes as any other moment: rows are changed where they lie."""

LIVE = "live"
OVER = "over"
"""States of a token. `over`: it expired, its value and its blind index are zeros; that it was ours is still known."""

SEAL = "seal"
BLIND = "blind"
"""Purposes of a masking key: sealing values, and finding the token of a value again."""

WRITE = "write"
READ = "read"
DESTROYED = "destroyed"
"""States of a masking key: new values are sealed under it, old ones are opened with it, it is zeros."""


class TokenRow(NamedTuple):
    """What a token of a network stands for, sealed. `scope`: the order it belongs to, or the epoch of an alias.

    `person_id` is empty where the value is nobody's. `blind` (16 bytes) finds the token of a value again; `key_id` names the
    sealing key. Times are UTC microseconds; `expires_at` is NEVER until the parcel's delivery sets it.
    """

    token: str
    network: str
    kind: str
    scope: str
    person_id: str
    blind: bytes
    sealed: bytes
    key_id: str
    created_at: int
    expires_at: int
    state: str


class MaskingKeyRow(NamedTuple):
    """A key of one network and kind, wrapped by the key-encrypting key `kek_id`; `key_id` is 16 hexadecimal signs."""

    key_id: str
    network: str
    kind: str
    purpose: str
    wrapped: bytes
    kek_id: str
    created_at: int
    state: str


class AuditRow(NamedTuple):
    """One message that left, came in or was refused: who saw what kind of thing, under which policy; never a value.

    `seq` has no gaps; `subject` is our own order or remote id; `policy` the policy's SHA-256; `fields` msgpack of
    [[leaf, action, fingerprint], ...]; `chain` covers this row and all before it.
    """

    seq: int
    at: int
    actor: str
    op: str
    network: str
    route: str
    policy: str
    subject: str
    person_id: str
    fields: bytes
    verdict: str
    chain: bytes
