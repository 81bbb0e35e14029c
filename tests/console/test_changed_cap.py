"""A cap that was changed within the run is judged limit by limit; a sentence about sizes names the sizes it is true of."""

from pathlib import Path

import pytest

from tests.console.runs import submit
from tests.engine import worlds
from tranship.cli.reporting import make_report
from tranship.cli.summary import show_report
from tranship.console import findings
from tranship.console.figures import CapFacts, ReportData, SizeClass


def changed(folder: Path, limits: tuple[int, ...], each: int = 40) -> tuple[ReportData, str]:
    """A run of `each` orders under each of these limits in turn; Amazon is the cheapest, so that it takes all it may."""
    shard = worlds.sqlite(folder)
    number = 0
    for place, cap_bp in enumerate(limits):
        document = worlds.network(caps=worlds.cap(cap_bp=cap_bp))
        at = worlds.MONDAY + place * 3 * worlds.DAY
        submit(shard, [worlds.loading(document, at - worlds.HOUR)])
        if place == 0:
            for node in (worlds.AMZ, worlds.PL, worlds.OWN):
                submit(shard, [worlds.receiving(document, f"opening-{node}", node, at - worlds.HOUR, MUG=500)])
        for i in range(each):
            made = worlds.order(number, ("MUG", 1), placed_at=at + i * 60_000_000)
            submit(shard, [worlds.placing(made)])
            number += 1
    shard.store.close()
    data, path = make_report(folder, compare=len(limits) < 3)
    return data, path.read_text(encoding="utf-8")


def cap_of(data: ReportData) -> CapFacts:
    """The only cap."""
    (cap,) = data.caps
    return cap


def test_a_lowered_cap_is_not_held_against_what_was_taken_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """60 % then 30 %: what is said of 30 % is of windows that had come down to it."""
    data, page = changed(tmp_path, (6000, 3000))
    cap = cap_of(data)
    assert [(one.cap_bp, one.version) for one in cap.limits] == [(6000, 1), (3000, 2)]
    before, after = cap.limits
    assert before.own_bp == before.high_bp == cap.max_share_bp == 6000
    assert after.carried_bp == 6000 and after.met_at > after.at
    assert 0 < after.own_bp <= 3000 < after.high_bp
    assert not cap.breaches
    assert "was changed within this run: until 2026-03-05 60 %, with at most 60.0 %" in data.headline
    assert "within it since 2026-03-05, then at most 30.0 %" in data.headline
    assert "under a cap of" not in " ".join([data.headline, *data.cap_words])
    assert "did not bind" not in " ".join(data.cap_words)
    assert any("at most 60.00 % within a cap of 60 %, then 30.00 % within a cap of 30 %" in one for one in data.checks)
    assert "cap 60 %, then 30 %" in page.replace("\u00a0", " ")
    show_report(data)
    assert "(cap 60 %, then 30 %)" in capsys.readouterr().out


def test_a_cap_lowered_at_the_end_has_not_been_met(tmp_path: Path):
    """Too few orders came after it for the window to come down: that is what the page says."""
    data, _ = changed(tmp_path, (6000, 1000), each=5)
    late = cap_of(data).limits[-1]
    assert (late.carried_bp, late.met_at, late.own_bp, late.breaches) == (6000, 0, 0, 0)
    assert (
        "60.0 % taken under the limit before still stood in the window and it has not been within it" in data.headline
    )


def test_a_raised_cap_and_one_that_nothing_entered_under(tmp_path: Path):
    """30 % then 60 %: both held at once. A limit without an entry is left out."""
    data, _ = changed(tmp_path, (3000, 6000, 5000))
    assert [one.cap_bp for one in cap_of(data).limits] == [3000, 6000, 5000]
    assert [one.own_bp <= one.cap_bp for one in cap_of(data).limits] == [True] * 3
    assert "from 2026-03-05 on 60 %, with at most 60.0 %" in data.headline


def test_the_same_limit_again_is_no_change(tmp_path: Path):
    """A network document of other goods or cards leaves the cap what it was."""
    data, _ = changed(tmp_path, (6000, 6000))
    assert not cap_of(data).changed and "changed" not in data.headline


def size(label: str, capped: int, independent: int, *, cheaper: bool) -> SizeClass:
    """A class whose independent side is cheaper, or not."""
    cost = 1_000_000 if cheaper else 3_000_000
    return SizeClass(label, 1, 1, capped, capped, capped * 2_000_000, independent, independent, independent * cost)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([size("1", 50, 50, cheaper=True), size("2 to 3", 50, 50, cheaper=True)], "At every size the independent"),
        ([size("1", 9, 50, cheaper=False), size("2 to 3", 50, 50, cheaper=True)], "At 2 to 3 units (of other sizes"),
        ([size("1", 50, 50, cheaper=False), size("2 to 3", 50, 9, cheaper=True)], "At 1 unit (of other sizes"),
        ([size("1", 9, 50, cheaper=True)], ""),
    ],
)
def test_every_size_means_every_size(sizes: list[SizeClass], words: str):
    """Where classes were left out for being too small, the sentence names those it is about."""
    said = findings._crossing(ReportData(sizes=sizes), "Amazon")
    assert said.startswith(words) and bool(said) == bool(words)
