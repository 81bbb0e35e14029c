"""Rows as PostgreSQL arrays, one per column: a batch goes over in one statement per table, whatever its size."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tranship.core.errors import InvariantError

_TYPES = {str: "text", int: "bigint", bytes: "bytea"}


class Table(NamedTuple):
    """A table as one kind of row sees it: the columns of the row type, in its order."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def unnest(self) -> str:
        """A table of the arrays that `packed` makes."""
        return f"unnest({', '.join(f'%s::{kind}[]' for kind in self.types)}) AS new ({', '.join(self.columns)})"

    @property
    def insert(self) -> str:
        """Adds all rows."""
        names = ", ".join(self.columns)
        return f"INSERT INTO {self.name} ({names}) SELECT {names} FROM {self.unnest}"  # noqa: S608 - names of this house

    def packed(self, rows: Sequence[tuple[Any, ...]]) -> list[str]:
        """The rows, column by column, in PostgreSQL's text form of arrays. InvariantError names a column of a wrong type."""
        columns = zip(*rows, strict=True)
        return [
            _PACK[kind](self.name, name, column)
            for name, kind, column in zip(self.columns, self.types, columns, strict=True)
        ]


def table(name: str, row: Any, *, also: Sequence[tuple[str, type]] = ()) -> Table:
    """The table of a row type of store/port.py."""
    fields = [*row.__annotations__.items(), *also]
    return Table(name, tuple(key for key, _ in fields), tuple(_TYPES[kind] for _, kind in fields))


def columns(name: str, **types: type) -> Table:
    """A table of these columns."""
    return Table(name, tuple(types), tuple(_TYPES[kind] for kind in types.values()))


def texts(where: str, name: str, column: Sequence[Any]) -> str:
    """An array of texts."""
    if not all(isinstance(value, str) for value in column):
        raise _wrong(where, name, "text")
    if any("\0" in text for text in column):
        raise InvariantError(f"{where}.{name}: a text holds the character NUL, which PostgreSQL cannot store")
    joined = '","'.join(column)
    if "\\" in joined or joined.count('"') != 2 * (len(column) - 1):
        joined = '","'.join([text.replace("\\", "\\\\").replace('"', '\\"') for text in column])
    return f'{{"{joined}"}}'


def _numbers(where: str, name: str, column: Sequence[Any]) -> str:
    if not all(isinstance(value, int) for value in column):
        raise _wrong(where, name, "whole number")
    return "{" + ",".join([str(int(value)) for value in column]) + "}"


def _blobs(where: str, name: str, column: Sequence[Any]) -> str:
    if not all(isinstance(value, bytes) for value in column):
        raise _wrong(where, name, "run of bytes")
    return '{"\\\\x' + '","\\\\x'.join([value.hex() for value in column]) + '"}'


def _wrong(where: str, name: str, wanted: str) -> InvariantError:
    return InvariantError(f"{where}.{name} holds something that is no {wanted}")


_PACK = {"text": texts, "bigint": _numbers, "bytea": _blobs}
