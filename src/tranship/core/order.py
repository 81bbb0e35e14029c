"""Orders, their lines and where they go. Personal data is not here: an order carries a `person_id` and a ZIP."""

import msgspec

from tranship.core.secret import Veiled


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


class Person(Veiled, msgspec.Struct, frozen=True, omit_defaults=True):
    """Personal data of a customer. Lives only in the person table, encrypted under the person's own key."""

    ref: str = ""  # the source's own customer reference
    name: str = ""
    street: str = ""
    city: str = ""
    phone: str = ""
    email: str = ""


class Terms(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a leak budget has to know of an order beyond where it goes. Written only where something of it is said."""

    cod: bool = False  # the carrier collects the money
    pickup: bool = False  # goes to a pickup point: no household shows
    b2b: bool = False  # goes to a business: no household shows
    id_check: bool = False  # somebody shows an ID or signs for it: the label needs the real name
    household: str = ""  # random id of the address (store/people.py); given by the engine, empty where it knows none


NO_TERMS = Terms()


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
    terms: Terms | msgspec.UnsetType = msgspec.UNSET  # not written where nothing is said: orders keep their bytes

    @property
    def said(self) -> Terms:
        """Its terms, also where it says none."""
        return self.terms if isinstance(self.terms, Terms) else NO_TERMS
