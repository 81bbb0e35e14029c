"""The settings of a leak budget, and the one dial that sets them all.

The dial goes from 0 (the network is shown nothing) to 100 (the budget is off). Between lie points that were measured
(docs/leak-budget.md): 25 private, 40 balanced, 60 volume; settings between two points are interpolated. From 60 on, a growing share
of orders passes whatever it shows, so that 100 is a network like any other.
"""

from itertools import pairwise

import msgspec

from tranship.core.errors import InputError

PRIVATE, BALANCED, VOLUME, NO_BUDGET = 25, 40, 60, 100
"""Points of the dial that have a name."""


class Settings(msgspec.Struct, frozen=True):
    """How a leak plan is made. Rates are per week; shares are fractions of one. Ranges are what `checked` allows."""

    level: float = (
        0.685  # 0-2: what curves together start at, of all demand; single ones by what their SKU is sure to carry
    )
    caution: float = 1.6  # 0-5: standard deviations of the growth forecast taken off before the minimum is computed
    level_most: float = 1.35  # 0-2: a curve starts at most at so much of the SKU's own demand
    decoy_sd: float = 0.0075  # 0-0.1: standard deviation of the secret slopes, log per week
    lean: float = 0.55  # 0-2: part of the shrinking SKUs' shortfall that growers are bent down for
    lean_most: float = 60.0  # 0-200: most of that bend, log of what is shown per unit of growth
    lean_edge: float = 1.0  # 0.1-5: growth further from the mean than so many standard deviations is bent no more
    share_least: float = 0.02  # 0-1: no SKU is cut off altogether
    share_most: float = 3.6  # 1-10: above one, scarce SKUs accept households of less weight
    thetas: tuple[float, ...] = (0.28, 0.14, 0.007)  # 0-1: P(heavy) with full weight after 0, 1, 2 ... parcels shown
    drifts: tuple[float, ...] = (1.1, 0.8, 1.15)  # -3-3: thetas start exp(-drift) and end exp(drift) times as high
    theta_most: float = 0.42  # 0-1: no theta drifts above
    steepness: float = 5.5  # 0-64: how fast the weight falls above theta
    heavy_share: float = 0.08  # 0.001-0.5: share of the households with an order in a year that count as heavy
    growth_sd: float = 0.015  # 0.0001-0.2: spread of true growth over SKUs, before any forecast
    settle_weeks: int = 6  # 2-26: own weeks that a SKU needs before it has a curve; until then it is not shown
    renew_most: float = (
        1.1  # 1-10: a curve's start differs from its end a year before, times what all move by, by at most this factor
    )
    depth: float = 0.0  # 0-3: how far secret heights are spread: mean of the logs by which curves start lower
    taper: float = 0.0  # 0-2: how far all curves fall together from the beginning to the end of a leak year, log
    open_share: float = 0.0  # 0-1: orders that pass whatever they show

    def drift(self, shown: int) -> float:
        """The drift of a household's theta after so many parcels; the last one stands for all further ones."""
        return self.drifts[min(shown, len(self.drifts) - 1)] if self.drifts else 0.0

    def checked(self) -> "Settings":
        """Itself; InputError where a setting is out of its range."""
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise InputError(f"{name} = {value}, expected {least} to {most}", where="leak")
        if not 1 <= len(self.thetas) <= MOST_SHOWN or not all(0 <= theta <= 1 for theta in self.thetas):
            raise InputError(f"thetas: expected 1 to {MOST_SHOWN} probabilities", where="leak")
        if not all(-3 <= drift <= 3 for drift in self.drifts):
            raise InputError("drifts: expected -3 to 3 each", where="leak")
        return self


MOST_SHOWN = 16
"""Parcels a year and household that a plan can tell apart."""
RANGES: dict[str, tuple[float, float]] = {
    "level": (0, 2), "caution": (0, 5), "level_most": (0, 2), "decoy_sd": (0, 0.1),
    "lean": (0, 2), "lean_most": (0, 200), "lean_edge": (0.1, 5),
    "share_least": (0, 1), "share_most": (1, 10), "theta_most": (0, 1), "steepness": (0, 64),
    "heavy_share": (0.001, 0.5), "growth_sd": (0.0001, 0.2), "settle_weeks": (2, 26), "renew_most": (1, 10),
    "open_share": (0, 1), "depth": (0, 3), "taper": (0, 2),
}  # fmt: skip

_ONE = Settings(depth=0.25, taper=0.1, level_most=1.2)
POINTS: dict[int, tuple[tuple[int, Settings], ...]] = {
    1: (
        (PRIVATE, msgspec.structs.replace(_ONE, level=0.56, thetas=(0.235, 0.13, 0.008))),
        (BALANCED, _ONE),
        (VOLUME, msgspec.structs.replace(_ONE, level=0.81, thetas=(0.285, 0.16, 0.012))),
    ),
    2: (
        (PRIVATE, Settings(level=0.57, thetas=(0.3, 0.26, 0.16))),
        (BALANCED, Settings(level=0.695, thetas=(0.34, 0.3, 0.2))),
        (VOLUME, Settings(level=0.83, thetas=(0.37, 0.33, 0.23))),
    ),
}
"""Measured points by the number of budgeted networks (2 stands for more as well)."""


def settings_for(budget: int, networks: int = 1) -> Settings:
    """Settings at a position of the dial; InputError outside 0 to 100.

    >>> settings_for(0).level, settings_for(40) == dict(POINTS[1])[40], settings_for(100).open_share
    (0.0, True, 1.0)
    """
    if not 0 <= budget <= 100:
        raise InputError(f"a leak budget of {budget}, expected 0 to 100", where="leak")
    points = POINTS[min(max(networks, 1), 2)]
    if budget in dict(points):
        return dict(points)[budget]
    if budget <= points[0][0]:
        first = points[0][1]
        part = budget / points[0][0]
        return msgspec.structs.replace(first, level=first.level * part, share_least=first.share_least * part).checked()
    for (low, one), (high, other) in pairwise(points):
        if budget <= high:
            return _between(one, other, (budget - low) / (high - low)).checked()
    last, settings = points[-1]
    return msgspec.structs.replace(settings, open_share=(budget - last) / (100 - last)).checked()


EXPECTED_BP = {1: ((0, 0), (25, 2_700), (40, 3_200), (60, 3_600), (100, 10_000)),
               2: ((0, 0), (25, 1_700), (40, 2_000), (60, 2_300), (100, 5_000))}  # fmt: skip
"""Orders that one of so many budgeted networks (2 stands for more) was shown where it was measured (docs/leak-budget.md), basis points."""


def expected_bp(budget: int, networks: int = 1) -> int:
    """Share of the orders that a network with this budget is likely to be shown, in basis points; with a forecast, a little less without.

    >>> expected_bp(40), expected_bp(50), expected_bp(0), expected_bp(40, 2)
    (3200, 3400, 0, 2000)
    """
    points = EXPECTED_BP[min(max(networks, 1), 2)]
    for (low, one), (high, other) in pairwise(points):
        if budget <= high:
            return one + (other - one) * (budget - low) // (high - low)
    return points[-1][1]


def _between(one: Settings, other: Settings, part: float) -> Settings:
    """Each number moved by `part` of the way; households shown more than the shorter list tells count as closed there."""
    changes: dict[str, object] = {}
    for name in RANGES:
        low, high = getattr(one, name), getattr(other, name)
        value = low + (high - low) * part
        changes[name] = round(value) if isinstance(low, int) and isinstance(high, int) else round(value, 9)
    size = max(len(one.thetas), len(other.thetas))
    for name, fill in (("thetas", 0.0), ("drifts", None)):
        pairs = zip(_filled(getattr(one, name), size, fill), _filled(getattr(other, name), size, fill), strict=True)
        changes[name] = tuple(round(low + (high - low) * part, 9) for low, high in pairs)
    return msgspec.structs.replace(one, **changes)


def _filled(values: tuple[float, ...], size: int, fill: float | None) -> tuple[float, ...]:
    """The values, made as long as `size` by `fill`; None: by the last one."""
    last = fill if fill is not None else values[-1] if values else 0.0
    return values + (last,) * (size - len(values))


RAISED = 1.1
"""Curves where orders are left out for too small a saving, relative to curves elsewhere: fewer orders are left to choose from."""


def raised(settings: Settings) -> Settings:
    """Settings for a plan with a cut-off of savings."""
    changes = {name: min(2.0, getattr(settings, name) * RAISED) for name in ("level", "level_most")}
    return msgspec.structs.replace(settings, **changes)


UNSURE_PARTS = (1.0, 0.94, 0.74)
"""Thetas after 0, 1 and 2 parcels in an unsure year, relative to the first one: more parcels of fewer households ..."""
UNSURE_MORE, UNSURE_MOST = 1.215, 0.38
"""... and the first one relative to that of other years, at most so high."""


def unsure(settings: Settings, networks: int = 1) -> Settings:
    """The settings of a year in which growth is read from past orders, or not known at all.

    A curve at a common part of its SKU's demand tells what sold much at the start, and what sold much then often shrinks. Secret depths
    blur that, and lower, falling curves show less of what shrinks. What volume that costs is in part made up for with households. Of
    several `networks` each sees less, so that theirs are lowered less.
    """
    first = settings.thetas[0]
    first = max(first, min(UNSURE_MOST, first * UNSURE_MORE))
    parts = UNSURE_PARTS + (0.0,) * len(settings.thetas)
    thetas = tuple(max(held, round(first * part, 4)) for held, part in zip(settings.thetas, parts, strict=False))
    alone = networks < 2
    return msgspec.structs.replace(
        settings, level=settings.level * (0.75 if alone else 0.9), level_most=min(settings.level_most, 1.2),
        depth=max(settings.depth, 1.6 if alone else 1.3), taper=max(settings.taper, 0.4), lean=settings.lean * 0.55,
        share_most=max(settings.share_most, 9.0), thetas=thetas, drifts=(1.1, 0.8, 0.6) if alone else settings.drifts,
        steepness=settings.steepness * (0.945 if alone else 1.0),
    )  # fmt: skip
