"""What a pick list shows, and what comes back from it."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from tranship.connectors.port import Count
from tranship.core.errors import InputError
from tranship.dispatch.model import Report
from tranship.masking.model import MaskedOrder

Expected = Mapping[str, Mapping[str, int]]
"""What was printed and is still open: our id of an order -> line id -> units."""


class Pick(NamedTuple):
    """Units of one line, where they lie. Sorts as a picker walks: bin, SKU, order."""

    bin: str
    sku: str
    remote_id: str
    line_id: str
    quantity: int


class LineError(NamedTuple):
    """A line that needs somebody. `taken` True: it counts, but look at it; False: nothing of it was used."""

    file: str
    line: int
    what: str
    do: str
    taken: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}. {self.do}"


class Confirmed(NamedTuple):
    """What a confirmation says: reports, lines that need somebody, and the lines that were used."""

    reports: tuple[Report, ...]
    errors: tuple[LineError, ...]
    taken: tuple[int, ...] = ()


class CountedBy(NamedTuple):
    """What a count says. `whole`: every SKU there was counted, and every line was used."""

    counts: tuple[Count, ...]
    errors: tuple[LineError, ...]
    whole: bool = False
    taken: tuple[int, ...] = ()


def batch_id(remote_ids: Sequence[str]) -> str:
    """The id of a batch: the same orders make the same batch, in whatever order they come and however often it is printed.

    >>> batch_id(["B", "A"]) == batch_id(["A", "B"]), len(batch_id(["A"]))
    (True, 11)
    """
    digest = sha256("\n".join(sorted(remote_ids)).encode()).digest()
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that people mistake for another
    number = int.from_bytes(digest[:8])
    return "PL-" + "".join(letters[number >> (5 * place) & 31] for place in range(8))


def picks(orders: Sequence[MaskedOrder], bins: Mapping[str, str] | None = None) -> list[Pick]:
    """All units to fetch, in walking order.

    Raises:
        InputError: no orders, or one of them twice.
    """
    if not orders:
        raise InputError("A pick list without orders", where="pick list")
    if len({order.remote_id for order in orders}) != len(orders):
        raise InputError("One order stands twice on a pick list", where="pick list")
    known = bins or {}
    return sorted(
        Pick(known.get(line.sku, ""), line.sku, order.remote_id, line.line_id, line.quantity)
        for order in orders
        for line in order.lines
    )


def expected(orders: Sequence[MaskedOrder]) -> dict[str, dict[str, int]]:
    """What a confirmation of these orders may say."""
    return {order.remote_id: {line.line_id: line.quantity for line in order.lines} for order in orders}
