"""Any dirt: nothing but InputError comes out, every line is accounted for, and nothing personal leaks."""

import csv
import io
import json
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from tests.connectors.files.factory import UCI_HEADER, check, csv_file, uci_row, write
from tranship.connectors.files import Reject, Staged, stage, write_rejects
from tranship.connectors.files.mapping import FIELDS
from tranship.core.errors import InputError

CELLS = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                " ",
                "1",
                "-1",
                "0",
                "2.50",
                "1e5",
                "-",
                "1" * 400,
                "yes",
                "no",
                "A1",
                "C1",
                "A",
                "C",
                "POST",
                "85048",
            ),
            *(
                "2024-05-01",
                "2024-05-01 10:00",
                "9999-12-31",
                "1970-01-01",
                "0000-00-00",
                "US",
                "CA",
                "02134",
                "T1Y",
                "EUR",
            ),
            *('"', '""', ",", "\n", "\r", "\0", "\ufeff", "é", "=cmd()", "nan", "inf", "٣", "\u2028", "\x85", "1_0"),
        ]
    ),
    st.text(max_size=8),
)
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(st.lists(CELLS, max_size=10), max_size=10).map(lambda rows: "\n".join(",".join(row) for row in rows)),
)
HEADERS = st.sampled_from(
    [
        UCI_HEADER,
        ",".join(FIELDS),
        "order,placed_at,sku,quantity,cancel,customer,line",
        "Name,Created at,Lineitem quantity,Lineitem sku,Lineitem price,Cancelled at,Shipping Zip,Shipping Country",
        "",
    ]
)


def staged(content: bytes) -> Staged | None:
    """Stage bytes; None where they were refused."""
    with tempfile.TemporaryDirectory() as folder, suppress(InputError):
        return check(stage(write(Path(folder) / "a", content)))
    return None


@given(
    HEADERS,
    st.lists(st.lists(CELLS, min_size=3, max_size=20), max_size=10),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@example(UCI_HEADER, [["C1", "85048", "x", "-1", "2024-05-01", "1", "7", "UK"]], "\n", False)
def test_dirty_cells_are_accounted_for(header: str, rows: list[list[str]], end: str, quoted: bool):
    """Rows of any cells under any header, written well or badly: staged with counts that add up, or refused."""
    if quoted:
        out = io.StringIO()
        csv.writer(out, lineterminator=end).writerows(rows)
        body = out.getvalue()
    else:
        body = end.join(",".join(row) for row in rows)
    staged((header + end + body).encode("utf-8", "replace"))


@given(HEADERS, TEXTS, st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_dirty_text_is_accounted_for(header: str, text: str, encoding: str):
    """Any text below a header, in any encoding."""
    staged(f"{header}\n{text}".encode(encoding, "replace"))


@given(st.binary(max_size=200))
@example(b"\x1f\x8b")
@example(b"\xa0")  # latin-1: a blank
@example(b"\x1f\x8b\x08\x00")
def test_any_bytes_are_staged_or_refused(content: bytes):
    """Bytes of any kind."""
    staged(content)
    staged(UCI_HEADER.encode() + b"\n" + content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SHOPIFY = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["#1", "#2", ""]) | JSON,
        "created_at": st.sampled_from(["2024-05-01T10:00:00Z", "2024-05-01", "x"]) | JSON,
        "cancelled_at": st.sampled_from(["2024-05-02T10:00:00Z", None]) | JSON,
        "currency": st.just("USD") | JSON,
        "shipping_address": st.just({"zip": "02134"}) | JSON,
        "line_items": st.lists(st.just({"id": 1, "sku": "A", "quantity": 2}) | JSON, max_size=3) | JSON,
        "refunds": st.just(
            [
                {
                    "created_at": "2024-05-02",
                    "refund_line_items": [{"line_item_id": 1, "quantity": 1}, {"line_item_id": 2, "quantity": 0}],
                }
            ]
        )
        | JSON,
    },
)
LINES = st.fixed_dictionaries(
    {},
    optional={
        "order": st.sampled_from(["1", "2", 3]) | JSON,
        "placed_at": st.sampled_from(["2024-05-01T10:00:00Z", "x"]) | JSON,
        "cancel": st.sampled_from(["", "1"]) | JSON,
        "zip": st.just("02134") | JSON,
        "lines": st.lists(st.just({"sku": "A", "quantity": 2, "unit_price": 1.5}) | JSON, max_size=3) | JSON,
    },
)


@given(st.lists(SHOPIFY | JSON, max_size=4), st.booleans())
def test_dirty_shopify_documents_are_accounted_for(orders: list[object], bare: bool):
    """Orders with any JSON in any field."""
    staged(json.dumps(orders if bare else {"orders": orders}).encode())


@given(st.lists(LINES | JSON, max_size=4))
def test_dirty_json_lines_are_accounted_for(orders: list[object]):
    """Lines with any JSON in any field."""
    staged(
        b"".join(
            json.dumps(order).encode() + b"\n" for order in [{"order": "0", "placed_at": "", "lines": []}, *orders]
        )
    )


PERSONAL = {
    "name": "SECRET Name",
    "street": "SECRET Street 1",
    "city": "SECRET City",
    "phone": "SECRET 555",
    "email": "SECRET@example.com",
    "customer": "SECRET-REF",
}


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), CELLS, max_size=4), min_size=1, max_size=6), st.booleans())
def test_personal_fields_stay_in_the_person(changes: list[dict[str, str]], clipped: bool):
    """Whatever else is wrong with a row, no name, street, city, phone, e-mail or customer is in rejects, notes or cancels."""
    base = {
        **dict.fromkeys(FIELDS, ""),
        "order": "1",
        "placed_at": "2024-05-01",
        "sku": "A",
        "quantity": "1",
        **PERSONAL,
    }
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(FIELDS)
    for change in changes:
        row = list({**base, **{k: v for k, v in change.items() if k not in PERSONAL}}.values())
        writer.writerow(row[: len(row) - 3 * clipped])
    found = staged(out.getvalue().encode("utf-8", "replace"))
    assert found is not None
    assert "SECRET" not in repr((found.rejects, found.notes, found.cancels, found.reasons))
    for order in found.orders:
        assert "SECRET" not in repr(order).replace(repr(order.customer), "")


def test_shifted_cells_are_not_repeated(tmp_path: Path):
    """A row that lost a field has a name where the quantity should be: the reason says so without the cell."""
    text = "order,placed_at,sku,quantity,name\n1,2024-05-01,A,SECRET,x\nSECRET,A,1,2024-05-01\n1,SECRET,A,1,x"
    found = stage(csv_file(tmp_path, text))
    assert found.reasons == {"bad_quantity": 1, "fields": 1, "bad_time": 1}
    assert "SECRET" not in repr((found.rejects, found.notes))


def test_rejects_csv_is_safe_in_a_spreadsheet(tmp_path: Path):
    """file,line,document,reason,detail; a cell that would start a formula gets an apostrophe."""
    rejects = [
        Reject(2, "=1+1", "no_sku", "+a"),
        Reject(3, "-5", "bad_time", "@b"),
        Reject(9, "ok", "fields", 'a "b", c'),
    ]
    found = Staged("csv", "=x.csv", "", 3, 0, rejects=rejects)
    write_rejects(found, tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["file", "line", "document", "reason", "detail"],
        ["'=x.csv", "2", "'=1+1", "no_sku", "'+a"],
        ["'=x.csv", "3", "'-5", "bad_time", "'@b"],
        ["'=x.csv", "9", "ok", "fields", 'a "b", c'],
    ]


def test_staging_twice_gives_the_same(tmp_path: Path):
    """The same bytes, the same answer, whatever the file is called and whether it is compressed."""
    rows = "\n".join(
        [UCI_HEADER, uci_row(), uci_row("C500002", quantity=-9, when="2010-03-02 10:00"), uci_row(quantity="x")]
    )
    first, second = stage(write(tmp_path / "a.csv", rows)), stage(write(tmp_path / "b", rows, packed=True))
    assert (first.orders, first.cancels, first.rejects) == (second.orders, second.cancels, second.rejects)
