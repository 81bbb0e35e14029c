"""P(heavy) and the weights of households."""

import numpy as np
import pytest

from tranship.routing.leak.household import (
    MOST_LAST,
    MOST_SEEN,
    USUAL,
    Buying,
    fitted,
    heavy_count,
    heavy_table,
    weight_table,
)
from tranship.routing.leak.model import ONE
from tranship.routing.leak.policy import Settings

BUYING = Buying(2.4, 0.6)


def test_the_fit_finds_the_rates_that_counts_were_drawn_from():
    """Households without an order are not in the books; the fit to the others still finds mean and shape."""
    chance = np.random.default_rng(3)
    counts = np.bincount(chance.poisson(chance.gamma(0.6, 2.4 / 0.6, 60_000)))
    found = fitted(counts)
    assert found.mean == pytest.approx(2.4, rel=0.1) and found.shape == pytest.approx(0.6, rel=0.15)
    counts[0] = 10**6
    assert fitted(counts) == found


def test_few_households_fit_nothing():
    """With too few of them the usual rates stand."""
    assert fitted(np.array([0, 50, 20, 3])) == USUAL
    assert fitted(np.array([0])) == USUAL


def test_probabilities_are_those_of_a_simulation():
    """P(heavy) of households like the one asked about, counted."""
    chance = np.random.default_rng(5)
    rate = chance.gamma(0.6, 2.4 / 0.6, 400_000)
    week = 12
    gone = (week + 0.5) / 52
    last, early, late = chance.poisson(rate), chance.poisson(rate * gone), chance.poisson(rate * (1 - gone))
    heavy, table = heavy_count(BUYING, 0.08), heavy_table(BUYING, 0.08, week)
    for known, seen in ((2, 1), (5, 2), (8, 3)):
        like = (last == known) & (early == seen)
        assert table[known + 1, seen] == pytest.approx((early + late >= heavy)[like].mean(), abs=0.03)
    like = early == 2
    assert table[0, 2] == pytest.approx((early + late >= heavy)[like].mean(), abs=0.03)


def test_more_orders_make_heavy_likelier_and_time_less_so():
    """P(heavy) grows with orders seen and known, and falls as the year passes without more."""
    early, late = heavy_table(BUYING, 0.08, 5), heavy_table(BUYING, 0.08, 40)
    assert (np.diff(early[:, 1:], axis=1) >= -1e-12).all() and (np.diff(early[1:, 1:], axis=0) >= -1e-12).all()
    assert (late[:, 1:5] <= early[:, 1:5] + 1e-12).all()
    assert early.shape == (MOST_LAST + 2, MOST_SEEN + 1) and 0 < early.min() <= early.max() <= 1


def test_weights_are_whole_below_theta_and_fall_above():
    """A household that is surely light has full weight, one that is surely heavy next to none."""
    settings = Settings(thetas=(0.2, 0.1), drifts=(0.0,))
    table = np.frombuffer(weight_table(settings, BUYING, 20), "<i4").reshape(2, MOST_LAST + 2, MOST_SEEN + 1)
    heavy = heavy_table(BUYING, settings.heavy_share, 20)
    assert (table[0][heavy <= 0.2] == ONE).all()
    assert (table[0][heavy >= 0.99] < 0.001 * ONE).all()
    assert (table[1] <= table[0]).all()


def test_thetas_drift_over_the_year():
    """Early parcels say most about who is heavy, so the rule is strict first and lenient later, up to a limit."""
    settings = Settings(thetas=(0.2,), drifts=(0.8,), theta_most=0.3)
    heavy_weights = [
        np.frombuffer(weight_table(settings, BUYING, week), "<i4").reshape(MOST_LAST + 2, -1)[-1, -1]
        for week in (0, 51)
    ]
    assert heavy_weights[0] < heavy_weights[1] <= round((0.3**settings.steepness) * ONE) + 1
