"""POST /v1/orders: one order in, one answer out, once."""

import json
import threading
from typing import Any

import pytest

from tests.api.running import SKU, Reply, Running, order


def test_an_order_is_answered_after_the_commit_with_where_it_ships_from(service: Running):
    """201, an address, and fulfillment orders with node, day and cost; the order is in the tables by then."""
    answer = service.order("A1")
    assert answer.status == 201
    assert answer.headers["location"] == "/v1/orders/api:A1"
    found = answer.json()
    assert found["order"] == "api:A1" and found["status"] == "PROCESSING"
    (part,) = found["fulfillment_orders"]
    assert part["units"] == 1 and part["cost_micros"] > 0 and part["ship_by"] <= part["deliver_by"]
    now = service.get("/v1/orders/api:A1").json()
    assert [line["sku"] for line in now["lines"]] == [SKU]
    assert now["fulfillment_orders"][0]["id"] == part["id"]


def test_the_same_body_again_gets_the_first_answer_byte_by_byte(service: Running):
    """200, marked as replayed, nothing booked twice; a key makes no difference to that."""
    for key in ("", "k-same-body"):
        number = f"B1{key}"
        first, again = service.order(number, key=key), service.order(number, key=key)
        assert (first.status, again.status) == (201, 200)
        assert again.body == first.body
        assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
        assert len(service.get(f"/v1/orders/{number}").json()["fulfillment_orders"]) == 1


def test_the_same_body_in_another_spelling_is_the_same_order(service: Running):
    """Spaces, key order and written-out defaults do not make another order."""
    first = service.post("/v1/orders", order("B2"))
    spelled = {"source": "api", "lines": order("B2")["lines"], "to": order("B2")["to"], "number": "B2"}
    again = service.post("/v1/orders", json.dumps(spelled, indent=3).encode())
    assert again.status == 200 and again.body == first.body


@pytest.mark.parametrize(
    "change",
    [
        {"lines": [{"sku": SKU, "qty": 2, "unit_price_minor": 1999}]},
        {"lines": [{"sku": "DEMO-002", "qty": 1, "unit_price_minor": 1999}]},
        {"to": {"zip": "10001", "state": "NY"}},
        {"channel": "amazon"},
        {"deliver_by": "2099-01-04"},
        {"customer": {"name": "Somebody Else", "street": "1 Example Street"}},
        {"customer": {"name": "A. Customer", "street": "2 Example Street"}},
        {"customer": None},
    ],
    ids=["quantity", "sku", "destination", "channel", "promise", "name", "street", "nobody"],
)
def test_another_body_under_the_same_number_is_a_conflict(service: Running, change: dict[str, Any]):
    """409 with a problem; whatever differs, a street included; the first order stands."""
    number = f"C{abs(hash(json.dumps(change)))}"
    plain = order(number, customer={"name": "A. Customer", "street": "1 Example Street"})
    first = service.post("/v1/orders", plain)
    other = service.post("/v1/orders", {**plain, **change})
    assert other.status == 409, other.body
    assert other.headers["content-type"].startswith("application/problem+json")
    assert other.json()["type"] == "urn:tranship:problem:conflict"
    assert b"Example Street" not in other.body and b"Somebody" not in other.body
    assert service.post("/v1/orders", plain).body == first.body


def test_a_key_belongs_to_one_order(service: Running):
    """The same Idempotency-Key with another order is a 409, for a new number and for a known one."""
    service.order("D1", key="k-one")
    service.order("D2", key="k-two")
    assert service.order("D3", key="k-one").status == 409
    assert service.order("D2", key="k-one").status == 409
    assert service.get("/v1/orders/D3").status == 404
    assert service.order("D1", key="k-three").status == 200, "a new key for the same order is a retry"


def test_the_key_may_stand_in_the_body(service: Running):
    """`idempotency_key` counts as the header does, quoted as the draft standard has it or not; two that differ are refused."""
    body = order("E1", idempotency_key="k-body")
    assert service.post("/v1/orders", body).status == 201
    assert service.post("/v1/orders", order("E2"), {"idempotency-key": '"k-body"'}).status == 409
    assert service.post("/v1/orders", order("E3", idempotency_key="x"), {"idempotency-key": "y"}).status == 422


def test_fifty_duplicates_at_the_same_time_are_one_order(service: Running):
    """One 201, forty-nine 200, all with the same bytes, and one reservation."""
    before = service.service.view().stock["fulfillable"]
    gate, answers, lock = threading.Barrier(50), list[Reply](), threading.Lock()

    def send() -> None:
        gate.wait()
        answer = service.order("F1", key="k-many", customer={"email": "f1@example.com"})
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] * 49 + [201]
    assert len({answer.body for answer in answers}) == 1
    assert service.service.view().stock["fulfillable"] == before - 1


def test_what_cannot_ship_is_parked_with_a_reason(service: Running):
    """More than there is: what is there ships, the rest waits and says why."""
    answer = service.order("G1", lines=[{"sku": "DEMO-010", "qty": 20_000}])
    assert answer.status == 201
    found = answer.json()
    assert sum(rest["units"] for rest in found["parked"]) > 10_000
    assert found["parked"][0]["reason"] == "no_stock"
    assert service.get("/v1/orders/G1").json()["parked"][0]["words"]


def test_a_receipt_frees_what_was_parked_and_is_booked_once(service: Running):
    """Units that arrive go to whoever waits for them; the same ref again changes nothing, another content is a 409."""
    service.order("H1", lines=[{"sku": "DEMO-011", "qty": 50_000}])
    waits = sum(rest["units"] for rest in service.get("/v1/orders/H1").json()["parked"])
    assert waits
    receipt = {"ref": "R1", "node": "EAST", "lines": [{"sku": "DEMO-011", "qty": waits}]}
    assert service.post("/v1/receipts", receipt).status == 201
    assert service.get("/v1/orders/H1").json()["parked"] == []
    again = service.post("/v1/receipts", receipt)
    assert again.status == 200 and again.headers["idempotent-replayed"] == "true"
    other = {**receipt, "lines": [{"sku": "DEMO-011", "qty": 1}]}
    assert service.post("/v1/receipts", other).status == 409
    for wrong, field in (({"node": "NOWHERE"}, "node"), ({"lines": [{"sku": "X", "qty": 1}]}, "lines[0].sku")):
        refused = service.post("/v1/receipts", {**receipt, "ref": "R2", **wrong})
        assert refused.status == 422 and refused.json()["errors"][0]["field"] == field


def test_an_explanation_adds_up(service: Running):
    """Every charge of every fulfillment order is there, and they come to what the decision cost."""
    placed = service.order("I1", lines=[{"sku": SKU, "qty": 3}, {"sku": "DEMO-003", "qty": 1}]).json()
    story = service.get("/v1/orders/api:I1/explanation").json()
    cost = sum(part["cost_micros"] for part in placed["fulfillment_orders"])
    assert story["decisions"][0]["cost"] == cost
    for part in story["decisions"][0]["parts"]:
        assert part["adds_up"] and sum(charge["micros"] for charge in part["charges"]) == part["cost"]


def test_an_order_is_found_by_number_and_by_id_and_nothing_else(service: Running):
    """404 with a problem for what is not there; the number alone will do where it is unique."""
    service.order("J1")
    service.order("J1", source="shop")
    assert service.get("/v1/orders/shop:J1").json()["order"] == "shop:J1"
    assert service.get("/v1/orders/J1").status == 404, "two sources have this number"
    for path in ("/v1/orders/none", "/v1/orders/none/explanation", "/v1/orders/%00", "/v1/nothing"):
        answer = service.get(path)
        assert answer.status == 404 and answer.json()["instance"].startswith("/v1/")


def test_what_a_leak_budget_looks_at_may_be_said(service: Running):
    """To be paid at the door, to a pickup point, to a business: taken, and part of what makes a repeated request the same."""
    assert service.order("T1", cod=True, pickup=True, b2b=False).status == 201
    assert service.order("T1", cod=True, pickup=True).status == 200
    assert service.order("T1", cod=True).status == 409
    assert service.order("T2", cod="yes").status == 422
