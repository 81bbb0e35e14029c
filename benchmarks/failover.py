"""How fast orders that no network works on yet leave a network that is given up: breaker opened, drained until nothing is left.

`python -m benchmarks.failover --json`. Orders of one to three lines lie at the cheapest node, behind an interface with Hold. Either none
has been handed over (`queued`), or all are there on hold (`held`). Then the breaker opens, and `Drain` commands of 500 follow until no
order of the node can move. Each command is a transaction of its own on SQLite (WAL, synchronous=FULL); time is that of the whole.
"""

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path
from random import Random

import msgspec

from benchmarks.machine import describe
from tranship.connectors.netfile import to_document
from tranship.core.capability import Capability, Connection, Rate
from tranship.core.ledger import Bucket
from tranship.core.network import Channel, Network, NetworkFile, Node, Policy, ShareCap, Sku
from tranship.core.order import Destination, Order, OrderLine
from tranship.dispatch.model import Result
from tranship.engine import commands as cmd
from tranship.engine.run import open_shard
from tranship.engine.shard import MOST_IN_BATCH, Shard, Submission

HOUR = 3_600_000_000
MONDAY = 1_772_463_600_000_000
"""A Monday, ten in the morning in New York."""
SKUS, NODE, DRAIN = 50, "AMZ-1", 500
PLACES = (("10001", "NY"), ("60601", "IL"), ("94103", "CA"), ("33101", "FL"))


def network() -> NetworkFile:
    """Three networks; the cheapest has an interface with Hold, and a cap that leaves it room for all."""

    def card(dollars: int) -> dict[str, object]:
        return {"type": "parcel", "table": [{"max_lb": 20, "zones": [dollars] * 8}], "transit": {"ground": [2] * 9}}

    rate = Rate(2_000, 30)
    can = Capability(True, True, True, "async", True, rates=dict.fromkeys(("create", "release", "get", "cancel"), rate))
    zone = "America/New_York"
    return NetworkFile(
        "brand", "USD",
        (Network("AMZ", "Amazon", competitor=True), Network("BOB", "Pack"), Network("OWN", "Brand")),
        (
            Node(NODE, "AMZ", "08817", zone, "amz", connection="amz"), Node("BOB-1", "BOB", "41042", zone, "bob"),
            Node("OWN-1", "OWN", "37066", zone, "own"),
        ),
        (Channel("web"),),
        caps=(ShareCap("AMZ", 10_000),),
        skus=tuple(Sku(f"S{i}", 100 + i) for i in range(SKUS)),
        cards={"amz": card(4), "bob": card(5), "own": card(6)},
        policy=Policy(prices="off", redecide=False),
        connections=(Connection("amz", "amazon_mcf", can),),
    )  # fmt: skip


def placing(number: int, rng: Random) -> Submission:
    """An order of one to three lines."""
    lines = tuple(
        OrderLine(str(i), f"S{sku}", rng.randint(1, 2), 1000) for i, sku in enumerate(rng.sample(range(SKUS), rng.randint(1, 3)), 1)
    )  # fmt: skip
    order = Order("bench", str(number), "web", MONDAY, Destination(*rng.choice(PLACES)), lines)
    digest = hashlib.blake2b(msgspec.json.encode(order), digest_size=16).digest()
    return Submission(f"order/{number}", cmd.PlaceOrder(order, MONDAY), digest)


def submit(shard: Shard, submissions: list[Submission]) -> None:
    """All of them, each carried out."""
    for first in range(0, len(submissions), MOST_IN_BATCH):
        for answer in shard.submit(submissions[first : first + MOST_IN_BATCH]):
            if answer.error is not None:
                raise answer.error


def filled(folder: Path, orders: int, seed: int, *, held: bool) -> Shard:
    """A run with the orders at the network's node, on hold there where `held`."""
    shard = open_shard(folder, create=True)
    body = to_document(network())
    everything = tuple(range(SKUS))
    at = MONDAY - HOUR
    begin = [Submission("network", cmd.LoadNetwork(body, hashlib.sha256(body).hexdigest(), at))]
    begin += [
        Submission(
            f"stock/{n}", cmd.ReceiveStock(f"{n}", n, int(Bucket.SUPPLIER), everything, (orders * 8,) * SKUS, at)
        )
        for n in range(3)
    ]
    rng = Random(seed)
    submit(shard, begin)
    submit(shard, [placing(number, rng) for number in range(orders)])
    if not held:
        return shard
    keys = [(order_id, number) for order_id, order in shard.state.orders.items() for number in order.parts]
    intents = [cmd.Intent(order_id, number, f"R{i}", "00", True, "hold") for i, (order_id, number) in enumerate(keys)]
    for first in range(0, len(intents), 500):
        submit(shard, [Submission(f"hand/{first}", cmd.HandOver(tuple(intents[first : first + 500]), MONDAY))])
    answers = [
        Submission(
            f"call/{each.remote_id}", cmd.Answered(each.remote_id, "create", Result("ok", "HELD"), MONDAY, MONDAY + 1)
        )
        for each in intents
    ]
    submit(shard, answers)
    return shard


def measured(orders: int, seed: int, *, held: bool) -> dict[str, object]:
    """One run: seconds until nothing is left at the node, and what became of the orders."""
    with tempfile.TemporaryDirectory(prefix="failover-") as folder:
        shard = filled(Path(folder) / "run", orders, seed, held=held)
        state = shard.state
        before = sum(part.node == 0 for order in state.orders.values() for part in order.parts.values())
        at, steps = MONDAY + HOUR, 0
        began, cpu = time.perf_counter(), time.process_time()
        submit(shard, [Submission("breaker", cmd.SetBreaker("amz", (), "open", 0, "errors: benchmark", 0, at))])
        while any(state.due[0].values()):
            steps += 1
            submit(shard, [Submission(f"drain/{steps}", cmd.Drain(DRAIN, at))])
            if steps > orders:
                raise SystemExit("the drain does not end")
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        parked = sum(bool(order.rests) for order in state.orders.values())
        shard.store.close()
    return {
        "arm": "held" if held else "queued", "orders": orders, "fulfillment_orders": before, "drains": steps, "parked": parked,
        "seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3), "orders_per_s": round(orders / seconds),
    }  # fmt: skip


def main() -> None:
    """Measure both arms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    arms = [measured(chosen.orders, chosen.seed, held=held) for held in (False, True)]
    if chosen.json:
        print(json.dumps({"benchmark": "failover", "machine": describe(), "arms": arms}))
        return
    for arm in arms:
        print(
            f"{arm['arm']}: {arm['orders']:,} orders in {arm['seconds']} s, {arm['parked']} parked, {arm['drains']} drains"
        )


if __name__ == "__main__":
    main()
