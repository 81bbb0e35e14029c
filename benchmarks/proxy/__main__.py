"""The masking proxy beside its own shell passing bytes through, and beside no proxy, against one local network in the same run.

Arms, each with 16 connections in a closed loop: `pass` (the shell, no masking), `known` (orders sent again: stored bytes), `get` (orders
asked for: address masked, answer unmasked), `new` (new orders: tokens, sealed payload and audit durable before a byte leaves).
Processor time is the proxy process's own, all threads, from the kernel. Then an open loop at half of what the slower arm reached:
`added` is the difference to no proxy at the same rate. Rounds take turns, so that a busy minute meets every arm; figures are medians.

    python -m benchmarks.proxy --json
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import describe

CONNECTIONS = 16
KNOWN = 500
KIND = "amazon_mcf_2020"
ARMS = ("pass_create", "known", "new", "pass_get", "get")
RATIOS = {"known": ("known", "pass_create"), "new": ("new", "pass_create"), "get": ("get", "pass_get")}


class Process(NamedTuple):
    """A part of the benchmark that runs by itself."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor time of all its threads so far."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def started(stack: ExitStack, *arguments: str) -> Process:
    """Start `python -m ...`; the first line that it says tells its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def end() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        process.wait(20)

    stack.callback(end)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"{arguments[0]} did not start"
    told = json.loads(line)
    return Process(int(told.get("port") or told["url"].rpartition(":")[2]), process.pid)


def load(port: int, what: str, seconds: float, first: int, rate: float = 0) -> dict[str, Any]:
    """One measurement by the load process. AssertionError where a request failed."""
    given = {
        "port": port, "what": what, "connections": CONNECTIONS, "seconds": seconds, "rate": rate, "first": first, "known": KNOWN,
    }  # fmt: skip
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.proxy.load", *words], capture_output=True, check=True
    ).stdout
    found: dict[str, Any] = json.loads(out)
    assert not found["failed"], f"{found['failed']} of {len(found['ms'])} requests failed"
    return found


def quantile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def fsyncs(folder: Path, seconds: float) -> list[float]:
    """How long a write of 4 KiB with fsync takes on this disk, in milliseconds: what one commit costs at the least."""
    took = []
    with (folder / "fsync.probe").open("wb") as file:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - start) * 1000)
            time.sleep(0.002)
    return took


class Run:
    """All processes, and the next number for a new order."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder, self.next = folder, 1_000_000
        self.per_commit: dict[str, list[float]] = {arm: [] for arm in ARMS}
        self.network = started(stack, "benchmarks.proxy.upstream")
        url = f"http://127.0.0.1:{self.network.port}"
        self.shell = started(stack, "benchmarks.proxy.shell", url)
        self.proxy = started(
            stack, "tranship.cli", "proxy", str(folder / "proxy"), "--upstream", url, "--kind", KIND, "--port", "0", "--json",
        )  # fmt: skip
        load(self.proxy.port, "new", 0.3, 0)  # the first requests open connections and load what is loaded late
        self.known()

    def known(self) -> None:
        """Every known order was sent once."""
        load(self.proxy.port, "known", 2.0, 0)

    def commits(self) -> int:
        """Transactions of the proxy so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.proxy.port}/metrics", timeout=10) as answer:
            return int(json.load(answer)["vault"]["commits"])

    def closed(self, arm: str, seconds: float) -> tuple[float, float]:
        """Microseconds of processor time a request, and requests a second."""
        there = self.shell if arm.startswith("pass") else self.proxy
        what = {"pass_create": "new", "pass_get": "get"}.get(arm, arm)
        first = self.next if arm == "new" else 0
        commits, before = self.commits(), there.cpu_s()
        found = load(there.port, what, seconds, first)
        used = there.cpu_s() - before
        self.per_commit[arm].append(len(found["ms"]) / max(1, self.commits() - commits))
        if arm == "new":
            self.next += len(found["ms"]) + CONNECTIONS
        return used / len(found["ms"]) * 1e6, found["per_s"]

    def open(self, arm: str, what: str, rate: float, seconds: float) -> tuple[float, float]:
        """Median and 99th percentile in milliseconds at a rate."""
        port = self.network.port if arm == "direct" else self.shell.port if arm == "pass" else self.proxy.port
        first = self.next if what == "new" else 0
        found = load(port, what, seconds, first, rate)
        if what == "new":
            self.next += len(found["ms"]) + CONNECTIONS
        return quantile(found["ms"], 0.5), quantile(found["ms"], 0.99)


def spread(values: list[float], digits: int = 1) -> dict[str, float]:
    """Median, least and most."""
    return {
        "median": round(statistics.median(values), digits),
        "least": round(min(values), digits),
        "most": round(max(values), digits),
    }


def measured(rounds: int, seconds: float, open_rounds: int, open_seconds: float) -> dict[str, object]:
    """All rounds: closed loops, then open loops. Closed ones are many and short, so that a busy second meets every arm alike."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=".")))  # on the disk of the checkout
        run = Run(stack, folder)
        cpu: dict[str, list[float]] = {arm: [] for arm in ARMS}
        per_s: dict[str, list[float]] = {arm: [] for arm in ARMS}
        for turn in range(rounds):
            for arm in (*ARMS[turn % len(ARMS) :], *ARMS[: turn % len(ARMS)]):
                used, rate = run.closed(arm, seconds)
                cpu[arm].append(used)
                per_s[arm].append(rate)
        ratios = {name: [a / b for a, b in zip(cpu[top], cpu[low], strict=True)] for name, (top, low) in RATIOS.items()}
        latency = {
            what: _latency(run, what, statistics.median(per_s[what]) / 2, open_rounds, open_seconds)
            for what in ("known", "new")
        }
        disk = fsyncs(folder, 2.0)
    return {
        "cpu_us_per_request": {arm: spread(values) for arm, values in cpu.items()},
        "requests_per_commit": {arm: spread(run.per_commit[arm]) for arm in ("known", "get", "new")},
        "ratio_to_pass": {name: spread(values, 2) for name, values in ratios.items()},
        "per_s": {arm: spread(values, 0) for arm, values in per_s.items()},
        "open_loop": latency,
        "fsync_ms": {"p50": round(quantile(disk, 0.5), 2), "p99": round(quantile(disk, 0.99), 2), "count": len(disk)},
        "connections": CONNECTIONS, "rounds": rounds, "seconds": seconds, "open_rounds": open_rounds, "open_seconds": open_seconds,
        "machine": describe(),
    }  # fmt: skip


def _latency(run: Run, what: str, rate: float, rounds: int, seconds: float) -> dict[str, object]:
    """Latency at half load, with and without the proxy, and the disk's fsync between the rounds."""
    found: dict[str, list[tuple[float, float]]] = {"direct": [], "pass": [], "proxy": []}
    disk: list[list[float]] = []
    for _ in range(rounds):
        for arm, values in found.items():
            values.append(run.open(arm, what, rate, seconds))
        disk.append(fsyncs(run.folder, 0.5))
    pairs = zip(found["proxy"], found["direct"], strict=True)
    added = [(one[0] - other[0], one[1] - other[1]) for one, other in pairs]
    syncs = [(quantile(one, 0.5), quantile(one, 0.99)) for one in disk]
    both = {**found, "added": added, "fsync": syncs}
    told: dict[str, object] = {"rate_per_s": round(rate)}
    for name, values in both.items():
        told[f"{name}_ms"] = {"p50": spread([v[0] for v in values], 2), "p99": spread([v[1] for v in values], 2)}
    return told


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description="what the masking proxy costs")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--open-rounds", type=int, default=7)
    parser.add_argument("--open-seconds", type=float, default=1.5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measured(asked.rounds, asked.seconds, asked.open_rounds, asked.open_seconds)
    print(json.dumps(found) if asked.json else json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
