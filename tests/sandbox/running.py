"""A real stand-in network for tests: its own process on loopback, with the control interface at hand. Killed when the block ends.

with amazon("--sku", "S1=10", clock="2026-11-27T00:00:00Z") as there:
    there.fault(op="create", kind="lost_reply", times=1)
    ...
    there.advance(3600)
    assert there.report()["orders"]["A-1"]["units"] == 2
"""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.support import ROOT

DEADLINE_S = 30


class Answer(NamedTuple):
    """An answer: header names in lower case, the body as JSON (None where it is empty)."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Running:
    """A sandbox that listens at `url`. `info` is the line it printed: credentials, whether it validates."""

    def __init__(self, process: subprocess.Popen[str], info: Mapping[str, Any]) -> None:
        self.process, self.info = process, info
        self.url: str = info["url"]
        self._token = ""

    def ask(
        self, method: str, path: str, body: object = None, *, timeout: float = DEADLINE_S, **headers: str
    ) -> Answer:
        """One request on a connection of its own; bytes and texts are sent as they are, anything else as JSON."""
        line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {"content-type": "application/json"} if data is not None else {}
        try:
            line.request(
                method, path, data, {**kind, **{key.replace("_", "-"): value for key, value in headers.items()}}
            )
            answer = line.getresponse()
            text = answer.read()
        finally:
            line.close()
        found = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(answer.status, json.loads(text) if text else None, found)

    def token(self, **change: str) -> Answer:
        """Ask Amazon's token endpoint; `change` replaces parts of the form."""
        form = {
            "grant_type": "refresh_token",
            **{key: self.info[key] for key in ("client_id", "client_secret", "refresh_token")},
            **change,
        }
        return self.ask(
            "POST", self.info["token_path"], urlencode(form).encode(), content_type="application/x-www-form-urlencoded"
        )

    def call(self, method: str, path: str, body: object = None, *, timeout: float = DEADLINE_S) -> Answer:
        """One request with Amazon's access token, fetched once."""
        if not self._token:
            self._token = self.token().body["access_token"]
        return self.ask(method, path, body, timeout=timeout, x_amz_access_token=self._token)

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Say something to the sandbox itself; what it answers."""
        answer = self.ask(method, f"/_sandbox{path}", body)
        assert answer.status == 200, answer
        return answer.body

    def reset(self) -> None:
        """Begin anew: as after a start, without the wait for one."""
        self.control("POST", "/reset")
        self._token = ""

    def fault(self, **rule: object) -> str:
        """Put a fault in force; its id. `begins` stands for the key `from`, which is a word of Python's."""
        if "begins" in rule:
            rule["from"] = rule.pop("begins")
        return str(self.control("POST", "/faults", rule)["id"])

    def heal(self, fault: str = "") -> None:
        """End one fault, or all."""
        self.control("DELETE", f"/faults/{fault}" if fault else "/faults")

    def advance(self, seconds: float) -> None:
        """Let the sandbox's clock jump ahead; what falls due on the way is done."""
        self.control("PUT", "/clock", {"advance_s": seconds})

    def now(self) -> int:
        """The sandbox's clock, UTC microseconds."""
        return int(self.control("GET", "/clock")["us"])

    def stock(self, **units: int) -> Any:
        """Set sellable units of SKUs."""
        return self.control("PUT", "/stock", units)

    def report(self) -> Any:
        """What was asked, what was answered wrongly, and what really shipped."""
        return self.control("GET", "/report")


@contextmanager
def sandbox(network: str, *arguments: str, clock: str = "", vendor: str | None = None) -> Iterator[Running]:
    """Start `python -m tranship.sandbox NETWORK ...`; `clock` lets its time stand still there. `vendor` "" leaves the default."""
    more = [*(("--clock", clock) if clock else ()), *(("--vendor", vendor) if vendor else ())]
    process = subprocess.Popen(
        [sys.executable, "-m", "tranship.sandbox", network, *more, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"the sandbox did not start (exit code {process.wait(DEADLINE_S)})"
        yield Running(process, json.loads(line))
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        process.stdout.close()


@contextmanager
def amazon(*arguments: str, clock: str = "", vendor: str | None = None) -> Iterator[Running]:
    """A stand-in Amazon; see `sandbox`."""
    with sandbox("amazon", *arguments, clock=clock, vendor=vendor) as there:
        yield there
