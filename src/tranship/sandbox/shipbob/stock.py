"""Units by SKU and fulfillment center, with what they were at any time before (for read lag)."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tranship.sandbox.shipbob.settings import Settings

BUCKETS = ("on_hand", "awaiting", "internal_transfer", "exception")
"""Counts that may be set from outside; `committed` follows from orders."""


@dataclass(slots=True)
class Place:
    """One SKU at one fulfillment center."""

    on_hand: int = 0
    committed: int = 0
    awaiting: int = 0
    internal_transfer: int = 0
    exception: int = 0  # damaged or lost, and still counted as being there

    @property
    def fulfillable(self) -> int:
        """What a new order could get."""
        return self.on_hand - self.committed - self.exception


@dataclass(slots=True)
class Item:
    """One SKU in all fulfillment centers."""

    id: int
    sku: str
    places: dict[int, Place]
    history: list[tuple[int, dict[int, Place]]] = field(default_factory=list, repr=False)


class Stock:
    """All SKUs. `listen` is told of each change."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.items: dict[str, Item] = {}
        self.listen: list[Callable[[Item, int, int], None]] = []

    def item(self, sku: str, now: int) -> Item:
        """The SKU; made with its default units where it is new."""
        found = self.items.get(sku)
        if found is None:
            places = {place: Place() for place in self.settings.places}
            found = self.items[sku] = Item(9_000_001 + len(self.items), sku, places)
            for place in self.settings.places:
                self.put(sku, place, now, on_hand=self.settings.any_sku)
        return found

    def put(self, sku: str, place: int, now: int, **counts: int) -> None:
        """Set counts."""
        item = self.item(sku, now)
        found = item.places.setdefault(place, Place())
        for bucket, units in counts.items():
            setattr(found, bucket, units)
        self.changed(item, place, now)

    def commit(self, sku: str, place: int, units: int, now: int) -> bool:
        """Promise units to an order: all of them or none."""
        found = self.item(sku, now).places.setdefault(place, Place())
        if found.fulfillable < units:
            return False
        found.committed += units
        self.changed(self.items[sku], place, now)
        return True

    def free(self, sku: str, place: int, units: int, now: int) -> None:
        """Take a promise back."""
        self.items[sku].places[place].committed -= units
        self.changed(self.items[sku], place, now)

    def leave(self, sku: str, place: int, units: int, now: int) -> None:
        """Promised units left the building."""
        found = self.items[sku].places[place]
        found.committed -= units
        found.on_hand -= units
        self.changed(self.items[sku], place, now)

    def changed(self, item: Item, place: int, now: int) -> None:
        """Note a change."""
        item.history.append((now, {number: replace(found) for number, found in item.places.items()}))
        if len(item.history) > 4096:
            del item.history[:2048]
        for listener in self.listen:
            listener(item, place, now)

    @staticmethod
    def at(item: Item, when: int) -> dict[int, Place]:
        """The SKU as it was; nothing before it was made."""
        where = bisect_right(item.history, when, key=lambda entry: entry[0])
        return item.history[where - 1][1] if where else {}
