"""Tables as they come: what is read does not depend on how the file was cut, and comes out as the table that it was."""

import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.masking.reports.files import ALL_ORDERS, RETURNS, SHIPMENTS, TYPES, cells, read, sent, table, zipped
from tranship.masking.policy import ReportError
from tranship.masking.reports.flat import Flat

OURS = sent("SHOP-1")
OTHER = sent("SHOP-2", OURS.tokens)


def some(report_type: str) -> bytes:
    """Rows of two orders of ours, of another channel's, and one that is quarantined."""
    stray = {**cells(report_type, OURS), "sku": OTHER.order}
    foreign = {**cells(report_type, OURS), **dict.fromkeys(("merchant-order-id", "order-id"), "111-2222222-3333333")}
    foreign = {column: value for column, value in foreign.items() if column in cells(report_type, OURS)}
    return table([cells(report_type, OURS), foreign, cells(report_type, OTHER), stray, cells(report_type, OURS)])


@pytest.mark.parametrize("report_type", TYPES)
@pytest.mark.parametrize("form", ["plain", "zipped", "bom"])
def test_a_cut_after_every_byte_changes_nothing(report_type: str, form: str):
    """One byte at a time, and two pieces cut at each place: the same file comes out."""
    raw = {"plain": some(report_type), "zipped": zipped(some(report_type)), "bom": codecs.BOM_UTF8 + some(report_type)}[
        form
    ]
    whole = read(raw, report_type, OURS.tokens)
    assert whole.counts[:3] == (5, 3, 1) and whole.counts.held == 1
    assert read(b"", report_type, OURS.tokens, pieces=[raw[at : at + 1] for at in range(len(raw))]) == whole
    for at in range(0, len(raw), 7):
        assert read(b"", report_type, OURS.tokens, pieces=[raw[:at], raw[at:]]) == whole


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(0, 1 << 30), st.sampled_from(["\n", "\r\n"]))
def test_quoted_cells_survive_any_cut(titles: list[str], seed: int, end: str):
    """Commas, quotes and line breaks inside cells, cut anywhere."""
    rows = ["merchant-order-id,quantity,promotion-ids"]
    rows += [f'{OURS.order},2,"{title.replace(chr(34), chr(34) * 2)}{end}x,"' for title in titles]
    raw, draw = (end.join(rows) + end).encode(), random.Random(seed)
    cuts = sorted(draw.randrange(len(raw) + 1) for _ in range(draw.randrange(6)))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    made = read(b"", ALL_ORDERS, OURS.tokens, pieces=pieces)
    assert made == read(raw, ALL_ORDERS, OURS.tokens) and made.counts.passed == len(titles)
    assert made.out.decode() == rows[0] + end + f'SHOP-1,2,""{end}' * len(titles)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
def test_other_encodings_come_out_as_utf8(encoding: str):
    """Files in Windows-1252, as Amazon writes some, and with a byte order mark."""
    row = {**cells(RETURNS, OURS), "product-name": "Café crème, 5 €"}
    raw = table([row]).decode().encode(encoding)
    made = read(raw, RETURNS, OURS.tokens, charset="Cp1252" if encoding == "cp1252" else "")
    assert "Café crème, 5 €" in made.out.decode("utf-8-sig")
    assert made.out.startswith(codecs.BOM_UTF8) == (encoding == "utf-8-sig")
    assert read(raw, RETURNS, OURS.tokens).rows() == made.rows()  # also where nobody said which


def test_what_japan_writes_and_what_nobody_reads():
    """Windows-31J where the sender says so; an encoding that is not known here is not guessed."""
    raw = table([{**cells(RETURNS, OURS), "product-name": "表ソ能ー"}]).decode().encode("cp932")
    assert "表ソ能ー" in read(raw, RETURNS, OURS.tokens, charset="MS932").out.decode()
    with pytest.raises(ReportError, match="the document: is in an encoding that is not read here"):
        read(raw, RETURNS, OURS.tokens, charset="utf-7")


def test_a_sender_that_says_windows_is_believed():
    """Bytes that could be either are read as the sender says."""
    row = {**cells(RETURNS, OURS), "product-name": "PLACE"}
    raw = table([row]).replace(b"PLACE", b"\xc3\xa9")
    assert "Ã©" in read(raw, RETURNS, OURS.tokens, charset="cp1252").out.decode()
    assert "é" in read(raw, RETURNS, OURS.tokens).out.decode()


def test_a_table_with_commas_and_one_with_a_quoted_header():
    """As Seller Central's downloads are: quotes stay where they were, doubled ones inside."""
    row = {"order-id": OURS.order, "product-name": 'Lamp 24""', "reason": "OTHER"}
    quoted = lambda mark: (  # noqa: E731 - twice, here
        "\r\n".join(mark.join(f'"{cell}"' for cell in line) for line in (row, row.values())).encode()
    )
    for mark in (",", "\t"):
        made = read(quoted(mark), RETURNS, OURS.tokens)
        assert made.out == quoted(mark).replace(OURS.order.encode(), b"SHOP-1") + b"\n"


def test_the_last_line_break_may_be_missing_and_empty_lines_are_nothing():
    """Some programs add an empty line, some leave the last break out."""
    raw = table([cells(SHIPMENTS, OURS)])
    assert read(raw + b"\r\n\r\n", SHIPMENTS, OURS.tokens).out == read(raw, SHIPMENTS, OURS.tokens).out
    assert read(raw[:-2], SHIPMENTS, OURS.tokens).counts.passed == 1
    assert read(raw.split(b"\r\n")[0] + b"\r\n", SHIPMENTS, OURS.tokens).counts.rows == 0


def test_memory_is_that_of_a_row():
    """However long the file is, no more than a piece and a row is held."""
    flat, line = Flat(), b"a\tb\tc\n"
    for _ in range(2_000):
        for row in flat.feed(line * 50):
            assert len(row.cells) == 3
    assert len(flat._rest) == 0


NOISE = st.lists(
    st.sampled_from(
        [
            OURS.order,
            "order-id",
            "sku",
            "reason",
            "\t",
            ",",
            '"',
            '""',
            "\r\n",
            "\n",
            "\r",
            "x",
            "\x1f\u008b",
            "é",
            "MUG-2",
        ]
    ),
    max_size=30,
)


@given(NOISE.map("".join), st.sampled_from(["utf-8", "cp1252", "utf-16"]), st.booleans(), st.integers(0, 40))
def test_noise_is_read_or_refused_and_nothing_else(text: str, encoding: str, packed: bool, cut: int):
    """Whatever a file holds: rows under the rules, or one error that says where; also compressed, and with its end cut off."""
    raw = ("order-id\t" * (cut % 2) + text).encode(encoding, "replace")
    raw = zipped(raw)[: -cut or None] if packed else raw[: len(raw) - cut // 4]
    told = ""
    try:
        made = read(raw, RETURNS, OURS.tokens).counts
    except ReportError as error:
        told = str(error)
    assert OURS.order not in told and "MUG-2" not in told
    assert told or made.rows == made.passed + made.others + made.held


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused_and_nothing_else(raw: bytes):
    """Any bytes at all, alone and behind a good header."""
    for one in (raw, b"\x1f\x8b" + raw, b"order-id\tsku\n" + raw):
        try:
            read(one, RETURNS, OURS.tokens)
        except ReportError:
            continue


def test_a_cell_of_line_breaks_is_looked_at_once():
    """A quoted cell of nothing but line breaks costs what its bytes cost, however it comes: the work is counted, not the time."""

    class Counted(bytes):
        looked = 0

        def __add__(self, other: bytes) -> "Counted":
            return Counted(bytes(self) + other)

        def __getitem__(self, key: object) -> "Counted":  # type: ignore[override]
            return Counted(bytes.__getitem__(self, key))  # type: ignore[call-overload]

        def count(self, sub: bytes, begin: int = 0, end: int | None = None) -> int:  # type: ignore[override]
            stop = len(self) if end is None else end
            Counted.looked += stop - begin
            return bytes(self).count(sub, begin, stop)

    flat, size = Flat(), 60_000
    flat._rest = Counted()
    found = [*flat.feed(b"a,b\n"), *flat.feed(b'1,"' + b"\n" * (size // 2)), *flat.feed(b"\n" * (size // 2) + b'"\n')]
    assert [len(row.cells) for row in found] == [2, 2] and Counted.looked < 3 * size
