"""What is read of version 2020-07-01: the parts that matter here. Fields that Amazon may leave out have a default."""

import msgspec


class FulfillmentOrder(msgspec.Struct, rename="camel"):
    """The head of an order."""

    seller_fulfillment_order_id: str
    fulfillment_order_status: str
    fulfillment_action: str = ""


class OrderItem(msgspec.Struct, rename="camel"):
    """A line with what will not be shipped of it."""

    seller_fulfillment_order_item_id: str
    quantity: int
    cancelled_quantity: int = 0
    unfulfillable_quantity: int = 0


class ShipmentItem(msgspec.Struct, rename="camel"):
    """Units in a shipment."""

    seller_fulfillment_order_item_id: str
    quantity: int
    package_number: int | None = None


class Package(msgspec.Struct, rename="camel"):
    """A package; `delivery_information` is there once it has arrived."""

    package_number: int
    carrier_code: str
    tracking_number: str = ""
    amazon_fulfillment_tracking_number: str = ""
    delivery_information: dict[str, object] | None = None


class Shipment(msgspec.Struct, rename="camel"):
    """What leaves one building together."""

    amazon_shipment_id: str
    fulfillment_shipment_status: str
    fulfillment_shipment_item: list[ShipmentItem]
    shipping_date: str = ""
    fulfillment_shipment_package: list[Package] = []


class ReturnItem(msgspec.Struct, rename="camel"):
    """One return of a line; each is one unit unless Amazon says otherwise."""

    seller_fulfillment_order_item_id: str
    status: str
    seller_return_item_id: str = ""
    return_received_condition: str = ""


class OneOrder(msgspec.Struct, rename="camel"):
    """Payload of getFulfillmentOrder."""

    fulfillment_order: FulfillmentOrder
    fulfillment_order_items: list[OrderItem]
    return_items: list[ReturnItem]
    fulfillment_shipments: list[Shipment] = []


class OneOrderAnswer(msgspec.Struct, rename="camel"):
    """Answer of getFulfillmentOrder: the file makes the payload optional; without it there is nothing to read."""

    payload: OneOrder


class Orders(msgspec.Struct, rename="camel"):
    """Payload of listAllFulfillmentOrders."""

    fulfillment_orders: list[msgspec.Raw] = []
    next_token: str | None = None


class OrdersAnswer(msgspec.Struct, rename="camel"):
    """Answer of listAllFulfillmentOrders."""

    payload: Orders


class DateRange(msgspec.Struct, rename="camel"):
    """From when to when."""

    latest: str


class DeliveryOffer(msgspec.Struct, rename="camel"):
    """One way to deliver."""

    date_range: DateRange | None = None


class Offers(msgspec.Struct, rename="camel"):
    """Payload of deliveryOffers."""

    delivery_offers: list[DeliveryOffer] = []


class OffersAnswer(msgspec.Struct, rename="camel"):
    """Answer of deliveryOffers."""

    payload: Offers


class ReturnsPayload(msgspec.Struct, rename="camel"):
    """Either one order with its returns, or a list of orders without."""

    fulfillment_order: FulfillmentOrder | None = None
    return_items: list[ReturnItem] = []


class ReturnsAnswer(msgspec.Struct, rename="camel"):
    """Answer of either."""

    payload: ReturnsPayload
