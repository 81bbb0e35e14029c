"""A second reading of a journal, as plain as it can be: what every event must leave true, counted from the events alone.

Nothing of the engine's own counters is looked at, so a counter that is wrong in the same way in `decide` and in `evolve` is seen.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tranship.connectors.netfile import from_document
from tranship.core.network import FULL_BP, NetworkFile, ShareCap
from tranship.core.order import Order
from tranship.core.time import next_working_day
from tranship.engine import events as ev
from tranship.routing.model import Decision, Part
from tranship.store.port import Store

Counter = tuple[str, str, int, str]
"""What makes a cap's counter the same one in another document: network, measure, window and what it counts."""


def counter_of(cap: ShareCap) -> Counter:
    """The counter that a cap of a document goes on with."""
    return cap.network, cap.measure, cap.window, cap.counts


class Entry:
    """One fulfillment order in the population of a cap."""

    def __init__(self, counter: Counter, size: int, capped: bool, excused: bool) -> None:
        self.counter, self.size, self.capped, self.excused = counter, size, capped, excused


def capped_inside(entries: Sequence[Entry], window: int) -> int:
    """Capped size among the last `window` of the measure, walked back from the newest."""
    left, capped = window, 0
    for entry in reversed(entries):
        part = min(entry.size, left)
        left -= part
        capped += part * entry.capped
        if not left:
            break
    return capped


class Audit:
    """Reads events in order; `problems` is what was found. Feed it with `take`, ask `finish` at the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.problems: list[str] = []
        self.shelf: dict[tuple[int, int], int] = defaultdict(int)  # (sku, node) -> units free to be promised
        self.reserved: dict[tuple[int, int], int] = defaultdict(int)
        self.orders: dict[str, Order] = {}
        self.parts: dict[str, dict[int, tuple[Part, dict[int, int]]]] = defaultdict(
            dict
        )  # units still wanted of each line
        self.shipped: set[tuple[str, int]] = set()
        self.rests: dict[str, dict[int, dict[int, int]]] = defaultdict(dict)
        self.gone: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))  # voided, cancelled, given up
        self.entries: dict[tuple[Counter, str], list[Entry]] = defaultdict(list)  # (counter, channel; "" is the total)
        self.entry_of: dict[tuple[str, int], list[Entry]] = defaultdict(list)
        self.closed: set[int] = set()
        self.network: NetworkFile

    def take(self, event: ev.Event) -> None:
        """One more event."""
        if isinstance(event, ev.NetworkLoaded):
            self.network = from_document(self._store.document(event.sha256))
            kept = {counter_of(cap) for cap in self.network.caps}  # a counter that is gone for a while begins anew
            self.entries = defaultdict(list, {key: rows for key, rows in self.entries.items() if key[0] in kept})
        elif isinstance(event, ev.StockReceived):
            for sku, units in zip(event.skus, event.quantities, strict=True):
                self.shelf[sku, event.node] += units
        elif isinstance(event, ev.OrderAccepted):
            if event.order_id in self.orders:
                self.problems.append(f"{event.order_id} accepted twice")
            self.orders[event.order_id] = event.order
            self.rests[event.order_id][0] = {i: line.qty for i, line in enumerate(event.order.lines)}
        elif isinstance(event, ev.OrderRouted):
            self._routed(event)
        elif isinstance(event, ev.OrdersMoved):
            self._moved(event)
        elif isinstance(event, ev.NodeSwitched):
            (self.closed.add if event.closed else self.closed.discard)(event.node)
        elif isinstance(event, ev.PartVoided):
            self._voided(event)
        elif isinstance(event, ev.RestReduced):
            self._reduced(event)
        elif isinstance(event, ev.PartsShipped):
            self._shipped(event)
        for order_id in [m.order_id for m in event.moves] if isinstance(event, ev.OrdersMoved) else [""]:
            self._lines(order_id or getattr(event, "order_id", ""))

    # -- what is where ------------------------------------------------------------------------------------------------

    def _goods(self, order_id: str, pairs: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
        """(sku, units) that stand on a shelf: a bundle is its parts."""
        index = self.network.sku_index()
        for line, units in pairs:
            sku = self.network.skus[index[self.orders[order_id].lines[line].sku]]
            for code, each in sku.parts or ((sku.code, 1),):
                yield index[code], units * each

    def _routed(self, event: ev.OrderRouted) -> None:
        asked = self.rests[event.order_id].pop(event.rest)
        answered: dict[int, int] = defaultdict(int)
        self._place(event.order_id, event.decision, answered)
        if {line: q for line, q in asked.items() if q} != dict(answered):
            self.problems.append(f"{event.order_id}: asked for {asked}, decided {dict(answered)}")
        self._enter(event)

    def _place(self, order_id: str, decision: Decision, answered: dict[int, int]) -> None:
        for part in decision.parts:
            pairs = list(zip(part.lines, part.quantities, strict=True))
            for sku, units in self._goods(order_id, pairs):
                self.shelf[sku, part.node] -= units
                self.reserved[sku, part.node] += units
                if self.shelf[sku, part.node] < 0:
                    self.problems.append(f"{order_id}: oversold SKU #{sku} at node #{part.node}")
            self.parts[order_id][part.number] = (part, dict(pairs))
            for line, units in pairs:
                answered[line] += units
                if units <= 0:
                    self.problems.append(f"{order_id}/{part.number} ships {units} of line {line}")
            self._limits(order_id, part)
        for rest in decision.rests:
            pairs = list(zip(rest.lines, rest.quantities, strict=True))
            for line, units in pairs:
                answered[line] += units
                if rest.action == "cancel":
                    self.gone[order_id][line] += units
            if rest.action != "cancel":
                self.rests[order_id][rest.number] = dict(pairs)

    def _moved(self, event: ev.OrdersMoved) -> None:
        """Everything is given up, then everything is placed; no line gets less, nothing in time becomes late."""
        before = self._excess()
        given: dict[str, dict[int, int]] = {}
        parked: dict[str, dict[int, int]] = {}
        late: dict[str, int] = {}
        for move in event.moves:
            key = move.order_id
            given[key], parked[key], late[key] = defaultdict(int), defaultdict(int), 0
            for number in move.released:
                late[key] += self._give_up(key, number, given[key])
            for number in move.joined:
                for line, units in self.rests[key].pop(number).items():
                    parked[key][line] += units
        for move in event.moves:
            key = move.order_id
            answered: dict[int, int] = defaultdict(int)
            self._place(key, move.decision, answered)
            asked = {line: given[key][line] + parked[key][line] for line in {*given[key], *parked[key]}}
            if {line: q for line, q in asked.items() if q} != dict(answered):
                self.problems.append(f"{key}: moved {asked}, decided {dict(answered)}")
            waits: dict[int, int] = defaultdict(int)
            for rest in move.decision.rests:
                for line, units in zip(rest.lines, rest.quantities, strict=True):
                    waits[line] += units
            if any(units > parked[key][line] for line, units in waits.items()):
                self.problems.append(f"{key}: moved, and waits for {dict(waits)} where {dict(parked[key])} waited")
            now_late = sum(sum(part.quantities) for part in move.decision.parts if part.late)
            if now_late > late[key] + sum(parked[key].values()) - sum(waits.values()):
                self.problems.append(f"{key}: {now_late} late units where {late[key]} were late")
            if any(part.breach for part in move.decision.parts):
                self.problems.append(f"{key}: moved beyond a cap")
            self._change_entries(move)
        capped = {id(entry) for rows in self.entries.values() for entry in rows if entry.capped}
        last, above = (
            None,
            0,
        )  # of the entry before in the same row: a new independent one inherits the breach that it follows
        for name, excess in self._excess().items():
            inherited = above if last == name[:2] and name[2] not in capped else 0
            last, above = name[:2], excess
            if excess > max(0, before.get(name, inherited)):
                self.problems.append(
                    f"{event.moves[0].order_id} moved: a window of {name[0]} is {excess} above its limit"
                )

    def _give_up(self, order_id: str, number: int, given: dict[int, int]) -> int:
        """Units that were late, or at a closed node."""
        part, wanted = self.parts[order_id][number]
        if (order_id, number) in self.shipped:
            self.problems.append(f"{order_id}/{number} moved after it shipped")
        if part.breach or not sum(wanted.values()) or sum(wanted.values()) != sum(part.quantities):
            self.problems.append(f"{order_id}/{number} may not be moved")
        for sku, units in self._goods(order_id, wanted.items()):
            self.shelf[sku, part.node] += units
            self.reserved[sku, part.node] -= units
        units = sum(wanted.values())
        for line in wanted:
            given[line] += wanted[line]
            wanted[line] = 0
        shut = (
            part.node in self.closed or self.network.nodes[part.node].closed
        )  # late from elsewhere is better than not at all
        return units if part.late or shut else 0

    def _limits(self, order_id: str, part: Part) -> None:
        found = next(n for n in self.network.networks if n.code == self.network.nodes[part.node].network)
        articles = {
            self.orders[order_id].lines[line].sku for line in part.lines
        }  # one line of the network's order each
        if found.max_lines and len(articles) > found.max_lines:
            self.problems.append(f"{order_id}/{part.number}: {len(articles)} lines")
        if found.max_units and sum(part.quantities) > found.max_units:
            self.problems.append(f"{order_id}/{part.number}: {sum(part.quantities)} units")

    def _voided(self, event: ev.PartVoided) -> None:
        part, wanted = self.parts[event.order_id][event.number]
        if (event.order_id, event.number) in self.shipped:
            self.problems.append(f"{event.order_id}/{event.number} voided after it shipped")
        for line, units in zip(event.lines, event.quantities, strict=True):
            wanted[line] -= units
            self.gone[event.order_id][line] += units
            if units <= 0 or wanted[line] < 0:
                self.problems.append(f"{event.order_id}/{event.number}: {units} units of line {line} voided")
        for sku, units in self._goods(event.order_id, zip(event.lines, event.quantities, strict=True)):
            self.shelf[sku, part.node] += units
            self.reserved[sku, part.node] -= units
        if event.whole is not (sum(wanted.values()) == 0):
            self.problems.append(f"{event.order_id}/{event.number}: whole is {event.whole}")
        if event.whole:
            for entry in self.entry_of[event.order_id, event.number]:
                entry.capped = False

    def _reduced(self, event: ev.RestReduced) -> None:
        rest = self.rests[event.order_id][event.number]
        for line, units in zip(event.lines, event.quantities, strict=True):
            rest[line] -= units
            self.gone[event.order_id][line] += units
            if units <= 0 or rest[line] < 0:
                self.problems.append(f"{event.order_id}/p{event.number}: {units} units of line {line} given up")
        if not any(rest.values()):
            del self.rests[event.order_id][event.number]

    def _shipped(self, event: ev.PartsShipped) -> None:
        for key in event.parts:
            if key in self.shipped:
                self.problems.append(f"{key} shipped twice")
            self.shipped.add(key)
            part, wanted = self.parts[key[0]][key[1]]
            for sku, units in self._goods(key[0], wanted.items()):
                self.reserved[sku, part.node] -= units

    def _lines(self, order_id: str) -> None:
        """Every unit of the order is placed, parked, or gone."""
        if order_id not in self.orders:
            return
        for i, line in enumerate(self.orders[order_id].lines):
            placed = sum(wanted.get(i, 0) for _, wanted in self.parts[order_id].values())
            parked = sum(rest.get(i, 0) for rest in self.rests[order_id].values())
            gone = self.gone[order_id][i]
            if placed + parked + gone != line.qty:
                self.problems.append(
                    f"{order_id} line {i}: {placed} placed + {parked} parked + {gone} gone of {line.qty}"
                )

    # -- caps and calendars -------------------------------------------------------------------------------------------

    def _enter(self, event: ev.OrderRouted) -> None:
        order = self.orders[event.order_id]
        channel = next(c for c in self.network.channels if c.code == order.channel)
        for cap in self.network.caps:
            if cap.network in channel.on_platform_for:
                continue
            nodes = set(self.network.capped_nodes(cap))
            for part in sorted(event.decision.parts, key=lambda p: p.node in nodes):
                entry = Entry(counter_of(cap), self._size(cap, order, part), part.node in nodes, part.breach)
                self.entry_of[event.order_id, part.number].append(entry)
                for name in ("", order.channel) if cap.per_channel else ("",):
                    self.entries[counter_of(cap), name].append(entry)
                    if entry.capped and not entry.excused:
                        self._gate(cap, name, event.order_id)

    def _change_entries(self, move: ev.Move) -> None:
        """Entries keep their place: of the same size and side first, then turned, then those of void independent parts."""
        order = self.orders[move.order_id]
        channel = next(c for c in self.network.channels if c.code == order.channel)
        fresh: dict[int, list[Entry]] = defaultdict(list)
        for cap in self.network.caps:
            if cap.network in channel.on_platform_for:
                continue
            nodes, counter, row = (
                set(self.network.capped_nodes(cap)),
                counter_of(cap),
                self.entries[counter_of(cap), ""],
            )
            own = [e for n in move.released for e in self.entry_of[move.order_id, n] if any(e is x for x in row)]
            void = [
                e
                for n, (part, wanted) in self.parts[move.order_id].items()
                if not sum(wanted.values()) and n not in move.released and part.node not in nodes
                for e in self.entry_of[move.order_id, n]
                if any(e is x for x in row)
            ]
            place = {id(e): i for i, e in enumerate(row)}
            parts = sorted(move.decision.parts, key=lambda part: part.node in nodes)
            wanted = {part.number: (self._size(cap, order, part), part.node in nodes) for part in parts}
            for pool in (own, void):
                pool.sort(key=lambda e: place[id(e)])
                for same in (True, False):
                    for number, (size, capped) in wanted.items():
                        if any(e.counter == counter for e in fresh[number]):
                            continue
                        found = next((e for e in pool if e.size == size and (e.capped == capped) is same), None)
                        if found is not None:
                            pool.remove(found)
                            fresh[number].append(found)
            for entry in own:
                for name in ("", order.channel):
                    self.entries[counter, name] = [e for e in self.entries[counter, name] if e is not entry]
            for number, (size, capped) in wanted.items():
                kept = next((e for e in fresh[number] if e.counter == counter), None)
                entry = kept or Entry(counter, size, capped, False)
                if kept is None:
                    fresh[number].append(entry)
                    for name in ("", order.channel) if cap.per_channel else ("",):
                        self.entries[counter, name].append(entry)
                entry.capped = capped
        for key, held in self.entry_of.items():
            if key[0] == move.order_id:
                taken = [e for rows in fresh.values() for e in rows]
                held[:] = [e for e in held if not any(e is x for x in taken)]
        for number in move.released:
            self.entry_of[move.order_id, number].clear()
        for number, rows in fresh.items():
            self.entry_of[move.order_id, number] = rows

    def _excess(self) -> dict[tuple[Counter, str, int], int]:
        """How far each prefix and each full window is above its cap's limit, by the entry it ends with."""
        found = {}
        for cap in self.network.caps:
            for (counter, name), rows in self.entries.items():
                if counter == counter_of(cap):
                    total = 0
                    for i, entry in enumerate(rows):
                        total += entry.size
                        limit = cap.cap_bp * min(cap.window, total) // FULL_BP
                        found[counter, name, id(entry)] = capped_inside(rows[: i + 1], cap.window) - limit
        return found

    def _size(self, cap: ShareCap, order: Order, part: Part) -> int:
        if cap.measure == "units":
            return sum(part.quantities)
        if cap.measure == "value":
            pairs = zip(part.lines, part.quantities, strict=True)
            return max(1, sum(order.lines[line].unit_price_minor * units for line, units in pairs))
        return 1

    def _gate(self, cap: ShareCap, name: str, order_id: str) -> None:
        entries = self.entries[counter_of(cap), name]
        limit = cap.cap_bp * min(cap.window, sum(entry.size for entry in entries)) // FULL_BP
        found = capped_inside(entries, cap.window)
        if found > limit:
            where = name or "the total"
            self.problems.append(f"{order_id}: {found} of {limit} allowed with {cap.network} ({where})")

    def finish(self) -> list[str]:
        """Problems of all events, and whether each node's work fits into its days."""
        for n, node in enumerate(self.network.nodes):
            if node.capacity_units:
                parts = [pair for held in self.parts.values() for pair in held.values() if pair[0].node == n]
                work = [(part.earliest, part.ship_day, sum(wanted.values())) for part, wanted in parts]
                self._fits(node.code, node.capacity_units, [w for w in work if w[2]])
        return self.problems

    def _fits(self, code: str, capacity: int, work: list[tuple[int, int, int]]) -> None:
        """Work with a first and a last day can be done in time if, and only if, no span of days is asked for too much."""
        for first in {w[0] for w in work}:
            for last in {w[1] for w in work}:
                asked = sum(units for earliest, ship, units in work if earliest >= first and ship <= last)
                if asked > capacity * working_days(first, last):
                    self.problems.append(f"{code}: {asked} units from day {first} to {last}, {capacity} a day")


def working_days(first: int, last: int) -> int:
    """Working days from `first` to `last`, both counted."""
    return sum(next_working_day(day) == day for day in range(first, last + 1))


def audit(store: Store) -> list[str]:
    """What is wrong with a journal; empty where nothing is."""
    reader = Audit(store)
    for row in store.journal():
        reader.take(ev.decode(row.payload))
    return reader.finish()
