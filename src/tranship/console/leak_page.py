"""The data of the leak report: what each network saw of a brand, and what it could work out from it."""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from tranship.console.leak_source import BrandFacts, NetworkTraffic, Traffic
from tranship.masking.leak import closed
from tranship.masking.leak.learned import Learned
from tranship.masking.leak.metrics import LEAST_SKUS, TOP, Reading, Scores, score
from tranship.masking.leak.model import Adversary, Seen
from tranship.masking.leak.truth import BEST, REPEAT, Truth

LEAST_ROWS = 26
"""Order lines from which a SKU's growth is compared: one every other week of a year."""
ALIAS_WEEKS = 4
"""How often aliases change that a carrier is assumed to see."""
POINTS = 300
"""SKUs drawn in a chart at most: those with most lines; the figures are of all."""
COLUMNS = 12
"""Columns of the histogram; the last one is open."""


class BarPage(msgspec.Struct):
    """One metric against one adversary. None: too few orders to tell. See masking.leak.metrics.Reading."""

    name: str
    value: float | None
    by: str
    floor: float | None
    spread: float | None
    high: float | None
    size: int
    above: bool
    each: dict[str, float | None]


class PointPage(msgspec.Struct):
    """A SKU: its growth a week (log) in the brand's books, as the network reckons it, and the change of irregularity it saw."""

    sku: str
    true: float
    guess: float
    lines: int
    top: bool
    timing: float | None


class RegionPage(msgspec.Struct):
    """A region: margin an order in the brand's books and as the network reckons it; orders there."""

    name: str
    true: float
    guess: float
    orders: int


class ExcessPage(msgspec.Struct):
    """What went to a network beyond its leak budget, in orders. Weeks are those that are measured, the first one first."""

    budget: int
    on_conflict: str
    conflict: int  # nobody else could take it
    failure: int  # another network had failed
    households: int  # that at least one of them went to
    best: int  # of those, how many are among the customers that the report calls best
    weekly: list[int]
    seen: list[int]  # all orders of which the network saw something, by week

    @property
    def orders(self) -> int:
        """All of it."""
        return self.conflict + self.failure


class NetworkPage(msgspec.Struct):
    """One network."""

    code: str
    operator: str
    capped: bool
    carrier: str
    sent: bool
    orders: int
    lines: int
    order_share: float
    line_share: float
    cancelled: int
    learned: str  # how the learned attackers were trained; "": there were none
    node: list[BarPage]
    transit: list[BarPage]
    skus: int  # compared
    points: list[PointPage]
    regions: list[RegionPage]
    exposure: list[int]  # households by orders that this network saw: 1, 2, ..., COLUMNS and more
    whole: list[int]  # the same households, and the rest, by orders in the brand's books
    households: int  # of which it saw an address
    never: int  # of which it saw none
    pairs_same: int  # pairs of orders that an address joins: of one customer
    pairs_all: int
    pairs_true: int  # all pairs of orders of one customer
    carries: list[str] = []  # operators whose parcels it carries as well
    with_carried: list[BarPage] = []  # as their carrier and its own: metrics of customers
    excess: ExcessPage | None = None  # None: it has no leak budget

    def bar(self, name: str, adversary: Adversary = Adversary.NODE) -> BarPage:
        """A metric."""
        bars = self.node if adversary is Adversary.NODE else self.transit
        return next(one for one in bars if one.name == name)


class LeakPage(msgspec.Struct):
    """All of it."""

    run: str
    facts: BrandFacts
    networks: list[NetworkPage]
    own: list[str]  # the party's own networks, left out
    repeat_customers: int
    quick: bool
    least_rows: int = LEAST_ROWS
    alias_weeks: int = ALIAS_WEEKS


Trained = Mapping[tuple[str, Adversary], tuple[Learned, str]]
"""Learned attackers of a network, and in words how they were trained."""


def shown(traffic: Traffic, only: str = "") -> tuple[list[NetworkTraffic], list[str]]:
    """The networks that are measured, and the names of the party's own, which are not unless asked for."""
    if only:
        return [one for one in traffic.networks if one.code.casefold() == only.casefold()], []
    party = traffic.facts.party.casefold()
    own = [one for one in traffic.networks if party in (one.operator.casefold(), one.code.casefold())]
    return [one for one in traffic.networks if one not in own], [one.operator for one in own]


def make_page(
    traffic: Traffic, run: str, *, only: str = "", trained: Trained | None = None, quick: bool = False
) -> LeakPage:
    """Measure every network (or `only` one) and put the figures together. Nothing in it names a customer or an address."""
    networks, own = shown(traffic, only)
    truth = Truth(traffic.world)
    pages = [_network(traffic, truth, one, trained or {}) for one in networks]
    repeat = int((truth.orders >= REPEAT).sum())
    return LeakPage(run, traffic.facts, pages, own, repeat, quick)


def _network(traffic: Traffic, truth: Truth, one: NetworkTraffic, trained: Trained) -> NetworkPage:
    bars, words = {}, ""
    for adversary in Adversary:
        learned, words_now = trained.get((one.code, adversary), (None, ""))
        words = words or words_now
        bars[adversary] = _bars(
            score(
                one.world, one.seen, learned, adversary,
                alias_weeks=ALIAS_WEEKS if adversary is Adversary.TRANSIT else 0, least_rows=LEAST_ROWS,
            )
        )  # fmt: skip
    facts = traffic.facts
    exposure, whole, households, never = _exposure(one)
    same, every = closed.linked(closed.parcels(one.world, one.seen), one.world.customers)
    skus, points = _points(traffic, truth, one)
    carries, with_carried = _carried(traffic, one)
    return NetworkPage(
        one.code, one.operator, one.capped, one.carrier, one.sent, one.orders, len(one.seen.rows),
        one.orders / facts.orders if facts.orders else 0.0, len(one.seen.rows) / facts.rows if facts.rows else 0.0,
        one.cancelled, words, bars[Adversary.NODE], bars[Adversary.TRANSIT], skus, points, _regions(traffic, truth, one),
        exposure, whole, households, never, same, every, int(truth.pairs), carries, with_carried, _excess(traffic, truth, one),
    )  # fmt: skip


def _excess(traffic: Traffic, truth: Truth, one: NetworkTraffic) -> ExcessPage | None:
    """What a drain or a shortage elsewhere spent."""
    spent, orders = one.spent, traffic.world.orders
    if spent is None:
        return None
    beyond = np.array([*spent.conflict, *spent.failure], np.int64)
    rows = one.seen.rows if one.world.order is None else np.unique(one.world.order[one.seen.rows])
    homes = orders.household[beyond]
    often = np.argsort(-truth.orders, kind="stable")[: int(BEST * one.world.customers)]
    best = np.isin(orders.customer[beyond], often)

    def weekly(some: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
        return [int(count) for count in np.bincount(orders.at[some].astype(np.int64), minlength=traffic.facts.weeks)]

    return ExcessPage(
        spent.budget, spent.on_conflict, len(spent.conflict), len(spent.failure), len(np.unique(homes[homes >= 0])),
        len(np.unique(orders.customer[beyond][best])), weekly(beyond), weekly(rows),
    )  # fmt: skip


def _carried(traffic: Traffic, one: NetworkTraffic) -> tuple[list[str], list[BarPage]]:
    """What a network knows of customers from its own parcels and those that it carries for others: the labels of both."""
    others = [other for other in traffic.networks if other.code in one.carries and len(other.seen.rows)]
    if not others:
        return [], []
    mask = np.zeros(len(one.world.at), np.bool_)
    hidden = np.zeros(len(one.world.at), np.bool_)
    for seen in (one.seen, *(other.seen for other in others)):
        mask[seen.rows] = True
        hidden[seen.rows[~seen.addressed]] = True
    found = score(one.world, Seen.of(one.world, mask, hidden), None, Adversary.TRANSIT, least_rows=LEAST_ROWS, draws=0)
    return [other.operator for other in others], [_bar(found[name]) for name in ("vip", "pairs", "freq20")]


def _bars(scores: Scores) -> list[BarPage]:
    return [_bar(one) for one in scores.readings.values()]


def _bar(one: Reading) -> BarPage:
    each = {name: _real(value) for name, value in one.each.items()}
    floor, spread, high = (_real(value) for value in (one.floor, one.spread, one.high))
    return BarPage(one.name, _real(one.value), one.by, floor, spread, high, one.size, one.above, each)


def _real(value: float) -> float | None:
    """A number as JSON has it: rounded to four digits, None where it is none."""
    return None if math.isnan(value) else round(float(value), 4)


def _points(traffic: Traffic, truth: Truth, one: NetworkTraffic) -> tuple[int, list[PointPage]]:
    judged = np.flatnonzero(truth.rows >= LEAST_ROWS)
    if len(judged) < LEAST_SKUS:
        return len(judged), []
    guess = closed.slope(closed.by_week(one.world, one.seen.rows))
    change = closed.timing(one.world, one.seen.rows)
    top = set(judged[np.argsort(-truth.growth[judged], kind="stable")[:TOP]].tolist())
    often = judged[np.argsort(-truth.rows[judged], kind="stable")].tolist()
    drawn = [sku for sku in often if sku in top] + [sku for sku in often if sku not in top][: POINTS - TOP]
    return len(judged), [
        PointPage(
            traffic.skus[sku], round(float(truth.growth[sku]), 5), round(float(guess[sku]), 5), int(truth.rows[sku]),
            sku in top, _real(float(change[sku])),
        )
        for sku in drawn
    ]  # fmt: skip


def _regions(traffic: Traffic, truth: Truth, one: NetworkTraffic) -> list[RegionPage]:
    guess = closed.regional(one.world, one.seen.rows, priced=True)
    mine = traffic.world.orders.region
    orders = np.bincount(mine[mine >= 0], minlength=traffic.world.regions)
    return [
        RegionPage(name, round(float(true), 2), round(float(guessed), 2), int(count))
        for name, true, guessed, count in zip(traffic.regions, truth.margins, guess, orders, strict=True)
        if not math.isnan(true) and not math.isnan(guessed)
    ]


def _exposure(one: NetworkTraffic) -> tuple[list[int], list[int], int, int]:
    """Households by orders seen, by orders in the books, how many it saw, how many not. Businesses are left out."""
    world = one.world
    mine = world.orders
    private = ~mine.b2b & (mine.household >= 0)
    whole = np.bincount(mine.household[private], minlength=world.households)
    seen = np.bincount(closed.parcels(world, one.seen).household, minlength=world.households)
    return _columns(seen), _columns(whole), int((seen > 0).sum()), int(((whole > 0) & (seen == 0)).sum())


def _columns(counts: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    found = np.bincount(np.minimum(counts, COLUMNS), minlength=COLUMNS + 1)
    return [int(count) for count in found[1:]]
