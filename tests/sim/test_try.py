"""`tranship try`: the baseline is the run, what changes nothing changes nothing, and every unit that moved has a reason."""

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tests.console.runs import play
from tests.engine import worlds
from tests.sim.trials import overlay, tried
from tranship.core.errors import DamageError, InputError
from tranship.engine.run import open_shard
from tranship.sim.trial import run as trial_run
from tranship.sim.trial.moves import WHY
from tranship.sim.trial.paired import paired
from tranship.sim.trial.run import try_run, write_changes

SAME = "[policy]\nmax_parts = 8\n"
NO_CAP = '[[cap]]\nnetwork = "AMZ"\nremove = true\n'
DEAR = "[card.pl]\norder_fee = 4.00\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 80 orders under a cap of 60 %, with shelves that run empty."""
    folder = tmp_path_factory.mktemp("try") / "run"
    play(folder, 80, caps=worlds.cap(reserve=1, price_micros=2_000_000))
    return folder


@pytest.fixture(scope="module")
def ample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with shelves that are never empty."""
    folder = tmp_path_factory.mktemp("ample") / "run"
    play(folder, 80, stock=2_000)
    return folder


def test_the_baseline_equals_the_run(home: Path):
    """Decided again, every event is the run's, and the sums are those of its tables."""
    trial, _ = tried(home, SAME)
    assert trial.same and "every one as the run has it" in trial.checked
    base = trial.baseline
    with sqlite3.connect(home / "tranship.db") as db:
        parts = db.execute("SELECT COUNT(*), SUM(units), SUM(cost) FROM part WHERE status <> 'CANCELLED'").fetchone()
        late = db.execute("SELECT SUM(units) FROM part WHERE late AND status <> 'CANCELLED'").fetchone()[0] or 0
        orders = db.execute("SELECT COUNT(*), SUM(units) FROM orders").fetchone()
        parked = db.execute("SELECT SUM(units) FROM parked").fetchone()[0] or 0
    assert (base.fulfillment_orders, base.units_placed, base.cost) == parts
    assert (base.orders, base.units_ordered) == orders
    assert (base.units_late, base.units_parked) == (late, parked)


@pytest.mark.parametrize(
    "text", ["", SAME, '[[node]]\ncode = "OWN-1"\nclosed = false\n', "[card.pl]\nchange_pct = 0\n"]
)
def test_what_changes_nothing_changes_nothing(home: Path, text: str):
    """Values that the run had anyway: the same arms, no flow, no order, no difference."""
    trial, changes = tried(home, text)
    (one,) = trial.variations
    one.arm.name, one.arm.note = trial.baseline.name, trial.baseline.note
    assert one.arm == trial.baseline
    assert (one.orders_changed, one.flows, one.changes, changes) == (0, [], [], [[]])
    assert (one.paired.mean, one.paired.left_out, one.paired.sure) == (0.0, 0, False)


def test_every_unit_has_one_fate_in_every_arm(home: Path):
    """Ordered = placed + parked + given up + taken back; networks add up to the whole; moves go where the sums say."""
    trial, _ = tried(home, NO_CAP, DEAR, '[[node]]\ncode = "PL-1"\nclosed = true\n')
    for arm in (trial.baseline, *(one.arm for one in trial.variations)):
        assert arm.units_ordered == arm.units_placed + arm.units_parked + arm.units_given_up + arm.units_taken_back
        assert arm.cost == sum(one.cost for one in arm.networks)
        assert arm.units_placed == sum(one.units for one in arm.networks)
        assert arm.orders_in_full <= arm.orders_wanted <= arm.orders
    for one in trial.variations:
        units = {network.network: network.units for network in trial.baseline.networks}
        for flow in one.network_flows:
            for name, sign in ((flow.source, -1), (flow.target, 1)):
                if name in units:
                    units[name] += sign * flow.units
        assert units == {network.network: network.units for network in one.arm.networks}
        assert sum(flow.units for flow in one.flows) == one.units_moved
        assert {flow.why for flow in one.flows} <= set(WHY)


def test_without_the_cap_the_cheap_network_ships_more(ample: Path):
    """It costs less, the window goes above the cap that was, and the reason is room under the cap or its price."""
    trial, _ = tried(ample, NO_CAP)
    (one,) = trial.variations
    assert one.arm.cost < trial.baseline.cost and one.arm.caps == []
    assert trial.baseline.caps[0].high_bp <= 6000
    assert one.arm.networks[0].fulfillment_orders > trial.baseline.networks[0].fulfillment_orders
    whys = {flow.why for flow in one.network_flows if flow.target == "AMZ"}
    assert whys and whys <= {"cap_room", "cap_price", "rest"}
    assert one.paired.mean < 0 and one.paired.cheaper > 0


def test_a_tighter_cap_holds_and_says_so(ample: Path):
    """A cap of 30 %: no window above it, and units leave the capped network for want of room."""
    trial, _ = tried(ample, '[[cap]]\nnetwork = "AMZ"\nshare = 30\n')
    (one,) = trial.variations
    assert one.arm.caps[0].high_bp <= 3000 == one.arm.caps[0].cap_bp
    assert {flow.why for flow in one.network_flows if flow.source == "AMZ"} <= {"cap", "cap_price", "rest", "other"}
    assert one.arm.cost > trial.baseline.cost


def test_a_closed_node_ships_nothing(home: Path):
    """All that it shipped goes elsewhere, because it is closed."""
    trial, changes = tried(home, '[[node]]\ncode = "PL-1"\nclosed = true\n')
    (one,) = trial.variations
    assert next(n for n in one.arm.networks if n.network == "PL").units == 0
    left = [flow for flow in one.flows if flow.source == "PL-1"]
    assert left and {flow.why for flow in left} <= {"closed", "rest"}
    assert not any("PL-1" in row.after for row in changes[0])


def test_a_node_that_is_down_for_a_time_ships_before_and_after(home: Path):
    """From the second to the fifth day nothing new goes there; before and after it does."""
    trial, changes = tried(home, '[[node]]\ncode = "PL-1"\nclosed_from = 2026-03-04\nclosed_until = 2026-03-09\n')
    (one,) = trial.variations
    units = next(n for n in one.arm.networks if n.network == "PL").units
    assert units > 0
    day = dt.date(2026, 3, 4).toordinal() - dt.date(1970, 1, 1).toordinal()
    moved = [row for row in changes[0] if row.why == "closed"]
    assert moved and all(day <= row.at // worlds.DAY < day + 5 for row in moved)


def test_an_outage_that_is_over_when_the_period_begins_changes_nothing(home: Path):
    """And one that lasts into it begins with it."""
    text = '[[node]]\ncode = "PL-1"\nclosed_from = 2026-03-03\nclosed_until = 2026-03-0{}\n'
    over, lasting = tried(home, text.format(5), text.format(9), first=dt.date(2026, 3, 5))[0].variations
    assert over.orders_changed == 0
    assert "closed" in {flow.why for flow in lasting.flows}


def test_a_dearer_card_moves_orders_away_from_it(ample: Path):
    """Four dollars more at PL: nothing costs less, and what leaves it leaves for other prices."""
    trial, _ = tried(ample, DEAR)
    (one,) = trial.variations
    assert one.paired.mean > 0 and one.paired.cheaper == 0
    assert one.arm.cost > trial.baseline.cost
    assert "card" in {flow.why for flow in one.network_flows if flow.source == "PL"}


def test_a_period_begins_with_the_state_the_run_had(home: Path):
    """From the second week on: only its orders are compared, and the baseline is still the run."""
    first, until = dt.date(2026, 3, 9), dt.date(2026, 3, 12)
    trial, _ = tried(home, SAME, NO_CAP, first=first, until=until)
    assert trial.same
    low = (first - dt.date(1970, 1, 1)).days * worlds.DAY
    assert low <= trial.first_at <= trial.last_at < low + 4 * worlds.DAY
    with sqlite3.connect(home / "tranship.db") as db:
        (count,) = db.execute(
            "SELECT COUNT(*) FROM orders WHERE placed_at >= ? AND placed_at < ?", (low, low + 4 * worlds.DAY)
        ).fetchone()
    assert trial.baseline.orders == count
    assert trial.variations[0].orders_changed == 0
    assert all(cap.high_bp <= cap.cap_bp for cap in trial.baseline.caps)


@pytest.mark.parametrize(
    ("first", "until", "said"),
    [
        (dt.date(2027, 1, 1), None, "The run's orders are from 2026-03-02"),
        (None, dt.date(2020, 1, 1), "The run's orders are from 2026-03-02"),
        (dt.date(2026, 3, 9), dt.date(2026, 3, 8), "is before"),
    ],
)
def test_a_period_without_orders_is_told(home: Path, first: dt.date | None, until: dt.date | None, said: str):
    """And what the run has."""
    with pytest.raises(InputError, match=said):
        tried(home, SAME, first=first, until=until)


def test_nothing_is_written_to_the_run(home: Path):
    """Its database has the same bytes after as before."""
    before = sha256((home / "tranship.db").read_bytes()).digest()
    tried(home, NO_CAP)
    assert sha256((home / "tranship.db").read_bytes()).digest() == before


def test_a_run_that_is_being_written_can_be_tried(tmp_path: Path):
    """Somebody holds the writer's lock: reading does not care."""
    play(tmp_path / "run", 20)
    shard = open_shard(tmp_path / "run")
    try:
        trial, _ = tried(tmp_path / "run", SAME)
        assert trial.same and trial.baseline.orders == 20
    finally:
        shard.store.close()


def test_no_run_and_an_empty_one_are_told(tmp_path: Path):
    """Not a trace of a database is made."""
    path = overlay(tmp_path, SAME)
    with pytest.raises(InputError, match="no run here"):
        try_run(tmp_path / "none", [path])
    assert not (tmp_path / "none").exists()
    play(tmp_path / "run", 0)
    with pytest.raises(InputError, match="no orders yet"):
        try_run(tmp_path / "run", [path])


@pytest.mark.parametrize(
    "change", ["UPDATE journal SET payload = x'00' WHERE seq = 40", "DELETE FROM journal WHERE seq = 40"]
)
def test_a_damaged_run_is_told_by_its_row(tmp_path: Path, change: str):
    """A changed or missing row names itself; nothing is compared with half a run."""
    play(tmp_path / "run", 20)
    with sqlite3.connect(tmp_path / "run" / "tranship.db") as db:
        db.execute("PRAGMA writable_schema = ON")
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(change)
    with pytest.raises(DamageError, match="row 40"):
        tried(tmp_path / "run", SAME)


def test_two_of_one_name_and_none_at_all_are_refused(tmp_path: Path, home: Path):
    """Reports call variations by name."""
    named = '[variation]\nname = "x"\n'
    with pytest.raises(InputError, match="a second variation"):
        tried(home, named, named)
    with pytest.raises(InputError, match="nothing to try"):
        try_run(home, [])


def test_processes_answer_as_one_process_does(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Arms in processes of their own come to the same, and progress reaches its end."""
    paths = [overlay(home.parent, NO_CAP, "p0"), overlay(home.parent, DEAR, "p1")]
    alone, _ = try_run(home, paths, processes=1)
    monkeypatch.setattr(trial_run, "SMALL", 0)
    told: list[float] = []
    together, _ = try_run(home, paths, progress=lambda _, done, __: told.append(done))
    alone.seconds = together.seconds = 0
    assert together == alone
    assert told[-1] == 100


def test_changes_as_csv_hold_every_changed_order(home: Path, tmp_path: Path):
    """One row each, cents and all, and nothing that a spreadsheet would run."""
    trial, changes = tried(home, '[variation]\nname = "=1+1"\n' + NO_CAP, most=2)
    rows = write_changes(tmp_path / "x.csv", trial, changes)
    lines = (tmp_path / "x.csv").read_text().splitlines()
    assert len(lines) - 1 == rows == trial.variations[0].orders_changed
    assert len(trial.variations[0].changes) == min(2, rows)
    assert all(line.startswith("'=1+1,") for line in lines[1:])
    assert sum(row.cost for row in changes[0]) == trial.variations[0].arm.cost - trial.baseline.cost


def test_noise_is_not_sold_as_gain():
    """Differences that average out have an interval around 0; a steady saving has not."""
    draw = np.random.default_rng(5)
    at = np.arange(3_000) * (worlds.DAY // 10)
    cost = draw.integers(3_000_000, 9_000_000, 3_000)
    noise = paired(at, cost, cost + draw.integers(-500_000, 500_001, 3_000), np.ones(3_000, bool))
    assert noise.low < 0 < noise.high and not noise.sure and noise.block == "week"
    gain = paired(at, cost, cost - 100_000 + draw.integers(-50_000, 50_001, 3_000), np.ones(3_000, bool))
    assert gain.sure and gain.low < gain.mean < gain.high < 0
    few = paired(at[:30], cost[:30], cost[:30] + 1, np.ones(30, bool))
    assert few.block == "" and not few.sure


def test_ctrl_c_ends_the_workers(home: Path, tmp_path: Path):
    """Interrupted in the middle, the command is gone with all of its processes."""
    script = tmp_path / "slow.py"
    script.write_text(
        "import os, signal, sys, time\nfrom pathlib import Path\nfrom tranship.sim.workers import Work\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a test run in the background has it ignored
        "def slow(job, tell):\n"
        f"    Path({str(tmp_path)!r}, f'pid{{job}}').write_text(str(os.getpid()))\n"
        "    for _ in range(600):\n        time.sleep(0.1)\n        tell(0.1)\n"
        "if __name__ == '__main__':\n    Work(slow).all([1, 2])\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], env=os.environ | {"PYTHONPATH": "src"}, stderr=subprocess.DEVNULL
    )
    pids = [tmp_path / "pid1", tmp_path / "pid2"]
    deadline = time.monotonic() + 60
    while not all(path.exists() and path.read_text() for path in pids) and time.monotonic() < deadline:
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    for path in pids:
        assert not Path("/proc", path.read_text()).exists()
