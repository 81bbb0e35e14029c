"""From TOML tables to the model's values, table by table. Collects every finding; makes up nothing but the documented defaults."""

from collections.abc import Sequence

from tranship.connectors.netfile.finding import Findings, Places, allowed, shown
from tranship.connectors.netfile.keys import TABLES
from tranship.connectors.netfile.schema import REQUIRED, Key, Table
from tranship.connectors.netfile.values import CODE, CODE_WORDS, RefusedError, value_of

Values = dict[str, object]
"""Values of one table by the model's field names; a field whose value was refused is absent."""
MOST_TABLES = 10_000
"""Tables of one kind in a file."""


class Reader:
    """Reads one parsed TOML document. Paths in findings are as people write them: `node[2].zone`, `card.own.type`."""

    def __init__(
        self, document: dict[str, object], places: Places, findings: Findings, tables: Sequence[Table] = TABLES
    ) -> None:
        self.document, self.places, self.findings = document, places, findings
        names = [table.name for table in tables]
        for name in document:
            if name not in names:
                self._error("unknown_table", name, f"no table is called {shown(name)}", allowed(name, names))

    def _error(self, rule: str, path: str, what: str, hint: str = "") -> None:
        self.findings.error(rule, self.places.where(path), what, hint)

    def one(self, table: Table, *, required: bool = False) -> Values:
        """The values of `[name]`; the defaults where the table is not there and need not be."""
        raw = self.document.get(table.name)
        if raw is None and required:
            self._error(
                "missing_table", table.name, f"no {table.header} table", table.meaning[:1].lower() + table.meaning[1:-1]
            )
            return {}
        if not isinstance(raw, dict | None):
            self._error(
                "wrong_table", table.name, f"{shown_kind(raw)} where one table belongs", f"write {table.header}"
            )
            return {}
        return self._values(table, raw or {}, table.name)

    def many(self, table: Table, *, required: bool = False) -> list[tuple[str, Values]]:
        """Path and values of each `[[name]]`, in the file's order."""
        raw = self.document.get(table.name)
        if not raw and required:
            self._error(
                "missing_table", table.name, f"no {table.header} table", table.meaning[:1].lower() + table.meaning[1:-1]
            )
        if raw is None:
            return []
        if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
            self._error("wrong_table", table.name, f"{shown_kind(raw)} where tables belong", f"write {table.header}")
            return []
        if len(raw) > MOST_TABLES:
            self._error("too_many", table.name, f"{len(raw):,} tables", f"at most {MOST_TABLES:,}")
            return []
        return [
            (path, self._values(table, item, path))
            for path, item in ((f"{table.name}[{i}]", item) for i, item in enumerate(raw, 1))
        ]

    def named(self, table: Table) -> dict[str, Values]:
        """Values of each `[name.NAME]` by NAME."""
        raw = self.document.get(table.name, {})
        if not isinstance(raw, dict):
            self._error(
                "wrong_table", table.name, f"{shown_kind(raw)} where named tables belong", f"write {table.header}"
            )
            return {}
        found: dict[str, Values] = {}
        for name, item in raw.items():
            path = f"{table.name}.{name}"
            if not isinstance(item, dict):
                self._error("wrong_table", path, f"{shown_kind(item)} where a table belongs", f"write {table.header}")
            elif not CODE.match(name):
                self._error("bad_value", path, f"{shown(name)} is not a name", CODE_WORDS)
            else:
                found[name] = self._values(table, item, path)
        return found

    def _values(self, table: Table, raw: dict[str, object], path: str) -> Values:
        keys = table.by_name()
        values: Values = {}
        for name, value in raw.items():
            if name in keys:
                self._take(table, keys[name], value, path, values)
            else:
                what = f"{table.header} has no key {shown(name)}"
                self._error("unknown_key", f"{path}.{name}", what, allowed(name, keys))
        for key in () if table.as_written else table.keys:
            if key.name not in raw:
                self._default(table, key, raw, path, values)
            elif key.instead and key.instead in raw and key.name < key.instead:
                both = f"{key.name} and {key.instead} say the same thing"
                self._error("bad_value", f"{path}.{key.instead}", both, "write one of them")
        return values

    def _default(self, table: Table, key: Key, raw: dict[str, object], path: str, values: Values) -> None:
        default = table.default(key)
        if default is not REQUIRED:
            values.setdefault(key.target, default)
        elif not key.instead:
            self._error(
                "missing_key", f"{path}.{key.name}", f"{table.header} lacks {key.name}", key.meaning.rstrip(".")
            )
        elif key.instead not in raw and key.name < key.instead:
            either = f"{table.header} lacks {key.name} or {key.instead}"
            self._error("missing_key", f"{path}.{key.name}", either, key.meaning.rstrip("."))

    def _take(self, table: Table, key: Key, raw: object, path: str, values: Values) -> None:
        if raw == "" and table.default(key) == "":
            values[key.target] = ""
            return
        try:
            values[key.target] = value_of(key, raw)
        except RefusedError as refused:
            self._error("bad_value", f"{path}.{key.name}", refused.what, refused.hint)


def shown_kind(raw: object) -> str:
    """What a TOML value is, in words."""
    if isinstance(raw, dict):
        return "a single table"
    if isinstance(raw, list):
        return "a list"
    return shown(raw)


def duplicates(
    items: Sequence[tuple[str, object]], of: str, places: Places, findings: Findings, key: str = "code"
) -> None:
    """An error for each item whose value an earlier one has; values compare without case, as people read them."""
    first: dict[object, str] = {}
    for path, value in items:
        folded = value.casefold() if isinstance(value, str) else value
        if value and folded in first:
            findings.error(
                "duplicate",
                places.where(f"{path}.{key}"),
                f"{of} {shown(value)} is there twice",
                f"first at {first[folded]}",
            )
        first.setdefault(folded, path)
