"""Which network saw what about whom, when, under which policy: the audit as a compliance officer reads it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from tranship.masking.audit import SENT, unpacked
from tranship.masking.rows import AuditRow

_NOT_SEEN = frozenset({"drop", "constant", "refuse", "unmask", "token_in"})
_KINDS = {
    "order": "order alias", "line": "line alias", "shipment": "shipment alias", "payment": "payment alias", "sku": "SKU alias",
    "text": "text alias", "name": "name alias", "phone": "phone alias", "email": "e-mail alias", "address": "address alias",
}  # fmt: skip
_WORDS = (
    (re.compile(r"postal|zip", re.IGNORECASE), "postal code"),
    (re.compile(r"country", re.IGNORECASE), "country"),
    (re.compile(r"(address)?line\d|street|city|district|region|county|state$|stateor", re.IGNORECASE), "address"),
    (re.compile(r"quantit|units$|count$", re.IGNORECASE), "quantity"),
    (re.compile(r"sku|reference_id|product", re.IGNORECASE), "SKU"),
    (re.compile(r"currency|price|value|tax|amount|cod", re.IGNORECASE), "price or value"),
    (re.compile(r"window|date|time|day", re.IGNORECASE), "date"),
    (
        re.compile(r"speed|shipping|method|category|policy|action|feature|marketplace|preference", re.IGNORECASE),
        "way of shipping",
    ),
    (re.compile(r"phone", re.IGNORECASE), "phone"),
    (re.compile(r"mail", re.IGNORECASE), "e-mail"),
    (re.compile(r"name", re.IGNORECASE), "name"),
)
PERSONAL = frozenset({"address", "postal code", "name", "phone", "e-mail", "name in clear"})
"""What tells who it is, or where; everything else is about goods and ways."""


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

    >>> kind_of("destinationAddress.name", "token:name"), kind_of("items[].quantity", "pass:int"), kind_of("giftMessage", "drop")
    ('name alias', 'quantity', '')
    """
    verb, _, rest = action.replace("(", ":").partition(":")
    if verb in _NOT_SEEN:
        return ""
    named = rest.rstrip(")")
    last = re.split(r"[./]", leaf.replace("[]", ""))[-1]
    if verb == "relay":
        return f"{named or last} relay"
    if verb == "token":
        return _KINDS.get(named) or f"{_word(last)} alias"
    word = _word(last)
    if word == "name":
        word = "name in clear" if re.search(r"address|recipient|name$", leaf, re.IGNORECASE) else word
    return f"{word} (coarse)" if verb == "generalize" else word


def _word(name: str) -> str:
    return next((word for pattern, word in _WORDS if pattern.search(name)), name)


class _Tally:
    """What was counted of one kind so far."""

    def __init__(self) -> None:
        self.orders: set[str] = set()
        self.persons: set[str] = set()
        self.policies: set[str] = set()
        self.messages = 0
        self.first = self.last = 0

    def add(self, row: AuditRow) -> None:
        """One message that held it."""
        self.orders.add(row.subject)
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
) -> list[Seen]:
    """What each network saw, from audit rows; of one network, person or some orders where asked; personal things first.

    `erased` are persons who are gone: they are counted, and nothing leads back to them.
    """
    gone, found = set(erased), dict[tuple[str, str], _Tally]()
    for row in rows:
        if row.verdict != SENT or (network and row.network != network) or (person and row.person_id != person):
            continue
        if subjects and row.subject not in subjects:
            continue
        for what in {kind_of(leaf, action) for leaf, action, _ in unpacked(row)} - {""}:
            found.setdefault((row.network, what), _Tally()).add(row)
    seen = [tally.seen(where, what, gone) for (where, what), tally in found.items()]
    return sorted(seen, key=lambda each: (each.network, not each.personal, each.what))
