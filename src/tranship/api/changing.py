"""What a customer changes of an order before it ships: units that are no longer wanted, and where it goes."""

import asyncio
from typing import Any

from litestar import Request, Response, post

from tranship.api import asked, bodies
from tranship.api.context import Context, context_of
from tranship.api.handing import body_of, told
from tranship.api.orders import JSON, order_now
from tranship.engine.live import cancelling, readdressing
from tranship.engine.shard import Submission

AnyRequest = Request[Any, Any, Any]


@post("/v1/orders/{order_id:str}/cancel", status_code=200)
async def post_cancel(request: AnyRequest) -> Response[bytes]:
    """Take units back: what no network can ship is void now, what one has is asked back, what left is too late. Once for a `ref`."""
    context = context_of(request)
    order = (await order_now(context, request.path_params["order_id"])).order
    given = asked.read(await body_of(request), asked.CancelIn)
    lines = [] if given.lines == "all" else [(line.line, line.qty) for line in given.lines]
    return await _carried_out(context, cancelling(order, lines, given.ref, context.service.clock.now()))


@post("/v1/orders/{order_id:str}/address", status_code=200)
async def post_address(request: AnyRequest) -> Response[bytes]:
    """Send an order elsewhere while no network can ship it: 409 with the reason once a part of it was released. Once for a `ref`."""
    context = context_of(request)
    found = await order_now(context, request.path_params["order_id"])
    given = asked.read(await body_of(request), asked.AddressIn)
    to, person = bodies.to_destination(given.to), bodies.to_person(given.customer)
    at = context.service.clock.now()
    made = await asyncio.to_thread(
        readdressing, context.service.people, found.person, found.order, to, person, given.ref, at
    )
    return await _carried_out(context, made)


async def _carried_out(context: Context, submission: Submission) -> Response[bytes]:
    answer = await context.service.writer.asubmit(submission)
    if answer.error is not None:
        raise told(answer.error)
    if context.driver is not None:
        await context.driver.sync()  # what is called back is told to its network now
    headers = {"idempotent-replayed": "true"} if answer.repeated else {}
    return Response(content=answer.reply, media_type=JSON, headers=headers)


HANDLERS = (post_cancel, post_address)
