"""Each fault as it is met on the socket, and what was really done behind it."""

import http.client
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.running import Running, amazon
from tests.sandbox.test_amazon import (
    DAY,
    HOUR,
    NEVER_EXPIRES,
    NEW,
    OLD,
    START,
    cancel,
    order,
    place,
    release,
    status,
    summaries,
)  # fmt: skip


@pytest.fixture
def there(there: Running) -> Running:
    """The same, signed in."""
    there.call("GET", f"{NEW}/orders")
    return there


def known(there: Running) -> set[str]:
    """Ids of orders that are really there."""
    return set(there.report()["orders"])


def raw(there: Running, method: str, path: str, body: object = None) -> bytes:
    """Every byte of the answer until the connection ends; ConnectionResetError where it is reset."""
    host, port = urlsplit(there.url).hostname, urlsplit(there.url).port
    token = there.token().body["access_token"]
    data = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nx-amz-access-token: {token}\r\nContent-Type: application/json\r\n"
    )
    found = b""
    with socket.create_connection((host, port), timeout=10) as line:
        line.sendall(f"{head}Connection: close\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        while part := line.recv(65_536):
            found += part
    return found


def test_latency_makes_an_answer_late(there: Running):
    """The answer is the right one, later, by wall time."""
    there.fault(op="create", kind="latency", ms=300)
    began = time.monotonic()
    assert place(there, "A-1").status == 200
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A-1"})])
def test_a_hanging_call_never_answers(there: Running, when: str, done: set[str]):
    """The caller gives up; whether the request was carried out is the fault's choice and not to be seen from outside."""
    there.fault(op="create", kind="hang", when=when)
    with pytest.raises(TimeoutError):
        there.call("POST", f"{NEW}/orders", order("A-1"), timeout=0.4)
    assert known(there) == done


def test_a_hang_may_end_by_itself(there: Running):
    """After `ms` the connection is closed without a byte."""
    there.fault(op="get", kind="hang", ms=200)
    assert raw(there, "GET", f"{NEW}/orders/A-1") == b""


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A-1"})])
def test_a_reset_is_a_reset(there: Running, when: str, done: set[str]):
    """RST instead of an end."""
    there.fault(op="create", kind="reset", when=when, times=1)
    with pytest.raises(ConnectionResetError):
        raw(there, "POST", f"{NEW}/orders", order("A-1"))
    assert known(there) == done


def test_a_truncated_answer_breaks_off(there: Running):
    """Carried out; the head promises more bytes than come."""
    there.fault(op="create", kind="truncate", times=1)
    with pytest.raises(http.client.IncompleteRead) as caught:
        place(there, "A-1")
    assert caught.value.partial.startswith(b'{"order":')
    assert known(there) == {"A-1"}


def test_a_lost_reply_hides_that_it_was_done(there: Running):
    """Carried out, then the connection ends without a byte."""
    there.fault(op="create", kind="lost_reply", times=1)
    assert raw(there, "POST", f"{NEW}/orders", order("A-1")) == b""
    assert known(there) == {"A-1"}
    assert place(there, "A-1").status == 400, "the retry finds the id taken"


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A-1"})])
def test_an_error_of_the_server_says_nothing(there: Running, when: str, done: set[str]):
    """503 (or any other) before or after the order was made."""
    there.fault(op="createOrder", kind="5xx", status=502, when=when, times=1)
    assert place(there, "A-1").status == 502
    assert known(there) == done
    assert place(there, "A-2").status == 200, "once only"


@pytest.mark.parametrize(("reply", "seen"), [("", b""), ("5xx", b"HTTP/1.1 503")])
def test_a_delayed_request_is_carried_out_up_to_an_hour_later(there: Running, reply: str, seen: bytes):
    """The caller knows nothing, looks and finds nothing; an hour of the sandbox's clock later the order is there and ships."""
    there.fault(op="create", kind="delayed", ms=3_600_000, times=1, reply=reply)
    assert raw(there, "POST", f"{NEW}/orders", order("A-1")).startswith(seen)
    there.advance(HOUR - 1)
    assert there.call("GET", f"{NEW}/orders/A-1").status == 404
    there.advance(1)
    assert there.call("GET", f"{NEW}/orders/A-1").status == 200
    there.advance(DAY)
    assert there.report()["orders"]["A-1"]["units"] == 2


def test_a_delayed_request_finds_its_id_burned(there: Running):
    """The fence of the hand-over protocol: what was created and cancelled under an id stops a late original."""
    there.fault(op="create", kind="delayed", ms=600_000, times=1)
    raw(there, "POST", f"{NEW}/orders", order("A-1"))
    assert place(there, "A-1", action="HOLD").status == 200
    cancel(there, "A-1")
    there.advance(2 * DAY)
    report = there.report()
    assert report["orders"]["A-1"]["state"] == "CANCELLED" and report["units_shipped"] == 0
    assert report["calls"]["createOrder"] == {"200": 1, "400": 1, "fault delayed": 1}


def test_a_delayed_request_ships_twice_where_ids_are_freed():
    """The same story without burned ids, and a client that placed the order again elsewhere: the late original ships."""
    with amazon("--sku", "S1=100", "--free-ids", *NEVER_EXPIRES, clock=START) as there:
        there.call("GET", f"{NEW}/orders")
        there.fault(op="create", kind="delayed", ms=600_000, times=1)
        raw(there, "POST", f"{NEW}/orders", order("A-1"))
        place(there, "A-1", action="HOLD")
        cancel(there, "A-1")
        there.advance(2 * DAY)
        assert there.report()["orders"]["A-1"]["units"] == 2


def test_a_duplicated_creation_is_refused_the_second_time(there: Running):
    """The caller sees the first answer, or with reply = second the refusal although the order is there."""
    there.fault(op="create", kind="duplicate", times=1)
    assert place(there, "A-1").status == 200
    there.fault(op="create", kind="duplicate", times=1, reply="second")
    assert place(there, "A-2").status == 400
    there.advance(DAY)
    assert {number: found["units"] for number, found in there.report()["orders"].items()} == {"A-1": 2, "A-2": 2}


def test_a_duplicate_may_come_later(there: Running):
    """A release that is delivered again after the cancellation changes nothing."""
    place(there, "A-1", action="HOLD")
    there.fault(op="release", kind="duplicate", ms=60_000, times=1)
    release(there, "A-1")
    there.advance(2)
    cancel(there, "A-1")
    there.advance(DAY)
    assert there.report()["orders"]["A-1"]["units"] == 0


def test_read_lag_shows_an_earlier_state(there: Running):
    """Get, list and stock tell what was; what was not yet is not found."""
    there.stock(S1=50)
    there.advance(HOUR)
    there.fault(op="*", kind="read_lag", ms=60_000)
    place(there, "A-1")
    assert there.call("GET", f"{NEW}/orders/A-1").status == 404
    assert there.call("GET", f"{NEW}/orders").body["orders"] == []
    assert summaries(there)["S1"]["inventoryDetails"]["fulfillableQuantity"] == 50
    there.advance(59)
    assert there.call("GET", f"{NEW}/orders/A-1").status == 404
    there.advance(1)
    assert there.call("GET", f"{NEW}/orders/A-1").status == 200
    assert [found["orderId"] for found in there.call("GET", f"{NEW}/orders").body["orders"]] == ["A-1"]
    there.advance(61)
    cancel(there, "A-1")
    there.advance(5)
    assert status(there, "A-1") == "Planning", "it was cancelled four seconds ago"


def test_orders_freeze_in_planning_until_the_fault_ends(there: Running):
    """Accepted, then no progress: the failure that its users report. Healed, they go on; cancelled, they do not."""
    fault = there.fault(op="*", kind="frozen")
    place(there, "A-1")
    place(there, "A-2")
    there.advance(3 * DAY)
    assert status(there, "A-1") == "Planning"
    cancel(there, "A-2")
    there.advance(2)
    there.heal(fault)
    there.advance(DAY)
    report = there.report()
    assert (report["orders"]["A-1"]["units"], report["orders"]["A-2"]["units"]) == (2, 0)


def test_a_freeze_may_end_at_a_time(there: Running):
    """`until` lets them go without anybody's help."""
    there.fault(op="*", kind="frozen", until="2026-11-29T00:00:00Z")
    place(there, "A-1")
    there.advance(2 * DAY - 1)
    assert status(there, "A-1") == "Planning"
    there.advance(1)
    assert status(there, "A-1") == "Processing"


def test_stock_lies(there: Running):
    """The count that is told differs from the units that are there; orders go by those that are there."""
    there.fault(op="stock", kind="stock_lie", units=-7, sku="S1")
    assert summaries(there)["S1"]["inventoryDetails"]["fulfillableQuantity"] == 93
    assert there.control("GET", "/stock")["S1"]["fulfillable"] == 100
    there.heal()
    there.fault(op="stock", kind="stock_lie", seed=3)
    drawn = summaries(there)["S1"]["inventoryDetails"]["fulfillableQuantity"]
    assert drawn != 100 and abs(drawn - 100) <= 5
    assert summaries(there)["S1"]["inventoryDetails"]["fulfillableQuantity"] == drawn, "a lie is kept up"


@pytest.mark.parametrize("path", [f"{NEW}/orders/A-1/cancel", f"{OLD}/fulfillmentOrders/A-1/cancel"])
def test_a_late_cancellation_comes_too_late(there: Running, path: str):
    """Accepted by either version, carried out after picking began: that is, not at all."""
    there.fault(op="cancel", kind="late_cancel", ms=3_600_000)
    place(there, "A-1")
    assert there.call("PUT", path).status in {200, 202}
    there.advance(DAY)
    assert there.report()["orders"]["A-1"]["units"] == 2


def test_garbage_is_answered_instead(there: Running):
    """Any text the test wants: the client has to see that it breaks the rules."""
    there.fault(op="get", kind="garbage", body='{"order":{"orderId":"SOMEBODY-ELSE"}}')
    place(there, "A-1")
    assert there.call("GET", f"{NEW}/orders/A-1").body == {"order": {"orderId": "SOMEBODY-ELSE"}}


def test_faults_begin_end_and_choose(there: Running):
    """By time of the sandbox's clock, by a text of the request, by number; the control interface shows what they met."""
    there.fault(op="create", kind="5xx", begins="2026-11-27T01:00:00Z", until="2026-11-27T02:00:00Z", match="A-2")
    assert place(there, "A-2").status == 200
    there.advance(HOUR)
    assert (place(there, "A-21").status, place(there, "A-3").status) == (503, 200)
    there.advance(HOUR)
    assert place(there, "A-22").status == 200
    assert [(found["kind"], found["hits"]) for found in there.control("GET", "/faults")] == [("5xx", 1)]


def test_a_seed_repeats_which_calls_fail(there: Running):
    """The same seed, the same calls; about as many as `p` says; another seed, others."""

    def story(seed: int) -> list[int]:
        there.fault(op="getOrder", kind="5xx", p=0.3, seed=seed)
        found = [there.call("GET", f"{NEW}/orders/A-1").status for _ in range(60)]
        there.heal()
        return found

    first = story(1)
    assert first == story(1) != story(2)
    assert 8 <= first.count(503) <= 30


@pytest.mark.parametrize(
    "rule",
    [{}, {"kind": "nothing"}, {"kind": "hang", "p": 2}, {"kind": "hang", "ms": 3_600_001}, {"kind": "hang", "color": "red"},
     {"kind": "5xx", "status": 200}, {"kind": "hang", "when": "never"}, {"kind": "hang", "from": "tomorrow"}, []],
)  # fmt: skip
def test_a_fault_that_makes_no_sense_is_refused(there: Running, rule: Any):
    """400 with a sentence, and nothing is in force."""
    answer = there.ask("POST", "/_sandbox/faults", rule)
    assert answer.status == 400 and answer.body["message"]
    assert there.control("GET", "/faults") == []


def test_the_sign_in_can_fail_too(there: Running):
    """The token endpoint is an operation like others; tokens can be revoked at once."""
    there.fault(op="token", kind="5xx", times=1)
    assert there.token().status == 503
    there.control("POST", "/tokens/revoke")
    assert there.call("GET", f"{NEW}/orders").status == 403


def test_a_reset_begins_anew(there: Running):
    """Orders, stock, tokens, faults, clock and counts are those of a start."""
    place(there, "A-1")
    there.fault(op="create", kind="5xx")
    there.advance(DAY)
    there.reset()
    report = there.report()
    assert (report["orders"], report["faults"], report["calls"], report["now"]) == ({}, [], {}, START)
    assert place(there, "A-1").status == 200
