"""References for the router, independent of its code: the cost of an assignment, brute force, and an exact HiGHS model.

All three read `RateTables` and follow its definition, not the kernel. The model is exact where band prices never fall with weight.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from tests.routing.factory import Case, Ints
from tranship.rates.tables import PER_UNIT, RateTables

DOLLAR = 1_000_000
KILO = 1000  # the model counts kilograms and thousands of cm3, so that its tolerances are far below a gram


def cost_of(tables: RateTables, case: Case, assign: Ints) -> int:
    """Cost in micros of an assignment, straight from the definition in `rates.tables`."""
    total = sum(int(case.mu[line, n]) for line, n in enumerate(assign))
    for n in sorted({int(n) for n in assign}):
        lines = [line for line, at in enumerate(assign) if at == n]
        total += int(tables.order_fee[n]) + int(case.gamma[n])
        units = sum(int(case.q[line]) for line in lines)
        if tables.kind[n] == PER_UNIT:
            counted = units
            if tables.unit_scope[n] == 1:
                row = tables.unit_row[n]
                counted = sum(int(case.q[line]) for line, at in enumerate(assign) if tables.unit_row[at] == row)
            prices = tables.unit_price[tables.unit_row[n]]
            total += sum(int(case.q[line]) * int(prices[case.sku[line], min(counted, 5) - 1]) for line in lines)
        else:
            total += units * int(tables.unit_fee[n]) + _cartons(tables, case, n, lines)
    return total


def _cartons(tables: RateTables, case: Case, n: int, lines: list[int]) -> int:
    row = int(tables.parcel_row[n])
    weight = sum(int(case.q[line]) * int(tables.weight_g[case.sku[line]]) for line in lines)
    volume = sum(int(case.q[line]) * int(tables.volume_cm3[case.sku[line]]) for line in lines)
    if tables.dim_num[row] > 0 and volume > tables.dim_over_cm3[row]:
        weight = max(weight, -(-volume * int(tables.dim_num[row]) // int(tables.dim_den[row])))
    most, total = int(tables.max_carton_g[row]), 0
    cartons = [most] * (weight // most) + ([weight % most] if weight % most or weight == 0 else [])
    for grams in cartons:
        band = int(tables.band_of[row, grams])
        total += int(tables.parcel[row, case.zone[n], band])
        total += int(tables.residential_fee[row]) if case.residential else 0
    return total


def can_take(tables: RateTables, case: Case, line: int, n: int) -> bool:
    """Whether node n may ship a line at all."""
    served = tables.kind[n] == PER_UNIT or case.zone[n] > 0
    return bool(case.ok[line, n] and tables.fits[case.sku[line], n] and served)


def brute_force(tables: RateTables, case: Case) -> int:
    """Least cost over all assignments; -1 where there is none."""
    nodes = range(len(tables.kind))
    choices = [[n for n in nodes if can_take(tables, case, line, n)] for line in range(len(case.q))]
    costs = [cost_of(tables, case, np.array(assign)) for assign in itertools.product(*choices)]
    return min(costs, default=-1)


@dataclass(frozen=True)
class Optimum:
    """What HiGHS proved: exact cost in micros of its assignment, the assignment, and its remaining relative gap."""

    cost: int
    assign: Ints
    gap: float


class Model:
    """A mixed-integer model built variable by variable; costs in dollars."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.upper: list[float] = []
        self.rows: list[tuple[float, float, list[tuple[int, float]]]] = []

    def variable(self, micros: int, upper: float = 1) -> int:
        """An integer variable from 0 to `upper`."""
        self.cost.append(micros / DOLLAR)
        self.upper.append(upper)
        return len(self.cost) - 1

    def row(self, low: float, high: float, terms: list[tuple[int, float]]) -> None:
        """A constraint low <= sum of terms <= high."""
        self.rows.append((low, high, terms))

    def solve(self, seconds: float) -> tuple[list[float], float]:
        """Values of the variables at the best solution, and the relative gap left."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.rows)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = np.array(self.cost), np.zeros(len(self.cost)), np.array(self.upper)
        lp.row_lower_ = np.array([low for low, _, _ in self.rows], float)
        lp.row_upper_ = np.array([high for _, high, _ in self.rows], float)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.cumsum([0, *(len(terms) for _, _, terms in self.rows)])
        lp.a_matrix_.index_ = np.array([i for _, _, terms in self.rows for i, _ in terms])
        lp.a_matrix_.value_ = np.array([value for _, _, terms in self.rows for _, value in terms], float)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * len(self.cost)
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # the binding's class is only partly typed
        options: dict[str, Any] = {
            "output_flag": False,
            "threads": 1,
            "mip_rel_gap": 1e-7,
            "mip_abs_gap": 1e-5,
            "time_limit": seconds,
        }
        for name, value in options.items():
            solver.setOptionValue(name, value)
        solver.passModel(lp)
        solver.run()
        info = solver.getInfo()
        best, bound = info.objective_function_value, info.mip_dual_bound
        return list(solver.getSolution().col_value), max(0.0, (best - bound) / max(1e-9, abs(best)))


def optimum(tables: RateTables, case: Case, seconds: float = 60) -> Optimum:
    """The optimal assignment by HiGHS, priced exactly."""
    model = Model()
    nodes = range(len(tables.kind))
    goes: dict[tuple[int, int], list[int]] = {}  # (line, node) -> variables that say so
    opened = {n: model.variable(int(tables.order_fee[n]) + int(case.gamma[n])) for n in nodes}
    for n in nodes:
        if tables.kind[n] != PER_UNIT:
            _add_parcel(model, tables, case, n, opened[n], goes)
    for row in sorted({int(r) for r, kind in zip(tables.unit_row, tables.kind, strict=True) if kind == PER_UNIT}):
        members = [n for n in nodes if tables.kind[n] == PER_UNIT and tables.unit_row[n] == row]
        together = [members] if tables.unit_scope[members[0]] == 1 else [[n] for n in members]
        for pool in together:
            _add_pool(model, tables, case, pool, opened, goes)
    for line in range(len(case.q)):
        model.row(1, 1, [(x, 1.0) for n in nodes for x in goes.get((line, n), [])])
    values, gap = model.solve(seconds)
    assign = np.full(len(case.q), -1, np.int64)
    for (line, n), variables in goes.items():
        if sum(values[x] for x in variables) > 0.5:
            assign[line] = n
    return Optimum(cost_of(tables, case, assign), assign, gap)


def _add_pool(
    model: Model,
    tables: RateTables,
    case: Case,
    pool: list[int],
    opened: dict[int, int],
    goes: dict[tuple[int, int], list[int]],
) -> None:
    """Nodes that count units together: one class of the five, lines priced in it."""
    pairs = [(line, n) for n in pool for line in range(len(case.q)) if can_take(tables, case, line, n)]
    prices = tables.unit_price[tables.unit_row[pool[0]]]
    classes = []
    for k in range(1, 6):
        chosen = model.variable(0)
        classes.append((chosen, 1.0))
        units = []
        for line, n in pairs:
            qty = int(case.q[line])
            if k < 5 and qty > k:
                continue
            x = model.variable(qty * int(prices[case.sku[line], k - 1]) + int(case.mu[line, n]))
            goes.setdefault((line, n), []).append(x)
            model.row(-highspy.kHighsInf, 0, [(x, 1.0), (chosen, -1.0)])
            model.row(-highspy.kHighsInf, 0, [(x, 1.0), (opened[n], -1.0)])
            units.append((x, float(qty)))
        model.row(0, 0 if k < 5 else highspy.kHighsInf, [*units, (chosen, -float(k))])
    model.row(-highspy.kHighsInf, 1, classes)


def _add_parcel(
    model: Model, tables: RateTables, case: Case, n: int, opened: int, goes: dict[tuple[int, int], list[int]]
) -> None:
    """A parcel node: full cartons and at most one carton of the band that holds the rest."""
    lines = [line for line in range(len(case.q)) if can_take(tables, case, line, n)]
    if not lines:
        return
    row, zone, inf = int(tables.parcel_row[n]), int(case.zone[n]), highspy.kHighsInf
    most = int(tables.max_carton_g[row])
    extra = int(tables.residential_fee[row]) if case.residential else 0
    bands = tables.band_of[row, : most + 1]
    weight = [(line, int(case.q[line]) * int(tables.weight_g[case.sku[line]])) for line in lines]
    volume = [(line, int(case.q[line]) * int(tables.volume_cm3[case.sku[line]])) for line in lines]
    num, den, over = int(tables.dim_num[row]), int(tables.dim_den[row]), int(tables.dim_over_cm3[row])
    heaviest, largest = sum(w for _, w in weight), sum(v for _, v in volume)
    dim = num > 0 and largest > over
    limit = max(heaviest, -(-largest * num // den) if dim else 0) // most + 1
    full = model.variable(int(tables.parcel[row, zone, bands[most]]) + extra, limit)
    holds = [(full, most / KILO)]
    rest = []
    for band in np.unique(bands):
        x = model.variable(int(tables.parcel[row, zone, band]) + extra)
        holds.append((x, int(np.flatnonzero(bands == band)[-1]) / KILO))
        rest.append((x, 1.0))
    model.row(-inf, 1, rest)
    model.row(0, inf, [*rest, (full, 1.0), (opened, -1.0)])  # never less than one carton
    at = {line: model.variable(int(case.q[line]) * int(tables.unit_fee[n]) + int(case.mu[line, n])) for line in lines}
    for line, x in at.items():
        goes.setdefault((line, n), []).append(x)
        model.row(-inf, 0, [(x, 1.0), (opened, -1.0)])
    model.row(0, inf, holds + [(at[line], -w / KILO) for line, w in weight])
    if dim:
        bulky = model.variable(0)
        model.row(-inf, over / KILO, [(at[line], v / KILO) for line, v in volume] + [(bulky, -largest / KILO)])
        slack = largest * num / den / KILO
        model.row(-slack, inf, holds + [(at[line], -v * num / den / KILO) for line, v in volume] + [(bulky, -slack)])
