"""An alert as signed JSON over HTTP: `Tranship-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 over `SECONDS.BODY`."""

import hashlib
import hmac

import aiohttp
import msgspec

from tranship.connectors.alerts.model import NotDeliveredError
from tranship.core.secret import Secret, revealed
from tranship.dispatch.alerting import Message

MICROS = 1_000_000


def signature(secret: Secret | str, body: bytes, at: int) -> str:
    """The header's value for a body sent at `at` (UTC microseconds). A receiver refuses old times, so a copy is of no use later.

    >>> signature("key", b"{}", 0)
    't=0,v1=7314351dd949aa7ec06f50fc2c96e618291447672c9b7f10b49d1ce46dad00b3'
    """
    seconds = at // MICROS
    digest = hmac.new(revealed(secret).encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def body_of(message: Message, party: str) -> bytes:
    """The JSON that is posted."""
    told = {
        "party": party,
        "level": message.level,
        "title": message.title,
        "text": message.text,
        "alerts": message.alert_ids,
        "more": message.more,
    }
    return msgspec.json.encode(told, order="sorted")


async def post_webhook(
    url: Secret | str, secret: Secret | str, message: Message, party: str, at: int, *, timeout_s: float = 10
) -> None:
    """Post one message; the URL may hold a key, so it is a secret as well.

    Any 2xx is a delivery; nothing is followed and nothing is retried here.

    Raises NotDeliveredError on everything else.
    """
    body = body_of(message, party)
    headers = {"Content-Type": "application/json", "Tranship-Signature": signature(secret, body, at)}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session,
            session.post(revealed(url), data=body, headers=headers, allow_redirects=False) as answer,
        ):
            status = answer.status
    except TimeoutError:
        raise NotDeliveredError(f"webhook: no answer within {timeout_s:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:  # its text would name the URL, which may hold a key
        raise NotDeliveredError(f"webhook: {type(error).__name__}") from None
    if not 200 <= status < 300:
        raise NotDeliveredError(f"webhook: answered {status}")
