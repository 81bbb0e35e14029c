"""A real browser for tests: Debian's chromium, driven over a pipe by its own protocol. No other package is needed."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
DEADLINE_S = 60
_HAND_OVER = """
import fcntl, os, sys
high = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""  # the browser reads commands from 3 and writes answers to 4


def chromium() -> str:
    """Where chromium is; skips the test, saying so, where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is not installed: pages were not looked at in a browser")
    return found


class Browser:
    """One page in one browser. `console` holds everything the page complained about, `requests` what it asked for."""

    def __init__(self, profile: Path, width: int = 1440, height: int = 1000) -> None:
        self._profile, self._size = profile, (width, height)
        self.console: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._loaded = False
        self._rest = b""

    def __enter__(self) -> Self:
        theirs_in, self._in = os.pipe()
        self._out, theirs_out = os.pipe()
        root = ["--no-sandbox"] if os.getuid() == 0 else []
        command = [chromium(), *FLAGS, *root, f"--user-data-dir={self._profile}", "about:blank"]
        handed = [sys.executable, "-c", _HAND_OVER, str(theirs_in), str(theirs_out), *command]
        self._process = subprocess.Popen(
            handed, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.call("Target.createTarget", {"url": "about:blank"}, session=False)["targetId"]
        attach = {"targetId": target, "flatten": True}
        self._session = self.call("Target.attachToTarget", attach, session=False)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        width, height = self._size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", metrics)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        os.close(self._in)
        os.close(self._out)

    def open(self, address: str) -> None:
        """Go there and wait until it is loaded."""
        self._loaded = False
        self.call("Page.navigate", {"url": address})
        deadline = time.monotonic() + DEADLINE_S
        while not self._loaded:
            self._read(deadline)

    def script(self, on: bool) -> None:
        """Let scripts run, or not."""
        self.call("Emulation.setScriptExecutionDisabled", {"value": not on})

    def value(self, expression: str) -> Any:
        """What an expression comes to in the page; a promise is waited for."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 30) -> Any:
        """Wait until an expression is true in the page, and return it."""
        return self.value(
            "new Promise((good, bad) => { const end = performance.now() + " + str(seconds * 1000) + ";"
            " const look = () => { const found = (" + expression + ");"
            " if (found) good(found); else if (performance.now() > end) bad(new Error('not in time')); else setTimeout(look, 50); };"
            " look(); })"
        )

    def picture(self, path: Path) -> None:
        """Save what is to be seen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"]))

    def call(self, method: str, parameters: dict[str, Any] | None = None, *, session: bool = True) -> dict[str, Any]:
        """One command of the protocol and its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = self._session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE_S
        while self._number not in self._answers:
            self._read(deadline)
        answer = self._answers.pop(self._number)
        assert "error" not in answer, answer["error"]
        result = answer["result"]
        assert isinstance(result, dict)
        return result

    def _read(self, deadline: float) -> None:
        ready, _, _ = select.select([self._out], [], [], max(0, deadline - time.monotonic()))
        assert ready, "the browser does not answer"
        piece = os.read(self._out, 1 << 20)
        assert piece, "the browser went away"
        *messages, self._rest = (self._rest + piece).split(b"\0")
        for message in messages:
            self._take(json.loads(message))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            return
        method, found = message["method"], message["params"]
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Log.entryAdded":
            self.console.append(f"{found['entry']['level']}: {found['entry']['text']}")
        elif method == "Runtime.exceptionThrown":
            self.console.append(f"exception: {found['exceptionDetails']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(found["request"]["url"])
