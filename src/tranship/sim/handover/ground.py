"""The little network that simulated worlds are played on: three nodes, two of them behind interfaces, and a cap on the first."""

import datetime as dt
import hashlib
from random import Random

import msgspec
import numpy as np

from tranship.core.capability import Capability, Connection
from tranship.core.ledger import Bucket
from tranship.core.network import Channel, Network, NetworkFile, Node, Policy, ShareCap, Sku
from tranship.core.order import Destination, Order, OrderLine, Person
from tranship.core.time import to_micros
from tranship.engine import commands as cmd
from tranship.engine.leak_plans import terms_of
from tranship.engine.shard import Submission
from tranship.routing.leak.model import ONE, LeakPlan, encode, week_of
from tranship.sim.handover.loop import DAY

MONDAY = to_micros(dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC))
"""A Monday, six in the morning in New York: eight hours before the cut-off."""
LAST = MONDAY + 5 * DAY
"""When the judge looks: whatever was going to happen has had its time."""
AMZ, BOB, OWN = 0, 1, 2
SKUS = ("MUG", "TEE", "CAP")
STATES = (("10001", "NY"), ("60601", "IL"), ("94103", "CA"), ("33101", "FL"))


class Ground(msgspec.Struct, frozen=True):
    """What a world's document says of its networks."""

    amazon: Capability
    bob: Capability
    hold_min: int = 480
    release_min: int = 120
    capped: bool = True
    resolve_limit_min: int = 60


def document(ground: Ground) -> NetworkFile:
    """The network file of a world."""

    def card(dollars: int) -> dict[str, object]:
        table = [{"max_lb": 20, "zones": [dollars] * 8}]
        return {"type": "parcel", "table": table, "transit": {"ground": [2] * 9}}

    def connection(code: str, can: Capability) -> Connection:
        return Connection(
            code, code, can, hold_min=ground.hold_min, release_min=ground.release_min,
            resolve_limit_min=ground.resolve_limit_min,
        )  # fmt: skip

    cap = ShareCap("AMZ", 6000, window=10, reserve=0, price_micros=0)
    return NetworkFile(
        party="brand",
        currency="USD",
        networks=(Network("AMZ", "Amazon", competitor=True), Network("BOB", "Pack"), Network("OWN", "Brand")),
        nodes=(
            Node("AMZ-1", "AMZ", "08817", "America/New_York", "amz", connection="amazon_mcf"),
            Node("BOB-1", "BOB", "41042", "America/New_York", "bob", connection="shipbob", location="211"),
            Node("OWN-1", "OWN", "37066", "America/New_York", "own"),
        ),
        channels=(Channel("web"), Channel("shop")),
        skus=tuple(Sku(code, 100 * (i + 1)) for i, code in enumerate(SKUS)),
        cards={"amz": card(4), "bob": card(5), "own": card(9)},
        policy=Policy(prices="off"),
        caps=(cap,) if ground.capped else (),
        connections=(connection("amazon_mcf", ground.amazon), connection("shipbob", ground.bob)),
    )


def placing(number: int, rng: Random, at: int, most_lines: int = 2) -> Submission:
    """An order of a few units, by a customer with an address."""
    skus = rng.sample(SKUS, rng.randint(1, most_lines))
    lines = tuple(OrderLine(str(i), sku, rng.randint(1, 2), 1000) for i, sku in enumerate(skus, 1))
    zip_code, state = rng.choice(STATES)
    person = Person(f"c{number}", f"Customer {number}", f"{number + 1} Main Street", "Town")
    order = Order("sim", str(number), rng.choice(("web", "shop")), at, Destination(zip_code, state), lines)
    digest = hashlib.blake2b(msgspec.json.encode(order), digest_size=16).digest()
    return Submission(f"order/sim/{number}", cmd.PlaceOrder(order, at), digest, person, "sim")


def leak_plan(document: NetworkFile, percent: int, seed: int, at: int) -> cmd.SetLeakPlan:
    """A plan that lets so many of all orders go to the first network, two of each household."""
    (budget,) = document.leaks
    key = hashlib.sha256(f"leak {seed}".encode()).digest()
    shares = np.full(len(document.skus), percent * ONE // 100, "<i4").tobytes()
    plan = LeakPlan(
        budget.network,
        "0" * 64,
        week_of(at),
        (budget.network,),
        key,
        key,
        shares,
        np.full(4, ONE, "<i4").tobytes(),
        0,
        0,
    )
    body = encode(plan)
    return cmd.SetLeakPlan(body, hashlib.sha256(body).hexdigest(), terms_of(budget), "simulated", at)


def receiving(ref: str, node: int, units: tuple[int, ...], at: int) -> Submission:
    """Units of each SKU come to a node's shelf."""
    skus = tuple(range(len(SKUS)))
    return Submission(f"receipt/{ref}", cmd.ReceiveStock(ref, node, int(Bucket.SUPPLIER), skus, units, at))
