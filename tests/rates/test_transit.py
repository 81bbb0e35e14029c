import msgspec
import pytest

from tests.rates.build import FLAT, SPRING, network
from tranship.core.errors import InputError
from tranship.core.network import Channel
from tranship.rates.compile import compile_tables
from tranship.rates.transit import NOT_OFFERED, packaged_days, services_of, transit_table


def test_days_never_fall_with_distance():
    """A farther zone takes as long or longer, for every packaged service."""
    for service, days in packaged_days().items():
        assert list(days[1:]) == sorted(days[1:]), service


def test_only_offered_services_have_days():
    """255 where a node does not offer a service, and for the unknown zone."""
    node = network(["own_warehouse"]).nodes[0]
    quick = msgspec.structs.replace(node, services=("ground", "next_day"))
    table = transit_table([node, quick], ["ground", "next_day"])
    assert table[0, 0].tolist() == [NOT_OFFERED, 2, 2, 2, 3, 3, 4, 4, 5, 8]
    assert set(table[1, 0].tolist()) == {NOT_OFFERED}
    assert table[1, 1].tolist() == [NOT_OFFERED, *[1] * 8, NOT_OFFERED]


def test_services_are_those_of_nodes_and_channels():
    """First seen first, each once; a channel's service that no node offers has a row of its own."""
    file = network(["own_warehouse"])
    asked = msgspec.structs.replace(file, channels=(Channel("web"), Channel("shop", service="courier")))
    assert services_of(file.nodes, ["priority", "ground"]) == ("ground", "priority")
    tables = compile_tables(asked, SPRING)
    assert tables.services == ("ground", "courier")
    assert set(tables.transit_days[1].ravel().tolist()) == {NOT_OFFERED}


def test_a_card_may_state_its_own_days():
    """They go before the packaged ones and may name a new service."""
    card = FLAT | {"transit": {"ground": [1, 1, 2, 2, 3, 3, 4, 4, 9], "bike": [1, *[255] * 8]}}
    file = network({"own": card})
    file = msgspec.structs.replace(file, nodes=(msgspec.structs.replace(file.nodes[0], services=("ground", "bike")),))
    tables = compile_tables(file, SPRING)
    assert tables.transit_days[:, 0, 1:4].tolist() == [[1, 1, 2], [1, 255, 255]]


def test_a_service_without_days_is_refused():
    """The error names the node and the services that are known."""
    node = msgspec.structs.replace(network(["own_warehouse"]).nodes[0], services=("teleport",))
    with pytest.raises(InputError, match=r"node OWN_WAREHOUSE, services.*teleport.*Known: ground"):
        transit_table([node], ["ground"])
