"""The UCI year end to end on SQLite, beside a raw arm: the same file read with `csv` and written as plain rows, nothing decided.

    python -m benchmarks.replay --json
    python -m benchmarks.replay --lines 60000      a short version

`lines_per_s` counts the lines of the file over the whole command's wall time, from an empty folder: reading, deriving the
world, deciding, committing, the last hash. The raw arm says how fast this machine reads and stores lines at all today.
"""

import argparse
import csv
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import apsw

from benchmarks.machine import describe

ORDERS_IN_BATCH = 200


def source() -> Path:
    """The UCI file below ../shared."""
    base = Path(os.environ.get("TRANSHIP_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    return base / "data" / "uci_online_retail" / "online_retail_2009_2010.csv.gz"


def first_lines(path: Path, lines: int, folder: Path) -> Path:
    """The file itself, or a copy of its first lines."""
    if not lines:
        return path
    short = folder / "short.csv"
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="") as read,
        short.open("w", encoding="utf-8", newline="") as out,
    ):
        for number, line in enumerate(read):
            if number > lines:
                break
            out.write(line)
    return short


def raw_arm(path: Path, folder: Path) -> float:
    """Seconds to read the file with `csv` and store orders and lines durably, 200 orders a transaction."""
    opener = gzip.open if path.suffix == ".gz" else open
    begun = time.perf_counter()
    db = apsw.Connection(str(folder / "raw.db"))
    db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE orders(id TEXT PRIMARY KEY, at TEXT, customer TEXT) WITHOUT ROWID")
    db.execute("CREATE TABLE line(id TEXT, n INTEGER, sku TEXT, qty INTEGER, price REAL)")
    orders: dict[str, tuple[str, str, str]] = {}
    lines: list[tuple[str, int, str, int, float]] = []
    with opener(path, "rt", encoding="utf-8", newline="") as read:
        for n, row in enumerate(csv.reader(read)):
            if n == 0:
                continue
            orders.setdefault(row[0], (row[0], row[4], row[6]))
            lines.append((row[0], n, row[1], int(row[3]), float(row[5])))
            if len(orders) >= ORDERS_IN_BATCH:
                _store(db, orders, lines)
    _store(db, orders, lines)
    db.close()
    return time.perf_counter() - begun


def _store(
    db: apsw.Connection, orders: dict[str, tuple[str, str, str]], lines: list[tuple[str, int, str, int, float]]
) -> None:
    with db:
        db.executemany("INSERT OR IGNORE INTO orders VALUES (?,?,?)", list(orders.values()))
        db.executemany("INSERT INTO line VALUES (?,?,?,?,?)", lines)
    orders.clear()
    lines.clear()


def engine_arm(path: Path, folder: Path) -> dict[str, object]:
    """The figures of `tranship replay --json` in a process of its own."""
    command = [sys.executable, "-m", "tranship.cli", "replay", str(path), "--network", str(folder / "tranship.toml")]
    subprocess.run([sys.executable, "-m", "tranship.cli", "init", str(folder)], check=True, capture_output=True)
    run = folder / "run"
    begun = time.perf_counter()
    done = subprocess.run([*command, "--run", str(run), "--json"], check=True, capture_output=True, text=True)
    wall = time.perf_counter() - begun
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    figures["wall_s"] = round(wall, 2)
    figures["cpu_s"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, 2)
    return figures


def main() -> None:
    """Both arms, `--rounds` times in turn; medians."""
    parser = argparse.ArgumentParser(description="the UCI year end to end")
    parser.add_argument("--lines", type=int, default=0, help="only the first so many lines")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if not source().exists():
        print(json.dumps({"skipped": "../shared/data/uci_online_retail is not present"}))
        return
    rates, raws, last = [], [], {}
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory(dir=".") as name:
            folder = Path(name)
            path = first_lines(source(), chosen.lines, folder)
            last = engine_arm(path, folder)
            seconds = raw_arm(path, folder)
            rates.append(int(str(last["lines_read"])) / float(str(last["wall_s"])))
            raws.append(int(str(last["lines_read"])) / seconds)
    figures = {
        **last,
        "lines_per_s": round(statistics.median(rates)),
        "lines_per_s_min": round(min(rates)),
        "lines_per_s_max": round(max(rates)),
        "raw_lines_per_s": round(statistics.median(raws)),
        "ratio_to_raw": round(statistics.median(a / b for a, b in zip(rates, raws, strict=True)), 4),
        "machine": describe(),
    }
    print(json.dumps(figures, indent=None if chosen.json else 2))


if __name__ == "__main__":
    main()
