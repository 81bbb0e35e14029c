"""Moves of whole nodes in plain Python: the twin of `kernel_nodes`."""

from tranship.routing.kernel_limits import (
    BIG,
    MERGE_ROUNDS,
    MERGE_WORK,
    TOGGLE_FROM,
    TOGGLE_ROUNDS,
    TOGGLE_SLACK,
    TOGGLE_WORK,
)
from tranship.routing.twin_cost import Priced, State, load
from tranship.routing.twin_pair import improve_pairs
from tranship.routing.twin_search import improve


def merge_nodes(order: Priced, assign: list[int], total: int, state: State) -> int:
    """Move all lines of a node that another can take there, then single lines; `assign` and the returned cost are the best found."""
    load(order, assign, state)
    held, work = list(state.lines), 0
    for b in order.nodes:
        for a in order.nodes:
            if a == b or held[a] == 0 or work > MERGE_WORK:
                continue
            work += len(assign) * len(order.node)
            trial = [b if n == a and order.feasible[line][b] else n for line, n in enumerate(assign)]
            cost = improve(order, trial, state)
            if cost < total:
                total, held = cost, list(state.lines)
                assign[:] = trial
    return total


def toggle(linear: list[list[int]], assign: list[int], c: int) -> list[int]:
    """`assign` with node c closed or, unused so far, opened."""
    used = set(assign)
    others = sorted(used - {c})
    trial = []
    for line, here in enumerate(assign):
        row, there = linear[line], here
        if here == c:
            able = [n for n in others if row[n] < BIG] or [n for n in range(len(row)) if n != c and row[n] < BIG]
            there = min(able, key=row.__getitem__, default=here)
        elif c not in used and row[c] < row[here]:
            there = c
        trial.append(there)
    return trial


def toggle_nodes(
    order: Priced, assign: list[int], total: int, state: State, buckets: int, linear: list[list[int]]
) -> int:
    """Close or open each node in turn and search from there; `assign` and the returned cost are the best found."""
    for c in order.nodes:
        trial = toggle(linear, assign, c)
        if trial != assign:
            cost = improve(order, trial, state)
            if cost <= total + total // TOGGLE_SLACK:
                cost = improve_pairs(order, trial, state, buckets)
            if cost < total:
                total = cost
                assign[:] = trial
    return total


def move_nodes(
    order: Priced, assign: list[int], total: int, state: State, buckets: int, linear: list[list[int]], effort: int
) -> int:
    """Merges, then (from TOGGLE_FROM effort on, on orders that are not too large) closing and opening, while they help."""
    for _ in range(MERGE_ROUNDS):
        if merge_nodes(order, assign, total, state) == total:
            break
        total = improve_pairs(order, assign, state, buckets)
    if effort >= TOGGLE_FROM and len(assign) * len(order.node) <= TOGGLE_WORK:
        for _ in range(TOGGLE_ROUNDS):
            before = total
            total = toggle_nodes(order, assign, before, state, buckets, linear)
            if total == before:
                break
    return total
