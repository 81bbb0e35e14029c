"""`tranship serve` as a process of its own, to be looked at from outside and to be killed."""

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.api.running import JSON, NDJSON, Reply, make_world, order
from tests.support import ROOT

DEADLINE_S = 120

free_order = order


class Served:
    """The service of a folder, started when the block begins, stopped (if it was not) when it ends."""

    def __init__(self, home: Path, *options: str, module: str = "tranship.cli") -> None:
        self.home, self._options, self._module = home, options, module

    def __enter__(self) -> Self:
        path = make_world(self.home)
        command = [
            sys.executable,
            "-m",
            self._module,
            "serve",
            "--run",
            str(self.home / "run"),
            "--network",
            str(path),
        ]
        self._log = (self.home / "stderr.txt").open("wb")
        self.process = subprocess.Popen(
            [*command, "--port", "0", "--json", *self._options],
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(),
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self._first = self.process.stdout.readline()
        assert self._first, (self.home / "stderr.txt").read_text()
        self.address = json.loads(self._first)["url"]
        self.port = int(self.address.rpartition(":")[2])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self._log.close()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> bytes:
        """Stop it as Ctrl-C would; everything it wrote on its outputs."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=DEADLINE_S)
        assert self.process.returncode == 0, (self.home / "stderr.txt").read_text()
        return self._first + rest + (self.home / "stderr.txt").read_bytes()

    def kill(self) -> None:
        """End it without a warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE_S)

    def get(self, path: str) -> Reply:
        """GET."""
        return self._ask("GET", path, None, {})

    def post(self, body: Any) -> Reply:
        """POST one order."""
        return self._ask("POST", "/v1/orders", body if isinstance(body, bytes) else json.dumps(body).encode(), JSON)

    def ask(self, method: str, path: str, body: Any) -> Reply:
        """Any request with JSON."""
        return self._ask(method, path, json.dumps(body).encode(), JSON)

    def bulk(self, body: bytes) -> Reply:
        """POST lines."""
        return self._ask("POST", "/v1/orders", body, NDJSON)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return Reply(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        finally:
            line.close()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
