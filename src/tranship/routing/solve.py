"""Routing of one order at exact cost: the door to the compiled kernel and to its pure Python twin, which give the same answers.

Importing this module imports no compiler: numba is loaded (and, the first time, the kernel is compiled and cached) when the first
`Solver` is made. `TRANSHIP_PURE=1`, or a missing numba, selects the twin.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.rates.tables import RateTables
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.pack import Packed, pack

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Entry = Callable[..., int]


class Solution:
    """One order's answer: exact `cost` in micros (-1: some line has no node), and the node of each line."""

    __slots__ = ("_found", "_rows", "cost")

    def __init__(self, found: int, rows: Ints) -> None:
        self._found, self._rows = found, rows
        self.cost = int(rows[0, 0]) if found else -1

    @property
    def assign(self) -> Ints:
        """Node of each line [L]; empty where infeasible."""
        return self._rows[0, 1:] if self._found else self._rows[0, :0]

    @property
    def alternatives(self) -> tuple[tuple[int, Ints], ...]:
        """Up to two other distinct solutions (cost, assign), cheaper first: good ones, not necessarily the next best."""
        return tuple((int(row[0]), row[1:]) for row in self._rows[1 : self._found])

    def others(self) -> list[tuple[int, tuple[int, ...]]]:
        """The alternatives in plain numbers."""
        if self._found < 2:
            return []
        rows: list[list[int]] = self._rows[1 : self._found].tolist()
        return [(row[0], tuple(row[1:])) for row in rows]

    def __repr__(self) -> str:
        return f"Solution(cost={self.cost}, assign={self.assign.tolist()}, alternatives={self.alternatives})"


class _Entries(NamedTuple):
    """The kernel's functions, or the twin's."""

    small: Entry
    large: Entry
    exact: Entry
    pure: bool


def _entries(pure: bool) -> _Entries:
    if not pure:
        try:
            from tranship.routing import kernel

            return _Entries(kernel.solve_small, kernel.solve_large, kernel.exact, pure=False)
        except ModuleNotFoundError as missing:
            if (missing.name or "").split(".")[0] != "numba":
                raise
    from tranship.routing import twin

    return _Entries(twin.solve_small, twin.solve_large, twin.exact, pure=True)


class Solver:
    """Routes orders under one set of rate tables. Safe to share between threads: nothing is kept between calls.

    Args:
        starts: search starts above 8 lines; 0: by number of nodes (8 up to 5, 16 up to 8, else 32).
        rounds: best starts that get the pair search; from 3 on the best solution's nodes are closed and opened one by one as well.
        buckets: weight steps of the pair search.
        pure: use the Python twin; None: as TRANSHIP_PURE says.
    """

    def __init__(
        self, tables: RateTables, starts: int = 0, rounds: int = 3, buckets: int = 250, *, pure: bool | None = None
    ) -> None:
        if starts < 0 or rounds < 0 or buckets < 1:
            raise ValueError(f"starts and rounds must be 0 or more, buckets 1 or more: {starts}, {rounds}, {buckets}")
        if pure is None:
            pure = os.environ.get("TRANSHIP_PURE", "") not in ("", "0")
        self._small, self._large, self._exact, self.pure = _entries(pure)
        self.cards: Packed = pack(tables)
        self._effort = (starts, rounds, buckets)

    def solve(self, q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int) -> Solution:
        """The cheapest way found to ship an order, each line whole from one node (the optimum up to 8 lines).

        Minimizes, over nodes used, exact part cost + `gamma[n]`, plus `mu[line, n]`. A line goes only where `ok` is not 0, its SKU fits the
        node's card, and a parcel node has a zone.

        Args:
            q: [L] units, 1 or more. sku: [L] SKU positions, distinct. ok: [L, N]. mu: [L, N] price of the whole line at the node, micros.
            gamma: [N] price of opening a part, micros. zone: [N] 1..9, 0: not served. residential: 1 or 0.
            All C-contiguous int64 (`ok` uint8); other types raise TypeError.
        """
        count = q.shape[0]
        out = np.empty((3, count + 1), np.int64)
        if count > SUBSET_LINES:
            found = self._large(q, sku, ok, mu, gamma, zone, residential, *self.cards, out, *self._effort)
        else:
            found = self._small(q, sku, ok, mu, gamma, zone, residential, *self.cards, out) if count else 0
        return Solution(found, out)

    def solve_small(
        self, q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int, out: Ints
    ) -> int:
        """`solve` for 1 to SUBSET_LINES lines into the caller's `out[3, 1 + L]`: rows of cost and nodes, best first; how many."""
        return self._small(q, sku, ok, mu, gamma, zone, residential, *self.cards, out)

    def exact(
        self, assign: Ints, q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int
    ) -> int:
        """Exact cost in micros of any assignment; -1 where it sends a line to a node that cannot take it."""
        return int(self._exact(q, sku, ok, mu, gamma, zone, residential, *self.cards, assign))
