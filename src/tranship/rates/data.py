"""The packaged data files: facts and assumptions with a `source` and a `status` in every row, read once.

Every number here is a default that a network file may replace; `docs/rates.md` says which are facts.
"""

import csv
from collections.abc import Iterator
from functools import cache
from importlib import resources

Row = dict[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """All rows of `data/NAME.csv` as written, header names as keys."""
    text = resources.files("tranship.rates").joinpath("data", f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def select(name: str, key: str, value: str) -> tuple[Row, ...]:
    """Rows of `data/NAME.csv` whose column `key` is `value`, in file order."""
    return tuple(row for row in rows(name) if row[key] == value)


def names(name: str, key: str) -> tuple[str, ...]:
    """Distinct values of a column in file order."""
    return tuple(dict.fromkeys(row[key] for row in rows(name)))


def zones_of(row: Row) -> Iterator[str]:
    """Columns `zone_1` to `zone_9` of a row; an empty text where the row says nothing."""
    return (row[f"zone_{zone}"].strip() for zone in range(1, 10))
