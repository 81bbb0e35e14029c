"""What the warehouse says it did: shipped, short, cancelled, with carrier and tracking number. Good lines count, bad ones are told."""

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tranship.connectors.manual.model import Confirmed, Expected
from tranship.connectors.manual.table import Row, Table, units
from tranship.dispatch.model import Parcel, Report

NAMES = {
    "order": ("order id", "remote id", "reference"),
    "line": ("line id",),
    "quantity": ("qty", "ordered", "units ordered"),
    "shipped": ("shipped quantity", "qty shipped", "units shipped", "picked"),
    "status": ("result", "outcome"),  # not "state": that is a part of the address on the list itself
    "carrier": (),
    "tracking": ("tracking number", "tracking no", "tracking id"),
    "shipped_at": ("ship date", "shipped on", "date shipped"),
}
STATES = {
    "": "", "shipped": "shipped", "ok": "shipped", "done": "shipped", "complete": "shipped",
    "short": "short", "partial": "short", "out of stock": "short", "oos": "short",
    "cancelled": "cancelled", "canceled": "cancelled", "not shipped": "cancelled",
}  # fmt: skip
_MANGLED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_PRINTED = "Take the ids from the pick list; a spreadsheet may have changed them (set the column to text)"


class _Said(NamedTuple):
    line: int
    remote_id: str
    line_id: str
    shipped: int
    state: str
    carrier: str
    tracking: str
    shipped_at: int
    ordered: int | None  # as printed, else as the line repeats it


def read_confirmation(source: Path | bytes, expected: Expected | None = None, *, file: str = "") -> Confirmed:
    """Reports of the orders in a confirmation, and the lines that need somebody. Never raises on what is in the file.

    With `expected` (what was printed and is open) unknown ids, repeated lines and wrong counts are found, and an order of which lines
    are missing stays open. Without it each order is taken to be as long as the file has it.
    """
    table = Table(source, file, NAMES)
    said: dict[str, list[_Said]] = defaultdict(list)
    seen: dict[tuple[str, ...], int] = {}
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in table.rows(("order", "line")):
        found = _read(row, table, expected)
        if found is None or _repeated(found, seen, table):
            continue
        most = found.ordered
        if most is not None and sums[found.remote_id, found.line_id] + found.shipped > most:
            already = sums[found.remote_id, found.line_id]
            more = f" with the {already} of lines before" if already else ""
            table.wrong(
                found.line, f"{found.shipped} shipped{more}, but {most} ordered", "Count again and correct the line"
            )
            continue
        sums[found.remote_id, found.line_id] += found.shipped
        said[found.remote_id].append(found)
    reports = tuple(_report(remote_id, lines, expected) for remote_id, lines in sorted(said.items()))
    taken = tuple(sorted(found.line for lines in said.values() for found in lines))
    return Confirmed(reports, tuple(sorted(table.errors, key=lambda error: error.line)), taken)


# -- one line ----------------------------------------------------------------------------------------------------------


def _read(row: Row, table: Table, expected: Expected | None) -> _Said | None:
    """A line that makes sense; None after what is wrong was told, or where nobody has filled it in yet."""
    remote_id, line_id = row.get("order").upper(), row.get("line")
    if not remote_id or not line_id:
        table.wrong(row.line, "the order or line id is missing", _PRINTED)
        return None
    if expected is not None and line_id not in expected.get(remote_id, {}):
        known = remote_id in expected
        what = (
            f"order {_short(remote_id)} has no line {_short(line_id)}"
            if known
            else f"order {_short(remote_id)} is on no open list"
        )
        table.wrong(row.line, what, _PRINTED)
        return None
    state = STATES.get(row.get("status").lower())
    if state is None:
        table.wrong(row.line, f"status {_short(row.get('status'))} is none", "Write shipped, short or cancelled")
        return None
    if not state and not row.get("shipped"):
        _unfilled(row, table)
        return None
    count = _count(row, table, state, expected)
    if count is None:
        return None
    tracking, carrier = row.get("tracking"), row.get("carrier")
    if _MANGLED.fullmatch(tracking):
        do = "Set the column to text, and put the whole number in again"
        table.wrong(
            row.line, f"the spreadsheet has shortened the tracking number to {_short(tracking)}", do, taken=True
        )
        tracking = ""
    elif count and not (tracking and carrier):
        table.wrong(row.line, "shipped without carrier or tracking number", "Add them when they are known", taken=True)
    moment, ordered = _moment(row.get("shipped_at")), _most(row, expected)
    return _Said(row.line, remote_id, line_id, count, state, carrier[:80], tracking[:80], moment, ordered)


def _unfilled(row: Row, table: Table) -> None:
    if row.get("tracking") or row.get("carrier"):
        table.wrong(row.line, "a tracking number, but no units", "Write how many were shipped")
    else:
        table.wrong(row.line, "not filled in", "Write how many were shipped; 0 and cancelled where none will be")


def _count(row: Row, table: Table, state: str, expected: Expected | None) -> int | None:
    """Units shipped by a line, where status and number agree."""
    ordered = _most(row, expected)
    text = row.get("shipped")
    count = units(text) if text else 0 if state == "cancelled" else ordered if state == "shipped" else None
    if count is None:
        what = f"{_short(text)} is no number of units" if text else "the number of units is missing"
        table.wrong(row.line, what, "Write how many were shipped, as a whole number")
        return None
    if state == "cancelled" and count:
        table.wrong(row.line, f"cancelled, but {count} shipped", "Write short, or 0 units")
        return None
    if state == "shipped" and (count == 0 or (ordered is not None and count < ordered)):
        of = f" of {ordered}" if ordered is not None else ""
        what = f"{count}{of} shipped, but the status says shipped"
        table.wrong(row.line, what, "Write short where units are missing")
        return None
    if state == "short" and ordered is not None and count == ordered:
        table.wrong(row.line, f"all {count} shipped, but the status says short", "Write shipped, or how many were")
        return None
    return count


def _repeated(found: _Said, seen: dict[tuple[str, ...], int], table: Table) -> bool:
    """A line may come in several parcels; the same line in the same parcel, or a second line without any, is a repetition."""
    key = (found.remote_id, found.line_id, found.tracking) if found.shipped else (found.remote_id, found.line_id, "")
    first = seen.setdefault(key, found.line)
    if first != found.line:
        table.wrong(found.line, f"repeats line {first}", "Remove one of the two; the first was taken")
        return True
    return False


def _most(row: Row, expected: Expected | None) -> int | None:
    """Units ordered: as printed where that is known, else as the line itself repeats it."""
    if expected is not None:
        return expected[row.get("order").upper()][row.get("line")]
    return units(row.get("quantity"))


def _short(text: str) -> str:
    """A word of the file as an error may repeat it: short, and nothing that could be a sentence about somebody."""
    kept = "".join(c for c in text[:40] if c.isalnum() or c in "-_.+,/")
    return f"'{kept}'"


def _moment(text: str) -> int:
    """UTC microseconds of an ISO day or time; 0 where it is none (people write days in every order)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0, round(moment.timestamp() * 1_000_000))


# -- one order ---------------------------------------------------------------------------------------------------------


def _report(remote_id: str, said: list[_Said], expected: Expected | None) -> Report:
    wanted = {line.line_id: line.ordered for line in said if line.ordered is not None}
    wanted = dict(expected[remote_id]) if expected is not None else wanted
    shipped: dict[str, int] = defaultdict(int)
    for line in said:
        shipped[line.line_id] += line.shipped
    closed = {line.line_id for line in said if line.state in {"short", "cancelled"} or not line.shipped}
    closed |= {line_id for line_id, ordered in wanted.items() if shipped[line_id] >= ordered}
    parcels = tuple(sorted(_parcels(remote_id, said)))
    if expected is not None and set(wanted) - closed:  # lines that nobody has spoken of yet
        return Report(remote_id, "PICKING" if parcels else "", parcels=parcels)
    short = tuple(sorted((key, ordered - shipped[key]) for key, ordered in wanted.items() if ordered > shipped[key]))
    if not parcels:
        dead = all(line.state == "cancelled" for line in said)
        return Report(remote_id, "CANCELLED" if dead else "UNFULFILLABLE", short=short)
    partial = bool(short) or any(line.state in {"short", "cancelled"} and line.line_id not in wanted for line in said)
    return Report(remote_id, "COMPLETE_PARTIAL" if partial else "COMPLETE", parcels=parcels, short=short)


def _parcels(remote_id: str, said: list[_Said]) -> list[Parcel]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    moments: dict[tuple[str, str], int] = {}
    for line in said:
        if line.shipped:
            key = (line.carrier, line.tracking)
            lines = found.setdefault(key, {})
            lines[line.line_id] = lines.get(line.line_id, 0) + line.shipped
            moments[key] = max(moments.get(key, 0), line.shipped_at)
    return [
        Parcel(
            tracking or f"{remote_id}-{carrier or 'parcel'}",
            carrier,
            tracking,
            tuple(sorted(lines.items())),
            "SHIPPED",
            moments[key],
        )
        for key, lines in found.items()
        for carrier, tracking in [key]
    ]
