"""What is going on in a run right now, for people and for machines: totals, shares, the last decisions and why.

The board is fed with journal rows, so it shows what is durable and nothing else. It holds a bounded number of recent things;
totals are counted once from the tables and carried on from the journal.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence

import msgspec

from tranship.connectors.netfile import from_document
from tranship.core.network import FULL_BP, Network, NetworkFile
from tranship.core.order import Order
from tranship.core.time import day_to_date, from_micros
from tranship.engine import events as ev
from tranship.engine.attempts import evidence, history
from tranship.engine.episodes import Episodes
from tranship.engine.explain import REST_WORDS
from tranship.engine.networks import NetworksNow
from tranship.engine.reasons import reason_words
from tranship.engine.rows import part_id, rest_id
from tranship.engine.view import (
    Curve,
    DecisionNow,
    ExceptionNow,
    NetworkNow,
    Parked,
    PartNow,
    Share,
    Snapshot,
    View,
    WaitsNow,
)
from tranship.store.port import Store

MOST_DECISIONS = 500
"""Decisions kept for a client that comes back."""
SHOWN = 30
"""Decisions of a view."""
MOST_EXCEPTIONS = 50
BUCKETS = 48
"""Bars of the order curve."""
ROWS_AT_START = 4_000
"""Journal rows read back at the start, for what was recent before."""
ROWS_AT_ONCE = 2_000
"""Journal rows taken in one step, so that a step is short."""
MOST_ORDERS = 20_000
"""Orders whose channel and destination are remembered; others are looked up."""


_Known = tuple[str, str, int]  # of an order: channel, destination, units


class _Tally:
    """Running totals of one network."""

    __slots__ = ("cost", "late", "parts", "units")

    def __init__(self) -> None:
        self.parts = self.units = self.cost = self.late = 0


class Board:
    """The view of one run. `catch_up` reads what was committed since; `view` shows it."""

    def __init__(self, store: Store, *, curve_s: int = 60) -> None:
        """`curve_s`: seconds of the run's clock in one bar of the order curve."""
        self._store, self._curve_us, self._curve_s = store, curve_s * 1_000_000, curve_s
        self.seq = 0
        self._network: NetworkFile | None = None
        self._tally: dict[str, _Tally] = {}
        self._orders = self._splits = self._exceptions_total = 0
        self._curve: dict[int, Counter[str]] = {}  # bar -> fulfillment orders by network; orders under ""
        self._recent: deque[str] = deque(maxlen=1000)  # networks of the last entries that the caps count
        self._known: OrderedDict[str, _Known] = OrderedDict()  # order -> channel, destination, units
        self._decisions: deque[tuple[int, ev.OrderRouted, _Known, NetworkFile]] = deque(maxlen=MOST_DECISIONS)
        self.exceptions: deque[ExceptionNow] = deque(maxlen=MOST_EXCEPTIONS)
        self._at = 0
        self._episodes = Episodes(self._node_of, self._value_of)
        self._heard: dict[str, tuple[str, tuple[str, ...]]] = {}  # dispatch in quarantine -> (since, its evidence)
        self._start()

    # -- feeding ------------------------------------------------------------------------------------------------------

    def catch_up(self) -> bool:
        """Take up to ROWS_AT_ONCE rows committed since the last call; True where there may be more."""
        rows = self._rows(self.seq, ROWS_AT_ONCE)
        for seq, event in rows:
            self._take(seq, event, count=True)
            self.seq = seq
        return len(rows) == ROWS_AT_ONCE

    def _start(self) -> None:
        last, _ = self._store.last_seq()
        loads = self._store.query("SELECT payload FROM journal WHERE kind = 'network' ORDER BY seq")
        for (payload,) in loads:
            assert isinstance(payload, bytes)
            event = ev.decode(payload)
            assert isinstance(event, ev.NetworkLoaded)
            self._load(event)
        self._totals()
        for seq, event in self._rows(max(0, last - ROWS_AT_START), ROWS_AT_START):
            if seq > last:
                break
            self._take(seq, event, count=False)
        self.seq = last

    def _totals(self) -> None:
        """What the run comes to so far. Called before anything is written: a run has one writer, and it waits."""
        sql = "SELECT network, count(*), sum(units), sum(cost), sum(late) FROM part WHERE status <> 'CANCELLED' GROUP BY network"
        for network, *sums in self._store.query(sql):
            tally = self._tally.setdefault(str(network), _Tally())
            tally.parts, tally.units, tally.cost, tally.late = (_int(value) for value in sums)
        self._orders = _int(self._store.query("SELECT count(*) FROM orders")[0][0])
        sql = "SELECT count(*) FROM (SELECT 1 FROM part WHERE status <> 'CANCELLED' GROUP BY order_id HAVING count(*) > 1) AS splits"
        self._splits = _int(self._store.query(sql)[0][0])
        self._exceptions_total = _int(self._store.query("SELECT count(*) FROM exception")[0][0])

    def _rows(self, after: int, limit: int) -> list[tuple[int, ev.Event]]:
        sql = "SELECT seq, payload FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"
        found = self._store.query(sql, (after, limit))
        return [(_int(seq), ev.decode(payload)) for seq, payload in found if isinstance(payload, bytes)]

    def _load(self, event: ev.NetworkLoaded) -> None:
        self._network = from_document(self._store.document(event.sha256))
        window = max((cap.window for cap in self._network.caps if cap.measure == "fulfillment_orders"), default=1000)
        if self._recent.maxlen != window:
            self._recent = deque(self._recent, maxlen=window)

    def _take(self, seq: int, event: ev.Event, *, count: bool) -> None:
        self._at = max(self._at, event.at)
        if self._network is not None:
            self._episodes.take(event, self._network)
        if isinstance(event, ev.OrderAccepted):
            self._accepted(event, count=count)
        elif isinstance(event, ev.OrderRouted):
            self._routed(seq, event, count=count)
        elif isinstance(event, ev.OrdersMoved):
            self._moved(seq, event, count=count)
        elif isinstance(event, ev.PartVoided) and count:
            self._voided(event)
        elif isinstance(event, ev.Excepted):
            self.exceptions.append(
                ExceptionNow(seq, _iso(event.at), event.kind, event.subject, event.detail),
            )
            self._exceptions_total += count
        elif isinstance(event, ev.NetworkLoaded) and count:
            self._load(event)

    def _accepted(self, event: ev.OrderAccepted, *, count: bool) -> None:
        self._bar(event.at)[""] += 1
        self._orders += count
        self._remember(event.order_id, event.order)

    def _bar(self, at: int) -> Counter[str]:
        bar = at // self._curve_us
        if bar not in self._curve:
            self._curve[bar] = Counter()
            for old in sorted(self._curve)[: -2 * BUCKETS]:
                del self._curve[old]
        return self._curve.setdefault(bar, Counter())

    def _remember(self, order_id: str, order: Order) -> _Known:
        known = (order.channel, f"{order.to.state} {order.to.zip}".strip(), sum(line.qty for line in order.lines))
        self._known[order_id] = known
        if len(self._known) > MOST_ORDERS:
            self._known.popitem(last=False)
        return known

    def _order(self, order_id: str) -> _Known:
        known = self._known.get(order_id)
        if known is None:
            sql = "SELECT channel, state, zip, units FROM orders WHERE order_id = ?"
            rows = self._store.query(sql, (order_id,))
            channel, state, code, units = rows[0] if rows else ("", "", "", 0)
            known = (str(channel), f"{state} {code}".strip(), _int(units))
        return known

    def _routed(self, seq: int, event: ev.OrderRouted, *, count: bool) -> None:
        network = self._network
        assert network is not None, "a decision without a network document"
        known = self._order(event.order_id)
        counts, bar = self._counts(known[0]), self._bar(event.at)
        for part in event.decision.parts:
            code = network.nodes[part.node].network
            bar[code] += 1
            if counts:
                self._recent.append(code)
            if count:
                tally = self._tally.setdefault(code, _Tally())
                tally.parts += 1
                tally.units += sum(part.quantities)
                tally.cost += part.cost
                tally.late += part.late
        if count and not event.rest:
            self._splits += len(event.decision.parts) > 1
        self._decisions.append((seq, event, known, network))

    def decisions(self, most: int, after: int = -1) -> list[DecisionNow]:
        """The newest decisions, newest first, down to a journal row; put into words only here, since most are never shown."""
        found: list[DecisionNow] = []
        for seq, event, known, network in reversed(self._decisions.copy()):
            if seq <= after or len(found) == most:
                break
            found.append(_told(seq, event, known, network))
        return found

    def _counts(self, channel: str) -> bool:
        """Whether the caps count this channel; without a cap by fulfillment orders every channel counts."""
        network = self._network
        assert network is not None
        found = next((c for c in network.channels if c.code == channel), None)
        capped = [cap.network for cap in network.caps]
        return found is None or not capped or any(code not in found.on_platform_for for code in capped)

    def _moved(self, seq: int, event: ev.OrdersMoved, *, count: bool) -> None:
        """Parts are given up for others. Bars of the curve stay, the last entries change: an order that moves is not a new one."""
        network = self._network
        assert network is not None, "a move without a network document"
        for move in event.moves:
            self._decisions.append(
                (seq, ev.OrderRouted(move.order_id, 1, move.decision, event.at), self._order(move.order_id), network)
            )
            gone = [self._network_of(part_id(move.order_id, number)) for number in move.released]
            came = [network.nodes[part.node].network for part in move.decision.parts]
            if self._counts(self._order(move.order_id)[0]):
                self._swap(gone, came)
            if not count:
                continue
            for number, units in zip(move.released, move.units, strict=True):
                self._give_up(part_id(move.order_id, number), units, whole=True)
            for part in move.decision.parts:
                tally = self._tally.setdefault(network.nodes[part.node].network, _Tally())
                tally.parts += 1
                tally.units += sum(part.quantities)
                tally.cost += part.cost
                tally.late += part.late
            sql = "SELECT count(*) FROM part WHERE order_id = ? AND status <> 'CANCELLED'"
            now = _int(self._store.query(sql, (move.order_id,))[0][0])
            self._splits += (now > 1) - (now - len(move.decision.parts) + len(move.released) > 1)

    def _network_of(self, pid: str) -> str:
        rows = self._store.query("SELECT network FROM part WHERE part_id = ?", (pid,))
        return str(rows[0][0]) if rows else ""

    def _swap(self, gone: list[str], came: list[str]) -> None:
        """The places of what is given up are those of what comes instead; which of several alike makes no difference."""
        for old, new in zip(gone, came, strict=False):
            place = next((i for i in range(len(self._recent) - 1, -1, -1) if self._recent[i] == old), -1)
            if place >= 0 and old != new:
                self._recent[place] = new
        self._recent.extend(came[len(gone) :])

    def _voided(self, event: ev.PartVoided) -> None:
        self._give_up(part_id(event.order_id, event.number), sum(event.quantities), whole=event.whole)

    def _give_up(self, pid: str, units: int, *, whole: bool) -> None:
        sql = "SELECT network, cost, late FROM part WHERE part_id = ?"
        for network, cost, late in self._store.query(sql, (pid,)):
            tally = self._tally.setdefault(str(network), _Tally())
            tally.units -= units
            if whole:
                tally.parts -= 1
                tally.cost -= _int(cost)
                tally.late -= _int(late)

    # -- showing ------------------------------------------------------------------------------------------------------

    def told(self, networks: NetworksNow) -> NetworksNow:
        """The same with the evidence of what is in quarantine."""
        kept = {each.id: self._heard.get(each.id) for each in networks.quarantine}
        self._heard.clear()
        found = []
        for each in networks.quarantine:
            held = kept[each.id]
            if held is None or held[0] != each.since:
                held = (each.since, evidence(history(self._store, each.order, each.id)))
            self._heard[each.id] = held
            found.append(msgspec.structs.replace(each, evidence=held[1]))
        return msgspec.structs.replace(networks, quarantine=tuple(found))

    def _node_of(self, pid: str) -> str:
        rows = self._store.query("SELECT node FROM part WHERE part_id = ?", (pid,))
        return str(rows[0][0]) if rows else ""

    def _value_of(self, order_id: str) -> int:
        rows = self._store.query("SELECT value_minor, units FROM orders WHERE order_id = ?", (order_id,))
        return _int(rows[0][0]) // max(1, _int(rows[0][1])) if rows else 0

    def view(self, snapshot: Snapshot, networks: NetworksNow | None = None, *, now: int = 0) -> View:
        """The board beside a snapshot of the engine's state; `now` (UTC microseconds) ends the order curve."""
        networks = self.told(networks) if networks is not None else NetworksNow(False, (), (), 0, (), 0)
        network = self._network
        assert network is not None, "no network document is in force"
        tallies = self._tally.values()
        end = max(self._at, now)
        return View(
            party=network.party,
            currency=network.currency,
            seq=self.seq,
            at=_iso(end),
            orders=self._orders,
            fulfillment_orders=sum(tally.parts for tally in tallies),
            units=sum(tally.units for tally in tallies),
            splits=self._splits,
            cost_micros=sum(tally.cost for tally in tallies),
            late=sum(tally.late for tally in tallies),
            exceptions_total=self._exceptions_total,
            curve=self._bars(end, network.networks),
            networks=tuple(self._network_now(network, code.code, snapshot.shares) for code in network.networks),
            shares=snapshot.shares,
            nodes=snapshot.nodes,
            stock=snapshot.stock,
            parked=self._parked(),
            decisions=tuple(self.decisions(SHOWN)),
            exceptions=tuple(reversed(self.exceptions))[:10],
            shadow=networks.shadow,
            connections=networks.connections,
            episodes=self._episodes.now(end),
            quarantine=networks.quarantine,
            quarantined=networks.quarantined,
            drift=networks.drift,
            drifting=networks.drifting,
        )

    def _bars(self, end: int, networks: Sequence[Network]) -> Curve:
        last, none = end // self._curve_us, Counter[str]()
        bars = [self._curve.get(bar, none) for bar in range(last - BUCKETS + 1, last + 1)]
        parts = {network.code: tuple(bar[network.code] for bar in bars) for network in networks}
        return Curve(self._curve_s, tuple(bar[""] for bar in bars), parts)

    def _parked(self) -> tuple[Parked, ...]:
        sql = "SELECT reason, count(*), sum(units) FROM parked GROUP BY reason ORDER BY sum(units) DESC"
        return tuple(
            Parked(str(reason), REST_WORDS.get(str(reason), str(reason)), _int(parts), _int(units))
            for reason, parts, units in self._store.query(sql)
        )

    def _network_now(self, network: NetworkFile, code: str, shares: Sequence[Share]) -> NetworkNow:
        tally = self._tally.get(code, _Tally())
        share = next((s for s in shares if s.network == code), None)
        inside = len(self._recent)
        share_bp = -(-self._recent.count(code) * FULL_BP // inside) if inside else 0
        return NetworkNow(
            code=code,
            operator=next((n.operator for n in network.networks if n.code == code), "") or code,
            nodes=tuple(node.code for node in network.nodes if node.network == code),
            fulfillment_orders=tally.parts,
            units=tally.units,
            cost_micros=tally.cost,
            late=tally.late,
            share_bp=share.share_bp if share else share_bp,
            of_last=share.inside if share else inside,
            cap_bp=share.cap_bp if share else 0,
            limit=share.limit if share else 0,
            max_share_bp=share.max_share_bp if share else 0,
        )


def _told(seq: int, event: ev.OrderRouted, known: _Known, network: NetworkFile) -> DecisionNow:
    order_id, decision, (channel, to, units) = event.order_id, event.decision, known
    parts = tuple(
        PartNow(
            id=part_id(order_id, part.number),
            node=network.nodes[part.node].code,
            network=network.nodes[part.node].network,
            units=sum(part.quantities),
            ship_by=_date(part.ship_day),
            deliver_by=_date(part.deliver_day),
            late=part.late,
            breach=part.breach,
            cost_micros=part.cost,
        )
        for part in decision.parts
    )
    waits = tuple(
        WaitsNow(rest_id(order_id, r.number), sum(r.quantities), r.reason, REST_WORDS.get(r.reason, r.reason))
        for r in decision.rests
    )
    return DecisionNow(
        seq=seq,
        at=_iso(event.at),
        order=order_id,
        channel=channel,
        to=to,
        units=units,
        again=event.rest > 0,
        parts=parts,
        waits=waits,
        cost_micros=sum(part.cost for part in decision.parts),
        because=reason_words(network, decision),
    )


def _int(value: object) -> int:
    return int(str(value)) if value is not None else 0


def _date(day: int) -> str:
    return day_to_date(day).isoformat()


def _iso(at: int) -> str:
    return from_micros(at).isoformat(timespec="seconds").replace("+00:00", "Z")
