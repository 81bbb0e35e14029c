"""Parcel cards compiled: micros of one carton by zone and weight band, and the band of every weight in whole grams.

A band edge is set wherever a price or a surcharge begins or ends, so that one lookup prices a carton. Discount, fuel,
carton fee and surcharges are layers; each is rounded to a whole cent for one carton.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tranship.rates.cards import Card, Surcharge
from tranship.rates.goods import Goods
from tranship.rates.measures import CENT, pounds, scale_cents
from tranship.rates.price_tables import NO_PRICE
from tranship.rates.tables import Ints, Layer


@dataclass(frozen=True)
class ParcelPrices:
    """`layers` add up to `price` `[10, B]` micros a carton; `band_of` has the band of 0 to `max_g` grams."""

    price: Ints
    layers: tuple[Layer, ...]
    labels: tuple[str, ...]
    band_of: NDArray[np.uint8]
    unserved: tuple[int, ...]  # zones without a price


def parcel_prices(card: Card, day: int) -> ParcelPrices:
    """Price every zone and band of a parcel card for a day."""
    bands = card.table.on(day).bands
    extras = [extra for extra in card.surcharges if extra.period.holds(day)]
    edges = _edges(card, [band.upto_g for band in bands], extras)
    source = [next(band for band in bands if band.upto_g >= edge) for edge in edges]
    listed = np.array([band.cents for band in source], np.int64).T
    served = listed != NO_PRICE
    price = scale_cents(np.where(served, listed, 0), 10_000 - card.discount_bp)
    layers: list[tuple[str, Ints]] = [("postage", price)]
    if card.carton.fee:
        layers.append(("carton", np.full_like(price, card.carton.fee)))
    if card.fuel_bp:
        layers.append((f"fuel {card.fuel_bp / 100:g} %", scale_cents(price, card.fuel_bp)))
    layers += [(extra.name, _surcharge(extra, price, edges)) for extra in extras]
    micros = tuple((name, np.where(served, cents, 0) * CENT) for name, cents in layers if cents.any())
    named = {band.upto_g: band.label for band in bands}
    return ParcelPrices(
        price=np.sum([layer for _, layer in micros], axis=0) if micros else np.zeros_like(price),
        layers=micros,
        labels=tuple(named.get(edge, pounds(edge)) for edge in edges),
        band_of=np.searchsorted(np.array(edges), np.arange(card.carton.max_g + 1), side="left").astype(np.uint8),
        unserved=tuple(zone for zone in range(1, 10) if not served[zone].all()),
    )


def _edges(card: Card, upto_g: list[int], extras: list[Surcharge]) -> list[int]:
    heaviest = card.carton.max_g
    edges = {*upto_g, *(extra.over_g for extra in extras), heaviest}
    return sorted(edge for edge in edges if 0 < edge <= heaviest)


def _surcharge(extra: Surcharge, price: Ints, edges: list[int]) -> Ints:
    applies = np.ones_like(price, dtype=bool)
    if extra.zones:
        applies &= np.isin(np.arange(10), extra.zones)[:, None]
    applies &= np.array([edge > extra.over_g for edge in edges])[None, :]
    return np.where(applies, extra.cents + scale_cents(price, extra.bp), 0)


def refusals(card: Card, goods: Goods) -> tuple[str, ...]:
    """Why each SKU cannot go into a carton of this card; "" where it can."""
    limit_mm = card.carton.length_girth_mm
    sides = -np.sort(-goods.sides_mm, axis=1)
    girth = sides[:, 0] + 2 * (sides[:, 1] + sides[:, 2])
    reasons = [""] * len(goods.weight_g)
    for sku in np.flatnonzero(~goods.known):
        reasons[sku] = "its weight is not known"
    for sku in np.flatnonzero(goods.weight_g > card.carton.max_g):
        reasons[sku] = f"it weighs {pounds(int(goods.weight_g[sku]))}, a carton holds {pounds(card.carton.max_g)}"
    for sku in np.flatnonzero(girth > limit_mm) if limit_mm else ():
        reasons[sku] = f"length plus girth is {girth[sku] / 25.4:.0f} in, the card takes {limit_mm / 25.4:.0f} in"
    return tuple(reasons)
