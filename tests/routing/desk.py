"""A desk at which single decisions are taken: facts, shelves, caps and calendars laid out by hand, no engine behind it."""

from collections.abc import Mapping

import msgspec
import numpy as np

from tests.engine.worlds import AMZ, MONDAY, OWN, PL, TODAY, network
from tranship.core.network import NetworkFile, Policy
from tranship.core.time import add_working_days
from tranship.rates.compile import compile_tables
from tranship.routing.decide import decide
from tranship.routing.facts import Facts
from tranship.routing.model import Ask, Decision, Reason
from tranship.routing.prices.model import PriceMaking, PriceTables, book_of
from tranship.routing.share import CapState
from tranship.routing.situation import Situation

Stock = Mapping[int, Mapping[str, int]]
"""Units per SKU code on the shelf of each node."""


class Desk:
    """Decisions on one network document. Nothing is reserved or entered unless a test does so."""

    def __init__(self, document: NetworkFile | None = None, stock: Stock | None = None) -> None:
        self.document = document or network()
        tables = compile_tables(self.document, TODAY)
        self.facts = Facts(self.document, tables, tables.version, TODAY)
        self.skus = self.document.sku_index()
        self.shelf = np.zeros((len(self.document.skus), len(self.document.nodes)), np.int64)
        for node, units in (stock or {}).items():
            for code, quantity in units.items():
                self.shelf[self.skus[code], node] = quantity
        self.caps = [CapState(cap, frozenset(self.document.capped_nodes(cap))) for cap in self.document.caps]
        self.used: list[dict[int, int]] = [{} for _ in self.document.nodes]
        self.closed: set[int] = set()
        self.prices: PriceTables | None = None

    def priced(
        self,
        stock: Mapping[tuple[str, int], int] | None = None,
        days: Mapping[tuple[int, int], int] | None = None,
        *,
        until_day: int = TODAY + 30,
        version: int = 1,
    ) -> "Desk":
        """Bring prices into force: micros of a unit of (SKU, node), and of a unit of work of (node, ship day)."""
        cells = np.zeros_like(self.shelf)
        for (code, node), micros in (stock or {}).items():
            cells[self.skus[code], node] = micros
        book = book_of("test", MONDAY, until_day, cells, dict(days or {}), {}, PriceMaking("by hand"))
        self.prices = PriceTables(book, version, *self.shelf.shape)
        return self

    @property
    def now(self) -> Situation:
        """What a decision reads."""
        return Situation(self.shelf, self.caps, self.used, self.closed, self.prices)

    def entered(self, story: str, channel: str = "web", size: int = 1) -> "Desk":
        """Enter what came before: `A` for an entry of the capped network, `.` for one of the independent side."""
        for letter in story:
            for cap in self.caps:
                cap.enter(channel, size, letter == "A")
        return self

    def ask(self, *lines: tuple[str, int], **changes: object) -> Ask:
        """What is to be placed; `changes` replace fields. The promise is five working days off."""
        codes, quantities = [code for code, _ in lines], [quantity for _, quantity in lines]
        fields: dict[str, object] = {
            "lines": list(range(len(lines))), "skus": [self.skus[code] for code in codes], "quantities": quantities,
            "prices": [[(quantity, 1000)] for quantity in quantities], "zip3": 100, "country": "US", "state": "NY",
            "residential": True, "service": 0, "channel": "web", "at": MONDAY, "promise_day": add_working_days(TODAY, 5),
            "first_part": 1, "first_rest": 1, "parts_left": self.document.policy.max_parts, "standing": {},
        }  # fmt: skip
        return Ask(**(fields | changes))  # type: ignore[arg-type]

    def decide(self, *lines: tuple[str, int], counted: bool = True, **changes: object) -> Decision:
        """Decide an order of (SKU, quantity) lines."""
        return decide(self.ask(*lines, **changes), self.facts, self.now, counted=counted)


DOLLAR = 1_000_000
EVERYWHERE = {n: {"MUG": 100, "TEE": 100, "CAP": 100, "GAS": 100, "PLAN": 100} for n in (AMZ, PL, OWN)}
CLOSED = "....AAAAAA"
"""Six of ten are with Amazon and all of them are newer than the rest: the next entry cannot be."""
OPEN = "..AA......"


def policy(**changes: object) -> Policy:
    """The default policy with changes."""
    return msgspec.structs.replace(Policy(), **changes)


def nodes_of(decision: Decision) -> list[int]:
    """Where a decision ships from."""
    return [part.node for part in decision.parts]


def reason_of(decision: Decision, node: int) -> Reason:
    """Why a node ships nothing."""
    return Reason(decision.why.nodes[node])
