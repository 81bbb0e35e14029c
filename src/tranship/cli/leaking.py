"""`tranship leak report`: what each network could work out from the orders it saw, in numbers and as a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint, progress_bar, say, table, write_json
from tranship.core.errors import InputError

if TYPE_CHECKING:
    from tranship.console.leak_page import LeakPage

leak = App(name="leak", help="What networks can work out from the orders they see.", help_format="plaintext")


@leak.command
def report(
    *,
    run: Annotated[Path, Parameter(help="Folder of the run.")] = Path("runs/replay"),
    network: Annotated[str, Parameter(help="Only this network; also the brand's own.")] = "",
    out: Annotated[
        Path | None, Parameter(help="Where to write the page (default: leak.html in the run's folder).")
    ] = None,
    quick: Annotated[
        bool, Parameter(name="--quick", negative="--learned", help="Without learned attackers: no training.")
    ] = False,
    weeks: Annotated[int, Parameter(help="Measure the last so many weeks of the run.")] = 52,
    json: Json = False,
) -> None:
    """Measure what each network could work out from the orders it saw, and write leak.html: one self-contained file.

    Growing products, best customers, repeat buyers, regional margins: each with the best of several attackers, beside what guessing
    would give. Learned attackers are trained on simulated brands like this one and kept in the run's folder.
    """
    from tranship.cli.leak_measuring import measure
    from tranship.console.leak import render
    from tranship.console.page import write
    from tranship.masking.leak.learned import lightgbm
    from tranship.store.location import files_of

    if not 2 <= weeks <= 520:
        raise InputError(f"{weeks} weeks", where="--weeks", hint="2 to 520.")
    if not quick:
        lightgbm()  # said before the work, not after it
    with progress_bar(quiet=json) as tell:
        page = measure(run, only=network, quick=quick, weeks=weeks, progress=tell)
    path = out or files_of(run) / "leak.html"
    write(render(page), path, "--out")
    if json:
        write_json(page)
    else:
        show(page)
        say(f"wrote {path}")


def show(page: "LeakPage") -> None:
    """The verdicts and the figures as a table."""
    from tranship.console import leak_words as words

    say(words.headline(page))
    seeing = [one for one in page.networks if one.orders]
    for one in seeing:
        say("")
        say(f"{one.operator}: {words.saw(one)}")
        rows = [
            (
                words.LEAK_WORDS[bar.name],
                words.figure(bar.name, bar.value) if bar.value is not None else words.UNSAID,
                words.guessing(bar),
                words.figure(bar.name, carrier.value),
            )
            for bar, carrier in zip(one.node, one.transit, strict=True)
        ]
        table(rows, ("leak", "reached", "guessing", "its carrier"), right=(1, 2, 3))
    if page.own:
        hint(f"left out: your own network, {', '.join(page.own)} (--network)")
