"""Reports in a policy: flat files that a network writes, one rule for each column, checked on load as every other rule is.

Columns have the rules of what comes in. Vendors describe these files in prose, so there is no model to pin them to: each report names where
its columns were read. A user's file may say what another column is; a column that no file names refuses the report.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tranship.core.errors import InputError
from tranship.masking.policy.rules import Rule, RuleError, parse

REPORT_TYPES = "report_type"
"""The list of words that holds the types of reports that a policy can read: no other one may be asked for."""
_ACTIONS = frozenset({"pass", "unmask", "token_in", "drop"})
_KEYS = {"key", "columns", "sources"}
_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,59}")
_COLUMN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_NOT_TEXT = frozenset({"bool", "false", "number"})
Table = dict[str, Any]
Enums = dict[str, tuple[str, ...]]


class Report(msgspec.Struct, frozen=True):
    """One type of report. `key`: the column that names the order; `columns`: name in small letters -> its one rule."""

    name: str
    key: str
    columns: Mapping[str, Rule]
    sources: tuple[str, ...] = ()


def canonical(reports: Mapping[str, Report]) -> dict[str, object]:
    """What a policy's hash covers of its reports."""
    return {
        name: {"key": one.key, "columns": {column: rule.text for column, rule in one.columns.items()}}
        for name, one in reports.items()
    }


def read_reports(told: Any, enums: Enums, sets: Mapping[str, Table], changes: Any, name: str) -> dict[str, Report]:
    """The reports of a policy file. `changes`: columns that a user's file says something else of, or that it adds.

    Raises:
        InputError: names file, report and column: an unknown key, no column for the order, a rule that no column may have.
    """
    if not isinstance(told, dict) or not isinstance(changes, dict):
        raise InputError("is no table of reports", where=f"{name}: reports")
    unknown = set(changes) - set(told)
    if unknown:
        raise InputError("is no report of this policy", where=f"{name}: reports: {min(unknown)}")
    return {one: _report(one, table, enums, sets, changes.get(one, {}), name) for one, table in told.items()}


def _report(
    one: str, table: Any, enums: Enums, sets: Mapping[str, Table], changes: Any, name: str
) -> Report:  # fmt: skip
    where = f"{name}: reports: {one}"
    if not _NAME.fullmatch(one) or not isinstance(table, dict) or set(table) - _KEYS:
        raise InputError("is not written as a report is: key, columns, sources", where=where)
    given = table.get("columns", {})
    if isinstance(given, str):
        given = sets.get(given.removeprefix("@"), {})
    if not isinstance(given, dict) or not given or not isinstance(changes, dict):
        raise InputError("has no columns", where=where)
    columns = {column: _rule(column, text, enums, where) for column, text in {**given, **changes}.items()}
    key = table.get("key", "")
    found = columns.get(key)
    if found is None or (found.action, found.kind) != ("unmask", "order"):
        raise InputError(
            "names no column that holds the order: its rule has to be unmask(order)", where=f"{where}: key"
        )
    return Report(one, key, columns, tuple(table.get("sources", ())))


def _rule(column: str, text: object, enums: Enums, where: str) -> Rule:
    where = f"{where}: {column[:60]}"
    if not _COLUMN.fullmatch(column):
        raise InputError("is no name of a column: small letters, digits and -", where=where)
    if not isinstance(text, str):
        raise InputError("has a rule that is not text", where=where)
    try:
        rule = parse(text, enums, inward=True)
    except RuleError as error:
        raise InputError(str(error), where=where) from None
    if rule.action not in _ACTIONS:
        raise InputError(f"has a rule that no column may have: one of {', '.join(sorted(_ACTIONS))}", where=where)
    if rule.type is not None and (rule.type.name in _NOT_TEXT or rule.type.name.startswith("int:")):
        raise InputError(
            "passes as a type of JSON; in a file all is text: write pass(count) or pass(decimal)", where=where
        )
    return rule
