"""Looks at what networks say on their own account: lists of what changed, counts of stock, probes."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from tranship.connectors.port import Count, Finding, Response
from tranship.core.errors import UnavailableError
from tranship.dispatch.model import Report, Result
from tranship.engine.driver import listening
from tranship.engine.driver.link import Link
from tranship.engine.inbox import counting, finding, news, reporting, returning
from tranship.engine.inward import said
from tranship.engine.shard import Shard

if TYPE_CHECKING:
    from tranship.engine.driver.driver import Driver

OVERLAP_S = 300
"""A look reaches back so far behind the last one: clocks differ, and lists lag."""
MOST_PAGES = 100
"""Pages read in one look."""
RETURNS_S = 3_600
"""Between two looks at what came back."""
RETURNS_BACK_S = 60 * 86_400
"""How far such a look reaches back: a return is listed by when it was announced, and changes until its goods are there."""
SECOND = 1_000_000

log = logging.getLogger("tranship.driver")


async def look_at_changes(driver: "Driver", link: Link) -> None:
    """Every `poll_s` of the clock: what changed since the last look. Closes the gaps that lost notifications leave."""
    while True:
        await _step(driver, link, _changes, "list")
        await asyncio.sleep(link.connection.poll_s / driver.service.clock.speed)


async def look_at_stock(driver: "Driver", link: Link) -> None:
    """Every `stock_poll_s` of the clock: a whole count. In a shadow none: what really ships there is not what the books ship."""
    while not driver.shadow:
        await _step(driver, link, _stock, "stock")
        await asyncio.sleep(link.connection.stock_poll_s / driver.service.clock.speed)


async def look_at_returns(driver: "Driver", link: Link) -> None:
    """Every hour of the clock, where the kind lists returns: what came back of the last two months."""
    if "returns" not in link.connection.capability.rates or driver.shadow:
        return
    while True:
        await _step(driver, link, _returns, "returns")
        await asyncio.sleep(RETURNS_S / driver.service.clock.speed)


async def probe(driver: "Driver", link: Link) -> None:
    """Ask a network how it is: the first page of its list."""
    if driver.desk.lane(link.connection.code).bucket("list").take(driver.now(), probe=True):
        request = link.connector.list(max(0, driver.now() - OVERLAP_S * SECOND))
        await link.ask(request, driver.real, lambda response: link.connector.read_list(response).failed, probe=True)


async def _step(driver: "Driver", link: Link, look: "Look", name: str) -> None:
    if link.client is None:
        return
    try:
        await look(driver, link)
    except UnavailableError:
        pass  # the engine is busy or closing; the next look sees the same and more
    except Exception as error:  # noqa: BLE001 - the edge: one look's fault must not end the others
        log.warning("%s at %s: %s", name, link.connection.code, type(error).__name__)


async def _page(driver: "Driver", link: Link, op: str, since: int, more: str) -> Response | None:
    """One page within the published rate; None where it could not be had, and a finding where it makes no sense."""
    lane = driver.desk.lane(link.connection.code)
    while not lane.bucket(op).take(driver.now()):
        wait = (lane.bucket(op).next_at(driver.now()) - driver.now()) / 1e6
        await asyncio.sleep(max(0.01, wait / driver.service.clock.speed))
    connector = link.connector
    if op == "list":
        answer = await link.ask(connector.list(since, more), driver.real, lambda got: connector.read_list(got).failed)
    elif op == "returns":
        request = connector.returns(since, more)
        answer = await link.ask(request, driver.real, lambda got: connector.read_returns(got).failed)
    else:
        answer = await link.ask(connector.stock(0, more), driver.real, lambda got: connector.read_stock(got).failed)
    if not isinstance(answer, Result):
        return answer
    if answer.outcome in {"violation", "unauthorized"}:
        await _tell(driver, link.connection.code, [Finding(answer.outcome, op, answer.detail or "no reason was given")])
    return None


async def _changes(driver: "Driver", link: Link) -> None:
    began, since, more = driver.now(), link.last_list - OVERLAP_S * SECOND, ""
    code = link.connection.code
    for _ in range(MOST_PAGES):
        response = await _page(driver, link, "list", max(0, since), more)
        if response is None:
            return
        page = link.connector.read_list(response)
        await _tell(driver, code, page.findings)
        if page.failed is not None:
            return
        heard = await listening.heard_of(driver, link, "list", said(link.connection.kind, "list", response.body))
        fresh = await driver.read(partial(_news, reports=listening.without(page.reports, heard)))
        made = reporting(code, "list", fresh, driver.now())
        await driver.tell(listening.along([*made, *listening.told(code, heard, driver.now())], heard))
        more = page.more
        if not more:
            link.last_list = began
            return


async def _stock(driver: "Driver", link: Link) -> None:
    counts: list[Count] = []
    more, whole = "", True
    code = link.connection.code
    for _ in range(MOST_PAGES):
        response = await _page(driver, link, "stock", 0, more)
        if response is None:
            return
        page = link.connector.read_stock(response)
        await _tell(driver, code, page.findings)
        if page.failed is not None:
            return
        counts += page.counts
        whole = whole and page.whole
        more = page.more
        if not more:
            break
    at = driver.now()
    made, findings = await driver.read(
        lambda shard: counting(shard.state, link.connection, counts, at, whole=whole and not more, ref=str(at))
    )
    await driver.tell(made)
    await _tell(driver, code, findings)


async def _returns(driver: "Driver", link: Link) -> None:
    more, since = "", driver.now() - RETURNS_BACK_S * SECOND
    for _ in range(MOST_PAGES):
        response = await _page(driver, link, "returns", max(0, since), more)
        if response is None:
            return
        page = link.connector.read_returns(response)
        if page.failed is not None:
            return
        heard = await listening.heard_of(driver, link, "returns", said(link.connection.kind, "returns", response.body))
        page, at = listening.returned_without(page, heard), driver.now()
        made = await driver.read(
            lambda shard, page=page, at=at: returning(shard.state, link.connection, page, at)  # type: ignore[misc]
        )
        await driver.tell(listening.along([*made, *listening.told(link.connection.code, heard, at)], heard))
        more = page.more
        if not more:
            return


def _news(shard: Shard, reports: tuple[Report, ...]) -> list[Report]:
    return news(shard.state, reports)


async def _tell(driver: "Driver", code: str, findings: "Findings") -> None:
    if findings:
        await driver.tell([finding(code, each, driver.now()) for each in findings])


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Look = Callable[[Driver, Link], Awaitable[None]]
    Findings = Sequence[Finding]
