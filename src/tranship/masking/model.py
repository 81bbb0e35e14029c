"""An order as a network may see it: the only form that a connector takes."""

import msgspec

from tranship.core.secret import Veiled


class MaskedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line under the code that the network knows, with an id of our own making."""

    line_id: str
    sku: str
    quantity: int


class MaskedAddress(Veiled, msgspec.Struct, frozen=True):
    """What a parcel needs to arrive, and no more: no phone, no e-mail."""

    name: str
    line1: str
    city: str
    state: str
    postal_code: str
    country: str
    line2: str = ""


class MaskedOrder(msgspec.Struct, frozen=True):
    """Made by `masking.mask` only. `remote_id` is random, one per dispatch; days are ISO dates at the destination."""

    remote_id: str
    to: MaskedAddress
    lines: tuple[MaskedLine, ...]
    service: str = "ground"  # the node's service word: ground, two_day, next_day
    ship_by: str = ""
    deliver_by: str = ""
    location: str = ""  # the network's own id of the node, where it wants one

    def __repr__(self) -> str:
        return f"MaskedOrder({self.remote_id}, {len(self.lines)} lines)"
