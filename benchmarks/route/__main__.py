"""How much of the gap to hindsight routing captures, at what speed, under the cap.

    python -m benchmarks.route --size M --seeds 0-4 --json
    python -m benchmarks.route --instance FILE.npz --json       your own stream of orders (arrays: benchmarks/route/files.py)
    python -m benchmarks.route --size M --seeds 7 --save FILE.npz
    python -m benchmarks.route --scenarios --json               no cap, peak, forecast error, outage, placement: what the cap costs in each
    python -m benchmarks.route --ladder --seeds 0 --json        what each part of the policy adds

`captured` = (baseline - policy) / (baseline - bound). The baseline is the release before prices, myopic with its own cap control,
frozen (`policy.FROZEN`); `captured_same_control` is against myopic under today's cap control, which is the stronger one. The cap is 60 % of
the last W units. Orders are pending until their day ends; `redecide = False` in the ladder says what they bring irrevocably. Bounds
are the staged ones where the instance is (../shared/prototypes/routing/bounds.json), else our own Lagrangian's.
"""

import argparse
import json
import os
import resource
import statistics
import sys
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.route import report
from benchmarks.route.files import load, save
from benchmarks.route.instance import SIZES, Instance, Recipe, make
from tranship.core.errors import InputError


def staged_bound(size: str, seed: int) -> tuple[float, float] | None:
    """(bound, MIP optimum or 0) of a staged instance, in money; None where it is not there."""
    base = Path(os.environ.get("TRANSHIP_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    path = base / "prototypes" / "routing" / "bounds.json"
    if not path.exists():
        return None
    row = json.loads(path.read_text()).get(str(seed), {}).get(size)
    return (float(row["bound"]), float(row.get("mip_objective", 0.0))) if row else None


def seeds_of(text: str) -> list[int]:
    """`0-4` or `0,2,7`."""
    found: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        found += range(int(first), int(last or first) + 1)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names no seed: write 0-4 or 0,2,7")
    return found


def windows_of(text: str) -> list[int]:
    """`10000,1000`."""
    found = [int(piece) for piece in text.split(",")]
    if min(found) < 1:
        raise ValueError("a window holds a unit at least")
    return found


def main() -> None:
    """Run what was asked for and print it as JSON."""
    parser = argparse.ArgumentParser(description="how far from optimal is routing?", epilog=__doc__)
    parser.add_argument("--size", choices=list(SIZES), default="M")
    parser.add_argument("--seeds", type=seeds_of, default=[0], help="0-4 or 0,2,7")
    parser.add_argument("--instance", type=Path, help="an .npz instead of a seeded instance")
    parser.add_argument("--save", type=Path, help="write the instance of the first seed and stop")
    parser.add_argument(
        "--windows",
        type=windows_of,
        default="10000,1000",
        help="lengths of the cap's window, in units; the first is the headline",
    )
    parser.add_argument("--passes", type=int, default=0, help="passes of our own bound (0: by size)")
    parser.add_argument("--own-bound", action="store_true", help="do not read staged bounds")
    parser.add_argument(
        "--scenarios", action="store_true", help="a table of worlds, on a fifth of the size's SKUs and orders"
    )
    parser.add_argument("--ladder", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    try:
        result = _result(chosen)
    except InputError as error:
        sys.exit(f"benchmarks.route: {error}")
    result["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    result["machine"] = describe()
    print(json.dumps(result, indent=None if chosen.json else 2))


def _result(chosen: argparse.Namespace) -> dict[str, object]:
    skus, orders = SIZES[chosen.size]
    if chosen.instance:
        return report.measured(load(chosen.instance), chosen.windows, None, chosen.passes or 300)
    if chosen.save:
        save(chosen.save, make(chosen.seeds[0], Recipe(skus, orders)))
        return {"saved": str(chosen.save)}
    if chosen.scenarios:
        return {
            "scenarios": report.scenarios(
                chosen.seeds[0], skus // 5, orders // 5, chosen.windows[0], chosen.passes or 150
            )
        }
    rows = []
    for seed in chosen.seeds:
        staged = None if chosen.own_bound else staged_bound(chosen.size, seed)
        instance = make(seed, Recipe(skus, orders))
        if chosen.ladder:
            rows.append(
                {"seed": seed, "steps": report.ladder(instance, chosen.windows[0], staged, chosen.passes or 300)}
            )
            continue
        rows.append({"seed": seed, **_one(instance, staged, chosen)})
        print(f"seed {seed}: captured {rows[-1].get('captured')}", file=sys.stderr)
    return {"size": chosen.size, **(_means(rows) if not chosen.ladder else {}), "rows": rows}


def _one(instance: Instance, staged: tuple[float, float] | None, chosen: argparse.Namespace) -> dict[str, object]:
    passes = chosen.passes or {"S": 2_000, "M": 400, "L": 12}[chosen.size]
    return report.measured(instance, chosen.windows, staged, passes, light=chosen.size == "L")


def _means(rows: list[dict[str, object]]) -> dict[str, object]:
    """Means over seeds of the headline; the worst of what must hold for each."""

    def all_of(key: str) -> list[float]:
        return [float(str(row[key])) for row in rows]

    return {
        "captured": round(statistics.mean(all_of("captured")), 4),
        "captured_min": round(min(all_of("captured")), 4),
        "captured_same_control": round(statistics.mean(all_of("captured_same_control")), 4),
        "decisions_per_s": round(statistics.median(all_of("decisions_per_s"))),
        "max_window_share": max(all_of("max_window_share")),
        "lost_to_gate": int(sum(all_of("lost_to_gate"))),
        "cost_per_order": round(statistics.mean(all_of("cost_per_order")), 4),
        "bound": round(statistics.mean(all_of("bound")), 4),
    }


if __name__ == "__main__":
    main()
