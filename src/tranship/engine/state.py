"""The hot state of one shard: ledger, open orders, cap counters, calendars. Changed by `evolve` only."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from tranship.core.capability import Connection
from tranship.core.ledger import Bucket, Ledger
from tranship.core.network import Channel, NetworkFile
from tranship.core.order import Order
from tranship.dispatch.model import FREE, Dispatch
from tranship.engine.aliases import Aliases
from tranship.engine.events import FileTaken
from tranship.engine.leaks import LeakState
from tranship.rates.compile import compile_tables, next_change
from tranship.routing.facts import Facts
from tranship.routing.model import Ints, LeakGate
from tranship.routing.prices.model import PriceTables
from tranship.routing.share import CapState, ShareWindow

PROCESSING, SHIPPED, DELIVERED, CANCELLED = "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"
PARKED, COMPLETE, COMPLETE_PARTIAL, UNFULFILLABLE = "PARKED", "COMPLETE", "COMPLETE_PARTIAL", "UNFULFILLABLE"

RestKey = tuple[str, int]


class PartState(msgspec.Struct, eq=False, gc=False):
    """A fulfillment order as it stands. `quantities` are what is still wanted of each line."""

    node: int
    lines: Sequence[int]
    quantities: list[int]
    ship_day: int
    deliver_day: int
    earliest: int
    cost: int
    late: bool
    breach: bool
    status: str = PROCESSING
    cut: bool = False  # the customer took a part of it back
    entries: list[tuple[ShareWindow, int]] = []  # its place in each counter, until it ships
    booked: dict[int, int] | None = None  # capacity taken: day -> units
    returned: dict[int, int] | None = None  # line -> units
    remote_id: str = ""  # of the newest dispatch; "" none
    undeliverable: bool = False  # a person was told that it cannot be handed over as it is
    overdue: bool = False  # a person was told that it stands still, or has passed its cut-off unreleased
    recalled: dict[int, int] | None = None  # line -> units that the customer wants back of what a network has
    told_back: dict[str, int] | None = None  # (return at the network) -> units booked for it

    def units(self) -> int:
        """Units still wanted."""
        return sum(self.quantities)

    def back(self, line: int) -> int:
        """Units of a line that came back after they had shipped."""
        return self.returned.get(line, 0) if self.returned else 0


class RestState:
    """Units of an order that wait here, with the reason."""

    __slots__ = ("action", "lines", "quantities", "reason", "since", "until_day")

    def __init__(
        self, lines: list[int], quantities: list[int], reason: str, action: str, until_day: int, since: int
    ) -> None:
        self.lines, self.quantities, self.reason = lines, quantities, reason
        self.action, self.until_day, self.since = action, until_day, since


class Breaker(msgspec.Struct, frozen=True, array_like=True):
    """Why a node takes no new work, or only a share of it."""

    state: str  # open | half_open; closed where a person keeps it so until `until`
    share_bp: int
    why: str
    since: int
    until: int = 0


class OrderState(msgspec.Struct, eq=False, gc=False):
    """An order with all its fulfillment orders and parked parts."""

    order: Order
    skus: list[int]
    promise_day: int
    parts: dict[int, PartState] = {}
    rests: dict[int, RestState] = {}
    next_part: int = 1
    next_rest: int = 1
    unplaced: int = 0  # units given up: expired, cancelled by policy
    decided_at: int = 0
    room_price: int = 0  # of room under the caps when it was decided, micros; -1: a cap turned it away
    wants: bool = False  # split, late, or a node had nothing of it: more stock may serve it better
    refused: tuple[int, ...] = ()  # nodes whose network refused or ended it
    readdressed: int = 0  # how often it got a new address
    unsendable: dict[int, str] = {}  # of the refused nodes: those it could not be told to -> cause

    leaks: tuple[LeakGate, ...] = ()  # what leak budgets said of it, at its first decision
    shown: dict[str, tuple[int, tuple[int, ...]]] | None = None  # budgeted network -> week, and SKUs it is shown
    beyond: dict[str, tuple[int, ...]] | None = None  # budgeted network -> SKUs booked as shown beyond its budget

    def status(self) -> str:
        """The order in Amazon's 2026 words, plus PARKED while all of it waits here."""
        live = False
        for part in self.parts.values():
            if part.status == PROCESSING:
                return PROCESSING
            live = live or part.status != CANCELLED
        if self.rests:
            return PARKED if not live else PROCESSING
        if live:
            return COMPLETE_PARTIAL if self.unplaced else COMPLETE
        return UNFULFILLABLE if self.unplaced else CANCELLED


class State:
    """Everything a decision may read. `documents` fetches a document's body by hash."""

    def __init__(self, documents: Callable[[str], bytes]) -> None:
        self.documents = documents
        self.network: NetworkFile | None = None
        self.network_version = 0
        self.network_sha = ""
        self.prices: PriceTables | None = None
        self.price_version = 0
        self.price_sha = ""
        self.skus: dict[str, int] = {}
        self.nodes: dict[str, int] = {}
        self.channels: dict[str, Channel] = {}
        self.ledger = Ledger(0, 0)
        self.bundles: dict[int, list[tuple[int, int]]] = {}
        self.orders: dict[str, OrderState] = {}
        self.caps: list[CapState] = []
        self.used: list[dict[int, int]] = []
        self.closed: set[int] = set()  # nodes that take no new work: switched off by hand, or their breaker is open
        self.switched: set[int] = set()  # those of them that were switched off by hand
        self.breakers: dict[
            int, Breaker
        ] = {}  # node -> its breaker, where it is not closed: a person's, else the worse of two
        self.verdicts: dict[int, dict[str, Breaker]] = {}  # node -> whose verdict -> breaker, where it is not closed
        self.connected: dict[int, Connection] = {}  # node -> the connection behind it
        self.dispatches: dict[str, Dispatch] = {}  # by remote id
        self.noted: dict[tuple[str, str], int] = {}  # (kind, connection) of a noisy exception -> when it was last told
        self.touched: dict[str, None] = {}  # dispatches that changed since the driver last asked
        self.open_dispatches: dict[str, None] = {}  # those that are not closed
        self.under_way: dict[str, None] = {}  # those that left and are looked at until they arrive
        self.went: dict[int, int] = {}  # node -> when its network last said that something left
        self.ghosts: dict[str, tuple[int, list[tuple[int, int]]]] = {}  # remote id -> node and units it may still hold
        self.aliases = Aliases()
        self.shelves: dict[tuple[int, int], str] = {}  # (SKU, node) that is not sold, and why
        self.counts_seen: dict[
            tuple[int, int], tuple[int, int]
        ] = {}  # (SKU, node) -> surplus of the last count, and when
        self.left_at: dict[tuple[int, int], int] = {}  # (SKU, node) -> when units last left a connected node
        self.drifts: dict[tuple[int, int], int] = {}  # (SKU, node) -> what the last count differs by
        self.due: list[dict[int, dict[RestKey, None]]] = []  # per node: ship day -> parts
        self.arriving: dict[int, dict[RestKey, None]] = {}  # deliver day -> parts
        self.rests_of_sku: dict[int, dict[RestKey, None]] = {}
        self.rests_on_clock: dict[RestKey, None] = {}
        self.rests_on_cap: dict[RestKey, None] = {}  # those of them that wait for room under a cap, oldest first
        self.expiring: dict[int, dict[RestKey, None]] = {}  # until day -> rests
        self.counts: dict[str, int] = {}  # events by kind
        self.files: dict[str, FileTaken] = {}  # by sha256
        self.last_at = 0
        self.freed: dict[int, int] = {}  # SKU -> when units of it came or came back to a shelf
        self.wanting: dict[int, dict[str, None]] = {}  # SKU -> unreleased orders that more of it may serve better
        self.changed_at = 0  # when prices, the network document or the nodes in use changed
        self.price_rise: Ints | None = (
            None  # [SKU, node] micros by which the last book changed prices; None: anything else changed
        )
        self.reviewed_at = 0  # when every unreleased order that a change touched had been looked at
        self.reviewed_price = 0  # of room under the caps at that time
        self.looked_at = 0  # when the clock last made the engine look at them
        self.people = 0  # highest person number given
        self.moves: list[tuple[Bucket, Bucket, int, list[int], list[int]]] = []  # of the event just evolved
        self.leaks: LeakState | None = None  # the ledger of leak budgets; None: the network file has none
        self.leak_nodes: dict[str, frozenset[int]] = {}  # network with a leak budget -> its nodes
        self._facts: tuple[int, int | None, Facts] | None = None  # (from day, next change, facts)

    def require_network(self) -> NetworkFile:
        """The network document in force."""
        assert self.network is not None, "no network document is in force"
        return self.network

    def facts(self, day: int) -> Facts:
        """Rates, masks and solver for a price date; compiled when a price changes, cached between changes."""
        held = self._facts
        if held is None or day < held[0] or (held[1] is not None and day >= held[1]):
            network = self.require_network()
            tables = compile_tables(network, day)
            self._facts = (day, next_change(network, day), Facts(network, tables, tables.version, day))
            held = self._facts
        return held[2]

    def dispatch_of(self, part: PartState) -> Dispatch | None:
        """The newest attempt to hand it over."""
        return self.dispatches[part.remote_id] if part.remote_id else None

    def is_free(self, part: PartState) -> bool:
        """Whether no network may ship it (invariant I2): it was not handed over, or what was cannot ship."""
        return not part.remote_id or self.dispatches[part.remote_id].state in FREE

    def same_facts(self, day: int) -> bool:
        """Whether the facts last asked for hold on this day as well."""
        held = self._facts
        return held is not None and day >= held[0] and (held[1] is None or day < held[1])

    def forget_facts(self) -> None:
        """The network changed: compile anew at the next decision."""
        self._facts = None

    def ledger_move(self, source: Bucket, target: Bucket, node: int, pairs: Iterable[tuple[int, int]]) -> None:
        """Move units of SKUs that are no bundles, and remember the move."""
        pairs = list(pairs)
        skus, quantities = [sku for sku, _ in pairs], [quantity for _, quantity in pairs]
        self.ledger.move(source, target, node, skus, quantities)
        self.moves.append((source, target, node, skus, quantities))

    def move(self, source: Bucket, target: Bucket, node: int, pairs: Iterable[tuple[int, int]]) -> None:
        """Move units of SKUs (bundles become their parts) and remember the move for the relational rows."""
        skus: list[int] = []
        quantities: list[int] = []
        bundles = self.bundles
        for sku, quantity in pairs:
            parts = bundles.get(sku) if bundles else None
            if parts is None:
                skus.append(sku)
                quantities.append(quantity)
            else:
                for part, count in parts:
                    skus.append(part)
                    quantities.append(quantity * count)
        self.ledger.move(source, target, node, skus, quantities)
        self.moves.append((source, target, node, skus, quantities))
