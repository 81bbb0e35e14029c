"""Reports on their way back: a known file in, the exact file out; what is not ours is left out, what cannot be read refuses all of it."""

from collections.abc import Callable

import pytest

from tests.masking.reports.files import ALL_ORDERS, MCF, RETURNS, SHIPMENTS, TYPES, cells, read, sent, table, zipped
from tranship.core.errors import InputError
from tranship.masking.policy import ReportError
from tranship.masking.reports import Reader, TokenBook
from tranship.masking.tokens import new_token
from tranship.masking.tokens_memory import MemoryTokens

HEAD = "amazon-order-id\tmerchant-order-id\tpurchase-date\torder-status\tsales-channel\tproduct-name\tsku\tquantity\tship-city\n"
ROW = 'S01-1234567-7654321\t{}\t2026-11-24T08:15:30+00:00\tShipped\tNon-Amazon US\tLamp 24" x 3\tMUG-2\t2\tSeattle\n'


def test_a_known_file_comes_out_word_for_word():
    """Our order has its own id again, another one's row is gone, everything else is byte for byte what the network wrote."""
    ours = sent("SHOP-1")
    raw = HEAD + ROW.format(ours.order) + ROW.format("111-2222222-3333333") + ROW.format("") + ROW.format(ours.order)
    made = read(raw.encode(), ALL_ORDERS, ours.tokens)
    assert made.out.decode() == HEAD + ROW.format("SHOP-1") * 2
    assert made.counts == (4, 2, 2, {}, 0)


@pytest.mark.parametrize("report_type", TYPES)
def test_every_report_reads_back(report_type: str):
    """With every column that the policy has: tokens become what they stand for, the rest stays."""
    ours = sent("SHOP-1")
    row = cells(report_type, ours)
    (back,) = read(table([row]), report_type, ours.tokens).rows()
    said = {ours.order: "SHOP-1", ours.name: "Ada Byron", ours.line: "line 7"}
    assert back == {column: said.get(value, value) for column, value in row.items()}
    assert set(said.values()) & set(back.values())


def test_personal_data_that_comes_in_is_a_token_and_what_is_dropped_is_empty():
    """What the network tells of people never goes on in clear; the same order's same words get the same token."""
    ours = sent()
    told = {
        "buyer_email": "ada@post.example",
        "buyer_name": "Ada Byron",
        "ship_phone_number": "+1 206 555 0142",
        "bill_city": "Paris",
    }
    rows = [cells(SHIPMENTS, ours, shipment_id="H1", **told), cells(SHIPMENTS, ours, shipment_id="H1", **told)]
    made = read(table(rows), SHIPMENTS, ours.tokens)
    first, second = made.rows()
    assert first == second and first["bill-city"] == "" and b"post.example" not in made.out and b"555" not in made.out
    for column in ("buyer-email", "buyer-name", "ship-phone-number"):
        found = ours.tokens.found(first[column])
        assert found is not None and (found.kind, found.scope) == ("person_in", ours.order)
    shipment = ours.tokens.found(first["shipment-id"])
    assert shipment is not None and (shipment.kind, shipment.value) == ("shipment", "H1")
    comment = cells(RETURNS, ours, customer_comments="wrong door, call me: +1 206 555 0142")
    assert b"wrong door" not in read(table([comment]), RETURNS, ours.tokens).out


def test_where_nothing_can_be_kept_personal_cells_are_empty():
    """A reader that may not write gives neither the words nor a token that nobody could find again."""
    ours = sent()
    reader = Reader(MCF, RETURNS, TokenBook(MCF, ours.tokens, told=frozenset()))
    raw = table([cells(RETURNS, ours, customer_comments="too small")])
    out = b"".join([*reader.feed(raw), *reader.close()])
    assert b"too small" not in out and reader.counts.emptied == 1 and reader.counts.passed == 1


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("unknown", "is unknown"),
        ("foreign", "is unknown, or another network's"),
        ("over", "is over"),
        ("damaged", "damaged"),
        ("kind", "another kind"),
        ("beside", "beside something else"),
    ],
)
def test_an_order_that_claims_to_be_ours_and_is_not_is_quarantined(column: str, why: str):
    """Unknown, another network's, expired, damaged, of another kind, with a word beside it: the row is left out and counted."""
    ours, gone, foreign = sent("SHOP-1"), sent("SHOP-2"), sent("SHOP-3")
    over = sent("SHOP-2", ours.tokens)
    ours.tokens.expire("")
    ours = sent("SHOP-9", ours.tokens)
    del gone
    bad = {
        "unknown": new_token("order"), "foreign": foreign.order, "over": over.order, "kind": ours.line,
        "damaged": ours.order[:-1] + ("2" if ours.order[-1] != "2" else "3"), "beside": f"x {ours.order}",
    }[column]  # fmt: skip
    raw = HEAD + ROW.format(ours.order) + ROW.format(bad)
    made = read(raw.encode(), ALL_ORDERS, ours.tokens)
    assert made.out.decode() == HEAD + ROW.format("SHOP-9")
    ((where, said),) = made.counts.quarantined
    assert where == "merchant-order-id" and why in said and made.counts.held == 1


@pytest.mark.parametrize(
    ("column", "kind", "why"),
    [
        ("recipient-name", "name", "another order"),
        ("merchant-order-item-id", "line", "another order"),
        ("sku", "order", "another kind"),
        ("carrier", "order", "where none belongs"),
        ("product-name", "name", "where none belongs"),
        ("buyer-name", "name", "another order"),
        ("shipment-id", "order", "another order"),
    ],
)
def test_a_token_of_another_order_or_place_quarantines_its_row(column: str, kind: str, why: str):
    """Tokens count for their kind and their order alone, as in answers."""
    tokens = MemoryTokens()
    ours, other = sent("SHOP-1", tokens), sent("SHOP-2", tokens)
    stray = {"name": other.name, "line": other.line, "order": other.order}[kind]
    good, bad = cells(SHIPMENTS, ours), {**cells(SHIPMENTS, ours), column: stray}
    made = read(table([good, bad, good]), SHIPMENTS, tokens)
    assert made.counts.passed == 2 and made.counts.held == 1
    ((where, said),) = made.counts.quarantined
    assert where == column and why in said and stray.encode() not in made.out


def test_an_alias_that_the_network_repeats_as_the_buyer_is_taken_back():
    """It has no other name for the buyer than the recipient's alias: that is this order's own, and no personal data that comes in."""
    tokens = MemoryTokens()
    ours = sent("SHOP-1", tokens)
    made = read(table([{**cells(SHIPMENTS, ours), "buyer-name": ours.name}]), SHIPMENTS, tokens)
    assert made.counts.passed == 1 and ours.name.encode() not in made.out


def test_a_name_in_clear_where_the_policy_sends_aliases_is_quarantined():
    """The network never got it from us: nobody knows whose it is."""
    ours = sent()
    made = read(table([{**cells(SHIPMENTS, ours), "recipient-name": "Ada Byron"}]), SHIPMENTS, ours.tokens)
    assert made.counts.passed == 0 and made.counts.quarantined == {("recipient-name", "is no token of ours"): 1}


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "unknown": (lambda raw: raw.replace(b"sales-channel", b"buyer-gender"), "the header, column 5 of 9: has no rule"),
    "twice": (lambda raw: raw.replace(b"merchant-order-id", b"order-status", 1), "the header, column order-status: is there twice"),
    "no key": (lambda raw: raw.replace(b"merchant-order-id", b"ship-state"), "the header, column merchant-order-id: is missing"),
    "count": (lambda raw: raw.replace(b"\t2\t", b"\ttwo\t"), "row 1, column quantity: is not a number of units"),
    "moment": (lambda raw: raw.replace(b"2026-11-24T", b"Tuesday"), "row 1, column purchase-date"),
    "note": (lambda raw: raw.replace(b"Seattle", b"ring twice +1 206 555 0142"), "row 1, column ship-city"),
    "short": (lambda raw: raw.replace(b"\tSeattle", b""), "row 1: has 8 cells, the header 9"),
    "long": (lambda raw: raw.replace(b"Seattle", b"Seattle\t"), "row 1: has 10 cells, the header 9"),
    "break": (lambda raw: raw.replace(b"Lamp", b"La\rmp"), "row 1: holds a line break"),
    "bytes": (lambda raw: raw.replace(b"Lamp", b"La\x9dmp"), "row 1: is not UTF-8 or Windows-1252"),
    "row": (lambda raw: raw.replace(b"Lamp", b"L" * 70_000), "row 1: is longer"),
    "quote": (lambda raw: raw.replace(b"\t", b",").replace(b'24" x', b'24"" x'), "row 1: is not quoted as a table is"),
    "open quote": (lambda raw: raw.replace(b"\t", b",").replace(b'Lamp 24" x 3', b'"Lamp'), "row 1: holds a quotation mark"),
    "utf-16": (lambda raw: raw.decode().encode("utf-16"), "the header: is in UTF-16"),
    "empty": (lambda _: b"", "the header: is not there"),
    "torn": (lambda raw: zipped(raw)[:-9], "the document: is compressed and not whole"),
    "no gzip": (lambda raw: zipped(raw)[:20] + b"\x00" * 40, "the document: is compressed and not whole"),
    "json": (lambda _: b'{"reports": []}', "the header: is not quoted"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_refuses_the_report(name: str):
    """Unknown, doubled and missing columns, wrong types, torn rows, bad quotes and bad bytes: named by row and column, without a value."""
    (change, said), ours = BROKEN[name], sent()
    raw = change((HEAD + ROW.format(ours.order)).encode())
    with pytest.raises(ReportError, match=said) as caught:
        read(raw, ALL_ORDERS, ours.tokens)
    for secret in ("two", "Tuesday", "555", "gender", "Lamp", ours.order):
        assert secret not in str(caught.value)


def test_a_bomb_is_stopped_at_the_limit():
    """A compressed document counts as large as it is, and is not opened further."""
    ours = sent()
    raw = zipped((HEAD + ROW.format(ours.order) * 5_000).encode())
    assert len(raw) < 20_000
    reader = Reader(MCF, ALL_ORDERS, TokenBook(MCF, ours.tokens), most=100_000)
    with pytest.raises(ReportError, match="larger than 100,000 bytes"):
        list(reader.feed(raw))


def test_a_type_that_the_policy_cannot_read_is_no_report():
    """Also one that exists at the vendor's; and a kind without reports has none."""
    with pytest.raises(InputError, match="cannot read this type"):
        Reader(MCF, "GET_MERCHANT_LISTINGS_ALL_DATA", TokenBook(MCF, MemoryTokens()))


def test_what_a_cell_cannot_hold_is_quarantined():
    """An order id with a tab in it would make two columns of one."""
    ours = sent("SHOP\t1")
    made = read((HEAD + ROW.format(ours.order)).encode(), ALL_ORDERS, ours.tokens)
    assert made.out.decode() == HEAD and made.counts.held == 1
    comma = read(
        (HEAD + ROW.format(ours.order)).replace("\t", ",").replace('24"', "24").encode(), ALL_ORDERS, ours.tokens
    )
    assert '"SHOP\t1"' in comma.out.decode()
