"""A cheap guess whether an unreleased order may gain: one line, or all of one part, at another node.

Deciding an order of many lines again takes a thousand times as long as pricing it with one line elsewhere. An order that gains from
neither is left alone; what a guess finds is then decided in full.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tranship.engine.asking import MICROS_PER_DAY, ask_of, situation
from tranship.engine.offers import movable_parts
from tranship.engine.state import OrderState, State
from tranship.routing.held import Sketch

Cell = tuple[int, int]
"""(SKU, node)."""

SINGLES = 8
"""Pieces of an order up to which each is tried elsewhere on its own: of more, one alone saves too little to ask."""


class Piece(NamedTuple):
    """Units of a SKU at a node."""

    sku: int
    quantity: int
    node: int


Ask = Callable[[Piece, int], bool]


class Wish(NamedTuple):
    """Something of the order at another node, and what that alone would save in micros (below 0: cost)."""

    gain: int
    node: int
    pieces: tuple[int, ...]


class Hints:
    """An order's pieces and its sketch."""

    def __init__(self, state: State, order: OrderState, at: int) -> None:
        facts = state.facts(at // MICROS_PER_DAY)
        units: dict[Cell, int] = {}
        worth: dict[Cell, int] = {}
        ship: dict[int, int] = {}
        self.lines_at: dict[int, list[int]] = {}  # node -> pieces
        by_value = any(cap.by_value for cap in state.caps)
        for number in movable_parts(order):
            part = order.parts[number]
            ship[part.node] = max(part.ship_day, ship.get(part.node, 0))
            for line, quantity in zip(part.lines, part.quantities, strict=True):
                cell = (order.skus[line], part.node)
                units[cell] = units.get(cell, 0) + quantity
                if by_value:
                    worth[cell] = worth.get(cell, 0) + quantity * order.order.lines[line].unit_price_minor
        self.pieces = [Piece(sku, quantity, node) for (sku, node), quantity in units.items()]
        for i, piece in enumerate(self.pieces):
            self.lines_at.setdefault(piece.node, []).append(i)
        prices = [[(1, worth[piece.sku, piece.node])] for piece in self.pieces] if by_value else []
        ask = ask_of(
            state, order, list(range(len(self.pieces))), [piece.sku for piece in self.pieces],
            [piece.quantity for piece in self.pieces], prices, at,
        )  # fmt: skip
        self._may = facts.item_rows
        barred = facts.static_reasons(ask.country, ask.channel)
        self.nodes = [n for n in range(facts.count) if not barred[n] and n not in state.closed]
        self._sketch = Sketch(ask, facts, situation(state), [piece.node for piece in self.pieces], ship)

    @property
    def cost(self) -> int:
        """What the order costs as it stands, prices included, in micros."""
        return self._sketch.cost

    def wishes(self, fits: Ask, new: Ask, only: Sequence[int] = ()) -> Iterator[Wish]:
        """What other places come to: a line where the order ships something already, what fits of a part anywhere.

        `fits`: whether units for a piece could be had at a node; `new`: whether that is news; `only`: pieces to look at, none: all.
        """
        few = len(self.pieces) <= SINGLES
        asked: dict[int, list[int]] = {}
        for i in only or range(len(self.pieces)):
            asked.setdefault(self.pieces[i].node, []).append(i)
        for here, mine in asked.items():
            pieces = self.lines_at[here]
            for node in self.nodes:
                alone = node in self.lines_at or len(pieces) == 1
                if node == here:
                    continue
                hits = [i for i in mine if self._can(i, node, new) and fits(self.pieces[i], node)]
                if not hits:
                    continue
                for i in hits if alone and (few or len(pieces) == 1) else ():
                    yield self._wish((i,), node)
                if len(pieces) > 1:
                    there = tuple([i for i in pieces if self._can(i, node, fits)])
                    if len(there) == len(pieces) or (alone and len(there) > 1):
                        yield self._wish(there, node)

    def _can(self, i: int, node: int, asked: Ask) -> bool:
        piece = self.pieces[i]
        return self._may[piece.sku][node] and asked(piece, node)

    def _wish(self, pieces: tuple[int, ...], node: int) -> Wish:
        return Wish(self._sketch.gain(pieces, node), node, pieces)
