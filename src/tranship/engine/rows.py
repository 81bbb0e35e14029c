"""Relational rows that follow from an event: what SQL users, reports and the service read. Pure; called after `evolve`."""

from collections.abc import Iterable

import msgspec
import numpy as np

from tranship.core.ledger import Bucket
from tranship.dispatch.alerting import KINDS
from tranship.engine import events as ev
from tranship.engine.state import CANCELLED, DELIVERED, PROCESSING, SHIPPED, PartState, State
from tranship.routing.model import Decision
from tranship.store.port import (
    Batch,
    DispatchRow,
    DocumentRow,
    ExceptionRow,
    LineRow,
    OrderRow,
    OutboxRow,
    ParkedRow,
    PartRow,
    SkuAliasRow,
)

MICROS_PER_DAY = 86_400_000_000
ALERT = "alert"
"""Topic of outbox rows that wait until somebody was told."""
_pack = msgspec.msgpack.Encoder().encode


def part_id(order_id: str, number: int) -> str:
    """Id of a fulfillment order: its order's id and its number."""
    return f"{order_id}/{number}"


def rest_id(order_id: str, number: int) -> str:
    """Id of a parked part."""
    return f"{order_id}/p{number}"


def project(state: State, event: ev.Event, seq: int, batch: Batch) -> None:
    """Add the rows of one event, already applied to `state`, to the batch of its transaction."""
    if isinstance(event, ev.OrderAccepted):
        _accepted(event, batch)
    elif isinstance(event, ev.OrderRouted):
        _routed(state, event, seq, batch)
    elif isinstance(event, ev.OrdersMoved):
        _moved(state, event, seq, batch)
    elif isinstance(event, ev.PartsShipped | ev.PartsDelivered):
        _moved_on(state, event, seq, batch)
        if isinstance(event, ev.PartsDelivered) and state.connected:
            _expiring(state, event, batch)
    elif isinstance(event, ev.PartVoided):
        _voided(state, event, seq, batch)
    elif isinstance(event, ev.RestReduced):
        _reduced(state, event, batch)
    elif isinstance(event, ev.NetworkLoaded):
        batch.documents.append(DocumentRow(event.sha256, "network", state.documents(event.sha256)))
    elif isinstance(event, ev.PricesSet):
        batch.documents.append(DocumentRow(event.sha256, "prices", state.documents(event.sha256)))
    elif isinstance(event, ev.LeakPlanSet):
        batch.documents.append(DocumentRow(event.sha256, "leak_plan", state.documents(event.sha256)))
    elif isinstance(event, ev.AddressChanged):
        batch.order_to.append((event.to.zip, event.to.state, event.to.country, event.order_id))
    elif isinstance(event, ev.Dispatched):
        _dispatched(state, event, batch)
    elif isinstance(event, ev.AliasesSet):
        batch.sku_aliases += [
            SkuAliasRow(row.alias, event.network, row.sku, row.epoch, row.state, event.at) for row in event.rows
        ]
    elif isinstance(event, ev.Excepted):
        batch.exceptions.append(ExceptionRow(seq, event.at, event.kind, event.subject, event.detail))
        if event.kind in KINDS and state.network is not None and state.network.alerts.contacts:
            batch.outbox.append(OutboxRow(alert_row(seq), seq, ALERT, event.kind.encode()))


def alert_row(seq: int) -> str:
    """The outbox row of the exception in a journal row."""
    return f"{seq}.alert"


def _accepted(event: ev.OrderAccepted, batch: Batch) -> None:
    order_id, order = event.order_id, event.order
    units = sum([line.qty for line in order.lines])
    batch.orders.append(
        OrderRow(
            event.order_id,
            order.source,
            order.number,
            order.channel,
            order.placed_at,
            order.person_id,
            order.to.zip,
            order.to.state,
            order.to.country,
            len(order.lines),
            units,
            order.value_minor,
            order.currency,
            event.promise_day,
            PROCESSING,  # what nearly every order is once its decision, the next event, has come
        )
    )
    batch.lines.extend(
        [
            LineRow(order_id, i, line.key, line.sku, line.qty, line.unit_price_minor)
            for i, line in enumerate(order.lines)
        ]
    )


def _routed(state: State, event: ev.OrderRouted, seq: int, batch: Batch) -> None:
    order_id = event.order_id
    if event.rest:
        batch.unparked.append((rest_id(order_id, event.rest),))
    _decided(state, order_id, event.decision, seq, "", event.at, batch)
    status = state.orders[order_id].status()
    if not event.rest and batch.orders and batch.orders[-1].order_id == order_id:  # the order's row is not written yet
        if status != PROCESSING:
            batch.orders[-1] = batch.orders[-1]._replace(status=status)
    else:
        batch.order_status.append((status, order_id))


def _decided(state: State, order_id: str, decision: Decision, seq: int, mark: str, at: int, batch: Batch) -> None:
    """Rows of what a decision places and parks; `mark` tells messages of one event apart."""
    nodes = state.require_network().nodes
    for part in decision.parts:
        node = nodes[part.node]
        pid = part_id(order_id, part.number)
        lines = _pack(list(zip(part.lines, part.quantities, strict=True)))
        batch.parts.append(
            PartRow(
                pid,
                order_id,
                node.code,
                node.network,
                at,
                part.ship_day,
                part.deliver_day,
                int(part.late),
                sum(part.quantities),
                part.cost,
                PROCESSING,
                lines,
            )
        )
        batch.outbox.append(OutboxRow(f"{seq}.{mark}{part.number}", seq, "part.committed", pid.encode()))
    for rest in decision.rests:
        if rest.action != "cancel":
            lines = _pack(list(zip(rest.lines, rest.quantities, strict=True)))
            batch.parked.append(
                ParkedRow(
                    rest_id(order_id, rest.number),
                    order_id,
                    rest.reason,
                    state.orders[order_id].rests[rest.number].since,
                    rest.until_day,
                    sum(rest.quantities),
                    lines,
                )
            )


def _moved(state: State, event: ev.OrdersMoved, seq: int, batch: Batch) -> None:
    """What is given up stays as a row without units; what takes its place has rows of its own."""
    for k, move in enumerate(event.moves):
        for number in move.released:
            pid = part_id(move.order_id, number)
            batch.part_lines.append((0, _lines_of(state.orders[move.order_id].parts[number]), pid))
            batch.part_status.append((CANCELLED, pid))
            batch.outbox.append(OutboxRow(f"{seq}.{k}.{number}", seq, "part.voided", pid.encode()))
        batch.unparked.extend([(rest_id(move.order_id, number),) for number in move.joined])
        _decided(state, move.order_id, move.decision, seq, f"{k}.", event.at, batch)
        _status(state, move.order_id, batch)


def _status(state: State, order_id: str, batch: Batch) -> None:
    batch.order_status.append((state.orders[order_id].status(), order_id))


def _dispatched(state: State, event: ev.Dispatched, batch: Batch) -> None:
    d = event.dispatch
    node = state.require_network().nodes[d.node]
    batch.dispatches.append(
        DispatchRow(
            d.remote_id,
            part_id(d.order_id, d.number),
            d.order_id,
            node.code,
            node.connection,
            d.state,
            d.wish,
            d.remote,
            d.their_id,
            d.created_at,
            d.since,
            d.why,
        )
    )


def _moved_on(state: State, event: ev.PartsShipped | ev.PartsDelivered, seq: int, batch: Batch) -> None:
    status = SHIPPED if isinstance(event, ev.PartsShipped) else DELIVERED
    for order_id, number in event.parts:
        batch.part_status.append((status, part_id(order_id, number)))
    if status == SHIPPED:
        for order_id in dict.fromkeys(order_id for order_id, _ in event.parts):
            _status(state, order_id, batch)


def _expiring(state: State, event: ev.PartsDelivered, batch: Batch) -> None:
    """What a network's tokens of an order stand for is forgotten some time after all that it had of the order has arrived."""
    nodes = state.require_network().nodes
    for order_id, number in event.parts:
        parts = state.orders[order_id].parts
        mine = parts[number]
        connection = state.connected.get(mine.node)
        if connection is None or not connection.token_days or not mine.remote_id:
            continue
        network = nodes[mine.node].network
        under_way = (PROCESSING, SHIPPED)
        if not any(each.status in under_way and nodes[each.node].network == network for each in parts.values()):
            batch.token_expiry.append((event.at + connection.token_days * MICROS_PER_DAY, network, order_id))


def _lines_of(part: PartState) -> bytes:
    return _pack([[line, q] for line, q in zip(part.lines, part.quantities, strict=True)])


def _voided(state: State, event: ev.PartVoided, seq: int, batch: Batch) -> None:
    pid = part_id(event.order_id, event.number)
    part = state.orders[event.order_id].parts[event.number]
    batch.part_lines.append((part.units(), _lines_of(part), pid))
    if event.whole:
        batch.part_status.append((CANCELLED, pid))
        batch.outbox.append(OutboxRow(f"{seq}.{event.number}", seq, "part.voided", pid.encode()))
    _status(state, event.order_id, batch)


def _reduced(state: State, event: ev.RestReduced, batch: Batch) -> None:
    rid = rest_id(event.order_id, event.number)
    rest = state.orders[event.order_id].rests.get(event.number)
    if rest is None:
        batch.unparked.append((rid,))
    else:
        lines = _pack([[line, q] for line, q in zip(rest.lines, rest.quantities, strict=True)])
        batch.parked_lines.append((sum(rest.quantities), lines, rid))
    _status(state, event.order_id, batch)


class StockMoves:
    """Moves of one batch, summed per account just before the commit: far fewer rows than moves."""

    MOST_BY_HAND = 64  # moved lines up to which plain integers beat array overhead

    def __init__(self) -> None:
        self._moves: list[tuple[Bucket, Bucket, int, list[int], list[int]]] = []
        self._lines = 0

    def add(self, state: State) -> None:
        """Remember the moves of the event just evolved."""
        for move in state.moves:
            self._moves.append(move)
            self._lines += len(move[3])

    def into(self, state: State, batch: Batch) -> None:
        """Write the sums as stock rows of the batch."""
        if not self._moves:
            return
        network = state.require_network()
        nodes, skus = [node.code for node in network.nodes], network.skus
        accounts = self._by_hand() if self._lines <= self.MOST_BY_HAND else self._by_array(len(skus), len(nodes))
        batch.stock = {(nodes[node], skus[sku].code, bucket): delta for (bucket, sku, node), delta in accounts if delta}

    def _by_hand(self) -> Iterable[tuple[tuple[int, int, int], int]]:
        sums: dict[tuple[int, int, int], int] = {}
        for source, target, node, skus, quantities in self._moves:
            for sku, quantity in zip(skus, quantities, strict=True):
                taken, given = (int(source), sku, node), (int(target), sku, node)
                sums[taken] = sums.get(taken, 0) - quantity
                sums[given] = sums.get(given, 0) + quantity
        return sums.items()

    def _by_array(self, skus: int, nodes: int) -> Iterable[tuple[tuple[int, int, int], int]]:
        sums = np.zeros((len(Bucket), skus, nodes), np.int64)
        groups: dict[tuple[int, int, int], tuple[list[int], list[int]]] = {}
        for source, target, node, moved, quantities in self._moves:
            group = groups.setdefault((int(source), int(target), node), ([], []))
            group[0].extend(moved)
            group[1].extend(quantities)
        for (taken, given, node), (moved, quantities) in groups.items():
            per_sku = np.bincount(moved, weights=quantities, minlength=skus).astype(np.int64)  # exact below 2^53 units
            sums[taken, :, node] -= per_sku
            sums[given, :, node] += per_sku
        found = sums.nonzero()
        keys = zip(*(axis.tolist() for axis in found), strict=True)
        return zip(keys, sums[found].tolist(), strict=True)


def expected_stock(state: State) -> dict[tuple[str, str, int], int]:
    """Every non-zero account as the stock table should show it."""
    network = state.require_network()
    balance = state.ledger.balance
    out = {}
    for bucket, sku, node in zip(*(axis.tolist() for axis in balance.nonzero()), strict=True):
        out[network.nodes[node].code, network.skus[sku].code, int(Bucket(bucket))] = int(balance[bucket, sku, node])
    return out
