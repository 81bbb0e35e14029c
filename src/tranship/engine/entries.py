"""What an order has on shelves and in the counters of the caps: one reading, for whoever asks first and whoever carries it out."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tranship.engine.state import CANCELLED, OrderState, PartState, State
from tranship.routing.facts import counts_for
from tranship.routing.model import Part
from tranship.routing.share import CapState, ShareWindow
from tranship.routing.share_change import Change, Standing, matched


class Recount(NamedTuple):
    """What a move changes in one counter. `slots[i]` of new part `parts[i]`: the place it keeps, or -1: entered at the end."""

    window: ShareWindow
    change: Change
    parts: list[int]  # numbers of the new parts, the independent ones first
    slots: list[int]
    reused: list[int]  # places of void parts that are taken


def goods(state: State, order: OrderState) -> list[int]:
    """SKUs that stand on shelves for an order: a bundle is its parts."""
    if not state.bundles:
        return order.skus
    return [part for sku in order.skus for part, _ in state.bundles.get(sku, ((sku, 1),))]


def size_of(cap: CapState, order: OrderState, part: Part | PartState) -> int:
    """Size of a fulfillment order's entry in the cap's measure."""
    if cap.by_count:
        return 1
    units = sum(part.quantities)
    lines = order.order.lines
    value = 0
    if cap.by_value:
        value = sum(lines[i].unit_price_minor * q for i, q in zip(part.lines, part.quantities, strict=True))
    return cap.size_of(units, value)


def standing(cap: CapState, window: ShareWindow, order: OrderState, released: Sequence[int]) -> Standing:
    """What an order has in this counter while the parts `released` are given up."""
    own = [
        (position, *window.entry(position))
        for number in released
        for there, position in order.parts[number].entries
        if there is window
    ]
    spare = [
        (position, *window.entry(position))
        for part in order.parts.values()
        if part.status == CANCELLED and part.node not in cap.nodes
        for there, position in part.entries
        if there is window
    ]
    return Standing(sorted(own), sorted(spare))


def recounts(state: State, order: OrderState, released: Sequence[int], parts: Sequence[Part]) -> Iterator[Recount]:
    """What giving up parts and placing others changes in each counter that counts the order's channel."""
    channel = state.channels[order.order.channel]
    for cap in state.caps:
        if not counts_for(channel, cap.network):
            continue
        ordered = sorted(parts, key=lambda part, nodes=cap.nodes: part.node in nodes)  # type: ignore[misc]
        entries = [(size_of(cap, order, part), part.node in cap.nodes) for part in ordered]
        for window in cap.windows(channel.code):
            before = standing(cap, window, order, released)
            change, slots = matched(before, entries)
            taken = {position for position, _, _ in before.spare}
            reused = [slot for slot in slots if slot in taken]
            yield Recount(window, change, [part.number for part in ordered], slots, reused)


def together(moves: Sequence[Sequence[Recount]]) -> list[tuple[ShareWindow, Change]]:
    """What several moves change, counter by counter: orders of one channel, and the total of all, are counted as one."""
    found: dict[int, tuple[ShareWindow, Change]] = {}
    for move in moves:
        for recount in move:
            window = recount.window
            held = found.get(id(window))
            found[id(window)] = (window, recount.change if held is None else held[1].with_more(recount.change))
    return list(found.values())
