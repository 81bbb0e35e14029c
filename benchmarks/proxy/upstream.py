"""A network that answers at once, as a process of its own: as little of it as possible is in the figures.

It accepts every order and describes an order under whatever id it is asked for, so that a proxy has tokens to unmask.
"""

import asyncio
import json
import os
import sys

import httptools
import uvloop

ORDERS = b"/fba/outbound/2020-07-01/fulfillmentOrders"
ADDRESS = {
    "addressLine1": "12 Oak St", "city": "Seattle", "stateOrRegion": "WA", "postalCode": "98101",
    "countryCode": "US",
}  # fmt: skip


def described(order_id: str, line_id: str, name: str) -> bytes:
    """An order as the network would describe it: in work, one line, one shipment with one package."""
    order = {
        "sellerFulfillmentOrderId": order_id, "marketplaceId": "ATVPDKIKX0DER", "displayableOrderId": order_id,
        "displayableOrderDate": "2026-11-22T00:00:00Z", "displayableOrderComment": "-",
        "shippingSpeedCategory": "Standard", "fulfillmentAction": "Ship", "fulfillmentOrderStatus": "Processing",
        "receivedDate": "2026-11-22T10:00:00Z", "statusUpdatedDate": "2026-11-22T10:05:00Z",
        "destinationAddress": {"name": name, **ADDRESS},
    }  # fmt: skip
    item = {
        "sellerSku": "S1", "sellerFulfillmentOrderItemId": line_id, "quantity": 1, "cancelledQuantity": 0,
        "unfulfillableQuantity": 0,
    }  # fmt: skip
    payload = {"fulfillmentOrder": order, "fulfillmentOrderItems": [item], "fulfillmentShipments": [], "returnItems": [],
               "returnAuthorizations": []}  # fmt: skip
    return json.dumps({"payload": payload}).encode()


class Network(asyncio.Protocol):
    """One connection. Orders are remembered by id, so that they are described with their own line."""

    orders: dict[str, tuple[str, str]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection."""
        self.transport, self.url, self.body = transport, b"", b""
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self.url += url

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""
        self.body += body

    def on_message_complete(self) -> None:
        """It is whole: answer."""
        answer = b"{}"
        if self.parser.get_method() == b"GET":
            order_id = self.url.rpartition(b"/")[2].decode()
            answer = described(order_id, *self.orders.get(order_id, ("L1", "Nobody")))
        elif self.url == ORDERS:
            order = json.loads(self.body)
            line_id, name = order["items"][0]["sellerFulfillmentOrderItemId"], order["destinationAddress"]["name"]
            self.orders[order["sellerFulfillmentOrderId"]] = (line_id, name)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
        self.transport.write(head + answer)


async def _main() -> None:
    server = await asyncio.get_running_loop().create_server(Network, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "pid": os.getpid()}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started it goes


if __name__ == "__main__":
    uvloop.run(_main())
