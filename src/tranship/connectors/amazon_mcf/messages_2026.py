"""What is read and written of version 2026-07-04: the parts that matter here. Fields that Amazon may leave out have a default."""

import msgspec


class Product(msgspec.Struct, rename="camel"):
    """An article by the seller's code."""

    amazon_sku: str


class Amount(msgspec.Struct, rename="camel"):
    """Units as a decimal text."""

    value: str


class Configuration(msgspec.Struct, rename="camel"):
    """Whether it ships or waits on hold."""

    action: str = ""


class LineItem(msgspec.Struct, rename="camel"):
    """A line with what will not be shipped of it."""

    line_item_id: str
    amount: Amount
    cancelled_amount: Amount | None = None
    unfulfillable_amount: Amount | None = None


class Carrier(msgspec.Struct, rename="camel"):
    """The carrier's tracking."""

    carrier_code: str
    tracking_number: str = ""


class AmazonTracking(msgspec.Struct, rename="camel"):
    """Amazon's own tracking."""

    tracking_number: str = ""


class Tracking(msgspec.Struct, rename="camel"):
    """Both."""

    carrier: Carrier | None = None
    amazon: AmazonTracking | None = None


class Package(msgspec.Struct, rename="camel"):
    """A package of a shipment."""

    package_id: str
    status: str = ""
    tracking: Tracking | None = None
    shipment_item_ids: list[str] = []


class ShipmentItem(msgspec.Struct, rename="camel"):
    """Units in a shipment; which package they are in may be told on either side."""

    line_item_id: str
    amount: Amount
    package_id: str = ""
    shipment_item_id: str = ""


class Shipment(msgspec.Struct, rename="camel"):
    """What leaves one building together."""

    amazon_shipment_id: str
    status: str
    items: list[ShipmentItem]
    ship_time: str = ""
    packages: list[Package] = []


class FulfillmentOrder(msgspec.Struct, rename="camel"):
    """An order as Amazon tells it."""

    order_id: str
    line_items: list[LineItem]
    receive_time: str
    status: str = ""
    fulfillment_configuration: Configuration = msgspec.field(default_factory=Configuration)
    shipments: list[Shipment] = []


class OneOrder(msgspec.Struct, rename="camel"):
    """Answer of createOrder (200) and getOrder."""

    order: FulfillmentOrder


class Accepted(msgspec.Struct, rename="camel"):
    """Answer of createOrder (202)."""

    order_id: str
    status: str


class Pagination(msgspec.Struct, rename="camel"):
    """Where the next page is."""

    next_token: str | None = None


class Orders(msgspec.Struct, rename="camel"):
    """Answer of listOrders; each order is read on its own, so that a bad one spoils no other."""

    orders: list[msgspec.Raw]
    pagination: Pagination | None = None


class Interval(msgspec.Struct, rename="camel"):
    """From when to when."""

    end_time: str


class OfferLevel(msgspec.Struct, rename="camel"):
    """What an offer promises."""

    service_tier: str = ""
    delivery_interval: Interval | None = None


class OfferConfiguration(msgspec.Struct, rename="camel"):
    """Where the promise stands."""

    service_level: OfferLevel | None = None


class Offer(msgspec.Struct, rename="camel"):
    """One way to deliver."""

    fulfillment_configuration: OfferConfiguration | None = None


class Constraint(msgspec.Struct, rename="camel"):
    """Why there is none."""

    code: str


class OfferResult(msgspec.Struct, rename="camel"):
    """Offers for one article."""

    offers: list[Offer] = []
    constraints: list[Constraint] = []


class Offers(msgspec.Struct, rename="camel"):
    """Answer of getOffers."""

    offer_results: list[OfferResult] = []
