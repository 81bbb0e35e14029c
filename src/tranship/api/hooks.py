"""POST /v1/hooks/CONNECTION: what networks say on their own account, taken as true only with their signature, answered after the commit."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, post

from tranship.api import problems, reading
from tranship.api.context import context_of
from tranship.api.orders import JSON
from tranship.connectors.port import Finding, Message
from tranship.connectors.secrets import secret
from tranship.core.errors import InputError
from tranship.engine.driver import listening
from tranship.engine.driver.driver import Driver
from tranship.engine.driver.link import Link
from tranship.engine.inbox import counting, finding, reporting
from tranship.engine.inward import HOOK, NOTHING, Heard, said
from tranship.engine.shard import Submission

AnyRequest = Request[Any, Any, Any]
BODY_BYTES_MAX = 1_048_576
HOOK_SECRETS = ("notifications", "webhook")
"""Secrets of a connection that messages are checked with: these names, or beginning so (webhook_old, while a key is changed)."""


class HookTaken(msgspec.Struct, frozen=True):
    """A message that was taken in: what it held, and whether it was known."""

    reports: int
    counts: int
    findings: int
    repeated: bool


@post("/v1/hooks/{code:str}", status_code=200)
async def post_hook(request: AnyRequest) -> Response[HookTaken]:
    """Take a notification or webhook in. 401 where the signature does not fit: then nothing is changed but a counter."""
    context = context_of(request)
    code = request.path_params["code"][:64]
    link = context.driver.links.get(code) if context.driver is not None else None
    if link is None or context.driver is None:
        raise problems.not_found("no connection of this name takes messages")
    body = await reading.whole(request, BODY_BYTES_MAX, context.settings.body_timeout_s)
    message = await asyncio.to_thread(_read, link, dict(request.headers), body)
    if not message.ok:
        link.hooks_refused += 1
        raise problems.ProblemError(401, "signature", "The signature does not fit", "nothing of it was used")
    link.hooks_taken += 1
    message, heard = await _listened(context.driver, link, body, message)
    key = message.key or hashlib.blake2b(body, digest_size=16).hexdigest()
    repeated = await _take(context.service, link, message, heard, f"hook/{key}"[:200])
    await context.driver.sync()
    taken = HookTaken(len(message.reports), len(message.counts), len(message.findings), repeated)
    return Response(content=taken, media_type=JSON)


async def _listened(driver: Driver, link: Link, body: bytes, message: Message) -> tuple[Message, Heard]:
    """What it says of people, where it is of one order. Where that names an alias which is not the order's, nothing of it is used."""
    ids = {report.remote_id for report in message.reports}
    if len(ids) != 1:
        return message, NOTHING
    heard = await listening.heard_of(driver, link, HOOK, said(link.connection.kind, HOOK, body, *ids))
    if heard.wrong:
        message = message._replace(reports=(), counts=(), findings=(*message.findings, *listening.findings(heard)))
    return message, heard


async def _take(service: Any, link: Link, message: Message, heard: Heard, key: str) -> bool:
    """Commit what it says; whether all of it was known."""
    at, code = service.clock.now(), link.connection.code
    shadow = service.network.shadow  # what it speaks of was sent by somebody else
    submissions = reporting(code, "hook", () if shadow else message.reports, at, key)
    findings = list(message.findings)
    if message.counts and not shadow:
        made, odd = await asyncio.to_thread(
            service.writer.call,
            lambda shard: counting(shard.state, link.connection, message.counts, at, whole=False, ref=key),
        )
        submissions += made
        findings += odd
    submissions += [finding(code, each, at) for each in findings]
    submissions = listening.along(submissions, heard)
    answers = await asyncio.gather(*(service.writer.asubmit(each) for each in submissions))
    for answer in answers:
        if answer.error is not None and not isinstance(answer.error, InputError):
            raise answer.error
    await _refused(service, link, submissions, [answer.error for answer in answers], at)
    return bool(answers) and all(answer.repeated for answer in answers)


async def _refused(
    service: Any, link: Link, submissions: Sequence[Submission], errors: Sequence[Exception | None], at: int
) -> None:
    """What the engine could not take is put before a person: asking the network to send it again would not help."""
    for submission, error in zip(submissions, errors, strict=True):
        if isinstance(error, InputError):
            each = Finding("violation", submission.key[:80], f"hook: {error.what}"[:200])
            await service.writer.asubmit(finding(link.connection.code, each, at))


def _read(link: Link, headers: dict[str, str], body: bytes) -> Message:
    secrets = []
    for name in sorted(link.connection.secrets):
        if name.startswith(HOOK_SECRETS):
            try:
                secrets.append(secret(link.connection.secrets[name]))
            except InputError:
                continue  # one that is not there fits nothing
    return link.connector.message(headers, body, secrets, time.time_ns() // 1000)  # senders sign by real time


HANDLERS = (post_hook,)
