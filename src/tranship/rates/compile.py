"""Compile the cards of a network file to the integer tables that routing and quotes read, for one price date."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tranship.core.errors import InputError
from tranship.core.network import NetworkFile
from tranship.rates.cards import Card, Raw, assumed_settings, card_for, cast_cards, change_days, raw_card
from tranship.rates.goods import Goods, goods_of
from tranship.rates.measures import CENT
from tranship.rates.parcel_prices import ParcelPrices, parcel_prices, refusals
from tranship.rates.tables import PARCEL, PER_UNIT, UNIT_CLASSES, Explained, Ints, RateTables
from tranship.rates.transit import services_of, transit_table
from tranship.rates.unit_prices import UnitPrices, unit_prices
from tranship.rates.zones import zone_table

T = TypeVar("T")
Array = NDArray[Any]


@dataclass(frozen=True)
class _Rows:
    """Cards in use by kind, each once, with their compiled prices."""

    units: dict[str, UnitPrices]
    parcels: dict[str, ParcelPrices]
    refusals: dict[str, tuple[str, ...]]


def compile_tables(network: NetworkFile, day: int) -> RateTables:
    """Tables of every node for the price date `day` (a day number). Raises InputError where a card cannot be read."""
    cards = _cards_in_use(network, lambda raws, name: card_for(raws, name, day))
    goods = goods_of(network.skus)
    rows = _compile_rows(cards, goods, day)
    node_cards = [cards[node.card] for node in network.nodes]
    services = services_of(network.nodes, [channel.service for channel in network.channels])
    arrays: dict[str, Any] = {
        **_node_arrays(node_cards, rows),
        **_unit_arrays(rows, goods),
        **_parcel_arrays(cards, rows),
        "fits": _fits(node_cards, rows, len(network.skus)),
        "weight_g": goods.weight_g,
        "volume_cm3": goods.volume_cm3,
        "zone3": _zones(network, node_cards, rows),
        "transit_days": transit_table(network.nodes, services, [dict(card.transit) for card in node_cards]),
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    version = _version(network, arrays, last_change(network, day), services)
    return RateTables(version=version, services=services, explained=_explain(network, node_cards, rows, day), **arrays)


def next_change(network: NetworkFile, day: int) -> int | None:
    """The next day after `day` on which any node's card may charge otherwise; None where none is known."""
    return min((change for change in _changes(network, day) if change > day), default=None)


def last_change(network: NetworkFile, day: int) -> int | None:
    """The latest such day up to and including `day`; None where prices were always as they are."""
    return max((change for change in _changes(network, day) if change <= day), default=None)


def _changes(network: NetworkFile, day: int) -> set[int]:
    found = _cards_in_use(network, lambda raws, name: change_days(name, raw_card(raws, name), day))
    return set().union(*found.values())


def _cards_in_use(network: NetworkFile, read: Callable[[Mapping[str, Raw], str], T]) -> dict[str, T]:
    raws = cast_cards(network.cards)
    found: dict[str, T] = {}
    for node in network.nodes:
        if node.card not in found:
            try:
                found[node.card] = read(raws, node.card)
            except InputError as error:
                if node.card in raws or error.where != f"[card.{node.card}]":
                    raise
                raise InputError(error.what, where=f"node {node.code}, card", hint=error.hint) from error
    return found


def _compile_rows(cards: dict[str, Card], goods: Goods, day: int) -> _Rows:
    parcels = {name: card for name, card in cards.items() if card.type == "parcel"}
    return _Rows(
        units={name: unit_prices(card, goods, day) for name, card in cards.items() if card.type == "per_unit"},
        parcels={name: parcel_prices(card, day) for name, card in parcels.items()},
        refusals={name: refusals(card, goods) for name, card in parcels.items()},
    )


def _node_arrays(cards: Sequence[Card], rows: _Rows) -> dict[str, Ints]:
    units, parcels = list(rows.units), list(rows.parcels)

    def each(value: Callable[[Card], int]) -> Ints:
        return np.array([value(card) for card in cards], np.int64)

    return {
        "kind": each(lambda card: PER_UNIT if card.type == "per_unit" else PARCEL),
        "unit_row": each(lambda card: units.index(card.name) if card.type == "per_unit" else -1),
        "unit_scope": each(lambda card: int(card.per_order)),
        "order_fee": each(lambda card: card.order_fee * CENT),
        "unit_fee": each(lambda card: 0 if card.type == "per_unit" else card.unit_fee * CENT),
        "parcel_row": each(lambda card: parcels.index(card.name) if card.type == "parcel" else -1),
    }


def _unit_arrays(rows: _Rows, goods: Goods) -> dict[str, Ints]:
    prices = [prices.price for prices in rows.units.values()]
    unused = np.zeros((len(goods.weight_g), UNIT_CLASSES), np.int64)
    return {"unit_price": np.stack(prices or [unused]).astype(np.int64)}


def _parcel_arrays(cards: dict[str, Card], rows: _Rows) -> dict[str, Array]:
    """Rows padded to common sizes; one row that is never read where no parcel card is in use."""
    used = [cards[name].carton for name in rows.parcels]
    bands = max((prices.price.shape[1] for prices in rows.parcels.values()), default=1)
    heaviest = max((carton.max_g for carton in used), default=1)
    parcel = np.zeros((max(1, len(used)), 10, bands), np.int64)
    band_of = np.zeros((max(1, len(used)), heaviest + 1), np.uint8)
    for row, prices in enumerate(rows.parcels.values()):
        own = prices.price.shape[1]
        parcel[row] = np.pad(prices.price, ((0, 0), (0, bands - own)), mode="edge")
        band_of[row] = np.pad(prices.band_of, (0, heaviest + 1 - len(prices.band_of)), mode="edge")

    def each(values: list[int], unused: int) -> Ints:
        return np.array(values or [unused], np.int64)

    return {
        "parcel": parcel,
        "band_of": band_of,
        "max_carton_g": each([carton.max_g for carton in used], 1),
        "dim_num": each([carton.dim[0] for carton in used], 0),
        "dim_den": each([carton.dim[1] for carton in used], 1),
        "dim_over_cm3": each([carton.dim_over_cm3 for carton in used], 0),
        "residential_fee": each([carton.residential_fee * CENT for carton in used], 0),
    }


def _fits(cards: Sequence[Card], rows: _Rows, skus: int) -> Array:
    by_card = {name: prices.fits for name, prices in rows.units.items()}
    by_card |= {name: np.array([not why for why in reasons], bool) for name, reasons in rows.refusals.items()}
    columns = [by_card[card.name] for card in cards]
    return np.stack(columns, axis=1).astype(np.uint8) if columns else np.zeros((skus, 0), np.uint8)


def _zones(network: NetworkFile, cards: Sequence[Card], rows: _Rows) -> Array:
    zones = zone_table(network.nodes)
    for position, card in enumerate(cards):
        if card.type == "parcel":
            for zone in rows.parcels[card.name].unserved:
                zones[position, zones[position] == zone] = 0
    return zones


def _version(network: NetworkFile, arrays: Mapping[str, Array], since: int | None, services: tuple[str, ...]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    names = (*(node.code for node in network.nodes), "", *(sku.code for sku in network.skus), "", *services, str(since))
    digest.update("\x1f".join(names).encode())
    for name in (field.name for field in fields(RateTables)):
        if name in arrays:
            digest.update(f"{name}{arrays[name].shape}".encode())
            digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _notes(network: NetworkFile, card: Card, day: int) -> tuple[str, ...]:
    assumed = assumed_settings(cast_cards(network.cards), card.name)
    told = f"card {card.name}: assumed {', '.join(assumed)}"
    return (card.table.note(day), *([told] if assumed else []))


def _explain(network: NetworkFile, cards: Sequence[Card], rows: _Rows, day: int) -> Explained:
    return Explained(
        day=day,
        unit_layers=tuple(prices.layers for prices in rows.units.values()),
        unit_labels=tuple(prices.labels for prices in rows.units.values()),
        parcel_layers=tuple(prices.layers for prices in rows.parcels.values()),
        band_labels=tuple(prices.labels for prices in rows.parcels.values()),
        refusals=tuple(rows.refusals.values()),
        notes=tuple(_notes(network, card, day) for card in cards),
        cards=tuple(card.name for card in cards),
    )
