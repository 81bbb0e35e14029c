"""The wire towards clients: uvicorn's HTTP/1.1, stricter. What could be read in two ways is not read at all."""

import asyncio
import contextlib
import gc
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tranship.core.errors import UnavailableError
from tranship.proxy.settings import ProxySettings

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEEP_ALIVE_S = 75
SWITCH_S = 0.0005
"""How long the vault's writer waits for the interpreter at most while requests keep it busy: Python's own 5 ms is longer than a commit."""
DRAIN_S = 10
"""Real seconds that requests under way get at the end."""
HEADERS_MAX = 64
"""Headers of one request."""
_UNREADABLE = "The request cannot be read."


class UnclearError(Exception):
    """A request that a second reader might read differently."""


class Strict(HttpToolsProtocol):
    """Uvicorn's protocol with limits on the head, without absolute addresses, trailers, upgrades or HTTP/1.0."""

    settings: ProxySettings
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = _held_bytes = 0
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection: its first head is due."""
        super().connection_made(transport)
        self._start_head()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        super().data_received(data)
        if self._in_head:  # pieces of a name or value that the parser still holds back
            self._held_bytes += len(data)
            if self._held_bytes > 2 * self.settings.head_bytes_max:
                self.send_400_response(_UNREADABLE)

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._in_head:  # a further request on the same connection
            self._start_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the head; UnclearError for one behind the body."""
        # A header behind the body (a trailer) could be taken for one of the head, and one too many hides another.
        if not self._in_head or len(self.headers) >= HEADERS_MAX or not name:
            raise UnclearError
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """The head is whole; UnclearError where it can be read in two ways."""
        self._end_head()
        # `GET http://elsewhere/` and `CONNECT` ask for another host than ours; `//` hides one. A fragment is never sent.
        if not self.url.startswith(b"/") or self.url.startswith(b"//") or b"#" in self.url:
            raise UnclearError
        if self.parser.get_http_version() != "1.1" or self.parser.should_upgrade():
            raise UnclearError
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words are not for clients
        """Refuse in words of ours: the parser's are not for clients."""
        if not self.transport.is_closing():
            super().send_400_response(_UNREADABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._end_head()
        super().connection_lost(exc)

    def _start_head(self) -> None:
        self._in_head, self._head_bytes, self._held_bytes = True, 0, 0
        self._head_timer = self.loop.call_later(self.settings.head_timeout_s, self._let_go)

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.settings.head_bytes_max:
            raise UnclearError

    def _let_go(self) -> None:
        if self._in_head and not self.transport.is_closing():
            self.transport.close()


def protocol(settings: ProxySettings) -> type[Strict]:
    """The protocol under these settings."""
    return type("Limited", (Strict,), {"settings": settings})


def calm() -> None:
    """Tune the interpreter for a process that does nothing else: threads that wait have their turn soon, garbage is looked for less often.

    A request leaves nothing in cycles behind, reference counts free it.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Server(uvicorn.Server):
    """uvicorn's server: stops on INT and TERM with what is under way answered, reads the policy anew on HUP."""

    def __init__(self, app: App, settings: ProxySettings, reload: Callable[[], None] | None = None) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="none",
            http=protocol(settings),
            ws="none",
            lifespan="off",
            access_log=False,  # paths hold order ids
            log_config=None,
            server_header=False,
            proxy_headers=False,  # whoever sends X-Forwarded-For is who he is
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
            backlog=1024,
            ssl_certfile=settings.certificate or None,
            ssl_keyfile=settings.certificate_key or None,
        )
        super().__init__(config)
        self.up = asyncio.Event()
        self.failed = False
        self._reload = reload

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then say so."""
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn's way to say that the port is taken
            self.failed = True
            self.should_exit = True
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals on the main thread. uvicorn would raise them again at the end, before the vault is closed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        actions = {signal.SIGINT: self.stop, signal.SIGTERM: self.stop}
        if self._reload is not None:
            actions[signal.SIGHUP] = self._reload
        for number, action in actions.items():
            loop.add_signal_handler(number, action)
        try:
            yield
        finally:
            for number in actions:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Stop: requests under way are answered first. The second time, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def run_until_stopped(self) -> None:
        """Serve; UnavailableError where the port cannot be had."""
        await self.serve()
        if self.failed:
            host, port = self.config.host, self.config.port
            raise UnavailableError(
                f"{host}:{port} cannot be listened on: it is in use, or not an address of this machine"
            )
