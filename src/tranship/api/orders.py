"""POST /v1/orders, one order or many; orders and receipts by their names."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from tranship.api import bodies, problems, reading
from tranship.api.context import Context, context_of
from tranship.api.pouring import Pour
from tranship.core.errors import InputError
from tranship.engine.explain import Story, explain
from tranship.engine.lookup import OrderNow, find_order
from tranship.engine.service import Placed

AnyRequest = Request[Any, Any, Any]
NDJSON = "application/x-ndjson"
JSON = "application/json"
MOST_BYTES_AT_ONCE = 65_536
_json = msgspec.json.Encoder().encode


@post("/v1/orders")
async def post_orders(request: AnyRequest) -> Response[Any]:
    """Take one order (application/json) or many, one a line (application/x-ndjson). Answers after the commit."""
    context = context_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == NDJSON:
        if "idempotency-key" in request.headers:
            raise problems.invalid(
                "every line of a bulk request has its own: idempotency_key in its body", "Idempotency-Key"
            )
        return Pour(_bulk(request, context), media_type=NDJSON)
    if kind != JSON:
        raise problems.wrong_type(request.headers.get("content-type", ""), (JSON, NDJSON))
    settings = context.settings
    body = await reading.whole(request, settings.body_bytes_max, settings.body_timeout_s)
    placed = await _place(context, body, request.headers.get("idempotency-key", ""))
    headers = {"location": f"/v1/orders/{placed.order_id.replace('#', '%23')}"}
    if placed.repeated:
        headers["idempotent-replayed"] = "true"
    status = 200 if placed.repeated else 201
    return Response(content=placed.reply, status_code=status, media_type=JSON, headers=headers)


async def _place(context: Context, body: bytes, header: str = "") -> Placed:
    given = bodies.read_order(body)
    key = _request_key(given.idempotency_key or "", header)
    service = context.service
    order = bodies.to_order(given, service.network, service.skus)
    return await service.aplace(order, bodies.to_person(given.customer), key)


def _request_key(said: str, header: str) -> str:
    header = header[1:-1] if len(header) > 2 and header[0] == header[-1] == '"' else header
    if header and not (len(header) <= 255 and all("!" <= letter <= "~" for letter in header)):
        raise problems.invalid("1 to 255 visible ASCII characters", "Idempotency-Key")
    if said and header and said != header:
        raise problems.invalid("differs from the header Idempotency-Key", "idempotency_key")
    return said or header


# -- many orders ------------------------------------------------------------------------------------------------------


class Result(msgspec.Struct, omit_defaults=True):
    """What one line of a bulk request came to: as if it had been sent alone."""

    line: int
    status: int
    repeated: bool = False
    answer: msgspec.Raw = msgspec.Raw(b"")
    problem: problems.Problem | None = None


async def _bulk(request: AnyRequest, context: Context) -> AsyncIterator[bytes]:
    """Results in the order of the lines. Reading never waits for the caller to read, so no caller can lock itself out."""
    results: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue()
    reader = asyncio.create_task(_read_bulk(request, context, results))
    try:
        while (task := await results.get()) is not None:
            ready = bytearray(await task)
            while len(ready) < MOST_BYTES_AT_ONCE and not results.empty():
                following = results.get_nowait()
                if following is None:
                    yield bytes(ready)
                    return
                ready += await following
            yield bytes(ready)
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _read_bulk(
    request: AnyRequest, context: Context, results: "asyncio.Queue[asyncio.Task[bytes] | None]"
) -> None:
    settings = context.settings
    client = request.client.host if request.client else ""
    in_flight = asyncio.Semaphore(settings.bulk_in_flight_max)
    source = reading.lines(
        request, bytes_max=settings.bulk_bytes_max, line_max=settings.body_bytes_max, lines_max=settings.bulk_lines_max,
        timeout_s=settings.body_timeout_s,
    )  # fmt: skip
    try:
        async for line in source:
            await context.buckets.taken(client)  # a bulk request is slowed down, not refused halfway
            await in_flight.acquire()
            results.put_nowait(asyncio.create_task(_result(context, line, in_flight)))
    finally:
        results.put_nowait(None)


async def _result(context: Context, line: reading.Line, in_flight: asyncio.Semaphore) -> bytes:
    error: Exception | None = line.problem
    try:
        placed = await _place(context, line.body) if error is None else None
    except Exception as raised:  # noqa: BLE001 - the edge of the service: one line's fault is one line's result
        placed, error = None, raised
    finally:
        in_flight.release()
    if placed is not None:
        status = 200 if placed.repeated else 201
        return _json(Result(line.number, status, placed.repeated, msgspec.Raw(placed.reply))) + b"\n"
    assert error is not None
    problem = problems.of_any(error).problem
    return _json(Result(line.number, problem.status, problem=problem)) + b"\n"


# -- one order --------------------------------------------------------------------------------------------------------


@get("/v1/orders/{order_id:str}")
async def get_order(request: AnyRequest) -> Response[OrderNow]:
    """An order as it stands: its lines, fulfillment orders and what waits. By id (`source:number`) or number."""
    context = context_of(request)
    return Response(content=await order_now(context, request.path_params["order_id"]), media_type=JSON)


@get("/v1/orders/{order_id:str}/explanation")
async def get_explanation(request: AnyRequest) -> Response[Story]:
    """Why the order ships from where it ships: every decision, every charge, every node's verdict."""
    context = context_of(request)
    return Response(content=await explanation(context, request.path_params["order_id"]), media_type=JSON)


async def order_now(context: Context, name: str) -> OrderNow:
    """The order with this id or number; ProblemError 404 where there is none."""
    try:
        return await asyncio.to_thread(find_order, context.service.store, name[:200])
    except InputError as error:
        raise problems.not_found(f"{error.what}. {error.hint}".rstrip(". ")) from None


async def explanation(context: Context, name: str) -> Story:
    """The order's story; at most `explanations_max` are made at a time."""
    found = await order_now(context, name)
    async with context.explaining:
        return await asyncio.to_thread(explain, context.service.store, found.order)


# -- receipts ---------------------------------------------------------------------------------------------------------


class ReceiptTaken(msgspec.Struct, frozen=True):
    """A receipt that was booked; `units` in all."""

    ref: str
    node: str
    units: int


@post("/v1/receipts")
async def post_receipt(request: AnyRequest) -> Response[ReceiptTaken]:
    """Book units that arrived at a node; parked orders that waited for them are decided again."""
    context = context_of(request)
    reading.check_type(request, JSON)
    settings = context.settings
    body = await reading.whole(request, settings.body_bytes_max, settings.body_timeout_s)
    given = bodies.read_receipt(body)
    fresh = await context.service.areceive(given.ref, given.node, [(line.sku, line.qty) for line in given.lines])
    headers = {} if fresh else {"idempotent-replayed": "true"}
    taken = ReceiptTaken(given.ref, given.node, sum(line.qty for line in given.lines))
    return Response(content=taken, status_code=201 if fresh else 200, media_type=JSON, headers=headers)


HANDLERS = (post_orders, get_order, get_explanation, post_receipt)
