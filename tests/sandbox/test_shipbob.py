"""The stand-in 3PL: what it takes, what it ships, what it tells, and what goes wrong on command."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.sandbox.running import Answer, Running, sandbox
from tests.support import shared

START = "2026-11-22T12:00:00Z"
HOUR_S, DAY_S = 3600, 86_400


class Bob:
    """A stand-in with its token at hand."""

    def __init__(self, there: Running) -> None:
        self.there = there
        self.headers = {
            "authorization": f"Bearer {there.info['token']}", "shipbob_channel_id": str(there.info["channel_id"]),
        }  # fmt: skip

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One call with its token; `running` turns underscores in names to hyphens, so the channel is sent by hand."""
        line = http.client.HTTPConnection(urlsplit(self.there.url).netloc, timeout=10)
        try:
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            line.request(method, f"/2026-01{path}", data, {**self.headers, **headers})
            answer = line.getresponse()
            text = answer.read()
        finally:
            line.close()
        found = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(answer.status, json.loads(text) if text else None, found)

    def create(self, reference: str, *products: tuple[str, int], **more: Any) -> Answer:
        """An order."""
        return self.ask("POST", "/order", order(reference, *products, **more))

    def find(self, reference: str) -> Any:
        """Orders under a reference, newest first."""
        return self.ask("GET", f"/order?ReferenceIds={reference}").body


def order(reference: str, *products: tuple[str, int], **more: Any) -> dict[str, Any]:
    """The body of a creation."""
    address = {"address1": "12 Oak St", "city": "Seattle", "state": "WA", "zip_code": "98101", "country": "US"}
    rows = [
        {"reference_id": sku, "name": sku, "quantity": units, "external_line_id": number}
        for number, (sku, units) in enumerate(products or (("MUG", 2),), 1)
    ]
    told = {"reference_id": reference, "type": "DTC", "shipping_method": "Standard", "products": rows}
    return {**told, "recipient": {"name": "Ada Byron", "address": address}, **more}


@contextmanager
def shipbob(*arguments: str) -> Iterator[Bob]:
    """A stand-in whose clock stands still; afterwards it has not broken the vendor's file."""
    with sandbox("shipbob", "--sku", "MUG=100", "--sku", "TEE=10", *arguments, clock=START) as there:
        yield Bob(there)
        report = there.report()
        assert report["violations"] == 0, report["violation_texts"]


def test_an_order_is_picked_leaves_and_arrives():
    """By its clock: cancellable, then not, then gone with a tracking number, then delivered; stock follows."""
    with shipbob() as bob:
        made = bob.create("A-1", ("MUG", 2), ("TEE", 1))
        assert made.status == 201 and made.body["status"] == "Processing"
        bob.there.advance(HOUR_S)
        (found,) = bob.find("A-1")
        assert found["shipments"][0]["status_details"][0]["name"] == "Picked"
        bob.there.advance(4 * HOUR_S)
        (found,) = bob.find("A-1")
        assert found["status"] == "Fulfilled" and found["shipments"][0]["tracking"]["tracking_number"]
        bob.there.advance(3 * DAY_S)
        shipment = bob.ask("GET", f"/shipment/{found['shipments'][0]['id']}").body
        assert shipment["delivery_date"] == "2026-11-24T16:30:00Z"
        names = [row["log_type_name"] for row in bob.ask("GET", f"/shipment/{shipment['id']}/timeline").body]
        assert names == ["OrderPlaced", "InventoryAllocated", "Picked", "LabelGenerated", "OrderShipped", "Delivered"]
        assert bob.there.control("GET", "/stock")["MUG"]["211"]["on_hand"] == 98
        truth = bob.there.report()
        assert truth["orders"]["A-1"]["units"] == 3 and truth["double_shipped"] == []


def test_a_reference_is_taken_also_after_a_cancellation_unless_ids_are_free():
    """422 both times; with --free-ids the cancelled one may come again, and both are listed."""
    with shipbob() as bob:
        number = bob.create("A-1").body["id"]
        assert bob.create("A-1").status == 422
        assert bob.ask("POST", f"/order/{number}:cancel").body["status"] == "Success"
        assert bob.create("A-1").status == 422 and bob.there.control("GET", "/stock")["MUG"]["211"]["committed"] == 0
    with shipbob("--free-ids") as bob:
        number = bob.create("A-1").body["id"]
        bob.ask("POST", f"/order/{number}:cancel")
        assert bob.create("A-1").status == 201
        assert [row["status"] for row in bob.find("A-1")] == ["Processing", "Cancelled"]


def test_a_cancellation_of_what_is_picked_fails_and_of_a_part_is_partial():
    """Every shipment says for itself; what left cannot be cancelled at all."""
    with shipbob("--split") as bob:
        made = bob.create("A-1", ("MUG", 1), ("CAP", 1)).body  # there is no CAP: its shipment waits for stock
        assert [part["status"] for part in made["shipments"]] == ["Processing", "Exception"]
        bob.there.advance(HOUR_S)
        told = bob.ask("POST", f"/order/{made['id']}:cancel").body
        assert told["status"] == "PartialSuccess"
        assert [row["is_success"] for row in told["canceled_shipment_results"]] == [False, True]
        bob.there.advance(DAY_S)
        assert bob.ask("POST", f"/order/{made['id']}:cancel").status == 422
        assert bob.there.report()["orders"]["A-1"]["units"] == 1


def test_an_order_without_stock_waits_for_it():
    """It is an exception until units come, and never ships more than there are."""
    with shipbob() as bob:
        bob.create("A-1", ("TEE", 8))
        assert bob.create("A-2", ("TEE", 8)).body["status"] == "Exception"
        bob.there.advance(DAY_S)
        assert bob.there.report()["units_shipped"] == 8
        bob.there.stock(TEE=8)
        bob.there.advance(DAY_S)
        assert bob.find("A-2")[0]["status"] == "Fulfilled" and bob.there.report()["units_shipped"] == 16


def test_what_is_on_its_way_can_be_sold_only_when_it_is_stowed():
    """Announced, arrived, stowed a day later: only then is it fulfillable. A cancelled one never is."""
    with shipbob() as bob:
        level = "/inventory-level/locations?LocationId=211"
        item = next(row for row in bob.ask("GET", level).body["items"] if row["sku"] == "TEE")

        def counts() -> tuple[int, int]:
            row = next(row for row in bob.ask("GET", level).body["items"] if row["sku"] == "TEE")
            return row["locations"][0]["fulfillable_quantity"], row["locations"][0]["awaiting_quantity"]

        body = {
            "package_type": "Package", "box_packaging_type": "EverythingInOneBox", "purchase_order_number": "PO-1",
            "expected_arrival_date": "2026-11-23T12:00:00Z", "fulfillment_center": {"id": 211},
            "boxes": [{"tracking_number": "1Z", "box_items": [{"inventory_id": item["inventory_id"], "quantity": 50}]}],
        }  # fmt: skip
        first, second = (bob.ask("POST", "/receiving", body).body["id"] for _ in range(2))
        assert counts() == (10, 100)
        assert bob.ask("POST", f"/receiving/{second}:cancel").body["status"] == "Cancelled" and counts() == (10, 50)
        bob.there.advance(DAY_S + 60)
        assert [row["status"] for row in bob.ask("GET", "/receiving?Statuses=Arrived").body] == ["Arrived"]
        assert counts() == (10, 50) and bob.ask("POST", f"/receiving/{first}:cancel").status == 422
        bob.there.advance(DAY_S)
        assert counts() == (60, 0)
        totals = next(row for row in bob.ask("GET", "/inventory-level").body["items"] if row["sku"] == "TEE")
        assert totals["total_sellable_quantity"] == totals["total_fulfillable_quantity"] == 60


def test_what_comes_back_is_listed_and_restocked():
    """Five days later, under the reference of the order it left with."""
    with shipbob() as bob:
        made = bob.create("A-1", ("MUG", 2)).body
        bob.there.advance(DAY_S)
        item = bob.ask("GET", "/inventory-level?PageSize=1").body["items"][0]
        body = {
            "reference_id": "RMA-1", "fulfillment_center": {"id": 211}, "original_shipment_id": made["shipments"][0]["id"],
            "inventory": [{"id": item["inventory_id"], "quantity": 1, "requested_action": "Restock"}],
        }  # fmt: skip
        assert bob.ask("POST", "/return", body).status == 201
        bob.there.advance(6 * DAY_S)
        (row,) = bob.ask("GET", "/return?SortOrder=Asc&Limit=5").body["items"]
        assert (row["store_order_id"], row["status"]) == ("A-1", "Completed")
        assert row["inventory"][0]["action_taken"] == [{"action": "Restock", "quantity_processed": 1}]
        assert bob.there.control("GET", "/stock")["MUG"]["211"]["on_hand"] == 99


def test_lists_page_and_stock_pages():
    """Orders by page and by time, oldest or newest first; inventory by the address of the next page."""
    with shipbob() as bob:
        for number in range(5):
            bob.create(f"A-{number}")
            bob.there.advance(10)
        pages = [bob.ask("GET", f"/order?SortOrder=Oldest&Limit=2&Page={page}").body for page in (1, 2, 3, 4)]
        assert [[row["reference_id"] for row in page] for page in pages] == [
            ["A-0", "A-1"],
            ["A-2", "A-3"],
            ["A-4"],
            [],
        ]
        late = bob.ask("GET", "/order?StartDate=2026-11-22T12:00:20Z").body
        assert [row["reference_id"] for row in late] == ["A-4", "A-3"]
        first = bob.ask("GET", "/inventory-level/locations?PageSize=1").body
        second = bob.ask("GET", "/inventory-level/locations?" + first["next"].partition("?")[2]).body
        assert [page["items"][0]["sku"] for page in (first, second)] == ["MUG", "TEE"] and second["next"] is None


def test_all_calls_share_one_window():
    """150 a minute: the next one is told how long to wait, and what is left is told on the way."""
    with shipbob() as bob:
        answers = [bob.ask("GET", "/order") for _ in range(151)]
        assert {answer.status for answer in answers[:150]} == {200} and answers[149].headers["x-remaining-calls"] == "0"
        assert (answers[150].status, answers[150].headers["x-retry-after"]) == (429, "60")
        bob.there.advance(60)
        assert bob.ask("GET", "/order").status == 200


def test_requests_that_break_the_vendors_file_are_refused():
    """An undeclared leaf, a missing one, a wrong type; counted, and nothing is taken."""
    shared("models", "3pl", "shipbob", "shipbob-openapi.json")
    with shipbob() as bob:
        broken = [
            order("A-1", phone="1"),
            order("A-1", type="B2C"),
            order("A-1", products=[{"name": "MUG"}]),
            {},
            [],
            b"{",
        ]
        assert [bob.ask("POST", "/order", body).status for body in broken] == [400] * 6
        report = bob.there.report()
        assert report["validates"] and report["bad_requests"] >= 5 and report["orders"] == {}


def test_without_the_vendors_file_bad_bodies_are_refused_too(tmp_path: Any):
    """It says that nothing is validated, and does not fall over."""
    with sandbox("shipbob", "--sku", "MUG=5", clock=START, vendor=str(tmp_path)) as there:
        bob = Bob(there)
        assert not there.info["validates"] and "not present" in there.info["why_not"]
        for body in ({}, [], b"{", {"reference_id": 1, "products": 2}, order("A-1", products=[])):
            assert bob.ask("POST", "/order", body).status == 400
        assert bob.create("A-1").status == 201 and bob.ask("GET", "/order/none").status == 404


@pytest.mark.parametrize(("token", "channel", "status"), [("wrong", "", 401), ("", "7", 403)])
def test_token_and_channel_are_checked(token: str, channel: str, status: int):
    """Another token is nobody's; another channel is not ours to write to."""
    with shipbob() as bob:
        bob.headers["authorization"] = f"Bearer {token}" if token else bob.headers["authorization"]
        bob.headers["shipbob_channel_id"] = channel or bob.headers["shipbob_channel_id"]
        assert bob.create("A-1").status == status and bob.there.report()["orders"] == {}


def test_a_late_cancellation_promises_what_it_may_not_keep():
    """The answer says success, the order is picked before it is carried out, and ships."""
    with shipbob() as bob:
        number = bob.create("A-1").body["id"]
        bob.there.fault(op="cancel", kind="late_cancel", ms=3_000_000)
        told = bob.ask("POST", f"/order/{number}:cancel").body
        assert told["status"] == "Success" and told["order"]["status"] == "Processing"
        bob.there.advance(DAY_S)
        assert bob.find("A-1")[0]["status"] == "Fulfilled"


def test_stock_that_lies_and_orders_that_freeze():
    """A count that disagrees with what is there; an order that makes no progress until the fault is lifted."""
    with shipbob() as bob:
        bob.there.fault(op="stock", kind="stock_lie", sku="MUG", units=-40)
        page = bob.ask("GET", "/inventory-level/locations").body["items"]
        assert next(row for row in page if row["sku"] == "MUG")["locations"][0]["fulfillable_quantity"] == 60
        frozen = bob.there.fault(op="*", kind="frozen")
        bob.create("A-1")
        bob.there.advance(3 * DAY_S)
        assert bob.find("A-1")[0]["status"] == "Processing" and bob.there.report()["units_shipped"] == 0
        bob.there.heal(frozen)
        bob.there.advance(DAY_S)
        assert bob.find("A-1")[0]["status"] == "Fulfilled"


def test_a_look_may_lag_behind():
    """What was just created is not found by a look that lags, and is found later."""
    with shipbob() as bob:
        bob.there.advance(60)
        bob.create("A-1")
        bob.there.fault(op="get", kind="read_lag", ms=30_000)
        assert bob.find("A-1") == []
        bob.there.advance(31)
        assert len(bob.find("A-1")) == 1


def test_the_vendors_own_simulation_moves_a_shipment():
    """Shipped at once, delivered after a delay, with its state to ask for; what is not there is said."""
    with shipbob() as bob:
        shipment = bob.create("A-1").body["shipments"][0]["id"]
        steps = {"action": "ShipOrder", "next": {"action": "DeliverOrder", "delay": 60}}
        told = bob.ask("POST", "/simulate/shipment", {"shipment_id": str(shipment), "simulation": steps}).body
        assert bob.find("A-1")[0]["status"] == "Fulfilled"
        bob.there.advance(HOUR_S)
        state = bob.ask("GET", f"/simulate/status/{told['simulation_id']}").body["simulation"]
        assert (state["status"], state["next"]["status"]) == ("Completed", "Completed")
        nothing = bob.ask(
            "POST", "/simulate/shipment", {"shipment_id": "1", "simulation": {"action": "ShipOrder"}}
        ).body
        assert nothing["simulation_id"] is None
        assert bob.there.report()["orders"]["A-1"]["times"] == 1


# -- webhooks ------------------------------------------------------------------------------------------------------------


@contextmanager
def receiver(answers: list[int]) -> Iterator[tuple[str, Queue[tuple[dict[str, str], bytes]]]]:
    """Somebody who listens on loopback, and answers with these statuses, then with 200."""
    heard: Queue[tuple[dict[str, str], bytes]] = Queue()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()
            heard.put(({key.lower(): value for key, value in self.headers.items()}, body))

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


TOPICS = ["order.shipped", "order.shipment.delivered", "order.shipment.cancelled", "order.shipment.exception"]


def test_webhooks_are_signed_as_others_check_them():
    """The reference library takes the signature with the subscription's secret, and with no other."""
    with shipbob() as bob, receiver([]) as (url, heard):
        hook = bob.ask("POST", "/webhook", {"url": url, "topics": TOPICS}).body
        made = bob.create("A-1").body
        bob.there.advance(DAY_S)
        headers, body = heard.get(timeout=10)
        assert headers["x-webhook-topic"] == "order.shipped" and json.loads(body)["order_id"] == made["id"]
        # the library's own check wants a timestamp of today, the sandbox has a clock of its own: so the library signs, and both must agree
        assert headers["webhook-signature"] == resigned(hook["secret"], headers, body)
        with pytest.raises(WebhookVerificationError):
            Webhook(hook["secret"]).verify(body.decode(), {**headers, "webhook-signature": "v1,AAAA"})
        rotated = bob.there.control("POST", f"/hooks/{hook['id']}/rotate")["secret"]
        bob.create("A-2")
        bob.there.advance(DAY_S)
        headers, body = heard.get(timeout=10)
        assert (
            headers["webhook-signature"] == resigned(rotated, headers, body) != resigned(hook["secret"], headers, body)
        )
        assert [row["id"] for row in bob.ask("GET", "/webhook").body["items"]] == [hook["id"]]
        assert (
            bob.ask("DELETE", f"/webhook/{hook['id']}").status == 204 and bob.ask("GET", "/webhook").body["items"] == []
        )


def resigned(secret: str, headers: dict[str, str], body: bytes) -> str:
    """The signature that the reference library makes of the same message."""
    moment = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(headers["webhook-id"], moment, body.decode())


def test_a_webhook_that_nobody_took_is_sent_again_by_the_clock():
    """Under the same id, after five seconds and then five minutes of its own clock."""
    with shipbob() as bob, receiver([500, 503]) as (url, heard):
        bob.ask("POST", "/webhook", {"url": url, "topics": ["order.shipped"]})
        bob.create("A-1")
        bob.there.advance(5 * HOUR_S)
        first = heard.get(timeout=10)
        with pytest.raises(Empty):
            heard.get(timeout=0.3)  # its clock stands still: no second try yet
        bob.there.advance(6)
        second = heard.get(timeout=10)
        bob.there.advance(301)
        third = heard.get(timeout=10)
        assert len({row[0]["webhook-id"] for row in (first, second, third)}) == 1
        assert all(
            abs(int(row[0]["webhook-timestamp"]) - time.time()) < 60 for row in (first, second, third)
        )  # real time
        assert first[1] == second[1] == third[1]
        bob.there.advance(DAY_S)
        assert bob.there.report()["webhooks"] == {"failed": 2, "delivered": 1}


def test_webhooks_are_lost_doubled_and_late_on_command():
    """Dropped ones never come; doubled ones come twice under one id; late ones when their time has come."""
    with shipbob() as bob, receiver([]) as (url, heard):
        bob.ask("POST", "/webhook", {"url": url, "topics": ["order.shipment.cancelled"]})

        def cancelled(reference: str) -> None:
            bob.ask("POST", f"/order/{bob.create(reference).body['id']}:cancel")

        bob.there.fault(op="push", kind="lost_reply", times=1)
        cancelled("A-1")
        bob.there.heal()
        bob.there.fault(op="push", kind="duplicate", times=1, ms=2000)
        cancelled("A-2")
        bob.there.advance(3)
        ids = {heard.get(timeout=10)[0]["webhook-id"] for _ in range(2)}
        assert len(ids) == 1 and bob.there.report()["webhooks"] == {"dropped": 1, "delivered": 2}
        bob.there.heal()
        bob.there.fault(op="push", kind="delayed", times=1, ms=600_000)
        cancelled("A-3")
        with pytest.raises(Empty):
            heard.get(timeout=0.3)
        bob.there.advance(601)
        assert json.loads(heard.get(timeout=10)[1])["reference_id"] == "A-3"


def test_webhooks_go_to_loopback_only():
    """A sandbox sends nothing anywhere else."""
    with shipbob() as bob:
        for url in ("https://example.com/hook", "http://10.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd"):
            assert bob.ask("POST", "/webhook", {"url": url, "topics": ["order.shipped"]}).status == 422
