"""The allow-list: an unknown leaf is refused, never passed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.masking.test_mask import CONNECTORS, masked
from tranship.masking.policy import MaskingError, allowed_for, check, kinds, leaves

NEVER = (
    "phone",
    "email",
    "comment",
    "price",
    "declared",
    "channel",
    "gift",
    "note",
    "payment",
    "ipaddress",
    "message",
    "value",
)
NEEDED = ("amount.value", "displayableOrderComment")
"""Units, and the one fixed sentence that the older Amazon interface requires."""


def body_of(number: int) -> dict[str, object]:
    """A body of our own making."""
    found: dict[str, object] = json.loads(CONNECTORS[number].body(masked(), hold=True))
    return found


def test_what_we_make_is_on_the_list():
    """Every leaf of a body has its rule, and leaves() finds them all."""
    for connector in CONNECTORS:
        body = connector.body(masked(), hold=True)
        assert leaves(body) <= set(allowed_for(connector.kind, "create"))
        assert check(connector.kind, "create", body) is body


@pytest.mark.parametrize("kind", kinds())
def test_no_list_has_a_leaf_that_may_never_leave(kind: str):
    """Phone, e-mail, comments, prices, channel, gift messages, notes: there is no rule that lets one out."""
    for op in ("create", "release", "cancel", "get", "offer"):
        for leaf in allowed_for(kind, op):
            wrong = [word for word in NEVER if word in leaf.lower()]
            assert not wrong or leaf.endswith(NEEDED), f"{kind} {op}: {leaf}"


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (0, "destination.deliveryAddress.phone"),
        (0, "destination.deliveryAddress.email"),
        (0, "destination.deliveryNotes"),
        (0, "channel"),
        (0, "paymentInformation.payments"),
        (1, "destinationAddress.phone"),
        (1, "notificationEmails"),
        (1, "codSettings.codCharge.value"),
        (1, "Phone"),
        (0, '"destination.deliveryAddress.name"'),
    ],
)
@pytest.mark.parametrize("value", ["MARKER", "", None, [], {}, [{"x": "MARKER"}], 5])
def test_an_unknown_leaf_is_refused_by_name(number: int, path: str, value: object):
    """Also where it is empty; the error names the leaf and not what is in it."""
    body = body_of(number)
    *parents, last = path.split(".") if not path.startswith('"') else [json.loads(path)]
    inner = body
    for parent in parents:
        inner = inner.setdefault(parent, {})  # type: ignore[assignment]
    inner[last] = value
    with pytest.raises(MaskingError, match=last) as caught:
        check(CONNECTORS[number].kind, "create", json.dumps(body).encode())
    assert caught.value.leaf.startswith(path) and "MARKER" not in str(caught.value)


@given(
    st.lists(st.text("abcXYZ_.[]", min_size=1, max_size=12), min_size=1, max_size=3), st.booleans(), st.integers(0, 1)
)
def test_no_name_that_somebody_makes_up_is_passed(path, in_line, number):
    """Whatever it is called and wherever it hides, a leaf that is not on the list stops the body."""
    body, rules = body_of(number), allowed_for(CONNECTORS[number].kind, "create")
    lines = body["lineItems" if number == 0 else "items"]
    inner = lines[0] if in_line else body  # type: ignore[index]
    for parent in path[:-1]:
        inner = inner.setdefault(parent, {})
    inner[path[-1]] = "MARKER"
    text = json.dumps(body).encode()
    assert leaves(text) - set(rules)
    with pytest.raises(MaskingError) as caught:
        check(CONNECTORS[number].kind, "create", text)
    assert "MARKER" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("orderId",), "order of ada@post.example"),
        (("fulfillmentConfiguration", "action"), "SHIP NOW"),
        (("fulfillmentConfiguration", "serviceLevel", "serviceTiers"), ["STANDARD", "ada"]),
        (("destination", "deliveryAddress", "name"), "A" * 51),
        (("destination", "deliveryAddress", "countryCode"), "USA"),
        (("orderId",), 1.5),
        (("destination", "deliveryAddress", "name"), None),
        (("destination", "deliveryAddress", "name"), ["Ada", {"phone": "1"}]),
    ],
)
def test_a_listed_leaf_must_hold_what_its_rule_allows(path: tuple[str, ...], value: object):
    """A constant is one of its values, an id looks like one, a part of the address has its length."""
    body = body_of(0)
    inner = body
    for parent in path[:-1]:
        inner = inner[parent]  # type: ignore[assignment]
    inner[path[-1]] = value
    with pytest.raises(MaskingError, match=path[-1]) as caught:
        check("amazon_mcf", "create", json.dumps(body).encode())
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"orderId": "A", "orderId": "B"}', b"[" * 100_000, b"name=Ada"])
def test_a_body_that_cannot_be_read_for_sure_is_refused(body: bytes):
    """Broken JSON, or a key twice: nobody can say what the other side would read."""
    with pytest.raises(MaskingError, match="nobody can say"):
        check("amazon_mcf", "create", body)


def test_an_operation_without_a_list_sends_nothing():
    """Not even to a kind that nobody knows."""
    assert check("amazon_mcf", "cancel", b"") == b""
    for kind, op in (("amazon_mcf", "cancel"), ("unheard", "create")):
        with pytest.raises(MaskingError):
            check(kind, op, b'{"orderId": "A"}')
