"""A browser signs in with the token and gets a cookie that opens the pages (never the routes that change something)."""

import hmac
from typing import Any
from urllib.parse import parse_qs

from litestar import Request, Response, post

from tranship.api import problems, reading
from tranship.api.context import context_of
from tranship.api.guard import COOKIE, session_of

FORM = "application/x-www-form-urlencoded"


@post("/sign-in")
async def post_sign_in(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The token from the form; back to the page with the cookie, or to the form once more."""
    settings = context_of(request).settings
    reading.check_type(request, FORM)
    body = await reading.whole(request, 1_024, settings.body_timeout_s)
    shown = parse_qs(body.decode("latin-1"), max_num_fields=4).get("token", [""])[0].strip()
    if not settings.token:
        raise problems.not_found("this service needs no token")
    expected = session_of(settings.token.encode())
    if not hmac.compare_digest(session_of(shown.encode()), expected):
        return Response(content=b"", status_code=303, headers={"location": "/sign-in?again=1"})
    secure = "; Secure" if request.url.scheme == "https" else ""
    cookie = f"{COOKIE}={expected}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200{secure}"
    return Response(content=b"", status_code=303, headers={"location": "/", "set-cookie": cookie})


HANDLERS = (post_sign_in,)
