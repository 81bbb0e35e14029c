"""From the engine's state to what prices are made from, and from a book that was made to the command that brings it in."""

import hashlib
import importlib
import importlib.util
from array import array
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np

from tranship.core.errors import InputError
from tranship.engine import commands as cmd
from tranship.engine.state import OrderState, State
from tranship.routing.facts import Facts, counts_for, must_mask
from tranship.routing.prices.model import PriceBook, encode
from tranship.routing.prices.snapshot import FEWEST_ORDERS, MOST_ORDERS, Bytes, CapRoom, History, Snapshot

MICROS_PER_DAY = 86_400_000_000
HORIZON_DAYS = 28
"""Days that the futures of a book reach ahead: four weeks of weekdays, and about as long as a shelf is filled for."""

PATIENCE = 4
"""Times as long that the schedule waits after a book that saved nothing in rehearsal: the next day is much like this one."""

SOLVER_MODULE = "tranship.engine.pricesolver"
"""Where the solver is: its function `solve`."""
Solve = Callable[[Snapshot], PriceBook]
"""Makes a book of a snapshot: pure, so that the same snapshot gives the same book."""


def solver() -> Solve:
    """The price solver. Imported when prices are made: it brings a compiler."""
    found: Solve = importlib.import_module(SOLVER_MODULE).solve
    return found


def hours_between(state: State) -> int:
    """Hours from the book in force to the next by schedule."""
    hours = state.require_network().policy.prices_every_hours
    return hours if state.prices is None or state.prices.paid else PATIENCE * hours


def has_solver(solve: Solve | None) -> bool:
    """Whether prices can be made at all."""
    return solve is not None or importlib.util.find_spec(SOLVER_MODULE) is not None


class HistoryLog:
    """The brand's own orders as columns, read from the state as they come: each order once, however often prices are made."""

    def __init__(self, most: int = MOST_ORDERS) -> None:
        self._most = most
        self._forget()
        self._state: State | None = None

    def _forget(self) -> None:
        self._seen = 0  # orders of the state that were looked at
        self._orders = array("q")  # of each order: at, zip3, residential, channel name, service name, lines
        self._lines = array("q")  # of each line: SKU, quantity, price in minor units
        self._names: dict[str, int] = {}

    def read(self, state: State, facts: Facts, at: int) -> History:
        """The newest orders of the state, newest first. An order dated later than `at` counts as placed then."""
        if state is not self._state or len(state.orders) < self._seen:  # rebuilt
            self._forget()
            self._state = state
        fresh = min(len(state.orders) - self._seen, self._most)
        for held in reversed(list(islice(reversed(state.orders.values()), fresh))):
            self._take(held, state)
        self._seen = len(state.orders)
        return self._history(state, facts, at)

    def _take(self, held: OrderState, state: State) -> None:
        order = held.order
        code = order.to.zip[:3]
        self._orders.extend(
            (
                order.placed_at,
                int(code) if len(code) == 3 and code.isascii() and code.isdigit() else -1,
                order.to.residential,
                self._name(order.channel),
                self._name(order.service or state.channels[order.channel].service),
                len(order.lines),
            )
        )
        for line, sku in zip(order.lines, held.skus, strict=True):
            self._lines.extend((sku, line.qty, line.unit_price_minor))

    def _name(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))

    def _history(self, state: State, facts: Facts, at: int) -> History:
        orders = np.array(self._orders, np.int64).reshape(-1, 6)
        lines = np.array(self._lines, np.int64).reshape(-1, 3)
        if len(orders) > 2 * self._most:  # a limit on what is kept
            kept = int(orders[-self._most :, 5].sum())
            orders, lines = orders[-self._most :], lines[len(lines) - kept :]
            self._orders, self._lines = array("q", orders.tobytes()), array("q", lines.tobytes())
        orders = orders[-self._most :]
        lines = lines[len(lines) - int(orders[:, 5].sum()) :]
        counts = orders[:, 5]
        ends = np.cumsum(counts)
        start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[::-1])])
        first = (ends - counts)[::-1]  # of each order, newest first: where its lines lie
        rows = np.repeat(first - start[:-1], counts[::-1]) + np.arange(len(lines))
        lines, orders = lines[rows], orders[::-1]
        codes = {channel.code: i for i, channel in enumerate(state.require_network().channels)}
        channel = np.array([codes.get(name, -1) for name in self._names] or [-1], np.int64)
        service = np.array([facts.services.get(name, -1) for name in self._names] or [-1], np.int64)
        return History(
            at=np.minimum(orders[:, 0], at),
            zip3=np.ascontiguousarray(orders[:, 1]),
            residential=orders[:, 2].astype(np.uint8),
            channel=channel[orders[:, 3]],
            service=service[orders[:, 4]],
            start=start,
            sku=np.ascontiguousarray(lines[:, 0]),
            qty=np.ascontiguousarray(lines[:, 1]),
            value_minor=np.ascontiguousarray(lines[:, 2]),
        )


def snapshot_of(state: State, log: HistoryLog, at: int, reason: str) -> Snapshot | None:
    """What prices at this moment are to be made from; None where there are to be none: switched off, or too few own orders."""
    network = state.require_network()
    if network.policy.prices != "on" or len(state.orders) < FEWEST_ORDERS:
        return None
    day = at // MICROS_PER_DAY
    facts = state.facts(day)
    used = [{d: units for d, units in taken.items() if d >= day - 1 and units} for taken in state.used]
    return Snapshot(
        network_sha=state.network_sha,
        at=at,
        until_day=day + HORIZON_DAYS,
        tables=replace(facts.tables, explained=None),
        stock=np.ascontiguousarray(state.ledger.fulfillable, np.int64).copy(),
        allowed=_allowed(state, facts),
        capacity=np.array(facts.capacity, np.int64),
        used=used,
        caps=[_room(state, i) for i in range(len(state.caps))],
        history=log.read(state, facts, at),
        futures=network.policy.futures,
        seed=_seed(state, at),
        reason=reason,
        channels=tuple(channel.code for channel in network.channels),
        services=tuple(facts.services.get(channel.service, -1) for channel in network.channels),
        promise_days=tuple(
            channel.promise_working_days or network.policy.promise_working_days for channel in network.channels
        ),
        may_serve=np.array([must_mask(network, channel.code) for channel in network.channels], np.uint8),
        nodes=network.nodes,
        bundles={sku: list(parts) for sku, parts in facts.bundles.items()},
        before=state.prices.stock.copy() if state.prices else None,
        before_caps=dict(state.prices.caps) if state.prices else {},
    )


def _allowed(state: State, facts: Facts) -> Bytes:
    allowed = facts.items.astype(np.uint8)
    for n, node in enumerate(facts.nodes):
        if node.closed or n in state.closed:
            allowed[:, n] = 0
    return allowed


def _room(state: State, position: int) -> CapRoom:
    held = state.caps[position]
    cap, total = held.cap, held.total
    channels = tuple(c.code for c in state.require_network().channels if counts_for(c, cap.network))
    room = max(0, total.limit(total.entered) - total.inside_capped)
    return CapRoom(cap.network, tuple(sorted(held.nodes)), cap.cap_bp, cap.measure, cap.window, room, channels)


def _seed(state: State, at: int) -> int:
    """From the run's position: how many events there were, under which network, and when."""
    text = f"{state.network_sha} {sum(state.counts.values())} {at}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")


def setting(document: bytes, reason: str, at: int) -> cmd.SetPrices:
    """The command that brings a book's document into force."""
    return cmd.SetPrices(document, hashlib.sha256(document).hexdigest(), reason, at)


def solve_now(state: State, log: HistoryLog, at: int, reason: str, solve: Solve | None = None) -> cmd.SetPrices | None:
    """Make a book in this process: the same state gives the same command. None where there are to be no prices.

    Raises InputError where the solver returns what is no book.
    """
    snapshot = snapshot_of(state, log, at, reason)
    if snapshot is None:
        return None
    book = (solve or solver())(snapshot)
    if not isinstance(book, PriceBook):
        raise InputError(f"the solver returned {type(book).__name__}, not a price book", where="prices")
    return setting(encode(book), reason, at)
