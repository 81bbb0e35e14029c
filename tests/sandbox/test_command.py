"""`tranship sandbox` and `python -m tranship.sandbox`: how they start, what they say, how they end."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
WAIT_S = 30


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of `tranship`, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tranship.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(number: signal.Signals):
    """One line of JSON with its address; a signal to the command ends both processes with exit code 0."""
    with started("sandbox", "amazon", "--json", "--sku", "S1=5") as process:
        assert process.stdout is not None
        info = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{info['url']}/_sandbox/stock") as answer:
            assert json.load(answer)["S1"]["fulfillable"] == 5
        process.send_signal(number)
        assert process.wait(WAIT_S) == 0
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{info['url']}/_sandbox/stock")


def test_people_are_told_in_words():
    """Address, where the report is, and whether it validates."""
    with started("sandbox", "amazon", "--no-validation") as process:
        assert process.stdout is not None and process.stderr is not None
        assert "is a stand-in amazon" in process.stdout.readline()
        told = process.stderr.readline() + process.stderr.readline()
        assert "/_sandbox/report" in told and "does not validate" in told


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("sandbox", "nobody"), 2, "one of amazon, shipbob"),
        (("sandbox", "amazon", "--clock", "noon"), 2, "ISO 8601"),
        (("sandbox", "amazon", "--sku", "S1"), 2, "SKU=UNITS"),
        (("sandbox", "amazon", "--host", "0.0.0.0"), 2, "--host"),
        (("sandbox", "amazon", "--options"), 0, "--create"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], code: int, text: str):
    """A sentence and exit code 2; its options are listed on demand."""
    with started(*arguments) as process:
        out, err = process.communicate(timeout=WAIT_S)
        assert (process.returncode, text in out + err) == (code, True), out + err


def test_a_tied_sandbox_ends_quietly_while_its_standard_input_is_still_open() -> None:
    """Ctrl-C reaches it before its parent is gone: no complaint of the interpreter about a lock."""
    command = [sys.executable, "-m", "tranship.sandbox", "amazon", "--tied", "--no-validation"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["url"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert b"Fatal" not in process.stderr.read()
