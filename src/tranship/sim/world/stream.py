"""The demo's endless stream of consumer orders: by seed, with people who plainly do not exist.

Calibration (docs/derived-world.md has the sources and their status): 60 / 27 / 13 % of orders have 1 / 2 / 3 lines,
SKU popularity is Zipf-Mandelbrot, Mondays and Tuesdays are busiest, the night is quiet, destinations follow the 2020
census.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from tranship.connectors.files.model import StagedLine, StagedOrder
from tranship.core.network import NetworkFile, Sku
from tranship.core.order import Person
from tranship.core.time import MICROS_PER_HOUR, local_day_minute
from tranship.sim.world import keyed
from tranship.sim.world.destinations import Destinations, draw_key
from tranship.sim.world.goods import draw_goods
from tranship.sim.world.keyed import PPM, Ints
from tranship.sim.world.placement import place
from tranship.sim.world.settings import WorldSettings
from tranship.sim.world.stock import Receipt

SOURCE = "demo"
LINES_PERCENT = (60, 27, 13)
"""Orders with 1, 2, 3 lines: 1.53 on average (assumption, as in the routing benchmark)."""
QUANTITY_PERCENT = (96, 3, 1)
"""Lines of 1, 2, 3 units: 1.05 on average, so that an order has 1.6 units, the published figure for Amazon."""
EXPONENT, SHIFT = 0.95, 5
"""Zipf-Mandelbrot: weight of rank r (from 0) is (r + 1 + SHIFT) ** -EXPONENT."""
WEEKDAY = (115, 112, 103, 98, 95, 85, 92)
"""Relative intensity, Monday to Sunday: Monday and Tuesday highest, the weekend lowest (seen); numbers assumed."""
HOUR = (24, 14, 8, 6, 6, 8, 14, 24, 36, 48, 56, 60, 62, 62, 62, 64, 66, 60, 56, 58, 62, 62, 52, 38)
"""Relative intensity by hour in New York: peak at 16:00, fewest from 2 to 7, evenings busy (seen); numbers assumed."""
CURVE_ZONE = "America/New_York"
CUSTOMERS = 200_000
"""People who order, each with an address for good."""
BLOCK = 512
"""Orders drawn at a time; it does not change what is drawn."""
_INTENSITY_PPM = [
    [day * hour * PPM * len(WEEKDAY) * len(HOUR) // (sum(WEEKDAY) * sum(HOUR)) for hour in HOUR] for day in WEEKDAY
]


@dataclass(frozen=True)
class DemoCatalog:
    """SKUs of the demo and how often each is ordered: `popularity` is a running sum of integer weights."""

    skus: tuple[Sku, ...]
    popularity: Ints

    def share_ppm(self) -> Ints:
        """Expected share of each SKU in the lines of one-line orders, parts per million."""
        return np.diff(self.popularity, prepend=0) * PPM // int(self.popularity[-1])


def catalog(seed: int = 1, count: int = 200) -> DemoCatalog:
    """Draw `count` SKUs `DEMO-001` ...: 30 g to 3 kg, mostly light, worth 8 to 80 dollars; ValueError for fewer than 3."""
    if count < 3:
        raise ValueError(f"a demo needs at least 3 SKUs, got {count}")
    codes = [f"DEMO-{i + 1:03d}" for i in range(count)]
    draws = keyed.words(seed, "demo-catalog", codes, 3)
    values = keyed.between(draws[:, 0], 8, 80) * 100 - 1
    heavy = keyed.below(draws[:, 1], 100) >= 70
    light = draw_goods(codes, values.tolist(), WorldSettings(seed=seed, weight_min_g=30, weight_max_g=450))
    large = draw_goods(codes, values.tolist(), WorldSettings(seed=seed, weight_min_g=450, weight_max_g=3000))
    skus = tuple(large[i] if heavy[i] else light[i] for i in range(count))
    ranks = np.argsort(draws[:, 2], kind="stable").argsort(kind="stable").tolist()
    weights = np.array([round(1_000_000 * (rank + 1 + SHIFT) ** -EXPONENT) for rank in ranks], np.int64)
    return DemoCatalog(skus, weights.cumsum())


def stream(
    seed: int,
    start_us: int,
    rate_per_s: float,
    *,
    count: int = 200,
    channels: Sequence[tuple[str, int]] = (("", 1),),
    curve: bool = True,
) -> Iterator[StagedOrder]:
    """Yield orders without end, by time, from `start_us` (UTC microseconds) on, `rate_per_s` a second on average.

    The n-th order is the same at every rate, start and curve; only its time differs. `channels` are (code, weight);
    `curve` off gives the same intensity at every hour. Raises ValueError for a rate that is not above 0.
    """
    if not 0 < rate_per_s <= 1_000_000:
        raise ValueError(f"rate_per_s must be above 0 and at most 1,000,000, got {rate_per_s}")
    goods = catalog(seed, count)
    homes = Destinations(seed)
    clock = _arrivals(seed, start_us, round(rate_per_s * PPM) or 1, curve)
    first = 0
    while True:
        yield from _block(seed, first, goods, homes, channels, clock)
        first += BLOCK


def opening(network: NetworkFile, seed: int, units: int, goods: DemoCatalog | None = None) -> list[Receipt]:
    """Opening balances of about `units` units in all for `network`, whose `skus` are the catalog's.

    Each SKU has its expected share with an error (lognormal 0.25), split over nodes as in the derived world.
    """
    goods = catalog(seed, len(network.skus)) if goods is None else goods
    codes = [sku.code for sku in network.skus]
    if codes != [sku.code for sku in goods.skus]:
        raise ValueError("the network's SKUs are not the catalog's")
    error = keyed.lognormal_ppm(keyed.words(seed, "demo-opening", codes)[:, 0], 0.25)
    total = np.maximum(units * goods.share_ppm() // PPM * error // PPM, 2)
    where = place(network, network.skus, total, seed)
    found = []
    for node, running in where.split(total[:, None]):
        held = np.flatnonzero(running[:, 0])
        if len(held):
            found.append(Receipt(0, node, held.astype(np.int64), running[held, 0]))
    return sorted(found, key=lambda receipt: receipt.node)


def _block(
    seed: int,
    first: int,
    goods: DemoCatalog,
    homes: Destinations,
    channels: Sequence[tuple[str, int]],
    clock: Iterator[int],
) -> Iterator[StagedOrder]:
    """Orders first .. first + BLOCK - 1; words of each: customer, lines, channel, 3 quantities, 8 SKU candidates."""
    start = keyed.words(seed, "demo-orders", [""])[0]
    draws = keyed.spread(start, np.arange(first * 16, (first + BLOCK) * 16, dtype=np.int64)).reshape(BLOCK, 16)
    customer = [f"{number:06d}" for number in (keyed.below(draws[:, 0], CUSTOMERS) + 1).tolist()]
    to = homes.many([draw_key(SOURCE, ref) for ref in customer])
    lines = (keyed.pick(draws[:, 1], np.cumsum(LINES_PERCENT)) + 1).tolist()
    channel = keyed.pick(draws[:, 2], np.cumsum([weight for _, weight in channels])).tolist()
    quantity = (keyed.pick(draws[:, 3:6], np.cumsum(QUANTITY_PERCENT)) + 1).tolist()
    wanted = keyed.pick(draws[:, 6:14], goods.popularity).tolist()
    for k in range(BLOCK):
        chosen = _distinct(wanted[k], lines[k], len(goods.skus))
        staged = tuple(
            StagedLine(str(j + 1), goods.skus[s].code, quantity[k][j], goods.skus[s].value_minor, first + k + 1)
            for j, s in enumerate(chosen)
        )
        number, placed_at, code = f"D{first + k + 1:09d}", next(clock), channels[channel[k]][0]
        content = repr((number, code, to[k].zip, [(line.sku, line.qty, line.unit_price_minor) for line in staged]))
        yield StagedOrder(
            number=number,
            placed_at=placed_at,
            customer=customer[k],
            lines=staged,
            fingerprint=blake2b(content.encode(), digest_size=16).digest(),
            channel=code,
            zip=to[k].zip,
            state=to[k].state,
            country="US",
            currency="USD",
            person=_person(customer[k]),
        )


def _distinct(candidates: list[int], count: int, skus: int) -> list[int]:
    chosen = list(dict.fromkeys(candidates))[:count]
    while len(chosen) < count:  # eight draws of a few popular SKUs, hardly ever: the next free one
        free = (chosen[-1] + 1) % skus
        while free in chosen:
            free = (free + 1) % skus
        chosen.append(free)
    return chosen


def _person(ref: str) -> Person:
    """Nobody: a numbered name, example.com (RFC 2606) and a 555-01xx number (kept for fiction)."""
    return Person(
        ref=ref,
        name=f"Customer {ref}",
        street=f"{int(ref[-4:]) + 1} Example Street",
        city="Sampletown",
        phone=f"+1 202 555 01{ref[-2:]}",
        email=f"customer{ref}@example.com",
    )


def _arrivals(seed: int, start_us: int, rate_ppm: int, curve: bool) -> Iterator[int]:
    """Times of a Poisson process whose intensity follows the weekly curve, hour by hour, in integers throughout."""
    at, first = start_us, 0
    start = keyed.words(seed, "demo-arrivals", [""])[0]
    while True:
        draws = keyed.spread(start, np.arange(first, first + BLOCK, dtype=np.int64))
        for need in keyed.exponential_ppm(draws).tolist():
            while True:
                step = rate_ppm * (_intensity_ppm(at) if curve else PPM)  # orders an hour-second, in 10**-12
                end = (at // MICROS_PER_HOUR + 1) * MICROS_PER_HOUR
                gap = need * 10**12 // step
                if at + gap < end:
                    break
                need -= (end - at) * step // 10**12
                at = end
            at += gap
            yield at
        first += BLOCK


def _intensity_ppm(at: int) -> int:
    day, minute = local_day_minute(at, CURVE_ZONE)
    return _INTENSITY_PPM[(day + 3) % 7][minute // 60]
