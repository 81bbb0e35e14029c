"""The interpreter, tuned for a process that does nothing but pass messages through."""

import sys

from tranship.engine.memory import calm_collector

SWITCH_S = 0.0005
"""How long the vault's writer waits for the interpreter at most while requests keep it busy: Python's own 5 ms is longer than a commit."""


def calm() -> None:
    """Threads that wait have their turn soon, garbage is looked for less often: a request leaves nothing in cycles behind."""
    sys.setswitchinterval(SWITCH_S)
    calm_collector()
