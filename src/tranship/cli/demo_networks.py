"""The demonstration's networks: a stand-in Amazon and a stand-in 3PL as processes of their own, and the brownout that comes over Amazon.

They run on the demonstration's clock, count the same stock, and are talked to with the same connectors as the real ones.
"""

import asyncio
import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tranship.core.errors import UnavailableError
from tranship.core.ledger import Bucket
from tranship.core.time import from_micros
from tranship.engine.clock import Clock
from tranship.engine.service import Service
from tranship.engine.shard import Shard

AMAZON_NODE, PACK_NODE = "AMZ-EAST", "EAST"
PLACE = "211"
"""The 3PL's number of its fulfillment center."""
BROWNOUT_AT_S, BROWNOUT_S, EVERY_S = 60.0, 40.0, 360.0
"""Real seconds: when it comes first, how long it lasts, and after how long it comes again."""
SLOW_MS = 9_000
STOP_S = 5
_TIMES = ("--planning-s", "300", "--processing-s", "600", "--shipping-s", "1800")
_PACK_TIMES = ("--processing-s", "600", "--shipping-s", "1800", "--calls-a-minute", "600")
_HEADING = "\n# ---- Connections: how orders get there"
_FILE = """

# ---- Connections: how orders get there. These two are stand-ins on this machine ---------------------------------------

[connection.amazon]
kind = "amazon_mcf"
hold_min = 1200              # created on hold as they come ...
release_min = 60             # ... and released an hour before the cut-off
resolve_limit_min = 120
poll_s = 480
stock_poll_s = 7200
timeout_ms = 3000
in_flight = 16

[connection.amazon.settings]
endpoint = "{amazon}"
auth_endpoint = "{amazon}"
marketplace = "{marketplace}"

[connection.amazon.secrets]
refresh_token = "file:{home}/refresh_token"
client_id = "file:{home}/client_id"
client_secret = "file:{home}/client_secret"

[connection.eastpack]
kind = "shipbob"
hold_min = 600
release_min = 600
resolve_limit_min = 120
poll_s = 480
stock_poll_s = 7200
timeout_ms = 3000

[connection.eastpack.settings]
endpoint = "{pack}"
channel_id = "{channel}"

[connection.eastpack.secrets]
token = "file:{home}/token"

[health]                     # in real seconds; a service of yours takes its time (docs/health.md)
open_s = 8
probes = 3
probe_s = 1
step_s = 8
"""


class Stand:
    """One stand-in network: its process, and what it said when it began to listen."""

    def __init__(self, process: "subprocess.Popen[str]", told: Mapping[str, Any]) -> None:
        self.process, self.told, self.url = process, told, str(told["url"])

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Say something to the stand-in itself."""
        line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            line.request(method, f"/_sandbox{path}", None if body is None else json.dumps(body).encode())
            answer = line.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(f"a stand-in network went away: {type(error).__name__}") from error
        finally:
            line.close()
        if answer.status >= 400:
            raise UnavailableError(f"a stand-in network refused {path}: {answer.status}")
        return json.loads(text) if text else None


class Networks:
    """Both of them."""

    def __init__(self, amazon: Stand, pack: Stand) -> None:
        self.amazon, self.pack = amazon, pack
        self.nodes = {AMAZON_NODE: amazon, PACK_NODE: pack}

    def set_clocks(self, clock: Clock) -> None:
        """Let their clocks go with the demonstration's."""
        for stand in self.nodes.values():
            at = from_micros(clock.now()).isoformat()
            stand.control("PUT", "/clock", {"at": at, "rate": clock.speed})

    def stocked(self, node: str, lines: Sequence[tuple[str, int]]) -> None:
        """Units came in at a node: its network counts them, too."""
        stand = self.nodes.get(node)
        if stand is None:
            return
        there = stand.control("GET", "/stock")
        if stand is self.amazon:
            wanted = {sku: there.get(sku, {}).get("fulfillable", 0) + units for sku, units in lines}
        else:
            held = {sku: places.get(PLACE, {}).get("on_hand", 0) for sku, places in there.items()}
            wanted = {sku: held.get(sku, 0) + units for sku, units in lines}
        stand.control("PUT", "/stock", wanted)

    def fill(self, service: Service) -> None:
        """What the books have at their nodes is what they have."""

        def held(shard: Shard) -> dict[str, list[tuple[str, int]]]:
            balance, network = shard.state.ledger.balance, shard.state.require_network()
            there = balance[Bucket.FULFILLABLE] + balance[Bucket.RESERVED] + balance[Bucket.RESEARCHING]
            codes = service.nodes
            return {
                node: [
                    (network.skus[s].code, int(there[s, codes[node]]))
                    for s in there[:, codes[node]].nonzero()[0].tolist()
                ]
                for node in self.nodes
            }

        for node, lines in service.writer.call(held).items():
            self.stocked(node, lines)

    async def weather(self) -> None:
        """Amazon's interface answers in nine seconds, then not at all, then well again; every few minutes."""
        await asyncio.sleep(BROWNOUT_AT_S)
        while True:
            faults = ({"op": "*", "kind": "latency", "p": 1, "ms": SLOW_MS}, {"op": "*", "kind": "5xx", "p": 0.3})
            for fault in faults:
                await asyncio.to_thread(self.amazon.control, "POST", "/faults", fault)
            await asyncio.sleep(BROWNOUT_S / 2)
            await asyncio.to_thread(self.amazon.control, "POST", "/faults", {"op": "*", "kind": "hang", "p": 1})
            await asyncio.sleep(BROWNOUT_S / 2)
            await asyncio.to_thread(self.amazon.control, "DELETE", "/faults")
            await asyncio.sleep(EVERY_S - BROWNOUT_S)


@contextmanager
def stand_ins(home: Path, seed: int) -> Iterator[Networks]:
    """Both networks, started; ended with the block."""
    started: list[Stand] = []
    try:
        for name, more in (("amazon", _TIMES), ("shipbob", (*_PACK_TIMES, "--locations", PLACE))):
            started.append(_start(home, name, seed, more))
        yield Networks(*started)
    finally:
        for stand in started:
            stand.process.terminate()
        for stand in started:
            try:
                stand.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                stand.process.kill()
                stand.process.wait()
            for pipe in (stand.process.stdin, stand.process.stdout):
                if pipe is not None:
                    pipe.close()


def _start(home: Path, name: str, seed: int, more: Sequence[str]) -> Stand:
    command = [sys.executable, "-m", "tranship.sandbox", name, "--port", "0", "--seed", str(seed), *more]
    command += ["--clock", "2026-01-01T00:00:00Z", "--no-validation", "--tied"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=home, start_new_session=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise UnavailableError(f"the stand-in {name} did not start")
    return Stand(process, json.loads(line))


def connected(text: str, home: Path, networks: Networks) -> str:
    """A network file's text with the stand-ins in it: Amazon as one place, since it does not say which of its own ships."""
    told = networks.amazon.told
    for name in ("refresh_token", "client_id", "client_secret"):
        (home / name).write_text(told[name], encoding="utf-8")
    (home / "token").write_text(networks.pack.told["token"], encoding="utf-8")
    text = text.partition(_HEADING)[0].rstrip() + "\n"
    text = re.sub(r'\[\[node\]\]\ncode = "AMZ-WEST"\n.*?\n\n', "", text, flags=re.DOTALL)
    if "\nconnection = " not in text:
        text = text.replace(f'code = "{AMAZON_NODE}"\n', f'code = "{AMAZON_NODE}"\nconnection = "amazon"\n')
        text = text.replace(
            f'code = "{PACK_NODE}"\n', f'code = "{PACK_NODE}"\nconnection = "eastpack"\nlocation = "{PLACE}"\n'
        )
    return text + _FILE.format(
        amazon=networks.amazon.url, pack=networks.pack.url, marketplace=told["marketplace_id"],
        channel=networks.pack.told["channel_id"], home=home,
    )  # fmt: skip
