"""The compiled router: right costs, optimal where it says so, never an impossible node, whatever the order looks like."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.routing.factory import CENT, Case, make_case, make_tables
from tests.routing.oracle import brute_force, can_take, cost_of, optimum
from tranship.rates.cost import part_cost
from tranship.rates.tables import RateTables
from tranship.routing.solve import Solution, Solver

SOAK = os.environ.get("TRANSHIP_SOAK") == "1"
SHAPES = [(2, 3), (1, 1), (0, 3), (3, 0), (4, 2)]


def check(tables: RateTables, case: Case, solver: Solver, solution: Solution) -> None:
    """Every line at a node that takes it; every reported cost is the exact one; alternatives distinct and in order."""
    found = [(solution.cost, solution.assign), *solution.alternatives]
    for cost, assign in found:
        assert len(assign) == len(case.q)
        assert all(can_take(tables, case, line, int(n)) for line, n in enumerate(assign))
        assert cost == cost_of(tables, case, assign) == solver.exact(assign, *case.args())
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)
    assert len({tuple(assign.tolist()) for _, assign in found}) == len(found)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("pooled", [False, True], ids=["per-part", "per-order"])
def test_small_orders_are_optimal_by_brute_force(shape: tuple[int, int], pooled: bool):
    """Up to 5 lines no assignment at all is cheaper, with units counted per part or per order, with and without dim weight."""
    for seed in range(12):
        tables = make_tables(seed, per_unit=shape[0], parcel=shape[1], pooled=pooled, dim=seed % 2 == 0)
        solver = Solver(tables)
        for lines in (1, 2, 3, 4, 5):
            case = make_case(tables, 100 * seed + lines, lines, most_units=(2, 12)[seed % 2], gamma=seed % 3 * 500_000)
            solution = solver.solve(*case.args())
            assert solution.cost == brute_force(tables, case)
            check(tables, case, solver, solution)


@pytest.mark.parametrize("pooled", [False, True], ids=["per-part", "per-order"])
def test_orders_of_eight_lines_equal_the_mip_optimum(pooled: bool):
    """At 6 to 8 lines the answer costs what HiGHS proves to be the least."""
    for seed in range(40 if SOAK else 12):
        tables = make_tables(seed, per_unit=2 + seed % 2, parcel=seed % 4, pooled=pooled, dim=seed % 3 == 0)
        solver = Solver(tables)
        for lines in (6, 7, 8):
            case = make_case(tables, 10 * seed + lines, lines, most_units=(3, 12, 60)[seed % 3])
            best = optimum(tables, case)
            assert best.gap < 1e-6
            assert solver.solve(*case.args()).cost == best.cost


def test_larger_orders_stay_near_the_mip_optimum():
    """At 9 to 25 lines no answer is below the optimum; on average it is within half a percent."""
    gaps = []
    for seed in range(60 if SOAK else 16):
        tables = make_tables(seed, pooled=seed % 4 == 0, dim=seed % 4 == 1)
        case = make_case(tables, seed, 9 + seed % 17, gamma=seed % 3 * 500_000)
        solver, best = Solver(tables), optimum(tables, case)
        solution = solver.solve(*case.args())
        check(tables, case, solver, solution)
        gaps.append(solution.cost / best.cost - 1)
    assert min(gaps) >= 0
    assert np.mean(gaps) < 0.005


def test_costs_are_what_quotes_charge():
    """A solution's cost is the quoted cost of its parts plus the prices it was given."""
    for seed in range(30):
        tables = make_tables(seed, dim=seed % 2 == 0, pooled=seed % 3 == 0)
        case = make_case(tables, seed, 1 + seed % 14, gamma=700_000)
        solution = Solver(tables).solve(*case.args())
        pooled = sum(int(q) for q, n in zip(case.q, solution.assign, strict=True) if tables.unit_row[n] == 0)
        total = sum(int(case.mu[line, n]) for line, n in enumerate(solution.assign))
        for n in set(solution.assign.tolist()):
            lines = [(int(case.sku[i]), int(case.q[i])) for i in np.flatnonzero(solution.assign == n)]
            charged = part_cost(tables, n, lines, int(case.zone[n]), bool(case.residential), order_units=pooled)
            total += charged + int(case.gamma[n])
        assert solution.cost == total


@given(
    seed=st.integers(0, 10_000),
    shape=st.sampled_from([(1, 0), (0, 1), (2, 3), (3, 9), (6, 12)]),
    lines=st.integers(1, 24),
    cover=st.sampled_from([0.0, 0.3, 1.0]),
    most_units=st.sampled_from([1, 4, 19_152]),
    weights=st.sampled_from([(0, 0), (1, 1), (45, 230), (30_000, 35_000)]),
    dim=st.booleans(),
    pooled=st.booleans(),
)
def test_any_order_is_covered_at_its_exact_cost(
    seed: int,
    shape: tuple[int, int],
    lines: int,
    cover: float,
    most_units: int,
    weights: tuple[int, int],
    dim: bool,
    pooled: bool,
):
    """One node or eighteen, weightless or over a carton each, one unit or 19,152: every line ships from a node that takes it."""
    tables = make_tables(seed, per_unit=shape[0], parcel=shape[1], weights=weights, dim=dim, pooled=pooled)
    case = make_case(tables, seed, lines, cover=cover, most_units=most_units)
    solver = Solver(tables)
    solution = solver.solve(*case.args())
    assert solution.cost >= 0
    check(tables, case, solver, solution)
    for n in range(len(tables.kind)):  # never worse than everything from one node
        whole = solver.exact(np.full(lines, n, np.int64), *case.args())
        assert whole < 0 or solution.cost <= whole


def test_all_lines_on_one_node_only_go_there():
    """Where one node alone can ship each line the order goes there, small or large."""
    tables = make_tables(3)
    for lines in (4, 30):
        case = make_case(tables, 1, lines)
        case.ok[:] = 0
        case.ok[:, 3] = 1
        solution = Solver(tables).solve(*case.args())
        assert solution.assign.tolist() == [3] * lines
        assert solution.alternatives == ()


def test_a_line_without_a_node_makes_the_order_infeasible():
    """A cleared row, a SKU that fits no card, or an unserved zone gives cost -1 and no assignment."""
    tables = make_tables(3, per_unit=0, parcel=2)
    solver = Solver(tables)
    for lines in (3, 12):
        case = make_case(tables, 1, lines, cover=1.0)
        assert solver.solve(*case.args()).cost > 0
        unserved = Case(case.q, case.sku, case.ok, case.mu, case.gamma, np.zeros(2, np.int64), case.residential)
        assert solver.solve(*unserved.args()).cost == -1
        tables.fits[case.sku[1]] = 0
        assert Solver(tables).solve(*case.args()).cost == -1
        tables.fits[:] = 1
        case.ok[lines - 1] = 0
        solution = solver.solve(*case.args())
        assert (solution.cost, solution.assign.tolist(), solution.alternatives) == (-1, [], ())


def test_an_order_without_lines_has_no_solution():
    """No lines, no cost: the caller is told that there is nothing to route."""
    tables = make_tables(1)
    case = make_case(tables, 1, 0)
    assert Solver(tables).solve(*case.args()).cost == -1


@pytest.mark.parametrize("lines", [3, 12])
def test_equal_costs_go_to_fewer_parts_then_lower_nodes(lines: int):
    """With free and equal nodes the order is not split, and goes to the lowest node."""
    tables = make_tables(1, per_unit=3, parcel=0)
    tables.unit_price[:] = tables.unit_price[:1, :, 4:]  # one price whatever the class and the card
    case = make_case(tables, 1, lines, cover=1.0, priced=False)
    assert Solver(tables).solve(*case.args()).assign.tolist() == [0] * lines
    case.ok[:, 0] = 0
    assert Solver(tables).solve(*case.args()).assign.tolist() == [1] * lines


def test_units_counted_over_the_order_reach_the_lower_class():
    """Three and two units at two nodes of one card pay the class of five when units are counted per order."""
    costs = {}
    for pooled in (False, True):
        tables = make_tables(1, per_unit=2, parcel=0, pooled=pooled)
        tables.unit_price[0, :] = np.array([395, 275, 239, 189, 179]) * CENT
        tables.order_fee[:] = 0
        case = make_case(tables, 1, 2, priced=False)
        case.q[:] = [3, 2]
        case.ok[:] = [[1, 0], [0, 1]]
        costs[pooled] = Solver(tables).solve(*case.args()).cost
    assert costs == {False: (3 * 239 + 2 * 275) * CENT, True: 5 * 179 * CENT}


def test_the_price_of_opening_a_part_is_weighed():
    """A price on parts at the per-unit nodes drives small orders away from them, and is part of the cost."""
    tables = make_tables(2)
    case = make_case(tables, 5, 1, cover=1.0, priced=False)
    case.q[:] = 1
    solver = Solver(tables)
    free = solver.solve(*case.args())
    assert free.assign[0] < 2
    case.gamma[:2] = 100_000_000
    priced = solver.solve(*case.args())
    assert priced.assign[0] >= 2
    case.ok[:, 2:] = 0
    assert solver.solve(*case.args()).cost == free.cost + 100_000_000


def test_hundreds_of_lines_take_bounded_work():
    """An order of 675 lines over 18 nodes is routed at exact cost, and better than by moves alone."""
    tables = make_tables(4, per_unit=4, parcel=14, skus=700)
    case = make_case(tables, 4, 675)
    solver = Solver(tables)
    solution = solver.solve(*case.args())
    check(tables, case, solver, solution)
    assert solution.cost <= Solver(tables, rounds=0).solve(*case.args()).cost


def test_more_nodes_than_the_screen_keeps_still_cover_every_line():
    """Where each of 16 nodes alone stocks a line, all of them are used."""
    tables = make_tables(4, per_unit=4, parcel=12)
    case = make_case(tables, 4, 16)
    case.ok[:] = np.eye(16, dtype=np.uint8)
    assert Solver(tables).solve(*case.args()).assign.tolist() == list(range(16))


def test_other_types_are_refused():
    """Arrays of another type or layout raise instead of being compiled for or read wrongly."""
    tables = make_tables(1)
    case = make_case(tables, 1, 4)
    with pytest.raises(TypeError):
        Solver(tables).solve(case.q.astype(np.int32), *case.args()[1:])
    with pytest.raises(TypeError):
        Solver(tables).solve(*case.args()[:3], np.asfortranarray(case.mu), *case.args()[4:])


def test_nodes_of_one_card_that_count_differently_are_refused():
    """A per-unit card counts its units one way at all its nodes."""
    tables = make_tables(1, pooled=True)
    tables.unit_scope[0] = 0
    with pytest.raises(ValueError, match="count units differently"):
        Solver(tables)


def test_settings_out_of_range_are_refused():
    """Starts and rounds are not negative and there is at least one bucket."""
    for settings in ((-1, 3, 250), (0, -1, 250), (0, 3, 0)):
        with pytest.raises(ValueError, match="or more"):
            Solver(make_tables(1), *settings)


def run(code: str, **environment: str) -> str:
    """Run Python code in a process of its own; returns what it printed."""
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_the_compiler_is_loaded_only_when_a_solver_is_made():
    """Importing the module costs no compiler; the twin never loads it."""
    code = (
        "import sys; from tests.routing.factory import make_tables; from tranship.routing.solve import Solver;"
        "print('numba' in sys.modules); print(Solver(make_tables(1)).pure, 'numba' in sys.modules)"
    )
    assert run(code, TRANSHIP_PURE="1").splitlines() == ["False", "True False"]


def test_without_numba_the_twin_answers():
    """Where numba cannot be imported the solver works all the same."""
    code = (
        "import sys; sys.modules['numba'] = None; from tests.routing.factory import make_tables, make_case;"
        "from tranship.routing.solve import Solver; tables = make_tables(1); solver = Solver(tables);"
        "print(solver.pure, solver.solve(*make_case(tables, 1, 3).args()).cost)"
    )
    tables = make_tables(1)
    assert run(code, TRANSHIP_PURE="0") == f"True {Solver(tables).solve(*make_case(tables, 1, 3).args()).cost}"


def test_compiled_code_lies_where_it_was_told_or_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The cache goes below $TRANSHIP_CACHE, named by the kernel's sources; where nothing can be written there is none."""
    jit = pytest.importorskip("tranship.routing.kernel_jit")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("TRANSHIP_CACHE", str(tmp_path / "here"))
    where = Path(jit.cache_directory())
    assert where.parent == tmp_path / "here" / "numba"
    assert where.is_dir()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRANSHIP_CACHE", str(tmp_path / "file"))
    assert jit.cache_directory() == ""
