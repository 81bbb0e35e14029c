"""Who shipped what: the networks' own word (their report), held against what customers ordered and against the run's books.

The first half needs the run for one thing only: which order a remote id was made for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tranship.connectors.shipbob.lines import name_of
from tranship.dispatch.model import ABANDONED, CLOSED, QUARANTINED
from tranship.engine import events as ev
from tranship.engine.due import to_hand_over
from tranship.engine.evolve import evolve
from tranship.engine.rows import part_id
from tranship.engine.run import open_store
from tranship.engine.state import CANCELLED, DELIVERED, SHIPPED, OrderState, PartState, State
from tranship.engine.verify import verify
from tranship.store.port import TableStore

DEAD = {"CANCELLED", "UNFULFILLABLE", "INVALID", "Cancelled"}
"""Words of both networks for what will not ship."""
LEFT = {"COMPLETE", "COMPLETE_PARTIAL", "Fulfilled"}
"""And for what has left as far as it ever will."""
Reports = Mapping[str, Any]


class Attempt(NamedTuple):
    """What a remote id was made for."""

    order: str
    part: str
    connection: str


class Books(NamedTuple):
    """Units ordered by line (1, 2, ...), and attempts by remote id."""

    ordered: dict[str, dict[str, int]]
    attempts: dict[str, Attempt]


def books_of(run: Path) -> Books:
    """From the run's tables."""
    store = open_store(run, read_only=True)
    try:
        ordered: dict[str, dict[str, int]] = defaultdict(dict)
        for order, line, units in store.query("SELECT order_id, line, qty FROM order_line"):
            ordered[str(order)][str(int(str(line)) + 1)] = int(str(units))
        rows = store.query("SELECT remote_id, order_id, part_id, connection FROM dispatch")
        return Books(dict(ordered), {str(row[0]): Attempt(*map(str, row[1:])) for row in rows})
    finally:
        store.close()


def shipped_twice(reports: Reports, books: Books) -> list[str]:
    """What is wrong with what left or still can leave: more than one order of a fulfillment order, more units of a line than ordered."""
    found = []
    units: dict[tuple[str, str], int] = defaultdict(int)
    able: dict[str, list[str]] = defaultdict(list)
    for code, report in reports.items():
        found += [f"{code} shipped {remote_id} more than once" for remote_id in report["double_shipped"]]
        for remote_id, there in report["orders"].items():
            attempt = books.attempts.get(remote_id)
            if attempt is None or attempt.connection != code:
                found.append(f"{code} has {remote_id}, which nobody journaled for it")
                continue
            if there["lives"] > 1:
                found.append(f"{code} took {remote_id} {there['lives']} times")
            alive = there["state"] not in DEAD and not there["held"]
            if alive or there["units"]:
                able[attempt.part].append(f"{code}:{remote_id}:{there['state']}")
            for line, wanted in there["wanted"].items():
                coming = alive and there["state"] not in LEFT
                units[attempt.order, _line(line)] += wanted if coming else there["lines"].get(line, 0)
    found += [f"{part} can ship {len(ids)} times: {', '.join(ids)}" for part, ids in able.items() if len(ids) > 1]
    for (order, line), count in units.items():
        if count > books.ordered[order].get(line, 0):
            found.append(f"{order} line {line}: {count} units ship of {books.ordered[order].get(line, 0)}")
    return found


def _line(word: str) -> str:
    return name_of(int(word)) if word.isdecimal() else word


def judge(run: Path, reports: Reports, accepted: Iterable[str]) -> list[str]:
    """Everything that is wrong once all is quiet: shipped twice, forgotten, books against truth, caps, violations, verify."""
    found = shipped_twice(reports, books_of(run))
    for code, report in reports.items():
        found += [f"{code}: {text}" for text in (*report["violation_texts"], *report["bad_request_texts"])]
    store = open_store(run, read_only=True)
    try:
        verdict = verify(store, decide=True)
        found += verdict.problems
        state = rebuilt(store)
        found += [
            f"{number} was accepted and is not there" for number in accepted if f"api:{number}" not in state.orders
        ]
        told = {str(row[0]) for row in store.query("SELECT subject FROM exception")}
        for order_id, order in state.orders.items():
            found += _order(state, order_id, order, reports, told)
        for cap in state.caps:
            for window in (cap.total, *cap.channels.values()):
                if window.max_share_bp > cap.cap.cap_bp:
                    found.append(f"{cap.network} had {window.max_share_bp} bp of {cap.cap.cap_bp}")
    finally:
        store.close()
    return found


def rebuilt(store: TableStore) -> State:
    """The state as the journal has it."""
    state = State(store.document)
    for row in store.journal():
        evolve(state, ev.decode(row.payload))
    return state


def _order(state: State, order_id: str, order: OrderState, reports: Reports, told: set[str]) -> Iterator[str]:
    """Every unit is in a fulfillment order that shipped or goes on, or waits here with a reason."""
    units: dict[int, int] = defaultdict(int)
    for number, part in order.parts.items():
        for line, count in zip(part.lines, part.quantities, strict=True):
            units[line] += count
        yield from _part(state, order_id, number, part, reports, told)
    for rest in order.rests.values():
        if not rest.reason:
            yield f"{order_id} waits without a reason"
        for line, count in zip(rest.lines, rest.quantities, strict=True):
            units[line] += count
    for line, asked in enumerate(order.order.lines):
        if units[line] != asked.qty:
            yield f"{order_id} line {line + 1}: {units[line]} of {asked.qty} units are somewhere"


def _part(state: State, order_id: str, number: int, part: PartState, reports: Reports, told: set[str]) -> Iterator[str]:
    if part.status == CANCELLED or not part.units():
        return
    name, held = part_id(order_id, number), state.dispatch_of(part)
    there = None
    if held is not None:
        there = reports[state.connected[held.node].code]["orders"].get(held.remote_id)
    left = there["units"] if there is not None else 0
    if part.status in {SHIPPED, DELIVERED}:
        if left != part.units():
            yield f"{name} is {part.status} with {part.units()} units, and {left} left"
        return
    if left:
        yield f"{name} is {part.status}, and {left} units left"
    if held is None or held.state in CLOSED or held.state == ABANDONED:
        due = {(each.order_id, each.number) for each in to_hand_over(state, state.last_at, 1 << 30)}
        if (order_id, number) not in due and name not in told and part.node not in state.closed:
            yield f"{name} has no next step ({'never sent' if held is None else held.state})"
    elif not held.op and held.state != QUARANTINED:
        yield f"{name} has no next step ({held.state})"
