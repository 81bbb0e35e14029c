"""Webhooks of the stand-in 3PL: subscriptions, signatures after Standard Webhooks, retries on the sandbox's clock."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from tranship.sandbox.common.chance import name
from tranship.sandbox.common.clock import SECOND, Agenda, iso
from tranship.sandbox.common.faults import Faults, wait_us
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

RETRIES_S = (0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000)
"""Waits before each try (AsyncAPI description, delivery semantics)."""
ANSWER_S = 15
FILE = "3pl/shipbob/shipbob-openapi.json"


@dataclass(slots=True)
class Hook:
    """One subscription."""

    id: str
    url: str
    topics: tuple[str, ...]
    secret: str
    created_at: int
    description: str | None
    enabled: bool = True


class Hooks:
    """Subscriptions and deliveries."""

    def __init__(self, seed: int, agenda: Agenda, faults: Faults) -> None:
        self.seed, self.agenda, self.faults = seed, agenda, faults
        self.hooks: dict[str, Hook] = {}
        self.sent: Counter[str] = Counter()  # delivered, failed, dropped, given_up
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def operations(self) -> tuple[Operation, ...]:
        """What is offered."""
        path = "/2026-01/webhook"
        return (
            Operation("subscribe", "create-subscription", "POST", path, self.create, file=FILE),
            Operation("subscribe", "get-subscriptions", "GET", path, self.list, file=FILE),
            Operation("subscribe", "delete-subscription", "DELETE", path + "/{id}", self.delete, file=FILE),
        )

    def create(self, call: Call) -> Reply:
        """Subscribe a URL on loopback to topics."""
        body = call.body if isinstance(call.body, dict) else {}
        url, topics = str(body.get("url", "")), tuple(body.get("topics") or ())
        if not _loopback(url) or not topics:
            raise Refusal(422, "url", "A sandbox sends to loopback addresses only, and only topics.")
        number = f"whk_{name(self.seed, 'hook', len(self.hooks) + 1)}"
        key = hashlib.sha256(f"{self.seed} {number}".encode()).digest()[:24]
        secret = body.get("secret") or f"whsec_{base64.b64encode(key).decode()}"
        hook = self.hooks[number] = Hook(number, url, topics, secret, call.now, body.get("description"))
        return Reply(200, _shown(hook) | {"secret": hook.secret})

    def list(self, call: Call) -> Reply:  # noqa: ARG002
        """All subscriptions."""
        items = [_shown(hook) | {"enabled": hook.enabled} for hook in self.hooks.values()]
        return Reply(200, {"items": items, "next": None, "prev": None})

    def delete(self, call: Call) -> Reply:
        """End a subscription; one that is not there is gone already."""
        self.hooks.pop(call.path["id"], None)
        return Reply(204, {})

    def rotate(self, number: str) -> str:
        """A new secret for a subscription; the old one is used no more."""
        hook = self.hooks.get(number)
        if hook is None:
            raise Refusal(404, "NoSuchHook", f"there is no webhook {number}")
        key = hashlib.sha256(hook.secret.encode()).digest()[:24]
        hook.secret = f"whsec_{base64.b64encode(key).decode()}"
        return hook.secret

    def publish(self, topic: str, payload: object, now: int) -> None:
        """Send an event to whoever wants it, as the faults of `push` let it through."""
        body = json.dumps(payload, separators=(",", ":")).encode()
        for hook in list(self.hooks.values()):
            if not hook.enabled or topic not in hook.topics:
                continue
            self._number += 1
            message = f"msg_{name(self.seed, 'message', self._number, letters=24)}"
            met = self.faults.of_call("push", topic, body.decode, now)
            if "lost_reply" in met or "hang" in met or "reset" in met:
                self.sent["dropped"] += 1
                continue
            wait = wait_us(met["delayed"]) if "delayed" in met else 0
            for copy in range(2 if "duplicate" in met else 1):
                later = wait + (wait_us(met["duplicate"], 1000) if copy else 0)
                self._appoint(hook, message, topic, body, 0, now + later)

    def _appoint(self, hook: Hook, message: str, topic: str, body: bytes, tries: int, due: int) -> None:
        def send(at: int) -> None:
            task = asyncio.get_running_loop().create_task(self._send(hook, message, topic, body, tries, at))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self.agenda.at(due + RETRIES_S[tries] * SECOND, send)

    async def _send(self, hook: Hook, message: str, topic: str, body: bytes, tries: int, now: int) -> None:
        """One try. The timestamp is that of the try in real time, as receivers check it; the id is that of the message."""
        moment = str(int(time.time()))
        headers = {
            "content-type": "application/json", "webhook-id": message, "webhook-timestamp": moment,
            "webhook-signature": signature(hook.secret, message, moment, body), "x-webhook-topic": topic,
        }  # fmt: skip
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as session,
                session.post(hook.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                good = 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            good = False
        self.sent["delivered" if good else "failed"] += 1
        if good:
            return
        if tries + 1 < len(RETRIES_S):
            self._appoint(hook, message, topic, body, tries + 1, max(now, self.agenda.clock.now()))
        else:
            self.sent["given_up"] += 1
            hook.enabled = False


def signature(secret: str, message: str, moment: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, keyed by what stands behind `whsec_`."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = secret.encode()
    mac = hmac.new(key, f"{message}.{moment}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def _shown(hook: Hook) -> dict[str, object]:
    return {
        "id": hook.id, "url": hook.url, "topics": list(hook.topics), "description": hook.description,
        "created_at": iso(hook.created_at),
    }  # fmt: skip


def _loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and (
            parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
        )
    except ValueError:
        return False
