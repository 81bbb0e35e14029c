"""Orders through the real proxy to a network that keeps every byte: masked there, clear here, and nothing anywhere else."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.network import Network, echo, http, network, says, zipped
from tests.proxy.running import ORDERS, Proxy, Told, hits, identifying, order, proxy, refused_start
from tranship.masking.tokens import kind_of


@pytest.fixture(scope="module")
def there() -> Iterator[Network]:
    """The network."""
    with network() as found:
        yield found


@pytest.fixture(scope="module")
def here(there: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy in front of it."""
    with proxy(tmp_path_factory.mktemp("proxy") / "store", there.url, "--limit", "upstream_timeout_s=1") as found:
        yield found
    assert hits(SOUGHT, found.kept()) == []  # after all of it: store, audit and log


@pytest.fixture(autouse=True)
def _anew(there: Network) -> None:
    there.clear()


SOUGHT: dict[str, str] = {}
"""Canaries of all tests: at the end they are in none of the proxy's files."""


def nowhere(canaries: dict[str, str], *texts: bytes) -> None:
    """None of them is in any of these, in any shape; nor, at the end, in the proxy's files."""
    SOUGHT.update(canaries)
    for text in texts:
        assert hits(canaries, text) == []


def described(there: Network, told: Told, **change: Any) -> bytes:
    """The order as the network describes it: with what it was told, tokens and all."""
    masked = next(got.json() for got in there.got if got.method == "POST")
    item = masked["items"][0]
    known = {
        key: masked[key]
        for key in ("sellerFulfillmentOrderId", "displayableOrderId", "displayableOrderDate", "destinationAddress")
    }
    fulfillment_order = {**known, "fulfillmentOrderStatus": "Complete", "receivedDate": "2026-11-22T10:00:00Z"}
    line = {
        "sellerSku": item["sellerSku"],
        "sellerFulfillmentOrderItemId": item["sellerFulfillmentOrderItemId"],
        "quantity": 1,
    }
    payload = {
        "fulfillmentOrder": fulfillment_order,
        "fulfillmentOrderItems": [line],
        "fulfillmentShipments": [],
        **change,
    }
    return json.dumps({"payload": payload}).encode()


def test_an_order_leaves_masked_and_comes_back_clear(there: Network, here: Proxy):
    """Tokens where there were canaries, the parcel's address as it is, one constant User-Agent; then everything back."""
    told = order("clear")
    headers, more = identifying("clear")
    made = here.create(told.body, **headers)
    assert made.status == 200 and made.headers["x-amzn-requestid"] == "r-1" and "set-cookie" not in made.headers
    (got,) = there.got
    masked = got.json()
    assert kind_of(masked["sellerFulfillmentOrderId"]) == "order" == kind_of(masked["displayableOrderId"])
    assert kind_of(masked["items"][0]["sellerFulfillmentOrderItemId"]) == "line"
    assert masked["destinationAddress"]["addressLine1"] == "12 Oak St" and "phone" not in masked["destinationAddress"]
    assert masked["displayableOrderDate"].endswith("T00:00:00Z") and "notificationEmails" not in masked
    assert set(got.headers) <= {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "x-amz-access-token",
    }
    assert got.headers["user-agent"] == "tranship"
    there.answer = says(200, described(there, told))
    back = here.get(told.order_id)
    assert back.status == 200
    payload = back.json()["payload"]
    assert payload["fulfillmentOrder"]["sellerFulfillmentOrderId"] == told.order_id
    assert payload["fulfillmentOrder"]["destinationAddress"]["name"] == told.canaries["clear name"]
    assert payload["fulfillmentOrderItems"][0]["sellerFulfillmentOrderItemId"] == told.canaries["clear line"]
    there.answer = says(200, {})
    assert here.ask("PUT", f"{ORDERS}/{told.order_id}/cancel").status == 200
    assert [got.target.split("/")[-2:] for got in there.got[1:]] == [
        ["fulfillmentOrders", masked["sellerFulfillmentOrderId"]], [masked["sellerFulfillmentOrderId"], "cancel"],
    ]  # fmt: skip
    nowhere({**told.canaries, **more}, there.everything())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_an_error_that_repeats_the_request_is_reduced(there: Network, here: Proxy, status: int):
    """A network that answers with everything it was sent: the client gets a code and a sentence of ours, not even the tokens."""
    told = order(f"echo {status}")
    there.answer = echo(status)
    answer = here.create(told.body)
    assert answer.status == status
    (error,) = answer.json()["errors"]
    assert error["code"] == "InvalidInput" and error["message"].startswith("The network refused")
    token = there.got[0].json()["sellerFulfillmentOrderId"]
    assert token.encode() not in answer.body
    nowhere(told.canaries, answer.body, there.everything())


BAD_ANSWERS = {
    "redirect": lambda got: http(302, got.body, f"Location: http://127.0.0.1:9/{got.target}"),
    "permanent redirect": lambda got: http(308, b"", "Location: /elsewhere"),
    "not modified": lambda got: http(304, b""),
    "html": says(200, b"<html><body>Ada Byron</body></html>"),
    "half": says(200, b'{"payload":{"fulfillmentOrder":'),
    "twice": says(200, b'{"payload":{},"payload":{}}'),
    "not utf-8": says(200, b'{"payload":"\xff\xfe"}'),
    "a number": says(200, b"17"),
    "deep": says(200, b"[" * 100_000),
    "too large": says(200, b'{"payload":"' + b"x" * 5_000_000 + b'"}'),
    "bomb": zipped(b'{"payload":"' + b"0" * 50_000_000 + b'"}'),
    "foreign token": says(200, {"payload": {"fulfillmentOrder": {"sellerFulfillmentOrderId": "TO2222222222222"}}}),
    "another's order": says(200, {"payload": {"fulfillmentOrder": {"sellerFulfillmentOrderId": "SHOP-1"}}}),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_what_cannot_be_unmasked_is_not_passed_on(there: Network, here: Proxy, name: str):
    """Whatever the network says: 502 or 504 and a sentence of ours, the request sent, a row in the audit, a line in the log."""
    told = order(f"bad {name}")
    assert here.create(told.body).status == 200
    there.answer = BAD_ANSWERS[name]
    answer = here.get(told.order_id)
    assert answer.status in {502, 504} and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["sent"] in {"yes", "maybe"} and b"Ada" not in answer.body and b"SHOP-1" not in answer.body
    assert len(there.got) == 2  # nothing was followed, nothing was asked again
    nowhere(told.canaries, answer.body, there.everything())


@pytest.mark.parametrize("fault", ["hang", "reset", "truncate", "garbage"])
def test_a_lost_answer_is_said_to_be_lost(there: Network, here: Proxy, fault: str):
    """And the same bytes go out when the client asks again."""
    told = order(f"fault {fault}")
    there.fault = fault
    answer = here.create(told.body)
    assert answer.status == 504 and answer.json()["sent"] == "maybe"
    there.fault = ""
    assert here.create(told.body).status == 200
    assert len({got.body for got in there.got}) == 1 and len(there.got) >= 2
    nowhere(told.canaries, answer.body, there.everything())


def test_an_answer_in_single_bytes_is_one_answer(there: Network, here: Proxy):
    """Split at every byte, tokens are found all the same."""
    told = order("split")
    assert here.create(told.body).status == 200
    there.answer, there.fault = says(200, described(there, told)), "split"
    back = here.get(told.order_id)
    assert (
        back.status == 200 and back.json()["payload"]["fulfillmentOrder"]["sellerFulfillmentOrderId"] == told.order_id
    )


REFUSED: dict[str, dict[str, Any]] = {
    "an unknown leaf": {"customerTier": "gold"},
    "text as a number": {"items": [{"sellerSku": "S1", "sellerFulfillmentOrderItemId": "1", "quantity": "two"}]},
    "a word that is none": {"shippingSpeedCategory": "As fast as Ada can"},
    "a note in the address": {"destinationAddress": {"name": "A", "addressLine1": "12 Oak St call 415 555 2671", "city": "Seattle", "postalCode": "98101", "countryCode": "US"}},  # noqa: E501
    "cash on delivery": {"codSettings": {"isCodRequired": True}},
    "no order": {"sellerFulfillmentOrderId": None},
    "an order that is an object": {"sellerFulfillmentOrderId": {"a": 1}},
    "a payment": {"paymentInformation": [{"paymentTransactionId": "pay-1", "paymentMode": "card", "paymentDate": "2026-11-22T00:00:00Z"}]},
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_masked_is_not_sent(there: Network, here: Proxy, name: str):
    """422 with the leaf and the reason, no byte to the network, no value in the answer."""
    told = order(f"refused {name}", **REFUSED[name])
    answer = here.create(told.body)
    assert answer.status == 422, answer
    assert answer.json()["sent"] == "no" and answer.json()["leaf"] and answer.json()["detail"]
    assert there.raw == [] or there.everything() == b""
    nowhere(told.canaries, answer.body)
    for value in (b"gold", b"as Ada", b"call 415", b"pay-1"):
        assert value not in answer.body


def test_what_the_policy_does_not_know_has_no_route(there: Network, here: Proxy):
    """Other operations of the same network too; nothing is sent."""
    for method, path in (
        ("GET", "/orders/v0/orders"), ("GET", "/fba/outbound/2020-07-01/fulfillmentOrders/"), ("DELETE", f"{ORDERS}/A"),
        ("POST", "/feeds/2021-06-30/feeds"), ("GET", "/"), ("POST", "/auth/o2/token"), ("GET", f"{ORDERS}/A/B"),
    ):  # fmt: skip
        answer = here.ask(method, path, {} if method == "POST" else None)
        assert answer.status in {400, 404}, (path, answer)
    assert there.got == []


def test_an_order_that_never_went_through_is_unknown(there: Network, here: Proxy):
    """To ask a network for it would tell the shop's number."""
    told = order("never")
    for answer in (here.get(told.order_id), here.ask("PUT", f"{ORDERS}/{told.order_id}/cancel")):
        assert answer.status == 404 and answer.json()["type"].endswith("unknown-order")
    query = f"/fba/outbound/2020-07-01/returnReasonCodes?sellerSku=S1&sellerFulfillmentOrderId={told.order_id}"
    assert here.ask("GET", query).status == 422
    assert there.got == []
    nowhere(told.canaries)


def test_duplicate_keys_and_broken_bodies_are_refused(there: Network, here: Proxy):
    """The second value of a key could be another order's; a body that is no JSON could be anything."""
    raw = json.dumps(order("twice").body).encode()
    for body in (
        raw[:-1] + b',"sellerFulfillmentOrderId":"B"}', raw[:-1], b"\xff" + raw, b"", b"[]", b"null",
        raw.replace(b"Seattle", b"Se\xffttle"),
        raw.replace(b'"quantity": 1', b'"quantity": NaN'), raw.replace(b'"Seattle"', b'"\\ud800"'), raw.replace(b'"S1"', b'"S\\udfff"'),
    ):  # fmt: skip
        refused = here.ask("POST", ORDERS, body)
        assert refused.status == 422 and refused.json()["sent"] == "no", body
    assert there.got == []
    told = order("pair").body | {
        "displayableOrderComment": "PAIR"
    }  # a whole pair is text, and so is what looks like half of one
    whole = json.dumps(told).encode().replace(b"PAIR", b"\\ud83d\\ude00 \\\\ud800")
    assert here.ask("POST", ORDERS, whole).status == 200 and "fault" not in here.log.read_text()


def test_the_same_order_twice_at_once_is_the_same_bytes(there: Network, here: Proxy):
    """Fifty clients, ten orders, five times each at once: one form of each order at the network."""
    orders = [order(f"crowd {n}") for n in range(10)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda told: here.create(told.body), orders * 5))
    assert {answer.status for answer in answers} == {200}
    assert len(there.got) == 50 and len({got.body for got in there.got}) == 10
    canaries = {name: text for told in orders for name, text in told.canaries.items()}
    nowhere(canaries, there.everything())


def test_two_orders_of_a_person_share_no_token(there: Network, here: Proxy):
    """Nothing at the network says that it is the same person again."""
    first, second = order("same"), order("same")
    second.body["sellerFulfillmentOrderId"] = second.body["displayableOrderId"] = "another-order"
    for told in (first, second):
        assert here.create(told.body).status == 200
    one, other = (got.json() for got in there.got)
    assert one["destinationAddress"]["name"] != other["destinationAddress"]["name"]
    assert one["items"][0]["sellerFulfillmentOrderItemId"] != other["items"][0]["sellerFulfillmentOrderItemId"]


def test_personal_data_that_comes_in_becomes_a_token(there: Network, here: Proxy, tmp_path: Path):
    """Who signed for a parcel is kept sealed; the client gets its token, unless the proxy was told to give it in clear."""
    there.answer = says(
        200, {"payload": {"packageNumber": 7, "signedForBy": "Grace Hopper", "shipToAddress": {"city": "Seattle"}}}
    )
    path = "/fba/outbound/2020-07-01/tracking?packageNumber=7"
    told = here.ask("GET", path).json()["payload"]
    assert kind_of(told["signedForBy"]) == "person_in" and told["packageNumber"] == 7
    assert b"Grace" not in here.kept()
    with proxy(tmp_path / "store", there.url, "--tell-personal") as open_one:
        assert open_one.ask("GET", path).json()["payload"]["signedForBy"] == "Grace Hopper"
        assert b"Grace" not in open_one.kept()
    assert here.ask("GET", "/fba/outbound/2020-07-01/tracking?packageNumber=Ada").status == 422


def test_what_the_network_told_goes_back_as_it_told_it(there: Network, here: Proxy):
    """A page's mark comes back as a token, and the token leaves as the mark; anything else in its place does not."""
    there.answer = says(200, {"payload": {"fulfillmentOrders": [], "nextToken": "MDAwMQ=="}})
    found = here.ask("GET", f"{ORDERS}?queryStartDate=2026-11-22T00:00:00Z").json()["payload"]["nextToken"]
    assert kind_of(found) == "text"
    assert here.ask("GET", f"{ORDERS}?nextToken={found}").status == 200
    assert there.got[-1].target.endswith("nextToken=MDAwMQ%3D%3D")
    for wrong in ("MDAwMQ==", "Ada", found[:-1] + ("2" if found[-1] != "2" else "3")):
        assert here.ask("GET", f"{ORDERS}?nextToken={wrong}").status == 422
    assert len(there.got) == 2


def test_a_list_leaves_out_what_is_not_ours(there: Network, here: Proxy):
    """Orders of other software on the same account are not passed on, and are counted."""
    told = order("listed")
    assert here.create(told.body).status == 200
    ours = json.loads(described(there, told))["payload"]["fulfillmentOrder"]
    there.answer = says(
        200, {"payload": {"fulfillmentOrders": [{**ours, "sellerFulfillmentOrderId": "SHOP-17"}, ours]}}
    )
    answer = here.ask("GET", f"{ORDERS}?queryStartDate=2026-11-22T00:00:00Z")
    (found,) = answer.json()["payload"]["fulfillmentOrders"]
    assert found["sellerFulfillmentOrderId"] == told.order_id and b"SHOP-17" not in answer.body
    assert here.counts()["events"]["quarantined_in_list"] >= 1


def test_a_quote_leaves_nothing_behind(there: Network, here: Proxy):
    """Lines of a preview get tokens for the exchange; they come back, and are not kept."""
    item = {"sellerSku": "S1", "quantity": 1, "sellerFulfillmentOrderItemId": "secret-line-1"}
    address = {
        "name": "Ada Byron",
        "addressLine1": "12 Oak St",
        "city": "Seattle",
        "postalCode": "98101",
        "countryCode": "US",
    }

    def quote(got: Any) -> bytes:
        line = got.json()["items"][0]["sellerFulfillmentOrderItemId"]
        preview = {"shippingSpeedCategory": "Standard", "isFulfillable": False, "isCODCapable": False, "marketplaceId": "ATVPDKIKX0DER",
                   "unfulfillablePreviewItems": [{"sellerSku": "S1", "quantity": 1, "sellerFulfillmentOrderItemId": line}]}  # fmt: skip
        return http(200, json.dumps({"payload": {"fulfillmentPreviews": [preview]}}).encode())

    there.answer = quote
    answer = here.ask("POST", f"{ORDERS}/preview", {"address": address, "items": [item]})
    (preview,) = answer.json()["payload"]["fulfillmentPreviews"]
    assert preview["unfulfillablePreviewItems"][0]["sellerFulfillmentOrderItemId"] == "secret-line-1"
    masked = there.got[0].json()
    assert (
        masked["address"]["name"] == "Recipient"
        and kind_of(masked["items"][0]["sellerFulfillmentOrderItemId"]) == "line"
    )
    kept = here.kept()
    assert b"secret-line" not in kept and masked["items"][0]["sellerFulfillmentOrderItemId"].encode() not in kept


def test_an_access_token_that_is_none_stops_the_request(there: Network, here: Proxy):
    """The only text of a client that leaves as it came has to look like Amazon's."""
    told = order("token")
    for value in ("Ada Byron", "Bearer abc", "Atza|with blank"):
        answer = here.create(told.body, x_amz_access_token=value)
        assert answer.status == 400 and answer.json()["leaf"] == "x-amz-access-token"
    assert there.got == []


def test_where_it_must_not_start(there: Network, tmp_path: Path):
    """A bad policy, an upstream without TLS elsewhere, an open address without a token: no port is listened on."""
    bad = tmp_path / "bad.toml"
    bad.write_text(
        'kind = "amazon_mcf_2020"\n[change.createFulfillmentOrder.body]\n"items[].giftMessage" = "pass(label)"\n'
    )
    assert "giftMessage" in refused_start(tmp_path / "a", there.url, "--policy", str(bad))
    assert "without TLS" in refused_start(tmp_path / "b", "http://example.com")
    assert "token is needed" in refused_start(tmp_path / "c", there.url, "--host", "0.0.0.0")
    assert "none of" in refused_start(tmp_path / "d", there.url, kind="shipbob")
    assert "no limit" in refused_start(tmp_path / "e", there.url, "--limit", "bypass=1")
    assert there.got == []
