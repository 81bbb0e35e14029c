"""A vendor's own interface file as judge of every request and response: Swagger 2.0 or OpenAPI 3, strictly.

Strict means that a property nobody declared is a violation. The files themselves almost never say `additionalProperties: false`,
so that plain validation would accept nearly everything. Without the files, or without jsonschema-rs, nothing is validated and
the sandbox says so.
"""

import ipaddress
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tranship.sandbox.common.limits import Limit

MESSAGES_MAX = 5
"""Messages kept of one violation."""
_RATE = re.compile(r"\|\s*([\d.]+)\s*\|\s*(\d+)\s*\|")
_INTEGERS = {"int32": (-(1 << 31), (1 << 31) - 1), "int64": (-(1 << 63), (1 << 63) - 1)}
_METHODS = ("get", "put", "post", "patch", "delete", "head", "options")
_Check = Callable[[object], list[str]]


def vendor_folder(given: str = "") -> Path | None:
    """Where the vendors' files lie: as given, else below $TRANSHIP_SHARED, else beside the checkout or the working folder."""
    shared = os.environ.get("TRANSHIP_SHARED")
    places = [Path(given)] if given else [Path(shared) / "models"] if shared else []
    if not places:
        places = [parent / "shared" / "models" for parent in (Path(__file__).resolve().parents[5], Path.cwd().parent)]
    return next((place for place in places if place.is_dir()), None)


class Parameter(NamedTuple):
    """One declared parameter that is no body."""

    name: str
    where: str
    required: bool
    schema: Mapping[str, Any]
    check: _Check


class Described(NamedTuple):
    """What a file says of one operation."""

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: _Check | None
    body_required: bool
    answers: Mapping[str, _Check | None]  # by status; None: declared, without a body
    limit: Limit


class Book:
    """The operations of one file, by name."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._compile = _Compiler(document)
        self.operations = {found.name: found for found in self._read()}

    @classmethod
    def load(cls, path: Path) -> "Book":
        """Read a file. Needs jsonschema-rs (ImportError without it)."""
        return cls(json.loads(path.read_bytes()))

    def request(
        self,
        name: str,
        path: Mapping[str, str],
        query: Mapping[str, tuple[str, ...]],
        headers: Mapping[str, str],
        body: object,
    ) -> list[str]:
        """What is wrong with a request; nothing where it is right. Undeclared query parameters are wrong."""
        described = self.operations[name]
        wrong = [f"{key}: not a parameter of {name}" for key in query if not _declares(described, key)]
        for parameter in described.parameters:
            wrong += _parameter(parameter, path, query, headers)
        if described.body is not None and body is None and described.body_required:
            wrong.append("body: required")
        elif described.body is not None and body is not None:
            wrong += described.body(body)
        return wrong[:MESSAGES_MAX]

    def response(self, name: str, status: int, body: object) -> list[str]:
        """What is wrong with an answer: an undeclared status, a body that breaks its schema, a body where none is declared."""
        answers = self.operations[name].answers
        if str(status) not in answers:
            return [f"status {status} is not declared for {name}"]
        check = answers[str(status)]
        if check is None:
            return [] if body is None else [f"status {status} of {name} has no body"]
        return [f"status {status} of {name} has a body"] if body is None else check(body)[:MESSAGES_MAX]

    def definition(self, name: str) -> _Check:
        """A judge of one named definition."""
        key = "definitions" if "swagger" in self._document else "components/schemas"
        return self._compile({"$ref": f"#/{key}/{name}"})

    def _read(self) -> Iterator[Described]:
        for path, methods in self._document["paths"].items():
            for method in _METHODS:
                operation = methods.get(method) if isinstance(methods, dict) else None
                if isinstance(operation, dict) and "responses" in operation:  # a stray path has no operation
                    name = operation.get("operationId") or f"{method} {path}"
                    yield self._operation(name, method, path, operation, methods.get("parameters", []))

    def _operation(self, name: str, method: str, path: str, operation: Mapping[str, Any], common: Any) -> Described:
        declared = [self._compile.resolve(found) for found in [*common, *operation.get("parameters", [])]]
        body = next((found for found in declared if found["in"] == "body"), None)
        if "requestBody" in operation:
            content = self._compile.resolve(operation["requestBody"])
            media: Mapping[str, Any] = content.get("content", {}).get("application/json", {})
            body = {"schema": media.get("schema", {}), "required": content.get("required", False)}
        rate = _RATE.search(operation.get("description") or "")
        return Described(
            name,
            method.upper(),
            path,
            tuple(self._parameter(found) for found in declared if found["in"] not in {"body", "cookie"}),
            self._compile(body["schema"]) if body else None,
            bool(body and body.get("required")),
            {status: self._answer(found) for status, found in operation["responses"].items()},
            Limit(round(float(rate[1]) * 1000), int(rate[2])) if rate else Limit(),
        )

    def _parameter(self, found: Mapping[str, Any]) -> Parameter:
        schema = found.get("schema") or {key: found[key] for key in found if key not in {"in", "name", "required"}}
        return Parameter(
            found["name"],
            found["in"],
            bool(found.get("required")),
            self._compile.resolve(schema),
            self._compile(schema),
        )

    def _answer(self, found: Mapping[str, Any]) -> _Check | None:
        found = self._compile.resolve(found)
        schema = found.get("schema")
        if "content" in found:
            media: dict[str, Any] = found["content"]
            kind = "application/json" if "application/json" in media else next(iter(media), "")
            schema = media.get(kind, {}).get("schema")
        return None if schema is None else self._compile(schema)


class _Compiler:
    """Turns schemas of a document into strict judges; each is compiled when it is first needed."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._kept: dict[str, _Check] = {}
        from jsonschema_rs import (
            Draft202012Validator,  # a missing judge is told when a book is opened, not at the first call
        )

        self._make = Draft202012Validator
        self._strict = {
            key: strict(document[key], self.resolve) for key in ("definitions", "components") if key in document
        }

    def resolve(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference leads to."""
        while "$ref" in found:
            target: Any = self._document
            for step in found["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            found = target
        return found

    def __call__(self, schema: Mapping[str, Any]) -> _Check:
        key = json.dumps(schema, sort_keys=True)

        def check(value: object) -> list[str]:
            judge = self._kept.get(key)
            if judge is None:
                judge = self._kept[key] = self._judge(schema)
            return judge(value)

        return check

    def _judge(self, schema: Mapping[str, Any]) -> _Check:
        validator = self._make(
            {**strict(schema, self.resolve), **self._strict},
            validate_formats=True,
            ignore_unknown_formats=True,
            formats={"ip": _is_ip},
        )

        def judge(value: object) -> list[str]:
            return [
                f"{'/'.join(map(str, error.instance_path)) or 'body'}: {_message(error.message)}"
                for error, _ in zip(validator.iter_errors(value), range(MESSAGES_MAX), strict=False)
            ]

        return judge


def judge_of(schema: Mapping[str, Any]) -> _Check:
    """A judge of a plain JSON Schema (a notification's); `$id` marks are passed over, they are no addresses."""
    return _Compiler({})(_without_ids(schema))


def strict(schema: Any, resolve: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    """The same schema, with undeclared properties forbidden wherever properties are declared and nothing else is said."""
    if isinstance(schema, list):
        return [strict(part, resolve) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "allOf" in schema:
        schema = _merged(schema, resolve)
    found = {
        key: strict(value, resolve)
        for key, value in schema.items()
        if key not in {"example", "examples", "description", "x-examples", "discriminator"} or key in _names(schema)
    }
    if "properties" in schema and isinstance(schema["properties"], dict):
        found["properties"] = {key: strict(value, resolve) for key, value in schema["properties"].items()}
        found.setdefault("additionalProperties", False)
    elif schema.get("type") == "object" and "additionalProperties" not in schema and "anyOf" not in schema:
        found["additionalProperties"] = False
    low, high = (
        _INTEGERS.get(schema.get("format", ""), (None, None)) if schema.get("type") == "integer" else (None, None)
    )
    if low is not None:
        found.setdefault("minimum", low)
        found.setdefault("maximum", high)
    return found


def _names(schema: Mapping[str, Any]) -> frozenset[str]:
    """Keys that are names of things rather than words of the schema language: a map whose values are all schemas."""
    if "type" in schema or "$ref" in schema or "properties" in schema:
        return frozenset()
    return frozenset(key for key, value in schema.items() if isinstance(value, dict))


def _merged(schema: Mapping[str, Any], resolve: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> dict[str, Any]:
    """`allOf` as one object: strictness cannot be put on its members one by one."""
    whole: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    properties: dict[str, Any] = dict(whole.get("properties", {}))
    required: list[str] = list(whole.get("required", []))
    for part in schema["allOf"]:
        member = resolve(part)
        member = _merged(member, resolve) if "allOf" in member else member
        properties |= member.get("properties", {})
        required += member.get("required", [])
        for key, value in member.items():
            if key not in {"properties", "required"}:
                whole.setdefault(key, value)
    if properties:
        whole["properties"] = properties
    if required:
        whole["required"] = required
    return whole


def _declares(described: Described, name: str) -> bool:
    return any(parameter.where == "query" and parameter.name == name for parameter in described.parameters)


def _parameter(
    parameter: Parameter,
    path: Mapping[str, str],
    query: Mapping[str, tuple[str, ...]],
    headers: Mapping[str, str],
) -> list[str]:
    values = query.get(parameter.name, ())
    if parameter.where != "query":
        found = path.get(parameter.name) if parameter.where == "path" else headers.get(parameter.name.lower())
        values = () if found is None else (found,)
    if not values:
        return [f"{parameter.name}: required"] if parameter.required else []
    if parameter.schema.get("type") == "array":
        items = tuple(part for value in values for part in value.split(","))
        kind = parameter.schema.get("items", {}).get("type", "string")
        return [f"{parameter.name}: {text}" for text in parameter.check([_typed(item, kind) for item in items])]
    if len(values) > 1:
        return [f"{parameter.name}: given {len(values)} times"]
    wrong = parameter.check(_typed(values[0], str(parameter.schema.get("type", "string"))))
    return [f"{parameter.name}: {text}" for text in wrong]


def _typed(value: str, kind: str) -> object:
    """A parameter's text as its type; as text where it is not of that type, for the schema to refuse."""
    with suppress(ValueError):
        if kind == "integer" and re.fullmatch(r"-?\d{1,30}", value):
            return int(value)
        if kind == "number" and re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", value):
            return float(value)
        if kind == "boolean":
            return {"true": True, "false": False}.get(value.lower(), value)  # Amazon's SDK writes True
    return value


def _is_ip(value: object) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def _message(text: str) -> str:
    """The tail of a judge's sentence: what is expected, without the value, which may be a person's."""
    for mark in (
        " is not ",
        " is a required",
        " is longer",
        " is shorter",
        " has ",
        " does not ",
        " is less",
        " is greater",
    ):
        place = text.rfind(mark)
        if place >= 0:
            quoted = re.match(r'^"[\w$-]{1,60}" is a required property$', text)
            return text if quoted else text[place + 1 :]
    return text if text.startswith("Additional properties") else "breaks the schema"


def _without_ids(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_ids(part) for part in schema]
    if isinstance(schema, dict):
        return {
            key: _without_ids(value)
            for key, value in schema.items()
            if not (key in {"$id", "$schema"} and isinstance(value, str))
        }
    return schema
