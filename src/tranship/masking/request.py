"""A connector's whole request held against its policy, right before it leaves: path, query and headers as well as the body.

Connectors make their requests themselves, out of a `MaskedOrder`, ids of ours and what the network told. Their bodies are checked where
they are made (`policy.check`); here is the one place that all of it passes, whatever made it.
"""

from collections.abc import Iterable
from functools import cache
from typing import NoReturn
from urllib.parse import unquote

from tranship.masking.outward import as_text
from tranship.masking.policy import MaskingError, Operation, Policy, check, load
from tranship.masking.policy.checking import Shape, shape_of
from tranship.masking.policy.model import Rules
from tranship.masking.policy.rules import Rule

_ALWAYS = {"content-type": "application/json", "accept": "application/json"}
"""Headers that say nothing."""
Pairs = Iterable[tuple[str, str]]


def check_request(
    kind: str, op: str, method: str, path: str, query: Pairs = (), headers: Pairs = (), body: bytes = b""
) -> None:
    """Whether all of a request is on its policy's list. `op` is ours; path encoded, query and headers not.

    Raises:
        MaskingError: names the place, and nothing of what stands there. Nothing may be sent.
        InputError: the kind has no policy.
    """
    policy = load(kind)
    operation, parameters = _operation(policy, op, method, path)
    _each(policy, op, "path", parameters.items(), operation.rules.get("path", {}))
    _each(policy, op, "query", query, operation.rules.get("query", {}))
    told = [(name.lower(), value) for name, value in headers]
    _each(policy, op, "header", [pair for pair in told if _ALWAYS.get(pair[0]) != pair[1]], _headers(kind))
    if body and "body" not in operation.rules:
        raise MaskingError(kind, op, "the body", "is there, and this operation has none")
    check(kind, op, body)


def _operation(policy: Policy, op: str, method: str, path: str) -> tuple[Operation, dict[str, str]]:
    try:
        segments = tuple(unquote(segment, errors="strict") for segment in path[1:].split("/"))
    except UnicodeDecodeError:
        segments = ()  # no operation has such a path
    found = policy.match(method, segments) if path.startswith("/") else None
    wanted = {name for name, _ in policy.ops.get(op, ())}
    if found is None or found[0].name not in wanted:
        raise MaskingError(policy.kind, op, "path", "is of no operation that this may be")
    return found


def _each(policy: Policy, op: str, place: str, pairs: Pairs, rules: Rules) -> None:
    """Every value has a rule and looks like what comes out of it; a name stands there once."""

    def refuse(leaf: str, why: str) -> NoReturn:
        raise MaskingError(policy.kind, op, f"{place} {leaf}".strip(), why)

    seen = set[str]()
    for name, value in pairs:
        several = f"{name}[]" in rules
        rule = rules.get(f"{name}[]") if several else rules.get(name)
        if rule is None:
            refuse("", "has a name that is not on the list of what may leave")
        shape = _shape(rule)
        if shape is None:
            refuse(name, "may not leave for this network")
        if name in seen:
            refuse(name, "is there twice")
        seen.add(name)
        for part in value.split(",") if several else (value,):
            objection = shape.objection(part)
            if objection:
                refuse(name, objection)


def _shape(rule: Rule) -> Shape | None:
    """What may come out of a rule where everything is text."""
    if rule.action == "pass" and rule.type is not None:
        return Shape(rule.type.name, as_text(rule.type).objection)
    return shape_of(rule)


@cache
def _headers(kind: str) -> Rules:
    """Headers that any operation of a policy names: ShipBob's own file leaves its channel out where its servers take it."""
    policy = load(kind)
    return {name: rule for one in policy.operations.values() for name, rule in one.rules.get("header", {}).items()}
