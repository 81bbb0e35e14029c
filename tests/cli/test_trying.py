"""`tranship try` and `tranship regret` through `main`: exit codes, one line of JSON, the page, hostile files."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.test_orders import line, run
from tests.console.runs import play

NO_CAP = '[variation]\nname = "<b>no cap</b>"\n[[cap]]\nnetwork = "AMZ"\nremove = true\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and a few variations."""
    folder = tmp_path_factory.mktemp("trying")
    play(folder / "run", 60)
    (folder / "free.toml").write_text(NO_CAP)
    (folder / "shut.toml").write_text('[[node]]\ncode = "PL-1"\nclosed = true\n')
    (folder / "bad.toml").write_text("[polcy]\nmax_parts = 1\n")
    return folder


def test_try_says_in_text_what_changed(home: Path, capsys: pytest.CaptureFixture[str]):
    """The baseline, both variations, who moved and why, and that nothing was written."""
    code, out, err = run(capsys, "try", home / "free.toml", home / "shut.toml", "--on", home / "run")
    assert code == 0
    for word in ("baseline is the run", "<b>no cap</b>", "shut", "an order", "Who moved", "where it was is closed"):
        assert word in out
    assert "Stock comes in as it did" in err


def test_try_as_json_is_paged(home: Path, capsys: pytest.CaptureFixture[str]):
    """Pages of changed orders follow on each other, the largest change first."""
    words = ("try", home / "shut.toml", "--on", home / "run", "--json", "--limit", 3)
    first, second = (line(run(capsys, *words, "--page", page)[1]) for page in (1, 2))
    changes = [*first["variations"][0]["changes"], *second["variations"][0]["changes"]]
    assert len(changes) == min(6, first["variations"][0]["orders_changed"])
    gaps = [abs(row["cost_after"] - row["cost_before"]) for row in changes]
    assert gaps == sorted(gaps, reverse=True)
    assert first["same"] is True and first["baseline"]["orders"] == 60


def test_the_page_stands_alone(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """No script, nothing fetched, and what a file says is text."""
    page, table = tmp_path / "x" / "try.html", tmp_path / "try.csv"
    words = ("try", home / "free.toml", home / "shut.toml", "--on", home / "run", "--html", page, "--csv", table)
    assert run(capsys, *words)[0] == 0
    html = page.read_text()
    assert "&lt;b&gt;no cap&lt;/b&gt;" in html and "<b>no cap</b>" not in html
    assert (
        "<script" not in html
        and not re.search(r"(src|href)\s*=", html)
        and "http" not in html.replace("http-equiv", "")
    )
    assert html.count("<svg") >= 4 and "Who moved" in html
    assert table.read_text().startswith("variation,order,")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bad.toml",), 'mean "policy"'),
        (("none.toml",), "no such file"),
        ((), "nothing to try"),
        (("free.toml", "--from", "summer"), "is no date"),
        (("free.toml", "--from", "2031-01-01"), "The run's orders are from"),
        (("free.toml", "--limit", "0"), "A limit of 1"),
        (("free.toml", "--html", "/proc/none/x.html"), "cannot be written"),
    ],
)
def test_try_refuses_with_one_clear_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    """Exit code 2, no traceback."""
    named = [home / word if word.endswith(".toml") else word for word in words]
    code, _, err = run(capsys, "try", *named, "--on", home / "run")
    assert code == 2
    assert said in err and "Traceback" not in err


def test_regret_says_what_was_left(home: Path, capsys: pytest.CaptureFixture[str]):
    """Text and JSON: myopic, run, bound, and why the bound is low."""
    code, out, _ = run(capsys, "regret", home / "run", "--passes", 50)
    assert code == 0
    for word in ("myopic", "as run", "hindsight", "lower bound", "left out"):
        assert word in out
    code, out, _ = run(capsys, "regret", home / "run", "--passes", 50, "--json")
    found = json.loads(out)
    assert found["hindsight"]["bound"] <= found["as_run"]["cost"]
