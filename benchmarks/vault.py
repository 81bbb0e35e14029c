"""What a token costs: new ones committed in groups, known ones remembered and found by their blind index, and the way back.

One thread unless said otherwise, a store in a folder, every commit on disk (WAL, synchronous = FULL). Each order has a person and four
tokens (name, order, line, phone). `fsync_ms` is one sync of a small write of the same disk in the same run.

    python -m benchmarks.vault --orders 20000 --json
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import describe
from tranship.core.order import Person
from tranship.masking.audit import AuditDraft
from tranship.masking.vault.session import MaskingVault, Owner, Session
from tranship.store.people import People
from tranship.store.port import Batch
from tranship.store.sqlite import SqliteStore
from tranship.store.vault_writer import Entry, VaultWriter
from tranship.store.vaulting import Upkeep, all_pieces, kek_of, open_vault

KINDS = ("name", "order", "line", "phone")


def timed(work: Callable[[], object], units: int) -> float:
    """Units a second."""
    began = time.perf_counter()
    work()
    return units / (time.perf_counter() - began)


def asked(vault: MaskingVault, owner: Owner, k: int) -> Session:
    """The session of order k, with its tokens."""
    session = vault.session("AMZ", owner)
    for kind in KINDS:
        session.token(kind, f"O{k}", f"{kind} of somebody {k}")
    return session


def sync_ms(folder: Path) -> float:
    """The median of 50 syncs of 4 KiB."""
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(50):
            file.write(os.urandom(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


async def kept(writer: VaultWriter, vault: MaskingVault, owners: list[Owner], clients: int, first: int) -> list[float]:
    """So many clients, each with one order at a time; seconds from the first token to the answer."""
    waits: list[float] = []
    todo = iter(range(len(owners)))

    async def client() -> None:
        for k in todo:
            began = time.perf_counter()
            session = asked(vault, owners[k], first + k)
            fields = [("to.name", "token(name)", b"")]
            draft = AuditDraft(
                1, "bench", "create", "AMZ", "create", "f" * 64, f"O{first + k}", owners[k].person_id, fields, "sent"
            )
            await writer.keep(Entry(tokens=session.rows, audits=[draft]))
            session.committed()
            waits.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    return waits


def measured(folder: Path, orders: int) -> dict[str, object]:
    """All figures of one run."""
    store = SqliteStore.open(folder / "run", create=True, party="demo")
    people = People.open(store, folder / "run", create=True)
    vault = open_vault(store, people, kek_of(folder / "run"))
    rows = [people.vault.seal(f"P{k}", "shop", Person(ref=f"c{k}", name="Ada Example")) for k in range(orders)]
    store.commit(Batch(people=rows))
    owners = [Owner(row.person_id, people.vault.person_key(row)) for row in rows]
    made: list[Session] = []
    found: dict[str, object] = {"machine": describe(), "orders": orders, "fsync_ms": round(sync_ms(folder), 3)}
    tokens = len(KINDS) * orders
    asked(vault, Owner(), 0)  # the keys are made now
    found["sealing_per_s"] = round(
        timed(lambda: made.extend(asked(vault, owner, k) for k, owner in enumerate(owners)), tokens)
    )
    size = (folder / "run" / "tranship.db").stat().st_size

    def in_groups() -> None:
        for at in range(0, orders, 125):
            group = made[at : at + 125]
            store.commit(Batch(tokens=[row for session in group for row in session.rows]))
            for session in group:
                session.committed()

    found["commit_groups_of_500_per_s"] = round(timed(in_groups, tokens))
    store._db.wal_checkpoint()
    found["bytes_per_token"] = round(((folder / "run" / "tranship.db").stat().st_size - size) / tokens)
    found["known_remembered_per_s"] = round(
        timed(lambda: [asked(vault, owner, k) for k, owner in enumerate(owners)], tokens)
    )
    vault.forget()
    found["known_by_blind_index_per_s"] = round(
        timed(lambda: [asked(vault, owner, k) for k, owner in enumerate(owners)], tokens)
    )
    names = [row.token for _, row in store.tokens(0, tokens)]
    session = vault.session("AMZ")
    found["unmask_per_s"] = round(timed(lambda: [session.found(name) for name in names], len(names)))
    writer = VaultWriter(store)
    for clients in (1, 16, 64):
        some = owners[: min(orders, 200 * clients)]
        before, began = writer.commits, time.perf_counter()
        waits = asyncio.run(kept(writer, vault, some, clients, (1 + clients) * orders))
        took = time.perf_counter() - began
        found[f"durable_{clients}_clients"] = {
            "orders_per_s": round(len(some) / took),
            "tokens_per_s": round(len(KINDS) * len(some) / took),
            "orders_per_commit": round(len(some) / (writer.commits - before), 1),
            "p50_ms": round(1000 * statistics.median(waits), 2),
            "p99_ms": round(1000 * statistics.quantiles(waits, n=100)[98], 2),
        }
    writer.close()
    upkeep = Upkeep(store, vault)
    upkeep.rotate()
    found["resealed_per_s"] = round(timed(lambda: all_pieces(upkeep.reseal), tokens))
    began = time.perf_counter()
    people.erase(["P7"])
    found["erase_one_person_s"] = round(time.perf_counter() - began, 3)
    found["tokens_in_store"] = store.query("SELECT count(*) FROM token")[0][0]
    store.close()
    return found


def main() -> None:
    """Print one run's figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), arguments.orders)
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
