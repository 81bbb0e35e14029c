"""Observed transit times, holidays and promise rules of a network file: what is read, what is counted together, what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.netfile.sample import SMALL, changed, write
from tranship.connectors.netfile import NetworkFileError, check, from_document, load
from tranship.core.network import Promise, Transit

HEADER = "node,zip3,service,shipped,delivered,planned_days\n"
PROMISE = '\n[promise]\nobserved = "transit.csv"\n'


def observed(folder: Path, transit: str | bytes | None, promise: str = PROMISE) -> Path:
    """The sample with a file of observed transit times beside it."""
    if transit is not None:
        (folder / "transit.csv").write_bytes(transit if isinstance(transit, bytes) else transit.encode())
    return write(folder, SMALL + promise)


def rows(folder: Path, transit: str | bytes) -> tuple[Transit, ...]:
    """What is kept of it."""
    return load(observed(folder, transit)).network.promise.observed


def test_shipments_are_counted_together_by_lane_and_month(tmp_path: Path) -> None:
    """Working days from hand-over to arrival; what differs in nothing that counts is one row."""
    text = HEADER + (
        "BIG-1,100,ground,2026-03-02,2026-03-05,2\n"
        "BIG-1,10001,ground,2026-03-03,2026-03-06,2\n"
        "BIG-1,100,ground,2026-03-02,2026-03-06,2\n"
        "OWN-1,981,,2026-02-27,2026-03-09,\n"
    )
    assert rows(tmp_path, text) == (
        Transit("BIG-1", "100", "ground", 2, 3, 12 * 2026 + 3, 2),
        Transit("BIG-1", "100", "ground", 2, 4, 12 * 2026 + 3, 1),
        Transit("OWN-1", "981", "", -1, 6, 12 * 2026 + 2, 1),
    )


def test_a_weekend_at_either_end_belongs_to_the_monday_after_it(tmp_path: Path) -> None:
    """Saturday to Monday is no working day; Friday to Saturday is one, as if it had come on Monday."""
    text = HEADER + "BIG-1,100,,2026-03-07,2026-03-09,2\nOWN-1,100,,2026-03-06,2026-03-07,2\n"
    assert [row.actual for row in rows(tmp_path, text)] == [0, 1]


def test_a_shipment_without_an_arrival_is_on_the_road_until_the_latest_date_of_the_file(tmp_path: Path) -> None:
    """It has taken at least that long; the clock of the machine is not asked."""
    text = HEADER + "BIG-1,100,ground,2026-03-02,,2\nBIG-1,100,ground,2026-03-03,2026-03-13,2\n"
    arrived, gone = sorted(rows(tmp_path, text), key=lambda row: row.on_the_road)
    assert (arrived.actual, arrived.on_the_road, gone.actual, gone.on_the_road) == (8, False, 9, True)


def test_days_may_be_given_instead_of_dates_and_a_state_instead_of_a_zip_code(tmp_path: Path) -> None:
    """A state alone needs its planned days."""
    text = "node,state,planned_days,actual_days\nBIG-1,wa,4,6\nOWN-1,NY,2,2\n"
    assert rows(tmp_path, text) == (Transit("BIG-1", "WA", "", 4, 6, 0), Transit("OWN-1", "NY", "", 2, 2, 0))


def test_spreadsheets_write_it_as_they_do(tmp_path: Path) -> None:
    """Semicolons, CRLF, a byte order mark, times behind dates, upper case in the header."""
    text = "\ufeffNode;ZIP3;Shipped;Delivered\r\nBIG-1;08817;2026-03-02 09:30;2026-03-04T17:00:00\r\n\r\n"
    assert rows(tmp_path, text) == (Transit("BIG-1", "088", "", -1, 2, 12 * 2026 + 3),)


def test_what_was_observed_travels_inside_the_document(tmp_path: Path) -> None:
    """The journal rebuilds decisions from the document alone; row order in the file does not matter."""
    lines = ["BIG-1,100,ground,2026-03-02,2026-03-05,2\n", "OWN-1,981,,2026-02-27,2026-03-09,\n"]
    first = load(observed(tmp_path, HEADER + "".join(lines)))
    assert from_document(first.document) == first.network
    assert len(first.network.promise.observed) == 2
    assert load(observed(tmp_path, HEADER + "".join(reversed(lines)))).sha256 == first.sha256
    assert load(observed(tmp_path, HEADER + lines[0])).sha256 != first.sha256


def test_without_a_promise_table_the_rules_are_the_defaults(tmp_path: Path) -> None:
    """Nothing observed, nine in ten, lateness a filter."""
    assert load(write(tmp_path)).network.promise == Promise() == Promise(9000, 0, 0, 12, False, ())


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("zip3,shipped,delivered\n", ("transit.csv:1: node", "no such column", "The file has: zip3")),
        ("node,shipped,delivered\n", ("transit.csv:1: zip3", "neither zip3 nor state", "Add one of them")),
        ("node,zip3,shipped\n", ("transit.csv:1: actual_days", "how long", "both shipped and delivered")),
        (HEADER + "BIG-2,100,,2026-03-02,2026-03-05,\n", ("transit.csv:2: node", '"BIG-2"', 'Did you mean "BIG-1"?')),
        (HEADER + "BIG-1,100,,2026-03-05,2026-03-02,\n", ("transit.csv:2: delivered", "before it was", "other way round")),
        (HEADER + "BIG-1,100,,2026-03-02,2028-03-02,\n", ("transit.csv:2: delivered", "523 working days", "At most 365")),
        (HEADER + "BIG-1,100,,02/03/2026,,\n", ("transit.csv:2: shipped", "02/03/2026", "Year-month-day")),
        (HEADER + "BIG-1,100,,2026-02-30,,\n", ("transit.csv:2: shipped", "is not a date")),
        (HEADER + "BIG-1,100,,0001-01-01,2026-03-02,\n", ("transit.csv:2: shipped", "is not a date")),
        (HEADER + "BIG-1,100,,,2026-03-02,\n", ("transit.csv:2: shipped", "nothing says how long")),
        (HEADER + "BIG-1,100,,2026-03-02,2026-03-05,-2\n", ("transit.csv:2: planned_days", '"-2"', "A whole number")),
        (HEADER + "BIG-1,100,,2026-03-02,2026-03-05,2.5\n", ("transit.csv:2: planned_days", '"2.5"')),
        ("node,zip3,actual_days\nBIG-1,100,-1\n", ("transit.csv:2: actual_days", '"-1"', "A whole number from 0 to 365")),
        ("node,zip3,actual_days\nBIG-1,100,999\n", ("transit.csv:2: actual_days", '"999"')),
        (HEADER + "BIG-1,88,,2026-03-02,2026-03-05,\n", ("transit.csv:2: zip3", '"88"', "drops leading zeros")),
        (HEADER + "BIG-1,000,,2026-03-02,2026-03-05,\n", ("transit.csv:2: zip3", '"000"')),
        ("node,state,actual_days\nBIG-1,ZZ,2\n", ("transit.csv:2: state", '"ZZ"', "Two letters, or a zip3")),
        ("node,state,actual_days\nBIG-1,,2\n", ("transit.csv:2: state", "where it went")),
        ("node,state,actual_days\nBIG-1,WA,2\n", ("transit.csv:2: planned_days", "a state alone", "Write zip3")),
        (HEADER + "BIG-1,100\n", ("transit.csv:2: row", "2 cells under a header of 6")),
        (b"\xff\xfen\x00o\x00d\x00e\x00", ("transit.csv", "UTF-16", "CSV in UTF-8")),
        (None, ("tranship.toml:", "promise.observed", "transit.csv: no such file", "relative to the network file")),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_file_line_column_and_what_to_do(
    tmp_path: Path, text: str | bytes | None, pieces: tuple[str, ...]
) -> None:
    """One finding for one mistake, and no document."""
    with pytest.raises(NetworkFileError) as refused:
        load(observed(tmp_path, text))
    assert len(refused.value.findings) == 1, refused.value
    said = str(refused.value.findings[0])
    assert all(piece in said for piece in pieces), said


def test_every_bad_row_is_named(tmp_path: Path) -> None:
    """All mistakes at once, with their lines."""
    text = (
        HEADER
        + "BIG-1,100,,2026-03-05,2026-03-02,\nBIG-1,100,,2026-03-02,2026-03-04,\nNONE,100,,2026-03-02,2026-03-04,x\n"
    )
    said = [finding.where for finding in check(observed(tmp_path, text))]
    assert said == ["transit.csv:2: delivered", "transit.csv:4: node"]


def test_an_empty_file_and_a_column_that_nothing_reads_are_told(tmp_path: Path) -> None:
    """Warnings: the file can be used."""
    path = observed(tmp_path, HEADER.replace("planned_days", "plan_days"))
    assert sorted(finding.rule for finding in load(path).warnings) == ["no_row", "unknown_column"]


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: (HEADER + text).encode()))
def test_no_file_of_any_content_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Findings or rows, never a crash."""
    folder = tmp_path_factory.mktemp("any")
    check(observed(folder, content))


def test_holidays_and_weekends_of_a_node_are_read(tmp_path: Path) -> None:
    """Dates in quotes or as TOML has them; days by their first three letters."""
    text = changed(
        SMALL, ('cutoff = "16:30"', 'cutoff = "16:30"\nholidays = ["2026-12-25", 2027-01-01]\nweekend = ["sun"]')
    )
    document = load(write(tmp_path, text)).network
    assert document.nodes[1].holidays == ("2026-12-25", "2027-01-01")
    assert document.nodes[1].weekend == ("sun",)
    assert document.nodes[0].weekend == ("sat", "sun")


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ('holidays = ["25.12.2026"]', ("node[2].holidays", "25.12.2026", "Year-month-day")),
        ("holidays = [20261225]", ("node[2].holidays", "20261225", "is not text")),
        ('holidays = "2026-12-25"', ("node[2].holidays", "is not a list")),
        ('weekend = ["saturday"]', ("node[2].weekend", "saturday", "Allowed: mon, tue")),
        (
            'weekend = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]',
            ("node[2].weekend", "every day", "At least one day"),
        ),
    ],
)
def test_holidays_and_weekends_that_cannot_be_are_refused(tmp_path: Path, line: str, pieces: tuple[str, ...]) -> None:
    """Named with table, key and what is allowed."""
    path = write(tmp_path, changed(SMALL, ('cutoff = "16:30"', f'cutoff = "16:30"\n{line}')))
    with pytest.raises(NetworkFileError) as refused:
        load(path)
    assert all(piece in str(refused.value) for piece in pieces), refused.value


def test_promise_rules_have_ranges(tmp_path: Path) -> None:
    """A level of certainty is refused: no odds reach it."""
    with pytest.raises(NetworkFileError, match=r"promise\.level_bp: 10000 is out of range"):
        load(write(tmp_path, SMALL + "\n[promise]\nlevel_bp = 10000\n"))
    text = changed(SMALL, ('code = "web"', 'code = "web"\npromise = "computed"')) + "\n[promise]\nlate_minor = 250\n"
    document = load(write(tmp_path, text)).network
    assert (document.channels[0].promise, document.promise.late_minor) == ("computed", 250)


def test_a_date_far_ahead_of_all_others_is_a_slip_of_the_year(tmp_path: Path) -> None:
    """Older rows count less: one row dated a century ahead would make all others old."""
    lines = [f"BIG-1,100,ground,2026-03-{day:02},2026-03-{day + 3:02},2\n" for day in range(1, 25)]
    with pytest.raises(NetworkFileError) as refused:
        load(observed(tmp_path, HEADER + "".join(lines) + "BIG-1,100,ground,2062-03-02,2062-03-05,2\n"))
    assert all(piece in str(refused.value) for piece in ("transit.csv:26", "slip of the year")), refused.value
