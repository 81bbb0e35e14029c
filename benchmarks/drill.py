"""What a rehearsed outage comes to at a size where seconds count, and how close a drain comes to a network's published rate.

`python -m benchmarks.drill --json`. A run of small orders is made, then rehearsed with the code of `tranship drill`:

* blackout: an hour of nothing at the network that most orders go to, with spare capacity. Share of the orders that came during it and
  would have gone there which were placed elsewhere within 120 s, with Hold and without.
* live: a strike is told shortly after a morning's work was released. Orders that the network has accepted are called back at its
  published rate (2 a second, 30 at once); the figure is cancellations a second over that rate, after the burst.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from random import Random

import msgspec

from benchmarks.failover import HOUR, MONDAY, NODE, placing, submit
from benchmarks.failover import network as wide
from benchmarks.machine import describe
from tranship.connectors.port import Request
from tranship.core.ledger import Bucket
from tranship.core.network import ShareCap
from tranship.engine import commands as cmd
from tranship.engine.run import open_shard, open_store
from tranship.engine.shard import Submission
from tranship.sim.drill.driving import Side
from tranship.sim.drill.ground import Ground, Wish, loading, survey
from tranship.sim.drill.rehearsal import Rehearsal
from tranship.sim.drill.run import Job, compared, played
from tranship.sim.drill.scenarios import POLICIES, scenario
from tranship.sim.drill.source import read_run
from tranship.store.port import Store

SECOND = 1_000_000
RATE, BURST = 2.0, 30


def made(folder: Path, orders: int, seed: int) -> None:
    """A run of one busy day: nobody has an interface yet, the cap on the cheapest network is 60 %."""
    network = wide()
    nodes = tuple(msgspec.structs.replace(node, connection="") for node in network.nodes)
    cap = ShareCap("AMZ", 6_000, reserve=0, price_micros=0)
    network = msgspec.structs.replace(network, nodes=nodes, connections=(), caps=(cap,))
    shard = open_shard(folder, create=True)
    everything = tuple(range(len(network.skus)))
    at = MONDAY - HOUR
    begin = [Submission("network", loading(network, at))]
    begin += [
        Submission(f"stock/{n}", cmd.ReceiveStock(f"{n}", n, int(Bucket.SUPPLIER), everything, (orders * 8,) * len(everything), at))
        for n in range(len(nodes))
    ]  # fmt: skip
    rng = Random(seed)
    submit(shard, begin)
    submit(shard, [placing(number, rng) for number in range(orders)])
    shard.store.close()


def surveyed(folder: Path, wish: Wish) -> Ground:
    """The ground of a rehearsal on the run."""
    store = open_store(folder, read_only=True)
    try:
        return survey(*read_run(store, 0), wish)
    finally:
        store.close()


def blackout(folder: Path, orders: int, seed: int) -> dict[str, object]:
    """The hour of nothing, with and without Hold."""
    ground = surveyed(folder, Wish(scenario("blackout"), orders, 3, seed))
    policies = [policy for policy in POLICIES if policy.key in {"calm", "tranship", "no_hold"}]
    found = compared([played(Job(str(folder), ground, policy), lambda _done: None) for policy in policies])
    return {
        "orders": len(ground.orders), "arms": {
            arm.key: {
                "arrived": arm.arrived, "meant": arm.meant, "placed_in_120_s": arm.meant_placed,
                "share": round(arm.meant_placed / max(1, arm.meant), 5), "detect_s": arm.detect_s, "drain_s": arm.drain_s,
                "moved": arm.moved, "double_shipped": arm.double_orders, "lost": arm.lost, "seconds": arm.seconds,
            }
            for arm in found if arm.key != "calm"
        },
    }  # fmt: skip


class Timed(Rehearsal):
    """Notes when cancellations are sent."""

    def __init__(self, run: Store, ground: Ground) -> None:
        super().__init__(run, ground, next(policy for policy in POLICIES if policy.key == "tranship"))
        self.cancelled_at: list[int] = []

    def _ask(self, side: Side, op: str, request: Request, *rest: object, **more: object) -> None:
        if op == "cancel":
            self.cancelled_at.append(self.loop.now)
        super()._ask(side, op, request, *rest, **more)  # type: ignore[arg-type]


def live(folder: Path, orders: int, seed: int) -> dict[str, object]:
    """Calling back what the network has accepted."""
    chosen = scenario("strike")
    ground = surveyed(folder, Wish(chosen, orders, 12, seed, at=9 * 60 + 50, minutes=6 * 60, network="AMZ"))
    store = open_store(folder, read_only=True)
    began = time.perf_counter()
    try:
        play = Timed(store, ground)
        play.play()
    finally:
        store.close()
    sent = play.cancelled_at
    lasted = (sent[-1] - sent[0]) / SECOND
    return {
        "node": NODE, "cancelled": len(sent), "seconds_virtual": round(lasted, 1), "ideal_seconds": (len(sent) - BURST) / RATE,
        "of_published_rate": round((len(sent) - BURST) / RATE / lasted, 4), "drain_s": (play.drained_at - play.opened_at) / SECOND,
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=12_000, help="of the blackout's day")
    parser.add_argument("--live", type=int, default=3_000, help="of the day with the strike")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="drill-") as home:
        folder = Path(home) / "run"
        made(folder, 2_000, chosen.seed)
        found = {
            "benchmark": "drill", "machine": describe(), "blackout": blackout(folder, chosen.orders, chosen.seed),
            "live": live(folder, chosen.live, chosen.seed),
        }  # fmt: skip
    print(json.dumps(found, indent=None if chosen.json else 1))


if __name__ == "__main__":
    main()
