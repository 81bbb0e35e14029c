"""Cancellations matched to the lines they take back from: the latest earlier line that still has something left.

One cancelling line takes from one line, up to what is left of it; the rest of it, or all of it where there is no such line, is
unmatched. Cancellations are matched in time order, so each sees what those before it left.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tranship.connectors.files.model import StagedCancel, StagedOrder

Prior = Callable[[str, str], Sequence[tuple[str, str, int, int]]]
"""(customer, sku) -> lines of earlier files as (order number, line key, units left, at), without this file's own cancellations."""


class Take(NamedTuple):
    """A line that takes units back. `order` and `line` narrow the search where the source names them."""

    at: int
    at_line: int
    number: str
    key: str
    customer: str
    sku: str
    qty: int
    order: str = ""
    line: str = ""
    derived: bool = False  # not a line of the file: follows from a fact of its order (a whole order canceled)


class Matched(NamedTuple):
    """What became of the takes."""

    cancels: list[StagedCancel]  # by time, then file line
    unmatched: list[Take]  # lines of the file that found nothing to take from
    lines: int  # how many of `cancels` are lines of the file
    units_over: int  # units of those lines that were more than their line had left


class _Open:
    """An order line that can give units back."""

    __slots__ = ("at", "at_line", "key", "left", "order")

    def __init__(self, order: str, key: str, left: int, at: int, at_line: int) -> None:
        self.order, self.key, self.left, self.at, self.at_line = order, key, left, at, at_line


_Pair = tuple[str, str, str]  # ("", customer, sku) or ("order", order number, sku)


def _pair(take: Take) -> _Pair | None:
    if take.order:
        return ("order", take.order, take.sku)
    return ("", take.customer, take.sku) if take.customer else None


def match(takes: Sequence[Take], orders: Sequence[StagedOrder], prior: Prior | None) -> Matched:
    """Match takes to lines of these orders, then to those of earlier files."""
    open_lines = _open_lines({pair for take in takes if (pair := _pair(take))}, orders)
    own = {order.number for order in orders} if prior else set()
    reached: dict[tuple[str, str], int] = {}  # units taken here from lines of earlier files
    cancels: list[StagedCancel] = []
    unmatched: list[Take] = []
    lines = over = 0
    for take in sorted(takes, key=lambda t: (t.at, t.at_line)):
        pair = _pair(take)
        found = _latest(open_lines[pair], take) if pair else None
        if found is None and prior is not None and take.customer:
            found = _earlier_file(prior, take, own, reached)
        if found is None:
            if not take.derived:
                unmatched.append(take)
            continue
        taken = min(found.left, take.qty)
        found.left -= taken
        if not take.derived:
            lines += 1
            over += take.qty - taken
        if found.at_line == 0:
            reached[found.order, found.key] = reached.get((found.order, found.key), 0) + taken
        at = max(take.at, found.at)  # a source that names the order may date its end before its beginning
        cancels.append(StagedCancel(take.number, take.key, at, found.order, found.key, taken, take.at_line))
    cancels.sort(key=lambda cancel: (cancel.at, cancel.at_line))
    return Matched(cancels, unmatched, lines, over)


def _open_lines(pairs: set[_Pair], orders: Sequence[StagedOrder]) -> dict[_Pair, list[_Open]]:
    """Lines of the pairs somebody takes back from, in (time, file line) order: most lines never are, and cost nothing here."""
    found: dict[_Pair, list[_Open]] = {pair: [] for pair in pairs}
    customers = {pair[1] for pair in pairs if not pair[0]}
    numbers = {pair[1] for pair in pairs if pair[0]}
    for order in orders:
        by_customer, by_order = order.customer in customers, order.number in numbers
        if not (by_customer or by_order):
            continue
        for line in order.lines:
            of_customer = found.get(("", order.customer, line.sku)) if by_customer else None
            of_order = found.get(("order", order.number, line.sku)) if by_order else None
            if of_customer is None and of_order is None:
                continue
            # one object in both lists: what one search takes the other no longer finds
            one = _Open(order.number, line.key, line.qty, order.placed_at, line.at_line)
            for place in (of_customer, of_order):
                if place is not None:
                    place.append(one)
    for lines in found.values():
        lines.sort(key=lambda line: (line.at, line.at_line))
    return found


def _latest(lines: list[_Open], take: Take) -> _Open | None:
    position = bisect_left(lines, (take.at, take.at_line), key=lambda line: (line.at, line.at_line))
    for line in reversed(lines if take.order else lines[:position]):
        if line.left > 0 and (not take.line or take.line == line.key):
            return line
    return None


def _earlier_file(prior: Prior, take: Take, own: set[str], reached: dict[tuple[str, str], int]) -> _Open | None:
    best = None
    for order, key, left, at in prior(take.customer, take.sku):
        left -= reached.get((order, key), 0)
        fits = (not take.order or take.order == order) and (not take.line or take.line == key)
        # an order that this file has too is matched here, by the file: the same file again must give the same answer
        if order in own or left <= 0 or at > take.at or not fits:
            continue
        if best is None or (at, order, key) > (best.at, best.order, best.key):
            best = _Open(order, key, left, at, 0)
    return best
