"""`tranship drill` through `main`: scenarios, text, one line of JSON, the page, mistakes."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.test_orders import run
from tests.console.runs import play


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose SKUs and channels are as usual, in a folder with a name that a page must not believe."""
    folder = tmp_path_factory.mktemp("drill") / "<b>run"
    play(folder, 40, stock=2_000)
    return folder


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]):
    """By name, as text and as JSON."""
    code, out, _ = run(capsys, "drill", "--list")
    assert code == 0
    for name in ("brownout", "blackout", "stall", "strike", "tight-cap"):
        assert name in out
    assert {one["name"] for one in json.loads(run(capsys, "drill", "--list", "--json")[1])} >= {"stall", "strike"}


def test_text_json_and_page_say_the_same(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """One drill, three faces; the page is one strict file without script or request."""
    words = ("drill", "blackout", "--on", home, "--orders", 60, "--hours", 3)
    code, out, err = run(capsys, *words, "--html", tmp_path / "drill.html")
    assert code == 0
    for word in ("blackout", "shipped twice", "failing over on timeout", "no Hold", "noticed after"):
        assert word in out
    assert "made up" in err
    found = json.loads(run(capsys, *words, "--json")[1])
    tranship = next(arm for arm in found["arms"] if arm["key"] == "tranship")
    assert tranship["double_orders"] == 0 and f"{tranship['in_time']}" in out
    page = (tmp_path / "drill.html").read_text()
    assert "<script" not in page and not re.search(r'(?:src|href)="?http', page) and "@import" not in page
    assert "<b>run" not in page and "&lt;b&gt;run" in page
    assert "prefers-color-scheme: dark" in page
    _Strict().feed(page)


class _Strict(HTMLParser):
    """Every element that opens closes, in order."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("drill",), "no scenario named"),
        (("drill", "flood"), "One of brownout, blackout"),
        (("drill", "stall", "--on", "nowhere"), "no run here"),
        (("drill", "stall", "--at", "25:00"), "no time of day"),
        (("drill", "stall", "--from", "soon"), "no date"),
    ],
)
def test_mistakes_are_one_clear_sentence(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str):
    """Exit code 2, and what would have been right."""
    code, _, err = run(capsys, *words)
    assert code == 2 and said in err and "Traceback" not in err
