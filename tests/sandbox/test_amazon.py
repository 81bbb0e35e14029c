"""The stand-in Amazon as its callers see it: orders, sign-in, stock, limits, pages, returns."""

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.running import Answer, Running, amazon

NEW, OLD = "/fulfillment/outbound/2026-07-04", "/fba/outbound/2020-07-01"
START = "2026-11-27T00:00:00Z"
HOUR, DAY = 3600, 86_400
ADDRESS = {"name": "A Name", "addressLine1": "1 Main St", "city": "Seattle", "stateOrRegion": "WA"}
ADDRESS |= {"postalCode": "98103", "countryCode": "US"}
NEVER_EXPIRES = ("--token-s", "1e9", "--limits", "0")


def order(number: str, sku: str = "S1", units: int = 2, **configuration: Any) -> dict[str, Any]:
    """An order as 2026-07-04 asks for it."""
    return {
        "orderId": number,
        "destination": {"deliveryAddress": ADDRESS},
        "fulfillmentConfiguration": configuration,
        "lineItems": [
            {
                "lineItemId": "L1",
                "product": {"productIdentifier": {"amazonSku": sku}},
                "amount": {"unit": "EACHES", "value": f"{units}.0"},
            }
        ],
    }


def old_order(number: str, sku: str = "S1", units: int = 2, **more: Any) -> dict[str, Any]:
    """The same as 2020-07-01 asks for it."""
    return {
        "sellerFulfillmentOrderId": number,
        "displayableOrderId": number,
        "displayableOrderDate": START,
        "displayableOrderComment": "-",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": ADDRESS,
        "items": [{"sellerSku": sku, "sellerFulfillmentOrderItemId": "L1", "quantity": units}],
        **more,
    }


def place(there: Running, number: str, **more: Any) -> Answer:
    """Create an order."""
    return there.call("POST", f"{NEW}/orders", order(number, **more))


def status(there: Running, number: str) -> str:
    """What 2020-07-01, which tells more, says of an order."""
    found = there.call("GET", f"{OLD}/fulfillmentOrders/{number}").body["payload"]["fulfillmentOrder"]
    return str(found["fulfillmentOrderStatus"])


def cancel(there: Running, number: str) -> Answer:
    """Ask for a cancellation."""
    return there.call("PUT", f"{NEW}/orders/{number}/cancel")


def release(there: Running, number: str) -> Answer:
    """Ask for the release of a held order."""
    return there.call("PUT", f"{NEW}/orders/{number}", {"fulfillmentConfiguration": {"action": "SHIP"}})


def test_an_order_ships_by_the_sandbox_clock(there: Running):
    """Received, planned, picked, gone: each at its time, and what left is on record once."""
    assert place(there, "A-1").status == 200
    seen = [status(there, "A-1")]
    for seconds in (61, 1800, 14_400):
        there.advance(seconds)
        seen.append(status(there, "A-1"))
    assert seen == ["Received", "Planning", "Processing", "Complete"]
    assert there.report()["orders"]["A-1"] == {
        "state": "COMPLETE", "held": False, "ordered": 2, "wanted": {"L1": 2}, "units": 2, "times": 1, "lines": {"L1": 2}, "lives": 1,
    }  # fmt: skip


def test_the_new_version_does_not_show_that_picking_began(there: Running):
    """2026-07-04 says PROCESSING from acceptance on, so only CANCELLED proves that an order will not ship."""
    place(there, "A-1")
    seen = set()
    for seconds in (0, 61, 1800):
        there.advance(seconds)
        seen.add(there.call("GET", f"{NEW}/orders/A-1").body["order"]["status"])
    assert seen == {"PROCESSING"}


def test_a_held_order_waits_for_its_release(there: Running):
    """Nothing of a held order leaves; released, it does."""
    assert place(there, "A-1", action="HOLD").body["order"]["fulfillmentConfiguration"]["action"] == "HOLD"
    there.advance(5 * DAY)
    assert there.report()["units_shipped"] == 0
    assert release(there, "A-1").status == 202
    there.advance(DAY)
    assert there.report()["units_shipped"] == 2


def test_a_held_order_is_cancelled_after_fourteen_days(there: Running):
    """And its units are for sale again."""
    place(there, "A-1", action="HOLD")
    there.advance(14 * DAY - 1)
    assert status(there, "A-1") == "Received"
    there.advance(2)
    assert status(there, "A-1") == "Cancelled"
    assert there.control("GET", "/stock")["S1"]["fulfillable"] == 100


def test_a_cancellation_is_accepted_first_and_carried_out_later(there: Running):
    """202 proves nothing: the order is cancelled only when the answer to a question says so."""
    place(there, "A-1")
    assert cancel(there, "A-1").status == 202
    assert status(there, "A-1") == "Received"
    there.advance(2)
    assert there.call("GET", f"{NEW}/orders/A-1").body["order"]["status"] == "CANCELLED"


def test_a_cancellation_that_comes_after_picking_began_is_accepted_and_ignored(there: Running):
    """202, and the order ships all the same; the old version refuses instead."""
    place(there, "A-1")
    there.advance(61)
    there.advance(1801)
    assert cancel(there, "A-1").status == 202
    assert there.call("PUT", f"{OLD}/fulfillmentOrders/A-1/cancel").status == 400
    there.advance(DAY)
    assert there.report()["orders"]["A-1"]["units"] == 2


def test_an_id_is_used_up(there: Running):
    """A second order under an id is refused, also after the first was cancelled, in both versions."""
    place(there, "A-1")
    assert place(there, "A-1", units=1).status == 400
    cancel(there, "A-1")
    there.advance(2)
    assert place(there, "A-1").status == 400
    assert there.call("POST", f"{OLD}/fulfillmentOrders", old_order("A-1")).status == 400


def test_ids_may_be_freed_by_a_cancellation():
    """With --free-ids a cancelled id can be used again, and the report adds up all its lives: that is how it is found out."""
    with amazon("--sku", "S1=100", "--free-ids", *NEVER_EXPIRES, clock=START) as there:
        place(there, "A-1")
        cancel(there, "A-1")
        there.advance(2)
        assert place(there, "A-1").status == 200
        there.advance(DAY)
        found = there.report()["orders"]["A-1"]
        assert (found["units"], found["lives"], found["state"]) == (2, 2, "COMPLETE")


def test_a_creation_may_be_accepted_only():
    """202: the id is taken at once, the order is not there yet, then it is."""
    with amazon("--sku", "S1=100", "--create", "202", "--async-s", "30", *NEVER_EXPIRES, clock=START) as there:
        answer = place(there, "A-1")
        assert (answer.status, answer.body) == (202, {"orderId": "A-1", "status": "PROCESSING"})
        assert place(there, "A-1").status == 400
        assert there.call("GET", f"{NEW}/orders/A-1").status == 404
        there.advance(31)
        assert there.call("GET", f"{NEW}/orders/A-1").status == 200


def test_both_versions_show_the_same_order(there: Running):
    """Made by one, read and cancelled by the other, on one stock."""
    assert there.call("POST", f"{OLD}/fulfillmentOrders", old_order("B-1", fulfillmentAction="Hold")).body == {}
    seen = there.call("GET", f"{NEW}/orders/B-1").body["order"]
    assert seen["destination"]["deliveryAddress"] == ADDRESS
    assert seen["lineItems"][0]["amount"] == {"unit": "EACHES", "value": "2.0"}
    assert there.control("GET", "/stock")["S1"] == {
        "fulfillable": 98, "working": 0, "shipped": 0, "receiving": 0, "unfulfillable": 0, "researching": 0, "reserved": 2,
    }  # fmt: skip
    release_body = {"fulfillmentAction": "Ship"}
    assert there.call("PUT", f"{OLD}/fulfillmentOrders/B-1", release_body).status == 200
    place(there, "B-2")
    assert there.call("PUT", f"{OLD}/fulfillmentOrders/B-2/cancel").status == 200
    assert there.call("GET", f"{NEW}/orders/B-2").body["order"]["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("policy", "state", "shipped"),
    [("FILL_OR_KILL", "UNFULFILLABLE", 0), ("FILL_ALL_AVAILABLE", "COMPLETE_PARTIAL", 3), ("FILL_ALL", "PLANNING", 0)],
)
def test_a_short_order_goes_by_its_policy(policy: str, state: str, shipped: int):
    """Killed, shipped as far as it goes, or waiting for stock."""
    with amazon("--sku", "S1=3", *NEVER_EXPIRES, clock=START) as there:
        place(there, "A-1", units=5, policy=policy)
        there.advance(DAY)
        found = there.report()["orders"]["A-1"]
        assert (found["state"], found["units"]) == (state, shipped)
        there.stock(S1=10)
        there.advance(DAY)
        assert there.report()["orders"]["A-1"]["units"] == (5 if policy == "FILL_ALL" else shipped)


def test_what_cannot_be_an_order_is_refused(there: Running):
    """Unknown SKU, no units, too many units, an id that is too long: 400 with Amazon's list of errors."""
    for body in (
        order("A-1", sku="NOBODY"),
        order("A-1", units=0),
        order("A-1", units=251),
        order("A" * 41),
        order("A-1", action="LATER"),
        {**order("A-1"), "surprise": 1},
        {"orderId": "A-1"},
    ):
        answer = there.call("POST", f"{NEW}/orders", body)
        assert answer.status == 400 and answer.body["errors"][0]["code"] == "InvalidInput", body
    assert there.report()["orders"] == {}


def test_ids_that_amazon_mistreats_are_mistreated(there: Running):
    """A plus becomes a space on the way in, and two spaces are forbidden, though both ids can be created."""
    place(there, "A+1")
    place(there, "A  1")
    assert there.call("GET", f"{NEW}/orders/A%2B1").status == 404
    assert there.call("GET", f"{NEW}/orders/A%20%201").status == 403
    assert set(there.report()["orders"]) == {"A+1", "A  1"}


def test_a_body_where_none_belongs_is_passed_over(there: Running):
    """Amazon's own SDK sends one with a cancellation."""
    place(there, "A-1")
    assert there.call("PUT", f"{NEW}/orders/A-1/cancel", {}).status == 202


def test_tokens_are_checked_and_expire():
    """Wrong credentials get none; a good one opens seller's operations for an hour of the sandbox's clock."""
    with amazon("--sku", "S1=1", clock=START) as there:
        assert there.token(client_secret="wrong").status == 401
        assert there.token(refresh_token="wrong").body["error"] == "invalid_grant"
        assert there.token(grant_type="client_credentials", scope="sellingpartnerapi::notifications").status == 200
        assert there.token(grant_type="client_credentials", scope="all").body["error"] == "invalid_scope"
        assert there.ask("GET", f"{NEW}/orders").status == 403
        assert there.call("GET", f"{NEW}/orders").status == 200
        assert there.call("GET", "/notifications/v1/destinations").status == 403
        there.advance(3599)
        assert there.call("GET", f"{NEW}/orders").status == 200
        there.advance(2)
        denied = there.call("GET", f"{NEW}/orders")
        assert (denied.status, denied.body["errors"][0]["code"]) == (403, "Unauthorized")
        assert there.report()["violations"] == 0


def test_published_limits_hold():
    """30 at once, then 2 a second of the sandbox's clock; the header says so, and 429 tells no time to wait."""
    with amazon("--sku", "S1=1", clock=START) as there:
        statuses = [there.call("GET", f"{NEW}/orders").status for _ in range(31)]
        assert statuses == [200] * 30 + [429]
        there.advance(1)
        again = [there.call("GET", f"{NEW}/orders") for _ in range(3)]
        assert [answer.status for answer in again] == [200, 200, 429]
        assert again[0].headers["x-amzn-ratelimit-limit"] == "2.0"
        assert again[2].body["errors"][0]["code"] == "QuotaExceeded"
        assert "retry-after" not in again[2].headers
        assert there.call("GET", f"{OLD}/fulfillmentOrders").status == 200, "another operation, another bucket"


def test_pages_lose_no_order_that_changes_between_them():
    """Orders that change while somebody turns pages come again later; none is missed."""
    with amazon("--sku", "S1=100", "--page-size", "3", *NEVER_EXPIRES, clock=START) as there:
        for number in range(7):
            place(there, f"A-{number}", units=1)
        seen: list[str] = []
        more, page = "", 0
        while page == 0 or more:
            path = f"{NEW}/orders?updatedAfter=2026-11-26T00:00:00Z" + (f"&pageToken={more}" if more else "")
            answer = there.call("GET", path).body
            seen += [found["orderId"] for found in answer["orders"]]
            more, page = answer["pagination"].get("nextToken", ""), page + 1
            if page == 1:
                there.call("PUT", f"{OLD}/fulfillmentOrders/A-0/cancel")
                there.call("PUT", f"{OLD}/fulfillmentOrders/A-5/cancel")
        assert set(seen) == {f"A-{number}" for number in range(7)}
        assert seen.count("A-0") == 2 and seen.count("A-5") == 1


def test_a_page_token_belongs_to_its_arguments():
    """The token of one question does not do for another."""
    with amazon("--sku", "S1=100", "--page-size", "1", *NEVER_EXPIRES, clock=START) as there:
        place(there, "A-1")
        place(there, "A-2")
        token = there.call("GET", f"{NEW}/orders").body["pagination"]["nextToken"]
        assert there.call("GET", f"{NEW}/orders?pageToken={token}").body["orders"][0]["orderId"] == "A-2"
        assert there.call("GET", f"{NEW}/orders?shipments=EXCLUDE&pageToken={token}").status == 400


def test_the_old_version_turns_pages_too():
    """The token alone says all."""
    with amazon("--sku", "S1=100", "--page-size", "2", *NEVER_EXPIRES, clock=START) as there:
        for number in range(3):
            place(there, f"A-{number}")
        first = there.call("GET", f"{OLD}/fulfillmentOrders").body["payload"]
        second = there.call("GET", f"{OLD}/fulfillmentOrders?nextToken={first['nextToken']}").body["payload"]
        numbers = [found["sellerFulfillmentOrderId"] for part in (first, second) for found in part["fulfillmentOrders"]]
        assert numbers == ["A-0", "A-1", "A-2"] and "nextToken" not in second


def summaries(there: Running, more: str = "") -> dict[str, Any]:
    """Inventory summaries with details, by SKU."""
    market = there.info["marketplace_id"]
    path = f"/fba/inventory/v1/summaries?details=true&granularityType=Marketplace&granularityId={market}&marketplaceIds={market}"
    answer = there.call("GET", path + more)
    assert answer.status == 200, answer
    return {found["sellerSku"]: found for found in answer.body["payload"]["inventorySummaries"]}


def test_inventory_counts_what_is_sellable_reserved_and_inbound(there: Running):
    """Each in its own field; `startDateTime` narrows to what changed since."""
    there.control("PUT", "/stock", {"S2": {"fulfillable": 7, "receiving": 5, "unfulfillable": 1}})
    place(there, "A-1")
    found = summaries(there)
    assert found["S1"]["inventoryDetails"]["fulfillableQuantity"] == 98
    assert found["S1"]["inventoryDetails"]["reservedQuantity"]["pendingCustomerOrderQuantity"] == 2
    assert found["S2"]["inventoryDetails"]["inboundReceivingQuantity"] == 5
    assert found["S2"]["totalQuantity"] == 13
    there.advance(HOUR)
    there.stock(S2=9)
    assert set(summaries(there, "&startDateTime=2026-11-27T00:30:00Z")) == {"S2"}
    assert set(summaries(there, "&sellerSkus=S1,NOBODY")) == {"S1"}


def test_the_vendor_sandbox_operations_make_and_fill_items(there: Running):
    """createInventoryItem, addInventory once per idempotency token, deleteInventoryItem."""
    market, items = there.info["marketplace_id"], "/fba/inventory/v1/items"
    body = {"sellerSku": "NEW", "marketplaceId": market, "productName": "A thing"}
    assert there.call("POST", items, body).status == 200
    added = {"inventoryItems": [{"sellerSku": "NEW", "marketplaceId": market, "quantity": 4}]}
    token = there.token().body["access_token"]
    for _ in range(2):
        answer = there.ask(
            "POST", f"{items}/inventory", added, x_amz_access_token=token, x_amzn_idempotency_token="once"
        )
        assert answer.status == 200
    assert summaries(there)["NEW"]["inventoryDetails"]["fulfillableQuantity"] == 4
    assert there.call("DELETE", f"{items}/NEW?marketplaceId={market}").status == 200
    assert "NEW" not in summaries(there)


def test_packages_are_tracked_and_delivered(there: Running):
    """A parcel that left has a number, events, and is delivered after two days."""
    place(there, "A-1")
    there.advance(DAY)
    shipment = there.call("GET", f"{OLD}/fulfillmentOrders/A-1").body["payload"]["fulfillmentShipments"][0]
    number = shipment["fulfillmentShipmentPackage"][0]["packageNumber"]
    path = f"{OLD}/tracking?packageNumber={number}"
    assert there.call("GET", path).body["payload"]["currentStatus"] == "IN_TRANSIT"
    there.advance(2 * DAY)
    assert there.call("GET", path).body["payload"]["currentStatus"] == "DELIVERED"
    package = there.call("GET", f"{NEW}/orders/A-1").body["order"]["shipments"][0]["packages"][0]
    assert package["status"] == "DELIVERED"
    assert there.call("GET", f"{OLD}/tracking?packageNumber=1").status == 404


def test_the_vendor_sandbox_operations_move_orders(there: Running):
    """updateOrderStatus, updatePackage and submitFulfillmentOrderStatusUpdate do what the clock would; nothing goes back."""
    place(there, "A-1")
    assert there.call("PUT", f"{NEW}/orders/A-1/status", {"status": "COMPLETE"}).status == 204
    shipments = there.call("GET", f"{NEW}/orders/A-1").body["order"]["shipments"]
    package = shipments[0]["packages"][0]["packageId"]
    path = f"{NEW}/orders/A-1/packages/{package}"
    assert there.call("PUT", path, {"status": "OUT_FOR_DELIVERY"}).status == 204
    assert there.call("PUT", f"{NEW}/orders/A-1/status", {"status": "CANCELLED"}).status == 400
    place(there, "A-2")
    old = f"{OLD}/fulfillmentOrders/A-2/status"
    assert there.call("PUT", old, {"fulfillmentOrderStatus": "Processing"}).status == 200
    assert there.call("PUT", old, {"fulfillmentOrderStatus": "Planning"}).status == 400
    assert there.report()["orders"]["A-1"]["times"] == 1


def test_shipped_units_come_back(there: Running):
    """A return names shipment and reason, is processed after five days, and the unit is sellable again."""
    place(there, "A-1", units=1)
    there.advance(DAY)
    found = there.call("GET", f"{OLD}/fulfillmentOrders/A-1").body["payload"]
    codes = there.call("GET", f"{OLD}/returnReasonCodes?sellerSku=S1").body["payload"]["reasonCodeDetails"]
    item = {
        "sellerReturnItemId": "R-1",
        "sellerFulfillmentOrderItemId": "L1",
        "amazonShipmentId": found["fulfillmentShipments"][0]["amazonShipmentId"],
        "returnReasonCode": codes[0]["returnReasonCode"],
    }
    path = f"{OLD}/fulfillmentOrders/A-1/return"
    assert there.call("PUT", path, {"items": [item]}).body["payload"]["returnItems"][0]["status"] == "New"
    again = there.call("PUT", path, {"items": [item, {**item, "sellerReturnItemId": "R-2"}]}).body["payload"]
    reasons = [one["invalidItemReason"]["invalidItemReasonCode"] for one in again["invalidReturnItems"]]
    assert reasons == ["DuplicateRequest", "NoReturnableQuantity"]
    there.advance(5 * DAY)
    back = there.call("GET", f"{OLD}/fulfillmentOrders/A-1").body["payload"]["returnItems"][0]
    assert (back["status"], back["returnReceivedCondition"]) == ("Processed", "Sellable")
    assert summaries(there)["S1"]["inventoryDetails"]["fulfillableQuantity"] == 100


def test_previews_and_offers_promise_only_what_is_there(there: Running):
    """Both versions: a window and a fee where there is stock, a reason where there is none."""
    lines = [{key: line[key] for key in ("product", "amount")} for line in order("x")["lineItems"]]
    body = {"destination": {"deliveryAddress": ADDRESS}, "lineItems": lines}
    planned = there.call("POST", f"{NEW}/previews", body).body
    assert planned["plannedShipments"][0]["offers"][0]["estimatedPrice"]["totalPrice"]["currencyCode"] == "USD"
    wanted = {
        "origin": {"countryCode": "US"},
        "items": [{"productIdentifier": {"amazonSku": sku}} for sku in ("S1", "S9")],
    }
    offers = there.call("POST", f"{NEW}/offers", wanted).body["offerResults"]
    assert len(offers[0]["offers"]) == 1 and offers[1]["constraints"][0]["code"] == "INSUFFICIENT_INVENTORY"
    item = {"sellerSku": "S1", "quantity": 500, "sellerFulfillmentOrderItemId": "1"}
    old = there.call("POST", f"{OLD}/fulfillmentOrders/preview", {"address": ADDRESS, "items": [item]}).body["payload"]
    assert not old["fulfillmentPreviews"][0]["isFulfillable"]


def test_stock_comes_from_a_file(tmp_path: Path):
    """--stock takes sku,units; a file that makes no sense is refused before anything listens."""
    path = tmp_path / "stock.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("sku", "units"), ("S1", 4), ("S2", 5), ("S1", 1)])
    with amazon("--stock", str(path)) as there:
        assert {sku: found["fulfillable"] for sku, found in there.control("GET", "/stock").items()} == {
            "S1": 5,
            "S2": 5,
        }


def test_without_the_vendor_files_it_works_and_says_that_it_does_not_validate():
    """Built-in limits hold, its own checks refuse nonsense, and the first line tells that nobody judges."""
    with amazon("--sku", "S1=9", "--no-validation", clock=START) as there:
        assert there.info["validates"] is False and there.info["why_not"]
        assert place(there, "A-1").status == 200
        assert there.call("POST", f"{NEW}/orders", {"orderId": "A-2"}).status == 400
        assert there.call("POST", f"{OLD}/fulfillmentOrders", old_order("A-3", units=-1)).status == 400
        assert [there.call("GET", f"{NEW}/orders").status for _ in range(31)][-1] == 429


def test_two_runs_with_one_seed_answer_alike():
    """Identifiers come from the seed: the same story, the same bytes."""
    told = []
    for _ in range(2):
        with amazon("--sku", "S1=9", "--seed", "5", *NEVER_EXPIRES, clock=START) as there:
            place(there, "A-1")
            there.advance(DAY)
            told.append(there.call("GET", f"{NEW}/orders/A-1"))
    assert told[0].body == told[1].body and told[0].headers["x-amzn-requestid"] == told[1].headers["x-amzn-requestid"]


def test_an_order_may_leave_in_two_shipments():
    """With --split the second line leaves later: still in process between the two, complete after both, each unit once."""
    with amazon("--sku", "S1=9", "--sku", "S2=9", "--split", *NEVER_EXPIRES, clock=START) as there:
        second = {**order("x", sku="S2", units=1)["lineItems"][0], "lineItemId": "L2"}
        there.call("POST", f"{NEW}/orders", {**order("A-1"), "lineItems": [*order("x")["lineItems"], second]})
        there.advance(60 + 1800 + 14_400)
        seen = there.call("GET", f"{NEW}/orders/A-1").body["order"]
        assert (seen["status"], [found["status"] for found in seen["shipments"]]) == (
            "PROCESSING",
            ["SHIPPED", "PROCESSING"],
        )
        there.advance(14_400)
        found = there.report()["orders"]["A-1"]
        assert (found["state"], found["lines"], found["times"]) == ("COMPLETE", {"L1": 2, "L2": 1}, 2)
        assert there.report()["violations"] == 0
