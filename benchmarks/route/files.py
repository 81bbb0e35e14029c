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

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from benchmarks.route.instance import Beliefs, Instance
from tranship.core.errors import InputError
from tranship.routing.prices.problem import Costs, Goods, Orders

_NEEDED = {
    "fixed": 2, "per_weight": 2, "per_unit": 2, "weight": 1, "stock": 2, "work": 2, "day": 1, "dest": 1, "start": 1, "sku": 1,
    "qty": 1, "capped": 1, "cap_bp": 0, "penalty": 0,
}  # fmt: skip
_BELIEFS = {"mix": 1, "error": 0, "regions": 1, "taste": 2, "days": 1, "lines": 1, "expected": 0}
_MOST_UNITS = 100_000_000
"""Units of a stream, about as many as memory takes: each is a tick of the cap's window."""
_MOST_MONEY = 10_000.0
"""Above, leaving a unit unfilled (kernel_stream.FILL) would no longer be the last thing to do. Count in a larger unit of money."""
_EVEN = 1e-6
_HINT = "See benchmarks/route/files.py."
_WHOLE = ("stock", "work", "day", "dest", "start", "sku", "qty", "capped", "cap_bp")
_DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    MemoryError,
    RuntimeError,
    BadZipFile,
    zlib.error,
)


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
    held = _arrays(path)

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
        costs, goods, orders, (ints("capped") != 0).astype(np.uint8), int(held["cap_bp"]), float(held["penalty"]),
        _beliefs(held), path.stem,
    )  # fmt: skip
    wrong = _wrong_shapes(instance) or _wrong_values(instance) + _wrong_beliefs(instance)
    if wrong:
        raise InputError("; ".join(wrong), where=str(path), hint=_HINT)
    return instance


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays that are needed and known, as numbers with the right number of axes."""
    try:
        with path.open("rb") as file:  # opened here: a file that is no archive would stay open
            data = np.load(file, allow_pickle=False)
            if not isinstance(data, np.lib.npyio.NpzFile):
                raise InputError("one array, not an .npz of arrays", where=str(path), hint=_HINT)
            with data:
                held = {name: data[name] for name in data.files if name in _NEEDED or name in _BELIEFS}
    except _DAMAGED as error:
        raise InputError(f"not an .npz of arrays: {error}", where=str(path)) from error
    missing = [name for name in _NEEDED if name not in held]
    beliefs = [name for name in _BELIEFS if name not in held]
    if missing or 0 < len(beliefs) < len(_BELIEFS):
        raise InputError(f"arrays missing: {', '.join(missing or beliefs)}", where=str(path), hint=_HINT)
    wrong = [f"{name} has {held[name].ndim} axes, {n} expected" for name, n in (_NEEDED | _BELIEFS).items()
             if name in held and held[name].ndim != n]  # fmt: skip
    wrong += [f"{name} is not of finite numbers" for name, array in held.items()
              if array.dtype.kind not in "iufb" or not np.isfinite(array).all()]  # fmt: skip
    wrong += [f"{name} is not of whole numbers" for name in _WHOLE if not _whole(held[name])]
    if wrong:
        raise InputError("; ".join(wrong), where=str(path), hint=_HINT)
    return held


def _whole(array: np.ndarray) -> bool:
    return array.dtype.kind in "iub" or (
        array.dtype.kind == "f" and bool((np.rint(array) == array).all() and (np.abs(array) < 2**53).all())
    )


def _beliefs(held: dict[str, np.ndarray]) -> Beliefs | None:
    if "mix" not in held:
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


def _wrong_shapes(instance: Instance) -> list[str]:
    costs, goods, orders = instance.costs, instance.goods, instance.orders
    dests, nodes = costs.fixed.shape
    skus, days = len(costs.weight), len(goods.work)
    wrong = []
    if costs.per_weight.shape != (dests, nodes) or costs.per_unit.shape != (skus, nodes):
        wrong.append("per_weight [C, N], per_unit [S, N]")
    if goods.stock.shape != (skus, nodes) or goods.work.shape != (days, nodes) or len(instance.side) != nodes:
        wrong.append("stock [S, N], work [D, N], capped [N]")
    if not min(dests, nodes, skus, days, orders.length):
        wrong.append("at least one destination, node, SKU, day and order")
    lengths = (len(orders.dest), len(orders.start) - 1, len(orders.qty))
    if lengths != (orders.length, orders.length, len(orders.sku)):
        wrong.append("day, dest [T], start [T + 1], sku, qty [L]")
    elif orders.start[-1] != len(orders.sku) or orders.start[0] or (np.diff(orders.start) < 1).any():
        wrong.append("start ascends from 0 to L: every order has a line")
    return wrong


def _wrong_values(instance: Instance) -> list[str]:
    """Every position is inside its axis, and no number is one that the arithmetic cannot take: compiled code does not look again."""
    costs, goods, orders = instance.costs, instance.goods, instance.orders
    wrong, skus = [], len(costs.weight)
    axes = (("dest", orders.dest, len(costs.fixed)), ("sku", orders.sku, skus), ("day", orders.day, len(goods.work)))
    for name, values, size in axes:
        if values.min() < 0 or values.max() >= size:
            wrong.append(f"{name} is a position below {size}")
    if (np.diff(orders.day) < 0).any():
        wrong.append("day ascends")
    cells = np.repeat(np.arange(orders.length), np.diff(orders.start)) * skus + orders.sku
    if len(np.unique(cells)) < len(cells):
        wrong.append("an order names a SKU once")
    if orders.qty.min() < 1 or orders.qty.astype(np.float64).sum() > _MOST_UNITS:
        wrong.append(f"qty is 1 or more, {_MOST_UNITS} in all at most")
    if min(goods.stock.min(), goods.work.min()) < 0:
        wrong.append("stock and work are 0 or more")
    if not 0 <= instance.cap_bp <= 10_000:
        wrong.append("cap_bp is 0 to 10000")
    dearest = max(costs.fixed.max(), costs.per_unit.max(), costs.per_weight.max() * costs.weight.max())
    if min(array.min() for array in costs) < 0 or dearest > _MOST_MONEY:
        wrong.append(f"costs are 0 to {_MOST_MONEY} a part and a unit")
    if not 0 < instance.penalty <= _MOST_MONEY:
        wrong.append(f"penalty is above 0, {_MOST_MONEY} at most")
    return wrong


def _wrong_beliefs(instance: Instance) -> list[str]:
    """What futures are drawn from adds up."""
    b, wrong = instance.beliefs, list[str]()
    if b is None:
        return wrong
    (dests, _), skus, days = instance.costs.fixed.shape, len(instance.costs.weight), instance.days
    if b.mix.shape != (skus,) or b.taste.shape != (skus, dests):
        wrong.append("mix [S], taste [S, C]")
    elif b.taste.min() <= 0 or np.count_nonzero(b.mix) < 3:
        wrong.append("taste is above 0, three SKUs of the mix at least")
    if b.regions.shape != (dests,) or b.days.shape != (days,) or b.lines.shape != (3,):
        wrong.append("regions [C], days [D], lines [3]")
    for name in ("mix", "regions", "days", "lines"):
        share = getattr(b, name)
        if not share.size or share.min() < 0 or abs(share.sum() - 1) > _EVEN:
            wrong.append(f"{name} sums to 1")
    if b.error < 0 or not 0 <= b.orders <= _MOST_UNITS:
        wrong.append("error and expected are 0 or more")
    return wrong
