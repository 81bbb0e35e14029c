"""The wire: uvicorn with limits that it lacks. A caller that sends its request line and headers drop by drop is let go."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tranship.api.guard import App
from tranship.api.settings import ApiSettings
from tranship.core.errors import UnavailableError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
KEEP_ALIVE_S = 75
DRAIN_S = 5
"""Real seconds that requests under way get at the end."""


class _TooLargeError(Exception):
    """A head with more bytes than the settings allow."""


def protocol(settings: ApiSettings) -> type[HttpToolsProtocol]:
    """Uvicorn's HTTP/1.1 protocol with a limit of time and bytes on request line and headers."""

    class Limited(HttpToolsProtocol):
        _head_timer: asyncio.TimerHandle | None = None
        _head_bytes = _held_bytes = 0
        _in_head = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._in_head:  # pieces of a name or value that the parser still holds back
                self._held_bytes += len(data)
                if self._held_bytes > settings.head_bytes_max:
                    self._too_large()

        def on_url(self, url: bytes) -> None:
            super().on_url(url)
            self._count(len(url))

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)
            self._count(len(name) + len(value))

        def on_message_begin(self) -> None:
            if not self._in_head:  # a further request on the same connection
                self._start_head()
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._end_head()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_head()
            super().connection_lost(exc)

        def _start_head(self) -> None:
            self._in_head, self._head_bytes, self._held_bytes = True, 0, 0
            self._head_timer = self.loop.call_later(settings.head_timeout_s, self._let_go)

        def _end_head(self) -> None:
            self._in_head = False
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _count(self, size: int) -> None:
            """Also of a head that came whole in one packet. What is raised in here ends the request with a 400."""
            self._head_bytes += size
            if self._head_bytes > settings.head_bytes_max:
                raise _TooLargeError

        def _too_large(self) -> None:
            if not self.transport.is_closing():
                self.send_400_response("The request line and headers are too large.")

        def _let_go(self) -> None:
            if self._in_head and not self.transport.is_closing():
                self.transport.close()

    return Limited


class Server(uvicorn.Server):
    """uvicorn's server, told to stop from outside and by signals alike; `stopping` is set at once, for streams to end."""

    def __init__(self, app: App, settings: ApiSettings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="none",
            http=protocol(settings),
            ws="none",
            lifespan="off",
            access_log=False,  # addresses of what people look at are nobody's business
            log_level="warning",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
            backlog=1024,
        )
        super().__init__(config)
        self.stopping = asyncio.Event()
        self.up = asyncio.Event()
        self.failed = False

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
        """Stop on INT and TERM. uvicorn would raise the signal again at the end, before the engine is closed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Stop: requests under way are answered first. The second time, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self.stopping.set()

    async def run_until_stopped(self) -> None:
        """Serve; UnavailableError where the port cannot be had."""
        await self.serve()
        if self.failed:
            host, port = self.config.host, self.config.port
            raise UnavailableError(
                f"{host}:{port} cannot be listened on: it is in use, or not an address of this machine"
            )
