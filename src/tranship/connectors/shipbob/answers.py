"""What ShipBob's answers come to. Nothing that comes in raises: what breaks the interface's description is a `violation`."""

from collections.abc import Mapping

import msgspec

from tranship.connectors.port import Order, Response
from tranship.connectors.shipbob.translate_orders import Meaning, UnknownState, meaning
from tranship.connectors.shipbob.views import Cancelled, Damaged, OrderView, decoded
from tranship.dispatch.model import DEAD, LEFT, Result

_DETAIL = 200


def read(op: str, order: Order, response: Response) -> Result:
    """What the answer to create, get, cancel or tracking means."""
    plain = turned_away(response)
    if plain is not None:
        return plain
    try:
        if op == "create":
            return _created(order, response)
        if op == "cancel":
            return _cancelled(order, response)
        return _found(op, order, response)
    except Damaged as damage:
        return Result("violation", detail=f"{op}: {damage}"[:_DETAIL])
    except UnknownState as state:
        return Result("violation", detail=f"{op}: {state}"[:_DETAIL])


def turned_away(response: Response) -> Result | None:
    """What every operation shares: limits, credentials, breakdowns."""
    if response.status == 429:
        return Result("throttled", retry_after_ms=wait_ms(response.headers))
    if response.status in {401, 403}:
        return Result("unauthorized", detail=f"status {response.status}")
    if response.status >= 500 or response.status == 408:
        return Result("unknown", detail=f"status {response.status}", retry_after_ms=wait_ms(response.headers))
    return None


def wait_ms(headers: Mapping[str, str], most_ms: int = 3_600_000) -> int:
    """How long ShipBob asks to wait: `x-retry-after` in seconds (its own), or `retry-after`; 0: not said.

    >>> wait_ms({"x-retry-after": "25"}), wait_ms({"retry-after": "soon"})
    (25000, 0)
    """
    for name in ("x-retry-after", "retry-after"):
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdecimal() and len(text) <= 7:
            return min(most_ms, int(text) * 1000)
    return 0


def failed(response: Response, op: str, allowed: frozenset[int] = frozenset({200})) -> Result | None:
    """Why a page could not be had; None where it could."""
    plain = turned_away(response)
    if plain is not None or response.status in allowed:
        return plain
    if response.status in {400, 404, 422}:
        return Result("refused", detail=_said(response, op))
    return Result("violation", detail=f"{op}: status {response.status} is not one that the interface has")


def _created(order: Order, response: Response) -> Result:
    if response.status in {200, 201}:
        view = decoded(response.body, OrderView)
        if view.reference_id != order.remote_id:
            return Result("violation", detail="create: the answer is about another order")
        return _result("ok", view.id, meaning(view))
    if response.status == 422:
        return _unprocessable(response)
    if response.status == 400:
        return Result("refused", detail=_said(response, "create"))
    if response.status == 404:
        return Result("not_found", detail="create: nothing at this address")
    return Result("violation", detail=f"create: status {response.status} is not one that the interface has")


def _cancelled(order: Order, response: Response) -> Result:
    """An answer to the cancellation itself, or to the question for the id that it needs (a list)."""
    if response.status == 404:
        return Result("not_found", their_id=order.their_id)
    if response.status in {400, 422}:
        return Result("refused", their_id=order.their_id, detail=_said(response, "cancel"))
    if response.status != 200:
        return Result("violation", detail=f"cancel: status {response.status} is not one that the interface has")
    if response.body.lstrip()[:1] == b"[":
        found = _found("cancel", order, response)
        if found.outcome != "ok" or found.remote in DEAD | LEFT | {"PICKING"}:
            return found
        return msgspec.structs.replace(found, accepted_only=True)  # its id is known now; nothing was cancelled yet
    told = decoded(response.body, Cancelled)
    if order.their_id and told.order_id and str(told.order_id) != order.their_id:
        return Result("violation", detail="cancel: the answer is about another order")
    seen = meaning(told.order) if told.order and told.order.reference_id in {None, order.remote_id} else None
    if told.order and seen is None:
        return Result("violation", detail="cancel: the answer is about another order")
    if told.status == "Failure":
        return Result("refused", seen.remote if seen else "", order.their_id, "cancel: refused")
    if told.status not in {"Success", "PartialSuccess"}:
        return Result("violation", detail="cancel: a result that the interface does not have")
    dead = told.status == "Success" and (seen is None or seen.remote in DEAD)
    if dead:
        return Result("ok", "CANCELLED", order.their_id)
    return Result(
        "ok", seen.remote if seen else "", order.their_id, f"cancel: {told.status}", accepted_only=True,
        parcels=seen.parcels if seen else (),
    )  # fmt: skip


def _found(op: str, order: Order, response: Response) -> Result:
    """Orders under our id: none, one, or more where the network's ids are free again after a cancellation."""
    if response.status in {400, 422}:
        return Result("refused", detail=_said(response, op))
    if response.status != 200:
        return Result("violation", detail=f"{op}: status {response.status} is not one that the interface has")
    views = decoded(response.body, list[OrderView])
    ours = [view for view in views if view.reference_id == order.remote_id]
    if views and not ours:
        return Result("violation", detail=f"{op}: the answer is about other orders")
    if not ours:
        return Result("not_found")
    told = sorted(((view.id, meaning(view)) for view in ours), key=lambda pair: (_liveliness(pair[1]), pair[0]))
    their_id, most = told[-1]
    if len(told) > 1:
        most = most._replace(detail=f"{len(told)} orders under one id; {most.detail}"[:_DETAIL])
    return _result("ok", their_id, most)


def _liveliness(told: Meaning) -> int:
    """Which of several orders under one id counts: one that left, then one that may ship, then a dead one."""
    return 2 if told.remote in LEFT else 0 if told.remote in DEAD else 1


def _result(outcome: str, their_id: int, told: Meaning) -> Result:
    return Result(outcome, told.remote, str(their_id), told.detail, parcels=told.parcels, short=told.short)


def _unprocessable(response: Response) -> Result:
    """A 422: by the vendor's page on errors, a reference that is taken. Its sentences are described nowhere, so words are looked for.

    To take "it is there" for "refused" would let the next attempt begin beside it (a request may have been delivered twice), so only an
    error that names other fields counts as a refusal.
    """
    fields = [key.replace("_", "").replace(" ", "").lower() for key in decoded(response.body, dict[str, object])]
    text = response.body[:4000].decode("utf-8", "replace").lower()
    taken = any(word in text for word in ("duplicate", "already exist", "unique", "already been used"))
    if taken or any(field in {"referenceid", "reference", "orderreferenceid", "order.referenceid"} for field in fields):
        return Result("exists", detail=_said(response, "create"))
    if not fields:
        return Result("violation", detail="create: status 422 without a reason")
    return Result("refused", detail=_said(response, "create"))


def _said(response: Response, op: str) -> str:
    """The fields that an error names, without its sentences: those may repeat what was sent."""
    try:
        told = decoded(response.body, dict[str, object])
    except Damaged:
        return f"{op}: status {response.status}"
    fields = sorted(key for key in told if key.replace("_", "").replace(".", "").isalnum() and len(key) <= 60)[:5]
    return f"{op}: status {response.status}" + (f" about {', '.join(fields)}" if fields else "")
