"""Instances as files, so that anybody's stream of orders can be measured: one .npz of plain arrays.

| array | shape | what |
|---|---|---|
| `fixed` | [C, N] float | money a part (a package) from node n to destination c |
| `per_weight` | [C, N] float | money a unit of weight |
| `per_unit` | [S, N] float | money a unit of SKU s at node n (pick fee) |
| `weight` | [S] float | of a unit |
| `stock` | [S, N] int | units at the start; nothing arrives later |
| `work` | [D, N] int | units node n can ship on day d |
| `day`, `dest` | [T] int | of each order, in the order they come; days ascend from 0 |
| `start` | [T + 1] int | lines of order t are `start[t]` to `start[t + 1]` |
| `sku`, `qty` | [L] int | of each line |
| `capped` | [N] 0 or 1 | nodes that count against the cap |
| `cap_bp` | int | the cap in basis points (6000) |
| `penalty` | float | money an unfilled unit costs |

Beliefs are optional, all or none; without them futures are drawn from the orders that came so far: `mix` [S] forecast of the SKU mix,
`error` its standard deviation (log), `regions` [C] share of orders by destination, `taste` [S, C] how much more than usual a
destination buys a SKU, `days` [D] share of orders by day, `lines` [3] share of orders with one, two, three lines (single units),
`expected` orders of the cycle.
"""

from pathlib import Path

import numpy as np

from benchmarks.route.instance import Beliefs, Instance
from tranship.core.errors import InputError
from tranship.routing.prices.problem import Costs, Goods, Orders

_NEEDED = (
    "fixed", "per_weight", "per_unit", "weight", "stock", "work", "day", "dest", "start", "sku", "qty", "capped", "cap_bp",
    "penalty",
)  # fmt: skip
_BELIEFS = ("mix", "error", "regions", "taste", "days", "lines", "expected")


def save(path: Path, instance: Instance) -> None:
    """Write an instance."""
    costs, goods, orders = instance.costs, instance.goods, instance.orders
    arrays = dict(zip(Costs._fields, costs, strict=True)) | dict(zip(Goods._fields, goods, strict=True))
    arrays |= {name: getattr(orders, name) for name in ("day", "dest", "start", "sku", "qty")}
    arrays |= {"capped": instance.side, "cap_bp": np.int64(instance.cap_bp), "penalty": np.float64(instance.penalty)}
    if instance.beliefs is not None:
        b = instance.beliefs
        values = (b.mix, np.float64(b.error), b.regions, b.taste, b.days, b.lines, np.int64(b.orders))
        arrays |= dict(zip(_BELIEFS, values, strict=True))
    np.savez_compressed(path, **arrays)


def load(path: Path) -> Instance:
    """Read an instance; InputError naming the array that is missing or does not fit."""
    try:
        with np.load(path, allow_pickle=False) as data:
            held = {name: data[name] for name in data.files}
    except (OSError, ValueError) as error:
        raise InputError(f"not an .npz of arrays: {error}", where=str(path)) from error
    missing = [name for name in _NEEDED if name not in held]
    if missing:
        raise InputError(
            f"arrays missing: {', '.join(missing)}", where=str(path), hint="See benchmarks/route/files.py."
        )

    def floats(name: str) -> np.ndarray:
        return np.ascontiguousarray(held[name], np.float64)

    def ints(name: str) -> np.ndarray:
        return np.ascontiguousarray(held[name], np.int64)

    costs = Costs(floats("fixed"), floats("per_weight"), floats("per_unit"), floats("weight"))
    goods, count = Goods(ints("stock"), ints("work")), len(held["day"])
    qty = ints("qty")
    orders = Orders(
        ints("day"), ints("dest"), np.zeros(count, np.int64), ints("start"), ints("sku"), qty, qty.astype(np.float64)
    )
    instance = Instance(
        costs, goods, orders, np.ascontiguousarray(held["capped"], np.uint8), int(held["cap_bp"]), float(held["penalty"]),
        _beliefs(held), path.stem,
    )  # fmt: skip
    _check(instance, str(path))
    return instance


def _beliefs(held: dict[str, np.ndarray]) -> Beliefs | None:
    if any(name not in held for name in _BELIEFS):
        return None
    return Beliefs(
        held["mix"],
        float(held["error"]),
        held["regions"],
        held["taste"],
        held["days"],
        held["lines"],
        int(held["expected"]),
    )


def _check(instance: Instance, where: str) -> None:
    """Every position is inside its axis: compiled code does not look again."""
    costs, goods, orders = instance.costs, instance.goods, instance.orders
    dests, nodes = costs.fixed.shape
    skus, days = len(costs.weight), len(goods.work)
    wrong = []
    if costs.per_weight.shape != (dests, nodes) or costs.per_unit.shape != (skus, nodes):
        wrong.append("per_weight [C, N], per_unit [S, N]")
    if goods.stock.shape != (skus, nodes) or goods.work.shape != (days, nodes) or len(instance.side) != nodes:
        wrong.append("stock [S, N], work [D, N], capped [N]")
    lengths = (len(orders.dest), len(orders.start) - 1, len(orders.qty))
    if (
        lengths != (orders.length, orders.length, len(orders.sku))
        or orders.start[-1] != len(orders.sku)
        or orders.start[0]
    ):
        wrong.append("day, dest [T], start [T + 1], sku, qty [L]")
    elif orders.length and (np.diff(orders.start) < 1).any():
        wrong.append("start ascends: every order has a line")
    for name, values, size in (("dest", orders.dest, dests), ("sku", orders.sku, skus), ("day", orders.day, days)):
        if len(values) and (values.min() < 0 or values.max() >= size):
            wrong.append(f"{name} is a position below {size}")
    if len(orders.day) and (np.diff(orders.day) < 0).any():
        wrong.append("day ascends")
    if len(orders.qty) and orders.qty.min() < 1:
        wrong.append("qty is 1 or more")
    if not 0 <= instance.cap_bp <= 10_000:
        wrong.append("cap_bp is 0 to 10000")
    if not all(np.isfinite(array).all() for array in costs):
        wrong.append("costs are finite")
    if wrong:
        raise InputError("; ".join(wrong), where=where, hint="See benchmarks/route/files.py.")
