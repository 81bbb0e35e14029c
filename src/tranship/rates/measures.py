"""Exact conversions: price lists speak ounces, pounds, inches, dollars; the kernel counts grams, cm3, micros.

A band "up to 1 lb" becomes "up to 453 g": an edge is rounded *down* to whole grams, so that comparing integers gives
the same answer as comparing exact weights, and 15.999 oz and 1 lb are one band.
"""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

GRAM_LB = 45_359_237
"""One pound in units of 0.00001 g (exact by definition: 453.59237 g)."""
_G_PER = {"oz": Decimal("28.349523125"), "lb": Decimal("453.59237"), "g": Decimal(1), "kg": Decimal(1000)}
CM3_PER_IN3_E6 = 16_387_064
"""One cubic inch in units of 0.000001 cubic centimeters (exact: 2.54 cm cubed)."""
CENT = 10_000
"""Micros in one cent."""


def edge_g(amount: Decimal | str | int, unit: str) -> int:
    """The heaviest whole weight in grams that is not above `amount` of `unit` (oz, lb, g, kg).

    >>> edge_g("15.999", "oz"), edge_g(1, "lb"), edge_g(70, "lb")
    (453, 453, 31751)
    """
    return int(Decimal(amount) * _G_PER[unit])


def edge_mm(inches: Decimal | str | int) -> int:
    """The longest whole length in millimeters that is not above `inches`.

    >>> edge_mm("0.75"), edge_mm(18)
    (19, 457)
    """
    return int(Decimal(inches) * Decimal("25.4"))


def edge_cm3(cubic_inches: Decimal | str | int) -> int:
    """The largest whole volume in cubic centimeters that is not above `cubic_inches`.

    >>> edge_cm3(1728)
    28316
    """
    return int(Decimal(cubic_inches) * CM3_PER_IN3_E6 / 1_000_000)


def dim_fraction(divisor: Decimal | str | int) -> tuple[int, int]:
    """`(num, den)` so that `-(-cm3 * num // den)` is the dim weight in grams for a divisor in cubic inches a pound.

    >>> num, den = dim_fraction(166)
    >>> -(-28_317 * num // den)  # 1,728 cubic inches at 166: 10.41 lb
    4722
    """
    scaled = Decimal(divisor) * CM3_PER_IN3_E6
    power = 10 ** max(0, -int(scaled.normalize().as_tuple().exponent))
    num, den = GRAM_LB * 10 * power, int(scaled * power)
    common = int(np.gcd(num, den))
    return num // common, den // common


def pounds(grams: int) -> str:
    """Grams as pounds with one decimal, as labels and quotes print them.

    >>> pounds(9253)
    '20.4 lb'
    """
    return f"{grams * 100_000 / GRAM_LB:.1f} lb"


def steps_above(weight_g: Ints, above_lb: Decimal, step_lb: Decimal) -> Ints:
    """How many started steps of `step_lb` a weight lies above `above_lb`; 0 at or below it. Exact on whole grams.

    >>> steps_above(np.array([1360, 1361, 1474, 1475]), Decimal(3), Decimal("0.25")).tolist()  # 3 lb = 1,360.8 g
    [0, 1, 1, 2]
    """
    step = int(step_lb * 1000) * GRAM_LB  # units of 1e-8 g
    over = weight_g.astype(np.int64) * 100_000_000 - int(above_lb * 1000) * GRAM_LB
    return np.maximum(0, -(-over // step))


def scale_cents(cents: Ints, bp: int) -> Ints:
    """A share in basis points of amounts in cents, each rounded half up to a whole cent.

    >>> scale_cents(np.array([1045, 333]), 8500).tolist()
    [888, 283]
    """
    return (2 * cents * bp + 10_000) // 20_000
