"""Which addresses documents are fetched from: hosts on a list, over TLS, in one reading only."""

import asyncio
import socket
import threading

import pytest

from tranship.connectors.download import Download, check_host, may_fetch
from tranship.connectors.http import LostError, NotSentError
from tranship.core.errors import InputError

HOSTS = ("bucket.example", "http://127.0.0.1:8123")


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://bucket.example/a%2Fb?X-Sig=1", True),
        ("https://bucket.example:443/a", True),
        ("https://BUCKET.example/a", True),
        ("http://127.0.0.1:8123/a", True),
        ("http://bucket.example/a", False),
        ("https://bucket.example:444/a", False),
        ("https://bucket.example.evil.example/a", False),
        ("https://evil.example/bucket.example", False),
        ("https://bucket.example@evil.example/a", False),
        ("https://evil.example\\@bucket.example/a", False),
        ("https://bucket.example\t.evil.example/", False),
        ("https://bucket.ex\u0430mple/a", False),  # a letter of another script
        ("https://bucket.example/a#b", False),
        ("https://bucket.example:x/a", False),
        ("http://127.0.0.1:8124/a", False),
        ("http://127.0.0.1:8123@evil.example/", False),
        ("ftp://bucket.example/a", False),
        ("//bucket.example/a", False),
        ("https:bucket.example/a", False),
        ("https://bucket.example/" + "a" * 9_000, False),
        ("", False),
    ],
    ids=range(21),
)
def test_only_hosts_of_the_list_are_fetched_from(url: str, may: bool):
    """Whatever could be read in two ways, or leads elsewhere, is not fetched."""
    assert may_fetch(url, HOSTS) is may


NO_HOSTS = (
    "", "bucket", "https://bucket.example", "bucket.example/a", "*.example", "http://bucket.example", "http://127.0.0.1:1/a",
    "http://a@127.0.0.1", "http://127.0.0.1:x", "BUCKET.example", "a..b",
)  # fmt: skip


@pytest.mark.parametrize("host", NO_HOSTS)
def test_a_host_is_a_name(host: str):
    """No address, no pattern, no port; an origin on this machine is for tests and stand-ins."""
    with pytest.raises(InputError, match="is no host"):
        check_host(host, "--document-host")
    assert check_host("bucket.s3.amazonaws.com", "") and check_host("http://127.0.0.1:8123", "")


def fetch(port: int, timeout_s: float = 5) -> tuple[str, bytes]:
    """A document from a port of this machine: its charset, and its bytes."""

    async def main() -> tuple[str, bytes]:
        download = Download(timeout_s)
        try:
            async with download.fetch(f"http://127.0.0.1:{port}/doc") as answer:
                return answer.charset, b"".join([piece async for piece in answer.pieces()])
        finally:
            await download.close()

    return asyncio.run(main())


def serve(told: bytes) -> int:
    """A port that says this once, whatever it is asked."""
    listening = socket.create_server(("127.0.0.1", 0))

    def one() -> None:
        line, _ = listening.accept()
        line.recv(65_536)
        line.sendall(told)
        line.close()
        listening.close()

    threading.Thread(target=one, daemon=True).start()
    return int(listening.getsockname()[1])


def test_what_arrives_is_what_was_sent_and_nothing_is_opened():
    """Also where the sender says that it is compressed: who reads it opens it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=Cp1252\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
    assert fetch(serve(head + b"\x1f\x8babc")) == ("cp1252", b"\x1f\x8babc")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", "truncated"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "status"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nsecret", "status"),
    ],
    ids=["truncated", "redirect", "forbidden"],
)
def test_half_a_document_is_none(told: bytes, kind: str):
    """Nor is a redirect, or a page that says why not."""
    with pytest.raises(LostError) as caught:
        fetch(serve(told))
    assert caught.value.kind == kind and "secret" not in str(caught.value)


def test_nobody_there():
    """It was not asked for then."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSentError):
        fetch(port)
