"""People are woken by what needs them, once, and also where the service was down in between."""

import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api.connected import until
from tests.api.running import Running, make_world, running
from tranship.api.settings import ApiSettings
from tranship.engine import commands as cmd
from tranship.engine.shard import Submission

KEY = "pager-key"
CONTACTS = """
[[contact]]
code = "on-call"
webhook = "env:TEST_PAGER_URL"
secret = "env:TEST_PAGER_KEY"
"""


class Pager:
    """Writes down what is posted to it; `up` False: it refuses everything."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.signed: list[bool] = []
        self.refused = 0
        self.up = True


@contextmanager
def pager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pager]:
    """A webhook receiver on loopback, known to the service by the environment."""
    found = Pager()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seconds, _, given = self.headers["Tranship-Signature"].removeprefix("t=").partition(",v1=")
            right = hmac.new(KEY.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
            if found.up:
                found.messages.append(json.loads(body))
                found.signed.append(hmac.compare_digest(given, right))
            else:
                found.refused += 1
            self.send_response(204 if found.up else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("TEST_PAGER_URL", f"http://127.0.0.1:{server.server_port}/hook")
    monkeypatch.setenv("TEST_PAGER_KEY", KEY)
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def world(home: Path) -> Path:
    """A network file with somebody to tell."""
    path = make_world(home)
    if "[[contact]]" not in path.read_text():
        path.write_text(path.read_text() + CONTACTS)
    return home


def report(service: Running, kind: str, subject: str, at: int = 0) -> None:
    """Something that a person should see."""
    moment = at or service.service.clock.now()
    command = cmd.ReportException(kind, subject, "a detail", moment)
    answer = service.service.writer.submit(Submission(f"test/{kind}/{subject}/{moment}", command))
    assert answer.error is None


def waiting(service: Running) -> int:
    """Rows of alerts in the outbox."""
    return int(str(service.service.store.query("SELECT count(*) FROM outbox WHERE topic = 'alert'")[0][0]))


def test_an_exception_that_needs_somebody_goes_out_once_and_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The same about the same subject is one message; a kind that needs nobody is none; seen is seen."""
    with pager(monkeypatch) as there, running(world(tmp_path), ApiSettings(port=0)) as service:
        report(service, "late", "order-1")
        report(service, "drift", "EAST/DEMO-001")
        report(service, "drift", "EAST/DEMO-001", service.service.clock.now() + 1)
        until(lambda: there.messages and service.get("/healthz").status)
        report(service, "quarantine", "api:A-1/1")
        until(lambda: len(there.messages) == 2 and service.get("/healthz").status)
        assert all(there.signed) and [message["level"] for message in there.messages] == ["warning", "critical"]
        assert "order-1" not in json.dumps(there.messages)
        told = service.get("/v1/alerts").json()
        assert told["contacts"] == 1 and {alert["kind"] for alert in told["alerts"]} == {"drift", "quarantine"}
        assert next(alert for alert in told["alerts"] if alert["kind"] == "drift")["count"] == 2
        number = told["alerts"][0]["id"]
        assert service.post(f"/v1/alerts/{number}/acknowledge", b"").json()["acknowledged"]
        assert service.post("/v1/alerts/1/acknowledge", b"").status == 404
        until(lambda: waiting(service) == 0)


def test_what_could_not_be_told_is_told_after_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The receiver is down and the service stops; the next one tells it, and then nobody is told again."""
    with pager(monkeypatch) as there:
        there.up = False
        with running(world(tmp_path), ApiSettings(port=0)) as service:
            report(service, "breaker_opened", "amazon")
            until(lambda: there.refused and service.get("/healthz").status)
            assert waiting(service) == 1
        there.up = True
        with running(world(tmp_path), ApiSettings(port=0)) as service:
            until(lambda: there.messages and service.get("/healthz").status)
            assert there.messages[0]["title"] == "breaker_opened: amazon"
            until(lambda: waiting(service) == 0)
        with running(world(tmp_path), ApiSettings(port=0)) as service:
            report(service, "drift", "EAST/DEMO-002")
            until(lambda: len(there.messages) > 1 and service.get("/healthz").status)
            assert [message["title"] for message in there.messages[1:]] == ["drift: EAST/DEMO-002"]
