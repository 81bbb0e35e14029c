"""The HTTP side of every stand-in network: routes, limits, validation, faults on the socket, counting, the control interface."""

import asyncio
import json
import re
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from tranship.sandbox.common.clock import FOREVER, iso, parse_time
from tranship.sandbox.common.faults import Fault, Faults, wait_s, wait_us
from tranship.sandbox.common.limits import Bucket, Limit
from tranship.sandbox.common.vendor import Book
from tranship.sandbox.common.wire import Call, Network, Operation, Refusal, Reply

BODY_BYTES_MAX = 1_000_000
VIOLATIONS_KEPT = 100
JSON_TYPE = "application/json"
_Route = tuple[re.Pattern[str], dict[str, tuple[Operation, tuple[str, ...]]]]


class Rules(NamedTuple):
    """How strict the server is."""

    books: Mapping[str, Book] = {}
    why_not: str = ""  # why nothing is validated
    strict: bool = True  # refuse requests that break the vendor's file
    limits: float = 1.0  # published limits times this; 0 is none


class Tally:
    """What was counted: calls by operation and status, violations, requests that broke the vendor's file."""

    def __init__(self) -> None:
        self.calls: dict[str, Counter[str]] = {}
        self.violations: list[str] = []
        self.violation_count = 0
        self.bad_requests: list[str] = []
        self.bad_request_count = 0
        self.number = 0

    def call(self, operation: Operation | None, what: str) -> None:
        """One call of an operation and how it ended: a status, or the fault that ate the answer."""
        self.calls.setdefault(operation.name if operation else "unknown", Counter())[what] += 1

    def violation(self, where: str, texts: list[str]) -> None:
        """An answer of ours that breaks the vendor's file."""
        self.violation_count += 1
        self.violations = [*self.violations, f"{where}: {'; '.join(texts)}"][-VIOLATIONS_KEPT:]

    def bad_request(self, where: str, texts: list[str]) -> None:
        """A request that breaks the vendor's file."""
        self.bad_request_count += 1
        self.bad_requests = [*self.bad_requests, f"{where}: {'; '.join(texts)}"][-VIOLATIONS_KEPT:]


class Server:
    """Serves one network."""

    def __init__(self, make: Callable[[], tuple[Network, Faults]], rules: Rules) -> None:
        self.rules = rules
        self._make = make
        self._begin()
        self._wake = asyncio.Event()
        self._stopping = False

    def _begin(self) -> None:
        """A new network, with nothing asked of it yet."""
        self.network, self.faults = self._make()
        self.tally = Tally()
        self._routes = _routes(self.network.operations)
        self._buckets = {found.name: Bucket(self._limit(found)) for found in self.network.operations}

    # -- requests ------------------------------------------------------------------------------------------------------

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request. A mistake of the sandbox's own counts as a violation, so that no suite passes over it."""
        done = False
        try:
            reply = await self._answer(request)
            done = True
        finally:
            if not done:
                self.tally.violation(f"{request.method} {request.path}", ["the sandbox failed; see what it wrote"])
        return reply

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raw_path, _, raw_query = request.raw_path.partition("?")
        if raw_path.startswith("/_sandbox"):
            return await self._control(request, raw_path)
        now = self.network.agenda.settle()
        self.tally.number += 1
        operation, path, allowed = self._route(request.method, raw_path)
        if operation is None:
            refusal = Refusal(405, "MethodNotAllowed", "That method is not offered here.") if allowed else Refusal(
                404, "NotFound", "There is nothing at this path."
            )  # fmt: skip
            self.tally.call(None, str(refusal.status))
            return self._http(None, self.network.error(None, refusal), {"Allow": ", ".join(allowed)} if allowed else {})
        body = await request.content.read(BODY_BYTES_MAX + 1)
        query: dict[str, tuple[str, ...]] = {}
        for key, value in parse_qsl(raw_query, keep_blank_values=True, errors="replace"):
            query[key] = (*query.get(key, ()), value)
        headers = {key.lower(): value for key, value in request.headers.items()}
        call = Call(path, query, headers, None, now, now)
        return await self._through(request, operation, call, body)

    async def _through(
        self, request: web.BaseRequest, operation: Operation, call: Call, body: bytes
    ) -> web.StreamResponse:
        """The faults of this call, then its execution, then what is left of its answer."""
        met = self.faults.of_call(
            self._word(operation, call),
            operation.name,
            lambda: f"{'/'.join(call.path.values())} {body.decode(errors='replace')}",
            call.now,
        )
        if "latency" in met:
            await asyncio.sleep(wait_s(met["latency"]))
        now = self.network.agenda.settle()
        call = call._replace(
            now=now,
            seen_at=now - wait_us(met["read_lag"]) if "read_lag" in met else now,
            late=wait_us(met["late_cancel"], 600_000) if "late_cancel" in met else 0,
        )
        for kind in ("hang", "reset", "5xx"):
            if kind in met and met[kind].when == "before":
                return await self._lost(request, operation, met[kind], kind)
        if "delayed" in met:
            self.network.agenda.at(
                now + wait_us(met["delayed"]),
                lambda due: self._late(operation, call._replace(now=due, seen_at=due), body),
            )
            self._wake.set()
            return await self._lost(request, operation, met["delayed"], met["delayed"].reply or "lost_reply")
        reply = self._execute(operation, call, body)
        if "duplicate" in met:
            reply = self._twice(operation, call, body, met["duplicate"], reply)
        self._wake.set()
        for kind in ("hang", "reset", "5xx", "lost_reply"):
            if kind in met:
                return await self._lost(request, operation, met[kind], kind)
        if "garbage" in met:
            return self._http(operation, reply, {}, text=met["garbage"].body or '{"unexpected":true}')
        if "truncate" in met:
            return await self._truncated(request, operation, reply)
        return self._http(operation, reply, {})

    def _execute(self, operation: Operation, call: Call, body: bytes) -> Reply:
        """Carry a request out: limits, credentials, the vendor's file, the handler, the vendor's file again."""
        wait = self._buckets[operation.name].take(call.now) if self.rules.limits > 0 else 0
        if wait:
            reply = self.network.throttled(operation, wait)
        else:
            try:
                self.network.admit(operation, call)
                reply = operation.handle(call._replace(body=self._read(operation, call, body)))
            except Refusal as refusal:
                reply = self.network.error(operation, refusal)
        reply = self._judged(operation, reply)
        self.tally.call(operation, str(reply.status))
        return reply

    def _late(self, operation: Operation, call: Call, body: bytes) -> None:
        self._execute(operation, call, body)

    def _twice(self, operation: Operation, call: Call, body: bytes, fault: Fault, first: Reply) -> Reply:
        """The same request delivered again: at once, or later where the fault says how much."""
        if fault.ms and fault.reply != "second":
            self.network.agenda.at(
                call.now + wait_us(fault), lambda due: self._late(operation, call._replace(now=due, seen_at=due), body)
            )
            return first
        second = self._execute(operation, call, body)
        return second if fault.reply == "second" else first

    def _read(self, operation: Operation, call: Call, body: bytes) -> object:
        """The body as JSON (or form), if the operation has one. A body where none belongs is passed over, as the vendors do."""
        book = self.rules.books.get(operation.file)
        described = book.operations.get(operation.name) if book else None
        wants = described.body is not None if described else operation.method in {"POST", "PUT", "PATCH"}
        found: object = None
        if operation.form:
            found = _form(call.headers, body)
        elif len(body) > BODY_BYTES_MAX:
            raise Refusal(400, "InvalidInput", "The request is too large.")
        elif wants and body:
            try:
                found = json.loads(body, parse_constant=_no_constant)
            except (ValueError, RecursionError) as error:
                raise Refusal(400, "InvalidInput", "Request has missing or invalid parameters.", "not JSON") from error
        if book and described:
            wrong = book.request(operation.name, call.path, call.query, call.headers, found)
            if wrong:
                self.tally.bad_request(operation.name, wrong)
                if self.rules.strict:
                    raise Refusal(
                        400, "InvalidInput", "Request has missing or invalid parameters.", "; ".join(wrong)[:1000]
                    )
        return found

    def _judged(self, operation: Operation, reply: Reply) -> Reply:
        """The reply, or a 500 where it breaks the vendor's file."""
        book = self.rules.books.get(operation.file)
        if book is None or operation.name not in book.operations:
            return reply
        if (
            reply.status in getattr(self.network, "undeclared", ())
            and str(reply.status) not in book.operations[operation.name].answers
        ):
            return reply  # the vendor has it elsewhere in its documentation
        wrong = book.response(operation.name, reply.status, reply.body)
        if not wrong:
            return reply
        self.tally.violation(f"{operation.name} {reply.status}", wrong)
        return self.network.error(
            operation, Refusal(500, "SandboxViolation", "The sandbox broke the vendor's file.", "; ".join(wrong)[:1000])
        )

    def _word(self, operation: Operation, call: Call) -> str:
        """The contract's word for this call: a network may say so call by call, where one operation does two things."""
        word = getattr(self.network, "word", None)
        return str(word(operation, call)) if word else operation.op

    def _route(self, method: str, raw_path: str) -> tuple[Operation | None, dict[str, str], list[str]]:
        for pattern, operations in self._routes:
            match = pattern.fullmatch(raw_path)
            if match is None:
                continue
            if method not in operations:
                return None, {}, sorted(operations)
            operation, names = operations[method]
            return operation, dict(zip(names, map(unquote, match.groups()), strict=True)), []
        return None, {}, []

    def _limit(self, operation: Operation) -> Limit:
        book = self.rules.books.get(operation.file)
        published = book.operations[operation.name].limit if book and operation.name in book.operations else Limit()
        limit = published if published.per_s_milli else operation.limit
        return Limit(round(limit.per_s_milli * self.rules.limits), limit.burst)

    # -- answers -------------------------------------------------------------------------------------------------------

    def _http(
        self, operation: Operation | None, reply: Reply, more: Mapping[str, str], text: str | None = None
    ) -> web.Response:
        limit = self._buckets[operation.name].limit if operation else Limit()
        headers = {**self.network.headers(operation, limit, self.tally.number), **reply.headers, **more}
        if text is None:
            text = None if reply.body is None else json.dumps(reply.body, separators=(",", ":"))
        body = None if text is None else text.encode()
        return web.Response(status=reply.status, body=body, headers={"Content-Type": JSON_TYPE, **headers})

    async def _lost(
        self, request: web.BaseRequest, operation: Operation, fault: Fault, kind: str
    ) -> web.StreamResponse:
        """An answer that never comes: silence, a reset, a close, or an error that says nothing of what was done."""
        self.tally.call(operation, f"fault {fault.kind}")
        if kind == "5xx":
            status = fault.status if fault.kind == "5xx" else 503
            refusal = Refusal(status, "InternalFailure", "We encountered an internal error. Please try again.")
            return self._http(operation, self.network.error(operation, refusal), {})
        transport = request.transport
        if kind == "hang":
            wait = wait_s(fault, 3_600_000) if fault.kind == "hang" else 3600.0
            await self._silence(transport, wait)
        if transport is not None:
            _drop(transport, reset=kind == "reset")
        return _Nothing()

    async def _silence(self, transport: asyncio.BaseTransport | None, seconds: float) -> None:
        """Say nothing until the caller gives up, the time is over, or the sandbox ends."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while transport is not None and not transport.is_closing() and not self._stopping and loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # the end of a connection is no event that could be waited for

    async def _truncated(self, request: web.BaseRequest, operation: Operation, reply: Reply) -> web.StreamResponse:
        """Headers of the whole answer, half of its body, and the end of the connection."""
        whole = self._http(operation, reply, {})
        body = whole.body if isinstance(whole.body, bytes) and whole.body else b"{}"
        half = web.StreamResponse(status=reply.status, headers=whole.headers)
        half.content_length = len(body)
        await half.prepare(request)
        await half.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close()
        return half

    # -- control -------------------------------------------------------------------------------------------------------

    async def _control(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """What tests and people say to the sandbox itself: below /_sandbox, without credentials, never the vendor's."""
        try:
            raw = await request.read()
            body = json.loads(raw) if raw else None
            return _plain(200, self._said(request.method, unquote(path.removeprefix("/_sandbox")), body))
        except Refusal as refusal:
            return _plain(refusal.status, {"error": refusal.code, "message": refusal.message})
        except ValueError as error:
            return _plain(400, {"error": "BadControl", "message": str(error)})
        finally:
            self._wake.set()

    def _said(self, method: str, path: str, body: object) -> object:
        agenda, clock = self.network.agenda, self.network.agenda.clock
        now = agenda.settle()
        known = body if isinstance(body, dict) else {}
        match method, path:
            case "GET", "/clock":
                return self._time()
            case "PUT", "/clock":
                rate = known.get("rate", {"real": 1.0, "virtual": 0.0}.get(str(known.get("mode", ""))))
                clock.set(
                    at=parse_time(known["at"]) if "at" in known else None,
                    advance=round(float(known.get("advance_s", 0)) * 1_000_000),
                    rate=None if rate is None else max(0.0, float(rate)),
                )
                agenda.settle()
                return self._time()
            case "POST", "/faults":
                return self.faults.add(body, now).shown()
            case "GET", "/faults":
                return [fault.shown() for fault in self.faults.rules.values()]
            case "DELETE", _ if path == "/faults" or path.startswith("/faults/"):
                self.faults.remove(path.removeprefix("/faults").strip("/"), now)
                return {}
            case "POST", "/reset":
                self._begin()
                return self._time()
            case "GET", "/report":
                return self.report()
            case "GET", "/settings":
                return self.network.settings()
        return self.network.control(method, path, body)

    def report(self) -> dict[str, object]:
        """What was asked, what was answered wrongly, and what really shipped."""
        truth = self.network.truth()
        pushed = truth.pop("push_violations", [])  # of notifications, which a network checks on its own
        assert isinstance(pushed, list)
        return {
            "sandbox": self.network.name,
            "validates": bool(self.rules.books),
            "why_not": self.rules.why_not,
            "violations": self.tally.violation_count + len(pushed),
            "violation_texts": [*self.tally.violations, *pushed[:VIOLATIONS_KEPT]],
            "bad_requests": self.tally.bad_request_count,
            "bad_request_texts": self.tally.bad_requests,
            "calls": {name: dict(found) for name, found in sorted(self.tally.calls.items())},
            "faults": [fault.shown() for fault in self.faults.rules.values()],
            "now": iso(self.network.agenda.clock.now()),
            **truth,
        }

    def _time(self) -> dict[str, object]:
        now = self.network.agenda.clock.now()
        next_at = self.network.agenda.next_at()
        return {
            "now": iso(now),
            "us": now,
            "rate": self.network.agenda.clock.rate,
            "next": iso(next_at) if next_at < FOREVER else None,
        }

    # -- life ----------------------------------------------------------------------------------------------------------

    async def run(self, host: str, port: int) -> None:
        """Serve until `stop`; prints one line of JSON with the address when it listens."""
        runner = web.ServerRunner(web.Server(self.answer, access_log=None), handle_signals=False, shutdown_timeout=0.2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            url = f"http://{host}:{runner.addresses[0][1]}"
            line = {
                "sandbox": self.network.name, "url": url, **self.network.settings(),
                "validates": bool(self.rules.books), "why_not": self.rules.why_not,
            }  # fmt: skip
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            await self._keep_time()
        finally:
            await runner.cleanup()

    def stop(self) -> None:
        """End `run`."""
        self._stopping = True
        self._wake.set()

    async def _keep_time(self) -> None:
        """Do what falls due even while nobody asks."""
        while not self._stopping:
            agenda = self.network.agenda  # another one after a reset
            self._wake.clear()
            agenda.settle()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), min(60.0, max(0.005, agenda.clock.wall_s(agenda.next_at()))))


class _Nothing(web.Response):
    """An answer to a connection that is gone."""

    async def prepare(self, request: web.BaseRequest) -> None:  # noqa: ARG002
        """Nothing is written."""
        return

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002
        """Nothing is written."""
        return


def _routes(operations: Iterable[Operation]) -> list[_Route]:
    """Operations by method for each path; the more concrete path goes first, as OpenAPI says."""
    paths: dict[str, dict[str, tuple[Operation, tuple[str, ...]]]] = {}
    for operation in operations:
        parts = re.split(r"\{([^}]+)\}", operation.path)
        pattern = "([^/]+)".join(map(re.escape, parts[::2]))
        paths.setdefault(pattern, {})[operation.method] = (operation, tuple(parts[1::2]))
    concrete = sorted(paths, key=lambda path: (path.count("([^/]+)"), -len(path)))
    return [(re.compile(path), paths[path]) for path in concrete]


def _form(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """A form or a JSON object of texts."""
    text = body.decode(errors="replace")
    if headers.get("content-type", "").startswith(JSON_TYPE):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
    return dict(parse_qsl(text, keep_blank_values=True))


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _plain(status: int, body: object) -> web.Response:
    return web.json_response(body, status=status)


def _drop(transport: asyncio.BaseTransport, *, reset: bool) -> None:
    """Close a connection; with `reset` so that the other side sees RST instead of an orderly end."""
    found = transport.get_extra_info("socket")
    if reset and found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.Transport) and reset:
        transport.abort()
    else:
        transport.close()
