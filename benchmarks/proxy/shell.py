"""The proxy's own shell, passing bytes through: what a proxy costs that masks nothing. It exists for this benchmark only.

The same wire, head rules, body limits, turns and client as the real one; no policy, no vault. It is no part of the package, so no
setting of the proxy can turn it on.
"""

import asyncio
import json
import os
import sys

import uvloop

from tranship.connectors.http import HttpClient
from tranship.connectors.port import Request
from tranship.proxy import heads
from tranship.proxy.app import Reply, Shell
from tranship.proxy.calm import calm
from tranship.proxy.counts import Counts
from tranship.proxy.heads import Head
from tranship.proxy.settings import ProxySettings
from tranship.wire.server import Server


class PassThrough:
    """Sends what it gets, and gives back what it is sent."""

    operation = "pass"

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self.wants_body = False

    def route(self, head: Head) -> "PassThrough":
        """Itself: it knows no operations."""
        self.wants_body = head.method != "GET"
        return self

    def ready(self) -> str:
        """Always."""
        return ""

    async def erase(self, order_id: str) -> bool:  # noqa: ARG002 - it knows no orders
        """Nothing."""
        return False

    async def document(self, name: str) -> Reply:  # noqa: ARG002 - it keeps none
        """Nothing."""
        return Reply(404, [], b"{}")

    async def answer(self, head: Head, body: bytes) -> Reply:
        """What the upstream says."""
        request = Request(
            "pass", head.method, "/" + "/".join(head.segments), (), heads.access_token(head.headers), body
        )
        answer = await self._client.send(request)
        headers = [(b"content-type", b"application/json"), *heads.back(answer.headers)]
        return Reply(answer.status, headers, answer.body)


async def _main(upstream: str) -> None:
    settings = ProxySettings(upstream, port=0)
    async with HttpClient(upstream, at_once=settings.requests_max) as client:
        server = Server(Shell(settings, PassThrough(client), Counts()), settings)
        task = asyncio.create_task(server.run_until_stopped())
        await server.up.wait()
        calm()
        print(json.dumps({"port": server.port, "pid": os.getpid()}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.stop()
        await task


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
