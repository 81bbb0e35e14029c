"""Arrival windows and fees of the stand-in Amazon: made up, monotone in speed, and the same in both versions."""

from tranship.sandbox.common.clock import DAY, iso

_DAYS = {"STANDARD": (3, 5), "EXPEDITED": (2, 3), "PRIORITY": (1, 1), "SCHEDULED": (2, 4)}
_CENTS = {"STANDARD": 799, "EXPEDITED": 1099, "PRIORITY": 1499, "SCHEDULED": 999}


def days(tier: str) -> tuple[int, int]:
    """First and last day of arrival, counted from now."""
    return _DAYS[tier]


def span(now: int, between: tuple[int, int]) -> tuple[str, str]:
    """Start and end of a window of days."""
    day = now // DAY * DAY
    return iso(day + between[0] * DAY), iso(day + (between[1] + 1) * DAY - 1_000_000)


def window(now: int, between: tuple[int, int]) -> dict[str, str]:
    """The same, in the words of 2026-07-04."""
    start, end = span(now, between)
    return {"startTime": start, "endTime": end}


def fees(tier: str, lines: int) -> list[tuple[str, int]]:
    """Fee names and cents. No fee schedule of Amazon's: a stand-in that a test can add up."""
    return [("MCFTransportationFee", _CENTS[tier] - 300), ("MCFPerUnitFulfillmentFee", 300 * max(lines, 1))]
