"""What the stream kernel reads, kept between batches: lanes, zones and carton rates by number, and the caps' counters laid out.

Everything here belongs to one `Facts`; a lane number is good while the nodes' earliest ship days stay as they are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tranship.rates.tables import PARCEL
from tranship.routing import kernel_layout as kernel
from tranship.routing.facts import ENDLESS, Facts
from tranship.routing.kernel_limits import KIND, PARCEL_ROW, RESIDENTIAL
from tranship.routing.prices.charges import day_prices
from tranship.routing.prices.model import PriceTables
from tranship.routing.rooms import MOST_LANES, Lane
from tranship.routing.share import CapState, ShareWindow
from tranship.routing.situation import Situation

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
NO_STOCK_PRICES = np.zeros((0, 0), np.int64)
MOST_NODES = 60
"""Sets of nodes are bits of one integer."""
MOST_SIZE = 1 << 40
"""Units, worth or a bucket's size up to which the kernel's products stay far inside 64 bits."""
MOST_GAIN = 1 << 26
"""Highest swing of a cap's price, for the same reason (67 major units)."""
EDGE, SPARE = 4, 16
"""Entries of a counter's old edge that are copied for each order of the stream where sizes are not 1, and some more."""


class _Sets(dict[int, tuple[int, ...]]):
    """The nodes of a set, by its bits."""

    def __missing__(self, bits: int) -> tuple[int, ...]:
        found = self[bits] = tuple(n for n in range(bits.bit_length()) if bits >> n & 1)
        return found


class _Reasons(dict[tuple[int, int], tuple[int, ...]]):
    """Reason by node on a lane where some nodes (bits) have nothing of the order."""

    def __init__(self, lanes: list[Lane]) -> None:
        self._lanes = lanes

    def __missing__(self, key: tuple[int, int]) -> tuple[int, ...]:
        lane, stockless = key
        found = self[key] = tuple(7 if stockless >> n & 1 else r for n, r in enumerate(self._lanes[lane].reasons))
        return found


class StreamTables:
    """Lanes, zones and rates by number."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.cards = facts, facts.solver.cards
        self.earliest: list[int] = []
        self.lanes: list[Lane] = []
        self._numbers: dict[int, int] = {}  # by identity of the lane
        self._zones: dict[bytes, int] = {}
        nodes = facts.count
        self._open: Bytes = np.zeros((64, nodes), np.uint8)
        self._free: Ints = np.zeros(64, np.int64)
        self._price: Ints = np.zeros((64, nodes), np.int64)
        self.deliver: Ints = np.zeros((64, nodes), np.int64)  # by lane and node: arrival
        self.on_time: Ints = np.zeros((64, nodes), np.int64)  # its sureness in basis points
        self.late: NDArray[np.bool_] = np.zeros((64, nodes), np.bool_)  # and whether that is too little
        self.zones: Ints = np.zeros((0, nodes), np.int64)
        self.rates: Ints = np.zeros((0, nodes, self.cards.parcel.shape[2]), np.int64)
        limits = [limit or (ENDLESS, ENDLESS) for limit in facts.part_limits]
        self.work: Ints = np.zeros((5, nodes), np.int64)
        self.work[kernel.CAPACITY] = facts.capacity
        self.work[kernel.MOST_LINES] = [lines for lines, _ in limits]
        self.work[kernel.MOST_UNITS] = [units for _, units in limits]
        self.reasons = _Reasons(self.lanes)
        self.sets = _Sets()

    def lane(self, lane: Lane) -> tuple[int, int]:
        """(row of the lane, row of its zones), numbered when first seen."""
        number = self._numbers.get(id(lane))
        if number is None:
            number = len(self.lanes)
            self.lanes.append(lane)
            self._numbers[id(lane)] = number
            if number == len(self._free):
                for name in ("_open", "_free", "_price", "deliver", "on_time", "late"):
                    rows = getattr(self, name)
                    setattr(self, name, np.concatenate([rows, np.zeros_like(rows)]))
            self._open[number] = lane.open
            self._free[number] = sum(1 << n for n, reason in enumerate(lane.reasons) if reason in (0, 8))
            self._price[number] = 0 if lane.lateness is None else lane.lateness
            self.deliver[number], self.on_time[number] = lane.deliver, lane.on_time
            self.late[number] = [self.facts.lateness.late(sure) for sure in lane.on_time]
        return number, self._zone(lane.zone)

    def start_over(self, earliest: list[int]) -> None:
        """The nodes ship on other days from now on: what is kept by lane is forgotten."""
        self.earliest = earliest
        self.lanes.clear()
        self._numbers.clear()
        self.reasons.clear()

    @property
    def crowded(self) -> bool:
        """Whether more lanes are known than are kept."""
        return len(self.lanes) >= MOST_LANES

    def _zone(self, zone: Ints) -> int:
        name = zone.tobytes()
        row = self._zones.get(name)
        if row is None:
            row = self._zones[name] = len(self.zones)
            self.zones = np.concatenate([self.zones, zone[None]])
            self.rates = np.concatenate([self.rates, self._rates(zone, 0)[None], self._rates(zone, 1)[None]])
        return row

    def _rates(self, zone: Ints, residential: int) -> Ints:
        """As `kernel_cost.price_nodes` fills them."""
        rates: Ints = np.zeros(self.rates.shape[1:], np.int64)
        for n, node in enumerate(self.cards.node):
            if node[KIND] == PARCEL:
                rates[n] = self.cards.parcel[node[PARCEL_ROW], zone[n]] + residential * node[RESIDENTIAL]
        return rates

    def decide(
        self, now: Situation, asked: "Asked", begin: int, counters: "Counters", book: PriceTables | None, out: Ints
    ) -> int:
        """Run the kernel from order `begin` on; where it stopped."""
        from tranship.routing.kernel_stream import decide_stream  # loads the compiler

        work = self.work
        for n in self.facts.limited:
            work[kernel.USED, n] = now.used[n].get(self.earliest[n], 0)
        work[kernel.DAY_PRICE] = day_prices(book, self.earliest) if book is not None and book.any_days else 0
        return decide_stream(
            asked.orders, asked.lines, self._open, self._free, self._price, self.zones, self.rates, now.shelf,
            book.stock if book is not None else NO_STOCK_PRICES, work, counters.caps, counters.nodes, counters.gates,
            counters.windows, counters.sizes, counters.flags, *self.cards, begin, out,
        )  # fmt: skip


class Asked:
    """Orders of a batch as the kernel reads them; columns are named in the kernel."""

    __slots__ = ("lines", "orders")

    def __init__(
        self,
        spots: Sequence[tuple[int, int, int, int]],
        where: Sequence[int],
        counts: Sequence[int],
        skus: Sequence[int],
        quantities: Sequence[int],
        prices: Sequence[int] | None,
    ) -> None:
        """`where` and `counts` by order: its row of `spots` (-1: the long way) and its lines; the others by line (SKU -1: unknown)."""
        at = np.array(where, np.int64)
        self.orders: Ints = np.zeros((len(at), kernel.COLUMNS), np.int64)
        if spots:
            self.orders[:, :3] = np.array(spots, np.int64)[at, :3]  # -1 takes the last row, and is put right at once
        self.orders[at < 0, kernel.LANE] = -1
        self.orders[:, kernel.COUNT] = counts
        self.orders[:, kernel.FIRST] = np.cumsum(self.orders[:, kernel.COUNT]) - self.orders[:, kernel.COUNT]
        self.lines: Ints = np.zeros((len(skus), 3), np.int64)
        self.lines[:, kernel.SKU] = skus
        self.lines[:, kernel.QTY] = _inside(quantities, kernel.MOST_UNITS_A_LINE)
        if prices is not None:
            self.lines[:, kernel.VALUE] = _inside(prices, kernel.MOST_PRICE)


def _inside(numbers: Sequence[int], most: int) -> Sequence[int]:
    """Numbers as they are, but those that no array holds as one that the kernel refuses."""
    return numbers if not numbers or max(numbers) <= most else [min(number, most + 1) for number in numbers]


class Counters:
    """The caps as the kernel reads and leaves them; `held` are their counters by number, the totals first."""

    __slots__ = ("caps", "channels", "flags", "gates", "held", "known", "nodes", "sizes", "windows")

    def __init__(self, caps: Sequence[CapState], nodes: int, channels: Sequence[tuple[str, list[bool]]]) -> None:
        """`channels`: code, and whether each cap counts it, in the order of the orders' channel numbers."""
        self.held: list[ShareWindow] = [cap.total for cap in caps]
        self.channels = [code for code, _ in channels]
        self.gates: Ints = np.full((len(channels), max(1, len(caps))), kernel.NOT_COUNTED, np.int64)
        for c, (code, counted) in enumerate(channels):
            for k, cap in enumerate(caps):
                if counted[k]:
                    self.gates[c, k] = kernel.NO_WINDOW
                    if cap.cap.per_channel:
                        self.gates[c, k] = len(self.held)
                        self.held.append(cap.windows(code)[1])
        self.nodes: Bytes = np.zeros((len(caps), nodes), np.uint8)
        for k, cap in enumerate(caps):
            self.nodes[k, list(cap.nodes)] = 1
        self.caps: Ints = np.array([_numbers_of(cap) for cap in caps], np.int64).reshape(-1, 7)

    def load(self, caps: Sequence[CapState], orders: int) -> None:
        """Copy counters and buckets as they are: entries at the old edge, and room for those of `orders` behind them."""
        edge = orders + SPARE if all(cap.by_count for cap in caps) else EDGE * orders + SPARE
        for k, cap in enumerate(caps):
            self.caps[k, 2], self.caps[k, 3] = cap.bucket.tokens, cap.bucket.base
        width = edge + orders
        self.sizes = np.empty((len(self.held), width), np.int64)
        self.flags = np.empty((len(self.held), width), np.uint8)
        self.known = []
        rows = []
        for w, window in enumerate(self.held):
            numbers, sizes, flags = window.edge(edge)
            known = len(sizes)
            self.sizes[w, :known] = sizes
            self.flags[w, :known] = np.frombuffer(flags, np.uint8)
            rows.append(numbers)
            self.known.append(known)
        self.windows = np.array(rows, np.int64).reshape(-1, 13)

    def store(self, caps: Sequence[CapState]) -> None:
        """Give the state what the kernel left: the entries made, and where the counters and buckets stand."""
        for k, cap in enumerate(caps):
            cap.bucket.tokens, cap.bucket.base = int(self.caps[k, 2]), int(self.caps[k, 3])
        for w, (window, numbers) in enumerate(zip(self.held, self.windows.tolist(), strict=True)):
            known, filled = self.known[w], numbers[10]
            if filled > known:
                window.take_in(
                    self.sizes[w, known:filled].tobytes(), self.flags[w, known:filled].tobytes(), numbers
                )  # fmt: skip


def _numbers_of(cap: CapState) -> list[int]:
    measure = 0 if cap.by_count else 2 if cap.by_value else 1
    return [measure, cap.cap.reserve, 0, 0, *cap.bucket.settings]


def can_stream(facts: Facts, caps: Sequence[CapState]) -> bool:
    """Whether the numbers of this network are inside what the kernel counts with."""
    if facts.solver.pure or not facts.quick or facts.count > MOST_NODES:
        return False
    for cap in caps:
        _, burst, gain = cap.bucket.settings
        if burst * gain >= 1 << 60 or gain > MOST_GAIN or cap.cap.window > MOST_SIZE or cap.cap.reserve > MOST_SIZE:
            return False
    return True
