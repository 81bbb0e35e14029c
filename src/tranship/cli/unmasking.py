"""`tranship unmask-report`: a flat file that somebody downloaded from a network, back in the shop's own words."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint
from tranship.core.errors import InputError

if TYPE_CHECKING:
    from tranship.masking.reports import Counts
    from tranship.masking.reports.spool import Spool
    from tranship.store.port import Store

Text = Annotated[str, Parameter(allow_leading_hyphen=True)]
Flag = Annotated[bool, Parameter(negative=())]
STANDARD = "-"
PIECE_BYTES = 1 << 16
THEIRS = frozenset({"shipment", "text"})
"""Kinds of what a network tells that are its own ids: nothing personal, and nothing that has to be kept."""


def unmask_report(
    file: Text,
    *,
    run: Path,
    report_type: Annotated[str, Parameter(name="--type")],
    network: str = "",
    out: Text = STANDARD,
    kind: str = "amazon_mcf_2020",
    policy: Path | None = None,
    charset: str = "",
    tell_personal: Flag = False,
    json: Json = False,
) -> int:
    """Unmask a report of a network: our tokens and remote ids become the shop's order ids, rows of other orders are left out.

    Reads the vault of a proxy's folder or of a run, also while proxy or service use it, and writes nothing there. Rows that name a token
    where it does not belong (unknown, another network's, another order's, over) are left out too, and the exit code is 1. A file
    that cannot be read by its type is refused as a whole, exit code 2. Counts go to standard error.

    Example: tranship unmask-report shipments.txt --run runs/proxy --type GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL --out clear.txt

    Args:
        file: the report as it was downloaded, compressed or not; - reads standard input
        run: folder of the proxy or of the run, or its database
        report_type: the vendor's name of the report; the policy says what its columns may hold
        network: short name of the network that wrote it; may be left out where there is only one
        out: file to write, made anew; - writes to standard output
        kind: whose policy: amazon_mcf_2020 or amazon_mcf, which have the same reports
        policy: a policy file of your own, or what it changes in ours (a column that is new, for example)
        charset: cp1252 or shift_jis where the sender says so; otherwise UTF-8, and Windows-1252 where a row is not UTF-8
        tell_personal: what the network tells of people (e-mail, comments) stays as it is; otherwise those cells are empty
    """
    from tranship.engine.reports import RunBook
    from tranship.engine.run import open_store
    from tranship.masking.policy import load
    from tranship.masking.reports import Reader
    from tranship.masking.reports.spool import Spool
    from tranship.store.people import People
    from tranship.store.vaulting import kek_of, open_vault

    rules = load(kind, policy)
    rules.report(report_type)
    with ExitStack() as stack:
        store = open_store(run, read_only=True)
        stack.callback(store.close)
        vault = open_vault(store, People.open(store, run, create=False), kek_of(run))
        name = network or _only(store)
        told = THEIRS | {"person_in"} if tell_personal else THEIRS
        reader = Reader(rules, report_type, RunBook(store, name, vault.session(name), rules, told), charset=charset)
        spool = Spool()
        stack.callback(spool.close)
        for piece in _pieces(file):
            for made in reader.feed(piece):
                spool.write(made)
        for made in reader.close():
            spool.write(made)
        _write(spool, out)
    _tell(reader.counts, as_json=json)
    return int(reader.counts.held > 0)


def _only(store: "Store") -> str:
    """The one network that this vault speaks of."""
    from tranship.engine.reports import networks_of

    found = networks_of(store)
    if len(found) != 1:
        known = f"It knows {', '.join(found)}." if found else "It knows none: nothing was masked here yet."
        raise InputError("is needed: which network wrote the report", where="--network", hint=known)
    return found[0]


def _pieces(file: str) -> Iterator[bytes]:
    if file == STANDARD:
        while piece := sys.stdin.buffer.read(PIECE_BYTES):
            yield piece
        return
    try:
        with Path(file).open("rb") as opened:
            while piece := opened.read(PIECE_BYTES):
                yield piece
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=file) from None


def _write(spool: "Spool", out: str) -> None:
    """To standard output, or to a file that only its owner reads and that is whole or not there."""
    if out == STANDARD:
        for piece in spool.read():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    target, part = Path(out), Path(f"{out}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            for piece in spool.read():
                opened.write(piece)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot be written: {error.strerror}", where=out) from None


def _tell(counts: "Counts", *, as_json: bool) -> None:
    if as_json:
        held = [{"column": column, "why": why, "rows": count} for (column, why), count in counts.quarantined.items()]
        told = {
            "rows": counts.rows, "passed": counts.passed, "of_other_orders": counts.others, "quarantined": counts.held,
            "why": held, "cells_emptied": counts.emptied,
        }  # fmt: skip
        hint(msgspec.json.encode(told).decode())
        return
    hint(
        f"{counts.rows:,} rows: {counts.passed:,} passed, {counts.others:,} of other orders left out, {counts.held:,} quarantined"
    )
    for (column, why), count in counts.quarantined.items():
        hint(f"  quarantined: {column} {why}: {count:,}")
    if counts.emptied:
        hint(f"  {counts.emptied:,} cells of personal data were left empty (--tell-personal keeps them)")
