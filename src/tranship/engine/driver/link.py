"""One connection in live use: its connector, its client, its health."""

from collections import deque
from collections.abc import Callable
from statistics import median

from tranship.connectors.http import HttpClient, LostError, NotSentError
from tranship.connectors.port import Connector, Order, Request, Response
from tranship.connectors.registry import client_of, connector_of
from tranship.core.capability import Connection
from tranship.core.health import Health
from tranship.dispatch.health import Verdict, Watch
from tranship.dispatch.model import Result
from tranship.dispatch.standstill import Standstill
from tranship.engine.desk import Lane
from tranship.engine.networks import LiveNow
from tranship.masking.policy import MaskingError
from tranship.masking.request import check_request

TRACE = 60
"""Steps of two seconds that are shown."""


class Link:
    """What the driver has of one connection."""

    def __init__(self, connection: Connection, health: Health, now: int) -> None:
        self.connection = connection
        self.connector: Connector = connector_of(connection)
        self.client: HttpClient | None = client_of(connection)
        self.watch = Watch(health, now)
        self.outages = connection.planned()
        self.nodes: dict[str, Standstill] = {}  # by code: those that are watched for themselves
        self.nodes_said: dict[str, str] = {}  # state and share that the engine was last told of them
        self.said = "closed/10000"  # state and share that the engine was last told
        self.last_list = now
        self.hooks_taken = self.hooks_refused = 0
        self._calls = 0
        self._answers: deque[int] = deque(maxlen=64)  # microseconds that the last answers took
        self._slowest = self._failed = 0  # since the last step of the trace
        self._trace: deque[tuple[int, int]] = deque(maxlen=TRACE)

    def on_trial(self, now: int) -> None:
        """The engine went down while this connection was given up: begin with probes, not with a clean sheet."""
        self.watch.on_trial(now)
        self.said = "open/0"

    def out_until(self, now: int) -> int:
        """When the announced outage ends that it is in by the service's clock; 0: it is in none."""
        return max((until for first, until in self.outages if first <= now < until), default=0)

    def request(self, op: str, order: Order, body: bytes) -> Request:
        """The request of a call."""
        if op == "create":
            return self.connector.create(order, body)
        made: Request = getattr(self.connector, op)(order)
        return made

    async def call(self, op: str, order: Order, body: bytes, clock: Callable[[], int]) -> tuple[Result, bytes]:
        """Make one call; whatever happens is a result. With the body of an answer that says what became of it, else with none."""
        good = b""

        def reader(response: Response) -> Result:
            nonlocal good
            good = response.body if 200 <= response.status < 300 else b""
            return self.connector.read(op, order, response)

        try:
            request = self.request(op, order, body)
        except MaskingError as error:
            return _not_sent(op, error), b""
        answer = await self.ask(request, clock, reader)
        assert isinstance(answer, Result), "every answer was read"
        return answer, good

    async def ask(
        self,
        request: Request,
        clock: Callable[[], int],
        reader: Callable[[Response], Result | None],
        *,
        probe: bool = False,
    ) -> Response | Result:
        """Send a request and tell health what came of it: the answer where `reader` has nothing to say of it, else a Result.

        What its policy does not let out is not sent, whatever made it. `reader` never raises; an answer that makes no sense speaks
        against the network as one that never came. `clock` is real time.
        """
        if self.client is None:
            return Result("unauthorized", detail="this kind of connection has no interface to send to")
        try:
            check_request(self.connector.kind, *request)
        except MaskingError as error:
            return _not_sent(request.op, error)
        self._calls += 1
        call_id, began = str(self._calls), clock()
        self.watch.started(call_id, request.op, began, probe=probe)
        try:
            response = await self.client.send(request)
        except NotSentError as error:
            outcome = "unauthorized" if error.kind in {"secret", "token"} else "unknown"
            self._ended(call_id, began, clock(), "unknown")
            if outcome == "unauthorized":
                return Result("unauthorized", detail=error.kind)
            return Result("throttled", detail=f"not sent: {error.kind}", retry_after_ms=2_000)
        except LostError as error:
            self._ended(call_id, began, clock(), "unknown")
            return Result("unknown", detail=error.kind)
        except BaseException:
            self.watch.ended(call_id, clock(), "unknown")
            raise
        ended = clock()
        try:
            told = reader(response)
        except BaseException:
            self._ended(call_id, began, ended, "violation")
            raise
        self._ended(call_id, began, ended, "unknown" if response.status >= 500 else told.outcome if told else "ok")
        return response if told is None else told

    def _ended(self, call_id: str, began: int, now: int, outcome: str) -> None:
        self.watch.ended(call_id, now, outcome)
        took = max(1, now - began)
        self._slowest = max(self._slowest, took)
        if outcome in {"unknown", "violation", "unauthorized"}:
            self._failed += 1
        else:
            self._answers.append(took)

    def step(self, oldest_ms: int) -> None:
        """One step of the trace is over; a call that is still in flight counts with its age."""
        self._trace.append((max(self._slowest // 1000, oldest_ms), self._failed))
        self._slowest = self._failed = 0

    def live(self, verdict: Verdict, lane: Lane, backlog: int, now: int) -> LiveNow:
        """What is shown of it; `now` is the desk's time."""
        seen = verdict.evidence
        return LiveNow(
            in_flight=len(lane.in_flight),
            backlog=backlog,
            calls=seen.calls,
            failed=seen.failed,
            slow=seen.slow,
            oldest_ms=seen.oldest_ms,
            median_ms=int(median(self._answers)) // 1000 if self._answers else 0,
            slow_ms=seen.slow_ms,
            sickness_bp=min(10_000, seen.score * 10_000 // max(1, seen.limit)),
            stalled=seen.stalled,
            accepted=seen.accepted,
            hooks_taken=self.hooks_taken,
            hooks_refused=self.hooks_refused,
            trace=tuple(self._trace),
            tokens={op: lane.bucket(op).left(now) for op in self.connection.capability.rates},
        )

    async def close(self) -> None:
        """Close the client."""
        if self.client is not None:
            await self.client.close()


def _not_sent(op: str, error: MaskingError) -> Result:
    """A request that may not leave: the order goes elsewhere; any other question is put before a person."""
    return Result("refused" if op == "create" else "violation", detail=f"not sent: {error.leaf} {error.why}"[:200])
