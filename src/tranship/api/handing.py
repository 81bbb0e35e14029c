"""What was handed over, and what a person may do about it: list, call back, send elsewhere, settle."""

import asyncio
import hashlib
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from tranship.api import asked, problems, reading
from tranship.api.context import Context, context_of
from tranship.api.orders import JSON, order_now
from tranship.core.errors import ConflictError, InputError
from tranship.engine import commands as cmd
from tranship.engine.attempts import DispatchNow, Listed, found, listed
from tranship.engine.shard import Answer, Submission

AnyRequest = Request[Any, Any, Any]
BODY_BYTES_MAX = 65_536


async def body_of(request: AnyRequest) -> bytes:
    """A small JSON body."""
    reading.check_type(request, JSON)
    return await reading.whole(request, BODY_BYTES_MAX, context_of(request).settings.body_timeout_s)


async def carried_out(request: AnyRequest, what: str, command: cmd.Command, content: bytes) -> Answer:
    """Carry a person's command out once: under the request's Idempotency-Key, else as often as it comes. Raises its refusal."""
    context = context_of(request)
    said = request.headers.get("idempotency-key", "")
    if len(said) > 255 or not all("!" <= letter <= "~" for letter in said):
        raise problems.invalid("1 to 255 visible ASCII characters", "Idempotency-Key")
    if said:
        key = f"{what}/key/{hashlib.blake2b(said.encode(), digest_size=16).hexdigest()}"
        submission = Submission(key, command, hashlib.blake2b(content, digest_size=16).digest())
    else:
        submission = Submission(f"{what}/{context.number()}/{command.at}", command)
    answer = await context.service.writer.asubmit(submission)
    if answer.error is not None:
        raise told(answer.error)
    return answer


def told(error: Exception) -> Exception:
    """A refusal as people should read it: what a network still has is a conflict with its state, not with a key."""
    if isinstance(error, ConflictError) and "was used before" not in str(error):
        return problems.ProblemError(409, "conflict", "That cannot be done as things stand", str(error))
    return error


@get("/v1/dispatches")
async def get_dispatches(request: AnyRequest) -> Response[Listed]:
    """Attempts to hand over, the newest first: by state (`open`, `doubt` or one of them) and order."""
    context = context_of(request)
    query = request.query_params
    limit = query.get("limit", "100")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= 500):
        raise problems.invalid("1 to 500", "limit")
    order = query.get("order", "")
    if order:
        order = (await order_now(context, order)).order
    taken = await asyncio.to_thread(listed, context.service.store, query.get("state", "")[:40], order, int(limit))
    return Response(content=taken, media_type=JSON)


async def _dispatch(context: Context, remote_id: str) -> DispatchNow:
    try:
        return await asyncio.to_thread(found, context.service.store, remote_id[:64])
    except InputError as error:
        raise problems.not_found(error.what) from None


class OrderDispatches(msgspec.Struct, frozen=True):
    """An order's attempts after what was asked."""

    order: str
    dispatches: tuple[DispatchNow, ...]


@post("/v1/orders/{order_id:str}/recall", status_code=200)
async def post_recall(request: AnyRequest) -> Response[OrderDispatches]:
    """Want fulfillment orders back from their networks. What waits on hold is free at once, the rest once there is proof."""
    context = context_of(request)
    order = (await order_now(context, request.path_params["order_id"])).order
    body = await body_of(request)
    given = asked.read(body, asked.RecallIn)
    command = cmd.Recall(order, tuple(given.numbers), given.reason, context.service.clock.now())
    await carried_out(request, f"recall/{order}", command, body)
    return await _after(context, order)


@post("/v1/orders/{order_id:str}/send", status_code=200)
async def post_send(request: AnyRequest) -> Response[OrderDispatches]:
    """Send a fulfillment order that no network has to a node of one's choice: stock, capacity and caps hold all the same."""
    context = context_of(request)
    order = (await order_now(context, request.path_params["order_id"])).order
    body = await body_of(request)
    given = asked.read(body, asked.SendIn)
    command = cmd.SendTo(order, given.number, given.node, given.reason, context.service.clock.now())
    await carried_out(request, f"send/{order}", command, body)
    return await _after(context, order)


async def _after(context: Context, order: str) -> Response[OrderDispatches]:
    taken = await asyncio.to_thread(listed, context.service.store, "", order, 500)
    return Response(content=OrderDispatches(order, taken.dispatches), media_type=JSON)


@post("/v1/dispatches/{remote_id:str}/settle", status_code=200)
async def post_settle(request: AnyRequest) -> Response[DispatchNow]:
    """A person's word on a dispatch in quarantine: it ships from there, or it never will."""
    context = context_of(request)
    held = await _dispatch(context, request.path_params["remote_id"])
    body = await body_of(request)
    given = asked.read(body, asked.SettleIn)
    command = cmd.Settle(held.id, given.ships, given.reason, context.service.clock.now())
    await carried_out(request, f"settle/{held.id}", command, body)
    return Response(content=await _dispatch(context, held.id), media_type=JSON)


HANDLERS = (get_dispatches, post_recall, post_send, post_settle)
