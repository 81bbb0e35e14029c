"""A policy: what may leave for one kind of network, and what may come in, leaf by leaf. Immutable once loaded."""

import hashlib
from collections.abc import Mapping
from functools import cache, cached_property

import msgspec

from tranship.core.errors import InputError
from tranship.masking.policy.reports import Report
from tranship.masking.policy.reports import canonical as canonical_reports
from tranship.masking.policy.rules import Rule

OUT_PLACES = ("path", "query", "header", "body")
IN_PLACES = ("answer", "error")
Rules = Mapping[str, Rule]
"""Leaf path -> its one rule."""


class Fit(msgspec.Struct, frozen=True):
    """How long the parts of an address may be in one kind of interface; `state`: it must be given."""

    name: int = 50
    line1: int = 60
    line2: int = 60
    city: int = 50
    state: bool = False


class AddressNames(msgspec.Struct, frozen=True):
    """What a vendor calls the parts of an address that the combination rule looks at."""

    line: str = "addressLine1"
    city: str = "city"
    postal: str = "postalCode"
    country: str = "countryCode"


class Operation(msgspec.Struct, frozen=True):
    """One operation of a vendor's model, or one notification (`method` "").

    `order`: the leaf of the request that names the order (`body.orderId`, `path.orderId`); "" where none does, and then
    `scope` says how long a token lives: `order`, or `once` (a new one every time).
    `addresses`: objects of the body that are addresses; `whole` ones must be deliverable, others need country and postal code.
    `answer_order`: the leaf of the answer that names the order. `unit`: the list in the answer whose elements are orders of
    their own; what is not ours is taken out of it, the rest is passed on.
    """

    name: str
    model: str
    method: str
    path: str
    rules: Mapping[str, Rules]
    order: str = ""
    scope: str = "order"
    whole: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    answer_order: str = ""
    unit: str = ""
    unit_order: str = ""
    pin: str = ""
    extra: tuple[str, ...] = ()

    def leaves(self) -> list[str]:
        """The vendor's leaves as the pin covers them: `place leaf`, sorted; without those that the vendor's model lacks."""
        return sorted(
            f"{place} {leaf}"
            for place, rules in self.rules.items()
            if place != "error"
            for leaf in rules
            if f"{place} {leaf}" not in self.extra
        )

    def match(self, method: str, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The path's parameters where this is the operation that is meant; None where it is not. Segments are decoded."""
        mine = _pieces(self.path)
        if method != self.method or len(mine) != len(segments):
            return None
        found: dict[str, str] = {}
        for (head, name, tail), given in zip(mine, segments, strict=True):
            if not name:
                if head != given:
                    return None
                continue
            inner = given[len(head) : len(given) - len(tail)]
            if not given.startswith(head) or not given.endswith(tail) or not inner:
                return None
            if ":" in inner and ":" in self.path:
                return None  # `12:cancel` is another operation's
            found[name] = inner
        return found


class Policy(msgspec.Struct, frozen=True, dict=True):
    """The rules of one kind of network. `hash` names it in every audit row."""

    kind: str
    operations: Mapping[str, Operation]
    ops: Mapping[
        str, tuple[tuple[str, tuple[str, ...]], ...]
    ]  # our operation -> (the vendor's, only these body leaves)
    enums: Mapping[str, tuple[str, ...]]
    fit: Fit
    names: AddressNames
    settings: Mapping[str, bool | str]
    models: Mapping[str, Mapping[str, str]]
    reports: Mapping[str, Report] = {}
    hash: str = ""

    def operation(self, name: str) -> Operation:
        """An operation by the vendor's name or by ours (`create`: the first of those that it is made of).

        Raises:
            InputError: there is none; nothing may be sent there.
        """
        found = self.operations.get(name)
        if found is None and name in self.ops:
            found = self.operations[self.ops[name][0][0]]
        if found is None:
            raise InputError(
                "is no operation of this policy",
                where=f"{self.kind} {name[:60] if name.isidentifier() else ''}".strip(),
            )
        return found

    def match(self, method: str, segments: tuple[str, ...]) -> tuple[Operation, dict[str, str]] | None:
        """The operation that a request means, with its path's parameters; None where no operation is meant. Fixed paths go first."""
        best: tuple[Operation, dict[str, str]] | None = None
        for one in self._by_shape.get((method, len(segments)), ()):
            found = one.match(method, segments)
            if found is not None and (best is None or len(found) < len(best[1])):
                best = (one, found)
        return best

    @cached_property
    def _by_shape(self) -> dict[tuple[str, int], list[Operation]]:
        """Operations by method and number of pieces of their path: each request asks."""
        found: dict[tuple[str, int], list[Operation]] = {}
        for one in self.operations.values():
            if one.method:
                found.setdefault((one.method, len(_pieces(one.path))), []).append(one)
        return found

    def report(self, name: str) -> Report:
        """A type of report. InputError where this policy cannot read it."""
        found = self.reports.get(name)
        if found is None:
            raise InputError(
                "cannot read this type of report", where=self.kind, hint=f"One of {', '.join(self.reports) or 'none'}."
            )
        return found

    def passes(self, kind: str) -> bool:
        """Whether a kind of value leaves as it is somewhere, so that it may come back as it is: `name` or `sku`."""
        return any(
            rule.action == "pass" and rule.type is not None and rule.type.name == kind
            for one in self.operations.values()
            for place in OUT_PLACES
            for rule in one.rules.get(place, {}).values()
        )


@cache  # as many as the policies have paths
def _pieces(path: str) -> tuple[tuple[str, str, str], ...]:
    """A path's template, piece by piece: what stands before a parameter, its name, what stands behind; no name, no parameter."""
    made = (piece.partition("{") for piece in path.strip("/").split("/"))
    return tuple((head, *rest.partition("}")[::2]) for head, _, rest in made)


def canonical(policy: Policy) -> bytes:
    """What the hash covers: every rule, list of words, pin and setting; not the order or spacing of a file."""
    told: dict[str, object] = {
        "kind": policy.kind,
        "settings": dict(policy.settings),
        "ops": {name: [[one, list(only)] for one, only in made] for name, made in policy.ops.items()},
        "fit": msgspec.to_builtins(policy.fit),
        "models": {name: dict(model) for name, model in policy.models.items()},
        "operations": {
            name: {
                "order": [
                    one.order,
                    one.scope,
                    one.answer_order,
                    one.unit,
                    one.unit_order,
                    list(one.whole),
                    list(one.partial),
                ],
                "request": f"{one.method} {one.path}",
                "rules": {
                    place: {leaf: rule.type.name if rule.type else rule.text for leaf, rule in rules.items()}
                    for place, rules in one.rules.items()
                },
                "actions": {
                    place: {leaf: rule.action for leaf, rule in rules.items()} for place, rules in one.rules.items()
                },
            }
            for name, one in policy.operations.items()
        },
    }
    if policy.reports:
        told["reports"] = canonical_reports(policy.reports)
    return msgspec.json.encode(told, order="sorted")


def hashed(policy: Policy) -> Policy:
    """The policy under its hash."""
    return msgspec.structs.replace(policy, hash=hashlib.sha256(canonical(policy)).hexdigest())


def pin_of(leaves: list[str]) -> str:
    """The pin of an operation's leaves (`place leaf`): SHA-256 over the sorted list, one a line.

    >>> pin_of(["body b", "body a"]) == pin_of(["body a", "body b"])
    True
    """
    return hashlib.sha256("\n".join(sorted(leaves)).encode()).hexdigest()
