"""Outcomes of the UCI export: each row of the table in docs/intake.md, then the real file."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from tests.connectors.files.factory import check, outcomes, uci_file, uci_row, write
from tests.support import shared
from tranship.connectors.files import Staged, stage
from tranship.core.time import from_micros, to_micros


def staged(folder: Path, *rows: str, **more: object) -> Staged:
    """Stage a small export."""
    return check(stage(uci_file(folder, rows), **more))  # type: ignore[arg-type]


def test_an_order_is_its_invoice(tmp_path: Path):
    """Lines of one invoice are one order: key by ordinal, price in pence, London time, no destination."""
    found = staged(tmp_path, uci_row(stock="85048", price="6.95"), uci_row(stock="79323P", quantity=2, price="0.001"))
    order = found.orders[0]
    assert (found.source, found.format, found.read, found.accepted) == ("uci", "uci", 2, 2)
    assert (order.number, order.customer, order.currency, order.zip, order.person) == (
        "500001",
        "13085",
        "GBP",
        "",
        None,
    )
    assert [(line.key, line.sku, line.qty, line.unit_price_minor, line.at_line) for line in order.lines] == [
        ("1", "85048", 5, 695, 2),
        ("2", "79323P", 2, 0, 3),
    ]
    assert from_micros(order.placed_at) == dt.datetime(2010, 3, 1, 10, tzinfo=dt.UTC)


FEES = [
    *("POST", "DOT", "C2", "C3", "M", "m", "D", "S", "B", "ADJUST", "ADJUST2", "BANK CHARGES"),
    *("AMAZONFEE", "TEST001", "TEST002", "GIFT", "gift_0001_30"),
]


@pytest.mark.parametrize("code", FEES)
def test_fee_codes_are_not_goods(tmp_path: Path, code: str):
    """Charges, adjustments, tests and vouchers are rejected whatever their sign."""
    found = staged(tmp_path, uci_row(stock=code), uci_row("C500002", code, -1), uci_row("500003", code, -1))
    assert found.reasons == {"not_goods": 3}
    assert found.rejects[0].detail == code


@pytest.mark.parametrize("code", ["PADS", "DCGS0058", "DCGSSGIRL", "SP1002", "85048", "15056BL", "10002"])
def test_goods_are_goods(tmp_path: Path, code: str):
    """Odd codes of real articles are accepted."""
    assert staged(tmp_path, uci_row(stock=code)).accepted == 1


def test_a_stock_code_is_trimmed(tmp_path: Path):
    """'47503J ' and '47503J' are one article, so a cancellation finds it."""
    found = staged(tmp_path, uci_row(stock="47503J "), uci_row("C500002", "47503J", -2, "2010-03-02 10:00"))
    assert found.orders[0].lines[0].sku == "47503J"
    assert found.cancels[0].qty == 2


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (uci_row("A506401", "B", 1, price="-53594.36"), "adjustment"),
        (uci_row("A506401", "85048", 1), "adjustment"),
        (uci_row(quantity=-5, price="0"), "adjustment"),
        (uci_row(quantity=0), "adjustment"),
        (uci_row("C500001", quantity=0), "adjustment"),
        (uci_row("C500001", quantity=3), "cancel_positive"),
        (uci_row("C500001", quantity=-3), "unmatched"),
        (uci_row(price="0"), "order"),
        (uci_row(price="0.0"), "order"),
        (uci_row(price="-0.01"), "negative_price"),
        (uci_row(price="free"), "bad_price"),
        (uci_row(price=""), "bad_price"),
        (uci_row(quantity="many"), "bad_quantity"),
        (uci_row(quantity="1.5"), "bad_quantity"),
        (uci_row(quantity="12.0"), "order"),
        (uci_row(quantity="1_000"), "bad_quantity"),
        (uci_row(quantity="٣"), "bad_quantity"),
        (uci_row(quantity=10**9), "bad_quantity"),
        (uci_row(customer=""), "order"),
        (uci_row(customer="13085.0"), "order"),
        (uci_row(customer="x" * 100), "bad_customer"),
        (uci_row(when="soon"), "bad_time"),
        (uci_row(when="2010-02-30 10:00"), "bad_time"),
        (uci_row(when="2010-03-01 10:00:30"), "order"),
        (uci_row(when="12/1/2010 8:26"), "order"),
        (uci_row(invoice=""), "no_document"),
        (uci_row(invoice="x" * 65), "no_document"),
        (uci_row(stock=" "), "no_sku"),
        (uci_row(stock="x" * 65), "no_sku"),
    ],
)
def test_each_row_has_its_outcome(tmp_path: Path, row: str, outcome: str):
    """One line, one outcome, as the table says."""
    assert outcomes(staged(tmp_path, row)) == {2: outcome}


def test_a_cancellation_takes_from_the_latest_earlier_line_up_to_what_is_left(tmp_path: Path):
    """Newest first; the rest of a line that asks for more is noted, not carried to an older line; later orders do not count."""
    found = staged(
        tmp_path,
        uci_row("500001", quantity=10, when="2010-03-01 10:00"),
        uci_row("500002", quantity=4, when="2010-03-05 10:00"),
        uci_row("C500003", quantity=-6, when="2010-03-06 10:00"),  # 4 of 500002, 2 over
        uci_row("C500004", quantity=-3, when="2010-03-07 10:00"),  # nothing left of 500002: 500001
        uci_row("500005", quantity=9, when="2010-03-08 10:00"),
        uci_row("C500006", quantity=-8, when="2010-03-07 12:00"),  # before 500005: 7 left of 500001, 1 over
        uci_row("C500007", quantity=-9, when="2010-03-09 12:00"),
        uci_row("C500008", quantity=-1, when="2010-03-09 13:00"),
    )
    assert [(c.number, c.order, c.line, c.qty, c.at_line) for c in found.cancels] == [
        ("C500003", "500002", "1", 4, 4),
        ("C500004", "500001", "1", 3, 5),
        ("C500006", "500001", "1", 7, 7),
        ("C500007", "500005", "1", 9, 8),
    ]
    assert outcomes(found)[9] == "unmatched"
    assert found.partly_unmatched_units == 3
    assert any("3 units" in note for note in found.notes)


def test_a_cancellation_does_not_reach_other_customers_articles_or_guests(tmp_path: Path):
    """Customer and SKU must agree; a guest's cancellation names nobody and is unmatched."""
    later = "2010-03-02 10:00"
    found = staged(
        tmp_path,
        uci_row("500001", quantity=10),
        uci_row("500002", quantity=10, customer=""),
        uci_row("C500003", quantity=-1, when=later, customer="99999"),
        uci_row("C500004", "22041", -1, when=later),
        uci_row("C500005", quantity=-1, when=later, customer=""),
    )
    assert outcomes(found) == {2: "order", 3: "order", 4: "unmatched", 5: "unmatched", 6: "unmatched"}


def test_earlier_is_by_time_not_by_place_in_the_file(tmp_path: Path):
    """A cancellation that stands above its order is matched where its time is later; at one minute the file's order decides."""
    found = staged(
        tmp_path,
        uci_row("C500002", quantity=-1, when="2010-03-02 10:00"),
        uci_row("500001", quantity=10, when="2010-03-01 10:00"),
        uci_row("C500003", quantity=-2, when="2010-03-01 10:00"),
    )
    assert sorted(c.number for c in found.cancels) == ["C500002", "C500003"]
    assert outcomes(staged(tmp_path, uci_row("C500003", quantity=-2), uci_row()))[2] == "unmatched"


def test_a_cancellation_reaches_back_to_earlier_files(tmp_path: Path):
    """What this file cannot give back, an earlier file's lines can; what was taken from them here is not taken twice."""
    before = to_micros(dt.datetime(2010, 1, 1, tzinfo=dt.UTC))

    def prior(customer: str, sku: str) -> list[tuple[str, str, int, int]]:
        lines = [("400001", "7", 5, before), ("400000", "1", 9, before - 1), ("500001", "1", 5, before)]
        return lines if (customer, sku) == ("13085", "85048") else []

    rows = [
        uci_row("500001", quantity=2),
        uci_row("C500002", quantity=-3, when="2010-03-02 10:00"),
        uci_row("C500003", quantity=-4, when="2010-03-03 10:00"),
        uci_row("C500004", quantity=-4, when="2010-03-04 10:00"),
        uci_row("C500005", "22041", -4, "2010-03-04 10:00"),
    ]
    found = staged(tmp_path, *rows, prior=prior)
    assert [(c.order, c.line, c.qty) for c in found.cancels] == [
        ("500001", "1", 2),
        ("400001", "7", 4),
        ("400001", "7", 1),
    ]
    assert found.reasons == {"unmatched": 1}
    assert found == staged(tmp_path, *rows, prior=prior)  # 500001 is in this file: the earlier copy of it is not used


def test_the_same_article_twice_is_two_lines(tmp_path: Path):
    """A line's key is its ordinal in the invoice, so equal lines stay two."""
    found = staged(tmp_path, uci_row(), uci_row())
    assert [line.key for line in found.orders[0].lines] == ["1", "2"]


def test_a_rejected_line_keeps_its_ordinal(tmp_path: Path):
    """Keys do not move when a rule about a neighbor changes."""
    found = staged(tmp_path, uci_row(stock="POST"), uci_row())
    assert [line.key for line in found.orders[0].lines] == ["2"]


def test_lines_of_an_invoice_need_not_be_contiguous(tmp_path: Path):
    """An invoice that starts again is still one order, at its first line's time, and a note counts the restarts."""
    found = staged(
        tmp_path, uci_row("500001"), uci_row("500002"), uci_row("500001", stock="22041", when="2010-03-01 10:01")
    )
    assert [(order.number, [line.key for line in order.lines]) for order in found.orders] == [
        ("500001", ["1", "2"]),
        ("500002", ["1"]),
    ]
    assert found.orders[0].placed_at == to_micros(dt.datetime(2010, 3, 1, 10, tzinfo=dt.UTC))
    assert any("restart 1 times" in note for note in found.notes)
    assert any("1 invoices have lines with another time" in note for note in found.notes)


def test_another_customer_on_a_later_line_is_said_and_not_used(tmp_path: Path):
    """The first customer stands; a first line without one is filled from a later."""
    found = staged(
        tmp_path,
        *(uci_row("500001", customer="1"), uci_row("500001", customer="2")),
        *(uci_row("500002", customer=""), uci_row("500002", customer="3")),
    )
    assert [order.customer for order in found.orders] == ["1", "3"]
    assert any("another customer" in note and "line 3" in note for note in found.notes)


def test_clock_changes_are_read_gap_forward_fold_first(tmp_path: Path):
    """London jumped over 01:00-02:00 on 2010-03-28 and lived it twice on 2010-10-31."""
    found = staged(tmp_path, uci_row("500001", when="2010-03-28 01:30"), uci_row("500002", when="2010-10-31 01:30"))
    assert [from_micros(order.placed_at) for order in found.orders] == [
        dt.datetime(2010, 3, 28, 1, 30, tzinfo=dt.UTC),  # 02:30 British Summer Time
        dt.datetime(2010, 10, 31, 0, 30, tzinfo=dt.UTC),  # 01:30 British Summer Time, the first of the two
    ]


def test_a_mapping_sets_zone_channel_currency_and_fee_codes(tmp_path: Path):
    """What the export does not say, its mapping may."""
    mapping = {"source": "uk", "zone": "America/New_York", "channel": "web", "currency": "EUR", "not_goods": ["850*"]}
    found = staged(tmp_path, uci_row(), uci_row(stock="POST"), mapping=mapping)
    assert outcomes(found) == {2: "not_goods", 3: "order"}
    order = found.orders[0]
    assert (found.source, order.channel, order.currency) == ("uk", "web", "EUR")
    assert from_micros(order.placed_at).hour == 15


def test_the_other_edition_has_the_same_orders(tmp_path: Path):
    """Headers and times of the edition that is passed on most give the same orders."""
    other = uci_row(when="3/1/2010 10:00", customer="13085.0")
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
    path = write(tmp_path / "other.csv", f"{header}\n{other}\n")
    assert stage(path).orders == staged(tmp_path, uci_row()).orders


def test_the_fingerprint_is_of_content_alone(tmp_path: Path):
    """Moving in the file and another customer leave it; a line, quantity, price or time changes it."""
    base = staged(tmp_path, uci_row()).orders[0].fingerprint
    moved = staged(tmp_path, uci_row("400000"), uci_row(customer="77777"))
    assert moved.orders[1].fingerprint == base
    for change in (
        [uci_row(quantity=6)],
        [uci_row(price="1.26")],
        [uci_row(stock="22041")],
        [uci_row(when="2010-03-01 10:01")],
        [uci_row(), uci_row()],
        [uci_row(stock="POST"), uci_row()],
    ):
        assert staged(tmp_path, *change).orders[0].fingerprint != base


@pytest.fixture(scope="module")
def year() -> Staged:
    """The real export, staged once."""
    return stage(shared("data", "uci_online_retail", "online_retail_2009_2010.csv.gz"))


def test_the_real_year_is_accounted_for(year: Staged):
    """Every one of its lines has an outcome; each count is argued from the file.

    not_goods 2,963: 2,966 lines have a fee code, less the three A-invoices (all code B), which are adjustments.
    adjustment 2,122: 2,121 negative lines without C, less 2 with a fee code, and the three A-invoices. No quantity is 0.
    cancel_positive 0: the one C line above zero is a fee (code M).
    unmatched 1,615: of 9,582 C lines of goods 187 are guests' and 1,428 find no earlier line with units left.
    """
    check(year)
    assert (year.read, year.accepted, len(year.rejects)) == (525_461, 518_761, 6_700)
    assert year.reasons == {"not_goods": 2_963, "adjustment": 2_122, "unmatched": 1_615}
    assert (len(year.orders), len(year.cancels), year.partly_unmatched_units) == (21_705, 7_967, 2_706)
    assert sum(len(order.lines) for order in year.orders) == 510_794
    assert year.encoding == "utf-8"
    assert any("697 times" in note for note in year.notes)


def test_the_real_fee_codes_are_counted_one_by_one(year: Staged):
    """Rejected codes and how often; PADS, DCGS* and SP1002 are not among them."""
    codes = Counter(reject.detail for reject in year.rejects if reject.reason == "not_goods")
    assert codes["POST"] == 865 and codes["M"] == 850 and codes["DOT"] == 736 and codes["C2"] == 138
    assert sum(count for code, count in codes.items() if code.startswith("gift_")) == 66
    assert codes["B"] == 0  # all three are on A-invoices: adjustments
    assert not [code for code in codes if code.startswith(("PADS", "DCGS", "SP"))]
    kept = {line.sku for order in year.orders for line in order.lines}
    assert {"PADS", "SP1002", "DCGS0058", "47503J"} <= kept


def test_the_real_orders_have_the_known_shape(year: Staged):
    """Sizes as published for this file: mean 23 to 24 lines, median 14, at most 675; guests; London's winter and summer."""
    sizes = sorted(len(order.lines) for order in year.orders)
    assert sizes[len(sizes) // 2] == 14
    assert 23 < sum(sizes) / len(sizes) < 24
    assert sizes[-1] == 674  # 675 lines with one of them a fee
    lags = sorted(cancel.at - placed for cancel, placed in _matched(year))
    assert 9 <= lags[len(lags) // 2] / 86_400_000_000 < 10
    assert year.orders[0].placed_at == to_micros(dt.datetime(2009, 12, 1, 7, 45, tzinfo=dt.UTC))


def _matched(year: Staged):
    placed = {order.number: order.placed_at for order in year.orders}
    return [(cancel, placed[cancel.order]) for cancel in year.cancels]
