"""`import tranship`: the Python API does what the command line and the service do, and its document says so truly."""

import inspect
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import tranship
from tests.api.running import SKU, make_world
from tests.support import ROOT


def order(number: str, sku: str = SKU, quantity: int = 1) -> tranship.Order:
    """An order as a program would make it."""
    lines = (tranship.OrderLine("1", sku, quantity, 1999),)
    return tranship.Order("lib", number, "web", 0, tranship.Destination("60614", "IL"), lines)


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tranship.Run]:
    home = tmp_path_factory.mktemp("library")
    path = make_world(home)
    with tranship.open_run(home / "run", path) as run:
        yield run


def test_importing_it_loads_nothing_until_a_name_is_used():
    """The import is as good as free; every public name is there, and no other."""
    code = (
        "import sys, tranship; a = len([m for m in sys.modules if m.startswith('tranship')]); tranship.Order; print(a)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "1"
    assert all(getattr(tranship, name) is not None for name in tranship.__all__)
    assert set(tranship.__all__) <= set(dir(tranship))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tranship.nothing  # noqa: B018
    from tranship import library

    assert tranship.__all__ == library.__all__


def test_an_order_is_placed_once_and_explained(run: tranship.Run):
    """The same order again gets the first answer; another one under its number or key is a conflict; charges add up."""
    person = tranship.Person(ref="c1", name="A. Customer")
    first = run.place(order("1"), person, key="k1")
    again = run.place(order("1"), person, key="k1")
    assert (first.repeated, again.repeated) == (False, True) and first.reply == again.reply
    for other, who, key in ((order("1", quantity=2), person, ""), (order("2"), None, "k1"), (order("1"), None, "")):
        with pytest.raises(tranship.ConflictError):
            run.place(other, who, key=key)
    answer = json.loads(first.reply)
    story = run.explain(first.order_id)
    assert story.decisions[0].cost == sum(part["cost_micros"] for part in answer["fulfillment_orders"])
    assert all(part.adds_up for part in story.decisions[0].parts)
    assert run.order("1").order == "lib:1" and "Customer" not in str(run.order("1"))
    with pytest.raises(tranship.InputError, match="no order"):
        run.order("none")


def test_what_cannot_be_taken_names_what_is_wrong(run: tranship.Run):
    """An unknown SKU, an unknown node: an InputError that says which, and nothing was taken."""
    before = run.state().orders
    with pytest.raises(tranship.InputError, match="NO-SUCH"):
        run.place(order("3", sku="NO-SUCH"))
    with pytest.raises(tranship.InputError, match="NOWHERE"):
        run.receive("r0", "NOWHERE", [(SKU, 1)])
    with pytest.raises(tranship.InputError, match="ISO date"):
        run.quote("EAST", "60614", [(SKU, 1)], date="soon")
    assert run.state().orders == before


def test_stock_arrives_once_and_shows(run: tranship.Run):
    """A receipt is booked under its ref, once."""
    before = run.state().stock["fulfillable"]
    assert run.receive("r1", "EAST", [(SKU, 40)]) is True
    assert run.receive("r1", "EAST", [(SKU, 40)]) is False
    run.tick()
    assert run.state().stock["fulfillable"] == before + 40


def test_a_quote_is_what_the_decision_cost(run: tranship.Run):
    """The price of a placed order's fulfillment order is what `quote` says for it, on that price date."""
    placed = run.place(order("q1", quantity=2))
    (part,) = json.loads(placed.reply)["fulfillment_orders"]
    found = run.quote(part["node"], "60614", [(SKU, 2)], date=run.explain("q1").decisions[0].price_date)
    assert found.micros == part["cost_micros"] == sum(charge.micros for charge in found.parts)


def test_many_threads_may_place_at_once(run: tranship.Run):
    """Every one gets its own answer, after its commit."""
    failed: list[Exception] = []

    def send(caller: int) -> None:
        try:
            for i in range(25):
                assert not run.place(order(f"t{caller}-{i}")).repeated
        except Exception as error:  # noqa: BLE001 - looked at by the test
            failed.append(error)

    threads = [threading.Thread(target=send, args=(caller,)) for caller in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len([d for d in run.state().decisions if d.order.startswith("lib:t")]) > 0


def test_a_run_is_open_in_one_place_and_sound_after(tmp_path: Path):
    """A second opening is refused, naming the first; closed, the run verifies, also when decided again."""
    path = make_world(tmp_path)
    with tranship.open_run(tmp_path / "run", path) as run:
        with pytest.raises(tranship.UnavailableError):
            tranship.open_run(tmp_path / "run")
        for i in range(40):
            run.place(order(str(i)), tranship.Person(ref=f"c{i % 7}"))
        run.close()
    verdict = tranship.verify(tmp_path / "run", decide=True)
    assert verdict.sound, verdict.problems
    assert verdict.orders == 40
    assert tranship.explain(tmp_path / "run", "39").order == "lib:39"
    with tranship.open_run(tmp_path / "run") as run:
        assert run.place(order("39"), tranship.Person(ref="c4")).repeated
    with pytest.raises(tranship.InputError):
        tranship.open_run(tmp_path / "none", create=False)


def test_a_file_is_replayed_and_reported(tmp_path: Path):
    """init, check, load, replay, verify, report: the way of the README, in Python."""
    (path,) = tranship.init(tmp_path)
    assert not [f for f in tranship.check(path) if f.level == "error"]
    assert tranship.load(path).network.party == "acme"
    rows = ["order,placed_at,sku,quantity,unit_price,zip,state,country"]
    rows += [f"{i},2026-03-0{1 + i % 5}T10:00:00Z,SKU-{i % 4},{1 + i % 3},9.99,60614,IL,US" for i in range(60)]
    (tmp_path / "orders.csv").write_text("\n".join(rows) + "\n")
    summary = tranship.replay(tmp_path / "orders.csv", network=path, run=tmp_path / "run")
    assert summary.lines_accepted + summary.lines_rejected == summary.lines_read == 60
    assert summary.orders == 60, summary.rejected_by_reason
    assert tranship.verify(tmp_path / "run").sound
    data, page = tranship.report(tmp_path / "run", tmp_path / "page.html", compare=False)
    assert data.run.orders == 60 and page.read_text().startswith("<!doctype html>")


def test_its_document_names_everything_and_its_examples_run(tmp_path: Path):
    """Each public name and method stands in docs/python-api.md; the examples there are carried out as they are written."""
    text = (ROOT / "docs" / "python-api.md").read_text()
    methods = [name for name, _ in inspect.getmembers(tranship.Run, callable) if not name.startswith("_")]
    for name in [*tranship.__all__, *(f"run.{name}" for name in methods)]:
        assert f"`{name}" in text or name in text, name
    make_world(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    code = "\n".join(blocks)
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
