"""The compiled kernel and the plain Python twin are one router: same costs, same nodes, same ties."""

import os
import random

import pytest

from tests.routing.factory import make_case, make_tables
from tranship.routing.solve import Solution, Solver

SOAK = os.environ.get("TRANSHIP_SOAK") == "1"
TABLES, CASES = (1000, 10) if SOAK else (100, 10)
SHAPES = [(2, 3), (2, 3), (2, 3), (0, 3), (3, 0), (1, 1), (4, 4), (3, 9), (6, 10), (1, 0), (0, 1)]
LINES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30]


def told(solution: Solution) -> tuple[int, list[int], list[tuple[int, list[int]]]]:
    """Everything a solution says, comparable."""
    others = [(cost, assign.tolist()) for cost, assign in solution.alternatives]
    return solution.cost, solution.assign.tolist(), others


def compare(rng: random.Random, cases: int, lines: list[int], units: list[int]) -> None:
    """One world by chance, some orders in it, both routers."""
    per_unit, parcel = rng.choice(SHAPES)
    tables = make_tables(
        rng.randrange(10**9),
        per_unit=per_unit,
        parcel=parcel,
        pooled=rng.random() < 0.4,
        dim=rng.random() < 0.4,
        skus=120,
    )
    starts, rounds, buckets = rng.choice([(0, 3, 250), (0, 3, 250), (4, 1, 500), (16, 6, 40), (1, 0, 1)])
    kernel = Solver(tables, starts, rounds, buckets, pure=False)
    twin = Solver(tables, starts, rounds, buckets, pure=True)
    assert (kernel.pure, twin.pure) == (False, True)
    for _ in range(cases):
        case = make_case(
            tables,
            rng.randrange(10**9),
            rng.choice(lines),
            cover=rng.choice([0.2, 0.6, 0.9]),
            most_units=rng.choice(units),
            gamma=rng.choice([0, 0, 3_000_000]),
            priced=rng.random() < 0.5,
        )
        a, b = kernel.solve(*case.args()), twin.solve(*case.args())
        assert told(a) == told(b)
        assert kernel.exact(a.assign, *case.args()) == twin.exact(a.assign, *case.args()) == a.cost


@pytest.mark.parametrize("seed", range(10))
def test_kernel_and_twin_agree_on_random_orders(seed: int):
    """A thousand orders (ten thousand in soak) of 1 to 30 lines over 1 to 16 nodes, all kinds of cards and effort."""
    rng = random.Random(seed)  # a test's own chance, by seed
    for _ in range(TABLES // 10):
        compare(rng, CASES, LINES, [1, 3, 12, 200])


def test_kernel_and_twin_agree_on_long_orders():
    """Orders around and above the limit of the swap search, with quantities of a whole warehouse."""
    rng = random.Random(99)  # a test's own chance, by seed
    for _ in range(40 if SOAK else 8):
        compare(rng, 2, [50, 63, 64, 65, 66, 90], [1, 12, 19_152])


def test_both_refuse_assignments_that_cannot_be():
    """A node out of range or one that cannot take the line has no cost in either."""
    tables = make_tables(1)
    case = make_case(tables, 1, 4)
    case.ok[2, 1] = 0
    for pure in (False, True):
        solver = Solver(tables, pure=pure)
        assign = solver.solve(*case.args()).assign.copy()
        for node in (-1, 5, 1):
            assign[2] = node
            assert solver.exact(assign, *case.args()) == -1
