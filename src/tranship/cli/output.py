"""What every verb shares: JSON for machines, tables and a progress bar for people, Ctrl-C as a wish and not a crash."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgspec

Progress = Callable[[str, float, float], None]


def write_json(value: object) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(text + "\n")


def hint(text: str) -> None:
    """One line on standard error: progress and remarks, never data."""
    sys.stderr.write(text + "\n")


def table(rows: Sequence[Sequence[str]], header: Sequence[str], *, title: str = "", right: Sequence[int] = ()) -> None:
    """A table for people; columns in `right` are numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    out = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for i, name in enumerate(header):
        out.add_column(name, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        out.add_row(*[cell.replace("[", "\\[") for cell in row])
    Console(highlight=False).print(out)


def _silent(_phase: str, _done: float, _total: float) -> None:
    """Progress that nobody watches."""


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """A bar with rate and time left on standard error; silent for machines and where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def tell(phase: str, done: float, total: float) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase, total=total or None, rate="")
            task = next(t for t in bar.tasks if t.id == tasks[phase])
            rate = f"{done / task.elapsed:,.0f}/s" if task.elapsed and total > 1 else ""
            bar.update(tasks[phase], completed=done, total=total or None, rate=rate)

        yield tell


@contextmanager
def stop_wish() -> Iterator[Callable[[], bool]]:
    """First Ctrl-C (or TERM): finish the batch at hand and stop; second: stop at once."""
    wished = False

    def wish(_number: int, _frame: FrameType | None) -> None:
        nonlocal wished
        if wished:
            raise KeyboardInterrupt
        wished = True
        hint("stopping after this batch; the same command goes on from here")

    old = {number: signal.signal(number, wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: wished
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def money(micros: float, currency: str = "") -> str:
    """Micros as people read money."""
    return f"{micros / 1e6:,.2f}{' ' + currency if currency else ''}"


def pairs(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """A mapping as rows."""
    return [(key, f"{value:,}" if isinstance(value, int) else str(value)) for key, value in values.items()]
