"""Promises through the engine: computed days, odds that come back from the journal, capacity that adds up whatever happens to orders."""

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.audit import audit
from tests.engine.worlds import (
    AMZ,
    CHANNELS,
    DAY,
    MONDAY,
    NODES,
    OWN,
    PL,
    TODAY,
    Run,
    network,
    node,
    of_kind,
    sqlite,
    where,
)
from tranship.core.network import NetworkFile, Policy, Promise, Transit
from tranship.core.time import add_working_days, is_working_day
from tranship.engine.shard import Shard
from tranship.engine.state import CANCELLED
from tranship.engine.verify import verify

SEEN = (
    Transit("AMZ-1", "100", "ground", 2, 2, 24_314, 600),
    Transit("AMZ-1", "100", "ground", 2, 5, 24_314, 400),
    Transit("PL-1", "100", "ground", 2, 2, 24_314, 960),
    Transit("PL-1", "100", "ground", 2, 5, 24_314, 40),
)
"""To New York, Amazon keeps two days in six of ten cases, the 3PL nearly always."""
COMPUTED = tuple(msgspec.structs.replace(one, promise="computed") for one in CHANNELS)


def document(**changes: object) -> NetworkFile:
    """A network where transit times were observed."""
    return network(**{"promise": Promise(observed=SEEN), **changes})


def stocked(run: Run) -> Run:
    """The run with goods at every node."""
    for at in (AMZ, PL, OWN):
        run.stock(at, MUG=500, TEE=500)
    return run


def test_an_order_without_a_date_is_promised_what_its_node_can_keep() -> None:
    """Amazon is cheapest and sure within five days; at a level of one half, two days are promised."""
    for level, days in ((9000, 5), (5000, 2)):
        run = stocked(Run(document(channels=COMPUTED, promise=Promise(level, observed=SEEN))))
        decision = run.place(1, ("MUG", 1))
        assert run.held(1).promise_day == add_working_days(TODAY, days)
        assert where(decision) == [(AMZ, 1)]
        assert not decision.parts[0].late and decision.parts[0].on_time_bp >= level


def test_a_date_that_the_order_brings_goes_before_a_computed_one() -> None:
    """Wednesday was sold: the node that keeps it ships, whatever the cheapest could have promised."""
    run = stocked(Run(document(channels=COMPUTED)))
    decision = run.place(1, ("MUG", 1), deliver_by="2026-03-04")
    assert run.held(1).promise_day == TODAY + 2
    assert where(decision) == [(PL, 1)]


def test_without_anything_to_ship_the_fixed_days_are_promised() -> None:
    """There is no way to compute from: the policy's five working days."""
    run = Run(document(channels=COMPUTED))
    run.place(1, ("MUG", 1))
    assert run.held(1).promise_day == add_working_days(TODAY, 5)


def test_two_lines_of_one_article_are_promised_as_one() -> None:
    """Merged for routing, spread for the order; the probability stays with its part."""
    run = stocked(Run(document(channels=COMPUTED)))
    (part,) = run.place(1, ("MUG", 1), ("MUG", 2)).parts
    assert (part.lines, part.quantities) == ((0, 1), (1, 2))
    assert run.held(1).promise_day == add_working_days(TODAY, 5)
    assert 9000 <= part.on_time_bp < 10_000


def test_odds_come_back_from_the_journal_and_every_decision_with_them(tmp_path: Path) -> None:
    """Stopped and opened again: same promises, same probabilities, same nodes; `verify` takes each decision once more."""
    run = stocked(Run(document(channels=COMPUTED), shard=sqlite(tmp_path)))
    before = run.place(1, ("MUG", 1), deliver_by="2026-03-04").parts[0]
    run.shard.store.close()
    again = sqlite(tmp_path)
    assert isinstance(again, Shard)
    assert again.state.require_network().promise.observed == SEEN
    later = Run(document(channels=COMPUTED), shard=again)
    after = later.place(2, ("MUG", 1), deliver_by="2026-03-04").parts[0]
    assert (after.node, after.on_time_bp) == (before.node, before.on_time_bp) == (PL, before.on_time_bp)
    assert 9300 < before.on_time_bp < 9800
    report = verify(again.store, decide=True)
    assert not report.problems


def test_a_new_document_with_other_observations_changes_later_decisions_only() -> None:
    """The 3PL turned slow: what was decided stays, the next order goes elsewhere."""
    run = stocked(Run(document(policy=Policy(redecide=False))))
    first = run.place(1, ("MUG", 1), deliver_by="2026-03-04")
    slow = (
        *SEEN[:2],
        Transit("PL-1", "100", "ground", 2, 6, 24_314, 960),
        Transit("OWN-1", "100", "ground", 2, 2, 24_314, 960),
    )
    run.load(document(policy=Policy(redecide=False), promise=Promise(observed=slow)))
    second = run.place(2, ("MUG", 1), deliver_by="2026-03-04")
    assert where(first) == [(PL, 1)] and where(second) == [(OWN, 1)]
    assert run.held(1).parts[1].node == PL


def test_nothing_ships_on_a_nodes_holiday() -> None:
    """Closed on Tuesday: what came on Monday evening ships on Wednesday, when the clock says so."""
    run = stocked(Run(network(nodes=tuple(msgspec.structs.replace(one, holidays=("2026-03-03",)) for one in NODES))))
    (part,) = run.place(1, ("MUG", 1), placed_at=MONDAY + 8 * 3_600_000_000).parts
    assert part.ship_day == TODAY + 2
    assert not of_kind(run.tick(MONDAY + DAY + 12 * 3_600_000_000), "shipped")
    assert of_kind(run.tick(MONDAY + 2 * DAY + 12 * 3_600_000_000), "shipped")
    assert audit(run.shard.store) == []


steps = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.integers(1, 9), st.integers(0, 3)),
        st.tuples(st.just("take"), st.integers(0, 30), st.integers(1, 9)),
        st.tuples(st.just("tick"), st.integers(1, 30), st.just(0)),
        st.tuples(st.just("stock"), st.integers(0, 2), st.integers(1, 9)),
    ),
    max_size=25,
)


@given(steps, st.booleans(), st.sampled_from([(), ("2026-03-03", "2026-03-06")]))
def test_capacity_in_use_is_what_open_orders_have_booked(script, redecide, holidays) -> None:
    """Orders, cancellations of any size, ticks, moves and receipts: for every day ahead what is used adds up, within the limit."""
    nodes = tuple(msgspec.structs.replace(one, capacity_units=6, holidays=holidays) for one in NODES)
    run = Run(document(nodes=nodes, policy=Policy(redecide=redecide, redecide_gain_minor=0)))
    for n in range(3):
        run.stock(n, MUG=40)
    at, placed = MONDAY, 0
    for kind, a, b in script:
        if kind == "place":
            placed += 1
            run.place(placed, ("MUG", a), placed_at=at, deliver_by=f"2026-03-{5 + b:02d}")
        elif kind == "take" and placed:
            run.take_back(1 + a % placed, 1, b, at)
        elif kind == "tick":
            at += a * 3_600_000_000
            run.tick(at)
        elif kind == "stock":
            run.stock(a, at, MUG=b)
        _adds_up(run, at // DAY, holidays)


def _adds_up(run: Run, today: int, holidays: tuple[str, ...]) -> None:
    for n in range(3):
        booked: dict[int, int] = {}
        for held in run.state.orders.values():
            for part in held.parts.values():
                if part.node == n:
                    assert part.status != CANCELLED or not any(part.booked.values())
                    for day, units in part.booked.items():
                        booked[day] = booked.get(day, 0) + units
        ahead = {day: units for day, units in run.state.used[n].items() if units and day >= today}
        assert ahead == {day: units for day, units in booked.items() if units and day >= today}
        assert all(0 <= units <= 6 and is_working_day(day) for day, units in ahead.items())
        assert not {TODAY + 1, TODAY + 4} & set(ahead) or not holidays


def test_a_node_that_works_on_saturday_ships_on_saturday() -> None:
    """Friday evening's order leaves a day later there, and on Monday elsewhere."""
    evening = MONDAY + 4 * DAY + 8 * 3_600_000_000
    for weekend, day in ((("sun",), TODAY + 5), (("sat", "sun"), TODAY + 7)):
        run = stocked(Run(network(nodes=node(AMZ, weekend=weekend))))
        assert run.place(1, ("MUG", 1), placed_at=evening, deliver_by="2026-03-20").parts[0].ship_day == day
