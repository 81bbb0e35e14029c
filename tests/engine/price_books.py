"""Price books by hand, and solvers of known behavior that are run as the real one is: in this process, or named to another."""

import os
import time
from collections.abc import Mapping

import numpy as np

from tests.engine.worlds import MONDAY, TODAY, Run
from tranship.engine import commands as cmd
from tranship.engine.snapshots import setting
from tranship.routing.prices.model import PriceBook, PriceMaking, book_of, encode
from tranship.routing.prices.snapshot import Snapshot

DOLLAR = 1_000_000


def book(
    run: Run,
    stock: Mapping[tuple[str, int], int] | None = None,
    days: Mapping[tuple[int, int], int] | None = None,
    caps: Mapping[str, int] | None = None,
    *,
    until_day: int = TODAY + 28,
    network: str = "",
) -> PriceBook:
    """A book for the run's network: micros of a unit of (SKU, node), of a unit's work on (node, day), of room under a cap."""
    cells = np.zeros((len(run.state.skus), len(run.state.nodes)), np.int64)
    for (code, node), micros in (stock or {}).items():
        cells[run.state.skus[code], node] = micros
    sha = network or run.state.network_sha
    return book_of(sha, MONDAY, until_day, cells, dict(days or {}), dict(caps or {}), PriceMaking("by hand"))


def command(made: PriceBook, at: int = MONDAY, reason: str = "by hand") -> cmd.SetPrices:
    """The command that brings a book into force."""
    return setting(encode(made), reason, at)


def steady(snapshot: Snapshot) -> PriceBook:
    """Prices that depend on everything in the snapshot that matters: what sells much and lies there little is dear."""
    sold = np.zeros(snapshot.stock.shape[0], np.int64)
    np.add.at(sold, snapshot.history.sku, snapshot.history.qty)
    stock = sold[:, None] * 100_000 // (1 + snapshot.stock) + snapshot.seed % 1000
    stock *= snapshot.allowed
    making = PriceMaking(snapshot.reason, snapshot.futures, 1, snapshot.seed, len(snapshot.history), tested_bp=1)
    caps = {cap.network: 200_000 for cap in snapshot.caps}
    days = {(0, snapshot.at // 86_400_000_000 + 1): 30_000}
    return book_of(snapshot.network_sha, snapshot.at, snapshot.until_day, stock, days, caps, making)


def raising(snapshot: Snapshot) -> PriceBook:
    """Fails."""
    raise ArithmeticError(f"no price for {len(snapshot.history)} orders")


def nonsense(snapshot: Snapshot) -> str:
    """Returns what is no book."""
    return f"{snapshot.at}"


def foreign(snapshot: Snapshot) -> PriceBook:
    """A book for another network document."""
    return book_of("elsewhere", snapshot.at, snapshot.until_day, snapshot.stock, {}, {}, PriceMaking("by hand"))


def damaged(snapshot: Snapshot) -> PriceBook:
    """A book with cells outside of it."""
    return PriceBook(snapshot.network_sha, snapshot.at, 9, 1, 1, b"\x09" + b"\0" * 7, b"\x01" + b"\0" * 7)


def talking(snapshot: Snapshot) -> PriceBook:
    """Prints while it works."""
    print("working", flush=True)
    os.write(1, b"more words")
    return steady(snapshot)


def dying(snapshot: Snapshot) -> PriceBook:
    """Its process ends in the middle."""
    os.kill(os.getpid(), 9)
    raise AssertionError


def hanging(snapshot: Snapshot) -> PriceBook:
    """Never ends; tells a file named by the environment that it began."""
    if path := os.environ.get("TRANSHIP_TEST_BEGAN"):
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(str(os.getpid()))
    while True:
        time.sleep(1)
    return steady(snapshot)
