"""Garbage collection tuned for a writer that keeps much and makes little garbage in cycles."""

import gc

YOUNG, MIDDLE, OLD = 100_000, 50, 100
"""Allocations before a young collection, and how many of those before an older one. With the defaults (700, 10, 10) a quarter of
a replay's time went into walking orders that are still open."""


def calm_collector() -> None:
    """Take what is loaded out of the collector's sight and let it run far less often. Reference counts free the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
