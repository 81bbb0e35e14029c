"""A relay on loopback between networks and the service: takes every message at once, and hands them on as a test says."""

import http.client
import queue
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

WAIT_S = 20
DROPPED, MOST_COPIES = 0.1, 5


class Told(NamedTuple):
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Relay:
    """`url` is where networks send to. Undisturbed it hands on what came, in order; with `chance` it loses, doubles and reorders."""

    def __init__(self, url: str, came: "queue.Queue[Told]", chance: random.Random | None) -> None:
        self.url, self._came, self._chance = url, came, chance
        self._late: list[Told] = []
        self.taken = self.dropped = self.sent = 0

    def pump(self, target: str, *, everything: bool = False) -> None:
        """Hand on what is there. Disturbed, some of it waits for a later time, unless `everything` is wanted."""
        waiting = [*self._late]
        while not self._came.empty():
            told = self._came.get()
            self.taken += 1
            copies = 1 if self._chance is None else self._copies(self._chance)
            waiting += [told] * copies
        self._late = []
        if self._chance is not None:
            self._chance.shuffle(waiting)
            keep = 0 if everything else len(waiting) // 3
            self._late, waiting = waiting[:keep], waiting[keep:]
        for told in waiting:
            self._hand_on(target, told)

    def _copies(self, chance: random.Random) -> int:
        if chance.random() < DROPPED:
            self.dropped += 1
            return 0
        return chance.randint(1, MOST_COPIES)

    def _hand_on(self, target: str, told: Told) -> None:
        line = http.client.HTTPConnection(urlsplit(target).netloc, timeout=WAIT_S)
        try:
            line.request("POST", told.path, told.body, told.headers)
            answer = line.getresponse()
            body = answer.read()
            assert answer.status == 200, (told, answer.status, body)
            self.sent += 1
        finally:
            line.close()


@contextmanager
def relay(chance: random.Random | None = None) -> Iterator[Relay]:
    """Listens until the block ends."""
    came: queue.Queue[Told] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}
            }
            came.put(Told(self.path, headers, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="relay")
    thread.start()
    try:
        yield Relay(f"http://127.0.0.1:{server.server_port}", came, chance)
    finally:
        server.shutdown()
        thread.join(WAIT_S)
        server.server_close()
