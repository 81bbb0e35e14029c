"""What a hand-over costs the processor: preparing an order for its network, and its share of the commit.

    python -m benchmarks.handover [--json] [--orders 2000] [--rounds 5]

A run in a folder, every commit on disk. Each order has two lines and a person; all are due at once behind one Amazon connection. `prepare`
is what the driver does in a thread before anything is journaled (person, alias, policy, sealed bytes, audit row), `commit` the command that
journals 200 intents. `floor`: sealing and encoding alone, in the same run (one AES-GCM of the body, one of the alias, two HMACs, the
JSON of the body), so that a busy machine shows. Microseconds of processor time an order, of the whole process.
"""

import argparse
import hashlib
import hmac
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.intake import START, network_with, order_of
from benchmarks.intake import prepared as with_stock
from benchmarks.machine import describe
from tranship.connectors.registry import connector_of
from tranship.core.capability import Connection
from tranship.core.network import NetworkFile
from tranship.core.order import Person
from tranship.engine.driver.vault_wait import prepare_all
from tranship.engine.memory import calm_collector
from tranship.engine.outward import Masker
from tranship.engine.preparing import handing_over, wanted
from tranship.engine.shard import Shard
from tranship.store.vaulting import kek_of, open_vault

BATCH = 200
DAY_US = 86_400_000_000
SETTINGS: dict[str, object] = {
    "endpoint": "https://x.example",
    "auth_endpoint": "https://x.example",
    "marketplace": "ATVPDKIKX0DER",
}
SECRETS = dict.fromkeys(("refresh_token", "client_id", "client_secret"), "env:NONE")


def connected(network: NetworkFile) -> NetworkFile:
    """All nodes behind one connection that wants orders early."""
    amazon = Connection("amz", "amazon_mcf", settings=SETTINGS, secrets=SECRETS, hold_min=1440, release_min=1440)
    nodes = tuple(msgspec.structs.replace(node, connection="amz") for node in network.nodes)
    return msgspec.structs.replace(network, nodes=nodes, connections=(amazon,), caps=())


def place(shard: Shard, first: int, count: int) -> None:
    """Orders of people who are new."""
    draw = random.Random(first)
    for begin in range(first, first + count, BATCH):
        made = []
        for k in range(begin, min(begin + BATCH, first + count)):
            person = Person(
                f"c{k}",
                "Ada Example",
                f"{k} Example Road, Apt {k % 90}",
                "Springfield",
                "+1 312 555 0100",
                f"c{k}@post.example",
            )
            made.append(msgspec.structs.replace(order_of(k, draw), person=person, person_source="bench"))
        for answer in shard.submit(made):
            if answer.error:
                raise answer.error


def floor_us(count: int) -> float:
    """What no preparation can do without."""
    cipher, key, body = (
        AESGCM(os.urandom(32)),
        os.urandom(32),
        {"text": "x" * 500, "lines": [{"a": k} for k in range(8)]},
    )

    began = time.process_time()
    for _ in range(count):
        cipher.encrypt(os.urandom(12), msgspec.json.encode(body), b"order")
        cipher.encrypt(os.urandom(12), b"Ada Example", b"alias")
        hmac.digest(key, b"index", hashlib.sha256)
        hmac.digest(key, b"mark", hashlib.sha256)
    return (time.process_time() - began) / count * 1e6


def measured(folder: Path, orders: int, rounds: int) -> dict[str, list[float]]:
    """All rounds."""
    shard = with_stock(folder, connected(network_with(1_000)), 50_000_000)
    masker = Masker(open_vault(shard.store, shard.people, kek_of(folder)))
    connector = connector_of(Connection("amz", "amazon_mcf", settings=SETTINGS, secrets=SECRETS))
    found: dict[str, list[float]] = {"prepare": [], "commit": [], "floor": []}
    calm_collector()
    place(shard, 1, 64)
    for each in range(rounds + 1):
        place(shard, 100 + each * orders, orders)
        prepare = commit = count = 0.0
        at = max(shard.state.last_at, START) + DAY_US
        while todo := wanted(shard.state, at, BATCH):
            began = time.process_time()
            made = prepare_all(todo, {"amz": connector}, shard.people, lambda: masker, at)
            prepare += time.process_time() - began
            asked = handing_over(made.prepared, at)
            if asked is None:
                raise SystemExit(str(made.prepared[0]))
            began = time.process_time()
            shard.submit([asked])
            commit += time.process_time() - began
            count += len(todo)
        if each and count:  # the first round warms up
            found["prepare"].append(round(prepare / count * 1e6, 1))
            found["commit"].append(round(commit / count * 1e6, 1))
            found["floor"].append(round(floor_us(orders), 1))
    shard.store.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = measured(Path(home), asked.orders, asked.rounds)
    if asked.json:
        sys.stdout.write(json.dumps({"machine": describe(), "us_an_order": found}) + "\n")
        return
    for name, row in found.items():
        sys.stdout.write(
            f"{name:8} {min(row):7.1f} {statistics.median(row):7.1f} {max(row):7.1f} us (least, median, most)\n"
        )


if __name__ == "__main__":
    main()
