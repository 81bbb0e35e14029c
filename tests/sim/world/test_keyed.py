"""Draws are a function of seed, purpose and key, on every machine."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.sim.world import keyed


def test_a_draw_depends_on_its_own_key_only() -> None:
    """Neither the neighbors of a key nor their order change what is drawn for it."""
    alone = keyed.words(7, "goods", ["x"], 3)
    among = keyed.words(7, "goods", ["c", "x", "a"], 3)
    assert (among[1] == alone[0]).all()


def test_seed_and_purpose_keep_draws_apart() -> None:
    """Another seed, or another purpose under the same seed, is another world."""
    draws = {int(keyed.words(seed, purpose, ["x"])[0, 0]) for seed in (1, 2, 12) for purpose in ("goods", "forecast")}
    assert len(draws) == 6


def test_draws_are_those_of_the_first_release() -> None:
    """A world published with a seed can be made again by every later release."""
    assert keyed.words(1, "goods", ["85048"])[0, 0] == int.from_bytes(
        hashlib.blake2b(b"85048", key=b"1", person=b"goods", digest_size=8).digest(), "little"
    )
    assert keyed.spread(np.array([0], np.uint64), np.array([1], np.int64))[0] == 0xE220A8397B1DCDAF  # splitmix64(0)
    table = keyed.lognormal_ppm(np.arange(1 << 14, dtype=np.uint64) << np.uint64(50), 0.25)
    assert hashlib.sha256(table.astype("<i8").tobytes()).hexdigest()[:16] == "5f21ab33a2b77e90"


@given(st.integers(1, 2**31), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
def test_below_stays_below(limit: int, draws: list[int]) -> None:
    """A bounded draw is never negative and never reaches its bound."""
    found = keyed.below(np.array(draws, np.uint64), limit)
    assert found.min() >= 0
    assert found.max() < limit


def test_picks_follow_their_weights() -> None:
    """Weights 1, 0, 3 give about 25, 0 and 75 percent; a weight of 0 is never drawn."""
    draws = keyed.words(1, "pick", map(str, range(40_000)))[:, 0]
    counts = np.bincount(keyed.pick(draws, np.array([1, 1, 4])), minlength=3)
    assert 9_600 < counts[0] < 10_400
    assert counts[1] == 0
    assert counts.sum() == 40_000


@pytest.mark.parametrize("sd", [0.0, 0.1, 0.25, 1.0])
def test_forecast_errors_have_mean_one_and_the_given_spread(sd: float) -> None:
    """The error neither helps nor hurts on average, whatever its size."""
    draws = keyed.words(3, "forecast", map(str, range(60_000)))[:, 0]
    factors = keyed.lognormal_ppm(draws, sd) / keyed.PPM
    assert abs(float(factors.mean()) - 1) < 0.02 * max(sd, 0.001) / 0.5 + 0.001
    assert abs(float(np.log(factors).std()) - sd) < 0.02 * sd + 1e-9


def test_exponential_draws_have_mean_one() -> None:
    """Mean and spread of the time to the next order are those of a Poisson process."""
    draws = keyed.exponential_ppm(keyed.words(3, "gap", map(str, range(60_000)))[:, 0]) / keyed.PPM
    assert abs(float(draws.mean()) - 1) < 0.02
    assert abs(float(draws.std()) - 1) < 0.03
