"""Prices in the party's currency: the rate of the network file's `[source.NAME]`, as an exact fraction."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from tranship.core.errors import InputError
from tranship.core.money import scale_minor


@dataclass(frozen=True)
class Exchange:
    """Converts minor units of a source's currency to the party's; `rates` has a fraction for each other currency."""

    currency: str  # the party's
    usual: str  # the source's, where an order names none
    rates: Mapping[str, Fraction]

    def rate(self, currency: str) -> Fraction:
        """What one unit of `currency` (empty: the source's usual one) is worth."""
        return self.rates.get(currency or self.usual, Fraction(1))

    def minor(self, amount: int, currency: str = "") -> int:
        """Minor units in the party's currency, rounded half up."""
        rate = self.rate(currency)
        return amount if rate == 1 else scale_minor(amount, rate.numerator, rate.denominator)


def exchange_of(party_currency: str, mapping: Mapping[str, object], currencies: set[str], where: str) -> Exchange:
    """The exchange for a file whose orders name `currencies` (empty: none named), under its mapping.

    Raises InputError where a price is in another currency than the party's and the mapping has no rate for it.
    """
    usual = str(mapping.get("currency") or "") or party_currency
    foreign = sorted({currency or usual for currency in currencies} - {party_currency})
    if not foreign:
        return Exchange(party_currency, usual, {})
    if usual != party_currency and foreign != [usual]:
        raise InputError(
            f"orders are in {', '.join(foreign)}, but the rate is for {usual}",
            where=where,
            hint=f"allowed: one currency besides {party_currency} in a file; split the file by currency",
        )
    if len(foreign) > 1:
        raise InputError(
            f"orders are in {', '.join(foreign)}",
            where=where,
            hint=f"allowed: one currency besides {party_currency} in a file; split the file by currency",
        )
    return Exchange(party_currency, usual, {foreign[0]: _rate(mapping.get("rate"), foreign[0], party_currency, where)})


def _rate(found: object, currency: str, party_currency: str, where: str) -> Fraction:
    hint = f"allowed: what one {currency} is worth in {party_currency}, above 0, such as rate = 1.55"
    if found is None:
        raise InputError(f"rate is missing: prices are in {currency}", where=where, hint=hint)
    try:
        rate = Fraction(str(found))  # through text: 1.55 is 31/20, not the nearest binary fraction
    except (ValueError, ZeroDivisionError):
        raise InputError(f"rate is {found!r}", where=where, hint=hint) from None
    if isinstance(found, bool) or rate <= 0:
        raise InputError(f"rate is {found!r}", where=where, hint=hint)
    return rate
