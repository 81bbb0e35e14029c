"""Puts the stand-in 3PL together: orders, inventory, arrivals and webhooks over one stock and one clock."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from tranship.sandbox.common.chance import draw
from tranship.sandbox.common.clock import SECOND, Agenda, iso
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply
from tranship.sandbox.shipbob import views
from tranship.sandbox.shipbob.arrivals import BASE, FILE, PAGE_MAX, Arrivals, _moment, _page, _table
from tranship.sandbox.shipbob.hooks import Hooks
from tranship.sandbox.shipbob.orders import MINUTE, Order, Orders, Shipment
from tranship.sandbox.shipbob.settings import Settings
from tranship.sandbox.shipbob.stock import BUCKETS, Item, Stock

_AFTER = "after."
_PROBLEM = ("inventory", "receiving", "return")


class ShipBob:
    """A `common.wire.Network`."""

    name = "shipbob"
    undeclared = frozenset({400, 404, 422, 429, 500})
    """Statuses that the vendor's page on errors has, though its description leaves them out of some operations (429: of all)."""

    def __init__(self, settings: Settings, agenda: Agenda, faults: Faults, limits: float = 1.0) -> None:
        self.config, self.agenda, self.faults, self.limits = settings, agenda, faults, limits
        self.stock = Stock(settings)
        self.orders = Orders(settings, agenda, self.stock, faults)
        self.hooks = Hooks(settings.seed, agenda, faults)
        self.arrivals = Arrivals(settings, agenda, self.stock, self.orders)
        self.orders.listen.append(self._published)
        self.window: deque[int] = deque()
        self.simulations: dict[str, tuple[int, list[list[object]]]] = {}
        self.operations: tuple[Operation, ...] = tuple(
            found._replace(handle=_guarded(found.handle))
            for found in (*self._orders(), *self._rest(), *self.arrivals.operations(), *self.hooks.operations())
        )

    def _orders(self) -> tuple[Operation, ...]:
        order, shipment = BASE + "/order/{orderId}", BASE + "/shipment/{shipmentId}"
        return (
            Operation("create", "create-order", "POST", BASE + "/order", self.create, file=FILE),
            Operation("list", "get-orders", "GET", BASE + "/order", self.orders_listed, file=FILE),
            Operation(
                "offer",
                "estimate-fulfillment-cost-for-order",
                "POST",
                BASE + "/order:estimate",
                self.estimate,
                file=FILE,
            ),
            Operation("get", "get-order", "GET", order, self.get, file=FILE),
            Operation("cancel", "cancel-order", "POST", order + ":cancel", self.cancel, file=FILE),
            Operation("tracking", "get-all-shipments-for-order", "GET", order + "/shipment", self.shipments, file=FILE),
            Operation("tracking", "get-shipment", "GET", shipment, self.shipment, file=FILE),
            Operation("tracking", "get-shipment-timeline", "GET", shipment + "/timeline", self.timeline, file=FILE),
        )

    def _rest(self) -> tuple[Operation, ...]:
        levels = BASE + "/inventory-level"
        return (
            Operation(
                "stock", "get-all-inventory-levels-grouped-by-fulfillment-center", "GET", levels + "/locations",
                self.by_center, file=FILE,
            ),
            Operation("stock", "get-all-inventory-levels", "GET", levels, self.totals, file=FILE),
            Operation("simulate", "simulates-shipment", "POST", BASE + "/simulate/shipment", self.simulate, file=FILE),
            Operation(
                "simulate", "get-simulation-status", "GET", BASE + "/simulate/status/{simulationId}", self.simulated, file=FILE,
            ),
        )  # fmt: skip

    @staticmethod
    def word(operation: Operation, call: Call) -> str:
        """To ask for orders by reference is a look at one, whatever the operation is called."""
        return "get" if operation.op == "list" and call.one("ReferenceIds") else operation.op

    # -- what the server asks ------------------------------------------------------------------------------------------

    def admit(self, operation: Operation, call: Call) -> None:
        """The token, then the window of calls that all operations share."""
        if call.headers.get("authorization") != f"Bearer {self.config.token}":
            raise Refusal(401, "Unauthorized", "The token is not valid.")
        if operation.name in {"create-order", "estimate-fulfillment-cost-for-order"} and call.headers.get(
            "shipbob_channel_id"
        ) != str(self.config.channel_id):
            raise Refusal(403, "Forbidden", "The token has no write scope on this channel.")
        if self.limits <= 0:
            return
        while self.window and self.window[0] <= call.now - MINUTE:
            self.window.popleft()
        if len(self.window) >= self.config.calls_a_minute * self.limits:
            wait = -(-(self.window[0] + MINUTE - call.now) // SECOND)
            raise Refusal(429, "TooManyRequests", f"Rate limit is exceeded. Try again in {wait} seconds.", str(wait))
        self.window.append(call.now)

    def error(self, operation: Operation | None, refusal: Refusal) -> Reply:
        """Each part of the interface has its own form of an error."""
        status, path = refusal.status, operation.path.removeprefix(BASE + "/") if operation else ""
        if status == 429:
            return Reply(429, {"statusCode": 429, "message": refusal.message}, {"x-retry-after": refusal.details})
        if status in {401, 403} or status >= 500 or operation is None:
            return Reply(status, {"message": refusal.message, "details": refusal.details})
        if path.startswith("webhook"):
            return Reply(status, {"$type": refusal.code, "status_code": status})
        if operation.name == "create-return-order" and status == 422:
            return Reply(status, {"message": refusal.message, "errors": [refusal.code]})
        if path.startswith(_PROBLEM) and operation.name not in _BY_FIELD:
            return Reply(status, {"title": refusal.code, "status": status, "detail": refusal.message})
        return Reply(status, {refusal.code: [refusal.message]})

    def headers(self, operation: Operation | None, limit: Limit, number: int) -> Mapping[str, str]:  # noqa: ARG002
        """Calls that are left in this minute."""
        left = int(self.config.calls_a_minute * self.limits) - len(self.window)
        return {"x-remaining-calls": str(max(0, left))} if self.limits > 0 else {}

    def throttled(self, operation: Operation, wait_us: int) -> Reply:
        """429 of a limit of one operation; ShipBob publishes none."""
        return self.error(
            operation, Refusal(429, "TooManyRequests", "Rate limit is exceeded.", str(-(-wait_us // SECOND)))
        )

    def control(self, method: str, path: str, body: object) -> object:
        """Stock, webhooks."""
        match method, path:
            case "PUT", "/stock":
                return self._set_stock(_table(body))
            case "GET", "/stock":
                return {
                    sku: {str(place): _counts(found) for place, found in item.places.items()}
                    for sku, item in sorted(self.stock.items.items())
                }
            case "POST", _ if path.startswith("/hooks/") and path.endswith("/rotate"):
                return {"secret": self.hooks.rotate(path.split("/")[2])}
        raise Refusal(404, "NoSuchControl", f"there is no {method} {path} below /_sandbox")

    def truth(self) -> dict[str, object]:
        """What really shipped."""
        return self.orders.truth() | {"webhooks": dict(self.hooks.sent)}

    def settings(self) -> dict[str, object]:
        """Credentials of the stand-in."""
        return {"token": self.config.token, "channel_id": self.config.channel_id, "locations": list(self.config.places)}

    # -- orders --------------------------------------------------------------------------------------------------------

    def create(self, call: Call) -> Reply:
        """Take an order."""
        return Reply(201, views.order(self.orders.create(_table(call.body), call.now), self.config))

    def get(self, call: Call) -> Reply:
        """One order."""
        return Reply(200, views.order(self._order(call), self.config))

    def orders_listed(self, call: Call) -> Reply:
        """Orders by reference, number or time; newest first where nobody asks otherwise."""
        ids, references = _set(call, "IDs"), _set(call, "ReferenceIds")
        found = []
        for number in sorted(self.orders.orders):
            order = self.orders.seen(self.orders.orders[number], call.seen_at)
            if order is None or (ids and str(number) not in ids) or (references and order.reference not in references):
                continue
            if not _later(call, "StartDate", order.created_at) or not _earlier(call, "EndDate", order.created_at):
                continue
            if not _later(call, "LastUpdateStartDate", order.updated_at):
                continue
            if not _earlier(call, "LastUpdateEndDate", order.updated_at):
                continue
            if call.one("HasTracking") and any(s.left_at for s in order.shipments) != (
                call.one("HasTracking") == "true"
            ):
                continue
            found.append(order)
        if call.one("SortOrder", "Newest") != "Oldest":
            found.reverse()
        return Reply(200, _page([views.order(order, self.config) for order in found], call))

    def cancel(self, call: Call) -> Reply:
        """Cancel what nobody has picked; at once, unless the fault `late_cancel` makes the answer a promise."""
        order = self._order(call)
        if order.finished:
            raise Refusal(422, "orderId", f"The order is {order.status} and can no longer be cancelled.")
        if call.late:
            self.agenda.at(call.now + call.late, lambda due: _ignore(self.orders.cancel(order, due)))
            done = [(part, True) for part in order.shipments]
        else:
            done = self.orders.cancel(order, call.now)
        return Reply(200, views.cancelled(order, done, self.config))

    def shipments(self, call: Call) -> Reply:
        """All shipments of an order."""
        order = self._order(call)
        return Reply(200, [views.shipment(order, part) for part in order.shipments])

    def shipment(self, call: Call) -> Reply:
        """One shipment."""
        order, part = self._shipment(call)
        return Reply(200, views.shipment(order, part))

    def timeline(self, call: Call) -> Reply:
        """What happened to a shipment."""
        _, part = self._shipment(call)
        return Reply(200, [views.log(*entry) for entry in part.logs])

    def estimate(self, call: Call) -> Reply:
        """What an order would cost by each method."""
        body = _table(call.body)
        units = sum(row["quantity"] for row in body["products"])
        if units < 1:
            raise Refusal(422, "products", "There is nothing to send.")
        factor = {"Standard": 1.0, "2-Day": 1.6, "Overnight": 3.1}
        return Reply(
            200,
            {
                "estimates": [
                    {
                        "shipping_method": method,
                        "estimated_price": round((6.35 + 0.85 * units) * factor.get(method, 1.0), 2),
                        "estimated_currency_code": "USD",
                        "total_weight_oz": 12.0 * units,
                        "fulfillment_center": {"id": place, "name": f"Center {place}"},
                    }
                    for method in body.get("shipping_methods") or factor
                    for place in self.config.places
                ]
            },
        )

    def _order(self, call: Call) -> Order:
        number = call.path["orderId"]
        found = self.orders.orders.get(int(number)) if number.isdecimal() else None
        order = self.orders.seen(found, call.seen_at) if found and call.seen_at < call.now else found
        if order is None:
            raise Refusal(404, "orderId", "The order was not found.")
        return order

    def _shipment(self, call: Call) -> tuple[Order, Shipment]:
        number = call.path["shipmentId"]
        found = self.orders.shipments.get(int(number)) if number.isdecimal() else None
        if found is None:
            raise Refusal(404, "shipmentId", "The shipment was not found.")
        return found

    def _published(self, topic: str, order: Order, part: Shipment, now: int) -> None:
        self.hooks.publish(topic, views.shipment(order, replace(part)), now)

    # -- stock ---------------------------------------------------------------------------------------------------------

    def by_center(self, call: Call) -> Reply:
        """Stock by fulfillment center."""
        only = call.one("LocationId")

        def row(item: Item) -> dict[str, object]:
            places = self.stock.at(item, call.seen_at)
            kept = {number: place for number, place in places.items() if not only or str(number) == only}
            return views.by_center(item, kept, self._lie(item.sku, call.now))

        return self._levels(call, "/locations", row)

    def totals(self, call: Call) -> Reply:
        """Stock in all centers together."""
        return self._levels(
            call, "", lambda item: views.totals(item, self.stock.at(item, call.seen_at), self._lie(item.sku, call.now))
        )

    def _levels(self, call: Call, path: str, row: Callable[[Item], dict[str, object]]) -> Reply:
        """A page of inventory items. The next one's address has its place in a parameter that the vendor declares."""
        wanted = _set(call, "InventoryIds")
        after = int(call.one("SearchBy").removeprefix(_AFTER)) if call.one("SearchBy").startswith(_AFTER) else 0
        items = sorted(self.stock.items.values(), key=lambda item: item.id)
        found = [item for item in items if item.id > after and (not wanted or str(item.id) in wanted)]
        size = min(PAGE_MAX, max(1, int(call.one("PageSize", "50"))))
        page, rest = found[:size], found[size:]
        query = f"PageSize={size}&SearchBy={_AFTER}{page[-1].id}" if rest else ""
        address = f"https://sandbox.invalid{BASE}/inventory-level{path}?{query}" if rest else None
        body = {"items": [row(item) for item in page], "next": address, "prev": None, "first": None, "last": None}
        return Reply(200, body)

    def _lie(self, sku: str, now: int) -> int:
        fault = self.faults.standing("stock_lie", now, sku, sku=sku)
        if fault is None:
            return 0
        return fault.units or int(draw(fault.seed, "lie", sku) * 11) - 5

    def _set_stock(self, wanted: Mapping[str, object]) -> object:
        """{SKU: units on hand at the first center, or {center: units or {bucket: units}}}."""
        now = self.agenda.clock.now()
        for sku, told in wanted.items():
            known = told if isinstance(told, dict) else {str(self.config.places[0]): told}
            for place, counts in known.items():
                buckets = counts if isinstance(counts, dict) else {"on_hand": counts}
                good = all(type(units) is int and 0 <= units < 1 << 31 for units in buckets.values())
                if (
                    not str(place).isdecimal()
                    or int(place) not in self.config.places
                    or not set(buckets) <= set(BUCKETS)
                    or not good
                ):
                    raise Refusal(
                        400, "BadStock", f"stock of a SKU is units, or by center units or {', '.join(BUCKETS)}"
                    )
                self.stock.put(sku, int(place), now, **buckets)
        return {sku: {str(at): _counts(found) for at, found in self.stock.items[sku].places.items()} for sku in wanted}

    # -- simulations ---------------------------------------------------------------------------------------------------

    def simulate(self, call: Call) -> Reply:
        """The vendor's own sandbox operation: let a shipment leave or arrive, one after the other."""
        body = _table(call.body)
        number = str(body.get("shipment_id") or "")
        found = self.orders.shipments.get(int(number)) if number.isdecimal() else None
        if found is None:
            return Reply(200, {"simulation_id": None, "message": "The shipment was not found."})
        simulation = str(
            UUID(int=int(draw(self.config.seed, "simulation", len(self.simulations)) * (1 << 64)), version=4)
        )
        steps: list[list[object]] = []
        step, due = body["simulation"], call.now
        while isinstance(step, dict):
            due += (step.get("delay") or 0) * MINUTE
            entry: list[object] = [step["action"], due, "Scheduled", ""]
            steps.append(entry)
            self.agenda.at(due, lambda at, entry=entry: self._act(found, entry, at))  # type: ignore[misc]
            step = step.get("next")
        self.simulations[simulation] = (found[1].id, steps)
        self.agenda.settle()
        return Reply(200, {"simulation_id": simulation, "message": "Simulation is scheduled."})

    def _act(self, found: tuple[Order, Shipment], entry: list[object], now: int) -> None:
        done = (self.orders.ship if entry[0] == "ShipOrder" else self.orders.deliver)(*found, now)
        entry[2:] = ["Completed", ""] if done else ["Failed", f"The shipment is {found[1].status}."]

    def simulated(self, call: Call) -> Reply:
        """How a simulation is doing."""
        wanted = call.path["simulationId"]
        number, steps = self.simulations.get(wanted, (0, []))
        told: dict[str, object] = {}
        for action, due, status, text in reversed(steps):
            step = {"action": action, "schedule_time": iso(int(str(due))), "status": status, "message": text}
            told = step | ({"next": told} if told else {})
        return Reply(
            200, {"simulation_id": wanted, "entity_id": str(number), "entity_type": "Shipment", "simulation": told}
        )


_BY_FIELD = frozenset({"cancel-warehouse-receiving-order", "create-warehouse-receiving-order"})
"""Operations outside orders whose errors name fields."""


def _guarded(handle: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    """A body or parameter of the wrong form is a 400, also where the vendor's file is not there to say so first."""

    def run(call: Call) -> Reply:
        try:
            return handle(call)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refusal(400, "request", "Request has missing or invalid parameters.") from error

    return run


def _set(call: Call, name: str) -> set[str]:
    return {text for text in call.one(name).split(",") if text}


def _later(call: Call, name: str, at: int) -> bool:
    return not call.one(name) or at > _moment(call.one(name))


def _earlier(call: Call, name: str, at: int) -> bool:
    return not call.one(name) or at < _moment(call.one(name))


def _counts(place: object) -> dict[str, int]:
    return {bucket: int(getattr(place, bucket)) for bucket in (*BUCKETS, "committed", "fulfillable")}


def _ignore(_: object) -> None:
    return None
