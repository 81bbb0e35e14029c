"""Networks that talk nonsense: it is journaled, a person can see it, and nothing else changes."""

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.api.connected import until
from tests.api.running import Reply, Running, running
from tests.scenario.failing_over import HOOK_KEY, Networks, an_order, networks, write_network
from tests.scenario.failover_judge import rebuilt
from tranship.api.settings import ApiSettings
from tranship.engine.run import open_store
from tranship.engine.verify import verify

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
SECRET = "whsec_bm90IHlldCBzdWJzY3JpYmVk"


class World(NamedTuple):
    """A service with one order on hold at Amazon and one at work at the 3PL, and one that was called back."""

    service: Running
    there: Networks
    home: Path
    held: str
    live: str
    ended: str

    def books(self) -> dict[str, Any]:
        """Orders, fulfillment orders, what waits, stock and attempts as they stand."""
        store = open_store(self.home / "run", read_only=True)
        try:
            state = rebuilt(store)
            return {
                "orders": {key: order.status() for key, order in state.orders.items()},
                "parts": sorted(store.query("SELECT part_id, node, status, units FROM part")),
                "waiting": sorted(store.query("SELECT park_id, reason, units FROM parked")),
                "stock": sorted(store.query("SELECT node, sku, bucket, qty FROM stock WHERE qty <> 0")),
                "attempts": {d.remote_id: (d.state, d.wish, d.parcels) for d in state.dispatches.values()},
            }
        finally:
            store.close()

    def told(self, kind: str = "") -> list[tuple[str, str]]:
        """What a person can see, as (kind, detail), of one kind or all."""
        rows = self.service.service.store.query("SELECT kind, subject || ': ' || detail FROM exception ORDER BY pos")
        return [(str(row[0]), str(row[1])) for row in rows if kind in {"", row[0]}]

    def amazon(self, body: bytes | object) -> Reply:
        """A notification with the right key."""
        return self.service.post("/v1/hooks/mcf", body, {"x-api-key": HOOK_KEY})

    def bob(self, body: bytes | object, number: str, topic: str = "order.shipped") -> Reply:
        """A webhook that the 3PL signed."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        moment = str(int(time.time()))
        mac = hmac.new(
            base64.b64decode(SECRET.removeprefix("whsec_")), f"{number}.{moment}.".encode() + data, hashlib.sha256
        )
        headers = {
            "webhook-id": number, "webhook-timestamp": moment, "x-webhook-topic": topic,
            "webhook-signature": f"v1,{base64.b64encode(mac.digest()).decode()}",
        }  # fmt: skip
        return self.service.post("/v1/hooks/bob", data, headers)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both networks, the service, three orders; at the end the run is sound."""
    home = tmp_path_factory.mktemp("nonsense")
    with networks("--processing-s", "100000", seed=9) as there:
        write_network(home, there, release_min=0)
        (home / "webhook").write_text(SECRET)
        with running(home, ApiSettings(port=0, tick_s=0.2)) as service:
            live, _, _ = (sent(service, f"B-{number}", "RUG", "LIVE") for number in range(3))
            held, ended = (sent(service, f"A-{number}", "LAMP", "HELD") for number in range(2))
            assert service.post("/v1/orders/A-1/recall", {"reason": "a test"}).status == 200
            until(lambda: service.get("/v1/dispatches?state=VOID").json()["dispatches"])
            yield World(service, there, home, held, live, ended)
    store = open_store(home / "run", read_only=True)
    try:
        assert verify(store, decide=True).problems == []
    finally:
        store.close()


def sent(service: Running, name: str, sku: str, state: str) -> str:
    """Place an order of one article and wait until its network has it; its remote id."""
    order = {**an_order(name, random.Random(0)), "lines": [{"sku": sku, "qty": 2}]}
    assert service.post("/v1/orders", order).status == 201
    found = until(lambda: service.get(f"/v1/dispatches?order={name}&state={state}").json()["dispatches"])
    return str(found[0]["id"])


def notification(remote_id: str, state: str, number: str) -> dict[str, Any]:
    """Amazon's FULFILLMENT_ORDER_STATUS, as far as it is read."""
    told = {"SellerFulfillmentOrderId": remote_id, "FulfillmentOrderStatus": state}
    return {
        "NotificationType": "FULFILLMENT_ORDER_STATUS",
        "Payload": {"FulfillmentOrderStatusNotification": told},
        "NotificationMetadata": {"NotificationId": number},
    }


def shipment(remote_id: str, state: str = "Completed") -> dict[str, Any]:
    """A shipment in the 3PL's words, as far as it is read."""
    return {"id": 400000099, "order_id": 300000099, "reference_id": remote_id, "status": state, "products": []}


def test_no_call_is_made_twice(world: World):
    """A call is in flight until the engine knows of its answer: each creation went out once."""
    assert world.there.amazon.report()["calls"]["createOrder"] == {"200": 2}
    assert world.there.bob.report()["calls"]["create-order"] == {"201": 3}


def test_notifications_that_make_no_sense(world: World):
    """Cut short, a page for people, a required part missing, a state and an order that nobody knows: each is seen, none is used."""
    before = world.books()
    lacking = notification(world.held, "COMPLETE", "n-3")
    del lacking["Payload"]["FulfillmentOrderStatusNotification"]["FulfillmentOrderStatus"]
    whole = json.dumps(notification(world.held, "COMPLETE", "n-0")).encode()
    cases: list[tuple[str, bytes | object]] = [
        ("violation", whole[: len(whole) // 2]),
        ("", HTML.encode()),  # no JSON either: told once a day
        ("violation", lacking),
        ("unknown_state", notification(world.held, "TELEPORTED", "n-4")),
        ("foreign_id", notification("NOBODYSENTTHIS234567", "COMPLETE", "n-5")),
        ("foreign_id", notification("an order of a person", "COMPLETE", "n-6")),
    ]
    for kind, body in cases:
        seen = len(world.told(kind))
        assert world.amazon(body).status == 200, "sending it again would not help"
        assert len(world.told(kind)) == seen + bool(kind), (kind, body)
    assert world.books() == before


def test_webhooks_that_make_no_sense(world: World):
    """The same for the 3PL's, signed as they should be."""
    before = world.books()
    whole = json.dumps(shipment(world.live)).encode()
    cases: list[tuple[str, bytes | object]] = [
        ("violation", whole[: len(whole) // 2]),
        ("", HTML.encode()),  # no JSON either: told once a day
        ("violation", {**shipment(world.live), "id": "none"}),
        ("unknown_state", shipment(world.live, "Teleported")),
        ("foreign_id", shipment("NOBODYSENTTHIS234567")),
        ("foreign_id", shipment("an order of a person")),
    ]
    for number, (kind, body) in enumerate(cases):
        seen = len(world.told(kind))
        assert world.bob(body, f"msg_{number}").status == 200
        assert len(world.told(kind)) == seen + bool(kind), (kind, body)
    assert world.books() == before


def test_lists_that_make_no_sense(world: World):
    """A page for people with status 200, an object that nobody described: a person sees it, and the next look goes on as before."""
    before = world.books()
    world.there.amazon.fault(op="list", kind="garbage", body=HTML, times=1)
    world.there.bob.fault(op="list", kind="garbage", times=1)
    until(lambda: {text.split(":")[0] for _, text in world.told("violation") if ": list" in text} == {"mcf", "bob"})
    world.there.heal()
    assert world.books() == before


def test_an_answer_that_makes_no_sense_is_a_doubt(world: World):
    """The creation was carried out and a page came back: it is told, asked again with the same bytes, and there once."""
    world.there.amazon.fault(op="create", kind="garbage", body=HTML, times=1)
    remote_id = sent(world.service, "A-2", "LAMP", "HELD")
    assert any("api:A-2/1" in text and "create" in text for _, text in world.told("violation")), world.told()
    there = world.there.amazon.report()["orders"]
    assert there[remote_id]["lives"] == 1 and len(there) == 3
    assert world.there.amazon.report()["calls"]["createOrder"]["200"] == 3


def test_a_shipment_of_what_was_called_back_is_an_alarm(world: World):
    """Amazon proved that it was cancelled, and says now that it left: nothing but that attempt's own row changes."""
    before = world.books()
    assert world.amazon(notification(world.ended, "COMPLETE", "n-9")).status == 200
    assert [text for _, text in world.told("double_ship") if world.ended in text]
    after = world.books()
    assert after["attempts"].pop(world.ended)[0] == "SHIPPED"
    assert before["attempts"].pop(world.ended)[0] == "VOID"
    assert after == before
