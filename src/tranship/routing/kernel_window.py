"""Share caps while a stream of orders is decided, compiled: the counters of `share.ShareWindow` and the prices of `share.TokenBucket`.

A counter is a row of `windows` (columns below) and the entries at its old edge: a copy of the oldest ones, then what the stream
enters. Whether a later entry is known is told by MORE: where entries lie between the copy and the stream's own, an edge that
comes to the end of the copy is not walked further, and the order goes the long way.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from typing import NamedTuple

import tranship.routing.kernel_bucket as bucket
from tranship.routing.kernel_cost import Array
from tranship.routing.kernel_jit import inlined
from tranship.routing.kernel_layout import (
    BASE,
    BURST,
    CAP_BP,
    GAIN,
    MEASURE,
    NOT_COUNTED,
    RATE_BP,
    RESERVE,
    TOKENS,
    W_CAPPED,
    W_CUT,
    W_ENTERED,
    W_ENTERED_CAPPED,
    W_EVER,
    W_FILLED,
    W_INSIDE,
    W_KNOWN,
    W_MAX_SHARE,
    W_MORE,
    W_OLDEST,
    W_SIZE,
)

FULL_BP = 10_000

_bucket_entered = inlined(bucket.entered)
bucket_price = inlined(bucket.price_of)


class Caps(NamedTuple):
    """All caps and counters of a stream. The total counter of cap k is row k of `windows`."""

    caps: Array  # [K, 7]
    nodes: Array  # [K, N] uint8: a part there is capped
    gates: Array  # [C, K] by channel: NOT_COUNTED, NO_WINDOW, or the row of the channel's counter
    windows: Array  # [W, 13]
    sizes: Array  # [W, E] entries: size
    flags: Array  # [W, E] uint8: capped


@inlined
def limit(window: Array, size: int) -> int:
    """Capped size allowed inside once `size` has been entered."""
    return window[CAP_BP] * min(size, window[W_SIZE]) // FULL_BP


@inlined
def leaving(window: Array, sizes: Array, flags: Array, size: int) -> int:
    """Capped size that leaves when an entry of `size` comes in; -1 where that cannot be told here."""
    over = window[W_INSIDE] + size - window[W_SIZE]
    if size > window[W_SIZE]:
        return -1
    oldest, cut, capped = window[W_OLDEST], window[W_CUT], 0
    while over > 0:
        if oldest >= window[W_FILLED] or (window[W_MORE] and oldest >= window[W_KNOWN]):
            return -1
        gone = min(sizes[oldest] - cut, over)
        over -= gone
        if flags[oldest]:
            capped += gone
        oldest, cut = oldest + 1, 0
    return capped


@inlined
def enter(window: Array, sizes: Array, flags: Array, size: int, capped: bool) -> None:
    """Enter one entry, as `ShareWindow.enter`."""
    at = window[W_FILLED]
    sizes[at] = size
    flags[at] = capped
    window[W_FILLED] += 1
    window[W_EVER] += 1
    window[W_INSIDE] += size
    window[W_ENTERED] += size
    if capped:
        window[W_CAPPED] += size
        window[W_ENTERED_CAPPED] += size
    over = window[W_INSIDE] - window[W_SIZE]
    while over > 0:
        oldest = window[W_OLDEST]
        part = sizes[oldest] - window[W_CUT]
        gone = min(part, over)
        over -= gone
        window[W_INSIDE] -= gone
        if flags[oldest]:
            window[W_CAPPED] -= gone
        if gone == part:
            window[W_OLDEST] += 1
            window[W_CUT] = 0
        else:
            window[W_CUT] += gone
    inside, inside_capped = window[W_INSIDE], window[W_CAPPED]
    if inside_capped * FULL_BP > window[W_MAX_SHARE] * inside:
        window[W_MAX_SHARE] = -(-inside_capped * FULL_BP // inside) if inside else 0


@inlined
def size_in(measure: int, units: int, worth: int) -> int:
    """Size of an order's only part in a cap's measure."""
    if measure == 0:
        return 1
    return units if measure == 1 else max(1, worth)


@inlined
def window_takes(all_caps: Caps, k: int, w: int, size: int, capped: bool) -> bool:
    """Whether the short way may enter this into counter w (`routing.quick` asks the same)."""
    window, cap = all_caps.windows[w], all_caps.caps[k]
    gone = leaving(window, all_caps.sizes[w], all_caps.flags[w], size)
    if gone < 0:
        return False
    full = window[W_ENTERED] >= window[W_SIZE]
    room = limit(window, window[W_SIZE]) - window[W_CAPPED]
    if capped and window[W_CAPPED] + size - gone > limit(window, window[W_ENTERED] + size):
        return False
    if cap[MEASURE] == 0:
        return not full or room > cap[RESERVE]
    if full and cap[RESERVE] > 0:
        return room > cap[RESERVE] * max(1, window[W_ENTERED] // max(1, window[W_EVER]))
    return True


@inlined
def knows(all_caps: Caps, w: int, size: int) -> bool:
    """Whether an entry of `size` can be entered in counter w here."""
    return leaving(all_caps.windows[w], all_caps.sizes[w], all_caps.flags[w], size) >= 0


@inlined
def caps_take(all_caps: Caps, channel: int, node: int, units: int, worth: int) -> bool:
    """Whether every cap admits the whole order at `node` without touching its reserve, and its entry can be made here."""
    any_capped = False
    for k in range(all_caps.caps.shape[0]):
        if all_caps.gates[channel, k] != NOT_COUNTED and all_caps.nodes[k, node]:
            any_capped = True
    for k in range(all_caps.caps.shape[0]):
        own = all_caps.gates[channel, k]
        if own == NOT_COUNTED:
            continue
        size, capped = size_in(all_caps.caps[k, MEASURE], units, worth), all_caps.nodes[k, node] != 0
        if not any_capped:
            if not knows(all_caps, k, size) or (own >= 0 and not knows(all_caps, own, size)):
                return False
        elif not window_takes(all_caps, k, k, size, capped) or (
            own >= 0 and not window_takes(all_caps, k, own, size, capped)
        ):
            return False
    return True


@inlined
def caps_enter(all_caps: Caps, channel: int, node: int, units: int, worth: int) -> None:
    """Enter a decided order in every counter that counts its channel, and let the buckets follow."""
    for k in range(all_caps.caps.shape[0]):
        own, cap = all_caps.gates[channel, k], all_caps.caps[k]
        if own == NOT_COUNTED:
            continue
        size, capped = size_in(cap[MEASURE], units, worth), all_caps.nodes[k, node] != 0
        cap[TOKENS], cap[BASE] = _bucket_entered(
            cap[TOKENS], cap[BASE], cap[RATE_BP], cap[BURST], cap[GAIN], size, capped
        )
        enter(all_caps.windows[k], all_caps.sizes[k], all_caps.flags[k], size, capped)
        if own >= 0:
            enter(all_caps.windows[own], all_caps.sizes[own], all_caps.flags[own], size, capped)


@inlined
def price_now(all_caps: Caps, k: int) -> int:
    """Price of one more capped entry of cap k."""
    cap = all_caps.caps[k]
    return bucket_price(cap[TOKENS], cap[BASE], cap[BURST], cap[GAIN])
