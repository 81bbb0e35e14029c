"""`tranship regret`: the run is as recorded, myopic is an arm, and the bound never lies above a plan that can be carried out."""

import datetime as dt
import itertools
import random
from pathlib import Path

import pytest

from tests.console.runs import play, submit
from tests.engine import worlds
from tranship.core.errors import InputError
from tranship.core.order import Destination
from tranship.engine.run import open_store
from tranship.rates.cost import part_cost
from tranship.sim.trial.hindsight import hindsight
from tranship.sim.trial.regret import regret
from tranship.sim.trial.run import try_run
from tranship.sim.trial.walk import RECORDED, Period, walked


def test_the_recorded_run_is_the_run_decided_again(tmp_path: Path):
    """Read or decided: the same figures."""
    play(tmp_path / "run", 60)
    path = tmp_path / "x.toml"
    path.write_text("")
    found = regret(tmp_path / "run", processes=1, passes=50)
    assert found.as_run == try_run(tmp_path / "run", [path], processes=1)[0].baseline


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("measure", ["fulfillment_orders", "units", "value"])
def test_the_bound_is_below_what_the_run_paid(tmp_path: Path, seed: int, measure: str):
    """Under each kind of cap, with voids, returns, parked parts and receipts."""
    caps = worlds.cap(measure=measure, window=50 if measure != "value" else 50_000)
    play(tmp_path / "run", 60, seed=seed, caps=caps)
    found = regret(tmp_path / "run", processes=1, passes=100)
    bound = found.hindsight
    assert bound.reasons == []
    assert 0 < bound.bound <= bound.cost == found.as_run.cost
    assert bound.units == found.as_run.units_placed
    assert any("cap on AMZ" in line for line in bound.relaxed)
    assert found.captured is None or found.captured <= 1


def test_the_bound_is_below_the_best_plan_there_is(tmp_path: Path):
    """Few orders, one line each, shelves that do not suffice for all at the cheap place: every plan is looked at."""
    document = worlds.network(caps=())
    shard = worlds.sqlite(tmp_path / "run")
    draw = random.Random(3)
    submissions = [worlds.loading(document)]
    submissions += [
        worlds.receiving(document, f"o{node}", node, MUG=10) for node in (worlds.AMZ, worlds.PL, worlds.OWN)
    ]
    wanted = [draw.randint(1, 6) for _ in range(6)]
    for i, quantity in enumerate(wanted):
        made = worlds.order(i, ("MUG", quantity), to=Destination("10001", "NY"), placed_at=worlds.MONDAY + i)
        submissions.append(worlds.placing(made))
    submit(shard, submissions)
    shard.store.close()
    store = open_store(tmp_path / "run", read_only=True)
    arm = walked(store, RECORDED, Period(last=store.last_seq()[0]))
    found = hindsight(arm, 400)
    store.close()
    tables = arm.state.facts(worlds.TODAY).tables
    mug = document.sku_index()["MUG"]
    zone = [int(tables.zone3[n, 100]) for n in range(3)]
    plans = []
    for nodes in itertools.product(range(3), repeat=len(wanted)):
        if all(sum(q for q, n in zip(wanted, nodes, strict=True) if n == node) <= 10 for node in range(3)):
            plans.append(
                sum(part_cost(tables, n, [(mug, q)], zone[n], True) for q, n in zip(wanted, nodes, strict=True))
            )
    assert found.units == sum(wanted)
    assert 0 < found.bound <= min(plans)
    assert found.bound > 0.8 * min(plans)


def test_bundles_have_no_bound_and_it_is_said(tmp_path: Path):
    """The comparison with myopic stands; the bound says why it is not there."""
    document = worlds.network()
    shard = worlds.sqlite(tmp_path / "run")
    submissions = [worlds.loading(document), worlds.receiving(document, "o", worlds.PL, MUG=10, TEE=10)]
    submit(shard, [*submissions, worlds.placing(worlds.order(1, ("SET", 1)))])
    shard.store.close()
    found = regret(tmp_path / "run", processes=1)
    assert (found.hindsight.bound, found.captured) == (0, None)
    assert "bundles" in found.hindsight.reasons[0] and "No valid bound" in found.notes[0]
    assert found.myopic.orders == found.as_run.orders == 1


def test_a_period_has_its_own_regret(tmp_path: Path):
    """Orders of the second week only; a week without any is told."""
    play(tmp_path / "run", 60)
    found = regret(tmp_path / "run", first=dt.date(2026, 3, 9), processes=1, passes=50)
    assert 0 < found.as_run.orders < 60
    assert found.hindsight.bound <= found.as_run.cost
    with pytest.raises(InputError, match="no order in this period"):
        regret(tmp_path / "run", first=dt.date(2027, 3, 9))
