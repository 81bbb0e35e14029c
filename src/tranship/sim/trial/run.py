"""`tranship try`: baseline and variations, each in a process of its own, held against each other."""

import csv
import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tranship.connectors.netfile import from_document
from tranship.connectors.netfile.overlay import read_overlay
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile
from tranship.core.time import date_to_day, from_micros
from tranship.engine.run import open_store
from tranship.sim.trial.figures import arm_figures, tried
from tranship.sim.trial.model import OrderChange, Trial
from tranship.sim.trial.moves import WHY
from tranship.sim.trial.outcome import Outcome
from tranship.sim.trial.walk import AS_RUN, MICROS_PER_DAY, Period, Variation, walk
from tranship.sim.workers import Tell, Work
from tranship.store.location import shown
from tranship.store.port import Store, TableStore

MOST_VARIATIONS = 20
SMALL = 3_000
"""Journal rows below which starting processes takes longer than the arms."""
Progress = Callable[[str, float, float], None]


@dataclass(frozen=True)
class Job:
    """One arm, as its process is told of it."""

    folder: str
    variation: Variation
    period: Period


def carried_out(job: Job, tell: Tell) -> Outcome:
    """The arm of a job, from a connection of its own."""
    store = open_store(Path(job.folder), read_only=True)
    try:
        last = max(1, job.period.last)
        return walk(store, job.variation, job.period, lambda seq: tell(min(1.0, seq / last)))
    finally:
        store.close()


def try_run(
    folder: Path,
    overlays: Sequence[Path],
    *,
    first: dt.date | None = None,
    until: dt.date | None = None,
    most: int = 100,
    skip: int = 0,
    progress: Progress | None = None,
    processes: int = 2,
) -> tuple[Trial, list[list[OrderChange]]]:
    """Carry the run in `folder` out under each overlay, and as it was.

    `most` changed orders of each variation, after the first `skip`, are in the result; all of them beside it. `first` and `until` are the
    first and the last day (UTC) of the period. Raises InputError on an overlay or period that cannot be used, DamageError where the
    journal cannot be read. The run may be written meanwhile: what is there at the beginning counts.
    """
    begun = time.perf_counter()
    variations = _variations(overlays)
    store = open_store(folder, read_only=True)
    try:
        period = period_of(store, first, until)
        network = latest_network(store)
        for one in variations:
            one.changed(network)  # an overlay that does not fit is told before the work begins
    finally:
        store.close()
    outcomes = arms(folder, [AS_RUN, *variations], period, progress, processes=processes)
    base, others = outcomes[0], outcomes[1:]
    if not base.ids:
        raise InputError(
            "no order in this period", where=shown(folder), hint="Choose other dates with --from and --to."
        )
    pairs = [tried(base, other, most, skip) for other in others]
    trial = Trial(
        str(folder), network.currency, int(base.at.min()), int(base.at.max()), period.last, not base.differs,
        said_of_baseline(base), arm_figures(base), [pair[0] for pair in pairs], WHY, _notes(base, others),
        round(time.perf_counter() - begun, 2),
    )  # fmt: skip
    return trial, [pair[1] for pair in pairs]


def arms(
    folder: Path, variations: Sequence[Variation], period: Period, progress: Progress | None, *, processes: int = 2
) -> list[Outcome]:
    """The outcome of each, in order."""
    jobs = [Job(str(folder), one, period) for one in variations]
    hear = (lambda done: progress("carrying orders out again", 100 * done, 100)) if progress else None
    return Work(carried_out).all(jobs, hear, processes=1 if period.last < SMALL else processes)


def _variations(paths: Sequence[Path]) -> list[Variation]:
    if not paths:
        raise InputError(
            "nothing to try", where="try", hint="Name one or more TOML files; docs/trying.md has examples."
        )
    if len(paths) > MOST_VARIATIONS:
        raise InputError(f"{len(paths)} variations", where="try", hint=f"At most {MOST_VARIATIONS} at once.")
    found = [Variation(one.name, one.note, one) for one in map(read_overlay, paths)]
    names = [one.name for one in found]
    for i, name in enumerate(names):
        if name in names[:i] or name == AS_RUN.name:
            hint = "Give each its own: [variation] name = ..."
            raise InputError(f"a second variation is called {name!r}", where=str(paths[i]), hint=hint)
    return found


def period_of(store: TableStore, first: dt.date | None, until: dt.date | None) -> Period:
    """The period from the day `first` to the day `until`, both in it. InputError where the run has nothing of it."""
    last = store.last_seq()[0]
    found = store.query("SELECT MIN(placed_at), MAX(placed_at) FROM orders")
    if not last or not found or found[0][0] is None:
        raise InputError("the run has no orders yet", where=store.where)
    low, high = (from_micros(int(str(at))).date() for at in found[0])
    if first and until and until < first:
        raise InputError(f"--to {until} is before --from {first}", where="--from, --to")
    if (first and first > high) or (until and until < low):
        raise InputError(
            "no order in this period", where="--from, --to", hint=f"The run's orders are from {low} to {high}."
        )
    return Period(
        date_to_day(first) * MICROS_PER_DAY if first else 0,
        (date_to_day(until) + 1) * MICROS_PER_DAY if until else 0,
        last,
    )


def latest_network(store: Store) -> NetworkFile:
    """The network document in force now."""
    rows = store.query("SELECT payload FROM journal WHERE kind = 'network' ORDER BY seq DESC LIMIT 1")
    if not rows:
        raise InputError("the run has no network document yet", where="run")
    from tranship.engine.events import NetworkLoaded, decode

    event = decode(cast("bytes", rows[0][0]))
    assert isinstance(event, NetworkLoaded)
    return from_document(store.document(event.sha256))


def said_of_baseline(base: Outcome) -> str:
    """How it is known that the baseline is the run, or that it is not."""
    if base.differs:
        return (
            f"this version decides otherwise than the run: first at {base.differs}. Both arms are decided by this version, so their"
            " difference stands; the baseline's totals are not the run's"
        )
    return base.checked


def _notes(base: Outcome, others: Sequence[Outcome]) -> list[str]:
    notes = [
        "Stock comes in as it did in the run: what a rule would have changed about buying and placing stock is not in these numbers."
    ]
    if base.parked_before:
        notes.append(
            f"{base.parked_before:,} parked parts of older orders were waiting when the period began, in every arm."
        )
    books = max([base.price_books, *(other.price_books for other in others)])
    if books:
        notes.append(
            f"Prices that look ahead are the run's own ({books:,} versions), made under its rules; under others they would differ."
        )
    return notes


HEADER = (
    "variation", "order", "placed", "from", "to", "units_before", "units_after", "cost_before", "cost_after", "cost_change",
    "days_before", "days_after", "late_units_before", "late_units_after", "why", "why_words",
)  # fmt: skip


def write_changes(path: Path, trial: Trial, changes: Sequence[Sequence[OrderChange]]) -> int:
    """One row for each order that came out otherwise; returns how many. Money in the run's currency."""
    count = 0
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(HEADER)
            for variation, rows in zip(trial.variations, changes, strict=True):
                for one in rows:
                    writer.writerow(_cells(variation.arm.name, one))
                    count += 1
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=str(path)) from error
    return count


def _cells(name: str, one: OrderChange) -> tuple[object, ...]:
    return (
        _safe(name), _safe(one.order), from_micros(one.at).isoformat(), one.before, one.after, one.units_before, one.units_after,
        _major(one.cost_before), _major(one.cost_after), _major(one.cost), one.days_before, one.days_after,
        one.late_before, one.late_after, one.why, WHY[one.why],
    )  # fmt: skip


def _major(micros: int) -> str:
    sign = "-" if micros < 0 else ""
    cents = abs(micros) // 10_000  # rate cards charge whole cents
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def _safe(cell: str) -> str:
    """A spreadsheet must not run what a file of orders says."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
