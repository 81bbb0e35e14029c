"""`tranship replay`, `explain`, `quote`, `report`, `verify`: what happened to orders, why, and whether it can be trusted."""

import datetime as dt
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint, money, progress_bar, say, stop_wish, table, write_json

STOPPED = 130
"""Exit code of what Ctrl-C ended, as shells have it."""
Run = Annotated[Path, Parameter(help="Folder of the run.")]


def replay(
    file: Path,
    *,
    network: Path = Path("tranship.toml"),
    run: Run = Path("runs/replay"),
    format: str | None = None,  # noqa: A002 - the word users know
    source: str | None = None,
    json: Json = False,
) -> int:
    """Run a recorded file of orders through the engine on a virtual clock. Running it again changes nothing.

    Ctrl-C stops after the batch at hand with exit code 130; the same command goes on from there.

    Args:
        file: orders: UCI export, CSV, Shopify export (CSV or JSON), JSON lines; plain or gzip
        network: the network file
        format: uci, csv, shopify_csv, shopify_json or jsonl, where the content does not tell
        source: the [source.NAME] mapping of the network file to read it with
    """
    from tranship.sim.replay import replay as play

    with progress_bar(quiet=json) as tell, stop_wish() as stop:
        summary = play(file, network, run, form=format, mapping=source, progress=tell, stop=stop)
    if json:
        write_json(summary)
    else:
        from tranship.cli.summary import show_replay

        show_replay(summary, run)
    if not summary.orders:
        what = (
            "no line under its header" if not summary.lines_read else f"{summary.lines_read:,} lines, none of an order"
        )
        hint(f"{file}: no orders: {what}")
    if summary.complete:
        return 0
    hint("stopped before the end of the file: the same command goes on from here")
    return STOPPED


def explain(order: str, *, run: Run = Path("runs/replay"), json: Json = False) -> None:
    """Tell why an order ships from where it ships, in words and in numbers that add up to the quote.

    Args:
        order: number or id of the order
    """
    from tranship.engine.explain import explain as tell
    from tranship.engine.run import open_store

    store = open_store(run, read_only=True)
    try:
        story = tell(store, order)
    finally:
        store.close()
    if json:
        write_json(story)
        return
    from tranship.cli.story import show

    show(story)


def quote(
    node: str,
    zip: str,  # noqa: A002 - the word users know
    *items: str,
    network: Path = Path("tranship.toml"),
    run: Path | None = None,
    date: str = "",
    business: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> None:
    """Price a shipment from a node to a ZIP and show each charge to the cent.

    Args:
        node: node that ships
        zip: destination ZIP
        items: SKU:QUANTITY, one for each line
        network: the network file
        run: take network and SKUs from this run (derived SKUs are only there)
        date: price date, ISO (default: the newest prices)
        business: the destination is no residence
    """
    from tranship.cli.quoting import read_date, read_items, read_network
    from tranship.core.time import date_to_day
    from tranship.rates.quote import quote_shipment

    document = read_network(network, run)
    day = date_to_day(read_date(date) if date else dt.datetime.now(dt.UTC).date())
    found = quote_shipment(
        document, node_code=node, lines=read_items(items), zip=zip, residential=not business, day=day
    )
    if json:
        write_json(found)
        return
    rows = [(part.name, part.detail, money(part.micros)) for part in found.parts]
    rows.append(
        ("total", f"{found.units} units from {found.node}, zone {found.zone}", money(found.micros, found.currency))
    )
    table(rows, ("charge", "for", "amount"), right=(2,))
    for note in found.notes:
        hint(note)


def report(
    *,
    run: Run = Path("runs/replay"),
    out: Path | None = None,
    compare: bool = True,
    json: Json = False,
) -> None:
    """Show what the run came to, and write report.html: one self-contained file.

    Args:
        out: where to write the page (default: report.html in the run's folder)
        compare: also decide the same orders without a cap and with the bare counter, to say what the cap costs
    """
    from tranship.cli.reporting import make_report
    from tranship.cli.summary import show_report

    with progress_bar(quiet=json) as tell:
        data, path = make_report(run, out, compare=compare, progress=tell)
    if json:
        write_json(data)
    else:
        show_report(data)
        say(f"wrote {path}")


def verify(
    run: Run = Path("runs/replay"), *, decide: Annotated[bool, Parameter(negative=())] = False, json: Json = False
) -> int:
    """Rebuild a run from its journal and hold everything against it. Exit code 1 when anything is wrong.

    Args:
        decide: also decide every command again and compare each event
    """
    from tranship.engine.run import open_store
    from tranship.engine.verify import verify as check

    store = open_store(run, read_only=True)
    try:
        with progress_bar(quiet=json) as tell:
            verdict = check(store, decide=decide, progress=lambda seq: tell("journal rows", seq, store.last_seq()[0]))
    finally:
        store.close()
    if json:
        write_json(verdict)
    else:
        for line in verdict.checks:
            say(f"  checked  {line}")
        for line in verdict.problems:
            say(f"  WRONG    {line}")
        say(f"{'sound' if verdict.sound else 'NOT SOUND'}: {verdict.events:,} events, {verdict.orders:,} orders")
        say(f"state hash {verdict.hash}")
    return 0 if verdict.sound else 1
