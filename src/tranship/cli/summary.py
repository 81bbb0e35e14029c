"""What `tranship replay` and `tranship report` say in a terminal: the finding first, then tables with the limit beside the number."""

from pathlib import Path
from typing import TYPE_CHECKING

from tranship.console.figures import ArmCap, CapFacts, ReportData
from tranship.console.findings import (
    arm_cap,
    cap_said,
    change,
    counted,
    money,
    operator,
    part_of,
    per,
    percent,
    rounded,
)
from tranship.console.svg import hues
from tranship.console.words import ARM_WORDS, REJECT_WORDS
from tranship.store.location import files_of
from tranship.store.location import shown as address

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tranship.sim.replay import Summary

BAR = 24
"""Characters of a full bar."""
SPARK = "▁▂▃▄▅▆▇█"
SPARK_WIDE = 60


def show_replay(summary: "Summary", run: Path) -> None:
    """What a replay came to, in one screen, and what to type next."""
    out = _console()
    state = "done" if summary.complete else "[bold]stopped[/]: type the same command again and it goes on from here"
    rate = summary.lines_read / summary.seconds if summary.seconds else 0
    out.print(
        f"\n[bold]{_plain(str(run))}[/]  {state}, {summary.seconds:,.1f} s, {rate:,.0f} lines a second,"
        f" {summary.peak_rss_mb:,.0f} MB at most\n"
    )
    grid = _table()
    grid.add_column("")
    grid.add_column("", justify="right")
    grid.add_column("", style="dim")
    read = summary.lines_read
    grid.add_row("lines read", f"{read:,}", "")
    grid.add_row("  accepted", f"{summary.lines_accepted:,}", part_of(summary.lines_accepted, read))
    where = f", every one in {files_of(run) / 'rejects.csv'}" if summary.lines_rejected else ""
    grid.add_row("  rejected", f"{summary.lines_rejected:,}", part_of(summary.lines_rejected, read) + _plain(where))
    for reason, count in sorted(summary.rejected_by_reason.items(), key=lambda item: -item[1]):
        grid.add_row(f"    {_plain(reason)}", f"{count:,}", "")
    grid.add_row("orders", f"{summary.orders:,}", f"and {counted(summary.cancels, 'line')} that take units back")
    parts, taken, units = summary.fulfillment_orders, summary.orders, summary.units_ordered
    if not summary.complete:  # what was placed is held against what was reached, not against the whole file
        taken, units = summary.orders_taken, summary.units_taken
        grid.add_row("  reached", f"{taken:,}", "before it was stopped: what follows is of these")
    grid.add_row("fulfillment orders", f"{parts:,}", f"{per(parts, taken):.2f} an order")
    grid.add_row("units ordered", f"{units:,}", "")
    grid.add_row("units placed", f"{summary.units_placed:,}", part_of(summary.units_placed, units))
    other = summary.run_orders - summary.orders_taken
    whole = ", of the whole run" if other > 0 else ""
    grid.add_row("highest window share", f"{100 * summary.max_window_share:.2f} %", f"of any capped network{whole}")
    grid.add_row("events", f"{summary.events:,}", f"state hash {summary.state_hash}{whole}")
    if other > 0:
        grid.add_row("the run", f"{summary.run_orders:,}", f"orders, {other:,} of them not of this file")
    out.print(grid)
    if summary.lines_read != summary.lines_accepted + summary.lines_rejected:
        out.print("[bold red]accepted and rejected lines do not add up to those read[/]")
    shown = _plain(address(run))
    out.print(f"[dim]next[/]  tranship report --run {shown}   [dim]or[/]   tranship explain ORDER --run {shown}\n")


def show_report(data: ReportData) -> None:
    """The report's finding and its main tables."""
    out = _console()
    out.print(f"\n[bold]{_plain(data.headline)}[/]")
    for line in data.summary:
        out.print(_plain(line))
    if not data.run.orders:
        return
    for cap in data.caps:
        _course(out, data, cap)
    _networks(out, data)
    if data.arms:
        _arms(out, data)
    _sizes(out, data)
    _waiting(out, data)
    _rejected(out, data)
    if data.banner:
        out.print(
            f"[bold]Derived, not measured[/] ({len(data.banner)})",
            *[f"\n  {_plain(line)}" for line in data.banner],
            "\n",
        )
    out.print(f"[dim]{counted(len(data.checks), 'check')} of these numbers against each other, all met[/]")


def _course(out: "Console", data: ReportData, cap: CapFacts) -> None:
    name = operator(data, cap.network)
    values = cap.course.high_bp
    if values:
        low, high = min(values), max(*values, cap.cap_bp)
        line = _spark(values, low, high)
        color = hues(data.networks).get(cap.network, "white")
        out.print(f"\n{percent(low, 0)} [{color}]{line}[/] {percent(high, 0)}")
        out.print(f"share of {_plain(name)} over time: at most {percent(cap.max_share_bp)} (cap {cap_said(cap)})")
    for words in data.cap_words if len(data.caps) == 1 else []:
        out.print(f"  {_plain(words)}", style="dim")


def _spark(values: list[int], low: int, high: int) -> str:
    """A course as blocks between two shares: the highest of each stretch."""
    width = min(SPARK_WIDE, len(values))
    groups = [values[i * len(values) // width : (i + 1) * len(values) // width] for i in range(width)]
    return "".join(SPARK[min(7, (max(group) - low) * 8 // max(1, high - low))] for group in groups)


def _networks(out: "Console", data: ReportData) -> None:
    wide = out.width >= 100
    names = ("fulfillment orders", "share", *([""] if wide else []), "units", "each", "a unit", "late")
    grid = _table("Who ships", ("network",), names)
    colors = hues(data.networks)
    whole = data.splits.fulfillment_orders
    currency = data.run.currency
    for one in data.networks:
        bar = [f"[{colors[one.code]}]{_bar(per(one.fulfillment_orders, whole))}[/]"] if wide else []
        grid.add_row(
            f"[{colors[one.code]}]●[/] {_plain(one.operator)}",
            f"{one.fulfillment_orders:,}",
            part_of(one.fulfillment_orders, whole),
            *bar,
            f"{one.units:,}",
            money(per(one.cost, one.fulfillment_orders), currency),
            money(per(one.cost, one.units), currency),
            part_of(one.late, one.fulfillment_orders),
        )
    out.print(grid)


def _bar(share: float) -> str:
    eighths = round(share * BAR * 8)
    return "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")


def _arms(out: "Console", data: ReportData) -> None:
    grid = _table(
        "What the cap costs",
        ("",),
        ("an order", "against this run", "a unit", "units placed", "late units", "highest share"),
    )
    currency = data.run.currency
    mine = per(data.cost, data.splits.orders_placed)
    cap = data.caps[0] if data.caps else None
    rows: list[tuple[str, int, int, int, int, ArmCap | CapFacts | None]] = [
        (arm.name, arm.cost, arm.orders_placed, arm.units_placed, arm.units_late, arm_cap(arm, cap))
        for arm in data.arms
    ]
    rows.append(("run", data.cost, data.splits.orders_placed, data.units.placed, data.units.late, cap))
    rows.sort(key=lambda row: ({"none": 0, "run": 1}.get(row[0], 2), row[0]))
    for name, cost, orders, units, late, high in rows:
        each = per(cost, orders)
        gap = (
            ""
            if name == "run" or not mine
            else f"{'+' if each > mine else ''}{money(each - mine, currency)} ({change(each / mine - 1)})"
        )
        grid.add_row(
            ARM_WORDS.get(name, name), money(each, currency), gap, money(per(cost, units), currency), f"{units:,}", f"{late:,}",
            percent(high.high_bp) if high else "-", style="bold" if name == "run" else "",
        )  # fmt: skip
    out.print(grid)


def _sizes(out: "Console", data: ReportData) -> None:
    if not data.caps or not data.sizes:
        return
    grid = _table(
        "Size and cost: by units in a fulfillment order",
        ("units",),
        ("count", "capped", "a unit, capped", "a unit, independent"),
    )
    for one in data.sizes:
        both = one.capped + one.independent
        grid.add_row(
            one.label,
            f"{both:,}",
            part_of(one.capped, both, 0),
            money(per(one.capped_cost, one.capped_units), data.run.currency) if one.capped else "-",
            money(per(one.independent_cost, one.independent_units), data.run.currency) if one.independent else "-",
        )
    out.print(grid)
    if data.size_words:
        out.print(f"  {_plain(data.size_words)}\n", style="dim")


def _waiting(out: "Console", data: ReportData) -> None:
    if not data.waiting:
        return
    grid = _table("Could not be placed at once", ("because",), ("units parked", "given up", "still waiting"))
    for one in data.waiting:
        grid.add_row(_plain(one.words), f"{one.units:,}", f"{one.expired:,}", f"{one.parked:,}")
    out.print(grid)


def _rejected(out: "Console", data: ReportData) -> None:
    reasons = [(file.file, reason) for file in data.files for reason in file.reasons]
    later = [sample for sample in data.rejects if sample.reason in ("refused", "changed_order")]
    if not reasons and not later:
        return
    grid = _table("Rejected lines", ("file", "reason", ""), ("lines",))
    for file, reason in reasons:
        grid.add_row(_plain(file), _plain(reason.name), _plain(reason.words), f"{reason.count:,}")
    for sample in later:
        file = sample.samples[0][0] if len({row[0] for row in sample.samples}) == 1 else ""
        grid.add_row(_plain(file), sample.reason, REJECT_WORDS[sample.reason], f"{sample.count:,}")
    out.print(grid)
    cost = rounded(data.cost, data.run.currency)
    out.print(
        f"  {data.lines_read:,} read = {data.lines_accepted:,} accepted + {data.lines_rejected:,} rejected; total cost {cost}\n",
        style="dim",
    )


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False)


def _table(title: str = "", left: tuple[str, ...] = (), right: tuple[str, ...] = ()) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_header=bool(left or right),
    )
    for name in left:
        made.add_column(name, overflow="fold")
    for name in right:
        made.add_column(name, justify="left" if not name else "right")
    return made


def _plain(words: str) -> str:
    """Words from a file are never markup."""
    from rich.markup import escape

    return escape(words)
