"""Reads requests of the stand-in Amazon without trusting them: without the vendor's files these checks are all there is."""

import re
from collections.abc import Mapping
from typing import Any

from tranship.sandbox.amazon.orders import ID_LENGTH_MAX, Order, Orders, invalid
from tranship.sandbox.common.clock import parse_time
from tranship.sandbox.common.wire import Call, Refusal

Json = Mapping[str, Any]


def table(value: object, name: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise invalid(f"{name} is required and is an object.")
    return value


def rows(value: object, name: str) -> list[dict[str, Any]]:
    """A JSON array of objects that is not empty."""
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        raise invalid(f"{name} is required and is a list of objects.")
    return value


def text(found: Json, name: str, *, longest: int = 1000, default: str | None = None) -> str:
    """A text that is not empty; `default` where it is absent and one is given."""
    value = found.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise invalid(f"{name} is required and has 1 to {longest} characters.")
    return value


def one_of(value: str, allowed: Mapping[str, str], name: str) -> str:
    """A word of a list, as our own word for it."""
    if value not in allowed:
        raise invalid(f"{name} is one of {', '.join(allowed)}.")
    return allowed[value]


def decimal(value: object, name: str) -> int:
    """Whole units written as a decimal number in a text, as Amazon writes them."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}(\.0{1,9})?", value):
        raise invalid(f"{name} is a whole number of units.")
    return int(value.partition(".")[0])


def moment(value: str, name: str) -> int:
    """A time."""
    try:
        return parse_time(value)
    except ValueError as error:
        raise invalid(f"{name} is a time in ISO 8601.") from error


def address(value: object) -> dict[str, Any]:
    """A full address: name, first line, postal code, country."""
    found = table(value, "address")
    for name in ("name", "addressLine1", "postalCode", "countryCode"):
        text(found, name)
    return found


def order_id(call: Call, name: str) -> str:
    """The order's id in the path, with two things its users meet: a `+` becomes a space, and an id with spaces is forbidden.

    Sources: selling-partner-api-models issue 5374, selling-partner-api-docs issue 1383.
    """
    found = call.path[name].replace("+", " ")
    if len(found) > ID_LENGTH_MAX:
        raise invalid(f"The order identifier has at most {ID_LENGTH_MAX} characters.")
    if "  " in found:
        raise Refusal(403, "Forbidden", "Access to requested resource is denied.")
    return found


def order_of(orders: Orders, call: Call, name: str, *, reading: bool = False) -> Order:
    """The order that is meant; `reading` sees it with the call's read lag."""
    found = orders.read(order_id(call, name), call.seen_at if reading else call.now, call.now)
    if found is None:
        raise Refusal(404, "NotFound", "The order was not found.")
    return found


def page_place(token: str, arguments: str) -> int:
    """Where a page begins, from its token; the arguments must be those of the call that gave it."""
    place, _, given = token.partition(".")
    if not place.isascii() or not place.isdigit() or len(place) > 12 or given != arguments:
        raise invalid("The page token is not valid for these arguments.")
    return int(place)
