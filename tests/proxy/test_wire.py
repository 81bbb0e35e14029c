"""The shell on a real socket: requests that could be read in two ways, broken off or too large reach no handler."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.wire.serving import Served, status
from tranship.proxy.app import Reply, Shell
from tranship.proxy.counts import Counts
from tranship.proxy.heads import Head
from tranship.proxy.settings import ProxySettings

BODY = b'{"a":1}'
POST = b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Noting:
    """A handler that notes what reached it."""

    operation = "note"

    def __init__(self) -> None:
        self.seen: list[tuple[str, tuple[str, ...], bytes]] = []
        self.wants_body = False
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None

    def route(self, head: Head) -> "Noting":
        self.wants_body = head.method == "POST"
        return self

    def ready(self) -> str:
        return "" if self.fault is None else "a fault"

    async def answer(self, head: Head, body: bytes) -> Reply:
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.seen.append((head.method, head.segments, body))
        return Reply(200, [], b"{}")


class Running(Served):
    """A shell that listens, and its handler."""

    def __init__(self, settings: ProxySettings) -> None:
        self.handler = Noting()
        self.shell: Shell
        self.settings = settings
        super().__init__(settings)

    def app(self) -> Shell:
        """The shell."""
        self.shell = Shell(self.settings, self.handler, Counts())
        return self.shell


@contextmanager
def running(**settings: object) -> Iterator[Running]:
    """A shell until the block ends."""
    there = Running(ProxySettings("http://127.0.0.1:9", port=0, **settings))  # type: ignore[arg-type]
    try:
        yield there
    finally:
        there.stop()


@pytest.fixture(scope="module")
def there() -> Iterator[Running]:
    """One for most cases."""
    with running(body_bytes_max=4096, head_bytes_max=2048, head_timeout_s=1, body_timeout_s=1) as found:
        yield found


REFUSED = {
    "absolute form": b"GET http://other.example/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "absolute form, other scheme": b"GET file:///etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two slashes": b"GET //other.example/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "connect": b"CONNECT other.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "fragment": b"GET /a#b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "old version": b"GET /a HTTP/1.0\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /a\r\n\r\n",
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /a HTTP/1.1\r\nHost: localhost\r\nHost: y\r\n\r\n",
    "folded header": b"GET /a HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
    "blank before colon": b"GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length : 3\r\n\r\nabc",
    "bare line feeds": b"GET /a HTTP/1.1\nHost: localhost\n\n",
    "null in a header": b"GET /a HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n",
    "upgrade": b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "websocket": b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": POST + b"Content-Length: 7\r\nContent-Length: 8\r\n\r\n" + BODY,
    "lengths in one": POST + b"Content-Length: 7, 8\r\n\r\n" + BODY,
    "negative length": POST + b"Content-Length: -7\r\n\r\n" + BODY,
    "signed length": POST + b"Content-Length: +7\r\n\r\n" + BODY,
    "length and chunks": POST + b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: [::1]\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: [::1]\r\n\r\n",
    "strange coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n7\r\n" + BODY + b"\r\n0\r\n\r\n",
    "coding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n7\r\n" + BODY + b"\r\n0\r\n\r\n",
    "bad chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n0x7\r\n" + BODY + b"\r\n0\r\n\r\n",
    "trailer": POST + b"Transfer-Encoding: chunked\r\n\r\n7\r\n" + BODY + b"\r\n0\r\nX-Amz-Access-Token: Atza|x\r\n\r\n",
    "shorter than announced": POST + b"Content-Length: 99\r\n\r\n" + BODY,
    "large body": POST + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000,
    "large body in chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 5 + b"0\r\n\r\n",
    "large head": b"GET /a HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * 4000 + b"\r\n\r\n",
    "many headers": b"GET /a HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(80)) + b"\r\n",
    "compressed": POST + b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\n" + BODY,
    "form": b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
    "body where none is wanted": b"GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    "other method in a header": b"GET /a HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: DELETE\r\n\r\n",
    "climbing": b"GET /a/../b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "not http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_of_it_reaches_a_handler(there: Running, name: str):
    """Whole, and split in the middle; what hides behind it on the same connection does not either."""
    there.handler.seen.clear()
    request = REFUSED[name]
    for pieces in ((request,), (request[: len(request) // 2], request[len(request) // 2 :])):
        answer = there.talk(*pieces)
        assert status(answer) in {0, 400, 404, 408, 413, 415, 422}, answer
        assert b"other.example" not in answer and b"passwd" not in answer
    assert there.handler.seen == []


def test_bodies_split_at_every_byte(there: Running):
    """By length and in chunks: the same body arrives, in whatever pieces."""
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\n" + BODY[:3] + b"\r\n4\r\n" + BODY[3:] + b"\r\n0\r\n\r\n"
    plain = POST + b"Content-Length: 7\r\n\r\n" + BODY
    for request in (chunked, plain):
        for at in range(1, len(request)):
            there.handler.seen.clear()
            assert status(there.talk(request[:at], request[at:])) == 200
            assert there.handler.seen == [("POST", ("a",), BODY)]
        there.handler.seen.clear()
        assert status(there.talk(*(request[at : at + 1] for at in range(len(request))))) == 200
        assert there.handler.seen == [("POST", ("a",), BODY)]


def test_requests_behind_one_another_are_each_read(there: Running):
    """Two requests in one piece are two requests, each with its own answer."""
    there.handler.seen.clear()
    get = b"GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = there.talk(POST + b"Content-Length: 7\r\n\r\n" + BODY + get)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert [seen[1] for seen in there.handler.seen] == [("a",), ("b",)]


def test_a_slow_head_and_a_slow_body_are_let_go(there: Running):
    """A caller that sends nothing more does not keep its place."""
    there.handler.seen.clear()
    for start in (
        b"GET /a HT", POST + b"Content-Length: 7\r\n\r\n{", POST + b"Content-Length: 7\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n",
    ):  # fmt: skip
        with there.line() as line:
            line.sendall(start)
            answer = line.recv(65536)
            assert status(answer) in {0, 408}
    assert there.handler.seen == []


def test_a_fault_is_told_by_its_name_only(there: Running, caplog: pytest.LogCaptureFixture):
    """Not what it was about: neither to the client nor to the log."""
    there.handler.fault = ValueError("Ada Byron lives in Seattle")
    try:
        answer = there.talk(POST + b"Content-Length: 7\r\n\r\n" + BODY)
        missing = there.talk(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    finally:
        there.handler.fault = None
    assert (
        status(answer) == 500
        and b"Ada" not in answer
        and json.loads(answer.partition(b"\r\n\r\n")[2])["sent"] == "maybe"
    )
    assert "ValueError" in caplog.text and "Ada" not in caplog.text
    assert status(missing) == 503


def test_its_own_pages_reach_nobody(there: Running):
    """Health, readiness and counters are answered here, with GET only."""
    there.handler.seen.clear()
    for path in (b"healthz", b"readyz", b"metrics"):
        assert status(there.talk(b"GET /" + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200
        assert status(there.talk(POST.replace(b"/a", b"/" + path) + b"Content-Length: 2\r\n\r\n{}")) == 405
    document = json.loads(there.talk(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")[2])
    assert document["refused"]["none"]["no-route"] == 3
    assert there.handler.seen == []


def test_room_is_limited():
    """One at a time and one that waits: the third is told to come back; the one that waits for too long as well."""
    with running(requests_max=1, waiting_max=1, waiting_timeout_s=0.5) as there:
        there.handler.gate = asyncio.Event()
        get = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with there.line() as first:
            first.sendall(get)
            while there.shell.counts.under_way == 0:
                assert status(there.talk(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200
            with there.line() as second:
                second.sendall(get)
                answers = [there.talk(get), second.recv(65536)]
            there.loop.call_soon_threadsafe(there.handler.gate.set)
            assert status(first.recv(65536)) == 200
        assert [status(answer) for answer in answers] == [503, 503]
        assert all(b"retry-after: 1" in answer for answer in answers)


def test_a_token_is_asked_for():
    """Without it there is nothing to be had but health."""
    with running(token="0123456789abcdef") as there:
        assert status(there.talk(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200
        for path in (b"a", b"metrics"):
            get = b"GET /" + path + b" HTTP/1.1\r\nHost: localhost\r\n"
            assert status(there.talk(get + b"\r\n")) == 401
            assert status(there.talk(get + b"X-Tranship-Token: 0123456789abcdeF\r\n\r\n")) == 401
            assert status(there.talk(get + b"Authorization: Bearer 0123456789abcdef\r\n\r\n")) == 200
        assert len(there.handler.seen) == 1


def test_without_a_token_only_this_machines_name_is_answered():
    """A page whose name leads here (DNS rebinding) gets nothing but health; with a token the name does not count."""
    paths = (b"GET /a", b"GET /metrics", b"DELETE /_proxy/orders/A-1", b"GET /_proxy/documents/abc")
    with running() as open_, running(token="0123456789abcdef") as closed:
        for host in (
            b"evil.example",
            b"evil.example:8100",
            b"localhost.evil.example",
            b"127.0.0.1.evil.example",
            b"192.168.0.1",
            b"",
        ):
            for path in paths:
                answer = open_.talk(path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
                assert status(answer) == 403 and b"proxy:host" in answer and b'"sent":"no"' in answer, (path, host)
                assert b"evil" not in answer
            for path in (b"/healthz", b"/readyz"):
                assert status(open_.talk(b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")) == 200
        assert open_.handler.seen == []
        for host in (b"localhost", b"LOCALHOST:8100", b"127.0.0.1:8100", b"127.8.9.1", b"[::1]", b"[::1]:8100"):
            assert status(open_.talk(b"GET /a HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")) == 200, host
        shown = b"GET /a HTTP/1.1\r\nHost: proxy.example\r\nX-Tranship-Token: 0123456789abcdef\r\n\r\n"
        assert status(closed.talk(shown)) == 200
