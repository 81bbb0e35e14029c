"""The allow-list: which leaves a body to a network may have, and what each may hold. What is not listed is refused, never passed.

A leaf is named by its path: `destination.deliveryAddress.name`; an element of a list is `[]`: `lineItems[].lineItemId`. Each leaf of
an operation's body has exactly one rule. There are no rules for phone, e-mail, comments, prices, declared values, the channel's name
or gift messages: such a leaf cannot leave, whoever asks.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import msgspec

from tranship.core.errors import InputError

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
REMOTE_ID = re.compile(r"[A-Z0-9-]{1,40}")
"""Our id of a dispatch: what every network takes (Amazon reads `+` as a space and refuses spaces)."""


class MaskingError(InputError):
    """A body holds what is not on the list of its operation. Names the leaf, never its value."""

    def __init__(self, kind: str, op: str, leaf: str, why: str) -> None:
        self.kind, self.op, self.leaf, self.why = kind, op, leaf, why
        super().__init__(why, where=f"{kind} {op}: {leaf}")


class Rule(msgspec.Struct, frozen=True):
    """What one leaf may hold. `source` says where it comes from; `only` are the values allowed, empty for any that fits."""

    source: str  # remote_id | line_id | sku | quantity | address | service | day | place | constant
    only: tuple[object, ...] = ()
    pattern: str = ""
    max_length: int = 0

    def objection(self, value: object) -> str:
        """What is wrong with a value, without telling it; empty where nothing is."""
        if isinstance(value, dict | list) or (type(value) not in {str, int} and not self.only):
            return "is neither text nor a whole number"
        if self.only and not any(type(value) is type(allowed) and value == allowed for allowed in self.only):
            return f"is none of {', '.join(map(str, self.only))}"
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            return f"is not what a {self.source} looks like"
        if self.max_length and len(str(value)) > self.max_length:
            return f"is longer than {self.max_length} characters"
        return ""


def constant(*values: object) -> Rule:
    """A leaf that holds one of these values, whatever the order is."""
    return Rule("constant", only=values)


def address(max_length: int = 0) -> Rule:
    """A leaf with a part of the address that the parcel needs."""
    return Rule("address", max_length=max_length)


OUR_ID = Rule("remote_id", pattern=REMOTE_ID.pattern)
LINE_ID = Rule("line_id", pattern=r"[A-Za-z0-9-]{1,40}")
SKU = Rule("sku", max_length=50)
QUANTITY = Rule("quantity", pattern=r"[1-9][0-9]{0,5}(\.0)?")
COUNTRY = Rule("address", pattern="[A-Z]{2}")
DAY = Rule("day", pattern=r"\d{4}-\d\d-\d\d(T[0-9:.]{8,15}(Z|[+-]\d\d:\d\d))?")
PLACE = Rule("place", pattern="[A-Za-z0-9_.-]{1,64}")

Allowed = dict[str, Rule]
"""Leaf path -> its one rule."""


class Fit(msgspec.Struct, frozen=True):
    """How long the parts of an address may be in one kind of interface; `state`: it must be given."""

    name: int = 50
    line1: int = 60
    line2: int = 60
    city: int = 50
    state: bool = False


@cache
def _kinds() -> dict[str, tuple[dict[str, Allowed], Fit]]:
    from tranship.masking import allowed  # its modules use the rules of this one

    found: dict[str, tuple[dict[str, Allowed], Fit]] = {}
    for info in iter_modules(allowed.__path__):
        module = import_module(f"{allowed.__name__}.{info.name}")
        for kind, lists in module.ALLOWED.items():
            found[kind] = (lists, module.FITS.get(kind, Fit()))
    return found


def kinds() -> tuple[str, ...]:
    """The kinds of interfaces that have a list."""
    return tuple(sorted(_kinds()))


def allowed_for(kind: str, op: str) -> Allowed:
    """The list of one operation; an operation without a list may send no leaf at all."""
    return _kinds().get(kind, ({}, Fit()))[0].get(op, {})


def fit_of(kind: str) -> Fit:
    """The lengths of a kind; cautious ones where it has none of its own."""
    return _kinds().get(kind, ({}, Fit()))[1]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key occurs twice")  # a reader may take either, so neither is safe
    return dict(pairs)


def walk(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """The leaves of a parsed body with their values. Something empty is a leaf of its own, so that nothing hides behind its name."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            name = key if _PLAIN.fullmatch(key) else json.dumps(key)  # a dot in a name must not look like two names
            yield from walk(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for part in value:
            yield from walk(part, f"{path}[]")
    else:
        yield path, value


def _parsed(body: bytes) -> object:
    return json.loads(body.decode("utf-8"), object_pairs_hook=_unique)


def leaves(body: bytes) -> set[str]:
    """The leaf paths of a JSON body; none where it is empty.

    >>> sorted(leaves(b'{"id": 1, "to": {"name": "x"}, "lines": [{"sku": "a"}, {"qty": 2}]}'))
    ['id', 'lines[].qty', 'lines[].sku', 'to.name']
    """
    return {path for path, _ in walk(_parsed(body))} if body else set()


def check(kind: str, op: str, body: bytes) -> bytes:
    """The same bytes, where every leaf of them is on the list of `op` and holds what its rule allows. Empty bodies pass.

    Raises:
        MaskingError: names the first leaf that must not leave; nothing of its value.
    """
    if not body:
        return body
    try:
        parsed = _parsed(body)
    except (ValueError, RecursionError):
        raise MaskingError(
            kind, op, "the body", "is not JSON with unique keys, so nobody can say what is in it"
        ) from None
    rules = allowed_for(kind, op)
    for path, value in walk(parsed):
        rule = rules.get(path)
        if rule is None:
            if path == "" and value == {}:
                continue  # an empty object holds nothing
            raise MaskingError(kind, op, path or "the body", "is not on the list of what may leave")
        objection = rule.objection(value)
        if objection:
            raise MaskingError(kind, op, path, objection)
    return body
