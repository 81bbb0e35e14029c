"""What a network answers, back in the client's words: our tokens become what they stand for, personal data that comes in becomes a token.

A token is taken back where its kind belongs, and for the order that the message is about. Whatever else claims to be one (unknown, of
another kind, of another order, damaged, expired) quarantines the message: nothing of it is passed on. In lists of orders each element
is judged for itself, because an account may be shared with other software. Leaves without a rule, and values that are not of their
type, are left out and told by name in `dropped`: a vendor may add a leaf on any day, and nothing leaves by leaving it out.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

import msgspec

from tranship.masking.outward import GONE
from tranship.masking.policy.errors import QuarantineError
from tranship.masking.policy.model import Operation, Policy
from tranship.masking.policy.rules import Rule
from tranship.masking.policy.types import TYPES
from tranship.masking.reading import parsed
from tranship.masking.tokens import Tokens, kind_of

ANSWER_BYTES_MOST = 16 << 20
FREE = frozenset({"order", "sku", "shipment", "text"})
"""Kinds of tokens that belong to no single order."""
_PLANS_MOST = 500
_TOKEN_LEAST = 13
"""Characters of the shortest token, the alias of a name."""
Link = Callable[[str], str]
"""What to say instead of an address elsewhere; "" where it is not to be fetched."""
_encode = msgspec.json.Encoder().encode
_plans: dict[tuple[str, str], "_Plan"] = {}


class Quarantined(NamedTuple):
    """An element of a list that was taken out: at which leaf, which kind of token was wanted there, and why."""

    leaf: str
    token_kind: str
    why: str


class Unmasked(NamedTuple):
    """What the client gets. `dropped`: leaves that were left out; `fields`: (leaf, action, token) for the audit."""

    body: bytes
    subject: str
    fields: tuple[tuple[str, str, str], ...]
    dropped: tuple[str, ...]
    quarantined: tuple[Quarantined, ...]
    policy: str

    def __repr__(self) -> str:
        return f"Unmasked({self.subject or 'no order'}, {len(self.body)} bytes)"


class _State:
    __slots__ = ("dropped", "fields", "link", "quarantined", "scope", "tokens")

    def __init__(self, tokens: Tokens, scope: str, link: Link | None) -> None:
        self.tokens, self.scope, self.link = tokens, scope, link
        self.fields: dict[tuple[str, str, str], None] = {}
        self.dropped: dict[str, None] = {}
        self.quarantined: list[Quarantined] = []


Step = Callable[[Any, _State], Any]


def unmask(
    body: bytes, operation: str | Operation, policy: Policy, tokens: Tokens, *, status: int = 200, subject: str = "",
    link: Link | None = None,
) -> Unmasked:  # fmt: skip
    """An answer's or notification's body for the client. `subject`: the token of the order that was asked for, where one was.

    `link`: who fetches what an address elsewhere leads to; without it such an address is left out.

    An answer that is no success is read by the policy's rules for errors: codes pass, sentences do not, because networks repeat
    in them what was sent. One that is not JSON becomes empty.

    Raises:
        QuarantineError: names the leaf and the kind of token; nothing is passed on. Also for a success that cannot be read.
        InputError: the policy has no such operation.
    """
    made = policy.operation(operation) if isinstance(operation, str) else operation
    plan = _plan(policy, made)
    state = _State(tokens, subject, link)
    good = 200 <= status < 300
    step = plan.answer if good else plan.error
    told = _parsed(plan, body, good=good)
    if told is None:
        dropped = ("the body",) if body.strip() else ()
        return Unmasked(b"", state.scope, (), dropped, (), policy.hash)
    if good and made.answer_order:
        _subject(plan, made.answer_order, told, state)
    out = step(told, state)
    sent = _encode({} if out is GONE else out)
    return Unmasked(sent, state.scope, tuple(state.fields), tuple(state.dropped), tuple(state.quarantined), policy.hash)


def _plan(policy: Policy, operation: Operation) -> "_Plan":
    key = (policy.hash, operation.name)
    found = _plans.get(key)
    if found is None:
        if len(_plans) >= _PLANS_MOST:
            _plans.clear()
        found = _plans[key] = _Plan(policy, operation)
    return found


def _parsed(plan: "_Plan", body: bytes, *, good: bool) -> Any:
    if not body.strip():
        return None
    why = "is larger than an answer may be"
    if len(body) <= ANSWER_BYTES_MOST:
        try:
            found = parsed(body)
        except (ValueError, RecursionError):
            why = "is not JSON in UTF-8 with unique keys"
        else:
            if isinstance(found, dict | list):
                return found
            why = "is neither an object nor a list"
    if good:
        raise QuarantineError(plan.kind, plan.operation.name, "the body", "", why)
    return None


def _subject(plan: "_Plan", leaf: str, answer: Any, state: _State) -> None:
    """Which order the answer is about: the one that was asked for, where one was."""
    value = answer
    for key in leaf.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return
    told = plan.order_of(leaf, value, state)
    if state.scope and told != state.scope:
        raise QuarantineError(
            plan.kind, plan.operation.name, f"answer {leaf}", "order", "is another order than was asked for"
        )
    state.scope = told


def _left_out(value: Any, state: _State) -> Any:  # noqa: ARG001 - as all steps
    return GONE


class _Plan:
    """The functions of one operation's answers."""

    def __init__(self, policy: Policy, operation: Operation) -> None:
        self.kind, self.operation = policy.kind, operation
        self._clear = {kind: TYPES[kind].objection for kind in ("name", "sku") if policy.passes(kind)}
        self._place = "answer"
        error = operation.rules.get("error", {})
        listed = {
            leaf: rule for leaf, rule in error.items() if leaf.startswith("errors[].")
        }  # a success may have such a list too
        self.answer = self._tree({**listed, **operation.rules.get("answer", {})})
        self._place = "error"
        self.error = self._tree(error)

    def order_of(self, leaf: str, value: Any, state: _State) -> str:
        """The order's token at a leaf, where it is one of ours."""
        found = state.tokens.found(value) if isinstance(value, str) and kind_of(value) == "order" else None
        if found is None or found.kind != "order" or found.scope:
            self._quarantine(f"answer {leaf}", "order", "is no order of ours")
        return str(value)

    def _quarantine(self, leaf: str, token_kind: str, why: str) -> NoReturn:
        raise QuarantineError(self.kind, self.operation.name, leaf, token_kind, why)

    def _tree(self, rules: Mapping[str, Rule]) -> Step:
        root: dict[str, Any] = {}
        for leaf, rule in rules.items():
            node = root
            *parents, last = leaf.replace("[]", ".[]").lstrip(".").split(".")
            for parent in parents:
                inner = node.setdefault(parent, {})
                if isinstance(inner, tuple):
                    inner = node[parent] = {"": inner}  # a leaf that the vendor also has as an object
                node = inner
            if isinstance(node.get(last), dict):
                node[last][""] = (leaf, rule)
            else:
                node[last] = (leaf, rule)
        return self._node(root, "")

    def _node(self, node: Any, path: str) -> Step:
        if isinstance(node, tuple):
            return self._leaf(*node)
        node.pop("", None)
        many = self._list(self._node(node.pop("[]"), f"{path}[]"), path) if "[]" in node else None
        if many is not None and not node:
            return many
        children = {key: self._node(child, f"{path}.{key}" if path else key) for key, child in node.items()}
        rest = _left_out if children.pop("{}", None) else None  # names that the sender makes up are content too
        one = self._object(children, rest, path)
        if many is None:
            return one
        # An object in the schema that comes as a list (or the other way round): either is read.
        return lambda value, state: (many if value.__class__ is list else one)(value, state)

    def _object(self, children: dict[str, Step], rest: Step | None, path: str) -> Step:
        get = children.get
        unknown = f"{path}.(unknown)" if path else "(unknown)"
        name = path or "the body"

        def step(value: Any, state: _State) -> Any:
            if value.__class__ is not dict:
                if value is None:
                    return None
                state.dropped[name] = None
                return GONE
            out = {}
            for key, part in value.items():
                child = get(key, rest)
                if child is None:
                    state.dropped[unknown] = None
                    continue
                made = child(part, state)
                if made is not GONE:
                    out[key] = made
            return GONE if value and not out else out

        return step

    def _list(self, item: Step, path: str) -> Step:
        unit = self._place == "answer" and f"{path}[]" == self.operation.unit
        order = self.operation.unit_order
        name = f"{self.operation.unit}.{order}" if order else ""

        def step(value: Any, state: _State) -> Any:
            if value.__class__ is not list:
                if value is None:
                    return None
                state.dropped[path] = None
                return GONE
            out = [made for part in value if (made := item(part, state)) is not GONE]
            return GONE if value and not out else out

        def units(value: Any, state: _State) -> Any:
            if value.__class__ is not list:
                return step(value, state)
            outer, out = state.scope, []
            for part in value:
                try:
                    if order and isinstance(part, dict):
                        state.scope = self.order_of(name, part.get(order), state)
                    made = item(part, state)
                except QuarantineError as error:
                    state.quarantined.append(Quarantined(error.leaf, error.token_kind, error.why))
                    continue
                if made is not GONE:
                    out.append(made)
            state.scope = outer
            return out

        return units if unit else step

    # -- leaves --------------------------------------------------------------------------------------------------------

    def _leaf(self, leaf: str, rule: Rule) -> Step:
        name = f"{self._place} {leaf}"
        if rule.action == "pass":
            return self._passing(name, rule)
        if rule.action == "unmask":
            return self._unmasking(name, rule.kind)
        if rule.action == "token_in":
            return self._taking_in(name, rule.kind)
        return self._linking(name) if rule.action == "link" else _left_out

    def _linking(self, name: str) -> Step:
        def step(value: Any, state: _State) -> Any:
            said = state.link(value) if state.link is not None and value.__class__ is str else ""
            if not said:
                state.dropped[name] = None
                return GONE
            state.fields[name, "link", ""] = None
            return said

        return step

    def _passing(self, name: str, rule: Rule) -> Step:
        objection = (rule.type or TYPES["bool"]).objection

        def step(value: Any, state: _State) -> Any:
            if value is None or value == "":
                return value
            if objection(value):
                state.dropped[name] = None
                return GONE
            if value.__class__ is str and len(value) >= _TOKEN_LEAST and value[0] in "TR" and kind_of(value):
                self._quarantine(name, "", "holds a token of ours where none belongs")
            return value

        return step

    def _unmasking(self, name: str, kind: str) -> Step:
        clear, bound = self._clear.get(kind), kind not in FREE

        def step(value: Any, state: _State) -> Any:
            if value is None or value == "":
                return value
            if value.__class__ is not str:
                self._quarantine(name, kind, "is not text")
            shown = kind_of(value)
            if not shown and clear is not None and not clear(value):
                return value  # the policy lets these leave as they are, so they come back as they are
            if shown != kind:
                self._quarantine(name, kind, "is a token of another kind" if shown else "is no token of ours")
            found = state.tokens.found(value)
            if found is None or found.kind != kind:
                self._quarantine(name, kind, "is unknown, or another network's")
            if found.expired:
                self._quarantine(name, kind, "is over")
            if (bound and found.scope != state.scope) or (kind == "order" and found.scope not in {"", state.scope}):
                self._quarantine(name, kind, "belongs to another order")
            state.fields[name, "unmask", value] = None
            return found.value

        return step

    def _taking_in(self, name: str, kind: str) -> Step:
        def step(value: Any, state: _State) -> Any:
            if value is None or value == "":
                return value
            if value.__class__ is not str or len(value) > 4_000:
                state.dropped[name] = None
                return GONE
            token = state.tokens.token(kind, "" if kind in FREE else state.scope, value)
            state.fields[name, "token_in", token] = None
            return token

        return step
