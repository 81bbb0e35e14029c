"""The service put together: handlers, errors, guard; and its life from first view to last commit."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from tranship.api import (
    alerts,
    aliases,
    changing,
    handing,
    hooks,
    masking,
    networks,
    openapi,
    orders,
    problems,
    signin,
    watching,
)
from tranship.api.context import Context
from tranship.api.guard import Guard
from tranship.api.settings import ApiSettings
from tranship.engine.driver.driver import Driver
from tranship.engine.follow import Follower
from tranship.engine.service import Service
from tranship.wire.asgi import App
from tranship.wire.server import Server

DRAIN_S = 5
"""Real seconds that requests under way get at the end: what is not answered by then can be asked again under its key."""
HANDLERS = (
    *orders.HANDLERS,
    *changing.HANDLERS,
    *handing.HANDLERS,
    *networks.HANDLERS,
    *hooks.HANDLERS,
    *alerts.HANDLERS,
    *aliases.HANDLERS,
    *masking.HANDLERS,
    *watching.HANDLERS,
    *signin.HANDLERS,
    openapi.get_schema,
)


def create_app(context: Context, pages: Sequence[ControllerRouterHandler] = ()) -> App:
    """The ASGI application around a service; `pages` are handlers for people, from the console."""
    app = Litestar(
        route_handlers=[*HANDLERS, *pages],
        exception_handlers={Exception: problems.handle},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,  # bodies are read by api.reading, within the limits of the settings
    )
    context.attach(app)
    return Guard(cast("App", app), context.settings, context.buckets)


async def serve(
    service: Service,
    settings: ApiSettings,
    pages: Sequence[ControllerRouterHandler] = (),
    *,
    attach: Callable[[Context], None] | None = None,
    ready: Callable[[Context, Server], Awaitable[None]] | None = None,
) -> None:
    """Serve until a signal comes or `ready` ends; the caller closes `service` after.

    `ready` runs beside the server once it listens. Raises UnavailableError where the port cannot be had.
    """
    follower = Follower(service)
    await follower.start()
    driver = Driver(service) if any(node.connection for node in service.network.nodes) else None
    context = Context(service, settings, follower, driver)
    if attach is not None:
        attach(context)
    server = Server(create_app(context, pages), settings, fronted=True, drain_s=DRAIN_S)
    clock = asyncio.create_task(service.run_clock(settings.tick_s), name="tranship-clock")
    driving = asyncio.create_task(driver.run(), name="tranship-driver") if driver is not None else None
    alarm = asyncio.create_task(context.alarm.run(), name="tranship-alerts") if context.alarm is not None else None
    beside = asyncio.create_task(_beside(context, server, ready), name="tranship-beside")
    ends = asyncio.create_task(_end(server, follower, beside))
    try:
        await server.run_until_stopped()
    finally:
        follower.close()
        for task in (clock, ends, beside, driving, alarm):
            if task is not None:
                await _cancelled(task)
    if not beside.cancelled():
        beside.result()  # what went wrong beside the service is not kept quiet


async def _end(server: Server, follower: Follower, beside: "asyncio.Task[None]") -> None:
    """Once the server is to stop, streams end and nothing new is sent: requests under way are all that is waited for."""
    await server.stopping.wait()
    follower.close()
    beside.cancel()


async def _beside(context: Context, server: Server, ready: Callable[[Context, Server], Awaitable[None]] | None) -> None:
    await server.up.wait()
    if server.failed:
        return
    if ready is None:
        await server.stopping.wait()
        return
    try:
        await ready(context, server)
    finally:
        server.stop()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task
