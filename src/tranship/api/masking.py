"""POST /v1/masking: the service masks and unmasks for proxies that have no store of their own.

Answered after the commit, and never with a value in an error.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec
from litestar import Request, Response, post

from tranship.api import asked, problems, reading
from tranship.api.context import context_of
from tranship.api.orders import JSON
from tranship.api.problems import FieldError, ProblemError
from tranship.masking.remote import (
    MASK_BYTES_MAX,
    UNMASK_BYTES_MAX,
    DeclinedError,
    EraseIn,
    EraseOut,
    MaskIn,
    MaskOut,
    UnmaskIn,
    UnmaskOut,
)

AnyRequest = Request[Any, Any, Any]
TITLE = "The message is not masked, or not passed on"
ERASE_BYTES_MAX = 4_096
In = TypeVar("In", bound=msgspec.Struct)
Out = TypeVar("Out", MaskOut, UnmaskOut, EraseOut)


class Masking(Protocol):
    """Who masks for proxies; each raises DeclinedError where nothing may leave, or come in."""

    async def mask(self, asked: MaskIn) -> MaskOut:
        """What may leave of a message."""

    async def unmask(self, asked: UnmaskIn) -> UnmaskOut:
        """An answer in the client's words."""

    async def erase(self, asked: EraseIn) -> EraseOut:
        """Forget an order."""


@post("/v1/masking/mask", status_code=200)
async def post_mask(request: AnyRequest) -> Response[MaskOut]:
    """What may leave of a message; tokens, sealed bytes and audit are durable. The same message again gives the same bytes."""
    return await _answered(request, MASK_BYTES_MAX, MaskIn, lambda masking, given: masking.mask(given))


@post("/v1/masking/unmask", status_code=200)
async def post_unmask(request: AnyRequest) -> Response[UnmaskOut]:
    """A network's answer in the client's words. 422 `quarantine`: nothing of it may be passed on."""
    return await _answered(request, UNMASK_BYTES_MAX, UnmaskIn, lambda masking, given: masking.unmask(given))


@post("/v1/masking/erase", status_code=200)
async def post_erase(request: AnyRequest) -> Response[EraseOut]:
    """Forget an order that went through a proxy: no file of the run keeps a trace of whose it was."""
    return await _answered(request, ERASE_BYTES_MAX, EraseIn, lambda masking, given: masking.erase(given))


async def _answered(
    request: AnyRequest, limit: int, form: type[In], ask: Callable[[Masking, In], Awaitable[Out]]
) -> Response[Out]:
    context = context_of(request)
    reading.check_type(request, JSON)
    body = await reading.whole(request, limit, context.settings.body_timeout_s)
    if context.masking is None:
        raise problems.not_found("this service does not mask for proxies")
    given = asked.read(body, form)
    try:
        return Response(content=await ask(context.masking, given), media_type=JSON)
    except DeclinedError as declined:
        raise _problem(declined) from None


def _problem(declined: DeclinedError) -> ProblemError:
    headers = {"retry-after": str(problems.RETRY_AFTER_S)} if declined.status == 503 else {}
    return ProblemError(
        declined.status, f"masking:{declined.name}", TITLE, declined.why, errors=[FieldError(declined.leaf, declined.why)], headers=headers
    )  # fmt: skip


HANDLERS = (post_mask, post_unmask, post_erase)
