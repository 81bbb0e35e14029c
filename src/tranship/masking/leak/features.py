"""What a trained attacker reads: numbers about each SKU and each household, from what the network saw and nothing else."""

import numpy as np

from tranship.masking.leak.closed import by_week, halves, parcels, slope, spacing
from tranship.masking.leak.model import Floats, Ints, Seen, World

CELLS = 13
"""Equal slices of the span that tell a SKU's course."""
SKU_FEATURES = 37
HOUSEHOLD_FEATURES = 9


def of_skus(world: World, seen: Seen) -> Floats:
    """One row a SKU, `SKU_FEATURES` columns: course, evenness, and by half-year who orders it, how often, where and how regularly."""
    counts = by_week(world, seen.rows)
    columns = _course(counts)
    first, second = _mix(world, seen, late=False), _mix(world, seen, late=True)
    columns += [*first, *second, second[-1] - first[-1], world.price]
    found = np.stack(columns, axis=1)
    assert found.shape == (world.skus, SKU_FEATURES)
    return np.nan_to_num(found)


def _course(counts: Floats) -> list[Floats]:
    weeks = len(counts)
    total, half = counts.sum(0), weeks // 2
    time = np.arange(weeks) - (weeks - 1) / 2
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)  # of the week: seasons of the whole brand cancel
    weight = share.sum(0) + 1e-9
    edge, quarter = max(1, round(weeks * 6 / 52)), max(1, weeks // 4)
    usual = np.log(total * edge / weeks + 1)
    columns = [
        slope(counts),
        halves(counts),
        time @ share / weight,
        time**2 @ share / weight,
        np.log(total + 1),
        np.log(counts[:edge].sum(0) + 1) - usual,
        np.log(counts[-edge:].sum(0) + 1) - usual,
        np.log(counts[-quarter:].sum(0) + 1) - np.log(counts[-2 * quarter : -quarter].sum(0) + 1),
    ]
    cell = np.arange(weeks) * CELLS // weeks
    columns += [np.log(counts[cell == n].sum(0) + 0.5) - np.log(total / CELLS + 0.5) for n in range(CELLS)]
    for part in (counts[:half], counts[half:]):
        columns.append(part.var(0) / (part.mean(0) + 0.1) if len(part) else np.zeros(len(total)))
    return columns


def _mix(world: World, seen: Seen, *, late: bool) -> list[Floats]:
    """Six columns of one half: repeat households, households that come again, quantity, gap, spread over regions, irregularity."""
    rows = seen.rows
    inside = (world.week[rows] >= world.weeks // 2) == late
    sku, skus = world.sku[rows], world.skus
    repeat, again, gap = _visits(world, seen)
    count = np.bincount(sku[inside], minlength=skus) + 1e-9
    gapped = inside & ~np.isnan(gap)
    columns = [
        (np.bincount(sku[inside], repeat[inside], skus) + 0.2) / (count + 1),
        (np.bincount(sku[inside], again[inside], skus) + 0.2) / (count + 1),
        np.bincount(sku[inside], world.quantity[rows][inside], skus) / count,
        (np.bincount(sku[gapped], gap[gapped], skus) + 10) / (np.bincount(sku[gapped], minlength=skus) + 1),
    ]
    region = world.region[rows]
    placed = inside & (region >= 0)
    if world.regions:
        cells = np.bincount(sku[placed] * world.regions + region[placed], minlength=skus * world.regions)
        spread = cells.reshape(skus, world.regions).std(1) / count
    else:
        spread = np.zeros(skus)
    columns.append(np.where(count < 4, 0, spread))
    columns.append(np.nan_to_num(spacing(world.at[rows][inside], sku[inside], skus)))
    return columns


def _visits(world: World, seen: Seen) -> tuple[Floats, Floats, Floats]:
    """For each row: had its household been seen before, will it be again, weeks since; no household: 0, 0, NaN."""
    rows, household = seen.rows, np.where(seen.addressed, world.household[seen.rows], -1)
    order = np.argsort(household, kind="stable")
    of, at = household[order], world.at[rows][order]
    same = (of[1:] == of[:-1]) & (of[1:] >= 0)
    repeat, again, gap = np.zeros(len(rows)), np.zeros(len(rows)), np.full(len(rows), np.nan)
    repeat[order[1:]], again[order[:-1]] = same, same
    gap[order[1:]] = np.where(same, np.diff(at), np.nan)
    return repeat, again, gap


def of_households(world: World, seen: Seen, *, priced: bool = True) -> tuple[Ints, Floats]:
    """The households that showed an address, and one row for each.

    Columns: orders seen, week of the first, of the last, of the second, weeks from first to second, mean gap, mean quantity, mean price
    (0 where the adversary knows none), share of orders in the first half of a week. NaN where there was one order only.
    """
    shown = parcels(world, seen)
    order = np.argsort(shown.household, kind="stable")
    at, quantity, price = shown.at[order], shown.quantity[order], shown.price[order]
    every = np.bincount(shown.household, minlength=world.households)
    found = np.flatnonzero(every)
    count = every[found]
    start = np.cumsum(count) - count
    table = np.full((len(found), HOUSEHOLD_FEATURES), np.nan)
    if not len(found):
        return found, table
    table[:, 0], table[:, 1], table[:, 2] = count, at[start], at[start + count - 1]
    twice = count > 1
    table[twice, 3] = at[start[twice] + 1]
    table[:, 4] = table[:, 3] - table[:, 1]
    table[:, 5] = (table[:, 2] - table[:, 1]) / np.maximum(count - 1, 1)
    table[:, 6] = np.add.reduceat(quantity, start) / count
    table[:, 7] = np.add.reduceat(price, start) / count if priced else 0.0
    table[:, 8] = np.add.reduceat((at % 1 < 0.5).astype(np.float64), start) / count
    return found, table
