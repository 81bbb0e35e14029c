"""The token bucket's arithmetic, once: `share.TokenBucket` runs it as it stands, the stream kernel compiles it. No numba here.

Integers throughout. `rate` and `tokens` are basis points of one measure unit, `gain` and `base` micros.
"""

FULL_BP = 10_000
SLOWNESS = 400
"""An empty bucket raises the base price by `gain` in this many entries."""
MOST = 8
"""The base price is at most so many times `gain`: where only the capped network can fill, no price makes room."""
FORGETTING = 200
"""A full bucket takes one part in so many off the base with each entry, so that a price outlives its reason only briefly."""


def entered(tokens: int, base: int, rate: int, burst: int, gain: int, size: int, capped: bool) -> tuple[int, int]:
    """(tokens, base) after one entry."""
    tokens += (rate - FULL_BP if capped else rate) * size
    if tokens > burst:
        tokens = burst
    elif tokens < -burst:
        tokens = -burst
    after = base + gain * (burst - 2 * tokens) // (SLOWNESS * burst)
    if tokens == burst:
        after -= base // FORGETTING
    most = MOST * gain
    if after < 0:
        after = 0
    elif after > most:
        after = most
    return tokens, after


def price_of(tokens: int, base: int, burst: int, gain: int) -> int:
    """Micros that a capped entry must save before it is worth its room."""
    return max(0, base + gain * (burst - 2 * tokens) // (2 * burst))
