"""A warehouse with no interface: pick lists out as CSV and printable HTML, confirmations and counts in as CSV.

Handing over is writing the list: until an order is on one it is still here and can be moved at will, afterwards only people can stop it
(`cancel = "none"`). The same orders make the same batch id and the same bytes, so that a list may be written again after a crash.
"""

from collections.abc import Mapping, Sequence

from tranship.connectors.manual.confirmation import read_confirmation
from tranship.connectors.manual.counts import read_counts
from tranship.connectors.manual.model import Confirmed, CountedBy, Expected, LineError, batch_id, expected, picks
from tranship.connectors.manual.page import page
from tranship.connectors.manual.pick_list import pick_list
from tranship.connectors.manual.settings import Settings, settings_of
from tranship.connectors.manual.stored import KIND, body, order_of
from tranship.connectors.port import Counted, Listed, Message, Offered, Order, Request, Response, Returned
from tranship.connectors.proofs import capability_of
from tranship.core.capability import Capability, Connection
from tranship.core.secret import Secret
from tranship.dispatch.model import Result
from tranship.masking.model import MaskedOrder

__all__ = [
    "PRINTED",
    "Confirmed",
    "CountedBy",
    "Expected",
    "LineError",
    "Manual",
    "batch_id",
    "connector",
    "expected",
    "order_of",
    "page",
    "pick_list",
    "picks",
    "read_confirmation",
    "read_counts",
]  # fmt: skip
PRINTED = Result("ok", "PICKING")
"""What handing over comes to once the list is written: people may have begun, so nothing calls it back but a word to them."""
_NO_INTERFACE = Result("refused", detail="this kind of connection has no interface to ask")


class Manual:
    """The kind in the shape of a connector, so that the same code holds it. Its requests go nowhere and its answers say so.

    Whoever prints takes the stored bytes of the dispatches that wait (`order_of`), writes the list, and tells `PRINTED` as the answer.
    """

    kind = KIND

    def __init__(self, settings: Settings, capability: Capability) -> None:
        self.settings, self.capability = settings, capability

    def body(self, order: MaskedOrder, *, hold: bool) -> bytes:
        """The bytes that are stored with the intent and printed from."""
        return body(order, hold=hold)

    def offer(self, order: MaskedOrder) -> Request:  # noqa: ARG002
        """Nobody to ask."""
        return _nowhere("offer")

    def create(self, order: Order, body: bytes) -> Request:  # noqa: ARG002
        """Printing does it."""
        return _nowhere("create")

    def release(self, order: Order) -> Request:  # noqa: ARG002
        """Nothing is on hold there."""
        return _nowhere("release")

    def get(self, order: Order) -> Request:  # noqa: ARG002
        """Confirmations tell."""
        return _nowhere("get")

    def cancel(self, order: Order) -> Request:  # noqa: ARG002
        """Only people can."""
        return _nowhere("cancel")

    def tracking(self, order: Order) -> Request:  # noqa: ARG002
        """Confirmations tell."""
        return _nowhere("tracking")

    def list(self, since: int, more: str = "") -> Request:  # noqa: ARG002
        """Confirmations tell."""
        return _nowhere("list")

    def returns(self, since: int, more: str = "") -> Request:  # noqa: ARG002
        """Nobody to ask."""
        return _nowhere("returns")

    def stock(self, since: int = 0, more: str = "") -> Request:  # noqa: ARG002
        """Counts come as files."""
        return _nowhere("stock")

    def read(self, op: str, order: Order, response: Response) -> Result:  # noqa: ARG002
        """There is no answer."""
        return _NO_INTERFACE

    def read_offer(self, response: Response) -> Offered:  # noqa: ARG002
        """There is no answer."""
        return Offered(failed=_NO_INTERFACE)

    def read_list(self, response: Response) -> Listed:  # noqa: ARG002
        """There is no answer."""
        return Listed((), failed=_NO_INTERFACE)

    def read_returns(self, response: Response) -> Returned:  # noqa: ARG002
        """There is no answer."""
        return Returned((), failed=_NO_INTERFACE)

    def read_stock(self, response: Response) -> Counted:  # noqa: ARG002
        """There is no answer."""
        return Counted((), failed=_NO_INTERFACE, whole=False)

    def message(
        self,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,  # noqa: ARG002
        secrets: Sequence[Secret | str],  # noqa: ARG002
        now: int | None = None,  # noqa: ARG002
    ) -> Message:
        """Nobody sends any, so whoever does is somebody else."""
        return Message(False)


def _nowhere(op: str) -> Request:
    return Request(op, "NONE", "/")


def connector(connection: Connection) -> Manual:
    """The connector of a connection; InputError names a setting that cannot be used."""
    return Manual(settings_of(connection), capability_of(KIND))
