"""`tranship explain ORDER`: the full story of an order, rendered from what the journal holds and priced again from the tables.

The journal keeps a decision compactly; here it is told in words, and every cost is quoted anew: the charges of a fulfillment
order add up to the cost the decision was taken with, or the story says that they do not.
"""

from typing import NamedTuple

import msgspec

from tranship.connectors.netfile import from_document
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile
from tranship.core.order import Destination, Order
from tranship.core.time import day_to_date, from_micros
from tranship.engine import events as ev
from tranship.engine.attempts import Heard, evidence, policies
from tranship.engine.leak_words import leak_words
from tranship.engine.network_commands import CancelUnits, Recall, SendTo
from tranship.engine.rows import part_id, rest_id
from tranship.rates.compile import compile_tables
from tranship.rates.quote import quote
from tranship.rates.tables import RateTables
from tranship.routing.model import REASON_WORDS, Decision, Gate, Part, Reason, Why
from tranship.routing.prices.model import PriceTables, decode
from tranship.store.port import Store

REST_WORDS = {
    "no_stock": "no node that may ship them has them",
    "node_shut": "the nodes that have them are closed or full",
    "no_node": "no node may ship them there",
    "leak": "the leak budget keeps them off the network that has them, and nobody else can fill them",
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
    on_time_bp: int = 10_000  # probability of arriving by the promise, as it was known at the decision


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
    prices: tuple[str, ...]  # what the decision counted beside its charges: stock and node days; empty: no price book
    cost: int
    rates: str
    price_date: str
    network_version: int
    leaks: tuple[str, ...] = ()  # what leak budgets said of the order; empty: no budget was in force


class AttemptStory(msgspec.Struct, frozen=True):
    """One attempt to hand a fulfillment order over: its id in the network, and every step with what was heard."""

    id: str
    fulfillment_order: str
    node: str
    state: str
    steps: tuple[str, ...]
    parcels: tuple[str, ...]
    policy: str = ""  # the first signs of the hash of the masking policy that its bytes were made under


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
    attempts: tuple[AttemptStory, ...] = ()


def explain(store: Store, name: str) -> Story:
    """The story of the order with this id or number; InputError, naming near ones, where there is none."""
    order_id, status = _find(store, name)
    history = _history(store, order_id)
    accepted = next(event for _, event in history if isinstance(event, ev.OrderAccepted))
    order = accepted.order
    books = _Books(store)
    decisions = tuple(
        _decision(books, seq, _sent_to(order, history, seq), taken, _unsendable(history, seq))
        for seq, event in history
        for taken in _taken(order_id, event)
    )
    attempts = _attempts(books, history)
    handed = {attempt.fulfillment_order for attempt in attempts}
    later = tuple(words for _, event in history for words in _later(order_id, order, event, handed))
    return Story(
        order=order_id,
        placed_at=_time(order.placed_at),
        channel=order.channel,
        to=_place(_sent_to(order, history, history[-1][0] + 1).to),
        person=order.person_id,
        promise=day_to_date(accepted.promise_day).isoformat(),
        units=sum(line.qty for line in order.lines),
        lines=len(order.lines),
        currency=order.currency,
        status=status,
        decisions=decisions,
        later=later,
        attempts=attempts,
    )


def _place(to: Destination) -> str:
    return " ".join(word for word in (to.state, to.zip, to.country) if word)


def _sent_to(order: Order, history: list[tuple[int, ev.Event]], seq: int) -> Order:
    """The order with the address that it had at a journal row."""
    changes = [event.to for at, event in history if isinstance(event, ev.AddressChanged) and at < seq]
    return msgspec.structs.replace(order, to=changes[-1]) if changes else order


def _unsendable(history: list[tuple[int, ev.Event]], seq: int) -> dict[int, str]:
    """Nodes that the order could not be told to at a journal row, and what stood against it."""
    found: dict[int, str] = {}
    for at, event in history:
        if at < seq and isinstance(event, ev.FoundUnsendable):
            found.update(dict.fromkeys(event.nodes, f"{event.leaf} {event.why}"))
        elif at < seq and isinstance(event, ev.AddressChanged):
            found.clear()
    return found


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
    if isinstance(event, ev.OrdersMoved):
        return any(move.order_id == order_id for move in event.moves)
    if isinstance(event, ev.Dispatched):
        return event.dispatch.order_id == order_id
    if isinstance(event, ev.Took):
        return isinstance(event.command, Recall | SendTo | CancelUnits) and event.command.order_id == order_id
    if isinstance(event, ev.Excepted):
        return event.subject == order_id or event.subject.startswith(f"{order_id}/")
    return getattr(event, "order_id", "") == order_id


def _attempts(books: "_Books", history: list[tuple[int, ev.Event]]) -> tuple[AttemptStory, ...]:
    """The hand-over, attempt by attempt."""
    steps: dict[str, list[Heard]] = {}
    for seq, event in history:
        if isinstance(event, ev.Dispatched):
            steps.setdefault(event.dispatch.remote_id, []).append(Heard(event.at, seq, event))
    found = []
    under = policies(books.store, list(steps))
    for remote_id, heard in steps.items():
        last = heard[-1].event.dispatch
        network, _, _ = books.network(heard[-1].seq)
        found.append(
            AttemptStory(
                remote_id,
                part_id(last.order_id, last.number),
                network.nodes[last.node].code,
                last.state,
                evidence(heard),
                tuple(f"{p.carrier} {p.tracking} {p.status.lower()}".strip() for p in last.parcels),
                under.get(remote_id, ""),
            )
        )
    return tuple(found)


class _Books:
    """Network documents and rate tables in force at a journal row, compiled once each."""

    def __init__(self, store: Store) -> None:
        rows = store.query("SELECT seq, payload FROM journal WHERE kind = 'network' ORDER BY seq")
        self._loads = [(int(str(seq)), ev.decode(bytes(p))) for seq, p in rows if isinstance(p, bytes)]
        rows = store.query("SELECT seq, payload FROM journal WHERE kind = 'prices' ORDER BY seq")
        books = [ev.decode(bytes(p)) for _, p in rows if isinstance(p, bytes)]
        self._books = {event.version: event for event in books if isinstance(event, ev.PricesSet)}
        self._prices: dict[int, PriceTables] = {}
        self.store = store
        self._networks: dict[str, NetworkFile] = {}
        self._tables: dict[tuple[str, int], RateTables] = {}

    def network(self, seq: int) -> tuple[NetworkFile, str, int]:
        """(network document, its hash, its version) in force when row `seq` was written."""
        load = next(event for at, event in reversed(self._loads) if at <= seq)
        assert isinstance(load, ev.NetworkLoaded)
        if load.sha256 not in self._networks:
            self._networks[load.sha256] = from_document(self.store.document(load.sha256))
        return self._networks[load.sha256], load.sha256, load.version

    def tables(self, seq: int, day: int) -> RateTables:
        """Rate tables of that document for a price date."""
        network, sha, _ = self.network(seq)
        if (sha, day) not in self._tables:
            self._tables[sha, day] = compile_tables(network, day)
        return self._tables[sha, day]

    def prices(self, version: int) -> tuple[PriceTables, ev.PricesSet]:
        """A price book by its version, and the event that brought it into force."""
        event = self._books[version]
        if version not in self._prices:
            book = decode(self.store.document(event.sha256))
            self._prices[version] = PriceTables(book, version, book.skus, book.nodes)
        return self._prices[version], event


class _Taken(NamedTuple):
    """A decision about an order, and what it was about."""

    order_id: str
    about: str
    decision: Decision
    at: int


def _taken(order_id: str, event: ev.Event) -> list[_Taken]:
    """The decision that an event holds about the order, if any."""
    if isinstance(event, ev.OrderRouted):
        about = "the order as it came" if not event.rest else f"parked part {rest_id(order_id, event.rest)} again"
        return [_Taken(order_id, about, event.decision, event.at)]
    if not isinstance(event, ev.OrdersMoved):
        return []
    return [
        _Taken(order_id, _move_words(event, move), move.decision, event.at)
        for move in event.moves
        if move.order_id == order_id
    ]


def _move_words(event: ev.OrdersMoved, move: ev.Move) -> str:
    left = [part_id(move.order_id, number) for number in move.released]
    left += [rest_id(move.order_id, number) for number in move.joined]
    words = f"{', '.join(left)} once more before release"
    if move.gain:
        words += f", {abs(move.gain) / 1e6:,.2f} {'saved' if move.gain > 0 else 'more'} with prices"
    others = [other.order_id for other in event.moves if other.order_id != move.order_id]
    return words + (f", in exchange with {others[0]}" if others else "")


def _decision(books: _Books, seq: int, order: Order, event: _Taken, unsendable: dict[int, str]) -> DecisionStory:
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
    return DecisionStory(
        seq=seq,
        at=_time(event.at),
        about=event.about,
        parts=parts,
        waits=waits,
        nodes=_nodes(network, why, decision, zones, unsendable),
        caps=tuple(_gate(network, gate) for gate in why.gates),
        alternatives=_alternatives(network, why, sum(part.cost for part in decision.parts), order.currency),
        prices=_prices(books, network, order, decision) if why.prices else (),
        cost=sum(part.cost for part in decision.parts),
        rates=why.rates,
        price_date=day_to_date(why.day).isoformat(),
        network_version=version,
        leaks=tuple(leak_words(gate, network) for gate in why.leaks),
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
        on_time_bp=part.on_time_bp,
    )


def _nodes(
    network: NetworkFile, why: Why, decision: Decision, zones: list[int], unsendable: dict[int, str]
) -> tuple[NodeStory, ...]:
    used = {part.node for part in decision.parts}
    out = []
    for n, node in enumerate(network.nodes):
        reason = Reason(why.nodes[n]) if n < len(why.nodes) else Reason.OK
        verdict = "ships" if n in used else "could ship, but dearer" if reason is Reason.OK else REASON_WORDS[reason]
        if reason is Reason.CLOSED and n in unsendable and n not in used:
            verdict = f"not sendable there: {unsendable[n]}"
        out.append(NodeStory(node.code, verdict, zones[n]))
    return tuple(out)


def _gate(network: NetworkFile, gate: Gate) -> str:
    words = f"{gate.network}: {gate.capped:,} of the last {gate.inside:,} counted, {gate.limit:,} allowed"
    if gate.price:
        measure = next((cap.measure for cap in network.caps if cap.network == gate.network), "")
        each = {"units": "a unit", "value": "each 1.00 of value"}.get(measure, "a place")
        micros = gate.price * 100 if measure == "value" else gate.price
        words += f"; {each} under the cap was priced at {micros / 1e6:.2f}"
    return words + ("; no room for this order" if gate.closed else "")


def _prices(books: _Books, network: NetworkFile, order: Order, decision: Decision) -> tuple[str, ...]:
    """The book, what it added to each fulfillment order, and what the same units would have added at other nodes that were looked at."""
    book, event = books.prices(decision.why.prices)
    index = network.sku_index()
    words = [f"price book {book.version} of {_time(event.at)} ({event.reason})"]
    units: list[tuple[int, int]] = []
    for part in decision.parts:
        mine = [(index[order.lines[i].sku], q) for i, q in zip(part.lines, part.quantities, strict=True)]
        units += mine
        stock = _stock_price(book, network, index, mine, part.node)
        days = sum(q for _, q in mine) * book.node_days.get((part.node, part.ship_day), 0)
        day = day_to_date(part.ship_day).isoformat()
        words.append(
            f"{network.nodes[part.node].code}: stock {_money(stock)}, work of {day} {_money(days)} {order.currency}"
        )
    for other in decision.why.alternatives:
        if len(other.nodes) == 1 and units:
            stock = _stock_price(book, network, index, units, other.nodes[0])
            words.append(f"instead {network.nodes[other.nodes[0]].code}: stock {_money(stock)} {order.currency}")
    return tuple(dict.fromkeys(words))


def _stock_price(
    book: PriceTables, network: NetworkFile, index: dict[str, int], lines: list[tuple[int, int]], node: int
) -> int:
    total = 0
    for sku, quantity in lines:
        parts = [(index[code], count) for code, count in network.skus[sku].parts] or [(sku, 1)]
        for part, count in parts:
            if (
                part < book.stock.shape[0] and node < book.stock.shape[1]
            ):  # what came with a later document has no price
                total += quantity * count * int(book.stock[part, node])
    return total


def _money(micros: int) -> str:
    return f"{micros / 1e6:,.4f}"


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


def _later(order_id: str, order: Order, event: ev.Event, handed: set[str]) -> list[str]:
    """What an event says, in words; `handed`: fulfillment orders that a network had, so that it says when they arrive."""
    at = _time(event.at)
    if isinstance(event, ev.PartsShipped | ev.PartsDelivered):
        mine = [part_id(*key) for key in event.parts if key[0] == order_id]
        said = set(mine) <= handed
        word = "shipped" if isinstance(event, ev.PartsShipped) else "arrived" if said else "arrived (projected)"
        return [f"{at} {', '.join(mine)} {word}"]
    if isinstance(event, ev.OrdersMoved):
        move = next(move for move in event.moves if move.order_id == order_id)
        left = [part_id(order_id, number) for number in move.released]
        to = [part_id(order_id, part.number) for part in move.decision.parts]
        return [
            f"{at} moved before release: {', '.join(to)} {'ships' if len(to) == 1 else 'ship'} for {', '.join(left) or 'what was parked'}"
        ]
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
    if isinstance(event, ev.CancelAsked):
        what = part_id(order_id, event.number)
        return [f"{at} {sum(event.quantities)} units of {what} are void once its network gives them back"]
    if isinstance(event, ev.Took) and isinstance(event.command, Recall):
        numbers = ", ".join(part_id(order_id, number) for number in event.command.numbers) or "all of it"
        return [f"{at} called back by hand: {numbers}, because {event.command.reason}"]
    if isinstance(event, ev.FoundUnsendable):
        what = part_id(order_id, event.number)
        return [f"{at} {what} goes elsewhere: not sendable where it was: {event.leaf} {event.why}"]
    if isinstance(event, ev.AddressChanged):
        return [f"{at} a new address, in {_place(event.to)} ({event.ref})"]
    if isinstance(event, ev.Took) and isinstance(event.command, CancelUnits):
        words = [f"{units} of line {key}" for key, units in event.command.lines]
        return [f"{at} customer cancels {', '.join(words) or 'all of it'} ({event.command.ref})"]
    if isinstance(event, ev.Took) and isinstance(event.command, SendTo):
        what = part_id(order_id, event.command.number)
        return [f"{at} sent to {event.command.node} by hand: {what}, because {event.command.reason}"]
    if isinstance(event, ev.Excepted):
        return [f"{at} exception {event.kind}: {event.detail}"]
    return []


def _time(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%d %H:%M UTC")
