r"""Canaries: texts that occur nowhere else, and one search that finds all of them in every shape that a text takes on its way.

A canary may stand in a body as it is, in other case, reversed, without its spaces, decomposed (NFKD), percent-, base64-, hex- or
`\\u`-encoded, or as a digest; five of its first or last characters are enough for a hit. All shapes of all canaries are one set of
patterns, looked for in one pass: every pattern has a stretch of five bytes that begins it, and a text is read once, five bytes at a time.

Used for what leaves, and for logs, stores, audits, exceptions and reprs:

    search = Search({"name": canary.word(1), "phone": canary.digits(1)})
    assert not search.hits(raw_bytes)
"""

import base64
import hashlib
import random
import re
import traceback
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

ANCHOR = 5
_LONGEST = 24
"""Bytes of a pattern that are compared; a longer one that occurs shows in as many."""
_SIGNS = "bcdfghjkmnpqrstvwxz"
_ENDS = "ghjkmnpqrstvwxz"
"""No digits of base 16: five of them stand in random ids by chance."""


def word(seed: int | str) -> str:
    """A canary that looks like a word: both its ends hold 0 and 1, which no token of ours has, so no token can look like one."""
    draw = random.Random(f"word {seed}")
    middle = "".join(draw.choice(_SIGNS) for _ in range(6))
    ends = [draw.choice(_ENDS) for _ in range(6)]
    return f"{ends[0]}0{ends[1]}1{ends[2]}{middle}{ends[3]}1{ends[4]}0{ends[5]}"


def letters(seed: int | str) -> str:
    """A canary of letters alone, with an accent and a space: a name. Its ends hold I and O, which no token has."""
    draw = random.Random(f"letters {seed}")
    first, last = ("".join(draw.choice(_SIGNS) for _ in range(3)) for _ in range(2))
    return f"Io{first}é{draw.choice(_SIGNS)} {draw.choice(_SIGNS)}{last}oi"


def digits(seed: int | str, count: int = 11) -> str:
    """A canary of digits alone: a phone's, or a shop's number."""
    draw = random.Random(f"digits {seed}")
    return (
        "10"
        + "".join(draw.choice("23456789") for _ in range(2))
        + "0"
        + "".join(draw.choice("0123456789") for _ in range(count - 10))
        + "01990"
    )


def email(seed: int | str) -> str:
    """A canary that is an address for mail."""
    return f"{word(f'mail {seed}')}@{word(f'host {seed}')}.example"


def shapes(canary: str) -> Iterator[tuple[str, bytes]]:
    """Every shape of a canary by name, in lower case."""
    texts = {
        "as it is": canary,
        "reversed": canary[::-1],
        "without spaces": re.sub(r"[\s().+-]", "", canary),
        "decomposed": unicodedata.normalize("NFKD", canary),
        "without accents": unicodedata.normalize("NFKD", canary).encode("ascii", "ignore").decode(),
        "first five": canary[:ANCHOR],
        "last five": canary[-ANCHOR:],
    }
    for name, text in texts.items():
        yield name, text.lower().encode()
        yield f"{name}, upper case", text.upper().lower().encode()
    for name in ("as it is", "without spaces", "decomposed"):
        for form, text in (
            ("", texts[name]),
            (", upper case", texts[name].upper()),
            (", lower case", texts[name].lower()),
        ):
            yield from ((f"{name}{form}, {how}", pattern.lower()) for how, pattern in _encoded(text))


def _encoded(text: str) -> Iterator[tuple[str, bytes]]:
    raw = text.encode()
    yield "percent-encoded", quote(text, safe="").encode()
    yield "form-encoded", quote_plus(text).encode()
    yield "percent-encoded throughout", "".join(f"%{byte:02x}" for byte in raw).encode()
    yield "hexadecimal", raw.hex().encode()
    yield "\\u-encoded", "".join(f"\\u{ord(sign):04x}" for sign in text).encode()
    yield "as JSON in ASCII", text.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00")
    for shift in range(3):
        padded = base64.b64encode(b"\0" * shift + raw)
        whole = padded[-(-shift * 4 // 3) : -4 or None]  # signs that the bytes before and after do not change
        yield f"base64, shifted by {shift}", whole
        yield f"base64 for links, shifted by {shift}", whole.translate(bytes.maketrans(b"+/", b"-_"))
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, raw, usedforsecurity=False).digest()
        yield f"{name} in hexadecimal", digest.hex().encode()
        yield f"{name} in base64", base64.b64encode(digest)


class Search:
    """One search for many canaries: name -> canary. Patterns shorter than five bytes are left out: they would be anywhere."""

    def __init__(self, canaries: Mapping[str, str]) -> None:
        self.canaries = dict(canaries)
        self._by_anchor: dict[bytes, list[tuple[bytes, str, str]]] = defaultdict(list)
        known: set[tuple[bytes, str]] = set()
        for name, canary in self.canaries.items():
            for shape, pattern in shapes(canary):
                kept = pattern[:_LONGEST]
                if len(kept) >= ANCHOR and (kept, name) not in known:
                    known.add((kept, name))
                    self._by_anchor[kept[:ANCHOR]].append((kept, name, shape))
        self._anchors = frozenset(self._by_anchor)
        self._slices = [slice(at, at + ANCHOR) for at in range(4096)]

    def __len__(self) -> int:
        return sum(map(len, self._by_anchor.values()))

    def hits(self, text: bytes | str) -> list[tuple[str, str]]:
        """(canary's name, shape) of everything that is found."""
        data = (text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text).lower()
        while len(self._slices) < len(data):
            at = len(self._slices)
            self._slices += [slice(one, one + ANCHOR) for one in range(at, 2 * at)]
        if self._anchors.isdisjoint(map(data.__getitem__, self._slices[: len(data)])):
            return []
        return sorted(
            {
                (name, shape)
                for anchor in self._anchors.intersection(data[one] for one in self._slices[: len(data)])
                for pattern, name, shape in self._by_anchor[anchor]
                if pattern in data
            }
        )

    def in_all(self, texts: Iterable[bytes | str]) -> list[tuple[str, str]]:
        """The hits in any of several texts."""
        return [hit for text in texts for hit in self.hits(text)]


def told_by(error: BaseException) -> str:
    """All that an exception can put into a log: its text, repr, arguments, attributes and the whole chain behind it, hidden links too."""
    parts: list[str] = []
    seen: list[BaseException] = []
    stack: list[BaseException | None] = [error]
    while stack:
        one = stack.pop()
        if one is None or one in seen:
            continue
        seen.append(one)
        parts += [str(one), repr(one), repr(one.args), repr(vars(one)), repr(getattr(one, "doc", ""))]
        parts += ["".join(traceback.format_exception(one))]
        stack += [one.__cause__, one.__context__]
    return "\n".join(parts)
