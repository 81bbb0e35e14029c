"""The proxy without a store: a real service masks and keeps, and whatever is wrong with it, nothing leaves and nothing is passed on."""

import base64
import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.api.running import running
from tests.api.serving import Served
from tests.masking import canary
from tests.proxy.network import Got, Network, echo, http, network, says
from tests.proxy.running import ORDERS, Proxy, hits, identifying, order, proxy, refused_start
from tests.proxy.test_proxy import described
from tranship.engine.verify import verify
from tranship.masking.tokens import kind_of, new_token
from tranship.store.sqlite import SqliteStore

TOKEN = "service-token-of-tests"
ENV = {"TRANSHIP_TOKEN": TOKEN}
SOUGHT: dict[str, str] = {}
"""Canaries of all tests: at the end they are in no file of the run, and in no log."""


@pytest.fixture(scope="module")
def there() -> Iterator[Network]:
    """The network."""
    with network() as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run is."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[Served]:
    """The service that masks, in a process of its own: what is read of its files here must not cost it its locks on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRANSHIP_TOKEN", TOKEN)
        served = Served(home).__enter__()
    try:
        yield served
    finally:
        served.__exit__(None, None, None)
    sound(home)
    assert hits(SOUGHT, kept(home) + (home / "stderr.txt").read_bytes()) == []


@pytest.fixture(scope="module")
def here(there: Network, service: Served, home: Path) -> Iterator[Proxy]:
    """The proxy in front of both."""
    with through(home / "first", there, service.address) as found:
        yield found
    assert hits(SOUGHT, found.log.read_bytes()) == []


@pytest.fixture(autouse=True)
def _anew(there: Network) -> None:
    there.clear()


def through(name: Path, there: Network, address: str, *more: str, env: dict[str, str] | None = None) -> Any:
    """A proxy whose service is at an address; it has no folder, only a log beside `name`."""
    options = ("--engine", address, "--network", "amazon", "--limit", "vault_timeout_s=2", *more)
    return proxy(name, there.url, *options, env=ENV if env is None else env)


def kept(home: Path) -> bytes:
    """Every byte of the run but its key file."""
    return b"\n".join(path.read_bytes() for path in (home / "run").iterdir() if path.suffix != ".key")


def sound(home: Path) -> None:
    """The run is whole, and every decision comes out again."""
    store = SqliteStore.open(home / "run", create=False)
    try:
        assert verify(store, decide=True).problems == []
    finally:
        store.close()


def rows(home: Path, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
    """Rows of the run, from outside."""
    (path,) = (path for path in (home / "run").iterdir() if path.suffix == ".db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        found = db.execute(sql, parameters).fetchall()
    db.close()
    return found


def nowhere(canaries: dict[str, str], *texts: bytes) -> None:
    """None of them is in any of these; nor, at the end, in the run or a log."""
    SOUGHT.update(canaries)
    for text in texts:
        assert hits(canaries, text) == []


def test_an_order_leaves_masked_and_comes_back_clear(there: Network, here: Proxy, home: Path):
    """As with a store of the proxy's own; the proxy leaves no file."""
    told = order("engine clear")
    headers, more = identifying("engine clear")
    made = here.create(told.body, **headers)
    assert made.status == 200 and made.headers["x-amzn-requestid"] == "r-1"
    masked = there.got[0].json()
    assert kind_of(masked["sellerFulfillmentOrderId"]) == "order" and there.got[0].headers["user-agent"] == "tranship"
    there.answer = says(200, described(there, told))
    payload = here.get(told.order_id).json()["payload"]
    assert payload["fulfillmentOrder"]["sellerFulfillmentOrderId"] == told.order_id
    assert payload["fulfillmentOrder"]["destinationAddress"]["name"] == told.canaries["engine clear name"]
    assert payload["fulfillmentOrderItems"][0]["sellerFulfillmentOrderItemId"] == told.canaries["engine clear line"]
    (token,) = rows(home, "SELECT expires_at, person_id FROM token WHERE token = ?", masked["sellerFulfillmentOrderId"])
    assert token[0] < 1 << 62  # it is complete: an end is set
    (told_of,) = rows(home, "SELECT count(*) FROM audit WHERE person_id = ?", token[1])
    assert told_of[0] >= 2 and not (home / "first").exists()
    nowhere({**told.canaries, **more}, there.everything())


def test_the_same_order_by_two_proxies_at_once_is_the_same_bytes(
    there: Network, here: Proxy, service: Served, home: Path
):
    """Twelve clients, four orders, through two proxies: one form of each order at the network."""
    orders = [order(f"engine crowd {n}") for n in range(4)]
    with through(home / "second", there, service.address) as other, ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[0].create(pair[1].body),
                [(each, told) for told in orders for each in (here, other, here)],
            )
        )
    assert {answer.status for answer in answers} == {200}
    assert len(there.got) == 12 and len({got.body for got in there.got}) == 4
    for told in orders:
        nowhere(told.canaries, there.everything())


def test_a_message_without_an_order_keeps_nothing(there: Network, here: Proxy, home: Path):
    """Lines of a preview get tokens for the exchange; they come back, and are not kept."""
    before = rows(home, "SELECT count(*) FROM token")

    def answer(got: Got) -> bytes:
        (item,) = got.json()["items"]
        line = {
            "sellerSku": item["sellerSku"],
            "quantity": 1,
            "sellerFulfillmentOrderItemId": item["sellerFulfillmentOrderItemId"],
        }
        preview = {"shippingSpeedCategory": "Standard", "isFulfillable": False, "isCODCapable": False, "marketplaceId": "ATVPDKIKX0DER",
                   "unfulfillablePreviewItems": [{**line, "itemUnfulfillableReasons": []}]}  # fmt: skip
        return http(200, json.dumps({"payload": {"fulfillmentPreviews": [preview]}}).encode())

    told = order("engine preview")
    there.answer = answer
    found = here.ask("POST", f"{ORDERS}/preview", {"address": told.body["destinationAddress"], "items": [
        {"sellerSku": "S1", "sellerFulfillmentOrderItemId": told.canaries["engine preview line"], "quantity": 1}]})  # fmt: skip
    (preview,) = found.json()["payload"]["fulfillmentPreviews"]
    assert (
        preview["unfulfillablePreviewItems"][0]["sellerFulfillmentOrderItemId"] == told.canaries["engine preview line"]
    )
    assert rows(home, "SELECT count(*) FROM token") == before
    nowhere(told.canaries, there.everything())


def test_what_may_not_leave_and_what_may_not_come_in(there: Network, here: Proxy):
    """The service's refusals reach the client as the proxy's own do: leaf and reason, never a value."""
    told = order("engine refused", customerTier="gold")
    answer = here.create(told.body)
    assert (
        (answer.status, answer.json()["sent"]) == (422, "no") and answer.json()["leaf"] and b"gold" not in answer.body
    )
    assert here.get(told.order_id).status == 404 and there.got == []
    told = order("engine answers")
    assert here.create(told.body).status == 200
    foreign = {"payload": {"fulfillmentOrder": {"sellerFulfillmentOrderId": new_token("order")}}}
    for bad in (
        foreign,
        {"payload": {"fulfillmentOrder": {"sellerFulfillmentOrderId": "SHOP-1"}}},
        b"<html>",
        b"[" * 10_000,
    ):
        there.answer = says(200, bad)
        answer = here.get(told.order_id)
        assert (answer.status, answer.json()["sent"]) == (502, "yes") and b"SHOP-1" not in answer.body
    there.answer = echo(400)
    answer = here.get(told.order_id)
    assert answer.status == 400 and answer.json()["errors"][0]["message"].startswith("The network refused")
    nowhere(told.canaries, there.everything(), answer.body)


def said(service: Served, body: object, token: str = TOKEN, *, length: int = 0) -> bytes:
    """What the service answers to a message to be masked. `length`: what is announced, and not sent."""
    data = json.dumps(body).encode()
    head = (
        "POST /v1/masking/mask HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n"
    )
    head += f"authorization: Bearer {token}\r\ncontent-length: {length or len(data)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as line:
        line.sendall(head.encode() + data)
        return b"".join(iter(lambda: line.recv(65_536), b""))


def test_the_service_asks_for_its_token_and_names_no_value(there: Network, service: Served, home: Path):
    """Without it 401, and nothing leaves; a body that is wrong is told by its fields."""
    told = order("engine values")
    with through(
        home / "stranger", there, service.address, env={"TRANSHIP_TOKEN": "another-token-of-tests"}
    ) as stranger:
        answer = stranger.create(told.body)
        assert (answer.status, answer.json()["sent"]) == (503, "no") and there.got == []
        assert stranger.ask("GET", "/readyz").status == 503
    assert said(service, {}, "").startswith(b"HTTP/1.1 401 ")
    asked = {"ref": "ab", "kind": "amazon_mcf_2020", "network": "amazon", "policy": "0" * 64, "operation": "createFulfillmentOrder",
             "body": base64.b64encode(json.dumps(told.body).encode()).decode()}  # fmt: skip
    bad = [
        asked, {**asked, "network": told.order_id}, {**asked, "kind": "shipbob"}, {**asked, "operation": told.order_id},
        {**asked, "path": {told.order_id: told.order_id}, "policy": told.order_id}, {**asked, "body": told.order_id},
    ]  # fmt: skip
    for body in bad:
        answered = said(service, body)
        assert answered[9:12] in {b"404", b"409", b"422"}, answered
        nowhere(told.canaries, answered)
    assert said(service, {}, length=3 << 20).startswith(b"HTTP/1.1 413 ")
    assert there.got == []


def valid(got: Got, change: Callable[[dict[str, Any]], object]) -> bytes:
    """What a service of ours would say, and then changed."""
    asked = got.json()
    made: dict[str, Any] = {"ref": asked["ref"], "policy": asked["policy"], "path": ORDERS, "query": "", "headers": [],
                            "body": asked["body"], "subject": "", "once": []}  # fmt: skip
    change(made)
    return http(200, json.dumps(made).encode())


BAD_SERVICES: dict[str, Callable[[Got], bytes]] = {
    "500": says(500, {"type": "urn:tranship:problem:internal", "title": "x", "status": 500, "detail": "y"}),
    "503": says(503, {"type": "urn:tranship:problem:unavailable", "title": "x", "status": 503, "detail": "y"}),
    "404 of an older one": says(
        404, {"type": "urn:tranship:problem:not-found", "title": "x", "status": 404, "detail": "y"}
    ),
    "garbage": says(200, b"\x00\xff"),
    "html": says(200, b"<html>"),
    "nothing": says(200, b""),
    "another form": says(200, {"masked": True}),
    "echo": lambda got: http(200, got.body),
    "redirect": lambda got: http(307, b"", "Location: http://127.0.0.1:9/"),
    "another question": lambda got: valid(got, lambda made: made.update(ref="00")),
    "another policy": lambda got: valid(got, lambda made: made.update(policy="0" * 64)),
    "another path": lambda got: valid(got, lambda made: made.update(path="/orders/v0/orders")),
    "a second head": lambda got: valid(got, lambda made: made.update(path=ORDERS + "\r\nx: y")),
    "a query that is none": lambda got: valid(got, lambda made: made.update(query="&&")),
    "a header of its own": lambda got: valid(
        got, lambda made: made.update(headers=[{"name": "cookie", "value": "a=b"}])
    ),
    "no body": lambda got: valid(got, lambda made: made.update(body="")),
    "more": lambda got: valid(got, lambda made: made.update(more=1)),
}


@pytest.fixture(scope="module", name="fake")
def _fake() -> Iterator[Network]:
    """What is no service of ours."""
    with network() as found:
        yield found


@pytest.fixture(scope="module")
def misled(there: Network, fake: Network, home: Path) -> Iterator[Proxy]:
    """A proxy that asks it."""
    with through(home / "misled", there, fake.url, "--limit", "vault_timeout_s=0.3") as found:
        yield found


@pytest.mark.parametrize("name", [*BAD_SERVICES, "hang", "reset", "truncate"])
def test_a_service_that_cannot_be_trusted_sends_nothing(there: Network, fake: Network, misled: Proxy, name: str):
    """Slow, an older release, or talking nonsense: 503, and no byte to the network."""
    fake.clear()
    fake.answer, fake.fault = BAD_SERVICES.get(name, echo(200)), "" if name in BAD_SERVICES else name
    told = order(f"engine bad {name}")
    answer = misled.create(told.body)
    assert (answer.status, answer.json()["sent"]) == (503, "no"), answer
    assert answer.json()["type"].endswith(":vault") and "retry-after" in answer.headers
    assert misled.ask("GET", "/readyz").status == 503 and fake.got
    nowhere(told.canaries, answer.body, misled.log.read_bytes())
    assert there.raw == [] or there.everything() == b""


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM payload", "its row is missing"),
        ("DELETE FROM person", "its row is missing; journal row"),
        ("UPDATE payload SET person_id = 'somebody'", "is sealed for somebody else"),
        ("UPDATE payload SET remote_id = remote_id || 'x'", "the journal knows no such dispatch"),
    ],
)
def test_verify_finds_what_is_missing_of_it(there: Network, tmp_path: Path, damage: str, said: str):
    """The journal names people and sent bytes of the proxies: rows that were lost, changed or added are told."""
    with running(tmp_path) as service, through(tmp_path / "proxy", there, service.address, env={}) as here:
        assert here.create(order("engine verify").body).status == 200
    sound(tmp_path)
    (path,) = (tmp_path / "run").glob("*.db")
    with sqlite3.connect(path) as db:
        db.execute(damage)
    db.close()
    store = SqliteStore.open(tmp_path / "run", create=False)
    try:
        assert any(said in problem for problem in verify(store).problems)
    finally:
        store.close()


def test_it_is_told_what_it_must_not_be_given(there: Network, tmp_path: Path):
    """A folder or a service, not both and not neither; no policy of its own; no service without TLS elsewhere."""
    address = ("--engine", "http://127.0.0.1:9")
    (tmp_path / "policy.toml").write_text("")
    assert "--policy" in refused_start(None, there.url, *address, "--policy", str(tmp_path / "policy.toml"))
    assert "folder" in refused_start(tmp_path / "store", there.url, *address)
    assert "folder" in refused_start(None, there.url)
    assert "TLS" in refused_start(None, there.url, "--engine", "http://192.0.2.1:8000")


def test_an_order_is_erased_while_both_run(there: Network, here: Proxy, service: Served, home: Path):
    """No file of the run keeps a piece of it; what its network says of it, also just then, is not passed on; others stay."""
    told, other = order("engine erased"), order("engine stays")
    assert here.create(told.body).status == 200
    text = described(there, told)
    assert here.create(other.body).status == 200
    token = there.got[0].json()["sellerFulfillmentOrderId"]
    ((person_id,),) = rows(home, "SELECT person_id FROM token WHERE token = ?", token)
    marks = [
        bytes(mark)
        for sql in (
            "SELECT blind, wrapped_key, sealed FROM person",
            "SELECT sealed FROM payload",
            "SELECT blind, sealed FROM token",
        )
        for row in rows(home, f"{sql} WHERE person_id = ?", person_id)
        for mark in row
    ]
    assert len(marks) >= 8 and all(mark[:16] in kept(home) for mark in marks)
    there.answer = says(200, text)
    there.before = lambda got: erased.append(here.ask("DELETE", f"/_proxy/orders/{told.order_id}"))
    erased: list[Any] = []
    under_way = here.get(told.order_id)
    there.before = lambda got: None
    assert erased[0].json() == {"erased": True} and (under_way.status, under_way.json()["sent"]) == (502, "yes")
    assert here.get(told.order_id).status == 404
    assert here.get(other.order_id).status == 502  # an answer that names the erased order
    left = kept(home)
    assert not any(mark[at : at + 16] in left for mark in marks for at in range(0, len(mark) - 15, 16))
    assert here.ask("DELETE", f"/_proxy/orders/{told.order_id}").json() == {"erased": False}
    there.answer = says(200, {})
    assert here.create(other.body).status == 200
    for bad in (
        ("GET", f"/_proxy/orders/{other.order_id}"),
        ("DELETE", "/_proxy/orders"),
        ("DELETE", "/_proxy/orders/a/b"),
    ):
        assert here.ask(*bad).status in {404, 405}
    nowhere({**told.canaries, **other.canaries}, there.everything())


@pytest.mark.parametrize("when", ["before its answer", "while it masks"])
def test_either_side_is_killed(there: Network, tmp_path: Path, when: str):
    """As by a power cut, while the network answers: nothing is passed on, later the same bytes leave, and the run is whole."""
    told = order(f"engine killed {when}")
    with Served(tmp_path) as service, through(tmp_path / "proxy", there, service.address, env={}) as here:
        if when == "before its answer":
            there.before = lambda got: service.kill()
        else:
            service.kill()
        answer = here.create(told.body)
        assert (answer.status, answer.json()["sent"]) == (503, "yes" if there.got else "no")
        assert bool(there.got) == (when == "before its answer")
        here.kill()
    there.before = lambda got: None
    with Served(tmp_path) as service, through(tmp_path / "proxy", there, service.address, env={}) as here:
        for _ in range(2):
            assert here.create(told.body).status == 200
        there.answer = says(200, described(there, told))
        assert (
            here.get(told.order_id).json()["payload"]["fulfillmentOrder"]["sellerFulfillmentOrderId"] == told.order_id
        )
        service.stop()
    assert len({got.body for got in there.got if got.method == "POST"}) == 1
    sound(tmp_path)
    nowhere(
        told.canaries, there.everything(), kept(tmp_path), here.log.read_bytes(), (tmp_path / "stderr.txt").read_bytes()
    )


def test_words_of_the_network_about_people_are_kept(there: Network, here: Proxy, service: Served, home: Path):
    """Who signed for it: a token for the client, sealed in the run; in clear with --tell-personal."""
    told, signer = order("engine signed"), canary.letters("engine signer")
    assert here.create(told.body).status == 200
    there.answer = says(200, {"payload": {"packageNumber": 17, "currentStatus": "DELIVERED", "signedForBy": signer}})
    path = "/fba/outbound/2020-07-01/tracking?packageNumber=17"
    assert kind_of(here.ask("GET", path).json()["payload"]["signedForBy"]) == "person_in"
    with through(home / "telling", there, service.address, "--tell-personal") as telling:
        assert telling.ask("GET", path).json()["payload"]["signedForBy"] == signer
    nowhere({**told.canaries, "signer": signer}, there.everything())
