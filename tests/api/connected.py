"""A service whose node is really behind a network: the stand-in Amazon as a process of its own, its credentials in files."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.api.running import SKU, Running, running
from tests.sandbox.running import Running as Sandbox
from tests.sandbox.running import amazon
from tranship.api.settings import ApiSettings
from tranship.cli.demo import write_world
from tranship.engine.clock import FastClock

UNITS = 50
OTHER = "DEMO-004"
"""A SKU that HOME has as well."""
WEEK_MIN = 7 * 1440
DEADLINE_S = 30
KEY = "sandbox-hook-key-1"

CONNECTION = """
[connection.mcf]
kind = "amazon_mcf"
hold_min = {hold_min}
release_min = {release_min}
poll_s = 5
stock_poll_s = 30
timeout_ms = 1500
drift_limit = 5
resolve_limit_min = {resolve_min}

[connection.mcf.settings]
endpoint = "{url}"
auth_endpoint = "{url}"
marketplace = "{marketplace}"

[connection.mcf.secrets]
refresh_token = "file:{home}/refresh_token"
client_id = "file:{home}/client_id"
client_secret = "file:{home}/client_secret"
notifications = "file:{home}/hook_key"

[health]
open_s = 2
step_s = 5
probes = 2
"""


class Connected(NamedTuple):
    """The service and the network that it hands over to."""

    service: Running
    amazon: Sandbox

    def dispatches(self, query: str = "") -> list[dict[str, Any]]:
        """What was handed over."""
        found: list[dict[str, Any]] = self.service.get(f"/v1/dispatches{query}").json()["dispatches"]
        return found

    def until(self, what: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
        """Ask until there is an answer that is true."""
        return until(what, deadline_s)


def until(what: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """Ask until there is an answer that is true; each try asks over HTTP, so it takes a moment by itself."""
    end = time.monotonic() + deadline_s
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen in time"
    return found


def write_connected(
    home: Path, there: Sandbox, *, hold_min: int = WEEK_MIN, release_min: int = WEEK_MIN, resolve_min: int = 60
) -> Path:
    """A network file whose node AMZ-EAST is behind the sandbox; HOME, which is dearer, has some stock too; no cap."""
    path = write_world(home, 1, 100)
    for name in ("refresh_token", "client_id", "client_secret"):
        (home / name).write_text(there.info[name])
    (home / "hook_key").write_text(KEY)
    (home / "stock.csv").write_text(
        f"node,sku,qty\nAMZ-EAST,{SKU},{UNITS}\nHOME,{OTHER},{UNITS}\nAMZ-EAST,{OTHER},{UNITS}\n"
    )
    text = path.read_text().partition("\n[connection.mcf]")[0]
    text = re.sub(r"\[\[cap\]\].*?(?=\n\n)", "", text, flags=re.DOTALL)
    if "\nconnection = " not in text:
        text = text.replace('code = "AMZ-EAST"\n', 'code = "AMZ-EAST"\nconnection = "mcf"\n')
    text += CONNECTION.format(
        url=there.url, marketplace=there.info["marketplace_id"], home=home, hold_min=hold_min, release_min=release_min,
        resolve_min=resolve_min,
    )  # fmt: skip
    path.write_text(text)
    return path


@contextmanager
def connected(
    home: Path, *arguments: str, shadow: bool = False, hold_min: int = WEEK_MIN, release_min: int = WEEK_MIN,
    resolve_min: int = 60, tick_s: float = 0.2, speed: int = 1,
) -> Iterator[Connected]:  # fmt: skip
    """Sandbox and service until the block ends; both clocks run `speed` times as fast as ours."""
    with amazon("--sku", f"{SKU}={UNITS}", "--sku", f"{OTHER}={UNITS}", *arguments) as there:
        write_connected(home, there, hold_min=hold_min, release_min=release_min, resolve_min=resolve_min)
        clock = None if speed == 1 else lambda floor: FastClock(max(floor + 1, time.time_ns() // 1000), speed)
        there.control("PUT", "/clock", {"rate": speed})
        with running(home, ApiSettings(port=0, tick_s=tick_s), shadow=shadow, clock=clock) as service:
            yield Connected(service, there)
