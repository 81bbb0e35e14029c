"""The proxy as a process of its own, as a user starts it, and orders full of canaries to send through it."""

import http.client
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from tests.masking import canary
from tests.support import ROOT

DEADLINE_S = 30
ORDERS = "/fba/outbound/2020-07-01/fulfillmentOrders"
ACCESS = {"x-amz-access-token": "Atza|IwEBIKtest"}


class Answer(NamedTuple):
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


class Proxy:
    """A running proxy. Its log is kept in a file, its store in a folder."""

    def __init__(self, process: subprocess.Popen[str], url: str, folder: Path, log: Path) -> None:
        self.process, self.url, self.folder, self.log = process, url, folder, log

    def ask(
        self, method: str, path: str, body: object = None, *, timeout: float = DEADLINE_S, **headers: str
    ) -> Answer:
        """One request on a connection of its own; bytes are sent as they are, anything else as JSON."""
        line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {"content-type": "application/json"} if data is not None else {}
        given = {**ACCESS, **kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        try:
            line.request(method, path, data, given)
            answer = line.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            line.close()

    def create(self, order: Mapping[str, Any], **more: Any) -> Answer:
        """Send an order."""
        return self.ask("POST", ORDERS, dict(order), **more)

    def get(self, order_id: str) -> Answer:
        """Ask for one."""
        return self.ask("GET", f"{ORDERS}/{quote(order_id, safe='')}")

    def counts(self) -> dict[str, Any]:
        """What it has counted."""
        found: dict[str, Any] = self.ask("GET", "/metrics").json()
        return found

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE_S)

    def kept(self) -> bytes:
        """Every byte of its store and of its log; not of its key file."""
        files = [path for path in self.folder.iterdir() if path.suffix != ".key"]
        return b"\n".join(path.read_bytes() for path in (*files, self.log))


def _command(folder: Path | None, upstream: str, kind: str) -> list[str]:
    where = [] if folder is None else [str(folder)]
    return [
        sys.executable, "-m", "tranship.cli", "proxy", *where, "--upstream", upstream, "--kind", kind, "--port", "0",
    ]  # fmt: skip


@contextmanager
def proxy(
    folder: Path, upstream: str, *more: str, kind: str = "amazon_mcf_2020", env: Mapping[str, str] | None = None,
    file_bytes: int = 0,
) -> Iterator[Proxy]:  # fmt: skip
    """A proxy until the block ends. `file_bytes`: no file of its may grow beyond: a full disk."""
    log = folder.with_name(folder.name + ".log")
    command = _command(None if "--engine" in more else folder, upstream, kind)
    with log.open("a") as errors:
        process = subprocess.Popen(
            [*command, "--json", *more], stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **(env or {})},
        )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"the proxy did not start: {log.read_text()}"
        if file_bytes:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        yield Proxy(process, json.loads(line)["url"], folder, log)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(DEADLINE_S)
        finally:
            process.kill()
            process.stdout.close()


def refused_start(
    folder: Path | None, upstream: str, *more: str, kind: str = "amazon_mcf_2020", env: Mapping[str, str] | None = None
) -> str:
    """What it says where it must not start."""
    command = _command(folder, upstream, kind)
    found = subprocess.run(
        [*command, *more], capture_output=True, text=True, timeout=DEADLINE_S, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **(env or {})},
    )  # fmt: skip
    assert found.returncode == 2, found
    assert not found.stdout, found.stdout
    return found.stderr


def hits(canaries: Mapping[str, str], text: bytes | str) -> list[tuple[str, str]]:
    """The canaries in a text. Five digits of a phone number occur in hexadecimal ids by chance: for phones the whole number counts."""
    found = canary.Search(canaries).hits(text)
    return [(name, shape) for name, shape in found if not (name.endswith(" phone") and " five" in shape)]


class Told(NamedTuple):
    """An order, and the canaries in it."""

    order_id: str
    body: dict[str, Any]
    canaries: dict[str, str]


def order(seed: int | str, **change: Any) -> Told:
    """An order with a canary wherever the parcel needs nothing: ids, names, phone, mail, texts, prices, the time of day."""
    found = {
        "id": canary.word(f"{seed} id"),
        "name": canary.letters(f"{seed} name"),
        "phone": canary.digits(f"{seed} phone"),
        "mail": canary.email(f"{seed} mail"),
        "line": canary.word(f"{seed} line"),
        "gift": canary.word(f"{seed} gift"),
        "comment": canary.word(f"{seed} comment"),
        "note": canary.word(f"{seed} note"),
        "agent": canary.word(f"{seed} agent"),
        "article": canary.word(f"{seed} article"),
    }
    address = {
        "name": found["name"], "addressLine1": "12 Oak St", "city": "Seattle", "stateOrRegion": "WA", "postalCode": "98101",
        "countryCode": "US", "phone": found["phone"],
    }  # fmt: skip
    item = {
        "sellerSku": "S1", "sellerFulfillmentOrderItemId": found["line"], "quantity": 1, "giftMessage": found["gift"],
        "displayableComment": found["note"], "fulfillmentNetworkSku": found["article"],
    }  # fmt: skip
    body = {
        "sellerFulfillmentOrderId": found["id"], "displayableOrderId": found["id"], "marketplaceId": "ATVPDKIKX0DER",
        "displayableOrderDate": "2026-11-22T09:47:13Z", "displayableOrderComment": found["comment"],
        "shippingSpeedCategory": "Standard", "fulfillmentAction": "Ship", "destinationAddress": address,
        "notificationEmails": [found["mail"]], "items": [item], **change,
    }  # fmt: skip
    return Told(found["id"], body, {f"{seed} {name}": text for name, text in found.items()})


HEADERS = (
    "user_agent",
    "x_forwarded_for",
    "forwarded",
    "via",
    "cookie",
    "traceparent",
    "x_request_id",
    "accept_language",
    "referer",
    "from",
)


def identifying(seed: int | str) -> tuple[dict[str, str], dict[str, str]]:
    """Headers of a client that say who it is, each with a canary; and those canaries."""
    found = {name: canary.word(f"{seed} {name}") for name in HEADERS}
    return dict(found), {f"{seed} {name}": text for name, text in found.items()}
