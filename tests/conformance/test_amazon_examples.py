"""The vendor's own examples and files under the sandbox's strict judge: what it accepts, and that it is no rubber stamp."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.running import amazon
from tests.support import shared
from tranship.sandbox.amazon.network import FILES, Amazon
from tranship.sandbox.amazon.notices import SCHEMAS
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.common.clock import Agenda, Clock
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.server import Rules, Server
from tranship.sandbox.common.vendor import Book, judge_of
from tranship.sandbox.common.wire import Reply


def models() -> Path:
    """The folder of all vendors' files."""
    return shared("models")


def examples_2026() -> list[tuple[str, int, Any]]:
    """(operation, status or 0 for the request, document) of every example in the file of 2026-07-04."""
    found = []
    document = json.loads((models() / FILES[0]).read_bytes())
    for methods in document["paths"].values():
        for operation in methods.values():
            if not isinstance(operation, dict) or "operationId" not in operation:
                continue
            name = operation["operationId"]
            for parameter in operation.get("parameters", []):
                found += [(name, 0, example) for example in parameter.get("x-examples", {}).values()]
            for status, response in operation["responses"].items():
                found += [(name, int(status), example) for example in response.get("examples", {}).values()]
    return found


def test_every_example_of_2026_is_valid_strictly():
    """Requests and responses, undeclared properties forbidden."""
    book, examples = Book.load(models() / FILES[0]), examples_2026()
    assert len(examples) >= 14
    for name, status, example in examples:
        judged = book.operations[name].body if not status else None
        wrong = judged(example) if judged else book.response(name, status, example)
        assert wrong == [], (name, status, wrong)


def test_the_example_orders_of_2026_are_taken():
    """Each example of a creation is a 200 of the sandbox, echoed as it came, once its SKU is known."""
    orders = [example for name, status, example in examples_2026() if (name, status) == ("createOrder", 0)]
    assert orders
    with amazon("--any-sku", "10", "--limits", "0") as there:
        for order in orders:
            answer = there.call("POST", "/fulfillment/outbound/2026-07-04/orders", order)
            assert answer.status == 200, answer.body
            assert answer.body["order"]["fulfillmentConfiguration"] == order["fulfillmentConfiguration"]
            assert answer.body["order"]["lineItems"] == order["lineItems"]
            assert answer.body["order"]["destination"] == order["destination"]
        assert there.report()["violations"] == 0


def test_the_judge_is_no_rubber_stamp():
    """A property nobody declared, a missing one, a wrong type, an undeclared status, a body where none belongs: each is found."""
    book = Book.load(models() / FILES[0])
    good = next(example for name, status, example in examples_2026() if (name, status) == ("getOrder", 200))
    assert book.response("getOrder", 200, good) == []
    assert book.response("getOrder", 200, {**good, "more": 1})
    assert book.response("getOrder", 200, {"order": {**good["order"], "lineItems": "none"}})
    assert book.response("getOrder", 200, {"order": {"orderId": "1"}})
    assert book.response("getOrder", 200, good["order"]), "without its wrapper"
    assert book.response("getOrder", 418, good)
    assert book.response("updateOrderStatus", 204, {})
    assert book.request("getOrder", {"orderId": "1"}, {"shipments": ("SOME",)}, {}, None)
    assert book.request("getOrder", {"orderId": "1" * 41}, {}, {}, None)
    assert book.request("listOrders", {}, {"surprise": ("1",)}, {}, None)
    assert book.request("listOrders", {}, {"updatedAfter": ("yesterday",)}, {}, None)
    assert book.request("listOrders", {}, {"updatedAfter": ("2026-11-27T00:00:00Z",)}, {}, None) == []


@pytest.mark.parametrize("file", FILES)
def test_every_operation_of_the_files_is_there(file: str):
    """Same name, method and path; and the built-in limit is the published one."""
    book = Book.load(models() / file)
    network = Amazon(Settings(), Agenda(Clock(0, 0)), Faults())
    offered = {found.name: found for found in network.operations if found.file == file}
    assert set(offered) == set(book.operations)
    for name, described in book.operations.items():
        found = offered[name]
        assert (found.method, found.path) == (described.method, described.path)
        assert found.limit == described.limit or described.limit == Limit(), name


def test_the_example_notification_passes_and_a_broken_one_does_not():
    """FULFILLMENT_ORDER_STATUS: PascalCase, everything required even where there is nothing to tell."""
    schema = json.loads((models() / SCHEMAS["FULFILLMENT_ORDER_STATUS"]).read_bytes())
    judge, example = judge_of(schema), schema["examples"][0]
    assert judge(example) == []
    status = example["Payload"]["FulfillmentOrderStatusNotification"]
    short = {key: value for key, value in status.items() if key != "FulfillmentReturnItem"}
    assert judge({**example, "Payload": {"FulfillmentOrderStatusNotification": short}})


def test_an_answer_that_breaks_the_file_is_a_counted_500():
    """The sandbox judges itself: what a handler got wrong never leaves as if it were right."""
    network = Amazon(Settings(), Agenda(Clock(0, 0)), Faults())
    server = Server(lambda: (network, network.faults), Rules({FILES[0]: Book.load(models() / FILES[0])}))
    operation = next(found for found in network.operations if found.name == "getOrder")
    reply = server._judged(operation, Reply(200, {"order": {"orderId": 1}}))
    assert reply.status == 500
    assert server.report()["violations"] == 1


def test_nothing_of_a_refused_value_is_repeated():
    """A judge's sentence names place and rule, not what somebody wrote there: it may be a person's name."""
    body = next(example for name, status, example in examples_2026() if (name, status) == ("createOrder", 0))
    address = {**body["destination"]["deliveryAddress"], "countryCode": "Jane Doe", "name": 7, "note": "x"}
    wrong = Book.load(models() / FILES[0]).operations["createOrder"].body
    assert wrong is not None
    texts = wrong({**body, "destination": {"deliveryAddress": address}})
    assert len(texts) == 3 and "Jane" not in " ".join(texts), texts
