"""`tranship cancel`, `address`: what a customer changes of an order before it ships."""

from typing import Annotated, Any

from cyclopts import Parameter

from tranship.cli.asking import HERE, On, Url, asked, segment
from tranship.cli.network import Json
from tranship.cli.output import say, write_json
from tranship.core.errors import InputError


def cancel(order: str, *lines: str, ref: str, url: Url = HERE, on: On = None, json: Json = False) -> None:
    """Take units of an order back. What no network can ship is void now, what one has is asked back, what left is too late.

    Args:
        order: number or id of the order
        lines: LINE=UNITS, as in 1=2 (default: all that can still be had back)
        ref: names the request for good: the same one again is done once
    """
    wanted = [{"line": key, "qty": units} for key, units in map(_line, lines)]
    answer = _said(url, on, order, "cancel", {"ref": ref, "lines": wanted or "all"})
    if json:
        write_json(answer)
        return
    for each in answer["lines"]:
        words = [f"{each[name]} {word}" for name, word in _WORDS.items() if each[name]]
        say(f"line {each['line']}: {', '.join(words) or 'nothing'}")
    say(f"{answer['order']} is {answer['status']}")


_WORDS = {
    "void": "void now",
    "asked_back": "asked back from a network",
    "too_late": "too late: they have left",
    "gone_before": "were not open any more",
}


def address(
    order: str,
    *,
    ref: str,
    zip: Annotated[str, Parameter(name="--zip")],  # noqa: A002 - the word that people know
    state: str = "",
    country: str = "US",
    business: bool = False,
    name: str = "",
    street: str = "",
    city: str = "",
    url: Url = HERE,
    on: On = None,
    json: Json = False,
) -> None:
    """Send an order elsewhere while no network can ship it. What is left out of name, street and city stays.

    Args:
        order: number or id of the order
        ref: names the request for good: the same one again is done once
        zip: ZIP code
        state: the state's two letters
        country: ISO 3166
        business: the address is no residence
        name: who it goes to
        street: street and house number
        city: city
    """
    body: dict[str, Any] = {
        "ref": ref,
        "to": {"zip": zip, "state": state, "country": country, "residential": not business},
    }
    customer = {key: value for key, value in (("name", name), ("street", street), ("city", city)) if value}
    if customer:
        body["customer"] = customer
    answer = _said(url, on, order, "address", body)
    if json:
        write_json(answer)
        return
    for word, key in (("called back", "called_back"), ("decided again", "moved")):
        if answer[key]:
            say(f"{word}: {', '.join(answer[key])}")
    say(f"{answer['order']} goes to {answer['state']} {answer['zip']}, and is {answer['status']}")


def _line(text: str) -> tuple[str, int]:
    key, equals, units = text.rpartition("=")
    if not key or not equals or not (units.isascii() and units.isdigit()):
        raise InputError(f"{text!r}", where="cancel", hint="LINE=UNITS, as in 1=2")
    return key, int(units)


def _said(url: str, on: Any, order: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    return asked(url, on, lambda way: way.say(f"/v1/orders/{segment(order)}/{verb}", body))
