"""Bounds in hindsight: never above the best plan, whatever the search did; close to it on the staged instances."""

import importlib.util
import json
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.route.instance import SIZES, Recipe, make
from tests.routing.prices.problems import Problem, by_mip, copied, enumerated, orders_of, random_problem
from tests.support import shared
from tranship.routing.prices import dual
from tranship.routing.prices.problem import PARTS, UNITS, UNLIMITED, VALUE, Caps, Costs, Duals, Goods, no_caps, no_duals

SLACK = 1e-6
seeds = st.integers(0, 2**32)


def bound_of(problem: Problem, passes: int = 60) -> float:
    """Our bound."""
    costs, goods, orders, caps, penalty = problem
    return dual.bound(costs, goods, orders, caps, penalty=penalty, passes=passes)[0]


def value_at(problem: Problem, prices: Duals) -> float:
    """The Lagrangian at given prices: one pass from them."""
    costs, goods, orders, caps, penalty = problem
    return dual.follow(costs, goods, orders, caps, copied(prices), penalty=penalty, passes=1)[0]


def some_prices(problem: Problem, seed: int) -> Duals:
    """Any prices at all, many of them 0."""
    rng = np.random.default_rng(seed)
    shapes = problem.goods.stock.shape, problem.goods.work.shape, problem.caps.budget.shape
    return Duals(*(np.where(rng.random(shape) < 0.5, 0, rng.exponential(4, shape)) for shape in shapes))


@settings(max_examples=25)
@given(seeds)
def test_a_bound_is_never_above_any_plan_of_whole_lines(seed: int) -> None:
    """Against every assignment that stock, work and caps allow, looked at one by one."""
    problem = random_problem(seed, orders=3, nodes=3)
    assume(len(problem.orders.sku) <= 5)
    assert bound_of(problem) <= enumerated(problem) + SLACK


@settings(max_examples=40)
@given(seeds, st.sampled_from([1, 2, 7, 80]))
def test_a_bound_is_never_above_the_optimum_of_split_lines_at_any_number_of_passes(seed: int, passes: int) -> None:
    """Against HiGHS, which may send units of one line from several nodes; stock, work and caps by parts, units and value."""
    problem = random_problem(seed, orders=7, nodes=4, skus=4)
    assert bound_of(problem, passes) <= by_mip(problem) + SLACK


@settings(max_examples=15)
@given(seeds)
def test_the_two_judges_agree(seed: int) -> None:
    """Where lines are single units, enumeration and HiGHS find the same optimum: each checks the other."""
    problem = random_problem(seed, orders=3, nodes=3)
    assume(len(problem.orders.sku) <= 5)
    ones = np.ones(len(problem.orders.sku), np.int64)
    single = problem._replace(orders=problem.orders._replace(qty=ones))
    assert by_mip(single) == pytest.approx(enumerated(single), abs=1e-6)


@settings(max_examples=40)
@given(seeds, seeds)
def test_any_prices_give_a_bound(seed: int, other: int) -> None:
    """Good prices or absurd ones, warm or cold, also for caps that are not in force: the value is below the optimum."""
    problem = random_problem(seed, orders=5)
    prices = some_prices(problem, other)
    best = by_mip(problem)
    assert value_at(problem, prices) <= best + SLACK
    costs, goods, orders, caps, penalty = problem
    warm = dual.follow(costs, goods, orders, caps, prices, penalty=penalty, passes=9, steps=dual.WARM)[0]
    assert warm <= best + SLACK


@settings(max_examples=40)
@given(seeds, seeds, seeds)
def test_the_bound_is_concave_in_prices_and_rises_with_what_things_cost(seed: int, one: int, other: int) -> None:
    """Half way between two prices it is at least the mean; a higher penalty or dearer parts never lower it, more goods never raise it."""
    problem = random_problem(seed, orders=6)
    a, b = some_prices(problem, one), some_prices(problem, other)
    middle = Duals(*((p + q) / 2 for p, q in zip(a, b, strict=True)))
    at = value_at(problem, a)
    assert value_at(problem, middle) >= (at + value_at(problem, b)) / 2 - SLACK
    assert value_at(problem._replace(penalty=problem.penalty * 1.5), a) >= at - SLACK
    dear = problem.costs._replace(fixed=problem.costs.fixed + 1.0)
    assert value_at(problem._replace(costs=dear), a) >= at - SLACK
    more = problem.goods._replace(stock=problem.goods.stock + 1)
    assert value_at(problem._replace(goods=more), a) <= at + SLACK


@settings(max_examples=20)
@given(seeds)
def test_more_passes_never_lower_the_bound_below_the_first(seed: int) -> None:
    """The best of all steps is kept: the search never ends below myopic costs with everything free."""
    problem = random_problem(seed, orders=6)
    first = bound_of(problem, 1)
    assert first == pytest.approx(value_at(problem, no_duals(3, 3, 2, len(problem.caps.budget))))
    assert bound_of(problem, 40) >= first


def test_where_nothing_binds_the_first_pass_is_the_optimum() -> None:
    """Plenty of everything: no prices, no gap."""
    problem = random_problem(5)
    free = problem._replace(goods=Goods(np.full((3, 3), 99), np.full((2, 3), UNLIMITED)), caps=no_caps(3))
    free = free._replace(orders=free.orders._replace(population=np.zeros_like(free.orders.population)))
    assert bound_of(free, 1) == pytest.approx(by_mip(free))


def scarce(measure: int, budget: float) -> Problem:
    """Ten orders of one unit worth 3; node 0 saves 4 on each, and may ship as many as the cap says."""
    orders = orders_of([[(0, 1)]] * 10, value=[3.0] * 10)
    costs = Costs(np.array([[1.0, 5.0]]), np.zeros((1, 2)), np.zeros((1, 2)), np.ones(1))
    caps = Caps(np.array([[1, 0]], np.uint8), np.array([measure]), np.ones((1, 1), np.uint8), np.array([budget]))
    return Problem(costs, Goods(np.full((1, 2), 50), np.full((1, 2), UNLIMITED)), orders, caps, 30.0)


@pytest.mark.parametrize(("measure", "each"), [(PARTS, 1), (UNITS, 1), (VALUE, 3)])
def test_the_price_of_a_cap_is_what_one_more_of_its_measure_saves(measure: int, each: int) -> None:
    """Six of ten may take the cheap node: the bound is the optimum, the price 4 for each, per part, unit or value."""
    costs, goods, orders, caps, penalty = scarce(measure, 6.0 * each)
    bound, prices = dual.bound(costs, goods, orders, caps, penalty=penalty, passes=600)
    assert bound == pytest.approx(6 * 1 + 4 * 5, abs=0.2)
    assert prices.cap[0] == pytest.approx(4 / each, abs=0.2)


def test_a_cap_of_nothing_gets_a_price_too() -> None:
    """Budget 0: everything goes to the dear node, and the bound knows."""
    assert bound_of(scarce(UNITS, 0.0), 600) == pytest.approx(50, abs=0.5)


def test_a_node_without_work_that_day_is_shut_in_the_bound() -> None:
    """An outage is known in hindsight: no price is needed to keep orders away from it."""
    problem = scarce(UNITS, -1.0)
    shut = problem._replace(goods=Goods(problem.goods.stock, np.array([[0, UNLIMITED]])))
    assert bound_of(problem, 1) == pytest.approx(10)
    assert bound_of(shut, 1) == pytest.approx(50)


@pytest.mark.parametrize("wrong", ["budget", "stock", "penalty"])
def test_the_checker_catches_a_bound_that_is_too_high(wrong: str) -> None:
    """Planted: a bound worked out with less room, less stock or a higher penalty than there is lies above the optimum."""
    problem = scarce(UNITS, 6.0)._replace(penalty=4.5)
    planted = {
        "budget": problem._replace(caps=problem.caps._replace(budget=np.array([3.0]))),
        "stock": problem._replace(goods=problem.goods._replace(stock=np.array([[2, 50]]))),
        "penalty": problem._replace(penalty=30.0),
    }[wrong]
    assert bound_of(problem, 400) <= by_mip(problem) + SLACK
    assert bound_of(planted, 400) > by_mip(problem) + 0.5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_staged_instances_are_bounded_within_half_a_percent_of_their_optimum(seed: int) -> None:
    """4,000 orders, 30 nodes: below the MIP optimum that was found for them, and close."""
    row = json.loads(shared("prototypes", "routing", "bounds.json").read_text())[str(seed)]["S"]
    instance = make(seed, Recipe(*SIZES["S"]))
    caps = instance.caps(0.6 * instance.units)
    found, _ = dual.bound(instance.costs, instance.goods, instance.orders, caps, penalty=instance.penalty, passes=400)
    assert row["orders"] == instance.orders.length
    assert row["mip_objective"] * 0.995 <= found <= row["mip_objective"] + SLACK


@pytest.fixture(scope="module")
def prototype() -> ModuleType:
    """The generator whose instances the bounds are of."""
    path = shared("prototypes", "routing", "instance.py")
    spec = importlib.util.spec_from_file_location("staged_instance", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


@pytest.mark.parametrize("seed", [0, 3])
def test_a_seed_means_the_staged_instance(prototype: ModuleType, seed: int) -> None:
    """Costs, stock, work, sides and every order are those that the staged bounds were found for."""
    skus, count = SIZES["S"]
    ours, theirs = make(seed, Recipe(skus, count)), prototype.make(seed, S=skus, T=count)
    day, region, lines, sku = theirs.orders
    assert np.allclose(ours.costs.fixed, theirs.F.T) and np.allclose(ours.costs.per_weight, theirs.G.T)
    assert np.allclose(ours.costs.per_unit, theirs.pick[None]) and np.array_equal(ours.costs.weight, theirs.w)
    assert np.array_equal(ours.goods.stock, theirs.stock)
    assert np.array_equal(ours.goods.work, np.repeat(theirs.cap[None], prototype.D, 0))
    assert np.array_equal(ours.side, theirs.grpA)
    assert np.array_equal(ours.orders.day, day) and np.array_equal(ours.orders.dest, region)
    assert np.array_equal(np.diff(ours.orders.start), lines)
    assert np.array_equal(ours.orders.sku, sku[sku >= 0])
    assert ours.penalty == prototype.PEN
