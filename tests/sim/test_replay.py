"""A recorded file through the real engine: once, twice, interrupted, changed, damaged; the real export's first days."""

import csv
import gzip
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.connectors.files.factory import uci_row
from tests.engine.audit import audit
from tests.sim.exports import SKUS, network_file, save, uci_rows
from tests.support import shared
from tranship.core.errors import InputError
from tranship.engine.run import open_store
from tranship.engine.verify import verify
from tranship.sim import replay as module
from tranship.sim.replay import Summary, replay


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The example network: Amazon capped at 60 % of the last thousand."""
    return network_file(tmp_path)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two weeks of invoices."""
    return save(tmp_path, uci_rows())


def events_of(run: Path) -> list[tuple[object, ...]]:
    """(kind, key) of every journal row."""
    store = open_store(run, read_only=True)
    try:
        return store.query("SELECT kind, key FROM journal ORDER BY seq")
    finally:
        store.close()


def rejects(run: Path) -> list[dict[str, str]]:
    """What rejects.csv says."""
    with (run / "rejects.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def sound(run: Path, summary: Summary, file: str = "uci.csv") -> None:
    """Every line is accounted for, the run verifies down to each decision, a second reading of the journal agrees."""
    assert summary.lines_accepted + summary.lines_rejected == summary.lines_read
    written = Counter(row["reason"] for row in rejects(run) if row["file"] == file)
    assert written == summary.rejected_by_reason
    assert written.total() == summary.lines_rejected
    store = open_store(run, read_only=True)
    try:
        verdict = verify(store, decide=True)
        assert verdict.problems == []
        assert verdict.hash == summary.state_hash
        assert verdict.events == summary.events
        assert audit(store) == []
    finally:
        store.close()


def test_a_file_is_replayed_from_end_to_end(tmp_path: Path, network: Path, export: Path) -> None:
    """Every line has an outcome, every order a decision, everything due has shipped, the cap held after every entry."""
    run = tmp_path / "run"
    told: list[tuple[str, float, float]] = []
    summary = replay(export, network, run, progress=lambda *step: told.append(step))
    sound(run, summary)
    assert summary.complete
    assert summary.orders == 120
    assert summary.lines_read == len(export.read_text().splitlines()) - 1
    assert summary.rejected_by_reason["not_goods"] > 0 and summary.rejected_by_reason["adjustment"] == 2
    assert 0 < summary.max_window_share <= 0.6
    assert 0.5 < summary.units_placed / summary.units_ordered <= 1
    assert summary.cancels > 5
    store = open_store(run, read_only=True)
    assert store.query("SELECT count(*) FROM part WHERE status = 'PROCESSING'") == [(0,)]
    assert store.query("SELECT count(*) FROM parked") == [(0,)], "three weeks later everything has come or expired"
    assert {row[0] for row in store.query("SELECT DISTINCT kind FROM journal")} >= {
        "file", "network", "received", "accepted", "routed", "cancel", "voided", "returned", "ticked", "shipped", "delivered",
    }  # fmt: skip
    store.close()
    assert {phase for phase, _, _ in told} >= {"reading", "orders"}
    done = [step for phase, step, _ in told if phase == "orders"]
    assert done == sorted(done) and done[-1] == 120 + summary.cancels


def test_running_it_twice_changes_nothing(tmp_path: Path, network: Path, export: Path) -> None:
    """The same hash, not one journal row more, the same counts."""
    run = tmp_path / "run"
    first = replay(export, network, run)
    rows = events_of(run)
    second = replay(export, network, run)
    assert second.state_hash == first.state_hash
    assert events_of(run) == rows
    assert (second.lines_accepted, second.lines_rejected, second.orders) == (
        first.lines_accepted, first.lines_rejected, first.orders,
    )  # fmt: skip
    assert len(rejects(run)) == first.lines_rejected


def after(batches: int) -> Callable[[], bool]:
    """Says stop once so many batches went by."""
    calls = itertools.count()
    return lambda: next(calls) >= batches


def test_stopped_after_every_batch_and_resumed_it_ends_as_if_it_had_not_been(
    tmp_path: Path, network: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C again and again, the same command each time: the final state hash is that of one run without a stop."""
    whole = replay(export, network, tmp_path / "whole")
    monkeypatch.setattr(module, "ORDERS_IN_BATCH", 19)
    run, stops = tmp_path / "parts", 0
    while True:
        part = replay(export, network, run, stop=after(stops))  # one batch further than the last time
        if part.complete:
            break
        stops += 1
    assert stops > 10
    assert (part.state_hash, part.events) == (whole.state_hash, whole.events)
    sound(run, part)


def test_another_order_under_the_same_number_is_an_exception_and_its_lines_are_rejected(
    tmp_path: Path, network: Path, export: Path
) -> None:
    """The first stands. The later file's lines are rejected with that reason, once however often it comes."""
    run = tmp_path / "run"
    replay(export, network, run)
    rows = uci_rows()
    changed = [_doubled(row) if row.startswith("500004,") else row for row in rows]
    later = save(tmp_path, changed, "later.csv")
    lines = sum(row.startswith("500004,") for row in rows)
    for _ in range(2):
        summary = replay(later, network, run)
        assert summary.refused == summary.rejected_by_reason["changed_order"] == lines
        mine = [row for row in rejects(run) if row["file"] == "later.csv" and row["reason"] == "changed_order"]
        assert len(mine) == lines and {row["document"] for row in mine} == {"500004"}
        store = open_store(run, read_only=True)
        assert store.query("SELECT kind, subject FROM exception WHERE kind = 'changed_order'") == [
            ("changed_order", "uci:500004")
        ]
        assert verify(store, decide=True).problems == []
        store.close()
    assert summary.lines_accepted + summary.lines_rejected == summary.lines_read
    assert {row["file"] for row in rejects(run)} == {"uci.csv", "later.csv"}


def _doubled(row: str) -> str:
    cells = row.split(",")
    return ",".join([*cells[:3], str(2 * int(cells[3])), *cells[4:]])


def test_an_order_that_cannot_be_taken_is_rejected_line_by_line(tmp_path: Path, network: Path) -> None:
    """One invoice of 2,001 lines is more than an order may have: the other orders of the file go on."""
    rows = uci_rows(30) + [uci_row("510000", SKUS[n % 30], 1, "2010-03-10 10:00") for n in range(2001)]
    summary = replay(save(tmp_path, rows), network, tmp_path / "run")
    assert summary.rejected_by_reason["refused"] == summary.refused == 2001
    assert summary.orders == 31
    sound(tmp_path / "run", summary)
    assert ("accepted", "order/uci/510000") not in events_of(tmp_path / "run")


def test_a_second_file_of_the_same_weeks_ships_like_the_first(tmp_path: Path, network: Path, export: Path) -> None:
    """Its orders find a clock that runs for them too, whatever the first file's clock has done."""
    run = tmp_path / "run"
    replay(export, network, run)
    rows = [row.replace("5000", "7000", 1).replace("5001", "7001", 1) for row in uci_rows(seed=8)]
    summary = replay(save(tmp_path, rows, "more.csv"), network, run)
    sound(run, summary, "more.csv")
    store = open_store(run, read_only=True)
    assert store.query("SELECT count(*) FROM orders") == [(240,)]
    assert store.query("SELECT count(*) FROM part WHERE status = 'PROCESSING'") == [(0,)]
    store.close()


def test_the_first_file_again_after_a_second_one_still_changes_nothing(
    tmp_path: Path, network: Path, export: Path
) -> None:
    """Goods that both files have are known from the first: no document goes back and forth between two derived worlds."""
    run = tmp_path / "run"
    replay(export, network, run)
    rows = [row.replace("5000", "7000", 1) for row in uci_rows(40, seed=3)]
    other = save(tmp_path, [*rows, uci_row("709999", "90000", 1, "2010-03-05 10:00")], "other.csv")
    after = replay(other, network, run)
    rows = events_of(run)
    for path in (export, other):
        assert replay(path, network, run).state_hash == after.state_hash
        assert events_of(run) == rows


def test_a_changed_network_file_is_one_event_more(tmp_path: Path, export: Path) -> None:
    """The cap lowered after the fact: the run goes on under it, old decisions stay, verify knows both documents."""
    run = tmp_path / "run"
    first = replay(export, network_file(tmp_path), run)
    lowered = network_file(tmp_path, **{"share = 60": "share = 40"})
    second = replay(export, lowered, run)
    assert [kind for kind, _ in events_of(run)].count("network") == 2
    assert second.events > first.events
    sound(run, second)


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_truncated_gzip_leaves_no_run(tmp_path: Path, network: Path, export: Path, cut: float) -> None:
    """The file is read to its end before anything is written: an error with counts, and no folder."""
    whole = gzip.compress(export.read_bytes())
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(InputError, match=r"torn\.csv\.gz"):
        replay(torn, network, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_network_file_that_cannot_be_used_leaves_no_run(tmp_path: Path, export: Path) -> None:
    """Refused before the orders are even read."""
    broken = tmp_path / "broken.toml"
    broken.write_text("[party]\ncode = 3\n")
    with pytest.raises(InputError):
        replay(export, broken, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_without_an_order_is_no_error(tmp_path: Path, network: Path) -> None:
    """Only fees and adjustments: everything rejected with its reason, nothing to run."""
    rows = [row for row in uci_rows() if ",POST," in row or row.startswith("A")]
    summary = replay(save(tmp_path, rows), network, tmp_path / "run")
    assert (summary.orders, summary.lines_accepted) == (0, 0)
    assert summary.lines_rejected == summary.lines_read == len(rows)


def test_opening_balances_of_the_network_file_replace_the_derived_stock(tmp_path: Path, export: Path) -> None:
    """Stock that somebody counted is not invented: what is not there waits and expires."""
    (tmp_path / "skus.csv").write_text("sku,weight_g\n" + "".join(f"{sku},200\n" for sku in SKUS))
    (tmp_path / "stock.csv").write_text("node,sku,qty\n" + "".join(f"EAST,{sku},3\n" for sku in SKUS))
    network = network_file(
        tmp_path,
        **{
            '# sku_file = "skus.csv" ': 'sku_file = "skus.csv" #',
            '# stock_file = "stock.csv"': 'stock_file = "stock.csv" #',
        },
    )
    summary = replay(export, network, tmp_path / "run")
    sound(tmp_path / "run", summary)
    store = open_store(tmp_path / "run", read_only=True)
    assert store.query("SELECT sum(qty) FROM stock WHERE bucket = 0") == [(-3 * len(SKUS),)]
    assert store.query("SELECT DISTINCT node FROM part") == [("EAST",)]
    store.close()
    assert (
        0
        < summary.units_placed
        <= 3 * len(SKUS) + sum(1 for kind, _ in events_of(tmp_path / "run") if kind == "voided") * 12
    )


def test_the_first_days_of_the_real_export(tmp_path: Path, network: Path) -> None:
    """Its first 3,000 lines as they are: every one accounted for, the cap held, the run sound down to each decision."""
    source = shared("data", "uci_online_retail", "online_retail_2009_2010.csv.gz")
    with gzip.open(source, "rt", encoding="utf-8", newline="") as lines:
        head = "".join(itertools.islice(lines, 3001))
    path = tmp_path / "online_retail.csv.gz"
    path.write_bytes(gzip.compress(head.encode(), mtime=0))
    summary = replay(path, network, tmp_path / "run")
    sound(tmp_path / "run", summary, path.name)
    assert summary.lines_read == 3000
    assert summary.orders > 100
    assert summary.max_window_share <= 0.6
    again = replay(path, network, tmp_path / "run")
    assert again.state_hash == summary.state_hash
