"""Reading one value of a rate card from the network file: each reader says what was found and what is allowed.

`Place` knows where a value stands, so that every refusal names the card and the key.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from tranship.core.errors import InputError


@dataclass(frozen=True)
class Place:
    """Where a value stands: `[card.NAME]` and the key inside it."""

    card: str
    key: str = ""

    def at(self, key: str) -> "Place":
        """The same card, one key deeper."""
        return Place(self.card, f"{self.key}.{key}" if self.key else key)

    def refuse(self, found: object, allowed: str) -> NoReturn:
        """Raise the InputError that says what was found here and what is allowed."""
        raise InputError(
            f"found {found!r}", where=f"[card.{self.card}] {self.key}".rstrip(), hint=f"Allowed: {allowed}"
        )


def text(place: Place, value: object, allowed: tuple[str, ...] = ()) -> str:
    """A text; one of `allowed` where that is given."""
    if not isinstance(value, str) or (allowed and value not in allowed):
        place.refuse(value, " | ".join(allowed) if allowed else "a text")
    return value


def number(place: Place, value: object, low: str, high: str) -> Decimal:
    """An exact decimal number between `low` and `high`."""
    allowed = f"a number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        place.refuse(value, allowed)
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        place.refuse(value, allowed)
    if not found.is_finite() or not Decimal(low) <= found <= Decimal(high):
        place.refuse(value, allowed)
    return found


def whole(place: Place, value: object, low: int, high: int) -> int:
    """A whole number between `low` and `high`."""
    found = number(place, value, str(low), str(high))
    if found != int(found):
        place.refuse(value, f"a whole number from {low} to {high}")
    return int(found)


def cents(place: Place, value: object) -> int:
    """An amount of money in whole cents: quotes print each charge to the cent and must add up."""
    amount = number(place, value, "0", "100000") * 100
    if amount != int(amount):
        place.refuse(value, "an amount in whole cents, such as 2.50")
    return int(amount)


def basis_points(place: Place, value: object, low: str, high: str) -> int:
    """A percentage with at most two decimals, as basis points."""
    share = number(place, value, low, high) * 100
    if share != int(share):
        place.refuse(value, f"a percentage from {low} to {high} with at most two decimals")
    return int(share)


def table(place: Place, value: object, keys: tuple[str, ...]) -> Mapping[str, object]:
    """A table (dict) that has no other keys than `keys`."""
    if not isinstance(value, Mapping):
        place.refuse(value, "a table with the keys " + ", ".join(keys))
    for key in value:
        if key not in keys:
            place.at(str(key)).refuse(value[key], "no such key; known keys are " + ", ".join(keys))
    return value


def items(place: Place, value: object, what: str) -> tuple[object, ...]:
    """A list."""
    if not isinstance(value, list | tuple):
        place.refuse(value, f"a list of {what}")
    return tuple(value)


def iso_date(place: Place, value: object) -> dt.date:
    """A date: a TOML date or a text as 2026-01-15."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return dt.date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        place.refuse(value, "a date such as 2026-01-15")
