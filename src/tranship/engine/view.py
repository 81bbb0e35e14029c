"""What a board shows, as data: the words of `GET /v1/state` and of the live page. Money in micros, shares in basis points."""

import msgspec

from tranship.core.ledger import Bucket
from tranship.engine.networks import ConnectionNow, DriftNow, QuarantineNow
from tranship.engine.state import State


class Share(msgspec.Struct, frozen=True):
    """A cap and its counter: sizes in the cap's measure."""

    network: str
    cap_bp: int
    window: int
    measure: str
    inside: int
    capped: int
    limit: int
    share_bp: int
    max_share_bp: int
    voided: int
    breaches: int
    price_micros: int
    channels: dict[str, int]  # share in basis points per off-platform channel


class NodeNow(msgspec.Struct, frozen=True):
    """A node as it stands: stock totals and today's load."""

    code: str
    network: str
    place: str
    fulfillable: int
    reserved: int
    in_transit: int
    delivered: int
    capacity_units: int
    closed: bool


class Snapshot(msgspec.Struct, frozen=True):
    """What only the engine's own state knows; taken between two batches."""

    seq: int
    at: int  # UTC microseconds of the last event
    shares: tuple[Share, ...]
    nodes: tuple[NodeNow, ...]
    stock: dict[str, int]


class PartNow(msgspec.Struct, frozen=True):
    """A fulfillment order as it was decided."""

    id: str
    node: str
    network: str
    units: int
    ship_by: str
    deliver_by: str
    late: bool
    breach: bool
    cost_micros: int


class WaitsNow(msgspec.Struct, frozen=True):
    """Units that wait, and why."""

    id: str
    units: int
    reason: str
    words: str


class DecisionNow(msgspec.Struct, frozen=True):
    """One decision, in a line: what, where to, where from, what for, and why."""

    seq: int
    at: str
    order: str
    channel: str
    to: str
    units: int
    again: bool
    parts: tuple[PartNow, ...]
    waits: tuple[WaitsNow, ...]
    cost_micros: int
    because: str


class ExceptionNow(msgspec.Struct, frozen=True):
    """Something a person should look at."""

    seq: int
    at: str
    kind: str
    subject: str
    detail: str


class Parked(msgspec.Struct, frozen=True):
    """What waits for one reason, all over the run."""

    reason: str
    words: str
    parts: int
    units: int


class NetworkNow(msgspec.Struct, frozen=True):
    """A network: what it was given, and its share of the last `window` fulfillment orders that the caps count."""

    code: str
    operator: str
    nodes: tuple[str, ...]
    fulfillment_orders: int
    units: int
    cost_micros: int
    late: int
    share_bp: int
    of_last: int
    cap_bp: int  # 0: no cap
    limit: int
    max_share_bp: int


class Curve(msgspec.Struct, frozen=True):
    """Orders, and fulfillment orders by network, over time: a count per `seconds` of the run's clock, oldest first.

    The last one is not over yet.
    """

    seconds: int
    counts: tuple[int, ...]
    networks: dict[str, tuple[int, ...]]


class EpisodeNow(msgspec.Struct, frozen=True):
    """A connection that was given up, from then until all work went there again. `moved` fulfillment orders left for other nodes."""

    connection: str
    began: str
    ended: str  # empty: not over
    why: str
    steps: tuple[tuple[str, str, int], ...]  # (time, state, share in basis points)
    seconds: int  # of the run's clock
    moved: int
    moved_units: int
    moved_value_minor: int
    parked: int


class View(msgspec.Struct, frozen=True):
    """The whole board. Money in micros of `currency`, shares in basis points, times UTC."""

    party: str
    currency: str
    seq: int
    at: str
    orders: int
    fulfillment_orders: int
    units: int
    splits: int
    cost_micros: int
    late: int
    exceptions_total: int
    curve: Curve
    networks: tuple[NetworkNow, ...]
    shares: tuple[Share, ...]
    nodes: tuple[NodeNow, ...]
    stock: dict[str, int]
    parked: tuple[Parked, ...]
    decisions: tuple[DecisionNow, ...]
    exceptions: tuple[ExceptionNow, ...]
    shadow: bool
    connections: tuple[ConnectionNow, ...]
    episodes: tuple[EpisodeNow, ...]  # the last one of each connection
    quarantine: tuple[QuarantineNow, ...]
    quarantined: int
    drift: tuple[DriftNow, ...]
    drifting: int


def take_snapshot(state: State, seq: int) -> Snapshot:
    """Counters and stock totals of the engine's state; called on the writer's thread."""
    network = state.require_network()
    totals = state.ledger.balance.sum(axis=1)  # [bucket, node]
    shares = []
    for cap in state.caps:
        total = cap.total
        shares.append(
            Share(
                network=cap.cap.network,
                cap_bp=cap.cap.cap_bp,
                window=cap.cap.window,
                measure=cap.cap.measure,
                inside=total.inside,
                capped=total.inside_capped,
                limit=total.limit(total.inside),
                share_bp=total.share_bp(),
                max_share_bp=total.max_share_bp,
                voided=total.voided,
                breaches=cap.breaches,
                price_micros=cap.bucket.price,
                channels={code: window.share_bp() for code, window in sorted(cap.channels.items())},
            )
        )
    nodes = tuple(
        NodeNow(
            code=node.code,
            network=node.network,
            place=" ".join(word for word in (node.state, node.zip) if word),
            fulfillable=int(totals[Bucket.FULFILLABLE, n]),
            reserved=int(totals[Bucket.RESERVED, n]),
            in_transit=int(totals[Bucket.IN_TRANSIT, n]),
            delivered=int(totals[Bucket.DELIVERED, n]),
            capacity_units=node.capacity_units,
            closed=node.closed or n in state.closed,
        )
        for n, node in enumerate(network.nodes)
    )
    return Snapshot(seq, state.last_at, tuple(shares), nodes, state.ledger.totals())
