"""`tranship demo` as a process: its numbers move, it stops cleanly, and it needs nothing from outside."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

DEADLINE_S = 180


def start(home: Path, *options: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """A demo on a free port, and the line it began with; its working folder is empty and it is told of no ../shared."""
    hidden = {"PYTHONDONTWRITEBYTECODE", "TRANSHIP_SHARED"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, "-m", "tranship.cli", "demo", "--port", "0", "--json", *options]
    process = subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, env={**environment, "TMPDIR": str(home)})
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first, "the demo did not start"
    return process, json.loads(first)


def state(port: int) -> dict[str, Any]:
    """What the demo says of itself; the next call waits a little."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        line.request("GET", "/v1/state")
        found = json.loads(line.getresponse().read())
        assert isinstance(found, dict)
        return found
    finally:
        line.close()


def test_the_numbers_of_the_demo_move_and_ctrl_c_stops_it(tmp_path: Path):
    """Orders come in over HTTP, are handed over and leave, the cap holds; then it stops, its stand-ins too, and leaves nothing behind."""
    process, said = start(tmp_path, "--rate", "60")
    try:
        port = int(said["url"].rpartition(":")[2])
        deadline = time.monotonic() + DEADLINE_S
        first = state(port)["board"]
        now, shipping = first, set[str]()
        while not (now["orders"] > first["orders"] + 100 and now["stock"]["in_transit"] > 0):
            assert time.monotonic() < deadline, now
            now = state(port)["board"]
            shipping |= {network["code"] for network in now["networks"] if network["fulfillment_orders"]}
        assert now["at"] > first["at"]
        for share in now["shares"]:
            assert share["max_share_bp"] <= share["cap_bp"]
        assert len(shipping) == 4
        held = {each["code"]: each["dispatches"] for each in now["connections"]}
        assert held["amazon"].get("HELD") and sum(held["eastpack"].values()), held
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert all(json.loads(line) for line in rest.splitlines())
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_is_kept_goes_on_where_it_stopped_and_verifies(tmp_path: Path):
    """With --run the second start takes the stream up after the last order, and the run is sound."""
    counts = []
    for _ in range(2):
        process, said = start(tmp_path, "--run", "kept", "--seconds", "4", "--rate", "40")
        output, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, output
        counts.append(_orders(tmp_path / "kept" / "run"))
        assert said["speed"] > 1
    assert 0 < counts[0] < counts[1]


def _orders(run: Path) -> int:
    from tranship.engine.run import open_store
    from tranship.engine.verify import verify

    store = open_store(run, read_only=True)
    try:
        verdict = verify(store)
        assert verdict.sound, verdict.problems
        numbers = sorted(str(row[0]) for row in store.query("SELECT number FROM orders"))
        assert numbers == [f"D{i + 1:09d}" for i in range(len(numbers))], "no order is missing, none came twice"
        return verdict.orders
    finally:
        store.close()


@pytest.mark.parametrize("options", [("--rate", "0"), ("--rate", "1e9"), ("--seconds", "-1")])
def test_a_setting_that_cannot_be_is_refused(tmp_path: Path, options: tuple[str, str]):
    """One sentence, exit code 2, nothing started."""
    command = [sys.executable, "-m", "tranship.cli", "demo", *options]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2 and result.stderr.startswith("tranship: ") and "Traceback" not in result.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path):
    """The second demo on a port says so and ends."""
    process, said = start(tmp_path)
    try:
        port = said["url"].rpartition(":")[2]
        command = [sys.executable, "-m", "tranship.cli", "demo", "--port", port]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
        assert result.returncode == 2 and "cannot be listened on" in result.stderr, result.stderr
        assert "Traceback" not in result.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
