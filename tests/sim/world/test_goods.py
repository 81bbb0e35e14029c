"""Derived goods are plausible and hang on their code alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tranship.core.network import Sku
from tranship.sim.world import WorldSettings
from tranship.sim.world.goods import SUPERSTORE_G, draw_goods

CODES = [f"{n:05d}" for n in range(4000)]
INCH = 25.4


def goods(codes: list[str], **settings: object) -> list[Sku]:
    """Goods worth a dollar under these settings."""
    return draw_goods(codes, [100] * len(codes), WorldSettings(**settings))  # type: ignore[arg-type]


def is_small_standard(sku: Sku) -> bool:
    """Amazon's tier: up to 1 lb, 15 x 12 x 0.75 inches."""
    sides = (sku.length_mm, sku.width_mm, sku.height_mm)
    return sku.weight_g <= 453 and all(a <= b * INCH for a, b in zip(sides, (15, 12, 0.75), strict=True))


def test_weights_are_uniform_between_a_tenth_and_half_a_pound() -> None:
    """Both ends occur, and the mean is the middle."""
    weights = np.array([sku.weight_g for sku in goods(CODES)])
    assert (weights.min(), weights.max()) == (45, 227)
    assert abs(weights.mean() - 136) < 4
    assert abs(weights.std() - 183 / 12**0.5) < 3


def test_small_and_large_standard_tiers_both_occur() -> None:
    """Flat things are small standard, boxes are not; everything fits large standard (18 x 14 x 8 inches)."""
    made = goods(CODES)
    small = sum(map(is_small_standard, made))
    assert 0.35 < small / len(made) < 0.45
    assert all(s.length_mm <= 18 * INCH and s.width_mm <= 14 * INCH and s.height_mm <= 8 * INCH for s in made)


def test_dimensions_are_consistent_with_the_weight() -> None:
    """Sides are ordered and positive, density stays between foam-filled box and paper."""
    for sku in goods(CODES):
        assert sku.length_mm >= sku.width_mm >= sku.height_mm >= 8
        density = 1_000_000 * sku.weight_g / (sku.length_mm * sku.width_mm * sku.height_mm)
        assert 130 < density < 905, sku


@given(st.permutations(CODES[:20]), st.integers(0, 2**31 - 1))
def test_goods_hang_on_the_code_and_the_seed_only(codes: list[str], seed: int) -> None:
    """Neither other codes nor their order change a SKU."""
    together = {sku.code: sku for sku in goods(codes, seed=seed)}
    assert [together[code] for code in codes[:3]] == [goods([code], seed=seed)[0] for code in codes[:3]]


def test_superstore_goods_are_as_heavy_as_their_category() -> None:
    """Tables outweigh labels; a code without a known category is light; one unit always fits a 70 lb carton."""
    codes = [f"{prefix}-{n:08d}" for prefix in SUPERSTORE_G for n in range(40)] + ["X-1"]
    made = {sku.code: sku for sku in goods(codes, goods="superstore")}
    for code, sku in made.items():
        low, high = SUPERSTORE_G.get(code[:6], (45, 227))
        assert low <= sku.weight_g <= high
        assert sku.weight_g * 2.2046 < 70_000
        assert min(sku.length_mm, sku.width_mm, sku.height_mm) > 0


def test_derived_goods_are_neither_fragile_nor_hazardous() -> None:
    """They may lie anywhere."""
    assert not any(sku.fragile or sku.hazmat or sku.parts or sku.nodes for sku in goods(CODES[:50]))


def test_a_code_weighs_what_it_weighed_in_the_first_release() -> None:
    """Published figures can be made again."""
    sku = goods(["85048"])[0]
    assert (sku.weight_g, sku.length_mm, sku.width_mm, sku.height_mm) == (178, 121, 120, 16)
