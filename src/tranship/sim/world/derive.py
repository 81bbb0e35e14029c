"""The derived world of one staged file: what source and network file do not say, drawn by seed, told in a banner."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec
import numpy as np

from tranship.connectors.files.model import Staged, StagedOrder
from tranship.core.money import scale_minor
from tranship.core.network import NetworkFile, Sku
from tranship.core.order import NO_TERMS, Destination, Order, OrderLine
from tranship.sim.world.destinations import Destinations, draw_key
from tranship.sim.world.exchange import Exchange, exchange_of
from tranship.sim.world.goods import draw_goods
from tranship.sim.world.keyed import Ints
from tranship.sim.world.placement import Placement, place
from tranship.sim.world.settings import WorldSettings, read_settings
from tranship.sim.world.stock import Demand, Receipt, Supply, receipts, simulate, weekly_demand


@dataclass(frozen=True, eq=False)
class World:
    """Everything a run needs besides the orders.

    SKU positions are those of `skus`: the network file's first, then new ones by code.
    """

    skus: tuple[Sku, ...]
    destinations: tuple[Destination, ...]  # one for each of staged.orders, in their order
    exchange: Exchange
    opening: tuple[Receipt, ...]  # balances when the books open, before the first order
    receipts: tuple[Receipt, ...]  # by time, then node
    units_demanded: int  # of SKUs that stock was derived for; bundles as their parts
    units_filled: int  # of those, what one pool of all nodes could fill
    banner: list[str]  # what was derived, in words for people; empty where nothing was

    @property
    def pool_fill(self) -> float:
        """Share of demanded units that this stock could fill if all nodes were one; 1.0 where none was derived."""
        return self.units_filled / self.units_demanded if self.units_demanded else 1.0

    def order(self, staged: Staged, i: int, channel: str, person_id: str = "") -> Order:
        """Order `staged.orders[i]` with its destination and the party's currency; `channel` is for one that names none."""
        found = staged.orders[i]
        rate = self.exchange.rate(found.currency)
        up, down = rate.numerator, rate.denominator
        lines = []
        value = 0
        for line in found.lines:
            price = line.unit_price_minor
            if up != down:
                price = scale_minor(price, up, down)
            value += line.qty * price
            lines.append(OrderLine(line.key, line.sku, line.qty, price))
        return Order(
            source=staged.source,
            number=found.number,
            channel=found.channel or channel,
            placed_at=found.placed_at,
            to=self.destinations[i],
            lines=tuple(lines),
            currency=self.exchange.currency,
            person_id=person_id,
            service=found.service,
            deliver_by=found.deliver_by,
            value_minor=value,
            terms=found.terms if found.terms != NO_TERMS else msgspec.UNSET,
        )

    def digest(self) -> str:
        """SHA-256 over the whole world: equal worlds, equal digests, on every machine."""
        state = sha256(msgspec.msgpack.encode((self.skus, self.destinations)))
        for receipt in (*self.opening, *self.receipts):
            state.update(np.array([receipt.at, receipt.node, len(receipt.skus)], "<i8").tobytes())
            state.update(receipt.skus.astype("<i8").tobytes() + receipt.quantities.astype("<i8").tobytes())
        return state.hexdigest()


@dataclass(frozen=True, eq=False)
class _Lines:
    """All lines of a file as columns; `sku` is a position in `codes`, which are sorted."""

    codes: list[str]
    sku: Ints
    at: Ints
    quantity: Ints
    price: Ints  # minor units in the party's currency


def derive(
    staged: Staged,
    network: NetworkFile,
    settings: WorldSettings | None = None,
    *,
    mapping: Mapping[str, object] | None = None,
    stock_given: bool = False,
) -> World:
    """The world of `staged` under `network`; nothing that either of them says is changed.

    `settings` default to the network file's `[world]`, `mapping` to its `[source.NAME]` of the file's source.
    `stock_given`: opening balances come from elsewhere, so no stock is derived. Raises InputError for settings out of
    range and for a missing currency rate.
    """
    settings = read_settings(network.world) if settings is None else settings
    mapping = network.sources.get(staged.source, {}) if mapping is None else mapping
    currencies = {order.currency for order in staged.orders}
    exchange = exchange_of(network.currency, mapping, currencies, f"[source.{staged.source}]")
    lines = _columns(staged, exchange)
    skus, derived_goods = _skus(network, lines, settings)
    destinations, derived_places = _destinations(staged, settings)
    banner = [*_money_words(exchange, staged), *_place_words(derived_places, staged, settings)]
    banner += _goods_words(derived_goods, len({*lines.codes}), settings)
    opening: list[Receipt] = []
    later: list[Receipt] = []
    supply = Supply(np.zeros((0, 0), np.int64), 0, 0)
    if settings.stock == "derive" and not stock_given and staged.orders:
        demand, placement = _demand(network, skus, lines, settings)
        supply = simulate(demand, [sku.code for sku in skus], settings)
        opening, later = receipts(network, demand, supply, placement, min(o.placed_at for o in staged.orders) - 1)
        banner += _stock_words(demand, supply, placement, settings)
    return World(skus, destinations, exchange, tuple(opening), tuple(later), supply.demanded, supply.filled, banner)


def _columns(staged: Staged, exchange: Exchange) -> _Lines:
    seen: dict[str, int] = {}
    sku: list[int] = []
    quantity: list[int] = []
    price: list[int] = []
    for order in staged.orders:
        for line in order.lines:
            sku.append(seen.setdefault(line.sku, len(seen)))
            quantity.append(line.qty)
            price.append(line.unit_price_minor)
    counts = [len(order.lines) for order in staged.orders]
    codes = sorted(seen)
    rank = np.empty(len(codes), np.int64)
    rank[[seen[code] for code in codes]] = np.arange(len(codes))
    at = np.repeat(np.array([order.placed_at for order in staged.orders], np.int64), counts)
    rates = [exchange.rate(order.currency) for order in staged.orders]
    up = np.repeat(np.array([rate.numerator for rate in rates], np.int64), counts)
    down = np.repeat(np.array([rate.denominator for rate in rates], np.int64), counts)
    converted = (2 * np.array(price, np.int64) * up + down) // np.maximum(2 * down, 1)
    return _Lines(codes, rank[np.array(sku, np.int64)], at, np.array(quantity, np.int64), converted)


def _skus(network: NetworkFile, lines: _Lines, settings: WorldSettings) -> tuple[tuple[Sku, ...], int]:
    known = network.sku_index()
    wanted = set(lines.codes) | {part for sku in network.skus for part, _ in sku.parts}
    missing = sorted(wanted - known.keys())
    values = _median_prices(lines)
    drawn = draw_goods(missing, [values.get(code, values.get("", 0)) for code in missing], settings)
    return (*network.skus, *drawn), len(drawn)


def _median_prices(lines: _Lines) -> dict[str, int]:
    """Lower median of each SKU's prices above 0; under "" the lower median of those, for SKUs without any."""
    priced = lines.price > 0
    sku, price = lines.sku[priced], lines.price[priced]
    order = np.lexsort((price, sku))
    sku, price = sku[order], price[order]
    if len(sku) == 0:
        return {}
    low = np.flatnonzero(np.diff(sku, prepend=-1))
    high = np.append(low[1:], len(sku))
    medians = price[(low + high - 1) // 2]
    found = {lines.codes[s]: int(m) for s, m in zip(sku[low].tolist(), medians.tolist(), strict=True)}
    found[""] = int(np.sort(medians)[(len(medians) - 1) // 2])
    return found


def _destinations(staged: Staged, settings: WorldSettings) -> tuple[tuple[Destination, ...], int]:
    draw = Destinations(settings.seed, settings.residential)
    without = [order for order in staged.orders if not order.zip]
    keys = [draw_key(staged.source, order.customer or order.number, not order.customer) for order in without]
    drawn = iter(draw.many(keys, [order.state if order.country in ("", "US") else "" for order in without]))
    real: dict[tuple[str, str, str], Destination] = {}
    found = [_given(order, draw, real) if order.zip else next(drawn) for order in staged.orders]
    return tuple(found), len(without)


def _given(order: StagedOrder, draw: Destinations, made: dict[tuple[str, str, str], Destination]) -> Destination:
    key = (order.zip, order.state, order.country)
    if key not in made:
        country = order.country or "US"
        state = order.state or (draw.places.state_of(order.zip[:5]) if country == "US" else "")
        made[key] = Destination(order.zip, state, country, draw.residential)
    return made[key]


def _demand(
    network: NetworkFile, skus: Sequence[Sku], lines: _Lines, settings: WorldSettings
) -> tuple[Demand, Placement]:
    """Weekly demand by SKU (a bundle's is its parts') and where each SKU lies; one that may lie nowhere has no demand."""
    positions = {sku.code: i for i, sku in enumerate(skus)}
    parts = [parts_of(skus, positions, positions[code]) for code in lines.codes]
    count = np.array([len(found) for found in parts], np.int64)
    start = np.concatenate([[0], count.cumsum()])
    flat = np.array([pair for found in parts for pair in found], np.int64).reshape(-1, 2)
    repeats = count[lines.sku]
    line = np.repeat(np.arange(len(lines.sku)), repeats)
    nth = np.arange(len(line)) - np.repeat(np.concatenate([[0], repeats.cumsum()])[:-1], repeats)
    chosen = flat[start[lines.sku[line]] + nth]
    demand = weekly_demand(chosen[:, 0], lines.at[line], lines.quantity[line] * chosen[:, 1], len(skus))
    placement = place(network, skus, demand.units.sum(axis=1), settings.seed)
    demand.units[~placement.stocked.any(axis=1)] = 0
    return demand, placement


def parts_of(skus: Sequence[Sku], positions: Mapping[str, int], i: int) -> list[tuple[int, int]]:
    """(position, units) that one unit of SKU `i` takes from the shelves: itself, or a bundle's parts."""
    total: dict[int, int] = {}
    open_parts = [(i, 1, 0)]
    while open_parts:
        at, units, depth = open_parts.pop()
        if skus[at].parts and depth < 8:  # a bundle that holds itself would never end; `tranship check` refuses it
            open_parts += [(positions[code], units * each, depth + 1) for code, each in skus[at].parts]
        else:
            total[at] = total.get(at, 0) + units
    return sorted(total.items())


def _money_words(exchange: Exchange, staged: Staged) -> Iterable[str]:
    for currency, rate in exchange.rates.items():
        yield (
            f"Prices are in {currency}, converted to {exchange.currency} at {float(rate):g} "
            f"(the network file's [source.{staged.source}] rate), rounded to the cent."
        )


def _place_words(derived: int, staged: Staged, settings: WorldSettings) -> Iterable[str]:
    if derived:
        homes = "homes" if settings.residential else "businesses"
        yield (
            f"Destinations of {derived:,} of {len(staged.orders):,} orders are derived (seed {settings.seed}): a state by "
            f"2020 census population, a ZIP code uniform among its standard ones, the same for every order of a customer; "
            f"guests by invoice. All count as {homes}."
        )


def _goods_words(derived: int, codes: int, settings: WorldSettings) -> Iterable[str]:
    if derived:
        ranges = f"{settings.weight_min_g} to {settings.weight_max_g} g a unit"
        if settings.goods == "superstore":
            ranges = f"by category, else {ranges}"
        yield (
            f"Weight and size of {derived:,} of {codes:,} SKUs are derived ({ranges}, by SKU code); their value is the "
            f"median unit price; none is fragile or hazardous."
        )


def _stock_words(demand: Demand, supply: Supply, placement: Placement, settings: WorldSettings) -> Iterable[str]:
    sides = ", ".join(f"{side.name or 'independent'} {side.weight_bp / 100:g} %" for side in placement.sides)
    yield (
        f"Stock is derived: each Monday a forecast per SKU (mean of the last {settings.forecast_weeks} weeks, lognormal "
        f"error {settings.forecast_error:g}), ordered up to {settings.cover_weeks} weeks, there {settings.lead_weeks} "
        f"week(s) later, opening from its own first {settings.forecast_weeks} weeks; split {sides}."
    )
    yield (
        f"With this stock even one pool of all nodes could fill only {100 * supply.fill:.1f} % of the units ordered: the "
        f"rest is short in this world, whatever the router does."
    )
    nowhere = int((~placement.stocked.any(axis=1) & (demand.first_at >= 0)).sum())
    if nowhere:
        yield f"{nowhere:,} ordered SKUs may be stocked at no node (see `tranship check`): they have no stock."
