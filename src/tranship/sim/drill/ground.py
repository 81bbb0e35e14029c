"""What a rehearsal is played on: the run's network document with connections, its orders on a busy day, shelves that are full enough."""

import datetime as dt
import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from random import Random

import msgspec

from tranship.connectors.netfile import to_document
from tranship.connectors.proofs import RECORD, capability, capability_of, folder_of, unproven
from tranship.core.capability import Capability, Connection
from tranship.core.errors import InputError
from tranship.core.ledger import Bucket
from tranship.core.money import MICROS_PER_MINOR
from tranship.core.network import FULL_BP, NetworkFile, Node
from tranship.core.order import Order
from tranship.core.time import MICROS_PER_HOUR, at_local, day_to_date, from_micros, local_day_minute
from tranship.engine import commands as cmd
from tranship.engine.state import State
from tranship.routing.promise import workdays
from tranship.sim.drill import curve
from tranship.sim.drill.model import Line
from tranship.sim.drill.scenarios import Scenario

MINUTE = MICROS_PER_HOUR // 60
FRIDAY = 4
AMAZON, PACKER = "amazon_mcf", "shipbob"
LINES_MAX, UNITS_MAX = 100, 250
"""What Amazon's Multi-Channel Fulfillment takes in one order."""
FIRST_LOCATION = 211
PAST_CUT_OFF = 5
"""Minutes after a cut-off at which an outage ends, unless its time is told: what was not there by then leaves a day later."""


class Wish(msgspec.Struct, frozen=True):
    """What was asked for."""

    scenario: Scenario
    orders: int = 2_000
    hours: int = 24
    seed: int = 1
    spare: float = -1.0  # below 0: the scenario's own
    at: int = -1  # minute of the day at which the outage begins; below 0: the worst one
    minutes: int = 0  # of the outage; 0: the scenario's own
    network: str = ""  # that fails
    stall_min: int = 0  # of every connection; 0: as it is

    @property
    def exact(self) -> bool:
        """Whether shelves hold what `spare` says and no more; else at least that."""
        return self.spare >= 0 or self.scenario.tight


class Ground(msgspec.Struct, frozen=True):
    """All that an arm needs besides the run itself. Times UTC microseconds, values of goods micros."""

    wish: Wish
    last: int  # journal row of the run
    document: NetworkFile
    orders: tuple[Order, ...]
    shelves: tuple[dict[int, int], ...]  # of each node: SKU -> units when the day begins
    day: int
    zone: str
    first_hour: int
    first_at: int
    last_at: int
    starts_at: int
    ends_at: int
    hit: tuple[int, ...]  # nodes
    network: str
    capped: str
    made_up: tuple[str, ...]  # connections that the run's file does not name
    taken_from: str
    notes: tuple[str, ...]

    @property
    def minutes(self) -> int:
        """How long the outage lasts."""
        return (self.ends_at - self.starts_at) // MINUTE


def survey(state: State, last: int, wish: Wish) -> Ground:
    """Plan the rehearsal. InputError where the run has nothing to rehearse with."""
    if state.network is None:
        raise InputError(
            "the run has no network document", where="drill", hint="`tranship replay` makes a run with one."
        )
    found = sorted((held.order for held in state.orders.values()), key=lambda order: (order.placed_at, order.number))
    if not found:
        raise InputError("the run has no orders to rehearse with", where="drill", hint="Choose a later --from.")
    code = wish.network or _network_hit(state, wish.scenario)
    document, made_up, notes = _document(state, wish, code)
    hit = tuple(n for n, node in enumerate(document.nodes) if node.network == code)
    zone = Counter(node.zone for node in document.nodes).most_common(1)[0][0]
    day = _friday(local_day_minute(state.last_at, zone)[0] + 1, [document.nodes[n] for n in hit])
    minutes = wish.minutes or wish.scenario.minutes
    starts_at = _start(document, hit, day, zone, minutes, wish)
    hour = local_day_minute(starts_at, zone)[1] // 60
    first = min(max(0, hour - wish.hours // 2), curve.HOURS - wish.hours) if wish.hours < curve.HOURS else 0
    stretch, words, more = _stretch(found, wish)
    count = max(1, round(len(stretch) * sum(curve.CURVE[first : first + wish.hours]) / curve.FULL))
    midnight = at_local(day, 0, zone)
    orders = _placed(stretch[:count], midnight, day, first, wish)
    document, shelves, filled = _filled(state, document, orders, code, wish)
    capped = document.caps[0].network if document.caps else ""
    return Ground(
        wish, last, document, orders, shelves, day, zone, first, midnight + first * MICROS_PER_HOUR,
        midnight + (first + wish.hours) * MICROS_PER_HOUR, starts_at, starts_at + minutes * MINUTE, hit, code, capped,
        made_up, words, (*notes, *more, *filled),
    )  # fmt: skip


# -- who fails, and when -----------------------------------------------------------------------------------------------


def _network_hit(state: State, scenario: Scenario) -> str:
    """The network that the scenario falls on: the capped one, or the independent one with most work."""
    network = state.require_network()
    capped = {cap.network for cap in network.caps}
    work = Counter(network.nodes[part.node].network for held in state.orders.values() for part in held.parts.values())
    known = [one.code for one in network.networks if any(node.network == one.code for node in network.nodes)]
    if scenario.tight and not capped:
        raise InputError(f"{scenario.name} needs a share cap, and this network file has none", where="drill")
    side = [code for code in known if (code in capped) == (scenario.hits == "capped")]
    if scenario.hits == "capped" and not side:
        side = [one.code for one in network.networks if one.competitor and one.code in known]
    side = side or known
    if len(known) < 2:
        raise InputError("there is one network only: nothing could take over", where="drill")
    return max(side, key=lambda code: (work[code], code))


def _friday(day: int, nodes: Sequence[Node]) -> int:
    """The first Friday on which the failing nodes work, after a day for what the run left open."""
    day += 1
    while (day + 3) % 7 != FRIDAY or any(workdays(node).next(day) != day for node in nodes):
        day += 1
    return day


def _start(document: NetworkFile, hit: Sequence[int], day: int, zone: str, minutes: int, wish: Wish) -> int:
    """When the outage begins: told, or so that the cut-off with most orders before it passes shortly before it ends."""
    midnight = at_local(day, 0, zone)
    if wish.at >= 0:
        return midnight + wish.at * MINUTE
    if wish.scenario.kind == "frozen":
        return midnight + 8 * MICROS_PER_HOUR
    ends = {at_local(day, document.nodes[n].cutoff_min, document.nodes[n].zone) + PAST_CUT_OFF * MINUTE for n in hit}
    starts = {end - minutes * MINUTE for end in ends}

    def weight(at: int) -> int:
        return sum(curve.CURVE[(at - midnight + k * MINUTE) // MICROS_PER_HOUR % 24] for k in range(minutes))

    return max(sorted(starts), key=weight)


# -- the document ------------------------------------------------------------------------------------------------------


def _document(state: State, wish: Wish, code: str) -> tuple[NetworkFile, tuple[str, ...], list[str]]:
    """The run's document with a connection for every node; which of them were made up; what is assumed with it."""
    network = state.require_network()
    if code not in {one.code for one in network.networks}:
        known = ", ".join(one.code for one in network.networks)
        raise InputError(f"no network is called {code!r}", where="--network", hint=f"Known: {known}.")
    capped = {cap.network for cap in network.caps}
    rivals = capped | {one.code for one in network.networks if one.competitor}
    accounts = {one.code: one for one in network.connections}
    nodes, made_up = [], []
    for n, node in enumerate(network.nodes):
        kind = AMAZON if node.network in rivals else PACKER
        if not node.connection or accounts[node.connection].kind not in {AMAZON, PACKER}:
            name = f"drill-{node.network}"
            accounts.setdefault(name, _connection(name, kind))
            made_up += [name] if name not in made_up else []
            node = msgspec.structs.replace(node, connection=name)
        if accounts[node.connection].kind == PACKER:
            node = msgspec.structs.replace(node, location=str(FIRST_LOCATION + n))
        nodes.append(node)
    used = [accounts[each] for each in dict.fromkeys(node.connection for node in nodes)]
    if wish.stall_min:
        used = [msgspec.structs.replace(each, stall_min=wish.stall_min) for each in used]
    whole = [msgspec.structs.replace(each, pilot_bp=FULL_BP) for each in used]
    networks = tuple(
        msgspec.structs.replace(one, max_lines=one.max_lines or LINES_MAX, max_units=one.max_units or UNITS_MAX)
        if any(node.network == one.code and accounts[node.connection].kind == AMAZON for node in nodes)
        else one
        for one in network.networks
    )
    caps, notes = _caps(state, wish, network)
    document = msgspec.structs.replace(
        network, nodes=tuple(nodes), connections=tuple(whole), networks=networks, caps=caps, shadow=False
    )
    return document, tuple(made_up), notes


def _caps(state: State, wish: Wish, network: NetworkFile) -> tuple[tuple[object, ...], list[str]]:
    """The caps; where they are to be tight, at the share that their network has."""
    if not wish.scenario.tight:
        return network.caps, []
    caps, notes = [], []
    for cap, counter in zip(network.caps, state.caps, strict=True):
        share = min(cap.cap_bp, max(500, counter.total.share_bp()))
        caps.append(msgspec.structs.replace(cap, cap_bp=share))
        if share == cap.cap_bp:
            notes.append(f"The cap on {cap.network}, {share / 100:g} %, was full when the day began.")
            continue
        notes.append(
            f"The cap on {cap.network} is set to the share that it had when the day began, {share / 100:.1f} % instead of"
            f" {cap.cap_bp / 100:.0f} %: it has no room but what the day itself makes."
        )
    return tuple(caps), notes


def _connection(name: str, kind: str) -> Connection:
    settings: dict[str, object] = {"marketplace": "ATVPDKIKX0DER"} if kind == AMAZON else {"channel_id": "100200"}
    return Connection(name, kind, capability=_claims(kind), settings=settings)


def _claims(kind: str) -> Capability:
    """What the kind's record says; with its proofs where they fit."""
    try:
        return capability_of(kind)
    except InputError:  # a record that was changed after its proof: a rehearsal may still take its word
        return capability(folder_of(kind).joinpath(RECORD).read_bytes(), where=f"connectors/{kind}/{RECORD}")


def lines_of(ground: Ground) -> list[Line]:
    """The connections of the rehearsal, in words."""
    document, found = ground.document, []
    for connection in document.connections:
        nodes = [node for node in document.nodes if node.connection == connection.code]
        can = connection.capability
        rate = can.rates.get("create")
        found.append(
            Line(
                nodes[0].network, [node.code for node in nodes], connection.kind, connection.code in ground.made_up,
                can.hold_release, list(unproven(can)),
                f"{rate.per_s_milli / 1000:g} a second, {rate.burst} at once" if rate else "none published",
            )
        )  # fmt: skip
    return found


# -- the orders --------------------------------------------------------------------------------------------------------


def _stretch(found: Sequence[Order], wish: Wish) -> tuple[list[Order], str, list[str]]:
    """The run's orders in the stretch where they came most densely; repeated where there are too few."""
    count = min(wish.orders, len(found))
    first = min(range(len(found) - count + 1), key=lambda i: found[i + count - 1].placed_at - found[i].placed_at)
    some = list(found[first : first + count])
    days = [from_micros(order.placed_at).date().isoformat() for order in (some[0], some[-1])]
    words = f"{count:,} orders of {days[0]}" if days[0] == days[1] else f"{count:,} orders of {days[0]} to {days[1]}"
    if count == wish.orders:
        return some, words, []
    more = Random(f"{wish.seed}/more").choices(some, k=wish.orders - count)
    note = f"The run has {count:,} orders only; {len(more):,} of the day's {wish.orders:,} are repetitions of them, drawn by seed."
    return some + more, words, [note]


def _placed(stretch: Sequence[Order], midnight: int, day: int, first: int, wish: Wish) -> tuple[Order, ...]:
    """The orders with new numbers and times, in order. A day that was promised moves along."""
    rng = Random(f"{wish.seed}/times")
    mixed = list(stretch)
    rng.shuffle(mixed)
    placed = []
    for number, (order, hour) in enumerate(zip(mixed, curve.times(len(mixed), first, wish.hours, rng), strict=True), 1):
        at = midnight + int(hour * MICROS_PER_HOUR)
        until = order.deliver_by
        if until:
            gap = dt.date.fromisoformat(until) - from_micros(order.placed_at).date()
            until = (day_to_date(day) + gap).isoformat()
        placed.append(
            msgspec.structs.replace(
                order, source="drill", number=f"{number}", placed_at=at, person_id="", deliver_by=until
            )
        )
    return tuple(placed)


def value_of(document: NetworkFile, skus: dict[str, int], order: Order) -> list[int]:
    """Micros of one unit of each line: its price, or the article's value where it has none."""
    return [
        (line.unit_price_minor or document.skus[skus[line.sku]].value_minor) * MICROS_PER_MINOR for line in order.lines
    ]


# -- shelves -----------------------------------------------------------------------------------------------------------


def _filled(
    state: State, document: NetworkFile, orders: Sequence[Order], code: str, wish: Wish
) -> tuple[NetworkFile, tuple[dict[int, int], ...], list[str]]:
    """Units that each shelf should hold: every node's usual share of the day, and at the others `spare` of the failing one's too."""
    spare = wish.spare if wish.spare >= 0 else wish.scenario.spare
    demand = _demand(state, orders)
    usual = _usual(state, document)
    shelves: list[dict[int, int]] = [{} for _ in document.nodes]
    load = [0.0] * len(document.nodes)
    for sku, wanted in demand.items():
        for n, part in enumerate(_shares(document, usual, sku, code, spare, wish)):
            load[n] += part * wanted
            shelves[n][sku] = math.ceil(part * wanted)
    nodes, raised = [], []
    for node, units in zip(document.nodes, load, strict=True):
        wants = bool(node.capacity_units) and node.capacity_units < math.ceil(units)
        raised += [node.code] if wants else []
        nodes.append(msgspec.structs.replace(node, capacity_units=math.ceil(units)) if wants else node)
    document = msgspec.structs.replace(document, nodes=tuple(nodes))
    words = f"Spare {spare:g}: {'each' if wish.exact else 'at least each'} node's usual share of the day's {sum(demand.values()):,} units,"
    words += "" if wish.scenario.tight else " and a tenth,"
    words += f" is on its shelf when the day begins; at the nodes that do not fail {spare:.0%} of the share of {code} as well."
    words += " What was there above that is taken away." if wish.exact else " What the run left there above that stays."
    if raised:
        words += f" Daily capacity is raised to match at {', '.join(raised)}."
    if wish.exact:  # shelves are set by a count, which is no drift
        calm = tuple(msgspec.structs.replace(each, drift_limit=1 << 40) for each in document.connections)
        document = msgspec.structs.replace(document, connections=calm)
    return document, tuple(shelves), [words]


def _usual(state: State, document: NetworkFile) -> tuple[dict[int, list[int]], list[int]]:
    """Units that each node was given in the run: by SKU, and of all."""
    by_sku: dict[int, list[int]] = {}
    total = [0] * len(document.nodes)
    for held in state.orders.values():
        for part in held.parts.values():
            for line, quantity in zip(part.lines, part.quantities, strict=True):
                sku = held.skus[line]
                for piece, count in state.bundles.get(sku, ((sku, 1),)):
                    by_sku.setdefault(piece, [0] * len(document.nodes))[part.node] += quantity * count
                    total[part.node] += quantity * count
    return by_sku, total


def _shares(
    document: NetworkFile, usual: tuple[dict[int, list[int]], list[int]], sku: int, code: str, spare: float, wish: Wish
) -> list[float]:
    """What of a SKU's units each node should have, 1 being the whole day's."""
    allowed = document.skus[sku].nodes
    may = [not allowed or node.code in allowed for node in document.nodes]
    row = usual[0].get(sku) or usual[1]
    units = [count if ok else 0 for count, ok in zip(row, may, strict=True)]
    if not sum(units):
        units = [int(ok) for ok in may]
    own = [count / max(1, sum(units)) for count in units]
    fails = [node.network == code for node in document.nodes]
    lost = sum(share for share, failing in zip(own, fails, strict=True) if failing)
    others = [
        0.0 if failing or not ok else max(share, 0.001) for share, failing, ok in zip(own, fails, may, strict=True)
    ]
    capped = {cap.network for cap in document.caps} if wish.scenario.tight else set()
    slack = 1.0 if wish.scenario.tight else 1.1
    return [
        slack * share + lost * max(spare, 1.0 if node.network in capped else 0.0) * other / max(0.001, sum(others))
        for share, other, node in zip(own, others, document.nodes, strict=True)
    ]


def _demand(state: State, orders: Sequence[Order]) -> dict[int, int]:
    demand: dict[int, int] = {}
    for order in orders:
        for line in order.lines:
            sku = state.skus[line.sku]
            for piece, count in state.bundles.get(sku, ((sku, 1),)):
                demand[piece] = demand.get(piece, 0) + line.qty * count
    return demand


def stocking(ground: Ground, state: State, at: int) -> list[cmd.ReceiveStock | cmd.CountStock]:
    """The commands that bring the shelves to what the day begins with."""
    found: list[cmd.ReceiveStock | cmd.CountStock] = []
    balance = state.ledger.balance
    for n, (node, wanted) in enumerate(zip(ground.document.nodes, ground.shelves, strict=True)):
        there = {sku: int(balance[Bucket.FULFILLABLE, sku, n]) for sku in wanted}
        more = {sku: units - there[sku] for sku, units in wanted.items() if units > there[sku]}
        less = {sku: units for sku, units in wanted.items() if units < there[sku]} if ground.wish.exact else {}
        if more:
            found.append(
                cmd.ReceiveStock(f"drill-{node.code}", n, int(Bucket.SUPPLIER), tuple(more), tuple(more.values()), at)
            )
        if less:
            kept = (Bucket.RESERVED, Bucket.RESEARCHING)
            counted = tuple(units + sum(int(balance[b, sku, n]) for b in kept) for sku, units in less.items())
            found.append(cmd.CountStock(f"drill-{node.code}", n, tuple(less), counted, (0,) * len(less), at))
    return found


def loading(document: NetworkFile, at: int) -> cmd.LoadNetwork:
    """The command that brings a document into force."""
    body = to_document(document)
    return cmd.LoadNetwork(body, hashlib.sha256(body).hexdigest(), at)
