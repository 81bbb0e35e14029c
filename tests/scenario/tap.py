"""A tap on loopback between the service and a network: every byte that passes is kept, in both directions."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

WAIT_S = 20
PIECE = 65_536


class Tap:
    """`url` is where the service sends to; `sent` and `came` are what passed, connection by connection.

    `swap`: what comes back has the second in place of the first, of the same length: a network that mixes orders up.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.sent: list[bytearray] = []
        self.came: list[bytearray] = []
        self.swap: tuple[bytes, bytes] = (b"", b"")

    def bodies(self, method: bytes, path: bytes) -> list[bytes]:
        """Bodies of the requests of this method whose path begins so."""
        found = []
        for stream in self.sent:
            rest = bytes(stream)
            while rest:
                head, _, rest = rest.partition(b"\r\n\r\n")
                lines = head.split(b"\r\n")
                sizes = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
                size = sizes[0] if sizes else 0
                if lines[0].startswith(method + b" " + path):
                    found.append(rest[:size])
                rest = rest[size:]
        return found


def _pump(source: socket.socket, target: socket.socket, kept: bytearray, tap: Tap) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            if tap.swap[0] and any(kept is each for each in tap.came):
                piece = piece.replace(*tap.swap)
            kept += piece
            target.sendall(piece)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def tapped(target: str) -> Iterator[Tap]:
    """Listens until the block ends."""
    there = urlsplit(target)
    listener = socket.create_server(("127.0.0.1", 0))
    tap, threads, ends = Tap(listener.getsockname()[1]), [], []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((there.hostname or "", there.port or 0), timeout=WAIT_S)
                far.settimeout(None)
                sent, came = bytearray(), bytearray()
                tap.sent.append(sent)
                tap.came.append(came)
                ends.extend((near, far))
                for one in ((near, far, sent), (far, near, came)):
                    thread = threading.Thread(target=_pump, args=(*one, tap), name="tap")
                    thread.start()
                    threads.append(thread)

    door = threading.Thread(target=accept, name="tap-door")
    door.start()
    try:
        yield tap
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in (door, *threads):
            thread.join(WAIT_S)
