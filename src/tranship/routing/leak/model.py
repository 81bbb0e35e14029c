"""A leak plan: what one network may be shown this week, as it lies beside the journal, and its tables as decisions read them.

A network that stores the goods and carries the parcels sees every order it gets: which SKU, when, which household. What it can
infer from them is limited by *which* orders it gets. A plan holds, for one network and one week, the share of each SKU's orders
that may go there (thinning to a secret curve), the weight of an order by what its household did so far (exposure budget), and the keys
of the draws. Shares and weights are integers in parts per million; weeks are counted from 1970-01-01 (a Thursday), without time zones.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tranship.core.errors import InputError

Ints = NDArray[np.int64]
ONE = 1_000_000
"""A whole, in parts per million."""
WEEKS = 52
"""Weeks of a leak year: 364 days, so that a year holds whole weeks; counts of households start anew with it."""
MICROS_PER_WEEK = 7 * 86_400 * 1_000_000
MOST_SHARE = 10 * ONE
"""Highest share of a SKU taken: above one, a scarce SKU accepts households of less weight."""
STALE_WEEKS = 3
"""Weeks that a plan serves after its own; later it admits nothing, because shares that stand still show growth."""


def week_of(at: int) -> int:
    """The absolute week of a UTC time in micros.

    >>> week_of(0), week_of(MICROS_PER_WEEK - 1), week_of(MICROS_PER_WEEK)
    (0, 0, 1)
    """
    return at // MICROS_PER_WEEK


def year_of(week: int) -> int:
    """The leak year of an absolute week: household counts and secret curves are per leak year.

    >>> year_of(51), year_of(52)
    (0, 1)
    """
    return week // WEEKS


class Household(NamedTuple):
    """What the brand knows of the household (verified address) that an order goes to, before this order."""

    last_year: int  # own orders in the leak year before; -1: it was not known then
    seen: int  # own orders in this leak year, whatever network shipped them
    shown: tuple[int, ...]  # parcels that each budgeted network got this leak year, by position in `LeakPlan.networks`


NEW_HOUSEHOLD = Household(-1, 0, ())
"""Nothing is known yet; where `shown` is shorter than the list of networks, the rest is 0."""


class LeakVerdict(NamedTuple):
    """Whether an order may be shown to the network, and why. Draws below the limit are admitted; all numbers are ppm."""

    admitted: bool
    limit_ppm: int  # of the SKU that allows least
    draw_ppm: int  # keyed, uniform below ONE: the same order draws the same again
    why: str  # a key of `WHY`
    lines: tuple[bool, ...]  # per SKU asked about: whether a part with this line alone would be admitted
    accepted_ppm: tuple[int, ...]  # per SKU: weight it had here before its own share; planners sum it (`Week.accepted`)


WHY = {
    "admitted": "within the leak budget",
    "open": "no household to hide: pickup point or business",
    "thinned": "kept off so that the network sees the planned curve of this SKU",
    "household": "this household has been shown enough",
    "turn": "another budgeted network's turn",
    "price": "the network saves too little on this order",
    "never": "a SKU that this network is not to see, or not yet: a new one has no curve",
    "plan": "no leak plan for this week",
}
"""Words that `explain` shows, by `LeakVerdict.why`. `open` counts as admitted."""


class LeakFigures(msgspec.Struct, frozen=True):
    """What the planner knew when it made the plan; for people and alarms."""

    weeks: int = 0  # of own orders it has followed this leak year
    short_ppm: int = 0  # expected shortfall of exposures below the curve, over all SKUs
    expected_ppm: int = 0  # share of the own orders that it expects to be admitted
    tilt_ppm: int = 0  # how far growers are bent down: log of exposures per unit of growth a week
    growth_seen_ppm: int = 0  # own attack: correlation of what the network saw with true growth
    settling: int = 0  # SKUs too new for a curve
    note: str = ""
    unsure: bool = False  # made without a forecast that can be relied on
    given: int = 0  # SKUs whose curve began on a growth forecast of the brand's own,
    read: int = 0  # and on growth read from past orders
    source: str = ""  # which forecast it was: a digest


class LeakPlan(msgspec.Struct, frozen=True):
    """The document of one network and week. It holds secrets (keys, curves, growth): it is stored sealed and never leaves."""

    network: str
    document: str  # sha256 of the network document whose SKU positions these are
    week: int  # absolute
    networks: tuple[str, ...]  # all budgeted networks, this one too, in the file's order: they take turns
    key: bytes  # of the draws, 16-64 bytes; per network and leak year
    coin: bytes  # of the turns; the same for all networks of the list
    shares: bytes  # int32 little endian per SKU: ppm, 0 = never shown, at most MOST_SHARE
    weights: bytes  # int32 little endian [shown][last_year + 1][seen]: ppm of a household order; beyond `shown`: 0
    most_last: int  # shape of `weights`: households above count as these
    most_seen: int
    least_saving_bp: int | None = (
        None  # orders on which the network saves less are not shown to it; None: savings are not looked at
    )
    open_ppm: int = 0  # share of orders that the budget lets pass whatever they show
    memory: bytes = b""  # the planner's own: filters, curves, exposures so far
    figures: LeakFigures = LeakFigures()

    def __repr__(self) -> str:
        return f"LeakPlan({self.network!r}, week {self.week}, {len(self.shares) // 4} SKUs)"


class LeakTables:
    """A plan in force, unpacked once for many decisions."""

    __slots__ = ("cap", "mates", "mine", "plan", "shares", "weights")

    def __init__(self, plan: LeakPlan) -> None:
        """InputError where the plan's parts do not fit together."""
        check(plan)
        self.plan = plan
        self.shares: list[int] = np.frombuffer(plan.shares, "<i4").tolist()
        table = np.frombuffer(plan.weights, "<i4").reshape(-1, plan.most_last + 2, plan.most_seen + 1)
        self.weights: list[list[list[int]]] = table.tolist()
        self.cap = len(self.weights)
        self.mates = len(plan.networks)
        self.mine = plan.networks.index(plan.network)


def check(plan: LeakPlan) -> None:
    """InputError where a plan is damaged: bytes that do not fit, shares or weights out of range, short keys."""
    cells = max(1, plan.most_last + 2) * max(1, plan.most_seen + 1)
    wrong = (
        (len(plan.shares) % 4 or len(plan.weights) % (4 * cells), "tables of odd length"),
        (plan.most_last < 0 or plan.most_seen < 0 or plan.week < 0, "a negative size or week"),
        (plan.network not in plan.networks or len(set(plan.networks)) != len(plan.networks), "networks"),
        (not (16 <= len(plan.key) <= 64 and 16 <= len(plan.coin) <= 64), "keys of less than 16 or more than 64 bytes"),
        (not 0 <= plan.open_ppm <= ONE, "an open share that is no share"),
    )
    for bad, what in wrong:
        if bad:
            raise InputError(f"leak plan with {what}", where="leak")
    for table, most in ((plan.shares, MOST_SHARE), (plan.weights, ONE)):
        values = np.frombuffer(table, "<i4")
        if values.size and not 0 <= int(values.min()) <= int(values.max()) <= most:
            raise InputError(f"leak plan with a share or weight outside 0 to {most} ppm", where="leak")


def encode(plan: LeakPlan) -> bytes:
    """The document's bytes: the same plan gives the same bytes."""
    return msgspec.msgpack.encode(plan)


def decode(document: bytes) -> LeakPlan:
    """Read a document; InputError where it is no leak plan or a damaged one."""
    try:
        plan = msgspec.msgpack.decode(document, type=LeakPlan)
    except msgspec.MsgspecError as error:
        raise InputError("not a leak plan", where="leak") from error
    check(plan)
    return plan
