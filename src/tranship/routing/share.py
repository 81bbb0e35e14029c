"""The share cap's exact counter: a network's share of the last W of the measure never exceeds the cap.

Rule (published, and tested against a brute-force reading of it):

* The population of network N's cap is what is committed from channels that are off-platform for N. One *entry* per
  fulfillment order; its size is 1, its units or its value, by the cap's measure. An entry is *capped* when a node of N ships it.
* The window is the last W of the measure. An entry that straddles the window's old edge counts with the part inside.
* After every entry: capped size in the window <= floor(cap x min(n, W)), n the size entered so far. So before W has passed
  the limit grows with n, and the first entry goes to the independent side.
* A void on the capped network turns its entry into "not capped" in place. A void on an independent node keeps its entry.
* A fulfillment order that is decided again before its release keeps its place: its entry changes sides there (see `share_change`).
"""

from array import array
from collections.abc import Sequence

import numpy as np

from tranship.core.network import FULL_BP, USUAL_VALUE_MINOR, ShareCap, bucket_burst_bp, bucket_margin_bp
from tranship.routing import kernel_bucket as bucket
from tranship.routing.share_change import Change, Stretch, lowers


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
        if size != 1 or self.inside < self.window or not self._size[self._oldest]:  # the oldest may have left
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

    def admits_change(
        self,
        flips: Sequence[tuple[int, bool]],
        leaving: Sequence[int] = (),
        entering: Sequence[tuple[int, bool]] = (),
    ) -> bool:
        """Whether entries may turn to the side given, leave, and come in at the end, all at once.

        True where every prefix and every full window that holds a changed entry is within the cap then, or where nothing can become
        more than it was (a window that is above a cap lowered since does not keep anybody on the capped side).
        """
        change = self._real(flips, leaving, entering)
        if lowers(change, (bool(self._capped[position]) for position in leaving)):
            return True
        return self._stretch(change).sound(self.cap_bp)

    def change(
        self,
        flips: Sequence[tuple[int, bool]],
        leaving: Sequence[int] = (),
        entering: Sequence[tuple[int, bool]] = (),
    ) -> list[int]:
        """Carry out what `admits_change` was asked about; positions of the entries that came in."""
        change = self._real(flips, leaving, entering)
        if not any(change):
            return []
        highest = 0
        if not lowers(change, (bool(self._capped[position]) for position in leaving)):  # else none is above what it was
            highest = self._stretch(change).highest_bp()
        for position in leaving:
            self.leave(position)
        for position, capped in change.flips:
            self._turn(position, capped)
        positions = [self.enter(size, capped) for size, capped in entering]
        self.max_share_bp = max(self.max_share_bp, highest)
        return positions

    def entry(self, position: int) -> tuple[int, bool]:
        """(size, capped) of an entry; size 0 once it has left."""
        return self._size[position], bool(self._capped[position])

    def highest_bp(self) -> int:
        """The highest share over all prefixes and full windows of the entries as they are now: never above `max_share_bp`."""
        if not len(self):
            return 0
        sizes, capped = np.frombuffer(self._size, np.int64), np.frombuffer(self._capped, np.bool_)
        return Stretch(self.window, sizes, capped, range(len(self)), 0).highest_bp()

    def edge(self, most: int) -> tuple[list[int], "array[int]", bytearray]:
        """The counter in the columns of `kernel_layout`, and sizes and sides of up to `most` entries at its old edge."""
        sizes, flags = self._size[self._oldest : self._oldest + most], self._capped[self._oldest : self._oldest + most]
        known = len(sizes)
        more = int(self._oldest + known < len(self._size))
        numbers = [
            self.cap_bp, self.window, 0, self._cut, self.inside, self.inside_capped, self.entered, self.entered_capped,
            self.max_share_bp, len(self._size), known, known, more,
        ]  # fmt: skip
        return numbers, sizes, flags

    def take_in(self, sizes: bytes, flags: bytes, numbers: Sequence[int]) -> None:
        """Enter entries of which the stream kernel worked out where they leave the counter; `numbers` as it left them (`edge`)."""
        self._size.frombytes(sizes)
        self._capped += flags
        self._oldest += numbers[2]
        (
            self._cut, self.inside, self.inside_capped, self.entered, self.entered_capped, self.max_share_bp,
        ) = numbers[3:9]  # fmt: skip

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

    def _real(
        self, flips: Sequence[tuple[int, bool]], leaving: Sequence[int], entering: Sequence[tuple[int, bool]]
    ) -> Change:
        """The change without entries that stay on the side where they are."""
        turning = [(position, capped) for position, capped in flips if bool(self._capped[position]) is not capped]
        return Change(turning, list(leaving), list(entering))

    def _turn(self, position: int, capped: bool) -> None:
        sign = 1 if capped else -1
        self._capped[position] = capped
        self.inside_capped += sign * self._inside_part(position)
        self.entered_capped += sign * self._size[position]

    def _stretch(self, change: Change) -> Stretch:
        """The entries from a window's length before the first changed one, as they would be."""
        known = len(self._size)
        changed = sorted([position for position, _ in change.flips] + change.leaving)
        first = changed[0] if changed else known
        start = self._back(first)
        stop = known if change.entering or not changed else self._ahead(changed[-1])
        sizes = np.array(self._size[start:stop] + array("q", [size for size, _ in change.entering]))
        capped = np.array(self._capped[start:stop] + bytearray(flag for _, flag in change.entering)).astype(np.bool_)
        sizes[[position - start for position in change.leaving]] = 0
        for position, flag in change.flips:
            capped[position - start] = flag
        changed += range(known, known + len(change.entering))
        return Stretch(self.window, sizes, capped, [position - start for position in changed], first - start)

    def _back(self, first: int) -> int:
        """The newest entry from which on at least a window's length lies before `first`; 0 where there is less."""
        start, missing, step = first, self.window, 64
        while start > 0 and missing > 0:
            begin = max(0, start - step)
            missing -= sum(self._size[begin:start])
            start, step = begin, step * 2
        return start

    def _ahead(self, last: int) -> int:
        """The oldest entry that no window holds together with entry `last`, with all before it at least a window's length away."""
        stop, missing, step = last + 1, self.window, 64
        while stop < len(self._size) and missing > 0:
            end = min(len(self._size), stop + step)
            missing -= sum(self._size[stop:end])
            stop, step = end, step * 2
        return stop

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

    def __init__(self, cap: ShareCap) -> None:
        margin = cap.bucket_rate_bp or -bucket_margin_bp(cap.window, cap.measure)
        self._rate = max(0, cap.cap_bp + margin)
        size = cap.bucket_burst_bp or bucket_burst_bp(cap.window, cap.measure)
        self._burst = max(FULL_BP, cap.window * size)  # at least one unit of the measure
        self._gain = cap.price_micros
        if cap.measure == "value" and self._gain:  # the price is of one minor unit there
            self._gain = max(1, self._gain // USUAL_VALUE_MINOR)
        self.tokens = self._burst
        self.base = 0  # micros

    @property
    def settings(self) -> tuple[int, int, int]:
        """(rate, burst, gain) as the arithmetic takes them."""
        return self._rate, self._burst, self._gain

    def enter(self, size: int, capped: bool) -> None:
        """Account one entry and let the slow part of the price follow."""
        self.tokens, self.base = bucket.entered(
            self.tokens, self.base, self._rate, self._burst, self._gain, size, capped
        )

    def refused(self) -> None:
        """The gate sent an order elsewhere that would have gained more than the price: there is more demand than entries show."""
        self.tokens = min(self.tokens, 0)

    def learn(self, price: int) -> None:
        """A price book tells what room is worth: the slow part of the price goes halfway there, within its bounds."""
        self.base = max(0, min((self.base + price) // 2, bucket.MOST * self._gain))

    def take_over(self, before: "TokenBucket") -> None:
        """Go on from another bucket's level, within this one's size."""
        self.tokens = max(-self._burst, min(self._burst, before.tokens))
        self.base = before.base

    @property
    def price(self) -> int:
        """Micros that a capped entry must save before it is worth its room."""
        return bucket.price_of(self.tokens, self.base, self._burst, self._gain)


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
