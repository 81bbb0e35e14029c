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
from tranship.routing.model import Part
from tranship.store.port import Store

Counter = tuple[str, str, int, str]
"""What makes a cap's counter the same one in another document: network, measure, window and what it counts."""


def counter_of(cap: ShareCap) -> Counter:
    """The counter that a cap of a document goes on with."""
    return cap.network, cap.measure, cap.window, cap.counts


class Entry:
    """One fulfillment order in the population of a cap."""

    def __init__(self, size: int, capped: bool, excused: bool) -> None:
        self.size, self.capped, self.excused = size, capped, excused


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
        elif isinstance(event, ev.PartVoided):
            self._voided(event)
        elif isinstance(event, ev.RestReduced):
            self._reduced(event)
        elif isinstance(event, ev.PartsShipped):
            self._shipped(event)
        self._lines(event)

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
        for part in event.decision.parts:
            pairs = list(zip(part.lines, part.quantities, strict=True))
            for sku, units in self._goods(event.order_id, pairs):
                self.shelf[sku, part.node] -= units
                self.reserved[sku, part.node] += units
                if self.shelf[sku, part.node] < 0:
                    self.problems.append(f"{event.order_id}: oversold SKU #{sku} at node #{part.node}")
            self.parts[event.order_id][part.number] = (part, dict(pairs))
            for line, units in pairs:
                answered[line] += units
                if units <= 0:
                    self.problems.append(f"{event.order_id}/{part.number} ships {units} of line {line}")
            self._limits(event.order_id, part)
        for rest in event.decision.rests:
            pairs = list(zip(rest.lines, rest.quantities, strict=True))
            for line, units in pairs:
                answered[line] += units
                if rest.action == "cancel":
                    self.gone[event.order_id][line] += units
            if rest.action != "cancel":
                self.rests[event.order_id][rest.number] = dict(pairs)
        if {line: q for line, q in asked.items() if q} != dict(answered):
            self.problems.append(f"{event.order_id}: asked for {asked}, decided {dict(answered)}")
        self._enter(event)

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

    def _lines(self, event: ev.Event) -> None:
        """Every unit of the event's order is placed, parked, or gone."""
        order_id = getattr(event, "order_id", "")
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
                entry = Entry(self._size(cap, order, part), part.node in nodes, part.breach)
                self.entry_of[event.order_id, part.number].append(entry)
                for name in ("", order.channel) if cap.per_channel else ("",):
                    self.entries[counter_of(cap), name].append(entry)
                    if entry.capped and not entry.excused:
                        self._gate(cap, name, event.order_id)

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
