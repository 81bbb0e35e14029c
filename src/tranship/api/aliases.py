"""SKU aliases over HTTP: the list, random ones for articles that have none, and the steps of their registration."""

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get, post

from tranship.api import asked, problems
from tranship.api.context import context_of
from tranship.api.handing import body_of, carried_out
from tranship.api.orders import JSON
from tranship.engine import aliasing
from tranship.engine import commands as cmd
from tranship.engine.aliasing import AliasList
from tranship.engine.shard import Shard

AnyRequest = Request[Any, Any, Any]


@get("/v1/aliases")
async def get_aliases(request: AnyRequest) -> Response[AliasList]:
    """What networks call articles: by network, article and state."""
    query = request.query_params
    limit = query.get("limit", str(aliasing.MOST_LISTED))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= aliasing.MOST_LISTED):
        raise problems.invalid(f"1 to {aliasing.MOST_LISTED}", "limit")
    store = context_of(request).service.store
    taken = await asyncio.to_thread(
        aliasing.listed, store, query.get("network", "")[:64], query.get("sku", "")[:200], query.get("state", "")[:20],
        int(limit), query.get("after", "")[:64],
    )  # fmt: skip
    return Response(content=taken, media_type=JSON)


@post("/v1/aliases", status_code=200)
async def post_aliases(request: AnyRequest) -> Response[AliasList]:
    """Add aliases of one's own making, each in its first state. The same again changes nothing."""
    body = await body_of(request)
    given = asked.read(body, asked.AliasesIn)
    rows = tuple(cmd.AliasStep(each.alias, each.sku, each.epoch, each.state) for each in given.aliases)
    return await _done(request, lambda _: cmd.SetAliases(given.network, rows, _at(request)), body)


@post("/v1/aliases/steps", status_code=200)
async def post_alias_steps(request: AnyRequest) -> Response[AliasList]:
    """Aliases that are there come a step further: registered, active, retired."""
    body = await body_of(request)
    given = asked.read(body, asked.AliasStepsIn)
    return await _done(
        request,
        lambda shard: aliasing.stepping(shard.state, given.network, given.aliases, given.state, _at(request)),
        body,
    )


@post("/v1/aliases/pool", status_code=200)
async def post_alias_pool(request: AnyRequest) -> Response[AliasList]:
    """Make random aliases for articles that have none in an epoch; they come back for the network's listings or product import."""
    body = await body_of(request)
    given = asked.read(body, asked.AliasPoolIn)
    return await _done(
        request, lambda shard: aliasing.pool(shard.state, given.network, given.skus, given.epoch, _at(request)), body
    )


def _at(request: AnyRequest) -> int:
    return context_of(request).service.clock.now()


async def _done(
    request: AnyRequest, make: Callable[[Shard], cmd.SetAliases], body: bytes
) -> Response[AliasList]:  # fmt: skip
    service = context_of(request).service
    command = await asyncio.to_thread(service.writer.call, make)
    await carried_out(request, "alias", command, body)
    names = {row.alias for row in command.rows}
    held = await asyncio.to_thread(
        service.writer.call, lambda shard: aliasing.told(shard.state, command.network, names)
    )
    return Response(content=held, media_type=JSON)


HANDLERS = (get_aliases, post_aliases, post_alias_steps, post_alias_pool)
