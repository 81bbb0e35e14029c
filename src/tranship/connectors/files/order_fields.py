"""Fields of an order that every source but the UCI export has: where it goes, in which currency, who it is for."""

import datetime as dt
from typing import NamedTuple

from tranship.connectors.files.build import Place
from tranship.connectors.files.mapping import SourceMapping
from tranship.connectors.files.places import country_code, postal_code, state_code
from tranship.connectors.files.values import CUSTOMER_MAX, PERSONAL_MAX, reference
from tranship.core.order import Person

_PLACES_KEPT = 100_000


class Flaw(NamedTuple):
    """Why a line or an order cannot be used, in a documented word and a sentence without the cell itself."""

    reason: str
    detail: str


class PlaceCells(NamedTuple):
    """The cells a Place is read from."""

    zip: str = ""
    state: str = ""
    country: str = ""
    currency: str = ""
    channel: str = ""
    service: str = ""
    deliver_by: str = ""


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class Places:
    """Reads Place from cells under a mapping. `free` takes channels and services as written where the mapping has no word for them."""

    def __init__(self, mapping: SourceMapping, *, free: bool = True) -> None:
        self.mapping, self.free = mapping, free
        self._known: dict[PlaceCells, Place | Flaw] = {}

    def read(self, cells: PlaceCells) -> Place | Flaw:
        """The place, or what is wrong with it."""
        known = self._known.get(cells)
        if known is None:
            if len(self._known) >= _PLACES_KEPT:
                self._known.clear()
            known = self._known[cells] = self._read(cells)
        return known

    def _read(self, cells: PlaceCells) -> Place | Flaw:
        mapping = self.mapping
        country = self._country(cells)
        if country is None:
            return Flaw(
                "bad_country", "the country is neither a code nor a known name; name it under countries in the mapping"
            )
        code = postal_code(cells.zip, country)
        if code is None:
            return Flaw("bad_zip", f"the postal code cannot be one of {country}")
        currency = cells.currency.strip().upper() or mapping.currency
        if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            return Flaw("bad_currency", "the currency is not a three-letter code")
        channel = self._word(cells.channel, mapping.channels, mapping.channel)
        service = self._word(cells.service, mapping.services, mapping.service)
        if channel is None or service is None:
            return Flaw("bad_channel", "the channel or service is too long or not printable")
        promise = cells.deliver_by.strip()
        if promise and not _is_date(promise):
            return Flaw("bad_promise", "deliver_by is not an ISO date such as 2026-03-17")
        return Place(code, state_code(cells.state, country), country, currency, channel, service, promise)

    def _country(self, cells: PlaceCells) -> str | None:
        text = cells.country.strip()
        if text:
            return self.mapping.countries.get(text) or country_code(text)
        if self.mapping.country:
            return self.mapping.country
        return "US" if cells.zip.strip() else ""

    def _word(self, text: str, words: dict[str, str], default: str) -> str | None:
        text = text.strip()
        if text in words:
            return words[text]
        return reference(text) if text and self.free else default


def customer_of(text: str) -> str | Flaw:
    """A customer reference ('' for a guest)."""
    code = reference(text, CUSTOMER_MAX, personal=True)
    return Flaw("bad_customer", "the customer reference is too long or not printable") if code is None else code


def person_of(*, ref: str, name: str, street: str, city: str, phone: str, email: str) -> Person | Flaw | None:
    """The person of an order: None where the source says nothing about one."""
    texts = [" ".join(text.split()) for text in (name, street, city, phone, email)]
    if any(len(text) > PERSONAL_MAX for text in texts):
        return Flaw("field_too_large", f"a field of the address is above {PERSONAL_MAX} characters")
    return Person(ref, *texts) if any(texts) else None
