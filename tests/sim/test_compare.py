"""The same commands under other caps: the arm that changes nothing equals the run, the others keep what they promise."""

import sqlite3
from pathlib import Path

import pytest

from tests.console.runs import play
from tests.engine import worlds
from tests.sim.exports import network_file, save, uci_rows
from tranship.core.errors import InputError
from tranship.core.network import FULL_BP
from tranship.engine.evolve import evolve
from tranship.engine.run import open_store
from tranship.engine.shard import decoded
from tranship.engine.state import State
from tranship.sim.compare import Arm, compare, compare_run
from tranship.sim.replay import replay


def arms(folder: Path, *names: str) -> list[Arm]:
    """These arms of the run in `folder`, in this process."""
    store = open_store(folder, read_only=True)
    try:
        return compare(store, names)
    finally:
        store.close()


def rebuilt(folder: Path) -> State:
    """The run's state, from its journal."""
    store = open_store(folder, read_only=True)
    state = State(store.document)
    for row in store.journal():
        evolve(state, decoded(row))
    store.close()
    return state


def test_the_arm_as_run_equals_the_run(tmp_path: Path):
    """Carried out again under its own caps, a run comes to its own parts, units, cost and window share."""
    play(tmp_path, 80, caps=worlds.cap(reserve=1, price_micros=2_000_000))
    (arm,) = arms(tmp_path, "as_run")
    with sqlite3.connect(tmp_path / "tranship.db") as db:
        parts = db.execute("SELECT COUNT(*), SUM(units), SUM(cost) FROM part WHERE status <> 'CANCELLED'").fetchone()
        late = db.execute("SELECT SUM(units) FROM part WHERE late AND status <> 'CANCELLED'").fetchone()[0] or 0
        by_network = dict(db.execute("SELECT network, COUNT(*) FROM part WHERE status <> 'CANCELLED' GROUP BY network"))
        orders = db.execute("SELECT COUNT(*), SUM(units) FROM orders").fetchone()
        parked = db.execute("SELECT SUM(units) FROM parked").fetchone()[0] or 0
    assert (arm.fulfillment_orders, arm.units_placed, arm.cost) == parts
    assert (arm.orders, arm.units_ordered) == orders
    assert (arm.units_late, arm.units_parked) == (late, parked)
    assert {code: one.fulfillment_orders for code, one in arm.networks.items()} == by_network
    state = rebuilt(tmp_path)
    assert arm.caps[0].max_share_bp == max(
        state.caps[0].total.max_share_bp, *(w.max_share_bp for w in state.caps[0].channels.values())
    )
    assert arm.units_returned == sum(
        sum((p.returned or {}).values()) for o in state.orders.values() for p in o.parts.values()
    )


@pytest.mark.parametrize("name", ["as_run", "none", "counter"])
def test_every_unit_of_an_arm_has_one_fate(tmp_path: Path, name: str):
    """Units ordered are placed, parked, expired or taken back; networks add up to the whole."""
    play(tmp_path, 60, stock=15)
    (arm,) = arms(tmp_path, name)
    assert arm.units_ordered == arm.units_placed + arm.units_parked + arm.units_expired + arm.units_cancelled
    assert arm.cost == sum(one.cost for one in arm.networks.values())
    assert arm.fulfillment_orders == sum(one.fulfillment_orders for one in arm.networks.values())
    assert arm.units_expired > 0


def test_without_a_cap_the_cheap_network_ships_more_and_it_costs_less(tmp_path: Path):
    """Amazon is the cheapest at every size here: the cap holds it back, and that has a price."""
    play(tmp_path, 80, stock=2_000)
    free, counter, run = arms(tmp_path, "none", "counter", "as_run")
    assert free.networks["AMZ"].fulfillment_orders > run.networks["AMZ"].fulfillment_orders
    assert free.cost < min(run.cost, counter.cost)
    assert free.caps[0].max_share_bp == free.caps[0].cap_bp == FULL_BP
    assert run.caps[0].max_share_bp <= 6000 and counter.caps[0].max_share_bp <= 6000


def test_the_bare_counter_has_no_price_and_no_reserve(tmp_path: Path):
    """Where the run's cap has neither, the bare counter decides as the run did."""
    play(tmp_path, 50, caps=worlds.cap(reserve=0, price_micros=0), stock=2_000)
    run, counter = arms(tmp_path, "as_run", "counter")
    counter.name = run.name
    assert counter == run


def test_a_run_without_caps_is_the_same_in_every_arm(tmp_path: Path):
    """Nothing to change, nothing changes."""
    play(tmp_path, 30, caps=())
    run, free = arms(tmp_path, "as_run", "none")
    assert (run.cost, run.fulfillment_orders, run.caps) == (free.cost, free.fulfillment_orders, [])


def test_processes_answer_as_one_process_does(tmp_path: Path):
    """Arms in processes of their own come to the same, in the order that was asked for, with progress to the end."""
    play(tmp_path, 40)
    told: list[tuple[float, float]] = []
    together = compare_run(tmp_path, ("counter", "none"), lambda _, done, total: told.append((done, total)))
    assert together == arms(tmp_path, "counter", "none")
    assert told[-1] == (100, 100)


def test_a_comparison_may_end_earlier_than_the_journal(tmp_path: Path):
    """Up to a row: what a run that goes on came to so far."""
    play(tmp_path, 40)
    store = open_store(tmp_path, read_only=True)
    row = (
        int(str(store.query("SELECT seq FROM journal WHERE kind = 'accepted' ORDER BY seq LIMIT 1 OFFSET 10")[0][0]))
        - 1
    )
    (arm,) = compare(store, ("as_run",), until=row)
    store.close()
    assert arm.orders == 10


def test_an_unknown_arm_is_refused(tmp_path: Path):
    """The message names the arms there are."""
    play(tmp_path, 1)
    with pytest.raises(InputError, match="as_run, none, counter"):
        arms(tmp_path, "half")


def test_nothing_is_written(tmp_path: Path):
    """A comparison reads: the journal's last row stays the last."""
    play(tmp_path, 20)
    before = (tmp_path / "tranship.db").read_bytes()
    arms(tmp_path, "none")
    assert (tmp_path / "tranship.db").read_bytes() == before


def test_a_run_under_a_leak_budget_is_compared_too(tmp_path: Path):
    """Its plans are in force in every arm; the arm as run equals the run."""
    path = network_file(tmp_path)
    path.write_text(path.read_text() + '\n[[leak]]\nnetwork = "amazon"\nbudget = 40\n')
    replay(save(tmp_path, uci_rows()), path, tmp_path / "run")
    state = rebuilt(tmp_path / "run")
    assert state.leaks is not None and state.leaks.versions["amazon"] >= 2
    run, free, counter = arms(tmp_path / "run", "as_run", "none", "counter")
    assert run.orders == free.orders == counter.orders == len(state.orders)
    with sqlite3.connect(tmp_path / "run" / "tranship.db") as db:
        assert (run.fulfillment_orders, run.cost) == db.execute(
            "SELECT COUNT(*), SUM(cost) FROM part WHERE status <> 'CANCELLED'"
        ).fetchone()
