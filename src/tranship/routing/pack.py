"""Rate tables laid out for the kernel: few contiguous arrays, settings of a node side by side."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.rates.tables import PARCEL, PER_UNIT, RateTables

Ints = NDArray[np.int64]
NO_DIM = 1 << 62
"""Volume that no part reaches: a card without dim weight."""


class Packed(NamedTuple):
    """The kernel's arguments for one set of tables; columns of `node` and `goods` are named in `kernel_limits`."""

    node: Ints  # [N, 12]
    parcel: Ints  # [P, 10, B]
    band_of: NDArray[np.uint8]  # [P, G + 1]
    unit_price: Ints  # [U, S, 5]
    goods: Ints  # [S, 2]
    fits: NDArray[np.uint8]  # [S, N]


def pools(tables: RateTables) -> Ints:
    """[N] the lowest node whose units are counted together with this one's; a node alone is its own pool.

    Raises:
        ValueError: nodes of one per-unit card disagree on how units are counted.
    """
    pool = np.arange(len(tables.kind), dtype=np.int64)
    per_unit = tables.kind == PER_UNIT
    for row in set(tables.unit_row[per_unit].tolist()):
        members = np.flatnonzero(per_unit & (tables.unit_row == row))
        scopes = set(tables.unit_scope[members].tolist())
        if len(scopes) > 1:
            raise ValueError(f"nodes {members.tolist()} share per-unit card {row} but count units differently")
        if scopes == {1}:
            pool[members] = members[0]
    return pool


def pack(tables: RateTables) -> Packed:
    """Lay out `tables` for the kernel; arrays are copies, so that they are writable and contiguous whatever the caller does."""
    parcel_node = tables.kind == PARCEL
    row = np.where(parcel_node, tables.parcel_row, 0)
    rows = len(tables.max_carton_g)
    if rows == 0:  # no parcel card at all: one unused row keeps shapes whole
        zero = np.zeros(1, np.int64)
        settings = [zero] * 5
        parcel, band_of = np.zeros((1, 10, 1), np.int64), np.zeros((1, 1), np.uint8)
    else:
        off = (tables.dim_num <= 0) | (tables.dim_den <= 0)
        over = np.where(off, NO_DIM, tables.dim_over_cm3)
        settings = [
            tables.max_carton_g,
            np.where(off, 0, tables.dim_num),
            np.where(off, 1, tables.dim_den),
            over,
            tables.residential_fee,
        ]
        parcel, band_of = tables.parcel, tables.band_of
    most, num, den, over, residential = (np.asarray(s)[row] for s in settings)
    node = np.stack(
        [
            tables.kind,
            pools(tables),
            np.where(parcel_node, 0, tables.unit_row),
            row,
            most,
            num,
            den,
            np.where(parcel_node, over, NO_DIM),
            tables.order_fee,
            np.where(parcel_node, tables.unit_fee, 0),
            residential,
            band_of[row, most],
        ],
        axis=1,
    )
    goods = np.stack([tables.weight_g, tables.volume_cm3], axis=1)
    return Packed(
        np.array(node, np.int64, order="C"),
        np.array(parcel, np.int64, order="C"),
        np.array(band_of, np.uint8, order="C"),
        np.array(tables.unit_price, np.int64, order="C"),
        np.array(goods, np.int64, order="C"),
        np.array(tables.fits, np.uint8, order="C"),
    )
