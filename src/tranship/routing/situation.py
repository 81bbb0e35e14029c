"""What a routing decision reads of the engine's state."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tranship.routing.model import Ints
from tranship.routing.prices.model import PriceTables
from tranship.routing.share import CapState

if TYPE_CHECKING:
    from tranship.routing.gate import Gates

Kept = Mapping[int, frozenset[int]]
"""SKU -> nodes that a leak budget keeps it off."""
NOTHING_KEPT: Kept = {}


class Situation:
    """What the decision reads of the state: shelves, caps, capacity in use, nodes switched off, prices. Nothing is changed."""

    __slots__ = ("caps", "closed", "gates", "kept", "prices", "shelf", "used")

    def __init__(
        self,
        shelf: Ints,
        caps: list[CapState],
        used: list[dict[int, int]],
        closed: set[int],
        prices: PriceTables | None = None,
    ) -> None:
        self.shelf, self.caps, self.used, self.closed, self.prices = shelf, caps, used, closed, prices
        self.gates: Gates | None = None  # leak budgets that concern this order; None: none is in force
        self.kept: Kept = NOTHING_KEPT  # what they keep off; set by `routing.gate`

    def under(self, kept: Kept) -> "Situation":
        """The same with these SKUs kept off these nodes, and no gate left to ask."""
        found = Situation(self.shelf, self.caps, self.used, self.closed, self.prices)
        found.kept = kept
        return found
