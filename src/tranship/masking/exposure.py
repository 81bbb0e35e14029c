"""Which network saw what about whom, when, under which policy: the audit as a compliance officer reads it."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tranship.masking.audit import SENT, unpacked
from tranship.masking.rows import AuditRow

_NOT_SEEN = frozenset({"drop", "constant", "refuse", "unmask", "token_in", "reveal", "resent"})
"""Actions by which a network learns nothing of ours: left out, made up, its own, or told before."""
_ALIASES = {"sku": "SKU", "email": "e-mail", "person_in": "signature"}
_TYPES = {
    "line": "address", "city": "address", "region": "address", "postal": "postal code", "country": "country",
    "name": "name in clear", "sku": "SKU", "date": "date", "datetime": "date", "minute": "date", "currency": "price or value",
    "decimal": "price or value", "units": "quantity", "place": "place", "method": "way of shipping",
    "marketplace": "way of shipping", "language": "language",
}  # fmt: skip
"""What a leaf tells that is passed as one of these types; of any other type its name tells."""
_WORDS = (
    (re.compile(r"postal|zip", re.IGNORECASE), "postal code"),
    (re.compile(r"country", re.IGNORECASE), "country"),
    (re.compile(r"(address)?line\d|street|city|district|region|county|state$|stateor", re.IGNORECASE), "address"),
    (re.compile(r"quantit|units$|count$", re.IGNORECASE), "quantity"),
    (re.compile(r"sku|reference_id|product", re.IGNORECASE), "SKU"),
    (re.compile(r"currency|price|value|tax|amount|charge|isCod", re.IGNORECASE), "price or value"),
    (re.compile(r"window|date|time|day", re.IGNORECASE), "date"),
    (
        re.compile(r"speed|shipping|method|category|policy|action|feature|marketplace|preference", re.IGNORECASE),
        "way of shipping",
    ),
    (re.compile(r"phone", re.IGNORECASE), "phone"),
    (re.compile(r"mail", re.IGNORECASE), "e-mail"),
    (re.compile(r"name$", re.IGNORECASE), "name in clear"),
)
PERSONAL = frozenset({"address", "postal code", "phone", "e-mail", "name in clear"})
"""What tells who it is, or where; everything else is about goods and ways."""

NO_ORDERS: Mapping[str, str] = MappingProxyType({})


class Seen(NamedTuple):
    """One kind of thing that a network saw. Times are UTC microseconds; `persons` counts those that are erased as well."""

    network: str
    what: str
    personal: bool
    orders: int
    persons: int
    erased: int
    messages: int
    first: int
    last: int
    policies: tuple[str, ...]


def kind_of(leaf: str, action: str) -> str:
    """What a leaf told its reader, in a compliance officer's words; empty where it told nothing of ours.

    >>> kind_of("destinationAddress.name", "token(name)"), kind_of("items[].quantity", "pass(int:1..9)"), kind_of("giftMessage", "drop")
    ('name alias', 'quantity', '')
    >>> kind_of("destinationAddress.name", "token")  # a proxy's rows name no kind
    'name alias'
    """
    verb, _, rest = action.partition("(")
    named = rest.removesuffix(")")
    if verb in _NOT_SEEN:
        return ""
    if verb in {"token", "relay"}:
        word = _ALIASES.get(named, named) or _by_name(leaf).removesuffix(" in clear")
        return f"{word} {'alias' if verb == 'token' else 'relay'}"
    if verb == "ordinal":
        return "line number"
    if verb == "generalize":
        return f"{_by_name(leaf)} (coarse)"
    return _TYPES.get(named) or _by_name(leaf)


def _by_name(leaf: str) -> str:
    name = re.split(r"[./]", leaf.replace("[]", ""))[-1]
    return next((word for pattern, word in _WORDS if pattern.search(name)), name)


class _Tally:
    """What was counted of one kind so far."""

    def __init__(self) -> None:
        self.orders: set[str] = set()
        self.persons: set[str] = set()
        self.policies: set[str] = set()
        self.messages = 0
        self.first = self.last = 0

    def add(self, row: AuditRow, order: str) -> None:
        """One message that held it, about this order."""
        self.orders.add(order)
        if row.person_id:
            self.persons.add(row.person_id)
        self.policies.add(row.policy)
        self.messages += 1
        self.first = min(self.first or row.at, row.at)
        self.last = max(self.last, row.at)

    def seen(self, network: str, what: str, gone: set[str]) -> Seen:
        """The count so far."""
        persons, erased = len(self.persons), len(self.persons & gone)
        policies = tuple(sorted(self.policies))
        return Seen(
            network,
            what,
            what in PERSONAL,
            len(self.orders),
            persons,
            erased,
            self.messages,
            self.first,
            self.last,
            policies,
        )


def exposure(
    rows: Iterable[AuditRow],
    erased: Iterable[str] = (),
    *,
    network: str = "",
    person: str = "",
    subjects: frozenset[str] = frozenset(),
    orders: Mapping[str, str] = NO_ORDERS,
) -> list[Seen]:
    """What each network saw, from audit rows; of one network, person or some orders where asked; personal things first.

    `erased` are persons who are gone: they are counted, and nothing leads back to them. `orders`: the order of a remote id,
    where one is known; without it each subject counts as an order.
    """
    gone, found = set(erased), dict[tuple[str, str], _Tally]()
    for row in rows:
        if row.verdict != SENT or (network and row.network != network) or (person and row.person_id != person):
            continue
        if subjects and row.subject not in subjects:
            continue
        for what in {kind_of(leaf, action) for leaf, action, _ in unpacked(row)} - {""}:
            found.setdefault((row.network, what), _Tally()).add(row, orders.get(row.subject, row.subject))
    seen = [tally.seen(where, what, gone) for (where, what), tally in found.items()]
    return sorted(seen, key=lambda each: (each.network, not each.personal, each.what))
