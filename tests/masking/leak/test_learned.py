"""Trained attackers: better than or as good as sums, kept and read again, and clear where the library is missing."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.masking.leak.brands import brand, chance
from tests.support import boosting
from tranship.core.errors import UnavailableError
from tranship.masking.leak import Adversary, Seen, score
from tranship.masking.leak.learned import Learned, dump, load, train

boosting()
SEEDS = range(100, 106)


def first_early(world):
    """A household's first two orders of the year, as a plain budget lets them through."""
    order = np.argsort(world.household, kind="stable")
    of = world.household[order]
    start = np.searchsorted(of, of, "left")
    rank = np.empty(len(of), np.int64)
    rank[order] = np.arange(len(of)) - start
    return Seen.of(world, rank < 2)


@pytest.fixture(scope="module")
def learned() -> Learned:
    """Trained on what a plain household budget of two a year shows."""
    return train([(brand(seed), first_early(brand(seed))) for seed in SEEDS])


def test_a_plain_budget_fools_a_count_but_not_a_trained_attacker(learned: Learned):
    """Heavy households come early: who learned that finds several times as many as who counts parcels."""
    found = score(brand(1), first_early(brand(1)), learned, draws=0)["vip"]
    assert found.by.startswith("trees") and found.value > 2 * found.each["count"]


def test_trained_attackers_rank_growth(learned: Learned):
    """Both of them, beside the sums; the best one is the reading."""
    reading = score(brand(1), first_early(brand(1)), learned, draws=0)["tau_growth"]
    assert set(reading.each) == {"slope", "halves", "trees", "ridge"}
    assert reading.each["ridge"] > 0.3 and reading.value == max(abs(tau) for tau in reading.each.values())


def test_kept_attackers_guess_what_they_guessed(learned: Learned):
    """Written, read, and equal to the last digit; other bytes are refused."""
    again = load(dump(learned))
    seen = first_early(brand(2))
    for mine, theirs in zip(
        learned.growth(brand(2), seen).values(), again.growth(brand(2), seen).values(), strict=True
    ):
        assert mine == pytest.approx(theirs, abs=1e-9)
    with pytest.raises(ValueError, match="attackers"):
        load(b"something else")


def test_training_is_repeatable():
    """The same worlds give the same attackers."""
    pairs = [(brand(seed), chance(brand(seed), 0.5)) for seed in (100, 101)]
    assert dump(train(pairs)) == dump(train(pairs))


def test_a_carrier_learns_households_only():
    """No items, no prices: nothing to rank growth by; and it cannot be scored as somebody else."""
    pairs = [(brand(seed), chance(brand(seed), 0.5)) for seed in (100, 101)]
    carrier = train(pairs, Adversary.TRANSIT)
    assert carrier.growth(brand(1), chance(brand(1), 0.5)) == {}
    found = score(brand(1), chance(brand(1), 0.5), carrier, Adversary.TRANSIT, draws=0)
    assert set(found["vip"].each) == {"count", "trees: count", "trees: top"}
    with pytest.raises(ValueError, match="another adversary"):
        score(brand(1), chance(brand(1), 0.5), carrier)


def test_training_on_nothing_guesses_nothing():
    """Worlds where the network saw no order teach nothing; the closed forms stand alone."""
    world = brand(3)
    nothing = Seen.of(world, np.zeros(len(world.at), bool))
    empty = train([(world, nothing)])
    assert set(score(world, chance(world, 0.5), empty, draws=0)["tau_growth"].each) == {"slope", "halves"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ModuleNotFoundError('no lightgbm')", r"tranship\[plan\]"),
        ("raise OSError('libgomp.so.1: cannot open shared object file')", "libgomp1"),
    ],
)
def test_a_missing_library_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
):
    """Neither a stack of imports nor silence: what is missing, how to get it, how to go without."""
    (tmp_path / "lightgbm.py").write_text(body + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UnavailableError, match=words) as raised:
        train([])
    assert "--quick" in str(raised.value)
