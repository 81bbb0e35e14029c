"""Growth forecasts of leak budgets in the engine: where growth comes from, what the plan says of it, what a change of it does."""

import hashlib

import msgspec
import pytest

from tests.engine.leaked import KEY, budgeted, plan
from tests.engine.worlds import AMZ, MONDAY, PL, Run
from tranship.cli.budgets import _show
from tranship.core.errors import InputError
from tranship.core.network import LeakBudget, LeakGrowth, NetworkFile
from tranship.engine.leak_plans import due, given_growth, plans_now, settings_of, terms_of
from tranship.engine.leak_status import ForecastNow, status_of
from tranship.routing.leak.memory import memory_of
from tranship.routing.leak.model import MICROS_PER_WEEK, ONE, LeakFigures, decode, encode
from tranship.routing.leak.planner import Ints
from tranship.routing.leak.policy import RAISED, settings_for

ALL = tuple(LeakGrowth(code, ppm) for code, ppm in (("CAP", -9_000), ("MUG", 12_000), ("TEE", -4_000)))


def weeks(document: NetworkFile, count: int) -> Run:
    """A run of so many weeks under a budget, a plan made in each."""
    run = Run(document)
    for node in (AMZ, PL):
        run.stock(node, MUG=4000, TEE=4000, CAP=4000)
    for week in range(count):
        at = MONDAY + week * MICROS_PER_WEEK
        for command in plans_now(run.state, KEY, at):
            run.do(command)
        for i in range(12):
            run.place(f"{week}-{i}", (("MUG", "TEE", "CAP")[i % 3], 1), placed_at=at + i)
    return run


def figures(run: Run) -> LeakFigures:
    """What the plan in force says of itself."""
    return run.state.leaks.plans["AMZ"].plan.figures


def test_a_given_forecast_is_what_curves_begin_on() -> None:
    """All articles that sell are forecast: the plan says so; without a forecast growth is not relied on."""
    given, bare = weeks(budgeted(forecast=ALL), 3), weeks(budgeted(), 3)
    assert (figures(given).given, figures(given).unsure, figures(given).source != "") == (3, False, True)
    assert (figures(bare).given, figures(bare).unsure, figures(bare).source) == (0, True, "")
    assert status_of(given.state).budgets[0].forecast == ForecastNow("given", 3, 0)
    assert status_of(bare.state).budgets[0].forecast == ForecastNow("none")
    growth = [memory_of(run.state.leaks.plans["AMZ"].plan).arrays["growth"] for run in (given, bare)]
    assert growth[0] != growth[1]


def test_a_forecast_of_few_is_not_relied_on() -> None:
    """One of three articles that sell alike: its growth is used, the curves are those of a year without a forecast."""
    run = weeks(budgeted(forecast=ALL[:1]), 3)
    assert (figures(run).given, figures(run).unsure) == (1, True)
    assert status_of(run.state).budgets[0].forecast.kind == "partly"


def test_a_forecast_of_few_is_not_relied_on_before_anything_was_sold_either() -> None:
    """The first plan of a new run: articles count alike there, so one of three is not enough, and all three are."""
    found = []
    for forecast in (ALL[:1], ALL):
        run = weeks(budgeted(forecast=forecast), 1)  # orders of the first week, before any plan
        for command in plans_now(run.state, KEY, MONDAY + 100):
            run.do(command)
        found.append(figures(run).unsure)
    assert found == [True, False]


def test_another_forecast_waits_for_the_next_leak_year() -> None:
    """Curves that begin anew show a step: no plan is due, those that follow keep to the old one, and the status says that one waits."""
    run = weeks(budgeted(forecast=ALL), 3)
    before = figures(run).source
    run.load(budgeted(forecast=ALL[:2]), MONDAY + 2 * MICROS_PER_WEEK)
    assert due(run.state, MONDAY + 2 * MICROS_PER_WEEK) == []
    for command in plans_now(run.state, KEY, MONDAY + 3 * MICROS_PER_WEEK):
        run.do(command)
    assert figures(run).source == before
    assert status_of(run.state).budgets[0].forecast == ForecastNow("given", 3, 0, waits=True)


def test_growth_that_all_share_is_no_growth() -> None:
    """Every article a third more: nobody stands out; articles that are not named have none."""
    lines: Ints = settings_array([90, 10, 5])
    budget = LeakBudget("AMZ", forecast=(LeakGrowth("A", 5_000), LeakGrowth("B", 5_000, 2_000)))
    found = given_growth(budget, ["A", "B", "C"], lines)
    assert found is not None
    assert found[0][:2] == pytest.approx([0, 0]) and str(found[0][2]) == "nan" and found[1].tolist() == [0, 0.002, 0]
    assert given_growth(budget, ["X"], lines[:1]) is None


def settings_array(values: list[int]) -> Ints:
    """Counts per SKU."""
    import numpy as np

    return np.array(values, np.int64)


def test_a_cut_off_of_savings_is_in_the_plan_and_makes_another_one() -> None:
    """The plan holds it, curves start a tenth higher, and a change of it is a change of the budget's terms."""
    run = weeks(budgeted(least_saving_bp=300), 3)
    assert run.state.leaks.plans["AMZ"].plan.least_saving_bp == 300
    assert weeks(budgeted(), 2).state.leaks.plans["AMZ"].plan.least_saving_bp is None
    assert terms_of(LeakBudget("AMZ")) == "40/0/0" and terms_of(LeakBudget("AMZ", least_saving_bp=300)) == "40/0/0/300"
    run.load(budgeted(least_saving_bp=200), MONDAY + 2 * MICROS_PER_WEEK)
    assert len(due(run.state, MONDAY + 2 * MICROS_PER_WEEK)) == 1
    cut, plain = settings_of(LeakBudget("AMZ", least_saving_bp=300), 1), settings_for(40)
    assert cut.level == pytest.approx(plain.level * RAISED) and cut.thetas == plain.thetas


def test_a_plan_with_a_damaged_memory_is_refused() -> None:
    """It would break the next one: network and week are named, and the plan in force stays."""
    run = weeks(budgeted(), 3)
    held = run.state.leaks.plans["AMZ"]
    whole = decode(run.shard.store.document(held.sha256))
    body = encode(msgspec.structs.replace(whole, memory=whole.memory[:-9]))
    good = plan(run.document, ONE)
    bad = msgspec.structs.replace(good, document=body, sha256=hashlib.sha256(body).hexdigest())
    with pytest.raises(InputError, match=f"leak plan of AMZ, week {whole.week}: its memory is damaged"):
        run.do(bad)
    assert run.state.leaks.plans["AMZ"].version == held.version


def test_the_status_says_which_forecast_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    """In a line of its own; prices that look ahead and a cut-off are said as well."""
    for document, words in (
        (budgeted(forecast=ALL), "growth forecast: your own, for 3 articles"),
        (budgeted(), "growth forecast: none, and too few past orders"),
        (budgeted(forecast=ALL[:1]), "your own, but only for 1 article"),
        (budgeted(least_saving_bp=250), "saves less than 2.5 % are not shown"),
        (budgeted(), "prices that look ahead do not know of this budget"),
    ):
        _show(status_of(weeks(document, 3).state).budgets[0])
        assert words in capsys.readouterr().out
