"""Money as integers.

Prices that people see are integer *minor units* (cents) with a currency. Inside the router money is integer *micros*
(one millionth of the currency's major unit), so that opportunity prices far below a cent add up exactly and two
implementations never differ in the last bit.
"""

import msgspec

MICROS_PER_UNIT = 1_000_000
"""Micros in one major unit (one dollar)."""
MICROS_PER_MINOR = 10_000
"""Micros in one minor unit of a two-decimal currency (one cent)."""


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount in integer minor units of one currency; amounts of two currencies never add."""

    minor: int
    currency: str = "USD"

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + Money(-other.minor, other.currency)

    def __str__(self) -> str:
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{abs(self.minor) // 100:,}.{abs(self.minor) % 100:02d} {self.currency}"


def micros_to_minor(micros: int) -> int:
    """Round micros to minor units, half away from zero.

    >>> micros_to_minor(12_345), micros_to_minor(15_000), micros_to_minor(-15_000)
    (1, 2, -2)
    """
    half = MICROS_PER_MINOR // 2
    if micros >= 0:
        return (micros + half) // MICROS_PER_MINOR
    return -((-micros + half) // MICROS_PER_MINOR)


def scale_minor(minor: int, numerator: int, denominator: int) -> int:
    """Multiply minor units by a fraction and round half up to a whole minor unit (discounts, fuel, exchange).

    >>> scale_minor(1045, 85, 100), scale_minor(333, 1035, 1000)
    (888, 345)
    """
    if minor < 0:
        return -scale_minor(-minor, numerator, denominator)
    return (2 * minor * numerator + denominator) // (2 * denominator)
