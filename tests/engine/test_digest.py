"""The state hash covers all that a later decision may depend on, and nothing else."""

from collections.abc import Callable

import pytest

from tests.engine.worlds import AMZ, CUT_OFF, MONDAY, PL, Run, cap, network, node
from tranship.core.ledger import Bucket
from tranship.engine.digest import GENESIS, link, run_hash, state_digest
from tranship.engine.state import State


@pytest.fixture
def state() -> State:
    """A state with something in every corner."""
    run = Run(network(caps=cap(price_micros=1_000_000), nodes=node(PL, capacity_units=4)))
    run.stock(AMZ, MUG=5)
    run.stock(PL, MUG=5)
    run.place(1, ("MUG", 2))
    run.place(2, ("MUG", 2))
    run.place(3, ("TEE", 1), ("GAS", 1))
    run.tick(CUT_OFF)
    run.take_back(1, 1, 1, CUT_OFF)
    run.place(4, ("MUG", 1), placed_at=CUT_OFF)
    run.switch("OWN-1", True, MONDAY)
    found: State = run.state
    return found


def _balance(state: State) -> None:
    state.ledger.balance[Bucket.FULFILLABLE, 0, 0] += 1


def _moved(state: State) -> None:
    state.ledger.balance[Bucket.FULFILLABLE, 0] = state.ledger.balance[Bucket.FULFILLABLE, 0][::-1].copy()


CHANGES: dict[str, Callable[[State], object]] = {
    "a unit more": _balance,
    "units at another node": _moved,
    "an order less": lambda state: state.orders.pop("test:4"),
    "a part's status": lambda state: setattr(state.orders["test:1"].parts[1], "status", "DELIVERED"),
    "a part's units": lambda state: state.orders["test:1"].parts[1].quantities.__setitem__(0, 1),
    "a part's node": lambda state: setattr(state.orders["test:1"].parts[1], "node", AMZ),
    "a part's ship day": lambda state: setattr(state.orders["test:4"].parts[1], "ship_day", 1),
    "a part's cost": lambda state: setattr(state.orders["test:4"].parts[1], "cost", 1),
    "what was returned": lambda state: state.orders["test:1"].parts[1].returned.clear(),
    "a parked unit": lambda state: state.orders["test:3"].rests[1].quantities.__setitem__(0, 9),
    "a parked part's reason": lambda state: setattr(state.orders["test:3"].rests[1], "reason", "cap"),
    "a parked part's date": lambda state: setattr(state.orders["test:3"].rests[1], "until_day", 1),
    "units given up": lambda state: setattr(state.orders["test:3"], "unplaced", 1),
    "a cap's count": lambda state: setattr(state.caps[0].total, "inside_capped", 9),
    "a channel's count": lambda state: setattr(state.caps[0].channels["web"], "inside", 9),
    "the price's level": lambda state: setattr(state.caps[0].bucket, "tokens", 1),
    "the price's base": lambda state: setattr(state.caps[0].bucket, "base", 7),
    "a breach": lambda state: setattr(state.caps[0], "breaches", 1),
    "capacity taken": lambda state: state.used[PL].update({1: 1}),
    "a closed node": lambda state: state.closed.clear(),
    "people": lambda state: setattr(state, "people", 9),
    "the prices' version": lambda state: setattr(state, "price_version", 9),
    "the prices": lambda state: setattr(state, "price_sha", "0"),
    "the document": lambda state: setattr(state, "network_sha", "0"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_whatever_counts_changes_the_digest(state: State, change: str) -> None:
    """One corner changed: another digest, and another hash of the run."""
    before = state_digest(state)
    CHANGES[change](state)
    assert state_digest(state) != before
    assert run_hash(b"x" * 16, state) != run_hash(b"y" * 16, state)


def test_the_order_in_which_orders_came_to_lie_in_memory_does_not_count(state: State) -> None:
    """The digest sorts: a rebuild may hold the same things in another order."""
    before = state_digest(state)
    state.orders = dict(reversed(state.orders.items()))
    state.used[PL] = dict(reversed(state.used[PL].items())) | {99: 0}
    assert state_digest(state) == before


def test_a_link_covers_the_row_and_all_before_it() -> None:
    """Any column changed gives another value, and so do two columns whose texts run together."""
    row = (1, "key", 0, "ticked", 5, b"payload")
    first = link(GENESIS, *row)
    changed = [
        link(b"\1" * 16, *row),
        link(GENESIS, 2, *row[1:]),
        link(GENESIS, 1, "kez", *row[2:]),
        link(GENESIS, 1, "key", 1, *row[3:]),
        link(GENESIS, 1, "key", 0, "tickee", 5, b"payload"),
        link(GENESIS, 1, "key", 0, "ticked", 6, b"payload"),
        link(GENESIS, *row[:5], b"payloae"),
        link(GENESIS, 1, "key", 0, "ticked", 55, b"payload"),
    ]
    assert len({first, *changed}) == len(changed) + 1
    assert len(first) == 16
