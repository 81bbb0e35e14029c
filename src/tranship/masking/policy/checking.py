"""What a connector sends is checked against the same policy: every leaf of a body has a rule and holds what may come out of it.

A leaf is named by its path: `destination.deliveryAddress.name`; an element of a list is `[]`: `lineItems[].lineItemId`. Connectors make
their bodies from a `MaskedOrder`, so here a token leaf holds an id of the engine's own making or a token, and a name leaf a verified
name or an alias. Leaves that are dropped or refused have no shape: nothing may stand there.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from tranship.masking.policy import grammar
from tranship.masking.policy.errors import MaskingError
from tranship.masking.policy.loading import load, packaged_kinds
from tranship.masking.policy.model import Fit, Policy
from tranship.masking.policy.rules import Rule
from tranship.masking.policy.types import TYPES, Type

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
REMOTE_ID = re.compile(r"[A-Z0-9-]{1,40}")
"""Our id of a dispatch: what every network takes (Amazon reads `+` as a space and refuses spaces)."""
COMMENT = "Thank you for your order."
"""The one sentence that Amazon's older version makes everybody send; its policy holds it as a constant."""
OUR_LINE = re.compile(r"[A-Za-z0-9-]{1,40}")
_TOKEN_TEXT = re.compile(r"[A-Z0-9-]{1,40}")
_ADDRESS_KINDS = frozenset({"line", "city", "region", "name", "postal"})


class Shape(NamedTuple):
    """What may come out of a leaf's rule. `source`: remote_id, line_id, sku, address, constant, or the type's name."""

    source: str
    test: Callable[[object], str]

    def objection(self, value: object) -> str:
        """What is wrong with a value, without telling it; empty where nothing is."""
        if isinstance(value, dict | list) or value is None:
            return "is neither text nor a number"
        return self.test(value)


def _matching(pattern: re.Pattern[str], source: str) -> Shape:
    def test(value: object) -> str:
        return "" if isinstance(value, str) and pattern.fullmatch(value) else f"is not what a {source} looks like"

    return Shape(source, test)


OUR_ID = _matching(REMOTE_ID, "remote_id")
LINE_ID = _matching(OUR_LINE, "line_id")
_TOKEN = _matching(_TOKEN_TEXT, "token")
_RELAYED = _matching(re.compile(r"T[A-Z][A-Z0-9]{13}@[a-z0-9.-]{4,100}|\+[0-9 ]{7,20}"), "relay")
_DAY = _matching(re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.]{8,15}(Z|[+-]\d\d:\d\d))?"), "day")
_OPAQUE = _matching(re.compile(r"[ -~]{1,2000}"), "word of the network's own")


def _ordinal(value: object) -> str:
    # A connector numbers lines in its own way; all that may stand there is a number.
    number = (
        int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 17 else value
    )
    return "" if type(number) is int and 0 < number < 1 << 53 else "is not what a line_id looks like"


def _constant(wanted: object) -> Shape:
    def test(value: object) -> str:
        return "" if type(value) is type(wanted) and value == wanted else f"is not {wanted}"

    return Shape("constant", test)


def _typed(kind: Type) -> Shape:
    source = "address" if kind.name in _ADDRESS_KINDS else kind.name
    return Shape(source, kind.objection)


def _name(value: object) -> str:
    return grammar.name_objection(value) if isinstance(value, str) else "is not text"


def shape_of(rule: Rule) -> Shape | None:
    """What may come out of a rule; None where nothing may."""
    if rule.action == "pass":
        return _typed(rule.type or TYPES["bool"])
    if rule.action == "token":
        special = {"order": OUR_ID, "line": LINE_ID, "name": Shape("address", _name), "sku": _typed(TYPES["sku"])}
        return special.get(rule.kind, _TOKEN)
    if rule.action == "constant":
        return _constant(rule.value) if rule.value != "Recipient" else Shape("address", _name)
    fixed = {"ordinal": Shape("line_id", _ordinal), "generalize": _DAY, "relay": _RELAYED, "reveal": _OPAQUE}
    return fixed.get(rule.action)


Allowed = Mapping[str, Shape]
"""Leaf path -> what may stand there."""


def kinds() -> tuple[str, ...]:
    """The kinds of interfaces that have a policy."""
    return packaged_kinds()


def fit_of(kind: str) -> Fit:
    """The lengths of a kind; cautious ones where it has no policy of its own."""
    return load(kind).fit if kind in packaged_kinds() else Fit()


@cache
def allowed_for(kind: str, op: str) -> Allowed:
    """What the bodies of one of our operations may hold; an operation without a body may send no leaf at all."""
    return _allowed(load(kind), op) if kind in packaged_kinds() else {}


def _allowed(policy: Policy, op: str) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    made = policy.ops.get(op) or (((op, ()),) if op in policy.operations else ())
    for operation, only in made:
        for leaf, rule in policy.operations[operation].rules.get("body", {}).items():
            shape = shape_of(rule)
            if shape is not None and (not only or leaf in only):
                found[leaf] = _constant("Ship") if only == ("fulfillmentAction",) else shape
    return found


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object, where no key is there twice. Raises ValueError: a reader may take either, so neither is safe."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def walk(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """The leaves of a parsed body with their values. Something empty is a leaf of its own, so that nothing hides behind its name."""
    if isinstance(value, dict) and value:
        head = f"{path}." if path else ""
        for key, part in value.items():
            at = head + _named(key)
            if isinstance(part, dict | list) and part:
                yield from walk(part, at)
            else:
                yield at, part
    elif isinstance(value, list) and value:
        at = f"{path}[]"
        for part in value:
            if isinstance(part, dict | list) and part:
                yield from walk(part, at)
            else:
                yield at, part
    else:
        yield path, value


def _named(key: str) -> str:
    """A key as a path has it: a dot in it must not look like two names."""
    return key if (key.isalnum() and key.isascii()) or _PLAIN.fullmatch(key) else json.dumps(key)


def _parsed(body: bytes) -> object:
    return json.loads(body.decode("utf-8"), object_pairs_hook=unique)


def _parsed_or_none(body: bytes) -> object:
    """None where it cannot be read for sure. The parser's error holds the whole body, so it ends here."""
    try:
        return _parsed(body)
    except (ValueError, RecursionError):
        return None


def leaves(body: bytes) -> set[str]:
    """The leaf paths of a JSON body; none where it is empty.

    >>> sorted(leaves(b'{"id": 1, "to": {"name": "x"}, "lines": [{"sku": "a"}, {"qty": 2}]}'))
    ['id', 'lines[].qty', 'lines[].sku', 'to.name']
    """
    return {path for path, _ in walk(_parsed(body))} if body else set()


def check(kind: str, op: str, body: bytes, policy: Policy | None = None) -> bytes:
    """The same bytes, where every leaf of them is on the list of `op` and holds what its rule lets out. Empty bodies pass.

    Raises:
        MaskingError: names the first leaf that must not leave; nothing of its value.
    """
    if not body:
        return body
    parsed = _parsed_or_none(body)
    if parsed is None:
        raise MaskingError(kind, op, "the body", "is not JSON with unique keys, so nobody can say what is in it")
    shapes = allowed_for(kind, op) if policy is None else _allowed(policy, op)
    for path, value in walk(parsed):
        shape = shapes.get(path)
        if shape is None:
            if path == "" and value == {}:
                continue  # an empty object holds nothing
            raise MaskingError(kind, op, path or "the body", "is not on the list of what may leave")
        objection = shape.objection(value)
        if objection:
            raise MaskingError(kind, op, path, objection)
    return body
