"""The types that a value may be passed as. There is none for free text: what has no type does not leave.

A type says which JSON it takes (text, int, bool), what is wrong with a value, and how it is written on the way out.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from tranship.masking.policy import grammar

Objection = Callable[[object], str]
"""What is wrong with a value, without telling it; empty where nothing is."""

COUNTRIES = frozenset(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH "
    "CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN "
    "GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI "
    "LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM "
    "PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD "
    "TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW".split()
)
"""ISO 3166-1 alpha-2."""
CURRENCIES = frozenset(
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW KWD MXN MYR NGN NOK NZD PEN PHP PKR "
    "PLN QAR RON SAR SEK SGD THB TRY TWD UAH USD UYU VND ZAR".split()
)
"""ISO 4217, the currencies of places that networks ship in."""
MARKETPLACES = frozenset(
    "A2EUQ1WTGCTBG2 ATVPDKIKX0DER A1AM78C64UM0Y8 A2Q3Y263D00KWC A28R8C7NBKEWEA A1RKKUPIHCS9HS A1F83G8C2ARO7P A13V1IB3VIYZZH "
    "AMEN7PMS3EDWL A1805IZSGTT6HS A1PA6795UKMFR9 APJ6JRA9NG5V4 A2NODRKZP88ZB9 AE08WJ6YKNBMC A1C3SOZRARQ6R3 ARBP9OOSHTCHU "
    "A33AVAJ2PDY3EV A17E79C6D8DWNP A2VIGQ35RCS4UG A21TJRUUN4KGV A19VAU5U5O7RUS A39IBJ37TRP1C6 A1VC38T7YXB528".split()
)
"""Amazon's marketplaces, by its page "Marketplace IDs" (developer-docs.amazon.com, as stored in 2026)."""

_DAY = r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = rf"{_DAY}T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{{1,9}})?)?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?"


class Type(NamedTuple):
    """A type of values. `secretive`: a value of it is one of few, or a number, so that no text fits in. `inward`: answers only."""

    name: str
    objection: Objection
    shape: str  # what the reference says of it
    secretive: bool = True
    inward: bool = False
    pattern: str = ""  # for values that are text: what the whole of it looks like


def _text(name: str, pattern: str, why: str, shape: str, *, secretive: bool = True, inward: bool = False) -> Type:
    match = re.compile(pattern).fullmatch

    def objection(value: object) -> str:
        return "" if value.__class__ is str and match(value) else why

    return Type(name, objection, shape, secretive, inward, pattern)


def _grammar(name: str, rule: Callable[[str], str], shape: str, pattern: str = "") -> Type:
    def objection(value: object) -> str:
        return rule(value) if value.__class__ is str else "is not text"

    return Type(name, objection, shape, secretive=False, pattern=pattern)


def _of(values: frozenset[str], name: str, why: str, shape: str) -> Type:
    def objection(value: object) -> str:
        return "" if value.__class__ is str and value in values else why

    return Type(name, objection, shape)


def whole(low: int, high: int) -> Type:
    """Whole numbers of a range."""

    def objection(value: object) -> str:
        if value.__class__ is not int or not low <= value <= high:
            return f"is not a whole number from {low} to {high}"
        return ""

    return Type(f"int:{low}..{high}", objection, f"whole number, {low} to {high:,}")


def words(values: tuple[str, ...], *, several: bool = False) -> Type:
    """One of these words; with `several`, some of them with commas between, each at most once."""
    allowed = frozenset(values)
    why = "is none of the words that the network has here"

    def one(value: object) -> str:
        return "" if value.__class__ is str and value in allowed else why

    def some(value: object) -> str:
        parts = value.split(",") if isinstance(value, str) and len(value) < 2_000 else []
        return "" if parts and allowed.issuperset(parts) and len(set(parts)) == len(parts) else why

    told = ", ".join(values)
    if several:
        return Type(f"list:{'|'.join(values)}", some, f"some of {told}")
    return Type(f"enum:{'|'.join(values)}", one, f"one of {told}")


def _bool(value: object) -> str:
    return "" if value is True or value is False else "is not true or false"


def _false(value: object) -> str:
    return "" if value is False else "is not false"


def _sku(value: str) -> str:
    if not value or len(value) > 50 or value != value.strip() or not value.isprintable():
        return "is not a SKU code (1 to 50 printable signs)"
    if "@" in value or "://" in value or value.count(" ") > 3:
        return "is text, not a SKU code"
    return ""


def _number(value: object) -> str:
    if value.__class__ is int:
        return "" if abs(value) < 1 << 53 else "is a number out of range"
    if value.__class__ is float:
        return "" if abs(value) < 1e15 else "is a number out of range"
    return "is not a number"


_ALL = (
    Type("bool", _bool, "true or false"),
    Type("false", _false, "false"),
    Type("number", _number, "number", inward=True),
    _text("units", r"[1-9]\d{0,5}(?:\.0{1,4})?", "is not a whole number of units", "whole units as text, 1 to 999999"),
    _text("decimal", r"-?\d{1,12}(?:\.\d{1,6})?", "is not a decimal number", "decimal number as text"),
    _of(COUNTRIES, "country", "is not a country's code of two letters", "ISO 3166-1 code of two letters"),
    _of(CURRENCIES, "currency", "is not a currency's code", "ISO 4217 code"),
    _of(MARKETPLACES, "marketplace", "is none of Amazon's marketplaces", "id of one of Amazon's marketplaces"),
    _text("date", _DAY, "is not a day", "ISO day"),
    _text("datetime", _TIME, "is not a moment", "ISO moment"),
    _text("minute", _DAY + r"T(?:[01]\d|2[0-3]):[0-5]\d(?::00(?:\.0{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?",
          "is not a moment on a full minute", "ISO moment on a full minute"),
    _text("language", r"[a-z]{2}(?:[-_][A-Z]{2})?", "is not a language", "language, such as en_US"),
    _text("place", r"[A-Za-z0-9_. -]{1,64}", "is not the id of a place", "id of a place of the network's", secretive=False),
    _text("method", r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}", "is not a shipping method", "shipping method as on the account's map",
          secretive=False),
    _text("postal", r"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){1,9}", "is not a postal code", "postal code of its country", secretive=False),
    _grammar("line", grammar.line_objection, "verified part of an address, at most 60 signs"),
    _grammar("city", lambda text: grammar.part_objection(text, 50), "verified city, at most 50 signs"),
    _grammar("region", lambda text: grammar.part_objection(text, 50), "verified state or region, at most 50 signs"),
    _grammar("name", grammar.name_objection, "verified name, at most 50 signs"),
    _grammar("sku", _sku, "SKU code, at most 50 signs"),
    # Only for what a network tells us; nothing of ours leaves as one of these.
    _text("count", r"\d{1,9}", "is not a number of units", "whole number as text, as reports have it", inward=True),
    _text("moment", rf"{_TIME}|{_DAY}|(?:0[1-9]|[12]\d|3[01])-(?:0[1-9]|1[0-2]|[A-Z][A-Za-z]{{2}})-20\d\d", "is not a moment or a day",
          "ISO moment or day, or a day as reports write it (24-11-2026, 24-NOV-2026)", inward=True),
    _text("word", r"[A-Za-z0-9][A-Za-z0-9_.:/ -]{0,79}", "is not a word of the network's", "word or code of the network's", inward=True),
    _text("tracking", r"[A-Za-z0-9][A-Za-z0-9 ._-]{2,63}", "is not a tracking number", "tracking number", inward=True),
    _text("url", r"https://[!-~]{1,1000}", "is not a link", "https link", inward=True),
    _text("title", r"[^\x00-\x1f\x7f]{1,1000}", "is not a title", "name of an article from the network's own lists", inward=True),
    _text("label", r"[^\x00-\x1f\x7f@<>]{1,500}", "is not a short text of the network's", "short text from the network's own lists",
          inward=True),
)  # fmt: skip
TYPES = {one.name: one for one in _ALL}
"""Types by name; `int:A..B` and `enum:NAME` are made where they stand."""
