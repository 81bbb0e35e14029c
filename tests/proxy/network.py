"""A network for tests that keeps every byte that reached it and misbehaves on command. On loopback, on a thread of its own."""

import asyncio
import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

ORDERS = "/fba/outbound/2020-07-01/fulfillmentOrders"


class Got(NamedTuple):
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


Answer = Callable[[Got], bytes]


def http(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An answer's bytes."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def obliging(got: Got) -> bytes:
    """Takes every order."""
    return http(200, b"{}", "x-amzn-RequestId: r-1", "Set-Cookie: a=b")


def echo(status: int) -> Answer:
    """Answers with what it was sent, headers and address too."""
    return lambda got: http(
        status,
        json.dumps({"errors": [{"code": "InvalidInput", "message": repr(got), "details": got.body.decode()}]}).encode(),
    )


def says(status: int, body: object, *headers: str) -> Answer:
    """Answers with this; bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda got: http(status, raw, *headers)


def zipped(body: bytes) -> Answer:
    """Answers compressed."""
    return lambda got: http(200, gzip.compress(body), "Content-Encoding: gzip")


class Network:
    """What it was sent (`raw`: every byte of every connection; `got`: whole requests), and how it answers."""

    def __init__(self) -> None:
        self.raw: list[bytearray] = []
        self.got: list[Got] = []
        self.answer: Answer = obliging
        self.fault = ""  # hang | reset | truncate | garbage | split | reset_before
        self.before: Callable[[Got], None] = lambda got: None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def everything(self) -> bytes:
        """All bytes that reached it."""
        return b"\n".join(bytes(raw) for raw in self.raw)

    def clear(self) -> None:
        """Forget, and behave."""
        self.raw.clear()
        self.got.clear()
        self.answer, self.fault = obliging, ""
        self.before = lambda got: None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raw = bytearray()
        self.raw.append(raw)
        try:
            while await self._one(reader, writer, raw):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytearray) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        if not any(raw is kept for kept in self.raw):  # the test began anew meanwhile
            self.raw.append(raw)
            raw.clear()
        raw += head
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        raw += body
        got = Got(method, target, headers, body)
        self.got.append(got)
        await asyncio.get_running_loop().run_in_executor(None, self.before, got)
        return await self._say(writer, self.answer(got))

    async def _say(self, writer: asyncio.StreamWriter, answer: bytes) -> bool:
        if self.fault == "hang":
            await asyncio.sleep(3600)
        if self.fault == "reset":
            line: socket.socket = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if self.fault == "truncate":
            writer.write(answer[:-1])
            return False
        if self.fault == "garbage":
            writer.write(b"\x00\xff SSH-2.0 nothing that HTTP would say\r\n\r\n" + answer)
            return False
        if self.fault == "split":
            for byte in answer:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)
            return True
        writer.write(answer)
        await writer.drain()
        return True


@contextmanager
def network() -> Iterator[Network]:
    """A network until the block ends."""
    there = Network()
    started, loops = threading.Event(), []
    over: list[asyncio.Event] = []

    async def main() -> None:
        server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
        there.port = server.sockets[0].getsockname()[1]
        loops.append(asyncio.get_running_loop())
        over.append(asyncio.Event())
        started.set()
        await over[0].wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield there
    finally:
        loops[0].call_soon_threadsafe(over[0].set)
        thread.join(10)
