"""The verbs about orders through `main`, on a small CSV: exit codes, one line of JSON, what the text mentions."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tranship.cli import orders
from tranship.cli.main import main
from tranship.connectors.netfile import template

HEADER = "order,placed_at,sku,quantity,unit_price,zip,cancel"
ROWS = [
    f"{1000 + n},2026-03-{2 + n // 10:02d}T{9 + n % 10:02d}:00:00Z,SKU-{n % 5},{1 + n % 4},9.50,{zip_code},"
    for n, zip_code in enumerate(("10001", "94103", "60601", "77002") * 10)
]
BAD = "2000,2026-03-07T10:00:00Z,SKU-1,many,9.50,10001,"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `tranship WORDS`."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def line(out: str) -> Any:
    """The one line of JSON on standard output."""
    assert out.count("\n") == 1 and out.endswith("\n")
    return json.loads(out)


def save(folder: Path, rows: list[str], name: str = "orders.csv") -> Path:
    """A file of these rows."""
    path = folder / name
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network file, a file of orders and a run of it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tranship.toml").write_text(template())
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(save(folder, [*ROWS, BAD])), *_where(folder), "--json"])
    assert ended.value.code == 0
    return folder


def _where(folder: Path, run_name: str = "run") -> list[str]:
    return ["--network", str(folder / "tranship.toml"), "--run", str(folder / run_name)]


def test_replay_says_what_it_came_to(home: Path, capsys: pytest.CaptureFixture[str]):
    """Again over the same run: the same numbers, in JSON on one line and as a table."""
    code, out, _ = run(capsys, "replay", home / "orders.csv", *_where(home), "--json")
    found = line(out)
    assert code == 0 and found["complete"]
    assert (found["lines_read"], found["lines_accepted"], found["lines_rejected"]) == (41, 40, 1)
    assert found["orders"] == found["orders_taken"] == found["run_orders"] == 40
    assert found["units_placed"] == found["run_units_placed"] <= found["units_ordered"] == found["units_taken"]
    code, out, _ = run(capsys, "replay", home / "orders.csv", *_where(home))
    assert code == 0
    for words in ("lines read", "bad_quantity", "units placed", "tranship report", found["state_hash"][:20]):
        assert words in out


def test_a_second_file_is_counted_for_itself(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Units placed are those of its orders; a changed order is rejected by the same word everywhere."""
    (tmp_path / "tranship.toml").write_text(template())
    run(capsys, "replay", home / "orders.csv", *_where(tmp_path), "--json")
    changed = ROWS[0].replace(",1,9.50", ",3,9.50")
    second = save(tmp_path, [changed, "3000,2026-03-09T10:00:00Z,SKU-1,2,9.50,10001,"], "second.csv")
    code, out, _ = run(capsys, "replay", second, *_where(tmp_path), "--json")
    found = line(out)
    assert code == 0
    assert (found["orders"], found["orders_taken"], found["run_orders"]) == (2, 1, 41)
    assert (found["units_ordered"], found["units_taken"]) == (5, 2)
    assert found["units_placed"] <= 2 < found["run_units_placed"]
    assert found["fulfillment_orders"] <= 2 < found["run_fulfillment_orders"]
    assert found["rejected_by_reason"] == {"changed_order": 1}
    with (tmp_path / "run" / "rejects.csv").open(newline="") as file:
        assert [row["reason"] for row in csv.DictReader(file) if row["file"] == "second.csv"] == ["changed_order"]
    _, out, _ = run(capsys, "replay", second, *_where(tmp_path))
    assert "of the whole run" in out and "40 of them not of this file" in out
    code, out, _ = run(capsys, "report", "--run", tmp_path / "run", "--no-compare")
    assert code == 0 and "changed_order" in out


def test_a_stopped_replay_says_how_to_go_on(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Exit code 130; placed units are held against the orders that were reached; the same command ends as if never stopped."""
    monkeypatch.setattr("tranship.sim.replay.ORDERS_IN_BATCH", 30)

    @contextmanager
    def at_once() -> Iterator[object]:
        yield lambda: True

    (tmp_path / "tranship.toml").write_text(template())
    with monkeypatch.context() as patched:
        patched.setattr(orders, "stop_wish", at_once)
        code, out, err = run(capsys, "replay", home / "orders.csv", *_where(tmp_path))
        assert code == orders.STOPPED == 130 and "the same command goes on" in err
        assert "stopped" in out and "reached" in out
        code, out, _ = run(capsys, "replay", home / "orders.csv", *_where(tmp_path), "--json")
        found = line(out)
        assert code == 130 and not found["complete"]
        assert 0 < found["orders_taken"] < found["orders"] == 40
        assert found["units_placed"] <= found["units_taken"] < found["units_ordered"]
    code, out, _ = run(capsys, "replay", home / "orders.csv", *_where(tmp_path), "--json")
    assert code == 0 and line(out)["orders_taken"] == 40


def test_a_file_without_orders_says_so(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A header and nothing below it is no error, and not silent either."""
    where = ["--network", home / "tranship.toml", "--run", tmp_path / "run"]
    code, out, err = run(capsys, "replay", save(tmp_path, []), *where, "--json")
    assert code == 0 and line(out)["orders"] == 0
    assert "no orders" in err and "header" in err
    code, out, err = run(capsys, "replay", save(tmp_path, [BAD]), *where)
    assert code == 0 and "no orders: 1 lines" in err


def test_a_file_that_cannot_be_used_is_one_sentence(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Exit code 2, nothing on standard output, no run."""
    code, out, err = run(capsys, "replay", tmp_path / "none.csv", *_where(home, "other"))
    assert (code, out) == (2, "") and err.startswith("tranship: ")
    assert not (home / "other").exists()


def test_explain_adds_up(home: Path, capsys: pytest.CaptureFixture[str]):
    """By the order's number; an order that is not there is an error."""
    code, out, _ = run(capsys, "explain", "1003", "--run", home / "run")
    assert code == 0 and "1003" in out
    code, out, _ = run(capsys, "explain", "1003", "--run", home / "run", "--json")
    assert code == 0 and isinstance(line(out), dict)
    code, out, err = run(capsys, "explain", "9999", "--run", home / "run")
    assert (code, out) == (2, "") and "9999" in err


def test_quote_shows_each_charge(home: Path, capsys: pytest.CaptureFixture[str]):
    """Parts add up to the total; a date that is none is a sentence."""
    words = ("quote", "EAST", "98109", "SKU-1:2", "--run", home / "run")
    code, out, _ = run(capsys, *words, "--date", "2026-03-02", "--json")
    found = line(out)
    assert code == 0 and sum(part["micros"] for part in found["parts"]) == found["micros"] > 0
    code, out, _ = run(capsys, *words)
    assert code == 0 and "total" in out and "EAST" in out
    code, out, err = run(capsys, *words, "--date", "foo")
    assert (code, out) == (2, "") and "'foo' is no date" in err


def test_verify_is_sound(home: Path, capsys: pytest.CaptureFixture[str]):
    """Exit code 0 and the same hash as the replay's; no run, exit code 2."""
    code, out, _ = run(capsys, "verify", home / "run", "--json")
    assert code == 0 and line(out)["problems"] == []
    code, out, _ = run(capsys, "verify", home / "run", "--decide")
    assert code == 0 and "sound" in out and "state hash" in out
    assert run(capsys, "verify", home / "nowhere")[0] == 2


def test_report_writes_the_page(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Into the run's folder, or where --out says; a place that cannot be written is a sentence that names --out."""
    code, out, _ = run(capsys, "report", "--run", home / "run", "--out", tmp_path / "page.html", "--no-compare")
    assert code == 0 and "wrote" in out and (tmp_path / "page.html").read_text().startswith("<!")
    code, out, _ = run(capsys, "report", "--run", home / "run", "--no-compare", "--json")
    assert code == 0 and line(out)["run"]["orders"] == 40 and (home / "run" / "report.html").is_file()
    code, out, err = run(
        capsys, "report", "--run", home / "run", "--no-compare", "--out", home / "orders.csv" / "x.html"
    )
    assert (code, out) == (2, "") and "--out" in err


def test_init_writes_a_file_of_the_name_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A name that ends in .toml is a file, anything else a folder; what is there stays."""
    code, out, _ = run(capsys, "init", tmp_path / "deep" / "mine.toml", "--json")
    assert code == 0 and line(out) == {"written": [str(tmp_path / "deep" / "mine.toml")]}
    assert (tmp_path / "deep" / "mine.toml").is_file()
    assert run(capsys, "init", tmp_path / "deep" / "mine.toml")[0] == 2
    code, out, _ = run(capsys, "init", tmp_path / "folder")
    assert code == 0 and (tmp_path / "folder" / "tranship.toml").is_file() and "--network" in out


def test_prices_of_a_run_are_shown_and_solved_only_with_orders_enough(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Forty orders make no prices: shown as none, and solving says how many it takes."""
    assert run(capsys, "prices", "show", "--on", home / "run", "--json") == (0, "[]\n", "")
    code, out, _ = run(capsys, "prices", "show", "--on", home / "run")
    assert (code, "no prices" in out) == (0, True)
    code, _, err = run(capsys, "prices", "solve", "--on", home / "run")
    assert code == 2
    assert "40 own orders, prices need 200" in err
