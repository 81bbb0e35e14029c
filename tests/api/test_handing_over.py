"""Orders really go to a network and come back as shipped; what people ask of the hand-over is done, or refused with a reason."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.connected import KEY, Connected, connected
from tests.api.running import SKU

PERSON = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}
HOUR = 3_600


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    """A service that hands over at once, on hold; every test takes orders of its own."""
    with connected(tmp_path_factory.mktemp("connected"), "--any-sku", "50", release_min=0) as found:
        yield found


def held(there: Connected, number: str, **more: Any) -> str:
    """Place an order and wait until the network holds it; the dispatch."""
    assert there.service.order(number, customer=PERSON, **more).status == 201
    found = there.until(lambda: there.dispatches(f"?order={number}&state=HELD"))
    return str(found[0]["id"])


def notification(remote_id: str, status: str = "COMPLETE", number: str = "n-1") -> dict[str, Any]:
    """Amazon's FULFILLMENT_ORDER_STATUS, as far as it is read."""
    told = {
        "SellerFulfillmentOrderId": remote_id,
        "FulfillmentOrderStatus": status,
        "FulfillmentShipment": {
            "FulfillmentShipmentStatus": "SHIPPED",
            "FulfillmentShipmentPackages": [{"PackageNumber": 1, "CarrierCode": "UPS", "TrackingNumber": "1Z1"}],
        },
    }
    return {
        "NotificationType": "FULFILLMENT_ORDER_STATUS",
        "Payload": {"FulfillmentOrderStatusNotification": told},
        "NotificationMetadata": {"NotificationId": number},
    }


def soon() -> str:
    """In an hour."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()


def test_an_order_is_created_on_hold_released_shipped_and_delivered(tmp_path: Path):
    """Placed over HTTP, it goes through the network's own states, comes back with tracking, and the network has it once."""
    with connected(tmp_path) as there:
        assert there.service.order("A-1", customer=PERSON).status == 201
        (live,) = there.until(lambda: there.dispatches("?state=LIVE"))
        there.amazon.advance(8 * HOUR)
        there.until(lambda: there.dispatches("?state=SHIPPED"))
        order = there.service.get("/v1/orders/A-1").json()
        assert order["status"] == "COMPLETE" and order["fulfillment_orders"][0]["status"] == "SHIPPED"
        there.amazon.advance(4 * 24 * HOUR)
        there.until(
            lambda: there.service.get("/v1/orders/A-1").json()["fulfillment_orders"][0]["status"] == "DELIVERED"
        )
        report = there.amazon.report()
        assert report["orders"][live["id"]]["times"] == 1 and not report["double_shipped"]
        assert report["violations"] == report["bad_requests"] == 0, report
        assert {"createOrder", "updateOrder"} <= set(report["calls"])


def test_a_shadow_decides_and_sends_nothing(tmp_path: Path):
    """The order is routed to the network's node, the network hears of nothing but looks, and says so everywhere."""
    with connected(tmp_path, shadow=True) as there:
        answer = there.service.order("A-1", customer=PERSON).json()
        assert answer["fulfillment_orders"][0]["node"] == "AMZ-EAST"
        calls = there.until(lambda: there.amazon.report()["calls"].get("listOrders"))
        assert calls and set(there.amazon.report()["calls"]) <= {"getToken", "listOrders"}
        assert there.dispatches() == []
        assert there.service.get("/v1/networks").json()["shadow"] is True
        assert there.service.get("/v1/state").json()["board"]["shadow"] is True
        assert b"SHADOW" in there.service.get("/", accept="text/html").body


def test_what_is_on_hold_comes_back_at_once(there: Connected):
    """A recall frees it, the network is told to cancel, and the order waits here: the only node was refused by a person."""
    remote_id = held(there, "B-1")
    answer = there.service.post("/v1/orders/B-1/recall", {"reason": "the customer called"})
    assert answer.status == 200, answer.body
    assert {each["state"] for each in answer.json()["dispatches"]} <= {"ABANDONED", "VOID"}
    assert there.service.get("/v1/orders/B-1").json()["status"] == "PARKED"
    there.until(lambda: there.amazon.report()["orders"][remote_id]["state"] == "CANCELLED")


def test_what_a_network_has_is_not_sent_elsewhere(there: Connected):
    """409 with the way out; an unknown node and an unknown order say what is wrong."""
    held(there, "C-1")
    sent = {"number": 1, "node": "EAST", "reason": "nearer"}
    refused = there.service.post("/v1/orders/C-1/send", sent)
    assert refused.status == 409 and "Recall it" in refused.json()["detail"]
    assert there.service.post("/v1/orders/C-1/send", {**sent, "node": "MOON"}).status == 422
    assert there.service.post("/v1/orders/NONE/send", sent).status == 404
    assert there.service.post("/v1/orders/C-1/recall", {"reason": "x", "numbers": [7]}).status == 422


def test_a_message_counts_once_and_only_with_its_signature(there: Connected):
    """401 and a counter for a wrong key; then the order left; the same message again is 200 and adds no row."""
    remote_id = held(there, "D-1")
    said, right = notification(remote_id), {"x-api-key": KEY}
    before = there.service.service.store.last_seq()[0]
    for headers in ({}, {"x-api-key": "wrong"}):
        assert there.service.post("/v1/hooks/mcf", said, headers).status == 401
    assert there.dispatches("?order=D-1")[0]["state"] == "HELD"
    first = there.service.post("/v1/hooks/mcf", said, right)
    assert first.status == 200 and first.json()["reports"] == 1 and not first.json()["repeated"]
    assert there.dispatches("?order=D-1")[0]["state"] == "SHIPPED", "durable before it was answered"
    kinds = "SELECT count(*) FROM journal WHERE kind = 'took' AND seq > ?"
    taken = there.service.service.store.query(kinds, (before,))[0][0]
    again = there.service.post("/v1/hooks/mcf", said, right)
    assert again.status == 200 and again.json()["repeated"]
    assert there.service.service.store.query(kinds, (before,))[0][0] == taken
    live = there.until(lambda: there.service.get("/v1/networks").json()["connections"][0]["live"])
    assert there.until(lambda: there.service.get("/v1/networks").json()["connections"][0]["live"]["hooks_refused"] >= 2)
    assert live["in_flight"] >= 0


def test_a_message_that_makes_no_sense_is_an_exception_and_nothing_else(there: Connected):
    """Broken JSON, an order that nobody sent: taken, shown to a person, and no dispatch moves."""
    before = there.dispatches()
    right = {"x-api-key": KEY}
    assert there.service.post("/v1/hooks/mcf", b"{", right).status == 200
    assert there.service.post("/v1/hooks/mcf", notification("NOBODYSENTTHIS234567", number="n-9"), right).status == 200
    assert there.service.post("/v1/hooks/none", b"{}", right).status == 404
    announced = {**right, "content-length": "2000000"}
    assert there.service.ask("POST", "/v1/hooks/mcf", b"", announced).status == 413
    kinds = {row[0] for row in there.service.service.store.query("SELECT kind FROM exception")}
    assert {"violation", "foreign_id"} <= kinds
    assert [each["state"] for each in there.dispatches()] == [each["state"] for each in before]


def test_a_persons_word_on_a_breaker_has_an_end(there: Connected):
    """Without one it is refused; with one no new order goes there; `auto` gives the word back to the breaker."""
    post = there.service.post
    assert post("/v1/networks/mcf/breaker", {"why": "strike", "state": "open"}).status == 422
    assert (
        post("/v1/networks/mcf/breaker", {"why": "strike", "state": "open", "share_bp": 5, "until": soon()}).status
        == 422
    )
    assert post("/v1/networks/nobody/breaker", {"why": "strike", "state": "open", "until": soon()}).status == 404
    opened = post("/v1/networks/mcf/breaker", {"why": "strike", "state": "open", "until": soon()})
    assert opened.status == 200 and opened.json()["breaker"]["by_hand"]
    parked = there.service.order("E-1", customer=PERSON).json()
    assert parked["status"] == "PARKED", parked
    closed = post("/v1/networks/mcf/breaker", {"why": "over", "state": "auto"}).json()["breaker"]
    assert closed["state"] == "closed" and closed["until"] == ""


def test_a_shelf_is_closed_and_opened_once_each(there: Connected):
    """What is closed is not sold and is listed; the same idempotency key again changes nothing."""
    there.service.service.receive("for-shelf", "AMZ-EAST", [("DEMO-002", 5)])
    shut = {"node": "AMZ-EAST", "sku": "DEMO-002", "closed": True, "reason": "wet"}
    for _ in range(2):
        answer = there.service.post("/v1/shelves", shut, {"idempotency-key": "shelf-1"})
        assert answer.status == 200, answer.body
    assert there.service.post("/v1/shelves", shut).status == 422
    other = there.service.post("/v1/shelves", {**shut, "reason": "dry"}, {"idempotency-key": "shelf-1"})
    assert other.status == 409
    (row,) = [each for each in there.service.get("/v1/drift").json()["drift"] if each["sku"] == "DEMO-002"]
    assert row["closed"] and row["researching"] == 5
    assert there.service.post("/v1/shelves", {**shut, "closed": False}).status == 200


def test_a_surplus_is_adopted_as_far_as_a_count_showed_it(there: Connected):
    """Units beyond the books become a receipt with a reason; more than was counted is refused; the same ref is booked once."""
    service = there.service.service
    free = service.view().stock["fulfillable"]
    service.receive("adopt-0", "AMZ-EAST", [("DEMO-003", 2)])
    body = {
        "NotificationType": "FBA_INVENTORY_AVAILABILITY_CHANGES",
        "Payload": {
            "SKU": "DEMO-003",
            "FulfillmentInventoryByMarketplace": [
                {
                    "MarketplaceId": there.amazon.info["marketplace_id"],
                    "FulfillmentInventory": {
                        "InboundQuantityBreakdown": {"Working": 0, "Shipped": 0, "Receiving": 0},
                        "Fulfillable": 6,
                        "Unfulfillable": 0,
                        "Researching": 0,
                        "ReservedQuantityBreakdown": {
                            "WarehouseProcessing": 0, "WarehouseTransfer": 0, "PendingCustomerOrder": 0,
                        },
                    },
                }
            ],
        },
        "NotificationMetadata": {"NotificationId": "count-1"},
    }  # fmt: skip
    assert there.service.post("/v1/hooks/mcf", body, {"x-api-key": KEY}).json()["counts"] == 1
    given = {"ref": "R-1", "node": "AMZ-EAST", "sku": "DEMO-003", "units": 5, "reason": "found at the count"}
    assert there.service.post("/v1/adoptions", given).status == 409
    assert there.service.post("/v1/adoptions", {**given, "units": 4}).status == 201
    again = there.service.post("/v1/adoptions", {**given, "units": 4})
    assert again.status == 200 and again.headers["idempotent-replayed"] == "true"
    assert service.view().stock["fulfillable"] >= free + 6


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/orders/B-1/recall", {}),
        ("/v1/orders/B-1/recall", {"reason": ""}),
        ("/v1/orders/B-1/recall", {"reason": "x", "more": 1}),
        ("/v1/dispatches/X/settle", {"ships": True, "reason": "x"}),
        ("/v1/networks/mcf/breaker", {"why": "x", "state": "ajar"}),
        ("/v1/shelves", {"node": "AMZ-EAST", "sku": SKU, "closed": "yes", "reason": "x"}),
        ("/v1/adoptions", {"ref": "A", "node": "AMZ-EAST", "sku": SKU, "units": 0, "reason": "x"}),
    ],
)
def test_half_a_request_is_refused_and_changes_nothing(there: Connected, path: str, body: dict[str, Any]):
    """Problem details with the field, 4xx; the journal stands still."""
    there.service.order("B-1", customer=PERSON)
    before = there.service.service.store.query("SELECT count(*) FROM journal WHERE kind = 'took'")
    answer = there.service.post(path, body)
    assert 400 <= answer.status < 500 and answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["detail"]
    after = there.service.service.store.query("SELECT count(*) FROM journal WHERE kind = 'took'")
    assert after[0][0] - before[0][0] <= 1, "at most a count or a list of the network's own"


def test_only_what_is_in_quarantine_is_settled(there: Connected):
    """A dispatch on hold needs no person's word; a list asked for in a word that is no state says which there are."""
    remote_id = held(there, "F-1")
    answer = there.service.post(f"/v1/dispatches/{remote_id}/settle", {"ships": False, "reason": "looked"})
    assert answer.status == 422 and "HELD" in answer.json()["detail"]
    wrong = there.service.get("/v1/dispatches?state=lost")
    assert wrong.status == 422 and "QUARANTINED" in wrong.json()["detail"]
    assert there.service.get("/v1/dispatches?limit=0").status == 422
