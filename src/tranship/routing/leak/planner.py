"""Makes the leak plan of a week: follows demand, keeps each SKU's exposures on a secret curve, attacks itself.

    level[k]  = min(level_most, level x exp(52 x min(0, growth - caution x sd)) x u[k] ^ depth)     what the forecast minimum of the year
                can carry; `u` is secret, uniform, and only there where no forecast can be relied on
    curve[k]  = level[k] x base[k] x common x exp(slope[k] x weeks - lean x growth over the mean[k])
    share[k]  = the share at which orders of the weights that households have come out on the curve

`common` is one factor for all SKUs (season, budgets that are used up, `taper`), so it tells nothing of any; `slope` is secret. `lean`
bends growers down just so far that what is going to be seen, the shortfall of shrinking SKUs included, does not go with growth.

It is an open loop on purpose. Exposures that fell short are not made up for later: that lowers the variance of all but the saturated
SKUs, and a learned attacker reads the variance. The brand's attack on itself is a figure for people, no input (docs/leak-budget.md).
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tranship.core.errors import InputError
from tranship.routing.leak.household import MOST_LAST, MOST_SEEN, USUAL, Buying, weight_table
from tranship.routing.leak.memory import BINS, NAMES, Memory, memory_of
from tranship.routing.leak.model import MOST_SHARE, ONE, WEEKS, Ints, LeakFigures, LeakPlan, year_of
from tranship.routing.leak.policy import Settings, unsure

Floats = NDArray[np.float64]
WEIGHT_MEMORY = 0.4
"""How much of last week's mean weight stays in this week's."""
ATTACK_FROM = 8
"""Weeks of exposures before the brand's attack on itself says anything."""
LEAN_MEMORY = 0.7
"""How much of last week's bend stays: the bend moves slowly, so that no week shows it."""
SKU_WEIGHT_LINES = 400.0
"""Order lines of a SKU at which its own mean weight counts as much as that of all SKUs."""
WEIGHTS = np.append(np.minimum(1.0, 1.44 * 0.5 ** np.arange(BINS - 1)), 0.0)
SHARES = np.geomspace(0.001, MOST_SHARE / ONE, 200)
REACHED = np.minimum(1.0, np.outer(SHARES, WEIGHTS))
MOST_FACTOR = 200.0
"""Highest factor of a SKU's forecast minimum that a curve starts at."""
MOST_EXPECTED = 200.0
"""What is expected to pass, of a demand that may be next to nothing: a figure for people, bounded for the journal."""
LEAST_DEMAND = 0.02
"""Order lines a week below which demand is not followed further down: one sale must not look like growth."""
MOST_LOG = 3.0
"""Largest surprise of a week that the filter believes, in factors of e."""


class Week(NamedTuple):
    """What happened in one week, per SKU position of the network document."""

    week: int  # absolute
    lines: Ints  # own order lines, wherever they went
    accepted: Ints  # sum of `LeakVerdict.accepted_ppm` over them; 0 for a line that was not asked about
    exposed: Ints  # lines that the network was shown
    spread: Ints | None = None  # own order lines by their weight, see `bin_of`; None: only the mean is known


class Known(NamedTuple):
    """What is known before the first week of a leak year, per SKU position."""

    lines: Ints  # own order lines in the weeks before
    weeks: Ints  # how many weeks those are; fewer than `settle_weeks`: the SKU has no curve yet
    growth: Floats | None = None  # forecast: log growth a week; None: not known
    growth_sd: float | Floats = 0.0  # standard deviation of the forecast's error, of all SKUs or of each
    never: NDArray[np.bool_] | None = None  # SKUs that this network is not to see
    buying: Buying = USUAL
    unsure: bool = (
        False  # growth was read from past orders or is not known at all: `policy.unsure` settings hold this year
    )
    given: int = 0  # SKUs whose growth the brand has forecast itself,
    read: int = 0  # and those of which it was read from past orders: for people
    source: str = ""  # which forecast: a digest, empty without one


class Place(NamedTuple):
    """Whose plan it is. `secret` (at least 16 bytes) is the party's; keys of draws and curves are derived from it."""

    network: str
    networks: tuple[str, ...]
    document: str
    secret: bytes

    def key(self, what: str, year: int) -> bytes:
        """A key of this party for one purpose and leak year."""
        return hmac.digest(self.secret, f"leak|{what}|{year}".encode(), "sha256")

    def coin(self, year: int) -> bytes:
        """The key of turns, the same for all networks. No code of a network has a bar, so it is the key of none of them."""
        return self.key("turn|coin", year)


class Planner:
    """The planner of one network between two weeks: `begin` a year, `follow` its weeks, `plan` the next one."""

    def __init__(self, place: Place, settings: Settings, memory: Memory) -> None:
        self.place, self.memory, self._asked = place, memory, settings.checked()
        self.settings = self._settings()
        self.now = {name: np.frombuffer(memory.arrays[name], "<f8").copy() for name in NAMES}

    @classmethod
    def begin(cls, place: Place, settings: Settings, known: Known, week: int) -> "Planner":
        """A first year, which starts in the middle where `week` is not its first: nothing was shown before."""
        size = len(known.lines)
        if len(known.weeks) != size:
            raise InputError("lines and weeks of different SKUs", where="leak")
        arrays = {name: np.zeros(size).tobytes() for name in NAMES}
        memory = Memory(arrays, week, week, mean=known.buying.mean, shape=known.buying.shape)
        planner = cls(place, settings, memory)
        planner._start(known)
        return planner

    def follow(self, week: Week) -> None:
        """Take in a week that is over. Weeks come in order; one that was already followed is passed over."""
        memory = self.memory
        if week.week < memory.week:
            return
        if year_of(week.week) != year_of(memory.week):  # weeks of an earlier year that never came
            memory.week = week.week
        self._filter(week)
        self._weights(week)
        at = week.week - memory.first
        seen = np.log(week.exposed + 0.5)
        self.now["sum"] += seen
        self.now["moment"] += at * seen
        memory.week = week.week + 1
        weeks = memory.week - memory.first
        if weeks >= ATTACK_FROM:
            self._attack(weeks)
        self.now["bend"] += self.now["decoy"]
        self._settle()
        self._lean()

    def renew(self, known: Known) -> None:
        """A new leak year: new secret slopes and keys; curves start near where they ended, but for a step that all share."""
        memory, now = self.memory, self.now
        ended = now["last"].copy()
        had = (now["base"] > 0) & (ended > 0)
        logs = {name: now[name].copy() for name in ("log", "var", "cov", "growth", "growth_var", "weeks")}
        growth = logs["growth"] if known.growth is None else None
        memory.first, memory.lean, memory.seen, memory.weight = memory.week, 0.0, 0.0, 1.0
        memory.mean, memory.shape = known.buying
        self._start(known)
        old = logs["weeks"] >= self.settings.settle_weeks
        for name in ("log", "var", "cov", "growth", "growth_var", "weeks"):
            if name not in {"growth", "growth_var"} or growth is not None:
                now[name] = np.where(old, logs[name], now[name])
        now["base"] = np.where(old, np.exp(now["log"]), now["base"])
        now["level"] = self._levels()
        self._go_on(np.where(had, ended, 0.0))

    def plan(self) -> LeakPlan:
        """The plan of the next week."""
        memory, now, settings, place = self.memory, self.now, self.settings, self.place
        demand, shown = np.exp(now["log"]) * memory.season, self._shown()
        reach, offered = self._reach(), demand * self._sku_weights() + 1e-12
        curve = self._curve() * np.exp(-memory.lean * self._along(shown))
        now["last"] = curve
        share = np.where(shown, self._shares(curve / offered), 0.0)
        reached = reach(curve / offered) * offered
        short = np.maximum(0.0, curve - reached)[shown].sum() / max(float(curve[shown].sum()), 1e-9)
        year = year_of(memory.week)
        figures = LeakFigures(
            weeks=memory.week - memory.first,
            short_ppm=int(short * ONE),
            expected_ppm=int(min(reached[shown].sum() / max(float(demand.sum()), 1e-9), MOST_EXPECTED) * ONE),
            tilt_ppm=int(memory.lean * ONE),
            growth_seen_ppm=int(memory.seen * ONE),
            settling=int(((now["base"] == 0) & (now["never"] == 0)).sum()),
            unsure=memory.unsure,
            given=memory.given,
            read=memory.read,
            source=memory.source,
        )
        memory.arrays = {name: now[name].astype("<f8").tobytes() for name in NAMES}
        return LeakPlan(
            network=place.network,
            document=place.document,
            week=memory.week,
            networks=place.networks,
            key=place.key(place.network, year),
            coin=place.coin(year),
            shares=np.round(share * ONE).astype("<i4").tobytes(),
            weights=weight_table(settings, Buying(memory.mean, memory.shape), memory.week),
            most_last=MOST_LAST,
            most_seen=MOST_SEEN,
            open_ppm=round(settings.open_share * ONE),
            memory=msgspec.msgpack.encode(memory),
            figures=figures,
        )

    def _settings(self) -> Settings:
        """What was asked for, or what stands for it in a year without a forecast that can be relied on."""
        return unsure(self._asked, len(self.place.networks)) if self.memory.unsure else self._asked

    def _go_on(self, ended: Floats) -> None:
        """Start curves near where they `ended` (0: none did), all moved by one factor so that together they nearly start as they should.

        The factor is common to all SKUs, so it tells nothing; without it each year would start where the one before ended, which is low.
        """
        now, most = self.now, self.settings.renew_most
        start = now["level"] * now["base"] * self._common()
        had, highest = (ended > 0) & (start > 0), self.settings.level_most * now["base"] * self._common()

        def near(log: float, most_there: Floats | float) -> Floats:
            found: Floats = np.minimum(
                np.clip(start, ended * np.exp(log) / most, ended * np.exp(log) * most), most_there
            )
            return found

        def solved(most_there: Floats | float) -> float:
            low, high = -MOST_LOG, MOST_LOG
            for _ in range(40 if had.any() else 0):
                middle = (low + high) / 2
                short = near(middle, most_there)[had].sum() < start[had].sum()
                low, high = (middle, high) if short else (low, middle)
            return high

        # Half of what SKUs that cannot follow leave is made up for by the others: the higher the step, the more it tells who cannot.
        bounded = np.where(had, near((solved(highest) + solved(np.inf)) / 2, highest), start)
        now["level"] = np.divide(now["level"] * bounded, start, out=np.zeros_like(start), where=start > 0)

    # -- parts ----------------------------------------------------------------------------------------------------

    def _start(self, known: Known) -> None:
        memory, now = self.memory, self.now
        memory.unsure, memory.given, memory.read, memory.source = known.unsure, known.given, known.read, known.source
        settings = self.settings = self._settings()
        size = len(known.lines)
        weeks = np.maximum(known.weeks, 1)
        mean = known.lines / weeks + 0.3 / np.sqrt(weeks / 6)
        now["log"] = np.log(mean)
        now["var"] = 1 / (weeks * mean) + 0.01
        now["cov"] = np.zeros(size)
        true = settings.growth_sd**2
        noise = np.broadcast_to(np.asarray(known.growth_sd, float) ** 2, size)
        forecast = known.growth is not None
        now["growth"] = np.asarray(known.growth, float) * true / (true + noise) if forecast else np.zeros(size)
        now["growth_var"] = np.full(size, true * noise / (true + noise) if forecast else true)
        now["weeks"] = known.weeks.astype(float)
        now["base"] = np.where(known.weeks >= settings.settle_weeks, mean, 0.0)
        now["never"] = np.zeros(size) if known.never is None else known.never.astype(float)
        self.memory.spread = (1.0,) + (0.0,) * (BINS - 1)
        for name in ("bend", "sum", "moment", "weight_sum", "weight_lines", "last"):
            now[name] = np.zeros(size)
        key = self.place.key(f"slopes|{self.place.network}", year_of(self.memory.week))
        now["decoy"] = normal(key, size) * settings.decoy_sd
        now["level"] = self._levels()

    def _levels(self) -> Floats:
        """How high curves start, relative to the SKU's demand: what its forecast minimum can carry, times one factor for all.

        The factor is solved for, so that curves together start at `level` of all demand, whichever way this brand's SKUs will go.
        """
        settings, now = self.settings, self.now
        worst = now["growth"] - settings.caution * np.sqrt(now["growth_var"])
        year, week = year_of(self.memory.week), self.memory.week % WEEKS
        carried = np.exp((WEEKS - week) * np.minimum(0.0, worst))  # what is left of the leak year
        if settings.depth:
            carried *= uniform(self.place.key(f"depths|{self.place.network}", year), len(carried)) ** settings.depth
        weight = now["base"] * (now["never"] == 0)
        whole = float(weight.sum())
        low, high = 0.0, MOST_FACTOR
        for _ in range(40 if whole > 0 else 0):
            middle = (low + high) / 2
            reached = float(weight @ np.minimum(settings.level_most, middle * carried)) / whole
            low, high = (low, middle) if reached > settings.level else (middle, high)
        levels: Floats = np.minimum(settings.level_most, (high if whole > 0 else settings.level) * carried)
        return levels

    def _common(self) -> float:
        settled = self.now["base"] > 0
        demand = np.exp(self.now["log"][settled]).sum() * self.memory.season
        gone = (self.memory.week % WEEKS + 0.5) / WEEKS
        course = demand * self.memory.weight * np.exp(-self.settings.taper * (gone - 0.5))
        return float(course / max(self.now["base"].sum(), 1e-9))

    def _filter(self, week: Week) -> None:
        """One step of a Kalman filter on log demand and its weekly growth; Poisson noise, one season for all SKUs."""
        now, memory = self.now, self.memory
        level = np.exp(now["log"])
        settled = now["weeks"] >= 1
        memory.season = 0.5 * memory.season + 0.5 * float(week.lines[settled].sum() / max(level[settled].sum(), 1e-9))
        expected = level * memory.season
        surprise = np.clip((week.lines - expected) / expected, -MOST_LOG, MOST_LOG)
        total = now["var"] + 1 / expected + 0.0005
        gain, growth_gain = now["var"] / total, now["cov"] / total
        now["log"] += gain * surprise
        now["growth"] += growth_gain * surprise
        now["growth_var"] -= growth_gain * now["cov"]
        now["cov"] *= 1 - gain
        now["var"] *= 1 - gain
        now["log"] = np.maximum(now["log"] + now["growth"], np.log(LEAST_DEMAND))
        now["var"] += 2 * now["cov"] + now["growth_var"] + 1e-5
        now["cov"] += now["growth_var"]
        now["weeks"] += (now["weeks"] > 0) | (week.lines > 0)

    def _weights(self, week: Week) -> None:
        now, memory = self.now, self.memory
        lines, accepted = float(week.lines.sum()), float(week.accepted.sum()) / ONE
        if lines > 0:
            memory.weight = WEIGHT_MEMORY * memory.weight + (1 - WEIGHT_MEMORY) * accepted / lines
        now["weight_sum"] = WEIGHT_MEMORY * now["weight_sum"] + week.accepted / ONE
        now["weight_lines"] = WEIGHT_MEMORY * now["weight_lines"] + week.lines
        spread = np.zeros(BINS)
        spread[0], spread[-1] = memory.weight, 1 - memory.weight
        if week.spread is not None and week.spread.sum():
            old = np.array(memory.spread)
            spread = WEIGHT_MEMORY * old + (1 - WEIGHT_MEMORY) * week.spread / week.spread.sum()
        memory.spread = tuple(spread.tolist())

    def _sku_weights(self) -> Floats:
        """Mean weight by SKU, drawn to the mean of all: companions in an order, and who buys it, differ by SKU."""
        common = max(self.memory.weight, 1e-6)
        own = self.now["weight_sum"] + SKU_WEIGHT_LINES * common
        mean: Floats = own / (self.now["weight_lines"] + SKU_WEIGHT_LINES)
        return mean

    def _reach(self) -> Callable[[Floats], Floats]:
        """From wanted exposures to those that come, both per order of weight one: below the curve where the share is at its limits."""
        spread, settings = np.array(self.memory.spread), self.settings
        part = REACHED @ spread / max(float(spread @ WEIGHTS), 1e-6)
        low, high = np.interp([settings.share_least, settings.share_most], SHARES, part)
        return lambda wanted: np.clip(wanted, low, high)

    def _shares(self, wanted: Floats) -> Floats:
        """The share at which exposures per order of weight one are as wanted: the mean of min(1, share x weight) over all weights."""
        spread, settings = np.array(self.memory.spread), self.settings
        part = REACHED @ spread / max(float(spread @ WEIGHTS), 1e-6)
        share: Floats = np.clip(np.interp(wanted, part, SHARES), settings.share_least, settings.share_most)
        return share

    def _shown(self) -> NDArray[np.bool_]:
        """SKUs that have a curve."""
        shown: NDArray[np.bool_] = (self.now["base"] > 0) & (self.now["never"] == 0)
        return shown

    def _curve(self) -> Floats:
        """Exposures meant for the week ahead, before growers are bent down for shrinking SKUs."""
        curve: Floats = self.now["level"] * self.now["base"] * self._common() * np.exp(self.now["bend"])
        return curve

    def _along(self, shown: NDArray[np.bool_]) -> Floats:
        """Growth over the mean, cut off at the edges: the strongest growers are bent no more than many, so that it does not mark them."""
        if shown.sum() < 3:
            return np.zeros(len(shown))
        growth = self.now["growth"] - self.now["growth"][shown].mean()
        edge = self.settings.lean_edge * growth[shown].std()
        along: Floats = np.clip(growth, -edge, edge)
        along -= along[shown].mean()
        return along

    def _lean(self) -> None:
        """Bend growers down just so far that what will be seen does not go with growth.

        A SKU that shrinks below its curve shows it. Its shortfall is known before it is seen, so the answer needs no feedback: of all
        bends along growth the one is taken under which log exposures to come and growth do not correlate over SKUs.
        """
        settings, memory, shown = self.settings, self.memory, self._shown()
        along = self._along(shown)[shown]
        if settings.lean <= 0 or not along.any():
            return
        demand = np.exp(self.now["log"]) * memory.season
        wanted = np.maximum((self._curve() / (demand * self._sku_weights() + 1e-12))[shown], 1e-9)
        reach = self._reach()

        def goes(lean: float) -> float:
            return float(np.log(reach(wanted * np.exp(-lean * along)) / wanted) @ along)

        low, high = 0.0, settings.lean_most if goes(0.0) > 0 else 0.0
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if goes(middle) > 0 else (low, middle)
        memory.lean = LEAN_MEMORY * memory.lean + (1 - LEAN_MEMORY) * high * settings.lean

    def _attack(self, weeks: int) -> None:
        """Estimate growth from what the network saw, as it would: how well that works is shown to people, and steers nothing."""
        now = self.now
        at = np.arange(weeks) - (weeks - 1) / 2
        slope = (now["moment"] - (weeks - 1) / 2 * now["sum"]) / float(at @ at)
        x, y = slope[self._shown()], now["growth"][self._shown()]
        if len(x) >= 3 and x.std() > 0 and y.std() > 0:
            self.memory.seen = float(np.corrcoef(x, y)[0, 1])

    def _settle(self) -> None:
        """Give a curve to SKUs that are known long enough by now."""
        now = self.now
        new = (now["base"] == 0) & (now["weeks"] >= self.settings.settle_weeks)
        if new.any():
            now["base"] = np.where(new, np.exp(now["log"]), now["base"])
            now["level"] = np.where(new, self._levels(), now["level"])
            now["bend"][new] = 0.0


def plan(
    previous: LeakPlan | None, weeks: Sequence[Week], known: Known, place: Place, settings: Settings, week: int,
) -> LeakPlan:  # fmt: skip
    """The plan of `week`: `previous` led on by the weeks since then, or a first one from what is known.

    At the first week of a leak year `known` renews the curves; within a year it is only looked at where there is no previous plan.
    DamageError where what the previous plan remembers is damaged.
    """
    if previous is None or not previous.memory:
        return Planner.begin(place, settings, known, week).plan()
    planner = Planner(place, settings, memory_of(previous))
    for one in sorted(weeks, key=lambda one: one.week):
        if one.week < week:
            if year_of(one.week) != year_of(planner.memory.first):
                planner.renew(known)
            planner.follow(one)
    if year_of(week) != year_of(planner.memory.first):
        planner.memory.week = week
        planner.renew(known)
    planner.memory.week = week
    return planner.plan()


def bin_of(weight_ppm: int) -> int:
    """Bin of a weight, 0 for a whole one, one more for each halving.

    >>> bin_of(1_000_000), bin_of(999_999), bin_of(500_000), bin_of(1), bin_of(0)
    (0, 1, 1, 15, 16)
    """
    if weight_ppm <= 0:
        return BINS - 1
    halvings = 0
    while halvings < BINS - 2 and weight_ppm << halvings < ONE:
        halvings += 1
    return halvings


def uniform(key: bytes, size: int) -> Floats:
    """`size` numbers between 0 and 1 from a key: the same key gives the same numbers."""
    out = np.empty(size)
    for k in range(size):
        digest = hashlib.blake2b(k.to_bytes(8, "big"), key=key[:64], digest_size=8).digest()
        out[k] = (int.from_bytes(digest, "big") + 0.5) / 2**64
    return out


def normal(key: bytes, size: int) -> Floats:
    """`size` standard normal numbers from a key: the same key gives the same numbers."""
    bell = NormalDist()
    return np.array([bell.inv_cdf(value) for value in uniform(key, size).tolist()])
