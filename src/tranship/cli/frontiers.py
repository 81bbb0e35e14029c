"""`tranship try --leak`: budgets beside each other, as a table, a page or JSON."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tranship.cli.output import hint, progress_bar, say, table, write_json
from tranship.core.errors import InputError

if TYPE_CHECKING:
    from tranship.sim.trial.frontier import Frontier

HEADER = ("budget", "shown %", "beyond", "dearer %", "filled %", "growth", "top 10", "best", "pairs")


def try_leak(
    leak: str, on: Path, network: str, on_conflict: str, period: tuple[dt.date | None, dt.date | None],
    html: Path | None, *, json: bool,
) -> int:  # fmt: skip
    """Carry out, show, write; always exit code 0: there is no baseline that could differ."""
    from tranship.sim.trial.frontier import frontier

    if on_conflict not in ("", "park", "spend"):
        raise InputError(f"{on_conflict!r}", where="--on-conflict", hint="park or spend.")
    try:
        budgets = [int(word) for word in leak.split(",")]
    except ValueError:
        raise InputError(f"{leak!r}", where="--leak", hint="Numbers with commas, as in 0,20,40,60,80,100.") from None
    with progress_bar(quiet=json) as tell:
        found = frontier(
            on, budgets, network=network, on_conflict=on_conflict, first=period[0], until=period[1], progress=tell
        )
    if html:
        _write(found, html)
    if json:
        write_json(found)
        return 0
    say(
        f"{found.network}: what it could learn, and what hiding costs ({found.currency}; conflicts {found.on_conflict})"
    )
    rows = [
        (
            "none" if one.budget == 100 else str(one.budget), f"{100 * one.share:.1f}", f"{one.excess_orders:,}",
            f"{100 * one.dearer:+.1f}", f"{100 * one.fill:.1f}",
            *(_score(one.scores.get(name)) for name in ("tau_growth", "top10", "vip", "pairs")),
        )
        for one in found.points
    ]  # fmt: skip
    table(rows, HEADER, right=range(9))
    say(
        "shown: of the orders; growth, top 10: which articles grow; best: who the best customers are; pairs: parcels of one customer"
    )
    if html:
        say(f"wrote {html}")
    for line in found.notes:
        hint(f"note: {line}")
    return 0


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _write(found: "Frontier", path: Path) -> None:
    """The page. The console has its own model of it: rooms beside each other do not import each other."""
    from tranship.console.frontier import FrontierPage, render
    from tranship.console.page import write

    write(render(msgspec.convert(msgspec.to_builtins(found), FrontierPage)), path, "--html")
