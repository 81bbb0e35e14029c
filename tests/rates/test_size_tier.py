import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rates.build import SPRING, network, sku
from tranship.rates import size_tier
from tranship.rates.compile import compile_tables


def tier(scheme: str, weight_g: int, *sides_mm: int) -> tuple[str, int]:
    """Name of the tier and the grams it bills, for one unit."""
    tiers = size_tier.tiers(scheme)
    which, weight = size_tier.assign(tiers, size_tier.units(np.array([weight_g]), np.array([sides_mm])))
    return tiers[which[0]].name, int(weight[0])


@pytest.mark.parametrize(
    ("weight_g", "sides_mm", "name"),
    [
        (453, (381, 304, 19), "small_standard"),
        (454, (381, 304, 19), "large_standard"),  # one gram above a pound
        (453, (381, 304, 20), "large_standard"),  # one millimeter too thick
        (453, (19, 381, 304), "small_standard"),  # sides in any order
        (9071, (457, 355, 203), "large_standard"),
        (9072, (457, 355, 203), "small_oversize"),
        (1000, (1524, 100, 100), "small_oversize"),
        (1000, (1525, 100, 100), "medium_oversize"),
        (1000, (2743, 100, 100), "medium_oversize"),
        (1000, (2743, 200, 200), "large_oversize"),
        (1000, (2744, 10, 10), "special_oversize"),
        (70_000, (500, 500, 500), "special_oversize"),
    ],
)
def test_the_smallest_tier_that_holds_a_unit_is_its_tier(weight_g: int, sides_mm: tuple[int, int, int], name: str):
    """Limits of the 2023 definitions, at and one beyond the edge."""
    assert tier("amazon_us_2023", weight_g, *sides_mm)[0] == name


def test_large_light_units_are_billed_by_volume():
    """A box of 400 x 300 x 200 mm: 1,464.6 cubic inches over 139 is 10.5 lb."""
    assert tier("amazon_us_2023", 500, 400, 300, 200) == ("large_standard", 4780)


def test_flat_envelopes_are_billed_by_their_own_weight():
    """The smallest tier never bills by volume."""
    assert tier("amazon_us_2023", 50, 380, 300, 19) == ("small_standard", 50)


def test_thin_bulky_units_count_two_inches_on_short_sides():
    """A rod of 1,000 x 10 x 10 mm is billed as 1,000 x 50 x 50."""
    assert tier("amazon_us_2023", 500, 1000, 10, 10) == ("small_oversize", 500)
    assert tier("amazon_us_2023", 100, 1000, 10, 10) == ("small_oversize", 498)


def test_units_of_unknown_size_count_as_a_shoe_box_by_weight():
    """No dimensions: not the flat tier, and no dim weight either."""
    assert tier("amazon_us_2023", 100, 0, 0, 0) == ("large_standard", 100)
    assert tier("amazon_us_2026", 25_000, 0, 0, 0) == ("extra_large_50_70", 25_000)


@given(
    weight=st.integers(1, 80_000),
    sides=st.tuples(*[st.integers(1, 3000)] * 3),
    scheme=st.sampled_from(["amazon_us_2023", "amazon_us_2026"]),
)
def test_every_unit_has_a_tier_and_a_heavier_one_never_a_smaller(weight: int, sides: tuple[int, int, int], scheme: str):
    """The last tier takes all; adding weight moves up the list or stays."""
    names = [t.name for t in size_tier.tiers(scheme)]
    name, billed = tier(scheme, weight, *sides)
    assert billed >= weight
    assert names.index(tier(scheme, weight + 500, *sides)[0]) >= names.index(name)


@pytest.mark.parametrize(
    ("value", "weight_g", "price"),
    [(999, 100, 291), (1000, 100, 373), (5000, 100, 373), (5001, 100, 399), (0, 100, 373), (2000, 1361, 705)],
)
def test_fba_prices_follow_the_price_band_of_the_unit(value: int, weight_g: int, price: int):
    """Under 10, 10 to 50, over 50 dollars; unknown counts as the middle; just above 3 lb one step of 8 cents is added."""
    tables = compile_tables(network(["fba_us_2026"], sku("A", weight_g, (100, 80, 50), value)), SPRING)
    assert (tables.unit_price[0, 0] // 10_000).tolist() == [price] * 5
