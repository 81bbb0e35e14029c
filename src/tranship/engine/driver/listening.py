"""What networks say of people, on its way in: kept as tokens with the command that the message became, and wrong aliases told."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tranship.connectors.port import Finding, Returned
from tranship.dispatch.model import Report, Result
from tranship.engine.desk import Call
from tranship.engine.driver.link import Link
from tranship.engine.inbox import finding
from tranship.engine.inward import NOTHING, Heard, Owner, Said, hear, owners, said
from tranship.engine.shard import Shard, Submission

if TYPE_CHECKING:
    from tranship.engine.driver.driver import Driver

FOREIGN = "foreign_token"


async def checked(driver: "Driver", link: Link, call: Call, result: Result, answer: bytes) -> tuple[Result, Heard]:
    """The result, and what the answer says of people. One that names an alias which is not this order's proves nothing."""
    heard = await heard_of(driver, link, call.op, said(link.connection.kind, call.op, answer, call.remote_id))
    if heard.wrong:
        return Result("violation", detail=heard.wrong[0][1][:200]), heard
    return result, heard


async def heard_of(driver: "Driver", link: Link, op: str, told: Sequence[Said]) -> Heard:
    """What a message says of people, held against the vault."""
    if not told:
        return NOTHING
    code = link.connection.code
    ids = [each.remote_id for each in told]
    owned = await driver.read(partial(_owners, connection=code, remote_ids=ids))
    service, kind = driver.service, link.connection.kind
    return await asyncio.to_thread(hear, service.masker, service.people, kind, op, told, owned, driver.now())


def _owners(shard: Shard, connection: str, remote_ids: Sequence[str]) -> dict[str, Owner]:
    return owners(shard.state, connection, remote_ids)


def without(reports: Sequence[Report], heard: Heard) -> tuple[Report, ...]:
    """Reports of orders that nothing was wrong with."""
    bad = {remote_id for remote_id, _ in heard.wrong}
    return tuple(each for each in reports if each.remote_id not in bad)


def returned_without(page: Returned, heard: Heard) -> Returned:
    """Returns of orders that nothing was wrong with."""
    bad = {remote_id for remote_id, _ in heard.wrong}
    if not bad:
        return page
    refs = page.refs or ("",) * len(page.rows)
    kept = [(ref, row) for ref, row in zip(refs, page.rows, strict=True) if row[0] not in bad]
    return page._replace(rows=tuple(row for _, row in kept), refs=tuple(ref for ref, _ in kept))


def along(submissions: Sequence[Submission], heard: Heard) -> list[Submission]:
    """The submissions, with tokens and audit rows beside the first. Where there is none the next look says it again."""
    found = list(submissions)
    if found and (heard.tokens or heard.audits):
        found[0] = replace(found[0], tokens=heard.tokens, audits=heard.audits)
    return found


def findings(heard: Heard) -> list[Finding]:
    """What is wrong, for a person."""
    return [Finding(FOREIGN, remote_id, f"answer {what}: nothing of it is used") for remote_id, what in heard.wrong]


def told(connection: str, heard: Heard, at: int) -> list[Submission]:
    """What is wrong, as commands that put it before a person: once a day for the same."""
    return [finding(connection, each, at) for each in findings(heard)]


async def put_before_a_person(driver: "Driver", connection: str, heard: Heard) -> None:
    """Say what is wrong."""
    if heard.wrong:
        await driver.tell(told(connection, heard, driver.now()))
