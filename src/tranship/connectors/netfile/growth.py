"""The growth forecast of a leak budget: a CSV of how the brand expects its own articles to sell within the year."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from tranship.connectors.netfile.csvfile import Column, CsvFile, open_csv
from tranship.connectors.netfile.finding import Findings, allowed, shown
from tranship.core.network import LeakGrowth, Sku

GROWTH_COLUMNS = (
    Column("sku", "An article of the SKU file that is no bundle: a bundle sells its parts.", required=True),
    Column(
        "growth_pct",
        "By how much more it will sell a week at the end of the leak year than at its beginning, in percent: 30 is a third more, "
        "-50 is half; -99 to 9,900. Or `this_year` and `next_year`.",
    ),
    Column("this_year", "What it sold in the year before, in units or orders, above 0."),
    Column("next_year", "What it will sell in the year to come, counted alike; 0 where it ends."),
    Column(
        "error_pct",
        "How far off the forecast may be over the year, one standard deviation in percent, 0.1 to 900; empty: as much as growth itself "
        "differs by.",
    ),
)
WEEKS = 52
LEAST_PCT, MOST_PCT = Decimal(-99), Decimal(9_900)
"""Growth beyond is taken for a slip, but for an article that ends: that counts as -99 %."""
MOST_ERROR_PCT = Decimal(900)
MOST_SIGNS = 20
"""Signs of a number."""
_NAMES = tuple(column.name for column in GROWTH_COLUMNS)
_MILLION = 1_000_000


def read_growth(path: Path, named: str, skus: Sequence[Sku], findings: Findings) -> tuple[LeakGrowth, ...]:
    """A forecast, by code. What is wrong goes to `findings`; `named` is the place in the network file that names it.

    Without articles (they come from the orders) any code is taken; one that never comes does nothing.
    """
    file = open_csv(path, named, GROWTH_COLUMNS, findings)
    if file is None or not _columns(file):
        return ()
    bundles = {sku.code: bool(sku.parts) for sku in skus}
    found: dict[str, LeakGrowth] = {}
    lines: dict[str, int] = {}
    for line, row in file.rows():
        code = row["sku"]
        if not code:
            file.error("missing_key", line, "sku", "the row has no code", "one article a row")
        elif code in lines:
            file.error("duplicate", line, "sku", f"{shown(code)} is there twice", f"first in line {lines[code]:,}")
        elif bundles and code not in bundles:
            file.error("no_such", line, "sku", f"no article is called {shown(code)}", allowed(code, list(bundles)))
        elif bundles.get(code):
            file.error("bundle", line, "sku", f"{shown(code)} is a bundle", "the growth of its parts")
        else:
            growth = _growth(file, line, row)
            error = _error(file, line, row)
            if growth is not None and error is not None:
                found[code] = LeakGrowth(code, growth, error)
        lines.setdefault(code, line)
    if not lines and not findings.failed:
        findings.warning("no_row", f"{file.name}:1: rows", "no articles, so nothing is forecast", "leave forecast out")
    return tuple(found[code] for code in sorted(found))


def _columns(file: CsvFile) -> bool:
    """Whether growth is said in one of two ways; says which columns are not read."""
    for name in file.header:
        if name not in _NAMES:
            file.unknown(name, _NAMES)
    plain, years = "growth_pct" in file.header, [name for name in ("this_year", "next_year") if name in file.header]
    if plain and years:
        file.error("bad_value", 1, years[0], "growth_pct says the same", "one of the two ways")
    elif not plain and len(years) < 2:
        hint = "add growth_pct, or both this_year and next_year"
        file.error("missing_column", 1, "growth_pct", "nothing says how articles will grow", hint)
    else:
        return True
    return False


def _growth(file: CsvFile, line: int, row: Mapping[str, str]) -> int | None:
    """Log growth a week in millionths; None, with a finding, where the row does not say it."""
    if "growth_pct" in row:
        pct = _number(file, line, row, "growth_pct", LEAST_PCT, MOST_PCT)
        return None if pct is None else _weekly(1 + pct / 100)
    before = _number(file, line, row, "this_year", Decimal(0), Decimal(10**12))
    after = _number(file, line, row, "next_year", Decimal(0), Decimal(10**12))
    if before is None or after is None:
        return None
    if not before:
        file.error(
            "bad_value", line, "this_year", "sold nothing in the year before", "leave the row out: nothing to grow from"
        )
        return None
    ratio = max(after / before, 1 + LEAST_PCT / 100)
    if ratio > 1 + MOST_PCT / 100:
        file.error(
            "bad_value", line, "next_year", f"{ratio:,.0f} times this_year", f"at most {1 + MOST_PCT / 100:,.0f} times"
        )
        return None
    return _weekly(ratio)


def _error(file: CsvFile, line: int, row: Mapping[str, str]) -> int | None:
    if not row.get("error_pct"):
        return 0
    pct = _number(file, line, row, "error_pct", Decimal("0.1"), MOST_ERROR_PCT)
    return None if pct is None else max(1, _weekly(1 + pct / 100))


def _weekly(ratio: Decimal) -> int:
    """Log growth a week in millionths, of a year's ratio.

    >>> _weekly(Decimal(1)), _weekly(Decimal("0.5"))
    (0, -13330)
    """
    return round(math.log(ratio) / WEEKS * _MILLION)


def _number(
    file: CsvFile, line: int, row: Mapping[str, str], column: str, low: Decimal, high: Decimal
) -> Decimal | None:
    """A plain decimal number in its range; None, with a finding, where it is none."""
    text = row[column]
    try:
        plain = text.isascii() and len(text) <= MOST_SIGNS and "_" not in text and "e" not in text.lower()
        value = Decimal(text) if plain else Decimal("nan")
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        what = f"{shown(text)} is not a number" if text else "no number"
        file.error("bad_value", line, column, what, "as in 12.5, a point before decimals, no percent sign")
        return None
    if not low <= value <= high:
        file.error("bad_value", line, column, f"{shown(text)} is out of range", f"allowed: {low} to {high:,}")
        return None
    return value
