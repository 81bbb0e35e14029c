"""What a part of an address and a name may look like. What is not needed to deliver is found here, and refused rather than cut.

No grammar tells every note from a street. This one knows e-mail addresses, links, phone numbers and the words that notes for couriers
are made of; lengths are the network's.
"""

import re
import unicodedata
from collections.abc import Iterable

from tranship.masking.tokens import NAME_ALIAS

LINE_MOST = 60
NAME_MOST = 50
_MORE = "\u2019\u00b4\u2013\u2014\u2212\u30fb\u3001\u3012\uff0d\uff08\uff09"  # quotes and dashes as typesetters and Japan have them
_SIGNS = re.compile(rf"[^\W_](?:[\w .,'`#/&()+:;ªº°·\"{_MORE}-]*[\w.)\"ªº°\uff09-])?")
"""Letters and digits of any script, and the signs that streets have. No line breaks, no @, no brackets, no control signs."""
_LEADING = "#(\"'"
_WORDS = re.compile(r"[^\W\d_]+")
_MARKS = re.compile(r"://|www\.|\.(?:com|net|org|info|biz|shop|store|io|co\.uk)\b|_{2}", re.IGNORECASE)
_DIGITS = re.compile(r"\d(?:[ ().+/-]?\d){6,}")
_SPREAD = re.compile(r"\d(?:[^\w#,]{0,3}\d|_\d){8,}")
"""Nine digits or more with nothing but signs between them. Not across # and commas: unit numbers and house numbers stand so."""
_SEVEN = re.compile(r"\d(?:\D*\d){6}")
"""Seven digits anywhere: what the two above need at least, found at once."""
_ALIKE = str.maketrans("〇一二三四五六七八九\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "0123456789-------")
_ZIP9 = re.compile(r"(?<![\d-])\d{5}-\d{4}(?![\d-])")
_NUMBERS = re.compile(r"\+\s?\d")
NOTE_WORDS = frozenset(
    "call tel telephone telefon telefono telefone phone mobile cell handy text sms whatsapp email mail fax "
    "code gatecode doorcode keycode passcode pin password buzzer buzz bell doorbell intercom ring klingel klingeln anrufen "
    "please pls plz bitte porfavor deliver delivery delivered leave knock beware dog instructions note notes gift "
    "birthday happy thanks thank surprise signature dejar llamar appeler sonner laisser interphone digicode codigo".split()
)
_FINE = frozenset(
    "mail bell ring code note notes gift dog pin cell happy handy delivery knock tel mobile surprise signature thanks".split()
)
"""Words that places have as well (Bell Ave, General Delivery, Tel Aviv, Mobile AL): a note beside another such word or a number."""
_CUSTOMER = re.compile(r"\d{6,10}")
_LOCKER = re.compile(r"\b(?:packstation|postfiliale|parcel locker|paketbox)\b", re.IGNORECASE)

POSTAL = {
    "US": r"\d{5}(?:-?\d{4})?", "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d", "MX": r"\d{5}", "BR": r"\d{5}-?\d{3}",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "IE": r"[A-Z]\d[\dW] ?[A-Z\d]{4}", "DE": r"\d{5}", "FR": r"\d{5}",
    "IT": r"\d{5}", "ES": r"\d{5}", "NL": r"\d{4} ?[A-Z]{2}", "BE": r"\d{4}", "AT": r"\d{4}", "CH": r"\d{4}",
    "LU": r"\d{4}", "DK": r"\d{4}", "NO": r"\d{4}", "SE": r"\d{3} ?\d{2}", "FI": r"\d{5}", "PL": r"\d{2}-?\d{3}",
    "PT": r"\d{4}-\d{3}", "CZ": r"\d{3} ?\d{2}", "TR": r"\d{5}", "JP": r"\d{3}-?\d{4}", "IN": r"\d{3} ?\d{3}",
    "SG": r"\d{6}", "AU": r"\d{4}", "NZ": r"\d{4}", "KR": r"\d{5}", "CN": r"\d{6}", "ZA": r"\d{4}", "SA": r"\d{5}(?:-\d{4})?",
}  # fmt: skip
"""Country -> its postal codes. Any other country: `ANY_POSTAL`."""
ANY_POSTAL = re.compile(r"(?=.*\d)[A-Z0-9](?:[ -]?[A-Z0-9]){1,9}", re.IGNORECASE)
_POSTAL = {country: re.compile(pattern, re.IGNORECASE) for country, pattern in POSTAL.items()}
_WITHOUT = frozenset("AE AO AG BW BZ BS CI FJ GH GM HK IE JM KE MO NG PA QA RW TZ UG ZW".split())
"""Countries where addresses need no postal code (Universal Postal Union's list, in part); Ireland's is optional."""


def part_objection(text: str, most: int = LINE_MOST) -> str:
    """What is wrong with a part of an address, without telling it; empty where nothing is.

    >>> part_objection("12 Oak St, Apt 5"), part_objection("PO Box 77")
    ('', '')
    >>> part_objection("gate code 1234 call Bob")
    'holds a note, not an address'
    """
    if not text or len(text) > most:
        return f"has not 1 to {most} characters"
    if not _SIGNS.fullmatch(_plain(text).lstrip(_LEADING)):
        return "holds signs that no address has"
    return _contact(text)


def tidied(text: str) -> str:
    """A part of an address with single spaces inside and none around: what is compared, checked and sent.

    >>> tidied("  12  Oak St ")
    '12 Oak St'
    """
    return " ".join(text.split())


def _plain(text: str) -> str:
    """The text without combining marks, which letters of many scripts have."""
    return text if text.isascii() else "".join(sign for sign in text if unicodedata.category(sign)[0] != "M")


def _folded(text: str) -> str:
    """The text as it is read aloud: digits of any shape (full width, raised, in keycaps, of Japan) and dashes as plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", _plain(text)).translate(_ALIKE)


def line_objection(text: str, most: int = LINE_MOST) -> str:
    """As `part_objection`, for a line of the street: six to ten digits alone may be a parcel locker's customer number (see `lockers`)."""
    return "" if _CUSTOMER.fullmatch(text) else part_objection(text, most)


def lockers(lines: Iterable[str]) -> str:
    """What is wrong with the lines of a street together: a number alone needs a parcel locker beside it.

    >>> lockers(["Packstation 145", "1234567890"]), bool(lockers(["12 Oak St", "4155552671"]))
    ('', True)
    """
    found = list(lines)
    if any(_CUSTOMER.fullmatch(line) for line in found) and not any(_LOCKER.search(line) for line in found):
        return "holds a number that may be a phone's"
    return ""


def _contact(text: str) -> str:
    text = _folded(text)
    if ("." in text or ":" in text or "_" in text) and _MARKS.search(text):  # each of them has one of these
        return "holds a link or an address of the net"
    if _SEVEN.search(text) and (_DIGITS.search(text) or _SPREAD.search(text)) and _digits_too_many(text):
        return "holds a number that may be a phone's"
    if "+" in text and _NUMBERS.search(text):
        return "holds a number that may be a phone's"
    found = _WORDS.findall(text.lower())
    words = [] if NOTE_WORDS.isdisjoint(found) else [word for word in found if word in NOTE_WORDS]
    if words and (len(words) > 1 or words[0] not in _FINE or _spelled(text, words[0])):
        return "holds a note, not an address"
    return ""


def _spelled(text: str, word: str) -> bool:
    """Whether a word that may be a street's is followed by a number of its own, as `code 1234` is."""
    return re.search(rf"\b{word}\b\s*[:#]?\s*#?\d{{3,}}", text, re.IGNORECASE) is not None


def _digits_too_many(text: str) -> bool:
    if _LOCKER.search(text):
        return False  # a parcel locker asks for the customer's number there
    rest = _ZIP9.sub(" ", text)
    return (_DIGITS.search(rest) or _SPREAD.search(rest)) is not None


def name_objection(text: str, most: int = NAME_MOST) -> str:
    """What is wrong with a recipient's name; empty where nothing is. An alias of ours (tokens.py) is a name.

    >>> name_objection("Ada Byron"), name_objection("4155552671")
    ('', 'has no letters')
    """
    if not text or len(text) > most:
        return f"has not 1 to {most} characters"
    if NAME_ALIAS.fullmatch(text):
        return ""  # signs by chance may spell anything
    letters = sum(sign.isalpha() for sign in text)
    if not letters:
        return "has no letters"
    if not _SIGNS.fullmatch(_plain(text).lstrip(_LEADING)):
        return "holds signs that no name has"
    if sum(sign.isdigit() for sign in text) > 6:
        return "holds a number that may be a phone's"
    return _contact(text)


def postal_objection(text: str, country: str) -> str:
    """What is wrong with a postal code in its country; empty where nothing is.

    >>> postal_objection("98101", "US"), postal_objection("981", "US")
    ('', 'is not a postal code of its country')
    """
    pattern = _POSTAL.get(country, ANY_POSTAL)
    return "" if len(text) <= 20 and pattern.fullmatch(text) else "is not a postal code of its country"


def needs_postal(country: str) -> bool:
    """Whether an address there needs a postal code."""
    return country not in _WITHOUT


def needs_city(country: str) -> bool:
    """Whether an address there needs a city: all but Japan's do (Amazon's model of 2020-07-01)."""
    return country != "JP"
