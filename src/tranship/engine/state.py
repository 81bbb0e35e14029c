"""The hot state of one shard: ledger, open orders, cap counters, calendars. Changed by `evolve` only."""

from collections.abc import Callable, Iterable

from tranship.core.ledger import Bucket, Ledger
from tranship.core.network import Channel, NetworkFile
from tranship.core.order import Order
from tranship.engine.events import FileTaken
from tranship.rates.compile import compile_tables, next_change
from tranship.routing.facts import Facts
from tranship.routing.share import CapState, ShareWindow

PROCESSING, SHIPPED, DELIVERED, CANCELLED = "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"
PARKED, COMPLETE, COMPLETE_PARTIAL, UNFULFILLABLE = "PARKED", "COMPLETE", "COMPLETE_PARTIAL", "UNFULFILLABLE"

RestKey = tuple[str, int]


class PartState:
    """A fulfillment order as it stands. `quantities` are what is still wanted of each line."""

    __slots__ = (
        "booked",
        "breach",
        "cost",
        "deliver_day",
        "earliest",
        "entries",
        "late",
        "lines",
        "node",
        "quantities",
        "returned",
        "ship_day",
        "status",
    )

    def __init__(
        self,
        node: int,
        lines: list[int],
        quantities: list[int],
        ship_day: int,
        deliver_day: int,
        earliest: int,
        cost: int,
        late: bool,
        breach: bool,
    ) -> None:
        self.node, self.lines, self.quantities = node, lines, quantities
        self.ship_day, self.deliver_day, self.earliest, self.cost = ship_day, deliver_day, earliest, cost
        self.late, self.breach = late, breach
        self.status = PROCESSING
        self.entries: list[tuple[ShareWindow, int]] = []  # where it counts against a cap: counter and position
        self.booked: dict[int, int] = {}  # capacity taken: day -> units
        self.returned: dict[int, int] = {}

    def units(self) -> int:
        """Units still wanted."""
        return sum(self.quantities)


class RestState:
    """Units of an order that wait here, with the reason."""

    __slots__ = ("action", "lines", "quantities", "reason", "since", "until_day")

    def __init__(
        self, lines: list[int], quantities: list[int], reason: str, action: str, until_day: int, since: int
    ) -> None:
        self.lines, self.quantities, self.reason = lines, quantities, reason
        self.action, self.until_day, self.since = action, until_day, since


class OrderState:
    """An order with all its fulfillment orders and parked parts."""

    __slots__ = ("next_part", "next_rest", "order", "parts", "promise_day", "rests", "skus", "unplaced")

    def __init__(self, order: Order, skus: list[int], promise_day: int) -> None:
        self.order, self.skus, self.promise_day = order, skus, promise_day
        self.parts: dict[int, PartState] = {}
        self.rests: dict[int, RestState] = {}
        self.next_part = 1
        self.next_rest = 1
        self.unplaced = 0  # units given up: expired, cancelled by policy

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
        self.skus: dict[str, int] = {}
        self.nodes: dict[str, int] = {}
        self.channels: dict[str, Channel] = {}
        self.ledger = Ledger(0, 0)
        self.bundles: dict[int, list[tuple[int, int]]] = {}
        self.orders: dict[str, OrderState] = {}
        self.caps: list[CapState] = []
        self.used: list[dict[int, int]] = []
        self.closed: set[int] = set()
        self.due: list[dict[int, dict[RestKey, None]]] = []  # per node: ship day -> parts
        self.arriving: dict[int, dict[RestKey, None]] = {}  # deliver day -> parts
        self.rests_of_sku: dict[int, dict[RestKey, None]] = {}
        self.rests_on_clock: dict[RestKey, None] = {}
        self.rests_on_cap: dict[RestKey, None] = {}  # those of them that wait for room under a cap, oldest first
        self.expiring: dict[int, dict[RestKey, None]] = {}  # until day -> rests
        self.counts: dict[str, int] = {}  # events by kind
        self.files: dict[str, FileTaken] = {}  # by sha256
        self.last_at = 0
        self.people = 0  # highest person number given
        self.moves: list[tuple[Bucket, Bucket, int, list[int], list[int]]] = []  # of the event just evolved
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

    def forget_facts(self) -> None:
        """The network changed: compile anew at the next decision."""
        self._facts = None

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
