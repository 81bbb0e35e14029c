"""Confirmations and counts as people send them: good lines count, bad lines are told with file, line and what to do, none is lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.connectors.manual import expected, pick_list, read_confirmation, read_counts
from tranship.connectors.port import Count
from tranship.masking.model import MaskedAddress, MaskedLine, MaskedOrder

OPEN = {"TS-1": {"1": 2, "2": 1}, "TS-2": {"1": 3}}
HEAD = "order,line,shipped,status,carrier,tracking\n"


def said(*lines: str, head: str = HEAD) -> object:
    """A confirmation of these lines."""
    return read_confirmation((head + "\n".join(lines)).encode(), OPEN, file="back.csv")


def told(*lines: str) -> dict[str, tuple[str, tuple[tuple[str, int], ...]]]:
    """Remote word and shortage by order; every line was taken."""
    found = read_confirmation((HEAD + "\n".join(lines)).encode(), OPEN)
    assert not found.errors
    return {report.remote_id: (report.remote, report.short) for report in found.reports}


def test_a_filled_in_pick_list_comes_back_whole():
    """The very file that went out, with the empty columns filled: everything is reported, with parcels by tracking number."""
    to = MaskedAddress("Ada Byron", "12 Oak St", "Seattle", "WA", "98101", "US")
    orders = [
        MaskedOrder("TS-1", to, (MaskedLine("1", "-MUG", 2), MaskedLine("2", "TEE", 1))),
        MaskedOrder("TS-2", to, (MaskedLine("1", "TEE", 3),)),
    ]
    text = pick_list(orders).decode("utf-8-sig").replace(",,,,\r\n", ",,shipped,UPS,1Z999\r\n")
    found = read_confirmation(text.encode(), expected(orders))
    assert found.errors == () and found.taken == (2, 3, 4)
    assert [(report.remote_id, report.remote, report.short) for report in found.reports] == [
        ("TS-1", "COMPLETE", ()), ("TS-2", "COMPLETE", ()),
    ]  # fmt: skip
    (parcel,) = found.reports[0].parcels
    assert (parcel.package_id, parcel.carrier, parcel.lines) == ("1Z999", "UPS", (("1", 2), ("2", 1)))


def test_short_cancelled_and_open_orders_are_told_apart():
    """A shortage closes the order in part; all cancelled is cancelled; nothing there is unfulfillable; a silent line keeps it open."""
    assert told("TS-1,1,1,short,UPS,1Z", "TS-1,2,1,shipped,UPS,1Z")["TS-1"] == ("COMPLETE_PARTIAL", (("1", 1),))
    assert told("TS-1,1,,cancelled,,", "TS-1,2,0,cancelled,,")["TS-1"] == ("CANCELLED", (("1", 2), ("2", 1)))
    assert told("TS-2,1,0,,,")["TS-2"] == ("UNFULFILLABLE", (("1", 3),))
    assert told("TS-1,1,2,shipped,UPS,1Z")["TS-1"] == ("PICKING", ())
    assert told("TS-2,1,2,,UPS,1Z", "TS-2,1,1,,UPS,2Z")["TS-2"] == ("COMPLETE", ())  # one line in two parcels


def test_a_whole_line_needs_no_number():
    """`shipped` alone means all of it."""
    assert told("TS-2,1,,shipped,UPS,1Z")["TS-2"] == ("COMPLETE", ())


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("TS-9,1,1,shipped,UPS,1Z", "on no open list"),
        ("TS-1,7,1,shipped,UPS,1Z", "has no line '7'"),
        ("TS-1,,1,shipped,UPS,1Z", "id is missing"),
        ("TS-2,1,4,shipped,UPS,1Z", "4 shipped, but 3 ordered"),
        ("TS-2,1,2,shipped,UPS,1Z", "2 of 3 shipped, but the status says shipped"),
        ("TS-2,1,3,short,UPS,1Z", "all 3 shipped, but the status says short"),
        ("TS-2,1,1,cancelled,,", "cancelled, but 1 shipped"),
        ("TS-2,1,0,shipped,,", "0 of 3 shipped"),
        ("TS-2,1,-1,,UPS,1Z", "no number of units"),
        ("TS-2,1,2.5,,UPS,1Z", "no number of units"),
        ("TS-2,1,two,,UPS,1Z", "no number of units"),
        ("TS-2,1,99999999999999999999,,UPS,1Z", "no number of units"),
        ("TS-2,1,,short,UPS,1Z", "number of units is missing"),
        ("TS-2,1,3,teleported,UPS,1Z", "status 'teleported' is none"),
        ("TS-2,1,,,,", "not filled in"),
        ("TS-2,1,,,UPS,1Z", "a tracking number, but no units"),
        ("TS-2,1,3", "3 fields where the header has 6"),
        ("TS-2,1,3,shipped,UPS,1Z,surplus", "7 fields"),
        ('TS-2,1,3,"shipped,UPS,1Z', "quote"),
        ("TS-2,1,\0,shipped,UPS,1Z", "NUL"),
    ],
)
def test_a_bad_line_is_told_and_the_others_count(line: str, what: str):
    """With the file, the line's number and what to do; the good lines around it are taken."""
    found = read_confirmation(
        f"{HEAD}TS-1,1,2,shipped,UPS,1Z\n{line}\nTS-1,2,1,shipped,UPS,1Z\n".encode(), OPEN, file="back.csv"
    )
    assert [(report.remote_id, report.remote) for report in found.reports] == [("TS-1", "COMPLETE")]
    assert found.taken == (2, 4)
    (error,) = found.errors
    assert (error.file, error.line, error.taken) == ("back.csv", 3, False) and what in error.what and error.do
    assert str(error).startswith("back.csv:3: ")


def test_a_repeated_line_counts_once():
    """The same order, line and parcel a second time is told; more units than ordered in a second parcel as well."""
    line = "TS-2,1,3,shipped,UPS,1Z"
    found = read_confirmation(f"{HEAD}{line}\n{line}\n".encode(), OPEN)
    assert found.taken == (2,) and "repeats line 2" in found.errors[0].what and found.reports[0].remote == "COMPLETE"
    found = read_confirmation(f"{HEAD}{line}\nTS-2,1,1,,UPS,2Z\n".encode(), OPEN)
    assert found.taken == (2,) and "1 shipped with the 3 of lines before, but 3 ordered" in found.errors[0].what


def test_what_left_without_a_number_left_all_the_same():
    """No tracking number, or one that the spreadsheet has eaten: told, and taken, for the goods are gone."""
    found = read_confirmation(f"{HEAD}TS-2,1,3,shipped,,\nTS-1,1,2,,UPS,9.26129E+21\nTS-1,2,1,,UPS,1Z\n".encode(), OPEN)
    assert [(report.remote_id, report.remote) for report in found.reports] == [
        ("TS-1", "COMPLETE"),
        ("TS-2", "COMPLETE"),
    ]
    assert [(error.line, error.taken) for error in found.errors] == [(2, True), (3, True)]
    assert "shortened" in found.errors[1].what and all(
        "E+21" not in parcel.tracking for parcel in found.reports[0].parcels
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_files_as_spreadsheets_save_them(encoding: str, end: str, separator: str, tmp_path: Path):
    """Byte order marks, any separator and line ends, headings in other words, blank lines and cells, a trailing separator."""
    lines = [
        "", separator.join(["Order ID", "LINE", "Qty shipped", "Result", "Carrier", "Tracking number", "Note"]), "",
        separator.join(["ts-1 ", " 1", "2.0", "Shipped", "UPS", "1Z", "Grüße"]) + separator,
        separator.join(["TS-1", "2", "1", "SHIPPED", '"U' + separator + 'PS"', "1Z", ""]),
        separator * 6,
    ]  # fmt: skip
    file = tmp_path / "back.csv"
    file.write_bytes(end.join(lines).encode(encoding))
    found = read_confirmation(file, OPEN)
    assert found.errors == () and [report.remote for report in found.reports] == ["COMPLETE"]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"name,street\nx,y\n", "no column order and no column line"),
        (b"order,line,order\nTS-1,1,TS-2\n", "two columns order"),
        (b"\xff\xfe", "empty"),
    ],
)
def test_a_file_that_is_none_says_so(data: bytes, what: str):
    """At its heading; nothing is made up."""
    found = read_confirmation(data, OPEN, file="x.csv")
    assert found.reports == () and what in found.errors[0].what and found.errors[0].file == "x.csv"


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path):
    """It is not there, or is a folder."""
    for path in (tmp_path / "none.csv", tmp_path):
        found = read_confirmation(path, OPEN)
        assert found.reports == () and "cannot be read" in found.errors[0].what


cells = st.sampled_from(
    ["TS-1", "TS-2", "TS-3", "1", "2", "3", "0", "-1", "shipped", "short", "cancelled", "", "x", '"', "1Z", "2Z", "UPS"]
)


@given(lines=st.lists(st.lists(cells, min_size=1, max_size=8).map(",".join), max_size=12))
def test_every_line_is_taken_told_or_blank(lines: list[str]):
    """Nothing is lost: a line that is not blank is used, or somebody is told; and never more units than were ordered."""
    found = read_confirmation((HEAD + "\n".join(lines)).encode(), OPEN)
    spoken = {error.line for error in found.errors} | set(found.taken)
    blank = {number for number, line in enumerate(lines, 2) if not line.replace(",", "").replace('"', "").strip()}
    assert spoken | blank >= set(range(2, len(lines) + 2))
    assert not set(found.taken) & {error.line for error in found.errors if not error.taken}
    units: dict[tuple[str, str], int] = {}
    for report in found.reports:
        for parcel in report.parcels:
            for line, count in parcel.lines:
                units[report.remote_id, line] = units.get((report.remote_id, line), 0) + count
    assert all(count <= OPEN[order][line] for (order, line), count in units.items())
    assert sum(count for count in units.values()) >= sum(report.remote == "COMPLETE" for report in found.reports)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes):
    """Nothing raises."""
    assert read_confirmation(data, OPEN).reports == () and read_counts(data).counts == ()


# -- counts --------------------------------------------------------------------------------------------------------------


def test_a_count_is_read_with_what_is_damaged_and_on_its_way():
    """By SKU and place; the place of the connection where the file names none."""
    data = b"SKU;On hand;Damaged;On the way\nMUG;12;1;40\n'-TEE;0;;\n"
    found = read_counts(data, "reno", whole=True)
    assert found.counts == (Count("-TEE", "reno", 0), Count("MUG", "reno", 12, 0, 40, 1))
    assert found.whole and found.errors == () and found.taken == (2, 3)


def test_a_count_with_a_bad_line_is_not_the_whole():
    """The line may have been the SKU that seems to be missing: what is not named is then not taken for none."""
    data = b"sku,count\nMUG,12\nTEE,twelve\nCAP,\nMUG,9\nHAT,5\n"
    found = read_counts(data, whole=True, known={"MUG", "TEE", "CAP"})
    assert [(count.sku, count.sellable) for count in found.counts] == [("MUG", 12)] and not found.whole
    assert [(error.line, error.what) for error in found.errors] == [
        (3, "sellable is no number of units"), (4, "the count is missing"),
        (5, "repeats the SKU of line 2"), (6, "the SKU is not one of ours"),
    ]  # fmt: skip
