"""`tranship drill`: rehearse an outage on a run's own orders, with the code that would meet it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint, progress_bar, say, table, write_json
from tranship.cli.trying import date_of
from tranship.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tranship.sim.drill.model import Arm, Drill


SHORT = {"calm": "no outage", "tranship": "Tranship", "no_hold": "no Hold", "naive": "on timeout", "nothing": "nothing"}
"""Policies at the head of a column; the page has their whole names."""


def drill(
    scenario: Annotated[str, Parameter(help="What fails: --list names them.")] = "",
    *,
    on: Annotated[Path, Parameter(help="Folder of the run.")] = Path("runs/replay"),
    first: Annotated[str, Parameter(name="--from", help="Begin with the run as it was before this day (ISO date); else as it is.")] = "",
    orders: Annotated[int, Parameter(help="Orders of the day.")] = 2_000,
    hours: Annotated[int, Parameter(help="Hours of the day that are played, around the outage.")] = 24,
    seed: Annotated[int, Parameter(help="Of the day's chances: the same one plays the same day.")] = 1,
    spare: Annotated[float, Parameter(help="Spare capacity of the others: 1 holds all of the failing network's share.")] = -1.0,
    at: Annotated[str, Parameter(help="When the outage begins, local time (13:00); else when it costs most.")] = "",
    minutes: Annotated[int, Parameter(help="How long it lasts; else the scenario's own.")] = 0,
    network: Annotated[str, Parameter(help="Network that fails; else the scenario's own.")] = "",
    stall_min: Annotated[int, Parameter(help="Minutes without progress after which an order stands still, for every connection.")] = 0,
    html: Annotated[Path | None, Parameter(help="Write the report as a page, one file.")] = None,
    list_: Annotated[bool, Parameter(name="--list", help="Name the scenarios.", negative="")] = False,
    json: Json = False,
) -> int:  # fmt: skip
    """Rehearse an outage on the orders of a run, under several policies. Nothing is written to the run, nothing is sent anywhere.

    Exit code 1 where Tranship shipped an order twice or lost one.
    """
    from tranship.sim.drill.scenarios import SCENARIOS
    from tranship.sim.drill.scenarios import scenario as find

    if list_:
        if json:
            write_json([one._asdict() for one in SCENARIOS])
        else:
            table(
                [(one.name, f"{one.minutes} min", one.words) for one in SCENARIOS],
                ("scenario", "lasts", ""),
                right=(1,),
            )
        return 0
    chosen = find(scenario)
    from tranship.sim.drill.ground import Wish
    from tranship.sim.drill.run import drill as rehearse

    wish = Wish(chosen, orders, hours, seed, spare, _minute(at), minutes, network, stall_min)
    until = date_of(first, "--from")
    with progress_bar(quiet=json) as tell:
        found = rehearse(on, wish, until=until, progress=tell)
    if html:
        write_page(found, html)
    if json:
        write_json(found)
    else:
        show(found)
        if html:
            say(f"wrote {html}")
        for line in found.assumed:
            hint(f"note: {line}")
    return int(any(arm.double_orders or arm.lost for arm in found.arms if arm.key in {"tranship", "no_hold"}))


def _minute(text: str) -> int:
    if not text:
        return -1
    hour, _, minute = text.partition(":")
    if not (hour.isdecimal() and (minute or "0").isdecimal() and int(hour) < 24 and int(minute or 0) < 60):
        raise InputError(f"{text!r} is no time of day", where="--at", hint="Write it as 13:00.")
    return 60 * int(hour) + int(minute or 0)


def write_page(found: object, path: Path) -> None:
    """The report as a page. The console has its own model of it: rooms beside each other do not import each other."""
    import msgspec

    from tranship.console.drill import DrillPage, render
    from tranship.console.page import write

    write(render(msgspec.convert(msgspec.to_builtins(found), DrillPage)), path, "--html")


def show(found: "Drill") -> None:
    """The report as tables."""
    import msgspec

    from tranship.console.drill import DrillPage, headline, lead, span

    page = msgspec.convert(msgspec.to_builtins(found), DrillPage)
    say("")
    say(headline(page) + ".")
    say(lead(page))
    say(
        f"{found.run}  {found.orders:,} orders, {found.units:,} units, {found.day} ({found.zone}), seed {found.seed}, {found.seconds:g} s"
    )
    rows: list[tuple[str, Callable[[Arm], str]]] = [
        ("orders in time", lambda arm: f"{arm.in_time:,}"),
        ("  late", lambda arm: f"{arm.late:,}"),
        ("  lost", lambda arm: f"{arm.lost:,}"),
        ("  waits, given up", lambda arm: f"{arm.waiting + arm.given_up:,}"),
        ("left a day later", lambda arm: f"{arm.slipped:,}"),
        ("shipped twice", lambda arm: f"{arm.double_orders:,}"),
        ("saved", lambda arm: _but(arm, f"{arm.saved:,}")),
        ("  kept their day", lambda arm: _but(arm, f"{arm.kept_day:,}")),
        ("noticed after", lambda arm: span(arm.detect_s) if arm.detect_s >= 0 else "-"),
        ("  drained after", lambda arm: span(arm.drain_s) if arm.detect_s >= 0 and arm.moved else "-"),
        ("elsewhere in 2 min", lambda arm: _but(arm, f"{arm.meant_placed} of {arm.meant}")),
        ("orders moved", lambda arm: _but(arm, f"{arm.moved_orders:,}")),
        ("orders that waited", lambda arm: f"{arm.parked_orders:,}"),
        ("  binding limit", lambda arm: ", ".join(limit.reason for limit in arm.limits) or "-"),
        ("before a person", lambda arm: f"{arm.quarantined:,}"),
        ("extra shipping", lambda arm: _but(arm, f"{arm.extra_cost / 1e6:,.0f}")),
        ("at risk at most", lambda arm: _but(arm, f"{max((risk.at_risk for risk in arm.risks), default=0) / 1e6:,.0f}")),
    ]  # fmt: skip
    if found.capped:
        rows.append((f"{found.capped} before", lambda arm: f"{arm.share_before_bp / 100:.1f} %"))
        rows.append(("  during", lambda arm: f"{arm.share_during_bp / 100:.1f} %"))
        rows.append(("  after", lambda arm: f"{arm.share_after_bp / 100:.1f} %"))
        rows.append(
            (
                f"  at most ({max(arm.cap_bp for arm in found.arms) / 100:g} %)",
                lambda arm: f"{arm.window_high_bp / 100:.1f} %",
            )
        )
    header = ("", *(SHORT[arm.key] for arm in found.arms))
    table([(name, *(cell(arm) for arm in found.arms)) for name, cell in rows], header, right=range(1, len(header)))
    say(
        "no Hold: Tranship with hold_release = false; on timeout: two retries, then elsewhere; nothing: retry until it is back"
    )
    for arm in found.arms:
        for words in arm.broken:
            hint(f"{arm.name}: {words}")


def _but(arm: "Arm", words: str) -> str:
    return "-" if arm.key == "calm" else words
