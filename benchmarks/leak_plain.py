"""What a network learns under plain ways to share orders, all fields masked: nobody steers, or only counts. Figures of docs/leak.md.

    python -m benchmarks.leak_plain --json [--seeds 20-29] [--train 200-215]

A simulated brand (150 SKUs, 45,000 customers, some 107,000 orders in a year). Attackers are trained anew under each way on other brands.
`node` stores the goods and joins any alias to the item; `transit` carries closed parcels and sees at most aliases. What a leak budget does
instead is in `benchmarks.leak`.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.machine import describe
from tranship.masking.leak import Adversary, Scores, Seen, combine, score
from tranship.masking.leak.learned import train
from tranship.sim.leak.brand import Brand, brand_of

Way = Callable[[Brand], Seen]


def by_chance(share: float) -> Way:
    """Each order by the toss of a coin."""

    def way(brand: Brand) -> Seen:
        chance = np.random.default_rng([brand.seed, 9])
        return Seen.of(brand.world, chance.random(len(brand.world.at)) < share)

    return way


def first_of_household(most: int) -> Way:
    """The first so many orders of each household in the year."""

    def way(brand: Brand) -> Seen:
        household = brand.world.household
        order = np.argsort(household, kind="stable")
        of = household[order]
        place = np.empty(len(of), np.int64)
        place[order] = np.arange(len(of)) - np.searchsorted(of, of, "left")
        return Seen.of(brand.world, place < most)

    return way


def to_pickup(brand: Brand) -> Seen:
    """Everything, to pickup points."""
    every = np.ones(len(brand.world.at), np.bool_)
    return Seen.of(brand.world, every, hidden=every)


WAYS: tuple[tuple[str, Way, Adversary, int], ...] = (
    ("all orders", by_chance(1.0), Adversary.NODE, 0),
    ("60 % at random", by_chance(0.6), Adversary.NODE, 0),
    ("40 % at random", by_chance(0.4), Adversary.NODE, 0),
    ("25 % at random", by_chance(0.25), Adversary.NODE, 0),
    ("2 a household and year", first_of_household(2), Adversary.NODE, 0),
    ("1 a household and year", first_of_household(1), Adversary.NODE, 0),
    ("all, to pickup points", to_pickup, Adversary.NODE, 0),
    ("carrier of all, no aliases", by_chance(1.0), Adversary.TRANSIT, 0),
    ("carrier of all, aliases of 13 weeks", by_chance(1.0), Adversary.TRANSIT, 13),
    ("carrier of all, aliases of 4 weeks", by_chance(1.0), Adversary.TRANSIT, 4),
    ("carrier of all, aliases of 1 week", by_chance(1.0), Adversary.TRANSIT, 1),
)


def judged(row: tuple[str, Way, Adversary, int], tests: Sequence[Brand], others: Sequence[Brand]) -> dict[str, object]:
    """One row of the table."""
    name, way, adversary, alias_weeks = row
    learned = train([(brand.world, way(brand)) for brand in others], adversary)
    each = [score(brand.world, way(brand), learned, adversary, alias_weeks=alias_weeks) for brand in tests]
    found: Scores = combine(each)
    readings = {
        key: {"value": _shown(one.value), "by": one.by, "floor": _shown(one.floor), "high": _shown(one.high),
              "spread": _shown(float(np.std([s[key].each.get(one.by, math.nan) for s in each])))}
        for key, one in found.readings.items()
    }  # fmt: skip
    return {"way": name, "volume_share": _shown(found.volume_share), "readings": readings}


def _shown(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _numbers(text: str) -> list[int]:
    low, _, high = text.partition("-")
    return list(range(int(low), int(high or low) + 1))


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge every way and print the table."""
    parser = argparse.ArgumentParser(description="Leak of plain ways to share orders, on a simulated brand.")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--seeds", type=_numbers, default=_numbers("20-29"), help="worlds that are reported")
    parser.add_argument("--train", type=_numbers, default=_numbers("200-215"), help="worlds that attackers learn on")
    given = parser.parse_args(arguments)
    if {*given.seeds} & {*given.train}:
        parser.error("attackers must not learn on the worlds that they are judged on")
    began = time.perf_counter()
    tests, others = [brand_of(seed) for seed in given.seeds], [brand_of(seed) for seed in given.train]
    rows = []
    for way in WAYS:
        rows.append(judged(way, tests, others))
        readings = rows[-1]["readings"]
        assert isinstance(readings, dict)
        told = " ".join(f"{key} {one['value']} ({one['by']}, guessing {one['floor']})" for key, one in readings.items())
        print(f"{way[0]:36s} {rows[-1]['volume_share']} {told}", file=sys.stderr, flush=True)
    document = {
        "benchmark": "leak_plain", "machine": describe(), "seconds": round(time.perf_counter() - began, 1),
        "seeds": given.seeds, "train": given.train, "rows": rows,
    }  # fmt: skip
    if given.json:
        print(json.dumps(document, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
