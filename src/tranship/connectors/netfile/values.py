"""One value of a network file by its kind: what TOML gave to what the model holds, or why not and what is allowed."""

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Callable
from functools import lru_cache

from tranship.connectors.netfile.finding import allowed, nearest, shown
from tranship.connectors.netfile.schema import MOST, Key
from tranship.connectors.secrets import REFERENCE_WORDS, is_reference
from tranship.core.time import from_micros, span_micros

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")
CODE_WORDS = "1 to 40 letters, digits, dots, dashes and underscores, starting with a letter or digit"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,79}\Z")
_ZIP = re.compile(r"[0-9]{5}\Z")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\Z")
_SECRET = re.compile(r"secret|passw|token|credential|private|api[-_]?key|access[-_]?key", re.IGNORECASE)
MOST_SPAN_US = 31 * 86_400_000_000
"""The longest span of time that is one planned thing."""
MOST_WORDS = 1000
"""Words in one list."""
MOST_DEPTH = 8
"""Tables and lists inside one another, in tables that another room reads."""


class RefusedError(Exception):
    """A value that cannot be used: what was found, what is allowed."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint
        super().__init__(what)


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """All IANA time zones this machine knows, sorted."""
    return tuple(sorted(zoneinfo.available_timezones()))


def value_of(key: Key, raw: object) -> object:
    """The model's value for what the file says. Raises RefusedError."""
    return _KINDS[key.kind](key, raw)


def _text(key: Key, raw: object) -> str:
    if not isinstance(raw, str):
        quoted = f', as in {key.name} = "{raw}"' if isinstance(raw, int | float) and not isinstance(raw, bool) else ""
        raise RefusedError(f"{shown(raw)} is not text", f"write it in quotes{quoted}")
    if not raw.isprintable() or len(raw) > 200 or raw != raw.strip():
        raise RefusedError(f"{shown(raw)} cannot be used", "at most 200 printable characters, no blanks at the ends")
    return raw


def _code(key: Key, raw: object) -> str:
    text = _text(key, raw)
    if not CODE.match(text):
        raise RefusedError(f"{shown(text)} is not a code", CODE_WORDS)
    return text


def _number(key: Key, raw: object) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or (isinstance(raw, float) and not math.isfinite(raw)):
        raise RefusedError(f"{shown(raw)} is not a number", f"a number from {span(key)}")
    if not key.low <= raw <= key.high:
        raise RefusedError(f"{shown(raw)} is out of range", f"allowed: {span(key)}")
    return raw


def _int(key: Key, raw: object) -> int:
    value = _number(key, raw)
    if isinstance(value, float):
        raise RefusedError(f"{shown(raw)} is not a whole number", f"a whole number from {span(key)}")
    return value


def _scaled(key: Key, raw: object, scale: int, finest: str) -> int:
    value = _number(key, raw) * scale
    if abs(value - round(value)) > 1e-6:  # far above the error of a float product, far below one step
        raise RefusedError(f"{shown(raw)} is finer than {finest}", f"at most {len(str(scale)) - 1} decimals")
    return round(value)


def _percent(key: Key, raw: object) -> int:
    return _scaled(key, raw, 100, "a hundredth of a percent")


def _money(key: Key, raw: object) -> int:
    return _scaled(key, raw, 1_000_000, "a millionth")


def _bool(_key: Key, raw: object) -> bool:
    if not isinstance(raw, bool):
        raise RefusedError(f"{shown(raw)} is neither true nor false", "allowed: true, false (without quotes)")
    return raw


def _choice(key: Key, raw: object) -> str:
    text = _text(key, raw)
    if text not in key.words:
        raise RefusedError(f"{shown(text)} is not one of its words", allowed(text, key.words, "allowed"))
    return text


def _list(key: Key, raw: object, one: Callable[[str], str]) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise RefusedError(f"{shown(raw)} is not a list", f'write a list, as in {key.name} = ["a", "b"]')
    if len(raw) > MOST_WORDS:
        raise RefusedError(f"a list of {len(raw):,} words", f"at most {MOST_WORDS:,}")
    words = tuple(one(_text(key, word)) for word in raw)
    for i, word in enumerate(words):
        if word in words[:i]:
            raise RefusedError(f"{shown(word)} is there twice", "once is enough")
    return words


def _words(key: Key, raw: object) -> tuple[str, ...]:
    def one(word: str) -> str:
        if not _WORD.match(word):
            raise RefusedError(f"{shown(word)} is not a word", "1 to 80 letters, digits and . _ - : / @")
        return word

    return _list(key, raw, one)


def _choices(key: Key, raw: object) -> tuple[str, ...]:
    return _list(key, raw, lambda word: _choice(key, word))


def _time(_key: Key, raw: object) -> int:
    if isinstance(raw, dt.time):
        return raw.hour * 60 + raw.minute
    match = _TIME.match(raw) if isinstance(raw, str) else None
    if match is None:
        raise RefusedError(f"{shown(raw)} is not a time of day", 'a 24-hour clock in quotes: "0:00" to "23:59"')
    return int(match[1]) * 60 + int(match[2])


def _date(key: Key, raw: object) -> dt.date:
    if isinstance(raw, dt.date) and not isinstance(raw, dt.datetime):
        return raw
    try:
        return dt.date.fromisoformat(raw if isinstance(raw, str) and len(raw) == 10 else "")
    except ValueError:
        raise RefusedError(f"{shown(raw)} is not a date", f"a day: {key.name} = 2010-11-08") from None


def _dates(key: Key, raw: object) -> tuple[str, ...]:
    def one(date: str) -> str:
        try:
            return dt.date.fromisoformat(date).isoformat()
        except ValueError:
            hint = f'year-month-day, as in {key.name} = ["2026-12-25"]'
            raise RefusedError(f"{shown(date)} is not a date", hint) from None

    dates = [day.isoformat() if type(day) is dt.date else day for day in raw] if isinstance(raw, list) else raw
    return _list(key, dates, one)


def _spans(key: Key, raw: object) -> tuple[str, ...]:
    def one(text: str) -> str:
        try:
            begins, ends = span_micros(text)
        except (ValueError, OverflowError):
            hint = f'as in {key.name} = ["2026-11-27T02:00:00Z/2026-11-27T04:00:00Z"]'
            raise RefusedError(f"{shown(text)} is not a span of time with its zone", hint) from None
        if ends - begins > MOST_SPAN_US:
            raise RefusedError(f"{shown(text)} is longer than a month", "at most 31 days")
        return "/".join(from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (begins, ends))

    return tuple(sorted(_list(key, raw, one)))


def _zip(key: Key, raw: object) -> str:
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= 99_999:
        raise RefusedError(
            f"{raw} is a number", f'a ZIP code is text, or its leading zeros are lost: {key.name} = "{raw:05d}"'
        )
    text = _text(key, raw)
    if not _ZIP.match(text):
        first = f': "{text[:5]}"' if re.match(r"[0-9]{5}-[0-9]{4}\Z", text) else ""
        raise RefusedError(f"{shown(text)} is not a ZIP code", f"five digits{first}")
    return text


def _zone(key: Key, raw: object) -> str:
    text = _text(key, raw)
    if text not in time_zones():
        close = nearest(text, time_zones())
        suggestion = f'did you mean "{close}"? ' if close else ""
        raise RefusedError(f"no time zone {shown(text)}", f"{suggestion}Allowed: an IANA name, such as America/Chicago")
    return text


def _letters(count: int, of: str) -> Callable[[Key, object], str]:
    def read(key: Key, raw: object) -> str:
        text = _text(key, raw)
        if not (len(text) == count and text.isascii() and text.isalpha() and text.isupper()):
            raise RefusedError(f"{shown(text)} is not {of}", f"{count} capital letters")
        return text

    return read


def plain(raw: object, depth: int = 0) -> object:
    """A free value as JSON can hold it: dates and times become ISO text. Raises RefusedError on what no price or count can be."""
    if depth > MOST_DEPTH:
        raise RefusedError("tables or lists too deep inside one another", f"at most {MOST_DEPTH}")
    if isinstance(raw, dict):
        return {name: plain(value, depth + 1) for name, value in raw.items()}
    if isinstance(raw, list):
        return [plain(value, depth + 1) for value in raw]
    if isinstance(raw, dt.date | dt.time):
        return raw.isoformat()
    if isinstance(raw, int | float) and not -MOST <= raw <= MOST:  # also what is not a number
        raise RefusedError(f"{shown(raw)} is out of range", f"a finite number of at most {MOST:,}")
    return raw


def _reference(_key: Key, raw: object) -> str:
    if not is_reference(raw):  # what stands there may be the secret itself: it is never shown
        raise RefusedError("what stands here is not a reference", f"write {REFERENCE_WORDS}")
    return str(raw)


def _secrets(key: Key, raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise RefusedError("not a table", f'write {key.name} = {{ NAME = "env:NAME" }}')
    for name, value in raw.items():
        if not CODE.match(name):
            raise RefusedError(f"{shown(name)} is not a name", CODE_WORDS)
        if not is_reference(value):
            raise RefusedError(f"what stands at {name} is not a reference", f"write {REFERENCE_WORDS}")
    return dict(raw)


def _settings(key: Key, raw: object) -> object:
    if not isinstance(raw, dict):
        raise RefusedError("not a table", f"write the kind's own keys in {key.name}")
    for name, value in raw.items():
        if _SECRET.search(name) and isinstance(value, str) and "://" not in value:
            raise RefusedError(f"{shown(name)} looks like a secret", f"put it in secrets as {REFERENCE_WORDS}")
    return plain(raw)


def span(key: Key) -> str:
    """The key's range in words."""
    low, high = (
        f"{bound:,}" if isinstance(bound, int) else f"{bound:,.6f}".rstrip("0").rstrip(".")
        for bound in (key.low, key.high)
    )
    return f"{low} or more" if key.high >= MOST else f"{low} to {high}"


_KINDS: dict[str, Callable[[Key, object], object]] = {
    "code": _code,
    "text": _text,
    "path": _text,
    "int": _int,
    "number": _number,
    "percent": _percent,
    "money": _money,
    "bool": _bool,
    "choice": _choice,
    "words": _words,
    "choices": _choices,
    "time": _time,
    "dates": _dates,
    "spans": _spans,
    "date": _date,
    "zip": _zip,
    "zone": _zone,
    "state": _letters(2, "a state"),
    "country": _letters(2, "a country"),
    "countries": lambda key, raw: _list(key, raw, lambda word: _letters(2, "a country")(key, word)),
    "currency": _letters(3, "a currency"),
    "reference": _reference,
    "secrets": _secrets,
    "settings": _settings,
    "raw": lambda _key, raw: plain(raw),
}
