"""How the stand-in 3PL behaves: delays of its orders, its places, its credentials."""

from dataclasses import dataclass

from tranship.sandbox.common.clock import SECOND


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds of the sandbox's clock. The token is made up and opens nothing but this sandbox."""

    seed: int = 0
    processing_s: float = 1800  # taken -> picked, when nothing can be cancelled
    shipping_s: float = 14_400  # picked -> left
    delivery_s: float = 172_800  # left -> delivered
    stow_s: float = 86_400  # a receiving order arrived -> on the shelves
    return_s: float = 432_000  # a return was announced -> processed
    free_ids: bool = False  # a cancelled order's reference may be used again (ShipBob: not known)
    split: bool = False  # every line becomes a shipment of its own
    any_sku: int = 0  # units of any SKU that nobody named; 0: it becomes a product without stock
    locations: str = "211,212"  # fulfillment centers; the first one takes what names none
    channel_id: int = 100200
    token: str = "sandbox-token"  # noqa: S105 - opens nothing but this sandbox
    calls_a_minute: int = 150  # of all operations together (developer.shipbob.com, rate limit), sliding window

    def us(self, name: str) -> int:
        """One of the times, in microseconds."""
        return round(float(getattr(self, name)) * SECOND)

    @property
    def places(self) -> tuple[int, ...]:
        """Numbers of the fulfillment centers."""
        return tuple(int(text) for text in self.locations.split(","))
