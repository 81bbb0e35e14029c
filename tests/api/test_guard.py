"""Who may come in, how often, how slowly, and what every answer carries."""

import json
import time
from pathlib import Path

import pytest

from tests.api.running import Running, order, running
from tranship.api.guard import Buckets
from tranship.api.settings import TOKEN as PLACE
from tranship.api.settings import ApiSettings
from tranship.connectors.settings import is_loopback
from tranship.core.errors import InputError

TOKEN = "correct-horse-battery"  # not a secret: a test's


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_without_a_token_only_loopback_is_served(host: str):
    """Any other address asks for one before anything starts, and says where to put it."""
    with pytest.raises(InputError, match="token"):
        ApiSettings(host=host)
    assert ApiSettings(host=host, token=TOKEN).host == host


def test_settings_have_ranges():
    """A setting out of its range is refused, naming the range."""
    with pytest.raises(InputError, match="body_bytes_max is 1"):
        ApiSettings(body_bytes_max=1)
    with pytest.raises(InputError, match="too short"):
        ApiSettings(token="short")
    assert is_loopback("127.8.9.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("localhost.example.com") and not is_loopback("127.0.0.1.example.com")


def test_a_token_is_read_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The file wins over the variable; one that is not there is told."""
    monkeypatch.setenv("TRANSHIP_TOKEN", "from-the-variable")
    assert PLACE.read() == "from-the-variable"
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("TRANSHIP_TOKEN_FILE", str(tmp_path / "token"))
    assert PLACE.read() == TOKEN
    monkeypatch.setenv("TRANSHIP_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(InputError, match="TRANSHIP_TOKEN_FILE"):
        PLACE.read()


def test_with_a_token_everything_but_health_asks_for_it(tmp_path: Path):
    """401 with WWW-Authenticate; a browser is sent to sign in, and its cookie opens what is read only."""
    with running(tmp_path, ApiSettings(port=0, token=TOKEN)) as service:
        assert service.get("/healthz").status == service.get("/readyz").status == 200
        for path in ("/v1/state", "/v1/orders/x", "/schema/openapi.json", "/", "/live", "/v1/events"):
            assert service.get(path).status == 401, path
        assert service.post("/v1/hooks/none", b"{}").status == 404, "networks show their own signature, not our token"
        assert service.post("/v1/networks/none/breaker", b"{}").status == 401
        answer = service.post("/v1/orders", order("A1"))
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
        assert service.get("/v1/state", authorization="Bearer wrong-horse-battery").status == 401
        assert service.post("/v1/orders", order("A1"), {"authorization": f"Bearer {TOKEN}"}).status == 201
        sent = service.get("/", accept="text/html")
        assert sent.status == 303 and sent.headers["location"] == "/sign-in"
        assert b"password" in service.get("/sign-in", accept="text/html").body
        form = {"content-type": "application/x-www-form-urlencoded"}
        wrong = service.ask("POST", "/sign-in", b"token=no", form)
        assert wrong.status == 303 and "set-cookie" not in wrong.headers
        signed = service.ask("POST", "/sign-in", f"token={TOKEN}".encode(), form)
        cookie = signed.headers["set-cookie"].partition(";")[0]
        assert "HttpOnly" in signed.headers["set-cookie"] and TOKEN not in cookie
        assert service.get("/", cookie=cookie).status == 200
        assert service.get("/v1/state", cookie=cookie).status == 200
        assert service.post("/v1/orders", order("A2"), {"cookie": cookie}).status == 401
        assert service.get("/", cookie="tranship_session=\xff; x").status == 401


def test_a_page_from_elsewhere_cannot_use_a_name_of_its_own(service: Running):
    """On loopback only its own names are answered: a name that somebody points here is refused."""
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", ""):
        assert service.get("/v1/state", host=host).status == 421, host
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000"):
        assert service.get("/v1/state", host=host).status == 200, host


def test_every_answer_carries_the_headers_that_keep_a_browser_in_bounds(service: Running):
    """A strict content policy, no sniffing, no caching; on pages, data and errors alike."""
    for path in ("/", "/v1/state", "/nothing", "/static/live.css"):
        headers = service.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
    assert service.get("/v1/state").headers["cache-control"] == "no-store"
    assert "server" not in service.get("/").headers


def test_head_is_get_without_the_body(service: Running):
    """For a page and for what is not there."""
    for path, status in (("/", 200), ("/v1/orders/none", 404)):
        answer = service.ask("HEAD", path)
        assert answer.status == status and answer.body == b""
    assert service.ask("HEAD", "/v1/events").status == 405, "a stream has no end to wait for"


def test_a_bucket_fills_at_its_rate_and_says_how_long_to_wait():
    """A burst at once, then one per interval; callers do not share."""
    buckets = Buckets(2, 3)
    assert [buckets.wait_s("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.wait_s("b", 0) == 0
    assert buckets.wait_s("a", 0.5) == 0 and buckets.wait_s("a", 0.5) == 0.5
    assert [buckets.wait_s("a", 100) for _ in range(4)] == [0, 0, 0, 0.5]
    assert Buckets(0, 1).wait_s("a", 0) == 0


def test_a_caller_that_asks_too_often_is_told_when_to_come_back(tmp_path: Path):
    """429 with Retry-After; a bulk request is slowed down instead."""
    with running(tmp_path, ApiSettings(port=0, rate_per_s=20, rate_burst=5)) as service:
        answers = [service.get("/healthz") for _ in range(30)]
        refused = [answer for answer in answers if answer.status == 429]
        assert refused and int(refused[0].headers["retry-after"]) >= 1
        assert refused[0].json()["type"] == "urn:tranship:problem:too-many"


def test_slow_callers_are_let_go(tmp_path: Path):
    """Headers or a body that arrive drop by drop do not hold a connection for ever; nor do headers without end."""
    settings = ApiSettings(port=0, head_timeout_s=0.3, body_timeout_s=0.3, head_bytes_max=2_000)
    with running(tmp_path, settings) as service:
        began = time.monotonic()
        with service.raw() as line:
            line.sendall(b"POST /v1/orders HTTP/1.1\r\nhost: loc")
            assert line.recv(1000) == b""
        with service.raw() as line:
            line.sendall(b"POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
            line.sendall(b'content-length: 1000\r\n\r\n{"number"')
            assert line.recv(1000).startswith(b"HTTP/1.1 408 ")
        with service.raw() as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + b"x-y: " + b"a" * 4000)
            assert line.recv(1000).startswith(b"HTTP/1.1 400 ")
        with service.raw() as line:  # a second request on a connection is watched like the first
            line.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += line.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200 ")
            line.sendall(b"GET /heal")
            assert line.recv(1000) == b""
        assert time.monotonic() - began < 20
        assert service.get("/healthz").status == 200


def test_a_head_that_comes_in_one_packet_is_counted_too(tmp_path: Path):
    """Above the limit it is refused, however it is cut: as target, as one header, as many; below it is served."""
    with running(tmp_path, ApiSettings(port=0, head_bytes_max=2_000)) as service:
        heads = {
            b"GET /healthz?" + b"a" * 3_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n": b"400",
            b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-y: " + b"a" * 3_000 + b"\r\n\r\n": b"400",
            b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + b"x-y: aaaaaaaaaaaaaaaa\r\n" * 150 + b"\r\n": b"400",
            b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-y: " + b"a" * 1_800 + b"\r\n\r\n": b"200",
        }
        for head, status in heads.items():
            for cut in (len(head), 1_400, 50):
                with service.raw() as line:
                    line.sendall(head[:cut])
                    line.sendall(head[cut:])
                    assert line.recv(1000).startswith(b"HTTP/1.1 " + status), (head[:60], cut)


def test_too_many_requests_at_a_time_are_told_to_come_back(tmp_path: Path):
    """503 with Retry-After above the limit; those inside are served."""
    with running(tmp_path, ApiSettings(port=0, requests_max=1)) as service, service.raw() as line:
        line.sendall(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 200 ")
        answer = service.get("/healthz")
        assert answer.status == 503 and answer.headers["retry-after"]


def test_an_engine_that_stopped_is_told_as_unavailable(tmp_path: Path):
    """503 with Retry-After for one order and for each line of many; what it was is not told to callers."""
    with running(tmp_path) as service:
        assert service.order("A1").status == 201
        service.service.writer.close()
        answer = service.order("A2")
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
        assert answer.json()["type"] == "urn:tranship:problem:unavailable"
        (line,) = service.bulk(json.dumps(order("A3")).encode())
        assert line["status"] == 503
        assert service.get("/healthz").status == 200
