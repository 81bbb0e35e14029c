"""Tranship as a Python library: the same things as the command line and the service, typed. Import it as `tranship`.

    >>> import tempfile, tranship
    >>> folder = tempfile.mkdtemp()
    >>> tranship.init(folder)[0].name
    'tranship.toml'
    >>> [finding.level for finding in tranship.check(f"{folder}/tranship.toml")]
    []

Everything that can go wrong with input raises `InputError` (file, key, what was found, what is allowed); all of Tranship's errors
are `TranshipError`s. Functions take paths as text or `Path`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tranship.core.errors import ConflictError, DamageError, InputError, InvariantError, TranshipError, UnavailableError
from tranship.core.order import Destination, Order, OrderLine, Person

if TYPE_CHECKING:
    from tranship.connectors.netfile import Finding, Loaded
    from tranship.console.figures import ReportData
    from tranship.core.network import NetworkFile
    from tranship.engine.explain import Story
    from tranship.engine.lookup import OrderNow
    from tranship.engine.pricebooks import BookNow
    from tranship.engine.service import Placed
    from tranship.engine.verify import Verdict
    from tranship.engine.view import View
    from tranship.rates.quote import Quote
    from tranship.sim.replay import Summary

__all__ = [
    "ConflictError",
    "DamageError",
    "Destination",
    "InputError",
    "InvariantError",
    "Order",
    "OrderLine",
    "Person",
    "Run",
    "TranshipError",
    "UnavailableError",
    "check",
    "explain",
    "init",
    "load",
    "open_run",
    "prices",
    "quote",
    "replay",
    "report",
    "verify",
]

Progress = Callable[[str, float, float], None]
"""Called with a phase, how much of it is done, and how much there is (0 where that is not known)."""


def init(folder: Path | str = ".", *, force: bool = False) -> list[Path]:
    """Write a commented working example, `tranship.toml`, into a folder (made where it is missing); the paths written.

    Raises InputError where the file is there already, unless `force`.
    """
    from tranship.connectors.netfile import init_files

    return init_files(folder, force=force)


def check(network: Path | str = "tranship.toml") -> "list[Finding]":
    """Everything that is wrong (`error`), probably wrong (`warning`) or worth knowing (`note`) about a network file."""
    from tranship.connectors.netfile import check as check_file

    return check_file(network, None)


def load(network: Path | str = "tranship.toml") -> "Loaded":
    """Read a network file with the SKU and stock files it names; InputError with all findings where any is an error."""
    from tranship.connectors.netfile import load as load_file

    return load_file(network)


def replay(
    file: Path | str,
    *,
    network: Path | str = "tranship.toml",
    run: Path | str = "runs/replay",
    form: str | None = None,
    source: str | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> "Summary":
    """Run a recorded file of orders through the engine on a virtual clock. Running it again changes nothing.

    `form` names the file's format where its content does not tell, `source` the mapping of the network file to read it with.
    `stop` is asked between batches: once it says True, the replay ends, and the same call goes on from there. Raises InputError,
    before anything is committed, where file or network cannot be used.
    """
    from tranship.sim.replay import replay as play

    return play(Path(file), Path(network), Path(run), form=form, mapping=source, progress=progress, stop=stop)


def explain(run: Path | str, order: str) -> "Story":
    """Why an order ships from where it ships: decisions, charges that add up to the quote, every node's verdict.

    `order` is its id (`source:number`) or its number. Raises InputError where there is none.
    """
    from tranship.engine.explain import explain as tell
    from tranship.engine.run import open_store

    store = open_store(Path(run), read_only=True)
    try:
        return tell(store, order)
    finally:
        store.close()


def quote(
    network: "NetworkFile | Path | str",
    node: str,
    zip: str,  # noqa: A002 - the word users know
    lines: Sequence[tuple[str, int]],
    *,
    date: str = "",
    residential: bool = True,
) -> "Quote":
    """What a shipment from a node to a ZIP would cost, charge by charge; money in micros of the network's currency.

    `lines` are (SKU, quantity); `date` is the ISO date of the prices (default: today's). Raises InputError naming an unknown node
    or SKU, or a shipment that the node's card does not carry.
    """
    import datetime as dt

    from tranship.core.time import date_to_day
    from tranship.rates.quote import quote_shipment

    document = load(network).network if isinstance(network, Path | str) else network
    try:
        day = date_to_day(dt.date.fromisoformat(date) if date else dt.datetime.now(dt.UTC).date())
    except ValueError as error:
        raise InputError(f"{date!r} is not an ISO date", where="date", hint="As in 2026-03-02.") from error
    return quote_shipment(document, node_code=node, lines=lines, zip=zip, residential=residential, day=day)


def verify(run: Path | str, *, decide: bool = False) -> "Verdict":
    """Rebuild a run from its journal and hold everything against it; with `decide`, take every decision again and compare.

    The verdict is `sound`, or names what is wrong in `problems`; `checks` says what was looked at.
    """
    from tranship.engine.run import open_store
    from tranship.engine.verify import verify as check_run

    store = open_store(Path(run), read_only=True)
    try:
        return check_run(store, decide=decide)
    finally:
        store.close()


def prices(run: Path | str, *, last: int = 20) -> "list[BookNow]":
    """The newest price books of a run, newest first (`last` 0: all): when, why, and what they price highest, in micros."""
    from tranship.engine.pricebooks import price_books
    from tranship.engine.run import open_store

    store = open_store(Path(run), read_only=True)
    try:
        return price_books(store, last)
    finally:
        store.close()


def report(
    run: Path | str, out: Path | str | None = None, *, compare: bool = True, progress: Progress | None = None
) -> "tuple[ReportData, Path]":
    """Write report.html, one self-contained page (default: into the run's folder); its figures, and where it is.

    With `compare` the same orders are decided without a cap and with the bare counter too, to say what the cap costs.
    """
    from tranship.cli.reporting import make_report

    return make_report(Path(run), Path(out) if out else None, compare=compare, progress=progress)


def open_run(
    folder: Path | str = "runs/live", network: "Path | str | Loaded | None" = None, *, create: bool = True
) -> "Run":
    """Open a run for orders (made where it is missing and `create`); close it, or use it in a `with`.

    `network` is brought into force where it differs from the run's own; without one, the run's stays. One process may have a run
    open at a time. Raises InputError where there is nothing to route by, UnavailableError naming who else has the run open.
    """
    return Run(Path(folder), network, create=create)


class Run:
    """An open run: takes orders and receipts, each durable when the call returns. Every method may be called from any thread."""

    def __init__(self, folder: Path, network: "Path | str | Loaded | None" = None, *, create: bool = True) -> None:
        """See `open_run`."""
        from tranship.engine.service import Service

        self.folder = folder
        self._service = Service.open(folder, network, create=create)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def network(self) -> "NetworkFile":
        """The network document in force."""
        return self._service.network

    def place(self, order: Order, person: Person | None = None, *, key: str = "") -> "Placed":
        """Take and route an order; the answer says where it ships from and what waits, as JSON bytes.

        `order.placed_at` is UTC microseconds (0: now) and `order.person_id` stays empty: who it is for goes into `person`, which is
        sealed apart. The same order again gets the first answer (`repeated`); ConflictError where its number or `key` was used
        with other content, InputError where it cannot be taken.
        """
        return self._service.place(order, person, key)

    def receive(self, ref: str, node: str, lines: Sequence[tuple[str, int]]) -> bool:
        """Book units, (SKU, quantity), that arrived at a node under `ref`, once; False where that was booked before."""
        return self._service.receive(ref, node, lines)

    def tick(self) -> None:
        """Let happen what is due by now: shipments at cut-off, deliveries, expiry, and parked parts decided again."""
        answer = self._service.writer.submit(self._service.tick())
        if answer.error is not None:
            raise answer.error

    def state(self) -> "View":
        """Totals, shares against caps, stock, what is parked, the last decisions and why."""
        return self._service.view()

    def order(self, name: str) -> "OrderNow":
        """An order as it stands, by id or number; InputError where there is none."""
        from tranship.engine.lookup import find_order

        return find_order(self._service.store, name)

    def explain(self, name: str) -> "Story":
        """As the function `explain`, for this run while it is open."""
        from tranship.engine.explain import explain as tell

        return tell(self._service.store, name)

    def quote(
        self,
        node: str,
        zip: str,  # noqa: A002
        lines: Sequence[tuple[str, int]],
        *,
        date: str = "",
        residential: bool = True,
    ) -> "Quote":
        """As the function `quote`, under the network document in force."""
        return quote(self.network, node, zip, lines, date=date, residential=residential)

    def close(self) -> None:
        """Finish what waits and give the run back. A second call does nothing."""
        self._service.close()
