"""Shopify orders: the admin's CSV export, JSON documents, and other people's fixtures."""

import datetime as dt
import json
from pathlib import Path

import pytest

from tests.connectors.files.factory import check, csv_file, outcomes, write
from tests.support import shared
from tranship.connectors.files import Staged, stage
from tranship.core.errors import InputError
from tranship.core.time import from_micros

HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,"
    "Shipping Name,Shipping Street,Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,"
    "Cancelled at,Id,Source"
).split(",")
FIRST = {
    "Name": "#1001",
    "Email": "Jane@Example.com",
    "Currency": "USD",
    "Created at": "2024-05-01 10:00:00 -0400",
    "Shipping Name": "Jane Doe",
    "Shipping Street": "1 Main St",
    "Shipping City": "Louisville",
    "Shipping Zip": "'40202",
    "Shipping Province": "KY",
    "Shipping Country": "US",
    "Shipping Method": "Standard",
    "Source": "web",
}


def row(**cells: str) -> str:
    """A row of the export; keywords write blanks as underscores."""
    named = {name.replace("_", " "): cell for name, cell in cells.items()}
    cell = {"Lineitem quantity": "1", "Lineitem price": "9.99", "Lineitem sku": "A", **named}
    return ",".join('"' + cell.get(name, "").replace('"', '""') + '"' for name in HEADER)


def staged(folder: Path, *rows: str, **mapping: object) -> Staged:
    """Stage a small export."""
    return check(stage(csv_file(folder, "\n".join((",".join(HEADER), *rows))), mapping=mapping))


def first(**cells: str) -> str:
    """The first row of order #1001."""
    return row(**{name.replace(" ", "_"): cell for name, cell in FIRST.items()}, **cells)


def test_rows_of_an_order_are_gathered(tmp_path: Path):
    """Order fields come from the first row; later rows have blanks, some editors even blank the name."""
    rows = [first(Lineitem_quantity="2"), row(Name="#1001", Lineitem_sku="B"), row(Lineitem_sku="C")]
    found = staged(tmp_path, *rows, row(Name="#1002", Created_at="2024-05-02 10:00:00 -0400"))
    assert (found.source, found.format) == ("shopify", "shopify_csv")
    order = found.orders[0]
    assert [(line.key, line.sku, line.qty, line.unit_price_minor) for line in order.lines] == [
        *(("1", "A", 2, 999), ("2", "B", 1, 999), ("3", "C", 1, 999))
    ]
    assert (order.number, order.zip, order.state, order.country, order.currency) == (
        "#1001",
        "40202",
        "KY",
        "US",
        "USD",
    )
    assert from_micros(order.placed_at) == dt.datetime(2024, 5, 1, 14, tzinfo=dt.UTC)
    assert order.person is not None
    assert (order.person.name, order.person.street, order.person.ref) == ("Jane Doe", "1 Main St", "jane@example.com")
    assert any("without a shipping address" in note for note in found.notes)


def test_notes_over_several_lines_do_not_shift_line_numbers(tmp_path: Path):
    """A note with line ends is one cell; the next row has its own line number."""
    found = staged(tmp_path, first(Notes="ring\ntwice,\nplease"), row(Name="#1001", Lineitem_sku=""))
    assert outcomes(found) == {2: "order", 5: "no_sku"}


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ({}, "order"),
        ({"Lineitem_sku": ""}, "no_sku"),
        ({"Lineitem_requires_shipping": "false"}, "not_goods"),
        ({"Lineitem_requires_shipping": "true"}, "order"),
        ({"Lineitem_quantity": ""}, "bad_quantity"),
        ({"Lineitem_quantity": "0"}, "adjustment"),
        ({"Lineitem_price": "x"}, "bad_price"),
        ({"Lineitem_price": "-1"}, "negative_price"),
        ({"Lineitem_price": ""}, "order"),
    ],
)
def test_each_line_item_has_its_outcome(tmp_path: Path, cells: dict[str, str], outcome: str):
    """One line item, one outcome."""
    assert outcomes(staged(tmp_path, first(**cells))) == {2: outcome}


def test_a_canceled_order_is_staged_and_taken_back(tmp_path: Path):
    """Its lines are orders, and each is taken back at the time of the cancellation; the file's lines still add up."""
    cells = {**FIRST, "Cancelled at": "2024-05-03 09:00:00 -0400"}
    rows = [row(**{name.replace(" ", "_"): cell for name, cell in cells.items()}), row(Name="#1001", Lineitem_sku="B")]
    found = staged(tmp_path, *rows)
    assert (found.read, found.accepted) == (2, 2)
    assert [(c.number, c.order, c.line, c.qty) for c in found.cancels] == [
        ("#1001", "#1001", "1", 1),
        ("#1001", "#1001", "2", 1),
    ]
    assert {from_micros(c.at) for c in found.cancels} == {dt.datetime(2024, 5, 3, 13, tzinfo=dt.UTC)}


def test_channels_and_services_are_taken_where_the_mapping_has_a_word(tmp_path: Path):
    """Shopify's own words are not the network file's: without a word for them they stay empty."""
    plain = staged(tmp_path, first()).orders[0]
    assert (plain.channel, plain.service) == ("", "")
    mapped = staged(tmp_path, first(), channels={"web": "dtc"}, services={"Standard": "ground"}).orders[0]
    assert (mapped.channel, mapped.service) == ("dtc", "ground")


ORDER = {
    "id": 1,
    "name": "#1001",
    "email": "Jane@Example.com",
    "created_at": "2024-05-01T10:00:00-04:00",
    "currency": "USD",
    "source_name": "web",
    "customer": {"id": 77, "email": "jane@example.com"},
    "shipping_address": {
        "first_name": "Jane",
        "last_name": "Doe",
        "address1": "1 Main St",
        "address2": None,
        "city": "Louisville",
        "zip": "40202",
        "province": "Kentucky",
        "province_code": "KY",
        "country": "United States",
        "country_code": "US",
    },
    "line_items": [
        {"id": 11, "sku": "A", "quantity": 2, "price": "9.99", "requires_shipping": True},
        {"id": 12, "sku": "B", "quantity": 1, "price": 5},
        {"id": 13, "sku": "GIFT", "quantity": 1, "price": "25.00", "requires_shipping": False},
    ],
}


def document(folder: Path, *orders: object, **mapping: object) -> Staged:
    """Stage a JSON document with these orders."""
    return check(stage(write(folder / "orders.json", json.dumps({"orders": orders}, indent=1)), mapping=mapping))


def test_a_json_order_is_read(tmp_path: Path):
    """Lines, destination, customer and person; what needs no shipping is no goods."""
    found = document(tmp_path, ORDER)
    order = found.orders[0]
    assert (found.format, found.read, found.reasons) == ("shopify_json", 3, {"not_goods": 1})
    assert [(line.key, line.sku, line.qty, line.unit_price_minor) for line in order.lines] == [
        ("1", "A", 2, 999),
        ("2", "B", 1, 500),
    ]
    assert (order.number, order.customer, order.zip, order.state, order.country) == ("#1001", "77", "40202", "KY", "US")
    assert order.person is not None and (order.person.name, order.person.email) == ("Jane Doe", "Jane@Example.com")


@pytest.mark.parametrize("shape", ["envelope", "array", "single", "one line", "BOM", "gzip"])
def test_every_shape_of_document_has_the_same_orders(tmp_path: Path, shape: str):
    """{orders: []}, a bare array, {order: {}} as webhooks have it; pretty or on one line."""
    value: object = {"array": [ORDER], "single": {"order": ORDER}}.get(shape, {"orders": [ORDER]})
    text = json.dumps(value, indent=None if shape == "one line" else 2)
    path = write(tmp_path / "x", ("\ufeff" if shape == "BOM" else "") + text, packed=shape == "gzip")
    found, expected = stage(path).orders[0], document(tmp_path, ORDER).orders[0]
    assert (found.number, found.fingerprint, found.person) == (expected.number, expected.fingerprint, expected.person)


def test_csv_and_json_of_an_order_have_the_same_fingerprint(tmp_path: Path):
    """The same order by either way is the same order."""
    one = {**ORDER, "line_items": [{"id": 11, "sku": "A", "quantity": 1, "price": "9.99"}]}
    from_json = document(tmp_path, one).orders[0]
    from_csv = staged(tmp_path, first()).orders[0]
    assert from_json.fingerprint == from_csv.fingerprint


def test_the_line_of_an_order_is_where_it_begins_in_the_file(tmp_path: Path):
    """Rejects name a line that an editor can go to."""
    bad = {"created_at": 5, "line_items": [{}, {}]}
    found = document(tmp_path, ORDER, bad, ORDER)
    lines = (tmp_path / "orders.json").read_text().splitlines()
    starts = [number for number, line in enumerate(lines, 1) if line == "  {"]
    assert found.orders[0].lines[0].at_line == starts[0]
    assert [r.at_line for r in found.rejects if r.reason == "bad_field"] == [starts[1]] * 2
    assert [r.at_line for r in found.rejects if r.reason == "duplicate_order"] == [starts[2]] * 3


def test_refunds_take_back_and_a_cancellation_takes_the_rest(tmp_path: Path):
    """Refund lines are lines of the file: matched, without units (no_restock), or of a line that was not accepted."""
    refund_lines = [
        {"line_item_id": 11, "quantity": 1, "restock_type": "return"},
        {"line_item_id": 12, "quantity": 1, "restock_type": "no_restock"},
        {"line_item_id": 13, "quantity": 1, "restock_type": "cancel"},
        {"line_item_id": 99, "quantity": 1, "restock_type": "cancel"},
    ]
    refund = {"id": 5, "created_at": "2024-05-02T10:00:00Z", "refund_line_items": refund_lines}
    found = document(tmp_path, {**ORDER, "refunds": [refund], "cancelled_at": "2024-05-03T10:00:00Z"})
    assert (found.read, found.accepted) == (7, 3)
    assert found.reasons == {"unmatched": 2, "not_goods": 1, "no_restock": 1}
    assert [(c.number, c.line, c.qty) for c in found.cancels] == [
        ("#1001/refund-5", "1", 1),
        ("#1001", "1", 1),
        ("#1001", "2", 1),
    ]


def test_test_orders_are_set_aside_unless_wanted(tmp_path: Path):
    """A shop's trial orders are not to be shipped; a mapping may take them."""
    assert document(tmp_path, {**ORDER, "test": True}).reasons == {"test_order": 3}
    assert document(tmp_path, {**ORDER, "test": True}, test_orders="accept").accepted == 2


@pytest.mark.parametrize(
    ("change", "reason", "count"),
    [
        ({"name": None, "id": None}, "no_document", 3),
        ({"created_at": "soon"}, "bad_time", 3),
        ({"created_at": None}, "bad_field", 3),
        ({"cancelled_at": "later"}, "bad_time", 3),
        ({"line_items": []}, "no_lines", 1),
        ({"line_items": [{"quantity": "1"}]}, "bad_field", 1),
        ({"line_items": [{"sku": "A", "quantity": 10**30}]}, "bad_quantity", 1),
        ({"currency": "$"}, "bad_currency", 3),
        ({"shipping_address": {"zip": "X", "country_code": "US"}}, "bad_zip", 3),
        ({"shipping_address": {"country": "Atlantis"}}, "bad_country", 3),
    ],
)
def test_an_order_that_cannot_be_used_costs_its_lines(
    tmp_path: Path, change: dict[str, object], reason: str, count: int
):
    """Every line of it is read and rejected; other orders are staged."""
    found = document(tmp_path, {**ORDER, **change}, {**ORDER, "name": "#1002"})
    assert found.reasons[reason] == count
    assert [order.number for order in found.orders] == ["#1002"]


@pytest.mark.parametrize(
    "content",
    ['{"orders": [', '{"products": []}', '{"orders": 5}', "[" * 100_000, '[{"a":1}] trailing', '{"orders": [{"a": 1}}'],
)
def test_what_is_no_document_of_orders_is_refused(tmp_path: Path, content: str):
    """Broken, foreign or endless JSON is refused as a whole."""
    with pytest.raises(InputError):
        stage(write(tmp_path / "a.json", content), format="shopify_json")


GO, PYTHON = "fixtures-go-shopify-mit", "fixtures-shopify_python_api-mit"


@pytest.mark.parametrize(
    ("folder", "file", "read", "reasons"),
    [
        # a test order to a Canadian postal code in "US", both line items without SKU
        (GO, "orders.json", 2, {"test_order": 2}),
        (GO, "order.json", 2, {"test_order": 2}),
        (GO, "order_with_transaction.json", 2, {"test_order": 2}),
        (PYTHON, "order.json", 3, {}),
        (PYTHON, "orders.json", 1, {"no_lines": 1}),
    ],
)
def test_fixtures_of_other_clients_are_read(folder: str, file: str, read: int, reasons: dict[str, int]):
    """Orders as two independent Shopify clients keep them in their tests."""
    found = check(stage(shared("models", "shopify", folder, file)))
    assert (found.read, found.reasons) == (read, reasons)


def test_the_fixture_with_articles_is_an_order():
    """shopify_python_api's order: three iPods to Louisville."""
    found = stage(shared("models", "shopify", PYTHON, "order.json"))
    order = found.orders[0]
    assert [line.sku for line in order.lines] == ["IPOD2008GREEN", "IPOD2008RED", "IPOD2008BLACK"]
    assert {line.unit_price_minor for line in order.lines} == {19_900}
    assert (order.number, order.zip, order.state, order.country) == ("#1001", "40202", "KY", "US")
    assert from_micros(order.placed_at) == dt.datetime(2008, 1, 10, 16, tzinfo=dt.UTC)


def test_the_fixtures_other_flaws_are_named_when_tests_are_accepted():
    """Past the test flag, go-shopify's order fails on its destination: a Canadian code in the United States."""
    found = stage(shared("models", "shopify", GO, "orders.json"), mapping={"test_orders": "accept"})
    assert found.reasons == {"bad_zip": 2}
