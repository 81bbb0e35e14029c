"""Messages of both networks lost, doubled and out of order: the books end as they do where every message comes once and in order."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.api.connected import until
from tests.api.running import Running, running
from tests.sandbox.test_notices import subscribe
from tests.scenario.failing_over import HOOK_KEY, Networks, an_order, networks, write_network
from tests.scenario.failover_judge import judge, rebuilt
from tests.scenario.relay import Relay, relay
from tranship.api.settings import ApiSettings
from tranship.engine.clock import FastClock
from tranship.engine.run import open_store

BEGINS = "2026-11-23T15:00:00Z"
BEGINS_US = 1_795_446_000_000_000
ORDERS = 10
TOPICS = ["order.shipped", "order.shipment.delivered", "order.shipment.exception", "order.shipment.cancelled"]
Books = dict[str, Any]


def test_lost_doubled_and_reordered_messages_come_to_the_same_books(tmp_path: Path):
    """A tenth lost, up to five of each, in any order, over Amazon's notifications and signed webhooks."""
    seed = int(os.environ.get("TRANSHIP_SEED", "0")) or random.randrange(1, 1 << 30)
    print(f"seed {seed}")
    plain, calm = _run(tmp_path / "plain", None, _whole)
    assert calm.sent >= ORDERS and not calm.dropped
    disturbed, rough = _run(tmp_path / "disturbed", random.Random(seed), lambda books: books == plain)
    assert rough.sent > rough.taken > 0
    assert disturbed == plain


def _run(home: Path, chance: random.Random | None, is_end: Callable[[Books], bool]) -> tuple[Books, Relay]:
    """One world of orders, up to the point where its books are what they should end as."""
    orders = random.Random(5)
    with networks(seed=5, clock=BEGINS) as there, relay(chance) as between:
        write_network(home, there)
        _subscribe(home, there, between)
        with running(
            home, ApiSettings(port=0, tick_s=0.2), clock=lambda last: FastClock(max(BEGINS_US, last + 1), 1)
        ) as service:
            for number in range(ORDERS):
                _place(service, there, f"N-{number}", orders)
                between.pump(service.address)
            _recall(service, "N-3")
            for seconds in (10, 5, 15, 60, 3_000, 40_000):
                there.advance(seconds)
                until(lambda: _all_came(there))
                between.pump(service.address)
            between.pump(service.address, everything=True)
            found = until(lambda: _if_end(home, is_end), 60)
        wrong = judge(home / "run", there.reports(), [f"N-{number}" for number in range(ORDERS)])
        assert not wrong, wrong
    return found, between


def _subscribe(home: Path, there: Networks, between: Relay) -> None:
    subscribe(there.amazon, "FULFILLMENT_ORDER_STATUS")
    there.amazon.control("PUT", "/push", {"url": f"{between.url}/v1/hooks/mcf", "key": HOOK_KEY})
    asked = {"url": f"{between.url}/v1/hooks/bob", "topics": TOPICS}
    made = there.bob.ask("POST", "/2026-01/webhook", asked, authorization=f"Bearer {there.bob.info['token']}")
    assert made.status == 200, made
    (home / "webhook").write_text(made.body["secret"])


def _place(service: Running, there: Networks, name: str, orders: random.Random) -> None:
    """One order, in the networks before the next one comes: so their numbers are the same in every run."""
    assert service.post("/v1/orders", an_order(name, orders, ("MUG", "TEE", "RUG"))).status == 201

    def is_there() -> bool:
        rows = service.get(f"/v1/dispatches?order={name}").json()["dispatches"]
        parts = service.get(f"/v1/orders/{name}").json()["fulfillment_orders"]
        return len(rows) == len(parts) > 0 and all(row["state"] == "LIVE" for row in rows)

    until(is_there)
    there.advance(1)


def _recall(service: Running, name: str) -> None:
    """The customer calls: what nobody has picked yet comes back, and waits here."""
    assert service.post(f"/v1/orders/{name}/recall", {"reason": "the customer called"}).status == 200
    until(lambda: service.get(f"/v1/dispatches?order={name}&state=VOID").json()["dispatches"])


def _all_came(there: Networks) -> bool:
    """Whether the networks have nothing left to send."""
    pushes, hooks = there.amazon.report()["pushes"], there.bob.report()["webhooks"]
    return not pushes["failed"] and not hooks.get("failed") and pushes["delivered"] > 0


def _if_end(home: Path, is_end: Callable[[Books], bool]) -> Books | None:
    books = _books(home / "run")
    return books if is_end(books) else None


def _whole(books: Books) -> bool:
    """Everything arrived, and every parcel is known with all that is in it."""
    parcels = [parcel for rows in books["dispatches"].values() for row in rows for parcel in row[-1]]
    return (
        all(part[1] in {"DELIVERED", "CANCELLED"} for part in books["parts"].values())
        and len(parcels) >= ORDERS - 1  # one came back
        and all(parcel.status == "DELIVERED" and parcel.tracking and parcel.lines for parcel in parcels)
    )


def _books(run: Path) -> Books:
    """Orders, fulfillment orders, what waits, the ledger, attempts with their parcels: all but random ids and our own times."""
    store = open_store(run, read_only=True)
    try:
        state = rebuilt(store)
        dispatches: dict[str, list[Any]] = {}
        for d in state.dispatches.values():
            key = f"{d.order_id}/{d.number}"
            dispatches.setdefault(key, []).append((d.node, d.state, d.remote, d.wish, d.their_id, d.short, d.parcels))
        return {
            "orders": {key: order.status() for key, order in state.orders.items()},
            "parts": {
                f"{key}/{number}": (part.node, part.status, tuple(part.lines), tuple(part.quantities))
                for key, order in state.orders.items()
                for number, part in order.parts.items()
            },
            "waiting": sorted(store.query("SELECT order_id, reason, units FROM parked")),
            "ledger": sorted(store.query("SELECT node, sku, bucket, qty FROM stock WHERE qty <> 0")),
            "dispatches": dispatches,
        }
    finally:
        store.close()
