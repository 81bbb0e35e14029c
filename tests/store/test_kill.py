import os
import random
import subprocess
import sys
from pathlib import Path

from tests.store import rows
from tests.support import ROOT
from tranship.store.check import integrity
from tranship.store.sqlite import SqliteStore

KILLS = 200 if os.environ.get("TRANSHIP_SOAK") else 10


def test_killed_writers_lose_nothing_acknowledged(tmp_path: Path) -> None:
    """Kill -9 again and again, acknowledgements kept outside the process: all of them are there, nothing is torn."""
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    acknowledged, sizes, total = 1, (1, 7, 64), 0
    for kill in range(KILLS):
        size = sizes[kill % len(sizes)]
        command = [sys.executable, "-m", "tests.store.killed_writer", str(tmp_path / "run"), str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randint(1, 40)):  # die while the commit after this one is on its way
                acknowledged = int(writer.stdout.readline())
                total += 1
            for _ in range(chance.randint(0, 20_000)):
                pass
            writer.kill()
            late = writer.stdout.read().splitlines(keepends=True)
            acknowledged = max([acknowledged, *(int(line) for line in late if line.endswith(b"\n"))])
        with SqliteStore.open(tmp_path / "run", create=False, read_only=True) as store:
            seq = store.last_seq()[0]
            assert seq in {acknowledged, acknowledged + rows.EVENTS * size}, f"kill {kill}, seed {seed}"
            assert [row.seq for row in store.journal()] == list(range(1, seq + 1))
            assert store.query("SELECT count(*) FROM orders") == [((seq - 1) // rows.EVENTS,)]
            assert store.query("SELECT sum(qty) FROM stock WHERE bucket = 5") == [(seq - 1 or None,)]
            if kill % 20 == 9:
                assert integrity(store) == [], f"kill {kill}, seed {seed}"
        acknowledged = seq
    print(f"{KILLS} kills, {total} acknowledgements, {(acknowledged - 1) // rows.EVENTS} orders")
