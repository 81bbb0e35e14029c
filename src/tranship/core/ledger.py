"""The unit ledger: every unit is in exactly one account; every change is a balanced move; totals are derived.

An account is (node, owner, SKU, bucket). For one party the balances lie in one dense integer array
`[bucket, sku, node]`, so that routing reads a shelf with one index. Outside accounts (where units come from and go to)
may be negative or grow without limit; shelf accounts never go below zero.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tranship.core.errors import InvariantError


class Bucket(IntEnum):
    """Where a unit can be. Names follow Amazon's 2026 inventory words where such a word exists."""

    OPENING = 0  # outside: what was there before the books began (negative balance)
    SUPPLIER = 1  # outside: where receipts come from (negative balance)
    INBOUND = 2
    RECEIVING = 3
    FULFILLABLE = 4
    RESERVED = 5
    PICKED = 6
    PACKED = 7
    IN_TRANSIT = 8
    DELIVERED = 9
    RETURNED = 10
    UNFULFILLABLE = 11
    LOST = 12
    LIQUIDATED = 13
    UNACCOUNTED = 14  # difference to a remote count: may have either sign
    RESEARCHING = 15  # there, but not sold: held for an order that went elsewhere, or a count is in doubt


OUTSIDE = (Bucket.OPENING, Bucket.SUPPLIER, Bucket.UNACCOUNTED)
"""Accounts that may be negative."""
SHELF = tuple(bucket for bucket in Bucket if bucket not in OUTSIDE)
"""Accounts that never go below zero."""

FEW = 4
"""Lines up to which steps in plain integers beat array overhead: most calls, a consumer order's few lines."""

Quantities = NDArray[np.int64]


class Ledger:
    """Balances of one party. `move` is the only way to change them, and it always balances."""

    def __init__(self, skus: int, nodes: int) -> None:
        self._hold(np.zeros((len(Bucket), skus, nodes), np.int64))

    def _hold(self, balance: Quantities) -> None:
        self.balance = balance
        self.fulfillable: Quantities = balance[Bucket.FULFILLABLE]
        """Units free to be promised, `[sku, node]` (a view: read only by habit, changed only by `move`)."""
        self._cells = balance.reshape(-1).data  # the same numbers for single steps: several times as fast as an array's

    def grow(self, skus: int, nodes: int) -> None:
        """Make room for more SKUs or nodes; positions already in use keep their meaning."""
        buckets, old_skus, old_nodes = self.balance.shape
        if skus < old_skus or nodes < old_nodes:
            raise InvariantError(f"a ledger never shrinks: {old_skus} SKUs x {old_nodes} nodes to {skus} x {nodes}")
        if (skus, nodes) != (old_skus, old_nodes):
            balance = np.zeros((buckets, skus, nodes), np.int64)
            balance[:, :old_skus, :old_nodes] = self.balance
            self._hold(balance)

    def move(self, source: Bucket, target: Bucket, node: int, skus: Sequence[int], quantities: Sequence[int]) -> None:
        """Move quantities of SKUs at one node from one account to another, all or nothing.

        Raises InvariantError, and changes nothing, where a quantity is negative or a shelf would go below zero.
        """
        if len(skus) <= FEW:
            self._move_few(source, target, node, skus, quantities)
        else:
            self._move_many(source, target, node, np.asarray(skus, np.int64), np.asarray(quantities, np.int64))

    def _move_few(
        self, source: Bucket, target: Bucket, node: int, skus: Sequence[int], quantities: Sequence[int]
    ) -> None:
        cells, (_, rows, nodes) = self._cells, self.balance.shape
        taken, given = source * rows * nodes + node, target * rows * nodes + node
        done = 0
        for sku, quantity in zip(skus, quantities, strict=True):
            at = sku * nodes
            left = cells[taken + at] - quantity
            if quantity < 0 or (left < 0 and source not in OUTSIDE):
                for k in range(done):
                    cells[taken + skus[k] * nodes] += quantities[k]
                    cells[given + skus[k] * nodes] -= quantities[k]
                raise _refused(source, node, sku, quantity, left + quantity)
            cells[taken + at] = left
            cells[given + at] += quantity
            done += 1

    def _move_many(self, source: Bucket, target: Bucket, node: int, skus: Quantities, amount: Quantities) -> None:
        taken, given = self.balance[source], self.balance[target]
        if int(amount.min()) < 0:
            bad = int(amount.argmin())
            raise _refused(source, node, int(skus[bad]), int(amount[bad]), int(taken[skus[bad], node]))
        at = skus * taken.shape[1] + node  # a SKU may stand twice: `ufunc.at` adds up, plain indexing would not
        np.subtract.at(taken.reshape(-1), at, amount)
        if source not in OUTSIDE and int(taken[skus, node].min()) < 0:
            bad = int(taken[skus, node].argmin())
            np.add.at(taken.reshape(-1), at, amount)
            raise _refused(source, node, int(skus[bad]), int(amount[bad]), int(taken[skus[bad], node]))
        np.add.at(given.reshape(-1), at, amount)

    def problems(self) -> list[str]:
        """What breaks the books: a negative shelf, or a (SKU, node) whose accounts do not sum to zero. Empty when sound."""
        found = []
        for bucket in SHELF:
            for sku, node in np.argwhere(self.balance[bucket] < 0)[:5]:
                found.append(f"{bucket.name} of SKU #{sku} at node #{node} is {self.balance[bucket][sku, node]}")
        for sku, node in np.argwhere(self.balance.sum(axis=0) != 0)[:5]:
            found.append(f"accounts of SKU #{sku} at node #{node} sum to {self.balance[:, sku, node].sum()}, not 0")
        return found

    def totals(self) -> dict[str, int]:
        """Units per bucket over all SKUs and nodes."""
        return {bucket.name.lower(): int(self.balance[bucket].sum()) for bucket in Bucket}


def _refused(source: Bucket, node: int, sku: int, quantity: int, available: int) -> InvariantError:
    return InvariantError(f"{source.name} of SKU #{sku} at node #{node} holds {available}, cannot give {quantity}")


def merged(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Sum quantities per SKU, first seen first."""
    total: dict[int, int] = {}
    for sku, quantity in pairs:
        total[sku] = total.get(sku, 0) + quantity
    return total
