"""What routing is asked about an order, and what of the state it reads for the answer."""

import zlib

from tranship.core.network import FULL_BP
from tranship.core.time import MICROS_PER_HOUR
from tranship.engine.state import OrderState, State
from tranship.routing.model import Ask, Decision, Part, Rest
from tranship.routing.situation import Situation

MICROS_PER_DAY = 24 * MICROS_PER_HOUR


def situation(state: State, order_id: str = "") -> Situation:
    """The part of the state that routing reads, for one order."""
    return Situation(state.ledger.fulfillable, state.caps, state.used, shut_for(state, order_id), state.prices)


def shut_for(state: State, order_id: str) -> set[int]:
    """Nodes that take nothing of this order: closed, open to a share of orders that it is not in, or refused by their network."""
    shut = state.closed
    held = state.orders.get(order_id) if order_id else None
    if held is not None and held.refused:
        shut = shut | set(held.refused)
    if state.breakers:
        turn = zlib.crc32(order_id.encode()) % FULL_BP
        some = {n for n, each in state.breakers.items() if each.state == "half_open" and turn >= each.share_bp}
        shut = shut | some
    return shut


def build_ask(
    state: State, held: OrderState, lines: list[int], quantities: list[int], at: int
) -> tuple[Ask, list[list[tuple[int, int]]] | None]:
    """What routing is asked for these lines; lines of one SKU are merged, `groups` says which they were."""
    order = held.order
    skus = [held.skus[line] for line in lines]
    groups: list[list[tuple[int, int]]] | None = None
    positions = lines
    if len(set(skus)) != len(skus):
        of_sku: dict[int, list[tuple[int, int]]] = {}
        for line, sku, quantity in zip(lines, skus, quantities, strict=True):
            of_sku.setdefault(sku, []).append((line, quantity))
        groups = list(of_sku.values())
        skus = list(of_sku)
        quantities = [sum(quantity for _, quantity in group) for group in groups]
        positions = list(range(len(skus)))
    prices: list[list[tuple[int, int]]] = []
    if True in [cap.by_value for cap in state.caps]:
        each = groups or [[(line, quantity)] for line, quantity in zip(lines, quantities, strict=True)]
        prices = [[(quantity, order.lines[line].unit_price_minor) for line, quantity in group] for group in each]
    return ask_of(state, held, positions, skus, quantities, prices, at), groups


def ask_of(
    state: State,
    held: OrderState,
    positions: list[int],
    skus: list[int],
    quantities: list[int],
    prices: list[list[tuple[int, int]]],
    at: int,
) -> Ask:
    """The order's destination, channel and promise, with these SKUs and quantities."""
    order = held.order
    channel, facts = state.channels[order.channel], state.facts(at // MICROS_PER_DAY)
    zip3 = order.to.zip[:3]
    to = order.to
    return Ask(  # by position: this runs for every order
        positions,
        skus,
        quantities,
        prices,
        int(zip3) if len(zip3) == 3 and zip3.isascii() and zip3.isdigit() else -1,
        to.country,
        to.state,
        to.residential,
        facts.services.get(order.service or channel.service, -1),
        order.channel,
        at,
        held.promise_day,
        held.next_part,
        held.next_rest,
        state.require_network().policy.max_parts,
        {},
    )


def expanded(decision: Decision, groups: list[list[tuple[int, int]]]) -> Decision:
    """Give merged quantities back to the lines they came from, first line first."""
    left = [[quantity for _, quantity in group] for group in groups]

    def spread(lines: tuple[int, ...], quantities: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        out: dict[int, int] = {}
        for position, quantity in zip(lines, quantities, strict=True):
            for i, (line, _) in enumerate(groups[position]):
                take = min(quantity, left[position][i])
                if take:
                    left[position][i] -= take
                    quantity -= take
                    out[line] = out.get(line, 0) + take
        return tuple(out), tuple(out.values())

    parts, rests = [], []
    for part in decision.parts:
        lines, quantities = spread(part.lines, part.quantities)
        parts.append(
            Part(
                part.number,
                part.node,
                lines,
                quantities,
                part.ship_day,
                part.deliver_day,
                part.late,
                part.cost,
                part.earliest,
                part.breach,
                part.on_time_bp,
            )
        )
    for rest in decision.rests:
        lines, quantities = spread(rest.lines, rest.quantities)
        rests.append(Rest(rest.number, lines, quantities, rest.reason, rest.action, rest.until_day))
    return Decision(tuple(parts), tuple(rests), decision.why)


def available_anywhere(state: State, skus: list[int]) -> list[int]:
    """Units of each SKU on all shelves together; for a bundle, of its scarcest part."""
    totals: list[int] = state.ledger.fulfillable[skus].sum(axis=1).tolist()
    if state.bundles:
        for i, sku in enumerate(skus):
            if sku in state.bundles:
                totals[i] = min(int(state.ledger.fulfillable[part].sum()) // n for part, n in state.bundles[sku])
    return totals
