"""What networks have and how they are: connections, breakers, dispatches in quarantine, stock that differs. For people and machines.

Read from the engine's state at rest; what only the live driver knows (calls, latency, tokens) is added as `LiveNow`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from tranship.connectors.proofs import fences
from tranship.core.capability import Connection
from tranship.core.ledger import Bucket
from tranship.core.network import FULL_BP
from tranship.core.time import from_micros
from tranship.dispatch.model import (
    ABANDONED,
    DOUBT_CREATE,
    DOUBT_RELEASE,
    HELD,
    LIVE,
    QUARANTINED,
    RELEASING,
    RESOLVING,
    SENDING,
    Dispatch,
)
from tranship.engine.displace import elsewhere
from tranship.engine.evolve_network import BY_HAND, CONNECTION, HAND, NODE
from tranship.engine.leaks import budgets_of
from tranship.engine.rows import part_id
from tranship.engine.state import Breaker, State
from tranship.masking.policy import kinds, load
from tranship.routing.leak.model import week_of

MOST_SHOWN = 200
"""Dispatches in quarantine, and SKUs that differ, that are told at once."""
COSTS_HOLD = 600_000_000
"""Microseconds that a cost of sending again is good for."""
SHORT = 12
"""Signs of a policy's hash that are shown."""
STATE_WORDS = {
    SENDING: "being handed over",
    DOUBT_CREATE: "nobody knows whether it is there",
    HELD: "there, on hold",
    RELEASING: "being released",
    DOUBT_RELEASE: "nobody knows whether it was released",
    LIVE: "there, and will ship",
    RESOLVING: "wanted back, no proof yet",
    QUARANTINED: "no proof: a person has to decide",
    ABANDONED: "cannot ship, not confirmed yet",
    "REJECTED": "refused",
    "VOID": "confirmed that it will not ship",
    "SHIPPED": "left",
}
"""States of a dispatch, in words."""


class Claim(msgspec.Struct, frozen=True):
    """Something an interface promises that "it cannot ship from there" may rest on, and what showed it; empty: nothing did."""

    name: str
    value: str
    shown_by: str  # production | vendor_sandbox | sandbox | ""
    proven: bool  # against the network itself or its own sandbox: ours alone is no proof


class RateNow(msgspec.Struct, frozen=True):
    """A published limit: calls a second in thousandths, at most so many at once; `left` of them now (-1: nobody is calling)."""

    op: str
    per_s_milli: int
    burst: int
    left: int = -1


class LiveNow(msgspec.Struct, frozen=True):
    """What the driver sees of a connection at this moment. Times are real time."""

    in_flight: int = 0
    backlog: int = 0  # calls whose time has come and that wait for the published rate
    calls: int = 0  # looked at for the verdict, of which
    failed: int = 0
    slow: int = 0
    oldest_ms: int = 0  # age of the oldest call in flight
    median_ms: int = 0  # of the last answers
    slow_ms: int = 0  # above which an answer is slow
    sickness_bp: int = 0  # how far what was seen is on the way to opening the breaker
    stalled: int = 0
    accepted: int = 0
    hooks_taken: int = 0
    hooks_refused: int = 0  # messages whose signature did not fit
    trace: tuple[tuple[int, int], ...] = ()  # the last steps, oldest first: (slowest answer in ms, answers that failed)
    tokens: dict[str, int] = {}


class BreakerNow(msgspec.Struct, frozen=True):
    """Where new work may go. `until` is when a person's word ends, empty where there is none."""

    state: str
    share_bp: int
    why: str = ""
    since: str = ""
    until: str = ""
    by_hand: bool = False


class OutageNow(msgspec.Struct, frozen=True):
    """An announced outage that is not over yet."""

    begins: str
    ends: str
    now: bool


class ConnectionNow(msgspec.Struct, frozen=True):
    """One connection as it stands; `dispatches` counts the open ones by state."""

    code: str
    kind: str
    networks: tuple[str, ...]
    nodes: tuple[str, ...]
    pilot_bp: int
    breaker: BreakerNow
    claims: tuple[Claim, ...]
    cancel: str
    rates: tuple[RateNow, ...]
    dispatches: dict[str, int]
    to_move: int  # fulfillment orders there that have not left
    live: LiveNow | None = None
    outages: tuple[OutageNow, ...] = ()
    at_nodes: dict[str, BreakerNow] = {}  # nodes that stand still behind it
    policy: str = ""  # the first signs of the hash of the masking policy that what leaves next is made under
    recipient: str = ""  # alias | name: what its labels say
    sku_aliases: str = "off"


class QuarantineNow(msgspec.Struct, frozen=True):
    """An attempt that nobody can prove here or there, with what each answer would cost."""

    id: str
    order: str
    fulfillment_order: str
    node: str
    since: str
    waiting_min: int
    last_word: str
    their_id: str
    absent: int  # answers in a row that did not find it
    units: int
    value_minor: int  # of the goods in it: lost once more if both ship
    again_micros: int  # cost of sending the same from elsewhere; -1: no node can
    again_from: tuple[str, ...]
    promise: str
    evidence: tuple[str, ...] = ()


class DriftNow(msgspec.Struct, frozen=True):
    """A SKU at a node where a count differs from the books, or that is closed there. `surplus` may be adopted into the books."""

    node: str
    sku: str
    differs: int
    closed: bool
    reason: str
    free: int
    reserved: int
    researching: int
    unaccounted: int  # units that the books have no place for any more
    surplus: int  # that the last count showed above the books
    counted_at: str


class LeakBrief(msgspec.Struct, frozen=True):
    """A leak budget in one line; `tranship leak status` has the rest."""

    network: str
    budget: int
    plan: int  # version in force; 0: none, and nothing is shown
    weeks_late: int  # weeks that the plan is older than now
    excess_orders: int


class NetworksNow(msgspec.Struct, frozen=True):
    """All of it."""

    shadow: bool
    connections: tuple[ConnectionNow, ...]
    quarantine: tuple[QuarantineNow, ...]
    quarantined: int
    drift: tuple[DriftNow, ...]
    drifting: int
    leaks: tuple[LeakBrief, ...] = ()


Costs = dict[str, tuple[int, int, int, tuple[str, ...]]]
"""Remote id -> (asked in which ten minutes, in quarantine since, cost of sending it again, from where)."""


def take_networks(state: State, at: int, costs: Costs | None = None) -> NetworksNow:
    """As the engine's state has it; called on the writer's thread, or on a state of one's own. `costs` are kept between calls."""
    network = state.require_network()
    held: dict[str, Counter[str]] = {}
    waits: list[Dispatch] = []
    for remote_id in state.open_dispatches:
        d = state.dispatches[remote_id]
        connection = state.connected.get(d.node)
        held.setdefault(connection.code if connection is not None else "", Counter())[d.state] += 1
        if d.state == QUARANTINED:
            waits.append(d)
    connections = {each.code: each for each in state.connected.values()}
    waits.sort(key=lambda d: d.since)
    drift = drifts(state)
    return NetworksNow(
        network.shadow,
        tuple(_connection(state, each, held.get(each.code, Counter()), at) for each in connections.values()),
        tuple(quarantined(state, d, at, costs if costs is not None else {}) for d in waits[:MOST_SHOWN]),
        len(waits),
        drift[:MOST_SHOWN],
        len(drift),
        tuple(_leaks(state, at)),
    )


def _leaks(state: State, at: int) -> Iterator[LeakBrief]:
    leaks = state.leaks
    for budget in budgets_of(state.require_network()) if leaks is not None else ():
        plan = leaks.plans.get(budget.network) if leaks is not None else None
        late = max(0, week_of(at) - plan.plan.week) if plan is not None else 0
        beyond = leaks.excess_orders.get(budget.network, 0) if leaks is not None else 0
        yield LeakBrief(budget.network, budget.budget, plan.version if plan is not None else 0, late, beyond)


def with_live(now: NetworksNow, live: Mapping[str, LiveNow]) -> NetworksNow:
    """The same with what the driver sees."""

    def filled(each: ConnectionNow) -> ConnectionNow:
        seen = live.get(each.code)
        if seen is None:
            return each
        rates = tuple(msgspec.structs.replace(rate, left=seen.tokens.get(rate.op, -1)) for rate in each.rates)
        return msgspec.structs.replace(each, live=seen, rates=rates)

    return msgspec.structs.replace(now, connections=tuple(filled(each) for each in now.connections))


def claims_of(connection: Connection) -> tuple[Claim, ...]:
    """What the interface promises, and what showed it."""
    can = connection.capability
    return tuple(
        Claim(name, str(getattr(can, name)).lower(), can.proven.get(name, ""),
              can.proven.get(name, "") in {"production", "vendor_sandbox"})
        for name in fences(can)
    )  # fmt: skip


def _connection(state: State, connection: Connection, held: Counter[str], at: int) -> ConnectionNow:
    network = state.require_network()
    behind = [n for n, each in state.connected.items() if each.code == connection.code]
    can = connection.capability
    return ConnectionNow(
        connection.code,
        connection.kind,
        tuple(dict.fromkeys(network.nodes[n].network for n in behind)),
        tuple(network.nodes[n].code for n in behind),
        connection.pilot_bp,
        _breaker(state, behind),
        claims_of(connection),
        can.cancel,
        tuple(RateNow(op, rate.per_s_milli, rate.burst) for op, rate in sorted(can.rates.items())),
        dict(sorted(held.items())),
        sum(len(keys) for n in behind for keys in state.due[n].values()),
        None,
        tuple(OutageNow(_time(first), _time(last), first <= at) for first, last in connection.planned() if at < last),
        {network.nodes[n].code: _shown(state.verdicts[n][NODE]) for n in behind if NODE in state.verdicts.get(n, {})},
        load(connection.kind).hash[:SHORT] if connection.kind in kinds() else "",
        "name" if connection.real_names else "alias",
        connection.sku_aliases,
    )


def _breaker(state: State, behind: list[int]) -> BreakerNow:
    """The strictest of its nodes, but for what only the node itself is judged by, unless that is so at all of them."""
    held = [state.verdicts.get(n, {}) for n in behind]
    others = [each.get(HAND) or each.get(CONNECTION) for each in held]
    found = [each for each in others if each is not None]
    if not found and behind and all(NODE in each for each in held):
        found = [each[NODE] for each in held]
    return _shown(min(found, key=lambda each: each.share_bp)) if found else BreakerNow("closed", FULL_BP)


def _shown(worst: Breaker) -> BreakerNow:
    until = _time(worst.until) if worst.until else ""
    return BreakerNow(worst.state, worst.share_bp, worst.why, _time(worst.since), until, worst.why.startswith(BY_HAND))


def quarantined(state: State, d: Dispatch, at: int, costs: Costs) -> QuarantineNow:
    """One of them with the cost of both answers: sending it again from elsewhere, and the goods twice if both ship."""
    order = state.orders[d.order_id]
    part = order.parts[d.number]
    nodes = state.require_network().nodes
    micros, nodes_again = _again(state, d, at, costs)
    value = sum(
        q * order.order.lines[line].unit_price_minor for line, q in zip(part.lines, part.quantities, strict=True)
    )
    return QuarantineNow(
        d.remote_id,
        d.order_id,
        part_id(d.order_id, d.number),
        nodes[d.node].code,
        _time(d.since),
        max(0, at - d.since) // 60_000_000,
        d.remote,
        d.their_id,
        d.absent,
        part.units(),
        value,
        micros,
        nodes_again,
        from_micros(order.promise_day * 86_400_000_000).date().isoformat(),
    )


def _again(state: State, d: Dispatch, at: int, costs: Costs) -> tuple[int, tuple[str, ...]]:
    """What sending the same from elsewhere costs, and from where: asked again every ten minutes."""
    key = (at // COSTS_HOLD, d.since)
    held = costs.get(d.remote_id)
    if held is None or held[:2] != key:
        again = elsewhere(state, d.order_id, state.orders[d.order_id], [d.number], at, without=d.node)
        whole = bool(again.parts) and not again.rests
        nodes = state.require_network().nodes
        names = tuple(nodes[part.node].code for part in again.parts) if whole else ()
        micros = sum(part.cost for part in again.parts) if whole else -1
        held = costs[d.remote_id] = (*key, micros, names)
    return held[2], held[3]


def drifts(state: State) -> tuple[DriftNow, ...]:
    """SKUs that differ or are closed, those that are closed first, then the largest difference."""
    network, balance = state.require_network(), state.ledger.balance
    keys = {*state.drifts, *state.shelves}
    found = []
    for sku, node in keys:
        surplus, when = state.counts_seen.get((sku, node), (0, 0))
        reason = state.shelves.get((sku, node))
        found.append(
            DriftNow(
                network.nodes[node].code,
                network.skus[sku].code,
                state.drifts.get((sku, node), 0),
                reason is not None,
                reason or "",
                int(balance[Bucket.FULFILLABLE, sku, node]),
                int(balance[Bucket.RESERVED, sku, node]),
                int(balance[Bucket.RESEARCHING, sku, node]),
                int(balance[Bucket.UNACCOUNTED, sku, node]),
                surplus,
                _time(when) if when else "",
            )
        )
    return tuple(sorted(found, key=lambda each: (not each.closed, -abs(each.differs), each.node, each.sku)))


def _time(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ")
