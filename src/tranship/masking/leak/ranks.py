"""Small statistics of rankings, without scipy: Kendall's tau with ties, hits among the first, the best constant guess."""

import math

import numpy as np

from tranship.masking.leak.model import Floats, Ints


def inversions(ranks: Ints) -> int:
    """How many pairs stand the wrong way round (left above right); values are integers from 0. O(n log n), one pass a bit.

    >>> inversions(np.array([2, 0, 1])), inversions(np.array([1, 1, 0]))
    (2, 2)
    """
    total, values = 0, ranks
    # Values are kept sorted by their leading bits, each group in its first order: a pair is counted at the first bit where it differs.
    for bit in reversed(range(int(ranks.max()).bit_length() if len(ranks) else 0)):
        ones = (values >> bit) & 1
        group = values >> (bit + 1)
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        before = np.cumsum(ones) - ones
        within = before - np.repeat(before[starts], np.diff(np.r_[starts, len(values)]))
        total += int(within[ones == 0].sum())
        values = values[np.argsort(values >> bit, kind="stable")]
    return total


def _tied(sizes: Ints) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _dense(values: Floats) -> tuple[Ints, int]:
    _, codes, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return codes.astype(np.int64), _tied(sizes)


def kendall(left: Floats, right: Floats) -> float:
    """Kendall's tau-b of two rankings; NaN where one of them has no two different values.

    >>> kendall(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    0.3333333333333333
    """
    known = ~(np.isnan(left) | np.isnan(right))
    (a, tied_a), (b, tied_b) = _dense(left[known]), _dense(right[known])
    size = len(a)
    pairs = size * (size - 1) // 2
    if pairs in (tied_a, tied_b):
        return math.nan
    both = a * (int(b.max()) + 1) + b
    order = np.argsort(both, kind="stable")
    _, sizes = np.unique(both, return_counts=True)
    agree = pairs - tied_a - tied_b + _tied(sizes) - 2 * inversions(b[order])
    return agree / math.sqrt((pairs - tied_a) * (pairs - tied_b))


def first(values: Floats, count: int) -> Floats:
    """How much of each entry is among the `count` highest: 1, 0, or an equal part of the last places where values tie. NaN is last."""
    score = np.where(np.isnan(values), -np.inf, values)
    if count <= 0:
        return np.zeros(len(score))
    if count >= len(score):
        return np.ones(len(score))
    edge = np.partition(score, len(score) - count)[len(score) - count]
    above, tied = score > edge, score == edge
    part: Floats = above + tied * ((count - above.sum()) / tied.sum())
    return part


def hits(truth: Floats, guess: Floats, count: int) -> float:
    """Part of the true `count` highest that are among the guessed ones: the mean over all ways to break ties."""
    return float((first(truth, count) * first(guess, count)).sum() / count) if count else math.nan


def best_constant(truth: Floats, within: float, *, whole: bool = False) -> float:
    """The highest share of values (above 0) that one constant guess meets within this relative error; `whole`: guesses are integers.

    >>> best_constant(np.array([2.0, 2.4, 3.0, 10.0]), 0.2), best_constant(np.array([2.0, 2.0, 3.0]), 0.2, whole=True)
    (0.75, 0.6666666666666666)
    """
    if not len(truth):
        return math.nan
    values = np.sort(truth)
    if whole:
        guesses = np.arange(1, math.ceil(values[-1]) + 1, dtype=np.float64)
    else:  # the guess c meets v where c/(1 + within) <= v <= c/(1 - within): the best one makes some value its lower end
        guesses = values * (1 + within)
    low = np.searchsorted(values, guesses / (1 + within) * (1 - 1e-12), "left")
    high = np.searchsorted(values, guesses / (1 - within) * (1 + 1e-12), "right")
    return float((high - low).max() / len(values))
