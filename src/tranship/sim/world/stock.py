"""Stock for sources that have none: what a buyer with a plain weekly rule and an honest forecast error would have.

Each Monday the buyer forecasts every SKU (mean of the last weeks' demand times a lognormal error), orders up to some
weeks of it and has it a lead time later. Sales in this simulation come from one pool of all nodes, unmet demand is
lost; so what arrives does not depend on how orders are routed, and two policies are compared on the same events.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tranship.core.network import NetworkFile
from tranship.core.time import at_local
from tranship.sim.world import keyed
from tranship.sim.world.keyed import PPM, Ints
from tranship.sim.world.placement import Placement
from tranship.sim.world.settings import WorldSettings

RECEIVING_MINUTE = 6 * 60
"""Receipts are there on Monday at 06:00, local to the node."""
_DAY_US = 86_400_000_000


@dataclass(frozen=True, eq=False)
class Receipt:
    """Units at a node from `at` (UTC microseconds) on: `quantities[i]` above 0 of SKU position `skus[i]`, ascending."""

    at: int
    node: int
    skus: Ints
    quantities: Ints


@dataclass(frozen=True, eq=False)
class Demand:
    """Units ordered by SKU and week (Monday 00:00 to Sunday 24:00 UTC)."""

    week: int  # number of the first column's week; see `week_of`
    units: Ints  # [S, W]
    first_at: Ints  # [S] UTC microseconds of a SKU's first sale; -1: never sold

    @property
    def first_week(self) -> Ints:
        """Column of each SKU's first sale, `[S]`; the number of weeks where it was never sold."""
        sold = self.units > 0
        if self.units.shape[1] == 0:
            return np.zeros(len(sold), np.int64)
        first: Ints = np.where(sold.any(axis=1), sold.argmax(axis=1), self.units.shape[1]).astype(np.int64)
        return first


@dataclass(frozen=True, eq=False)
class Supply:
    """What arrives for the pool, and what it could fill. A SKU's opening stock is in the week of its first sale."""

    units: Ints  # [S, W + lead_weeks]
    demanded: int
    filled: int

    @property
    def fill(self) -> float:
        """Share of demanded units that the pool could fill from stock; 1.0 where nothing was demanded."""
        return self.filled / self.demanded if self.demanded else 1.0


def week_of(at: Ints) -> Ints:
    """Week number of UTC microseconds: weeks start on Monday 00:00 UTC; week 0 holds 1970-01-01, a Thursday."""
    return (at // _DAY_US + 3) // 7


def monday_of(week: int) -> int:
    """Day number of a week's Monday."""
    return 7 * week - 3


def weekly_demand(sku: Ints, at: Ints, quantity: Ints, skus: int) -> Demand:
    """Sum lines (SKU position, UTC microseconds, units) into weeks from the first line's to the last line's."""
    first_at = np.full(skus, np.iinfo(np.int64).max)
    np.minimum.at(first_at, sku, at)
    first_at[first_at == np.iinfo(np.int64).max] = -1
    if len(sku) == 0:
        return Demand(0, np.zeros((skus, 0), np.int64), first_at)
    week = week_of(at)
    first, weeks = int(week.min()), int(week.max() - week.min()) + 1
    cells = np.bincount(sku * weeks + week - first, weights=quantity, minlength=skus * weeks)  # exact below 2**53
    return Demand(first, cells.astype(np.int64).reshape(skus, weeks), first_at)


def simulate(demand: Demand, codes: Sequence[str], settings: WorldSettings) -> Supply:
    """Simulate the buyer's weeks: one pool, lost sales; a SKU opens with the mean of its own first weeks, with error.

    Until it has been sold for `forecast_weeks` weeks, the launch plan stays the forecast (its last weeks would be
    half empty).
    """
    units, lead = demand.units, settings.lead_weeks
    skus, weeks = units.shape
    first, supply = demand.first_week, np.zeros((skus, weeks + lead), np.int64)
    target = _targets(demand, codes, settings)
    stock, coming = np.zeros(skus, np.int64), np.zeros(skus, np.int64)
    filled = 0
    for t in range(weeks):
        opens = first == t
        supply[opens, t] = target[opens, t]
        ordered = np.where(first < t, np.maximum(target[:, t] - stock - coming, 0), 0)
        coming += ordered
        supply[:, t + lead] += ordered
        arrived = np.where(first < t, supply[:, t], 0)
        coming -= arrived
        stock += np.where(opens, supply[:, t], arrived)
        sold = np.minimum(stock, units[:, t])
        stock -= sold
        filled += int(sold.sum())
    return Supply(supply, int(units.sum()), filled)


def _targets(demand: Demand, codes: Sequence[str], settings: WorldSettings) -> Ints:
    """Order-up-to levels `[S, W]`, rounded half up; those before a SKU's first sale mean nothing."""
    units, span = demand.units, settings.forecast_weeks
    skus, weeks = units.shape
    running = np.concatenate([np.zeros((skus, 1), np.int64), units.cumsum(axis=1)], axis=1)
    column, first = np.arange(weeks), demand.first_week[:, None]
    plan_end = np.minimum(first + span, weeks)
    plan = np.take_along_axis(running, plan_end, axis=1) - np.take_along_axis(running, np.minimum(first, weeks), axis=1)
    recent = running[:, column] - running[:, np.maximum(column - span, 0)]
    young = column - first < span
    total = np.where(young, plan, recent)
    count = np.where(young, np.maximum(plan_end - first, 1), span)
    start = keyed.words(settings.seed, "forecast", codes)
    error = keyed.lognormal_ppm(keyed.spread(start, demand.week + column), settings.forecast_error)
    whole = count * PPM
    levels: Ints = (2 * settings.cover_weeks * total * error + whole) // (2 * whole)
    return levels


def receipts(
    network: NetworkFile, demand: Demand, supply: Supply, placement: Placement, opening_at: int
) -> tuple[list[Receipt], list[Receipt]]:
    """(opening balances at `opening_at`, receipts by time and node).

    A SKU sold from the first week on opens with the books. A later one is introduced by a receipt on the last Monday
    06:00 before its first sale.
    """
    opening: list[Receipt] = []
    later: list[Receipt] = []
    weeks = supply.units.shape[1]
    for node, running in placement.split(supply.units.cumsum(axis=1)):
        mondays = _mondays(demand.week - 1, weeks + 1, network.nodes[node].zone)
        given = np.diff(running, axis=1, prepend=0)
        sku, week = np.nonzero(given)
        quantity = given[sku, week]
        opens = week == demand.first_week[sku]
        at = mondays[week + 1]
        early = opens & (at >= demand.first_at[sku])
        at[early] = mondays[week[early]]
        at[opens & (week == 0)] = opening_at
        at = np.maximum(at, np.where(opens, opening_at, opening_at + 1))  # nothing comes before the books open
        for receipt in _grouped(at, node, sku, quantity):
            (opening if receipt.at == opening_at else later).append(receipt)
    later.sort(key=lambda receipt: (receipt.at, receipt.node))
    opening.sort(key=lambda receipt: receipt.node)
    return opening, later


def _mondays(first_week: int, weeks: int, zone: str) -> Ints:
    return np.array([at_local(monday_of(first_week + k), RECEIVING_MINUTE, zone) for k in range(weeks)], np.int64)


def _grouped(at: Ints, node: int, sku: Ints, quantity: Ints) -> Iterator[Receipt]:
    order = np.lexsort((sku, at))
    at, sku, quantity = at[order], sku[order], quantity[order]
    edges = np.flatnonzero(np.diff(at, prepend=-1, append=-1))
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield Receipt(int(at[low]), node, sku[low:high].astype(np.int64), quantity[low:high])
