"""Orders of one to three lines a second through decide and evolve, without a store, and priced decisions a second in the kernel alone.

Five nodes, a share cap of 60 % with its bucket and reserve, orders to all of the country; with and without a price book. In each round
all arms decide the same orders: `many` (`engine.many.execute_many`, 500 at a time), `one` (`engine.decide.execute`, one by one)
and `raw`, which only makes the same event objects of values that lie ready. State digests of `many` and `one` must be equal.

    python -m benchmarks.decide --orders 200000 --json
"""

import argparse
import gc
import hashlib
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks.intake import network_with
from benchmarks.machine import describe
from tranship.connectors import netfile
from tranship.core.ledger import Bucket
from tranship.core.network import NetworkFile
from tranship.core.order import Destination, Order, OrderLine
from tranship.core.states import STATE_OF_ZIP3
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine import many
from tranship.engine.decide import execute
from tranship.engine.digest import state_digest
from tranship.engine.memory import calm_collector
from tranship.engine.state import State
from tranship.rates.compile import compile_tables
from tranship.routing.model import Alternative, Decision, Gate, Part, Why
from tranship.routing.prices.model import PriceMaking, book_of, encode

SKUS, UNITS, START, DAY = 1_000, 1_000_000, 1_700_000_000_000_000, 86_400_000_000
BATCH = 500
ONE_ROUND = 40_000
ONES = 2
"""Rounds in which the slow arm takes part."""


def places(network: NetworkFile) -> list[tuple[str, str]]:
    """(ZIP code, state) in each ZIP3 that some node serves by ground."""
    tables = compile_tables(network, START // DAY)
    days = tables.transit_days[tables.services.index("ground")]
    served = [zip3 for zip3 in range(1000) if (np.take_along_axis(days, tables.zone3[:, zip3][:, None], 1) < 255).any()]
    return [(f"{zip3:03d}{zip3 % 90 + 10}", STATE_OF_ZIP3[zip3]) for zip3 in served]


def orders(network: NetworkFile, count: int, seed: int = 1) -> list[cmd.Command]:
    """`count` orders of 1 to 3 lines, half a second apart, to ZIP codes all over the country; small SKU numbers are asked most."""
    draw, where = random.Random(seed), places(network)
    made: list[cmd.Command] = []
    for n in range(count):
        zip_code, state = where[draw.randrange(len(where))]
        skus = {int(SKUS * draw.random() ** 2) for _ in range(draw.choice((1, 1, 2, 2, 3)))}
        lines = tuple(
            OrderLine(str(i), f"SKU-{sku:04d}", draw.choice((1, 1, 1, 2, 3)), 1_999) for i, sku in enumerate(skus, 1)
        )
        at = START + n * 500_000
        made.append(cmd.PlaceOrder(Order("bench", f"{n:08d}", "web", at, Destination(zip_code, state), lines), at))
    return made


def prepared(network: NetworkFile, *, prices: bool) -> State:
    """A state with the network in force, `UNITS` of every SKU at every node, and a price for each of them if wanted."""
    document = netfile.to_document(network)
    sha = hashlib.sha256(document).hexdigest()
    bodies = {sha: document}
    state = State(bodies.__getitem__)
    skus = tuple(range(len(network.skus)))
    setup: list[cmd.Command] = [cmd.LoadNetwork(document, sha, START)]
    for n in range(len(network.nodes)):
        setup.append(cmd.ReceiveStock(f"opening {n}", n, int(Bucket.OPENING), skus, (UNITS,) * len(skus), START))
    if prices:
        stock = np.random.default_rng(7).integers(1, 2_000_000, (len(skus), len(network.nodes)))
        book = encode(book_of(sha, START, START // DAY + 60, stock, {}, {}, PriceMaking("by hand")))
        bodies[hashlib.sha256(book).hexdigest()] = book
        setup.append(cmd.SetPrices(book, hashlib.sha256(book).hexdigest(), "by hand", START))
    for command in setup:
        list(execute(state, command))
    return state


def one_by_one(state: State, commands: Sequence[cmd.Command]) -> None:
    """The normal way."""
    for command in commands:
        list(execute(state, command))


def together(state: State, commands: Sequence[cmd.Command]) -> None:
    """In batches of the size that one transaction takes."""
    for at in range(0, len(commands), BATCH):
        many.execute_many(state, commands[at : at + BATCH])


def values_of(commands: Sequence[cmd.Command], network: NetworkFile, *, prices: bool) -> list[tuple[object, ...]]:
    """What the events of these orders hold, as plain values."""
    state = prepared(network, prices=prices)
    found: list[tuple[object, ...]] = []
    for done in many.execute_many(state, commands):
        assert isinstance(done, list), "an order of the benchmark was refused"
        accepted, routed = done[:2]
        assert isinstance(accepted, ev.OrderAccepted)
        assert isinstance(routed, ev.OrderRouted)
        decision, why = routed.decision, routed.decision.why
        found.append((
            (accepted.order_id, accepted.order, accepted.promise_day, accepted.at),
            [tuple(getattr(part, name) for name in Part.__struct_fields__) for part in decision.parts],
            decision.rests,
            [tuple(getattr(gate, name) for name in Gate.__struct_fields__) for gate in why.gates],
            [tuple(getattr(other, name) for name in Alternative.__struct_fields__) for other in why.alternatives],
            (why.rates, why.day, why.nodes), (why.priced, why.prices),
        ))  # fmt: skip
    return found


def raw(values: list[tuple[object, ...]]) -> list[list[ev.Event]]:
    """Only the event objects."""
    made: list[list[ev.Event]] = []
    for accepted, parts, rests, gates, others, head, tail in values:
        why = Why(*head, tuple([Gate(*x) for x in gates]), tuple([Alternative(*x) for x in others]), *tail)  # type: ignore[attr-defined, call-arg, misc, arg-type, index, unused-ignore]
        decision = Decision(tuple([Part(*x) for x in parts]), rests, why)  # type: ignore[attr-defined, call-arg, misc, arg-type, index, unused-ignore]
        made.append([ev.OrderAccepted(*accepted), ev.OrderRouted(accepted[0], 0, decision, accepted[3])])  # type: ignore[attr-defined, call-arg, misc, arg-type, index, unused-ignore]
    return made


def kernel_alone(state: State, commands: Sequence[cmd.Command]) -> tuple[float, float]:
    """Seconds and processor seconds of a decision in the compiled stream: orders laid out beforehand, nothing made of the answers."""
    together(state, commands[:2_000])  # the cap's window is full
    kept, many.MOST = many.MOST, len(commands)
    try:
        batch = many._Batch.of(state, commands[2_000:], 0)
    finally:
        many.MOST = kept
    assert batch is not None, "no compiler, or a network that the kernel does not take"
    batch.counters.load(state.caps, batch.count)
    begin, done = 0, 0
    wall, used = time.perf_counter(), time.process_time()
    while begin < batch.count:
        end = batch.decide(begin)
        done += end - begin
        begin = end + 1  # an order for the long way is left out
    return (time.perf_counter() - wall) / done, (time.process_time() - used) / done


def timed(run: Callable[[], object], count: int) -> tuple[float, float]:
    """Seconds and processor seconds of one thing."""
    gc.collect()
    wall, used = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - wall) / count, (time.process_time() - used) / count


def figures(total: int, *, prices: bool) -> dict[str, object]:
    """All arms over the same orders, round after round; medians and spread."""
    network = network_with(SKUS)
    rounds = max(3, total // ONE_ROUND)
    size = total // rounds
    commands = orders(network, size * rounds)
    together(prepared(network, prices=prices), commands[:2_000])  # kernels compiled
    one_by_one(prepared(network, prices=prices), commands[:200])
    values = values_of(commands[:10_000], network, prices=prices)
    calm_collector()
    found: dict[str, list[tuple[float, float]]] = {"many": [], "one": [], "raw": [], "kernel": []}
    quick, slow = prepared(network, prices=prices), prepared(network, prices=prices)
    for n in range(rounds):
        piece = commands[n * size : n * size + size]
        found["many"].append(timed(partial(together, quick, piece), size))
        found["kernel"].append(kernel_alone(prepared(network, prices=prices), commands[:20_000]))
        found["raw"].append(timed(partial(raw, values), len(values)))
        if n < ONES:
            found["one"].append(timed(partial(one_by_one, slow, piece), size))
            assert state_digest(quick) == state_digest(slow), "both ways must end in the same state"
    out: dict[str, object] = {"orders_a_round": size, "rounds": rounds}
    for name, times in found.items():
        for word, which in (("per_s", 0), ("per_cpu_s", 1)):
            speeds = sorted(1 / one[which] for one in times)
            out[f"{name}_{word}"] = round(statistics.median(speeds))
            out[f"{name}_{word}_spread"] = [round(speeds[0]), round(speeds[-1])]
    ratios = [one[1] / other[1] for one, other in zip(found["raw"], found["many"], strict=True)]
    out["many_of_raw"] = round(statistics.median(ratios), 3)
    out["max_window_share_bp"] = max(cap.total.max_share_bp for cap in quick.caps)
    return out


def main() -> None:
    """Print the figures of both settings."""
    parser = argparse.ArgumentParser(description="orders a second through decide and evolve, without a store")
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = {
        "without_prices": figures(chosen.orders, prices=False),
        "with_prices": figures(chosen.orders, prices=True),
        "machine": describe(),
    }
    print(json.dumps(found) if chosen.json else json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
