"""Numbers as people read them, and the small drawings."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.console.live import words
from tranship.engine.view import Curve, NetworkNow

NETWORK = NetworkNow(
    code="amazon",
    operator="Amazon",
    nodes=("A",),
    fulfillment_orders=7,
    units=9,
    cost_micros=10_000_000,
    late=0,
    share_bp=5_860,
    of_last=1000,
    cap_bp=6_000,
    limit=600,
    max_share_bp=6_000,
)


@pytest.mark.parametrize(("bp", "text"), [(0, "0.0"), (1, "0.1"), (5_860, "58.6"), (5_861, "58.7"), (6_000, "60.0")])
def test_a_share_never_looks_smaller_than_it_is(bp: int, text: str):
    """One digit, rounded up: what is above a cap shows as above it."""
    assert words.percent(bp) == text


def test_nothing_is_divided_by_nothing():
    """A dash stands where there is no number yet."""
    assert words.ratio(0, 0) == words.each(0, 0) == "-"
    assert words.ratio(1, 3) == "33.3 %" and words.each(10_000_000, 4) == "2.50"
    assert words.units(1) == "1 unit" and words.units(1_200) == "1,200 units"
    assert [words.span(s) for s in (60, 3600, 90)] == ["minute", "hour", "90 s"]


@given(st.integers(0, 12_000), st.integers(0, 10_000))
def test_a_gauge_is_drawn_for_any_share_and_cap(share: int, cap: int):
    """Arcs stay inside their box, and a cap has its mark."""
    drawn = words.gauge(msgspec.structs.replace(NETWORK, share_bp=share, cap_bp=cap))
    assert drawn.startswith("<svg") and ('class="cap"' in drawn) == (cap > 0)
    assert "nan" not in drawn and "style" not in drawn


@given(st.lists(st.lists(st.integers(0, 10**6), min_size=5, max_size=5), min_size=1, max_size=4))
def test_stacked_bars_stay_inside_their_box(values: list[list[int]]):
    """The highest bar is as high as the box; no bar is drawn below zero or above the top."""
    codes = [f"n{i}" for i in range(len(values))]
    curve = Curve(60, (0,) * 5, {code: tuple(row) for code, row in zip(codes, values, strict=True)})
    drawn = words.stacks(curve, dict.fromkeys(codes, "h1"), height=50)
    tops = [float(piece.split('"')[1]) for piece in drawn.split(" y=")[1:] for piece in [f"y={piece}"]]
    assert all(-0.01 <= top <= 50 for top in tops)


def test_a_shelf_shows_nothing_where_there_is_nothing():
    """No division by an empty shelf; parts add up to the bar."""
    assert words.shelf([("free", 0)], 0).count("<rect") == 1
    assert words.shelf([("free", 50), ("road", 50)], 100, width=100).count('width="50.00"') == 2
