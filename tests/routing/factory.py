"""Small rate tables and random orders for router tests, with cards typed in from published sheets."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tranship.rates.tables import PARCEL, PER_UNIT, RateTables

Ints = NDArray[np.int64]

# Amazon Multi-Channel Fulfillment, US, standard speed, price of a unit by number of units in cents; Seller Central page 201112650,
# an undated old copy (before the tiers of 2024).
MCF_CENTS = [
    [395, 275, 239, 189, 179],  # small standard, 4 oz or less
    [495, 345, 295, 229, 199],  # small standard, 4-10 oz
    [549, 385, 329, 269, 239],  # large standard, 10 oz or less
    [1099, 680, 580, 480, 380],  # small oversize: 4 units cost 19.20, 5 cost 19.00
]
# USPS Ground Advantage retail, 2025-10-05 (USPS Notice 123), zones 1..8 in cents, some of its weight steps (upper end in pounds).
USPS_CENTS = [
    (0.25, [720, 725, 735, 750, 780, 790, 810, 840]),
    (0.5, [750, 770, 785, 800, 835, 855, 880, 925]),
    (1, [910, 945, 975, 1010, 1065, 1100, 1155, 1245]),
    (2, [985, 1045, 1105, 1180, 1280, 1370, 1490, 1715]),
    (3, [1025, 1090, 1145, 1240, 1360, 1490, 1705, 2010]),
    (5, [1195, 1245, 1330, 1445, 1625, 1815, 2060, 2375]),
    (10, [1455, 1485, 1565, 1755, 2095, 2505, 3015, 3550]),
    (20, [2085, 2100, 2235, 2485, 3275, 4065, 5055, 6265]),
    (25, [2930, 3150, 3495, 4275, 5260, 6330, 7420, 8625]),
    (40, [4280, 4630, 5155, 6440, 8155, 9725, 11225, 12850]),
    (70, [5905, 6285, 6875, 8920, 11700, 13850, 15800, 17780]),
]
GRAMS_PER_POUND = 453.59237
CENT = 10_000


@dataclass(frozen=True)
class Case:
    """One order as the solver takes it."""

    q: Ints
    sku: Ints
    ok: NDArray[np.uint8]
    mu: Ints
    gamma: Ints
    zone: Ints
    residential: int

    def args(self) -> tuple[Ints, Ints, NDArray[np.uint8], Ints, Ints, Ints, int]:
        """The solver's arguments, in order."""
        return self.q, self.sku, self.ok, self.mu, self.gamma, self.zone, self.residential


def parcel_row(percent: int, carton_cents: int, shift: int = 0) -> tuple[Ints, Ints]:
    """A parcel card: price [10, B] in micros at `percent` of the sheet plus a fee a carton, and upper ends of its bands in grams."""
    caps = np.array([int(pounds * GRAMS_PER_POUND) + shift for pounds, _ in USPS_CENTS], np.int64)
    price = np.zeros((10, len(caps)), np.int64)
    for b, (_, cents) in enumerate(USPS_CENTS):
        for zone in range(1, 10):
            price[zone, b] = ((cents[min(zone, 8) - 1] * percent + 50) // 100 + carton_cents) * CENT
    return price, caps


def make_tables(
    seed: int,
    *,
    per_unit: int = 2,
    parcel: int = 3,
    skus: int = 60,
    pooled: bool = False,
    dim: bool = False,
    weights: tuple[int, int] = (45, 230),
) -> RateTables:
    """Tables with `per_unit` MCF-like nodes (two cards from three nodes on) and `parcel` nodes, each with its own discount."""
    rng = np.random.default_rng(seed)
    nodes = per_unit + parcel
    kind = np.array([PER_UNIT] * per_unit + [PARCEL] * parcel, np.int64)
    tier = rng.integers(0, len(MCF_CENTS), skus)
    card = np.array(MCF_CENTS, np.int64)[tier] * CENT
    cards = np.stack([card, card * 9 // 10])
    rows = [parcel_row(int(rng.integers(75, 101)), 100) for _ in range(max(1, parcel))]
    most = np.array([caps[-1] for _, caps in rows], np.int64)
    band_of = np.zeros((len(rows), int(most.max()) + 1), np.uint8)
    for r, (_, caps) in enumerate(rows):
        band_of[r] = np.minimum(np.searchsorted(caps, np.arange(band_of.shape[1])), len(caps) - 1)
    fee = np.where(kind == PER_UNIT, 0, rng.integers(100, 300, nodes) * CENT)
    ones = np.ones(len(rows), np.int64)
    return RateTables(
        version=f"test-{seed}",
        kind=kind,
        unit_row=np.array([0 if i < 2 else 1 for i in range(per_unit)] + [-1] * parcel, np.int64),
        unit_price=np.ascontiguousarray(cards),
        unit_scope=np.array([int(pooled)] * per_unit + [0] * parcel, np.int64),
        order_fee=fee.astype(np.int64),
        unit_fee=np.where(kind == PER_UNIT, 0, rng.integers(15, 46, nodes) * CENT).astype(np.int64),
        parcel_row=np.array([-1] * per_unit + list(range(parcel)), np.int64),
        parcel=np.stack([price for price, _ in rows]),
        band_of=band_of,
        max_carton_g=most,
        dim_num=ones * (454 if dim else 0),
        dim_den=ones * (166 * 16),  # 166 cubic inches a pound, an inch is 16.387 cm3 (rounded here)
        dim_over_cm3=ones * 28_317,  # one cubic foot
        residential_fee=ones * 45 * CENT,
        fits=np.ones((skus, nodes), np.uint8),
        weight_g=rng.integers(weights[0], weights[1] + 1, skus).astype(np.int64),
        volume_cm3=(rng.integers(200, 6000, skus) if dim else np.zeros(skus)).astype(np.int64),
        zone3=np.zeros((nodes, 1000), np.uint8),
        transit_days=np.zeros((1, nodes, 10), np.uint8),
        services=("ground",),
    )


def make_case(
    tables: RateTables,
    seed: int,
    lines: int,
    *,
    cover: float = 0.7,
    most_units: int = 12,
    gamma: int = 0,
    priced: bool = True,
) -> Case:
    """A random order; every line has at least one node. Half of (line, node) carry an opportunity price."""
    rng = np.random.default_rng(seed)
    nodes, skus = len(tables.kind), len(tables.weight_g)
    q = rng.integers(1, most_units + 1, lines).astype(np.int64)
    ok = (rng.random((lines, nodes)) < cover).astype(np.uint8)
    ok[np.arange(lines), rng.integers(0, nodes, lines)] = 1
    price = np.where(rng.random((lines, nodes)) < 0.5, 0, rng.exponential(300_000, (lines, nodes))).astype(np.int64)
    return Case(
        q=q,
        sku=rng.permutation(skus)[:lines].astype(np.int64),
        ok=ok,
        mu=price * q[:, None] if priced else np.zeros((lines, nodes), np.int64),
        gamma=np.where(tables.kind == PER_UNIT, gamma, 0).astype(np.int64),
        zone=np.where(tables.kind == PER_UNIT, 0, rng.integers(1, 9, nodes)).astype(np.int64),
        residential=int(rng.integers(0, 2)),
    )


def without_price(case: Case) -> Case:
    """The same order with no opportunity price."""
    return replace(case, mu=np.zeros_like(case.mu), gamma=np.zeros_like(case.gamma))
