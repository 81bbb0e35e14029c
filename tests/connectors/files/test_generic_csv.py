"""The documented CSV, other headers under a mapping, and the Superstore preset on the real file."""

import datetime as dt
from pathlib import Path

import pytest

from tests.connectors.files.factory import check, csv_file, outcomes
from tests.support import shared
from tranship.connectors.files import Staged, stage
from tranship.core.errors import InputError
from tranship.core.time import from_micros

HEADER = (
    "order,placed_at,sku,quantity,line,unit_price,currency,customer,name,street,city,zip,state,country,phone,email,"
    "channel,service,cancel"
)


def staged(folder: Path, text: str, **mapping: object) -> Staged:
    """Stage a small CSV under a mapping."""
    return check(stage(csv_file(folder, text), mapping=mapping))


def test_the_sources_own_promise_is_kept(tmp_path: Path):
    """`deliver_by` is a day at the destination; a cell that is no ISO date rejects its line, with the reason."""
    head = "order,placed_at,sku,quantity,zip,deliver_by\n"
    row = "{},2024-05-01T10:00:00Z,A-1,2,02134,{}\n"
    found = staged(tmp_path, head + row.format(1, "2024-05-03") + row.format(2, "") + row.format(3, "3.5.2024"))
    assert [order.deliver_by for order in found.orders] == ["2024-05-03", ""]
    assert [reject.reason for reject in found.rejects] == ["bad_promise"]
    assert found.orders[0].fingerprint != found.orders[1].fingerprint


def test_the_documented_header_is_read_whole(tmp_path: Path):
    """Every documented column arrives where it belongs; personal ones only in the person."""
    row = (
        "1001,2024-05-01T10:00:00-04:00,A-1,2,x9,3.50,usd,C7,Jane Doe,1 Main St,Boston,2134,ma,USA,555-1234,j@d.example"
    )
    order = staged(tmp_path, f"{HEADER}\n{row},web,ground,").orders[0]
    assert (order.number, order.customer, order.zip, order.state, order.country) == ("1001", "C7", "02134", "MA", "US")
    assert (order.currency, order.channel, order.service) == ("USD", "web", "ground")
    assert from_micros(order.placed_at) == dt.datetime(2024, 5, 1, 14, tzinfo=dt.UTC)
    assert [(line.key, line.sku, line.qty, line.unit_price_minor) for line in order.lines] == [("x9", "A-1", 2, 350)]
    person = order.person
    assert person is not None
    assert (person.ref, person.name, person.street, person.city) == ("C7", "Jane Doe", "1 Main St", "Boston")
    assert (person.phone, person.email) == ("555-1234", "j@d.example")


def test_four_columns_are_enough(tmp_path: Path):
    """Without the rest: a guest, price 0, no destination, no person; a date alone is noon, a naive time UTC, and a note says so."""
    found = staged(tmp_path, "Order,Placed At,SKU,Quantity\n1,2024-05-01,A,1\n2,2024-05-01 10:00,A,1")
    first = found.orders[1]
    assert (first.customer, first.zip, first.country, first.currency, first.person) == ("", "", "", "", None)
    assert [from_micros(order.placed_at).hour for order in found.orders] == [10, 12]
    assert any("read in UTC" in note for note in found.notes)


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ({}, "order"),
        ({"order": ""}, "no_document"),
        ({"placed_at": "yesterday"}, "bad_time"),
        ({"placed_at": ""}, "bad_time"),
        ({"placed_at": "0001-01-01"}, "bad_time"),
        ({"placed_at": "2024-05-01T10:00:00.123456789Z"}, "order"),
        ({"placed_at": "2024-05-01 10:00:00 UTC"}, "order"),
        ({"placed_at": "2024-05-01 10:00:00 +0530"}, "order"),
        ({"placed_at": "2024-05-01 25:00"}, "bad_time"),
        ({"sku": ""}, "no_sku"),
        ({"quantity": "0"}, "adjustment"),
        ({"quantity": "-1"}, "adjustment"),
        ({"quantity": "two"}, "bad_quantity"),
        ({"unit_price": "-1"}, "negative_price"),
        ({"unit_price": "1,50"}, "bad_price"),
        ({"unit_price": "1e-3"}, "order"),
        ({"unit_price": "nan"}, "bad_price"),
        ({"unit_price": "1e99"}, "bad_price"),
        ({"currency": "dollars"}, "bad_currency"),
        ({"zip": "ABC"}, "bad_zip"),
        ({"zip": "021341"}, "bad_zip"),
        ({"zip": "02134-0001"}, "order"),
        ({"zip": "T1Y", "country": "Canada"}, "order"),
        ({"zip": "'02134"}, "order"),
        ({"country": "Atlantis"}, "bad_country"),
        ({"customer": "x" * 300}, "bad_customer"),
        ({"channel": "x" * 65}, "bad_channel"),
        ({"line": "x" * 65}, "bad_line"),
        ({"name": "x" * 600}, "field_too_large"),
        ({"cancel": "1001"}, "unmatched"),
        ({"cancel": "yes"}, "unmatched"),
        ({"cancel": "no"}, "order"),
        ({"cancel": "x" * 65}, "bad_cancel"),
        ({"cancel": "1001", "quantity": "0"}, "adjustment"),
    ],
)
def test_each_row_has_its_outcome(tmp_path: Path, cells: dict[str, str], outcome: str):
    """One cell changed, one outcome."""
    base = {"order": "1", "placed_at": "2024-05-01", "sku": "A", "quantity": "1", "customer": "C", "unit_price": "2"}
    quoted = ",".join(f'"{({**base, **cells}).get(name, "")}"' for name in HEADER.split(","))
    assert outcomes(staged(tmp_path, f"{HEADER}\n{quoted}")) == {2: outcome}


def test_later_rows_may_leave_order_fields_blank_or_differ(tmp_path: Path):
    """The first usable row decides; blanks are no difference, others are said."""
    text = """order,placed_at,sku,quantity,zip,customer
        1,2024-05-01,A,1,02134,C1
        1,,B,1,,
        1,2024-05-02,C,1,10001,C1"""
    found = staged(tmp_path, text)
    assert [(order.zip, len(order.lines)) for order in found.orders] == [("02134", 3)]
    assert [note for note in found.notes if "the first was kept (1 line, the first is line 4)" in note]


def test_a_bad_first_row_does_not_spoil_its_order(tmp_path: Path):
    """An order whose first row has no readable time begins with its next."""
    found = staged(tmp_path, "order,placed_at,sku,quantity\n1,?,A,1\n1,2024-05-01,B,1")
    assert outcomes(found) == {2: "bad_time", 3: "order"}


def test_line_keys_of_the_source_are_used_and_may_not_repeat(tmp_path: Path):
    """A given key names the line; a blank one is the ordinal; a second of the same is rejected."""
    text = """order,line,placed_at,sku,quantity
        1,9,2024-05-01,A,1
        1,,2024-05-01,B,1
        1,9,2024-05-01,C,1"""
    found = staged(tmp_path, text)
    assert [line.key for line in found.orders[0].lines] == ["9", "2"]
    assert found.reasons == {"duplicate_line": 1}


def test_cancellations_name_an_order_or_are_matched_by_customer(tmp_path: Path):
    """An order number in `cancel` takes from that order; `yes` from the row's own order, else from the customer's latest."""
    text = """order,placed_at,sku,quantity,customer,cancel
        1,2024-05-01,A,5,C1,
        2,2024-05-02,A,5,C1,
        R1,2024-05-03,A,2,,1
        R2,2024-05-03,A,-3,C1,yes
        1,2024-05-04,A,1,C1,true
        R3,2024-05-04,A,1,C2,yes
        R4,2024-05-04,A,1,C1,7"""
    found = staged(tmp_path, text)
    assert [(c.number, c.order, c.qty) for c in found.cancels] == [("R1", "1", 2), ("R2", "2", 3), ("1", "1", 1)]
    assert outcomes(found)[7] == outcomes(found)[8] == "unmatched"


def test_a_mapping_reads_another_header_format_and_number_style(tmp_path: Path):
    """A German export: semicolons, decimal commas, its own dates, words for channels, services and countries."""
    mapping = {
        "zone": "Europe/Berlin",
        "time_format": "%d.%m.%Y %H:%M",
        "decimal": ",",
        "thousands": ".",
        "currency": "EUR",
        "channels": {"Webshop": "web"},
        "services": {"Expressversand": "express"},
        "countries": {"Deutschland": "DE"},
        "not_goods": ["VERSAND*"],
        "columns": {
            "order": "Bestellung",
            "placed_at": "Datum",
            "sku": "Artikel",
            "quantity": "Menge",
            "unit_price": ["Preis", "Einzelpreis"],
            "zip": "PLZ",
            "country": "Land",
            "channel": "Kanal",
            "service": "Versandart",
        },
    }
    text = """Bestellung;Datum;Artikel;Menge;Einzelpreis;PLZ;Land;Kanal;Versandart
        4711;01.05.2024 09:30;A-1;2;1.234,50;10115;Deutschland;Webshop;Expressversand
        4711;01.05.2024 09:30;VERSAND-DE;1;4,90;10115;Deutschland;Webshop;Expressversand"""
    found = staged(tmp_path, text, **mapping)
    order = found.orders[0]
    assert (order.zip, order.country, order.channel, order.service) == ("10115", "DE", "web", "express")
    assert (order.currency, order.lines[0].unit_price_minor) == ("EUR", 123_450)
    assert from_micros(order.placed_at) == dt.datetime(2024, 5, 1, 7, 30, tzinfo=dt.UTC)
    assert found.reasons == {"not_goods": 1}


def test_a_mapped_column_that_is_not_there_is_named(tmp_path: Path):
    """A mapping that does not fit its file is refused, not half used."""
    with pytest.raises(InputError, match="without Straße or Adresse"):
        staged(
            tmp_path,
            "order,placed_at,sku,quantity\n1,2024-05-01,A,1",
            columns={"street": ["Straße", "Adresse"]},
        )


def test_a_column_mapped_to_nothing_is_not_read(tmp_path: Path):
    """`name = ""` keeps a column that means something else out of the person."""
    text = "order,placed_at,sku,quantity,name\n1,2024-05-01,A,1,Blue teapot"
    assert staged(tmp_path, text, columns={"name": ""}).orders[0].person is None


def test_the_line_total_is_divided_among_its_units(tmp_path: Path):
    """`line_total` gives the unit price, half up; a unit price beside it wins."""
    text = """order,placed_at,sku,quantity,line_total,unit_price
        1,2024-05-01,A,3,10.00,
        1,2024-05-01,B,2,0.01,
        1,2024-05-01,C,2,9.99,4.00"""
    assert [line.unit_price_minor for line in staged(tmp_path, text).orders[0].lines] == [333, 1, 400]


def test_the_fingerprint_knows_no_person(tmp_path: Path):
    """Name, address, customer and position leave it; the destination's ZIP changes it."""
    head = "order,placed_at,sku,quantity,customer,name,street,city,phone,email,zip"
    base = staged(tmp_path, f"{head}\n1,2024-05-01,A,1,C1,Jane,1 Main St,Boston,1,a@b.example,02134").orders[0]
    other = staged(
        tmp_path, f"{head}\n0,2024-05-01,A,1,,,,,,,\n1,2024-05-01,A,1,C2,Joe,2 Side St,Salem,2,c@d.example,2134"
    )
    assert other.orders[1].fingerprint == base.fingerprint
    moved = staged(tmp_path, f"{head}\n1,2024-05-01,A,1,C1,Jane,1 Main St,Boston,1,a@b.example,02135").orders[0]
    assert moved.fingerprint != base.fingerprint


SUPERSTORE_HEADER = (
    "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,State,Postal Code,"
    "Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,Discount,Profit"
)
CLASSIC_ROW = (
    "1,CA-2016-152156,11/8/2016,11/11/2016,Second Class,CG-1,Claire,Consumer,United States,Concord,New Hampshire,3301,"
    'East,FUR-BO-1,Furniture,Bookcases,"Bush, Bookcase",261.96,2,0,41.9'
)


@pytest.mark.parametrize("mapping", [{}, {"preset": "superstore"}, {"preset": "superstore", "channel": "web"}])
def test_the_classic_superstore_edition_is_recognized(tmp_path: Path, mapping: dict[str, object]):
    """Other names for country and state, US dates, a ZIP without its zero: read with or without naming the preset."""
    found = staged(tmp_path, f"{SUPERSTORE_HEADER}\n{CLASSIC_ROW}", **mapping)
    order = found.orders[0]
    assert (order.zip, order.state, order.country, order.channel) == ("03301", "NH", "US", mapping.get("channel", ""))
    assert order.lines[0].unit_price_minor == 13_098
    assert from_micros(order.placed_at) == dt.datetime(2016, 11, 8, 17, tzinfo=dt.UTC)  # noon in New York
    assert found.source == "superstore"


def test_the_real_superstore_is_accepted_whole():
    """All 10,194 lines of 5,111 orders: real ZIPs, Canadian codes, line totals, four orders that contradict themselves."""
    path = shared("data", "superstore", "orders.csv.gz")
    found = check(stage(path, mapping={"preset": "superstore"}))
    assert (found.read, found.accepted, len(found.orders), found.reasons) == (10_194, 10_194, 5_111, {})
    american = [order for order in found.orders if order.country == "US"]
    assert sum(len(order.lines) for order in american) == 9_994
    assert all(len(order.zip) == 5 and order.zip.isdigit() and len(order.state) == 2 for order in american)
    assert {order.country for order in found.orders} == {"US", "CA"}
    assert {len(order.zip) for order in found.orders if order.country == "CA"} == {3}
    assert any("the first was kept" in note for note in found.notes)
    assert stage(path).orders == found.orders  # recognized without a mapping
