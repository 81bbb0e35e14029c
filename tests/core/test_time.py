"""Integer time against the standard library's calendar, where clocks jump included."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.core import time as t

ZONES = st.sampled_from(["America/New_York", "America/Los_Angeles", "America/Phoenix", "Europe/London", "Asia/Kolkata"])
MOMENTS = st.datetimes(dt.datetime(2005, 1, 1), dt.datetime(2037, 12, 31), timezones=st.just(dt.UTC))
DAYS = st.integers(t.date_to_day(dt.date(1965, 1, 1)), t.date_to_day(dt.date(2060, 1, 1)))


@given(MOMENTS)
def test_micros_and_moments_are_each_other(moment: dt.datetime) -> None:
    """Every microsecond survives the way there and back, before 1970 as well."""
    assert t.from_micros(t.to_micros(moment)) == moment
    early = moment.replace(year=moment.year - 50, day=min(moment.day, 28))
    assert t.from_micros(t.to_micros(early)) == early


def test_a_naive_moment_is_refused() -> None:
    """Without a zone a time means nothing."""
    with pytest.raises(ValueError, match="give it a zone"):
        t.to_micros(dt.datetime(2026, 3, 2, 10))


def test_a_time_in_the_spring_gap_moves_forward() -> None:
    """02:30 on the night to summer time does not exist: it is 03:30."""
    at = t.localize(dt.datetime(2026, 3, 8, 2, 30), "America/New_York")
    assert t.from_micros(at).astimezone(ZoneInfo("America/New_York")).isoformat() == "2026-03-08T03:30:00-04:00"


def test_a_doubled_time_in_autumn_is_the_first_of_the_two() -> None:
    """01:30 on the night back to winter time happens twice: the summer one counts."""
    at = t.localize(dt.datetime(2026, 11, 1, 1, 30), "America/New_York")
    assert t.from_micros(at).isoformat() == "2026-11-01T05:30:00+00:00"


@given(st.datetimes(dt.datetime(2005, 1, 1), dt.datetime(2037, 1, 1)), ZONES)
def test_localized_times_read_back_unless_they_never_were(naive: dt.datetime, zone: str) -> None:
    """A local time reads back as itself, or, in a gap, as a later one by the length of the gap."""
    naive = naive.replace(microsecond=0)
    back = t.from_micros(t.localize(naive, zone)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert back == naive or naive < back <= naive + dt.timedelta(hours=1)


@given(MOMENTS, ZONES)
def test_local_days_and_minutes_are_those_of_the_wall_clock(moment: dt.datetime, zone: str) -> None:
    """Day number and minute of the day as a clock on the wall there shows them."""
    wall = moment.astimezone(ZoneInfo(zone))
    assert t.local_day_minute(t.to_micros(moment), zone) == (t.date_to_day(wall.date()), wall.hour * 60 + wall.minute)


@given(DAYS)
def test_days_are_dates(day: int) -> None:
    """Day numbers count from 1970-01-01, and weekends are Saturday and Sunday."""
    date = t.day_to_date(day)
    assert t.date_to_day(date) == day == (date - dt.date(1970, 1, 1)).days
    assert t.is_working_day(day) is (date.weekday() < 5)


@given(DAYS, st.integers(0, 60))
def test_working_days_are_those_of_a_calendar_walked_day_by_day(day: int, count: int) -> None:
    """Walk on to a working day, then over `count` more."""
    date = t.day_to_date(day)
    while date.weekday() >= 5:
        date += dt.timedelta(days=1)
    assert t.next_working_day(day) == t.date_to_day(date)
    for _ in range(count):
        date += dt.timedelta(days=3 if date.weekday() == 4 else 1)
    assert t.add_working_days(day, count) == t.date_to_day(date)


@given(DAYS, st.integers(0, 1439), ZONES)
def test_a_local_minute_is_found_again(day: int, minute: int, zone: str) -> None:
    """`at_local` and `local_day_minute` are each other, but for minutes that a gap swallows."""
    at = t.at_local(day, minute, zone)
    found = t.local_day_minute(at, zone)
    wall = t.from_micros(at).astimezone(ZoneInfo(zone))
    if wall.hour * 60 + wall.minute == minute:
        assert found == (day, minute)
    else:
        assert found[0] == day and 0 < found[1] - minute <= 60
