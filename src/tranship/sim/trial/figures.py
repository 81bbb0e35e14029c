"""From outcomes to figures: sums of an arm, and a variation held against the baseline."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from tranship.sim.trial.model import ArmFigures, CapFigures, Flow, NetworkFigures, OrderChange, Tried
from tranship.sim.trial.moves import Move, moves
from tranship.sim.trial.outcome import GIVEN_UP, PLACES, TAKEN_BACK, WAITS, Outcome
from tranship.sim.trial.paired import paired

Ints = NDArray[np.int64]


def arm_figures(out: Outcome) -> ArmFigures:
    """Sums of an arm."""
    nodes, lines = len(out.nodes), len(out.ordered)
    by_line = _per_line(out)
    placed, back = by_line[0], by_line[1 + TAKEN_BACK]
    wanted = out.ordered - back
    line_order = out.line_order()
    full = (placed == wanted) & (wanted > 0)
    short = np.bincount(line_order[placed < wanted], minlength=len(out.ids)) > 0
    any_wanted = np.bincount(line_order, weights=wanted, minlength=len(out.ids)) > 0
    parts = int(out.parts.sum())
    units = np.bincount(out.placed[:, 1], weights=out.placed[:, 2], minlength=nodes + 3).astype(np.int64)
    return ArmFigures(
        out.name, out.note, len(out.ids), int((out.parts > 0).sum()), int((any_wanted & ~short).sum()),
        int(any_wanted.sum()), int((wanted > 0).sum()) if lines else 0, int(full.sum()), int(out.ordered.sum()),
        int(units[:nodes].sum()), int(units[nodes + WAITS]), int(units[nodes + GIVEN_UP]), int(units[nodes + TAKEN_BACK]),
        int(out.late.sum()), parts, int(out.cost.sum()), float(out.unit_days.sum() / max(1, out.units.sum())),
        _networks(out, units, parts),
        [CapFigures(c.network, c.measure, c.window, c.cap_bp, c.high_bp, c.full_bp, c.end_bp, c.late_start) for c in out.caps],
    )  # fmt: skip


def _per_line(out: Outcome) -> Ints:
    """`[4, L]`: units placed, waiting, given up, taken back of each line."""
    nodes = len(out.nodes)
    kind = np.maximum(out.placed[:, 1] - nodes + 1, 0)
    flat = np.bincount(out.placed[:, 0] * 4 + kind, weights=out.placed[:, 2], minlength=4 * len(out.ordered))
    return flat.astype(np.int64).reshape(-1, 4).T


def _networks(out: Outcome, units: Ints, parts: int) -> list[NetworkFigures]:
    found: dict[str, NetworkFigures] = {}
    for n, code in enumerate(out.networks):
        one = found.setdefault(code, NetworkFigures(code, 0, 0, 0, 0))
        one.fulfillment_orders += int(out.parts_by_node[n])
        one.units += int(units[n])
        one.cost += int(out.cost_by_node[n])
    for one in found.values():
        one.share_bp = (20_000 * one.fulfillment_orders + parts) // (2 * max(1, parts))
    return list(found.values())


def tried(base: Outcome, other: Outcome, most: int, skip: int = 0) -> tuple[Tried, list[OrderChange]]:
    """A variation beside the baseline (with `most` of the largest changes, after `skip`), and every order's change."""
    assert base.ids == other.ids, "both arms took the same orders"
    assert base.nodes == other.nodes, "both arms have the same nodes"
    found = moves(base, other)
    gap = other.cost - base.cost
    changes = _changes(base, other, found)
    flows, network_flows = _flows(base, found, gap)
    changes.sort(key=lambda one: (-abs(one.cost), one.order))
    out = Tried(
        arm_figures(other), paired(base.at, base.cost, other.cost, base.units == other.units), len(changes),
        sum(move.units for move in found), flows, network_flows, changes[skip : skip + most],
    )  # fmt: skip
    return out, changes


def _flows(base: Outcome, found: list[Move], gap: Ints) -> tuple[list[Flow], list[Flow]]:
    moved = Counter[int]()
    for move in found:
        moved[move.order] += move.units
    places = [*base.nodes, *PLACES]
    networks = [*base.networks, *PLACES]
    out = []
    for names in (places, networks):
        flows: dict[tuple[str, str, str], Flow] = {}
        costs: dict[tuple[str, str, str], float] = {}
        orders: dict[tuple[str, str, str], set[int]] = {}
        for move in found:
            key = (names[move.source], names[move.target], move.why)
            flow = flows.setdefault(key, Flow(*key))
            flow.units += move.units
            orders.setdefault(key, set()).add(move.order)
            costs[key] = costs.get(key, 0.0) + int(gap[move.order]) * move.units / moved[move.order]
        for key, flow in flows.items():
            flow.orders, flow.cost = len(orders[key]), round(costs[key])
        out.append(sorted(flows.values(), key=lambda one: (-one.units, one.source, one.target, one.why)))
    return out[0], out[1]


def _changes(base: Outcome, other: Outcome, found: list[Move]) -> list[OrderChange]:
    whys: dict[int, Counter[str]] = {}
    for move in found:
        whys.setdefault(move.order, Counter())[move.why] += move.units
    differs = (base.cost != other.cost) | (base.late != other.late) | (base.unit_days != other.unit_days)
    chosen = sorted(set(np.flatnonzero(differs).tolist()) | set(whys))
    rows = [_rows_of(base), _rows_of(other)]
    out = []
    for i in chosen:
        reasons = whys.get(i)
        out.append(OrderChange(
            base.ids[i], int(base.at[i]), _where(base, rows[0], i), _where(other, rows[1], i),
            int(base.units[i]), int(other.units[i]), int(base.cost[i]), int(other.cost[i]),
            _days(base, i), _days(other, i), int(base.late[i]), int(other.late[i]),
            reasons.most_common(1)[0][0] if reasons else "card" if base.cards != other.cards else "timing",
        ))  # fmt: skip
    return out


def _rows_of(out: Outcome) -> tuple[Ints, Ints]:
    """`placed` sorted by order, and where each order's rows begin."""
    orders = out.line_order()[out.placed[:, 0]] if len(out.placed) else np.zeros(0, np.int64)
    sorted_rows = out.placed[np.argsort(orders, kind="stable")]
    return sorted_rows, np.searchsorted(np.sort(orders), np.arange(len(out.ids) + 1))


def _where(out: Outcome, rows: tuple[Ints, Ints], i: int) -> str:
    """Units by place: "EAST 5, waiting 2"."""
    names = (*out.nodes, *PLACES)
    mine = rows[0][int(rows[1][i]) : int(rows[1][i + 1])]
    units = np.bincount(mine[:, 1], weights=mine[:, 2], minlength=len(names)).astype(np.int64)
    return ", ".join(f"{name} {count}" for name, count in zip(names, units.tolist(), strict=True) if count)


def _days(out: Outcome, i: int) -> float:
    return round(int(out.unit_days[i]) / int(out.units[i]), 2) if out.units[i] else 0.0
