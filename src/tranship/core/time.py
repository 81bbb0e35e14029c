"""Time as integers: UTC microseconds, local days and working days. Nothing here reads a clock."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

MICROS_PER_SECOND = 1_000_000
MICROS_PER_HOUR = 3600 * MICROS_PER_SECOND
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


def to_micros(moment: dt.datetime) -> int:
    """UTC microseconds of an aware moment."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no meaning here; give it a zone")
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * MICROS_PER_SECOND + delta.microseconds


def span_micros(text: str) -> tuple[int, int]:
    """FROM/UNTIL as UTC microseconds. ValueError where it is no span of ISO times with zones, or ends before it begins.

    >>> span_micros("1970-01-01T00:00:01Z/1970-01-01T01:00:02+01:00")
    (1000000, 2000000)
    """
    first, slash, last = text.partition("/")
    begins, ends = to_micros(dt.datetime.fromisoformat(first)), to_micros(dt.datetime.fromisoformat(last))
    if not slash or begins >= ends:
        raise ValueError("a span ends after it begins")
    return begins, ends


def from_micros(at: int) -> dt.datetime:
    """Aware UTC moment of integer microseconds."""
    return EPOCH + dt.timedelta(microseconds=at)


def localize(naive: dt.datetime, zone: str) -> int:
    """UTC microseconds of a naive local time: a time in a gap moves forward, a doubled time is the first of the two."""
    aware = naive.replace(tzinfo=ZoneInfo(zone), fold=0)
    back = aware.astimezone(dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if back != naive:  # in a gap: PEP 495 reads fold=0 with the offset before it, which moves the time forward
        return to_micros(aware.astimezone(dt.UTC))
    return to_micros(aware)


@lru_cache(maxsize=65_536)
def _offset_s(zone: str, hour: int) -> int:
    moment = EPOCH + dt.timedelta(hours=hour)
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def local_day_minute(at: int, zone: str) -> tuple[int, int]:
    """Local (day number since 1970-01-01, minute of day) of a UTC moment; offsets change on whole UTC hours or nearly so."""
    local_s = at // MICROS_PER_SECOND + _offset_s(zone, at // MICROS_PER_HOUR)
    return local_s // 86_400, local_s % 86_400 // 60


def day_to_date(day: int) -> dt.date:
    """Calendar date of a day number."""
    return dt.date.fromordinal(day + _EPOCH_ORDINAL)


@lru_cache(maxsize=4096)
def iso_day(day: int) -> str:
    """ISO date of a day number."""
    return day_to_date(day).isoformat()


def date_to_day(date: dt.date) -> int:
    """Day number of a calendar date."""
    return date.toordinal() - _EPOCH_ORDINAL


def is_working_day(day: int) -> bool:
    """Monday to Friday; day 0 (1970-01-01) was a Thursday."""
    return (day + 3) % 7 < 5


def next_working_day(day: int) -> int:
    """The first working day at or after `day`."""
    weekday = (day + 3) % 7
    return day if weekday < 5 else day + 7 - weekday


@lru_cache(maxsize=65_536)
def add_working_days(day: int, count: int) -> int:
    """`count` working days after `day` (a weekend start counts from the Monday after it as day 0).

    >>> friday = date_to_day(dt.date(2010, 11, 26))
    >>> day_to_date(add_working_days(friday, 1)).isoformat()
    '2010-11-29'
    """
    day = next_working_day(day)
    weeks, rest = divmod(count, 5)
    day += 7 * weeks
    if (day + 3) % 7 + rest >= 5:
        rest += 2
    return day + rest


def working_days_between(first: int, last: int) -> int:
    """Working days after `first` up to and including `last`; negative where `last` is before it.

    >>> friday = date_to_day(dt.date(2010, 11, 26))
    >>> [working_days_between(friday, friday + days) for days in (-1, 0, 1, 2, 3, 10)]
    [-1, 0, 0, 0, 1, 6]
    """
    return _working_days_to(last) - _working_days_to(first)


def _working_days_to(day: int) -> int:
    weeks, weekday = divmod(day + 3, 7)
    return 5 * weeks + min(weekday + 1, 5)


def at_local(day: int, minute: int, zone: str) -> int:
    """UTC microseconds of a local day number and minute of day."""
    date = day_to_date(day)
    naive = dt.datetime(date.year, date.month, date.day) + dt.timedelta(minutes=minute)
    return localize(naive, zone)
