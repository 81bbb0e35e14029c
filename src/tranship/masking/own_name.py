"""The recipient's own name where it stands beside the name: in the street, in a second line, as `c/o`. It is not needed there.

Taken out where it stands by itself; where it cannot be told from the address it is found, and who masks refuses. Most addresses do not
hold it, and that is seen at a glance.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from tranship.masking.policy.grammar import LINE_MOST, NAME_MOST, tidied

HELD = "holds the recipient's name"
"""Why an address is refused."""
_FEW = 4
"""Letters that a name of one word has to have before it is looked for inside of a longer line: a shorter one is a word like others."""
_RUN = 6
"""Letters of a name that is found whatever stands between them: of fewer, a street may be made (Al Ex, Alex St)."""
_MOST = 2 * max(LINE_MOST, NAME_MOST)
"""Characters of what is looked at; what is longer does not leave in clear, and no longer name stands in a line."""
_ACCENTS = re.compile("[\u0300-\u036f]+")
_ALIKE = str.maketrans("ıøłđ", "iold")
_WORD = re.compile(r"[^\W_]+")
_LEAD = r"(?:(?:c/o|attn|to)\b[:.]?\s*)?"
_INSIDE = "[ .'\u2019-]*"
_HOLES = re.compile(r"\s*([,;])(?:\s*[,;])+")
_LEADING = re.compile(rf"\s*{_LEAD}", re.IGNORECASE)


class Parts(NamedTuple):
    """What a vendor calls the parts of an address that leave in clear: lines in their order, others that may go, and those that may not."""

    lines: tuple[str, ...]
    others: tuple[str, ...]
    towns: tuple[str, ...]


class HeldError(ValueError):
    """A part holds the name where it cannot be taken out. `part`: the vendor's word for it; never a value."""

    def __init__(self, part: str) -> None:
        super().__init__(HELD)
        self.part = part


def without_name(street: str, name: str) -> str:
    """The street without the recipient's own name, where it stands on a line of its own, between commas, or before the house number.

    A street that is called as the customer is stays: nobody may be left without a house to be found at.

    >>> without_name("Ann Example, 12 Oak St", "Ann Example"), without_name("12 Ann Example Way", "Ann Example")
    ('12 Oak St', '12 Ann Example Way')
    """
    names = name.split()
    if len(names) < 2 or (name.isascii() and street.isascii() and not _all_in(names, street)):
        return street
    words = [re.escape(word) for word in names]
    either = "|".join(r"[\s,]+".join(each) for each in (words, [words[-1], *words[:-1]]))
    left = re.sub(
        rf"(^|[,;\n])\s*{_LEAD}(?:{either})\s*(?=$|[,;\n\d])", r"\1 ", street, flags=re.IGNORECASE | re.MULTILINE
    )
    return left if left == street else left.strip(" ,;\n")


def _all_in(names: list[str], street: str) -> bool:
    """At a glance, for most streets hold none of them."""
    found = street.lower()
    return all(name.lower() in found for name in names)


def address_without_name(address: Mapping[str, Any], name: str, parts: Parts) -> Mapping[str, Any]:
    """The address without the name in its lines; the same object where it is in none. What is no text is left to who checks types.

    A line that was nothing but the name is gone, and the next ones move up where it was the first. A town may be called as somebody is.

    Raises:
        HeldError: a part still holds the name, or a town is nothing but a name of two words or more.
    """
    if len(name) > _MOST:
        name = " ".join(_WORD.findall(name))
        if len(name) > _MOST:
            return address
    seen = "\n".join([text for keys in parts for key in keys if (text := address.get(key)).__class__ is str])
    last = _squeezed((name.split() or [""])[-1])
    if last.isalnum() and name.isascii() and seen.isascii():
        if last not in _squeezed(seen):
            return address
    elif "".join(_WORD.findall(_folded(last))) not in "".join(_WORD.findall(_folded(seen))):
        return address
    return _taken_out(address, name, parts)


def _squeezed(text: str) -> str:
    """Without case and the signs that may stand inside a word (as `_INSIDE`). Plain replacing is quicker here than a table."""
    return text.lower().replace(" ", "").replace("-", "").replace(".", "").replace("'", "")


def _taken_out(address: Mapping[str, Any], name: str, parts: Parts) -> Mapping[str, Any]:
    words = _WORD.findall(_folded(name))
    if not any(sign.isalpha() for word in words for sign in word):
        return address
    name, pattern, changed = tidied(name), _pattern(words), dict[str, str]()
    for key in (*parts.lines, *parts.others):
        text = _text(address, key)
        if text:
            left = _line(text, name, words)
            if pattern is not None and pattern.search(_folded(left)):
                raise HeldError(key)
            if left != tidied(text):
                changed[key] = left
    for key in parts.towns if len(words) > 1 else ():
        if _is_name(_text(address, key), words):
            raise HeldError(key)
    return _moved_up(address, changed, parts.lines) if changed else address


def _text(address: Mapping[str, Any], key: str) -> str:
    """A part that may hold the name; empty for what does not leave anyway, since it is no text or too long."""
    text = address.get(key)
    if text.__class__ is not str:
        return ""
    text = text if len(text) <= _MOST else tidied(text)
    return text if len(text) <= _MOST else ""


def _line(text: str, name: str, words: list[str]) -> str:
    """A line as it leaves, tidied; empty where it was the name and nothing else."""
    pieces = [tidied(piece) for piece in text.splitlines()]
    left = " ".join(piece for piece in (_piece(piece, name, words) for piece in pieces) if piece)
    return "" if _is_name(left, words) else left


def _piece(text: str, name: str, words: list[str]) -> str:
    if " " in name:
        left = without_name(text, name)
    elif _is_name(text, words):
        return ""
    elif sum(map(len, words)) < _FEW:
        return text
    else:  # not before a number: there it may be what the street is called
        left = re.sub(rf"(^|[,;])\s*{_LEAD}{re.escape(name)}\s*(?=$|[,;])", r"\1 ", text, flags=re.IGNORECASE)
    return text if left == text else tidied(_HOLES.sub(r"\1", left)).strip(" ,;")


def _is_name(text: str, words: list[str]) -> bool:
    """Whether a text is the name and nothing else but `c/o` or marks, in either order."""
    found = "".join(_WORD.findall(_folded(_LEADING.sub("", text, count=1))))
    return found in {"".join(words), "".join((words[-1], *words[:-1]))}


def _pattern(words: list[str]) -> re.Pattern[str] | None:
    """The name wherever it stands as words, in either order, whatever is between its words; None for one that is too short to tell."""
    letters = "".join(words)
    if len(words) == 1 and len(letters) < _FEW:
        return None
    spaced = len(letters) < _RUN
    orders = [words] if len(words) == 1 else [words, [words[-1], *words[:-1]]]
    either = "|".join(
        r"[\W_]+".join(each) if spaced else r"[\W_]*".join(_INSIDE.join(word) for word in each) for each in orders
    )
    cased = any(sign.upper() != sign for sign in letters)  # other scripts write words without spaces
    return re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])" if cased or len(letters) < 3 else either)


def _folded(text: str) -> str:
    """As it is read by somebody who has no accents: without case and combining marks."""
    if text.isascii():
        return text.casefold()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold().translate(_ALIKE)


def _moved_up(address: Mapping[str, Any], changed: dict[str, str], lines: tuple[str, ...]) -> Mapping[str, Any]:
    """The address with what changed; lines that became empty are gone."""
    made = {
        key: changed.get(key, value) for key, value in address.items() if changed.get(key, value) or key not in changed
    }
    if lines and lines[0] in changed and lines[0] not in made:
        texts = [made.pop(key) for key in lines if key in made]
        made.update(zip(lines, (text for text in texts if text), strict=False))
    return made
