"""The share cap's exact counter: a network's share of the last W of the measure never exceeds the cap.

Rule (published, and tested against a brute-force reading of it):

* The population of network N's cap is what is committed from channels that are off-platform for N. One *entry* per
  fulfillment order; its size is 1, its units or its value, by the cap's measure. An entry is *capped* when a node of N ships it.
* The window is the last W of the measure. An entry that straddles the window's old edge counts with the part inside.
* After every entry: capped size in the window <= floor(cap x min(n, W)), n the size entered so far. So before W has passed
  the limit grows with n, and the first entry goes to the independent side.
* A void on the capped network turns its entry into "not capped" in place. A void on an independent node keeps its entry until
  the order is placed again; then the old entry leaves, the window reaches back by its size, and the same check covers that.
"""

from array import array
from collections.abc import Sequence

from tranship.core.network import FULL_BP, ShareCap


class ShareWindow:
    """One counter: for one cap, over the total or over one channel. Entries keep their position for life."""

    def __init__(self, cap_bp: int, window: int) -> None:
        self.cap_bp, self.window = cap_bp, window
        self._size = array("q")  # size of each entry; 0 once it has left for good
        self._capped = bytearray()
        self._oldest = 0  # first entry with something inside the window
        self._cut = 0  # size of that entry's part outside
        self.inside = 0  # size inside the window, at most `window`
        self.inside_capped = 0
        self.entered = 0  # size of all entries that have not left
        self.entered_capped = 0
        self.voided = 0  # size of capped entries turned in place
        self.max_share_bp = 0  # maximum over all prefixes and full windows, rounded up to a basis point

    def limit(self, size: int) -> int:
        """Capped size allowed inside once `size` (at most W counts) has been entered."""
        return self.cap_bp * min(size, self.window) // FULL_BP

    @property
    def most(self) -> int:
        """The limit of a full window."""
        return self.cap_bp * self.window // FULL_BP

    def admits(self, entries: Sequence[tuple[int, bool]], *, leaving: Sequence[int] = ()) -> bool:
        """Whether these (size, capped) entries may enter in this order, after the entries at `leaving` have left."""
        trial = self._peek() if not leaving else self._without(leaving)
        return trial.fits(entries)

    def admits_one(self, size: int, capped: bool) -> bool:
        """`admits` for a single entry: what nearly every order asks, without a walk."""
        if not capped:
            return True
        if size != 1 or self.inside < self.window:
            return self.admits([(size, True)])
        leaving = self._capped[self._oldest]  # a full window drops one unit of its oldest entry
        return self.inside_capped + 1 - leaving <= self.cap_bp * self.window // FULL_BP

    def room(self, independent: int = 0, *, most: int = 64) -> int:
        """How many capped entries of size 1 may enter now, after `independent` entries of size 1 (at most `most`)."""
        trial = self._peek()
        trial.fits([(1, False)] * independent)
        count = 0
        while count < most and trial.fits([(1, True)]):
            count += 1
        return count

    def enter(self, size: int, capped: bool) -> int:
        """Enter one entry and return its position. The caller has asked `admits`, or journals the breach."""
        self._size.append(size)
        self._capped.append(capped)
        self.inside += size
        self.entered += size
        if capped:
            self.inside_capped += size
            self.entered_capped += size
        self._trim()
        self._observe()
        return len(self._size) - 1

    def uncap(self, position: int) -> None:
        """A void on the capped network: the entry stays and counts as independent from now on."""
        if not self._capped[position]:
            return
        self._capped[position] = 0
        size = self._size[position]
        self.inside_capped -= self._inside_part(position)
        self.entered_capped -= size
        self.voided += size

    def leave(self, position: int) -> None:
        """An entry leaves because its order is placed again; the window reaches back by its size."""
        size = self._size[position]
        part = self._inside_part(position)
        self.inside -= part
        self.entered -= size
        if self._capped[position]:
            self.inside_capped -= part
            self.entered_capped -= size
        if position == self._oldest:
            self._cut = 0
        self._size[position] = 0
        self._reach_back()

    def __len__(self) -> int:
        """Entries ever made."""
        return len(self._size)

    def share_bp(self) -> int:
        """Share of the window now, rounded up to a basis point; 0 when empty."""
        return -(-self.inside_capped * FULL_BP // self.inside) if self.inside else 0

    def digest(self) -> tuple[int, ...]:
        """What the state hash covers."""
        return (
            len(self._size),
            self._oldest,
            self._cut,
            self.inside,
            self.inside_capped,
            self.entered,
            self.max_share_bp,
        )

    def recount(self) -> tuple[int, int]:
        """(inside, capped inside) counted afresh from the entries: what `verify` compares with the running counts."""
        inside = capped = 0
        for position in range(len(self._size) - 1, -1, -1):
            part = min(self._size[position], self.window - inside)
            inside += part
            if self._capped[position]:
                capped += part
            if inside == self.window:
                break
        return inside, capped

    # -- inner ------------------------------------------------------------------------------------------------------

    def _inside_part(self, position: int) -> int:
        if position < self._oldest:
            return 0
        return self._size[position] - (self._cut if position == self._oldest else 0)

    def _trim(self) -> None:
        over = self.inside - self.window
        if over <= 0:
            return
        sizes, flags, oldest, cut = self._size, self._capped, self._oldest, self._cut
        self.inside -= over
        while over > 0:
            part = sizes[oldest] - cut
            gone = part if part < over else over  # noqa: FURB136 - this runs for every part
            over -= gone
            if flags[oldest]:
                self.inside_capped -= gone
            if gone == part:
                oldest += 1
                cut = 0
            else:
                cut += gone
        self._oldest, self._cut = oldest, cut

    def _reach_back(self) -> None:
        missing = min(self.window, self.entered) - self.inside
        while missing > 0:
            if self._cut == 0:
                self._oldest -= 1
                self._cut = self._size[self._oldest]
                continue
            back = min(self._cut, missing)
            self._cut -= back
            missing -= back
            self.inside += back
            if self._capped[self._oldest]:
                self.inside_capped += back

    def _observe(self) -> None:
        if self.inside_capped * FULL_BP > self.max_share_bp * self.inside:  # what a share above the highest comes to
            self.max_share_bp = self.share_bp()

    def _peek(self) -> "_Trial":
        return _Trial(
            self, self._size, self._capped, self._oldest, self._cut, self.inside, self.inside_capped, self.entered
        )

    def _without(self, leaving: Sequence[int]) -> "_Trial":
        copy = ShareWindow(self.cap_bp, self.window)
        copy._size, copy._capped = array("q", self._size), bytearray(self._capped)
        copy._oldest, copy._cut, copy.inside = self._oldest, self._cut, self.inside
        copy.inside_capped, copy.entered, copy.entered_capped = self.inside_capped, self.entered, self.entered_capped
        for position in leaving:
            copy.leave(position)
        return copy._peek()


class _Trial:
    """A walk of the window's edges that changes nothing: what would happen if these entries came in."""

    __slots__ = ("_capped", "_new", "_size", "_window", "capped", "cut", "entered", "inside", "oldest")

    def __init__(
        self,
        window: ShareWindow,
        size: "array[int]",
        flags: bytearray,
        oldest: int,
        cut: int,
        inside: int,
        capped: int,
        entered: int,
    ) -> None:
        self._window, self._size, self._capped = window, size, flags
        self.oldest, self.cut, self.inside, self.capped, self.entered = oldest, cut, inside, capped, entered
        self._new: list[tuple[int, bool]] = []

    def fits(self, entries: Sequence[tuple[int, bool]]) -> bool:
        """Walk the entries in; False at the first that breaks the limit (the walk stays where it broke)."""
        window = self._window
        for size, capped in entries:
            before = (self.oldest, self.cut, self.inside, self.capped, self.entered)
            self._new.append((size, capped))
            self.inside += size
            self.entered += size
            if capped:
                self.capped += size
            over = self.inside - window.window
            while over > 0:
                over = self._drop(over)
            if capped and self.capped > window.limit(self.entered):
                self.oldest, self.cut, self.inside, self.capped, self.entered = before
                self._new.pop()
                return False
        return True

    def _drop(self, over: int) -> int:
        known = len(self._size)
        if self.oldest < known:
            size, flag = self._size[self.oldest], bool(self._capped[self.oldest])
        else:
            size, flag = self._new[self.oldest - known]
        gone = min(size - self.cut, over)
        self.inside -= gone
        if flag:
            self.capped -= gone
        if gone == size - self.cut:
            self.oldest += 1
            self.cut = 0
        else:
            self.cut += gone
        return over - gone


class TokenBucket:
    """The price of cap room, without echo: refills a little below the cap, empties with each capped entry.

    A closed gate hides demand: entries that were turned away never empty the bucket, so its price would never rise. Therefore
    a refusal empties it at once. On a stream of 6,000 orders that would send nine in ten to the capped network this takes the share
    of refused orders from 40 % to 1 % and 4.6 % off the cost per order (docs/performance.md).
    Integers throughout (tokens in basis points of one measure unit), so that a rebuild gives the same price.
    Shape of the control: routing research, section 5 (proportional and slow integral part, burst 2 % of the window).
    """

    SLOWNESS = 400
    """An empty bucket raises the base price by `price_micros` in this many entries."""
    MOST = 8
    """The base price is at most so many times `price_micros`: where only the capped network can fill, no price makes room."""
    FORGETTING = 200
    """A full bucket takes one part in so many off the base with each entry, so that a price outlives its reason only briefly."""

    def __init__(self, cap: ShareCap) -> None:
        self._rate = max(0, cap.cap_bp + cap.bucket_rate_bp)
        self._burst = max(FULL_BP, cap.window * cap.bucket_burst_bp)  # at least one unit of the measure
        self._gain = cap.price_micros
        self.tokens = self._burst
        self.base = 0  # micros

    def enter(self, size: int, capped: bool) -> None:
        """Account one entry and let the slow part of the price follow."""
        burst = self._burst
        tokens = self.tokens + (self._rate - FULL_BP if capped else self._rate) * size
        tokens = burst if tokens > burst else -burst if tokens < -burst else tokens  # noqa: FURB136 - two calls slower
        base = self.base + self._gain * (burst - 2 * tokens) // (self.SLOWNESS * burst)
        if tokens == burst:
            base -= self.base // self.FORGETTING
        most = self.MOST * self._gain
        self.tokens, self.base = tokens, 0 if base < 0 else min(base, most)

    def refused(self) -> None:
        """The gate sent an order elsewhere that would have gained more than the price: there is more demand than entries show."""
        self.tokens = min(self.tokens, 0)

    def take_over(self, before: "TokenBucket") -> None:
        """Go on from another bucket's level, within this one's size."""
        self.tokens = max(-self._burst, min(self._burst, before.tokens))
        self.base = before.base

    @property
    def price(self) -> int:
        """Micros that a capped entry must save before it is worth its room."""
        return max(0, self.base + self._gain * (self._burst - 2 * self.tokens) // (2 * self._burst))


def is_tight(cap: "CapState", windows: list[ShareWindow]) -> bool:
    """Whether a full window has no more room than the cap keeps in reserve (counted in entries of usual size)."""
    reserve = cap.cap.reserve
    if not reserve:
        return False
    for window in windows:
        if window.entered >= window.window:
            scale = 1 if cap.by_count else max(1, window.entered // max(1, len(window)))
            if window.limit(window.window) - window.inside_capped <= reserve * scale:
                return True
    return False


class CapState:
    """One cap: its total counter, a counter per off-platform channel, its bucket, and which nodes it counts."""

    def __init__(self, cap: ShareCap, nodes: frozenset[int]) -> None:
        self.cap, self.nodes, self.network = cap, nodes, cap.network
        self.total = ShareWindow(cap.cap_bp, cap.window)
        self.channels: dict[str, ShareWindow] = {}
        self.bucket = TokenBucket(cap)
        self.breaches = 0
        self.highest_bp = cap.cap_bp  # the highest limit that was ever in force for these counters
        self.by_count, self.by_value = cap.measure == "fulfillment_orders", cap.measure == "value"

    def take_over(self, before: "CapState") -> None:
        """Go on with the counters of the same cap under this one's limit and price."""
        self.total, self.channels, self.breaches = before.total, before.channels, before.breaches
        self.highest_bp = max(self.highest_bp, before.highest_bp)
        self.bucket.take_over(before.bucket)
        for window in (self.total, *self.channels.values()):
            window.cap_bp = self.cap.cap_bp

    def windows(self, channel: str) -> list[ShareWindow]:
        """The counters that an order of this channel must satisfy."""
        if not self.cap.per_channel:
            return [self.total]
        window = self.channels.get(channel)
        if window is None:
            window = self.channels[channel] = ShareWindow(self.cap.cap_bp, self.cap.window)
        return [self.total, window]

    def size_of(self, units: int, value_minor: int) -> int:
        """Size of an entry in this cap's measure."""
        if self.cap.measure == "units":
            return units
        return max(1, value_minor) if self.cap.measure == "value" else 1

    def enter(self, channel: str, size: int, capped: bool) -> list[int]:
        """Enter in every counter; positions in the order of `windows`."""
        self.bucket.enter(size, capped)
        return [window.enter(size, capped) for window in self.windows(channel)]
