"""`tranship drill`: the same day under each policy, each in a process of its own, held against each other."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tranship.core.errors import InputError
from tranship.core.time import date_to_day, iso_day
from tranship.engine.run import open_store
from tranship.sim.drill import curve
from tranship.sim.drill.driving import PACK_S, PICK_S, PLAN_S
from tranship.sim.drill.ground import Ground, Wish, lines_of, survey, value_of
from tranship.sim.drill.measure import Fate, Played, measured
from tranship.sim.drill.model import Arm, Drill
from tranship.sim.drill.rehearsal import Rehearsal
from tranship.sim.drill.scenarios import POLICIES, Policy
from tranship.sim.drill.source import read_run
from tranship.sim.workers import Tell, Work
from tranship.store.location import shown

MICROS_PER_DAY = 86_400_000_000
MOST_ORDERS = 200_000
Progress = Callable[[str, float, float], None]


@dataclass(frozen=True)
class Job:
    """One arm, as its process is told of it."""

    folder: str
    ground: Ground
    policy: Policy


def played(job: Job, tell: Tell) -> Played:
    """The arm of a job, from a connection of its own that cannot write."""
    began = time.perf_counter()
    store = open_store(Path(job.folder), read_only=True)
    try:
        play = Rehearsal(store, job.ground, job.policy, tell)
        play.play()
        return measured(play, time.perf_counter() - began)
    finally:
        store.close()


def drill(
    folder: Path, wish: Wish, *, until: dt.date | None = None, progress: Progress | None = None, processes: int = 2,
    policies: Sequence[Policy] = POLICIES,
) -> Drill:  # fmt: skip
    """Rehearse the outage on the run in `folder`, as it stood before the day `until` (now, where it is not given).

    Nothing is written to the run. Raises InputError where there is nothing to rehearse with, DamageError where the journal cannot be read.
    """
    began = time.perf_counter()
    _check(wish)
    store = open_store(folder, read_only=True)
    try:
        total = store.last_seq()[0]
        hear = (lambda seq: progress("reading the run", seq, max(1, total))) if progress else None
        state, last = read_run(store, date_to_day(until) * MICROS_PER_DAY if until else 0, hear)
    finally:
        store.close()
    if not last:
        when = f" before {until}" if until else ""
        raise InputError(f"the run has nothing in it{when}", where=shown(folder), hint="Choose a later --from.")
    ground = survey(state, last, wish)
    value = sum(
        line.qty * each
        for order in ground.orders
        for line, each in zip(order.lines, value_of(ground.document, state.skus, order), strict=True)
    )
    del state
    jobs = [Job(str(folder), ground, policy) for policy in policies]
    heard = (lambda done: progress("rehearsing", 100 * done, 100)) if progress else None
    found = Work(played).all(jobs, heard, processes=processes)
    result = _result(folder, ground, found, value)
    result.seconds = round(time.perf_counter() - began, 1)
    return result


def _check(wish: Wish) -> None:
    limits: tuple[tuple[str, float, float, float], ...] = (
        ("--orders", wish.orders, 1, MOST_ORDERS), ("--hours", wish.hours, 1, curve.HOURS), ("--minutes", wish.minutes, 0, 4_320),
        ("--spare", max(0.0, wish.spare), 0, 100), ("--stall-min", wish.stall_min, 0, 14_400),
    )  # fmt: skip
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise InputError(f"{value:g}", where=name, hint=f"{low:,} to {high:,}.")


def _result(folder: Path, ground: Ground, found: Sequence[Played], value: int) -> Drill:
    wish, scenario = ground.wish, ground.wish.scenario
    hours = [0] * wish.hours
    for order in ground.orders:
        hours[min(wish.hours - 1, (order.placed_at - ground.first_at) // 3_600_000_000)] += 1
    spare = wish.spare if wish.spare >= 0 else scenario.spare
    return Drill(
        str(folder), scenario.name, scenario.words, ground.document.currency, wish.seed, iso_day(ground.day), ground.zone,
        ground.network, [ground.document.nodes[n].code for n in ground.hit], ground.capped, ground.starts_at, ground.ends_at,
        ground.first_at, ground.last_at, len(ground.orders), sum(line.qty for order in ground.orders for line in order.lines),
        value, ground.taken_from, spare, found[0].times, hours, ground.first_hour, lines_of(ground), compared(found),
        _assumed(ground),
    )  # fmt: skip


def compared(found: Sequence[Played]) -> list[Arm]:
    """The arms, with what only their comparison says: who was saved, what it cost, who would have gone to the failing nodes."""
    fates = {one.arm.key: one.fates for one in found}
    meant = {key for one in found if one.arm.key == "calm" for key, (there, _) in one.checks.items() if there}
    for one in found:
        _compare(one.arm, fates)
        one.arm.meant = len(meant & set(one.checks))
        one.arm.meant_placed = sum(one.checks[key][1] for key in meant & set(one.checks))
    return [one.arm for one in found]


def _compare(arm: Arm, fates: dict[str, dict[str, Fate]]) -> None:
    """Against "do nothing": what was saved; against the day without an outage: what it cost."""
    own, idle, calm = fates[arm.key], fates.get("nothing", {}), fates.get("calm", {})
    if arm.key != "calm":
        for key, fate in own.items():
            other = idle.get(key)
            if other is None:
                continue
            if other.state != "in_time" and fate.state == "in_time":
                arm.saved += 1
                arm.saved_value += fate.value
            arm.harmed += other.state == "in_time" and fate.state != "in_time"
            arm.kept_day += other.days > 0 and fate.days == 0 and fate.state in {"in_time", "late"}
    for key, fate in own.items():
        before = calm.get(key)
        if before is not None and before.whole and fate.whole:
            arm.compared += 1
            arm.extra_cost += fate.cost - before.cost


def _assumed(ground: Ground) -> list[str]:
    """What the figures rest on, in words."""
    made_up = [line for line in lines_of(ground) if line.made_up]
    found = [curve.SOURCE, *ground.notes]
    for kind, words in (
        ("amazon_mcf", "Amazon Multi-Channel Fulfillment (2026-07-04)"),
        ("shipbob", "a 3PL in the ShipBob 2026-01 dialect"),
    ):
        names = ", ".join(line.network for line in made_up if line.kind == kind)
        if names:
            text = f"{names}: the run's file has no connection to hand over by; for the drill it can what the record of {words}"
            found.append(f"{text} claims.")
    pace = f"Stand-in networks plan an order for {PLAN_S // 60} minutes, begin it within {PICK_S // 60}"
    found.append(
        f"{pace} and let it leave after {PACK_S // 60} more; what reaches a node after its cut-off leaves on its next working day."
    )
    found += [
        "Half of what is sent into a blackout is lost, half is carried out when it ends; of calls that fail with a server error half were.",
        "Late is after the order's promise, by planned transit. Lost is neither gone nor waiting with a reason, five days later.",
        "People are made up: nobody's data is read from the run. Counts of stock, returns and cancellations are not part of a drill.",
    ]
    if ground.wish.scenario.told_min:
        minutes = ground.wish.scenario.told_min
        found.append(
            f"Somebody hears of it and closes the nodes by hand {minutes} minutes into it, until the end that was announced."
        )
    return found
