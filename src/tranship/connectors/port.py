"""The contract of every connector to a network. Sans-I/O: requests out, answers in; who sends them is somebody else's business.

The same connector runs in live use, in simulation and in drills. It takes a `MaskedOrder` only, never raises on what a network
sends (a bad answer is a `Result` with outcome `violation`, or a `Finding`), and keeps no state of its own.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from tranship.core.capability import Capability
from tranship.core.secret import Secret
from tranship.dispatch.model import Report, Result
from tranship.masking.model import MaskedOrder

OPERATIONS = ("offer", "create", "release", "get", "list", "cancel", "tracking", "returns", "stock")
"""What can be asked of a network; each has its own rate limit. `stock` counts units, `list` what changed since."""


class Request(NamedTuple):
    """One HTTP request; authorization is added by whoever sends it. `path` begins with a slash and is encoded already."""

    op: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.op}, {self.method}, {len(self.body)} bytes)"


class Response(NamedTuple):
    """A whole answer. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


class Order(NamedTuple):
    """Which order is meant: our id, and the network's where it is known."""

    remote_id: str
    their_id: str = ""


class Count(NamedTuple):
    """Units of one SKU at one location, in the network's code. `reserved`: for orders there; `inbound`: not buyable yet."""

    sku: str
    location: str  # "" where the network does not tell
    sellable: int
    reserved: int = 0
    inbound: int = 0
    unsellable: int = 0


class Finding(NamedTuple):
    """Something in a network's message that a person should see; never personal data."""

    kind: str  # violation | unknown_state | foreign_id
    subject: str
    detail: str


class Listed(NamedTuple):
    """A page of what changed; `more` asks for the next one, "" where it was the last."""

    reports: tuple[Report, ...]
    more: str = ""
    findings: tuple[Finding, ...] = ()
    failed: Result | None = None  # the page could not be had


class Counted(NamedTuple):
    """A page of stock, or of what a notification said of it. `whole`: SKUs that no page names are none there."""

    counts: tuple[Count, ...]
    more: str = ""
    findings: tuple[Finding, ...] = ()
    failed: Result | None = None
    whole: bool = True


class Offered(NamedTuple):
    """What a network would promise: arrival day (ISO, at the destination) and fee in minor units; 0 where it does not say."""

    arrives: str = ""
    fee_minor: int = 0
    failed: Result | None = None


class Returned(NamedTuple):
    """Units that came back there: (our remote id, our line id, units, disposition in the network's word).

    `refs` names the return that each row is of, in the network's words; rows of one ref, order and line are added up. Where a
    network names the article and not the line, its code stands in place of the line id (`by_code`).
    """

    rows: tuple[tuple[str, str, int, str], ...]
    more: str = ""
    failed: Result | None = None
    refs: tuple[str, ...] = ()
    by_code: bool = False


class Message(NamedTuple):
    """What a notification or webhook said. `key` tells a repeated one; `ok` False: not from them (signature), nothing is used."""

    ok: bool
    key: str = ""
    reports: tuple[Report, ...] = ()
    counts: tuple[Count, ...] = ()
    findings: tuple[Finding, ...] = ()


class Connector(Protocol):
    """One kind of interface, with one connection's settings. Methods are pure."""

    kind: str
    capability: Capability

    def body(self, order: MaskedOrder, *, hold: bool) -> bytes:
        """The very bytes of the creation: stored with the intent and sent unchanged, however often."""

    def offer(self, order: MaskedOrder) -> Request:
        """Ask what the network would promise."""

    def create(self, order: Order, body: bytes) -> Request:
        """Hand it over, with the stored bytes."""

    def release(self, order: Order) -> Request:
        """Let what waits on hold ship."""

    def get(self, order: Order) -> Request:
        """Look at it."""

    def cancel(self, order: Order) -> Request:
        """Call it back."""

    def tracking(self, order: Order) -> Request:
        """Look where its parcels are."""

    def list(self, since: int, more: str = "") -> Request:
        """A page of what changed since UTC microseconds."""

    def returns(self, since: int, more: str = "") -> Request:
        """A page of what came back."""

    def stock(self, since: int = 0, more: str = "") -> Request:
        """A page of the count of stock."""

    def read(self, op: str, order: Order, response: Response) -> Result:
        """What an answer to create, release, get, cancel or tracking means."""

    def read_offer(self, response: Response) -> Offered:
        """What an answer to `offer` means."""

    def read_list(self, response: Response) -> Listed:
        """What an answer to `list` means."""

    def read_returns(self, response: Response) -> Returned:
        """What an answer to `returns` means."""

    def read_stock(self, response: Response) -> Counted:
        """What an answer to `stock` means."""

    def message(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret | str], now: int | None = None
    ) -> Message:
        """A notification that came in, checked against the connection's secrets (the newest first).

        With `now` (real UTC microseconds) one that was signed long ago is refused, where its kind says when it was signed.
        """
