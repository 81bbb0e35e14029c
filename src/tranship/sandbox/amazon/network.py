"""Puts the stand-in Amazon together: both versions, sign-in, inventory and notifications over one stock and one clock."""

from collections.abc import Mapping

from tranship.sandbox.amazon.bodies import table
from tranship.sandbox.amazon.inventory import FILE as FILE_STOCK
from tranship.sandbox.amazon.inventory import Inventory
from tranship.sandbox.amazon.login import Login
from tranship.sandbox.amazon.mcf2020 import FILE as FILE_2020
from tranship.sandbox.amazon.mcf2020 import Mcf2020
from tranship.sandbox.amazon.mcf2026 import FILE as FILE_2026
from tranship.sandbox.amazon.mcf2026 import Mcf2026
from tranship.sandbox.amazon.notices import FILE as FILE_NOTICES
from tranship.sandbox.amazon.notices import Notices
from tranship.sandbox.amazon.orders import Orders
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.amazon.stock import BUCKETS, Stock
from tranship.sandbox.common.chance import name
from tranship.sandbox.common.clock import Agenda
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

FILES = (FILE_2026, FILE_2020, FILE_STOCK, FILE_NOTICES)


class Amazon:
    """A `common.wire.Network`."""

    name = "amazon"

    def __init__(self, settings: Settings, agenda: Agenda, faults: Faults) -> None:
        self.config, self.agenda, self.faults = settings, agenda, faults
        self.stock = Stock(settings.seed, settings.any_sku)
        self.orders = Orders(settings, agenda, self.stock, faults)
        self.login = Login(settings)
        self.notices = Notices(settings, agenda, faults)
        self.orders.listen.append(self.notices.order_changed)
        self.stock.listen.append(self.notices.stock_changed)
        self.operations: tuple[Operation, ...] = (
            *self.login.operations(),
            *Mcf2026(self.orders, settings).operations(),
            *Mcf2020(self.orders, settings).operations(),
            *Inventory(self.stock, faults, settings).operations(),
            *self.notices.operations(),
        )

    def admit(self, operation: Operation, call: Call) -> None:
        """Check the access token."""
        self.login.admit(operation, call)

    def error(self, operation: Operation | None, refusal: Refusal) -> Reply:  # noqa: ARG002
        """Amazon's list of errors."""
        error = {"code": refusal.code, "message": refusal.message, "details": refusal.details}
        return Reply(refusal.status, {"errors": [error]})

    def headers(self, operation: Operation | None, limit: Limit, number: int) -> Mapping[str, str]:  # noqa: ARG002
        """The request's number, and the limit where one holds."""
        found = {"x-amzn-RequestId": name(self.config.seed, "request", number, letters=16)}
        if limit.per_s_milli:
            found["x-amzn-RateLimit-Limit"] = f"{limit.per_s_milli / 1000:g}" + (
                ".0" if limit.per_s_milli % 1000 == 0 else ""
            )
        return found

    def throttled(self, operation: Operation, wait_us: int) -> Reply:  # noqa: ARG002
        """429; Amazon does not say how long to wait."""
        return self.error(
            operation, Refusal(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        )

    def control(self, method: str, path: str, body: object) -> object:
        """Stock, pushes, and what tokens are worth."""
        match method, path:
            case "PUT", "/stock":
                return self._set_stock(table(body, "body"))
            case "GET", "/stock":
                return {sku: _counts(item) for sku, item in sorted(self.stock.items.items())}
            case "PUT", "/push":
                self.notices.set_urls(table(body, "body"))
                return self.notices.urls
            case "GET", "/queue":
                return self.notices.queue
            case "POST", "/tokens/revoke":
                self.login.revoke()
                return {}
        raise Refusal(404, "NoSuchControl", f"there is no {method} {path} below /_sandbox")

    def truth(self) -> dict[str, object]:
        """What really shipped."""
        counts = self.notices.counts
        pushes = {key: getattr(counts, key) for key in ("delivered", "failed", "given_up", "dropped")}
        return {**self.orders.truth(), "pushes": pushes, "push_violations": counts.violations}

    def settings(self) -> dict[str, object]:
        """Credentials of the stand-in and where to get a token."""
        config = self.config
        return {
            "token_path": "/auth/o2/token", "client_id": config.client_id, "client_secret": config.client_secret,
            "refresh_token": config.refresh_token, "seller_id": config.seller_id, "marketplace_id": config.marketplace_id,
        }  # fmt: skip

    def _set_stock(self, wanted: Mapping[str, object]) -> object:
        now = self.agenda.clock.now()
        for sku, counts in wanted.items():
            known = {"fulfillable": counts} if isinstance(counts, int) else counts
            if not isinstance(known, dict) or not set(known) <= set(BUCKETS):
                raise Refusal(400, "BadStock", f"counts of a SKU are units, or an object with {', '.join(BUCKETS)}")
            if not all(isinstance(units, int) and 0 <= units < 1 << 31 for units in known.values()):
                raise Refusal(400, "BadStock", "units are whole and not negative")
            self.stock.put(sku, now, **known)
        return {sku: _counts(self.stock.items[sku]) for sku in wanted}


def _counts(item: object) -> dict[str, int]:
    return {bucket: int(getattr(item, bucket)) for bucket in (*BUCKETS, "reserved")}
