"""The OpenAPI document says what the service does, no more and no less."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.api.running import NDJSON, SKU, Running, order


@pytest.fixture(name="schema")
def _schema(service: Running) -> dict[str, Any]:
    found = service.get("/schema/openapi.json").json()
    assert isinstance(found, dict)
    return found


def refs(node: object) -> Iterator[str]:
    """Every reference below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def check(schema: dict[str, Any], name: str, value: object) -> None:
    """Hold a value against a component of the document."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}
    jsonschema_rs.validator_for(whole).validate(value)


def test_it_is_a_sound_document(schema: dict[str, Any]):
    """Version 3.1, every reference leads somewhere, every operation has an id and an error, every schema is one."""
    assert schema["openapi"] == "3.1.0" and schema["info"]["title"] == "Tranship"
    for ref in refs(schema):
        node: Any = schema
        for step in ref.removeprefix("#/").split("/"):
            node = node[step]
    operations = [op for path in schema["paths"].values() for op in path.values()]
    ids = [op["operationId"] for op in operations]
    assert len(set(ids)) == len(ids) and all(op["summary"] and op["responses"] for op in operations)
    for component in schema["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **component})
    assert "://" not in json.dumps(schema["paths"]) + json.dumps(schema["components"])


def test_every_route_is_in_it_and_answers(service: Running, schema: dict[str, Any]):
    """Each path of the document is served; each route under /v1 is in the document."""
    from tranship.api.app import HANDLERS

    routes = {re.sub(r":str}", "}", path) for handler in HANDLERS for path in handler.paths}
    assert routes - {"/sign-in"} == set(schema["paths"])
    for path, operations in schema["paths"].items():
        for method in operations:
            if path != "/v1/events":
                answer = service.ask(method.upper(), path.replace("{order_id}", "none"))
                assert str(answer.status) in operations[method]["responses"], (method, path, answer.status)


def test_answers_are_as_it_says(service: Running, schema: dict[str, Any]):
    """What the service answers fits the schema it announces, problems included."""
    example = schema["paths"]["/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["example"]
    check(schema, "OrderIn", example)
    answer = service.post("/v1/orders", {**example, "number": "W1"})
    assert answer.status == 201
    check(schema, "RoutedOut", answer.json())
    parked = service.order("W2", lines=[{"sku": "DEMO-012", "qty": 20_000}])
    check(schema, "RoutedOut", parked.json())
    check(schema, "OrderNow", service.get("/v1/orders/W2").json())
    check(schema, "Story", service.get("/v1/orders/W2/explanation").json())
    check(schema, "StateNow", service.get("/v1/state").json())
    check(schema, "Health", service.get("/readyz").json())
    check(schema, "Problem", service.post("/v1/orders", b"{").json())
    check(schema, "Problem", service.order("W3", lines=[]).json())
    receipt = {"ref": "W4", "node": "HOME", "lines": [{"sku": SKU, "qty": 5}]}
    check(schema, "ReceiptIn", receipt)
    check(schema, "ReceiptTaken", service.post("/v1/receipts", receipt).json())
    body = json.dumps(order("W5")).encode() + b"\n{\n"
    for line in service.ask("POST", "/v1/orders", body, NDJSON).body.splitlines():
        check(schema, "BulkResultOut", json.loads(line))


def test_what_it_forbids_is_refused(service: Running, schema: dict[str, Any]):
    """The patterns of the document mean the same to its readers as to the service."""
    for change in ({"number": "a b"}, {"number": "a\n"}, {"lines": []}, {"extra": 1}, {"source": "A" * 33}):
        body = order("W6", **{k: v for k, v in change.items() if k != "number"}) | change
        with pytest.raises(jsonschema_rs.ValidationError):
            check(schema, "OrderIn", body)
        assert service.post("/v1/orders", body).status == 422


def test_what_people_type_in_and_nothing_erases_is_marked(schema: dict[str, Any]):
    """Reasons go into the journal word for word: whoever reads the document is told to write nobody's data into them."""
    found = schema["components"]["schemas"]
    for name, field in [("RecallIn", "reason"), ("SendIn", "reason"), ("SettleIn", "reason"), ("BreakerIn", "why"),
                        ("ShelfIn", "reason"), ("AdoptIn", "reason")]:  # fmt: skip
        assert "No personal data" in found[name]["properties"][field]["description"]
