"""Moves of whole nodes, compiled: what no division of two nodes' lines reaches.

A node's lines go to another node all at once (merging); or a used node is closed, an unused one opened, and the pair search looks into it.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from tranship.routing.kernel_cost import Array, Priced, State, copy, load
from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_limits import BIG, MERGE_WORK, TOGGLE_SLACK
from tranship.routing.kernel_pair import PairRoom
from tranship.routing.kernel_screen import ScreenRoom
from tranship.routing.kernel_search import improve


@inner
def merge_nodes(order: Priced, assign: Array, total: int, state: State, room: PairRoom) -> int:
    """Move all lines of a node that another can take there, then single lines; `assign` and the returned cost are the best found."""
    nodes, trial, held, work = order.node.shape[0], room.lines[0], room.nodes[1], 0
    load(order, assign, state)
    copy(state.lines, held)
    for b in range(nodes):
        for a in range(nodes):
            if a == b or held[a] == 0 or work > MERGE_WORK:
                continue
            work += assign.shape[0] * nodes
            copy(assign, trial)
            for line in range(assign.shape[0]):
                if assign[line] == a and order.feasible[line, b]:
                    trial[line] = b
            cost = improve(order, trial, state)
            if cost < total:
                total = cost
                copy(trial, assign)
                copy(state.lines, held)
    return total


@inner
def cheapest_other(screen: ScreenRoom, line: int, c: int) -> int:
    """The node other than c that takes a line at the least linear cost, a used one if there is; c where none does."""
    used, unused, best_used, best_unused = c, c, BIG, BIG
    for n in range(screen.linear.shape[1]):
        cost = screen.linear[line, n]
        if n != c and screen.nodes[3, n] and cost < best_used:
            used, best_used = n, cost
        if n != c and cost < best_unused:
            unused, best_unused = n, cost
    return used if used != c else unused


@inner
def toggle(screen: ScreenRoom, assign: Array, c: int, trial: Array) -> bool:
    """Write `assign` with node c closed or, unused so far, opened; false where nothing changes. Marks used nodes in the screen's memory.

    Lines of a closed node go to the cheapest other used node, else to any other; an opened node gets the lines it is linearly cheaper for.
    """
    used, changed = screen.nodes[3], False
    for n in range(used.shape[0]):
        used[n] = 0
    for line in range(assign.shape[0]):
        used[assign[line]] = 1
    for line in range(assign.shape[0]):
        here, there = assign[line], assign[line]
        if here == c:
            there = cheapest_other(screen, line, c)
        elif not used[c] and screen.linear[line, c] < screen.linear[line, here]:
            there = c
        trial[line] = there
        changed = changed or there != here
    return changed


@inner
def toggled(order: Priced, assign: Array, total: int, c: int, state: State, room: PairRoom, screen: ScreenRoom) -> bool:
    """Write `assign` with node c closed or opened, then improved by moves, to the room's last row; false where no search is worth it."""
    trial = room.lines[4]
    return toggle(screen, assign, c, trial) and improve(order, trial, state) <= total + total // TOGGLE_SLACK
