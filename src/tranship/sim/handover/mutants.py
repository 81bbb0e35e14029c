"""Faults planted on purpose: the judge's own test. Each one breaks one rule of the hand-over, and must be found within 100 seeds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from tranship.core.ledger import Bucket
from tranship.dispatch import rules
from tranship.dispatch.model import (
    ABANDONED,
    DOUBT_CREATE,
    DOUBT_RELEASE,
    LIVE,
    RELEASING,
    RESOLVING,
    SENDING,
    VOID,
    Dispatch,
)
from tranship.dispatch.rules import Step, Terms
from tranship.engine import counting, due, evolve_network, handover
from tranship.engine import events as ev
from tranship.engine.state import State
from tranship.routing.share import ShareWindow

Patch = tuple[object, str, object]


def _closed(d: Dispatch, now: int, why: str) -> Dispatch:
    return replace(d, state=VOID, since=now, op="", op_at=0, why=why, wish="void", freed=True)


def _reissue_at_once() -> list[Patch]:
    """A call without an answer counts as not carried out."""
    truth = rules._unheard

    def unheard(d: Dispatch, op: str, now: int, terms: Terms) -> Dispatch:
        if op == "create" and d.op == op and d.state in {SENDING, DOUBT_CREATE}:
            return _closed(d, now, "no answer")
        return truth(d, op, now, terms)

    return [(rules, "_unheard", unheard)]


def _not_found_reissues() -> list[Patch]:
    """An order that is not found counts as never there."""

    def absent(d: Dispatch, _sent_at: int, now: int, _terms: Terms) -> Step:
        return Step(d if not d.op else _closed(d, now, "not found"))

    def unheard(d: Dispatch, op: str, now: int, terms: Terms) -> Dispatch:
        made = truth(d, op, now, terms)
        return replace(made, op="get") if made.state == DOUBT_CREATE and made.op == "create" else made

    truth = rules._unheard
    return [(rules, "_absent", absent), (rules, "_unheard", unheard)]


def _drop_i2() -> list[Patch]:
    """What is wanted back is free at once, whatever the network may do with it."""
    everything = frozenset({SENDING, DOUBT_CREATE, LIVE, RESOLVING, DOUBT_RELEASE, RELEASING})

    def back(d: Dispatch, now: int, _op: str, _at: int) -> Dispatch:
        return _closed(d, now, "wanted back") if d.state in everything else truth(d, now, _op, _at)

    truth = rules._back
    return [(rules, "_back", back)]


def _drop_i3() -> list[Patch]:
    """What was given up on hold is released all the same when its time comes."""
    gone = {ABANDONED}

    def released(d: Dispatch, now: int) -> Step:
        if d.state in gone:
            return Step(replace(d, state=RELEASING, since=now, op="release", op_at=now, wish="ship"))
        return truth(d, now)

    def to_release(state: State, at: int) -> Iterator[Dispatch]:
        yield from due_truth(state, at)
        yield from [d for r in list(state.open_dispatches) if (d := state.dispatches[r]).state in gone]

    truth, due_truth = rules.released, due.to_release
    return [
        (rules, "released", released), (handover, "to_release", to_release),
        (evolve_network, "_same_attempt", lambda _old, _new: None),
    ]  # fmt: skip


def _late_cap() -> list[Patch]:
    """Room under a cap is counted after an order is placed, not before."""
    always: Callable[..., bool] = lambda *_args, **_more: True  # noqa: E731
    found: list[Patch] = [(ShareWindow, name, always) for name in ("admits", "admits_one", "admits_change")]
    return [*found, (ShareWindow, "room", lambda *_args, **_more: 64)]


def _overwrite_stock() -> list[Patch]:
    """A remote count is the truth: the shelf becomes what was counted."""
    truth = counting._compared

    def compared(state: State, command: Any) -> ev.StockCounted:
        event = truth(state, command)
        shelf, reserved = state.ledger.balance[Bucket.FULFILLABLE], state.ledger.balance[Bucket.RESERVED]
        missing, found = [], []
        for sku, count in zip(event.skus, event.counted, strict=True):
            wanted = max(0, count - int(reserved[sku, event.node]))
            differs = wanted - int(shelf[sku, event.node])
            missing.append(max(0, -differs))
            found.append(max(0, differs))
        return ev.StockCounted(
            event.node, event.skus, event.counted, event.inbound, event.counted, event.counted,
            tuple(missing), tuple(found), event.at,
        )  # fmt: skip

    return [(counting, "_compared", compared)]


def _none() -> list[Patch]:
    return []


MUTANTS: dict[str, tuple[str, Callable[[], list[Patch]]]] = {
    "reissue_at_once": ("a creation without an answer is given up, and made anew under another id", _reissue_at_once),
    "not_found_reissues": ("an order that is not found is taken for one that never was", _not_found_reissues),
    "drop_i2": ("the next attempt begins while the one before may still ship", _drop_i2),
    "drop_i3": ("an order that was given up on hold is released", _drop_i3),
    "drop_i4": ("bytes leave before their intent is durable, and the power fails", _none),
    "forget_outbox": ("a call that is due is forgotten now and then", _none),
    "late_cap": ("room under the cap is counted after the fact", _late_cap),
    "overwrite_stock": ("a network's count of stock overwrites the books", _overwrite_stock),
}
"""Name -> what is wrong. Those without patches are played by the world itself."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """With this fault in place; "" is none. Only for one world at a time in a process."""
    with ExitStack() as stack:
        for target, attribute, replacement in MUTANTS[name][1]() if name else []:
            stack.enter_context(patch.object(target, attribute, replacement))
        yield
