"""What becomes of a message on its way out, leaf by leaf."""

import json
from typing import Any

import pytest

from tests.masking import messages
from tests.masking.messages import MCF, address, line, masked, order, told
from tranship.core.errors import InputError
from tranship.masking.message import Message, mask
from tranship.masking.policy import MaskingError, check, load
from tranship.masking.tokens import kind_of
from tranship.masking.tokens_memory import MemoryTokens


def test_an_order_leaves_with_what_the_parcel_needs():
    """Address, article, units and words; ids, name and line are tokens; comments, phone, mail, values and gifts are gone."""
    made = masked(order())
    out = told(made)
    assert out["destinationAddress"].pop("name").startswith("R. ")
    assert out["destinationAddress"] == address(name=None, phone=None)
    assert (
        out["displayableOrderComment"] == "Thank you for your order."
        and out["displayableOrderDate"] == "2026-11-22T00:00:00Z"
    )
    assert [set(item) for item in out["items"]] == [{"sellerSku", "sellerFulfillmentOrderItemId", "quantity"}] * 2
    assert kind_of(out["sellerFulfillmentOrderId"]) == "order" and kind_of(out["displayableOrderId"]) == "order"
    assert {kind_of(item["sellerFulfillmentOrderItemId"]) for item in out["items"]} == {"line"}
    assert "notificationEmails" not in out and "Ada" not in made.body.decode() and "Happy" not in made.body.decode()
    assert made.path == "/fba/outbound/2020-07-01/fulfillmentOrders" and made.subject == out["sellerFulfillmentOrderId"]


def test_what_leaves_passes_the_check_of_connectors():
    """One policy: what `mask` makes is what `check` lets through."""
    for kind in ("create", "createFulfillmentOrder"):
        made = masked(order())
        assert check("amazon_mcf_2020", kind, made.body) is made.body


def test_the_number_that_the_recipient_sees_is_the_orders_own_token_where_they_are_one():
    """A shop that shows the same number sees one token; another number is another token."""
    same, other = told(masked(order(displayableOrderId="SHOP-100123"))), told(masked(order()))
    assert same["displayableOrderId"] == same["sellerFulfillmentOrderId"]
    assert other["displayableOrderId"] != other["sellerFulfillmentOrderId"]


def test_the_audit_has_leaves_and_tokens_and_no_values():
    """What was done to which leaf, once each."""
    made = masked(order())
    assert len(set(made.fields)) == len(made.fields) and made.policy == MCF.hash
    done = {leaf: action for leaf, action, _ in made.fields}
    assert done["items[].quantity"] == "pass" and done["destinationAddress.phone"] == "drop"
    assert done["destinationAddress.name"] == "token" and done["displayableOrderDate"] == "generalize"
    assert (
        "Ada" not in repr(made.fields)
        and "SHOP" not in repr(made)
        and "SHOP" not in repr(Message(b"SHOP", {"a": "SHOP"}))
    )


@pytest.mark.parametrize(
    ("body", "leaf", "said"),
    [
        (order(codSettings={"isCodRequired": True}), "codSettings.isCodRequired", "not false"),
        (order(codSettings={"codCharge": {"value": "1"}}), "codSettings.codCharge.value", "elsewhere"),
        (order(paymentInformation=[{"paymentMode": "x"}]), "paymentInformation[].paymentMode", "elsewhere"),
        (order(items=[line(perUnitPrice={"value": "3.00"})]), "items[].perUnitPrice.value", "elsewhere"),
        (order(items=[line(quantity="2")]), "items[].quantity", "whole number"),
        (order(items=[line(quantity=True)]), "items[].quantity", "whole number"),
        (order(items=[line(quantity=2.0)]), "items[].quantity", "whole number"),
        (order(items=[line(quantity=10**9)]), "items[].quantity", "whole number"),
        (order(items=[line(quantity=10**4200)]), "items[].quantity", "whole number"),
        (order(items=[line(color="blue")]), "items[].(a name", "no leaf"),
        (order(phone="1"), "phone", "no leaf"),
        (order(shippingSpeedCategory="Standard please"), "shippingSpeedCategory", "none of the words"),
        (order(shippingSpeedCategory=["Standard"]), "shippingSpeedCategory", "none of the words"),
        (order(marketplaceId="MY-SHOP"), "marketplaceId", "marketplaces"),
        (order(destinationAddress="12 Oak St, Seattle"), "destinationAddress", "not an object"),
        (
            order(destinationAddress=address(addressLine2="gate code 1234 call Bob")),
            "destinationAddress.addressLine2",
            "note",
        ),
        (
            order(destinationAddress=address(addressLine2="ada@post.example")),
            "destinationAddress.addressLine2",
            "signs",
        ),
        (
            order(destinationAddress=address(addressLine3="tel 415 555 2671")),
            "destinationAddress.addressLine3",
            "phone",
        ),
        (order(destinationAddress=address(city="www.brand.example")), "destinationAddress.city", "net"),
        (order(destinationAddress=address(postalCode="981")), "destinationAddress", "postal code"),
        (order(destinationAddress=address(postalCode="K1A 0B1")), "destinationAddress", "postal code"),
        (order(destinationAddress=address(countryCode="USA")), "destinationAddress.countryCode", "two letters"),
        (order(destinationAddress=address(addressLine1=None)), "destinationAddress", "no addressLine1"),
        (order(destinationAddress=address(city=None)), "destinationAddress", "no city"),
        (order(destinationAddress=address(name=["Ada"])), "destinationAddress.name", "not text"),
        (order(destinationAddress=address(name="A" * 500)), "destinationAddress.name", "longer"),
        (order(displayableOrderDate="yesterday"), "displayableOrderDate", "moment"),
        (order(deliveryWindow={"startDate": "2026-11-24T08:15:37Z"}), "deliveryWindow.startDate", "full minute"),
        (
            order(featureConstraints=[{"featureName": "MY_BOX"}]),
            "featureConstraints[].featureName",
            "none of the words",
        ),
        (order(items=[line()] * 1001), "items", "1000"),
        (order(sellerFulfillmentOrderId=None), "body.sellerFulfillmentOrderId", "name the order"),
        (order(sellerFulfillmentOrderId="\ud800"), "the body", "not JSON in UTF-8"),
        ([order()], "the body", "not an object"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(body: Any, leaf: str, said: str):
    """The error names the leaf and the reason, and nothing of the value."""
    with pytest.raises(MaskingError, match=said) as caught:
        masked(body)
    assert caught.value.leaf.startswith(leaf) and caught.value.op == "createFulfillmentOrder"
    assert "Ada" not in str(caught.value) and "blue" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"[" * 100_000, b"\xff\xfe{}", "{}".encode("utf-16"), b'{"items":[],"items":[]}', b'{"a":NaN}', b'{"a":Infinity}',
        b'{"items":' + b"9" * 5_000 + b"}", b"name=Ada", b'{"a":1}{"b":2}', b"\xef\xbb\xbf{}",
        b'{"comment":"' + b"x" * (1 << 20) + b'"}', b'{"city":"\\ud800"}', b'{"\\uDFFF":1}', b'{"items":[{"sellerSku":"a\\udc00"}]}',
    ],
)  # fmt: skip
def test_a_body_that_can_be_read_in_two_ways_is_refused(raw: bytes):
    """Broken, nested without end, another encoding, a key twice, numbers that are none, too large, half a pair of surrogates."""
    with pytest.raises(MaskingError) as caught:
        masked(raw)
    assert caught.value.leaf == "the body" and caught.value.__context__ is None


@pytest.mark.parametrize(
    "to",
    [
        address(countryCode="JP", postalCode="100-0001", city=None, stateOrRegion="Tokyo", addressLine1="1-1 Chiyoda"),
        address(addressLine1="PO Box 77", addressLine2=None),
        address(
            countryCode="DE",
            postalCode="10115",
            addressLine1="Packstation 145",
            addressLine2="1234567890",
            stateOrRegion=None,
        ),
        address(countryCode="GB", postalCode="SW1A 1AA", city="London", addressLine1="Flat 2, 10 St. John's Rd."),
        address(countryCode="AE", postalCode=None, city="Dubai", addressLine1="Villa 5"),
        address(city="Tel Aviv", countryCode="IL", postalCode="6100000", stateOrRegion=None),
        address(city="Mobile", stateOrRegion="AL", postalCode="36602-1234"),
        address(addressLine2=None, addressLine3="", phone=None),
        address(
            addressLine1="東京都千代田区千代田1\uff0d1",
            countryCode="JP",
            postalCode="1000001",
            city=None,
        ),
        address(
            addressLine1="१२ महात्मा गांधी मार्ग", city="मुंबई", countryCode="IN", postalCode="400001", stateOrRegion=None
        ),
        address(
            addressLine1="Rue de l\u2019E\u0301glise 5",
            city="Liège",
            countryCode="BE",
            postalCode="4000",
            stateOrRegion=None,
        ),
    ],
)
def test_addresses_as_people_have_them_leave(to: dict[str, Any]):
    """Japan without a city, the Emirates without a postal code, boxes, lockers, places with the names of devices."""
    out = told(masked(order(destinationAddress=to)))["destinationAddress"]
    assert {key: value for key, value in out.items() if key != "name"} == {
        key: value for key, value in to.items() if key not in {"name", "phone"} and value
    }


def test_spaces_that_people_type_are_tidied():
    """Around a part and inside it; a part of nothing but spaces is none."""
    out = told(
        masked(order(destinationAddress=address(addressLine1=" 12  Oak St\n", addressLine2="  ", postalCode="98101 ")))
    )
    assert (
        out["destinationAddress"]["addressLine1"] == "12 Oak St" and out["destinationAddress"]["postalCode"] == "98101"
    )
    assert "addressLine2" not in out["destinationAddress"]


def test_nothing_at_all_is_said_of_what_is_null_or_emptied():
    """A leaf without a value is absent; an object whose leaves are all dropped goes with them."""
    out = told(
        masked(
            order(
                deliveryPreferences={"deliveryInstructions": "by the door"}, codSettings=None, shipFromCountryCode="US"
            )
        )
    )
    assert "deliveryPreferences" not in out and "perUnitDeclaredValue" not in out["items"][0]
    raw = json.dumps(
        {**order(), "notificationEmails": None, "codSettings": None, "destinationAddress": {**address(), "phone": None}}
    )
    assert set(told(masked(raw.encode()))) == set(told(masked(order())))


def test_other_operations_find_the_order_under_its_token():
    """Update, cancel and get mean the same order: the id in the path is the token that it left under."""
    tokens = MemoryTokens()
    made = masked(order(), tokens)
    for op in ("getFulfillmentOrder", "cancelFulfillmentOrder"):
        again = masked(b"", tokens, op, sellerFulfillmentOrderId="SHOP-100123")
        assert made.subject in again.path and again.subject == made.subject and "SHOP" not in again.path
    update = masked(
        {"destinationAddress": address()}, tokens, "updateFulfillmentOrder", sellerFulfillmentOrderId="SHOP-100123"
    )
    assert told(update)["destinationAddress"]["name"] == told(made)["destinationAddress"]["name"]


def test_a_preview_leaves_no_trace_of_the_order():
    """A quote needs no person: the name is a constant, and the lines have new tokens every time."""
    body = {"address": address(), "items": [{"sellerSku": "MUG-1", "quantity": 1, "sellerFulfillmentOrderItemId": "1"}]}
    tokens = MemoryTokens()
    first, second = (told(masked(body, tokens, "getFulfillmentPreview")) for _ in range(2))
    assert first["address"]["name"] == "Recipient"
    assert first["items"][0]["sellerFulfillmentOrderItemId"] != second["items"][0]["sellerFulfillmentOrderItemId"]


def test_offers_go_at_the_precision_of_a_postal_code():
    """Street, city and the buyer's IP address stay here, also where the client sent them."""
    terms = {
        "origin": {"countryCode": "US"},
        "destination": {"deliveryAddress": address(name=None, phone=None), "ipAddress": "198.51.100.7"},
    }
    product = {"productIdentifier": {"merchantSku": "MUG-1"}, "amount": {"unitOfMeasure": "Eaches", "value": "1"}}
    out = told(masked({"product": product, "terms": terms}, None, "offer"))
    assert out["terms"]["destination"] == {"deliveryAddress": {"postalCode": "98101", "countryCode": "US"}}


def test_only_the_networks_own_words_go_back_to_it():
    """A page's token and a shipment's id leave only where the network told them; a text of the client's does not."""
    tokens = MemoryTokens()
    page = tokens.token("text", "", "opaque/of=Amazon")
    made = mask(Message(query={"nextToken": page}), "listAllFulfillmentOrders", MCF, tokens, now_day=messages.DAY)
    assert made.query == "nextToken=opaque%2Fof%3DAmazon"
    for bad in (
        "opaque/of=Amazon",
        "ada",
        tokens.token("shipment", "", "D1"),
        page[:-1] + ("A" if page[-1] != "A" else "B"),
    ):
        with pytest.raises(MaskingError, match="nextToken"):
            mask(Message(query={"nextToken": bad}), "listAllFulfillmentOrders", MCF, tokens, now_day=messages.DAY)


def test_headers_that_nobody_named_stay_here():
    """Whoever sends adds what the wire needs; the client's own headers are not even looked at."""
    made = mask(Message(headers={"user-agent": "Shop/1.0", "cookie": "a=b", "x-forwarded-for": "198.51.100.7"},
                        path={"sellerFulfillmentOrderId": "A"}), "get", MCF, MemoryTokens(), now_day=messages.DAY)  # fmt: skip
    assert made.headers == ()
    with pytest.raises(MaskingError, match="query"):
        mask(
            Message(path={"sellerFulfillmentOrderId": "A"}, query={"trace": "1"}),
            "get",
            MCF,
            MemoryTokens(),
            now_day=messages.DAY,
        )
    with pytest.raises(MaskingError, match="has none"):
        masked(b"{}", None, "get", sellerFulfillmentOrderId="A")


def test_a_path_cannot_climb():
    """An id in a path is one segment, whatever it says; an operation that nobody knows is refused."""
    with pytest.raises(MaskingError, match="path"):
        masked(b"", None, "get")
    with pytest.raises(InputError, match="no operation"):
        masked(b"", None, "deleteEverything")
    assert ".." not in masked(b"", None, "get", sellerFulfillmentOrderId="../../orders").path


def test_a_sku_without_a_registered_alias_does_not_leave():
    """Where the policy wants aliases, the vault says which there are."""

    class Pool(MemoryTokens):
        def token(self, kind: str, scope: str, value: str) -> str:
            if kind == "sku":
                return {"MUG-1": "TS2222222222222"}[value]
            return super().token(kind, scope, value)

    policy = load("amazon_mcf_2020", messages_path("token(sku)"))
    assert told(masked(order(items=[line()]), Pool(), policy=policy))["items"][0]["sellerSku"] == "TS2222222222222"
    with pytest.raises(MaskingError, match="alias") as caught:
        masked(order(items=[line(sellerSku="SECRET-9")]), Pool(), policy=policy)
    assert caught.value.__context__ is None


def messages_path(rule: str) -> str:
    """A file of a user's that changes one rule."""
    import tempfile
    from pathlib import Path

    path = Path(tempfile.mkdtemp()) / "mine.toml"
    path.write_text(f'kind = "amazon_mcf_2020"\n[change.createFulfillmentOrder.body]\n"items[].sellerSku" = "{rule}"\n')
    return str(path)
