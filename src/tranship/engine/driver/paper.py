"""A warehouse without an interface: pick lists are written for what waits, and what people put into the inbox is read.

A list is written whole or not at all, and only then is the hand-over told. After a crash in between, the list is found by its order ids
and told late; a list that was taken away in that moment is written again, under the same ids.
"""

import asyncio
import csv
import io
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tranship.connectors.manual import (
    PRINTED,
    LineError,
    Manual,
    batch_id,
    expected,
    order_of,
    page,
    pick_list,
    read_confirmation,
    read_counts,
)
from tranship.connectors.port import Finding
from tranship.core.time import from_micros
from tranship.dispatch.model import DOUBT_CREATE, LIVE, QUARANTINED, RESOLVING, SENDING
from tranship.engine import commands as cmd
from tranship.engine.desk import Call
from tranship.engine.driver.link import Link
from tranship.engine.inbox import counting, finding, news, reporting
from tranship.engine.shard import Shard, Submission

if TYPE_CHECKING:
    from tranship.dispatch.model import Report
    from tranship.engine.driver.driver import Driver
    from tranship.masking.model import MaskedOrder

LOOK_S = 5
"""Real seconds between two looks: what is due is printed together, and new files are read."""
MOST_FILES = 50
"""Files read in one look."""
TAKEN, WRONG = "taken", "wrong"
"""Folders in the inbox: files that were read, and lists of the lines that need somebody."""


async def keep_paper(driver: "Driver", link: Link) -> None:
    """Print what waits, read what came back; for good."""
    seen: dict[Path, int] = {}
    while True:
        await driver.attempt(partial(_print, driver, link))
        await driver.attempt(partial(_read, driver, link, seen))
        await asyncio.sleep(LOOK_S)


# -- out ---------------------------------------------------------------------------------------------------------------


async def _print(driver: "Driver", link: Link) -> None:
    connector = link.connector
    assert isinstance(connector, Manual)
    outbox = Path(connector.settings.outbox)
    waiting = await driver.read(
        partial(_in_state, connection=link.connection.code, states=frozenset({SENDING, DOUBT_CREATE}))
    )
    if not waiting or driver.shadow or not await asyncio.to_thread(driver.service.store.still_mine):
        return
    there = await asyncio.to_thread(_already, outbox, [remote_id for remote_id, _ in waiting])
    fresh = [remote_id for remote_id, _ in waiting if remote_id not in there][: connector.settings.most_orders]
    orders = [order for remote_id in fresh if (order := await asyncio.to_thread(_order, driver, link, remote_id))]
    if orders:
        printed = from_micros(driver.now()).strftime("%Y-%m-%d %H:%M UTC")
        await asyncio.to_thread(_write, outbox, orders, connector.settings.name, printed)
    at = driver.now()
    told = [*sorted(there), *(order.remote_id for order in orders)]
    await driver.tell(
        [
            Submission(f"call/{remote_id}/create/{at}", cmd.Answered(remote_id, "create", PRINTED, at, at))
            for remote_id in told
        ]
    )


def _already(outbox: Path, ids: list[str]) -> set[str]:
    """Which of these orders stand on a list that is there."""
    found: set[str] = set()
    for path in sorted(outbox.glob("PL-*")) if outbox.is_dir() else ():  # either form may have been left behind
        text = path.read_text("utf-8-sig", "replace")
        found |= {remote_id for remote_id in ids if remote_id in text}
    return found


def _order(driver: "Driver", link: Link, remote_id: str) -> "MaskedOrder | None":
    body = driver.body(Call(link.connection.code, "create", remote_id, "", 0))
    return None if body is None else order_of(body)


def _write(outbox: Path, orders: "list[MaskedOrder]", name: str, printed: str) -> None:
    """Both forms of a list; each appears whole."""
    batch = batch_id([order.remote_id for order in orders])
    outbox.mkdir(mode=0o700, parents=True, exist_ok=True)  # names and streets are in there
    for ending, data in (
        ("csv", pick_list(orders, batch)),
        ("html", page([orders], warehouse=name, printed=printed).encode()),
    ):
        half = outbox / f".{batch}.{ending}.part"
        with half.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(outbox / f"{batch}.{ending}")
    folder = os.open(outbox, os.O_RDONLY)  # the names themselves have to outlive a power cut
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _in_state(shard: Shard, connection: str, states: frozenset[str]) -> list[tuple[str, str]]:
    state = shard.state
    return [
        (remote_id, state.dispatches[remote_id].state)
        for remote_id in state.open_dispatches
        if state.dispatches[remote_id].state in states
        and (held := state.connected.get(state.dispatches[remote_id].node)) is not None
        and held.code == connection
    ]


# -- in ----------------------------------------------------------------------------------------------------------------


async def _read(driver: "Driver", link: Link, seen: dict[Path, int]) -> None:
    """Files that have stopped growing: `count*.csv` are counts, all others confirmations."""
    connector = link.connector
    assert isinstance(connector, Manual)
    for path, size in await asyncio.to_thread(_files, Path(connector.settings.inbox)):
        if seen.get(path) != size:
            seen[path] = size  # looked at again when it is as long as it was
            continue
        del seen[path]
        if path.name.lower().startswith(("count", "stock")):
            errors = await _counts(driver, link, path)
        else:
            errors = await _confirmation(driver, link, path)
        await asyncio.to_thread(_put_away, path, errors)


def _files(inbox: Path) -> list[tuple[Path, int]]:
    """Files in the inbox, by name, with their length."""
    return [(path, path.stat().st_size) for path in sorted(inbox.glob("*.csv"))[:MOST_FILES]] if inbox.is_dir() else []


async def _confirmation(driver: "Driver", link: Link, path: Path) -> tuple[LineError, ...]:
    code = link.connection.code
    states = frozenset({LIVE, SENDING, DOUBT_CREATE, RESOLVING, QUARANTINED})
    ids = [remote_id for remote_id, _ in await driver.read(partial(_in_state, connection=code, states=states))]
    orders = [order for remote_id in ids if (order := await asyncio.to_thread(_order, driver, link, remote_id))]
    found = await asyncio.to_thread(read_confirmation, path, expected(orders), file=path.name)
    fresh = await driver.read(partial(_news, reports=found.reports))
    await driver.tell(reporting(code, "confirmation", fresh, driver.now()))
    await _told(driver, code, found.errors)
    return found.errors


async def _counts(driver: "Driver", link: Link, path: Path) -> tuple[LineError, ...]:
    code, at = link.connection.code, driver.now()
    found = await asyncio.to_thread(read_counts, path, whole="whole" in path.name.lower(), file=path.name)
    made, findings = await driver.read(
        lambda shard: counting(
            shard.state, link.connection, found.counts, at, whole=found.whole, ref=f"{path.name}/{at}"
        )
    )
    await driver.tell(made)
    await driver.tell([finding(code, each, at) for each in findings])
    await _told(driver, code, found.errors)
    return found.errors


async def _told(driver: "Driver", code: str, errors: tuple[LineError, ...]) -> None:
    if errors:
        detail = f"{len(errors)} lines need somebody: see the list in {WRONG}/; the first: {errors[0].what}"
        await driver.tell([finding(code, Finding("violation", errors[0].file, detail), driver.now())])


def _news(shard: Shard, reports: "tuple[Report, ...]") -> "list[Report]":
    return news(shard.state, reports)


def _put_away(path: Path, errors: tuple[LineError, ...]) -> None:
    """A file that was read goes to `taken`, under a name of its own; lines that need somebody are listed in `wrong`."""
    for folder in (path.parent / TAKEN, path.parent / WRONG):
        folder.mkdir(mode=0o700, exist_ok=True)
    if errors:
        rows = io.StringIO()
        writer = csv.writer(rows)
        writer.writerow(("file", "line", "what", "do", "taken"))
        writer.writerows(
            (error.file, error.line, error.what, error.do, "yes" if error.taken else "no") for error in errors
        )
        (path.parent / WRONG / path.name).write_text(rows.getvalue(), encoding="utf-8")
    target, n = path.parent / TAKEN / path.name, 1
    while target.exists():
        n += 1
        target = path.parent / TAKEN / f"{path.stem}-{n}{path.suffix}"
    path.replace(target)
