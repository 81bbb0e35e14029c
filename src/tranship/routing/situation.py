"""What a routing decision reads of the engine's state."""

from tranship.routing.model import Ints
from tranship.routing.share import CapState


class Situation:
    """What the decision reads of the state: shelves, caps, capacity in use and nodes switched off. Nothing is changed."""

    __slots__ = ("caps", "closed", "shelf", "used")

    def __init__(self, shelf: Ints, caps: list[CapState], used: list[dict[int, int]], closed: set[int]) -> None:
        self.shelf, self.caps, self.used, self.closed = shelf, caps, used, closed
