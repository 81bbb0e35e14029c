"""What is read of ShipBob's answers: the leaves that matter, with their types. Names and addresses in them are never read."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

T = TypeVar("T")
Id = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
Units = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Text = Annotated[str, msgspec.Meta(max_length=200)]


class Damaged(Exception):  # noqa: N818 - becomes an outcome, never leaves the connector
    """An answer that breaks ShipBob's own description; the text has places and types, no values."""


class Item(msgspec.Struct):
    """Units of one inventory item in a shipment."""

    id: int
    quantity: Units = 0


class Packed(msgspec.Struct):
    """One product in a shipment."""

    reference_id: Text | None = None
    sku: Text | None = None
    inventory_items: list[Item] | None = None


class Tracking(msgspec.Struct):
    """Carrier and number of a parcel."""

    carrier: Text | None = None
    tracking_number: Text | None = None


class Detail(msgspec.Struct):
    """Why a shipment is where it is: only the number, for the text is free."""

    id: int = 0


class Shipment(msgspec.Struct):
    """One parcel, or what will be one."""

    id: Id
    status: Text = "None"
    reference_id: Text | None = None
    order_id: int = 0
    products: list[Packed] | None = None
    tracking: Tracking | None = None
    status_details: list[Detail] | None = None
    actual_fulfillment_date: Text | None = None
    delivery_date: Text | None = None


class Product(msgspec.Struct):
    """One line of an order."""

    reference_id: Text | None = None
    sku: Text | None = None
    external_line_id: int | None = None
    quantity: Units = 0


class OrderView(msgspec.Struct):
    """An order as it stands there."""

    id: Id
    status: Text = ""
    reference_id: Text | None = None
    created_date: Text | None = None
    products: list[Product] | None = None
    shipments: list[Shipment] | None = None


class Cancelled(msgspec.Struct):
    """What became of a cancellation."""

    status: Text
    order_id: int = 0
    order: OrderView | None = None


class Place(msgspec.Struct):
    """Units of an inventory item at one fulfillment center."""

    location_id: Id
    fulfillable_quantity: int = 0
    committed_quantity: Units = 0
    on_hand_quantity: Units = 0
    awaiting_quantity: Units = 0
    internal_transfer_quantity: Units = 0


class Level(msgspec.Struct):
    """An inventory item with its places."""

    inventory_id: int = 0
    sku: Text | None = None
    locations: list[Place] | None = None


class Levels(msgspec.Struct):
    """A page of inventory items."""

    items: list[Level] | None = None
    next: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class Estimate(msgspec.Struct):
    """What one shipping method would cost."""

    estimated_price: Decimal
    shipping_method: Text | None = None
    estimated_currency_code: Text | None = None


class Estimates(msgspec.Struct):
    """What an order would cost."""

    estimates: list[Estimate] | None = None


class Due(msgspec.Struct):
    """Units of an item in a receiving order."""

    sku: Text | None = None
    inventory_id: int = 0
    expected_quantity: Units = 0
    received_quantity: Units = 0
    stowed_quantity: Units = 0


class Center(msgspec.Struct):
    """A fulfillment center."""

    id: int = 0


class Receiving(msgspec.Struct):
    """A warehouse receiving order."""

    id: Id
    status: Text = ""
    insert_date: Text | None = None
    expected_arrival_date: Text | None = None
    fulfillment_center: Center | None = None
    inventory_quantities: list[Due] | None = None


class Action(msgspec.Struct):
    """What was done with units that came back."""

    action: Text | None = None
    quantity_processed: Units = 0


class Back(msgspec.Struct):
    """An item that came back."""

    sku: Text | None = None
    quantity: Units = 0
    action_taken: list[Action] | None = None


class Return(msgspec.Struct):
    """A return order."""

    id: Id
    status: Text | None = None
    reference_id: Text | None = None
    store_order_id: Text | None = None
    inventory: list[Back] | None = None


class Returns(msgspec.Struct):
    """A page of returns."""

    items: list[Return] | None = None
    next: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class Log(msgspec.Struct):
    """One entry of a shipment's timeline."""

    timestamp: Text = ""
    log_type_id: int = 0
    log_type_name: Text | None = None


def decoded(body: bytes, shape: type[T]) -> T:
    """The body as this shape.

    Raises:
        Damaged: it is not; the text says where, never what.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise Damaged(str(error)[:200]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, ArithmeticError):
        raise Damaged("not JSON") from None


def micros(text: str | None) -> int:
    """UTC microseconds of an ISO time, taken as UTC where it names no zone; 0 where it is none.

    >>> micros("1970-01-01T00:00:01Z"), micros("yesterday"), micros(None)
    (1000000, 0, 0)
    """
    try:
        moment = datetime.fromisoformat(text or "")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return max(0, round(moment.timestamp() * 1_000_000))
    except (ValueError, OverflowError):
        return 0


def iso(us: int) -> str:
    """ISO 8601 in UTC, to the second, rounded down: a moment too early repeats, a moment too late forgets.

    >>> iso(1_500_000)
    '1970-01-01T00:00:01Z'
    """
    return datetime.fromtimestamp(max(0, us) // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
