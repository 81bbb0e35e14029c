"""What leak budgets know of a run: plans in force, households, what each network was shown, and what went beyond the budget.

Part of the state: changed by `evolve` only, the same again from the journal. Kept only while the network file has a budget; with the
first one, households and what was shown so far are counted from the orders that are there.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from tranship.core.network import LeakBudget, NetworkFile
from tranship.core.order import Order
from tranship.engine import events as ev
from tranship.routing.gate import EXCESS
from tranship.routing.leak.model import Household, LeakPlan, LeakTables, decode, week_of, year_of
from tranship.routing.leak.planner import bin_of
from tranship.routing.model import Decision, LeakGate

if TYPE_CHECKING:
    from tranship.engine.state import OrderState, State

CANCELLED = "CANCELLED"
KEPT_WEEKS = 104
"""Weeks of counts that are kept: two leak years."""
MICROS_PER_DAY = 86_400_000_000
HOME = "HH"
"""How ids of households begin that the engine gives; numbers follow in recorded runs, chance in live ones."""
Counts = dict[int, dict[int, int]]
"""Week -> SKU -> lines (or ppm)."""


class HouseState(msgspec.Struct, eq=False, gc=False):
    """One household, by its random id: own orders in a leak year and the one before, and what networks were shown of it."""

    year: int
    last: int = -1  # orders of the year before; -1: it was not known then
    seen: int = 0
    shown: dict[str, int] = {}  # orders, by network

    def turn_to(self, year: int) -> None:
        """Begin a later leak year; an earlier one changes nothing."""
        if year > self.year:
            self.last = self.seen if year == self.year + 1 else -1
            self.year, self.seen, self.shown = year, 0, {}


class PlanNow(msgspec.Struct, frozen=True):
    """The plan in force for one network. `terms`: of the budget that it was made for."""

    version: int
    sha256: str
    terms: str
    at: int
    tables: LeakTables

    @property
    def plan(self) -> LeakPlan:
        """Its document, read."""
        return self.tables.plan


class LeakState:
    """The ledger of all budgets of a run."""

    def __init__(self) -> None:
        self.plans: dict[str, PlanNow] = {}
        self.versions: dict[str, int] = {}
        self.households: dict[str, HouseState] = {}
        self.lines: Counts = {}  # own order lines, wherever they went
        self.first: dict[int, int] = {}  # SKU -> week of its first own line
        self.accepted: dict[str, Counts] = {}  # network -> sum of the weights that lines had (ppm)
        self.spread: dict[
            str, Counts
        ] = {}  # network -> lines by bin of weight (`planner.bin_of`); those of no weight left out
        self.exposed: dict[str, Counts] = {}  # network -> lines that it was shown
        self.excess: dict[str, Counts] = {}  # network -> lines of them beyond the budget
        self.excess_orders: dict[str, int] = {}
        self.excess_households: dict[str, dict[str, int]] = {}
        self.homes = 0  # highest number of a household that the engine named
        self.told: dict[str, int] = {}  # network -> day on which a person was last told of excess

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LeakState) and _told(self) == _told(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def household(self, name: str, week: int) -> HouseState:
        """A household as it stands in the leak year of a week."""
        year = year_of(week)
        held = self.households.get(name)
        if held is None:
            held = self.households[name] = HouseState(year)
        held.turn_to(year)
        return held

    def look(self, name: str, week: int, networks: Sequence[str]) -> Household:
        """What is known of a household before an order that was counted already. Changes nothing."""
        held, year = self.households.get(name), year_of(week)
        if held is None:
            return Household(-1, 0, (0,) * len(networks))
        if year > held.year:
            return Household(held.seen if year == held.year + 1 else -1, 0, (0,) * len(networks))
        return Household(held.last, max(0, held.seen - 1), tuple([held.shown.get(code, 0) for code in networks]))


def budgets_of(network: NetworkFile) -> tuple[LeakBudget, ...]:
    """The budgets that limit something: at 100 there is none."""
    return tuple(budget for budget in network.leaks if budget.budget < 100)


def household_of(order: Order) -> str:
    """The household that a parcel of the order shows: its address, else its customer; "" where it shows none."""
    said = order.said
    return "" if said.pickup or said.b2b else said.household or order.person_id


def pieces(state: "State", skus: Iterable[int]) -> list[int]:
    """SKUs that ship, each once: a bundle's are its parts."""
    return list(dict.fromkeys(part for sku in skus for part, _ in state.bundles.get(sku, ((sku, 1),))))


def shown_skus(state: "State", order: "OrderState", nodes: frozenset[int]) -> tuple[int, ...]:
    """SKUs of the order, as its lines have them, that these nodes are to ship or were once told of."""
    found: dict[int, None] = {}
    for part in order.parts.values():
        if part.node in nodes and (part.status != CANCELLED or part.remote_id):
            for line, quantity in zip(part.lines, part.quantities, strict=True):
                if quantity or part.remote_id:
                    found[order.skus[line]] = None
    return tuple(found)


# -- evolve -----------------------------------------------------------------------------------------------------------


def network_changed(state: "State") -> None:
    """A network document came into force: begin to count with the first budget, forget all with the last."""
    network = state.require_network()
    budgets = budgets_of(network)
    state.leak_nodes = {
        budget.network: frozenset(n for n, node in enumerate(network.nodes) if node.network == budget.network)
        for budget in budgets
    }
    if not budgets:
        state.leaks = None
        for order in state.orders.values():
            order.leaks, order.shown, order.beyond = (), None, None
        return
    fresh = state.leaks is None
    leaks = state.leaks = state.leaks or LeakState()
    names = [budget.network for budget in budgets]
    leaks.plans = {name: plan for name, plan in leaks.plans.items() if list(plan.plan.networks) == names}
    if fresh:
        for order in state.orders.values():
            _count(state, leaks, order, state.changed_at)
    for order in state.orders.values():
        recount(state, order, order.decided_at)


def accepted(state: "State", order: "OrderState", at: int) -> None:
    """An order was taken."""
    if state.leaks is not None:
        _count(state, state.leaks, order, at)


def _own_week(order: "OrderState", at: int) -> int:
    """The week that an order counts in: its own, but none to come. A date in years ahead would end its household's count of this one."""
    return week_of(min(order.order.placed_at, at))


def _count(state: "State", leaks: LeakState, order: "OrderState", at: int) -> None:
    week = _own_week(order, at)
    name = household_of(order.order)
    if name:
        leaks.household(name, week).seen += 1
        if name.startswith(HOME) and name[len(HOME) :].isdigit():
            leaks.homes = max(leaks.homes, int(name[len(HOME) :]))
    counts = leaks.lines.setdefault(week, {})
    for sku in pieces(state, order.skus):
        counts[sku] = counts.get(sku, 0) + 1
        leaks.first.setdefault(sku, week)


def decided(state: "State", order_id: str, order: "OrderState", decision: Decision, at: int) -> None:
    """A decision about the order was carried out: keep what the budgets said first, book what networks are shown now."""
    leaks, gates = state.leaks, decision.why.leaks
    if leaks is None:
        return
    known = {gate.network for gate in order.leaks}
    for gate in gates:
        if gate.network not in known:
            order.leaks = (*order.leaks, msgspec.structs.replace(gate, accepted=(), opened=""))
            week = _own_week(order, at)
            counts = leaks.accepted.setdefault(gate.network, {}).setdefault(week, {})
            spread = leaks.spread.setdefault(gate.network, {}).setdefault(week, {})
            for sku, ppm in gate.accepted:
                counts[sku] = counts.get(sku, 0) + ppm
                spread[bin_of(ppm)] = spread.get(bin_of(ppm), 0) + 1
        if gate.opened in EXCESS:
            _excess(state, leaks, order_id, order, gate, at)
    recount(state, order, at)


def _excess(state: "State", leaks: LeakState, order_id: str, order: "OrderState", gate: LeakGate, at: int) -> None:
    """Book what a network gets beyond its budget: SKUs that were kept off it and that it had not been shown before, each once."""
    booked = (order.beyond or {}).get(gate.network, ())
    before = {*booked, *(order.shown[gate.network][1] if order.shown and gate.network in order.shown else ())}
    there = shown_skus(state, order, state.leak_nodes.get(gate.network, frozenset()))
    fresh = [sku for sku in there if sku in gate.kept and sku not in before]
    if not fresh:
        return
    counts = leaks.excess.setdefault(gate.network, {}).setdefault(week_of(at), {})
    for sku in pieces(state, fresh):
        counts[sku] = counts.get(sku, 0) + 1
    order.beyond = (order.beyond or {}) | {gate.network: (*booked, *fresh)}
    if booked:
        return  # the order counts once, however often more of it goes there
    order.leaks = tuple(
        msgspec.structs.replace(held, opened=gate.opened) if held.network == gate.network else held
        for held in order.leaks
    )
    leaks.excess_orders[gate.network] = leaks.excess_orders.get(gate.network, 0) + 1
    name = household_of(order.order)
    if name:
        mine = leaks.excess_households.setdefault(gate.network, {})
        mine[name] = mine.get(name, 0) + 1


def recount(state: "State", order: "OrderState", at: int) -> None:
    """What networks are shown of an order, after its parts changed; what was given up before anybody was told of it shows nothing."""
    leaks = state.leaks
    if leaks is None:
        return
    for network, nodes in state.leak_nodes.items():
        there = shown_skus(state, order, nodes)
        held = order.shown.get(network) if order.shown else None
        if there == (held[1] if held is not None else ()):
            continue
        week = held[0] if held is not None else week_of(at)
        counts = leaks.exposed.setdefault(network, {}).setdefault(week, {})
        for sku in pieces(state, held[1]) if held is not None else ():
            counts[sku] = counts.get(sku, 0) - 1
            if counts[sku] <= 0:  # below 0 where the week is so old that it is no longer kept
                del counts[sku]
        for sku in pieces(state, there):
            counts[sku] = counts.get(sku, 0) + 1
        shown = dict(order.shown or {})
        if there:
            shown[network] = (week, there)
        else:
            shown.pop(network, None)
        _shown_to(leaks, order, network, week, bool(there) - (held is not None))
        order.shown = shown or None


def _shown_to(leaks: LeakState, order: "OrderState", network: str, week: int, change: int) -> None:
    name = household_of(order.order)
    held = leaks.households.get(name)
    if not change or held is None:
        return
    held.turn_to(year_of(week))
    if held.year == year_of(week):
        held.shown[network] = max(0, held.shown.get(network, 0) + change)


def plan_set(state: "State", event: ev.LeakPlanSet) -> None:
    """A plan came into force; counts of more than two years ago are no longer needed."""
    leaks = state.leaks
    assert leaks is not None, "a plan without a budget is refused"
    plan = decode(state.documents(event.sha256))
    leaks.plans[event.network] = PlanNow(event.version, event.sha256, event.terms, event.at, LeakTables(plan))
    leaks.versions[event.network] = event.version
    for counts in (leaks.lines, *leaks.accepted.values(), *leaks.spread.values(), *leaks.exposed.values()):
        for week in [week for week in counts if week < plan.week - KEPT_WEEKS]:
            del counts[week]


def excepted(state: "State", event: ev.Excepted) -> None:
    """A person was told of excess."""
    if state.leaks is not None and event.kind == EXCESS_KIND:
        state.leaks.told[event.subject] = event.at // MICROS_PER_DAY


EXCESS_KIND = "leak_excess"
"""Kind of the exception that tells of it: once a day for each network, however many orders it were."""


def notices(state: "State", event: ev.Event) -> Iterator[ev.Excepted]:
    """What a person should be told after an event: the first excess of the day."""
    leaks = state.leaks
    if leaks is None:
        return
    if isinstance(event, ev.OrderRouted):
        said = [(event.order_id, event.decision)]
    elif isinstance(event, ev.OrdersMoved):
        said = [(move.order_id, move.decision) for move in event.moves]
    else:
        return
    for order_id, decision in said:
        for gate in decision.why.leaks:
            if gate.opened in EXCESS and leaks.told.get(gate.network) != event.at // MICROS_PER_DAY:
                why = "another network failed" if gate.opened == "failure" else "nobody else could take it"
                count = leaks.excess_orders.get(gate.network, 0)
                detail = (
                    f"shown beyond the leak budget: order {order_id}, {why}; {count:,} so far (tranship leak status)"
                )
                yield ev.Excepted(EXCESS_KIND, gate.network, detail, event.at)


# -- digest and checks ------------------------------------------------------------------------------------------------


def digested(state: "State") -> tuple[object, ...]:
    """Everything that the state hash covers, in sorted order."""
    leaks = state.leaks
    assert leaks is not None, "asked only where a budget is in force"
    return _told(leaks)


def _told(leaks: LeakState) -> tuple[object, ...]:
    return (
        sorted((name, plan.version, plan.sha256, plan.terms) for name, plan in leaks.plans.items()),
        sorted((name, h.year, h.last, h.seen, sorted(h.shown.items())) for name, h in leaks.households.items()),
        _sorted(leaks.lines), sorted(leaks.first.items()),
        *([(name, _sorted(counts)) for name, counts in sorted(held.items())]
          for held in (leaks.accepted, leaks.spread, leaks.exposed, leaks.excess)),
        sorted(leaks.excess_orders.items()), sorted(leaks.versions.items()), sorted(leaks.told.items()), leaks.homes,
        [(name, sorted(held.items())) for name, held in sorted(leaks.excess_households.items())],
    )  # fmt: skip


def _sorted(counts: Counts) -> list[object]:
    return [(week, sorted(row.items())) for week, row in sorted(counts.items()) if row]


def problems(state: "State") -> Iterator[str]:
    """What the ledger says that the orders do not: exposures are counted again from fulfillment orders."""
    leaks = state.leaks
    if leaks is None:
        return
    found: dict[str, Counts] = {}
    for order_id, order in state.orders.items():
        for network, nodes in state.leak_nodes.items():
            there = shown_skus(state, order, nodes)
            held = order.shown.get(network) if order.shown else None
            if there != (held[1] if held is not None else ()):
                yield f"order {order_id}: what {network} is shown of it differs from its fulfillment orders"
            if held is not None:
                counts = found.setdefault(network, {}).setdefault(held[0], {})
                for sku in pieces(state, held[1]):
                    counts[sku] = counts.get(sku, 0) + 1
    for network in state.leak_nodes:
        now = _kept(leaks, leaks.exposed.get(network, {}))
        if now != _kept(leaks, found.get(network, {})):
            yield f"leak budget of {network}: exposures differ from a recount"


def _kept(leaks: LeakState, counts: Counts) -> dict[int, dict[int, int]]:
    oldest = max([plan.plan.week - KEPT_WEEKS for plan in leaks.plans.values()], default=0)
    return {week: row for week, row in counts.items() if row and week >= oldest}
