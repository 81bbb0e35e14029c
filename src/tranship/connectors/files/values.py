"""Cells of a file as values: quantities, prices, times, references. None means: this cannot be one (the caller says why)."""

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

from tranship.core.time import localize, to_micros

QUANTITY_MAX = 1_000_000
"""Units of one line; more is taken for a mistake."""
PRICE_MINOR_MAX = 100_000_000_000
"""A billion of the major unit; more is taken for a mistake."""
REFERENCE_MAX = 64
"""Characters of an order number, a SKU, a line key."""
CUSTOMER_MAX = 256
"""Characters of a customer reference, which may be an e-mail address."""
PERSONAL_MAX = 512
"""Characters of a name, a street line and the like."""

_INTEGER = re.compile(r"[+-]?[0-9]+(?:\.0*)?")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_EXPONENT = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,40})?[eE][+-]?[0-9]{1,2}")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:[.,]([0-9]{1,9}))?)?"
    r" ?(Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_YEARS = range(1970, 2200)
_TEXTS_KEPT = 200_000  # a limit on what is remembered of one file


class Numbers:
    """How a file writes numbers: its decimal sign and its thousands sign ('' for none)."""

    def __init__(self, decimal: str = ".", thousands: str = "") -> None:
        self.decimal, self.thousands = decimal, thousands
        self._minor: dict[str, int | None] = {}  # files repeat their prices

    def _plain(self, text: str) -> str:
        text = text.strip()
        if self.thousands:
            text = text.replace(self.thousands, "")
        return text.replace(self.decimal, ".") if self.decimal != "." else text

    def quantity(self, text: str) -> int | None:
        """A whole number of units (2.0 is 2), at most QUANTITY_MAX either way."""
        text = self._plain(text)
        if len(text) > 16 or not _INTEGER.fullmatch(text):
            return None
        units = int(text.partition(".")[0])
        return units if -QUANTITY_MAX <= units <= QUANTITY_MAX else None

    def minor(self, text: str) -> int | None:
        """An amount in hundredths of the currency's major unit, half a hundredth away from zero.

        >>> numbers = Numbers()
        >>> numbers.minor("6.95"), numbers.minor("0.001"), numbers.minor("-1.005"), numbers.minor("$1e2"), numbers.minor("x")
        (695, 0, -101, 10000, None)
        """
        if text in self._minor:
            return self._minor[text]
        if len(self._minor) >= _TEXTS_KEPT:
            self._minor.clear()
        minor = self._minor[text] = self._read_minor(text)
        return minor

    def _read_minor(self, text: str) -> int | None:
        text = self._plain(text).lstrip("$£€").lstrip()
        found = _DECIMAL.fullmatch(text)
        if found is None or not (found[2] or found[3]) or len(text) > 40:
            return _minor_of_exponent(text)
        sign, whole, fraction = found[1], found[2] or "0", (found[3] or "").ljust(3, "0")
        minor = int(whole) * 100 + int(fraction[:2]) + (fraction[2] >= "5")
        if minor > PRICE_MINOR_MAX:
            return None
        return -minor if sign == "-" else minor


def _minor_of_exponent(text: str) -> int | None:
    if not _EXPONENT.fullmatch(text):
        return None
    try:
        amount = Decimal(text) * 100
    except InvalidOperation:  # pragma: no cover - the pattern admits decimals only
        return None
    if abs(amount) > PRICE_MINOR_MAX:
        return None
    minor = int(abs(amount) + Decimal("0.5"))
    return -minor if amount < 0 else minor


class Times:
    """Times of one file as UTC microseconds: its zone for naive ones, its formats, the time of day of a bare date.

    `formats` are strptime patterns tried in order; without any, ISO 8601 (with a space or T, with or without an offset).
    """

    def __init__(self, zone: str, formats: tuple[str, ...] = (), date_only_at: dt.time = dt.time(12)) -> None:
        self.zone, self.formats, self.date_only_at = zone, formats, date_only_at
        self.naive = False  # whether a time without an offset was read
        self._known: dict[str, int | None] = {}

    def __call__(self, text: str) -> int | None:
        """UTC microseconds of a text, None where it is no time."""
        known = self._known
        if text in known:
            return known[text]
        if len(known) >= _TEXTS_KEPT:
            known.clear()
        at = known[text] = self._read(text.strip())
        return at

    def _read(self, text: str) -> int | None:
        if not text or len(text) > REFERENCE_MAX:
            return None
        for pattern in self.formats:
            try:
                moment = dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - a naive time gets the file's zone below
            except ValueError:
                continue
            bare = not any(sign in pattern for sign in ("%H", "%I", "%c", "%X", "%s"))
            return self._utc(dt.datetime.combine(moment, self.date_only_at, moment.tzinfo) if bare else moment)
        moment_or_none = self._iso(text) if not self.formats else None
        return None if moment_or_none is None else self._utc(moment_or_none)

    def _iso(self, text: str) -> dt.datetime | None:
        found = _ISO.fullmatch(text)
        if found is None:
            return None
        date, minute, second, fraction, offset = found.groups()
        if offset in ("Z", "z", "UTC", "GMT"):
            offset = "+00:00"
        try:
            if minute is None:
                day = dt.date.fromisoformat(date)
                return None if offset else dt.datetime.combine(day, self.date_only_at)
            micros = (fraction or "").ljust(6, "0")[:6]
            return dt.datetime.fromisoformat(f"{date}T{minute}{second or ':00'}.{micros}{offset or ''}")
        except ValueError:
            return None

    def _utc(self, moment: dt.datetime) -> int | None:
        if moment.year not in _YEARS:
            return None
        if moment.tzinfo is not None:
            return to_micros(moment)
        self.naive = True
        return localize(moment, self.zone)


def reference(text: str, most: int = REFERENCE_MAX, *, personal: bool = False) -> str | None:
    """A reference (order number, SKU, line key): trimmed, printable, not too long, no e-mail; None otherwise (so: safe to print).

    References stand in keys, rows and logs, where no personal data may be: an '@' is what gives a misplaced column away. A customer
    reference (`personal`) goes to the person table only and may be an e-mail.
    """
    text = text.strip()
    plain = personal or "@" not in text
    return text if plain and text.isprintable() and len(text) <= most else None


def unit_of_total(total_minor: int, quantity: int) -> int:
    """Price of one unit of a line's total, half up; both at or above zero, quantity above."""
    return (2 * total_minor + quantity) // (2 * quantity)
