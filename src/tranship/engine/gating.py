"""Which networks an order may be shown to: the leak budgets of the network file, asked once for each order and kept.

An order is judged at its first decision. Later decisions about it go by that verdict, so that deciding again finds no second
chance; what a network was shown of it once is no secret any more.
"""

import msgspec

from tranship.core.network import LeakBudget
from tranship.core.order import Order
from tranship.engine.asking import MICROS_PER_DAY, shut_for
from tranship.engine.leaks import LeakState, budgets_of, household_of, pieces
from tranship.engine.state import OrderState, State
from tranship.routing.decide import decide as route
from tranship.routing.gate import Gates
from tranship.routing.leak.gate import admitted
from tranship.routing.leak.model import week_of
from tranship.routing.model import Ask, Decision, LeakGate
from tranship.routing.situation import Situation

FULL_BP = 10_000


def with_gates(state: State, now: Situation, held: OrderState, ask: Ask) -> Situation:
    """`now`, with the budgets that concern this order in it; untouched where none is in force."""
    leaks = state.leaks
    if leaks is None:
        return now
    known = {gate.network: gate for gate in held.leaks}
    found: list[LeakGate] = []
    kept: list[frozenset[int]] = []
    yields: list[str] = []
    for budget in budgets_of(state.require_network()):
        gate = known.get(budget.network)
        if gate is None:
            gate = _judged(state, leaks, budget, held, ask, now)
        elif gate.opened:  # that was another decision
            gate = msgspec.structs.replace(gate, opened="")
        shown = held.shown.get(budget.network) if held.shown else None
        found.append(gate)
        kept.append(frozenset(gate.kept) - frozenset(shown[1] if shown else ()))
        yields.append(_yields(state, budget, gate, held, ask, now) if kept[-1] else "")
    now.gates = Gates(tuple(found), tuple(state.leak_nodes[gate.network] for gate in found), tuple(kept), tuple(yields))
    return now


def id_of(order: Order) -> str:
    """The engine's id of an order (`decide.order_id_of`, which imports this module)."""
    return f"{order.source}:{order.number}"


def worth(order: Order) -> int:
    """Minor units that an order is worth: as it says, else the sum of its lines."""
    return order.value_minor or sum(line.qty * line.unit_price_minor for line in order.lines)


def _judged(state: State, leaks: LeakState, budget: LeakBudget, held: OrderState, ask: Ask, now: Situation) -> LeakGate:
    order, plan, every = held.order, leaks.plans.get(budget.network), tuple(dict.fromkeys(held.skus))
    if budget.high_value_minor and worth(order) >= budget.high_value_minor:
        return LeakGate(budget.network, plan.version if plan else 0, "value", 0, 0, (), every)
    if not budget.budget:
        return LeakGate(budget.network, plan.version if plan else 0, "never", 0, 0, (), every)
    if plan is None:
        return LeakGate(budget.network, 0, "none", 0, 0, (), every)
    name, week, parts = household_of(order), week_of(ask.at), pieces(state, held.skus)
    home = leaks.look(name, week, plan.plan.networks) if name else None
    saving = _saving_bp(state, ask, now, budget.network) if plan.plan.least_saving_bp is not None else 0
    verdict = admitted(plan.tables, id_of(order), parts, home, week, saving)
    open_parts = {sku for sku, ok in zip(parts, verdict.lines, strict=True) if ok}
    kept = tuple(sku for sku in every if not open_parts.issuperset(pieces(state, (sku,))))
    why = verdict.why
    if order.said.cod and budget.cod == "elsewhere":
        why, kept = "cod" if not kept else why, every
    shown = (home.last_year, home.seen, home.shown[plan.tables.mine]) if home is not None else ()
    weights = tuple((sku, ppm) for sku, ppm in zip(parts, verdict.accepted_ppm, strict=True) if ppm)
    return LeakGate(
        budget.network, plan.version, why, verdict.limit_ppm, verdict.draw_ppm, shown, kept, weights
    )  # fmt: skip


def _yields(state: State, budget: LeakBudget, gate: LeakGate, held: OrderState, ask: Ask, now: Situation) -> str:
    """What may open the gate for this order now (`routing.gate.Gates.yields`)."""
    if gate.why == "value":
        return ""
    if gate.why == "cod":
        return "cod"
    if _has_failed(state, budget.network, held, ask, now):
        return "failure"
    return "conflict" if budget.on_conflict == "spend" else ""


def _has_failed(state: State, network: str, held: OrderState, ask: Ask, now: Situation) -> bool:
    """Whether a node elsewhere that has some of these goods takes nothing of the order now: switched off, its breaker open, or refused."""
    shut = shut_for(state, id_of(held.order)) - state.leak_nodes[network]
    if not shut:
        return False
    document, items = state.require_network(), state.facts(ask.at // MICROS_PER_DAY).item_rows
    for n in shut:
        if document.nodes[n].closed:
            continue
        for sku in ask.skus:
            if items[sku][n] and all(now.shelf[part][n] > 0 for part in pieces(state, (sku,))):
                return True
    return False


def _saving_bp(state: State, ask: Ask, now: Situation, network: str) -> int:
    """What the network saves on this order against the cheapest way without it, in basis points of that; 0 where one cannot ship it."""
    facts = state.facts(ask.at // MICROS_PER_DAY)
    nodes = state.leak_nodes[network]
    without = route(ask, facts, now.under(dict.fromkeys(ask.skus, nodes)))
    freely = route(ask, facts, now.under({}))
    if without.rests or freely.rests or not _cost(without):
        return 0
    return (_cost(without) - _cost(freely)) * FULL_BP // _cost(without)


def _cost(decision: Decision) -> int:
    return sum(part.cost for part in decision.parts)
