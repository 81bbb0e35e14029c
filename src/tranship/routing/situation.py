"""What a routing decision reads of the engine's state."""

from tranship.routing.model import Ints
from tranship.routing.prices.model import PriceTables
from tranship.routing.share import CapState


class Situation:
    """What the decision reads of the state: shelves, caps, capacity in use, nodes switched off, prices. Nothing is changed."""

    __slots__ = ("caps", "closed", "prices", "shelf", "used")

    def __init__(
        self,
        shelf: Ints,
        caps: list[CapState],
        used: list[dict[int, int]],
        closed: set[int],
        prices: PriceTables | None = None,
    ) -> None:
        self.shelf, self.caps, self.used, self.closed, self.prices = shelf, caps, used, closed, prices
