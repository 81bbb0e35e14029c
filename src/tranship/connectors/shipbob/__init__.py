"""ShipBob, dialect 2026-01: a 3PL over REST.

There is no hold: what is handed over ships. Our id is its `reference_id`, which must be unique there (422 otherwise), and the only way
to find an order whose number is unknown. A cancellation needs that number: where it is unknown the first call asks for it, and the
cancellation follows with the next one. Sources are beside each fact in `capability.toml`.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP
from urllib.parse import parse_qsl, quote

from tranship.connectors.http import Bearer, HttpClient
from tranship.connectors.port import Counted, Listed, Message, Offered, Order, Request, Response, Returned
from tranship.connectors.proofs import capability_of
from tranship.connectors.settings import where_of
from tranship.connectors.shipbob import answers, inventory, lists, webhooks
from tranship.connectors.shipbob.inventory import Inbound, Received
from tranship.connectors.shipbob.settings import VERSION, Settings, settings_of
from tranship.connectors.shipbob.translate_orders import creation, question
from tranship.connectors.shipbob.views import Damaged, Estimates, Log, decoded, iso, micros
from tranship.core.capability import Capability, Connection
from tranship.core.errors import InputError
from tranship.core.secret import Secret
from tranship.dispatch.model import Parcel, Result
from tranship.masking.model import MaskedOrder
from tranship.masking.policy import check

__all__ = ["Inbound", "Received", "ShipBob", "client", "connector"]
KIND = "shipbob"
_SECOND = 1_000_000
_PRICE_MOST = 1_000_000
"""Dollars that no shipment costs."""


class ShipBob:
    """The connector with one connection's settings. Pure."""

    kind = KIND

    def __init__(self, settings: Settings, capability: Capability) -> None:
        self.settings, self.capability = settings, capability

    # -- out -----------------------------------------------------------------------------------------------------------

    def body(self, order: MaskedOrder, *, hold: bool) -> bytes:
        """The bytes of a creation. There is no hold here: asking for one is a mistake of the caller (InputError)."""
        if hold:
            raise InputError("ShipBob has no orders on hold", where=f"dispatch {order.remote_id}")
        return check(KIND, "create", creation(order, self.settings))

    def offer(self, order: MaskedOrder) -> Request:
        """What it would cost there."""
        return self._post("offer", "/order:estimate", check(KIND, "offer", question(order, self.settings)))

    def create(self, order: Order, body: bytes) -> Request:  # noqa: ARG002 - the id stands in the body
        """Hand over: the stored bytes, whatever they are."""
        return self._post("create", "/order", body)

    def release(self, order: Order) -> Request:
        """Nothing is on hold here, so a release is a look."""
        return self._find("release", order)

    def get(self, order: Order) -> Request:
        """By our id, always: it shows a second order under it, and needs nothing that might be unknown."""
        return self._find("get", order)

    def cancel(self, order: Order) -> Request:
        """By their number; where that is unknown, the question for it (an accepted answer that proves nothing)."""
        if not order.their_id:
            return self._find("cancel", order)
        return self._post("cancel", f"/order/{quote(order.their_id, safe='')}:cancel", b"")

    def tracking(self, order: Order) -> Request:
        """Its parcels: the order itself tells them all, with the lines in each, which its list of shipments does not."""
        return self._find("tracking", order)

    def timeline(self, package_id: str) -> Request:
        """What happened to one parcel, step by step (read_timeline)."""
        return self._get("tracking", f"/shipment/{quote(package_id, safe='')}/timeline")

    def list(self, since: int, more: str = "") -> Request:
        """Orders changed since a moment (UTC microseconds), oldest first."""
        query = [("LastUpdateStartDate", iso(since)), ("SortOrder", "Oldest"), ("Limit", str(self.settings.page_size))]
        return self._get("list", "/order", *query, *([("StartDate", more)] if more else []))

    def returns(self, since: int, more: str = "") -> Request:
        """What came back since a moment (UTC microseconds)."""
        query = [("StartDate", iso(since)), ("SortOrder", "Asc"), ("Limit", str(self.settings.page_size))]
        return self._get("returns", "/return", *(parse_qsl(more) if more else query))

    def stock(self, since: int = 0, more: str = "") -> Request:  # noqa: ARG002 - there is no list of changes
        """Units by SKU and fulfillment center."""
        query = [("PageSize", str(self.settings.page_size)), ("IsDigital", "false")]
        return self._get("stock", "/inventory-level/locations", *(parse_qsl(more) if more else query))

    def receiving(self, more: str = "") -> Request:
        """Receiving orders that are not finished: what is inbound and not buyable yet (read_receiving)."""
        query = [("Statuses", ",".join(inventory.WAITED_FOR)), ("Limit", str(self.settings.page_size))]
        return self._get("stock", "/receiving", *query, *([("InsertStartDate", more)] if more else []))

    # -- back ----------------------------------------------------------------------------------------------------------

    def read(self, op: str, order: Order, response: Response) -> Result:
        """What an answer means; never raises."""
        return answers.read("get" if op == "release" else op, order, response)

    def read_offer(self, response: Response) -> Offered:
        """The cheapest of the estimates for the method asked for; ShipBob says no day."""
        lost = answers.failed(response, "offer")
        if lost is not None:
            return Offered(failed=lost)
        try:
            prices = [found.estimated_price for found in decoded(response.body, Estimates).estimates or ()]
        except Damaged as damage:
            return Offered(failed=Result("violation", detail=f"offer: {damage}"[:200]))
        if not all(price.is_finite() and 0 <= price < _PRICE_MOST for price in prices):
            return Offered(failed=Result("violation", detail="offer: a price that is none"))
        if not prices:
            return Offered(failed=Result("refused", detail="offer: no estimate for this method"))
        return Offered(fee_minor=int((min(prices) * 100).to_integral_value(ROUND_HALF_UP)))

    def read_list(self, response: Response) -> Listed:
        """A page of changed orders."""
        return lists.orders(response, self.settings.page_size)

    def read_returns(self, response: Response) -> Returned:
        """A page of returns; where a line is meant stands the network's code."""
        return lists.returns(response)

    def read_stock(self, response: Response) -> Counted:
        """A page of stock."""
        return inventory.levels(response)

    def read_receiving(self, response: Response) -> Received:
        """A page of what is on its way in."""
        return inventory.receiving(response, self.settings.page_size)

    def read_timeline(self, package_id: str, response: Response) -> tuple[Parcel, Result | None]:
        """Where a parcel is by its timeline; no status where that does not say.

        The names in it are not part of the interface's description, so only the words "delivered" and "shipped" are looked for.
        """
        lost = answers.failed(response, "tracking")
        if lost is not None:
            return Parcel(package_id), lost
        try:
            logs = decoded(response.body, list[Log])
        except Damaged as damage:
            return Parcel(package_id), Result("violation", detail=f"tracking: {damage}"[:200])
        names = {(log.log_type_name or "").lower(): micros(log.timestamp) for log in logs}
        shipped = [at for name, at in names.items() if "shipped" in name or "delivered" in name]
        status = "DELIVERED" if any("delivered" in name for name in names) else "SHIPPED" if shipped else ""
        return Parcel(package_id, status=status, shipped_at=min(shipped, default=0)), None

    def message(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret | str], now: int | None = None
    ) -> Message:
        """A webhook. With `now` (UTC microseconds) one that was signed long ago is refused; without it only its id tells a repeat."""
        return webhooks.message(headers, body, secrets, None if now is None else now // _SECOND)

    # -- requests ------------------------------------------------------------------------------------------------------

    def _find(self, op: str, order: Order) -> Request:
        return self._get(op, "/order", ("ReferenceIds", order.remote_id), ("Limit", "10"))

    def _get(self, op: str, path: str, *query: tuple[str, str]) -> Request:
        return Request(op, "GET", f"/{VERSION}{path}", query, (("shipbob_channel_id", self.settings.channel_id),))

    def _post(self, op: str, path: str, body: bytes) -> Request:
        headers = [("shipbob_channel_id", self.settings.channel_id)]
        if body:
            headers.append(("Content-Type", "application/json"))
        return Request(op, "POST", f"/{VERSION}{path}", (), tuple(headers), body)


def connector(connection: Connection) -> ShipBob:
    """The connector of a connection; InputError names a setting that cannot be used."""
    return ShipBob(settings_of(connection), capability_of(KIND))


def client(connection: Connection) -> HttpClient:
    """The client that sends for a connection. Its secret `token` is a personal access token or an OAuth access token."""
    where = where_of(connection, "secrets.token")
    if "token" not in connection.secrets:
        raise InputError("is missing", where=where, hint='Write token = "env:NAME" or "file:PATH"')
    auth = Bearer(connection.secrets["token"], where)
    return HttpClient(settings_of(connection).endpoint, auth, connection.timeout_ms, at_once=connection.in_flight)
