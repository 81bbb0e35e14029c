"""Notifications of the stand-in Amazon: subscribed as the vendor says, pushed to a real receiver."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.sandbox.running import Answer, Running
from tests.sandbox.test_amazon import DAY, cancel, place

ORDER_STATUS, AVAILABILITY = "FULFILLMENT_ORDER_STATUS", "FBA_INVENTORY_AVAILABILITY_CHANGES"
ROOT = "/notifications/v1"
WAIT_S = 20


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[str, "queue.Queue[Any]"]]:
    """An HTTP server that keeps what is POSTed; it answers with these statuses in turn, then with 200."""
    got: queue.Queue[Any] = queue.Queue()
    answers = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="receiver")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join(WAIT_S)
        server.server_close()


def grantless(there: Running, method: str, path: str, body: object = None) -> Answer:
    """A call with a token for the notifications' scope."""
    token = there.token(grant_type="client_credentials", scope="sellingpartnerapi::notifications").body["access_token"]
    return there.ask(method, f"{ROOT}{path}", body, x_amz_access_token=token)


def subscribe(there: Running, kind: str) -> str:
    """A destination on an event bus and a subscription to it; the destination's id."""
    bus = {"resourceSpecification": {"eventBridge": {"region": "us-east-1", "accountId": "123"}}, "name": "bus"}
    destination = str(grantless(there, "POST", "/destinations", bus).body["payload"]["destinationId"])
    answer = there.call("POST", f"{ROOT}/subscriptions/{kind}", {"payloadVersion": "1.0", "destinationId": destination})
    assert answer.status == 200, answer
    return destination


def told(notice: Any) -> dict[str, Any]:
    """The payload of an order's notification."""
    return dict(notice["Payload"]["FulfillmentOrderStatusNotification"])


def test_each_change_of_an_order_is_pushed(there: Running):
    """PascalCase, the vendor's schema, one for each change with what became of its shipment."""
    with receiver() as (url, got):
        subscribe(there, ORDER_STATUS)
        there.control("PUT", "/push", {"url": url})
        place(there, "A-1")
        seen = [told(got.get(timeout=WAIT_S))]
        for count in (1, 1, 2):
            there.advance(14_400 if count == 2 else 1801)
            seen += [told(got.get(timeout=WAIT_S)) for _ in range(count)]
        states = {found["FulfillmentOrderStatus"] for found in seen}
        assert states == {"RECEIVED", "PLANNING", "PROCESSING", "COMPLETE"}
        assert {found["EventType"] for found in seen} == {"Order", "Shipment"}
        gone = [found["FulfillmentShipment"] for found in seen if found["EventType"] == "Shipment"]
        assert gone[0]["FulfillmentShipmentStatus"] == "SHIPPED"
        assert gone[0]["FulfillmentShipmentPackages"][0]["CarrierCode"] == "UPS"
        assert {found["SellerFulfillmentOrderId"] for found in seen} == {"A-1"}


def test_each_change_of_stock_is_pushed(there: Running):
    """What is sellable, reserved and inbound, by marketplace; a lie about stock is told here as well."""
    with receiver() as (url, got):
        subscribe(there, AVAILABILITY)
        there.control("PUT", "/push", {"url": url})
        place(there, "A-1")
        found = got.get(timeout=WAIT_S)["Payload"]["FulfillmentInventoryByMarketplace"][0]["FulfillmentInventory"]
        assert (found["Fulfillable"], found["ReservedQuantityBreakdown"]["PendingCustomerOrder"]) == (98, 2)
        there.fault(op="stock", kind="stock_lie", units=5)
        there.stock(S1=10)
        found = got.get(timeout=WAIT_S)["Payload"]["FulfillmentInventoryByMarketplace"][0]["FulfillmentInventory"]
        assert found["Fulfillable"] == 15


def test_a_push_is_tried_again(there: Running):
    """A receiver that fails gets the same notification again, by the sandbox's clock."""
    with receiver(500, 503) as (url, got):
        subscribe(there, ORDER_STATUS)
        there.control("PUT", "/push", {"url": url})
        place(there, "A-1")
        first = got.get(timeout=WAIT_S)
        tried = [first]
        while len(tried) < 3:
            there.advance(1)
            try:
                tried.append(got.get(timeout=0.2))
            except queue.Empty:
                continue
        assert tried == [first] * 3


def test_pushes_can_be_lost_doubled_and_late(there: Running):
    """Faults of the operation `push`; what was lost on the way never comes."""
    subscribe(there, ORDER_STATUS)
    there.fault(op="push", kind="lost_reply", match="A-1")
    there.fault(op="push", kind="duplicate", match="A-2")
    there.fault(op="push", kind="delayed", ms=60_000, match="A-3")
    for number in ("A-1", "A-2", "A-3"):
        place(there, number, action="HOLD")

    def numbers() -> list[str]:
        kept = there.control("GET", "/queue")
        return [told(found["notification"])["SellerFulfillmentOrderId"] for found in kept]

    assert numbers() == ["A-2", "A-2"]
    there.advance(61)
    assert numbers() == ["A-2", "A-2", "A-3"]
    assert there.report()["pushes"]["dropped"] == 1


def test_subscriptions_are_kept_as_the_vendor_says(there: Running):
    """One of a type, found by type and by id, ended by id; a destination in use is not deleted; a type not sent is refused."""
    destination = subscribe(there, ORDER_STATUS)
    found = there.call("GET", f"{ROOT}/subscriptions/{ORDER_STATUS}").body["payload"]
    assert found["destinationId"] == destination
    body = {"payloadVersion": "1.0", "destinationId": destination}
    assert there.call("POST", f"{ROOT}/subscriptions/{ORDER_STATUS}", body).status == 409
    assert there.call("POST", f"{ROOT}/subscriptions/ANY_OFFER_CHANGED", body).status == 400
    assert grantless(there, "DELETE", f"/destinations/{destination}").status == 400
    path = f"/subscriptions/{ORDER_STATUS}/{found['subscriptionId']}"
    assert grantless(there, "GET", path).status == 200
    assert grantless(there, "DELETE", path).status == 200
    assert there.call("GET", f"{ROOT}/subscriptions/{ORDER_STATUS}").status == 404
    assert grantless(there, "DELETE", f"/destinations/{destination}").status == 200
    place(there, "A-1")
    cancel(there, "A-1")
    there.advance(DAY)
    assert there.control("GET", "/queue") == []


def test_pushes_stay_on_this_machine(there: Running):
    """A URL elsewhere is refused."""
    answer = there.ask("PUT", "/_sandbox/push", {"url": "http://192.0.2.1/hook"})
    assert answer.status == 400


def test_a_test_notification_is_sent(there: Running):
    """sendTestNotification, in the vendor's schema."""
    destination = subscribe(there, AVAILABILITY)
    body = {"destinationId": destination, "testNotification": {"payloadVersion": "1.0"}}
    for kind in (ORDER_STATUS, AVAILABILITY):
        assert grantless(there, "POST", f"/subscriptions/{kind}/testNotification", body).status == 200
    assert [found["notification"]["NotificationType"] for found in there.control("GET", "/queue")] == [
        ORDER_STATUS,
        AVAILABILITY,
    ]
