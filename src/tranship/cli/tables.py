"""What `tranship try` and `tranship regret` say in a terminal: the finding first, then all arms beside each other."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from tranship.cli.summary import _console, _plain, _table
from tranship.console.findings import change, counted, money, part_of, per, percent, rounded
from tranship.console.trial import TrialPage, headline, said, wanted
from tranship.core.time import day_to_date

if TYPE_CHECKING:
    from rich.console import Console

    from tranship.console.trial import ArmPage, TriedPage
    from tranship.sim.trial.model import Trial
    from tranship.sim.trial.regret import Regret

FLOWS, CHANGES = 8, 5
MICROS_PER_DAY = 86_400_000_000


def show_trial(trial: "Trial") -> None:
    """Two screens at most: figures beside each other, who moved and why, the orders that changed most."""
    page = msgspec.convert(msgspec.to_builtins(trial), TrialPage)
    out = _console()
    days = [day_to_date(at // MICROS_PER_DAY).isoformat() for at in (page.first_at, page.last_at)]
    out.print(f"\n[bold]{_plain(headline(page))}[/]")
    out.print(
        f"{_plain(page.run)}  {counted(page.baseline.orders, 'order')}, {days[0]} to {days[1]}, {trial.seconds:,.1f} s",
        style="dim",
    )
    mark = "[green]baseline is the run[/]" if page.same else "[red]baseline is not the run[/]"
    out.print(f"{mark}: {_plain(page.checked)}\n")
    _figures(out, page)
    for one in page.variations:
        name = f"[bold]{_plain(one.arm.name)}[/]  " if len(page.variations) > 1 else ""
        out.print(f"{name}{_plain(said(one, page.currency))}\n")
        _moved(out, page, one)


def show_regret(found: "Regret") -> None:
    """One screen: three costs of the same period, and what the bound leaves out."""
    out, currency = _console(), found.currency
    run, myopic, bound = found.as_run, found.myopic, found.hindsight
    days = [day_to_date(at // MICROS_PER_DAY).isoformat() for at in (found.first_at, found.last_at)]
    saved = per(myopic.cost, myopic.units_placed) / max(1.0, per(run.cost, run.units_placed)) - 1
    said_first = (
        "as dear as myopic decisions" if abs(saved) < 0.0005 else f"myopic decisions cost {change(saved)} a unit"
    )
    caught = (
        f"; {100 * found.captured:.0f} % of what hindsight could save at most is captured"
        if found.captured is not None
        else ""
    )
    out.print(f"\n[bold]{said_first[:1].upper()}{said_first[1:]}{caught}.[/]")
    out.print(
        f"{_plain(found.run)}  {counted(run.orders, 'order')}, {days[0]} to {days[1]}, {found.seconds:,.1f} s\n",
        style="dim",
    )
    grid = _table("", ("",), ("an order", "a unit", "against the run", "units placed", "units late"))
    mine = per(run.cost, run.units_placed)
    for name, arm in (("myopic", myopic), ("as run", run)):
        each = per(arm.cost, arm.units_placed)
        grid.add_row(
            name, money(per(arm.cost, arm.orders_placed), currency), money(each, currency),
            change(each / mine - 1) if mine and arm is not run else "", f"{arm.units_placed:,}", part_of(arm.units_late, arm.units_placed),
        )  # fmt: skip
    if bound.bound:
        each = per(bound.bound, bound.units)
        grid.add_row(
            "hindsight, at least", money(per(bound.bound, bound.orders), currency), money(each, currency),
            change(each / mine - 1) if mine else "", f"{bound.units:,}", "-",
        )  # fmt: skip
    out.print(grid)
    for line in found.notes:
        out.print(_plain(line))
    if bound.relaxed and bound.bound:
        out.print(f"The bound is this low because {_plain('; '.join(bound.relaxed))}.\n", style="dim")


def _figures(out: "Console", page: TrialPage) -> None:
    currency = page.currency
    grid = _table("", ("",), tuple(_plain(arm.name) for arm in page.arms))
    rows: list[tuple[str, Callable[[ArmPage], float], Callable[[float], str]]] = [
        ("cost", lambda arm: arm.cost, lambda value: rounded(value, currency)),
        ("  an order", lambda arm: per(arm.cost, arm.orders_placed), lambda value: money(value, currency)),
        ("  a unit", lambda arm: per(arm.cost, arm.units_placed), lambda value: money(value, currency)),
        ("units placed", lambda arm: arm.units_placed / max(1, wanted(arm)), _share),
        ("  orders in full", lambda arm: per(arm.orders_in_full, arm.orders_wanted), _share),
        ("  lines in full", lambda arm: per(arm.lines_in_full, arm.lines), _share),
        ("units waiting", lambda arm: arm.units_parked, lambda value: f"{value:,.0f}"),
        ("units given up", lambda arm: arm.units_given_up, lambda value: f"{value:,.0f}"),
        ("splits: parts an order", lambda arm: per(arm.fulfillment_orders, arm.orders_placed), lambda value: f"{value:.2f}"),
        ("units late", lambda arm: per(arm.units_late, arm.units_placed), _share),
        ("days to the door", lambda arm: arm.days, lambda value: f"{value:.2f}"),
    ]  # fmt: skip
    for title, value_of, words in rows:
        values = [value_of(arm) for arm in page.arms]
        cells = [words(values[0])]
        for value in values[1:]:
            cells.append(f"{words(value)} [dim]{_gap(value, values[0], words is _share)}[/]")
        grid.add_row(title, *cells)
    for code in dict.fromkeys(one.network for arm in page.arms for one in arm.networks):
        grid.add_row(f"share of {_plain(code)}", *(_network(arm, code) for arm in page.arms))
    for code in dict.fromkeys(cap.network for arm in page.arms for cap in arm.caps):
        grid.add_row(f"  at most, {_plain(code)}", *(_high(arm, code) for arm in page.arms))
    out.print(grid)


def _share(value: float) -> str:
    return part_of(value, 1.0)


def _gap(value: float, base: float, points: bool) -> str:
    if points:
        return f"{100 * (value - base):+6.1f}   " if abs(value - base) >= 0.0005 else f"{'=':>9}"
    if abs(value - base) < 0.0005 * abs(base) or not base:
        return f"{'=':>9}" if value == base or base else ""
    return f"{change(value / base - 1):>9}"


def _network(arm: "ArmPage", code: str) -> str:
    return next((percent(one.share_bp) for one in arm.networks if one.network == code), "-")


def _high(arm: "ArmPage", code: str) -> str:
    found = [cap for cap in arm.caps if cap.network == code]
    return ", ".join(f"{percent(cap.high_bp)} [dim]of {percent(cap.cap_bp, 0)}[/]" for cap in found) or "no cap"


def _moved(out: "Console", page: TrialPage, one: "TriedPage") -> None:
    if not one.flows:
        return
    grid = _table(f"Who moved: {counted(one.units_moved, 'unit')}", ("from", "to", "why"), ("units", "orders", "cost"))
    between = [flow for flow in one.network_flows if flow.source != flow.target]
    for flow in between[:FLOWS]:
        sign = "+" if flow.cost > 0 else ""
        grid.add_row(
            _plain(flow.source), _plain(flow.target), f"[dim]{page.words[flow.why]}[/]", f"{flow.units:,}", f"{flow.orders:,}",
            f"{sign}{rounded(flow.cost, page.currency)}",
        )  # fmt: skip
    out.print(grid)
    rest = f"  and {counted(len(between) - FLOWS, 'smaller flow')}" if len(between) > FLOWS else ""
    inside = sum(flow.units for flow in one.network_flows if flow.source == flow.target)
    inner = f"  {counted(inside, 'unit')} between nodes of one network" if inside else ""
    out.print(
        f"{rest}{';' if rest and inner else ''}{inner}{'; --json has all' if rest or inner else ''}\n", style="dim"
    )
    grid = _table("Orders that changed most", ("order", "from", "to"), ("cost", "days"))
    for row in one.changes[:CHANGES]:
        gap = row.cost_after - row.cost_before
        grid.add_row(
            _plain(row.order), _plain(row.before), _plain(row.after), f"{'+' if gap > 0 else ''}{money(gap, page.currency)}",
            f"{row.days_after - row.days_before:+.1f}",
        )  # fmt: skip
    out.print(grid)
