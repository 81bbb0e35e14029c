"""What a network's interface can promise: the hand-over protocol picks the strongest fence that a node offers.

A claim counts as a fence only with a proof: which contract test showed it, and against what it ran (`proven`).
"""

import msgspec

from tranship.core.time import span_micros

FENCES = ("hold_release", "client_id_unique", "id_burned_after_cancel", "request_ttl_s")
"""Claims on which "it cannot ship from there" may rest."""
PROVEN_BY = ("sandbox", "vendor_sandbox", "production")
"""What a proof may have run against, weakest first. What only our own sandbox showed is shown as unproven."""


class Rate(msgspec.Struct, frozen=True):
    """A published limit of one operation: requests a second, in thousandths, and how many may come at once."""

    per_s_milli: int
    burst: int


class Capability(msgspec.Struct, frozen=True):
    """What one kind of connection can do. Times in seconds; 0 means unknown, which is never taken for "at once"."""

    hold_release: bool = False  # an order can be created so that it does not ship before it is released
    client_id_unique: bool = False  # a second order under our id is refused
    id_burned_after_cancel: bool = False  # and stays refused after the first was cancelled
    cancel: str = "none"  # none | sync | async: what an accepted cancellation proves
    get_by_client_id: bool = False  # an order can be asked for by our id alone
    read_lag_s: int = 0  # longest that an answer may lag behind what was done
    request_ttl_s: int = 0  # longest after which a request that was sent may still be carried out
    hold_days: int = 0  # days after which a held order is cancelled by the network
    rates: dict[str, Rate] = {}  # by operation (connectors.port.OPERATIONS)
    proven: dict[str, str] = {}  # fence -> what its proof ran against


class Connection(msgspec.Struct, frozen=True):
    """One account at a network's interface, as the network file names it. No secret is in here: `secrets` names where they lie."""

    code: str
    kind: str  # a folder of connectors/
    capability: Capability = Capability()
    settings: dict[str, object] = {}  # the kind's own: endpoint, marketplace, ...
    secrets: dict[str, str] = {}  # name -> environment variable or file that holds it
    hold_min: int = 480  # minutes before the cut-off at which a fulfillment order is handed over on hold
    release_min: int = 240  # minutes before the cut-off at which it is released (or handed over, without hold)
    resolve_limit_min: int = 60  # minutes after which a call-back without proof is put before a person
    stall_min: int = 720  # minutes without progress after which an accepted order counts as stalled
    poll_s: int = 60  # seconds between two looks at what changed there
    stock_poll_s: int = 900  # seconds between two counts of stock
    drift_limit: int = 5  # units that a count may differ before the SKU is closed at the node
    in_flight: int = 32  # calls at once
    timeout_ms: int = 8_000  # after which a call counts as lost
    pilot_bp: int = 10_000  # basis points of the orders that may be handed over; the rest goes the projected way
    recipient: str = ""  # alias | name: what the label says; empty: the name on paper of one's own, else an alias
    sku_aliases: str = "off"  # off | required: an article without an active alias is not told to its network
    token_days: int = 180  # after delivery, until what its network's tokens stand for is forgotten; 0: never
    outages: tuple[str, ...] = ()  # announced: FROM/UNTIL, ISO times in UTC; nothing is handed over inside

    @property
    def real_names(self) -> bool:
        """Whether the label says who the parcel is for, and not an alias."""
        return self.recipient == "name" or (not self.recipient and self.kind == "manual")

    def planned(self) -> tuple[tuple[int, int], ...]:
        """The announced outages as (from, until), UTC microseconds."""
        return tuple(span_micros(text) for text in self.outages)
