"""`tranship leak report` through `main`: text, JSON, the page, attackers that are kept, mistakes."""

import sys
from pathlib import Path

import pytest

from tests.cli.test_orders import line, run
from tests.console import leak_runs
from tests.support import boosting


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a year of orders."""
    folder = tmp_path_factory.mktemp("leaking") / "run"
    leak_runs.play(folder, 900)
    return folder


def test_leak_report_says_what_each_network_knows(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A verdict, a table for each network with guessing beside it, and where the page is."""
    page = tmp_path / "leak.html"
    code, out, err = run(capsys, "leak", "report", "--run", home, "--quick", "--out", page)
    assert code == 0
    for word in ("Amazon", "Pack", "guessing", "Which products grow", "its carrier", f"wrote {page}"):
        assert word in out
    assert "left out: your own network, Brand" in err
    assert page.read_text().startswith("<!doctype html>") or "<!doctype html>" in page.read_text()[:2000]


def test_leak_report_as_json_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]):
    """All figures; the page lies in the run's folder."""
    code, out, _ = run(capsys, "leak", "report", "--run", home, "--quick", "--network", "AMZ", "--json")
    found = line(out)
    assert code == 0 and [one["code"] for one in found["networks"]] == ["AMZ"]
    names = [bar["name"] for bar in found["networks"][0]["node"]]
    assert names == ["tau_growth", "top10", "timing", "vip", "pairs", "freq20", "aov20", "tau_margin"]
    assert found["quick"] is True and (home / "leak.html").is_file()


def test_learned_attackers_are_trained_once_and_kept(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The second report reads them from the run's folder and says the same."""
    boosting()
    words = ("leak", "report", "--run", home, "--network", "AMZ", "--out", tmp_path / "p.html", "--json")
    first = line(run(capsys, *words)[1])
    kept = {path: path.stat().st_mtime_ns for path in home.glob("leak-attackers-*.bin")}
    assert len(kept) == 2  # the operator's and its carrier's
    assert line(run(capsys, *words)[1]) == first
    assert {path: path.stat().st_mtime_ns for path in home.glob("leak-attackers-*.bin")} == kept
    growth = first["networks"][0]["node"][0]
    assert {"slope", "halves", "trees", "ridge"} == set(growth["each"])
    assert "trained on" in first["networks"][0]["learned"] and first["quick"] is False


def test_mistakes_are_one_sentence(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """No run, no such network, weeks out of range: exit code 2 and what to do."""
    for words, said in (
        (("--run", tmp_path / "none"), "no run here"),
        (("--run", home, "--network", "nobody"), "There are: AMZ"),
        (("--run", home, "--weeks", "1"), "2 to 520"),
    ):
        code, out, err = run(capsys, "leak", "report", "--quick", *words)
        assert code == 2 and not out and said in err and err.count("\n") == 1


def test_without_the_library_it_says_what_to_install(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Before any work: exit code 2, the extra to install and the way without."""
    (tmp_path / "lightgbm.py").write_text("raise ModuleNotFoundError('no lightgbm')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)
    code, out, err = run(capsys, "leak", "report", "--run", home)
    assert code == 2 and not out and "tranship[plan]" in err and "--quick" in err
