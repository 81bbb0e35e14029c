"""The leak budget inside a decision: rule 4 of the precedence, below the share cap, above promise and cost.

A SKU of an order that its verdict keeps off a network is not offered there, as if the network had none of it. Where nobody else can
take it, or takes it late because another node has failed, the budget may yield (`Gates.yields`): the decision is taken once more
without it, under the share caps all the same, and says which networks it was opened for. Cost alone never opens it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from tranship.routing.model import Ask, Decision, LeakGate
from tranship.routing.situation import Kept, Situation

MORE_WHY = {
    "none": "no leak plan yet: until there is one, the network is shown nothing",
    "value": "worth too much to be shown",
    "cod": "to be paid at the door: elsewhere first",
}
"""Reasons beside those of `routing.leak.model.WHY`."""
EXCESS = frozenset({"conflict", "failure"})
"""Ways of `LeakGate.opened` that spend more than the budget."""


class Gates(NamedTuple):
    """The budgets that concern one order, a network in each place."""

    found: tuple[LeakGate, ...]
    nodes: tuple[frozenset[int], ...]  # of the network
    kept: tuple[frozenset[int], ...]  # SKUs kept off it now: what it was shown of the order once is no secret any more
    yields: tuple[
        str, ...
    ]  # "" never | conflict and cod: where more of the order ships | failure: also where more is in time


def gated(ask: Ask, now: Situation, plain: Callable[[Situation], Decision]) -> Decision:
    """`plain` under the leak budgets of `now.gates`; the decision carries what each of them said."""
    gates = now.gates
    assert gates is not None, "asked only where a budget is in force"
    asked = frozenset(ask.skus)
    shut = [i for i, kept in enumerate(gates.kept) if kept & asked]
    decision = plain(now.under(_kept_off(gates, asked, shut)))
    soft = [i for i in shut if gates.yields[i]]
    used: list[int] = []
    if soft and _wants(decision, soft, gates):
        other = plain(now.under(_kept_off(gates, asked, [i for i in shut if i not in soft])))
        if _better(other, decision, in_time=any(gates.yields[i] == "failure" for i in soft)):
            decision, used = other, [i for i in soft if _uses(other, ask, gates, i)]
        else:
            decision = _waits_for(decision, other)
    told = tuple(
        msgspec.structs.replace(gate, opened=gates.yields[i]) if i in used else gate
        for i, gate in enumerate(gates.found)
    )
    return Decision(decision.parts, decision.rests, msgspec.structs.replace(decision.why, leaks=told))


def _kept_off(gates: Gates, asked: frozenset[int], shut: Iterable[int]) -> Kept:
    """SKU -> nodes that are not to see it."""
    found: dict[int, frozenset[int]] = {}
    for i in shut:
        for sku in gates.kept[i] & asked:
            found[sku] = found.get(sku, frozenset()) | gates.nodes[i]
    return found


def _wants(decision: Decision, soft: list[int], gates: Gates) -> bool:
    """Whether there is anything to gain by opening."""
    if decision.rests:
        return True
    return any(part.late for part in decision.parts) and any(gates.yields[i] == "failure" for i in soft)


def _better(other: Decision, decision: Decision, *, in_time: bool) -> bool:
    """Whether more of the order ships, or, where a failure is the cause, as much and more of it in time."""
    more = _waiting(decision) - _waiting(other)
    return more > 0 or (in_time and more == 0 and _late(other) < _late(decision))


def _waits_for(decision: Decision, other: Decision) -> Decision:
    """`decision`, its rests with the reasons of `other`: what a cap holds back while the budget yields waits for room."""
    if [(rest.lines, rest.quantities) for rest in decision.rests] != [(r.lines, r.quantities) for r in other.rests]:
        return decision
    return Decision(decision.parts, other.rests, decision.why)


def _waiting(decision: Decision) -> int:
    return sum(sum(rest.quantities) for rest in decision.rests)


def _late(decision: Decision) -> int:
    return sum(sum(part.quantities) for part in decision.parts if part.late)


def _uses(decision: Decision, ask: Ask, gates: Gates, i: int) -> bool:
    """Whether the network of place `i` gets something that its budget keeps off."""
    sku_of = dict(zip(ask.lines, ask.skus, strict=True))
    return any(
        part.node in gates.nodes[i] and any(sku_of[line] in gates.kept[i] for line in part.lines)
        for part in decision.parts
    )
