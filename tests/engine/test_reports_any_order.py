"""What networks tell arrives in any order, up to five times, and a tenth of it never: after one look at the list all is the same."""

import hashlib
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.connected import Handed
from tranship.core.ledger import Bucket
from tranship.dispatch.model import Parcel, Report
from tranship.engine import commands as cmd
from tranship.engine.inbox import news, reporting

BOX = Parcel("p1", "UPS", "1Z1", (("1", 2),), "SHIPPED", 5)
HERE = msgspec.structs.replace(BOX, status="DELIVERED")
SECOND_BOX = Parcel("p2", "UPS", "1Z2", (("1", 1),), "SHIPPED", 6)
STORIES = (
    [("PROCESSING", ()), ("PICKING", ()), ("COMPLETE", (BOX,)), ("COMPLETE", (HERE,))],
    [("PROCESSING", ()), ("PICKING", (BOX,)), ("COMPLETE", (BOX, SECOND_BOX))],
    [("PROCESSING", ()), ("CANCELLED", ())],
    [("PROCESSING", ()), ("UNFULFILLABLE", ())],
    [("PICKING", ()), ("COMPLETE", (BOX,))],
)
"""Truthful histories of one order each, in the order in which they happened."""


def told(deliveries: list[Report], truth: list[Report]) -> str:
    """A hash of everything but times, after these deliveries and one last look."""
    run = Handed(MUG=40)
    for _ in STORIES:
        run.held_there(release=True)
    for report in deliveries:
        run.do(cmd.Reported("amz", "webhook", (report,), run.later()))
    fresh = news(run.state, truth)
    for submission in reporting("amz", "list", fresh, run.later()):
        run.submit(submission)
    run.sound()
    return state_of(run)


def state_of(run: Handed) -> str:
    """What counts of a state: books, orders, dispatches; no times, and no numbers of what was decided again."""
    dispatches = [
        (d.remote_id, d.state, d.remote if d.state != "VOID" else "", d.parcels, d.short)
        for _, d in sorted(run.state.dispatches.items())
    ]
    orders = [
        (
            order_id,
            held.status(),
            sorted((part.node, part.status, tuple(part.quantities)) for part in held.parts.values()),
            [(rest.reason, rest.quantities) for rest in held.rests.values()],
        )
        for order_id, held in sorted(run.state.orders.items())
    ]
    books = [run.state.ledger.balance[bucket].tolist() for bucket in Bucket]
    return hashlib.sha256(msgspec.msgpack.encode((dispatches, orders, books))).hexdigest()


@given(st.integers(0, 2**32))
def test_any_order_up_to_five_times_a_tenth_lost_comes_to_the_same(seed: int):
    """The journal differs; books, orders and dispatches do not."""
    chance = Random(seed)
    histories = [[Report(f"R{i}", word, parcels=parcels) for word, parcels in story] for i, story in enumerate(STORIES)]
    truth = [history[-1] for history in histories]
    expected = told([report for history in histories for report in history], truth)
    deliveries = [report for history in histories for report in history for _ in range(chance.randint(1, 5))]
    deliveries = [report for report in deliveries if chance.random() >= 0.1]
    chance.shuffle(deliveries)
    assert told(deliveries, truth) == expected


def test_the_hash_tells_a_lost_shipment():
    """Without the last look, what was lost is missing: the comparison can fail."""
    histories = [[Report(f"R{i}", word, parcels=parcels) for word, parcels in story] for i, story in enumerate(STORIES)]
    everything = [report for history in histories for report in history]
    truth = [history[-1] for history in histories]
    assert told(everything[:3], []) != told(everything, truth)
