"""Errors as RFC 9457 problem details: what happened, in which field, when to come back. Never a stack trace, never our insides."""

import json
import re
import sys
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from tranship.core.errors import ConflictError, InputError, TranshipError, UnavailableError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field; `field` is its path in the body, empty for the body as a whole."""

    field: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457. `type` is a name to switch on; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: tuple[FieldError, ...] = ()


class ProblemError(Exception):
    """Raised where a request cannot be served; becomes a problem response."""

    def __init__(
        self,
        status: int,
        name: str,
        title: str,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        self.problem = Problem(f"urn:tranship:problem:{name}", title, status, detail, errors=tuple(errors))
        self.headers = headers or {}
        super().__init__(title)


def not_json(detail: str) -> ProblemError:
    """400: the body is no JSON."""
    return ProblemError(400, "not-json", "The body is not JSON", detail)


def invalid(detail: str, field: str = "") -> ProblemError:
    """422: the body is JSON, but not an order that can be taken."""
    return ProblemError(
        422, "invalid", "The request cannot be taken as it is", f"{field}: {detail}" if field else detail,
        errors=[FieldError(field, detail)],
    )  # fmt: skip


def too_large(limit: int, what: str) -> ProblemError:
    """413, and the connection closes: the rest of the body is not read."""
    detail = f"{what} may have {limit:,} bytes"
    return ProblemError(413, "too-large", "The body is too large", detail, headers={"connection": "close"})


def too_many_lines(limit: int) -> ProblemError:
    """413 for a bulk body."""
    return ProblemError(413, "too-large", "The body is too large", f"a bulk request may have {limit:,} lines")


def wrong_type(found: str, allowed: Iterable[str]) -> ProblemError:
    """415."""
    names = " or ".join(allowed)
    shown = f"{found[:60]!r}" if found else "none"
    return ProblemError(
        415, "content-type", "The content type is not one that is read here", f"found {shown}; send {names}",
        headers={"accept": names.replace(" or ", ", ")},
    )  # fmt: skip


def too_slow(seconds: float) -> ProblemError:
    """408."""
    detail = f"the body did not arrive within {seconds:g} seconds"
    return ProblemError(408, "too-slow", "The body did not arrive", detail, headers={"connection": "close"})


def not_found(what: str) -> ProblemError:
    """404."""
    return ProblemError(404, "not-found", "There is no such thing here", what)


def busy(detail: str, retry_after_s: float = RETRY_AFTER_S) -> ProblemError:
    """503 with Retry-After."""
    headers = {"retry-after": _seconds(retry_after_s)}
    return ProblemError(503, "unavailable", "Not now", detail, headers=headers)


def too_many(retry_after_s: float) -> ProblemError:
    """429 with Retry-After."""
    detail = f"more requests than this caller may make; come back in {_seconds(retry_after_s)} s"
    return ProblemError(429, "too-many", "Too many requests", detail, headers={"retry-after": _seconds(retry_after_s)})


def unauthorized() -> ProblemError:
    """401 with WWW-Authenticate."""
    headers = {"www-authenticate": 'Bearer realm="tranship"'}
    return ProblemError(401, "unauthorized", "A token is needed", "send Authorization: Bearer TOKEN", headers=headers)


def of_house(error: TranshipError) -> ProblemError:
    """An error of the house as a problem. What is a fault of ours is told to the log by its name only."""
    if isinstance(error, ConflictError):
        return ProblemError(409, "conflict", "This key was used before with other content", str(error))
    if isinstance(error, InputError):
        detail = f"{error.what}. {error.hint}" if error.hint else error.what
        field = error.where if re.fullmatch(r"[a-z_]+(\[\d+\])?(\.[a-z_]+)*", error.where) else ""
        return invalid(detail, field)
    if isinstance(error, UnavailableError):
        return busy("the engine cannot take this now; the same request may go through later")
    log(f"{type(error).__name__} while serving a request")
    return internal()


def internal() -> ProblemError:
    """500."""
    return ProblemError(500, "internal", "Something is wrong on our side", "the request may not have been carried out")


def of_any(error: Exception) -> ProblemError:
    """Whatever went wrong, as a problem."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, TranshipError):
        return of_house(error)
    if isinstance(error, HTTPException):
        return _of_framework(error)
    log(f"{type(error).__name__} while serving a request")
    return internal()


def _of_framework(error: HTTPException) -> ProblemError:
    status = error.status_code
    title = HTTPStatus(status).phrase
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    name = {404: "not-found", 405: "method-not-allowed"}.get(status, "http-error")
    detail = {404: "no such address", 405: f"allowed: {headers.get('allow', 'see the schema')}"}.get(status, title)
    return ProblemError(status, name, title, detail, headers={k: v for k, v in headers.items() if k == "allow"})


def body_of(error: ProblemError, path: str) -> bytes:
    """The problem's bytes; `path` names the request it is about."""
    return msgspec.json.encode(msgspec.structs.replace(error.problem, instance=path[:200]))


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's handler for every error."""
    found = of_any(error)
    return Response(
        content=body_of(found, request.scope["path"]),
        status_code=found.problem.status,
        media_type=MEDIA_TYPE,
        headers=found.headers,
    )


def check_keys(body: bytes) -> None:
    """Refuse an object that names a key twice: two readers would read two different orders."""

    def pairs(found: list[tuple[str, object]]) -> None:
        keys = [key for key, _ in found]
        if len(set(keys)) != len(keys):
            twice = next(key for i, key in enumerate(keys) if key in keys[:i])
            raise invalid("is there twice", _shown(twice))

    json.loads(body, object_pairs_hook=pairs)


_PATH = re.compile(r" - at `\$\.?(.*)`$")
_FIELD = re.compile(r"(unknown|missing required) field `([^`]*)`")


def of_decoding(error: Exception) -> ProblemError:
    """A body that msgspec could not read, told without a single value of it."""
    if not isinstance(error, msgspec.ValidationError):
        if isinstance(error, RecursionError):
            return not_json("objects or lists too deep inside one another")
        place = re.search(r"\(byte \d+\)", str(error))
        return not_json(f"not JSON in UTF-8{' ' + place.group() if place else ''}")
    text = str(error)
    found = _PATH.search(text)
    path = _shown(found.group(1)) if found else ""
    detail = text[: found.start()] if found else text
    named = _FIELD.search(detail)
    if named:
        path = ".".join(word for word in (path, _shown(named.group(2))) if word)
        return invalid("is not a field" if named.group(1) == "unknown" else "is missing", path)
    return invalid(detail[:1].lower() + detail[1:].replace("`", ""), path)


def _shown(name: str) -> str:
    """A field's name as far as it looks like one: a caller may have put anything there."""
    return name if re.fullmatch(r"[A-Za-z0-9_.\[\]]{1,60}", name) else "a name that is not shown"


def _seconds(value: float) -> str:
    return str(max(1, -int(-value // 1)))


def log(text: str) -> None:
    """One line for the operator. Never a body, never a value that a caller sent."""
    sys.stderr.write(f"tranship: {text}\n")


JSON = MediaType.JSON
