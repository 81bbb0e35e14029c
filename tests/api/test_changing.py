"""What customers change of an order over HTTP: units back, another address; once for a ref, refused with the reason when too late."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.connected import KEY, Connected, connected
from tests.api.running import SKU, Running
from tests.api.test_handing_over import notification
from tranship.cli.main import app
from tranship.store.people import People

PERSON = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}
BOSTON = {"zip": "02108", "state": "MA"}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    """A service that hands over at once, on hold; every test takes orders of its own."""
    with connected(tmp_path_factory.mktemp("changing"), "--any-sku", "50", release_min=0) as found:
        yield found


def held(there: Connected, number: str, **more: Any) -> str:
    """Place an order and wait until the network holds it; the dispatch."""
    assert there.service.order(number, customer=PERSON, **more).status == 201
    found = there.until(lambda: there.dispatches(f"?order={number}&state=HELD"))
    return str(found[0]["id"])


def cancel(service: Running, number: str, ref: str = "r-1", lines: object = "all") -> Any:
    """POST a cancellation."""
    return service.post(f"/v1/orders/{number}/cancel", {"ref": ref, "lines": lines})


def address(service: Running, number: str, ref: str = "r-1", **more: Any) -> Any:
    """POST a new address."""
    return service.post(f"/v1/orders/{number}/address", {"ref": ref, "to": BOSTON} | more)


def test_a_cancellation_says_what_is_void_and_is_done_once(service: Running):
    """By line, then all of it; the same again is the first answer, byte by byte; another content under the ref is 409."""
    assert service.order("can-1", lines=[{"sku": SKU, "qty": 3}]).status == 201
    first = cancel(service, "can-1", lines=[{"line": "1", "qty": 1}])
    assert first.status == 200, first.body
    (line,) = first.json()["lines"]
    assert line == {"line": "1", "asked": 1, "void": 1, "asked_back": 0, "too_late": 0, "gone_before": 0}
    again = cancel(service, "can-1", lines=[{"line": "1", "qty": 1}])
    assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
    assert cancel(service, "can-1").status == 409
    whole = cancel(service, "can-1", "r-2").json()
    assert (whole["status"], whole["lines"][0]["void"], whole["lines"][0]["gone_before"]) == ("CANCELLED", 2, 1)


@pytest.mark.parametrize(
    ("number", "body", "status"),
    [
        ("none", {"ref": "x", "lines": "all"}, 404),
        ("bad-1", {"lines": "all"}, 422),
        ("bad-1", {"ref": "x", "lines": "some"}, 422),
        ("bad-1", {"ref": "x", "lines": []}, 422),
        ("bad-1", {"ref": "x", "lines": [{"line": "9", "qty": 1}]}, 422),
        ("bad-1", {"ref": "x", "lines": [{"line": "1", "qty": 99}]}, 422),
    ],
)
def test_a_cancellation_that_cannot_be_names_what_is_wrong(service: Running, number: str, body: Any, status: int):
    """Problems as everywhere, and nothing is taken."""
    service.order("bad-1")
    answer = service.post(f"/v1/orders/{number}/cancel", body)
    assert answer.status == status and answer.json()["detail"]
    assert service.get("/v1/orders/bad-1").json()["status"] != "CANCELLED"


def test_what_is_on_hold_is_cancelled_at_its_network(there: Connected):
    """Void with the word; the network hears of it at once."""
    remote_id = held(there, "hold-1")
    assert cancel(there.service, "hold-1").json()["lines"][0]["void"] == 1
    there.until(lambda: there.amazon.report()["orders"][remote_id]["state"] == "CANCELLED")
    assert there.service.get("/v1/orders/hold-1").json()["status"] == "CANCELLED"


def _sent(there: Connected, remote_id: str) -> bytes:
    """The stored bytes of a dispatch, opened."""
    people: People = there.service.service.people
    row = people.store.payload(remote_id)
    assert row is not None
    person = people.store.person(row.person_id)
    assert person is not None
    return people.vault.open_for(person, row.sealed)


def _alias(sent: bytes) -> str:
    found: str = json.loads(sent)["destination"]["deliveryAddress"]["name"]
    return found


def test_a_new_address_goes_out_with_the_next_attempt(there: Connected):
    """What was on hold is cancelled there, and the same units go out anew under another id, sealed with the new street."""
    first = held(there, "move-1")
    answer = address(there.service, "move-1", customer={"street": "9 Other Street", "city": "Boston"})
    assert answer.status == 200, answer.body
    assert answer.json()["called_back"] == ["api:move-1/1"] and b"Other" not in answer.body
    second = there.until(
        lambda: [each for each in there.dispatches("?order=move-1&state=HELD") if each["id"] != first]
    )[0]["id"]
    before, sent = _sent(there, first), _sent(there, second)
    assert b"9 Other Street" in sent and b"02108" in sent and b"Ann Example" not in sent
    assert _alias(sent) == _alias(before), "the same person of the same order is the same to the network"
    there.until(lambda: there.amazon.report()["orders"][first]["state"] == "CANCELLED")
    assert not there.amazon.report()["double_shipped"]
    assert there.service.get("/v1/orders/move-1").json()["zip"] == "02108"


def test_what_has_left_keeps_its_address_and_its_units(there: Connected):
    """409 with the reason; a cancellation says that it is too late; a ZIP that is none and an unknown order are told before."""
    remote_id = held(there, "late-1")
    assert address(there.service, "late-1", to={**BOSTON, "zip": "1"}).status == 422
    assert address(there.service, "none").status == 404
    said = there.service.post("/v1/hooks/mcf", notification(remote_id, number="late"), {"x-api-key": KEY})
    assert said.status == 200
    refused = address(there.service, "late-1")
    assert refused.status == 409 and "has left" in refused.json()["detail"]
    assert cancel(there.service, "late-1").json()["lines"][0]["too_late"] == 1
    assert there.service.get("/v1/orders/late-1").json()["zip"] == "60614"


def test_an_order_that_names_nobody_takes_a_new_zip_and_no_new_name(service: Running):
    """There is no key that a name could be sealed under."""
    service.order("guest-1")
    refused = address(service, "guest-1", customer={"name": "Somebody"})
    assert refused.status == 422 and "names no person" in refused.json()["detail"]
    assert address(service, "guest-1").status == 200
    order = service.get("/v1/orders/guest-1").json()
    assert (order["zip"], order["state"]) == ("02108", "MA")


def test_the_command_line_says_the_same_to_a_closed_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`tranship cancel` and `tranship address` on a folder, in words and as JSON; a mistake is one sentence."""
    from tests.api.running import running
    from tranship.core.errors import InputError

    with running(tmp_path) as service:
        service.order("cli-1", lines=[{"sku": SKU, "qty": 2}], customer=PERSON)
    run = str(tmp_path / "run")

    def ran(*words: str) -> str:
        app([*words, "--on", run], result_action="return_value")
        return capsys.readouterr().out

    assert "BOSTON" not in ran("address", "cli-1", "--ref", "a", "--zip", "02108", "--state", "MA", "--city", "BOSTON")
    assert "1 void now" in ran("cancel", "cli-1", "1=1", "--ref", "b")
    told = json.loads(ran("cancel", "cli-1", "1=1", "--ref", "b", "--json"))
    assert told["lines"][0]["void"] == 1
    with pytest.raises(InputError, match="LINE=UNITS"):
        ran("cancel", "cli-1", "one", "--ref", "c")
    with pytest.raises(InputError, match="five digits"):
        ran("address", "cli-1", "--ref", "d", "--zip", "1")
