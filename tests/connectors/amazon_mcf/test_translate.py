"""What Amazon's answers mean, version by version: words, parcels, refusals, and what breaks its own rules."""

import json
from copy import deepcopy
from typing import Any

import pytest

from tranship.connectors.amazon_mcf.settings import Settings
from tranship.connectors.amazon_mcf.translate_2020 import Connector2020
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.connectors.port import Count, Order, Response
from tranship.core.capability import Capability
from tranship.core.errors import InputError, InvariantError
from tranship.core.order import Destination, Person
from tranship.dispatch.model import Parcel, Result
from tranship.masking.mask import mask
from tranship.masking.policy import MaskingError

MARKETPLACE = "ATVPDKIKX0DER"
NEW, OLD = Connector2026(Settings(MARKETPLACE), Capability()), Connector2020(Settings(MARKETPLACE), Capability())
BOTH = (NEW, OLD)
ORDER = Order("TS-1")
AT = "2026-11-22T15:00:00Z"
AT_US = 1_795_359_600_000_000


def order_2026(status: str = "PROCESSING", action: str = "SHIP", **more: object) -> dict[str, Any]:
    """An answer of getOrder."""
    line = {"lineItemId": "L1", "product": {"productIdentifier": {"amazonSku": "S"}}, "amount": {"value": "3"}}
    order = {
        "orderId": "TS-1", "receiveTime": AT, "status": status, "fulfillmentConfiguration": {"action": action},
        "lineItems": [line], **more,
    }  # fmt: skip
    return {"order": order}


def order_2020(status: str = "Planning", action: str = "Ship", **more: object) -> dict[str, Any]:
    """An answer of getFulfillmentOrder."""
    head = {"sellerFulfillmentOrderId": "TS-1", "fulfillmentOrderStatus": status, "fulfillmentAction": action}
    item = {"sellerFulfillmentOrderItemId": "L1", "quantity": 3, "cancelledQuantity": 0, "unfulfillableQuantity": 0}
    return {"payload": {"fulfillmentOrder": head, "fulfillmentOrderItems": [item], "returnItems": [], **more}}


def answer(body: object, status: int = 200, **headers: str) -> Response:
    """An answer."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


def errors(code: str, message: str = "") -> dict[str, Any]:
    """Amazon's list of errors."""
    return {"errors": [{"code": code, "message": message}]}


@pytest.mark.parametrize(
    ("status", "action", "remote"),
    [
        ("PROCESSING", "HOLD", "HELD"),
        ("PROCESSING", "SHIP", "PROCESSING"),
        ("COMPLETE", "HOLD", "COMPLETE"),
        ("COMPLETE_PARTIAL", "SHIP", "COMPLETE_PARTIAL"),
        ("CANCELLED", "HOLD", "CANCELLED"),
        ("UNFULFILLABLE", "SHIP", "UNFULFILLABLE"),
        ("INVALID", "SHIP", "INVALID"),
    ],
)
def test_states_of_2026(status: str, action: str, remote: str):
    """An order in process is held while its action is HOLD; ends are ends whatever the action says."""
    assert NEW.read("get", ORDER, answer(order_2026(status, action))).remote == remote


@pytest.mark.parametrize(
    ("status", "action", "remote"),
    [
        ("New", "Hold", "HELD"),
        ("Received", "Hold", "HELD"),
        ("Planning", "Hold", "HELD"),
        ("Planning", "Ship", "PROCESSING"),
        ("Processing", "Ship", "PICKING"),
        ("Processing", "Hold", "PICKING"),
        ("CompletePartialled", "Ship", "COMPLETE_PARTIAL"),
        ("COMPLETE_PARTIALLED", "Ship", "COMPLETE_PARTIAL"),
        ("Cancelled", "Hold", "CANCELLED"),
    ],
)
def test_states_of_2020(status: str, action: str, remote: str):
    """Before it is processed it is held or can be called back; processed it can not."""
    assert OLD.read("get", ORDER, answer(order_2020(status, action))).remote == remote


def shipment_2026(**more: object) -> dict[str, Any]:
    """A shipment of two packages."""
    amount = {"value": "1.0", "unit": "EACHES"}
    return {
        "amazonShipmentId": "S1", "amazonFacility": {"facilityId": "F"}, "status": "SHIPPED", "shipTime": AT,
        "items": [
            {"lineItemId": "L1", "shipmentItemId": "I1", "amount": {"value": "2"}},
            {"lineItemId": "L1", "packageId": "P2", "amount": amount},
        ],
        "packages": [
            {"packageId": "P1", "status": "IN_TRANSIT", "shipmentItemIds": ["I1"],
             "tracking": {"carrier": {"carrierCode": "UPS", "trackingNumber": "1Z"}}},
            {"packageId": "P2", "status": "DELIVERED", "tracking": {"amazon": {"trackingNumber": "TBA"}}},
        ],
        **more,
    }  # fmt: skip


def test_parcels_of_2026():
    """Units by our line id in each package, carrier and number, when it left and whether it arrived."""
    told = NEW.read("tracking", ORDER, answer(order_2026("COMPLETE", shipments=[shipment_2026()])))
    assert told.parcels == (
        Parcel("P1", "UPS", "1Z", (("L1", 2),), "SHIPPED", AT_US),
        Parcel("P2", "AMAZON", "TBA", (("L1", 1),), "DELIVERED", AT_US),
    )
    bare = NEW.read("tracking", ORDER, answer(order_2026("COMPLETE", shipments=[shipment_2026(packages=[])])))
    assert bare.parcels == (Parcel("S1", lines=(("L1", 3),), status="SHIPPED", shipped_at=AT_US),)
    for status in ("PROCESSING", "CANCELLED"):
        waiting = shipment_2026(status=status, packages=[{"packageId": "P1", "status": "PROCESSING"}])
        assert NEW.read("get", ORDER, answer(order_2026(shipments=[waiting]))).parcels == ()


def test_what_partly_left_cannot_be_called_back():
    """A shipment of it left: the rest is in process, and the whole is past recall, held or not."""
    for action in ("HOLD", "SHIP"):
        assert (
            NEW.read("get", ORDER, answer(order_2026("PROCESSING", action, shipments=[shipment_2026()]))).remote
            == "PICKING"
        )
    shipped = {"amazonShipmentId": "S", "fulfillmentShipmentStatus": "SHIPPED", "fulfillmentShipmentItem": []}
    assert (
        OLD.read("get", ORDER, answer(order_2020("Planning", "Hold", fulfillmentShipments=[shipped]))).remote
        == "PICKING"
    )


def test_parcels_of_2020():
    """The same of the older version; delivered once there is word of it."""
    items = [
        {"sellerFulfillmentOrderItemId": "L1", "quantity": 2, "packageNumber": 7},
        {"sellerFulfillmentOrderItemId": "L1", "quantity": 1},
    ]
    packages = [
        {"packageNumber": 7, "carrierCode": "UPS", "trackingNumber": "1Z"},
        {
            "packageNumber": 8,
            "carrierCode": "AMZN",
            "amazonFulfillmentTrackingNumber": "TBA",
            "deliveryInformation": {},
        },
    ]
    shipment = {
        "amazonShipmentId": "S", "fulfillmentShipmentStatus": "SHIPPED", "shippingDate": AT,
        "fulfillmentShipmentItem": items, "fulfillmentShipmentPackage": packages,
    }  # fmt: skip
    told = OLD.read("get", ORDER, answer(order_2020("Complete", fulfillmentShipments=[shipment])))
    assert told.parcels == (
        Parcel("7", "UPS", "1Z", (("L1", 3),), "SHIPPED", AT_US),
        Parcel("8", "AMZN", "TBA", (), "DELIVERED", AT_US),
    )


def test_units_that_will_not_ship_are_told_by_line():
    """Cancelled and unfulfillable units of a line, of an order that is not dead as a whole."""
    new = order_2026("COMPLETE_PARTIAL")
    new["order"]["lineItems"][0].update(cancelledAmount={"value": "1"}, unfulfillableAmount={"value": "1.0"})
    assert NEW.read("get", ORDER, answer(new)).short == (("L1", 2),)
    old = order_2020("CompletePartialled")
    old["payload"]["fulfillmentOrderItems"][0].update(cancelledQuantity=1, unfulfillableQuantity=1)
    assert OLD.read("get", ORDER, answer(old)).short == (("L1", 2),)
    new["order"]["status"] = "CANCELLED"
    assert NEW.read("get", ORDER, answer(new)).short == ()


def test_a_null_is_a_field_that_is_absent():
    """Amazon's own examples have nulls where its schema has none."""
    body = order_2020("Complete", fulfillmentShipments=None)
    body["payload"]["fulfillmentOrder"]["fulfillmentAction"] = None
    assert OLD.read("get", ORDER, answer(body)).remote == "COMPLETE"
    body["payload"]["fulfillmentOrder"]["fulfillmentOrderStatus"] = None
    assert OLD.read("get", ORDER, answer(body)).outcome == "violation"


@pytest.mark.parametrize("connector", BOTH, ids=["2026", "2020"])
@pytest.mark.parametrize(
    ("status", "body", "op", "outcome"),
    [
        (400, errors("InvalidInput", "An order with the identifier TS-1 already exists."), "create", "exists"),
        (409, errors("Conflict"), "create", "exists"),
        (400, errors("DuplicateOrderId"), "create", "exists"),
        (400, errors("InvalidInput", "the SellerSKU for Item Id: L1 is invalid."), "create", "refused"),
        (400, errors("InvalidInput", "already exists"), "cancel", "refused"),
        (400, errors("InvalidInput", "The order does not exist."), "get", "not_found"),
        (404, errors("NotFound"), "get", "not_found"),
        (404, b"<html>404 Not Found</html>", "get", "violation"),
        (400, b"Bad Request", "create", "violation"),
        (401, errors("Unauthorized"), "create", "unauthorized"),
        (403, b"", "create", "unauthorized"),
        (408, b"", "create", "unknown"),
        (500, errors("InternalFailure"), "create", "unknown"),
        (503, b"<html>", "cancel", "unknown"),
        (302, b"", "get", "violation"),
        (200, b"", "create", "violation"),
        (200, errors("InternalFailure"), "cancel", "violation"),
    ],
)
def test_outcomes(connector: Connector2026 | Connector2020, status: int, body: object, op: str, outcome: str):
    """Only Amazon's own words are a refusal, a duplicate or an absence; all else leaves open what was done."""
    assert connector.read(op, ORDER, answer(body, status)).outcome == outcome


def test_a_throttled_call_says_how_long_to_wait():
    """By Retry-After, else by the published rate."""
    body = errors("QuotaExceeded", "You exceeded your quota")
    assert NEW.read("get", ORDER, answer(body, 429, retry_after="2")) == Result(
        "throttled", "", "", "status 429 QuotaExceeded", 2000
    )
    assert OLD.read("get", ORDER, answer(body, 429, x_amzn_ratelimit_limit="0.5")).retry_after_ms == 2000
    assert NEW.read_list(answer(body, 429, retry_after="1")).failed == Result(
        "throttled", "", "", "status 429 QuotaExceeded", 1000
    )


def test_a_detail_never_quotes():
    """Amazon repeats addresses in its messages; a detail has status and code."""
    message = "Invalid address: Ada Byron, 12 Oak St, Seattle"
    for connector in BOTH:
        result = connector.read("create", ORDER, answer(errors("InvalidInput", message), 400))
        assert result == Result("refused", detail="status 400 InvalidInput")
        assert "Ada" not in connector.read("create", ORDER, answer(errors(message), 400)).detail


def _set(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    body = deepcopy(body)
    *parents, last = path.split(".")
    inner: Any = body
    for parent in parents:
        inner = inner[int(parent) if parent.isdigit() else parent]
    inner[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("order.orderId", "TS-2", "another order's id"),
        ("order.orderId", None, "orderId"),
        ("order.status", "TELEPORTED", "unknown state TELEPORTED"),
        ("order.status", "Ada Byron, 12 Oak St", "unknown state"),
        ("order.status", 7, "order.status"),
        ("order.lineItems", {}, "lineItems"),
        ("order.lineItems.0.cancelledAmount", {"value": "0.5"}, "whole number"),
        ("order.lineItems.0.cancelledAmount", {"value": "-1"}, "whole number"),
        ("order.shipments.0.status", "LOST", "unknown state LOST"),
        ("order.shipments.0.shipTime", "yesterday", "timestamp"),
        ("order.shipments.0.packages.0.status", "EATEN", "unknown state EATEN"),
        ("order.shipments.0.items.0.amount", {"value": "many"}, "whole number"),
    ],
)
def test_an_order_that_breaks_amazons_rules_is_a_violation(path: str, value: object, said: str):
    """Place and kind of what is wrong, nothing of the content; a list tells it as a finding and keeps the other orders."""
    good = order_2026("COMPLETE", shipments=[shipment_2026()])
    bad = _set(good, path, value)
    result = NEW.read("get", ORDER, answer(bad))
    assert result.outcome == "violation" and said in result.detail and "Ada" not in result.detail
    listed = NEW.read_list(answer({"orders": [bad["order"], good["order"]], "pagination": {"nextToken": "T"}}))
    assert listed.reports[-1].remote == "COMPLETE" and listed.more == "T"
    if path != "order.orderId" or value is None:
        assert [finding.kind for finding in listed.findings] == ["unknown_state" if "unknown" in said else "violation"]


def test_orders_of_others_are_findings():
    """An account may have orders that are not ours: ids that Tranship never makes are told, without the id."""
    new, old = order_2026()["order"], order_2020()["payload"]["fulfillmentOrder"]
    listed = NEW.read_list(answer({"orders": [{**new, "orderId": "Ada's order"}]}))
    assert not listed.reports and [(f.kind, f.detail[:8]) for f in listed.findings] == [("foreign_id", "1 orders")]
    listed = OLD.read_list(
        answer({"payload": {"fulfillmentOrders": [{**old, "sellerFulfillmentOrderId": "a b"}, old]}})
    )
    assert [report.remote_id for report in listed.reports] == ["TS-1"] and listed.findings[0].kind == "foreign_id"


def test_bytes_of_another_dispatch_are_never_sent():
    """And neither are bytes with a leaf that is not on the list."""
    to = Person(name="A", street="B", city="C")
    masked = mask("TS-2", to, Destination(zip="98101", state="WA"), [("L1", "S", 1)], ship_by="2026-11-24")
    for connector in BOTH:
        body = connector.body(masked, hold=True)
        assert connector.create(Order("TS-2"), body).body is body
        with pytest.raises(InvariantError, match="another dispatch"):
            connector.create(ORDER, body)
        leaky = body.replace(b'"name":"A"', b'"name":"A","phone":"1"')
        with pytest.raises(MaskingError, match="phone"):
            connector.create(Order("TS-2"), leaky)
    with pytest.raises(InputError, match="ship-by"):
        OLD.body(mask("TS-2", to, Destination(zip="98101"), [("L1", "S", 1)]), hold=True)


@pytest.mark.parametrize(("service", "priority", "tier"), [("ground", True, "STANDARD"), ("two_day", True, "EXPEDITED"),
                                                           ("next_day", False, "EXPEDITED"), ("next_day", True, "PRIORITY")])  # fmt: skip
def test_service_words_become_tiers(service: str, priority: bool, tier: str):
    """The fastest one only where the country has it."""
    masked = mask(
        "TS-1",
        Person(name="A", street="B", city="C"),
        Destination(zip="98101"),
        [("L1", "S", 1)],
        service,
        "2026-11-24",
    )
    settings = Settings(MARKETPLACE, priority=priority)
    new = json.loads(Connector2026(settings, Capability()).body(masked, hold=False))
    old = json.loads(Connector2020(settings, Capability()).body(masked, hold=False))
    assert new["fulfillmentConfiguration"]["serviceLevel"]["serviceTiers"] == [tier]
    assert old["shippingSpeedCategory"].upper() == tier


def summary(sku: str = "S", **more: object) -> dict[str, Any]:
    """A row of getInventorySummaries."""
    details = {
        "fulfillableQuantity": 5, "inboundWorkingQuantity": 1, "inboundShippedQuantity": 2, "inboundReceivingQuantity": 4,
        "reservedQuantity": {"totalReservedQuantity": 3}, "researchingQuantity": {"totalResearchingQuantity": 1},
        "unfulfillableQuantity": {"totalUnfulfillableQuantity": 2},
    }  # fmt: skip
    return {"sellerSku": sku, "inventoryDetails": {**details, **more}}


def stock(*rows: object, token: str | None = None) -> Response:
    """An answer of getInventorySummaries."""
    return answer(
        {"payload": {"granularity": {}, "inventorySummaries": list(rows)}, "pagination": {"nextToken": token}}
    )


def test_stock_is_counted_by_what_can_be_sold():
    """Inbound and researched units are not sellable."""
    counted = NEW.read_stock(stock(summary(), token="T"))
    assert counted.counts == (Count("S", "", sellable=5, reserved=3, inbound=7, unsellable=3),)
    assert counted.more == "T" and counted.whole


@pytest.mark.parametrize("bad", [summary(fulfillableQuantity=-1), {"sellerSku": "S"}, 7, summary("A")])
def test_a_bad_row_of_stock_makes_nothing_zero(bad: object):
    """A row that cannot be read is a finding, and SKUs that are not named are not taken for none."""
    counted = OLD.read_stock(stock(summary("A"), bad))
    assert [row.sku for row in counted.counts] == ["A"] and len(counted.findings) == 1 and not counted.whole
    assert OLD.read_stock(answer({}, 503)).whole is False


def status(state: str, **more: object) -> bytes:
    """A FULFILLMENT_ORDER_STATUS notification."""
    told = {"SellerFulfillmentOrderId": "TS-1", "FulfillmentOrderStatus": state, **more}
    body = {
        "NotificationType": "FULFILLMENT_ORDER_STATUS", "Payload": {"FulfillmentOrderStatusNotification": told},
        "NotificationMetadata": {"NotificationId": "N1"},
    }  # fmt: skip
    return json.dumps(body).encode()


def test_only_who_knows_the_key_is_heard():
    """No key, a wrong one, or none configured: nothing of it is used. During a change the old one counts as well."""
    body = status("CANCELLED")
    for headers, secrets in (
        ({}, ["k"]),
        ({"x-api-key": "x"}, ["k"]),
        ({"x-api-key": ""}, [""]),
        ({"x-api-key": "k"}, []),
    ):
        told = NEW.message(headers, body, secrets)
        assert not told.ok and not told.reports and not told.findings
    for headers in ({"X-API-Key": "old"}, {"authorization": "Bearer new"}):
        told = NEW.message(headers, body, ["new", "old"])
        assert told.ok and told.key == "N1" and [report.remote for report in told.reports] == ["CANCELLED"]


@pytest.mark.parametrize("connector", BOTH, ids=["2026", "2020"])
@pytest.mark.parametrize(
    ("state", "remote"),
    [
        ("PLANNING", ""),
        ("Received", ""),
        ("PROCESSING", ""),
        ("COMPLETE", "COMPLETE"),
        ("COMPLETE_PARTIALLED", "COMPLETE_PARTIAL"),
        ("UNFULFILLABLE", "UNFULFILLABLE"),
    ],
)
def test_a_notification_counts_for_ends_only(connector: Connector2026 | Connector2020, state: str, remote: str):
    """It does not say whether an order waits on hold, so what has not ended says nothing."""
    told = connector.message({"x-api-key": "k"}, status(state), ["k"])
    assert [(report.remote_id, report.remote) for report in told.reports] == [("TS-1", remote)]


def test_parcels_of_a_notification_have_the_same_numbers_as_a_look():
    """Only the older version's package numbers are those of its orders, so only there they are taken."""
    packages = [{"PackageNumber": 7, "CarrierCode": "UPS", "TrackingNumber": "1Z"}]
    body = status(
        "PROCESSING",
        FulfillmentShipment={"FulfillmentShipmentStatus": "SHIPPED", "FulfillmentShipmentPackages": packages},
    )
    assert OLD.message({"x-api-key": "k"}, body, ["k"]).reports[0].parcels == (Parcel("7", "UPS", "1Z", (), "SHIPPED"),)
    assert NEW.message({"x-api-key": "k"}, body, ["k"]).reports[0].parcels == ()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "violation"),
        (b"[]", "violation"),
        (b'{"NotificationType": "FULFILLMENT_ORDER_STATUS"}', "violation"),
        (status("TELEPORTED"), "unknown_state"),
        (status("CANCELLED").replace(b"TS-1", b"Ada Byron"), "foreign_id"),
        (status("CANCELLED").replace(b"FULFILLMENT_ORDER_STATUS", b"ANY_OFFER_CHANGED"), "violation"),
        (status("CANCELLED").replace(b'"TS-1"', b"17"), "violation"),
    ],
)
def test_a_bad_notification_is_a_finding(body: bytes, kind: str):
    """It is told to a person, without its content, and changes nothing."""
    told = NEW.message({"x-api-key": "k"}, body, ["k"])
    assert told.ok and not told.reports and [finding.kind for finding in told.findings] == [kind]
    assert "Ada" not in str(told.findings)


def test_stock_notifications_count_our_marketplace():
    """The same buckets as a count; other marketplaces are passed over."""
    there = {
        "InboundQuantityBreakdown": {"Working": 0, "Shipped": 5, "Receiving": 10}, "Fulfillable": 50, "Unfulfillable": 1,
        "Researching": 2, "ReservedQuantityBreakdown": {"WarehouseProcessing": 5, "WarehouseTransfer": 15, "PendingCustomerOrder": 10},
        "FutureSupplyBuyable": 10, "PendingCustomerOrderInTransit": 0,
    }  # fmt: skip
    rows = [
        {"MarketplaceId": name, "ItemName": "x", "FulfillmentInventory": there}
        for name in (MARKETPLACE, "A2EUQ1WTGCTBG2")
    ]
    payload = {"SellerId": "A", "FNSKU": "F", "ASIN": "B", "SKU": "S", "FulfillmentInventoryByMarketplace": rows}
    body = {
        "NotificationType": "FBA_INVENTORY_AVAILABILITY_CHANGES", "Payload": payload,
        "NotificationMetadata": {"NotificationId": "N2"},
    }  # fmt: skip
    told = NEW.message({"x-api-key": "k"}, json.dumps(body).encode(), ["k"])
    assert told.counts == (Count("S", "", sellable=50, reserved=30, inbound=15, unsellable=3),) and told.key == "N2"


def test_returns_are_told_order_by_order():
    """What was processed of one order, with its disposition; a list of orders tells none."""
    returned = [
        {"sellerFulfillmentOrderItemId": "L1", "status": "Processed", "returnReceivedCondition": "Sellable"},
        {"sellerFulfillmentOrderItemId": "L1", "status": "New"},
    ]
    for connector in BOTH:
        assert connector.returns(0, "TS-1").path.endswith("/fulfillmentOrders/TS-1")
        assert connector.read_returns(answer(order_2020("Complete", returnItems=returned))).rows == (
            ("TS-1", "L1", 1, "Sellable"),
        )
        assert connector.read_returns(answer({"payload": {"fulfillmentOrders": []}})).rows == ()
        assert connector.read_returns(answer({}, 429)).failed is not None
