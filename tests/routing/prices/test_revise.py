"""Pending orders decided again: every move pays, fills no less, and leaves every window of the cap within the rule."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.routing.prices.kernels import admits, enter, may_turn, new_window, slacks, turn
from tests.routing.prices.problems import orders_of
from tests.routing.prices.test_stream import free, plain, random_stream, recount, sound
from tranship.routing.prices.problem import PARTS, UNITS, VALUE, Duals, Goods
from tranship.routing.prices.stream import Control, Stream
from tranship.routing.share import ShareWindow

PENALTY = 60.0
seeds = st.integers(0, 2**32)
measures = st.sampled_from([UNITS, VALUE])


def revised(stream: Stream, duals: Duals, begin: int, end: int, *, least_gain: float = 0.1, base: float = 0.0,
            swing: float = 0.0) -> int:  # fmt: skip
    """One pass; orders moved."""
    return stream.revise(begin, end, duals, penalty=PENALTY, least_gain=least_gain, base=base, swing=swing, aim=0.05)


def priced(stream: Stream, duals: Duals) -> float:
    """Money of the assignment with prices, open units at the penalty."""
    o, filled = stream.orders, np.flatnonzero(stream.node < stream.nodes)
    of = np.repeat(np.arange(o.length), np.diff(o.start))[filled]
    node, sku, qty = stream.node[filled], o.sku[filled], o.qty[filled]
    prices = float((qty * (duals.stock[sku, node] + duals.work[o.day[of], node])).sum())
    return recount(stream)[0] + prices + PENALTY * stream.tally().open


@settings(max_examples=40)
@given(seeds, measures, st.booleans(), st.floats(0.01, 3.0))
def test_each_move_saves_at_least_the_threshold(seed: int, measure: int, gated: bool, least_gain: float) -> None:
    """At fixed prices the priced cost falls by the threshold for each order moved, and no unit is opened for it."""
    stream, duals = random_stream(seed, measure=measure, gated=gated)
    before = Goods(stream.goods.stock.copy(), stream.goods.work.copy())
    stream.run(0, stream.orders.length, duals)
    other = Duals(duals.stock[::-1].copy(), duals.work, duals.cap)
    for _ in range(4):
        cost, tally = priced(stream, other), stream.tally()
        moved = revised(stream, other, 0, stream.orders.length, least_gain=least_gain)
        assert priced(stream, other) <= cost - moved * least_gain + 1e-6
        assert stream.tally().open <= tally.open
        sound(stream, before)
        if not moved:
            break


@settings(max_examples=40)
@given(seeds, measures, st.floats(0, 4), st.floats(0, 8))
def test_no_window_is_above_the_cap_after_ticks_turned_in_place(
    seed: int, measure: int, base: float, swing: float
) -> None:
    """Slices decided and decided again with the room around their places priced: every window is counted by hand."""
    stream, duals = random_stream(seed, measure=measure, count=90)
    before = Goods(stream.goods.stock.copy(), stream.goods.work.copy())
    for begin in range(0, 90, 30):
        stream.run(begin, begin + 30, duals)
        revised(stream, duals, begin, begin + 30, base=base, swing=swing)
        sound(stream, before, begin + 30)
    stream.goods.stock[:] += 1  # a delivery: what is open may be filled, at places at the end
    after = Goods(before.stock + 1, before.work)
    revised(stream, duals, 0, 90, base=base, swing=swing)
    sound(stream, after)
    money, parts = recount(stream)
    assert stream.tally().cost >= money - 1e-6 and stream.tally().packages >= parts


def test_orders_move_in_most_of_these_streams() -> None:
    """The random streams are worth their time."""
    moved = 0
    for seed in range(30):
        stream, duals = random_stream(seed)
        stream.run(0, stream.orders.length, free(stream))
        moved += revised(stream, duals, 0, stream.orders.length) > 0
    assert moved >= 10


@given(seeds)
def test_freed_stock_never_makes_pending_orders_dearer(seed: int) -> None:
    """Without prices and cap: more goods on the shelf, decided again, cost no more in real money."""
    stream, _ = random_stream(seed, gated=False)
    nothing = free(stream)
    stream.run(0, stream.orders.length, nothing)
    before = stream.tally()
    stream.goods.stock[:] += 3
    for _ in range(3):
        revised(stream, nothing, 0, stream.orders.length, least_gain=0.0)
    after = stream.tally()
    assert after.open <= before.open
    assert after.cost + PENALTY * after.open <= before.cost + PENALTY * before.open + 1e-6
    assert (after.cost, after.packages) == (pytest.approx(recount(stream)[0]), recount(stream)[1])


def test_orders_that_are_all_open_are_filled_when_goods_arrive() -> None:
    """None of the pending orders has a place in the window yet."""
    orders = orders_of([[(0, 1)], [(0, 2)]])
    stream = plain([[0, 0]], orders, fixed=[1, 2], side=[1, 0], control=Control(6_000, 10))
    stream.run(0, 2, free(stream))
    assert (stream.ticks, stream.tally().open) == (0, 3)
    stream.goods.stock[0, 1] = 5
    assert revised(stream, free(stream), 0, 2) == 2
    assert (stream.ticks, stream.tally().open, stream.tally().cost) == (3, 0, 4.0)


def test_new_units_enter_as_they_were_asked_about_the_independent_ones_first() -> None:
    """Cap two in five: a capped unit is admitted only behind the order's independent one."""
    orders = orders_of([[(2, 1)], [(0, 1), (1, 1)]])
    stream = plain([[0, 0], [0, 0], [0, 9]], orders, fixed=[1, 1], side=[1, 0], control=Control(4_000, 10))
    stream.run(0, 2, free(stream))
    stream.goods.stock[0, 0] = stream.goods.stock[1, 1] = 1
    assert revised(stream, free(stream), 0, 2) == 1
    assert stream._window[0][:3].tolist() == [0, 0, 1]
    assert stream.tally().breaches == 0


def test_a_part_on_a_node_that_is_full_for_the_whole_order_moves_only_if_that_pays() -> None:
    """Two lines split over two nodes, whose work is used up since: the order stays, for moving would cost more."""
    orders = orders_of([[(0, 1), (1, 1)], [(0, 1)]])
    stream = plain(
        [[9, 0, 9], [0, 9, 9]], orders, fixed=[1, 1, 50], side=[0, 0, 0], control=Control(gated=False), work=9
    )
    stream.run(0, 1, free(stream))
    assert stream.node.tolist() == [0, 1, 3]
    stream.goods.work[:, :2] = 0
    assert revised(stream, free(stream), 0, 1) == 0
    assert stream.node.tolist() == [0, 1, 3]
    assert stream.tally().cost == 2.0


def test_parts_are_not_decided_again_here() -> None:
    """A part that becomes two is the engine's work: the stream says so instead of counting wrong."""
    stream, duals = random_stream(1, measure=PARTS)
    with pytest.raises(AssertionError, match="the engine does that"):
        revised(stream, duals, 0, 1)


# -- the window ---------------------------------------------------------------------------------------------------


def allowed(sides: list[int], width: int, bp: int) -> bool:
    """Whether every window keeps the rule, counted by hand."""
    ends = range(1, len(sides) + 1)
    return all(sum(sides[max(0, e - width) : e]) <= bp * min(e, width) // 10_000 for e in ends)


@settings(max_examples=80)
@given(
    st.integers(1, 12), st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=25)
)
def test_the_window_admits_what_the_share_window_admits(width: int, bp: int, asked: list[tuple[int, int]]) -> None:
    """So many independent ticks and then so many capped ones: the same answer as the engine's counter, and by hand."""
    law, window, sides = ShareWindow(bp, width), new_window(300, width, bp), []
    for independent, capped in asked:
        entries = [(size, side) for size, side in ((independent, False), (capped, True)) if size]
        fits = bool(admits(*window, independent, capped))
        assert fits == law.admits(entries)
        assert not capped or fits == allowed(sides + [0] * independent + [1] * capped, width, bp)
        for size, side in entries:
            if side and not fits:
                continue
            law.enter(size, side)
            for _ in range(size):
                assert enter(*window, int(side)) == len(sides)
                sides.append(int(side))
        count = int(window[2][0])
        assert count == law.entered == len(sides)
        assert not count or int(window[1][count - 1]) == law.inside_capped


@settings(max_examples=60)
@given(seeds, st.integers(1, 15), st.integers(1_000, 10_000))
def test_a_tick_turns_where_every_window_that_holds_it_has_room(seed: int, width: int, bp: int) -> None:
    """Asked of each tick, and turned where allowed: as counted by hand, inside counts kept right."""
    rng = np.random.default_rng(seed)
    window, sides = new_window(60, width, bp), []
    for wish in rng.integers(0, 2, 40):
        side = int(wish and admits(*window, 0, 1))
        enter(*window, side)
        sides.append(side)
    assume(0 in sides)
    for place in rng.permutation(40).tolist():
        side = 1 - sides[place]
        trial = [*sides[:place], side, *sides[place + 1 :]]
        if side:
            assert bool(may_turn(*window, place)) == allowed(trial, width, bp)
        if allowed(trial, width, bp):
            turn(*window, place, side)
            turn(*window, place, side)  # a second time is nothing
            sides = trial
    assert window[0][:40].tolist() == sides
    assert window[1][:40].tolist() == [sum(sides[max(0, e - width) : e]) for e in range(1, 41)]
    first = int(rng.integers(0, 40))
    out, queue = np.empty(60, np.int64), np.empty(60, np.int64)
    slacks(*window, first, out, queue)
    room = [bp * min(e + 1, width) // 10_000 - int(window[1][e]) for e in range(40)]
    assert out[: 40 - first].tolist() == [min(room[p : p + width]) for p in range(first, 40)]
