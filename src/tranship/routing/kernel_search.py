"""Local search for orders above the exact size, compiled: lines move and swap for as long as the exact card says it gets cheaper."""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from tranship.routing.kernel_cost import Array, Priced, State, carton_cost, load, units_class
from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_limits import KIND, MOVE_PASSES, POOL, SWAP_LINES, SWAP_ROUNDS, UNIT_ROW


@inner
def var_without(order: Priced, state: State, line: int, n: int) -> int:
    """Variable cost of n's pool after `line` leaves node n."""
    node = order.node
    if node[n, KIND] == 1:
        if state.lines[n] == 1:
            return 0
        weight, volume = state.weight[n] - order.w[line], state.volume[n] - order.v[line]
        return carton_cost(node, order.rate, order.band_of, n, weight, volume)
    pool = node[n, POOL]
    units = state.units[pool] - order.q[line]
    if units == 0:
        return 0
    k = units_class(units)
    return state.sums[pool, k] - order.unit[line, node[n, UNIT_ROW], k]


@inner
def var_with(order: Priced, state: State, line: int, n: int) -> int:
    """Variable cost of n's pool after `line` joins node n."""
    node = order.node
    if node[n, KIND] == 1:
        weight, volume = state.weight[n] + order.w[line], state.volume[n] + order.v[line]
        return carton_cost(node, order.rate, order.band_of, n, weight, volume)
    pool = node[n, POOL]
    k = units_class(state.units[pool] + order.q[line])
    return state.sums[pool, k] + order.unit[line, node[n, UNIT_ROW], k]


@inner
def var_swapped(order: Priced, state: State, gone: int, come: int, n: int) -> int:
    """Variable cost of n's pool after line `gone` leaves node n and line `come` joins it."""
    node = order.node
    if node[n, KIND] == 1:
        weight = state.weight[n] - order.w[gone] + order.w[come]
        volume = state.volume[n] - order.v[gone] + order.v[come]
        return carton_cost(node, order.rate, order.band_of, n, weight, volume)
    pool, row = node[n, POOL], node[n, UNIT_ROW]
    k = units_class(state.units[pool] - order.q[gone] + order.q[come])
    return state.sums[pool, k] - order.unit[gone, row, k] + order.unit[come, row, k]


@inner
def transfer(order: Priced, state: State, line: int, here: int, there: int) -> None:
    """Move a line in what nodes and pools hold; `var` is left to the caller."""
    node, q, w, v = order.node, order.q[line], order.w[line], order.v[line]
    state.lines[here] -= 1
    state.weight[here] -= w
    state.volume[here] -= v
    state.lines[there] += 1
    state.weight[there] += w
    state.volume[there] += v
    if node[here, KIND] == 0:
        pool, row = node[here, POOL], node[here, UNIT_ROW]
        state.units[pool] -= q
        for k in range(5):
            state.sums[pool, k] -= order.unit[line, row, k]
    if node[there, KIND] == 0:
        pool, row = node[there, POOL], node[there, UNIT_ROW]
        state.units[pool] += q
        for k in range(5):
            state.sums[pool, k] += order.unit[line, row, k]


@inner
def best_move(order: Priced, state: State, line: int, here: int) -> tuple[int, int]:
    """The move of `line` away from `here` that saves most: (change of cost, node), (0, -1) where none saves."""
    node, base, feasible = order.node, order.base, order.feasible
    pool = node[here, POOL]
    left = var_without(order, state, line, here) - state.var[pool]
    leaving = -base[line, here] - (order.opened[here] if state.lines[here] == 1 else 0)
    best, to = 0, -1
    for n in range(node.shape[0]):
        if n == here or not feasible[line, n]:
            continue
        change = leaving + base[line, n] + (order.opened[n] if state.lines[n] == 0 else 0)
        if node[n, POOL] != pool:
            change += left + var_with(order, state, line, n) - state.var[node[n, POOL]]
        if change < best:
            best, to = change, n
    return best, to


@inner
def move_lines(order: Priced, assign: Array, state: State, total: int) -> int:
    """Move single lines while the exact cost falls, for at most MOVE_PASSES passes; returns the new cost."""
    node = order.node
    for _ in range(MOVE_PASSES):
        moved = False
        for line in range(order.q.shape[0]):
            here = assign[line]
            change, n = best_move(order, state, line, here)
            if n < 0:
                continue
            if node[n, POOL] != node[here, POOL]:
                state.var[node[here, POOL]] = var_without(order, state, line, here)
                state.var[node[n, POOL]] = var_with(order, state, line, n)
            transfer(order, state, line, here, n)
            assign[line] = n
            total += change
            moved = True
        if not moved:
            break
    return total


@inner
def swap_pass(order: Priced, assign: Array, state: State, total: int) -> int:
    """Swap the nodes of two lines wherever that lowers the exact cost, once over all pairs; returns the new cost."""
    node, base, feasible, count = order.node, order.base, order.feasible, order.q.shape[0]
    for one in range(count):
        for two in range(one + 1, count):
            a, b = assign[one], assign[two]
            if a == b or not feasible[one, b] or not feasible[two, a]:
                continue
            change = base[one, b] + base[two, a] - base[one, a] - base[two, b]
            if node[a, POOL] != node[b, POOL]:
                at_a, at_b = var_swapped(order, state, one, two, a), var_swapped(order, state, two, one, b)
                change += at_a + at_b - state.var[node[a, POOL]] - state.var[node[b, POOL]]
                if change < 0:
                    state.var[node[a, POOL]], state.var[node[b, POOL]] = at_a, at_b
            if change < 0:
                transfer(order, state, one, a, b)
                transfer(order, state, two, b, a)
                assign[one], assign[two] = b, a
                total += change
    return total


@inner
def improve(order: Priced, assign: Array, state: State) -> int:
    """Local search by moves from `assign` under the exact card; returns its cost, with `state` loaded for it."""
    return move_lines(order, assign, state, load(order, assign, state))


@inner
def swap_lines(order: Priced, assign: Array, state: State, total: int) -> int:
    """Local search by swaps and moves from a loaded `assign` (orders of up to SWAP_LINES lines); returns the new cost."""
    if order.q.shape[0] > SWAP_LINES:
        return total
    for _ in range(SWAP_ROUNDS):
        swapped = swap_pass(order, assign, state, total)
        if swapped == total:
            break
        total = move_lines(order, assign, state, swapped)
    return total
