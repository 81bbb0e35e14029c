"""`tranship init`: the example works as it is, says nothing odd, and survives every broken line with a finding."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import shared
from tranship.connectors.netfile import (
    Finding,
    NetworkFileError,
    check,
    from_document,
    init_files,
    load,
    template,
    to_document,
)
from tranship.connectors.netfile.loading import read_draft
from tranship.core.errors import InputError
from tranship.core.time import date_to_day, day_to_date

LINES = template().splitlines(keepends=True)
UCI_PEAK = 139_681
"""Units of the UCI year's busiest working day, 2010-09-27 with the weekend before it; invoices that are no cancellations."""


def test_the_example_loads_and_nothing_is_odd_about_it(tmp_path: Path) -> None:
    """Four networks, five nodes, Amazon capped at 60 %; no errors, warnings or notes, and it reads back exactly."""
    (path,) = init_files(tmp_path / "new")
    assert path == tmp_path / "new" / "tranship.toml"
    loaded = load(path)
    network = loaded.network
    assert [one.code for one in network.networks] == ["amazon", "eastpack", "westbay", "own"]
    assert [node.code for node in network.nodes] == ["AMZ-EAST", "AMZ-WEST", "EAST", "WEST", "HOME"]
    assert [(cap.network, cap.cap_bp, cap.window) for cap in network.caps] == [("amazon", 6000, 1000)]
    assert (network.networks[0].max_lines, network.networks[0].max_units) == (100, 250)
    assert (loaded.warnings, check(path)) == ([], [])
    assert from_document(loaded.document) == network


def test_the_independent_side_carries_its_part_of_the_uci_years_busiest_day(tmp_path: Path) -> None:
    """At the measured peak of 139,681 units the independent nodes have room for 40 % and all nodes together for everything."""
    (path,) = init_files(tmp_path)
    nodes = load(path).network.nodes
    independent = sum(node.capacity_units for node in nodes if node.network != "amazon")
    assert independent >= 0.4 * UCI_PEAK
    assert sum(node.capacity_units for node in nodes) >= UCI_PEAK
    assert check(path, [(14_879, UCI_PEAK)]) == []


def test_the_measured_peak_is_that_of_the_uci_file(tmp_path: Path) -> None:
    """The figure above, counted in the file itself."""
    import csv
    import datetime as dt
    import gzip

    days: dict[int, int] = {}
    with gzip.open(shared("data", "uci_online_retail", "online_retail_2009_2010.csv.gz"), "rt") as file:
        for row in csv.DictReader(file):
            if not row["InvoiceNo"].startswith(("A", "C")) and int(row["Quantity"]) > 0:
                day = date_to_day(dt.date.fromisoformat(row["InvoiceDate"][:10]))
                days[day] = days.get(day, 0) + int(row["Quantity"])
    text = template().replace("peak_per_day", "peak_per_day = 1 #").replace("_000\n", "\n")
    path = tmp_path / "tranship.toml"
    path.write_text(text)
    said = " ".join(finding.what for finding in check(path, sorted(days.items())))
    assert f"{UCI_PEAK:,} units, measured, 2010-09-27" in said
    assert day_to_date(14_879).isoformat() == "2010-09-27"


def test_init_never_overwrites_unless_told_to(tmp_path: Path) -> None:
    """A file that is there stays as it is; with force it is the example again."""
    (path,) = init_files(tmp_path)
    path.write_text("mine")
    with pytest.raises(InputError, match=r"is there already.*--force"):
        init_files(tmp_path)
    assert path.read_text() == "mine"
    init_files(tmp_path, force=True)
    assert path.read_text() == template()


def test_init_into_something_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """A file in the folder's place gives an InputError that names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        init_files(tmp_path / "file")


def broken(line: str) -> list[str]:
    """A line left out, and garbled in every way that a slip of the keyboard does."""
    key, mark, value = line.partition("=")
    ways = ["", line[: len(line) // 2] + "\n", line.swapcase(), line.replace('"', ""), line.replace("[", ""), line * 2]
    if mark:
        others = ("-1", "0", "1e999", "true", "''", '"?"', "[]", "{}", "2026-01-01", "99999999999999999999", "nan")
        ways += [f"{key}= {other}\n" for other in others]
        ways += [
            f"{key.strip()}x ={value}",
            f"{key.strip()}.x ={value}",
            re.sub(r"\d", "7", line),
            re.sub(r"\d", "", line),
        ]
    return ways


@pytest.mark.parametrize("number", [i for i, line in enumerate(LINES) if line.strip() and not line.startswith("#")])
def test_every_broken_line_gives_findings_and_never_another_exception(tmp_path: Path, number: int) -> None:
    """Any line of the example deleted or garbled: what `load` raises on names this file, or there is a network."""
    path = tmp_path / "tranship.toml"
    for way in dict.fromkeys(broken(LINES[number])):
        path.write_text("".join([*LINES[:number], way, *LINES[number + 1 :]]), encoding="utf-8")
        sound(path)


@given(st.data())
def test_any_damage_gives_findings_and_never_another_exception(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes of the example replaced, dropped or moved anywhere: still an answer."""
    content = bytearray(template().encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 40))] = data.draw(
            st.binary(max_size=12) | st.text(max_size=8).map(str.encode)
        )
    path = tmp_path_factory.mktemp("damage") / "tranship.toml"
    path.write_bytes(bytes(content))
    sound(path)


def sound(path: Path) -> None:
    """`load` gives a document that reads back, or raises with findings that name the file and an error among them."""
    draft = read_draft(path)
    findings: list[Finding] = draft.findings.listed()
    if draft.findings.failed:
        assert any(finding.level == "error" for finding in findings)
        assert str(NetworkFileError(findings))
    else:
        assert draft.network is not None
        assert from_document(to_document(draft.network)) == draft.network
    for finding in findings:
        assert finding.where.startswith(("tranship.toml", str(path)))
        assert finding.what
