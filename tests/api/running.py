"""A real service for tests: real engine, real SQLite, a real socket on a free port of loopback, on a thread of its own."""

import asyncio
import http.client
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tranship.api.app import serve
from tranship.api.context import Context
from tranship.api.settings import ApiSettings
from tranship.cli.demo import write_world
from tranship.console.live.pages import Live
from tranship.engine.clock import Clock, SystemClock
from tranship.engine.service import Service
from tranship.proxy.served import Served
from tranship.wire.server import Server

DEADLINE_S = 60
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
SKU = "DEMO-001"


class Reply(NamedTuple):
    """An answer: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Running:
    """A service that is being served at `port`."""

    def __init__(self, service: Service, context: Context, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.service, self.context, self.server, self.loop = service, context, server, loop
        self.port = server.port
        self.address = f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """One request on a connection of its own."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            line.request(method, path, body or None, dict(headers or {}))
            answer = line.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            line.close()

    def get(self, path: str, **headers: str) -> Reply:
        """GET."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Reply:
        """POST of JSON; bytes are sent as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, data, {**JSON, **(headers or {})})

    def order(self, number: str, **more: Any) -> Reply:
        """POST one order."""
        key = more.pop("key", "")
        return self.post("/v1/orders", order(number, **more), {"idempotency-key": key} if key else None)

    def bulk(self, body: bytes) -> list[dict[str, Any]]:
        """POST lines; the result lines."""
        answer = self.ask("POST", "/v1/orders", body, NDJSON)
        assert answer.status == 200, answer.body
        return [json.loads(line) for line in answer.body.splitlines()]

    def raw(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)


def order(number: str, **more: Any) -> dict[str, Any]:
    """An order as a caller would write it."""
    plain: dict[str, Any] = {
        "number": number,
        "to": {"zip": "60614", "state": "IL"},
        "lines": [{"sku": SKU, "qty": 1, "unit_price_minor": 1999}],
    }
    return {**plain, **more}


def make_world(home: Path, units: float = 2000) -> Path:
    """A network file with SKUs and stock."""
    home.mkdir(parents=True, exist_ok=True)
    return write_world(home, 1, units)


@contextmanager
def running(
    home: Path, settings: ApiSettings | None = None, *, network: bool = True, shadow: bool = False,
    clock: Callable[[int], Clock] | None = None,
) -> Iterator[Running]:  # fmt: skip
    """Serve the run in `home`, made where it is missing, until the block ends; then everything is closed and durable."""
    path = make_world(home)
    service = Service.open(
        home / "run", path if network else None, create=True, shadow=shadow, clock=clock or SystemClock
    )
    pages = Live("a test")
    found: dict[str, Any] = {}
    up = threading.Event()

    async def ready(context: Context, server: Server) -> None:
        found.update(context=context, server=server, loop=asyncio.get_running_loop())
        up.set()
        await server.stopping.wait()

    def attach(context: Context) -> None:
        pages.attach(context.service, context.follower)
        context.masking = Served(context.service)

    def run() -> None:
        try:
            asyncio.run(
                serve(
                    service,
                    settings or ApiSettings(port=0),
                    pages.handlers(),
                    ready=ready,
                    attach=attach,
                )
            )
        except BaseException as error:
            found["error"] = error
            raise
        finally:
            up.set()

    thread = threading.Thread(target=run, name="test-service")
    thread.start()
    try:
        assert up.wait(DEADLINE_S), "the service did not start"
        if "server" not in found:
            raise AssertionError("the service did not start") from found.get("error")
        yield Running(service, found["context"], found["server"], found["loop"])
    finally:
        if "loop" in found and thread.is_alive():
            found["loop"].call_soon_threadsafe(found["server"].stop)
        thread.join(DEADLINE_S)
        service.close()
        assert not thread.is_alive(), "the service did not stop"


def copy_world(source: Path, target: Path) -> None:
    """Copy network file, SKUs and stock, not the run."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file():
            shutil.copy(path, target / path.name)
