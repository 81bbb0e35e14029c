"""Rate tables: every card of a network file compiled to integer arrays for one price date.

The router's kernel and `tranship quote` both read these, so a decision and its quote cannot differ. Money is micros,
weight grams, volume cubic centimeters. Axes: N nodes, S SKUs, U per-unit cards, P parcel cards, Z zones (0 unused,
1..9), B weight bands.

What one part (one node's share of an order) costs:

* per-unit card (`kind` 0): `order_fee[n]` + sum over lines of qty x `unit_price[unit_row[n], sku, min(units, 5) -
  1]`, where `units` counts the part, or the order's units at all nodes of that card's row where `unit_scope[n]` is 1.
* parcel card (`kind` 1): `order_fee[n]` + units x `unit_fee[n]` + cartons. Billed weight is the larger of actual
  weight and dim weight (`-(-volume * dim_num // dim_den)` grams, only where the part's volume exceeds
  `dim_over_cm3`). Full cartons of `max_carton_g` each pay the top band, the rest pays its own band: `parcel[row,
  zone, band]`; each carton adds `residential_fee[row]` to a residence.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UNIT_CLASSES = 5
"""Classes of a per-unit card: price of one unit where the shipment has 1, 2, 3, 4, 5 or more units."""
PER_UNIT, PARCEL = 0, 1

Ints = NDArray[np.int64]


Layer = tuple[str, Ints]
"""A named share of a price, of the shape of the price itself."""


@dataclass(frozen=True)
class Explained:
    """What the integers are made of, for quotes. Layers of a row add up to its prices; the router never looks here."""

    day: int  # the price date asked for
    unit_layers: tuple[tuple[Layer, ...], ...]  # per unit row: (name, [S, 5])
    unit_labels: tuple[tuple[str, ...], ...]  # per unit row: name of the price row of each SKU, or why it has none
    parcel_layers: tuple[tuple[Layer, ...], ...]  # per parcel row: (name, [10, B])
    band_labels: tuple[tuple[str, ...], ...]  # per parcel row: "5 lb" and so on
    refusals: tuple[tuple[str, ...], ...]  # per parcel row: why a SKU cannot go ("" where it can)
    notes: tuple[tuple[str, ...], ...]  # per node: which price list, of which date, of what standing
    cards: tuple[str, ...]  # per node: name of its card


@dataclass(frozen=True)
class RateTables:
    """See the module text for axes and meaning. Arrays are C-contiguous and never changed after they are made."""

    version: str  # hash of cards, SKUs, nodes and the price date's interval
    kind: Ints  # [N]
    unit_row: Ints  # [N], -1 for parcel nodes
    unit_price: Ints  # [U, S, 5] micros (U >= 1 even where unused)
    unit_scope: Ints  # [N] 0: units counted per part, 1: per order
    order_fee: Ints  # [N] micros a part
    unit_fee: Ints  # [N] micros a unit
    parcel_row: Ints  # [N], -1 for per-unit nodes
    parcel: Ints  # [P, 10, B] micros a carton, everything but the residential fee included
    band_of: NDArray[np.uint8]  # [P, G + 1] band of a weight in grams, G the largest max_carton_g
    max_carton_g: Ints  # [P]
    dim_num: Ints  # [P]
    dim_den: Ints  # [P]
    dim_over_cm3: Ints  # [P]
    residential_fee: Ints  # [P] micros a carton
    fits: NDArray[np.uint8]  # [S, N] 1 where the card can price the SKU at all
    weight_g: Ints  # [S]
    volume_cm3: Ints  # [S]
    zone3: NDArray[np.uint8]  # [N, 1000] zone from node to destination ZIP3; 0: not served or unknown
    transit_days: NDArray[np.uint8]  # [K services, N, 10] working days by zone; 255: service not offered
    services: tuple[str, ...]  # names of the K services
    explained: Explained | None = field(default=None, compare=False, repr=False)
