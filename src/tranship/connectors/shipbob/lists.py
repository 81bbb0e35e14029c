"""What changed: orders page by page, and what came back.

Orders are listed oldest first and paged by the moment of their creation, not by page number: an order that changes between two pages
joins the list and would push others over the edge of a numbered page, in either direction.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from tranship.connectors.port import Finding, Listed, Response, Returned
from tranship.connectors.shipbob.answers import failed
from tranship.connectors.shipbob.translate_orders import UnknownState, meaning
from tranship.connectors.shipbob.views import Damaged, OrderView, Return, Returns, decoded, iso, micros
from tranship.dispatch.model import Report, Result

REFERENCE = re.compile(r"[A-Z0-9-]{1,40}")
_FOUND_MOST = 100
"""Findings kept of one page; the last one says how many more there were."""


def report_of(view: OrderView) -> Report:
    """What a view of an order says. Raises UnknownState and Damaged as `meaning` does."""
    told = meaning(view)
    return Report(view.reference_id or "", told.remote, str(view.id), told.parcels, told.short, told.detail)


def orders(response: Response, page_size: int) -> Listed:
    """A page of orders that changed."""
    lost = failed(response, "list")
    if lost is not None:
        return Listed((), failed=lost)
    try:
        views = decoded(response.body, list[OrderView])
    except Damaged as damage:
        return Listed((), failed=Result("violation", detail=f"list: {damage}"[:200]))
    reports: list[Report] = []
    findings: list[Finding] = []
    for view in views:
        subject = f"ShipBob order {view.id}"
        if not REFERENCE.fullmatch(view.reference_id or ""):
            findings.append(Finding("foreign_id", subject, "an order on our channel that was not handed over by us"))
            continue
        try:
            reports.append(report_of(view))
        except UnknownState as state:
            findings.append(Finding("unknown_state", view.reference_id or subject, str(state)))
        except Damaged as damage:
            findings.append(Finding("violation", view.reference_id or subject, str(damage)))
    more, stuck = _next(views, page_size)
    return Listed(tuple(reports), more, _fewer([*findings, *stuck]))


def _next(views: list[OrderView], page_size: int) -> tuple[str, list[Finding]]:
    """From where the next page is asked for: a second before the last one here, so that none with the same moment is missed."""
    if len(views) < page_size:
        return "", []
    moments = [micros(view.created_date) for view in views]
    if not all(moments) or moments != sorted(moments):
        return "", [
            Finding(
                "violation", "list", "a full page without moments of creation in order: the rest cannot be asked for"
            )
        ]
    again = iso(moments[-1] - 1_000_000)
    if again <= iso(moments[0] - 1_000_000):
        return "", [Finding("violation", "list", f"{len(views)} orders of one second: the rest cannot be asked for")]
    return again, []


def _fewer(findings: list[Finding]) -> tuple[Finding, ...]:
    if len(findings) <= _FOUND_MOST:
        return tuple(findings)
    rest = len(findings) - _FOUND_MOST + 1
    return (*findings[: _FOUND_MOST - 1], Finding("violation", "list", f"{rest} more findings on this page"))


NOT_THERE = frozenset({"AwaitingArrival", "Cancelled"})
"""States of a return whose goods are not back at the warehouse."""


def returns(response: Response, line_of: Callable[[str], str] = str) -> Returned:
    """A page of returns. Rows name the network's code where the line is meant: ShipBob keeps no line with what comes back."""
    lost = failed(response, "returns")
    if lost is not None:
        return Returned((), failed=lost)
    try:
        page = decoded(response.body, Returns)
        more = next_of(page.next)
    except Damaged as damage:
        return Returned((), failed=Result("violation", detail=f"returns: {damage}"[:200]))
    rows = [(str(found.id), row) for found in page.items or () for row in _rows(found, line_of)]
    return Returned(tuple(row for _, row in rows), more, refs=tuple(ref for ref, _ in rows), by_code=True)


def _rows(found: Return, line_of: Callable[[str], str]) -> list[tuple[str, str, int, str]]:
    ours = (
        next((text for text in (found.store_order_id, found.reference_id) if REFERENCE.fullmatch(text or "")), "") or ""
    )
    rows: list[tuple[str, str, int, str]] = []
    for item in found.inventory or ():
        line = line_of(item.sku or "")
        done = [(action.quantity_processed, action.action or "") for action in item.action_taken or ()]
        rest = item.quantity - sum(count for count, _ in done)
        rows += [(ours, line, count, word) for count, word in done if count > 0]
        if rest > 0 and found.status not in NOT_THERE:
            rows.append((ours, line, rest, found.status or ""))
    return rows


def next_of(url: str | None) -> str:
    """The query of the next page's address; "" where there is none. Only its query is used: never another host or path.

    Raises:
        Damaged: the address has no query, or a strange one.
    """
    if not url:
        return ""
    query = urlsplit(url).query
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20) if query else []
    if not pairs or not all(re.fullmatch(r"[A-Za-z]{1,40}", key) for key, _ in pairs):
        raise Damaged("the address of the next page has no query that could be followed")
    return query
