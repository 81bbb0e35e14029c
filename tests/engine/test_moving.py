"""Orders are decided again until they are released: when they move, when they stay, and what the books say of it."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from tests.engine.audit import audit
from tests.engine.worlds import (
    AMZ,
    CUT_OFF,
    DAY,
    HOUR,
    MONDAY,
    NODES,
    OWN,
    PL,
    TODAY,
    Run,
    cap,
    card,
    kinds,
    network,
    of_kind,
    sqlite,
    where,
)
from tranship.core.ledger import Bucket
from tranship.core.network import NetworkFile, Policy, ShareCap
from tranship.core.order import Destination
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.explain import explain
from tranship.engine.state import CANCELLED, PROCESSING
from tranship.engine.verify import verify
from tranship.routing.prices.model import PriceMaking, book_of, encode
from tranship.routing.share import ShareWindow
from tranship.routing.share_change import Stretch

OFF = Policy(redecide=False)


def moves(events: list[ev.Event]) -> list[ev.Move]:
    """Every move of some events."""
    return [move for event in events if isinstance(event, ev.OrdersMoved) for move in event.moves]


def placed_dear(policy: Policy, **changes: object) -> Run:
    """An order of two mugs that only the dearest node had."""
    run = Run(network(policy=policy, **changes))
    run.stock(OWN, MUG=5)
    assert where(run.place(1, ("MUG", 2))) == [(OWN, 2)]
    return run


# -- when ---------------------------------------------------------------------------------------------------------------


def test_stock_that_comes_to_a_cheaper_node_draws_the_order_there() -> None:
    """The part is given up whole, its units lie on the shelf again, and another takes its place at once."""
    run = placed_dear(Policy())
    events = run.stock(PL, at=MONDAY + HOUR, MUG=3)
    (move,) = moves(events)
    assert (move.order_id, move.released, move.units, move.joined) == ("test:1", (1,), (2,), ())
    assert where(move.decision) == [(PL, 2)]
    assert move.gain == 2_000_000
    held = run.held(1)
    assert [(p.node, p.status, p.units()) for p in held.parts.values()] == [(OWN, CANCELLED, 0), (PL, PROCESSING, 2)]
    assert (run.shelf(OWN, "MUG"), run.shelf(PL, "MUG")) == (5, 1)
    assert (run.shelf(OWN, "MUG", Bucket.RESERVED), run.shelf(PL, "MUG", Bucket.RESERVED)) == (0, 2)
    assert held.status() == PROCESSING
    assert of_kind(run.tick(CUT_OFF), "shipped") == [ev.PartsShipped(PL, (("test:1", 2),), CUT_OFF)]
    assert audit(run.shard.store) == []


@pytest.mark.parametrize(("minor", "moved"), [(199, 1), (200, 0)])
def test_a_move_must_save_more_than_the_policy_asks(minor: int, moved: int) -> None:
    """Two dollars saved: more than 199 cents, not more than 200."""
    run = placed_dear(Policy(redecide_gain_minor=minor))
    assert len(moves(run.stock(PL, at=MONDAY + HOUR, MUG=3))) == moved


def test_a_party_may_do_without() -> None:
    """`redecide = false`: decisions stand."""
    run = placed_dear(OFF)
    assert kinds(run.stock(PL, at=MONDAY + HOUR, MUG=3)) == ["received"]
    assert kinds(run.tick(CUT_OFF)) == ["ticked", "shipped"]


def test_a_split_becomes_one_part_where_stock_allows() -> None:
    """Two fulfillment orders are given up for one."""
    run = Run()
    run.stock(PL, MUG=2)
    run.stock(OWN, TEE=2)
    assert where(run.place(1, ("MUG", 1), ("TEE", 1))) == [(PL, 1), (OWN, 1)]
    (move,) = moves(run.stock(PL, at=MONDAY + HOUR, TEE=1))
    assert move.released in {(2,), (1, 2)}
    assert run.held(1).status() == PROCESSING
    assert sorted((p.node, p.units()) for p in run.held(1).parts.values() if p.status == PROCESSING) in (
        [(PL, 2)],
        [(PL, 1), (PL, 1)],
    )
    assert audit(run.shard.store) == []


def test_units_that_a_cancellation_frees_serve_another_before_it_ships() -> None:
    """The clock's look comes before what is due leaves."""
    run = Run()
    run.stock(AMZ, MUG=1)
    run.stock(OWN, MUG=1)
    assert where(run.place(1, ("MUG", 1))) == [(AMZ, 1)]
    assert where(run.place(2, ("MUG", 1))) == [(OWN, 1)]
    run.take_back(1, 1, 1, at=MONDAY + HOUR)
    events = run.tick(CUT_OFF - HOUR)
    assert kinds(events) == ["ticked", "moved", "reviewed"]
    assert [(m.order_id, where(m.decision)) for m in moves(events)] == [("test:2", [(AMZ, 1)])]
    assert events[2] == ev.OrdersReviewed(1, 1, 3_000_000, True, CUT_OFF - HOUR)
    assert kinds(run.tick(CUT_OFF)) == ["ticked", "shipped"]


def test_the_clock_looks_once_an_hour_or_where_something_ships() -> None:
    """Ticks come every second in a live run; most of them only look at the clock."""
    run = placed_dear(Policy())
    run.shard.state.changed_at = MONDAY + HOUR  # as if prices had changed since
    looked = [len(of_kind(run.tick(MONDAY + HOUR + minutes * 60_000_000), "reviewed")) for minutes in (61, 62, 75, 121)]
    assert looked == [1, 0, 0, 0]  # and after a full look, nothing has changed


def test_the_soonest_to_ship_are_looked_at_first_and_only_so_many() -> None:
    """`redecide_limit`: the rest comes with the next look."""
    run = Run(network(policy=Policy(redecide_limit=2)))
    run.stock(AMZ, MUG=4)
    run.stock(OWN, MUG=4)
    for n in range(8):
        run.place(n, ("MUG", 1))
    for n in range(4):
        run.take_back(n, 1, 1, at=MONDAY + HOUR)
    first = run.tick(MONDAY + 2 * HOUR)
    assert [m.order_id for m in moves(first)] == ["test:4", "test:5"]
    assert [event.complete for event in first if isinstance(event, ev.OrdersReviewed)] == [False]
    assert [m.order_id for m in moves(run.tick(MONDAY + 3 * HOUR))] == ["test:6", "test:7"]


# -- what stays ---------------------------------------------------------------------------------------------------------


def test_what_has_shipped_stays() -> None:
    """After the cut-off it is with the carrier."""
    run = placed_dear(Policy())
    run.tick(CUT_OFF)
    assert moves(run.stock(PL, at=CUT_OFF + HOUR, MUG=3)) == []
    assert moves(run.tick(CUT_OFF + 2 * HOUR)) == []


def test_what_a_customer_took_back_in_part_stays() -> None:
    """Its entry under a cap keeps its full size: it is not decided anew."""
    run = placed_dear(Policy())
    run.take_back(1, 1, 1, at=MONDAY)
    assert moves(run.stock(PL, at=MONDAY + HOUR, MUG=3)) == []
    assert audit(run.shard.store) == []


def test_a_booked_breach_stays() -> None:
    """It has been shown and is repaid by what comes; moving it would unbook it."""
    run = Run(network(caps=cap(on_conflict="breach")))
    run.stock(AMZ, MUG=1)
    assert run.place(1, ("MUG", 1)).parts[0].breach
    assert moves(run.stock(PL, at=MONDAY + HOUR, MUG=3)) == []


def test_nothing_in_time_becomes_late() -> None:
    """The cheaper node would arrive too late."""
    run = placed_dear(Policy(promise_working_days=2), cards={"amz": card(4, 9), "pl": card(5, 9), "own": card(7)})
    assert moves(run.stock(PL, at=MONDAY + HOUR, MUG=3)) == []


def test_what_is_late_comes_in_time_whatever_it_costs() -> None:
    """Promise before cost: the order goes to the dearer node."""
    cards = {"amz": card(4), "pl": card(5), "own": card(7)}
    nodes = (NODES[AMZ], structs.replace(NODES[PL], handling_days=6), NODES[OWN])
    run = Run(network(nodes=nodes, cards=cards, policy=Policy(promise_working_days=3)))
    run.stock(PL, MUG=1)
    assert run.place(1, ("MUG", 1)).parts[0].late
    (move,) = moves(run.stock(OWN, at=MONDAY + HOUR, MUG=1))
    assert (where(move.decision), move.gain) == ([(OWN, 1)], -2_000_000)
    assert not move.decision.parts[0].late


# -- a node closes ------------------------------------------------------------------------------------------------------


def test_a_closed_node_gives_up_what_others_can_take() -> None:
    """At a higher cost, and at once; what nobody else has stays reserved there."""
    run = Run()
    run.stock(AMZ, MUG=2, TEE=1)
    run.stock(OWN, MUG=1)
    for n, code in enumerate(("MUG", "MUG", "TEE")):
        assert where(run.place(n, (code, 1))) == [(AMZ, 1)]
    events = run.switch("AMZ-1", True)
    assert kinds(events) == ["node", "moved"]
    assert [(m.order_id, where(m.decision), m.gain) for m in moves(events)] == [("test:0", [(OWN, 1)], -3_000_000)]
    assert [run.held(n).parts[1].status for n in range(3)] == [CANCELLED, PROCESSING, PROCESSING]
    assert audit(run.shard.store) == []


def test_part_by_part_where_no_node_takes_all() -> None:
    """An order of two parts, one at the closed node: that one moves, the other stays."""
    run = Run()
    run.stock(AMZ, MUG=1)
    run.stock(PL, TEE=1)
    run.stock(OWN, MUG=1)
    assert where(run.place(1, ("MUG", 1), ("TEE", 1))) == [(AMZ, 1), (PL, 1)]
    (move,) = moves(run.switch("AMZ-1", True))
    assert (move.released, where(move.decision)) == ((1,), [(OWN, 1)])


def test_leaving_the_capped_side_is_no_new_entry() -> None:
    """The entry turns where it is: the population is as large as before, the network has less of it."""
    run = Run(network(caps=cap()))
    run.stock(AMZ, MUG=3)
    run.stock(PL, MUG=5)
    nodes = [run.place(n, ("MUG", 1)).parts[0].node for n in range(5)]
    assert nodes == [PL, AMZ, PL, AMZ, AMZ]
    total = run.state.caps[0].total
    assert (len(total), total.inside, total.inside_capped) == (5, 5, 3)
    bucket = run.state.caps[0].bucket.tokens
    assert len(moves(run.switch("AMZ-1", True))) == 3
    assert (len(total), total.inside, total.inside_capped) == (5, 5, 0)
    assert [total.entry(i) for i in range(5)] == [(1, False)] * 5
    assert (run.state.caps[0].bucket.tokens, run.state.caps[0].breaches) == (bucket, 0)
    assert audit(run.shard.store) == []


# -- the cap ------------------------------------------------------------------------------------------------------------


def test_the_capped_side_is_entered_only_where_every_window_of_the_past_allows() -> None:
    """A cap of half: the first entry may never turn, since the prefix of one allows none; the second may."""
    run = Run(network(caps=cap(cap_bp=5000)))
    run.stock(OWN, MUG=5)
    for n in range(3):
        run.place(n, ("MUG", 1))
    events = run.stock(AMZ, at=MONDAY + HOUR, MUG=5)
    assert [m.order_id for m in moves(events)] == ["test:1"]
    assert [run.state.caps[0].total.entry(i)[1] for i in range(3)] == [False, True, False]
    assert run.state.caps[0].total.max_share_bp == 5000
    assert audit(run.shard.store) == []


def test_an_entry_too_many_leaves_and_one_more_comes_in_last() -> None:
    """Two parts become one: one place is kept, the other is gone; one part becomes two at a node's limit: the second is new."""
    run = Run(network(caps=cap(cap_bp=10_000)))
    run.stock(PL, MUG=1)
    run.stock(OWN, TEE=1)
    run.place(1, ("MUG", 1), ("TEE", 1))
    total = run.state.caps[0].total
    assert (len(total), total.entered) == (2, 2)
    run.stock(AMZ, at=MONDAY + HOUR, MUG=1, TEE=1)
    assert [(p.node, p.units()) for p in run.held(1).parts.values() if p.status == PROCESSING] == [(AMZ, 2)]
    assert (len(total), total.entered, total.entered_capped) == (2, 1, 1)
    assert audit(run.shard.store) == []


# -- exchanges ----------------------------------------------------------------------------------------------------------

BY_ZONE: dict[str, object] = {
    "type": "parcel",
    "table": [{"max_lb": 20, "zones": [4, 6, 6, 7, 9, 12, 15, 18]}],
    "transit": {"ground": [2] * 9},
}
ZONED = {"amz": BY_ZONE, "pl": BY_ZONE, "own": BY_ZONE}
NEW_YORK, CINCINNATI, BETWEEN = Destination("10001", "NY"), Destination("45202", "OH"), Destination("21201", "MD")


def crossed() -> Run:
    """The last unit in New Jersey went to Baltimore, for which Kentucky would be little worse; New York is served from Kentucky."""
    run = Run(network(cards=ZONED))
    run.stock(AMZ, MUG=1)
    run.stock(PL, MUG=1)
    assert where(run.place(1, ("MUG", 1), to=BETWEEN)) == [(AMZ, 1)]
    assert where(run.place(2, ("MUG", 1), to=NEW_YORK)) == [(PL, 1)]
    return run


def test_two_orders_exchange_the_last_units() -> None:
    """Neither can move alone; together they save, in one event, and both keep what they had before it."""
    run = crossed()
    before = sum(part.cost for n in (1, 2) for part in run.held(n).parts.values())
    events = run.tick(CUT_OFF - HOUR)
    assert kinds(events) == ["ticked", "moved", "reviewed"]
    assert {m.order_id: where(m.decision) for m in moves(events)} == {"test:2": [(AMZ, 1)], "test:1": [(PL, 1)]}
    after = sum(run.held(n).parts[2].cost for n in (1, 2))
    assert sum(m.gain for m in moves(events)) == before - after > 0
    assert audit(run.shard.store) == []
    assert moves(run.tick(CUT_OFF)) == [], "nothing moves to and fro"


def test_an_exchange_is_told_to_both(tmp_path: Path) -> None:
    """`explain` shows the second decision, what it saved and with whom; every charge adds up; `verify` decides it all again."""
    shard = sqlite(tmp_path)
    try:
        run = Run(network(cards=ZONED, caps=cap(cap_bp=9000)), shard=shard)
        run.stock(PL, MUG=1, TEE=1)
        run.place(0, ("TEE", 1))
        run.stock(AMZ, MUG=1)
        run.place(1, ("MUG", 1), to=BETWEEN)
        run.place(2, ("MUG", 1), to=NEW_YORK)
        assert len(moves(run.tick(CUT_OFF))) == 2
        story = explain(run.shard.store, "test:2")
        assert next(decision.about for decision in story.decisions) == "the order as it came"
        assert "test:2/1 once more before release" in story.decisions[1].about
        assert "in exchange with test:1" in story.decisions[1].about
        assert all(part.adds_up for decision in story.decisions for part in decision.parts)
        assert any("moved before release: test:2/2 ships for test:2/1" in line for line in story.later)
        verdict = verify(shard.store, decide=True)
        assert verdict.problems == []
        assert run.shard.hash() == verdict.hash
    finally:
        shard.store.close()


def test_no_exchange_that_would_leave_one_worse_by_more() -> None:
    """The holder is as far from the other node as the one that wishes is near: it stays."""
    run = Run(network(cards=ZONED))
    run.stock(AMZ, MUG=1)
    run.stock(PL, MUG=1)
    run.place(1, ("MUG", 1), to=NEW_YORK)
    run.place(2, ("MUG", 1), to=BETWEEN)
    assert moves(run.tick(CUT_OFF)) == []


# -- whole worlds -------------------------------------------------------------------------------------------------------

ZIPS = (
    ("10001", "NY"),
    ("45202", "OH"),
    ("21201", "MD"),
    ("33101", "FL"),
    ("60601", "IL"),
    ("90001", "CA"),
    ("30301", "GA"),
)
GOODS = ("MUG", "TEE", "CAP", "PLAN")


def world(policy: Policy, caps: tuple[ShareCap, ...]) -> NetworkFile:
    """Three nodes far apart, priced by zone, one of them with little capacity."""
    nodes = (NODES[AMZ], structs.replace(NODES[PL], zip="89502", zone="America/Los_Angeles"), NODES[OWN])
    return network(cards=ZONED, nodes=nodes, caps=caps, policy=policy)


def tell(run: Run, seed: int) -> None:
    """Three days of scarce goods: orders all over the country, receipts, cancellations, a closed node, the clock."""
    chance = random.Random(seed)
    for n in (AMZ, PL, OWN):
        run.stock(n, **{code: chance.randint(0, 12) for code in GOODS})
    taken = 0
    for step in range(150):
        at = MONDAY + step * 28 * 60_000_000
        if step % 30 == 17:
            run.stock(chance.choice((AMZ, PL, OWN)), at=at, **{code: chance.randint(1, 6) for code in GOODS})
        elif step % 25 == 12 and taken:
            run.take_back(chance.randrange(taken), 1, 1, at=at)
        elif step in {70, 90}:
            run.switch("OWN-1", step == 70, at=at)
        elif step % 8 == 5:
            run.tick(at)
        else:
            lines = [(code, chance.randint(1, 2), 500) for code in chance.sample(GOODS, chance.choice((1, 1, 2, 3)))]
            run.place(taken, *lines, to=Destination(*chance.choice(ZIPS)), placed_at=at)
            taken += 1
    run.tick(MONDAY + 12 * DAY)


def totals(run: Run) -> tuple[int, int, int]:
    """(units that were never placed, late units, cost of what was placed)."""
    unfilled = late = cost = 0
    for held in run.state.orders.values():
        unfilled += held.unplaced + sum(sum(rest.quantities) for rest in held.rests.values())
        for part in held.parts.values():
            if part.status != CANCELLED:
                late += part.units() if part.late else 0
                cost += part.cost
    return unfilled, late, cost


CAPS: dict[str, tuple[ShareCap, ...]] = {
    "no cap": (),
    "by count": cap(cap_bp=6000, window=20, price_micros=2_000_000, reserve=1),
    "by units": cap(cap_bp=5000, window=40, measure="units", price_micros=500_000),
    "by value": cap(cap_bp=5000, window=20_000, measure="value", price_micros=1_000),
}


@pytest.mark.parametrize("caps", CAPS.values(), ids=CAPS)
def test_over_many_worlds_it_costs_less_and_fills_no_less(caps: tuple[ShareCap, ...]) -> None:
    """Four seeds with and without: sound books in each, less cost for what is shipped, not less shipped."""
    sums = {True: [0, 0, 0], False: [0, 0, 0]}
    moved = exchanged = 0
    for seed in range(4):
        for on in (True, False):
            run = Run(world(Policy(redecide=on), caps))
            tell(run, seed)
            assert audit(run.shard.store) == []
            sums[on] = [a + b for a, b in zip(sums[on], totals(run), strict=True)]
            happened = [event for event in run.events() if isinstance(event, ev.OrdersMoved)]
            moved += len(moves(list(happened)))
            exchanged += sum(len(event.moves) > 1 for event in happened)
    assert moved > 20
    assert sums[True][0] <= sums[False][0]
    assert sums[True][2] < sums[False][2]


def test_the_same_story_moves_the_same() -> None:
    """Told twice, and rebuilt: one state."""
    hashes = []
    for _ in range(2):
        run = Run(world(Policy(), CAPS["by units"]))
        tell(run, 3)
        hashes.append(run.shard.hash())
        run.shard.rebuild()
        hashes.append(run.shard.hash())
    assert len(set(hashes)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_within_a_look_the_sum_only_gets_better(seed: int) -> None:
    """An order that moves twice in one look must have gained each time, with its partner: nothing goes round in circles."""
    run = Run(world(Policy(), ()))
    before = 0
    tell(run, seed)
    for event in run.events():
        if isinstance(event, ev.OrdersMoved):
            gain = sum(move.gain for move in event.moves)
            cheaper = gain > Policy().redecide_gain_minor * 10_000
            forced = any(event.at - MONDAY >= 70 * 28 * 60_000_000 for _ in event.moves)
            assert cheaper or forced or any(move.joined for move in event.moves)
            before += gain
    assert before != 0


def test_every_decision_is_taken_again_by_verify(tmp_path: Path) -> None:
    """A world with everything in it, on the real store."""
    shard = sqlite(tmp_path)
    try:
        run = Run(world(Policy(), CAPS["by count"]), shard=shard)
        tell(run, 1)
        assert moves(run.events())
        verdict = verify(shard.store, decide=True)
        assert verdict.problems == []
    finally:
        shard.store.close()


def caps_are_not_asked(patch: pytest.MonkeyPatch) -> None:
    """A move is held against no window at all."""
    patch.setattr(ShareWindow, "admits_change", lambda *_: True)


def only_the_last_window_is_asked(patch: pytest.MonkeyPatch) -> None:
    """A move is held against the window as it ends now."""
    patch.setattr(
        Stretch, "sound", lambda self, cap_bp: bool((self.capped[-1:] <= cap_bp * self.inside[-1:] // 10_000).all())
    )


@pytest.mark.parametrize(
    "mutant", [caps_are_not_asked, only_the_last_window_is_asked], ids=lambda mutant: mutant.__name__
)
def test_a_planted_bug_is_seen(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Some world ends in books that the audit calls unsound."""
    mutant(monkeypatch)
    for seed in range(12):
        run = Run(world(Policy(), cap(cap_bp=3000, window=8, price_micros=0)))
        tell(run, seed)
        if audit(run.shard.store):
            return
    raise AssertionError("no world showed it")


def test_a_price_book_moves_what_ships_today() -> None:
    """A unit at the cheapest node is worth two dollars to others: the order leaves it for the one that is a dollar dearer."""
    run = Run()
    run.stock(AMZ, MUG=2)
    run.stock(PL, MUG=2)
    assert where(run.place(1, ("MUG", 1))) == [(AMZ, 1)]
    state = run.state
    stock = np.zeros((len(state.skus), len(state.nodes)), np.int64)
    stock[state.skus["MUG"], AMZ] = 2_000_000
    book = book_of(state.network_sha, MONDAY, TODAY + 30, stock, {}, {}, PriceMaking("by hand"))
    document = encode(book)
    events = run.do(cmd.SetPrices(document, hashlib.sha256(document).hexdigest(), "by hand", MONDAY + HOUR))
    assert kinds(events) == ["prices", "moved", "reviewed"]
    (move,) = moves(events)
    assert (where(move.decision), move.gain, move.decision.why.prices) == ([(PL, 1)], 1_000_000, 1)
    assert run.held(1).parts[2].cost == 5_000_000
