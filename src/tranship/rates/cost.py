"""What one part costs: the definition in pure Python. The router's kernel computes the same; quotes add up to it.

A *part* is one node's share of an order: lines merged per SKU, one destination. The rules are in the text of
`rates.tables`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tranship.rates.tables import PER_UNIT, UNIT_CLASSES, RateTables

INFEASIBLE = -1
"""Cost of a part that the node's card cannot price."""

Lines = Sequence[tuple[int, int]]
"""`(position of the SKU, quantity)`, each SKU once."""


@dataclass(frozen=True)
class Cartons:
    """How a parcel part is billed: `full` cartons of the largest weight, and one with the rest where there is one."""

    actual_g: int
    dim_g: int  # 0 where dim weight does not apply
    full: int
    rest_g: int

    @property
    def billed_g(self) -> int:
        """The larger of actual and dim weight."""
        return max(self.actual_g, self.dim_g)

    @property
    def has_rest(self) -> bool:
        """Whether a carton that is not full goes along; a part is never less than one carton."""
        return self.rest_g > 0 or self.full == 0

    @property
    def count(self) -> int:
        """Number of cartons."""
        return self.full + int(self.has_rest)


def unit_class(units: int) -> int:
    """Column of a per-unit price: 0 for one unit up to 4 for five or more.

    >>> [unit_class(units) for units in (1, 4, 5, 60)]
    [0, 3, 4, 4]
    """
    return min(units, UNIT_CLASSES) - 1


def cartons(tables: RateTables, row: int, lines: Lines) -> Cartons:
    """Billed weight and cartons of a part on a parcel row."""
    actual = sum(quantity * int(tables.weight_g[sku]) for sku, quantity in lines)
    volume = sum(quantity * int(tables.volume_cm3[sku]) for sku, quantity in lines)
    dim = 0
    if volume > int(tables.dim_over_cm3[row]):
        dim = -(-volume * int(tables.dim_num[row]) // int(tables.dim_den[row]))
    full, rest = divmod(max(actual, dim), int(tables.max_carton_g[row]))
    return Cartons(actual, dim, full, rest)


def part_cost(
    tables: RateTables, node: int, lines: Lines, zone: int, residential: bool, order_units: int | None = None
) -> int:
    """Micros that the node's card charges for a part; `INFEASIBLE` where it cannot price it, 0 for no lines.

    `zone` is the zone from the node to the destination (only parcel cards read it), `order_units` the order's units
    at all nodes of the node's unit row (only cards that count per order read it; None: this part is all of them).
    """
    if not lines:
        return 0
    units = sum(quantity for _, quantity in lines)
    if any(not tables.fits[sku, node] for sku, _ in lines):
        return INFEASIBLE
    if tables.kind[node] == PER_UNIT:
        row = int(tables.unit_row[node])
        counted = max(units, order_units or 0) if tables.unit_scope[node] else units
        column = unit_class(counted)
        goods = sum(quantity * int(tables.unit_price[row, sku, column]) for sku, quantity in lines)
        return int(tables.order_fee[node]) + goods
    if not 1 <= zone <= 9:
        return INFEASIBLE
    row = int(tables.parcel_row[node])
    packed = cartons(tables, row, lines)
    residence = int(tables.residential_fee[row]) if residential else 0
    price, band_of = tables.parcel[row, zone], tables.band_of[row]
    cost = int(tables.order_fee[node]) + units * int(tables.unit_fee[node])
    cost += packed.full * (int(price[band_of[tables.max_carton_g[row]]]) + residence)
    if packed.has_rest:
        cost += int(price[band_of[packed.rest_g]]) + residence
    return cost
