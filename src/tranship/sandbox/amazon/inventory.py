"""FBA Inventory v1: counts by SKU, and the vendor's three sandbox operations on items."""

from collections.abc import Iterable

from tranship.sandbox.amazon import bodies
from tranship.sandbox.amazon.orders import invalid
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.amazon.stock import Item, Stock
from tranship.sandbox.common.chance import draw, name
from tranship.sandbox.common.clock import iso
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

FILE = "sp-api/models/fbaInventory.json"
ROOT = "/fba/inventory/v1"
SKUS_MAX = 50
LIE_MAX = 5
_TWO = Limit(2000, 2)  # published: 2/2


def told(item: Item, faults: Faults, now: int, seed: int) -> int:
    """Sellable units as Amazon tells them: under the fault `stock_lie` not those that are there."""
    fault = faults.standing("stock_lie", now, item.sku, sku=item.sku)
    if fault is None:
        return item.fulfillable
    off = fault.units or round((draw(fault.seed, seed, "lie", item.sku) * 2 - 1) * LIE_MAX) or 1
    return max(0, item.fulfillable + off)


class Inventory:
    """Handlers."""

    def __init__(self, stock: Stock, faults: Faults, settings: Settings) -> None:
        self.stock, self.faults, self.settings = stock, faults, settings
        self._added: set[str] = set()

    def operations(self) -> tuple[Operation, ...]:
        """What is offered."""
        items = f"{ROOT}/items"
        return (
            Operation("stock", "getInventorySummaries", "GET", f"{ROOT}/summaries", self.summaries, _TWO, FILE),
            Operation("items", "createInventoryItem", "POST", items, self.create, Limit(), FILE),
            Operation("items", "deleteInventoryItem", "DELETE", f"{items}/{{sellerSku}}", self.delete, Limit(), FILE),
            Operation("items", "addInventory", "POST", f"{items}/inventory", self.add, Limit(), FILE),
        )

    def summaries(self, call: Call) -> Reply:
        """Counts: of all SKUs, of those that changed since a time, or of those that are named."""
        if call.one("granularityType") != "Marketplace":
            raise invalid("granularityType is Marketplace.")
        marketplace = call.one("granularityId")
        if marketplace != self.settings.marketplace_id or marketplace not in call.query.get("marketplaceIds", ()):
            raise invalid("granularityId and marketplaceIds name the seller's marketplace.")
        start, details = call.one("startDateTime"), call.one("details").lower() == "true"
        wanted = [sku for value in call.query.get("sellerSkus", ()) for sku in value.split(",")]
        wanted = [call.one("sellerSku")] if call.one("sellerSku") else wanted
        if len(wanted) > SKUS_MAX:
            raise invalid(f"At most {SKUS_MAX} SKUs may be named.")
        since = bodies.moment(start, "startDateTime") if start else -1
        arguments = name(0, start, details, tuple(wanted))
        token = call.one("nextToken")
        place = bodies.page_place(token, arguments) if token else 0
        found = [item for item in self._seen(wanted, call) if item.updated_at > since]
        page = found[place : place + self.settings.page_size]
        result: dict[str, object] = {
            "payload": {
                "granularity": {"granularityType": "Marketplace", "granularityId": marketplace},
                "inventorySummaries": [self._summary(item, call.now, details=details) for item in page],
            }
        }
        if place + len(page) < len(found):
            result["pagination"] = {"nextToken": f"{place + len(page)}.{arguments}"}
        return Reply(200, result)

    def create(self, call: Call) -> Reply:
        """The vendor's sandbox operation: make a SKU."""
        body = bodies.table(call.body, "body")
        sku = bodies.text(body, "sellerSku")
        bodies.text(body, "marketplaceId")
        if sku in self.stock.items:
            raise invalid("The SKU exists.")
        self.stock.put(sku, call.now, bodies.text(body, "productName"))
        return Reply(200, {})

    def add(self, call: Call) -> Reply:
        """The vendor's sandbox operation: add units, once for each idempotency token."""
        token = call.headers.get("x-amzn-idempotency-token")
        if not token:
            raise invalid("x-amzn-idempotency-token is required.")
        rows = bodies.table(call.body, "body").get("inventoryItems") or []
        for row in rows:
            units = row.get("quantity")
            if bodies.text(row, "sellerSku") not in self.stock.items:
                raise Refusal(404, "NotFound", "The SKU was not found.")
            if isinstance(units, bool) or not isinstance(units, int) or not 0 <= units < 1 << 24:
                raise invalid("quantity is a whole number of units.")
        if token not in self._added:
            self._added.add(token)
            for row in rows:
                item = self.stock.items[row["sellerSku"]]
                self.stock.put(item.sku, call.now, fulfillable=item.fulfillable + row["quantity"])
        return Reply(200, {})

    def delete(self, call: Call) -> Reply:
        """The vendor's sandbox operation: forget a SKU; not one that orders wait for."""
        item = self.stock.items.get(call.path["sellerSku"])
        if item is None:
            raise Refusal(404, "NotFound", "The SKU was not found.")
        if item.reserved:
            raise invalid("Orders wait for this SKU.")
        self.stock.remove(item.sku)
        return Reply(200, {})

    def _seen(self, wanted: Iterable[str], call: Call) -> Iterable[Item]:
        """SKUs as they were at the time the caller sees."""
        named = list(wanted)
        skus = [sku for sku in named if sku in self.stock.items] if named else sorted(self.stock.items)
        for sku in skus:
            seen = self.stock.at(self.stock.items[sku], call.seen_at)
            if seen is not None:
                yield seen

    def _summary(self, item: Item, now: int, *, details: bool) -> dict[str, object]:
        fulfillable = told(item, self.faults, now, self.settings.seed)
        found: dict[str, object] = {
            "asin": item.asin,
            "fnSku": item.fnsku,
            "sellerSku": item.sku,
            "condition": "NewItem",
            "lastUpdatedTime": iso(item.updated_at),
            "productName": item.title,
            "totalQuantity": item.total - item.fulfillable + fulfillable,
            "stores": [],
        }
        if details:
            found["inventoryDetails"] = {
                "fulfillableQuantity": fulfillable,
                "inboundWorkingQuantity": item.working,
                "inboundShippedQuantity": item.shipped,
                "inboundReceivingQuantity": item.receiving,
                "reservedQuantity": {
                    "totalReservedQuantity": item.reserved,
                    "pendingCustomerOrderQuantity": item.reserved,
                    "pendingTransshipmentQuantity": 0,
                    "fcProcessingQuantity": 0,
                },
                "researchingQuantity": {
                    "totalResearchingQuantity": item.researching,
                    "researchingQuantityBreakdown": [],
                },
                "unfulfillableQuantity": {
                    "totalUnfulfillableQuantity": item.unfulfillable,
                    "warehouseDamagedQuantity": item.unfulfillable,
                },
            }
        return found
