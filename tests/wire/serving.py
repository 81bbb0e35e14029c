"""An application on a real socket for tests, and raw requests to it."""

import asyncio
import socket
import threading

from tranship.wire.asgi import App
from tranship.wire.server import Listening, Server

DEADLINE_S = 20


class Served:
    """What listens on a free port of loopback, on a thread of its own, until `stop`."""

    def __init__(self, settings: Listening, *, fronted: bool = False) -> None:
        self.server: Server
        self.loop: asyncio.AbstractEventLoop
        self._settings, self._fronted = settings, fronted
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._up.wait(DEADLINE_S)

    def app(self) -> App:
        """What is served, made on the event loop."""
        raise AssertionError("every kind serves something")

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.server = Server(self.app(), self._settings, fronted=self._fronted)
        task = asyncio.create_task(self.server.run_until_stopped())
        await self.server.up.wait()
        self._up.set()
        await task

    def stop(self) -> None:
        """End it."""
        self.loop.call_soon_threadsafe(self.server.stop)
        self._thread.join(DEADLINE_S)

    def line(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=DEADLINE_S)

    def talk(self, *pieces: bytes) -> bytes:
        """Send pieces on one connection; everything that comes back until the other side is quiet or closes."""
        with self.line() as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for piece in pieces:
                    line.sendall(piece)
                line.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it hung up on us, which is one way to refuse
            found = b""
            try:
                while more := line.recv(65_536):
                    found += more
            except ConnectionError:
                pass
        return found


def status(answer: bytes) -> int:
    """The first answer's status; 0 where there was none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
