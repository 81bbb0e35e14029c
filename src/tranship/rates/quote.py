"""Quotes: what a shipment costs, each charge to the cent, adding up to exactly what the router counted.

A quote is `part_cost` told in words. The total is computed by `part_cost`; the parts are read from the layers of the
same tables, and the two are compared before a quote is given out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tranship.core.errors import InputError, InvariantError
from tranship.core.ledger import merged
from tranship.core.money import Money, micros_to_minor
from tranship.core.network import NetworkFile
from tranship.rates.compile import compile_tables
from tranship.rates.cost import INFEASIBLE, Cartons, Lines, cartons, part_cost, unit_class
from tranship.rates.measures import pounds
from tranship.rates.tables import PER_UNIT, Explained, Layer, RateTables
from tranship.rates.zones import zip3


@dataclass(frozen=True)
class QuotePart:
    """One charge: what it is, in which circumstances, and its micros (always whole cents)."""

    name: str
    detail: str
    micros: int

    @property
    def minor(self) -> int:
        """The charge in minor units."""
        return micros_to_minor(self.micros)


@dataclass(frozen=True)
class Quote:
    """The price of one part from one node. `parts` add up to `micros` exactly."""

    node: str
    card: str
    zone: int  # 0: unknown; only parcel cards charge by zone
    units: int
    parts: tuple[QuotePart, ...]
    micros: int
    currency: str
    notes: tuple[str, ...]  # price lists used, their dates and standing

    @property
    def total(self) -> Money:
        """The price in minor units of the network file's currency."""
        return Money(micros_to_minor(self.micros), self.currency)


def quote(
    tables: RateTables,
    network: NetworkFile,
    *,
    node: int,
    lines: Lines,
    zone: int | None = None,
    zip: str = "",  # noqa: A002
    residential: bool = True,
    order_units: Mapping[int, int] | None = None,
) -> Quote:
    """Quote the part of `lines` (position of the SKU, quantity) at a node position, to a zone or a destination ZIP.

    `order_units` has the order's units by unit row, for cards that count units over the whole order.
    Raises InputError, with the reason, where the node's card cannot price the part.
    """
    lines = tuple(merged(lines).items())
    place = network.nodes[node]
    if zone is None:
        zone = _zone(tables, node, zip)
    if not lines or min(quantity for _, quantity in lines) <= 0:
        raise InputError("a quote needs at least one line, each with a quantity above 0", where=f"node {place.code}")
    pooled = (order_units or {}).get(int(tables.unit_row[node]))
    cost = part_cost(tables, node, lines, zone, residential, pooled)
    if cost == INFEASIBLE:
        raise InputError(why_not(tables, network, node, lines, zone), where=f"node {place.code}")
    parts = tuple(part for part in _parts(tables, network, node, lines, zone, residential, pooled) if part.micros)
    if sum(part.micros for part in parts) != cost:
        raise InvariantError(f"a quote of node {place.code} has parts that do not add up to {cost} micros")
    notes = tables.explained.notes[node] if tables.explained else ()
    units = sum(quantity for _, quantity in lines)
    return Quote(place.code, place.card, zone, units, parts, cost, network.currency, notes)


def quote_shipment(
    network: NetworkFile,
    *,
    node_code: str,
    lines: Sequence[tuple[str, int]],
    zip: str,  # noqa: A002
    residential: bool = True,
    day: int,
) -> Quote:
    """Quote a shipment by codes: SKU codes with quantities (a bundle is one unit of its own weight and size), destination ZIP, price date.

    Raises InputError where a code is not known or the node cannot ship it.
    """
    nodes, skus = network.node_index(), network.sku_index()
    if node_code not in nodes:
        raise InputError(f"node {node_code!r} is not known", hint=f"Known nodes: {', '.join(nodes)}")
    found: list[tuple[int, int]] = []
    for code, quantity in lines:
        if code not in skus:
            raise InputError(f"SKU {code!r} is not in the network file's SKU list")
        if quantity <= 0:
            raise InputError(f"quantity of SKU {code} is {quantity}", hint="Allowed: a whole number above 0")
        found.append((skus[code], quantity))
    tables = compile_tables(network, day)
    return quote(tables, network, node=nodes[node_code], lines=found, zip=zip, residential=residential)


def why_not(tables: RateTables, network: NetworkFile, node: int, lines: Lines, zone: int) -> str:
    """Why a node's card cannot price a part, in words."""
    place = network.nodes[node]
    row = int(tables.parcel_row[node])
    for sku, _ in lines:
        if not tables.fits[sku, node]:
            reason = tables.explained.refusals[row][sku] if tables.explained and row >= 0 else ""
            if not reason:
                reason = "no row of the price list takes its size and weight" if tables.weight_g[sku] else ""
            code = network.skus[sku].code
            return f"card {place.card} cannot price SKU {code}: {reason or 'its weight is not known'}"
    return f"card {place.card} has no price to this destination (zone {zone or 'unknown'})"


def _zone(tables: RateTables, node: int, code: str) -> int:
    prefix = zip3(code)
    if prefix < 0:
        raise InputError(f"destination ZIP is {code!r}", hint="Allowed: a US ZIP code of five digits, such as 98109")
    return int(tables.zone3[node, prefix])


def _parts(
    tables: RateTables, network: NetworkFile, node: int, lines: Lines, zone: int, residential: bool, pooled: int | None
) -> Iterator[QuotePart]:
    units = sum(quantity for _, quantity in lines)
    yield QuotePart("order fee", "once a fulfillment order", int(tables.order_fee[node]))
    if tables.kind[node] == PER_UNIT:
        yield from _unit_parts(tables, network, node, lines, units, pooled)
        return
    fee = int(tables.unit_fee[node])
    yield QuotePart("pick and pack", f"{units} x {_money(fee)}", units * fee)
    yield from _carton_parts(tables, node, cartons(tables, int(tables.parcel_row[node]), lines), zone, residential)


def _unit_parts(
    tables: RateTables, network: NetworkFile, node: int, lines: Lines, units: int, pooled: int | None
) -> Iterator[QuotePart]:
    row = int(tables.unit_row[node])
    per_order = bool(tables.unit_scope[node])
    counted = max(units, pooled or 0) if per_order else units
    column = unit_class(counted)
    scope = f"; price for {_classes(column)}, the {'order' if per_order else 'part'} has {counted}"
    one_layer: tuple[Layer, ...] = (("fulfillment", tables.unit_price[row]),)
    for sku, quantity in lines:
        code = network.skus[sku].code
        label, layers = "", one_layer
        if tables.explained:
            label, layers = f" ({tables.explained.unit_labels[row][sku]})", tables.explained.unit_layers[row]
        by_class = len(set(tables.unit_price[row, sku].tolist())) > 1
        for position, (name, prices) in enumerate(layers):
            each = int(prices[sku, column])
            told = scope if by_class and position == 0 else ""
            yield QuotePart(name, f"{quantity} x {code}{label} at {_money(each)}{told}", quantity * each)


def _carton_parts(tables: RateTables, node: int, packed: Cartons, zone: int, residential: bool) -> Iterator[QuotePart]:
    row = int(tables.parcel_row[node])
    limit = int(tables.max_carton_g[row])
    basis = "dim" if packed.dim_g > packed.actual_g else "actual"
    groups = [(1, packed.full, limit)] if packed.full else []
    if packed.has_rest:
        groups.append((packed.full + 1, 1, packed.rest_g))
    for first, count, weight in groups:
        band = int(tables.band_of[row, weight])
        which = f"carton {first}" if count == 1 else f"cartons {first} to {first + count - 1}"
        which, weighs = (
            f"{which} of {packed.count}",
            f"{pounds(weight)}{'' if count == 1 else ' each'} billed ({basis})",
        )
        for name, each, label in _carton_layers(tables.explained, tables, row, zone, band):
            about = f"zone {zone}, {which}: {weighs}{label}" if label else which
            yield QuotePart(name, about + _times(count, each), count * each)
        if residential:
            fee = int(tables.residential_fee[row])
            yield QuotePart("residential", which + _times(count, fee), count * fee)


def _carton_layers(
    explained: Explained | None, tables: RateTables, row: int, zone: int, band: int
) -> Iterator[tuple[str, int, str]]:
    """`(name, micros a carton, label of the band)`; only the first layer has a label."""
    if explained is None:
        yield "parcel", int(tables.parcel[row, zone, band]), f", band {band}"
        return
    for position, (name, prices) in enumerate(explained.parcel_layers[row]):
        yield name, int(prices[zone, band]), "" if position else f", band up to {explained.band_labels[row][band]}"


def _times(count: int, each: int) -> str:
    return f", {count} x {_money(each)}" if count > 1 else ""


def _classes(column: int) -> str:
    return ("1 unit", "2 units", "3 units", "4 units", "5 or more units")[column]


def _money(micros: int) -> str:
    return f"{micros_to_minor(micros) / 100:.2f}"
