"""Judging by a vendor's Swagger 2 file, strictly: what it does not declare is an error."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from tests.support import shared

LIMIT = re.compile(r"\|\s*([\d.]+)\s*\|\s*(\d+)\s*\|")


@cache
def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


class Vendor:
    """One file of the Selling Partner API; the test that asks for it is skipped where it is absent."""

    def __init__(self, name: str) -> None:
        self.file = _read(shared("models", "sp-api", "models", f"{name}.json"))

    def operation(self, operation_id: str) -> dict[str, Any]:
        """An operation by its id."""
        return self._find(operation_id)[2]

    def path(self, operation_id: str) -> tuple[str, str]:
        """Its method and path."""
        path, method, _ = self._find(operation_id)
        return method.upper(), path

    def _find(self, operation_id: str) -> tuple[str, str, dict[str, Any]]:
        for path, methods in self.file["paths"].items():
            for method, operation in methods.items():
                if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                    return path, method, operation
        raise KeyError(operation_id)

    def limit(self, operation_id: str) -> tuple[int, int]:
        """The published rate in thousandths a second, and the burst."""
        found = LIMIT.search(self.operation(operation_id)["description"])
        assert found, operation_id
        return round(float(found.group(1)) * 1000), int(found.group(2))

    def queries(self, operation_id: str) -> dict[str, dict[str, Any]]:
        """The query parameters of an operation."""
        return {given["name"]: given for given in self.operation(operation_id)["parameters"] if given["in"] == "query"}

    def body_judge(self, operation_id: str) -> jsonschema_rs.Validator:
        """What judges a request's body."""
        body = next(given for given in self.operation(operation_id)["parameters"] if given["in"] == "body")
        return self._judge(body["schema"])

    def answer_judge(self, operation_id: str, status: str = "200") -> jsonschema_rs.Validator:
        """What judges an answer's body."""
        return self._judge(self.operation(operation_id)["responses"][status]["schema"])

    def example(self, operation_id: str, status: str = "200") -> Any:
        """The file's own example of an answer."""
        return self.operation(operation_id)["responses"][status]["examples"]["application/json"]

    def _judge(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        whole = {
            "$schema": "http://json-schema.org/draft-04/schema#",
            **schema,
            "definitions": self.file["definitions"],
        }
        if "$ref" in schema:
            whole = {"allOf": [schema], "definitions": self.file["definitions"]}
        return jsonschema_rs.Draft4Validator(strict(whole), validate_formats=True)


def strict(schema: Any) -> Any:
    """The schema with undeclared properties forbidden wherever properties are declared."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(part) for key, part in schema.items() if key not in {"example", "examples", "x-example"}}
    if (
        isinstance(found.get("properties"), dict)
        and found.get("type") == "object"
        and "additionalProperties" not in found
    ):
        found["additionalProperties"] = False
    return found


def objections(judge: jsonschema_rs.Validator, value: object) -> list[str]:
    """What a judge has against a value."""
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in judge.iter_errors(value)]
