"""The sandbox's stand-in networks without a server: requests in, responses out, on the simulator's clock. Words are the vendors' own."""

import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec

from tranship.connectors.port import Request, Response
from tranship.connectors.shipbob.webhooks import signature
from tranship.sandbox.amazon.network import Amazon
from tranship.sandbox.amazon.orders import Order as AmazonOrder
from tranship.sandbox.amazon.settings import Settings as AmazonSettings
from tranship.sandbox.common.clock import Agenda, Clock, iso
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.wire import Call, Operation, Refusal
from tranship.sandbox.shipbob.network import ShipBob
from tranship.sandbox.shipbob.orders import Order as BobOrder
from tranship.sandbox.shipbob.orders import Shipment
from tranship.sandbox.shipbob.settings import Settings as BobSettings
from tranship.sandbox.shipbob.views import shipment as shipment_view
from tranship.sim.handover.loop import Loop

Push = Callable[[dict[str, str], bytes], None]
"""Hears a notification: headers and body."""
STOCK_PATH = "/fba/inventory/v1/summaries"
KEY = "a key of this world"


class LoopClock(Clock):
    """The loop's time."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop.now, 0)
        self._loop = loop

    def now(self) -> int:
        """The time."""
        return self._loop.now


class LoopAgenda(Agenda):
    """What falls due in the network falls due on the loop."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(LoopClock(loop))
        self._loop = loop

    def at(self, us: int, action: Callable[[int], None]) -> None:
        """Do it at this time."""
        self._loop.at(us, action, us)


class StandIn(Protocol):
    """A network in this process."""

    def serve(self, request: Request, lag: int) -> Response:
        """Carry a request out now; readings are `lag` microseconds old."""

    def put(self, sku: str, units: int) -> None:
        """So many units of a SKU are on the shelf now."""

    def free(self, sku: str) -> int:
        """Units on the shelf that no order has."""

    def left(self) -> dict[str, dict[str, int]]:
        """The truth: remote id -> line id -> units that left."""

    def is_open(self, remote_id: str) -> bool:
        """Whether it still lies there, neither gone nor ended."""

    def known(self) -> set[str]:
        """Remote ids of all orders that were ever taken there."""

    def forbid(self, remote_id: str) -> bool:
        """A person calls them: it is ended unless it can no longer be; True where nothing of it will ship."""


class _Routes:
    """Requests to handlers, as the server does it."""

    def __init__(self, operations: tuple[Operation, ...], network: Any) -> None:
        self._network = network
        self._found = []
        for operation in operations:
            parts = re.split(r"\{([^}]+)\}", operation.path)
            text = "".join("([^/:]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
            self._found.append((operation.method, re.compile(text), tuple(parts[1::2]), operation))

    def serve(self, request: Request, now: int, lag: int, late: int) -> Response:
        """What the network answers."""
        for method, pattern, names, operation in self._found:
            match = pattern.fullmatch(request.path) if method == request.method else None
            if match is None:
                continue
            query: dict[str, tuple[str, ...]] = {}
            for key, value in request.query:
                query[key] = (*query.get(key, ()), value)
            path = dict(zip(names, map(unquote, match.groups()), strict=True))
            body = msgspec.json.decode(request.body) if request.body else None
            call = Call(path, query, dict(request.headers), body, now, now - lag, late)
            try:
                reply = operation.handle(call)
            except Refusal as refusal:
                reply = self._network.error(operation, refusal)
            content = b"" if reply.body is None else msgspec.json.encode(reply.body)
            return Response(reply.status, {"content-type": "application/json", **reply.headers}, content)
        return Response(404, {}, b"")


class AmazonInside:
    """The stand-in Amazon, with notifications of orders and the inventory summaries."""

    def __init__(self, settings: AmazonSettings, loop: Loop, faults: Faults, late_cancel: int, push: Push) -> None:
        self.loop, self.late_cancel, self._push = loop, late_cancel, push
        self.network = Amazon(settings, LoopAgenda(loop), faults)
        self._routes = _Routes(self.network.operations, self.network)
        self._count = 0
        self.lie: Callable[[str, int], int] = lambda _sku, units: units
        self.network.orders.listen.append(self._told)

    def serve(self, request: Request, lag: int) -> Response:
        """See StandIn."""
        if request.path == STOCK_PATH:
            return self._summaries(lag)
        return self._routes.serve(request, self.loop.now, lag, self.late_cancel)

    def put(self, sku: str, units: int) -> None:
        """See StandIn."""
        item = self.network.stock.items.get(sku)
        self.network.stock.put(sku, self.loop.now, fulfillable=units + (item.fulfillable if item else 0))

    def free(self, sku: str) -> int:
        """See StandIn."""
        item = self.network.stock.items.get(sku)
        return item.fulfillable if item else 0

    def left(self) -> dict[str, dict[str, int]]:
        """See StandIn."""
        return _summed((order_id, units) for _, order_id, units in self.network.orders.left)

    def is_open(self, remote_id: str) -> bool:
        """See StandIn."""
        order = self.network.orders.orders.get(remote_id)
        return order is not None and order.state in {"RECEIVED", "PLANNING", "PROCESSING"} and not order.hold

    def known(self) -> set[str]:
        """See StandIn."""
        return {*self.network.orders.orders, *self.network.orders.pending}

    def forbid(self, remote_id: str) -> bool:
        """See StandIn."""
        order = self.network.orders.orders.get(remote_id)
        if order is None:
            return True
        self.network.orders.cancel(order, self.loop.now)
        return order.state in {"CANCELLED", "UNFULFILLABLE", "INVALID"}

    def _summaries(self, lag: int) -> Response:
        rows = []
        for sku, item in sorted(self.network.stock.items.items()):
            seen = self.network.stock.at(item, self.loop.now - lag) or item
            details = {
                "fulfillableQuantity": max(0, self.lie(sku, seen.fulfillable)),
                "inboundWorkingQuantity": seen.working,
                "inboundShippedQuantity": seen.shipped,
                "inboundReceivingQuantity": seen.receiving,
                "reservedQuantity": {"totalReservedQuantity": seen.reserved},
            }
            rows.append({"sellerSku": sku, "inventoryDetails": details})
        return Response(200, {}, msgspec.json.encode({"payload": {"inventorySummaries": rows}}))

    def _told(self, order: AmazonOrder, _what: str, now: int) -> None:
        self._count += 1
        state = "COMPLETE_PARTIALLED" if order.state == "COMPLETE_PARTIAL" else order.state
        body = {
            "NotificationVersion": "1.0", "NotificationType": "FULFILLMENT_ORDER_STATUS", "PayloadVersion": "1.0",
            "EventTime": iso(now),
            "Payload": {
                "FulfillmentOrderStatusNotification": {
                    "SellerId": "A1SANDBOX", "EventType": "Order", "StatusUpdatedDateTime": iso(now),
                    "SellerFulfillmentOrderId": order.id, "FulfillmentOrderStatus": state,
                }
            },
            "NotificationMetadata": {"NotificationId": f"n{self._count}", "PublishTime": iso(now)},
        }  # fmt: skip
        self._push({"x-api-key": KEY}, msgspec.json.encode(body))


class ShipBobInside:
    """The stand-in 3PL, with its webhooks signed."""

    def __init__(self, settings: BobSettings, loop: Loop, faults: Faults, late_cancel: int, push: Push) -> None:
        self.loop, self.late_cancel, self._push = loop, late_cancel, push
        self.settings = settings
        self.network = ShipBob(settings, LoopAgenda(loop), faults, 0)
        self._routes = _Routes(self.network.operations, self.network)
        self._count = 0
        self.lie: Callable[[str, int], int] = lambda _sku, units: units
        self.network.orders.listen.append(self._told)

    def serve(self, request: Request, lag: int) -> Response:
        """See StandIn."""
        return self._routes.serve(request, self.loop.now, lag, self.late_cancel)

    def put(self, sku: str, units: int) -> None:
        """See StandIn."""
        place = self.settings.places[0]
        held = self.network.stock.item(sku, self.loop.now).places[place]
        self.network.stock.put(sku, place, self.loop.now, on_hand=held.on_hand + units)

    def free(self, sku: str) -> int:
        """See StandIn."""
        return self.network.stock.item(sku, self.loop.now).places[self.settings.places[0]].fulfillable

    def left(self) -> dict[str, dict[str, int]]:
        """See StandIn."""
        return _summed((reference, units) for _, reference, units in self.network.orders.left)

    def is_open(self, remote_id: str) -> bool:
        """See StandIn."""
        orders = self.network.orders
        return any(not orders.orders[number].finished for number in orders.by_reference.get(remote_id, ()))

    def known(self) -> set[str]:
        """See StandIn."""
        return set(self.network.orders.by_reference)

    def forbid(self, remote_id: str) -> bool:
        """See StandIn."""
        numbers = self.network.orders.by_reference.get(remote_id, ())
        gone = True
        for number in numbers:
            order = self.network.orders.orders[number]
            if not order.finished:
                self.network.orders.cancel(order, self.loop.now)
            gone = gone and all(part.status == "Cancelled" for part in order.shipments)
        return gone

    def _told(self, topic: str, order: BobOrder, part: Shipment, now: int) -> None:
        self._count += 1
        body = msgspec.json.encode(shipment_view(order, part))
        content = f"msg{self._count}.{now // 1_000_000}.".encode() + body
        headers = {
            "webhook-id": f"msg{self._count}", "webhook-timestamp": str(now // 1_000_000), "x-webhook-topic": topic,
            "webhook-signature": "v1," + signature(BOB_SECRET, content).decode(),
        }  # fmt: skip
        self._push(headers, body)


BOB_SECRET = "whsec_c2ltdWxhdGVkIHNlY3JldCBvZiBvbmUgd29ybGQ="  # noqa: S105 - opens nothing
"""What webhooks of the stand-in are signed with."""


def _summed(rows: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for remote_id, units in rows:
        lines = found.setdefault(remote_id, {})
        for line, count in units.items():
            lines[line] = lines.get(line, 0) + count
    return found
