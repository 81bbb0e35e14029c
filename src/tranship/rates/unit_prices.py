"""Per-unit cards compiled: for every SKU the micros of one unit where the shipment has 1, 2, 3, 4 or 5 and more units.

The size tier and the billed weight of a SKU choose its row of the price list; what the list adds per started pound or
step is folded in. Discount, fuel, unit fee and surcharges are layers; each is rounded to a whole cent for one unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tranship.rates import size_tier
from tranship.rates.cards import Card
from tranship.rates.goods import Goods
from tranship.rates.measures import CENT, scale_cents, steps_above
from tranship.rates.price_tables import UNKNOWN_VALUE, UnitRow, Version
from tranship.rates.tables import UNIT_CLASSES, Ints, Layer

NO_ROW = ""


@dataclass(frozen=True)
class UnitPrices:
    """`layers` add up to `price` `[S, 5]` micros; `label` is the row of each SKU (`NO_ROW`: cannot be priced)."""

    price: Ints
    layers: tuple[Layer, ...]
    labels: tuple[str, ...]
    fits: NDArray[np.bool_]


def unit_prices(card: Card, goods: Goods, day: int) -> UnitPrices:
    """Price every SKU on a per-unit card for a day."""
    version = card.table.on(day)
    base, row_of = _from_rows(version, goods)
    price = scale_cents(base, 10_000 - card.discount_bp)
    fits = row_of >= 0
    layers: list[tuple[str, Ints]] = [("fulfillment", price)]
    if card.unit_fee:
        layers.append(("unit fee", np.full_like(price, card.unit_fee)))
    if card.fuel_bp:
        layers.append((f"fuel {card.fuel_bp / 100:g} %", scale_cents(price, card.fuel_bp)))
    for extra in card.surcharges:
        if extra.period.holds(day):
            layers.append((extra.name, extra.cents + scale_cents(price, extra.bp)))
    micros = tuple((name, np.where(fits[:, None], cents, 0) * CENT) for name, cents in layers)
    labels = tuple(version.rows[row].label if row >= 0 else NO_ROW for row in row_of.tolist())
    return UnitPrices(np.sum([layer for _, layer in micros], axis=0), micros, labels, fits)


def _from_rows(version: Version, goods: Goods) -> tuple[Ints, Ints]:
    """`(cents [S, 5], row [S])`: the first row of the list that takes each SKU (-1: none does)."""
    count = len(goods.weight_g)
    weight, tier_names = goods.weight_g, [""] * count
    if version.scheme:
        tiers = size_tier.tiers(version.scheme)
        tier_of, weight = size_tier.assign(tiers, size_tier.units(goods.weight_g, goods.sides_mm))
        tier_names = [tiers[position].name if position >= 0 else "none" for position in tier_of.tolist()]
    tier_name = np.array(tier_names, dtype=object)
    value = np.where(goods.value_minor > 0, goods.value_minor, UNKNOWN_VALUE)
    cents = np.zeros((count, UNIT_CLASSES), np.int64)
    row_of = np.full(count, -1, np.int64)
    for position, row in enumerate(version.rows):
        takes = (row_of < 0) & goods.known & _takes(row, weight, value)
        if row.tier:
            takes &= tier_name == row.tier
        row_of[takes] = position
        extra = steps_above(weight[takes], row.above_lb, row.step_lb) * row.step_cents
        cents[takes] = np.array(row.cents) + extra[:, None]
    return cents, row_of


def _takes(row: UnitRow, weight: Ints, value: Ints) -> NDArray[np.bool_]:
    takes: NDArray[np.bool_] = (weight <= row.max_g) & (value >= row.value_from) & (value <= row.value_to)
    return takes
