"""`tranship explain ORDER`: the full story of an order, rendered from what the journal holds and priced again from the tables.

The journal keeps a decision compactly; here it is told in words, and every cost is quoted anew: the charges of a fulfillment
order add up to the cost the decision was taken with, or the story says that they do not.
"""

import msgspec

from tranship.connectors.netfile import from_document
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile
from tranship.core.order import Order
from tranship.core.time import day_to_date, from_micros
from tranship.engine import events as ev
from tranship.engine.rows import part_id, rest_id
from tranship.rates.compile import compile_tables
from tranship.rates.quote import quote
from tranship.rates.tables import RateTables
from tranship.routing.model import REASON_WORDS, Decision, Gate, Part, Reason, Why
from tranship.store.port import Store

REST_WORDS = {
    "no_stock": "no node that may ship them has them",
    "node_shut": "the nodes that have them are closed or full",
    "no_node": "no node may ship them there",
    "bundle": "a bundle and its parts in one order want the same units",
    "cap": "the share cap has no room, and the independent side cannot fill them",
    "larger_than_window": "larger than the share cap's window ever allows, and the independent side cannot fill them",
    "max_parts": "the order would become more fulfillment orders than the policy allows",
    "no_split": "no single node has them all, and the policy does not split",
}
"""Why units wait, in words."""


class Charge(msgspec.Struct, frozen=True):
    """One line of a quote, in micros."""

    name: str
    detail: str
    micros: int


class PartStory(msgspec.Struct, frozen=True):
    """A fulfillment order: where from, what, when, and what each charge is."""

    id: str
    node: str
    network: str
    units: int
    lines: tuple[tuple[str, int], ...]  # SKU, quantity
    ship_on: str
    deliver_on: str
    late: bool
    breach: bool
    charges: tuple[Charge, ...]
    cost: int
    adds_up: bool


class NodeStory(msgspec.Struct, frozen=True):
    """Why a node ships something of the order, or does not."""

    node: str
    verdict: str
    zone: int


class DecisionStory(msgspec.Struct, frozen=True):
    """One decision: the order's first, or one about units that were parked."""

    seq: int
    at: str
    about: str
    parts: tuple[PartStory, ...]
    waits: tuple[str, ...]
    nodes: tuple[NodeStory, ...]
    caps: tuple[str, ...]
    alternatives: tuple[str, ...]
    cost: int
    rates: str
    price_date: str
    network_version: int


class Story(msgspec.Struct, frozen=True):
    """Everything that happened to one order, in order."""

    order: str
    placed_at: str
    channel: str
    to: str
    person: str
    promise: str
    units: int
    lines: int
    currency: str
    status: str
    decisions: tuple[DecisionStory, ...]
    later: tuple[str, ...]


def explain(store: Store, name: str) -> Story:
    """The story of the order with this id or number; InputError, naming near ones, where there is none."""
    order_id, status = _find(store, name)
    history = _history(store, order_id)
    accepted = next(event for _, event in history if isinstance(event, ev.OrderAccepted))
    order = accepted.order
    books = _Books(store)
    decisions = tuple(
        _decision(books, seq, order, event) for seq, event in history if isinstance(event, ev.OrderRouted)
    )
    later = tuple(words for seq, event in history for words in _later(books, seq, order_id, order, event))
    return Story(
        order=order_id,
        placed_at=_time(order.placed_at),
        channel=order.channel,
        to=" ".join(word for word in (order.to.state, order.to.zip, order.to.country) if word),
        person=order.person_id,
        promise=day_to_date(accepted.promise_day).isoformat(),
        units=sum(line.qty for line in order.lines),
        lines=len(order.lines),
        currency=order.currency,
        status=status,
        decisions=decisions,
        later=later,
    )


def _find(store: Store, name: str) -> tuple[str, str]:
    rows = store.query("SELECT order_id, status FROM orders WHERE order_id = ?", (name,))
    rows = rows or store.query("SELECT order_id, status FROM orders WHERE number = ? LIMIT 3", (name,))
    if len(rows) > 1:
        raise InputError(f"{name!r} is the number of {len(rows)} orders", hint=f"Name one: {rows[0][0]}, {rows[1][0]}.")
    if rows:
        return str(rows[0][0]), str(rows[0][1])
    near = store.query("SELECT order_id FROM orders WHERE number >= ? ORDER BY number LIMIT 3", (name,))
    hint = f"Near: {', '.join(str(row[0]) for row in near)}." if near else "The run has no such order."
    raise InputError(f"no order {name!r}", hint=hint)


def _history(store: Store, order_id: str) -> list[tuple[int, ev.Event]]:
    """Events that name the order. Payloads are searched by the id's bytes, then read: an id may be part of another's."""
    rows = store.query(
        "SELECT seq, payload FROM journal WHERE seq >= (SELECT seq FROM command WHERE key = ?)"
        " AND instr(payload, ?) > 0 ORDER BY seq",
        (f"order/{order_id.replace(':', '/', 1)}", order_id.encode()),
    )
    found = [(int(str(seq)), ev.decode(bytes(payload))) for seq, payload in rows if isinstance(payload, bytes)]
    return [(seq, event) for seq, event in found if _names(event, order_id)]


def _names(event: ev.Event, order_id: str) -> bool:
    if isinstance(event, ev.PartsShipped | ev.PartsDelivered):
        return any(key[0] == order_id for key in event.parts)
    return getattr(event, "order_id", getattr(event, "subject", "")) == order_id


class _Books:
    """Network documents and rate tables in force at a journal row, compiled once each."""

    def __init__(self, store: Store) -> None:
        rows = store.query("SELECT seq, payload FROM journal WHERE kind = 'network' ORDER BY seq")
        self._loads = [(int(str(seq)), ev.decode(bytes(p))) for seq, p in rows if isinstance(p, bytes)]
        self._store = store
        self._networks: dict[str, NetworkFile] = {}
        self._tables: dict[tuple[str, int], RateTables] = {}

    def network(self, seq: int) -> tuple[NetworkFile, str, int]:
        """(network document, its hash, its version) in force when row `seq` was written."""
        load = next(event for at, event in reversed(self._loads) if at <= seq)
        assert isinstance(load, ev.NetworkLoaded)
        if load.sha256 not in self._networks:
            self._networks[load.sha256] = from_document(self._store.document(load.sha256))
        return self._networks[load.sha256], load.sha256, load.version

    def tables(self, seq: int, day: int) -> RateTables:
        """Rate tables of that document for a price date."""
        network, sha, _ = self.network(seq)
        if (sha, day) not in self._tables:
            self._tables[sha, day] = compile_tables(network, day)
        return self._tables[sha, day]


def _decision(books: _Books, seq: int, order: Order, event: ev.OrderRouted) -> DecisionStory:
    network, _, version = books.network(seq)
    decision, why = event.decision, event.decision.why
    tables = books.tables(seq, why.day)
    zip3 = int(order.to.zip[:3]) if order.to.zip[:3].isdigit() else -1
    zones = [int(tables.zone3[n, zip3]) if zip3 >= 0 else 0 for n in range(len(network.nodes))]
    parts = tuple(_part(network, tables, event.order_id, order, part, zones, decision) for part in decision.parts)
    waits = tuple(
        f"{sum(rest.quantities)} units of {len(rest.lines)} lines: {rest.action} as {rest_id(event.order_id, rest.number)}"
        f" - {REST_WORDS.get(rest.reason, rest.reason)}"
        for rest in decision.rests
    )
    about = "the order as it came" if not event.rest else f"parked part {rest_id(event.order_id, event.rest)} again"
    return DecisionStory(
        seq=seq,
        at=_time(event.at),
        about=about,
        parts=parts,
        waits=waits,
        nodes=_nodes(network, why, decision, zones),
        caps=tuple(_gate(gate) for gate in why.gates),
        alternatives=_alternatives(network, why, sum(part.cost for part in decision.parts), order.currency),
        cost=sum(part.cost for part in decision.parts),
        rates=why.rates,
        price_date=day_to_date(why.day).isoformat(),
        network_version=version,
    )


def _part(
    network: NetworkFile,
    tables: RateTables,
    order_id: str,
    order: Order,
    part: Part,
    zones: list[int],
    decision: Decision,
) -> PartStory:
    node = network.nodes[part.node]
    index = network.sku_index()
    lines = [(order.lines[i].sku, q) for i, q in zip(part.lines, part.quantities, strict=True)]
    units: dict[int, int] = {}
    for other in decision.parts:
        row = int(tables.unit_row[other.node])
        units[row] = units.get(row, 0) + sum(other.quantities)
    priced = quote(
        tables,
        network,
        node=part.node,
        lines=[(index[sku], q) for sku, q in lines],
        zone=zones[part.node],
        residential=order.to.residential,
        order_units=units,
    )
    return PartStory(
        id=part_id(order_id, part.number),
        node=node.code,
        network=node.network,
        units=sum(part.quantities),
        lines=tuple(lines),
        ship_on=day_to_date(part.ship_day).isoformat(),
        deliver_on=day_to_date(part.deliver_day).isoformat(),
        late=part.late,
        breach=part.breach,
        charges=tuple(Charge(p.name, p.detail, p.micros) for p in priced.parts),
        cost=part.cost,
        adds_up=priced.micros == part.cost,
    )


def _nodes(network: NetworkFile, why: Why, decision: Decision, zones: list[int]) -> tuple[NodeStory, ...]:
    used = {part.node for part in decision.parts}
    out = []
    for n, node in enumerate(network.nodes):
        reason = Reason(why.nodes[n]) if n < len(why.nodes) else Reason.OK
        verdict = "ships" if n in used else "could ship, but dearer" if reason is Reason.OK else REASON_WORDS[reason]
        out.append(NodeStory(node.code, verdict, zones[n]))
    return tuple(out)


def _gate(gate: Gate) -> str:
    words = f"{gate.network}: {gate.capped:,} of the last {gate.inside:,} counted, {gate.limit:,} allowed"
    if gate.price:
        words += f"; a place under the cap was priced at {gate.price / 1e6:.2f}"
    return words + ("; no room for this order" if gate.closed else "")


def _alternatives(network: NetworkFile, why: Why, cost: int, currency: str) -> tuple[str, ...]:
    because = {
        "dearer": "not chosen",
        "cap": "ruled out by the share cap",
        "reserve": "kept free for orders that only the capped network can fill",
        "tier": "ruled out by a preference",
    }
    out = []
    for other in why.alternatives:
        names = " + ".join(network.nodes[n].code for n in other.nodes)
        gap = (other.cost - cost) / 1e6
        if other.cost < 0:
            out.append(f"{names}: {because[other.ruled_out]}")
        else:
            out.append(f"{names}: {other.cost / 1e6:,.2f} {currency} ({gap:+,.2f}), {because[other.ruled_out]}")
    return tuple(out)


def _later(books: _Books, seq: int, order_id: str, order: Order, event: ev.Event) -> list[str]:
    at = _time(event.at)
    if isinstance(event, ev.PartsShipped | ev.PartsDelivered):
        word = "shipped" if isinstance(event, ev.PartsShipped) else "arrived (projected)"
        mine = [part_id(*key) for key in event.parts if key[0] == order_id]
        return [f"{at} {', '.join(mine)} {word}"]
    if isinstance(event, ev.CancelTaken):
        return [f"{at} customer takes back {event.quantity} of {order.lines[event.line].sku} ({event.ref})"]
    if isinstance(event, ev.PartVoided):
        whole = ", nothing of it is left" if event.whole else ""
        return [
            f"{at} {sum(event.quantities)} units of {part_id(order_id, event.number)} voided before shipping{whole}"
        ]
    if isinstance(event, ev.UnitsReturned):
        return [f"{at} {sum(event.quantities)} units of {part_id(order_id, event.number)} returned"]
    if isinstance(event, ev.RestReduced):
        return [f"{at} {sum(event.quantities)} parked units of {rest_id(order_id, event.number)} {event.reason}"]
    if isinstance(event, ev.Excepted):
        return [f"{at} exception {event.kind}: {event.detail}"]
    return []


def _time(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%d %H:%M UTC")
