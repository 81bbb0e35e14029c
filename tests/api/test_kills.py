"""kill -9 under load: what was acknowledged is there, what was not may be sent again, and nothing is half there."""

import json
import os
import random
import threading
from http.client import HTTPException
from pathlib import Path

from tests.api.running import order
from tests.api.serving import Served

SOAK = os.environ.get("TRANSHIP_SOAK") == "1"
KILLS = 100 if SOAK else 10
CALLERS = 4


def test_nothing_acknowledged_is_lost_and_nothing_is_torn(tmp_path: Path):
    """Four callers send until the process is killed, again and again; acknowledgements are kept outside of it."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    acknowledged: dict[str, bytes] = {}
    for turn in range(KILLS):
        with Served(tmp_path) as service:
            _check(service, acknowledged, chance)
            _load_and_kill(service, turn, chance, acknowledged)
    with Served(tmp_path) as service:
        _check(service, acknowledged, chance, everything=True)
        board = json.loads(service.get("/v1/state").body)["board"]
        assert board["orders"] >= len(acknowledged) >= KILLS
        service.stop()
    _verify(tmp_path / "run")


def _load_and_kill(service: Served, turn: int, chance: random.Random, acknowledged: dict[str, bytes]) -> None:
    enough, lock = threading.Event(), threading.Lock()
    wanted, count = chance.randrange(1, 120), 0

    def send(caller: int) -> None:
        nonlocal count
        number = 0
        while True:
            name, number = f"{turn}-{caller}-{number}", number + 1
            customer = {"email": f"{name}@example.com"}
            try:
                answer = service.post(order(name, customer=customer))
            except (OSError, HTTPException):
                return
            assert answer.status == 201, answer.body
            with lock:
                acknowledged[name] = answer.body
                count += 1
                if count >= wanted:
                    enough.set()

    callers = [threading.Thread(target=send, args=(caller,)) for caller in range(CALLERS)]
    for caller in callers:
        caller.start()
    assert enough.wait(120)
    service.kill()
    for caller in callers:
        caller.join()


def _check(service: Served, acknowledged: dict[str, bytes], chance: random.Random, *, everything: bool = False) -> None:
    """The same order again gets the very answer that was acknowledged."""
    names = sorted(acknowledged)
    for name in names if everything else chance.sample(names, min(30, len(names))):
        answer = service.post(order(name, customer={"email": f"{name}@example.com"}))
        assert (answer.status, answer.body) == (200, acknowledged[name]), name


def _verify(run: Path) -> None:
    from tranship.engine.run import open_store
    from tranship.engine.verify import verify

    store = open_store(run, read_only=True)
    try:
        verdict = verify(store)
        assert verdict.sound, verdict.problems
    finally:
        store.close()
