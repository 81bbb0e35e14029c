"""What is measured: a brand's own orders as arrays, and which of them one network saw.

A row is one SKU of one order. Rows lie in order of time, those of one order side by side; a simulated brand has one row an order.
Codes (SKU, customer, household, region) are dense integers from 0; but for a SKU, -1 means not known. No name or address is in here.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

GROSS = 0.45
"""Share of a price that a network takes for the brand's gross margin where it has to guess."""


class Adversary(StrEnum):
    """Who is looking.

    A `node` stores the goods, so any alias is joined to the item. `transit` carries closed parcels: it has the label, the time and at
    most an alias, and neither item nor price.
    """

    NODE = "node"
    TRANSIT = "transit"


class Orders(NamedTuple):
    """Rows put together to orders, in order of time.

    `value` is as the brand booked it, `listed` at public prices, `price` the mean price of a row.
    """

    at: Floats
    customer: Ints
    household: Ints
    region: Ints
    b2b: Mask
    quantity: Ints
    value: Floats
    margin: Floats
    listed: Floats
    price: Floats


@dataclass(frozen=True, eq=False)
class World:
    """A brand's own orders over some weeks: the truth that a network would like to know.

    `at` is in weeks from the start, in [0, weeks); `value` and `margin` are money of the row in any one unit, `price` a SKU's public price
    and `fee` what the network charges an order to a region, in the same unit. `home` is the household where a customer mostly is.
    `order` numbers the orders of the rows; None: each row is an order. Raises ValueError where the arrays do not fit each other.
    """

    at: Floats
    sku: Ints
    customer: Ints
    household: Ints
    quantity: Ints
    value: Floats
    region: Ints
    margin: Floats
    b2b: Mask
    price: Floats
    fee: Floats
    home: Ints
    households: int
    weeks: int
    order: Ints | None = None
    gross: float = GROSS

    def __post_init__(self) -> None:
        rows = len(self.at)
        each = (self.sku, self.customer, self.household, self.quantity, self.value, self.region, self.margin, self.b2b)
        if any(len(one) != rows for one in each) or (self.order is not None and len(self.order) != rows):
            raise ValueError("arrays of a world have different lengths")
        if self.weeks < 1 or (
            rows and not (0 <= self.at[0] <= self.at[-1] < self.weeks and bool((np.diff(self.at) >= 0).all()))
        ):
            raise ValueError("rows of a world lie in order of time, within its weeks")
        ends = ((self.sku, self.skus, 0), (self.customer, len(self.home), -1), (self.household, self.households, -1))
        for codes, end, least in (*ends, (self.region, self.regions, -1), (self.home, self.households, -1)):
            if len(codes) and not least <= int(codes.min()) <= int(codes.max()) < end:
                raise ValueError("a code of a world lies outside of its range")

    @property
    def skus(self) -> int:
        """How many SKUs there are."""
        return len(self.price)

    @property
    def regions(self) -> int:
        """How many regions there are."""
        return len(self.fee)

    @property
    def customers(self) -> int:
        """How many customers there are, those without an order included."""
        return len(self.home)

    @cached_property
    def week(self) -> Ints:
        """Each row's week."""
        return self.at.astype(np.int64)

    @cached_property
    def orders(self) -> Orders:
        """The orders as such."""
        return gather(self, np.arange(len(self.at)))


def gather(world: World, rows: Ints) -> Orders:
    """Some rows of a world (ascending) put together to orders; of an order seen in part, that part."""
    sku, quantity = world.sku[rows], world.quantity[rows]
    price = world.price[sku]
    head = rows
    sums = (quantity, world.value[rows], world.margin[rows], price * quantity, price)
    if world.order is not None and len(rows):
        numbers = world.order[rows]
        starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
        head = rows[starts]
        counts = np.diff(np.r_[starts, len(rows)])
        quantity, value, margin, listed, price = (np.add.reduceat(one, starts) for one in sums)
        sums = (quantity, value, margin, listed, price / counts)
    return Orders(
        world.at[head], world.customer[head], world.household[head], world.region[head], world.b2b[head], *sums
    )


@dataclass(frozen=True, eq=False)
class Seen:
    """What one network saw of a world: which rows, ascending, and which of them show a household's address.

    A pickup point or a business address shows none, and a row whose household is not known never does.
    """

    rows: Ints
    addressed: Mask

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.addressed) or bool((np.diff(self.rows) <= 0).any()):
            raise ValueError("rows that were seen are distinct, ascending, and each says whether it shows an address")

    @classmethod
    def of(cls, world: World, seen: Mask, hidden: Mask | None = None) -> "Seen":
        """From one truth value a row: was it seen; `hidden`: it shows no household (a pickup point)."""
        rows = np.flatnonzero(seen)
        addressed = ~world.b2b[rows] & (world.household[rows] >= 0)
        return cls(rows, addressed if hidden is None else addressed & ~hidden[rows])

    @property
    def homes(self) -> Ints:
        """The rows that show a household."""
        return self.rows[self.addressed]
