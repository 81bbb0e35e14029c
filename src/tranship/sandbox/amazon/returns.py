"""Returns of 2020-07-01: reasons, and the wish to send shipped units back."""

from tranship.sandbox.amazon import bodies
from tranship.sandbox.amazon.orders import Back, Order, Orders, invalid
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.common.chance import name
from tranship.sandbox.common.clock import iso
from tranship.sandbox.common.wire import Call, Reply

REASONS = {
    "AMZ-PG-BAD-DESC": "Not as described",
    "AMZ-PG-DAMAGED": "Arrived damaged",
    "AMZ-PG-DEFECTIVE": "Does not work",
    "AMZ-PG-MISORDERED": "Ordered by mistake",
    "AMZ-PG-UNWANTED": "No longer wanted",
}
"""Made up for the sandbox; Amazon's own list depends on SKU and marketplace."""


class Returns:
    """Handlers."""

    def __init__(self, orders: Orders, settings: Settings) -> None:
        self.orders, self.settings = orders, settings

    def reasons(self, call: Call) -> Reply:
        """Why a SKU may come back."""
        if self.orders.stock.find(call.one("sellerSku"), call.now) is None:
            raise invalid("The sellerSku is invalid.")
        found = [{"returnReasonCode": code, "description": text} for code, text in REASONS.items()]
        return Reply(200, {"payload": {"reasonCodeDetails": found}})

    def create(self, call: Call) -> Reply:
        """Take back units that were shipped: each item is one unit, and is taken or told why not."""
        order = bodies.order_of(self.orders, call, "sellerFulfillmentOrderId")
        rows = bodies.rows(bodies.table(call.body, "body").get("items"), "items")
        taken: list[Back] = []
        refused: list[dict[str, object]] = []
        for row in rows:
            back = self._back(order, row, call.now)
            why = self._why_not(order, back)
            if why:
                refused.append(
                    {
                        "sellerReturnItemId": back.id,
                        "sellerFulfillmentOrderItemId": back.line,
                        "invalidItemReason": {"invalidItemReasonCode": why[0], "description": why[1]},
                    }
                )
            else:
                self.orders.add_return(order, back, call.now)
                taken.append(back)
        result = {
            "returnItems": [item(back) for back in taken],
            "invalidReturnItems": refused,
            "returnAuthorizations": [authorization(back) for back in taken],
        }
        return Reply(200, {"payload": result})

    def _back(self, order: Order, row: dict[str, object], now: int) -> Back:
        number = bodies.text(row, "sellerReturnItemId", longest=80)
        return Back(
            number,
            bodies.text(row, "sellerFulfillmentOrderItemId"),
            bodies.text(row, "amazonShipmentId"),
            bodies.text(row, "returnReasonCode"),
            bodies.text(row, "returnComment", default=""),
            "New",
            now,
            f"RA{name(self.settings.seed, 'return', order.id, number)}",
        )

    @staticmethod
    def _why_not(order: Order, back: Back) -> tuple[str, str] | None:
        shipment = next((found for found in order.shipments if found.id == back.shipment), None)
        line = order.line(back.line)
        if any(found.id == back.id for found in order.returns):
            return "DuplicateRequest", "This return item was asked for."
        if shipment is None or shipment.status != "SHIPPED":
            return "NoCompletedShipItems", "Nothing of this shipment has left."
        if line is None or back.reason not in REASONS:
            return "InvalidValues", "The item or the reason is not known."
        if sum(found.line == back.line for found in order.returns) >= line.shipped:
            return "NoReturnableQuantity", "All units of this item are on their way back."
        return None


def item(back: Back) -> dict[str, object]:
    """A return item."""
    found: dict[str, object] = {
        "sellerReturnItemId": back.id,
        "sellerFulfillmentOrderItemId": back.line,
        "amazonShipmentId": back.shipment,
        "sellerReturnReasonCode": back.reason,
        "status": back.status,
        "statusChangedDate": iso(back.changed_at),
        "returnAuthorizationId": back.authorization,
    }
    if back.comment:
        found["returnComment"] = back.comment
    if back.status == "Processed":
        found |= {"returnReceivedCondition": "Sellable", "fulfillmentCenterId": "SBX1"}
    return found


def authorization(back: Back) -> dict[str, object]:
    """Where a return goes."""
    return {
        "returnAuthorizationId": back.authorization,
        "fulfillmentCenterId": "SBX1",
        "returnToAddress": {
            "name": "Sandbox Returns",
            "addressLine1": "1 Sandbox Way",
            "city": "Seattle",
            "stateOrRegion": "WA",
            "postalCode": "98101",
            "countryCode": "US",
        },
        "amazonRmaId": f"RMA{back.authorization}",
        "rmaPageURL": f"https://rma.invalid/{back.authorization}",
    }
