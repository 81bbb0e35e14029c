"""Settings of the derived world: the `[world]` table of the network file, checked key by key."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from tranship.core.errors import InputError

PROFILES = ("light", "superstore")
STOCK = ("derive", "none")


@dataclass(frozen=True)
class WorldSettings:
    """What a derived world depends on besides its input. The defaults are those of every published figure."""

    seed: int = 1  # 0 .. 2**31 - 1: changes every derived value at once
    weight_min_g: int = 45  # 1 .. 31,000: lightest unit where a SKU has no weight (0.1 lb)
    weight_max_g: int = 227  # 1 .. 31,000: heaviest unit (0.5 lb)
    goods: str = "light"  # light: every SKU in the range above; superstore: by the category in front of its code
    residential: bool = True  # derived destinations are homes (wholesale buyers too: the dearer case)
    stock: str = "derive"  # derive | none: opening balances and weekly receipts
    forecast_weeks: int = 4  # 1 .. 52: weeks of demand a week's forecast is the mean of, and of the launch plan
    forecast_error: float = 0.25  # 0 .. 3: standard deviation of the forecast's lognormal error
    cover_weeks: int = 3  # 1 .. 52: stock is ordered up to this many weeks of forecast
    lead_weeks: int = 1  # 0 .. 52: weeks from ordering stock to having it


_RANGES = {
    "seed": (0, 2**31 - 1),
    "weight_min_g": (1, 31_000),
    "weight_max_g": (1, 31_000),
    "forecast_weeks": (1, 52),
    "forecast_error": (0, 3),
    "cover_weeks": (1, 52),
    "lead_weeks": (0, 52),
}
_WORDS = {"goods": PROFILES, "stock": STOCK}


def read_settings(table: Mapping[str, object]) -> WorldSettings:
    """Settings from a `[world]` table. Raises InputError naming key, what was found and what is allowed."""
    known = [field.name for field in fields(WorldSettings)]
    for key, found in table.items():
        if key not in known:
            raise _wrong(key, "is not a key", f"allowed: {', '.join(known)}")
        _check(key, found)
    settings = WorldSettings(**dict(table))  # type: ignore[arg-type]  # each value was checked above
    if settings.weight_min_g > settings.weight_max_g:
        raise _wrong(
            "weight_min_g",
            f"is {settings.weight_min_g}, above weight_max_g = {settings.weight_max_g}",
            f"allowed: 1 to {settings.weight_max_g}",
        )
    return settings


def _check(key: str, found: object) -> None:
    if key in _WORDS:
        if found not in _WORDS[key]:
            raise _wrong(key, f"is {found!r}", f"allowed: {', '.join(_WORDS[key])}")
    elif key == "residential":
        if not isinstance(found, bool):
            raise _wrong(key, f"is {found!r}", "allowed: true, false")
    else:
        low, high = _RANGES[key]
        kinds = (int, float) if key == "forecast_error" else (int,)
        if isinstance(found, bool) or not isinstance(found, kinds) or not low <= found <= high:
            kind = "a number" if float in kinds else "a whole number"
            raise _wrong(key, f"is {found!r}", f"allowed: {kind} from {low:,} to {high:,}")


def _wrong(key: str, what: str, hint: str) -> InputError:
    return InputError(f"{key} {what}", where="[world]", hint=hint)
