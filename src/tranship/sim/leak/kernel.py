"""A week of orders through the gate, compiled: the same arithmetic as `routing.leak.gate`, which a test compares order by order.

Importing this module imports numba.
"""

from typing import Any

import numpy as np

from tranship.routing.kernel_jit import entry

Array = Any
"""An array of int64 (or of int8 where the name says `shows`)."""


@entry(
    "void(i8[::1], i8[::1], i1[::1], i8[:, ::1], i8[::1], i8[::1], i8[:, ::1], i8[:, :, :, ::1], i8,"
    "i8[:, ::1], i8, i8, b1, i8[::1], i8[::1], i8[::1], i8[:, ::1], i8[:, ::1])"
)
def walk(
    sku: Array, household: Array, shows: Array, draws: Array, coins: Array, savings: Array, shares: Array,
    weights: Array, least_saving: int, shown: Array, open_ppm: int, rows: int, everything: bool,
    last_year: Array, seen: Array, went: Array, accepted: Array, spread: Array,
) -> None:  # fmt: skip
    """Decide `rows` orders one after another; fills `went` (network or -1), `accepted` [network, SKU], `seen` and `shown`.

    `draws` [network, row], `coins` [row]; `shares` [network, SKU], `weights` [network, shown, last year + 1, seen]; `shown` [household,
    network]. `everything`: a drain, in which all orders go to the network whose turn it is and are booked as exposures.
    """
    one = 1_000_000
    networks, cap = weights.shape[0], weights.shape[1]
    most_last, most_seen = weights.shape[2] - 2, weights.shape[3] - 1
    for i in range(rows):
        k, h = sku[i], household[i]
        least, ties = 1 << 60, 0
        for n in range(networks):
            count = shown[h, n] if shows[i] else 0
            if count < least:
                least, ties = count, 0
            if count == least:
                ties += 1
        pick = coins[i] * ties // one
        turn = 0
        for n in range(networks):
            count = shown[h, n] if shows[i] else 0
            if count == least:
                if pick == 0:
                    turn = n
                pick -= 1
        weight = one
        if shows[i]:
            weight = 0
            if shown[h, turn] < cap:
                last = min(last_year[h], most_last) + 1
                weight = weights[turn, shown[h, turn], last, min(seen[h] + 1, most_seen)]
        for n in range(networks):
            worth = weight if n == turn and shares[n, k] and savings[i] >= least_saving else 0
            place = 16
            if worth > 0:
                place = 0
                while place < 15 and worth << place < one:
                    place += 1
            spread[n, place] += 1
        share = shares[turn, k]
        limit = 0
        if share and savings[i] >= least_saving:
            limit = open_ppm + min(one, share * weight // one) * (one - open_ppm) // one
            accepted[turn, k] += weight
        went[i] = -1
        if draws[turn, i] < limit or everything:
            went[i] = turn
            if shows[i]:
                shown[h, turn] += 1
        if shows[i]:
            seen[h] += 1


def empty(*shape: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Zeros of the type that the kernel takes."""
    return np.zeros(shape, np.int64)
