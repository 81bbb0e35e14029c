"""What is going on: state, events, health."""

import json
import socket
from typing import Any

from tests.api.running import Running, order


def events(line: socket.socket, until: str) -> list[tuple[str, str, Any]]:
    """(id, event, data) of an event stream until one's data holds `until`."""
    found: list[tuple[str, str, Any]] = []
    buffer = b""
    while True:
        piece = line.recv(65_536)
        assert piece, buffer[-500:]
        buffer += piece
        text = buffer.decode().replace("\r\n", "\n")
        found = []
        for block in text.split("\n\n"):
            fields = dict(row.split(": ", 1) for row in block.split("\n") if ": " in row and not row.startswith(":"))
            if "data" in fields:
                try:
                    found.append((fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"])))
                except json.JSONDecodeError:
                    continue
        if any(until in json.dumps(data) for _, name, data in found if name == "decision"):
            return found


def listen(service: Running, last: str = "") -> socket.socket:
    """Open the event stream."""
    line = service.raw()
    head = f"last-event-id: {last}\r\n" if last else ""
    line.sendall(f"GET /v1/events HTTP/1.0\r\nhost: localhost\r\n{head}\r\n".encode())
    assert line.recv(12, socket.MSG_PEEK), (
        "no answer"
    )  # it listens from here on: an order placed before would be missed
    return line


def test_the_state_shows_what_was_placed(service: Running):
    """Orders, shares against the cap, stock and the decision with its reason, once the view has caught up."""
    with listen(service) as line:
        assert service.order("WATCH-1").status == 201
        events(line, "api:WATCH-1")
    state = service.get("/v1/state").json()
    board = state["board"]
    assert state["age_s"] < 15 and state["clock"]["speed"] == 1
    (mine,) = [d for d in board["decisions"] if d["order"] == "api:WATCH-1"]
    assert mine["because"] and mine["parts"] and mine["to"] == "IL 60614"
    assert board["orders"] >= 1 and board["fulfillment_orders"] >= len(mine["parts"])
    cap = next(share for share in board["shares"] if share["network"] == "amazon")
    assert cap["capped"] <= cap["limit"] and cap["share_bp"] <= cap["cap_bp"] and cap["max_share_bp"] <= 6000
    assert sum(node["fulfillable"] for node in board["nodes"]) == board["stock"]["fulfillable"]
    assert sum(network["fulfillment_orders"] for network in board["networks"]) == board["fulfillment_orders"]


def test_events_tell_of_each_decision_once_and_resume_where_one_left(service: Running):
    """With Last-Event-ID a client that lost the line gets what it missed, and not what it had."""
    with listen(service) as line:
        service.order("U1")
        first = [event for event in events(line, "api:U1") if event[1] == "decision"]
    for number in ("U2", "U3"):
        service.order(number)
    with listen(service, first[-1][0]) as line:
        second = [event for event in events(line, "api:U3") if event[1] == "decision"]
    assert [data["order"] for _, _, data in second] == ["api:U2", "api:U3"]
    assert all(int(number) > int(first[-1][0]) for number, _, _ in second)


def test_too_many_streams_are_told_to_come_back(service: Running):
    """503 with Retry-After; a stream that is closed makes room."""
    service.context.streams += service.context.settings.streams_max
    try:
        answer = service.get("/v1/events")
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
    finally:
        service.context.streams -= service.context.settings.streams_max


def test_health_and_readiness(service: Running):
    """Both answer ok while the engine does."""
    assert service.get("/healthz").json() == {"status": "ok"}
    assert service.get("/readyz").json() == {"status": "ok"}


def test_totals_are_the_same_after_a_restart_as_before(service: Running):
    """A board made from the tables says what the board said that was carried on from the journal."""
    from tranship.engine.board import Board
    from tranship.engine.service import snapshot_of

    service.bulk(b"".join(json.dumps(order(f"V{i}")).encode() + b"\n" for i in range(50)))
    carried = service.service.view()
    fresh = Board(service.service.store)
    made = fresh.view(service.service.writer.call(snapshot_of))
    for name in (
        "orders",
        "fulfillment_orders",
        "units",
        "splits",
        "cost_micros",
        "late",
        "networks",
        "parked",
        "stock",
    ):
        assert getattr(made, name) == getattr(carried, name), name
    assert made.decisions == carried.decisions
