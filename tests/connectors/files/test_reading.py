"""Files as they come: compressed, cut off, oddly encoded, badly quoted."""

import gzip
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.files.factory import UCI_HEADER, check, csv_file, outcomes, uci_file, uci_row, write
from tranship.connectors.files import stage
from tranship.connectors.files.intake import stage as stage_with_limits
from tranship.connectors.files.reading import Limits, Lines, records, scan
from tranship.core.errors import InputError

ROWS = [UCI_HEADER, *(uci_row(str(500001 + i), when=f"2010-03-{i + 1:02d} 10:00") for i in range(20))]
TEXT = "\n".join(ROWS) + "\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_way_to_store_the_same_text_is_read_alike(tmp_path: Path, end: str, bom: str, packed: bool):
    """Gzip or plain, with or without a byte order mark, with any line end: the same orders on the same lines."""
    plain = stage(write(tmp_path / "a.csv", TEXT))
    other = check(stage(write(tmp_path / "b.csv", bom + TEXT.replace("\n", end), packed=packed)))
    assert other.orders == plain.orders and other.read == 20
    assert any("byte order mark" in note for note in other.notes) is bool(bom)


def test_a_file_without_a_last_line_end_keeps_its_last_line(tmp_path: Path):
    """The last line counts, whether or not it is ended."""
    assert stage(write(tmp_path / "a.csv", TEXT.rstrip("\n"))).read == 20


def test_the_hash_is_of_the_bytes_on_disk(tmp_path: Path):
    """`sha256` is what sha256sum says of the file."""
    path = write(tmp_path / "a.csv.gz", TEXT, packed=True)
    assert stage(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_latin1_is_read_where_utf8_fails_and_said(tmp_path: Path):
    """One byte that is not UTF-8 makes the whole file latin-1, and a note says so."""
    text = csv_text("Zürich") + csv_text("Málaga").partition("\n")[2]
    staged = stage(write(tmp_path / "a.csv", text, encoding="latin-1"))
    assert staged.encoding == "latin-1" and any("latin-1" in note for note in staged.notes)
    assert [order.person.city for order in staged.orders if order.person] == ["Zürich"]
    assert stage(write(tmp_path / "b.csv", text)).encoding == "utf-8"


def csv_text(city: str) -> str:
    """A generic file whose only order goes to a city."""
    return f"order,placed_at,sku,quantity,city\n1,2024-05-01,A,1,{city}\n"


def test_a_mapping_may_insist_on_an_encoding(tmp_path: Path):
    """UTF-8 demanded and not found is refused; latin-1 demanded is taken at its word."""
    path = write(tmp_path / "a.csv", csv_text("Zürich"), encoding="latin-1")
    with pytest.raises(InputError, match="not valid UTF-8"):
        stage(path, mapping={"encoding": "utf-8"})
    utf8 = write(tmp_path / "b.csv", csv_text("Zürich"))
    person = stage(utf8, mapping={"encoding": "latin-1"}).orders[0].person
    assert person is not None and person.city == "ZÃ¼rich"


def test_a_gzip_cut_at_any_length_is_refused_before_anything_is_staged(tmp_path: Path):
    """Every proper beginning of a gzip file is refused, with how far it could be read; two members need the second too."""
    whole = gzip.compress(TEXT.encode()) + gzip.compress(uci_row("600001").encode() + b"\n")
    path = tmp_path / "cut.csv.gz"
    first = len(gzip.compress(TEXT.encode()))
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length == first:  # exactly the first member: a whole file of its own
            assert stage(path).read == 20
            continue
        with pytest.raises(InputError) as refused:
            stage(path)
        if length > 2:
            assert "truncated" in str(refused.value)
            assert "whole lines" in str(refused.value)
    path.write_bytes(whole)
    assert check(stage(path)).read == 21


def test_the_counts_of_a_truncated_gzip_are_those_of_its_readable_part(tmp_path: Path):
    """The refusal names bytes on disk, whole lines and bytes that could be read."""
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode(), 0)[:-100])  # level 0 stores: what is there can be counted by hand
    with pytest.raises(InputError, match=r"ends after [\d,]+ bytes .* (19|20) whole lines \([\d,]+ bytes\)"):
        stage(path)


def test_a_damaged_gzip_is_refused(tmp_path: Path):
    """A flipped byte (the checksum sees it) and garbage after the data are refused."""
    data = bytearray(gzip.compress(TEXT.encode()))
    data[-6] ^= 1
    for content in (bytes(data), gzip.compress(TEXT.encode()) + b"garbage"):
        with pytest.raises(InputError, match="damaged gzip"):
            stage(write(tmp_path / "a.gz", content))


def test_padding_after_a_gzip_is_passed_over(tmp_path: Path):
    """Zeros after the last member are allowed (tapes and block devices leave them)."""
    assert stage(write(tmp_path / "a.gz", gzip.compress(TEXT.encode()) + b"\0" * 512)).read == 20


def test_a_small_gzip_of_much_is_read_in_bounded_pieces(tmp_path: Path):
    """Ten megabytes in ten kilobytes come out whole; above the limit of a file they are refused."""
    text = "\n".join([UCI_HEADER, *[uci_row()] * 150_000]) + "\n"
    path = write(tmp_path / "a.csv.gz", text, packed=True)
    assert path.stat().st_size < 60_000
    found = scan(path, Limits())
    assert found.lines == 150_001
    assert sum(len(line) for line in Lines(found, Limits())) == len(text)
    with pytest.raises(InputError, match="too large"):
        stage_with_limits(path, limits=Limits(file_bytes=1_000_000))
    with pytest.raises(InputError, match="too large"):
        stage_with_limits(path, limits=Limits(lines=1000))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\n\n", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "Excel"),
        (b"BZh9rest", "bzip2"),
    ],
)
def test_what_is_no_text_of_orders_is_refused_by_name(tmp_path: Path, content: bytes, words: str):
    """Empty files, UTF-16, workbooks and other compressions are refused with what to do."""
    with pytest.raises(InputError, match=words):
        stage(write(tmp_path / "a.csv", content))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    """What cannot be opened is an InputError that names it."""
    with pytest.raises(InputError, match=r"absent\.csv: cannot be read"):
        stage(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot be read"):
        stage(tmp_path)


def test_missing_columns_are_named_and_nothing_else_of_the_header(tmp_path: Path):
    """The refusal names what is missing; a file without a header would otherwise put a person's line into a message."""
    with pytest.raises(InputError) as refused:
        stage(csv_file(tmp_path, "order,sku,Jane Doe\n1,A,1"))
    assert "placed_at, quantity" in str(refused.value) and "Jane" not in str(refused.value)
    with pytest.raises(InputError, match="InvoiceDate"):
        stage(csv_file(tmp_path, "InvoiceNo,StockCode,Quantity,UnitPrice,CustomerID\n1,A,1,1,1"), format="uci")


def test_rows_with_wrong_fields_nul_or_too_long_cost_only_themselves(tmp_path: Path):
    """Each bad row is rejected with its reason and line; its neighbors are staged."""
    rows = [
        uci_row("500001"),
        "500002,85048,short",
        uci_row("500003") + ",surplus",
        uci_row("500004") + ",,  ",
        uci_row("50\x000005"),
        uci_row("500006").replace("A THING", "x" * 2_000_000),
        uci_row("500007").replace("A THING", "x" * 200_000),
        "",
        uci_row("500008"),
    ]
    staged = check(stage(uci_file(tmp_path, rows)))
    assert outcomes(staged) == {
        2: "order",
        3: "fields",
        4: "fields",
        5: "order",
        6: "nul_byte",
        7: "line_too_long",
        8: "field_too_large",
        10: "order",
    }
    assert staged.read == 8  # the blank line is no line


def test_a_last_line_above_the_limit_is_rejected(tmp_path: Path):
    """A file that ends in the middle of an endless line loses that line only."""
    path = write(tmp_path / "a.csv", TEXT + "x" * 3_000_000)
    assert stage(path).reasons == {"line_too_long": 1}


GENERIC = "order,placed_at,sku,quantity,name\n"


def test_line_numbers_stay_right_after_quoted_newlines(tmp_path: Path):
    """A field over three lines is one field; what follows has the number of its own line in the file."""
    text = GENERIC + '1,2024-05-01,A,1,"Jane\nq. ""J""\r\nDoe"\n2,2024-05-02,B,x,Joe\n3,2024-05-03,C,1,Jim\n'
    staged = check(stage(write(tmp_path / "a.csv", text)))
    assert outcomes(staged) == {2: "order", 5: "bad_quantity", 6: "order"}
    assert staged.orders[0].person is not None and staged.orders[0].person.name == 'Jane q. "J" Doe'


@pytest.mark.parametrize(
    "stray",
    [
        '2,2024-05-02,B,1,"Joe',  # runs to the end of the file
        '2,2024-05-02,"B,1,Joe',
        '"2,2024-05-02,B,1,Joe',
    ],
)
@pytest.mark.parametrize("later", ["3,2024-05-03,C,1,Jim", '3,2024-05-03,C,1,"Jim"', '3,2024-05-03,"C",1,"Jim, ""J"""'])
def test_a_stray_quote_costs_its_own_line_only(tmp_path: Path, stray: str, later: str):
    """A quote that is never closed would swallow all that follows: its line is rejected and reading goes on behind it."""
    rows = ["1,2024-05-01,A,1,Jane", stray, later, later.replace("3,2024-05-03", "4,2024-05-04")]
    staged = check(stage(write(tmp_path / "a.csv", GENERIC + "\n".join(rows) + "\n")))
    assert outcomes(staged) == {2: "order", 3: "bad_quote", 4: "order", 5: "order"}


def test_two_stray_quotes_in_one_column_swallow_nothing(tmp_path: Path):
    """The trap: from quote to quote the fields would even be the right number."""
    rows = ["1,2024-05-01,A,1,Jane", '2,2024-05-02,"B,1,Joe', "3,2024-05-03,C,1,Jim", '4,2024-05-04,"D,1,Jon']
    staged = check(stage(write(tmp_path / "a.csv", GENERIC + "\n".join(rows) + "\n")))
    assert outcomes(staged) == {2: "order", 3: "bad_quote", 4: "order", 5: "fields"}


def test_a_quote_inside_an_unquoted_field_is_text(tmp_path: Path):
    """Inches are written with a bare quote; that is no beginning of a field."""
    text = GENERIC + '1,2024-05-01,7" FRAME,1,J"D\n'
    assert stage(write(tmp_path / "a.csv", text)).orders[0].lines[0].sku == '7" FRAME'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_header(tmp_path: Path, delimiter: str):
    """Comma, semicolon, tab and bar need no setting."""
    text = (GENERIC + "1,2024-05-01,A,1,Jane\n").replace(",", delimiter)
    assert stage(write(tmp_path / "a.csv", text)).accepted == 1


def test_blank_lines_before_the_header_are_passed_over(tmp_path: Path):
    """Line numbers still count them."""
    staged = stage(write(tmp_path / "a.csv", "\n\r\n" + GENERIC + "1,2024-05-01,A,1,Jane\n"))
    assert outcomes(staged) == {4: "order"}


def test_a_header_without_end_is_refused(tmp_path: Path):
    """A first line of 100,000 characters is no header."""
    with pytest.raises(InputError, match="no header"):
        stage(write(tmp_path / "a.csv", "order," * 20_000 + "\n1\n"))


def test_progress_rises_to_one(tmp_path: Path):
    """The callback hears shares that never fall and end at 1."""
    heard: list[float] = []
    stage(write(tmp_path / "a.csv.gz", TEXT * 2000, packed=True), progress=heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0 and len(heard) > 2


@given(st.lists(st.text(alphabet='a,"\n\r\0;é', max_size=12), max_size=12))
def test_every_physical_line_is_in_one_record_or_rejected(pieces: list[str]):
    """For any text: records come in the order of their lines, none overlaps another, none has a wrong width."""
    import io

    lines = list(io.StringIO("\n".join(pieces), newline=""))
    bad: list[int] = []
    good = list(records(lines, 2, ",", lambda at, _reason, _detail: bad.append(at)))
    starts = [at for at, _ in good] + bad
    assert len(set(starts)) == len(starts)
    assert all(1 <= at <= len(lines) for at in starts)
    assert all(len(row) == 2 for _, row in good)
    assert [at for at, _ in good] == sorted(at for at, _ in good)
    held = {at for at, _ in good}
    for number, line in enumerate(lines, 1):  # a line of two plain fields is never lost to a neighbor's stray quote
        if '"' not in "".join(lines) and "\0" not in line and line.count(",") == 1:
            assert number in held
