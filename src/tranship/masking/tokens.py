"""Tokens: what stands for a value at a network. Random, with a check digit, and never the same for two orders or two networks.

A token is `T`, a letter for its kind, twelve random signs and a check sign, all in `[A-Z0-9]` without signs that are taken for others:
59 random bits. A recipient's alias is a token that reads like a name on a label: `R. K7Q2-M8XWC`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Protocol

from tranship.masking.chance import random_bytes

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs: no 0, 1, I or O, which people mix up with others."""
KINDS = {
    "order": "O",
    "line": "L",
    "shipment": "H",
    "payment": "P",
    "sku": "S",
    "text": "X",
    "name": "N",
    "phone": "F",
    "email": "E",
    "address": "A",
    "person_in": "G",
}
"""Kind of value -> letter. `person_in`: personal data that a network told us (signed for by ...)."""
LETTERS = {letter: kind for kind, letter in KINDS.items()}
RANDOM_SIGNS = 12
NAME_SIGNS = 8

TOKEN = re.compile(rf"T[{''.join(LETTERS)}][{ALPHABET}]{{{RANDOM_SIGNS + 1}}}")
NAME_ALIAS = re.compile(rf"R\. [{ALPHABET}]{{4}}-[{ALPHABET}]{{{NAME_SIGNS - 3}}}")
ANY = re.compile(rf"(?<![A-Za-z0-9])(?:{TOKEN.pattern}|{NAME_ALIAS.pattern})(?![A-Za-z0-9])")
"""Either, as it may stand in a text."""

_VALUE = {sign: value for value, sign in enumerate(ALPHABET)}
_PLAIN = bytes(_VALUE.get(chr(byte), byte % 32) for byte in range(256))
_DOUBLED = bytes(value * 2 // 32 + value * 2 % 32 for value in _PLAIN)
"""What a sign counts for in the check sign, by its place."""
_SIGN_OF_BYTE = bytes(ord(ALPHABET[byte % 32]) for byte in range(256))


def check_sign(signs: str) -> str:
    """The check sign of a text: catches every wrong sign, and all but one in 500 swaps of neighbors (Luhn's scheme, base 32).

    >>> check_sign("K7Q2M8XW") != check_sign("7KQ2M8XW")
    True
    """
    said = signs.encode("latin-1", "replace")
    total = sum(said[-1::-2].translate(_DOUBLED)) + sum(said[-2::-2].translate(_PLAIN))
    return ALPHABET[-total % 32]


def _random_signs(count: int) -> str:
    """Random signs, five bits of a random byte each: 32 divides 256, so each sign is as likely as any other."""
    return random_bytes(count).translate(_SIGN_OF_BYTE).decode("ascii")


def new_token(kind: str) -> str:
    """A token that was never given before, as far as chance goes."""
    return token_of(kind, _random_signs(NAME_SIGNS if kind == "name" else RANDOM_SIGNS))


def token_of(kind: str, signs: str) -> str:
    """The token of these random signs; for worlds that are played again from their seed."""
    if kind == "name":
        return f"R. {signs[:4]}-{signs[4:]}{check_sign(signs)}"
    head = "T" + KINDS[kind] + signs
    return head + check_sign(head[1:])


def kind_of(token: str) -> str:
    """The kind that a token says it is of; "" where it is none of ours: wrong shape, or wrong check sign."""
    if token[:1] == "T":
        return _checked(token) if TOKEN.fullmatch(token) else ""
    return _checked(token) if NAME_ALIAS.fullmatch(token) else ""


@lru_cache(maxsize=16_384)
def _checked(token: str) -> str:
    """The same for what has the shape of a token, and so is nobody's name or street: one message asks this of a token several times."""
    signs = token[1:] if token[0] == "T" else token[3:].replace("-", "")
    if check_sign(signs[:-1]) != signs[-1]:
        return ""
    return LETTERS[signs[0]] if token[0] == "T" else "name"


def tokens_in(text: str) -> Iterator[str]:
    """Whatever looks like a token in a text, a damaged one too: what is done with it is the reader's decision."""
    return (found.group() for found in ANY.finditer(text))


class Found(NamedTuple):
    """What a token stands for. `scope`: the order it belongs to, or the epoch of an alias."""

    kind: str
    scope: str
    value: str
    expired: bool = False

    def __repr__(self) -> str:
        return f"Found({self.kind}, {self.scope})"


class Tokens(Protocol):
    """The tokens of one network, as masking sees them. Made and found here; kept by the vault."""

    def token(self, kind: str, scope: str, value: str) -> str:
        """The token of a value within a scope: the same one for the same value, a new one in another scope."""

    def found(self, token: str) -> Found | None:
        """What a token of this network stands for; None where it is unknown, another network's, or erased."""
