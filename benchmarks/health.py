"""How fast a failing network is detected, and how often a healthy one is suspected wrongly.

    python -m benchmarks.health --json [--seeds N] [--days D] [--errors-bp 10 50] [--median-ms 300] [--only detect|false]

Detection: two calls a second (evenly spaced, and Poisson), lognormal latency (p99 four times the median), 0.1 % of calls fail. The watch
has known the network for two hours. Then one thing goes wrong: latency x 10, nothing answers, every call answers 5xx, or 30 % of the calls
fail or hang (half each). Measured: the time until the breaker opens. Calls that are not answered end at the client's timeout (8 s).
False trips: days of the same traffic with a daily drift of latency by 30 % up and down. Suspicion asks for probes beside the
calls, as in live use; `--no-probes` leaves them out.
"""

import argparse
import copy
import heapq
import json
import math
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from benchmarks.machine import describe
from tranship.core.health import Health
from tranship.dispatch.health import OPEN, Watch

SECOND = 1_000_000
DAY = 86_400 * SECOND
TIMEOUT = 8 * SECOND
SIGMA = math.log(4) / 2.3263  # lognormal whose p99 is four times its median
FAULTS = ("latency_x10", "hang", "5xx", "brownout_30")
WARM, TARGET_S, LOOK = 7_200 * SECOND, 10, SECOND // 2


class World(NamedTuple):
    """A network as its callers see it."""

    median_ms: int = 300
    errors: float = 0.001
    drift: float = 0.3  # of the median, up and down over a day
    gap: int = SECOND // 2  # between two calls
    poisson: bool = False
    probes: bool = True  # when suspicion asks for them, beside the calls


def answer(world: World, at: int, rng: Random, fault: str = "") -> tuple[int, str]:
    """Latency in microseconds and outcome of a call that begins at `at`."""
    median = world.median_ms * 1000 * (1 + world.drift * math.sin(2 * math.pi * at / DAY))
    latency = int(median * math.exp(SIGMA * rng.gauss(0, 1)))
    failed = rng.random() < world.errors
    if fault == "latency_x10":
        latency *= 10
    elif fault == "hang":
        return TIMEOUT, "unknown"
    elif fault == "5xx":
        failed = True
    elif fault == "brownout_30" and rng.random() < 0.3:
        if rng.random() < 0.5:
            return TIMEOUT, "unknown"
        failed = True
    return (TIMEOUT, "unknown") if latency >= TIMEOUT else (latency, "unknown" if failed else "ok")


def run(watch: Watch, world: World, rng: Random, first: int, until: int, fault: str = "") -> Iterator[int]:
    """Call from `first` to `until`, and probe where that is asked for; yields each moment at which the breaker is found open."""
    number, next_call, next_look = 0, first + int(rng.random() * world.gap), first
    ends: list[tuple[int, str, str]] = []
    while True:
        at = min(next_call, ends[0][0] if ends else until, next_look)
        if at >= until:
            return
        probe = False
        if ends and at == ends[0][0]:
            _, call, outcome = heapq.heappop(ends)
            watch.ended(call, at, outcome)
        state, probe_at = watch.glance(at)
        if at >= next_look:
            next_look = at + LOOK
            probe = world.probes and 0 < probe_at <= at
        if at == next_call or probe:
            number += 1
            call = f"{first}-{number}"
            watch.started(call, "get" if probe else "create", at, probe=probe)
            latency, outcome = answer(world, at, rng, fault)
            heapq.heappush(ends, (at + latency, call, outcome))
            if at == next_call:
                next_call = at + (int(rng.expovariate(1 / world.gap)) if world.poisson else world.gap)
        if state == OPEN:
            yield at


def warmed(world: World, seed: int, first: int = 0) -> Watch:
    """A watch that has known the network for two hours, or since `first`."""
    watch, rng = Watch(Health(), first), Random(f"warm {seed}")
    for _ in run(watch, world, rng, first, WARM):
        pass
    return watch


def detect(world: World, seeds: int, watches: Sequence[Watch] = ()) -> dict[str, dict[str, object]]:
    """For each fault, the share of seeds that were detected within 10 s, and the spread of the time it took."""
    watches = watches or [warmed(world, seed) for seed in range(8)]
    found: dict[str, dict[str, object]] = {}
    for fault in FAULTS:
        took = []
        for seed in range(seeds):
            watch, rng = copy.deepcopy(watches[seed % len(watches)]), Random(f"{fault} {seed}")
            start = WARM + 20 * SECOND
            for _ in run(watch, world, rng, WARM, start):
                pass
            took.append(next(run(watch, world, rng, start, start + 60 * SECOND, fault), start + 60 * SECOND) - start)
        took.sort()
        found[fault] = {
            "within_10_s": round(sum(one <= TARGET_S * SECOND for one in took) / seeds, 4),
            "median_s": round(took[seeds // 2] / SECOND, 2),
            "p95_s": round(took[int(seeds * 0.95)] / SECOND, 2),
            "worst_s": round(took[-1] / SECOND, 2),
        }
    return found


def false_trips(world: World, days: float, seed: int) -> int:
    """How often the breaker opens in so many days of a healthy network."""
    watch, rng = Watch(Health()), Random(f"false {seed}")
    trips, last = 0, -DAY
    for at in run(watch, world, rng, 0, int(days * DAY)):
        trips += at - last > 10 * SECOND
        last = at
    return trips


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--errors-bp", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--median-ms", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--no-probes", action="store_true")
    parser.add_argument("--only", choices=("detect", "false"))
    given = parser.parse_args()
    begun = time.perf_counter()
    result: dict[str, object] = {"seeds": given.seeds, "median_ms": given.median_ms, "machine": describe()}
    base = World(given.median_ms, probes=not given.no_probes)
    if given.only != "false":
        result["evenly_spaced"] = detect(base, given.seeds)
        result["poisson"] = detect(base._replace(poisson=True), given.seeds)
    if given.only != "detect":
        result["days"] = given.days
        for errors in given.errors_bp:
            world = base._replace(errors=errors / 10_000)
            result[f"false_trips_at_{errors}_bp"] = false_trips(world, given.days, given.first_seed)
    result["seconds"] = round(time.perf_counter() - begun, 1)
    print(json.dumps(result, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
