"""What may not be told to a network goes back to routing with its reason: elsewhere, or to wait here, and never out as it is."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.connected import HOLDS, PLAIN, Handed, connected
from tests.engine.masked import connector, masker_of
from tests.engine.worlds import AMZ, MONDAY, OWN, PL, Run, cap, order, placing, sqlite
from tranship.core.errors import InputError, UnavailableError
from tranship.core.order import Destination, Person
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.driver.vault_wait import FIRST_US, MOST_US, VaultWait
from tranship.engine.due import to_hand_over
from tranship.engine.explain import explain

LEAF = "destination.deliveryAddress.city"


@pytest.fixture
def run() -> Handed:
    """A run with twenty mugs and tees at the first two nodes, the first behind a connection."""
    return Handed()


def refused(
    run: Handed, number_of: object, number: int = 1, node: str = "AMZ-1", cause: str = "policy"
) -> list[ev.Event]:
    """The driver found that it cannot be written for the network."""
    readdressed = run.held(number_of).readdressed
    what = cmd.Unsendable(f"test:{number_of}", number, node, cause, LEAF, "is longer than 50 characters", readdressed)
    return run.do(cmd.NotSendable((what,), run.later()))


def places(run: Handed, order: object) -> list[int]:
    """Nodes that are to ship some of it."""
    return [part.node for part in run.held(order).parts.values() if part.status == "PROCESSING"]


def test_it_is_routed_anew_without_the_network_and_nobody_is_woken(run: Handed):
    """Another node takes it; the reason stays in the journal; nothing was sent."""
    run.place(1, ("MUG", 2))
    found = [type(event).__name__ for event in refused(run, 1)]
    assert found == ["Took", "FoundUnsendable", "OrdersMoved"]
    assert (places(run, 1), run.held(1).refused, run.exceptions()) == ([PL], (AMZ,), [])
    assert run.state.dispatches == {}
    run.sound()


def test_its_story_says_what_could_not_be_told_and_to_whom(tmp_path):
    """`explain`: leaf and rule beside the node, in the decision that followed and in what happened."""
    run = Handed(shard=sqlite(tmp_path))
    run.place(1, ("MUG", 2))
    refused(run, 1)
    story = explain(run.shard.store, "test:1")
    verdicts = {node.node: node.verdict for node in story.decisions[-1].nodes}
    assert verdicts["AMZ-1"] == f"not sendable there: {LEAF} is longer than 50 characters"
    assert verdicts["PL-1"] == "ships"
    assert story.decisions[0].nodes[0].verdict == "ships", "what was decided before did not know it"
    assert any("goes elsewhere: not sendable where it was" in line and LEAF in line for line in story.later)
    run.shard.store.close()


def test_where_nobody_else_can_it_waits_and_a_person_hears_of_it_once(run: Handed):
    """Parked with a reason, one exception, and a receipt at the refused node does not bring it back there."""
    run.place(1, ("CAP", 1))
    assert places(run, 1) == []
    run.stock(AMZ, CAP=2)
    assert places(run, 1) == [AMZ]
    number = next(n for n, part in run.held(1).parts.items() if part.status == "PROCESSING")
    refused(run, 1, number)
    assert (places(run, 1), len(run.held(1).rests), run.exceptions()) == ([], 1, ["not_sendable"])
    run.stock(AMZ, CAP=2)
    assert places(run, 1) == []
    run.stock(PL, CAP=2)
    assert (places(run, 1), run.exceptions()) == ([PL], ["not_sendable"])
    run.sound()


def test_a_better_address_lifts_it(run: Handed):
    """What stood against the network is gone: it may go there again; what its network refused stays refused."""
    run.place(1, ("CAP", 1))
    run.stock(AMZ, CAP=2)
    number = next(n for n, part in run.held(1).parts.items() if part.status == "PROCESSING")
    refused(run, 1, number, cause="address")
    assert run.held(1).refused == (AMZ,)
    run.do(cmd.ChangeAddress("test:1", Destination("60614", "IL"), "fix", run.later()))
    assert (run.held(1).refused, run.held(1).unsendable, places(run, 1)) == ((), {}, [AMZ])
    run.sound()


def test_a_missing_alias_is_not_lifted_by_an_address(run: Handed):
    """It is another cause: the network would still not know the article."""
    run.place(1, ("MUG", 1))
    refused(run, 1, cause="sku")
    run.do(cmd.ChangeAddress("test:1", Destination("60614", "IL"), "fix", run.later()))
    assert run.held(1).refused == (AMZ,)
    run.sound()


def test_what_has_moved_or_been_handed_over_meanwhile_stays_as_it_is(run: Handed):
    """The word is about bytes that were never made: an order that went out by others is not touched."""
    run.place(1, ("MUG", 1))
    run.place(2, ("MUG", 1))
    run.hand_over("hold")
    before = [event for event in run.events() if isinstance(event, ev.OrdersMoved)]
    refused(run, 1)
    refused(run, 2, number=7)
    refused(run, 2, node="PL-1")
    run.do(cmd.NotSendable((cmd.Unsendable("test:nobody", 1, "AMZ-1", "policy", LEAF, "x"),), run.later()))
    assert [event for event in run.events() if isinstance(event, ev.OrdersMoved)] == before
    with pytest.raises(InputError, match="unknown node"):
        refused(run, 2, node="MOON")
    run.sound()


def test_an_address_that_was_changed_since_is_tried_again(run: Handed):
    """The refusal was about the old one."""
    run.place(1, ("MUG", 1))
    old = cmd.Unsendable("test:1", 1, "AMZ-1", "address", LEAF, "is too long", 0)
    run.do(cmd.ChangeAddress("test:1", Destination("10001", "NY"), "fix", run.later()))
    run.do(cmd.NotSendable((old,), run.later()))
    assert (places(run, 1), run.held(1).refused) == ([AMZ], ())


def test_a_look_before_release_does_not_bring_it_back(run: Handed):
    """The refused node is cheaper, and has everything: it stays away all the same."""
    run.place(1, ("MUG", 1))
    refused(run, 1)
    run.stock(AMZ, MUG=5)
    run.do(cmd.SwitchNode("PL-1", True, "a test", run.later()))
    run.do(cmd.SwitchNode("PL-1", False, "a test", run.later()))
    run.tick(run.later(600))
    run.tick(run.later(600))
    assert AMZ not in places(run, 1)
    run.sound()


def test_all_nodes_behind_one_connection_are_meant(tmp_path):
    """What cannot be told to one of them cannot be told to the other: one step, not one for each."""
    from msgspec.structs import replace

    document = connected()
    nodes = (document.nodes[0], replace(document.nodes[1], connection="amz"), document.nodes[2])
    run = Handed(replace(document, nodes=nodes))
    run.stock(OWN, MUG=3)
    run.place(1, ("MUG", 1))
    refused(run, 1)
    assert (places(run, 1), run.held(1).refused) == ([OWN], (AMZ, PL))
    run.sound()


def test_two_networks_that_both_cannot_have_it_leave_it_here():
    """Round once, then parked: it does not go back and forth between them."""
    run = Handed(connected(HOLDS, second=PLAIN))
    run.place(1, ("MUG", 1))
    refused(run, 1)
    refused(run, 1, number=2, node="PL-1")
    assert (places(run, 1), run.held(1).refused, run.exceptions()) == ([], (AMZ, PL), ["not_sendable"])
    run.tick(run.later(600))
    assert places(run, 1) == []
    run.sound()


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["AMZ-1", "PL-1"])), max_size=14))
def test_share_caps_hold_whatever_comes_back(story: Sequence[tuple[int, str]]):
    """Orders refused by either network in any order: no window is ever above its cap, and no line is placed twice."""
    run = Handed(connected(HOLDS, second=PLAIN, caps=cap(cap_bp=5000, window=4)))
    run.stock(OWN, MUG=4)
    for number in range(12):
        run.place(number, ("MUG", 1))
    for placed, node in story:
        here = run.state.nodes[node]
        for number, part in list(run.held(placed).parts.items()):
            if part.node == here and part.status == "PROCESSING":
                refused(run, placed, number, node)
    window = run.state.caps[0].total
    assert window.max_share_bp <= 5000
    assert window.recount() == (window.inside, window.inside_capped)
    for number in range(12):
        held = run.held(number)
        assert (
            sum(part.units() for part in held.parts.values()) + sum(sum(r.quantities) for r in held.rests.values()) == 1
        )
    run.sound()


def test_what_cannot_be_written_for_one_network_is_found_when_it_is_prepared():
    """A city longer than the network takes: named by leaf and rule, without a word of it, and given back."""
    from tranship.engine.preparing import handing_over, prepare, sending_back, wanted

    run = Run(connected())
    run.stock(AMZ, MUG=5)
    town = "Llanfair-pwllgwyngyll-gogerychwyrn-drobwll-llantysilio-gogogoch"
    person = Person("c1", "Ann Example", "1 Example Road", town)
    run.submit(placing(order(1, ("MUG", 1)), person))
    people, masker = run.shard.people, masker_of(run.shard)
    made = [
        prepare(
            each, connector("amazon_mcf"), people, people.address(each.due.order_id, each.person_id), masker, MONDAY
        )
        for each in wanted(run.state, to_be_due(run), 9)
    ]
    assert [(each.intent, each.refused) for each in made] == [(None, "")]
    back = sending_back(made, run.state.last_at)
    assert back is not None and handing_over(made, run.state.last_at) is None
    assert town not in repr(back) and "city" in repr(back)


def to_be_due(run: Run) -> int:
    """A time at which something is due."""
    assert to_hand_over(run.state, MONDAY, 9)
    return MONDAY


def test_a_vault_that_is_down_is_asked_again_later_and_later():
    """One second, doubled up to a minute; one word to a person in an hour; at once again after it answered."""
    wait, now = VaultWait(), 0
    keys, pauses = set(), []
    for _ in range(9):
        assert not wait.waits(now)
        keys.add(wait.failed(UnavailableError("no"), now, 0).key)
        begun = now
        while wait.waits(now):
            now += 500_000
        pauses.append(now - begun)
    assert pauses[:3] == [FIRST_US, 2 * FIRST_US, 4 * FIRST_US] and pauses[-1] == MOST_US
    assert len(keys) == 1
    wait.answered()
    assert not wait.waits(now)
    assert "secret words" not in repr(wait.failed(UnavailableError("secret words"), now, 0))
