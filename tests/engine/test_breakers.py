"""Whose word a breaker is (a connection's, a node's, a person's), how they combine, and what comes of orders that stand still."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from tests.engine.connected import HOLDS, PLAIN, Handed, connected
from tests.engine.worlds import AMZ, HOUR, PL
from tranship.core.health import Health
from tranship.core.network import NetworkFile
from tranship.dispatch.model import LIVE, RESOLVING, Parcel
from tranship.engine import commands as cmd
from tranship.engine.driver.link import Link
from tranship.engine.driver.standing import node_ages, others, watch_nodes, weigh
from tranship.engine.networks import take_networks

FULL = 10_000
STALLED = "stalled: 5 of 5 accepted orders stand still"


def two_nodes(can=PLAIN, **changes: object) -> NetworkFile:  # type: ignore[no-untyped-def]
    """The first two nodes behind one connection."""
    document = connected(can, **changes)
    return replace(document, nodes=(document.nodes[0], replace(document.nodes[1], connection="amz"), document.nodes[2]))


@pytest.fixture
def run() -> Handed:
    """Both nodes behind one interface without hold."""
    return Handed(two_nodes())


def told(run: Handed, state: str, share: int, *nodes: str, why: str = "errors", until: int = 0) -> None:
    """A verdict comes in."""
    run.do(cmd.SetBreaker("amz", nodes, state, share, why, until, run.later()))


def shares(run: Handed) -> dict[int, int]:
    """Share of new work by node, where it is not all."""
    return {node: held.share_bp for node, held in sorted(run.state.breakers.items())}


def test_a_connection_that_is_well_again_opens_no_node_that_stands_still(run: Handed):
    """Each verdict stands for itself, the worse one holds; a rebuild and a new decision give the same."""
    told(run, "open", 0, "AMZ-1", why=STALLED)
    told(run, "open", 0)
    assert shares(run) == {AMZ: 0, PL: 0}
    told(run, "half_open", 2_500, why="returning")
    assert shares(run) == {AMZ: 0, PL: 2_500}
    told(run, "closed", FULL, why="healthy")
    assert shares(run) == {AMZ: 0} and run.state.closed == {AMZ}
    told(run, "half_open", 1_000, "AMZ-1", why="returning")
    assert shares(run) == {AMZ: 1_000}
    told(run, "closed", FULL, "AMZ-1", why="healthy")
    assert (shares(run), run.state.closed, run.state.verdicts) == ({}, set(), {})
    run.sound()


def test_the_order_of_verdicts_makes_no_difference():
    """Whichever of the two comes first, the share at each node is the same in the end."""
    found = []
    for order in permutations((("open", 0, "AMZ-1"), ("half_open", 5_000), ("half_open", 2_500, "PL-1"))):
        run = Handed(two_nodes())
        for state, share, *nodes in order:
            told(run, state, share, *nodes, why=STALLED if nodes else "returning")
        found.append(shares(run))
    assert all(each == {AMZ: 0, PL: 2_500} for each in found)


def test_a_persons_word_goes_before_both_until_it_ends(run: Handed):
    """Open by hand although it stands still; when the hour is over the verdicts hold that came meanwhile."""
    told(run, "open", 0, "AMZ-1", why=STALLED)
    told(run, "closed", FULL, why="by hand: I have seen the dock", until=run.at + HOUR)
    assert run.state.closed == set()
    told(run, "open", 0, why="errors")
    assert run.state.closed == set() and run.exceptions() == ["breaker_opened"], (
        "nobody is woken by what changes nothing"
    )
    run.tick(run.later(3601))
    assert run.state.closed == {AMZ, PL}
    told(run, "closed", FULL, why="by hand: again", until=run.at + HOUR)
    told(run, "closed", FULL, why="by hand ended: enough")
    assert run.state.closed == {AMZ, PL}
    run.sound()


def test_a_planned_outage_wakes_nobody(run: Handed):
    """Its breaker opens like any other, without an exception."""
    told(run, "open", 0, why="planned: 0 failed and 0 slow of 0 calls")
    assert run.state.closed == {AMZ, PL} and run.exceptions() == []
    assert run.hand_over() == []


def standing_still(run: Handed, count: int = 5) -> list[str]:
    """Orders that the first node accepted, and that show no progress for a day."""
    for number in range(count):
        run.place(f"s{number}", ("MUG", 1))
    ids = run.hand_over("ship")
    for remote_id in ids:
        run.hear(remote_id, "create", "ok", "PROCESSING")
    assert {run.one(remote_id).node for remote_id in ids} == {AMZ}
    run.later(24 * 3600)
    return ids


def linked(run: Handed, health: Health = Health()) -> Link:  # noqa: B008 - frozen
    """The driver's side of the connection."""
    connection = replace(run.document.connections[0], kind="manual", settings={"folder": "nowhere"})
    link = Link.__new__(Link)
    link.connection, link.nodes, link.nodes_said = connection, {}, {}
    watch_nodes(link, run.state, health, run.at)
    return link


def looks(run: Handed, link: Link) -> None:
    """One look of the driver, and what it tells the engine."""
    ages = node_ages(run.shard, "amz", run.at)
    for submission in weigh(link, ages, run.later()):
        run.submit(submission)


def test_a_strike_at_one_node_behind_a_healthy_interface(run: Handed):
    """Only that node is given up; what it accepted is wanted back; the other node's orders and the connection are left alone."""
    ids = standing_still(run)
    link = linked(run)
    looks(run, link)
    assert (run.state.closed, run.exceptions()) == ({AMZ}, ["breaker_opened"])
    assert others(link, node_ages(run.shard, "amz", run.at)) == (0, 0), "the connection is judged by the others"
    looks(run, link)
    run.drain()
    assert {run.one(remote_id).state for remote_id in ids} == {RESOLVING}
    assert run.place("new", ("MUG", 1)).parts[0].node == PL
    run.sound()


def test_it_returns_in_stages_once_orders_leave(run: Handed):
    """That the connection is well changes nothing; an order that left does."""
    ids = standing_still(run, 10)
    link = linked(run, Health(stalled_min=10))
    looks(run, link)
    told(run, "closed", FULL, why="healthy")
    run.later(600)
    looks(run, link)
    assert run.state.closed == {AMZ}
    seen = []
    for remote_id in ids:
        run.report(remote_id, "COMPLETE", (Parcel(remote_id, "UPS", "1Z", (("1", 1),), "SHIPPED"),))
        looks(run, link)
        run.later(70)
        looks(run, link)
        seen.append(shares(run).get(AMZ, FULL))
    assert seen == sorted(seen) and set(seen) == {0, 1_000, 2_500, 5_000, FULL}
    run.sound()


def test_a_restart_does_not_forget_what_stands_still(run: Handed):
    """The new driver begins with the node given up, and tells nothing that the engine knows."""
    standing_still(run)
    looks(run, linked(run))
    again = linked(run)
    assert again.nodes["AMZ-1"].stands and not again.nodes["PL-1"].stands
    assert weigh(again, node_ages(run.shard, "amz", run.at), run.at) == []


def test_a_connection_with_one_node_is_judged_as_a_whole():
    """There is nothing that its node's own verdict would add."""
    run = Handed(connected(HOLDS))
    assert linked(run).nodes == {}
    remote_id = run.held_there(release=True)
    assert run.one(remote_id).state == LIVE
    assert node_ages(run.shard, "amz", run.at)["AMZ-1"][:2] == (0, 1)


def test_what_people_see_of_it(run: Handed):
    """The node that stands still is named; the connection is not shown as given up for it."""
    told(run, "open", 0, "AMZ-1", why=STALLED)
    (now,) = take_networks(run.state, run.at).connections
    assert (now.breaker.state, list(now.at_nodes)) == ("closed", ["AMZ-1"])
    assert (now.at_nodes["AMZ-1"].state, now.at_nodes["AMZ-1"].why) == ("open", STALLED)
    told(run, "open", 0, "PL-1", why=STALLED)
    (now,) = take_networks(run.state, run.at).connections
    assert now.breaker.state == "open"


def test_planned_outages_are_shown_until_they_are_over():
    """Those that are to come, and the one that it is in."""
    spans = ("2026-03-02T16:00:00Z/2026-03-02T17:00:00Z", "2026-11-27T02:00:00Z/2026-11-27T04:00:00Z")
    run = Handed(connected(outages=spans))
    first, last = run.document.connections[0].planned()[0]
    for at, shown in ((first - 1, [False, False]), (first, [True, False]), (last, [False])):
        (now,) = take_networks(run.state, at).connections
        assert [each.now for each in now.outages] == shown
