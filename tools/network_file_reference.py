"""Writes the tables of docs/network-file.md from the code that reads the file. `--check` only says whether they agree."""

from tools.generated_part import DOCS, GeneratedPart, cell
from tranship.connectors.netfile.articles import SKU_COLUMNS, STOCK_COLUMNS
from tranship.connectors.netfile.csvfile import Column
from tranship.connectors.netfile.finding import RULES
from tranship.connectors.netfile.growth import GROWTH_COLUMNS
from tranship.connectors.netfile.keys import TABLES
from tranship.connectors.netfile.schema import REQUIRED, Key, Table
from tranship.connectors.netfile.transit import TRANSIT_COLUMNS
from tranship.connectors.netfile.values import span

_SHAPES = {
    "text": "text",
    "path": "path",
    "bool": "`true`, `false`",
    "words": "list of words",
    "time": '`"0:00"` to `"23:59"`',
    "dates": 'list of dates (`"2026-12-25"`)',
    "spans": 'list of spans (`"2026-11-27T02:00:00Z/2026-11-27T04:00:00Z"`)',
    "zip": 'five digits, as text (`"08817"`)',
    "zone": "IANA time zone",
    "state": "two capital letters",
    "country": "two capital letters",
    "countries": "list of two capital letters",
    "currency": "three capital letters",
    "reference": "`env:NAME`, `file:PATH`",
    "secrets": "table",
    "settings": "table",
}


def generated() -> str:
    """Everything between the marks of the page."""
    parts = [_table(table) for table in TABLES]
    parts.append("## The SKU file\n\n" + _columns(SKU_COLUMNS))
    parts.append("## The stock file\n\n" + _columns(STOCK_COLUMNS))
    parts.append("## The observed transit file\n\n" + _columns(TRANSIT_COLUMNS))
    parts.append("## The growth forecast file\n\n" + _columns(GROWTH_COLUMNS))
    parts.append("## What `tranship check` can say\n\n" + _rules())
    return "\n\n".join(parts)


def _table(table: Table) -> str:
    lines = [f"## `{table.header}`", "", table.meaning, ""]
    if table.as_written:
        lines += ["| key | allowed | meaning |", "|---|---|---|"]
        lines += [f"| `{key.name}` | {cell(_shape(key))} | {cell(key.meaning)} |" for key in table.keys]
    else:
        lines += ["| key | allowed | default | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{key.name}` | {cell(_shape(key))} | {cell(_default(table, key))} | {cell(key.meaning)} |"
            for key in table.keys
        ]
    return "\n".join(lines)


def _shape(key: Key) -> str:
    if key.shape:
        return key.shape
    if key.kind == "choice":
        return ", ".join(f"`{word}`" for word in key.words)
    if key.kind == "choices":
        return "list of " + ", ".join(f"`{word}`" for word in key.words)
    if key.refers:
        return f"list of {key.refers} codes" if key.kind == "words" else f"a {key.refers} code"
    if key.kind == "code":
        return "code"
    if key.kind in {"int", "number", "percent", "money"}:
        return {"int": "", "number": "number, ", "percent": "percent, ", "money": "amount, "}[key.kind] + span(key)
    return _SHAPES[key.kind]


def _default(table: Table, key: Key) -> str:
    value = table.default(key)
    if value is REQUIRED:
        return f"this or `{key.instead}`" if key.instead else "required"
    if key.kind == "time" and isinstance(value, int):
        return f'`"{value // 60}:{value % 60:02d}"`'
    if key.kind == "money" and isinstance(value, int):
        return f"`{value / 1_000_000:.2f}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{word}"' for word in value) + "]`"
    if isinstance(value, str):
        return f'`"{value}"`' if value else "empty"
    return f"`{value}`" if value != {} else "empty"


def _columns(columns: tuple[Column, ...]) -> str:
    lines = ["| column | required | meaning |", "|---|---|---|"]
    lines += [f"| `{one.name}` | {'yes' if one.required else ''} | {cell(one.meaning)} |" for one in columns]
    return "\n".join(lines)


def _rules() -> str:
    return "\n".join(["| rule | meaning |", "|---|---|", *(f"| `{rule}` | {said} |" for rule, said in RULES.items())])


PART = GeneratedPart(DOCS / "network-file.md", "tools.network_file_reference", "code", generated)

if __name__ == "__main__":
    raise SystemExit(PART.main())
