"""What pricing needs to know of the SKUs, as arrays in the order of the network file."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tranship.core.network import Sku
from tranship.rates.tables import Ints


@dataclass(frozen=True)
class Goods:
    """Weights in g, sides `[S, 3]` in mm and volumes in cubic cm (0: unknown), values in minor units."""

    weight_g: Ints
    sides_mm: Ints
    volume_cm3: Ints
    value_minor: Ints
    known: NDArray[np.bool_]  # the weight is known


def goods_of(skus: Sequence[Sku]) -> Goods:
    """Arrays of the SKUs; a bundle without a weight of its own weighs what its parts weigh."""
    count = len(skus)
    table = np.array(
        [(s.weight_g, s.length_mm, s.width_mm, s.height_mm, s.value_minor) for s in skus], np.int64
    ).reshape(count, 5)
    weight, sides, value = table[:, 0].copy(), table[:, 1:4].copy(), table[:, 4].copy()
    volume = -(-sides.prod(axis=1) // 1000)
    by_code = {sku.code: position for position, sku in enumerate(skus)} if any(sku.parts for sku in skus) else {}
    for position, sku in enumerate(skus):
        parts = [(by_code[code], quantity) for code, quantity in sku.parts if code in by_code]
        if parts and weight[position] <= 0:
            weight[position] = sum(int(table[part, 0]) * quantity for part, quantity in parts)
        if parts and volume[position] <= 0:
            volume[position] = sum(int(volume[part]) * quantity for part, quantity in parts)
    return Goods(np.maximum(weight, 0), sides, volume, value, weight > 0)
