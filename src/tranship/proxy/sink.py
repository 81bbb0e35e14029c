"""Where a dry run goes: nowhere. It takes what would have left, keeps the newest few in memory, and answers as if it were taken."""

from collections import deque

from tranship.connectors.port import Request, Response

KEPT = 100
"""Masked requests that are remembered."""


class Sink:
    """An upstream that is not there."""

    def __init__(self) -> None:
        self.got: deque[Request] = deque(maxlen=KEPT)

    async def send(self, request: Request) -> Response:
        """An empty answer, whatever it is."""
        self.got.append(request)
        return Response(200, {}, b"{}")
