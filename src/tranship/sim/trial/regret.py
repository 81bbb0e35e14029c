"""`tranship regret`: what routing cost in a past period, between myopic decisions and hindsight."""

import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tranship.core.errors import InputError
from tranship.engine.run import open_store
from tranship.sim.trial.figures import arm_figures
from tranship.sim.trial.hindsight import PASSES, Hindsight, hindsight
from tranship.sim.trial.model import ArmFigures
from tranship.sim.trial.outcome import Outcome
from tranship.sim.trial.paired import Paired, paired
from tranship.sim.trial.run import SMALL, Progress, latest_network, period_of
from tranship.sim.trial.walk import RECORDED, Period, Variation, walked
from tranship.sim.workers import Tell, Work
from tranship.store.location import shown

MYOPIC = Variation(
    "myopic", "Each order by itself: no prices that look ahead, nothing decided again before it ships.", myopic=True
)
SAME_FILL = 0.001
"""Difference of units placed, relative, up to which two arms are said to have shipped the same."""


@dataclass(frozen=True)
class Job:
    """One arm of a regret; the recorded one also looks for the bound."""

    folder: str
    variation: Variation
    period: Period
    passes: int


class Regret(msgspec.Struct):
    """What routing cost against myopic and hindsight. `captured`: the run's part of what lies between (None: not known)."""

    run: str
    currency: str
    first_at: int
    last_at: int
    as_run: ArmFigures
    myopic: ArmFigures
    paired: Paired  # myopic less run, of orders that shipped the same units
    hindsight: Hindsight
    captured: float | None = None
    notes: list[str] = []
    seconds: float = 0.0


def carried_out(job: Job, tell: Tell) -> tuple[Outcome, Hindsight | None]:
    """One arm, from a connection of its own."""
    store = open_store(Path(job.folder), read_only=True)
    try:
        last = max(1, job.period.last)
        arm = walked(store, job.variation, job.period, lambda seq: tell(min(1.0, seq / last)))
        return arm.outcome(), hindsight(arm, job.passes) if job.variation.recorded else None
    finally:
        store.close()


def regret(
    folder: Path,
    *,
    first: dt.date | None = None,
    until: dt.date | None = None,
    passes: int = PASSES,
    progress: Progress | None = None,
    processes: int = 2,
) -> Regret:
    """Hold the period's recorded decisions against myopic ones and against hindsight. Raises as `trial.run.try_run` does."""
    begun = time.perf_counter()
    store = open_store(folder, read_only=True)
    try:
        period = period_of(store, first, until)
        currency = latest_network(store).currency
    finally:
        store.close()
    jobs = [Job(str(folder), one, period, passes) for one in (RECORDED, MYOPIC)]
    hear = (lambda done: progress("looking back", 100 * done, 100)) if progress else None
    found = Work(carried_out).all(jobs, hear, processes=1 if period.last < SMALL else processes)
    (run, bound), (myopic, _) = found
    if not run.ids:
        raise InputError(
            "no order in this period", where=shown(folder), hint="Choose other dates with --from and --to."
        )
    assert bound is not None
    alike = paired(run.at, run.cost, myopic.cost, run.units == myopic.units)
    out = Regret(
        str(folder), currency, int(run.at.min()), int(run.at.max()), arm_figures(run), arm_figures(myopic), alike, bound
    )  # fmt: skip
    _capture(out)
    out.seconds = round(time.perf_counter() - begun, 2)
    return out


def _capture(out: Regret) -> None:
    """The captured share, by cost a unit, where it means something."""
    run, myopic, bound = out.as_run, out.myopic, out.hindsight
    if bound.reasons:
        out.notes.append(f"No valid bound: {'; '.join(bound.reasons)}.")
        return
    if not run.units_placed or not myopic.units_placed:
        return
    if abs(myopic.units_placed / run.units_placed - 1) > SAME_FILL:
        out.notes.append(
            f"Myopic decisions place {myopic.units_placed:,} units, the run {run.units_placed:,}: costs are compared by the unit."
        )
    least = bound.bound / max(1, bound.units)
    room = myopic.a_unit - least
    if room <= 0:
        out.notes.append(
            "Myopic decisions cost no more a unit than the bound of the run's own units: their orders are not the same."
        )
        return
    out.captured = (myopic.a_unit - run.a_unit) / room
    out.notes.append(
        "Hindsight is a lower bound, not a plan: no way of routing reaches it, so the share captured is told low."
    )
    if out.captured < 0:
        out.notes.append(
            "The run cost more than myopic decisions would have: below 0 is told by the unit, and is no share of anything."
        )
    elif run.units_placed != myopic.units_placed:
        out.notes.append("The arms placed different units: the share is about this.")
