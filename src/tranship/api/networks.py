"""How networks are, where new work goes, and stock that differs: looked at and, by a person, decided."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from tranship.api import asked, problems
from tranship.api.context import Context, context_of
from tranship.api.handing import body_of, carried_out
from tranship.api.orders import JSON
from tranship.core.errors import TranshipError
from tranship.core.time import to_micros
from tranship.engine import byhand
from tranship.engine import commands as cmd
from tranship.engine.evolve_network import BY_HAND
from tranship.engine.networks import ConnectionNow, DriftNow, NetworksNow
from tranship.engine.shard import Submission, fingerprint

AnyRequest = Request[Any, Any, Any]


@get("/v1/networks")
async def get_networks(request: AnyRequest) -> Response[NetworksNow]:
    """Connections with their breaker and its evidence, calls, published rates, claims with what showed them; quarantine; drift."""
    return Response(content=await _networks(context_of(request)), media_type=JSON)


async def _networks(context: Context) -> NetworksNow:
    return await asyncio.to_thread(context.service.networks)


class DriftList(msgspec.Struct, frozen=True):
    """SKUs that differ from a count, or that are closed at a node."""

    drift: tuple[DriftNow, ...]
    drifting: int


@get("/v1/drift")
async def get_drift(request: AnyRequest) -> Response[DriftList]:
    """Where counts and books differ, and what is closed because of it."""
    now = await _networks(context_of(request))
    return Response(content=DriftList(now.drift, now.drifting), media_type=JSON)


@post("/v1/networks/{code:str}/breaker", status_code=200)
async def post_breaker(request: AnyRequest) -> Response[ConnectionNow]:
    """A person says where new work goes, until a time; the breaker goes on watching underneath."""
    context = context_of(request)
    service, code = context.service, request.path_params["code"][:64]
    if code not in {node.connection for node in service.network.nodes} - {""}:
        raise problems.not_found("no node is behind a connection of this name")
    body = await body_of(request)
    given = asked.read(body, asked.BreakerIn)
    until, at = to_micros(given.until) if given.until is not None else 0, service.clock.now()

    def made(shard: Any) -> cmd.SetBreaker:
        return byhand.breaker(shard.state, code, given.state, given.share_bp, given.why, until, given.nodes, at)

    command = await asyncio.to_thread(service.writer.call, made)
    await carried_out(request, f"breaker/{code}/by-hand", command, body)
    now = await _networks(context)
    return Response(content=next(each for each in now.connections if each.code == code), media_type=JSON)


class ShelfNow(msgspec.Struct, frozen=True):
    """A shelf after it was switched."""

    node: str
    sku: str
    closed: bool
    reason: str


@post("/v1/shelves", status_code=200)
async def post_shelf(request: AnyRequest) -> Response[ShelfNow]:
    """Close a SKU at a node, or open it again."""
    context = context_of(request)
    body = await body_of(request)
    given = asked.read(body, asked.ShelfIn)
    reason = f"{BY_HAND}: {given.reason}"
    command = cmd.SwitchShelf(given.node, given.sku, given.closed, reason, context.service.clock.now())
    await carried_out(request, "shelf", command, body)
    return Response(content=ShelfNow(given.node, given.sku, given.closed, reason), media_type=JSON)


class Adopted(msgspec.Struct, frozen=True):
    """Units that were booked."""

    ref: str
    node: str
    sku: str
    units: int


@post("/v1/adoptions")
async def post_adoption(request: AnyRequest) -> Response[Adopted]:
    """Book a counted surplus as received, with a reason; the same `ref` again is booked once."""
    context = context_of(request)
    service, body = context.service, await body_of(request)
    given = asked.read(body, asked.AdoptIn)
    key, at = f"adoption/{given.ref}", service.clock.now()
    content = fingerprint(msgspec.json.encode(given))
    fresh = service.store.find_key(key) is None
    try:
        command: cmd.Command = await asyncio.to_thread(
            service.writer.call, lambda shard: byhand.adopt(shard, given.ref, given.node, given.sku, given.units, at)
        )
    except TranshipError as error:
        if fresh:
            raise problems.ProblemError(409, "conflict", "That cannot be done as things stand", str(error)) from None
        command = cmd.Tick(at)  # never carried out: the key is known, and the first answer comes back
    answer = await service.writer.asubmit(Submission(key, command, content))
    if answer.error is not None:
        raise answer.error
    if not answer.repeated:
        detail = f"{given.units} units of {given.sku} at {given.node} adopted as {given.ref}: {given.reason}"
        told = cmd.ReportException("adopted", f"{given.node}/{given.sku}", detail, at)
        await service.writer.asubmit(Submission(f"{key}/told", told))
    headers = {} if not answer.repeated else {"idempotent-replayed": "true"}
    taken = Adopted(given.ref, given.node, given.sku, given.units)
    return Response(content=taken, status_code=200 if answer.repeated else 201, media_type=JSON, headers=headers)


HANDLERS = (get_networks, get_drift, post_breaker, post_shelf, post_adoption)
