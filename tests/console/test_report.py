"""The report: numbers that meet, words that follow from them, a page that needs nothing but itself."""

import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from tests.console.runs import play, submit, taken
from tests.engine import worlds
from tranship.cli.reporting import make_report, read_rejects
from tranship.cli.summary import show_replay, show_report
from tranship.console import reconcile
from tranship.console.figures import ReportData
from tranship.console.gather import gather
from tranship.console.report import render
from tranship.console.walk import walk
from tranship.core.errors import InputError, InvariantError
from tranship.core.network import Channel, Network
from tranship.core.order import Destination
from tranship.engine.run import open_store
from tranship.sim.replay import Summary

HOSTILE = '<script>alert("x")</script>&\'[bold red]'


def report(folder: Path, *, compare: bool = False) -> tuple[ReportData, str]:
    """The report of the run in `folder`: its data and its page."""
    data, path = make_report(folder, compare=compare)
    return data, path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """Reads a page: its tags in order, whether they close, what could load something."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.loads: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.loads += [
            f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")
        ]
        self.loads += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"{tag} closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


# ---- numbers ---------------------------------------------------------------------------------------------------------


def test_the_numbers_meet_and_equal_the_tables(tmp_path: Path):
    """Units, parts, cost and lines of the report are those of the database, and every sum is reached two ways."""
    play(tmp_path, 80, stock=15)
    data, _ = report(tmp_path)
    with sqlite3.connect(tmp_path / "tranship.db") as db:
        parts, units, cost = db.execute(
            "SELECT COUNT(*), SUM(units), SUM(cost) FROM part WHERE status <> 'CANCELLED'"
        ).fetchone()
        ordered = db.execute("SELECT SUM(units) FROM orders").fetchone()[0]
    assert (data.splits.fulfillment_orders, data.units.placed, data.cost) == (parts, units, cost)
    found = data.units
    assert found.ordered == ordered == found.placed + found.parked + found.expired + found.cancelled
    assert found.expired and found.cancelled and found.returned and found.waited
    assert data.lines_read == data.lines_accepted + data.lines_rejected
    assert any(f"{ordered:,} units ordered" in line for line in data.checks)
    assert any("0 of orders taken before" not in line and "accepted lines = " in line for line in data.checks)


def test_the_share_is_counted_as_the_engine_counts_it(tmp_path: Path):
    """The walk's window reaches what the engine's window reached, total and channels, after voids too."""
    play(tmp_path, 90, seed=11)
    data, _ = report(tmp_path, compare=False)
    store = open_store(tmp_path, read_only=True)
    from tranship.sim.compare import compare

    (arm,) = compare(store, ("as_run",))
    store.close()
    cap, other = data.caps[0], arm.caps[0]
    assert (cap.max_share_bp, cap.full_max_bp, cap.entered) == (other.max_share_bp, other.full_max_bp, other.entered)
    assert (cap.course.at, cap.course.high_bp) == (other.at, other.high_bp)
    assert cap.max_share_bp <= cap.cap_bp
    assert cap.decisions == cap.with_network + sum(one.count for one in cap.without)


def test_a_table_that_differs_from_the_journal_stops_the_report(tmp_path: Path):
    """Where two ways to a number do not meet, no page is written, and the message says which."""
    play(tmp_path, 20)
    with sqlite3.connect(tmp_path / "tranship.db") as db:
        db.execute("UPDATE part SET cost = cost + 1 WHERE part_id = (SELECT MIN(part_id) FROM part)")
    with pytest.raises(InvariantError, match="journal and table"):
        report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_lines_that_do_not_add_up_stop_the_report(tmp_path: Path):
    """A file of which accepted and rejected lines are not those read is not reported on."""
    play(tmp_path, 5)
    store = open_store(tmp_path, read_only=True)
    data, books = gather(store), walk(store)
    data.files[0].read += 1
    with pytest.raises(InvariantError, match="lines read"):
        reconcile.check(data, books, store)
    store.close()


def test_a_cap_by_units_and_a_second_cap_are_told_apart(tmp_path: Path):
    """Two caps, two counters: each has its own course, words and page section."""
    caps = (*worlds.cap(measure="units", window=50), *worlds.cap(network="PL", cap_bp=7000, window=20))
    play(tmp_path, 60, caps=caps, stock=2_000)
    data, html = report(tmp_path, compare=True)
    assert [cap.network for cap in data.caps] == ["AMZ", "PL"]
    assert data.caps[0].entered > data.caps[1].entered
    assert [arm_cap.network for arm_cap in data.arms[0].caps] == ["AMZ", "PL"]
    assert "The share of Amazon against its cap" in html and "The share of Pack against its cap" in html


def test_on_platform_orders_are_not_counted(tmp_path: Path):
    """Orders of Amazon's own channel are shipped and reported, and enter no window of Amazon's cap."""
    document = worlds.network(caps=worlds.cap())
    shard = worlds.sqlite(tmp_path)
    stock = worlds.receiving(document, "r", worlds.AMZ, MUG=100)
    made = [worlds.order(i, ("MUG", 1), channel="amazon") for i in range(12)]
    submit(shard, [worlds.loading(document), stock, *map(worlds.placing, made)])
    shard.store.close()
    data, html = report(tmp_path, compare=True)
    assert data.splits.fulfillment_orders == 12
    assert (data.caps[0].entered, data.caps[0].max_share_bp, data.caps[0].run_bp) == (0, 0, 0)
    Page(html)


# ---- words -----------------------------------------------------------------------------------------------------------


def test_the_headline_says_what_the_cap_cost(tmp_path: Path):
    """With a comparison the first sentence has the share, the share without a cap, and the price."""
    play(tmp_path, 80, stock=2_000)
    data, html = report(tmp_path, compare=True)
    assert re.search(r"never had more than 60\.0 % of the last 10 .* would have reached 100\.0 %.*\$\d", data.headline)
    assert {arm.name for arm in data.arms} == {"none", "counter"}
    words = " ".join(" ".join(Page(html).words).replace("\xa0", " ").split())
    assert data.headline in words
    assert all(line in words for line in data.cap_words + data.arm_words)


def test_a_breach_is_the_headline(tmp_path: Path):
    """Where the policy breaches the cap, the page begins with it."""
    play(tmp_path, 40, caps=worlds.cap(cap_bp=1000, on_conflict="breach"), stock=20, channels=(Channel("web"),))
    data, html = report(tmp_path)
    assert data.caps[0].breaches > 0
    assert "was over its 10 % cap" in data.headline
    assert '<h1 class="act">' in html


def test_a_run_with_no_caps_says_so(tmp_path: Path):
    """No cap: no share chart, no comparison, but who shipped and what it cost."""
    play(tmp_path, 30, caps=())
    data, html = report(tmp_path, compare=True)
    assert data.headline.startswith("No share cap is set")
    assert not data.arms and not data.caps
    page = Page(html)
    assert "svg" in page.seen
    assert "against its cap" not in html


def test_one_order(tmp_path: Path):
    """A run of one order is a report like any other, in the singular."""
    play(tmp_path, 1)
    data, html = report(tmp_path, compare=True)
    assert data.run.orders == 1
    assert data.summary[0].startswith("1 order became 1 fulfillment order")
    Page(html)


@pytest.mark.parametrize("loaded", [False, True], ids=["nothing", "a network and a file"])
def test_an_empty_run(tmp_path: Path, loaded: bool):
    """A run without orders says so, in the page, in the terminal and as data."""
    shard = worlds.sqlite(tmp_path)
    if loaded:
        submit(shard, [worlds.loading(worlds.network(caps=worlds.cap())), taken(4, 0)])
    shard.store.close()
    data, html = report(tmp_path, compare=True)
    assert data.headline == "This run has no orders yet."
    assert data.lines_read == (4 if loaded else 0)
    assert data.headline in html
    Page(html)
    show_report(data)


def test_orders_that_nobody_can_place(tmp_path: Path):
    """No stock anywhere: everything is parked or given up, nothing is divided by zero."""
    document = worlds.network(caps=worlds.cap())
    shard = worlds.sqlite(tmp_path)
    submit(shard, [worlds.loading(document), *(worlds.placing(worlds.order(i, ("MUG", 2))) for i in range(3))])
    shard.store.close()
    data, html = report(tmp_path, compare=True)
    assert (data.units.placed, data.units.parked) == (0, 6)
    Page(html)
    show_report(data)


def test_no_run(tmp_path: Path):
    """Where there is no run, the message says what makes one."""
    with pytest.raises(InputError, match="no run"):
        make_report(tmp_path / "absent")


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_without_script_or_request(tmp_path: Path):
    """Nothing is loaded: no script, link, image, frame, font or address; it opens from disk without a network."""
    play(tmp_path, 60)
    _, html = report(tmp_path, compare=True)
    page = Page(html)
    assert not page.seen & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "image", "use"}
    assert not page.loads
    assert "://" not in html and "url(" not in html and "@import" not in html and "@font-face" not in html
    assert html.startswith("<!doctype html>") and '<html lang="en">' in html


def test_every_drawing_has_a_title(tmp_path: Path):
    """Each SVG says in words what it shows."""
    play(tmp_path, 60)
    _, html = report(tmp_path, compare=True)
    drawings = re.findall(r"<svg [^>]*>", html)
    assert len(drawings) >= 8
    assert len(re.findall(r'<svg [^>]*role="img"[^>]*><title>[^<]{8,}</title>', html)) == len(drawings)


def test_hostile_text_is_only_text(tmp_path: Path):
    """Markup in the names of files, orders, articles, operators, nodes, channels, states and rejects is shown, never run."""
    networks = (Network("AMZ", HOSTILE), Network("PL", "Pack"), Network("OWN", "Brand"))
    nodes = worlds.node(worlds.AMZ, code=HOSTILE, state="<b>")
    channel = Channel(HOSTILE)
    document = worlds.network(
        caps=worlds.cap(), networks=networks, nodes=nodes, channels=(channel,), party=HOSTILE,
        skus=(*worlds.SKUS, msgspec.structs.replace(worlds.SKUS[0], code=HOSTILE)),
    )  # fmt: skip
    shard = worlds.sqlite(tmp_path)
    stock = worlds.receiving(document, HOSTILE, worlds.AMZ, **{"MUG": 50, HOSTILE: 50})
    more = worlds.receiving(document, "pl", worlds.PL, MUG=50)
    made = [
        worlds.order(f"{HOSTILE}{i}", ("MUG", 1), (HOSTILE, 90), channel=HOSTILE, to=Destination("10001", HOSTILE))
        for i in range(6)
    ]
    note = taken(9, 6, file=HOSTILE, banner=(HOSTILE,), notes=(HOSTILE,), reasons={HOSTILE: 3})
    submit(shard, [worlds.loading(document), note, stock, more, *map(worlds.placing, made)])
    shard.store.close()
    (tmp_path / "rejects.csv").write_text(
        f'file,line,document,reason,detail\nf,1,"{HOSTILE[:8]}",{HOSTILE[:8]},<img src=x>\n'
    )
    data, html = report(tmp_path, compare=True)
    page = Page(html)
    assert not page.seen & {"script", "img", "b"} - {"b"}
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html
    show_report(data)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path):
    """Twice written, the page is the same: nothing of the clock, the machine or an address gets in."""
    play(tmp_path, 40)
    first = report(tmp_path)[1]
    assert report(tmp_path)[1] == first
    assert str(tmp_path) not in first


def test_json_round_trip_draws_the_same_page(tmp_path: Path):
    """`--json` has all that the page shows: read back, it draws the same."""
    play(tmp_path, 40)
    data, html = report(tmp_path, compare=True)
    again = msgspec.json.decode(msgspec.json.encode(data), type=ReportData)
    assert render(again) == html


# ---- the terminal ----------------------------------------------------------------------------------------------------


def test_the_terminal_tells_the_finding_and_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The headline first, then who ships, what the cap costs, what waited, what was rejected."""
    monkeypatch.setenv("COLUMNS", "140")
    play(tmp_path, 60, stock=30)
    data, _ = report(tmp_path, compare=True)
    show_report(data)
    said = capsys.readouterr().out
    for words in (
        "Amazon never had more than",
        "Who ships",
        "What the cap costs",
        "bare counter",
        "Rejected lines",
        "all met",
    ):
        assert words in said


def test_the_terminal_tells_a_replay(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Counts with their parts of the whole, where the rejects are, and what to type next."""
    monkeypatch.setenv("COLUMNS", "140")
    summary = Summary(
        lines_read=1000, lines_accepted=990, lines_rejected=10, orders=100, max_window_share=0.6, seconds=2.0, peak_rss_mb=90.0,
        complete=False, cancels=1, fulfillment_orders=140, units_ordered=500, units_placed=450, events=7, state_hash="ab12",
        rejected_by_reason={"[bold]x": 10}, refused=0,
    )  # fmt: skip
    show_replay(summary, Path("runs/[first]"))
    said = capsys.readouterr().out
    for words in (
        "stopped",
        "500 lines a second",
        "990",
        "99.0 %",
        "[bold]x",
        "60.00 %",
        "tranship report --run runs/[first]",
    ):
        assert words in said


def test_rejects_are_counted_and_shown_as_they_were(tmp_path: Path):
    """Some lines of each reason, most frequent first; the apostrophe against spreadsheets is taken off again."""
    path = tmp_path / "rejects.csv"
    rows = [
        "file,line,document,reason,detail",
        "a.csv,3,C1,unmatched,x",
        "a.csv,9,9,adjustment,'-96 units",
        "a.csv,12,9,adjustment,y",
    ]
    path.write_text("\n".join([*rows, "a.csv,13,9,adjustment,z"]) + "\n")
    found = read_rejects(path)
    assert [(one.reason, one.count, len(one.samples)) for one in found] == [("adjustment", 3, 2), ("unmatched", 1, 1)]
    assert found[0].samples[0] == ("a.csv", 9, "9", "-96 units")
    assert read_rejects(tmp_path / "none.csv") == []
