"""Randomness without state: every draw is a keyed hash of what it is drawn for.

A draw depends on the seed, its purpose and its own key (a customer, a SKU), never on how many draws came before it.
So the order of the orders, the size of a batch and the number of processes cannot change a derived world. Everything
is integer arithmetic: two machines agree to the last bit.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

PPM = 1_000_000
"""Scale of multipliers and exponential draws: parts per million."""
_STEPS = 1 << 14  # points of a quantile table; the draw's top 14 bits choose one
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele, Lea, Flood 2014), public domain constants
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def words(seed: int, purpose: str, keys: Iterable[str], count: int = 1) -> Words:
    """`count` (at most 8) independent 64-bit words for each key, `[keys, count]`, by BLAKE2b keyed with the seed.

    `purpose` (at most 16 bytes) keeps draws for different things apart.
    """
    base = blake2b(key=str(seed).encode(), person=purpose.encode(), digest_size=8 * count)
    digests = []
    for key in keys:
        one = base.copy()
        one.update(key.encode())
        digests.append(one.digest())
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64).reshape(-1, count)


def spread(start: Words, counters: Ints) -> Words:
    """Words of a counter-based generator (splitmix64): `start` and `counters` broadcast against each other."""
    state = start + counters.astype(np.uint64) * _GOLDEN  # unsigned arithmetic wraps, as it should here
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    mixed: Words = state ^ (state >> np.uint64(31))
    return mixed


def below(draws: Words, limit: int | Ints) -> Ints:
    """Uniform integers 0 .. limit - 1 from words; `limit` is at most 2**31 (multiply and shift: bias limit / 2**32)."""
    bounds = np.asarray(limit, np.int64).astype(np.uint64)
    return (((draws >> np.uint64(32)) * bounds) >> np.uint64(32)).astype(np.int64)


def between(draws: Words, low: int | Ints, high: int | Ints) -> Ints:
    """Uniform integers low .. high, both included."""
    lowest = np.asarray(low, np.int64)
    return lowest + below(draws, np.asarray(high, np.int64) - lowest + 1)


def pick(draws: Words, cumulated: Ints) -> Ints:
    """Positions drawn with integer weights, given as their running sum (its last entry is the total, at most 2**31)."""
    return np.searchsorted(cumulated, below(draws, int(cumulated[-1])), side="right").astype(np.int64)


@lru_cache(maxsize=16)
def _lognormal_table(sd_ppm: int) -> Ints:
    normal, sd = NormalDist(), sd_ppm / PPM
    raw = [math.exp(sd * normal.inv_cdf((i + 0.5) / _STEPS)) for i in range(_STEPS)]
    mean = math.fsum(raw) / _STEPS
    return np.array([round(value / mean * PPM) for value in raw], np.int64)


def lognormal_ppm(draws: Words, sd: float) -> Ints:
    """Mean-one lognormal multipliers in parts per million; `sd` is that of the logarithm. 0 gives exactly one."""
    return _lognormal_table(round(sd * PPM))[(draws >> np.uint64(50)).astype(np.int64)]


@lru_cache(maxsize=1)
def _exponential_table() -> Ints:
    raw = [-math.log1p(-(i + 0.5) / _STEPS) for i in range(_STEPS)]
    mean = math.fsum(raw) / _STEPS
    return np.array([round(value / mean * PPM) for value in raw], np.int64)


def exponential_ppm(draws: Words) -> Ints:
    """Exponential draws of mean one, in parts per million."""
    return _exponential_table()[(draws >> np.uint64(50)).astype(np.int64)]
