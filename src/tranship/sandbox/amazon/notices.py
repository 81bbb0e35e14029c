"""Notifications v1: destinations, subscriptions, and what is pushed.

Amazon puts notifications into a queue or on an event bus. Here each is POSTed as it is to the URL that the control interface set
for the destination (`PUT /_sandbox/push`), and kept in a list that can be read (`GET /_sandbox/queue`).
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tranship.sandbox.amazon import bodies
from tranship.sandbox.amazon.inventory import told
from tranship.sandbox.amazon.login import GRANTLESS
from tranship.sandbox.amazon.orders import Order, invalid
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.amazon.stock import Item
from tranship.sandbox.common.chance import name
from tranship.sandbox.common.clock import SECOND, Agenda, iso
from tranship.sandbox.common.faults import Faults, wait_us
from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.vendor import judge_of
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

FILE = "sp-api/models/notifications.json"
ROOT = "/notifications/v1"
ORDER_STATUS, AVAILABILITY = "FULFILLMENT_ORDER_STATUS", "FBA_INVENTORY_AVAILABILITY_CHANGES"
SCHEMAS = {
    ORDER_STATUS: "sp-api/schemas/notifications/FulfillmentOrderStatusNotification.json",
    AVAILABILITY: "sp-api/schemas/notifications/FBAInventoryAvailabilityChangeNotification.json",
}
TRIES_S = (0, 1, 5, 30, 120, 600)
"""Waits before each try of a push, on the sandbox's clock; at least once, in no promised order."""
QUEUE_MAX = 10_000
_LIMIT = Limit(1000, 5)  # published: 1/5


@dataclass(slots=True)
class Destination:
    """Where a caller wants notifications."""

    id: str
    name: str
    resource: Mapping[str, object]


@dataclass(slots=True)
class Subscription:
    """One type of notification to one destination."""

    id: str
    kind: str
    version: str
    destination: str
    directive: object = None


@dataclass(slots=True)
class Counts:
    """What became of pushes."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    dropped: int = 0
    violations: list[str] = field(default_factory=list)


class Notices:
    """Handlers, and the sender."""

    def __init__(self, settings: Settings, agenda: Agenda, faults: Faults) -> None:
        self.settings, self.agenda, self.faults = settings, agenda, faults
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.urls: dict[str, str] = {}  # destination id or "*" -> URL on loopback
        self.key = ""  # sent as x-api-key, as an EventBridge API destination does
        self.queue: list[object] = []
        self.counts = Counts()
        self._judges: dict[str, Callable[[object], list[str]]] = {}
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def judge_by(self, folder: Path) -> None:
        """Check every notification against the vendor's schema before it leaves."""
        for kind, file in SCHEMAS.items():
            if (folder / file).is_file():
                self._judges[kind] = judge_of(json.loads((folder / file).read_bytes()))

    def operations(self) -> tuple[Operation, ...]:
        """What is offered. Destinations need a token for their scope; subscriptions the seller's."""
        subs, one = f"{ROOT}/subscriptions", f"{ROOT}/subscriptions/{{notificationType}}"
        dests = f"{ROOT}/destinations"

        def made(
            title: str, method: str, path: str, handle: Callable[[Call], Reply], access: str = "token"
        ) -> Operation:
            return Operation("notices", title, method, path, handle, _LIMIT, FILE, access)

        return (
            made("getSubscriptions", "GET", subs, self.all_subscriptions),
            made("getSubscription", "GET", one, self.subscription),
            made("createSubscription", "POST", one, self.subscribe),
            made("getSubscriptionById", "GET", f"{one}/{{subscriptionId}}", self.by_id, GRANTLESS),
            made("deleteSubscriptionById", "DELETE", f"{one}/{{subscriptionId}}", self.unsubscribe, GRANTLESS),
            made("sendTestNotification", "POST", f"{one}/testNotification", self.test, GRANTLESS),
            made("getDestinations", "GET", dests, self.all_destinations, GRANTLESS),
            made("createDestination", "POST", dests, self.create_destination, GRANTLESS),
            made("getDestination", "GET", f"{dests}/{{destinationId}}", self.destination, GRANTLESS),
            made("deleteDestination", "DELETE", f"{dests}/{{destinationId}}", self.delete_destination, GRANTLESS),
        )

    # -- destinations --------------------------------------------------------------------------------------------------

    def create_destination(self, call: Call) -> Reply:
        """Name a queue or an event bus."""
        body = bodies.table(call.body, "body")
        title = bodies.text(body, "name", longest=256)
        wanted = bodies.table(body.get("resourceSpecification"), "resourceSpecification")
        if ("sqs" in wanted) == ("eventBridge" in wanted):
            raise invalid("A destination is either a queue or an event bus.")
        number = self._id("destination")
        resource: Mapping[str, object] = {"sqs": wanted.get("sqs")}
        if "eventBridge" in wanted:
            bus = bodies.table(wanted["eventBridge"], "eventBridge")
            resource = {"eventBridge": {**bus, "name": f"sandbox/{number}"}}
        made = self.destinations[number] = Destination(number, title, resource)
        return Reply(200, {"payload": _destination(made)})

    def all_destinations(self, call: Call) -> Reply:  # noqa: ARG002 - every handler takes the call
        """All of them."""
        return Reply(200, {"payload": [_destination(found) for found in self.destinations.values()]})

    def destination(self, call: Call) -> Reply:
        """One of them."""
        return Reply(200, {"payload": _destination(self._destination(call.path["destinationId"]))})

    def delete_destination(self, call: Call) -> Reply:
        """Forget one that nothing is subscribed to."""
        found = self._destination(call.path["destinationId"])
        if any(one.destination == found.id for one in self.subscriptions.values()):
            raise invalid("The destination has subscriptions.")
        del self.destinations[found.id]
        return Reply(200, {})

    # -- subscriptions -------------------------------------------------------------------------------------------------

    def subscribe(self, call: Call) -> Reply:
        """Subscribe a destination to one type of notification; one subscription of a type."""
        kind = call.path["notificationType"]
        if kind not in SCHEMAS:
            raise invalid("notificationType is none that this sandbox sends.")
        body = bodies.table(call.body, "body")
        destination = self._destination(bodies.text(body, "destinationId"), status=400)
        if any(found.kind == kind for found in self.subscriptions.values()):
            raise Refusal(409, "Conflict", "There is a subscription of this type.")
        made = Subscription(
            self._id("subscription"),
            kind,
            bodies.text(body, "payloadVersion"),
            destination.id,
            body.get("processingDirective"),
        )
        self.subscriptions[made.id] = made
        return Reply(200, {"payload": _subscription(made)})

    def subscription(self, call: Call) -> Reply:
        """The subscription of a type."""
        kind = call.path["notificationType"]
        found = next((one for one in self.subscriptions.values() if one.kind == kind), None)
        if found is None:
            raise Refusal(404, "NotFound", "There is no subscription of this type.")
        return Reply(200, {"payload": _subscription(found)})

    def all_subscriptions(self, call: Call) -> Reply:
        """The subscriptions of the types that are named."""
        kinds = {kind for value in call.query.get("notificationTypes", ()) for kind in value.split(",")}
        found = [_subscription(one) for one in self.subscriptions.values() if one.kind in kinds]
        return Reply(200, {"payload": {"subscriptions": found}})

    def by_id(self, call: Call) -> Reply:
        """One subscription."""
        return Reply(200, {"payload": _subscription(self._subscription(call))})

    def unsubscribe(self, call: Call) -> Reply:
        """End a subscription."""
        del self.subscriptions[self._subscription(call).id]
        return Reply(200, {})

    def test(self, call: Call) -> Reply:
        """The vendor's sandbox operation: send a mock notification to a destination."""
        kind = call.path["notificationType"]
        if kind not in SCHEMAS:
            raise invalid("notificationType is none that this sandbox sends.")
        destination = self._destination(bodies.text(bodies.table(call.body, "body"), "destinationId"), status=400)
        payload = _mock_order(self.settings, call.now) if kind == ORDER_STATUS else _mock_stock(self.settings)
        self._send(kind, destination.id, "test", payload, call.now)
        return Reply(200, {})

    # -- pushes --------------------------------------------------------------------------------------------------------

    def order_changed(self, order: Order, what: str, now: int) -> None:
        """Tell those who subscribed of an order's change."""
        for found in list(self.subscriptions.values()) if what else ():
            if found.kind == ORDER_STATUS:
                payload = {
                    "FulfillmentOrderStatusNotification": order_status(order, what, now, self.settings.seller_id)
                }
                self._send(ORDER_STATUS, found.destination, found.id, payload, now)

    def stock_changed(self, item: Item, now: int) -> None:
        """Tell those who subscribed of a count that changed."""
        for found in list(self.subscriptions.values()):
            if found.kind == AVAILABILITY:
                units = told(item, self.faults, now, self.settings.seed)
                self._send(AVAILABILITY, found.destination, found.id, availability(item, units, self.settings), now)

    def _send(self, kind: str, destination: str, subscription: str, payload: Mapping[str, object], now: int) -> None:
        notice = {
            "NotificationVersion": "1.0",
            "NotificationType": kind,
            "PayloadVersion": "1.0",
            "EventTime": iso(now),
            "Payload": payload,
            "NotificationMetadata": {
                "ApplicationId": "app-id-sandbox",
                "SubscriptionId": subscription,
                "PublishTime": iso(now),
                "NotificationId": self._id("notification"),
            },
        }
        wrong = self._judges[kind](notice) if kind in self._judges else []
        if wrong:
            self.counts.violations.append(f"{kind}: {'; '.join(wrong)}")
            return
        met = self.faults.of_call("push", kind, lambda: json.dumps(payload), now)
        if "lost_reply" in met:
            self.counts.dropped += 1
            return
        due = now + wait_us(met["delayed"]) if "delayed" in met else now
        for _ in range(2 if "duplicate" in met else 1):
            self._deliver(destination, notice, due, 0)

    def _deliver(self, destination: str, notice: object, due: int, tried: int) -> None:
        def go(at: int) -> None:
            if not tried:
                self.queue = [*self.queue[-QUEUE_MAX:], {"destinationId": destination, "notification": notice}]
            url = self.urls.get(destination) or self.urls.get("*")
            if url:
                task = asyncio.get_running_loop().create_task(self._post(url, destination, notice, at, tried))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        self.agenda.at(due + TRIES_S[tried] * SECOND, go)

    async def _post(self, url: str, destination: str, notice: object, at: int, tried: int) -> None:
        try:
            timeout = aiohttp.ClientTimeout(total=10)
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.post(
                    url, json=notice, headers={"x-api-key": self.key} if self.key else {}, allow_redirects=False
                ) as answer,
            ):
                taken = 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            taken = False
        if taken:
            self.counts.delivered += 1
        elif tried + 1 < len(TRIES_S):
            self.counts.failed += 1
            self._deliver(destination, notice, at, tried + 1)
        else:
            self.counts.given_up += 1

    def set_urls(self, wanted: Mapping[str, Any]) -> None:
        """Where pushes go: {"url": ...} for all, or destination ids with URLs; loopback only. {"key": ...} is sent with each."""
        for key, url in wanted.items():
            if key == "key":
                self.key = str(url)
                continue
            host = urlsplit(str(url)).hostname or ""
            try:
                inside = host == "localhost" or ip_address(host).is_loopback
            except ValueError:
                inside = False
            if url and not inside:
                raise Refusal(400, "BadPush", "a sandbox pushes to loopback only")
            self.urls["*" if key == "url" else key] = str(url or "")

    def _destination(self, number: str, *, status: int = 404) -> Destination:
        found = self.destinations.get(number)
        if found is None:
            raise Refusal(status, "NotFound" if status == 404 else "InvalidInput", "The destination was not found.")
        return found

    def _subscription(self, call: Call) -> Subscription:
        found = self.subscriptions.get(call.path["subscriptionId"])
        if found is None or found.kind != call.path["notificationType"]:
            raise Refusal(404, "NotFound", "The subscription was not found.")
        return found

    def _id(self, kind: str) -> str:
        self._number += 1
        code = name(self.settings.seed, kind, self._number, letters=32).lower()
        return "-".join((code[:8], code[8:12], code[12:16], code[16:20], code[20:]))


def order_status(order: Order, what: str, now: int, seller: str) -> dict[str, object]:
    """The payload of FULFILLMENT_ORDER_STATUS: PascalCase, and every part required even where there is nothing to tell."""
    shipment = order.shipments[-1] if order.shipments else None
    packages = [
        {"PackageNumber": package.number, "CarrierCode": package.carrier, "TrackingNumber": package.tracking}
        for package in (shipment.packages if shipment else ())
    ]
    status = {"PROCESSING": "PENDING", "CANCELLED": "CANCELLED_BY_SELLER"}
    state = {"COMPLETE_PARTIAL": "COMPLETE_PARTIALLED"}
    back = order.returns[-1] if order.returns and what == "Return" else None
    line = order.line(back.line) if back else None
    return {
        "SellerId": seller,
        "EventType": what,
        "StatusUpdatedDateTime": iso(now),
        "SellerFulfillmentOrderId": order.id,
        "FulfillmentOrderStatus": state.get(order.state, order.state),
        "FulfillmentShipment": {
            "FulfillmentShipmentStatus": status.get(shipment.status, shipment.status) if shipment else "",
            "AmazonShipmentId": shipment.id if shipment else "",
            "EstimatedArrivalDateTime": iso(shipment.arrives_at) if shipment else "",
            "info": packages[0] if packages else {},
            "FulfillmentShipmentPackages": packages,
        },
        "FulfillmentReturnItem": {
            "ReceivedDateTime": iso(back.changed_at) if back else "",
            "ReturnedQuantity": 1 if back else 0,
            "SellerSKU": line.sku if line else "",
        },
    }


def availability(item: Item, units: int, settings: Settings) -> dict[str, object]:
    """The payload of FBA_INVENTORY_AVAILABILITY_CHANGES."""
    return {
        "SellerId": settings.seller_id,
        "FNSKU": item.fnsku,
        "ASIN": item.asin,
        "SKU": item.sku,
        "FulfillmentInventoryByMarketplace": [
            {
                "MarketplaceId": settings.marketplace_id,
                "ItemName": item.title,
                "FulfillmentInventory": {
                    "InboundQuantityBreakdown": {
                        "Working": item.working,
                        "Shipped": item.shipped,
                        "Receiving": item.receiving,
                    },
                    "Fulfillable": units,
                    "Unfulfillable": item.unfulfillable,
                    "Researching": item.researching,
                    "ReservedQuantityBreakdown": {
                        "WarehouseProcessing": 0,
                        "WarehouseTransfer": 0,
                        "PendingCustomerOrder": item.reserved,
                    },
                    "FutureSupplyBuyable": 0,
                    "PendingCustomerOrderInTransit": 0,
                },
                "Stores": [],
            }
        ],
    }


def _mock_order(settings: Settings, now: int) -> dict[str, object]:
    order = Order("TEST-ORDER", "", {}, False, "FILL_OR_KILL", "STANDARD", [], now, now)
    return {"FulfillmentOrderStatusNotification": order_status(order, "Order", now, settings.seller_id)}


def _mock_stock(settings: Settings) -> dict[str, object]:
    return availability(Item("TEST-SKU", "Test item", "X0TEST", "B0TEST"), 1, settings)


def _destination(found: Destination) -> dict[str, object]:
    return {"destinationId": found.id, "name": found.name, "resource": found.resource}


def _subscription(found: Subscription) -> dict[str, object]:
    plain: dict[str, object] = {
        "subscriptionId": found.id,
        "payloadVersion": found.version,
        "destinationId": found.destination,
    }
    return plain if found.directive is None else {**plain, "processingDirective": found.directive}
