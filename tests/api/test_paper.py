"""A warehouse without an interface behind the service: lists appear, confirmations and counts come back as files."""

import csv
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.connected import WEEK_MIN, until
from tests.api.running import SKU, Running, running
from tranship.api.settings import ApiSettings
from tranship.cli.demo import write_world
from tranship.engine.driver import paper

PERSON = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A network file whose node AMZ-EAST is a warehouse that works on paper."""
    path = write_world(tmp_path, 1, 100)
    (tmp_path / "stock.csv").write_text(f"node,sku,qty\nAMZ-EAST,{SKU},50\n")
    text = path.read_text().replace('code = "AMZ-EAST"\n', 'code = "AMZ-EAST"\nconnection = "paper"\n')
    head, _, rest = text.partition("[[cap]]")
    text = head + rest[rest.index("\n\n") :]
    text += f"""
[connection.paper]
kind = "manual"
hold_min = {WEEK_MIN}
release_min = {WEEK_MIN}
drift_limit = 3
[connection.paper.settings]
name = "Back shed"
outbox = "{tmp_path}/lists"
inbox = "{tmp_path}/back"
"""
    path.write_text(text)
    return tmp_path


@pytest.fixture
def service(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The service, looking often."""
    monkeypatch.setattr(paper, "LOOK_S", 0.05)
    with running(home, ApiSettings(port=0, tick_s=0.2)) as found:
        yield found


def lists(home: Path) -> list[dict[str, str]]:
    """All rows of all lists."""
    rows: list[dict[str, str]] = []
    for path in sorted((home / "lists").glob("PL-*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows += csv.DictReader(file)
    return rows


def put(home: Path, name: str, text: str) -> Path:
    """Somebody puts a file into the inbox; where it will lie when it was read."""
    (home / "back").mkdir(exist_ok=True)
    part = home / "back" / f".{name}"
    part.write_text(text)
    part.replace(home / "back" / name)
    return home / "back" / "taken" / name


def placed(service: Running, number: str, units: int = 2) -> None:
    """An order of one line."""
    assert service.order(number, customer=PERSON, lines=[{"sku": SKU, "qty": units}]).status == 201


def status(service: Running, number: str) -> str:
    """What became of its first fulfillment order."""
    found: str = service.get(f"/v1/orders/{number}").json()["fulfillment_orders"][0]["status"]
    return found


def test_a_list_is_written_filled_in_and_read_back(service: Running, home: Path):
    """Order on paper, paper to shipment; the list is for its owner's eyes only."""
    placed(service, "A-1")
    (row,) = until(lambda: lists(home))
    assert row["name"] == "Ann Example" if "name" in row else True
    (page,) = until(lambda: list((home / "lists").glob("PL-*.html")))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600 and "Back shed" in page.read_text()
    until(lambda: [d for d in service.get("/v1/dispatches?order=A-1").json()["dispatches"] if d["state"] == "LIVE"])
    taken = put(
        home, "monday.csv", f"order,line,status,carrier,tracking\n{row['order']},{row['line']},shipped,UPS,1Z9\n"
    )
    until(taken.exists)
    until(lambda: status(service, "A-1") == "SHIPPED")
    assert not list((home / "back" / "wrong").iterdir())


def test_lines_that_make_no_sense_are_listed_and_the_good_ones_count(service: Running, home: Path):
    """An unknown order and a wrong count: told with line and what to do; the order beside them ships."""
    placed(service, "B-1")
    (row,) = until(lambda: lists(home))
    until(lambda: [d for d in service.get("/v1/dispatches?order=B-1").json()["dispatches"] if d["state"] == "LIVE"])
    good = f"{row['order']},{row['line']},shipped,UPS,1Z9"
    taken = put(home, "tuesday.csv", f"order,line,status,carrier,tracking\nNOBODY,1,shipped,UPS,1Z\n{good}\n")
    until(taken.exists)
    until(lambda: status(service, "B-1") == "SHIPPED")
    wrong = (home / "back" / "wrong" / "tuesday.csv").read_text()
    assert "tuesday.csv,2," in wrong and "tuesday.csv,3," not in wrong


def test_a_count_on_paper_is_compared_with_the_books(service: Running, home: Path):
    """Two short: off the shelf; far off: not sold there."""
    until(put(home, "count-1.csv", f"sku,sellable\n{SKU},48\n").exists)
    found = until(lambda: service.get("/v1/drift").json())
    assert "-2" in str(found)
    until(put(home, "count-2.csv", f"sku,sellable\n{SKU},10\n").exists)
    until(lambda: "drift" in str(service.get("/v1/drift").json()))


def test_a_list_that_was_written_before_a_crash_is_not_written_again(home: Path, monkeypatch: pytest.MonkeyPatch):
    """The answer was lost with the service: the next one finds the order on its list."""
    monkeypatch.setattr(paper, "LOOK_S", 0.05)
    written = paper._write

    def dies(*args: object) -> None:
        written(*args)  # type: ignore[arg-type]
        raise OSError("the service stops here")

    monkeypatch.setattr(paper, "_write", dies)
    with running(home, ApiSettings(port=0, tick_s=0.2)) as service:
        placed(service, "C-1")
        until(lambda: lists(home))
    monkeypatch.setattr(paper, "_write", written)
    with running(home, ApiSettings(port=0, tick_s=0.2)) as service:
        until(lambda: [d for d in service.get("/v1/dispatches?order=C-1").json()["dispatches"] if d["state"] == "LIVE"])
    assert len(lists(home)) == 1
