"""What `tranship quote` reads from its words."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from tranship.connectors.netfile import from_document, load
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile
from tranship.store.location import shown


def read_items(items: Sequence[str]) -> list[tuple[str, int]]:
    """`SKU:QUANTITY` words; a word without a quantity is one unit."""
    if not items:
        raise InputError("nothing to quote", hint="Name lines as SKU:QUANTITY, for example 22041:6.")
    out = []
    for word in items:
        sku, colon, count = word.rpartition(":")
        if not colon:
            sku, count = word, "1"
        if not count.isdigit() or int(count) < 1:
            raise InputError(f"quantity {count!r} of {sku}", where=word, hint="A whole number of at least 1.")
        out.append((sku, int(count)))
    return out


def read_date(text: str) -> dt.date:
    """A day as ISO 8601 writes it."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no date", where="--date", hint="Write it as 2025-03-31.") from None


def read_network(network: Path, run: Path | None) -> NetworkFile:
    """The network document of a run, or the network file."""
    if run is None:
        return load(network).network
    from tranship.engine.run import open_store

    store = open_store(run, read_only=True)
    try:
        rows = store.query("SELECT sha256 FROM document WHERE kind = 'network' ORDER BY pos DESC LIMIT 1")
        if not rows:
            raise InputError("the run has no network document yet", where=shown(run))
        return from_document(store.document(str(rows[0][0])))
    finally:
        store.close()
