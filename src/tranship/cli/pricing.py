"""`tranship prices show` and `tranship prices solve`: what scarce things are worth to orders still to come."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from tranship.cli.network import Json
from tranship.cli.output import say, table, write_json
from tranship.core.errors import InputError
from tranship.store.location import shown

if TYPE_CHECKING:
    from tranship.engine.pricebooks import BookNow

prices = App(name="prices", help="Show a run's prices, or make new ones.", help_format="plaintext")
On = Annotated[Path, Parameter(name="--on", help="Folder of the run.")]


@prices.command
def show(*, on: On = Path("runs/replay"), last: int = 10, json: Json = False) -> None:
    """Show the price books of a run: versions, when and why, and what the newest prices highest.

    Args:
        last: how many of the newest versions; 0: all
    """
    if last < 0:
        raise InputError(
            f"--last {last} is below 0", where="prices show", hint="How many of the newest versions; 0: all."
        )
    from tranship.engine.pricebooks import price_books
    from tranship.engine.run import open_store

    store = open_store(on, read_only=True)
    try:
        books = price_books(store, last)
    finally:
        store.close()
    if json:
        write_json(books)
        return
    if not books:
        say(f"{shown(on)} has no prices: its policy switches them off, or it has too few orders yet")
        return
    rows = [(str(b.version), b.at, b.reason, b.until, f"{b.cells:,}", f"{b.node_days:,}") for b in books]
    table(rows, ("version", "made at", "why", "used until", "stock prices", "day prices"), right=(0, 4, 5))
    _book(books[0])


@prices.command
def solve(*, on: On = Path("runs/replay"), json: Json = False) -> None:
    """Make prices of a stopped run as it stands, and journal them as its next version."""
    from tranship.engine.pricebooks import solve_on
    from tranship.engine.run import open_shard

    shard = open_shard(on)
    try:
        book = solve_on(shard)
    finally:
        shard.store.close()
    if json:
        write_json(book)
    else:
        _book(book)


def _book(book: "BookNow") -> None:
    making = book.making
    say(f"\nversion {book.version}, {book.reason}: {book.cells:,} of {book.possible:,} shelves have a price above 0")
    if making.futures:
        say(
            f"  from {making.orders_seen:,} own orders: {making.futures} futures of about {making.orders_ahead:,} orders,"
            f" {making.passes} passes"
        )
    if making.tested_bp:
        say(f"  on futures it was not made from it saves {making.tested_bp / 100:.2f} % against no prices")
    if making.note:
        say(f"  {making.note}")
    if book.highest:
        table([(p.sku, p.node, _each(p.micros)) for p in book.highest], ("SKU", "node", "a unit"), right=(2,))
    if book.highest_days:
        table([(p.node, p.day, _each(p.micros)) for p in book.highest_days], ("node", "ships", "a unit"), right=(2,))
    for room in book.room:
        micros = room.micros * 100 if room.measure == "value" else room.micros
        each = {"units": "a unit", "value": "each 1.00 of value"}.get(room.measure, "a fulfillment order")
        say(f"  room under the cap of {room.network}: {_each(micros)} {each}")


def _each(micros: int) -> str:
    """A price of one unit: often far below a cent."""
    return f"{micros / 1e6:,.4f}"
