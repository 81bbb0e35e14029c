"""The network file's model: who can ship, from where, under which limits. One frozen document; a change is a new version.

Indexes (`network.nodes[i]`, `network.skus[i]`) are the positions that every array of the engine and the router uses.
"""

import math
from collections.abc import Iterator

import msgspec

from tranship.core.alerts import Alerts
from tranship.core.capability import Connection
from tranship.core.health import Health

FULL_BP = 10_000
"""Basis points in one whole: shares are integers, 60 % is 6,000."""


class Sku(msgspec.Struct, frozen=True):
    """One sellable article. Lengths in mm, weight in g, value in minor units; `parts` makes it a bundle of other SKUs."""

    code: str
    weight_g: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    value_minor: int = 0
    fragile: bool = False
    hazmat: bool = False
    sensitivity: str = "normal"  # normal | sensitive: sensitive SKUs are never sent to a network that competes
    parts: tuple[tuple[str, int], ...] = ()
    codes: dict[str, str] = {}  # code per network, where it differs
    nodes: tuple[str, ...] = ()  # nodes that may stock it; empty: any

    @property
    def volume_cm3(self) -> int:
        """Volume rounded up to whole cubic centimeters (0 where a dimension is unknown)."""
        return -(-self.length_mm * self.width_mm * self.height_mm // 1000)


class Network(msgspec.Struct, frozen=True):
    """An operator of nodes, with its own limits on one fulfillment order."""

    code: str
    operator: str = ""
    carrier: str = ""  # operator code of the carrier that moves its parcels, where that is someone else
    competitor: bool = False  # sells against the brand: sensitive SKUs never go there
    max_lines: int = 0  # 0: no limit
    max_units: int = 0


class Node(msgspec.Struct, frozen=True):
    """A place that holds and ships. Cut-off and capacity day are local to `zone`."""

    code: str
    network: str
    zip: str
    zone: str  # IANA time zone
    card: str  # rate card
    state: str = ""
    country: str = "US"
    capacity_units: int = 0  # units a working day; 0: no limit
    cutoff_min: int = 14 * 60  # minutes after local midnight
    handling_days: int = 0  # working days between the cut-off and the hand-over to the carrier
    services: tuple[str, ...] = ("ground",)
    countries: tuple[str, ...] = ("US",)
    hazmat: bool = False
    fragile: bool = True
    depends_on: tuple[str, ...] = ()  # carriers, buildings, regions it stands or falls with
    closed: bool = False
    weekend: tuple[str, ...] = ("sat", "sun")  # days of the week on which it does not ship
    holidays: tuple[str, ...] = ()  # ISO dates, local, on which it does not ship
    connection: str = (
        ""  # code of the connection that orders are handed over by; "": shipping is projected at the cut-off
    )
    location: str = ""  # the network's own id of this node, where its interface asks for one


class Channel(msgspec.Struct, frozen=True):
    """Where orders come from. `on_platform_for` lists the networks that own the channel: their cap does not count it."""

    code: str
    on_platform_for: tuple[str, ...] = ()
    service: str = "ground"
    promise_working_days: int = 0  # 0: the policy's default
    promise: str = "fixed"  # fixed | computed, where an order does not say


class ShareCap(msgspec.Struct, frozen=True):
    """At most `cap_bp` of the last `window` of `measure` from off-platform channels may be placed with `network`."""

    network: str
    cap_bp: int
    window: int = 1000
    measure: str = "fulfillment_orders"  # fulfillment_orders | units | value (minor units)
    counts: str = "node"  # node | carrier | either
    per_channel: bool = True
    on_conflict: str = "park"  # park | breach, when the independent side fails
    reserve: int = 3  # last entries of room, kept for orders that only the capped network can fill
    bucket_rate_bp: int = 0  # refill of the token bucket relative to the cap, in basis points; 0: by the window
    bucket_burst_bp: int = 0  # size of the token bucket in basis points of the window; 0: by the window
    price_micros: int = 4_000_000  # swing of the price: an empty bucket adds half of it, a full one takes half off


class LeakGrowth(msgspec.Struct, frozen=True, array_like=True):
    """What a forecast says of one article: log growth of its weekly sales over a leak year, in millionths a week."""

    sku: str
    growth_ppm: int
    error_ppm: int = 0  # one standard deviation of what it is off by; 0: as much as growth itself differs by


class LeakBudget(msgspec.Struct, frozen=True):
    """How much of the brand's orders one network may be shown, so that it learns little from them (docs/leak-routing.md)."""

    network: str
    budget: int = 40  # the dial: 0 shows it nothing, 100 is no budget at all
    on_conflict: str = "park"  # park | spend, where no other network can take the order
    high_value_minor: int = 0  # orders worth this much or more never go there; 0: no limit
    cod: str = "elsewhere"  # elsewhere | same: orders to be paid at the door go there only where nobody else takes them
    household_most: int = 0  # orders of one household that it is shown in a year, at most; 0: as many as the dial says
    heavy_pct: float = 0.0  # share of the households that count as best customers, percent; 0: as the dial says
    least_saving_bp: int = 0  # orders on which the network saves less never go there; 0: not looked at
    forecast: tuple[LeakGrowth, ...] = ()  # the brand's own; articles that it does not name are read from past orders


USUAL_VALUE_MINOR = 4_000
"""Value of a fulfillment order by which a window of value is told in orders, where only its length is known (40.00)."""


def bucket_margin_bp(window: int, measure: str = "units") -> int:
    """How far below the cap a bucket is refilled: what was cheapest on the benchmark's instances (docs/performance.md).

    A window's count strays by about the square root of its length, and so does the margin: 30 bp at 10,000, 95 bp at 1,000.
    """
    return max(10, min(1_000, round(30 * math.sqrt(10_000 / _entries(window, measure)))))


def bucket_burst_bp(window: int, measure: str = "units") -> int:
    """Size of a bucket, as `bucket_margin_bp`: 100 bp of the window at 10,000, 200 bp at 1,000."""
    return max(50, min(1_000, round(100 * math.pow(10_000 / _entries(window, measure), 0.3))))


def _entries(window: int, measure: str) -> int:
    return max(100, window // USUAL_VALUE_MINOR if measure == "value" else window)


class Policy(msgspec.Struct, frozen=True):
    """Documented settings of routing; ranges are checked by `tranship check`."""

    promise_working_days: int = 5
    park_days: int = 0  # calendar days a part may stay parked; 0: up to its promise
    must: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    after: tuple[str, ...] = ("split", "park")
    max_parts: int = 8  # fulfillment orders one order may become before the rest is parked
    starts: int = 0  # search starts above 8 lines; 0: by number of nodes (8, 16, 32)
    rounds: int = 3  # best starts that get the pair search
    retry_limit: int = 500  # parked parts re-decided by one event
    prices: str = "on"  # off | on: prices that look ahead (docs/prices.md)
    prices_every_hours: int = 24  # of the engine's clock, between two price books
    prices_limit_s: int = 300  # real seconds that making one may take in a live service
    futures: int = 4  # sampled futures that a book is made from
    redecide: bool = True  # decide orders again until they are released
    redecide_gain_minor: int = 5  # minor units, prices included, that a move must save
    redecide_limit: int = 2000  # orders decided again by one tick


class Transit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`count` shipments that left in one month from a node to one place and took `actual` working days."""

    node: str
    dest: str  # ZIP3, or two-letter state
    service: str  # empty: not said
    planned: int  # working days; -1: those of the node's transit table
    actual: int
    month: int  # 12 x year + month
    count: int = 1
    on_the_road: bool = False  # not arrived yet: `actual` is how long it has been on its way


class Promise(msgspec.Struct, frozen=True):
    """The promise as a probability. Without observed transit times, planned days are taken at their word."""

    level_bp: int = 9000  # a node counts as in time where it arrives with at least this probability
    late_minor: int = 0  # cost of a late unit in minor units: then lateness is a price, not a filter; 0: a filter
    late_days: int = (
        0  # computed promises: being late is as bad as a promise this many working days longer; 0: level_bp only
    )
    half_life_months: int = 12  # an observation of this age weighs half; 0: all weigh the same
    cautious: bool = False  # few observations count for less than they say
    observed: tuple[Transit, ...] = ()


class NetworkFile(msgspec.Struct, frozen=True):
    """The whole document: what `tranship.toml`, its SKU file and its rate cards say."""

    party: str
    currency: str
    networks: tuple[Network, ...]
    nodes: tuple[Node, ...]
    channels: tuple[Channel, ...]
    caps: tuple[ShareCap, ...] = ()
    skus: tuple[Sku, ...] = ()
    cards: dict[str, dict[str, object]] = {}  # name -> the card as written in the file (rates.cards reads it)
    policy: Policy = Policy()
    promise: Promise = Promise()
    sources: dict[str, dict[str, object]] = {}  # mappings of input files (connectors.files reads them)
    world: dict[str, object] = {}  # settings of the derived world (sim reads them)
    peak_per_day: int = 0  # units on the busiest day, for the capacity check; 0: not said
    connections: tuple[Connection, ...] = ()
    health: Health = Health()
    alerts: Alerts = Alerts()
    shadow: bool = False  # decided on live orders, and nothing of it is sent
    leaks: tuple[LeakBudget, ...] = ()

    def node_index(self) -> dict[str, int]:
        """Position of each node code."""
        return {node.code: i for i, node in enumerate(self.nodes)}

    def sku_index(self) -> dict[str, int]:
        """Position of each SKU code."""
        return {sku.code: i for i, sku in enumerate(self.skus)}

    def network_of(self, node: Node) -> Network:
        """The network that operates `node`."""
        return next(n for n in self.networks if n.code == node.network)

    def capped_nodes(self, cap: ShareCap) -> Iterator[int]:
        """Positions of the nodes whose fulfillment orders count against `cap` (by operator of node, carrier or either)."""
        for i, node in enumerate(self.nodes):
            by_node = node.network == cap.network
            by_carrier = self.network_of(node).carrier == cap.network
            if (cap.counts in ("node", "either") and by_node) or (cap.counts in ("carrier", "either") and by_carrier):
                yield i
