"""Prices in a recorded run: made at fixed moments of the virtual clock, alike however the run was cut, stopped and resumed."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tests.engine.price_books import steady
from tests.sim.exports import network_file, save, uci_rows
from tranship.core.time import MICROS_PER_HOUR
from tranship.engine import events as ev
from tranship.engine.run import open_store
from tranship.engine.verify import verify
from tranship.routing.prices.model import PriceBook
from tranship.routing.prices.snapshot import Snapshot
from tranship.sim import replay as module
from tranship.sim.replay import Summary, replay


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The example network, with prices four times a day."""
    return network_file(tmp_path, **{"[policy]\n": "[policy]\nprices_every_hours = 6\n"})


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Four weeks of invoices: the last week has 200 before it."""
    return save(tmp_path, uci_rows(260))


def events_of(run: Path) -> list[ev.Event]:
    """Every event of a closed run."""
    store = open_store(run, read_only=True)
    try:
        return [ev.decode(row.payload) for row in store.journal()]
    finally:
        store.close()


def sound(run: Path, summary: Summary) -> None:
    """Rebuilt, and every decision under every version of the prices taken again."""
    store = open_store(run, read_only=True)
    try:
        verdict = verify(store, decide=True)
        assert verdict.problems == []
        assert verdict.hash == summary.state_hash
    finally:
        store.close()


def after(batches: int) -> Callable[[], bool]:
    """Says stop after so many batches."""
    left = batches

    def stop() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    return stop


def test_prices_are_made_on_the_hours_of_the_policy_once_there_are_orders_enough(
    tmp_path: Path, network: Path, export: Path
) -> None:
    """Books lie on whole multiples of the hours, from the 200th order on, and decisions after one name it."""
    summary = replay(export, network, tmp_path / "run", solve=steady)
    sound(tmp_path / "run", summary)
    orders = 0
    made: list[int] = []
    for event in events_of(tmp_path / "run"):
        if isinstance(event, ev.OrderAccepted):
            orders += 1
        elif isinstance(event, ev.PricesSet):
            assert orders >= 200
            assert event.version == len(made) + 1
            made.append(event.at)
        elif isinstance(event, ev.OrderRouted):
            assert event.decision.why.prices == len(made)
    assert len(made) > 3
    assert not [at for at in made if at % (6 * MICROS_PER_HOUR)]
    assert min(b - a for a, b in pairwise(made)) >= 6 * MICROS_PER_HOUR


def test_after_a_book_that_saved_nothing_the_next_four_moments_pass(
    tmp_path: Path, network: Path, export: Path
) -> None:
    """Six hours become a day, and a run that is verified and rebuilt knows why."""

    def idle(snapshot: Snapshot) -> PriceBook:
        made = steady(snapshot)
        return msgspec.structs.replace(made, making=msgspec.structs.replace(made.making, tested_bp=0))

    sound(tmp_path / "run", replay(export, network, tmp_path / "run", solve=idle))
    made = [event.at for event in events_of(tmp_path / "run") if isinstance(event, ev.PricesSet)]
    assert len(made) > 1
    assert min(b - a for a, b in pairwise(made)) >= 24 * MICROS_PER_HOUR


def test_the_same_file_gives_the_same_prices_and_running_it_again_makes_none(
    tmp_path: Path, network: Path, export: Path
) -> None:
    """Two runs: one hash. The same run again: no book more, though its state is another by now."""
    asked: list[int] = []

    def counted(snapshot: Snapshot) -> PriceBook:
        asked.append(snapshot.at)
        return steady(snapshot)

    first = replay(export, network, tmp_path / "a", solve=counted)
    times = len(asked)
    assert replay(export, network, tmp_path / "b", solve=steady).state_hash == first.state_hash
    again = replay(export, network, tmp_path / "a", solve=counted)
    assert (again.state_hash, again.events, len(asked)) == (first.state_hash, first.events, times)


def test_stopped_and_resumed_it_has_the_prices_of_a_run_without_a_stop(
    tmp_path: Path, network: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after every few batches, also between orders and the prices that follow them: the same hash."""
    whole = replay(export, network, tmp_path / "whole", solve=steady)
    monkeypatch.setattr(module, "ORDERS_IN_BATCH", 23)
    stops = 0
    while not (part := replay(export, network, tmp_path / "parts", solve=steady, stop=after(2 * stops))).complete:
        stops += 1
    assert stops > 5
    assert (part.state_hash, part.events) == (whole.state_hash, whole.events)
    sound(tmp_path / "parts", part)


def test_killed_just_before_prices_are_made_it_makes_them_when_it_goes_on(
    tmp_path: Path, network: Path, export: Path
) -> None:
    """The process ends inside the solver: resumed, the same book comes at the same moment."""
    whole = replay(export, network, tmp_path / "whole", solve=steady)
    calls = 0

    def stumbling(snapshot: Snapshot) -> PriceBook:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise KeyboardInterrupt
        return steady(snapshot)

    part: Summary | None = None
    while part is None:
        try:
            part = replay(export, network, tmp_path / "parts", solve=stumbling)
        except KeyboardInterrupt:
            continue
    assert (part.state_hash, part.events) == (whole.state_hash, whole.events)


def test_a_policy_without_prices_makes_none(tmp_path: Path, export: Path) -> None:
    """Off means off: no snapshot is taken and no event written."""
    path = network_file(tmp_path, **{"[policy]\n": '[policy]\nprices = "off"\n'})

    def never(_: Snapshot) -> PriceBook:
        raise AssertionError("asked for prices")

    summary = replay(export, path, tmp_path / "run", solve=never)
    assert not [e for e in events_of(tmp_path / "run") if isinstance(e, ev.PricesSet)]
    sound(tmp_path / "run", summary)
