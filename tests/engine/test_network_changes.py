"""Another network document in a running shard: positions, counters and what is in the books keep their meaning."""

import hashlib

import msgspec
import pytest

from tests.engine.audit import audit
from tests.engine.worlds import (
    AMZ,
    CARDS,
    CHANNELS,
    MONDAY,
    NODES,
    OWN,
    PL,
    SKUS,
    Run,
    cap,
    card,
    kinds,
    network,
    order,
    placing,
    where,
)
from tranship.connectors.netfile import to_document
from tranship.core.capability import Connection
from tranship.core.errors import InputError, InvariantError
from tranship.core.network import Channel, Network, NetworkFile, Node, Sku
from tranship.engine import commands as cmd
from tranship.engine.merge import merged
from tranship.engine.shard import Submission

NEW_NODE = Node("NEW-1", "NEW", "10001", "America/New_York", "new")


def reloaded(run: Run, document: NetworkFile) -> list[str]:
    """Bring a document into force the way the faces do: merged first; kinds of the events."""
    return kinds(run.load(merged(run.state.network, document)))


def test_nothing_to_merge_with_leaves_a_document_as_it_is() -> None:
    """The first one, and the same one again: equal bytes, equal hash."""
    document = network()
    assert merged(None, document) is document
    assert to_document(merged(document, document)) == to_document(document)


def test_a_connection_that_is_gone_stays_for_what_was_handed_over() -> None:
    """Orders that went through it still have to be asked for; one that is written again is the new one."""
    old = msgspec.structs.replace(network(), connections=(Connection("a", "x"), Connection("b", "x")))
    new = msgspec.structs.replace(network(), connections=(Connection("b", "x", poll_s=9),))
    assert [(one.code, one.poll_s) for one in merged(old, new).connections] == [("b", 9), ("a", 60)]


def test_a_bundle_keeps_its_parts() -> None:
    """Units are reserved by what it was made of: another make-up needs another code."""
    old = network()
    changed = [msgspec.structs.replace(sku, parts=((sku.parts[0][0], 9),)) if sku.parts else sku for sku in SKUS]
    with pytest.raises(InputError, match="changed its parts"):
        merged(old, network(skus=tuple(changed)))


def test_positions_of_what_is_in_the_books_are_kept() -> None:
    """SKUs and nodes may come in any order, be new or be gone: what was #0 stays #0."""
    old = network()
    new = network(
        skus=(Sku("NEW", 5), *reversed(SKUS[1:])),
        nodes=(NEW_NODE, NODES[OWN], NODES[PL]),
        networks=(Network("NEW"), Network("PL"), Network("OWN")),
        channels=(Channel("fax"),),
        cards={"new": card(3), "own": card(9), "pl": card(5)},
    )
    both = merged(old, new)
    assert [sku.code for sku in both.skus] == [*(sku.code for sku in SKUS), "NEW"]
    assert [(node.code, node.closed) for node in both.nodes] == [
        ("AMZ-1", True), ("PL-1", False), ("OWN-1", False), ("NEW-1", False),
    ]  # fmt: skip
    assert {found.code for found in both.networks} == {"NEW", "PL", "OWN", "AMZ"}
    assert {found.code for found in both.channels} == {"fax", "web", "shop", "amazon"}
    assert both.cards == {"new": card(3), "own": card(9), "pl": card(5), "amz": CARDS["amz"]}
    assert to_document(merged(both, new)) == to_document(both), "merging again changes nothing"


def test_a_node_that_is_gone_ships_no_more_and_keeps_its_books() -> None:
    """Its units stay in the ledger; what it had to ship still ships and comes back."""
    run = Run()
    run.stock(AMZ, MUG=5)
    run.stock(PL, MUG=5)
    run.place(1, ("MUG", 2))
    document = network(nodes=NODES[1:], networks=(Network("PL"), Network("OWN")))
    assert reloaded(run, document) == ["network"]
    assert run.shelf(AMZ, "MUG") == 3
    assert where(run.place(2, ("MUG", 1))) == [(PL, 1)]
    assert kinds(run.take_back(1, 1, 2)) == ["cancel", "voided"]
    assert run.shelf(AMZ, "MUG") == 5
    assert audit(run.shard.store) == []


def test_new_skus_and_nodes_find_room_in_the_ledger() -> None:
    """The arrays grow; what was there is where it was."""
    run = Run()
    run.stock(PL, MUG=5)
    document = network(
        skus=(*SKUS, Sku("NEW", 100)),
        nodes=(*NODES, NEW_NODE),
        networks=(*network().networks, Network("NEW")),
        cards={**CARDS, "new": card(1)},
    )
    assert reloaded(run, document) == ["network"]
    run.stock(3, MONDAY, NEW=2, MUG=1)
    assert where(run.place(1, ("NEW", 2), ("MUG", 1))) == [(3, 3)]
    assert run.shelf(PL, "MUG") == 5
    before = run.shard.hash()
    run.shard.rebuild()
    assert run.shard.hash() == before


@pytest.mark.parametrize(
    "document",
    [network(skus=SKUS[1:]), network(nodes=(NODES[PL], NODES[AMZ], NODES[OWN]))],
    ids=["sku-gone", "nodes-swapped"],
)
def test_a_document_that_was_not_merged_is_refused(document: NetworkFile) -> None:
    """Positions would change their meaning: the shard says which, and stays as it was."""
    run = Run()
    before = run.shard.hash()
    body = to_document(document)
    answer = run.answer(Submission("network", cmd.LoadNetwork(body, hashlib.sha256(body).hexdigest(), MONDAY)))
    assert isinstance(answer.error, InvariantError)
    assert "lost its position" in str(answer.error)
    assert run.shard.hash() == before


def test_a_channel_that_is_gone_keeps_its_orders() -> None:
    """An order of it that waits is placed when stock comes, and counted as it was."""
    run = Run(network(caps=cap()))
    run.place(1, ("MUG", 1), channel="shop")
    assert reloaded(run, network(caps=cap(), channels=CHANNELS[:1])) == ["network"]
    assert kinds(run.stock(PL, MONDAY, MUG=1)) == ["received", "routed"]
    assert run.state.caps[0].channels["shop"].entered == 1


# -- caps ----------------------------------------------------------------------------------------------------------------


def filled(**changes: object) -> Run:
    """Ten entries, six of them Amazon's."""
    run = Run(network(caps=cap(**changes)))
    run.stock(AMZ, MUG=99)
    run.stock(PL, MUG=99)
    for n in range(10):
        run.place(n, ("MUG", 1))
    assert run.state.caps[0].total.inside_capped == 6
    return run


def test_a_lowered_cap_counts_what_was_there_and_is_reached_step_by_step() -> None:
    """Six of ten were allowed yesterday, three are today: the independent side ships until there is room."""
    run = filled()
    run.load(network(caps=cap(cap_bp=3000)))
    chosen = [where(run.place(f"n{n}", ("MUG", 1)))[0][0] for n in range(14)]
    assert AMZ not in chosen[:4] and AMZ in chosen
    assert run.state.caps[0].total.inside_capped <= 3
    assert audit(run.shard.store) == []


def test_a_raised_cap_opens_at_once() -> None:
    """From nine in ten on, the next ones go to the cheapest."""
    run = filled()
    run.load(network(caps=cap(cap_bp=9000)))
    assert [where(run.place(f"n{n}", ("MUG", 1)))[0][0] for n in range(3)] == [AMZ] * 3


@pytest.mark.parametrize("changes", [{"window": 20}, {"measure": "units"}, {"counts": "either"}])
def test_another_window_measure_or_count_begins_anew(changes: dict[str, object]) -> None:
    """A counter of something else has no entries yet: the first goes to the independent side again."""
    run = filled()
    run.load(network(caps=cap(**changes)))
    assert run.state.caps[0].total.entered == 0
    assert where(run.place("n", ("MUG", 1))) == [(PL, 1)]


def test_two_caps_on_one_network_that_count_differently_keep_apart() -> None:
    """By operator and by carrier: another document must not make them one counter."""
    networks = (Network("AMZ"), Network("PL", carrier="AMZ"), Network("OWN"))
    caps = (*cap(), *cap(counts="carrier"))
    run = Run(network(caps=caps, networks=networks))
    run.stock(AMZ, MUG=9)
    run.stock(OWN, MUG=9)
    run.place(1, ("MUG", 1))
    run.load(network(caps=(*cap(cap_bp=7000), *cap(counts="carrier")), networks=networks))
    run.place(2, ("MUG", 1))
    assert [state.total.entered for state in run.state.caps] == [2, 2]
    assert run.state.caps[0].total is not run.state.caps[1].total


def test_a_price_that_changes_counts_from_then_on() -> None:
    """The level of the bucket stays, what an empty one costs is the new document's."""
    run = filled(price_micros=0)
    (before,) = run.state.caps
    level = before.bucket.tokens
    assert before.bucket.price == 0
    run.load(network(caps=cap(price_micros=9_000_000)))
    (after,) = run.state.caps
    assert after.bucket.tokens == level
    assert after.bucket.price > 0


def test_a_cap_that_comes_back_begins_anew() -> None:
    """While there was none, nothing was counted."""
    run = filled()
    run.load(network())
    run.place("uncounted", ("MUG", 1))
    run.load(network(caps=cap()), MONDAY + 1)
    assert run.state.caps[0].total.entered == 0
    assert audit(run.shard.store) == []


def test_a_document_is_journaled_with_its_version_and_its_body_lies_beside() -> None:
    """Every decision can be read under the document it was taken with."""
    run = filled()
    run.load(network(caps=cap(cap_bp=3000)))
    assert (run.state.network_version, run.state.network_sha) == (
        2,
        hashlib.sha256(to_document(run.document)).hexdigest(),
    )
    assert run.shard.store.document(run.state.network_sha) == to_document(run.document)


def test_two_documents_in_one_batch_are_both_in_force_in_turn() -> None:
    """The second is read before it is stored: the order between them sees the first, the one after it the second."""
    run = Run()
    run.stock(AMZ, MUG=9)
    run.stock(PL, MUG=9)
    first, second = (
        network(nodes=tuple(msgspec.structs.replace(n, closed=n.code == code) for n in NODES))
        for code in ("AMZ-1", "PL-1")
    )
    bodies = [to_document(document) for document in (first, second)]
    loads = [
        Submission(f"n{i}", cmd.LoadNetwork(b, hashlib.sha256(b).hexdigest(), MONDAY)) for i, b in enumerate(bodies)
    ]
    one, two = placing(order(1, ("MUG", 1))), placing(order(2, ("MUG", 1)))
    answers = run.shard.submit([loads[0], one, loads[1], two])
    assert [answer.error for answer in answers] == [None] * 4
    assert [run.held(n).parts[1].node for n in (1, 2)] == [PL, AMZ]


def test_breaches_stay_booked_under_another_limit() -> None:
    """What was beyond the cap once is not forgotten because the cap was changed."""
    run = Run(network(caps=cap(on_conflict="breach")))
    run.stock(AMZ, MUG=9)
    run.place(1, ("MUG", 1))
    run.load(network(caps=cap(cap_bp=3000)))
    assert run.state.caps[0].breaches == 1
    assert run.state.caps[0].total.max_share_bp == run.state.caps[0].highest_bp == 10_000
