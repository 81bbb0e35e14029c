"""The one line that says why: the best other way, and what spoke against it."""

import pytest

from tranship.connectors.netfile import load
from tranship.connectors.netfile.template import init_files
from tranship.core.network import NetworkFile
from tranship.engine.reasons import reason_words
from tranship.routing.model import Alternative, Decision, Gate, Part, Why


@pytest.fixture(name="network", scope="module")
def _network(tmp_path_factory: pytest.TempPathFactory) -> NetworkFile:
    (path,) = init_files(tmp_path_factory.mktemp("network"))
    return load(path).network


def decision(*others: Alternative, parts: int = 1, price: int = 0) -> Decision:
    """A decision at 10.00, from the third node on, with these alternatives."""
    made = tuple(Part(i + 1, 2 + i, (i,), (1,), 0, 0, False, 10_000_000 // parts, 0) for i in range(parts))
    gates = (Gate("amazon", 100, 60, 60, price, False),) if price else ()
    return Decision(made, (), Why("v", 0, (), gates, others, 10_000_000))


@pytest.mark.parametrize(
    ("others", "price", "words"),
    [
        ([], 0, "the only way to ship it"),
        ([Alternative((3,), 12_500_000, "dearer")], 0, "2.50 less than WEST"),
        ([Alternative((3,), 10_000_000, "dearer")], 0, "as cheap as WEST"),
        ([Alternative((3,), 10_000_000, "dearer"), Alternative((4,), 11_000_000, "dearer")], 0, "1.00 less than HOME"),
        ([Alternative((0,), 7_000_000, "cap")], 0, "AMZ-EAST, 3.00 less: no room under the cap"),
        (
            [Alternative((0, 1), 7_000_000, "reserve")],
            0,
            "AMZ-EAST + AMZ-WEST, 3.00 less: its last room is kept in reserve",
        ),
        ([Alternative((0,), -1, "cap")], 0, "AMZ-EAST: no room under the cap"),
        ([Alternative((3,), 9_000_000, "tier")], 0, "WEST, 1.00 less: another is preferred"),
        ([Alternative((0,), 9_000_000, "dearer")], 1_500_000, "AMZ-EAST, 1.00 less: cap room is worth 1.50"),
        ([Alternative((0,), 9_000_000, "dearer")], 0, "AMZ-EAST, 1.00 less: it is needed elsewhere"),
    ],
)
def test_the_best_other_way_is_named_with_what_spoke_against_it(
    network: NetworkFile, others: list[Alternative], price: int, words: str
):
    """Amounts are the difference to what was chosen, to the cent."""
    assert reason_words(network, decision(*others, price=price)) == words


def test_a_split_says_so_and_nothing_says_nothing(network: NetworkFile):
    """How many fulfillment orders it became; and what cannot ship is not explained with a price."""
    assert reason_words(network, decision(parts=2)) == "split in 2; the only way to ship it"
    assert reason_words(network, Decision((), (), Why("v", 0, (), (), (), 0))) == "nothing can ship now"
