"""Answers and notifications on their way back: by token, kind and order; what is not ours is not passed on."""

import json
from typing import Any

import pytest

from tests.masking.messages import MCF, address, answer, line, masked, order, told
from tranship.core.errors import InputError
from tranship.masking.policy import QuarantineError, load
from tranship.masking.tokens import KINDS, kind_of, new_token
from tranship.masking.tokens_memory import MemoryTokens
from tranship.masking.unmask import Unmasked, unmask

TOKENS = MemoryTokens()
SENT = masked(order(), TOKENS)
OTHER = masked(order(sellerFulfillmentOrderId="SHOP-2"), TOKENS)


def back(body: Any, op: str = "getFulfillmentOrder", tokens: MemoryTokens = TOKENS, **more: Any) -> Unmasked:
    """What the client gets."""
    return unmask(body if isinstance(body, bytes) else json.dumps(body).encode(), op, MCF, tokens, **more)


def changed(body: Any, path: str, value: Any) -> Any:
    """The same with one leaf replaced."""
    body = json.loads(json.dumps(body))
    *parents, last = path.split(".")
    node = body
    for parent in parents:
        node = node[int(parent)] if parent.isdecimal() else node[parent]
    node[last] = value
    return body


def test_an_answer_speaks_the_shops_words_again():
    """Order, number on the slip, name and lines are the shop's own; what was never sent does not appear."""
    made = back(answer(SENT), subject=SENT.subject)
    payload = json.loads(made.body)["payload"]
    assert payload["fulfillmentOrder"]["sellerFulfillmentOrderId"] == "SHOP-100123"
    assert payload["fulfillmentOrder"]["displayableOrderId"] == "#100123"
    assert payload["fulfillmentOrder"]["destinationAddress"] == address(phone=None)
    assert [item["sellerFulfillmentOrderItemId"] for item in payload["fulfillmentOrderItems"]] == ["8812001", "8812002"]
    assert made.subject == SENT.subject and not made.quarantined
    assert "SHOP" not in repr(made) and "Ada" not in repr(made.fields)


def test_the_way_there_and_back_is_the_identity_on_tokens():
    """unmask(mask(x)) is x wherever a token stood."""
    again = json.loads(back(answer(SENT)).body)["payload"]
    before = order()
    for leaf in ("sellerFulfillmentOrderId", "displayableOrderId"):
        assert again["fulfillmentOrder"][leaf] == before[leaf]
    assert again["fulfillmentOrder"]["destinationAddress"]["name"] == before["destinationAddress"]["name"]


GOOD = answer(SENT)
NAME = "payload.fulfillmentOrder.destinationAddress.name"
ORDER = "payload.fulfillmentOrder.sellerFulfillmentOrderId"
LINE = "payload.fulfillmentOrderItems.0.sellerFulfillmentOrderItemId"


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (NAME, told(OTHER)["destinationAddress"]["name"], "another order"),
        (NAME, SENT.subject, "another kind"),
        (NAME, new_token("name"), "unknown"),
        (NAME, "R. K7Q2-M8XWC"[:-1] + "2", "no token"),
        (NAME, "Ada Byron", "no token"),
        (NAME, 5, "not text"),
        (LINE, told(OTHER)["items"][0]["sellerFulfillmentOrderItemId"], "another order"),
        (LINE, "8812001", "no token"),
        (LINE, new_token("line"), "unknown"),
        (ORDER, OTHER.subject, "another order"),
        (ORDER, "SHOP-100123", "no order of ours"),
        (ORDER, new_token("order"), "no order of ours"),
        (ORDER, told(SENT)["items"][0]["sellerFulfillmentOrderItemId"], "no order of ours"),
        ("payload.fulfillmentOrder.fulfillmentOrderStatus", SENT.subject, "where none belongs"),
        (
            "payload.fulfillmentOrder.destinationAddress.city",
            told(SENT)["destinationAddress"]["name"],
            "where none belongs",
        ),
    ],
    ids=[f"case {n}" for n in range(15)],  # tokens are random: two workers must agree on the names
)
def test_a_token_that_does_not_belong_quarantines_the_message(path: str, value: Any, why: str):
    """Unknown, foreign, damaged, of another kind or another order: nothing is passed on, and the error tells no value."""
    with pytest.raises(QuarantineError, match=why) as caught:
        back(changed(GOOD, path, value), subject=SENT.subject)
    assert caught.value.leaf.startswith("answer payload.")
    assert str(value) not in str(caught.value) and "Ada" not in str(caught.value)


def test_an_answer_about_another_order_than_was_asked_for_is_quarantined():
    """Whole and sound in itself, and ours: still not what the client asked about."""
    assert back(answer(OTHER), subject=OTHER.subject).subject == OTHER.subject
    with pytest.raises(QuarantineError, match="another order than was asked for"):
        back(answer(OTHER), subject=SENT.subject)


def test_expired_tokens_and_those_of_another_network_are_quarantined():
    """Some days after the delivery a token is over; a vault of another network never had it."""
    tokens = MemoryTokens()
    sent = masked(order(), tokens)
    with pytest.raises(QuarantineError):
        back(answer(sent), tokens=MemoryTokens())
    tokens.expire(sent.subject)
    with pytest.raises(QuarantineError, match="over"):
        back(answer(sent), tokens=tokens)


def test_of_a_list_only_what_is_ours_is_passed_on():
    """An account may be shared with other software: its orders are taken out and told, ours stay."""
    heads = [answer(sent)["payload"]["fulfillmentOrder"] for sent in (SENT, OTHER)]
    strange = {**heads[0], "sellerFulfillmentOrderId": "CONSUMER-2026-1"}
    mixed = {**heads[0], "destinationAddress": heads[1]["destinationAddress"]}
    made = back({"payload": {"fulfillmentOrders": [heads[0], strange, heads[1], mixed], "nextToken": "page/2"}}, "list")
    payload = json.loads(made.body)["payload"]
    assert [found["sellerFulfillmentOrderId"] for found in payload["fulfillmentOrders"]] == ["SHOP-100123", "SHOP-2"]
    assert [(found.token_kind, found.why) for found in made.quarantined] == [
        ("order", "is no order of ours"),
        ("name", "belongs to another order"),
    ]
    assert kind_of(payload["nextToken"]) == "text" and TOKENS.found(payload["nextToken"]).value == "page/2"


def test_personal_data_that_comes_in_becomes_a_token():
    """Who signed, a picture of the door, a locker's code: kept by the vault, a token in the answer."""
    payload = {"packageNumber": 1, "signedForBy": "A. NEIGHBOR", "currentStatus": "DELIVERED", "trackingNumber": "1Z999",
               "currentStatusDescription": "signed by A. NEIGHBOR", "shipToAddress": {"city": "SEATTLE", "state": "WA", "country": "US"},
               "carrierPhoneNumber": "1-800-555-0100", "trackingEvents": []}  # fmt: skip
    made = back({"payload": payload}, "getPackageTrackingDetails")
    out = json.loads(made.body)["payload"]
    assert kind_of(out["signedForBy"]) == "person_in" and TOKENS.found(out["signedForBy"]).value == "A. NEIGHBOR"
    assert b"NEIGHBOR" not in made.body and "carrierPhoneNumber" not in out
    assert out["trackingNumber"] == "1Z999" and out["shipToAddress"]["city"] == "SEATTLE"


def test_leaves_of_tomorrow_are_left_out_and_told():
    """A vendor adds a leaf, or a word of another type: the rest is passed on, and the name of its place is in `dropped`."""
    body = changed(
        changed(GOOD, "payload.fulfillmentOrder.mood", "Ada is happy"), "payload.fulfillmentOrder.receivedDate", 17
    )
    made = back(body, subject=SENT.subject)
    assert made.dropped == ("payload.fulfillmentOrder.(unknown)", "answer payload.fulfillmentOrder.receivedDate")
    assert b"mood" not in made.body and b"receivedDate" not in made.body


def test_notifications_come_back_in_the_shops_words():
    """FULFILLMENT_ORDER_STATUS names the order by its token; packages come as the schema has them, or as a list."""
    package = {"PackageNumber": 7, "CarrierCode": "UPS", "TrackingNumber": "1Z999"}
    for packages in ([package], {"FulfillmentShipmentPackageItem": package}):
        status = {"SellerFulfillmentOrderId": SENT.subject, "FulfillmentOrderStatus": "COMPLETE", "EventType": "Order",
                  "FulfillmentShipment": {"FulfillmentShipmentStatus": "SHIPPED", "FulfillmentShipmentPackages": packages},
                  "FulfillmentReturnItem": {"SellerSKU": "MUG-1", "ReturnedQuantity": 1}}  # fmt: skip
        body = {
            "NotificationType": "FULFILLMENT_ORDER_STATUS",
            "Payload": {"FulfillmentOrderStatusNotification": status},
        }
        made = back(body, "FULFILLMENT_ORDER_STATUS")
        out = json.loads(made.body)["Payload"]["FulfillmentOrderStatusNotification"]
        assert out["SellerFulfillmentOrderId"] == "SHOP-100123" and out["FulfillmentReturnItem"]["SellerSKU"] == "MUG-1"
        assert "1Z999" in json.dumps(out)
    with pytest.raises(QuarantineError):
        back(
            changed(body, "Payload.FulfillmentOrderStatusNotification.SellerFulfillmentOrderId", "CONSUMER-1"),
            "FULFILLMENT_ORDER_STATUS",
        )


def test_returns_name_lines_and_keep_the_networks_own_ids():
    """The shop's ids of return and line come back; a shipment's id is kept and goes back to the network as it was."""
    asked = {"items": [{"sellerReturnItemId": "RET-1", "sellerFulfillmentOrderItemId": "8812001", "amazonShipmentId": "D4yZ",
                        "returnReasonCode": "X", "returnComment": "too small for Ada"}]}  # fmt: skip
    asked["items"][0]["amazonShipmentId"] = TOKENS.token("shipment", "", "D4yZ")
    asked["items"][0]["returnReasonCode"] = TOKENS.token("text", "", "AMZ-PG-APP-TOO-SMALL")
    made = masked(asked, TOKENS, "createFulfillmentReturn", sellerFulfillmentOrderId="SHOP-100123")
    sent = told(made)["items"][0]
    assert (
        sent["amazonShipmentId"] == "D4yZ"
        and sent["returnReasonCode"] == "AMZ-PG-APP-TOO-SMALL"
        and "returnComment" not in sent
    )
    answered = {"payload": {"returnItems": [{**sent, "status": "New"}], "returnAuthorizations": []}}
    out = json.loads(back(answered, "createFulfillmentReturn", subject=made.subject).body)["payload"]["returnItems"][0]
    assert out["sellerReturnItemId"] == "RET-1" and out["sellerFulfillmentOrderItemId"] == "8812001"
    assert TOKENS.found(out["amazonShipmentId"]).value == "D4yZ"


@pytest.mark.parametrize(
    ("status", "body", "out"),
    [
        (
            400,
            b'{"errors":[{"code":"InvalidInput","message":"12 Oak St is no street","details":"Ada"}]}',
            {"errors": [{"code": "InvalidInput"}]},
        ),
        (400, b'{"errors":[{"code":"Ada","message":"x"}]}', {}),
        (503, b"<html>12 Oak St</html>", None),
        (500, b"", None),
        (404, b'{"errors":[{"code":"NotFound","code":"Ada"}]}', None),
        (400, b'["12 Oak St"]', {}),
    ],
)
def test_of_an_error_only_its_code_comes_back(status: int, body: bytes, out: Any):
    """Networks repeat in their sentences what was sent."""
    made = back(body, "create", status=status)
    assert (json.loads(made.body) if made.body else None) == out
    assert "Oak" not in repr(made) + repr(made.dropped)


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"a":1,"a":2}', b"\xff", b"[" * 100_000, b"1", b'{"a":NaN}', b'{"a":"\\ud800"}']
)
def test_a_success_that_cannot_be_read_is_quarantined(body: bytes):
    """Nobody can say what is in it."""
    with pytest.raises(QuarantineError) as caught:
        back(body)
    assert caught.value.__context__ is None


def test_an_empty_success_stays_empty():
    """Many operations answer with nothing."""
    assert back(b"", "cancel").body == b"" and back({}, "cancel").body == b"{}"


def test_a_name_that_the_policy_lets_out_comes_back_as_it_is(tmp_path):
    """With pass(name) a clear name is no stranger; under the default it is one."""
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'kind = "amazon_mcf_2020"\n[change.createFulfillmentOrder.body]\n"destinationAddress.name" = "pass(name)"\n'
    )
    policy = load("amazon_mcf_2020", mine)
    tokens = MemoryTokens()
    sent = masked(order(), tokens, policy=policy)
    assert told(sent)["destinationAddress"]["name"] == "Ada Byron"
    made = unmask(json.dumps(answer(sent)).encode(), "getFulfillmentOrder", policy, tokens)
    assert json.loads(made.body)["payload"]["fulfillmentOrder"]["destinationAddress"]["name"] == "Ada Byron"


def test_the_newer_version_and_shipbob_come_back_too():
    """The same promises in the other dialects."""
    tokens = MemoryTokens()
    body = {"orderId": "SHOP-1", "channel": "shopify-main", "destination": {"deliveryAddress": address(), "deliveryNotes": "ring twice"},
            "fulfillmentConfiguration": {"action": "SHIP", "policy": "FILL_ALL", "serviceLevel": {"serviceTiers": ["STANDARD"]}},
            "origin": {"countryCode": "US"},
            "lineItems": [{"lineItemId": "9", "product": {"productIdentifier": {"amazonSku": "MUG-1"}},
                           "amount": {"unit": "EACHES", "value": "2"}}]}  # fmt: skip
    mcf = load("amazon_mcf")
    made = masked(body, tokens, "create", mcf)
    assert "channel" not in told(made) and "deliveryNotes" not in told(made)["destination"]
    seen = told(made)
    out = unmask(
        json.dumps({"order": {**seen, "status": "PROCESSING"}}).encode(), "getOrder", mcf, tokens, subject=made.subject
    )
    again = json.loads(out.body)["order"]
    assert again["orderId"] == "SHOP-1" and again["lineItems"][0]["lineItemId"] == "9"
    assert again["destination"]["deliveryAddress"] == address(phone=None)
    bob, person = (
        load("shipbob"),
        {"address1": "12 Oak St", "city": "Seattle", "state": "WA", "zip_code": "98101", "country": "US"},
    )
    body = {"reference_id": "SHOP-1", "type": "DTC", "shipping_method": "Standard", "order_number": "#1",
            "recipient": {"name": "Ada Byron", "email": "ada@post.example", "address": person},
            "products": [{"reference_id": "MUG-1", "name": "MUG-1", "quantity": 2, "external_line_id": 8812001,
                          "unit_price": 12.5}]}  # fmt: skip
    made = masked(body, tokens, "create", bob)
    assert told(made)["products"] == [{"reference_id": "MUG-1", "name": "MUG-1", "quantity": 2, "external_line_id": 1}]
    found = unmask(
        json.dumps([{**told(made), "id": 5, "status": "Processing"}, {"id": 6, "reference_id": "other"}]).encode(),
        "get",
        bob,
        tokens,
    )
    assert [one["reference_id"] for one in json.loads(found.body)] == ["SHOP-1"] and len(found.quarantined) == 1


def test_every_kind_is_told_apart():
    """A token of each kind at the name's leaf: only a name's own is taken."""
    for kind in set(KINDS) - {"name"}:
        with pytest.raises(QuarantineError):
            back(changed(GOOD, NAME, TOKENS.token(kind, SENT.subject, "x")), subject=SENT.subject)


def test_an_operation_that_nobody_knows_is_refused():
    """On the way back as on the way out."""
    with pytest.raises(InputError):
        back({}, "somethingElse")
    assert line()["quantity"] == 2
