"""From a run's books to the report's numbers: one walk over the journal, then sums. Nothing is estimated and nothing is written."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from tranship.console import findings, reconcile
from tranship.console.figures import (
    ArmFacts,
    CapFacts,
    CapLimit,
    ChannelShare,
    Count,
    Course,
    ExceptionFacts,
    FileFacts,
    Lane,
    NetworkFacts,
    NodeFacts,
    Period,
    PromiseFacts,
    RejectSample,
    ReportData,
    RunFacts,
    SizeClass,
    SplitFacts,
    UnitFacts,
    Waiting,
)
from tranship.console.usmap import project
from tranship.console.walk import (
    CANCELLED,
    DELIVERED,
    MICROS_PER_DAY,
    OPEN,
    SHIPPED,
    CapWalk,
    PartFacts,
    Source,
    Walk,
    walk,
)
from tranship.console.words import EXCEPTION_WORDS, REJECT_WORDS, WAIT_WORDS, WITHOUT_WORDS
from tranship.core.network import FULL_BP, NetworkFile
from tranship.core.time import day_to_date
from tranship.rates.compile import compile_tables
from tranship.rates.tables import PER_UNIT
from tranship.rates.zones import zip3, zip3_points
from tranship.routing.facts import counts_for

SLOTS = 600
"""Points of a share's course over time."""
PERIODS_MOST = 260
"""Slices of time that a chart shows at most."""
SIZE_EDGES = (1, 3, 10, 50)
"""Last unit count of each size class but the open one."""
NEAR_BP = 100
"""A window this close to its cap counts as tight."""


def gather(
    store: Source, *, rejects: Sequence[RejectSample] = (), tell: Callable[[int], None] | None = None
) -> ReportData:
    """Every number of the report, with its words. `tell` hears the journal row that was reached.

    Raises DamageError on a journal that cannot be read, InvariantError where two ways to the same number do not meet.
    """
    books = walk(store, tell)
    data = ReportData(rejects=list(rejects))
    _run(data, books)
    _files(data, books)
    if books.network is None:
        data.headline, data.summary = findings.NOTHING, []
        return data
    network = books.network
    standing = [part for part in books.parts() if part.status != CANCELLED]
    data.cost = sum(part.cost for part in standing)
    data.units = _units(books, standing)
    data.networks = _networks(network, books, standing)
    data.nodes, data.lanes = _places(network, books, standing)
    data.rates = _cards(network, books, data.nodes)
    data.caps = [_cap(network, found, books, standing) for found in books.caps]
    data.sizes = _sizes(books, standing)
    data.period_days, data.periods = _periods(network, books)
    data.splits, data.promise = _splits(books, standing), _promise(network, books, standing)
    data.waiting = _waiting(books)
    data.exceptions = [
        ExceptionFacts(kind, EXCEPTION_WORDS.get(kind, kind.replace("_", " ")), count, subject, detail)
        for kind, (count, subject, detail) in sorted(books.exceptions.items(), key=lambda item: (-item[1][0], item[0]))
    ]
    data.checks = reconcile.check(data, books, store)
    findings.tell(data)
    return data


def compared(data: ReportData, arms: Sequence[ArmFacts]) -> ReportData:
    """Put other arms beside the run: their numbers, their check, and what they say."""
    data.arms = list(arms)
    data.checks += reconcile.arms(data)
    findings.tell(data)
    return data


def course(at: Sequence[int], bp: Sequence[int]) -> Course:
    """The highest value in each of at most SLOTS equal slots of time."""
    if not at:
        return Course()
    width = (at[-1] - at[0]) // SLOTS + 1
    high: dict[int, int] = {}
    for moment, value in zip(at, bp, strict=True):
        slot = (moment - at[0]) // width
        high[slot] = max(high.get(slot, 0), value)
    return Course([min(at[-1], at[0] + (slot + 1) * width) for slot in high], list(high.values()))


def bp_of(part: int, whole: int) -> int:
    """A share in basis points, rounded half up; 0 of nothing."""
    return (2 * part * FULL_BP + whole) // (2 * whole) if whole else 0


def _run(data: ReportData, books: Walk) -> None:
    placed = [order.placed_at for order in books.orders.values()]
    network = books.network
    data.run = RunFacts(
        party=network.party if network else "",
        currency=network.currency if network else "USD",
        first_order=findings.date(min(placed)) if placed else "",
        last_order=findings.date(max(placed)) if placed else "",
        orders=len(books.orders),
        order_lines=sum(order.lines for order in books.orders.values()),
        skus=len(network.skus) if network else 0,
        events=books.events,
        chain=books.chain.hex(),
        network_version=books.network_version,
        network_sha256=books.network_sha,
        people_erased=books.erased,
    )


def _files(data: ReportData, books: Walk) -> None:
    for taken in books.files.values():
        reasons = [Count(name, REJECT_WORDS.get(name, ""), count) for name, count in taken.reasons.items()]
        reasons.sort(key=lambda reason: (-reason.count, reason.name))
        data.files.append(
            FileFacts(
                taken.source,
                taken.file,
                taken.sha256,
                taken.read,
                taken.accepted,
                taken.rejected,
                reasons,
                list(taken.notes),
            )
        )
        data.banner.extend(line for line in taken.banner if line not in data.banner)
    later = sum(sample.count for sample in data.rejects if sample.reason in ("refused", "changed_order"))
    data.lines_read = sum(file.read for file in data.files)
    data.lines_accepted = sum(file.accepted for file in data.files) - later
    data.lines_rejected = sum(file.rejected for file in data.files) + later


def _units(books: Walk, standing: list[PartFacts]) -> UnitFacts:
    of = Counter[str]()
    for part in standing:
        of[part.status] += part.units
    orders = books.orders.values()
    return UnitFacts(
        ordered=sum(order.units for order in orders),
        placed=sum(part.units for part in standing),
        parked=sum(rest.units for order in orders for rest in order.rests.values()),
        expired=sum(order.expired.total() for order in orders),
        cancelled=sum(order.cancelled for order in orders),
        open=of[OPEN],
        shipped=of[SHIPPED],
        delivered=of[DELIVERED],
        returned=sum(part.returned for part in standing),
        late=sum(part.units for part in standing if part.late),
        waited=sum(part.units for part in standing if part.waited),
    )


def _networks(network: NetworkFile, books: Walk, standing: list[PartFacts]) -> list[NetworkFacts]:
    caps = {cap.network: cap.cap_bp for cap in network.caps}
    found = {
        one.code: NetworkFacts(one.code, one.operator or one.code, one.code in caps, caps.get(one.code, 0), days={})
        for one in network.networks
    }
    owner = [found[node.network] for node in network.nodes]
    for part in standing:
        mine = owner[part.node]
        mine.fulfillment_orders += 1
        mine.units += part.units
        mine.cost += part.cost
        if part.late:
            mine.late += 1
            mine.late_waited += part.waited
            mine.units_late += part.units
        days = max(0, part.deliver_day - part.order.placed_at // MICROS_PER_DAY)
        mine.days[days] = mine.days.get(days, 0) + 1
    for part in books.parts():
        if part.status == CANCELLED:
            owner[part.node].voided += 1
    for mine in found.values():
        mine.days = dict(sorted(mine.days.items()))
    return sorted(found.values(), key=lambda mine: (not mine.capped, -mine.fulfillment_orders))


def _places(network: NetworkFile, books: Walk, standing: list[PartFacts]) -> tuple[list[NodeFacts], list[Lane]]:
    points = zip3_points()
    nodes = []
    for i, node in enumerate(network.nodes):
        prefix = zip3(node.zip) if node.country == "US" else -1
        known = prefix >= 0 and points[prefix][0] == points[prefix][0]  # NaN is not itself
        at = project(float(points[prefix][0]), float(points[prefix][1])) if known else None
        nodes.append(NodeFacts(node.code, node.network, node.zip, node.state, received=books.received[i], at=at))
    lanes: dict[tuple[int, str], Lane] = {}
    for part in standing:
        mine = nodes[part.node]
        state = part.order.state if part.order.country == "US" else part.order.country
        lane = lanes.get((part.node, state))
        if lane is None:
            lane = lanes[part.node, state] = Lane(mine.code, mine.network, state, 0, 0, 0)
        for one in (mine, lane):
            one.fulfillment_orders += 1
            one.units += part.units
            one.cost += part.cost
    return nodes, sorted(lanes.values(), key=lambda lane: (-lane.units, lane.node, lane.state))


def _cards(network: NetworkFile, books: Walk, nodes: list[NodeFacts]) -> list[str]:
    """Name each node's card and its kind; returns where the prices come from, once each."""
    tables = compile_tables(network, books.last_at // MICROS_PER_DAY)
    notes: dict[str, dict[str, None]] = {}
    for i, node in enumerate(nodes):
        node.card = network.nodes[i].card
        node.card_kind = "per unit" if tables.kind[i] == PER_UNIT else "parcel"
        if tables.explained is not None:
            for note in tables.explained.notes[i]:
                cards = notes.setdefault(note, {})
                cards[node.card] = None
    return [f"{', '.join(cards)}: {note}" for note, cards in notes.items()]


def _cap(network: NetworkFile, found: CapWalk, books: Walk, standing: list[PartFacts]) -> CapFacts:
    cap, window = found.cap, found.cap.total
    line = course(found.at, found.bp)
    channels = {channel.code: channel for channel in network.channels}
    counted = [part for part in standing if counts_for(channels[part.order.channel], cap.cap.network)]
    filled = next((at for at, size in zip(found.at, found.inside, strict=True) if size >= cap.cap.window), 0)
    from_ = max(filled, found.limits[-1].at)  # how tight it is, is said of the limit in force
    full = [bp for at, bp in zip(line.at, line.high_bp, strict=True) if filled and at >= from_]
    return CapFacts(
        network=cap.cap.network,
        cap_bp=cap.cap.cap_bp,
        window=cap.cap.window,
        measure=cap.cap.measure,
        on_conflict=cap.cap.on_conflict,
        entered=window.entered,
        max_share_bp=max([window.max_share_bp, *(w.max_share_bp for w in cap.channels.values())]),
        full_max_bp=found.full_max_bp,
        now_bp=window.share_bp(),
        live_bp=found.live_share_bp(),
        run_bp=bp_of(sum(part.node in cap.nodes for part in counted), len(counted)),
        filled_at=filled,
        breaches=found.breaches,
        voided=sum(found.gone),
        channels=[ChannelShare(name, w.max_share_bp, w.entered) for name, w in cap.channels.items()],
        course=line,
        decisions=found.decisions,
        with_network=found.with_network,
        refused=found.refused,
        refused_extra=found.extra,
        refused_known=found.extra_known,
        priced=found.priced,
        price_max=found.price_max,
        without=[Count(r.name.lower(), WITHOUT_WORDS[r], count) for r, count in found.without.most_common()],
        shelf_bp=bp_of(sum(books.received[n] for n in cap.nodes), books.received.total()),
        tight_bp=bp_of(sum(bp >= cap.cap.cap_bp - NEAR_BP for bp in full), len(full)),
        limits=[
            CapLimit(one.cap_bp, one.version, one.at, one.breaches, one.high_bp, one.own_bp, one.carried_bp, one.met_at)
            for one in found.limits
        ],
        since=found.since,
    )


def _sizes(books: Walk, standing: list[PartFacts]) -> list[SizeClass]:
    lows = (1, *(edge + 1 for edge in SIZE_EDGES))
    highs = (*SIZE_EDGES, 0)
    names = [
        f"{low}" if low == high else f"{low} to {high}" if high else f"{low} and more"
        for low, high in zip(lows, highs, strict=True)
    ]
    classes = [SizeClass(name, low, high, 0, 0, 0, 0, 0, 0) for name, low, high in zip(names, lows, highs, strict=True)]
    capped = {n for found in books.caps for n in found.cap.nodes}
    for part in standing:
        mine = classes[sum(part.units > edge for edge in SIZE_EDGES)]
        if part.node in capped:
            mine.capped += 1
            mine.capped_units += part.units
            mine.capped_cost += part.cost
        else:
            mine.independent += 1
            mine.independent_units += part.units
            mine.independent_cost += part.cost
    return [one for one in classes if one.capped + one.independent]


def _periods(network: NetworkFile, books: Walk) -> tuple[int, list[Period]]:
    if not books.orders:
        return 7, []
    days = [order.placed_at // MICROS_PER_DAY for order in books.orders.values()]
    days += [part.at // MICROS_PER_DAY for part in books.parts()]
    first, last = min(days), max(days)
    step = 1 if last - first <= 42 else 7
    while (last - first) // step >= PERIODS_MOST:
        step *= 2
    start = first - (first + 3) % 7 if step > 1 else first  # weeks start on a Monday
    found: dict[int, Period] = {}

    def slot(day: int) -> Period:
        number = (day - start) // step
        if number not in found:
            found[number] = Period(day_to_date(start + number * step).isoformat(), 0, 0, 0, 0, 0, 0, {})
        return found[number]

    for number in range((last - start) // step + 1):
        slot(start + number * step)
    for order in books.orders.values():
        mine = slot(order.placed_at // MICROS_PER_DAY)
        mine.orders += 1
        mine.ordered += order.units
        mine.expired += order.expired.total()
        mine.cancelled += order.cancelled
        mine.parked += sum(rest.units for rest in order.rests.values())
        for part in order.parts.values():
            if part.status != CANCELLED:
                mine.placed += part.units
                by = slot(part.at // MICROS_PER_DAY).fulfillment_orders
                code = network.nodes[part.node].network
                by[code] = by.get(code, 0) + 1
    return step, [found[number] for number in sorted(found)]


def _splits(books: Walk, standing: list[PartFacts]) -> SplitFacts:
    histogram: Counter[int] = Counter()
    nodes = 0
    for order in books.orders.values():
        mine = [part for part in order.parts.values() if part.status != CANCELLED]
        if mine:
            histogram[len(mine)] += 1
            nodes += len({part.node for part in mine})
    orders = histogram.total()
    return SplitFacts(
        orders_placed=orders,
        fulfillment_orders=len(standing),
        histogram=dict(sorted(histogram.items())),
        later=sum(part.waited for part in standing),
        nodes_per_order=round(nodes / orders, 4) if orders else 0.0,
        single=histogram[1],
    )


def _promise(network: NetworkFile, books: Walk, standing: list[PartFacts]) -> PromiseFacts:
    found = PromiseFacts(working_days=network.policy.promise_working_days)
    for order in books.orders.values():
        if order.units == order.cancelled:
            continue
        found.wanted += 1
        if order.rests or order.expired:
            continue
        found.in_full += 1
        found.on_time_in_full += not any(part.late for part in order.parts.values() if part.status != CANCELLED)
    found.late = sum(part.late for part in standing)
    found.late_waited = sum(part.late and part.waited for part in standing)
    return found


def _waiting(books: Walk) -> list[Waiting]:
    expired: Counter[str] = Counter()
    parked: dict[str, int] = defaultdict(int)
    for order in books.orders.values():
        expired.update(order.expired)
        for rest in order.rests.values():
            parked[rest.reason] += rest.units
    reasons = sorted({*books.waits, *expired, *parked}, key=lambda reason: (-books.waits[reason], reason))
    return [
        Waiting(
            reason,
            WAIT_WORDS.get(reason, reason.replace("_", " ")),
            books.parked_parts[reason],
            books.waits[reason],
            expired[reason],
            parked[reason],
        )
        for reason in reasons
    ]
