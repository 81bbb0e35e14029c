"""From a run's books to what the leak meter measures: the brand's own orders, and which of them each network saw."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np

from tranship.connectors.netfile import from_document
from tranship.console.findings import date
from tranship.console.walk import CANCELLED, MICROS_PER_DAY, Source
from tranship.core.network import Network, NetworkFile
from tranship.core.order import Order
from tranship.engine import events as ev
from tranship.engine.shard import decoded
from tranship.masking.leak.model import GROSS, Floats, Ints, Mask, Seen, World
from tranship.routing.gate import EXCESS
from tranship.routing.leak.policy import NO_BUDGET
from tranship.routing.model import Decision

WEEK = 7 * MICROS_PER_DAY
MOST_WEEKS = 52
"""The last so many weeks of a run are measured: what a network knows after a year."""
LEAST_ORDERS = 30
"""Orders from which a region's margin is compared: below, the truth is mostly chance."""
ROWS_PER_TELL = 5_000

Street = Callable[[str, str], str]
"""(order id, person id) -> the street that the parcel goes to, "" where it is not known or the person was erased."""


class BrandFacts(msgspec.Struct):
    """What was read: the words above the report.

    Households are told apart `by_address` (its random id, or the sealed street), else `by_account` (the customer is taken for one
    household); a guest without an address is a household of one order.
    """

    party: str = ""
    currency: str = "USD"
    first: str = ""
    last: str = ""
    weeks: int = 1
    orders: int = 0
    rows: int = 0
    skus: int = 0
    customers: int = 0
    households: int = 0
    by_address: int = 0  # orders
    by_account: int = 0
    guests: int = 0
    business: int = 0
    pickup: int = 0
    left_out: int = 0  # orders before the weeks that are measured
    regions: int = 0  # with enough orders to compare
    unpriced: int = 0  # rows without a price
    banner: list[str] = []  # what had to be derived, as every report of the run says it


class Spent(NamedTuple):
    """What went to a network beyond its leak budget: places of orders among those measured, and why the budget yielded."""

    budget: int
    on_conflict: str
    conflict: tuple[int, ...] = ()  # nobody else could take it
    failure: tuple[int, ...] = ()  # another network had failed


class NetworkTraffic(NamedTuple):
    """One network: the rows it saw, and the brand's world with the fees that this network knows."""

    code: str
    operator: str
    capped: bool
    carrier: str
    sent: bool  # by dispatches; False: by the fulfillment orders placed there
    world: World
    seen: Seen
    orders: int
    cancelled: int  # dispatches that were taken back: it saw them all the same
    carries: list[str]  # codes of networks whose parcels it carries as well
    spent: Spent | None = None  # None: it has no leak budget


class Traffic(NamedTuple):
    """A run as the leak meter sees it. `skus` and `regions` are names by code."""

    facts: BrandFacts
    world: World
    skus: list[str]
    regions: list[str]
    networks: list[NetworkTraffic]
    document: NetworkFile | None


class _Taken(NamedTuple):
    order_id: str
    order: Order


def read_traffic(
    store: Source, *, weeks: int = MOST_WEEKS, street: Street | None = None, tell: Callable[[int], None] | None = None
) -> Traffic:
    """Read one moment of a run. `street` opens addresses where the key file is there; nothing of them is kept.

    DamageError names a journal row that cannot be read. A run without orders gives a world of no rows.
    """
    facts = BrandFacts()
    taken, document, opened = _orders(store, facts, tell)
    if not taken or document is None:
        return Traffic(facts, _nothing(), [], [], [], document)
    last = taken[-1].order.placed_at
    span = min(weeks, (last - taken[0].order.placed_at) // WEEK + 1)
    start = last - span * WEEK + 1
    kept = [one for one in taken if one.order.placed_at >= start]
    facts.party, facts.currency, facts.weeks = document.party, document.currency, span
    facts.first, facts.last = date(kept[0].order.placed_at), date(last)
    facts.orders, facts.left_out = len(kept), len(taken) - len(kept)
    number = {one.order_id: i for i, one in enumerate(kept)}
    build = _Build(kept, start, document, facts)
    build.opened = {(network, number[name]): why for (network, name), why in opened.items() if name in number}
    return build.traffic(_parts(store, number), street)


def _nothing() -> World:
    whole, real = np.zeros(0, np.int64), np.zeros(0)
    return World(
        real, whole, whole, whole, whole, real, whole, real, np.zeros(0, np.bool_), real, real, whole, households=0, weeks=1
    )  # fmt: skip


def _orders(
    store: Source, facts: BrandFacts, tell: Callable[[int], None] | None
) -> tuple[list[_Taken], NetworkFile | None, dict[tuple[str, str], str]]:
    """Orders, the newest network file, and why the budget of a network yielded for an order, by (network, order id)."""
    found, sha, opened = [], "", dict[tuple[str, str], str]()
    for row in store.journal():
        if row.kind in KINDS or (row.kind in DECIDING and (b"failure" in row.payload or b"conflict" in row.payload)):
            event = decoded(row)
            for name, decision in _decisions(event):
                for gate in decision.why.leaks:
                    if gate.opened in EXCESS:
                        opened.setdefault((gate.network, name), gate.opened)
            if isinstance(event, ev.OrderAccepted):
                found.append(_Taken(event.order_id, event.order))
            elif isinstance(event, ev.NetworkLoaded):
                sha = event.sha256
            elif isinstance(event, ev.FileTaken):
                facts.banner += [line for line in event.banner if line not in facts.banner]
        if tell and row.seq % ROWS_PER_TELL == 0:
            tell(row.seq)
    found.sort(key=lambda one: (one.order.placed_at, one.order_id))
    return found, from_document(store.document(sha)) if sha else None, opened


def _decisions(event: ev.Event) -> list[tuple[str, Decision]]:
    if isinstance(event, ev.OrderRouted):
        return [(event.order_id, event.decision)]
    return [(move.order_id, move.decision) for move in event.moves] if isinstance(event, ev.OrdersMoved) else []


KINDS = frozenset({"accepted", "network", "file"})
DECIDING = frozenset({"routed", "moved"})
"""Kinds of rows that tell where a leak budget yielded; read only where the words for that are in them, which few have."""


class _Part(NamedTuple):
    order: int
    network: str
    lines: list[tuple[int, int]]
    cost: int
    void: bool
    sent: bool


def _parts(store: Source, number: dict[str, int]) -> list[_Part]:
    """Every fulfillment order of the orders measured, and whether anything of it was sent."""
    sent = {str(part_id) for (part_id,) in store.query("SELECT DISTINCT part_id FROM dispatch")}
    found = []
    for part_id, order_id, network, status, cost, lines in store.query(
        "SELECT part_id, order_id, network, status, cost, lines FROM part"
    ):
        place = number.get(str(order_id))
        if place is not None:
            assert isinstance(lines, bytes)
            held = msgspec.msgpack.decode(lines, type=list[tuple[int, int]])
            void = status == CANCELLED
            found.append(_Part(place, str(network), held, int(str(cost)), void, str(part_id) in sent))
    return found


class _Build:
    """Arrays from orders, step by step. Codes are given in order of appearance, so the same run gives the same arrays."""

    def __init__(self, kept: list[_Taken], start: int, document: NetworkFile, facts: BrandFacts) -> None:
        self.kept, self.start, self.document, self.facts = kept, start, document, facts
        self.sku_of: dict[str, int] = {}
        self.region_of: dict[str, int] = {}
        self.opened: dict[tuple[str, int], str] = {}  # why the budget of a network yielded for an order

    def traffic(self, parts: Sequence[_Part], street: Street | None) -> Traffic:
        """All of it."""
        rows, self.row_of = self._rows()
        order, sku, quantity, minor = rows
        heads = np.searchsorted(order, np.arange(len(self.kept)))
        customer, household, business, hidden = self._people(street)
        region = self._regions()
        price = _public(sku, minor / 100, len(self.sku_of))
        value = quantity * minor / 100
        margin = GROSS * value
        margin[heads] -= self._shipping(parts)
        at = np.array([(one.order.placed_at - self.start) / WEEK for one in self.kept])
        mine = Counter[tuple[int, int]](
            zip(customer[customer >= 0].tolist(), household[customer >= 0].tolist(), strict=True)
        )
        facts = self.facts
        facts.rows, facts.skus, facts.unpriced = len(sku), len(self.sku_of), int((minor == 0).sum())
        facts.customers, facts.households = int(customer.max()) + 1, int(household.max()) + 1
        facts.regions = len(self.region_of)
        world = World(
            at=np.minimum(at, np.nextafter(facts.weeks, 0))[order], sku=sku, customer=customer[order],
            household=household[order], quantity=quantity, value=value, region=region[order], margin=margin,
            b2b=business[order], price=price, fee=np.zeros(len(self.region_of)), home=_homes(mine, facts.customers),
            households=facts.households, weeks=facts.weeks, order=order,
        )  # fmt: skip
        networks = self._networks(world, parts, hidden[order])
        return Traffic(facts, world, list(self.sku_of), list(self.region_of), networks, self.document)

    def _rows(self) -> tuple[tuple[Ints, Ints, Ints, Floats], dict[tuple[int, int], int]]:
        """Order, SKU, quantity, unit price in minor units of each row; and the row of each (order, place of a line)."""
        rows: list[tuple[int, int, int, float]] = []
        row_of = {}
        for i, (_, order) in enumerate(self.kept):
            here: dict[int, int] = {}
            for place, line in enumerate(order.lines):
                sku = self.sku_of.setdefault(line.sku, len(self.sku_of))
                if sku in here:
                    _, _, quantity, minor = rows[here[sku]]
                    whole = quantity + line.qty
                    rows[here[sku]] = (i, sku, whole, (quantity * minor + line.qty * line.unit_price_minor) / whole)
                else:
                    here[sku] = len(rows)
                    rows.append((i, sku, line.qty, float(line.unit_price_minor)))
                row_of[i, place] = here[sku]
        columns = zip(*rows, strict=True)
        order_, sku_, quantity_ = (np.array(next(columns), np.int64) for _ in range(3))
        return (order_, sku_, quantity_, np.array(next(columns))), row_of

    def _people(self, street: Street | None) -> tuple[Ints, Ints, Mask, Mask]:
        """Of each order: customer, household, is it a business, does it go to a pickup point."""
        customers: dict[str, int] = {}
        households: dict[tuple[str, str, str], int] = {}
        customer, household = np.empty(len(self.kept), np.int64), np.empty(len(self.kept), np.int64)
        business, hidden = np.zeros(len(self.kept), np.bool_), np.zeros(len(self.kept), np.bool_)
        facts = self.facts
        for i, (order_id, order) in enumerate(self.kept):
            said = order.said
            line = "" if said.household or street is None or not order.person_id else street(order_id, order.person_id)
            if said.household or line:
                key = ("id", said.household, "") if said.household else ("street", plain(line), order.to.zip)
                facts.by_address += 1
            elif order.person_id:
                key = ("person", order.person_id, "")
                facts.by_account += 1
            else:
                key = ("order", order_id, "")
                facts.guests += 1
            who = order.person_id or f"order {order_id}"
            customer[i] = customers.setdefault(who, len(customers))
            household[i] = households.setdefault(key, len(households))
            business[i], hidden[i] = said.b2b or not order.to.residential, said.pickup
            facts.business += bool(business[i])
            facts.pickup += said.pickup
        return customer, household, business, hidden

    def _regions(self) -> Ints:
        """Each order's state (another country: that), -1 where the state has too few orders to compare."""
        names = [one.order.to.state if one.order.to.country == "US" else one.order.to.country for one in self.kept]
        often = [name for name, count in Counter(names).items() if name and count >= LEAST_ORDERS]
        self.region_of = {name: i for i, name in enumerate(often)}
        return np.array([self.region_of.get(name, -1) for name in names], np.int64)

    def _shipping(self, parts: Sequence[_Part]) -> Floats:
        """What shipping each order came to, in major units."""
        cost = np.zeros(len(self.kept))
        for part in parts:
            if not part.void:
                cost[part.order] += part.cost / 1e6
        return cost

    def _networks(self, world: World, parts: Sequence[_Part], hidden: Mask) -> list[NetworkTraffic]:
        capped = {cap.network for cap in self.document.caps}
        found = []
        for network in self.document.networks:
            mine = [part for part in parts if part.network == network.code]
            sent = any(part.sent for part in mine)
            shown = [part for part in mine if (part.sent if sent else not part.void)]
            mask = np.zeros(len(world.at), np.bool_)
            for part in shown:
                mask[[self.row_of[part.order, place] for place, _ in part.lines]] = True
            orders = {part.order for part in shown}
            found.append(
                NetworkTraffic(
                    network.code, network.operator or network.code, network.code in capped, network.carrier, sent,
                    _with_fees(world, self._fees(world, mine)), Seen.of(world, mask, hidden), len(orders),
                    sum(part.void for part in shown), self._carries(network), self._spent(network.code),
                )
            )  # fmt: skip
        return sorted(found, key=lambda one: (not one.capped, -one.orders))

    def _spent(self, network: str) -> Spent | None:
        budget = next((one for one in self.document.leaks if one.network == network and one.budget < NO_BUDGET), None)
        if budget is None:
            return None
        mine = {
            why: tuple(sorted(n for (of, n), said in self.opened.items() if of == network and said == why))
            for why in EXCESS
        }
        return Spent(budget.budget, budget.on_conflict, mine["conflict"], mine["failure"])

    def _carries(self, network: Network) -> list[str]:
        names = {network.code.casefold(), network.operator.casefold()} - {""}
        return [one.code for one in self.document.networks if one is not network and one.carrier.casefold() in names]

    def _fees(self, world: World, parts: Sequence[_Part]) -> Floats:
        """What a network charged an order on average, by region; NaN where it shipped none."""
        region, heads = (
            world.region,
            np.searchsorted(world.order if world.order is not None else [], np.arange(len(self.kept))),
        )
        of = region[heads]
        cost, orders = np.zeros(world.regions), [set[int]() for _ in range(world.regions)]
        for part in parts:
            if not part.void and of[part.order] >= 0:
                cost[of[part.order]] += part.cost / 1e6
                orders[of[part.order]].add(part.order)
        with np.errstate(invalid="ignore"):
            fee: Floats = cost / np.array([float(len(one)) for one in orders])
        return fee


def _with_fees(world: World, fee: Floats) -> World:
    return replace(world, fee=fee)


def plain(street: str) -> str:
    """A street as one household is told from another: letters and digits only, without case.

    >>> plain("12 Elm St., Apt #4") == plain("12 ELM ST APT 4")
    True
    """
    return "".join(sign for sign in street.casefold() if sign.isalnum())


def _public(sku: Ints, price: Floats, skus: int) -> Floats:
    """The public price of each SKU: the median of what was charged a unit."""
    order = np.lexsort((price, sku))
    ends = np.searchsorted(sku[order], np.arange(skus), "left"), np.searchsorted(sku[order], np.arange(skus), "right")
    median: Floats = price[order][(ends[0] + ends[1] - 1) // 2]
    return median


def _homes(mine: Counter[tuple[int, int]], customers: int) -> Ints:
    """The household where each customer ordered most often."""
    home, most = np.full(customers, -1, np.int64), np.zeros(customers, np.int64)
    for (customer, household), count in mine.items():
        if count > most[customer]:
            home[customer], most[customer] = household, count
    return home
