"""Doors into inner parts of the price kernels, compiled as the kernels' own entries are (and kept on disk as they are)."""

import numpy as np

from tranship.routing.kernel_jit import entry
from tranship.routing.prices import kernel_choose, kernel_window
from tranship.routing.prices.kernel_dual import new_desk

_choose, _relaxed, _window = kernel_choose.choose, kernel_choose.relaxed, kernel_window.Window
_admits, _enter, _may_turn, _turn, _slacks = (
    kernel_window.admits, kernel_window.enter, kernel_window.may_turn, kernel_window.turn, kernel_window.slacks,
)  # fmt: skip
_COLUMNS = "int8[::1],int64[::1],int64[::1],int64[::1]"


@entry("float64(float64[:,::1],float64[::1],float64[::1],boolean,int64[::1])")
def way(value, fixed, penalty, lower, out):
    """`choose`, or `relaxed` where a lower estimate is asked for: value [N, L], fixed [N], penalty [L]; fills out [L]."""
    desk = new_desk(max(3, value.shape[1]), value.shape[0])
    for n in range(value.shape[0]):
        desk.fixed[n] = fixed[n]
        for line in range(value.shape[1]):
            desk.value[n, line] = value[n, line]
    if lower:
        found = _relaxed(value.shape[1], value.shape[0], penalty, desk)
    else:
        found = _choose(value.shape[1], value.shape[0], penalty, desk)
    for line in range(value.shape[1]):
        out[line] = desk.out[line]
    return found


@entry(f"boolean({_COLUMNS},int64,int64)")
def admits(side, inside, count, rule, independent, capped):
    """`kernel_window.admits`."""
    return _admits(_window(side, inside, count, rule), independent, capped)


@entry(f"int64({_COLUMNS},int64)")
def enter(side, inside, count, rule, capped):
    """`kernel_window.enter`."""
    return _enter(_window(side, inside, count, rule), capped)


@entry(f"boolean({_COLUMNS},int64)")
def may_turn(side, inside, count, rule, place):
    """`kernel_window.may_turn`."""
    return _may_turn(_window(side, inside, count, rule), place)


@entry(f"void({_COLUMNS},int64,int64)")
def turn(side, inside, count, rule, place, capped):
    """`kernel_window.turn`."""
    _turn(_window(side, inside, count, rule), place, capped)


@entry(f"void({_COLUMNS},int64,int64[::1],int64[::1])")
def slacks(side, inside, count, rule, first, out, queue):
    """`kernel_window.slacks`."""
    _slacks(_window(side, inside, count, rule), first, out, queue)


def new_window(ticks: int, width: int, cap_bp: int) -> tuple[np.ndarray, ...]:
    """An empty window of the kernel: its columns."""
    return np.zeros(ticks, np.int8), np.zeros(ticks, np.int64), np.zeros(1, np.int64), np.array([width, cap_bp])
