"""The result of a drill: what its tables, page and JSON show. Money in micros, shares in basis points, times UTC microseconds."""

import msgspec


class NetworkRisk(msgspec.Struct):
    """Goods of one network's fulfillment orders that had not left: at most before, and during the outage; and those that it put at risk."""

    network: str
    hit: bool
    before: int = 0
    during: int = 0
    at_risk: int = 0


class Series(msgspec.Struct):
    """One policy over time, at the times of `Drill.times`. Values of goods in micros."""

    at_risk: list[int] = []  # at nodes that fail, not left, and not known to be on its way through a network that works
    parked: list[int] = []
    share_bp: list[int] = []  # of the capped network in its window


class Limit(msgspec.Struct):
    """Why units waited here: the limit that bound, orders and units at most at once, and at the end."""

    reason: str
    orders: int = 0
    units: int = 0
    orders_at_end: int = 0


class Arm(msgspec.Struct):
    """One policy. Orders are those of the drill's day; -1 where a time was never reached."""

    key: str
    name: str
    words: str
    orders: int = 0
    in_time: int = 0
    late: int = 0  # arrive after their promise
    slipped: int = 0  # leave on a later working day than was planned when they came
    lost: int = 0  # not gone days later, and not waiting here with a reason
    waiting: int = 0  # parked, or before a person, days later
    given_up: int = 0
    double_orders: int = 0
    double_units: int = 0
    double_value: int = 0
    saved: int = 0  # late, lost, waiting or given up under "do nothing", in time here
    saved_value: int = 0
    harmed: int = 0  # the other way round
    kept_day: int = 0  # left a working day or more later under "do nothing"
    moved_orders: int = 0
    moved: int = 0  # fulfillment orders that were taken off the failing nodes
    moves_cost: int = 0  # what the moves cost more (below 0: less)
    cost: int = 0
    extra_cost: int = 0  # all orders shipped in full in both, against the day without the outage
    compared: int = 0
    parked_orders: int = 0  # at some time
    limits: list[Limit] = []
    detect_s: float = -1.0
    detected_by: str = ""
    drain_s: float = -1.0
    false_opened: int = 0  # breakers that opened at networks that were well
    arrived: int = 0  # orders that came during the outage
    arrived_placed: int = 0  # of them: at healthy nodes in full 120 s later
    exposed: int = 0  # of them: sent to the failing nodes first, because nobody knew yet
    meant: int = 0  # of them: would have been sent there on a day without the outage
    meant_placed: int = 0  # of these: at healthy nodes in full 120 s later
    quarantined: int = 0
    calls: int = 0
    unheard: int = 0
    share_before_bp: int = 0
    share_during_bp: int = 0
    share_after_bp: int = 0
    window_high_bp: int = 0
    cap_bp: int = 0
    events: int = 0
    seconds: float = 0.0
    risks: list[NetworkRisk] = []
    series: Series = msgspec.field(default_factory=Series)
    broken: list[str] = []  # what should never be


class Line(msgspec.Struct):
    """A connection of the drill, with what it was taken for."""

    network: str
    nodes: list[str]
    kind: str
    made_up: bool  # the run's file names none
    hold: bool
    unproven: list[str]
    rates: str


class Drill(msgspec.Struct):
    """Everything of one `tranship drill`."""

    run: str
    scenario: str
    words: str
    currency: str
    seed: int
    day: str  # ISO
    zone: str
    network: str  # that failed
    nodes: list[str]
    capped: str
    starts_at: int
    ends_at: int
    first_at: int  # of the day
    last_at: int
    orders: int
    units: int
    value: int
    taken_from: str  # the stretch of the run, in words
    spare: float
    times: list[int] = []
    orders_by_hour: list[int] = []
    first_hour: int = 0
    lines: list[Line] = []
    arms: list[Arm] = []
    assumed: list[str] = []
    seconds: float = 0.0
