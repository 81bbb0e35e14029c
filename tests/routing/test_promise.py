"""Cut-offs, working days and capacity, against calendars walked day by day."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.worlds import MONDAY, NODES, TODAY
from tranship.core.network import Node
from tranship.core.time import at_local, date_to_day, day_to_date, is_working_day
from tranship.routing.promise import CAPACITY_HORIZON, Calendar, book, promise_day

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
        book(capacity, earliest, units, used, found)
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
