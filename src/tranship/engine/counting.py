"""Stock truth: a network's count beside what the books can explain. The difference is posted and shown, the count never overwrites.

What a network has been told of and we have not heard back about may have left already, so the books explain a range, not a number.
A shortage leaves the shelf at once. A surplus is sold only where units are missing in the books, and where two counts in a row, with
nothing leaving in between, both show it: a count that lags looks just like a surplus.
"""

from collections.abc import Iterator

from tranship.core.errors import InputError
from tranship.core.ledger import Bucket
from tranship.dispatch.model import CANNOT_SHIP, SENDING
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.state import State

SECOND = 1_000_000
CONFIRM_S = 60
"""Seconds that lie at least between two counts before the second confirms the first."""
DRIFT = "drift"
"""Beginning of the reason why a shelf was closed by a count: such a shelf opens by itself when a count agrees again."""


def count_stock(state: State, command: cmd.CountStock) -> Iterator[ev.Event]:
    """Post what a count differs by; close a SKU whose count is far off, open it again when it agrees."""
    node, at = command.node, command.at
    network = state.require_network()
    if not 0 <= node < len(network.nodes):
        raise InputError(f"node #{node} does not exist", where=f"count {command.ref}")
    if len({len(command.skus), len(command.counted), len(command.inbound)}) != 1:
        raise InputError("as many SKUs as counts are needed", where=f"count {command.ref}")
    if any(not 0 <= sku < len(state.skus) or sku in state.bundles for sku in command.skus):
        raise InputError("a SKU that does not exist or is a bundle", where=f"count {command.ref}")
    if len(set(command.skus)) != len(command.skus) or any(count < 0 for count in command.counted):
        raise InputError("a SKU counted twice, or a negative count", where=f"count {command.ref}")
    yield ev.Took(command, at)
    event = _compared(state, command)
    if event.skus:
        yield event
        yield from _shelves(state, event)


def _compared(state: State, command: cmd.CountStock) -> ev.StockCounted:
    node, at = command.node, command.at
    balance = state.ledger.balance
    maybe_gone = _maybe_gone(state, node)
    low, high, missing, found = [], [], [], []
    for sku, count in zip(command.skus, command.counted, strict=True):
        shelf, reserved = int(balance[Bucket.FULFILLABLE, sku, node]), int(balance[Bucket.RESERVED, sku, node])
        most = shelf + reserved + int(balance[Bucket.RESEARCHING, sku, node])
        least = most - maybe_gone.get(sku, 0)
        low.append(least)
        high.append(most)
        missing.append(min(max(0, least - count), shelf))
        owed = max(0, int(balance[Bucket.UNACCOUNTED, sku, node]))
        found.append(min(max(0, count - most), owed, _confirmed(state, sku, node, at)))
    return ev.StockCounted(
        node, command.skus, command.counted, command.inbound,
        tuple(low), tuple(high), tuple(missing), tuple(found), at,
    )  # fmt: skip


def _maybe_gone(state: State, node: int) -> dict[int, int]:
    """Units of each SKU that the network may have sent off without our knowing yet."""
    units: dict[int, int] = {}
    for remote_id in state.open_dispatches:
        d = state.dispatches[remote_id]
        if d.node != node or d.state in CANNOT_SHIP or (d.state == SENDING and d.hold):
            continue
        order = state.orders[d.order_id]
        part = order.parts[d.number]
        for line, quantity in zip(part.lines, part.quantities, strict=True):
            sku = order.skus[line]
            for piece, count in state.bundles.get(sku, ((sku, 1),)):
                units[piece] = units.get(piece, 0) + quantity * count
    return units


def _confirmed(state: State, sku: int, node: int, at: int) -> int:
    """Surplus that the count before this one showed as well, with nothing leaving since."""
    surplus, when = state.counts_seen.get((sku, node), (0, 0))
    connection = state.connected.get(node)
    lag = (connection.capability.read_lag_s if connection is not None else 0) * SECOND
    if not surplus or at - when < CONFIRM_S * SECOND or state.left_at.get((sku, node), 0) > when - lag:
        return 0
    return surplus


def _shelves(state: State, event: ev.StockCounted) -> Iterator[ev.Event]:
    network, node, at = state.require_network(), event.node, event.at
    connection = state.connected.get(node)
    limit = connection.drift_limit if connection is not None else 0
    for sku, count, low in zip(event.skus, event.counted, event.low, strict=True):
        differs, reason = state.drifts.get((sku, node), 0), state.shelves.get((sku, node))
        subject = f"{network.nodes[node].code}/{network.skus[sku].code}"
        if reason is None and abs(differs) > limit:
            units = int(state.ledger.balance[Bucket.FULFILLABLE, sku, node])
            detail = f"counted {count}, the books explain {low} at least: {differs:+} units; not sold there until it is cleared"
            yield ev.ShelfSwitched(node, sku, True, units, f"{DRIFT} {differs:+}", at)
            yield ev.Excepted(DRIFT, subject, detail, at)
        elif reason is not None and reason.startswith(DRIFT) and not differs:
            yield ev.ShelfSwitched(node, sku, False, frozen(state, sku, node), "a count agrees again", at)


def frozen(state: State, sku: int, node: int) -> int:
    """Units in research at a node for the shelf's sake: all but those that the network may hold for orders that went elsewhere."""
    held = sum(q for at, pairs in state.ghosts.values() if at == node for each, q in pairs if each == sku)
    return int(state.ledger.balance[Bucket.RESEARCHING, sku, node]) - held


def switch_shelf(state: State, command: cmd.SwitchShelf) -> Iterator[ev.Event]:
    """A person closes or opens one SKU at one node."""
    for name, code, known in (("node", command.node, state.nodes), ("SKU", command.sku, state.skus)):
        if code not in known:
            raise InputError(f"unknown {name} {code!r}", where="shelf")
    sku, node = state.skus[command.sku], state.nodes[command.node]
    if sku in state.bundles:
        raise InputError(f"{command.sku} is a bundle", where="shelf", hint="Close one of its parts.")
    is_closed = (sku, node) in state.shelves
    if is_closed is command.closed:
        raise InputError(
            f"{command.sku} is {'closed' if is_closed else 'open'} at {command.node} already", where="shelf"
        )
    yield ev.Took(command, command.at)
    units = int(state.ledger.balance[Bucket.FULFILLABLE, sku, node]) if command.closed else frozen(state, sku, node)
    yield ev.ShelfSwitched(node, sku, command.closed, units, command.reason, command.at)
