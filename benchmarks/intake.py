"""Durable orders a second through the engine, beside the raw arm (the same statements, no engine) in the same run.

N asyncio clients each place an order (2 lines) and wait for its answer, which comes after the commit is on disk. Both arms take
turns for each number of clients, so that a drift of the machine hits both; the ratio is the median over rounds.

    python -m benchmarks.intake --json
    python -m benchmarks.intake --hot 1000000
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks import raw_arm
from benchmarks.machine import describe
from tranship.connectors import netfile
from tranship.core.ledger import Bucket
from tranship.core.network import NetworkFile, Sku
from tranship.core.order import Destination, Order, OrderLine
from tranship.engine import commands as cmd
from tranship.engine.memory import calm_collector
from tranship.engine.run import open_shard
from tranship.engine.shard import Shard, Submission
from tranship.engine.writer import Writer

SKUS = 1_000
PLENTY = 50_000_000
MOST_PER_S = 30_000
START = 1_700_000_000_000_000
ZIPS = (
    ("10001", "NY"), ("90210", "CA"), ("60601", "IL"), ("77001", "TX"), ("33101", "FL"), ("98101", "WA"), ("30301", "GA"),
    ("80202", "CO"),
)  # fmt: skip


def network_with(skus: int, *, after: tuple[str, ...] = ("split", "park")) -> NetworkFile:
    """The example network with `skus` light articles and no daily capacity limit."""
    with tempfile.TemporaryDirectory() as folder:
        netfile.init_files(Path(folder))
        network = netfile.load(Path(folder) / "tranship.toml").network
    draw = random.Random(7)
    goods = tuple(
        Sku(f"SKU-{i:04d}", draw.randint(60, 900), draw.randint(60, 250), draw.randint(50, 200), draw.randint(10, 90))
        for i in range(skus)
    )
    nodes = tuple(msgspec.structs.replace(node, capacity_units=0) for node in network.nodes)
    policy = msgspec.structs.replace(network.policy, after=after)
    return msgspec.structs.replace(network, skus=goods, nodes=nodes, policy=policy)


def prepared(folder: Path, network: NetworkFile, units: int) -> Shard:
    """A new shard with `units` of every SKU at every node."""
    import hashlib

    shard = open_shard(folder, create=True)
    document = netfile.to_document(network)
    skus = tuple(range(len(network.skus)))
    load = cmd.LoadNetwork(document, hashlib.sha256(document).hexdigest(), START)
    submissions = [Submission("network", load)]
    for n in range(len(network.nodes)):
        receipt = cmd.ReceiveStock(f"opening {n}", n, int(Bucket.OPENING), skus, (units,) * len(skus), START)
        submissions.append(Submission(f"stock/{n}", receipt))
    for answer in shard.submit(submissions):
        if answer.error:
            raise answer.error
    return shard


def order_of(number: int, draw: random.Random) -> Submission:
    """The next order: two lines to one of eight cities, half a second after the one before."""
    at = START + number * 500_000
    first = draw.randrange(SKUS)
    zip_code, state = ZIPS[draw.randrange(len(ZIPS))]
    lines = (
        OrderLine("1", f"SKU-{first:04d}", draw.randint(1, 3), 1999),
        OrderLine("2", f"SKU-{(first + 1 + draw.randrange(SKUS - 1)) % SKUS:04d}", 1, 999),
    )
    order = Order("bench", f"{number:08d}", "web", at, Destination(zip_code, state), lines)
    return Submission(f"order/bench/{number:08d}", cmd.PlaceOrder(order, at))


async def _clients(writer: Writer, clients: int, seconds: float, orders: list[Submission]) -> tuple[int, float]:
    waiting, done = iter(orders), 0
    begun = time.perf_counter()
    end = begun + seconds

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            answer = await writer.asubmit(next(waiting))
            if answer.error:
                raise answer.error
            done += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return done, time.perf_counter() - begun


def engine_arm(clients: int, seconds: float, folder: Path) -> float:
    """Durable orders a second through the engine with so many waiting clients."""
    network = network_with(SKUS)
    shard = prepared(folder, network, PLENTY)
    shard.submit([order_of(n, random.Random(1)) for n in range(1, 65)])  # kernels compiled, caches warm
    draw = random.Random(clients)
    orders = [order_of(n, draw) for n in range(1_000, 1_000 + int(seconds * MOST_PER_S))]  # clients bring them ready
    calm_collector()
    writer = Writer(shard)
    try:
        done, elapsed = asyncio.run(_clients(writer, clients, seconds, orders))
    finally:
        writer.close()
    return done / elapsed


def hot(orders: int, folder: Path) -> dict[str, float]:
    """`orders` orders of one unit of one SKU, a tenth as many units: exactly those are reserved."""
    network = network_with(1, after=("cancel",))
    units = orders // 10
    shard = prepared(folder, network, 0)
    receipt = cmd.ReceiveStock("hot", 0, int(Bucket.SUPPLIER), (0,), (units - units // 2,), START)
    other = cmd.ReceiveStock("hot 2", 4, int(Bucket.SUPPLIER), (0,), (units // 2,), START)
    shard.submit([Submission("hot/1", receipt), Submission("hot/2", other)])
    calm_collector()
    begun = time.perf_counter()
    for start in range(0, orders, 500):
        batch = []
        for i in range(start, min(orders, start + 500)):
            at = START + i * 1_000
            order = Order(
                "hot", f"{i:08d}", "web", at, Destination("10001", "NY"), (OrderLine("1", "SKU-0000", 1, 999),)
            )
            batch.append(Submission(f"order/hot/{i:08d}", cmd.PlaceOrder(order, at)))
        for answer in shard.submit(batch):
            if answer.error:
                raise answer.error
    seconds = time.perf_counter() - begun
    reserved = int(shard.state.ledger.balance[Bucket.RESERVED].sum())
    problems = shard.state.ledger.problems()
    shard.store.close()
    return {
        "orders": orders, "units": units, "reserved": reserved, "problems": len(problems),
        "orders_per_s": round(orders / seconds), "exact": reserved == units and not problems,
    }  # fmt: skip


def compare(clients: list[int], seconds: float, rounds: int) -> dict[str, dict[str, float]]:
    """Both arms in turn for each number of clients; medians over the rounds."""
    out = {}
    for count in clients:
        engine, raw, ratio = [], [], []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(dir=".") as folder:
                engine.append(engine_arm(count, seconds, Path(folder) / "engine"))
                raw.append(raw_arm.run(count, seconds, Path(folder) / "raw"))
                ratio.append(engine[-1] / raw[-1])
        out[str(count)] = {
            "engine_per_s": round(statistics.median(engine)), "raw_per_s": round(statistics.median(raw)),
            "ratio": round(statistics.median(ratio), 3), "ratio_min": round(min(ratio), 3), "ratio_max": round(max(ratio), 3),
        }  # fmt: skip
    return out


def main() -> None:
    """Print the comparison, or the hot SKU's figures."""
    parser = argparse.ArgumentParser(description="durable orders a second, engine beside raw statements")
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 16, 256, 1000])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hot", type=int, default=0, help="run the hot-SKU check with this many orders instead")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, object]
    if chosen.hot:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            figures = {**hot(chosen.hot, Path(folder) / "hot"), "machine": describe()}
    else:
        figures = {"clients": compare(chosen.clients, chosen.seconds, chosen.rounds), "machine": describe()}
    if chosen.json:
        print(json.dumps(figures))
        return
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
