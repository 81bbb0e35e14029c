"""`tranship sandbox`: stand-in networks as processes of their own; nothing of them is imported here."""

import json as text
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint, say, write_json
from tranship.core.errors import InputError

NETWORKS = ("amazon", "shipbob")
STOP_S = 5


def sandbox(
    network: str,
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True)],
    port: int = 0,
    seed: int = 0,
    clock: str = "",
    json: Json = False,
) -> int:
    """Run a stand-in network on this machine, with faults on command. Ctrl-C ends it.

    Everything after the network's name that is not listed here goes to it, e.g. `tranship sandbox amazon --sku A=10 --create 202`;
    `tranship sandbox amazon --options` lists what it takes.

    Args:
        network: amazon or shipbob
        arguments: what goes to the stand-in; --options lists it
        port: port to listen on; 0 takes a free one
        seed: of its identifiers and faults
        clock: ISO time at which its clock stands still until it is set; without it the clock is real
    """
    if network not in NETWORKS:
        raise InputError(f"{network}: a sandbox is one of {', '.join(NETWORKS)}")
    more = ["--port", str(port), "--seed", str(seed), *(("--clock", clock) if clock else ())]
    given = ["--help" if word == "--options" else word for word in arguments]
    return _run([sys.executable, "-m", "tranship.sandbox", network, *more, *given], json=json)


def _run(command: Sequence[str], *, json: bool) -> int:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    stop = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    assert process.stdout is not None
    try:
        for line in process.stdout:
            _tell(line, json=json)
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, stop)
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tell(line: str, *, json: bool) -> None:
    """The first line says where it listens; for people in words. What is no JSON (its help) is passed on."""
    try:
        found: dict[str, Any] = text.loads(line)
    except ValueError:
        say(line.rstrip("\n"))
        return
    if json:
        write_json(found)
        return
    say(f"{found['url']} is a stand-in {found['sandbox']}; Ctrl-C stops it")
    hint(f"control and report: {found['url']}/_sandbox/report")
    if not found["validates"]:
        hint(f"it does not validate: {found['why_not']}")
