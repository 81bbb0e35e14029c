"""Cards as straight lines: a part costs so much, and so much a gram and a unit. For prices (`fit`) and for bounds (`envelope`).

The exact card is a staircase (bands, cartons, classes of units, dim weight) and does not add up over orders; a dual and a lower bound
need one that does. Two ways to draw the line:

* `envelope` never lies above the exact cost of any part that the node can price: a bound made with it is a bound.
* `fit` lies in the middle of the parts of a period: prices made with it are not pulled to one side. It proves nothing.

Why the envelope holds, per parcel node and zone, with `f`, `g` >= 0. Within one carton the price is constant between two band edges, so a
line that is at or below the price at every edge is so at every weight; the heaviest carton M is an edge, so `g * M` is at most the price of
a full carton, and each full carton that a heavier part adds is paid for (a line for parts up to a weight ends there, under the least
that any greater billed weight costs). Billed weight is never below the weight that the line
counts, and `g` >= 0. Fees of the part and the unit are exact.

On a per-unit card, with `u[s] <= price[s, class] - f / class` for each class (five units and more: `f / 5`), a part of m units pays at
least `m * f / m = f` above `sum of qty * u[s]`. Where the card counts units per order, one unit may have the class of five: there
`u[s]` is the lowest price less `f`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.rates.cost import Lines
from tranship.rates.tables import PARCEL, PER_UNIT, UNIT_CLASSES, RateTables

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ZONES = 10
_CLASSES = np.arange(1, UNIT_CLASSES + 1)


class Samples(NamedTuple):
    """Parts of a period, one a row: what the lines are drawn close to. Nothing of them changes what `envelope` guarantees."""

    weight_g: Ints  # [K] actual weight
    volume_cm3: Ints  # [K]
    units: Ints  # [K]
    zone: Ints | None = None  # [K] zone that it went over; None: every zone is taken to see the same parts
    residential: Bools | None = None  # [K]; None: all go to homes
    sku_units: Ints | None = None  # [S] units of each SKU in all of them; None: every SKU alike


class Linear(NamedTuple):
    """`fixed[n, zone]` micros a part + `per_gram[n, zone]` micros a gram of actual weight + `per_unit[n, s]` micros a unit.

    All are whole numbers. Cells of zones that a card does not serve and of SKUs that it cannot price are 0 and mean nothing.
    """

    fixed: Ints  # [N, 10]
    per_gram: Ints  # [N, 10]
    per_unit: Ints  # [N, S]

    def cost(self, node: int, zone: int, weight_g: int, lines: Lines) -> int:
        """Micros of one part by the line: `lines` are (SKU, quantity), `weight_g` their weight together."""
        units = sum(quantity * int(self.per_unit[node, sku]) for sku, quantity in lines)
        return int(self.fixed[node, zone]) + weight_g * int(self.per_gram[node, zone]) + units


def lowest(lines: Sequence[Linear]) -> Linear:
    """The line that is below all of these: an envelope of each price list of a period gives one of the period."""
    return Linear(*(np.minimum.reduce([line[i] for line in lines]) for i in range(3)))


# -- a line below ------------------------------------------------------------------------------------------------------


def envelope(tables: RateTables, samples: Samples, *, residential: bool = False, most_g: int | None = None) -> Linear:
    """A line at or below `rates.cost.part_cost` of every part that a node can price, as high as it can be over `samples`.

    Guaranteed for any number of lines, units, cartons and any volume; for homes only where `residential` (else for both); for parts of
    at most `most_g` grams where that is given (billed weight may be more): the line of light parts lies closer to them. `fixed` and
    `per_gram` are >= 0; `per_unit` is >= 0 for SKUs that occur in `samples.sku_units` and may be below 0 for others.
    """
    out = _empty(tables)
    for n in range(len(tables.kind)):
        if tables.kind[n] == PER_UNIT:
            _unit_envelope(out, tables, n, samples)
        else:
            _parcel_envelope(out, tables, n, samples, residential=residential, most_g=most_g)
    return out


def exceeds(line: Linear, tables: RateTables, *, residential: bool = False, most_g: int | None = None) -> list[str]:
    """Where a line does not hold as an envelope, checked at every band edge, SKU and class; empty: it holds. See the module's proof."""
    found = []
    for n in range(len(tables.kind)):
        if tables.kind[n] == PER_UNIT:
            found.extend(_unit_exceeds(line, tables, n))
            continue
        if (line.per_unit[n][tables.fits[:, n] > 0] > tables.unit_fee[n]).any():
            found.append(f"node {n}: a unit costs less than the line says")
        for zone in _served(tables, n):
            edges, prices = _edges(tables, n, zone, residential=residential, most_g=most_g)
            f, g = int(line.fixed[n, zone]) - int(tables.order_fee[n]), int(line.per_gram[n, zone])
            steep = most_g is None and g * int(edges[-1]) > prices[-1]
            if g < 0 or steep or (f + g * edges > prices).any():
                found.append(f"node {n}, zone {zone}: above the price of a carton")
    return found


def _parcel_envelope(
    out: Linear, tables: RateTables, n: int, samples: Samples, *, residential: bool, most_g: int | None
) -> None:
    out.per_unit[n] = tables.unit_fee[n]
    for zone in _served(tables, n):
        edges, prices = _edges(tables, n, zone, residential=residential, most_g=most_g)
        here = _of_zone(samples, zone)
        aim = int(here.weight_g.mean()) if here.weight_g.size else int(edges[0])
        f, g = _line_below(edges, prices, aim)
        out.fixed[n, zone], out.per_gram[n, zone] = f + int(tables.order_fee[n]), g


def _line_below(edges: Ints, prices: Ints, aim: int) -> tuple[int, int]:
    """The line below all points that is highest at `aim`, with both numbers whole and >= 0."""
    low, high = 0, int((prices // edges).min())  # steeper would be below 0 at weight 0

    def height(g: int) -> int:
        return int((prices - g * edges).min()) + g * aim

    while low < high:  # concave in g: go on while one more lifts it
        middle = (low + high) // 2
        if height(middle + 1) > height(middle):
            low = middle + 1
        else:
            high = middle
    return int((prices - low * edges).min()), low


def _edges(tables: RateTables, n: int, zone: int, *, residential: bool, most_g: int | None = None) -> tuple[Ints, Ints]:
    """`(heaviest gram of each band, micros of a carton there)` up to the heaviest carton, which is the last.

    With `most_g`: up to that weight, each with the least that this or any greater billed weight costs.
    """
    row = int(tables.parcel_row[n])
    most = int(tables.max_carton_g[row])
    band = tables.band_of[row, : most + 1].astype(np.int64)
    edges = np.append(np.flatnonzero(band[1:] != band[:-1]), most)
    edges = edges[edges > 0]  # what a card can price has a weight
    home = int(tables.residential_fee[row]) if residential else 0
    prices: Ints = tables.parcel[row, zone][band[edges]] + home
    if most_g is None or most_g >= most:
        return edges, prices
    prices = np.minimum.accumulate(prices[::-1])[::-1]
    last = int(np.searchsorted(edges, max(1, most_g)))
    return np.append(edges[:last], max(1, most_g)), prices[: last + 1].copy()


def _served(tables: RateTables, n: int) -> list[int]:
    return [zone for zone in range(1, ZONES) if tables.parcel[tables.parcel_row[n], zone].all()]


def _unit_envelope(out: Linear, tables: RateTables, n: int, samples: Samples) -> None:
    """`f` is chosen where the sum over the samples is highest (it is concave in `f`), the units then follow."""
    prices = tables.unit_price[tables.unit_row[n]]
    fits = tables.fits[:, n] > 0
    occurs = fits & (_sku_units(samples, tables) > 0)
    f = 0
    if occurs.any() and not tables.unit_scope[n]:
        weights = _sku_units(samples, tables)[occurs].astype(np.float64)
        parts = max(1, samples.units.size) * weights.sum() / max(1, int(samples.units.sum()))
        if samples.units.size == 0:
            parts = weights.sum()
        some = prices[occurs]

        def height(fixed: int) -> float:
            return float(parts * fixed + weights @ (some - fixed / _CLASSES).min(axis=1))

        low, high = 0, int((some * _CLASSES).min())
        while low < high:
            middle = (low + high) // 2
            if height(middle + 1) - height(middle) > 0:
                low = middle + 1
            else:
                high = middle
        f = low
    out.fixed[n] = f + tables.order_fee[n]
    out.per_unit[n, fits] = (prices[fits] + (-f // _divisors(tables, n))).min(axis=1)


def _divisors(tables: RateTables, n: int) -> Ints:
    """Fewest units that must carry the fixed share in a part of each class."""
    return np.ones(UNIT_CLASSES, np.int64) if tables.unit_scope[n] else _CLASSES


def _unit_exceeds(line: Linear, tables: RateTables, n: int) -> list[str]:
    fits = tables.fits[:, n] > 0
    f = int(line.fixed[n].max()) - int(tables.order_fee[n])
    prices = tables.unit_price[tables.unit_row[n]][fits]
    over = (line.per_unit[n, fits][:, None] - prices) * _divisors(tables, n) + max(0, f)
    return [f"node {n}: above the price of a unit"] if (over > 0).any() or (line.per_gram[n] > 0).any() else []


# -- a line in the middle ---------------------------------------------------------------------------------------------


def fit(tables: RateTables, samples: Samples) -> Linear:
    """The line closest to the exact cost of `samples` at every node and zone (least squares). A fit, not a bound.

    Its costs add up to those of the samples, node by node and zone by zone, up to rounding to whole micros (on a per-unit card: where
    SKUs occur in parts of all sizes alike). `fixed` and `per_gram` are >= 0. Without samples it is the envelope's line.
    """
    if not samples.units.size:
        return envelope(tables, samples, residential=True)
    out = _empty(tables)
    for n in range(len(tables.kind)):
        if tables.kind[n] == PER_UNIT:
            _unit_fit(out, tables, n, samples)
            continue
        out.per_unit[n] = tables.unit_fee[n]
        for zone in _served(tables, n):
            here = _of_zone(samples, zone)
            f, g = _line_through(here.weight_g, carton_costs(tables, n, zone, here))
            out.fixed[n, zone], out.per_gram[n, zone] = f + int(tables.order_fee[n]), g
    return out


def carton_costs(tables: RateTables, n: int, zone: int, samples: Samples) -> Ints:
    """Exact micros of the cartons of each sample from a parcel node over a zone, without fees of the part and the unit."""
    assert tables.kind[n] == PARCEL
    row = int(tables.parcel_row[n])
    volume = samples.volume_cm3
    dim = np.where(volume > tables.dim_over_cm3[row], -(-volume * tables.dim_num[row] // tables.dim_den[row]), 0)
    full, rest = np.divmod(np.maximum(samples.weight_g, dim), tables.max_carton_g[row])
    has_rest = (rest > 0) | (full == 0)
    prices = tables.parcel[row, zone]
    home = np.where(_homes(samples), tables.residential_fee[row], 0)
    top = int(prices[tables.band_of[row, tables.max_carton_g[row]]])
    costs: Ints = full * (top + home) + np.where(has_rest, prices[tables.band_of[row, rest]] + home, 0)
    return costs


def _line_through(weight_g: Ints, costs: Ints) -> tuple[int, int]:
    x, y = weight_g.astype(np.float64), costs.astype(np.float64)
    spread = x - x.mean()
    square = float(spread @ spread)
    slope = max(0.0, float(spread @ y) / square) if square else 0.0
    if slope * x.mean() > y.mean():  # no part starts below nothing
        slope = y.mean() / x.mean()
    g = int(slope)
    return round(float(y.mean()) - g * float(x.mean())), g


def _unit_fit(out: Linear, tables: RateTables, n: int, samples: Samples) -> None:
    prices = tables.unit_price[tables.unit_row[n]]
    fits = tables.fits[:, n] > 0
    units = np.minimum(samples.units, 10 * UNIT_CLASSES)  # a few huge parts must not tell what a part costs as such
    sizes, counts = np.unique(units, return_counts=True)
    h, m = counts.astype(np.float64), sizes.astype(np.float64)
    spread = m - float(h @ m) / h.sum()
    square = float(h @ (spread * spread))
    weights = np.where(fits, _sku_units(samples, tables), 0).astype(np.float64)
    weights = weights if weights.sum() else fits.astype(np.float64)
    f = 0
    if weights.sum():  # the mean of the lines through each SKU is the line through their mean
        paid = m * (weights @ prices / weights.sum())[np.minimum(sizes, UNIT_CLASSES) - 1]  # a part of so many units
        slope = float(paid @ (h * spread)) / square if square else 0.0
        f = max(0, round((float(paid @ h) - slope * float(h @ m)) / float(h.sum())))
    all_sizes, all_counts = np.unique(samples.units, return_counts=True)
    total = float(all_counts @ all_sizes)
    share = all_counts * all_sizes / total  # of units that are in a part of each size
    classes = np.bincount(np.minimum(all_sizes, UNIT_CLASSES) - 1, share, prices.shape[1])
    mean = prices @ classes - f * float(all_counts.sum()) / total
    out.fixed[n] = f + tables.order_fee[n]
    out.per_unit[n, fits] = np.rint(mean[fits]).astype(np.int64)


# -- samples ----------------------------------------------------------------------------------------------------------


def _of_zone(samples: Samples, zone: int) -> Samples:
    """Parts of a zone, or all of them where the zone saw none (or is not told)."""
    if samples.zone is None:
        return samples
    chosen = samples.zone == zone
    if not chosen.any():
        return samples
    homes = None if samples.residential is None else samples.residential[chosen]
    return Samples(
        samples.weight_g[chosen], samples.volume_cm3[chosen], samples.units[chosen], samples.zone[chosen], homes,
        samples.sku_units,
    )  # fmt: skip


def _homes(samples: Samples) -> Bools:
    return np.ones(samples.units.size, np.bool_) if samples.residential is None else samples.residential


def _sku_units(samples: Samples, tables: RateTables) -> Ints:
    return np.ones(len(tables.weight_g), np.int64) if samples.sku_units is None else samples.sku_units


def _empty(tables: RateTables) -> Linear:
    nodes, skus = len(tables.kind), len(tables.weight_g)
    return Linear(*(np.zeros((nodes, size), np.int64) for size in (ZONES, ZONES, skus)))
