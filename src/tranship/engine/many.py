"""Many commands at once: runs of common orders are decided by the stream kernel and applied together, everything else one by one.

The events and the state are those of `engine.decide.execute`, command by command, bit for bit (tests/engine/test_many.py). What the
kernel does not cover (a split, no stock, a cap's edge, a bundle, a refusal, a closed node) takes the normal way, and the run goes
on after it.
"""

import importlib
import importlib.util
import os
from collections.abc import Iterator, Sequence
from itertools import repeat
from weakref import WeakKeyDictionary

import numpy as np

from tranship.core.errors import InputError
from tranship.core.order import Order
from tranship.core.states import STATE_ZONES
from tranship.core.time import local_day_minute
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.asking import MICROS_PER_DAY, build_ask, situation
from tranship.engine.bulk import Run, apply_run
from tranship.engine.decide import _promise as promise_of
from tranship.engine.decide import execute
from tranship.engine.state import OrderState, State
from tranship.routing.facts import Facts, counts_for
from tranship.routing.kernel_layout import COUNT, FIRST
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.prices.charges import book_at
from tranship.routing.prices.model import PriceTables
from tranship.routing.quick import _lane as lane_of
from tranship.routing.stream import Asked, Counters, StreamTables, can_stream

Events = list[ev.Event]
MOST = 512
"""Orders laid out at once."""
FEW = 4
"""Fewer commands than this are not worth laying out."""
MOST_KEYS = 4_096
"""Sets of line keys that were seen to be sound; above, they are looked at again."""
MOST_PLACES = 20_000
"""Kinds of orders (source, channel, destination) that are remembered; above, all are forgotten."""
MICROS_PER_MINUTE = 60_000_000
QUARTER_HOUR = 15 * MICROS_PER_MINUTE
"""Offsets to UTC are whole quarters of an hour: within one, no zone's day changes."""
ZONES = tuple(sorted(set(STATE_ZONES.values())))
NOT_HERE = -1
Place = tuple[str, str, bool, str, str, str, str, str, str]
"""What tells where an order goes: ZIP3, state, residential, channel, source, service, wished day, country, currency."""


def warm() -> None:
    """Have the stream compiled now (a new version takes half a minute, once) rather than while the first callers wait."""
    if os.environ.get("TRANSHIP_PURE", "") in ("", "0") and importlib.util.find_spec("numba"):
        importlib.import_module("tranship.routing.kernel_stream")


def execute_many(state: State, commands: Sequence[cmd.Command]) -> list[Events | InputError]:
    """Carry commands out in order: the events of each, or why it was refused. State and events are those of `execute` one by one.

    Raises whatever else `execute` raises; commands before it are carried out, those after it are not.
    """
    done: list[Events | InputError] = []
    for run in quick_runs(state, commands):
        if run:
            done.extend(run)
            continue
        try:
            done.append(list(execute(state, commands[len(done)])))
        except InputError as error:
            done.append(error)
    return done


def quick_runs(state: State, commands: Sequence[cmd.Command]) -> Iterator[list[Events]]:
    """Runs of commands carried out together: the two events of each, already applied; `state.moves` is what the run moved.

    An empty run means: the caller is to carry out the next command itself, before it asks for more.
    """
    at = 0
    while at < len(commands):
        batch = _Batch.of(state, commands, at)
        if batch is None:
            yield []
            at += 1
            continue
        while batch.at < batch.count:
            if not state.rests_on_cap and (made := batch.advance()):
                yield made
            if batch.at < batch.count:
                yield []
                batch.at += 1
        at += batch.count


class _Desk:
    """What is kept between batches under one `Facts`: numbered lanes, and where orders that look alike go."""

    def __init__(self, state: State, facts: Facts) -> None:
        self.tables = StreamTables(facts)
        self.simple = {code: i for code, i in state.skus.items() if facts.free[i] and "@" not in code}
        self.good_keys: set[tuple[str, ...]] = set()
        self.places: dict[Place, int] = {}  # row of `spots`, -1: the normal way
        self.spots: list[
            tuple[int, int, int, int]
        ] = []  # lane, row of carton rates, number of the channel, promise day
        self.days: tuple[int, ...] = ()
        self.quarter = NOT_HERE
        self.channels = list(state.channels.values())
        self.numbers = {channel.code: i for i, channel in enumerate(self.channels)}

    def same_days(self, at: int) -> bool:
        """Whether it is the same day in each zone as it was when places were looked at."""
        days = tuple([local_day_minute(at, zone)[0] for zone in ZONES])
        if days == self.days:
            self.quarter = at // QUARTER_HOUR
        return days == self.days

    def on(self, at: int) -> None:
        """Forget promise days where a zone's day has changed."""
        if not self.same_days(at):
            self.quarter, self.days = at // QUARTER_HOUR, tuple([local_day_minute(at, zone)[0] for zone in ZONES])
            self.forget()

    def start_over(self, earliest: list[int]) -> None:
        """The nodes ship on other days."""
        self.tables.start_over(earliest)
        self.forget()

    def forget(self) -> None:
        """Look at every place anew."""
        self.places.clear()
        self.spots.clear()

    def sound(self, keys: tuple[str, ...]) -> bool:
        """Whether line keys are as `check_order` wants them."""
        if len(set(keys)) != len(keys) or any("@" in key for key in keys):
            return False
        if len(self.good_keys) >= MOST_KEYS:
            self.good_keys.clear()
        self.good_keys.add(keys)
        return True

    def spot(self, state: State, order: Order, at: int) -> int:
        """Where orders of this one's source, channel and destination go: a row of `spots`; -1 where they need the normal way."""
        channel, source = state.channels.get(order.channel), order.source
        if channel is None or (channel.promise == "computed" and not order.deliver_by):  # that is a decision of its own
            return NOT_HERE
        if order.currency != state.require_network().currency or not source or any(mark in source for mark in ":/@"):
            return NOT_HERE
        try:
            promise = promise_of(state, order, channel, at)
        except InputError:
            return NOT_HERE
        ask, _ = build_ask(state, OrderState(order, [0], promise), [0], [1], at)
        lane, zones = self.tables.lane(lane_of(ask, self.tables.facts))
        self.spots.append((lane, 2 * zones + (1 if ask.residential else 0), self.numbers[order.channel], promise))
        return len(self.spots) - 1


_desks: "WeakKeyDictionary[Facts, _Desk]" = WeakKeyDictionary()


class _Batch:
    """Orders laid out for the kernel; `at` is the next one. Good while nothing but orders happens."""

    def __init__(self, state: State, facts: Facts, desk: _Desk) -> None:
        self.state, self.facts, self.desk, self.tables = state, facts, desk, desk.tables
        self.at = self.count = 0
        self.orders: list[Order] = []
        self.ids: list[str] = []
        self.ats: list[int] = []
        self.where: list[int] = []  # row of the desk's `spots`; -1: the normal way
        self.book: PriceTables | None = None

    @staticmethod
    def of(state: State, commands: Sequence[cmd.Command], at: int) -> "_Batch | None":
        """The commands from `at` on that can be laid out together; None where the next one must take the normal way."""
        first = commands[at]
        if len(commands) - at < FEW or not isinstance(first, cmd.PlaceOrder) or state.network is None:
            return None
        if state.closed or state.breakers or state.rests_on_cap or state.leaks or state.network.policy.max_parts < 1:
            return None
        facts = state.facts(first.at // MICROS_PER_DAY)
        if not can_stream(facts, state.caps):
            return None
        desk = _desks.get(facts)
        if desk is None:
            desk = _desks[facts] = _Desk(state, facts)
        batch = _Batch(state, facts, desk)
        batch._lay_out(commands[at : at + MOST])
        return batch

    # -- laying out -----------------------------------------------------------------------------------------------------

    def _lay_out(self, commands: Sequence[cmd.Command]) -> None:
        """Read orders while they fall under the same prices, ship days and book."""
        state, desk = self.state, self.desk
        places, good_keys, orders = desk.places, desk.good_keys, self.orders
        minute, seen = NOT_HERE, set[str]()
        for command in commands:
            if type(command) is not cmd.PlaceOrder:
                break
            order, at = command.order, command.at
            if at // MICROS_PER_MINUTE != minute:
                if not self._same(at):
                    break
                minute = at // MICROS_PER_MINUTE
            order_id, to, lines = f"{order.source}:{order.number}", order.to, order.lines
            place = (
                to.zip[:3], to.state, to.residential, order.channel, order.source, order.service, order.deliver_by, to.country,
                order.currency,
            )  # fmt: skip
            spot = places.get(place)
            if spot is None:
                spot = places[place] = desk.spot(state, order, at)
            keys = tuple([line.key for line in lines])
            if (
                len(keys) > SUBSET_LINES
                or (keys not in good_keys and not desk.sound(keys))
                or order_id in seen
                or order_id in state.orders
                or not order.number
                or "@" in order.number
            ):
                spot = NOT_HERE
            seen.add(order_id)
            orders.append(order)
            self.ids.append(order_id)
            self.ats.append(at)
            self.where.append(spot)
        self._arrays()

    def _same(self, at: int) -> bool:
        """Whether an order at this time belongs into this batch; the first one says what the others must have."""
        state, desk = self.state, self.desk
        earliest, book = self.facts.calendar.earliest_ship_days(at), book_at(state.prices, at)
        if self.orders:
            if (
                earliest is not self.tables.earliest
                or book is not self.book
                or not state.same_facts(at // MICROS_PER_DAY)
            ):
                return False
            return at // QUARTER_HOUR == desk.quarter or desk.same_days(at)
        self.book = book
        if earliest is not self.tables.earliest or self.tables.crowded:
            desk.start_over(earliest)
        if at // QUARTER_HOUR != desk.quarter:
            desk.on(at)
        if len(desk.places) > MOST_PLACES:
            desk.forget()
        return True

    def _arrays(self) -> None:
        """What was read, as the kernel reads it."""
        state, desk, orders = self.state, self.desk, self.orders
        self.count = len(orders)
        counts = [len(order.lines) for order in orders]
        lines = [line for order in orders for line in order.lines]
        self.skus: list[int] = list(map(desk.simple.get, [line.sku for line in lines], repeat(NOT_HERE)))
        self.quantities = [line.qty for line in lines]
        prices = [line.unit_price_minor for line in lines] if any(cap.by_value for cap in state.caps) else None
        self.asked = Asked(desk.spots, self.where, counts, self.skus, self.quantities, prices)
        counted = [(c.code, [counts_for(c, cap.network) for cap in state.caps]) for c in desk.channels]
        self.counters = Counters(state.caps, self.facts.count, counted)
        self.out = np.zeros((self.count, 10 + 4 * len(state.caps)), np.int64)

    # -- deciding -------------------------------------------------------------------------------------------------------

    def decide(self, begin: int) -> int:
        """Let the kernel decide orders from `begin` on, under the counters as they were loaded; where it stopped. Changes no state."""
        return self.tables.decide(situation(self.state), self.asked, begin, self.counters, self.book, self.out)

    def advance(self) -> list[Events]:
        """Decide and apply as many orders from `at` on as the kernel can; the events of each."""
        begin, state, spots = self.at, self.state, self.desk.spots
        if self.where[begin] < 0:
            return []
        self.counters.load(state.caps, self.count - begin)
        self.at = end = self.decide(begin)
        if end == begin:
            return []
        first = self.asked.orders[begin:end, FIRST].tolist()
        after = (self.asked.orders[begin:end, FIRST] + self.asked.orders[begin:end, COUNT]).tolist()
        run = Run(
            self.orders[begin:end],
            self.ids[begin:end],
            self.ats[begin:end],
            [spots[spot][3] for spot in self.where[begin:end]],
            [self.skus[a:b] for a, b in zip(first, after, strict=True)],
            [self.quantities[a:b] for a, b in zip(first, after, strict=True)],
            self.asked,
            begin,
            self.out[begin:end],
            self.book.version if self.book is not None else 0,
        )
        return apply_run(state, self.tables, self.counters, run)
