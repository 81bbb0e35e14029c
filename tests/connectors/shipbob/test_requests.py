"""What leaves for ShipBob: strictly what its description takes, and nothing that masking forbids."""

import json
import re

import pytest
from hypothesis import given, settings

from tests.connectors.shipbob.making import BOB, HEADERS, line_ids, order, orders
from tests.support import shared
from tranship.connectors.port import Order, Request
from tranship.connectors.registry import client_of, connector_of, kinds
from tranship.connectors.shipbob.lines import name_of, number_of
from tranship.core.capability import Connection
from tranship.core.errors import InputError
from tranship.masking.model import MaskedOrder
from tranship.masking.policy import MaskingError, check
from tranship.sandbox.common.vendor import Book

ORDER = Order("TS-1", "300")


@pytest.fixture(scope="module")
def book() -> Book:
    """The vendor's description, strictly: undeclared properties and parameters are wrong."""
    return Book.load(shared("models", "3pl", "shipbob", "shipbob-openapi.json"))


def judged(book: Book, request: Request) -> tuple[str, list[str]]:
    """The operation that a request is for, and what is wrong with it."""
    for name, described in sorted(book.operations.items(), key=lambda pair: pair[1].path.count("{")):
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", described.path), request.path)
        if found and described.method == request.method:
            query = {key: (value,) for key, value in request.query}
            headers = {**HEADERS, **{key.lower(): value for key, value in request.headers}}
            return name, book.request(name, found.groupdict(), query, headers, json.loads(request.body or b"null"))
    return "", [f"nothing at {request.path}"]


@settings(max_examples=200, deadline=None)
@given(made=orders())
def test_every_body_is_strictly_valid(book: Book, made: MaskedOrder):
    """Any order that masking lets through makes a creation and an estimate that the vendor's description takes."""
    create = BOB.create(Order(made.remote_id), BOB.body(made, hold=False))
    assert judged(book, create) == ("create-order", [])
    assert judged(book, BOB.offer(made)) == ("estimate-fulfillment-cost-for-order", [])


def test_every_request_is_declared(book: Book):
    """Path, method, parameters and headers of each operation stand in the vendor's description."""
    asked = {
        "get": BOB.get(ORDER), "cancel": BOB.cancel(ORDER), "cancel by our id": BOB.cancel(Order("TS-1")),
        "tracking": BOB.tracking(ORDER), "timeline": BOB.timeline("400"), "list": BOB.list(1_790_000_000_000_000),
        "list more": BOB.list(1_790_000_000_000_000, "2026-11-27T00:00:00Z"), "returns": BOB.returns(0),
        "stock": BOB.stock(), "stock more": BOB.stock(0, "PageSize=3&SearchBy=after.7"), "receiving": BOB.receiving(),
    }  # fmt: skip
    found = {what: judged(book, request) for what, request in asked.items()}
    assert not [what for what, (_, wrong) in found.items() if wrong], found
    assert [found[what][0] for what in ("get", "cancel", "cancel by our id", "timeline", "stock", "receiving")] == [
        "get-orders", "cancel-order", "get-orders", "get-shipment-timeline",
        "get-all-inventory-levels-grouped-by-fulfillment-center", "get-multiple-warehouse-receiving-orders",
    ]  # fmt: skip


def test_the_same_order_makes_the_same_bytes():
    """They are stored with the intent and sent again unchanged."""
    assert BOB.body(order(), hold=False) == BOB.body(order(), hold=False)
    assert BOB.create(ORDER, b"stored").body == b"stored"


@given(made=orders())
def test_only_listed_leaves_leave(made: MaskedOrder):
    """The body passes the allow-list; with anything added it does not."""
    told = json.loads(BOB.body(made, hold=False))
    for more in ({"order_number": "1001"}, {"gift_message": "x"}, {"financials": {"total_price": 9}}, {"tags": []}):
        with pytest.raises(MaskingError):
            check("shipbob", "create", json.dumps(told | more).encode())
    told["recipient"]["email"] = "a@b.example"
    with pytest.raises(MaskingError, match=r"recipient\.email"):
        check("shipbob", "create", json.dumps(told).encode())


def test_an_estimate_names_nobody():
    """ZIP code and country are enough for a price; name, street and town stay here."""
    assert json.loads(BOB.offer(order()).body)["address"] == {"country": "US", "zip_code": "98101"}


@given(line_id=line_ids)
def test_line_ids_come_back_from_their_numbers(line_id: str):
    """Ours are texts, ShipBob's are whole numbers; short ones fit into 32 bits, all into 53."""
    assert name_of(number_of(line_id)) == line_id
    assert number_of(line_id) < (1 << 31 if len(line_id) <= 5 else 1 << 53)


@pytest.mark.parametrize("line_id", ["", "123456789A", "L 1", "ü", "L_1"])
def test_a_line_id_that_does_not_fit_is_refused(line_id: str):
    """Before anything is journaled, with what is allowed."""
    with pytest.raises(InputError, match="1 to 8 letters"):
        BOB.body(order(lines=((line_id, "MUG", 1),)), hold=False)


@pytest.mark.parametrize("location", ["reno", "0", "-1", "2147483648", "٣"])
def test_a_location_that_is_no_number_is_refused(location: str):
    """Only the number of a fulfillment center will do."""
    made = order()
    with pytest.raises(InputError, match="fulfillment center"):
        BOB.body(MaskedOrder(made.remote_id, made.to, made.lines, location=location), hold=False)


def test_there_is_no_hold():
    """To ask for one is a mistake of the caller, not something to pass over."""
    with pytest.raises(InputError, match="no orders on hold"):
        BOB.body(order(), hold=True)


def test_ids_cannot_change_the_path():
    """What a network calls an order is data: slashes and question marks in it stay inside their segment."""
    assert BOB.cancel(Order("TS-1", "../product/1?x=")).path == "/2026-01/order/..%2Fproduct%2F1%3Fx%3D:cancel"
    assert BOB.timeline("1/2").path == "/2026-01/shipment/1%2F2/timeline"


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("channel_id", "x", "number of a channel"),
        ("channel_id", 0, "number of a channel"),
        ("ground", "", "shipping method"),
        ("page_size", 251, "between 1 and 250"),
        ("endpoint", "http://example.com", "not encrypted"),
        ("chanel", 1, "shipbob takes endpoint, channel_id"),
    ],
)
def test_settings_name_what_is_wrong(key: str, value: object, text: str):
    """The key, and what it may be."""
    settings: dict[str, object] = {"channel_id": 100200, key: value}
    with pytest.raises(InputError, match=text) as raised:
        connector_of(Connection("bob", "shipbob", settings=settings))
    assert "connection.bob" in str(raised.value)


def test_the_registry_has_it():
    """The kind loads with its proof; without a token there is no client."""
    connection = Connection("bob", "shipbob", settings={"channel_id": 100200})
    made = connector_of(connection)
    assert "shipbob" in kinds() and made.kind == "shipbob" and not made.capability.hold_release
    assert made.capability.proven == {"client_id_unique": "sandbox"}
    with pytest.raises(InputError, match=r"secrets\.token"):
        client_of(connection)
