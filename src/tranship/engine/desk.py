"""Which call to which network comes next: due calls, published rates, calls in flight. Knows no wire and no clock of its own.

The desk is rebuilt from the state at any time (`synced`): nothing is lost with it. It decides only when a call is made, never whether:
that is what a dispatch's `op` says. The live driver and the simulator drive the same desk.
"""

import heapq
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from tranship.core.capability import Connection, Rate
from tranship.dispatch.bucket import TokenBucket
from tranship.dispatch.model import CLOSED, GONE, HELD, LIVE, Dispatch

UNLIMITED = Rate(1_000_000, 10_000)
"""For operations whose limit a network does not publish: the calls in flight are limited all the same."""
PROBE_RESERVE = 1
"""Tokens of looking operations that are kept for probes."""
ROUTINE = 1_000_000
"""Added to the urgency of looks at what goes well: they never stand before a look that something hangs on."""
FIRST_OF_LANE = ("cancel", "release", "get", "create")
"""Which operation goes first where few may be in flight: what saves an order before what begins one."""


class Call(NamedTuple):
    """One call to make now. `sent_at` is when the desk gave it out (UTC microseconds)."""

    connection: str
    op: str
    remote_id: str
    their_id: str
    sent_at: int


class Lane:
    """One connection's calls."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.in_flight: dict[str, Call] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._ready: dict[str, list[tuple[int, int, str]]] = {op: [] for op in FIRST_OF_LANE}
        self._since = now
        self.throttled_until = 0

    def bucket(self, op: str) -> TokenBucket:
        """The published limit of an operation."""
        held = self._buckets.get(op)
        if held is None:
            rate = self.connection.capability.rates.get(op, UNLIMITED)
            reserve = PROBE_RESERVE if op in {"get", "list"} else 0
            held = self._buckets[op] = TokenBucket(rate, self._since, reserve=reserve)
        return held

    def ready(self, op: str, priority: int, op_at: int, remote_id: str) -> None:
        """A call whose time has come."""
        heapq.heappush(self._ready[op], (priority, op_at, remote_id))

    def waiting(self, op: str) -> list[tuple[int, int, str]]:
        """The calls of an operation whose time has come, the most urgent first (a heap)."""
        return self._ready[op]

    def has_room(self) -> bool:
        """Whether another call may be in flight."""
        return len(self.in_flight) < self.connection.in_flight


class Desk:
    """All lanes of one party."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._at_node: dict[int, str] = {}
        self._known: dict[str, Dispatch] = {}
        self._urgency: dict[str, int] = {}
        self._later: list[tuple[int, str, str]] = []  # (not before, remote id, op)

    def connect(self, connections: Mapping[int, Connection], now: int) -> None:
        """The connections in force, by node. Lanes that go on keep their buckets."""
        self._at_node = {node: connection.code for node, connection in connections.items()}
        for connection in {each.code: each for each in connections.values()}.values():
            lane = self._lanes.get(connection.code)
            if lane is None:
                self._lanes[connection.code] = Lane(connection, now)
            else:
                lane.connection = connection

    def has(self, code: str) -> bool:
        """Whether calls are made over a connection: one without an interface has no lane."""
        return code in self._lanes

    def lane(self, code: str) -> Lane:
        """The lane of a connection."""
        return self._lanes[code]

    def lanes(self) -> Iterable[Lane]:
        """All of them."""
        return self._lanes.values()

    def changed(self, dispatch: Dispatch, urgency: int = 0) -> None:
        """A dispatch as it stands now; the smaller `urgency`, the sooner its call."""
        remote_id = dispatch.remote_id
        if not dispatch.op or (
            dispatch.state in CLOSED and dispatch.state != GONE
        ):  # what left is looked at for its parcels
            self._known.pop(remote_id, None)
            self._urgency.pop(remote_id, None)
            return
        routine = dispatch.op == "get" and dispatch.state in {HELD, LIVE, GONE}
        self._known[remote_id], self._urgency[remote_id] = dispatch, urgency + ROUTINE * routine
        heapq.heappush(self._later, (dispatch.op_at, remote_id, dispatch.op))

    def take(self, now: int) -> list[Call]:
        """The calls to make now, within every limit. Each is in flight until `done`."""
        self._ripen(now)
        calls: list[Call] = []
        for lane in self._lanes.values():
            for op in FIRST_OF_LANE:
                calls += self._of(lane, op, now)
        return calls

    def _ripen(self, now: int) -> None:
        while self._later and self._later[0][0] <= now:
            op_at, remote_id, op = heapq.heappop(self._later)
            d = self._known.get(remote_id)
            if d is None or (d.op, d.op_at) != (op, op_at):
                continue
            lane = self._lanes.get(self._at_node.get(d.node, ""))
            if lane is not None and op in FIRST_OF_LANE:
                lane.ready(op, self._urgency[remote_id], op_at, remote_id)

    def _of(self, lane: Lane, op: str, now: int) -> list[Call]:
        calls: list[Call] = []
        ready = lane.waiting(op)
        while ready and lane.has_room():
            _, op_at, remote_id = ready[0]
            d = self._known.get(remote_id)
            if d is None or (d.op, d.op_at) != (op, op_at) or remote_id in lane.in_flight:
                heapq.heappop(ready)  # it has moved on; what is in flight comes again when its answer is in
                continue
            if not lane.bucket(op).take(now):
                break
            heapq.heappop(ready)
            call = lane.in_flight[remote_id] = Call(lane.connection.code, op, remote_id, d.their_id, now)
            calls.append(call)
        return calls

    def done(self, call: Call, now: int, retry_after_ms: int = 0, *, throttled: bool = False) -> None:
        """A call has ended, whatever came of it."""
        lane = self._lanes[call.connection]
        lane.in_flight.pop(call.remote_id, None)
        if throttled:
            lane.bucket(call.op).throttled(now, retry_after_ms)
        d = self._known.get(call.remote_id)
        if d is not None:
            heapq.heappush(self._later, (d.op_at, d.remote_id, d.op))

    def postpone(self, call: Call, until: int) -> None:
        """A look told nothing new: the next one is due then. What the journal says is not changed by it."""
        d = self._known.get(call.remote_id)
        if d is not None and d.op == call.op:
            self.changed(replace(d, op_at=until), self._urgency[call.remote_id] % ROUTINE)

    def count(self, code: str) -> int:
        """Dispatches of a connection with a call to come."""
        return sum(self._at_node.get(d.node, "") == code for d in self._known.values())

    def next_at(self, now: int) -> int:
        """When something may be due: `now` or later; 0: nothing waits."""
        found = [max(now, self._later[0][0])] if self._later else []
        for lane in self._lanes.values():
            if lane.has_room():
                found += [lane.bucket(op).next_at(now) for op in FIRST_OF_LANE if lane.waiting(op)]
        return min(found, default=0)

    def backlog(self, code: str, op: str = "") -> int:
        """Calls of a connection (of one operation) whose time has come and that wait for its rate."""
        lane = self._lanes[code]
        return sum(len(lane.waiting(each)) for each in ([op] if op else FIRST_OF_LANE))
