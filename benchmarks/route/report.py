"""Measurements of one instance: policy against the frozen baseline and a bound; scenarios; what each part of the policy adds."""

import statistics
from dataclasses import replace

import numpy as np

from benchmarks.route.instance import Instance, Recipe, make
from benchmarks.route.policy import FROZEN, Outcome, Priced, Settings, baseline, control_of, fixed
from tranship.routing.prices import dual
from tranship.routing.prices.problem import Duals

Row = dict[str, object]
ROUNDS = 5
"""Rounds that the speed is the median of."""
LIGHT = Settings(solves_a_day=1, futures=2, first_passes=12, passes=5)
"""For a million orders: fewer solves, so that it ends in minutes."""
REGION = ("New York", "Philadelphia", "Boston", "Columbus")
"""Capped nodes of the Northeast that the outage scenario takes."""


def measured(
    instance: Instance, windows: list[int], staged: tuple[float, float] | None, passes: int, *, light: bool = False
) -> Row:
    """All keys of the issue for one instance; the first window is the headline, others stand below their length."""
    bound, clairvoyant = bound_of(instance, passes, staged)
    rows = [_against(instance, window, bound, light=light) for window in windows]
    row = rows[0]
    if staged and staged[1]:
        row["mip_optimum"] = round(staged[1] / instance.orders.length, 4)
        row["above_mip_optimum"] = round(float(str(row["cost_total"])) / staged[1] - 1, 4)
    row["bound_source"] = "staged" if staged else f"own, {passes} passes"
    if clairvoyant is not None:
        played = fixed(instance, clairvoyant, control_of(windows[0], cap_bp=instance.cap_bp))
        row["clairvoyant_fixed_prices"] = round(played.total / instance.orders.length, 4)
    for window, other in zip(windows[1:], rows[1:], strict=True):
        row[f"w{window}"] = other
    return row


def bound_of(instance: Instance, passes: int, staged: tuple[float, float] | None) -> tuple[float, Duals | None]:
    """(lower bound in money, the prices it was found with; None where it is the staged one)."""
    if staged:
        return staged[0], None
    caps = instance.caps(instance.cap_bp / 10_000 * instance.units)
    return dual.bound(
        instance.costs, instance.in_hindsight(), instance.orders, caps, penalty=instance.penalty, passes=passes
    )


def _against(instance: Instance, window: int, bound: float, *, light: bool) -> Row:
    frozen = replace(FROZEN, window=window, cap_bp=instance.cap_bp)
    control, count = control_of(window, cap_bp=instance.cap_bp), instance.orders.length
    before, same = baseline(instance, frozen), baseline(instance, control)
    planner = Priced(instance, control, LIGHT if light else Settings())
    made = planner.run()
    tally = made.tally
    return {
        "captured": round(captured(before, made, bound), 4),
        "captured_same_control": round(captured(same, made, bound), 4),
        "decisions_per_s": round(speed(instance, planner, 1 if light else ROUNDS)),
        "max_window_share": round(tally.max_share, 6),
        "windows_above_cap": tally.breaches,
        "lost_to_gate": tally.lost,
        "cost_per_order": round(made.total / count, 4),
        "bound": round(bound / count, 4),
        "cost_total": round(made.total, 2),
        "baseline_per_order": round(before.total / count, 4),
        "same_control_per_order": round(same.total / count, 4),
        "gap_to_bound": round(made.total / bound - 1, 4) if bound > 0 else None,
        "open_units": tally.open,
        "late_units": tally.late,
        "packages_per_order": round(tally.packages / count, 4),
        "moved": made.moved,
        "solve_s": round(made.solving, 1),
        "all_decisions_per_s": round(made.decisions / made.seconds),
    }


def captured(before: Outcome, after: Outcome, bound: float) -> float:
    """Share of the gap between `before` and the bound that `after` closes."""
    gap = before.total - bound
    return (before.total - after.total) / gap if gap > 0 else 0.0


def speed(instance: Instance, planner: Priced, rounds: int) -> float:
    """Priced decisions a second of the compiled stream on one core: the whole stream at the last prices, median of rounds."""
    found = []
    for _ in range(rounds):
        played = fixed(instance, planner.duals, planner.control)
        found.append(instance.orders.length / played.seconds)
    return statistics.median(found)


def scenarios(seed: int, skus: int, orders: int, window: int, passes: int) -> list[Row]:
    """A table: how the policy stands and what the cap costs when the world is another."""
    base = Recipe(skus, orders)
    day = 3
    worlds = {
        "base": make(seed, base),
        "peak day doubled": make(seed, replace(base, peak=2.0)),
        "capacity binds": make(seed, replace(base, capacity=0.8, capacity_independent=1.15)),
        "forecast error 0.5": make(seed, replace(base, forecast_error=0.5)),
        "a capped region down from day 3": make(seed, base),
        "good placement": make(seed, replace(base, near=True)),
        "bad placement": make(seed, replace(base, stocked=(2, 6))),
    }
    nodes = tuple(i for i, name in enumerate(_capped_names()) if name in REGION)
    worlds["a capped region down from day 3"].outage = (day, nodes)
    return [_scenario(name, instance, window, passes) for name, instance in worlds.items()]


def _capped_names() -> list[str]:
    from benchmarks.route.instance import CAPPED

    return CAPPED.split("|")


def _scenario(name: str, instance: Instance, window: int, passes: int) -> Row:
    count, control = instance.orders.length, control_of(window)
    bound, _ = bound_of(instance, passes, None)
    free_caps = instance.caps(-1.0)
    free_bound, _ = dual.bound(
        instance.costs, instance.in_hindsight(), instance.orders, free_caps, penalty=instance.penalty, passes=passes
    )
    before = baseline(instance, replace(FROZEN, window=window))
    made = Priced(instance, control, Settings()).run()
    without = Priced(instance, control_of(window, gated=False), Settings()).run()
    return {
        "scenario": name,
        "baseline": round(before.total / count, 4),
        "policy": round(made.total / count, 4),
        "captured": round(captured(before, made, bound), 4),
        "no_cap_policy": round(without.total / count, 4),
        "cap_costs": round((made.total - without.total) / count, 4),
        "cap_costs_in_hindsight": round((bound - free_bound) / count, 4),
        "share_without_cap": round(
            without.tally.capped / max(1, int(np.sum(instance.orders.qty)) - without.tally.open), 4
        ),
        "max_window_share": round(made.tally.max_share, 4),
        "lost_to_gate": made.tally.lost,
        "open_units": made.tally.open,
        "late_units": made.tally.late,
        "open_units_baseline": before.tally.open,
        "bound": round(bound / count, 4),
        "passes": passes,
    }


def ladder(instance: Instance, window: int, staged: tuple[float, float] | None, passes: int) -> list[Row]:
    """What each part adds, from the bare counter to everything."""
    bound, _ = bound_of(instance, passes, staged)
    control, count = control_of(window), instance.orders.length
    frozen = baseline(instance, replace(FROZEN, window=window))
    steps = {
        "bare counter": baseline(instance, replace(FROZEN, window=window, price_micros=0, reserve=0)),
        "frozen baseline": frozen,
        "today's cap control": baseline(instance, control),
        "prices, decided once": Priced(instance, control, Settings(redecide=False)).run(),
        "prices, pending a quarter day": Priced(instance, control, Settings(hold=0.25)).run(),
        "prices, pending until the day ends": Priced(instance, control, Settings()).run(),
        "no prices, pending until the day ends": Priced(instance, control, Settings(futures=0)).run(),
    }
    return [
        {
            "step": name,
            "cost_per_order": round(made.total / count, 4),
            "captured": round(captured(frozen, made, bound), 4),
            "max_window_share": round(made.tally.max_share, 4),
            "lost_to_gate": made.tally.lost,
            "open_units": made.tally.open,
            "late_units": made.tally.late,
            "moved": made.moved,
        }
        for name, made in steps.items()
    ]
