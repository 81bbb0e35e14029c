"""What is going on: state, event stream, health."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream

from tranship.api import problems
from tranship.api.context import Context, context_of
from tranship.api.orders import JSON
from tranship.engine.board import MOST_DECISIONS
from tranship.engine.view import View

AnyRequest = Request[Any, Any, Any]
EVENT_STREAM = "text/event-stream"
HEARTBEAT_S = 10.0
READY_AGE_S = 15.0
"""Real seconds without a new view after which the engine counts as not ready."""
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_json = msgspec.json.Encoder().encode


class Clock(msgspec.Struct, frozen=True):
    """The service's clock: `speed` seconds of it pass in one real second."""

    now: str
    speed: int


class StateNow(msgspec.Struct, frozen=True):
    """The whole board, with the age of what it shows in real seconds."""

    age_s: float
    clock: Clock
    board: View


def state_now(context: Context) -> StateNow:
    """What GET /v1/state answers."""
    follower = context.follower
    view = follower.view
    return StateNow(round(follower.age_s, 3), Clock(view.at, context.service.clock.speed), view)


@get("/v1/state")
async def get_state(request: AnyRequest) -> Response[StateNow]:
    """Totals, shares against caps, stock, what is parked, the last decisions and exceptions."""
    return Response(content=state_now(context_of(request)), media_type=JSON)


@get("/v1/events")
async def get_events(request: AnyRequest) -> Stream:
    """Server-sent events: `state` when something changed, `decision` for each new one (its id is its journal row)."""
    context = context_of(request)
    last = request.headers.get("last-event-id", "")
    known = last.isascii() and last.isdigit() and len(last) < 19
    # Where it begins is settled before a byte is answered: a decision that comes after the caller saw an answer is never missed.
    return stream(context, _events(context, int(last) if known else context.follower.view.seq))


def stream(context: Context, source: AsyncIterator[bytes]) -> Stream:
    """A response of server-sent events; ProblemError 503 where too many are open."""
    if context.streams >= context.settings.streams_max:
        raise problems.busy("more event streams than this service keeps open", 5)
    return Stream(_counted(context, source), media_type=EVENT_STREAM, headers=STREAM_HEADERS)


async def _counted(context: Context, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    context.streams += 1
    try:
        async for piece in source:
            yield piece
    finally:
        context.streams -= 1


def event(name: str, data: bytes, number: int | None = None) -> bytes:
    """One server-sent event; `data` holds no line break (JSON has none)."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + data + b"\n\n"


async def _events(context: Context, after: int) -> AsyncIterator[bytes]:
    """A client that comes back with Last-Event-ID gets the decisions it missed, as far as they are still held."""
    follower, board = context.follower, context.service.board
    yield b"retry: 1000\n\n"
    seen, sent = 0, -1
    while True:
        version = await follower.newer(seen, HEARTBEAT_S)
        if follower.closed:
            return
        if version == seen:
            yield b": alive\n\n"
            continue
        seen, view = version, follower.view
        missed = [decision for decision in reversed(board.decisions(MOST_DECISIONS, after)) if decision.seq <= view.seq]
        out = [event("decision", _json(decision), decision.seq) for decision in missed]
        if view.seq != sent:
            out.append(event("state", _json(state_now(context))))
        sent = after = max(after, view.seq)
        if out:
            yield b"".join(out)


class Health(msgspec.Struct, frozen=True):
    """`ok`, or what is not."""

    status: str


@get("/healthz")
async def get_health() -> Response[Health]:
    """Whether the process answers."""
    return Response(content=Health("ok"), media_type=JSON)


@get("/readyz")
async def get_ready(request: AnyRequest) -> Response[Health]:
    """Whether orders can be taken: the engine has answered lately and is not stopping."""
    follower = context_of(request).follower
    if follower.closed:
        raise problems.busy("the service is stopping")
    if follower.age_s > READY_AGE_S:
        raise problems.busy("the engine has not answered lately")
    return Response(content=Health("ok"), media_type=JSON)


HANDLERS = (get_state, get_events, get_health, get_ready)
