"""The metrics: each is the best that any attacker reached, with who it was, beside what guessing gives.

Ranks are compared with what the brand's own books say over the same weeks. A floor is the same statistic where the attacker knows nothing:
permuted truth for rankings, chance for hits, the best constant guess for numbers. NaN says: too few orders to tell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tranship.masking.leak import closed, ranks
from tranship.masking.leak.learned import Learned
from tranship.masking.leak.model import Adversary, Floats, Ints, Orders, Seen, World, gather
from tranship.masking.leak.truth import BEST, REPEAT, Truth

METRICS = ("tau_growth", "top10", "timing", "vip", "pairs", "freq20", "aov20", "tau_margin")
TOP = 10
"""SKUs of the growth list."""
WITHIN = 0.2
"""A number is found where the guess is at most this far off, relative to the truth."""
DRAWS = 100
"""Permutations of the truth for the floor of a ranking."""
LEAST_SKUS = 2 * TOP
LEAST_CUSTOMERS = 20
LEAST_REGIONS = 4


@dataclass(frozen=True)
class Reading:
    """One metric. `each`: what every attacker reached, signed; `value` and `by`: the best of them; NaN and "" where there was too little.

    `floor` is what knowing nothing gives on average, `spread` its standard deviation, `high` the value that it exceeds one time in 20.
    `size`: of how many SKUs, customers, pairs or regions.
    """

    name: str
    value: float
    by: str
    floor: float
    spread: float
    high: float
    size: int
    each: dict[str, float]

    @property
    def known(self) -> bool:
        """Was there enough to tell."""
        return not math.isnan(self.value)

    @property
    def above(self) -> bool:
        """Does somebody do better than guessing."""
        return self.known and self.value > self.high


@dataclass(frozen=True)
class Scores:
    """All metrics of what one network saw. `volume_share`: its part of the brand's orders (rows where those are split)."""

    volume_share: float
    adversary: Adversary
    readings: dict[str, Reading]
    worlds: int = 1

    def __getitem__(self, name: str) -> Reading:
        return self.readings[name]

    def value(self, name: str) -> float:
        """A metric's value; `volume_share` too."""
        return self.volume_share if name == "volume_share" else self.readings[name].value


def score(
    world: World,
    seen: Seen,
    learned: Learned | None = None,
    adversary: Adversary = Adversary.NODE,
    *,
    alias_weeks: int = 0,
    least_rows: int = 0,
    draws: int = DRAWS,
    seed: int = 0,
) -> Scores:
    """Every metric for one world and what one network saw of it.

    `learned` was trained for the same adversary under the same policy. For `transit`, `alias_weeks` says how often SKU aliases change
    that it can see (0: it sees none). `least_rows`: SKUs with fewer rows in the brand's books are left out of rankings of growth, whose
    truth would be noise. `draws` permutations make the floors of rankings (0: no floors). Same arguments, same numbers.
    """
    if learned is not None and learned.adversary is not adversary:
        raise ValueError("the learned attackers were trained for another adversary")
    truth = Truth(world)
    chance = np.random.default_rng(seed)
    found = [
        *_growth(truth, seen, learned, adversary, alias_weeks, least_rows, (draws, chance)),
        *_customers(truth, seen, learned, adversary),
        _margin(truth, seen, adversary, (draws, chance)),
    ]
    share = len(seen.rows) / len(world.at) if len(world.at) else 0.0
    return Scores(share, adversary, {one.name: one for one in sorted(found, key=lambda one: METRICS.index(one.name))})


def combine(scores: Sequence[Scores]) -> Scores:
    """Over several worlds: the mean of each attacker, and then the best attacker; so luck in one world makes nobody the best.

    `spread` and `high` stay those of one world. Worlds where a metric could not be told are left out of its mean.
    """
    if not scores:
        raise ValueError("no scores to combine")
    readings = {}
    for name in METRICS:
        every = [one[name] for one in scores if one[name].known]
        if not every:
            readings[name] = scores[0][name]
            continue
        who = [key for key in every[0].each if all(key in one.each for one in every)]
        each = {key: float(np.mean([one.each[key] for one in every])) for key in who}
        mean = [float(np.mean([getattr(one, field) for one in every])) for field in ("floor", "spread", "high")]
        readings[name] = _best(name, each, (mean[0], mean[1], mean[2]), round(np.mean([one.size for one in every])))
    share = float(np.mean([one.volume_share for one in scores]))
    return Scores(share, scores[0].adversary, readings, len(scores))


def _best(name: str, each: dict[str, float], floor: tuple[float, float, float], size: int) -> Reading:
    """The best attacker. Of an untrained ranking of growth the sign is free: who finds it upside down again and again turns it round."""
    known = {key: value for key, value in each.items() if not math.isnan(value)}
    if not known:
        return Reading(name, math.nan, "", *floor, size, each)
    free = name in {"tau_growth", "timing"}
    strength = {key: abs(value) if free and key in UNTRAINED else value for key, value in known.items()}
    by = max(strength, key=strength.__getitem__)
    return Reading(name, strength[by], by, *floor, size, each)


UNTRAINED = frozenset({"slope", "halves", "alias chain", "alias level", "alias course", "irregularity"})
"""Attackers of growth that learned nothing, so that they do not know which way it goes."""


def _few(name: str, size: int) -> Reading:
    return Reading(name, math.nan, "", math.nan, math.nan, math.nan, size, {})


# ---- growth ----------------------------------------------------------------------------------------------------------


def _growth(
    truth: Truth,
    seen: Seen,
    learned: Learned | None,
    adversary: Adversary,
    alias_weeks: int,
    least_rows: int,
    floors: tuple[int, np.random.Generator],
) -> list[Reading]:
    world = truth.world
    judged = np.flatnonzero(truth.rows >= least_rows) if least_rows else np.arange(world.skus)
    size = len(judged)
    names = ("tau_growth", "top10", "timing")
    if size < LEAST_SKUS or math.isnan(ranks.kendall(truth.growth[judged], truth.growth[judged])):
        return [_few(name, size) for name in names]
    true = truth.growth[judged]
    guesses = {key: value[judged] for key, value in _guesses(world, seen, learned, adversary, alias_weeks).items()}
    taus = {key: _tau(true, guess) for key, guess in guesses.items()}
    tops = {key: ranks.hits(true, guess, TOP) for key, guess in guesses.items()}
    chance = TOP / size
    luck = math.sqrt(chance * (1 - chance) / TOP * (size - TOP) / (size - 1))  # hypergeometric
    found = [
        _best("tau_growth", taus or {"none": 0.0}, _permuted("tau_growth", true, guesses, floors), size),
        _best("top10", tops or {"none": chance}, (chance, luck, _quantile(chance, luck)), size),
    ]
    change = closed.timing(world, seen.rows)[judged] if adversary is Adversary.NODE else np.full(size, np.nan)
    known = int((~np.isnan(change)).sum())
    if known < LEAST_SKUS:
        return [*found, _few("timing", known)]
    regular = {"irregularity": change}
    floor = _permuted("timing", true, regular, floors)
    return [*found, _best("timing", {"irregularity": _tau(true, change)}, floor, known)]


def _guesses(
    world: World, seen: Seen, learned: Learned | None, adversary: Adversary, alias_weeks: int
) -> dict[str, Floats]:
    """Every attacker's ranking of growth. A carrier of closed parcels has none but through aliases."""
    if adversary is Adversary.TRANSIT:
        return closed.aliased(world, seen.rows, alias_weeks) if alias_weeks else {}
    counts = closed.by_week(world, seen.rows)
    found = {"slope": closed.slope(counts), "halves": closed.halves(counts)}
    return found | (learned.growth(world, seen) if learned else {})


def _tau(true: Floats, guess: Floats) -> float:
    """Who guesses the same for all ranks nothing: 0."""
    tau = ranks.kendall(true, guess)
    return 0.0 if math.isnan(tau) else tau


def _permuted(
    name: str, true: Floats, guesses: dict[str, Floats], floors: tuple[int, np.random.Generator]
) -> tuple[float, float, float]:
    """Mean, spread and 95th percentile of the metric where the truth is shuffled."""
    draws, chance = floors
    if not draws or not guesses:
        return 0.0, 0.0, 0.0
    got = []
    for _ in range(draws):
        shuffled = chance.permutation(true)
        each = {key: _tau(shuffled, guess) for key, guess in guesses.items()}
        got.append(_best(name, each, (0.0, 0.0, 0.0), len(true)).value)
    return float(np.mean(got)), float(np.std(got)), float(np.quantile(got, 0.95))


def _quantile(mean: float, spread: float) -> float:
    """Where a share of this mean and spread is exceeded one time in 20 (normal)."""
    return min(1.0, mean + 1.645 * spread)


# ---- customers -------------------------------------------------------------------------------------------------------


def _customers(truth: Truth, seen: Seen, learned: Learned | None, adversary: Adversary) -> list[Reading]:
    world = truth.world
    shown = closed.parcels(world, seen)
    count = closed.counted(world, shown)
    found = [_vip(truth, seen, learned, count), _pairs(truth, shown)]
    repeat = truth.orders >= REPEAT
    size = int(repeat.sum())
    if size < LEAST_CUSTOMERS:
        return [*found, _few("freq20", size), _few("aov20", size)]
    true = truth.orders[repeat]
    share = max(len(gather(world, seen.rows).at) / len(world.orders.at), 1e-9)
    each = {"count": _near(true, count[repeat]), "count / share": _near(true, count[repeat] / share)}
    found.append(_best("freq20", each, _constant(true, whole=True), size))
    worth = truth.worth[repeat]
    if adversary is Adversary.TRANSIT:
        each = {"none": 0.0}
    else:
        each = {"mean of parcels": _near(worth, closed.spent(world, shown)[repeat])}
    found.append(_best("aov20", each, _constant(worth[worth > 0]), size))
    return found


def _vip(truth: Truth, seen: Seen, learned: Learned | None, count: Floats) -> Reading:
    """How many of the best customers are among as many that the network would name."""
    world = truth.world
    wanted = int(BEST * world.customers)
    if world.customers < LEAST_CUSTOMERS or not truth.orders.any():
        return _few("vip", world.customers)
    guesses = {"count": count} | (learned.customers(world, seen) if learned else {})
    each = {key: ranks.hits(truth.orders, guess, wanted) for key, guess in guesses.items()}
    chance = wanted / world.customers
    luck = math.sqrt(chance * (1 - chance) / wanted)
    return _best("vip", each, (chance, luck, _quantile(chance, luck)), world.customers)


def _pairs(truth: Truth, shown: Orders) -> Reading:
    """Part of a customer's pairs of orders that the address joins. Who sees one order of each has nothing to join: the floor is 0."""
    if not truth.pairs:
        return _few("pairs", 0)
    same, _ = closed.linked(shown, truth.world.customers)
    return _best("pairs", {"address": same / truth.pairs}, (0.0, 0.0, 0.0), int(truth.pairs))


def _near(true: Floats, guess: Floats) -> float:
    """Part of the values that are met within `WITHIN`; an unknown guess meets nothing."""
    with np.errstate(invalid="ignore"):
        return float((np.abs(guess - true) <= WITHIN * true).mean())


def _constant(true: Floats, *, whole: bool = False) -> tuple[float, float, float]:
    share = ranks.best_constant(true, WITHIN, whole=whole)
    luck = math.sqrt(share * (1 - share) / max(1, len(true)))
    return share, luck, _quantile(share, luck)


# ---- regions ---------------------------------------------------------------------------------------------------------


def _margin(truth: Truth, seen: Seen, adversary: Adversary, floors: tuple[int, np.random.Generator]) -> Reading:
    """The ranking of regions by margin, over regions where the network saw an order."""
    true = truth.margins
    guess = closed.regional(truth.world, seen.rows, priced=adversary is Adversary.NODE)
    both: Ints = np.flatnonzero(~(np.isnan(true) | np.isnan(guess)))
    if len(both) < LEAST_REGIONS:
        return _few("tau_margin", len(both))
    guesses = {"public prices": guess[both]}
    floor = _permuted("tau_margin", true[both], guesses, floors)
    return _best("tau_margin", {"public prices": _tau(true[both], guess[both])}, floor, len(both))
