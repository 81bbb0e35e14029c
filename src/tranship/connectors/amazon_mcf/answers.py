"""Amazon's answers as outcomes: what every operation of the Selling Partner API has in common. Pure; never raises on what came.

A detail names place and code of what is wrong and never quotes: Amazon's error messages repeat what was sent, addresses included.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from tranship.connectors.http import retry_after_ms
from tranship.connectors.port import Finding, Order, Response
from tranship.core.errors import InvariantError
from tranship.dispatch.model import Result
from tranship.masking.policy import REMOTE_ID

T = TypeVar("T")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_DUPLICATE = re.compile(r"already (?:exist|been used|in use)|duplicate|not unique", re.IGNORECASE)
_ABSENT = re.compile(r"(?:does not|doesn't|not) (?:exist|found)|no such|cannot be found|could not find", re.IGNORECASE)
_UNITS = re.compile(r"(\d{1,9})(?:\.0*)?")


class Violation(ValueError):  # noqa: N818 - it never leaves this package: it becomes an outcome
    """An answer that breaks the network's own rules: place and code, no content."""


class _Error(msgspec.Struct):
    code: str
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


def decoded(response: Response, shape: type[T]) -> T:
    """The body as a message of this shape.

    Raises:
        Violation: empty, not JSON, or not of that shape.
    """
    if not response.body.strip():
        raise Violation(f"status {response.status} with an empty body")
    try:
        return msgspec.json.decode(response.body, type=shape)
    except msgspec.ValidationError as error:
        if "got `null`" not in str(error):
            raise Violation(str(error)) from None
        return _without_nulls(response.body, shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        kind = response.headers.get("content-type", "").partition(";")[0]
        raise Violation(f"no JSON{', ' + kind if _CODE.fullmatch(kind.replace('/', '-')) else ''}") from None


def _without_nulls(body: bytes, shape: type[T]) -> T:
    """Amazon's own examples have null where a field is absent: read so."""
    try:
        return msgspec.convert(_dropped(msgspec.json.decode(body)), shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Violation(str(error)) from None


def _dropped(value: object) -> object:
    if isinstance(value, dict):
        return {key: _dropped(part) for key, part in value.items() if part is not None}
    return [_dropped(part) for part in value if part is not None] if isinstance(value, list) else value


def read_or(failed: Callable[[Result], T], op: str, response: Response, reader: Callable[[], T]) -> T:
    """What a good answer says, read by `reader`; else `failed` of the outcome that it is instead."""
    result = failure(op, response)
    if result is not None:
        return failed(result)
    try:
        return reader()
    except Violation as error:
        return failed(Result("violation", detail=f"{op}: {error}"))


def failure(op: str, response: Response) -> Result | None:
    """The outcome of an answer that is not a success; None for one that is.

    A refusal is taken for one only where the network says so itself (4xx); what a server in the middle may have said counts as unknown.
    """
    status, wait = response.status, retry_after_ms(response.headers)
    if 200 <= status < 300:
        return None
    errors, detail = _errors(response)
    if status == 429:
        return Result("throttled", detail=detail, retry_after_ms=wait)
    if status in {401, 403}:
        return Result("unauthorized", detail=detail)
    if status >= 500 or status == 408:
        return Result("unknown", detail=detail, retry_after_ms=wait)
    if status not in {400, 404, 405, 409, 410, 413, 415, 422} or errors is None:
        return Result("violation", detail=f"{op}: {detail}")  # no word of Amazon's: a proxy, a redirect, a page
    said = " ".join(f"{error.code} {error.message}" for error in errors)
    squeezed = "".join(error.code.lower() for error in errors)
    if op == "create" and (
        status == 409 or "duplicate" in squeezed or "alreadyexist" in squeezed or _DUPLICATE.search(said)
    ):
        return Result("exists", detail=detail)
    if status in {404, 410} or (op in {"get", "cancel", "release", "tracking"} and _ABSENT.search(said)):
        return Result("not_found", detail=detail)
    return Result("refused", detail=detail)


def _errors(response: Response) -> tuple[list[_Error] | None, str]:
    """Amazon's list of errors (None where there is none) and its codes with the status."""
    try:
        errors = msgspec.json.decode(response.body, type=_Errors).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, f"status {response.status}, no list of errors"
    codes = sorted({error.code for error in errors if _CODE.fullmatch(error.code)})
    return errors or None, f"status {response.status} {' '.join(codes[:5])}".strip()


def no_errors(response: Response) -> None:
    """Nothing where an answer without content is as it should be.

    Raises:
        Violation: errors under a success, or no JSON object.
    """
    if decoded(response, _Errors).errors:
        raise Violation(_errors(response)[1])


def same_order(asked: str, told: str, place: str) -> None:
    """Nothing where the answer is about the order that was asked for; Violation where it is about another."""
    if asked != told:
        raise Violation(f"{place}: another order's id")


def same_id(order: Order, body: bytes) -> bytes:
    """The stored bytes, where they are this order's."""
    if f'"{order.remote_id}"'.encode() not in body:
        raise InvariantError(f"dispatch {order.remote_id}: the stored bytes are another dispatch's")
    return body


def ours(remote_id: str) -> bool:
    """Whether an id could be one of ours."""
    return REMOTE_ID.fullmatch(remote_id) is not None


def strangers(number: int) -> tuple[Finding, ...]:
    """One finding for all entries of a page that are not ours, so that an account shared with other software is told once a page."""
    return (Finding("foreign_id", "list", f"{number} orders with ids that Tranship never makes"),) if number else ()


def word(states: dict[str, str], told: str, place: str) -> str:
    """Our word for a vendor's state; Violation for one that the vendor does not have."""
    if told in states:
        return states[told]
    raise Violation(f"{place}: unknown state{' ' + told if _CODE.fullmatch(told) else ''}")


def units(told: str, place: str) -> int:
    """Whole units of a decimal; Violation for parts of units, or below zero."""
    found = _UNITS.fullmatch(told)
    if not found:
        raise Violation(f"{place}: not a whole number of units")
    return int(found.group(1))


def count(told: int, place: str) -> int:
    """A count that is not negative; Violation else."""
    if not 0 <= told < 1_000_000_000:
        raise Violation(f"{place}: not a count")
    return told


def micros(told: str, place: str) -> int:
    """UTC microseconds of a timestamp, 0 of an empty one; Violation for none."""
    if not told:
        return 0
    try:
        at = datetime.fromisoformat(told)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
    except (ValueError, OverflowError):
        raise Violation(f"{place}: not a timestamp") from None


def timestamp(at: int) -> str:
    """UTC microseconds as Amazon reads them, rounded down to a second."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
