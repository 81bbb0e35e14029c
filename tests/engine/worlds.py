"""A small network with cards, a few SKUs and one of each kind of command: what the tests of routing and engine are played on."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.engine.memory_store import MemoryStore
from tranship.connectors.netfile import to_document
from tranship.core.ledger import Bucket
from tranship.core.network import Channel, Network, NetworkFile, Node, Policy, ShareCap, Sku
from tranship.core.order import Destination, Order, OrderLine, Person
from tranship.core.time import date_to_day, to_micros
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.shard import Answer, RecordedIds, Shard, Submission
from tranship.engine.state import OrderState
from tranship.routing.model import Decision
from tranship.store.people import People, Vault
from tranship.store.port import JournalRow, Store
from tranship.store.sqlite import SqliteStore

HOUR = 3_600_000_000
DAY = 24 * HOUR
MONDAY = to_micros(dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC))
"""A Monday, 10:00 in New York: four hours before the cut-off."""
CUT_OFF = MONDAY + 4 * HOUR
"""14:00 in New York on that Monday: what is due ships."""
TODAY = date_to_day(dt.date(2026, 3, 2))
"""The day number of that Monday."""
AMZ, PL, OWN = 0, 1, 2
"""Positions of the three nodes: Amazon's (capped), a 3PL's, one's own."""


def card(dollars: int, days: int = 2) -> dict[str, object]:
    """A card that charges so much a carton of up to 20 lb, wherever it goes, and takes so many working days."""
    return {"type": "parcel", "table": [{"max_lb": 20, "zones": [dollars] * 8}], "transit": {"ground": [days] * 9}}


CARDS: dict[str, dict[str, object]] = {"amz": card(4), "pl": card(5), "own": card(7)}
"""Amazon is the cheapest, so that it is chosen wherever nothing speaks against it."""
NODES = (
    Node("AMZ-1", "AMZ", "08817", "America/New_York", "amz"),
    Node("PL-1", "PL", "41042", "America/New_York", "pl"),
    Node("OWN-1", "OWN", "37066", "America/New_York", "own", hazmat=True),
)
SKUS = (
    Sku("MUG", 400),
    Sku("TEE", 200),
    Sku("CAP", 100),
    Sku("GAS", 300, hazmat=True),
    Sku("PLAN", 100, sensitivity="sensitive"),
    Sku("SET", 1000, parts=(("MUG", 2), ("TEE", 1))),
)
CHANNELS = (Channel("web"), Channel("shop"), Channel("amazon", on_platform_for=("AMZ",)))
CAP = ShareCap("AMZ", 6000, window=10, reserve=0, price_micros=0)
"""Six of the last ten, without a price or a reserve: what the hard gate alone does."""


def node(position: int, **changes: object) -> tuple[Node, ...]:
    """The three nodes with one of them changed."""
    changed = msgspec.structs.replace(NODES[position], **changes)
    return tuple(changed if i == position else one for i, one in enumerate(NODES))


def cap(**changes: object) -> tuple[ShareCap, ...]:
    """The cap with changes, as a network's only one."""
    return (msgspec.structs.replace(CAP, **changes),)


def network(**changes: object) -> NetworkFile:
    """Three networks of one node each and no cap; `changes` replace fields of the document."""
    fields: dict[str, object] = {
        "party": "brand",
        "currency": "USD",
        "networks": (Network("AMZ", "Amazon", competitor=True), Network("PL", "Pack"), Network("OWN", "Brand")),
        "nodes": NODES,
        "channels": CHANNELS,
        "skus": SKUS,
        "cards": CARDS,
        "policy": Policy(),
    }
    return NetworkFile(**(fields | changes))  # type: ignore[arg-type]


def order(number: object, *lines: tuple[str, int] | tuple[str, int, int], **changes: object) -> Order:
    """An order of (SKU, quantity, price) lines to a home in New York, by the web channel; `changes` replace fields."""
    made = tuple(
        OrderLine(str(i), line[0], line[1], line[2] if len(line) > 2 else 1000) for i, line in enumerate(lines, 1)
    )
    fields: dict[str, object] = {
        "source": "test", "number": str(number), "channel": "web", "placed_at": MONDAY,
        "to": Destination("10001", "NY"), "lines": made,
    }  # fmt: skip
    return Order(**(fields | changes))  # type: ignore[arg-type]


def loading(document: NetworkFile, at: int = MONDAY - DAY) -> Submission:
    """The submission that brings a network document into force."""
    body = to_document(document)
    sha = hashlib.sha256(body).hexdigest()
    return Submission(f"network/{sha}/{at}", cmd.LoadNetwork(body, sha, at))


def receiving(document: NetworkFile, ref: object, node: int, at: int = MONDAY - DAY, **units: int) -> Submission:
    """The submission that puts units on a node's shelf."""
    index = document.sku_index()
    skus, quantities = tuple(index[code] for code in units), tuple(units.values())
    return Submission(f"receipt/{ref}", cmd.ReceiveStock(str(ref), node, int(Bucket.SUPPLIER), skus, quantities, at))


def placing(taken: Order, person: Person | None = None) -> Submission:
    """The submission of an order; its fingerprint covers all of it."""
    content = hashlib.blake2b(msgspec.json.encode(taken), digest_size=16).digest()
    key = f"order/{taken.source}/{taken.number}"
    return Submission(key, cmd.PlaceOrder(taken, taken.placed_at), content, person, taken.source)


def sqlite(folder: Path) -> Shard:
    """A shard on a store of its own in `folder`, made where it is missing."""
    store = SqliteStore.open(folder, create=True)
    return Shard(store, People.open(store, folder, create=True), RecordedIds())


class Run:
    """A shard with a network in force; each call is one command, answered, in a transaction of its own."""

    def __init__(
        self, document: NetworkFile | None = None, *, shard: Shard | None = None, store: Store | None = None
    ) -> None:
        if shard is None:
            store = store or MemoryStore()
            shard = Shard(store, People(store, Vault(b"k" * 32)), RecordedIds())
        self.shard = shard
        self.document = document or network()
        self.receipts = self.others = 0
        self.submit(loading(self.document))

    @property
    def state(self):  # type: ignore[no-untyped-def]
        """The hot state."""
        return self.shard.state

    def answer(self, submission: Submission) -> Answer:
        """What one submission comes to."""
        return self.shard.submit([submission])[0]

    def submit(self, submission: Submission) -> list[ev.Event]:
        """Carry one submission out; its events. Raises what it was refused for."""
        before = self.shard.store.last_seq()[0]
        answer = self.answer(submission)
        if answer.error is not None:
            raise answer.error
        return [ev.decode(row.payload) for row in self.journal(before)]

    def do(self, command: cmd.Command) -> list[ev.Event]:
        """Carry one command out under a key of its own."""
        self.others += 1
        return self.submit(Submission(f"test/{self.others}", command))

    def load(self, document: NetworkFile, at: int = MONDAY) -> list[ev.Event]:
        """Bring another document into force."""
        self.document = document
        return self.submit(loading(document, at))

    def stock(self, node: int, at: int = MONDAY - DAY, **units: int) -> list[ev.Event]:
        """Put units on a node's shelf."""
        self.receipts += 1
        return self.submit(receiving(self.document, f"r{self.receipts}", node, at, **units))

    def place(self, number: object, *lines: tuple[str, int] | tuple[str, int, int], **changes: object) -> Decision:
        """Place an order; its decision."""
        events = self.submit(placing(order(number, *lines, **changes)))
        return next(event.decision for event in events if isinstance(event, ev.OrderRouted))

    def take_back(self, number: object, line: object, quantity: int, at: int = MONDAY) -> list[ev.Event]:
        """A customer takes units of a line back."""
        return self.do(cmd.TakeBack(f"test:{number}", str(line), quantity, f"ref {self.others}", at))

    def tick(self, at: int) -> list[ev.Event]:
        """Let happen what is due."""
        return self.do(cmd.Tick(at))

    def switch(self, code: str, closed: bool, at: int = MONDAY) -> list[ev.Event]:
        """Close or open a node."""
        return self.do(cmd.SwitchNode(code, closed, "a test", at))

    def held(self, number: object) -> OrderState:
        """An order as it stands."""
        found: OrderState = self.state.orders[f"test:{number}"]
        return found

    def shelf(self, node: int, code: str, bucket: Bucket = Bucket.FULFILLABLE) -> int:
        """Units of a SKU in a bucket at a node."""
        return int(self.state.ledger.balance[bucket, self.state.skus[code], node])

    def journal(self, after: int = 0) -> list[JournalRow]:
        """Journal rows after a sequence number."""
        return list(self.shard.store.journal(after))

    def events(self) -> list[ev.Event]:
        """Every event so far."""
        return [ev.decode(row.payload) for row in self.journal()]


def kinds(events: Sequence[ev.Event]) -> list[str]:
    """Tags of events."""
    return [ev.kind_of(event) for event in events]


def of_kind(events: Sequence[ev.Event], kind: str) -> list[ev.Event]:
    """The events with this tag."""
    return [event for event in events if ev.kind_of(event) == kind]


def where(decision: Decision) -> list[tuple[int, int]]:
    """(node, units) of each fulfillment order of a decision."""
    return [(part.node, sum(part.quantities)) for part in decision.parts]


def waits(decision: Decision) -> list[tuple[str, int]]:
    """(reason, units) of each part of a decision that waits."""
    return [(rest.reason, sum(rest.quantities)) for rest in decision.rests]
