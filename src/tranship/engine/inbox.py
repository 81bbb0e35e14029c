"""From what a network says to commands: reports, counts, findings. Pure; the live driver and the simulator read with the same eyes."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from tranship.connectors.port import Count, Finding, Returned
from tranship.core.capability import Connection
from tranship.core.ledger import Bucket
from tranship.dispatch.model import Report
from tranship.engine import commands as cmd
from tranship.engine.returning import booked, room
from tranship.engine.shard import Submission
from tranship.engine.state import PROCESSING, PartState, State

MOST_REPORTS = 200
"""Reports in one command."""
_pack = msgspec.msgpack.Encoder().encode


def _digest(*parts: object) -> str:
    return hashlib.blake2b(_pack(parts), digest_size=16).hexdigest()


def news(state: State, reports: Iterable[Report], connection: str = "") -> list[Report]:
    """Those of a list's reports that are about our dispatches and say something new: a list repeats itself at every look."""
    found = []
    for report in reports:
        d = state.dispatches.get(report.remote_id)
        if d is None or (connection and d.node in state.connected and state.connected[d.node].code != connection):
            continue  # an account may serve other programs, too
        known = {parcel.package_id: parcel for parcel in d.parcels}
        same = report.remote in {"", d.remote} and set(report.short) <= set(d.short)
        if not same or any(known.get(parcel.package_id) != parcel for parcel in report.parcels):
            found.append(report)
    return found


def reporting(connection: str, source: str, reports: Sequence[Report], at: int, key: str = "") -> list[Submission]:
    """The commands that take reports in; a message that comes again under its `key` is taken once."""
    found = []
    for first in range(0, len(reports), MOST_REPORTS):
        some = tuple(reports[first : first + MOST_REPORTS])
        command = cmd.Reported(connection, source, some, at)
        own = f"{key}/{first}" if key else f"{_digest(some)}/{at}"
        found.append(Submission(f"report/{connection}/{own}", command))
    return found


def finding(connection: str, each: Finding, at: int) -> Submission:
    """Something in a message that a person should see, once for the same thing on the same day."""
    day = at // 86_400_000_000
    key = f"finding/{connection}/{_digest(each.kind, each.subject, each.detail)}/{day}"
    return Submission(key, cmd.ReportException(each.kind, f"{connection}: {each.subject}"[:200], each.detail[:400], at))


def returning(state: State, connection: Connection, page: Returned, at: int) -> list[Submission]:
    """The commands that book what is new of a page of returns, one for each return.

    What no order of ours is named in is left out: an account may serve other programs. What has not left by our books waits: the
    list comes again, and the news that it left may be late.
    """
    by_return: dict[tuple[str, str], dict[str, int]] = {}
    words: dict[str, str] = {}
    refs = page.refs or ("",) * len(page.rows)
    for ref, (remote_id, line, units, word) in zip(refs, page.rows, strict=True):
        if remote_id:
            lines = by_return.setdefault((ref, remote_id), {})
            lines[line] = lines.get(line, 0) + units
            words[ref] = word
    found = []
    for (ref, remote_id), lines in by_return.items():
        d = state.dispatches.get(remote_id)
        part = state.orders[d.order_id].parts[d.number] if d is not None else None
        if part is not None and d is not None:
            if part.status == PROCESSING:
                continue
            if page.by_code:
                lines = _lines_of(state, d.order_id, part, ref, lines)
            lines = {line: units for line, units in lines.items() if units > booked(part, ref, line)}
        rows = tuple(cmd.ReturnRow(ref, remote_id, line, units, words[ref][:40]) for line, units in lines.items())
        if rows:
            key = f"return/{connection.code}/{_digest(rows)}"
            found.append(Submission(key, cmd.Returned(connection.code, rows, at)))
    return found


def _lines_of(state: State, order_id: str, part: PartState, ref: str, codes: dict[str, int]) -> dict[str, int]:
    """Units by line instead of by the network's code; what fits no line keeps the code, and is told."""
    network, order = state.require_network(), state.orders[order_id]
    aliases = state.aliases.understood(network.nodes[part.node].network)
    found: dict[str, int] = {}
    for code, units in codes.items():
        left = units
        for line in part.lines:
            article = network.skus[order.skus[line]]
            theirs = article.codes.get(network.nodes[part.node].network, article.code)
            if left and (theirs == code or aliases.get(code) == order.skus[line]):
                line_id = str(line + 1)
                take = min(left, room(part, line) + booked(part, ref, line_id))
                found[line_id] = take
                left -= take
        if left:
            found[code] = left
    return {line: units for line, units in found.items() if units}


class Shelves(NamedTuple):
    """How a network's codes are read: location -> node, code -> SKU. `alone`: the one node behind a connection without locations."""

    nodes: dict[str, int]
    skus: dict[int, dict[str, int]]
    alone: int


def shelves(state: State, connection: Connection) -> Shelves:
    """The codes of one connection."""
    network = state.require_network()
    behind = [n for n, each in state.connected.items() if each.code == connection.code]
    skus = {
        n: {
            sku.codes.get(network.nodes[n].network, sku.code): i
            for i, sku in enumerate(network.skus)
            if i not in state.bundles
        }
        | {
            alias: i
            for alias, i in state.aliases.understood(network.nodes[n].network).items()
            if i not in state.bundles
        }
        for n in behind
    }
    nodes = {network.nodes[n].location: n for n in behind if network.nodes[n].location}
    return Shelves(nodes, skus, behind[0] if len(behind) == 1 else -1)


def counting(
    state: State, connection: Connection, counts: Sequence[Count], at: int, *, whole: bool, ref: str
) -> tuple[list[Submission], list[Finding]]:
    """The commands that take counts in, one a node. `whole`: SKUs of ours that are not named have none there."""
    codes = shelves(state, connection)
    rows: dict[int, dict[int, tuple[int, int]]] = {n: {} for n in codes.skus} if whole else {}
    findings = []
    for count in counts:
        node = codes.nodes.get(count.location, codes.alone)
        sku = codes.skus.get(node, {}).get(count.sku, -1)
        if node < 0 or sku < 0:
            if count.sellable or count.reserved:
                what = "location" if node < 0 else "SKU"
                findings.append(Finding("foreign_id", f"{what} {count.location if node < 0 else count.sku}"[:80],
                                        f"counted {count.sellable} units, but the network file does not know it"))  # fmt: skip
            continue
        held = rows.setdefault(node, {}).get(sku, (0, 0))
        rows[node][sku] = (held[0] + count.sellable + count.reserved, held[1] + count.inbound)
    found = []
    for node, by_sku in rows.items():
        if whole:
            for sku in _booked(state, node):
                by_sku.setdefault(sku, (0, 0))
        if by_sku:
            skus = tuple(sorted(by_sku))
            counted, inbound = tuple(by_sku[sku][0] for sku in skus), tuple(by_sku[sku][1] for sku in skus)
            command = cmd.CountStock(ref, node, skus, counted, inbound, at)
            found.append(Submission(f"count/{connection.code}/{ref}/{node}", command))
    return found, findings


def _booked(state: State, node: int) -> list[int]:
    """SKUs of which the books have units at a node."""
    balance = state.ledger.balance[:, :, node]
    there = balance[Bucket.FULFILLABLE] + balance[Bucket.RESERVED] + balance[Bucket.RESEARCHING]
    return [int(sku) for sku in there.nonzero()[0]]
