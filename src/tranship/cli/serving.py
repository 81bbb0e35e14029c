"""Runs a service on this thread until it is told to stop: event loop, pages, and a clean end."""

import asyncio
from collections.abc import Awaitable, Callable

from tranship.api.app import serve
from tranship.api.context import Context
from tranship.api.settings import ApiSettings
from tranship.cli.output import hint
from tranship.console.live.pages import Live
from tranship.engine.memory import calm_collector
from tranship.engine.service import Service
from tranship.proxy.served import Served
from tranship.wire.loop import loop_factory
from tranship.wire.server import Server

Ready = Callable[[str], Awaitable[None]]
Beside = Callable[[Context, str], Awaitable[None]]


def run_service(
    make: Callable[[], Service],
    settings: ApiSettings,
    ready: Ready,
    *,
    beside: Beside | None = None,
    footer: str = "",
) -> None:
    """Open a service, serve it with its pages until a signal comes (or `beside` ends), close it.

    `ready` is told the address once it is listened on; `beside` runs while the service does.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        hint("opening the run; the very first start compiles the router, which may take a minute")
        service = make()
        calm_collector()
        try:
            runner.run(_serve(service, settings, ready, beside, footer))
        finally:
            service.close()


async def _serve(service: Service, settings: ApiSettings, ready: Ready, beside: Beside | None, footer: str) -> None:
    pages = Live(footer)

    async def go(context: Context, server: Server) -> None:
        address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{server.port}"
        await ready(address)
        if beside is not None:
            await beside(context, address)
        else:
            await server.stopping.wait()

    def attach(context: Context) -> None:
        pages.attach(context.service, context.follower)
        context.masking = Served(context.service)

    await serve(
        service,
        settings,
        pages.handlers(),
        attach=attach,
        ready=go,
    )
