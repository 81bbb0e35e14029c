"""Episodes: a connection is given up, what can move leaves, and work returns in stages. Fed with journal events, told to people."""

from collections.abc import Callable

from tranship.core.network import NetworkFile
from tranship.core.time import from_micros
from tranship.engine import events as ev
from tranship.engine.rows import part_id
from tranship.engine.view import EpisodeNow

MOST_STEPS = 24
"""Steps of one episode that are kept."""


class _Episode:
    def __init__(self, connection: str, began: int, why: str) -> None:
        self.connection, self.began, self.why, self.ended = connection, began, why, 0
        self.steps: list[tuple[int, str, int]] = []
        self.moved = self.units = self.value = self.parked = 0


class Episodes:
    """The last episode of each connection."""

    def __init__(self, node_of: Callable[[str], str], value_of: Callable[[str], int]) -> None:
        """`node_of`: where a fulfillment order was (its code); `value_of`: an order's value for each unit, minor units."""
        self._node_of, self._value_of = node_of, value_of
        self._last: dict[str, _Episode] = {}
        self._shut: dict[str, str] = {}  # node -> connection, while it takes no work

    def take(self, event: ev.Event, network: NetworkFile) -> None:
        """Anything that was journaled."""
        if isinstance(event, ev.BreakerChanged):
            self._changed(event, network)
        elif isinstance(event, ev.OrdersMoved) and self._shut:
            self._moved(event)

    def _changed(self, event: ev.BreakerChanged, network: NetworkFile) -> None:
        codes = [network.nodes[n].code for n in event.nodes]
        connection = event.connection or network.nodes[event.nodes[0]].connection
        held = self._last.get(connection)
        for code in codes:
            if event.state == "open":
                self._shut[code] = connection
            else:
                self._shut.pop(code, None)
        if held is None or held.ended:
            if event.state == "closed":
                return
            held = self._last[connection] = _Episode(connection, event.at, event.why)
        if len(held.steps) < MOST_STEPS:
            held.steps.append((event.at, event.state, event.share_bp))
        if event.state == "closed":
            held.ended = event.at

    def _moved(self, event: ev.OrdersMoved) -> None:
        for move in event.moves:
            for number, units in zip(move.released, move.units, strict=True):
                held = self._last.get(self._shut.get(self._node_of(part_id(move.order_id, number)), ""))
                if held is None:
                    continue
                if not move.decision.parts:
                    held.parked += 1
                    continue
                held.moved += 1
                held.units += units
                held.value += units * self._value_of(move.order_id)

    def now(self, at: int) -> tuple[EpisodeNow, ...]:
        """Those that are going on first, then the newest."""
        found = sorted(self._last.values(), key=lambda each: (bool(each.ended), -each.began))
        return tuple(
            EpisodeNow(
                each.connection,
                _time(each.began),
                _time(each.ended) if each.ended else "",
                each.why,
                tuple((_time(when), state, share) for when, state, share in each.steps),
                max(0, (each.ended or at) - each.began) // 1_000_000,
                each.moved,
                each.units,
                each.value,
                each.parked,
            )
            for each in found
        )


def _time(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ")
