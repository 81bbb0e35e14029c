"""The head of a message: which headers are read, which leave, which come back. All others end here, in both directions."""

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from tranship.proxy.refusal import RefusedError

ONCE = frozenset(
    {b"host", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"authorization",
     b"expect", b"connection", b"x-amz-access-token", b"x-tranship-token", b"x-http-method-override"}
)  # fmt: skip
"""Headers that mean something to whoever reads the request: one that is there twice may be read twice."""
ACCESS_TOKEN = "x-amz-access-token"  # noqa: S105 - the header's name
_ACCESS_TOKEN = re.compile(rb"At[zc](?:\.sprdt|[ar])?\|[A-Za-z0-9_+/=.|-]{1,4000}")
"""Login with Amazon's tokens. The only text of a client that leaves as it came, so it has to look like one."""
_JSON = re.compile(rb"application/json(?: *; *charset=\"?utf-8\"?)?", re.IGNORECASE)
_PATH = re.compile(rb"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+")
_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_QUERY = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:@%/?|\[\]-]*")
_PIECES_MAX = 64
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,4})?")
BACK = {"x-amzn-requestid": _REQUEST_ID, "x-amzn-ratelimit-limit": _NUMBER, "retry-after": _NUMBER}
"""What comes back of an answer's headers, and what each must look like."""


class Head(NamedTuple):
    """What is read of a request's head. `segments` and `query` are decoded; `headers` by name in lower case, each once."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: Mapping[bytes, bytes]
    target: bytes  # path and query as they came: only ever digested


def read(method: str, raw_path: bytes, query: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Head:
    """The head, where there is only one way to read it.

    Raises:
        RefusedError: a header that counts is there twice, a path that climbs or hides a slash, a query name twice, no UTF-8.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in found and name in ONCE:
            raise RefusedError(400, "header", "is there twice", leaf=name.decode("ascii"), close=True)
        found[name] = value
    if b"host" not in found:
        raise RefusedError(400, "header", "is missing", leaf="host", close=True)
    if b"content-length" in found and b"transfer-encoding" in found:
        raise RefusedError(400, "header", "contradicts content-length", leaf="transfer-encoding", close=True)
    if found.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise RefusedError(400, "header", "is not chunked", leaf="transfer-encoding", close=True)
    for name in (b"x-http-method-override", b"upgrade"):
        if name in found:
            raise RefusedError(400, "header", "is not taken here", leaf=name.decode("ascii"), close=True)
    return Head(method, _segments(raw_path), _query(query), found, raw_path + b"?" + query)


def _segments(raw: bytes) -> tuple[str, ...]:
    if not _PATH.fullmatch(raw) or _ESCAPE.search(raw) or raw.count(b"/") > _PIECES_MAX:
        raise RefusedError(400, "not-http", "the path is not one", leaf="path")
    segments = tuple(_decoded(segment, "path") for segment in raw[1:].split(b"/"))
    for segment in segments:
        if segment in {".", ".."} or "/" in segment or "\\" in segment:
            raise RefusedError(400, "not-http", "the path climbs, or hides a slash", leaf="path")
    return segments


def _query(raw: bytes) -> dict[str, str]:
    if not raw:
        return {}
    if not _QUERY.fullmatch(raw) or _ESCAPE.search(raw) or raw.count(b"&") > _PIECES_MAX:
        raise RefusedError(400, "not-http", "the query is not one", leaf="query")
    found: dict[str, str] = {}
    for piece in raw.split(b"&"):
        name, equals, value = piece.replace(b"+", b" ").partition(b"=")
        key = _decoded(name, "query")
        if not equals or not key or key in found:
            raise RefusedError(400, "not-http", "a name without a value, or twice", leaf="query")
        found[key] = _decoded(value, "query")
    return found


def _decoded(raw: bytes, where: str) -> str:
    try:
        text = unquote_to_bytes(raw).decode("utf-8") if b"%" in raw else raw.decode("ascii")
    except UnicodeDecodeError:
        raise RefusedError(400, "not-http", "is not UTF-8", leaf=where) from None
    if not text.isprintable():
        raise RefusedError(400, "not-http", "holds signs that cannot be printed", leaf=where)
    return text


def check_body(headers: Mapping[bytes, bytes], *, wanted: bool) -> None:
    """The body is JSON in UTF-8 and not compressed; where the operation has none, none is announced.

    Raises:
        RefusedError: names the header.
    """
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding.lower() != b"identity":
        raise RefusedError(415, "encoding", "send the body as it is", leaf="content-encoding", close=True)
    if not wanted:
        return
    if not _JSON.fullmatch(headers.get(b"content-type", b"").strip()):
        raise RefusedError(415, "content-type", "send application/json in UTF-8", leaf="content-type", close=True)


def admitted(headers: Mapping[bytes, bytes], token: bytes, *, own_login: bool) -> bool:
    """Whether a client shows the proxy's token: as bearer, in x-tranship-token or, where the proxy logs in itself, in Amazon's header."""
    if not token:
        return True
    bearer = headers.get(b"authorization", b"")
    shown = [headers.get(b"x-tranship-token", b""), bearer[7:] if bearer[:7].lower() == b"bearer " else b""]
    if own_login:
        shown.append(headers.get(ACCESS_TOKEN.encode(), b""))
    return any([hmac.compare_digest(one, token) for one in shown])  # noqa: C419 - each is compared: no time tells which


def access_token(headers: Mapping[bytes, bytes]) -> tuple[tuple[str, str], ...]:
    """The client's own access token, as the one header of a client that leaves.

    Raises:
        RefusedError: it does not look like one.
    """
    value = headers.get(ACCESS_TOKEN.encode())
    if value is None:
        return ()
    if not _ACCESS_TOKEN.fullmatch(value):
        raise RefusedError(400, "header", "is not an access token", leaf=ACCESS_TOKEN)
    return ((ACCESS_TOKEN, value.decode("ascii")),)


def back(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that reach the client: those on the list, where they look as they must."""
    return [
        (name.encode(), headers[name].encode()) for name, form in BACK.items() if form.fullmatch(headers.get(name, ""))
    ]
