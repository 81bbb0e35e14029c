"""Orders are decided again until they are released, and move where that pays (docs/moving.md).

A look takes the orders that a change may have touched, the soonest to ship first, and decides each as if its own units lay on the shelf
again. It moves where more of it ships, where what would be late comes in time, or where it saves more than the policy asks. Where the
last units that would serve an order better are held by another one, both are tried together. Each move makes the sum over all orders
better, so looks come to an end and nothing moves to and fro.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from tranship.core.time import add_working_days
from tranship.engine import events as ev
from tranship.engine.asking import MICROS_PER_DAY
from tranship.engine.entries import goods
from tranship.engine.hints import Cell, Hints, Piece, Wish
from tranship.engine.offers import Offer, World, allowed, changes_of, is_local, joinable, movable_parts, offer
from tranship.engine.state import OrderState, RestKey, State
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.promise import NOT_SERVED
from tranship.routing.share_change import Change

MICROS_PER_MINOR = 10_000
MOST_PASSES = 2
"""Times that one look goes over its orders, while something moves."""
MOST_WISHES = 2
"""Exchanges tried for one order."""
GLANCES = 8
"""Pending orders that one look goes through for those worth deciding, as a multiple of the policy's `redecide_limit`."""

FEW_LINES = 3
"""Lines up to which an order is decided again without a guess whether that pays."""
NOISE = 50
"""Prices that change what such an order costs by no more than one part in so many are no reason to decide it again."""
GUESS = 40
"""An order of many lines is decided again where a guess promises one part in so many of what it costs."""
MOST_HOLDERS = 8
"""Holders of one SKU at one node that are looked at."""

Touched = tuple[int, ...]
"""SKUs of which units came to a shelf; none: something else changed, and the order is decided without a guess."""


def look_at_all(state: State, at: int) -> Iterator[ev.Event]:
    """Look at every pending order that a change may have touched; the caller evolves each event before it asks for the next."""
    if not state.require_network().policy.redecide:
        return
    look = _Look(state, at)
    complete = look.glance()
    yield from look.over()
    if look.looked:
        yield ev.OrdersReviewed(look.looked, look.moved, look.gain, complete and look.left > 0, at)


def look_at_wanting(state: State, node: int, skus: Iterable[int], at: int) -> Iterator[ev.Event]:
    """Units of these SKUs came to a node: look at orders that are late for want of them, or split or dear and ship today."""
    if state.wanting and state.require_network().policy.redecide:
        found: dict[str, list[int]] = {}
        for sku in dict.fromkeys(skus):
            for order_id in state.wanting.get(sku, ()):
                found.setdefault(order_id, []).append(sku)
        look = _Look(state, at)
        look.news = {sku: {node} for sku in skus}
        look.turn = {order_id: tuple(found[order_id]) for order_id in look.soonest(found)}
        yield from look.over()


def look_at_node(state: State, node: int, at: int) -> Iterator[ev.Event]:
    """A node was closed: move away from it what another node can take."""
    if state.require_network().policy.redecide:
        due = state.due[node]
        look = _Look(state, at)
        look.turn = {order_id: () for day in sorted(due) for order_id, _ in due[day]}
        yield from look.over()


def first_day(order: OrderState) -> int:
    """The day that its first open part ships; 0: none is open."""
    return min((part.ship_day for part in order.parts.values() if is_local(part)), default=0)


class _Look:
    """One look over pending orders: at most `redecide_limit` decisions."""

    def __init__(self, state: State, at: int) -> None:
        policy = state.require_network().policy
        self.state, self.at = state, at
        self.threshold = policy.redecide_gain_minor * MICROS_PER_MINOR
        self.left = policy.redecide_limit
        self.looked = self.moved = self.gain = 0
        self.shut = state.closed | {n for n, node in enumerate(state.require_network().nodes) if node.closed}
        self._price = sum(cap.bucket.price for cap in state.caps)
        self.turn: dict[str, Touched] = {}  # orders to decide, and why
        self.fresh: list[str] = []  # decided since the last look: who may want what another holds
        self.news: dict[
            int, set[int]
        ] = {}  # SKU -> nodes where units of it came in; any node for one that is not named
        self.freed: dict[int, str] = {}  # SKUs that moved orders gave up, and which of them was the last
        self._came: dict[int, set[int]] = {}  # SKU -> nodes at which they were given up
        self._holders: dict[Cell, dict[str, int]] = {}  # who holds the last units of what others want
        self._sketches: dict[str, Hints] = {}

    # -- which orders -------------------------------------------------------------------------------------------------

    def glance(self) -> bool:
        """Fill in which orders a change may have touched, the soonest to ship first; False where not all could be gone through."""
        state = self.state
        seen: dict[str, None] = {}
        keys, most = 0, GLANCES * self.left
        today = self.at // MICROS_PER_DAY
        for order_id, number in islice(self._pending(), most):
            keys += 1
            if order_id not in seen:
                seen[order_id] = None
                order = state.orders[order_id]
                touched = self._touched(order, order.parts[number].ship_day <= today)
                if touched is not None:
                    self.turn[order_id] = touched
                if order.decided_at > state.reviewed_at:
                    self.fresh.append(order_id)
        self._hold(seen)
        return keys < most

    def _pending(self) -> Iterator[RestKey]:
        due = self.state.due
        for day in sorted({day for days in due for day in days}):
            for days in due:
                yield from days.get(day, ())

    def _touched(self, order: OrderState, soon: bool) -> Touched | None:
        """What has changed since the order was last decided so that it might gain; None: nothing."""
        state = self.state
        if self.shut and any(is_local(part) and part.node in self.shut for part in order.parts.values()):
            return ()
        if not soon:
            return None  # its last word before it ships is what counts
        since = max(order.decided_at, state.reviewed_at)
        if (state.changed_at > since and self._repriced(order)) or (state.caps and self._room_changed(order)):
            return ()
        if not state.freed:
            return None
        freed, decided, reviewed = state.freed, order.decided_at, 0
        if state.reviewed_at // MICROS_PER_DAY == self.at // MICROS_PER_DAY:
            reviewed = state.reviewed_at  # what ships today was looked at then
        skus = [sku for sku in goods(state, order) if (at := freed.get(sku, 0)) > reviewed and at >= decided]
        return tuple(skus) or None

    def _room_changed(self, order: OrderState) -> bool:
        """Whether room under a cap became cheaper for an order outside it, or dearer for one inside, by what a move must save."""
        if order.room_price < 0:
            return True
        state = self.state
        rise = self._price - (order.room_price if order.decided_at > state.reviewed_at else state.reviewed_price)
        each = max(self._size(order), 1) * abs(rise)
        if each <= self.threshold:
            return False
        inside = rise > 0
        parts = [part for part in order.parts.values() if is_local(part)]
        count = sum(any(part.node in cap.nodes for cap in state.caps) is inside for part in parts)
        return count * each > self._noise(order)

    def _repriced(self, order: OrderState) -> bool:
        """Whether the last book could save the order more than a move must save: its prices here rose more than those elsewhere."""
        rise = self.state.price_rise
        if rise is None or self.state.bundles:
            return True
        total = 0
        for part in order.parts.values():
            if is_local(part):
                rows = rise[[order.skus[line] for line in part.lines]]
                total += int((rows[:, part.node] - rows.min(axis=1)) @ np.array(part.quantities, np.int64))
        return total > self._noise(order)

    def _noise(self, order: OrderState) -> int:
        """Changes of prices up to this do not make an order worth deciding again."""
        if len(order.skus) <= FEW_LINES:
            return self.threshold
        return max(self.threshold, sum(part.cost for part in order.parts.values() if is_local(part)) // NOISE)

    def _size(self, order: OrderState) -> int:
        if all(cap.by_count for cap in self.state.caps):
            return 1
        if any(cap.by_value for cap in self.state.caps):
            return order.order.value_minor
        return sum(line.qty for line in order.order.lines)

    def _hold(self, order_ids: Iterable[str]) -> None:
        """Note who holds the last units of what others want: cells with less on the shelf than some pending order asks for."""
        state = self.state
        held: list[tuple[Cell, str, int]] = []
        most: dict[int, int] = {}
        for order_id in order_ids:
            order = state.orders[order_id]
            for part in order.parts.values():
                if is_local(part):
                    for line, quantity in zip(part.lines, part.quantities, strict=True):
                        sku = order.skus[line]
                        if quantity and sku not in state.bundles:
                            held.append(((sku, part.node), order_id, quantity))
                            most[sku] = max(most.get(sku, 0), quantity)
        if not held:
            return
        skus, nodes = zip(*(cell for cell, _, _ in held), strict=True)
        for (cell, order_id, wanted), units in zip(
            held, state.ledger.fulfillable[list(skus), list(nodes)].tolist(), strict=True
        ):
            if units < most[cell[0]]:
                there = self._holders.setdefault(cell, {})
                there[order_id] = there.get(order_id, 0) + wanted

    def soonest(self, order_ids: Iterable[str]) -> list[str]:
        """Those of the orders that ship today or are late, by the day that they ship: what ships later is looked at before it does."""
        today, found = self.at // MICROS_PER_DAY, []
        for order_id in order_ids:
            order = self.state.orders[order_id]
            day = first_day(order)
            if day <= today or any(part.late for part in order.parts.values()):
                found.append((day, order_id))
        return [order_id for _, order_id in sorted(found)]

    # -- passes -------------------------------------------------------------------------------------------------------

    def over(self) -> Iterator[ev.Event]:
        """Decide the orders of this turn again, then once more those that what moved may serve; try exchanges for the fresh ones."""
        for _ in range(MOST_PASSES):
            self.freed.clear()
            came = self._came = {}
            for order_id, skus in self.turn.items():
                yield from self._alone(order_id, skus)
            for order_id in self.fresh:
                yield from self._exchange(order_id)
            self.fresh = []
            found: dict[str, list[int]] = {}
            for sku in self.freed:
                for order_id in self.state.wanting.get(sku, ()):
                    if order_id != self.freed[sku]:
                        found.setdefault(order_id, []).append(sku)
            self.turn, self.news = {order_id: tuple(found[order_id]) for order_id in self.soonest(found)}, came

    def _alone(self, order_id: str, skus: Touched) -> Iterator[ev.Event]:
        order = self.state.orders[order_id]
        numbers = movable_parts(order)
        if not numbers or self.left <= 0 or (skus and not self._hopeful(order_id, order, skus)):
            return
        shut = [number for number in numbers if order.parts[number].node in self.shut]
        joined = joinable(self.state, order) if order.rests else []
        wholes = [(numbers, joined)] + ([(shut, [])] if shut and shut != numbers else [])
        for tried, along in wholes:
            if (found := self._offer(order_id, tried, along)) is not None:
                yield self._carry_out([found])
                return
        for number in shut if len(shut) > 1 else ():  # no other node takes all of it: part by part
            if (found := self._offer(order_id, [number], [])) is not None:
                yield self._carry_out([found])

    def _hopeful(self, order_id: str, order: OrderState, skus: Touched) -> bool:
        """Whether more units of these SKUs may serve the order better; one of few lines is decided without asking."""
        if self.state.bundles or len(order.skus) <= FEW_LINES:
            return True
        wanted = set(skus)
        late, there = self._reach(order, wanted)
        if late or not there or first_day(order) > self.at // MICROS_PER_DAY:
            return late
        fits, news = self._on_shelf({}), self.news

        def new(piece: Piece, node: int) -> bool:
            nodes = news.get(piece.sku)
            return (nodes is None or node in nodes) and fits(piece, node)

        hints = self._hints(order_id, order)
        mine = [i for i, piece in enumerate(hints.pieces) if piece.sku in wanted]
        worth = self._worth(hints)
        return bool(mine) and any(wish.gain > worth for wish in hints.wishes(fits, new, mine))

    def _reach(self, order: OrderState, wanted: set[int]) -> tuple[bool, bool]:
        """Whether units that came in serve a line that is late from where it would be in time; and whether they serve any line in full."""
        skus, shelf, found = order.skus, self.state.ledger.fulfillable, False
        everywhere, in_time = range(len(self.state.nodes)), None
        for number in movable_parts(order):
            part = order.parts[number]
            for line, quantity in zip(part.lines, part.quantities, strict=True):
                sku = skus[line]
                if not quantity or sku not in wanted:
                    continue
                for n in self.news.get(sku, everywhere):
                    units = shelf[sku, n]
                    if n == part.node or units <= 0:
                        continue
                    found = found or units >= quantity
                    if part.late:
                        in_time = self._in_time(order) if in_time is None else in_time
                        if n in in_time:
                            return True, True
        return False, found

    def _in_time(self, order: OrderState) -> set[int]:
        """Nodes from which the order, as far as days on the road tell, would still be in time."""
        state = self.state
        facts, channel = state.facts(self.at // MICROS_PER_DAY), state.channels[order.order.channel]
        code = order.order.to.zip[:3]
        zip3 = int(code) if len(code) == 3 and code.isascii() and code.isdigit() else -1
        service = facts.services.get(order.order.service or channel.service, -1)
        transit, lateness = facts.transit(service, zip3), facts.lateness
        return {
            n
            for n, day in enumerate(facts.calendar.earliest_ship_days(self.at))
            if transit[n] != NOT_SERVED
            and not lateness.late(
                lateness.on_time(n, zip3, service, transit[n], add_working_days(day, transit[n]), order.promise_day)
            )
        }

    def _on_shelf(self, more: dict[Cell, int]) -> Callable[[Piece, int], bool]:
        """Whether a node has what a piece needs, with these units more; rows are read once: nothing moves while this is asked."""
        rows: dict[int, list[int]] = {}
        shelf = self.state.ledger.fulfillable

        def fits(piece: Piece, node: int) -> bool:
            row = rows.get(piece.sku)
            if row is None:
                row = rows[piece.sku] = shelf[piece.sku].tolist()
            return row[node] + more.get((piece.sku, node), 0) >= piece.quantity

        return fits

    def _worth(self, hints: Hints) -> int:
        """What a guess must promise before an order is decided in full: more than a move must save, the more, the longer that takes."""
        return self.threshold if len(hints.pieces) <= FEW_LINES else max(self.threshold, hints.cost // GUESS)

    def _hints(self, order_id: str, order: OrderState) -> Hints:
        held = self._sketches.get(order_id)
        if held is None:
            held = self._sketches[order_id] = Hints(self.state, order, self.at)
        return held

    def _offer(self, order_id: str, numbers: Sequence[int], joined: Sequence[int]) -> Offer | None:
        self.left -= 1
        self.looked += 1
        world = World(self.state, self.at)
        world.take_off(self.state.orders[order_id], numbers)
        found = offer(world, order_id, numbers, joined)
        if found is None or not self._pays([found]) or not allowed(self.state, [found], self.at):
            return None
        return found

    def _pays(self, offers: Sequence[Offer]) -> bool:
        """Whether the moves, taken together, ship more, or more in time, or save enough; none may make late what is in time."""
        if not all(each.sound for each in offers):
            return False
        filled, in_time = sum(each.filled for each in offers), sum(each.in_time for each in offers)
        if filled or in_time:
            return (filled, in_time) > (0, 0)
        return sum(each.gain for each in offers) > self.threshold

    def _carry_out(self, offers: Sequence[Offer]) -> ev.Event:
        for each in offers:
            for number in each.move.released:
                part = each.order.parts[number]
                for line in part.lines:
                    sku = each.order.skus[line]
                    for piece, _ in self.state.bundles.get(sku, ((sku, 1),)):
                        self.freed[piece] = each.move.order_id
                        self._came.setdefault(piece, set()).add(part.node)
            self._sketches.pop(each.move.order_id, None)
            self.moved += 1
            self.gain += each.gain
        return ev.OrdersMoved(tuple(each.move for each in offers), self.at)

    # -- exchanges ----------------------------------------------------------------------------------------------------

    def _exchange(self, order_id: str) -> Iterator[ev.Event]:
        """Where another pending order holds the last units that would serve this one better, see what both come to together."""
        state = self.state
        order = state.orders[order_id]
        if self.left <= 0 or not self._holders or len(order.skus) > SUBSET_LINES:
            return
        if any(sku in state.bundles for sku in order.skus):
            return  # what a bundle wants is spread over several SKUs: left as it is
        if not any((sku, n) in self._holders for sku in order.skus for n in range(len(state.nodes))):
            return
        mine = self._hints(order_id, order)
        cells = {(piece.sku, n) for piece in mine.pieces for n in mine.nodes if (piece.sku, n) in self._holders}
        there = self._on_shelf({})
        fits = self._on_shelf({cell: self._held(cell, order_id) for cell in cells})

        def blocked(piece: Piece, node: int) -> bool:
            return (piece.sku, node) in cells and not there(piece, node)

        only = [i for i, piece in enumerate(mine.pieces) if any((piece.sku, n) in cells for n in mine.nodes)]
        wanted = self._worth(mine)
        wishes = (
            sorted((wish for wish in mine.wishes(fits, blocked, only) if wish.gain > wanted), reverse=True)
            if only
            else []
        )
        for wish in wishes[:MOST_WISHES]:
            short = [mine.pieces[i] for i in wish.pieces if blocked(mine.pieces[i], wish.node)]
            if len(short) != 1:
                continue  # who holds all of it, if anybody does, would have to be found first
            other = self._partner(order_id, mine, wish, (short[0].sku, wish.node))
            if (
                other
                and self.left > 0
                and (offers := self._both(order_id, other, (short[0].sku, wish.node))) is not None
            ):
                yield self._carry_out(offers)
                return

    def _partner(self, order_id: str, mine: Hints, wish: Wish, cell: Cell) -> str:
        """An order that holds units of a cell and loses less by going elsewhere than another one gains by them; "": none."""
        fits = self._on_shelf({(mine.pieces[i].sku, mine.pieces[i].node): mine.pieces[i].quantity for i in wish.pieces})
        for other in islice(self._holders.get(cell, ()), MOST_HOLDERS):
            order = self.state.orders[other]
            if other == order_id or not movable_parts(order):
                continue
            theirs = self._hints(other, order)
            wanted = max(self._worth(mine), self._worth(theirs))
            there = [i for i, piece in enumerate(theirs.pieces) if (piece.sku, piece.node) == cell]
            if there and any(way.gain + wish.gain > wanted for way in theirs.wishes(fits, fits, there)):
                return other
        return ""

    def _held(self, cell: Cell, but: str) -> int:
        """Units of a cell that pending orders held when the look began, without one of them."""
        there = self._holders[cell]
        return sum(there.values()) - there.get(but, 0)

    def _units(self, order: OrderState, cell: Cell) -> int:
        return sum(
            quantity
            for number in movable_parts(order)
            if order.parts[number].node == cell[1]
            for line, quantity in zip(order.parts[number].lines, order.parts[number].quantities, strict=True)
            if order.skus[line] == cell[0]
        )

    def _both(self, first: str, second: str, cell: Cell) -> list[Offer] | None:
        """The first order decided with the second one's units of a cell, the second with what that leaves: their moves where they pay."""
        state = self.state
        orders = [state.orders[first], state.orders[second]]
        numbers = [movable_parts(order) for order in orders]
        self.left -= 2
        self.looked += 2
        world = World(state, self.at)
        world.take_off(orders[0], numbers[0])
        units = self._units(orders[1], cell)
        world.delta[cell] = world.delta.get(cell, 0) + units
        world.also = self._off(second)
        one = offer(world, first, numbers[0])
        if one is None:
            return None
        world.delta[cell] -= units
        world.take_off(orders[1], numbers[1])
        world.put_down(orders[0], one.parts)
        world.also = {id(recount.window): recount.change for recount in changes_of(state, one)}
        two = offer(world, second, numbers[1])
        offers = [one] if two is None else [one, two]
        return offers if self._pays(offers) and allowed(state, offers, self.at) else None

    def _off(self, order_id: str) -> dict[int, Change]:
        """The order's entries on the independent side: what a partner may count on while it is not placed yet."""
        order = self.state.orders[order_id]
        found: dict[int, Change] = {}
        for number in movable_parts(order):
            for window, position in order.parts[number].entries:
                if window.entry(position)[1]:
                    change = Change([(position, False)])
                    found[id(window)] = found.get(id(window), Change()).with_more(change)
        return found
