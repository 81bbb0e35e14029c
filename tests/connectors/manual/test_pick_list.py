"""Pick lists: what is printed, in which order, and that the same orders make the same paper."""

import csv
import io
import re

import pytest

from tranship.connectors.manual import PRINTED, batch_id, connector, order_of, page, pick_list, picks
from tranship.connectors.manual.barcode import modules
from tranship.connectors.port import OPERATIONS, Connector, Order, Response
from tranship.connectors.registry import client_of, connector_of
from tranship.core.capability import Connection
from tranship.core.errors import DamageError, InputError
from tranship.masking.model import MaskedAddress, MaskedLine, MaskedOrder

BINS = {"MUG": "B-1", "TEE": "A-2"}


def order(remote_id: str, *lines: tuple[str, str, int], name: str = "Ada Byron", **more: str) -> MaskedOrder:
    """An order to pick."""
    to = MaskedAddress(name, "12 Oak St", "Seattle", "WA", "98101", "US", "Apt 4")
    return MaskedOrder(remote_id, to, tuple(MaskedLine(*line) for line in lines), **more)


ORDERS = [
    order("TS-2", ("1", "MUG", 2), ("2", "TEE", 1), ship_by="2026-11-27"),
    order("TS-1", ("1", "MUG", 1), name="=HYPERLINK(1)", service="two_day"),
]


def rows(data: bytes) -> list[dict[str, str]]:
    """The list as a spreadsheet opens it."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_walk_goes_by_bin_then_sku_then_order():
    """So nobody walks twice; without bins by SKU."""
    assert [(p.bin, p.sku, p.remote_id, p.quantity) for p in picks(ORDERS, BINS)] == [
        ("A-2", "TEE", "TS-2", 1), ("B-1", "MUG", "TS-1", 1), ("B-1", "MUG", "TS-2", 2),
    ]  # fmt: skip
    assert [(row["sku"], row["order"]) for row in rows(pick_list(ORDERS))] == [
        ("MUG", "TS-1"),
        ("MUG", "TS-2"),
        ("TEE", "TS-2"),
    ]


def test_the_same_orders_make_the_same_batch_and_bytes():
    """A list may be written again after a crash; other orders are another batch."""
    assert pick_list(ORDERS) == pick_list(ORDERS[::-1])
    assert batch_id(["TS-1", "TS-2"]) == rows(pick_list(ORDERS))[0]["batch"] != batch_id(["TS-1"])
    assert page([ORDERS]) == page([ORDERS[::-1]])


def test_every_unit_is_on_the_list_with_its_address():
    """And columns to fill in, empty."""
    told = rows(pick_list(ORDERS, bins=BINS))
    assert sum(int(row["quantity"]) for row in told) == 4
    assert (
        {row["zip"] for row in told} == {"98101"} and told[0]["name"] == "Ada Byron" and told[0]["address2"] == "Apt 4"
    )
    assert {row[key] for row in told for key in ("shipped", "status", "carrier", "tracking")} == {""}


def test_no_cell_is_calculated():
    """What a spreadsheet would take for a formula is marked as text."""
    assert "'=HYPERLINK(1)" in {row["name"] for row in rows(pick_list(ORDERS))}
    assert rows(pick_list([order("TS-1", ("1", "-MUG", 1))]))[0]["sku"] == "'-MUG"


def test_an_order_twice_or_none_is_refused():
    """Twice on a list is twice in the post."""
    with pytest.raises(InputError, match="twice"):
        pick_list([ORDERS[0], ORDERS[0]])
    with pytest.raises(InputError, match="without orders"):
        page([[]])


def test_the_page_has_a_box_for_every_pick_and_line_and_quotes_everything():
    """One section a batch; what people are called is text and never markup; nothing comes from elsewhere."""
    found = page(
        [ORDERS, [order("TS-3", ("1", "M<U>G", 1), name="<script>alert(1)</script>")]], warehouse="R&D", bins=BINS
    )
    assert found.count('<section class="batch">') == 2
    assert found.count('type="checkbox" aria-label="fetched"') == 3 and found.count('aria-label="packed"') == 4
    assert "<script" not in found and "M&lt;U&gt;G" in found and "R&amp;D" in found
    assert not re.search(r"https?://|src=|url\(", found)


def test_a_barcode_is_as_long_as_the_standard_says():
    """Eleven modules a letter, start, check and stop; letters that it cannot hold are refused."""
    for text in ("A", "TS-6Y5J5JGFKKY7", "x" * 40):
        assert sum(modules(text)) == 11 * (len(text) + 2) + 13
    assert modules("PL-2")[:6] == [2, 1, 1, 2, 1, 4]  # start B
    for bad in ("", "ü", "\n"):
        with pytest.raises(ValueError, match="printable"):
            modules(bad)


def test_a_known_barcode_has_its_check_letter():
    """`Wikipedia` in set B has the check value 88, as published with the symbology's article."""
    check = modules("Wikipedia")[-13:-7]
    assert check == modules("x")[6:12]  # x is the letter with the value 88


def test_the_registry_has_it_and_there_is_nothing_to_send_to():
    """It loads, claims nothing, and has no client."""
    made = connector_of(Connection("reno", "manual", settings={"name": "Reno"}))
    assert made.kind == "manual" and made.capability.cancel == "none" and not made.capability.rates
    assert client_of(Connection("reno", "manual")) is None


@pytest.mark.parametrize("made", [ORDERS[0], order("TS-1", ("1", "MUG", 1), name="O'Brien", service="two_day")])
def test_what_is_printed_is_what_was_journaled(made: MaskedOrder):
    """The stored bytes read back as the very order; damaged ones say so; there is no hold to ask for."""
    manual = connector(Connection("reno", "manual"))
    stored = manual.body(made, hold=False)
    assert order_of(stored) == made and manual.body(order_of(stored), hold=False) == stored
    assert pick_list([order_of(stored)]) == pick_list([made]) and PRINTED.remote == "PICKING"
    for damaged in (stored[:-5], b"{}", stored.replace(b"line1", b"lineX"), stored.replace(b'"city":"Seattle",', b"")):
        with pytest.raises(DamageError):
            order_of(damaged)
    with pytest.raises(InputError, match="on hold"):
        manual.body(made, hold=True)


def test_it_has_the_shape_of_a_connector_and_nothing_comes_of_it():
    """Requests go nowhere, answers prove nothing, and nobody can send it a message."""
    manual: Connector = connector(Connection("reno", "manual"))
    lines = {"offer": ORDERS[0], "list": 0, "returns": 0, "stock": 0}
    for op in OPERATIONS:
        given = (Order("TS-1"), b"x") if op == "create" else (lines.get(op, Order("TS-1")),)
        assert getattr(manual, op)(*given).method == "NONE"
        assert manual.read(op, Order("TS-1"), Response(200, {}, b"{}")).outcome == "refused"
    assert manual.read_stock(Response(200, {}, b"")).failed and not manual.message({}, b"", ["x"]).ok


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"outbox": "a", "inbox": "a"}, "same folder"),
        ({"most_orders": 0}, "between 1 and"),
        ({"name": "x" * 81}, "80 characters"),
        ({"inbox": ""}, "no folder"),
        ({"folder": "x"}, "manual takes name, outbox"),
    ],
)
def test_settings_name_what_is_wrong(settings: dict[str, object], text: str):
    """The key, and what it may be."""
    with pytest.raises(InputError, match=text):
        connector(Connection("reno", "manual", settings=settings))
