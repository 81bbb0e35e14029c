"""Ways in which other proxies let clear text through, as reported by their users, tried on this one.

An analyzer that was down, and the text went out as it was; endpoints and streamed bodies that nobody masked (BerriAI/litellm#30728); a
client that could not be made, and traffic passed in spite of the setting (envoyproxy/envoy#45220); bodies whose length had changed
(rossoctl/cortex#820); answers masked instead of requests (litellm#30447); a second request that broke the mapping
(llm-guard#82); hashes without salt (presidio#1845: the canary search knows digests).
"""

import datetime as dt
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import apsw
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.masking.canary import Search
from tests.proxy.network import Network, network, says
from tests.proxy.running import ORDERS, Proxy, order, proxy
from tests.proxy.test_proxy import described


@pytest.fixture(scope="module")
def there() -> Iterator[Network]:
    """The network."""
    with network() as found:
        yield found


@pytest.fixture(scope="module")
def here(there: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy in front of it."""
    folder = tmp_path_factory.mktemp("bugs") / "store"
    with proxy(folder, there.url, "--limit", "vault_timeout_s=0.3") as found:
        yield found


def raw(here: Proxy, *pieces: bytes) -> bytes:
    """Bytes on a socket, and the answer to them."""
    where = urlsplit(here.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as line:  # type: ignore[arg-type]
        for piece in pieces:
            line.sendall(piece)
        return line.recv(65536)


def test_while_the_vault_is_down_no_endpoint_and_no_stream_gets_through(there: Network, here: Proxy):
    """Every operation, by length and in chunks: 4xx or 503, and no byte at the network."""
    told = order("down")
    assert here.create(told.body).status == 200
    there.clear()
    holder = apsw.Connection(str(here.folder / "tranship.db"))
    holder.execute("BEGIN IMMEDIATE")
    try:
        body = json.dumps(order("down again").body).encode()
        head = f"POST {ORDERS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
        chunks = [
            b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[at : at + 7] for at in range(0, len(body), 7))
        ]
        assert b" 503 " in raw(here, head + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")
        for method, path, more in (
            ("GET", f"{ORDERS}/{told.order_id}", None), ("PUT", f"{ORDERS}/{told.order_id}/cancel", None),
            ("GET", f"{ORDERS}?queryStartDate=2026-11-22T00:00:00Z", None), ("POST", ORDERS, told.body),
            ("PUT", f"{ORDERS}/{told.order_id}", told.body),
            ("GET", "/fba/outbound/2020-07-01/tracking?packageNumber=1", None), ("POST", "/v1/messages", told.body),
        ):  # fmt: skip
            answer = here.ask(method, path, more)
            assert answer.status in {404, 422, 503}, (path, answer)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert there.everything() == b""


def test_the_length_is_that_of_the_masked_body(there: Network, here: Proxy):
    """Masked bodies are shorter or longer than what came; answers the other way round."""
    there.clear()
    short, long = order("short"), order("long")
    long.body["items"][0]["giftMessage"] = "x" * 500
    for told in (short, long):
        assert here.create(told.body).status == 200
        got = there.got[-1]
        assert int(got.headers["content-length"]) == len(got.body) and json.loads(got.body)


def test_the_same_question_twice_has_the_same_answer(there: Network, here: Proxy):
    """Clear for the client, masked for the network, the first time and after."""
    there.clear()
    told = order("twice")
    assert here.create(told.body).status == 200
    there.answer = says(200, described(there, told))
    answers = {here.get(told.order_id).body for _ in range(5)}
    (answer,) = answers
    assert (
        json.loads(answer)["payload"]["fulfillmentOrder"]["destinationAddress"]["name"] == told.canaries["twice name"]
    )
    assert Search(told.canaries).hits(there.everything()) == []


def certificate(folder: Path) -> Path:
    """A certificate for localhost that nobody has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "made.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def listening(context: ssl.SSLContext | None) -> Iterator[tuple[int, bytearray]]:
    """A port with (or without) TLS, and what was said to it in clear."""
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                line, _ = server.accept()
                with context.wrap_socket(line, server_side=True) if context else line as inner:
                    inner.settimeout(5)
                    while more := inner.recv(4096):
                        heard.extend(more)
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], heard
        thread.join(15)


def test_an_upstream_that_is_not_who_it_says_gets_nothing(tmp_path: Path):
    """A certificate that nobody signed: the request is not sent, not even masked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    with listening(context) as (port, heard), proxy(tmp_path / "a", f"https://localhost:{port}") as here:
        answer = here.create(order("tls").body)
        assert answer.status == 503 and answer.json()["type"].endswith("not-sent") and answer.json()["sent"] == "no"
    assert heard == b""


def test_an_upstream_without_tls_where_tls_is_wanted_gets_nothing(tmp_path: Path):
    """What it hears is the beginning of a handshake, and nothing of an order."""
    told = order("plain")
    with (
        listening(None) as (port, heard),
        proxy(tmp_path / "b", f"https://localhost:{port}", "--limit", "upstream_timeout_s=1") as here,
    ):
        assert here.create(told.body).status in {503, 504}
    assert b"HTTP/1.1" not in heard and b"Atza" not in heard
    assert Search(told.canaries).hits(bytes(heard)) == []


def test_clients_may_come_over_tls(there: Network, tmp_path: Path):
    """With a certificate of its own the proxy speaks TLS only."""
    made = certificate(tmp_path)
    with proxy(tmp_path / "c", there.url, "--certificate", str(made)) as here:
        assert here.url.startswith("https://")
        where = urlsplit(here.url)
        context = ssl.create_default_context(cafile=str(made))
        with socket.create_connection((where.hostname, where.port), timeout=10) as line:  # type: ignore[arg-type]
            inner = context.wrap_socket(line, server_hostname="localhost")
            inner.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert inner.recv(4096).startswith(b"HTTP/1.1 200")
            inner.close()
