"""One connection in live use: its connector, its client, its health."""

from collections.abc import Callable

from tranship.connectors.http import HttpClient, LostError, NotSentError
from tranship.connectors.port import Connector, Order, Request, Response
from tranship.connectors.registry import client_of, connector_of
from tranship.core.capability import Connection
from tranship.core.health import Health
from tranship.dispatch.health import Watch
from tranship.dispatch.model import Result


class Link:
    """What the driver has of one connection."""

    def __init__(self, connection: Connection, health: Health, now: int) -> None:
        self.connection = connection
        self.connector: Connector = connector_of(connection)
        self.client: HttpClient | None = client_of(connection)
        self.watch = Watch(health, now)
        self.said = "closed/10000"  # state and share that the engine was last told
        self.last_list = now
        self._calls = 0

    def on_trial(self, now: int) -> None:
        """The engine went down while this connection was given up: begin with probes, not with a clean sheet."""
        self.watch.on_trial(now)
        self.said = "open/0"

    def request(self, op: str, order: Order, body: bytes) -> Request:
        """The request of a call."""
        if op == "create":
            return self.connector.create(order, body)
        made: Request = getattr(self.connector, op)(order)
        return made

    async def call(self, op: str, order: Order, body: bytes, clock: Callable[[], int]) -> Result:
        """Make one call; whatever happens is a result."""
        answer = await self.ask(self.request(op, order, body), clock)
        if isinstance(answer, Result):
            return answer
        return self.connector.read(op, order, answer)

    async def ask(self, request: Request, clock: Callable[[], int], *, probe: bool = False) -> Response | Result:
        """Send a request and tell health what came of it; a Result where there is no whole answer. `clock` is real time."""
        if self.client is None:
            return Result("unauthorized", detail="this kind of connection has no interface to send to")
        self._calls += 1
        call_id = str(self._calls)
        self.watch.started(call_id, request.op, clock(), probe=probe)
        try:
            response = await self.client.send(request)
        except NotSentError as error:
            outcome = "unauthorized" if error.kind in {"secret", "token"} else "unknown"
            self.watch.ended(call_id, clock(), "unknown")
            if outcome == "unauthorized":
                return Result("unauthorized", detail=error.kind)
            return Result("throttled", detail=f"not sent: {error.kind}", retry_after_ms=2_000)
        except LostError as error:
            self.watch.ended(call_id, clock(), "unknown")
            return Result("unknown", detail=error.kind)
        except BaseException:
            self.watch.ended(call_id, clock(), "unknown")
            raise
        self.watch.ended(call_id, clock(), "unknown" if response.status >= 500 else "ok")
        return response

    async def close(self) -> None:
        """Close the client."""
        if self.client is not None:
            await self.client.close()
