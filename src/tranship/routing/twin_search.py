"""Local search by moves and swaps in plain Python: the twin of `kernel_search`."""

from tranship.routing.kernel_limits import KIND, MOVE_PASSES, POOL, SWAP_LINES, SWAP_ROUNDS, UNIT_ROW
from tranship.routing.twin_cost import Priced, State, add_units, carton_cost, load, units_class


def var_changed(order: Priced, state: State, n: int, gone: int, come: int) -> int:
    """Variable cost of n's pool after line `gone` leaves node n and line `come` joins it (-1: none)."""
    settings = order.node[n]
    if settings[KIND] == 1:
        weight, volume, lines = state.weight[n], state.volume[n], state.lines[n]
        if gone >= 0:
            weight, volume, lines = weight - order.w[gone], volume - order.v[gone], lines - 1
        if come >= 0:
            weight, volume, lines = weight + order.w[come], volume + order.v[come], lines + 1
        return carton_cost(order, n, weight, volume) if lines else 0
    pool, row = settings[POOL], settings[UNIT_ROW]
    units = state.units[pool] - (order.q[gone] if gone >= 0 else 0) + (order.q[come] if come >= 0 else 0)
    if units == 0:
        return 0
    k = units_class(units)
    cost = state.sums[pool][k]
    cost -= order.unit[gone][row][k] if gone >= 0 else 0
    return cost + (order.unit[come][row][k] if come >= 0 else 0)


def transfer(order: Priced, state: State, line: int, here: int, there: int) -> None:
    """Move a line in what nodes and pools hold; `var` is left to the caller."""
    for n, sign in ((here, -1), (there, 1)):
        state.lines[n] += sign
        state.weight[n] += sign * order.w[line]
        state.volume[n] += sign * order.v[line]
        if order.node[n][KIND] == 0:
            add_units(order, state, line, n, sign)


def best_move(order: Priced, state: State, line: int, here: int) -> tuple[int, int]:
    """The move of `line` away from `here` that saves most: (change of cost, node), (0, -1) where none saves."""
    node, base = order.node, order.base[line]
    pool = node[here][POOL]
    left = var_changed(order, state, here, line, -1) - state.var[pool]
    leaving = -base[here] - (order.opened[here] if state.lines[here] == 1 else 0)
    best, to = 0, -1
    for n in order.nodes:
        if n == here or not order.feasible[line][n]:
            continue
        change = leaving + base[n] + (order.opened[n] if state.lines[n] == 0 else 0)
        if node[n][POOL] != pool:
            change += left + var_changed(order, state, n, -1, line) - state.var[node[n][POOL]]
        if change < best:
            best, to = change, n
    return best, to


def move_lines(order: Priced, assign: list[int], state: State, total: int) -> int:
    """Move single lines while the exact cost falls; returns the new cost."""
    node = order.node
    for _ in range(MOVE_PASSES):
        moved = False
        for line in order.lines:
            here = assign[line]
            change, n = best_move(order, state, line, here)
            if n < 0:
                continue
            if node[n][POOL] != node[here][POOL]:
                state.var[node[here][POOL]] = var_changed(order, state, here, line, -1)
                state.var[node[n][POOL]] = var_changed(order, state, n, -1, line)
            transfer(order, state, line, here, n)
            assign[line] = n
            total += change
            moved = True
        if not moved:
            break
    return total


def swap_pass(order: Priced, assign: list[int], state: State, total: int) -> int:
    """Swap the nodes of two lines wherever that lowers the exact cost, once over all pairs; returns the new cost."""
    node, base, feasible = order.node, order.base, order.feasible
    for one in order.lines:
        for two in range(one + 1, len(assign)):
            a, b = assign[one], assign[two]
            if a == b or not feasible[one][b] or not feasible[two][a]:
                continue
            change = base[one][b] + base[two][a] - base[one][a] - base[two][b]
            pool_a, pool_b = node[a][POOL], node[b][POOL]
            if pool_a != pool_b:
                at_a, at_b = var_changed(order, state, a, one, two), var_changed(order, state, b, two, one)
                change += at_a + at_b - state.var[pool_a] - state.var[pool_b]
                if change < 0:
                    state.var[pool_a], state.var[pool_b] = at_a, at_b
            if change < 0:
                transfer(order, state, one, a, b)
                transfer(order, state, two, b, a)
                assign[one], assign[two] = b, a
                total += change
    return total


def improve(order: Priced, assign: list[int], state: State) -> int:
    """Local search by moves from `assign`; returns its cost, with `state` loaded for it."""
    return move_lines(order, assign, state, load(order, assign, state))


def swap_lines(order: Priced, assign: list[int], state: State, total: int) -> int:
    """Local search by swaps and moves from a loaded `assign`; returns the new cost."""
    if len(assign) > SWAP_LINES:
        return total
    for _ in range(SWAP_ROUNDS):
        swapped = swap_pass(order, assign, state, total)
        if swapped == total:
            break
        total = move_lines(order, assign, state, swapped)
    return total
