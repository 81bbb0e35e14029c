"""kill -9 of the service while networks fail: nothing ships twice, nothing is forgotten, and a service that would is found out."""

import datetime as dt
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.serving import Served
from tests.scenario.failing_over import WEEK_MIN, Networks, an_order, blackout, brownout, networks, write_network
from tests.scenario.failover_judge import books_of, judge, shipped_twice
from tranship.engine.run import open_store

ORDERS = 5
"""New orders in the life of one service."""
LIFE_S = 4.0
"""A service that has not done as much as was drawn is killed after so long all the same."""
END_S = 15.0
"""For each life: what waited is handed over within the published rates, which are 42 orders a minute at the 3PL."""
ALLOWED = {"cap"}
"""Why an order may still wait here at the end: every shelf has enough of everything, and no network is shut."""
TICK = ("--tick", "0.2")
PLAN = ("calm", "brownout", "blackout", "drain", "return")
"""What the networks do, life by life."""


def test_no_kill_ships_twice_or_forgets(tmp_path: Path):
    """Ten lives of the service through brownout, blackout, drain and return; the networks' own word is the judge."""
    _lives(tmp_path, 10)


@pytest.mark.soak
def test_no_kill_of_fifty_ships_twice_or_forgets(tmp_path: Path):
    """The same, fifty times."""
    _lives(tmp_path, 50)


def test_a_service_that_sends_again_after_a_timeout_is_found_out(tmp_path: Path):
    """The same judge over a service that takes silence for a no: it names what ships twice."""
    with networks(seed=1) as there:
        write_network(tmp_path, there, hold=False)
        there.amazon.fault(op="create", kind="lost_reply")
        with Served(tmp_path, *TICK, module="tests.scenario.reissuing") as service:
            for number in range(4):
                order = {**an_order(f"N-{number}", random.Random(number)), "lines": [{"sku": "MUG", "qty": 1}]}
                assert service.post(order).status == 201
            _until(lambda: shipped_twice(there.reports(), books_of(tmp_path / "run")))
            service.stop()
        there.heal()
        there.advance(7_200)
        found = "\n".join(judge(tmp_path / "run", there.reports(), []))
        assert "2 units ship of 1" in found, found


def _lives(home: Path, kills: int) -> None:
    seed = int(os.environ.get("TRANSHIP_SEED", "0")) or random.randrange(1, 1 << 30)
    print(f"seed {seed} (TRANSHIP_SEED={seed} repeats what is drawn)")
    chance, accepted = random.Random(seed), list[str]()
    with networks(seed=seed % 1000) as there:
        for life in range(kills):
            _one_life(home, there, PLAN[life % len(PLAN)], life, chance, accepted)
            wrong = shipped_twice(there.reports(), books_of(home / "run"))
            assert not wrong, f"seed {seed}, after kill {life + 1}: {wrong}"
        there.heal()
        write_network(home, there)
        with Served(home, *TICK) as service:
            _say(
                service, "mcf", "open", 5, "a last strike"
            )  # so that it was given up at least once, whatever was drawn
            _trust(service, 600)
            _quiet(service, there, accepted, END_S * kills)
            service.stop()
        there.advance(7_200)  # whatever was still to be carried out late comes now
        wrong = judge(home / "run", there.reports(), accepted)
        assert not wrong, f"seed {seed}: {wrong}"
    _saw(home / "run", len(accepted))


def _one_life(home: Path, there: Networks, plan: str, life: int, chance: random.Random, accepted: list[str]) -> None:
    """Start, take orders, do as many journal rows as were drawn, and be killed."""
    at_once = plan == "brownout" or chance.random() < 0.3  # else they wait on hold, until a later life releases them
    write_network(home, there, release_min=WEEK_MIN if at_once else 0)
    if plan in {"calm", "return"}:
        there.heal()
    elif plan in {"brownout", "blackout"}:
        {"brownout": brownout, "blackout": blackout}[plan](there, chance)
    with Served(home, *TICK) as service:
        if plan == "calm":
            _trust(service, 6)
        began, wanted = _rows(home), chance.randrange(4, 90)
        end = time.monotonic() + LIFE_S
        for number in range(ORDERS):
            name = f"L{life}-{number}"
            answer = service.post(an_order(name, chance))
            assert answer.status == 201, answer.body
            accepted.append(name)
        if plan == "drain" and life % 2:
            _say(
                service, "mcf", "open", 5, "strike at the warehouse"
            )  # then what it has already is wanted back as well
            wanted = _rows(home) - began + chance.randrange(10, 60)
        elif plan == "drain":
            _until(lambda: _breaker(service) == "open" or time.monotonic() > end)
            wanted = _rows(home) - began + chance.randrange(1, 40)
        _until(lambda: _rows(home) - began >= wanted or time.monotonic() > end)
        service.kill()


def _quiet(service: Served, there: Networks, accepted: list[str], deadline_s: float) -> None:
    """Let time pass in the networks until every order has left or waits here with a reason."""
    pending = list(accepted)

    def done() -> bool:
        there.advance(120)
        pending[:] = [name for name in pending if not _has_ended(service, name)]
        return not pending

    _until(
        done, deadline_s, lambda: f"{len(pending)} orders did not end: {[_told(service, name) for name in pending[:5]]}"
    )


def _has_ended(service: Served, name: str) -> bool:
    order = _order(service, name)
    parts, rests = order["fulfillment_orders"], order["parked"]
    return all(part["status"] != "PROCESSING" for part in parts) and all(rest["reason"] in ALLOWED for rest in rests)


def _order(service: Served, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(service.get(f"/v1/orders/{name}").body)
    return found


def _told(service: Served, name: str) -> object:
    rows = json.loads(service.get(f"/v1/dispatches?order={name}").body)["dispatches"]
    return (
        name,
        [(row["node"], row["state"], row["said"], row["why"], row["since"]) for row in rows],
        _order(service, name),
    )


def _trust(service: Served, seconds: int) -> None:
    """A person says that both networks may have everything again, for so long."""
    for code in ("mcf", "bob"):
        _say(service, code, "closed", seconds, "they say that it works again")


def _say(service: Served, code: str, state: str, seconds: int, why: str) -> None:
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()
    said = {"state": state, "until": until, "why": why}
    answer = service.ask("POST", f"/v1/networks/{code}/breaker", said)
    assert answer.status == 200, answer.body


def _breaker(service: Served) -> str:
    rows = json.loads(service.get("/v1/networks").body)["connections"]
    return str(next(row["breaker"]["state"] for row in rows if row["code"] == "mcf"))


def _rows(home: Path) -> int:
    """How far the journal is, read beside the service that writes it."""
    store = open_store(home / "run", read_only=True)
    try:
        return store.last_seq()[0]
    finally:
        store.close()


def _saw(run: Path, orders: int) -> None:
    """The run really was one of failing networks: otherwise nothing was tested."""
    store = open_store(run, read_only=True)
    try:
        kinds = {str(kind): int(str(n)) for kind, n in store.query("SELECT kind, count(*) FROM journal GROUP BY kind")}
        states = dict(store.query("SELECT state, count(*) FROM dispatch GROUP BY state"))
        told = dict(store.query("SELECT kind, count(*) FROM exception GROUP BY kind"))
    finally:
        store.close()
    print(f"{orders} orders, journal {kinds}, dispatches {states}, exceptions {told}")
    # A person's strike is in each run; whether the breaker also opens by itself, and tells of it, depends on when kills fall.
    assert kinds.get("breaker") and kinds.get("drained"), (kinds, told)
    assert set(states) - {"SHIPPED"}, "no attempt was ever given up"


def _until(what: Callable[[], object], deadline_s: float = 60.0, why: Callable[[], str] = lambda: "") -> None:
    """Ask until it is so; each question takes a moment by itself."""
    end = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < end, f"it did not happen in time {why()}"
