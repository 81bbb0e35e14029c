"""The outermost layer: who may come in, how often, and under which name. Everything below it may trust what it lets through."""

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie

from tranship.api import problems
from tranship.api.problems import ProblemError
from tranship.api.settings import ApiSettings
from tranship.connectors.settings import is_loopback
from tranship.wire.asgi import App, Message, Receive, Scope, Send
from tranship.wire.settings import is_local_name

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/sign-in"})
"""What needs no token: whether the service is up, and the page that asks for one."""
HOOKS = "/v1/hooks/"
"""Below this networks talk to us: they have no token, each message carries a signature of its own."""
STREAMS = frozenset({"/v1/events", "/live"})
"""What never ends has no length to ask for: no HEAD."""
COOKIE = "tranship_session"
MOST_CALLERS = 10_000
"""Callers whose bucket is remembered; the one that was quiet longest is forgotten first."""
HEADERS = (
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""On every answer that does not say otherwise."""


class Buckets:
    """A token bucket per caller: `rate` tokens a second, at most `burst` at once."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self.rate_per_s, self.burst = rate_per_s, burst
        self._callers: OrderedDict[str, tuple[float, float]] = OrderedDict()  # caller -> (tokens, when)

    def wait_s(self, caller: str, now: float, cost: float = 1) -> float:
        """Take `cost` tokens and return 0, or take none and return the seconds until there are enough."""
        if self.rate_per_s <= 0:
            return 0
        tokens, when = self._callers.pop(caller, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - when) * self.rate_per_s)
        wait = 0.0 if tokens >= cost else (cost - tokens) / self.rate_per_s
        self._callers[caller] = (tokens - cost if not wait else tokens, now)
        if len(self._callers) > MOST_CALLERS:
            self._callers.popitem(last=False)
        return wait

    async def taken(self, caller: str) -> None:
        """Take one token, waiting for it."""
        wait = self.wait_s(caller, time.monotonic())
        if wait:
            await asyncio.sleep(wait)
            self.wait_s(caller, time.monotonic())


class Guard:
    """ASGI around the application: host, token, rate and number of requests; headers on every answer; HEAD as GET."""

    def __init__(self, app: App, settings: ApiSettings, buckets: Buckets) -> None:
        self._app, self._settings, self._buckets = app, settings, buckets
        self._token = settings.token.encode()
        self._local = is_loopback(settings.host)
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's start and end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, head=scope["method"] == "HEAD")
        error = self._refusal(scope)
        if error is not None:
            await _refuse(error, scope, answer.send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        self.requests += 1
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:  # the service stops and has waited for this long enough
            if not answer.started:
                await _refuse(problems.busy("the service is stopping"), scope, answer.send)
        finally:
            self.requests -= 1

    def _refusal(self, scope: Scope) -> ProblemError | None:
        headers = dict(scope["headers"])
        if self._local and not is_local_name(headers.get(b"host", b"")):
            detail = "this service answers to localhost; a page from elsewhere may not talk to it"
            return ProblemError(421, "wrong-host", "This is not the host that was meant", detail)
        if self.requests >= self._settings.requests_max:
            return problems.busy("more requests at a time than this service takes")
        if self._token and not _is_open(scope["path"]) and not self._known(scope, headers):
            if scope["method"] in ("GET", "HEAD") and b"text/html" in headers.get(b"accept", b""):
                return ProblemError(303, "sign-in", "Sign in first", "", headers={"location": "/sign-in"})
            return problems.unauthorized()
        if scope["method"] == "HEAD" and scope["path"] in STREAMS:
            return ProblemError(
                405, "method-not-allowed", "Method Not Allowed", "allowed: GET", headers={"allow": "GET"}
            )
        client = scope.get("client")
        wait = self._buckets.wait_s(client[0] if client else "", time.monotonic())
        return problems.too_many(wait) if wait else None

    def _known(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer" and hmac.compare_digest(shown.strip(), self._token):
            return True
        # The cookie of a signed-in browser opens what is read; what changes something needs the header, which no
        # page from elsewhere can send.
        if scope["method"] not in ("GET", "HEAD"):
            return False
        try:
            cookie = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), session_of(self._token).encode())


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(HOOKS)


def session_of(token: bytes) -> str:
    """What a signed-in browser's cookie holds: follows from the token, does not give it away, ends with it."""
    return hmac.digest(token, b"tranship session 1", hashlib.sha256).hex()


class _Answer:
    """Adds the headers; for HEAD leaves the body out."""

    def __init__(self, send: Send, *, head: bool) -> None:
        self._send, self._head = send, head
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            known = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in known)]
        elif message["type"] == "http.response.body" and self._head:
            message["body"] = b""
        await self._send(message)


async def _refuse(error: ProblemError, scope: Scope, send: Send) -> None:
    body = b"" if error.problem.status == 303 else problems.body_of(error, scope["path"])
    headers = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in error.headers.items()]
    await send({"type": "http.response.start", "status": error.problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
