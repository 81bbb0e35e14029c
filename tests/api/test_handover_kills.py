"""The service is killed without a warning while orders are on their way to a network that fails: none ships twice, none is forgotten."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.api.connected import OTHER, write_connected
from tests.api.running import order
from tests.api.serving import Served
from tests.sandbox.running import Running as Sandbox
from tests.sandbox.running import amazon
from tests.support import ROOT

ORDERS = 24
KILLS = 3
DEADLINE_S = 90
PERSON = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}


def counts(service: Served) -> dict[str, int]:
    """Open dispatches by state."""
    found: dict[str, int] = json.loads(service.get("/v1/networks").body)["connections"][0]["dispatches"]
    return found


def shipped(service: Served) -> set[str]:
    """Orders of which everything left."""
    found = set()
    for number in range(ORDERS):
        held = json.loads(service.get(f"/v1/orders/K-{number}").body)
        if held["status"] == "COMPLETE" and all(
            part["status"] in {"SHIPPED", "DELIVERED"} for part in held["fulfillment_orders"] if part["units"]
        ):
            found.add(held["order"])
    return found


def let_time_pass(there: Sandbox) -> None:
    """An hour over there."""
    there.advance(3600)


def test_killed_again_and_again_while_the_network_fails(tmp_path: Path):
    """Lost replies, late executions and kills: in the end every order left once, and the run is sound."""
    with amazon("--sku", f"{OTHER}=200", "--token-s", "1000000000") as there:
        write_connected(tmp_path, there)
        (tmp_path / "stock.csv").write_text(f"node,sku,qty\nAMZ-EAST,{OTHER},200\n")
        there.fault(op="create", kind="lost_reply", p=0.3, seed=3)
        there.fault(op="release", kind="lost_reply", p=0.3, seed=4)
        there.fault(op="create", kind="delayed", p=0.1, ms=2_000, seed=5)
        placed = 0
        for round_ in range(KILLS):
            with Served(tmp_path, "--tick", "0.2") as service:
                until = placed + ORDERS // KILLS
                while placed < until:
                    line = {"sku": OTHER, "qty": 1, "unit_price_minor": 1999}
                    answer = service.post(order(f"K-{placed}", customer=PERSON, lines=[line]))
                    assert answer.status == 201, answer.body
                    placed += 1
                if round_:
                    while not counts(service):  # something is on its way
                        pass
                service.process.send_signal(signal.SIGKILL)
                service.process.wait()
        there.control("DELETE", "/faults")
        with Served(tmp_path, "--tick", "0.2") as service:
            deadline = time.monotonic() + DEADLINE_S
            while len(shipped(service)) < ORDERS:
                assert time.monotonic() < deadline, (counts(service), service.get("/v1/dispatches?limit=200").body)
                let_time_pass(there)
            service.stop()
        truth: dict[str, dict[str, Any]] = there.report()["orders"]
        assert sum(each["units"] for each in truth.values()) == ORDERS
        assert all(each["times"] <= 1 for each in truth.values()) and not there.report()["double_shipped"]
    command = [sys.executable, "-m", "tranship.cli", "verify", str(tmp_path / "run"), "--decide"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
