"""Text that must not get into a log, an error or a file by accident: secrets of connections, and what says who a person is.

It shows as stars wherever text is made of it, is told apart in constant time, and nothing writes it down: neither JSON, nor MessagePack,
nor pickle. Only `reveal`, which is easy to search for, gives it out.
"""

import hmac
from typing import Any, NoReturn, Self


class Hidden:
    """A text that shows as stars. Use one of its kinds; two of different kinds are never equal."""

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """The text itself: for the bytes that leave, or the comparison that needs it, and for nothing that is kept."""
        return self._text

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return repr(self)  # whatever width or precision was asked for: a cut of it is still of it

    def __eq__(self, other: object) -> bool:
        """In constant time, among its own kind only."""
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} does not change")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Pickle would write it down."""
        raise TypeError(f"{type(self).__name__} is not written down")


class Secret(Hidden):
    """A key, token or password."""

    __slots__ = ()


class Pii(Hidden):
    """Something that says who a person is, or how they are reached."""

    __slots__ = ()


class Veiled:
    """For structs that hold personal data as plain texts because they are read from or written to bytes: they show as stars as well."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("hidden", "***")]


def revealed(value: Hidden | str) -> str:
    """The text of either: where callers may have a plain one (a test, a person at a terminal).

    >>> revealed("a"), revealed(Secret("b")), f"{Secret('b'):>20}"
    ('a', 'b', 'Secret(***)')
    """
    return value.reveal() if isinstance(value, Hidden) else value
