"""From a file to a policy, or to an error that names file, operation and leaf. Nothing is sent under what does not load."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from tranship.core.errors import InputError
from tranship.masking.policy import classes
from tranship.masking.policy.model import (
    IN_PLACES,
    OUT_PLACES,
    AddressNames,
    Fit,
    Operation,
    Policy,
    Rules,
    hashed,
    pin_of,
)
from tranship.masking.policy.reports import REPORT_TYPES, read_reports
from tranship.masking.policy.rules import Rule, RuleError, parse

SETTINGS: Mapping[str, bool | str] = {"cod": False, "declared_value": False, "relay_domain": "", "relay_phone": ""}
"""`cod`: cash on delivery may leave where a rule lets it; `declared_value`: so may customs values; `relay_*`: where relays lead."""
PERSONAL = frozenset({"name", "phone", "email", "line", "payment", "address", "text"})
"""Kinds of tokens that must not be the same for two orders."""
FILE_BYTES_MOST = 1_000_000
_TOP = {
    "kind",
    "include",
    "settings",
    "fit",
    "names",
    "enums",
    "models",
    "ops",
    "error",
    "set",
    "operations",
    "reports",
}
_OPERATION = {
    "model",
    "request",
    "order",
    "scope",
    "whole",
    "partial",
    "answer_order",
    "unit",
    "unit_order",
    "pin",
    "extra",
}
_DELIVERS = re.compile(r"addressLine1|address1|line1|postalCode|zip_code|postal_code|country(?:Code)?")
_DOMAIN = re.compile(r"(?=.{4,100}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_PHONE = re.compile(r"\+[1-9](?: ?\d){6,14}")
Table = dict[str, Any]


@cache
def packaged_kinds() -> tuple[str, ...]:
    """The kinds that have a policy of ours."""
    names = (entry.name for entry in files(__package__).joinpath("data").iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml") and not name.startswith("_")))


def load(kind: str, path: Path | str | None = None) -> Policy:
    """The policy of a kind: ours, or with `path` a file of the user's.

    A user's file is whole (it has `[operations]`, with every leaf) or says what it changes in ours: `[settings]`, and
    `[change.OPERATION.PLACE]` with leaf = rule, `[reports.TYPE]` with column = rule. Either has to pass the same checks.

    Raises:
        InputError: names file, operation and leaf: a leaf without a rule or a rule without a leaf, an unknown action, `pass`
            without a type, a rule that its leaf may not have, leaves that are not those of the pinned model.
    """
    if kind not in packaged_kinds():
        raise InputError("has no policy, so nothing may be sent there", where=f"kind {kind}")
    ours = _packaged(kind)
    if path is None:
        return ours
    name = Path(path).name
    table = _read(Path(path).read_bytes() if Path(path).is_file() else None, name)
    if table.get("kind") != kind:
        raise InputError(f'does not say kind = "{kind}"', where=name)
    if "operations" in table:
        policy = _policy(table, name)
        _same_leaves(policy, ours, name)
        return policy
    return _changed(table, kind, name)


@cache
def _packaged(kind: str) -> Policy:
    return _policy(_raw(kind), f"{kind}.toml")


def _raw(name: str) -> Table:
    return _read(files(__package__).joinpath("data", f"{name}.toml").read_bytes(), f"{name}.toml")


def _read(content: bytes | None, name: str) -> Table:
    if content is None:
        raise InputError("is not there", where=name)
    if len(content) > FILE_BYTES_MOST:
        raise InputError(f"is larger than {FILE_BYTES_MOST} bytes", where=name)
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"is not TOML: {error}", where=name) from None
    except RecursionError:
        raise InputError("is nested too deeply", where=name) from None


def _changed(table: Table, kind: str, name: str) -> Policy:
    """Our file with the user's changes put over it, checked as a whole."""
    unknown = set(table) - {"kind", "settings", "change", "reports"}
    if unknown:
        raise InputError(
            f"has unknown keys: {', '.join(sorted(unknown))}", where=name, hint="kind, settings, change and reports"
        )
    base = _raw(kind)
    base["settings"] = {**base.get("settings", {}), **table.get("settings", {})}
    changes: dict[tuple[str, str, str], str] = {}
    for operation, places in table.get("change", {}).items():
        for place, leaves in places.items():
            for leaf, rule in leaves.items():
                changes[operation, place, leaf] = rule
    policy = _policy(base, name, changes, table.get("reports", {}))
    if changes:
        (operation, place, leaf), _ = changes.popitem()
        raise InputError("is no leaf of the network's model", where=f"{name}: {operation}: {place} {leaf}")
    return policy


def _policy(
    table: Table, name: str, changes: dict[tuple[str, str, str], str] | None = None, columns: Table | None = None
) -> Policy:
    table = _included(table, name)
    unknown = set(table) - _TOP
    if unknown:
        raise InputError(f"has unknown keys: {', '.join(sorted(unknown))}", where=name)
    settings = _settings(table.get("settings", {}), name)
    enums = {key: tuple(words) for key, words in table.get("enums", {}).items()}
    models, told = table.get("models", {}), table.get("reports", {})
    if told:
        enums[REPORT_TYPES] = tuple(sorted(told))  # what can be read is what may be asked for
    reports = read_reports(told, enums, table.get("set", {}), columns or {}, name)
    reader = _Reader(table["kind"], name, enums, settings, table.get("set", {}), changes if changes is not None else {})
    operations = {
        one: reader.operation(one, told, table.get("error", {})) for one, told in table.get("operations", {}).items()
    }
    for one in operations.values():
        if one.model not in models:
            raise InputError("names no model of this file", where=f"{name}: {one.name}")
    return hashed(
        Policy(
            table["kind"], operations, _ops(table.get("ops", {}), operations, name), enums,
            msgspec.convert(table.get("fit", {}), Fit), msgspec.convert(table.get("names", {}), AddressNames), settings, models, reports,
        )
    )  # fmt: skip


def _included(table: Table, name: str) -> Table:
    if "kind" not in table:
        raise InputError("does not say which kind it is of", where=name)
    for other in table.get("include", []):
        more = _raw(other)
        for key in ("enums", "models", "set", "operations", "error", "reports"):
            table[key] = {**more.get(key, {}), **table.get(key, {})}
    return table


def _settings(told: Table, name: str) -> dict[str, bool | str]:
    for key, value in told.items():
        if key not in SETTINGS or type(value) is not type(SETTINGS[key]):
            raise InputError("is no setting, or not of its type", where=f"{name}: settings: {key}")
    settings = {**SETTINGS, **told}
    for key, pattern in (("relay_domain", _DOMAIN), ("relay_phone", _PHONE)):
        if settings[key] and not pattern.fullmatch(str(settings[key])):
            raise InputError("does not look like one", where=f"{name}: settings: {key}")
    return settings


def _ops(
    told: Table, operations: Mapping[str, Operation], name: str
) -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    found = {}
    for op, entries in told.items():
        made = []
        for entry in [entries] if isinstance(entries, str) else entries:
            operation, _, only = entry.partition(":")
            if operation not in operations:
                raise InputError(f"names {operation}, which is no operation of this file", where=f"{name}: ops: {op}")
            leaves = tuple(only.split()) if only else ()
            lost = set(leaves) - set(operations[operation].rules.get("body", {}))
            if lost:
                raise InputError(f"names {min(lost)}, which is no leaf", where=f"{name}: ops: {op}")
            made.append((operation, leaves))
        found[op] = tuple(made)
    return found


class _Reader:
    """Operations of one file, with everything that a rule needs to be understood."""

    def __init__(
        self, kind: str, name: str, enums: dict[str, tuple[str, ...]], settings: Mapping[str, bool | str],
        sets: Mapping[str, Table], changes: dict[tuple[str, str, str], str],
    ) -> None:  # fmt: skip
        self.kind, self.name, self.enums, self.sets, self.changes, self.settings = (
            kind,
            name,
            enums,
            sets,
            changes,
            settings,
        )
        self.on = frozenset(key for key, value in settings.items() if value is True)

    def operation(self, name: str, told: Table, error: Table) -> Operation:
        """One operation, checked."""
        unknown = set(told) - _OPERATION - {*OUT_PLACES, *IN_PLACES}
        if unknown:
            raise InputError(f"has unknown keys: {', '.join(sorted(unknown))}", where=f"{self.name}: {name}")
        told = {"error": error, **told}
        rules = {place: self._rules(name, place, told[place]) for place in (*OUT_PLACES, *IN_PLACES) if told.get(place)}
        method, _, path = str(told.get("request", "")).partition(" ")
        plain: Table = {key: told[key] for key in _OPERATION - {"request"} if key in told}
        plain |= {key: tuple(value) for key, value in plain.items() if isinstance(value, list)}
        made = Operation(**plain, name=name, method=method, path=path, rules=rules)
        self._check(made)
        return made

    def _rules(self, operation: str, place: str, told: Table) -> Rules:
        found: dict[str, Rule] = {}
        for leaf, text in self._flat(operation, place, told, ""):
            where = f"{self.name}: {operation}: {place} {leaf}"
            if leaf in found:
                raise InputError("has two rules", where=where)
            text = self.changes.pop((operation, place, leaf), text)
            if not isinstance(text, str):
                raise InputError("has a rule that is not text", where=where)
            try:
                rule = parse(text, self.enums, inward=place in IN_PLACES)
            except RuleError as error:
                raise InputError(str(error), where=where) from None
            if "{}" in leaf and rule.action not in classes.NEVER:
                raise InputError(
                    "is a name that the sender makes up, so it may only be dropped or refused", where=where
                )
            if place in OUT_PLACES:
                self._allowed(where, leaf, text, rule)
            found[leaf] = rule
        return found

    def _flat(self, operation: str, place: str, told: Table, prefix: str) -> Iterator[tuple[str, Any]]:
        for leaf, text in told.items():
            full = (
                prefix
                if leaf == "."
                else leaf
                if not prefix
                else f"{prefix}{leaf}"
                if leaf.startswith("[")
                else f"{prefix}.{leaf}"
            )
            if isinstance(text, str) and text.startswith("@"):
                if text[1:] not in self.sets:
                    raise InputError(
                        f"names {text}, which is no set of this file", where=f"{self.name}: {operation}: {place} {full}"
                    )
                yield from self._flat(operation, place, self.sets[text[1:]], full)
            else:
                yield full, text

    def _allowed(self, where: str, leaf: str, text: str, rule: Rule) -> None:
        objection = classes.objection(leaf, text, self.kind, self.on)
        if objection:
            raise InputError(objection, where=where)
        if rule.action == "relay" and not self.settings["relay_domain" if rule.kind == "email" else "relay_phone"]:
            raise InputError(f"needs the setting relay_{'domain' if rule.kind == 'email' else 'phone'}", where=where)

    def _check(self, made: Operation) -> None:
        where = f"{self.name}: {made.name}"
        if made.order:
            place, _, leaf = made.order.partition(".")
            rule = made.rules.get(place, {}).get(leaf)
            if rule is None or rule.action not in {"token", "pass"}:
                raise InputError("is named as the order's id and is not a token", where=f"{where}: {made.order}")
        elif made.scope != "once":
            for place in OUT_PLACES:
                for leaf, rule in made.rules.get(place, {}).items():
                    if rule.action in {"token", "relay"} and rule.kind in PERSONAL:
                        raise InputError(
                            "is a token, and nothing names the order that it belongs to",
                            where=f"{where}: {place} {leaf}",
                        )
        if made.pin != pin_of(made.leaves()):
            raise InputError(
                "has not the leaves of the network's model that it is pinned to",
                where=where,
                hint=pin_of(made.leaves()),
            )
        if made.whole and any(rule.action != "drop" for rule in made.rules["body"].values()):
            self._whole(made, where)

    def _whole(self, made: Operation, where: str) -> None:
        """An address that must be deliverable keeps what makes it so."""
        rules = made.rules["body"]
        for prefix in made.whole:
            for leaf, rule in rules.items():
                tail = leaf.removeprefix(prefix + ".")
                if tail != leaf and _DELIVERS.fullmatch(tail) and rule.action != "pass":
                    raise InputError("is needed to deliver", where=f"{where}: body {leaf}")


def _same_leaves(policy: Policy, ours: Policy, name: str) -> None:
    """A whole file of a user's has the operations and leaves of ours: ours are those of the pinned model."""
    for operation, made in ours.operations.items():
        theirs = policy.operations.get(operation)
        if theirs is None:
            raise InputError("is missing", where=f"{name}: {operation}")
        for place in (*OUT_PLACES, *IN_PLACES):
            rules = made.rules.get(place, {})
            for leaf in sorted(set(rules) ^ set(theirs.rules.get(place, {}))):
                why = "has no rule" if leaf in rules else "is no leaf of the network's model"
                raise InputError(why, where=f"{name}: {operation}: {place} {leaf}")
        if (theirs.pin, theirs.order, theirs.whole, theirs.unit, theirs.path) != (
            made.pin,
            made.order,
            made.whole,
            made.unit,
            made.path,
        ):
            raise InputError("differs in more than its rules", where=f"{name}: {operation}")
    for operation in sorted(set(policy.operations) - set(ours.operations)):
        raise InputError("is no operation of the network's model", where=f"{name}: {operation}")
