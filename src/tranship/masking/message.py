"""A message of somebody else's on its way to a network: what its policy lets out, in the form that it lets it out, or nothing at all.

`mask` is a function of message, policy and the tokens that were given: the same message within an order comes out as the same bytes,
whatever the order of its keys. It knows no clock and no wire. There is no way around it: what it refuses raises, and what raises has
made nothing that could be sent. A dry run is the same call with `tokens_memory.MemoryTokens`.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote, urlencode

import msgspec

from tranship.masking.outward import GONE, Plan, State
from tranship.masking.policy.errors import MaskingError
from tranship.masking.policy.model import Operation, Policy
from tranship.masking.reading import parsed
from tranship.masking.tokens import Tokens

BODY_BYTES_MOST = 1 << 20
ORDER_MOST = 200
_PLANS_MOST = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder(order="sorted").encode
_plans: dict[tuple[str, str], Plan] = {}


class Message(NamedTuple):
    """A message as its client made it. Path parameters and query are decoded; header names are in lower case."""

    body: bytes = b""
    path: Mapping[str, str] = {}
    query: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Message({len(self.body)} bytes)"


class Masked(NamedTuple):
    """What leaves. `path` and `query` are encoded; `subject` is the token of the order, "" where none is meant.

    `fields` are (leaf, action, token) for the audit, each once and without values; a token stands where one was given.
    """

    body: bytes
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    subject: str
    fields: tuple[tuple[str, str, str], ...]
    policy: str

    def __repr__(self) -> str:
        return f"Masked({self.subject or 'no order'}, {len(self.body)} bytes)"


def mask(
    message: Message | bytes, operation: str | Operation, policy: Policy, tokens: Tokens, *, now_day: int
) -> Masked:
    """The message as the network may see it. `now_day`: the day of handing over, in days since 1970-01-01.

    Headers that the policy does not name are left out; any other leaf without a rule refuses the message.

    Raises:
        MaskingError: names the leaf that may not leave, and never its value. Nothing was made.
        InputError: the policy has no such operation.
    """
    made = policy.operation(operation) if isinstance(operation, str) else operation
    given = Message(message) if isinstance(message, bytes) else message
    plan = _plan(policy, made)
    state = State(tokens, _midnight(now_day))
    query = dict(_pairs(plan, given.query)) if given.query else {}
    body = _parsed(plan, given.body)
    _scope(plan, body, given.path, query, state)
    path = _path(plan, given.path, state)
    asked = urlencode(list(_named(plan, query, state)), quote_via=quote) if query else ""
    headers = _headers(plan, given.headers, state)
    sent = b""
    if body is not None and plan.body is not None:
        sent = _written(plan, plan.body(body, state))
    return Masked(
        sent,
        path,
        asked,
        headers,
        state.scope if made.order else "",
        tuple(state.fields),
        policy.hash,
    )


@lru_cache(maxsize=8)
def _midnight(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT00:00:00Z")


def _plan(policy: Policy, operation: Operation) -> Plan:
    key = (policy.hash, operation.name)
    found = _plans.get(key)
    if found is None:
        if len(_plans) >= _PLANS_MOST:
            _plans.clear()
        found = _plans[key] = Plan(policy, operation)
    return found


def _refuse(plan: Plan, leaf: str, why: str) -> NoReturn:
    raise MaskingError(plan.kind, plan.operation.name, leaf, why)


def _parsed(plan: Plan, body: bytes) -> Any:
    if not body:
        return None
    if plan.body is None:
        _refuse(plan, "the body", "is there, and this operation has none")
    if len(body) > BODY_BYTES_MOST:
        _refuse(plan, "the body", f"is larger than {BODY_BYTES_MOST} bytes")
    try:
        return parsed(body)
    except (ValueError, RecursionError):
        pass
    _refuse(plan, "the body", "is not JSON in UTF-8 with unique keys, so nobody can say what is in it")


def _written(plan: Plan, out: Any) -> bytes:
    try:
        return _encode({} if out is GONE else out)
    except UnicodeEncodeError:
        pass  # raised below: this error carries the text
    _refuse(plan, "the body", "is not text in UTF-8")


def _scope(plan: Plan, body: Any, path: Mapping[str, str], query: Mapping[str, str], state: State) -> None:
    """Which order the tokens belong to: its own token."""
    if not plan.order_keys:
        if plan.operation.scope == "once":
            state.scope = f"once {secrets.token_hex(12)}"
        return
    if plan.order_place == "body" and not isinstance(body, dict):
        _refuse(plan, "the body", "is not an object")
    value: Any = {"body": body, "path": path, "query": query}[plan.order_place]
    for key in plan.order_keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or not 0 < len(value) <= ORDER_MOST or not _encodes(value):
        _refuse(plan, plan.operation.order, f"does not name the order (1 to {ORDER_MOST} characters)")
    if plan.operation.rules[plan.order_place][".".join(plan.order_keys)].action == "token":
        state.scope = state.tokens.token("order", "", value)
    else:
        state.scope = value  # the network's own number
    state.order = value


def _encodes(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)


def _path(plan: Plan, given: Mapping[str, str], state: State) -> str:
    path = plan.operation.path
    if given.keys() != plan.path.keys():
        _refuse(plan, "path", "has not the parameters of this operation")
    for name, step in plan.path.items():
        value = step(given[name], state)
        if value is GONE or value in {"", ".", ".."}:
            _refuse(plan, f"path {name}", "is empty")
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path


def _pairs(plan: Plan, query: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    pairs = list(query.items() if isinstance(query, Mapping) else query)
    if len({name for name, _ in pairs}) != len(pairs):
        _refuse(plan, "query", "has a name twice")
    return pairs


def _named(plan: Plan, query: Mapping[str, str], state: State) -> Iterable[tuple[str, str]]:
    for name in sorted(query):
        step = plan.query.get(name) or plan.query.get(f"{name}[]")
        if step is None:
            _refuse(plan, "query", "has a name that the network's model does not have")
        value = step(query[name], state)
        if value is not GONE:
            yield name, str(value)


def _headers(plan: Plan, given: Mapping[str, str], state: State) -> tuple[tuple[str, str], ...]:
    """The headers that the policy names; all others stay here."""
    found = []
    for name, step in plan.header.items():
        value = step(given.get(name), state)
        if value is not GONE:
            found.append((name, str(value)))
    return tuple(found)
