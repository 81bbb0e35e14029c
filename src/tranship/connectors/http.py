"""The HTTP client of every connector: sends a `Request`, tells what certainly was not sent from what may have been carried out.

It talks to the configured endpoint and nothing else, follows no redirect, keeps no cookies, takes no proxy from the environment,
and limits how much of an answer it reads. It neither retries nor waits: that is for whoever knows what the call is about.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol, Self
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

from tranship.connectors.port import Request, Response
from tranship.connectors.secrets import secret
from tranship.core.errors import InputError, TranshipError
from tranship.core.secret import Secret

ANSWER_BYTES_MAX = 16 * 1024 * 1024
"""Longest answer that is read; a longer one counts as lost."""
TOKEN_MARGIN_S = 60
"""A token is renewed so long before it ends."""
TOKEN_YOUNG_S = 5
"""A token that is refused at this age is not renewed again: it is not the token."""


class NotSentError(TranshipError):
    """Surely not carried out: no connection, no name, no token. `kind`: connect | timeout | tls | login | secret | token.

    `login`: whoever gives tokens out is down; `token`: he was asked, and gave none.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"not sent ({kind})")


class LostError(TranshipError):
    """May have been carried out, now or later: nobody knows. `kind`: timeout | reset | truncated | garbled | too_large.

    `sent` is whether the whole request is known to have left.
    """

    def __init__(self, kind: str, *, sent: bool) -> None:
        self.kind, self.sent = kind, sent
        super().__init__(f"answer lost ({kind})")


class Auth(Protocol):
    """How requests prove who sends them."""

    async def headers(self, session: aiohttp.ClientSession) -> Mapping[str, str]:
        """Headers for one request; raises NotSentError where there is no proof to be had."""

    def refused(self, headers: Mapping[str, str]) -> bool:
        """The network refused these: whether another try with new ones makes sense."""


class NoAuth:
    """Nothing: for endpoints that ask for nothing."""

    async def headers(self, session: aiohttp.ClientSession) -> Mapping[str, str]:  # noqa: ARG002
        """No headers."""
        return {}

    def refused(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002
        """Never again: there is nothing else to show."""
        return False


class Bearer:
    """A token that a person made, read from where the connection says; read anew when it is refused (it may have been changed)."""

    def __init__(
        self, reference: str, where: str = "", *, header: str = "Authorization", prefix: str = "Bearer "
    ) -> None:
        self._reference, self._where, self._header, self._prefix = reference, where, header, prefix
        self._token = Secret("")

    async def headers(self, session: aiohttp.ClientSession) -> Mapping[str, str]:  # noqa: ARG002
        """The header with the token."""
        self._token = self._token or _secret(self._reference, self._where)
        return {self._header: self._prefix + self._token.reveal()}

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Worth another try only where the token has been changed meanwhile."""
        fresh = _secret(self._reference, self._where)
        changed = headers.get(self._header) != self._prefix + fresh.reveal()
        self._token = fresh
        return changed


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int = 3600

    def __repr__(self) -> str:
        return "_Token(***)"


class Lwa:
    """Login with Amazon: a refresh token buys an access token for an hour. One purchase at a time, whoever waits shares it."""

    def __init__(
        self, auth_endpoint: str, secrets: Mapping[str, str], where: str = "", *, timeout_ms: int = 8_000
    ) -> None:
        self._url = URL(auth_endpoint + "/auth/o2/token", encoded=True)
        self._secrets, self._where, self._timeout_s = secrets, where, timeout_ms / 1000
        self._token, self._since, self._until = Secret(""), 0.0, 0.0
        self._lock = asyncio.Lock()

    async def headers(self, session: aiohttp.ClientSession) -> Mapping[str, str]:
        """The access token, bought or renewed where it is about to end."""
        clock = asyncio.get_running_loop().time
        if not self._token or clock() >= self._until:
            async with self._lock:
                if not self._token or clock() >= self._until:
                    bought = await self._buy(session)
                    self._token, self._since = Secret(bought.access_token), clock()
                    self._until = self._since + max(bought.expires_in - TOKEN_MARGIN_S, bought.expires_in // 2)
        return {"x-amz-access-token": self._token.reveal()}

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Worth another try with a new token, or with one that somebody else has bought meanwhile."""
        if headers.get("x-amz-access-token") != self._token.reveal():
            return True
        if asyncio.get_running_loop().time() - self._since < TOKEN_YOUNG_S:
            return False
        self._token = Secret("")
        return True

    async def _buy(self, session: aiohttp.ClientSession) -> _Token:
        names = ("refresh_token", "client_id", "client_secret")
        form = {name: _secret(self._secrets.get(name, ""), f"{self._where} secrets.{name}").reveal() for name in names}
        form["grant_type"] = "refresh_token"
        try:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            async with session.post(self._url, data=form, allow_redirects=False, timeout=timeout) as answer:
                body = await answer.content.read(ANSWER_BYTES_MAX)
                if answer.status != 200:
                    raise NotSentError("login" if answer.status >= 500 or answer.status == 429 else "token")
                return msgspec.json.decode(body, type=_Token)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise NotSentError("login") from None
        except msgspec.DecodeError:
            raise NotSentError("token") from None


class HttpClient:
    """Sends requests to one endpoint. Use as `async with HttpClient(...) as client`, or call `close`."""

    def __init__(
        self, endpoint: str, auth: Auth | None = None, timeout_ms: int = 8_000, *, at_once: int = 64,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
    ) -> None:  # fmt: skip
        self._endpoint, self._auth = endpoint.rstrip("/"), auth or NoAuth()
        self._timeout = aiohttp.ClientTimeout(total=timeout_ms / 1000, connect=timeout_ms / 2000)
        self._at_once, self._most = at_once, answer_bytes_max
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request) -> Response:
        """The whole answer, whatever its status. A refused token is renewed once, and the same bytes are sent again.

        Raises:
            NotSentError: it surely was not carried out.
            LostError: it may have been.
        """
        session = self._opened()
        proof = await self._auth.headers(session)
        answer = await self._once(session, request, proof)
        if answer.status in {401, 403} and self._auth.refused(proof):
            answer = await self._once(session, request, await self._auth.headers(session))
        return answer

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._at_once),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "tranship", "Accept": "application/json"},
                timeout=self._timeout,
            )
        return self._session

    async def _once(self, session: aiohttp.ClientSession, request: Request, proof: Mapping[str, str]) -> Response:
        assert request.path.startswith("/"), "a path begins with a slash"
        query = "?" + urlencode(request.query, quote_via=quote, safe="") if request.query else ""
        headers = {**dict(request.headers), **proof}
        if request.body:
            headers.setdefault("Content-Type", "application/json")
        try:
            async with session.request(
                request.method, URL(self._endpoint + request.path + query, encoded=True),
                data=request.body or None, headers=headers, allow_redirects=False,
            ) as answer:  # fmt: skip
                return Response(answer.status, _lower(answer.headers), await self._whole(answer))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            tls = isinstance(error, aiohttp.ClientSSLError)
            kind = "timeout" if isinstance(error, TimeoutError) else "tls" if tls else "connect"
            raise NotSentError(kind) from None
        except TimeoutError:
            raise LostError("timeout", sent=True) from None
        except aiohttp.ClientPayloadError:
            raise LostError("truncated", sent=True) from None
        except (aiohttp.ClientConnectionError, OSError):
            raise LostError("reset", sent=False) from None
        except (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError):
            raise LostError("garbled", sent=True) from None

    async def _whole(self, answer: aiohttp.ClientResponse) -> bytes:
        pieces, size = [], 0
        async for piece in answer.content.iter_any():
            size += len(piece)
            if size > self._most:
                answer.close()
                raise LostError("too_large", sent=True)
            pieces.append(piece)
        return b"".join(pieces)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers.items():
        found.setdefault(name.lower(), value)
    return found


def _secret(reference: str, where: str) -> Secret:
    try:
        return secret(reference, where)
    except InputError:
        raise NotSentError("secret") from None


def retry_after_ms(headers: Mapping[str, str], most_ms: int = 3_600_000) -> int:
    """How long a network asks to wait: `Retry-After` in seconds, else one slot of `x-amzn-RateLimit-Limit` (calls a second); 0: not said.

    >>> retry_after_ms({"retry-after": "2"}), retry_after_ms({"x-amzn-ratelimit-limit": "0.5"}), retry_after_ms({})
    (2000, 2000, 0)
    """
    wait_s = _number(headers.get("retry-after", ""))
    if wait_s < 0:
        rate = _number(headers.get("x-amzn-ratelimit-limit", ""))
        wait_s = 1 / rate if rate > 0 else 0
    return int(min(most_ms, wait_s * 1000))


def _number(text: str) -> float:
    """The number that a header says; -1 where it says none."""
    try:
        number = float(text)
    except ValueError:
        return -1
    return number if 0 <= number < float("inf") else -1
