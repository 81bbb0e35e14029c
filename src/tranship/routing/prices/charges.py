"""What opportunity prices add to a decision: micros of each line at each node, beside what the node charges.

A line's charge at a node is its quantity times (price of a unit there + price of the node's work on its ship day), a bundle's unit
price the sum of its parts'; where a cap counts units or value, room for them is charged here as well. Room that is counted in
fulfillment orders is charged per part (the kernel's `gamma`).
"""

from collections.abc import Sequence

import numpy as np

from tranship.routing.facts import Facts
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.model import Ask, Ints
from tranship.routing.prices.model import PriceTables
from tranship.routing.share import CapState

CEILING = 1 << 48
"""Most that all lines of one decision are charged, in micros: far above any price, and far below what the kernel counts with."""
MICROS_PER_DAY = 86_400_000_000


class Charges:
    """Prices of one decision's lines. `unit[line, node]`: micros a unit; `value[node]`: micros per minor unit of worth."""

    __slots__ = ("unit", "value", "wanted", "worth")

    def __init__(self, unit: Ints, wanted: Sequence[int], value: Ints | None, worth: Sequence[int]) -> None:
        self.unit, self.wanted, self.value, self.worth = unit, wanted, value, worth

    def mu(self, positions: Sequence[int], quantities: Sequence[int]) -> Ints:
        """Charge in micros `[piece, node]` of these pieces of lines, as the kernel takes it."""
        most = CEILING // max(SUBSET_LINES, len(positions))
        asked = np.array(quantities, np.int64)[:, None]
        charged: Ints = np.minimum(self.unit[list(positions)], most // asked) * asked
        if self.value is not None:
            for row, position, quantity in zip(charged, positions, quantities, strict=True):
                worth = self.worth[position] * quantity // self.wanted[position]
                if worth:
                    row += np.minimum(self.value, most // worth) * worth
        return charged


def book_at(book: PriceTables | None, at: int) -> PriceTables | None:
    """The book where it may be used at this moment: until the last day of the futures that it was made from."""
    return book if book is not None and at // MICROS_PER_DAY <= book.until_day else None


def charges_of(
    ask: Ask,
    facts: Facts,
    book: PriceTables | None,
    ship: Sequence[int],
    caps: Sequence[CapState],
    lateness: Ints | None = None,
) -> Charges | None:
    """Charges of an order that would leave each node on the day `ship[node]`, under these caps; None where nothing has a price.

    `lateness[node]`: micros a unit that being late is expected to cost.
    """
    sized = [(cap, price) for cap in caps if not cap.by_count and (price := cap.bucket.price)]
    if book is None and not sized and lateness is None:
        return None
    unit: Ints = np.zeros((len(ask.skus), facts.count), np.int64)
    if lateness is not None:
        unit += lateness
    if book is not None:
        unit += np.minimum(book.stock[ask.skus], CEILING)
        for row, sku in zip(unit, ask.skus, strict=True) if facts.bundles else ():
            if (parts := facts.bundles.get(sku)) is not None:  # its own price is nobody's
                row[:] = 0
                for part, count in parts:
                    row += np.minimum(book.stock[part], CEILING // count) * count
        if book.any_days:
            unit += day_prices(book, ship)
    value: Ints | None = None
    for cap, price in sized:
        if cap.by_value:
            value = np.zeros(facts.count, np.int64) if value is None else value
            value[list(cap.nodes)] += price
        else:
            unit[:, list(cap.nodes)] += price
    worth = [sum(units * price for units, price in line) for line in ask.prices] if value is not None else []
    return Charges(unit, ask.quantities, value, worth)


def day_prices(book: PriceTables, ship: Sequence[int]) -> Ints:
    """Micros of a unit of each node's work on the day that it would ship."""
    return np.array([book.node_days.get((n, day), 0) for n, day in enumerate(ship)], np.int64)
