"""Prices of a live run, made in another process: on time, after shocks, and whatever happens to that process."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.engine.price_books import book, command
from tests.engine.worlds import AMZ, DAY, HOUR, MONDAY, OWN, PL, Run, cap, network, order, placing, receiving
from tranship.core.network import Policy
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.pricing import Pricer, PricingNow, Signals, due, signals_of
from tranship.engine.shard import Submission
from tranship.engine.snapshots import hours_between
from tranship.engine.writer import Writer
from tranship.routing.prices.model import PriceMaking

PATIENCE_S = 60
"""Real seconds that a test waits for a process on a busy machine."""


class Hands:
    """A clock that stands where it is put."""

    speed = 1

    def __init__(self, at: int = MONDAY) -> None:
        self.at = at

    def now(self) -> int:
        """UTC microseconds."""
        return self.at


class Live:
    """A writer over a run with 200 orders, and a pricer with a solver of one's choice."""

    def __init__(self, **changes: object) -> None:
        self.run = Run(network(**changes))
        for n in (AMZ, PL, OWN):
            self.run.stock(n, MUG=500, TEE=500, CAP=500)
        lines = [(("MUG", "TEE", "CAP")[i % 3], 1 + i % 2) for i in range(200)]
        orders = [order(f"b{i}", line, placed_at=MONDAY - DAY + i) for i, line in enumerate(lines)]
        self.run.shard.submit([placing(one) for one in orders])
        self.clock = Hands()
        self.writer = Writer(self.run.shard)
        self.pricer: Pricer | None = None

    def pricing(self, solver: str) -> Pricer:
        """Begin to make prices."""
        self.pricer = Pricer(
            self.writer, self.clock, solver=f"tests.engine.price_books:{solver}", look_s=0.02, rest_s=0.02
        )
        return self.pricer

    def waits(self, when: Callable[[PricingNow], bool]) -> PricingNow:
        """Wait until the pricer stands as asked for."""
        assert self.pricer is not None
        assert self.pricer.wait_for(when, PATIENCE_S), self.pricer.now
        return self.pricer.now

    def version(self) -> int:
        """The version of the prices in force."""
        return self.writer.call(lambda shard: shard.state.price_version)

    def place(self, number: object) -> ev.Event:
        """An order, as any other."""
        answer = self.writer.submit(placing(order(number, ("MUG", 1), placed_at=self.clock.at)))
        assert answer.error is None
        return self.run.events()[-1]

    def close(self) -> None:
        """Pricer first, then the writer."""
        if self.pricer is not None:
            self.pricer.close()
        self.writer.close()


@pytest.fixture
def live() -> Iterator[Live]:
    """Closed at the end, whatever happened."""
    found = Live(caps=cap(window=1000))
    yield found
    found.close()


def test_a_book_is_made_in_another_process_and_journaled(live: Live) -> None:
    """The first comes at once; nothing more is made while nothing changes and no time passes."""
    live.writer.call(lambda shard: None)
    live.pricing("steady")
    live.waits(lambda now: now.made == 1)
    assert live.version() == 1
    event = next(e for e in live.run.events() if isinstance(e, ev.PricesSet))
    assert (event.reason, event.at) == ("schedule", MONDAY)
    assert live.place(1).decision.why.prices == 1  # type: ignore[union-attr]


def test_what_the_solver_prints_does_not_get_into_the_book(live: Live) -> None:
    """Words on standard output are no part of the answer."""
    live.pricing("talking")
    assert live.waits(lambda now: now.made + now.failed == 1).error == ""


@pytest.mark.parametrize(
    ("solver", "words"),
    [
        ("raising", "no price for 200 orders"),
        ("nonsense", "returned str"),
        ("foreign", "another network document"),
        ("damaged", "ascending positions"),
        ("dying", "ended with code -9"),
        ("hanging", "longer than 1 seconds"),
        ("missing", "no attribute"),
    ],
)
def test_a_solver_that_fails_is_shown_and_orders_go_on(live: Live, solver: str, words: str) -> None:
    """Raising, returning nonsense, killed, hanging, not there: an exception of the run, no prices, and the writer works."""
    if solver == "hanging":
        live.run.load(network(caps=cap(window=1000), policy=Policy(prices_limit_s=1)))
    live.pricing(solver)
    now = live.waits(lambda now: now.failed >= 1)
    assert words in now.error
    assert not now.made
    noted = [e for e in live.run.events() if isinstance(e, ev.Excepted)]
    assert [(e.kind, e.subject) for e in noted] == [("prices", "price book")]
    assert words in noted[0].detail
    assert live.place(1).decision.why.prices == 0  # type: ignore[union-attr]
    assert live.version() == 0


def test_failures_that_follow_each_other_are_journaled_once(live: Live) -> None:
    """It is tried again, later each time; the run's exceptions tell it once."""
    live.pricing("raising")
    live.waits(lambda now: now.failed >= 3)
    assert [e.kind for e in live.run.events() if isinstance(e, ev.Excepted)] == ["prices"]


def test_closing_ends_a_solve_that_is_under_way(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to end, the process is gone when `close` returns, well before its time limit; no failure is told."""
    began = tmp_path / "began"
    os.mkfifo(began)
    monkeypatch.setenv("TRANSHIP_TEST_BEGAN", str(began))
    live.run.load(network(caps=cap(window=1000), policy=Policy(prices_limit_s=3600)))
    live.pricing("hanging")
    with began.open(encoding="utf-8") as told:  # waits until it writes
        process = int(told.read())
    assert live.place(1)
    live.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert live.pricer is not None
    assert (live.pricer.now.failed, live.pricer.now.error) == (0, "")


def test_prices_are_made_again_when_their_hours_are_over(live: Live) -> None:
    """A day by the engine's clock: the next version, from the state of that time."""
    live.pricing("steady")
    live.waits(lambda now: now.made == 1)
    live.clock.at += DAY
    live.waits(lambda now: now.made == 2)
    assert live.version() == 2


@pytest.mark.parametrize(("tested_bp", "hours"), [(0, 4 * 24), (3, 24)])
def test_after_a_book_that_saved_nothing_the_schedule_waits_longer(tested_bp: int, hours: int) -> None:
    """What saved nothing in rehearsal today hardly will tomorrow; a book by hand was not rehearsed and is taken at its word."""
    run = Run(network())
    by_hand = book(run)
    run.shard.submit([Submission("by hand", command(by_hand))])
    assert hours_between(run.state) == 24
    rehearsed = msgspec.structs.replace(by_hand, making=PriceMaking("schedule", futures=4, tested_bp=tested_bp))
    run.shard.submit([Submission("rehearsed", command(rehearsed))])
    assert hours_between(run.state) == hours


def test_a_large_receipt_makes_prices_anew_and_says_why(live: Live) -> None:
    """A twentieth of the shelves or less is business as usual; more is a shock."""
    live.pricing("steady")
    live.waits(lambda now: now.made == 1)
    live.writer.submit(receiving(live.run.document, "small", AMZ, MONDAY, MUG=10))
    live.writer.submit(receiving(live.run.document, "large", AMZ, MONDAY, MUG=500))
    assert live.waits(lambda now: now.made == 2).reason == "stock"


def test_a_node_that_is_switched_off_makes_prices_anew(live: Live) -> None:
    """Its stock is out of reach: what lies elsewhere is worth more."""
    live.pricing("steady")
    live.waits(lambda now: now.made == 1)
    live.writer.submit(Submission("switch", cmd.SwitchNode("PL-1", True, "a flood", MONDAY)))
    assert live.waits(lambda now: now.made == 2).reason == "node"


SEEN = Signals(500, MONDAY, True, 6, "net", frozenset(), 1000, 1000, frozenset())


@pytest.mark.parametrize(
    ("changes", "later", "reason"),
    [
        ({}, 0, ""),
        ({}, 6 * HOUR, "schedule"),
        ({"made_at": 0}, 0, "schedule"),
        ({"orders": 199, "made_at": 0}, 0, ""),
        ({"on": False}, 9 * HOUR, ""),
        ({"network": "other"}, 0, "network"),
        ({"closed": frozenset({1})}, 0, "node"),
        ({"received": 1050}, 0, ""),
        ({"received": 1051}, 0, "stock"),
        ({"closing": frozenset({"AMZ"})}, 0, "cap"),
    ],
)
def test_what_makes_prices_due(changes: dict[str, object], later: int, reason: str) -> None:
    """The schedule, and what changed since the last book was asked for."""
    assert due(SEEN._replace(**changes), SEEN, MONDAY + later) == reason  # type: ignore[arg-type]


def test_a_cap_that_closes_is_told_once() -> None:
    """Closing is a shock; being closed is not."""
    closed = SEEN._replace(closing=frozenset({"AMZ"}))
    assert due(closed, closed, MONDAY) == ""
    run = Run(network(caps=cap(window=10)))
    run.stock(AMZ, MUG=50)
    run.stock(PL, MUG=50)
    assert not signals_of(run.shard).closing
    for i in range(20):
        run.place(i, ("MUG", 1))
    assert signals_of(run.shard).closing == {"AMZ"}
