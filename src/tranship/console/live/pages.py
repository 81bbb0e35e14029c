"""The pages as handlers of the service. Everything is rendered here, once per version of the view, however many are looking."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from tranship.console.live import words
from tranship.core.errors import InputError
from tranship.core.time import from_micros
from tranship.engine.explain import explain
from tranship.engine.follow import Follower
from tranship.engine.lookup import find_order
from tranship.engine.service import Service
from tranship.engine.view import View

AnyRequest = Request[Any, Any, Any]
PARTS = ("figures", "quarantine", "shares", "handing", "decisions", "stock", "parked", "exceptions", "drift")
"""Sections of the page, each swapped when it changes; `clock` in the header is one more."""
STATIC = {"live.css": "text/css", "live.js": "text/javascript", "mark.svg": "image/svg+xml"}
HTML = "text/html"
HEARTBEAT_S = 10.0
TABLE_EVERY_S = 2.0
"""Real seconds between two versions of the table of decisions."""
MOST_STREAMS = 100
MOST_STORIES = 4
REFRESH_S = range(1, 61)


@cache
def environment() -> Environment:
    """Templates of this folder; everything is escaped, a name that does not exist is an error."""
    env = Environment(
        loader=PackageLoader("tranship.console.live"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    env.filters.update(count=words.count, units=words.units, percent=words.percent, money=words.money, span=words.span)
    env.globals.update(
        stacks=words.stacks,
        gauge=words.gauge,
        shelf=words.shelf,
        trace=words.trace,
        ratio=words.ratio,
        each=words.each,
        version=_version(),
    )
    return env


def _file(name: str) -> bytes:
    return resources.files("tranship.console.live").joinpath("static", name).read_bytes()


@cache
def _version() -> str:
    """Changes with what browsers keep."""
    return hashlib.sha256(b"".join(_file(name) for name in STATIC)).hexdigest()[:10]


class Live:
    """The pages of one running service. `attach` comes before the first request."""

    def __init__(self, footer: str = "") -> None:
        """`footer`: a sentence below the page."""
        self._footer = footer
        self._follower: Follower | None = None
        self._service: Service | None = None
        self._rendered: tuple[int, dict[str, str]] = (-1, {})
        self._table_at, self._table_seq = (
            0.0,
            0,
        )  # when the table of decisions was made last, and up to which journal row
        self._streams = 0
        self._telling = asyncio.Semaphore(MOST_STORIES)

    def attach(self, service: Service, follower: Follower) -> None:
        """Show this service from now on."""
        self._service, self._follower = service, follower

    @property
    def follower(self) -> Follower:
        """What is shown."""
        assert self._follower is not None, "the pages were not attached"
        return self._follower

    @property
    def service(self) -> Service:
        """What is served."""
        assert self._service is not None, "the pages were not attached"
        return self._service

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """The routes."""
        page = get("/")(self.index)
        return (
            page,
            get("/live")(self.live),
            get("/orders/{order_id:str}")(self.order),
            get("/sign-in")(self.sign_in),
            get("/static/{name:str}")(self.static),
        )

    # -- routes -------------------------------------------------------------------------------------------------------

    async def index(self, request: AnyRequest) -> Response[str]:
        """What is going on now."""
        asked = request.query_params.get("refresh", "")
        refresh = (
            int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 3 and int(asked) in REFRESH_S else 0
        )
        context = self._context(self.follower.view)
        page = environment().get_template("index.html")
        return _html(page.render(context, parts=PARTS, refresh=refresh, footer=self._footer))

    async def live(self) -> Response[Any]:
        """The parts of the page that changed, as they change."""
        if self._streams >= MOST_STREAMS:
            return Response(content=b"", status_code=503, headers={"retry-after": "5"})
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Stream(self._changes(), media_type="text/event-stream", headers=headers)

    async def order(self, request: AnyRequest) -> Response[str]:
        """One order's story."""
        store = self.service.store
        try:
            order = await asyncio.to_thread(find_order, store, request.path_params["order_id"][:200])
        except InputError as error:
            return _message("No such order", f"{error.what}. {error.hint}".strip(), status=404)
        async with self._telling:
            story = await asyncio.to_thread(explain, store, order.order)
        page = environment().get_template("order.html")
        return _html(page.render(order=order, story=story, hue=words.hues(self.follower.view), refresh=0))

    async def sign_in(self, request: AnyRequest) -> Response[str]:
        """Ask for the token."""
        again = "again" in request.query_params
        text = (
            "That was not it." if again else "This service wants to know who is looking. The token is in its settings."
        )
        return _message("Sign in", text, form=True)

    async def static(self, request: AnyRequest) -> Response[bytes]:
        """Style, script and mark; their address changes with their content."""
        name = request.path_params["name"]
        if name not in STATIC:
            return Response(content=b"", status_code=404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(content=_file(name), media_type=STATIC[name], headers=headers)

    # -- rendering ----------------------------------------------------------------------------------------------------

    async def _changes(self) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            seen, sent = 0, dict[str, str]()
            yield b"retry: 1000\n\n"
            while True:
                version = await self.follower.newer(seen, HEARTBEAT_S)
                if self.follower.closed:
                    return
                if version == seen:
                    yield b": alive\n\n"
                    continue
                seen, parts = version, self._parts()
                changed = {name: html for name, html in parts.items() if sent.get(name) != html}
                sent.update(changed)
                data = msgspec.json.encode({"age_s": round(self.follower.age_s, 2), "parts": changed})
                yield b"event: parts\ndata: " + data + b"\n\n"
        finally:
            self._streams -= 1

    def _parts(self) -> dict[str, str]:
        """The parts' HTML, rendered once per version; the table of decisions less often, so that it can be read."""
        version, parts = self._rendered
        if version == self.follower.version:
            return parts
        view, now = self.follower.view, time.monotonic()
        context, env = self._context(view), environment()
        fresh = {name: env.get_template(f"{name}.html") for name in (*PARTS, "clock")}
        if now - self._table_at < TABLE_EVERY_S and "decisions" in parts:
            del fresh["decisions"]
        else:
            context["fresh_after"] = self._table_seq if self._table_at else view.seq
            self._table_at, self._table_seq = now, view.seq
        parts = {**parts, **{name: template.render(context) for name, template in fresh.items()}}
        self._rendered = (self.follower.version, parts)
        return parts

    def _context(self, view: View) -> dict[str, Any]:
        shares = {share.network: share for share in view.shares}
        return {
            "view": view,
            "hue": words.hues(view),
            "capped": {code: share.capped for code, share in shares.items()},
            "window": max((network.of_last for network in view.networks), default=0),
            "waits": sum(row.units for row in view.parked),
            "most": max((node.fulfillable + node.reserved + node.in_transit for node in view.nodes), default=0),
            "moment": from_micros(self.service.clock.now()).strftime("%a %d %b %Y, %H:%M UTC"),
            "speed": self.service.clock.speed,
            "fresh_after": view.seq,  # nothing is new to somebody who just came
        }


def _html(text: str, status: int = 200) -> Response[str]:
    return Response(content=text, media_type=HTML, status_code=status)


def _message(title: str, text: str, *, status: int = 200, form: bool = False) -> Response[str]:
    page = environment().get_template("message.html")
    return _html(page.render(title=title, text=text, form=form, refresh=0), status)
