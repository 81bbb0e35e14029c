"""Bodies that nobody should send: each is refused with a problem that names the field, and the service goes on."""

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.running import JSON, SKU, Running, order


def changed(**more: Any) -> bytes:
    """An order's body with something changed."""
    return json.dumps({**order("bad"), **more}).encode()


def line(**more: Any) -> list[dict[str, Any]]:
    """One line with something changed."""
    return [{"sku": SKU, "qty": 1, **more}]


BODIES: list[tuple[str, bytes, int, str]] = [
    ("empty", b"", 400, ""),
    ("not json", b"number=1", 400, ""),
    ("half", changed()[:-5], 400, ""),
    ("two", changed() + changed(), 400, ""),
    ("nan", b'{"number": NaN}', 400, ""),
    ("infinite", changed()[:-1] + b', "service": Infinity}', 400, ""),
    ("not utf-8", b'{"number": "\xff\xfe"}', 400, ""),
    ("half a surrogate", b'{"number": "\\ud800"}', 400, ""),
    ("deep list", b"[" * 100_000, 422, ""),
    ("deep object", b'{"lines":' * 50_000, 422, "lines"),
    ("deep where unknown", b'{"x":' + b"[" * 100_000, 422, "x"),
    ("a list", b"[]", 422, ""),
    ("a string", b'"order"', 422, ""),
    ("null", b"null", 422, ""),
    ("nothing in it", b"{}", 422, "number"),
    ("unknown field", changed(priority=1), 422, "priority"),
    ("unknown in a line", changed(lines=line(colr=1)), 422, "lines[0].colr"),
    ("key twice", b'{"number":"a","number":"b",' + changed()[1:], 422, "number"),
    ("line key twice", changed(lines=[{**line()[0], "key": "x"}] * 2), 422, "lines[1].key"),
    ("no lines", changed(lines=[]), 422, "lines"),
    ("too many lines", changed(lines=line() * 2_001), 422, "lines"),
    ("negative", changed(lines=line(qty=-1)), 422, "lines[0].qty"),
    ("zero", changed(lines=line(qty=0)), 422, "lines[0].qty"),
    ("a fraction", changed(lines=line(qty=1.5)), 422, "lines[0].qty"),
    ("true", changed(lines=line(qty=True)), 422, "lines[0].qty"),
    ("a numeral", changed(lines=line(qty="1")), 422, "lines[0].qty"),
    ("too many", changed(lines=line(qty=10**30)), 422, "lines[0].qty"),
    ("out of range", changed()[:-1] + b', "service": 1e400}', 422, "service"),
    ("negative price", changed(lines=line(unit_price_minor=-1)), 422, "lines[0].unit_price_minor"),
    ("unknown sku", changed(lines=line(sku="NO-SUCH")), 422, "lines[0].sku"),
    ("sku of nothing", changed(lines=line(sku="")), 422, "lines[0].sku"),
    ("sku with a nul", changed(lines=line(sku="A\0B")), 422, "lines[0].sku"),
    ("unknown channel", changed(channel="nowhere"), 422, "channel"),
    ("foreign money", changed(currency="GBP"), 422, "currency"),
    ("no zip", changed(to={"zip": "ABC"}), 422, "to.zip"),
    ("zip of full-width digits", changed(to={"zip": "\uff16\uff10\uff16\uff11\uff14"}), 422, "to.zip"),
    ("number with a slash", changed(number="a/b"), 422, "number"),
    ("number with a line break", changed(number="a\n"), 422, "number"),
    ("number with a mail address", changed(number="jane@example.com"), 422, "number"),
    ("source with a colon", changed(source="a:b"), 422, "source"),
    ("time without a zone", changed(placed_at="2026-01-01T00:00:00"), 422, "placed_at"),
    ("time before time", changed(placed_at="0001-01-01T00:00:00Z"), 422, "placed_at"),
    ("no date", changed(deliver_by="soon"), 422, "deliver_by"),
    ("date after all", changed(deliver_by="9999-12-31"), 422, "deliver_by"),
    ("long name", changed(customer={"name": "x" * 201}), 422, "customer.name"),
    ("key with a space", changed(idempotency_key="a b"), 422, "idempotency_key"),
]


@pytest.mark.parametrize(("body", "status", "field"), [b[1:] for b in BODIES], ids=[b[0] for b in BODIES])
def test_a_hostile_body_is_refused_and_the_field_named(service: Running, body: bytes, status: int, field: str):
    """400 where it is no JSON, 422 with the field where it is no order; a problem each time, and nothing was taken."""
    before = service.service.store.last_seq()
    answer = service.post("/v1/orders", body)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["instance"] == "/v1/orders" and problem["detail"]
    if status == 422:
        assert problem["errors"][0]["field"] == field
    assert b"Traceback" not in answer.body and b"msgspec" not in answer.body
    assert service.service.store.last_seq() == before


def test_a_huge_body_is_refused_without_reading_it(service: Running):
    """413 by its announced length, and by what arrives where it announces none."""
    size = service.context.settings.body_bytes_max + 1
    with service.raw() as line:
        line.sendall(b"POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
        line.sendall(f"content-length: {size}\r\n\r\n".encode())
        assert line.recv(65_536).startswith(b"HTTP/1.1 413 ")
    with service.raw() as line:
        line.sendall(b"POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
        line.sendall(b"transfer-encoding: chunked\r\n\r\n")
        piece = b" " * 65_536
        answer = b""
        for _ in range(size // len(piece) + 2):
            try:
                line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            except OSError:
                break
        answer = line.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", "text/json"],
)
def test_another_content_type_is_not_taken_for_an_order(service: Running, kind: str):
    """415, with what would be read: a page from elsewhere cannot send these without asking."""
    answer = service.ask("POST", "/v1/orders", changed(), {"content-type": kind})
    assert answer.status == 415 and answer.headers["accept"] == "application/json, application/x-ndjson"
    assert service.ask("POST", "/v1/receipts", b"{}", {"content-type": kind}).status == 415


def test_an_unknown_method_is_told_what_is_allowed(service: Running):
    """405 with Allow."""
    answer = service.ask("DELETE", "/v1/orders")
    assert answer.status == 405 and "POST" in answer.headers["allow"]
    assert answer.json()["type"] == "urn:tranship:problem:method-not-allowed"


def test_requests_that_are_not_http_are_let_go(service: Running):
    """Noise on the socket is answered with 400 or closed; the service goes on."""
    noises = [os.urandom(4096), b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET " + b"a" * 200_000]
    for noise in noises:
        with service.raw() as line:
            try:
                line.sendall(noise + b"\r\n\r\n")
                assert line.recv(1024)[:12] in (b"HTTP/1.1 400", b"")
            except ConnectionError:
                pass
    assert service.get("/healthz").status == 200


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = ["number", "to", "lines", "source", "channel", "currency", "service", "placed_at", "deliver_by", "customer"]


@given(st.dictionaries(st.sampled_from(_FIELDS), _values, min_size=1, max_size=3))
def test_no_value_in_any_field_breaks_the_service(service: Running, change: dict[str, Any]):
    """Whatever stands in a field, the answer is an order taken or a 4xx problem; never a 5xx, never a rebuild."""
    body = json.dumps({**order("fuzz"), **change}).encode()
    answer = service.ask("POST", "/v1/orders", body, JSON)
    assert answer.status in (200, 201, 400, 409, 422), answer.body


@given(st.binary(max_size=200))
def test_no_bytes_break_the_service(service: Running, body: bytes):
    """Any bytes are refused as a client's fault."""
    assert service.ask("POST", "/v1/orders", body or b" ", JSON).status in (400, 422)
