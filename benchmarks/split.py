"""How close the router comes to the optimum on real many-line orders, and how fast it is.

    python -m benchmarks.split --json [--limit N] [--list]

Named orders of the UCI Online Retail year (2 to 40 lines, evenly spaced by invoice number, so that sizes keep their proportion) are routed
over two Amazon-like nodes, two 3PLs and one own warehouse, and compared with the optimum that HiGHS finds under the same quotes.
Four regimes take turns: W60, W90 (wholesale quantities as they are; 60 or 90 % of nodes stock a SKU), D60, D90 (quantities a twelfth:
consumer-like; D90 with a price of $3 for a part at Amazon). Weights, tiers, opportunity prices and destinations are drawn by seed.
Speed is measured on orders of all sizes.
"""

import argparse
import csv
import gzip
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.routing.factory import CENT, GRAMS_PER_POUND, Case, Ints
from tests.routing.oracle import optimum
from tranship.rates.tables import PARCEL, PER_UNIT, RateTables
from tranship.routing.solve import Solver

REGIMES = {"W60": (0.6, 1, 0), "W90": (0.9, 1, 0), "D60": (0.6, 12, 0), "D90": (0.9, 12, 3_000_000)}
"""Share of nodes that stock a SKU, divisor of quantities, price of a part at an Amazon-like node in micros."""
SITES = [(39.5, -119.8), (32.8, -96.8), (40.0, -83.0)]  # Reno, Dallas (3PLs), Columbus (own)
ZONE_MILES = [50, 150, 300, 600, 1000, 1400, 1800]
AMAZON, NODES = 2, 5
TIERS = ["small_standard_4oz", "small_standard_4_10oz", "large_standard_10oz"]
MAX_LINES = 40
SPEED_ORDERS = 2000


def shared() -> Path:
    """Where the data lies: $TRANSHIP_SHARED or ../shared beside the project."""
    return Path(os.environ.get("TRANSHIP_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@dataclass(frozen=True)
class Orders:
    """Product lines of all invoices, merged by SKU."""

    invoices: list[str]
    lines: list[dict[int, int]]  # SKU -> units
    skus: int


def read_orders(data: Path) -> Orders:
    """Every invoice with positive product lines (stock code of five digits, a price), in order of number."""
    found: dict[str, dict[str, int]] = {}
    with gzip.open(data / "uci_online_retail" / "online_retail_2009_2010.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            units, code = int(row["Quantity"]), row["StockCode"]
            goods = code[:5].isdigit() and len(code) >= 5
            if units > 0 and goods and float(row["UnitPrice"]) > 0 and not row["InvoiceNo"].startswith("C"):
                order = found.setdefault(row["InvoiceNo"], {})
                order[code] = order.get(code, 0) + units
    codes = {code: i for i, code in enumerate(sorted({code for order in found.values() for code in order}))}
    invoices = sorted(found)
    return Orders(invoices, [{codes[c]: q for c, q in found[name].items()} for name in invoices], len(codes))


def read_places(data: Path) -> tuple[Ints, Any]:
    """Zone [place, site] of every populated ZCTA of the lower 48 states, and its share of the population."""
    places = []
    with gzip.open(data / "us_zip" / "zcta_centroid_pop.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["pop_acs2012"] and 24 < float(row["lat"]) < 50 and -125 < float(row["lon"]) < -66:
                places.append((float(row["lat"]), float(row["lon"]), float(row["pop_acs2012"])))
    lat, lon, people = np.array(places).T
    zones = []
    for site in SITES:
        a, b = np.radians(lat), np.radians(site[0])
        h = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lon - site[1]) / 2) ** 2
        zones.append(np.searchsorted(ZONE_MILES, 3959 * 2 * np.arcsin(np.sqrt(h))) + 1)
    return np.stack(zones, axis=1).astype(np.int64), people / people.sum()


def read_parcel(data: Path, percents: list[int]) -> tuple[Ints, Ints]:
    """USPS Ground Advantage at some percent of retail, $1 a carton on top: price [P, 10, B] in micros, and band ends in grams."""
    caps, cents = [], []
    with (data / "fees" / "usps_ground_advantage_retail_2025_10_05.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            weight = row["max_weight"]
            if weight != "15.999oz":
                pounds = float(weight[:-2]) / (16 if weight.endswith("oz") else 1)
                caps.append(int(pounds * GRAMS_PER_POUND))
                cents.append([round(100 * float(row[f"zone_{z}"])) for z in range(1, 9)])
    price = np.zeros((len(percents), 10, len(caps)), np.int64)
    for i, percent in enumerate(percents):
        price[i, 1:9] = ((np.array(cents).T * percent + 50) // 100 + 100) * CENT
        price[i, 9] = price[i, 8]
    return price, np.array(caps, np.int64)


def read_units(data: Path, tier: Ints) -> Ints:
    """MCF standard prices of a unit by SKU and class, micros: [1, S, 5]."""
    with (data / "fees" / "mcf_us_undated_old.csv").open(encoding="utf-8") as file:
        rows = {row["tier"]: row for row in csv.DictReader(file) if row["speed"] == "standard_3_5d"}
    keys = [f"per_unit_{k}" for k in ("1", "2", "3", "4", "5plus")]
    prices = [[round(100 * float(rows[name][key])) * CENT for key in keys] for name in TIERS]
    return np.array(prices, np.int64)[tier][None]


class World:
    """One regime: cards, SKUs, who stocks what, opportunity prices, a destination for every order."""

    def __init__(self, data: Path, orders: Orders, regime: str, seed: int) -> None:
        cover, self.divisor, gamma = REGIMES[regime]
        self.orders, rng, skus = orders, np.random.default_rng(seed), orders.skus
        hundredths = rng.integers(10, 51, skus)  # 0.10 to 0.50 lb a unit
        tier = np.where(rng.random(skus) < 0.3, 2, np.where(hundredths <= 25, 0, 1))
        stocked = rng.random((skus, NODES)) < cover
        rows = np.arange(skus)
        for first, last in ((0, AMAZON), (AMAZON, NODES)):  # every SKU somewhere on each side
            none = ~stocked[:, first:last].any(axis=1)
            stocked[rows[none], rng.integers(first, last, skus)[none]] = True
        self.ok = stocked.astype(np.uint8)
        price = np.where(rng.random((skus, NODES)) < 0.5, 0, rng.exponential(300_000, (skus, NODES)))
        self.mu = price.astype(np.int64)
        self.gamma = np.array([gamma] * AMAZON + [0] * (NODES - AMAZON), np.int64)
        percents = [*(int(p) for p in rng.integers(75, 91, 2)), 100]
        pick = [int(c) for c in rng.integers(25, 46, 2)]
        self.tables = self._tables(data, (hundredths * GRAMS_PER_POUND / 100).astype(np.int64), tier, percents, pick)
        zones, share = read_places(data)
        where = rng.choice(len(share), len(orders.invoices), p=share)
        self.zone = np.concatenate([np.zeros((len(where), AMAZON), np.int64), zones[where]], axis=1)

    @staticmethod
    def _tables(data: Path, weight: Ints, tier: Ints, percents: list[int], pick: list[int]) -> RateTables:
        parcel, caps = read_parcel(data, percents)
        most = int(caps[-1])
        band = np.searchsorted(caps, np.arange(most + 1)).astype(np.uint8)
        three, zero = np.ones(3, np.int64), np.zeros(3, np.int64)
        return RateTables(
            version="split",
            kind=np.array([PER_UNIT] * AMAZON + [PARCEL] * 3, np.int64),
            unit_row=np.array([0] * AMAZON + [-1] * 3, np.int64),
            unit_price=read_units(data, tier),
            unit_scope=np.zeros(NODES, np.int64),
            order_fee=np.array([0, 0, 250, 250, 150], np.int64) * CENT,
            unit_fee=np.array([0, 0, *pick, 15], np.int64) * CENT,
            parcel_row=np.array([-1, -1, 0, 1, 2], np.int64),
            parcel=parcel,
            band_of=np.stack([band] * 3),
            max_carton_g=three * most,
            dim_num=zero,
            dim_den=three,
            dim_over_cm3=zero,
            residential_fee=zero,
            fits=np.ones((len(weight), NODES), np.uint8),
            weight_g=weight,
            volume_cm3=np.zeros(len(weight), np.int64),
            zone3=np.zeros((NODES, 1000), np.uint8),
            transit_days=np.zeros((1, NODES, 10), np.uint8),
            services=("ground",),
        )

    def case(self, i: int) -> Case:
        """Order i as the solver takes it."""
        items = sorted(self.orders.lines[i].items())
        sku = np.array([s for s, _ in items], np.int64)
        q = np.array([-(-q // self.divisor) for _, q in items], np.int64)
        mu = np.ascontiguousarray(self.mu[sku] * q[:, None])
        return Case(q, sku, np.ascontiguousarray(self.ok[sku]), mu, self.gamma, np.ascontiguousarray(self.zone[i]), 0)


def spaced(positions: list[int], count: int) -> list[int]:
    """`count` of the positions, evenly spaced."""
    count = min(count, len(positions))
    return [positions[i * len(positions) // count] for i in range(count)]


def worlds(data: Path, orders: Orders) -> dict[str, World]:
    """One world a regime."""
    return {name: World(data, orders, name, seed) for seed, name in enumerate(REGIMES, 1)}


def speed(solvers: dict[str, Solver], made: dict[str, World], orders: Orders) -> dict[str, float]:
    """Lines and orders a second over orders of all sizes, one regime after the other; and milliseconds an order."""
    chosen = spaced(list(range(len(orders.invoices))), SPEED_ORDERS)
    names = list(made)
    cases = [(solvers[names[k % 4]], made[names[k % 4]].case(i).args()) for k, i in enumerate(chosen)]
    took, lines = [], sum(len(case[0]) for _, case in cases)
    for solver, case in cases:
        start = time.perf_counter()
        solver.solve(*case)
        took.append(time.perf_counter() - start)
    return {
        "lines_per_s": round(lines / sum(took)),
        "orders_per_s": round(len(cases) / sum(took)),
        "ms_median": round(1000 * float(np.median(took)), 3),
        "ms_p99": round(1000 * float(np.quantile(took, 0.99)), 3),
        "ms_max": round(1000 * max(took), 3),
    }


def gaps(
    solvers: dict[str, Solver], made: dict[str, World], chosen: list[int], seconds: float
) -> Iterator[tuple[int, str, float, float]]:
    """For each chosen order: its position, regime, gap to the optimum in percent, and the gap HiGHS left."""
    names = list(made)
    for k, i in enumerate(chosen):
        name = names[k % 4]
        case = made[name].case(i)
        best = optimum(made[name].tables, case, seconds)
        cost = solvers[name].solve(*case.args()).cost
        assert cost >= best.cost * (1 - best.gap), f"{made[name].orders.invoices[i]}: cheaper than the proven optimum"
        yield i, name, 100 * (cost - best.cost) / best.cost, best.gap


def measure(
    data: Path, limit: int, starts: int, rounds: int
) -> tuple[dict[str, Any], list[tuple[str, str, int, float]]]:
    """The figures, and by order: invoice, regime, lines, gap in percent."""
    orders = read_orders(data)
    made = worlds(data, orders)
    solvers = {name: Solver(world.tables, starts, rounds) for name, world in made.items()}
    eligible = [i for i, lines in enumerate(orders.lines) if 2 <= len(lines) <= MAX_LINES]
    chosen = spaced(eligible, limit)
    rows, left = [], 0.0
    for i, name, gap, remaining in gaps(solvers, made, chosen, 60):
        rows.append((orders.invoices[i], name, len(orders.lines[i]), gap))
        left = max(left, remaining)
    all_gaps = np.array([gap for *_, gap in rows])
    by_regime = {name: round(float(np.mean([g for _, r, _, g in rows if r == name] or [0])), 4) for name in REGIMES}
    figures = {
        "orders": len(rows),
        "mean_gap_pct": round(float(all_gaps.mean()), 4),
        "p99_gap_pct": round(float(np.quantile(all_gaps, 0.99)), 3),
        "max_gap_pct": round(float(all_gaps.max()), 3),
        "optimal_pct": round(100 * float((all_gaps < 1e-4).mean()), 1),
        "mean_gap_pct_by_regime": by_regime,
        "mip_gap": left,
        **speed(solvers, made, orders),
    }
    return figures, rows


def main() -> int:
    """Run, print a table or one line of JSON."""
    parser = argparse.ArgumentParser(description="gap to the optimum and speed of the router on real orders")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument(
        "--list", action="store_true", help="name every order with its regime, lines and gap (to stderr with --json)"
    )
    parser.add_argument("--limit", type=int, default=300, help="orders to compare (default 300)")
    parser.add_argument("--starts", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    data = shared() / "data"
    if not (data / "uci_online_retail").is_dir():
        reason = "../shared/data is absent: the orders of this benchmark are read from it"
        print(json.dumps({"skipped": reason}) if options.json else f"skipped: {reason}")
        return 0
    figures, rows = measure(data, options.limit, options.starts, options.rounds)
    if options.list:
        for invoice, regime, lines, gap in rows:
            print(f"{invoice} {regime} {lines:3d} lines {gap:7.3f} %", file=sys.stderr if options.json else sys.stdout)
    print(json.dumps(figures) if options.json else "\n".join(f"{name:24} {value}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
