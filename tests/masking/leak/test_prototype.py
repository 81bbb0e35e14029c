"""The meter against the throw-away prototype that the research was measured with: same orders in, same figures out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support import boosting, shared
from tranship.masking.leak import Seen, World, score
from tranship.masking.leak.learned import train

THEIRS = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import fw
SIZE = dict(K=60, C=4000, opw=400)
KEYS = ("t", "sk", "cu", "addr", "qty", "val", "margin", "isb", "price", "fee", "hh", "reg")
worlds = [fw.world(seed, **SIZE) for seed in (0, 100, 101, 102, 103)]
seen = [np.random.default_rng(7).random(w["N"]) < 0.5 for w in worlds]
for i, (w, mask) in enumerate(zip(worlds, seen)):
    np.savez(f"{sys.argv[2]}/{i}.npz", mask=mask, **{key: w[key] for key in KEYS})
rows = [np.flatnonzero(mask) for mask in seen]
w, v = worlds[0], rows[0]
out = fw.closed(w, v, v)
best = out.pop("_vt"); out.pop("_tn")
trees, ridge, mean, spread = fw.fit_sku(worlds[1:], rows[1:])
homes = fw.fit_cust(worlds[1:3], rows[1:3])
X = np.nan_to_num(fw.sku_feats(w, v))
out["trees"] = fw.kendalltau(w["true"], trees.predict(X))[0]
out["ridge"] = fw.kendalltau(w["true"], ((X - mean) / spread) @ ridge)[0]
found, F = fw.cust_feats(w, v)
for name, model in zip(("count", "top"), homes):
    guess = np.full(w["C"], -1.0); guess[found] = model.predict(F)
    guess = guess[w["hh"]] + np.random.default_rng(5).random(w["C"]) * 1e-6
    out["vip " + name] = len(np.intersect1d(best, np.argsort(-guess)[:len(best)])) / len(best)
print(json.dumps({key: float(value) for key, value in out.items()}))
"""


def world(path: Path) -> tuple[World, Seen]:
    """The prototype's world as ours."""
    with np.load(path) as held:
        w = dict(held)
    mine = World(
        at=w["t"], sku=w["sk"], customer=w["cu"], household=w["addr"], quantity=w["qty"], value=w["val"],
        region=w["reg"][w["cu"]], margin=w["margin"], b2b=w["isb"], price=w["price"], fee=w["fee"], home=w["hh"],
        households=len(w["hh"]), weeks=52,
    )  # fmt: skip
    return mine, Seen.of(mine, w["mask"])


def test_same_orders_same_figures(tmp_path: Path):
    """Closed forms to the last digit; trained attackers within what one changed column may do."""
    pytest.importorskip("scipy")
    boosting()
    folder = shared("prototypes", "leak", "fw.py").parent
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", THEIRS, str(folder), str(tmp_path)],
        capture_output=True, text=True, check=False, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    theirs = json.loads(ran.stdout.splitlines()[-1])
    (mine, seen), *training = [world(tmp_path / f"{i}.npz") for i in range(5)]
    found = score(mine, seen, train(training), draws=0)
    for key, (name, who) in {
        "tau1": ("tau_growth", "slope"), "tau2": ("tau_growth", "halves"), "timing": ("timing", "irregularity"),
        "pairs": ("pairs", "address"), "treg": ("tau_margin", "public prices"),
    }.items():  # fmt: skip
        assert found[name].each[who] == pytest.approx(theirs[key], abs=1e-12), key
    assert found["freq20"].value == pytest.approx(theirs["freq20"], abs=1e-12)
    assert found["top10"].each["slope"] == pytest.approx(theirs["t10a"])
    assert found["vip"].each["count"] == pytest.approx(theirs["vipc"], abs=0.03)  # theirs breaks ties by one draw
    for key in ("trees", "ridge"):
        assert found["tau_growth"].each[key] == pytest.approx(theirs[key], abs=0.03), key
    assert found["vip"].each["trees: count"] == pytest.approx(theirs["vip count"], abs=0.03)
    assert found["vip"].each["trees: top"] == pytest.approx(theirs["vip top"], abs=0.03)
