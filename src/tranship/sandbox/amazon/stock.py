"""Units by SKU as Amazon counts them, with what they were at any time in the last hour and more (for read lag)."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tranship.sandbox.common.chance import name


@dataclass(slots=True)
class Item:
    """One SKU. `updated_at` is when a count last changed."""

    sku: str
    title: str
    fnsku: str
    asin: str
    fulfillable: int = 0
    reserved: int = 0  # for customers' orders
    working: int = 0
    shipped: int = 0
    receiving: int = 0
    unfulfillable: int = 0
    researching: int = 0
    updated_at: int = 0
    history: list[tuple[int, "Item"]] = field(default_factory=list, repr=False)

    @property
    def total(self) -> int:
        """Amazon's total: everything but what is researched."""
        return (
            self.fulfillable + self.reserved + self.working + self.shipped + self.receiving + self.unfulfillable
        )  # fmt: skip


BUCKETS = ("fulfillable", "working", "shipped", "receiving", "unfulfillable", "researching")
"""Counts that may be set from outside; `reserved` follows from orders."""


class Stock:
    """All SKUs. `listen` is told of each change."""

    def __init__(self, seed: int, any_sku: int) -> None:
        self.seed, self.any_sku = seed, any_sku
        self.items: dict[str, Item] = {}
        self.listen: list[Callable[[Item, int], None]] = []

    def find(self, sku: str, now: int) -> Item | None:
        """The SKU; made with its default units where any SKU is known."""
        item = self.items.get(sku)
        if item is None and self.any_sku > 0 and sku:
            self.put(sku, now, fulfillable=self.any_sku)
            item = self.items[sku]
        return item

    def put(self, sku: str, now: int, title: str = "", **counts: int) -> Item:
        """Make a SKU, or set counts of it."""
        item = self.items.get(sku)
        if item is None:
            code = name(self.seed, "sku", sku, letters=8)
            item = self.items[sku] = Item(sku, title or f"Item {sku}", f"X0{code}", f"B0{code}")
        for bucket, units in counts.items():
            setattr(item, bucket, units)
        self.changed(item, now)
        return item

    def reserve(self, sku: str, units: int, now: int) -> int:
        """Reserve as many as there are: how many it were."""
        item = self.find(sku, now)
        taken = min(units, item.fulfillable) if item else 0
        if item and taken > 0:
            item.fulfillable -= taken
            item.reserved += taken
            self.changed(item, now)
        return max(taken, 0)

    def free(self, sku: str, units: int, now: int) -> None:
        """Give reserved units back."""
        item = self.items.get(sku)
        if item and units > 0:
            item.reserved -= units
            item.fulfillable += units
            self.changed(item, now)

    def leave(self, sku: str, units: int, now: int) -> None:
        """Reserved units left the building."""
        item = self.items.get(sku)
        if item and units > 0:
            item.reserved -= units
            self.changed(item, now)

    def remove(self, sku: str) -> bool:
        """Forget a SKU."""
        return self.items.pop(sku, None) is not None

    def changed(self, item: Item, now: int) -> None:
        """Note a change."""
        item.updated_at = max(now, item.updated_at)
        item.history.append((item.updated_at, replace(item, history=[])))
        if len(item.history) > 4096:
            del item.history[:2048]
        for listener in self.listen:
            listener(item, now)

    def at(self, item: Item, when: int) -> Item | None:
        """The SKU as it was; None before it was made."""
        if when >= item.updated_at:
            return item
        place = bisect_right(item.history, when, key=lambda entry: entry[0])
        return item.history[place - 1][1] if place else None
