"""An order as it stands in the tables: what `GET /v1/orders/ID` shows. No personal data."""

import msgspec

from tranship.core.errors import InputError
from tranship.core.time import day_to_date, from_micros
from tranship.engine.explain import REST_WORDS
from tranship.store.port import Store


class LineNow(msgspec.Struct, frozen=True):
    """A line as it was ordered."""

    key: str
    sku: str
    qty: int
    unit_price_minor: int


class FulfillmentOrderNow(msgspec.Struct, frozen=True):
    """What one node is to ship of the order."""

    id: str
    node: str
    network: str
    status: str
    units: int
    ship_by: str
    deliver_by: str
    late: bool
    cost_micros: int


class ParkedNow(msgspec.Struct, frozen=True):
    """Units that wait here; `until` is the day after which they are given up, empty where there is none."""

    id: str
    units: int
    reason: str
    words: str
    until: str


class OrderNow(msgspec.Struct, frozen=True):
    """An order as it stands. `person` is an id that names nobody without the key file."""

    order: str
    status: str
    channel: str
    placed_at: str
    zip: str
    state: str
    country: str
    currency: str
    value_minor: int
    deliver_by: str
    person: str
    lines: tuple[LineNow, ...]
    fulfillment_orders: tuple[FulfillmentOrderNow, ...]
    parked: tuple[ParkedNow, ...]


def find_order(store: Store, name: str) -> OrderNow:
    """The order with this id (`source:number`) or number; InputError where there is none, or more than one."""
    columns = "order_id, status, channel, placed_at, zip, state, country, currency, value_minor, deliver_by, person_id"
    rows = store.query(f"SELECT {columns} FROM orders WHERE order_id = ?", (name,))  # noqa: S608 - columns from above
    rows = rows or store.query(f"SELECT {columns} FROM orders WHERE number = ? LIMIT 3", (name,))  # noqa: S608
    if not rows:
        raise InputError("the run has no order of this id or number")
    if len(rows) > 1:
        ids = ", ".join(str(row[0]) for row in rows)
        raise InputError(f"this is the number of {len(rows)} orders", hint=f"Name one: {ids}")
    order_id, status, channel, placed_at, code, state, country, currency, value, deliver_by, person = rows[0]
    return OrderNow(
        order=str(order_id),
        status=str(status),
        channel=str(channel),
        placed_at=from_micros(_int(placed_at)).isoformat(timespec="seconds").replace("+00:00", "Z"),
        zip=str(code),
        state=str(state),
        country=str(country),
        currency=str(currency),
        value_minor=_int(value),
        deliver_by=_date(deliver_by),
        person=str(person),
        lines=_lines(store, str(order_id)),
        fulfillment_orders=_parts(store, str(order_id)),
        parked=_parked(store, str(order_id)),
    )


def _lines(store: Store, order_id: str) -> tuple[LineNow, ...]:
    sql = "SELECT key, sku, qty, unit_price_minor FROM order_line WHERE order_id = ? ORDER BY line"
    rows = store.query(sql, (order_id,))
    return tuple(LineNow(str(key), str(sku), _int(qty), _int(price)) for key, sku, qty, price in rows)


def _parts(store: Store, order_id: str) -> tuple[FulfillmentOrderNow, ...]:
    sql = (
        "SELECT part_id, node, network, status, units, ship_day, deliver_day, late, cost FROM part"
        " WHERE order_id = ? ORDER BY committed_at, part_id"
    )
    return tuple(
        FulfillmentOrderNow(
            str(part),
            str(node),
            str(network),
            str(status),
            _int(units),
            _date(ship),
            _date(deliver),
            bool(late),
            _int(cost),
        )
        for part, node, network, status, units, ship, deliver, late, cost in store.query(sql, (order_id,))
    )


def _parked(store: Store, order_id: str) -> tuple[ParkedNow, ...]:
    sql = "SELECT park_id, units, reason, until_day FROM parked WHERE order_id = ? ORDER BY since, park_id"
    return tuple(
        ParkedNow(
            str(park), _int(units), str(reason), REST_WORDS.get(str(reason), str(reason)), _date(until) if until else ""
        )
        for park, units, reason, until in store.query(sql, (order_id,))
    )


def _int(value: object) -> int:
    return int(str(value))


def _date(day: object) -> str:
    return day_to_date(_int(day)).isoformat()
