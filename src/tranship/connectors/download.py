"""Fetching a document from an address that a network gave out: one GET to a host on a list, in pieces, and nothing of ours goes with it.

No token, no cookie, no redirect, no proxy of the environment; verified TLS everywhere but on this machine. What is in the document is for
the caller to judge: nothing is decompressed here.
"""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from tranship.connectors.http import LostError, NotSentError
from tranship.connectors.settings import is_loopback
from tranship.core.errors import InputError

URL_MOST = 8_192
PIECE_BYTES = 1 << 16
_HOST = re.compile(r"(?=.{4,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)


def check_host(host: str, where: str) -> str:
    """A host as the list has it: `name.example` (https), or `http://127.0.0.1:PORT` on this machine. InputError where it is neither."""
    if _HOST.fullmatch(host):
        return host
    if not _is_ours(host):
        raise InputError("is no host", where=where, hint="Write a name such as bucket.s3.amazonaws.com: https is used.")
    return host


def _is_ours(origin: str) -> bool:
    """Whether it is an origin on this machine."""
    try:
        parts = urlsplit(origin)
        return (
            origin == f"http://{parts.netloc}"
            and "@" not in origin
            and is_loopback(parts.hostname or "")
            and (parts.port or 80) > 0
        )
    except ValueError:
        return False


def may_fetch(url: str, hosts: Iterable[str]) -> bool:
    """Whether an address may be fetched: https at a host of the list, on its usual port, or exactly an origin of the list.

    >>> may_fetch("https://bucket.example/a?b=c", ["bucket.example"]), may_fetch("https://bucket.example:444/a", ["bucket.example"])
    (True, False)
    """
    if len(url) > URL_MOST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or parts.fragment:
        return False
    if parts.scheme == "http":
        return f"http://{parts.netloc}" in hosts
    return parts.scheme == "https" and port in {None, 443} and (parts.hostname or "") in hosts


class Answer:
    """A document that is there. `charset`: what the sender says it is in, "" where it says nothing."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        found = _CHARSET.search(answer.headers.get("Content-Type", ""))
        self.charset = found.group(1).lower() if found else ""

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it. LostError where it ends too early."""
        try:
            async for piece in self._answer.content.iter_chunked(PIECE_BYTES):
                yield piece
        except TimeoutError:
            raise LostError("timeout", sent=True) from None
        except aiohttp.ClientPayloadError:
            raise LostError("truncated", sent=True) from None
        except (aiohttp.ClientError, OSError):
            raise LostError("reset", sent=True) from None


class Download:
    """Fetches documents. Close it in the end."""

    def __init__(self, timeout_s: float) -> None:
        """`timeout_s`: for a whole document."""
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(timeout_s, 10))
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncIterator[Answer]:
        """The document at an address that `may_fetch` allows.

        Raises:
            NotSentError: it could not be asked for.
            LostError: it is not there any more (`status`), or its answer makes no sense.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "tranship", "Accept": "*/*"},
                skip_auto_headers=("Accept-Encoding",), auto_decompress=False, timeout=self._timeout,
            )  # fmt: skip
        try:
            answer = await self._session.get(URL(url, encoded=True), allow_redirects=False)
        except TimeoutError:
            raise NotSentError("timeout") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotSentError("tls" if isinstance(error, aiohttp.ClientSSLError) else "connect") from None
        try:
            if answer.status != 200:
                raise LostError("status", sent=True)
            yield Answer(answer)
        finally:
            answer.close()
