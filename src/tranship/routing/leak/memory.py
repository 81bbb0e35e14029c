"""What a planner carries from week to week, inside the document of its plan; and whether that is whole."""

import msgspec
import numpy as np

from tranship.core.errors import DamageError
from tranship.routing.leak.household import USUAL
from tranship.routing.leak.model import LeakPlan

BINS = 17
"""Bins of weight: 1, down to 1/2, down to 1/4 ... and 0."""


class Memory(msgspec.Struct):
    """What the planner carries from week to week; arrays are float64 bytes per SKU."""

    arrays: dict[str, bytes]
    week: int  # the next week to be followed
    first: int  # first week of this leak year that was followed
    season: float = 1.0
    weight: float = 1.0
    seen: float = 0.0  # correlation found by the last own attack
    spread: tuple[float, ...] = (1.0,)  # share of order lines by bin of weight, over all SKUs
    lean: float = 0.0  # how far growers are bent down, log of exposures per unit of growth
    mean: float = USUAL.mean
    shape: float = USUAL.shape
    unsure: bool = False  # as in `Known`, of the curves of this leak year
    given: int = 0
    read: int = 0
    source: str = ""


NAMES = (
    "log", "var", "cov", "growth", "growth_var",  # the filter: log of weekly demand without season, growth, their covariance
    "base", "level", "decoy", "bend",  # the curve
    "sum", "moment",  # of log exposures and of week x log exposures: what the own attack needs
    "weight_sum", "weight_lines", "weeks", "never", "last",  # weight by SKU; weeks known; not to be seen; the curve's last height
)  # fmt: skip
_POSITIVE = ("base", "level", "weeks", "last", "weight_sum", "weight_lines")
"""Arrays that are never below 0."""
_MOST = {"log": 40.0, "growth": 5.0, "growth_var": 5.0, "bend": 40.0, "decoy": 1.0, "level": 10.0}
_MOST_ELSE = 1e12
"""How far from 0 the values of an array can be: far beyond what occurs, and so that nothing made of them overflows."""
_MOST_BEND = 300.0
"""The same of the bend of growers times growth, a log."""


def memory_of(plan: LeakPlan) -> Memory:
    """The memory of a plan that has one; DamageError, which names network and week, where it does not read back whole."""
    said = f"leak plan of {plan.network}, week {plan.week}: its memory is damaged"
    try:
        memory = msgspec.msgpack.decode(plan.memory, type=Memory)
        wrong = _wrong(plan, memory)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise DamageError(f"{said}: it does not read back") from error
    if wrong:
        raise DamageError(f"{said}: {wrong}")
    return memory


def _wrong(plan: LeakPlan, memory: Memory) -> str:
    """What does not fit, in words; empty where all does."""
    size = 2 * len(plan.shares)  # shares have four bytes an SKU, arrays eight
    for name in NAMES:
        held = memory.arrays.get(name)
        if held is None or len(held) != size:
            return f"{name} is not there for every SKU"
        values = np.frombuffer(held, "<f8")
        beyond = ~(np.abs(values) <= _MOST.get(name, _MOST_ELSE))  # NaN too
        if beyond.any() or (name in _POSITIVE and (values < 0).any()):
            return f"{name} has a value that cannot be"
    if not 0 <= memory.first <= memory.week or memory.week != plan.week:
        return "it is of another week"
    numbers = (memory.season, memory.weight, memory.seen, memory.lean, memory.mean, memory.shape, *memory.spread)
    if not all(abs(value) <= _MOST_ELSE for value in numbers) or min(*memory.spread, memory.weight) < 0:
        return "a number of it cannot be"
    if len(memory.spread) != BINS or min(memory.mean, memory.shape) < 1e-6 or not 0 <= memory.season <= _MOST_ELSE:
        return "a number of it cannot be"
    steepest = float(np.abs(np.frombuffer(memory.arrays["growth"], "<f8")).max(initial=0.0))
    return "growers are bent too far" if abs(memory.lean) * 2 * steepest > _MOST_BEND else ""
