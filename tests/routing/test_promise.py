"""Cut-offs, working days and capacity, against calendars walked day by day."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.worlds import MONDAY, NODES, TODAY
from tranship.core.network import Node
from tranship.core.time import at_local, date_to_day, day_to_date, is_working_day
from tranship.routing.promise import CAPACITY_HORIZON, WEEKDAYS, Calendar, book, promise_day, workdays

NEW_YORK = "America/New_York"


def node(**changes: object) -> Node:
    """A node in New York with a cut-off at 14:00."""
    fields: dict[str, object] = {"code": "N", "network": "PL", "zip": "10001", "zone": NEW_YORK, "card": "pl"}
    return Node(**(fields | changes))  # type: ignore[arg-type]


@given(st.integers(0, 13), st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 3))
def test_the_earliest_ship_day_is_the_first_working_day_whose_cut_off_is_ahead(
    later: int, minute: int, cutoff: int, handling: int
) -> None:
    """Walk on until a working day's cut-off has not passed, then as many working days as handling takes."""
    day = TODAY + later
    found = Calendar([node(cutoff_min=cutoff, handling_days=handling)]).earliest_ship_days(
        at_local(day, minute, NEW_YORK)
    )
    expected = day if is_working_day(day) and minute < cutoff else day + 1
    while not is_working_day(expected):
        expected += 1
    for _ in range(handling):
        expected += 1
        while not is_working_day(expected):
            expected += 1
    assert found == [expected]


def test_each_node_has_its_own_clock() -> None:
    """15:00 in New York is noon in Los Angeles, and the next day already in Guam."""
    zones = (NEW_YORK, "America/Los_Angeles", "Pacific/Guam")
    at = at_local(TODAY, 15 * 60, NEW_YORK)
    assert Calendar([node(zone=zone) for zone in zones]).earliest_ship_days(at) == [TODAY + 1, TODAY, TODAY + 1]


def test_days_remembered_for_a_minute_are_not_those_of_another() -> None:
    """The calendar keeps the last minute's answer: a minute before and after the cut-off differ."""
    calendar = Calendar(NODES)
    at = at_local(TODAY, 14 * 60, NEW_YORK)
    assert calendar.earliest_ship_days(at - 1) == [TODAY] * 3
    assert calendar.earliest_ship_days(at) == [TODAY + 1] * 3
    assert calendar.earliest_ship_days(at - 1) == [TODAY] * 3


def local(text: str, zone: str = NEW_YORK) -> int:
    """UTC microseconds of a local time such as 2026-03-08 01:30."""
    moment = dt.datetime.fromisoformat(text)
    return at_local(date_to_day(moment.date()), moment.hour * 60 + moment.minute, zone)


def ships(at: int, **changes: object) -> str:
    """The day an order of this moment would ship, as people write it."""
    return day_to_date(Calendar([node(**changes)]).earliest_ship_days(at)[0]).isoformat()


@pytest.mark.parametrize(
    ("at", "shipped"),
    [
        ("2026-03-06 13:59", "2026-03-06"),  # Friday, a minute before
        ("2026-03-06 14:00", "2026-03-09"),  # the cut-off itself is too late, and it is Friday
        ("2026-03-07 00:00", "2026-03-09"),  # Saturday
        ("2026-03-08 23:59", "2026-03-09"),  # Sunday, the clocks went forward at 2:00
        ("2026-03-09 13:59", "2026-03-09"),  # the first cut-off in summer time
        ("2026-03-09 14:00", "2026-03-10"),
        ("2026-10-30 13:59", "2026-10-30"),  # the last in summer time
        ("2026-11-02 13:59", "2026-11-02"),  # the first in winter time
        ("2026-11-02 14:00", "2026-11-03"),
    ],
)
def test_the_cut_off_is_a_minute_of_the_nodes_own_clock_in_summer_and_in_winter(at: str, shipped: str) -> None:
    """The minute before is in time and the minute itself is not, on both sides of a change of clocks."""
    assert ships(local(at)) == shipped


def test_the_last_microsecond_before_a_cut_off_is_in_time() -> None:
    """Times are not rounded to anything."""
    at = local("2026-03-09 14:00")
    assert (ships(at - 1), ships(at)) == ("2026-03-09", "2026-03-10")


def test_a_cut_off_in_the_hour_that_does_not_exist_or_exists_twice() -> None:
    """A node that works Sundays with its cut-off at 2:30: in March that minute is passed over, in November it comes twice."""
    sundays = {"cutoff_min": 150, "weekend": ("sat",)}
    spring = local("2026-03-08 01:59")
    assert ships(spring, **sundays) == "2026-03-08"
    assert ships(spring + 60_000_000, **sundays) == "2026-03-09", "the next minute is 3:00"
    early = {"cutoff_min": 90, "weekend": ("sat",)}
    autumn = local("2026-11-01 01:30")  # the first of the two
    assert ships(autumn - 1, **early) == "2026-11-01"
    assert ships(autumn, **early) == "2026-11-02"
    assert ships(autumn + 30 * 60_000_000 - 1, **early) == "2026-11-02"
    again = autumn + 30 * 60_000_000  # the clock says 1:00 once more, and that is before the cut-off
    assert ships(again, **early) == "2026-11-01"


def test_a_holiday_is_passed_over_by_cut_off_handling_and_capacity() -> None:
    """Christmas on a Friday: after Thursday's cut-off comes Monday, handling skips it, and so do units that wait."""
    closed = {"holidays": ("2026-12-25", "2027-01-01")}
    thursday = local("2026-12-24 13:00")
    assert ships(thursday, **closed) == "2026-12-24"
    assert ships(thursday + 3_600_000_000, **closed) == "2026-12-28"
    assert ships(local("2026-12-25 09:00"), **closed) == "2026-12-28"
    assert ships(thursday, handling_days=1, **closed) == "2026-12-28"
    assert ships(thursday, handling_days=6, **closed) == "2027-01-05", "and New Year's Day as well"
    busy = node(capacity_units=10, **closed)
    first, after = date_to_day(dt.date(2026, 12, 24)), date_to_day(dt.date(2026, 12, 28))
    assert Calendar([busy]).ship_day(0, first, 15, {}) == after
    used: dict[int, int] = {}
    assert book(busy, first, 15, used, after) == {first: 10, after: 5}


def test_a_holiday_is_the_nodes_own_day() -> None:
    """Closed on the 25th in Los Angeles: at 23:00 there it still is, when New York has the 26th."""
    zone = "America/Los_Angeles"
    pacific = {"zone": zone, "weekend": (), "holidays": ("2026-12-25",)}
    assert ships(local("2026-12-25 23:00", zone), **pacific) == "2026-12-26"
    assert ships(local("2026-12-24 13:59", zone), **pacific) == "2026-12-24"


@given(
    st.sets(st.sampled_from(WEEKDAYS), max_size=6),
    st.sets(st.integers(0, 40), max_size=12),
    st.integers(0, 30),
    st.integers(0, 12),
)
def test_a_nodes_days_are_those_of_a_calendar_walked_day_by_day(
    weekend: set[str], holidays: set[int], later: int, count: int
) -> None:
    """Any weekend of up to six days and any holidays: the next day, and so many days on."""
    names = tuple(sorted(day_to_date(TODAY + h).isoformat() for h in holidays))
    days = workdays(node(weekend=tuple(weekend), holidays=names))
    open_days = [
        day
        for day in range(TODAY + later, TODAY + later + 200)
        if day_to_date(day).strftime("%a").lower() not in weekend and day - TODAY not in holidays
    ]
    assert days.next(TODAY + later) == open_days[0]
    assert days.add(TODAY + later, count) == open_days[count]


def working_days(start: int, count: int) -> list[int]:
    """The first `count` working days from `start` on."""
    return [day for day in range(start, start + 2 * count + 7) if is_working_day(day)][:count]


loads = st.dictionaries(st.integers(0, 30), st.integers(0, 12), max_size=12)


@given(st.integers(1, 10), st.integers(0, 6), st.integers(1, 60), loads)
def test_a_part_ships_when_its_last_unit_fits_and_takes_just_that_capacity(
    capacity: int, later: int, units: int, load: dict[int, int]
) -> None:
    """The day found is the first one by which free capacity adds up to the units; booking fills no day above its capacity."""
    earliest = working_days(TODAY + later, 1)[0]
    used = {TODAY + day: min(count, capacity) for day, count in load.items() if is_working_day(TODAY + day)}
    found = Calendar([node(capacity_units=capacity)]).ship_day(0, earliest, units, used)
    free, expected = 0, -1
    for day in working_days(earliest, CAPACITY_HORIZON):
        free += capacity - used.get(day, 0)
        if free >= units:
            expected = day
            break
    assert found == expected
    if found >= 0:
        before = dict(used)
        book(node(capacity_units=capacity), earliest, units, used, found)
        assert sum(used.values()) - sum(before.values()) == units
        assert all(count <= capacity for count in used.values())
        assert all(before.get(day, 0) == count for day, count in used.items() if not earliest <= day <= found)


def test_without_a_limit_a_node_ships_on_its_earliest_day() -> None:
    """Capacity 0 means none was stated."""
    assert Calendar([node()]).ship_day(0, TODAY, 10**9, {TODAY: 10**9}) == TODAY


@given(st.integers(0, 13), st.integers(0, 1439), st.integers(0, 12))
def test_a_promise_is_working_days_after_the_order_at_its_destination(later: int, minute: int, days: int) -> None:
    """Counted from the day it is there, Monday where that is a weekend."""
    day = TODAY + later
    assert promise_day(at_local(day, minute, NEW_YORK), NEW_YORK, days) == working_days(day, days + 1)[-1]


def test_the_destinations_day_counts_not_the_nodes() -> None:
    """Monday 23:30 in New York is still Monday in Honolulu, and Tuesday in Guam."""
    at = MONDAY + 13 * 3_600_000_000 + 1_800_000_000
    days = [promise_day(at, zone, 1) for zone in (NEW_YORK, "Pacific/Honolulu", "Pacific/Guam")]
    assert [day_to_date(day) for day in days] == [dt.date(2026, 3, 3), dt.date(2026, 3, 3), dt.date(2026, 3, 4)]
    assert days[0] == date_to_day(dt.date(2026, 3, 3))
