"""Webhooks with Standard-Webhooks signatures: HMAC-SHA256 over `{id}.{timestamp}.{raw body}`, several secrets while they are changed.

A webhook speaks of one shipment, and an order may have others: so it brings parcels and the word that something can no longer be called
back, but never that the whole order is done or dead, unless it carries the order itself. The list tells the rest.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

import msgspec

from tranship.connectors.port import Finding, Message
from tranship.connectors.shipbob.lists import REFERENCE, report_of
from tranship.connectors.shipbob.translate_orders import SHIPMENT, UnknownState, parcel
from tranship.connectors.shipbob.views import Damaged, OrderView, Shipment, decoded
from tranship.core.secret import Secret, revealed
from tranship.dispatch.model import Report

TOLERANCE_S = 300
"""How far a webhook's timestamp may lie from now, as the Standard Webhooks libraries have it; ShipBob signs each try anew."""
BODY_MOST = 1_000_000
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_OTHERS = ("return.", "wro.", "billing.")
"""Topics that say nothing of an order's state: returns and stock are asked for."""
_TOPIC = re.compile(r"[a-z_.]{1,80}")


class _Peek(msgspec.Struct):
    order_id: int | None = None
    shipments: object = None


def signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret | str], now_s: int | None = None) -> bool:
    """Whether one of the secrets signed this, and not long ago where `now_s` (UTC seconds) is given. Compares in constant time."""
    told = {name.lower(): value for name, value in headers.items()}
    message_id, moment = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
    if not _ID.fullmatch(message_id) or not re.fullmatch("[0-9]{1,12}", moment):
        return False
    if now_s is not None and abs(now_s - int(moment)) > TOLERANCE_S:
        return False
    content = f"{message_id}.{moment}.".encode() + body
    given = [
        sent.removeprefix("v1,").encode()
        for sent in told.get("webhook-signature", "").split()
        if sent.startswith("v1,")
    ]
    wanted = [signature(secret, content) for secret in secrets]
    hits = [hmac.compare_digest(mine, theirs) for mine in wanted if mine for theirs in given[:10]]
    return any(hits)


def signature(secret: Secret | str, content: bytes) -> bytes:
    """The signature of a content in base64; empty where the secret is none (the part behind `whsec_` is base64)."""
    try:
        key = base64.b64decode(revealed(secret).removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()) if key else b""


def message(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret | str], now_s: int | None = None
) -> Message:
    """What a webhook says; `ok` False where nobody of ours signed it, or too long ago."""
    if len(body) > BODY_MOST or not signed(headers, body, secrets, now_s):
        return Message(False)
    told = {name.lower(): value for name, value in headers.items()}
    key, topic = told["webhook-id"], told.get("x-webhook-topic", "")
    if topic.startswith(_OTHERS):
        return Message(True, key)
    subject = f"webhook {topic if _TOPIC.fullmatch(topic) else 'without a topic'}"
    if not topic.startswith("order."):
        return Message(True, key, findings=(Finding("unknown_state", subject, "a topic that nobody here asked for"),))
    try:
        report = _report(body)
    except UnknownState as state:
        return Message(True, key, findings=(Finding("unknown_state", subject, str(state)),))
    except Damaged as damage:
        return Message(True, key, findings=(Finding("violation", subject, str(damage)),))
    if not REFERENCE.fullmatch(report.remote_id):
        return Message(True, key, findings=(Finding("foreign_id", subject, "an order that was not handed over by us"),))
    return Message(True, key, (report,))


def _report(body: bytes) -> Report:
    peek = decoded(body, _Peek)
    if peek.order_id is None or peek.shipments is not None:
        return report_of(decoded(body, OrderView))
    shipment = decoded(body, Shipment)
    if shipment.status not in SHIPMENT:
        raise UnknownState(f"shipment {shipment.id} is in a state that the interface's description does not have")
    stage = SHIPMENT[shipment.status]
    detail = (
        f"shipment {shipment.id} {shipment.status}" if shipment.status in {"Exception", "OnHold", "Cancelled"} else ""
    )
    return Report(
        shipment.reference_id or "",
        "PICKING" if stage in {"left", "packed"} else "",
        str(shipment.order_id) if shipment.order_id > 0 else "",
        (parcel(shipment),) if stage == "left" else (),
        detail=detail,
    )
