"""kill -9 in the middle of a replay, again and again: the same command goes on, and it ends as if nothing had happened."""

import os
import random
import subprocess
import sys
from pathlib import Path

from tests.sim.exports import network_file, save, uci_rows
from tests.support import ROOT
from tranship.engine.run import open_store
from tranship.engine.verify import verify
from tranship.sim.replay import replay
from tranship.store.check import integrity

KILLS = 40 if os.environ.get("TRANSHIP_SOAK") else 3


def test_a_replay_killed_at_any_point_resumes_to_the_same_state(tmp_path: Path) -> None:
    """What was said to be durable is there, nothing is torn, and the final hash is that of a run that nobody killed."""
    network, export, run = network_file(tmp_path), save(tmp_path, uci_rows(150)), tmp_path / "run"
    whole = replay(export, network, tmp_path / "whole")
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    targets = sorted(chance.randrange(1, whole.events * 9 // 10) for _ in range(KILLS))
    killed = 0
    for target in targets:
        size = chance.choice((1, 3, 11))
        command = [sys.executable, "-m", "tests.scenario.replaying", export, network, run, str(size)]
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, cwd=ROOT) as child:
            assert child.stdout is not None
            durable = 0
            for line in child.stdout:
                if not line.strip().isdigit():
                    break
                durable = int(line)
                if durable >= target:
                    killed += 1
                    child.kill()
                    late = [int(word) for word in child.stdout.read().splitlines(keepends=True) if word[:-1].isdigit()]
                    durable = max([durable, *late])
                    break
        store = open_store(run, read_only=True)
        rows = [row.seq for row in store.journal()]
        assert rows == list(range(1, len(rows) + 1))
        assert len(rows) >= durable, f"seed {seed}: {durable} rows were said to be durable, {len(rows)} are there"
        assert integrity(store) == []
        assert verify(store).problems == []
        store.close()
    assert killed == KILLS, f"seed {seed}: the replay ended before it could be killed"
    last = replay(export, network, run)
    assert (last.state_hash, last.events) == (whole.state_hash, whole.events), f"seed {seed}"
