"""The load, as a process of its own: closed loop (c connections, each sends when it was answered) or open loop (scheduled times).

In the open loop a request's time counts from the moment it was due, not from the moment it could be sent: a stall of the other
side is in the figures of all requests that waited behind it.
"""

import argparse
import asyncio
import json
import time
from collections import deque
from collections.abc import Iterator

import httptools
import uvloop

PATH = "/fba/outbound/2020-07-01/fulfillmentOrders"
ACCESS_TOKEN = "Atza|benchmark"  # noqa: S105 - nobody's


def order(order_id: str) -> bytes:
    """A create of 1.1 KB, as a shop's software would send it."""
    address = {
        "name": f"Ada Byron {order_id}", "addressLine1": "12 Oak St", "addressLine2": "Apt 4", "city": "Seattle",
        "stateOrRegion": "WA", "postalCode": "98101", "countryCode": "US", "phone": "+1 206 555 0142",
    }  # fmt: skip
    item = {
        "sellerSku": "S1", "sellerFulfillmentOrderItemId": f"{order_id}-1", "quantity": 1,
        "giftMessage": "Happy birthday! " * 20, "displayableComment": "As ordered in our shop",
    }  # fmt: skip
    body = {
        "sellerFulfillmentOrderId": order_id, "displayableOrderId": order_id, "marketplaceId": "ATVPDKIKX0DER",
        "displayableOrderDate": "2026-11-22T09:30:12Z", "displayableOrderComment": "Thank you for your order",
        "shippingSpeedCategory": "Standard", "fulfillmentAction": "Ship", "destinationAddress": address,
        "notificationEmails": ["ada@example.com"], "items": [item],
    }  # fmt: skip
    return json.dumps(body).encode()


def requests(what: str, first: int, known: int) -> Iterator[bytes]:
    """Requests without end: `new` orders from number `first`, `known` orders sent again, or `get` of known ones."""
    number = first
    while True:
        order_id = f"ORDER-{number:08d}"
        head = f"Host: localhost\r\nx-amz-access-token: {ACCESS_TOKEN}\r\nUser-Agent: shop/1.0\r\nAccept: */*\r\n"
        if what == "get":
            yield f"GET {PATH}/{order_id} HTTP/1.1\r\n{head}\r\n".encode()
        else:
            body = order(order_id)
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            yield f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + body
        number += 1
        if what != "new" and number >= first + known:
            number = first


class Client(asyncio.Protocol):
    """One connection: one request at a time. `done` is told of each answer."""

    def __init__(self, load: "Load") -> None:
        self.load, self.parser = load, httptools.HttpResponseParser(self)
        self.due = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection."""
        self.transport = transport

    def send(self, due: float) -> None:
        """The next request, which was due then."""
        self.due = due
        self.transport.write(next(self.load.stream))

    def data_received(self, data: bytes) -> None:
        """Some bytes of an answer."""
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        """It is whole."""
        if self.parser.get_status_code() != 200:
            self.load.failed += 1
        self.load.answered(self)


class Load:
    """All connections, and how long each answer took."""

    def __init__(self, stream: Iterator[bytes], until: float) -> None:
        self.stream, self.until = stream, until
        self.took: list[float] = []
        self.failed = 0
        self.idle: deque[Client] = deque()
        self.late: deque[float] = deque()
        self.open = False
        self.under_way = 0
        self.over = asyncio.Event()

    def answered(self, client: Client) -> None:
        """Note the time; go on with what is due."""
        now = time.perf_counter()
        self.took.append(now - client.due)
        self.under_way -= 1
        if self.open:
            if self.late:
                self.give(client, self.late.popleft())
            else:
                self.idle.append(client)
        elif now < self.until:
            self.give(client, now)
        if not self.under_way and not self.late and now >= self.until:
            self.over.set()

    def give(self, client: Client, due: float) -> None:
        """Let a connection send."""
        self.under_way += 1
        client.send(due)

    def begin(self, due: float) -> None:
        """A request is due (open loop)."""
        if self.idle:
            self.give(self.idle.popleft(), due)
        else:
            self.late.append(due)


def _clockwork(loop: asyncio.AbstractEventLoop, load: Load, start: float, rate: float, count: int) -> None:
    """Say when each request is due. On a thread: an event loop's own timers tick in milliseconds."""
    for number in range(count):
        due = start + number / rate
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        loop.call_soon_threadsafe(load.begin, due)


async def run(
    port: int, what: str, connections: int, seconds: float, rate: float, first: int, known: int
) -> dict[str, object]:
    """One measurement: every latency in milliseconds, requests a second, failures."""
    loop = asyncio.get_running_loop()
    load = Load(requests(what, first, known), 0)
    clients = [(await loop.create_connection(lambda: Client(load), "127.0.0.1", port))[1] for _ in range(connections)]
    start = time.perf_counter()
    load.until = start + seconds
    if rate:
        load.open, load.until = True, 0.0
        load.idle.extend(clients)
        await loop.run_in_executor(None, _clockwork, loop, load, start, rate, int(rate * seconds))
        load.over.clear()
        if load.under_way or load.late:
            await load.over.wait()
    else:
        for client in clients:
            load.give(client, time.perf_counter())
        await load.over.wait()
    took = time.perf_counter() - start
    for client in clients:
        client.transport.close()
    return {"ms": [one * 1000 for one in load.took], "per_s": len(load.took) / took, "failed": load.failed}


def main() -> None:
    """From the command line: one measurement, as one line of JSON."""
    parser = argparse.ArgumentParser()
    for name, kind in (
        ("port", int),
        ("connections", int),
        ("seconds", float),
        ("rate", float),
        ("first", int),
        ("known", int),
    ):
        parser.add_argument(f"--{name}", type=kind, default=0)
    parser.add_argument("--what", choices=("new", "known", "get"), default="new")
    asked = parser.parse_args()
    found = uvloop.run(
        run(asked.port, asked.what, asked.connections, asked.seconds, asked.rate, asked.first, asked.known)
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
