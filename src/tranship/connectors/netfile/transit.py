"""The observed transit times: a CSV of shipments, counted together by lane and month, so that the network document stays small."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tranship.connectors.netfile.csvfile import Column, CsvFile, open_csv
from tranship.connectors.netfile.finding import Findings, allowed, shown
from tranship.core.network import Transit
from tranship.core.states import STATE_OF_ZIP3, STATE_ZONES
from tranship.core.time import date_to_day, day_to_date, next_working_day, working_days_between

TRANSIT_COLUMNS = (
    Column("node", "The node it left from.", required=True),
    Column("zip3", "Where it went: the first three digits of the ZIP code, or all five. Or `state`."),
    Column("state", "Two-letter state it went to, where no ZIP code is given."),
    Column("service", "The service it went with; empty: not said."),
    Column("shipped", "Date of the hand-over to the carrier, as 2026-03-02."),
    Column("delivered", "Date it arrived; empty: still on its way on the latest date of the file."),
    Column(
        "planned_days", "Working days that were planned; empty: those of the node's card for that ZIP code and service."
    ),
    Column("actual_days", "Working days that it took, instead of `shipped` and `delivered`."),
)
MOST_DAYS = 365
"""Longest transit that is believed."""
MOST_GAP_DAYS, FEWEST_AFTER = 366, 100
"""Days more than a year after all others, in less than one row of so many, are slips of the year (age is told from the newest)."""
_NAMES = tuple(column.name for column in TRANSIT_COLUMNS)
_Row = tuple[str, str, str, int, int, int, bool]
_BEGIN = (dt.date(2000, 1, 1), dt.date(2100, 1, 1))


def read_transit(
    path: Path, named: str, nodes: Sequence[Mapping[str, object]], findings: Findings
) -> tuple[Transit, ...]:
    """Shipments of a file, counted, in order of their values. What is wrong goes to `findings`; `named` is where the file is named."""
    file = open_csv(path, named, TRANSIT_COLUMNS, findings)
    if file is None or not _columns(file):
        return ()
    codes = [str(node.get("code", "")) for node in nodes]
    reader = _Reader(file, codes)
    rows = [row for line, cells in file.rows() if (row := reader.read(line, cells)) is not None]
    if (stray := reader.stray()) is not None:
        line, column, day, before = stray
        what = f"{day_to_date(day)} lies {day - before:,} days after every other row"
        hint = "a slip of the year? Older rows count less, so one date ahead of its time makes all others old"
        file.error("bad_value", line, column, what, hint)
        return ()
    counts: Counter[_Row] = Counter()
    for node, dest, service, planned, actual, day, arrived in rows:
        took = actual if arrived or actual >= 0 else _waited(day, reader.latest)
        counts[node, dest, service, planned, took, _month(day), arrived] += 1
    if not rows and not findings.failed:
        findings.warning("no_row", f"{file.name}:1: rows", "no shipments, so nothing is learned", "leave observed out")
    return tuple(
        Transit(node, dest, service, planned, actual, month, count, not arrived)
        for (node, dest, service, planned, actual, month, arrived), count in sorted(counts.items())
    )


def _columns(file: CsvFile) -> bool:
    """Whether there is a place and a duration; says what is missing, and which columns are not read."""
    for name in file.header:
        if name not in _NAMES:
            file.unknown(name, _NAMES)
    place = "zip3" in file.header or "state" in file.header
    took = "actual_days" in file.header or {"shipped", "delivered"} <= set(file.header)
    if not place:
        file.error("missing_column", 1, "zip3", "neither zip3 nor state says where shipments went", "add one of them")
    if not took:
        hint = "add actual_days, or both shipped and delivered"
        file.error("missing_column", 1, "actual_days", "nothing says how long shipments took", hint)
    return place and took


class _Reader:
    """Turns rows into shipments; a row with a cell that cannot be read is a finding and is left out."""

    def __init__(self, file: CsvFile, nodes: Sequence[str]) -> None:
        self.file, self.nodes = file, nodes
        self.latest = 0  # latest day of the file, as of which a shipment without an arrival was still on its way
        self._days_seen: list[tuple[int, int, str]] = []  # (day, line, column) of every date

    def read(self, line: int, row: Mapping[str, str]) -> _Row | None:
        """Node, destination, service, planned and actual days (-1: not said), day of the hand-over, whether it arrived."""
        node, service = row["node"], row.get("service", "")
        if node not in self.nodes:
            self.file.error("no_such", line, "node", f"no node is called {shown(node)}", allowed(node, self.nodes))
            return None
        dest = self._dest(line, row)
        planned, actual = self._days(line, row, "planned_days"), self._days(line, row, "actual_days")
        shipped, delivered = self._date(line, row, "shipped"), self._date(line, row, "delivered")
        if not dest or planned is None or actual is None or shipped is None or delivered is None:
            return None
        if len(dest) == 2 and planned < 0:
            hint = "write zip3, from which they follow, or planned_days"
            self.file.error("missing_key", line, "planned_days", "a state alone has no planned days", hint)
            return None
        self.latest = max(self.latest, shipped, delivered)
        self._days_seen += [(day, line, name) for day, name in ((shipped, "shipped"), (delivered, "delivered")) if day]
        if shipped and 0 < delivered < shipped:
            what = f"delivered on {row['delivered']}, before it was shipped on {row['shipped']}"
            self.file.error("bad_value", line, "delivered", what, "are the two columns the other way round?")
            return None
        if actual < 0:
            found = self._between(line, shipped, delivered)
            if found is None:
                return None
            actual = found
        return node, dest, service, planned, actual, shipped, actual >= 0

    def stray(self) -> tuple[int, str, int, int] | None:
        """(line, column, its day, the day before it) of the first date beyond a gap that no other rows explain."""
        seen = sorted(self._days_seen)
        few = len(seen) // FEWEST_AFTER + 2
        for i in range(len(seen) - 1, max(0, len(seen) - 1 - few), -1):
            if seen[i][0] - seen[i - 1][0] > MOST_GAP_DAYS and len(seen) - i <= few < i:
                day, line, column = seen[i]
                return line, column, day, seen[i - 1][0]
        return None

    def _between(self, line: int, shipped: int, delivered: int) -> int | None:
        """Working days from hand-over to arrival, -1 where it has not arrived; None where that cannot be."""
        if not shipped:
            hint = "a date in shipped, or actual_days"
            self.file.error("missing_key", line, "shipped", "nothing says how long it took", hint)
            return None
        if not delivered:
            return -1
        # a weekend at either end counts from, or up to, the Monday after it, as planned days do
        days = working_days_between(next_working_day(shipped), next_working_day(delivered))
        if days > MOST_DAYS:
            self.file.error("bad_value", line, "delivered", f"{days:,} working days", f"at most {MOST_DAYS}")
            return None
        return days

    def _dest(self, line: int, row: Mapping[str, str]) -> str:
        code, state = row.get("zip3", ""), row.get("state", "").upper()
        if code:
            head = code.partition("-")[0]
            if head.isascii() and head.isdigit() and len(head) in {3, 5} and STATE_OF_ZIP3[int(head[:3])]:
                return head[:3]
            hint = "three or five digits; a spreadsheet drops leading zeros: keep the column as text"
            self.file.error("bad_value", line, "zip3", f"{shown(code)} is no ZIP code", hint)
            return ""
        if state in STATE_ZONES:
            return state
        what = f"{shown(state)} is no state" if state else "nothing says where it went"
        self.file.error("bad_value" if state else "missing_key", line, "state", what, "two letters, or a zip3")
        return ""

    def _days(self, line: int, row: Mapping[str, str], column: str) -> int | None:
        """A number of days; -1 where the cell is empty."""
        text = row.get(column, "")
        if not text:
            return -1
        if text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= MOST_DAYS:
            return int(text)
        hint = f"a whole number from 0 to {MOST_DAYS}"
        self.file.error("bad_value", line, column, f"{shown(text)} is not a number of working days", hint)
        return None

    def _date(self, line: int, row: Mapping[str, str], column: str) -> int | None:
        """A day number; 0 where the cell is empty."""
        text = row.get(column, "")
        if not text:
            return 0
        try:
            date = dt.date.fromisoformat(text[:10])
            if _BEGIN[0] <= date < _BEGIN[1] and text[10:11] in {"", "T", " "}:
                return date_to_day(date)
        except ValueError:
            pass
        self.file.error("bad_value", line, column, f"{shown(text)} is not a date", "year-month-day, as in 2026-03-02")
        return None


def _waited(shipped: int, latest: int) -> int:
    return max(0, working_days_between(next_working_day(shipped), latest))


def _month(day: int) -> int:
    """Twelve times the year and the month, 0 where no day is known."""
    if not day:
        return 0
    date = dt.date.fromordinal(day + dt.date(1970, 1, 1).toordinal())
    return 12 * date.year + date.month
