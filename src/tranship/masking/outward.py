"""Rules made into functions, for what leaves: one small closure per leaf, composed along the message's shape.

A closure takes a value and the state of the message and gives what leaves in its place, `GONE` where nothing does, or raises. It knows
its leaf from the start, so that an error never has to look at a value to say where it was.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from tranship.masking.own_name import HELD, HeldError, Parts, address_without_name
from tranship.masking.policy import grammar
from tranship.masking.policy.errors import MaskingError
from tranship.masking.policy.model import AddressNames, Operation, Policy
from tranship.masking.policy.rules import Rule
from tranship.masking.policy.types import TYPES, Type
from tranship.masking.tokens import Tokens, kind_of


class _Gone:
    """The type of GONE."""

    def __repr__(self) -> str:
        return "GONE"


GONE = _Gone()
"""Nothing leaves in the place of the value."""
LIST_MOST = 1_000
"""Elements of a list in a message; the networks take 100 lines."""
NAME = "name"
"""What every vendor calls the recipient's name, in the address or beside it."""
TEXT_MOST = {"order": 200, "line": 200, "name": 200, "sku": 100, "email": 320, "phone": 50}
"""Characters of a value that a token may stand for; 1,000 for other kinds."""


class State:
    """One message on its way out. `fields` collects (leaf, action, token), each once."""

    __slots__ = ("day", "fields", "order", "place", "scope", "tokens")

    def __init__(self, tokens: Tokens, day: str) -> None:
        self.tokens, self.day = tokens, day
        self.scope = self.order = ""
        self.place = 0
        self.fields: dict[tuple[str, str, str], None] = {}


Step = Callable[[Any, State], Any]


class Plan:
    """The functions of one operation: the body's, and those of path, query and header by name."""

    def __init__(self, policy: Policy, operation: Operation) -> None:
        self.operation = operation
        maker = _Maker(policy, operation)
        rules = operation.rules
        self.body: Step | None = maker.tree(rules["body"]) if "body" in rules else None
        self.path = {leaf: maker.leaf("path", leaf, rule) for leaf, rule in rules.get("path", {}).items()}
        self.query = {leaf: maker.leaf("query", leaf, rule) for leaf, rule in rules.get("query", {}).items()}
        self.header = {leaf: maker.leaf("header", leaf, rule) for leaf, rule in rules.get("header", {}).items()}
        self.order_place, _, leaf = operation.order.partition(".")
        self.order_keys = tuple(leaf.split(".")) if leaf else ()
        self.kind = policy.kind


class _Maker:
    """Makes the functions of an operation under a policy."""

    def __init__(self, policy: Policy, operation: Operation) -> None:
        self.policy, self.operation = policy, operation
        self.vocabulary = frozenset(
            word.removesuffix("[]")
            for other in policy.operations.values()
            for rules in other.rules.values()
            for leaf in rules
            for word in leaf.split(".")
        )

    def _raiser(self, leaf: str) -> Callable[[str], NoReturn]:
        kind, op = self.policy.kind, self.operation.name

        def raise_(why: str) -> NoReturn:
            raise MaskingError(kind, op, leaf, why)

        return raise_

    # -- the message's shape -------------------------------------------------------------------------------------------

    def tree(self, rules: Mapping[str, Rule]) -> Step:
        """The function of a body, from its leaves."""
        root: dict[str, Any] = {}
        for leaf, rule in rules.items():
            node = root
            *parents, last = leaf.replace("[]", ".[]").lstrip(".").split(".")
            for parent in parents:
                node = node.setdefault(parent, {})
            node[last] = (leaf, rule)
        return self._node(root, "")

    def _node(self, node: Any, path: str) -> Step:
        if isinstance(node, tuple):
            return self.leaf("body", *node)
        if set(node) == {"[]"}:
            return self._list(self._node(node["[]"], f"{path}[]"), path)
        children = {key: self._node(child, f"{path}.{key}" if path else key) for key, child in node.items()}
        rest = children.pop("{}", None)  # dropped or refused, as loading sees to
        made = self._object(children, rest, path)
        if path in self.operation.whole or path in self.operation.partial:
            made = self._address(made, path, whole=path in self.operation.whole)
        return self._nameless(made, node, path)

    def _object(self, children: dict[str, Step], rest: Step | None, path: str) -> Step:
        refuse, get = self._raiser(path or "the body"), children.get

        def stranger(key: str) -> NoReturn:
            # A name that no model has is the client's own text, so it is not told either.
            name = key if key in self.vocabulary else "(a name that the network's model does not have)"
            self._raiser(f"{path}.{name}" if path else name)("is no leaf of this operation")

        def step(value: Any, state: State) -> Any:
            if value.__class__ is not dict:
                if value is None:
                    return GONE
                refuse("is not an object")
            out = {}
            for key, part in value.items():
                child = get(key, rest)
                if child is None:
                    stranger(key)
                made = child(part, state)
                if made is not GONE:
                    out[key] = made
            return out or GONE

        return step

    def _list(self, item: Step, path: str) -> Step:
        refuse = self._raiser(path)

        def step(value: Any, state: State) -> Any:
            if value.__class__ is not list:
                if value is None:
                    return GONE
                refuse("is not a list")
            if len(value) > LIST_MOST:
                refuse(f"has more than {LIST_MOST} elements")
            outer = state.place
            out = []
            for state.place, part in enumerate(value, 1):
                made = item(part, state)
                if made is not GONE:
                    out.append(made)
            state.place = outer
            return out or GONE

        return step

    def _address(self, inner: Step, path: str, *, whole: bool) -> Step:
        names, fit = self.policy.names, self.policy.fit
        refuse = self._raiser(path)
        line, city, postal, country = names.line, names.city, names.postal, names.country
        lines = tuple(f"{line[:-1]}{number}" for number in (1, 2, 3))

        def step(value: Any, state: State) -> Any:
            out = inner(value, state)
            if out is GONE:
                return GONE
            land = out.get(country, "")
            missing = _missing(out, names, whole=whole)
            if missing:
                refuse(f"has no {missing}: a parcel cannot be delivered without")
            if out.get(postal):
                objection = grammar.postal_objection(out[postal], land)
                if objection:
                    refuse(f"{postal} {objection}")
            objection = grammar.lockers(out[name] for name in lines if name in out)
            if objection:
                refuse(objection)
            if len(out.get(line, "")) > fit.line1 or len(out.get(city, "")) > fit.city:
                refuse("is longer than the network takes")
            return out

        return step

    def _nameless(self, inner: Step, node: Mapping[str, Any], path: str) -> Step:
        """Where the name of an address does not leave, it does not leave in another part of it: before those are looked at."""
        named = node.get(NAME)
        if not isinstance(named, tuple) or named[1].action not in {"token", "constant", "drop"}:
            return inner
        addresses = {*self.operation.whole, *self.operation.partial}
        if path in addresses:
            return self._apart(inner, node, "", path)
        for key, child in node.items():  # ShipBob has the name beside the address
            if isinstance(child, dict) and (where := f"{path}.{key}" if path else key) in addresses:
                inner = self._apart(inner, child, key, where)
        return inner

    def _apart(self, inner: Step, address: Mapping[str, Any], key: str, path: str) -> Step:
        parts, raiser = _parts(address, self.policy.names), self._raiser

        def step(value: Any, state: State) -> Any:
            if value.__class__ is dict:
                name, to = value.get(NAME), value.get(key) if key else value
                if name.__class__ is str and to.__class__ is dict:
                    try:
                        kept = address_without_name(to, name, parts)
                    except HeldError as error:
                        held = f"{path}.{error.part}"
                    else:
                        if kept is not to:
                            value = {**value, key: kept} if key else kept
                        return inner(value, state)
                    raiser(held)(HELD)
            return inner(value, state)

        return step

    # -- leaves --------------------------------------------------------------------------------------------------------

    def leaf(self, place: str, leaf: str, rule: Rule) -> Step:
        """The function of one leaf."""
        name = leaf if place == "body" else f"{place} {leaf}"
        refuse = self._raiser(name)
        if rule.action == "pass":
            kind = rule.type or TYPES["bool"]
            return _passing(
                kind if place == "body" else as_text(kind),
                refuse,
                (name, "pass", ""),
                several=place != "body" and leaf.endswith("[]"),
            )
        if rule.action == "token":
            return _token(rule.kind, refuse, name)
        if rule.action == "reveal":
            return _reveal(rule.kind, refuse, (name, "reveal", ""))
        if rule.action == "relay":
            return _relay(
                rule.kind,
                str(self.policy.settings["relay_domain" if rule.kind == "email" else "relay_phone"]),
                refuse,
                name,
            )
        return _plain(rule, refuse, name)


def _parts(address: Mapping[str, Any], names: AddressNames) -> Parts:
    """The parts of an address that leave in clear, by what they are."""
    kinds = {
        key: child[1].type.name
        for key, child in address.items()
        if isinstance(child, tuple) and child[1].action == "pass" and child[1].type is not None
    }
    towns = {key for key, kind in kinds.items() if kind in {"region", "postal"} or key == names.city}
    lines = tuple(sorted(key for key, kind in kinds.items() if kind == "line"))
    others = tuple(key for key, kind in kinds.items() if kind in {"city", "name"} and key not in towns)
    return Parts(lines, others, tuple(sorted(towns)))


def _missing(out: Mapping[str, Any], names: AddressNames, *, whole: bool) -> str:
    land = out.get(names.country, "")
    wanted = [(names.country, True), (names.postal, grammar.needs_postal(land) or not whole)]
    if whole:
        wanted += [(names.line, True), (names.city, grammar.needs_city(land))]
    return ", no ".join(name for name, needed in wanted if needed and not out.get(name))


_PARTS = frozenset({"line", "city", "region", "name", "postal"})
"""Types whose spaces are tidied first: people type them."""


def as_text(kind: Type) -> Type:
    """A type of numbers or truth in a path or query, where everything is text."""
    if not kind.name.startswith("int:") and kind.name not in {"bool", "false", "number"}:
        return kind

    def objection(value: object) -> str:
        if value.__class__ is not str:
            return "is not text"
        if kind.name == "bool":
            return "" if value in {"true", "false"} else "is not true or false"
        text = str(value)
        number = (
            int(text)
            if text.isascii() and text.isdecimal() and len(text) <= 16 and (text == "0" or text[0] != "0")
            else None
        )
        return kind.objection(number)

    return kind._replace(objection=objection)


def _passing(kind: Type, refuse: Callable[[str], NoReturn], field: tuple[str, str, str], *, several: bool) -> Step:
    objection, text = kind.objection, kind.name in _PARTS

    def step(value: Any, state: State) -> Any:
        if text and value.__class__ is str:
            value = grammar.tidied(value)
        if value is None or value == "":
            return GONE
        why = objection(value)
        if why:
            refuse(why)
        state.fields[field] = None
        return value

    def each(value: Any, state: State) -> Any:
        for part in value.split(","):
            step(part, state)
        return value

    return each if several else step


def _text(value: Any, most: int, refuse: Callable[[str], NoReturn]) -> bool:
    """Whether there is a text; what is neither text nor nothing is refused."""
    if value is None or value == "":
        return False
    if value.__class__ is not str:
        refuse("is not text")
    if len(value) > most:
        refuse(f"is longer than {most} characters")
    if not value.isascii() and _SURROGATE.search(value):
        refuse("is not text in UTF-8")
    return True


_SURROGATE = re.compile("[\ud800-\udfff]")


def _given(state: State, kind: str, scope: str, value: str) -> str:
    """A token; "" where the vault has none to give. The error that says so may hold the value, so it ends here."""
    try:
        return state.tokens.token(kind, scope, value)
    except LookupError:
        return ""


def _token(kind: str, refuse: Callable[[str], NoReturn], name: str) -> Step:
    most = TEXT_MOST.get(kind, 1_000)
    anywhere = kind == "sku"

    def step(value: Any, state: State) -> Any:
        if not _text(value, most, refuse):
            return GONE
        if kind == "order" and value == state.order:
            token = state.scope
        else:
            token = _given(state, kind, "" if anywhere else state.scope, value)
            if not token:
                refuse("has no alias that is registered there")
        state.fields[name, "token", token] = None
        return token

    return step


def _reveal(kind: str, refuse: Callable[[str], NoReturn], field: tuple[str, str, str]) -> Step:
    def step(value: Any, state: State) -> Any:
        if not _text(value, 100, refuse):
            return GONE
        found = state.tokens.found(value) if kind_of(value) == kind else None
        if found is None or found.kind != kind or found.expired:
            refuse("is not what stands for something that the network told")
        state.fields[field] = None
        return found.value

    return step


def _relay(kind: str, relay: str, refuse: Callable[[str], NoReturn], name: str) -> Step:
    def step(value: Any, state: State) -> Any:
        if not _text(value, TEXT_MOST[kind], refuse):
            return GONE
        if kind == "phone":
            state.fields[name, "relay", ""] = None
            return relay
        token = state.tokens.token(kind, state.scope, value)
        state.fields[name, "relay", token] = None
        return f"{token}@{relay}"

    return step


def _plain(rule: Rule, refuse: Callable[[str], NoReturn], name: str) -> Step:
    """Leaves whose value never counts: constants, days, ordinals, what is dropped and what is refused."""
    field, action, constant = (name, rule.action, ""), rule.action, rule.value
    moment = TYPES["datetime"].objection
    as_text = rule.kind == "text"

    def fixed(value: Any, state: State) -> Any:
        if value is None:
            return GONE
        if value.__class__ in {dict, list}:
            refuse("is neither text nor a number")
        state.fields[field] = None
        return constant

    def day(value: Any, state: State) -> Any:
        if value is None:
            return GONE
        if moment(value):
            refuse("is not a moment")
        state.fields[field] = None
        return state.day

    def ordinal(value: Any, state: State) -> Any:
        if value is None:
            return GONE
        if value.__class__ is not int and value.__class__ is not str:
            refuse("is neither text nor a whole number")
        state.fields[field] = None
        return str(state.place) if as_text else state.place

    def dropped(value: Any, state: State) -> Any:
        if value is not None:
            state.fields[field] = None
        return GONE

    def refused(value: Any, state: State) -> Any:  # noqa: ARG001 - as all steps
        if value is not None and value not in ("", [], {}):
            refuse("may not leave for this network: the order has to go elsewhere")
        return GONE

    return {"constant": fixed, "generalize": day, "ordinal": ordinal, "drop": dropped, "refuse": refused}[action]
