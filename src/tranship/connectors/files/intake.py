"""The one door for files of orders: tell the format apart, read all of it, and give it staged, with every line accounted for."""

import csv
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tranship.connectors.files import generic_csv, jsonl, shopify_csv, shopify_json, uci
from tranship.connectors.files.build import Collector
from tranship.connectors.files.header import Header, first_line
from tranship.connectors.files.mapping import FORMATS, REQUIRED, SourceMapping, read_mapping
from tranship.connectors.files.model import Staged
from tranship.connectors.files.reading import Limits, Lines, Progress, Scan, read_all, records, scan
from tranship.connectors.files.takeback import Prior
from tranship.core.errors import InputError

_SOURCES = {"uci": "uci", "csv": "csv", "shopify_csv": "shopify", "shopify_json": "shopify", "jsonl": "jsonl"}
_SCAN_SHARE = 0.15  # of the progress bar: the first pass only decompresses


def stage(
    path: str | Path,
    mapping: Mapping[str, object] | None = None,
    format: str | None = None,  # noqa: A002 - the word users know
    progress: Progress | None = None,
    prior: Prior | None = None,
    limits: Limits | None = None,
) -> Staged:
    """Read a whole file of orders and account for every line of it: `read == accepted + len(rejects)`, always.

    Args:
        path: The file: gzip or plain; UTF-8, or latin-1 where it is not UTF-8.
        mapping: A `[source.NAME]` table of the network file.
        format: uci, csv, shopify_csv, shopify_json or jsonl; told from the content where neither this nor the mapping says it.
        progress: Told the share done, 0 to 1.
        prior: Lines of earlier files that a cancellation may reach back to (see takeback.Prior).
        limits: The most that is taken in.

    Raises:
        InputError: The file cannot be used (missing, empty, truncated, without a needed column); nothing of it is staged.
    """
    limits = limits or Limits()
    chosen = read_mapping(mapping, where=f"[source.{(mapping or {}).get('source', 'NAME')}]")
    found = scan(Path(path), limits, chosen.encoding, _part(progress, 0.0, _SCAN_SHARE))
    kind = format or chosen.format or sniff(found, chosen)
    if kind not in FORMATS:
        raise InputError(f"format is {kind!r}", where=found.name, hint=f"Formats: {', '.join(FORMATS)}.")
    generic_csv.unused(chosen, kind, found.name)
    into = Collector(found, chosen.source or _SOURCES[kind], kind)
    lines = Lines(found, limits, _part(progress, _SCAN_SHARE, 1.0))
    if kind == "shopify_json":
        shopify_json.read(read_all(found, limits), chosen, into)
    elif kind == "jsonl":
        jsonl.read(lines, chosen, into)
    else:
        _read_csv(kind, lines, chosen, into)
    staged = into.finish(prior)
    if progress is not None:
        progress(1.0)
    return staged


def _read_csv(kind: str, lines: Lines, mapping: SourceMapping, into: Collector) -> None:
    cells, delimiter, at_line = first_line(into.found, mapping.delimiter)
    file = into.found.name
    if kind == "csv":
        if not mapping.columns and (preset := _preset(cells, mapping)):
            name, mapping = preset
            into.source = mapping.source if into.source == "csv" else into.source
            into.notes.append(f"read with the built-in mapping {name!r}")
        header = generic_csv.header_of(cells, mapping, file)
        reader = generic_csv.read
    elif kind == "uci":
        header = Header(cells, uci.COLUMNS)
        header.require(uci.COLUMNS, file, "This is not the UCI export.")
        reader = uci.read
    else:
        header = Header(cells, shopify_csv.COLUMNS)
        header.require(shopify_csv.REQUIRED, file, "This is not the orders export of a Shopify admin.")
        reader = shopify_csv.read
    rows = records(lines, header.width, delimiter, into.bad_record, skip=at_line, single_line=kind == "uci")
    reader(rows, header, mapping, into)


def _preset(cells: list[str], mapping: SourceMapping) -> tuple[str, SourceMapping] | None:
    """A built-in mapping, where nothing else is said and the documented header is not there."""
    header = Header(cells, {name: (name,) for name in REQUIRED})
    if all(header.has(name) for name in REQUIRED):
        return None
    found = generic_csv.preset_for(cells)
    if found is None:
        return None
    name, preset = found
    said = {key: value for key, value in msgspec.structs.asdict(mapping).items() if value != _DEFAULTS[key]}
    return name, msgspec.structs.replace(preset, **said)


_DEFAULTS = msgspec.structs.asdict(SourceMapping())


def sniff(found: Scan, mapping: SourceMapping | None = None) -> str:
    """The format of a scanned file by its first lines. A mapping with columns is one of a generic CSV."""
    if mapping is not None and mapping.columns:
        return "csv"
    head = found.head.lstrip()
    if head[:1] == "[":
        return "shopify_json"
    if head[:1] == "{":
        return _sniff_json(head)
    cells, _, _ = first_line(found, mapping.delimiter if mapping else "")
    header = Header(cells, {**uci.COLUMNS, **{f"shopify_{k}": v for k, v in shopify_csv.REQUIRED.items()}})
    if header.has("invoice") and header.has("stock"):
        return "uci"
    if header.has("shopify_quantity") and header.has("shopify_order"):
        return "shopify_csv"
    return "csv"


def _sniff_json(head: str) -> str:
    """Shopify's document spans lines or has `orders` or `order` as an object; JSON lines have whole objects on lines."""
    first = head.splitlines()[0]
    try:
        value = msgspec.json.decode(first)
    except (msgspec.DecodeError, RecursionError):
        begins = first.replace(" ", "")
        # one long line may reach beyond the head: its beginning tells
        return "shopify_json" if begins == "{" or begins.startswith(('{"orders":', '{"order":{')) else "jsonl"
    shopify = isinstance(value, dict) and (
        isinstance(value.get("orders"), list) or isinstance(value.get("order"), dict)
    )
    return "shopify_json" if shopify else "jsonl"


def write_rejects(staged: Staged, path: str | Path) -> None:
    """Write rejects.csv: file, line, document, reason, detail. No cell can start a formula in a spreadsheet."""
    with Path(path).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("file", "line", "document", "reason", "detail"))
        for reject in staged.rejects:
            cells = (staged.file, str(reject.at_line), reject.document, reject.reason, reject.detail)
            writer.writerow([_safe(cell) for cell in cells])


stage_rejects_csv = write_rejects


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _part(progress: Progress | None, low: float, high: float) -> Progress | None:
    return None if progress is None else lambda share: progress(low + (high - low) * share)
