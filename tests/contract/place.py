"""A stand-in network as a process of its own, and a connector that talks to it over the wire."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from tranship.connectors.http import HttpClient
from tranship.connectors.port import Connector, Counted, Listed, Order, Request, Response, Returned
from tranship.core.order import Destination, Person
from tranship.dispatch.model import Result
from tranship.masking.mask import mask
from tranship.masking.model import MaskedOrder

NOON = "2026-11-22T12:00:00Z"
DAY_S = 86_400
T = TypeVar("T")


class Place:
    """The process. Its clock stands still until somebody moves it."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told, self.url = told, str(told["url"])

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Say something to the sandbox itself."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def now(self) -> int:
        """Its time, UTC microseconds."""
        return int(self.control("GET", "/clock")["us"])

    def advance(self, seconds: float) -> None:
        """Let time pass there."""
        self.control("PUT", "/clock", {"advance_s": seconds})

    def fault(self, kind: str, op: str, **more: object) -> None:
        """Something goes wrong there from now on."""
        self.control("POST", "/faults", {"kind": kind, "op": op, **more})

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.control("DELETE", "/faults")

    def report(self) -> dict[str, Any]:
        """What was asked, what broke the vendor's file, what really shipped."""
        found: dict[str, Any] = self.control("GET", "/report")
        return found

    def truth(self, remote_id: str) -> dict[str, Any]:
        """What really became of one order; an id that never came: nothing left."""
        found: dict[str, Any] = self.report()["orders"].get(remote_id, {"times": 0, "units": 0})
        return found


@contextmanager
def running(*arguments: str) -> Iterator[Place]:
    """A stand-in network until the block ends."""
    command = [sys.executable, "-m", "tranship.sandbox", *arguments, "--port", "0", "--clock", NOON]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the sandbox did not start"
        yield Place(json.loads(line))
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


class Made(NamedTuple):
    """An order as it was handed over."""

    order: Order
    masked: MaskedOrder
    body: bytes


class Desk:
    """Calls one after another through the real client; a lost one raises as it does in live use."""

    def __init__(self, place: Place, connector: Connector, client: HttpClient, loop: asyncio.AbstractEventLoop) -> None:
        self.place, self.connector, self.client, self.loop = place, connector, client, loop
        self.count = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for one call."""
        return self.loop.run_until_complete(work)

    def send(self, request: Request) -> Response:
        """Send it as it is."""
        return self.run(self.client.send(request))

    def make(self, lines: list[tuple[str, str, int]], *, hold: bool, remote_id: str) -> Made:
        """An order with its bytes, not sent yet."""
        person = Person(name="Ada Byron", street="12 Oak St", city="Seattle", phone="415 555 2671", email="a@b.example")
        masked = mask(
            remote_id, person, Destination(zip="98101", state="WA"), lines, "ground", "2026-11-24", "2026-11-30",
            str(self.place.told.get("location", "")), kind=self.connector.kind,
        )  # fmt: skip
        return Made(Order(remote_id), masked, self.connector.body(masked, hold=hold))

    def create(self, made: Made) -> Result:
        """Send the bytes."""
        return self.connector.read("create", made.order, self.send(self.connector.create(made.order, made.body)))

    def ask(self, op: str, order: Order) -> Result:
        """Release, get, cancel or tracking."""
        request: Callable[[Order], Request] = getattr(self.connector, op)
        return self.connector.read(op, order, self.send(request(order)))

    def listed(self, since: int) -> list[Listed]:
        """All pages of what changed."""
        pages: list[Listed] = []
        while not pages or pages[-1].more:
            more = pages[-1].more if pages else ""
            pages.append(self.connector.read_list(self.send(self.connector.list(since, more))))
            assert len(pages) < 50
        return pages

    def stock(self) -> list[Counted]:
        """All pages of the count."""
        pages: list[Counted] = []
        while not pages or pages[-1].more:
            more = pages[-1].more if pages else ""
            self.place.advance(1)  # a published limit of two calls at once would stop a count of three pages
            pages.append(self.connector.read_stock(self.send(self.connector.stock(0, more))))
            assert len(pages) < 50
        return pages

    def returned(self, since: int, more: str = "") -> Returned:
        """A page of what came back."""
        return self.connector.read_returns(self.send(self.connector.returns(since, more)))
