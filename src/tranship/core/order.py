"""Orders, their lines and where they go. Personal data is not here: an order carries a `person_id` and a ZIP."""

import msgspec


class Destination(msgspec.Struct, frozen=True, gc=False):
    """What routing may know of an address: enough for zone, transit and eligibility, nothing of the person."""

    zip: str
    state: str = ""
    country: str = "US"
    residential: bool = True


class OrderLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line as the channel sent it. `key` is unique in the order; money in minor units of the order's currency."""

    key: str
    sku: str
    qty: int
    unit_price_minor: int = 0


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """Personal data of a customer. Lives only in the person table, encrypted under the person's own key."""

    ref: str = ""  # the source's own customer reference
    name: str = ""
    street: str = ""
    city: str = ""
    phone: str = ""
    email: str = ""

    def __repr__(self) -> str:
        return "Person(***)"


class Order(msgspec.Struct, frozen=True, gc=False):
    """An order ready for routing. `placed_at` is UTC microseconds since the epoch; `key` is (source, number)."""

    source: str
    number: str
    channel: str
    placed_at: int
    to: Destination
    lines: tuple[OrderLine, ...]
    currency: str = "USD"
    person_id: str = ""
    service: str = ""  # empty: the channel's
    deliver_by: str = ""  # ISO date, destination-local; empty: computed
    value_minor: int = 0
