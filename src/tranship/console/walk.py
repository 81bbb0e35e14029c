"""One walk over the journal: everything a report counts, in plain lists. Reads each event once and changes nothing.

This is a second, lighter reading of the books than `engine.evolve` (which also keeps the ledger, and takes five times as long);
`console.reconcile` holds what is found here against the relational rows, which the engine's own reading wrote.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from tranship.connectors.netfile import from_document
from tranship.core.network import NetworkFile
from tranship.core.order import Order
from tranship.core.time import MICROS_PER_HOUR
from tranship.engine import events as ev
from tranship.engine.shard import decoded
from tranship.routing.facts import counts_for
from tranship.routing.model import Decision, Part, Reason, Rest
from tranship.routing.share import CapState, ShareWindow
from tranship.routing.share_change import Change, Standing, matched
from tranship.store.port import JournalRow

MICROS_PER_DAY = 24 * MICROS_PER_HOUR
ROWS_PER_TELL = 5_000

OPEN, SHIPPED, DELIVERED, CANCELLED = "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"

NOT_ELIGIBLE = (Reason.CLOSED, Reason.COUNTRY, Reason.LANE, Reason.RULE, Reason.ITEM)
LEAST_FIRST = (Reason.CAP, Reason.LEAK, Reason.OK, Reason.LATE, Reason.TIER, Reason.FULL, Reason.STOCK)
"""Which reason speaks for a network with several nodes: the one that came nearest to being chosen."""


class Source(Protocol):
    """One moment of a run's books: a store that nobody writes to, or a snapshot of one."""

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows in order."""

    def document(self, sha256: str) -> bytes:
        """A document by hash."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of read-only SQL."""


Place = tuple[ShareWindow, int]


class PartFacts:
    """A fulfillment order: what was committed and what became of it. `cost` in micros, as it was decided."""

    __slots__ = (
        "at", "breach", "committed", "cost", "deliver_day", "entries", "late", "node", "order", "returned", "ship_day", "status",
        "units", "waited",
    )  # fmt: skip

    def __init__(self, order: "OrderFacts", node: int, units: int, cost: int, at: int, *, waited: bool) -> None:
        self.order, self.node, self.committed, self.units, self.cost, self.at = order, node, units, units, cost, at
        self.ship_day = self.deliver_day = 0
        self.late = self.breach = False
        self.waited = waited  # placed by a later decision, after its units were parked
        self.status = OPEN
        self.returned = 0
        self.entries: list[
            tuple[CapState, int, list[Place]]
        ] = []  # cap, place in its walk, place in each of its windows


class RestFacts:
    """A parked part: units that wait, and why."""

    __slots__ = ("reason", "units")

    def __init__(self, units: int, reason: str) -> None:
        self.units, self.reason = units, reason


class OrderFacts:
    """An order and what became of its units."""

    __slots__ = (
        "cancelled", "channel", "country", "expired", "lines", "parts", "placed_at", "prices", "promise_day", "rests", "source", "state",
        "units",
    )  # fmt: skip

    def __init__(self, order: Order, promise_day: int, *, prices: bool) -> None:
        self.placed_at, self.promise_day, self.channel = order.placed_at, promise_day, order.channel
        self.source, self.state, self.country = order.source, order.to.state, order.to.country
        self.lines = len(order.lines)
        self.units = sum(line.qty for line in order.lines)
        self.prices = tuple(line.unit_price_minor for line in order.lines) if prices else ()
        self.parts: dict[int, PartFacts] = {}
        self.rests: dict[int, RestFacts] = {}
        self.expired: Counter[str] = Counter()  # units given up, by the reason they waited for
        self.cancelled = 0  # units taken back before they shipped


class LimitWalk:
    """One limit of a cap, from the network version that set it to the next that changed it: how high the share went under it."""

    def __init__(self, cap: CapState, version: int, at: int) -> None:
        self.cap_bp, self.version, self.at = cap.cap.cap_bp, version, at
        windows = [cap.total, *cap.channels.values()]
        self.carried_bp = max(window.share_bp() for window in windows)
        self.met_at = at if cap.total.share_bp() <= self.cap_bp else 0  # when the total was within it; 0: never
        self.high_bp = 0  # of all entries, those before included as long as the windows hold them
        self.own_bp = 0  # of windows that have been within it once: never above it, unless breached
        self.breaches = self.entries = 0
        self._total = cap.total
        self._above = [window for window in windows if window.share_bp() > self.cap_bp]

    def look(self, at: int, windows: Sequence[ShareWindow]) -> None:
        """After an entry in these windows."""
        for window in windows:
            share = window.share_bp()
            self.high_bp = max(self.high_bp, share)
            if any(window is above for above in self._above):
                if share > self.cap_bp:
                    continue
                self._above = [above for above in self._above if above is not window]
                if window is self._total:
                    self.met_at = at
            self.own_bp = max(self.own_bp, share)

    def rose(self, share: int) -> None:
        """A move raised a window of the past to this share, the highest so far (0: none): it was admitted under this limit."""
        self.high_bp, self.own_bp = max(self.high_bp, share), max(self.own_bp, share)


class CapWalk:
    """One cap: its counters as the engine keeps them, its course over time, and what it did to decisions."""

    def __init__(self, cap: CapState, version: int = 1, at: int = 0, *, orders_before: int = 0) -> None:
        self.cap = cap
        self.since = at if orders_before else 0  # when its counting began; 0: with the run's first order
        self.limits = [LimitWalk(cap, version, at)]
        self.full_max_bp = 0
        self.at, self.bp, self.inside = (
            array("q"),
            array("i"),
            array("q"),
        )  # after each decision: time, share, window size
        self.counted: dict[str, bool] = {}  # channel -> whether its orders count
        self.sizes: list[int] = []
        self.gone = bytearray()  # per entry: voided since
        self.capped = bytearray()
        self.decisions = 0  # that placed something and count
        self.with_network = 0  # of them: something went to the capped network
        self.refused = 0  # the cap or its reserve kept the capped network out, or partly out
        self.priced = 0  # the window was tight enough for a price
        self.price_max = 0
        self.extra_known = 0  # refused decisions of which both costs are known and everything was placed
        self.extra = 0  # micros that refused decisions cost above the refused way, where both are known
        self.without: Counter[Reason] = (
            Counter()
        )  # decisions without the network, by the reason nearest to being chosen
        self.breaches = 0
        self.limit_max_bp = cap.cap.cap_bp  # the highest limit that was ever in force

    def look(self, at: int) -> None:
        """After the entries of one decision: its capped ones come last, so this is where the share is highest."""
        window = self.cap.total
        share = window.share_bp()
        if window.inside >= window.window:
            self.full_max_bp = max(self.full_max_bp, share)
        self.at.append(at)
        self.bp.append(share)
        self.inside.append(window.inside)

    def live_share_bp(self) -> int:
        """Share of the window as it stands at the end, without entries whose fulfillment orders were voided."""
        inside = all_size = capped = 0
        for size, flag, gone in zip(reversed(self.sizes), reversed(self.capped), reversed(self.gone), strict=True):
            part = min(size, self.cap.cap.window - inside)
            if part <= 0:
                break
            inside += part
            if not gone:
                all_size += part
                capped += part if flag else 0
        return -(-capped * 10_000 // all_size) if all_size else 0


class Walk:
    """Everything counted. Make it with `walk`."""

    def __init__(self, document: Callable[[str], bytes]) -> None:
        self._document = document
        self.network: NetworkFile | None = None
        self.network_sha = ""
        self.network_version = 0
        self.files: dict[str, ev.FileTaken] = {}
        self.orders: dict[str, OrderFacts] = {}
        self.caps: list[CapWalk] = []
        self.received: Counter[int] = Counter()  # units by node
        self.exceptions: dict[str, list[Any]] = {}  # kind -> [count, first subject, first detail]
        self.waits: Counter[str] = Counter()  # units that were ever parked, by reason (at their first parking)
        self.parked_parts: Counter[str] = Counter()
        self.cancel_lines = 0  # lines of takebacks that were journaled as such
        self.units_back = Counter[str]()  # voided | parked | returned
        self.moves = self.move_gain = 0  # orders moved before their release; micros saved by it, prices included
        self.erased = 0
        self.events = 0
        self.chain = b""
        self.first_at = self.last_at = 0

    def need_network(self) -> NetworkFile:
        """The network document in force at the end."""
        assert self.network is not None, "the journal has orders but no network document"
        return self.network

    def parts(self) -> Iterator[PartFacts]:
        """Every fulfillment order, those that were voided too."""
        for order in self.orders.values():
            yield from order.parts.values()

    # -- events -------------------------------------------------------------------------------------------------------

    def loaded(self, event: ev.NetworkLoaded) -> None:
        """A network document: counters of the same cap go on under its new limit, as in the engine."""
        network = from_document(self._document(event.sha256))
        self.network, self.network_sha, self.network_version = network, event.sha256, event.version
        held = {(w.cap.cap.network, w.cap.cap.measure, w.cap.cap.window, w.cap.cap.counts): w for w in self.caps}
        caps = []
        for cap in network.caps:
            fresh = CapState(cap, frozenset(network.capped_nodes(cap)))
            kept = held.get((cap.network, cap.measure, cap.window, cap.counts))
            if kept is None:
                caps.append(CapWalk(fresh, event.version, event.at, orders_before=len(self.orders)))
                continue
            fresh.total, fresh.channels, fresh.bucket = kept.cap.total, kept.cap.channels, kept.cap.bucket
            for window in (fresh.total, *fresh.channels.values()):
                window.cap_bp = cap.cap_bp
            lowered_or_raised = cap.cap_bp != kept.cap.cap.cap_bp
            kept.cap.cap, kept.cap.nodes = cap, fresh.nodes
            if lowered_or_raised:
                before = (
                    kept.limits if kept.limits[-1].entries else kept.limits[:-1]
                )  # one that nothing entered under says nothing
                if not before or before[-1].cap_bp != cap.cap_bp:
                    before = [*before, LimitWalk(kept.cap, event.version, event.at)]
                kept.limits = before
            kept.counted.clear()
            kept.limit_max_bp = max(kept.limit_max_bp, cap.cap_bp)
            caps.append(kept)
        self.caps = caps

    def accepted(self, event: ev.OrderAccepted) -> None:
        """An order came."""
        by_value = any(walk.cap.cap.measure == "value" for walk in self.caps)
        self.orders[event.order_id] = OrderFacts(event.order, event.promise_day, prices=by_value)

    def routed(self, event: ev.OrderRouted) -> None:
        """A decision: parts committed, units parked, caps entered."""
        order, decision = self.orders[event.order_id], event.decision
        if event.rest:
            order.rests.pop(event.rest)
        fresh = []
        for part in decision.parts:
            facts = _facts(order, part, event.at, waited=event.rest > 0)
            order.parts[part.number] = facts
            fresh.append((facts, part))
        self._wait(order, decision.rests)
        for rest in decision.rests if not event.rest else ():
            self.waits[rest.reason] += sum(rest.quantities)
            self.parked_parts[rest.reason] += 1
        if fresh:
            for walk in self.caps:
                self._enter(walk, order, fresh, event)

    def _wait(self, order: OrderFacts, rests: Sequence[Rest]) -> None:
        for rest in rests:
            units = sum(rest.quantities)
            if rest.action == "cancel":
                order.expired[rest.reason] += units
            else:
                order.rests[rest.number] = RestFacts(units, rest.reason)

    def _counted(self, walk: CapWalk, order: OrderFacts) -> bool:
        """Whether the cap counts the order's channel."""
        counted = walk.counted.get(order.channel)
        if counted is None:
            channel = next(c for c in self.need_network().channels if c.code == order.channel)
            counted = walk.counted[order.channel] = counts_for(channel, walk.cap.cap.network)
        return counted

    def _enter(
        self, walk: CapWalk, order: OrderFacts, fresh: list[tuple[PartFacts, Part]], event: ev.OrderRouted
    ) -> None:
        if not self._counted(walk, order):
            return
        cap, nodes = walk.cap, walk.cap.nodes
        windows = cap.windows(order.channel)
        if len(fresh) > 1:
            fresh = sorted(fresh, key=lambda pair: pair[0].node in nodes)
        for facts, part in fresh:
            size, capped = _size(cap, order, part), facts.node in nodes
            facts.entries.append((cap, len(walk.sizes), [(window, window.enter(size, capped)) for window in windows]))
            walk.sizes.append(size)
            walk.capped.append(capped)
            walk.gone.append(0)
            walk.breaches += capped and facts.breach
            limit = walk.limits[-1]
            limit.breaches += capped and facts.breach
            limit.entries += 1
            limit.look(event.at, windows)
        walk.look(event.at)
        _judge(walk, event.decision)

    def relocated(self, event: ev.OrdersMoved) -> None:
        """Orders were decided again before their release: parts are given up for others, entries keep their place."""
        changes: dict[int, tuple[ShareWindow, Change]] = {}
        fresh: list[tuple[CapWalk, PartFacts, list[tuple[ShareWindow, int]], int]] = []
        for move in event.moves:
            order = self.orders[move.order_id]
            given = [order.parts[number] for number in move.released]
            for part in given:
                part.units, part.status = 0, CANCELLED
            for number in move.joined:
                order.rests.pop(number)
            placed = []
            for decided in move.decision.parts:
                facts = _facts(order, decided, event.at, waited=bool(move.joined))
                order.parts[decided.number] = facts
                placed.append((facts, decided))
            self._wait(order, move.decision.rests)
            self.moves += 1
            self.move_gain += move.gain
            for walk in self.caps:
                fresh += _change(walk, self._counted(walk, order), order, given, placed, changes)
            for part in given:
                part.entries.clear()
        before = {key: window.max_share_bp for key, (window, _) in changes.items()}
        came_in = {key: window.change(*change) for key, (window, change) in changes.items()}
        for walk, facts, slots, own in fresh:
            places = [(window, slot if slot >= 0 else came_in[id(window)].pop(0)) for window, slot in slots]
            facts.entries.append((walk.cap, own, places))
        for walk in self.caps:
            windows = [w for w in (walk.cap.total, *walk.cap.channels.values()) if id(w) in changes]
            if windows:
                walk.limits[-1].look(event.at, windows)
                walk.limits[-1].rose(
                    max((w.max_share_bp for w in windows if w.max_share_bp > before[id(w)]), default=0)
                )
                walk.look(event.at)

    def voided(self, event: ev.PartVoided) -> None:
        """Units taken back before they shipped; a capped entry with nothing left counts as independent from now on."""
        order = self.orders[event.order_id]
        part = order.parts[event.number]
        units = sum(event.quantities)
        part.units -= units
        order.cancelled += units
        self.units_back["voided"] += units
        if event.whole:
            part.status = CANCELLED
            for cap, own, places in part.entries:
                walk = next((w for w in self.caps if w.cap is cap), None)
                if walk is None:
                    continue
                walk.gone[own] = 1
                for window, position in places:
                    window.uncap(position)

    def reduced(self, event: ev.RestReduced) -> None:
        """Parked units that nobody waits for any more."""
        order = self.orders[event.order_id]
        rest = order.rests[event.number]
        units = sum(event.quantities)
        rest.units -= units
        if event.reason == "cancelled":
            order.cancelled += units
            self.units_back["parked"] += units
        else:
            order.expired[rest.reason] += units
        if not rest.units:
            del order.rests[event.number]

    def returned(self, event: ev.UnitsReturned) -> None:
        """Units came back after they shipped."""
        units = sum(event.quantities)
        self.orders[event.order_id].parts[event.number].returned += units
        self.units_back["returned"] += units

    def moved(self, event: ev.PartsShipped | ev.PartsDelivered) -> None:
        """Fulfillment orders left, or arrived."""
        status = SHIPPED if isinstance(event, ev.PartsShipped) else DELIVERED
        for order_id, number in event.parts:
            self.orders[order_id].parts[number].status = status

    def excepted(self, event: ev.Excepted) -> None:
        """Something for a person."""
        held = self.exceptions.setdefault(event.kind, [0, event.subject, event.detail])
        held[0] += 1

    def took_file(self, event: ev.FileTaken) -> None:
        """A file was read."""
        self.files[event.sha256] = event

    def cancel(self, _: ev.CancelTaken) -> None:
        """A customer takes units back; what that became follows in its own events."""
        self.cancel_lines += 1

    def stocked(self, event: ev.StockReceived) -> None:
        """Units came in."""
        self.received[event.node] += sum(event.quantities)

    def forgot(self, _: ev.PersonErased) -> None:
        """A person was erased."""
        self.erased += 1


def _facts(order: OrderFacts, part: Part, at: int, *, waited: bool) -> PartFacts:
    facts = PartFacts(order, part.node, sum(part.quantities), part.cost, at, waited=waited)
    facts.ship_day, facts.deliver_day = part.ship_day, part.deliver_day
    facts.late, facts.breach = part.late, part.breach
    return facts


def _size(cap: CapState, order: OrderFacts, part: Part) -> int:
    """Size of a fulfillment order's entry in the cap's measure."""
    value = 0
    if cap.by_value:
        value = sum(order.prices[i] * q for i, q in zip(part.lines, part.quantities, strict=True))
    return cap.size_of(sum(part.quantities), value)


def _change(
    walk: CapWalk,
    counted: bool,
    order: OrderFacts,
    given: list[PartFacts],
    placed: list[tuple[PartFacts, Part]],
    changes: dict[int, tuple[ShareWindow, Change]],
) -> list[tuple[CapWalk, PartFacts, list[Place], int]]:
    """Add what a move changes in a cap's counters to `changes`; of each new part its places (-1: to be entered) and its own index."""
    if not counted:
        return []
    cap, nodes = walk.cap, walk.cap.nodes
    void = [p for p in order.parts.values() if p.status == CANCELLED and p.node not in nodes and p not in given]
    ordered = sorted(placed, key=lambda pair: pair[0].node in nodes)
    new = [(_size(cap, order, part), facts.node in nodes) for facts, part in ordered]
    own_at = {places[0]: own for part in (*given, *void) for held, own, places in part.entries if held is cap}
    slots: list[list[Place]] = [[] for _ in new]
    for window in cap.windows(order.channel):
        change, found = matched(Standing(_places(given, window), _places(void, window)), new)
        held = changes.get(id(window))
        changes[id(window)] = (window, change if held is None else held[1].with_more(change))
        for slot, position in zip(slots, found, strict=True):
            slot.append((window, position))
    taken = {slot[0] for slot in slots}
    for part in void:
        part.entries = [entry for entry in part.entries if entry[2][0] not in taken]
    out = []
    kept = {own_at[slot[0]] for slot in slots if slot[0] in own_at}
    for part in given:
        for held_cap, own, _ in part.entries:
            if held_cap is cap and own not in kept:
                walk.sizes[own] = 0
    for (facts, _), slot, (size, capped) in zip(ordered, slots, new, strict=True):
        index = own_at.get(slot[0], len(walk.sizes))
        if index == len(walk.sizes):
            walk.sizes.append(size)
            walk.capped.append(capped)
            walk.gone.append(0)
        walk.capped[index], walk.gone[index] = capped, 0
        out.append((walk, facts, slot, index))
    return out


def _places(parts: Sequence[PartFacts], window: ShareWindow) -> list[tuple[int, int, bool]]:
    found = [
        (position, *window.entry(position))
        for part in parts
        for _, _, places in part.entries
        for there, position in places
        if there is window
    ]
    return sorted(found)


def _judge(walk: CapWalk, decision: Decision) -> None:
    """Whether the capped network took part in a decision, and if not, why not."""
    why, nodes = decision.why, walk.cap.nodes
    walk.decisions += 1
    gate = next((gate for gate in why.gates if gate.network == walk.cap.cap.network), None)
    if gate is not None:
        walk.priced += gate.price > 0
        walk.price_max = max(walk.price_max, gate.price)
    refused = next((other for other in why.alternatives if other.ruled_out in ("cap", "reserve")), None)
    if refused is not None and any(node in nodes for node in refused.nodes):
        walk.refused += 1
        cost = sum(part.cost for part in decision.parts)
        if refused.cost >= 0 and not decision.rests:
            walk.extra += cost - refused.cost
            walk.extra_known += 1
    if any(part.node in nodes for part in decision.parts):
        walk.with_network += 1
        return
    reasons = [Reason(why.nodes[node]) for node in nodes if node < len(why.nodes)]
    walk.without[next((reason for reason in LEAST_FIRST if reason in reasons), Reason.ITEM)] += 1


def walk(store: Source, tell: Callable[[int], None] | None = None) -> Walk:
    """Read the journal once. DamageError names a row that cannot be read; `tell` hears the row reached."""
    found = Walk(store.document)
    handlers: dict[type, Callable[[Any], None]] = {
        ev.NetworkLoaded: found.loaded,
        ev.OrderAccepted: found.accepted,
        ev.OrderRouted: found.routed,
        ev.OrdersMoved: found.relocated,
        ev.PartVoided: found.voided,
        ev.RestReduced: found.reduced,
        ev.UnitsReturned: found.returned,
        ev.PartsShipped: found.moved,
        ev.PartsDelivered: found.moved,
        ev.Excepted: found.excepted,
        ev.FileTaken: found.took_file,
        ev.CancelTaken: found.cancel,
        ev.StockReceived: found.stocked,
        ev.PersonErased: found.forgot,
    }
    for row in store.journal():
        event = decoded(row)
        handler = handlers.get(type(event))
        if handler is not None:
            handler(event)
        found.events, found.chain, found.last_at = row.seq, row.chain, event.at
        if tell and row.seq % ROWS_PER_TELL == 0:
            tell(row.seq)
    return found
