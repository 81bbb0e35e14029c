"""Bring a new network document into a shard: positions of SKUs and nodes that are in use keep their meaning."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from tranship.core.errors import InputError
from tranship.core.network import NetworkFile


class Coded(Protocol):
    """A thing with a code of its own: a SKU, a node, a network, a channel."""

    @property
    def code(self) -> str:
        """What people call it."""


Item = TypeVar("Item", bound=Coded)


def merged(old: NetworkFile | None, new: NetworkFile) -> NetworkFile:
    """`new`, reordered so that every SKU and node of `old` keeps its position.

    A node that `new` no longer has stays as a closed one, a SKU, a channel and a connection stay as they were: their units and
    orders are still in the books, and what was handed over still has to be asked for.
    """
    if old is None:
        return new
    before = {sku.code: sku.parts for sku in old.skus}
    for sku in new.skus:
        if before.get(sku.code, sku.parts) != sku.parts:
            hint = "Units are reserved by its old parts; give the new bundle a code of its own."
            raise InputError(f"bundle {sku.code} changed its parts", where="network file", hint=hint)
    nodes = _ordered(old.nodes, new.nodes)
    gone = {node.code for node in old.nodes} - {node.code for node in new.nodes}
    nodes = tuple(msgspec.structs.replace(node, closed=True) if node.code in gone else node for node in nodes)
    networks, channels = _with_old(old.networks, new.networks), _with_old(old.channels, new.channels)
    cards = {**{name: card for name, card in old.cards.items() if name not in new.cards}, **new.cards}
    return msgspec.structs.replace(
        new,
        nodes=nodes,
        skus=_ordered(old.skus, new.skus),
        networks=networks,
        channels=channels,
        cards=cards,
        connections=_with_old(old.connections, new.connections),
    )


def _with_old(old: Sequence[Item], new: Sequence[Item]) -> tuple[Item, ...]:
    known = {item.code for item in new}
    return (*new, *(item for item in old if item.code not in known))


def _ordered(old: Sequence[Item], new: Sequence[Item]) -> tuple[Item, ...]:
    fresh: dict[str, Item] = {item.code: item for item in new}
    kept: list[Item] = [fresh.pop(item.code, item) for item in old]
    return (*kept, *fresh.values())
