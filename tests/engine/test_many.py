"""Many commands at once give what they give one by one: the same events, the same state, bit for bit."""

import hashlib
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import stories
from tests.engine.stories import Act
from tests.engine.worlds import DAY, MONDAY, SKUS, card, loading, network, receiving
from tranship.core.errors import InputError
from tranship.core.network import Channel, Network, NetworkFile, Node, Policy, ShareCap, Sku
from tranship.core.order import Destination, Order, OrderLine
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine import many
from tranship.engine.decide import execute
from tranship.engine.digest import state_digest
from tranship.engine.state import OrderState, State
from tranship.routing.prices.model import PriceMaking, book_of, encode

MINUTE = 60_000_000
CITIES = (("10001", "NY"), ("90210", "CA"), ("60601", "IL"), ("77001", "TX"), ("00000", ""), ("x", "NY"))


def blank(commands: Sequence[cmd.Command]) -> State:
    """A state that knows the documents of these commands."""
    bodies = {c.sha256: c.document for c in commands if isinstance(c, cmd.LoadNetwork | cmd.SetPrices)}
    return State(bodies.__getitem__)


Told = list[list[bytes] | str]
"""What commands came to: events as journaled, or why it was refused."""


def one_by_one(commands: Sequence[cmd.Command]) -> tuple[Told, State]:
    """What each command comes to, and the state."""
    state = blank(commands)
    told: Told = []
    for command in commands:
        try:
            told.append([ev.encode(event) for event in execute(state, command)])
        except InputError as error:
            told.append(str(error))
    return told, state


def together(commands: Sequence[cmd.Command], sizes: Sequence[int]) -> tuple[Told, State]:
    """The same in pieces of these sizes, again and again."""
    state, at, turn = blank(commands), 0, 0
    told: Told = []
    while at < len(commands):
        piece = commands[at : at + sizes[turn % len(sizes)]]
        at, turn = at + len(piece), turn + 1
        for done in many.execute_many(state, piece):
            told.append(str(done) if isinstance(done, InputError) else [ev.encode(event) for event in done])
    return told, state


def inner(state: State) -> list[object]:
    """What the digest leaves out: calendars, what waits, counters entry by entry, every field of every order."""
    names = {
        id(window): (k, code) for k, c in enumerate(state.caps) for code, window in (("", c.total), *c.channels.items())
    }
    orders = []
    for order_id, held in state.orders.items():
        parts = [
            (
                number,
                [getattr(part, name) for name in part.__struct_fields__ if name != "entries"],
                [(names.get(id(window)), place) for window, place in part.entries],
            )
            for number, part in held.parts.items()
        ]
        plain = [getattr(held, name) for name in OrderState.__struct_fields__ if name not in ("parts", "rests")]
        orders.append((order_id, plain, parts, list(held.rests)))
    counters = [
        [(code, window._size.tobytes(), bytes(window._capped), window.digest(), window.entered_capped, window.voided)
         for code, window in (("", c.total), *sorted(c.channels.items())) if len(window)]
        for c in state.caps
    ]  # fmt: skip
    buckets = [(c.bucket.tokens, c.bucket.base, c.breaches, c.highest_bp) for c in state.caps]
    apart = {
        "documents", "network", "prices", "price_rise", "ledger", "orders", "caps", "channels", "moves", "_facts",
    }  # fmt: skip
    others = [getattr(state, name) for name in sorted(vars(state)) if name not in apart]
    rise = None if state.price_rise is None else state.price_rise.tolist()
    return [orders, counters, buckets, others, rise]


def assert_same(commands: Sequence[cmd.Command], sizes: Sequence[int]) -> State:
    """Both ways are alike; the state."""
    told, state = one_by_one(commands)
    again, other = together(commands, sizes)
    assert again == told
    assert state_digest(other) == state_digest(state)
    assert inner(other) == inner(state)
    assert other.ledger.problems() == []
    return other


cuts = st.lists(st.sampled_from([1, 2, 3, 7, 20, 500]), min_size=1, max_size=4)


@given(stories.documents, stories.acts, cuts)
@settings(max_examples=150)
def test_every_story_told_in_pieces_is_the_same(document: NetworkFile, story: list[Act], sizes: list[int]) -> None:
    """Commands of all kinds: what the kernel cannot take goes the normal way in between."""
    told = {submission.key: submission.command for submission in stories.submissions(document, story)}
    assert_same(list(told.values()), sizes)


# -- streams of orders -----------------------------------------------------------------------------------------------------


def world(draw: random.Random, easy: bool) -> NetworkFile:
    """A network of up to six nodes with random cards, limits, caps and policy. `easy`: one under which most orders are plain."""
    names = ("AMZ", "PL", "OWN")
    nodes = tuple(
        Node(
            f"N{n}", draw.choice(names[easy:] if n == 0 else names), draw.choice(("08817", "41042", "94110")),
            draw.choice(("America/New_York", "America/Los_Angeles")), draw.choice(("cheap", "dear", "unit", "pooled")),
            capacity_units=draw.choice((0, 0, 400 if easy else 8)), cutoff_min=draw.choice((600, 840)),
        )
        for n in range(draw.randint(1, 6))
    )  # fmt: skip
    caps = tuple(
        ShareCap(
            name, draw.choice((6000, 9000) if easy else (0, 3000, 6000, 10_000)),
            window=draw.choice((20, 40, 1000) if easy else (5, 40, 1000)) * (500 if measure == "value" else 1),
            measure=measure, reserve=draw.choice((0, 2)), price_micros=draw.choice((0, 4_000_000)),
            per_channel=draw.random() < 0.7, on_conflict=draw.choice(("park", "breach")),
        )
        for name, measure in zip(
            ("AMZ", "PL"), draw.sample(("fulfillment_orders", "units", "value"), 2), strict=True
        )
    )  # fmt: skip
    goods = tuple(Sku(f"S{i}", draw.randint(50, 4000), 200, 100, draw.randint(10, 300)) for i in range(12))
    return network(
        nodes=nodes,
        skus=(*goods, *SKUS),
        cards={"cheap": card(4), "dear": card(6, 5), "unit": {"type": "per_unit", "table": "mcf_us_standard"},
               "pooled": {"type": "per_unit", "table": "mcf_us_standard", "units_counted": "order"}},
        caps=caps[: draw.randint(0, 2)],
        networks=(Network("AMZ", max_units=draw.choice((0, 6))), Network("PL", max_lines=draw.choice((0, 2))), Network("OWN")),
        policy=Policy(promise_working_days=9 if easy else 3, prefer=() if easy else draw.choice(((), (), ("OWN",)))),
        channels=(Channel("web"), Channel("shop", promise_working_days=8 if easy else 4), Channel("amazon", on_platform_for=("AMZ",))),
    )  # fmt: skip


def orders(draw: random.Random, easy: bool, count: int, start: int) -> list[cmd.Command]:
    """Orders in time, most of them plain; some refused, repeated or odd."""
    made: list[cmd.Command] = []
    at = start
    gap = draw.choice((1_000, 20_000_000, 90 * MINUTE))
    for n in range(count):
        at += draw.randrange(gap)
        skus = draw.sample(range(12), draw.choice((1, 1, 2, 3) if easy else (1, 2, 3, 5)))
        lines = [
            OrderLine(str(i), f"S{sku}", draw.choice((1, 1, 2, 4)), draw.choice((0, 700))) for i, sku in enumerate(skus)
        ]
        odd = draw.random() * (1.5 if easy else 1)
        if odd < 0.02:
            lines[0] = OrderLine("0", draw.choice(("NONE", "SET", "MUG")), draw.choice((1, 0)))
        elif odd < 0.03:
            lines.append(lines[0])
        zip_code, state = draw.choice(CITIES)
        order = Order(
            "test" if not 0.98 < odd < 1 else draw.choice(("te:st", "")), str(n) if not 0.99 < odd < 1 else "a@b",
            draw.choice(("web", "shop", "amazon", "none")[: 3 + (0.97 < odd < 1)]),
            at, Destination(zip_code, state, residential=draw.random() < 0.7), tuple(lines),
            person_id=draw.choice(("", f"P{n}", "someone")),
            deliver_by="2026-03-20" if 0.5 < odd < 0.55 else "",
        )  # fmt: skip
        made.append(cmd.PlaceOrder(order, at))
    return made


def book(draw: random.Random, document: NetworkFile, sha: str) -> cmd.SetPrices:
    """A price book with random prices."""
    import numpy as np

    shape = len(document.skus), len(document.nodes)
    stock = np.array([[draw.choice((0, draw.randrange(3_000_000))) for _ in range(shape[1])] for _ in range(shape[0])])
    today = MONDAY // DAY
    days = {(n, today + d): draw.randrange(500_000) for n in range(shape[1]) for d in range(3) if draw.random() < 0.5}
    learned = {c.network: draw.randrange(2_000_000) for c in document.caps if draw.random() < 0.5}
    made = encode(book_of(sha, MONDAY, today + draw.choice((0, 30)), stock, days, learned, PriceMaking("by hand")))
    return cmd.SetPrices(made, hashlib.sha256(made).hexdigest(), "by hand", MONDAY)


def stream(seed: int, count: int) -> list[cmd.Command]:
    """A network, stock, perhaps a price book, and orders with a receipt in between."""
    draw = random.Random(seed)
    easy = draw.random() < 0.7
    document = world(draw, easy)
    load = loading(document).command
    assert isinstance(load, cmd.LoadNetwork)
    commands: list[cmd.Command] = [load]
    for n in range(len(document.nodes)):
        units = {f"S{i}": draw.choice((40, 500) if easy else (0, 3, 30, 500)) for i in range(12)}
        commands.append(receiving(document, f"r{n}", n, MONDAY - DAY, **units).command)
    if draw.random() < 0.6:
        commands.append(book(draw, document, load.sha256))
    placed = orders(draw, easy, count, MONDAY)
    middle = draw.randrange(count)
    commands += placed[:middle]
    at = placed[middle].at
    commands.append(receiving(document, "more", 0, at, S1=50, S2=50).command)
    if draw.random() < 0.2:
        commands.append(cmd.SwitchNode("N0", True, "a test", at))
    return commands + placed[middle:]


@given(st.integers(0, 1 << 32), cuts)
@settings(max_examples=150)
def test_a_stream_of_orders_is_the_same(seed: int, sizes: list[int]) -> None:
    """Random networks, caps, books and orders, plain and odd, in pieces of every size."""
    assert_same(stream(seed, 60), sizes)


def test_most_plain_orders_go_through_the_kernel() -> None:
    """The comparison is worth something: over many worlds a good part of the orders is decided in runs."""
    quick = 0
    for seed in range(12):
        commands = stream(seed, 80)
        state = blank(commands)
        at = 0
        for run in many.quick_runs(state, commands):
            if run:
                quick += len(run)
                at += len(run)
                continue
            try:
                list(execute(state, commands[at]))
            except InputError:
                pass
            at += 1
    assert quick > 12 * 80 / 3


def test_pure_python_takes_the_normal_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler nothing is decided in runs, and everything is decided."""
    monkeypatch.setenv("TRANSHIP_PURE", "1")
    commands = stream(3, 20)
    assert not any(many.quick_runs(blank(commands), commands[:0]))
    assert_same(commands, [500])
