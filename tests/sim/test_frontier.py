"""`tranship try --leak`: each budget on the same orders, plans made on the way, and the run left as it was."""

from pathlib import Path

import msgspec
import pytest

from tests.engine import worlds
from tests.engine.leaked import budgeted
from tests.engine.worlds import AMZ, MONDAY, PL, Run, order, placing
from tranship.cli.main import main
from tranship.console.frontier import FrontierPage, render
from tranship.core.errors import InputError
from tranship.core.order import Person
from tranship.engine.leak_plans import plans_now
from tranship.engine.leak_status import leak_status
from tranship.engine.run import open_store
from tranship.engine.verify import verify
from tranship.routing.leak.model import MICROS_PER_WEEK
from tranship.sim.trial.frontier import Frontier, frontier
from tranship.sim.trial.run import try_run

WEEKS, EACH = 14, 24


def played(folder: Path, document, *, planned: bool) -> None:
    """Some weeks of orders of two articles that both sides have plenty of; with plans where the document has a budget."""
    run = Run(document, shard=worlds.sqlite(folder))
    for node in (AMZ, PL):
        run.stock(node, MUG=4_000, TEE=4_000)
    number = 0
    for week in range(WEEKS):
        at = MONDAY + week * MICROS_PER_WEEK
        for command in plans_now(run.state, b"a secret of the party" * 2, at) if planned else ():
            run.do(command)
        orders = []
        for i in range(EACH):
            number += 1
            made = order(number, ("MUG" if i % 3 else "TEE", 1), placed_at=at + i)
            orders.append(placing(made, Person(ref=f"c{number % 40}")))
        assert all(answer.error is None for answer in run.shard.submit(orders))
    run.shard.store.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a budget: all of it goes to Amazon, the cheapest."""
    folder = tmp_path_factory.mktemp("plain") / "run"
    played(folder, worlds.network(), planned=False)
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run under a budget of 60."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    played(folder, budgeted(budget=60), planned=True)
    return folder


def told(arguments: list[str]) -> None:
    """The command, which must go well."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0


def tried(folder: Path, *budgets: int, **more: object) -> Frontier:
    """In this process."""
    return frontier(folder, budgets, processes=1, **more)  # type: ignore[arg-type]


def test_each_budget_is_carried_out_on_the_same_orders(plain: Path) -> None:
    """Nothing at 0, all without a budget, something between; what is kept off costs more; the run is not written to."""
    before = (plain / "tranship.db").read_bytes()
    found = tried(plain, 0, 80)
    assert [point.budget for point in found.points] == [0, 80, 100]
    nothing, some, all_ = found.points
    assert found.network == "AMZ"
    assert {point.orders for point in found.points} == {WEEKS * EACH}
    assert nothing.orders_shown == 0
    assert 0 < some.orders_shown < all_.orders_shown == WEEKS * EACH
    assert nothing.dearer > some.dearer > all_.dearer == 0
    assert nothing.dearer == pytest.approx(0.25)  # 5.00 instead of 4.00 an order
    assert nothing.scores == {}  # nothing was seen: nothing to attack
    assert (plain / "tranship.db").read_bytes() == before


def test_a_budget_that_cannot_be_meant_is_refused(plain: Path) -> None:
    """Out of range, too many, of a network that is not there."""
    for budgets, network in (((-1,), ""), ((101,), ""), (tuple(range(0, 100, 5)), ""), ((40,), "NONE"), ((), "")):
        with pytest.raises(InputError):
            tried(plain, *budgets, network=network)


def test_the_page_shows_every_budget(plain: Path) -> None:
    """Made of the same numbers; what cannot be told stands as a dash; nothing is fetched from anywhere."""
    found = tried(plain, 0, 80)
    page = msgspec.convert(msgspec.to_builtins(found), FrontierPage)
    html = render(page)
    assert html == render(page)
    for word in ("budget 0", "budget 80", "no budget", "What it could learn", "AMZ"):
        assert word in html
    assert "://" not in html.replace("http://www.w3.org", "")


def test_a_run_under_a_budget_is_its_own_baseline(kept: Path, tmp_path: Path) -> None:
    """`try` decides every event again as it was, plans included; a variation without change of the budget goes by the run's plans."""
    path = tmp_path / "same.toml"
    path.write_text("[policy]\nmax_parts = 7\n")
    trial, _ = try_run(kept, [path], processes=1)
    assert trial.same, trial.checked
    assert trial.variations[0].orders_changed == 0
    store = open_store(kept, read_only=True)
    assert verify(store, decide=True).problems == []
    store.close()


def test_an_overlay_may_turn_the_dial(kept: Path, tmp_path: Path) -> None:
    """To nothing: no order is at Amazon any more, and the reason is the budget."""
    path = tmp_path / "zero.toml"
    path.write_text('[[leak]]\nnetwork = "AMZ"\nbudget = 0\n')
    trial, _ = try_run(kept, [path], processes=1)
    shares = {one.network: one.fulfillment_orders for one in trial.variations[0].arm.networks}
    assert shares["AMZ"] == 0
    assert {flow.why for flow in trial.variations[0].flows} == {"leak"}


def test_status_says_how_it_stands(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was shown adds up, by article and by household; the words name no customer."""
    store = open_store(kept, read_only=True)
    (now,) = leak_status(store).budgets
    store.close()
    assert (now.network, now.budget, now.state, now.plan) == ("AMZ", 60, "fresh", WEEKS - 1)
    assert now.lines == WEEKS * EACH
    assert 0 < now.lines_shown == sum(one.shown for one in now.skus) < now.lines
    assert sum(one.orders for one in now.households) == now.orders
    assert now.excess_orders == 0
    told(["leak", "status", "--run", str(kept)])
    said = capsys.readouterr().out
    assert "AMZ: budget 60" in said and "beyond the budget: nothing" in said
    told(["leak", "status", "--run", str(kept), "--json"])
    assert msgspec.json.decode(capsys.readouterr().out)["budgets"][0]["network"] == "AMZ"


def test_status_of_a_run_without_a_budget_says_so(plain: Path) -> None:
    """An error with the way to one."""
    store = open_store(plain, read_only=True)
    with pytest.raises(InputError, match="no network has a leak budget"):
        leak_status(store)
    store.close()


def test_the_command_prints_a_table_and_json(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`tranship try --leak` from end to end."""
    told(["try", "--leak", "0,100", "--on", str(plain), "--html", str(tmp_path / "f.html")])
    assert "what it could learn" in capsys.readouterr().out
    assert (tmp_path / "f.html").stat().st_size > 5_000
    told(["try", "--leak", "0", "--on", str(plain), "--json"])
    assert [point["budget"] for point in msgspec.json.decode(capsys.readouterr().out)["points"]] == [0, 100]
