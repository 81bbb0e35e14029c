"""Every finding: what brings it, what it says, and that nothing else is said along the way."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.connectors.netfile.sample import SKUS, SMALL, STOCK, changed, write
from tranship.connectors.netfile import NetworkFileError, check, load
from tranship.connectors.netfile.finding import RULES
from tranship.core.time import date_to_day


class Case(NamedTuple):
    """Changes of the sample's files and the finding they bring: level and rule, and pieces of its text."""

    name: str
    changes: tuple[tuple[str, str, str], ...]
    said: str
    pieces: tuple[str, ...]


def written() -> Iterator[Case]:
    """The cases of findings.txt."""
    for block in (Path(__file__).parent / "findings.txt").read_text().split("\n\n")[1:]:
        lines = [line.replace("\\n", "\n") for line in block.strip("\n").split("\n")]
        changes = []
        for old, new in pairwise(lines):
            if old[:6] in {"toml: ", "skus: ", "stock:"}:
                file, _, text = old.partition(": ")
                changes.append((file, text, new.removeprefix("   >").removeprefix(" ")))
        said = next(line for line in lines if line.startswith("= "))
        pieces = tuple(line.removeprefix("  ... ") for line in lines if line.startswith("  ... "))
        yield Case(lines[0].removeprefix("# "), tuple(changes), said.removeprefix("= "), pieces)


MANY_CAPS = "".join(f'[[cap]]\nnetwork = "n{i}"\nshare = 90\n[[network]]\ncode = "n{i}"\n' for i in range(12))
CASES = (
    *written(),
    Case(
        "endless list",
        (("toml", '["carrier:big", "region:nj"]', str([f"w{i}" for i in range(1001)])),),
        "error bad_value",
        ("node[1].depends_on: a list of 1,001 words", "At most 1,000"),
    ),
    Case(
        "endless number",
        (("toml", "order_fee = 1.50", "order_fee = 1" + "0" * 400),),
        "error bad_value",
        ("card.post.order_fee: 1", "is out of range"),
    ),
    Case("too many caps", (("toml", "[policy]", MANY_CAPS + "[policy]"),), "error too_many", ("13 caps", "At most 12")),
)


def told(case: Case, folder: Path) -> list[str]:
    """Everything that `check` says about the changed sample, as text."""
    files = {"toml": SMALL, "skus": SKUS, "stock": STOCK}
    for file, old, new in case.changes:
        files[file] = changed(files[file], (old, new))
    path = write(folder, files["toml"], skus=files["skus"], stock=files["stock"])
    return [f"{finding.level} {finding.rule} {finding}" for finding in check(path)]


def test_a_sound_file_says_nothing(tmp_path: Path) -> None:
    """The sample itself has neither errors nor warnings nor notes."""
    assert check(write(tmp_path)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_finding_names_place_what_was_found_and_what_is_allowed(case: Case, tmp_path: Path) -> None:
    """The change brings its finding with level, rule, file, key, what was found and the hint."""
    lines = told(case, tmp_path)
    same = [line for line in lines if line.startswith(f"{case.said} ")]
    assert any(all(piece in line for piece in case.pieces) for line in same), "\n".join(lines)


def test_every_rule_has_its_cases() -> None:
    """No rule that the page lists is without a test: those not above have tests of their own below."""
    own_tests = {"not_toml", "no_feasible_split", "encoding", "no_row"}
    own_tests |= {"no_kind", "no_proof", "unproven", "no_connection", "no_location", "untold"}  # test_connections.py
    own_tests |= {"leak_forecast"}  # test_growth.py
    assert {case.said.split()[1] for case in CASES} | own_tests == set(RULES)


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        (b"[party\n", ("tranship.toml:1:", "column")),
        (b"[party]\ncode = 'caf\xe9'\n", ("tranship.toml:2:", "byte 0xE9 is not UTF-8")),
        (b"a = " + b"[" * 5000, ("tranship.toml",)),
        (b"a = 1\na = 2\n", ("tranship.toml:2:",)),
        (b"a = 1" + b"0" * 5000, ("not TOML",)),
    ],
)
def test_a_file_that_is_not_toml_is_an_error_with_its_line(
    tmp_path: Path, content: bytes, pieces: tuple[str, ...]
) -> None:
    """Broken syntax, a wrong encoding, bottomless nesting: one error, never another exception."""
    path = tmp_path / "tranship.toml"
    path.write_bytes(content)
    (finding,) = check(path)
    assert (finding.level, finding.rule) == ("error", "not_toml")
    assert all(piece in str(finding) for piece in pieces), finding


def test_a_file_that_is_not_there_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """`check` reports the missing file; `load` raises it."""
    (finding,) = check(tmp_path / "tranship.toml")
    assert finding.rule == "no_file"
    assert "tranship init" in finding.hint
    with pytest.raises(NetworkFileError, match="cannot be read"):
        load(tmp_path)  # a folder
    with pytest.raises(NetworkFileError, match="no such file"):
        load(tmp_path / "tranship.toml")


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    """Independent mistakes in different tables and files are all in one refusal, errors before warnings."""
    text = changed(
        SMALL, ('"America/New_York"', '"Mars"'), ("share = 60", "share = 600"), ('code = "own"', 'cod = "own"')
    )
    path = write(tmp_path, text, skus=changed(SKUS, ("0.8", "heavy"), ("normal", "secret"), (",fragile", ",brittle")))
    with pytest.raises(NetworkFileError) as refused:
        load(path)
    rules = [finding.rule for finding in refused.value.findings if finding.level == "error"]
    assert sorted(rules) == [
        "bad_value",
        "bad_value",
        "bad_value",
        "bad_value",
        "missing_key",
        "no_such",
        "unknown_key",
    ]
    assert "7 errors" in str(refused.value)
    assert all(finding.where in str(refused.value) for finding in refused.value.findings if finding.level == "error")
    levels = [finding.level for finding in refused.value.findings]
    assert levels == sorted(levels)  # error < warning


def test_a_flood_of_one_finding_is_counted_not_listed(tmp_path: Path) -> None:
    """A thousand bad rows give 25 findings and one line with the number of the others."""
    rows = "".join(f"A{i},heavy\n" for i in range(1000))
    path = write(tmp_path, changed(SMALL, ('stock_file = "stock.csv"\n', "")), skus="sku,weight_g\n" + rows)
    findings = [finding for finding in check(path) if finding.rule == "bad_value"]
    assert len(findings) == 26
    assert findings[-1].what == "975 more of this kind (bad_value)"


CLOSED = ("hazmat = true", "closed = true")
SECOND_CAP = "share = 60\n[[cap]]\nnetwork = 'own'\nshare = "
BY_CARRIER = (("share = 60", 'share = 60\ncounts = "either"'), ('code = "own"', 'code = "own"\ncarrier = "big"'))
BY_SERVICE = (
    ('code = "web"', 'code = "web"\nservice = "air"'),
    ("capacity_per_day = 1000", 'services = ["ground", "air"]'),
)
OTHER_40 = "no independent node could ship the other 40 % of web"


@pytest.mark.parametrize(
    ("pairs", "piece"),
    [
        pytest.param([CLOSED], OTHER_40, id="only the capped network is open"),
        pytest.param(
            [("share = 60", SECOND_CAP + "30")], "sum to 90 % (big 60 % + own 30 %)", id="sum below the whole"
        ),
        pytest.param([("share = 60", SECOND_CAP + "60")], "first order has nowhere to go", id="sum above the whole"),
        pytest.param(BY_CARRIER, OTHER_40, id="counted by carrier"),
        pytest.param(BY_SERVICE, "that may ship it with air counts against", id="by service"),
        pytest.param([('prefer = ["own"]', 'must = ["only:big@web"]')], OTHER_40, id="by must-rule"),
        pytest.param([("share = 60", "share = 0"), CLOSED], "the other 100 % of web", id="excluded"),
    ],
)
def test_caps_without_a_feasible_split_are_refused(
    tmp_path: Path, pairs: Sequence[tuple[str, str]], piece: str
) -> None:
    """A cap that no split can keep on some channel is an error of `load` too: its orders would wait for ever."""
    text = changed(SMALL, ("stock_file", "# stock_file"), *pairs)
    with pytest.raises(NetworkFileError) as refused:
        load(write(tmp_path, text))
    said = [str(finding) for finding in refused.value.findings if finding.rule == "no_feasible_split"]
    assert said, refused.value.findings
    assert piece in said[0]


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("share = 60", SECOND_CAP + "60\non_conflict = 'breach'")],
        [("share = 60", "share = 100"), CLOSED],
        [('code = "web"', 'code = "web"\non_platform_for = ["big"]'), CLOSED],
        [("share = 60", SECOND_CAP + "100")],
    ],
    ids=["as it is", "one may breach", "cap of the whole", "on-platform everywhere", "the other's cap is no limit"],
)
def test_caps_that_leave_a_split_are_not_refused(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    """An uncapped node, a cap that may breach, and an on-platform channel each leave orders somewhere to go."""
    text = changed(SMALL, ("stock_file", "# stock_file"), *pairs)
    assert load(write(tmp_path, text)).network.party == "acme"


def test_a_cap_on_the_total_only_is_told_where_other_channels_may_make_room(tmp_path: Path) -> None:
    """Without `per_channel` another channel's orders may pay for this one's: no proof, so a warning instead of an error."""
    text = changed(SMALL, ("stock_file", "# stock_file"), ('prefer = ["own"]', 'must = ["only:big@web"]'))
    text = changed(text, ("share = 60", "share = 60\nper_channel = false"))
    loaded = load(write(tmp_path, text))
    assert [finding.rule for finding in loaded.warnings if finding.level == "warning"] == ["no_feasible_split"]


def test_peak_is_measured_on_the_busiest_working_day(tmp_path: Path) -> None:
    """Weekend orders count on the Monday after; measured days take the place of `peak_per_day`."""
    saturday = date_to_day(dt.date(2010, 9, 25))
    on = [(saturday, 500), (saturday + 1, 300), (saturday + 2, 300), (saturday + 3, 1000)]
    path = write(tmp_path, changed(SMALL, ("peak_per_day = 1000", "peak_per_day = 9000")))
    findings = [finding for finding in check(path, on) if finding.rule == "peak"]
    assert len(findings) == 1
    assert "36.4 % of the busiest day (1,100 units, measured, 2010-09-27)" in findings[0].what
    assert [finding for finding in check(path, []) if finding.rule == "peak"] == []


def test_a_node_without_a_limit_carries_any_peak(tmp_path: Path) -> None:
    """Capacity 0 is no limit, so there is nothing to warn of."""
    text = changed(SMALL, ("capacity_per_day = 400\n", ""), ("peak_per_day = 1000", "peak_per_day = 900000"))
    assert [finding for finding in check(write(tmp_path, text)) if finding.rule == "peak"] == []
