"""An order on its way to a pick list, as the bytes that are stored with the intent: what is printed is what was journaled."""

import msgspec

from tranship.core.errors import DamageError, InputError
from tranship.masking.model import MaskedAddress, MaskedLine, MaskedOrder
from tranship.masking.policy import check

KIND = "manual"


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    line: str
    sku: str
    quantity: int


class _Stored(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    remote_id: str
    to: dict[str, str]
    lines: list[_Line]
    service: str
    ship_by: str = ""
    deliver_by: str = ""
    location: str = ""


def body(order: MaskedOrder, *, hold: bool) -> bytes:
    """The bytes of an order; the same order makes the same bytes.

    Raises:
        InputError: a hold was asked for. What is not printed yet is held back here, which needs no word to anybody.
    """
    if hold:
        raise InputError("A pick list cannot be put on hold", where=f"dispatch {order.remote_id}")
    lines = [_Line(line.line_id, line.sku, line.quantity) for line in order.lines]
    to = {name: getattr(order.to, name) for name in MaskedAddress.__struct_fields__ if getattr(order.to, name)}
    told = _Stored(order.remote_id, to, lines, order.service, order.ship_by, order.deliver_by, order.location)
    return check(KIND, "create", msgspec.json.encode(told))


def order_of(stored: bytes) -> MaskedOrder:
    """The order again, to print it. Raises DamageError where the bytes are not what was written."""
    try:
        found = msgspec.json.decode(stored, type=_Stored)
    except msgspec.DecodeError:
        raise DamageError("the stored bytes of an order for a pick list do not read back") from None
    if not {"name", "line1", "city", "postal_code", "country"} <= set(found.to) <= set(MaskedAddress.__struct_fields__):
        raise DamageError("the stored address of an order for a pick list does not read back")
    lines = tuple(MaskedLine(line.line, line.sku, line.quantity) for line in found.lines)
    to = MaskedAddress(**{"state": "", **found.to})
    return MaskedOrder(found.remote_id, to, lines, found.service, found.ship_by, found.deliver_by, found.location)
