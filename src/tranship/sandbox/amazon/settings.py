"""How the stand-in Amazon behaves: delays of its orders, what a creation answers, its credentials."""

from dataclasses import dataclass

from tranship.sandbox.common.clock import SECOND


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds of the sandbox's clock. The credentials are made up and open nothing but this sandbox."""

    seed: int = 0
    planning_s: float = 60  # received -> planning
    processing_s: float = 1800  # planning -> processing: picking begins, nothing can be called back
    shipping_s: float = 14_400  # processing -> complete: it leaves
    delivery_s: float = 172_800  # left -> delivered
    async_s: float = 1  # until an accepted update or cancellation (2026) or creation (202) is carried out
    create: str = "200"  # what a creation of 2026 answers: 200 | 202 | mixed
    free_ids: bool = False  # a cancelled order's id may be used again (Amazon: not known)
    split: bool = False  # lines of an order leave in two shipments, the second `shipping_s` after the first
    any_sku: int = 0  # units of any SKU that nobody named; 0: an unknown SKU is refused
    page_size: int = 50
    hold_days: int = 14  # a held order is cancelled after so many (developer-docs, MCF best practices)
    token_s: float = 3600  # an access token lasts (developer-docs: one hour)
    client_id: str = "amzn1.application-oa2-client.sandbox"
    client_secret: str = "amzn1.oa2-cs.v1.sandbox"  # noqa: S105 - opens nothing but this sandbox
    refresh_token: str = "Atzr|sandbox"  # noqa: S105 - the same
    seller_id: str = "A1SANDBOX"
    marketplace_id: str = "ATVPDKIKX0DER"

    def us(self, name: str) -> int:
        """One of the times, in microseconds."""
        value: float = getattr(self, name)
        return round(value * SECOND)
