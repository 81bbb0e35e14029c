"""The map and the small help for drawing."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tranship.console.figures import NetworkFacts
from tranship.console.svg import date_ticks, hues, short, steps, tag, text
from tranship.console.usmap import HEIGHT, WIDTH, outline, project
from tranship.rates.zones import zip3_points


def test_the_outline_has_every_state_inside_the_map():
    """50 states and the District of Columbia, each with an outline and a point on the picture."""
    states = outline().states
    assert len(states) == len({state.code for state in states}) == 51
    assert "Census" in outline().credit
    for state in states:
        assert state.path.startswith("M") and state.path.endswith("z"), state.code
        assert 0 < state.x < WIDTH and 0 < state.y < HEIGHT, state.code


def test_places_fall_where_their_state_is():
    """Nodes and outlines share a projection: a ZIP lands near its state's point."""
    points, states = zip3_points(), {state.code: state for state in outline().states}
    for zip3, code in ((100, "NY"), (606, "IL"), (750, "TX"), (802, "CO"), (995, "AK"), (968, "HI")):
        at = project(*points[zip3])
        assert at is not None
        assert abs(at[0] - states[code].x) < 70 and abs(at[1] - states[code].y) < 70, code


def test_places_off_the_map_are_none():
    """Puerto Rico, Guam and places abroad are not drawn."""
    assert project(18.4, -66.1) is None
    assert project(13.5, 144.8) is None
    assert project(51.5, 0.0) is None


@given(st.floats(0, 1e12, allow_nan=False), st.integers(2, 8))
def test_ticks_are_round_and_reach_the_largest_value(most: float, about: int):
    """From zero, evenly, to the largest value or above it, never by more than one step."""
    found = steps(most, about)
    assert found[0] == 0 and len(found) <= 3 * about + 2
    assert found[-1] >= most * 0.998
    assert len(found) < 3 or found[-2] <= most * 1.001


@given(st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)), st.integers(0, 20_000))
def test_date_ticks_lie_between_the_dates(first: dt.date, days: int):
    """Every mark is between the ends, in order, and there are neither none nor many."""
    last = first + dt.timedelta(days=days)
    found = [day for day, _ in date_ticks(first, last)]
    assert found == sorted(set(found))
    assert all(first <= day <= last for day in found)
    assert 1 <= len(found) <= 24


def test_text_and_attributes_are_escaped():
    """Whatever a name holds, it stays text."""
    drawn = text(1, 2, '<b>"&') + tag("rect", fill='"><script>')
    assert "<b>" not in drawn and "<script" not in drawn
    assert "&lt;b&gt;&quot;&amp;" in drawn


def test_each_network_has_its_own_hue():
    """Amber for those under a cap, cool hues for the rest."""
    found = hues([NetworkFacts(str(i), str(i), i == 0, 0) for i in range(8)])
    assert len(set(found.values())) == 8


def test_large_numbers_are_short():
    """What an axis has room for."""
    assert [short(value) for value in (0, 12, 1200, 350_000, 1_400_000)] == ["0", "12", "1.2k", "350k", "1.4M"]
