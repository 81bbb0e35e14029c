"""The client tells what surely was not carried out from what may have been, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import pytest

from tranship.connectors.http import Bearer, HttpClient, LostError, Lwa, NotSentError, retry_after_ms
from tranship.connectors.port import Request, Response

GET = Request("get", "GET", "/orders/A-1", (("since", "a b&c"),))
PUT = Request("create", "POST", "/orders", body=b'{"id": "A-1"}')
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nX-Amzn-RateLimit-Limit: 2.0\r\n\r\n{}"


class Server:
    """Answers every request on a connection with what a function says; None breaks the connection, b"" keeps silent."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer, self.seen = answer, list[bytes]()
        self.tasks = set[asyncio.Task[None]]()

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                self.seen.append(head + await reader.readexactly(length))
                answer = self.answer(self.seen[-1])
                if answer is None:
                    break
                if answer == b"":
                    await asyncio.Event().wait()
                writer.write(answer)
                await writer.drain()
                if answer.startswith(b"BREAK") or b"Content-Length: 99" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine function to its end."""

    async def whole() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(whole())


def send(answer: bytes | None, request: Request = PUT, **more: int) -> tuple[Response | Exception, list[bytes]]:
    """What the client makes of an answer, and the requests that came to the server."""
    found: list[Response | Exception] = []
    seen: list[bytes] = []

    async def work() -> None:
        async with (
            Server(lambda _: answer) as server,
            HttpClient(server.url, timeout_ms=more.pop("timeout_ms", 2000), **more) as client,
        ):
            try:
                found.append(await client.send(request))
            except (LostError, NotSentError) as error:
                found.append(error)
            seen.extend(server.seen)

    run(work)
    return found[0], seen


def test_a_whole_answer_comes_back_with_its_headers():
    """Status, headers in lower case, body; the query is encoded and the body sent as it is."""
    answer, seen = send(OK, GET)
    assert isinstance(answer, Response) and (answer.status, answer.body) == (200, b"{}")
    assert answer.headers["x-amzn-ratelimit-limit"] == "2.0"
    assert seen[0].startswith(b"GET /orders/A-1?since=a%20b%26c HTTP/1.1")
    _, seen = send(OK)
    assert seen[0].endswith(b'\r\n\r\n{"id": "A-1"}') and b"content-type: application/json" in seen[0].lower()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, "reset"),
        (b"", "timeout"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "truncated"),
        (b"BREAK this is no HTTP\r\n\r\n", "garbled"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, "too_large"),
    ],
    ids=["reset", "hang", "truncated", "garbled", "large"],
)
def test_after_sending_nobody_knows(answer: bytes | None, kind: str):
    """Whatever goes wrong once bytes may have left: lost, and never "not sent"; it is not sent again."""
    error, seen = send(answer, timeout_ms=300, answer_bytes_max=1000)
    assert isinstance(error, LostError) and error.kind == kind
    assert len(seen) == 1 and "A-1" not in str(error)


def test_without_a_connection_nothing_was_sent():
    """A refused connection: surely not carried out."""

    async def work() -> None:
        async with Server(lambda _: OK) as server:
            url = server.url
        async with HttpClient(url) as client:
            with pytest.raises(NotSentError, match="connect"):
                await client.send(PUT)

    run(work)


def test_a_redirect_is_an_answer_and_not_followed():
    """Bytes go to the configured endpoint only."""
    answer, seen = send(b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(answer, Response) and answer.status == 307 and len(seen) == 1


def _token(number: int, seconds: int = 3600) -> bytes:
    body = b'{"access_token": "T%d", "token_type": "bearer", "expires_in": %d}' % (number, seconds)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    """Secrets of Login with Amazon in files."""
    found = {}
    for name in ("refresh_token", "client_id", "client_secret"):
        (tmp_path / name).write_text(f"{name}-value\n")
        found[name] = f"file:{tmp_path / name}"
    return found


def test_one_token_serves_all_and_is_bought_once(secrets: dict[str, str]):
    """Twenty calls at once buy one access token; the form has the secrets, the calls only the token."""

    async def work() -> None:
        async with Server(lambda _: _token(1)) as login, Server(lambda _: OK) as api:
            async with HttpClient(api.url, Lwa(login.url, secrets)) as client:
                answers = await asyncio.gather(*(client.send(PUT) for _ in range(20)))
            assert {answer.status for answer in answers} == {200} and len(login.seen) == 1
            assert b"POST /auth/o2/token" in login.seen[0] and b"refresh_token=refresh_token-value" in login.seen[0]
            assert all(b"x-amz-access-token: T1" in seen and b"-value" not in seen for seen in api.seen)

    run(work)


def test_a_token_that_ends_is_renewed(secrets: dict[str, str]):
    """One that has already ended when it comes is bought anew for each call."""

    async def work() -> None:
        numbers = iter(range(1, 9))
        async with Server(lambda _: _token(next(numbers), 0)) as login, Server(lambda _: OK) as api:
            async with HttpClient(api.url, Lwa(login.url, secrets)) as client:
                for _ in range(3):
                    await client.send(PUT)
            assert [b"T%d" % n in seen for n, seen in enumerate(api.seen, 1)] == [True] * 3

    run(work)


def test_a_refused_token_is_renewed_once_and_the_same_bytes_go_again(
    secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    """A 403 for an old token buys a new one; a 403 for the new one is the answer."""
    monkeypatch.setattr("tranship.connectors.http.TOKEN_YOUNG_S", -1)

    async def work() -> None:
        numbers = iter(range(1, 9))
        refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
        async with (
            Server(lambda _: _token(next(numbers))) as login,
            Server(lambda seen: OK if b"T2" in seen else refused) as api,
            HttpClient(api.url, Lwa(login.url, secrets)) as client,
        ):
            assert (await client.send(PUT)).status == 200
            bodies = [seen.partition(b"\r\n\r\n")[2] for seen in api.seen]
            assert bodies == [PUT.body, PUT.body] and len(login.seen) == 2

    run(work)


def test_a_young_token_that_is_refused_is_not_the_reason(secrets: dict[str, str]):
    """A 403 right after buying is the answer: no storm of purchases."""

    async def work() -> None:
        refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
        async with Server(lambda _: _token(1)) as login, Server(lambda _: refused) as api:
            async with HttpClient(api.url, Lwa(login.url, secrets)) as client:
                for _ in range(5):
                    assert (await client.send(PUT)).status == 403
            assert (len(login.seen), len(api.seen)) == (1, 5)

    run(work)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, "login"),
        (b"HTTP/1.1 503 Down\r\nContent-Length: 2\r\n\r\n{}", "login"),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}", "token"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "token"),
    ],
)
def test_without_a_token_nothing_is_sent(secrets: dict[str, str], answer: bytes | None, kind: str):
    """Login down, refused or talking nonsense: the call surely did not leave."""

    async def work() -> None:
        async with Server(lambda _: answer) as login, Server(lambda _: OK) as api:
            async with HttpClient(api.url, Lwa(login.url, secrets)) as client:
                with pytest.raises(NotSentError, match=kind):
                    await client.send(PUT)
            assert not api.seen

    run(work)


def test_a_secret_that_is_not_there_sends_nothing():
    """And the error names no secret."""

    async def work() -> None:
        async with Server(lambda _: OK) as api:
            for auth in (Lwa(api.url, {}), Bearer("env:TRANSHIP_TEST_NOT_SET")):
                async with HttpClient(api.url, auth) as client:
                    with pytest.raises(NotSentError, match="secret"):
                        await client.send(PUT)
            assert not api.seen

    run(work)


def test_a_changed_bearer_token_is_read_anew(tmp_path: Path):
    """A person replaces the token in its file: the next refusal picks it up."""
    file = tmp_path / "token"
    file.write_text("old")
    refused = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"

    async def work() -> None:
        async with Server(lambda seen: OK if b"Bearer new" in seen else refused) as api:
            async with HttpClient(api.url, Bearer(f"file:{file}")) as client:
                assert (await client.send(PUT)).status == 401
                file.write_text("new")
                assert (await client.send(PUT)).status == 200
            assert len(api.seen) == 3

    run(work)


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({"retry-after": "3"}, 3000),
        ({"retry-after": "0.25"}, 250),
        ({"retry-after": "9e99"}, 3_600_000),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "x-amzn-ratelimit-limit": "2.0"}, 500),
        ({"x-amzn-ratelimit-limit": "0"}, 0),
        ({"x-amzn-ratelimit-limit": "nan", "retry-after": "-1"}, 0),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(headers: dict[str, str], wait_ms: int):
    """Seconds to wait, else one slot of the published rate; nonsense means nothing."""
    assert retry_after_ms(headers) == wait_ms
