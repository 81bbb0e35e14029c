"""Rate cards: what a node's operator charges, as written in the network file, checked and made exact.

A card is a table `[card.NAME]` with a `type` (`per_unit` or `parcel`), a price `table` (a packaged name, or rows of
one's own) and settings; `base` starts from another card, `versions` changes settings from a date on. Names without a
table of their own are the packaged cards of `data/cards.csv`. Money is in major units with whole cents, percentages
have at most two decimals.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

from tranship.core.errors import InputError
from tranship.core.time import date_to_day
from tranship.rates import data, reading
from tranship.rates.measures import dim_fraction, edge_cm3, edge_g, edge_mm
from tranship.rates.periods import Period, read_period
from tranship.rates.price_tables import PriceTable, read_table
from tranship.rates.reading import Place

Raw = Mapping[str, object]

PRICE_KEYS = ("table", "order_fee", "unit_fee", "discount_pct", "fuel_pct", "surcharges", "peak", "transit")
UNIT_KEYS = ("units_counted", "size_tiers")
PARCEL_KEYS = ("carton_fee", "residential_fee", "max_carton_lb", "max_length_girth_in", "dim_divisor", "dim_over_in3")
TYPES = ("per_unit", "parcel")


@dataclass(frozen=True)
class Surcharge:
    """An extra charge in a period: cents, and basis points of the discounted price, a carton (parcel) or unit."""

    name: str
    period: Period
    cents: int
    bp: int
    zones: tuple[int, ...] = ()  # parcel: only these; empty: all
    over_g: int = 0  # parcel: only cartons billed above this weight


@dataclass(frozen=True)
class Cartons:
    """How a parcel card packs and weighs."""

    fee: int = 0
    residential_fee: int = 0
    max_g: int = 0
    dim: tuple[int, int] = (0, 1)
    dim_over_cm3: int = 0
    length_girth_mm: int = 0  # 0: no limit


@dataclass(frozen=True)
class Card:
    """One card at one date: every setting exact, money in cents."""

    name: str
    type: str
    table: PriceTable
    order_fee: int = 0
    unit_fee: int = 0
    discount_bp: int = 0
    fuel_bp: int = 0
    surcharges: tuple[Surcharge, ...] = ()
    transit: tuple[tuple[str, tuple[int, ...]], ...] = ()
    per_order: bool = False  # per_unit: units counted over the order's nodes of this card
    carton: Cartons = Cartons()


@cache
def packaged_cards() -> dict[str, dict[str, object]]:
    """The packaged cards by name, as if they were written in a network file."""
    cards: dict[str, dict[str, object]] = {}
    for row in data.rows("cards"):
        try:
            value: object = json.loads(row["value"])
        except ValueError:
            value = row["value"]
        cards.setdefault(row["card"], {})[row["key"]] = value if not isinstance(value, float) else row["value"]
    return cards


def raw_card(cards: Mapping[str, Raw], name: str) -> dict[str, object]:
    """The settings of a card by name with its `base` filled in; the file's cards go before the packaged ones.

    Raises InputError where the card or its base is not known, or bases go round in a circle.
    """
    merged: dict[str, object] = {}
    for _, card in reversed(_chain(cards, name)):
        merged.update(card)
    merged.pop("base", None)
    return merged


def assumed_settings(cards: Mapping[str, Raw], name: str) -> tuple[str, ...]:
    """Keys of a card whose values are assumptions of a packaged card that the file's own cards do not replace."""
    chain = _chain(cards, name)
    own = {key for packaged, card in chain if not packaged for key in card}
    rows = data.select("cards", "card", packaged) if (packaged := chain[-1][0]) else ()
    return tuple(row["key"] for row in rows if row["status"] == "assumption" and row["key"] not in own)


def _chain(cards: Mapping[str, Raw], name: str) -> list[tuple[str, Raw]]:
    """The card and its bases, nearest first: the name of the packaged card ("" for one of the file) and its settings."""
    chain: list[tuple[str, Raw]] = []
    seen: list[str] = []
    wanted = name
    while True:
        if wanted in cards and wanted not in seen:
            chain.append(("", cards[wanted]))
        elif wanted in packaged_cards():  # also where a card of the file has the packaged card of its own name as base
            chain.append((wanted, packaged_cards()[wanted]))
        else:
            raise _not_known(cards, wanted, seen)
        seen.append(wanted)
        base = chain[-1][1].get("base")
        if base is None:
            return chain
        wanted = reading.text(Place(wanted, "base"), base)


def _not_known(cards: Mapping[str, Raw], wanted: str, seen: list[str]) -> InputError:
    where = f"[card.{seen[-1]}] base" if seen else f"[card.{wanted}]"
    if wanted in seen:
        return InputError(f"cards are each other's base: {' > '.join((*seen, wanted))}", where=where)
    known = ", ".join(dict.fromkeys((*cards, *packaged_cards())))
    return InputError(f"card {wanted!r} is not known", where=where, hint=f"Known cards: {known}")


def settings_on(name: str, raw: Raw, day: int) -> dict[str, object]:
    """The settings in force on `day`: the card's own, changed by each of its `versions` that has begun.

    A packaged price list brings the rules that belong to it (dim weight, largest size, fuel): the settings of the packaged
    card of the same name, wherever the card says nothing else.
    """
    place = Place(name)
    settings = {key: value for key, value in raw.items() if key != "versions"}
    for start, change in sorted(_versions(place, raw), key=lambda pair: pair[0]):
        if start <= day:
            settings.update({key: value for key, value in change.items() if key != "effective"})
    table = settings.get("table")
    rules = packaged_cards().get(table, {}) if isinstance(table, str) else {}
    return {**rules, **settings} if rules.get("type") == settings.get("type") else settings


def _versions(place: Place, raw: Raw) -> list[tuple[int, Raw]]:
    found: list[tuple[int, Raw]] = []
    for position, item in enumerate(reading.items(place.at("versions"), raw.get("versions", ()), "tables")):
        here = place.at(f"versions[{position}]")
        change = reading.table(here, item, ("effective", *PRICE_KEYS, *UNIT_KEYS, *PARCEL_KEYS))
        found.append((date_to_day(reading.iso_date(here.at("effective"), change.get("effective"))), change))
    return found


def parse_card(name: str, raw: Raw, day: int) -> Card:
    """Read a card (base filled in) as it stands on a day number. Raises InputError: card, key, found, allowed."""
    place = Place(name)
    kind = reading.text(place.at("type"), raw.get("type"), TYPES)
    keys = ("type", "base", *PRICE_KEYS, *(UNIT_KEYS if kind == "per_unit" else PARCEL_KEYS), "versions")
    reading.table(place, raw, keys)
    settings = settings_on(name, raw, day)
    reading.table(place, settings, keys)

    def money(key: str) -> int:
        return reading.cents(place.at(key), settings.get(key, 0))

    def percent(key: str, low: str, high: str) -> int:
        return reading.basis_points(place.at(key), settings.get(key, 0), low, high)

    scheme = reading.text(place.at("size_tiers"), settings.get("size_tiers", ""))
    counted = reading.text(place.at("units_counted"), settings.get("units_counted", "part"), ("part", "order"))
    table = read_table(place.at("table"), kind, settings.get("table"), scheme)
    return Card(
        name=name,
        type=kind,
        table=table,
        order_fee=money("order_fee"),
        unit_fee=money("unit_fee"),
        discount_bp=percent("discount_pct", "-100", "95"),
        fuel_bp=percent("fuel_pct", "0", "100"),
        surcharges=_surcharges(place, kind, settings),
        transit=_transit(place.at("transit"), settings.get("transit", {})),
        per_order=counted == "order",
        carton=_cartons(place, settings, table) if kind == "parcel" else Cartons(),
    )


def _cartons(place: Place, settings: Raw, table: PriceTable) -> Cartons:
    max_g = table.heaviest_g
    if "max_carton_lb" in settings:
        here = place.at("max_carton_lb")
        max_g = edge_g(reading.number(here, settings["max_carton_lb"], "1", "150"), "lb")
        if max_g > table.heaviest_g:
            here.refuse(
                settings["max_carton_lb"], f"at most the heaviest row of the price table ({table.heaviest_g} g)"
            )
    over = reading.number(place.at("dim_over_in3"), settings.get("dim_over_in3", 0), "0", "1000000")
    divisor = reading.number(place.at("dim_divisor"), settings.get("dim_divisor", 0), "0", "10000")
    girth = reading.number(place.at("max_length_girth_in"), settings.get("max_length_girth_in", 0), "0", "1000")
    return Cartons(
        fee=reading.cents(place.at("carton_fee"), settings.get("carton_fee", 0)),
        residential_fee=reading.cents(place.at("residential_fee"), settings.get("residential_fee", 0)),
        max_g=max_g,
        dim=dim_fraction(divisor) if divisor else (0, 1),
        dim_over_cm3=edge_cm3(over),
        length_girth_mm=edge_mm(girth),
    )


def _transit(place: Place, value: object) -> tuple[tuple[str, tuple[int, ...]], ...]:
    if not isinstance(value, Mapping):
        place.refuse(value, "a table of services, each with nine numbers of working days")
    found = []
    for service, days in value.items():
        here = place.at(str(service))
        numbers = reading.items(here, days, "nine numbers of working days")
        if len(numbers) != 9:
            here.refuse(days, "nine numbers of working days, one for each zone")
        found.append((str(service), (255, *(reading.whole(here, n, 0, 255) for n in numbers))))
    return tuple(found)


def _surcharges(place: Place, kind: str, settings: Raw) -> tuple[Surcharge, ...]:
    found: list[Surcharge] = []
    for key in ("surcharges", "peak"):
        for position, item in enumerate(reading.items(place.at(key), settings.get(key, ()), "tables or names")):
            here = place.at(f"{key}[{position}]")
            if isinstance(item, str):
                reading.text(here, item, data.names("surcharges", "set"))
                found += [_packaged_surcharge(here, row) for row in data.select("surcharges", "set", item)]
            else:
                found.append(_own_surcharge(here, kind, key, item))
    if kind == "per_unit" and any(extra.zones or extra.over_g for extra in found):
        place.at("surcharges").refuse(settings.get("surcharges"), "a per_unit card has no zones or carton weights")
    return tuple(found)


def _packaged_surcharge(place: Place, row: data.Row) -> Surcharge:
    return Surcharge(
        name=row["name"],
        period=read_period(place, row["from"], row["to"]),
        cents=reading.cents(place, row["amount"] or 0),
        bp=reading.basis_points(place, row["pct"] or 0, "0", "100"),
        zones=tuple(int(zone) for zone in row["zones"].split()),
        over_g=edge_g(row["over_lb"], "lb") if row["over_lb"] else 0,
    )


def _own_surcharge(place: Place, kind: str, key: str, item: object) -> Surcharge:
    amount = "per_carton" if kind == "parcel" else "per_unit"
    extra = ("zones", "over_lb") if kind == "parcel" else ()
    raw = reading.table(place, item, ("name", "from", "to", amount, "pct", *extra))
    zones = tuple(
        reading.whole(place.at("zones"), zone, 1, 9)
        for zone in reading.items(place.at("zones"), raw.get("zones", ()), "zones from 1 to 9")
    )
    over = reading.number(place.at("over_lb"), raw.get("over_lb", 0), "0", "150")
    default = "peak surcharge" if key == "peak" else "surcharge"
    return Surcharge(
        name=reading.text(place.at("name"), raw.get("name", default)),
        period=read_period(place, raw.get("from"), raw.get("to")),
        cents=reading.cents(place.at(amount), raw.get(amount, 0)),
        bp=reading.basis_points(place.at("pct"), raw.get("pct", 0), "0", "100"),
        zones=zones,
        over_g=edge_g(over, "lb"),
    )


def change_days(name: str, raw: Raw, day: int) -> set[int]:
    """Days around `day` on which what the card charges may change: versions, price lists, surcharge periods."""
    starts = [start for start, _ in _versions(Place(name), raw)]
    days = set(starts)
    for at in (day, *starts):  # a version may bring another price list or other periods
        card = parse_card(name, raw, at)
        days.update(card.table.effective_days[1:])
        for surcharge in card.surcharges:
            days.update(surcharge.period.changes(day))
    return days


def check_card(name: str, raw: Raw) -> None:
    """Read a card with all of its versions; raises InputError for the first thing that cannot be used."""
    change_days(name, raw, date_to_day(reading.iso_date(Place(name), "2026-01-01")))


def card_for(cards: Mapping[str, Raw], name: str, day: int) -> Card:
    """The card of that name on a day: looked up, base filled in, read."""
    return parse_card(name, raw_card(cards, name), day)


def cast_cards(cards: Mapping[str, object]) -> Mapping[str, Raw]:
    """The `cards` of a network file, each of which must be a table."""
    for name, card in cards.items():
        if not isinstance(card, Mapping):
            Place(name).refuse(card, "a table: [card.NAME]")
    return cast(Mapping[str, Raw], cards)
