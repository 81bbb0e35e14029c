"""Cash on delivery, pickup points and businesses: what files of orders say of them, and what is not believed."""

import json
from pathlib import Path

import pytest

from tests.connectors.files.factory import check, csv_file, write
from tests.connectors.files.test_shopify import HEADER, first
from tranship.connectors.files import Staged, stage
from tranship.core.order import NO_TERMS, Terms

ORDER = {"name": "#1", "created_at": "2024-05-01T10:00:00Z", "line_items": [{"sku": "A", "quantity": 1}]}


def generic(folder: Path, header: str, *rows: str, **mapping: object) -> Staged:
    """Orders 1, 2 ... of one line each, with these cells."""
    lines = [f"order,placed_at,sku,quantity,{header}"]
    lines += [f"{n},2024-05-01,A,1,{cells}" for n, cells in enumerate(rows, 1)]
    return check(stage(csv_file(folder, "\n".join(lines)), mapping=mapping))


def shopify(folder: Path, mapping: dict[str, object] | None = None, **fields: object) -> Terms:
    """The terms of one order of the Admin API."""
    path = write(folder / "orders.json", json.dumps({"orders": [{**ORDER, **fields}]}))
    (order,) = check(stage(path, mapping=mapping or {})).orders
    return order.terms


def test_columns_say_yes_or_no(tmp_path: Path):
    """In any case, blank for no; what is neither rejects the line, and an order without a word keeps its fingerprint."""
    found = generic(tmp_path, "cod,pickup,b2b", "yes,,", "TRUE,1,x", "no,false,0", ",,", "perhaps,,")
    assert [order.terms for order in found.orders] == [
        Terms(cod=True), Terms(cod=True, pickup=True, b2b=True), NO_TERMS, NO_TERMS,
    ]  # fmt: skip
    assert [(reject.reason, reject.detail.split()[0]) for reject in found.rejects] == [("bad_terms", "cod")]
    plain = generic(tmp_path, "name", "", "", "", "")
    assert [a.fingerprint == b.fingerprint for a, b in zip(found.orders, plain.orders, strict=True)] == [
        False, False, True, True,
    ]  # fmt: skip


def test_a_column_in_its_own_words(tmp_path: Path):
    """With words in the mapping everything else is a no; patterns, and case does not count."""
    mapping = {"columns": {"cod": "Zahlart", "pickup": "Versand"}, "cod": ["nachnahme*"], "pickup": ["DHL Packstation"]}
    found = generic(tmp_path, "Zahlart,Versand", "Nachnahme DHL,DHL Packstation", "PayPal,DHL", ",", **mapping)
    assert [order.terms for order in found.orders] == [Terms(cod=True, pickup=True), NO_TERMS, NO_TERMS]


def test_a_later_row_that_says_otherwise_is_noted(tmp_path: Path):
    """The order's first row counts, as with its destination."""
    text = "order,placed_at,sku,quantity,cod\n1,2024-05-01,A,1,yes\n1,,B,1,\n1,,C,1,no"
    found = check(stage(csv_file(tmp_path, text)))
    assert found.orders[0].terms == Terms(cod=True) and any("the first was kept" in note for note in found.notes)


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        ({"payment_gateway_names": ["Cash on Delivery (COD)"]}, Terms(cod=True)),
        ({"payment_gateway_names": ["gift_card", "Cash on Delivery (COD)"]}, Terms(cod=True)),
        ({"gateway": "Cash on Delivery (COD)"}, Terms(cod=True)),
        ({"payment_gateway_names": ["visa", "bogus"], "tags": "COD, wholesale"}, NO_TERMS),
        ({"shipping_lines": [{"title": "Relay point", "delivery_category": "pickup_point"}]}, Terms(pickup=True)),
        ({"shipping_lines": [{"title": "Corner shop", "delivery_category": "PICKUP_POINT"}]}, Terms(pickup=True)),
        ({"shipping_lines": [{"title": "Our counter", "delivery_category": "pick_up"}]}, NO_TERMS),
        ({"shipping_lines": [{"title": "Standard", "delivery_category": None}]}, NO_TERMS),
        ({"company": {"id": 1, "location_id": 2}}, Terms(b2b=True)),
        ({"company": None, "shipping_address": {"company": "Byron & Co", "zip": "98101"}}, NO_TERMS),
        ({"company": "Byron & Co", "tags": 7, "payment_gateway_names": {"a": 1}, "gateway": 3}, NO_TERMS),
    ],
)  # fmt: skip
def test_what_shopify_says_itself(tmp_path: Path, fields: dict[str, object], terms: Terms):
    """By its own words only; a line of an address is no proof of a business, and a strange form loses no order."""
    assert shopify(tmp_path, **fields) == terms


def test_what_a_shop_calls_it(tmp_path: Path):
    """Titles of its shipping methods, its gateways, its tags."""
    mapping: dict[str, object] = {"cod": ["Nachnahme"], "pickup": ["*packstation*"], "b2b": ["wholesale"]}
    assert shopify(tmp_path, mapping, payment_gateway_names=["nachnahme"]) == Terms(cod=True)
    assert shopify(tmp_path, mapping, shipping_lines=[{"title": "DHL Packstation 12"}]) == Terms(pickup=True)
    assert shopify(tmp_path, mapping, tags="vip, Wholesale") == Terms(b2b=True)
    assert shopify(tmp_path, mapping, tags=["Nachnahme", "packstation"]) == Terms(cod=True, pickup=True)


def test_the_export_of_the_admin_says_the_same(tmp_path: Path):
    """Payment method, shipping method and tags; several gateways stand in one cell."""
    more = [*HEADER, "Payment Method", "Tags"]
    mapping = {"pickup": ["Packstation"], "b2b": ["wholesale"]}

    def terms(way: str, paid: str, tags: str) -> Terms:
        row = f'{first().replace("Standard", way)},"{paid}","{tags}"'
        return check(stage(csv_file(tmp_path, f"{','.join(more)}\n{row}"), mapping=mapping)).orders[0].terms

    assert terms("Standard", "Cash on Delivery (COD)", "") == Terms(cod=True)
    assert terms("Packstation", "Shopify Payments + Cash on Delivery (COD)", "") == Terms(cod=True, pickup=True)
    assert terms("Standard", "Shopify Payments", "vip, Wholesale") == Terms(b2b=True)
    assert terms("Standard", "Shopify Payments", "") == NO_TERMS
