"""The result of `tranship try`: what its tables, page and JSON show. Money in micros, shares in basis points, days in calendar days."""

import msgspec

from tranship.sim.trial.paired import Paired


class NetworkFigures(msgspec.Struct):
    """What one network ships of what stands at the end."""

    network: str
    fulfillment_orders: int
    units: int
    cost: int
    share_bp: int  # of fulfillment orders


class CapFigures(msgspec.Struct):
    """A cap's counters. `high_bp`: over all prefixes and windows; `full_bp`: over full windows of the total."""

    network: str
    measure: str
    window: int
    cap_bp: int
    high_bp: int
    full_bp: int
    end_bp: int
    above_at_first: int = 0  # decisions until a window filled under a wider limit had come down to this one


class ArmFigures(msgspec.Struct):
    """What the orders of the period come to. Ordered = placed + parked + given up + taken back; in full: all but what was taken back."""

    name: str
    note: str = ""
    orders: int = 0
    orders_placed: int = 0
    orders_in_full: int = 0
    orders_wanted: int = 0  # not taken back altogether
    lines: int = 0  # not taken back altogether
    lines_in_full: int = 0
    units_ordered: int = 0
    units_placed: int = 0
    units_parked: int = 0
    units_given_up: int = 0
    units_taken_back: int = 0
    units_late: int = 0
    fulfillment_orders: int = 0
    cost: int = 0
    days: float = 0.0  # mean calendar days to the door, projected, of a unit
    networks: list[NetworkFigures] = []
    caps: list[CapFigures] = []

    @property
    def fill(self) -> float:
        """Units placed of those wanted."""
        return self.units_placed / max(1, self.units_ordered - self.units_taken_back)

    @property
    def an_order(self) -> float:
        """Micros an order placed."""
        return self.cost / max(1, self.orders_placed)

    @property
    def a_unit(self) -> float:
        """Micros a unit placed."""
        return self.cost / max(1, self.units_placed)

    @property
    def splits(self) -> float:
        """Fulfillment orders an order placed."""
        return self.fulfillment_orders / max(1, self.orders_placed)


class Flow(msgspec.Struct):
    """Units that are elsewhere than in the baseline. `cost`: their share of what their orders' cost changed by."""

    source: str
    target: str
    why: str  # a key of `words`
    units: int = 0
    orders: int = 0
    cost: int = 0


class OrderChange(msgspec.Struct):
    """An order that came out otherwise."""

    order: str
    at: int
    before: str  # "EAST 5, AMZ-WEST 2"
    after: str
    units_before: int
    units_after: int
    cost_before: int
    cost_after: int
    days_before: float
    days_after: float
    late_before: int
    late_after: int
    why: str

    @property
    def cost(self) -> int:
        """Micros more than in the baseline."""
        return self.cost_after - self.cost_before


class Tried(msgspec.Struct):
    """One variation beside the baseline."""

    arm: ArmFigures
    paired: Paired
    orders_changed: int = 0
    units_moved: int = 0
    flows: list[Flow] = []  # between nodes and places, most units first
    network_flows: list[Flow] = []
    changes: list[OrderChange] = []  # largest change of cost first; at most so many as were asked for
    notes: list[str] = []


class Trial(msgspec.Struct):
    """Everything of one `tranship try`."""

    run: str
    currency: str
    first_at: int  # of the orders compared
    last_at: int
    events: int  # journal rows of the run that were read
    same: bool  # the baseline came to what the run came to
    checked: str  # how that is known, or what differs
    baseline: ArmFigures
    variations: list[Tried]
    words: dict[str, str]  # reasons of moves
    notes: list[str] = []
    seconds: float = 0.0
