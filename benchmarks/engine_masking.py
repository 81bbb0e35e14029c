"""How long the event loop of a service is held up while it masks for a proxy (`tranship proxy --engine`).

    python -m benchmarks.engine_masking [--json] [--count 2000]

A real service on a run in a folder, asked as `/v1/masking/mask` asks it, one message after the other. What counts is the longest stretch
for which the loop did nothing else while a message was handled: nobody else is answered meanwhile. `p50`, `p99` and `max` are over
messages, in milliseconds of real time; so whatever else the machine does is in them.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.machine import describe
from benchmarks.masking import ORDER
from tranship.cli.demo import write_world
from tranship.engine.memory import calm_collector
from tranship.engine.service import Service
from tranship.masking.policy import load
from tranship.masking.remote import MaskIn, MaskOut, UnmaskIn
from tranship.proxy.served import Served

KIND, CREATE, GET = "amazon_mcf_2020", "createFulfillmentOrder", "getFulfillmentOrder"
NETWORK = "amazon"
LINES_MOST = 100
"""Lines of one order at Amazon."""


class Stretches:
    """Times each callback that the loop runs; `longest` since it was asked last."""

    def __init__(self) -> None:
        self._longest = 0.0
        plain: Any = asyncio.events.Handle._run

        def run(handle: asyncio.events.Handle) -> None:
            began = time.perf_counter()
            plain(handle)
            self._longest = max(self._longest, time.perf_counter() - began)

        asyncio.events.Handle._run = run  # type: ignore[assignment, method-assign]

    def longest_ms(self) -> float:
        """Milliseconds; begins anew."""
        found, self._longest = self._longest, 0.0
        return 1000 * found


def message(k: int, lines: int) -> MaskIn:
    """An order as its client would send it."""
    body: dict[str, Any] = {**ORDER, "sellerFulfillmentOrderId": f"SHOP-{k}", "displayableOrderId": f"SHOP-{k}"}
    body["items"] = [{**ORDER["items"][0], "sellerFulfillmentOrderItemId": f"{k}-{n}"} for n in range(lines)]  # type: ignore[index]
    return MaskIn(f"{k:x}", KIND, NETWORK, load(KIND).hash, CREATE, target=str(k), body=msgspec.json.encode(body))


async def arm(times: Stretches, count: int, work: Callable[[int], Awaitable[object]]) -> dict[str, float]:
    """One message after the other."""
    found = []
    for k in range(count):
        await asyncio.sleep(0)  # what came before has ended
        times.longest_ms()
        await work(k)
        await asyncio.sleep(0)
        found.append(times.longest_ms())
    cut = statistics.quantiles(found, n=100)
    return {"p50": round(cut[49], 3), "p99": round(cut[98], 3), "max": round(max(found), 3)}


async def measured(home: Path, count: int) -> dict[str, dict[str, float]]:
    """All arms."""
    service = Service.open(home / "run", write_world(home, 1, 2_000), create=True)
    calm_collector()  # as `tranship serve` does
    served, times, made = Served(service), Stretches(), dict[int, MaskOut]()

    async def new(k: int, lines: int) -> None:
        made[k] = await served.mask(message(k, lines))

    async def back(k: int) -> None:
        told = json.loads(made[k].body)
        order = {"payload": {"fulfillmentOrder": {"sellerFulfillmentOrderId": told["sellerFulfillmentOrderId"],
                                                  "destinationAddress": told["destinationAddress"]}}}  # fmt: skip
        asked = UnmaskIn(f"{k:x}", KIND, NETWORK, load(KIND).hash, GET, order=f"SHOP-{k}", subject=made[k].subject,
                         status=200, body=msgspec.json.encode(order))  # fmt: skip
        await served.unmask(asked)

    try:
        await new(10**9, 2)  # the vault is opened, keys are made
        found = {"new order, 2 lines": await arm(times, count, lambda k: new(k, 2))}
        found["the same again"] = await arm(times, count, lambda k: new(k, 2))
        found["its answer"] = await arm(times, count, back)
        found[f"new order, {LINES_MOST} lines"] = await arm(
            times, max(100, count // 10), lambda k: new(10**6 + k, LINES_MOST)
        )
    finally:
        service.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = asyncio.run(measured(Path(home), asked.count))
    if asked.json:
        sys.stdout.write(json.dumps({"machine": describe(), "held_up_ms": found}) + "\n")
        return
    for name, row in found.items():
        sys.stdout.write(f"{name:24} p50 {row['p50']:7.3f} ms   p99 {row['p99']:7.3f} ms   max {row['max']:7.3f} ms\n")


if __name__ == "__main__":
    main()
