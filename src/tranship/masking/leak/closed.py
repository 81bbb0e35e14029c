"""Attackers in closed form: no training, a few sums each. What any network could do with a spreadsheet."""

import numpy as np

from tranship.masking.leak.model import Floats, Ints, Mask, Orders, Seen, World, gather


def by_week(world: World, rows: Ints) -> Floats:
    """Rows of each SKU in each week: weeks x SKUs."""
    cells = np.bincount(world.week[rows] * world.skus + world.sku[rows], minlength=world.weeks * world.skus)
    return cells.reshape(world.weeks, world.skus).astype(np.float64)


def slope(counts: Floats) -> Floats:
    """Each column's slope of log(count + 1/2) over the rows: growth a week. 0 where there is one row."""
    time = np.arange(len(counts)) - (len(counts) - 1) / 2
    spread = (time**2).sum()
    found: Floats = time @ np.log(counts + 0.5) / spread if spread else np.zeros(counts.shape[1])
    return found


def halves(counts: Floats) -> Floats:
    """Each column's log ratio of second half to first."""
    half = len(counts) // 2
    found: Floats = np.log((counts[half:].sum(0) + 0.5) / (counts[:half].sum(0) + 0.5))
    return found


def aliased(world: World, rows: Ints, alias_weeks: int) -> dict[str, Floats]:
    """What one ranks growth by who sees no items but aliases that change every so many weeks; of the aliases in use at the end.

    Chain: aliases of neighboring epochs are paired by closest log volume, which on a line is rank with rank; so a chain holds one rank,
    and who has this rank at the end is given the chain's slope. Level: what sells much now has often grown. Course: slope within the last
    epoch alone, which is all of it where aliases never change.
    """
    counts = by_week(world, rows)
    starts = np.arange(0, world.weeks, alias_weeks)
    epochs = np.add.reduceat(counts, starts, axis=0)
    chain = np.empty(world.skus)
    chain[np.argsort(epochs[-1], kind="stable")] = slope(np.sort(epochs, axis=1))
    return {"alias chain": chain, "alias level": epochs[-1], "alias course": slope(counts[starts[-1] :])}


def spacing(at: Floats, group: Ints, groups: int, least: int = 9) -> Floats:
    """Coefficient of variation of the times between neighbors of each group, rows in order of time; NaN below `least` of them."""
    order = np.argsort(group, kind="stable")
    of = group[order]
    same = of[1:] == of[:-1]
    gaps, owner = np.diff(at[order])[same], of[1:][same]
    count = np.bincount(owner, minlength=groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(owner, gaps, groups) / count
        spread = np.sqrt(np.bincount(owner, (gaps - mean[owner]) ** 2, groups) / count)
        found: Floats = np.where(count >= least, spread / mean, np.nan)
    return found


def timing(world: World, rows: Ints) -> Floats:
    """Each SKU's change in how irregular its orders come, first half less second: a limit that binds makes them regular."""
    at, sku = world.at[rows], world.sku[rows]
    late = at >= world.weeks / 2
    return spacing(at[~late], sku[~late], world.skus) - spacing(at[late], sku[late], world.skus)


def parcels(world: World, seen: Seen) -> Orders:
    """The orders that came with a household's address."""
    return gather(world, seen.homes)


def counted(world: World, shown: Orders) -> Floats:
    """For each customer the orders seen at the own household; 0 where it has none."""
    return _at_home(world, np.bincount(shown.household, minlength=world.households).astype(np.float64))


def spent(world: World, shown: Orders) -> Floats:
    """For each customer the mean value of the orders seen at the own household, at public prices; NaN without one."""
    count = np.bincount(shown.household, minlength=world.households)
    total = np.bincount(shown.household, shown.listed, world.households)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _at_home(world, total / count)


def _at_home(world: World, of_household: Floats) -> Floats:
    if not world.households:
        return np.zeros(world.customers)
    return np.where(world.home >= 0, of_household[world.home], 0.0)


def linked(shown: Orders, customers: int) -> tuple[int, int]:
    """Pairs of orders that one address joins: those of the same customer, and all of them."""
    known = shown.customer >= 0
    _, same = np.unique(shown.household[known] * customers + shown.customer[known], return_counts=True)
    _, every = np.unique(shown.household, return_counts=True)
    return int((same * (same - 1) // 2).sum()), int((every * (every - 1) // 2).sum())


def regional(world: World, rows: Ints, *, priced: bool) -> Floats:
    """Margin an order in each region as the network reckons it: public prices times a usual gross share, less its own fee.

    Who knows no prices takes the mean price for each unit. NaN where a region has no order.
    """
    some = gather(world, rows)
    known: Mask = some.region >= 0
    region = some.region[known]
    worth = some.listed[known] if priced else some.quantity[known] * (float(world.price.mean()) if world.skus else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(region, worth, world.regions) / np.bincount(region, minlength=world.regions)
    found: Floats = world.gross * mean - world.fee
    return found
