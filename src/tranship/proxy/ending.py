"""When an order is over at its network: what its answers say of it, and how long its tokens are kept from then on."""

from collections.abc import Iterator

import msgspec

from tranship.masking.policy import Operation

DAY_US = 86_400_000_000
OVER = frozenset({"complete", "completepartial", "completepartialled", "cancelled", "unfulfillable", "invalid"})
"""States after which a network does no more for an order, in small letters without underscores."""


class _Order(msgspec.Struct):
    sellerFulfillmentOrderId: str = ""  # noqa: N815 - the vendor's words
    fulfillmentOrderStatus: str = ""  # noqa: N815
    orderId: str = ""  # noqa: N815
    status: str = ""

    def __repr__(self) -> str:
        return "_Order(***)"


class _Payload(msgspec.Struct):
    fulfillmentOrder: _Order | None = None  # noqa: N815
    fulfillmentOrders: list[_Order] = []  # noqa: N815

    def __repr__(self) -> str:
        return "_Payload(***)"


class _Told(msgspec.Struct):
    payload: _Payload | None = None
    order: _Order | None = None
    orders: list[_Order] = []

    def __repr__(self) -> str:
        return "_Told(***)"


_read = msgspec.json.Decoder(_Told).decode


def tells(operation: Operation) -> bool:
    """Whether answers of this operation describe orders."""
    return operation.method == "GET" and bool(operation.answer_order or operation.unit)


def ended(body: bytes) -> Iterator[str]:
    """The order ids, in the client's words, that an unmasked answer says are over."""
    try:
        told = _read(body)
    except msgspec.DecodeError:  # of another form, or nothing
        return
    payload = told.payload or _Payload()
    for order in (told.order, payload.fulfillmentOrder, *told.orders, *payload.fulfillmentOrders):
        if order is None:
            continue
        if (order.fulfillmentOrderStatus or order.status).replace("_", "").lower() in OVER:
            yield order.sellerFulfillmentOrderId or order.orderId
