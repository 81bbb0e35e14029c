"""A recorded year under each kind of routing: what prices and deciding again save, on stock derived with several seeds.

    python -m benchmarks.year --seeds 1,2,3 --json
    python -m benchmarks.year --lines 40000 --seeds 1       a short version

The UCI year on the example network, every command carried out by the engine on a virtual clock as `tranship replay` does, but
without a store: `cpu_s` is deciding (and making prices), `prices_cpu_s` the part of it that made prices. Arms, with the same
stock, caps and cap control:

* `myopic`: no price books, nothing decided again;
* `redecide`: orders decided again until they ship;
* `prices`: both, as is the default.

Costs are those of the rate cards, without any price. `paired` compares order by order where both arms placed the same units, with a 95 %
interval over days or weeks (`tranship.sim.trial.paired`).
"""

import argparse
import importlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.machine import describe
from benchmarks.replay import first_lines, source
from tranship.connectors import netfile
from tranship.connectors.files.intake import stage
from tranship.connectors.files.mapping import choose
from tranship.core.errors import TranshipError
from tranship.core.network import NetworkFile
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.decide import execute
from tranship.engine.shard import Answer, Shard, Submission
from tranship.engine.snapshots import solver
from tranship.engine.state import CANCELLED, State
from tranship.routing.prices.model import PriceBook
from tranship.routing.prices.snapshot import Snapshot
from tranship.sim.replay import _Player
from tranship.sim.trial.paired import Ints, Paired, paired
from tranship.sim.workers import Tell, Work
from tranship.sim.world.derive import derive

ARMS: dict[str, dict[str, object]] = {
    "myopic": {"prices": "off", "redecide": False},
    "redecide": {"prices": "off"},
    "prices": {},
}


class _Keys:
    """A store of nothing: no command was ever seen before."""

    def find_keys(self, keys: Sequence[str]) -> dict[str, object]:
        return dict.fromkeys(keys[:0])


class _Desk(Shard):
    """A shard that keeps its state only: what a command makes is carried out and not written down."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.state = State(self.bodies.__getitem__)
        self.store = _Keys()  # type: ignore[assignment]
        self.at: dict[str, int] = {}
        self.counts = dict.fromkeys(("moved", "looked", "books", "paid"), 0)

    def submit(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Carry commands out; an error of one is its answer."""
        answers = []
        for submission in submissions:
            command = submission.command
            if isinstance(command, cmd.LoadNetwork | cmd.SetPrices):
                self.bodies[command.sha256] = command.document
            try:
                for event in execute(self.state, command):
                    self._note(event)
                answers.append(Answer())
            except TranshipError as error:
                answers.append(Answer(error=error))
        return answers

    def _note(self, event: ev.Event) -> None:
        if isinstance(event, ev.OrdersMoved):
            self.counts["moved"] += len(event.moves)
        elif isinstance(event, ev.OrdersReviewed):
            self.counts["looked"] += event.looked
        elif isinstance(event, ev.PricesSet):
            self.counts["books"] += 1


@dataclass(frozen=True)
class Job:
    """One arm on one stock."""

    path: str
    network: str
    arm: str
    seed: int
    policy: dict[str, object]


@dataclass
class Done:
    """What an arm came to; `rows` by order: when, micros, units, in the order they came."""

    figures: dict[str, object]
    ids: list[str]
    rows: Ints


def carried_out(job: Job, tell: Tell) -> Done:
    """Run one arm in this process."""
    network = _network(Path(job.network), job)
    found = choose(network.sources, Path(job.path))
    staged = stage(Path(job.path), mapping=found[1] if found else None, format=None, progress=None)
    world = derive(staged, network)
    desk, clock = _Desk(), _Clock()
    player = _Player(desk, staged, world, network, lambda _, done, total: tell(done / total), clock.solve)
    _compiled()
    begun = time.process_time()
    player.play(bool, [])
    seconds = time.process_time() - begun
    return _done(desk.state, {**desk.counts, "paid": clock.paid, "cpu_s": seconds, "prices_cpu_s": clock.seconds})


def _compiled() -> None:
    """Load what is compiled (once a machine), so that no arm is charged for it."""
    for module in ("routing.kernel", "routing.prices.kernel_dual", "routing.prices.kernel_stream"):
        importlib.import_module(f"tranship.{module}")


class _Clock:
    """The solver with a watch."""

    def __init__(self) -> None:
        self.seconds, self.paid = 0.0, 0

    def solve(self, snapshot: Snapshot) -> PriceBook:
        """A book, and how long it took."""
        solve = solver()
        begun = time.process_time()
        book = solve(snapshot)
        self.seconds += time.process_time() - begun
        self.paid += book.making.tested_bp > 0
        return book


def _network(path: Path, job: Job) -> NetworkFile:
    network = netfile.load(path).network
    policy = msgspec.structs.replace(network.policy, **{**job.policy, **ARMS[job.arm]})
    return msgspec.structs.replace(network, policy=policy, world={**network.world, "seed": job.seed})


def _done(state: State, counted: dict[str, float]) -> Done:
    rows, late, parts, placed = [], 0, 0, 0
    for held in state.orders.values():
        standing = [part for part in held.parts.values() if part.status != CANCELLED]
        units = sum(part.units() for part in standing)
        rows.append((held.order.placed_at, sum(part.cost for part in standing), units))
        late += sum(part.units() for part in standing if part.late)
        parts, placed = parts + len(standing), placed + bool(standing)
    table = np.array(rows, np.int64).reshape(-1, 3)
    ordered = sum(line.qty for held in state.orders.values() for line in held.order.lines)
    units, cost = int(table[:, 2].sum()), int(table[:, 1].sum()) / 1e6
    share = max([w.max_share_bp for cap in state.caps for w in (cap.total, *cap.channels.values())], default=0)
    figures: dict[str, object] = {
        "orders": len(rows),
        "cost": round(cost, 2),
        "cost_per_order": round(cost / max(1, placed), 4),
        "cost_per_unit": round(cost / max(1, units), 5),
        "fill": round(units / max(1, ordered), 5),
        "units_placed": units,
        "late_units": late,
        "parts_per_order": round(parts / max(1, placed), 4),
        "max_window_share": share / 10_000,
        **{name: round(value, 1) for name, value in counted.items()},
    }
    return Done(figures, list(state.orders), table)


def _against(base: Done, other: Done) -> dict[str, object]:
    assert base.ids == other.ids, "both arms took the same orders"
    found: Paired = paired(base.rows[:, 0], base.rows[:, 1], other.rows[:, 1], base.rows[:, 2] == other.rows[:, 2])
    return {
        "orders": found.orders,
        "left_out": found.left_out,
        "mean": round(found.mean / 1e6, 4),
        "low": round(found.low / 1e6, 4),
        "high": round(found.high / 1e6, 4),
        "relative": round(found.relative, 5),
        "block": found.block,
        "cheaper": found.cheaper,
        "dearer": found.dearer,
    }


def main() -> None:
    """Every arm on every stock, one process at a time."""
    parser = argparse.ArgumentParser(description="a recorded year with prices and deciding again")
    parser.add_argument("--seeds", default="1,2,3", help="seeds of the derived world, with commas")
    parser.add_argument("--lines", type=int, default=0, help="only the first so many lines")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--policy", default="{}", help="JSON of [policy] keys that every arm has")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if not source().exists():
        print(json.dumps({"skipped": "../shared/data/uci_online_retail is not present"}))
        return
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    arms, policy = chosen.arms.split(","), json.loads(chosen.policy)
    with tempfile.TemporaryDirectory() as name:
        path, network = first_lines(source(), chosen.lines, Path(name)), Path(name) / "tranship.toml"
        network.write_text(netfile.template(), encoding="utf-8")
        jobs = [Job(str(path), str(network), arm, seed, policy) for seed in seeds for arm in arms]
        results = Work(carried_out).all(jobs, processes=chosen.processes)
    out: dict[str, object] = {}
    for i, seed in enumerate(seeds):
        done = results[i * len(arms) : (i + 1) * len(arms)]
        out[f"seed {seed}"] = {
            arm: {**one.figures, **({"paired": _against(done[0], one)} if one is not done[0] else {})}
            for arm, one in zip(arms, done, strict=True)
        }
    out["machine"] = describe()
    print(json.dumps(out, indent=None if chosen.json else 2))


if __name__ == "__main__":
    main()
