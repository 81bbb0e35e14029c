"""What routing knows of a network document before any order comes."""

import pytest

from tests.engine.worlds import AMZ, CHANNELS, OWN, PL, SKUS, cap, network, node
from tests.routing.desk import Desk
from tranship.core.network import Channel, Network, Policy
from tranship.routing.facts import counts_for, must_mask
from tranship.routing.model import REASON_WORDS, Reason
from tranship.routing.promise import NOT_SERVED


def test_goods_and_nodes_that_go_together() -> None:
    """Hazardous goods at one's own node only, sensitive ones not at the competitor, the rest everywhere."""
    rows = dict(zip([sku.code for sku in SKUS], Desk().facts.item_rows, strict=True))
    assert rows == {
        "MUG": [True] * 3, "TEE": [True] * 3, "CAP": [True] * 3, "SET": [True] * 3,
        "GAS": [False, False, True], "PLAN": [False, True, True],
    }  # fmt: skip


def test_a_destination_without_a_zone_is_served_by_nobody() -> None:
    """Unknown ZIPs have zone 0 and no transit days; known ones have those of the card."""
    facts = Desk().facts
    for zip3 in (-1, 0, 1000):
        assert facts.zones(zip3)[1] == [0, 0, 0]
        assert facts.transit(0, zip3) == [NOT_SERVED] * 3
    assert facts.transit(0, 100) == [2, 2, 2]
    assert facts.transit(-1, 100) == [NOT_SERVED] * 3, "an unknown service"


def test_must_rules_narrow_each_other() -> None:
    """All rules hold at once: only the 3PL or one's own cannot be said with two `only`, it is an `avoid`."""
    rules = network(policy=Policy(must=("only:PL", "avoid:AMZ")))
    assert must_mask(rules, "web").tolist() == [False, True, False]
    nobody = network(policy=Policy(must=("only:PL", "only:OWN")))
    assert must_mask(nobody, "web").tolist() == [False] * 3


@pytest.mark.parametrize(
    ("prefer", "tiers"),
    [
        ((), [0, 0, 0]),
        (("independent",), [1, 0, 0]),
        (("same_state",), [1, 1, 0]),
        (("network:PL", "node:AMZ-1"), [1, 0, 2]),
        (("OWN", "independent"), [2, 1, 0]),
    ],
)
def test_preferences_sort_nodes_into_tiers(prefer: tuple[str, ...], tiers: list[int]) -> None:
    """The first word that fits a node is its tier; what none fits comes last."""
    document = network(policy=Policy(prefer=prefer), caps=cap(), nodes=node(OWN, state="NY"))
    assert Desk(document).facts.tiers("NY") == tiers


def test_a_cap_counts_the_channels_that_its_network_does_not_own() -> None:
    """On-platform for Amazon is off-platform for everybody else."""
    web, _, marketplace = CHANNELS
    assert counts_for(web, "AMZ") and counts_for(marketplace, "PL")
    assert not counts_for(marketplace, "AMZ")
    assert counts_for(Channel("x"), "AMZ")


@pytest.mark.parametrize(("counts", "expected"), [("node", {AMZ}), ("carrier", {PL}), ("either", {AMZ, PL})])
def test_a_cap_counts_by_operator_of_the_node_by_carrier_or_by_either(counts: str, expected: set[int]) -> None:
    """A 3PL whose parcels Amazon's carrier moves may count as Amazon's."""
    networks = (Network("AMZ"), Network("PL", carrier="AMZ"), Network("OWN"))
    document = network(networks=networks, caps=cap(counts=counts))
    assert set(document.capped_nodes(document.caps[0])) == expected


def test_every_reason_has_words() -> None:
    """`explain` never shows a bare number."""
    assert set(REASON_WORDS) == set(Reason)
