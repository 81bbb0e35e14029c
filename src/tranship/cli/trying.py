"""`tranship try` and `tranship regret`: what another rule would have come to on the orders of a run, and what was left on the table."""

import datetime as dt
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint, progress_bar, say, write_json
from tranship.core.errors import InputError

First = Annotated[str, Parameter(name="--from", help="First day of the period (UTC), ISO date.")]
Policies = Annotated[Path, Parameter(help="TOML files, one variation each: what differs from the run's network file.")]
Until = Annotated[str, Parameter(name="--to", help="Last day of the period (UTC), ISO date.")]
MOST_SHOWN = 10_000


def try_policy(
    *policies: Policies,
    on: Annotated[Path, Parameter(help="Folder of the run.")] = Path("runs/replay"),
    first: First = "",
    until: Until = "",
    html: Annotated[Path | None, Parameter(help="Write the comparison as a page, one file.")] = None,
    csv: Annotated[Path | None, Parameter(help="Write every order that came out otherwise.")] = None,
    limit: Annotated[int, Parameter(help="Changed orders of each variation, the largest change first.")] = 20,
    page: Annotated[int, Parameter(help="Which so many of them (--json).")] = 1,
    leak: Annotated[
        str, Parameter(help="Leak budgets to try one after another, as in 0,20,40,60,80,100; no files then.")
    ] = "",
    network: Annotated[str, Parameter(help="Whose leak (--leak); else the one that has a budget, or competes.")] = "",
    on_conflict: Annotated[str, Parameter(help="park or spend (--leak); else as the run's budget says, or park.")] = "",
    json: Json = False,
) -> int:
    """Carry a run's orders out again under changed rules, caps, nodes or prices, and compare. Nothing is written to the run.

    With --leak: what one network could learn, what that costs and what it gets, for one leak budget after another.

    Exit code 1 where the baseline does not come to what the run came to (it is said, and the comparison still stands).
    """
    if leak:
        if policies or csv:
            raise InputError("--leak takes no files and writes no --csv", where="try", hint="One or the other.")
        period = (date_of(first, "--from"), date_of(until, "--to"))
        from tranship.cli.frontiers import try_leak

        return try_leak(leak, on, network, on_conflict, period, html, json=json)
    from tranship.sim.trial.run import try_run, write_changes

    if not 1 <= limit <= MOST_SHOWN or page < 1:
        raise InputError(
            f"limit {limit}, page {page}", where="try", hint=f"A limit of 1 to {MOST_SHOWN:,}, pages from 1."
        )
    with progress_bar(quiet=json) as tell:
        trial, changes = try_run(
            on, policies, first=date_of(first, "--from"), until=date_of(until, "--to"), most=limit,
            skip=(page - 1) * limit, progress=tell,
        )  # fmt: skip
    rows = write_changes(csv, trial, changes) if csv else 0
    if html:
        write_page(trial, html)
    if json:
        write_json(trial)
    else:
        from tranship.cli.tables import show_trial

        show_trial(trial)
        if csv:
            say(f"wrote {csv}: {rows:,} orders")
        if html:
            say(f"wrote {html}")
        for line in trial.notes:
            hint(f"note: {line}")
    return 0 if trial.same else 1


def regret(
    run: Annotated[Path, Parameter(help="Folder of the run.")] = Path("runs/replay"),
    *,
    first: First = "",
    until: Until = "",
    passes: Annotated[int, Parameter(help="Steps towards the bound: it holds at any, more bring it closer.")] = 150,
    json: Json = False,
) -> None:
    """Say what routing cost in a period, beside myopic decisions and beside a lower bound in hindsight where there is one."""
    from tranship.sim.trial.regret import regret as look_back

    if not 1 <= passes <= MOST_SHOWN:
        raise InputError(f"{passes} passes", where="regret", hint=f"1 to {MOST_SHOWN:,}.")
    with progress_bar(quiet=json) as tell:
        found = look_back(
            run, first=date_of(first, "--from"), until=date_of(until, "--to"), passes=passes, progress=tell
        )  # fmt: skip
    if json:
        write_json(found)
        return
    from tranship.cli.tables import show_regret

    show_regret(found)


def date_of(text: str, name: str) -> dt.date | None:
    """A day of an option; None where it is not given."""
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no date", where=name, hint="Write it as 2010-11-08.") from None


def write_page(trial: object, path: Path) -> None:
    """The comparison as a page. The console has its own model of it: rooms beside each other do not import each other."""
    import msgspec

    from tranship.console.page import write
    from tranship.console.trial import TrialPage, render

    write(render(msgspec.convert(msgspec.to_builtins(trial), TrialPage)), path, "--html")
