"""What an order says that a leak budget looks at: cash on delivery, a pickup point, a business; from a file's own words.

A wrong yes hides a household from a leak budget, or sends an order elsewhere: so only what plainly says so counts, and what a mapping adds.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from tranship.connectors.files.mapping import SourceMapping
from tranship.connectors.files.order_fields import Flaw
from tranship.core.order import NO_TERMS, Terms

NAMES = ("cod", "pickup", "b2b")
"""Fields of a generic CSV, keys of a mapping."""

_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"", "no", "n", "false", "0", "-"})

# Shopify's own name of the payment method (Admin API, Order.paymentGatewayNames, 2026-10) and what shops call it by hand.
_COD = ("cash on delivery (cod)", "cash on delivery", "cod")
# Its delivery method for a pickup point (DeliveryMethodType, 2026-10). PICK_UP is the shop's own counter: nothing is shipped there.
_PICKUP = ("pickup_point",)


def of_cells(cells: dict[str, str], mapping: SourceMapping) -> Terms | Flaw:
    """What the cells of a generic CSV say, or that one of them says neither yes nor no nor a word of the mapping."""
    if not any(cells.values()):
        return NO_TERMS
    said = dict.fromkeys(NAMES, False)
    for name, cell in cells.items():
        words = getattr(mapping, name)
        text = cell.strip().casefold()
        yes = text in _YES or _is_one(text, words)
        if not yes and text not in _NO and not words:
            return Flaw(
                "bad_terms", f"{name} says neither yes nor no: name your words for yes under {name} in the mapping"
            )
        said[name] = yes
    return Terms(cod=said["cod"], pickup=said["pickup"], b2b=said["b2b"])


def of_shopify(
    mapping: SourceMapping, *, gateways: Iterable[str], ways: Iterable[str], tags: Iterable[str], company: bool = False
) -> Terms:
    """What a Shopify order says: by which gateways it is paid, by which ways it goes (titles and categories), its tags, its company."""
    own, said = [tag.strip().casefold() for tag in tags], [way.strip().casefold() for way in ways]
    paid = [gateway.strip().casefold() for gateway in gateways]
    return Terms(
        cod=any(_is_one(each, (*_COD, *mapping.cod)) for each in paid)
        or any(_is_one(each, mapping.cod) for each in own),
        pickup=any(_is_one(each, (*_PICKUP, *mapping.pickup)) for each in said)
        or any(_is_one(each, mapping.pickup) for each in own),
        b2b=company or any(_is_one(each, mapping.b2b) for each in own),
    )


def _is_one(text: str, words: Iterable[str]) -> bool:
    return bool(text) and any(fnmatchcase(text, word.casefold()) for word in words)
