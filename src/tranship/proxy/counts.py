"""What the proxy counts: numbers under names of ours, so that the page that shows them cannot tell anything else."""

import time
from collections import Counter
from collections.abc import Callable


class Counts:
    """Counters since the start."""

    def __init__(self) -> None:
        self.since = time.time()
        self.under_way = 0
        self._passed: Counter[str] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._events: Counter[str] = Counter()
        self.vault: Callable[[], dict[str, int]] = dict

    def passed(self, operation: str) -> None:
        """A message went there and its answer came back."""
        self._passed[operation] += 1

    def refused(self, operation: str, name: str) -> None:
        """A message, or its answer, was not passed on."""
        self._refused[operation or "none", name] += 1

    def event(self, name: str, count: int = 1) -> None:
        """Something that is worth counting besides."""
        self._events[name] += count

    def document(self) -> dict[str, object]:
        """All of them, for JSON."""
        refused: dict[str, dict[str, int]] = {}
        for (operation, name), count in sorted(self._refused.items()):
            refused.setdefault(operation, {})[name] = count
        return {
            "up_s": round(time.time() - self.since),
            "under_way": self.under_way,
            "passed": dict(sorted(self._passed.items())),
            "refused": refused,
            "events": dict(sorted(self._events.items())),
            "vault": self.vault(),
        }
