"""Before a port is listened on: canaries in every leaf of every operation, through the same functions as real messages, into memory.

Each leaf gets a canary once, beside values that its neighbors take. What comes out must not hold it: either the message is refused, or
the leaf's rule took it away. The few leaves that are text of the parcel's address or a SKU code take whatever looks like one: theirs is a
canary that does not. A policy that lets one out is not used.
"""

import json
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from tranship.core.errors import InputError
from tranship.masking.message import Masked, Message, mask
from tranship.masking.policy import MaskingError, Operation, Policy, Rule
from tranship.masking.policy.model import OUT_PLACES
from tranship.masking.tokens_memory import MemoryTokens

DAY = 20_000
_SAMPLES: dict[str, object] = {
    "bool": True, "false": False, "units": "1", "decimal": "1.0", "country": "US", "currency": "USD", "marketplace": "ATVPDKIKX0DER",
    "date": "2026-11-22", "datetime": "2026-11-22T10:00:00Z", "minute": "2026-11-22T10:00:00Z", "id": "7", "language": "en_US",
    "place": "A1", "method": "Ground", "postal": "98101", "line": "12 Oak St", "city": "Seattle", "region": "WA",
    "name": "Ada Byron", "sku": "S1", "number": 1,
}  # fmt: skip
"""A value that each type of the policy takes."""
_LOOSE = {"line", "city", "region", "name", "sku", "place", "method", "postal"}
"""Types that take some texts: their canary is a note, which no address and no code is."""


def check_policy(policy: Policy) -> int:
    """Send canaries through every operation; how many there were.

    Raises:
        InputError: one came out, and at which leaf; or an operation takes not even what it should.
    """
    count = 0
    for operation in policy.operations.values():
        if not operation.method:
            continue
        leaves = [(place, leaf, rule) for place in OUT_PLACES for leaf, rule in operation.rules.get(place, {}).items()]
        _check_plain(policy, operation, leaves)
        for place, leaf, rule in leaves:
            for canary in _canaries(rule):
                count += 1
                out = _masked(policy, operation, _message(operation, leaves, (place, leaf), canary))
                if out is not None and _holds(out, canary):
                    raise InputError(
                        "lets a canary out: this policy is not used",
                        where=f"{policy.kind} {operation.name}: {place} {leaf}",
                    )
        for canary in _canaries(None):
            count += 1
            out = _masked(
                policy,
                operation,
                _message(operation, leaves, ("body" if "body" in operation.rules else "query", "unheardOf"), canary),
            )
            if out is not None:
                raise InputError("takes a leaf that nobody knows", where=f"{policy.kind} {operation.name}")
    return count


def _check_plain(policy: Policy, operation: Operation, leaves: list[tuple[str, str, Rule]]) -> None:
    """An operation that refuses a plain message would pass every other check, and be of no use."""
    try:
        _run(policy, operation, _message(operation, leaves, ("", ""), ""))
    except MaskingError as error:
        where = f"{policy.kind} {operation.name}: {error.leaf}"
        raise InputError(f"refuses a plain message: {error.why}", where=where) from None


def _canaries(rule: Rule | None) -> Iterator[str]:
    """Texts that occur nowhere else: a word, and one that looks like a note to a courier."""
    mark = secrets.token_hex(8)
    if rule is None or rule.type is None or rule.type.name not in _LOOSE:
        yield f"canary{mark}"
    yield f"call canary@{mark}.example\n+1 415 555 0142"


def _masked(policy: Policy, operation: Operation, message: Message) -> Masked | None:
    """What would leave; None where nothing would."""
    try:
        return _run(policy, operation, message)
    except MaskingError as error:
        if "canary" in str(error):
            raise InputError("tells a canary in its refusal", where=f"{policy.kind} {operation.name}") from None
        return None


def _run(policy: Policy, operation: Operation, message: Message) -> Masked:
    tokens = MemoryTokens()
    message = _told(message, operation, tokens)
    return mask(message, operation, policy, tokens, now_day=DAY)


def _told(message: Message, operation: Operation, tokens: MemoryTokens) -> Message:
    """The message with real tokens where the client gives back what the network told."""
    text = message.body.decode()
    query = dict(message.query)
    path = dict(message.path)
    for place in OUT_PLACES:
        for leaf, rule in operation.rules.get(place, {}).items():
            if rule.action == "reveal":
                token = tokens.token(rule.kind, "", "told by the network")
                if place == "body":
                    text = text.replace(json.dumps(f"reveal {rule.kind}"), json.dumps(token))
                elif place == "query" and query.get(leaf, "").startswith("reveal "):
                    query[leaf] = token
                elif place == "path" and path.get(leaf, "").startswith("reveal "):
                    path[leaf] = token
    return message._replace(body=text.encode(), query=query, path=path)


def _holds(out: Masked, canary: str) -> bool:
    """Whether a piece of it is in what would leave, in any case, reversed or encoded."""
    mark = canary.partition("canary")[2][:16].lstrip("@").lower()
    headers = " ".join(f"{name}: {value}" for name, value in out.headers)
    sent = " ".join((out.body.decode(), unquote(out.path), unquote(out.query), headers)).lower()
    return any(
        piece in sent or piece[::-1] in sent or piece.encode().hex() in sent for piece in (mark[:8], mark[8:]) if piece
    )


def _message(operation: Operation, leaves: list[tuple[str, str, Rule]], at: tuple[str, str], canary: str) -> Message:
    """A message with every leaf that the policy takes, and the canary in one place."""
    body: dict[str, Any] = {}
    others: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for place, leaf, rule in leaves:
        value: object = canary if (place, leaf) == at else _sample(rule)
        if value is None and (place, leaf) != at:
            continue
        if place == "body":
            _put(body, leaf, value)
        else:
            others[place][leaf.removesuffix("[]")] = _as_text(value)
    place, leaf = at
    if leaf == "unheardOf":
        if place == "body":
            body[leaf] = canary
        else:
            others[place][leaf] = canary
    wants_body = "body" in operation.rules
    return Message(json.dumps(body).encode() if wants_body else b"", others["path"], others["query"], others["header"])


def _sample(rule: Rule) -> object:
    """What the leaf takes; None where it takes nothing."""
    if rule.action == "refuse":
        return None
    if rule.action == "reveal":
        return f"reveal {rule.kind}"
    if rule.action == "generalize":
        return "2026-11-22T10:00:00Z"
    if rule.action != "pass" or rule.type is None:
        return "plain"
    name = rule.type.name
    if name.startswith("enum:"):
        return name[5:].split("|")[0]
    if name.startswith("int:"):
        return int(name[4:].split("..", maxsplit=1)[0])
    return _SAMPLES.get(name, "plain")


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _put(body: dict[str, Any], leaf: str, value: object) -> None:
    """Put a value at a leaf: `items[].price.value`, `emails[]`, `attributes.{}`."""
    node: Any = body
    *parents, last = leaf.split(".")
    for part in parents:
        name, brackets, _ = part.partition("[]")
        if brackets:
            node = node.setdefault(name, [{}])[0]
        else:
            node = node.setdefault(name, {})
    if last == "{}":
        node["anything"] = value
    elif last.endswith("[]"):
        node[last[:-2]] = [value]
    else:
        node[last] = value
