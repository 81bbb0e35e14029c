"""Arguments that every stand-in network takes, and what is made of them."""

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path

from tranship.sandbox.common.vendor import Book, vendor_folder

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def common(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add them."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", choices=LOOPBACK, help="a sandbox listens on loopback only")
    add("--port", type=int, default=0, help="0 takes a free one")
    add("--seed", type=int, default=0, help="of identifiers and of faults")
    add("--clock", default="", help="ISO time at which its clock stands still; without it the clock is real")
    add(
        "--rate",
        type=float,
        default=None,
        help="sandbox seconds a second: 1 real, 0 stands still, 60 a minute a second",
    )
    add("--limits", type=float, default=1.0, help="published limits times this; 0 is none")
    add(
        "--tied",
        action="store_true",
        help="end when standard input is closed, so that it never outlives who started it",
    )
    add("--lenient", action="store_true", help="take requests that break the vendor's file (they are counted)")
    add(
        "--vendor",
        default="",
        help="folder with the vendors' files (default: models below $TRANSHIP_SHARED or ../shared)",
    )
    add("--no-validation", action="store_true", help="do not use the vendors' files")
    add("--stock", type=Path, default=None, help="CSV file with sku,units")
    add("--sku", action="append", default=[], metavar="SKU=UNITS", help="stock of one SKU; may be repeated")
    return parser


def stock_of(given: argparse.Namespace) -> dict[str, int]:
    """Units by SKU from --stock and --sku; ValueError where they make no sense."""
    found: dict[str, int] = {}
    if given.stock is not None:
        with given.stock.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if not row.get("sku") or not (row.get("units") or "").isdigit():
                    raise ValueError(f"{given.stock}: expected columns sku,units with whole units")
                found[row["sku"]] = found.get(row["sku"], 0) + int(row["units"])
    for text in given.sku:
        sku, sign, units = text.rpartition("=")
        if not sign or not sku or not units.isdigit():
            raise ValueError(f"--sku {text}: expected SKU=UNITS")
        found[sku] = int(units)
    return found


def open_books(files: tuple[str, ...], vendor: str, *, off: bool = False) -> tuple[Mapping[str, Book], str]:
    """The vendor's files that are there, and why nothing is validated where none is used."""
    if off:
        return {}, "validation was switched off"
    folder = vendor_folder(vendor)
    if folder is None:
        return {}, "the vendors' files are not present: limits are built in and nothing is validated"
    try:
        books = {name: Book.load(folder / name) for name in files if (folder / name).is_file()}
    except ImportError:
        return {}, "jsonschema-rs is not installed: nothing is validated"
    return books, "" if books else "the vendor's files are not present: limits are built in and nothing is validated"


def add_settings(
    parser: argparse.ArgumentParser,
    plain: object,
    words: Mapping[str, str],
    choices: Mapping[str, tuple[str, ...]] = {},
) -> None:
    """An argument for each field of a network's settings that `words` describes; times are seconds of the sandbox's clock."""
    for name, text in words.items():
        default = getattr(plain, name)
        flag = f"--{name.replace('_', '-')}"
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true", help=text)
        else:
            kind = float if name.endswith("_s") else type(default)
            parser.add_argument(flag, type=kind, default=default, choices=choices.get(name), help=text)
