"""Units are split by the cap's share, whatever the arrivals, and nothing lies where it may not."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.world.cases import CAPPED, INDEPENDENT, network
from tranship.core.network import LeakBudget, Network, NetworkFile, Node, ShareCap, Sku
from tranship.sim.world.placement import eligible, place, sides_of

CODES = [f"S{n:03d}" for n in range(200)]
SKUS = [Sku(code, 100) for code in CODES]
UNITS = np.array([10_000 // (n + 1) for n in range(200)], np.int64)


def by_node(net: NetworkFile, skus: list[Sku], total: np.ndarray) -> np.ndarray:
    """Running totals `[N, S, T]` under the placement for these skus."""
    placement = place(net, skus, total[:, -1], 1)
    found = np.zeros((len(net.nodes), *total.shape), np.int64)
    for node, running in placement.split(total):
        found[node] = running
    return found


def test_every_sku_lies_at_a_capped_and_at_an_independent_node() -> None:
    """So that the cap can always be held, and its room used."""
    stocked = place(network(), SKUS, UNITS, 1).stocked
    assert stocked[:, CAPPED].any(axis=1).all()
    assert stocked[:, INDEPENDENT].any(axis=1).all()


def test_fast_sellers_lie_at_more_nodes() -> None:
    """The first half of all units at every node, the next part at two nodes of each side, the tail at one of each."""
    placement = place(network(), SKUS, UNITS, 1)
    counts = placement.stocked.sum(axis=1)
    assert counts[0] == 5
    assert set(counts.tolist()) == {5, 4, 2}
    assert (np.diff(counts) <= 0).all()
    assert UNITS[counts == 5].sum() >= UNITS.sum() / 2


def test_the_slow_half_is_spread_over_nodes_by_capacity() -> None:
    """The larger warehouse holds more of the tail, and each holds some of it."""
    slow = place(network(), SKUS, UNITS, 1).stocked[100:, INDEPENDENT].sum(axis=0)
    assert slow[0] > slow[2] > 0


@given(st.lists(st.lists(st.integers(0, 40), min_size=6, max_size=6), min_size=1, max_size=8))
def test_splitting_keeps_every_unit_and_the_share(arrivals: list[list[int]]) -> None:
    """At any time the nodes hold all units, no node gives units back, and the capped side is within one unit of 60 %."""
    total = np.array(arrivals, np.int64).cumsum(axis=1)
    nodes = by_node(network(), SKUS[: len(arrivals)], total)
    assert (nodes.sum(axis=0) == total).all()
    assert (np.diff(nodes, axis=2, prepend=0) >= 0).all()
    capped = nodes[list(CAPPED)].sum(axis=0)
    assert (capped <= total * 6 // 10).all()
    assert (capped > total * 6 / 10 - 1).all()


def test_the_first_unit_is_independent() -> None:
    """As the cap's own counter has it: no unit may come to lie where it could not be shipped."""
    nodes = by_node(network(), SKUS, np.ones((200, 1), np.int64))
    assert nodes[list(CAPPED)].sum() == 0
    assert nodes.sum() == 200


def test_goods_lie_only_where_they_may() -> None:
    """A SKU's own list, fragile, hazardous and sensitive goods, closed nodes and bundles are respected."""
    special = [
        Sku("only", 1, nodes=("B1", "A2")),
        Sku("fragile", 1, fragile=True),
        Sku("hazmat", 1, hazmat=True),
        Sku("secret", 1, sensitivity="sensitive"),
        Sku("set", 1, parts=(("only", 2),)),
    ]
    net = network()
    allowed = eligible(net, special)
    assert allowed.astype(int).tolist() == [
        [0, 1, 1, 0, 0],
        [0, 1, 1, 1, 1],
        [0, 0, 0, 0, 1],
        [0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0],
    ]
    nodes = by_node(net, special, np.full((5, 1), 100))
    assert (nodes[:, :, 0].T[~allowed] == 0).all()
    assert nodes[:, :, 0].sum(axis=0).tolist() == [100, 100, 100, 100, 0]


def test_several_caps_share_by_their_size() -> None:
    """Two capped networks and the rest; where caps exceed 100 % together, the rest is what the largest leaves."""
    net = network(caps=(ShareCap("amazon", 5000), ShareCap("threepl", 3000)))
    assert [(side.name, side.weight_bp, side.nodes) for side in sides_of(net)] == [
        ("amazon", 5000, (0, 1)),
        ("threepl", 3000, (2, 3)),
        ("", 2000, (4,)),
    ]
    crowded = network(caps=(ShareCap("amazon", 6000), ShareCap("threepl", 6000)))
    assert [side.weight_bp for side in sides_of(crowded)] == [6000, 6000, 4000]
    nodes = by_node(net, SKUS, np.full((200, 1), 1000))[:, :, 0].sum(axis=1)
    assert nodes[[0, 1]].sum() == 100_000
    assert nodes[[2, 3]].sum() == 60_000


@pytest.mark.parametrize("caps", [(), (ShareCap("amazon", 10_000),)])
def test_without_a_cap_all_nodes_are_one_side(caps: tuple[ShareCap, ...]) -> None:
    """A cap of 100 % limits nothing."""
    assert [side.nodes for side in sides_of(network(caps=caps))] == [(0, 1, 2, 3, 4)]


def test_a_cap_of_zero_gets_nothing() -> None:
    """Stock that could never be shipped is not placed."""
    net = network(caps=(ShareCap("amazon", 0),))
    assert by_node(net, SKUS, np.full((200, 1), 9))[list(CAPPED)].sum() == 0


def test_nodes_of_a_capped_carrier_count_as_capped() -> None:
    """A 3PL whose parcels the capped network carries lies on the capped side where the cap counts carriers."""
    net = network(
        networks=(Network("amazon"), Network("threepl", carrier="amazon"), Network("own")),
        caps=(ShareCap("amazon", 6000, counts="either"),),
    )
    assert sides_of(net)[0].nodes == (0, 1, 2, 3)


def test_closed_nodes_get_nothing_and_one_node_is_enough() -> None:
    """The smallest network has all stock at its only open node."""
    nodes = (Node("X", "own", "1", "UTC", "c", closed=True), Node("Y", "own", "1", "UTC", "c"))
    net = network(networks=(Network("own"),), nodes=nodes, caps=())
    assert by_node(net, SKUS[:3], np.full((3, 2), 7)).tolist() == [[[0, 0]] * 3, [[7, 7]] * 3]


def test_a_leak_budget_has_the_stock_that_it_lets_through() -> None:
    """Under a cap of 60 % a budget of 40 is expected to let 32 % through: so much lies there; 100 is no budget."""
    total = np.array([[10_000], [5_000]], np.int64)
    for budget, share in ((40, 0.32), (100, 0.6), (0, 0.0)):
        net = msgspec.structs.replace(network(), leaks=(LeakBudget(network().caps[0].network, budget),))
        mine = by_node(net, SKUS[:2], total)[list(CAPPED)].sum(axis=0)
        assert mine[:, 0] == pytest.approx(total[:, 0] * share, abs=1)
