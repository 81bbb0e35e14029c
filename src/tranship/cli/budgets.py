"""`tranship leak status`: how the leak budgets of a run stand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import say, table, write_json
from tranship.core.errors import InputError

if TYPE_CHECKING:
    from tranship.engine.leak_status import BudgetNow, ForecastNow


def status(
    *,
    run: Annotated[Path, Parameter(help="Folder of the run.")] = Path("runs/replay"),
    top: Annotated[int, Parameter(help="SKUs and households that are named, the most shown first.")] = 10,
    json: Json = False,
) -> None:
    """Say what each network with a leak budget was shown: against its plan, by household, and beyond the budget."""
    from tranship.engine.leak_status import leak_status
    from tranship.engine.run import open_store

    if not 0 <= top <= 10_000:
        raise InputError(f"top {top}", where="leak status", hint="0 to 10,000.")
    store = open_store(run, read_only=True)
    try:
        found = leak_status(store, top)
    finally:
        store.close()
    if json:
        write_json(found)
        return
    say(f"{found.at}, week {found.week_of_year} of 52 of the leak year")
    for budget in found.budgets:
        say("")
        _show(budget)


def _show(now: "BudgetNow") -> None:
    plan = {"fresh": f"plan {now.plan} of the week from {now.week}", "stale": f"plan {now.plan} of {now.week}, overdue"}
    say(
        f"{now.network}: budget {now.budget}, on conflict {now.on_conflict}; {plan.get(now.state, 'no plan: nothing is shown')}"
    )
    settling = f"; {now.settling:,} articles are too new for a curve" if now.settling else ""
    say(f"  {now.lines_shown:,} of {now.lines:,} order lines shown ({100 * now.share:.1f} %){settling}")
    say(f"  {_forecast(now.forecast)}")
    if now.least_saving_bp:
        say(f"  orders on which it saves less than {now.least_saving_bp / 100:g} % are not shown to it")
    if now.prices:
        say(
            "  prices that look ahead do not know of this budget: they value stock elsewhere too low (docs/leak-routing.md)"
        )
    beyond = f"{now.excess_orders:,} orders, {now.excess_lines:,} lines, {now.excess_households:,} households"
    say(f"  beyond the budget: {beyond if now.excess_orders else 'nothing'}")
    if now.tau is None:
        few = "too few weeks or articles with enough orders"
        say(f"  own attack: nothing can be said yet, {few} ({now.tau_weeks} whole weeks of this leak year)")
    else:
        say(f"  own attack: growth as shown ranks articles as it is with tau {now.tau:+.2f} ({now.tau_weeks} weeks)")
    rows = [(one.sku, f"{one.lines:,}", f"{one.shown:,}", f"{one.curve:.1f}", f"{one.excess:,}") for one in now.skus]
    if rows:
        table(rows, ("article", "lines", "shown", "curve a week", "beyond"), right=(1, 2, 3, 4))
    homes = [(f"{one.shown:,}", f"{one.households:,}", f"{one.orders:,}") for one in now.households]
    if homes:
        table(homes, ("orders shown", "households", "their orders"), right=(0, 1, 2))


def _forecast(now: "ForecastNow") -> str:
    """What curves were begun on, in one line."""
    given, read = (f"{count:,} article{'' if count == 1 else 's'}" for count in (now.given, now.read))
    rest = f", for {read} read from past orders" if now.read else ""
    words = {
        "given": f"your own, for {given}{rest}",
        "partly": f"your own, but only for {given}{rest}: curves are kept lower",
        "read": f"none given, read from past orders of {read}: curves are kept lower",
        "none": "none, and too few past orders to read it from: curves are kept lower",
    }[now.kind]
    waits = "; the network file's is used from the next leak year on" if now.waits else ""
    return f"growth forecast: {words}{waits}"
