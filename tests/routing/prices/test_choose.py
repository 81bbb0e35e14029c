"""The cheapest way to ship one order: exact where it says so, an upper estimate above, and a lower one beside it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.routing.prices.kernels import way
from tranship.routing.prices.kernel_choose import EXACT_NODES, NEVER

Sheet = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def sheets(draw: st.DrawFn, nodes: tuple[int, int], lines: tuple[int, int]) -> Sheet:
    """Value [N, L], fixed [N], penalty [L]; quarters, so that sums are exact; some cells and nodes are ruled out."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, count = draw(st.integers(*nodes)), draw(st.integers(*lines))
    highest = draw(st.sampled_from([4, 40, 4_000]))
    value = rng.integers(0, highest + 1, (n, count)) / 4
    fixed = rng.integers(0, 60, n) / 4
    value[rng.random((n, count)) < draw(st.sampled_from([0.0, 0.3, 0.9]))] = NEVER
    fixed[rng.random(n) < draw(st.sampled_from([0.0, 0.3]))] = NEVER
    penalty = rng.integers(0, draw(st.sampled_from([40, 400_000])) + 1, count) / 4
    return value, fixed, penalty


def least(sheet: Sheet) -> float:
    """The cheapest of all assignments."""
    value, fixed, penalty = sheet
    nodes, lines = value.shape
    plans = np.indices((nodes + 1,) * lines).reshape(lines, -1)
    total = np.zeros(plans.shape[1])
    padded = np.vstack([value, penalty[None]])
    for line in range(lines):
        total += padded[plans[line], line]
    for n in range(nodes):
        total += np.where((plans == n).any(0), fixed[n], 0.0)
    return float(total.min())


def cost_of(sheet: Sheet, out: np.ndarray) -> float:
    """What an assignment costs."""
    value, fixed, penalty = sheet
    nodes = len(fixed)
    parts = sum(fixed[n] for n in set(out.tolist()) if n < nodes)
    return parts + sum(value[n, i] if n < nodes else penalty[i] for i, n in enumerate(out.tolist()))


def chosen(sheet: Sheet, *, lower: bool = False) -> tuple[float, np.ndarray]:
    """(cost, node of each line)."""
    value, fixed, penalty = sheet
    out = np.full(value.shape[1], -1, np.int64)
    return way(np.ascontiguousarray(value), fixed, penalty, lower, out), out


@settings(max_examples=300)
@given(sheets((1, 6), (1, 3)))
def test_up_to_three_lines_the_cheapest_way_is_found(sheet: Sheet) -> None:
    """Equal to every assignment looked at, ruled out cells and unfilled lines included; the assignment costs what is said."""
    cost, out = chosen(sheet)
    assert cost == least(sheet) == cost_of(sheet, out)
    assert chosen(sheet, lower=True)[0] == cost


@settings(max_examples=60)
@given(st.one_of(sheets((1, 4), (4, 6)), sheets((8, 10), (4, 4))))
def test_up_to_ten_nodes_more_lines_are_exact_too(sheet: Sheet) -> None:
    """Every set of nodes is looked at, so the cost is the least."""
    cost, out = chosen(sheet)
    assert cost == least(sheet) == cost_of(sheet, out)
    assert chosen(sheet, lower=True)[0] == cost


@settings(max_examples=60)
@given(sheets((EXACT_NODES + 1, EXACT_NODES + 3), (4, 4)))
def test_above_ten_nodes_the_search_is_never_below_and_the_lower_estimate_never_above(sheet: Sheet) -> None:
    """Local search is a real assignment; each line carrying its share of a part is below all of them."""
    cost, out = chosen(sheet)
    best = least(sheet)
    assert cost == cost_of(sheet, out) >= best
    assert chosen(sheet, lower=True)[0] <= best + 1e-9
    assert cost <= sheet[2].sum()


@example(seed=3)
@given(st.integers(0, 10_000))
def test_closed_nodes_do_not_count_against_exactness(seed: int) -> None:
    """Thirty nodes of which ten may ship are searched exactly, four lines and all."""
    rng = np.random.default_rng(seed)
    value, fixed = rng.integers(0, 40, (30, 4)) / 4, np.full(30, NEVER)
    open_ = np.sort(rng.permutation(30)[:EXACT_NODES])
    fixed[open_] = rng.integers(0, 40, EXACT_NODES) / 4
    penalty = np.full(4, 50.0)
    cost, out = chosen((value, fixed, penalty))
    assert cost == least((value[open_], fixed[open_], penalty))
    assert set(out.tolist()) <= {*open_.tolist(), 30}


def test_an_order_without_lines_costs_nothing() -> None:
    """No line, no part."""
    assert chosen((np.zeros((2, 0)), np.ones(2), np.zeros(0)))[0] == 0.0


@pytest.mark.parametrize("lines", [1, 2, 3, 4])
def test_where_no_node_can_ship_lines_stay_unfilled_at_their_penalty(lines: int) -> None:
    """Every cell ruled out: the penalties are the cost."""
    cost, out = chosen((np.full((3, lines), NEVER), np.ones(3), np.full(lines, 7.0)))
    assert cost == 7.0 * lines
    assert (out == 3).all()
