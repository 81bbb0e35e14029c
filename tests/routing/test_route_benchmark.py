"""The benchmark of routing: instances are the staged ones, the baseline stays what it was, the policy keeps the cap and beats it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.route import report
from benchmarks.route.__main__ import seeds_of, staged_bound, windows_of
from benchmarks.route.files import load, save
from benchmarks.route.instance import SIZES, Instance, Recipe, make, sample
from benchmarks.route.policy import FROZEN, Priced, Settings, baseline, control_of, fixed, nothing
from tests.support import ROOT, shared
from tranship.core.errors import InputError
from tranship.routing.prices import dual

SMALL = Recipe(skus=40, orders=300)
STAGED = {0: 55_684.3698, 1: 55_172.9405}
"""What the frozen baseline costs on size S: it never changes, or nothing that was captured before can be compared."""


@pytest.fixture(scope="module")
def sized() -> Callable[[int], Instance]:
    """Size S instances, each made once."""
    made: dict[int, Instance] = {}
    return lambda seed: made.setdefault(seed, make(seed, Recipe(*SIZES["S"])))


def test_the_frozen_control_never_changes() -> None:
    """The release before prices, number by number."""
    assert asdict(FROZEN) == {
        "cap_bp": 6_000, "window": 10_000, "reserve": 3, "rate_bp": -100, "burst_bp": 200, "price_micros": 4_000_000,
        "slowness": 400, "forgetting": 200, "most": 8, "measure": 1, "by_part": True, "gated": True,
    }  # fmt: skip


@pytest.mark.parametrize("seed", list(STAGED))
def test_the_baseline_costs_what_it_always_did(sized: Callable[[int], Instance], seed: int) -> None:
    """To four decimals, with the cap kept and nothing lost."""
    made = baseline(sized(seed))
    assert made.total == pytest.approx(STAGED[seed], abs=5e-5)
    assert (made.tally.breaches, made.tally.lost) == (0, 0)
    assert made.tally.max_share <= 0.6


@pytest.mark.parametrize("seed", list(STAGED))
def test_prices_capture_most_of_the_gap_and_keep_the_cap(sized: Callable[[int], Instance], seed: int) -> None:
    """Size S, window 10,000: the floor of the gap to hindsight captured, no window above the cap, never below the optimum."""
    row = json.loads(shared("prototypes", "routing", "bounds.json").read_text())[str(seed)]["S"]
    instance = sized(seed)
    made = Priced(instance, control_of(10_000), Settings()).run()
    assert report.captured(baseline(instance), made, row["bound"]) >= 0.42
    assert made.total >= row["mip_objective"]
    assert made.tally.max_share <= 0.6 and made.tally.breaches == 0
    assert made.tally.lost == 0
    assert made.stream is not None and made.stream.goods.stock.min() >= 0 and made.stream.goods.work.min() >= 0


def test_the_row_has_every_key_of_the_headline_and_of_each_window() -> None:
    """What others read: on a small instance with our own bound."""
    row = report.measured(make(2, SMALL), [1_000, 100], None, 60)
    for held in (row, row["w100"]):
        assert isinstance(held, dict)
        assert {"captured", "decisions_per_s", "max_window_share", "windows_above_cap", "lost_to_gate", "cost_per_order",
                "bound"} <= set(held)  # fmt: skip
        assert held["windows_above_cap"] == 0
        assert float(str(held["max_window_share"])) <= 0.6
        assert float(str(held["bound"])) <= float(str(held["cost_per_order"]))
    assert row["bound_source"] == "own, 60 passes"


@pytest.mark.parametrize("window", [7, 50, 1_000])
@pytest.mark.parametrize("cap_bp", [0, 2_500, 6_000, 10_000])
def test_any_window_and_cap_is_kept_by_baseline_and_policy(window: int, cap_bp: int) -> None:
    """No window above the cap, before and after orders moved; the bound with that cap is below both."""
    instance = make(5, SMALL)
    instance.cap_bp = cap_bp
    bound, _ = report.bound_of(instance, 80, None)
    for made in (
        baseline(instance, replace(FROZEN, window=window, cap_bp=cap_bp)),
        Priced(instance, control_of(window, cap_bp=cap_bp), Settings(futures=2, first_passes=10, passes=5)).run(),
    ):
        assert made.tally.breaches == 0
        assert made.tally.max_share <= cap_bp / 10_000
        assert made.total >= bound
        assert made.tally.lost <= made.tally.waited


def test_the_same_seed_is_the_same_policy() -> None:
    """Two runs, two threads each: one result."""
    first, again = (Priced(make(4, SMALL), control_of(200), Settings(futures=3)).run() for _ in range(2))
    assert first.tally == again.tally and first.moved == again.moved


def test_an_outage_strikes_on_its_day_and_is_known_in_hindsight_only() -> None:
    """From its day on the node ships nothing; the bound rises and stays below what was paid."""
    instance = make(3, SMALL)
    calm, _ = report.bound_of(instance, 80, None)
    instance.outage = (3, tuple(range(16)))
    struck, _ = report.bound_of(instance, 80, None)
    assert struck > calm
    for made in (baseline(instance), Priced(instance, control_of(1_000), Settings(futures=2)).run()):
        assert made.stream is not None
        day = np.repeat(instance.orders.day, np.diff(instance.orders.start))
        late = made.stream.node[day >= 3]
        assert not (late < 16).any()
        assert made.total >= struck


def test_clairvoyant_prices_are_played_as_given() -> None:
    """The prices of the bound, fixed beforehand, beat none at all on the same control."""
    instance = make(1, Recipe(skus=100, orders=1_500))
    _, prices = report.bound_of(instance, 150, None)
    control = control_of(1_000)
    assert fixed(instance, prices, control).total < fixed(instance, nothing(instance), control).total


@given(st.floats(0, 8), st.integers(0, 99))
def test_a_future_has_the_days_that_are_left(since: float, seed: int) -> None:
    """From a fraction of a day on: no order of a day gone by, distinct SKUs, days in order."""
    instance = make(0, SMALL)
    assert instance.beliefs is not None
    ahead = sample(instance.beliefs, 200, np.random.default_rng(seed), since)
    assert ahead.length == 0 or (ahead.day.min() >= int(since) and ahead.day.max() < 7)
    assert since < 7 or not ahead.length
    assert (np.diff(ahead.day) >= 0).all()
    for t in range(ahead.length):
        skus = ahead.sku[ahead.start[t] : ahead.start[t + 1]].tolist()
        assert 1 <= len(skus) == len(set(skus)) <= 3


# -- files and the command line ------------------------------------------------------------------------------------


def test_a_saved_instance_gives_the_same_result(tmp_path: Path) -> None:
    """Beliefs included: the same tally, the same bound."""
    made = make(9, SMALL)
    save(tmp_path / "own.npz", made)
    read = load(tmp_path / "own.npz")
    assert baseline(read).tally == baseline(made).tally
    results = [Priced(one, control_of(300), Settings(futures=2)).run() for one in (made, read)]
    assert results[0].tally == results[1].tally and results[0].total == results[1].total
    assert report.bound_of(read, 20, None)[0] == report.bound_of(made, 20, None)[0]


def test_without_beliefs_futures_are_drawn_from_what_came(tmp_path: Path) -> None:
    """A stream of one's own needs no forecast: it still ends, keeps the cap and is above the bound."""
    save(tmp_path / "plain.npz", replace(make(9, SMALL), beliefs=None))
    read = load(tmp_path / "plain.npz")
    assert read.beliefs is None
    made = Priced(read, control_of(300), Settings(futures=2)).run()
    assert made.tally.breaches == 0
    assert made.total >= report.bound_of(read, 60, None)[0]


def saved(path: Path, **changed: object) -> Path:
    """A small instance with some arrays changed; None leaves one out."""
    save(path, make(9, SMALL))
    with np.load(path) as data:
        arrays = {name: data[name] for name in data.files}
    arrays |= {name: np.asarray(value) for name, value in changed.items() if value is not None}
    np.savez(
        path, **{name: array for name, array in arrays.items() if name not in changed or changed[name] is not None}
    )
    return path


GOOD = make(9, SMALL)
LINES, COUNT = len(GOOD.orders.sku), GOOD.orders.length
ONES = np.ones(LINES, np.int64)
HOSTILE: dict[str, tuple[dict[str, object], str]] = {
    "left out": ({"stock": None, "qty": None}, "arrays missing: stock, qty"),
    "half a belief": ({"taste": None}, "arrays missing: taste"),
    "wrong axes": ({"fixed": np.zeros(3)}, "fixed has 1 axes, 2 expected"),
    "a list of days": ({"cap_bp": [6_000]}, "cap_bp has 1 axes"),
    "words": ({"dest": np.array(["east"] * COUNT)}, "dest is not of finite numbers"),
    "objects": ({"dest": np.array([{}] * COUNT, object)}, "not an .npz of arrays"),
    "not a number": ({"fixed": np.full(GOOD.costs.fixed.shape, np.nan)}, "fixed is not of finite numbers"),
    "half units": ({"qty": ONES * 0.5}, "qty is not of whole numbers"),
    "beyond integers": ({"stock": np.full(GOOD.goods.stock.shape, 1e300)}, "stock is not of whole numbers"),
    "other nodes": ({"work": np.ones((7, 3), np.int64)}, "work [D, N]"),
    "other SKUs": ({"weight": np.ones(3)}, "per_unit [S, N]"),
    "lines missing": ({"qty": ONES[:-1]}, "sku, qty [L]"),
    "no orders": ({"day": np.zeros(0), "dest": np.zeros(0), "start": np.zeros(1), "sku": np.zeros(0), "qty": np.zeros(0)},
                  "at least one destination, node, SKU, day and order"),
    "start is empty": ({"start": np.zeros(0, np.int64)}, "start [T + 1]"),
    "start falls": ({"start": GOOD.orders.start[::-1].copy()}, "start ascends"),
    "an order without lines": ({"start": np.concatenate([[0, 0], GOOD.orders.start[2:]])}, "every order has a line"),
    "SKU beyond": ({"sku": ONES * 40}, "sku is a position below 40"),
    "dest below": ({"dest": np.full(COUNT, -1)}, "dest is a position"),
    "day beyond": ({"day": np.full(COUNT, 7)}, "day is a position below 7"),
    "days fall": ({"day": GOOD.orders.day[::-1].copy()}, "day ascends"),
    "a SKU twice": ({"sku": ONES * 0}, "an order names a SKU once"),
    "nothing ordered": ({"qty": ONES * 0}, "qty is 1 or more"),
    "too much ordered": ({"qty": ONES * 10**15}, "qty is 1 or more, 100000000 in all at most"),
    "stock below zero": ({"stock": -GOOD.goods.stock}, "stock and work are 0 or more"),
    "cap above one": ({"cap_bp": 10_001}, "cap_bp is 0 to 10000"),
    "costs below zero": ({"per_unit": -GOOD.costs.per_unit}, "costs are 0 to"),
    "costs in the clouds": ({"fixed": GOOD.costs.fixed * 1e4}, "costs are 0 to"),
    "no penalty": ({"penalty": 0.0}, "penalty is above 0"),
    "a mix that is none": ({"mix": np.zeros(40)}, "mix sums to 1"),
    "a mix of one": ({"mix": np.eye(40)[0]}, "three SKUs of the mix"),
    "a mix of others": ({"mix": np.ones(3) / 3}, "mix [S], taste [S, C]"),
    "days of another cycle": ({"days": np.ones(3) / 3}, "regions [C], days [D], lines [3]"),
    "less than none expected": ({"expected": -1}, "error and expected are 0 or more"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(HOSTILE))
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, name: str) -> None:
    """A clear error, and no compiled code ever sees them."""
    changed, message = HOSTILE[name]
    path = saved(tmp_path / "x.npz", **changed)
    with pytest.raises(InputError) as caught:
        load(path)
    assert message in str(caught.value)
    assert "x.npz" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not really", b"day,dest\n1,2\n", b"\x93NUMPY\x01\x00", b"\x80\x04."]
)
def test_files_that_are_no_npz_are_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, torn or of another kind."""
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not an \.npz"):
        load(path)
    with pytest.raises(InputError, match=r"not an \.npz"):
        load(tmp_path / "absent.npz")


def test_torn_and_single_arrays_are_refused(tmp_path: Path) -> None:
    """Cut anywhere, or damaged within, or an array saved alone."""
    whole = saved(tmp_path / "x.npz").read_bytes()
    for cut in range(0, len(whole), len(whole) // 20):
        (tmp_path / "torn.npz").write_bytes(whole[:cut])
        with pytest.raises(InputError):
            load(tmp_path / "torn.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"one array, not an \.npz"):
        load(tmp_path / "one.npy")


def test_lists_on_the_command_line() -> None:
    """Ranges and lists of seeds; windows of a unit at least."""
    assert (seeds_of("0-4"), seeds_of("0,2,7"), seeds_of("3")) == ([0, 1, 2, 3, 4], [0, 2, 7], [3])
    assert windows_of("10000,1000") == [10_000, 1_000]
    for wrong in ("0", "", "a", "-5"):
        with pytest.raises(ValueError):  # noqa: PT011
            windows_of(wrong)


def test_staged_bounds_are_read_where_they_are() -> None:
    """The row of a size and seed; none for a seed that nobody bounded."""
    shared("prototypes", "routing", "bounds.json")
    bound = staged_bound("S", 0)
    assert bound is not None and 0 < bound[0] <= bound[1]
    assert staged_bound("S", 999) is None


def test_an_instance_of_ones_own_is_measured_from_the_command_line(tmp_path: Path) -> None:
    """One JSON line with the keys; a damaged file ends with one line that says why."""
    save(tmp_path / "own.npz", make(9, SMALL))
    command = [sys.executable, "-m", "benchmarks.route", "--windows", "200", "--passes", "30", "--json", "--instance"]
    done = subprocess.run(
        [*command, "own.npz"], cwd=tmp_path, env=_environment(), capture_output=True, text=True, check=True
    )
    row = json.loads(done.stdout)
    assert row["windows_above_cap"] == 0 and row["bound"] <= row["cost_per_order"]
    (tmp_path / "bad.npz").write_bytes(b"PK")
    refused = subprocess.run(
        [*command, "bad.npz"], cwd=tmp_path, env=_environment(), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("benchmarks.route: ") and "Traceback" not in refused.stderr


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_our_own_bound_is_the_staged_one_but_for_the_last_permille(sized: Callable[[int], Instance]) -> None:
    """Fewer passes than the staged bound had: below the optimum, at most half a percent."""
    staged = staged_bound("S", 1)
    if staged is None:
        shared("prototypes", "routing", "bounds.json")
        raise AssertionError
    instance = sized(1)
    found, prices = dual.bound(
        instance.costs,
        instance.goods,
        instance.orders,
        instance.caps(0.6 * instance.units),
        penalty=instance.penalty,
        passes=300,
    )
    assert 0.995 * staged[1] <= found <= staged[1]
    assert prices.cap[0] > 0 and prices.stock.max() <= instance.penalty
