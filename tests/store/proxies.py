"""A wire that fails on purpose: a proxy before PostgreSQL that breaks the connection around one COMMIT."""

import socket
import tempfile
import threading
from pathlib import Path
from typing import Literal

How = Literal["", "request lost", "reply lost"]


class Wire:
    """Listens in a folder of its own and passes everything on; `arm` plants one failure at the next COMMIT."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._holder = tempfile.TemporaryDirectory(prefix="wire")
        self.folder = Path(self._holder.name)
        self._how: How = ""
        self.broken = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / target.name))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def arm(self, how: How) -> None:
        """The next COMMIT does not arrive, or its answer does not."""
        self._how = how

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._target))
            deaf = threading.Event()
            for pump in (self._forward, self._back):
                thread = threading.Thread(target=pump, args=(client, server, deaf), daemon=True)
                thread.start()
                self._threads.append(thread)

    def _forward(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        while data := _received(client):
            if self._how and b"COMMIT" in data:
                how, self._how = self._how, ""
                self.broken += 1
                if how == "request lost":
                    break
                deaf.set()
                server.sendall(data)
                return  # `_back` hears the answer, tells nobody and hangs up
            server.sendall(data)
        _hang_up(client, server)

    def _back(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        while data := _received(server):
            if deaf.is_set():
                break
            try:
                client.sendall(data)
            except OSError:
                break
        _hang_up(client, server)

    def close(self) -> None:
        """No new connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._holder.cleanup()


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 16)
    except OSError:
        return b""


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()
