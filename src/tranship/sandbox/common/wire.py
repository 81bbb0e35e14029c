"""What a stand-in network is made of: operations, calls, replies. Handlers are plain functions and never wait."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from tranship.sandbox.common.clock import Agenda
from tranship.sandbox.common.limits import Limit


class Reply(NamedTuple):
    """An answer. `body` None is an empty one; anything else goes out as JSON."""

    status: int
    body: object = None
    headers: Mapping[str, str] = {}


class Refusal(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """What a handler raises instead of answering: status, code, a sentence, details."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


class Call(NamedTuple):
    """One request as a handler sees it. `seen_at` is the time whose state a reading shows: earlier than `now` under read lag."""

    path: Mapping[str, str]
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: object
    now: int
    seen_at: int
    late: int = 0  # microseconds by which an accepted cancellation is carried out late (fault late_cancel)

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default


class Operation(NamedTuple):
    """One operation: its word in the connectors' contract, the vendor's name for it, where it is, and who does it."""

    op: str  # create | release | get | list | cancel | tracking | returns | stock | offer | token | ...
    name: str  # the vendor's operationId
    method: str
    path: str  # with {parameters}
    handle: Callable[[Call], Reply]
    limit: Limit = Limit()  # built in; the vendor's file has the last word where it is present
    file: str = ""  # the vendor's file that describes it; "" none does
    access: str = "token"  # what the caller needs: token | open | a scope's name
    form: bool = False  # the body is a form, not JSON


class Fragment(NamedTuple):
    """A piece of what happened, for the report: one shipment that left, as units by line."""

    order: str
    units: Mapping[str, int]


class Network(Protocol):
    """A stand-in network. The server does HTTP, limits, faults, validation and counting; this does everything else."""

    name: str
    operations: tuple[Operation, ...]
    agenda: Agenda

    def admit(self, operation: Operation, call: Call) -> None:
        """Check the caller's credentials; Refusal where they do not do."""

    def error(self, operation: Operation | None, refusal: Refusal) -> Reply:
        """A refusal in this network's own form."""

    def headers(self, operation: Operation | None, limit: Limit, number: int) -> Mapping[str, str]:
        """Headers of every answer; `number` counts requests."""

    def throttled(self, operation: Operation, wait_us: int) -> Reply:
        """The answer to a request above the limit."""

    def control(self, method: str, path: str, body: object) -> object:
        """What this network adds below /_sandbox: the answer as JSON, or Refusal."""

    def truth(self) -> dict[str, object]:
        """What really happened, for the report: at least `orders` and `double_shipped`."""

    def settings(self) -> dict[str, object]:
        """What a user has to know to call it: credentials of the stand-in, delays."""
