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
from tranship.routing.model import Decision, Part, Reason
from tranship.routing.share import CapState, ShareWindow
from tranship.store.port import JournalRow

MICROS_PER_DAY = 24 * MICROS_PER_HOUR
ROWS_PER_TELL = 5_000

OPEN, SHIPPED, DELIVERED, CANCELLED = "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"

NOT_ELIGIBLE = (Reason.CLOSED, Reason.COUNTRY, Reason.LANE, Reason.RULE, Reason.ITEM)
LEAST_FIRST = (Reason.CAP, Reason.OK, Reason.LATE, Reason.TIER, Reason.FULL, Reason.STOCK)
"""Which reason speaks for a network with several nodes: the one that came nearest to being chosen."""


class Source(Protocol):
    """One moment of a run's books: a store that nobody writes to, or a snapshot of one."""

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows in order."""

    def document(self, sha256: str) -> bytes:
        """A document by hash."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of read-only SQL."""


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
        self.entries: list[tuple[CapState, int, list[int]]] = []  # cap, place in its walk, place in each of its windows


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
            facts = PartFacts(order, part.node, sum(part.quantities), part.cost, event.at, waited=event.rest > 0)
            facts.ship_day, facts.deliver_day = part.ship_day, part.deliver_day
            facts.late, facts.breach = part.late, part.breach
            order.parts[part.number] = facts
            fresh.append((facts, part))
        for rest in decision.rests:
            units = sum(rest.quantities)
            if rest.action == "cancel":
                order.expired[rest.reason] += units
            else:
                order.rests[rest.number] = RestFacts(units, rest.reason)
            if not event.rest:
                self.waits[rest.reason] += units
                self.parked_parts[rest.reason] += 1
        if fresh:
            for walk in self.caps:
                self._enter(walk, order, fresh, event)

    def _enter(
        self, walk: CapWalk, order: OrderFacts, fresh: list[tuple[PartFacts, Part]], event: ev.OrderRouted
    ) -> None:
        cap, counted = walk.cap, walk.counted.get(order.channel)
        if counted is None:
            channel = next(c for c in self.need_network().channels if c.code == order.channel)
            counted = walk.counted[order.channel] = counts_for(channel, cap.cap.network)
        if not counted:
            return
        nodes, measure = cap.nodes, cap.cap.measure
        windows = cap.windows(order.channel)
        if len(fresh) > 1:
            fresh = sorted(fresh, key=lambda pair: pair[0].node in nodes)
        for facts, part in fresh:
            value = 0
            if measure == "value":
                value = sum(order.prices[i] * q for i, q in zip(part.lines, part.quantities, strict=True))
            size, capped = cap.size_of(facts.units, value), facts.node in nodes
            facts.entries.append((cap, len(walk.sizes), [window.enter(size, capped) for window in windows]))
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
            for cap, own, positions in part.entries:
                walk = next((w for w in self.caps if w.cap is cap), None)
                if walk is None:
                    continue
                walk.gone[own] = 1
                if part.node in cap.nodes:
                    for window, position in zip(cap.windows(order.channel), positions, strict=True):
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
