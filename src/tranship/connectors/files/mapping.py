"""The `[source.NAME]` table of a network file: how a file of orders with other headers, zones and formats is read.

Every key is optional and documented in docs/intake.md; an unknown key, a wrong type or an unknown value is refused with the
place, what was found and what is allowed.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import msgspec

from tranship.connectors.files.places import country_code
from tranship.core.errors import InputError

FORMATS = ("uci", "csv", "shopify_csv", "shopify_json", "jsonl")
"""Formats that intake reads."""

FIELDS = (
    *("order", "placed_at", "sku", "quantity", "line", "unit_price", "line_total", "currency", "customer"),
    *(
        "name",
        "street",
        "city",
        "zip",
        "state",
        "country",
        "phone",
        "email",
        "channel",
        "service",
        "deliver_by",
        "cancel",
        "cod",
        "pickup",
        "b2b",
    ),
)
"""Fields of a generic CSV file: the documented header, and what `columns` of a mapping may name."""
REQUIRED = ("order", "placed_at", "sku", "quantity")
"""Fields without which a generic CSV file is refused."""

UCI_FEES = (
    *("POST", "DOT", "C2", "C3", "M", "m", "D", "S", "B", "ADJUST*", "BANK CHARGES"),
    *("AMAZONFEE", "TEST*", "GIFT", "gift_*"),
)
"""Stock codes of the UCI export that are charges, adjustments, tests and vouchers, not goods."""


class SourceMapping(msgspec.Struct, frozen=True):
    """A validated mapping. Empty texts mean: the format's default."""

    source: str = ""
    format: str = ""
    match: str = ""
    zone: str = ""
    time_format: tuple[str, ...] = ()
    date_only_at: dt.time = dt.time(12)
    currency: str = ""
    rate: float = (
        0.0  # what one unit of the currency is worth in the party's: used where prices are converted, not here
    )
    country: str = ""
    channel: str = ""
    service: str = ""
    encoding: str = "auto"
    delimiter: str = ""
    decimal: str = "."
    thousands: str = ""
    columns: dict[str, tuple[str, ...]] = {}
    channels: dict[str, str] = {}
    services: dict[str, str] = {}
    countries: dict[str, str] = {}
    not_goods: tuple[str, ...] | None = None
    cod: tuple[str, ...] = ()
    pickup: tuple[str, ...] = ()
    b2b: tuple[str, ...] = ()
    test_orders: str = "reject"


PRESETS: dict[str, dict[str, object]] = {
    # Tableau's sample "Superstore": real US ZIPs and Canadian codes, dates without a time, `Sales` is the total of a line.
    # Noon in New York is the same date in every US zone and before a 14:00 cut-off in all of them.
    "superstore": {
        "format": "csv",
        "source": "superstore",
        "zone": "America/New_York",
        "time_format": ["%Y-%m-%d", "%m/%d/%Y"],
        "date_only_at": "12:00",
        "currency": "USD",
        "country": "US",
        "columns": {
            "order": "Order ID",
            "line": "Row ID",
            "placed_at": "Order Date",
            "sku": "Product ID",
            "quantity": "Quantity",
            "line_total": "Sales",
            "customer": "Customer ID",
            "name": "Customer Name",
            "city": "City",
            "state": ["State/Province", "State"],
            "zip": "Postal Code",
            "country": ["Country/Region", "Country"],
        },
    },
}
"""Built-in mappings, to be used as they are or as a base (`preset = "superstore"`)."""

_DELIMITERS = (",", ";", "\t", "|")
_ENCODINGS = ("auto", "utf-8", "latin-1")
_THOUSANDS = ("", ",", ".", " ", "'", "\u00a0", "\u202f")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def read_mapping(table: Mapping[str, object] | None, where: str = "mapping") -> SourceMapping:
    """Validate a `[source.NAME]` table (after its preset). Raises InputError with key, what was found and what is allowed."""
    table = dict(table or {})
    preset = table.pop("preset", None)
    if preset is not None:
        base = PRESETS.get(preset) if isinstance(preset, str) else None
        if base is None:
            raise _refused(where, "preset", preset, f"one of {', '.join(PRESETS)}")
        columns = {
            **cast("dict[str, object]", base.get("columns", {})),
            **_table(where, "columns", table.get("columns", {})),
        }
        table = {**base, **table, "columns": columns}
    for key in table:
        if key not in _READERS:
            hint = f"Keys: preset, {', '.join(sorted(_READERS))}."
            raise InputError(f"{key} is no key of a source", where=where, hint=hint)
    values = {key: read(where, key, table[key]) for key, read in _READERS.items() if key in table}
    mapping = SourceMapping(**values)  # type: ignore[arg-type]  # each reader gives its field's type
    if mapping.decimal == mapping.thousands:
        raise InputError("decimal and thousands are the same sign", where=where)
    return mapping


def choose(sources: Mapping[str, Mapping[str, object]], path: str | Path) -> tuple[str, dict[str, object]] | None:
    """The mapping for a file by its name: the first `[source.NAME]` whose `match` pattern fits. Its `source` is NAME unless set."""
    name = Path(path).name
    for key, table in sources.items():
        pattern = table.get("match")
        if isinstance(pattern, str) and pattern and fnmatchcase(name, pattern):
            return key, named(sources, key)
    return None


def named(sources: Mapping[str, Mapping[str, object]], name: str) -> dict[str, object]:
    """The mapping called `name`, with NAME as its `source` unless it sets one. Raises InputError where there is none."""
    if name not in sources:
        known = ", ".join(sorted(sources)) or "none"
        raise InputError(f"has no [source.{name}]", where="network file", hint=f"Sources there: {known}.")
    return {"source": name, **sources[name]}


def _refused(where: str, key: str, found: object, allowed: str) -> InputError:
    return InputError(f"{key} is {found!r}", where=where, hint=f"Allowed: {allowed}.")


def _text(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise _refused(where, key, value, "a text")
    return value


def _one_of(*allowed: str) -> Callable[[str, str, object], str]:
    def read(where: str, key: str, value: object) -> str:
        if value not in allowed:
            raise _refused(where, key, value, ", ".join(repr(one) for one in allowed))
        return str(value)

    return read


def _zone(where: str, key: str, value: object) -> str:
    name = _text(where, key, value)
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder of zones, a path, an unknown name
        raise _refused(where, key, value, "an IANA zone such as Europe/London") from None
    return name


def _currency(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise _refused(where, key, value, "a currency code such as USD")
    return value


def _rate(where: str, key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise _refused(where, key, value, "what one unit of the currency is worth in the party's, such as 1.55")
    return float(value)


def _country(where: str, key: str, value: object) -> str:
    code = country_code(value) if isinstance(value, str) else None
    if code is None:
        raise _refused(where, key, value, "a country code such as US")
    return code


def _name(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _refused(where, key, value, "up to 64 letters, digits, '_', '-' and '.'")
    return value


def _clock(where: str, key: str, value: object) -> dt.time:
    if isinstance(value, dt.time):  # TOML has times of its own
        return value.replace(tzinfo=None)
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _refused(where, key, value, "a time of day such as 12:00")
    return dt.time(int(found[1]), int(found[2]))


def _formats(where: str, key: str, value: object) -> tuple[str, ...]:
    texts = _texts(where, key, value)
    for pattern in texts:
        try:  # a pattern must read back what it writes
            dt.datetime.strptime(dt.datetime(2001, 2, 3, 4, 5, tzinfo=dt.UTC).strftime(pattern), pattern)  # noqa: DTZ007
        except ValueError:
            raise _refused(where, key, pattern, "strptime patterns such as %m/%d/%Y %H:%M") from None
    return tuple(pattern for pattern in texts if pattern)


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value) or len(value) > 200:
        raise _refused(where, key, value, "a text or a list of texts")
    return tuple(cast("list[str]", value))


def _table(where: str, key: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise _refused(where, key, value, "a table")
    return value


def _columns(where: str, key: str, value: object) -> dict[str, tuple[str, ...]]:
    columns = {}
    for name, headers in _table(where, key, value).items():
        if name not in FIELDS:
            raise InputError(f"columns has no field {name!r}", where=where, hint=f"Fields: {', '.join(FIELDS)}.")
        columns[name] = _texts(where, f"columns.{name}", headers)
    return columns


def _words(where: str, key: str, value: object) -> dict[str, str]:
    return {name: _text(where, f"{key}.{name}", word) for name, word in _table(where, key, value).items()}


def _countries(where: str, key: str, value: object) -> dict[str, str]:
    return {name: _country(where, f"{key}.{name}", code) for name, code in _table(where, key, value).items()}


_READERS: dict[str, Callable[[str, str, object], object]] = {
    "source": _name,
    "format": _one_of(*FORMATS),
    "match": _text,
    "zone": _zone,
    "time_format": _formats,
    "date_only_at": _clock,
    "currency": _currency,
    "rate": _rate,
    "country": _country,
    "channel": _text,
    "service": _text,
    "encoding": _one_of(*_ENCODINGS),
    "delimiter": _one_of(*_DELIMITERS),
    "decimal": _one_of(".", ","),
    "thousands": _one_of(*_THOUSANDS),
    "columns": _columns,
    "channels": _words,
    "services": _words,
    "countries": _countries,
    "not_goods": _texts,
    "cod": _texts,
    "pickup": _texts,
    "b2b": _texts,
    "test_orders": _one_of("reject", "accept"),
}
