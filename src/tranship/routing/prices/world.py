"""A snapshot as a routing problem with additive costs: the cards as straight lines, destinations by what is alike about them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.routing.prices import futures, linear
from tranship.routing.prices.problem import PARTS, UNITS, UNLIMITED, VALUE, Caps, Costs, Goods, Orders
from tranship.routing.prices.snapshot import History, Snapshot
from tranship.routing.promise import NOT_SERVED

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
USUAL = 8.0
"""Money of a usual part as the search sees it: its steps are made for that, whatever the currency."""
MEASURES = {"fulfillment_orders": PARTS, "units": UNITS, "value": VALUE}
NEVER = 1e15
MOST_SAMPLES = 5_000
"""Orders of the history that the straight lines are drawn through."""


class Lines(NamedTuple):
    """The history with one line per SKU and bundles as their parts."""

    start: Ints  # [T + 1]
    sku: Ints
    qty: Ints
    value: Floats  # minor units, of the whole line


class World(NamedTuple):
    """What all futures share."""

    costs: Costs
    goods: Goods
    lines: Lines
    dest: Ints  # [T] of each order of the history
    population: Ints  # [T]
    rates: futures.Rates
    today: int
    limited: bool  # some node has a limit on a day's work
    penalty: float  # what an unfilled unit counts, in money
    micros: float  # of the currency in one of the world's money


def world_of(snapshot: Snapshot) -> World:
    """The problem of a snapshot."""
    history, today = snapshot.history, snapshot.at // futures.MICROS_PER_DAY
    lines = _lines(history, snapshot.bundles, snapshot.stock.shape[0])
    card = linear.fit(snapshot.tables, _samples(snapshot, lines))
    micros = _micros(card, snapshot)
    dest, fixed, way = _destinations(snapshot, card, micros)
    per_unit = np.ascontiguousarray(card.per_unit.T / micros)
    costs = Costs(fixed, way, per_unit, snapshot.tables.weight_g.astype(np.float64))
    rates = futures.rates_of(history, snapshot.at, snapshot.until_day)
    stock = np.where(snapshot.allowed.astype(bool), np.maximum(snapshot.stock, 0), 0).astype(np.int64)
    limited = bool((snapshot.capacity > 0).any())
    population = np.clip(history.channel, 0, max(0, len(snapshot.channels) - 1))
    return World(
        costs, Goods(stock, _work(snapshot, rates.days if limited else 1, today)), lines, dest, population, rates, today,
        limited, _penalty(costs, lines), micros,
    )  # fmt: skip


def orders_of(world: World, day: Ints, picked: Ints) -> Orders:
    """Orders drawn from the history as a stream."""
    counts = np.diff(world.lines.start)[picked]
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    rows = np.repeat(world.lines.start[picked] - start[:-1], counts) + np.arange(int(start[-1]))
    ships = _ship_days(world, day)
    return Orders(
        ships, world.dest[picked], world.population[picked], start, world.lines.sku[rows], world.lines.qty[rows],
        world.lines.value[rows],
    )  # fmt: skip


def caps_of(snapshot: Snapshot, orders: Orders, kept: float, scale: float = 1.0) -> Caps:
    """The caps with what they would allow over these orders, and the room that is left now.

    `kept`: share of it given out. Each order stands for `scale` orders.
    """
    nodes, count = snapshot.stock.shape[1], len(snapshot.caps)
    side, measure, budget = np.zeros((count, nodes), np.uint8), np.zeros(count, np.int64), np.zeros(count)
    populations = max(1, len(snapshot.channels))
    counts = np.zeros((populations, count), np.uint8)
    of_line = np.repeat(orders.population, np.diff(orders.start))
    for k, cap in enumerate(snapshot.caps):
        side[k, list(cap.nodes)] = 1
        measure[k] = MEASURES[cap.measure]
        counts[:, k] = [code in cap.channels for code in snapshot.channels] or [True]
        counted = counts[of_line, k] == 1
        if cap.measure == "units":
            size = float(orders.qty[counted].sum())
        elif cap.measure == "value":
            size = float(orders.value[counted].sum())
        else:  # each order is at least one fulfillment order: splits only add room
            size = float((counts[orders.population, k] == 1).sum())
        budget[k] = max(0.0, kept * cap.cap_bp / 10_000 * size * scale + cap.room)  # below 0 would mean: no cap
    return Caps(side, measure, counts, budget)


def _lines(history: History, bundles: dict[int, list[tuple[int, int]]], skus: int) -> Lines:
    order = np.repeat(np.arange(len(history)), np.diff(history.start))
    sku, qty = history.sku, history.qty
    value: Floats = (history.value_minor * qty).astype(np.float64)
    if bundles:
        made = [bundles.get(s, [(s, 1)]) for s in sku.tolist()]
        sizes = np.array([len(parts) for parts in made], np.int64)
        order, value = np.repeat(order, sizes), np.repeat(value / sizes, sizes)
        each = np.array([count for parts in made for _, count in parts], np.int64)
        qty, sku = np.repeat(qty, sizes) * each, np.array([part for parts in made for part, _ in parts], np.int64)
    cell = order * skus + sku
    sorting = np.argsort(cell, kind="stable")  # orders stand in sequence already: this is quick
    cell = cell[sorting]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    cell = cell[first]
    units, worth = np.zeros(0, np.int64), np.zeros(0)
    if len(first):
        units, worth = np.add.reduceat(qty[sorting], first), np.add.reduceat(value[sorting], first)
    counts = np.bincount(cell // skus, minlength=len(history))
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return Lines(start, (cell % skus).astype(np.int64), units.astype(np.int64), worth.astype(np.float64))


def _samples(snapshot: Snapshot, lines: Lines) -> linear.Samples:
    """The newest orders as if each were one part."""
    count = min(len(snapshot.history), MOST_SAMPLES)
    last = int(lines.start[count])
    order = np.repeat(np.arange(count), np.diff(lines.start[: count + 1]))
    sku, qty = lines.sku[:last], lines.qty[:last]
    tables = snapshot.tables

    def total(of_sku: Ints) -> Ints:
        return np.bincount(order, of_sku[sku] * qty, count).astype(np.int64)

    return linear.Samples(
        weight_g=total(tables.weight_g),
        volume_cm3=total(tables.volume_cm3),
        units=np.bincount(order, qty, count).astype(np.int64),
        residential=snapshot.history.residential[:count].astype(bool),
        sku_units=np.bincount(sku, qty, snapshot.stock.shape[0]).astype(np.int64),
    )


def _micros(card: linear.Linear, snapshot: Snapshot) -> float:
    """Micros of the currency in one of the world's money: a usual part of two units costs USUAL of them."""
    served = card.fixed[card.fixed > 0]
    part = (float(served.mean()) if served.size else 0.0) + 2 * float(np.abs(card.per_unit).mean())
    weight = float(np.median(snapshot.tables.weight_g)) if len(snapshot.tables.weight_g) else 0.0
    return max(1.0, (part + 2 * weight * float(card.per_gram.mean())) / USUAL)


def _destinations(snapshot: Snapshot, card: linear.Linear, micros: float) -> tuple[Ints, Floats, Floats]:
    """Destination of each order, and by destination [C, N]: a part, a gram. A node that may not or cannot ship there costs NEVER."""
    history, nodes = snapshot.history, snapshot.stock.shape[1]
    channels, services = len(snapshot.may_serve), len(snapshot.tables.transit_days)
    of_channel, of_service = int(history.channel.max(initial=0)) + 2, int(history.service.max(initial=0)) + 2
    keys = ((history.zip3 + 1) * of_channel + history.channel + 1) * of_service + history.service + 1
    kinds, dest = np.unique(keys, return_inverse=True)
    rest, service = np.divmod(kinds, of_service)
    zip3, channel = (found - 1 for found in np.divmod(rest, of_channel))
    service = service - 1
    known = ((zip3 >= 0) & (zip3 < 1000))[:, None]
    zone = np.where(known, snapshot.tables.zone3[:, np.clip(zip3, 0, 999)].T, 0).astype(np.int64)  # [C, N]
    may = zone > 0
    if channels:
        known = ((channel >= 0) & (channel < channels))[:, None]
        may &= ~known | snapshot.may_serve[np.clip(channel, 0, channels - 1)].astype(bool)
    if services:
        known = ((service >= 0) & (service < services))[:, None]
        at = (np.clip(service, 0, services - 1)[:, None], np.arange(nodes), zone)
        days = snapshot.tables.transit_days[at].astype(np.int64)
        may &= ~known | (days != NOT_SERVED)
        promised = np.array([*snapshot.promise_days, 99])  # the last one: of no channel
        promised = promised[np.where(channel < len(snapshot.promise_days), channel, -1)]
        in_time = may & (~known | (days + 1 <= promised[:, None]))  # a day to the cut-off, on average
        may = np.where(in_time.any(1)[:, None], in_time, may)
    there = np.arange(nodes)
    fixed = np.where(may, card.fixed[there, zone] / micros, NEVER)
    way = np.where(may, card.per_gram[there, zone] / micros, 0.0)
    return dest.reshape(-1).astype(np.int64), fixed, way


def _work(snapshot: Snapshot, days: int, today: int) -> Ints:
    work = np.full((days, len(snapshot.capacity)), UNLIMITED, np.int64)
    for n, units in enumerate(snapshot.capacity.tolist()):
        if units:
            work[:, n] = [max(0, units - snapshot.used[n].get(today + d, 0)) for d in range(days)]
    return work


def _ship_days(world: World, day: Ints) -> Ints:
    """Position of the day that an order of a day ships: the next one that is no Saturday or Sunday."""
    if not world.limited:
        return np.zeros_like(day)
    weekday = (world.today + day + 3) % 7
    later: Ints = day + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))
    last: Ints = np.minimum(later, world.goods.work.shape[0] - 1)
    return last


def _penalty(costs: Costs, lines: Lines) -> float:
    """What an unfilled unit counts: half as much again as sending a usual line as a part of its own."""
    served = costs.fixed[costs.fixed < NEVER]
    units = max(1.0, float(lines.qty.mean()) if len(lines.qty) else 1.0)
    part = float(served.mean()) if served.size else 1.0
    return 1.5 * (part / units + float(costs.per_unit.mean()))
