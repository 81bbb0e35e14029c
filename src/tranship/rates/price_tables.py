"""Price lists: packaged by name from dated data files, or rows of a card; several versions, each from a date on.

A parcel list has weight bands by zone, a per-unit list rows by size tier, weight and value with prices for 1, 2, 3, 4
and 5 or more units. A day before the first version reads the first version: an old year can be priced, and the quote
says so.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from tranship.core.time import date_to_day, day_to_date
from tranship.rates import data, reading
from tranship.rates.measures import edge_g
from tranship.rates.reading import Place
from tranship.rates.size_tier import NO_LIMIT, tiers

NO_PRICE = -1
MAX_ROWS = 200
"""Rows that a card's own list may have: bands are counted in one byte."""
ALWAYS = date_to_day(dt.date(1970, 1, 1))
"""Effective day of rows without a date."""


@dataclass(frozen=True)
class Band:
    """A weight band of a parcel list: cents by zone (ten numbers, zone 0 unused, `NO_PRICE` where not served)."""

    upto_g: int
    label: str
    cents: tuple[int, ...]


@dataclass(frozen=True)
class UnitRow:
    """A row of a per-unit list: who it is for, cents by class of units, and what each started step of weight adds."""

    label: str
    tier: str  # "" : any
    max_g: int
    value_from: int  # minor units; a SKU without a value counts as `UNKNOWN_VALUE`
    value_to: int
    cents: tuple[int, ...]  # five
    step_cents: int = 0
    step_lb: Decimal = Decimal(1)
    above_lb: Decimal = Decimal(0)


UNKNOWN_VALUE = 2000
"""Minor units that a SKU without a value counts as: the middle price band of lists that know price bands."""


@dataclass(frozen=True)
class Version:
    """One dated version of a price list; only one of `bands` and `rows` is used."""

    day: int
    bands: tuple[Band, ...] = ()
    rows: tuple[UnitRow, ...] = ()
    scheme: str = ""  # size tiers of the rows; "" : none
    status: str = ""


@dataclass(frozen=True)
class PriceTable:
    """All versions of a price list, oldest first."""

    name: str
    versions: tuple[Version, ...]

    @property
    def effective_days(self) -> tuple[int, ...]:
        """The day each version begins."""
        return tuple(version.day for version in self.versions)

    @property
    def heaviest_g(self) -> int:
        """The heaviest carton that every version prices."""
        return min(version.bands[-1].upto_g for version in self.versions)

    def on(self, day: int) -> Version:
        """The version in force on `day`; the first one for days before it."""
        begun = [version for version in self.versions if version.day <= day]
        return begun[-1] if begun else self.versions[0]

    def note(self, day: int) -> str:
        """Name, date and standing of the version in force, and whether the day lies before it."""
        version = self.on(day)
        since = f" of {day_to_date(version.day)}" if version.day != ALWAYS else ""
        early = f", used for {day_to_date(day)}, which lies before it" if day < version.day else ""
        status = f" ({version.status})" if version.status else ""
        return f"{self.name}{since}{early}{status}"


def read_table(place: Place, kind: str, value: object, scheme: str) -> PriceTable:
    """The price list that a card's `table` names or holds. Raises InputError naming what is known or allowed."""
    file = "unit_prices" if kind == "per_unit" else "parcel_prices"
    if isinstance(value, str):
        reading.text(place, value, data.names(file, "table"))
        return _packaged(file, value)
    if value is None:
        place.refuse(value, f"a name ({', '.join(data.names(file, 'table'))}) or a list of rows")
    rows = reading.items(place, value, "rows")
    if not 1 <= len(rows) <= MAX_ROWS:
        place.refuse(value if not rows else f"{len(rows)} rows", f"at least one row and at most {MAX_ROWS}")
    schemes = ("", *data.names("size_tiers", "size_tiers"))
    reading.text(Place(place.card, "size_tiers"), scheme, schemes)
    versions: dict[int, list[tuple[Band | None, UnitRow | None]]] = {}
    for position, item in enumerate(rows):
        here = Place(place.card, f"table[{position}]")
        day, band, row = _own_row(here, kind, item)
        if row is not None and row.tier:
            known = tuple(tier.name for tier in tiers(scheme))
            reading.text(here.at("tier"), row.tier, known or ("a tier only together with size_tiers",))
        versions.setdefault(day, []).append((band, row))
    made = []
    for day, pairs in sorted(versions.items()):
        bands = _ordered(place, [band for band, _ in pairs if band is not None])
        units = sorted((row for _, row in pairs if row is not None), key=lambda row: row.max_g)
        made.append(Version(day, bands, tuple(units), scheme, "own table"))
    return PriceTable(f"card {place.card}", tuple(made))


def _ordered(place: Place, bands: list[Band]) -> tuple[Band, ...]:
    """Bands by weight, an edge said twice only once; prices of the same edge must agree."""
    unique: dict[int, Band] = {}
    for band in sorted(bands, key=lambda band: band.upto_g):
        twin = unique.setdefault(band.upto_g, band)
        if twin.cents != band.cents:
            place.refuse(band.label, f"one price for a weight: {twin.label} and {band.label} are one band")
        unique[band.upto_g] = band  # of 15.999 oz and 1 lb, the later name is the plainer one
    return tuple(unique.values())


@cache
def _packaged(file: str, name: str) -> PriceTable:
    by_day: dict[int, list[data.Row]] = {}
    for row in data.select(file, "table", name):
        by_day.setdefault(date_to_day(dt.date.fromisoformat(row["effective"])), []).append(row)
    read = _unit_version if file == "unit_prices" else _parcel_version
    return PriceTable(name, tuple(read(day, rows) for day, rows in sorted(by_day.items())))


def _parcel_version(day: int, rows: list[data.Row]) -> Version:
    bands = [
        Band(
            edge_g(row["max_weight"], row["unit"]),
            f"{row['max_weight']} {row['unit']}",
            (NO_PRICE, *(_cents(price) if price else NO_PRICE for price in data.zones_of(row))),
        )
        for row in rows
    ]
    return Version(day, bands=_ordered(Place("packaged", "table"), bands), status=rows[0]["status"])


def _unit_version(day: int, rows: list[data.Row]) -> Version:
    made = tuple(
        UnitRow(
            label=row["row"],
            tier=row["tier"],
            max_g=edge_g(row["max_weight"], row["unit"]) if row["max_weight"] else NO_LIMIT,
            value_from=_cents(row["value_from"]) if row["value_from"] else 0,
            value_to=_cents(row["value_to"]) if row["value_to"] else NO_LIMIT,
            cents=tuple(_cents(row[f"per_unit_{units}"]) for units in range(1, 6)),
            step_cents=_cents(row["step_fee"]) if row["step_fee"] else 0,
            step_lb=Decimal(row["step_lb"] or 1),
            above_lb=Decimal(row["above_lb"] or 0),
        )
        for row in rows
    )
    return Version(day, rows=made, scheme=rows[0]["size_tiers"], status=rows[0]["status"])


def _cents(price: str) -> int:
    return int(Decimal(price) * 100)


def _own_row(place: Place, kind: str, item: object) -> tuple[int, Band | None, UnitRow | None]:
    limits = ("max_oz", "max_lb")
    own = ("tier", "price", "per_lb", "above_lb") if kind == "per_unit" else ("zones",)
    raw = reading.table(place, item, ("effective", *limits, *own))
    day = date_to_day(reading.iso_date(place.at("effective"), raw["effective"])) if "effective" in raw else ALWAYS
    max_g, label = _limit(place, raw, kind)
    if kind == "parcel":
        prices = reading.items(place.at("zones"), raw.get("zones"), "eight or nine prices")
        if len(prices) not in (8, 9):
            place.at("zones").refuse(raw.get("zones"), "eight or nine prices, one for each zone")
        cents = [reading.cents(place.at("zones"), price) for price in prices]
        return day, Band(max_g, label, (NO_PRICE, *cents, *[NO_PRICE] * (9 - len(cents)))), None
    classes = reading.items(place.at("price"), raw.get("price"), "one to five prices")
    if not 1 <= len(classes) <= 5:
        place.at("price").refuse(raw.get("price"), "one to five prices: for 1, 2, 3, 4, 5 or more units")
    cents = [reading.cents(place.at("price"), price) for price in classes]
    tier = reading.text(place.at("tier"), raw.get("tier", ""))
    row = UnitRow(
        label=f"{tier} {label}".strip(),
        tier=tier,
        max_g=max_g,
        value_from=0,
        value_to=NO_LIMIT,
        cents=(*cents, *[cents[-1]] * (5 - len(cents))),
        step_cents=reading.cents(place.at("per_lb"), raw.get("per_lb", 0)),
        above_lb=reading.number(place.at("above_lb"), raw.get("above_lb", 0), "0", "1000"),
    )
    return day, None, row


def _limit(place: Place, raw: Mapping[str, object], kind: str) -> tuple[int, str]:
    given = [key for key in ("max_oz", "max_lb") if key in raw]
    if len(given) > 1 or (kind == "parcel" and not given):
        place.refuse(dict(raw), "one of max_oz and max_lb")
    if not given:
        return NO_LIMIT, "any weight"
    unit = given[0][-2:]
    amount = reading.number(place.at(given[0]), raw[given[0]], "0.1", "150" if unit == "lb" else "2400")
    return edge_g(amount, unit), f"{amount} {unit}"
