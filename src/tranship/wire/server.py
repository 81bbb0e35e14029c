"""Serving an application on one address until a signal comes: uvicorn, with an end that answers what is under way."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import uvicorn

from tranship.core.errors import UnavailableError
from tranship.wire.asgi import App
from tranship.wire.reading import HeadLimits, protocol

KEEP_ALIVE_S = 75
BACKLOG = 1024
DRAIN_S = 10
"""Real seconds that requests under way get at the end."""


class Listening(HeadLimits, Protocol):
    """What a face's settings say of where it listens."""

    @property
    def host(self) -> str:
        """A name or address of this machine."""

    @property
    def port(self) -> int:
        """0: any free one."""


class Server(uvicorn.Server):
    """uvicorn's server, told to stop from outside and by signals alike; `stopping` is set at once, for streams to end.

    `fronted`: for clients of any kind and for load balancers, see `Strict`; where one on this machine says for whom it asks
    (X-Forwarded-For), that is believed. `reload` is what a HUP calls. `certificate`, `certificate_key`: PEM files, for TLS.
    """

    def __init__(
        self, app: App, settings: Listening, *, fronted: bool = False, drain_s: int = DRAIN_S,
        reload: Callable[[], None] | None = None, certificate: str = "", certificate_key: str = "",
    ) -> None:  # fmt: skip
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            interface="asgi3",
            loop="none",
            http=protocol(settings, fronted=fronted),
            ws="none",
            lifespan="off",
            access_log=False,  # paths hold order ids, and addresses of what people look at are nobody's business
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=fronted,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=drain_s,
            backlog=BACKLOG,
            ssl_certfile=certificate or None,
            ssl_keyfile=certificate_key or None,
        )
        super().__init__(config)
        self.stopping = asyncio.Event()
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
        """Stop on INT and TERM. uvicorn would raise the signal again at the end, before what is behind it is closed."""
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
        self.stopping.set()

    async def run_until_stopped(self) -> None:
        """Serve; UnavailableError where the port cannot be had."""
        await self.serve()
        if self.failed:
            host, port = self.config.host, self.config.port
            raise UnavailableError(
                f"{host}:{port} cannot be listened on: it is in use, or not an address of this machine"
            )
