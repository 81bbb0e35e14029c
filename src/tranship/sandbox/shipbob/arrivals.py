"""What comes in: receiving orders (stock on its way, not buyable before it is stowed) and returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tranship.sandbox.common.clock import Agenda, iso, parse_time
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply
from tranship.sandbox.shipbob.orders import Orders
from tranship.sandbox.shipbob.settings import Settings
from tranship.sandbox.shipbob.stock import Stock

FILE = "3pl/shipbob/shipbob-openapi.json"
BASE = "/2026-01"
PAGE_MAX = 250
_OPEN = frozenset({"Awaiting", "Arrived", "Processing"})


@dataclass(slots=True)
class Receiving:
    """A warehouse receiving order: units by SKU for one center."""

    id: int
    place: int
    due: int
    document: Mapping[str, Any]
    units: dict[str, int]
    created_at: int
    status: str = "Awaiting"
    history: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Back:
    """A return."""

    id: int
    reference: str
    store_order: str | None
    shipment: int | None
    place: int
    tracking: str | None
    rows: list[tuple[str, int, str]]  # SKU, units, action asked for
    created_at: int
    status: str = "AwaitingArrival"
    history: list[tuple[int, str]] = field(default_factory=list)


class Arrivals:
    """All receiving orders and returns."""

    def __init__(self, settings: Settings, agenda: Agenda, stock: Stock, orders: Orders) -> None:
        self.settings, self.agenda, self.stock, self.orders = settings, agenda, stock, orders
        self.receiving: dict[int, Receiving] = {}
        self.backs: dict[int, Back] = {}

    def operations(self) -> tuple[Operation, ...]:
        """What is offered."""
        one = BASE + "/receiving/{id}"
        return (
            Operation(
                "receiving", "create-warehouse-receiving-order", "POST", BASE + "/receiving", self.announce, file=FILE
            ),
            Operation(
                "stock", "get-multiple-warehouse-receiving-orders", "GET", BASE + "/receiving", self.expected, file=FILE
            ),
            Operation("stock", "get-warehouse-receiving-order", "GET", one, self.one, file=FILE),
            Operation(
                "receiving", "cancel-warehouse-receiving-order", "POST", one + ":cancel", self.call_off, file=FILE
            ),
            Operation("returns", "create-return-order", "POST", BASE + "/return", self.take_back, file=FILE),
            Operation("returns", "get-return-orders", "GET", BASE + "/return", self.returned, file=FILE),
        )

    # -- receiving -----------------------------------------------------------------------------------------------------

    def announce(self, call: Call) -> Reply:
        """A receiving order: it arrives on its day and is stowed a day later."""
        body = _table(call.body)
        skus = {item.id: item.sku for item in self.stock.items.values()}
        units: dict[str, int] = {}
        for box in body.get("boxes") or ():
            for row in box.get("box_items") or ():
                sku = skus.get(row["inventory_id"])
                if sku is None or row["quantity"] < 1:
                    raise Refusal(400, "boxes", "Inventory item not found, or no units of it.")
                units[sku] = units.get(sku, 0) + row["quantity"]
        place = body["fulfillment_center"]["id"]
        if place not in self.settings.places or not units:
            raise Refusal(400, "fulfillment_center", "That is not one of yours, or nothing is in the boxes.")
        due = max(call.now, _moment(body["expected_arrival_date"]))
        found = Receiving(700_001 + len(self.receiving), place, due, body, units, call.now)
        self.receiving[found.id] = found
        self._become(found, "Awaiting", call.now)
        for sku, count in units.items():
            item = self.stock.item(sku, call.now)
            self.stock.put(sku, place, call.now, awaiting=item.places[place].awaiting + count)
        self.agenda.at(due, lambda at: self._arrived(found, at))
        return Reply(201, self._receiving(found))

    def expected(self, call: Call) -> Reply:
        """Receiving orders, oldest first."""
        wanted = {text for text in call.one("Statuses").split(",") if text}
        since = _moment(call.one("InsertStartDate")) if call.one("InsertStartDate") else 0
        found = [
            self._receiving(order)
            for order in self.receiving.values()
            if (not wanted or order.status in wanted) and since < order.created_at <= call.seen_at
        ]
        return Reply(200, _page(found, call))

    def one(self, call: Call) -> Reply:
        """One receiving order."""
        return Reply(200, self._receiving(self._find(call)))

    def call_off(self, call: Call) -> Reply:
        """Cancel a receiving order that has not arrived."""
        found = self._find(call)
        if found.status != "Awaiting":
            raise Refusal(422, "id", f"The receiving order is {found.status}.")
        self._become(found, "Cancelled", call.now)
        self._expect(found, call.now, stowed=False)
        return Reply(200, self._receiving(found))

    def _find(self, call: Call) -> Receiving:
        found = self.receiving.get(int(call.path["id"])) if call.path["id"].isdecimal() else None
        if found is None:
            raise Refusal(404, "id", "The receiving order was not found.")
        return found

    def _arrived(self, found: Receiving, now: int) -> None:
        if found.status == "Awaiting":
            self._become(found, "Arrived", now)
            self.agenda.at(now + self.settings.us("stow_s"), lambda at: self._stowed(found, at))

    def _stowed(self, found: Receiving, now: int) -> None:
        self._become(found, "Completed", now)
        self._expect(found, now, stowed=True)

    def _expect(self, found: Receiving, now: int, *, stowed: bool) -> None:
        """The units are expected no more; where they are stowed, they can be sold now."""
        for sku, count in found.units.items():
            place = self.stock.item(sku, now).places[found.place]
            place.awaiting -= count
            place.on_hand += count if stowed else 0
            self.stock.changed(self.stock.items[sku], found.place, now)

    @staticmethod
    def _become(found: Receiving | Back, status: str, now: int) -> None:
        found.status = status
        found.history.append((now, status))

    def _receiving(self, found: Receiving) -> dict[str, object]:
        arrived, stowed = found.status in {"Arrived", "Processing", "Completed"}, found.status == "Completed"
        return {
            "id": found.id,
            "status": found.status,
            "insert_date": iso(found.created_at),
            "last_updated_date": iso(found.history[-1][0]),
            "expected_arrival_date": iso(found.due),
            "package_type": found.document["package_type"],
            "box_packaging_type": found.document["box_packaging_type"],
            "purchase_order_number": found.document.get("purchase_order_number"),
            "fulfillment_center": {"id": found.place, "name": f"Center {found.place}", "timezone": "UTC"},
            "inventory_quantities": [
                {
                    "inventory_id": self.stock.items[sku].id,
                    "sku": sku,
                    "expected_quantity": count,
                    "received_quantity": count if arrived else 0,
                    "stowed_quantity": count if stowed else 0,
                }
                for sku, count in sorted(found.units.items())
            ],
            "status_history": [
                {"id": number, "status": status, "timestamp": iso(at)}
                for number, (at, status) in enumerate(found.history, start=1)
            ],
            "box_labels_uri": None,
            "external_sync_timestamp": None,
        }

    # -- returns -------------------------------------------------------------------------------------------------------

    def take_back(self, call: Call) -> Reply:
        """A return: it is processed after some days; what is to be restocked can be sold again then."""
        body = _table(call.body)
        skus = {item.id: item.sku for item in self.stock.items.values()}
        rows = [
            (skus.get(row["id"], ""), row["quantity"], row["requested_action"]) for row in body.get("inventory") or ()
        ]
        if not rows or not all(sku and units > 0 for sku, units, _ in rows):
            raise Refusal(422, "inventory", "Inventory item not found, or no units of it.")
        shipment = body.get("original_shipment_id")
        known = self.orders.shipments.get(shipment) if shipment is not None else None
        place = body["fulfillment_center"]["id"]
        if place not in self.settings.places:
            raise Refusal(422, "fulfillment_center", "That is not one of yours.")
        found = Back(
            800_001 + len(self.backs), body["reference_id"], known[0].reference if known else None, shipment, place,
            body.get("tracking_number"), rows, call.now,
        )  # fmt: skip
        self.backs[found.id] = found
        self._become(found, "AwaitingArrival", call.now)
        self.agenda.at(call.now + self.settings.us("return_s"), lambda at: self._processed(found, at))
        told = self._back(found)
        return Reply(201, {key: told[key] for key in ("id", "reference_id", "status", "insert_date")})

    def returned(self, call: Call) -> Reply:
        """Returns, a page at a time."""
        since = _moment(call.one("StartDate")) if call.one("StartDate") else 0
        found = [back for back in self.backs.values() if since <= back.created_at <= call.seen_at]
        if call.one("SortOrder") != "Asc":
            found.reverse()
        size = min(PAGE_MAX, max(1, int(call.one("Limit", "50"))))
        page = max(1, int(call.one("Cursor", "1")))
        kept = "&".join(f"{key}={call.one(key)}" for key in ("StartDate", "SortOrder") if call.one(key))
        more = len(found) > page * size
        address = f"https://sandbox.invalid{BASE}/return?{kept}&Limit={size}&Cursor={page + 1}" if more else None
        rows = [self._back(back) for back in found[(page - 1) * size : page * size]]
        return Reply(200, {"items": rows, "next": address, "prev": None, "first": None, "last": None})

    def _processed(self, found: Back, now: int) -> None:
        self._become(found, "Completed", now)
        for sku, units, action in found.rows:
            if action in {"Default", "Restock"}:
                place = self.stock.item(sku, now).places[found.place]
                self.stock.put(sku, found.place, now, on_hand=place.on_hand + units)

    def _back(self, found: Back) -> dict[str, object]:
        done = found.status == "Completed"
        return {
            "id": found.id,
            "reference_id": found.reference,
            "store_order_id": found.store_order,
            "original_shipment_id": found.shipment,
            "tracking_number": found.tracking,
            "return_type": "Regular",
            "status": found.status,
            "insert_date": iso(found.created_at),
            "completed_date": iso(found.history[-1][0]) if done else None,
            "fulfillment_center": {"id": found.place, "name": f"Center {found.place}"},
            "inventory": [
                {
                    "id": self.stock.items[sku].id,
                    "sku": sku,
                    "name": sku,
                    "quantity": units,
                    "action_requested": {
                        "action": action,
                        "action_type": "Overriden by Merchant",
                        "instructions": None,
                    },
                    "action_taken": [
                        {"action": "Restock" if action == "Default" else action, "quantity_processed": units}
                    ]
                    if done
                    else [],
                }
                for sku, units, action in found.rows
            ],
            "status_history": [{"status": status, "timestamp": iso(at)} for at, status in found.history],
        }


def _page(found: list[dict[str, object]], call: Call) -> list[dict[str, object]]:
    size = min(PAGE_MAX, max(1, int(call.one("Limit", "50"))))
    page = max(1, int(call.one("Page", "1")))
    return found[(page - 1) * size : page * size]


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(400, "body", "The body is not an object.")
    return value


def _moment(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError:
        raise Refusal(400, "date", "A date is ISO 8601 with its zone.") from None
