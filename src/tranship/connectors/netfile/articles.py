"""The SKU file and the opening balances: CSV files with a published header (docs/network-file.md)."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

import msgspec

from tranship.connectors.netfile.csvfile import Column, CsvFile, open_csv
from tranship.connectors.netfile.finding import Findings, allowed, listed, shown
from tranship.core.network import Sku

SENSITIVITIES = ("normal", "sensitive")
MOST_OF_A_PART = 10_000
"""Units of one part in a bundle."""
SKU_COLUMNS = (
    Column("sku", "The article's code, as orders write it.", required=True),
    Column(
        "weight_g",
        "Weight of one unit as it ships; or `weight_kg`, `weight_oz`, `weight_lb`. Whole grams, rounded down as the edges of the "
        "rate tables are. Empty in a bundle: the sum of its parts.",
    ),
    Column("length_cm", "Longest side; or `length_mm`, `length_in`. Whole millimeters, rounded down."),
    Column("width_cm", "Second side; or `width_mm`, `width_in`."),
    Column("height_cm", "Third side; or `height_mm`, `height_in`."),
    Column("value", "Value of one unit in the party's currency, as in 12.50."),
    Column("fragile", "yes or no; yes ships only from nodes with `fragile = true`."),
    Column("hazmat", "yes or no; yes ships only from nodes with `hazmat = true`."),
    Column("sensitivity", "normal or sensitive; sensitive articles never go to a network with `competitor = true`."),
    Column("parts", "Makes it a bundle of other articles, as in `MUG:2;SPOON:1`. A part is no bundle itself."),
    Column("nodes", "Nodes that may stock it, as in `EAST;WEST`; empty: any."),
    Column("code:NETWORK", "Its code at that network, where it differs; one column for each such network."),
)
STOCK_COLUMNS = (
    Column("node", "A node of the network file.", required=True),
    Column("sku", "An article of the SKU file that is no bundle.", required=True),
    Column("qty", "Units on its shelf, free to be promised.", required=True),
)
_STOCK_NAMES = tuple(column.name for column in STOCK_COLUMNS)
_YES, _NO = ("1", "true", "yes", "y", "x"), ("", "0", "false", "no", "n")
_WEIGHTS = {
    "weight_g": Decimal(1),
    "weight_kg": Decimal(1000),
    "weight_oz": Decimal("28.349523125"),
    "weight_lb": Decimal("453.59237"),
}
_LENGTHS = {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}
_SIDES = {side: tuple(f"{side}_{unit}" for unit in _LENGTHS) for side in ("length", "width", "height")}
_GROUPS = (tuple(_WEIGHTS), *_SIDES.values())
_OTHERS = ("sku", "value", "fragile", "hazmat", "sensitivity", "parts", "nodes")
_SKU_NAMES = (*_OTHERS, *(name for group in _GROUPS for name in group))


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """An opening balance: units of a SKU on the shelf of a node when the books begin."""

    node: str
    sku: str
    qty: int


def read_skus(
    path: Path | None, named: str, networks: Sequence[str], nodes: Sequence[str], findings: Findings
) -> tuple[Sku, ...]:
    """Articles of a SKU file in its order; none without one. What is wrong goes to `findings`; `named` is where the file is named."""
    file = open_csv(path, named, SKU_COLUMNS, findings) if path else None
    if file is None:
        return ()
    reader = _SkuReader(file, _sku_header(file, networks), nodes)
    found: dict[str, Sku] = {}
    lines: dict[str, int] = {}
    for line, row in file.rows():
        sku = reader.read(line, row)
        if not sku.code:
            file.error("missing_key", line, "sku", "the row has no code", "every article has one")
        elif sku.code in lines:
            first = f"first in line {lines[sku.code]:,}"
            file.error("duplicate", line, "sku", f"{shown(sku.code)} is there twice", first)
        else:
            found[sku.code], lines[sku.code] = sku, line
    for code, sku in found.items():
        _bundle(file, lines[code], sku, found)
    skus = tuple(_weighed(sku, found) for sku in found.values())
    light = [sku.code for sku in skus if not sku.weight_g]
    if light:
        what = f"{len(light):,} of {len(skus):,} articles have no weight: {listed(light)}"
        findings.warning("no_weight", f"{file.name}:1: weight_g", what, "where nothing else gives one, it is derived")
    return skus


def read_stock(
    path: Path | None, named: str, nodes: Sequence[str], skus: Sequence[Sku], findings: Findings
) -> tuple[Opening, ...]:
    """Opening balances of a stock file in its order; none without one. What is wrong goes to `findings`."""
    file = open_csv(path, named, STOCK_COLUMNS, findings) if path else None
    if file is not None and not skus:
        findings.error("no_such", named, "opening balances of articles that no file lists", "add a sku_file to [party]")
    if file is None or not skus:
        return ()
    for name in file.header:
        if name not in _STOCK_NAMES:
            file.unknown(name, _STOCK_NAMES)
    bundles = {sku.code: bool(sku.parts) for sku in skus}
    first: dict[tuple[str, str], int] = {}
    found = []
    for line, row in file.rows():
        node, sku, qty = row["node"], row["sku"], _whole(row["qty"])
        if node not in nodes:
            file.error("no_such", line, "node", f"no node is called {shown(node)}", allowed(node, nodes))
        elif sku not in bundles:
            file.error("no_such", line, "sku", f"no article is called {shown(sku)}", "list it in the sku_file")
        elif bundles[sku]:
            file.error("bundle", line, "sku", f"{shown(sku)} is a bundle, it has no stock", "the stock of its parts")
        elif qty is None:
            file.error("bad_value", line, "qty", f"{shown(row['qty'])} is not a number of units", "a whole number")
        elif (node, sku) in first:
            hint = f"first in line {first[node, sku]:,}"
            file.error("duplicate", line, "sku", f"{shown(sku)} at {node} is there twice", hint)
        else:
            first[node, sku] = line
            found.append(Opening(node, sku, qty))
    return tuple(found)


def _sku_header(file: CsvFile, networks: Sequence[str]) -> dict[str, str]:
    """Columns `code:NETWORK` as column -> network; says what else the header has that cannot be read."""
    by_folded = {network.lower(): network for network in networks}
    codes = {}
    for name in file.header:
        kind, mark, network = name.partition(":")
        if kind == "code" and mark and network in by_folded:
            codes[name] = by_folded[network]
        elif kind == "code" and mark:
            file.error("no_such", 1, name, f"no network is called {shown(network)}", allowed(network, networks))
        elif name not in _SKU_NAMES:
            file.unknown(name, _SKU_NAMES)
    for group in _GROUPS:
        present = [name for name in group if name in file.header]
        if len(present) > 1:
            file.error("bad_value", 1, present[1], f"{present[0]} says the same", "write one of them")
    return codes


class _SkuReader:
    """Turns rows into SKUs; a cell that cannot be read is a finding and counts as empty."""

    def __init__(self, file: CsvFile, codes: dict[str, str], nodes: Sequence[str]) -> None:
        self.file, self.codes, self.nodes = file, codes, nodes
        self.columns = [next((name for name in group if name in file.header), "") for group in _GROUPS]

    def read(self, line: int, row: dict[str, str]) -> Sku:
        """The SKU of one row; parts are checked when all rows are read."""
        code = row["sku"]
        if len(code) > 100 or not code.isprintable():
            self.file.error(
                "bad_value", line, "sku", f"{shown(code)} cannot be used", "at most 100 printable characters"
            )
        weight, length, width, height = (self._measure(line, row, column) for column in self.columns)
        return Sku(
            code=code,
            weight_g=weight,
            length_mm=length,
            width_mm=width,
            height_mm=height,
            value_minor=int((self._amount(line, row, "value") * 100).quantize(Decimal(1), ROUND_HALF_UP)),
            fragile=self._flag(line, row, "fragile"),
            hazmat=self._flag(line, row, "hazmat"),
            sensitivity=self._sensitivity(line, row),
            parts=self._parts(line, row),
            codes={network: row[column] for column, network in self.codes.items() if row[column]},
            nodes=self._nodes(line, row),
        )

    def _amount(self, line: int, row: dict[str, str], column: str) -> Decimal:
        text = row.get(column, "")
        try:
            value = Decimal(text or 0)
            if value.is_finite() and 0 <= value <= 10**9:
                return value
        except InvalidOperation:
            pass
        hint = "a number from 0 to 1,000,000,000: a point for decimals, no unit"
        self.file.error("bad_value", line, column, f"{shown(text)} is not an amount", hint)
        return Decimal(0)

    def _measure(self, line: int, row: dict[str, str], column: str) -> int:
        """Whole grams or millimeters, at least 1 where it says anything but 0."""
        value = self._amount(line, row, column)
        scaled = value * (_WEIGHTS.get(column) or _LENGTHS.get(column[-2:], Decimal(1)))
        return max(1, int(scaled.to_integral_value(ROUND_FLOOR))) if value else 0

    def _flag(self, line: int, row: dict[str, str], column: str) -> bool:
        text = row.get(column, "").lower()
        if text not in _YES + _NO:
            self.file.error("bad_value", line, column, f"{shown(text)} is neither yes nor no", "allowed: yes, no")
        return text in _YES

    def _sensitivity(self, line: int, row: dict[str, str]) -> str:
        text = row.get("sensitivity", "").lower() or "normal"
        if text not in SENSITIVITIES:
            hint = allowed(text, SENSITIVITIES, "allowed")
            self.file.error("bad_value", line, "sensitivity", f"{shown(text)} is not one of its words", hint)
        return text

    def _parts(self, line: int, row: dict[str, str]) -> tuple[tuple[str, int], ...]:
        parts: dict[str, int] = {}
        for item in filter(None, map(str.strip, row.get("parts", "").split(";"))):
            name, _, count = item.rpartition(":")
            code, qty = name.strip(), _whole(count.strip())
            if not code or not qty or qty > MOST_OF_A_PART:
                hint = f"as in MUG:2;SPOON:1, quantities from 1 to {MOST_OF_A_PART:,}"
                self.file.error("bad_value", line, "parts", f"{shown(item)} is not code:quantity", hint)
            elif code in parts:
                self.file.error("duplicate", line, "parts", f"{shown(code)} is there twice", "add up its quantities")
            else:
                parts[code] = qty
        return tuple(parts.items())

    def _nodes(self, line: int, row: dict[str, str]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(filter(None, map(str.strip, row.get("nodes", "").split(";")))))
        for name in names:
            if name not in self.nodes:
                hint = allowed(name, self.nodes)
                self.file.error("no_such", line, "nodes", f"no node is called {shown(name)}", hint)
        return names


def _bundle(file: CsvFile, line: int, sku: Sku, found: dict[str, Sku]) -> None:
    """Parts exist, are other articles, and are no bundles."""
    for part, _ in sku.parts:
        if part not in found:
            hint = allowed(part, found) if len(found) <= 2000 else "list it in this file"
            file.error("bundle", line, "parts", f"no article is called {shown(part)}", hint)
        elif part == sku.code:
            file.error("bundle", line, "parts", f"{shown(part)} is part of itself", "parts are other articles")
        elif found[part].parts:
            file.error("bundle", line, "parts", f"part {shown(part)} is a bundle itself", "one level: give its parts")


def _weighed(sku: Sku, found: dict[str, Sku]) -> Sku:
    """A bundle without a weight weighs what its parts weigh, where all of them have one."""
    weights = [found[part].weight_g * qty for part, qty in sku.parts if part in found]
    if sku.weight_g or not weights or not all(weights):
        return sku
    return msgspec.structs.replace(sku, weight_g=sum(weights))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None
