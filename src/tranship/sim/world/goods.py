"""Weights, dimensions and values for SKUs that have none, drawn by SKU code.

A unit is a flat thing (paper, textile: thinner than Amazon's 0.75-inch limit for small standard) or a box, at a
plausible density, so that a per-unit card's small and large standard tiers both occur.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from tranship.core.network import Sku
from tranship.sim.world import keyed
from tranship.sim.world.keyed import Ints
from tranship.sim.world.settings import WorldSettings

FLAT_PERCENT = 40
"""Share of SKUs up to a pound that are flat. Assumption."""
FLAT_MAX_G = 454
FLAT_HEIGHT_MM = (8, 19)  # 19 mm: 0.75 inch is the small standard tier's shortest side (FBA size tiers, seen)
FLAT_DENSITY = (400, 900)  # g per dm3. Assumption: paper 700 to 1,200, textiles and packed flats less
BOX_DENSITY = (150, 500)  # g per dm3. Assumption: gift ware in its box; the dim divisor 139 is 199 g per dm3

SUPERSTORE_G: Mapping[str, tuple[int, int]] = {
    "FUR-BO": (9_000, 30_000), "FUR-CH": (5_000, 18_000), "FUR-FU": (300, 3_000), "FUR-TA": (10_000, 31_000),
    "OFF-AP": (1_000, 8_000), "OFF-AR": (50, 500), "OFF-BI": (150, 900), "OFF-EN": (200, 1_500), "OFF-FA": (50, 400),
    "OFF-LA": (50, 400), "OFF-PA": (300, 2_500), "OFF-ST": (1_000, 12_000), "OFF-SU": (50, 800),
    "TEC-AC": (100, 1_200), "TEC-CO": (10_000, 30_000), "TEC-MA": (3_000, 20_000), "TEC-PH": (150, 900),
}  # fmt: skip
"""Weight range by the category in front of a Superstore product code. All are assumptions; 31 kg stays under 70 lb."""


def weight_ranges(codes: Sequence[str], settings: WorldSettings) -> tuple[Ints, Ints]:
    """Lightest and heaviest weight in g for each code under the settings' profile."""
    usual = (settings.weight_min_g, settings.weight_max_g)
    if settings.goods == "superstore":
        found = [SUPERSTORE_G.get(code[:6].upper(), usual) for code in codes]
    else:
        found = [usual] * len(codes)
    table = np.array(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def draw_goods(codes: Sequence[str], values_minor: Sequence[int], settings: WorldSettings) -> list[Sku]:
    """One Sku for each code: weight uniform in its range, sides longest first, value as given; no fragile, no hazmat."""
    draws = keyed.words(settings.seed, "goods", codes, 6)
    low, high = weight_ranges(codes, settings)
    weight = keyed.between(draws[:, 0], low, high)
    flat = (keyed.below(draws[:, 1], 100) < FLAT_PERCENT) & (weight <= FLAT_MAX_G)
    sides = np.where(flat[:, None], _flat_sides(weight, draws), _box_sides(weight, draws))
    sides = -np.sort(-sides, axis=1)
    rows = zip(codes, weight.tolist(), sides.tolist(), values_minor, strict=True)
    return [
        Sku(code, grams, length, width, height, value_minor=value)
        for code, grams, (length, width, height), value in rows
    ]


def _flat_sides(weight: Ints, draws: keyed.Words) -> Ints:
    density = keyed.between(draws[:, 2], *FLAT_DENSITY)
    volume = weight * 1_000_000 // density  # mm3
    height = keyed.between(draws[:, 3], *FLAT_HEIGHT_MM)
    return _sides(volume, height, keyed.between(draws[:, 4], 100, 150))


def _box_sides(weight: Ints, draws: keyed.Words) -> Ints:
    density = keyed.between(draws[:, 2], *BOX_DENSITY)
    volume = weight * 1_000_000 // density
    height = _cube_root(volume) * keyed.between(draws[:, 3], 55, 100) // 100
    return _sides(volume, np.maximum(height, FLAT_HEIGHT_MM[1] + 1), keyed.between(draws[:, 4], 100, 160))


def _sides(volume: Ints, height: Ints, ratio_percent: Ints) -> Ints:
    """Sides `[SKUs, 3]` of a block of this volume and height, its length `ratio_percent` of its width, at least 1 mm."""
    width = np.maximum(_square_root(volume * 100 // (height * ratio_percent)), 1)
    length = np.maximum(-(-volume // (height * width)), 1)
    return np.stack([length, width, height], axis=1)


def _square_root(number: Ints) -> Ints:
    root = np.sqrt(number.astype(np.float64)).astype(np.int64)
    root -= root * root > number
    return root + ((root + 1) * (root + 1) <= number)


def _cube_root(number: Ints) -> Ints:
    root = np.cbrt(number.astype(np.float64)).astype(np.int64)  # libraries differ in the last bit: set right below
    root -= root * root * root > number
    return root + ((root + 1) ** 3 <= number)
