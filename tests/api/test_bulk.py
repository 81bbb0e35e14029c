"""POST /v1/orders with application/x-ndjson: many orders, a result for each line, no line spoils another."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.api.running import NDJSON, SKU, Running, order, running
from tranship.api.settings import ApiSettings


def lines(*bodies: object) -> bytes:
    """Bodies as lines; bytes as they are."""
    return b"".join((b if isinstance(b, bytes) else json.dumps(b).encode()) + b"\n" for b in bodies)


def test_good_and_bad_lines_each_get_their_result_in_their_place(service: Running):
    """201 for the good ones, a problem for the bad ones, 200 for a repeated one, in the order of the lines."""
    body = lines(
        order("K1"),
        b"{not json",
        order("K2", lines=[{"sku": SKU, "qty": -3}]),
        b"",
        order("K1"),
        order("K1", lines=[{"sku": SKU, "qty": 9}]),
        b'{"number": "\xff"}',
        order("K3", lines=[{"sku": "NO-SUCH", "qty": 1}]),
        order("K4", customer={"name": "Bulk Person"}),
    )
    found = service.bulk(body)
    assert [(row["line"], row["status"]) for row in found] == [
        (1, 201), (2, 400), (3, 422), (5, 200), (6, 409), (7, 400), (8, 422), (9, 201),
    ]  # fmt: skip
    assert found[3]["repeated"] and found[3]["answer"] == found[0]["answer"]
    assert found[2]["problem"]["errors"][0]["field"] == "lines[0].qty"
    assert all(("answer" in row) != ("problem" in row) for row in found)


def test_a_thousand_orders_in_one_request(service: Running):
    """All are taken, answered in order, and share transactions: the point of sending them together."""
    found = service.bulk(lines(*[order(f"L{i}") for i in range(1000)]))
    assert [row["answer"]["order"] for row in found] == [f"api:L{i}" for i in range(1000)]
    assert service.get("/v1/orders/L999").status == 200


def test_a_last_line_without_its_break_counts(service: Running):
    """And a carriage return before the break does no harm."""
    found = service.bulk(json.dumps(order("M1")).encode() + b"\r\n" + json.dumps(order("M2")).encode())
    assert [row["status"] for row in found] == [201, 201]


def test_a_line_that_is_too_long_is_one_bad_line(service: Running):
    """It is passed over up to its break; the next one is taken."""
    long = json.dumps(order("N1", service="x" * service.context.settings.body_bytes_max)).encode()
    found = service.bulk(lines(order("N0"), long, order("N2")))
    assert [(row["line"], row["status"]) for row in found] == [(1, 201), (2, 413), (3, 201)]


def test_results_come_while_lines_are_still_being_sent(service: Running):
    """A feed that never ends gets its answers line by line."""
    with service.raw() as line:
        head = "POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        line.sendall(head.encode())
        seen = b""
        for i in range(3):
            body = lines(order(f"O{i}"))
            line.sendall(b"%x\r\n%s\r\n" % (len(body), body))
            while f"api:O{i}".encode() not in seen:
                piece = line.recv(65_536)
                assert piece, seen
                seen += piece
        line.sendall(b"0\r\n\r\n")
        while not seen.endswith(b"0\r\n\r\n"):
            seen += line.recv(65_536)
    assert seen.startswith(b"HTTP/1.1 200 ")


def test_a_caller_that_reads_nothing_until_it_has_sent_everything_is_not_locked_out(service: Running):
    """Ten thousand repeated lines make more results than the socket holds; all of them arrive."""
    service.order("P1")
    found = service.bulk(lines(order("P1")) * 10_000)
    assert len(found) == 10_000 and {row["status"] for row in found} == {200}


def test_limits_end_a_bulk_request_with_a_last_problem(tmp_path: Path):
    """What came before the limit is taken; the limit is told as the result of the line that broke it."""
    with running(tmp_path, ApiSettings(port=0, bulk_lines_max=3, bulk_bytes_max=100_000)) as service:
        found = service.bulk(lines(*[order(f"Q{i}") for i in range(5)]))
        assert [row["status"] for row in found] == [201, 201, 201, 413]
        found = service.bulk(lines(order("Q9"), b" " * 100_001))
        assert found[-1]["status"] == 413
        assert service.get("/healthz").status == 200


def test_a_key_in_the_header_is_refused_for_many(service: Running):
    """One key for many orders would mean nothing; each line has its own."""
    answer = service.ask("POST", "/v1/orders", lines(order("R1")), {**NDJSON, "idempotency-key": "k"})
    assert answer.status == 422 and answer.json()["errors"][0]["field"] == "Idempotency-Key"
    found = service.bulk(lines(order("R1", idempotency_key="k-bulk"), order("R2", idempotency_key="k-bulk")))
    assert [row["status"] for row in found] == [201, 409]


@given(st.lists(st.binary(max_size=30) | st.just(b"good"), max_size=12))
def test_every_line_has_one_result_whatever_it_holds(service: Running, given_lines: list[bytes]):
    """Blank lines are passed over; each other one is answered once, in order, good ones well."""
    known = json.dumps(order("S1")).encode()
    bodies: list[Any] = [known if line == b"good" else line.replace(b"\n", b" ") for line in given_lines]
    found = service.bulk(lines(*bodies))
    expected = [i for i, body in enumerate(bodies, 1) if body.strip()]
    assert [row["line"] for row in found] == expected
    good = [i for i, body in enumerate(bodies, 1) if body == known]
    assert [row["line"] for row in found if row["status"] in (200, 201)] == good
