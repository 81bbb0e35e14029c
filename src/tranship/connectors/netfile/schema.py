"""What a key and a table of the network file are: name, kind, range, default and meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

Kind = Literal[
    "code", "text", "path", "int", "number", "percent", "money", "bool", "choice", "words", "choices",
    "time", "date", "dates", "zip", "zone", "state", "country", "countries", "currency", "raw",
    "reference", "settings", "secrets", "spans",
]  # fmt: skip
Refers = Literal["", "network", "card", "connection"]

REQUIRED = msgspec.UNSET
"""Default of a key that must be written."""
MOST = 10**12
"""The largest number that any key takes."""


@dataclass(frozen=True)
class Key:
    """One key of a table. `field` is the model's name for it, `low` and `high` its range in the file's own units."""

    name: str
    kind: Kind
    meaning: str
    default: object = None  # None: the model's default
    field: str = ""
    low: float = 0
    high: float = MOST
    words: tuple[str, ...] = ()
    refers: Refers = ""
    instead: str = ""  # another key that says the same: exactly one of the two is written
    shape: str = ""  # what is allowed, in words, where another room reads the value

    @property
    def target(self) -> str:
        """The field of the model that this key fills."""
        return self.field or self.name


@dataclass(frozen=True)
class Table:
    """One table of the file: `[name]`, `[[name]]` where there may be many, or `[name.NAME]` where each has a name."""

    name: str
    form: Literal["one", "many", "named"]
    meaning: str
    keys: tuple[Key, ...]
    model: type[msgspec.Struct] | None = None
    as_written: bool = False  # the document holds what is written and no defaults: another room reads and checks it

    @property
    def header(self) -> str:
        """How the table's header is written."""
        return {"one": f"[{self.name}]", "many": f"[[{self.name}]]", "named": f"[{self.name}.NAME]"}[self.form]

    def by_name(self) -> Mapping[str, Key]:
        """Keys by the name they have in the file."""
        return {key.name: key for key in self.keys}

    def default(self, key: Key) -> object:
        """The value of a key that is not written, as the model holds it; `REQUIRED` where it must be written."""
        if key.default is not None or self.model is None:
            return key.default
        defaults = {field.name: field.default for field in msgspec.structs.fields(self.model)}
        return defaults[key.target]
