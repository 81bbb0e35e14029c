"""The routing decision: which node ships what, under the published precedence.

1 never oversell (only units that are there are placed) · 2 (masking: not here) · 3 share cap · 4 leak budget (`routing.gate`) ·
5 promise · 6 cost.
A preference sorts candidates into tiers before cost; what fits nowhere is parked, backordered or cancelled by policy.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from tranship.core.ledger import merged
from tranship.core.time import add_working_days
from tranship.rates.cost import part_cost
from tranship.routing.facts import Facts
from tranship.routing.gate import gated
from tranship.routing.model import Alternative, Ask, Decision, Gate, Ints, Part, Reason, Rest, Why
from tranship.routing.place import Lanes, Placement, attempt, available, keep_off
from tranship.routing.prices.charges import book_at, charges_of
from tranship.routing.promise import NOT_SERVED
from tranship.routing.quick import quick
from tranship.routing.share import CapState, is_tight
from tranship.routing.share_change import matched
from tranship.routing.situation import Situation

MICROS_PER_DAY = 86_400_000_000
MOST_SUBSETS = 4
"""Above this many capped nodes only single ones and none are tried when the window has little room."""


def decide(ask: Ask, facts: Facts, now: Situation, *, counted: bool = True) -> Decision:
    """Place an order (or a parked part of it) and say why. Pure: the same ask, facts and situation give the same answer.

    `counted = False` leaves the share cap out: what a report asks for "without a cap".
    """
    if now.gates is not None:
        return gated(ask, now, lambda under: decide(ask, facts, under, counted=counted))
    return quick(ask, facts, now, counted=counted) or decide_at_length(ask, facts, now, counted=counted)


def decide_at_length(ask: Ask, facts: Facts, now: Situation, *, counted: bool = True) -> Decision:
    """The long way: every kind of order, every rule."""
    lanes, reasons = _lanes(ask, facts, now)
    caps = _gates(ask, facts, now) if counted else []
    stock = available(ask, facts, now.shelf)
    if now.kept:
        keep_off(ask, facts, lanes, stock, reasons, now.kept)
    gamma = np.zeros(facts.count, np.int64)
    for _, cap in caps:
        price = cap.bucket.price
        if price and cap.by_count:  # room that is counted in units or value is charged with the lines
            for node in cap.nodes:
                gamma[node] += price
    book = book_at(now.prices, ask.at)
    lateness = None if lanes.strict else np.array([facts.lateness.price(sure) for sure in lanes.on_time], np.int64)
    lanes.charges = charges_of(ask, facts, book, lanes.ship, [cap for _, cap in caps], lateness)
    chooser = _Chooser(ask, facts, lanes, stock, gamma, caps, now)
    placement = chooser.choose()
    parts = _parts(ask, facts, lanes, placement, chooser.any_cap)
    breach = chooser.breach
    if breach:
        parts = [_marked(part, caps) for part in parts]
    rests = _rests(ask, facts, placement, chooser)
    why = _why(facts, chooser, placement, reasons, lanes, stock, caps, book.version if book else 0)
    return Decision(tuple(parts), tuple(rests), why)


def _lanes(ask: Ask, facts: Facts, now: Situation) -> tuple[Lanes, list[int]]:
    """Ship and arrival days of every node, and why a node is out before stock is looked at."""
    zone, _ = facts.zones(ask.zip3)
    transit = facts.transit(ask.service, ask.zip3)
    earliest = facts.calendar.earliest_ship_days(ask.at)
    units = sum(ask.quantities)
    count = facts.count
    ship, deliver, late = list(earliest), [0] * count, [False] * count
    reasons = list(facts.static_reasons(ask.country, ask.channel))
    lanes = Lanes(zone, earliest, ship, deliver, late)
    lanes.strict = facts.lateness.strict
    for n in range(count):
        if n in now.closed:
            reasons[n] = int(Reason.CLOSED)
        if reasons[n]:
            lanes.shut[n] = reasons[n] == 1  # Reason.CLOSED
            continue
        if transit[n] == NOT_SERVED:
            reasons[n] = int(Reason.LANE)
            continue
        day = earliest[n]
        capacity = facts.capacity[n]
        if capacity and now.used[n].get(day, 0) + units > capacity:
            day = facts.calendar.ship_day(n, day, units, now.used[n])
            if day < 0:
                reasons[n] = int(Reason.FULL)
                lanes.shut[n] = True
                continue
            ship[n] = day
        deliver[n] = arrival = add_working_days(day, transit[n])
        lanes.on_time[n] = facts.lateness.on_time(n, ask.zip3, ask.service, transit[n], arrival, ask.promise_day)
        late[n] = facts.lateness.late(lanes.on_time[n])
        lanes.mask[n] = True
    return lanes, reasons


def _gates(ask: Ask, facts: Facts, now: Situation) -> list[tuple[int, CapState]]:
    own = facts.channels[ask.channel].on_platform_for
    return [(i, cap) for i, cap in enumerate(now.caps) if cap.cap.network not in own]


class _Chooser:
    """Tries node masks from the freest to the strictest and keeps the best placement that every cap admits."""

    def __init__(
        self,
        ask: Ask,
        facts: Facts,
        lanes: Lanes,
        stock: list[list[int]],
        gamma: Ints,
        caps: list[tuple[int, CapState]],
        now: Situation,
    ) -> None:
        self.ask, self.facts, self.lanes, self.stock, self.gamma, self.caps = ask, facts, lanes, stock, gamma, caps
        self.breach = False
        self.whole = "split" not in facts.network.policy.after
        self.refused: list[tuple[Placement, str]] = []
        self.capped: list[int] = sorted({n for _, cap in caps for n in cap.nodes if lanes.mask[n]}) if caps else []
        self.windows = [cap.windows(ask.channel) for _, cap in caps]
        self.any_cap = {n for cap in now.caps for n in cap.nodes}
        self.shelf = now.shelf
        self.larger_than_window = False

    def choose(self) -> Placement:
        """The placement to carry out."""
        free = self._preferring(self.lanes.mask, tell=True)
        if not self.capped or not any(n in self.capped for _, _, n in free.pieces):
            return free
        if self._admits(free):
            return self._spare_reserve(free) if self._takes_room(free) else free
        return self._under_cap(free)

    def _try(self, mask: list[bool]) -> Placement:
        placement = attempt(self.ask, self.facts, self.lanes, self.stock, mask, self.gamma, whole=self.whole)
        if self.facts.bundles:
            placement.overlap = _drop_overlap(self.ask, self.facts, self.shelf, placement)
        if len(placement.pieces) > self.ask.parts_left:
            _truncate(placement, self.ask.parts_left)
        return placement

    def _preferring(self, mask: list[bool], *, tell: bool = False) -> Placement:
        """The best placement on a mask: of the first tiers that fill as much of it, and as much in time, as all of them do."""
        free = self._try(mask)
        if not self.facts.network.policy.prefer or not free.pieces:
            return free
        tiers = self.facts.tiers(self.ask.state)
        for tier in sorted(set(tiers)):
            found = self._try([ok and mine <= tier for ok, mine in zip(mask, tiers, strict=True)])
            if found.rank[:2] <= free.rank[:2]:
                if tell and found.priced > free.priced:
                    self.refused.append((free, "tier"))
                return found
        return free

    def _admits(self, placement: Placement) -> bool:
        groups = _groups(self.facts, placement, self.any_cap)
        single = len(groups) == 1 and not self.ask.standing
        for (index, cap), windows in zip(self.caps, self.windows, strict=True):
            entries = _entries(self.ask, cap, groups)
            if single:
                size, capped = entries[0]
                if not all(window.admits_one(size, capped) for window in windows):
                    return False
                continue
            if self.ask.standing:
                for window, held in zip(windows, self.ask.standing[index], strict=True):
                    if not window.admits_change(*matched(held, entries)[0].with_more(held.also)):
                        return False
            elif not all(window.admits(entries) for window in windows):
                return False
        return True

    def _takes_room(self, placement: Placement) -> bool:
        """Whether more of a cap's room goes to the order than it has: not where it is decided again and stays on its side."""
        if not self.ask.standing:
            return True
        groups = _groups(self.facts, placement, self.any_cap)
        for index, cap in self.caps:
            has = sum(size for held in self.ask.standing[index][:1] for _, size, capped in held.own if capped)
            if sum(size for size, capped in _entries(self.ask, cap, groups) if capped) > has:
                return True
        return False

    def _spare_reserve(self, free: Placement) -> Placement:
        """The last entries of room are for orders that only the capped network can fill."""
        tight = [cap for (_, cap), windows in zip(self.caps, self.windows, strict=True) if is_tight(cap, windows)]
        if not tight:
            return free
        nodes = {n for cap in tight for n in cap.nodes}
        mask = [ok and n not in nodes for n, ok in enumerate(self.lanes.mask)]
        other = self._preferring(mask)
        if other.rank[:2] > free.rank[:2] or not self._admits(other):
            return free
        self.refused.append((free, "reserve"))
        return other

    def _under_cap(self, free: Placement) -> Placement:
        best = self._preferring(self._without(self.capped))
        if self._any_room() or sum(best.open) > sum(free.open):
            for subset in self._subsets():
                found = self._preferring(self._without([n for n in self.capped if n not in subset]))
                if found.rank < best.rank and self._admits(found):
                    best = found
        if sum(best.open) > sum(free.open) and self._may_breach(free):
            self.breach = True
            return free
        self.larger_than_window = any(
            size > cap.cap.cap_bp * cap.cap.window // 10_000
            for _, cap in self.caps
            for size, capped in _entries(self.ask, cap, _groups(self.facts, free, self.any_cap))
            if capped
        )
        self.refused.append((free, "cap"))
        return best

    def _without(self, nodes: Sequence[int]) -> list[bool]:
        return [ok and n not in nodes for n, ok in enumerate(self.lanes.mask)]

    def _any_room(self) -> bool:
        """Whether some cap would take at least one capped entry now; without, only an order that needs a split gains by trying."""
        return bool(self.ask.standing) or any(
            not cap.by_count or all(window.admits_one(1, True) for window in windows)
            for (_, cap), windows in zip(self.caps, self.windows, strict=True)
        )

    def _subsets(self) -> list[tuple[int, ...]]:
        """Which capped nodes to leave open, the most first; all of them was the free attempt, none of them is tried before."""
        sizes = range(len(self.capped) - 1, 0, -1) if len(self.capped) <= MOST_SUBSETS else (1,)
        return [subset for size in sizes for subset in combinations(self.capped, size)]

    def _may_breach(self, free: Placement) -> bool:
        used = set(free.used())
        hit = [cap for _, cap in self.caps if used & cap.nodes]
        return bool(hit) and all(cap.cap.on_conflict == "breach" for cap in hit)


Group = tuple[int, list[tuple[int, int]]]
"""A fulfillment order in the making: node, and (position, quantity) of each line."""


def _groups(facts: Facts, placement: Placement, any_cap: set[int]) -> list[Group]:
    """Fulfillment orders of a placement, those that no cap counts first."""
    by_node = _by_node(placement)
    order = sorted(by_node, key=lambda n: (n in any_cap, n)) if len(by_node) > 1 else by_node
    return [(n, chunk) for n in order for chunk in _chunks(facts, n, by_node[n])]


def _entries(ask: Ask, cap: CapState, groups: list[Group]) -> list[tuple[int, bool]]:
    """Entries of fulfillment orders in this cap's measure, the independent ones first."""
    if cap.by_count:
        sizes = [1] * len(groups)
    else:
        values = _values(ask, groups) if cap.cap.measure == "value" else [0] * len(groups)
        sizes = [cap.size_of(sum(q for _, q in chunk), value) for (_, chunk), value in zip(groups, values, strict=True)]
    out = [(size, node in cap.nodes) for size, (node, _) in zip(sizes, groups, strict=True)]
    if len(out) > 1:
        out.sort(key=lambda entry: entry[1])
    return out


def _values(ask: Ask, groups: list[Group]) -> list[int]:
    """Worth of each fulfillment order in minor units; lines of one SKU give their units in order, the first line's first."""
    left = [list(line) for line in ask.prices]
    out = []
    for _, chunk in groups:
        value = 0
        for position, quantity in chunk:
            while quantity:
                units, price = left[position][0]
                take = min(units, quantity)
                value += take * price
                quantity -= take
                if take == units:
                    del left[position][0]
                else:
                    left[position][0] = (units - take, price)
        out.append(value)
    return out


def _by_node(placement: Placement) -> dict[int, list[tuple[int, int]]]:
    """Pieces (position, quantity) per node, by node."""
    found: dict[int, list[tuple[int, int]]] = {}
    for position, quantity, node in placement.pieces:
        found.setdefault(node, []).append((position, quantity))
    return dict(sorted(found.items())) if len(found) > 1 else found


def _chunks(facts: Facts, node: int, pieces: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Cut a part into fulfillment orders that the network takes: at most `max_lines` lines and `max_units` units each."""
    network = facts.network_of[node]
    most_lines, most_units = network.max_lines or len(pieces), network.max_units
    units = sum(q for _, q in pieces)
    if len(pieces) <= most_lines and (not most_units or units <= most_units):
        return [pieces]
    chunks: list[list[tuple[int, int]]] = [[]]
    room = most_units
    for position, quantity in pieces:
        left = quantity
        while left:
            if len(chunks[-1]) >= most_lines or (most_units and room == 0):
                chunks.append([])
                room = most_units
            take = min(left, room) if most_units else left
            chunks[-1].append((position, take))
            left -= take
            room -= take
    return chunks


def _parts(ask: Ask, facts: Facts, lanes: Lanes, placement: Placement, any_cap: set[int]) -> list[Part]:
    """Fulfillment orders of a placement, the independent ones first."""
    groups = _groups(facts, placement, any_cap)
    alone = len(groups) == 1 and placement.cost >= 0
    return [
        Part(
            number=ask.first_part + k,
            node=node,
            lines=tuple(ask.lines[p] for p, _ in chunk),
            quantities=tuple(q for _, q in chunk),
            ship_day=lanes.ship[node],
            deliver_day=lanes.deliver[node],
            late=lanes.late[node],
            cost=placement.cost if alone else _cost(ask, facts, lanes, placement, node, chunk),
            earliest=lanes.earliest[node],
            on_time_bp=lanes.on_time[node],
        )
        for k, (node, chunk) in enumerate(groups)
    ]


def _truncate(placement: Placement, most: int) -> None:
    """Keep the `most` nodes with the most units; what the others would have shipped stays open."""
    by_node = _by_node(placement)
    if len(by_node) <= most:
        return
    keep = set(sorted(by_node, key=lambda n: (-sum(q for _, q in by_node[n]), n))[:most])
    for position, quantity, node in placement.pieces:
        if node not in keep:
            placement.open[position] += quantity
            placement.dropped[position] = placement.dropped.get(position, 0) + quantity
    placement.pieces = [piece for piece in placement.pieces if piece[2] in keep]
    placement.cost = -1  # parts are priced one by one


def _cost(
    ask: Ask, facts: Facts, lanes: Lanes, placement: Placement, node: int, chunk: Sequence[tuple[int, int]]
) -> int:
    """What `tranship quote` charges for this fulfillment order."""
    tables = facts.tables
    lines = merged((ask.skus[p], q) for p, q in chunk)
    pooled = None
    if tables.unit_scope[node]:
        row = tables.unit_row[node]
        pooled = sum(q for _, q, n in placement.pieces if tables.unit_row[n] == row)
    return part_cost(tables, node, list(lines.items()), int(lanes.zone[node]), ask.residential, pooled)


def _marked(part: Part, caps: list[tuple[int, CapState]]) -> Part:
    if not any(part.node in cap.nodes for _, cap in caps):
        return part
    return Part(
        part.number, part.node, part.lines, part.quantities, part.ship_day, part.deliver_day, part.late, part.cost,
        part.earliest, True, part.on_time_bp,
    )  # fmt: skip


def _rests(ask: Ask, facts: Facts, placement: Placement, chooser: _Chooser) -> list[Rest]:
    found: dict[str, dict[int, int]] = {}
    for position, quantity in enumerate(placement.open):
        dropped = placement.dropped.get(position, 0)
        if quantity > dropped:
            clash = placement.overlap.get(position, 0)
            reason = "bundle" if clash else _open_reason(position, quantity - dropped, facts, chooser)
            found.setdefault(reason, {})[position] = quantity - dropped
        if dropped:
            found.setdefault("max_parts", {})[position] = dropped
    after = facts.network.policy.after
    action = "park" if "park" in after else "backorder" if "backorder" in after else "cancel"
    days = facts.network.policy.park_days
    until = 0 if action != "park" else (ask.at // MICROS_PER_DAY + days if days else ask.promise_day)
    return [
        Rest(
            number=ask.first_rest + k,
            lines=tuple(ask.lines[p] for p in group),
            quantities=tuple(group.values()),
            reason=reason,
            action=action,
            until_day=until,
        )
        for k, (reason, group) in enumerate(found.items())
    ]


def _open_reason(position: int, quantity: int, facts: Facts, chooser: _Chooser) -> str:
    """Why these units found no node: the cap, the stock, a rule, or that the order may not be split."""
    for refused, why in chooser.refused:
        if why == "cap" and refused.open[position] < quantity:
            return "larger_than_window" if chooser.larger_than_window else "cap"
    items, there = facts.item_rows[chooser.ask.skus[position]], chooser.stock[position]
    may = [item and lane for item, lane in zip(items, chooser.lanes.mask, strict=True)]
    if any(units and item and shut for units, item, shut in zip(there, items, chooser.lanes.shut, strict=True)):
        return "node_shut"
    if chooser.lanes.kept_units and chooser.lanes.kept_units[position]:
        return "leak"
    if True not in may:
        return "no_node"
    if chooser.whole and sum(u for u, ok in zip(there, may, strict=True) if ok) >= quantity:
        return "no_split"
    return "no_stock"


def _drop_overlap(ask: Ask, facts: Facts, shelf: Ints, placement: Placement) -> dict[int, int]:
    """A bundle and its parts may stand in one order: give units to the lines in order, keep the rest of the line open.

    Returns what stayed open for that reason, by position: the next clock tick tries it again.
    """
    overlap: dict[int, int] = {}
    taken: dict[tuple[int, int], int] = {}
    kept = []
    for position, quantity, node in placement.pieces:
        needs = facts.bundles.get(ask.skus[position], [(ask.skus[position], 1)])
        possible = min((int(shelf[sku, node]) - taken.get((sku, node), 0)) // count for sku, count in needs)
        fill = max(0, min(quantity, possible))
        if fill:
            kept.append((position, fill, node))
            for sku, count in needs:
                taken[sku, node] = taken.get((sku, node), 0) + fill * count
        placement.open[position] += quantity - fill
        if fill < quantity:
            overlap[position] = overlap.get(position, 0) + quantity - fill
    if len(kept) != len(placement.pieces) or any(a[1] != b[1] for a, b in zip(kept, placement.pieces, strict=True)):
        placement.pieces = kept
        placement.cost = -1  # the solver's sum no longer holds: parts are priced one by one
    return overlap


def _why(
    facts: Facts,
    chooser: _Chooser,
    placement: Placement,
    reasons: list[int],
    lanes: Lanes,
    stock: list[list[int]],
    caps: list[tuple[int, CapState]],
    prices: int,
) -> Why:
    used = {node for _, _, node in placement.pieces}
    late_anyway = any(lanes.late[m] for m in used)
    refused_by: dict[int, Reason] = {}
    for other, why in chooser.refused:
        for _, _, node in other.pieces:
            refused_by.setdefault(node, _REFUSED_BY[why])
    rows = [facts.item_rows[sku] for sku in chooser.ask.skus]
    for n in range(facts.count):
        if reasons[n] or n in used:
            continue
        may = [there[n] for row, there in zip(rows, stock, strict=True) if row[n]]
        if not may:
            reasons[n] = 6  # Reason.ITEM; plain numbers here: this runs for every order
        elif not any(may):
            reasons[n] = 11 if n in lanes.kept_nodes else 7  # Reason.LEAK, Reason.STOCK
        elif lanes.late[n] and lanes.strict and not late_anyway:
            reasons[n] = 8  # Reason.LATE
        elif n in refused_by:
            reasons[n] = int(refused_by[n])
    refused = [Alternative(tuple(other.used()), other.cost, why) for other, why in chooser.refused]
    return Why(
        rates=facts.version,
        day=chooser.ask.at // MICROS_PER_DAY,  # not the day the tables were compiled: a restart compiles them later
        nodes=tuple(reasons),
        gates=tuple([_gate(cap, chooser) for _, cap in caps]),
        alternatives=(*refused, *_dearer(chooser, placement)),
        priced=placement.priced,
        prices=prices,
    )


_REFUSED_BY = {"cap": Reason.CAP, "reserve": Reason.CAP, "tier": Reason.TIER}


def _dearer(chooser: _Chooser, placement: Placement) -> list[Alternative]:
    out = []
    for priced, nodes in placement.alternatives[:2]:
        opened = sorted(set(nodes))
        cost = priced - sum(int(chooser.gamma[n]) for n in opened)
        cost -= sum(row[n] for row, n in zip(placement.mu, nodes, strict=True)) if placement.mu else 0
        out.append(Alternative(tuple(opened), cost, "dearer"))
    return out


def _gate(cap: CapState, chooser: _Chooser) -> Gate:
    total = cap.total
    closed = any(
        why in ("cap", "reserve") and any(n in cap.nodes for _, _, n in other.pieces) for other, why in chooser.refused
    )
    limit = total.limit(total.entered + 1)
    return Gate(cap.cap.network, total.inside, total.inside_capped, limit, cap.bucket.price, closed)
