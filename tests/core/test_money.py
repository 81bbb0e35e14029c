"""Money is integers: rounding is exact, symmetric, and never in the last bit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.core.money import MICROS_PER_MINOR, Money, micros_to_minor, scale_minor

amounts = st.integers(-(10**15), 10**15)


@given(amounts)
def test_micros_round_half_away_from_zero(micros: int) -> None:
    """The nearest cent; exactly half a cent goes away from zero, on both sides."""
    exact = Fraction(micros, MICROS_PER_MINOR)
    found = micros_to_minor(micros)
    assert abs(found - exact) <= Fraction(1, 2)
    assert micros_to_minor(-micros) == -found
    if abs(found - exact) == Fraction(1, 2):
        assert abs(found) > abs(exact)


@given(amounts, st.integers(0, 10**6), st.integers(1, 10**6))
def test_scaling_rounds_half_away_from_zero(minor: int, numerator: int, denominator: int) -> None:
    """A discount or an exchange rate rounds to the nearest minor unit, a refund exactly as the sale did."""
    exact = Fraction(minor * numerator, denominator)
    found = scale_minor(minor, numerator, denominator)
    assert abs(found - exact) <= Fraction(1, 2)
    assert scale_minor(-minor, numerator, denominator) == -found
    if abs(found - exact) == Fraction(1, 2):
        assert abs(found) > abs(exact)


@given(amounts, amounts)
def test_amounts_of_one_currency_add_exactly(a: int, b: int) -> None:
    """Sums and differences are those of the integers."""
    assert Money(a) + Money(b) == Money(a + b)
    assert Money(a) - Money(b) == Money(a - b)
    assert (Money(a) < Money(b)) is (a < b)


def test_amounts_of_two_currencies_do_not_add() -> None:
    """Dollars and pounds stay apart."""
    with pytest.raises(ValueError, match="cannot add GBP to USD"):
        Money(1, "USD") + Money(1, "GBP")


@pytest.mark.parametrize(
    ("minor", "text"),
    [(0, "0.00 USD"), (5, "0.05 USD"), (-5, "-0.05 USD"), (-123456, "-1,234.56 USD"), (100, "1.00 USD")],
)
def test_amounts_read_as_people_write_them(minor: int, text: str) -> None:
    """Two decimals, thousands separated, the sign in front."""
    assert str(Money(minor)) == text
