"""`tranship report`: the wiring. Figures come from the run, the comparison from sim, the page from the console."""

import csv
from collections.abc import Callable
from pathlib import Path

from tranship.console.figures import ArmCap, ArmFacts, Course, RejectSample, ReportData
from tranship.console.gather import compared, gather
from tranship.console.page import write
from tranship.console.report import render
from tranship.engine.memory import calm_collector
from tranship.engine.run import open_store
from tranship.sim.compare import Arm, compare_run
from tranship.store.location import files_of
from tranship.store.port import Moment, TableStore

Progress = Callable[[str, float, float], None]
SAMPLES = 2
"""Rejected lines shown of each reason."""
REASONS_MOST = 12
"""Reasons of which lines are shown."""
SMALL = 3_000
"""Events of a run below which starting processes takes longer than comparing in this one."""


def make_report(
    run: Path, out: Path | None = None, *, compare: bool = True, progress: Progress | None = None
) -> tuple[ReportData, Path]:
    """Write report.html (default: into the run's folder); returns its data and where it is.

    With `compare`, the run's commands are carried out twice more, without a cap and with the bare counter. Raises InputError
    where there is no run.
    """
    calm_collector()
    store = open_store(run, read_only=True)
    try:
        last = store.last_seq()[0]
        with store.snapshot() as snapshot:  # a service may be writing: all numbers are of one moment
            moment = _Moment(snapshot, store)
            tell = (lambda seq: progress("reading the journal", seq, last)) if progress else None
            data = gather(moment, rejects=read_rejects(files_of(run) / "rejects.csv"), tell=tell)
    finally:
        store.close()
    if compare and data.caps and data.run.orders:
        processes = 1 if data.run.events < SMALL else 2
        arms = compare_run(run, ("none", "counter"), progress, until=data.run.events, processes=processes)
        compared(data, [_facts(arm) for arm in arms])
    path = out or files_of(run) / "report.html"
    return data, write(render(data), path, "--out")


class _Moment:
    """A snapshot of the books, with the documents that they name (those never change)."""

    def __init__(self, snapshot: Moment, store: TableStore) -> None:
        self.journal, self.query, self.document = snapshot.journal, snapshot.query, store.document


def _facts(arm: Arm) -> ArmFacts:
    parts = max(1, arm.fulfillment_orders)
    return ArmFacts(
        name=arm.name,
        orders=arm.orders,
        orders_placed=arm.orders_placed,
        fulfillment_orders=arm.fulfillment_orders,
        cost=arm.cost,
        units_ordered=arm.units_ordered,
        units_placed=arm.units_placed,
        units_parked=arm.units_parked,
        units_expired=arm.units_expired,
        units_cancelled=arm.units_cancelled,
        units_late=arm.units_late,
        shares={code: (20_000 * one.fulfillment_orders + parts) // (2 * parts) for code, one in arm.networks.items()},
        caps=[
            ArmCap(cap.network, cap.measure, cap.window, cap.max_share_bp, cap.full_max_bp, Course(cap.at, cap.high_bp))
            for cap in arm.caps
        ],
    )


def read_rejects(path: Path) -> list[RejectSample]:
    """Reasons in rejects.csv with their counts and first lines, most frequent first; empty where there is no such file."""
    found: dict[str, RejectSample] = {}
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as held:
        for row in csv.DictReader(held):
            reason = row["reason"]
            sample = found.setdefault(reason, RejectSample(reason, 0, []))
            sample.count += 1
            if len(sample.samples) < SAMPLES:
                cells = [_bare(row[name]) for name in ("document", "detail")]
                sample.samples.append((row["file"], int(row["line"]), cells[0], cells[1]))
    return sorted(found.values(), key=lambda sample: (-sample.count, sample.reason))[:REASONS_MOST]


def _bare(cell: str) -> str:
    """A cell as it was: the apostrophe that keeps a spreadsheet from running it is not part of it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@", "\t", "\r") else cell
