import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.core.errors import InputError
from tranship.masking.audit import Anchor, AuditDraft, Chain, anchors_in, check, fingerprint, packed, unpacked
from tranship.masking.exposure import exposure, kind_of
from tranship.masking.rows import AuditRow

DAY = 86_400_000_000


def draft(k: int = 0, **changes: object) -> AuditDraft:
    """What is heard of a message."""
    fields = [("to.name", "token(name)", b""), ("to.line1", "pass(line)", b"f" * 16)]
    row = AuditDraft(
        DAY * 20_000 + k, "engine", "create", "AMZ", "create", "ab" * 32, f"TR-{k}", f"P{k % 3}", fields, "sent"
    )
    return row._replace(**changes)


def chained(count: int) -> tuple[Chain, list[AuditRow]]:
    """An audit of so many rows, in pieces of one, two, three ..."""
    chain, rows = Chain((0, b"")), list[AuditRow]()
    while len(rows) < count:
        made = chain.rows([draft(len(rows) + k) for k in range(min(1 + len(rows) % 3, count - len(rows)))])
        chain.committed(made)
        rows += made
    return chain, rows


def test_an_audit_checks_out_however_it_was_cut_into_commits() -> None:
    """Rows follow one another, the head is the last row's, nothing is wrong; an empty one is fine too."""
    chain, rows = chained(20)
    found = check(rows, (chain.seq, chain.head))
    assert found.good and (found.rows, found.seq, found.chain) == (20, 20, rows[-1].chain)
    assert chained(20)[1] == Chain((0, b"")).rows([draft(k) for k in range(20)])
    assert check([], (0, b"")).good


@given(place=st.integers(0, 9), column=st.integers(1, 10), byte=st.integers(0, 255))
def test_any_change_of_any_column_is_found_at_its_row(place: int, column: int, byte: int) -> None:
    """Whatever is changed, the first bad row is named, and none before it."""
    chain, rows = chained(10)
    old = rows[place][column]
    new: object = (
        old + 1
        if isinstance(old, int)
        else (old + bytes([byte]) if isinstance(old, bytes) else old + chr(33 + byte % 90))
    )
    changed = list(rows[place])
    changed[column] = new
    rows[place] = AuditRow(*changed)
    found = check(rows, (chain.seq, chain.head))
    assert not found.good and found.rows == place and f"row {place + 1} was changed" in found.wrong


def test_a_commit_that_failed_leaves_the_end_where_it_was() -> None:
    """Rows that were made but not committed are made again, with other content."""
    chain = Chain((0, b""))
    chain.rows([draft(1), draft(2)])
    rows = chain.rows([draft(3)])
    chain.committed(rows)
    chain.committed([])
    assert rows[0].seq == 1 and check(rows, (chain.seq, chain.head)).good


def test_rows_that_are_swapped_or_gone_are_found() -> None:
    """Order and completeness are part of it, at the beginning, in the middle and at the end."""
    chain, rows = chained(10)
    last = (chain.seq, chain.head)
    assert "row 1 is missing" in check(rows[1:], last).wrong
    assert "row 5 is missing" in check([*rows[:4], *rows[5:]], last).wrong
    assert "ends at row 9, it was left at row 10" in check(rows[:9], last).wrong
    assert "ends at row 0, it was left at row 10" in check([], last).wrong
    swapped = [*rows[:3], rows[4]._replace(seq=4), rows[3]._replace(seq=5), *rows[5:]]
    assert "row 4 was changed" in check(swapped, last).wrong


def test_anchors_are_lines_that_come_back() -> None:
    """What was written is what is read; anything else in the file is told by its line."""
    chain, rows = chained(7)
    anchor = Anchor.of((chain.seq, chain.head), rows[-1].at)
    empty = Anchor.of((0, b""), 0)
    assert anchors_in(f"# kept\n\n{empty}\n{anchor}\n", "x")[1] == anchor and anchor.day == "2024-10-04"
    assert check(rows, (chain.seq, chain.head), [anchor, *anchors_in(str(empty), "x")]).good
    later = anchor._replace(seq=9)
    assert "its end is gone" in check(rows, (chain.seq, chain.head), [later]).wrong
    for line in ("tranship-audit-1 2024-10-04 7", str(anchor) + "0", str(anchor).upper(), "x"):
        with pytest.raises(InputError, match="line 1 is no anchor"):
            anchors_in(line, "x")


def test_a_row_holds_no_value() -> None:
    """Fingerprints are 16 bytes or none, texts are short: what is longer is no id, and is refused."""
    for fields in ([("a", "pass(line)", b"12 Oak Street")], [("a" * 301, "drop", b"")], [("a", "x" * 301, b"")]):
        with pytest.raises(ValueError, match="no leaf, action and fingerprint"):
            Chain((0, b"")).rows([draft(fields=fields)])
    with pytest.raises(ValueError, match="more than 300 signs"):
        Chain((0, b"")).rows([draft(subject="x" * 301)])
    row = Chain((0, b"")).rows([draft()])[0]
    assert unpacked(row) == [tuple(each) for each in draft().fields] and unpacked(row._replace(fields=b"\xff")) == []
    assert msgspec.msgpack.decode(packed([])) == []


def test_a_fingerprint_tells_equal_values_of_one_person_only() -> None:
    """Under another person's key, or of another leaf, the same value looks different; nobody's values have none."""
    one, two = b"1" * 32, b"2" * 32
    assert fingerprint(one, "to.line1", "12 Oak St") == fingerprint(one, "to.line1", "12 Oak St")
    prints = [
        fingerprint(one, "to.line1", "12 Oak St"),
        fingerprint(two, "to.line1", "12 Oak St"),
        fingerprint(one, "to.city", "12 Oak St"),
    ]
    prints.append(fingerprint(one, "to.line1", "12 Oak St."))
    assert len(set(prints)) == 4 and fingerprint(b"", "to.line1", "12 Oak St") == b""


def test_an_exposure_counts_what_left_and_nothing_else() -> None:
    """Per network and kind of thing; a refused message, an answer and what was left out expose nothing."""
    told = [draft(k, network="AMZ" if k % 2 else "SB") for k in range(6)]
    told += [
        draft(6, verdict="refused"),
        draft(7, verdict="received"),
        draft(8, verdict="quarantined"),
        draft(9, person_id=""),
    ]
    rows = Chain((0, b"")).rows(told)
    seen = {(each.network, each.what): each for each in exposure(rows, ["P1"])}
    assert set(seen) == {("AMZ", "address"), ("AMZ", "name alias"), ("SB", "address"), ("SB", "name alias")}
    address = seen["AMZ", "address"]
    assert (address.orders, address.persons, address.erased, address.messages, address.personal) == (4, 3, 1, 4, True)
    assert (address.first, address.last) == (DAY * 20_000 + 1, DAY * 20_000 + 9)
    assert [each.orders for each in exposure(rows, network="SB", person="P0")] == [1, 1]
    assert [each.orders for each in exposure(rows, subjects=frozenset(["TR-2", "TR-6"]))] == [1, 1]
    assert exposure(rows, network="nobody") == []
    again = exposure(rows, network="SB", person="P0", orders={row.subject: "one order" for row in rows})
    assert [each.orders for each in again] == [1, 1], "told twice under two remote ids is one order"


@pytest.mark.parametrize(
    ("leaf", "action", "word"),
    [
        ("destinationAddress.name", "pass(name)", "name in clear"),
        ("destinationAddress.postalCode", "pass(postal)", "postal code"),
        ("destinationAddress.countryCode", "pass(country)", "country"),
        ("items[].sellerSku", "pass(sku)", "SKU"),
        ("items[].sellerSku", "token(sku)", "SKU alias"),
        ("items[].quantity", "pass(int:1..999999)", "quantity"),
        ("displayableOrderDate", "generalize(day)", "date (coarse)"),
        ("notificationEmails[]", "relay(email)", "e-mail relay"),
        ("shippingSpeedCategory", "pass(enum:speed)", "way of shipping"),
        ("products[].external_line_id", "ordinal", "line number"),
        ("giftMessage", "drop", ""),
        ("giftMessage", "refuse", ""),
        ("comment", 'constant("Thank you")', ""),
        ("orderId", "unmask(order)", ""),
        ("signedForBy", "token_in(person_in)", ""),
        ("the body", "resent", ""),
        ("something.new", "pass(word)", "new"),
    ],
)
def test_leaves_are_told_in_words(leaf: str, action: str, word: str) -> None:
    """What an officer reads instead of a vendor's leaf; a leaf without a word of ours keeps its own name."""
    assert kind_of(leaf, action) == word
