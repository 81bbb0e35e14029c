"""The meter's own statistics against scipy's and against counting by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.masking.leak.ranks import best_constant, first, hits, inversions, kendall

rankings = st.lists(st.tuples(st.integers(0, 6), st.integers(-5, 5)), min_size=2, max_size=60)


@given(st.lists(st.integers(0, 40), max_size=50))
def test_inversions_are_counted_as_by_hand(values: list[int]):
    """Pairs that stand the wrong way round, ties not among them."""
    by_hand = sum(a > b for a, b in itertools.combinations(values, 2))
    assert inversions(np.array(values, np.int64)) == by_hand


@given(rankings)
def test_kendall_is_scipys_tau_b(pairs: list[tuple[int, int]]):
    """Also with many ties; NaN where one side has no two different values."""
    stats = pytest.importorskip("scipy.stats")
    left, right = (np.array(side, float) for side in zip(*pairs, strict=True))
    mine = kendall(left, right)
    if len(set(left)) < 2 or len(set(right)) < 2:
        assert math.isnan(mine)
    else:
        assert mine == pytest.approx(stats.kendalltau(left, right).statistic, abs=1e-12)


def test_kendall_of_thousands_is_scipys_too():
    """The passes by bits hold for large rankings as well."""
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(3)
    left = np.round(draw.normal(size=4_000), 2)
    right = np.round(left + draw.normal(size=4_000), 1)
    assert kendall(left, right) == pytest.approx(stats.kendalltau(left, right).statistic, abs=1e-12)


def test_kendall_leaves_out_what_is_not_known():
    """A NaN on either side takes the pair out."""
    left, right = np.array([1.0, 2.0, math.nan, 3.0]), np.array([1.0, math.nan, 9.0, 3.0])
    assert kendall(left, right) == 1.0
    assert math.isnan(kendall(np.zeros(0), np.zeros(0)))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.data())
def test_hits_are_the_mean_over_all_ways_to_break_ties(truth: list[int], data: st.DataObject):
    """As if every order of equal values were tried, on both sides."""
    guess = data.draw(st.lists(st.integers(0, 3), min_size=len(truth), max_size=len(truth)))
    count = data.draw(st.integers(1, len(truth)))

    def tops(values: list[int]) -> list[set[int]]:
        edge = sorted(values, reverse=True)[count - 1]
        sure = {i for i, value in enumerate(values) if value > edge}
        ties = [i for i, value in enumerate(values) if value == edge]
        return [sure | set(more) for more in itertools.combinations(ties, count - len(sure))]

    ways = [len(a & b) / count for a in tops(truth) for b in tops(guess)]
    found = hits(np.array(truth, float), np.array(guess, float), count)
    assert found == pytest.approx(sum(ways) / len(ways))
    assert first(np.array(truth, float), count).sum() == pytest.approx(count)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=30))
def test_no_constant_guess_does_better_than_the_best_one(values: list[int]):
    """Every guess in fine steps meets at most as many values, and whole guesses are among them."""
    truth = np.array(values, float)
    tried = [float((np.abs(guess - truth) <= 0.2 * truth + 1e-9).mean()) for guess in np.arange(0.5, 16, 0.05)]
    whole = [float((np.abs(guess - truth) <= 0.2 * truth + 1e-9).mean()) for guess in range(1, 13)]
    assert best_constant(truth, 0.2) >= max(tried) - 1e-9
    assert best_constant(truth, 0.2, whole=True) == pytest.approx(max(whole))
