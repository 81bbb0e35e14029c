"""Periods of a surcharge: from one date to another, or the same season every year. Both ends belong to the period."""

import datetime as dt
from dataclasses import dataclass

from tranship.core.time import date_to_day, day_to_date
from tranship.rates.reading import Place, iso_date


@dataclass(frozen=True)
class Period:
    """`first` and `last` are day numbers (None: open), or (month, day) pairs of a season that comes back every year."""

    first: int | tuple[int, int] | None = None
    last: int | tuple[int, int] | None = None

    def windows(self, year: int) -> list[tuple[int | None, int | None]]:
        """The windows that may touch `year` or the years beside it, as (first day, last day); None where open."""
        if not (isinstance(self.first, tuple) and isinstance(self.last, tuple)):
            assert not isinstance(self.first, tuple)
            assert not isinstance(self.last, tuple)
            return [(self.first, self.last)]
        wraps = self.last < self.first
        return [(_season_day(y, self.first), _season_day(y + wraps, self.last)) for y in range(year - 2, year + 3)]

    def holds(self, day: int) -> bool:
        """Whether `day` lies in the period.

        >>> peak = Period((10, 5), (1, 18))
        >>> [peak.holds(date_to_day(dt.date(2026, *md))) for md in ((10, 4), (10, 5), (1, 18), (1, 19))]
        [False, True, True, False]
        """
        return any(
            (first is None or first <= day) and (last is None or day <= last)
            for first, last in self.windows(day_to_date(day).year)
        )

    def changes(self, day: int) -> list[int]:
        """Days near `day` on which the period begins or has just ended."""
        found = []
        for first, last in self.windows(day_to_date(day).year):
            found += [edge for edge in (first, None if last is None else last + 1) if edge is not None]
        return found


def _season_day(year: int, month_day: tuple[int, int]) -> int:
    month, day = month_day
    if month_day == (2, 29) and (year % 4 or (year % 100 == 0 and year % 400)):
        day = 28
    return date_to_day(dt.date(year, month, day))


def read_period(place: Place, first: object, last: object) -> Period:
    """A period from the keys `from` and `to`: two dates (either may be missing), or two MM-DD texts."""
    season_first, season_last = _month_day(first), _month_day(last)
    if season_first and season_last:
        return Period(season_first, season_last)
    if season_first or season_last:
        place.at("to" if season_first else "from").refuse(
            last if season_first else first, "two dates (2026-10-05), or two days of the year (10-05)"
        )
    start = date_to_day(iso_date(place.at("from"), first)) if first not in (None, "") else None
    end = date_to_day(iso_date(place.at("to"), last)) if last not in (None, "") else None
    if start is not None and end is not None and end < start:
        place.at("to").refuse(last, f"a date on or after {first}")
    return Period(start, end)


def _month_day(value: object) -> tuple[int, int] | None:
    if not isinstance(value, str) or len(value) != 5:
        return None
    try:
        date = dt.date.fromisoformat(f"2024-{value}")  # a leap year: 02-29 is a day of some years
    except ValueError:
        return None
    return date.month, date.day
