"""From a person and an address to what a network may see. What is not needed to deliver does not get in.

An address that cannot be delivered to is refused here, with the name of what is missing, before anything is journaled.
"""

import re
from collections.abc import Sequence

from tranship.core.errors import InputError
from tranship.core.order import Destination, Person
from tranship.masking.model import MaskedAddress, MaskedLine, MaskedOrder
from tranship.masking.policy import LINE_ID, REMOTE_ID, Fit, fit_of
from tranship.masking.policy.grammar import line_objection, lockers, name_objection, part_objection, postal_objection

SERVICES = ("ground", "two_day", "next_day")
_EMAIL = re.compile(r"[^\s@,;<>()]+@[^\s@,;<>()]+")
_PHONE = re.compile(r"(?<![\w-])(?:\+\d[\d ().-]{7,}\d|(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?![\w-])")
_LABEL = re.compile(r"\b(?:tel(?:ephone)?|phone|call|mobile|cell|e-?mail)\b[ .:]*(?=$|[,;\n])", re.IGNORECASE)
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def mask(
    remote_id: str,
    person: Person,
    destination: Destination,
    lines: Sequence[tuple[str, str, int]],
    service: str = "ground",
    ship_by: str = "",
    deliver_by: str = "",
    location: str = "",
    *,
    kind: str = "",
) -> MaskedOrder:
    """The order as the network of `kind` may see it. `lines` are (line id of our own making, the network's SKU code, units).

    Phone and e-mail never get in, also where somebody wrote them into the name or the street.

    Raises:
        InputError: no deliverable address (names what is missing), or an order that no network takes.
    """
    if not REMOTE_ID.fullmatch(remote_id):
        raise InputError("A remote id is 1 to 40 of A-Z, 0-9 and -", where="remote id")
    if service not in SERVICES:
        raise InputError(f"The service is none of {', '.join(SERVICES)}", where=f"dispatch {remote_id}")
    for day in (ship_by, deliver_by):
        if day and not _ISO_DAY.fullmatch(day):
            raise InputError("A day of the promise is not an ISO date", where=f"dispatch {remote_id}")
    to = masked_address(person, destination, fit_of(kind), where=f"dispatch {remote_id}")
    return MaskedOrder(remote_id, to, _lines(remote_id, lines), service, ship_by, deliver_by, location)


def _lines(remote_id: str, lines: Sequence[tuple[str, str, int]]) -> tuple[MaskedLine, ...]:
    where = f"dispatch {remote_id}"
    if not lines:
        raise InputError("An order without lines cannot be handed over", where=where)
    if len({line_id for line_id, _, _ in lines}) != len(lines):
        raise InputError("Two lines have the same id", where=where)
    for line_id, sku, quantity in lines:
        if LINE_ID.objection(line_id):
            raise InputError("A line id is 1 to 40 letters, digits and -", where=where)
        if not sku or len(sku) > 50:
            raise InputError(f"Line {line_id} has no SKU code that the network takes (1 to 50 characters)", where=where)
        if quantity < 1:
            raise InputError(f"Line {line_id} has no units", where=where)
    return tuple(MaskedLine(*line) for line in lines)


def masked_address(person: Person, destination: Destination, fit: Fit, *, where: str) -> MaskedAddress:
    """What a parcel needs to arrive, cut to the network's lengths without losing a word.

    Raises:
        InputError: name, street, city, ZIP code or country is missing, or does not fit.
    """
    name = " ".join(_parts(person.name, person))
    street = _parts(person.street, person)
    city = " ".join(_parts(person.city, person))
    zip_code = destination.zip.strip()
    wanted = {
        "name": name,
        "street": " ".join(street),
        "city": city,
        "ZIP code": zip_code,
        "country": destination.country,
        **({"state": destination.state} if fit.state else {}),
    }
    missing = [what for what, value in wanted.items() if not value]
    if missing:
        raise InputError(
            f"The address has no {', no '.join(missing)}", where=where, hint="A parcel cannot be delivered without"
        )
    if not re.fullmatch("[A-Z]{2}", destination.country):
        raise InputError("The country is not a code of two letters", where=where)
    if len(destination.state) > 50:
        raise InputError("The state is longer than 50 characters", where=where)
    if postal_objection(zip_code, destination.country):
        raise InputError("The ZIP code is not one", where=where)
    if len(city) > fit.city:
        raise InputError(f"The city is longer than the network's {fit.city} characters", where=where)
    name, line1, line2 = _fitted(name, street, fit, where)
    _verified(
        {"name": name, "street": line1, "second line": line2, "city": city, "state": destination.state.strip()}, where
    )
    return MaskedAddress(name, line1, city, destination.state.strip(), zip_code, destination.country, line2)


def _verified(parts: dict[str, str], where: str) -> None:
    """Nothing where every part looks like one: a note, a link or a number of a phone would travel with the parcel."""
    rules = {"name": name_objection, "street": line_objection, "second line": line_objection}
    for what, value in parts.items():
        objection = value and (
            rules.get(what, part_objection)(value) or lockers((parts["street"], parts["second line"]))
        )
        if objection:
            raise InputError(f"The {what} {objection}", where=where, hint="Put the order's address right")


def _parts(text: str, person: Person) -> list[str]:
    """The lines of a text, tidied, without anything that reaches the person by other means than a parcel."""
    for contact in (person.phone.strip(), person.email.strip()):
        if len(contact) >= 3 and not _is_without(text, contact):
            text = re.sub(re.escape(contact), " ", text, flags=re.IGNORECASE)
    if "@" in text:
        text = _EMAIL.sub(" ", text)
    text = _LABEL.sub(" ", _PHONE.sub(" ", text))
    printable = text if text.isprintable() else "".join(c if c.isprintable() or c in "\r\n" else " " for c in text)
    tidy = (" ".join(line.split()).strip(" ,;") for line in printable.splitlines())
    return [line for line in tidy if any(c.isalnum() for c in line)]


def _is_without(text: str, contact: str) -> bool:
    """Whether the text is seen to lack it at a glance: most do, and a pattern for each person is dear. Only of plain letters."""
    return text.isascii() and contact.isascii() and contact.lower() not in text.lower()


def _fitted(name: str, street: list[str], fit: Fit, where: str) -> tuple[str, str, str]:
    name, more = _cut(name, fit.name)
    line1, rest = street[0], " ".join(street[1:])
    if len(line1) > fit.line1:
        line1, tail = _cut(line1, fit.line1)
        rest = f"{tail} {rest}".strip()
    line2 = ", ".join(part for part in (more, rest) if part)
    if not name or not line1 or len(line2) > fit.line2:
        raise InputError(
            f"Name and street do not fit into {fit.name}, {fit.line1} and {fit.line2} characters",
            where=where,
            hint="Shorten the address",
        )
    return name, line1, line2


def _cut(text: str, room: int) -> tuple[str, str]:
    """As many whole words as there is room for, and the rest; an empty start where the first word is too long."""
    if len(text) <= room:
        return text, ""
    end = text.rfind(" ", 0, room + 1)
    return (text[:end].rstrip(" ,;"), text[end + 1 :]) if end > 0 else ("", text)
