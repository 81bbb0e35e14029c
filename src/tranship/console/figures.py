"""ReportData: every number of the report, as plain data. `tranship report --json` prints it; the page only draws it.

Money is integer micros of the run's currency, shares are basis points, times are UTC microseconds, days are ISO dates.
"""

import msgspec


class RunFacts(msgspec.Struct):
    """What was run."""

    party: str = ""
    currency: str = "USD"
    first_order: str = ""  # ISO dates; empty where there is no order
    last_order: str = ""
    orders: int = 0
    order_lines: int = 0
    skus: int = 0
    events: int = 0
    chain: str = ""  # value of the journal's last row: the run's fingerprint
    network_version: int = 0
    network_sha256: str = ""
    people_erased: int = 0


class Count(msgspec.Struct):
    """How many of what, with words for people."""

    name: str
    words: str
    count: int


class FileFacts(msgspec.Struct):
    """A file of orders that was read. Lines: read = accepted + rejected."""

    source: str
    file: str
    sha256: str
    read: int
    accepted: int
    rejected: int
    reasons: list[Count]
    notes: list[str]


class RejectSample(msgspec.Struct):
    """Some rejected lines of one reason, from rejects.csv."""

    reason: str
    count: int
    samples: list[tuple[str, int, str, str]]  # file, line, document, detail


class NetworkFacts(msgspec.Struct):
    """What one network ships, of fulfillment orders that still stand."""

    code: str
    operator: str
    capped: bool
    cap_bp: int  # 0: none
    fulfillment_orders: int = 0
    units: int = 0
    cost: int = 0
    late: int = 0  # fulfillment orders
    late_waited: int = 0  # of them: their units had been parked first
    units_late: int = 0
    days: dict[int, int] = {}  # calendar days from the order to the door -> fulfillment orders
    voided: int = 0  # fulfillment orders that do not stand any more


class NodeFacts(msgspec.Struct):
    """What one node ships, and where it lies. `x`, `y` on the map; None where the map does not show it."""

    code: str
    network: str
    zip: str
    state: str
    card: str = ""
    card_kind: str = ""  # per unit | parcel
    fulfillment_orders: int = 0
    units: int = 0
    cost: int = 0
    received: int = 0  # units that came in over the run
    at: tuple[float, float] | None = None


class Lane(msgspec.Struct):
    """Node to state."""

    node: str
    network: str
    state: str
    fulfillment_orders: int
    units: int
    cost: int


class Course(msgspec.Struct):
    """A share over time: the highest in each slot that had a decision."""

    at: list[int] = []
    high_bp: list[int] = []


class ChannelShare(msgspec.Struct):
    """One channel's own counter under a cap."""

    channel: str
    max_share_bp: int
    entered: int


class CapLimit(msgspec.Struct):
    """One limit of a cap: in force from the network version that set it to the next that changed it."""

    cap_bp: int
    version: int  # of the network document
    at: int
    breaches: int
    high_bp: int  # the highest share in this time, of what came before too as long as a window holds it
    own_bp: int  # the highest once the share was within this limit: never above it, unless breached
    carried_bp: int  # the share when it came into force
    met_at: int  # when the share was within it; 0: never


class CapFacts(msgspec.Struct):
    """One share cap: what it allowed, how high the share went, what it did to decisions."""

    network: str
    cap_bp: int
    window: int
    measure: str
    on_conflict: str
    entered: int  # size of all entries, in the measure
    max_share_bp: int  # over all prefixes and full windows: never above the cap, unless breached
    full_max_bp: int  # over full windows only; 0 where the window never filled
    now_bp: int  # the window at the end
    live_bp: int  # the same without voided entries
    run_bp: int  # of all fulfillment orders that stand, off-platform channels
    filled_at: int  # when the window was full for the first time; 0: never
    breaches: int
    voided: int
    channels: list[ChannelShare]
    course: Course
    decisions: int  # that placed something of an off-platform channel
    with_network: int
    refused: int
    refused_extra: int  # micros that refused decisions cost above the refused way, where both are known
    refused_known: int
    priced: int
    price_max: int
    without: list[Count]  # decisions without the network, by what kept it out
    shelf_bp: int  # share of all received units that lay at its nodes
    tight_bp: int  # share of the time slots with a full window within one point of the cap
    limits: list[CapLimit] = []  # more than one where the cap was changed within the run
    since: int = 0  # when its counting began; 0: with the run's first order

    @property
    def changed(self) -> bool:
        """Whether another limit was in force earlier in the run."""
        return len(self.limits) > 1

    @property
    def high_bp(self) -> int:
        """The highest share of full windows, or of the first entries where no window filled."""
        return self.full_max_bp or self.max_share_bp


class SizeClass(msgspec.Struct):
    """Fulfillment orders of so many units, on the capped side and on the independent one. Cost per unit in micros."""

    label: str
    low: int
    high: int
    capped: int
    capped_units: int
    capped_cost: int
    independent: int
    independent_units: int
    independent_cost: int


class Period(msgspec.Struct):
    """A slice of time. Units by the day the order was placed; fulfillment orders by the day they were committed."""

    start: str
    orders: int
    ordered: int
    placed: int
    expired: int
    cancelled: int
    parked: int
    fulfillment_orders: dict[str, int]  # by network


class ArmCap(msgspec.Struct):
    """How high a cap's share went in one arm."""

    network: str
    measure: str
    window: int
    max_share_bp: int
    full_max_bp: int
    course: Course

    @property
    def high_bp(self) -> int:
        """The highest share of full windows, or of the first entries where no window filled."""
        return self.full_max_bp or self.max_share_bp


class ArmFacts(msgspec.Struct):
    """The same events under other caps (see `tranship report --compare`)."""

    name: str
    orders: int
    orders_placed: int
    fulfillment_orders: int
    cost: int
    units_ordered: int
    units_placed: int
    units_parked: int
    units_expired: int
    units_cancelled: int
    units_late: int
    shares: dict[str, int]  # network -> basis points of fulfillment orders
    caps: list[ArmCap]


class UnitFacts(msgspec.Struct):
    """Where every ordered unit is: ordered = placed + parked + expired + cancelled; placed = open + shipped + delivered."""

    ordered: int = 0
    placed: int = 0
    parked: int = 0
    expired: int = 0
    cancelled: int = 0
    open: int = 0
    shipped: int = 0
    delivered: int = 0
    returned: int = 0  # of those shipped or delivered
    late: int = 0
    waited: int = 0  # placed after they had been parked


class SplitFacts(msgspec.Struct):
    """Fulfillment orders per order that has any."""

    orders_placed: int = 0
    fulfillment_orders: int = 0
    histogram: dict[int, int] = {}
    later: int = 0  # fulfillment orders that a later decision placed
    nodes_per_order: float = 0.0
    single: int = 0


class PromiseFacts(msgspec.Struct):
    """Orders against their promise."""

    on_time_in_full: int = 0  # orders: everything that was not taken back is placed, nothing late
    in_full: int = 0
    wanted: int = 0  # orders that the customer did not take back altogether
    working_days: int = 0  # the policy's promise
    late: int = 0  # fulfillment orders
    late_waited: int = 0


class Waiting(msgspec.Struct):
    """Units that could not be placed at once, by reason; and what became of those that still could not."""

    reason: str
    words: str
    parts: int  # parked parts at their first decision
    units: int  # parked at their order's first decision
    expired: int  # given up in the end, waiting for this reason
    parked: int  # waiting now


class ExceptionFacts(msgspec.Struct):
    """Things a person should look at, by kind, with the first one."""

    kind: str
    words: str
    count: int
    subject: str
    detail: str


class ReportData(msgspec.Struct):
    """All numbers of the report."""

    headline: str = ""
    summary: list[str] = []
    run: RunFacts = msgspec.field(default_factory=RunFacts)
    banner: list[str] = []
    rates: list[str] = []  # which price lists, of which date and standing
    files: list[FileFacts] = []
    rejects: list[RejectSample] = []
    lines_read: int = 0
    lines_accepted: int = 0
    lines_rejected: int = 0
    units: UnitFacts = msgspec.field(default_factory=UnitFacts)
    cost: int = 0
    networks: list[NetworkFacts] = []
    nodes: list[NodeFacts] = []
    lanes: list[Lane] = []
    caps: list[CapFacts] = []
    cap_words: list[str] = []
    sizes: list[SizeClass] = []
    size_words: str = ""
    period_days: int = 7
    periods: list[Period] = []
    arms: list[ArmFacts] = []
    arm_words: list[str] = []
    splits: SplitFacts = msgspec.field(default_factory=SplitFacts)
    promise: PromiseFacts = msgspec.field(default_factory=PromiseFacts)
    waiting: list[Waiting] = []
    exceptions: list[ExceptionFacts] = []
    checks: list[str] = []
