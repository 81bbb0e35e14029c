"""What a proxy asks of a running service that masks for it, and what it is told: the forms, one pair for each way of a message.

Bytes are base64 in JSON. `ref` is the proxy's own and comes back: an answer to another question is no answer. `policy` is the hash of the
policy that both must have; where they differ nothing is masked.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tranship.core.errors import TranshipError
from tranship.core.secret import Veiled

KINDS = ("amazon_mcf_2020", "amazon_mcf")
"""What can be masked for software that speaks it: the two versions of Amazon's Multi-Channel Fulfillment."""
MASK_BYTES_MAX = 2 << 20
"""Of a request to mask: a body of 1 MiB in base64, and its head."""
UNMASK_BYTES_MAX = 8 << 20
"""The same of an answer: 5.9 MiB of the network's."""

Ref = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$(?!\n)")]
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$(?!\n)")]
Hash = Annotated[str, Meta(min_length=64, max_length=64, pattern=r"^[0-9a-f]+$(?!\n)")]
Text = Annotated[str, Meta(max_length=4_096)]
Texts = Annotated[dict[Annotated[str, Meta(max_length=200)], Text], Meta(max_length=64)]
OrderId = Annotated[str, Meta(max_length=200)]
Told = Annotated[str, Meta(max_length=64)]


class DeclinedError(TranshipError):
    """The service does not mask, or not pass on, this message. `name`: masking | unknown-order | quarantine | vault ...

    `leaf` is the place in the message and `why` a sentence of ours: neither holds anything of the message.
    """

    def __init__(self, status: int, name: str, why: str, leaf: str = "") -> None:
        self.status, self.name, self.why, self.leaf = status, name, why, leaf
        super().__init__(f"{name}: {leaf}: {why}" if leaf else f"{name}: {why}")


class MaskIn(Veiled, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of one operation, as its client made it. `target` is path and query as they came; `headers` those of the policy."""

    ref: Ref
    kind: Word
    network: Word
    policy: Hash
    operation: Word
    path: Texts = {}
    query: Texts = {}
    headers: Texts = {}
    target: Annotated[str, Meta(max_length=65_536)] = ""
    body: bytes = b""


class OnceOut(Veiled, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token of a message that names no order: its answer brings it back, nothing else can."""

    token: Told
    kind: Word
    value: Annotated[str, Meta(max_length=65_536)]


class HeaderOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A header that leaves."""

    name: Word
    value: Text


class MaskOut(Veiled, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What leaves, once all that must be kept of it is durable. `path` and `query` are encoded; `subject` is the order's token."""

    ref: Ref
    policy: Hash
    path: Annotated[str, Meta(min_length=1, max_length=65_536, pattern=r"^/")]
    query: Annotated[str, Meta(max_length=65_536)]
    headers: list[HeaderOut]
    body: bytes
    subject: Told
    once: list[OnceOut]


class UnmaskIn(Veiled, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to a message that left. `order` is the client's id of the order that the message named, empty where it named none."""

    ref: Ref
    kind: Word
    network: Word
    policy: Hash
    operation: Word
    status: Annotated[int, Meta(ge=100, le=599)]
    order: OrderId = ""
    subject: Told = ""
    once: list[OnceOut] = []
    tell_personal: bool = False
    body: bytes = b""


class UnmaskOut(Veiled, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer for the client, once what it told of people is durable."""

    ref: Ref
    policy: Hash
    status: int
    body: bytes


class EraseIn(Veiled, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Forget an order of software that speaks to a network itself."""

    ref: Ref
    order: Annotated[str, Meta(min_length=1, max_length=200)]


class EraseOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether it was known; either way no file keeps a trace of whose it was."""

    ref: Ref
    erased: bool
