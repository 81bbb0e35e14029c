"""The compiled stream is the engine's rule: window, bucket, gate, reserve and waiting lines, decision by decision."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.routing.prices.problems import orders_of, random_costs, random_orders
from tests.routing.prices.twin import Twin
from tranship.routing.prices.problem import (
    PARTS,
    UNITS,
    UNLIMITED,
    VALUE,
    Costs,
    Duals,
    Goods,
    Orders,
    no_duals,
    part_of,
)
from tranship.routing.prices.stream import Control, Stream

seeds = st.integers(0, 2**32)


def random_stream(seed: int, *, measure: int = UNITS, by_part: bool = False, gated: bool = True, count: int = 60,
                  scarce: float = 1.0) -> tuple[Stream, Duals]:  # fmt: skip
    """A stream in which stock, work, gate, reserve and waiting all come about; and prices to decide it at."""
    rng = np.random.default_rng(seed)
    nodes, skus, days = int(rng.integers(2, 5)), int(rng.integers(2, 6)), 3
    orders = random_orders(rng, count, skus, days=days)
    mean = scarce * orders.qty.sum() / skus
    stock = rng.integers(0, max(2, int(rng.uniform(0.2, 1.2) * mean)), (skus, nodes))
    work = np.where(rng.random((days, nodes)) < 0.6, UNLIMITED, rng.integers(3, 40, (days, nodes)))
    side = rng.integers(0, 2, nodes).astype(np.uint8)
    control = Control(
        cap_bp=int(rng.choice([0, 1_000, 3_500, 6_000, 9_000, 10_000])), window=int(rng.integers(1, 50)),
        reserve=int(rng.integers(0, 4)), rate_bp=int(rng.choice([-100, -900, 50])), burst_bp=int(rng.choice([200, 3_000])),
        price_micros=int(rng.integers(100_000, 4_000_000)) // (4 if measure == VALUE else 1), measure=measure,
        by_part=by_part, gated=gated,
    )  # fmt: skip
    costs = random_costs(rng, 2, nodes, skus)
    duals = Duals(rng.exponential(1.0, (skus, nodes)), rng.exponential(0.5, (days, nodes)), np.zeros(1))
    return Stream(costs, Goods(stock, work), orders, side, control), duals


def recount(stream: Stream) -> tuple[float, int]:
    """(money, parts) of the assignment as it stands, lines of an order at a node as one part."""
    o, c, money, parts = stream.orders, stream.costs, 0.0, 0
    for t in range(o.length):
        at = {}
        for i in range(int(o.start[t]), int(o.start[t + 1])):
            n, s = int(stream.node[i]), o.sku[i]
            if n < stream.nodes:
                at[n] = at.get(n, 0.0) + float(o.qty[i] * (c.per_unit[s, n] + c.per_weight[o.dest[t], n] * c.weight[s]))
        money += sum(cost + float(c.fixed[o.dest[t], n]) for n, cost in at.items())
        parts += len(at)
    return money, parts


def sound(stream: Stream, before: Goods, end: int = -1) -> None:
    """What holds after `end` orders (-1: all): goods add up, ticks stand on their nodes' sides, no window is above the cap."""
    o, tally, ticks = stream.orders, stream.tally(), stream._window[0]
    held = stream.held(0, o.length)
    assert min(stream.goods.stock.min(), stream.goods.work.min()) >= 0
    assert np.array_equal(stream.goods.stock + held.stock, before.stock)
    placed = stream.node < stream.nodes
    known = int(o.start[end])
    assert tally.open == o.qty[:known][~placed[:known]].sum()
    assert tally.open + held.stock.sum() == o.qty[:known].sum()
    assert tally.lost <= tally.waited and tally.lost <= tally.open
    assert ((stream.place >= 0) == placed).all()
    size = o.value.astype(int) if stream.control.measure == VALUE else o.qty
    if stream.control.measure != PARTS:
        seen = np.full(stream.ticks, -1)
        for i in np.flatnonzero(placed):
            seen[stream.place[i] : stream.place[i] + size[i]] = stream.side[stream.node[i]]
        assert np.array_equal(seen, ticks[: stream.ticks])  # each tick belongs to one line
        assert stream.ticks == size[placed].sum()
    assert tally.capped == ticks[: stream.ticks].sum()
    width, bp, highest = stream.control.window, stream.control.cap_bp, 0.0
    for e in range(stream.ticks):  # every window, counted by hand
        window = ticks[max(0, e + 1 - width) : e + 1]
        assert window.sum() == stream._window[1][e]
        highest = max(highest, window.sum() / len(window))
        assert not stream.control.gated or window.sum() <= bp * len(window) // 10_000
    assert tally.max_share == pytest.approx(highest)
    assert tally.breaches == 0 or not stream.control.gated


@settings(max_examples=45)
@given(seeds, st.sampled_from([UNITS, PARTS, VALUE]), st.booleans(), st.sampled_from([True, True, True, False]))
def test_a_compiled_stream_decides_as_the_law_in_python(seed: int, measure: int, by_part: bool, gated: bool) -> None:
    """After every order: the same nodes, the same capped size in the window, the same tokens and base price."""
    stream, duals = random_stream(seed, measure=measure, by_part=by_part, gated=gated, count=45)
    before = Goods(stream.goods.stock.copy(), stream.goods.work.copy())
    twin = Twin(stream.costs, stream.goods, stream.orders, stream.side, stream.control)
    for t in range(stream.orders.length):
        stream.run(t, t + 1, duals)
        twin.decide(t, duals)
        assert stream.node.tolist() == twin.node
        assert stream.inside == twin.window.inside_capped
        assert stream.ticks == twin.window.entered
        if gated:
            assert stream.bucket.tolist() == [twin.bucket.tokens, twin.bucket.base]
    tally = stream.tally()
    assert math.ceil(tally.max_share * 10_000 - 1e-6) == twin.window.max_share_bp
    assert (tally.refused, tally.tight, tally.packages, tally.capped, tally.waited) == (
        twin.refused, twin.tight, twin.parts, twin.capped, twin.waited,
    )  # fmt: skip
    assert tally.lost == sum(stream.orders.qty[i] for _, i in twin.waiting)
    assert tally.cost == pytest.approx(twin.cost)
    sound(stream, before)


@settings(max_examples=25)
@given(seeds, st.sampled_from([UNITS, PARTS, VALUE]))
def test_whatever_happens_goods_add_up_and_no_window_is_above_the_cap(seed: int, measure: int) -> None:
    """Scarce stock, days without work, tiny windows: never below 0, every unit open or placed, waiting lines accounted."""
    stream, duals = random_stream(seed, measure=measure, count=250, scarce=0.6)
    before = Goods(stream.goods.stock.copy(), stream.goods.work.copy())
    stream.run(0, stream.orders.length, duals)
    sound(stream, before)
    money, parts = recount(stream)
    tally = stream.tally()
    assert tally.cost >= money - 1e-6 and tally.packages >= parts  # a line that waited is a part of its own
    if not tally.waited:
        assert (tally.cost, tally.packages) == (pytest.approx(money), parts)


@given(seeds, st.integers(1, 60))
def test_a_stream_decided_in_slices_is_the_same_stream(seed: int, step: int) -> None:
    """Where it is cut changes nothing."""
    whole, duals = random_stream(seed)
    cut, _ = random_stream(seed)
    count = whole.orders.length
    whole.run(0, count, duals)
    for begin in range(0, count, step):
        cut.run(begin, min(count, begin + step), duals)
    assert cut.tally() == whole.tally()
    assert np.array_equal(cut.node, whole.node) and np.array_equal(cut.bucket, whole.bucket)


def test_most_streams_of_these_tests_meet_the_gate() -> None:
    """The random streams are worth their time: refusals, the reserve, waiting lines and lines that find room are all common."""
    seen = np.zeros(4, int)
    for seed in range(60):
        stream, duals = random_stream(seed)
        stream.run(0, stream.orders.length, duals)
        tally = stream.tally()
        seen += np.array([tally.refused, tally.tight, tally.waited, tally.waited - tally.lost]) > 0
    assert (seen >= 6).all(), seen


def plain(stock: list[list[int]], orders: Orders, *, fixed: list[float], side: list[int], control: Control,
          work: int = UNLIMITED) -> Stream:  # fmt: skip
    """A stream of one destination, where only parts cost."""
    skus, nodes = len(stock), len(side)
    costs = Costs(np.array([fixed], np.float64), np.zeros((1, nodes)), np.zeros((skus, nodes)), np.ones(skus))
    days = int(orders.day.max()) + 1
    goods = Goods(np.array(stock, np.int64), np.full((days, nodes), work))
    return Stream(costs, goods, orders, np.array(side, np.uint8), control)


def free(stream: Stream) -> Duals:
    """No prices."""
    return no_duals(stream.goods.stock.shape[0], stream.nodes, stream.goods.work.shape[0], 1)


def test_what_only_the_capped_side_has_waits_for_room_and_comes_in_later() -> None:
    """Cap one in two: two orders that only the capped node can fill wait until independent units have made room."""
    orders = orders_of([[(0, 1)], [(0, 1)], [(1, 1)], [(1, 1)]])
    stream = plain([[9, 0], [0, 9]], orders, fixed=[1, 1], side=[1, 0], control=Control(5_000, 100))
    stream.run(0, 2, free(stream))
    assert (stream.tally().open, stream.tally().waited, stream.tally().lost) == (2, 2, 2)
    stream.run(2, 4, free(stream))
    assert (stream.tally().open, stream.tally().lost, stream.tally().breaches) == (0, 0, 0)
    assert stream.node.tolist() == [0, 0, 1, 1]


def test_a_line_that_no_node_has_any_more_does_not_stand_in_the_others_way() -> None:
    """The oldest waiting line lost its stock to another order: the one behind it is placed all the same."""
    orders = orders_of([[(0, 2)], [(1, 1)], [(0, 1)], [(2, 1)], [(2, 1)], [(2, 1)], [(2, 1)]])
    stream = plain([[2, 0], [1, 0], [0, 9]], orders, fixed=[1, 1], side=[1, 0], control=Control(5_000, 100))
    stream.run(0, 2, free(stream))
    stream.goods.stock[0, 0] = 1  # a unit of what the first one waits for is damaged
    stream.run(2, 7, free(stream))
    assert stream.node.tolist() == [2, 0, 0, 1, 1, 1, 1]
    assert (stream.tally().waited, stream.tally().lost) == (4, 2)


def test_lines_without_stock_anywhere_are_not_held_against_the_gate() -> None:
    """An order of one line that nobody has and one that the gate refuses: one unit waits."""
    orders = orders_of([[(0, 1), (1, 1)], [(2, 1)], [(2, 1)]])
    stream = plain([[0, 0], [9, 0], [0, 9]], orders, fixed=[1, 1], side=[1, 0], control=Control(5_000, 100))
    stream.run(0, 3, free(stream))
    assert (stream.tally().waited, stream.tally().lost, stream.tally().open) == (1, 0, 1)


def test_an_ungated_stream_counts_the_cap_and_does_not_hold_it() -> None:
    """Everything goes where it is cheap; the share and the windows above are reported."""
    orders = orders_of([[(0, 1)]] * 20)
    stream = plain([[99, 99]], orders, fixed=[1, 2], side=[1, 0], control=Control(6_000, 5, gated=False))
    stream.run(0, 20, free(stream))
    tally = stream.tally()
    assert (tally.capped, tally.max_share, tally.cost) == (20, 1.0, 20.0)
    assert tally.breaches == 20


def test_prices_steer_but_are_not_paid() -> None:
    """A stock price sends the order to the dearer node; the tally has the node's own cost."""
    orders = orders_of([[(0, 1)]])
    stream = plain([[9, 9]], orders, fixed=[1, 2], side=[0, 0], control=Control(gated=False))
    stream.run(0, 1, Duals(np.array([[3.0, 0.0]]), np.zeros((1, 2)), np.zeros(1)))
    assert (stream.node.tolist(), stream.tally().cost) == ([1], 2.0)


def test_a_cut_out_piece_of_a_stream_is_a_stream() -> None:
    """Positions of lines start at 0 again."""
    orders = orders_of([[(0, 1)], [(1, 2), (0, 3)], [(2, 4)]], day=[0, 0, 1])
    piece = part_of(orders, 1, 3)
    assert (piece.start.tolist(), piece.qty.tolist(), piece.day.tolist()) == ([0, 2, 3], [2, 3, 4], [0, 1])
