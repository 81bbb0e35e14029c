"""Nothing personal gets out: made-up people go through everything that a service does, and every place is searched for them.

Places: the bytes on the wire to the network, every answer of the service, all log lines at DEBUG with their exceptions, stdout and stderr,
and every file of the run (database, WAL, backup). On the wire the parts of the address may stand where the address stands, and nowhere
else. A planted leak is found.
"""

import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.api.connected import KEY, OTHER, UNITS, until, write_connected
from tests.api.running import SKU, Reply, Running, running
from tests.api.test_handing_over import notification
from tests.masking import canary
from tests.masking.canary import Search
from tests.sandbox.running import Running as Sandbox
from tests.sandbox.running import amazon
from tests.scenario.tap import Tap, tapped
from tranship.api.settings import ApiSettings
from tranship.store.backup import backup
from tranship.store.people import Vault

PEOPLE = 6
STOCK = ("--sku", f"{SKU}={UNITS}", "--sku", f"{OTHER}={UNITS}")


class Person(NamedTuple):
    """A made-up customer: what an order says of them, and which of it may be on a label."""

    customer: dict[str, str]
    secret: dict[str, str]
    address: dict[str, str]


def person(n: int) -> Person:
    """The nth."""
    secret = {
        "ref": canary.word(f"ref {n}"), "name": canary.letters(f"name {n}"), "phone": canary.digits(f"phone {n}"),
        "email": canary.word(f"mail {n}"),
    }  # fmt: skip
    address = {"street": f"{n + 1} {canary.word(f'street {n}')} road", "city": canary.letters(f"city {n}")}
    customer = {**secret, **address, "email": f"{secret['email']}@mail.example"}
    return Person(customer, secret, {"street": canary.word(f"street {n}"), "city": address["city"]})


class Everything(logging.Handler):
    """Every record of every logger, with its arguments, and the locals of no frame left out."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.out = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        self.out.write(f"{record.name} {record.getMessage()} {record.args!r}\n")
        if record.exc_info and record.exc_info[1] is not None:
            told = traceback.TracebackException.from_exception(record.exc_info[1], capture_locals=False)
            self.out.write("".join(told.format()))


@contextmanager
def all_logs() -> Iterator[Everything]:
    """All loggers at DEBUG, those too that say they do not want to be heard above."""
    kept = Everything()
    root = logging.getLogger()
    loggers = [
        root,
        *(
            logging.getLogger(name)
            for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "aiohttp", "asyncio", "litestar", "tranship")
        ),
    ]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(kept)
    try:
        yield kept
    finally:
        for logger, level in before:
            logger.removeHandler(kept)
            logger.setLevel(level)


class Scene:
    """A service in front of a tapped network, and everything that it answered."""

    def __init__(self, service: Running, network: Sandbox) -> None:
        self.service, self.network = service, network
        self.answers: list[Reply] = []

    def keep(self, reply: Reply) -> Reply:
        """An answer that is searched later."""
        self.answers.append(reply)
        return reply

    def dispatches(self, query: str) -> list[dict[str, Any]]:
        """What was handed over."""
        found: list[dict[str, Any]] = self.keep(self.service.get(f"/v1/dispatches{query}")).json()["dispatches"]
        return found


def play(scene: Scene, people: list[Person]) -> None:
    """Orders, hand-over, faults, hostile messages, people's decisions, errors of our own; then every page is looked at."""
    ask, keep = scene.service, scene.keep
    for n, each in enumerate(people):
        assert keep(ask.order(f"N-{n}", customer=each.customer)).status == 201
    until(lambda: len(scene.dispatches("?state=HELD")) == len(people))
    _hostile(scene, people[0])
    _decisions(scene, people[1])
    _failures(scene, people[2])
    held = scene.dispatches("?order=N-3")[0]["id"]
    assert keep(ask.post("/v1/hooks/mcf", notification(held), {"x-api-key": KEY})).status == 200
    for path in (
        "/", "/v1/state", "/v1/networks", "/v1/alerts", "/v1/orders/N-0", "/v1/orders/N-0/explanation", "/v1/aliases",
        "/schema/openapi.json", "/v1/orders/N-1", "/v1/orders/N-1/explanation",
    ):  # fmt: skip
        keep(ask.get(path))
        keep(ask.get(path, accept="text/html"))


def _hostile(scene: Scene, who: Person) -> None:
    """Bodies that are wrong in every way, with a person in them; messages that nobody signed."""
    ask, keep = scene.service, scene.keep
    for body in (
        {
            "number": who.customer["email"],
            "to": {"zip": "60614", "state": "IL"},
            "lines": [{"sku": "DEMO-001", "qty": 1}],
        },
        {"number": "X-1", "customer": {**who.customer, who.secret["name"]: who.secret["phone"]}},
        {
            "number": "X-2",
            "to": {"zip": "60614"},
            "lines": [{"sku": who.secret["ref"], "qty": 1}],
            "customer": who.customer,
        },
        {"number": "X-3", "to": {"zip": "60614"}, "lines": who.secret["name"], "customer": who.customer},
        {"customer": {"name": [who.secret["name"]]}},
    ):
        assert keep(ask.post("/v1/orders", body)).status in {400, 422}
    keep(ask.post("/v1/orders", b'{"customer": {"name": "' + who.secret["name"].encode() + b'"'))
    for headers in ({}, {"x-api-key": who.secret["ref"]}, {"x-api-key": KEY}):
        garbage = {"NotificationType": who.secret["name"], "Payload": {"Recipient": who.secret["phone"]}}
        keep(ask.post("/v1/hooks/mcf", garbage, headers))
        keep(ask.post("/v1/hooks/mcf", who.customer["email"].encode(), headers))


def _decisions(scene: Scene, who: Person) -> None:
    """A new address, a recall, a cancellation."""
    ask, keep = scene.service, scene.keep
    given = {
        "ref": "a-1",
        "to": {"zip": "60614", "state": "IL"},
        "customer": {key: who.customer[key] for key in ("name", "street", "city")},
    }
    keep(ask.post("/v1/orders/N-1/address", given))
    keep(ask.post("/v1/orders/N-1/recall", {"reason": "called"}))
    keep(ask.post("/v1/orders/N-1/cancel", {"ref": "c-1", "lines": []}))


def _failures(scene: Scene, who: Person) -> None:
    """The network throws 500s that repeat what was sent, loses answers; an error of our own with a person in its hands."""
    ask, keep, there = scene.service, scene.keep, scene.network
    for kind in ("5xx", "lost_reply", "garbage", "truncate"):
        there.fault(op="createOrder", kind=kind, times=1)
    assert keep(ask.order("N-F1", customer=who.customer)).status == 201
    until(lambda: scene.dispatches("?order=N-F1"))
    with patch.object(Vault, "seal", _broken):
        other = {**who.customer, "ref": who.customer["ref"] + "b"}
        assert keep(ask.order("N-F2", customer=other)).status >= 500
    there.heal()


def _broken(self: Vault, person_id: str, source: str, told: Any) -> Any:
    raise RuntimeError(f"broken while sealing {told}")


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


def test_made_up_people_are_found_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Hand-over, faults, hostile bodies, decisions, errors: zero hits in every place, and the parcels' addresses did arrive."""
    people = [person(n) for n in range(PEOPLE)]
    secret = Search({f"{key} {n}": text for n, each in enumerate(people) for key, text in each.secret.items()})
    whole = Search(
        {f"{key} {n}": text for n, each in enumerate(people) for key, text in {**each.secret, **each.address}.items()}
    )
    with all_logs() as logs, amazon(*STOCK) as there, tapped(there.url) as tap:
        _write(tmp_path, there, tap)
        with running(tmp_path, ApiSettings(port=0, tick_s=0.2)) as service:
            scene = Scene(service, there)
            play(scene, people)
            backup(tmp_path / "run", tmp_path / "copy.backup")
        report = there.report()
    out = capfd.readouterr()
    assert not whole.hits(logs.out.getvalue()), "logs"
    assert "asyncio" in logs.out.getvalue(), "logs were kept at all"
    assert not whole.hits(out.out + out.err), "stdout and stderr"
    for reply in scene.answers:
        assert not whole.hits(reply.body), reply.body[:400]
        assert not whole.hits(repr(reply.headers))
    for name, content in files_of(tmp_path):
        assert not whole.hits(content), name
    for stream in (*tap.sent, *tap.came):
        assert not secret.hits(bytes(stream)), "on the wire, in either direction"
    created = tap.bodies(b"POST", b"/fulfillment/outbound/2026-07-04/orders")
    assert len(created) >= PEOPLE
    cities = [each.address["city"].encode() for each in people]
    assert all(any(city in body.replace(b"\\u00e9", "é".encode()) for body in created) for city in cities), (
        "addresses arrive"
    )
    others = [bytes(stream) for stream in tap.sent]
    for body in created:
        others = [stream.replace(body, b"") for stream in others]
    assert not whole.in_all(others), "parts of an address stand in creations only"
    assert not report["violations"]


def _write(home: Path, there: Sandbox, tap: Tap) -> Path:
    """The network file, with the tap in the network's place."""

    class Seen:
        url, info = tap.url, there.info

    return write_connected(home, Seen, release_min=0)  # type: ignore[arg-type]


def test_a_planted_leak_is_found(tmp_path: Path):
    """A name left in clear by policy, a log line, a column: the same searches see each of them."""
    who = person(0)
    secret = Search({f"{key}": text for key, text in who.secret.items()})
    with amazon(*STOCK) as there, tapped(there.url) as tap:
        network = _write(tmp_path, there, tap)
        network.write_text(
            network.read_text().replace('kind = "amazon_mcf"\n', 'kind = "amazon_mcf"\nrecipient = "name"\n')
        )
        with running(tmp_path, ApiSettings(port=0, tick_s=0.2)) as service:
            scene = Scene(service, there)
            assert service.order("N-0", customer=who.customer).status == 201
            until(lambda: scene.dispatches("?state=HELD"))
    assert {name for name, _ in secret.in_all(map(bytes, tap.sent))} == {"name"}
    with all_logs() as logs:
        logging.getLogger("tranship.driver").warning("of %s", who.customer["email"])
    assert secret.hits(logs.out.getvalue())
