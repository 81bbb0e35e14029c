"""What the warehouse has counted, by SKU."""

from collections.abc import Collection
from pathlib import Path

from tranship.connectors.manual.model import CountedBy
from tranship.connectors.manual.table import Row, Table, units
from tranship.connectors.port import Count

NAMES = {
    "sku": ("article", "item", "code", "product"),
    "location": ("warehouse", "place"),
    "sellable": ("quantity", "qty", "units", "count", "counted", "on hand", "available", "good"),
    "reserved": ("committed", "allocated"),
    "inbound": ("on the way", "expected"),
    "unsellable": ("damaged", "blocked", "defective"),
}


def read_counts(
    source: Path | bytes,
    location: str = "",
    known: Collection[str] | None = None,
    *,
    whole: bool = False,
    file: str = "",
) -> CountedBy:
    """The counts of a file, and the lines that need somebody. Never raises on what is in the file.

    A SKU that is counted twice at one place is wrong both times only for the second line: two counts may be two shelves or two tries, and
    nobody but the warehouse knows which. `whole` (a SKU that is not named is none there) holds only where every line could be used.
    """
    table = Table(source, file, NAMES)
    found: dict[tuple[str, str], tuple[int, Count]] = {}
    for row in table.rows(("sku", "sellable")):
        count = _count(row, table, location, known)
        if count is None:
            continue
        key = (count.sku, count.location)
        if key in found:
            table.wrong(
                row.line,
                f"repeats the SKU of line {found[key][0]}",
                "Put both counts into one line; the first was taken",
            )
        else:
            found[key] = (row.line, count)
    lost = any(not error.taken for error in table.errors)
    counts = tuple(sorted(count for _, count in found.values()))
    taken = tuple(sorted(line for line, _ in found.values()))
    return CountedBy(
        counts, tuple(sorted(table.errors, key=lambda error: error.line)), whole and not lost and bool(counts), taken
    )


def _count(row: Row, table: Table, location: str, known: Collection[str] | None) -> Count | None:
    sku = row.get("sku")
    if not sku or len(sku) > 80:
        table.wrong(row.line, "the SKU is missing or too long", "Take it from the list of articles")
        return None
    if known is not None and sku not in known:
        table.wrong(
            row.line,
            "the SKU is not one of ours",
            "Take it from the list of articles; a spreadsheet may have changed it",
        )
        return None
    told = {}
    for name in ("sellable", "reserved", "inbound", "unsellable"):
        text = row.get(name)
        number = units(text) if text or name == "sellable" else 0
        if number is None:
            what = f"{name} is no number of units" if text else "the count is missing"
            table.wrong(row.line, what, "Write a whole number, 0 where there are none")
            return None
        told[name] = number
    return Count(
        sku, row.get("location") or location, told["sellable"], told["reserved"], told["inbound"], told["unsellable"]
    )
