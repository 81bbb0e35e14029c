"""What a face reads on a real socket: one way only, within its limits; where anybody may ask, two things more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.wire.serving import Served, status
from tranship.wire.asgi import App, Receive, Scope, Send

END = b"\r\n\r\n"
HOST = b"\r\nHost: x"


class Where(NamedTuple):
    """Settings with nothing but what the server asks for."""

    host: str = "127.0.0.1"
    port: int = 0
    head_bytes_max: int = 1_024
    head_timeout_s: float = 5


class Place(Served):
    """An application that answers with the client's address."""

    asked = 0

    def app(self) -> App:
        """It counts who asks."""
        return self._app

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        while (await receive()).get("more_body"):
            pass
        body = scope["client"][0].encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def ask(self, request: bytes, pieces: int = 1) -> tuple[int, bytes]:
        """The status (0 where the line was just closed) and body of what comes back for a request in so many pieces."""
        step = -(-len(request) // pieces)
        answer = self.talk(*(request[at : at + step] for at in range(0, len(request), step)))
        return status(answer), answer.partition(END)[2]


@contextmanager
def place(settings: Where | None = None, *, fronted: bool) -> Iterator[Place]:
    """A server until the block ends."""
    made = Place(settings or Where(), fronted=fronted)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module", params=[False, True], ids=["strict", "fronted"])
def there(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Both ways to listen."""
    with place(fronted=request.param) as found:
        yield found


UNCLEAR = {
    "absolute": b"GET http://other.example/a HTTP/1.1" + HOST + END,
    "two slashes": b"GET //other.example/a HTTP/1.1" + HOST + END,
    "asterisk": b"OPTIONS * HTTP/1.1" + HOST + END,
    "connect": b"CONNECT other.example:443 HTTP/1.1" + HOST + END,
    "fragment": b"GET /a#b HTTP/1.1" + HOST + END,
    "many headers": b"GET /a HTTP/1.1" + HOST + b"\r\na: b" * 80 + END,
    "length and chunks": b"POST /a HTTP/1.1" + HOST + b"\r\nContent-Length: 3\r\nTransfer-Encoding: chunked" + END + b"0" + END,
    "two lengths": b"POST /a HTTP/1.1" + HOST + b"\r\nContent-Length: 3\r\nContent-Length: 4" + END + b"abc",
    "trailer": b"POST /a HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: chunked" + END + b"1\r\na\r\n0\r\nX-B: c" + END,
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}  # fmt: skip


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_can_be_read_in_two_ways_is_not_answered(there: Place, name: str):
    """400 or a closed line, whole and in pieces, in words of ours."""
    for pieces in (1, 3):
        code, body = there.ask(UNCLEAR[name], pieces)
        assert (code, body) in {(0, b""), (400, b"The request cannot be read."), (200, b"127.0.0.1")}
        assert code != 200 or name == "trailer", "a head whose trailer comes later has been answered by then"


@pytest.mark.parametrize("header", [b"\r\nx-y: " + b"a" * 2_000, b"\r\nx-y: aaaaaaaaaaaaaaaa" * 50, b""])
def test_a_head_has_a_size_however_it_is_cut(there: Place, header: bytes):
    """A long one is refused whole, in two and in many pieces; a short one is answered each time."""
    before = there.asked
    for pieces in (1, 2, 40):
        code, _ = there.ask(b"GET /a HTTP/1.1" + HOST + header + END, pieces)
        assert code in ({0, 400} if header else {200})
    assert there.asked - before == (0 if header else 3)


def test_a_head_that_is_never_whole_is_let_go():
    """The line is closed when its time is over."""
    with place(Where(head_timeout_s=0.2), fronted=True) as there:
        with there.line() as line:
            line.sendall(b"GET /a HT")
            assert line.recv(100) == b""
        assert there.asked == 0


@pytest.mark.parametrize(("fronted", "code"), [(False, 400), (True, 200)], ids=["strict", "fronted"])
def test_old_clients_and_offers_are_for_faces_that_anybody_asks(fronted: bool, code: int):
    """HTTP/1.0 and an offer of another protocol are read there, and as HTTP/1.1; whom a load balancer asks for is believed."""
    offer = b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
    with place(fronted=fronted) as there:
        assert there.ask(b"GET /a HTTP/1.0" + END)[0] == code
        assert there.ask(b"GET /a HTTP/1.1" + HOST + offer + END)[0] == code
        asked_for = b"GET /a HTTP/1.1" + HOST + b"\r\nX-Forwarded-For: 192.0.2.7" + END
        assert there.ask(asked_for)[1] == (b"192.0.2.7" if fronted else b"127.0.0.1")
