"""Leak plans made by hand, and runs with a leak budget: what the tests of leak-aware routing are played on."""

import hashlib

import numpy as np

from tests.engine.worlds import MONDAY, Run, network
from tranship.core.network import LeakBudget, NetworkFile
from tranship.engine import commands as cmd
from tranship.engine.leak_plans import terms_of
from tranship.routing.leak.model import ONE, LeakPlan, encode, week_of

KEY = b"k" * 32


def budgeted(on: str = "AMZ", **changes: object) -> NetworkFile:
    """The small network with a leak budget; `changes` are the budget's, but for those that a network file has."""
    mine = {name: changes.pop(name) for name in list(changes) if name in LeakBudget.__struct_fields__}
    return network(leaks=(LeakBudget(on, **mine),), **changes)  # type: ignore[arg-type]


def plan(
    document: NetworkFile, share: int | dict[str, int] = ONE, *, of: str = "AMZ", at: int = MONDAY, weights: tuple[int, ...] = (ONE, ONE),
    key: bytes = KEY, least_saving_bp: int | None = None,
) -> cmd.SetLeakPlan:  # fmt: skip
    """A plan that admits this share of each SKU's orders (ppm, or by code and else nothing); `weights` by parcels shown."""
    skus = [sku.code for sku in document.skus]
    shares = [share.get(code, 0) if isinstance(share, dict) else share for code in skus]
    made = LeakPlan(
        of, "0" * 64, week_of(at), tuple(budget.network for budget in document.leaks), key, b"c" * 32,
        np.array(shares, "<i4").tobytes(), np.repeat(np.array(weights, "<i4"), 2).tobytes(), 0, 0, least_saving_bp,
    )  # fmt: skip
    body = encode(made)
    terms = next(terms_of(budget) for budget in document.leaks if budget.network == of)
    return cmd.SetLeakPlan(body, hashlib.sha256(body).hexdigest(), terms, "a test", at)


def leaky(share: int | dict[str, int] = ONE, document: NetworkFile | None = None, **changes: object) -> Run:
    """A run with a budget on Amazon, a plan in force, and ten of everything at Amazon and at the 3PL."""
    document = document or budgeted(**changes)
    run = Run(document)
    run.do(plan(document, share))
    for node in (0, 1):
        run.stock(node, MUG=10, TEE=10, CAP=10)
    return run
