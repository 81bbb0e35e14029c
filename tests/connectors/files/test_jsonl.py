"""JSON lines: one order a line."""

import json
from pathlib import Path

import pytest

from tests.connectors.files.factory import check, outcomes, write
from tranship.connectors.files import Staged, stage
from tranship.core.order import NO_TERMS, Terms

ORDER: dict[str, object] = {
    "order": "1001",
    "placed_at": "2024-05-01T10:00:00Z",
    "customer": "C1",
    "name": "Jane Doe",
    "zip": "02134",
    "lines": [
        {"sku": "A", "quantity": 2, "unit_price": "9.99"},
        {"sku": "B", "quantity": 3, "line_total": 10, "line": "x"},
    ],
}


def staged(folder: Path, *lines: object) -> Staged:
    """Stage these lines: texts as they are, the rest as JSON."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return check(stage(write(folder / "a.jsonl", "\n".join(texts) + "\n")))


def test_an_order_a_line_is_read(tmp_path: Path):
    """Fields are those of the generic CSV."""
    found = staged(tmp_path, ORDER, "", {**ORDER, "order": 1002})
    order = found.orders[0]
    assert (found.source, found.format, found.read, found.accepted) == ("jsonl", "jsonl", 4, 4)
    assert [(line.key, line.sku, line.qty, line.unit_price_minor, line.at_line) for line in order.lines] == [
        *(("1", "A", 2, 999, 1), ("x", "B", 3, 333, 1)),
    ]
    assert (order.zip, order.country, order.customer) == ("02134", "US", "C1")
    assert order.person is not None and order.person.name == "Jane Doe"
    assert found.orders[1].number == "1002" and found.orders[1].lines[0].at_line == 3


@pytest.mark.parametrize(
    ("line", "reasons"),
    [
        ("nonsense", {"bad_json": 1}),
        ("{", {"bad_json": 1}),
        ("[1, 2]", {"bad_field": 1}),
        ("[" * 100_000, {"bad_field": 1}),
        ('{"extra": ' + "[" * 100_000, {"bad_json": 1}),
        ('{"order": "\\ud800"}', {"bad_json": 1}),
        ('{"a": "\0"}', {"bad_json": 1}),
        ({**ORDER, "order": ""}, {"no_document": 2}),
        ({**ORDER, "order": None}, {"bad_field": 2}),
        ({**ORDER, "placed_at": "soon"}, {"bad_time": 2}),
        ({**ORDER, "lines": []}, {"no_lines": 1}),
        ({**ORDER, "lines": 5}, {"bad_field": 1}),
        ({**ORDER, "zip": "X"}, {"bad_zip": 2}),
        ({**ORDER, "lines": [{"sku": "A", "quantity": "2"}]}, {"bad_field": 1}),
        ({**ORDER, "lines": [{"sku": "", "quantity": 2}]}, {"no_sku": 1}),
        ({**ORDER, "lines": [{"sku": "A", "quantity": 0}]}, {"adjustment": 1}),
        ({**ORDER, "lines": [{"sku": "A", "quantity": 10**12}]}, {"bad_quantity": 1}),
        ({**ORDER, "lines": [{"sku": "A", "quantity": 1, "unit_price": "x"}]}, {"bad_price": 1}),
        ({**ORDER, "lines": [{"sku": "A", "quantity": 1, "unit_price": -1}]}, {"negative_price": 1}),
        ({**ORDER, "lines": [{"sku": "A", "quantity": 1, "line": ""}]}, {"bad_line": 1}),
        ({**ORDER, "cancel": "7"}, {"unmatched": 2}),
        ({**ORDER, "cancel": " "}, {"bad_cancel": 2}),
    ],
)
def test_each_flaw_has_its_reason(tmp_path: Path, line: object, reasons: dict[str, int]):
    """A bad line costs itself; the order after it is staged."""
    found = staged(tmp_path, {**ORDER, "order": "first"}, line, {**ORDER, "order": "last"})
    assert found.reasons == reasons
    assert [order.number for order in found.orders] == ["first", "last"]


def test_an_order_twice_is_rejected(tmp_path: Path):
    """One order, one line: the first stands."""
    assert outcomes(staged(tmp_path, ORDER, ORDER)) == {1: "order", 2: "duplicate_order"}


def test_equal_line_keys_are_rejected(tmp_path: Path):
    """A key given twice in an order would make two lines one."""
    lines = [{"sku": "A", "quantity": 1, "line": 1}, {"sku": "B", "quantity": 1, "line": "1"}]
    assert staged(tmp_path, {**ORDER, "lines": lines}).reasons == {"duplicate_line": 1}


def test_a_cancellation_names_its_order(tmp_path: Path):
    """A document with `cancel` takes units back from that order."""
    back = {"order": "R1", "placed_at": "2024-05-02T10:00:00Z", "cancel": 1001, "lines": [{"sku": "A", "quantity": 5}]}
    found = staged(tmp_path, back, ORDER)
    assert [(c.number, c.order, c.line, c.qty) for c in found.cancels] == [("R1", "1001", "1", 2)]
    assert found.partly_unmatched_units == 3


def test_a_line_above_the_limit_is_rejected_in_its_place(tmp_path: Path):
    """Two megabytes on one line are not parsed."""
    found = staged(tmp_path, ORDER, {**ORDER, "order": "big", "name": "x" * 2_000_000}, {**ORDER, "order": "last"})
    assert outcomes(found) == {1: "order", 2: "line_too_long", 3: "order"}


def test_terms_are_read_and_change_the_fingerprint_only_where_they_are_said(tmp_path: Path):
    """Paid at the door, a pickup point, a business: what a leak budget looks at. Without them an order is the one it was."""
    (first,) = staged(tmp_path, ORDER).orders
    (again,) = staged(tmp_path, {**ORDER, "cod": False}).orders
    (said,) = staged(tmp_path, {**ORDER, "cod": True, "pickup": True}).orders
    assert first.terms == NO_TERMS and again.fingerprint == first.fingerprint
    assert said.terms == Terms(cod=True, pickup=True) and said.fingerprint != first.fingerprint
