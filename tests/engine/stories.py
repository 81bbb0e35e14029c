"""Random stories: network documents with everything switched on, and commands of all kinds in time order."""

import hashlib
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from tests.engine.worlds import DAY, MONDAY, NODES, cap, loading, network, node, order, placing, receiving
from tranship.connectors.netfile import to_document
from tranship.core.network import Network, NetworkFile, Policy, ShareCap
from tranship.engine import commands as cmd
from tranship.engine.shard import Submission
from tranship.engine.snapshots import setting
from tranship.routing.prices.model import PriceMaking, book_of, encode

MINUTE = 60_000_000
Act = tuple[str, int, int, int, int, list[tuple[int, int, int]]]
"""What happens: (kind, minutes later, three numbers, order lines); an act takes of the numbers what it needs."""

CODES = ("MUG", "TEE", "CAP", "GAS", "PLAN", "SET")
ON_SHELVES = CODES[:5]
PRICES = (0, 100, 700)

documents = st.builds(
    lambda measure, cap_bp, window, reserve, conflict, per_channel, price, after, parts, prefer, capacity, limit, two, days: network(
        caps=(
            *cap(
                measure=measure, cap_bp=cap_bp, window=window if measure != "value" else window * 700, reserve=reserve,
                on_conflict=conflict, per_channel=per_channel, price_micros=price,
            ),
            *((ShareCap("PL", 5000, window=6, reserve=0, price_micros=0),) if two else ()),
        ),
        networks=(Network("AMZ", competitor=True, max_units=limit), Network("PL", max_lines=2), Network("OWN")),
        nodes=(node(0, capacity_units=capacity)[0], node(1, capacity_units=capacity)[1], NODES[2]),
        policy=Policy(after=after, max_parts=parts, prefer=prefer, park_days=days),
    ),
    st.sampled_from(["fulfillment_orders", "units", "value"]),
    st.sampled_from([0, 3000, 6000, 10000]),
    st.integers(1, 12),
    st.integers(0, 2),
    st.sampled_from(["park", "breach"]),
    st.booleans(),
    st.sampled_from([0, 3_000_000]),
    st.sampled_from([("split", "park"), ("split", "park"), ("park",), ("split", "backorder"), ("split", "cancel")]),
    st.sampled_from([1, 2, 8]),
    st.sampled_from([(), (), ("OWN",), ("independent",)]),
    st.sampled_from([0, 2]),
    st.sampled_from([0, 3]),
    st.booleans(),
    st.sampled_from([0, 2]),
)  # fmt: skip

acts = st.lists(
    st.tuples(
        st.sampled_from(
            ["order"] * 6
            + ["receive"] * 4
            + ["cancel"] * 3
            + ["tick"] * 2
            + ["prices"] * 2
            + ["switch", "load", "again"]
        ),
        st.sampled_from([0, 1, 30, 240, 1440]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 8),
        st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(0, 2)), min_size=1, max_size=4),
    ),
    min_size=3,
    max_size=40,
)


def changed(document: NetworkFile, which: int) -> NetworkFile:
    """The document with other caps: lowered, in another order, with another window, or none."""
    caps = [
        tuple(reversed(document.caps)),
        (*cap(cap_bp=2000, window=document.caps[0].window, measure=document.caps[0].measure), *document.caps[1:]),
        cap(window=7),
        (),
    ][which % 4]
    return network(caps=caps, networks=document.networks, nodes=document.nodes, policy=document.policy)


def submissions(document: NetworkFile, story: Sequence[Act]) -> list[Submission]:
    """The story as submissions: the document first, some stock, then what happens, each with a key of its own."""
    told = [loading(document), receiving(document, "opening", 0, MUG=6, TEE=6, CAP=3, PLAN=2)]
    told.append(receiving(document, "opening 2", 1, MUG=3, TEE=1, GAS=2, CAP=5))
    at, placed, force = MONDAY, [], document
    for i, (kind, minutes, a, b, count, lines) in enumerate(story):
        at += minutes * MINUTE
        if kind == "order":
            wanted = [(CODES[sku], quantity, PRICES[price]) for sku, quantity, price in lines]
            taken = order(i, *wanted, channel=("web", "shop", "amazon")[a % 3], placed_at=at)
            placed.append(taken)
            told.append(placing(taken))
        elif kind == "receive":
            told.append(receiving(document, i, a % 3, at, **{ON_SHELVES[b % 5]: count}))
        elif kind == "cancel" and placed:
            taken = placed[a % len(placed)]
            line = taken.lines[b % len(taken.lines)].key
            told.append(Submission(f"cancel/{i}", cmd.TakeBack(f"test:{taken.number}", line, count, f"C{i}", at)))
        elif kind == "tick":
            told.append(Submission(f"tick/{i}", cmd.Tick(at + (count - 1) * DAY)))
            at += (count - 1) * DAY
        elif kind == "switch":
            told.append(Submission(f"switch/{i}", cmd.SwitchNode(NODES[a % 3].code, b % 2 == 0, "a story", at)))
        elif kind == "load":
            force = changed(document, a)
            told.append(loading(force, at))
        elif kind == "prices":
            told.append(Submission(f"prices/{i}", _prices(force, a, b, count, at)))
        elif kind == "again":
            told.append(told[a % len(told)])
    return told


def _prices(document: NetworkFile, a: int, b: int, count: int, at: int) -> cmd.SetPrices:
    """A book for this document: some stock, a day here and there, room under every cap; used for `count` days at most."""
    day = at // DAY
    stock = np.zeros((len(document.skus), len(document.nodes)), np.int64)
    stock[a % 5, b % 3], stock[b % 5, a % 3] = 2_500_000, 100_000 * count
    days = {(a % 3, day + b % 3): 1_700_000, (b % 3, day): 90_000}
    rooms = {cap.network: 10_000 * a for cap in document.caps}
    sha = hashlib.sha256(to_document(document)).hexdigest()
    making = PriceMaking("by hand")
    return setting(encode(book_of(sha, at, day + count - 1, stock, days, rooms, making)), "by hand", at)
